package status

import (
	"context"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// Code returns the domain code of err, of any enum. It never returns nil. It returns
//
//   - NoError for nil;
//   - the first code that err states: a bare code, or that of a [Status] error;
//   - the code of the first received status;
//   - for a gRPC status that wasn't decoded, the code that [FromGRPC] finds;
//   - SdkUnknownCode for any other error, and for an error with a method that panics
//     before a code is found.
//
// The code of a cause doesn't count if the error around it has a code of its own.
// errors.Is finds both.
//
// For the label of a metric use [codes.Label].
func Code(err error) codes.Code {
	switch e := err.(type) { // a search would find these first
	case nil:
		return codes.NoError
	case *receivedError:
		return e.code
	}
	if f := find(err); f.code != nil {
		return f.code
	} else if st := f.status(); st != nil {
		return st.code
	}
	return codes.SdkUnknownCode
}

// FromError returns the Status of an error. ok reports whether the error has one.
//
//   - For nil it returns a nil Status, and true.
//   - For a code or a [Status] error, also under %w or in errors.Join, it returns the
//     Status with its own message, without the text of the errors around it.
//   - For a gRPC status that wasn't decoded, it returns the result of [FromGRPC].
//   - For any other error it returns SdkUnknownCode with that code's message, and false:
//     the error's own text may be private.
func FromError(err error) (st *Status, ok bool) {
	if err == nil {
		return nil, true
	}
	f := find(err)
	if f.code != nil {
		return New(f.code, ""), true
	}
	if st := f.status(); st != nil {
		return st, true
	}
	return New(codes.SdkUnknownCode, ""), false
}

// Convert returns the Status of an error as [FromError] does. It is nil only for nil.
func Convert(err error) *Status {
	st, _ := FromError(err)
	return st
}

// status returns the Status that was found, or nil if there was none.
func (f *finding) status() *Status {
	switch {
	case f.encoded != nil:
		return f.encoded.asStatus()
	case f.stated != nil:
		return &f.stated.st
	case f.failed != nil:
		return nil // Encode too ignores what comes after a panic
	case f.received != nil:
		return f.received.status()
	case f.restated != nil:
		return &f.restated.st
	}
	return FromGRPC(f.grpc)
}

// ToGRPC returns the gRPC status that a server with errstatus's interceptors and no
// options sends for an error, or nil for nil. See [Encoder].
func ToGRPC(err error) *grpcstatus.Status {
	return new(Encoder).Encode(context.Background(), err).Status()
}

// FromGRPC returns the Status that a client with errstatus's interceptors and no options
// makes of a gRPC status. It is nil for nil and for a status with code OK. See [Decoder].
func FromGRPC(st *grpcstatus.Status) *Status { return new(Decoder).FromGRPC(st) }
