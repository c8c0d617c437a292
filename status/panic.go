package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/text"
)

// A PanicError describes a panic. [Recovered] makes one for a handler's panic. An
// [Encoder] makes one for a panic of a rule, of an amendment, of the RequestID function
// or of a method of the error. It is private. The caller gets the INTERNAL default for a
// handler's panic; a rule, an amendment or a RequestID function that panics is skipped.
//
// A PanicError unwraps to nothing, so that a code that was given to panic isn't taken for
// the handler's answer.
type PanicError struct {
	// Value is the value that was given to panic.
	Value any

	// Stack is the stack where the panic was recovered, as debug.Stack returns it. The
	// place of the panic is in it.
	Stack []byte

	text string // of the value
}

// Recovered returns an error for a value that was given to panic, or nil for nil. Call it
// in the deferred function that recovers, so that the stack is right:
//
//	defer func() {
//		if p := recover(); p != nil {
//			err = status.Recovered(p)
//		}
//	}()
//
// It is also a handler for go-grpc-middleware's recovery, which comes after errstatus in a
// chain:
//
//	recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(status.Recovered))
//	recovery.StreamServerInterceptor(recovery.WithRecoveryHandler(status.Recovered))
//
// The observer gets the error, a [*PanicError] with the value and the stack.
func Recovered(value any) error {
	if value == nil {
		return nil
	}
	return newPanic(value)
}

func newPanic(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack(), text: panicText(value)}
}

// panicText returns the text of a string, a number, a bool or an error that can be printed,
// as one line for a log. For any other value it returns the type, because printing a map
// that contains itself never ends.
func panicText(value any) (line string) {
	line = fmt.Sprintf("%T", value)
	defer func() {
		_ = recover()
		line = text.ForLog(line)
	}()
	switch v := value.(type) {
	case error:
		t := tree{whole: true}
		t.add(v, 1) // not read, which calls panicText again if an Unwrap method panics
		if !t.exceeded && t.panicked == nil {
			line = v.Error()
		}
	case string, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		line = fmt.Sprint(v)
	}
	return line
}

// Error returns "panic: " and the value, if that is a string, a number, a bool or an error
// that can be printed. For any other value it returns the type. The text is one line of at
// most about 4 KiB. Changing Value later doesn't change it.
func (e *PanicError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("panic: %T", e.Value)
	}
	return "panic: " + e.text
}

// GRPCStatus returns the INTERNAL default. Without it, a server that has recovery but not
// errstatus would send the panic's text to the caller.
func (e *PanicError) GRPCStatus() *grpcstatus.Status {
	return codes.Default().GRPCStatus(codes.Default().DefaultFor(grpccodes.Internal).Number())
}

// Format prints Error. %+v also prints the stack.
func (e *PanicError) Format(f fmt.State, verb rune) {
	var stack error
	if len(e.Stack) > 0 {
		stack = stackText(withoutRecovery(string(e.Stack)))
	}
	format(f, verb, e.Error(), stack)
}

// A stackText is a stack that is printed like a cause.
type stackText string

func (s stackText) Error() string { return string(s) }

// LogValue returns a group with Error's text and the stack, of which the middle is left out
// if it has over 8 KiB.
func (e *PanicError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("message", e.Error()), slog.String("stack", e.stack()))
}

// stack returns the stack for a log.
func (e *PanicError) stack() string {
	const limit = 8 << 10
	return text.Lines(text.Shorten(withoutRecovery(string(e.Stack)), limit))
}

// withoutRecovery returns a stack without the frames of the recovery, which come before that
// of the panic.
func withoutRecovery(stack string) string {
	goroutine, frames, _ := strings.Cut(stack, "\n")
	_, panicked, ok := strings.Cut(frames, "\npanic(")
	if !ok {
		return stack
	}
	return goroutine + "\npanic(" + panicked
}

// catchPanic calls f, which calls methods of types from outside of this package. It
// returns what f panics with, or nil if f returns.
func catchPanic(f func()) (panicked *PanicError) {
	defer func() {
		if value := recover(); value != nil {
			panicked = newPanic(value)
		}
	}()
	f()
	return nil
}

// safeToRun reports whether every error in err can be unwrapped and printed within
// the limits of a tree and without panicking. If not, panicked is the panic of a
// method, or nil if a limit was exceeded. Such an error is never passed on:
// errors.Is, gRPC or a logger could panic, or loop on it forever.
func safeToRun(err error) (ok bool, panicked *PanicError) {
	t := tree{whole: true}
	t.read(err)
	return t.safeToRun()
}

// safeToRun is safeToRun for the errors of a tree, in which received errors are no leaves.
func (t *tree) safeToRun() (ok bool, panicked *PanicError) {
	if t.panicked != nil || t.exceeded {
		return false, t.panicked // nothing in it is printed: its text may have no end
	}
	i := 0
	for i < t.size && t.at(i).plain {
		i++
	}
	if i == t.size {
		return true, nil
	}
	panicked = catchPanic(func() {
		for text := 0; i < t.size; i++ {
			if n := t.at(i); !n.plain {
				text += probe(n.err, text < maxProbed)
			}
		}
	})
	return panicked == nil, panicked
}

// maxProbed is the number of bytes of text after which safeToRun prints no more errors. The
// text of an error contains that of all errors that it wraps, so that a long chain of long
// texts is costly to print.
const maxProbed = 256 << 10

// probe calls the methods of err that errors.Is, errors.As, gRPC and loggers call, so
// that they panic here and not there. It calls Error only if prints is true, and returns
// the length of the text. It doesn't call the GRPCStatus method of parameters: that makes a
// status each time, and nobody else calls it, because the encoded error has one too.
func probe(err error, prints bool) (text int) {
	switch x := err.(type) {
	case codes.ErrorCode, *statusError, *receivedError, *encodedError, *PanicError:
		return 0
	case codes.Code:
		if isKept(x) {
			return 0
		}
	}
	if prints {
		text = len(err.Error())
	}
	if x, ok := err.(interface{ Is(error) bool }); ok {
		x.Is(context.Canceled)
	}
	if x, ok := err.(interface{ As(any) bool }); ok {
		x.As(new(*PanicError))
	}
	if x, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok && !isParams(err) {
		x.GRPCStatus()
	}
	return text
}

// The limits of a summary.
const (
	maxSummarized    = 10      // texts
	maxSummarizedLen = 1 << 10 // bytes of each
)

// summarize returns the summary of an error that isn't safe to run.
func summarize(err error) error {
	t := tree{whole: true}
	t.read(err)
	return t.summary(err)
}

// summary returns an error to log instead of err, which isn't safe to run. It has
// err's type, and the texts of the first errors in the tree that wrap no other and
// don't panic.
func (t *tree) summary(err error) error {
	summary := fmt.Sprintf("%T, which can't be printed: a method of it panics, or it wraps too much", err)
	found := 0
	for i := 0; i < t.size && found < maxSummarized; i++ {
		if leaf := t.at(i).err; isLeaf(leaf) || i == 0 && t.at(i).plain {
			_ = catchPanic(func() { summary += "; in it: " + text.OneLine(text.Shorten(leaf.Error(), maxSummarizedLen)) })
			found++
		}
	}
	return errors.New(summary)
}

func isLeaf(err error) bool {
	switch err.(type) {
	case interface{ Unwrap() error }, interface{ Unwrap() []error }, *PanicError:
		return false
	}
	return true
}
