package reference_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/reference"
)

// openIM returns a reference of the default table, with a comment for each row.
func openIM() *reference.Reference {
	r := reference.New(codes.Default().Domain(), "openim.sdk.error.ErrorCode", " The codes of OpenIM.\n")
	for row := range codes.Default().All() {
		r.Add(row, fmt.Sprintf(" What %s means.\n\n Resolution: What to do about %d.\n", row.Name, row.Code.Number()), false)
	}
	return r
}

func jsonOf(t *testing.T, r *reference.Reference) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadReturnsWhatWriteJSONWrote(t *testing.T) {
	want := openIM()
	got, err := reference.Read(strings.NewReader(jsonOf(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read returned something else than was written (-want +got):\n%s", diff)
	}
}

// Compare and the errstatus command work with the table of a reference, so each column must
// survive.
func TestTableHasTheRowsOfTheReference(t *testing.T) {
	r := reference.New("shop.example.com", "shop.Code", "")
	want := []codes.Row{
		{Code: codes.ErrorCode(0), Name: "OK", Reason: "OK", Message: "ok"},
		{Code: codes.ErrorCode(1), Name: "Broken", Reason: "BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
		{Code: codes.ErrorCode(2), Name: "Odd", Reason: "ODD_THING", GRPCCode: grpccodes.Unknown, Message: "odd", Default: true,
			FaultOverride: codes.FaultCaller, RetryOverride: codes.RetryCall},
		{Code: codes.ErrorCode(3), Name: "SoldOut", OtherNames: []string{"SHOP_CODE_SOLD_OUT", "Gone"}, Reason: "SOLD_OUT", FormerReasons: []string{"NO_STOCK"},
			GRPCCode: grpccodes.FailedPrecondition, Message: "sold out", Template: "{item} is sold out, {count} of {item}",
			Localized: []codes.LocalizedMessage{{Locale: "de", Message: "ausverkauft", Template: "{count} {item} ausverkauft"},
				{Locale: "zh", Template: "{count}{item}售罄"}, {Locale: "fr", Message: "épuisé"}},
			FaultOverride: codes.FaultServer},
		{Code: codes.ErrorCode(4), Name: "Busy", Reason: "BUSY", GRPCCode: grpccodes.Unavailable, Message: "busy", RetryOverride: codes.RetryNever},
	}
	for _, row := range want {
		r.Add(row, "", row.Name == "Busy")
	}
	if got := r.Codes[3].Parameters; !slices.Equal(got, []string{"item", "count"}) {
		t.Errorf("Parameters = %q; want item and count, each once, in the order of the template", got)
	}
	if got := r.Codes[4].Deprecated; !got {
		t.Error("Busy isn't deprecated; want what Add was told")
	}
	table, err := r.Table()
	if err != nil {
		t.Fatal(err)
	}
	var got []codes.Row
	for row := range table.All() {
		row.Code = codes.ErrorCode(row.Code.Number())
		got = append(got, row)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table has other rows than the reference (-want +got):\n%s", diff)
	}
	if table.Domain() != "shop.example.com" {
		t.Errorf("Domain() = %q; want shop.example.com", table.Domain())
	}
}

func TestCommentsBecomeExplanationAndResolution(t *testing.T) {
	row := codes.RowOf(codes.RecordNotFound)
	for _, tt := range []struct{ name, comment, explanation, resolution string }{
		{"none", "", "", ""},
		{"one paragraph of two lines", " The record\n is missing.\n", "The record is missing.", ""},
		{"a resolution", " It is missing.\n\n Resolution: Create\n it.\n", "It is missing.", "Create it."},
		{"a resolution alone", " Resolution: Create it.\n", "", "Create it."},
		{"a resolution without an empty line before it", " It is missing.\n Resolution: Create it.\n", "It is missing.", "Create it."},
		{"a resolution between paragraphs", " One.\n\n Resolution: Act.\n\n Two.\n", "One.\n\nTwo.", "Act."},
		{"two resolutions", " Resolution: Act.\n\n Resolution: Wait.\n", "", "Act.\n\nWait."},
		{"an empty resolution", " It is missing.\n\n Resolution:\n\n Resolution: Act.\n", "It is missing.", "Act."},
		{"the word inside a line", " The Resolution: of a screen.\n", "The Resolution: of a screen.", ""},
		{"a list", " Either\n - one or\n - two.\n", "Either\n- one or\n- two.", ""},
		{"a numbered list", " Resolution: Do\n 1. this\n 2. that\n", "", "Do\n1. this\n2. that"},
		{"indented lines", " Run\n\n     make it\n", "Run\n\n    make it", ""},
		{"a year at the beginning of a line", " It is so since\n 2024 at least.\n", "It is so since 2024 at least.", ""},
		{"carriage returns", " One.\r\n\r\n Resolution: Act.\r\n", "One.", "Act."},
		{"hidden characters and bad bytes", " a\u202eb\x00c\xffd\n", "a b c\ufffdd", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := reference.New("openim.io", "E", "")
			r.Add(row, tt.comment, false)
			if got := r.Codes[0]; got.Explanation != tt.explanation || got.Resolution != tt.resolution {
				t.Errorf("Add(%q): explanation %q, resolution %q; want %q, %q", tt.comment, got.Explanation, got.Resolution, tt.explanation, tt.resolution)
			}
		})
	}
}

func TestReadRefusesWhatIsNoReference(t *testing.T) {
	valid := jsonOf(t, openIM())
	change := func(old, new string) string {
		t.Helper()
		if !strings.Contains(valid, old) {
			t.Fatalf("the JSON doesn't have %q", old)
		}
		return strings.Replace(valid, old, new, 1)
	}
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", "1:1: not the JSON that protoc-gen-errstatus-doc of this version writes: unexpected end of JSON input"},
		{"a list", "[]", "not the JSON that protoc-gen-errstatus-doc of this version writes"},
		{"a mistake of syntax", "{\n  \"version\": 1,\n  ]", "3:3: not the JSON that protoc-gen-errstatus-doc of this version writes: invalid character ']'"},
		{"more after it", valid + "{}", "not the JSON that protoc-gen-errstatus-doc of this version writes: invalid character '{' after top-level value"},
		{"no version", "{}", "no version: give a file that protoc-gen-errstatus-doc wrote"},
		{"another version", change(`"version": 1`, `"version": 2`), "version 2, but this program reads version 1"},
		{"an unknown field", change(`"domain"`, `"realm"`), `unknown field "realm"`},
		{"an unknown field of a code", change(`"reason": "ARGS"`, `"reason": "ARGS", "colour": "red"`), `codes[2] (Args = 1001): json: unknown field "colour"`},
		{"a field of another type", change(`"number": 1001`, `"number": "1001"`), "codes[2] (Args = 0): json: cannot unmarshal string"},
		{"a number that is too large", change(`"number": 1001`, `"number": 2147483648`), "codes[2]"},
		{"no domain", change(`"openim.io"`, `""`), "the domain has 0 bytes"},
		{"a canonical code that isn't one", change(`"grpc_code": "NOT_FOUND"`, `"grpc_code": "NotFound"`), `codes[5] (RecordNotFound = 1004): grpc_code "NotFound" is not a canonical code: give one such as NOT_FOUND`},
		{"a fault that isn't one", change(`"fault": "server"`, `"fault": "me"`), `codes[1] (ServerInternal = 500): fault is "me": give one of none, caller, server, transient`},
		{"no fault of an error", change(`"fault": "server"`, `"fault": "none"`), `codes[1] (ServerInternal = 500): fault is "none", but the other fields give "server"`},
		{"a retry that isn't one", change(`"retry": "never"`, `"retry": "unspecified"`), `codes[0] (NoError = 0): retry is "unspecified": give one of never, call, transaction`},
		{"another HTTP status", change(`"http_status": 404`, `"http_status": 410`), `codes[5] (RecordNotFound = 1004): http_status is "410", but the other fields give "404"`},
		{"parameters without a template", change(`"message": "record not found"`, `"message": "record not found", "parameters": ["id"]`), `codes[5] (RecordNotFound = 1004): parameters is "[id]", but the other fields give "[]"`},
		{"a number twice", change(`"number": 1002`, `"number": 1001`), "NoPermission = 1001): number 1001 already belongs to Args"},
		{"a reason twice", change(`"reason": "NO_PERMISSION"`, `"reason": "ARGS"`), `reason "ARGS" already belongs to Args`},
		{"a reason that isn't one", change(`"reason": "NO_PERMISSION"`, `"reason": "no"`), `reason "no" must match`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := reference.Read(strings.NewReader(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Read returned %v, %v; want an error with %q", r, err, tt.want)
			}
		})
	}
}

func TestReadIsBounded(t *testing.T) {
	_, err := reference.Read(endless{})
	if err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") {
		t.Errorf("Read of an endless input returned %v; want an error with the bound", err)
	}
	broken := errors.New("the disk is on fire")
	if _, err := reference.Read(io.MultiReader(strings.NewReader("{"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("Read of an input that fails returned %v; want its error", err)
	}
}

// endless is a Reader of spaces without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// failing is a Reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Every canonical code has advice of its own unless it is retried, because a person reads it.
func TestRetryAdvice(t *testing.T) {
	seen := map[string]grpccodes.Code{}
	for c := grpccodes.OK; c <= grpccodes.Unauthenticated; c++ {
		advice := reference.RetryAdvice(codes.RetryOf(c), c)
		if first, ok := seen[advice]; ok || !strings.HasSuffix(advice, ".") {
			t.Errorf("RetryAdvice for %v = %q; want a sentence, and another than for %v", c, advice, first)
		}
		seen[advice] = c
		if isRetried := !strings.Contains(advice, "Don't retry") && c != grpccodes.OK; isRetried != (codes.RetryOf(c) != codes.RetryNever) {
			t.Errorf("RetryAdvice for %v = %q; want it to fit %v", c, advice, codes.RetryOf(c))
		}
	}
	if got := reference.RetryAdvice(codes.RetryCall, grpccodes.ResourceExhausted); !strings.HasPrefix(got, "Retry the same call") {
		t.Errorf("RetryAdvice(call, RESOURCE_EXHAUSTED) = %q; want the advice of the override", got)
	}
	if got := reference.RetryAdvice(codes.RetryNever, grpccodes.Unavailable); !strings.HasPrefix(got, "Don't retry:") {
		t.Errorf("RetryAdvice(never, UNAVAILABLE) = %q; want the advice of the override", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"version":1,"domain":"a","enum":"","codes":[]}`)
	f.Add(`{"version":1,"domain":"a","enum":"e","codes":[{"number":7,"name":"B","reason":"BUSY","grpc_code":"UNAVAILABLE","http_status":503,"fault":"caller",
		"retry":"never","message":"m {id}","template":"m {id}","parameters":["id"],"localized":[{"locale":"de","message":"d","template":"{id} d"}],"explanation":"x"}]}`)
	f.Fuzz(func(t *testing.T, in string) {
		r, err := reference.Read(strings.NewReader(in))
		if err != nil {
			return
		}
		again, err := reference.Read(strings.NewReader(jsonOf(t, r)))
		if err != nil {
			t.Fatalf("Read refuses what WriteJSON wrote of a reference that it accepted: %v", err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("a reference changed on the way (-first +second):\n%s", diff)
		}
	})
}
