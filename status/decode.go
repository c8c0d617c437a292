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

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// A Decoder turns the gRPC statuses that a client receives into domain errors. The
// zero Decoder knows the default table. It is safe for concurrent use as long as its
// fields are not changed.
type Decoder struct {
	// Tables are the tables of the domains that the client knows, besides the default
	// table. Their order counts twice. The first table has the assumed codes, those
	// of statuses that carry none; if there is no table, codes.Default() has them. A
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
	e := d.read(gst)
	e.append(e.code)
	e.append(err)
	if ended := callerContextError(ctx, e.grpcCode); ended != nil {
		e.append(ended)
	}
	return e
}

// read returns a received status, with an empty chain.
func (d *Decoder) read(gst *grpcstatus.Status) *receivedError {
	e := &receivedError{grpc: gst, proto: gst.Proto(), trust: d.Trust}
	e.identify(d.Tables)
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
//   - by the canonical code: the first table's default code for it is assumed.
func (d *Decoder) FromGRPC(gst *grpcstatus.Status) *Status {
	if gst.Code() == grpccodes.OK {
		return nil
	}
	return d.read(gst).status()
}

// identify finds the code of a received status. It runs once for each status.
func (e *receivedError) identify(known tables) {
	code, details := e.grpc.Code(), e.proto.GetDetails()
	e.grpcCode = code
	if len(details) > 0 && details[0].GetTypeUrl() == errorinfo.TypeURL && code <= grpccodes.Unauthenticated {
		if c := known.byRow(details[0].GetValue()); c != nil { // most are a row's
			e.code, e.origin = c, OriginKnown
			return
		}
	}
	e.code, e.origin, e.infoIndex = known.first().DefaultFor(code), OriginBare, -1
	if code > grpccodes.Unauthenticated {
		e.readRawNumber(known)
	}
	for i, packed := range details {
		if packed.GetTypeUrl() != errorinfo.TypeURL && packed.MessageName() != errorinfo.TypeName {
			continue
		}
		info, ok := errorinfo.Scan(packed.GetValue())
		if ok && e.readErrorInfo(known, info) {
			e.infoIndex = int32(i)
			break
		}
	}
	if e.grpcCode == grpccodes.OK {
		e.grpcCode = e.rawGRPCCode(known)
	}
}

// readRawNumber reads a grpc-status outside of 0..16. It leaves the canonical code OK
// if that depends on the row of a number.
func (e *receivedError) readRawNumber(known tables) {
	if e.grpcCode > math.MaxInt32 {
		e.grpcCode = grpccodes.Unknown // no enum has such a number
		return
	}
	number := codes.Number(e.grpcCode)
	e.rawTable = known.forNumber(number)
	e.code, e.origin, e.grpcCode = e.rawTable.Code(number), OriginNumeric, grpccodes.OK
}

// rawGRPCCode returns the canonical code of a status with a raw number.
func (e *receivedError) rawGRPCCode(known tables) grpccodes.Code {
	table := known.forCode(e.code)
	if e.rawTable != nil && !table.Has(e.code.Number()) {
		table = e.rawTable
	}
	row, _ := table.Lookup(e.code.Number())
	return row.GRPCCode
}

// readErrorInfo reads one ErrorInfo. It reports whether the search for the code ends
// with it.
func (e *receivedError) readErrorInfo(known tables, info errorinfo.Scanned) bool {
	n, hasNumber := errorinfo.ParseNumber(info.Number)
	number := codes.Number(n)
	table := known.byDomain(string(info.Domain))
	if table == nil {
		e.readForeign(known, number)
		return false
	}
	code := codeOf(table, info, number, hasNumber)
	switch {
	case code != nil:
		e.code, e.origin, e.rawTable = code, OriginKnown, nil
		e.numberMissing = !hasNumber || number != code.Number()
	case e.origin == OriginNumeric: // the raw number names the code
		e.metadataOnly = hasNumber && number == e.code.Number() && table.Domain() == e.code.Table().Domain()
		return e.metadataOnly
	default:
		e.code, e.origin, e.assumed = table.DefaultFor(e.grpcCode), OriginKnown, true
	}
	return true
}

// readForeign reads the number of an ErrorInfo of an unknown domain, 0 if it has none.
func (e *receivedError) readForeign(known tables, number codes.Number) {
	switch {
	case e.origin == OriginBare:
		e.origin = OriginForeign
	case e.origin == OriginNumeric && number == e.code.Number():
		// The raw number is a code of that domain.
		e.code = known.first().DefaultFor(grpccodes.Unknown)
		e.grpcCode, e.origin, e.rawTable = grpccodes.Unknown, OriginForeign, nil
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
