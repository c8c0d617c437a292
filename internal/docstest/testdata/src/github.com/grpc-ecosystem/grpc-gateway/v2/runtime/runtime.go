// Package runtime stands for grpc-gateway's, which only the nested modules require.
package runtime

import (
	"context"
	"net/http"
)

type (
	ServeMux       struct{ http.Handler }
	ServeMuxOption = any // also in the stub of integrations/gateway
	Marshaler      any
	HandlerFunc    func(w http.ResponseWriter, r *http.Request, pathParams map[string]string)
)

func NewServeMux(opts ...ServeMuxOption) *ServeMux { return nil }

func WithMiddlewares(middlewares ...func(HandlerFunc) HandlerFunc) ServeMuxOption { return nil }

func HTTPError(ctx context.Context, mux *ServeMux, marshaler Marshaler, w http.ResponseWriter, r *http.Request, err error) {
}
