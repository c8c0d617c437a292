package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// TestIdentity checks which code a status carries, and what the notes say about it.
func TestIdentity(t *testing.T) {
	info := func(reason, domain, number string) *errdetails.ErrorInfo {
		info := &errdetails.ErrorInfo{Reason: reason, Domain: domain}
		if number != "" {
			info.Metadata = map[string]string{"code": number}
		}
		return info
	}
	for _, tt := range []struct {
		name  string
		text  string
		want  string
		notes []string // parts of the notes, in their order
	}{
		{"by reason", encoded(t, 9, "m", info("CARD_DECLINED", "billing.example.com", "")), "billing.example.com/CARD_DECLINED", nil},
		{"by former reason", encoded(t, 9, "m", info("CARD_REJECTED", "billing.example.com", "3")), "billing.example.com/CARD_DECLINED", []string{"CARD_REJECTED is a former reason"}},
		{"by number", encoded(t, 9, "m", info("", "billing.example.com", "3")), "billing.example.com/CARD_DECLINED", []string{"The number 3 identifies"}},
		{"reason against number", encoded(t, 9, "m", info("CARD_EATEN", "billing.example.com", "3")), "FAILED_PRECONDITION", []string{`The number 3 is that of CARD_DECLINED, but the reason is "CARD_EATEN"`}},
		{"by a number of the other domain alone", encoded(t, 9, "m", info("CARD_EATEN", "openim.io", "3")), "FAILED_PRECONDITION", []string{"openim.io doesn't have this code"}},
		{"a name is no reason", encoded(t, 9, "m", info("CardDeclined", "billing.example.com", "")), "FAILED_PRECONDITION", []string{"doesn't have this code"}},
		{"the reason before the number", encoded(t, 9, "m", info("CARD_DECLINED", "billing.example.com", "1004")), "billing.example.com/CARD_DECLINED", []string{"the number 1004, but the reference has 3"}},
		{"the first of known domains", encoded(t, 5, "m", info("X_Y", "shop.example.com", ""), info("RECORD_NOT_FOUND", "openim.io", ""), info("ARGS", "openim.io", "")), recordNotFound, nil},
		{"a raw number of two domains", encoded(t, 1004, "m"), recordNotFound, []string{"grpc-status is the number", "also that of InvoiceLocked"}},
		{"a raw number without a row", encoded(t, 2222, "m"), "", []string{"no reference has this number"}},
		{"no code at all", encoded(t, 5, "m"), "NOT_FOUND", nil},
		{"OK", encoded(t, 0, "m", info("ARGS", "openim.io", "")), "openim.io/ARGS", []string{"The status has the code 0"}},
		{"withheld", encoded(t, 13, "m", info("INTERNAL", "billing.example.com", "")), "INTERNAL", []string{"withheld"}},
		{"not withheld", encoded(t, 13, "m", info("INTERNAL", "openim.io", "")), "INTERNAL", []string{"doesn't have this code"}},
		{"a number as JSON", `{"code":5,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RECORD_NOT_FOUND","domain":"openim.io","metadata":{"code":1004}}]}`, "openim.io/RECORD_NOT_FOUND", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			output, r := explained(t, tt.text, "-ref", billing)
			if len(output.Answers) != 1 || output.Answers[0].Status == nil {
				t.Fatalf("%v; want one status", r)
			}
			a := output.Answers[0]
			got := ""
			if a.Code != nil {
				got = a.Code.Domain + "/" + a.Code.Reason
			} else if a.GRPC != nil {
				got = a.GRPC.Name
			}
			if got != tt.want || len(a.Notes) != len(tt.notes) {
				t.Fatalf("the status carries %q, notes %q; want %q, notes with %q", got, a.Notes, tt.want, tt.notes)
			}
			for i, note := range tt.notes {
				if !strings.Contains(a.Notes[i], note) {
					t.Errorf("note %q; want it to have %q", a.Notes[i], note)
				}
			}
		})
	}
}

