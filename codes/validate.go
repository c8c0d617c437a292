package codes

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

const maxDomain = 253 // the longest DNS name

var (
	needsDefault       = []grpccodes.Code{grpccodes.Unknown, grpccodes.Internal}
	errNoRows          = errors.New("no rows: give one for each code, the defaults of UNKNOWN and INTERNAL among them")
	errNilCode         = errors.New("nil Code: give the typed constant")
	errReservedReason  = fmt.Errorf("is kept for codes without a row: choose a reason that does not begin with %s", errorinfo.UnknownPrefix)
	errMalformedReason = fmt.Errorf("must match [A-Z][A-Z0-9_]+[A-Z0-9] and have %d bytes at most (AIP-193)", errorinfo.MaxReason)
)

// fill adds the rows to an empty table, or says all that is wrong with them.
func (t *Table) fill(rows []Row) error {
	var wrong []error
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("codes: table %q: "+format, append([]any{t.domain}, args...)...))
	}
	if len(t.domain) == 0 || len(t.domain) > maxDomain {
		report("the domain has %d bytes: give it 1 to %d, such as %q", len(t.domain), maxDomain, "openim.io")
	}
	if !utf8.ValidString(t.domain) {
		report("the domain is not valid UTF-8")
	}
	if len(rows) == 0 {
		report("%w", errNoRows)
		return errors.Join(wrong...)
	}
	for i, row := range rows {
		if row.Name == "" {
			row.Name = row.Reason
		}
		if err := checkType(row.Code); err != nil {
			report("row %d (%s): %w", i+1, row.Name, err)
			continue
		}
		for _, err := range append(checkRow(row), t.add(row)...) {
			report("row %d (%s = %d): %w", i+1, row.Name, row.Code.Number(), err)
		}
	}
	for _, code := range needsDefault {
		if t.defaults[code] == nil {
			report("no default row for %s: set Default (default: true) on one row with that canonical code", canonicalName(code))
		}
	}
	return errors.Join(wrong...)
}

// checkType refuses what is no code, before any method of it is called.
func checkType(code Code) error {
	if code == nil {
		return errNilCode
	}
	if typ := reflect.TypeOf(code); typ.Kind() != reflect.Int32 {
		return fmt.Errorf("its Code is a %v, of kind %v: codes are of kind int32", typ, typ.Kind())
	}
	return nil
}

// checkRow finds what is wrong with a row on its own.
func checkRow(row Row) (wrong []error) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	if number := row.Code.Number(); number < 0 {
		report("number %d is negative, which ErrorInfo can't carry: use a positive one", number)
	} else if (number == 0) != (row.GRPCCode == grpccodes.OK) {
		report("canonical code %s for number %d: give it another; OK goes with number 0 and with no other", canonicalName(row.GRPCCode), number)
	}
	if row.GRPCCode > grpccodes.Unauthenticated {
		report("canonical code %d is outside 0..16", row.GRPCCode)
	}
	switch {
	case errorinfo.IsUnknownReason(row.Reason):
		report("reason %q %w", row.Reason, errReservedReason)
	case !errorinfo.IsReason(row.Reason):
		report("reason %q %w", row.Reason, errMalformedReason)
	}
	if row.Message == "" {
		report("empty message: say in a few words what failed, for the caller to read")
	}
	if !utf8.ValidString(row.Message) || !utf8.ValidString(row.Name) {
		report("name %q or message %q is not valid UTF-8", row.Name, row.Message)
	}
	return append(wrong, checkLocalized(row.Localized)...)
}

func checkLocalized(messages []LocalizedMessage) (wrong []error) {
	seen := make(map[string]bool, len(messages))
	for _, m := range messages {
		switch {
		case m.Locale == "" || m.Message == "":
			wrong = append(wrong, fmt.Errorf("localized message %q for locale %q: both must be there", m.Message, m.Locale))
		case !utf8.ValidString(m.Locale) || !utf8.ValidString(m.Message):
			wrong = append(wrong, fmt.Errorf("localized message %q for locale %q is not valid UTF-8", m.Message, m.Locale))
		case seen[strings.ToLower(m.Locale)]:
			wrong = append(wrong, fmt.Errorf("two localized messages for locale %q", m.Locale))
		}
		seen[strings.ToLower(m.Locale)] = true
	}
	return wrong
}

// add enters a row, or finds where it doesn't fit the rows before it.
func (t *Table) add(row Row) (wrong []error) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	typ := reflect.TypeOf(row.Code)
	if t.codeType == nil {
		t.codeType = typ
	}
	if typ != t.codeType {
		report("its Code is a %v, the first row's a %v: a table has codes of one type", typ, t.codeType)
	}
	e := newEntry(t.domain, row)
	if first, ok := t.byNumber[row.Code.Number()]; ok {
		report("number %d is %s's already", row.Code.Number(), first.Name)
	}
	if first, ok := t.byReason[row.Reason]; ok {
		report("reason %q is %s's already", row.Reason, first.Name)
	}
	if first, ok := t.byName[row.Name]; ok {
		report("name %q is that of number %d already", row.Name, first.Code.Number())
	}
	if row.Default && row.GRPCCode <= grpccodes.Unauthenticated {
		if first := t.defaults[row.GRPCCode]; first != nil {
			report("second default row for %s, after %s: leave Default (default: true) on one", canonicalName(row.GRPCCode), first.Name)
		}
		t.defaults[row.GRPCCode] = e
	}
	t.rows = append(t.rows, e)
	t.byNumber[row.Code.Number()] = e
	t.byReason[row.Reason] = e
	t.byName[row.Name] = e
	if row.Code.Number() > 0 {
		t.byErrorInfo[e.errorInfo] = e
	}
	return wrong
}

// canonicalName is the name of a canonical code as google.rpc writes it, such as
// NOT_FOUND.
func canonicalName(c grpccodes.Code) string { return code.Code(c).String() }
