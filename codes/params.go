package codes

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/template"
	"github.com/errstatus/errstatus/internal/text"
)

// Params is an error with a code and the values of the parameters in the code's
// [Row.Template]. protoc-gen-go-errstatus generates a struct type for each template, such
// as CardDeclinedError for "card {card} was declined". A handler can return it:
//
//	return nil, billing.CardDeclinedError{Card: "4242"}
//
// The caller gets the template with the values as its message, and the values as metadata
// (AIP-193). So all values are public text. A Params is usually not a [Code] itself. It
// unwraps to its code, so that errors.Is finds that. A generated one has the method As too:
// errors.As and errors.AsType[billing.CardDeclinedError] find a pointer as they find a value.
//
// All methods must be safe for concurrent use, as long as nobody changes the value.
type Params interface {
	error

	// Code returns the code. It is the same for all values of a type.
	Code() Code

	// AppendParams appends the parameters, in the order in which the template first names
	// them, and returns the extended slice. Of two parameters with one name, the last counts.
	// A parameter is sent only if its name can be a key of the metadata:
	// [a-z][a-zA-Z0-9-_]+ with at most 64 bytes, and neither "code" nor "truncated".
	AppendParams(params []Param) []Param
}

// ParamsReader is implemented by pointers to generated [Params], so that errors.As can fill
// them from an error that carries their code.
type ParamsReader interface {
	Params

	// ReadParams sets the fields to the values that lookup returns, and reports whether
	// lookup has all of them. If not, it changes nothing. It must not keep lookup.
	ReadParams(lookup func(name string) (value string, ok bool)) bool
}

// A Param is the name of a parameter with its value.
type Param struct{ Name, Value string }

// Fill returns the message that is sent: the row's template with the values of its parameters.
// Bytes that are not UTF-8 are replaced by U+FFFD, and spaces at the beginning and the end are
// removed. Braces in a value are plain text. Of two params with one name, the last counts.
//
// Fill returns the row's Message if the row has no template, if params lack one of its
// parameters, or if nothing but spaces is left.
func (r Row) Fill(params []Param) string { return fill(r.Template, params, r.Message) }

// Fill is like [Row.Fill], for the message in one language: it returns the filled template,
// or else the Message in that language, which may be empty.
func (m LocalizedMessage) Fill(params []Param) string { return fill(m.Template, params, m.Message) }

// fill returns a template with the values of its parameters, or a message instead.
func fill(from string, params []Param, message string) string {
	filled, ok := template.Fill(from, func(name string) (string, bool) {
		for _, p := range slices.Backward(params) {
			if p.Name == name {
				return p.Value, true
			}
		}
		return "", false
	})
	if !ok {
		return message
	}
	return filled
}

// GRPCStatusOf returns a new status for a code with parameters: like that of
// [Table.GRPCStatus], but with the filled template as its message, and with the parameters
// in the metadata of its ErrorInfo. The GRPCStatus methods of generated [Params] return it.
// It truncates nothing; a server with errstatus's interceptors does.
//
// GRPCStatusOf returns nil for number 0. If p or its code is nil, or the number is negative,
// the code can't be sent: then it returns the status of INTERNAL's default row, without the
// parameters.
func (t *Table) GRPCStatusOf(p Params) *grpcstatus.Status {
	number := numberOf(p)
	if number <= 0 {
		return t.GRPCStatus(number)
	}
	return t.entryToSend(number).withParams(t.domain, p.AppendParams(nil))
}

// ErrorOf returns the name of p's code and the filled template, separated by a colon, as one
// line: control characters, bidirectional controls and zero-width characters of the values
// become spaces. The Error methods of generated [Params] return it.
func (t *Table) ErrorOf(p Params) string {
	name, message := t.filled(p)
	return text.OneLine(name + ": " + message)
}

// LogValueOf returns the group of [Row.LogValue], with the filled template as its message.
// The LogValue methods of generated [Params] return it.
func (t *Table) LogValueOf(p Params) slog.Value {
	row, _ := t.Lookup(numberOf(p))
	_, message := t.filled(p)
	row.Message = text.ForLog(message)
	return row.LogValue()
}

// filled returns the name of p's code, and the filled template.
func (t *Table) filled(p Params) (name, message string) {
	number := numberOf(p)
	e, ok := t.byNumber[number]
	if !ok {
		row := t.unknown(number)
		return row.Name, row.Message
	}
	if number <= 0 {
		return e.Name, e.Message
	}
	return e.Name, fill(e.Template, p.AppendParams(nil), e.Message)
}

// numberOf returns the number of p's code, or a negative number, which can't be sent, if p or
// its code is nil.
func numberOf(p Params) Number {
	if p == nil {
		return -1
	}
	code := p.Code()
	if code == nil {
		return -1
	}
	return code.Number()
}

// metadataOf returns the params that can be sent as metadata, sorted by their names.
func metadataOf(params []Param) []errorinfo.Pair {
	pairs := make([]errorinfo.Pair, 0, len(params))
	for _, p := range slices.Backward(params) { // of equal names, the last comes first
		if !errorinfo.IsMetadataKey(p.Name) || errorinfo.IsReserved(p.Name) {
			continue
		}
		if !utf8.ValidString(p.Value) {
			p.Value = strings.ToValidUTF8(p.Value, "\uFFFD")
		}
		pairs = append(pairs, errorinfo.Pair{Key: p.Name, Value: p.Value})
	}
	slices.SortStableFunc(pairs, func(a, b errorinfo.Pair) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(pairs, func(a, b errorinfo.Pair) bool { return a.Key == b.Key })
}
