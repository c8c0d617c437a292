package gateway_test

import (
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/internal/reference"
)

// References name the HTTP status that a gateway answers.
func TestReferencesHaveTheGatewaysHTTPStatus(t *testing.T) {
	for c := grpccodes.OK; c <= grpccodes.Unauthenticated; c++ {
		if got, want := reference.HTTPStatus(c), runtime.HTTPStatusFromCode(c); got != want {
			t.Errorf("HTTPStatus(%v) = %d; want the gateway's %d", c, got, want)
		}
	}
}
