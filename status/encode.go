package status

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"reflect"
	"slices"

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
	//     there is none. If the first table has no default row for INTERNAL, the INTERNAL
	//     default carries no code: it is INTERNAL with an ErrorInfo that has the reason
	//     INTERNAL, the table's domain and no number.
	//   - The Encoder looks up a raw number in each table in turn, and then in the default
	//     table. It does the same with the number of an [OpenIMError].
	Tables []*codes.Table

	// Rules give a Status to errors that state no code. They are tried in order.
	Rules []Rule

	// MaxSize limits the bytes that a status adds to the header list of its answer. The
	// fields :status, content-type, grpc-status, grpc-message, grpc-status-details-bin and
	// the pushback count. Each counts its name, its encoded value and 32 bytes (RFC 9113,
	// section 6.5.2).
	//
	// A larger status is truncated until it fits:
	//
	//   - First localized texts, which repeat the rest in another language: the
	//     google.rpc.LocalizedMessage, and then those of all violations of a BadRequest.
	//   - Then details, from the last to the first. A BadRequest first loses its last
	//     violations. An openim.protobuf.ErrorInfo first loses the end of its text.
	//   - Then metadata of the ErrorInfo. Long values are shortened, all to the same length,
	//     and end with three dots. Values of up to 32 bytes stay whole. If that isn't enough,
	//     pairs are dropped in reverse order of the keys.
	//   - Then, in the same way, values of the parameters that the template of the code's row
	//     names.
	//   - Then the end of the message.
	//   - Then pairs with parameters are dropped, in reverse order of the keys.
	//   - Then the id of RequestID.
	//
	// The code, the reason, the domain and the number always remain.
	// metadata["truncated"] names the truncated parts: metadata also if values were only
	// shortened.
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

	// WithheldMessages are canonical codes. If a gRPC status that was made in this
	// process has one of them, a fixed message replaces its own. If the status carries a
	// code, that is the message of the code's row. Otherwise it is the message of the
	// first table's default row for the canonical code or, without one, of the UNKNOWN
	// default. Details are sent. For a raw number, the canonical code of its row counts. The
	// same holds for a Status that was read from such a gRPC status and restated, unless it
	// was given another message; see [Status.WithMessage].
	//
	// It is for handlers that put private text into such a status, for example with
	// grpcstatus.Errorf(grpccodes.Internal, "%v", err).
	WithheldMessages []grpccodes.Code

	// Amendments add to the decided status, before the size limit is applied. Each gets the
	// RPC's context and the decided Status, and returns that, or a copy with more details,
	// metadata, a retry delay or another message. It can't change the code, the canonical
	// code or the Source. The Status has what is sent and nothing else: no withheld text, no
	// cause, and no DebugInfo unless that is sent. If the received metadata is larger than
	// MaxSize, the Status has only a part of it. WithMessage("") sends the fixed message:
	// that of the code's row or, without a code, that of the first table's default row. If
	// an amendment adds an ErrorInfo, only its metadata is used, and only if its domain is
	// the code's. Details that it adds are the last to be dropped, localized texts excepted,
	// and replace others of their type. If an amendment panics, or returns nil or a Status with NoError, nothing
	// is added: see [Encoded.Panic] and [Encoded.AmendmentError].
	//
	// An error that was encoded before isn't amended again. Amendments are called
	// concurrently.
	Amendments []func(ctx context.Context, st *Status) *Status

	// RequestID returns the id of an RPC, or "" for none. The id is sent in a
	// google.rpc.RequestInfo, which replaces that of an upstream. If the status is too
	// large, the id is dropped last of all. An id that doesn't match
	// [A-Za-z0-9._:-]{1,128} isn't sent. RequestID is called for each failure,
	// concurrently. If it panics, no id is sent, and [Encoded.Panic] returns the panic.
	RequestID func(ctx context.Context) string

	// Localizer adds texts in the caller's language to the decided status, usually a
	// google.rpc.LocalizedMessage. It is like one of the Amendments, with two differences:
	// it runs after all of them, and reads what they added. A detail that it adds replaces
	// the detail of the same type in its position; otherwise it is appended. Usually this is
	// the Amend method of a localize.Localizer.
	Localizer func(ctx context.Context, st *Status) *Status

	// OpenIMForm sends the numeric form, for clients that read no other. grpc-status is the
	// code's number. The first detail is the openim.protobuf.ErrorInfo of the status, or
	// an empty one. The second is the google.rpc.ErrorInfo.
	//
	// These are still sent in the canonical form:
	//
	//   - a status that carries no code;
	//   - a code with a number up to 16: that would be read as a canonical code;
	//   - a code whose number has a row in another domain's table, if a client would look
	//     at that table first;
	//   - a code whose number has no row in any table, unless its domain is that of the first
	//     table.
	OpenIMForm bool
}

