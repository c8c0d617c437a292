package testrpc

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"go.uber.org/goleak"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/errstatus/errstatus/interceptor"
)

// Main runs a package's tests and exits. It discards what they log through
// [slog.Default], and fails if a goroutine is left at the end. A test that reads
// the log uses [CaptureLog].
func Main(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// Connect starts a server and returns a client of it. Without options both are
// plain gRPC.
func Connect(t testing.TB, svc testgrpc.TestServiceServer, server []grpc.ServerOption, client []grpc.DialOption) testgrpc.TestServiceClient {
	t.Helper()
	return testgrpc.NewTestServiceClient(Serve(t, Register(svc), server, client))
}

// Register returns a function that registers svc with a server.
func Register(svc testgrpc.TestServiceServer) func(*grpc.Server) {
	return func(s *grpc.Server) { testgrpc.RegisterTestServiceServer(s, svc) }
}

// Serve starts a server in memory and returns a connection to it.
func Serve(t testing.TB, register func(*grpc.Server), server []grpc.ServerOption, client []grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	lis := bufconn.Listen(64 << 10)
	Start(t, lis, register, server)
	dialer := func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }
	return Dial(t, "passthrough:///bufconn", append(client, grpc.WithContextDialer(dialer)))
}

// Start starts a server, which stops when the test ends.
func Start(t testing.TB, lis net.Listener, register func(*grpc.Server), opts []grpc.ServerOption) {
	t.Helper()
	s := grpc.NewServer(opts...)
	register(s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v; want nil", err)
		}
	})
}

// Listen listens on a free TCP port of this machine.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return lis
}

// Dial returns a connection, which is closed when the test ends.
func Dial(t testing.TB, target string, opts []grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatalf("NewClient() = %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Received returns what a client with errstatus gets for a handler's error, from a
// server with errstatus.
func Received(t testing.TB, handlers error, opts ...interceptor.ClientOption) error {
	t.Helper()
	_, err := CallUnary(t.Context(), Connect(t, Returning(handlers), interceptor.ServerOptions(), interceptor.DialOptions(opts...)))
	return err
}

// ReceivedFromPlain returns what a client with errstatus gets for a handler's
// error, from a server without errstatus.
func ReceivedFromPlain(t testing.TB, handlers error, opts ...interceptor.ClientOption) error {
	t.Helper()
	_, err := CallUnary(t.Context(), Connect(t, Returning(handlers), nil, interceptor.DialOptions(opts...)))
	return err
}

// Sent returns the status that a server with errstatus sends for a handler's
// error, as a plain client reads it. It is nil for a success.
func Sent(t testing.TB, handlers error, opts ...interceptor.ServerOption) *spb.Status {
	t.Helper()
	_, err := CallUnary(t.Context(), Connect(t, Returning(handlers), interceptor.ServerOptions(opts...), nil))
	if err == nil {
		return nil
	}
	return grpcstatus.Convert(err).Proto()
}
