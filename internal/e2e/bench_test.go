package e2e_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// These benchmarks make whole calls that fail, through gRPC:
//
//	go test -run '^$' -bench RPC -count 6 ./internal/e2e | benchstat -col /way -
//
// A call spends most of its time waiting. cpu-ns/op is the processor time of client and
// server together.

// A failingService fails every call, and a stream after three messages.
type failingService struct {
	testgrpc.UnimplementedTestServiceServer
	fail func() error
}

func (f *failingService) UnaryCall(context.Context, *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return &testgrpc.SimpleResponse{}, nil
}

func (f *failingService) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	for range 3 {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return f.fail()
}

// A carrier is a way to send a code from a handler to its caller.
type carrier struct {
	name    string
	server  []grpc.ServerOption
	client  []grpc.DialOption
	same    func() error      // the handler's error, with the same text in every call
	varying func(i int) error // the same with another text in every call, or nil
	read    func(error) bool  // reports whether the caller has the code
}

const calledBy = "no user 4711"

func carriers(t testing.TB) []carrier {
	floor, err := handWritten(calledBy)
	if err != nil {
		t.Fatal(err)
	}
	return []carrier{
		{
			name: "floor", // a predeclared gRPC status, whose details nobody reads
			same: func() error { return floor.Err() },
			read: func(err error) bool { return grpcstatus.Code(err) == grpccodes.NotFound },
		},
		{
			name:    "hand",
			same:    func() error { return errOf(handWritten(calledBy)) },
			varying: func(i int) error { return errOf(handWritten(fmt.Sprintf("no user %d", i))) },
			read:    handRead,
		},
		{
			name:    "errstatus",
			server:  interceptor.ServerOptions(),
			client:  interceptor.DialOptions(),
			same:    func() error { return codes.RecordNotFound },
			varying: func(i int) error { return status.Errorf(codes.RecordNotFound, "no user %d", i) },
			read:    func(err error) bool { return status.Code(err) == codes.RecordNotFound },
		},
		{
			name: "requestid", // errstatus with an id in each failure
			server: interceptor.ServerOptions(interceptor.WithRequestID(func(context.Context) string {
				return "4bf92f3577b34da6a3ce929d0e0e4736"
			})),
			client:  interceptor.DialOptions(),
			same:    func() error { return codes.RecordNotFound },
			varying: func(i int) error { return status.Errorf(codes.RecordNotFound, "no user %d", i) },
			read:    func(err error) bool { return status.Code(err) == codes.RecordNotFound },
		},
	}
}

func handWritten(message string) (*grpcstatus.Status, error) {
	return grpcstatus.New(grpccodes.NotFound, message).WithDetails(
		&errdetails.ErrorInfo{Reason: "RECORD_NOT_FOUND", Domain: "openim.io", Metadata: map[string]string{"code": "1004"}})
}

func errOf(st *grpcstatus.Status, err error) error {
	if err != nil {
		return err
	}
	return st.Err()
}

func handRead(err error) bool {
	for _, detail := range grpcstatus.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "openim.io" {
			return info.GetMetadata()["code"] == "1004"
		}
	}
	return false
}

// over has the transports: gRPC's bufconn, which is in memory, and TCP.
var over = []struct {
	name    string
	connect func(testing.TB, func(*grpc.Server), []grpc.ServerOption, []grpc.DialOption) *grpc.ClientConn
}{
	{"bufconn", testrpc.Serve},
	{"TCP", serveOverTCP},
}

func serveOverTCP(t testing.TB, register func(*grpc.Server), server []grpc.ServerOption, client []grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	lis := testrpc.Listen(t)
	testrpc.Start(t, lis, register, server)
	return testrpc.Dial(t, lis.Addr().String(), client)
}

func BenchmarkRPC(b *testing.B) {
	for _, transport := range over {
		for _, kind := range []string{"unary", "stream"} {
			for _, text := range []string{"same", "varying"} {
				for _, c := range carriers(b) {
					if text == "varying" && c.varying == nil {
						continue
					}
					b.Run(fmt.Sprintf("over=%s/kind=%s/text=%s/way=%s", transport.name, kind, text, c.name), func(b *testing.B) {
						benchmarkCalls(b, c, text == "varying", kind == "stream", transport.connect)
					})
				}
			}
		}
	}
}

func benchmarkCalls(b *testing.B, c carrier, varying, stream bool, connect func(testing.TB, func(*grpc.Server), []grpc.ServerOption, []grpc.DialOption) *grpc.ClientConn) {
	client := failingCalls(b, c, varying, connect)
	call := callFailing
	if stream {
		call = callFailingStream
	}
	for range 100 {
		_ = call(client) // connects, and fills the caches
	}
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		if err := call(client); !c.read(err) {
			b.Fatalf("the caller reads %v; want the code", err)
		}
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// failingCalls returns a client of a server whose handlers fail with the carrier's
// errors. Varying texts repeat after 4,096 calls.
func failingCalls(t testing.TB, c carrier, varying bool, connect func(testing.TB, func(*grpc.Server), []grpc.ServerOption, []grpc.DialOption) *grpc.ClientConn) testgrpc.TestServiceClient {
	fail := c.same
	if varying {
		i := 0 // there is one call at a time
		fail = func() error { i = (i + 1) % 4096; return c.varying(1000 + i) }
	}
	register := func(s *grpc.Server) { testgrpc.RegisterTestServiceServer(s, &failingService{fail: fail}) }
	return testgrpc.NewTestServiceClient(connect(t, register, c.server, c.client))
}

func callFailing(client testgrpc.TestServiceClient) error {
	_, err := client.UnaryCall(context.Background(), &testgrpc.SimpleRequest{})
	return err
}

func callFailingStream(client testgrpc.TestServiceClient) error {
	stream, err := client.StreamingOutputCall(context.Background(), &testgrpc.StreamingOutputCallRequest{})
	if err != nil {
		return err
	}
	for {
		if _, err := stream.Recv(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
