// Package testrpc has what errstatus's tests through a real gRPC server share: a
// service that ends each call as a test says, the four kinds of call, servers and
// connections that last as long as a test, and the statuses that tests expect.
//
// The service is TestService of gRPC's own interop/grpc_testing, which has all
// four kinds of call.
package testrpc
