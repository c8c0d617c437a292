package status

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// The bounds of [Encoder.MaxSize].
const (
	// DefaultMaxSize is what a status may add to a header list where nothing else
	// is said. nginx passes an answer's head of 4 KiB by default.
	DefaultMaxSize = 4096

	// MinMaxSize is room for what is never left out: the canonical code, the
	// reason, the domain and the number.
	MinMaxSize = 1024
)

// A header's size is that of its name, its value and 32 bytes (RFC 9113, section
// 6.5.2); a binary value counts in base64.
const (
	headerOverhead  = 32
	contentTypeName = "content-type"
	contentType     = "application/grpc"
	fixedSize       = len(":status200") + headerOverhead +
		len(contentTypeName+contentType) + headerOverhead +
		len("grpc-status") + headerOverhead +
		len("grpc-message") + headerOverhead
	detailsBinSize = len("grpc-status-details-bin") + headerOverhead
	pushbackName   = "grpc-retry-pushback-ms"
)

// cutMark ends a message that was cut.
const cutMark = "..."

// What a status can lose to its size, in the order of losing it.
const (
	cutDetails  = "details"
	cutMetadata = "metadata"
	cutMessage  = "message"
)

// A budget fits a status into a number of bytes. It keeps count of what the parts
// take, so that fitting costs no more than a pass over each.
type budget struct {
	p    *spb.Status
	code codes.Code // that the first detail states, an ErrorInfo; nil if none does
	room int        // for what p adds to the header list

	message int // bytes of the message, percent-encoded
	text    int // and as it is
	details int // bytes of the details, as fields of p

	info *errdetails.ErrorInfo // the first detail, once it has to change
	cut  []string              // what was left out
}

// headerSize is what p adds to the header list of an answer that has nothing
// else, Trailers-Only, with the content type application/grpc.
func headerSize(p *spb.Status) int {
	b := budget{p: p}
	b.measure()
	return b.size()
}

func (b *budget) measure() {
	b.message, b.text = percentEncodedLen(b.p.GetMessage()), len(b.p.GetMessage())
	for _, d := range b.p.GetDetails() {
		b.details += detailSize(len(d.GetTypeUrl()), len(d.GetValue()))
	}
}

func (b *budget) size() int {
	n := fixedSize + len(strconv.Itoa(int(b.p.GetCode()))) + b.message
	if b.details == 0 {
		return n // gRPC sends no grpc-status-details-bin then
	}
	encoded := protowire.SizeTag(1) + protowire.SizeVarint(uint64(b.p.GetCode())) + fieldSize(b.text) + b.details
	return n + detailsBinSize + base64.RawStdEncoding.EncodedLen(encoded)
}

func (b *budget) fits() bool { return b.size() <= b.room }

// percentEncodedLen is the length of text in grpc-message.
func percentEncodedLen(text string) int {
	n := len(text)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			n += 2
		}
	}
	return n
}

// fieldSize is the size of a field of n bytes, with a number up to 15; nothing is
// written of an empty one.
func fieldSize(n int) int {
	if n == 0 {
		return 0
	}
	return protowire.SizeTag(1) + protowire.SizeBytes(n)
}

// detailSize is what a detail takes in a google.rpc.Status; it is there even if
// it is empty.
func detailSize(typeURL, value int) int {
	return protowire.SizeTag(1) + protowire.SizeBytes(fieldSize(typeURL)+fieldSize(value))
}

// fit leaves out what is too much, and tells what it left out: details from the
// last to the first, then metadata, then the message's end.
func (b *budget) fit() []string {
	b.measure()
	if b.fits() {
		return nil
	}
	b.fitDetails()
	b.fitMetadata()
	b.fitMessage()
	if b.info != nil {
		b.p.Details[0] = pack(b.info)
	}
	return b.cut
}

func (b *budget) fitDetails() {
	first := 0
	if b.code != nil {
		first = 1
	}
	if len(b.p.Details) == first {
		return
	}
	b.note(cutDetails)
	for last := len(b.p.Details) - 1; last >= first && !b.fits(); last-- {
		d := b.p.Details[last]
		b.p.Details = b.p.Details[:last]
		b.details -= detailSize(len(d.GetTypeUrl()), len(d.GetValue()))
		if d.MessageName() == badRequestName {
			b.fitViolations(d)
		}
	}
}

// fitViolations puts back as many of a BadRequest's violations as there is room
// for, if that is any.
func (b *budget) fitViolations(d *anypb.Any) {
	ends := violationEnds(d.GetValue())
	rest := b.details
	tooMany := sort.Search(len(ends), func(i int) bool {
		b.details = rest + detailSize(len(d.GetTypeUrl()), ends[i])
		return !b.fits()
	})
	b.details = rest
	if tooMany > 0 {
		end := ends[tooMany-1]
		b.details += detailSize(len(d.GetTypeUrl()), end)
		b.p.Details = append(b.p.Details, &anypb.Any{TypeUrl: d.GetTypeUrl(), Value: d.GetValue()[:end]})
	}
}

