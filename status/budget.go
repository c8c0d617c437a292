package status

import (
	"context"
	"encoding/base64"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// The limits of [Encoder.MaxSize], in bytes.
const (
	// DefaultMaxSize is the limit if none is set. By default, nginx accepts
	// response headers of up to 4 KiB.
	DefaultMaxSize = 4096

	// LeastMaxSize is the lowest limit. It has room for what is never truncated: the
	// canonical code, the reason, the domain and the number.
	LeastMaxSize = 1024
)

// A Truncation is a set of the parts of a status that its sender has truncated to keep
// it small. The zero Truncation is empty: the status is whole.
//
//	if st.Truncated()&status.TruncatedDetails != 0 { … }
type Truncation uint8

const (
	// TruncatedDetails means that details were dropped or shortened.
	TruncatedDetails Truncation = 1 << iota

	// TruncatedMetadata means that values of the metadata were shortened, or pairs dropped.
	TruncatedMetadata

	// TruncatedMessage means that the message was shortened.
	TruncatedMessage
)

var truncationNames = [...]string{"details", "metadata", "message"}

// String returns the parts as metadata["truncated"] has them, such as
// "details,message".
func (t Truncation) String() string {
	var parts []string
	for i, name := range truncationNames {
		if t&(1<<i) != 0 {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ",")
}

// parseTruncation returns the parts that text names. It ignores unknown names, and
// returns 0 for a text that is longer than all three names together.
func parseTruncation(text []byte) (t Truncation) {
	if len(text) > len("details,metadata,message") {
		return 0
	}
	for part := range strings.SplitSeq(string(text), ",") {
		if i := slices.Index(truncationNames[:], part); i >= 0 {
			t |= 1 << i
		}
	}
	return t
}

// The size of a header field is that of its name, its value and 32 bytes (RFC 9113,
// section 6.5.2). A binary value counts in base64.
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

// cutMark ends a text that was shortened.
const cutMark = "..."

// A budget fits a status into a number of bytes. It keeps the size of each part, so that
// each part is read only once.
type budget struct {
	p         *spb.Status
	limit     int          // most bytes that p may add to the header list
	code      codes.Code   // the code that p carries, or nil
	table     *codes.Table // of the sender, for the code
	infoIndex int          // index of the code's ErrorInfo: 1 if OpenIM's detail comes first, else 0
	requestID bool         // the detail after the ErrorInfo is the RequestInfo with the RPC's id

	messageSize int // bytes of the message, percent-encoded
	textSize    int // bytes of the message
	detailsSize int // bytes of the details, as fields of p

	// The fields of the code's ErrorInfo. reduceErrorInfo sets them if the status doesn't
	// fit.
	reason, domain, number string
	pairs                  []errorinfo.Pair // of the metadata, without reserved keys, in the order of the keys
	params                 []string         // the keys of the pairs that are parameters of the code
	truncated              Truncation       // what metadata["truncated"] says

	cut Truncation // what this budget has truncated
}

// infoSize returns the size of the ErrorInfo.
func (b *budget) infoSize() int {
	size := errorinfo.Size(b.reason, b.domain, b.number, b.pairs)
	if b.truncated != 0 {
		size += errorinfo.PairSize(len(errorinfo.TruncatedKey), len(b.truncated.String()))
	}
	return size
}

// packInfo returns the bytes of the ErrorInfo.
func (b *budget) packInfo() []byte {
	return packErrorInfo(b.reason, b.domain, b.number, withTruncated(b.pairs, b.truncated.String()))
}

// fit makes the gRPC status for st, truncates it to MaxSize and stores it in r.
func (e *Encoder) fit(ctx context.Context, r *encodedError, st *Status) {
	o := e.wireOptions(st)
	p := st.proto(o)
	if st.withholds(o) || st.more().withheld {
		r.change(func(x *encodedExtra) { x.withheld = true })
	}
	r.grpcCode = grpccodes.Code(p.Code)
	b := budget{p: p, limit: e.maxSize(), code: r.code, table: r.table}
	id := st.more().requestID
	b.requestID = id != ""
	if r.code != nil && e.inOpenIMForm(r.code) {
		toOpenIMForm(p, r.code.Number())
		b.infoIndex = 1
	}
	if keys := st.unsentKeys(); keys != nil {
		r.change(func(x *encodedExtra) { x.droppedKeys = keys })
	}
	if pushback := st.more().pushback; pushback != "" && e.RetryPushback {
		r.change(func(x *encodedExtra) { x.pushback = pushback })
		b.limit -= pushbackSize(pushback)
	}
	b.count()
	if b.size()+maxSubtype > b.limit {
		b.limit -= contentTypeExtra(ctx)
	}
	if cut := b.fit(); cut != 0 {
		r.change(func(x *encodedExtra) { x.truncated = cut })
	}
	if b.requestID {
		r.change(func(x *encodedExtra) { x.requestID = id })
	}
	r.status = grpcstatus.FromProto(p)
}

// wireOptions returns the options by which st is sent.
func (e *Encoder) wireOptions(st *Status) wireOptions {
	numeric := st.hasOwnInfo() && e.inOpenIMForm(st.code)
	return wireOptions{e.Tables, e.DebugInfo, numeric || e.OpenIMErrors == OpenIMErrorsWithDetail, e.WithheldMessages, e.maxSize(), e.maxSize()}
}

// unsentKeys returns the metadata keys that were given and aren't sent.
func (st *Status) unsentKeys() []string {
	keys := st.more().droppedKeys
	if st.hasOwnInfo() {
		return keys
	}
	for _, pair := range st.added.pairs(nil) {
		keys = addDroppedKey(keys, pair.Key)
	}
	return keys
}

func (e *Encoder) maxSize() int {
	if e.MaxSize == 0 {
		return DefaultMaxSize
	}
	return max(e.MaxSize, LeastMaxSize)
}

// headerSize returns the bytes that p adds to the header list of a Trailers-Only
// answer with the content type application/grpc.
func headerSize(p *spb.Status) int {
	b := budget{p: p}
	b.count()
	return b.size()
}

// count sets the sizes of the parts of p.
func (b *budget) count() {
	b.messageSize, b.textSize = percentEncodedLen(b.p.GetMessage()), len(b.p.GetMessage())
	for _, d := range b.p.GetDetails() {
		b.detailsSize += sizeOf(d)
	}
}

func (b *budget) size() int {
	n := fixedSize + len(strconv.Itoa(int(b.p.GetCode()))) + b.messageSize
	if b.detailsSize == 0 {
		return n // gRPC sends no grpc-status-details-bin then
	}
	encoded := protowire.SizeTag(1) + protowire.SizeVarint(uint64(b.p.GetCode())) + fieldSize(b.textSize) + b.detailsSize
	return n + detailsBinSize + base64.RawStdEncoding.EncodedLen(encoded)
}

func (b *budget) fits() bool { return b.size() <= b.limit }

// percentEncodedLen returns the length of text in grpc-message.
func percentEncodedLen(text string) int {
	n := len(text)
	for i := range len(text) {
		n += int(percentEncodedExtra[text[i]])
	}
	return n
}

// percentEncodedExtra has the number of bytes that percent-encoding adds to each byte: 2
// or 0.
var percentEncodedExtra = func() (extra [256]uint8) {
	for c := range extra {
		if c < ' ' || c > '~' || c == '%' {
			extra[c] = 2
		}
	}
	return extra
}()

// fieldSize returns the size of a protobuf field with n bytes and a field number up to
// 15. Protobuf omits an empty field.
func fieldSize(n int) int {
	if n == 0 {
		return 0
	}
	return protowire.SizeTag(1) + protowire.SizeBytes(n)
}

// detailSize returns the size of a detail in a google.rpc.Status. An empty detail
// isn't omitted.
func detailSize(typeURL, value int) int {
	return protowire.SizeTag(1) + protowire.SizeBytes(fieldSize(typeURL)+fieldSize(value))
}

func sizeOf(d *anypb.Any) int { return detailSize(len(d.GetTypeUrl()), len(d.GetValue())) }

// errorInfoSize returns the size of an ErrorInfo of n bytes as a detail of a
// google.rpc.Status.
func errorInfoSize(n int) int { return detailSize(len(errorinfo.TypeURL), n) }

// fit truncates the status until it fits, in the order that [Encoder.MaxSize]
// documents. It returns the parts that it truncated.
func (b *budget) fit() Truncation {
	if b.fits() {
		return 0
	}
	if b.code != nil {
		b.reduceErrorInfo() // this alone can make a forwarded status fit
	}
	b.fitDetails()
	b.fitOpenIMDetail()
	b.fitMetadata()
	b.fitMessage()
	b.dropOpenIMDetail()
	b.dropRequestInfo()
	if b.code != nil {
		b.p.Details[b.infoIndex] = &anypb.Any{TypeUrl: errorinfo.TypeURL, Value: b.packInfo()}
	}
	return b.cut
}

// markCut notes that a part is truncated, also in the ErrorInfo.
func (b *budget) markCut(part Truncation) {
	b.cut |= part
	if b.code == nil {
		return
	}
	before := b.infoSize()
	b.truncated |= part
	b.detailsSize += errorInfoSize(b.infoSize()) - errorInfoSize(before)
}

// reduceErrorInfo unpacks the ErrorInfo into b. It drops the parts of a received ErrorInfo
// that can have any length and are no metadata: a list of truncated parts, unknown fields.
// It unpacks no more of the metadata than can fit.
func (b *budget) reduceErrorInfo() {
	packed := b.p.Details[b.infoIndex]
	info, _ := errorinfo.Scan(packed.GetValue()) // these bytes were made or scanned before
	b.reason, b.domain, b.number = string(info.Reason), string(info.Domain), string(info.Number)
	b.truncated = parseTruncation(info.Truncated)
	row, _ := b.table.Lookup(b.code.Number())
	b.params = paramNames(row)
	b.pairs = errorinfo.Smallest(packed.GetValue(), b.limit, b.params)
	b.detailsSize += errorInfoSize(b.infoSize()) - sizeOf(packed)
}

// others returns the index of the first detail that fitDetails may drop.
func (b *budget) others() (first int) {
	if b.code != nil {
		first = b.infoIndex + 1
	}
	if b.requestID {
		first++
	}
	return first
}

// dropRequestInfo drops the RPC's id if the status is still too large.
func (b *budget) dropRequestInfo() {
	if !b.requestID || b.fits() {
		return
	}
	b.markCut(TruncatedDetails)
	b.replaceDetail(b.others()-1, nil)
	b.requestID = false
}

// fitDetails drops localized texts, and then details from the last to the first, until the
// rest fits.
func (b *budget) fitDetails() {
	first := b.others()
	if len(b.p.Details) == first || b.fits() {
		return
	}
	b.markCut(TruncatedDetails)
	b.dropLocalized(first)
	for last := len(b.p.Details) - 1; last >= first && !b.fits(); last-- {
		d := b.p.Details[last]
		b.replaceDetail(last, nil)
		switch d.MessageName() {
		case badRequestName:
			b.appendDetail(b.shortenBadRequest(d))
		case openIMDetailName:
			b.appendDetail(b.shortenDetail(d))
		}
	}
}

// replaceDetail replaces a detail, or drops it if there is none to replace it.
func (b *budget) replaceDetail(i int, by *anypb.Any) {
	b.detailsSize -= sizeOf(b.p.Details[i])
	if by == nil {
		b.p.Details = slices.Delete(b.p.Details, i, i+1)
		return
	}
	b.detailsSize += sizeOf(by)
	b.p.Details[i] = by
}

// appendDetail appends a detail, unless it is nil.
func (b *budget) appendDetail(d *anypb.Any) {
	if d != nil {
		b.detailsSize += sizeOf(d)
		b.p.Details = append(b.p.Details, d)
	}
}

// shortenBadRequest returns a BadRequest with as many of d's violations as fit, or nil
// if none does. b.detailsSize must not include d.
func (b *budget) shortenBadRequest(d *anypb.Any) *anypb.Any {
	ends := violationEnds(d.GetValue(), b.limit)
	rest := b.detailsSize
	n := sort.Search(len(ends), func(i int) bool {
		b.detailsSize = rest + detailSize(len(d.GetTypeUrl()), ends[i])
		return !b.fits()
	})
	b.detailsSize = rest
	if n == 0 {
		return nil
	}
	return &anypb.Any{TypeUrl: d.GetTypeUrl(), Value: d.GetValue()[:ends[n-1]]}
}

// violationEnds returns the offset in a serialized BadRequest at which each field
// violation ends. value[:end] is a BadRequest with the violations up to end. It reads
// value no further than limit bytes.
func violationEnds(value []byte, limit int) (ends []int) {
	for end := 0; end < min(limit, len(value)); {
		number, _, n := protowire.ConsumeField(value[end:])
		if n < 0 {
			return ends
		}
		end += n
		if number == fieldViolationsField {
			ends = append(ends, end)
		}
	}
	return ends
}

// fitOpenIMDetail shortens the text of OpenIM's detail. In the numeric form that is the
// first detail. If no text fits, the detail stays with an empty text.
func (b *budget) fitOpenIMDetail() {
	if b.infoIndex == 0 || len(b.p.Details[0].GetValue()) == 0 || b.fits() {
		return
	}
	b.markCut(TruncatedDetails)
	b.detailsSize -= sizeOf(b.p.Details[0])
	first := b.shortenDetail(b.p.Details[0])
	if first == nil {
		first = packOpenIMDetail("")
	}
	b.p.Details[0] = first
	b.detailsSize += sizeOf(first)
}

// dropOpenIMDetail drops OpenIM's detail if the status is still too large. That can
// happen with a very long domain. OpenIM's clients read the number and the message
// without the detail.
func (b *budget) dropOpenIMDetail() {
	if b.infoIndex == 0 || b.fits() {
		return
	}
	b.detailsSize -= sizeOf(b.p.Details[0])
	b.p.Details, b.infoIndex = b.p.Details[1:], 0
}

// shortenDetail returns OpenIM's detail d with as much of its text as fits, or nil if
// nothing does. b.detailsSize must not include d.
func (b *budget) shortenDetail(d *anypb.Any) *anypb.Any {
	text, _, _ := readOpenIMDetail(d.GetValue())
	rest := b.detailsSize
	defer func() { b.detailsSize = rest }()
	textOnly := packOpenIMDetail(text) // without d's other fields, all of the text may fit
	if b.detailsSize = rest + sizeOf(textOnly); text != "" && b.fits() {
		return textOnly
	}
	keep := longestPrefix(text, func(end int) int {
		b.detailsSize = rest + detailSize(len(openIMDetailURL), fieldSize(end+len(cutMark)))
		return b.limit - b.size()
	})
	if keep == 0 {
		return nil
	}
	return packOpenIMDetail(text[:keep] + cutMark)
}

// leastValue is the smallest length to which a metadata value is shortened, including the
// mark. Shorter values stay whole.
const leastValue = 32

// fitMetadata shortens and drops pairs of the metadata. The parameters of the code come last:
// they are only shortened if they don't fit without all other pairs, and only dropped if they
// don't fit beside the shortest message.
func (b *budget) fitMetadata() {
	if len(b.pairs) == 0 || b.fits() {
		return
	}
	rest := b.detailsSize - errorInfoSize(b.infoSize()) // of the other details
	others, params := b.splitPairs()
	if len(others) == 0 && !slices.ContainsFunc(params, isLong) && b.mostParams(params, rest) == len(params) {
		return // only the message is too long
	}
	b.markCut(TruncatedMetadata)
	b.pairs = nil
	n := b.mostParams(params, rest)
	if whole := b.addPairs(params[:n], rest); whole && n == len(params) {
		b.addPairs(others[:b.mostPairs(others, rest)], rest)
	}
}

// splitPairs returns the pairs without the parameters of the code, and the parameters.
func (b *budget) splitPairs() (others, params []errorinfo.Pair) {
	for _, pair := range b.pairs {
		if slices.Contains(b.params, pair.Key) {
			params = append(params, pair)
		} else {
			others = append(others, pair)
		}
	}
	return others, params
}

func isLong(pair errorinfo.Pair) bool { return len(pair.Value) > leastValue }

// mostParams returns how many params fit if the message is as short as possible.
func (b *budget) mostParams(params []errorinfo.Pair, rest int) int {
	shortest := *b
	shortest.pairs = nil
	shortest.messageSize, shortest.textSize = min(b.messageSize, len(cutMark)), min(b.textSize, len(cutMark))
	return shortest.mostPairs(params, rest)
}

// mostPairs returns how many pairs fit beside those of b, if their long values are shortened
// as much as possible. rest is the size of the details without the ErrorInfo.
func (b *budget) mostPairs(pairs []errorinfo.Pair, rest int) int {
	base := b.infoSize()
	return largest(0, len(pairs), func(n int) bool {
		b.detailsSize = rest + errorInfoSize(base+pairsSize(pairs[:n], leastValue))
		return b.fits()
	})
}

// addPairs adds pairs to those of b. If they don't fit, it shortens long values, all to the
// same length. It reports whether all of them are whole. rest is the size of the details
// without the ErrorInfo.
func (b *budget) addPairs(pairs []errorinfo.Pair, rest int) (whole bool) {
	base := b.infoSize()
	length := largest(leastValue, b.limit, func(length int) bool {
		b.detailsSize = rest + errorInfoSize(base+pairsSize(pairs, length))
		return b.fits()
	})
	whole = true
	added := make([]errorinfo.Pair, 0, len(pairs))
	for _, pair := range pairs {
		text, mark := shortenValue(pair.Value, length)
		added = append(added, errorinfo.Pair{Key: pair.Key, Value: text + mark})
		whole = whole && mark == ""
	}
	b.pairs = mergePairs(b.pairs, added)
	b.detailsSize = rest + errorInfoSize(b.infoSize())
	return whole
}

// largest returns the largest number from low to high for which ok returns true, or low if
// there is none. ok must be true for all numbers up to some number, and false above it.
func largest(low, high int, ok func(int) bool) int {
	return low + sort.Search(high-low, func(i int) bool { return !ok(low + i + 1) })
}

// pairsSize returns the size of pairs in an ErrorInfo, with their values shortened.
func pairsSize(pairs []errorinfo.Pair, length int) (size int) {
	for _, pair := range pairs {
		text, mark := shortenValue(pair.Value, length)
		size += errorinfo.PairSize(len(pair.Key), len(text)+len(mark))
	}
	return size
}

// shortenValue returns the beginning of a value and the mark, of length bytes together. If
// the value has at most length bytes, it returns the whole value and no mark.
func shortenValue(value string, length int) (text, mark string) {
	if len(value) <= length {
		return value, ""
	}
	return value[:errorinfo.Cut(value, length-len(cutMark))], cutMark
}

// fitMessage shortens the message.
func (b *budget) fitMessage() {
	if b.fits() {
		return
	}
	b.markCut(TruncatedMessage)
	text, counted := b.p.Message, 0
	b.messageSize = len(cutMark)
	keep := longestPrefix(text, func(end int) int {
		b.messageSize += percentEncodedLen(text[counted:end])
		b.textSize = end + len(cutMark)
		counted = end
		return b.limit - b.size()
	})
	b.p.Message = text[:keep] + cutMark
	b.messageSize, b.textSize = percentEncodedLen(b.p.Message), len(b.p.Message)
}

// longestPrefix returns the length of the longest prefix of text that fits. spare(end)
// returns how many bytes are left if text[:end] is used; it is negative if text[:end]
// doesn't fit. longestPrefix calls it with increasing ends of runes until one doesn't fit.
// It skips ends that certainly fit.
func longestPrefix(text string, spare func(end int) int) (length int) {
	for left := 0; length < len(text); {
		// A byte takes at most 13/3 bytes: 3 in grpc-message, and 4/3 in base64.
		end := min(length+max(left/5-4, 1), len(text))
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		if left = spare(end); left < 0 {
			return length
		}
		length = end
	}
	return length
}

// maxRowSize returns an upper bound of the size that a status with a row's ErrorInfo and
// a message adds to a header list, with any usual content type. Only the message has no
// length limit. Each of its bytes takes at most 3 bytes in grpc-message and 4/3 in base64.
func maxRowSize(message string) int { return 900 + maxSubtype + 13*(len(message)/3+1) }

// maxSubtype is an upper bound for what follows application/grpc in a usual content type,
// such as +proto. contentTypeExtra, which looks at the real one, is only called for a
// status near its limit.
const maxSubtype = 64

// contentTypeExtra returns by how much the content type of the answer to the RPC of ctx
// is longer than application/grpc. gRPC answers with the client's content type.
func contentTypeExtra(ctx context.Context) int {
	extra := 0
	for _, value := range metadata.ValueFromIncomingContext(ctx, contentTypeName) {
		extra = max(extra, len(value)-len(contentType))
	}
	return extra
}

// pushbackSize returns the size that a pushback adds to the header list.
func pushbackSize(value string) int { return len(pushbackName) + len(value) + headerOverhead }
