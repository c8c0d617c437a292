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

// Error returns an error with a code and a public message, or nil for NoError. If
// message is empty, the error has the message of the code's row.
func Error(c codes.Code, message string) error {
	if st := newStatus(c, message); st.code.Number() != 0 {
		return newError(&st, nil)
	}
	return nil
}

// Errorf returns [Error] with a message formatted by fmt.Sprintf. The message is
// public: to wrap an error, use [Wrap] and not %w.
func Errorf(c codes.Code, format string, args ...any) error {
	return Error(c, fmt.Sprintf(format, args...))
}

// Wrap returns an error with a code and a public message that unwraps to err, or nil
// if err is nil. The caller reads the message, and nothing of err. If message is
// empty, the error has the message of the code's row.
func Wrap(err error, c codes.Code, message string) error {
	if err == nil {
		return nil
	}
	st := newStatus(c, message)
	return newError(&st, err)
}

// Wrapf returns [Wrap] with a message formatted by fmt.Sprintf.
func Wrapf(err error, c codes.Code, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return Wrap(err, c, fmt.Sprintf(format, args...))
}

// A statusError is a Status as an error. It is not a codes.Code itself, so that
// errors.AsType[codes.Code] finds the code and not the error.
type statusError struct {
	st    Status
	chain [2]error // the code, and the cause or nil

	// A cache of what is sent, because a package-level error variable is sent many times.
	sent    atomic.Pointer[grpcstatus.Status] // set by verbatim
	size    atomic.Int64                      // set by verbatim, before sent
	encoded atomic.Pointer[encodedError]      // set by encodedAlone
}

func newError(st *Status, cause error) *statusError {
	e := &statusError{st: *st}
	e.st.code = st.Code()
	e.chain = [2]error{e.st.code, cause}
	return e
}

// cause returns the error that e wraps, or nil.
func (e *statusError) cause() error { return e.chain[1] }

// Error returns the code's name and the message as one line. All of it is public.
func (e *statusError) Error() string { return e.st.String() }

// Unwrap returns the chain. Callers must not change the slice.
func (e *statusError) Unwrap() []error {
	if e.cause() == nil {
		return e.chain[:1:1]
	}
	return e.chain[:]
}

// GRPCStatus returns the received status, if the Status was received and not changed.
// Otherwise it returns the status by the code's own table. If the error was made by Wrap
// with NoError, it returns the INTERNAL default.
func (e *statusError) GRPCStatus() *grpcstatus.Status {
	switch {
	case e.st.unchanged:
		return e.st.received.grpc
	case e.st.code.Number() == 0:
		table := e.st.code.Table()
		return table.GRPCStatus(table.DefaultFor(grpccodes.Internal).Number())
	}
	sent, _ := e.verbatim()
	return sent
}

// Format prints the public text. %+v also prints the cause.
func (e *statusError) Format(f fmt.State, verb rune) { format(f, verb, e.Error(), e.cause()) }

// format prints public with the formatting of a string. %+v also prints the private cause.
func format(f fmt.State, verb rune, public string, cause error) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), public)
	if verb == 'v' && f.Flag('+') && cause != nil {
		io.WriteString(f, "\ncaused by: ")
		fmt.Fprintf(f, "%+v", cause)
	}
}

// LogValue returns the group of [Status.LogValue], and the cause if there is one.
func (e *statusError) LogValue() slog.Value { return e.st.logValue(e.cause()) }

// logValue returns the group of [Status.LogValue], and the cause if it isn't nil.
func (st *Status) logValue(cause error) slog.Value {
	attrs := st.LogValue().Group()
	if cause != nil {
		attrs = append(attrs, slog.Any("cause", cause))
	}
	return slog.GroupValue(attrs...)
}
