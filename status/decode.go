package status

import (
	"bytes"
	"context"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// A Decoder makes domain errors of the gRPC statuses that a client received. The
// zero Decoder knows the default table. It is safe for concurrent use as long as
// its fields are not changed.
type Decoder struct {
	// Tables are those of the domains whose codes are understood, besides the
	// default table's. The first also has the codes that are guessed where a
	// status names none; by default codes.Default() has them. A number in the place
	// of a canonical code is that of the first table with a row for it, the default
	// table last; where none has, it is of the first table's type. None is nil or
	// without rows, and no two are of one domain.
	Tables []*codes.Table

	// Upstream is what becomes of the decoded errors where a handler returns them
	// as they came: an Encoder asks for it.
	Trust Trust
}

// Decode makes a domain error of an error that a call returned. ctx is the
// caller's own.
//
// The result has the [Status] that [Decoder.FromGRPC] makes of the gRPC status in
// err, and wraps err. Its GRPCStatus is that status as it was received. If that
// says that a context has ended, and the caller's own has, of the same kind, then
// errors.Is also finds context.Canceled or context.DeadlineExceeded in it.
//
// An error without a gRPC status comes back as it is, and so do nil, io.EOF, a
// code or Status made in this process, and an error that was decoded before. The
// error of a server in the same process counts as received: its private cause is
// dropped.
func (d *Decoder) Decode(ctx context.Context, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if reflect.TypeOf(err) == gRPCsError && !reflect.ValueOf(err).IsNil() {
		return d.receive(ctx, grpcstatus.Convert(err), err)
	}
	f := search(err)
	switch {
	case f.resolved != nil:
		return d.receive(ctx, f.resolved.sent, f.resolved.sent.Err())
	case f.grpc == nil || f.code != nil || f.status != nil || f.received != nil:
		return err
	}
	return d.receive(ctx, f.grpc, err)
}

func (d *Decoder) receive(ctx context.Context, gst *grpcstatus.Status, err error) error {
	e := &receivedError{received: gst, proto: gst.Proto(), tables: d.Tables, policy: d.Trust}
	if code, origin := d.glance(gst.Code(), e.proto.GetDetails()); code != nil {
		e.origin, e.grpcCode = origin, gst.Code()
		e.link(code)
	} else {
		st := e.status()
		e.origin, e.grpcCode = st.origin, st.grpcCode
		e.link(st.code)
	}
	e.link(err)
	if ended := callerContextError(ctx, e.grpcCode); ended != nil {
		e.link(ended)
	}
	return e
}

// gRPCsError is the type of the errors that gRPC itself returns. They wrap nothing.
var gRPCsError = reflect.TypeOf(grpcstatus.Error(grpccodes.Unknown, ""))

// glance is the code and the origin of a status with a canonical code that has no
// details, or whose first is the ErrorInfo of a code, or whose only one is that of
// an unknown domain. Of these decode finds the same; of all others the code is nil.
func (d *Decoder) glance(code grpccodes.Code, details []*anypb.Any) (codes.Code, Origin) {
	switch {
	case code > grpccodes.Unauthenticated:
		return nil, OriginNumeric
	case len(details) == 0:
		return tables(d.Tables).first().FromGRPC(code), OriginBare
	case details[0].GetTypeUrl() != errorInfoURL:
		return nil, OriginForeign
	}
	if code := tables(d.Tables).byErrorInfo(details[0].GetValue()); code != nil {
		return code, OriginKnown
	}
	info, ok := scan(details[0].GetValue())
	if !ok {
		return nil, OriginBare
	}
	switch table := tables(d.Tables).byDomain(string(info.domain)); {
	case table != nil:
		return codeOf(table, info), OriginKnown
	case len(details) == 1:
		return tables(d.Tables).first().FromGRPC(code), OriginForeign
	}
	return nil, OriginForeign
}

// endOf is the context error of a canonical code, if ctx has ended so.
func callerContextError(ctx context.Context, code grpccodes.Code) error {
	switch code {
	case grpccodes.Canceled:
		if ctx.Err() == context.Canceled {
			return context.Canceled
		}
	case grpccodes.DeadlineExceeded:
		// The status can be here before the context's own timer has run.
		deadline, ok := ctx.Deadline()
		if ctx.Err() == context.DeadlineExceeded || ok && !time.Now().Before(deadline) {
			return context.DeadlineExceeded
		}
	}
	return nil
}

// FromGRPC is the status that a gRPC status carries, nil for nil and for one with
// code OK. Its code is, in this order:
//
//   - that of the first ErrorInfo of a known domain: by the reason; by the number
//     in its metadata if the reason is empty, or unknown while the number is too,
//     and then both are kept. A number is a positive int32 in canonical decimals;
//   - the number in the place of a canonical code, where it is outside 0..16, as
//     OpenIM's servers write it, unless an ErrorInfo of another domain has it too;
//     see [OpenIMDetail] for the text beside it;
//   - a guess after the canonical code, as by the first table's FromGRPC.
func (d *Decoder) FromGRPC(gst *grpcstatus.Status) *Status {
	if gst.Code() == grpccodes.OK {
		return nil
	}
	st := &Status{}
	d.decode(st, gst, gst.Proto())
	return st
}

// decode fills an empty Status with a gRPC status and its proto, of which it keeps
// parts and changes none.
func (d *Decoder) decode(st *Status, gst *grpcstatus.Status, p *spb.Status) {
	st.rare = &rare{received: gst}
	st.message, st.hasMessage = p.GetMessage(), true
	st.details = p.GetDetails()
	st.origin = OriginBare
	st.code = tables(d.Tables).first().FromGRPC(gst.Code())
	switch code := gst.Code(); {
	case code <= grpccodes.Unauthenticated:
		st.grpcCode = code
	case code > math.MaxInt32:
		st.grpcCode = grpccodes.Unknown // no number of ours, and never success
	default:
		d.decodeNumber(st, int32(code))
	}
	for i, packed := range p.GetDetails() {
		if packed.MessageName() == errorInfoName && d.decodeErrorInfo(st, packed) {
			st.details = slices.Concat(p.GetDetails()[:i], p.GetDetails()[i+1:])
			break
		}
	}
	if st.grpcCode == grpccodes.OK {
		st.grpcCode = canonicalCode(st.tableIn(d.Tables), st.code.Number())
	}
}

// decodeNumber reads a number in the place of a canonical code into st.
func (d *Decoder) decodeNumber(st *Status, number int32) {
	st.rare.table = tables(d.Tables).forNumber(number)
	st.origin, st.code = OriginNumeric, st.rare.table.Code(number)
}

// decodeStrange takes a number in the place of a canonical code for one of another
// domain, whose ErrorInfo says that it is.
func (d *Decoder) decodeStrange(st *Status) {
	st.origin, st.rare.table, st.grpcCode = OriginForeign, nil, grpccodes.Unknown
	st.code = tables(d.Tables).first().FromGRPC(grpccodes.Unknown)
}

// decodeErrorInfo reads an ErrorInfo into st and tells whether it is of a known
// domain. One that can't be read is no ErrorInfo.
func (d *Decoder) decodeErrorInfo(st *Status, packed *anypb.Any) bool {
	info, ok := scan(packed.GetValue())
	if !ok {
		return false
	}
	table := tables(d.Tables).byDomain(string(info.domain))
	if table == nil {
		switch number, _ := parseNumber(string(info.number)); {
		case st.origin == OriginBare:
			st.origin = OriginForeign
		case st.origin == OriginNumeric && number == st.code.Number():
			d.decodeStrange(st)
		}
		return false
	}
	code := codeOf(table, info)
	if code == nil && st.origin == OriginNumeric {
		return st.takeMetadata(packed, table) // the number in the place of a canonical code says more
	}
	if code == nil {
		code, st.unnamed = table.FromGRPC(st.grpcCode), true
	} else {
		number, ok := parseNumber(string(info.number))
		st.unnumbered = !ok || number != code.Number()
	}
	st.origin, st.code, st.rare.info, st.rare.table = OriginKnown, code, packed.GetValue(), nil
	return true
}

// takeMetadata gives a status whose code is a number in the place of a canonical code
// the metadata of an ErrorInfo that has the same number in its domain, and a reason
// that the reader's row hasn't. It tells whether the ErrorInfo is that.
func (st *Status) takeMetadata(packed *anypb.Any, table *codes.Table) bool {
	info := &errdetails.ErrorInfo{}
	if packed.UnmarshalTo(info) != nil {
		return false
	}
	number, ok := parseNumber(info.GetMetadata()[numberKey])
	if !ok || number != st.code.Number() || table.Domain() != st.code.Table().Domain() {
		return false
	}
	delete(info.Metadata, numberKey)
	if len(info.Metadata) > 0 {
		st.metadata = info.Metadata
	}
	return true
}

// codeOf is the code that an ErrorInfo of the table's domain names, nil if it
// names none.
func codeOf(table *codes.Table, info scanned) codes.Code {
	if row, ok := table.ByReason(string(info.reason)); ok && row.Code.Number() > 0 {
		return row.Code
	}
	number, ok := parseNumber(string(info.number))
	if !ok {
		return nil
	}
	// A sender whose table lacks the number has no other reason to give for it.
	digits, unknown := bytes.CutPrefix(info.reason, []byte("ERROR_CODE_"))
	named := len(info.reason) > 0 && (!unknown || !bytes.Equal(digits, info.number))
	if named && table.Has(number) {
		return nil // the reason is another's: the two contradict each other
	}
	return table.Code(number)
}

// parseNumber reads a positive int32 in canonical decimals.
func parseNumber(text string) (int32, bool) {
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number <= 0 || strconv.FormatInt(number, 10) != text {
		return 0, false
	}
	return int32(number), true
}
