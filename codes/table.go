package codes

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/internal/errorinfo"
	logtext "github.com/errstatus/errstatus/internal/text"
)

// A Table describes the codes of one type under one domain, with a [Row] for
// each. It is immutable and safe for concurrent use. Make one with [NewTable]:
// a nil or zero Table has no rows and no defaults, and most of its methods panic.
//
// The rows that its methods return are copies, except that all copies share their slices,
// such as Localized: don't change the elements.
type Table struct {
	domain      string
	codeType    reflect.Type
	rows        []*entry // in the order of declaration
	byNumber    map[Number]*entry
	byReason    map[string]*entry
	byName      map[string]*entry
	byErrorInfo map[string]*entry                     // by the bytes of their ErrorInfo, without number 0
	defaults    [grpccodes.Unauthenticated + 1]*entry // by canonical code, with fallbacks
}

// NewTable returns a table of the codes of one type. It copies the rows. Each row
// must have
//
//   - a Code of the same type as in the other rows, of kind int32, with a unique
//     number that is not negative. Its Number method must return its value;
//   - a unique reason that follows AIP-193: [A-Z][A-Z0-9_]+[A-Z0-9] with at most
//     63 bytes. ERROR_CODE_ followed by digits is reserved for codes without a row.
//     The reason of number 0 is never sent and may have only one or two bytes, as OK;
//   - a canonical code in 0..16: OK if the number is 0, another code if it isn't.
//
// All other fields are optional. An empty name becomes the reason. An empty
// message becomes the words of the reason: "card declined" for CARD_DECLINED, and "no error"
// for number 0. These are the rules for the rest:
//
//   - Names and other names are unique among all of them, and valid UTF-8.
//   - Former reasons have the form of reasons, and are unique among all reasons and former
//     reasons. Number 0 has none.
//   - The message and the localized messages are valid UTF-8, and neither begin nor end with
//     a space: some clients read such a message as an empty one.
//   - Names, messages and localized messages have neither control characters, bidirectional
//     controls nor zero-width characters. Localized messages alone may have the joiners
//     U+200C and U+200D, which some languages need.
//   - The locale of each localized message is a language tag of BCP 47. There is at most one
//     for each. It has a message, a template or both.
//   - FaultOverride and RetryOverride have one of the constants' values. Number 0 has the zero
//     value.
//   - A Template has at least one parameter and no other braces. It follows the rules of
//     messages. A name matches [a-z][a-z0-9_]+, has at most 64 bytes, and is neither "code"
//     nor "truncated". Localized templates have exactly the names of the row's template, in
//     any order. The messages of such a row have no {name}, and number 0 has no template.
//
// Number 0 needs no row: it is success in any case. Each canonical code has at most one
// default row. INTERNAL and UNKNOWN need none: if one is missing, the table has a fallback code
// for it, see [Table.DefaultFor]. Then INTERNAL, or UNKNOWN, is reserved: no row may have it as
// a reason, a former reason, a name or another name. Number 0 alone may have it as a name. The domain has 1 to 253 bytes, without spaces,
// slashes and hidden characters.
//
// The error lists everything that is wrong, with the row in every line.
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
// ones: it panics if NewTable returns an error.
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
		if checkCode(r.Code) == nil { // else NewTable refuses it
			if i, ok := index[r.Code.Number()]; ok {
				all[i] = r
				delete(index, r.Code.Number()) // NewTable refuses a second row with this number
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

// Domain returns the domain in google.rpc.ErrorInfo for the codes of the table,
// such as "openim.io".
func (t *Table) Domain() string { return t.domain }

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// All returns an iterator over the rows in the order in which they were declared.
func (t *Table) All() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, e := range t.rows {
			if !yield(e.Row) {
				return
			}
		}
	}
}

// Lookup returns the row of a number and true. If the table has no such row, Lookup makes
// one up and returns false:
//
//   - For 1305 it has the name "ErrorCode(1305)" (from the name of the Go type), the reason
//     "ERROR_CODE_1305", the canonical code UNKNOWN, and the messages of UNKNOWN's default
//     row or, without one, "unknown error". Nothing else of the default row applies.
//   - For 0 it has the canonical code OK and the message "no error".
//   - For the number of a fallback code (see [Table.DefaultFor]) the name and the reason are
//     INTERNAL with the message "internal error", or UNKNOWN with "unknown error".
func (t *Table) Lookup(number Number) (row Row, ok bool) {
	if e, ok := t.byNumber[number]; ok {
		return e.Row, true
	}
	return t.unknown(number), false
}

