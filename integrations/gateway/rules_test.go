package gateway_test

import (
	gocmp "cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// Whose error it is, and which rules decide on it.

// panics is an error whose methods panic.
type panics struct{}

func (panics) Error() string { panic(testrpc.Secret) }

// handlersErrors returns errors that handlers return, by name.
func handlersErrors(t testing.TB) map[string]error {
	upstream := func(trust status.Trust, err error) error {
		return (&status.Decoder{Trust: trust}).Decode(t.Context(), err)
	}
	secret := errors.New(testrpc.Secret)
	plain := grpcstatus.Error(grpccodes.FailedPrecondition, "not now")
	return map[string]error{
		"a code":                     codes.RecordNotFound,
		"a code under %w":            fmt.Errorf("%s: %w", testrpc.Secret, codes.SrvDatabase),
		"a message and a cause":      status.Wrap(secret, codes.SrvDatabase, "loading the user"),
		"details":                    status.New(codes.Args, "bad").WithDetails(testrpc.BadRequest(), &errdetails.DebugInfo{Detail: testrpc.Secret}).Err(),
		"parameters":                 testrpc.CardDeclinedError{Card: "4242"},
		"a plain error":              secret,
		"a sentinel":                 fmt.Errorf("%s: %w", testrpc.Secret, sql.ErrNoRows),
		"a gRPC status":              plain,
		"a gRPC status under %w":     fmt.Errorf("%s: %w", testrpc.Secret, plain),
		"UNAVAILABLE of its own":     grpcstatus.Error(grpccodes.Unavailable, "closed on Sundays"),
		"UNAUTHENTICATED of its own": grpcstatus.Error(grpccodes.Unauthenticated, "token expired"),
		"a raw number":               grpcstatus.Error(1004, "user 42"),
		"a raw number without a row": grpcstatus.Error(4711, testrpc.Secret),
		"an upstream's code":         upstream(status.TrustKnown, full(codes.RecordNotFound)),
		"an upstream's status":       upstream(status.TrustKnown, grpcstatus.Error(grpccodes.NotFound, testrpc.Secret)),
		"an upstream that is down":   upstream(status.TrustKnown, grpcstatus.Error(grpccodes.Unavailable, testrpc.Secret)),
		"a trusted upstream":         upstream(status.TrustAll, grpcstatus.Error(grpccodes.Unavailable, "closed on Sundays")),
		"a deadline of another":      fmt.Errorf("%s: %w", testrpc.Secret, context.DeadlineExceeded),
		"a cancellation of another":  fmt.Errorf("%s: %w", testrpc.Secret, context.Canceled),
		"NoError":                    codes.NoError,
		"a typed nil":                (*testrpc.CardDeclinedError)(nil),
		"an error that panics":       panics{},
		"an error that never ends":   testrpc.WrapsItself(secret),
		"a recovered panic":          status.Recovered(testrpc.Secret),
		"a retry delay":              status.New(codes.SrvNetwork, "busy").WithRetryDelay(1500 * time.Millisecond).Err(),
	}
}

// A handler in this process is answered and logged as one of a gRPC server is.
func TestInProcessIsAsAServer(t *testing.T) {
	opts := []interceptor.ServerOption{
		interceptor.WithErrorMapping(sql.ErrNoRows, codes.RecordNotFound),
		interceptor.WithRequestID(func(context.Context) string { return "req-7" }),
		interceptor.WithWithheldMessages(grpccodes.DataLoss),
	}
	logs := testrpc.CaptureLog(t)
	svc := testrpc.Returning(nil)
	f := inProcess.start(t, &statushttp.Writer{Encoder: interceptor.NewServer(opts...)}, svc)
	for name, err := range handlersErrors(t) {
		t.Run(name, func(t *testing.T) {
			want, wantLogs := testrpc.Sent(t, err, opts...), logs()
			svc.Return(testrpc.AtOpen, err)
			a := f.post(t, unary)
			got, gotLogs := grpcstatus.Convert(a.read(t)).Proto(), logs()
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("what a gRPC server sends and what the gateway answers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(withoutStacks(wantLogs), withoutStacks(gotLogs)); diff != "" {
				t.Errorf("the records of a gRPC server and of the gateway (-want +got):\n%s", diff)
			}
			checkNoSecret(t, a)
		})
	}
}

// withoutStacks removes the stacks, which name the goroutine and the caller.
func withoutStacks(records []testrpc.LogRecord) []testrpc.LogRecord {
	for i := range records {
		records[i].Stack = ""
	}
	return records
}

// The status that a backend with errstatus sends arrives whole, unless it may be a proxy's.
// Private text arrives nowhere.
func TestBackendsFailuresArrive(t *testing.T) {
	for _, m := range []mode{proxied, trusted} {
		svc := testrpc.Returning(nil)
		f := m.start(t, nil, svc)
		for name, err := range handlersErrors(t) {
			svc.Return(testrpc.AtOpen, err)
			a := f.post(t, unary, "TE", "trailers")
			want := testrpc.Sent(t, err)
			if message := fixed[grpccodes.Code(want.Code)]; message != "" && len(want.Details) == 0 {
				want.Message = message
			}
			if diff := cmp.Diff(want, grpcstatus.Convert(a.read(t)).Proto(), protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: what the backend sends and what the gateway answers (-want +got):\n%s", m.name, name, diff)
			}
			checkNoSecret(t, a)
			checkNoSecret(t, f.post(t, serverStream))
		}
	}
}

// The fixed messages for a status that may be gRPC's or a proxy's.
const (
	down   = "an upstream service is unavailable"
	late   = "an upstream service did not answer in time"
	failed = "an upstream service failed" // with any other code
)

var fixed = map[grpccodes.Code]string{grpccodes.Unavailable: down, grpccodes.DeadlineExceeded: late}

// checkNoSecret checks that an answer doesn't contain [testrpc.Secret].
func checkNoSecret(t testing.TB, a answer) {
	t.Helper()
	if text := fmt.Sprintf("%v %v %s", a.Header, a.Trailer, a.body); strings.Contains(text, testrpc.Secret) {
		t.Errorf("the caller reads the private text %q in %s; want it withheld", testrpc.Secret, text)
	}
}

// backend is a mode in which a backend has no errstatus.
func backend(client []grpc.DialOption) mode { return mode{"", proxy(nil, client)} }

// A wanted status of a backend.
type wanted struct {
	code    grpccodes.Code
	message string
}

// TestBackendsStatus checks which statuses of a backend without errstatus arrive.
func TestBackendsStatus(t *testing.T) {
	const internal = "internal server error"
	header := func(ctx context.Context) { _ = grpc.SetHeader(ctx, metadata.Pairs("x-header", "1")) }
	trailer := func(ctx context.Context) { header(ctx); _ = grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "1")) }
	foreign := testrpc.Packed(t, &errdetails.ErrorInfo{Reason: "BUSY", Domain: "other.example"})
	for _, tt := range []struct {
		name   string
		sends  *grpcstatus.Status
		before func(context.Context)
		// These are for a connection without errstatus or with trust.
		unary, stream wanted
		known         wanted // for a connection with errstatus, without trust
	}{
		{"NOT_FOUND", grpcstatus.New(grpccodes.NotFound, "no such user"), nil,
			wanted{grpccodes.NotFound, "no such user"}, wanted{grpccodes.NotFound, "no such user"}, wanted{grpccodes.Internal, internal}},
		{"UNAUTHENTICATED", grpcstatus.New(grpccodes.Unauthenticated, "token expired"), nil,
			wanted{grpccodes.Unauthenticated, "token expired"}, wanted{grpccodes.Unauthenticated, failed}, wanted{grpccodes.Internal, internal}},
		{"UNAUTHENTICATED after a header", grpcstatus.New(grpccodes.Unauthenticated, "token expired"), header,
			wanted{grpccodes.Unauthenticated, "token expired"}, wanted{grpccodes.Unauthenticated, "token expired"}, wanted{grpccodes.Internal, internal}},
		{"UNAVAILABLE", grpcstatus.New(grpccodes.Unavailable, "closed on Sundays"), nil,
			wanted{grpccodes.Unavailable, down}, wanted{grpccodes.Unavailable, down}, wanted{grpccodes.Unavailable, down}},
		{"UNAVAILABLE after a header", grpcstatus.New(grpccodes.Unavailable, "closed on Sundays"), header,
			wanted{grpccodes.Unavailable, down}, wanted{grpccodes.Unavailable, down}, wanted{grpccodes.Unavailable, down}},
		{"UNAVAILABLE with a trailer", grpcstatus.New(grpccodes.Unavailable, "closed on Sundays"), trailer,
			wanted{grpccodes.Unavailable, down}, wanted{grpccodes.Unavailable, down}, wanted{grpccodes.Unavailable, down}},
		{"DEADLINE_EXCEEDED after a header", grpcstatus.New(grpccodes.DeadlineExceeded, "too slow"), header,
			wanted{grpccodes.DeadlineExceeded, late}, wanted{grpccodes.DeadlineExceeded, late}, wanted{grpccodes.DeadlineExceeded, late}},
		{"UNAVAILABLE with a detail", withDetail(grpcstatus.New(grpccodes.Unavailable, "closed on Sundays"), foreign), header,
			wanted{grpccodes.Unavailable, "closed on Sundays"}, wanted{grpccodes.Unavailable, "closed on Sundays"}, wanted{grpccodes.Unavailable, down}},
		{"UNIMPLEMENTED", grpcstatus.New(grpccodes.Unimplemented, "not yet"), nil,
			wanted{grpccodes.Unimplemented, "not yet"}, wanted{grpccodes.Unimplemented, failed}, wanted{grpccodes.Internal, internal}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			svc := testrpc.Running(func(ctx context.Context) error {
				if tt.before != nil {
					tt.before(ctx)
				}
				return tt.sends.Err()
			})
			check := func(name string, want wanted, a answer) {
				t.Helper()
				if got := grpcstatus.Convert(a.read(t)); got.Code() != want.code || got.Message() != want.message {
					t.Errorf("%s: %v %q; want %v %q", name, got.Code(), got.Message(), want.code, want.message)
				}
			}
			for name, client := range map[string][]grpc.DialOption{"without errstatus": nil, "with trust": trustAll} {
				f := backend(client).start(t, nil, svc)
				check(name, tt.unary, f.post(t, unary))
				check(name+", client stream", tt.unary, f.post(t, clientStream))
				check(name+", server stream", tt.stream, f.post(t, serverStream))
			}
			f := backend(interceptor.DialOptions()).start(t, nil, svc)
			check("known", tt.known, f.post(t, unary))
			check("known, server stream", tt.known, f.post(t, serverStream))
		})
	}
}

