package statushttp

import (
	"encoding/json"
	"net/http"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A Form is a form of JSON in which a Writer writes failures.
type Form uint8

const (
	// FormAIP193 is the form of Google's APIs (AIP-193), with the media type
	// application/json. code is the HTTP status, and status the canonical code:
	//
	//	{"error": {"code": 404, "message": "user \"42\"", "status": "NOT_FOUND", "details": [
	//		{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RECORD_NOT_FOUND",
	//			"domain": "openim.io", "metadata": {"code": "1004"}}]}}
	//
	// A detail of a type that isn't linked into the program, or that can't be written as JSON,
	// has its bytes in base64 as "@value".
	FormAIP193 Form = iota

	// FormProblem is the form of RFC 9457, with the media type application/problem+json:
	//
	//	{"title": "record not found", "status": 404, "detail": "user \"42\"", "instance": "req-7",
	//		"grpcCode": "NOT_FOUND", "code": 1004, "reason": "RECORD_NOT_FOUND", "domain": "openim.io"}
	//
	// Its members are
	//
	//   - type: the result of Writer.TypeURI, if the status has an ErrorInfo.
	//   - title: a text that is the same for each failure with the code: the message of the
	//     code's row. If the status carries no code, the words of the reason or, without an
	//     ErrorInfo, of the canonical code.
	//   - status: the HTTP status.
	//   - detail: the text of the LocalizedMessage if there is one, otherwise the message.
	//   - message and locale: with a LocalizedMessage, the message and the language of detail.
	//   - instance: the request id as a relative URI reference. A colon in it is written %3A,
	//     because a colon would end a scheme.
	//   - grpcCode: the canonical code.
	//   - code, reason, domain and metadata: those of the ErrorInfo. metadata has no "code".
	//   - errors: the field violations of the BadRequest. pointer is the field's path as a
	//     JSON pointer in a URI fragment (RFC 6901), such as "#/items/2/price". field is
	//     the path itself, such as "items[2].price". detail is its description, and reason
	//     its reason. With a localized message, detail is that message, message is the
	//     description, and locale is the language.
	//   - details: all other details as in FormAIP193.
	//
	// Empty members are left out, except for detail.
	FormProblem

	// FormOpenIM is the form of OpenIM's servers, with the media type application/json:
	//
	//	{"errCode": 1004, "errMsg": "user \"42\"", "errDlt": ""}
	//
	// Its HTTP status is always 200, as with OpenIM's own servers: their clients read no
	// body with another. errDlt is the text of [status.OpenIMDetail]. If the status carries
	// no code, errCode is the number of the default table's default row for the canonical
	// code. Nothing else is written: not the domain, the reason, the metadata or other
	// details.
	//
	// FormOpenIM has the same media type as FormAIP193, so that Accept can't choose between
	// them: the first one in Writer.Forms counts.
	FormOpenIM
)

// mediaType returns the value of Content-Type.
func (f Form) mediaType() string {
	if f == FormProblem {
		return "application/problem+json"
	}
	return "application/json"
}

// httpStatus returns the HTTP status of an answer: given or, if that is none of a failure,
// the one for the canonical code. With some others an answer can't have a body, and net/http
// panics for others.
func (f Form) httpStatus(given int, canonical grpccodes.Code) int {
	switch {
	case f == FormOpenIM:
		return http.StatusOK
	case 400 <= given && given <= 599:
		return given
	}
	return Code(canonical)
}

// Marshal returns the body for a failure in a form. It never fails: the result is always valid
// JSON, without newlines, and safe within HTML. Equal failures give equal bytes. An unknown form is
// written as FormAIP193. For success, Marshal returns nil.
func (w *Writer) Marshal(form Form, encoded status.Encoded) []byte {
	return w.marshal(form, form.httpStatus(0, encoded.GRPCCode()), encoded)
}

// marshal is [Writer.Marshal] with the HTTP status that the body names.
func (w *Writer) marshal(form Form, httpStatus int, encoded status.Encoded) []byte {
	sent := encoded.Status().Proto()
	if sent == nil {
		return nil
	}
	var body any
	switch form {
	case FormProblem:
		body = w.problem(httpStatus, encoded, sent)
	case FormOpenIM:
		body = openIM(encoded, sent)
	default:
		body = aip193(httpStatus, encoded, sent)
	}
	b, err := json.Marshal(body)
	if err != nil { // each body has texts, numbers and valid JSON
		panic("statushttp: " + err.Error())
	}
	return b
}

// An aip193Body is the body of FormAIP193.
type aip193Body struct {
	Error aip193Error `json:"error"`
}

type aip193Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Status  string `json:"status"`
	Details []any  `json:"details,omitempty"`
}

func aip193(httpStatus int, encoded status.Encoded, sent *spb.Status) aip193Body {
	e := aip193Error{
		Code:    httpStatus,
		Message: sent.GetMessage(),
		Status:  canonicalName(encoded.GRPCCode()),
	}
	for _, detail := range sent.GetDetails() {
		e.Details = append(e.Details, detailJSON(detail))
	}
	return aip193Body{e}
}

// An openIMBody is the body of FormOpenIM.
type openIMBody struct {
	ErrCode int32  `json:"errCode"`
	ErrMsg  string `json:"errMsg"`
	ErrDlt  string `json:"errDlt"`
}

func openIM(encoded status.Encoded, sent *spb.Status) openIMBody {
	c := encoded.Code()
	if c == nil {
		c = codes.Default().DefaultFor(encoded.GRPCCode())
	}
	detail, _ := status.OpenIMDetail(encoded.Err())
	return openIMBody{ErrCode: int32(c.Number()), ErrMsg: sent.GetMessage(), ErrDlt: detail}
}
