package interceptor

import (
	"context"
	"errors"
	"log/slog"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/status"
)

// LogWithheld is the observer that servers have by default. It logs an error
// whose text is withheld from the caller once, at ERROR through slog.Default, with
// the method, the canonical code and the error with all that it wraps; so it does
// with a [status.CodeError] that is INTERNAL or UNKNOWN, whose detail is. Of other
// events it logs nothing. An observer of one's own can call it.
func LogWithheld(ctx context.Context, event Event) {
	if event.Call.IsClient || !withholds(event.Source, event.GRPCCode) {
		return
	}
	attrs := callAttrs(event)
	attrs = append(attrs, slog.Any("error", event.Err))
	if _, ok := event.Err.(loggable); !ok {
		// The text around an error of ours has its public text and not its cause.
		if inner, ok := errors.AsType[loggable](event.Err); ok {
			attrs = append(attrs, slog.Any("wrapped", inner))
		}
	}
	if event.Panic != nil && event.Source != status.SourcePanic { // else it is the error
		attrs = append(attrs, slog.Any("panic", event.Panic))
	}
	slog.LogAttrs(ctx, slog.LevelError, "grpc: error withheld from the caller", attrs...)
}

// withholds tells of a failure of the server's own that nobody can find the cause
// of by what the caller reads.
func withholds(source status.Source, code grpccodes.Code) bool {
	own := code == grpccodes.Internal || code == grpccodes.Unknown
	return source.Withheld() || source == status.SourceOpenIMError && own
}

// loggable is an error that has more to log than its text.
type loggable interface {
	error
	slog.LogValuer
}

// callAttrs are called as in go-grpc-middleware's logging.
func callAttrs(event Event) []slog.Attr {
	return []slog.Attr{
		slog.String("grpc.service", event.Call.Service),
		slog.String("grpc.method", event.Call.Method),
		slog.String("grpc.code", event.GRPCCode.String()),
	}
}
