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

	// LeastMaxSize is room for what is never left out: the canonical code, the
	// reason, the domain and the number.
	LeastMaxSize = 1024
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
	p         *spb.Status
	code      codes.Code // that the ErrorInfo of ours states; nil if there is none
	guess     bool       // that code: the ErrorInfo names none
	infoIndex int        // of that among the details: 1 after OpenIM's, else 0
	limit     int        // for what p adds to the header list

	message int // bytes of the message, percent-encoded
	text    int // and as it is
	details int // bytes of the details, as fields of p

	info *errdetails.ErrorInfo // our ErrorInfo, once it has to change
	cut  []string              // what was left out
}

// headerSize is what p adds to the header list of an answer that has nothing
// else, Trailers-Only, with the content type application/grpc.
func headerSize(p *spb.Status) int { return newBudget(p).size() }

func newBudget(p *spb.Status) *budget {
	b := &budget{p: p, message: percentEncodedLen(p.GetMessage()), text: len(p.GetMessage())}
	for _, d := range p.GetDetails() {
		b.details += sizeOf(d)
	}
	return b
}

func (b *budget) size() int {
	n := fixedSize + len(strconv.Itoa(int(b.p.GetCode()))) + b.message
	if b.details == 0 {
		return n // gRPC sends no grpc-status-details-bin then
	}
	encoded := protowire.SizeTag(1) + protowire.SizeVarint(uint64(b.p.GetCode())) + fieldSize(b.text) + b.details
	return n + detailsBinSize + base64.RawStdEncoding.EncodedLen(encoded)
}

func (b *budget) fits() bool { return b.size() <= b.limit }

// percentEncodedLen is the length of text in grpc-message.
func percentEncodedLen(text string) int {
	n := len(text)
	for i := range len(text) {
		n += int(percentEncoded[text[i]])
	}
	return n
}

// percentEncoded is how many bytes more a byte takes in grpc-message.
var percentEncoded = func() (more [256]uint8) {
	for c := range more {
		if c < ' ' || c > '~' || c == '%' {
			more[c] = 2
		}
	}
	return more
}()

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

func sizeOf(d *anypb.Any) int { return detailSize(len(d.GetTypeUrl()), len(d.GetValue())) }

// fit leaves out what is too much, and tells what it left out: details from the
// last to the first, then metadata, then the message's end.
func (b *budget) fit() []string {
	if b.fits() {
		return nil
	}
	if b.code != nil {
		b.reduceErrorInfo() // of a peer's that may do
	}
	b.fitDetails()
	b.fitLegacyDetail()
	b.fitMetadata()
	b.fitMessage()
	b.dropLegacyDetail()
	if b.info != nil {
		b.p.Details[b.infoIndex] = pack(b.info)
	}
	return b.cut
}

func (b *budget) fitDetails() {
	first := 0
	if b.code != nil {
		first = b.infoIndex + 1
	}
	if len(b.p.Details) == first || b.fits() {
		return
	}
	b.markCut(cutDetails)
	for last := len(b.p.Details) - 1; last >= first && !b.fits(); last-- {
		d := b.p.Details[last]
		b.p.Details = b.p.Details[:last]
		b.details -= sizeOf(d)
		switch d.MessageName() {
		case badRequestName:
			b.fitViolations(d)
		case openIMDetailName:
			if shorter := b.shortenDetail(d); shorter != nil {
				b.details += sizeOf(shorter)
				b.p.Details = append(b.p.Details, shorter)
			}
		}
	}
}

