package interceptor

import (
	"context"
	"fmt"
	"math"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// A OpenIMMode says to whom a server sends codes in OpenIM's form: the number in
// the place of the canonical code.
type OpenIMMode uint8

const (
	// OpenIMNever sends canonical statuses to all, as is done without [WithOpenIMForm]; but
	// announcements are taken out of the metadata.
	OpenIMNever OpenIMMode = iota

	// OpenIMAlways sends OpenIM's form to all.
	OpenIMAlways

	// OpenIMNegotiated sends canonical statuses to callers that announce, by
	// [WithCanonicalAnnouncement], that they read them, and OpenIM's form to all others.
	OpenIMNegotiated
)

var openIMModeNames = [...]string{"never", "always", "negotiated"}

// String is the mode in small letters.
func (m OpenIMMode) String() string {
	if int(m) < len(openIMModeNames) {
		return openIMModeNames[m]
	}
	return fmt.Sprintf("OpenIMMode(%d)", uint8(m))
}

// CanonicalAnnouncementKey is the metadata key by which a client announces that it reads
// canonical statuses. Its value is 1; to a server its presence counts.
const CanonicalAnnouncementKey = "errstatus"

// WithOpenIMForm sends codes as OpenIM's servers of today do, to the callers that the
// mode says: grpc-status is the code's number, the first detail an
// openim.protobuf.ErrorInfo, the second the google.rpc.ErrorInfo of any other
// status. OpenIM's clients read the code, the message and the detail of it, those
// with GrpcClientErrorConvert from 100 on. [UnaryClient] reads no less than of a
// canonical one, but takes the canonical code from its own table. Everything between
// the two sees a number that it doesn't know, and interceptors outside of this one
// too.
//
// It holds for streams as for unary calls. A status that states no code goes out
// canonical to all callers, and so do numbers up to 16 and codes that the number
// alone wouldn't name: see the Legacy field of [status.Encoder].
//
// A server with this option, whatever the mode, takes [CanonicalAnnouncementKey] out of the
// incoming metadata, so that a handler that passes its metadata on doesn't announce
// what another client reads. A server without it doesn't look at metadata, which
// would cost each call that succeeds.
//
// Given twice, the last holds.
func WithOpenIMForm(mode OpenIMMode) ServerOption {
	if int(mode) >= len(openIMModeNames) {
		panic(fmt.Sprintf("interceptor: WithOpenIMForm(%v): give OpenIMNever, OpenIMAlways or OpenIMNegotiated", mode))
	}
	return serverOption(func(s *server) { s.legacy, s.strips = mode, true })
}

// WithCanonicalAnnouncement tells servers that this client reads canonical statuses, by the
// metadata key [CanonicalAnnouncementKey]: those with [OpenIMNegotiated] send them then.
// Without it, too, the client reads both forms.
//
// The announcement is for one hop. Servers with WithOpenIMForm take it out of what their
// handlers see; through any other, a handler that passes its metadata on as it came
// announces for the client it calls with.
//
// An interceptor that makes new outgoing metadata, as OpenIM's do, takes away what
// was announced before it: errstatus comes after it in the chain.
func WithCanonicalAnnouncement() ClientOption {
	return clientOption(func(c *client) { c.announces = true })
}

// announce is the context of a call of a client that reads canonical statuses.
func announce(ctx context.Context) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx) // a copy
	if md == nil {
		md = metadata.MD{}
	}
	md.Set(CanonicalAnnouncementKey, "1") // once, also where the interceptors are installed twice
	return metadata.NewOutgoingContext(ctx, md)
}

// An announcement is the key of a context's value, for the interceptors that come
// after the one that has taken the key out of the metadata.
type announcement struct{}

// announced tells whether the caller reads canonical statuses.
func announced(ctx context.Context) bool { return ctx.Value(announcement{}) != nil }

// strip is the context of an RPC without the caller's announcement in its metadata,
// and whether it had one.
func strip(ctx context.Context) (context.Context, bool) {
	if len(metadata.ValueFromIncomingContext(ctx, CanonicalAnnouncementKey)) == 0 {
		return ctx, false
	}
	md, _ := metadata.FromIncomingContext(ctx) // a copy
	md.Delete(CanonicalAnnouncementKey)
	return context.WithValue(metadata.NewIncomingContext(ctx, md), announcement{}, true), true
}

// stripStream is strip for a stream.
func stripStream(stream grpc.ServerStream) grpc.ServerStream {
	ctx, ok := strip(stream.Context())
	if !ok {
		return stream
	}
	return &middleware.WrappedServerStream{ServerStream: stream, WrappedContext: ctx}
}

// isLegacy tells whether a number in the place of a canonical code is a code's.
func isRawNumber(code grpccodes.Code) bool {
	return code > grpccodes.Unauthenticated && code <= math.MaxInt32
}
