package e2e_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/drain"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// shutDown is the cause with which a server ends its RPCs.
func shutDown() error {
	return status.New(codes.SrvNetwork, "the server is shutting down").WithRetryDelay(time.Second).Err()
}

// drained returns the options of a server with errstatus inside of a drain.
func drained(d *drain.Drain) []grpc.ServerOption {
	return append(d.ServerOptions(), interceptor.ServerOptions()...)
}

// A draining handler is what a handler returns when its context ends, and what the caller gets.
type draining struct {
	name string
	end  func(ctx context.Context) error
	want error
}

func drainings() []draining {
	unavailable := shutDown()
	return []draining{
		{"the context's error", func(ctx context.Context) error { return ctx.Err() }, unavailable},
		{"the context's cause", context.Cause, unavailable},
		{"a driver's text", func(context.Context) error { return errors.New("pq: canceling statement") }, unavailable},
		{"a code of the handler", func(context.Context) error { return codes.RecordNotFound }, codes.RecordNotFound},
	}
}

func TestDrainedCallsAreUnavailable(t *testing.T) {
	for _, tt := range drainings() {
		for _, k := range testrpc.Kinds {
			t.Run(tt.name+", "+k.Name, func(t *testing.T) {
				const calls = 5
				started := make(chan struct{}, calls)
				svc := testrpc.Running(func(ctx context.Context) error {
					started <- struct{}{}
					<-ctx.Done()
					return tt.end(ctx)
				})
				d := drain.New()
				var server *grpc.Server
				register := func(s *grpc.Server) { server = s; testrpc.Register(svc)(s) }
				client := testgrpc.NewTestServiceClient(testrpc.Serve(t, register, drained(d), interceptor.DialOptions()))

				ended := make(chan error, calls)
				for range calls {
					go func() {
						_, err := k.Call(t.Context(), client)
						ended <- err
					}()
				}
				for range calls {
					<-started
				}
				d.Stop(server, shutDown(), 0, time.Minute)
				for range calls {
					err := <-ended
					testrpc.CheckStatus(t, err, status.ToGRPC(tt.want).Proto())
					if !errors.Is(err, status.Code(tt.want)) {
						t.Errorf("the caller gets %v; want %v", err, status.Code(tt.want))
					}
				}
			})
		}
	}
}

// What the callers of a drained server read.
func TestDrainedCallHasADelay(t *testing.T) {
	d := drain.New()
	started := make(chan struct{})
	svc := testrpc.Running(func(ctx context.Context) error { close(started); <-ctx.Done(); return ctx.Err() })
	var server *grpc.Server
	register := func(s *grpc.Server) { server = s; testrpc.Register(svc)(s) }
	client := testgrpc.NewTestServiceClient(testrpc.Serve(t, register, drained(d), interceptor.DialOptions()))
	ended := make(chan error)
	go func() {
		_, err := testrpc.CallUnary(t.Context(), client)
		ended <- err
	}()
	<-started
	d.Stop(server, shutDown(), 0, time.Minute)
	err := <-ended
	testrpc.CheckStatus(t, err, testrpc.Carrying(t, codes.SrvNetwork, "the server is shutting down", &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}))
	if delay, ok := status.RetryDelay(err); delay != time.Second || !ok || !errors.Is(err, codes.SrvNetwork) {
		t.Errorf("the caller reads the delay %v, %t of %v; want a second and SrvNetwork", delay, ok, err)
	}
}

// A drain changes nothing for calls that end before it, or that their callers cancel.
func TestDrainLeavesOtherCallsAlone(t *testing.T) {
	d := drain.New()
	w := &watched{Service: testrpc.Returning(nil), logs: testrpc.CaptureLog(t)}
	w.install(t, drained(d))
	for _, k := range testrpc.Kinds {
		call := w.fail(t.Context(), k, errors.New(testrpc.Secret))
		if got := call.sent.GetCode(); got != int32(grpccodes.Internal) {
			t.Errorf("%s: a plain error is sent as %v; want INTERNAL", k.Name, call.sent)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w.Run(testrpc.AtOpen, func(ctx context.Context) error { cancel(); <-ctx.Done(); return ctx.Err() })
		if got := w.call(ctx, k).sent.GetCode(); got != int32(grpccodes.Canceled) {
			t.Errorf("%s: a call that its caller cancels is sent as %v; want CANCELLED", k.Name, grpccodes.Code(got))
		}
	}
}
