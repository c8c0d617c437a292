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

// An Event is a call that failed, as an observer is told of it. It is private to
// the process: the error holds what the caller is not to read.
type Event struct {
	// Call has the service, the method and the kind of call, the request of a unary
	// one, and which side this is.
	Call interceptors.CallMeta

	// Code is the code that is sent or was received; where none is stated, the one
	// that a client guesses. It is never nil.
	Code codes.Code

	// GRPCCode is the canonical code: that on the wire, or, where the code's number is
	// in its place, the one that would stand there on a server, and that of the code's
	// row on a client.
	GRPCCode grpccodes.Code

	// Legacy tells that the code's number is on the wire in the place of a canonical
	// code, as in OpenIM's form: on a server, that the caller gets that; on a client,
	// that the server sent it, be it OpenIM's or one of ours by [WithOpenIMForm].
	OpenIMForm bool

	// Err is on a server what the handler returned, causes and all; if that is not
	// to be run again (a method of it panics, or it wraps too much), it is an error
	// that says so, with its type and the first of the texts in it. On a client it is
	// what the caller gets.
	Err error

	// Source tells on a server which kind of error decided on the answer.
	Source status.Source

	// Origin tells where the status comes from: on a client the received one, on a
	// server that of the handler's error. It is Legacy for a server that sends numbers
	// in the place of canonical codes and no ErrorInfo of ours: OpenIM's.
	Origin status.Origin

	// Truncated names what was left out for the sake of size: "details",
	// "metadata", "message", after commas. On a client it is what the sender says.
	Truncated string

	// DroppedKeys are, on a server, the keys that the handler gave for the
	// ErrorInfo's metadata and that can't be there.
	DroppedKeys []string

	// Panic is, on a server, the handler's panic that a RecoveryHandler made an
	// error of, or that of a rule or a method of the error; nil if there was none.
	// Print it, rather than its Value, which can be an error that can't be printed.
	Panic *status.PanicError
}

// observers are called one after the other.
type observers struct {
	list  []func(context.Context, Event)
	given bool // by an option, be it nil
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

// contained calls an observer. Its panic is not the caller's business; the log is
// the last to hear of it, and may panic too.
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

// same tells whether an error came back as it was. Errors of a type that can't be
// compared are never made here.
func unchanged(before, after error) bool {
	return !reflect.ValueOf(after).Comparable() || before == after
}
