package status

import (
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// A receivedError is an error that a client decoded. Most callers only ask for its
// code, so that its Status is made when it is asked for.
type receivedError struct {
	identity
	grpc  *grpcstatus.Status // as it was received
	proto *spb.Status        // a copy of it, never changed
	trust Trust              // in the connection

	// chain has the code, the error as it was received and, if the status says what
	// the caller's own context says, that context's error.
	chain  [3]error
	length uint8

	made atomic.Pointer[Status]
}

func (e *receivedError) append(err error) {
	e.chain[e.length] = err
	e.length++
}

// cause returns the error as it was received.
func (e *receivedError) cause() error { return e.chain[1] }

// status returns the Status of what was received. It is always the same one.
func (e *receivedError) status() *Status {
	if st := e.made.Load(); st != nil {
		return st
	}
	e.made.CompareAndSwap(nil, newReceived(e.grpc, e.proto, e.identity))
	return e.made.Load()
}

// Error returns the public text as one line: the code's name and the message. If the
// status was received inside of another error's text, it returns the name and that text.
func (e *receivedError) Error() string {
	if _, ok := e.cause().(interface{ GRPCStatus() *grpcstatus.Status }); !ok {
		return oneLine(e.status().row().Name + ": " + e.cause().Error())
	}
	return e.status().String()
}

// Unwrap returns the chain. It must not be changed.
func (e *receivedError) Unwrap() []error { return e.chain[:e.length:e.length] }

// GRPCStatus returns the status as it was received.
func (e *receivedError) GRPCStatus() *grpcstatus.Status { return e.grpc }

// Format prints the public text. %+v also prints the error as it was received.
func (e *receivedError) Format(f fmt.State, verb rune) { format(f, verb, e.Error(), e.cause()) }

// LogValue returns the group of [Status.LogValue], with the error as it was received
// as the cause.
func (e *receivedError) LogValue() slog.Value { return e.status().logValue(e.cause()) }

// A reception is how a Status was received. It is never changed.
type reception struct {
	identity
	status *grpcstatus.Status
	info   []byte // the ErrorInfo that carries the code, or nil
}

var noReception = &reception{}

// reception returns st.received for reading. It is never nil, and st may be.
func (st *Status) reception() *reception {
	if st == nil || st.received == nil {
		return noReception
	}
	return st.received
}

// newReceived returns the Status of a gRPC status with the given proto and identity.
// It keeps parts of the proto and changes none.
func newReceived(gst *grpcstatus.Status, p *spb.Status, id identity) *Status {
	received := &reception{identity: id, status: gst}
	st := &Status{
		code:       id.code,
		message:    p.GetMessage(),
		hasMessage: true,
		origin:     id.origin,
		details:    p.GetDetails(),
		grpcCode:   id.grpcCode,
		received:   received,
		unchanged:  true,
	}
	if id.info < 0 {
		return st
	}
	st.details = slices.Concat(p.GetDetails()[:id.info], p.GetDetails()[id.info+1:])
	info := p.GetDetails()[id.info].GetValue()
	if !id.metadataOnly {
		received.info = info
		return st
	}
	for key, value := range errorinfo.All(info) {
		if key == errorinfo.NumberKey {
			continue
		}
		if st.metadata == nil {
			st.metadata = make(map[string]string)
		}
		st.metadata[key] = value
	}
	return st
}
