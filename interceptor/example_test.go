package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// users is a service that doesn't know the user ann.
type users struct {
	testgrpc.UnimplementedTestServiceServer
}

func (users) EmptyCall(context.Context, *testgrpc.Empty) (*testgrpc.Empty, error) {
	return nil, status.Errorf(codes.RecordNotFound, "user %q", "ann")
}

// A client without errstatus reads a canonical status. Its ErrorInfo names the code.
func ExampleServerOptions() {
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(interceptor.ServerOptions()...)
	testgrpc.RegisterTestServiceServer(server, users{})
	go server.Serve(lis)
	defer server.Stop()

	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	_, err = testgrpc.NewTestServiceClient(conn).EmptyCall(context.Background(), &testgrpc.Empty{})
	info := grpcstatus.Convert(err).Details()[0].(*errdetails.ErrorInfo)
	fmt.Println(err)
	fmt.Println(info.Domain, info.Reason, info.Metadata["code"])
	// Output:
	// rpc error: code = NotFound desc = user "ann"
	// openim.io RECORD_NOT_FOUND 1004
}

// A client with the interceptors gets the domain code.
func ExampleDialOptions() {
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(interceptor.ServerOptions()...)
	testgrpc.RegisterTestServiceServer(server, users{})
	go server.Serve(lis)
	defer server.Stop()

	options := append(interceptor.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(lis.Addr().String(), options...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	_, err = testgrpc.NewTestServiceClient(conn).EmptyCall(context.Background(), &testgrpc.Empty{})
	fmt.Println(errors.Is(err, codes.RecordNotFound))
	fmt.Println(status.Convert(err).Message())
	// Output:
	// true
	// user "ann"
}

// A handler returns file errors, and the server's options give them codes.
func ExampleWithErrorMapping() {
	server := interceptor.UnaryServer(
		interceptor.WithErrorMapping(fs.ErrNotExist, codes.RecordNotFound),
		interceptor.WithErrorMapping(fs.ErrPermission, codes.NoPermission),
	)
	handler := func(context.Context, any) (any, error) {
		_, err := os.Open("/var/lib/no such file")
		return nil, fmt.Errorf("loading the picture: %w", err)
	}
	info := &grpc.UnaryServerInfo{FullMethod: "/users.Users/Picture"}

	_, err := server(context.Background(), nil, info, handler)
	fmt.Println(grpcstatus.Code(err), status.Code(err))
	fmt.Println(grpcstatus.Convert(err).Message()) // the path stays in the process
	// Output:
	// NotFound RecordNotFound: record not found
	// record not found
}

// A service sends SrvNotInGroupYet with another canonical code and message: it changes
// the row in a copy of the table. Callers still read the same domain code.
func ExampleWithTable() {
	row, _ := codes.Default().Lookup(codes.SrvNotInGroupYet.Number())
	row.GRPCCode = grpccodes.PermissionDenied
	row.Message = "join the group first"
	table, err := codes.Default().WithRows(row)
	if err != nil {
		log.Fatal(err)
	}
	server := interceptor.UnaryServer(interceptor.WithTable(table))
	handler := func(context.Context, any) (any, error) { return nil, codes.SrvNotInGroupYet }
	info := &grpc.UnaryServerInfo{FullMethod: "/groups.Groups/Send"}

	_, err = server(context.Background(), nil, info, handler)
	fmt.Println(err)
	fmt.Println(grpcstatus.Code(err), errors.Is(err, codes.SrvNotInGroupYet))
	// Output:
	// join the group first
	// PermissionDenied true
}

// Logging comes first, so that it sees the status that is sent. Recovery comes last, so
// that a panic becomes a status.
func ExampleUnaryServer() {
	logging := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := handler(ctx, req)
		fmt.Println(info.FullMethod, grpcstatus.Code(err), err)
		return resp, err
	}
	recovery := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		defer func() {
			if recover() != nil {
				err = codes.ServerInternal
			}
		}()
		return handler(ctx, req)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(logging, interceptor.UnaryServer(), recovery))
	testgrpc.RegisterTestServiceServer(server, panicking{})
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(lis)
	defer server.Stop()

	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	testgrpc.NewTestServiceClient(conn).EmptyCall(context.Background(), &testgrpc.Empty{})
	// Output: /grpc.testing.TestService/EmptyCall Internal internal server error
}

