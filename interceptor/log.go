package interceptor

import (
	"context"
	"errors"
	"log/slog"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/status"
)

// LogWithheld is the observer that a server has by default. It logs two kinds of errors:
// withheld errors, and adapted [status.OpenIMError]s that are INTERNAL or UNKNOWN. The
// caller can't see the cause of either. LogWithheld writes one record at ERROR through
// slog.Default, with the method, the canonical code and the error with all that it wraps.
// It ignores all other events.
//
// An observer that is given with [WithObserver] replaces it, and can call it.
func LogWithheld(ctx context.Context, event Event) {
	if event.Call.IsClient || !isLogged(event.Source, event.GRPCCode) {
		return
	}
	attrs := callAttrs(event)
	attrs = append(attrs, slog.Any("error", event.Err))
	if _, ok := event.Err.(loggable); !ok {
		// The outer error prints only the public text of the inner one, without its cause.
		if inner, ok := errors.AsType[loggable](event.Err); ok {
			attrs = append(attrs, slog.Any("wrapped", inner))
		}
	}
	if event.Panic != nil && event.Source != status.SourcePanic { // that one is event.Err already
		attrs = append(attrs, slog.Any("panic", event.Panic))
	}
	slog.LogAttrs(ctx, slog.LevelError, "grpc: error withheld from the caller", attrs...)
}

// isLogged reports whether LogWithheld logs an event of a server.
func isLogged(source status.Source, code grpccodes.Code) bool {
	serverFault := code == grpccodes.Internal || code == grpccodes.Unknown
	return source.Withheld() || source == status.SourceOpenIMError && serverFault
}

// A loggable error has more to log than its text.
type loggable interface {
	error
	slog.LogValuer
}

// callAttrs returns the attributes of a call. Their keys are those of
// go-grpc-middleware's logging.
func callAttrs(event Event) []slog.Attr {
	return []slog.Attr{
		slog.String("grpc.service", event.Call.Service),
		slog.String("grpc.method", event.Call.Method),
		slog.String("grpc.code", event.GRPCCode.String()),
	}
}
