package gateway_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/integrations/gateway"
	testgateway "github.com/errstatus/errstatus/integrations/gateway/internal/testservice"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// users is a service whose calls all fail.
type users struct {
	testgrpc.UnimplementedTestServiceServer
}

func (users) UnaryCall(context.Context, *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	return nil, status.Errorf(codes.RecordNotFound, "user %q", "42")
}

// A handler in the gateway's own process: no interceptor runs, but the same rules apply.
func ExampleOptions() {
	server := interceptor.NewServer()
	mux := runtime.NewServeMux(gateway.Options(&statushttp.Writer{Encoder: server})...)
	if err := testgateway.RegisterTestServiceHandlerServer(context.Background(), mux, users{}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(post(mux, "application/json"))
	fmt.Println(post(mux, "application/problem+json"))
	// Output:
	// 404 {"error":{"code":404,"message":"user \"42\"","status":"NOT_FOUND","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RECORD_NOT_FOUND","domain":"openim.io","metadata":{"code":"1004"}}]}}
	// 404 {"title":"record not found","status":404,"detail":"user \"42\"","grpcCode":"NOT_FOUND","code":1004,"reason":"RECORD_NOT_FOUND","domain":"openim.io"}
}

// A gateway in front of another process. Its connection forwards every status, because the
// backend is its own. Nobody listens at the address here. The answer doesn't show it.
func ExampleOptions_connection() {
	mux := runtime.NewServeMux(gateway.Options(&statushttp.Writer{Encoder: interceptor.NewServer()})...)
	dial := interceptor.DialOptions(interceptor.WithUpstreamTrust(status.TrustAll))
	conn, err := grpc.NewClient("127.0.0.1:1", append(dial, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if err := testgateway.RegisterTestServiceHandler(context.Background(), mux, conn); err != nil {
		log.Fatal(err)
	}
	fmt.Println(post(mux, "application/json"))
	// Output:
	// 503 {"error":{"code":503,"message":"an upstream service is unavailable","status":"UNAVAILABLE"}}
}

// post calls a method and returns what a client reads.
func post(mux http.Handler, accept string) string {
	r := httptest.NewRequest(http.MethodPost, "/v1/calls", strings.NewReader("{}"))
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return fmt.Sprintf("%d %s", w.Code, w.Body)
}
