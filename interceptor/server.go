package interceptor

import (
	"context"
	"errors"
	"log/slog"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A Server holds the settings of a server's interceptors. Its methods return the
// interceptors. [Server.Encode] uses the same settings for errors that leave the process
// in another way. A Server is immutable and safe for concurrent use. Make it with [NewServer]:
// a nil Server panics, and the zero Server is one without options.
//
//	encoding := interceptor.NewServer(interceptor.WithErrorMapping(sql.ErrNoRows, codes.RecordNotFound))
//	server := grpc.NewServer(encoding.Options()...)
//	st := encoding.Encode(ctx, "/shop.Orders/Import", err).Status() // of one item of a batch
type Server struct {
	encoder             status.Encoder
	numericEncoder      status.Encoder // the same, for the numeric form
	openIM              OpenIMMode
	removesAnnouncement bool
	observers           observers

	logger      *slog.Logger
	hasLogger   bool // WithLogger was given, even if with nil
	droppedKeys keySet
}

// NewServer returns a Server with the given options. It panics if an option has a wrong
// value.
func NewServer(opts ...ServerOption) *Server {
	checkNil(opts)
	s := &Server{}
	for _, o := range opts {
		o.applyServer(s)
	}
	checkDomains(s.encoder.Tables)
	checkRules(s.encoder.Rules, s.encoder.Tables)
	s.numericEncoder = s.encoder
	s.numericEncoder.OpenIMForm = true
	s.removesAnnouncement = s.removesAnnouncement || s.openIM != OpenIMNever
	return s
}

// checkRules panics if a rule's code has no row, or is of another type than others of its
// domain. A function has no code, except that of WithValidationMapping.
func checkRules(rules []status.Rule, tables []*codes.Table) {
	var mapped, all []codes.Code
	for _, rule := range rules {
		all = append(all, rule.Code)
		if rule.Func == nil {
			mapped = append(mapped, rule.Code)
		}
	}
	checkCodes("WithErrorMapping", mapped, tables)
	checkCodes("WithValidationMapping", all, tables)
}

// ServerOptions returns NewServer(opts...).Options().
func ServerOptions(opts ...ServerOption) []grpc.ServerOption { return NewServer(opts...).Options() }

// UnaryServer returns NewServer(opts...).UnaryServerInterceptor().
func UnaryServer(opts ...ServerOption) grpc.UnaryServerInterceptor {
	return NewServer(opts...).UnaryServerInterceptor()
}

// StreamServer returns NewServer(opts...).StreamServerInterceptor().
func StreamServer(opts ...ServerOption) grpc.StreamServerInterceptor {
	return NewServer(opts...).StreamServerInterceptor()
}

// Options returns the options that install both interceptors on a server. They run after
// the interceptors of earlier grpc.Chain options, and before those of later ones:
//
//	grpc.NewServer(append(encoding.Options(), grpc.ChainUnaryInterceptor(recovery))...)
func (s *Server) Options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(s.UnaryServerInterceptor()),
		grpc.ChainStreamInterceptor(s.StreamServerInterceptor()),
	}
}

