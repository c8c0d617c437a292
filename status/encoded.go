package status

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/text"
)

// Encoded is the result of [Encoder.Encode]: what the caller gets for an error, and
// why. The zero Encoded is success. It is immutable and safe for concurrent use.
type Encoded struct{ result *encodedError }

// Err returns the error to hand to gRPC, or nil for success. Its text is the status's
// public message, as one line. It unwraps to the error that was encoded, so that outer
// interceptors can inspect it. gRPC calls no method of that error. Err doesn't unwrap to an
// error that wraps io.EOF, because logging interceptors take io.EOF for success, nor to one
// that can't be printed safely; see [Encoded.Original]. If the result of Err is encoded
// again, Err returns the same error again.
func (e Encoded) Err() error {
	if e.result == nil {
		return nil
	}
	if again, ok := e.result.cause().(*encodedError); ok {
		return again
	}
	return e.result
}

// Status returns what is sent, or nil for success. Its code is in 1..16, or a raw
// number in the numeric form.
func (e Encoded) Status() *grpcstatus.Status {
	if e.result == nil {
		return nil
	}
	return e.result.status
}

// GRPCCode returns the canonical code, and OK for success. In the canonical form it is
// the code of Status. In the numeric form it is the one that the raw number replaces.
func (e Encoded) GRPCCode() grpccodes.Code {
	if e.result == nil {
		return grpccodes.OK
	}
	return e.result.grpcCode
}

// Code returns the code that Status carries, or nil if it carries none.
func (e Encoded) Code() codes.Code {
	if e.result == nil || !e.result.carriesCode() {
		return nil
	}
	return e.result.code
}

// Row returns the row of Code, in the tables of the Encoder. It is the zero Row if the status
// carries no code. The row of a number without a row has a name, a reason and a message too; see
// [codes.Table.Lookup].
func (e Encoded) Row() codes.Row {
	if e.Code() == nil {
		return codes.Row{}
	}
	return e.result.row()
}

// Source returns which case of [Encoder.Encode] decided on the status.
func (e Encoded) Source() Source {
	if e.result == nil {
		return SourceNone
	}
	return e.result.source
}

// Otherwise returns, for [SourceContext], which case of [Encoder.Encode] would have
// decided if the context had not ended. It is [SourceNone] for a context error, and for a
// status CANCELLED or DEADLINE_EXCEEDED.
func (e Encoded) Otherwise() Source { return e.result.more().ended.otherwise }

// ContextCause returns, for [SourceContext], the cause of the RPC's context, or nil if
// the context has no cause of its own. If the cause can't be printed safely, a substitute
// is returned, as by [Encoded.Original]. The result is private.
func (e Encoded) ContextCause() error { return e.result.more().ended.cause }

// Withheld reports whether the text of the error, or of the context's cause, is withheld. The
// caller gets a fixed message instead, or that of an amendment. This includes a received text
// that is not sent with a restated Status. [Encoded.LogLevel] says what to log. Withheld is
// false if an amendment only replaces a message that isn't withheld.
func (e Encoded) Withheld() bool {
	x := e.result.more()
	return e.Source().Withheld() || x.withheld || x.ended.otherwise.Withheld() || x.ended.withheld
}

// RequestID returns the id that [Encoder.RequestID] gave, if it is sent, or "".
func (e Encoded) RequestID() string { return e.result.more().requestID }

// UpstreamRequestID returns the request id of the first upstream's status in the error
// that has one, or "". The upstream chose it; see [RequestID] for its form. An id is found
// also if the handler put a code around the upstream's error.
func (e Encoded) UpstreamRequestID() string {
	var t tree
	t.read(e.Original())
	for i := range t.size {
		received, _ := t.at(i).err.(*receivedError)
		if restated, ok := t.at(i).err.(*statusError); ok {
			received = restated.st.received
		}
		if received == nil || received.own {
			continue
		}
		if id := received.requestID(); id != "" {
			return id
		}
	}
	return ""
}

