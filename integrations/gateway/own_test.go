package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/integrations/gateway"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// The gateway's own failures: requests that don't reach a handler, and errors that this
// program makes.

func TestOwnErrors(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	for _, m := range modes {
		svc := testrpc.Returning(errors.New("a handler was called"))
		f := m.start(t, nil, svc)
		for _, tt := range []struct {
			method, path, body string
			httpStatus         int
			code               grpccodes.Code
			message            string // a part of it
		}{
			{"POST", "/nowhere", "{}", 404, grpccodes.NotFound, "Not Found"},
			{"DELETE", unary, "", 405, grpccodes.Unimplemented, "Method Not Allowed"},
			{"POST", unary, `{"response`, 400, grpccodes.InvalidArgument, "unexpected EOF"},
			{"POST", unary, `{"responseSize": "many"}`, 400, grpccodes.InvalidArgument, "invalid value for int32 field responseSize"},
			{"GET", unary + "/many", "", 400, grpccodes.InvalidArgument, "type mismatch, parameter: response_size"},
			{"GET", unary + "/3?fill_username=maybe", "", 400, grpccodes.InvalidArgument, `parsing field "fill_username"`},
			{"GET", unary + "/3?a%zz=1", "", 400, grpccodes.InvalidArgument, "invalid URL escape"},
		} {
			for _, form := range []string{"application/json", "application/problem+json"} {
				a := f.do(t, tt.method, tt.path, tt.body, "Accept", form)
				name := fmt.Sprintf("%s: %s %s %s", m.name, tt.method, tt.path, tt.body)
				err := a.read(t)
				got := grpcstatus.Convert(err)
				if _, declared := status.Declared(err); declared || len(got.Details()) > 0 {
					t.Errorf("%s: %v; want no code", name, err)
				}
				if a.StatusCode != tt.httpStatus || got.Code() != tt.code || !strings.Contains(got.Message(), tt.message) {
					t.Errorf("%s: HTTP status %d, %v %q; want %d, %v %q", name, a.StatusCode, got.Code(), got.Message(), tt.httpStatus, tt.code, tt.message)
				}
				number := map[string]string{"application/json": `"code":%d,`, "application/problem+json": `"status":%d,`}[form]
				if want := fmt.Sprintf(number, tt.httpStatus); strings.Count(string(a.body), want) != 1 {
					t.Errorf("%s: the body is %s; want %s", name, a.body, want)
				}
				if a.ContentLength != int64(len(a.body)) {
					t.Errorf("%s: Content-Length %d for %d bytes", name, a.ContentLength, len(a.body))
				}
			}
		}
		if n := svc.Calls(); n > 0 {
			t.Errorf("%s: %d requests reached the handler; want none", m.name, n)
		}
	}
	if records := logs(); len(records) > 0 {
		t.Errorf("the log has %+v; want nothing about the caller's mistakes", records)
	}
}

// net/http's client doesn't send these paths.
func TestBadPath(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	mux := runtime.NewServeMux(append(gateway.Options(nil), runtime.WithUnescapingMode(runtime.UnescapingModeAllCharacters))...)
	inProcess.serve(t, mux, testrpc.Returning(nil))
	for path, message := range map[string]string{"*": "Bad Request", "/v1/calls/%zz": `malformed path escape \"%zz\"`} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.URL.RawPath = path, path
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		want := `{"error":{"code":400,"message":"` + message + `","status":"INVALID_ARGUMENT"}}`
		if w.Code != 400 || w.Body.String() != want {
			t.Errorf("%s: HTTP status %d, %s; want 400, %s", path, w.Code, w.Body, want)
		}
	}
	if records := logs(); len(records) > 0 {
		t.Errorf("the log has %+v; want nothing", records)
	}
}

