package status

import (
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync/atomic"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// A receivedError is a status that a client received, as an error. Most callers only ask
// for its code, so that its Status is made when it is asked for.
type receivedError struct {
	grpc  *grpcstatus.Status // the received status
	proto *spb.Status        // a copy of it, never changed
	trust Trust              // in the connection

	// What identify found.
	code          codes.Code
	grpcCode      grpccodes.Code // for a raw number, that of the number's row
	origin        Origin
	rawTable      *codes.Table // the table that names a raw number, or nil
	infoIndex     int32        // of the ErrorInfo that carries the code, or -1
	numberMissing bool         // that ErrorInfo names the code by its reason, and lacks its number
	assumed       bool         // that ErrorInfo is of a known domain, and names no code
	metadataOnly  bool         // the raw number names the code, and that ErrorInfo adds metadata

	// chain has the code, the error that was received and, if the status says what
	// the caller's own context says, that context's error.
	chain  [3]error
	length uint8

	made atomic.Pointer[Status]
}

func (e *receivedError) append(err error) {
	e.chain[e.length] = err
	e.length++
}

// cause returns the error that was received.
func (e *receivedError) cause() error { return e.chain[1] }

// status returns the Status of what was received. It is always the same one.
func (e *receivedError) status() *Status {
	if st := e.made.Load(); st != nil {
		return st
	}
	e.made.CompareAndSwap(nil, e.newStatus())
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

// Unwrap returns the chain. Callers must not change the slice.
func (e *receivedError) Unwrap() []error { return e.chain[:e.length:e.length] }

// GRPCStatus returns the received status.
func (e *receivedError) GRPCStatus() *grpcstatus.Status { return e.grpc }

// Format prints the public text. %+v also prints the error that was received.
func (e *receivedError) Format(f fmt.State, verb rune) { format(f, verb, e.Error(), e.cause()) }

// LogValue returns the group of [Status.LogValue], with the error that was received
// as the cause.
func (e *receivedError) LogValue() slog.Value { return e.status().logValue(e.cause()) }

// info returns the bytes of the ErrorInfo that carries the code, or nil.
func (e *receivedError) info() []byte {
	if e == nil || e.infoIndex < 0 || e.metadataOnly {
		return nil
	}
	return e.proto.GetDetails()[e.infoIndex].GetValue()
}

// newStatus returns the Status of what was received. It keeps parts of the proto and
// changes none.
func (e *receivedError) newStatus() *Status {
	details := e.proto.GetDetails()
	st := &Status{
		code:       e.code,
		message:    e.proto.GetMessage(),
		hasMessage: true,
		origin:     e.origin,
		details:    details,
		grpcCode:   e.grpcCode,
		received:   e,
		unchanged:  true,
	}
	if e.infoIndex < 0 {
		return st
	}
	st.details = slices.Concat(details[:e.infoIndex], details[e.infoIndex+1:])
	if e.metadataOnly {
		st.metadata = withoutNumber(errorinfo.All(details[e.infoIndex].GetValue()))
	}
	return st
}

// withoutNumber returns the metadata of an ErrorInfo without the code's number, or nil
// if there is none.
func withoutNumber(pairs iter.Seq2[string, string]) (metadata map[string]string) {
	for key, value := range pairs {
		if key == errorinfo.NumberKey {
			continue
		}
		if metadata == nil {
			metadata = make(map[string]string)
		}
		metadata[key] = value
	}
	return metadata
}