// Encode decides what the caller gets for an error that a handler returned. ctx is the
// RPC's own context. It is never a context that a handler derived, such as that of an
// errgroup: its cause would be the error of another task. The first case that applies
// decides:
//
//  1. nil is success.
//  2. For an error that was encoded before, the same status is sent.
//  3. A code, a [Status] error or an error with parameters is sent with its public message
//     and details, also under %w or in errors.Join; see [With]. So is an [OpenIMError], if
//     OpenIMErrors says so.
//  4. An error that a rule matches is sent as the rule's Status.
//  5. This case applies if the RPC's own context has ended, or its deadline has passed by
//     now, and the error is a context error, a status CANCELLED or DEADLINE_EXCEEDED, or
//     an error of case 8 or 11. Of case 11, it doesn't apply to NoError, a typed nil or an
//     error whose methods panic. If context.Cause(ctx) isn't the context's own error, the
//     cause is sent as cases 3, 4 and 7 to 10 say. If none of them applies, CANCELLED or
//     DEADLINE_EXCEEDED is sent: DEADLINE_EXCEEDED if ctx.Err() says so or the deadline
//     has passed.
//  6. context.DeadlineExceeded is sent as DEADLINE_EXCEEDED.
//  7. A received status that its connection's [Trust] lets pass is forwarded, without
//     DebugInfo.
//  8. Any other received status is sent as the INTERNAL default. UNAVAILABLE and
//     DEADLINE_EXCEEDED keep their code, with a fixed message. An assumed code whose message
//     may not be forwarded is sent with the message of its row; see [Decoder.AssumeCodes].
//  9. A gRPC status with a canonical code is sent with its own code, message and
//     details, without the text around it. WithheldMessages can replace the message.
//  10. A gRPC status with a raw number is sent as a code, if a table has the number.
//  11. Everything else is sent as the INTERNAL default, with its fixed message: a plain
//     error, NoError as an error, a status with code OK, an error whose methods panic. A
//     negative code, such as a fallback, is sent as the INTERNAL default of its own table.
//  12. A [PanicError] is sent in the same way.
//
// An error with a method that panics before a code is found is case 11, whatever else it
// is.
//
// Everything that is sent is valid UTF-8, has each detail type once and is within
// MaxSize. No message begins or ends with a space. Equal errors give equal bytes. No
// cause and no text of fmt.Errorf or errors.Join is sent.
//
// The error is searched through 64 levels and 1,000 errors. If it wraps more, Encode uses
// what it found so far, and doesn't call the rules' functions.
func (e *Encoder) Encode(ctx context.Context, err error) Encoded {
	if err == nil {
		return Encoded{}
	}
	if !e.amends() {
		if r := e.encodeSimple(err); r != nil {
			return Encoded{r}
		}
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
		return &encodedError{status: sent, code: stated.st.code, table: stated.st.tableIn(e.Tables), grpcCode: sent.Code(), source: SourceCode, origin: stated.st.origin, chain: [2]error{nil, err}}
	case codes.Code:
		if _, ok := stated.(codes.ErrorCode); ok {
			return e.readyCode(stated, err)
		}
		return e.readyUsersCode(stated, err)
	}
	return nil
}

