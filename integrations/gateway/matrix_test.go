package gateway_test

import (
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// The codes of all failures, in each mode, kind of call and form. The reader finds the same code,
// message, metadata and violations.

// full returns a failure with everything that callers read.
func full(c codes.ErrorCode) error {
	return status.New(c, `user "42" ✓`).WithMetadata("user", "42").WithDetails(testrpc.BadRequest()).Err()
}

// wantFull returns what a caller should read of full(c).
func wantFull(t testing.TB, c codes.ErrorCode) testrpc.Reading {
	t.Helper()
	return testrpc.WantReading(t, c, `user "42" ✓`, map[string]string{"user": "42"}, testrpc.BadRequest())
}

func TestEveryCode(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			svc := testrpc.Returning(nil)
			f := m.start(t, nil, svc)
			for _, c := range testrpc.EveryCode(t) {
				svc.Return(testrpc.AtOpen, full(c))
				checkRead := func(name string, err error) {
					t.Helper()
					if diff := wantFull(t, c).Diff(testrpc.Read(err, c)); diff != "" {
						t.Errorf("%v, %s (-want +got):\n%s", c, name, diff)
					}
				}
				for _, form := range []string{"application/json", "application/problem+json"} {
					for _, a := range []answer{f.post(t, unary, "Accept", form), f.do(t, "GET", unary+"/3?fill_username=true", "", "Accept", form)} {
						checkRead(form, a.read(t))
						if got, want := a.StatusCode, statushttp.Code(codes.RowOf(c).GRPCCode); got != want {
							t.Errorf("%v: HTTP status %d; want %d", c, got, want)
						}
						if got := a.Header.Get("Content-Type"); got != form {
							t.Errorf("%v: Content-Type %q; want %q", c, got, form)
						}
					}
				}
				if m.name == inProcess.name { // grpc-gateway has no streams there
					continue
				}
				checkRead("client stream", f.post(t, clientStream).read(t))
				for _, path := range []string{serverStream, bidi} {
					checkRead(path, f.post(t, path).read(t))
				}
				svc.Return(testrpc.AfterMessages, full(c))
				for path, body := range map[string]string{serverStream: "{}", bidi: "{}{}"} {
					checkChunks(t, checkRead, f.do(t, "POST", path, body), path)
				}
			}
		})
	}
}

// checkChunks checks the answer of a stream that fails after its messages.
func checkChunks(t *testing.T, checkRead func(string, error), a answer, path string) {
	t.Helper()
	chunks := a.chunks(t)
	if len(chunks) != testrpc.Messages+1 || a.StatusCode != 200 {
		t.Fatalf("%s: HTTP status %d and %d chunks; want 200 and %d messages with an error", path, a.StatusCode, len(chunks), testrpc.Messages)
	}
	checkRead(path+" after messages", reader.Unmarshal(t.Context(), 500, chunks[testrpc.Messages]))
}

// A mux without the options writes grpc-gateway's own form.
func TestReaderReadsTheGatewaysOwnForm(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			svc := testrpc.Returning(nil)
			f := m.startWith(t, svc)
			for _, c := range testrpc.EveryCode(t) {
				svc.Return(testrpc.AtOpen, full(c))
				if diff := wantFull(t, c).Diff(testrpc.Read(f.post(t, unary).read(t), c)); diff != "" {
					t.Errorf("%v (-want +got):\n%s", c, diff)
				}
			}
		})
	}
}

// A Writer that changes later changes nothing.
func TestOptionsCopyTheWriter(t *testing.T) {
	w := &statushttp.Writer{Forms: []statushttp.Form{statushttp.FormOpenIM}}
	f := inProcess.start(t, w, testrpc.Returning(codes.RecordNotFound))
	w.Forms = nil
	a := f.post(t, unary)
	if want := `{"errCode":1004,"errMsg":"record not found","errDlt":""}`; string(a.body) != want || a.StatusCode != 200 {
		t.Errorf("HTTP status %d, %s; want 200, %s", a.StatusCode, a.body, want)
	}
}
