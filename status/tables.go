package status

import (
	"reflect"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// tables are the tables that an Encoder or Decoder was given, one for each domain. The
// default table comes after them, and for a code also its own table.
type tables []*codes.Table

// first returns the table that has the defaults.
func (ts tables) first() *codes.Table {
	if len(ts) == 0 {
		return codes.Default()
	}
	return ts[0]
}

// forCode returns the table of the code's domain and type that has its row, or the code's
// own table. For a fallback it returns the first such table that has the fallback.
func (ts tables) forCode(code codes.Code) *codes.Table {
	own := code.Table()
	for _, t := range ts {
		if number := code.Number(); t.Domain() == own.Domain() && (t.Has(number) || number < 0 && hasFallback(t, code)) && t.Code(number) == code {
			return t
		}
	}
	return own
}

// hasFallback reports whether a negative code is a fallback of a table.
func hasFallback(t *codes.Table, code codes.Code) bool {
	return t.DefaultFor(grpccodes.Internal) == code || t.DefaultFor(grpccodes.Unknown) == code
}

// forNumber returns the table that names a raw number: the first with a row for it, with
// the default table last, or nil if none has one.
func (ts tables) forNumber(number codes.Number) *codes.Table {
	for _, t := range ts {
		if t.Has(number) {
			return t
		}
	}
	if codes.Default().Has(number) {
		return codes.Default()
	}
	return nil
}

// byDomain returns the table of a domain, or nil if the domain isn't known. Domains are
// compared exactly.
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

// byRow returns the code whose row is sent with exactly these bytes of an ErrorInfo, or
// nil if no row of the tables is.
func (ts tables) byRow(info []byte) codes.Code {
	for _, t := range ts {
		if code, ok := errorinfo.RowCode(t, info).(codes.Code); ok {
			return code
		}
	}
	if t := codes.Default(); ts.byDomain(t.Domain()) == t {
		code, _ := errorinfo.RowCode(t, info).(codes.Code)
		return code
	}
	return nil
}

// canonicalType returns c in the type of its table's codes, so that it can be
// compared with them: a pointer to a code, and a struct that embeds one, have a
// code's methods too. It returns nil for a nil pointer and for a code without a
// table.
func canonicalType(c codes.Code) codes.Code {
	if v := reflect.ValueOf(c); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	table := c.Table()
	switch {
	case table == nil || table.Len() == 0:
		return nil
	case reflect.TypeOf(c).Kind() != reflect.Int32:
		return table.Code(c.Number())
	}
	return c
}