// A backend that is down isn't a forwarded failure: no other process has told an observer of it.
func TestEventOfARefusedConnection(t *testing.T) {
	for name, client := range connections {
		var sources []status.Source
		server := interceptor.NewServer(interceptor.WithLogger(nil), interceptor.WithObserver(func(_ context.Context, e interceptor.Event) {
			sources = append(sources, e.Source)
		}))
		conn, err := grpc.NewClient("127.0.0.1:1", append(client, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		mux := runtime.NewServeMux(gateway.Options(&statushttp.Writer{Encoder: server})...)
		connect(t, mux, conn)
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", unary, strings.NewReader("{}")))
		if len(sources) != 1 || sources[0] == status.SourceForwarded {
			t.Errorf("%s: events with the sources %v; want one that isn't SourceForwarded", name, sources)
		}
	}
}

// If the body can't be read, the reader's text names the addresses of the connection.
func TestUnreadBodyShowsNoAddress(t *testing.T) {
	for _, m := range []mode{inProcess, proxied} {
		mux := runtime.NewServeMux(gateway.Options(nil)...)
		m.serve(t, mux, testrpc.Returning(nil))
		server := httptest.NewUnstartedServer(mux)
		server.Config.ReadTimeout = 50 * time.Millisecond
		server.Start()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", unary)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		want := `{"error":{"code":400,"message":"the request could not be read","status":"INVALID_ARGUMENT"}}`
		if resp.StatusCode != 400 || string(body) != want {
			t.Errorf("%s: HTTP status %d, %s; want 400, %s", m.name, resp.StatusCode, body, want)
		}
		conn.Close()
		server.Close()
	}
}

// A handler's own message keeps the gateway's address, if it can be told from a reader's text: the
// status has a code or details, or has come with headers.
func TestHandlersMessageKeepsTheAddress(t *testing.T) {
	svc := testrpc.Returning(nil)
	for _, m := range []mode{inProcess, proxied, decoded, trusted} {
		f := m.start(t, nil, svc)
		message := "callback " + f.URL + " is not allowed"
		detailed, err := grpcstatus.New(grpccodes.InvalidArgument, message).WithDetails(testrpc.BadRequest())
		if err != nil {
			t.Fatal(err)
		}
		for name, own := range map[string]error{
			"a code": status.Error(codes.Args, message), "details": detailed.Err(), "headers": grpcstatus.Error(grpccodes.InvalidArgument, message),
		} {
			if m.name == decoded.name && name != "a code" || m.name == inProcess.name && name == "headers" {
				continue // isn't forwarded, or has none
			}
			svc.Return(testrpc.AtOpen, own)
			a := f.post(t, unary)
			if got := grpcstatus.Convert(a.read(t)); a.StatusCode != 400 || got.Message() != message {
				t.Errorf("%s, %s: HTTP status %d, %q; want 400, %q", m.name, name, a.StatusCode, got.Message(), message)
			}
		}
	}
}

// A unix socket without a name has an empty address, which no text names.
func TestUnnamedSocket(t *testing.T) {
	mux := runtime.NewServeMux(gateway.Options(nil)...)
	inProcess.serve(t, mux, testrpc.Returning(grpcstatus.Error(grpccodes.InvalidArgument, "no such color")))
	ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, &net.UnixAddr{Net: "unix"})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", unary, strings.NewReader("{}")))
	if want := `{"error":{"code":400,"message":"no such color","status":"INVALID_ARGUMENT"}}`; w.Body.String() != want {
		t.Errorf("the answer is %s; want %s", w.Body, want)
	}
}

// In-process registration has no streams. grpc-gateway says so.
func TestInProcessHasNoStreams(t *testing.T) {
	f := inProcess.start(t, nil, testrpc.Returning(nil))
	for _, path := range []string{serverStream, clientStream, bidi} {
		a := f.post(t, path)
		if got := grpcstatus.Convert(a.read(t)); a.StatusCode != 501 || !strings.Contains(got.Message(), "in-process transport") {
			t.Errorf("%s: HTTP status %d, %v; want 501 and grpc-gateway's text", path, a.StatusCode, got)
		}
	}
}

// reject is a middleware that answers with an error.
func reject(mux **runtime.ServeMux, err error) runtime.ServeMuxOption {
	return runtime.WithMiddlewares(func(runtime.HandlerFunc) runtime.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
			runtime.HTTPError(r.Context(), *mux, &runtime.JSONPb{}, w, r, err)
		}
	})
}

