package status

import (
	"context"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// Code returns the domain code of err, of any enum. It never returns nil. It returns
//
//   - NoError for nil;
//   - the first code that err states: a bare code, or that of a [Status] error or of an error
//     with parameters;
//   - the code that the first received status carries;
//   - the code that a gRPC status carries that wasn't decoded, as [FromGRPC] finds it;
//   - the UNKNOWN default for any other error: SdkUnknownCode, or that of the connection's
//     first table. For a negative code, which can't be sent, it is that of its own table.
//     It can be a fallback code; see [codes.Table.DefaultFor]. [Declared] reports false
//     for it.
//
// A received status that carries no code is never taken for one that does: a proxy's
// NOT_FOUND is not RecordNotFound. Ask gRPC's own status.Code for its canonical code. The
// exception is a connection with interceptor.WithAssumedCodes.
//
// The code of a cause doesn't count if the error around it has a status of its own.
// errors.Is finds both. An error with a method that panics before a code is found has none.
//
// For the label of a metric use [codes.Label].
func Code(err error) codes.Code {
	code, _ := Declared(err)
	return code
}

// Declared returns [Code] and reports whether err has that code: whether it states one, or a
// received status in it carries one. It is false for nil, which is NoError, and for the
// UNKNOWN default of an error without a code.
func Declared(err error) (code codes.Code, ok bool) {
	switch e := err.(type) { // a search would find these first
	case nil:
		return codes.NoError, false
	case *receivedError:
		return e.code, e.carries
	}
	f := find(err)
	if f.code != nil {
		return f.code, true
	}
	if st := f.status(); st != nil {
		return st.code, st.carriesCode()
	}
	return f.unknownDefault(), false
}

// unknownDefault returns the UNKNOWN default for an error without a code: that of the table of
// a code that can't be sent, or of the default table.
func (f *finding) unknownDefault() codes.Code {
	if f.unsendable != nil {
		return f.unsendable.DefaultFor(grpccodes.Unknown)
	}
	return unknownDefault()
}

// unknownDefault returns the UNKNOWN default of the default table.
func unknownDefault() codes.Code { return codes.Default().DefaultFor(grpccodes.Unknown) }

// FromError returns the Status of an error. ok reports whether the error has one.
//
//   - For nil it returns a nil Status, and true.
//   - For a code, a [Status] error or an error with parameters, also under %w or in
//     errors.Join, it returns the Status with its own message, without the text of the errors
//     around it.
//   - For a received status, it returns that, whether it carries a code or not.
//   - For a gRPC status that wasn't decoded, it returns the Status that [FromGRPC] returns.
//   - For any other error it returns a Status with the UNKNOWN default and that code's
//     message, and false: the error's own text may be private.
//
// Err of the Status returns err itself, unless a With method was called. See
// [Status.WithMessage] on restating.
func FromError(err error) (st *Status, ok bool) {
	if err == nil {
		return nil, true
	}
	f := find(err)
	switch {
	case f.code != nil:
		st = New(f.code, "")
	default:
		st = f.status()
	}
	if st == nil {
		return &Status{code: f.unknownDefault(), none: true, from: err}, false
	}
	if st.from != err { // of another type than err, so that comparing them can't panic
		read := *st
		read.from = err
		st = &read
	}
	return st, true
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
	case f.params != nil:
		return f.params
	case f.failed != nil:
		return nil // Encode too ignores what comes after a panic
	case f.received != nil:
		return f.received.status()
	case f.grpc != nil:
		return zeroDecoder.readOwn(f.grpc)
	}
	return nil
}

// ToGRPC returns the gRPC status that a server with errstatus's interceptors and no
// options sends for an error, or nil for nil. See [Encoder].
func ToGRPC(err error) *grpcstatus.Status {
	return new(Encoder).Encode(context.Background(), err).Status()
}

// FromGRPC returns the Status that a client with errstatus's interceptors and no options
// makes of a gRPC status. It is nil for nil and for a status with code OK. See [Decoder].
func FromGRPC(st *grpcstatus.Status) *Status { return zeroDecoder.FromGRPC(st) }
