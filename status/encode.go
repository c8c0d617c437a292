package status

import (
	"context"
	"errors"
	"math"
	"reflect"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// An Encoder decides which gRPC status a server sends for an error. The zero Encoder
// has the default table and no rules. It is safe for concurrent use as long as its
// fields are not changed.
type Encoder struct {
	// Tables say what is sent for the codes of their domains. For a code of any other
	// domain, the code's own table says it. A table must not be nil or empty, and two tables
	// must not have the same domain. The order matters for two things:
	//
	//   - The INTERNAL default comes from the first table, or from codes.Default() if
	//     there is none.
	//   - The Encoder looks up a raw number in each table in turn, and then in the default
	//     table. It does the same with the number of an [OpenIMError].
	Tables []*codes.Table

	// Rules give codes to errors that state none. They are tried in order.
	Rules []Rule

	// MaxSize limits the bytes that a status adds to the header list of its answer. The
	// fields :status, content-type, grpc-status, grpc-message, grpc-status-details-bin and
	// the pushback count. Each counts its name, its encoded value and 32 bytes (RFC 9113,
	// section 6.5.2).
	//
	// A larger status is truncated until it fits:
	//
	//   - First details, from the last to the first. A BadRequest first loses its last
	//     violations. An openim.protobuf.ErrorInfo first loses the end of its text.
	//   - Then metadata of the ErrorInfo, in reverse order of the keys.
	//   - Then the end of the message.
	//
	// The code, the reason, the domain and the number always remain.
	// metadata["truncated"] names the truncated parts.
	//
	// 0 means [DefaultMaxSize]. A value below [LeastMaxSize] means [LeastMaxSize].
	MaxSize int

	// RetryPushback tells gRPC's native retries how long to wait, for a [Status] that
	// was given a RetryInfo in this process; see [Encoded.Trailer].
	RetryPushback bool

	// DebugInfo sends google.rpc.DebugInfo details that were added in this process. A
	// received one is never sent.
	DebugInfo bool

	// OpenIMErrors says whether an [OpenIMError] in the error states a code, and
	// whether its detail is sent.
	OpenIMErrors OpenIMErrorLevel

	// OpenIMForm sends the numeric form, for clients that read no other. grpc-status is the
	// code's number. The first detail is the openim.protobuf.ErrorInfo of the status, or
	// an empty one. The second is the google.rpc.ErrorInfo.
	//
	// These are still sent in the canonical form:
	//
	//   - a status that carries no code;
	//   - a code with a number up to 16: that would be read as a canonical code;
	//   - a code whose number has a row in another domain's table, if a client would look
	//     at that table first.
	OpenIMForm bool
}

// Encode decides what the caller gets for an error that a handler returned. ctx is the
// RPC's own context. The first case that applies decides:
//
//  1. nil is success.
//  2. For an error that was encoded before, the same status is sent.
//  3. A code or a [Status] error is sent with its public message and details, also under
//     %w or in errors.Join. So is an [OpenIMError], if OpenIMErrors says so.
//  4. An error that a rule matches is sent as the rule's code, with that code's message.
//  5. A context error and a status CANCELLED or DEADLINE_EXCEEDED, if the RPC's own
//     context has ended, are sent as ctx.Err() says.
//  6. context.DeadlineExceeded is sent as DEADLINE_EXCEEDED.
//  7. A received status that its connection's [Trust] lets pass is forwarded, without
//     DebugInfo.
//  8. Any other received status is sent as the INTERNAL default. UNAVAILABLE and
//     DEADLINE_EXCEEDED keep their code, with a fixed message.
//  9. A gRPC status with a canonical code is sent with its own code, message and
//     details, without the text around it. If a received [Status] carries no code, the error that Err or Wrap
//     makes of it is sent in the same way.
//  10. A gRPC status with a raw number is sent as a code, if a table has the number.
//  11. Everything else is sent as the INTERNAL default, with its fixed message: a plain
//     error, NoError as an error, a status with code OK, an error whose methods panic.
//  12. A [PanicError] is sent in the same way.
//
// An error with a method that panics before a code is found is case 11, whatever else it
// is.
//
// Everything that is sent is valid UTF-8, has each detail type once and keeps MaxSize.
// Equal errors give equal bytes. No cause and no text of fmt.Errorf or errors.Join is
// sent.
//
// The error is searched through 64 levels and 1,000 errors. If it wraps more, Encode uses
// what it found so far, and doesn't call the rules' functions.
func (e *Encoder) Encode(ctx context.Context, err error) Encoded {
	if err == nil {
		return Encoded{}
	}
	if r := e.encodeSimple(err); r != nil {
		return Encoded{r}
	}
	return Encoded{e.encodeTree(ctx, err)}
}

// encodeSimple returns the encoded error of a simple error, if its status is cached or
// differs from a cached one only in the message. Otherwise it returns nil.
func (e *Encoder) encodeSimple(err error) *encodedError {
	switch stated := simple(err).(type) {
	case *statusError:
		sent := e.ready(&stated.st, stated)
		switch {
		case sent == nil:
			return nil
		case err == error(stated) && sent == stated.sent.Load():
			return stated.encodedAlone()
		}
		return &encodedError{status: sent, code: stated.st.code, grpcCode: sent.Code(), source: SourceCode, origin: stated.st.origin, chain: [2]error{nil, err}}
	case codes.Code:
		return e.readyCode(stated, err)
	}
	return nil
}

// readyCode returns the encoded error of a bare code, if the status in the code's row is
// sent unchanged. Otherwise it returns nil. The result unwraps to err.
func (e *Encoder) readyCode(c codes.Code, err error) *encodedError {
	table := tables(e.Tables).forCode(c)
	sent := table.GRPCStatus(c.Number())
	switch {
	case maxRowSize(sent.Message()) > e.maxSize() || e.inOpenIMForm(c):
		return nil
	case table == c.Table():
		return encodeCode(c).withCause(err)
	}
	return &encodedError{status: sent, code: c, grpcCode: sent.Code(), source: SourceCode, chain: [2]error{nil, err}}
}

// simple returns the code or the *statusError that err is. fmt.Errorf may have wrapped it.
// simple returns nil for any other error. Most errors of handlers are simple. Their methods
// can't panic or loop, so that they need no tree.
func simple(err error) error {
	for range maxDepth - 1 { // a Status error has its code one level below
		switch x := err.(type) {
		case codes.ErrorCode:
			if x > 0 {
				return err
			}
			return nil
		case *statusError:
			if c, ok := x.st.code.(codes.ErrorCode); ok && c > 0 && x.cause() == nil && x.st.origin.carriesCode() {
				return err
			}
			return nil
		}
		if reflect.TypeOf(err) != wrapErrorType {
			if c, ok := err.(codes.Code); ok && isKept(c) {
				return err
			}
			return nil
		}
		err = errors.Unwrap(err)
	}
	return nil
}

// encodeTree encodes any error but nil.
func (e *Encoder) encodeTree(ctx context.Context, err error) *encodedError {
	if encoded, ok := err.(*encodedError); ok {
		return encoded.again()
	}
	var t tree
	t.read(err)
	var f finding
	f.search(&t, e.openIMAdapter())
	var r *encodedError
	panicked := catchPanic(func() { r = e.send(ctx, e.decide(ctx, err, &t, &f)) })
	if panicked != nil {
		r = e.send(ctx, e.internal(SourceUnknown, panicked))
	}
	r.setChain(err, &t)
	return r
}

// setChain sets what r unwraps to. If err is safe to run, r unwraps to err. If r then
// doesn't unwrap to its code, setChain adds the code. t is the tree in which err was
// searched.
func (r *encodedError) setChain(err error, t *tree) {
	all := t
	if t.received {
		all = &tree{whole: true}
		all.read(err)
	}
	ok, panicked := all.safeToRun()
	if panicked != nil && r.more().panicked == nil {
		r.change(func(x *encodedExtra) { x.panicked = panicked })
	}
	if r.more().pushback != "" && all.hasPushback() {
		r.change(func(x *encodedExtra) { x.pushback = "" }) // gRPC doesn't retry if there are two
	}
	if ok {
		r.chain[1] = err
	} else {
		r.change(func(x *encodedExtra) { x.summary = all.summary(err) })
	}
	if r.code != nil && (!ok || !all.has(r.code)) {
		if ok, _ := safeToRun(r.code); ok { // a method of a user's type can panic
			r.chain[0] = r.code
		}
	}
}

// has reports whether the code is in the tree.
func (t *tree) has(c codes.Code) bool {
	for i := range t.size {
		if t.at(i).err == error(c) {
			return true
		}
	}
	return false
}

// hasPushback reports whether a server interceptor has set the pushback of an error in
// the tree.
func (t *tree) hasPushback() bool {
	for i := range t.size {
		if r, ok := t.at(i).err.(*encodedError); ok && r.more().pushback != "" {
			return true
		}
	}
	return false
}

// A decision is the result of the case of [Encoder.Encode] that applies, before it is
// fitted into MaxSize.
type decision struct {
	// One of these is sent.
	code    codes.Code         // a bare code
	status  *Status            // a Status
	grpc    *grpcstatus.Status // a status that carries no code
	encoded *encodedError      // the status of an error that was encoded before

	stated   *statusError // the error with this Status, or nil
	source   Source
	origin   Origin
	panicked *PanicError
}

// decide returns the result of the first case of [Encoder.Encode] that applies to err.
func (e *Encoder) decide(ctx context.Context, err error, t *tree, f *finding) decision {
	switch {
	case f.encoded != nil:
		return decision{encoded: f.encoded, source: SourceEncoded, origin: f.encoded.origin}
	case f.code != nil:
		return decision{code: f.code, source: SourceCode}
	case f.stated != nil:
		return decision{status: &f.stated.st, stated: f.stated, source: SourceCode, origin: f.stated.st.origin}
	case f.openIM != nil:
		return decision{status: f.openIM, source: SourceOpenIMError}
	case f.failed != nil:
		return e.internal(SourceUnknown, f.failed)
	}
	if code := e.match(err, t); code != nil {
		return decision{code: code, source: SourceRule}
	}
	if ended := ctx.Err(); ended != nil && f.contextEnded {
		return decision{grpc: contextStatus(ended), source: SourceContext}
	}
	switch {
	case f.deadline:
		return decision{grpc: contextStatus(context.DeadlineExceeded), source: SourceDeadline}
	case f.received != nil:
		return e.upstream(f.received)
	case f.restated != nil:
		return decision{status: &f.restated.st, stated: f.restated, source: SourceGRPCStatus, origin: f.restated.st.origin}
	case f.grpc != nil:
		return e.grpc(f.grpc)
	case f.panicked != nil:
		return e.internal(SourcePanic, f.panicked)
	}
	return e.internal(SourceUnknown, nil)
}

// internal decides on the INTERNAL default, for an error of which the caller may learn
// nothing.
func (e *Encoder) internal(source Source, panicked *PanicError) decision {
	code := tables(e.Tables).first().DefaultFor(grpccodes.Internal)
	return decision{code: code, source: source, panicked: panicked}
}

// contextStatus returns gRPC's own status for a context that has ended. It doesn't use the
// text of ended: an interceptor can replace the context, and the text is private.
func contextStatus(ended error) *grpcstatus.Status {
	if ended != context.Canceled && find(ended).deadline {
		return grpcstatus.FromContextError(context.DeadlineExceeded)
	}
	return grpcstatus.FromContextError(context.Canceled)
}

// The fixed messages for an upstream whose text is withheld.
const (
	upstreamUnavailable = "an upstream service is unavailable"
	upstreamDeadline    = "an upstream service did not answer in time"
)

// upstream decides on an error that was received from another service.
func (e *Encoder) upstream(received *receivedError) (d decision) {
	switch {
	case received.trust.passes(received.origin):
		return decision{status: received.status(), source: SourceForwarded, origin: received.origin}
	case received.origin == OriginNumeric: // the number of a server that isn't trusted can mean anything
		d = e.internal(SourceUpstream, nil)
	case received.grpcCode == grpccodes.Unavailable:
		d = decision{grpc: grpcstatus.New(received.grpcCode, upstreamUnavailable), source: SourceUpstream}
	case received.grpcCode == grpccodes.DeadlineExceeded:
		d = decision{grpc: grpcstatus.New(received.grpcCode, upstreamDeadline), source: SourceUpstream}
	default:
		d = e.internal(SourceUpstream, nil)
	}
	d.origin = received.origin
	return d
}

// grpc decides on a gRPC status that was made in this process.
func (e *Encoder) grpc(gst *grpcstatus.Status) decision {
	st := (&Decoder{Tables: e.Tables}).FromGRPC(gst)
	d := decision{status: st, source: SourceGRPCStatus, origin: st.origin}
	if gst.Code() <= grpccodes.Unauthenticated {
		return d
	}
	if st.origin == OriginKnown || st.origin == OriginNumeric && tables(e.Tables).forCode(st.code).Has(st.code.Number()) {
		d.source = SourceNumber
		return d
	}
	return e.internal(SourceUnknown, nil)
}

// send returns the encoded error of a decision. It doesn't unwrap to the handler's error
// yet; setChain adds that.
func (e *Encoder) send(ctx context.Context, d decision) *encodedError {
	switch {
	case d.encoded != nil:
		return d.complete(d.encoded.again())
	case d.grpc != nil:
		return d.complete(&encodedError{status: d.grpc, grpcCode: d.grpc.Code()})
	case d.code != nil:
		if r := e.readyCode(d.code, nil); r != nil {
			return d.complete(r)
		}
		d.status = New(d.code, "")
	}
	r := new(encodedError)
	if d.status.origin.carriesCode() {
		r.code = d.status.code
	}
	if sent := e.ready(d.status, d.stated); sent != nil {
		r.status, r.grpcCode = sent, sent.Code()
	} else {
		e.fit(ctx, r, d.status, d.source)
	}
	return d.complete(r)
}

// complete copies source, origin and panic of the decision to r, and returns r. r must not
// be one that is kept.
func (d *decision) complete(r *encodedError) *encodedError {
	r.source, r.origin, r.chain = d.source, d.origin, [2]error{}
	if d.panicked != nil {
		r.change(func(x *encodedExtra) { x.panicked = d.panicked })
	}
	return r
}

// ready returns the gRPC status for st, if that status is cached or differs from a cached
// one only in the message. It returns nil if the status has to be made, changed or
// truncated. stated is the error with st, or nil.
func (e *Encoder) ready(st *Status, stated *statusError) *grpcstatus.Status {
	if !e.sendsVerbatim(st) {
		return nil
	}
	var sent *grpcstatus.Status
	size := math.MaxInt
	switch table := tables(e.Tables).forCode(st.code); {
	case stated != nil && table == st.code.Table():
		sent, size = stated.verbatim()
	case st.isShort():
		sent, size = st.encodeShort(table)
	}
	if size > e.maxSize()-maxSubtype {
		return nil
	}
	return sent
}

// sendsVerbatim reports whether st needs no pushback, no DebugInfo, no numeric form and no
// note of dropped keys. It doesn't look at the size.
func (e *Encoder) sendsVerbatim(st *Status) bool {
	if x := st.more(); x.droppedKeys != nil || x.pushback != "" && e.RetryPushback {
		return false
	}
	return !e.DebugInfo && !e.inOpenIMForm(st.code)
}