// A middleware's error is treated as a handler's. A status that a middleware makes keeps its message, although no backend was called.
func TestMiddlewaresError(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	gone := func(httpStatus int, err error) error {
		return fmt.Errorf("middleware: %w", &runtime.HTTPStatusError{HTTPStatus: httpStatus, Err: err})
	}
	for _, tt := range []struct {
		name       string
		err        error
		httpStatus int
		body, log  string // log is the level of the record, if there is one
	}{
		{"a code", codes.TokenExpired, 401, `{"error":{"code":401,"message":"token has expired","status":"UNAUTHENTICATED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TOKEN_EXPIRED","domain":"openim.io","metadata":{"code":"1501"}}]}}`, ""},
		{"a gRPC status", grpcstatus.Error(grpccodes.Unavailable, "closed on Sundays"), 503, `{"error":{"code":503,"message":"closed on Sundays","status":"UNAVAILABLE"}}`, ""},
		{"a plain error", errors.New(testrpc.Secret), 500, `{"error":{"code":500,"message":"internal server error","status":"INTERNAL","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVER_INTERNAL","domain":"openim.io","metadata":{"code":"500"}}]}}`, "ERROR"},
		{"an HTTP status", gone(410, grpcstatus.Error(grpccodes.NotFound, "moved")), 410, `{"error":{"code":410,"message":"moved","status":"NOT_FOUND"}}`, ""},
		{"an HTTP status that net/http refuses", gone(42, grpcstatus.Error(grpccodes.NotFound, "moved")), 404, `{"error":{"code":404,"message":"moved","status":"NOT_FOUND"}}`, ""},
		{"two HTTP statuses", gone(410, gone(404, grpcstatus.Error(grpccodes.NotFound, "moved"))), 410, `{"error":{"code":410,"message":"moved","status":"NOT_FOUND"}}`, ""},
		{"an HTTP status without an error", gone(410, nil), 500, `{"error":{"code":500,"message":"internal server error","status":"INTERNAL","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVER_INTERNAL","domain":"openim.io","metadata":{"code":"500"}}]}}`, "ERROR"},
		{"an HTTP status of a success", gone(204, grpcstatus.Error(grpccodes.NotFound, "moved")), 404, `{"error":{"code":404,"message":"moved","status":"NOT_FOUND"}}`, ""},
		{"an HTTP status that isn't one", gone(600, grpcstatus.Error(grpccodes.NotFound, "moved")), 404, `{"error":{"code":404,"message":"moved","status":"NOT_FOUND"}}`, ""},
		{"a text with the HTTP status", gone(410, grpcstatus.Error(grpccodes.NotFound, `"code":404`)), 410, `{"error":{"code":410,"message":"\"code\":404","status":"NOT_FOUND"}}`, ""},
	} {
		for _, m := range modes {
			var mux *runtime.ServeMux
			f := m.start(t, nil, testrpc.Returning(nil), reject(&mux, tt.err))
			mux = f.mux
			a := f.post(t, unary)
			if a.StatusCode != tt.httpStatus || string(a.body) != tt.body {
				t.Errorf("%s, %s: HTTP status %d, %s; want %d, %s", tt.name, m.name, a.StatusCode, a.body, tt.httpStatus, tt.body)
			}
			records := logs()
			if (tt.log == "") != (len(records) == 0) || len(records) > 1 || len(records) == 1 && records[0].Level != tt.log {
				t.Errorf("%s, %s: the log has %+v; want a record of level %q, or none if it is empty", tt.name, m.name, records, tt.log)
			}
		}
	}
}

// A handler's code or status decides, and not what else is in the error. Of an error without
// one, grpc-gateway's own text stays private.
func TestCauseDecidesNothing(t *testing.T) {
	malformed := runtime.MalformedSequenceError(testrpc.Secret)
	custom := &runtime.HTTPStatusError{HTTPStatus: 418, Err: codes.Args}
	notNow := grpcstatus.Error(grpccodes.Aborted, "not now")
	svc := testrpc.Returning(nil)
	f := inProcess.start(t, nil, svc)
	for _, tt := range []struct {
		name       string
		err        error
		httpStatus int
		message    string
	}{
		{"a path as the cause", status.Wrap(malformed, codes.RecordNotFound, "hello"), 404, "hello"},
		{"an HTTP status as the cause", status.Wrap(custom, codes.RecordNotFound, "hello"), 404, "hello"},
		{"a code beside an HTTP status", errors.Join(custom, codes.RecordNotFound), 404, "record not found"},
		{"a gRPC status beside an HTTP status", errors.Join(custom, notNow), 409, "not now"},
		{"a path", malformed, 500, "internal server error"},
		{"a path with an HTTP status", &runtime.HTTPStatusError{HTTPStatus: 400, Err: malformed}, 400, "internal server error"},
		{"an HTTP status", fmt.Errorf("handler: %w", custom), 418, codes.RowOf(codes.Args).Message},
		{"a recovered HTTP status", status.Recovered(custom), 500, "internal server error"},
	} {
		svc.Return(testrpc.AtOpen, tt.err)
		a := f.post(t, unary)
		if got := grpcstatus.Convert(a.read(t)).Message(); a.StatusCode != tt.httpStatus || got != tt.message {
			t.Errorf("%s: HTTP status %d, %q; want %d, %q", tt.name, a.StatusCode, got, tt.httpStatus, tt.message)
		}
		checkNoSecret(t, a)
	}
}

