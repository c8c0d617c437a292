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
		t.Errorf("%s, %s to %s: read %+v; want %+v", c.row.Name, c.column.server.Name, c.column.client.Name, c.got, c.want)
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
		t.Errorf("printed %s; want all right", text.String())
	}
}

// TestWrongCellsAreSaid, with what was read and what should have been.
func TestWrongCellsAreSaid(t *testing.T) {
	row, _ := codes.Default().Lookup(1004)
	c := columns()[0]
	bad := cell{c, row, fleet.Reading{Code: 5, Msg: "x"}, handlers(row)}
	m := &matrix{columns: columns()[:1], rows: []codes.Row{row}, cells: map[string][]cell{row.Name: {bad}}}
	var text strings.Builder
	m.print(&text)
	for _, want := range []string{"5!", "! RecordNotFound, OpenIM's mw, OpenIM's mw: read {Code:5 Msg:x", "0 of 1 right"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("printed %s; want %q in it", text.String(), want)
		}
	}
}
