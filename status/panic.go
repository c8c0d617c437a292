package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
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

	text string // of the value
}

// Recovered is the error for a panic with a value, nil for nil. Call it in the
// deferred function that recovers, for the sake of the stack:
//
//	defer func() {
//		if p := recover(); p != nil {
//			err = status.Recovered(p)
//		}
//	}()
func Recovered(value any) error {
	if value == nil {
		return nil
	}
	return newPanic(value)
}

func newPanic(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack(), text: panicText(value)}
}

// panicText is the value if that is text, a number, a bool or an error that can be
// printed, else its type: a map can hold itself, and then it has no end.
func panicText(value any) (text string) {
	text = fmt.Sprintf("%T", value)
	defer func() { _ = recover() }()
	switch v := value.(type) {
	case error:
		w := walk{visit: func(error) step { return descend }}
		if w.from(v, 1); !w.cut {
			text = v.Error()
		}
	case string, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		text = fmt.Sprint(v)
	}
	return text
}

// Error is "panic: " and the value, if that is text, a number, a bool or an error
// that can be printed; else the value's type. A value that was put in later isn't
// read.
func (e *PanicError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("panic: %T", e.Value)
	}
	return "panic: " + e.text
}

// GRPCStatus is the default code of INTERNAL, for a server that has no errstatus
// outside of the recovery: gRPC would send the text else.
func (e *PanicError) GRPCStatus() *grpcstatus.Status {
	return codes.Default().GRPCStatus(codes.Default().FromGRPC(grpccodes.Internal).Number())
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
func catchPanic(run func()) (panicked *PanicError) {
	defer func() {
		if value := recover(); value != nil {
			panicked = newPanic(value)
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
	panicked = catchPanic(func() { w.from(err, 1) })
	if panicked != nil || w.cut {
		return false, panicked // before anything prints it: text has no bounds in a loop
	}
	p := probe{}
	w = walk{visit: p.visit}
	panicked = catchPanic(func() { w.from(err, 1) })
	return panicked == nil, panicked
}

// A probe calls the methods that others will call of errors, for them to panic
// here. Those of this package's errors don't.
type probe struct{ text int }

// maxProbed is how much text is asked for. An error's text holds that of all it
// wraps, so that long ones in a long chain would take a while.
const maxProbed = 256 << 10

func (p *probe) visit(err error) step {
	switch err.(type) {
	case codes.ErrorCode, *statusError, *receivedError, *resolvedError, *PanicError:
		return descend
	}
	if p.text < maxProbed {
		p.text += len(err.Error())
	}
	if x, ok := err.(interface{ Is(error) bool }); ok {
		x.Is(context.Canceled)
	}
	if x, ok := err.(interface{ As(any) bool }); ok {
		x.As(new(*PanicError))
	}
	if x, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok {
		x.GRPCStatus()
	}
	return descend
}

// The bounds of a summary.
const (
	maxSummed    = 10
	maxSummedLen = 4 << 10
)

// summary stands for an error that is not to be run again: its type, and the
// texts of the first errors in it that wrap no other and don't panic.
func summary(err error) error {
	text := fmt.Sprintf("%T, which can't be printed: a method of it panics, or it wraps too much", err)
	var found int
	w := walk{visit: func(err error) step {
		if isLeaf(err) && found < maxSummed {
			_ = catchPanic(func() { text += "; in it: " + shortened(err.Error()) })
			found++
		}
		return descend
	}}
	_ = catchPanic(func() { w.from(err, 1) })
	return errors.New(text)
}

func isLeaf(err error) bool {
	switch err.(type) {
	case interface{ Unwrap() error }, interface{ Unwrap() []error }, *PanicError:
		return false
	}
	return true
}

func shortened(text string) string {
	if len(text) > maxSummedLen {
		return text[:maxSummedLen] + cutMark
	}
	return text
}
