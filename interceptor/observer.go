package interceptor

import (
	"context"
	"log/slog"
	"reflect"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	grpccodes "google.golang.org/grpc/codes"

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
	// code that a client assumes. It is never nil.
	Code codes.Code

	// GRPCCode is the canonical code on the wire. If the wire has a raw number, it is the
	// canonical code that the server would send in the canonical form; a client takes it
	// from the row of the number.
	GRPCCode grpccodes.Code

	// OpenIMForm reports whether the numeric form was sent, on a server, or received, on a
	// client. OpenIM's servers send it, and servers with [WithOpenIMForm].
	OpenIMForm bool

	// Err is, on a server, the error that the handler returned, with its causes. If a
	// method of that error panics, or if it exceeds the limits of a search, Err is an
	// error to log instead, with its type and the first texts in it. On a client, Err is
	// the error that the caller gets.
	Err error

	// Source says, on a server, what decided on the status.
	Source status.Source

	// Origin says where the status comes from: on a client, the received one; on a
	// server, the one in the handler's error. It is status.OriginNumeric for a server
	// that sends raw numbers without an ErrorInfo, as OpenIM's do.
	Origin status.Origin

	// Truncated has the parts that were truncated to keep the status small. On a client,
	// the sender says so.
	Truncated status.Truncation

	// DroppedKeys has, on a server, the metadata keys that the handler gave and that are
	// not sent: AIP-193 forbids them, or errstatus reserves them.
	DroppedKeys []string

	// Panic is, on a server, the error of [status.Recovered] for a handler's panic, or the
	// panic of a rule or of a method of the error. It is nil if there was none. Print
	// Panic and not Panic.Value: printing that can panic or never end.
	Panic *status.PanicError
}

// observers are called one after the other.
type observers struct {
	list  []func(context.Context, Event)
	given bool // WithObserver was given, even if with nil
}

func (o *observers) add(f func(context.Context, Event)) {
	o.given = true
	if f != nil {
		o.list = append(o.list, f)
	}
}

func (o *observers) observe(ctx context.Context, event Event) {
	for _, f := range o.list {
		callObserver(ctx, event, f)
	}
}

// callObserver calls an observer, and logs its panic. The log can panic too.
func callObserver(ctx context.Context, event Event, f func(context.Context, Event)) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		defer func() { _ = recover() }()
		slog.LogAttrs(ctx, slog.LevelError, "grpc: the observer of errors panicked",
			append(callAttrs(event), slog.Any("panic", status.Recovered(value)))...)
	}()
	f(ctx, event)
}

// unchanged reports whether decoding returned the error that it was given. A decoded error
// is always comparable, so that an error that isn't is the original.
func unchanged(before, after error) bool {
	return !reflect.ValueOf(after).Comparable() || before == after
}
