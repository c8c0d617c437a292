package interceptor

import (
	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// WithValidationMapping gives a code to what protovalidate's interceptors return for an invalid
// request: a gRPC status with a buf.validate.Violations among its details.
//
//	interceptor.WithValidationMapping(codes.Args)
//
// The caller gets the code, and two details: a google.rpc.BadRequest with a violation for each
// of protovalidate's, and after it the original detail. The first is for callers that don't
// know protovalidate; [status.FieldViolations] says what its fields, reasons and descriptions
// are. If the status is too large, the original detail is dropped before any violation of the
// BadRequest. Other details of the status are kept. If it has a BadRequest with violations
// already, that one is sent.
//
// The message says how many fields are invalid: "3 fields are invalid". A field with several
// violations counts once. If no violation names a field, it is "the request is invalid". The
// message of the code's row isn't used. The status's own text, which can have map keys of the
// request, isn't sent. Like all that a rule matches, it is logged only if the code's row makes
// the server responsible.
//
// The original detail is sent as the validator wrote it: with the map keys, which the BadRequest
// doesn't have. They are the caller's own.
//
// The mapping is a rule: see [WithErrorMapping] on their order. It doesn't apply to the
// status of an upstream that this module's client decoded, nor to a status that has an
// ErrorInfo. If evaluating a protovalidate rule fails, protovalidate's interceptor returns
// INTERNAL with the text of the error. That is no violation: [WithWithheldMessages]
// withholds the text.
//
// WithValidationMapping panics if the code is nil, NoError or negative, or has no table.
func WithValidationMapping(code codes.Code) ServerOption {
	checkCode("WithValidationMapping(", code)
	return serverOption(func(s *Server) {
		s.encoder.Rules = append(s.encoder.Rules, status.ValidationRule(code))
	})
}
