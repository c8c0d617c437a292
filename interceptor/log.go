package interceptor

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/internal/text"
	"github.com/errstatus/errstatus/status"
)

// WithLogger sets the logger of a server. The default is slog.Default, at the time of each
// record. nil turns the log off. If the option is given more than once, the last one counts.
//
// A server writes one record for each failure that has private text, or whose request id
// replaces another one of an upstream, unless the fault is the caller's. If the RPC's context
// has ended, it writes the record at INFO, whatever the fault; see [status.Encoded.LogLevel].
// It also logs the panic of an observer, at ERROR. A record has these attributes:
//
//   - grpc.service, grpc.method and grpc.code, as in go-grpc-middleware's logging.
//   - request_id and upstream_request_id, if there are any.
//   - error.name, error.number and error.reason: the name, the number and the reason of the
//     code that is sent, if one is. If the first table has no default row for INTERNAL, a
//     withheld failure has the name and the reason INTERNAL, and no number.
//   - error.message: the message that is sent.
//   - error.cause: the private text of the error and of its causes.
//   - error.context_cause, error.panic, error.stack and error.amendment, in few records.
//
// Each text is one line of at most about 4 KiB; of a longer one, the middle is left out. A
// record has at most 128 KiB. Control characters, bidirectional controls and zero-width
// characters are replaced by spaces. A stack has several lines and at most 8 KiB.
//
// A metadata key that can't be sent (see [status.Status.WithMetadata]) is logged once, at
// WARN, by each Server. After 100 keys, no more are logged.
//
// errstatus doesn't sample. To sample, use a logger whose slog.Handler samples. errstatus
// asks the logger's Enabled method before it makes a record. If the logger panics, the call
// goes on.
func WithLogger(logger *slog.Logger) ServerOption {
	return serverOption(func(s *Server) { s.logger, s.hasLogger = logger, true })
}

// log returns the logger to use now, or nil for none.
func (s *Server) log() *slog.Logger {
	if s.hasLogger {
		return s.logger
	}
	return slog.Default()
}

// logFailure writes the records about a failure: most often none.
func (s *Server) logFailure(ctx context.Context, encoded status.Encoded, call func() interceptors.CallMeta) {
	logger := s.log()
	if logger == nil {
		return
	}
	level, logged := encoded.LogLevel()
	dropped := encoded.DroppedKeys()
	if !logged && dropped == nil {
		return
	}
	defer func() { _ = recover() }() // the logger itself panicked, so the panic can't be logged
	if logged && logger.Enabled(ctx, level) {
		attrs := append(callAttrs(call(), encoded.GRPCCode()), failureAttrs(encoded)...)
		logger.LogAttrs(ctx, level, "grpc: call failed", attrs...)
	}
	for _, key := range dropped {
		key = text.ForLog(key)
		if logger.Enabled(ctx, slog.LevelWarn) && s.droppedKeys.add(key) {
			attrs := append(callAttrs(call(), encoded.GRPCCode()), slog.String("key", key))
			logger.LogAttrs(ctx, slog.LevelWarn, droppedKeyMessage, attrs...)
		}
	}
}

// droppedKeyMessage is the message of a record about a metadata key that isn't sent.
const droppedKeyMessage = `grpc: metadata key not sent: use [a-z][a-zA-Z0-9-_]+ with at most 64 bytes, not "code" or "truncated", and a status with a code`

// callAttrs returns the attributes of a call. Their keys are those of go-grpc-middleware's
// logging. If the server has a handler for unknown methods, the caller chooses the method's
// name, so that it is shortened too.
func callAttrs(call interceptors.CallMeta, code grpccodes.Code) []slog.Attr {
	return []slog.Attr{
		slog.String("grpc.service", text.ForLog(call.Service)),
		slog.String("grpc.method", text.ForLog(call.Method)),
		slog.String("grpc.code", code.String()),
	}
}

// failureAttrs returns the other attributes of a failure's record.
func failureAttrs(encoded status.Encoded) (attrs []slog.Attr) {
	if id := encoded.RequestID(); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	if id := encoded.UpstreamRequestID(); id != "" {
		attrs = append(attrs, slog.String("upstream_request_id", id))
	}
	return append(attrs, errorAttrs(encoded.Err(), "grpc_code")...) // grpc.code says it
}

// errorAttrs returns what errstatus logs about an error, except for some keys. It returns nil
// for a user's error that logs no group.
func errorAttrs(err error, except ...string) (attrs []slog.Attr) {
	value := slog.AnyValue(err).Resolve()
	if value.Kind() != slog.KindGroup {
		return nil
	}
	for _, a := range value.Group() {
		if !slices.Contains(except, a.Key) {
			attrs = append(attrs, slog.Attr{Key: "error." + a.Key, Value: a.Value})
		}
	}
	return attrs
}

// ErrorFields returns what errstatus logs about an error, for go-grpc-middleware's logging
// with any logger:
//
//	logging.UnaryServerInterceptor(logger, logging.WithErrorFields(interceptor.ErrorFields))
//
// The fields are those of [WithLogger] that begin with "error.", such as "error.cause", and
// request_id, which is the id in the status. error.message is left out, because grpc.error
// is the same. The values are strings, and an int64 for the number. Give the server
// WithLogger(nil) too, so that nothing is logged twice. Then the level is the logging
// interceptor's, and nobody logs dropped metadata keys and the panics of observers. The
// logging interceptor must come before errstatus in the chain.
//
// On a client, the fields describe the received status: also error.origin and, without a
// code, error.domain. If err is nil or wraps no error of errstatus, ErrorFields returns
// nil.
func ErrorFields(err error) (fields logging.Fields) {
	ours, ok := errors.AsType[loggable](err)
	if !ok {
		return nil
	}
	for _, a := range errorAttrs(ours, "grpc_code", "message") {
		fields = append(fields, a.Key, a.Value.Any())
	}
	if id := status.RequestID(err); id != "" {
		fields = append(fields, "request_id", id)
	}
	return fields
}

// A loggable error is one of package status that has its own value for logs.
type loggable interface {
	error
	slog.LogValuer
	GRPCStatus() *grpcstatus.Status
}

// maxDroppedKeys is the largest number of dropped metadata keys that a Server logs.
const maxDroppedKeys = 100

// A keySet is a set of the metadata keys that were logged. It is safe for concurrent use.
type keySet struct {
	mu   sync.Mutex
	keys map[string]bool
}

// add adds a key. It returns false if the key is in the set already, or if the set is full.
func (s *keySet) add(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[key] || len(s.keys) == maxDroppedKeys {
		return false
	}
	if s.keys == nil {
		s.keys = make(map[string]bool)
	}
	s.keys[key] = true
	return true
}
