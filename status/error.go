package status

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// Error is an error with a code and a public message; an empty one stands for
// that of the code's row. It is nil for NoError.
func Error(c codes.Code, message string) error {
	if st := newStatus(c, message); st.code.Number() != 0 {
		return newError(&st, nil)
	}
	return nil
}

// Errorf is [Error] with fmt.Sprintf. To wrap an error use [Wrap], not %w: what
// stands in the message is public.
func Errorf(c codes.Code, format string, args ...any) error {
	return Error(c, fmt.Sprintf(format, args...))
}

// Wrap is an error with a code and a public message that wraps err; it is nil if
// err is nil. The caller reads the message and nothing of err; an empty message
// stands for that of the code's row.
func Wrap(err error, c codes.Code, message string) error {
	if err == nil {
		return nil
	}
	st := newStatus(c, message)
	return newError(&st, err)
}

// Wrapf is [Wrap] with fmt.Sprintf.
func Wrapf(err error, c codes.Code, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return Wrap(err, c, fmt.Sprintf(format, args...))
}

// A statusError is a Status as an error. It is not itself a codes.Code, so that
// errors.AsType[codes.Code] finds the code and not the error.
type statusError struct {
	st    Status
	chain [2]error // the code, and the cause if there is one

	sent atomic.Pointer[grpcstatus.Status] // what wire gives, once it was asked,
	size atomic.Int64                      // and its size, which is there before that
	kept atomic.Pointer[resolvedError]     // what resolved gives, once it was asked
}

func newError(st *Status, cause error) *statusError {
	e := &statusError{st: *st}
	e.st.code = st.Code()
	e.chain = [2]error{e.st.code, cause}
	return e
}

// cause is what the error wraps, nil if that is nothing.
func (e *statusError) cause() error { return e.chain[1] }

// Error is the public text, in one line: the code's name and the message.
func (e *statusError) Error() string { return e.st.String() }

// Unwrap is the chain, which is not to be changed.
func (e *statusError) Unwrap() []error {
	if e.cause() == nil {
		return e.chain[:1:1]
	}
	return e.chain[:]
}

// GRPCStatus is the status as it would be sent, or, where a received one was made an
// error again, as it was received. An error that wraps one in NoError has the default
// status of INTERNAL: it is an error.
func (e *statusError) GRPCStatus() *grpcstatus.Status {
	received := e.st.rarely().received
	switch {
	case received != nil:
		return received
	case e.st.code.Number() == 0:
		table := e.st.code.Table()
		return table.GRPCStatus(table.DefaultFor(grpccodes.Internal).Number())
	}
	sent, _ := e.wire()
	return sent
}

// wire is the status as it is sent with its code's own table, whatever its size, and
// at most the size of its headers. It is made once. The code is not NoError.
func (e *statusError) wire() (sent *grpcstatus.Status, size int) {
	if sent := e.sent.Load(); sent != nil {
		return sent, int(e.size.Load())
	}
	sent, size = e.st.encode()
	e.size.Store(int64(size)) // who else is here stores the same
	if !e.sent.CompareAndSwap(nil, sent) {
		sent = e.sent.Load()
	}
	return sent, size
}

// resolved is the error itself with what wire gives, made once.
func (e *statusError) resolved(encoded *Encoded) *resolvedError {
	if r := e.kept.Load(); r != nil {
		return r
	}
	r := newResolved(encoded)
	if !e.kept.CompareAndSwap(nil, r) {
		r = e.kept.Load()
	}
	return r
}

// Format prints the public text, and with %+v the cause after it.
func (e *statusError) Format(f fmt.State, verb rune) { format(f, verb, e.Error(), e.cause()) }

// format prints public text as a string, and with %+v the private cause after it.
func format(f fmt.State, verb rune, public string, cause error) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), public)
	if verb == 'v' && f.Flag('+') && cause != nil {
		io.WriteString(f, "\ncaused by: ")
		fmt.Fprintf(f, "%+v", cause)
	}
}

// LogValue is a group of the code's name, number and reason, the canonical code,
// the message, where the status came from if it was received, and the cause.
func (e *statusError) LogValue() slog.Value { return e.st.logValue(e.cause()) }

// logValue is the status's LogValue with a cause, if that isn't nil.
func (st *Status) logValue(cause error) slog.Value {
	attrs := st.LogValue().Group()
	if cause != nil {
		attrs = append(attrs, slog.Any("cause", cause))
	}
	return slog.GroupValue(attrs...)
}
