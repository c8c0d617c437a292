package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/testrpc"
)

// A fixture is a recorded answer of a server without errstatus.
type fixture struct {
	Name      string
	ErrorCode *int64  `json:"error_code"`
	Status    *int64  `json:"grpc_status"`
	Message   *string `json:"grpc_message_raw"`
	Details   *string `json:"details_bin_base64"`
	Wire      *struct{ Headers map[string]any }
	Expect    *struct {
		Code *int32
		Also []*int32
	}
}

const recordings = "../../internal/e2e/testdata/"

func fixtures(t testing.TB) []fixture {
	t.Helper()
	return append(testrpc.Recorded[fixture](t, recordings+"foreign.jsonl", 93), testrpc.Recorded[fixture](t, recordings+"openim.jsonl", 174)...)
}

// headers returns the recorded headers as curl -v prints them.
func (f fixture) headers() string {
	if f.Wire != nil {
		var b strings.Builder
		for _, name := range []string{":status", "content-type", "grpc-status", "grpc-message", "grpc-status-details-bin"} {
			if value, ok := f.Wire.Headers[name]; ok {
				fmt.Fprintf(&b, "< %s: %v\n", name, value)
			}
		}
		return b.String()
	}
	text := fmt.Sprintf("< grpc-status: %d\n", *f.Status)
	if f.Message != nil {
		text += "< grpc-message: " + *f.Message + "\n"
	}
	if f.Details != nil {
		text += "< grpc-status-details-bin: " + *f.Details + "\n"
	}
	return text
}

func fixtureHeaders(t testing.TB, name string) string {
	t.Helper()
	for _, f := range fixtures(t) {
		if f.Name == name {
			return f.headers()
		}
	}
	t.Fatalf("there is no fixture %s", name)
	return ""
}

// explained returns the answers for a text, and fails if the output isn't the JSON that Output
// describes.
func explained(t testing.TB, text string, args ...string) (Output, result) {
	t.Helper()
	return explainedBy(t, errstatus(t, text, append([]string{"explain", "-", "-o", "json"}, args...)...))
}

func explainedBy(t testing.TB, r result) (Output, result) {
	t.Helper()
	var o Output
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		t.Fatalf("the output is not an Output: %v\n%s", err, r.stdout)
	}
	return o, r
}

// TestFixtures explains each recorded answer. The status in it carries the code that
// errstatus's own client finds, or one that the recording allows where several are
// reasonable.
func TestFixtures(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.Name, func(t *testing.T) {
			output, r := explained(t, f.headers())
			found, allowed := codesOf(output), f.allowed()
			same := func(a, b *int32) bool { return a == b || a != nil && b != nil && *a == *b }
			if len(found) > 1 || !slices.ContainsFunc(allowed, func(want *int32) bool { return same(want, found[0]) }) {
				t.Errorf("explain found %s; want one of %s\n%s%v", numbersOf(found), numbersOf(allowed), f.headers(), r)
			}
			f.checkStatus(t, output)
		})
	}
}

// codesOf returns the numbers of the codes that statuses carry, or of all codes if there is no
// status; nil stands for none.
func codesOf(output Output) (numbers []*int32) {
	hasStatus := slices.ContainsFunc(output.Answers, func(a Answer) bool { return a.Status != nil })
	for _, a := range output.Answers {
		switch {
		case hasStatus && a.Status == nil:
		case a.Code != nil:
			numbers = append(numbers, &a.Code.Number)
		case hasStatus:
			numbers = append(numbers, nil)
		}
	}
	if len(numbers) == 0 {
		return []*int32{nil}
	}
	return numbers
}

// isUnread reports whether clients read no code from the answer, but explain says what it is:
// a bare ErrorInfo where a status should be, and details of a success.
func (f fixture) isUnread() bool {
	return f.Name == "grpc-js/malformed/errorinfo_bytes_without_status" || f.Name == "grpcio/ok/with_details"
}

