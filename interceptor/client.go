package interceptor

import (
	"context"

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
	decoder := newDecoder(opts)
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, callOpts ...grpc.CallOption) error {
		err := invoker(ctx, method, req, reply, cc, callOpts...)
		if err == nil {
			return nil
		}
		return decoder.Decode(ctx, err)
	}
}

// StreamClient is [UnaryClient] for streams: for the error of opening one and
// those of its methods. The io.EOF that ends a stream stays io.EOF.
func StreamClient(opts ...ClientOption) grpc.StreamClientInterceptor {
	decoder := newDecoder(opts)
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, callOpts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := streamer(ctx, desc, cc, method, callOpts...)
		if err != nil {
			return nil, decoder.Decode(ctx, err)
		}
		return &clientStream{ClientStream: stream, ctx: ctx, decoder: decoder}, nil
	}
}

// A clientStream decodes the errors of a stream. It keeps the caller's context:
// the stream's own is cancelled when the stream ends, for whatever reason, and
// asking for it would rule out gRPC's transparent retries.
type clientStream struct {
	grpc.ClientStream
	ctx     context.Context
	decoder *status.Decoder
	end     error // what RecvMsg ended with
}

// RecvMsg gives the same error, identical, each time after the stream has ended.
func (s *clientStream) RecvMsg(m any) error {
	if s.end != nil {
		return s.end
	}
	if err := s.ClientStream.RecvMsg(m); err != nil {
		s.end = s.decoder.Decode(s.ctx, err)
	}
	return s.end
}

func (s *clientStream) SendMsg(m any) error {
	return s.decoder.Decode(s.ctx, s.ClientStream.SendMsg(m))
}

func (s *clientStream) CloseSend() error {
	return s.decoder.Decode(s.ctx, s.ClientStream.CloseSend())
}

func (s *clientStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	return md, s.decoder.Decode(s.ctx, err)
}
