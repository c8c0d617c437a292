package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// Context errors. The caller gets CANCELLED or DEADLINE_EXCEEDED only if a context ended.
// errors.Is finds the context's error only if the caller's own context ended.

func TestDeadlineOfAnotherContextIsNotTheCallers(t *testing.T) {
	for _, handlers := range []error{context.DeadlineExceeded, fmt.Errorf(testrpc.Secret+": %w", context.DeadlineExceeded)} {
		for _, c := range bareClients {
			err := testrpc.Received(t, handlers, c.opts...)
			testrpc.CheckStatus(t, err, testrpc.Canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded"))
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("errors.Is(%v, context.DeadlineExceeded) = true; want false, because the caller's context has not ended", err)
			}
			checkBare(t, c.name, err, grpccodes.DeadlineExceeded, c.assumes)
		}
	}
}

func TestCallerCancels(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	for _, k := range testrpc.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			svc := testrpc.Running(func(ctx context.Context) error {
				cancel()
				<-ctx.Done()
				return fmt.Errorf("%s: %w", testrpc.Secret, ctx.Err())
			})
			sent, outer := observed()
			client := testrpc.Connect(t, svc, append(outer, interceptor.ServerOptions()...), interceptor.DialOptions())

			_, err := k.Call(ctx, client)
			if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a caller that cancels gets %v; want an error that wraps context.Canceled only", err)
			}
			if got := grpcstatus.Code(err); got != grpccodes.Canceled {
				t.Errorf("the canonical code of %v is %v; want Canceled", err, got)
			}
			testrpc.CheckStatus(t, <-sent, testrpc.Canonical(t, grpccodes.Canceled, "context canceled"))
			if records := logs(); len(records) > 0 {
				t.Errorf("the log has %v for a cancelled call; want nothing", records)
			}
		})
	}
}

// observed returns interceptors that send the error of the inner interceptor on the
// channel.
func observed() (<-chan error, []grpc.ServerOption) {
	sent := make(chan error, 1)
	return sent, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			resp, err := handler(ctx, req)
			sent <- err
			return resp, err
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			err := handler(srv, stream)
			sent <- err
			return err
		}),
	}
}

// A manualContext's deadline passes when the test closes its channel.
type manualContext struct {
	context.Context
	done chan struct{}
}

func (c *manualContext) Done() <-chan struct{} { return c.done }

func (c *manualContext) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestCallersDeadlinePasses(t *testing.T) {
	for _, c := range bareClients {
		for _, k := range testrpc.Kinds {
			t.Run(c.name+", "+k.Name, func(t *testing.T) {
				callers := &manualContext{t.Context(), make(chan struct{})}
				svc := testrpc.Running(func(ctx context.Context) error {
					close(callers.done)
					<-ctx.Done()
					return ctx.Err()
				})
				_, err := k.Call(callers, testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions(c.opts...)))
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("a caller whose deadline passes gets %v; want an error that wraps context.DeadlineExceeded only", err)
				}
				checkBare(t, c.name, err, grpccodes.DeadlineExceeded, c.assumes)
			})
		}
	}
}

