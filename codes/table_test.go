package codes_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// An orderCode is a code type written by hand, without the generator.
type orderCode int32

const (
	orderOK       orderCode = 0
	orderInternal orderCode = 1
	orderUnknown  orderCode = 2
	orderSoldOut  orderCode = 1004 // the number of codes.RecordNotFound
)

func (c orderCode) Number() codes.Number           { return codes.Number(c) }
func (c orderCode) Table() *codes.Table            { return orderTable() }
func (c orderCode) GRPCStatus() *grpcstatus.Status { return c.Table().GRPCStatus(c.Number()) }
func (c orderCode) Error() string {
	row, _ := c.Table().Lookup(c.Number())
	return row.Name + ": " + row.Message
}

var orderTable = sync.OnceValue(func() *codes.Table {
	return codes.MustTable("orders.example.com", orderRows()...)
})

// orderRows returns new rows, which a test may change: three default rows and one more.
func orderRows() []codes.Row {
	return []codes.Row{
		{Code: orderOK, Name: "OrderOK", Reason: "ORDER_OK", Message: "ordered", Default: true},
		{Code: orderInternal, Name: "OrderInternal", Reason: "ORDER_INTERNAL", GRPCCode: grpccodes.Internal, Message: "internal error", Default: true},
		{Code: orderUnknown, Name: "OrderUnknown", Reason: "ORDER_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown failure", Default: true},
		{Code: orderSoldOut, Name: "SoldOut", Reason: "SOLD_OUT", GRPCCode: grpccodes.FailedPrecondition, Message: "sold out",
			Localized: []codes.LocalizedMessage{{Locale: "zh", Message: "售罄"}}},
	}
}

// An enum type that protoc-gen-go generates has the Number method of a Code.
var _ interface{ Number() codes.Number } = code.Code(0)

// A table of orderCodes refuses codes of these types.
type (
	otherCode  struct{ orderCode }
	wideCode   int64
	stringCode string
	sameKind   int32
)

// The Number methods of these types are wrong: one returns another number than the
// value, the other panics for most values.
type (
	shiftedCode   int32
	panickingCode int32
)

func (c shiftedCode) Error() string        { return "shifted" }
func (c shiftedCode) Number() codes.Number { return codes.Number(c) - 2 }
func (c shiftedCode) Table() *codes.Table  { return nil }

func (c panickingCode) Error() string        { return "panicking" }
func (c panickingCode) Number() codes.Number { return [...]codes.Number{0, 1, 2}[c] }
func (c panickingCode) Table() *codes.Table  { return nil }

func (c wideCode) Error() string          { return "wide" }
func (c wideCode) Number() codes.Number   { return codes.Number(c) }
func (c wideCode) Table() *codes.Table    { return nil }
func (c stringCode) Error() string        { return "string" }
func (c stringCode) Number() codes.Number { return codes.Number(len(c)) }
func (c stringCode) Table() *codes.Table  { return nil }
func (c sameKind) Error() string          { return "same kind" }
func (c sameKind) Number() codes.Number   { return codes.Number(c) }
func (c sameKind) Table() *codes.Table    { return nil }