// TestUncertainBytes: base64 is taken for a status only if it has the fields of one and no
// other, unless the key grpc-status-details-bin stands before it.
func TestUncertainBytes(t *testing.T) {
	for text, certain := range map[string]bool{
		base64Of("\x08\x05\x12\x01m"):         true,
		base64Of("\x08\x05\x12\x01m\x20\x01"): false, // field 4
		base64Of("\x08\x05" + "\x18\x01"):     false, // field 3 is a number
		base64Of("\x12\x07message"):           false, // a message without a code
	} {
		output, _ := explained(t, "x "+text)
		if got := len(output.Answers) > 0; got != certain {
			t.Errorf("%s is taken for a status: %v; want %v", text, got, certain)
		}
		output, _ = explained(t, "grpc-status-details-bin: "+text)
		if len(output.Answers) == 0 || output.Answers[0].Status == nil {
			t.Errorf("%s after the key isn't taken for a status", text)
		}
	}
	for text, certain := range map[string]bool{
		base64Of("\x0a\x04ARGS\x12\x09openim.io"):         true,
		base64Of("\x0a\x04ARGS\x12\x07example"):           false, // no domain
		base64Of("\x0a\x04args\x12\x09openim.io"):         false, // no reason
		base64Of("\x0a\x04ARGS\x12\x09openim.io\x20\x01"): false, // field 4
	} {
		output, _ := explained(t, "x "+text)
		if got := len(output.Answers) > 0; got != certain {
			t.Errorf("%s is taken for an ErrorInfo: %v; want %v", text, got, certain)
		}
	}
}

// TestStatusLimits: of a large status, the first parts are shown.
// The command finds the code that a client finds.
func TestIdentifyAgreesWithClients(t *testing.T) {
	c, err := loadCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	for range 50_000 {
		p := &spb.Status{Code: []int32{5, 13, 1004, 1402, 99, 17, 1305, math.MaxInt32}[random.IntN(8)], Message: "m"}
		for range random.IntN(3) {
			info := &errdetails.ErrorInfo{
				Reason: pick("RECORD_NOT_FOUND", "", "OTHER_REASON", "ERROR_CODE_1004", "ERROR_CODE_1305", "bad reason", "NO_ERROR", "ERROR_CODE_0", "SRV_MUTED_IN_GROUP"),
				Domain: pick("openim.io", "openim.io", "x.com", ""),
			}
			if number := pick("", "1004", "1305", "0", "-5", "01004", "99999999999", "1402"); number != "" {
				info.Metadata = map[string]string{"code": number}
			}
			p.Details = append(p.Details, testrpc.Packed(t, info))
		}
		var want codes.Number
		if code, ok := status.Declared(new(status.Decoder).Decode(t.Context(), grpcstatus.FromProto(p).Err())); ok && code.Table().Has(code.Number()) {
			want = code.Number()
		}
		var got codes.Number
		if entry := c.identify(&foundStatus{proto: p}).entry; entry != nil {
			got = codes.Number(entry.code.Number)
		}
		if got != want {
			t.Fatalf("identify finds %d, and a client %d, in %v", got, want, p)
		}
	}
}

func TestStatusLimits(t *testing.T) {
	long := strings.Repeat("x", 10*maxDetail)
	metadata := map[string]string{"code": "1001"}
	for i := range 2 * maxMetadata {
		metadata[fmt.Sprint("a", i)] = "value"
	}
	var fields []byte
	for range 2 * maxFields {
		fields = protowire.AppendVarint(protowire.AppendTag(fields, 7, protowire.VarintType), 300)
	}
	unknown := &anypb.Any{TypeUrl: "x/y.Z", Value: fields}
	large := &anypb.Any{TypeUrl: "x/y.Z", Value: []byte(long)}
	text := encoded(t, 5, long, &errdetails.ErrorInfo{Reason: "ARGS", Domain: "openim.io", Metadata: metadata}, &errdetails.DebugInfo{Detail: long}, unknown, large)
	output, _ := explained(t, text)
	a := output.Answers[0]
	if len(a.Status.Message) > maxText || len(a.ErrorInfo.Metadata) != maxMetadata || a.ErrorInfo.Omitted == 0 || a.ErrorInfo.Metadata["code"] == "" {
		t.Errorf("a message of %d bytes, %d pairs; want at most %d, %d", len(a.Status.Message), len(a.ErrorInfo.Metadata), maxText, maxMetadata)
	}
	debug, small, big := a.Status.Details[1], a.Status.Details[2], a.Status.Details[3]
	if len(debug.Value) > maxDetail+100 || !strings.Contains(string(debug.Value), "bytes cut") || debug.Error == "" {
		t.Errorf("a long detail: %d bytes, error %q; want its beginning and its end", len(debug.Value), debug.Error)
	}
	if len(small.Fields) != maxFields || small.Fields[0] != (Field{Number: 7, Value: "300"}) || small.Error == "" {
		t.Errorf("fields %v, error %q; want %d with the number 7 and the value 300", small.Fields, small.Error, maxFields)
	}
	if len(big.Base64) > 2*maxDetail || big.Error == "" {
		t.Errorf("a long detail of an unknown type: %d bytes of base64, error %q", len(big.Base64), big.Error)
	}

	details := make([]*anypb.Any, maxDetails+8)
	for i := range details {
		details[i] = &anypb.Any{TypeUrl: "x/y.Z"}
	}
	status := describeStatus(hit{status: &foundStatus{proto: statusWith(details)}})
	if len(status.Details) != maxDetails || status.Omitted != 8 {
		t.Errorf("%d details, and %d more; want %d, and 8", len(status.Details), status.Omitted, maxDetails)
	}
}

