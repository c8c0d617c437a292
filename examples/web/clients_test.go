package main

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/examples/web/accountspb/accountspbconnect"
	connectstatus "github.com/errstatus/errstatus/integrations/connect"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// Clients of gRPC, Connect and HTTP read the same error, with its parameter.
func TestClients(t *testing.T) {
	p := start(t)
	table := accountspb.AccountCode(0).Table()

	conn, err := dial(p.grpcAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	grpcClient := accountspb.NewAccountServiceClient(conn)
	connectClient := accountspbconnect.NewAccountServiceClient(connect.NewClient(
		connecthttp.NewTransport(http.DefaultClient, p.url),
		connectstatus.ClientInterceptor(interceptor.NewClient(interceptor.WithTable(table))),
	))
	reader := statushttp.Reader{Decoder: &status.Decoder{Tables: []*codes.Table{table}}}

	req := &accountspb.RegisterRequest{User: &accountspb.User{Name: "ada", EmailAddress: "ada@example.com"}}
	for name, call := range map[string]func() error{
		"gRPC": func() error {
			_, err := grpcClient.Register(t.Context(), req)
			return err
		},
		"gRPC stream": func() error {
			stream, err := grpcClient.RegisterSteps(t.Context(), req)
			for err == nil {
				_, err = stream.Recv()
			}
			return err
		},
		"Connect": func() error {
			_, err := connectClient.Register(t.Context(), req)
			return err
		},
		"Connect stream": func() error {
			stream, err := connectClient.RegisterSteps(t.Context(), req)
			for err == nil {
				_, err = stream.Receive()
			}
			return err
		},
		"HTTP": func() error {
			resp, err := http.Post(p.url+"/v1/users", "application/json", strings.NewReader(`{"user": {"name": "ada", "emailAddress": "ada@example.com"}}`))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			return reader.CheckResponse(resp)
		},
	} {
		err := call()
		if taken, ok := errors.AsType[accountspb.NameTakenError](err); !ok || taken.Name != "ada" {
			t.Errorf("%s: the client reads %v; want a NameTakenError for ada", name, err)
		}
		if status.RequestID(err) == "" {
			t.Errorf("%s: the client reads no request id", name)
		}
	}
}

// A caller of gRPC gets an id too, whatever it sends.
func TestRequestIDOfAGRPCCaller(t *testing.T) {
	conn, err := dial(start(t).grpcAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for sent, want := range map[string]*regexp.Regexp{
		"MINE":      regexp.MustCompile(`^MINE$`),
		"two words": regexp.MustCompile(`^\w{10}$`),
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", sent)
		_, err := accountspb.NewAccountServiceClient(conn).Register(ctx, &accountspb.RegisterRequest{})
		if id := status.RequestID(err); !want.MatchString(id) {
			t.Errorf("a caller with the id %q gets %q; want one that matches %v", sent, id, want)
		}
	}
}
