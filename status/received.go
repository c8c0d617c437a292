package status

import (
	"fmt"
	"slices"
	"sync/atomic"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/text"
)

// A receivedError is a status that a client received, as an error. Most callers only ask
// for its code, so that its Status is made when it is asked for.
type receivedError struct {
	grpc    *grpcstatus.Status // the received status
	proto   *spb.Status        // a copy of it, never changed
	decoder *Decoder           // of the connection
	own     bool               // made in this process, so that all of it may be sent
	decided bool               // by an Encoder, so that WithheldMessages don't apply

	// What identify found.
	carries      bool           // the status carries code
	origin       Origin         // where the status comes from
	grpcCode     grpccodes.Code // for a raw number, that of the number's row
	code         codes.Code     // the UNKNOWN default if the status carries none
	rawTable     *codes.Table   // the table that names a raw number, or nil
	infoIndex    int32          // of the ErrorInfo that carries the code or, if none does, of the one to read; or -1
	rewritten    bool           // no errstatus server writes that ErrorInfo so: it is sent in another form
	metadataOnly bool           // the raw number names the code, and that ErrorInfo adds metadata

	// fields caches the result of Scan for that ErrorInfo, because an ErrorInfo can be very
	// long. It isn't set if the ErrorInfo equals that of a row; scanned then calls Scan again.
	hasFields bool
	fields    errorinfo.Scanned

	// chain has the code, if the status carries one; a receivedParams, if it may have
	// parameters; the error that was received; and, if the status says what the caller's own
	// context says, that context's error.
	length uint8
	chain  [4]error

	made atomic.Pointer[Status]
}

func (e *receivedError) append(err error) {
	e.chain[e.length] = err
	e.length++
}

// cause returns the error that was received.
func (e *receivedError) cause() error {
	switch {
	case !e.carries:
		return e.chain[0]
	case isParamsLink(e.chain[1]):
		return e.chain[2]
	}
	return e.chain[1]
}

// status returns the Status of what was received. It is always the same one.
func (e *receivedError) status() *Status {
	if st := e.made.Load(); st != nil {
		return st
	}
	e.made.CompareAndSwap(nil, e.newStatus())
	return e.made.Load()
}

// Error returns the text as one line: the code's name and the message. If the status was
// received inside of another error's text, it returns the name and that text. If the
// status carries no code, Error returns the received error's own text, byte for byte, so
// that code that compares gRPC's texts goes on working.
func (e *receivedError) Error() string {
	if !e.carries {
		return e.cause().Error()
	}
	if !e.isStatus() {
		return text.OneLine(e.status().row().Name + ": " + e.cause().Error())
	}
	return e.status().String()
}

// isStatus reports whether the received error is itself a gRPC status error. If not, it
// wraps one and adds text.
func (e *receivedError) isStatus() bool {
	_, ok := e.cause().(interface{ GRPCStatus() *grpcstatus.Status })
	return ok
}

// Is reports whether the code has the target as a sentinel.
func (e *receivedError) Is(target error) bool {
	for _, s := range e.decoder.Sentinels {
		if e.carries && s.Code == e.code && s.Target == target {
			return true
		}
	}
	return false
}

// Unwrap returns the chain. Callers must not change the slice.
func (e *receivedError) Unwrap() []error { return e.chain[:e.length:e.length] }

// GRPCStatus returns the received status.
func (e *receivedError) GRPCStatus() *grpcstatus.Status { return e.grpc }

// Format prints the text of Error. If the status carries a code, %+v also prints the
// error that was received.
func (e *receivedError) Format(f fmt.State, verb rune) {
	if !e.carries {
		format(f, verb, e.Error(), nil)
		return
	}
	format(f, verb, e.Error(), e.cause())
}

// info returns the bytes of the ErrorInfo that carries the code or, if none does, of the
// one to read: at most its first errorinfo.MaxFields fields. It is nil if there is none.
func (e *receivedError) info() []byte {
	if e == nil || e.infoIndex < 0 {
		return nil
	}
	return errorinfo.Prefix(e.proto.GetDetails()[e.infoIndex].GetValue())
}

// scanned returns the fields of the ErrorInfo that info returns. ok is false if there is
// none.
func (e *receivedError) scanned() (fields errorinfo.Scanned, ok bool) {
	switch info := e.info(); {
	case info == nil:
		return errorinfo.Scanned{}, false
	case e.hasFields:
		return e.fields, true
	default:
		return errorinfo.Scan(info)
	}
}

// details returns the details without the ErrorInfo that carries the code. The result must
// not be changed.
func (e *receivedError) details() []*anypb.Any {
	all := e.proto.GetDetails()
	switch {
	case !e.carries || e.infoIndex < 0:
		return all
	case e.infoIndex == 0:
		return all[1:]
	}
	return slices.Concat(all[:e.infoIndex], all[e.infoIndex+1:])
}

// newStatus returns the Status of what was received. It keeps the proto and changes none of
// it.
func (e *receivedError) newStatus() *Status {
	return &Status{code: e.code, text: receivedText, origin: e.origin, grpcCode: e.grpcCode, received: e, from: e}
}

// metadata returns the metadata of the ErrorInfo, for a Status of an origin. It is nil if
// there is none. Of a known domain, it has neither the code's number nor keys that AIP-193
// forbids. A Status with a code of this process has no metadata of another domain.
func (e *receivedError) metadata(origin Origin) (metadata map[string]string) {
	foreign := e != nil && e.origin == OriginForeign
	if foreign && origin == OriginLocal {
		return nil
	}
	for key, value := range errorinfo.All(e.info()) {
		if !foreign && (key == errorinfo.NumberKey || !errorinfo.IsMetadataKey(key)) {
			continue
		}
		if metadata == nil {
			metadata = make(map[string]string)
		}
		metadata[key] = value
	}
	return metadata
}

// pairs returns the received metadata that can fit into room bytes, "truncated" included,
// for a code with a row; see [errorinfo.Smallest]. It returns nil if the domain isn't known.
func (e *receivedError) pairs(room int, row codes.Row) []errorinfo.Pair {
	if e == nil || e.origin == OriginForeign {
		return nil
	}
	pairs := errorinfo.Smallest(e.info(), room, paramNames(row))
	if fields, _ := e.scanned(); len(fields.Truncated) <= room {
		pairs = withTruncated(pairs, string(fields.Truncated))
	}
	return pairs
}

// passes reports whether the status may be sent, with its details and metadata.
func (e *receivedError) passes() bool { return e.own || e.decoder.Trust.passes(e) }

// textPasses reports whether the message may be sent too. If the code is assumed, gRPC itself
// may have made the status: its texts name addresses and files of this network.
func (e *receivedError) textPasses() bool {
	assumed := e.carries && e.origin == OriginBare
	if assumed && !e.own && e.decoder.Trust != TrustAll && !slices.Contains(neverMadeByGRPC, e.grpcCode) {
		return false
	}
	return e.passes()
}

// neverMadeByGRPC has the canonical codes that gRPC's own libraries never make
// (https://grpc.io/docs/guides/status-codes).
var neverMadeByGRPC = []grpccodes.Code{
	grpccodes.InvalidArgument, grpccodes.NotFound, grpccodes.AlreadyExists, grpccodes.FailedPrecondition,
	grpccodes.Aborted, grpccodes.OutOfRange, grpccodes.DataLoss,
}
