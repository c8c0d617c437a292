package status

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// This file has everything of the bridge to OpenIM: its numeric form, its detail, and
// its handlers' errors. In the numeric form, grpc-status is the code's number, and the
// first detail is an openim.protobuf.ErrorInfo. That message is read and written by
// hand: a program may link OpenIM's own Go package for it, and a message that is
// registered twice ends the program when it starts.

const (
	openIMDetailName = "openim.protobuf.ErrorInfo"
	openIMDetailURL  = "type.googleapis.com/" + openIMDetailName
)

// The string fields of openim.protobuf.ErrorInfo. OpenIM's clients read the last two;
// "warp" is OpenIM's spelling.
const (
	openIMPath  protowire.Number = 1
	openIMName  protowire.Number = 3
	openIMCause protowire.Number = 4
	openIMWarp  protowire.Number = 5
)

// OpenIMDetail returns the text that OpenIM's clients return from CodeError.Detail: the
// text of the first openim.protobuf.ErrorInfo in the error's status. Bytes that are not
// UTF-8 are replaced by U+FFFD. The text can be empty. ok is false if there is no such
// detail or it can't be decoded, and for nil.
//
// If a handler gave no detail, OpenIM's newer servers send none, and its older servers
// send the message again. The text is for people, and was written for OpenIM's own
// services: it can say more than your callers should read.
//
// err can be any error that [FromError] takes, of any [Origin]. OpenIM's Go package for
// the message need not be linked.
func OpenIMDetail(err error) (text string, ok bool) {
	for _, packed := range Convert(err).allDetails() {
		if packed.MessageName() == openIMDetailName {
			text, _, ok := readOpenIMDetail(packed.GetValue())
			return text, ok
		}
	}
	return "", false
}

