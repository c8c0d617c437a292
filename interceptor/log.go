package interceptor

import (
	"context"
	"errors"
	"log/slog"
	"math"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/status"
)

// LogWithheld is the observer that a server has by default. It writes one record through
// slog.Default, with the method, the canonical code, the request id and the error with all
// that it wraps:
//
//   - at ERROR for a withheld error (see Event.Withheld); for an adapted
//     [status.OpenIMError] that is INTERNAL or UNKNOWN; and if a rule, an amendment, the
//     request id function or a method of the error panicked, or an amendment returned nil or
//     NoError.
//   - at INFO for a withheld error of a call whose own context has ended; see
//     [status.SourceContext]. The record has the context's cause too.
//
// It ignores all other events.
//
// An observer that is given with [WithObserver] replaces it, and can call it.
func LogWithheld(ctx context.Context, event Event) {
	if event.Call.IsClient {
		return
	}
	level, message := logLevel(event.Source, event.GRPCCode, event.Withheld, event.Panic != nil || event.AmendmentError != nil)
	if level == notLogged {
		return
	}
	attrs := callAttrs(event)
	if event.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", event.RequestID))
	}
	if event.UpstreamRequestID != "" {
		attrs = append(attrs, slog.String("upstream_request_id", event.UpstreamRequestID))
	}
	attrs = append(attrs, slog.Any("error", event.Err))
	if _, ok := event.Err.(loggable); !ok {
		// The outer error prints only the public text of the inner one, without its cause.
		if inner, ok := errors.AsType[loggable](event.Err); ok {
			attrs = append(attrs, slog.Any("wrapped", inner))
		}
	}
	if event.ContextCause != nil {
		attrs = append(attrs, slog.Any("cause", event.ContextCause))
	}
	if event.Panic != nil && event.Source != status.SourcePanic { // that one is event.Err already
		attrs = append(attrs, slog.Any("panic", event.Panic))
	}
	if event.AmendmentError != nil {
		attrs = append(attrs, slog.Any("amendment", event.AmendmentError))
	}
	slog.LogAttrs(ctx, level, message, attrs...)
}

// notLogged is the level of what LogWithheld ignores.
const notLogged = slog.Level(math.MinInt)

// logLevel returns the level and the message of the record about a failure.
func logLevel(source status.Source, code grpccodes.Code, withheld, faulty bool) (slog.Level, string) {
	const text = "grpc: error withheld from the caller"
	serverFault := code == grpccodes.Internal || code == grpccodes.Unknown
	switch {
	case source == status.SourceEncoded:
		return notLogged, "" // the inner interceptor has logged it
	case faulty && !withheld:
		return slog.LevelError, "grpc: failure while an error was encoded"
	case faulty, withheld && source != status.SourceContext, source == status.SourceOpenIMError && serverFault:
		return slog.LevelError, text
	case withheld:
		return slog.LevelInfo, text + ", whose call has ended"
	}
	return notLogged, ""
}

// isFaulty reports whether a function or a method panicked, or an amendment returned nil
// or NoError.
func isFaulty(encoded status.Encoded) bool {
	return encoded.Panic() != nil || encoded.AmendmentError() != nil
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
