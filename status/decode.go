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
	// Tables are the tables that the client knows. It always knows the default table
	// too. A table must not be nil or empty, and two tables must not have the same
	// domain. The order matters for two things:
	//
	//   - Assumed codes come from the first table, or from codes.Default() if there is
	//     none.
	//   - A raw number is looked up in each table in turn, and then in the default table.
	//     If no table has it, the code has the type of the first table's codes.
	Tables []*codes.Table

	// Trust says what an Encoder does with a decoded error that a handler returns
	// unchanged.
	Trust Trust
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

// read returns a receivedError for gst. It wraps nothing yet.
func (d *Decoder) read(gst *grpcstatus.Status) *receivedError {
	e := &receivedError{grpc: gst, proto: gst.Proto(), trust: d.Trust}
	e.identify(d.Tables)
	return e
}

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
		deadline, ok := ctx.Deadline()
		if ctx.Err() == context.DeadlineExceeded || ok && !time.Now().Before(deadline) {
			return context.DeadlineExceeded
		}
	}
	return nil
}

// FromGRPC converts a received gRPC status to a Status. It returns nil if gst is nil or
// OK. The code is found in this order:
//
//   - by the first ErrorInfo of a known domain. Its reason names the code. If the reason
//     is empty, or ERROR_CODE_ followed by the number, the number names the code. If the
//     table has neither the reason nor the number, the number names the code too, and the
//     Status keeps both. A number is a positive int32 in decimal, without a sign or leading
//     zeros. If neither names a code, a raw number does, or else the table's default code
//     for the canonical code is assumed;
//   - by a raw number, as OpenIM's servers send it. If an ErrorInfo of an unknown domain
//     has the same number, the number belongs to that domain, and the Decoder ignores it. See
//     [OpenIMDetail] for the text that OpenIM's servers send with a raw number;
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
		if c := known.byRow(details[0].GetValue()); c != nil { // most ErrorInfos equal the bytes that a table sends for a row
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

// readRawNumber reads a grpc-status outside of 0..16. For a valid number
// it sets grpcCode to OK, which identify replaces by the canonical code in the row.
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

// readErrorInfo reads one ErrorInfo. It reports whether identify can stop searching.
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

// readForeign handles an ErrorInfo of an unknown domain. number is 0 if the ErrorInfo has
// none.
func (e *receivedError) readForeign(known tables, number codes.Number) {
	switch {
	case e.origin == OriginBare:
		e.origin = OriginForeign
	case e.origin == OriginNumeric && number == e.code.Number():
		// The raw number is a code of the unknown domain.
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
	// A sender without a row for the number sends ERROR_CODE_ and the number as reason.
	// That says no more than the number.
	digits, madeUp := bytes.CutPrefix(info.Reason, []byte(errorinfo.UnknownPrefix))
	hasReason := len(info.Reason) > 0 && (!madeUp || !bytes.Equal(digits, info.Number))
	if hasReason && table.Has(number) {
		return nil // the row has another reason: the two contradict each other
	}
	return table.Code(number)
}
