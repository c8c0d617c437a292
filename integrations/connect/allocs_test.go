package connectstatus_test

import (
	"context"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectinprocess"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/internal/testrpc"
)

// emptyServer and emptyClient are interceptors of the same kind that do nothing. A client's
// interceptor that sees the end of a call wraps its stream.
func emptyServer(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		return next(ctx, spec, stream)
	}
}

func emptyClient(next connect.ClientFunc) connect.ClientFunc {
	return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
		stream, err := next(ctx, spec)
		return &emptyStream{stream}, err
	}
}

type emptyStream struct{ connect.ClientStream }

// A call that succeeds allocates nothing more than with empty interceptors.
func TestSuccessAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, k := range []testrpc.Kind{testrpc.Unary, testrpc.ServerStream} {
		empty := allocsPerCall(t, k, emptyServer, emptyClient)
		if got := allocsPerCall(t, k, onServer(), onClient()); got > empty {
			t.Errorf("%s: a call allocates %v times; want %v, as with empty interceptors", k.Name, got, empty)
		}
	}
}

func allocsPerCall(t *testing.T, k testrpc.Kind, server connect.ServerInterceptor, client connect.ClientInterceptor) float64 {
	t.Helper()
	calls := callsInProcess(server, client)
	return testing.AllocsPerRun(200, func() {
		if _, err := call(t.Context(), calls, k); err != k.Success {
			t.Fatal(err)
		}
	})
}

func callsInProcess(server connect.ServerInterceptor, client connect.ClientInterceptor) grpc_testingconnect.TestServiceClient {
	s := connect.NewServer(server)
	grpc_testingconnect.RegisterTestServiceHandler(s, returning(nil))
	return grpc_testingconnect.NewTestServiceClient(connect.NewClient(connectinprocess.New(s), client))
}

func BenchmarkUnary(b *testing.B) {
	server, client := withErrstatus()
	for _, bb := range []struct {
		name   string
		server connect.ServerInterceptor
		client connect.ClientInterceptor
	}{{"chain=base", emptyServer, emptyClient}, {"chain=errstatus", server, client}} {
		b.Run(bb.name, func(b *testing.B) {
			calls := callsInProcess(bb.server, bb.client)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := calls.UnaryCall(b.Context(), &testgrpc.SimpleRequest{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
