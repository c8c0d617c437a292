package codes_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// A cardCode has a table with the least that a table can have: one row with a canonical code.
type cardCode int32

const (
	cardDeclined cardCode = 1
	cardInternal cardCode = -13 // the fallback for INTERNAL
	cardUnknown  cardCode = -2  // the fallback for UNKNOWN
)

func (c cardCode) Number() codes.Number { return codes.Number(c) }
func (c cardCode) Table() *codes.Table  { return cardTable() }
func (c cardCode) String() string       { return codes.RowOf(c).Name }
func (c cardCode) Error() string        { return c.String() + ": " + codes.RowOf(c).Message }

var cardTable = sync.OnceValue(func() *codes.Table {
	return codes.MustTable("card.example", codes.Row{Code: cardDeclined, Reason: "CARD_DECLINED", GRPCCode: grpccodes.FailedPrecondition})
})

func TestLeastTable(t *testing.T) {
	row, ok := cardTable().Lookup(1)
	want := codes.Row{Code: cardDeclined, Name: "CARD_DECLINED", Reason: "CARD_DECLINED", GRPCCode: grpccodes.FailedPrecondition, Message: "card declined"}
	if !ok || fmt.Sprintf("%#v", row) != fmt.Sprintf("%#v", want) {
		t.Errorf("Lookup(1) = %#v, %t; want %#v, true", row, ok, want)
	}
	if got := cardTable().Len(); got != 1 {
		t.Errorf("Len() = %d; want 1: fallbacks are no rows", got)
	}
	for row := range cardTable().All() {
		if row.Code != cardDeclined {
			t.Errorf("All() has %v; want only cardDeclined", row.Code)
		}
	}
}

// A fallback is a code of the table's type without a row.
func TestFallbacks(t *testing.T) {
	table := cardTable()
	for _, tt := range []struct {
		canonical     grpccodes.Code
		want          cardCode
		name, message string
	}{
		{grpccodes.Internal, cardInternal, "INTERNAL", "internal error"},
		{grpccodes.Unknown, cardUnknown, "UNKNOWN", "unknown error"},
	} {
		code := table.DefaultFor(tt.canonical)
		if code != tt.want {
			t.Fatalf("DefaultFor(%v) = %#v; want %#v", tt.canonical, code, tt.want)
		}
		if table.Has(code.Number()) {
			t.Errorf("Has(%d) = true; want false: that marks a fallback", code.Number())
		}
		row, ok := table.Lookup(code.Number())
		want := codes.Row{Code: tt.want, Name: tt.name, Reason: tt.name, GRPCCode: tt.canonical, Message: tt.message}
		if ok || fmt.Sprintf("%#v", row) != fmt.Sprintf("%#v", want) {
			t.Errorf("Lookup(%d) = %#v, %t; want %#v, false", code.Number(), row, ok, want)
		}
		if got := fmt.Sprint(code.(cardCode)); got != tt.name+": "+tt.message {
			t.Errorf("the text of the fallback is %q; want %q", got, tt.name+": "+tt.message)
		}
		for _, text := range []string{tt.want.String(), fmt.Sprint(int32(tt.want)), fmt.Sprintf("cardCode(%d)", int32(tt.want))} {
			if parsed, err := table.Parse(text); err != nil || parsed != code {
				t.Errorf("Parse(%q) = %#v, %v; want %#v", text, parsed, err, code)
			}
		}
		if row, ok := table.ByReason(tt.name); ok {
			t.Errorf("ByReason(%q) = %v, true; want false: no received reason is a fallback", tt.name, row)
		}
		if got := codes.Label(code); got != tt.name {
			t.Errorf("Label of the fallback is %q; want %q", got, tt.name)
		}
		if got := fmt.Sprint(row.LogValue()); got != fmt.Sprintf("[name=%s reason=%[1]s grpc_code=%[1]s message=%s]", tt.name, tt.message) {
			t.Errorf("LogValue() = %s; want no number", got)
		}
	}
	for c := grpccodes.Code(1); c <= 20; c++ {
		if got, want := table.DefaultFor(c), cardUnknown; c != grpccodes.Internal && got != want {
			t.Errorf("DefaultFor(%v) = %#v; want the fallback for UNKNOWN", c, got)
		}
	}
	for _, number := range []codes.Number{-1, -3, -14, -16, -17, -1 << 31} {
		if row, _ := table.Lookup(number); row.Name != fmt.Sprintf("cardCode(%d)", number) || row.Message != "unknown error" || codes.Label(cardCode(number)) != "_OTHER" {
			t.Errorf("Lookup(%d) = %+v, label %q; want a row without a fallback's name", number, row, codes.Label(cardCode(number)))
		}
	}
}

