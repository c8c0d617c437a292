package statushttp_test

import (
	"testing"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/status/statushttp"
)

// TestCode has the map of google/rpc/code.proto. The tests of a grpc-gateway compare it with
// the gateway's own.
func TestCode(t *testing.T) {
	want := []int{200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401}
	for c, httpStatus := range want {
		if got := statushttp.Code(grpccodes.Code(c)); got != httpStatus {
			t.Errorf("Code(%v) = %d; want %d", grpccodes.Code(c), got, httpStatus)
		}
	}
	for _, c := range []grpccodes.Code{17, 1004, 1<<32 - 1} {
		if got := statushttp.Code(c); got != 500 {
			t.Errorf("Code(%v) = %d; want 500", c, got)
		}
	}
}