func TestNewTableRefuses(t *testing.T) {
	const domain = "orders.example.com"
	soldOut := func(change func(*codes.Row)) []codes.Row {
		rows := orderRows()
		change(&rows[3])
		return rows
	}
	reason := func(reason string) []codes.Row { return soldOut(func(r *codes.Row) { r.Reason = reason }) }
	zeroReason := func(reason string) []codes.Row {
		rows := orderRows()
		rows[0].Reason = reason
		return rows
	}
	formerReasons := func(reasons ...string) []codes.Row {
		return soldOut(func(r *codes.Row) { r.FormerReasons = reasons })
	}
	otherNames := func(names ...string) []codes.Row { return soldOut(func(r *codes.Row) { r.OtherNames = names }) }
	const place = "row 4 (SoldOut = 1004)"

	tests := []struct {
		name   string
		domain string
		rows   []codes.Row
		want   []string // all in one line of the error
	}{
		{name: "an empty domain", domain: "", rows: orderRows(), want: []string{`table ""`, "domain has 0 bytes", "253"}},
		{name: "a domain of 254 bytes", domain: strings.Repeat("d", 254), rows: orderRows(), want: []string{"domain has 254 bytes", "253"}},
		{name: "a domain that is not UTF-8", domain: "a\xff", rows: orderRows(), want: []string{`"a\xff"`, "the domain has", "at byte 1"}},
		{name: "a domain with a space", domain: "a shop", rows: orderRows(), want: []string{`"a shop"`, `the domain has " " at byte 1`}},
		{name: "a URL as domain", domain: "https://a.example", rows: orderRows(), want: []string{`the domain has "/" at byte 6`}},
		{name: "a domain with an invisible character", domain: "a\u200b.example", rows: orderRows(), want: []string{"the domain has", "at byte 1"}},
		{name: "no rows", domain: domain, want: []string{`table "orders.example.com"`, "no rows"}},

		{name: "a nil code", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = nil }), want: []string{"row 4 (SoldOut)", "nil Code"}},
		{name: "a negative number", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = orderCode(-3) }), want: []string{"row 4 (SoldOut = -3)", "number -3 is negative"}},
		{name: "a code of kind int64", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = wideCode(1004) }), want: []string{"row 4 (SoldOut)", "codes_test.wideCode", "kind int64", "int32"}},
		{name: "a code of kind string", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = stringCode("abc") }), want: []string{"row 4 (SoldOut)", "codes_test.stringCode", "kind string", "int32"}},
		{name: "a code of kind struct", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = otherCode{orderSoldOut} }), want: []string{"row 4 (SoldOut)", "codes_test.otherCode", "kind struct", "int32"}},
		{name: "a nil pointer as a code", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = (*orderCode)(nil) }), want: []string{"row 4 (SoldOut)", "kind ptr", "int32"}},
		{name: "a code of another type", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = sameKind(1004) }), want: []string{place, "codes_test.sameKind", "codes_test.orderCode", "one type"}},
		{name: "a number that is not the value", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = shiftedCode(7) }),
			want: []string{"row 4 (SoldOut)", "Number method returns 5 for the value 7: ", "return codes.Number(c)"}},
		{name: "a Number method that panics", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = panickingCode(7) }),
			want: []string{"row 4 (SoldOut)", "Number method panics for the value 7 (", "index out of range [7]", "return codes.Number(c)"}},

		{name: "a second row with a number", domain: domain, rows: soldOut(func(r *codes.Row) { r.Code = orderUnknown }), want: []string{"row 4 (SoldOut = 2)", "number 2", "already belongs to OrderUnknown"}},
		{name: "a second row with a reason", domain: domain, rows: reason("ORDER_UNKNOWN"), want: []string{place, `"ORDER_UNKNOWN"`, "already belongs to OrderUnknown"}},
		{name: "a second row with a name", domain: domain, rows: soldOut(func(r *codes.Row) { r.Name = "OrderUnknown" }), want: []string{"row 4 (OrderUnknown = 1004)", `name "OrderUnknown"`, "number 2"}},

		{name: "an empty reason", domain: domain, rows: reason(""), want: []string{place, `reason ""`, "[A-Z][A-Z0-9_]+[A-Z0-9]"}},
		{name: "a reason of two bytes", domain: domain, rows: reason("AB"), want: []string{place, `"AB"`, "AIP-193"}},
		{name: "a reason in small letters", domain: domain, rows: reason("Sold_out"), want: []string{place, `"Sold_out"`, "AIP-193"}},
		{name: "a reason that begins with a digit", domain: domain, rows: reason("1_SOLD"), want: []string{place, `"1_SOLD"`, "AIP-193"}},
		{name: "a reason that begins with an underscore", domain: domain, rows: reason("_SOLD"), want: []string{place, `"_SOLD"`, "AIP-193"}},
		{name: "a reason that ends in an underscore", domain: domain, rows: reason("SOLD_"), want: []string{place, `"SOLD_"`, "AIP-193"}},
		{name: "a reason with a space", domain: domain, rows: reason("SOLD OUT"), want: []string{place, `"SOLD OUT"`, "AIP-193"}},
		{name: "a reason with a newline at its end", domain: domain, rows: reason("SOLD\n"), want: []string{place, `"SOLD\n"`, "AIP-193"}},
		{name: "a reason of 64 bytes", domain: domain, rows: reason(strings.Repeat("R", 64)), want: []string{place, strings.Repeat("R", 64), "63"}},
		{name: "the reason of a code without a row", domain: domain, rows: reason("ERROR_CODE_1305"), want: []string{place, `"ERROR_CODE_1305"`, "reserved for codes without a row"}},

		{name: "a canonical code of 17", domain: domain, rows: soldOut(func(r *codes.Row) { r.GRPCCode = 17 }), want: []string{place, "17", "outside 0..16"}},
		{name: "a raw number as canonical code", domain: domain, rows: soldOut(func(r *codes.Row) { r.GRPCCode = 1004 }), want: []string{place, "canonical code 1004", "outside 0..16"}},
		{name: "OK for an error", domain: domain, rows: soldOut(func(r *codes.Row) { r.GRPCCode = grpccodes.OK }), want: []string{place, "canonical code OK for number 1004"}},
		{name: "an error for number 0", domain: domain,
			rows: func() []codes.Row { rows := orderRows(); rows[0].GRPCCode = grpccodes.Aborted; return rows }(),
			want: []string{"row 1 (OrderOK = 0)", "canonical code ABORTED for number 0"}},

		{name: "a fault that is no constant", domain: domain, rows: soldOut(func(r *codes.Row) { r.FaultOverride = codes.FaultTransient + 1 }), want: []string{place, "fault Fault(4): use FaultCaller"}},
		{name: "a fault for number 0", domain: domain,
			rows: func() []codes.Row { rows := orderRows(); rows[0].FaultOverride = codes.FaultServer; return rows }(),
			want: []string{"row 1 (OrderOK = 0)", "number 0 has the fault server: remove it"}},

		{name: "a message that begins with a space", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = " sold out" }), want: []string{place, `message " sold out" begins or ends with a space: remove it`}},
		{name: "a message that ends with a space", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = "sold out " }), want: []string{place, `message "sold out " begins or ends with a space: remove it`}},
		{name: "a message of spaces", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = "  " }), want: []string{place, `message "  " has only spaces: say`}},
		{name: "a message that is not UTF-8", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = "a\xff" }), want: []string{place, `"a\xff"`, "UTF-8"}},
		{name: "a name that is not UTF-8", domain: domain, rows: soldOut(func(r *codes.Row) { r.Name = "b\xff" }), want: []string{"row 4", "= 1004", `"b\xff"`, "UTF-8"}},
		{name: "a localized message without text", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "de"}} }), want: []string{place, `localized message "" for locale "de" is empty: give the message in that language, or its template`}},
		{name: "a localized message without locale", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Message: "weg"}} }), want: []string{place, `localized message "weg": locale "" is empty: give a BCP 47 language tag`}},
		{name: "a localized message that begins with a space", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "de", Message: " weg"}} }), want: []string{place, `localized message " weg" for locale "de" begins or ends with a space: remove it`}},
		{name: "a localized message that ends with a space", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "de", Message: "weg "}} }), want: []string{place, `localized message "weg " for locale "de" begins or ends with a space: remove it`}},
		{name: "a localized message of spaces", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "de", Message: " "}} }), want: []string{place, `localized message " " for locale "de" has only spaces: say`}},
		{name: "a localized message that is not UTF-8", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "de", Message: "c\xff"}} }), want: []string{place, `"c\xff"`, `"de"`, "UTF-8"}},
		{name: "a locale that is not UTF-8", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "d\xff", Message: "weg"}} }), want: []string{place, `localized message "weg": locale "d\xff" is not a BCP 47 language tag`}},
		{name: "two messages for a locale, whatever its case", domain: domain,
			rows: soldOut(func(r *codes.Row) {
				r.Localized = []codes.LocalizedMessage{{Locale: "pt-br", Message: "a"}, {Locale: "pt-BR", Message: "b"}}
			}), want: []string{place, `"pt-BR"`, "two localized"}},

		{name: "a localized message for an underscore", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "zh_CN", Message: "售罄"}} }), want: []string{place, `localized message "售罄": locale "zh_CN" is not a BCP 47 language tag: use one such as "zh"`}},
		{name: "a line break in a message", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = "sold\nout" }), want: []string{place, `message "sold\nout" has the invisible character U+000A at byte 4: remove it`}},
		{name: "a bidirectional override in a message", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = "sold \u202eout" }), want: []string{place, `message "sold \u202eout" has the invisible character U+202E at byte 5`}},
		{name: "a zero-width joiner in a message", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = "sold\u200dout" }), want: []string{place, "message", "U+200D at byte 4"}},
		{name: "a byte order mark in a message", domain: domain, rows: soldOut(func(r *codes.Row) { r.Message = "\ufeffsold out" }), want: []string{place, "message", "U+FEFF at byte 0"}},
		{name: "a zero-width space in a name", domain: domain, rows: soldOut(func(r *codes.Row) { r.Name = "Sold\u200bOut" }), want: []string{"row 4 (Sold Out = 1004)", `name "Sold\u200bOut" has the invisible character U+200B at byte 4: remove it`}},
		{name: "a tab in a localized message", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "de", Message: "aus\tverkauft"}} }), want: []string{place, `localized message "aus\tverkauft" for locale "de" has the invisible character U+0009 at byte 3`}},
		{name: "a bidirectional override in a localized message", domain: domain,
			rows: soldOut(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "he", Message: "\u2066אזל"}} }), want: []string{place, "localized", `"he"`, "U+2066 at byte 0"}},

		{name: "an empty reason for number 0", domain: domain, rows: zeroReason(""), want: []string{"row 1", `reason "" of number 0 must match [A-Z]([A-Z0-9_]*[A-Z0-9])?`}},
		{name: "a reason in small letters for number 0", domain: domain, rows: zeroReason("ok"), want: []string{"row 1", `reason "ok" of number 0`}},
		{name: "digits as the reason of number 0", domain: domain, rows: zeroReason("00"), want: []string{"row 1", `reason "00" of number 0`}},
		{name: "the reason of number 0 without a row", domain: domain, rows: zeroReason("ERROR_CODE_0"), want: []string{"row 1", `"ERROR_CODE_0"`, "reserved for codes without a row"}},
		{name: "the reason of number 0 for another row", domain: domain, rows: reason("ORDER_OK"), want: []string{place, `"ORDER_OK"`, "already belongs to OrderOK"}},

		{name: "a second default row", domain: domain, rows: soldOut(func(r *codes.Row) { r.GRPCCode = grpccodes.Unknown; r.Default = true }),
			want: []string{place, "second default row for UNKNOWN", "OrderUnknown"}},

		{name: "retry advice that is no constant", domain: domain, rows: soldOut(func(r *codes.Row) { r.RetryOverride = codes.RetryTransaction + 1 }), want: []string{place, "retry Retry(4): use RetryNever"}},
		{name: "retry advice for number 0", domain: domain,
			rows: func() []codes.Row { rows := orderRows(); rows[0].RetryOverride = codes.RetryNever; return rows }(),
			want: []string{"row 1 (OrderOK = 0)", "number 0 has the retry advice never: remove it"}},

		{name: "a malformed former reason", domain: domain, rows: formerReasons("Sold out"), want: []string{place, `former reason "Sold out" must match`, "AIP-193"}},
		{name: "an empty former reason", domain: domain, rows: formerReasons(""), want: []string{place, `former reason "" must match`}},
		{name: "the former reason of a code without a row", domain: domain, rows: formerReasons("ERROR_CODE_1305"), want: []string{place, `former reason "ERROR_CODE_1305" is reserved for codes without a row`}},
		{name: "the reason of another row as former reason", domain: domain, rows: formerReasons("ORDER_UNKNOWN"), want: []string{place, `former reason "ORDER_UNKNOWN" already belongs to OrderUnknown, number 2`}},
		{name: "the row's own reason as former reason", domain: domain, rows: formerReasons("SOLD_OUT"), want: []string{place, `former reason "SOLD_OUT" already belongs to SoldOut, number 1004`}},
		{name: "a former reason twice", domain: domain, rows: formerReasons("NO_STOCK", "NO_STOCK"), want: []string{place, `former reason "NO_STOCK" already belongs to SoldOut`}},
		{name: "a reason that is another row's former reason", domain: domain,
			rows: func() []codes.Row { rows := orderRows(); rows[1].FormerReasons = []string{"SOLD_OUT"}; return rows }(),
			want: []string{place, `reason "SOLD_OUT" already belongs to OrderInternal, number 1`}},
		{name: "a former reason for number 0", domain: domain,
			rows: func() []codes.Row { rows := orderRows(); rows[0].FormerReasons = []string{"FINE"}; return rows }(),
			want: []string{"row 1 (OrderOK = 0)", `number 0 has the former reason "FINE": remove it`}},

		{name: "an empty other name", domain: domain, rows: otherNames(""), want: []string{place, `other name "" is empty: remove it`}},
		{name: "another row's name as other name", domain: domain, rows: otherNames("OrderUnknown"), want: []string{place, `other name "OrderUnknown" already belongs to OrderUnknown, number 2`}},
		{name: "the row's own name as other name", domain: domain, rows: otherNames("SoldOut"), want: []string{place, `other name "SoldOut" already belongs to SoldOut, number 1004`}},
		{name: "an other name that is not UTF-8", domain: domain, rows: otherNames("d\xff"), want: []string{place, `other name "d\xff" is not valid UTF-8`}},
		{name: "a zero-width space in an other name", domain: domain, rows: otherNames("Sold\u200bOut"), want: []string{place, `other name "Sold\u200bOut" has the invisible character U+200B at byte 4`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := codes.NewTable(tt.domain, tt.rows...)
			if err == nil {
				t.Fatalf("NewTable(%q, rows) returned no error; want one with %q", tt.domain, tt.want)
			}
			if table != nil {
				t.Errorf("NewTable returned a table with the error %q; want nil", err)
			}
			if !hasLine(err, tt.want) {
				t.Errorf("NewTable's error is\n%v\nwant a line with each of %q", err, tt.want)
			}
		})
	}
}