type panicking struct {
	testgrpc.UnimplementedTestServiceServer
}

func (panicking) EmptyCall(context.Context, *testgrpc.Empty) (*testgrpc.Empty, error) {
	panic("index out of range")
}

// A function gives a code to all errors of a type.
func ExampleWithErrorMapper() {
	server := interceptor.UnaryServer(interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return status.New(codes.SdkFileNotFound, "")
		}
		return nil // the next mapping decides
	}))
	handler := func(context.Context, any) (any, error) {
		_, err := os.Open("/var/lib/no such file")
		return nil, err
	}
	_, err := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Picture"}, handler)
	fmt.Println(status.Code(err))
	// Output: SdkFileNotFound: file not found
}

// A service whose callers are its own developers sends DebugInfo.
func ExampleWithDebugInfo() {
	server := interceptor.UnaryServer(interceptor.WithDebugInfo())
	handler := func(context.Context, any) (any, error) {
		return nil, status.New(codes.SrvData, "").WithDetails(&errdetails.DebugInfo{Detail: "shard 7"}).Err()
	}
	_, err := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"}, handler)
	debug, ok := status.Detail[*errdetails.DebugInfo](err)
	fmt.Println(ok, debug.GetDetail())
	// Output: true shard 7
}

// This example calls the interceptor with an invoker that fails. A refused connection
// carries no code: gRPC's own functions classify it.
func ExampleUnaryClient() {
	client := interceptor.UnaryClient()
	invoker := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		return grpcstatus.Error(grpccodes.Unavailable, "no route to host")
	}
	err := client(context.Background(), "/users.Users/Get", nil, nil, nil, invoker)
	_, declared := status.Declared(err)
	fmt.Println(declared, grpcstatus.Code(err), status.Convert(err).Origin())
	fmt.Println(err)
	// Output:
	// false Unavailable bare
	// rpc error: code = Unavailable desc = no route to host
}

// The servers of this connection send no ErrorInfo yet. Until they do, a NOT_FOUND of theirs
// counts as RecordNotFound.
func ExampleWithAssumedCodes() {
	client := interceptor.UnaryClient(interceptor.WithAssumedCodes())
	invoker := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		return grpcstatus.Error(grpccodes.NotFound, "no user ann")
	}
	err := client(context.Background(), "/users.Users/Get", nil, nil, nil, invoker)
	fmt.Println(errors.Is(err, codes.RecordNotFound))
	fmt.Println(err)
	// Output:
	// true
	// RecordNotFound: no user ann
}

// downloads sends two messages, then fails.
type downloads struct {
	testgrpc.UnimplementedTestServiceServer
}

func (downloads) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	for range 2 {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return status.Error(codes.SrvFileUploadedExpired, "the rest has expired")
}

// Recv returns the stream's error. A stream that succeeds ends with io.EOF.
func ExampleStreamServer() {
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.StreamInterceptor(interceptor.StreamServer()))
	testgrpc.RegisterTestServiceServer(server, downloads{})
	go server.Serve(lis)
	defer server.Stop()

	conn, err := grpc.NewClient(lis.Addr().String(),
		grpc.WithStreamInterceptor(interceptor.StreamClient()),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	stream, err := testgrpc.NewTestServiceClient(conn).StreamingOutputCall(context.Background(), &testgrpc.StreamingOutputCallRequest{})
	for err == nil {
		if _, err = stream.Recv(); err == nil {
			fmt.Println("a message")
		}
	}
	fmt.Println(err == io.EOF, err)
	// Output:
	// a message
	// a message
	// false SrvFileUploadedExpired: the rest has expired
}

// If a stream can't be opened, that error is decoded too.
func ExampleStreamClient() {
	client := interceptor.StreamClient()
	streamer := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return nil, codes.TokenExpired.GRPCStatus().Err()
	}
	_, err := client(context.Background(), &grpc.StreamDesc{}, nil, "/users.Users/Watch", streamer)
	fmt.Println(err)
	// Output: TokenExpired: token has expired
}
