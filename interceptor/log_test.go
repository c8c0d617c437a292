package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/status"
)

func TestWithLogger(t *testing.T) {
	secret := errors.New("dsn=secret")
	var own countingHandler
	logger := interceptor.WithLogger(slog.New(&own))
	if got := captured(t, func() { serverUnary(secret, logger); serverStream(secret, logger) }); got != "" || own.handled != 2 {
		t.Errorf("slog's default logger has %q, and the given one %d records; want none, and 2", got, own.handled)
	}
	if got := captured(t, func() { serverUnary(secret, logger, interceptor.WithLogger(nil)) }); got != "" || own.handled != 2 {
		t.Errorf("WithLogger(nil) is the last, but the log is %q, and the given logger has %d records; want none, and 2", got, own.handled)
	}
	own = countingHandler{least: slog.LevelError}
	if serverUnary(status.Wrap(unloggable{t}, codes.SrvNetwork, ""), logger); own.handled != 0 { // WARN
		t.Errorf("the handler for ERROR got %d records; want none", own.handled)
	}
	own = countingHandler{least: slog.LevelError}
	serverUnary(status.Wrap(secret, codes.SrvNetwork, ""), logger) // WARN
	serverUnary(status.New(codes.Args, "").WithMetadata("Bad", "").Err(), logger)
	if own.handled != 0 || own.asked != 2 {
		t.Errorf("the handler for ERROR got %d records and was asked %d times whether it is enabled; want 0 and 2", own.handled, own.asked)
	}
	// A handler that panics changes nothing.
	if err := serverUnary(secret, interceptor.WithLogger(slog.New(panickingHandler{}))); status.Code(err) != codes.ServerInternal {
		t.Errorf("with a log that panics, the caller gets %v; want ServerInternal", err)
	}
}

// An unloggable error fails the test if it is logged.
type unloggable struct{ t *testing.T }

func (unloggable) Error() string { return "unloggable" }

func (e unloggable) LogValue() slog.Value {
	e.t.Error("the error was logged, although no handler takes records of its level")
	return slog.Value{}
}

// A countingHandler counts records from a level on.
type countingHandler struct {
	slog.Handler
	least          slog.Level
	asked, handled int
}

func (h *countingHandler) Enabled(_ context.Context, level slog.Level) bool {
	h.asked++
	return level >= h.least
}

func (h *countingHandler) Handle(context.Context, slog.Record) error {
	h.handled++
	return nil
}

// The log allocates nothing where nothing is logged.
func TestLogAllocatesNothingWhereNothingIsLogged(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for name, err := range map[string]error{
		"success":                   nil,
		"a code":                    codes.RecordNotFound,
		"a code of a fault":         codes.SrvDatabase,
		"a Status":                  status.Errorf(codes.RecordNotFound, "user %d", 42),
		"a code under %w":           fmt.Errorf("get: %w", codes.RecordNotFound),
		"a caller's mistake, cause": status.Wrap(errors.New("x"), codes.Args, "bad"),
		"a gRPC status":             grpcstatus.Error(grpccodes.NotFound, "x"),
	} {
		allocs := func(opts ...interceptor.ServerOption) float64 {
			intercept := interceptor.UnaryServer(opts...)
			handler := func(context.Context, any) (any, error) { return nil, err }
			return testing.AllocsPerRun(200, func() { intercept(t.Context(), nil, unaryInfo, handler) })
		}
		if with, without := allocs(), allocs(interceptor.WithLogger(nil)); with != without {
			t.Errorf("%s: a call allocates %v times with a logger and %v times without; want no difference", name, with, without)
		}
	}
}

// BenchmarkLog compares calls whose failure isn't logged, with and without a logger:
//
//	go test -run '^$' -bench Log -count 10 ./interceptor | benchstat -col /log -
func BenchmarkLog(b *testing.B) {
	for name, err := range map[string]error{"success": nil, "code": codes.RecordNotFound, "cause": status.Wrap(errors.New("x"), codes.RecordNotFound, "x")} {
		for log, opts := range map[string][]interceptor.ServerOption{"without": {interceptor.WithLogger(nil)}, "with": nil} {
			b.Run("err="+name+"/log="+log, func(b *testing.B) {
				intercept := interceptor.UnaryServer(opts...)
				handler := func(context.Context, any) (any, error) { return nil, err }
				ctx := context.Background()
				b.ReportAllocs()
				for b.Loop() {
					intercept(ctx, nil, unaryInfo, handler)
				}
			})
		}
	}
}

func TestErrorFields(t *testing.T) {
	outside := func(err error, opts ...interceptor.ServerOption) error {
		return serverUnary(err, append(opts, interceptor.WithLogger(nil))...)
	}
	observed := interceptor.WithObserver(func(context.Context, interceptor.Event) {})
	wrapped := status.Wrap(errors.New("dsn=secret"), codes.SrvDatabase, "loading")
	coded := logging.Fields{"error.name", "SrvDatabase", "error.number", int64(90002), "error.reason", "SRV_DATABASE"}
	if value := slog.AnyValue(outside(wrapped, observed)).Resolve(); value.Kind() != slog.KindGroup {
		t.Errorf("the value for logs of an observed error is %v; want the group of the encoded error", value)
	}
	withCause := coded.WithUnique(logging.Fields{"error.cause", "dsn=secret"})
	for name, tt := range map[string]struct {
		err  error
		want logging.Fields
	}{
		"a cause":               {outside(wrapped), withCause},
		"a cause, observed":     {outside(wrapped, observed), withCause},
		"a request id":          {outside(wrapped, interceptor.WithRequestID(func(context.Context) string { return "rpc-7" })), withCause.WithUnique(logging.Fields{"request_id", "rpc-7"})},
		"wrapped outside":       {fmt.Errorf("outer: %w", outside(wrapped)), withCause},
		"a code":                {outside(codes.SrvDatabase), coded},
		"received":              {clientUnary(codes.SrvDatabase.GRPCStatus().Err()), coded.WithUnique(logging.Fields{"error.origin", "known"})},
		"received without code": {clientUnary(grpcstatus.Error(grpccodes.NotFound, "x")), logging.Fields{"error.origin", "bare"}},
		"nil":                   {nil, nil},
		"a user's value":        {usersStatus{}, nil},
		"another error":         {errors.New("x"), nil},
		"gRPC's own":            {grpcstatus.Error(grpccodes.NotFound, "x"), nil},
		"nothing private":       {outside(grpcstatus.Error(grpccodes.NotFound, "x")), nil},
		"an error under %w":     {outside(fmt.Errorf("reading: %w", context.Canceled)), logging.Fields{"error.name", "ServerInternal", "error.number", int64(500), "error.reason", "SERVER_INTERNAL", "error.cause", "reading: context canceled"}},
	} {
		if diff := cmp.Diff(tt.want, interceptor.ErrorFields(tt.err)); diff != "" {
			t.Errorf("%s: ErrorFields (-want +got):\n%s", name, diff)
		}
	}
}

// A usersStatus has the methods of a loggable error, but no group.
type usersStatus struct{}

func (usersStatus) Error() string                  { return "x" }
func (usersStatus) GRPCStatus() *grpcstatus.Status { return grpcstatus.New(grpccodes.Aborted, "x") }
func (usersStatus) LogValue() slog.Value           { panic("x") }
