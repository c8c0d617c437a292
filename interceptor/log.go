package interceptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"

	"github.com/errstatus/errstatus/status"
)

// logWithheld tells this process what the caller is not told.
func logWithheld(ctx context.Context, method string, err error, encoded status.Encoded) {
	unprintable := slog.String("error", fmt.Sprintf("%T, which can't be printed: a method of it panics, or it wraps too much", err))
	if encoded.Broken() {
		logError(ctx, method, encoded, unprintable)
		return
	}
	// slog's own handlers survive an Error method that panics; others may not.
	defer func() {
		if recover() != nil {
			logError(ctx, method, encoded, unprintable)
		}
	}()
	attrs := []slog.Attr{slog.Any("error", err)}
	if _, ok := err.(loggable); !ok {
		// The text around an error of ours has its public text and not its cause.
		if inner, ok := errors.AsType[loggable](err); ok {
			attrs = append(attrs, slog.Any("wrapped", inner))
		}
	}
	logError(ctx, method, encoded, attrs...)
}

// loggable is an error that has more to log than its text.
type loggable interface {
	error
	slog.LogValuer
}

// logError writes the record; its attributes are called as in
// go-grpc-middleware's logging.
func logError(ctx context.Context, method string, encoded status.Encoded, err ...slog.Attr) {
	attrs := append([]slog.Attr{
		slog.String("grpc.service", strings.TrimPrefix(path.Dir(method), "/")),
		slog.String("grpc.method", path.Base(method)),
		slog.String("grpc.code", encoded.Status.Code().String()),
	}, err...)
	if encoded.Panic != nil {
		attrs = append(attrs, slog.String("panic", fmt.Sprint(encoded.Panic)))
	}
	slog.LogAttrs(ctx, slog.LevelError, "grpc: error withheld from the caller", attrs...)
}
