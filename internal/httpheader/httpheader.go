// Package httpheader makes gRPC metadata of the headers of an HTTP request.
package httpheader

import (
	"net/http"
	"strings"

	"google.golang.org/grpc/metadata"
)

// Metadata returns the headers of a request as incoming gRPC metadata, for functions that read
// such metadata on a gRPC server. It leaves out names that begin with "grpc-" or end with
// "-bin", because they have another meaning there. The result is new, and its values are those
// of the headers.
func Metadata(headers http.Header) metadata.MD {
	md := make(metadata.MD, len(headers))
	for name, values := range headers {
		if key := strings.ToLower(name); !strings.HasPrefix(key, "grpc-") && !strings.HasSuffix(key, "-bin") {
			md[key] = values
		}
	}
	return md
}
