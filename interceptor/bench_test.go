package interceptor_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
)

// These benchmarks call each interceptor directly, and compare it with one that does
// nothing:
//
//	go test -run '^$' -bench . -count 6 ./interceptor | benchstat -col /chain -
//
// On a client, the error is the status of a code. On a server, it is the code.

func BenchmarkUnaryServer(b *testing.B) {
	base := grpc.UnaryServerInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return handler(ctx, req)
	})
	benchmarkPairs(b, base, interceptor.UnaryServer(), func(chain grpc.UnaryServerInterceptor, err error) func() {
		ctx := context.Background()
		handler := func(context.Context, any) (any, error) { return nil, err }
		return func() { chain(ctx, nil, unaryInfo, handler) }
	})
}

func BenchmarkStreamServer(b *testing.B) {
	base := grpc.StreamServerInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return handler(srv, stream)
	})
	benchmarkPairs(b, base, interceptor.StreamServer(), func(chain grpc.StreamServerInterceptor, err error) func() {
		var stream grpc.ServerStream = openServerStream{}
		handler := func(any, grpc.ServerStream) error { return err }
		return func() { chain(nil, stream, streamInfo, handler) }
	})
}

func BenchmarkUnaryClient(b *testing.B) {
	base := grpc.UnaryClientInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoker(ctx, method, req, reply, cc, opts...)
	})
	benchmarkPairs(b, base, interceptor.UnaryClient(), func(chain grpc.UnaryClientInterceptor, err error) func() {
		ctx := context.Background()
		invoker := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return err }
		return func() { chain(ctx, "/users.Users/Get", nil, nil, nil, invoker) }
	})
}

// BenchmarkStreamClient opens a stream and calls RecvMsg once.
func BenchmarkStreamClient(b *testing.B) {
	base := grpc.StreamClientInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return streamer(ctx, desc, cc, method, opts...)
	})
	benchmarkPairs(b, base, interceptor.StreamClient(), func(chain grpc.StreamClientInterceptor, err error) func() {
		ctx := context.Background()
		var inner grpc.ClientStream = &failingStream{err: err}
		streamer := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			return inner, nil
		}
		return func() {
			stream, _ := chain(ctx, streamDesc, nil, "/users.Users/Watch", streamer)
			stream.RecvMsg(nil)
		}
	})
}

// benchmarkPairs benchmarks both interceptors, each with a call that succeeds and one
// that fails. The function call returns the function that makes one call.
func benchmarkPairs[I any](b *testing.B, base, errstatus I, call func(chain I, err error) func()) {
	failure := grpcstatus.Convert(codes.RecordNotFound).Err()
	switch any(base).(type) {
	case grpc.UnaryServerInterceptor, grpc.StreamServerInterceptor:
		failure = codes.RecordNotFound
	}
	for _, err := range []struct {
		name  string
		value error
	}{{"none", nil}, {"domain", failure}} {
		for _, chain := range []struct {
			name  string
			value I
		}{{"base", base}, {"errstatus", errstatus}} {
			b.Run("err="+err.name+"/chain="+chain.name, func(b *testing.B) {
				run := call(chain.value, err.value)
				b.ReportAllocs()
				for b.Loop() {
					run()
				}
			})
		}
	}
}
