package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/status"
)

// unreadable is the message for a request whose body can't be read, if the reader's text names
// an address.
const unreadable = "the request could not be read"

// A failure is an error that grpc-gateway gives to one of its handlers.
type failure struct {
	err        error // to encode
	httpStatus int   // of a [runtime.HTTPStatusError], or 0
}

// readFailure returns what to encode for an error. r is nil for a stream.
func readFailure(ctx context.Context, r *http.Request, err error) failure {
	probe := new(status.Encoder).Encode(ctx, err)
	switch probe.Source() {
	case status.SourceGRPCStatus, status.SourceForwarded:
		return failure{err: withoutAddresses(ctx, r, err)}
	}
	custom, ok := customStatus(probe)
	if !ok {
		return failure{err: err}
	}
	if malformed, ok := malformedPath(ctx, custom.Err); ok {
		return failure{malformed, custom.HTTPStatus}
	}
	f := readFailure(ctx, r, custom.Err)
	if custom.HTTPStatus >= 400 && custom.HTTPStatus <= 599 { // an error never becomes success
		f.httpStatus = custom.HTTPStatus
	}
	return f
}

// customStatus returns the [runtime.HTTPStatusError] in the error of a probe, unless the error
// has a code or a status: these decide, and what they wrap is private.
func customStatus(probe status.Encoded) (*runtime.HTTPStatusError, bool) {
	source := probe.Source()
	if source == status.SourceContext {
		source = probe.Otherwise()
	}
	if source != status.SourceUnknown {
		return nil, false
	}
	// Original is safe to inspect, whatever the error is.
	return errors.AsType[*runtime.HTTPStatusError](probe.Original())
}

// malformedPath returns the status of a path that grpc-gateway can't unescape. It says so
// before it calls an RPC.
func malformedPath(ctx context.Context, err error) (error, bool) {
	malformed, ok := err.(runtime.MalformedSequenceError)
	if _, called := runtime.RPCMethod(ctx); !ok || called {
		return nil, false
	}
	return grpcstatus.Error(grpccodes.InvalidArgument, malformed.Error()), true
}

// withoutAddresses returns an error with a gRPC status, with a fixed message if its own may name
// an address. r is nil for a stream.
func withoutAddresses(ctx context.Context, r *http.Request, err error) error {
	st := status.Convert(err)
	switch {
	case isProxied(ctx) && isBare(st) && mayNameAddress(ctx, st):
		// For an error that wasn't decoded, this makes the fixed message that of an upstream.
		received := status.Convert(new(status.Decoder).Decode(ctx, err))
		return received.WithMessage("").Wrap(err)
	case isBare(st) && st.GRPCCode() == grpccodes.InvalidArgument && !hasAnswered(ctx) && namesAddress(r, st.Message()):
		return st.WithMessage(unreadable).Wrap(err)
	}
	return err
}

// isBare reports whether a status has a canonical code and no details, as gRPC's own have.
func isBare(st *status.Status) bool {
	return st.Origin() == status.OriginBare && len(st.GRPCStatus().Proto().GetDetails()) == 0
}

// isProxied reports whether ctx is that of a call over a connection. For a handler in this
// process, the generated code sets a stream of grpc-gateway's own type. Before the call, and in
// a middleware, there is no method yet.
func isProxied(ctx context.Context) bool {
	_, local := grpc.ServerTransportStreamFromContext(ctx).(*runtime.ServerTransportStream)
	_, called := runtime.RPCMethod(ctx)
	return called && !local
}

// neverMadeByGRPC has the canonical codes that gRPC's own libraries never make
// (https://grpc.io/docs/guides/status-codes).
var neverMadeByGRPC = []grpccodes.Code{
	grpccodes.InvalidArgument, grpccodes.NotFound, grpccodes.AlreadyExists, grpccodes.FailedPrecondition,
	grpccodes.Aborted, grpccodes.OutOfRange, grpccodes.DataLoss,
}

// mayNameAddress reports whether a bare status may have been made by gRPC in this process, or by
// a proxy on the way to the backend: their texts name addresses and repeat a proxy's page.
//
// A proxy answers with UNAVAILABLE and DEADLINE_EXCEEDED. gRPC makes these even after headers, if
// the connection breaks. The other statuses that it makes with such a text come before any
// headers and trailers: those of the backend have at least a content type. A stream's trailers
// aren't known, so that a backend's status without headers looks like gRPC's.
func mayNameAddress(ctx context.Context, st *status.Status) bool {
	code := st.GRPCCode()
	switch {
	case slices.Contains(neverMadeByGRPC, code), isHealthAnswer(ctx, st.Message()):
		return false
	case code == grpccodes.Unavailable, code == grpccodes.DeadlineExceeded:
		return true
	}
	return !hasAnswered(ctx)
}

// hasAnswered reports whether a header or a trailer of the RPC has arrived.
func hasAnswered(ctx context.Context) bool {
	md, _ := runtime.ServerMetadataFromContext(ctx)
	return len(md.HeaderMD) > 0 || len(md.TrailerMD) > 0
}

// isHealthAnswer reports whether grpc-gateway's own handler made a status of a health check that
// succeeded; see [runtime.WithHealthEndpointAt].
func isHealthAnswer(ctx context.Context, message string) bool {
	method, _ := runtime.RPCMethod(ctx)
	return method == healthgrpc.Health_Check_FullMethodName && message == notServing
}

// notServing is the message of the status for a service that doesn't serve.
var notServing = (&healthgrpc.HealthCheckResponse{Status: healthgrpc.HealthCheckResponse_NOT_SERVING}).String()

// namesAddress reports whether a text names this server's address, as that of an error of
// reading the body does. A unix socket's address can be empty.
func namesAddress(r *http.Request, text string) bool {
	if r == nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && local.String() != "" && strings.Contains(text, local.String())
}