func withDetail(st *grpcstatus.Status, detail *anypb.Any) *grpcstatus.Status {
	p := st.Proto()
	p.Details = append(p.Details, detail)
	return grpcstatus.FromProto(p)
}

// gRPC never makes a raw number, so its message arrives also from a stream.
func TestBackendsRawNumberArrives(t *testing.T) {
	raw := grpcstatus.Error(grpccodes.Code(codes.SdkNetwork), "closed on Sundays")
	for name, client := range connections {
		f := backend(client).start(t, nil, testrpc.Returning(raw))
		for _, path := range []string{unary, serverStream} {
			err := f.post(t, path).read(t)
			if got := status.Convert(err).Message(); status.Code(err) != codes.SdkNetwork || got != "closed on Sundays" {
				t.Errorf("%s, %s: %v; want SdkNetwork and the backend's message", name, path, err)
			}
		}
	}
}

// A backend's status arrives with its details, without DebugInfo.
func TestBackendsDetailsArrive(t *testing.T) {
	st := testrpc.Carrying(t, codes.RecordNotFound, "user 42", testrpc.BadRequest())
	st.Details = append(st.Details, testrpc.Packed(t, &errdetails.DebugInfo{Detail: testrpc.Secret}))
	want := testrpc.Carrying(t, codes.RecordNotFound, "user 42", testrpc.BadRequest())
	for name, client := range map[string][]grpc.DialOption{"without errstatus": nil, "with errstatus": interceptor.DialOptions()} {
		f := backend(client).start(t, nil, testrpc.Returning(grpcstatus.FromProto(st).Err()))
		for _, path := range []string{unary, serverStream} {
			a := f.post(t, path)
			testrpc.CheckStatus(t, a.read(t), want)
			if checkNoSecret(t, a); t.Failed() {
				t.Errorf("above: %s, %s", name, path)
			}
		}
	}
}

