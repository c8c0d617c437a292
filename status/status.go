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
)

// A Status is a domain failure: a code, a message that is safe to show to the
// caller, metadata and details. It is immutable and safe for concurrent use; the
// With methods return copies. A nil Status and the zero Status are success: their
// code is NoError.
type Status struct {
	code       codes.Code
	message    string
	metadata   map[string]string
	details    []*anypb.Any // all but the ErrorInfo that states the code
	rare       *rare        // what most have not; nil for nothing of it
	hasMessage bool         // without one it is that of the code's row
	origin     Origin

	// What follows is only in a received status.
	unnumbered bool           // the number of its ErrorInfo is not the code's, which the reason named
	unnamed    bool           // its ErrorInfo names no code that is known: the code is a guess
	grpcCode   grpccodes.Code // the canonical code; for a number in its place, what the reader's table says
}

// A rare is what few statuses have. It is shared by copies, and not changed.
type rare struct {
	dropped  []string // keys that were given for the metadata and can't be there
	pushback string   // what a RetryInfo that was added here says to gRPC

	// What follows is only in a received status.
	table    *codes.Table       // which says what the code is, where nothing but a number states it
	info     []byte             // the ErrorInfo that states the code
	received *grpcstatus.Status // the whole, until a With method changes it
}

var nothingRare = &rare{}

// rarely is what is rare in the status, which may be nil, for reading.
func (st *Status) rarely() *rare {
	if st == nil || st.rare == nil {
		return nothingRare
	}
	return st.rare
}

// ownRare gives a Status that is still being made a rare of its own, to be changed.
func (st *Status) ownRare() *rare {
	own := *st.rarely()
	st.rare = &own
	return &own
}

// New is a Status with a code and a public message. An empty message stands for
// that of the code's row. What in it is not UTF-8 is replaced by U+FFFD.
//
// A nil code and a negative one can't be sent: the Status has the default code of
// INTERNAL in their place.
func New(c codes.Code, message string) *Status {
	st := newStatus(c, message)
	return &st
}

func newStatus(c codes.Code, message string) Status {
	return Status{code: replaceUnsendable(c), message: validUTF8(message), hasMessage: message != ""}
}

// Newf is [New] with fmt.Sprintf.
func Newf(c codes.Code, format string, args ...any) *Status {
	return New(c, fmt.Sprintf(format, args...))
}

// sendable is c, or what stands for it where it can't be sent.
func replaceUnsendable(c codes.Code) codes.Code {
	if known, ok := c.(codes.ErrorCode); ok && known >= 0 {
		return c
	}
	if c == nil {
		return codes.Default().FromGRPC(grpccodes.Internal)
	}
	if c = canonicalType(c); c == nil {
		return codes.Default().FromGRPC(grpccodes.Internal)
	}
	if c.Number() < 0 {
		return c.Table().FromGRPC(grpccodes.Internal)
	}
	return c
}

// Code is the status's code: NoError for nil. Where the [Origin] is Foreign or
// Bare it is a guess after the canonical code.
func (st *Status) Code() codes.Code {
	if st == nil || st.code == nil {
		return codes.NoError
	}
	return st.code
}

// GRPCCode is the canonical gRPC code: that of the code's row, or as received; for a
// number received in its place that of the row in the receiver's tables. It is OK
// for nil and NoError.
func (st *Status) GRPCCode() grpccodes.Code {
	if st == nil || st.grpcCode == grpccodes.OK {
		return st.row().GRPCCode
	}
	return st.grpcCode
}

// Message is the public message, by default that of the code's row.
func (st *Status) Message() string {
	if st == nil || !st.hasMessage {
		return st.row().Message
	}
	return st.message
}

// Reason is the reason of the ErrorInfo that states the code. It is as received
// if the code was: a code without a row keeps the reason it came with. It is
// empty where nothing states the code.
func (st *Status) Reason() string { return st.errorInfo().GetReason() }

// Domain is the domain of the ErrorInfo that states the code, and empty where
// nothing does.
func (st *Status) Domain() string { return st.errorInfo().GetDomain() }

// Metadata is a copy of the metadata of the ErrorInfo that states the code, less
// the number, which [Status.Code] has. It is nil where there is none.
func (st *Status) Metadata() map[string]string {
	metadata := st.errorInfo().GetMetadata()
	delete(metadata, numberKey)
	if len(metadata) == 0 {
		return nil
	}
	return metadata
}

// Truncated names what the sender left out for the sake of size, as
// metadata["truncated"] says it: "details", "metadata" and "message", with commas
// between. Anything else there is passed over.
func (st *Status) Truncated() string {
	return joinCuts(splitCuts(st.errorInfo().GetMetadata()[truncatedKey]))
}

// Origin tells where the status comes from: Local for nil.
func (st *Status) Origin() Origin {
	if st == nil {
		return OriginLocal
	}
	return st.origin
}

