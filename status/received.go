package status

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// A receivedError is an error that a client decoded. Most callers ask for its code
// only: the rest of its status is read when it is asked for.
type receivedError struct {
	received *grpcstatus.Status
	proto    *spb.Status // a copy of it, which is not to be changed
	tables   tables      // its Decoder's
	policy   Trust       // how far that trusts its connection
	origin   Origin
	grpcCode grpccodes.Code

	// chain is the code, then the error as it was received, then a context error if
	// the status says what the caller's own context did.
	chain  [3]error
	length uint8

	read atomic.Pointer[Status] // the status, once it was read
}

// link adds an error to the end of the chain.
func (e *receivedError) link(err error) {
	e.chain[e.length] = err
	e.length++
}

func (e *receivedError) code() codes.Code { return e.chain[0].(codes.Code) }

// cause is what the error was received as.
func (e *receivedError) cause() error { return e.chain[1] }

// status is all that was received, read once.
func (e *receivedError) status() *Status {
	if st := e.read.Load(); st != nil {
		return st
	}
	st := &Status{}
	(&Decoder{Tables: e.tables}).decode(st, e.received, e.proto)
	e.read.CompareAndSwap(nil, st)
	return e.read.Load()
}

// Error is the public text, in one line: the code's name and the message. For an
// error that was received inside of another's text it is that text.
func (e *receivedError) Error() string {
	if _, plain := e.cause().(interface{ GRPCStatus() *grpcstatus.Status }); !plain {
		return oneLine(e.status().row().Name + ": " + e.cause().Error())
	}
	return e.status().String()
}

// Unwrap is the chain, which is not to be changed.
func (e *receivedError) Unwrap() []error { return e.chain[:e.length:e.length] }

// GRPCStatus is the status as it was received.
func (e *receivedError) GRPCStatus() *grpcstatus.Status { return e.received }

// Format prints the public text, and with %+v what was received after it.
func (e *receivedError) Format(f fmt.State, verb rune) { format(f, verb, e.Error(), e.cause()) }

// LogValue is as of a [Status], with what was received as the cause.
func (e *receivedError) LogValue() slog.Value { return e.status().logValue(e.cause()) }
