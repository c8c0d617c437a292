package status

import (
	"fmt"
	"sync/atomic"

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

// Errorf returns [Error] with a message formatted by fmt.Sprintf. The message is public.
//
// The operand of %w becomes the cause, which is private, and prints nothing in the
// message:
//
//	status.Errorf(codes.SrvDatabase, "user %q: %w", id, err) // the caller reads: user "42"
//
// Put %w at the end of the format. There, a ": " before it is removed too; elsewhere the
// text around it stays. If the format has several %w, the error unwraps to all their
// operands. A nil operand is no cause. With a cause, Errorf returns an error even for
// NoError; see [Status.Wrap].
func Errorf(c codes.Code, format string, args ...any) error {
	message, cause := formatMessage(format, args...)
	if cause == nil {
		return Error(c, message)
	}
	return Wrap(cause, c, message)
}

// Wrap returns an error with a code and a public message that unwraps to err, or nil
// if err is nil. The caller reads the message, and nothing of err. If message is
// empty, the error has the message of the code's row.
//
// Wrap states the code, whatever err is. To keep a received failure and change its message,
// use [Status.WithMessage]: status.Code(err) is the UNKNOWN default if err carries no code,
// and wrapping err in that code would lose its canonical code.
func Wrap(err error, c codes.Code, message string) error {
	if err == nil {
		return nil
	}
	st := newStatus(c, message)
	return newError(&st, err)
}

// Wrapf returns [Wrap] with a message formatted by fmt.Sprintf. Operands of %w become
// causes too, as in [Errorf]. It returns nil if err is nil.
func Wrapf(err error, c codes.Code, format string, args ...any) error {
	if err == nil {
		return nil
	}
	message, cause := formatMessage(format, args...)
	return Wrap(joinCauses(err, cause), c, message)
}

// A statusError is a Status as an error. It is not a codes.Code itself, so that
// errors.AsType[codes.Code] finds the code and not the error.
type statusError struct {
	st Status

	// chain is [code, statedParams, cause], or [nil, code, cause] without parameters. A Status
	// that carries no code has nil for the code.
	chain [3]error

	// A cache of what is sent, because a package-level error variable is sent many times.
	sent    atomic.Pointer[grpcstatus.Status] // set by verbatim
	size    atomic.Int64                      // set by verbatim, before sent
	encoded atomic.Pointer[encodedError]      // set by encodedAlone
}

func newError(st *Status, cause error) *statusError {
	e := &statusError{st: *st}
	e.st.restate()
	if e.st.more().cause != nil {
		e.st.changeExtra(func(x *extra) { x.cause = nil })
	}
	if e.st.carriesCode() || e.st.code.Number() == 0 {
		e.chain[1] = e.st.code
	}
	if e.st.carriesCode() && e.st.mayHaveParams() {
		e.chain[0], e.chain[1] = e.st.code, (*statedParams)(e)
	}
	e.chain[2] = cause
	e.st.from = e
	return e
}

// cause returns the error that e wraps, or nil.
func (e *statusError) cause() error { return e.chain[2] }

// Error returns the code's name and the message as one line. It has no text of the cause.
func (e *statusError) Error() string { return e.st.String() }

// Unwrap returns the chain. Callers must not change the slice.
func (e *statusError) Unwrap() []error { return withoutNil(e.chain[:]) }

// withoutNil returns a chain without the nil errors at its beginning and end.
func withoutNil(chain []error) []error {
	first, end := 0, len(chain)
	for first < end && chain[first] == nil {
		first++
	}
	for first < end && chain[end-1] == nil {
		end--
	}
	return chain[first:end:end]
}

// GRPCStatus returns the status that a server without options sends.
func (e *statusError) GRPCStatus() *grpcstatus.Status {
	if e.st.code.Number() == 0 {
		return ToGRPC(e)
	}
	sent, _ := e.verbatim()
	return sent
}

// Format prints the text of Error. %+v also prints the cause.
func (e *statusError) Format(f fmt.State, verb rune) { format(f, verb, e.Error(), e.cause()) }
