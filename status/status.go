package status

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// A Status is a domain failure: a code, a message that is safe to show to the
// caller, metadata and details. It is immutable and safe for concurrent use; the
// With methods return copies. A nil Status and the zero Status are success: their
// code is NoError.
type Status struct {
	code       codes.Code
	message    string
	hasMessage bool // if not, the message is that of the code's row
	origin     Origin

	// metadata is the metadata of the ErrorInfo, without the number. If it is nil, the
	// ErrorInfo of received has the metadata.
	metadata map[string]string
	details  []*anypb.Any // without the ErrorInfo that carries the code
	extra    *extra       // nil for most

	// The rest is zero for a Status that was made in this process.
	grpcCode  grpccodes.Code
	received  *receivedError
	unchanged bool // until a With method changes a received Status
}

// An extra holds what few Statuses have. It is shared by copies and never changed.
type extra struct {
	droppedKeys []string // metadata keys that were given and can't be sent
	pushback    string   // the value of grpc-retry-pushback-ms, or ""
}

// more returns the extra of st, which may be nil. The result must not be changed.
func (st *Status) more() extra {
	if st == nil || st.extra == nil {
		return extra{}
	}
	return *st.extra
}

// New returns a Status with a code and a public message. If message is empty, the
// Status has the message of the code's row. Bytes of message that are not UTF-8 are
// replaced by U+FFFD.
//
// A nil code and a negative code can't be sent. New replaces them by the INTERNAL
// default.
func New(c codes.Code, message string) *Status {
	st := newStatus(c, message)
	return &st
}

func newStatus(c codes.Code, message string) Status {
	return Status{code: replaceUnsendable(c), message: validUTF8(message), hasMessage: message != ""}
}

// Newf returns [New] with a message formatted by fmt.Sprintf.
func Newf(c codes.Code, format string, args ...any) *Status {
	return New(c, fmt.Sprintf(format, args...))
}

// replaceUnsendable returns c, converted to the type of its table's codes. If c is nil,
// negative or without a table, it returns the INTERNAL default.
func replaceUnsendable(c codes.Code) codes.Code {
	if known, ok := c.(codes.ErrorCode); ok && known >= 0 {
		return c
	}
	if c != nil {
		c = canonicalType(c)
	}
	switch {
	case c == nil:
		return codes.Default().DefaultFor(grpccodes.Internal)
	case c.Number() < 0:
		return c.Table().DefaultFor(grpccodes.Internal)
	}
	return c
}

// Code returns the status's code, and NoError for a nil Status. For a status of
// [OriginForeign] or [OriginBare] it is assumed: the table's default code for the
// canonical code.
func (st *Status) Code() codes.Code {
	if st == nil || st.code == nil {
		return codes.NoError
	}
	return st.code
}

// GRPCCode returns the canonical code. For a received status it is the received code. For
// a raw number it is the canonical code in the number's row, in the tables of the Decoder.
// For a Status that was made in this process it is the canonical code in the code's row.
// It is OK for a nil Status and for NoError.
func (st *Status) GRPCCode() grpccodes.Code {
	if st == nil || st.grpcCode == grpccodes.OK {
		return st.row().GRPCCode
	}
	return st.grpcCode
}

// Message returns the public message. If none was given, it is that of the code's
// row.
func (st *Status) Message() string {
	if st == nil || !st.hasMessage {
		return st.row().Message
	}
	return st.message
}

// Reason returns the reason in the ErrorInfo that carries the code. For a received status
// it is the received reason, and otherwise the one that will be sent. It is empty if the
// status carries no code.
func (st *Status) Reason() string {
	if !st.hasErrorInfo() {
		return ""
	}
	if info, ok := st.receivedInfo(); ok {
		return string(info.Reason)
	}
	if number := st.code.Number(); !st.tableIn(nil).Has(number) {
		return errorinfo.UnknownReason(int32(number))
	}
	return st.row().Reason
}

// Domain returns the domain in the ErrorInfo that carries the code. For a received status
// it is the received domain, and otherwise the one that will be sent. It is empty if the
// status carries no code.
func (st *Status) Domain() string {
	if !st.hasErrorInfo() {
		return ""
	}
	if info, ok := st.receivedInfo(); ok {
		return string(info.Domain)
	}
	return st.tableIn(nil).Domain()
}

// Metadata returns a copy of the metadata of the ErrorInfo that carries the code,
// without the code's number. It is nil if there is none.
func (st *Status) Metadata() map[string]string {
	if !st.hasErrorInfo() {
		return nil
	}
	if st.metadata != nil {
		return maps.Clone(st.metadata)
	}
	return withoutNumber(errorinfo.All(st.received.info()))
}

// Truncated returns the parts of the status that its sender has truncated, as
// metadata["truncated"] of its ErrorInfo says.
func (st *Status) Truncated() Truncation {
	if !st.hasErrorInfo() {
		return 0
	}
	if st.metadata != nil {
		return parseTruncation(st.metadata[errorinfo.TruncatedKey])
	}
	var last string // if a key occurs twice, the last value counts
	for key, value := range errorinfo.All(st.received.info()) {
		if key == errorinfo.TruncatedKey {
			last = value
		}
	}
	return parseTruncation(last)
}

// Origin returns where the status comes from. It is [OriginLocal] for a nil Status.
func (st *Status) Origin() Origin {
	if st == nil {
		return OriginLocal
	}
	return st.origin
}

