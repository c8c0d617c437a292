package testrpc

import (
	"context"
	"io"

	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// A Kind is one of gRPC's four kinds of call.
type Kind struct {
	Name    string   // for the names of subtests
	Method  string   // of TestService
	Moments []Moment // at which a handler can end it
	Success error    // what Call returns if the handler returns nil

	// Call makes a whole call. It returns the number of messages that arrived, and
	// the error with which the generated code ended the call.
	Call func(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error)
}

// The kinds of call.
var (
	Unary        = Kind{"unary", "UnaryCall", []Moment{AtOpen}, nil, CallUnary}
	ClientStream = Kind{"client stream", "StreamingInputCall", []Moment{AtOpen, AfterMessages, AfterHalfClose}, nil, callClientStream}
	ServerStream = Kind{"server stream", "StreamingOutputCall", []Moment{AtOpen, AfterMessages}, io.EOF, callServerStream}
	BidiStream   = Kind{"bidi stream", "FullDuplexCall", []Moment{AtOpen, AfterMessages, AfterHalfClose}, io.EOF, callBidiStream}

	Kinds = []Kind{Unary, ClientStream, ServerStream, BidiStream}
)

// Arrived returns the number of messages that reach the client if the handler ends
// the call at a moment.
func (k Kind) Arrived(at Moment) int {
	if k.Success == io.EOF {
		return messagesUntil(at)
	}
	return 0
}

// CallUnary is the Call of [Unary].
func CallUnary(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	_, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{}, opts...)
	return 0, err
}

func callClientStream(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	stream, err := client.StreamingInputCall(ctx, opts...)
	if err != nil {
		return 0, err
	}
	send := func() error { return stream.Send(&testgrpc.StreamingInputCallRequest{}) }
	if err := sendAll(send); err != nil {
		return 0, err
	}
	_, err = stream.CloseAndRecv()
	return 0, err
}

func callServerStream(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	stream, err := client.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{}, opts...)
	if err != nil {
		return 0, err
	}
	return Drain(stream.Recv)
}

func callBidiStream(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	stream, err := client.FullDuplexCall(ctx, opts...)
	if err != nil {
		return 0, err
	}
	send := func() error { return stream.Send(&testgrpc.StreamingOutputCallRequest{}) }
	if err := sendAll(send); err != nil {
		return 0, err
	}
	if err := stream.CloseSend(); err != nil {
		return 0, err
	}
	return Drain(stream.Recv)
}

// sendAll sends the client's messages. It stops early, without an error, if the
// handler has already ended the call.
func sendAll(send func() error) error {
	for range Messages {
		if err := send(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Drain calls recv until it fails. It returns the number of messages before that,
// and the error.
func Drain[M any](recv func() (M, error)) (arrived int, err error) {
	for {
		if _, err := recv(); err != nil {
			return arrived, err
		}
		arrived++
	}
}