// hasLine reports whether one line of an error has all of the words.
func hasLine(err error, words []string) bool {
	return slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) })
	})
}

func TestNewTableAcceptsTheLongestDomainAndReason(t *testing.T) {
	rows := orderRows()
	rows[3].Reason = "R" + strings.Repeat("_", 61) + "9"
	domain := strings.Repeat("d", 253)
	table, err := codes.NewTable(domain, rows...)
	if err != nil {
		t.Fatalf("NewTable with a domain of 253 bytes and a reason of 63: %v; want no error", err)
	}
	if table.Domain() != domain {
		t.Errorf("Domain() = %q; want %q", table.Domain(), domain)
	}
	if row, ok := table.ByReason(rows[3].Reason); !ok || row.Code != orderSoldOut {
		t.Errorf("ByReason(%q) = %v, %t; want %v, true", rows[3].Reason, row.Code, ok, orderSoldOut)
	}
}

// gRPC escapes all white space but U+0020, so other white space reaches every client.
// Line breaks and tabs are control characters, which NewTable refuses.
func TestNewTableAcceptsOtherWhiteSpace(t *testing.T) {
	for _, message := range []string{"\u2003sold out", "sold out\u00a0", "sold  out"} {
		rows := orderRows()
		rows[3].Message = message
		if _, err := codes.NewTable("orders.example.com", rows...); err != nil {
			t.Errorf("NewTable with the message %q: %v; want no error", message, err)
		}
	}
}

