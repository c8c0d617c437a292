package connectstatus

import (
	"context"
	"maps"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// ServerInterceptor returns an interceptor that sends the error of a handler as the status that
// s makes of it: the same code, message and details that a gRPC server with s sends. See
// [status.Encoder.Encode], which lists what becomes of which error. The form is canonical, even
// with interceptor.WithOpenIMForm: Connect's protocol has no numbers.
//
// A handler's own [*connect.Error] is such a status too, also under %w: it is sent with its
// own code, message and details. It is like a gRPC status of this process (case 9 of
// Encode). If the error also has a domain code that this process states, that code is sent
// (case 3). Rules see the Connect error and its cause. Neither its cause nor a text around
// it is sent. A received Connect error, whose IsRemote method returns true, is a status of
// an upstream. If [ClientInterceptor] received it, the trust in that connection decides
// whether it is forwarded. Otherwise it isn't: UNAVAILABLE and DEADLINE_EXCEEDED are sent
// with a fixed message, any other code as the INTERNAL default. Its headers and trailers
// are never forwarded.
//
// Connect's own client makes errors that name addresses, such as that of a refused connection.
// They have the text of their cause. So a Connect error without details whose message ends with
// the text of its cause is treated like a received one in these cases. Rules don't see that cause.
//
//   - The cause has a [*net.OpError].
//   - The cause has a [*url.Error] that isn't one of parsing, and the code isn't INVALID_ARGUMENT.
//   - The code is UNAVAILABLE, and the message has nothing else.
//   - The code is CANCELLED or DEADLINE_EXCEEDED, the message has nothing else, and the cause wraps
//     a context's error or [os.ErrDeadlineExceeded].
//
// Connect's client never makes NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED and
// OUT_OF_RANGE of a cause, so an error with one of these codes is always the handler's.
//
// The result is a [*connect.Error]. Its cause is the handler's error, so that errors.Is and
// errors.As find that in interceptors before this one. The cause isn't sent. A pushback for gRPC's
// native retries goes to the response's trailers.
//
// s gets the request's headers as the incoming metadata of a gRPC context, except for those whose
// names begin with "grpc-". Incoming metadata that the context has already wins. The headers are
// the client's: trust nothing because of them.
//
// The error of connecthttp.NewNotModifiedError is returned unchanged, unless this process states a
// code beside it. An error of Connect itself that reaches the interceptor, for a request that
// can't be decoded, is sent as Connect would send it, as a handler's own Connect error is. The
// interceptor doesn't see what Connect answers without a handler: an unknown procedure, an
// unknown encoding, a wrong timeout.
//
// Installing it twice with one s changes nothing. With another s, the inner one decides. In the
// events of observers, each call is a unary call. Options about the announcement of the canonical
// form do nothing. ServerInterceptor panics if s is nil. The interceptor is safe for concurrent
// use. A call that succeeds allocates nothing.
func ServerInterceptor(s *interceptor.Server) connect.ServerInterceptor {
	if s == nil {
		panic("connectstatus: ServerInterceptor(nil): give the result of interceptor.NewServer")
	}
	return func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			err := next(ctx, spec, stream)
			if err == nil {
				return nil
			}
			return encode(ctx, s, spec.Procedure, err)
		}
	}
}

// encode returns the error for Connect. err isn't nil.
func encode(ctx context.Context, s *interceptor.Server, procedure string, err error) error {
	if sentBy(err, s) {
		return err
	}
	err, notModified := readHandlers(ctx, err)
	if notModified {
		return err
	}
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		info = &connect.CallInfo{} // the interceptor was called without a server
	}
	encoded := s.Encode(withMetadata(ctx, info.RequestHeader()), procedure, err)
	for key, values := range encoded.Trailer() {
		info.ResponseTrailer().SetValues(key, values)
	}
	return connectError(encoded, s)
}

// readHandlers returns a handler's error as one that package status reads. It reports whether the
// error is HTTP's 304. If a method of a cause panics, it returns err, which then has no status.
func readHandlers(ctx context.Context, err error) (read error, notModified bool) {
	call, ok := withStatus(err).(*callError)
	if !ok {
		return err, false
	}
	defer func() {
		if recover() != nil {
			read = err
		}
	}()
	switch {
	case call.isNotModified():
		return call.err, true
	case call.first.IsRemote(), call.isTransports():
		return untrusted.Decode(ctx, call), false
	}
	return call, false
}

// untrusted decodes what a client without errstatus received.
var untrusted = status.Decoder{Trust: status.TrustNone}

// withMetadata returns a context in which a request's headers are the incoming metadata, as on a
// gRPC server. The headers are the client's: trust nothing because of them. What the metadata has
// already wins: an interceptor or a middleware of this process has put it there.
func withMetadata(ctx context.Context, headers *connect.Header) context.Context {
	md := make(metadata.MD, headers.Len())
	for key, values := range headers.All() {
		key = strings.ToLower(key)
		switch {
		case strings.HasPrefix(key, "grpc-"): // the protocol's own
		case strings.HasSuffix(key, "-bin"):
			md.Append(key, decodeBinary(values)...)
		default:
			md[key] = values
		}
	}
	before, _ := metadata.FromIncomingContext(ctx)
	maps.Copy(md, before)
	return metadata.NewIncomingContext(ctx, md)
}

// decodeBinary returns the bytes of a binary header's values, without those that aren't base64.
func decodeBinary(values []string) (decoded []string) {
	for _, value := range values {
		if bytes, err := connect.DecodeBinaryHeader(value); err == nil {
			decoded = append(decoded, string(bytes))
		}
	}
	return decoded
}

// connectError returns the Connect error with the status that s has decided on.
func connectError(encoded status.Encoded, s *interceptor.Server) *connect.Error {
	st := encoded.Status()
	e := connect.NewError(connect.Code(st.Code()), st.Message())
	for _, detail := range st.Proto().GetDetails() {
		// Connect adds this prefix on the wire, unless the type has one.
		e = e.WithDetail(&connect.ErrorDetail{
			Type:  strings.TrimPrefix(detail.GetTypeUrl(), "type.googleapis.com/"),
			Value: detail.GetValue(),
		})
	}
	return e.WithCause(&sentError{encoded.Err(), s})
}

// A sentError is the cause of a Connect error that [ServerInterceptor] has made. It unwraps to
// the encoded error, and so to the handler's.
type sentError struct {
	error
	by *interceptor.Server
}

// Unwrap returns the encoded error.
func (e *sentError) Unwrap() error { return e.error }

// sentBy reports whether err is the Connect error that s has made.
func sentBy(err error, s *interceptor.Server) bool {
	e, ok := err.(*connect.Error)
	if !ok || e.IsRemote() {
		return false
	}
	sent, ok := e.Unwrap().(*sentError)
	return ok && sent.by == s
}
