package status

import (
	"slices"
	"strings"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// The form in which OpenIM's servers send errors has the code's number in the
// place of a canonical code, and first of the details an openim.protobuf.ErrorInfo.
// That is read and written by hand: a program can link OpenIM's own Go for it, and
// one registered twice would end the program at its start.

const (
	legacyDetailName = "openim.protobuf.ErrorInfo"
	legacyDetailURL  = "type.googleapis.com/" + legacyDetailName
)

// The fields of an openim.protobuf.ErrorInfo that OpenIM's clients read; "warp" is
// its spelling.
const (
	legacyCause protowire.Number = 4
	legacyWarp  protowire.Number = 5
)

// LegacyDetail is the text that OpenIM's clients give as the Detail of a
// CodeError: that of the openim.protobuf.ErrorInfo in an error's status, with what
// is not UTF-8 replaced by U+FFFD. ok tells whether there is one that can be
// decoded, be it empty. Where a handler gave no detail, OpenIM's newer servers send
// none, and its older ones the message once more.
//
// The text is for people. It is what the sender would tell its peers, which can be
// more than theirs should hear.
//
// The error may be of any kind that [FromError] takes, whatever its [Origin].
// OpenIM's Go for that message need not be linked.
func LegacyDetail(err error) (text string, ok bool) {
	st, ok := FromError(err)
	if !ok {
		return "", false
	}
	for _, packed := range st.receiverDetails() {
		if packed.MessageName() != legacyDetailName {
			continue
		}
		if text, ok := readLegacyDetail(packed.GetValue()); ok {
			return validUTF8(text), true
		}
	}
	return "", false
}

// readLegacyDetail reads a serialized openim.protobuf.ErrorInfo as OpenIM's clients
// do: what it was wrapped in, with arrows between, and then the cause. The text may
// be not UTF-8.
func readLegacyDetail(b []byte) (text string, ok bool) {
	var cause string
	var warp strings.Builder
	for first := true; len(b) > 0; {
		number, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			return "", false
		}
		if typ == protowire.BytesType && (number == legacyCause || number == legacyWarp) {
			_, _, tag := protowire.ConsumeTag(b)
			value, _ := protowire.ConsumeString(b[tag:])
			switch {
			case number == legacyCause:
				cause = value
			case first:
				first = false
				warp.WriteString(value)
			default:
				warp.WriteString("->")
				warp.WriteString(value)
			}
		}
		b = b[n:]
	}
	return warp.String() + cause, true
}

// packLegacyDetail is the openim.protobuf.ErrorInfo that OpenIM's clients read a
// text from.
func packLegacyDetail(text string) *anypb.Any {
	packed := &anypb.Any{TypeUrl: legacyDetailURL}
	if text = validUTF8(text); text != "" {
		packed.Value = protowire.AppendTag(nil, legacyCause, protowire.BytesType)
		packed.Value = protowire.AppendString(packed.Value, text)
	}
	return packed
}

// inLegacyForm tells whether a code goes out in OpenIM's form. It needs a number
// that no canonical code has, and that is this code's and no other's where nothing
// but a number is there to read.
func (e *Encoder) inLegacyForm(code codes.Code) bool {
	return e.Legacy && code.Number() > int32(grpccodes.Unauthenticated) &&
		tables(e.Tables).numbered(code.Number()).Domain() == code.Table().Domain()
}

// toLegacy gives OpenIM's form to a status whose first detail states the code with
// a number. Its clients read the first detail only, and take the error's text from
// it: that is the status's own openim.protobuf.ErrorInfo, or an empty one.
func toLegacy(p *spb.Status, number int32) {
	p.Code = number
	first := packLegacyDetail("")
	at := slices.IndexFunc(p.Details, func(d *anypb.Any) bool { return d.MessageName() == legacyDetailName })
	if at >= 0 {
		first = p.Details[at]
		p.Details = slices.Delete(p.Details, at, at+1)
		if text, ok := readLegacyDetail(first.GetValue()); ok && !utf8.ValidString(text) {
			first = packLegacyDetail(text) // they could read none of it
		}
	}
	p.Details = slices.Insert(p.Details, 0, first)
}