// The spelling of Persian and of some Indic languages needs joiners, which can't be seen.
func TestLocalizedMessagesMayHaveJoiners(t *testing.T) {
	rows := orderRows()
	rows[3].Localized = []codes.LocalizedMessage{{Locale: "fa", Message: "می\u200cخواهم"}, {Locale: "mr", Message: "र\u200dय"}}
	if _, err := codes.NewTable("orders.example.com", rows...); err != nil {
		t.Errorf("NewTable with U+200C and U+200D in localized messages: %v; want no error", err)
	}
}

// Number 0 is never sent, so its reason may be shorter than AIP-193 allows.
func TestReasonOfNumberZero(t *testing.T) {
	for _, reason := range []string{"OK", "K", "K0", "NO_ERROR"} {
		rows := orderRows()
		rows[0].Reason = reason
		table, err := codes.NewTable("orders.example.com", rows...)
		if err != nil {
			t.Errorf("NewTable with the reason %q for number 0: %v; want no error", reason, err)
			continue
		}
		if code, err := table.Parse(reason); err != nil || code != orderOK {
			t.Errorf("Parse(%q) = %v, %v; want orderOK, nil", reason, code, err)
		}
		if row, ok := table.ByReason(reason); !ok || row.Code != orderOK {
			t.Errorf("ByReason(%q) = %v, %t; want orderOK, true", reason, row.Code, ok)
		}
		if row, _ := table.Lookup(0); row.Reason != reason || table.GRPCStatus(0) != nil {
			t.Errorf("Lookup(0) has the reason %q and GRPCStatus(0) is %v; want %q and nil", row.Reason, table.GRPCStatus(0), reason)
		}
		b := errorinfo.Append(nil, reason, table.Domain(), "0", nil)
		if got := errorinfo.RowCode(table, b); got != nil {
			t.Errorf("RowCode = %v for an ErrorInfo with the reason %q of number 0; want nil", got, reason)
		}
	}
}

