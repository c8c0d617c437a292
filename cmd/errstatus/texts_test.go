package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/errstatus/errstatus/internal/reference"
)

const (
	recordNotFound = "openim.io/RECORD_NOT_FOUND"
	statusOf       = "status with "
)

// TestTexts explains what tests and programs in other languages left behind. The texts of
// grpcurl 1.9.4, grpc-go 1.85, grpcio 1.51, grpc-js 1.14, grpc-java 1.41, slog's text form and
// OpenIM's servers are recorded. Those of Envoy, zap, Connect, Google's APIs, slog's JSON and
// headers.txt are written after the form that their documentation shows.
func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		file string
		want []string
	}{
		{"comma.txt", []string{statusOf + recordNotFound}}, // twice the same value
		{"connect.json", []string{statusOf + recordNotFound}},
		{"envoy.txt", []string{statusOf + recordNotFound + ", header 5 agrees", statusOf + "NOT_FOUND, header 7 disagrees"}},
		{"go-bytes.txt", []string{statusOf + recordNotFound}},
		{"go-details.txt", []string{recordNotFound}},
		{"go-error.txt", []string{recordNotFound, "DEADLINE_EXCEEDED"}},
		{"go-hex.txt", []string{statusOf + recordNotFound}},
		{"go-slice.txt", []string{statusOf + recordNotFound}},
		{"go-status.txt", []string{statusOf + recordNotFound}},
		{"google-api.json", []string{statusOf + recordNotFound}},
		{"grpcurl-format-error.json", []string{statusOf + recordNotFound}},
		{"grpcurl-format-text.txt", []string{statusOf + "openim.io/ARGS"}},
		{"grpcurl-verbose.txt", []string{statusOf + "openim.io/SRV_DATABASE"}}, // in the trailers and in the error
		{"grpcurl.txt", []string{statusOf + "openim.io/ARGS"}},
		{"headers.txt", []string{statusOf + recordNotFound + ", header 7 disagrees"}},
		{"java-error.txt", []string{"NOT_FOUND"}},
		{"java.txt", []string{statusOf + recordNotFound + ", header 5 agrees"}},
		{"node-console.txt", []string{"NOT_FOUND"}},
		{"node-json.txt", []string{statusOf + recordNotFound + ", header 5 agrees"}},
		{"openim-http.json", []string{recordNotFound}},
		{"openim-stream.txt", []string{recordNotFound}},
		{"python-error.txt", []string{"NOT_FOUND"}},
		{"python-metadata.txt", []string{statusOf + recordNotFound}},
		{"python-status.txt", []string{statusOf + recordNotFound}},
		{"slog-json.txt", []string{"openim.io/NO_PERMISSION"}},
		{"slog-status.txt", []string{statusOf + recordNotFound}},
		{"slog-text.txt", []string{"openim.io/SRV_DATABASE"}},
		{"zap.txt", []string{"openim.io/TOKEN_EXPIRED", "billing.example.com/RECORD_NOT_FOUND", recordNotFound, statusOf + "billing.example.com/CARD_DECLINED"}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			text := readText(t, tt.file)
			output, r := explained(t, text, "-ref", billing)
			if diff := cmp.Diff(tt.want, summary(output)); diff != "" || r.exit != exitFound || r.stderr != "" {
				t.Errorf("explain found something else (-want +got), with exit status %d, %q:\n%s", r.exit, r.stderr, diff)
			}
			// As an argument it means the same.
			if got := errstatus(t, "", "explain", text, "-ref", billing, "-o", "json"); got.stdout != r.stdout {
				t.Errorf("as an argument: %s; want %s", got.stdout, r.stdout)
			}
		})
	}
	files, err := filepath.Glob("testdata/texts/*")
	if err != nil || len(files) != 28 {
		t.Errorf("testdata/texts has %d files, %v; want those in the table", len(files), err)
	}
}

