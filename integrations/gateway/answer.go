package gateway

import (
	"context"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/status"
)

// write answers a request. An httpStatus that isn't 0 replaces that of the canonical code.
//
// Only grpc-gateway's own handler can ask the mux which headers and trailers of the backend
// are forwarded. So that handler writes to a forwarder, which keeps its headers and
// trailers, and replaces its HTTP status and body by the Writer's.
func (h *handlers) write(ctx context.Context, mux *runtime.ServeMux, w http.ResponseWriter, r *http.Request, encoded status.Encoded, httpStatus int) {
	f := forwarder{w, func() { h.writer.WriteEncoded(w, r, httpStatus, encoded) }}
	runtime.DefaultHTTPErrorHandler(withoutReserved(ctx), mux, &runtime.JSONBuiltin{}, f, r, ignored)
}

// ignored is the error that grpc-gateway's own handler writes to a forwarder. With
// UNAUTHENTICATED, the handler would put the message into WWW-Authenticate.
var ignored = grpcstatus.Error(grpccodes.Unknown, "")

// A forwarder is a ResponseWriter that writes another HTTP status and body than it is given.
type forwarder struct {
	http.ResponseWriter
	write func()
}

func (f forwarder) WriteHeader(int) { f.write() }

func (f forwarder) Write(body []byte) (int, error) { return len(body), nil }

// withoutReserved removes the keys from the backend's metadata that gRPC reserves for itself.
// grpc-status-details-bin has the backend's status with text that may be withheld.
func withoutReserved(ctx context.Context) context.Context {
	md, ok := runtime.ServerMetadataFromContext(ctx)
	if !ok {
		return ctx
	}
	return runtime.NewServerMetadataContext(ctx, runtime.ServerMetadata{
		HeaderMD:  unreserved(md.HeaderMD),
		TrailerMD: unreserved(md.TrailerMD),
	})
}

func unreserved(md metadata.MD) metadata.MD {
	kept := metadata.MD{}
	for key, values := range md {
		if !strings.HasPrefix(key, "grpc-") {
			kept[key] = values
		}
	}
	return kept
}
