// Package testrpc has helpers for tests of errstatus through a real gRPC server: a
// service whose handlers return the test's errors, the four kinds of call, servers and
// connections that are closed when a test ends, and the statuses that tests expect.
//
// The service is TestService of gRPC's own interop/grpc_testing, which has all
// four kinds of call.
package testrpc
