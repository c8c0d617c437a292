package status

import (
	"slices"
	"strings"
	"unicode/utf8"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/text"
)

// A Status is a failure: usually a code, a message that is safe to show to the caller,
// metadata and details. It is immutable and safe for concurrent use; the With methods
// return copies. A nil Status and the zero Status are success: their code is NoError.
//
// A received Status may carry no code: then [Status.Code] is the UNKNOWN default, and
// [Status.GRPCCode] says what is known. [Declared] reports whether an error has a code.
type Status struct {
	code    codes.Code
	message string // if text is ownText

	// grpcCode is the canonical code of a received status. OK means: use the canonical
	// code of the code's row.
	grpcCode grpccodes.Code
	origin   Origin
	text     textSource // where the message comes from
	none     bool       // made for an error without a status
	restated bool       // a received Status became this process's own statement

	added   *addedPair   // the metadata that this process added to the ErrorInfo
	details []*anypb.Any // that this process added, one of each type
	extra   *extra       // nil for most

	// received is the received status from which this one was made, or nil. Its message,
	// metadata and details are part of the Status. They are sent only if the trust in its
	// connection lets them pass.
	received *receivedError

	// from is the error that has this Status, or nil. Err returns it.
	from error
}

// A textSource says where a Status's message comes from.
type textSource uint8

const (
	rowText      textSource = iota // the code's row
	ownText                        // this process
	receivedText                   // the received status
)

// An extra holds what few Statuses have. It is shared by copies and never changed.
type extra struct {
	droppedKeys []string     // metadata keys that were given and can't be sent, sorted; see maxDroppedKeys
	pushback    string       // the value of grpc-retry-pushback-ms, or ""
	cause       error        // an operand of %w, until Err or Wrap makes an error
	before      error        // the error from which a restated Status was read, for logs
	leading     []*anypb.Any // details of amendments, which are dropped last
	withheld    bool         // a received text was withheld before the amendments
	requestID   string       // of the RPC, or ""

	// continues says that the BadRequest in details continues a received one. violations is
	// the buffer in which WithFieldViolation wrote it, or nil.
	continues  bool
	violations *sharedBuffer
}

// more returns the extra of st, which may be nil. The result must not be changed.
func (st *Status) more() extra {
	if st == nil || st.extra == nil {
		return extra{}
	}
	return *st.extra
}

// changeExtra changes the extra of a Status that is still being made.
func (st *Status) changeExtra(change func(*extra)) {
	x := st.more()
	change(&x)
	st.extra = &x
}

// New returns a Status with a code and a public message. Spaces (U+0020) at its beginning
// and end are removed, because some clients would read an empty message. If nothing is
// left, the Status has the message of the code's row. Bytes of message that are not UTF-8
// are replaced by U+FFFD.
//
// New replaces a code that can't be sent by an INTERNAL default: a nil code, or one
// without a table, by that of the default table; a negative code by that of its own
// table. If that is a fallback code (see [codes.Table.DefaultFor]), the Status carries no
// code: it is sent as INTERNAL with the reason INTERNAL and the table's domain.
func New(c codes.Code, message string) *Status {
	st := newStatus(c, message)
	return &st
}

func newStatus(c codes.Code, message string) Status {
	st := Status{code: replaceUnsendable(c)}
	st.setMessage(message)
	return st
}

// setMessage sets the message of a Status that is still being made.
func (st *Status) setMessage(message string) {
	st.message, st.text = sendableText(message), ownText
	if st.message == "" {
		st.text = rowText
	}
}

// sendableText returns a message in the form in which it is sent.
func sendableText(message string) string { return strings.Trim(validUTF8(message), " ") }

// Newf returns [New] with a message formatted by fmt.Sprintf. Operands of %w become the
// cause, as in [Errorf]. The Status keeps it until [Status.Err] or [Status.Wrap] makes an
// error.
func Newf(c codes.Code, format string, args ...any) *Status {
	message, cause := formatMessage(format, args...)
	st := New(c, message)
	if cause != nil {
		st.changeExtra(func(x *extra) { x.cause = cause })
	}
	return st
}

// replaceUnsendable returns c, converted to the type of its table's codes. If c is nil,
// negative or without a table, it returns the INTERNAL default, which can be a fallback.
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

// Code returns the status's code, and NoError for a nil Status. If the status carries no
// code, Code returns the UNKNOWN default; see [Declared].
func (st *Status) Code() codes.Code {
	if st == nil || st.code == nil {
		return codes.NoError
	}
	return st.code
}

// Declared returns [Status.Code] and reports whether the status carries it, or states it in this
// process. It is false for a nil Status.
func (st *Status) Declared() (code codes.Code, ok bool) { return st.Code(), st.carriesCode() }

// hasOwnInfo reports whether the status has an ErrorInfo of a known domain: it carries a code,
// or states one or a fallback in this process. Whatever shows a code to users asks carriesCode.
func (st *Status) hasOwnInfo() bool {
	switch {
	case st.Code().Number() == 0 || st.none:
		return false
	case st.origin == OriginLocal:
		return true
	}
	return st.received.carries
}