// AmendmentError returns an error that names each amendment that returned nil or a Status
// with NoError. It is nil if there was none.
func (e Encoded) AmendmentError() error { return e.result.more().amendment }

// Origin returns where the status in the error comes from.
func (e Encoded) Origin() Origin {
	if e.result == nil {
		return OriginLocal
	}
	return e.result.origin
}

// Trailer returns the trailer to send with Status. Set it only once. It is nil, or has
// the key grpc-retry-pushback-ms for gRPC's native retries (gRFC A6).
func (e Encoded) Trailer() metadata.MD {
	if p := e.result.more().pushback; p != "" {
		return metadata.Pairs(pushbackName, p)
	}
	return nil
}

// Truncated returns the parts of the status that were truncated to fit MaxSize.
func (e Encoded) Truncated() Truncation { return e.result.more().truncated }

// DroppedKeys returns the metadata keys that this process gave and that are not sent:
// AIP-193 forbids the key, errstatus reserves it, or the status carries no code. It has at
// most 64 keys.
func (e Encoded) DroppedKeys() []string { return slices.Clone(e.result.more().droppedKeys) }

// Panic returns the panic of the handler, of a rule, of an amendment, of the request id
// function or of one of the error's methods. It returns nil if there was none. The result
// is private and shared: don't change it.
func (e Encoded) Panic() *PanicError { return e.result.more().panicked }

// Original returns the error that was encoded, and nil for nil. If a method of that error
// panics, or if it wraps too much, Original returns a substitute for the log. The
// substitute's text has the type of the error and the first texts in it. The result is
// private.
func (e Encoded) Original() error {
	if e.result == nil {
		return nil
	}
	return e.result.original()
}

// An encodedError is an error whose status is decided. gRPC reads the status from it, and
// calls no method of the handler's error.
type encodedError struct {
	status   *grpcstatus.Status
	code     codes.Code   // the code that status carries, a fallback, or nil
	table    *codes.Table // of the sender, for the code
	grpcCode grpccodes.Code
	source   Source
	origin   Origin
	fallback bool // code is a fallback, which the status doesn't carry

	// chain[0] is the code, or nil if the handler's error already unwraps to it. chain[1]
	// is the handler's error, or nil; see setChain.
	chain [2]error
	extra *encodedExtra // nil for most
}

// An encodedExtra holds what few encoded errors have.
type encodedExtra struct {
	extra      // the parts of the Status's extra that are sent or reported
	truncated  Truncation
	panicked   *PanicError
	ended      endedContext
	withheld   bool  // a received text is withheld
	amendment  error // what was wrong with an amendment
	notInChain error // the handler's error, or what is logged instead of it; see setChain
}

// carriesCode reports whether the status carries a code. It calls none of its methods, which can
// panic.
func (r *encodedError) carriesCode() bool { return r.code != nil && !r.fallback }

// noExtra is the extra of most encoded errors.
var noExtra encodedExtra

// more returns the extra of r, which may be nil. The result must not be changed.
func (r *encodedError) more() *encodedExtra {
	if r == nil || r.extra == nil {
		return &noExtra
	}
	return r.extra
}

// change changes the extra of an encoded error that is still being made.
func (r *encodedError) change(f func(*encodedExtra)) {
	if r.extra == nil {
		r.extra = new(encodedExtra)
	}
	f(r.extra)
}

// again returns the result of encoding r once more. It has no trailer, and for observers only
// the request id: the rest was handled the first time.
func (r *encodedError) again() *encodedError {
	again := &encodedError{status: r.status, code: r.code, fallback: r.fallback, table: r.table, grpcCode: r.grpcCode, source: SourceEncoded, origin: r.origin, chain: [2]error{nil, r}}
	if id := r.more().requestID; id != "" {
		again.change(func(x *encodedExtra) { x.requestID = id })
	}
	return again
}

// withCause returns r as the result for err, which unwraps to the same code. It doesn't
// change r.
func (r *encodedError) withCause(err error) *encodedError {
	if r.cause() == err {
		return r
	}
	other := *r
	other.chain[1] = err
	return &other
}