// TestHeaders: the code beside a status is that of the same line, or the only one.
func TestHeaders(t *testing.T) {
	other := encoded(t, 3, "m")
	const agrees, disagrees = ", header 5 agrees", ", header 7 disagrees"
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"grpc-status: 5\n" + plain, []string{statusOf + recordNotFound + agrees}},
		{plain + "\ngrpc-status: 5", []string{statusOf + recordNotFound + agrees}},
		{"grpc-status: 7\n" + plain, []string{statusOf + recordNotFound + disagrees}},
		{"grpc-status: 7\ngrpc-status: 5 " + plain, []string{"PERMISSION_DENIED", statusOf + recordNotFound + agrees}},
		{"grpc-status: 7\ngrpc-status: 5\n" + plain, []string{"PERMISSION_DENIED", statusOf + recordNotFound}},
		{"grpc-status: 5\n" + plain + "\n\n" + other, []string{statusOf + recordNotFound, statusOf + "INVALID_ARGUMENT"}},
	} {
		output, _ := explained(t, tt.text)
		if diff := cmp.Diff(tt.want, summary(output)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

// TestClues: where two domains have a number or a name, the rest of the text says which is
// meant.
func TestClues(t *testing.T) {
	both := []string{"billing.example.com/INVOICE_LOCKED", recordNotFound}
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"code=1004", both},
		{"code=1004 in openim.io", []string{recordNotFound}},
		{"code=1004 name=InvoiceLocked", []string{"billing.example.com/INVOICE_LOCKED"}},
		{"code=1004\nname=InvoiceLocked", []string{"billing.example.com/INVOICE_LOCKED"}},
		{"openim.io/RECORD_NOT_FOUND\ncode=1004", []string{recordNotFound}},
		{"code=1004\n" + plain, []string{statusOf + recordNotFound}},
		{"1004\nARGS\nNoPermission\n", append(both[:2:2], "openim.io/ARGS", "openim.io/NO_PERMISSION")},
	} {
		output, _ := explained(t, tt.text, "-ref", billing)
		if diff := cmp.Diff(tt.want, summary(output)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

// TestExplainedOnce: a code that two statuses carry is explained with the first.
func TestExplainedOnce(t *testing.T) {
	text := plain + "\n\n" + strings.Replace(readText(t, "google-api.json"), "no user", "another", 1)
	r := errstatus(t, text, "explain")
	if strings.Count(r.stdout, "google.rpc.Status") < 2 || strings.Count(r.stdout, "What to do") != 1 || !strings.Contains(r.stdout, "explained above") {
		t.Errorf("%v; want two statuses, and the code explained once", r)
	}
}

// TestEscape checks that nothing hidden is left, and nothing else is changed.
func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"plain text":                   "plain text",
		"记录不存在 ü \U0001f600":           "记录不存在 ü \U0001f600",
		"a\nb\tc\rd\x00":               `a\nb\tc\rd\x00`,
		"\x1b[31mred\x7f":              `\x1b[31mred\x7f`,
		"\u202eabc\u2066\u200b\ufeff":  `\u202eabc\u2066\u200b\ufeff`,
		"\u2028\u0085\U000e0041":       `\u2028\u0085\U000e0041`,
		"\xff\xc0\x80 is not UTF-8":    `\xff\xc0\x80 is not UTF-8`,
		"a \u200c and a \u200d joiner": `a \u200c and a \u200d joiner`,
	} {
		if got := escape(text); got != want {
			t.Errorf("escape(%q) = %q; want %q", text, got, want)
		}
	}
	if got := escapeLocalized("\u0645\u06cc\u200c\u0634\u0648\u062f\u202e"); got != "\u0645\u06cc\u200c\u0634\u0648\u062f"+`\u202e` {
		t.Errorf("escapeLocalized = %q; want the joiner kept", got)
	}
	if got := escapeJSON([]byte("\"a\u202e\x7f\U000e0041\"\n")); !bytes.Equal(got, []byte(`"a\u202e\u007f\udb40\udc41"`+"\n")) {
		t.Errorf("escapeJSON = %s", got)
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "ab", 1}, {"abc", "xabc", 1}, {"abc", "acb", 1},
		{"kitten", "sitting", 3},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d; want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
