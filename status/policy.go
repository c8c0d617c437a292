package status

import "fmt"

// A Policy says how far a process trusts what it receives over a connection: what
// becomes of a received error that a handler returns as it came.
type Trust uint8

const (
	// TrustKnown passes on the statuses that state a code of a known domain, and
	// those with a code's number in the place of a canonical code. Of all else it
	// does as TrustNone.
	TrustKnown Trust = iota

	// TrustNone passes on no status: UNAVAILABLE and DEADLINE_EXCEEDED stay what
	// they are, with a fixed message, and the rest is the default code of INTERNAL.
	TrustNone

	// TrustAll passes on every status, with its canonical code, message and
	// details but DebugInfo.
	TrustAll
)

var trustNames = [...]string{"peer", "foreign", "proxy"}

// Valid tells whether the policy is one of the constants.
func (p Trust) Valid() bool { return int(p) < len(trustNames) }

// String is the policy in small letters.
func (p Trust) String() string {
	if p.Valid() {
		return trustNames[p]
	}
	return fmt.Sprintf("Policy(%d)", uint8(p))
}

// passes tells whether a status of an origin is passed on.
func (p Trust) passes(origin Origin) bool {
	switch p {
	case TrustKnown:
		return origin.carriesCode()
	case TrustAll:
		return true
	}
	return false
}
