package service_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/openimsdk/tools/errs"
	"github.com/openimsdk/tools/mw/specialerror"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
	"github.com/errstatus/errstatus/examples/openim/service"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// errNoDocuments is an error that OpenIM's servers replace by ErrRecordNotFound.
var errNoDocuments = errors.New("mongo: no documents in result")

func TestMain(m *testing.M) {
	fleet.Quiet()
	if err := specialerror.AddReplace(errNoDocuments, errs.ErrRecordNotFound); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// newServer returns a server with this package's options. Old clients get the numeric
// form.
func newServer(opts ...interceptor.ServerOption) fleet.Server {
	return fleet.Server{Name: "errstatus", Options: service.ServerOptions(append(opts, interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated))...)}
}

// newClient has this package's options without the announcement.
var newClient = fleet.Client{Name: "errstatus", Options: service.DialOptions(), Read: fleet.AdaptedClient.Read}

// An upstream calls another service, which uses OpenIM's interceptors, and returns the
// error. The token selects the failure; "down" stops the service first.
type upstream func(token string) error

// startUpstream starts the service and connects client to it.
func startUpstream(t *testing.T, client fleet.Client) upstream {
	t.Helper()
	running := fleet.OldConvert.Serve(func(_ context.Context, token string) error {
		switch token {
		case "1004":
			return errs.ErrRecordNotFound.WrapMsg("userID=u1")
		case "1999":
			return errs.NewCodeError(1999, "NewError").WrapMsg("userID=u1")
		}
		return grpcstatus.Error(grpccodes.NotFound, "no such method")
	})
	t.Cleanup(running.Stop)
	conn, err := client.Dial(running)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func(token string) error {
		if token == "down" {
			running.Stop()
		}
		return fleet.ParseToken(conn, token)
	}
}

