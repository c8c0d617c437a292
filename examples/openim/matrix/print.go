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
  =     the number, the message and the detail
  n     n for its number; 1 to 16 are gRPC's codes
  ok    success
  !     not what it should

Servers: OpenIM's two, and errstatus with WithLegacy(never), (always) and (negotiated).
Clients: OpenIM's mw and cv (convert); es, errstatus; ad, errstatus with the adapter. Both announce that they read
canonical statuses.
`

// print writes a line a code, and then what was wrong.
func (m *matrix) print(w io.Writer) {
	servers, names := fmt.Sprintf("%36s", ""), fmt.Sprintf("%6s  %-28s", "number", "name")
	for i := 0; i < len(m.columns); i += clients {
		servers += fmt.Sprintf("  %-*s", groupWidth, m.columns[i].server.Name)
		names += fmt.Sprintf("  %-5s%-5s%-5s%-5s", "mw", "cv", "es", "ad")
	}
	fmt.Fprintf(w, "%s\n%s\n", strings.TrimRight(servers, " "), strings.TrimRight(names, " "))
	for _, row := range m.rows {
		line := fmt.Sprintf("%6d  %-28s", row.Code.Number(), row.Name)
		for i, c := range m.cells[row.Name] {
			if i%clients == 0 {
				line += "  "
			}
			line += fmt.Sprintf("%-5s", c)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	fmt.Fprint(w, legend)
	wrong := m.wrong()
	for _, c := range wrong {
		fmt.Fprintf(w, "! %s, %s, %s: read %+v; want %+v\n", c.row.Name, c.column.server.Name, c.column.client.Name, c.got, c.want)
	}
	fmt.Fprintf(w, "\n%d of %d right\n", len(m.rows)*len(m.columns)-len(wrong), len(m.rows)*len(m.columns))
}

const (
	clients    = 4 // of each server
	groupWidth = clients * 5
)

// String is the cell in print.
func (c cell) String() string {
	text := strconv.Itoa(c.got.Code)
	switch c.got {
	case handlers(c.row):
		text = "="
	case fleet.Reading{}:
		text = "ok"
	}
	if c.got != c.want {
		text += "!"
	}
	return text
}
