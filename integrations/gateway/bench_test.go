package gateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/integrations/gateway"
	"github.com/errstatus/errstatus/internal/testrpc"
)

// BenchmarkCall makes a call of a handler in this process, with grpc-gateway's own handlers of
// errors and with those of this package.
func BenchmarkCall(b *testing.B) {
	for _, options := range []struct {
		name string
		opts []runtime.ServeMuxOption
	}{{"own", nil}, {"errstatus", gateway.Options(nil)}} {
		for _, failure := range []struct {
			name string
			err  error
		}{{"none", nil}, {"code", codes.RecordNotFound}, {"full", full(codes.Args)}} {
			b.Run("handlers="+options.name+"/err="+failure.name, func(b *testing.B) {
				mux := runtime.NewServeMux(options.opts...)
				inProcess.serve(b, mux, testrpc.Returning(failure.err))
				b.ReportAllocs()
				for b.Loop() {
					mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", unary, strings.NewReader("{}")))
				}
			})
		}
	}
}