// readOpenIMDetail reads a serialized openim.protobuf.ErrorInfo as OpenIM's clients do:
// the texts of warp with arrows between them, then the cause. It replaces bytes that
// are not UTF-8. If it replaced any, valid is false, and OpenIM's clients can't read
// the message at all.
func readOpenIMDetail(b []byte) (text string, valid, ok bool) {
	var warp strings.Builder
	var cause string
	wrapped, valid := false, true
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeField(b)
		if n < 0 || number > protowire.MaxValidNumber {
			return "", false, false
		}
		if typ == protowire.BytesType && isOpenIMText(number) {
			_, _, tag := protowire.ConsumeTag(b)
			value, _ := protowire.ConsumeString(b[tag:])
			valid = valid && utf8.ValidString(value)
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
	return warp.String() + validUTF8(cause), valid, true
}

func isOpenIMText(number protowire.Number) bool {
	return number == openIMPath || number == openIMName || number == openIMCause || number == openIMWarp
}

// packOpenIMDetail returns the openim.protobuf.ErrorInfo from which OpenIM's clients
// read text, which must be UTF-8.
func packOpenIMDetail(text string) *anypb.Any {
	packed := &anypb.Any{TypeUrl: openIMDetailURL}
	if text != "" {
		packed.Value = protowire.AppendTag(nil, openIMCause, protowire.BytesType)
		packed.Value = protowire.AppendString(packed.Value, text)
	}
	return packed
}

// inOpenIMForm reports whether a code is sent in the numeric form. Its number must not be a
// canonical code's, and the first table that has the number must be of the code's domain.
func (e *Encoder) inOpenIMForm(code codes.Code) bool {
	if !e.OpenIMForm || code.Number() <= codes.Number(grpccodes.Unauthenticated) {
		return false
	}
	table := tables(e.Tables).forNumber(code.Number())
	if table == nil {
		table = tables(e.Tables).first()
	}
	return table.Domain() == code.Table().Domain()
}

// toOpenIMForm changes a status into the numeric form. Its first detail must be the
// ErrorInfo of a code with the given number. OpenIM's clients read only the first detail:
// toOpenIMForm moves the status's openim.protobuf.ErrorInfo there, or adds an empty one.
func toOpenIMForm(p *spb.Status, number codes.Number) {
	p.Code = int32(number)
	first := packOpenIMDetail("")
	at := slices.IndexFunc(p.Details, func(d *anypb.Any) bool { return d.MessageName() == openIMDetailName })
	if at >= 0 {
		first.Value = p.Details[at].GetValue()
		p.Details = slices.Delete(p.Details, at, at+1)
		if text, valid, ok := readOpenIMDetail(first.Value); ok && !valid {
			first = packOpenIMDetail(text)
		}
	}
	p.Details = slices.Insert(p.Details, 0, first)
}

// An OpenIMError is an error of OpenIM's handlers, such as its errs.CodeError. See
// [Encoder.OpenIMErrors]. Each method is called once for an error, in the handler's
// goroutine. If one panics, the error is sent as the INTERNAL default, like any error
// whose methods panic.
type OpenIMError interface {
	error

	// Code returns the number of a code. If it isn't positive, or no table has a row for
	// it, the error is no OpenIMError, and the search goes on in what it wraps.
	Code() int

	// Msg returns the public message. If it is empty, the message is that of the code's
	// row.
	Msg() string

	// Detail returns a text for those who run the service. It is private unless the
	// server sends it; see [OpenIMErrorsWithDetail].
	Detail() string
}

// An OpenIMErrorLevel says what an [Encoder] does with an [OpenIMError].
type OpenIMErrorLevel uint8

const (
	// OpenIMErrorsIgnored treats it like any other error. Other libraries have errors
	// with the same methods, for example an HTTP client's error with the code 404. They
	// don't mean a domain code.
	OpenIMErrorsIgnored OpenIMErrorLevel = iota

	// OpenIMErrorsWithoutDetail sends its code and its message.
	OpenIMErrorsWithoutDetail

	// OpenIMErrorsWithDetail also sends its detail, as OpenIM's servers do: in an
	// openim.protobuf.ErrorInfo, which [OpenIMDetail] reads. An empty detail isn't sent.
	// Details often have private text, such as that of a database's error.
	OpenIMErrorsWithDetail
)

var openIMErrorLevelNames = [...]string{"ignored", "without detail", "with detail"}

// Valid reports whether o is one of the constants.
func (o OpenIMErrorLevel) Valid() bool { return int(o) < len(openIMErrorLevelNames) }

// String returns the constant's name in small letters, such as "with detail".
func (o OpenIMErrorLevel) String() string {
	if o.Valid() {
		return openIMErrorLevelNames[o]
	}
	return fmt.Sprintf("OpenIMErrorLevel(%d)", uint8(o))
}

// openIMAdapter returns the function that makes a Status of an [OpenIMError], or nil if
// they are ignored.
func (e *Encoder) openIMAdapter() func(error) *Status {
	if e.OpenIMErrors == OpenIMErrorsIgnored {
		return nil
	}
	return e.adaptOpenIMError
}

// adaptOpenIMError returns the Status of an [OpenIMError] whose number is in a table,
// and nil for any other error. An error with a GRPCStatus method isn't adapted: that
// method decides. A wrapper of a received error has one, for example.
func (e *Encoder) adaptOpenIMError(err error) *Status {
	x, ok := err.(OpenIMError)
	if !ok {
		return nil
	}
	if _, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok {
		return nil
	}
	n := x.Code()
	if n <= 0 || n > math.MaxInt32 {
		return nil
	}
	number := codes.Number(n)
	table := tables(e.Tables).forNumber(number)
	if table == nil {
		return nil
	}
	st := New(table.Code(number), x.Msg())
	if e.OpenIMErrors != OpenIMErrorsWithDetail {
		return st
	}
	if detail := x.Detail(); detail != "" {
		st = st.WithDetails(packOpenIMDetail(validUTF8(detail)))
	}
	return st
}
