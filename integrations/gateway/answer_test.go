package gateway_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/integrations/gateway"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
	"github.com/errstatus/errstatus/status/statushttp"
)

// What an answer has beside the status: forms, headers, trailers, details of unknown types.

func TestHeadHasNoBody(t *testing.T) {
	for _, m := range modes {
		f := m.start(t, nil, testrpc.Returning(codes.RecordNotFound))
		if err := f.mux.HandlePath("HEAD", "/v1/calls", func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
			runtime.HTTPError(r.Context(), f.mux, &runtime.JSONPb{}, w, r, codes.RecordNotFound)
		}); err != nil {
			t.Fatal(err)
		}
		for path, httpStatus := range map[string]int{unary: 404, unary + "/3": 405, "/nowhere": 404} {
			a := f.do(t, "HEAD", path, "")
			if a.StatusCode != httpStatus || len(a.body) > 0 || a.ContentLength < 1 {
				t.Errorf("%s, HEAD %s: HTTP status %d, %d bytes, Content-Length %d; want %d, no body and its length", m.name, path, a.StatusCode, len(a.body), a.ContentLength, httpStatus)
			}
		}
	}
}

// The server that decides finds the caller's languages: the backend's, or that of the gateway,
// in a handler's failure or in one of a path of its own.
func TestLanguage(t *testing.T) {
	localizing := interceptor.WithLocalizer(localize.New().Amend)
	inBackend := mode{"in the backend", proxy(interceptor.ServerOptions(localizing), interceptor.DialOptions())}
	for _, tt := range []struct {
		mode
		encoder *interceptor.Server
		paths   []string
	}{
		{inProcess, interceptor.NewServer(localizing), []string{unary, "/own"}},
		{proxied, interceptor.NewServer(localizing), []string{unary, serverStream, "/own"}},
		{decoded, interceptor.NewServer(localizing), []string{unary, serverStream, "/own"}},
		{inBackend, interceptor.NewServer(), []string{unary, serverStream}},
	} {
		f := tt.start(t, &statushttp.Writer{Encoder: tt.encoder}, testrpc.Returning(codes.RecordNotFound))
		if err := f.mux.HandlePath("POST", "/own", func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
			runtime.HTTPError(r.Context(), f.mux, nil, w, r, codes.RecordNotFound)
		}); err != nil {
			t.Fatal(err)
		}
		for _, path := range tt.paths {
			a := f.post(t, path, "Accept-Language", "zh-CN")
			if got := status.UserMessage(a.read(t)); got != "记录不存在" {
				t.Errorf("%s, %s: %q in %s; want the text in the caller's language", tt.name, path, got, a.body)
			}
			if path != serverStream && (a.Header.Get("Content-Language") != "zh-Hans" || !slices.Contains(a.Header.Values("Vary"), "Accept-Language")) {
				t.Errorf("%s, %s: headers %v; want the language", tt.name, path, a.Header)
			}
			if a := f.post(t, path); strings.Contains(string(a.body), "zh-Hans") {
				t.Errorf("%s, %s: %s without Accept-Language; want no localized text", tt.name, path, a.body)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	server := interceptor.NewServer(interceptor.WithRequestID(func(context.Context) string { return "req-7" }))
	w := &statushttp.Writer{Encoder: server, Challenge: `Bearer realm="shop"`}
	for _, m := range modes {
		svc := testrpc.Returning(status.New(codes.SrvNetwork, "busy").WithRetryDelay(1500 * time.Millisecond).Err())
		f := m.start(t, w, svc)
		a := f.post(t, unary)
		if got := a.Header.Get("Retry-After"); got != "2" || status.RequestID(a.read(t)) != "req-7" {
			t.Errorf("%s: Retry-After %q, %s; want 2 seconds and the request id", m.name, got, a.body)
		}
		svc.Return(testrpc.AtOpen, status.Error(codes.TokenExpired, "log in again"))
		if got := f.post(t, unary).Header.Get("WWW-Authenticate"); got != w.Challenge {
			t.Errorf("%s: WWW-Authenticate %q; want the challenge", m.name, got)
		}
		if got := m.start(t, nil, svc).post(t, unary).Header.Values("WWW-Authenticate"); got != nil {
			t.Errorf("%s: WWW-Authenticate %q; want none without a challenge", m.name, got)
		}
	}
}

// Headers and trailers of the backend are forwarded as grpc-gateway's own handler does, with
// the mux's matchers. Those that gRPC reserves aren't: grpc-gateway's own handler sends the bytes of
// grpc-status-details-bin, which end the answer before its time.
func TestBackendsHeadersAreForwarded(t *testing.T) {
	svc := testrpc.Running(func(ctx context.Context) error {
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-header", "1", "x-hidden", testrpc.Secret))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "2", "x-hidden", testrpc.Secret, "grpc-retry-pushback-ms", "5"))
		return full(codes.RecordNotFound)
	})
	matchers := func(hidden string) []runtime.ServeMuxOption {
		matcher := func(key string) (string, bool) {
			return "My-" + key, !strings.HasPrefix(key, hidden) && key != "x-hidden"
		}
		return []runtime.ServeMuxOption{runtime.WithOutgoingHeaderMatcher(matcher), runtime.WithOutgoingTrailerMatcher(matcher)}
	}
	forwarded := func(h http.Header) map[string][]string {
		found := map[string][]string{}
		for key, values := range h {
			if strings.HasPrefix(key, "My-") {
				found[key] = values
			}
		}
		return found
	}
	for _, m := range modes {
		for _, te := range []string{"trailers", ""} {
			want := m.startWith(t, svc, matchers("grpc-")...).post(t, unary, "TE", te)
			got := m.start(t, nil, svc, matchers("no key")...).post(t, unary, "TE", te)
			if diff := cmp.Diff(forwarded(want.Header), forwarded(got.Header)); diff != "" {
				t.Errorf("%s: headers (-grpc-gateway's own handler +errstatus's):\n%s", m.name, diff)
			}
			if diff := cmp.Diff(forwarded(want.Trailer), forwarded(got.Trailer)); diff != "" {
				t.Errorf("%s: trailers (-grpc-gateway's own handler +errstatus's):\n%s", m.name, diff)
			}
			if got.Header.Get("My-X-Header") != "1" || te != "" && got.Trailer.Get("My-X-Trailer") != "2" {
				t.Errorf("%s: headers %v, trailers %v; want the backend's", m.name, got.Header, got.Trailer)
			}
			if diff := wantFull(t, codes.RecordNotFound).Diff(testrpc.Read(got.read(t), codes.RecordNotFound)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", m.name, diff)
			}
		}
	}
}

// grpc-gateway's own handler breaks the answer to a client that asks for trailers.
func TestTrailersOfTheGatewaysOwnHandler(t *testing.T) {
	f := proxied.startWith(t, testrpc.Returning(full(codes.RecordNotFound)))
	r, err := http.NewRequest(http.MethodPost, f.URL+unary, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("TE", "trailers")
	resp, err := f.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the body ends regularly, with the trailers %v: the docs say that it doesn't", resp.Trailer)
	}
}

// Trailers need a chunked body. net/http complains if it has a Content-Length too.
func TestTrailersWithoutContentLength(t *testing.T) {
	var complaints strings.Builder
	mux := runtime.NewServeMux(gateway.Options(nil)...)
	inProcess.serve(t, mux, testrpc.Returning(codes.RecordNotFound))
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(&complaints, "", 0)
	server.Start()
	f := &front{server, mux}
	a := f.post(t, unary, "TE", "trailers")
	server.Close()
	if complaints.Len() > 0 || a.ContentLength != -1 || status.Code(a.read(t)) != codes.RecordNotFound {
		t.Errorf("net/http logged %q, Content-Length %d, %s; want nothing, none, RecordNotFound", &complaints, a.ContentLength, a.body)
	}
}

// brokenMarshaler can read requests and write nothing.
type brokenMarshaler struct{ runtime.JSONPb }

func (*brokenMarshaler) Marshal(any) ([]byte, error) { return nil, errors.New(testrpc.Secret) }

// The mux's marshaler and its rewriter don't write the answer, so that it can't fail.
func TestMarshalerAndRewriterAreNotNeeded(t *testing.T) {
	svc := testrpc.Running(func(ctx context.Context) error {
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-header", "1"))
		return codes.RecordNotFound
	})
	for name, option := range map[string]runtime.ServeMuxOption{
		"marshaler": runtime.WithMarshalerOption(runtime.MIMEWildcard, &brokenMarshaler{}),
		"rewriter": runtime.WithForwardResponseRewriter(func(context.Context, proto.Message) (any, error) {
			return nil, errors.New(testrpc.Secret)
		}),
	} {
		a := inProcess.start(t, nil, svc, option).post(t, unary)
		if a.StatusCode != 404 || status.Code(a.read(t)) != codes.RecordNotFound || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: HTTP status %d, %v, %s; want RecordNotFound as JSON", name, a.StatusCode, a.Header, a.body)
		}
		if name == "marshaler" && a.Header.Get("Grpc-Metadata-X-Header") != "1" {
			t.Errorf("%s: headers %v; want those of the backend", name, a.Header)
		}
	}
}

// shelf is a detail of a type that isn't linked into the program.
var shelf = &anypb.Any{TypeUrl: "type.googleapis.com/shop.v1.Shelf", Value: []byte{8, 1}}

// An unknown detail arrives with its bytes, and takes nothing else with it.
func TestUnknownDetail(t *testing.T) {
	st := testrpc.Carrying(t, codes.RecordNotFound, "user 42", testrpc.BadRequest())
	st.Details = append(st.Details, shelf)
	svc := testrpc.Returning(nil)
	for name, client := range connections {
		f := backend(client).start(t, nil, svc)
		svc.Return(testrpc.AtOpen, grpcstatus.FromProto(st).Err())
		for _, form := range []string{"application/json", "application/problem+json"} {
			testrpc.CheckStatus(t, f.post(t, unary, "Accept", form).read(t), st)
		}
		checkUnknown := func(err error) {
			t.Helper()
			got := grpcstatus.Convert(err).Proto()
			if got.GetCode() != st.Code || got.GetMessage() != st.Message || len(got.GetDetails()) != 3 || status.Code(err) != codes.RecordNotFound {
				t.Fatalf("%s: %v; want RecordNotFound and three details", name, got)
			}
			packed, ok := status.Detail[*structpb.Struct](err)
			if want := map[string]any{"@type": shelf.TypeUrl, "@value": "CAE="}; !ok || !cmp.Equal(want, packed.AsMap()) {
				t.Errorf("%s: the detail is %v; want %v", name, packed, want)
			}
		}
		checkUnknown(f.post(t, serverStream).read(t))
		svc.Return(testrpc.AfterMessages, grpcstatus.FromProto(st).Err())
		for _, path := range []string{serverStream, bidi} {
			chunks := f.do(t, "POST", path, "{}{}").chunks(t)
			checkUnknown(reader.Unmarshal(t.Context(), 500, chunks[len(chunks)-1]))
		}
	}
}

// FuzzUnknownDetail checks that every detail that a backend sends can be printed.
func FuzzUnknownDetail(f *testing.F) {
	f.Add(shelf.TypeUrl, shelf.Value)
	f.Add("type.googleapis.com/google.rpc.ErrorInfo", []byte{0xff})
	f.Add("type.googleapis.com/google.rpc.ErrorInfo", []byte("\n\x01R\x12\x01d"))
	f.Add("type.googleapis.com/google.protobuf.Any", []byte("\n\x01x"))
	f.Add("type.googleapis.com/google.protobuf.Duration", []byte{8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add("\xff", []byte{1})
	f.Add("", []byte(nil))
	mux := runtime.NewServeMux(gateway.Options(&statushttp.Writer{Encoder: interceptor.NewServer(interceptor.WithLogger(nil))})...)
	marshaler := &runtime.JSONPb{}
	f.Fuzz(func(t *testing.T, url string, value []byte) {
		details := []*anypb.Any{testrpc.Packed(t, testrpc.ErrorInfo(codes.RecordNotFound)), {TypeUrl: url, Value: value}}
		err := grpcstatus.FromProto(&spb.Status{Code: 5, Message: "user 42", Details: details}).Err()
		r := httptest.NewRequest("POST", "/", nil)
		w := httptest.NewRecorder()
		runtime.HTTPStreamError(t.Context(), mux, marshaler, w, r, err)
		if got := status.Code(reader.Unmarshal(t.Context(), 500, w.Body.Bytes())); got != codes.RecordNotFound {
			t.Errorf("the chunk is %q with %v; want RecordNotFound", w.Body, got)
		}
	})
}

// Importing the package links the types of google.rpc's details.
func TestImportLinksTheDetails(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if errdetails := "google.golang.org/genproto/googleapis/rpc/errdetails"; !slices.Contains(strings.Fields(string(out)), errdetails) {
		t.Errorf("the package doesn't link %s", errdetails)
	}
}

// A call that succeeds costs what it costs without the options.
func TestSuccessAllocatesNothingMore(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	allocs := func(opts ...runtime.ServeMuxOption) float64 {
		mux := runtime.NewServeMux(opts...)
		inProcess.serve(t, mux, testrpc.Returning(nil))
		return testing.AllocsPerRun(1000, func() {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest("POST", unary, strings.NewReader("{}")))
			if w.Code != 200 {
				t.Fatalf("HTTP status %d: %s", w.Code, w.Body)
			}
		})
	}
	if without, with := allocs(), allocs(gateway.Options(nil)...); with > without {
		t.Errorf("%v allocations with the options, %v without them", with, without)
	}
}

// A success has the same answer with the options.
func TestSuccessIsUnchanged(t *testing.T) {
	for _, m := range modes {
		with, without := m.start(t, nil, testrpc.Returning(nil)), m.startWith(t, testrpc.Returning(nil))
		for _, path := range []string{unary, serverStream, clientStream, bidi} {
			if m.name == inProcess.name && path != unary {
				continue
			}
			want, got := without.post(t, path), with.post(t, path)
			want.Header.Del("Date")
			got.Header.Del("Date")
			if diff := cmp.Diff(want.Header, got.Header); diff != "" || string(want.body) != string(got.body) || got.StatusCode != 200 {
				t.Errorf("%s, %s: HTTP status %d, %q; want %q; headers (-want +got):\n%s", m.name, path, got.StatusCode, got.body, want.body, diff)
			}
		}
	}
}
