package status

import "fmt"

// A Source says what decided on the status that a server sends: the case of
// [Encoder.Encode] that applied.
type Source uint8

const (
	// SourceNone means that there was no error.
	SourceNone Source = iota

	// SourceEncoded means an error that an [Encoder] has encoded before. The same
	// status is sent.
	SourceEncoded

	// SourceCode means a code, a [Status] error or an error with parameters; see [With].
	SourceCode

	// SourceOpenIMError means an [OpenIMError], if the Encoder adapts them.
	SourceOpenIMError

	// SourceRule means that a [Rule] matched.
	SourceRule

	// SourceContext means that the RPC's own context has ended, and that the error says no
	// more than that, or would be withheld. What the context's cause says is sent, or else
	// CANCELLED or DEADLINE_EXCEEDED. [Encoded.Otherwise] says which case would have decided
	// if the context had not ended.
	SourceContext

	// SourceDeadline means context.DeadlineExceeded while the RPC's own context is
	// alive. DEADLINE_EXCEEDED is sent.
	SourceDeadline

	// SourceForwarded means a received status that the [Trust] in its connection lets
	// pass.
	SourceForwarded

	// SourceUpstream means any other received status. It is withheld: UNAVAILABLE and
	// DEADLINE_EXCEEDED are sent with a fixed message, and the INTERNAL default for the
	// rest. If the Trust lets an assumed code pass but not its message, the status is sent
	// with the message of the code's row; see [Decoder.AssumeCodes].
	SourceUpstream

	// SourceGRPCStatus means a gRPC status that was made in this process. It is sent.
	SourceGRPCStatus

	// SourceGRPCWithheld means a gRPC status that was made in this process, whose canonical
	// code is in [Encoder.WithheldMessages]. It is sent with a fixed message.
	SourceGRPCWithheld

	// SourceNumber means a gRPC status with a raw number that a table has. It is sent as
	// that code.
	SourceNumber

	// SourceUnknown means anything else. It is withheld: the INTERNAL default is sent.
	SourceUnknown

	// SourcePanic means a [PanicError]. It is withheld: the INTERNAL default is sent.
	SourcePanic
)

var sourceNames = [...]string{"none", "encoded", "code", "openim error", "rule", "context", "deadline", "forwarded", "upstream", "grpc status", "grpc withheld", "number", "unknown", "panic"}

// String returns the source in a word or two, such as "rule".
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return fmt.Sprintf("Source(%d)", uint8(s))
}

// Withheld reports whether the caller reads a fixed message instead of the error's own
// text. Use [Encoded.Withheld] if you have the result of Encode: it is also true if an ended
// context or a restated Status withholds a text.
func (s Source) Withheld() bool {
	return s == SourceUpstream || s == SourceGRPCWithheld || s == SourceUnknown || s == SourcePanic
}
