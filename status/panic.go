package status

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	grpcstatus "google.golang.org/grpc/status"
)

// A PanicError is a panic as an error: of a handler, by interceptor.RecoveryHandler,
// or of a method of a handler's error or a rule. It is private: the caller gets
// the default code of INTERNAL. It unwraps to nothing, so that a code that
// someone panicked with isn't taken for the handler's answer.
type PanicError struct {
	// Value is what was given to panic.
	Value any

	// Stack is as of debug.Stack where the panic was recovered from, the place of
	// the panic among it.
	Stack []byte
}

// Recovered is the error for a panic with a value. Call it in the deferred
// function that recovers, for the sake of the stack.
func Recovered(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// Error is "panic: " and the value.
func (e *PanicError) Error() string {
	if err, ok := e.Value.(error); ok {
		if ok, _ := whole(err); !ok {
			return fmt.Sprintf("panic: %T, which can't be printed", e.Value)
		}
	}
	return fmt.Sprintf("panic: %v", e.Value)
}

// Format prints Error, and with %+v the stack after it.
func (e *PanicError) Format(f fmt.State, verb rune) {
	var stack error
	if len(e.Stack) > 0 {
		stack = stackText(e.Stack)
	}
	format(f, verb, e.Error(), stack)
}

// A stackText is a stack in the place of a cause.
type stackText []byte

func (s stackText) Error() string { return string(s) }

// LogValue is a group of Error's text and the stack.
func (e *PanicError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("message", e.Error()), slog.String("stack", string(e.Stack)))
}

// guarded runs what calls methods of others' types; it returns what they panic
// with, and nil if they don't.
func guarded(run func()) (panicked *PanicError) {
	defer func() {
		if value := recover(); value != nil {
			panicked = Recovered(value)
		}
	}()
	run()
	return nil
}

// whole tells that all of err can be walked and read: it is within the bounds of
// a search, and no method panics that errors.Is, errors.As, gRPC or a logger calls.
// What isn't whole is not to be run again by anyone: it may never end.
func whole(err error) (ok bool, panicked *PanicError) {
	w := walk{visit: func(error) step { return descend }}
	panicked = guarded(func() { w.from(err, 1) })
	if panicked != nil || w.cut {
		return false, panicked // before anything prints it: text has no bounds in a loop
	}
	w = walk{visit: func(err error) step { probe(err); return descend }}
	panicked = guarded(func() { w.from(err, 1) })
	return panicked == nil, panicked
}

// probe calls the methods that others will call of an error, for them to panic
// here. Those of this package don't.
func probe(err error) {
	switch err.(type) {
	case *statusError, *resolvedError:
		return
	}
	_ = err.Error()
	if x, ok := err.(interface{ Is(error) bool }); ok {
		x.Is(context.Canceled)
	}
	if x, ok := err.(interface{ As(any) bool }); ok {
		x.As(new(*PanicError))
	}
	if x, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok {
		x.GRPCStatus().Code()
	}
}
