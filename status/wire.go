package status

import (
	"math"
	"slices"
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
	p := st.proto(wireOptions{metadataRoom: math.MaxInt, detailsRoom: math.MaxInt})
	return grpcstatus.FromProto(p), headerSize(p)
}

// isShort reports whether the status is no more than its code and a message. Most
// are, and all but the message is kept with the code's row.
func (st *Status) isShort() bool {
	x := st.more()
	return st.received == nil && st.added == nil && len(st.details) == 0 && x.leading == nil && x.requestID == ""
}

// encodeShort is encode for a short Status, with a table that has the code.
func (st *Status) encodeShort(table *codes.Table) (sent *grpcstatus.Status, size int) {
	number := st.code.Number()
	if st.text == rowText {
		sent = table.GRPCStatus(number)
		return sent, maxRowSize(sent.Message())
	}
	sent = table.GRPCStatusWith(number, st.message)
	if size = maxRowSize(st.message); size > DefaultMaxSize {
		size = headerSize(sent.Proto())
	}
	return sent, size
}

// wireOptions say how a Status is sent.
type wireOptions struct {
	tables       tables           // of the sender
	debugInfo    bool             // send DebugInfo that this process added
	openIMDetail bool             // send the openim.protobuf.ErrorInfo of a received raw number
	withheld     []grpccodes.Code // see Encoder.WithheldMessages

	// metadataRoom and detailsRoom are upper bounds of what can be sent, in bytes. proto may
	// leave out parts beyond them, because fit would drop those parts anyway. It keeps
	// enough for fit to see that the status is too large.
	metadataRoom, detailsRoom int
}

// proto returns the status that is sent, before anything is truncated.
func (st *Status) proto(o wireOptions) *spb.Status {
	table := st.tableIn(o.tables)
	return &spb.Status{
		Code:    int32(st.sentCode(table)),
		Message: st.sentMessage(table, o),
		Details: st.sentDetails(table, o),
	}
}

// sentCode returns the canonical code that is sent. That of a raw number is in the sender's
// table.
func (st *Status) sentCode(table *codes.Table) grpccodes.Code {
	if st.grpcCode == grpccodes.OK || st.origin == OriginNumeric && st.hasOwnInfo() {
		row, _ := table.Lookup(st.code.Number())
		return row.GRPCCode
	}
	return st.grpcCode
}

// sentMessage returns the message that is sent.
func (st *Status) sentMessage(table *codes.Table, o wireOptions) string {
	sendsReceived := st.text == receivedText && !st.hidesText(o)
	text := ""
	switch {
	case st.text == ownText:
		text = st.message // sendable already
	case sendsReceived:
		text = sendableText(st.received.proto.GetMessage())
	}
	switch {
	case text != "":
		return text
	case st.hasOwnInfo():
		row, _ := table.Lookup(st.code.Number())
		return st.rowMessage(row)
	case sendsReceived:
		return "" // the sender gave none
	}
	return st.fixedMessage(o.tables.first())
}

// hidesText reports whether the Status has a received message that is withheld.
func (st *Status) hidesText(o wireOptions) bool {
	if st.text != receivedText {
		return false
	}
	e := st.received
	return !e.textPasses() || e.own && !e.decided && slices.Contains(o.withheld, st.GRPCCode())
}

// withholds reports whether the Status has a received message that isn't empty and is
// withheld.
func (st *Status) withholds(o wireOptions) bool {
	return st.hidesText(o) && st.received.proto.GetMessage() != ""
}

// fixedMessage returns the message that is sent for a status without a code, if its own text
// is withheld. table is the sender's first, which has the default rows for canonical codes.
func (st *Status) fixedMessage(table *codes.Table) string {
	if !st.received.own {
		return upstreamMessage(st.grpcCode)
	}
	row, _ := table.Lookup(table.DefaultFor(st.grpcCode).Number())
	return row.Message
}

// The fixed messages for an upstream whose text is withheld.
const (
	upstreamUnavailable = "an upstream service is unavailable"
	upstreamDeadline    = "an upstream service did not answer in time"
	upstreamFailed      = "an upstream service failed"
)

// upstreamMessage returns the message that is sent for a received status that carries no
// code, if its own text is withheld.
func upstreamMessage(code grpccodes.Code) string {
	switch code {
	case grpccodes.Unavailable:
		return upstreamUnavailable
	case grpccodes.DeadlineExceeded:
		return upstreamDeadline
	}
	return upstreamFailed
}

// sentDetails returns the details that are sent: the ErrorInfo that carries the code, the
// request id, those of amendments, and then the rest.
func (st *Status) sentDetails(table *codes.Table, o wireOptions) []*anypb.Any {
	passes := st.received != nil && st.received.passes()
	rest := st.details
	if passes {
		rest = st.mergeDetails(st.received.sendable(o))
	}
	x := st.more()
	all := make([]*anypb.Any, 0, 2+len(x.leading)+len(rest))
	if st.hasOwnInfo() {
		all = append(all, &anypb.Any{TypeUrl: errorinfo.TypeURL, Value: st.errorInfo(table, passes, o.metadataRoom)})
	}
	if x.requestID != "" {
		all = append(all, packRequestID(x.requestID))
	}
	first := len(all) // details from this index on can be dropped
	all = append(append(all, x.leading...), rest...)
	return sendableDetails(st.withoutRevoked(all), o.debugInfo, first, o.detailsRoom)
}

