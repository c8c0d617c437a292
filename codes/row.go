package codes

import (
	"log/slog"

	grpccodes "google.golang.org/grpc/codes"
)

// A Row describes one code to those who don't know its type: gRPC, proxies,
// clients in other languages, and people who read its message.
type Row struct {
	// Code is the code itself. All rows of a table have codes of one type.
	Code Code

	// Name is the code's name in Go and in text, such as "RecordNotFound". If it
	// is empty, [NewTable] sets it to Reason.
	Name string

	// OtherNames are names that [Table.Parse] reads too, such as the name of the value in
	// its protobuf enum, "RECORD_NOT_FOUND", and aliases of that value.
	OtherNames []string

	// Reason is the reason in google.rpc.ErrorInfo, such as "RECORD_NOT_FOUND".
	// The reason and the table's domain identify the code on the wire (AIP-193).
	// That of number 0 is never sent: it may be shorter, such as "OK".
	Reason string

	// GRPCCode is the canonical code, which is sent as grpc-status. It is OK for
	// number 0 and another code for every other number.
	GRPCCode grpccodes.Code

	// Message is the text that callers read if an error has no message of its own. It is
	// public text, in English. It is one line without invisible characters, and neither
	// begins nor ends with a space. If it is empty, [NewTable] sets it to the words of
	// Reason, such as "card declined" for CARD_DECLINED.
	Message string

	// FormerReasons are reasons that the code had before. Clients read them as this code.
	// They are never sent.
	FormerReasons []string

	// Template is the message with named parameters, such as "card {card} was declined".
	// It is public text. An error with a value for each parameter has the filled template as
	// its message; any other error of the code has Message. Template is empty if the code has
	// no parameters. See [Row.Fill].
	Template string

	// Localized has the message in other languages, for people. A server sends the one in the
	// caller's language as a google.rpc.LocalizedMessage, if it has interceptor.WithLocalizer
	// with package status/localize. All rows that a table returns share this slice, as they do
	// the other slices: don't change its elements.
	Localized []LocalizedMessage

	// Default makes this code the table's default for GRPCCode. See
	// [Table.DefaultFor].
	Default bool

	// FaultOverride says who is at fault if that doesn't follow from GRPCCode, such as
	// FaultServer for a FAILED_PRECONDITION that only an operator can fix. It is
	// FaultNone in most rows, and for number 0. Read it with [Row.Fault].
	FaultOverride Fault

	// RetryOverride says whether a caller should retry, if that doesn't follow from
	// GRPCCode. It is RetryUnspecified in most rows, and for number 0. Read it with
	// [Row.Retry].
	RetryOverride Retry
}

// Fault returns who is at fault: FaultOverride, or what [FaultOf] returns for GRPCCode
// if FaultOverride is FaultNone. A copy of a row with another GRPCCode therefore has
// another fault, unless the row overrides it.
func (r Row) Fault() Fault {
	if r.FaultOverride != FaultNone {
		return r.FaultOverride
	}
	return FaultOf(r.GRPCCode)
}

// Retry returns whether a caller should retry: RetryOverride, or what [RetryOf] returns for
// GRPCCode if RetryOverride is RetryUnspecified.
func (r Row) Retry() Retry {
	if r.RetryOverride != RetryUnspecified {
		return r.RetryOverride
	}
	return RetryOf(r.GRPCCode)
}

// A LocalizedMessage is a message in one language, as in
// google.rpc.LocalizedMessage.
type LocalizedMessage struct {
	Locale string // a BCP 47 language tag, such as "zh" or "pt-BR"

	// Message is the row's message in that language. It is public text. It may be empty if
	// there is a Template: then an error without parameters has no text in that language.
	Message string

	// Template is the row's template in that language, with the same parameters, or empty.
	Template string
}

// LogValue returns a group with the row's name, number, reason, canonical code
// and message. A negative number, which is never sent, is left out. The group of a row
// without a code is empty.
func (r Row) LogValue() slog.Value {
	if r.Code == nil {
		return slog.GroupValue()
	}
	attrs := make([]slog.Attr, 0, 5)
	attrs = append(attrs, slog.String("name", r.Name))
	if number := r.Code.Number(); number >= 0 {
		attrs = append(attrs, slog.Int("number", int(number)))
	}
	return slog.GroupValue(append(attrs,
		slog.String("reason", r.Reason),
		slog.String("grpc_code", canonicalName(r.GRPCCode)),
		slog.String("message", r.Message),
	)...)
}
