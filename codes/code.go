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
	// success.
	Number() Number

	// Table returns the table of the code's type. It must return the same table
	// each time, because errstatus keeps what it computed from it. It must not
	// return nil, even if a package-level variable calls it while the program
	// starts.
	Table() *Table
}

// Default returns the table of [ErrorCode], whose domain is "openim.io".
func Default() *Table { return NoError.Table() }
