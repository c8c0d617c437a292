package interceptor

import (
	"context"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/status"
)

// ServerOptions returns the options that install [UnaryServer] and [StreamServer] on a
// server, to run after the interceptors of earlier options:
//
//	grpc.NewServer(interceptor.ServerOptions()...)
func ServerOptions(opts ...ServerOption) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(UnaryServer(opts...)),
		grpc.ChainStreamInterceptor(StreamServer(opts...)),
	}
}

// UnaryServer returns an interceptor that sends the error of a unary handler as a
// canonical gRPC status; see [status.Encoder.Encode]. Installing it twice with the same
// options changes nothing; with other options, the inner one decides. It panics if an
// option has a wrong value.
//
// Interceptors before it in the chain get an error with this status. errors.Is and
// errors.As find the handler's own error in it. An error whose text is withheld from the
// caller is logged; see [LogWithheld] and [WithObserver].
//
// It doesn't see what gRPC answers itself: an unknown method, a request that can't be
// decoded, a response that can't be encoded.
func UnaryServer(opts ...ServerOption) grpc.UnaryServerInterceptor {
	s := newServer(opts)
	intercept := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := handler(ctx, req)
		if err == nil {
			return resp, nil
		}
		return resp, s.unaryError(ctx, err, req, info)
	}
	if !s.removesAnnouncement {
		return intercept
	}
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		ctx, _ = removeAnnouncement(ctx)
		return intercept(ctx, req, info, handler)
	}
}

// unaryError encodes the error of a unary handler for gRPC.
func (s *server) unaryError(ctx context.Context, err error, req any, info *grpc.UnaryServerInfo) error {
	encoded := s.encoderFor(ctx).Encode(ctx, err)
	if s.hasObserverFor(encoded) {
		s.observers.observe(ctx, s.event(encoded, interceptors.NewServerCallMeta(info.FullMethod, nil, req)))
	}
	if trailer := encoded.Trailer(); trailer != nil {
		_ = grpc.SetTrailer(ctx, trailer) // fails only outside of a gRPC server, where nobody retries
	}
	return encoded.Err()
}

// StreamServer returns [UnaryServer]'s counterpart for streams. If the handler's own
// SendMsg or RecvMsg has failed, gRPC has already sent a status, and the caller doesn't
// see the handler's error.
func StreamServer(opts ...ServerOption) grpc.StreamServerInterceptor {
	s := newServer(opts)
	intercept := func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		err := handler(srv, stream)
		if err == nil {
			return nil
		}
		return s.streamError(stream, err, info)
	}
	if !s.removesAnnouncement {
		return intercept
	}
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return intercept(srv, removeStreamAnnouncement(stream), info, handler)
	}
}

// streamError encodes the error of a stream's handler for gRPC.
func (s *server) streamError(stream grpc.ServerStream, err error, info *grpc.StreamServerInfo) error {
	ctx := stream.Context()
	encoded := s.encoderFor(ctx).Encode(ctx, err)
	if s.hasObserverFor(encoded) {
		s.observers.observe(ctx, s.event(encoded, interceptors.NewServerCallMeta(info.FullMethod, info, nil)))
	}
	if trailer := encoded.Trailer(); trailer != nil {
		stream.SetTrailer(trailer)
	}
	return encoded.Err()
}

// A server holds the settings of a server's interceptors.
type server struct {
	encoder             status.Encoder
	numericEncoder      status.Encoder // the same, for the numeric form
	openIM              OpenIMMode
	removesAnnouncement bool
	observers           observers
}

// hasObserverFor reports whether an observer is to be called for an error. If errstatus is
// installed twice, only the inner interceptor calls observers. The default observer is
// called only for errors that it logs, which saves building other events.
func (s *server) hasObserverFor(encoded status.Encoded) bool {
	if encoded.Source() == status.SourceEncoded {
		return false
	}
	return len(s.observers.list) > 0 && (s.observers.given || isLogged(encoded.Source(), encoded.GRPCCode()))
}

// encoderFor returns the encoder for the caller of an RPC.
func (s *server) encoderFor(ctx context.Context) *status.Encoder {
	if s.openIM == OpenIMAlways || s.openIM == OpenIMNegotiated && !announced(ctx) {
		return &s.numericEncoder
	}
	return &s.encoder
}

// event returns the event of a call that failed.
func (s *server) event(encoded status.Encoded, call interceptors.CallMeta) Event {
	event := Event{
		Call:        call,
		Code:        encoded.Code(),
		GRPCCode:    encoded.GRPCCode(),
		OpenIMForm:  isRawNumber(encoded.Status().Code()),
		Err:         encoded.Original(),
		Source:      encoded.Source(),
		Origin:      encoded.Origin(),
		Truncated:   encoded.Truncated(),
		DroppedKeys: encoded.DroppedKeys(),
		Panic:       encoded.Panic(),
	}
	if event.Code == nil {
		event.Code = (&status.Decoder{Tables: s.encoder.Tables}).FromGRPC(encoded.Status()).Code()
	}
	return event
}
