package connectstatus

import (
	"context"
	"errors"
	"io"
	"reflect"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// ClientInterceptor returns an interceptor that turns the errors of unary calls and streams into
// domain errors, as the interceptors of c do on a gRPC connection: see [status.Decoder.Decode].
// errors.Is finds the domain code, and package status reads the code, the message, the details
// and the parameters. connect.CodeOf, and errors.As with a [*connect.Error], still find what
// was received.
//
// A Connect error that was made on this side, such as that of a refused connection, is decoded
// too: it is a status that carries no code. If its cause is a context's error, errors.Is finds that
// only if the caller's own context has ended in this way. Returned unchanged are: an error
// that matches io.EOF, which ends a stream; one for which connecthttp.IsNotModifiedError returns
// true; and one without a Connect error or a gRPC status.
//
// The observers of c are told of a failed call or stream once. In their events, each call is a
// unary call. interceptor.WithCanonicalAnnouncement announces nothing.
//
// Installing it twice changes nothing. ClientInterceptor panics if c is nil. The interceptor is
// safe for concurrent use. A call allocates one wrapper around its stream.
func ClientInterceptor(c *interceptor.Client) connect.ClientInterceptor {
	if c == nil {
		panic("connectstatus: ClientInterceptor(nil): give the result of interceptor.NewClient")
	}
	decoder := c.Decoder()
	return func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			s := &clientStream{client: c, decoder: decoder, ctx: ctx, procedure: spec.Procedure}
			stream, err := next(ctx, spec)
			if err != nil {
				return nil, s.decode(err)
			}
			s.ClientStream = stream
			return s, nil
		}
	}
}

// A clientStream decodes the errors of a call. It keeps the caller's context.
type clientStream struct {
	connect.ClientStream
	client    *interceptor.Client
	decoder   *status.Decoder // of the client
	ctx       context.Context
	procedure string
	observed  atomic.Bool // more than one method can fail, also at the same time
}

func (s *clientStream) SendHeaders() error { return s.decode(s.ClientStream.SendHeaders()) }

func (s *clientStream) Send(msg any) error { return s.decode(s.ClientStream.Send(msg)) }

func (s *clientStream) CloseSend() error { return s.decode(s.ClientStream.CloseSend()) }

func (s *clientStream) Receive(msg any) error { return s.decode(s.ClientStream.Receive(msg)) }

func (s *clientStream) Close() error { return s.decode(s.ClientStream.Close()) }

// decode decodes an error. The first one that carries a status is told to the observers.
func (s *clientStream) decode(err error) error {
	if err == nil {
		return nil
	}
	err = withStatus(err)
	if call, ok := err.(*callError); ok && call.withinLimits && isNoFailure(call.first) {
		return call.err
	}
	decoded := s.decoder.Decode(s.ctx, err)
	unchanged := reflect.TypeOf(decoded) == reflect.TypeOf(err) // an error without a status
	if unchanged || !s.observed.CompareAndSwap(false, true) {
		return decoded
	}
	return s.client.Decode(s.ctx, s.procedure, err) // which tells the observers too
}

// isNoFailure reports whether a Connect error is the end of a stream or HTTP's 304. It returns
// false if a method of the cause panics.
func isNoFailure(e *connect.Error) (noFailure bool) {
	defer func() {
		if recover() != nil {
			noFailure = false
		}
	}()
	return errors.Is(e, io.EOF) || connecthttp.IsNotModifiedError(e)
}
