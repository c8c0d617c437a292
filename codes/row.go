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

	// Reason is the reason in google.rpc.ErrorInfo, such as "RECORD_NOT_FOUND".
	// The reason and the table's domain identify the code on the wire (AIP-193).
	// That of number 0 is never sent: it may be shorter, such as "OK".
	Reason string

	// GRPCCode is the canonical code, which is sent as grpc-status. It is OK for
	// number 0 and another code for every other number.
	GRPCCode grpccodes.Code

	// Message is the text that callers read if an error has no message of its own. It is
	// public text, in English, and never empty. It is one line without invisible
	// characters, and neither begins nor ends with a space.
	Message string

	// Localized has the message in other languages, for programs that show it to
	// people. It is not sent. All rows that a table returns share this slice: don't
	// change its elements.
	Localized []LocalizedMessage

	// Default makes this code the table's default for GRPCCode. See
	// [Table.DefaultFor].
	Default bool

	// FaultOverride says who is at fault if that doesn't follow from GRPCCode, such as
	// FaultServer for a FAILED_PRECONDITION that only an operator can mend. It is
	// FaultNone in most rows, and for number 0. Read it with [Row.Fault].
	FaultOverride Fault
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

// A LocalizedMessage is a message in one language, as in
// google.rpc.LocalizedMessage.
type LocalizedMessage struct {
	Locale  string // a BCP 47 language tag, such as "zh" or "pt-BR"
	Message string // public text in that language
}

// LogValue returns a group with the row's name, number, reason, canonical code
// and message. The group of a row without a code is empty.
func (r Row) LogValue() slog.Value {
	if r.Code == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(
		slog.String("name", r.Name),
		slog.Int("number", int(r.Code.Number())),
		slog.String("reason", r.Reason),
		slog.String("grpc_code", canonicalName(r.GRPCCode)),
		slog.String("message", r.Message),
	)
}