// An upstream's private text is neither in the answer nor in a trailer that repeats the status.
func TestWithheldStatusIsInNoTrailer(t *testing.T) {
	info := testrpc.Packed(t, &errdetails.ErrorInfo{Reason: "R", Domain: "other.example", Metadata: map[string]string{"key": testrpc.Secret}})
	svc := testrpc.Running(func(ctx context.Context) error {
		_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "1", "x-trailer", "kept"))
		return withDetail(grpcstatus.New(grpccodes.NotFound, testrpc.Secret), info).Err()
	})
	logs := testrpc.CaptureLog(t)
	f := backend(interceptor.DialOptions()).start(t, nil, svc)
	a := f.post(t, unary, "TE", "trailers")
	checkNoSecret(t, a)
	testrpc.CheckWithheld(t, logs(), unaryMethod, grpccodes.Internal, testrpc.Secret)
	if got := a.Trailer.Get("Grpc-Trailer-X-Trailer"); got != "kept" {
		t.Errorf("the trailer has x-trailer %q; want the backend's", got)
	}
	for key := range a.Trailer {
		if strings.HasPrefix(key, "Grpc-Trailer-Grpc-") {
			t.Errorf("the trailer has %s; want no key of gRPC", key)
		}
	}
}

// noBackend is the address of a port at which nobody listens, and that no later server of the test
// gets.
const noBackend = "127.0.0.1:1"

