package statushttp

import (
	"context"
	"errors"
	"io"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/status"
)

// maxBody is the size of the largest body that is read.
const maxBody = 64 << 10

// A Reader reads failures from HTTP answers. The zero Reader is ready to use, and nil stands for
// it. A Reader is safe for concurrent use as long as its fields are not changed.
type Reader struct {
	// Decoder has the tables of the codes that the Reader knows, and says how far the
	// server is trusted. nil stands for the default table and [status.TrustNone]: a handler
	// that returns the error unchanged forwards nothing of it. Its AssumeCodes holds only
	// for a canonical code that counts in the body; see [Reader.Unmarshal].
	Decoder *status.Decoder
}

// CheckResponse is [Reader.CheckResponse] of the zero Reader: it knows the default table,
// and a handler that returns the error forwards nothing of it.
func CheckResponse(resp *http.Response) error { return (*Reader)(nil).CheckResponse(resp) }

// CheckResponse returns the error in an answer, and nil for an HTTP status below 400:
//
//	resp, err := client.Do(req)
//	if err != nil {
//		return err
//	}
//	defer resp.Body.Close()
//	if err := statushttp.CheckResponse(resp); err != nil {
//		return err
//	}
//
// It reads at most 64 KiB of the body, and doesn't close it: the caller does. For an HTTP
// status below 400 it reads nothing. So it returns nil for each answer in FormOpenIM.
// [Reader.Unmarshal] says what it recognizes. If the body has no RetryInfo, the Retry-After
// header becomes one, of at most 24 hours.
//
// If a context ends while the body is read, the error is CANCELLED or DEADLINE_EXCEEDED. For the
// context of the request, errors.Is finds the context's error too. If reading fails for another
// reason, what was read counts. It is no JSON in general: then the HTTP status decides.
func (r *Reader) CheckResponse(resp *http.Response) error {
	if !isFailure(resp.StatusCode) {
		return nil
	}
	ctx := context.Background()
	if resp.Request != nil {
		ctx = resp.Request.Context()
	}
	var body []byte
	if resp.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
		if ended := contextError(ctx, err); ended != nil {
			return r.decode(ctx, grpcstatus.FromContextError(ended).Proto(), false)
		}
	}
	received, named := parse(resp.StatusCode, body)
	addRetryAfter(received, resp.Header)
	return r.decode(ctx, received, named)
}

// contextError returns the context error because of which reading a body has failed with err.
// It is nil if err is nil or has another reason. An http.Client with a Timeout ends a context of
// its own.
func contextError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return nil
}

// Unmarshal returns the error in the body of an answer. For an HTTP status of 400 and above,
// it is never nil. Below 400, it is nil unless the body is in one of the forms and has a gRPC
// code that isn't OK. So Unmarshal can read each line of grpc-gateway's stream. ctx is the
// context of the request; see [status.Decoder.Decode]. Unmarshal recognizes these forms,
// whatever the Content-Type says:
//
//   - FormAIP193, as Google's APIs send it too. Also in an array of one element, as they
//     send it in a stream.
//   - FormProblem, and any other problem of RFC 9457: its detail or title is the message. Only
//     with a canonical code as grpcCode can it have localized texts and a request id.
//   - google.rpc.Status as JSON, as grpc-gateway sends it: code is a number of gRPC. Also
//     in an "error" member, as grpc-gateway sends it in a stream.
//   - The errors of Connect: code is a name, such as "not_found".
//
// If the body names the canonical code, as FormAIP193, FormProblem and Connect do, that
// counts, whatever the HTTP status is. Numbers are less certain, because many services have
// their own:
//
//   - 1 to 16 is a canonical code if its HTTP status is that of the answer, if the status has
//     a detail that can be read, or if the HTTP status is below 400.
//   - A number outside of 0..16 counts, as a raw number, if a google.rpc.ErrorInfo or an
//     openim.protobuf.ErrorInfo is among the details that can be read. Without one, and without
//     any detail, the body is in none of the forms, unless the number is the HTTP status.
//
// If the body is in one of the forms and has no canonical code that counts, the canonical
// code follows from the HTTP status: 404 means NOT_FOUND. The message and the details are
// those of the body. A domain code comes from the details, or from the reason and the domain
// of a problem. The Decoder's AssumeCodes assumes none: a proxy or another service may have
// written the body.
//
// For a body in none of the forms, the canonical code follows from the HTTP status too. The
// error carries no domain code, and its message is the text of the HTTP status. So a body of
// HTML, an empty one, one that isn't JSON and one of over 64 KiB don't reach the error.
//
// Unmarshal reads at most 1,000 details and 1,000 field violations. A detail in the form of
// protobuf's JSON whose type isn't linked into the program is dropped, because its bytes
// can't be made. So is a malformed detail. One with "@value" is kept. The others of the
// status remain.
func (r *Reader) Unmarshal(ctx context.Context, httpStatus int, body []byte) error {
	received, named := parse(httpStatus, body)
	if received == nil {
		return nil
	}
	return r.decode(ctx, received, named)
}

// decode returns the error in a status. named reports whether the server named its code.
func (r *Reader) decode(ctx context.Context, received *spb.Status, named bool) error {
	decoder := status.Decoder{Trust: status.TrustNone}
	if r != nil && r.Decoder != nil {
		decoder = *r.Decoder
	}
	decoder.AssumeCodes = decoder.AssumeCodes && named
	return decoder.Decode(ctx, grpcstatus.ErrorProto(received))
}

// addRetryAfter adds the Retry-After header to a status without RetryInfo.
func addRetryAfter(received *spb.Status, h http.Header) {
	var info errdetails.RetryInfo
	if find(received.GetDetails(), &info) {
		return
	}
	if delay, ok := retryAfter(h); ok {
		received.Details = append(received.Details, pack(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})...)
	}
}
