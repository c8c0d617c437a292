package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
)

const legend = `
A handler returns errs.NewCodeError(number, "<name>Error").WithDetail("row 42"). The client reads:
  =    the number, the message and the detail
  n    another number: 1 to 16 are gRPC's canonical codes, 500 is OpenIM's internal error
  ok   success
  !    something else than expected

Servers: OpenIM's two, and errstatus with WithOpenIMForm: OpenIMNever, OpenIMAlways and OpenIMNegotiated.
Clients: mw and cv (convert) are OpenIM's, es is errstatus, ad is errstatus with the adapter. es and ad announce that they
read canonical statuses. Their errors have the received grpc-status, which is checked too.
`

// print writes a line for each code, and then the wrong cells.
func (m *matrix) print(w io.Writer) {
	servers, names := fmt.Sprintf("%36s", ""), fmt.Sprintf("%6s  %-28s", "number", "name")
	for i := 0; i < len(m.columns); i += clients {
		servers += gap + fmt.Sprintf("%-*s", clients*cellWidth, m.columns[i].server.Name)
		names += gap + fmt.Sprintf("%-*s%-*s%-*s%-*s", cellWidth, "mw", cellWidth, "cv", cellWidth, "es", cellWidth, "ad")
	}
	fmt.Fprintf(w, "%s\n%s\n", strings.TrimRight(servers, " "), strings.TrimRight(names, " "))
	for _, row := range m.rows {
		line := fmt.Sprintf("%6d  %-28s", row.Code.Number(), row.Name)
		for i, c := range m.cells[row.Name] {
			if i%clients == 0 {
				line += gap
			}
			line += fmt.Sprintf("%-*s", cellWidth, c)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	fmt.Fprint(w, legend)
	wrong := m.wrong()
	for _, c := range wrong {
		fmt.Fprintf(w, "! %s, from %s to %s: read %+v, sent as %d; want %+v, %d\n",
			c.row.Name, c.column.server.Name, c.column.client.Name, c.got, c.gotWire, c.want, c.wantWire)
	}
	fmt.Fprintf(w, "\n%d of %d right\n", len(m.rows)*len(m.columns)-len(wrong), len(m.rows)*len(m.columns))
}

const (
	clients   = 4 // columns of each server
	cellWidth = 4
	gap       = "   " // before the columns of a server
)

// String returns the cell as the matrix prints it.
func (c cell) String() string {
	text := strconv.Itoa(c.got.Code)
	switch c.got {
	case handlers(c.row):
		text = "="
	case fleet.Reading{}:
		text = "ok"
	}
	if !c.right() {
		text += "!"
	}
	return text
}