// WithMetadata returns a copy with key set to value in the metadata of the
// ErrorInfo. AIP-193 asks for this: put each variable part of the message into the
// metadata too, always under the same key.
//
// A key must match [a-z][a-zA-Z0-9-_]+ and have at most 64 bytes (AIP-193). "code"
// and "truncated" are reserved. A pair with any other key is not sent, and is not in
// [Status.Metadata]; a server's observer is told about it.
//
// If st was received and carries no code, the copy states the assumed code, because
// metadata is sent inside an ErrorInfo.
func (st *Status) WithMetadata(key, value string) *Status {
	if st == nil {
		return nil
	}
	changed := st.copyToChange()
	changed.setMetadata(map[string]string{key: value})
	return changed
}

// WithDetails returns a copy with more details. The messages are packed now:
// changing them later changes nothing. A status has one detail of each type
// (AIP-193): a second one replaces the first. Nil messages are ignored, an Any is
// added unchanged, and text that is not UTF-8 is repaired.
//
// Of an ErrorInfo of the code's own domain, only the metadata is added, as by
// [Status.WithMetadata]. An ErrorInfo of another domain is sent only if the status
// carries no code. DebugInfo stays in the process unless the server has
// interceptor.WithDebugInfo.
func (st *Status) WithDetails(details ...proto.Message) *Status {
	if st == nil {
		return nil
	}
	changed := st.copyToChange()
	all := slices.Grow(slices.Clone(st.details), len(details))
	for _, message := range details {
		if packed := changed.packDetail(message); packed != nil {
			all = append(all, packed)
		}
	}
	changed.details = lastOfEachType(all)
	return changed
}

// Err returns an error with the status, or nil for a nil Status and for NoError. The
// code is in the error's chain, so that errors.Is and errors.AsType find it.
//
// A handler that returns this error sends st with its message and details, even if st was
// received. [Trust] applies only to a received error that a handler returns unchanged.
func (st *Status) Err() error {
	if st.Code().Number() == 0 {
		return nil
	}
	return newError(st, nil)
}

// Wrap returns an error with the status that unwraps to cause, or nil if cause is
// nil. The cause is for this process's logs: it is not sent to the caller.
//
// Wrapping an error in NoError is a bug. The result is still an error. Functions that look
// for a code ignore its NoError.
func (st *Status) Wrap(cause error) error {
	if cause == nil {
		return nil
	}
	if st == nil {
		st = New(codes.NoError, "")
	}
	return newError(st, cause)
}

// GRPCStatus returns the received status, if st was received and not changed. Otherwise it
// returns the status that a server without options sends. It is nil for a nil Status and
// for NoError.
func (st *Status) GRPCStatus() *grpcstatus.Status {
	if st.Code().Number() == 0 {
		return nil
	}
	if st.unchanged {
		return st.received.grpc
	}
	sent, _ := st.encode()
	return sent
}

// LogValue returns a group with the code's name, number and reason, the canonical
// code, the message and, for a received status, its origin.
func (st *Status) LogValue() slog.Value {
	row := st.row()
	row.GRPCCode, row.Message = st.GRPCCode(), st.Message()
	attrs := row.LogValue().Group()
	if st.Origin() != OriginLocal {
		attrs = append(attrs, slog.String("origin", st.origin.String()))
	}
	return slog.GroupValue(attrs...)
}

// String returns the code's name and the message as one line. All of it is public.
func (st *Status) String() string { return oneLine(st.row().Name + ": " + st.Message()) }

// oneLine returns text as one line of valid UTF-8. It replaces line ends and other control
// characters by spaces, so that a text can't add a line to a log.
func oneLine(text string) string {
	if strings.IndexFunc(text, isReplaced) < 0 {
		return text
	}
	text = strings.ReplaceAll(validUTF8(text), "\r\n", " ")
	return strings.Map(func(r rune) rune {
		if r != utf8.RuneError && isReplaced(r) {
			return ' '
		}
		return r
	}, text)
}

// isReplaced reports whether oneLine must look at r. It is true for U+FFFD, because a range
// over a string yields that for bytes that are not UTF-8.
func isReplaced(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// validUTF8 returns text with each run of bytes that is not UTF-8 replaced by U+FFFD.
func validUTF8(text string) string {
	if utf8.ValidString(text) { // faster than ToValidUTF8
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// copyToChange returns a shallow copy for a With method.
func (st *Status) copyToChange() *Status {
	changed := *st
	changed.code = st.Code()
	changed.unchanged = false
	return &changed
}

// setMetadata adds metadata to a Status that is still being made. Pairs that were
// received stay, whatever their keys.
func (st *Status) setMetadata(metadata map[string]string) {
	all := st.Metadata()
	if all == nil {
		all = make(map[string]string, len(metadata))
	}
	added := false
	var dropped []string
	for key, value := range metadata {
		if errorinfo.IsMetadataKey(key) && !errorinfo.IsReserved(key) {
			all[key] = validUTF8(value)
			added = true
		} else {
			dropped = append(dropped, key)
		}
	}
	if dropped != nil {
		dropped = append(dropped, st.more().droppedKeys...)
		slices.Sort(dropped)
		dropped = slices.Compact(dropped)
		st.extra = &extra{droppedKeys: dropped, pushback: st.more().pushback}
	}
	if !added {
		return
	}
	st.metadata = all
	if !st.origin.carriesCode() {
		st.origin = OriginLocal
	}
}

// row returns the row of the code. A raw number has its row in the table of the Decoder
// that read it.
func (st *Status) row() codes.Row {
	row, _ := st.tableIn(nil).Lookup(st.Code().Number())
	return row
}

// tableIn returns the table that has the code's row. It looks first in senders, which may
// be nil, then in the code's own table, and for a raw number in the table that named it.
func (st *Status) tableIn(senders tables) *codes.Table {
	table := senders.forCode(st.Code())
	if st != nil && st.received != nil && st.received.rawTable != nil && !table.Has(st.code.Number()) {
		return st.received.rawTable
	}
	return table
}
