package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/interceptor"
)

// A sampler is a handler that passes on at most one record of each level in each period.
type sampler struct {
	slog.Handler
	period time.Duration
	next   *sync.Map // of slog.Level to when its next record may be passed on
}

func (s sampler) Handle(ctx context.Context, record slog.Record) error {
	next, found := s.next.LoadOrStore(record.Level, record.Time.Add(s.period))
	if found && (record.Time.Before(next.(time.Time)) || !s.next.CompareAndSwap(record.Level, next, record.Time.Add(s.period))) {
		return nil
	}
	return s.Handler.Handle(ctx, record)
}

func (s sampler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return sampler{s.Handler.WithAttrs(attrs), s.period, s.next}
}

func (s sampler) WithGroup(name string) slog.Handler {
	return sampler{s.Handler.WithGroup(name), s.period, s.next}
}

// A server logs each failure with private text. If one can occur a thousand times a second,
// give the server a logger that samples.
func ExampleWithLogger_sampling() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	logger := slog.New(sampler{handler, time.Minute, new(sync.Map)})
	server := interceptor.UnaryServer(interceptor.WithLogger(logger))

	info := &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"}
	failing := func(context.Context, any) (any, error) { return nil, errors.New("connection refused") }
	for range 1000 {
		server(context.Background(), nil, info, failing)
	}
	fmt.Println("1,000 calls have failed")
	// Output:
	// level=ERROR msg="grpc: call failed" grpc.service=users.Users grpc.method=Get grpc.code=Internal error.name=ServerInternal error.number=500 error.reason=SERVER_INTERNAL error.message="internal server error" error.cause="connection refused"
	// 1,000 calls have failed
}
