package codes

import (
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// A Table has what is known of the codes of one type: a [Row] for each, under
// one domain. It is immutable and safe for concurrent use. Make one with
// [NewTable]; the zero Table is of no use.
//
// The rows that its methods return are copies that share one slice, Localized:
// don't change the elements of that.
type Table struct {
	domain      string
	codeType    reflect.Type
	rows        []*entry // in the order of declaration
	byNumber    map[Number]*entry
	byReason    map[string]*entry
	byName      map[string]*entry
	byErrorInfo map[string]*entry // of errors
	defaults    [grpccodes.Unauthenticated + 1]*entry
}

// NewTable makes a table of the codes of one type. Each row must have
//
//   - a Code of the same type as the other rows', of kind int32, with a number
//     of its own that is not negative;
//   - a reason of its own that follows AIP-193, [A-Z][A-Z0-9_]+[A-Z0-9] in 63
//     bytes at most, and is not ERROR_CODE_ with a number, the reason of a code
//     without a row;
//   - a name of its own;
//   - a canonical code in 0..16: OK if the number is 0, and only then;
//   - a message, in valid UTF-8, as must be the localized ones.
//
// Each canonical code has one default row at most; INTERNAL and UNKNOWN have
// one. The domain has 1 to 253 bytes. The error lists everything that is wrong,
// each line with the row it is in.
func NewTable(domain string, rows ...Row) (*Table, error) {
	t := &Table{
		domain:      domain,
		rows:        make([]*entry, 0, len(rows)),
		byNumber:    make(map[Number]*entry, len(rows)),
		byReason:    make(map[string]*entry, len(rows)),
		byName:      make(map[string]*entry, len(rows)),
		byErrorInfo: make(map[string]*entry, len(rows)),
	}
	if err := t.fill(rows); err != nil {
		return nil, err
	}
	return t, nil
}

// MustTable is [NewTable] for rows that are known to be right, such as generated
// ones: it panics where NewTable has an error.
func MustTable(domain string, rows ...Row) *Table {
	t, err := NewTable(domain, rows...)
	if err != nil {
		panic(err)
	}
	return t
}

// WithRows returns a copy of t in which each of the rows replaces the row with the
// same number, or comes after the others if there is none. The rows of the copy
// must follow the rules of [NewTable]. t doesn't change.
//
// The Table method of the codes still returns t. To use the copy, give it to the
// interceptors.
func (t *Table) WithRows(rows ...Row) (*Table, error) {
	all := make([]Row, 0, len(t.rows)+len(rows))
	index := make(map[Number]int, len(t.rows))
	for _, e := range t.rows {
		index[e.Code.Number()] = len(all)
		all = append(all, e.Row)
	}
	for _, r := range rows {
		if r.Code != nil {
			if i, ok := index[r.Code.Number()]; ok {
				all[i] = r
				delete(index, r.Code.Number()) // a second one is a duplicate
				continue
			}
		}
		all = append(all, r)
	}
	return NewTable(t.domain, all...)
}

// MustWithRows is [Table.WithRows] for rows that are known to be right: it panics
// if WithRows returns an error.
func (t *Table) MustWithRows(rows ...Row) *Table {
	table, err := t.WithRows(rows...)
	if err != nil {
		panic(err)
	}
	return table
}

// Domain is google.rpc.ErrorInfo's domain for the codes of the table.
func (t *Table) Domain() string { return t.domain }

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// All iterates over the rows in the order of their declaration.
func (t *Table) All() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, e := range t.rows {
			if !yield(e.Row) {
				return
			}
		}
	}
}

// Lookup is the row of a number. Where the table has none, ok is false and the
// row is what such a code counts as: the number is kept, the name is
// "ErrorCode(1305)", after the type, the reason ERROR_CODE_1305, and the rest is
// that of the default row of UNKNOWN.
func (t *Table) Lookup(number Number) (row Row, ok bool) {
	if e, ok := t.byNumber[number]; ok {
		return e.Row, true
	}
	return t.unknown(number), false
}

// Has tells whether the table has a row for a number.
func (t *Table) Has(number Number) bool {
	_, ok := t.byNumber[number]
	return ok
}

// ByReason is the row of a reason; reasons are compared exactly.
func (t *Table) ByReason(reason string) (row Row, ok bool) {
	if e, ok := t.byReason[reason]; ok {
		return e.Row, true
	}
	return Row{}, false
}

// Code is the code of a number, in the type of the table's codes. The number may
// be any: a code without a row keeps it.
func (t *Table) Code(number Number) Code {
	if e, ok := t.byNumber[number]; ok {
		return e.Code
	}
	c := reflect.New(t.codeType).Elem()
	c.SetInt(int64(number))
	return c.Interface().(Code)
}

// DefaultFor is the code to assume where there is no more than a canonical code:
// that of its default row, else that of UNKNOWN's. For OK it is number 0.
func (t *Table) DefaultFor(code grpccodes.Code) Code {
	if code == grpccodes.OK {
		return t.Code(0)
	}
	if code < grpccodes.Code(len(t.defaults)) && t.defaults[code] != nil {
		return t.defaults[code].Code
	}
	return t.defaults[grpccodes.Unknown].Code
}

// Parse is the code that text names: by its name, its reason, or its number in
// decimal, also as the name or the reason of a code without a row,
// "ErrorCode(1305)" or "ERROR_CODE_1305". The number may be any int32, written as
// strconv does; names are compared exactly.
func (t *Table) Parse(text string) (Code, error) {
	if e, ok := t.byName[text]; ok {
		return e.Code, nil
	}
	if e, ok := t.byReason[text]; ok {
		return e.Code, nil
	}
	digits := strings.TrimPrefix(text, errorinfo.UnknownPrefix)
	if open := len(t.codeType.Name()) + 1; len(text) > open+1 && text[:open] == t.codeType.Name()+"(" && text[len(text)-1] == ')' {
		digits = text[open : len(text)-1]
	}
	number, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || strconv.FormatInt(number, 10) != digits {
		return nil, fmt.Errorf("codes: no %s is called %q: give a name such as %q, a reason such as %q, or a number of 32 bits",
			t.codeType.Name(), text, t.defaults[grpccodes.Internal].Name, t.defaults[grpccodes.Internal].Reason)
	}
	return t.Code(Number(number)), nil
}

// unknown is the row of a number that has none.
func (t *Table) unknown(number Number) Row {
	row := t.defaults[grpccodes.Unknown].Row
	row.Code = t.Code(number)
	row.Name = t.codeType.Name() + "(" + strconv.Itoa(int(number)) + ")"
	row.Reason = errorinfo.UnknownReason(int32(number))
	row.Default = false
	if number == 0 {
		row.GRPCCode = grpccodes.OK
	}
	return row
}
