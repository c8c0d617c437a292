package gateway

import (
	"context"
	"maps"
	"net/http"
	"regexp"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/httpheader"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// Options returns the options with which a [runtime.ServeMux] writes failures as w does, in
// the form that the request's Accept header asks for. They are the handlers of unary errors,
// of stream errors and of routing errors. Give the mux no others, and no
// [runtime.WithForwardResponseRewriter] for statuses: its result isn't written. Options copies w.
// A nil w is the zero Writer. Without an Encoder, a server without options decides.
//
// # Whose error it is
//
// w.Encoder, which is most often an [interceptor.Server], decides on each error, and logs and
// observes it as a server does, with the method of the RPC. Before an RPC, in a middleware, the
// method is that of the request and its pattern, such as "/http/POST /v1/users".
//
//   - In-process registration (Register…HandlerServer) runs no interceptor. The handler's own
//     error is encoded as a server encodes it: see [status.Encoder.Encode]. A panic isn't
//     recovered.
//   - On a connection with errstatus's interceptors, the error is an upstream's, and the
//     connection's trust decides. The default forwards the statuses that carry a known code.
//     [status.TrustAll] forwards every status, and is for a gateway to your own servers.
//   - On any other connection, a backend's status is forwarded, with its details and without
//     DebugInfo.
//   - A status that this process's own gRPC or a proxy made is never forwarded unchanged: its text
//     can name addresses. Where statuses are forwarded, it keeps its canonical code and gets a fixed
//     message. A refused connection is UNAVAILABLE, "an upstream service is unavailable". Rules
//     don't apply to it.
//   - Such a status can't always be told from the backend's. So UNAVAILABLE and DEADLINE_EXCEEDED
//     without details always get the fixed message. So does any other code that gRPC makes, without
//     details, if no header and no trailer of the backend has arrived. Of a stream, only headers are
//     known: a status of a backend that fails before its first header gets the fixed message too.
//     So does a status without details from an interceptor of the connection. A backend that gives
//     its status a code, as [status.Error] does, keeps its message.
//   - The gateway's own errors carry no code. A body or a parameter that can't be read is
//     INVALID_ARGUMENT with the reader's text. An unknown path is NOT_FOUND with the HTTP status
//     404, a wrong method UNIMPLEMENTED with 405, a wrong path INVALID_ARGUMENT with 400.
//   - A middleware that calls [runtime.HTTPError] gets what a handler gets. The HTTP status of a
//     [runtime.HTTPStatusError] counts if it is 400 to 599, and if the error has no code and no
//     status outside of it.
//
// # Answers
//
// Response headers and trailers of the backend are forwarded as [runtime.DefaultHTTPErrorHandler]
// does, except for those whose names begin with "grpc-": a trailer repeats the status with
// all its text.
//
// A stream that fails ends with grpc-gateway's own form, {"error": {"code": 5, "message": …,
// "details": […]}}, with the gRPC number. It has the content that a unary call would have. A
// detail of a type that isn't linked into the program would make grpc-gateway lose the
// message. It is sent as a google.protobuf.Struct with the fields @type and @value, which is
// base64.
//
// # Metadata
//
// The context that w.Encoder gets has incoming metadata: what grpc-gateway made of the request, and
// the request's headers, under their own names in lower case, except for names that begin with "grpc-"
// or end with "-bin". If both have a key, grpc-gateway's values win, and those of a middleware that
// has made incoming metadata win over both. Headers, and what grpc-gateway made of them, are the
// client's: trust nothing because of them. grpc-gateway doesn't say which request a stream's failure
// belongs to: there, the headers are missing, but for those that are sent to the backend; see
// [ForwardRequestID].
//
// grpc-gateway forwards Accept-Language to backends as grpcgateway-accept-language,
// unless [runtime.WithIncomingHeaderMatcher] is given a matcher that doesn't.
//
// A call that succeeds runs no code of this package, except for that of ForwardRequestID.
func Options(w *statushttp.Writer) []runtime.ServeMuxOption {
	var h handlers
	if w != nil {
		h.writer = *w
	}
	if h.writer.Encoder == nil {
		h.writer.Encoder = interceptor.NewServer()
	}
	return []runtime.ServeMuxOption{
		runtime.WithErrorHandler(h.writeError),
		runtime.WithRoutingErrorHandler(h.writeRoutingError),
		runtime.WithStreamErrorHandler(h.streamError),
	}
}

// handlers are the functions that a mux calls for failures.
type handlers struct{ writer statushttp.Writer }

// writeError is a [runtime.ErrorHandlerFunc].
func (h *handlers) writeError(ctx context.Context, mux *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	f := readFailure(ctx, r, err)
	h.write(ctx, mux, w, r, h.encode(ctx, r, f.err), f.httpStatus)
}

// writeRoutingError is a [runtime.RoutingErrorHandlerFunc].
func (h *handlers) writeRoutingError(ctx context.Context, mux *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, httpStatus int) {
	err := grpcstatus.Error(routingCode(httpStatus), http.StatusText(httpStatus))
	h.write(ctx, mux, w, r, h.encode(ctx, r, err), httpStatus)
}

// routingCode returns the canonical code that [runtime.DefaultRoutingErrorHandler] gives to a
// request that no handler takes.
func routingCode(httpStatus int) grpccodes.Code {
	switch httpStatus {
	case http.StatusNotFound:
		return grpccodes.NotFound
	case http.StatusMethodNotAllowed:
		return grpccodes.Unimplemented
	case http.StatusBadRequest:
		return grpccodes.InvalidArgument
	}
	return grpccodes.Internal
}

// streamError is a [runtime.StreamErrorHandlerFunc].
func (h *handlers) streamError(ctx context.Context, err error) *grpcstatus.Status {
	return printable(h.encode(ctx, nil, readFailure(ctx, nil, err).err).Status())
}

// encode decides what the caller gets. r is nil for a stream.
func (h *handlers) encode(ctx context.Context, r *http.Request, err error) status.Encoded {
	return h.writer.Encoder.Encode(withIncoming(ctx, r), method(ctx, r), err)
}

// method returns the name under which a failure is logged. Before an RPC it has the form of
// [statushttp.Writer.Write], with a pattern of the mux: the caller can't choose other names.
func method(ctx context.Context, r *http.Request) string {
	if name, ok := runtime.RPCMethod(ctx); ok {
		return name
	}
	if r != nil {
		if pattern, ok := runtime.HTTPPattern(r.Context()); ok {
			return "/http/" + r.Method + " " + pattern.String()
		}
	}
	return "/http/_OTHER"
}

// withIncoming returns ctx with the request's headers and its metadata as the incoming metadata.
// grpc-gateway has made incoming metadata only for a handler in this process. For another one,
// it has made outgoing metadata. The headers are the client's: trust nothing because of them. r is nil
// for a stream.
func withIncoming(ctx context.Context, r *http.Request) context.Context {
	md := metadata.MD{}
	if r != nil {
		md = httpheader.Metadata(r.Header)
	}
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	maps.Copy(md, outgoing)
	incoming, _ := metadata.FromIncomingContext(ctx)
	maps.Copy(md, incoming)
	return metadata.NewIncomingContext(ctx, md)
}

// requestID matches the request ids that errstatus sends; see interceptor.WithRequestID.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// ForwardRequestID returns an option that sends the request's X-Request-Id header to the backend,
// as the metadata x-request-id, if it matches [A-Za-z0-9._:-]{1,128}. Of several such headers, it
// sends the first. So a function of interceptor.WithRequestID that reads this key finds the same id
// in both processes:
//
//	mux := runtime.NewServeMux(append(gateway.Options(w), gateway.ForwardRequestID())...)
//
// It is a [runtime.WithMetadata], of which a mux can have several. With one, grpc-gateway copies
// the metadata of each call.
func ForwardRequestID() runtime.ServeMuxOption {
	return runtime.WithMetadata(func(_ context.Context, r *http.Request) metadata.MD {
		if id := r.Header.Get("X-Request-Id"); requestID.MatchString(id) {
			return metadata.Pairs("x-request-id", id)
		}
		return nil
	})
}
