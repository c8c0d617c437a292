package statushttp_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// FuzzMarshal checks that any status is written as valid JSON of a bounded length, and that a
// caller reads the same code, message and metadata.
func FuzzMarshal(f *testing.F) {
	for _, c := range testrpc.EveryCode(f) {
		addStatus(f, status.New(c, "").GRPCStatus().Proto())
	}
	for _, content := range contents {
		addStatus(f, content.make(status.New(codes.RecordNotFound, "")).GRPCStatus().Proto())
	}
	addStatus(f, testrpc.Canonical(f, grpccodes.NotFound, "m", nested(f, 3, unlinked), testrpc.Violations(3)))
	addStatus(f, testrpc.Canonical(f, grpccodes.NotFound, "", unlinked))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &spb.Status{}
		if proto.Unmarshal(b, p) != nil || p.GetCode() == 0 {
			return // gRPC returns no status error for these
		}
		w := statushttp.Writer{TypeURI: func(domain, reason string) string { return domain + "#" + reason }}
		encoder := status.Encoder{OpenIMErrors: status.OpenIMErrorsWithDetail}
		encoded := encoder.Encode(t.Context(), grpcstatus.ErrorProto(p))
		for form := range statushttp.Form(3) {
			body := w.Marshal(form, encoded)
			// A member of a message has a name of any length, for two bytes on the wire.
			if limit := 4096 + 100*proto.Size(encoded.Status().Proto()); !json.Valid(body) || len(body) > limit {
				t.Fatalf("form %d: %.500s isn't valid, or longer than %d", form, body, limit)
			}
			if form != statushttp.FormOpenIM {
				checkRead(t, encoded, body)
			}
		}
		checkPointers(t, w.Marshal(statushttp.FormProblem, encoded))
	})
}

// addStatus adds the bytes of a status to the seeds.
func addStatus(f *testing.F, p *spb.Status) {
	f.Helper()
	b, err := proto.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
}

// checkRead checks that a caller reads from a body what was sent.
func checkRead(t *testing.T, encoded status.Encoded, body []byte) {
	t.Helper()
	want := status.FromGRPC(encoded.Status())
	got := status.Convert(new(statushttp.Reader).Unmarshal(t.Context(), 418, body))
	if got.Code() != want.Code() || got.GRPCCode() != want.GRPCCode() || got.Message() != want.Message() || len(got.Metadata()) != len(want.Metadata()) || got.Reason() != want.Reason() {
		t.Fatalf("%s\nreads as %v with %v; want %v with %v", body, got.LogValue(), got.Metadata(), want.LogValue(), want.Metadata())
	}
}

// checkPointers checks that each pointer in a problem is a URI fragment with a JSON pointer.
func checkPointers(t *testing.T, body []byte) {
	t.Helper()
	var problem struct {
		Instance string
		Errors   []struct{ Pointer string }
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(problem.Instance); err != nil || u.IsAbs() {
		t.Errorf("instance %q is no relative reference: %v", problem.Instance, err)
	}
	for _, e := range problem.Errors {
		u, err := url.Parse(e.Pointer)
		if err != nil || u.Fragment != "" && u.Fragment[0] != '/' || strings.ContainsAny(e.Pointer, " []\"<>") || e.Pointer[0] != '#' {
			t.Errorf("pointer %q is no JSON pointer in a fragment: %v", e.Pointer, err)
		}
	}
}

// FuzzUnmarshal checks that any body gives an error that isn't larger than in proportion and can
// be written again. The error is nil only below the HTTP status 400, and never carries OK.
func FuzzUnmarshal(f *testing.F) {
	var w statushttp.Writer
	for _, c := range testrpc.EveryCode(f) {
		f.Add(404, string(w.Marshal(statushttp.FormProblem, encode(f, c))))
	}
	for _, content := range contents {
		err := content.make(status.New(codes.RecordNotFound, "")).Err()
		for form := range statushttp.Form(3) {
			f.Add(500, string(w.Marshal(form, encode(f, err))))
		}
	}
	f.Add(404, `{"code":"not_found","message":"m","details":[`+connectDetail(f, testrpc.BadRequest(), false)+`]}`)
	f.Add(404, `{"error":{"code":5,"message":"m","details":[`+infoJSON+`,`+badRequestJSON+`]}}`)
	f.Add(200, `{"error":{"code":404,"message":"m","errors":[]}}`)
	f.Add(200, `{"result":{}}`)
	f.Add(-1, "<html>")
	f.Fuzz(func(t *testing.T, httpStatus int, body string) {
		err := unmarshal(t, httpStatus, body)
		if err == nil && httpStatus < 400 {
			return
		}
		received := grpcstatus.Convert(err).Proto()
		if err == nil || received.GetCode() == 0 {
			t.Fatalf("read %v; want an error", err)
		}
		if limit := 1024 + 4*len(body); proto.Size(received) > limit {
			t.Fatalf("a body of %d bytes gives a status of %d", len(body), proto.Size(received))
		}
		if _, declared := status.Declared(err); errors.Is(err, status.Code(err)) != declared {
			t.Fatalf("errors.Is(%v, %v) = %t; want what Declared() reports", err, status.Code(err), !declared)
		}
		if b := w.Marshal(statushttp.FormProblem, encode(t, err)); !json.Valid(b) {
			t.Fatalf("%s isn't valid", b)
		}
	})
}

// FuzzRequest checks that any headers of a request get an answer in one of the forms.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "application/problem+json;q=0.5, */*", "de, en;q=0.5", "7")
	f.Add("HEAD", "", "", "")
	f.Fuzz(func(t *testing.T, method, accept, language, retryAfter string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method = method
		r.Header = http.Header{"Accept": {accept}, "Accept-Language": {language}}
		rec := httptest.NewRecorder()
		new(statushttp.Writer).Write(rec, r, codes.RecordNotFound)
		types := []string{"application/json", "application/problem+json"}
		if got := rec.Header().Get("Content-Type"); rec.Code != 404 || !slices.Contains(types, got) {
			t.Fatalf("HTTP status %d, %s", rec.Code, got)
		}
		resp := rec.Result()
		resp.Header.Set("Retry-After", retryAfter)
		if delay, ok := status.RetryDelay(statushttp.CheckResponse(resp)); ok && (delay < 0 || delay.Hours() > 24) {
			t.Fatalf("Retry-After: %q gives %v", retryAfter, delay)
		}
	})
}
