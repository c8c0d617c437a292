package main

import (
	"context"
	"time"

	"github.com/openimsdk/tools/stability/circuitbreaker"
	"github.com/openimsdk/tools/stability/circuitbreaker/sre"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/status"
)

// newBreaker is that of OpenIM's tools: it opens where less than 60 % of 100 calls and more have
// succeeded. Its window is longer than by default, so that no pause of the
// machine closes it.
func newBreaker() circuitbreaker.CircuitBreaker { return sre.NewSREBraker(sre.WithWindow(time.Minute)) }

// refused is what a caller gets while the breaker is open.
var refused = grpcstatus.Error(grpccodes.Unavailable, "service unavailable due to circuit breaker")

// breaking is a server's outermost interceptor, with the rule of open-im-server:
// these four codes are the caller's fault, and every other is the server's. code
// is what it takes for the code of an error.
func breaking(b circuitbreaker.CircuitBreaker, code func(error) grpccodes.Code) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if b.Allow() != nil {
			return nil, refused
		}
		resp, err := handler(ctx, req)
		switch code(err) {
		case grpccodes.OK, grpccodes.InvalidArgument, grpccodes.NotFound, grpccodes.AlreadyExists, grpccodes.PermissionDenied:
			b.MarkSuccess()
		default:
			b.MarkFailed()
		}
		return resp, err
	}
}

// canonical is the code to ask for as long as OpenIM's form is sent to anyone: it
// is the canonical one, whatever is sent.
func canonical(err error) grpccodes.Code { return status.Convert(err).GRPCCode() }