func readText(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "texts", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// summary returns what each answer is about.
func summary(o Output) (all []string) {
	for _, a := range o.Answers {
		text := ""
		switch {
		case a.Code != nil:
			text = a.Code.Domain + "/" + a.Code.Reason
		case a.GRPC != nil:
			text = a.GRPC.Name
		case a.ErrorInfo != nil:
			text = a.ErrorInfo.Domain + "/" + a.ErrorInfo.Reason
		default:
			text = fmt.Sprintf("%d codes", len(a.Codes))
		}
		if a.Status != nil {
			text = statusOf + text
			if h := a.Status.Header; h != nil {
				agrees := map[bool]string{true: "agrees", false: "disagrees"}[h.Agrees]
				text += fmt.Sprintf(", header %d %s", h.Code, agrees)
			}
		}
		all = append(all, text)
	}
	return all
}

// TestForms gives every form of a code and of a status as an argument.
func TestForms(t *testing.T) {
	statusForms := []string{
		plain,
		strings.TrimRight(plain, "="),
		strings.NewReplacer("+", "-", "/", "_").Replace(plain),
		strings.ReplaceAll(plain, "=", "%3D"),
		plain[:76] + "\n" + plain[76:],
		plain[:64] + "\r\n" + plain[64:128] + "\r\n" + plain[128:] + "\r\n",
		plain[:40] + "\n  " + plain[40:80] + "\n  " + plain[80:120] + "\n  " + plain[120:],
		`"` + plain + `"`, "'" + plain + "'", " " + plain + "\n",
		plain + "," + plain,
		"grpc-status-details-bin: " + plain,
		`{"grpc-status-details-bin": "` + strings.ReplaceAll(plain, "=", `\u003d`) + `"}`,
		"-H 'grpc-status-details-bin: " + plain + "'",
	}
	for _, form := range statusForms {
		output, _ := explained(t, form)
		if diff := cmp.Diff([]string{statusOf + recordNotFound}, summary(output)); diff != "" {
			t.Errorf("explain %q (-want +got):\n%s", form, diff)
		}
	}
	cardDeclined := "billing.example.com/CARD_DECLINED"
	for form, want := range map[string][]string{
		"RecordNotFound":             {"billing.example.com/RECORD_NOT_FOUND", recordNotFound},
		"openim.io/RECORD_NOT_FOUND": {recordNotFound},
		"openim.io/record_not_found": {recordNotFound},
		"openim.io/RecordNotFound":   {recordNotFound},
		"openim.io/1004":             {recordNotFound},
		"1004":                       {"billing.example.com/INVOICE_LOCKED", recordNotFound},
		"Code(1004)":                 {"billing.example.com/INVOICE_LOCKED", recordNotFound},
		"CODE(1004)":                 {"billing.example.com/INVOICE_LOCKED", recordNotFound},
		"ErrorCode(1004)":            {recordNotFound},
		"codes.ErrorCode(1004)":      {recordNotFound},
		"BillingCode(1004)":          {"billing.example.com/INVOICE_LOCKED"},
		"CardDeclined":               {cardDeclined},
		"cardDeclined":               {cardDeclined},
		"CARD_DECLINED":              {cardDeclined},
		"card-declined":              {cardDeclined},
		"billing.CardDeclined":       {cardDeclined},
		"billing.CardDeclinedError":  {cardDeclined},
		"CardDeclinedError":          {cardDeclined},
		"BILLING_CODE_CARD_DECLINED": {cardDeclined},
		"BILLING_CODE_CARD_REFUSED":  {cardDeclined},
		"CARD_REJECTED":              {cardDeclined},
		`"CARD_DECLINED",`:           {cardDeclined},
		"ARGS":                       {"openim.io/ARGS"},
		"args":                       {"openim.io/ARGS"},
		"NOT_FOUND":                  {"NOT_FOUND"},
		"NotFound":                   {"NOT_FOUND"},
		"not_found":                  {"NOT_FOUND"},
		"Canceled":                   {"CANCELLED"},
		"CANCELLED":                  {"CANCELLED"},
		"codes.NotFound":             {"NOT_FOUND"},
		"StatusCode.INTERNAL":        {"INTERNAL"},
		"OK":                         {"OK"},
		"5":                          {"NOT_FOUND"},
		"3":                          {cardDeclined},
		"0":                          {"billing.example.com/UNSPECIFIED", "openim.io/NO_ERROR"},
		"sdk_msg_h":                  {"1 codes"},
		"billing.example.com":        {"4 codes"},
		"billing.example.com/":       {"4 codes"},
		"billing.example.com/CARD":   {"1 codes"},
		"BILLING_CODE_*":             {"4 codes"},
		"NoSuchThing":                nil,
		"12":                         {"UNIMPLEMENTED"},
		"17":                         nil,
		"99999999999999999999":       nil,
		"Widget(1004)":               nil,
		"*":                          nil,
		"":                           nil,
	} {
		got := errstatus(t, "", "explain", form, "-ref", billing, "-o", "json")
		output, _ := explainedBy(t, got)
		if diff := cmp.Diff(want, summary(output)); diff != "" {
			t.Errorf("explain %q (-want +got):\n%s", form, diff)
		}
		if wantExit := map[bool]int{true: exitFound, false: exitMissing}[want != nil]; got.exit != wantExit {
			t.Errorf("explain %q: exit status %d; want %d", form, got.exit, wantExit)
		}
	}
}

// TestNotFound has texts that resemble codes and statuses, but aren't.
func TestNotFound(t *testing.T) {
	for _, text := range []string{
		"exit code: 2", "code=404", "port=10000", "took 1004 ms", "line 1501 of file.go",
		"status: unknown", "Internal error", "an unknown error, not found", "Args: none",
		"UNKNOWN:Error received from peer", "http status 500 OK",
		`{"code": "x", "message": 1}`, `{"details": []}`, `{"@type": "a/b"}`,
		"RECORD NOT FOUND", "CAUSE", "Cancellation", "deadbeefdeadbeef", "[1, 2, 3, 4, 5, 6, 7, 8]",
		"aHR0cHM6Ly9leGFtcGxlLmNvbS9hL3ZlcnkvbG9uZy9wYXRo",
	} {
		if got := errstatus(t, "see: "+text+"\n", "explain"); got.exit != exitMissing || got.stdout != "" {
			t.Errorf("explain of %q: %v; want nothing", text, got)
		}
	}
}

// TestOrderAndLimit: what a text has is explained once, in its order, and 20 at most.
func TestOrderAndLimit(t *testing.T) {
	var lines []string
	codes := mustCatalog(t).entries
	for _, e := range codes[1:31] {
		lines = append(lines, "failed: "+e.id(), "again: "+e.id())
	}
	output, r := explained(t, strings.Join(lines, "\n"))
	var want []string
	for _, e := range codes[1 : 1+maxAnswers] {
		want = append(want, e.id())
	}
	if diff := cmp.Diff(want, summary(output)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if output.Omitted != 10 || !strings.Contains(r.stderr, "10 more were found") {
		t.Errorf("omitted: %d, %q; want 10, and a note", output.Omitted, r.stderr)
	}
}

func mustCatalog(t testing.TB, files ...string) *catalog {
	t.Helper()
	t.Setenv(refVariable, "")
	c, err := loadCatalog(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLongInput: of an input over 1 MiB, the first part is searched, with a note.
func TestLongInput(t *testing.T) {
	text := "RecordNotFound\n" + strings.Repeat("…", maxInput/len("…")) + "\nSrvDatabase\n"
	for _, r := range []result{errstatus(t, text, "explain"), errstatus(t, "", "explain", text)} {
		if r.exit != exitFound || !strings.Contains(r.stdout, "RECORD_NOT_FOUND") || strings.Contains(r.stdout, "SRV_DATABASE") || !strings.Contains(r.stderr, "1 MiB") {
			t.Errorf("exit status %d, %q; want RECORD_NOT_FOUND alone, and a note", r.exit, r.stderr)
		}
	}
}

// maxOutput is more than explain prints for any text.
const maxOutput = 4 << 20

// TestSameAnswers: each form of the output explains the same codes.
func TestSameAnswers(t *testing.T) {
	for _, file := range []string{"zap.txt", "envoy.txt"} {
		output, _ := explained(t, readText(t, file), "-ref", billing)
		for _, form := range []string{"text", "md"} {
			r := errstatus(t, readText(t, file), "explain", "-ref", billing, "-o", form)
			for _, a := range output.Answers {
				if a.Code != nil && !strings.Contains(strings.ReplaceAll(r.stdout, `\`, ""), a.Code.label()) {
					t.Errorf("%s as %s lacks %s", file, form, a.Code.label())
				}
			}
		}
	}
}

// TestKeys: a key is found after any other, because what follows a colon may be the next key.
func TestKeys(t *testing.T) {
	for text, want := range map[string]string{
		"order failed: code=1004":                           recordNotFound,
		"failed: reason=ARGS":                               "openim.io/ARGS",
		"failed: code: 1004":                                recordNotFound,
		"error: code = 1004 desc = x":                       recordNotFound,
		"rpc failed: grpc-status: 7":                        "PERMISSION_DENIED",
		"err=code=1004":                                     recordNotFound,
		"panic: reason=ARGS domain=openim.io":               "openim.io/ARGS",
		`failed: "code": 1004`:                              recordNotFound,
		"a=b=c: d: error: status: reason = ARGS":            "openim.io/ARGS",
		`{"msg":"order failed: code=1004"}`:                 recordNotFound,
		"\x1b[36mreason=\x1b[0mRECORD_NOT_FOUND\x1b[1m x":   recordNotFound,
		"\x1b[2mcode=\x1b[0m1004":                           recordNotFound,
		"err \x1b[01;31m\x1b[KRecordNotFound\x1b[m\x1b[K x": recordNotFound,
		"ERROR_CODE_1004":                                   recordNotFound,
		"openim.io/ERROR_CODE_1004":                         recordNotFound,
		"1004.":                                             recordNotFound,
	} {
		output, _ := explained(t, text)
		if diff := cmp.Diff([]string{want}, summary(output)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestMessages: a canonical code, or a status that carries no code, is explained with the
// codes that have its message and its canonical code.
func TestMessages(t *testing.T) {
	const declined = "CardDeclined (billing.example.com/CARD_DECLINED, 3)"
	for _, tt := range []struct{ text, want string }{
		{"rpc error: code = NotFound desc = record not found", "RecordNotFound (openim.io/RECORD_NOT_FOUND, 1004)"},
		{"rpc error: code = NotFound desc = no such record", "RecordNotFound (billing.example.com/RECORD_NOT_FOUND, 1005)"},
		{"StatusRuntimeException: NOT_FOUND: record not found\n\tat a.b", "openim.io/RECORD_NOT_FOUND"},
		{"Error: 5 NOT_FOUND: record not found", "openim.io/RECORD_NOT_FOUND"},
		{"\tstatus = StatusCode.NOT_FOUND\n\tdetails = \"record not found\"\n", "openim.io/RECORD_NOT_FOUND"},
		{`{"code":5,"details":"record not found","metadata":{}}`, "openim.io/RECORD_NOT_FOUND"},
		{"code = FailedPrecondition desc = card 4242 was declined by Bank X", declined},
		{"code = FailedPrecondition desc = o cartão 4242 foi recusado por Y", declined},
		{encoded(t, 9, "card declined"), declined},
		{encoded(t, 9, "card declined", &errdetails.ErrorInfo{Reason: "X_Y", Domain: "shop.example.com"}), declined},
		{encoded(t, 9, "card declined", &errdetails.ErrorInfo{Reason: "X_Y", Domain: "billing.example.com"}), ""}, // its reference hasn't the code
		{"rpc error: code = Aborted desc = record not found", ""},                                                 // another canonical code
		{"code = FailedPrecondition desc = card 4242 was stolen by X", ""},
		{"code = NotFound desc = the user", ""},
	} {
		output, r := explained(t, tt.text, "-ref", billing)
		notes := ""
		for _, a := range output.Answers {
			notes += strings.Join(a.Notes, "\n")
		}
		if got := strings.Contains(notes, "The message is that of"); got != (tt.want != "") || !strings.Contains(notes, tt.want) || len(output.Answers) != 1 {
			t.Errorf("explain %q: %v; want a note with %q", tt.text, r, tt.want)
		}
	}
}

func TestIsFilled(t *testing.T) {
	for _, tt := range []struct {
		template, message string
		want              bool
	}{
		{"card {card} was declined", "card 42 was declined", true},
		{"card {card} was declined", "card  was declined", true},
		{"card {card} was declined", "the card 42 was declined", false},
		{"card {card} was declined", "card 42 was declined again", false},
		{"{user} left the group {group}", "ann left the group b left the group c", true},
		{"{user} left the group {group}", "ann joined the group b", false},
		{"{what}: {why}", "anything: at all", false}, // too few words
		{"no parameter", "no parameter", false},
	} {
		if got := isFilled(tt.template, tt.message); got != tt.want {
			t.Errorf("isFilled(%q, %q) = %v; want %v", tt.template, tt.message, got, tt.want)
		}
	}
}

// TestCut: of a status that a log has cut, the beginning is read.
func TestCut(t *testing.T) {
	const about = `code 5 (NOT_FOUND), message "record not found"`
	for size, want := range map[int]string{
		16:  `code 5 (NOT_FOUND), message "record n`,
		36:  about,
		97:  about + `, detail "type.googleapis.com/google.rpc.ErrorInfo"`,
		104: `, reason "RECORD_NOT..."`,
		112: `, reason "RECORD_NOT_FOUND"`,
		136: `, reason "RECORD_NOT_FOUND", domain "openim.io"`,
	} {
		for _, text := range []string{plain[:size], plain[:size] + "...", "grpc-status-details-bin: " + plain[:size]} {
			r := errstatus(t, "", "explain", text)
			if r.exit != exitMissing || !strings.Contains(strings.ReplaceAll(r.stderr, `\"`, `"`), want) || !strings.Contains(r.stderr, "cut") {
				t.Errorf("explain %q: %v; want a note with %s", text, r, want)
			}
		}
	}
	// SDK_NETWORK is a reason too, but here it is the beginning of SDK_NETWORK_TIMEOUT.
	timeout := encoded(t, 4, "cut", &errdetails.ErrorInfo{Reason: "SDK_NETWORK_TIMEOUT", Domain: "openim.io"})
	for size := range len(timeout) {
		if r := errstatus(t, "", "explain", timeout[:size]); strings.Contains(r.stderr, "SdkNetwork (") {
			t.Fatalf("explain %q: %v; want no code of a part of the reason", timeout[:size], r)
		}
	}
	if r := errstatus(t, "", "explain", plain[:136]); !strings.Contains(r.stderr, "RecordNotFound (openim.io/RECORD_NOT_FOUND, 1004)") {
		t.Errorf("%v; want the code of the reason", r)
	}
}

// TestNoNames: base64 and the names of files aren't compared with names, but long names are.
func TestNoNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "server.log")
	if err := os.WriteFile(file, []byte("code=1004"), 0o666); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		file:                                 "errstatus explain < " + file[:20],
		"./nosuch.log":                       "there is no such file",
		"~/nosuch.log":                       "there is no such file",
		plain[:40]:                           "cut",
		"aHR0cHM6Ly9leGFtcGxlLmNvbS9hL3Zlcn": "not a google.rpc.Status",
	} {
		r := errstatus(t, "", "explain", text)
		if r.exit != exitMissing || strings.Contains(r.stderr, "Similar codes") || !strings.Contains(r.stderr, want) {
			t.Errorf("explain %q: %v; want %q, and no similar codes", text, r, want)
		}
	}
	for _, text := range []string{"SrvUserIDNotFoundAnywhere", "openim/RECORD_NOT_FOUND_"} {
		if r := errstatus(t, "", "explain", text); !strings.Contains(r.stderr, "Similar codes") {
			t.Errorf("explain %q: %v; want similar codes", text, r)
		}
	}
}

// TestGoNames: the constants of protoc-gen-go are found for enums inside and outside of
// messages.
func TestGoNames(t *testing.T) {
	for enum, want := range map[string]string{
		"shop.v1.OrderCode":                "OrderCode",
		"OrderCode":                        "OrderCode",
		"auth.v1.LoginResponse.Code":       "LoginResponse",
		"auth.v1.LoginResponse.Inner.Code": "LoginResponse_Inner",
	} {
		if got := goPrefix(enum); got != want {
			t.Errorf("goPrefix(%q) = %q; want %q", enum, got, want)
		}
	}
	for _, text := range []string{"BillingCode_BILLING_CODE_CARD_DECLINED", "failed with BillingCode_BILLING_CODE_CARD_REFUSED", "ErrorCode_RecordNotFound"} {
		output, r := explained(t, text, "-ref", billing)
		if len(output.Answers) != 1 || output.Answers[0].As != "Go name" {
			t.Errorf("explain %q: %v; want one code by its Go name", text, r)
		}
	}
}

// TestAnySpelling: where one domain has the name and another the reason, both are found by
// either. In one domain, the exact word counts.
func TestAnySpelling(t *testing.T) {
	codeOf := func(name, reason string) reference.Code { return reference.Code{Name: name, Reason: reason} }
	c := newCatalog([]*reference.Reference{
		{Domain: "a.example.com", Codes: []reference.Code{codeOf("Locked", "A_LOCKED")}},
		{Domain: "b.example.com", Codes: []reference.Code{codeOf("BLocked", "LOCKED")}},
		{Domain: "c.example.com", Codes: []reference.Code{codeOf("Locked", "C_LOCKED"), codeOf("CLocked", "LOCKED")}},
	})
	for word, want := range map[string][]string{
		"Locked": {"a.example.com/A_LOCKED", "b.example.com/LOCKED", "c.example.com/C_LOCKED"},
		"LOCKED": {"a.example.com/A_LOCKED", "b.example.com/LOCKED", "c.example.com/LOCKED"},
	} {
		var got []string
		for _, m := range c.anyWord(word) {
			got = append(got, m.id())
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", word, diff)
		}
	}
}