// WithMetadata is a copy with one more pair in the metadata of the ErrorInfo, in
// the place of one with the same key. AIP-193 asks that every part of the message
// that varies be there too, under the same key each time.
//
// A key must match [a-z][a-zA-Z0-9-_]+ and have 64 bytes at most; "code" and
// "truncated" are errstatus's own. A pair with another key is not sent, and not
// in [Status.Metadata]; a server's observer is told of it.
//
// The copy of a received status that states no code states it: the ErrorInfo is
// where metadata is.
func (st *Status) WithMetadata(key, value string) *Status {
	if st == nil {
		return nil
	}
	changed := st.changed()
	changed.setMetadata(map[string]string{key: value})
	return changed
}

// WithDetails is a copy with more details. The messages are packed now: changing
// them later changes nothing. Of each type a status has one detail (AIP-193): a
// second takes the place of the first. Nil messages are passed over, an Any is
// taken as it is, and text that is not valid UTF-8 is repaired.
//
// An ErrorInfo of the code's own domain gives its metadata to the status's; of
// any other, it is only sent in a status that states no code. DebugInfo stays in
// the process.
func (st *Status) WithDetails(details ...proto.Message) *Status {
	if st == nil {
		return nil
	}
	changed := st.changed()
	all := slices.Grow(slices.Clone(st.details), len(details))
	for _, message := range details {
		if packed := changed.packDetail(message); packed != nil {
			all = append(all, packed)
		}
	}
	changed.details = lastOfEachType(all)
	return changed
}

// Err is an error with the status, or nil for nil and NoError. The error's chain
// holds the code, so that errors.Is and errors.AsType find it.
//
// The error is this process's own statement, of a received status too: a handler
// that returns it sends it with its message and details, while a received error
// that is returned as it came is sent as its [Origin] allows.
func (st *Status) Err() error {
	if st.Code().Number() == 0 {
		return nil
	}
	return newError(st, nil)
}

// Wrap is an error with the status that wraps cause, or nil if cause is nil. The
// cause is for this process's logs: it is not sent to the caller.
//
// Wrapping an error in NoError is a bug, which doesn't hide it: the result is an
// error, and the NoError is passed over where its code is looked for.
func (st *Status) Wrap(cause error) error {
	if cause == nil {
		return nil
	}
	if st == nil {
		st = New(codes.NoError, "")
	}
	return newError(st, cause)
}

// GRPCStatus is the status as it is sent with the code's own table, or as it was
// received. It is nil for nil and NoError.
func (st *Status) GRPCStatus() *grpcstatus.Status {
	if st.Code().Number() == 0 {
		return nil
	}
	if received := st.rarely().received; received != nil {
		return received
	}
	sent, _ := st.encode()
	return sent
}

// LogValue is a group of the code's name, number and reason, the canonical code,
// the message, and where the status came from if it was received.
func (st *Status) LogValue() slog.Value {
	row := st.row()
	row.GRPCCode, row.Message = st.GRPCCode(), st.Message()
	attrs := row.LogValue().Group()
	if st.Origin() != OriginLocal {
		attrs = append(attrs, slog.String("origin", st.origin.String()))
	}
	return slog.GroupValue(attrs...)
}

// String is the code's name and the message, in one line of public text.
func (st *Status) String() string { return oneLine(st.row().Name + ": " + st.Message()) }

// oneLine is text for a log or an error, where a line is a record: valid UTF-8
// without line ends and without what else controls a terminal.
func oneLine(text string) string {
	if strings.IndexFunc(text, unprintable) < 0 {
		return text
	}
	text = strings.ReplaceAll(validUTF8(text), "\r\n", " ")
	return strings.Map(func(r rune) rune {
		if r != utf8.RuneError && unprintable(r) {
			return ' '
		}
		return r
	}, text)
}

// unprintable tells of a rune that is no text of a line, U+FFFD among them: it may
// stand for bytes that are not UTF-8.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// changed is a shallow copy that is no longer as it was received.
func (st *Status) changed() *Status {
	changed := *st
	changed.code = st.Code()
	if changed.rarely().received != nil {
		changed.ownRare().received = nil
	}
	return &changed
}

// setMetadata adds metadata to a copy that is still being made. What a peer has
// sent stays, whatever its keys.
func (st *Status) setMetadata(metadata map[string]string) {
	all := maps.Clone(st.metadata)
	if all == nil && st.rarely().info != nil {
		all = st.Metadata()
	}
	if all == nil {
		all = make(map[string]string, len(metadata))
	}
	var kept int
	var dropped []string
	for key, value := range metadata {
		if isMetadataKey(key) && !isReserved(key) {
			all[key] = validUTF8(value)
			kept++
		} else {
			dropped = append(dropped, key)
		}
	}
	if dropped != nil {
		dropped = append(dropped, st.rarely().dropped...)
		slices.Sort(dropped)
		st.ownRare().dropped = slices.Compact(dropped)
	}
	if kept == 0 {
		return
	}
	st.metadata = all
	if !st.origin.carriesCode() {
		st.origin = OriginLocal
	}
}

// row is the code's row in its own table, or in its reader's.
func (st *Status) row() codes.Row {
	row, _ := st.tableIn(nil).Lookup(st.Code().Number())
	return row
}

// tableIn is the table that says what the code is, where a sender's come first.
func (st *Status) tableIn(own tables) *codes.Table {
	table := own.forCode(st.Code())
	if its := st.rarely().table; its != nil && !table.Has(st.code.Number()) {
		return its
	}
	return table
}
