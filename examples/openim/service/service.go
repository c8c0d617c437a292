// Package service has the options for an OpenIM service that uses errstatus: for its
// server and for its connections to upstreams. Deploy both together: OpenIM's server
// interceptors would forward a canonical status from such a connection unchanged.
//
// Copy the package together with the packages adapter and missing.
package service

import (
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	openimclient "github.com/openimsdk/tools/mw/grpc/client"
	openimserver "github.com/openimsdk/tools/mw/grpc/server"
	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/examples/openim/adapter"
	"github.com/errstatus/errstatus/examples/openim/missing"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// ServerOptions returns options that replace those with GrpcServerErrorConvert, or
// mw.GrpcServer(). A call passes the interceptors in this order.
func ServerOptions(opts ...interceptor.ServerOption) []grpc.ServerOption {
	recovered := recovery.WithRecoveryHandler(status.Recovered)
	own := []interceptor.ServerOption{interceptor.WithTable(missing.Table), interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail), interceptor.WithErrorMapper(adapter.Replaced(missing.Table))}

	all := []grpc.ServerOption{openimserver.GrpcServerMetadataContext()}
	all = append(all, interceptor.ServerOptions(append(own, opts...)...)...)
	return append(all,
		openimserver.GrpcServerLogger(), // after errstatus, where it gets the handler's whole error
		openimserver.GrpcServerRequestValidate(),
		grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(recovered)),
		grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(recovered)),
	)
}

// DialOptions returns options that replace those with GrpcClientErrorConvert, or
// mw.GrpcClient().
func DialOptions(opts ...interceptor.ClientOption) []grpc.DialOption {
	own := []interceptor.ClientOption{interceptor.WithTable(missing.Table)}
	return append([]grpc.DialOption{
		openimclient.GrpcClientLogger(),
		openimclient.GrpcClientContext(), // before errstatus: it replaces the metadata
		grpc.WithChainUnaryInterceptor(adapter.UnaryClient()),
	}, interceptor.DialOptions(append(own, opts...)...)...)
}
