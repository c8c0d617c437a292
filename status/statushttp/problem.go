package statushttp

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/status"
)

// A problem is the body of [FormProblem].
type problem struct {
	Type     string            `json:"type,omitempty"`
	Title    string            `json:"title"`
	Status   int               `json:"status"`
	Detail   string            `json:"detail"`
	Message  string            `json:"message,omitempty"` // if Locale is set
	Locale   string            `json:"locale,omitempty"`
	Instance string            `json:"instance,omitempty"`
	GRPCCode string            `json:"grpcCode"`
	Code     int32             `json:"code,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Domain   string            `json:"domain,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Errors   []fieldError      `json:"errors,omitempty"`
	Details  []any             `json:"details,omitempty"`
}

// A fieldError is a field violation in a problem.
type fieldError struct {
	Pointer string `json:"pointer"`
	Field   string `json:"field"`
	Detail  string `json:"detail"`
	Message string `json:"message,omitempty"` // if Locale is set
	Locale  string `json:"locale,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// problem returns the problem for a failure. Reading it back gives the same status.
func (w *Writer) problem(httpStatus int, encoded status.Encoded, sent *spb.Status) *problem {
	p := &problem{
		Status:   httpStatus,
		Detail:   sent.GetMessage(),
		GRPCCode: canonicalName(encoded.GRPCCode()),
	}
	for _, detail := range sent.GetDetails() {
		if !p.add(detail) {
			p.Details = append(p.Details, detailJSON(detail))
		}
	}
	p.Title = title(encoded, p)
	if w.TypeURI != nil && p.Reason != "" {
		p.Type = w.typeURI(p.Domain, p.Reason)
	}
	return p
}

// typeURI returns the result of TypeURI, or "" if it panics: a body is written all the same.
func (w *Writer) typeURI(domain, reason string) (uri string) {
	defer func() { _ = recover() }()
	return w.TypeURI(domain, reason)
}

// title returns the text that is the same for each failure with the same code.
func title(encoded status.Encoded, p *problem) string {
	if row := encoded.Row(); row.Message != "" {
		return row.Message
	}
	if p.Reason != "" {
		return words(p.Reason)
	}
	return words(p.GRPCCode)
}

// add puts a detail into the problem's members. It returns false if the members can't hold all
// of the detail.
func (p *problem) add(detail *anypb.Any) bool {
	switch detail.MessageName() {
	case "google.rpc.ErrorInfo":
		return p.addErrorInfo(detail)
	case "google.rpc.LocalizedMessage":
		return p.addLocalizedMessage(detail)
	case "google.rpc.RequestInfo":
		return p.addRequestInfo(detail)
	case "google.rpc.BadRequest":
		return p.addBadRequest(detail)
	}
	return false
}

func (p *problem) addErrorInfo(detail *anypb.Any) bool {
	var info errdetails.ErrorInfo
	if p.Reason != "" || !unpack(detail, &info) || info.GetReason() == "" || info.GetDomain() == "" {
		return false
	}
	p.Reason, p.Domain, p.Metadata = info.GetReason(), info.GetDomain(), info.GetMetadata()
	if number, ok := errorinfo.ParseNumber(p.Metadata[errorinfo.NumberKey]); ok {
		p.Code = number
		delete(p.Metadata, errorinfo.NumberKey)
	}
	return true
}

func (p *problem) addLocalizedMessage(detail *anypb.Any) bool {
	var localized errdetails.LocalizedMessage
	if p.Locale != "" || !unpack(detail, &localized) || !isWhole(&localized) {
		return false
	}
	p.Detail, p.Message, p.Locale = localized.GetMessage(), p.Detail, localized.GetLocale()
	return true
}

// isWhole reports whether a LocalizedMessage has both a text and a language.
func isWhole(localized *errdetails.LocalizedMessage) bool {
	return localized.GetMessage() != "" && localized.GetLocale() != ""
}

func (p *problem) addRequestInfo(detail *anypb.Any) bool {
	var info errdetails.RequestInfo
	if p.Instance != "" || !unpack(detail, &info) || info.GetServingData() != "" {
		return false
	}
	p.Instance = strings.ReplaceAll(url.PathEscape(info.GetRequestId()), ":", "%3A")
	return p.Instance != ""
}

func (p *problem) addBadRequest(detail *anypb.Any) bool {
	var request errdetails.BadRequest
	if p.Errors != nil || !unpack(detail, &request) || slices.ContainsFunc(request.GetFieldViolations(), hasPartialText) {
		return false
	}
	for _, violation := range request.GetFieldViolations() {
		e := fieldError{
			Pointer: pointer(violation.GetField()),
			Field:   violation.GetField(),
			Detail:  violation.GetDescription(),
			Reason:  violation.GetReason(),
		}
		if localized := violation.GetLocalizedMessage(); isWhole(localized) {
			e.Detail, e.Message, e.Locale = localized.GetMessage(), e.Detail, localized.GetLocale()
		}
		p.Errors = append(p.Errors, e)
	}
	return p.Errors != nil
}

// hasPartialText reports whether a violation has a localized message that an error of a problem
// can't hold.
func hasPartialText(violation *errdetails.BadRequest_FieldViolation) bool {
	return violation.GetLocalizedMessage() != nil && !isWhole(violation.GetLocalizedMessage())
}

// pointer returns the path of a field as a JSON pointer in a URI fragment (RFC 6901, section
// 6): "#/items/2/price" for items[2].price, and "#/labels/a.b" for labels["a.b"]. A map key that
// is redacted, as in labels[*].name, ends the pointer: "#/labels".
func pointer(field string) string {
	b := []byte("#")
	for field != "" && !strings.HasPrefix(field, "[*]") {
		var name string
		name, field = cutName(field)
		name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		b = append(append(b, '/'), url.PathEscape(name)...)
	}
	return string(b)
}

// cutName returns the first name, index or map key of a path, and the rest of the path. If
// a bracket isn't closed, all of the path is a name.
func cutName(path string) (name, rest string) {
	if strings.HasPrefix(path, "[") {
		if key, err := strconv.QuotedPrefix(path[1:]); err == nil && strings.HasPrefix(path[1+len(key):], "]") {
			name, _ = strconv.Unquote(key)
			return name, afterName(path[len(key)+2:])
		}
		if end := strings.IndexByte(path, ']'); end > 0 {
			return path[1:end], afterName(path[end+1:])
		}
		return path, ""
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		return path, ""
	}
	return path[:end], afterName(path[end:])
}

// afterName returns the rest of a path without the dot that ends a name.
func afterName(rest string) string { return strings.TrimPrefix(rest, ".") }
