package status

import (
	"context"
	"sync/atomic"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// For the tests of fast paths: the plain ones that they must equal.

// EncodeAny is Encode without the way for straight errors.
func EncodeAny(ctx context.Context, e *Encoder, err error) Encoded { return e.encodeAny(ctx, err) }

// IsStraight tells whether Encode takes the way for straight errors.
func IsStraight(err error) bool { return straight(err) != nil }

// EncodeShort is a Status that is short as it is sent with a table, and at most its
// size.
func EncodeShort(st *Status, table *codes.Table) (sent *grpcstatus.Status, size int, short bool) {
	if !st.short() {
		return nil, 0, false
	}
	sent, size = st.encodeShort(table)
	return sent, size, true
}

// EncodePlainly is any Status as it is sent with a table, and its size.
func EncodePlainly(st *Status, table *codes.Table) (sent *spb.Status, size int) {
	p := st.proto(tables{table}, false)
	return p, headerSize(p)
}

// PackErrorInfo is the ErrorInfo of a Status as it is sent, and as protobuf writes it.
func PackErrorInfo(st *Status) (fast, plain []byte) {
	table := st.code.Table()
	return st.packErrorInfo(table).GetValue(), pack(st.errorInfoIn(table)).GetValue()
}

// Scan reads what names a code in an ErrorInfo.
func Scan(b []byte) (reason, domain, number string, ok bool) {
	found, ok := scan(b)
	return string(found.reason), string(found.domain), string(found.number), ok
}

// Longest is the longest beginning of text that spare says there is room for.
func Longest(text string, spare func(end int) int) int { return longestPrefix(text, spare) }

// KeptCodes is how many codes something is kept of.
func KeptCodes() (n int) {
	resolvedCodes.Range(func(any, any) bool { n++; return true })
	return n
}

// Forgetter gives a function that has the error of a Status in err forget what it has
// been sent as, so that a benchmark can send it for the first time again and again.
func Forgetter(err error) (forget func()) {
	e := search(err).status
	return func() { // no atomic stores, which would take as long as much of the sending
		e.sent, e.kept = atomic.Pointer[grpcstatus.Status]{}, atomic.Pointer[resolvedError]{}
	}
}