// violationEnds are where the field violations of a serialized BadRequest end. Up
// to there the bytes are one with the violations before, and no others.
func violationEnds(value []byte) (ends []int) {
	const fieldViolations protowire.Number = 1
	for end := 0; end < len(value); {
		number, _, n := protowire.ConsumeField(value[end:])
		if n < 0 {
			return ends
		}
		end += n
		if number == fieldViolations {
			ends = append(ends, end)
		}
	}
	return ends
}

func (b *budget) fitMetadata() {
	if b.code == nil || b.fits() {
		return
	}
	users := b.errorInfo().GetMetadata()
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(users)), isReserved)
	if len(keys) == 0 {
		return
	}
	b.note(cutMetadata)
	size := proto.Size(b.info)
	for _, key := range slices.Backward(keys) {
		if b.fits() {
			return
		}
		size -= proto.Size(&errdetails.ErrorInfo{Metadata: map[string]string{key: users[key]}})
		delete(users, key)
		b.details = detailSize(len(errorInfoURL), size) // the others have gone
	}
}

func (b *budget) fitMessage() {
	if b.fits() {
		return
	}
	b.note(cutMessage)
	text, keep := b.p.Message, 0
	b.message, b.text = len(cutMark), len(cutMark)
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		b.message += percentEncodedLen(text[i:end])
		b.text = end + len(cutMark)
		if !b.fits() {
			break
		}
		keep = end
	}
	b.p.Message = text[:keep] + cutMark
	b.message, b.text = percentEncodedLen(b.p.Message), len(b.p.Message)
}

// note says in the ErrorInfo that a part was left out.
func (b *budget) note(part string) {
	b.cut = append(b.cut, part)
	if b.code == nil {
		return
	}
	before := proto.Size(b.errorInfo())
	b.info.Metadata[truncatedKey] = joinCuts(append(b.cut, strings.Split(b.info.Metadata[truncatedKey], ",")...))
	b.details += detailSize(len(errorInfoURL), proto.Size(b.info)) - detailSize(len(errorInfoURL), before)
}

// joinCuts are parts in the order of losing them, each once. What else a peer may
// have written there is dropped.
func joinCuts(parts []string) string {
	var known []string
	for _, part := range []string{cutDetails, cutMetadata, cutMessage} {
		if slices.Contains(parts, part) {
			known = append(known, part)
		}
	}
	return strings.Join(known, ",")
}

// errorInfo is the first detail, to be changed. A peer's is reduced to what has a
// bound: it can have a reason or a number of any length, and fields of its own.
func (b *budget) errorInfo() *errdetails.ErrorInfo {
	if b.info != nil {
		return b.info
	}
	packed := b.p.Details[0]
	b.info = &errdetails.ErrorInfo{}
	if err := proto.Unmarshal(packed.GetValue(), b.info); err != nil {
		panic(err) // these bytes were written here, or have been read before
	}
	b.info.ProtoReflect().SetUnknown(nil)
	if b.info.Metadata == nil {
		b.info.Metadata = make(map[string]string, 1)
	}
	numbered := b.info.Metadata[numberKey] == strconv.Itoa(int(b.code.Number()))
	if !numbered && len(b.info.Metadata[numberKey]) > maxDigits {
		delete(b.info.Metadata, numberKey) // the code is a guess, and this names none
	}
	if len(b.info.Reason) > maxReason {
		b.info.Reason = ""
		if numbered {
			row, _ := b.code.Table().Lookup(b.code.Number())
			b.info.Reason = row.Reason
		}
	}
	b.details += detailSize(len(errorInfoURL), proto.Size(b.info)) - detailSize(len(packed.GetTypeUrl()), len(packed.GetValue()))
	return b.info
}

const (
	maxReason = 63                // AIP-193
	maxDigits = len("2147483647") // of an int32
)

// rowSize is what the status of a row adds to the header list at most, whose
// message is all that has no bound: it counts thrice in grpc-message, and by 4/3
// in base64.
func rowSize(message string) int { return 900 + 13*len(message)/3 }

// maxSubtype is what content types are longer than application/grpc in practice,
// such as application/grpc+proto. Only near the bound it is looked up.
const maxSubtype = 32

// contentTypeExtra is by how much the content type of an answer to the RPC of ctx
// is longer than application/grpc. gRPC answers with the client's.
func contentTypeExtra(ctx context.Context) int {
	values := metadata.ValueFromIncomingContext(ctx, contentTypeName)
	if len(values) != 1 {
		return 0
	}
	return max(0, len(values[0])-len(contentType))
}

// pushbackSize is what a pushback adds to the header list.
func pushbackSize(value string) int {
	if value == "" {
		return 0
	}
	return len(pushbackName) + len(value) + headerOverhead
}