// Has reports whether the table has a row for a number.
func (t *Table) Has(number Number) bool {
	_, ok := t.byNumber[number]
	return ok
}

// Label returns the reason of the row with a number, or "_OTHER" if the table has none. A
// fallback code has its reason, INTERNAL or UNKNOWN. Use Label instead of the function
// [Label] if the code's row is in another table than that of code.Table().
func (t *Table) Label(number Number) string {
	if e, ok := t.byNumber[number]; ok {
		return e.Reason
	}
	if e := t.fallback(number); e != nil {
		return e.Reason
	}
	return otherLabel
}

// ByReason returns the row with a reason or, if a code had that reason before, the row of
// that code: then row.Reason is its present one. It returns the zero Row and false if there
// is none. Reasons are compared exactly.
func (t *Table) ByReason(reason string) (row Row, ok bool) {
	if e, ok := t.byReason[reason]; ok {
		return e.Row, true
	}
	return Row{}, false
}

// Code returns the code with a number, in the type of the table's codes. The
// number doesn't need a row.
func (t *Table) Code(number Number) Code {
	if e, ok := t.byNumber[number]; ok {
		return e.Code
	}
	c := reflect.New(t.codeType).Elem()
	c.SetInt(int64(number))
	return c.Interface().(Code)
}

// DefaultFor returns the default code for a canonical code: that of the row with
// Default set, such as [RecordNotFound] for NOT_FOUND. If there is no such row, or
// canonical is outside 0..16, it returns UNKNOWN's default. For OK it returns the
// code with number 0.
//
// If the table has no default row for INTERNAL or UNKNOWN, DefaultFor returns a fallback
// code. It has the type of the table's codes and the number -13 or -2, the negative
// canonical code. It has no row: Has(code.Number()) is false. [Table.Lookup] makes one up,
// with the name INTERNAL or UNKNOWN, which [Table.Parse] reads. A fallback code can't be
// sent, and no received status carries it. It exists only because some functions must return a
// value, such as status.Code for an error without a code. Don't compare errors with it.
func (t *Table) DefaultFor(canonical grpccodes.Code) Code {
	if canonical == grpccodes.OK {
		return t.Code(0)
	}
	if canonical < grpccodes.Code(len(t.defaults)) && t.defaults[canonical] != nil {
		return t.defaults[canonical].Code
	}
	return t.defaults[grpccodes.Unknown].Code
}

// Parse returns the code with a name, a reason or a number in decimal, such as
// "RecordNotFound", "RECORD_NOT_FOUND" or "1004". It also reads other names, former
// reasons, and the name and the reason of a code without a row, "ErrorCode(1305)" and
// "ERROR_CODE_1305", or "INTERNAL" for a fallback code. If a text is the name of one code
// and the reason of another, the name counts.
//
// The number is any int32 as [strconv.Itoa] writes it. Names and reasons are
// compared exactly. For any other text Parse returns nil and an error that quotes
// the text.
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
		return nil, fmt.Errorf("codes: no %s is called %q: give a name such as %q, a reason such as %q, or a 32-bit number",
			t.codeType.Name(), logtext.Shorten(text, logtext.MaxLen), t.example().Name, t.example().Reason)
	}
	return t.Code(Number(number)), nil
}

// example returns the first row of an error or, if all codes are success, the first row.
func (t *Table) example() *entry {
	i := max(0, slices.IndexFunc(t.rows, func(e *entry) bool { return e.GRPCCode != grpccodes.OK }))
	return t.rows[i]
}

// nameOf returns the name of a number that has no row.
func (t *Table) nameOf(number Number) string {
	return t.codeType.Name() + "(" + strconv.Itoa(int(number)) + ")"
}

// unknown makes up the row of a number that has none.
func (t *Table) unknown(number Number) Row {
	if e := t.fallback(number); e != nil {
		return e.Row
	}
	row := Row{
		Code:   t.Code(number),
		Name:   t.nameOf(number),
		Reason: errorinfo.UnknownReason(int32(number)),
	}
	if number == 0 {
		row.GRPCCode, row.Message = grpccodes.OK, noError
	} else {
		like := t.defaults[grpccodes.Unknown]
		row.GRPCCode, row.Message = grpccodes.Unknown, like.Message
		row.Localized = withoutTemplates(like.Localized) // the parameters are those of another code
	}
	return row
}
