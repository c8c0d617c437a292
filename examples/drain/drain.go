// Package drain ends the RPCs of a server that stops, with a status that tells their callers
// to try again. It is an example: copy it.
package drain

import (
	"context"
	"time"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
)

// A Drain ends the running RPCs of a server.
type Drain struct {
	ctx   context.Context
	begin context.CancelCauseFunc // its argument is the cause that ends the RPCs
}

// New returns a Drain that has not begun.
func New() *Drain {
	ctx, begin := context.WithCancelCause(context.Background())
	return &Drain{ctx, begin}
}

// ServerOptions returns the options by which the Drain knows the RPCs of a server. They come
// before the options of errstatus.
func (d *Drain) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(d.unary), grpc.ChainStreamInterceptor(d.stream)}
}

func (d *Drain) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, stop := d.watch(ctx)
	defer stop()
	return handler(ctx, req)
}

func (d *Drain) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, stop := d.watch(stream.Context())
	defer stop()
	return handler(srv, &middleware.WrappedServerStream{ServerStream: stream, WrappedContext: ctx})
}

// watch returns a copy of an RPC's context that also ends when the drain begins.
func (d *Drain) watch(ctx context.Context) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	unregister := context.AfterFunc(d.ctx, func() { cancel(context.Cause(d.ctx)) })
	return watched, func() {
		unregister()
		cancel(nil)
	}
}

// Stop accepts no more RPCs, and waits for the running ones. After the time grace it cancels
// their contexts with the cause, which their callers get, and waits for the handlers. After
// the time patience it stops the server.
func (d *Drain) Stop(srv *grpc.Server, cause error, grace, patience time.Duration) {
	stopped := make(chan struct{})
	go func() {
		srv.GracefulStop()
		close(stopped)
	}()
	select {
	case <-stopped:
		return
	case <-time.After(grace):
	}
	d.begin(cause)
	select {
	case <-stopped:
	case <-time.After(patience):
		srv.Stop()
		<-stopped
	}
}
