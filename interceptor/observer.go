package interceptor

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// An Event is a call that failed, as an observer gets it. It is private to this process:
// its error holds what the caller must not read.
type Event struct {
	// Call has the service, the method and the kind of call, the request of a unary
	// call, and whether this is the client's side.
	Call interceptors.CallMeta

	// Code is the code that was sent or received. If the status carries none, it is the
	// UNKNOWN default of the first table, which can be a fallback code; see
	// [codes.Table.DefaultFor]. It is never nil.
	Code codes.Code

	// Declared reports whether the status carries Code. If it doesn't, classify the failure
	// by GRPCCode.
	Declared bool

	// GRPCCode is the canonical code on the wire. If the wire has a raw number, it is the
	// canonical code that the server would send in the canonical form; a client takes it
	// from the row of the number.
	GRPCCode grpccodes.Code

	// Fault says who is at fault; see [status.Encoded.Fault] and [status.Status.Fault].
	Fault codes.Fault

	// OpenIMForm reports whether the numeric form was sent, on a server, or received, on a
	// client. OpenIM's servers send it, and servers with [WithOpenIMForm].
	OpenIMForm bool

	// Err is, on a server, the error that the handler returned, with its causes. If a
	// method of that error panics, or if it exceeds the limits of a search, Err is an
	// error to log instead, with its type and the first texts in it. On a client, Err is
	// the error that the caller gets.
	Err error

	// Source is, on a server, the case of [status.Encoder.Encode] that applied. It is
	// status.SourceEncoded if an inner errstatus interceptor with other options decided.
	Source status.Source

	// Otherwise is, on a server with status.SourceContext, the case that would have
	// applied if the RPC's context had not ended. It is status.SourceNone for a context
	// error, and for a status CANCELLED or DEADLINE_EXCEEDED.
	Otherwise status.Source

	// ContextCause is, on a server with status.SourceContext, the cause of the RPC's
	// context, or nil if the context has no cause of its own.
	ContextCause error

	// Withheld reports, on a server, whether the text of Err or ContextCause is withheld.
	// The caller gets a fixed message instead, or that of an amendment. This includes a
	// received text that is not sent with a restated Status; see [status.Encoded.Withheld].
	Withheld bool

	// RequestID is, on a server, the id of [WithRequestID], if it was sent; on a client,
	// the id that the server sent, if it matches [A-Za-z0-9._:-]{1,128}.
	RequestID string

	// UpstreamRequestID is, on a server, the id in the upstream's status, if there is one
	// in the handler's error and if it matches [A-Za-z0-9._:-]{1,128}. The upstream chose
	// it. An id is found also if the handler put a code around the upstream's error.
	// RequestID replaces it in what is sent.
	UpstreamRequestID string

	// Origin says where the status comes from: on a client, the received one; on a
	// server, the one in the handler's error. It is status.OriginNumeric for a server
	// that sends raw numbers without an ErrorInfo, as OpenIM's do.
	Origin status.Origin

	// Truncated has the parts that were truncated to keep the status small. On a client,
	// the sender says so.
	Truncated status.Truncation

	// DroppedKeys has, on a server, the metadata keys that were given and that are not
	// sent; see [status.Encoded.DroppedKeys].
	DroppedKeys []string

	// Panic is, on a server, the error of [status.Recovered] for a handler's panic, or
	// the panic of a rule, of an amendment, of the request id function or of a method of
	// the error. It is nil if there was none. Print Panic and not Panic.Value: printing
	// that can panic or never end.
	Panic *status.PanicError

	// AmendmentError is, on a server, an error that names each [WithAmendment] that
	// returned nil or a Status with NoError. It is nil if there was none.
	AmendmentError error

	domain, reason string // for Labels
}

// Labels returns the domain and the reason of the code that was sent or received, for the
// labels of a metric. Peers can't choose them freely: each is a text of a table in this
// process, "_OTHER", or empty.
//
//   - Both are empty if the status has neither a code nor an ErrorInfo.
//   - The reason is "_OTHER" if the table of the domain has no row for the code, and if an
//     ErrorInfo names no code. A withheld failure of a server without a default row for
//     INTERNAL has the reason "INTERNAL".
//   - Both are "_OTHER" if the domain isn't known, and for a raw number without a row.
//
// OpenTelemetry names unknown values "_OTHER" too.
func (e Event) Labels() (domain, reason string) { return e.domain, e.reason }

// otherLabel is the label of whatever has no row or no table.
var otherLabel = codes.Label(nil)

// internalLabel is the label of a withheld failure of a server without a default row for
// INTERNAL.
const internalLabel = "INTERNAL"

// codeLabels returns the labels of a code. A method of a user's code can panic.
func codeLabels(tables []*codes.Table, code codes.Code) (domain, reason string) {
	defer func() {
		if recover() != nil {
			domain, reason = otherLabel, otherLabel
		}
	}()
	domain = code.Table().Domain()
	for _, t := range tables {
		if t.Domain() == domain {
			return domain, t.Label(code.Number())
		}
	}
	return domain, codes.Label(code)
}

// uncodedLabels returns the labels of a received status that carries no code.
func uncodedLabels(st *status.Status) (domain, reason string) {
	switch st.Origin() {
	case status.OriginKnown:
		if st.Reason() == internalLabel {
			return st.Domain(), internalLabel
		}
		return st.Domain(), otherLabel
	case status.OriginForeign, status.OriginNumeric:
		return otherLabel, otherLabel
	}
	return "", ""
}

// An observer is the value of one WithObserver. Its address says whether it is the same one.
type observer struct {
	observe func(context.Context, Event)
}

// observers are called one after the other.
type observers []*observer

// A reportedError is an encoded error that observers were told of. If errstatus is installed
// twice, the outer interceptor doesn't tell the same ones again.
type reportedError struct {
	error // of status.Encoded
	told  []*observer
}

// Unwrap returns the encoded error.
func (e *reportedError) Unwrap() error { return e.error }

// GRPCStatus returns what is sent.
func (e *reportedError) GRPCStatus() *grpcstatus.Status { return grpcstatus.Convert(e.error) }

// Format prints the encoded error.
func (e *reportedError) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), e.error)
}

// LogValue returns the value of the encoded error.
func (e *reportedError) LogValue() slog.Value { return slog.AnyValue(e.error) }

// report tells the observers about an event, except those that were told before. It returns
// encoded, with a note of all who were told. before is the inner interceptor's, or nil. It
// logs an observer's panic with logger; a nil logger logs nothing.
func (o observers) report(ctx context.Context, event Event, encoded error, before *reportedError, logger *slog.Logger) error {
	reported := &reportedError{error: encoded, told: o}
	if before != nil {
		reported.told = slices.Concat(before.told, o)
	}
	for _, one := range o {
		if before == nil || !slices.Contains(before.told, one) {
			observe(ctx, event, one.observe, logger)
		}
	}
	return reported
}

// observe calls an observer, and logs its panic. The logger can be nil, and can panic too.
func observe(ctx context.Context, event Event, f func(context.Context, Event), logger *slog.Logger) {
	defer func() {
		value := recover()
		if value == nil || logger == nil {
			return
		}
		defer func() { _ = recover() }()
		logger.LogAttrs(ctx, slog.LevelError, "grpc: the observer of errors panicked",
			append(callAttrs(event.Call, event.GRPCCode), slog.Any("observer", status.Recovered(value)))...)
	}()
	f(ctx, event)
}

// unchanged reports whether decoding returned the error that it was given. A decoded error
// is always comparable, so that an error that isn't is the original.
func unchanged(before, after error) bool {
	return !reflect.ValueOf(after).Comparable() || before == after
}