func TestNewTableReportsEverythingThatIsWrong(t *testing.T) {
	rows := orderRows()
	rows[1].Default = false
	rows[2].Reason = "INTERNAL"
	rows[3].Reason = "sold out"
	rows[3].GRPCCode = 99
	_, err := codes.NewTable("", rows...)
	if err == nil {
		t.Fatal("NewTable returned no error; want an error with four lines")
	}
	for _, want := range [][]string{
		{"domain has 0 bytes"},
		{"row 3 (OrderUnknown = 2)", "is reserved"},
		{"row 4 (SoldOut = 1004)", `"sold out"`},
		{"row 4 (SoldOut = 1004)", "99"},
	} {
		if !hasLine(err, want) {
			t.Errorf("NewTable's error is\n%v\nwant a line with each of %q", err, want)
		}
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 4 {
		t.Errorf("NewTable's error has %d lines; want 4:\n%v", got, err)
	}
}

// A Number method that is wrong is wrong for many rows. The error has a line for each of
// them, and no other line: it doesn't miss the default rows that are there.
func TestWrongNumberMethodIsReportedOnce(t *testing.T) {
	rows := orderRows()
	for i := range rows {
		rows[i].Code = shiftedCode(rows[i].Code.Number())
	}
	_, err := codes.NewTable("orders.example.com", rows...)
	if err == nil || strings.Count(err.Error(), "\n")+1 != len(rows) || strings.Count(err.Error(), "its Number method returns") != len(rows) {
		t.Errorf("NewTable's error is\n%v\nwant a line about the Number method for each of the %d rows", err, len(rows))
	}
}

func TestEmptyNameBecomesTheReason(t *testing.T) {
	rows := orderRows()
	rows[3].Name = ""
	table, err := codes.NewTable("orders.example.com", rows...)
	if err != nil {
		t.Fatal(err)
	}
	if row, _ := table.Lookup(1004); row.Name != "SOLD_OUT" {
		t.Errorf("Name = %q; want the reason, %q", row.Name, "SOLD_OUT")
	}
}

// MustTable panics for wrong rows, so that the program stops when it starts, not at the
// first call.
func TestMustTablePanics(t *testing.T) {
	rows := orderRows()
	rows[3].Reason = "sold out"
	defer func() {
		err, ok := recover().(error)
		if !ok || !hasLine(err, []string{"row 4 (SoldOut = 1004)", `"sold out"`}) {
			t.Errorf("MustTable panicked with %v; want an error that names row 4 and its reason", err)
		}
	}()
	table := codes.MustTable("orders.example.com", rows...)
	t.Errorf("MustTable() = %v; want a panic", table)
}

func TestMustWithRowsPanics(t *testing.T) {
	bad := orderRows()[3]
	bad.Reason = "sold out"
	defer func() {
		err, ok := recover().(error)
		if !ok || !hasLine(err, []string{"row 4 (SoldOut = 1004)", `"sold out"`}) {
			t.Errorf("MustWithRows panicked with %v; want an error that names row 4 and its reason", err)
		}
	}()
	table := orderTable().MustWithRows(bad)
	t.Errorf("MustWithRows() = %v; want a panic", table)
}

// NewTable copies its arguments.
func TestChangingTheArgumentsOfNewTable(t *testing.T) {
	rows := orderRows()
	table := codes.MustTable("orders.example.com", rows...)
	rows[3].Message = "changed"
	rows[3].Localized[0].Message = "changed"
	row, _ := table.Lookup(1004)
	if diff := cmp.Diff(orderRows()[3], row); diff != "" {
		t.Errorf("the table's row after a change of the rows given to NewTable (-want +got):\n%s", diff)
	}
}

// Returned rows are copies, except for the elements of Localized.
func TestChangingAReturnedRow(t *testing.T) {
	rows := orderRows()
	rows[2].Localized = slices.Grow([]codes.LocalizedMessage{{Locale: "zh", Message: "未知"}}, 8)
	table := codes.MustTable("orders.example.com", rows...)
	for name, take := range map[string]func() codes.Row{
		"Lookup":               func() codes.Row { row, _ := table.Lookup(1004); return row },
		"Lookup without a row": func() codes.Row { row, _ := table.Lookup(1305); return row },
		"ByReason":             func() codes.Row { row, _ := table.ByReason("SOLD_OUT"); return row },
		"All": func() codes.Row {
			for row := range table.All() {
				if row.Localized != nil {
					return row
				}
			}
			return codes.Row{}
		},
	} {
		want, taken := take(), take()
		taken.Message = "changed"
		taken.Localized = append(taken.Localized, codes.LocalizedMessage{Locale: "de", Message: "neu"})
		again := take()
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("%s: the row after a change of the returned one; want the same (-before +after):\n%s", name, diff)
		}
		if len(again.Localized) != cap(again.Localized) {
			t.Errorf("%s: Localized has capacity %d and length %d; want it clipped", name, cap(again.Localized), len(again.Localized))
		}
	}
}

func TestWithRowsReplacesAndAdds(t *testing.T) {
	original := orderTable()
	before := slices.Collect(original.All())

	replaced := codes.Row{Code: orderSoldOut, Name: "Gone", Reason: "GONE", GRPCCode: grpccodes.NotFound, Message: "gone"}
	added := codes.Row{Code: orderCode(7), Name: "Late", Reason: "LATE", GRPCCode: grpccodes.DeadlineExceeded, Message: "late", Default: true}
	copied, err := original.WithRows(added, replaced)
	if err != nil {
		t.Fatal(err)
	}

	want := append(orderRows()[:3], replaced, added)
	if diff := cmp.Diff(want, slices.Collect(copied.All())); diff != "" {
		t.Errorf("the rows of the copy (-want +got):\n%s", diff)
	}
	if copied.Domain() != original.Domain() {
		t.Errorf("the copy's domain is %q; want %q", copied.Domain(), original.Domain())
	}
	if _, ok := copied.ByReason("SOLD_OUT"); ok {
		t.Error(`ByReason("SOLD_OUT") found the row that WithRows replaced; want no row`)
	}
	if got := copied.DefaultFor(grpccodes.DeadlineExceeded); got != orderCode(7) {
		t.Errorf("DefaultFor(DeadlineExceeded) = %v; want %v, the default that was added", got, orderCode(7))
	}
	if got := copied.GRPCStatus(1004).Code(); got != grpccodes.NotFound {
		t.Errorf("the copy's GRPCStatus(1004) has code %v; want NotFound", got)
	}
	if diff := cmp.Diff(before, slices.Collect(original.All())); diff != "" {
		t.Errorf("the original's rows after WithRows; want the same (-before +after):\n%s", diff)
	}
	if got := original.GRPCStatus(1004).Code(); got != grpccodes.FailedPrecondition {
		t.Errorf("the original's GRPCStatus(1004) has code %v; want FailedPrecondition", got)
	}
}

func TestWithRowsMovesADefault(t *testing.T) {
	rows := orderRows()
	rows[1].Default = false
	fatal := codes.Row{Code: orderCode(7), Name: "Fatal", Reason: "FATAL", GRPCCode: grpccodes.Internal, Message: "fatal", Default: true}
	table, err := orderTable().WithRows(rows[1], fatal)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.DefaultFor(grpccodes.Internal); got != orderCode(7) {
		t.Errorf("DefaultFor(Internal) = %v; want %v", got, orderCode(7))
	}
}

