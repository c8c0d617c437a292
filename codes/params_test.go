package codes_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/testrpc"
)

// withTemplates returns the rows of orderTable with templates for SoldOut.
func withTemplates(template string, localized ...string) []codes.Row {
	rows := orderRows()
	rows[3].Template = template
	rows[3].Localized = nil
	for i, text := range localized {
		rows[3].Localized = append(rows[3].Localized, codes.LocalizedMessage{Locale: []string{"zh", "de"}[i], Message: "售罄", Template: text})
	}
	return rows
}

func TestNewTableAcceptsTemplates(t *testing.T) {
	withBraces := withTemplates("{item} is sold out")
	withBraces[3].Message = "{} sold out: {Item}" // no parameters
	alone := withTemplates("{item} is sold out")
	alone[3].Localized = []codes.LocalizedMessage{{Locale: "zh", Message: "售罄"}}
	for name, rows := range map[string][]codes.Row{
		"one parameter":                  withTemplates("{item} is sold out"),
		"twice":                          withTemplates("{item} is sold out, {item}"),
		"localized, in any order":        withTemplates("{item} in {shop}", "{shop}{item}{shop}", "{item} {shop}"),
		"joiners in a localized one":     withTemplates("{item} in {shop}", "می\u200cخواهم {shop}{item}"),
		"braces in a message":            withBraces,
		"a localized message without it": alone,
	} {
		if _, err := codes.NewTable("orders.example.com", rows...); err != nil {
			t.Errorf("%s: NewTable: %v; want no error", name, err)
		}
	}
}

// Each error names the row, the text and how to mend it. What a template may have inside of
// its braces is tested in internal/template.
func TestNewTableRefusesTemplates(t *testing.T) {
	inMessage := withTemplates("{item} is sold out")
	inMessage[3].Message = "sold out: {item}"
	inLocalized := withTemplates("{item} is sold out", "{item} 售罄")
	inLocalized[3].Localized[0].Message = "{item}"
	zero := withTemplates("")
	zero[0].Template = "{item} is fine"
	for name, tt := range map[string]struct {
		rows []codes.Row
		want []string
	}{
		"no parameter":      {withTemplates("sold out"), []string{"SoldOut = 1004", `template "sold out" has no parameter: write one as {name}`}},
		"a bad name":        {withTemplates("{Item} sold out"), []string{`template "{Item} sold out" has the parameter {Item}`, "must match"}},
		"an edge space":     {withTemplates("{item} "), []string{`template "{item} " begins or ends with a space: remove it`}},
		"hidden characters": {withTemplates("{item}\n"), []string{`template "{item}\n" has the invisible character U+000A at byte 6: remove it`}},
		"joiners":           {withTemplates("{item}\u200d"), []string{"invisible character U+200D"}},
		"not UTF-8":         {withTemplates("{item}\xff"), []string{`template "{item}\xff" is not valid UTF-8`}},
		"in the message":    {inMessage, []string{`message "sold out: {item}" has the parameter {item}: put it in the template only`}},
		"in a localized":    {inLocalized, []string{`localized message "{item}" for locale "zh" has the parameter {item}: put it in the template only`}},
		"number 0":          {zero, []string{"OrderOK = 0", `number 0 has the template "{item} is fine": remove it`}},
		"localized alone":   {withTemplates("", "{item} 售罄"), []string{`localized template "{item} 售罄" for locale "zh" without a template of the row: add a template`}},
		"localized lacks":   {withTemplates("{item} in {shop}", "{item}"), []string{`localized template "{item}" for locale "zh" lacks the parameter {shop} of the row's template "{item} in {shop}"`}},
		"localized has":     {withTemplates("{item}", "{item}", "{item} {shop}"), []string{`localized template "{item} {shop}" for locale "de" has the parameter {shop}, which the row's template "{item}" doesn't have`}},
		"localized brace":   {withTemplates("{item}", "{item}}"), []string{`localized template "{item}}" for locale "zh" has an unmatched "}" at byte 6`}},
		"localized space":   {withTemplates("{item}", " {item}"), []string{`localized template " {item}" for locale "zh" begins or ends with a space`}},
		"localized hidden":  {withTemplates("{item}", "{item}\u202e"), []string{`for locale "zh" has the invisible character U+202E`}},
		"localized UTF-8":   {withTemplates("{item}", "{item}\xff"), []string{`localized template "{item}\xff" for locale "zh" is not valid UTF-8`}},
	} {
		_, err := codes.NewTable("orders.example.com", tt.rows...)
		if err == nil || !hasLine(err, tt.want) {
			t.Errorf("%s: NewTable's error is\n%v\nwant a line with each of %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: NewTable reports\n%v\nwant one line", name, err)
		}
	}
}

