package statushttp

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// isFailure reports whether an HTTP status says that a request has failed. Otherwise only a
// code in the body makes a failure.
func isFailure(httpStatus int) bool { return httpStatus >= http.StatusBadRequest }

// parse returns the status in the body of an answer, or nil if the answer is a success. The
// code is never OK. named reports whether the code is the body's. Otherwise it follows from
// the HTTP status.
func parse(httpStatus int, body []byte) (st *spb.Status, named bool) {
	st = readBody(httpStatus, parseBody(body[:min(len(body), maxBody)]))
	switch {
	case st.GetCode() != 0:
		return st, true
	case !isFailure(httpStatus):
		return nil, false
	case st == nil:
		st = &spb.Status{Message: statusText(httpStatus)}
	}
	st.Code = int32(canonicalOf(httpStatus))
	return st, false
}

// readBody returns the status in a body, or nil if the body is in none of the forms. The code
// is 0 if the body has none that counts.
func readBody(httpStatus int, o object) *spb.Status {
	for _, read := range []func(int, object) *spb.Status{readAIP193, readProblem, readStatus} {
		if st := read(httpStatus, o); st != nil {
			return st
		}
	}
	return nil
}

// statusText returns the text of an HTTP status, such as "Bad Gateway".
func statusText(httpStatus int) string {
	if text := http.StatusText(httpStatus); text != "" {
		return text
	}
	return "HTTP status " + strconv.Itoa(httpStatus)
}

// An object is a JSON object. A nil object has no members.
type object map[string]json.RawMessage

// parseBody returns the object in a body, or nil if there is none. Google's APIs send the failure
// of a stream as an array of one object.
func parseBody(body []byte) object {
	if o := parseObject(body); o != nil {
		return o
	}
	var list []json.RawMessage
	if json.Unmarshal(body, &list) != nil || len(list) != 1 {
		return nil
	}
	return parseObject(list[0])
}

// parseObject returns a JSON object, or nil if b isn't one.
func parseObject(b []byte) object {
	var o object
	if json.Unmarshal(b, &o) != nil {
		return nil
	}
	return o
}

// text returns a string member, or "".
func (o object) text(name string) string {
	var text string
	if !o.has(name) || json.Unmarshal(o[name], &text) != nil {
		return ""
	}
	return text
}

// has reports whether there is a member that isn't null.
func (o object) has(name string) bool { return len(o[name]) > 0 && string(o[name]) != "null" }

// number returns a member that is an int32. ok is false if there is none.
func (o object) number(name string) (number int32, ok bool) {
	if !o.has(name) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(o[name]), 10, 32)
	return int32(n), err == nil
}

// maxElements is how many elements of a list are read. A status that a gRPC peer accepts has
// far fewer details and violations.
const maxElements = 1000

// list returns the first elements of a member.
func (o object) list(name string) []json.RawMessage {
	var list []json.RawMessage
	if !o.has(name) || json.Unmarshal(o[name], &list) != nil {
		return nil
	}
	return list[:min(len(list), maxElements)]
}

// readAIP193 reads FormAIP193, and the chunk by which grpc-gateway ends a stream. Older APIs of
// Google have no status in it: then the HTTP status counts.
func readAIP193(httpStatus int, o object) *spb.Status {
	e := parseObject(o["error"])
	canonical, ok := canonicalNamed(e.text("status"))
	if !ok {
		return readStatus(httpStatus, e)
	}
	return &spb.Status{Code: int32(canonical), Message: e.text("message"), Details: readDetails(e.list("details"))}
}

// readStatus reads a google.rpc.Status and an error of Connect.
func readStatus(httpStatus int, o object) *spb.Status {
	details := readDetails(o.list("details"))
	code, ok := statusCode(httpStatus, o, details)
	if !ok {
		return nil
	}
	return &spb.Status{Code: code, Message: o.text("message"), Details: details}
}

// statusCode returns the code of an object in the form of a status, or 0 if it has none that
// counts. ok is false if the object isn't in that form.
//
// The errors of many services have numbers of their own. So a number alone isn't enough. A
// number of gRPC counts if the HTTP status or a detail confirms it. A raw number counts only
// beside an ErrorInfo.
func statusCode(httpStatus int, o object, details []*anypb.Any) (code int32, ok bool) {
	if canonical, ok := canonicalNamed(o.text("code")); ok {
		return int32(canonical), true
	}
	number, isNumber := o.number("code")
	isGRPC := 0 <= number && number <= int32(grpccodes.Unauthenticated)
	confirmed := len(details) > 0 || Code(grpccodes.Code(number)) == httpStatus || !isFailure(httpStatus)
	switch {
	case !isNumber || !o.has("message") && len(details) == 0:
		return 0, false
	case isGRPC && number != 0 && confirmed, !isGRPC && hasErrorInfo(details):
		return number, true
	}
	ok = isGRPC || int(number) == httpStatus || len(details) > 0
	return 0, ok && isFailure(httpStatus)
}

// hasErrorInfo reports whether one of the details is an ErrorInfo: Google's, or OpenIM's, which
// its servers send with a raw number.
func hasErrorInfo(details []*anypb.Any) bool {
	return slices.ContainsFunc(details, func(detail *anypb.Any) bool {
		name := detail.MessageName()
		return name == errorinfo.TypeName || name == "openim.protobuf.ErrorInfo"
	})
}