func TestWithRowsRefuses(t *testing.T) {
	row := func(number int32, name, reason string) codes.Row {
		return codes.Row{Code: orderCode(number), Name: name, Reason: reason, GRPCCode: grpccodes.Aborted, Message: "m"}
	}
	tests := []struct {
		name string
		rows []codes.Row
		want []string
	}{
		{name: "two rows for a number of the table", rows: []codes.Row{row(1004, "Once", "ONCE"), row(1004, "Twice", "TWICE")},
			want: []string{"(Twice = 1004)", "number 1004", "already belongs to Once"}},
		{name: "two rows for a new number", rows: []codes.Row{row(7, "Once", "ONCE"), row(7, "Twice", "TWICE")},
			want: []string{"(Twice = 7)", "number 7", "already belongs to Once"}},
		{name: "the reason of another row", rows: []codes.Row{row(7, "New", "SOLD_OUT")}, want: []string{"(New = 7)", `"SOLD_OUT"`, "already belongs to SoldOut"}},
		{name: "a code of another type", rows: []codes.Row{{Code: codes.Args, Name: "Args", Reason: "ARGS", GRPCCode: grpccodes.InvalidArgument, Message: "m"}},
			want: []string{"(Args = 1001)", "codes.ErrorCode", "codes_test.orderCode"}},
		{name: "a nil pointer as a code", rows: []codes.Row{{Code: (*orderCode)(nil), Name: "None", Reason: "NONE", Message: "m"}}, want: []string{"(None)", "kind ptr"}},
		{name: "a nil code", rows: []codes.Row{{Name: "None", Reason: "NONE", Message: "m"}}, want: []string{"(None)", "nil Code"}},
		{name: "a number that is not the value", rows: []codes.Row{{Code: shiftedCode(7), Name: "Late", Reason: "LATE", GRPCCode: grpccodes.Aborted, Message: "m"}},
			want: []string{"(Late)", "returns 5 for the value 7"}},
		{name: "a Number method that panics", rows: []codes.Row{{Code: panickingCode(7), Name: "Late", Reason: "LATE", GRPCCode: grpccodes.Aborted, Message: "m"}},
			want: []string{"(Late)", "panics for the value 7"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := orderTable().WithRows(tt.rows...)
			if err == nil || !hasLine(err, tt.want) {
				t.Errorf("WithRows = %v, %v; want an error with a line that has each of %q", table, err, tt.want)
			}
		})
	}
}

func TestLookupFindsEveryRow(t *testing.T) {
	table := codes.Default()
	for _, want := range golden(t) {
		number := want.code.Number()
		row, ok := table.Lookup(number)
		got := goldenRow{want.code, row.Name, row.Reason, row.GRPCCode, row.Default, row.Message}
		if !ok || row.Code != want.code || got != want {
			t.Errorf("Lookup(%d) = %+v, %t; want %+v, true", number, row, ok, want)
		}
		if !table.Has(number) {
			t.Errorf("Has(%d) = false; want true", number)
		}
		if got, ok := table.ByReason(want.reason); !ok || got.Code != want.code {
			t.Errorf("ByReason(%q) = %v, %t; want %s, true", want.reason, got.Code, ok, want.name)
		}
		if got := table.Code(number); got != want.code {
			t.Errorf("Code(%d) = %#v; want %#v", number, got, want.code)
		}
	}
}

func TestLookupOfANumberWithoutARow(t *testing.T) {
	table := codes.Default()
	for _, number := range []codes.Number{1305, 1, 499, math.MaxInt32, -3, math.MinInt32} {
		row, ok := table.Lookup(number)
		want := codes.Row{
			Code:      codes.ErrorCode(number),
			Name:      fmt.Sprintf("ErrorCode(%d)", number),
			Reason:    fmt.Sprintf("ERROR_CODE_%d", number),
			GRPCCode:  grpccodes.Unknown,
			Message:   "unknown error",
			Localized: []codes.LocalizedMessage{{Locale: "zh-Hans", Message: "未知错误"}},
		}
		if diff := cmp.Diff(want, row); diff != "" || ok {
			t.Errorf("Lookup(%d) has ok = %t, want false, and (-want +got):\n%s", number, ok, diff)
		}
		if table.Has(number) {
			t.Errorf("Has(%d) = true; want false", number)
		}
		if got := table.Code(number); got != codes.ErrorCode(number) {
			t.Errorf("Code(%d) = %#v; want %#v", number, got, codes.ErrorCode(number))
		}
	}
}

// Number 0 is success even if the table has no row for it.
func TestLookupOfZeroWithoutARow(t *testing.T) {
	table := codes.MustTable("orders.example.com", orderRows()[1:]...)
	row, ok := table.Lookup(0)
	if ok || row.GRPCCode != grpccodes.OK || row.Code != orderOK || row.Name != "orderCode(0)" || row.Reason != "ERROR_CODE_0" || row.Message != "no error" {
		t.Errorf("Lookup(0) = %+v, %t; want orderCode(0), ERROR_CODE_0, canonical OK, no error, and false", row, ok)
	}
	if got := table.DefaultFor(grpccodes.OK); got != orderOK {
		t.Errorf("DefaultFor(OK) = %#v; want %#v", got, orderOK)
	}
	if got := table.GRPCStatus(0); got != nil {
		t.Errorf("GRPCStatus(0) = %v; want nil", got)
	}
}

func TestByReasonComparesExactly(t *testing.T) {
	for _, reason := range []string{"", "record_not_found", "RecordNotFound", "RECORD_NOT_FOUND ", "ERROR_CODE_1004", "1004"} {
		row, ok := codes.Default().ByReason(reason)
		if diff := cmp.Diff(codes.Row{}, row); ok || diff != "" {
			t.Errorf("ByReason(%q) = %+v, %t; want the zero Row and false", reason, row, ok)
		}
	}
}

func TestDefaultFor(t *testing.T) {
	tests := []struct {
		from grpccodes.Code
		want codes.ErrorCode
	}{
		{grpccodes.OK, codes.NoError},
		{grpccodes.Canceled, codes.SdkUnknownCode},
		{grpccodes.Unknown, codes.SdkUnknownCode},
		{grpccodes.InvalidArgument, codes.Args},
		{grpccodes.DeadlineExceeded, codes.SdkCtxDeadlineExceeded},
		{grpccodes.NotFound, codes.RecordNotFound},
		{grpccodes.AlreadyExists, codes.DuplicateKey},
		{grpccodes.PermissionDenied, codes.NoPermission},
		{grpccodes.ResourceExhausted, codes.SdkUnknownCode},
		{grpccodes.FailedPrecondition, codes.SdkUnknownCode},
		{grpccodes.Aborted, codes.SdkUnknownCode},
		{grpccodes.OutOfRange, codes.SdkUnknownCode},
		{grpccodes.Unimplemented, codes.SdkFuncNotFound},
		{grpccodes.Internal, codes.ServerInternal},
		{grpccodes.Unavailable, codes.SdkNetwork},
		{grpccodes.DataLoss, codes.SdkUnknownCode},
		{grpccodes.Unauthenticated, codes.SdkUnknownCode},
		{17, codes.SdkUnknownCode},
		{1004, codes.SdkUnknownCode}, // a domain code's number
		{math.MaxUint32, codes.SdkUnknownCode},
	}
	for _, tt := range tests {
		if got := codes.Default().DefaultFor(tt.from); got != tt.want {
			t.Errorf("DefaultFor(%d, %v) = %v; want %v", tt.from, tt.from, got, tt.want)
		}
	}
}

