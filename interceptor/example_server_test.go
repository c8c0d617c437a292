package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// One Server has the interceptors of a gRPC server, here between others.
func ExampleNewServer() {
	encoding := interceptor.NewServer(interceptor.WithErrorMapping(fs.ErrNotExist, codes.RecordNotFound))
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor( /* logging, metrics, */ encoding.UnaryServerInterceptor() /*, recovery */),
		grpc.ChainStreamInterceptor( /* logging, metrics, */ encoding.StreamServerInterceptor() /*, recovery */),
	)
	defer server.Stop()

	_, err := encoding.UnaryServerInterceptor()(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Picture"},
		func(context.Context, any) (any, error) {
			return nil, fmt.Errorf("/var/lib/ann.png: %w", fs.ErrNotExist)
		})
	fmt.Println(grpcstatus.Code(err), err)
	// Output: NotFound record not found
}

// An RPC answers with a status for each item of a batch. The items' errors follow the rules of
// the server. ctx is the RPC's own context.
func ExampleServer_Encode() {
	encoding := interceptor.NewServer(interceptor.WithErrorMapping(fs.ErrNotExist, codes.RecordNotFound))
	ctx := context.Background()
	for _, err := range []error{nil, fmt.Errorf("/var/lib/ann.png: %w", fs.ErrNotExist), status.Error(codes.Args, "no name")} {
		item := encoding.Encode(ctx, "/users.Users/ImportPictures", err).Status().Proto() // a google.rpc.Status
		fmt.Printf("%d %q\n", item.GetCode(), item.GetMessage())
	}
	// Output:
	// 0 ""
	// 5 "record not found"
	// 3 "no name"
}

// Each failure has a link to the page about its code.
func ExampleWithAmendment() {
	server := interceptor.UnaryServer(interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.Help{Links: []*errdetails.Help_Link{
			{Description: "about this error", Url: "https://docs.example/errors/" + st.Reason()},
		}})
	}))
	_, err := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"},
		func(context.Context, any) (any, error) { return nil, codes.RecordNotFound })

	help, _ := status.Detail[*errdetails.Help](err)
	fmt.Println(err, "-", help.GetLinks()[0].GetUrl())
	// Output: record not found - https://docs.example/errors/RECORD_NOT_FOUND
}

// The caller reads the id under which the server's log has the failure. This server takes it
// from the metadata that its proxy sets.
func ExampleWithRequestID() {
	server := interceptor.UnaryServer(interceptor.WithRequestID(func(ctx context.Context) string {
		if ids := metadata.ValueFromIncomingContext(ctx, "x-request-id"); len(ids) == 1 {
			return ids[0]
		}
		return ""
	}))
	ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs("x-request-id", "01J9Z3"))
	_, err := server(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"},
		func(context.Context, any) (any, error) { return nil, codes.RecordNotFound })

	fmt.Println("request", status.RequestID(err), "failed:", err)
	// Output: request 01J9Z3 failed: record not found
}

// errNotFound is the error that the callers of a package know. They know no codes.
var errNotFound = errors.New("store: not found")

// A package that calls a service promises an error of its own.
func ExampleWithSentinel() {
	client := interceptor.UnaryClient(interceptor.WithSentinel(errNotFound, codes.RecordNotFound))
	call := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		return status.ToGRPC(status.Error(codes.RecordNotFound, "no user 42")).Err() // the server's answer
	}
	err := client(context.Background(), "/users.Users/Get", nil, nil, nil, call)
	fmt.Println(errors.Is(err, errNotFound), errors.Is(err, codes.RecordNotFound))
	// Output: true true
}
