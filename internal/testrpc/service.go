package testrpc

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// A Moment is the point in a call at which its handler ends it.
type Moment int

// The moments of a call.
const (
	AtOpen         Moment = iota // before the handler reads or sends a message
	AfterMessages                // after some messages, while the stream is open in both directions
	AfterHalfClose               // after the last message of the client
)

// String returns the moment in words, for the names of subtests.
func (m Moment) String() string {
	return [...]string{"at open", "after messages", "after half-close"}[m]
}

// Messages is the number of messages that a stream carries in each direction.
const Messages = 2

// A Service is a TestService whose handlers all end in the same way. A test may
// change that way between calls.
type Service struct {
	testgrpc.UnimplementedTestServiceServer
	script atomic.Pointer[script]
	calls  atomic.Int32
}

// A script says when a handler ends and what it runs then.
type script struct {
	at  Moment
	end func(context.Context) error
}

// Returning returns a service whose handlers return err, at once.
func Returning(err error) *Service {
	return Running(func(context.Context) error { return err })
}

// Running returns a service whose handlers run end, at once, and return its error.
func Running(end func(context.Context) error) *Service {
	s := &Service{}
	s.Run(AtOpen, end)
	return s
}

// Return makes the handlers of later calls return err at a moment.
func (s *Service) Return(at Moment, err error) {
	s.Run(at, func(context.Context) error { return err })
}

// Run makes the handlers of later calls run end at a moment and return its error.
func (s *Service) Run(at Moment, end func(context.Context) error) {
	s.script.Store(&script{at, end})
}

// Calls returns the number of calls that have reached a handler.
func (s *Service) Calls() int32 { return s.calls.Load() }

func (s *Service) begin() *script {
	s.calls.Add(1)
	return s.script.Load()
}

// UnaryCall implements [testgrpc.TestServiceServer].
func (s *Service) UnaryCall(ctx context.Context, _ *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if err := s.begin().end(ctx); err != nil {
		return nil, err
	}
	return &testgrpc.SimpleResponse{}, nil
}

// StreamingInputCall implements [testgrpc.TestServiceServer].
func (s *Service) StreamingInputCall(stream testgrpc.TestService_StreamingInputCallServer) error {
	script := s.begin()
	if err := receiveUntil(script.at, stream.Recv, nil); err != nil {
		return err
	}
	if err := script.end(stream.Context()); err != nil {
		return err
	}
	return stream.SendAndClose(&testgrpc.StreamingInputCallResponse{})
}

// StreamingOutputCall implements [testgrpc.TestServiceServer].
func (s *Service) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	script := s.begin()
	for range messagesUntil(script.at) {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return script.end(stream.Context())
}

// FullDuplexCall implements [testgrpc.TestServiceServer].
func (s *Service) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	script := s.begin()
	answer := func() error { return stream.Send(&testgrpc.StreamingOutputCallResponse{}) }
	if err := receiveUntil(script.at, stream.Recv, answer); err != nil {
		return err
	}
	return script.end(stream.Context())
}

func messagesUntil(at Moment) int {
	if at == AtOpen {
		return 0
	}
	return Messages
}

// receiveUntil receives messages until a moment. It calls answer after each one,
// unless answer is nil.
func receiveUntil[M any](at Moment, recv func() (M, error), answer func() error) error {
	for range messagesUntil(at) {
		if _, err := recv(); err != nil {
			return err
		}
		if answer == nil {
			continue
		}
		if err := answer(); err != nil {
			return err
		}
	}
	if at != AfterHalfClose {
		return nil
	}
	if _, err := recv(); err != io.EOF {
		return errors.Join(errors.New("want the end of the client's messages"), err)
	}
	return nil
}
