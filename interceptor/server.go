package interceptor

import (
	"context"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
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
// withheld from the caller is logged at ERROR through slog.Default; see
// [LogWithheld] and [WithObserver].
//
// It never sees what gRPC answers by itself: an unknown method, a request that
// can't be decoded, a response that can't be encoded.
func UnaryServer(opts ...ServerOption) grpc.UnaryServerInterceptor {
	s := newServer(opts)
	plain := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := handler(ctx, req)
		if err == nil {
			return resp, nil
		}
		return resp, s.unary(ctx, err, req, info)
	}
	if !s.strips {
		return plain
	}
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		ctx, _ = strip(ctx)
		return plain(ctx, req, info, handler)
	}
}

// unary is what gRPC gets for the error of a unary handler.
func (s *server) unary(ctx context.Context, err error, req any, info *grpc.UnaryServerInfo) error {
	encoded := s.encoderFor(ctx).Encode(ctx, err)
	if s.observed(&encoded) {
		s.observers.observe(ctx, s.event(&encoded, interceptors.NewServerCallMeta(info.FullMethod, nil, req)))
	}
	if encoded.Trailer != nil {
		// It fails outside of a gRPC server only, where nobody retries.
		_ = grpc.SetTrailer(ctx, encoded.Trailer)
	}
	return encoded.Err()
}

// StreamServer is [UnaryServer] for streams. Where the handler's own SendMsg or
// RecvMsg has failed, gRPC has sent a status already, and what the handler
// returns then reaches nobody.
func StreamServer(opts ...ServerOption) grpc.StreamServerInterceptor {
	s := newServer(opts)
	plain := func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		err := handler(srv, stream)
		if err == nil {
			return nil
		}
		return s.stream(stream, err, info)
	}
	if !s.strips {
		return plain
	}
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return plain(srv, stripStream(stream), info, handler)
	}
}

// stream is what gRPC gets for the error of a stream's handler.
func (s *server) stream(stream grpc.ServerStream, err error, info *grpc.StreamServerInfo) error {
	ctx := stream.Context()
	encoded := s.encoderFor(ctx).Encode(ctx, err)
	if s.observed(&encoded) {
		s.observers.observe(ctx, s.event(&encoded, interceptors.NewServerCallMeta(info.FullMethod, info, nil)))
	}
	if encoded.Trailer != nil {
		stream.SetTrailer(encoded.Trailer)
	}
	return encoded.Err()
}

// A server is what the options of a server's interceptors come to.
type server struct {
	encoder   status.Encoder
	forOpenIM status.Encoder // the same, in OpenIM's form
	legacy    OpenIMMode
	strips    bool // takes announcements out of the metadata
	observers observers
}

// observed tells whether observers are to be told of an error: once, by the
// interceptor that decides first, and the default one only of what it logs.
func (s *server) observed(encoded *status.Encoded) bool {
	if encoded.Source == status.SourceEncoded {
		return false
	}
	return len(s.observers.list) > 0 && (s.observers.given || withholds(encoded.Source, encoded.GRPCCode))
}

// encoderFor is the encoder for the caller of an RPC.
func (s *server) encoderFor(ctx context.Context) *status.Encoder {
	if s.legacy == OpenIMAlways || s.legacy == OpenIMNegotiated && !announced(ctx) {
		return &s.forOpenIM
	}
	return &s.encoder
}

func (s *server) event(encoded *status.Encoded, call interceptors.CallMeta) Event {
	event := Event{
		Call:        call,
		Code:        encoded.Code,
		GRPCCode:    encoded.GRPCCode,
		OpenIMForm:  isRawNumber(encoded.Status.Code()),
		Err:         encoded.Original(),
		Source:      encoded.Source,
		Origin:      encoded.Origin,
		Truncated:   encoded.Truncated,
		DroppedKeys: encoded.DroppedKeys,
		Panic:       encoded.Panic,
	}
	if encoded.Code == nil {
		event.Code = (&status.Decoder{Tables: s.encoder.Tables}).FromGRPC(encoded.Status).Code()
	}
	return event
}