// connections are the options of each kind of connection.
var connections = map[string][]grpc.DialOption{
	"without errstatus": nil,
	"with errstatus":    interceptor.DialOptions(),
	"with trust":        trustAll,
	"with assumed codes and trust": interceptor.DialOptions(interceptor.WithAssumedCodes(),
		interceptor.WithUpstreamTrust(status.TrustAll)),
}

func TestDialErrorShowsNoAddress(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	for name, client := range connections {
		address := noBackend
		m := mode{serve: func(t testing.TB, mux *runtime.ServeMux, _ testgrpc.TestServiceServer) {
			connect(t, mux, testrpc.Dial(t, address, client))
		}}
		f := m.start(t, nil, nil)
		for path, method := range map[string]string{unary: unaryMethod, serverStream: "StreamingOutputCall", clientStream: "StreamingInputCall", bidi: "FullDuplexCall"} {
			a := f.post(t, path)
			if a.StatusCode != 503 || grpcstatus.Code(a.read(t)) != grpccodes.Unavailable {
				t.Errorf("%s, %s: HTTP status %d, %v; want 503 and UNAVAILABLE", name, path, a.StatusCode, a.read(t))
			}
			if text := fmt.Sprint(a.Header, string(a.body)); strings.Contains(text, address) {
				t.Errorf("%s, %s: the answer %s has the backend's address", name, path, text)
			}
			testrpc.CheckWithheld(t, logs(), method, grpccodes.Unavailable, address)
		}
	}
}