// In a problem, the number in the body is replaced too, and not one in a text.
func TestHTTPStatusInAProblem(t *testing.T) {
	var mux *runtime.ServeMux
	err := &runtime.HTTPStatusError{HTTPStatus: 410, Err: status.Error(codes.RecordNotFound, `"status":404`)}
	f := inProcess.start(t, &statushttp.Writer{
		Forms:   []statushttp.Form{statushttp.FormProblem},
		TypeURI: func(string, string) string { return `"status":404` },
	}, testrpc.Returning(nil), reject(&mux, err))
	mux = f.mux
	a := f.post(t, unary)
	want := `{"type":"\"status\":404","title":"record not found","status":410,"detail":"\"status\":404","grpcCode":"NOT_FOUND","code":1004,"reason":"RECORD_NOT_FOUND","domain":"openim.io"}`
	if a.StatusCode != 410 || string(a.body) != want {
		t.Errorf("HTTP status %d, %s; want 410, %s", a.StatusCode, a.body, want)
	}
}

// OpenIM's form has no HTTP status, and is sent with 200.
func TestOpenIMFormKeepsItsHTTPStatus(t *testing.T) {
	f := inProcess.start(t, &statushttp.Writer{Forms: []statushttp.Form{statushttp.FormOpenIM}}, testrpc.Returning(nil))
	a := f.post(t, "/nowhere")
	if want := `{"errCode":1004,"errMsg":"Not Found","errDlt":""}`; a.StatusCode != 200 || string(a.body) != want {
		t.Errorf("HTTP status %d, %s; want 200, %s", a.StatusCode, a.body, want)
	}
	a = f.do(t, "DELETE", unary, "")
	if a.StatusCode != 200 {
		t.Errorf("HTTP status %d, %s; want 200", a.StatusCode, a.body)
	}
}

// An error of the mux's own options is this program's, whatever the backend has answered.
func TestForwardResponseOptionsError(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	option := runtime.WithForwardResponseOption(func(context.Context, http.ResponseWriter, proto.Message) error {
		return errors.New(testrpc.Secret)
	})
	for _, m := range modes {
		a := m.start(t, nil, testrpc.Returning(nil), option).post(t, unary)
		if status.Code(a.read(t)) != codes.ServerInternal {
			t.Errorf("%s: %s; want ServerInternal", m.name, a.body)
		}
		checkNoSecret(t, a)
		testrpc.CheckWithheld(t, logs(), unaryMethod, grpccodes.Internal, testrpc.Secret)
	}
}

// grpc-gateway's health endpoint answers with a status of its own for a call that succeeded.
func TestHealthEndpoint(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	checks := health.NewServer()
	checks.SetServingStatus("down", healthgrpc.HealthCheckResponse_NOT_SERVING)
	register := func(s *grpc.Server) { healthgrpc.RegisterHealthServer(s, checks) }
	client := healthgrpc.NewHealthClient(testrpc.Serve(t, register, nil, trustAll))
	f := inProcess.start(t, nil, testrpc.Returning(nil), runtime.WithHealthzEndpoint(client))
	a := f.do(t, "GET", "/healthz?service=down", "")
	if got := grpcstatus.Convert(a.read(t)); a.StatusCode != 503 || !strings.HasSuffix(got.Message(), "NOT_SERVING") {
		t.Errorf("HTTP status %d, %v; want 503 and NOT_SERVING", a.StatusCode, got)
	}
	if records := logs(); len(records) > 0 {
		t.Errorf("the log has %+v; want nothing", records)
	}
}

