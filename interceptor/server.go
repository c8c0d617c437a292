package interceptor

import (
	"context"

	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/status"
)

// ServerOptions installs [UnaryServer] and [StreamServer] on a server, after the
// interceptors of the options before it:
//
//	grpc.NewServer(interceptor.ServerOptions()...)
func ServerOptions(opts ...ServerOption) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(UnaryServer(opts...)),
		grpc.ChainStreamInterceptor(StreamServer(opts...)),
	}
}

// UnaryServer sends what a unary handler returns as a canonical gRPC status; see
// [status.Encoder]. Installed twice it does the same as once.
//
// The error that interceptors outside of it see holds that status, and leads to
// the handler's own error through errors.Is and errors.As. One whose text is
// withheld from the caller is logged at ERROR through slog.Default.
//
// It never sees what gRPC answers by itself: an unknown method, a request that
// can't be decoded, a response that can't be encoded.
func UnaryServer(opts ...ServerOption) grpc.UnaryServerInterceptor {
	encoder := newEncoder(opts)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := handler(ctx, req)
		if err == nil {
			return resp, nil
		}
		return resp, encode(ctx, encoder, info.FullMethod, err)
	}
}

// StreamServer is [UnaryServer] for streams. Where the handler's own SendMsg or
// RecvMsg has failed, gRPC has sent a status already, and what the handler
// returns then reaches nobody.
func StreamServer(opts ...ServerOption) grpc.StreamServerInterceptor {
	encoder := newEncoder(opts)
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		err := handler(srv, stream)
		if err == nil {
			return nil
		}
		return encode(stream.Context(), encoder, info.FullMethod, err)
	}
}

// encode is the error for gRPC; what the caller won't read of it is logged.
func encode(ctx context.Context, encoder *status.Encoder, method string, err error) error {
	encoded := encoder.Encode(ctx, err)
	if encoded.Source.Withheld() {
		logWithheld(ctx, method, err, encoded)
	}
	return encoded.Err()
}