// A fallback can't be sent as a code: no number is in the ErrorInfo.
func TestStatusOfAFallback(t *testing.T) {
	for _, number := range []codes.Number{-13, -2, -1} {
		st := cardTable().GRPCStatus(number)
		if st.Code() != grpccodes.Internal || st.Message() != "internal error" {
			t.Errorf("GRPCStatus(%d) = %v; want INTERNAL, internal error", number, st)
		}
		checkErrorInfo(t, st, &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "card.example"})
		st = cardTable().GRPCStatusWith(number, "down")
		if st.Code() != grpccodes.Internal || st.Message() != "down" {
			t.Errorf("GRPCStatusWith(%d, down) = %v; want INTERNAL, down", number, st)
		}
		checkErrorInfo(t, st, &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "card.example"})
	}
	// With a row for INTERNAL alone.
	table := orderTable()
	if got := table.GRPCStatus(-13); got.Message() != "internal error" || len(got.Details()) != 1 || got.Details()[0].(*errdetails.ErrorInfo).GetReason() != "ORDER_INTERNAL" {
		t.Errorf("GRPCStatus(-13) = %v; want the default row for INTERNAL", got)
	}
}

// A default row for one of the two leaves the other fallback.
func TestOneFallback(t *testing.T) {
	table := cardTable().MustWithRows(codes.Row{Code: cardCode(9), Reason: "INTERNAL", GRPCCode: grpccodes.Internal, Default: true})
	if got := table.DefaultFor(grpccodes.Internal); got != cardCode(9) {
		t.Errorf("DefaultFor(Internal) = %#v; want 9", got)
	}
	if got := table.DefaultFor(grpccodes.Unknown); got != cardUnknown {
		t.Errorf("DefaultFor(Unknown) = %#v; want the fallback", got)
	}
	if row, ok := table.ByReason("INTERNAL"); !ok || row.Code != cardCode(9) {
		t.Errorf("ByReason(INTERNAL) = %v, %t; want 9: the reason isn't reserved", row.Code, ok)
	}
	if row, _ := table.Lookup(-13); row.Name != "cardCode(-13)" {
		t.Errorf("Lookup(-13) = %q; want no fallback", row.Name)
	}
	// A copy can lose its default again.
	back := table.MustWithRows(codes.Row{Code: cardCode(9), Reason: "BROKEN", GRPCCode: grpccodes.Internal})
	if got := back.DefaultFor(grpccodes.Internal); got != cardInternal {
		t.Errorf("DefaultFor(Internal) = %#v without a default row; want the fallback", got)
	}
}

func TestFallbackNamesAreReserved(t *testing.T) {
	for _, name := range []string{"INTERNAL", "UNKNOWN"} {
		for what, row := range map[string]codes.Row{
			"reason":        {Code: cardCode(7), Name: "Seven", Reason: name, GRPCCode: grpccodes.Internal},
			"former reason": {Code: cardCode(7), Name: "Seven", Reason: "SEVEN", FormerReasons: []string{name}, GRPCCode: grpccodes.Internal},
			"name":          {Code: cardCode(7), Name: name, Reason: "SEVEN", GRPCCode: grpccodes.Internal},
			"other name":    {Code: cardCode(7), Name: "Seven", Reason: "SEVEN", OtherNames: []string{"A", name}, GRPCCode: grpccodes.Internal},
		} {
			want := []string{"= 7)", fmt.Sprintf("%s %q is reserved in a table without a default row for %s: choose another, or set default: true", what, name, name)}
			if _, err := cardTable().WithRows(row); err == nil || !hasLine(err, want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s %s: WithRows returned %v; want one line with %q", what, name, err, want)
			}
		}
	}
	zero := codes.Row{Code: cardCode(0), Reason: "UNKNOWN"}
	if _, err := cardTable().WithRows(zero); err == nil || !hasLine(err, []string{"(UNKNOWN = 0)", `reason "UNKNOWN" is reserved`}) {
		t.Errorf("WithRows with the reason UNKNOWN for number 0 returned %v; want an error", err)
	}
}

