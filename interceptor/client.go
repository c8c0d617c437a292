package interceptor

import (
	"context"
	"sync/atomic"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/status"
)

// DialOptions installs [UnaryClient] and [StreamClient] on a connection, after
// the interceptors of the options before it:
//
//	grpc.NewClient(target, interceptor.DialOptions()...)
func DialOptions(opts ...ClientOption) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(UnaryClient(opts...)),
		grpc.WithChainStreamInterceptor(StreamClient(opts...)),
	}
}

// UnaryClient makes domain errors of the statuses that unary calls return; see
// [status.Decoder]. gRPC's own status.Code and status.Convert still see the
// status as it was received, and so do retry interceptors on either side of it.
// An error without a status comes back as it is.
func UnaryClient(opts ...ClientOption) grpc.UnaryClientInterceptor {
	c := newClient(opts)
	if c.announces {
		return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, callOpts ...grpc.CallOption) error {
			err := invoker(announce(ctx), method, req, reply, cc, callOpts...)
			return c.unary(ctx, err, method, req)
		}
	}
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, callOpts ...grpc.CallOption) error {
		err := invoker(ctx, method, req, reply, cc, callOpts...)
		if err == nil {
			return nil
		}
		return c.unary(ctx, err, method, req)
	}
}

// StreamClient is [UnaryClient] for streams: for the error of opening one and
// those of its methods. The io.EOF that ends a stream stays io.EOF.
func StreamClient(opts ...ClientOption) grpc.StreamClientInterceptor {
	c := newClient(opts)
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, callOpts ...grpc.CallOption) (grpc.ClientStream, error) {
		s := &clientStream{client: c, ctx: ctx, desc: desc, method: method}
		if c.announces {
			ctx = announce(ctx)
		}
		stream, err := streamer(ctx, desc, cc, method, callOpts...)
		if err != nil {
			return nil, s.decode(err)
		}
		s.ClientStream = stream
		return s, nil
	}
}

// A client is what the options of a client's interceptors come to.
type client struct {
	decoder   status.Decoder
	announces bool // that it reads canonical statuses
	observers observers
}

// unary is what the caller gets for the error of a unary call; nil for nil.
func (c *client) unary(ctx context.Context, err error, method string, req any) error {
	decoded := c.decoder.Decode(ctx, err)
	if len(c.observers.list) > 0 && !unchanged(err, decoded) {
		c.observe(ctx, decoded, interceptors.NewClientCallMeta(method, nil, req))
	}
	return decoded
}

// observe tells the observers of an error that was decoded.
func (c *client) observe(ctx context.Context, err error, call interceptors.CallMeta) {
	st := status.Convert(err)
	c.observers.observe(ctx, Event{
		Call:       call,
		Code:       st.Code(),
		GRPCCode:   st.GRPCCode(),
		Err:        err,
		Origin:     st.Origin(),
		OpenIMForm: isRawNumber(st.GRPCStatus().Code()),
		Truncated:  st.Truncated(),
	})
}

// A clientStream decodes the errors of a stream. It keeps the caller's context:
// the stream's own is cancelled when the stream ends, for whatever reason, and
// asking for it would rule out gRPC's transparent retries.
type clientStream struct {
	grpc.ClientStream
	client   *client
	ctx      context.Context
	desc     *grpc.StreamDesc
	method   string
	end      error       // what RecvMsg ended with
	observed atomic.Bool // a stream can fail in more than one of its methods
}

func (s *clientStream) decode(err error) error {
	if err == nil {
		return nil
	}
	decoded := s.client.decoder.Decode(s.ctx, err)
	if len(s.client.observers.list) > 0 && !unchanged(err, decoded) && s.observed.CompareAndSwap(false, true) {
		s.client.observe(s.ctx, decoded, interceptors.NewClientCallMeta(s.method, s.desc, nil))
	}
	return decoded
}

// RecvMsg gives the same error, identical, each time after the stream has ended,
// as gRPC's own does; the inner stream is asked no more.
func (s *clientStream) RecvMsg(m any) error {
	if s.end == nil {
		s.end = s.decode(s.ClientStream.RecvMsg(m))
	}
	return s.end
}

func (s *clientStream) SendMsg(m any) error { return s.decode(s.ClientStream.SendMsg(m)) }

func (s *clientStream) CloseSend() error { return s.decode(s.ClientStream.CloseSend()) }

func (s *clientStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	return md, s.decode(err)
}
