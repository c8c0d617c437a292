package status

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/errstatus/errstatus/internal/text"
)

// UserMessage returns the text of an error to show to a person: the first of these that isn't
// empty.
//
//   - The message in the google.rpc.LocalizedMessage of the error's status. A server with
//     interceptor.WithLocalizer sends it in the caller's language.
//   - The public message, if the status carries a code. If the code is assumed (see
//     [Decoder.AssumeCodes]), the text may be gRPC's own: then it is the message of the code's
//     row.
//   - The message of the default row for the canonical code. The row is in the first table of
//     the connection or, for an error that wasn't received, in the default table.
//
// So a person never reads the text of a proxy, of gRPC itself or of a plain error, in which
// there can be addresses and file names. The last two texts are in English. UserMessage returns
// "" only for nil.
//
// The text is one line. Control characters, bidirectional controls and zero-width characters are
// replaced by spaces, except for the joiners U+200C and U+200D. It is cut to about 4 KiB, more
// than a server sends by default, and then ends with three dots. The sender chose it: escape it
// for HTML.
func UserMessage(err error) string {
	if err == nil {
		return ""
	}
	st := Convert(err)
	if localized, ok := detailOf[*errdetails.LocalizedMessage](st); ok {
		if message := text.ForPeople(localized.GetMessage()); message != "" {
			return message
		}
	}
	if st.hasPublicMessage() {
		if message := text.ForPeople(st.Message()); message != "" {
			return message
		}
	}
	return text.ForPeople(st.defaultMessage())
}

// hasPublicMessage reports whether the message is that of a server or of this process for a
// code. Otherwise gRPC or a proxy may have made it.
func (st *Status) hasPublicMessage() bool {
	if st.text == receivedText {
		return st.received.carries && st.received.origin != OriginBare
	}
	return st.carriesCode()
}

// defaultMessage returns the message of the code's row or, if the status carries no code, that
// of the default row for the canonical code.
func (st *Status) defaultMessage() string {
	if st.carriesCode() {
		return st.receivedRow().Message
	}
	canonical := st.GRPCCode()
	if st.none {
		canonical = grpcCodeOf(st.from)
	}
	table := st.received.tables().first()
	row, _ := table.Lookup(table.DefaultFor(canonical).Number())
	return row.Message
}
