package status

import (
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// tables are the tables that an Encoder or Decoder was given, one a domain. The
// default table and, for a code at hand, the code's own table come after them.
type tables []*codes.Table

// first is the table for what names no domain.
func (ts tables) first() *codes.Table {
	if len(ts) == 0 {
		return codes.Default()
	}
	return ts[0]
}

// of is the table that says what a code is: the one given for its domain, if that
// has a row for it, else the code's own.
func (ts tables) forCode(code codes.Code) *codes.Table {
	own := code.Table()
	for _, t := range ts {
		if t.Domain() == own.Domain() && t.Has(code.Number()) {
			return t
		}
	}
	return own
}

// numbered is the table that says what a number in the place of a canonical code
// is: the first with a row for it, the default table last, else the first of all.
func (ts tables) forNumber(number int32) *codes.Table {
	for _, t := range ts {
		if t.Has(number) {
			return t
		}
	}
	if codes.Default().Has(number) {
		return codes.Default()
	}
	return ts.first()
}

// byDomain is the table of a domain, nil if it isn't known. Domains compare
// exactly.
func (ts tables) byDomain(domain string) *codes.Table {
	for _, t := range ts {
		if t.Domain() == domain {
			return t
		}
	}
	if domain == codes.Default().Domain() {
		return codes.Default()
	}
	return nil
}

// byErrorInfo is the code of the row that has the ErrorInfo b to the byte, nil if
// there is none.
func (ts tables) byErrorInfo(b []byte) codes.Code {
	for _, t := range ts {
		if code, ok := t.ByErrorInfo(b); ok {
			return code
		}
	}
	if table := codes.Default(); ts.byDomain(table.Domain()) == table {
		code, _ := table.ByErrorInfo(b)
		return code
	}
	return nil
}

// canonicalCode is the canonical code of a number in a table, without the copy that
// a row is.
func canonicalCode(table *codes.Table, number int32) grpccodes.Code {
	if !table.Has(number) {
		return grpccodes.Unknown
	}
	return table.GRPCStatus(number).Code()
}
