package status

import (
	"bytes"
	"context"
	"io"
	"math"
	"reflect"
	"time"

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
	// Tables are the tables of the domains that the client knows, besides the default
	// table. Their order counts twice. The first table has the codes that are guessed
	// for statuses that carry none; if there is no table, codes.Default() has them. A
	// raw number is looked up in each table in turn, then in the default table; a
	// number that is in none has the type of the first table's codes. No table is nil
	// or without rows, and no two have the same domain.
	Tables []*codes.Table

	// Trust says what an Encoder does with a decoded error that a handler returns
	// unchanged.
	Trust Trust
}

// Decode returns the domain error for an error that a call returned. ctx is the
// caller's own context.
//
// The result wraps err and has the [Status] that [Decoder.FromGRPC] returns for the
// gRPC status in err. Its GRPCStatus method returns that gRPC status as it was
// received. If the status says that a context has ended, and ctx has ended in the same
// way, then errors.Is also finds context.Canceled or context.DeadlineExceeded.
//
// Decode returns err itself if it has no gRPC status, if it is nil, io.EOF, a code or
// a Status made in this process, and if it was decoded before. An error of a server in
// the same process is treated like a received one: its private cause is dropped.
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
	case f.grpc == nil || f.code != nil || f.stated != nil || f.received != nil:
		return err
	}
	return d.receive(ctx, f.grpc, err)
}

// gRPCErrorType is the type of the errors that gRPC itself returns. They wrap nothing.
var gRPCErrorType = reflect.TypeOf(grpcstatus.Error(grpccodes.Unknown, ""))

func (d *Decoder) receive(ctx context.Context, gst *grpcstatus.Status, err error) error {
	p := gst.Proto()
	e := &receivedError{grpc: gst, proto: p, identity: d.identify(gst.Code(), p.GetDetails()), trust: d.Trust}
	e.append(e.code)
	e.append(err)
	if ended := callerContextError(ctx, e.grpcCode); ended != nil {
		e.append(ended)
	}
	return e
}

// callerContextError returns the error of the caller's context if it ended as the
// canonical code says, or nil.
func callerContextError(ctx context.Context, code grpccodes.Code) error {
	switch code {
	case grpccodes.Canceled:
		if ctx.Err() == context.Canceled {
			return context.Canceled
		}
	case grpccodes.DeadlineExceeded:
		// The status can arrive before the context's own timer has run.
		deadline, ok := ctx.Deadline()
		if ctx.Err() == context.DeadlineExceeded || ok && !time.Now().Before(deadline) {
			return context.DeadlineExceeded
		}
	}
	return nil
}

// FromGRPC returns the Status that a gRPC status carries, or nil if that is nil or OK.
// The code is found in this order:
//
//   - by the first ErrorInfo of a known domain. Its reason names the code. Its number
//     does if the reason is empty, or if neither the reason nor the number has a row;
//     both are then kept. A number is a positive int32 in decimal, without a sign or
//     leading zeros;
//   - by a raw number, as OpenIM's servers send it, unless an ErrorInfo of an unknown
//     domain has the same number. See [OpenIMDetail] for the text beside it;
//   - by a guess: the first table's default code for the canonical code.
func (d *Decoder) FromGRPC(gst *grpcstatus.Status) *Status {
	if gst.Code() == grpccodes.OK {
		return nil
	}
	p := gst.Proto()
	return newReceived(gst, p, d.identify(gst.Code(), p.GetDetails()))
}

// An identity says which code a received status has, and how it carries it.
type identity struct {
	code     codes.Code
	grpcCode grpccodes.Code // for a raw number, that of the number's row
	origin   Origin
	table    *codes.Table // of a raw number: the table that names it; else nil
	info     int32        // index of the code's ErrorInfo among the details, or -1

	numberMissing bool // the ErrorInfo names the code by its reason, and lacks its number
	guessed       bool // the ErrorInfo is of a known domain, and names no code
	metadataOnly  bool // the raw number names the code, and the ErrorInfo adds metadata
}

