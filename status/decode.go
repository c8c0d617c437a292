package status

import (
	"bytes"
	"context"
	"io"
	"math"
	"reflect"
	"slices"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// A Decoder turns the gRPC statuses that a client receives into domain errors. The
// zero Decoder knows the default table. It is safe for concurrent use as long as its
// fields are not changed.
type Decoder struct {
	// Tables are the tables that the client knows. It always knows the default table
	// too. A table must not be nil or empty, and two tables must not have the same
	// domain. The order matters for two things:
	//
	//   - The UNKNOWN default, which is the code of a status that carries none, and assumed
	//     codes come from the first table, or from codes.Default() if there is none. The
	//     UNKNOWN default can be a fallback code; see [codes.Table.DefaultFor].
	//   - A raw number is looked up in each table in turn, and then in the default table.
	Tables []*codes.Table

	// Trust says what an Encoder does with a decoded error that a handler returns
	// unchanged.
	Trust Trust

	// AssumeCodes takes a status without any ErrorInfo for one that carries the first
	// table's default code for its canonical code. A status with a number outside of
	// 0..16 has no canonical code: nothing is assumed for it. errors.Is, [Code] and
	// [Declared] find an assumed code, and TrustKnown forwards it.
	//
	// Nothing is assumed if the table has a default row neither for the canonical code nor
	// for UNKNOWN.
	//
	// Use it for connections to your own servers that don't send an ErrorInfo yet. A
	// status that a proxy or this process's gRPC made looks the same, and gets a code
	// too.
	//
	// With TrustKnown, an Encoder forwards the message only for the canonical codes that
	// gRPC's own libraries never make: INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS,
	// FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE and DATA_LOSS. For all others it sends the
	// message of the code's row, and [Encoded.Withheld] is true: gRPC itself may have made
	// the status, and its texts name addresses and files. TrustAll forwards every message.
	AssumeCodes bool

	// IgnoreOpenIMNumbers reads no code from a raw number. Such a status then has the
	// canonical code UNKNOWN, unless its ErrorInfo carries a code. It is for programs that
	// have nothing to do with OpenIM.
	IgnoreOpenIMNumbers bool

	// Sentinels are errors that errors.Is finds in a decoded error that carries their code.
	Sentinels []Sentinel
}

// A Sentinel is an error that errors.Is finds in decoded errors that carry Code:
//
//	status.Sentinel{Target: store.ErrNotFound, Code: codes.RecordNotFound}
//
// Target must be comparable. It must not be io.EOF or a context error: these say how a
// stream or a context ended. It must not state a code: the decoded error has its own. A
// Rule's Target doesn't match sentinels.
type Sentinel struct {
	Target error
	Code   codes.Code
}

// Decode returns the domain error for an error that a call returned. ctx is the
// caller's own context.
//
// The result wraps err and has the [Status] that [Decoder.FromGRPC] returns for the
// gRPC status in err. Its GRPCStatus method returns the received gRPC status. If the
// status says that a context has ended, and ctx has ended in the same way, then errors.Is
// also finds context.Canceled or context.DeadlineExceeded.
//
// Decode returns err itself if it is nil or io.EOF, if it has no gRPC status, if it states
// a code, or if it was decoded before. If the server runs in the same process, its error is
// treated like a received one: its private cause is dropped.
func (d *Decoder) Decode(ctx context.Context, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if reflect.TypeOf(err) == gRPCErrorType && !reflect.ValueOf(err).IsNil() {
		return d.receive(ctx, grpcstatus.Convert(err), err)
	}
	f := find(err)
	switch {
	case f.encoded != nil:
		return d.receive(ctx, f.encoded.status, f.encoded.status.Err())
	case f.grpc == nil || f.code != nil || f.stated != nil || f.params != nil || f.received != nil:
		return err
	}
	return d.receive(ctx, f.grpc, err)
}

// gRPCErrorType is the type of the errors that gRPC itself returns. They wrap nothing.
var gRPCErrorType = reflect.TypeOf(grpcstatus.Error(grpccodes.Unknown, ""))

func (d *Decoder) receive(ctx context.Context, gst *grpcstatus.Status, err error) *receivedError {
	e := d.read(gst)
	if e.carries {
		e.append(e.code)
	}
	if e.mayHaveParams() {
		e.append((*receivedParams)(e))
	}
	e.append(err)
	if ended := callerContextError(ctx, e.grpcCode); ended != nil {
		e.append(ended)
	}
	return e
}

// read returns a receivedError for gst. It wraps nothing yet.
func (d *Decoder) read(gst *grpcstatus.Status) *receivedError {
	e := &receivedError{grpc: gst, proto: gst.Proto(), decoder: d}
	e.identify(d)
	return e
}

// readOwn returns the Status of a gRPC status that was made in this process. All of it may
// be sent.
func (d *Decoder) readOwn(gst *grpcstatus.Status) *Status {
	e := d.receive(context.Background(), gst, gst.Err())
	e.own = true
	return e.status()
}

// decided returns the Status of a gRPC status that an Encoder with d's tables has decided
// on. It carries the code, which can be a fallback, or none if that is nil. It isn't
// identified again: the tables of this process may name another code. proto must equal
// gst.Proto(), and nobody may change it.
func decided(d *Decoder, gst *grpcstatus.Status, proto *spb.Status, code codes.Code, canonical grpccodes.Code) *Status {
	e := &receivedError{grpc: gst, proto: proto, decoder: d, own: true, decided: true}
	e.identify(&zeroDecoder)
	e.code, e.carries, e.grpcCode, e.rewritten, e.metadataOnly = code, code != nil, canonical, false, false
	if e.carries {
		e.origin = OriginKnown
		e.infoIndex = int32(slices.IndexFunc(e.proto.GetDetails(), func(d *anypb.Any) bool { return d.MessageName() == errorinfo.TypeName }))
		e.hasFields = false
		e.append(code)
	} else {
		e.code = unknownDefault()
	}
	e.append(gst.Err())
	return e.status()
}

// zeroDecoder is the Decoder without options. It is never changed.
var zeroDecoder Decoder

// callerContextError returns context.Canceled or context.DeadlineExceeded if the
// canonical code says so and ctx has ended in the same way. Otherwise it returns nil.
func callerContextError(ctx context.Context, code grpccodes.Code) error {
	switch code {
	case grpccodes.Canceled:
		if ctx.Err() == context.Canceled {
			return context.Canceled
		}
	case grpccodes.DeadlineExceeded:
		// The status can arrive before the context's own timer has run.
		if ctx.Err() == context.DeadlineExceeded || deadlinePassed(ctx) {
			return context.DeadlineExceeded
		}
	}
	return nil
}

// FromGRPC converts a received gRPC status to a Status. It returns nil if gst is nil or
// OK. Err of the result is an error as [Decoder.Decode] returns it. The code is found in
// this order:
//
//   - By the first ErrorInfo of a known domain. Its reason names the code. A reason that
//     doesn't have AIP-193's form counts as empty. If the reason is empty, or ERROR_CODE_
//     followed by the number, the number names the code. If the table has neither the reason
//     nor the number, the number names the code too, and the Status keeps both. A number is
//     a positive int32 in decimal, without a sign or leading zeros.
//   - By a raw number that a table has, as OpenIM's servers send it. If an ErrorInfo of an
//     unknown domain has the same number, the number belongs to that domain, and the
//     Decoder ignores it. See [OpenIMDetail] for the text that OpenIM's servers send with a
//     raw number.
//   - With AssumeCodes, by the canonical code of a status without an ErrorInfo.
//
// Otherwise the status carries no code. FromGRPC reads at most the first 65,536 fields of
// an ErrorInfo.
func (d *Decoder) FromGRPC(gst *grpcstatus.Status) *Status {
	if gst.Code() == grpccodes.OK {
		return nil
	}
	return d.receive(context.Background(), gst, gst.Err()).status()
}

// identify finds the code of a received status. It runs once for each status.
func (e *receivedError) identify(d *Decoder) {
	known, code, details := tables(d.Tables), e.grpc.Code(), e.proto.GetDetails()
	e.grpcCode = code
	if len(details) > 0 && details[0].GetTypeUrl() == errorinfo.TypeURL && code <= grpccodes.Unauthenticated {
		if c := known.byRow(details[0].GetValue()); c != nil { // most ErrorInfos equal the bytes that a table sends for a row
			e.code, e.origin, e.carries = c, OriginKnown, true
			return
		}
	}
	e.origin, e.infoIndex = OriginBare, -1
	number := e.readRawNumber(d)
	for i, packed := range details {
		if packed.GetTypeUrl() != errorinfo.TypeURL && packed.MessageName() != errorinfo.TypeName {
			continue
		}
		info, ok := errorinfo.Scan(errorinfo.Prefix(packed.GetValue()))
		if ok && e.readErrorInfo(known, info, number, int32(i)) {
			break
		}
	}
	if e.origin == OriginBare && d.AssumeCodes && code <= grpccodes.Unauthenticated {
		assumed := known.first().DefaultFor(code)
		e.code, e.carries = assumed, assumed.Number() > 0 // a fallback is no code to assume
	}
	e.complete(known)
}

// complete sets what depends on all that was read: the code of a status that carries none,
// and the canonical code of one with a raw number.
func (e *receivedError) complete(known tables) {
	if !e.carries {
		e.code, e.rawTable, e.metadataOnly = known.first().DefaultFor(grpccodes.Unknown), nil, false
	}
	if e.carries && e.origin == OriginNumeric && !e.metadataOnly {
		e.infoIndex, e.hasFields = -1, false // an ErrorInfo of another domain is a detail like any other
	}
	switch {
	case e.grpcCode <= grpccodes.Unauthenticated:
	case e.carries:
		e.grpcCode = e.rawGRPCCode(known)
	default:
		e.grpcCode = grpccodes.Unknown
	}
}

// readRawNumber reads a grpc-status outside of 0..16. It returns the number, or 0 if there
// is none.
func (e *receivedError) readRawNumber(d *Decoder) codes.Number {
	if e.grpcCode <= grpccodes.Unauthenticated || e.grpcCode > math.MaxInt32 || d.IgnoreOpenIMNumbers {
		return 0 // no enum has a larger number
	}
	e.origin = OriginNumeric
	number := codes.Number(e.grpcCode)
	if table := tables(d.Tables).forNumber(number); table != nil {
		e.code, e.carries, e.rawTable = table.Code(number), true, table
	}
	return number
}

// rawGRPCCode returns the canonical code of a status with a raw number that carries a code.
func (e *receivedError) rawGRPCCode(known tables) grpccodes.Code {
	table := known.forCode(e.code)
	if e.rawTable != nil && !table.Has(e.code.Number()) {
		table = e.rawTable
	}
	row, _ := table.Lookup(e.code.Number())
	return row.GRPCCode
}

// readErrorInfo reads the ErrorInfo with an index among the details. rawNumber is the raw
// number, or 0. It reports whether identify can stop searching.
func (e *receivedError) readErrorInfo(known tables, info errorinfo.Scanned, rawNumber codes.Number, index int32) bool {
	n, hasNumber := errorinfo.ParseNumber(info.Number)
	number := codes.Number(n)
	table := known.byDomain(string(info.Domain))
	if table == nil {
		e.readForeign(rawNumber != 0 && number == rawNumber, info, index)
		return false
	}
	code, former := codeOf(table, info, number, hasNumber)
	switch {
	case code != nil:
		e.code, e.origin, e.carries, e.rawTable = code, OriginKnown, true, nil
		e.rewritten = !hasNumber || number != code.Number() || info.BadKey || former || !errorinfo.IsReason(info.Reason)
	case e.carries: // the raw number names the code
		e.metadataOnly = hasNumber && number == e.code.Number() && table.Domain() == e.code.Table().Domain()
		if !e.metadataOnly {
			return false
		}
	default:
		e.origin = OriginKnown
	}
	e.choose(info, index)
	return true
}

// readForeign handles an ErrorInfo of an unknown domain. If it has the raw number, that is a
// code of the unknown domain.
func (e *receivedError) readForeign(hasRawNumber bool, info errorinfo.Scanned, index int32) {
	if hasRawNumber {
		e.carries = false
	}
	if !e.carries {
		e.origin = OriginForeign
	}
	if e.infoIndex < 0 {
		e.choose(info, index)
	}
}

// choose remembers info, the ErrorInfo at an index of the details, as the one that e reads.
func (e *receivedError) choose(info errorinfo.Scanned, index int32) {
	e.infoIndex, e.fields, e.hasFields = index, info, true
}

// codeOf returns the code that an ErrorInfo of the table's domain names, or nil if it names
// none. former reports whether its reason is a former one of the code.
func codeOf(table *codes.Table, info errorinfo.Scanned, number codes.Number, hasNumber bool) (code codes.Code, former bool) {
	isReason := errorinfo.IsReason(info.Reason)
	if row, ok := table.ByReason(string(info.Reason)); ok && isReason && row.Code.Number() > 0 {
		return row.Code, row.Reason != string(info.Reason)
	}
	if !hasNumber {
		return nil, false
	}
	// A sender without a row for the number sends ERROR_CODE_ and the number as reason.
	// That says no more than the number.
	digits, madeUp := bytes.CutPrefix(info.Reason, []byte(errorinfo.UnknownPrefix))
	hasReason := isReason && (!madeUp || !bytes.Equal(digits, info.Number))
	if hasReason && table.Has(number) {
		return nil, false // the row has another reason: the two contradict each other
	}
	return table.Code(number), false
}
