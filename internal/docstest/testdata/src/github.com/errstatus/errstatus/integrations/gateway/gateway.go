// Package gateway stands for the nested module integrations/gateway.
package gateway

import "github.com/errstatus/errstatus/status/statushttp"

func Options(w *statushttp.Writer) []any { return nil } // of runtime.ServeMuxOption