// fitViolations puts back as many of a BadRequest's violations as there is room
// for, if that is any.
func (b *budget) fitViolations(d *anypb.Any) {
	ends := violationEnds(d.GetValue(), b.limit)
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

// violationEnds are where the field violations of a serialized BadRequest end, in
// its first bytes. Up to there the bytes are one with the violations before, and
// no others.
func violationEnds(value []byte, first int) (ends []int) {
	const fieldViolations protowire.Number = 1
	for end := 0; end < min(first, len(value)); {
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

// fitLegacyDetail keeps of OpenIM's detail, where it has to be the first, what there
// is room for. One without a text stays.
func (b *budget) fitLegacyDetail() {
	if b.infoIndex == 0 || len(b.p.Details[0].GetValue()) == 0 || b.fits() {
		return
	}
	b.markCut(cutDetails)
	b.details -= sizeOf(b.p.Details[0])
	first := b.shortenDetail(b.p.Details[0])
	if first == nil {
		first = packOpenIMDetail("")
	}
	b.p.Details[0] = first
	b.details += sizeOf(first)
}

// dropLegacyDetail is for the longest of domains, and beside a pushback: OpenIM's
// clients read the number and the message without an empty detail, too.
func (b *budget) dropLegacyDetail() {
	if b.infoIndex == 0 || b.fits() {
		return
	}
	b.details -= sizeOf(b.p.Details[0])
	b.p.Details, b.infoIndex = b.p.Details[1:], 0
}

// shorter is an OpenIM's detail, which is not counted now, with the beginning of its
// text that there is room for; nil if that is nothing.
func (b *budget) shortenDetail(d *anypb.Any) *anypb.Any {
	text, _, _ := readOpenIMDetail(d.GetValue())
	rest := b.details
	whole := packOpenIMDetail(text)
	if b.details = rest + sizeOf(whole); text != "" && b.fits() { // its other fields were too much
		b.details = rest
		return whole
	}
	keep := longestPrefix(text, func(end int) int {
		b.details = rest + detailSize(len(openIMDetailURL), fieldSize(end+len(cutMark)))
		return b.limit - b.size()
	})
	b.details = rest
	if keep == 0 {
		return nil
	}
	return packOpenIMDetail(text[:keep] + cutMark)
}

// fitMetadata keeps of the user's metadata the first keys that there is room for.
func (b *budget) fitMetadata() {
	if b.code == nil || b.fits() {
		return
	}
	users := b.info.GetMetadata()
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(users)), isReserved)
	if len(keys) == 0 {
		return
	}
	b.markCut(cutMetadata)
	kept := make(map[string]string)
	for _, key := range []string{numberKey, truncatedKey} {
		if value, ok := users[key]; ok {
			kept[key] = value
		}
	}
	b.info.Metadata = kept
	rest := 0 // of the other details, of which OpenIM's has stayed
	if b.infoIndex > 0 {
		rest = sizeOf(b.p.Details[0])
	}
	size := proto.Size(b.info)
	for _, key := range keys {
		size += pairSize(key, users[key])
		b.details = rest + errorInfoSize(size)
		if !b.fits() {
			size -= pairSize(key, users[key])
			b.details = rest + errorInfoSize(size)
			return
		}
		kept[key] = users[key]
	}
}

// pairSize is what a pair takes in an ErrorInfo.
func pairSize(key, value string) int {
	return fieldSize(protowire.SizeTag(1) + protowire.SizeBytes(len(key)) + protowire.SizeTag(1) + protowire.SizeBytes(len(value)))
}

// errorInfoSize is what an ErrorInfo of n bytes takes in a google.rpc.Status.
func errorInfoSize(n int) int { return detailSize(len(errorInfoURL), n) }

func (b *budget) fitMessage() {
	if b.fits() {
		return
	}
	b.markCut(cutMessage)
	text, counted := b.p.Message, 0
	b.message = len(cutMark)
	keep := longestPrefix(text, func(end int) int {
		b.message += percentEncodedLen(text[counted:end])
		b.text = end + len(cutMark)
		counted = end
		return b.limit - b.size()
	})
	b.p.Message = text[:keep] + cutMark
	b.message, b.text = percentEncodedLen(b.p.Message), len(b.p.Message)
}

// longest is where the longest beginning of text ends that leaves room: spare is how
// much, less than 0 if it is too long. It is asked of ends of runes, in order, until
// one is too long; those before which there is room in any case are leapt over.
func longestPrefix(text string, spare func(end int) int) (keep int) {
	for left := 0; keep < len(text); {
		// A byte takes 13/3 at most: 3 in grpc-message, and 4/3 in base64.
		end := min(keep+max(left/5-4, 1), len(text))
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		if left = spare(end); left < 0 {
			return keep
		}
		keep = end
	}
	return keep
}

// note says in the ErrorInfo that a part was left out.
func (b *budget) markCut(part string) {
	if !slices.Contains(b.cut, part) {
		b.cut = append(b.cut, part)
	}
	if b.code == nil {
		return
	}
	before := proto.Size(b.info)
	b.info.Metadata[truncatedKey] = joinCuts(append(splitCuts(b.info.Metadata[truncatedKey]), b.cut...))
	b.details += errorInfoSize(proto.Size(b.info)) - errorInfoSize(before)
}

// allCuts are what a status can lose, in the order of losing it.
var allCuts = []string{cutDetails, cutMetadata, cutMessage}

// splitCuts are the parts that a peer says were left out. A longer text than all
// of them is none of ours.
func splitCuts(text string) []string {
	if len(text) > len(cutDetails+","+cutMetadata+","+cutMessage) {
		return nil
	}
	return strings.Split(text, ",")
}

// joinCuts are parts in the order of losing them, each once, and no others.
func joinCuts(parts []string) string {
	known := slices.DeleteFunc(slices.Clone(allCuts), func(part string) bool { return !slices.Contains(parts, part) })
	return strings.Join(known, ",")
}

// reduceErrorInfo takes our ErrorInfo apart, to be changed. What in a peer's
// has no bound goes: it can have a reason, a number and a list of cuts of any
// length, and fields of its own. The code that it names stays the same.
func (b *budget) reduceErrorInfo() {
	packed := b.p.Details[b.infoIndex]
	b.info = &errdetails.ErrorInfo{}
	if err := proto.Unmarshal(packed.GetValue(), b.info); err != nil {
		panic(err) // these bytes were written here, or have been read before
	}
	b.info.ProtoReflect().SetUnknown(nil)
	if b.info.Metadata == nil {
		b.info.Metadata = make(map[string]string, 1)
	}
	numbered := !b.guess && b.info.Metadata[numberKey] == strconv.Itoa(int(b.code.Number()))
	switch {
	case len(b.info.Reason) > maxReason && numbered:
		row, _ := b.code.Table().Lookup(b.code.Number())
		b.info.Reason = row.Reason
	case len(b.info.Reason) > maxReason: // the code is a guess: nothing names one
		b.info.Reason = ""
		delete(b.info.Metadata, numberKey)
	case !numbered && len(b.info.Metadata[numberKey]) > maxDigits:
		delete(b.info.Metadata, numberKey)
	}
	if cut := joinCuts(splitCuts(b.info.Metadata[truncatedKey])); cut == "" {
		delete(b.info.Metadata, truncatedKey)
	} else {
		b.info.Metadata[truncatedKey] = cut
	}
	b.details += errorInfoSize(proto.Size(b.info)) - sizeOf(packed)
}

const (
	maxReason = 63                // AIP-193
	maxDigits = len("2147483647") // of an int32
)

// rowSize is what the status of a row adds to the header list at most, whose
// message is all that has no bound: it counts thrice in grpc-message, and by 4/3
// in base64.
func rowSize(message string) int { return 900 + maxSubtype + 13*(len(message)/3+1) }

// maxSubtype is what content types are longer than application/grpc at most in
// practice, such as application/grpc+proto. Only near the bound they are looked
// up.
const maxSubtype = 64

// contentTypeExtra is by how much the content type of an answer to the RPC of ctx
// is longer than application/grpc. gRPC answers with the client's.
func contentTypeExtra(ctx context.Context) int {
	extra := 0
	for _, value := range metadata.ValueFromIncomingContext(ctx, contentTypeName) {
		extra = max(extra, len(value)-len(contentType))
	}
	return extra
}

// pushbackSize is what a pushback adds to the header list.
func pushbackSize(value string) int {
	if value == "" {
		return 0
	}
	return len(pushbackName) + len(value) + headerOverhead
}
