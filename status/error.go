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
func Error(c codes.Code, message string) error { return New(c, message).Err() }

// Errorf is [Error] with fmt.Sprintf. To wrap an error use [Wrap], not %w: what
// stands in the message is public.
func Errorf(c codes.Code, format string, args ...any) error {
	return New(c, fmt.Sprintf(format, args...)).Err()
}

// Wrap is an error with a code and a public message that wraps err; it is nil if
// err is nil. The caller reads the message and nothing of err; an empty message
// stands for that of the code's row.
func Wrap(err error, c codes.Code, message string) error {
	if err == nil {
		return nil
	}
	return New(c, message).Wrap(err)
}

// Wrapf is [Wrap] with fmt.Sprintf.
func Wrapf(err error, c codes.Code, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return New(c, fmt.Sprintf(format, args...)).Wrap(err)
}

// A statusError is a Status as an error. It is not itself a codes.Code, so that
// errors.AsType[codes.Code] finds the code and not the error.
type statusError struct {
	st       Status
	cause    error  // of a received error, what it came as
	received bool   // a Decoder made it
	policy   Policy // and this is how far that trusts its connection

	// chain is the code, then the cause, then a context error if the status says
	// what the caller's own context did.
	chain  [3]error
	length int

	sent atomic.Pointer[wire] // what GRPCStatus gives, once it was asked
}

// A wire is a status as it is sent, with the size of its headers at most.
type wire struct {
	status *grpcstatus.Status
	size   int
}

func newError(st *Status, cause error) *statusError {
	e := &statusError{st: *st}
	e.st.code = st.Code()
	e.link(e.st.code)
	if cause != nil {
		e.cause = cause
		e.link(cause)
	}
	return e
}

// link adds an error to the end of the chain.
func (e *statusError) link(err error) {
	e.chain[e.length] = err
	e.length++
}

// Error is the public text, in one line: the code's name and the message. For an
// error that was received inside of another's text it is that text.
func (e *statusError) Error() string {
	if _, plain := e.cause.(interface{ GRPCStatus() *grpcstatus.Status }); e.received && !plain {
		return oneLine(e.st.row().Name + ": " + e.cause.Error())
	}
	return e.st.String()
}

// Unwrap is the chain, which is not to be changed.
func (e *statusError) Unwrap() []error { return e.chain[:e.length:e.length] }

// GRPCStatus is the status as it would be sent, or as it was received. An error
// that wraps one in NoError has the default status of INTERNAL: it is an error.
func (e *statusError) GRPCStatus() *grpcstatus.Status {
	switch {
	case e.st.received != nil:
		return e.st.received
	case e.st.code.Number() == 0:
		table := e.st.code.Table()
		return table.GRPCStatus(table.FromGRPC(grpccodes.Internal).Number())
	}
	return e.wire().status
}

// wire is the status with its code's own table, made once. It was not received,
// and is none of NoError.
func (e *statusError) wire() *wire {
	if w := e.sent.Load(); w != nil {
		return w
	}
	w := &wire{}
	if e.st.plain() {
		w.status = e.st.encode(nil)
		w.size = rowSize(w.status.Message())
	} else {
		p := e.st.proto(nil, false)
		w.status, w.size = grpcstatus.FromProto(p), headerSize(p)
	}
	e.sent.CompareAndSwap(nil, w)
	return e.sent.Load()
}

// Format prints the public text, and with %+v the cause after it.
func (e *statusError) Format(f fmt.State, verb rune) { format(f, verb, e.Error(), e.cause) }

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
func (e *statusError) LogValue() slog.Value {
	attrs := e.st.LogValue().Group()
	if e.cause != nil {
		attrs = append(attrs, slog.Any("cause", e.cause))
	}
	return slog.GroupValue(attrs...)
}