// UnaryServerInterceptor returns an interceptor that sends the error of a unary handler as
// a canonical gRPC status; see [status.Encoder.Encode].
//
// Interceptors before it in the chain get an error with this status. errors.Is and
// errors.As find the handler's own error in it. A failure that has private text and isn't
// the caller's fault is logged; see [WithLogger].
//
// Installing it twice with the same options changes nothing. With other options, the inner
// one decides, and the outer one's observers are told that it did: Event.Source is
// [status.SourceEncoded].
//
// It doesn't see what gRPC answers itself: an unknown method, a request that can't be
// decoded, a response that can't be encoded.
func (s *Server) UnaryServerInterceptor() grpc.UnaryServerInterceptor {
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
func (s *Server) unaryError(ctx context.Context, err error, req any, info *grpc.UnaryServerInfo) error {
	encoded, err := s.encode(ctx, s.encoderFor(ctx), err, func() interceptors.CallMeta {
		return interceptors.NewServerCallMeta(info.FullMethod, nil, req)
	})
	if trailer := encoded.Trailer(); trailer != nil {
		_ = grpc.SetTrailer(ctx, trailer) // fails only outside of a gRPC server, where nobody retries
	}
	return err
}

// StreamServerInterceptor returns [Server.UnaryServerInterceptor]'s counterpart for streams.
// If the handler's own SendMsg or RecvMsg has failed, gRPC has already sent a status, and
// the caller doesn't see the handler's error.
func (s *Server) StreamServerInterceptor() grpc.StreamServerInterceptor {
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
func (s *Server) streamError(stream grpc.ServerStream, err error, info *grpc.StreamServerInfo) error {
	ctx := stream.Context()
	encoded, err := s.encode(ctx, s.encoderFor(ctx), err, func() interceptors.CallMeta {
		return interceptors.NewServerCallMeta(info.FullMethod, info, nil)
	})
	if trailer := encoded.Trailer(); trailer != nil {
		stream.SetTrailer(trailer)
	}
	return err
}

// Encode does for an error what the interceptors do, with the same tables, rules, limit, log
// and observers, and returns the result. It is for errors that don't end an RPC of a gRPC
// server: those of a gateway, of a handler of another protocol, or of one item in a batch,
// whose google.rpc.Status is part of the answer.
//
// ctx is the context of the whole RPC, never one that was derived for an item, such as
// that of an errgroup: see [status.Encoder.Encode]. method is the full name of a method,
// such as "/shop.Orders/Import", for the log and the observers. The form is canonical,
// even with [WithOpenIMForm]. Set Encoded.Trailer yourself, if it isn't nil. For nil,
// Encode returns success and calls no observer.
//
// Encoded.Err is for the other ways out. A handler of a gRPC server returns its own error and
// not Encoded.Err: otherwise the observers are called twice, and the form stays canonical.
func (s *Server) Encode(ctx context.Context, method string, err error) status.Encoded {
	if err == nil {
		return status.Encoded{}
	}
	encoded, _ := s.encode(ctx, &s.encoder, err, func() interceptors.CallMeta {
		return interceptors.NewServerCallMeta(method, nil, nil)
	})
	return encoded
}

// encode encodes an error, logs it, tells the observers, and returns the error for gRPC.
func (s *Server) encode(ctx context.Context, encoder *status.Encoder, err error, call func() interceptors.CallMeta) (status.Encoded, error) {
	reported, wasReported := err.(*reportedError)
	if wasReported {
		err = reported.error
	}
	encoded := encoder.Encode(ctx, err)
	s.logFailure(ctx, encoded, call)
	if len(s.observers) == 0 {
		if wasReported {
			return encoded, reported
		}
		return encoded, encoded.Err()
	}
	if !wasReported && encoded.Source() == status.SourceEncoded {
		reported, _ = errors.AsType[*reportedError](encoded.Original())
	}
	return encoded, s.observers.report(ctx, s.event(encoded, call()), encoded.Err(), reported, s.log())
}

// encoderFor returns the encoder for the caller of an RPC.
func (s *Server) encoderFor(ctx context.Context) *status.Encoder {
	if s.openIM == OpenIMAlways || s.openIM == OpenIMNegotiated && !announced(ctx) {
		return &s.numericEncoder
	}
	return &s.encoder
}

// unknownDefault returns the UNKNOWN default of the first table.
func (s *Server) unknownDefault() codes.Code {
	if len(s.encoder.Tables) == 0 {
		return codes.Default().DefaultFor(grpccodes.Unknown)
	}
	return s.encoder.Tables[0].DefaultFor(grpccodes.Unknown)
}

// event returns the event of a call that failed.
func (s *Server) event(encoded status.Encoded, call interceptors.CallMeta) Event {
	event := Event{
		Call:           call,
		Code:           encoded.Code(),
		Declared:       encoded.Code() != nil,
		GRPCCode:       encoded.GRPCCode(),
		Fault:          encoded.Fault(),
		OpenIMForm:     isRawNumber(encoded.Status().Code()),
		Err:            encoded.Original(),
		Source:         encoded.Source(),
		Otherwise:      encoded.Otherwise(),
		ContextCause:   encoded.ContextCause(),
		Withheld:       encoded.Withheld(),
		Origin:         encoded.Origin(),
		RequestID:      encoded.RequestID(),
		Truncated:      encoded.Truncated(),
		DroppedKeys:    encoded.DroppedKeys(),
		Panic:          encoded.Panic(),
		AmendmentError: encoded.AmendmentError(),
	}
	if !event.Declared {
		event.Code = s.unknownDefault()
	}
	event.UpstreamRequestID = encoded.UpstreamRequestID()
	event.domain, event.reason = s.labels(encoded)
	return event
}

// labels returns the labels of what was sent.
func (s *Server) labels(encoded status.Encoded) (domain, reason string) {
	if code := encoded.Code(); code != nil {
		return codeLabels(s.encoder.Tables, code)
	}
	decoder := status.Decoder{Tables: s.encoder.Tables}
	return uncodedLabels(decoder.FromGRPC(encoded.Status()))
}