// readyUsersCode is readyCode for a type from outside of this package. Its methods can panic,
// even if they didn't before. Then it returns nil.
func (e *Encoder) readyUsersCode(c codes.Code, err error) (r *encodedError) {
	if panicked := catchPanic(func() { r = e.readyCode(c, err) }); panicked != nil {
		return nil
	}
	return r
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
	return &encodedError{status: sent, code: c, table: table, grpcCode: sent.Code(), source: SourceCode, chain: [2]error{nil, err}}
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
			if c, ok := x.st.code.(codes.ErrorCode); ok && c > 0 && x.cause() == nil && x.st.received == nil {
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
	r, panicked := e.answer(ctx, func() decision { return e.decide(ctx, err, &t, &f) })
	if panicked != nil {
		internal := e.internal(SourceUnknown, panicked)
		if r, panicked = e.answer(ctx, func() decision { return internal }); panicked != nil {
			r = new(Encoder).send(ctx, new(Encoder).internal(SourceUnknown, internal.panicked)) // e's own default panics too
		}
	}
	r.setChain(err, &t)
	return r
}

// answer makes a decision, amends it and sends it. panicked is the panic of a method of a
// type from outside of this package.
func (e *Encoder) answer(ctx context.Context, decide func() decision) (r *encodedError, panicked *PanicError) {
	panicked = catchPanic(func() {
		d := decide()
		r = e.send(ctx, e.amend(ctx, d))
	})
	return r, panicked
}

// setChain sets what r unwraps to. If err is safe to run, r unwraps to err, unless io.EOF
// matches err: logging interceptors would log the call as a success. If r doesn't unwrap to
// its code otherwise, setChain adds the code. t is the tree in which err was searched.
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
	switch {
	case !ok:
		r.change(func(x *encodedExtra) { x.notInChain = all.summary(err) })
	case all.matchesEOF():
		r.change(func(x *encodedExtra) { x.notInChain = err })
	default:
		r.chain[1] = err
	}
	if r.carriesCode() && (r.chain[1] == nil || !all.has(r.code)) {
		if ok, _ := safeToRun(r.code); ok { // a method of a user's type can panic
			r.chain[0] = r.code
		}
	}
}

// matchesEOF reports whether errors.Is says that the tree has io.EOF. It is also true if an Is
// method panics when it is asked: then nobody else may ask it.
func (t *tree) matchesEOF() (ok bool) {
	panicked := catchPanic(func() { ok = t.matches(io.EOF) })
	return ok || panicked != nil
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

	ended     endedContext // for SourceContext
	amendment error        // what was wrong with an amendment
	cause     error        // of a rule's Status, for the log
}

// decide returns the result of the first case of [Encoder.Encode] that applies to err.
func (e *Encoder) decide(ctx context.Context, err error, t *tree, f *finding) decision {
	if d, ok := f.decide(); ok {
		d.panicked = f.panicked
		return d
	}
	if f.failed != nil {
		return e.internal(SourceUnknown, f.failed)
	}
	d, ok, panicked := e.match(ctx, err, t)
	if !ok {
		d = e.decideContext(ctx, t, f, e.decideUncoded(f))
	}
	d.panicked = cmp.Or(d.panicked, panicked, f.panicked)
	return d
}

// decide returns the decision on an error that was encoded before or that states a status.
func (f *finding) decide() (d decision, ok bool) {
	switch {
	case f.encoded != nil:
		return decision{encoded: f.encoded, source: SourceEncoded, origin: f.encoded.origin}, true
	case f.code != nil:
		return decision{code: f.code, source: SourceCode}, true
	case f.stated != nil:
		return decision{status: &f.stated.st, stated: f.stated, source: SourceCode, origin: f.stated.st.origin}, true
	case f.params != nil:
		return decision{status: f.params, source: SourceCode}, true
	case f.openIM != nil:
		return decision{status: f.openIM, source: SourceOpenIMError}, true
	}
	return decision{}, false
}

