package codes

import "google.golang.org/protobuf/reflect/protoreflect"

// A Number is the number of a code in its protobuf enum. It is an alias, so that
// an enum type of protoc-gen-go already has the Number method of a [Code].
type Number = protoreflect.EnumNumber

// A Code is a domain code: an [ErrorCode], or a value of a type of your own,
// which protoc-gen-go-errstatus usually generates. Its kind is int32, so codes
// compare with == and can be the cases of a switch.
//
// A Code is itself an error, as [syscall.Errno] is: a handler can return it. An
// error that carries a code, such as those of package status, is not a Code.
//
// All methods must be safe for concurrent use and work for every int32.
type Code interface {
	error

	// Number returns the code's number in its enum: positive for an error, 0 for
	// success. It must return the value itself, as in: return codes.Number(c).
	Number() Number

	// Table returns the table of the code's type. It must return the same table
	// each time, because errstatus keeps what it computed from it. It must not
	// return nil, even if a package-level variable calls it while the program
	// starts.
	Table() *Table
}

// RowOf returns the code's row in its own table. If the table has none, RowOf
// returns the row that [Table.Lookup] makes up for the number. The row of a nil
// code is the zero Row. A code must not be a nil pointer.
func RowOf(code Code) Row {
	if code == nil {
		return Row{}
	}
	row, _ := code.Table().Lookup(code.Number())
	return row
}

// Label returns a name of the code for metrics, where every value costs memory:
// the reason of its row in its own table, such as "RECORD_NOT_FOUND", or "_OTHER"
// if it has no row or is nil. NoError has the label of its row, and a fallback code
// "INTERNAL" or "UNKNOWN"; see [Table.DefaultFor]. A table of n rows has at most n+3
// labels, whatever numbers its peers send.
//
// Reasons are unique within one table. With codes of several types, add the
// table's domain as a second label. OpenTelemetry names unknown values "_OTHER"
// too.
func Label(code Code) string {
	if code == nil {
		return otherLabel
	}
	return code.Table().Label(code.Number())
}

// otherLabel is the label of a code without a row.
const otherLabel = "_OTHER"

// Default returns the table of [ErrorCode], whose domain is "openim.io".
func Default() *Table { return NoError.Table() }
