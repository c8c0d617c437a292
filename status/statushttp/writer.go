package statushttp

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/httpheader"
	"github.com/errstatus/errstatus/status"
)

// An Encoder decides what callers get. *interceptor.Server is one: then HTTP requests and
// gRPC calls have the same rules, log and observers. Encode must be safe for concurrent use. It
// returns success for nil only.
type Encoder interface {
	// Encode decides what the caller gets for err. ctx is the request's context. method is
	// the name under which the request is logged, in the form of gRPC's names: see
	// [Writer.Write].
	Encode(ctx context.Context, method string, err error) status.Encoded
}

// A Writer writes failures as HTTP answers. The zero Writer is ready to use. The methods of a
// nil *Writer panic. A Writer is safe for concurrent use as long as its fields are not changed.
type Writer struct {
	// Encoder decides what callers get. If it is nil, the zero [status.Encoder] decides, and
	// the Writer logs through slog.Default what [status.Encoded.LogLevel] says.
	Encoder Encoder

	// Forms are the forms that a caller may choose by its Accept header. The first one is
	// the default. If Forms is empty, the forms are FormAIP193 and FormProblem.
	Forms []Form

	// TypeURI returns the type of a problem, for example the address of a page about the
	// reason. It is called for a status with an ErrorInfo, concurrently. If it is nil or
	// returns "" or panics, the problem has no type, which means "about:blank". See
	// [FormProblem].
	TypeURI func(domain, reason string) string

	// Challenge is the value of WWW-Authenticate in an answer with the HTTP status 401, such
	// as `Bearer realm="shop"`. If it is empty, or if the header is set already, the
	// header isn't changed.
	Challenge string
}

// defaultForms are the forms of a Writer without Forms.
var defaultForms = []Form{FormAIP193, FormProblem}

// forms returns the forms, at least one.
func (w *Writer) forms() []Form {
	if len(w.Forms) == 0 {
		return defaultForms
	}
	return w.Forms
}

// Write writes what the caller gets for the error of a handler, and nothing for nil. The
// Encoder decides what that is, with the request's own context, and logs private text.
// [Writer.WriteEncoded] has the rest.
//
// Write puts the request's headers into the context's incoming gRPC metadata, so that a localizer
// and a function for request ids find them as on a gRPC server. Names that begin with "grpc-" or
// end with "-bin" mean something else there, and are left out. A key that the metadata has
// already stays unchanged. All other values are the client's: trust nothing because of them.
//
// The Encoder gets "/http/" and the request's Pattern as the method's name, such as
// "/http/GET /users/{id}": the log then has grpc.service=http. For a request without a
// Pattern it gets "/http/" and the HTTP method, or "_OTHER" for one that RFC 9110 doesn't
// have.
//
// If headers were written before, the failure is logged and observed all the same.
func (w *Writer) Write(rw http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		w.WriteEncoded(rw, r, 0, w.encode(r, err))
	}
}

// encode decides what the caller of r gets for err.
func (w *Writer) encode(r *http.Request, err error) status.Encoded {
	ctx := withHeaders(r)
	if w.Encoder != nil {
		return w.Encoder.Encode(ctx, "/http/"+requestName(r), err)
	}
	var encoder status.Encoder
	encoded := encoder.Encode(ctx, err)
	if level, ok := encoded.LogLevel(); ok {
		slog.Default().LogAttrs(ctx, level, "http: request failed",
			slog.String("http.request", requestName(r)), slog.Any("error", encoded.Err()))
	}
	return encoded
}

// withHeaders returns the context of a request, with its headers in the incoming metadata. What
// the metadata has already wins: a middleware of this process has put it there. gRPC keeps
// names with grpc- for itself, and decodes the values of names with -bin.
func withHeaders(r *http.Request) context.Context {
	md := httpheader.Metadata(r.Header)
	before, _ := metadata.FromIncomingContext(r.Context())
	maps.Copy(md, before)
	return metadata.NewIncomingContext(r.Context(), md)
}

// requestName returns the name under which a request is logged and counted. There are as many
// names as the program has patterns: the caller can't make others.
func requestName(r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "_OTHER"
}

