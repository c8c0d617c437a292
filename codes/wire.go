package codes

import (
	"slices"
	"strconv"
	"sync/atomic"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"
)

// An entry is a row of a table with what it is on the wire.
type entry struct {
	Row
	errorInfo []byte

	// grpc is made when it is first asked for: at start-up it would cost every
	// program protobuf's setting up of its messages.
	grpc atomic.Pointer[grpcstatus.Status]
}

func newEntry(domain string, row Row) *entry {
	row.Localized = slices.Clone(row.Localized)
	return &entry{Row: row, errorInfo: appendErrorInfo(nil, row.Reason, domain, row.Code.Number())}
}

// copy is the row, for others to change as they like.
func (e *entry) copy() Row {
	row := e.Row
	row.Localized = slices.Clone(row.Localized)
	return row
}

// GRPCStatus is the status of the code with a number: its canonical code, its
// message, and a google.rpc.ErrorInfo that names it. It is nil for 0, which is
// success. A negative number can't be sent; it counts as the default row of
// INTERNAL.
//
// Equal numbers give equal bytes. This is what the codes' own GRPCStatus methods
// return.
func (t *Table) GRPCStatus(number int32) *grpcstatus.Status {
	if number == 0 {
		return nil
	}
	if number < 0 {
		return t.defaults[grpccodes.Internal].grpcStatus()
	}
	if e, ok := t.byNumber[number]; ok {
		return e.grpcStatus()
	}
	return newEntry(t.domain, t.unknown(number)).newGRPCStatus()
}

func (e *entry) grpcStatus() *grpcstatus.Status {
	if st := e.grpc.Load(); st != nil {
		return st
	}
	e.grpc.CompareAndSwap(nil, e.newGRPCStatus())
	return e.grpc.Load()
}

func (e *entry) newGRPCStatus() *grpcstatus.Status {
	return grpcstatus.FromProto(&spb.Status{
		Code:    int32(e.GRPCCode),
		Message: e.Message,
		Details: []*anypb.Any{{TypeUrl: errorInfoURL, Value: e.errorInfo}},
	})
}

// AppendErrorInfo appends to b the google.rpc.ErrorInfo that states the code
// with a number, as protobuf bytes: its reason, the table's domain, and the
// number as metadata["code"]. The number is positive: no other can be sent.
func (t *Table) AppendErrorInfo(b []byte, number int32) []byte {
	if e, ok := t.byNumber[number]; ok {
		return append(b, e.errorInfo...)
	}
	return appendErrorInfo(b, t.unknown(number).Reason, t.domain, number)
}

const errorInfoURL = "type.googleapis.com/google.rpc.ErrorInfo"

// The field numbers of google.rpc.ErrorInfo and of its map's entries. It is
// written by hand to keep the bytes the same from one build of protobuf to the
// next, and google/rpc/error_details.proto out of this package.
const (
	errorInfoReason   protowire.Number = 1
	errorInfoDomain   protowire.Number = 2
	errorInfoMetadata protowire.Number = 3
	mapKey            protowire.Number = 1
	mapValue          protowire.Number = 2
)

func appendErrorInfo(b []byte, reason, domain string, number int32) []byte {
	var pair []byte
	pair = appendString(pair, mapKey, "code")
	pair = appendString(pair, mapValue, strconv.Itoa(int(number)))

	b = appendString(b, errorInfoReason, reason)
	b = appendString(b, errorInfoDomain, domain)
	b = protowire.AppendTag(b, errorInfoMetadata, protowire.BytesType)
	return protowire.AppendBytes(b, pair)
}

func appendString(b []byte, field protowire.Number, text string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, text)
}
