// Package status carries domain errors over gRPC. It has the functions of gRPC's package
// of the same name, such as New, Errorf, Code and FromError, for the codes of package
// codes:
//
//	return nil, status.Errorf(codes.RecordNotFound, "user %q", id)
//	return nil, status.Wrap(err, codes.SrvDatabase, "loading the user")
//	return nil, status.Errorf(codes.SrvDatabase, "user %q: %w", id, err) // err is not sent
//	return nil, status.New(codes.Args, "").WithFieldViolation("name", "REQUIRED", "must not be empty").Err()
//	return nil, status.With(billing.CardDeclinedError{Card: "4242"}).Wrap(err)
//
//	switch status.Code(err) {
//	case codes.TokenExpired:
//		refresh()
//	case codes.NoError:
//		done()
//	}
//
// [Code], [Declared], errors.Is and errors.As find the domain code that a server sent, and
// errors.As also its parameters; see [With]. A
// status from a proxy, from a server without errstatus or from gRPC itself carries none.
// Ask gRPC's own status.Code for its canonical code.
//
// # Public and private
//
// Public text may be sent to the caller. Private text is never sent:
//
//   - The message of a [Status], its details and its metadata are public. So are the
//     parameters of a code; see [With].
//   - A cause, given to [Wrap] or as the operand of %w, is private. It is in the error's
//     chain, in its LogValue and in what %+v prints.
//   - The text that fmt.Errorf puts around an error is private.
//   - What was received from an upstream is sent only if the [Trust] in its connection lets
//     it pass, also from a Status that this process has changed.
//
// # What always holds
//
//   - [Code] never returns NoError for a non-nil error. [Status.Err] returns nil for
//     NoError, except if [Newf] gave the Status a cause.
//   - A status that carries no code is never taken for one that does. Then [Code] returns the
//     UNKNOWN default, [Declared] reports false, and errors.Is and errors.As find no code.
//   - [Convert] followed by [Status.Err] returns the error itself, unless a With method was
//     called.
//   - The text of a decoded error that carries no code is gRPC's own, byte for byte.
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
//     OpenIM's servers send it. It carries a code only if a table has a row for it.
//   - State: an error of this process states a code if it is one, has a Status with one, or
//     is a [codes.Params].
//   - Parameters: the values of the named parts of a code's template, such as the card in
//     "card {card} was declined".
//   - Carry: a received status carries a code if its ErrorInfo or its raw number identifies
//     a domain code, or if the connection assumes one.
//   - Assumed code: the default code for the canonical code of a status without any
//     ErrorInfo. Only a connection with interceptor.WithAssumedCodes assumes codes; see
//     [Decoder.AssumeCodes].
//   - Restate: to make a Status of this process from a received one, with a With method or
//     Wrap. It keeps what was received, and where that came from; see [Status.WithMessage].
//   - Default code: a table marks at most one code as default for each canonical code.
//   - INTERNAL default: the table's default code for INTERNAL. In the default table it is
//     ServerInternal.
//   - UNKNOWN default: the table's default code for UNKNOWN. In the default table it is
//     SdkUnknownCode.
//   - Fallback code: the code that a table without a default row for INTERNAL or UNKNOWN uses
//     instead. Its number is negative. No status carries it. A server sends INTERNAL for it,
//     with the reason INTERNAL, the table's domain and no number.
//   - Parameter: a named part of a code's template, such as card in "card {card} was
//     declined". Parameter error: the generated struct type for a code with a template, such
//     as CardDeclinedError; see [With].
//   - Canonical form: grpc-status is a canonical code.
//   - Numeric form: grpc-status is a raw number, and the details begin with an
//     openim.protobuf.ErrorInfo and a google.rpc.ErrorInfo.
//   - Caller: who called this process. Upstream: a service that this process calls.
//   - Forward: to send an upstream's status to the caller.
//   - Withhold: to send a fixed message instead of an error's own text, which is private.
//   - Amendment: what a server adds to each decided status, such as a request id; see
//     [Encoder.Amendments]. The [Encoder.Localizer] is one that runs after the others.
//   - Pushback: the trailer grpc-retry-pushback-ms, by which a server tells gRPC's native
//     retries how long to wait (gRFC A6).
//
// # Two directions
//
// [ToGRPC] and [FromGRPC] convert between a domain error and a gRPC status. [Encoder] and
// [Decoder] do the same with your own tables and rules for other packages' errors. The
// interceptors use them, and so can a gateway or a test.
package status
