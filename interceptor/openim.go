package interceptor

import (
	"context"
	"fmt"
	"math"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/status"
)

// An OpenIMMode says which callers get the numeric form from a server.
type OpenIMMode uint8

const (
	// OpenIMNever sends the canonical form to all callers, like a server without
	// [WithOpenIMForm].
	OpenIMNever OpenIMMode = iota

	// OpenIMAlways sends the numeric form to all callers.
	OpenIMAlways

	// OpenIMNegotiated sends the canonical form to callers that announce with
	// [WithCanonicalAnnouncement] that they read it, and the numeric form to all others.
	OpenIMNegotiated
)

var openIMModeNames = [...]string{"never", "always", "negotiated"}

// String returns the mode in small letters, such as "never".
func (m OpenIMMode) String() string {
	if int(m) < len(openIMModeNames) {
		return openIMModeNames[m]
	}
	return fmt.Sprintf("OpenIMMode(%d)", uint8(m))
}

// WithOpenIMForm sends the numeric form, as OpenIM's servers do, to the callers that the
// mode names: grpc-status is the code's number, the first detail is an
// openim.protobuf.ErrorInfo, and the second is errstatus's google.rpc.ErrorInfo.
//
// OpenIM's clients read the code, the message and the detail from it. Those that use
// OpenIM's interceptor GrpcClientErrorConvert do so only for numbers from 100 on.
// [UnaryClient] reads the numeric form as well as the canonical one, and takes the
// canonical code from its own table. Proxies, metrics and interceptors outside of this one
// see a number that they don't know.
//
// The option works for unary calls and streams. A status that carries no code is sent in
// the canonical form to all callers. So are numbers up to 16, and codes whose number
// another table has first: see the OpenIMForm field of [status.Encoder].
//
// With OpenIMAlways and OpenIMNegotiated, the server also does what
// [WithCanonicalAnnouncementRemoved] does. If the option is given twice, the last one
// counts.
func WithOpenIMForm(mode OpenIMMode) ServerOption {
	if int(mode) >= len(openIMModeNames) {
		panic(fmt.Sprintf("interceptor: WithOpenIMForm(%v): give OpenIMNever, OpenIMAlways or OpenIMNegotiated", mode))
	}
	return serverOption(func(s *Server) { s.openIM = mode })
}

// CanonicalAnnouncementKey is the metadata key with which a client announces that it
// reads the canonical form. Its value is "1"; servers ignore the value.
const CanonicalAnnouncementKey = "errstatus"

// WithCanonicalAnnouncement announces to servers that this client reads the canonical
// form. A server with [OpenIMNegotiated] then sends it. The client reads both forms also
// without this option.
//
// The announcement is for one hop. A server with [WithOpenIMForm] or
// [WithCanonicalAnnouncementRemoved] removes it from the metadata that its handlers see.
// Other servers keep it. If a handler there copies its incoming metadata into a call, the
// announcement goes with it, even if the client of that call reads only the numeric form.
//
// Some interceptors replace the outgoing metadata, as OpenIM's do. Install errstatus after
// them. Otherwise they remove the announcement.
func WithCanonicalAnnouncement() ClientOption {
	return clientOption(func(c *Client) { c.announces = true })
}

// WithCanonicalAnnouncementRemoved removes [CanonicalAnnouncementKey] from the incoming
// metadata, so that a handler that copies its metadata into a call doesn't pass the
// announcement on. It is for a server that sends the canonical form to all callers.
//
// By default a server doesn't read the metadata: that would cost time in each call.
func WithCanonicalAnnouncementRemoved() ServerOption {
	return serverOption(func(s *Server) { s.removesAnnouncement = true })
}

// WithOpenIMErrors says what the server does with an [status.OpenIMError], such as
// OpenIM's errs.CodeError, anywhere in a handler's error. With it, OpenIM's handlers need
// no change: such an error states a code, if a table has its number. Its message is
// public. Its detail is sent only with status.OpenIMErrorsWithDetail; the detail of an
// upstream's error is forwarded like any other detail.
//
// An error that also has a GRPCStatus method is not adapted. An OpenIMError that isn't the
// caller's fault is logged, because its detail isn't sent by default: see [WithLogger].
func WithOpenIMErrors(level status.OpenIMErrorLevel) ServerOption {
	if !level.Valid() {
		panic(fmt.Sprintf("interceptor: WithOpenIMErrors(%v): give OpenIMErrorsIgnored, OpenIMErrorsWithoutDetail or OpenIMErrorsWithDetail of package status", level))
	}
	return serverOption(func(s *Server) { s.encoder.OpenIMErrors = level })
}

// WithOpenIMNumbersIgnored makes a client read no code from a raw number in grpc-status. The
// status then has the canonical code UNKNOWN and carries a code only by its ErrorInfo. It is
// for programs that have nothing to do with OpenIM. By default, clients read raw numbers
// that a table has.
func WithOpenIMNumbersIgnored() ClientOption {
	return clientOption(func(c *Client) { c.decoder.IgnoreOpenIMNumbers = true })
}

// announce returns the context of a call with the announcement.
func announce(ctx context.Context) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx) // a copy
	if md == nil {
		md = metadata.MD{}
	}
	md.Set(CanonicalAnnouncementKey, "1") // once, even if the interceptors are installed twice
	return metadata.NewOutgoingContext(ctx, md)
}

// announcedKey is the key of a value in the contexts of callers that announce. The
// announcement itself was removed from the metadata.
type announcedKey struct{}

// announced reports whether the caller reads the canonical form.
func announced(ctx context.Context) bool { return ctx.Value(announcedKey{}) != nil }

// removeAnnouncement returns the context of an RPC without the caller's announcement in
// its metadata, and reports whether there was one.
func removeAnnouncement(ctx context.Context) (context.Context, bool) {
	if len(metadata.ValueFromIncomingContext(ctx, CanonicalAnnouncementKey)) == 0 {
		return ctx, false
	}
	md, _ := metadata.FromIncomingContext(ctx) // a copy
	md.Delete(CanonicalAnnouncementKey)
	return context.WithValue(metadata.NewIncomingContext(ctx, md), announcedKey{}, true), true
}

// removeStreamAnnouncement is removeAnnouncement for a stream.
func removeStreamAnnouncement(stream grpc.ServerStream) grpc.ServerStream {
	ctx, ok := removeAnnouncement(stream.Context())
	if !ok {
		return stream
	}
	return &middleware.WrappedServerStream{ServerStream: stream, WrappedContext: ctx}
}

// isRawNumber reports whether a grpc-status is a domain number.
func isRawNumber(code grpccodes.Code) bool {
	return code > grpccodes.Unauthenticated && code <= math.MaxInt32
}
