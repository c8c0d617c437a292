// Package status carries domain errors over gRPC. It has the verbs of gRPC's package of
// the same name, for the codes of package codes:
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
// The caller reads what is public. Everything else stays in this process:
//
//   - The message of a [Status], its details and its metadata are public.
//   - A cause, given to [Wrap], is private. It is in the error's chain, in its LogValue
//     and in what %+v prints.
//   - The text that fmt.Errorf puts around an error is private.
//
// # What always holds
//
//   - A non-nil error never has the code NoError, and a Status with NoError never becomes
//     an error. NoError returned as an error is a bug, and is ignored where a code is
//     searched for.
//   - A [Status] is immutable. Its methods are safe on nil, which is success.
//   - No function returns an error that holds a nil pointer.
//   - An error is searched depth first: an error before what it wraps, joined errors in
//     order, through at most 64 levels and 1,000 errors. If a method of an error panics,
//     the search ends there.
//
// # Vocabulary
//
// These pages use each of these terms for one thing:
//
//   - Domain code: a value of an enum such as [codes.ErrorCode]. It has a number, a name,
//     a reason and a row in a table. "Code" alone means a domain code.
//   - Canonical code: one of gRPC's codes 0 to 16.
//   - Carry: a status carries a code if its ErrorInfo or a raw number identifies a domain
//     code.
//   - Assumed code: the code that a client takes for that of a status that carries none.
//     It is the table's default code for the canonical code.
//   - Raw number: a domain number in grpc-status itself, outside of 0 to 16, as OpenIM's
//     servers send it.
//   - Numeric form: a status with a raw number, OpenIM's own detail and errstatus's
//     ErrorInfo. The canonical form is what errstatus sends otherwise.
//   - Caller: who called this process. Upstream: a service that this process calls.
//   - Withheld: a failure whose own text is private, so that the caller reads a fixed
//     message.
//   - INTERNAL default: the table's default row for INTERNAL. In the default table it is
//     ServerInternal.
//
// # Two directions
//
// [ToGRPC] and [FromGRPC] convert between a domain error and a gRPC status. [Encoder] and
// [Decoder] do the same with your own tables and rules. The interceptors use them, and so
// can a gateway or a test.
package status
