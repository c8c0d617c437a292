// The minimal command is a whole server and client with errstatus.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// server implements gRPC's health service, so that the example needs no .proto file.
type server struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (server) Check(_ context.Context, req *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	return nil, status.Errorf(codes.RecordNotFound, "service %q", req.GetService())
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := grpc.NewServer(interceptor.ServerOptions()...)
	grpc_health_v1.RegisterHealthServer(srv, server{})
	go srv.Serve(listener)
	defer srv.Stop()

	options := append(interceptor.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(listener.Addr().String(), options...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	_, err = grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{Service: "mail"})
	fmt.Println(err)
	fmt.Println("the code: ", errors.Is(err, codes.RecordNotFound), status.Code(err).Number())
	fmt.Println("to others:", grpcstatus.Code(err))
}
