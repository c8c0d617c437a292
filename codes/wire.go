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

// An entry is a row of a table, with what is sent for it.
type entry struct {
	Row
	errorInfo []byte // the serialized ErrorInfo, never changed

	// status and details are made when they are first needed. If they were made
	// at start-up, every program would pay for protobuf's initialization of the
	// message types.
	status  atomic.Pointer[grpcstatus.Status]
	details atomic.Pointer[[]*anypb.Any] // the ErrorInfo, for gRPC to copy
}

func newEntry(domain string, row Row) *entry {
	row.Localized, row.OtherNames, row.FormerReasons = ownCopy(row.Localized), ownCopy(row.OtherNames), ownCopy(row.FormerReasons)
	number := ""
	if n := row.Code.Number(); n > 0 { // a fallback has none
		number = strconv.Itoa(int(n))
	}
	return &entry{Row: row, errorInfo: errorinfo.Append(nil, row.Reason, domain, number, nil)}
}

// ownCopy returns a clipped copy of a slice: if a user appends to it, that copies it.
func ownCopy[S ~[]E, E any](s S) S { return slices.Clip(slices.Clone(s)) }

// GRPCStatus returns the status that is sent for the code with a number: the
// canonical code, the message, and a google.rpc.ErrorInfo with reason, domain and
// number. The GRPCStatus methods of the codes return it.
//
// GRPCStatus returns nil for 0, which is success. A negative number can't be sent: for it
// GRPCStatus returns the status of INTERNAL's default row. If there is none, it returns
// that of INTERNAL's fallback: INTERNAL, "internal error", and an ErrorInfo with the reason
// INTERNAL and the table's domain, but without a number. Calls with the same number return
// statuses with the same bytes, and for a number with a row the same pointer.
func (t *Table) GRPCStatus(number Number) *grpcstatus.Status {
	if number == 0 {
		return nil
	}
	return t.entryToSend(number).grpcStatus()
}

// GRPCStatusWith returns a new status like that of [Table.GRPCStatus], but with another
// message. It returns nil for 0. The message must be valid UTF-8, because gRPC doesn't
// send the details of a status with any other text. It must not begin or end with a
// space: some clients read such a message as an empty one.
func (t *Table) GRPCStatusWith(number Number, message string) *grpcstatus.Status {
	if number == 0 {
		return nil
	}
	return t.entryToSend(number).withMessage(message)
}

// entryToSend returns the entry of a number other than 0, or a new one if the
// number has no row.
func (t *Table) entryToSend(number Number) *entry {
	if number < 0 {
		return t.defaults[grpccodes.Internal]
	}
	if e, ok := t.byNumber[number]; ok {
		return e
	}
	return newEntry(t.domain, t.unknown(number))
}

// grpcStatus returns the entry's status, always the same one.
func (e *entry) grpcStatus() *grpcstatus.Status {
	if st := e.status.Load(); st != nil {
		return st
	}
	e.status.CompareAndSwap(nil, e.withMessage(e.Message))
	return e.status.Load()
}

// scratch holds messages for grpcstatus.FromProto, which copies its argument.
var scratch = sync.Pool{New: func() any { return new(spb.Status) }}

// withMessage returns a new status with the entry's canonical code and ErrorInfo.
func (e *entry) withMessage(message string) *grpcstatus.Status {
	details := e.details.Load()
	if details == nil {
		all := packed(e.errorInfo)
		details = &all
		e.details.Store(details)
	}
	return e.withDetails(message, *details)
}

// withParams returns a new status with the entry's canonical code, the filled template, and
// an ErrorInfo with the params.
func (e *entry) withParams(domain string, params []Param) *grpcstatus.Status {
	number := strconv.Itoa(int(e.Code.Number()))
	info := errorinfo.Append(nil, e.Reason, domain, number, metadataOf(params))
	return e.withDetails(e.Fill(params), packed(info))
}

// packed returns the bytes of an ErrorInfo as the only detail of a status.
func packed(info []byte) []*anypb.Any {
	return []*anypb.Any{{TypeUrl: errorinfo.TypeURL, Value: info}}
}

// withDetails returns a new status with the entry's canonical code. It copies the details.
func (e *entry) withDetails(message string, details []*anypb.Any) *grpcstatus.Status {
	p := scratch.Get().(*spb.Status)
	p.Code, p.Message, p.Details = int32(e.GRPCCode), message, details
	st := grpcstatus.FromProto(p)
	p.Message, p.Details = "", nil
	scratch.Put(p)
	return st
}

func init() {
	errorinfo.RowCode = func(table any, b []byte) any {
		if e, ok := table.(*Table).byErrorInfo[string(b)]; ok {
			return e.Code
		}
		return nil
	}
}
