package status

import (
	"math"

	grpcstatus "google.golang.org/grpc/status"
)

// A CodeError is an error of OpenIM's handlers, such as its errs.CodeError, as far
// as it is of use here. An [Encoder] understands it where it is told to, and reads
// each method once for an error, in the handler's own goroutine. A method that
// panics makes the error INTERNAL, as with any error.
type OpenIMError interface {
	error

	// Code is the number of a code. An error whose number no table has, or that is
	// not positive, is no CodeError: what it wraps is looked at.
	Code() int

	// Msg is the public message; an empty one stands for that of the code's row.
	Msg() string

	// Detail is text for those who run the service. It is private unless the Encoder
	// exposes it.
	Detail() string
}

// adaptCodeError is the Status of a [CodeError] whose number is in a table, and nil
// for any other error. One that says itself what it is to gRPC is no CodeError:
// it can be a view of an error that a client received.
func (e *Encoder) adaptOpenIMError(err error) *Status {
	x, ok := err.(OpenIMError)
	if !ok {
		return nil
	}
	if _, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok {
		return nil
	}
	number := x.Code()
	if number <= 0 || number > math.MaxInt32 {
		return nil
	}
	table := tables(e.Tables).forNumber(int32(number))
	if !table.Has(int32(number)) {
		return nil
	}
	st := New(table.Code(int32(number)), x.Msg())
	if !e.ExposeCodeErrorDetail {
		return st
	}
	if detail := x.Detail(); detail != "" {
		st = st.WithDetails(packOpenIMDetail(validUTF8(detail)))
	}
	return st
}