// keptCodes caches the encoded error of each bare code, from the first time that it is
// sent. It is bounded by the rows of tables: it keeps only codes that have a row in their
// own table and are safe to run.
var keptCodes sync.Map // of codes.Code to *encodedError

// encodeCode returns the encoded error of a bare code, by the code's own table.
func encodeCode(c codes.Code) *encodedError {
	if kept, ok := keptCodes.Load(c); ok {
		return kept.(*encodedError)
	}
	sent := c.Table().GRPCStatus(c.Number())
	r := &encodedError{status: sent, code: c, table: c.Table(), grpcCode: sent.Code(), source: SourceCode, chain: [2]error{nil, c}}
	if c.Table().Has(c.Number()) { // numbers without a row are unbounded
		if ok, _ := safeToRun(c); ok {
			keptCodes.Store(c, r)
		}
	}
	return r
}

// isKept reports whether encodeCode has kept a code. Such a code is safe to run.
func isKept(c codes.Code) bool {
	if reflect.TypeOf(c).Kind() != reflect.Int32 {
		return false // it may not be hashable
	}
	_, ok := keptCodes.Load(c)
	return ok
}

// verbatim returns the status by the code's own table, not truncated, and an upper bound
// of the size that it adds to a header list. The result is cached. The code must not be
// NoError.
func (e *statusError) verbatim() (sent *grpcstatus.Status, size int) {
	if sent := e.sent.Load(); sent != nil {
		return sent, int(e.size.Load())
	}
	sent, size = e.st.encode()
	e.size.Store(int64(size)) // other goroutines store the same size
	if !e.sent.CompareAndSwap(nil, sent) {
		sent = e.sent.Load()
	}
	return sent, size
}

// encodedAlone returns the encoded error of e, if no other error wraps e. Its status is the
// result of verbatim. The result is cached.
func (e *statusError) encodedAlone() *encodedError {
	if r := e.encoded.Load(); r != nil {
		return r
	}
	sent, _ := e.verbatim()
	r := &encodedError{status: sent, code: e.st.code, table: e.st.code.Table(), grpcCode: sent.Code(), source: SourceCode, origin: e.st.origin, chain: [2]error{nil, e}}
	e.encoded.CompareAndSwap(nil, r)
	return e.encoded.Load()
}

// cause returns the handler's error, or nil if r doesn't unwrap to it.
func (r *encodedError) cause() error { return r.chain[1] }

// original returns the handler's error, or what is logged instead of it.
func (r *encodedError) original() error {
	if r.cause() == nil {
		return r.more().notInChain
	}
	return r.cause()
}

// row returns the row of the code or the fallback, by which it was sent. It is the zero Row
// if there is none or a method of the code panics.
func (r *encodedError) row() (row codes.Row) {
	if r.code != nil {
		_ = catchPanic(func() { row, _ = r.table.Lookup(r.code.Number()) })
	}
	return row
}

// Error returns the public message as one line. gRPC sends this text if an outer
// interceptor wraps the error.
func (r *encodedError) Error() string { return text.OneLine(r.status.Message()) }

// GRPCStatus returns what is sent.
func (r *encodedError) GRPCStatus() *grpcstatus.Status { return r.status }

// Unwrap returns the chain. Callers must not change the slice.
func (r *encodedError) Unwrap() []error { return withoutNil(r.chain[:]) }

// asStatus returns the Status of what is sent. It has the code and the canonical code of
// r, which a caller may not know: the numeric form doesn't send the canonical code.
func (r *encodedError) asStatus() *Status {
	var d Decoder
	if r.table != nil {
		d.Tables = []*codes.Table{r.table}
	}
	return decided(&d, r.status, r.status.Proto(), r.code, r.grpcCode)
}

// Format prints the public message. %+v also prints the handler's error.
func (r *encodedError) Format(f fmt.State, verb rune) { format(f, verb, r.Error(), r.original()) }
