package codes

import (
	"fmt"
	"slices"

	grpccodes "google.golang.org/grpc/codes"
)

// noError is the message of number 0 if its row gives none.
const noError = "no error"

// needsDefault has the canonical codes that have a default in every table: a row, or else a
// fallback code. [Table.DefaultFor] documents it.
var needsDefault = []grpccodes.Code{grpccodes.Unknown, grpccodes.Internal}

// withoutDefault returns the canonical codes of needsDefault for which no row is the default.
func withoutDefault(rows []Row) (canonical []grpccodes.Code) {
	for _, c := range needsDefault {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.Default && r.GRPCCode == c }) {
			canonical = append(canonical, c)
		}
	}
	return canonical
}

// checkReserved refuses the names and reasons of a row that belong to the fallbacks for the
// canonical codes.
func checkReserved(row Row, canonical []grpccodes.Code) (wrong []error) {
	for _, c := range canonical {
		check := func(what string, texts ...string) {
			if name := canonicalName(c); slices.Contains(texts, name) {
				wrong = append(wrong, fmt.Errorf("%s %q is reserved in a table without a default row for %s: choose another, or set default: true (in Go, Default) on a row with that canonical code", what, name, name))
			}
		}
		check("reason", row.Reason)
		check("former reason", row.FormerReasons...)
		if row.Code.Number() == 0 {
			continue // many enums begin with the name UNKNOWN
		}
		if row.Name != row.Reason {
			check("name", row.Name)
		}
		check("other name", row.OtherNames...)
	}
	return wrong
}

// addFallbacks adds the fallbacks for the canonical codes to a table whose rows are right.
func (t *Table) addFallbacks(canonical []grpccodes.Code) error {
	for _, c := range canonical {
		code, name := t.Code(-Number(c)), canonicalName(c)
		if err := checkCode(code); err != nil {
			return fmt.Errorf("type %v: %w", t.codeType, err)
		}
		e := newEntry(t.domain, Row{Code: code, Name: name, Reason: name, GRPCCode: c, Message: wordsOf(name) + " error"})
		if t.byName[name] != nil { // number 0 has the name
			e.Name = t.nameOf(-Number(c))
		}
		t.defaults[c], t.byName[e.Name] = e, e
	}
	return nil
}

// fallback returns the fallback with a number, or nil if the table has none.
func (t *Table) fallback(number Number) *entry {
	if number >= 0 || number < -Number(grpccodes.Unauthenticated) {
		return nil
	}
	if e := t.defaults[-number]; e != nil && !e.Default {
		return e
	}
	return nil
}
