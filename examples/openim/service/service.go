// Package service has the options of a service of OpenIM's with errstatus: those of
// its server, and of its connections to others. Both are for one deploy: an old
// server hands on as it is what such a connection receives in canonical form. Copy
// them, with the packages adapter and missing.
package service

import (
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	openimclient "github.com/openimsdk/tools/mw/grpc/client"
	openimserver "github.com/openimsdk/tools/mw/grpc/server"
	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/examples/openim/adapter"
	"github.com/errstatus/errstatus/examples/openim/missing"
	"github.com/errstatus/errstatus/interceptor"
)

// ServerOptions take the place of those with GrpcServerErrorConvert, and of
// mw.GrpcServer(). They are in the order in which a call passes them.
func ServerOptions(opts ...interceptor.ServerOption) []grpc.ServerOption {
	recovered := recovery.WithRecoveryHandler(interceptor.RecoveryHandler)
	own := []interceptor.ServerOption{interceptor.WithTable(missing.Table), interceptor.AdaptCodeErrors(), interceptor.WithErrorMapper(adapter.Replaced(missing.Table))}

	all := []grpc.ServerOption{openimserver.GrpcServerMetadataContext()}
	all = append(all, interceptor.ServerOptions(append(own, opts...)...)...)
	return append(all,
		openimserver.GrpcServerLogger(), // inside, where it sees the whole error
		openimserver.GrpcServerRequestValidate(),
		grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(recovered)),
		grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(recovered)),
	)
}

// DialOptions take the place of those with GrpcClientErrorConvert, and of
// mw.GrpcClient().
func DialOptions(opts ...interceptor.ClientOption) []grpc.DialOption {
	own := []interceptor.ClientOption{interceptor.WithTable(missing.Table)}
	return append([]grpc.DialOption{
		openimclient.GrpcClientLogger(),
		openimclient.GrpcClientContext(), // before errstatus: it makes the metadata anew
		grpc.WithChainUnaryInterceptor(adapter.UnaryClient()),
	}, interceptor.DialOptions(append(own, opts...)...)...)
}
