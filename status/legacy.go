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
	openIMDetailName = "openim.protobuf.ErrorInfo"
	openIMDetailURL  = "type.googleapis.com/" + openIMDetailName
)

// The fields of an openim.protobuf.ErrorInfo that are text. OpenIM's clients read the
// last two; "warp" is its spelling.
const (
	openIMPath  protowire.Number = 1
	openIMName  protowire.Number = 3
	openIMCause protowire.Number = 4
	openIMWarp  protowire.Number = 5
)

// OpenIMDetail is the text that OpenIM's clients give as the Detail of a
// CodeError: that of the first openim.protobuf.ErrorInfo in an error's status, with
// what is not UTF-8 replaced by U+FFFD. ok tells whether there is one, and it can be
// decoded, be it empty; it is false for nil. Where a handler gave no detail, OpenIM's newer servers send
// none, and its older ones the message once more.
//
// The text is for people. It is what the sender would tell its peers, which can be
// more than theirs should hear.
//
// The error may be of any kind that [FromError] takes, whatever its [Origin].
// OpenIM's Go for that message need not be linked.
func OpenIMDetail(err error) (text string, ok bool) {
	for _, packed := range Convert(err).receiverDetails() {
		if packed.MessageName() == openIMDetailName {
			text, _, ok := readOpenIMDetail(packed.GetValue())
			return text, ok
		}
	}
	return "", false
}

// readLegacyDetail reads a serialized openim.protobuf.ErrorInfo as OpenIM's clients
// do: what it was wrapped in, with arrows between, and then the cause. What is not
// UTF-8 is replaced; where anything is, it isn't sound: they can't read it at all.
func readOpenIMDetail(b []byte) (text string, sound, ok bool) {
	var warp strings.Builder
	var cause string
	wrapped, sound := false, true
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeField(b)
		if n < 0 || number > protowire.MaxValidNumber {
			return "", false, false
		}
		if typ == protowire.BytesType && isOpenIMText(number) {
			_, _, tag := protowire.ConsumeTag(b)
			value, _ := protowire.ConsumeString(b[tag:])
			sound = sound && utf8.ValidString(value)
			switch number {
			case openIMCause:
				cause = value
			case openIMWarp:
				if wrapped {
					warp.WriteString("->")
				}
				warp.WriteString(validUTF8(value))
				wrapped = true
			}
		}
		b = b[n:]
	}
	return warp.String() + validUTF8(cause), sound, true
}

func isOpenIMText(number protowire.Number) bool {
	return number == openIMPath || number == openIMName || number == openIMCause || number == openIMWarp
}

// packLegacyDetail is the openim.protobuf.ErrorInfo that OpenIM's clients read a
// text from, which is UTF-8.
func packOpenIMDetail(text string) *anypb.Any {
	packed := &anypb.Any{TypeUrl: openIMDetailURL}
	if text != "" {
		packed.Value = protowire.AppendTag(nil, openIMCause, protowire.BytesType)
		packed.Value = protowire.AppendString(packed.Value, text)
	}
	return packed
}

// inLegacyForm tells whether a code goes out in OpenIM's form. It needs a number
// that no canonical code has, and that is this code's and no other's where nothing
// but a number is there to read.
func (e *Encoder) inOpenIMForm(code codes.Code) bool {
	return e.OpenIMForm && code.Number() > int32(grpccodes.Unauthenticated) &&
		tables(e.Tables).forNumber(code.Number()).Domain() == code.Table().Domain()
}

// toLegacy gives OpenIM's form to a status whose first detail states the code with
// a number. Its clients read the first detail only, and take the error's text from
// it: that is the status's own openim.protobuf.ErrorInfo, or an empty one.
func toOpenIMForm(p *spb.Status, number int32) {
	p.Code = number
	first := packOpenIMDetail("")
	at := slices.IndexFunc(p.Details, func(d *anypb.Any) bool { return d.MessageName() == openIMDetailName })
	if at >= 0 {
		first.Value = p.Details[at].GetValue() // of the type's URL only the name counts
		p.Details = slices.Delete(p.Details, at, at+1)
		if text, sound, ok := readOpenIMDetail(first.Value); ok && !sound {
			first = packOpenIMDetail(text)
		}
	}
	p.Details = slices.Insert(p.Details, 0, first)
}
