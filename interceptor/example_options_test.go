package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// An observer counts failures by labels that a peer can't choose.
func ExampleWithObserver() {
	failures := make(map[string]int)
	count := func(_ context.Context, event interceptor.Event) {
		domain, reason := event.Labels()
		failures[domain+" "+reason]++
		if event.Source.Withheld() {
			fmt.Println("withheld:", event.Err)
		}
	}
	server := interceptor.UnaryServer(interceptor.WithObserver(count), interceptor.WithLogger(nil))
	info := &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"}
	for _, err := range []error{codes.RecordNotFound, errors.New("dsn=secret"), codes.RecordNotFound} {
		server(context.Background(), nil, info, func(context.Context, any) (any, error) { return nil, err })
	}
	fmt.Println(failures)
	// Output:
	// withheld: dsn=secret
	// map[openim.io RECORD_NOT_FOUND:2 openim.io SERVER_INTERNAL:1]
}

// The caller of a handler that panics gets the INTERNAL default. The observer gets the
// panic's value and stack.
func ExampleWithObserver_recovery() {
	observer := interceptor.WithObserver(func(_ context.Context, event interceptor.Event) {
		fmt.Println(event.Source, "-", event.Panic.Value, "- stack:", len(event.Panic.Stack) > 0)
	})
	server := interceptor.UnaryServer(observer)
	inner := recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(status.Recovered))
	info := &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"}

	_, err := server(context.Background(), nil, info, func(ctx context.Context, req any) (any, error) {
		return inner(ctx, req, info, func(context.Context, any) (any, error) { panic("index out of range") })
	})
	fmt.Println(err)
	// Output:
	// panic - index out of range - stack: true
	// internal server error
}

// This service doesn't forward what a partner's service sends.
func ExampleWithUpstreamTrust() {
	partner := interceptor.UnaryClient(interceptor.WithUpstreamTrust(status.TrustNone))
	call := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		return status.ToGRPC(status.Error(codes.RecordNotFound, "no row in partners.accounts")).Err()
	}
	received := partner(context.Background(), "/partner.Accounts/Get", nil, nil, nil, call)
	fmt.Println(received)

	server := interceptor.UnaryServer(interceptor.WithLogger(nil))
	_, sent := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"},
		func(context.Context, any) (any, error) { return nil, received })
	fmt.Println(grpcstatus.Code(sent), sent)
	// Output:
	// RecordNotFound: no row in partners.accounts
	// Internal internal server error
}

// A busy server tells its callers when to retry. gRPC's native retries read it from a
// trailer.
func ExampleWithRetryPushback() {
	server := interceptor.StreamServer(interceptor.WithRetryPushback())
	stream := &trailers{}
	err := server(nil, stream, &grpc.StreamServerInfo{FullMethod: "/users.Users/Watch"}, func(any, grpc.ServerStream) error {
		return status.New(codes.SrvConnOverMaxNumLimit, "too many streams").WithRetryDelay(1500 * time.Millisecond).Err()
	})
	delay, ok := status.RetryDelay(err)
	fmt.Println(delay, ok, stream.md)
	// Output: 1.5s true map[grpc-retry-pushback-ms:[1500]]
}

type trailers struct {
	grpc.ServerStream
	md metadata.MD
}

func (*trailers) Context() context.Context    { return context.Background() }
func (s *trailers) SetTrailer(md metadata.MD) { s.md = metadata.Join(s.md, md) }

// A status that is too large is truncated. Its metadata says which part is truncated.
func ExampleWithMaxStatusSize() {
	server := interceptor.UnaryServer(interceptor.WithMaxStatusSize(1024))
	handler := func(context.Context, any) (any, error) {
		return nil, status.Error(codes.Args, "bad items: "+strings.Repeat("items[42].name is empty; ", 100))
	}
	_, err := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/shop.Shop/Order"}, handler)
	st := status.FromGRPC(grpcstatus.Convert(err)) // as a client receives it
	fmt.Println(st.Code().Number(), len(st.Message()) < 500, strings.HasSuffix(st.Message(), "..."), st.Metadata())
	// Output: 1001 true true map[truncated:message]
}