func TestFill(t *testing.T) {
	row := codes.Row{Message: "sold out", Template: "{item} is sold out in {shop}, {item}",
		Localized: []codes.LocalizedMessage{{Locale: "zh", Message: "售罄", Template: "{shop}: {item}"}, {Locale: "de", Message: "ausverkauft"}}}
	for _, tt := range []struct {
		params                   []codes.Param
		want, chinese, germanAll string
	}{
		{[]codes.Param{{"item", "soap"}, {"shop", "a"}}, "soap is sold out in a, soap", "a: soap", "ausverkauft"},
		{[]codes.Param{{"shop", "a"}, {"more", "x"}, {"item", "{shop}"}}, "{shop} is sold out in a, {shop}", "a: {shop}", "ausverkauft"},
		{[]codes.Param{{"item", "old"}, {"shop", "a"}, {"item", "new"}}, "new is sold out in a, new", "a: new", "ausverkauft"},
		{[]codes.Param{{"item", "\xff"}, {"shop", ""}}, "\uFFFD is sold out in , \uFFFD", ": \uFFFD", "ausverkauft"},
		{[]codes.Param{{"item", " soap "}, {"shop", "a"}}, "soap  is sold out in a,  soap", "a:  soap", "ausverkauft"},
		{[]codes.Param{{"item", "soap"}}, "sold out", "售罄", "ausverkauft"},
		{nil, "sold out", "售罄", "ausverkauft"},
	} {
		if got := row.Fill(tt.params); got != tt.want {
			t.Errorf("Fill(%q) = %q; want %q", tt.params, got, tt.want)
		}
		if got := row.Localized[0].Fill(tt.params); got != tt.chinese {
			t.Errorf("Localized[0].Fill(%q) = %q; want %q", tt.params, got, tt.chinese)
		}
		if got := row.Localized[1].Fill(tt.params); got != tt.germanAll {
			t.Errorf("Localized[1].Fill(%q) = %q; want %q", tt.params, got, tt.germanAll)
		}
	}
	if got := (codes.Row{Message: "sold out"}).Fill([]codes.Param{{"item", "soap"}}); got != "sold out" {
		t.Errorf("Fill of a row without a template = %q; want its message", got)
	}
}

// An orderParams has any code and any parameters.
type orderParams struct {
	code   codes.Code
	params []codes.Param
}

func (p orderParams) Error() string                               { return "order" }
func (p orderParams) Code() codes.Code                            { return p.code }
func (p orderParams) AppendParams(to []codes.Param) []codes.Param { return append(to, p.params...) }

func TestGRPCStatusOf(t *testing.T) {
	table := codes.MustTable("orders.example.com", withTemplates("{item} in {shop}")...)
	infoOf := func(p codes.Params) (message string, info *errdetails.ErrorInfo, canonical grpccodes.Code) {
		t.Helper()
		st := table.GRPCStatusOf(p)
		if len(st.Details()) != 1 {
			t.Fatalf("GRPCStatusOf(%v) = %v; want one detail", p, st)
		}
		return st.Message(), st.Details()[0].(*errdetails.ErrorInfo), st.Code()
	}
	var many []codes.Param
	wantMany := map[string]string{"code": "1004"}
	for i := range 1000 {
		many = append(many, codes.Param{Name: fmt.Sprintf("key%03d", 999-i), Value: "v"})
		wantMany[fmt.Sprintf("key%03d", i)] = "v"
	}
	for name, tt := range map[string]struct {
		params  []codes.Param
		message string
		want    map[string]string
	}{
		"all":        {[]codes.Param{{"shop", "b"}, {"item", "a"}}, "a in b", map[string]string{"code": "1004", "shop": "b", "item": "a"}},
		"one lacks":  {[]codes.Param{{"item", "a"}}, "sold out", map[string]string{"code": "1004", "item": "a"}},
		"twice":      {[]codes.Param{{"item", "a"}, {"shop", "b"}, {"item", "c"}}, "c in b", map[string]string{"code": "1004", "shop": "b", "item": "c"}},
		"bad keys":   {[]codes.Param{{"Item", "a"}, {"i", "b"}, {"code", "7"}, {"truncated", "details"}, {"\xff\xff", "x"}, {"userID", "u"}}, "sold out", map[string]string{"code": "1004", "userID": "u"}},
		"not UTF-8":  {[]codes.Param{{"item", "a\xff"}, {"shop", "b"}}, "a\uFFFD in b", map[string]string{"code": "1004", "shop": "b", "item": "a\uFFFD"}},
		"a thousand": {many, "sold out", wantMany},
		"none":       {nil, "sold out", map[string]string{"code": "1004"}},
	} {
		message, info, canonical := infoOf(orderParams{orderSoldOut, tt.params})
		if diff := cmp.Diff(tt.want, info.Metadata); message != tt.message || canonical != grpccodes.FailedPrecondition || diff != "" {
			t.Errorf("%s: GRPCStatusOf = %v %q; want FailedPrecondition %q; metadata (-want +got):\n%s", name, canonical, message, tt.message, diff)
		}
		if info.Reason != "SOLD_OUT" || info.Domain != "orders.example.com" {
			t.Errorf("%s: GRPCStatusOf has reason %q and domain %q", name, info.Reason, info.Domain)
		}
	}
	b := table.GRPCStatusOf(orderParams{orderSoldOut, []codes.Param{{"shop", "b"}, {"item", "a"}}}).Proto().Details[0].Value
	if want := errorinfo.Append(nil, "SOLD_OUT", "orders.example.com", "1004", []errorinfo.Pair{{Key: "item", Value: "a"}, {Key: "shop", Value: "b"}}); string(b) != string(want) {
		t.Errorf("the ErrorInfo is %q; want %q: sorted by key", b, want)
	}
	if st := table.GRPCStatusOf(orderParams{code: orderOK}); st != nil {
		t.Errorf("GRPCStatusOf with number 0 = %v; want nil", st)
	}
	for name, p := range map[string]codes.Params{"nil": nil, "nil code": orderParams{params: many}, "negative": orderParams{orderCode(-1), many}} {
		if st := table.GRPCStatusOf(p); !proto.Equal(st.Proto(), table.GRPCStatus(-1).Proto()) {
			t.Errorf("%s: GRPCStatusOf = %v; want the status of INTERNAL's default row", name, st)
		}
	}
	if message, info, _ := infoOf(orderParams{orderCode(77), []codes.Param{{"item", "a"}}}); message != "unknown failure" || info.Metadata["item"] != "a" || info.Metadata["code"] != "77" {
		t.Errorf("GRPCStatusOf of a number without a row = %q, %v; want UNKNOWN's message, and the parameters", message, info)
	}
}

