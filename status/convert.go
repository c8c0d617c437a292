package status

import (
	"context"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// Code is the code of an error, of whatever enum it is; it is never nil:
//
//   - NoError for nil;
//   - the first code that is stated in err in this process: a bare code or that
//     of a [Status];
//   - that of the first received status;
//   - for a gRPC status that nobody decoded, what a client interceptor would make
//     of it;
//   - SdkUnknownCode for any other error, and for one with a method that panics
//     before a code is found.
//
// For a metric's label, the code's name is that of its row:
//
//	row, _ := code.Table().Lookup(code.Number())
//
// A cause's code doesn't count where the error around it has its own, unlike
// with errors.Is, which looks at the whole tree.
func Code(err error) codes.Code {
	switch e := err.(type) { // what a search finds first
	case nil:
		return codes.NoError
	case *receivedError:
		return e.code()
	}
	if f := find(err); f.code != nil {
		return f.code
	} else if st := f.statusOf(); st != nil {
		return st.code
	}
	return codes.SdkUnknownCode
}

// FromError is the status of an error; ok tells whether the error has one.
//
//   - nil is a nil Status, and ok;
//   - a code or a [Status] that is stated in err, under %w or errors.Join too, is
//     that, with its own message and not the text around it;
//   - a gRPC status is decoded as by a client interceptor with the default table;
//   - any other error is SdkUnknownCode with that code's message, and not ok: its
//     text may be private.
func FromError(err error) (st *Status, ok bool) {
	if err == nil {
		return nil, true
	}
	f := find(err)
	if f.code != nil {
		return New(f.code, ""), true
	}
	if st := f.statusOf(); st != nil {
		return st, true
	}
	return New(codes.SdkUnknownCode, ""), false
}

// Convert is [FromError] for one who doesn't ask whether the error has a status.
// It is nil only for nil.
func Convert(err error) *Status {
	st, _ := FromError(err)
	return st
}

// statusOf is the status that was found, nil if there was none.
func (f *finding) statusOf() *Status {
	switch {
	case f.resolved != nil:
		return f.resolved.status()
	case f.stated != nil:
		return &f.stated.st
	case f.failed != nil:
		return nil // as on a server: what it says after that is not heard
	case f.received != nil:
		return f.received.status()
	case f.restated != nil:
		return &f.restated.st
	}
	return FromGRPC(f.grpc)
}

// ToGRPC is the gRPC status that a server with our interceptors and no options
// sends for an error; see [Encoder]. It is nil for nil.
func ToGRPC(err error) *grpcstatus.Status {
	return new(Encoder).Encode(context.Background(), err).Status
}

// FromGRPC is what a client with our interceptors and no options makes of a gRPC
// status; see [Decoder]. It is nil for nil and for a status with code OK.
func FromGRPC(st *grpcstatus.Status) *Status { return new(Decoder).FromGRPC(st) }
