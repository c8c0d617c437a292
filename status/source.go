package status

import "fmt"

// A Source tells what an error's answer was made of: the kind of error that an
// [Encoder] came upon first, in the order of the constants.
type Source uint8

const (
	// SourceNone means that there was no error.
	SourceNone Source = iota

	// SourceEncoded means that an [Encoder] has decided on the error before. It is
	// sent the same again.
	SourceEncoded

	// FromCode means that a code or a [Status] was stated.
	SourceCode

	// SourceOpenIMError means a [CodeError], where the Encoder adapts them.
	SourceOpenIMError

	// SourceRule means that a [Rule] matched.
	SourceRule

	// FromContext means that the RPC's own context has ended, and that the error
	// says no more. The answer is CANCELLED or DEADLINE_EXCEEDED.
	SourceContext

	// SourceDeadline means context.DeadlineExceeded, while the RPC's own context
	// lives. The answer is DEADLINE_EXCEEDED.
	SourceDeadline

	// SourceForwarded means a received status that the [Policy] of its connection lets
	// pass, such as one that states a code of a known domain.
	SourceForwarded

	// SourceUpstream means any other received status. Its text is withheld, and all
	// but UNAVAILABLE and DEADLINE_EXCEEDED become the default code of INTERNAL.
	SourceUpstream

	// SourceGRPCStatus means a gRPC status that was made here. It passes.
	SourceGRPCStatus

	// SourceNumber means a gRPC status with a code's number in the place of a
	// canonical code, as OpenIM's servers write it. The answer states that code.
	SourceNumber

	// SourceUnknown means anything else. The answer is the default code of INTERNAL,
	// and the error's text is withheld.
	SourceUnknown

	// SourcePanic means a [PanicError]. The answer is as for SourceUnknown.
	SourcePanic
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
func (s Source) Withheld() bool { return s == SourceUpstream || s == SourceUnknown || s == SourcePanic }
