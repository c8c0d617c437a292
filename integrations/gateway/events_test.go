package gateway_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// A failure that a gateway forwards makes an event in each process. By the source, the gateway's can
// be left out, so that each failure counts once.
func TestEventsOfTwoProcesses(t *testing.T) {
	var mu sync.Mutex
	var sources []status.Source
	server := interceptor.NewServer(interceptor.WithLogger(nil), interceptor.WithObserver(func(_ context.Context, e interceptor.Event) {
		mu.Lock()
		defer mu.Unlock()
		sources = append(sources, e.Source)
	}))
	backend := mode{"a backend", proxy(server.Options(), trustAll)}
	f := backend.start(t, &statushttp.Writer{Encoder: server}, testrpc.Returning(codes.RecordNotFound))
	for _, tt := range []struct {
		path, body string
		forwarded  int
	}{
		{unary, "{}", 1},
		{serverStream, "{}", 1},
		{unary, "no JSON", 0},
		{"/nowhere", "{}", 0},
	} {
		mu.Lock()
		sources = nil
		mu.Unlock()
		f.do(t, "POST", tt.path, tt.body)
		mu.Lock()
		others := slices.DeleteFunc(slices.Clone(sources), func(s status.Source) bool { return s == status.SourceForwarded })
		if len(others) != 1 || len(sources)-len(others) != tt.forwarded {
			t.Errorf("%s %s: events with the sources %v; want one, and %d of SourceForwarded", tt.path, tt.body, sources, tt.forwarded)
		}
		mu.Unlock()
	}
}