// A health check that fails shows no address, even if the connection breaks after headers.
func TestHealthEndpointShowsNoAddress(t *testing.T) {
	lis := &breakable{Listener: testrpc.Listen(t)}
	breaks := grpc.UnaryInterceptor(func(ctx context.Context, _ any, _ *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
		err := grpc.SendHeader(ctx, metadata.Pairs("x-header", "1"))
		lis.breakAll()
		<-ctx.Done()
		return nil, err
	})
	register := func(s *grpc.Server) { healthgrpc.RegisterHealthServer(s, health.NewServer()) }
	testrpc.Start(t, lis, register, []grpc.ServerOption{breaks})
	client := healthgrpc.NewHealthClient(testrpc.Dial(t, lis.Addr().String(), nil))
	a := inProcess.start(t, nil, nil, runtime.WithHealthzEndpoint(client)).do(t, "GET", "/healthz", "")
	if got := grpcstatus.Convert(a.read(t)); a.StatusCode != 503 || got.Message() != down {
		t.Errorf("HTTP status %d, %v; want 503 and %q", a.StatusCode, got, down)
	}
}

// A deadline of the caller ends the call.
func TestDeadlines(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	svc := testrpc.Running(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	for _, m := range modes {
		f := m.start(t, nil, svc)
		a := f.post(t, unary, "Grpc-Timeout", "20m")
		if got := grpcstatus.Convert(a.read(t)); a.StatusCode != 504 || got.Message() != "context deadline exceeded" {
			t.Errorf("%s: HTTP status %d, %v; want 504", m.name, a.StatusCode, got)
		}
		a = f.post(t, unary, "Grpc-Timeout", "soon")
		if got := grpcstatus.Convert(a.read(t)); a.StatusCode != 400 || got.Message() != "invalid grpc-timeout: soon" {
			t.Errorf("%s: HTTP status %d, %v; want 400", m.name, a.StatusCode, got)
		}
	}
	if records := logs(); len(records) > 0 {
		t.Errorf("the log has %+v; want nothing", records)
	}
}

// If the caller has gone, its end is no fault of the server.
func TestCallerHasGone(t *testing.T) {
	for _, m := range modes {
		encoded := make(chan status.Encoded, 1)
		w := &statushttp.Writer{Encoder: recorder{interceptor.NewServer(), encoded}}
		ctx, cancel := context.WithCancel(t.Context())
		svc := testrpc.Running(func(rpc context.Context) error {
			cancel()
			<-rpc.Done()
			return fmt.Errorf("%s: %w", testrpc.Secret, rpc.Err())
		})
		f := m.start(t, w, svc)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.URL+unary, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Client().Do(r); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Do() = %v; want context.Canceled", m.name, err)
		}
		e := <-encoded
		if level, logged := e.LogLevel(); e.GRPCCode() != grpccodes.Canceled || logged && level > slog.LevelInfo {
			t.Errorf("%s: %v, level %v; want CANCELLED, and no record above INFO", m.name, e.Err(), level)
		}
	}
}

// A recorder is an Encoder that sends what it has decided to a channel.
type recorder struct {
	statushttp.Encoder
	encoded chan<- status.Encoded
}

func (r recorder) Encode(ctx context.Context, method string, err error) status.Encoded {
	e := r.Encoder.Encode(ctx, method, err)
	r.encoded <- e
	return e
}

// A panic of a handler in this process ends its connection, as without errstatus, and its text
// isn't sent. A middleware can recover it.
func TestPanic(t *testing.T) {
	svc := testrpc.Running(func(context.Context) error { panic(testrpc.Secret) })
	mux := runtime.NewServeMux(gateway.Options(nil)...)
	inProcess.serve(t, mux, svc)
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	if resp, err := server.Client().Post(server.URL+unary, "application/json", strings.NewReader("{}")); err == nil {
		resp.Body.Close()
		t.Errorf("Post() = %s; want an error", resp.Status)
	}
	server.Close()

	logs := testrpc.CaptureLog(t)
	var f *front
	f = inProcess.start(t, nil, svc, runtime.WithMiddlewares(func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
			defer func() {
				if p := recover(); p != nil {
					runtime.HTTPError(r.Context(), f.mux, nil, w, r, status.Recovered(p))
				}
			}()
			next(w, r, pathParams)
		}
	}))
	a := f.post(t, unary)
	if a.StatusCode != 500 || status.Code(a.read(t)) != codes.ServerInternal {
		t.Errorf("HTTP status %d, %s; want 500 and ServerInternal", a.StatusCode, a.body)
	}
	checkNoSecret(t, a)
	if records := logs(); len(records) != 1 || !strings.Contains(records[0].Cause, testrpc.Secret) || records[0].Stack == "" || records[0].Service != "http" || records[0].Method != "POST /v1/calls" {
		t.Errorf("the log has %+v; want one record of POST /v1/calls with the panic and its stack", records)
	}
}