// identify finds the code of a received status. It runs once for each status.
func (d *Decoder) identify(code grpccodes.Code, details []*anypb.Any) identity {
	known := tables(d.Tables)
	if len(details) > 0 && details[0].GetTypeUrl() == errorinfo.TypeURL && code <= grpccodes.Unauthenticated {
		if c := known.byRow(details[0].GetValue()); c != nil { // most are a row's
			return identity{code: c, grpcCode: code, origin: OriginKnown}
		}
	}
	id := identity{code: known.first().DefaultFor(code), grpcCode: code, origin: OriginBare, info: -1}
	if code > grpccodes.Unauthenticated {
		id.readRawNumber(known, code)
	}
	for i, packed := range details {
		if packed.GetTypeUrl() != errorinfo.TypeURL && packed.MessageName() != errorinfo.TypeName {
			continue
		}
		info, ok := errorinfo.Scan(packed.GetValue())
		if ok && id.readErrorInfo(known, info) {
			id.info = int32(i)
			break
		}
	}
	if id.grpcCode == grpccodes.OK {
		id.grpcCode = canonicalCode(id.rawTable(known), id.code.Number())
	}
	return id
}

// readRawNumber reads a grpc-status outside of 0..16. It leaves the canonical code OK
// if that depends on the row of a number.
func (id *identity) readRawNumber(known tables, code grpccodes.Code) {
	if code > math.MaxInt32 {
		id.grpcCode = grpccodes.Unknown // no enum has such a number
		return
	}
	number := codes.Number(code)
	id.table = known.forNumber(number)
	id.code, id.origin, id.grpcCode = id.table.Code(number), OriginNumeric, grpccodes.OK
}

// rawTable returns the table that has the row of a status with a raw number.
func (id *identity) rawTable(known tables) *codes.Table {
	table := known.forCode(id.code)
	if id.table != nil && !table.Has(id.code.Number()) {
		return id.table
	}
	return table
}

// readErrorInfo reads one ErrorInfo. It reports whether the search for the code ends
// with it.
func (id *identity) readErrorInfo(known tables, info errorinfo.Scanned) bool {
	n, hasNumber := errorinfo.ParseNumber(info.Number)
	number := codes.Number(n)
	table := known.byDomain(string(info.Domain))
	if table == nil {
		id.readForeign(known, number)
		return false
	}
	code := codeOf(table, info, number, hasNumber)
	switch {
	case code != nil:
		id.code, id.origin, id.table = code, OriginKnown, nil
		id.numberMissing = !hasNumber || number != code.Number()
	case id.origin == OriginNumeric: // the raw number names the code
		id.metadataOnly = hasNumber && number == id.code.Number() && table.Domain() == id.code.Table().Domain()
		return id.metadataOnly
	default:
		id.code, id.origin, id.guessed = table.DefaultFor(id.grpcCode), OriginKnown, true
	}
	return true
}

// readForeign reads the number of an ErrorInfo of an unknown domain, 0 if it has none.
func (id *identity) readForeign(known tables, number codes.Number) {
	switch {
	case id.origin == OriginBare:
		id.origin = OriginForeign
	case id.origin == OriginNumeric && number == id.code.Number():
		// The raw number is a code of that domain.
		id.code = known.first().DefaultFor(grpccodes.Unknown)
		id.grpcCode, id.origin, id.table = grpccodes.Unknown, OriginForeign, nil
	}
}

// codeOf returns the code that an ErrorInfo of the table's domain names, or nil if it
// names none.
func codeOf(table *codes.Table, info errorinfo.Scanned, number codes.Number, hasNumber bool) codes.Code {
	if row, ok := table.ByReason(string(info.Reason)); ok && row.Code.Number() > 0 {
		return row.Code
	}
	if !hasNumber {
		return nil
	}
	// The reason of a number without a row is made of the number, and says no more.
	digits, madeUp := bytes.CutPrefix(info.Reason, []byte(errorinfo.UnknownPrefix))
	hasReason := len(info.Reason) > 0 && (!madeUp || !bytes.Equal(digits, info.Number))
	if hasReason && table.Has(number) {
		return nil // the row has another reason: the two contradict each other
	}
	return table.Code(number)
}
