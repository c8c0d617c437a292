package codes

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// An entry is a row of a table with what it is on the wire.
type entry struct {
	Row
	errorInfo string // as bytes

	// grpc and details are made when they are first asked for: at start-up they would
	// cost every program protobuf's setting up of its messages.
	grpc    atomic.Pointer[grpcstatus.Status]
	details atomic.Pointer[[]*anypb.Any] // the ErrorInfo, for gRPC to copy
}

func newEntry(domain string, row Row) *entry {
	row.Localized = slices.Clip(slices.Clone(row.Localized))
	return &entry{Row: row, errorInfo: string(appendErrorInfo(nil, row.Reason, domain, row.Code.Number()))}
}

// GRPCStatus is the status of the code with a number: its canonical code, its
// message, and a google.rpc.ErrorInfo that names it. It is nil for 0, which is
// success. A negative number can't be sent; it counts as the default row of
// INTERNAL.
//
// Equal numbers give equal bytes. This is what the codes' own GRPCStatus methods
// return.
func (t *Table) GRPCStatus(number Number) *grpcstatus.Status {
	if number == 0 {
		return nil
	}
	return t.sent(number).grpcStatus()
}

// GRPCStatusWith is [Table.GRPCStatus] with another message, which must be UTF-8: gRPC
// sends no details beside any other. It is a new one each time.
func (t *Table) GRPCStatusWith(number Number, message string) *grpcstatus.Status {
	if number == 0 {
		return nil
	}
	return t.sent(number).withMessage(message)
}

// sent is what is sent for a number, which is not 0.
func (t *Table) sent(number Number) *entry {
	if number < 0 {
		return t.defaults[grpccodes.Internal]
	}
	if e, ok := t.byNumber[number]; ok {
		return e
	}
	return newEntry(t.domain, t.unknown(number))
}

func (e *entry) grpcStatus() *grpcstatus.Status {
	if st := e.grpc.Load(); st != nil {
		return st
	}
	e.grpc.CompareAndSwap(nil, e.withMessage(e.Message))
	return e.grpc.Load()
}

// drafts are what gRPC copies: FromProto does so with whatever it is given.
var drafts = sync.Pool{New: func() any { return new(spb.Status) }}

func (e *entry) withMessage(message string) *grpcstatus.Status {
	details := e.details.Load()
	if details == nil {
		details = &[]*anypb.Any{{TypeUrl: errorinfo.TypeURL, Value: []byte(e.errorInfo)}}
		e.details.Store(details)
	}
	draft := drafts.Get().(*spb.Status)
	draft.Code, draft.Message, draft.Details = int32(e.GRPCCode), message, *details
	st := grpcstatus.FromProto(draft)
	draft.Message, draft.Details = "", nil
	drafts.Put(draft)
	return st
}

// AppendErrorInfo appends to b the google.rpc.ErrorInfo that states the code
// with a number, as protobuf bytes: its reason, the table's domain, and the
// number as metadata["code"]. The number is positive: no other can be sent.
func (t *Table) AppendErrorInfo(b []byte, number Number) []byte {
	if e, ok := t.byNumber[number]; ok {
		return append(b, e.errorInfo...)
	}
	return appendErrorInfo(b, t.unknown(number).Reason, t.domain, number)
}

// ByErrorInfo is the code of a row whose google.rpc.ErrorInfo, as
// [Table.AppendErrorInfo] writes it, is b to the byte: of most errors a client need
// read no more. Where ok is false b may state a code of the table all the same, with
// metadata of its own, in another order, or with a number that has no row.
func (t *Table) ByErrorInfo(b []byte) (code Code, ok bool) {
	e, ok := t.byErrorInfo[string(b)]
	if !ok {
		return nil, false
	}
	return e.Code, true
}

func appendErrorInfo(b []byte, reason, domain string, number Number) []byte {
	return errorinfo.Append(b, reason, domain, strconv.Itoa(int(number)), nil)
}
