package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

const maxMessages = 1000

// newServer returns a server with the quickstart service, reflection and health.
// It logs failures with private text.
func newServer(logger *slog.Logger) *grpc.Server {
	server := grpc.NewServer(interceptor.ServerOptions(interceptor.WithLogger(logger))...)
	quickstartpb.RegisterQuickstartServer(server, quickstart{})
	reflection.Register(server)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	return server
}

// quickstart implements the service, whose methods fail on request.
type quickstart struct {
	quickstartpb.UnimplementedQuickstartServer
}

func (quickstart) Fail(_ context.Context, req *quickstartpb.FailRequest) (*quickstartpb.FailResponse, error) {
	if err := failure(req); err != nil {
		return nil, err
	}
	return &quickstartpb.FailResponse{}, nil
}

func (quickstart) FailStream(req *quickstartpb.FailStreamRequest, stream grpc.ServerStreamingServer[quickstartpb.FailStreamResponse]) error {
	if n := req.GetMessages(); n < 0 || n > maxMessages {
		return badRequest("messages", fmt.Sprintf("%d is not in 0..%d", n, maxMessages))
	}
	for i := range req.GetMessages() {
		if err := stream.Send(&quickstartpb.FailStreamResponse{Number: i + 1}); err != nil {
			return err
		}
	}
	return failure(req)
}

// A request has the fields that both requests of the service share.
type request interface {
	GetCode() string
	GetMessage() string
	GetCause() string
	GetMetadata() map[string]string
}

// failure returns the error that a request asks for, nil for NoError.
func failure(req request) error {
	if req.GetCode() == "" && req.GetCause() != "" {
		return errors.New(req.GetCause())
	}
	code, err := codes.Default().Parse(req.GetCode())
	if err != nil {
		return badRequest("code", err.Error())
	}
	if !codes.Default().Has(code.Number()) {
		return badRequest("code", fmt.Sprintf("no code has the number %d", code.Number()))
	}
	st := status.New(code, req.GetMessage())
	for key, value := range req.GetMetadata() {
		st = st.WithMetadata(key, value)
	}
	if req.GetCause() != "" && code != codes.Code(codes.NoError) {
		return st.Wrap(errors.New(req.GetCause()))
	}
	return st.Err()
}

func badRequest(field, description string) error {
	return status.New(codes.Args, description).
		WithMetadata("field", field).
		WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: field, Description: description},
		}}).
		Err()
}
