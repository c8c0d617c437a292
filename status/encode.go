package status

import (
	"context"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// An Encoder makes of any error the gRPC status that a server may send. The zero
// Encoder has the default table and no rules. It is safe for concurrent use as
// long as its fields are not changed.
type Encoder struct {
	// Tables decide what codes are on the wire, each those of its domain; codes
	// of other domains have their own table. The first also has the default code
	// of INTERNAL for errors that state none; by default it is codes.Default(). A
	// number in the place of a canonical code, and that of a [CodeError], is that of
	// the first table with a row for it, the default table last. None is nil or
	// without rows, and no two are of one domain.
	Tables []*codes.Table

	// Rules give codes to errors that state none, in the order of their trying.
	Rules []Rule

	// MaxSize is how many bytes a status may add to the header list of its answer:
	// :status, content-type, grpc-status, grpc-message, grpc-status-details-bin and
	// a pushback, each with its name, its value as it is sent and 32 bytes (RFC
	// 9113, section 6.5.2). What is too much is left out: details from the last to
	// the first (of a BadRequest its last violations before all of it, of an
	// openim.protobuf.ErrorInfo the end of its text), then the ErrorInfo's metadata
	// from the last key on, then the end of the message. The code, the reason, the
	// domain and the number stay, and metadata["truncated"] says what was left out.
	//
	// 0 stands for [DefaultMaxSize], and what is less than [LeastMaxSize] for that.
	MaxSize int

	// Pushback tells gRPC's native retries how long to wait, where a [Status] was
	// given a RetryInfo in this process; see [Encoded.Trailer].
	RetryPushback bool

	// WithDebugInfo lets google.rpc.DebugInfo out that was added in this process,
	// as a detail of its own. What a peer sent stays here.
	DebugInfo bool

	// AdaptCodeErrors understands a [CodeError] as a stated code, if a table has its
	// number: the message is sent, the detail is not.
	AdaptCodeErrors bool

	// ExposeCodeErrorDetail is AdaptCodeErrors that sends the detail too, as OpenIM's
	// servers do: in an openim.protobuf.ErrorInfo, which [OpenIMDetail] reads. An empty
	// one isn't sent.
	ExposeCodeErrorDetail bool

	// Legacy sends codes in the form of OpenIM's servers, for clients that read no
	// other: the number in the place of the canonical code, and before the ErrorInfo
	// an openim.protobuf.ErrorInfo, the status's own or an empty one.
	//
	// What goes out canonical all the same: a status that states no code; numbers up
	// to 16, which are canonical codes'; and a code of another domain than that of the
	// first table with a row for its number, or of the first of all if none has one:
	// who reads nothing but the number would take it for the other.
	OpenIMForm bool
}

// Encoded is what an [Encoder] made of an error. The zero Encoded is success.
type Encoded struct {
	// Status is what is sent: nil for success, else with a code in 1..16, or that of
	// OpenIM's form, which is above.
	Status *grpcstatus.Status

	// GRPCCode is the canonical code: that of Status, or the one that stands there
	// in any other than OpenIM's form. It is OK for success.
	GRPCCode grpccodes.Code

	// Code is the code that Status states, nil if it states none. It is a guess
	// where a peer's ErrorInfo is sent on that names none; see [Ours].
	Code codes.Code

	// Trailer is what has to be set beside Status, once: nil, or the pushback to
	// native retries (gRFC A6), grpc-retry-pushback-ms.
	Trailer metadata.MD

	// Source tells what the status was made of.
	Source Source

	// Origin tells where the status comes from that the error has.
	Origin Origin

	// Truncated names what was left out for the sake of MaxSize, as it is in
	// metadata["truncated"]: "details", "metadata" and "message", with commas between.
	// It is empty if nothing was.
	Truncated string

	// DroppedKeys are the keys that the handler gave for the ErrorInfo's metadata
	// and that can't be there: AIP-193 forbids them, or they are errstatus's own.
	DroppedKeys []string

	// Panic is the handler's panic that the error was made of, or that of a rule or
	// a method of the error; nil if there was none. It is private.
	Panic *PanicError

	ready    *resolvedError // of Code alone, if there is one already
	err      error          // what was encoded; nil if it must not be run again
	original error          // what was encoded, or what stands for it
}

// Err is the error for a server to hand to gRPC, nil for success. Its text is the
// status's message and its chain leads to the error that was encoded, for
// interceptors outside; gRPC itself needs no method of that. Encoding it again
// gives the same.
func (e Encoded) Err() error {
	if e.Status == nil {
		return nil
	}
	switch x := e.err.(type) {
	case *resolvedError:
		if e.Source == SourceEncoded {
			return x
		}
	case *statusError:
		if e.Status == x.sent.Load() {
			return x.resolved(&e)
		}
	}
	if r := e.ready; r != nil && e.err == r.original() && e.Status == r.sent {
		return r
	}
	return newResolved(&e)
}

// Size is what the status and the trailer add to the header list of an answer
// that has nothing else, with the content type application/grpc, in the bytes
// that MaxSize counts: after the first message of a stream it is 102 less. It is 0
// for success.
func (e Encoded) Size() int {
	if e.Status == nil {
		return 0
	}
	size := headerSize(e.Status.Proto())
	for _, value := range e.Trailer[pushbackName] {
		size += pushbackSize(value)
	}
	return size
}

// Broken tells that the error is not to be run again, neither logged nor walked:
// a method of it panicked, or it wraps more than a search goes through. Err
// doesn't lead to it.
func (e Encoded) Broken() bool { return e.Status != nil && e.err == nil }

// Original is the error that was encoded, nil for nil. For one that is Broken it
// is another that tells its type and the texts of the first errors in it. It is
// private.
func (e Encoded) Original() error { return e.original }

// Encode decides what the caller gets for an error that a handler returned. ctx
// is the RPC's own. The first of these that holds decides:
//
//  1. nil is success.
//  2. An error that was encoded before gives the same again.
//  3. A code or a [Status] in the error, also under %w or in errors.Join, is
//     stated, with its public message and details; so is a [CodeError], where they
//     are adapted.
//  4. A rule that matches gives its code, with that code's message.
//  5. A context error or a status CANCELLED or DEADLINE_EXCEEDED, where the RPC's
//     own context has ended, is what ctx.Err() says.
//  6. context.DeadlineExceeded is DEADLINE_EXCEEDED.
//  7. A received status that its connection's [Policy] lets pass does so, but for
//     DebugInfo.
//  8. Any other received status is the default code of INTERNAL; UNAVAILABLE and
//     DEADLINE_EXCEEDED stay, with a fixed message.
//  9. A gRPC status passes: its own code, message and details, and not the text
//     around it. So does a received [Status] that was made an error again and
//     whose code is a guess.
//  10. A gRPC status with a number outside 0..16 that a table has is that code.
//  11. Everything else is the default code of INTERNAL, with its fixed message:
//     NoError as an error, a status with code OK, an error whose methods panic.
//  12. So is a [PanicError].
//
// In what is sent all text is UTF-8, each detail type is there once, equal errors
// give equal bytes, and MaxSize is kept. No cause and no text that fmt.Errorf or
// errors.Join made is in it.
//
// Of an error that wraps too much to be searched through, what was found decides,
// without the rules' functions.
func (e *Encoder) Encode(ctx context.Context, err error) (encoded Encoded) {
	if err == nil {
		return Encoded{}
	}
	if e.AdaptCodeErrors || e.ExposeCodeErrorDetail {
		return e.encodeAny(ctx, err) // any error of others can be one
	}
	switch stated := straight(err).(type) {
	case *statusError:
		encoded = e.stated(ctx, stated, SourceCode)
	case codes.Code:
		encoded = e.code(ctx, stated, SourceCode)
	default:
		return e.encodeAny(ctx, err)
	}
	if encoded.GRPCCode == grpccodes.OK {
		encoded.GRPCCode = encoded.Status.Code()
	}
	encoded.err, encoded.original = err, err
	return encoded
}

// encodeAny is Encode for whatever error it is.
func (e *Encoder) encodeAny(ctx context.Context, err error) Encoded {
	var f finding
	if e.AdaptCodeErrors || e.ExposeCodeErrorDetail {
		f.adapt = e.adaptOpenIMError
	}
	f.search(err)
	var encoded Encoded
	if panicked := catchPanic(func() { encoded = e.decide(ctx, err, &f) }); panicked != nil {
		encoded = e.unknown(ctx, SourceUnknown, panicked)
	}
	if encoded.GRPCCode == grpccodes.OK {
		encoded.GRPCCode = encoded.Status.Code()
	}
	ok, panicked := whole(err)
	if encoded.Panic == nil {
		encoded.Panic = panicked
	}
	if !ok {
		encoded.original = summary(err)
		return encoded
	}
	encoded.err, encoded.original = err, err
	if encoded.Trailer != nil && pushedBack(err) {
		encoded.Trailer = nil // two of them forbid the retry
	}
	return encoded
}

// pushedBack tells whether an interceptor has set a pushback for an error that err
// wraps.
func pushedBack(err error) (already bool) {
	w := walk{visit: func(err error) step {
		r, ok := err.(*resolvedError)
		already = already || ok && r.pushedBack
		return descend
	}}
	w.from(err, 1)
	return already
}

func (e *Encoder) decide(ctx context.Context, err error, f *finding) Encoded {
	switch {
	case f.resolved != nil:
		return f.resolved.encoded()
	case f.code != nil:
		return e.code(ctx, f.code, SourceCode)
	case f.status != nil:
		return e.stated(ctx, f.status, SourceCode)
	case f.adapted != nil:
		return e.send(ctx, f.adapted, SourceOpenIMError)
	case f.panicked != nil:
		return e.unknown(ctx, SourceUnknown, f.panicked)
	}
	if ruled := e.match(err, f); ruled != nil {
		return e.code(ctx, ruled, SourceRule)
	}
	if ended := ctx.Err(); ended != nil && f.ended {
		return Encoded{Status: contextStatus(ended), Source: SourceContext}
	}
	switch {
	case f.deadline:
		return Encoded{Status: contextStatus(context.DeadlineExceeded), Source: SourceDeadline}
	case f.received != nil:
		return e.upstream(ctx, f.received)
	case f.guessed != nil:
		return e.stated(ctx, f.guessed, SourceGRPCStatus)
	case f.grpc != nil:
		return e.grpc(ctx, f.grpc)
	case f.recovered != nil:
		return e.unknown(ctx, SourcePanic, f.recovered)
	}
	return e.unknown(ctx, SourceUnknown, nil)
}

// unknown is the answer to an error that states nothing the caller may know: the
// default code of INTERNAL.
func (e *Encoder) unknown(ctx context.Context, source Source, panicked *PanicError) Encoded {
	encoded := e.code(ctx, tables(e.Tables).first().FromGRPC(grpccodes.Internal), source)
	encoded.Panic = panicked
	return encoded
}

// code is the answer that is a bare code.
func (e *Encoder) code(ctx context.Context, code codes.Code, source Source) Encoded {
	encoded := Encoded{Code: code, Source: source}
	if table := tables(e.Tables).forCode(code); table == code.Table() {
		encoded.ready = resolvedCode(code)
		encoded.Status = encoded.ready.sent
	} else {
		encoded.Status = table.GRPCStatus(code.Number())
	}
	if rowSize(encoded.Status.Message()) > e.maxSize() || e.inOpenIMForm(code) {
		return e.send(ctx, New(code, ""), source)
	}
	return encoded
}

// stated is the answer that is a Status of this process. What is sent is kept with
// the error, where it is the same for all.
func (e *Encoder) stated(ctx context.Context, se *statusError, source Source) Encoded {
	st := &se.st
	encoded := Encoded{Source: source, Origin: st.origin}
	size := math.MaxInt
	switch table := tables(e.Tables).forCode(st.code); {
	case !e.sentVerbatim(st):
	case table == st.code.Table():
		encoded.Status, size = se.wire()
	case st.short():
		encoded.Status, size = st.encodeShort(table)
	}
	if size > e.maxSize()-maxSubtype {
		return e.send(ctx, st, source)
	}
	if st.origin.carriesCode() {
		encoded.Code = st.code
	}
	return encoded
}

// asItIs tells that nothing is added to a Status that is sent, nor taken away, but
// for its size.
func (e *Encoder) sentVerbatim(st *Status) bool {
	if rare := st.rarely(); rare.dropped != nil || rare.pushback != "" && e.RetryPushback {
		return false
	}
	return !e.DebugInfo && !e.inOpenIMForm(st.code)
}

// send is the answer that is a Status, with what has to go with it and without
// what is too much.
func (e *Encoder) send(ctx context.Context, st *Status, source Source) Encoded {
	encoded := Encoded{Source: source, Origin: st.origin, DroppedKeys: slices.Clone(st.rarely().dropped)}
	p := st.proto(e.Tables, e.DebugInfo && source != SourceForwarded)
	encoded.GRPCCode = grpccodes.Code(p.Code)
	place := 0 // of our ErrorInfo
	if st.origin.carriesCode() {
		encoded.Code = st.code
		if !st.unnamed && e.inOpenIMForm(st.code) {
			toOpenIMForm(p, st.code.Number())
			place = 1
		}
	}
	fitting := newBudget(p)
	fitting.code, fitting.guess, fitting.infoIndex, fitting.limit = encoded.Code, st.unnamed, place, e.maxSize()
	if pushback := st.rarely().pushback; e.RetryPushback && pushback != "" {
		encoded.Trailer = metadata.Pairs(pushbackName, pushback)
		fitting.limit -= pushbackSize(pushback)
	}
	if fitting.size()+maxSubtype > fitting.limit {
		fitting.limit -= contentTypeExtra(ctx)
	}
	encoded.Truncated = strings.Join(fitting.fit(), ",")
	encoded.Status = grpcstatus.FromProto(p)
	return encoded
}

func (e *Encoder) maxSize() int {
	if e.MaxSize == 0 {
		return DefaultMaxSize
	}
	return max(e.MaxSize, LeastMaxSize)
}

// contextStatus is the status of a context's end, with gRPC's own code and text.
// An interceptor's own context can say more in its error: that stays here.
func contextStatus(ended error) *grpcstatus.Status {
	if ended != context.Canceled && search(ended).deadline {
		return grpcstatus.FromContextError(context.DeadlineExceeded)
	}
	return grpcstatus.FromContextError(context.Canceled)
}

// The messages that stand for those of an upstream that is not to be quoted.
const (
	upstreamUnavailable = "an upstream service is unavailable"
	upstreamDeadline    = "an upstream service did not answer in time"
)

// upstream is the answer to an error that was received from another service.
func (e *Encoder) upstream(ctx context.Context, received *receivedError) Encoded {
	switch {
	case received.policy.passes(received.origin):
		return e.send(ctx, received.status(), SourceForwarded)
	case received.origin == OriginNumeric: // a stranger's numbers may mean anything
	case received.grpcCode == grpccodes.Unavailable:
		return Encoded{Status: grpcstatus.New(received.grpcCode, upstreamUnavailable), Source: SourceUpstream, Origin: received.origin}
	case received.grpcCode == grpccodes.DeadlineExceeded:
		return Encoded{Status: grpcstatus.New(received.grpcCode, upstreamDeadline), Source: SourceUpstream, Origin: received.origin}
	}
	encoded := e.unknown(ctx, SourceUpstream, nil)
	encoded.Origin = received.origin
	return encoded
}

// grpc is the answer to a gRPC status that was made here.
func (e *Encoder) grpc(ctx context.Context, gst *grpcstatus.Status) Encoded {
	st := (&Decoder{Tables: e.Tables}).FromGRPC(gst)
	if gst.Code() <= grpccodes.Unauthenticated {
		return e.send(ctx, st, SourceGRPCStatus)
	}
	if st.origin == OriginKnown || st.origin == OriginNumeric && tables(e.Tables).forCode(st.code).Has(st.code.Number()) {
		return e.send(ctx, st, SourceNumber)
	}
	return e.unknown(ctx, SourceUnknown, nil)
}

// encode is the status as it is sent with its code's own table, and at most the
// size of its headers. Nothing is left out for its size.
func (st *Status) encode() (sent *grpcstatus.Status, size int) {
	if st.short() {
		return st.encodeShort(st.code.Table())
	}
	p := st.proto(nil, false)
	return grpcstatus.FromProto(p), headerSize(p)
}

// proto is the status as it is sent where own says what the codes of its domains
// are, with DebugInfo if that is asked for. Nothing is left out for its size.
func (st *Status) proto(own tables, debugInfo bool) *spb.Status {
	table := st.tableIn(own)
	row := table.GRPCStatus(st.code.Number())
	message, code := st.message, st.grpcCode
	if !st.hasMessage {
		message = row.Message()
	}
	if code == grpccodes.OK || st.origin == OriginNumeric {
		code = row.Code()
	}
	return &spb.Status{
		Code:    int32(code),
		Message: validUTF8(message),
		Details: cleanDetails(st.packedDetails(table), debugInfo),
	}
}

// cleanDetails are the details less a second of a type, of which AIP-193 allows
// one, and less DebugInfo unless that is asked for. It changes the slice.
func cleanDetails(details []*anypb.Any, debugInfo bool) []*anypb.Any {
	kept := details[:0]
	var seen typeSet
	for _, d := range details {
		name := d.MessageName()
		if name == debugInfoName && !debugInfo || name != "" && !seen.add(name) {
			continue
		}
		if !utf8.ValidString(d.GetTypeUrl()) || len(d.ProtoReflect().GetUnknown()) > 0 {
			d = &anypb.Any{TypeUrl: validUTF8(d.GetTypeUrl()), Value: d.GetValue()}
		}
		kept = append(kept, d)
	}
	return kept
}