// carriesCode reports whether the status carries a code, or states one that can be sent.
func (st *Status) carriesCode() bool { return st.hasOwnInfo() && st.code.Number() > 0 }

// GRPCCode returns the canonical code. For a received status it is the received one. A
// raw number has the canonical code of the carried code's row in the Decoder's tables, or
// UNKNOWN without a row. For a Status of this process it is the canonical code of the
// code's row. It is OK for nil and for NoError.
//
// A server that forwards a raw number uses its own tables instead.
func (st *Status) GRPCCode() grpccodes.Code {
	if st == nil || st.grpcCode == grpccodes.OK || st.Code().Number() == 0 {
		return st.row().GRPCCode
	}
	return st.grpcCode
}

// Message returns the message. For a received status it is the received message, which
// can be empty. If this process gave none, it is the message of the code's row or, if the
// status carries no code, a fixed text.
func (st *Status) Message() string {
	switch {
	case st != nil && st.text == ownText:
		return st.message
	case st != nil && st.text == receivedText:
		return st.received.proto.GetMessage()
	case st != nil && st.received != nil && !st.hasOwnInfo():
		return st.fixedMessage(codes.Default())
	}
	return st.rowMessage(st.row())
}

// Reason returns the reason in the ErrorInfo. For a received ErrorInfo it is the received
// reason, also if its domain isn't known: then the sender chose the text. Otherwise, and
// if the reason of a known domain doesn't have AIP-193's form, it is the reason that a
// server sends for the code. It is empty if there is no ErrorInfo and the status carries
// no code.
func (st *Status) Reason() string {
	if info, ok := st.receivedInfo(); ok && (st.origin == OriginForeign || errorinfo.IsReason(info.Reason)) {
		return string(info.Reason)
	}
	if !st.hasOwnInfo() {
		return ""
	}
	if number := st.code.Number(); number > 0 && !st.tableIn(nil).Has(number) {
		return errorinfo.UnknownReason(int32(number))
	}
	return st.row().Reason
}

// Domain returns the domain in the ErrorInfo. For a received ErrorInfo it is the received
// domain, also if it isn't known: then the sender chose the text. Otherwise it is the
// domain that a server sends for the code. It is empty if there is no ErrorInfo and the
// status carries no code.
func (st *Status) Domain() string {
	if info, ok := st.receivedInfo(); ok {
		return string(info.Domain)
	}
	if !st.hasOwnInfo() {
		return ""
	}
	return st.tableIn(nil).Domain()
}

// Metadata returns a copy of the metadata in the status's ErrorInfo, with what was added by
// [Status.WithMetadata]. It is nil if there is none. The code's number isn't in it, and
// neither are pairs that no errstatus server sends, because AIP-193 forbids their keys. The
// metadata of a domain that isn't known is returned unchanged.
func (st *Status) Metadata() map[string]string {
	if st.Code().Number() == 0 {
		return nil
	}
	metadata := st.received.metadata(st.origin)
	if metadata == nil && st.added != nil {
		metadata = make(map[string]string)
	}
	var buffer [8]errorinfo.Pair
	for _, pair := range st.added.pairs(buffer[:]) {
		metadata[pair.Key] = pair.Value
	}
	return metadata
}

// Truncated returns the parts of the status that its sender has truncated, as
// metadata["truncated"] of an ErrorInfo of a known domain says.
func (st *Status) Truncated() Truncation {
	if st == nil || st.received == nil || st.received.origin == OriginForeign {
		return 0
	}
	info, _ := st.received.scanned()
	return parseTruncation(info.Truncated)
}

// Origin returns where the status comes from. WithCode makes it [OriginLocal]; the other
// With methods keep it. It is [OriginLocal] for a nil Status.
func (st *Status) Origin() Origin {
	if st == nil {
		return OriginLocal
	}
	return st.origin
}

// WithMessage returns a copy with another public message. It keeps all else, also the
// canonical code of a received status: "the same failure, in my words" is
//
//	return nil, status.Convert(err).WithMessage("calling billing").Wrap(err)
//
// An empty message means that of the code's row; see [New] for spaces. WithMessage returns
// nil for nil.
//
// # Restating
//
// This holds for all With methods of a Status that was read from an error, with [Convert]
// for example. The copy is this process's own statement: a server sends its code, its
// canonical code and what this process gave it, and no error mapping applies. What was
// received keeps its provenance: its message, metadata and details are sent only if the
// [Trust] in its connection lets the status pass. A received DebugInfo is never sent, and a
// received RetryInfo makes no pushback. If a received message isn't sent, the error counts
// as withheld, and the server logs it unless the caller is at fault; see
// [Encoded.LogLevel].
//
// The copy of the Status of an error that has none, such as errors.New("…"), has the
// INTERNAL default as its code.
func (st *Status) WithMessage(message string) *Status {
	if st == nil {
		return nil
	}
	changed := st.copyToChange()
	changed.setMessage(message)
	return changed
}

