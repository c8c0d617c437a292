package interceptor

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A Client holds the settings of a client's interceptors, as a [Server] does for a server's. Its
// methods return the interceptors. [Client.Decode] uses the same settings for errors that are
// received in another way. A Client is immutable and safe for concurrent use. Make it with
// [NewClient]: a nil Client panics, and the zero Client is one without options.
type Client struct {
	decoder   status.Decoder
	announces bool // adds the announcement to each call
	observers observers
}

// NewClient returns a Client with the given options. It panics if an option has a wrong value.
func NewClient(opts ...ClientOption) *Client {
	checkNil(opts)
	c := &Client{}
	for _, o := range opts {
		o.applyClient(c)
	}
	checkDomains(c.decoder.Tables)
	var sentinelCodes []codes.Code
	for _, s := range c.decoder.Sentinels {
		sentinelCodes = append(sentinelCodes, s.Code)
	}
	checkCodes("WithSentinel", sentinelCodes, c.decoder.Tables)
	return c
}

// DialOptions returns NewClient(opts...).Options().
//
//	grpc.NewClient(target, append(interceptor.DialOptions(), grpc.WithTransportCredentials(creds))...)
func DialOptions(opts ...ClientOption) []grpc.DialOption { return NewClient(opts...).Options() }

// UnaryClient returns NewClient(opts...).UnaryClientInterceptor().
func UnaryClient(opts ...ClientOption) grpc.UnaryClientInterceptor {
	return NewClient(opts...).UnaryClientInterceptor()
}

// StreamClient returns NewClient(opts...).StreamClientInterceptor().
func StreamClient(opts ...ClientOption) grpc.StreamClientInterceptor {
	return NewClient(opts...).StreamClientInterceptor()
}

// Options returns the options that install both interceptors on a connection. They run after
// the interceptors of earlier options, and before those of later ones.
func (c *Client) Options() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(c.UnaryClientInterceptor()),
		grpc.WithChainStreamInterceptor(c.StreamClientInterceptor()),
	}
}

// UnaryClientInterceptor returns an interceptor that turns the statuses of unary calls into
// domain errors; see [status.Decoder]. gRPC's own status.Code and status.Convert still see the
// received status. So do retry interceptors, before and after this one. An error without a
// status is returned unchanged.
func (c *Client) UnaryClientInterceptor() grpc.UnaryClientInterceptor {
	if c.announces {
		return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, callOpts ...grpc.CallOption) error {
			err := invoker(announce(ctx), method, req, reply, cc, callOpts...)
			return c.unaryError(ctx, err, method, req)
		}
	}
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, callOpts ...grpc.CallOption) error {
		err := invoker(ctx, method, req, reply, cc, callOpts...)
		if err == nil {
			return nil
		}
		return c.unaryError(ctx, err, method, req)
	}
}

// StreamClientInterceptor returns [Client.UnaryClientInterceptor]'s counterpart for streams. It
// decodes the error of opening a stream and the errors of its methods. The io.EOF that ends a
// stream stays io.EOF.
func (c *Client) StreamClientInterceptor() grpc.StreamClientInterceptor {
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

// Decode does for an error what the interceptors do, with the same tables, trust, sentinels and
// observers, and returns the domain error. It is for statuses that don't come from a call of a
// gRPC connection: those of a client of another protocol, or of one item in a batch. ctx is the
// caller's own context: see [status.Decoder.Decode]. method is the full name of a method, such
// as "/shop.Orders/Import", for the observers. For nil, Decode returns nil and calls no observer.
func (c *Client) Decode(ctx context.Context, method string, err error) error {
	return c.unaryError(ctx, err, method, nil)
}

// Decoder returns a copy of the decoder that the interceptors use. A change of the copy doesn't
// change the interceptors. A Decoder calls no observers. Use it if a call can fail in more than one
// place: decode the first error with [Client.Decode], and the others with the copy.
func (c *Client) Decoder() *status.Decoder {
	decoder := c.decoder
	decoder.Tables = slices.Clone(decoder.Tables)
	decoder.Sentinels = slices.Clone(decoder.Sentinels)
	return &decoder
}

// unaryError decodes the error of a unary call for the caller. It returns nil for nil.
func (c *Client) unaryError(ctx context.Context, err error, method string, req any) error {
	decoded := c.decoder.Decode(ctx, err)
	if len(c.observers) > 0 && !unchanged(err, decoded) {
		c.observe(ctx, decoded, interceptors.NewClientCallMeta(method, nil, req))
	}
	return decoded
}

// observe tells the observers about an error that was decoded.
func (c *Client) observe(ctx context.Context, err error, call interceptors.CallMeta) {
	st := status.Convert(err)
	code, declared := status.Declared(err)
	event := Event{
		Call:       call,
		Code:       code,
		Declared:   declared,
		GRPCCode:   st.GRPCCode(),
		Fault:      st.Fault(),
		Err:        err,
		RequestID:  status.RequestID(err),
		Origin:     st.Origin(),
		OpenIMForm: isRawNumber(st.GRPCStatus().Code()),
		Truncated:  st.Truncated(),
	}
	if declared {
		event.domain, event.reason = codeLabels(c.decoder.Tables, code)
	} else {
		event.domain, event.reason = uncodedLabels(st)
	}
	for _, one := range c.observers {
		observe(ctx, event, one.observe, slog.Default())
	}
}

// A clientStream decodes the errors of a stream. It keeps the caller's context. The
// stream's own context is cancelled when the stream ends, for whatever reason, and
// calling its Context method would turn off gRPC's transparent retries.
type clientStream struct {
	grpc.ClientStream
	client   *Client
	ctx      context.Context
	desc     *grpc.StreamDesc
	method   string
	end      error       // the last error of RecvMsg
	observed atomic.Bool // more than one method of a stream can fail
}

func (s *clientStream) decode(err error) error {
	if err == nil {
		return nil
	}
	decoded := s.client.decoder.Decode(s.ctx, err)
	if len(s.client.observers) > 0 && !unchanged(err, decoded) && s.observed.CompareAndSwap(false, true) {
		s.client.observe(s.ctx, decoded, interceptors.NewClientCallMeta(s.method, s.desc, nil))
	}
	return decoded
}

// RecvMsg returns the identical error each time after the stream has ended, as gRPC's own
// RecvMsg does. It then no longer calls the inner stream.
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
