package bench

import (
	"context"
	"net"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/test/bufconn"
)

// connectCaller is like caller for connect's own server and client, which use gRPC's
// protocol over Go's HTTP/2.
func connectCaller(tb testing.TB, fail func() error) (call func() bool) {
	tb.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	handler := connect.NewUnaryHandler(unaryInfo.FullMethod,
		func(context.Context, *connect.Request[testgrpc.SimpleRequest]) (*connect.Response[testgrpc.SimpleResponse], error) {
			return nil, fail()
		})
	lis := bufconn.Listen(64 << 10)
	server := &http.Server{Handler: handler, Protocols: &protocols}
	go server.Serve(lis)
	tb.Cleanup(func() { server.Close() })
	transport := &http.Transport{
		Protocols:   &protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return lis.DialContext(ctx) },
	}
	tb.Cleanup(transport.CloseIdleConnections)
	client := connect.NewClient[testgrpc.SimpleRequest, testgrpc.SimpleResponse](
		&http.Client{Transport: transport}, "http://bench"+unaryInfo.FullMethod, connect.WithGRPC())
	request := connect.NewRequest(&testgrpc.SimpleRequest{})
	return func() bool {
		_, err := client.CallUnary(context.Background(), request)
		return foundByConnect(err)
	}
}

// foundByConnect reports whether connect's caller finds the code in err.
func foundByConnect(err error) bool {
	failed, ok := err.(*connect.Error)
	if !ok {
		return false
	}
	for _, detail := range failed.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok {
				return info.GetReason() == reason
			}
		}
	}
	return false
}