// Servers before and after the migration are compared by what callers get. The table under
// the same title in docs/migrating-from-openim.md has the same rows. A wanted text
// that ends with * is a prefix.
func TestWhatCallersGet(t *testing.T) {
	const (
		internal = `500 "internal server error" ""`
		notFound = `500 "ServerInternalError" "rpc error: code = NotFound desc = `
	)
	tests := []struct {
		name    string
		handler func(upstream) error

		// What a client reads: OldClientConvert from OldConvert, OldClientMW from
		// OldMW, and both from this package's server.
		convert, mw, byConvert, byMW string
	}{
		{"a CodeError in the table", func(upstream) error { return errs.ErrArgs.WrapMsg("userID=u1") },
			`1001 "ArgsError" "userID=u1"`, `1001 "ArgsError" "userID=u1"`, `1001 "ArgsError" ""`, `1001 "ArgsError" ""`},
		{"a CodeError without a message", func(upstream) error { return errs.NewCodeError(1205, "").WithDetail("x") },
			`1205 "" "x"`, `1205 "1205  x" "x"`, `1205 "the group type *`, `1205 "the group type *`},
		{"a CodeError without a row", func(upstream) error { return errs.NewCodeError(1999, "NewError").Wrap() },
			`1999 "NewError" ""`, `1999 "NewError" "NewError"`, internal, internal},
		{"a plain error", func(upstream) error { return errors.New("dsn") },
			`500 "ServerInternalError" "dsn"`, `500 "dsn" "dsn"`, internal, internal},
		{"a replaced error", func(upstream) error { return errs.WrapMsg(errNoDocuments, "find") },
			`1004 "RecordNotFoundError" ""`, `1004 "RecordNotFoundError" "mongo: no documents in result find"`, `1004 "record not found" ""`, `1004 "record not found" ""`},
		{"a gRPC status", func(upstream) error { return grpcstatus.Error(grpccodes.NotFound, "x") },
			notFound + `x"`, `500 "rpc error: *`, notFound + `x"`, `5 "x" ""`},
		{"a gRPC status, wrapped", func(upstream) error { return fmt.Errorf("ctx: %w", grpcstatus.Error(grpccodes.NotFound, "x")) },
			notFound + `ctx: *`, `500 "ctx: *`, notFound + `x"`, `5 "x" ""`},
		{"the handler's own timeout", func(upstream) error { return fmt.Errorf("dsn: %w", context.DeadlineExceeded) },
			`500 "ServerInternalError" "context deadline exceeded"`, `500 "dsn: *`, `500 "ServerInternalError" "rpc error: code = DeadlineExceeded desc = context *`, `4 "context deadline exceeded" ""`},
		{"a panic", func(upstream) error { panic("dsn") },
			`500 "panic error" "dsn"`, `2 "Error: 500 panic error dsn | -> *`, internal, internal},
		{"an upstream's code", func(up upstream) error { return up("1004") },
			`1004 "RecordNotFoundError" "userID=u1"`, `1004 "RecordNotFoundError" "userID=u1"`, `1004 "RecordNotFoundError" "userID=u1"`, `1004 "RecordNotFoundError" "userID=u1"`},
		{"an upstream's code without a row", func(up upstream) error { return up("1999") },
			`1999 "NewError" "userID=u1"`, `1999 "NewError" "userID=u1"`, internal, internal},
		{"an upstream's gRPC status", func(up upstream) error { return up("x") },
			notFound + `no such method"`, `5 "no such method" "no such method"`, internal, internal},
		{"an upstream that is down", func(up upstream) error { return up("down") },
			`500 "grpc service auth down, grpc message connection error: *`, `14 "connection error: *`,
			`500 "grpc service auth down, grpc message an upstream service is unavailable" ""`, `14 "an upstream service is unavailable" ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []struct {
				server   fleet.Server
				upstream fleet.Client // the server's connection to the upstream
				client   fleet.Client
				want     string
			}{
				{fleet.OldConvert, fleet.OldClientConvert, fleet.OldClientConvert, tt.convert},
				{fleet.OldMW, fleet.OldClientMW, fleet.OldClientMW, tt.mw},
				{newServer(), newClient, fleet.OldClientConvert, tt.byConvert},
				{newServer(), newClient, fleet.OldClientMW, tt.byMW},
			} {
				up := startUpstream(t, r.upstream)
				running := r.server.Serve(func(context.Context, string) error { return tt.handler(up) })
				conn, err := r.client.Dial(running)
				if err != nil {
					t.Fatal(err)
				}
				got := r.client.Read(fleet.ParseToken(conn, "x"))
				if text := fmt.Sprintf("%d %q %q", got.Code, got.Msg, got.Detail); !matches(text, r.want) {
					t.Errorf("server %s: client %s reads %s; want %s", r.server.Name, r.client.Name, text, r.want)
				}
				conn.Close()
				running.Stop()
			}
		})
	}
}

// matches reports whether text equals want, or begins with want before its *.
func matches(text, want string) bool {
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(text, prefix)
	}
	return text == want
}

// The connection's trust decides about an upstream's error, although the adapter makes
// it a CodeError and the server reads CodeErrors and maps replaced errors.
func TestTrustAppliesToReceivedErrors(t *testing.T) {
	untrusting := fleet.Client{Name: "trust none", Options: service.DialOptions(interceptor.WithUpstreamTrust(status.TrustNone))}
	for token, want := range map[string]struct {
		code      codes.Code // nil for none
		canonical grpccodes.Code
	}{
		"1004": {codes.ServerInternal, grpccodes.Internal},
		"1999": {codes.ServerInternal, grpccodes.Internal},
		"x":    {codes.ServerInternal, grpccodes.Internal},
		"down": {nil, grpccodes.Unavailable},
	} {
		up := startUpstream(t, untrusting)
		running := newServer().Serve(func(context.Context, string) error { return errs.WrapMsg(up(token), "calling") })
		conn, err := fleet.NewClient.Dial(running)
		if err != nil {
			t.Fatal(err)
		}
		err = fleet.ParseToken(conn, "x")
		if code, declared := status.Declared(err); declared != (want.code != nil) || declared && code != want.code || grpcstatus.Code(err) != want.canonical {
			t.Errorf("%s: the caller gets %v with code %v, declared %t; want %v, %v", token, err, code, declared, want.code, want.canonical)
		}
		if text := status.Convert(err).Message(); strings.Contains(text, "Record") || strings.Contains(text, "NewError") || strings.Contains(text, "dial") {
			t.Errorf("%s: the caller reads %q; want it without the upstream's message", token, text)
		}
		conn.Close()
		running.Stop()
	}
}

// streams is a service whose stream fails or panics.
type streams struct {
	testgrpc.UnimplementedTestServiceServer
	fail func() error
}

func (s streams) StreamingOutputCall(*testgrpc.StreamingOutputCallRequest, testgrpc.TestService_StreamingOutputCallServer) error {
	return s.fail()
}

// errstatus handles streams like unary calls. OpenIM's interceptors don't handle
// streams: errors keep their private text, and a panic ends the process.
func TestStreams(t *testing.T) {
	for name, tt := range map[string]struct {
		fail func() error
		want grpccodes.Code
	}{
		"a CodeError":   {func() error { return errs.ErrRecordNotFound.WrapMsg("secret") }, 1004},
		"a plain error": {func() error { return errors.New("secret") }, 500},
		"a panic":       {func() error { panic("secret") }, 500},
	} {
		lis := bufconn.Listen(64 << 10)
		server := grpc.NewServer(newServer().Options...)
		testgrpc.RegisterTestServiceServer(server, streams{fail: tt.fail})
		go server.Serve(lis)
		conn, err := grpc.NewClient("passthrough:///streams", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := testgrpc.NewTestServiceClient(conn).StreamingOutputCall(t.Context(), &testgrpc.StreamingOutputCallRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		if got := grpcstatus.Convert(err); got.Code() != tt.want || strings.Contains(fmt.Sprint(got.Proto()), "secret") {
			t.Errorf("%s: the caller gets %v; want code %d without the private text", name, got, tt.want)
		}
		conn.Close()
		server.Stop()
	}
}