// If the connection breaks, gRPC's text names its addresses.
func TestBrokenConnectionShowsNoAddress(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	for name, client := range connections {
		for _, path := range []string{unary, serverStream, clientStream, bidi} {
			lis := &breakable{Listener: testrpc.Listen(t)}
			svc := testrpc.Running(func(ctx context.Context) error {
				if err := grpc.SendHeader(ctx, metadata.Pairs("x-header", "1")); err != nil {
					return err
				}
				lis.breakAll()
				<-ctx.Done()
				return ctx.Err()
			})
			m := mode{serve: func(t testing.TB, mux *runtime.ServeMux, _ testgrpc.TestServiceServer) {
				testrpc.Start(t, lis, testrpc.Register(svc), nil)
				connect(t, mux, testrpc.Dial(t, lis.Addr().String(), client))
			}}
			a := m.start(t, nil, nil).post(t, path)
			if grpcstatus.Code(a.read(t)) != grpccodes.Unavailable {
				t.Errorf("%s, %s: %v; want UNAVAILABLE", name, path, a.read(t))
			}
			if strings.Contains(string(a.body), "127.0.0.1") {
				t.Errorf("%s, %s: the answer %s has an address", name, path, a.body)
			}
			if records := logs(); len(records) != 1 || !strings.Contains(records[0].Cause, "error reading from server") {
				t.Errorf("%s, %s: the log has %+v; want one record of gRPC's text", name, path, records)
			}
		}
	}
}

// A breakable listener can close its connections.
type breakable struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *breakable) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
	return conn, err
}

func (l *breakable) breakAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.Close()
	}
}

// failingCredentials have no token.
type failingCredentials struct{}

func (failingCredentials) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return nil, errors.New(testrpc.Secret)
}

func (failingCredentials) RequireTransportSecurity() bool { return false }

// failing is a connection whose calls fail in this process.
func failing(err error) []grpc.DialOption {
	return []grpc.DialOption{grpc.WithUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
		return err
	})}
}

// What gRPC or an interceptor of the gateway's connection makes keeps its canonical code. The
// message is private if gRPC may have made it.
func TestStatusOfTheGatewaysConnection(t *testing.T) {
	check := func(name string, client []grpc.DialOption, code grpccodes.Code, message string) {
		t.Helper()
		a := backend(client).start(t, nil, testrpc.Returning(nil)).post(t, unary)
		if got := grpcstatus.Convert(a.read(t)); got.Code() != code || got.Message() != message {
			t.Errorf("%s: %v; want %v %q", name, got, code, message)
		}
	}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		want := "the connection's own"
		if testrpc.MadeByGRPC(c) {
			want = gocmp.Or(fixed[c], failed)
		}
		check(c.String(), failing(grpcstatus.Error(c, "the connection's own")), c, want)
	}
	credentials := grpc.WithPerRPCCredentials(failingCredentials{})
	check("gRPC's credentials", []grpc.DialOption{credentials}, grpccodes.Unauthenticated, failed)
	check("a code", failing(status.Error(codes.TokenExpired, "log in again")), grpccodes.Unauthenticated, "log in again")
	check("a plain error", failing(errors.New(testrpc.Secret)), grpccodes.Internal, "internal server error")
}

// A proxy that isn't one for gRPC answers with a page. gRPC's text repeats it.
func TestProxysPageIsNotSent(t *testing.T) {
	for httpStatus, want := range map[int]wanted{
		400: {grpccodes.Internal, failed}, 401: {grpccodes.Unauthenticated, failed}, 403: {grpccodes.PermissionDenied, failed},
		404: {grpccodes.Unimplemented, failed}, 418: {grpccodes.Unknown, failed}, 503: {grpccodes.Unavailable, down},
	} {
		page := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(httpStatus)
			_, _ = io.WriteString(w, testrpc.Secret)
		}))
		page.Config.Protocols = &http.Protocols{}
		page.Config.Protocols.SetUnencryptedHTTP2(true)
		page.Start()
		t.Cleanup(page.Close)
		for _, name := range []string{"without errstatus", "with trust"} {
			conn := testrpc.Dial(t, page.Listener.Addr().String(), connections[name])
			m := mode{serve: func(t testing.TB, mux *runtime.ServeMux, _ testgrpc.TestServiceServer) { connect(t, mux, conn) }}
			f := m.start(t, nil, nil)
			for _, path := range []string{unary, serverStream, clientStream, bidi} {
				a := f.post(t, path)
				if got := grpcstatus.Convert(a.read(t)); got.Code() != want.code || got.Message() != want.message {
					t.Errorf("%d, %s, %s: %v %q; want %v %q", httpStatus, name, path, got.Code(), got.Message(), want.code, want.message)
				}
				checkNoSecret(t, a)
			}
		}
	}
}