// allowed returns the numbers that explain may find, nil for none.
func (f fixture) allowed() []*int32 {
	if f.isUnread() {
		recordNotFound := int32(1004)
		return []*int32{&recordNotFound}
	}
	if f.Expect != nil {
		return append(f.Expect.Also, f.Expect.Code)
	}
	// OpenIM's servers send the number itself. A number without a row is none for explain, and
	// one below 17 is canonical. OpenIM's texts name codes too.
	allowed := []*int32{nil}
	for _, n := range []*int64{f.Status, f.ErrorCode} {
		if n != nil && *n > 16 && *n <= math.MaxInt32 {
			number := int32(*n)
			allowed = append(allowed, &number)
		}
	}
	return allowed
}

// checkStatus checks what the output says about the bytes of the recorded status.
func (f fixture) checkStatus(t *testing.T, output Output) {
	if f.Details == nil || *f.Details == "" {
		return
	}
	b, err := base64.StdEncoding.DecodeString(*f.Details)
	if err != nil {
		t.Fatal(err)
	}
	status := new(spb.Status)
	if proto.Unmarshal(b, status) != nil || !isCertain(status) {
		return
	}
	i := slices.IndexFunc(output.Answers, func(a Answer) bool { return a.Status != nil })
	if i < 0 {
		t.Errorf("explain found no status in %s", f.headers())
		return
	}
	got := output.Answers[i].Status
	want := [...]any{status.GetCode(), len(status.GetDetails()), len(b), base64.RawStdEncoding.EncodedLen(len(b))}
	if have := [...]any{got.Code, len(got.Details), got.Size, got.WireSize}; have != want {
		t.Errorf("code, details, size, size on the wire: %v; want %v", have, want)
	}
	if code := *f.Status; code > 0 && code <= 16 && (got.Header == nil || int64(got.Header.Code) != code || got.Header.Agrees != (int64(status.GetCode()) == code)) {
		t.Errorf("header %+v; want the code %d, and whether it is that of the status, %d", got.Header, code, status.GetCode())
	}
}

func numbersOf(numbers []*int32) string {
	var texts []string
	for _, n := range numbers {
		if n == nil {
			texts = append(texts, "none")
		} else {
			texts = append(texts, fmt.Sprint(*n))
		}
	}
	return strings.Join(texts, ", ")
}

// encoded returns a status as base64.
func encoded(t testing.TB, code int32, message string, details ...proto.Message) string {
	t.Helper()
	status := &spb.Status{Code: code, Message: message}
	for _, detail := range details {
		packed, ok := detail.(*anypb.Any)
		if !ok {
			packed = new(anypb.Any)
			if err := anypb.MarshalFrom(packed, detail, proto.MarshalOptions{Deterministic: true}); err != nil {
				t.Fatal(err)
			}
		}
		status.Details = append(status.Details, packed)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func truncatedStatus(t testing.TB) string {
	return encoded(t, 5, "record...", &errdetails.ErrorInfo{
		Reason: "RECORD_NOT_FOUND", Domain: "openim.io", Metadata: map[string]string{"code": "1004", "truncated": "details,message"},
	})
}

func withheldStatus(t testing.TB) string {
	return encoded(t, 13, "internal error", &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "billing.example.com"})
}

// hostileText has a control character, a terminal's escape sequence, a bidirectional control, a
// zero-width character, a character that plane 14 hides, and what HTML and Markdown read.
const hostileText = "a\x1b[31m\r\n\u202eb\u200bc\U000e0041`` | <b>*_"

// hostileStatus returns a status in which everything is hostile.
func hostileStatus(t testing.TB) string {
	return encoded(t, 5, hostileText,
		&errdetails.ErrorInfo{Reason: hostileText, Domain: hostileText, Metadata: map[string]string{hostileText: hostileText}},
		&errdetails.DebugInfo{Detail: hostileText, StackEntries: []string{hostileText}},
		&anypb.Any{TypeUrl: "x/" + hostileText, Value: []byte("\x0a\x05a\x1b[1m")},
	)
}

func base64Of(bytes string) string { return base64.StdEncoding.EncodeToString([]byte(bytes)) }

func statusWith(details []*anypb.Any) *spb.Status {
	return &spb.Status{Code: 5, Message: "m", Details: details}
}