// WriteEncoded writes a failure that is already decided, and nothing for success. It writes
// the form that the request accepts, as RFC 9110, section 12.5.1, says. If it accepts none,
// the answer has the first form. httpStatus is the HTTP status, in the body too. 0, and any
// other number outside of 400..599, stands for that of [Code]. FormOpenIM has its own.
// Headers are
//
//   - Content-Type, and X-Content-Type-Options: nosniff.
//   - Retry-After, from the RetryInfo that is sent: whole seconds, rounded up, at least 1.
//   - WWW-Authenticate with the Challenge, for the HTTP status 401.
//   - Vary: Accept, if there are several forms.
//   - Content-Language, and Vary: Accept-Language, if a text was localized.
//
// Headers that describe the body of a success are removed, such as Content-Length, Etag and
// Cache-Control. Of Cache-Control, the directives no-store and private stay. Other headers that
// the handler has set stay too. One of them is Content-Encoding, because a middleware that
// compresses the body has set it. A handler that sets it for a body of its own must delete it
// before it fails.
//
// WriteEncoded leaves Content-Length to the server: net/http sets it for a short body
// without trailers. The answer to a HEAD request has no body. It has the Content-Length of the
// body, unless there is a Content-Encoding or there are trailers.
//
// If headers were written already, WriteEncoded writes nothing. It asks the ResponseWriter,
// and each one that it unwraps to, for a method Written() bool. The ResponseWriter of
// [Writer.Handler] has it, and so have those of many routers. Package net/http's own
// ResponseWriter doesn't: use Handler for a handler that can fail after it has begun to write.
func (w *Writer) WriteEncoded(rw http.ResponseWriter, r *http.Request, httpStatus int, encoded status.Encoded) {
	if encoded.Err() == nil || isWritten(rw) {
		return
	}
	form := w.choose(r.Header.Values("Accept"))
	httpStatus = form.httpStatus(httpStatus, encoded.GRPCCode())
	body := w.marshal(form, httpStatus, encoded)
	h := rw.Header()
	removeBodyHeaders(h)
	h.Set("Content-Type", form.mediaType())
	if r.Method == http.MethodHead && h.Get("Content-Encoding") == "" && !hasTrailers(h) {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if len(w.forms()) > 1 {
		h.Add("Vary", "Accept")
	}
	if httpStatus == http.StatusUnauthorized && w.Challenge != "" && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", w.Challenge)
	}
	if form != FormOpenIM {
		addDetailHeaders(h, encoded)
	}
	rw.WriteHeader(httpStatus)
	if r.Method != http.MethodHead {
		_, _ = rw.Write(body) // the caller has gone
	}
}

// removeBodyHeaders removes the headers that a handler has set for the body of a success.
func removeBodyHeaders(h http.Header) {
	cacheControl := h.Values("Cache-Control")
	for _, name := range []string{
		"Cache-Control", "Content-Digest", "Content-Disposition", "Content-Language",
		"Content-Length", "Content-Location", "Content-Md5", "Content-Range", "Digest", "Etag",
		"Expires", "Last-Modified", "Repr-Digest",
	} {
		h.Del(name)
	}
	for _, directive := range []string{"no-store", "private"} {
		if hasDirective(cacheControl, directive) {
			h.Add("Cache-Control", directive)
		}
	}
}

// hasDirective reports whether a Cache-Control header has a directive. It can have an argument.
func hasDirective(cacheControl []string, directive string) bool {
	for _, value := range cacheControl {
		for element := range strings.SplitSeq(value, ",") {
			name, _, _ := strings.Cut(element, "=")
			if strings.EqualFold(strings.TrimSpace(name), directive) {
				return true
			}
		}
	}
	return false
}

// hasTrailers reports whether headers announce trailers. With a Transfer-Encoding, trailers can
// come without.
func hasTrailers(h http.Header) bool {
	for name := range h {
		if name == "Trailer" || name == "Transfer-Encoding" || strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// addDetailHeaders adds the headers that say what details say.
func addDetailHeaders(h http.Header, encoded status.Encoded) {
	details := encoded.Status().Proto().GetDetails()
	if delay, ok := status.RetryDelay(encoded.Err()); ok {
		h.Set("Retry-After", strconv.FormatInt(wholeSeconds(delay), 10))
	}
	if locale := locale(details); locale != "" {
		h.Set("Content-Language", locale)
		h.Add("Vary", "Accept-Language")
	}
}

// wholeSeconds returns a delay in seconds, rounded up, and at least 1: a caller takes 0 as
// "at once".
func wholeSeconds(delay time.Duration) int64 {
	return max(1, int64((delay+time.Second-1)/time.Second))
}

// locale returns the language of the first localized text in the details, or "" if there is
// none or it isn't a language tag.
func locale(details []*anypb.Any) string {
	var localized errdetails.LocalizedMessage
	if find(details, &localized) {
		return languageTag(localized.GetLocale())
	}
	var request errdetails.BadRequest
	find(details, &request)
	for _, violation := range request.GetFieldViolations() {
		if localized := violation.GetLocalizedMessage(); localized != nil {
			return languageTag(localized.GetLocale())
		}
	}
	return ""
}

// languageTag returns tag if it has only characters of a language tag, and otherwise "": a
// handler can have made it from anything.
func languageTag(tag string) string {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}
	if len(tag) > 100 || strings.ContainsFunc(tag, other) {
		return ""
	}
	return tag
}
