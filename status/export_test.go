package status

import (
	"math"
	"sync/atomic"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// Size returns the size that the status and the pushback add to the header list of a
// response with the content type application/grpc. It returns 0 for success.
func (e Encoded) Size() int {
	if e.result == nil {
		return 0
	}
	size := headerSize(e.Status().Proto())
	if value := e.result.more().pushback; value != "" {
		size += pushbackSize(value)
	}
	return size
}

// Broken reports whether the error that was encoded isn't safe to run.
func (e Encoded) Broken() bool { return e.result != nil && e.result.cause() == nil }

// IsSimple reports whether Encode needs no tree for err.
func IsSimple(err error) bool { return simple(err) != nil }

// SafeToRun reports whether every error in err can be unwrapped and printed, and returns the
// panic of an error that can't.
func SafeToRun(err error) (bool, *PanicError) { return safeToRun(err) }

// EncodeShort returns what is sent for a short Status with a table, and an upper bound of its
// size.
func EncodeShort(st *Status, table *codes.Table) (sent *grpcstatus.Status, size int, short bool) {
	if !st.isShort() {
		return nil, 0, false
	}
	sent, size = st.encodeShort(table)
	return sent, size, true
}

// HeaderSize returns the size that a status adds to a header list.
func HeaderSize(st *grpcstatus.Status) int { return headerSize(st.Proto()) }

// ErrorInfo returns the bytes of the ErrorInfo of a Status.
func ErrorInfo(st *Status) []byte { return st.errorInfo(st.code.Table(), true, math.MaxInt) }

// LongestPrefix returns the length of the longest prefix of text that fits. A prefix fits if
// spare returns no negative number for its length.
func LongestPrefix(text string, spare func(end int) int) int { return longestPrefix(text, spare) }

// KeptCodes returns the number of codes whose statuses are cached.
func KeptCodes() (n int) {
	keptCodes.Range(func(any, any) bool { n++; return true })
	return n
}

// Forgetter returns a function that drops the statuses that are cached with the Status error
// in err, so that a benchmark can encode it for the first time at each call.
func Forgetter(err error) (forget func()) {
	e := find(err).stated
	return func() { // without atomic stores, which would add to the measured time
		e.sent, e.encoded = atomic.Pointer[grpcstatus.Status]{}, atomic.Pointer[encodedError]{}
	}
}

// FormatMessage returns the public message and the cause that Errorf, Newf and Wrapf make of
// a format.
func FormatMessage(format string, args ...any) (message string, cause error) {
	return formatMessage(format, args...)
}

// WithoutLocalizedTexts returns a serialized BadRequest without the localized messages of its
// violations, or only its beginning if that has more than limit bytes.
func WithoutLocalizedTexts(badRequest []byte, limit int) []byte {
	return withoutLocalizedTexts(badRequest, limit)
}