// withoutRevoked returns details without the RetryInfo that a negative delay has replaced.
func (st *Status) withoutRevoked(details []*anypb.Any) []*anypb.Any {
	if st.more().pushback == doNotRetry {
		return dropDetail(details, retryInfoName)
	}
	return details
}

// sendable returns the received details that may be sent. A DebugInfo is only sent if it was
// made in this process. OpenIM's servers write private text into their detail.
func (e *receivedError) sendable(o wireOptions) []*anypb.Any {
	details := e.details()
	if e.own {
		return details
	}
	details = dropDetail(details, debugInfoName)
	if e.grpc.Code() > grpccodes.Unauthenticated && !o.openIMDetail {
		details = dropDetail(details, openIMDetailName)
	}
	return details
}

// mergeDetails returns received details and those that this process added, in a new slice
// unless one of them is empty. An added one replaces a received one of its type, except for a
// BadRequest that continues it.
func (st *Status) mergeDetails(received []*anypb.Any) []*anypb.Any {
	switch {
	case len(st.details) == 0:
		return received
	case len(received) == 0:
		return st.details
	}
	own := st.continueReceived(received, st.details)
	return lastOfEachType(append(sendableDetails(slices.Clone(received), true, 0, math.MaxInt), own...))
}

// sendableDetails returns details without those that are not sent: a second one of a type
// (AIP-193 allows one), and DebugInfo unless debugInfo is true. If the details from index
// first on take more than room bytes, it leaves out those that follow, because fit drops
// the last details first. The localized message and the BadRequest don't count, because fit
// first drops the one and makes the other smaller. OpenIM's detail stays, because it becomes the first in the
// numeric form. sendableDetails reuses the slice.
func sendableDetails(details []*anypb.Any, debugInfo bool, first, room int) []*anypb.Any {
	kept := details[:0]
	seen := make(map[protoreflect.FullName]bool, min(len(details), 64)) // the map is on the stack if there are few details
	for i, d := range details {
		name := d.MessageName()
		if name == debugInfoName && !debugInfo || name != "" && seen[name] || room < 0 && name != openIMDetailName {
			continue
		}
		seen[name] = true
		if i >= first && name != localizedMessageName && name != badRequestName {
			room -= sizeOf(d)
		}
		if !utf8.ValidString(d.GetTypeUrl()) || len(d.ProtoReflect().GetUnknown()) > 0 {
			d = &anypb.Any{TypeUrl: validUTF8(d.GetTypeUrl()), Value: d.GetValue()}
		}
		kept = append(kept, d)
	}
	return kept
}

// errorInfo returns the bytes of the ErrorInfo that carries the code, where table has
// the code's row. With withReceived, what was received is part of it: a received ErrorInfo
// is then returned byte for byte, unless a With method changed its metadata or no errstatus
// server writes it so.
//
// If the received ErrorInfo has more than room bytes, the result has only the pairs that
// can fit. If pairs are missing, the result still has more than room bytes, so that fit
// truncates it.
func (st *Status) errorInfo(table *codes.Table, withReceived bool, room int) []byte {
	raw := st.received.info()
	forwards := withReceived && st.origin == OriginKnown
	whole := len(raw) <= room
	if forwards && whole && st.added == nil && !st.received.rewritten {
		return raw
	}
	row, _ := table.Lookup(st.code.Number())
	var buffer [8]errorinfo.Pair
	reason, pairs := row.Reason, st.added.pairs(buffer[:])
	if forwards {
		reason = presentReason(table, st.Reason())
	}
	if withReceived {
		pairs = mergePairs(st.received.pairs(room, row), pairs)
	}
	number := ""
	if n := st.code.Number(); n > 0 { // a fallback has none
		number = strconv.Itoa(int(n))
	}
	b := packErrorInfo(reason, table.Domain(), number, pairs)
	if forwards && whole {
		b = errorinfo.AppendUnknown(b, raw)
	}
	return b
}

// presentReason returns the reason that a table has now for a reason, which may be a former
// one.
func presentReason(table *codes.Table, reason string) string {
	if row, ok := table.ByReason(reason); ok {
		return row.Reason
	}
	return reason
}

func packErrorInfo(reason, domain, number string, pairs []errorinfo.Pair) []byte {
	b := make([]byte, 0, errorinfo.Size(reason, domain, number, pairs))
	return errorinfo.Append(b, reason, domain, number, pairs)
}

// receivedInfo returns the received ErrorInfo that carries the code or, if none does, the one
// to read. ok is false if there is none, and for a Status with a code of this process.
func (st *Status) receivedInfo() (info errorinfo.Scanned, ok bool) {
	if st == nil || st.received == nil || st.origin == OriginLocal || st.received.metadataOnly {
		return errorinfo.Scanned{}, false
	}
	return st.received.scanned()
}