// Number 0 may have the name of a fallback, because many enums begin with UNKNOWN. Parse then
// reads 0, and still reads the text of the fallback.
func TestZeroMayHaveTheNameOfAFallback(t *testing.T) {
	for _, name := range []string{"INTERNAL", "UNKNOWN"} {
		for _, zero := range []codes.Row{{Code: cardCode(0), Name: name, Reason: "OK"}, {Code: cardCode(0), Name: "Zero", OtherNames: []string{name}, Reason: "OK"}} {
			table := codes.MustTable("card.example", zero, codes.Row{Code: cardCode(1), Reason: "AAA", GRPCCode: grpccodes.NotFound})
			if code, err := table.Parse(name); err != nil || code != codes.Code(cardCode(0)) {
				t.Errorf("Parse(%q) = %v, %v; want number 0", name, code, err)
			}
			for _, canonical := range []grpccodes.Code{grpccodes.Internal, grpccodes.Unknown} {
				fallback := table.DefaultFor(canonical)
				row, _ := table.Lookup(fallback.Number())
				if code, err := table.Parse(row.Name); err != nil || code != fallback || row.Reason != strings.ToUpper(canonical.String()) {
					t.Errorf("Parse(%q) = %v, %v, and the reason is %q; want the fallback for %v", row.Name, code, err, row.Reason, canonical)
				}
			}
		}
	}
}

// A nonNegativeCode's Number method panics for negative values, so it can have no fallback.
type nonNegativeCode int32

func (nonNegativeCode) Error() string       { return "code" }
func (nonNegativeCode) Table() *codes.Table { return nil }
func (c nonNegativeCode) Number() codes.Number {
	if c < 0 {
		panic("negative")
	}
	return codes.Number(c)
}

func TestNumberMethodOfAFallbackIsChecked(t *testing.T) {
	_, err := codes.NewTable("card.example", codes.Row{Code: nonNegativeCode(1), Reason: "ONE", GRPCCode: grpccodes.NotFound})
	if want := []string{"codes_test.nonNegativeCode", "panics for the value -2 (negative)", "return codes.Number(c)"}; err == nil || !hasLine(err, want) {
		t.Errorf("NewTable returned %v; want an error with %q", err, want)
	}
}

func TestEmptyMessageBecomesTheWordsOfTheReason(t *testing.T) {
	for reason, want := range map[string]string{"CARD_DECLINED": "card declined", "A__B_2FA": "a b 2fa", "LIMIT": "limit"} {
		table := codes.MustTable("card.example", codes.Row{Code: cardDeclined, Name: "Other", Reason: reason, GRPCCode: grpccodes.NotFound})
		if row, _ := table.Lookup(1); row.Message != want || table.GRPCStatus(1).Message() != want {
			t.Errorf("the message of %s is %q, and %q is sent; want %q", reason, row.Message, table.GRPCStatus(1).Message(), want)
		}
	}
	table := cardTable().MustWithRows(codes.Row{Code: cardCode(0), Reason: "FINE"})
	if row, ok := table.Lookup(0); !ok || row.Message != "no error" {
		t.Errorf("Lookup(0) = %q, %t; want no error, true", row.Message, ok)
	}
}

