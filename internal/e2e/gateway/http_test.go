package gateway_test

import (
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/status/statushttp"
)

// A handler, a reference and a gateway have the same HTTP status for a canonical code.
func TestCodeIsTheGateways(t *testing.T) {
	for c := grpccodes.OK; c <= grpccodes.Unauthenticated; c++ {
		if got, want := statushttp.Code(c), runtime.HTTPStatusFromCode(c); got != want {
			t.Errorf("Code(%v) = %d; want the gateway's %d", c, got, want)
		}
	}
}
