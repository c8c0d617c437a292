package codes

import (
	"log/slog"

	grpccodes "google.golang.org/grpc/codes"
)

// A Row says what one code is to those who don't know it: gRPC, its proxies and
// clients, and the people who read its message.
type Row struct {
	// Code is the code, with its type. All rows of a table have one type.
	Code Code

	// Name is the code's name in Go and in text, such as "RecordNotFound".
	// [NewTable] makes an empty one equal to Reason.
	Name string

	// Reason is google.rpc.ErrorInfo's reason, such as "RECORD_NOT_FOUND". With
	// the table's domain it is the code's identity on the wire (AIP-193).
	Reason string

	// GRPCCode is the canonical code that goes out as grpc-status: OK for number
	// 0, anything but OK for all others.
	GRPCCode grpccodes.Code

	// Message is what callers read where an error has no message of its own. It
	// is public, in English, and never empty.
	Message string

	// Localized has the message in other languages, for programs that show it to
	// people. It is not sent. All rows that a table returns share this slice: don't
	// change its elements.
	Localized []LocalizedMessage

	// Default makes the code the guess for a status of this GRPCCode that names
	// no code; see [Table.DefaultFor].
	Default bool
}

// A LocalizedMessage is a message in one language, as in google.rpc.
type LocalizedMessage struct {
	Locale  string // a BCP 47 language tag, such as "zh"
	Message string // the message in that language, public as all messages are
}

// LogValue is a group of the row's name, number, reason, canonical code and
// message; an empty one for a row without a code.
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