// If the RPC's context has ended, it decides between CANCELLED and DEADLINE_EXCEEDED,
// not the error that the handler returns: neither a context error nor one that would be
// withheld.
func TestEndedContextOfTheRPCDecidesTheCode(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer stop()

	decode := func(c grpccodes.Code) error {
		return new(status.Decoder).Decode(t.Context(), grpcstatus.Error(c, testrpc.Secret))
	}
	ending := []error{
		context.Canceled,
		context.DeadlineExceeded,
		fmt.Errorf(testrpc.Secret+": %w", context.Canceled),
		errors.Join(errors.New(testrpc.Secret), context.DeadlineExceeded),
		grpcstatus.Error(grpccodes.Canceled, testrpc.Secret),
		grpcstatus.Error(grpccodes.DeadlineExceeded, testrpc.Secret),
		decode(grpccodes.Canceled),
		decode(grpccodes.DeadlineExceeded),
		decode(grpccodes.Unavailable),
		decode(grpccodes.NotFound),
		errors.New(testrpc.Secret),
		fmt.Errorf(testrpc.Secret+": %w", io.ErrClosedPipe),
		errors.Join(errors.New(testrpc.Secret), decode(grpccodes.Internal)),
		grpcstatus.Error(1305, testrpc.Secret), // a raw number without a row
	}
	server := interceptor.UnaryServer(interceptor.WithErrorMapping(io.EOF, codes.SrvData))
	end := func(ctx context.Context, err error) error {
		_, err = server(ctx, nil, &grpc.UnaryServerInfo{}, func(context.Context, any) (any, error) { return nil, err })
		return err
	}
	for _, err := range ending {
		testrpc.CheckStatus(t, end(cancelled, err), testrpc.Canonical(t, grpccodes.Canceled, "context canceled"))
		testrpc.CheckStatus(t, end(late, err), testrpc.Canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded"))
	}

	// Any other error is encoded as if the context had not ended.
	testrpc.CheckStatus(t, end(cancelled, errors.Join(context.Canceled, codes.SrvDatabase)), testrpc.Carrying(t, codes.SrvDatabase, ""))
	testrpc.CheckStatus(t, end(cancelled, errors.Join(context.Canceled, io.EOF)), testrpc.Carrying(t, codes.SrvData, ""))
	testrpc.CheckStatus(t, end(cancelled, grpcstatus.Error(grpccodes.NotFound, "own message")), testrpc.Canonical(t, grpccodes.NotFound, "own message"))
	for _, bug := range []error{codes.NoError, (*nilPointer)(nil), panicsInError{}, panicsInIs{errors.New(testrpc.Secret)}} {
		testrpc.CheckStatus(t, end(cancelled, bug), testrpc.Carrying(t, codes.ServerInternal, ""))
	}
}

func TestContextErrorIsFoundOnlyIfTheCallersContextEnded(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	inTime, stop := context.WithTimeout(t.Context(), time.Hour)
	defer stop()

	for c, kind := range map[grpccodes.Code]error{
		grpccodes.Canceled:         context.Canceled,
		grpccodes.DeadlineExceeded: context.DeadlineExceeded,
	} {
		for _, ctx := range []context.Context{t.Context(), inTime, cancelled} {
			err := interceptor.UnaryClient()(ctx, "/s/m", nil, nil, nil, invoking(grpcstatus.Error(c, "not the caller's")))
			if got, want := errors.Is(err, kind), ctx.Err() == kind; got != want {
				t.Errorf("errors.Is(%v, %v) = %t while the caller's context reports %v; want %t", err, kind, got, ctx.Err(), want)
			}
		}
	}
}

// A status may arrive after the caller's deadline, but before the timer that ends the
// caller's context. Then errors.Is finds context.DeadlineExceeded too.
func TestDeadlineThatHasPassedCountsBeforeItsTimer(t *testing.T) {
	ctx := &overdueContext{t.Context()}
	for c, want := range map[grpccodes.Code]bool{grpccodes.DeadlineExceeded: true, grpccodes.Unavailable: false} {
		err := interceptor.UnaryClient()(ctx, "/s/m", nil, nil, nil, invoking(grpcstatus.Error(c, "")))
		if got := errors.Is(err, context.DeadlineExceeded); got != want {
			t.Errorf("%v: errors.Is(%v, context.DeadlineExceeded) = %t; want %t", c, err, got, want)
		}
	}
}

// An overdueContext has a deadline in the past and hasn't ended yet.
type overdueContext struct{ context.Context }

func (overdueContext) Deadline() (time.Time, bool) { return time.Unix(0, 0), true }

// invoking returns a transport that fails every call with err.
func invoking(err error) grpc.UnaryInvoker {
	return func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return err }
}