// WithCode returns a copy with another code. It keeps all else, also the canonical code of
// a received status: the server sends that and not the one in the code's row. It also keeps
// received metadata: if the [Trust] lets that pass, it is sent with the code, even if the
// code is of another domain. To send the row's canonical code and nothing that was received,
// use [New] or [Wrap]. See [Status.WithMessage] on restating, and [New] for codes
// that can't be sent. WithCode returns nil for nil.
func (st *Status) WithCode(c codes.Code) *Status {
	if st == nil {
		return nil
	}
	changed := st.copyToChange()
	changed.code, changed.origin = replaceUnsendable(c), OriginLocal
	return changed
}

// WithMetadata returns a copy with key set to value in the metadata of the
// ErrorInfo. AIP-193 asks for this: put each variable part of the message into the
// metadata too, always under the same key.
//
// A key must match [a-z][a-zA-Z0-9-_]+ and have at most 64 bytes (AIP-193). "code" and
// "truncated" are reserved. A pair with any other key is not sent, and is not in
// [Status.Metadata]. If the status carries no code, it is sent without an ErrorInfo of
// this process, and so without this metadata. A server's observer gets the keys that are
// not sent. WithMetadata returns nil for nil.
func (st *Status) WithMetadata(key, value string) *Status {
	if st == nil {
		return nil
	}
	changed := st.copyToChange()
	changed.addPair(key, value)
	return changed
}

// WithDetails returns a copy with more details. The messages are packed now:
// changing them later changes nothing. A status has one detail of each type
// (AIP-193): a second one replaces the first. To add one more violation to a BadRequest, use
// [Status.WithFieldViolation]. Nil messages are ignored, an Any is added unchanged, and text
// that is not UTF-8 is repaired.
//
// Of an ErrorInfo of the code's own domain, only the metadata is added, as by
// [Status.WithMetadata]. An ErrorInfo of another domain is sent only if the status
// carries no code. DebugInfo stays in the process unless the server has
// interceptor.WithDebugInfo. WithDetails returns nil for nil.
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

// Err returns an error with the status. It returns nil for a nil Status and for NoError
// without a cause. The code is in the error's chain, so that errors.Is and errors.AsType
// find it.
//
// If the Status was read from an error, and no With method was called, Err returns that
// error itself: status.Convert(err).Err() is err.
func (st *Status) Err() error {
	cause := st.more().cause
	switch {
	case st != nil && st.from != nil:
		return st.from
	case st.Code().Number() == 0 && cause == nil:
		return nil
	}
	return newError(st, cause)
}

// Wrap returns an error with the status that unwraps to cause, or nil if cause is
// nil. The cause is for this process's logs: it is not sent to the caller. If [Newf] has
// kept another cause, the error unwraps to both.
//
// The error is this process's own statement; see [Status.WithMessage] on restating.
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
	return newError(st, joinCauses(st.more().cause, cause))
}

// GRPCStatus returns the received status, if st was received and not changed. Otherwise it
// returns the status that a server without options sends. It is nil for a nil Status and
// for NoError.
//
// It is for reading. If a handler returns the gRPC status as its error, errstatus takes it
// for one that was made in this process, and the [Trust] in the connection no longer applies.
// Return the result of [Status.Err] instead.
func (st *Status) GRPCStatus() *grpcstatus.Status {
	switch {
	case st.Code().Number() == 0:
		return nil
	case st.isReceived():
		return st.received.grpc
	case st.none:
		return ToGRPC(st.from)
	}
	sent, _ := st.encode()
	return sent
}

// isReceived reports whether st was received and not changed.
func (st *Status) isReceived() bool { return st != nil && st.received != nil && !st.restated }

// String returns the code's name and the message as one line, in which control characters,
// bidirectional controls and zero-width characters are replaced by spaces. If the status carries no
// code, it returns the text that gRPC's errors have, with the canonical code. The message
// of a received status is the upstream's: don't copy it into a message that you send.
func (st *Status) String() string {
	if st != nil && st.received != nil && !st.hasOwnInfo() {
		return text.OneLine("rpc error: code = " + st.GRPCCode().String() + " desc = " + st.Message())
	}
	return text.OneLine(st.row().Name + ": " + st.Message())
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
	changed.restate()
	return &changed
}

// restate marks st, which must be a copy, as this process's own statement.
func (st *Status) restate() {
	if st.from != nil {
		before := st.from
		st.changeExtra(func(x *extra) { x.before = before })
	}
	st.code, st.from, st.restated = st.Code(), nil, true
	if st.none {
		st.code, st.none = st.code.Table().DefaultFor(grpccodes.Internal), false
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
	if st != nil && st.origin == OriginNumeric && st.received.rawTable != nil && !table.Has(st.code.Number()) {
		return st.received.rawTable
	}
	return table
}
