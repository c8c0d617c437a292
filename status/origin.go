package status

import "fmt"

// An Origin says where a [Status] comes from.
type Origin uint8

const (
	// OriginLocal means that the status was made in this process.
	OriginLocal Origin = iota

	// OriginKnown means that it was received with an ErrorInfo of a known table's
	// domain, which carries the code. If that ErrorInfo has neither a reason nor a
	// number that can be read, the code is assumed: the table's default code for the
	// canonical code.
	OriginKnown

	// OriginNumeric means that it was received with a raw number, as OpenIM's servers
	// send it. The number carries the code.
	OriginNumeric

	// OriginForeign means that it was received with an ErrorInfo of an unknown domain.
	// It carries no code, and [Status.Code] is assumed.
	OriginForeign

	// OriginBare means that it was received without an ErrorInfo: the upstream, a proxy
	// or the client's own gRPC made it. It carries no code, and [Status.Code] is assumed.
	OriginBare
)

var originNames = [...]string{"local", "known", "numeric", "foreign", "bare"}

// String returns the origin in small letters, such as "known".
func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return fmt.Sprintf("Origin(%d)", uint8(o))
}

// carriesCode reports whether a status of this origin carries a code.
func (o Origin) carriesCode() bool {
	return o == OriginLocal || o == OriginKnown || o == OriginNumeric
}

// Trust says how far a process trusts an upstream: which of the statuses that it
// receives over a connection are forwarded, if a handler returns the received error
// unchanged.
type Trust uint8

const (
	// TrustKnown forwards the statuses that carry a code: those of a known domain, and
	// raw numbers. It treats all others as TrustNone does.
	TrustKnown Trust = iota

	// TrustNone forwards no status. UNAVAILABLE and DEADLINE_EXCEEDED are sent with a
	// fixed message, any other status as the INTERNAL default.
	TrustNone

	// TrustAll forwards every status with its canonical code, message and details,
	// without DebugInfo.
	TrustAll
)

var trustNames = [...]string{"known", "none", "all"}

// Valid reports whether t is one of the constants.
func (t Trust) Valid() bool { return int(t) < len(trustNames) }

// String returns the trust in small letters, such as "known".
func (t Trust) String() string {
	if t.Valid() {
		return trustNames[t]
	}
	return fmt.Sprintf("Trust(%d)", uint8(t))
}

// passes reports whether a status of an origin is forwarded.
func (t Trust) passes(origin Origin) bool {
	switch t {
	case TrustKnown:
		return origin.carriesCode()
	case TrustAll:
		return true
	}
	return false
}