// A number without a row has the messages of UNKNOWN's default row, and not its templates.
func TestLookupDropsTemplates(t *testing.T) {
	rows := orderRows()
	rows[2].Template, rows[2].Localized = "{item} failed", []codes.LocalizedMessage{{Locale: "zh", Message: "失败", Template: "{item} 失败"}}
	table := codes.MustTable("orders.example.com", rows...)
	row, _ := table.Lookup(77)
	if row.Template != "" || row.Localized[0].Template != "" || row.Localized[0].Message != "失败" {
		t.Errorf("Lookup(77) = %+v; want no templates", row)
	}
	if own, _ := table.Lookup(orderUnknown.Number()); own.Template == "" || own.Localized[0].Template == "" {
		t.Errorf("Lookup(%d) = %+v; want its own templates", orderUnknown, own)
	}
}

func TestErrorOfAndLogValueOf(t *testing.T) {
	for _, tt := range []struct {
		p    codes.Params
		text string
	}{
		{testrpc.CardDeclinedError{Card: "4242"}, "CardDeclined: card 4242 was declined"},
		{testrpc.CardDeclinedError{Card: "1\n2\u202e"}, "CardDeclined: card 1 2  was declined"},
		{orderParams{code: testrpc.InvoicePaid, params: []codes.Param{{"card", "x"}}}, "InvoicePaid: the invoice is paid"},
		{orderParams{code: testrpc.CardDeclined}, "CardDeclined: the card was declined"},
		{orderParams{code: testrpc.BillingOK}, "OK: fine"},
	} {
		if got := testrpc.Billing.ErrorOf(tt.p); got != tt.text {
			t.Errorf("ErrorOf(%#v) = %q; want %q", tt.p, got, tt.text)
		}
		group := testrpc.Billing.LogValueOf(tt.p).Group()
		i := slices.IndexFunc(group, func(a slog.Attr) bool { return a.Key == "message" })
		if _, message, _ := strings.Cut(tt.text, ": "); group[i].Value.String() != message {
			t.Errorf("LogValueOf(%#v) = %v; want the message %q", tt.p, group, message)
		}
	}
	for _, p := range []codes.Params{nil, orderParams{}} {
		if got := testrpc.Billing.ErrorOf(p); !strings.Contains(got, ": ") {
			t.Errorf("ErrorOf(%v) = %q; want a name and a message", p, got)
		}
	}
}

// FuzzGRPCStatusOf checks that any values give a status that gRPC can send, with the values.
func FuzzGRPCStatusOf(f *testing.F) {
	f.Add("4242", "{card}", "card")
	f.Add("\xff", " ", "\xff")
	f.Fuzz(func(t *testing.T, card, other, name string) {
		st := testrpc.Billing.GRPCStatusOf(orderParams{testrpc.CardDeclined, []codes.Param{{name, other}, {"card", card}}})
		if _, err := proto.Marshal(st.Proto()); err != nil {
			t.Fatalf("Marshal(%v) = %v; want no error", st, err)
		}
		clean := strings.ToValidUTF8(card, "\uFFFD")
		if want := "card " + clean + " was declined"; st.Message() != want && utf8.ValidString(card) {
			t.Errorf("the message is %q; want %q", st.Message(), want)
		}
		if info := st.Details()[0].(*errdetails.ErrorInfo); info.Metadata["card"] != clean || info.Metadata["code"] != "1" {
			t.Errorf("the metadata is %q; want card %q, code 1", info.Metadata, clean)
		}
	})
}
