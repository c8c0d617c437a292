// Package status carries domain errors over gRPC. It has the functions of gRPC's package
// of the same name, such as New, Errorf, Code and FromError, for the codes of package
// codes:
//
//	return nil, status.Errorf(codes.RecordNotFound, "user %q", id)
//	return nil, status.Wrap(err, codes.SrvDatabase, "loading the user")
//	return nil, status.New(codes.Args, "bad request").WithDetails(badRequest).Err()
//
//	switch status.Code(err) {
//	case codes.TokenExpired:
//		refresh()
//	case codes.NoError:
//		done()
//	}
//
// # Public and private
//
// Public text may be sent to the caller. Private text is never sent:
//
//   - The message of a [Status], its details and its metadata are public.
//   - A cause, given to [Wrap], is private. It is in the error's chain, in its LogValue
//     and in what %+v prints.
//   - The text that fmt.Errorf puts around an error is private.
//
// # What always holds
//
//   - [Code] never returns NoError for a non-nil error, and [Status.Err] returns nil for a
//     Status with NoError.
//   - Returning NoError as an error is a bug. Functions that look for a code ignore it.
//   - A [Status] is immutable. Its methods are safe on nil, which is success.
//   - No function returns an error that holds a nil pointer.
//   - Functions that look for a code search the error's tree depth first. They visit an
//     error before the errors that it wraps, and joined errors in order. They stop after
//     64 levels or 1,000 errors, and at a method that panics.
//
// # Vocabulary
//
// Each term has one meaning:
//
//   - Domain code: a value of an enum such as [codes.ErrorCode]. It has a number, a name,
//     a reason and a row in a table. "Code" alone means a domain code.
//   - Canonical code: one of gRPC's codes 0 to 16.
//   - Raw number: a domain code's number in grpc-status itself, outside of 0 to 16.
//     OpenIM's servers send it.
//   - State: an error of this process states a code if it is one, or has a Status with one.
//   - Carry: a received status carries a code if its ErrorInfo or its raw number identifies
//     a domain code.
//   - Default code: a table marks at most one code as default for each canonical code.
//   - INTERNAL default: the table's default code for INTERNAL. In the default table it is
//     ServerInternal.
//   - Assumed code: the default code for the canonical code of a status that carries no
//     code.
//   - Canonical form: grpc-status is a canonical code.
//   - Numeric form: grpc-status is a raw number, and the details begin with an
//     openim.protobuf.ErrorInfo and a google.rpc.ErrorInfo.
//   - Caller: who called this process. Upstream: a service that this process calls.
//   - Forward: to send an upstream's status to the caller.
//   - Withhold: to send a fixed message instead of an error's own text, which is private.
//   - Pushback: the trailer grpc-retry-pushback-ms, by which a server tells gRPC's native
//     retries how long to wait (gRFC A6).
//
// # Two directions
//
// [ToGRPC] and [FromGRPC] convert between a domain error and a gRPC status. [Encoder] and
// [Decoder] do the same with your own tables and rules for other packages' errors. The
// interceptors use them, and so can a gateway or a test.
package status