// decideUncoded decides on an error that states no code, as if no context had ended.
func (e *Encoder) decideUncoded(f *finding) decision {
	if f.deadline {
		return decision{grpc: grpcstatus.FromContextError(context.DeadlineExceeded), source: SourceDeadline}
	}
	if d := e.decideStatus(f); d.source != SourceUnknown || f.panicked == nil {
		return d
	}
	return e.internal(SourcePanic, f.panicked)
}

// decideStatus decides on an error with a received status or a gRPC status of this process.
// The source is SourceUnknown if there is none that can be sent.
func (e *Encoder) decideStatus(f *finding) decision {
	switch {
	case f.received != nil:
		return e.upstream(f.received)
	case f.grpc != nil:
		return e.grpc(f.grpc)
	case f.unsendable != nil:
		return decision{code: f.unsendable.DefaultFor(grpccodes.Internal), source: SourceUnknown}
	}
	return e.internal(SourceUnknown, nil)
}

// internal decides on the INTERNAL default, for an error of which the caller may learn
// nothing.
func (e *Encoder) internal(source Source, panicked *PanicError) decision {
	code := tables(e.Tables).first().DefaultFor(grpccodes.Internal)
	return decision{code: code, source: source, panicked: panicked}
}

// upstream decides on an error that was received from another service.
func (e *Encoder) upstream(received *receivedError) (d decision) {
	switch {
	case received.passes() && received.textPasses():
		return decision{status: received.status(), source: SourceForwarded, origin: received.origin}
	case received.passes():
		return decision{status: received.status(), source: SourceUpstream, origin: received.origin}
	case received.origin == OriginNumeric: // the number of a server that isn't trusted can mean anything
		d = e.internal(SourceUpstream, nil)
	case received.grpcCode == grpccodes.Unavailable || received.grpcCode == grpccodes.DeadlineExceeded:
		d = decision{grpc: grpcstatus.New(received.grpcCode, upstreamMessage(received.grpcCode)), source: SourceUpstream}
	default:
		d = e.internal(SourceUpstream, nil)
	}
	d.origin = received.origin
	return d
}

// grpc decides on a gRPC status that was made in this process.
func (e *Encoder) grpc(gst *grpcstatus.Status) decision {
	st := (&Decoder{Tables: e.Tables}).readOwn(gst)
	d := decision{status: st, source: SourceGRPCStatus, origin: st.origin}
	if gst.Code() > grpccodes.Unauthenticated {
		if !st.hasOwnInfo() {
			return e.internal(SourceUnknown, nil)
		}
		d.source = SourceNumber
	}
	if slices.Contains(e.WithheldMessages, st.GRPCCode()) {
		d.source = SourceGRPCWithheld
	}
	return d
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
			r.fallback = d.code.Number() < 0
			return d.complete(r)
		}
		d.status = d.asStatus()
	}
	r := new(encodedError)
	if d.status.hasOwnInfo() {
		r.code, r.table = d.status.code, d.status.tableIn(e.Tables)
		r.fallback = r.code.Number() < 0
	}
	if sent := e.ready(d.status, d.stated); sent != nil {
		r.status, r.grpcCode = sent, sent.Code()
	} else {
		e.fit(ctx, r, d.status)
	}
	return d.complete(r)
}

// complete copies what the decision says beside the status to r, and returns r. r must
// not be in a cache.
func (d *decision) complete(r *encodedError) *encodedError {
	r.source, r.origin, r.chain = d.source, d.origin, [2]error{}
	if d.panicked != nil || d.ended != (endedContext{}) || d.amendment != nil || d.cause != nil {
		r.change(func(x *encodedExtra) {
			x.panicked, x.ended, x.amendment, x.cause = d.panicked, d.ended, d.amendment, d.cause
		})
	}
	return r
}

// ready returns the gRPC status for st, if that status is cached or differs from a cached
// one only in the message. It returns nil if the status has to be made, changed or
// truncated. stated is the error with st, or nil.
func (e *Encoder) ready(st *Status, stated *statusError) *grpcstatus.Status {
	if st.received != nil || !e.sendsVerbatim(st) {
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
