package errorinfo

import (
	"math"
	"strconv"
	"strings"
)

// The metadata keys that errstatus writes itself. Users can't set them.
const (
	NumberKey    = "code"      // the code's number, in decimal
	TruncatedKey = "truncated" // the parts that were truncated
)

const (
	// MaxReason is the length of the longest reason (AIP-193).
	MaxReason = 63

	// MaxMetadataKey is the length of the longest metadata key (AIP-193).
	MaxMetadataKey = 64

	// MaxDigits is the length of the longest number, 2147483647.
	MaxDigits = 10

	// UnknownPrefix begins the reason of a code without a row, such as
	// ERROR_CODE_1305.
	UnknownPrefix = "ERROR_CODE_"
)

// IsReason reports whether a reason has the form of AIP-193,
// [A-Z][A-Z0-9_]+[A-Z0-9] with at most 63 bytes.
func IsReason[Text ~string | ~[]byte](reason Text) bool {
	last := len(reason) - 1
	if last < 2 || last >= MaxReason {
		return false
	}
	for i := range len(reason) {
		switch c := reason[i]; {
		case 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9' && i > 0:
		case c == '_' && i > 0 && i < last:
		default:
			return false
		}
	}
	return true
}

// IsMetadataKey reports whether a key has the form of AIP-193,
// [a-z][a-zA-Z0-9-_]+ with at most 64 bytes.
func IsMetadataKey[Text ~string | ~[]byte](key Text) bool {
	if len(key) < 2 || len(key) > MaxMetadataKey || key[0] < 'a' || key[0] > 'z' {
		return false
	}
	for i := range len(key) {
		if !inMetadataKeys[key[i]] {
			return false
		}
	}
	return true
}

// inMetadataKeys has the bytes of which metadata keys are made.
var inMetadataKeys = func() (in [256]bool) {
	for c := range in {
		in[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
	}
	return in
}()

// IsReserved reports whether errstatus writes a metadata key itself.
func IsReserved(key string) bool { return key == NumberKey || key == TruncatedKey }

// UnknownReason returns the reason of a number without a row, such as
// ERROR_CODE_1305.
func UnknownReason(number int32) string {
	b := append(make([]byte, 0, len(UnknownPrefix)+MaxDigits+1), UnknownPrefix...)
	return string(strconv.AppendInt(b, int64(number), 10))
}

// IsUnknownReason reports whether a reason is ERROR_CODE_ and digits.
func IsUnknownReason(reason string) bool {
	digits, ok := strings.CutPrefix(reason, UnknownPrefix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// ParseNumber returns the number of a code, as the metadata has it under
// [NumberKey]: a positive int32 in decimal, without a sign or leading zeros.
func ParseNumber[Text ~string | ~[]byte](text Text) (number int32, ok bool) {
	if len(text) == 0 || len(text) > MaxDigits || text[0] == '0' {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(text[i]-'0')
	}
	if n > math.MaxInt32 {
		return 0, false
	}
	return int32(n), true
}
