package statushttp

import (
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"
)

// statusClientClosedRequest is the HTTP status of CANCELLED. Package net/http has no name for
// it.
const statusClientClosedRequest = 499

// httpStatuses has the HTTP status of each canonical code.
var httpStatuses = [...]int{
	grpccodes.OK:                 http.StatusOK,
	grpccodes.Canceled:           statusClientClosedRequest,
	grpccodes.Unknown:            http.StatusInternalServerError,
	grpccodes.InvalidArgument:    http.StatusBadRequest,
	grpccodes.DeadlineExceeded:   http.StatusGatewayTimeout,
	grpccodes.NotFound:           http.StatusNotFound,
	grpccodes.AlreadyExists:      http.StatusConflict,
	grpccodes.PermissionDenied:   http.StatusForbidden,
	grpccodes.ResourceExhausted:  http.StatusTooManyRequests,
	grpccodes.FailedPrecondition: http.StatusBadRequest,
	grpccodes.Aborted:            http.StatusConflict,
	grpccodes.OutOfRange:         http.StatusBadRequest,
	grpccodes.Unimplemented:      http.StatusNotImplemented,
	grpccodes.Internal:           http.StatusInternalServerError,
	grpccodes.Unavailable:        http.StatusServiceUnavailable,
	grpccodes.DataLoss:           http.StatusInternalServerError,
	grpccodes.Unauthenticated:    http.StatusUnauthorized,
}

// Code returns the HTTP status for a canonical code: 404 for NOT_FOUND. It is the map of
// google/rpc/code.proto, which grpc-gateway and Connect have too. OK is 200, and a number
// outside of 0..16 is 500.
func Code(canonical grpccodes.Code) int {
	if int(canonical) < len(httpStatuses) {
		return httpStatuses[canonical]
	}
	return http.StatusInternalServerError
}

// canonicalOf returns the canonical code for an HTTP status of an answer whose body names
// none. It is the map of Google's API client libraries (HttpJsonStatusCode in gax-java), except
// for 502: a gateway that gets no answer is UNAVAILABLE, as in gRPC's own map.
func canonicalOf(httpStatus int) grpccodes.Code {
	switch httpStatus {
	case http.StatusBadRequest:
		return grpccodes.InvalidArgument
	case http.StatusUnauthorized:
		return grpccodes.Unauthenticated
	case http.StatusForbidden:
		return grpccodes.PermissionDenied
	case http.StatusNotFound:
		return grpccodes.NotFound
	case http.StatusConflict:
		return grpccodes.Aborted
	case http.StatusRequestedRangeNotSatisfiable:
		return grpccodes.OutOfRange
	case http.StatusTooManyRequests:
		return grpccodes.ResourceExhausted
	case statusClientClosedRequest:
		return grpccodes.Canceled
	case http.StatusNotImplemented:
		return grpccodes.Unimplemented
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return grpccodes.Unavailable
	case http.StatusGatewayTimeout:
		return grpccodes.DeadlineExceeded
	}
	switch httpStatus / 100 {
	case 4:
		return grpccodes.FailedPrecondition
	case 5:
		return grpccodes.Internal
	}
	return grpccodes.Unknown
}

// canonicalName returns the name of a canonical code in protobuf, such as "NOT_FOUND".
func canonicalName(c grpccodes.Code) string { return code.Code(c).String() }

// canonicalNamed returns the canonical code with a name, such as "NOT_FOUND" or Connect's
// "not_found". OK is no failure, so that ok is false for it.
func canonicalNamed(name string) (c grpccodes.Code, ok bool) {
	name = strings.Map(upperSnake, name)
	if name == "CANCELED" { // Connect's spelling
		return grpccodes.Canceled, true
	}
	number := code.Code_value[name]
	return grpccodes.Code(number), number != 0
}

// upperSnake returns a character of a name in upper snake case. Characters outside of ASCII stay:
// in Unicode, some of them are lower-case forms of A to Z.
func upperSnake(r rune) rune {
	switch {
	case r == '-':
		return '_'
	case 'a' <= r && r <= 'z':
		return r - 'a' + 'A'
	}
	return r
}

// words returns a name in upper snake case as words: "not found" for NOT_FOUND.
func words(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", " ")) }
