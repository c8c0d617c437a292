package openim_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/errstatus/errstatus/codes"
	openim "github.com/errstatus/errstatus/docs/codes"
	"github.com/errstatus/errstatus/internal/reference"
)

func openIM(t *testing.T) *reference.Reference {
	t.Helper()
	r, err := reference.Read(strings.NewReader(openim.Reference))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whoever meets a code reads what happened and what to do, about this code and not about any.
func TestEachCodeHasTextsOfItsOwn(t *testing.T) {
	seen := map[string]string{}
	for _, c := range openIM(t).Codes {
		for _, text := range []string{c.Explanation, c.Resolution} {
			if !strings.HasSuffix(text, ".") || len(text) < 40 {
				t.Errorf("%s has the text %q; want a sentence", c.Name, text)
			}
			if first := seen[text]; first != "" {
				t.Errorf("%s has the text of %s: %q", c.Name, first, text)
			}
			seen[text] = c.Name
		}
	}
}

// The reference describes the table that programs use.
func TestReferenceIsTheDefaultTables(t *testing.T) {
	table, err := openIM(t).Table()
	if err != nil {
		t.Fatal(err)
	}
	rows := func(table *codes.Table) (rows []codes.Row) {
		for row := range table.All() {
			row.Code = codes.ErrorCode(row.Code.Number())
			rows = append(rows, row)
		}
		return rows
	}
	if diff := cmp.Diff(rows(codes.Default()), rows(table)); diff != "" || table.Domain() != codes.Default().Domain() {
		t.Errorf("the reference of %s differs from the default table (-table +reference):\n%s", table.Domain(), diff)
	}
}