// The examples in Parse's error are those of a row of an error.
func TestParseErrorHasNoFallbackAsExample(t *testing.T) {
	table := codes.MustTable("card.example", codes.Row{Code: cardCode(0), Reason: "FINE"},
		codes.Row{Code: cardDeclined, Name: "Declined", Reason: "CARD_DECLINED", GRPCCode: grpccodes.FailedPrecondition})
	_, err := table.Parse("nothing")
	if want := `codes: no cardCode is called "nothing": give a name such as "Declined", a reason such as "CARD_DECLINED", or a 32-bit number`; err == nil || err.Error() != want {
		t.Errorf("Parse(nothing) returned the error %v; want %s", err, want)
	}
	table = codes.MustTable("card.example", codes.Row{Code: cardCode(0), Reason: "FINE"})
	if _, err := table.Parse("nothing"); err == nil || !strings.Contains(err.Error(), `"FINE"`) {
		t.Errorf("Parse(nothing) returned the error %v; want one with FINE, the only row", err)
	}
}

func TestFormerReasonsAndOtherNames(t *testing.T) {
	table := cardTable().MustWithRows(codes.Row{
		Code: cardDeclined, Name: "Declined", OtherNames: []string{"CARD_CODE_DECLINED", "Refused"},
		Reason: "CARD_DECLINED", FormerReasons: []string{"CARD_REFUSED", "NO_CARD"}, GRPCCode: grpccodes.FailedPrecondition,
	})
	for _, reason := range []string{"CARD_DECLINED", "CARD_REFUSED", "NO_CARD"} {
		if row, ok := table.ByReason(reason); !ok || row.Reason != "CARD_DECLINED" {
			t.Errorf("ByReason(%q) = %q, %t; want the row of CARD_DECLINED", reason, row.Reason, ok)
		}
	}
	for _, text := range []string{"Declined", "CARD_CODE_DECLINED", "Refused", "CARD_DECLINED", "CARD_REFUSED", "NO_CARD", "1"} {
		if code, err := table.Parse(text); err != nil || code != cardDeclined {
			t.Errorf("Parse(%q) = %v, %v; want cardDeclined", text, code, err)
		}
	}
	checkErrorInfo(t, table.GRPCStatus(1), &errdetails.ErrorInfo{Reason: "CARD_DECLINED", Domain: "card.example", Metadata: map[string]string{"code": "1"}})
	if got := table.Label(1); got != "CARD_DECLINED" {
		t.Errorf("Label(1) = %q; want CARD_DECLINED", got)
	}
	// What a user does with the slices of a row doesn't change the table.
	row, _ := table.Lookup(1)
	_ = append(row.FormerReasons, "X")
	_ = append(row.OtherNames, "X")
	if again, _ := table.Lookup(1); !slices.Equal(again.FormerReasons, []string{"CARD_REFUSED", "NO_CARD"}) || len(again.OtherNames) != 2 {
		t.Errorf("Lookup(1) has %q and %q after an append; want no change", again.FormerReasons, again.OtherNames)
	}
	if cap(row.FormerReasons) > 2 || cap(row.OtherNames) > 2 {
		t.Errorf("the slices of a row have room: %d, %d", cap(row.FormerReasons), cap(row.OtherNames))
	}
	if again := table.MustWithRows(); again.Len() != 1 || again.DefaultFor(grpccodes.Internal) != cardInternal {
		t.Error("WithRows() lost the row or the fallback")
	}
}

// A row without retry advice of its own is given none by UNKNOWN's default.
func TestUnknownNumberHasNothingOfTheDefaultRow(t *testing.T) {
	rows := orderRows()
	rows[2].RetryOverride, rows[2].FaultOverride, rows[2].FormerReasons = codes.RetryCall, codes.FaultCaller, []string{"WAS_UNKNOWN"}
	rows[2].OtherNames, rows[2].Template = []string{"X"}, "unknown {thing}"
	row, _ := codes.MustTable("orders.example.com", rows...).Lookup(77)
	if row.Retry() != codes.RetryNever || row.Fault() != codes.FaultServer || row.FormerReasons != nil || row.OtherNames != nil || row.Template != "" {
		t.Errorf("Lookup(77) = %+v; want nothing of UNKNOWN's default row but its messages", row)
	}
}

func ExampleTable_DefaultFor_fallback() {
	// In package billing: var table = codes.MustTable("card.example", codes.Row{Code: …, Reason: "CARD_DECLINED", …})
	fallback := cardTable().DefaultFor(grpccodes.Internal)
	fmt.Println(fallback, cardTable().Has(fallback.Number()))
	// Output: INTERNAL: internal error false
}
