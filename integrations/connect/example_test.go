package connectstatus_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/errstatus/errstatus/codes"
	connectstatus "github.com/errstatus/errstatus/integrations/connect"
	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// users is a service whose generated code is in grpc_testingconnect.
type users struct {
	grpc_testingconnect.UnimplementedTestServiceHandler
}

func (users) UnaryCall(context.Context, *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	return nil, status.New(codes.RecordNotFound, "no such user").WithMetadata("user", "42").Wrap(errors.New("sql: no rows"))
}

// A code crosses from a server of Connect to a client.
func Example() {
	server := connect.NewServer(connectstatus.ServerInterceptor(interceptor.NewServer()))
	grpc_testingconnect.RegisterTestServiceHandler(server, users{})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	listening := httptest.NewServer(mux)
	defer listening.Close()

	transport := connecthttp.NewTransport(listening.Client(), listening.URL)
	client := connect.NewClient(transport, connectstatus.ClientInterceptor(interceptor.NewClient()))
	_, err := grpc_testingconnect.NewTestServiceClient(client).UnaryCall(context.Background(), &testgrpc.SimpleRequest{})

	fmt.Println(errors.Is(err, codes.RecordNotFound), connect.CodeOf(err), status.Convert(err).Metadata())
	fmt.Println(err)
	// Output:
	// true not_found map[user:42]
	// RecordNotFound: no such user
}
