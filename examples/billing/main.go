// The billing command is a service with an enum of codes of its own, and two clients. The
// enum is in the same file as the service, proto/billing/v1/billing.proto.
//
// One client knows the enum and OpenIM's codes. The other has neither of them, nor
// errstatus, like a client in another language.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/examples/billing/billingpb"
	"github.com/errstatus/errstatus/status"
)

// calls has a call for each way in which Pay can end.
var calls = []struct {
	name    string
	request *billingpb.PayRequest
}{
	{"all is well", &billingpb.PayRequest{CustomerId: "ada", Card: "0001", ShopId: "books", Cents: 4_000}},
	{"a card that the bank refuses", &billingpb.PayRequest{CustomerId: "ada", Card: "0002", ShopId: "books", Cents: 4_000}},
	{"too little money", &billingpb.PayRequest{CustomerId: "ada", Card: "0001", ShopId: "books", Cents: 6_250}},
	{"a shop without a bank account", &billingpb.PayRequest{CustomerId: "ada", Card: "0001", ShopId: "new-shop", Cents: 4_000}},
	{"a bank that doesn't answer", &billingpb.PayRequest{CustomerId: "ada", Card: "0003", ShopId: "books", Cents: 4_000}},
	{"an unknown customer", &billingpb.PayRequest{CustomerId: "bob", Card: "0001", ShopId: "books", Cents: 4_000}},
	{"an error without a code", &billingpb.PayRequest{CustomerId: "ada", Card: "0004", ShopId: "books", Cents: 4_000}},
}

func main() {
	if err := run(os.Stdout, slog.New(slog.DiscardHandler)); err != nil {
		fmt.Fprintln(os.Stderr, "billing:", err)
		os.Exit(1)
	}
}

// run starts the server, makes each call with both clients, and writes what they read.
func run(out io.Writer, logger *slog.Logger) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := newServer(logger)
	go srv.Serve(listener)
	defer srv.Stop()

	knowing, err := newClient(listener.Addr(), knowingOptions()...)
	if err != nil {
		return err
	}
	defer knowing.Close()
	plain, err := newClient(listener.Addr())
	if err != nil {
		return err
	}
	defer plain.Close()

	for _, call := range calls {
		fmt.Fprintf(out, "%s\n", call.name)
		portuguese := metadata.AppendToOutgoingContext(context.Background(), "accept-language", "pt-BR")
		_, err := billingpb.NewBillingServiceClient(knowing).Pay(portuguese, call.request)
		fmt.Fprintf(out, "  knows the enums: %s\n", nextStep(err))
		if err == nil {
			continue
		}
		fmt.Fprintf(out, "    in Portuguese: %s\n", status.UserMessage(err))
		_, err = billingpb.NewBillingServiceClient(plain).Pay(context.Background(), call.request)
		fmt.Fprintf(out, "  any gRPC client: %s\n", strings.ReplaceAll(describe(err), "\n", "\n                   "))
	}
	return nil
}

func newClient(addr net.Addr, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient(addr.String(), append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
}