// readDetails returns the details in a list, without those that can't be read.
func readDetails(list []json.RawMessage) []*anypb.Any {
	var details []*anypb.Any
	for _, element := range list {
		if detail := readDetail(element); detail != nil {
			details = append(details, detail)
		}
	}
	return details
}

// maxDepth is the depth at which a detail's JSON is no longer read. Protobuf's libraries in
// other languages have the same limit.
const maxDepth = 100

// readDetail returns a detail as protobuf's JSON has it, as detailJSON writes the bytes of an
// unknown type, or as Connect writes it. It returns nil if it can't be read.
func readDetail(element json.RawMessage) *anypb.Any {
	o := parseObject(element)
	switch {
	case o.has("@value"):
		return opaque(o.text("@type"), o["@value"])
	case o.has("@type"):
		detail := new(anypb.Any)
		options := protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}
		if options.Unmarshal(element, detail) != nil {
			return nil
		}
		return detail
	case o.has("value") && o.text("type") != "":
		return opaque("type.googleapis.com/"+o.text("type"), o["value"])
	}
	return nil
}

// opaque returns a detail with bytes in base64, with or without padding. It returns nil if
// they aren't base64.
func opaque(typeURL string, value json.RawMessage) *anypb.Any {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return nil
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return &anypb.Any{TypeUrl: typeURL, Value: b}
}

// readProblem reads FormProblem and other problems of RFC 9457. The ErrorInfo comes first among
// the details.
func readProblem(httpStatus int, o object) *spb.Status {
	message, title := o.text("detail"), o.text("title")
	if message == "" && title == "" {
		return nil
	}
	if !o.has("detail") {
		message = title
	}
	canonical, ok := canonicalNamed(o.text("grpcCode")) // ok: it is a FormProblem
	if !ok && !isFailure(httpStatus) {
		return nil
	}
	var members []proto.Message
	if info := readErrorInfo(o); info != nil {
		members = append(members, info)
	}
	if id, err := url.PathUnescape(o.text("instance")); ok && err == nil && id != "" {
		members = append(members, &errdetails.RequestInfo{RequestId: id})
	}
	if violations := readErrors(o.list("errors"), ok); violations != nil {
		members = append(members, &errdetails.BadRequest{FieldViolations: violations})
	}
	if localized := readLocalized(o); ok && localized != nil {
		message = o.text("message")
		members = append(members, localized)
	}
	return &spb.Status{Code: int32(canonical), Message: message, Details: append(pack(members...), readDetails(o.list("details"))...)}
}

// pack returns messages as details. Their texts come from JSON, and are valid UTF-8. Equal
// messages give equal bytes.
func pack(messages ...proto.Message) []*anypb.Any {
	var details []*anypb.Any
	for _, message := range messages {
		detail := new(anypb.Any)
		if anypb.MarshalFrom(detail, message, proto.MarshalOptions{Deterministic: true}) == nil {
			details = append(details, detail)
		}
	}
	return details
}

// readErrorInfo returns the ErrorInfo in a problem, or nil if there is none.
func readErrorInfo(o object) *errdetails.ErrorInfo {
	info := &errdetails.ErrorInfo{Reason: o.text("reason"), Domain: o.text("domain")}
	if info.Reason == "" || info.Domain == "" {
		return nil
	}
	metadata := parseObject(o["metadata"])
	info.Metadata = make(map[string]string, len(metadata)+1)
	for key := range metadata {
		info.Metadata[key] = metadata.text(key)
	}
	if number, ok := o.number("code"); ok {
		info.Metadata[errorinfo.NumberKey] = strconv.Itoa(int(number))
	}
	return info
}

// readLocalized returns the localized text in a problem, or in one of its errors, or nil if
// there is none.
func readLocalized(o object) *errdetails.LocalizedMessage {
	localized := &errdetails.LocalizedMessage{Locale: o.text("locale"), Message: o.text("detail")}
	if !isWhole(localized) {
		return nil
	}
	return localized
}

// readErrors returns the field violations in a problem. own reports whether it is a FormProblem:
// only that has localized messages. An error of another server has no field: then the pointer
// names it.
func readErrors(list []json.RawMessage, own bool) []*errdetails.BadRequest_FieldViolation {
	var violations []*errdetails.BadRequest_FieldViolation
	for _, element := range list {
		o := parseObject(element)
		if !o.has("field") && !o.has("pointer") && !o.has("detail") && !o.has("reason") {
			continue
		}
		violation := &errdetails.BadRequest_FieldViolation{
			Field:       o.text("field"),
			Description: o.text("detail"),
			Reason:      o.text("reason"),
		}
		if localized := readLocalized(o); own && localized != nil {
			violation.Description, violation.LocalizedMessage = o.text("message"), localized
		}
		if !o.has("field") {
			violation.Field = o.text("pointer")
		}
		violations = append(violations, violation)
	}
	return violations
}

// maxRetryAfter bounds the delay of a Retry-After header, as [status.RetryDelay] bounds
// that of a RetryInfo.
const maxRetryAfter = 24 * time.Hour

// retryAfter returns the delay in a Retry-After header: a number of seconds, or a time after
// that of the Date header. ok is false if there is none.
func retryAfter(h http.Header) (delay time.Duration, ok bool) {
	value := h.Get("Retry-After")
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, _ := strconv.ParseUint(value, 10, 64) // the largest one, if value is larger
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}
