package e2e_test

import (
	"context"
	"slices"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
)

// A watched server is a server whose answers, events and log a test compares.
type watched struct {
	*testrpc.Service
	client testgrpc.TestServiceClient // without errstatus
	sent   <-chan error
	events chan interceptor.Event
	logs   func() []testrpc.LogRecord
}

// watch starts a server with errstatus, an observer and the default log. The interceptors of
// outer run between the test's and errstatus's.
func watch(t *testing.T, outer []grpc.ServerOption, opts ...interceptor.ServerOption) *watched {
	t.Helper()
	w := &watched{Service: testrpc.Returning(nil), events: make(chan interceptor.Event, 10), logs: testrpc.CaptureLog(t)}
	opts = append(slices.Clone(opts), w.observer())
	w.install(t, append(outer, interceptor.ServerOptions(opts...)...))
	return w
}

// install starts the server with the given options.
func (w *watched) install(t *testing.T, server []grpc.ServerOption) {
	t.Helper()
	sent, options := observed()
	w.sent = sent
	w.client = testrpc.Connect(t, w, append(options, server...), nil)
}

// observer returns an option that keeps the events.
func (w *watched) observer() interceptor.Option {
	return interceptor.WithObserver(func(_ context.Context, event interceptor.Event) { w.events <- event })
}

// A seen call is what a test sees of a call that failed.
type seen struct {
	received *spb.Status // by the client
	trailer  metadata.MD // that the client received
	sent     *spb.Status // by the server, which the client doesn't receive if it has cancelled the call
	events   []interceptor.Event
	logs     []testrpc.LogRecord
}

// fail makes a call in which the handler returns an error at once.
func (w *watched) fail(ctx context.Context, k testrpc.Kind, handlers error) seen {
	w.Return(testrpc.AtOpen, handlers)
	return w.call(ctx, k)
}

func (w *watched) call(ctx context.Context, k testrpc.Kind) (s seen) {
	_, err := k.Call(ctx, w.client, grpc.Trailer(&s.trailer))
	s.received = grpcstatus.Convert(err).Proto()
	s.sent = grpcstatus.Convert(<-w.sent).Proto()
	for len(w.events) > 0 {
		s.events = append(s.events, <-w.events)
	}
	s.logs = w.logs()
	return s
}

// event returns the only event. It fails the test if there isn't exactly one.
func (s seen) event(t *testing.T) interceptor.Event {
	t.Helper()
	if len(s.events) != 1 {
		t.Fatalf("the observer got %d events, %v; want 1", len(s.events), s.events)
	}
	return s.events[0]
}

// levels returns the levels of the log's records.
func (s seen) levels() (levels []string) {
	for _, r := range s.logs {
		levels = append(levels, r.Level)
	}
	return levels
}

// unaryAndStream are the kinds of call that take the two interceptors.
var unaryAndStream = []testrpc.Kind{testrpc.Unary, testrpc.BidiStream}
