// The front command is a grpc-gateway in front of a TestService. It is built twice: as
// it is, and with the build tag errdetails, which adds one blank import. It must not
// import errstatus, which links the types of google.rpc's details into every program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	gateway "github.com/errstatus/errstatus/internal/e2e/gateway/testservice"
)

//go:generate go run ../generate ../testservice UnaryCall StreamingOutputCall

func main() {
	backend := flag.String("backend", "", "the `address` of the TestService")
	tolerant := flag.Bool("tolerant", false, "print details of unknown types without their fields")
	flag.Parse()
	if err := run(*backend, *tolerant); err != nil {
		fmt.Fprintln(os.Stderr, "front:", err)
		os.Exit(1)
	}
}

// run serves at a free port, whose address it prints, until standard input ends. So the
// program ends with the tests, however they end.
func run(backend string, tolerant bool) error {
	conn, err := grpc.NewClient(backend, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()

	var options []runtime.ServeMuxOption
	if tolerant {
		options = append(options, tolerantMarshaler())
	}
	mux := runtime.NewServeMux(options...)
	if err := gateway.RegisterTestServiceHandler(context.Background(), mux, conn); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Close()
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// tolerantMarshaler is the gateway's default marshaler with a tolerantResolver.
func tolerantMarshaler() runtime.ServeMuxOption {
	return runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{
		Marshaler: &runtime.JSONPb{
			MarshalOptions: protojson.MarshalOptions{
				EmitUnpopulated: true,
				Resolver:        tolerantResolver{protoregistry.GlobalTypes},
			},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
		},
	})
}

// A tolerantResolver takes a message of an unknown type as one without fields.
type tolerantResolver struct{ *protoregistry.Types }

// FindMessageByURL returns the type that url names, or that of Empty if it is unknown.
func (r tolerantResolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	found, err := r.Types.FindMessageByURL(url)
	if errors.Is(err, protoregistry.NotFound) {
		return (*emptypb.Empty)(nil).ProtoReflect().Type(), nil
	}
	return found, err
}
