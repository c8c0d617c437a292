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

// newBreaker returns the breaker of OpenIM's tools. It opens if less than 60 % of at
// least 100 calls succeeded. Its window is longer than the default, so that a pause of
// the machine does not close it.
func newBreaker() circuitbreaker.CircuitBreaker { return sre.NewSREBraker(sre.WithWindow(time.Minute)) }

// refused is the error that a caller gets while the breaker is open.
var refused = grpcstatus.Error(grpccodes.Unavailable, "service unavailable due to circuit breaker")

// withBreaker returns a server interceptor that must be the outermost one. It follows
// open-im-server's rule: four codes are the caller's fault, all others the server's.
// The function code returns the code of an error.
func withBreaker(b circuitbreaker.CircuitBreaker, code func(error) grpccodes.Code) grpc.UnaryServerInterceptor {
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

// canonical returns the canonical code of err, also if the server sends the numeric
// form. Use it as long as any caller gets the numeric form.
func canonical(err error) grpccodes.Code { return status.Convert(err).GRPCCode() }
