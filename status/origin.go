package status

import "fmt"

// An Origin tells where a [Status] comes from, and so how far its code can be
// trusted.
type Origin uint8

const (
	// Local means that it was made in this process.
	OriginLocal Origin = iota

	// Ours means that it was received with an ErrorInfo of a known table's
	// domain. That states the code; where it names neither a reason nor a number
	// that can be read, the code is a guess after the canonical code.
	OriginKnown

	// Legacy means that it was received with the code's number in the place of
	// a canonical code, as OpenIM's servers send it.
	OriginNumeric

	// Foreign means that it was received with an ErrorInfo of another domain.
	// The code is a guess after the canonical code.
	OriginForeign

	// Bare means that it was received without an ErrorInfo. The peer, a proxy or
	// the local gRPC stack made it, and the code is a guess after the canonical
	// code.
	OriginBare
)

var originNames = [...]string{"local", "ours", "legacy", "foreign", "bare"}

// String is the origin in small letters.
func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return fmt.Sprintf("Origin(%d)", uint8(o))
}

// stated tells whether the code was stated, rather than guessed.
func (o Origin) carriesCode() bool { return o == OriginLocal || o == OriginKnown || o == OriginNumeric }