func TestAllKeepsTheOrderOfDeclaration(t *testing.T) {
	var got, want []codes.Number
	for row := range codes.Default().All() {
		got = append(got, row.Code.Number())
	}
	for _, row := range golden(t) {
		want = append(want, row.code.Number())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("All's numbers (-want +got):\n%s", diff)
	}
	if codes.Default().Len() != len(want) {
		t.Errorf("Len() = %d; want %d", codes.Default().Len(), len(want))
	}

	rows := orderRows()
	slices.Reverse(rows)
	var reversed []codes.Code
	for row := range codes.MustTable("orders.example.com", rows...).All() {
		reversed = append(reversed, row.Code)
	}
	if want := []codes.Code{orderSoldOut, orderUnknown, orderInternal, orderOK}; !slices.Equal(reversed, want) {
		t.Errorf("All() of reversed rows = %v; want %v", reversed, want)
	}
}

func TestAllStopsAtABreak(t *testing.T) {
	seen := 0
	for range codes.Default().All() { // an iterator that continues after the break panics
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("the loop ran %d times; want 2", seen)
	}
}

// The ErrorInfo of a number without a row has the same parts as that of a row. A client
// with a newer table may have the row.
func TestErrorInfoBytes(t *testing.T) {
	for number, want := range map[codes.Number]string{
		1004: "\x0a\x10RECORD_NOT_FOUND\x12\x09openim.io\x1a\x0c\x0a\x04code\x12\x041004",
		1305: "\x0a\x0fERROR_CODE_1305\x12\x09openim.io\x1a\x0c\x0a\x04code\x12\x041305",
	} {
		for range 2 {
			got := codes.Default().GRPCStatus(number).Proto().GetDetails()[0].GetValue()
			if string(got) != want {
				t.Errorf("the ErrorInfo of %d is\n%q; want\n%q", number, got, want)
			}
			clear(got) // must not change what the next call returns
		}
	}
}

func TestTableIsSafeForConcurrentUse(t *testing.T) {
	// The table is new, so that the calls include the first GRPCStatus of each row.
	table := codes.MustTable("openim.io", slices.Collect(codes.Default().All())...)
	rows := golden(t)

	const callers = 8
	statuses := make([][]*grpcstatus.Status, callers)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range callers {
		done.Go(func() {
			start.Wait()
			for _, row := range rows {
				number := row.code.Number()
				statuses[i] = append(statuses[i], table.GRPCStatus(number))
				if got, ok := table.Lookup(number); !ok || got.Name != row.name {
					t.Errorf("Lookup(%d) = %q, %t; want %q, true", number, got.Name, ok, row.name)
				}
				if row.code.Table() != codes.Default() {
					t.Errorf("%s.Table() = %p; want Default(), %p", row.name, row.code.Table(), codes.Default())
				}
				table.GRPCStatus(number + 100_000)
				table.DefaultFor(row.grpcCode)
				if _, err := table.Parse(row.reason); err != nil {
					t.Errorf("Parse(%q) = %v; want no error", row.reason, err)
				}
			}
		})
	}
	start.Done()
	done.Wait()
	for i := range statuses {
		if !slices.Equal(statuses[i], statuses[0]) {
			t.Errorf("caller %d got other statuses than caller 0; want the same pointers", i)
		}
	}
}

// A code type that is written by hand works like a generated one.
func TestHandWrittenCodeType(t *testing.T) {
	const unknown = orderCode(1305)
	tests := []struct {
		code     orderCode
		grpcCode grpccodes.Code
		reason   string
		message  string
		text     string
	}{
		{orderSoldOut, grpccodes.FailedPrecondition, "SOLD_OUT", "sold out", "SoldOut: sold out"},
		{orderInternal, grpccodes.Internal, "ORDER_INTERNAL", "internal error", "OrderInternal: internal error"},
		{unknown, grpccodes.Unknown, "ERROR_CODE_1305", "unknown failure", "orderCode(1305): unknown failure"},
	}
	for _, tt := range tests {
		st := grpcstatus.Convert(fmt.Errorf("ordering: %w", tt.code))
		if st.Code() != tt.grpcCode {
			t.Errorf("gRPC reads code %v from orderCode(%d); want %v", st.Code(), tt.code, tt.grpcCode)
		}
		checkErrorInfo(t, tt.code.GRPCStatus(), &errdetails.ErrorInfo{
			Reason: tt.reason, Domain: "orders.example.com", Metadata: map[string]string{"code": strconv.Itoa(int(tt.code))}})
		if got := tt.code.GRPCStatus().Message(); got != tt.message {
			t.Errorf("orderCode(%d).GRPCStatus() has message %q; want %q", tt.code, got, tt.message)
		}
		if got := tt.code.Error(); got != tt.text {
			t.Errorf("orderCode(%d).Error() = %q; want %q", tt.code, got, tt.text)
		}
		if got := tt.code.Table().Code(tt.code.Number()); got != tt.code {
			t.Errorf("Code(%d) = %#v; want %#v", tt.code, got, tt.code)
		}
		parsed, err := tt.code.Table().Parse(strings.SplitN(tt.text, ":", 2)[0])
		if err != nil || parsed != tt.code {
			t.Errorf("Parse of %q = %#v, %v; want %#v, nil", tt.text, parsed, err, tt.code)
		}
	}
}

