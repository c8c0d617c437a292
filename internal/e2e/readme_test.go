package e2e_test

import (
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// What follows is the chain of README.md, which TestChainLogsEachFaultOnce runs.

func serverOptions(logger logging.Logger) []grpc.ServerOption {
	private := logging.WithErrorFields(interceptor.ErrorFields) // logging writes the private text,
	errs := interceptor.NewServer(interceptor.WithLogger(nil))  // so errstatus itself logs nothing
	recovered := recovery.WithRecoveryHandler(status.Recovered)
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(logging.UnaryServerInterceptor(logger, private), errs.UnaryServerInterceptor(), recovery.UnaryServerInterceptor(recovered)),
		grpc.ChainStreamInterceptor(logging.StreamServerInterceptor(logger, private), errs.StreamServerInterceptor(), recovery.StreamServerInterceptor(recovered)),
	}
}
