package status

import "fmt"

// A Source tells what an error's answer was made of: the kind of error that an
// [Encoder] came upon first, in the order of the constants.
type Source uint8

const (
	// FromNothing means that there was no error.
	FromNothing Source = iota

	// FromResolved means that an [Encoder] has decided on the error before. It is
	// sent the same again.
	FromResolved

	// FromCode means that a code or a [Status] was stated.
	FromCode

	// FromCodeError means a [CodeError], where the Encoder adapts them.
	FromCodeError

	// FromRule means that a [Rule] matched.
	FromRule

	// FromContext means that the RPC's own context has ended, and that the error
	// says no more. The answer is CANCELLED or DEADLINE_EXCEEDED.
	FromContext

	// FromDeadline means context.DeadlineExceeded, while the RPC's own context
	// lives. The answer is DEADLINE_EXCEEDED.
	FromDeadline

	// FromPeer means a received status that the [Policy] of its connection lets
	// pass, such as one that states a code of a known domain.
	FromPeer

	// FromUpstream means any other received status. Its text is withheld, and all
	// but UNAVAILABLE and DEADLINE_EXCEEDED become the default code of INTERNAL.
	FromUpstream

	// FromGRPCStatus means a gRPC status that was made here. It passes.
	FromGRPCStatus

	// FromNumber means a gRPC status with a code's number in the place of a
	// canonical code, as OpenIM's servers write it. The answer states that code.
	FromNumber

	// FromUnknown means anything else. The answer is the default code of INTERNAL,
	// and the error's text is withheld.
	FromUnknown

	// FromPanic means a [PanicError]. The answer is as for FromUnknown.
	FromPanic
)

var sourceNames = [...]string{"nothing", "resolved", "code", "code error", "rule", "context", "deadline", "peer", "upstream", "grpc status", "number", "unknown", "panic"}

// String is the source in a word or two.
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return fmt.Sprintf("Source(%d)", uint8(s))
}

// Withheld tells whether the caller reads nothing of the error's own text, so
// that this process has to tell it to someone.
func (s Source) Withheld() bool { return s == FromUpstream || s == FromUnknown || s == FromPanic }
