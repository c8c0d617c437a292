package main

import (
	"strings"
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
)

func TestMatrix(t *testing.T) {
	fleet.Quiet()
	m, err := run()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.wrong() {
		t.Errorf("%s, server %s, client %s: read %+v, sent as %d; want %+v, %d", c.row.Name, c.column.server.Name, c.column.client.Name, c.got, c.gotWire, c.want, c.wantWire)
	}
	var text strings.Builder
	m.print(&text)
	for row := range codes.Default().All() {
		line, _, _ := strings.Cut(text.String()[strings.Index(text.String(), "  "+row.Name+" "):], "\n")
		if got := strings.Fields(line); len(got) != 1+5*clients {
			t.Errorf("%s has %d cells: %q; want %d", row.Name, len(got)-1, line, 5*clients)
		}
	}
	if !strings.HasSuffix(text.String(), "\n1260 of 1260 right\n") {
		t.Errorf("printed\n%s\nwant all cells right", text.String())
	}
}

// The matrix prints what the client read in a wrong cell, and what it should read.
func TestWrongCellsArePrinted(t *testing.T) {
	row, _ := codes.Default().Lookup(1004)
	c := columns()[0]
	for name, tt := range map[string]struct {
		bad  cell
		want []string
	}{
		"another number":  {cell{column: c, row: row, got: fleet.Reading{Code: 5, Msg: "x"}, want: handlers(row)}, []string{" 5!", "read {Code:5 Msg:x"}},
		"another message": {cell{column: c, row: row, got: fleet.Reading{Code: 1004, Msg: "x", Detail: "row 42"}, want: handlers(row)}, []string{" 1004!", "Msg:x"}},
		"the other form":  {cell{column: c, row: row, got: handlers(row), want: handlers(row), gotWire: 1004, wantWire: 5}, []string{" =!", "sent as 1004; want"}},
	} {
		m := &matrix{columns: columns()[:1], rows: []codes.Row{row}, cells: map[string][]cell{row.Name: {tt.bad}}}
		var text strings.Builder
		m.print(&text)
		for _, want := range append(tt.want, "! RecordNotFound, from OpenIM mw to OpenIM mw: ", "0 of 1 right") {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: printed\n%s\nwant %q in it", name, text.String(), want)
			}
		}
	}
}
