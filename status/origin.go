package status

import "fmt"

// An Origin says where a [Status] comes from.
type Origin uint8

const (
	// OriginLocal means that the status was made in this process.
	OriginLocal Origin = iota

	// OriginKnown means that it was received with an ErrorInfo of a known table's domain.
	// Usually that ErrorInfo carries the code. It carries none if it has no number and no
	// reason of the table, or if the table has the number with another reason.
	OriginKnown

	// OriginNumeric means that it was received with a raw number, as OpenIM's servers
	// send it. The number carries the code, if a table has a row for it.
	OriginNumeric

	// OriginForeign means that it was received with an ErrorInfo of an unknown domain.
	// It carries no code. [Status.Reason], [Status.Domain] and [Status.Metadata] read the
	// ErrorInfo.
	OriginForeign

	// OriginBare means that it was received without an ErrorInfo: the upstream, a proxy
	// or the client's own gRPC made it. It carries no code, unless the Decoder assumes one;
	// see [Decoder.AssumeCodes].
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

// Trust says how far a process trusts an upstream: which of the statuses that it
// receives over a connection are forwarded, if a handler returns the received error
// unchanged.
type Trust uint8

const (
	// TrustKnown forwards the statuses that carry a code: of a known domain, or as a raw
	// number that a table has. It treats all others as TrustNone does. The message of a
	// status with an assumed code isn't always forwarded; see [Decoder.AssumeCodes].
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

// passes reports whether a received status is forwarded.
func (t Trust) passes(e *receivedError) bool {
	switch t {
	case TrustKnown:
		return e.carries
	case TrustAll:
		return true
	}
	return false
}
