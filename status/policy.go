package status

import "fmt"

// A Policy says how far a process trusts what it receives over a connection: what
// becomes of a received error that a handler returns as it came.
type Policy uint8

const (
	// PeerPolicy passes on the statuses that state a code of a known domain, and
	// those with a code's number in the place of a canonical code. Of all else it
	// does as ForeignPolicy.
	PeerPolicy Policy = iota

	// ForeignPolicy passes on no status: UNAVAILABLE and DEADLINE_EXCEEDED stay what
	// they are, with a fixed message, and the rest is the default code of INTERNAL.
	ForeignPolicy

	// ProxyPolicy passes on every status, with its canonical code, message and
	// details but DebugInfo.
	ProxyPolicy
)

var policyNames = [...]string{"peer", "foreign", "proxy"}

// Valid tells whether the policy is one of the constants.
func (p Policy) Valid() bool { return int(p) < len(policyNames) }

// String is the policy in small letters.
func (p Policy) String() string {
	if p.Valid() {
		return policyNames[p]
	}
	return fmt.Sprintf("Policy(%d)", uint8(p))
}

// passes tells whether a status of an origin is passed on.
func (p Policy) passes(origin Origin) bool {
	switch p {
	case PeerPolicy:
		return origin.stated()
	case ProxyPolicy:
		return true
	}
	return false
}
