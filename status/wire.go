package status

import (
	"strconv"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// encode returns the gRPC status that is sent with the code's own table, and at least
// the size that it adds to a header list. Nothing is truncated.
func (st *Status) encode() (sent *grpcstatus.Status, size int) {
	if st.isShort() {
		return st.encodeShort(st.code.Table())
	}
	p := st.proto(nil, false)
	return grpcstatus.FromProto(p), headerSize(p)
}

// isShort reports whether the status is no more than its code and a message. Most
// are, and all but the message is kept with the code's row.
func (st *Status) isShort() bool {
	return st.origin == OriginLocal && st.metadata == nil && len(st.details) == 0
}

// encodeShort is encode for a short Status, with a table that has the code.
func (st *Status) encodeShort(table *codes.Table) (sent *grpcstatus.Status, size int) {
	number := st.code.Number()
	if !st.hasMessage {
		sent = table.GRPCStatus(number)
		return sent, maxRowSize(sent.Message())
	}
	sent = table.GRPCStatusWith(number, st.message)
	if size = maxRowSize(st.message); size > DefaultMaxSize {
		size = headerSize(sent.Proto())
	}
	return sent, size
}

// proto returns the status that a sender with the given tables sends, before anything is
// truncated. DebugInfo is among the details only if debugInfo is true.
func (st *Status) proto(senders tables, debugInfo bool) *spb.Status {
	table := st.tableIn(senders)
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
		Details: sendableDetails(st.packedDetails(table), debugInfo),
	}
}

// packedDetails returns all details in a new slice. The ErrorInfo that carries the
// code is the first.
func (st *Status) packedDetails(table *codes.Table) []*anypb.Any {
	all := make([]*anypb.Any, 0, 1+len(st.details))
	if st.origin.carriesCode() {
		all = append(all, &anypb.Any{TypeUrl: errorinfo.TypeURL, Value: st.errorInfo(table)})
	}
	return append(all, st.details...)
}

// sendableDetails returns details without those that are not sent: a second one of a
// type (AIP-193 allows one), and DebugInfo unless debugInfo is true. It changes the
// slice.
func sendableDetails(details []*anypb.Any, debugInfo bool) []*anypb.Any {
	kept := details[:0]
	seen := make(map[protoreflect.FullName]bool, len(details)) // on the stack for a few
	for _, d := range details {
		name := d.MessageName()
		if name == debugInfoName && !debugInfo || name != "" && seen[name] {
			continue
		}
		seen[name] = true
		if !utf8.ValidString(d.GetTypeUrl()) || len(d.ProtoReflect().GetUnknown()) > 0 {
			d = &anypb.Any{TypeUrl: validUTF8(d.GetTypeUrl()), Value: d.GetValue()}
		}
		kept = append(kept, d)
	}
	return kept
}

// errorInfo returns the bytes of the ErrorInfo that carries the code, where table has
// the code's row. A received one is sent byte for byte, unless a With method
// changed its metadata or it lacks the code's number.
func (st *Status) errorInfo(table *codes.Table) []byte {
	number := strconv.Itoa(int(st.code.Number()))
	info, ok := st.receivedInfo()
	if !ok {
		row, _ := table.Lookup(st.code.Number())
		return packErrorInfo(row.Reason, table.Domain(), number, st.metadata)
	}
	if !st.received.numberMissing {
		if st.metadata == nil {
			return st.received.info()
		}
		number = string(info.Number)
	}
	b := packErrorInfo(string(info.Reason), string(info.Domain), number, st.Metadata())
	return errorinfo.AppendUnknown(b, st.received.info())
}

func packErrorInfo(reason, domain, number string, metadata map[string]string) []byte {
	b := make([]byte, 0, errorinfo.Size(reason, domain, number, metadata))
	return errorinfo.Append(b, reason, domain, number, metadata)
}

// hasErrorInfo reports whether an ErrorInfo carries the code, or will when the status
// is sent.
func (st *Status) hasErrorInfo() bool { return st.Code().Number() != 0 && st.origin.carriesCode() }

// receivedInfo returns the received ErrorInfo that carries the code. ok is false if
// there is none.
func (st *Status) receivedInfo() (info errorinfo.Scanned, ok bool) {
	raw := st.received.info()
	if raw == nil {
		return errorinfo.Scanned{}, false
	}
	return errorinfo.Scan(raw)
}