func TestCodesOfTwoTypesAreNeverEqual(t *testing.T) {
	for _, number := range []codes.Number{0, 1, 1004, 1305} {
		code, other := codes.Code(codes.ErrorCode(number)), codes.Code(orderCode(number))
		if code == other {
			t.Errorf("ErrorCode(%d) == orderCode(%d); want two codes", number, number)
		}
		if errors.Is(code, other) || errors.Is(other, code) {
			t.Errorf("errors.Is reports that ErrorCode(%d) and orderCode(%d) are equal; want two codes", number, number)
		}
		if _, ok := errors.AsType[codes.ErrorCode](other); ok {
			t.Errorf("errors.AsType found an ErrorCode in orderCode(%d); want none", number)
		}
		if got := orderTable().Code(number); got == codes.Default().Code(number) {
			t.Errorf("Code(%d) is %#v in both tables; want codes of two types", number, got)
		}
	}
}

// FuzzNewTable checks that NewTable either refuses a row, or finds it by number,
// reason and name and can send it.
func FuzzNewTable(f *testing.F) {
	for _, r := range orderRows() {
		f.Add("orders.example.com", int32(r.Code.Number()), r.Name, r.Reason, uint32(r.GRPCCode), r.Message, true)
	}
	f.Add("orders.example.com", int32(7), "Lost", "ORDER_LOST", uint32(grpccodes.NotFound), "lost", true)
	f.Add("", int32(-1), "", "ERROR_CODE_7", uint32(17), "\xff", false)
	f.Fuzz(func(t *testing.T, domain string, number int32, name, reason string, grpcCode uint32, message string, isDefault bool) {
		row := codes.Row{
			Code: orderCode(number), Name: name, Reason: reason, GRPCCode: grpccodes.Code(grpcCode), Message: message, Default: isDefault,
		}
		table, err := codes.NewTable(domain, append(orderRows(), row)...)
		if err != nil {
			if err.Error() == "" || table != nil {
				t.Errorf("NewTable() = %v, %q; want nil and an error with a text", table, err)
			}
			return
		}
		if message != strings.Trim(message, " ") {
			t.Errorf("NewTable accepts the message %q; want an error, because it has a space at its beginning or end", message)
		}
		got, ok := table.Lookup(row.Code.Number())
		if message == "" {
			message = strings.ToLower(strings.Join(strings.FieldsFunc(reason, func(r rune) bool { return r == '_' }), " "))
		}
		if !ok || got.Reason != reason || got.Message != message || got.GRPCCode != grpccodes.Code(grpcCode) {
			t.Errorf("Lookup(%d) = %+v, %t; want %+v", number, got, ok, row)
		}
		for _, text := range []string{got.Name, reason, strconv.Itoa(int(number))} {
			if code, err := table.Parse(text); err != nil || code != row.Code {
				t.Errorf("Parse(%q) = %v, %v; want %v", text, code, err, row.Code)
			}
		}
		p := table.GRPCStatus(row.Code.Number()).Proto()
		info := &errdetails.ErrorInfo{}
		if err := p.GetDetails()[0].UnmarshalTo(info); err != nil {
			t.Fatal(err)
		}
		if info.GetReason() != reason || info.GetDomain() != domain || info.GetMetadata()["code"] != strconv.Itoa(int(number)) {
			t.Errorf("ErrorInfo %v; want reason %q, domain %q, number %d", info, reason, domain, number)
		}
		if _, err := proto.Marshal(p); err != nil {
			t.Errorf("proto.Marshal() of the status = %v; want no error", err)
		}
	})
}

// RowCode finds the code of a row only by the exact bytes of its ErrorInfo. For all other
// bytes it returns nil, and the ErrorInfo must be parsed.
func TestRowCode(t *testing.T) {
	table := codes.Default()
	for row := range table.All() {
		b := errorinfo.Append(nil, row.Reason, table.Domain(), strconv.Itoa(int(row.Code.Number())), nil)
		var want any // NoError is not sent
		if row.Code.Number() > 0 {
			want = row.Code
		}
		if got := errorinfo.RowCode(table, b); got != want {
			t.Errorf("RowCode(%q) = %v; want %v", b, got, want)
		}
		if got := errorinfo.RowCode(table, append(b, 0x22, 0)); got != nil {
			t.Errorf("RowCode = %v for the bytes of %s and one more field; want nil", got, row.Name)
		}
	}
	if got := errorinfo.RowCode(table, errorinfo.Append(nil, "ERROR_CODE_1305", table.Domain(), "1305", nil)); got != nil {
		t.Errorf("RowCode = %v for a number without a row; want nil", got)
	}
}

// GRPCStatusWith differs from GRPCStatus only in the message, and is a new status each time.
func TestGRPCStatusWith(t *testing.T) {
	for _, number := range []codes.Number{-1, 0, 500, 1004, 1305} {
		want := codes.Default().GRPCStatus(number).Proto()
		if want != nil {
			want.Message = "another"
		}
		got := codes.Default().GRPCStatusWith(number, "another")
		if !proto.Equal(got.Proto(), want) {
			t.Errorf("GRPCStatusWith(%d) = %v; want %v", number, got.Proto(), want)
		}
		if other := codes.Default().GRPCStatusWith(number, "a third"); number != 0 && got.Message() != "another" {
			t.Errorf("GRPCStatusWith(%d) changed to %v when %v was made", number, got, other)
		}
	}
}

// A user that appends to the localized messages of a row gets a copy.
func TestAppendToLocalizedCopies(t *testing.T) {
	messages := make([]codes.LocalizedMessage, 1, 4)
	messages[0] = codes.LocalizedMessage{Locale: "zh", Message: "一"}
	row := codes.RowOf(codes.Args)
	row.Localized = messages
	table := codes.Default().MustWithRows(row)
	a, _ := table.Lookup(codes.Args.Number())
	b, _ := table.Lookup(codes.Args.Number())
	a.Localized = append(a.Localized, codes.LocalizedMessage{Locale: "de", Message: "eins"})
	b.Localized = append(b.Localized, codes.LocalizedMessage{Locale: "fr", Message: "un"})
	if a.Localized[1].Locale != "de" {
		t.Errorf("the second locale is %q after another append; want %q", a.Localized[1].Locale, "de")
	}
}
