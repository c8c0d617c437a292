package statushttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// protocols runs a test with a server and a client of HTTP/1.1 and of HTTP/2.
func protocols(t *testing.T, handler http.Handler, test func(t *testing.T, client *http.Client, url string)) {
	for _, major := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP/", major), func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != major {
					t.Errorf("the request has %s; want HTTP/%d", r.Proto, major)
				}
				handler.ServeHTTP(rw, r)
			}))
			server.EnableHTTP2 = major == 2
			server.StartTLS()
			t.Cleanup(server.Close)
			test(t, server.Client(), server.URL)
		})
	}
}

// body returns the body of an answer.
func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHeaders(t *testing.T) {
	delay := func(d time.Duration) error {
		return status.New(codes.SrvConnOverMaxNumLimit, "").WithRetryDelay(d).Err()
	}
	localized := func(locale string) error {
		return status.New(codes.RecordNotFound, "").WithDetails(&errdetails.LocalizedMessage{Locale: locale, Message: "x"}).Err()
	}
	both := []statushttp.Form{statushttp.FormAIP193, statushttp.FormProblem}
	one := []statushttp.Form{statushttp.FormAIP193}
	const challenge = `Bearer realm="shop"`
	for _, tt := range []struct {
		name   string
		err    error
		forms  []statushttp.Form
		before http.Header // what the handler has set
		want   map[string]string
	}{
		{name: "several forms", err: codes.Args, want: map[string]string{"Vary": "Accept", "Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Retry-After": "", "Content-Language": "", "WWW-Authenticate": ""}},
		{name: "two forms", err: codes.Args, forms: both, want: map[string]string{"Vary": "Accept"}},
		{name: "one form", err: codes.Args, forms: one, want: map[string]string{"Vary": ""}},
		{name: "Vary of the handler", err: codes.Args, before: http.Header{"Vary": {"Origin"}}, want: map[string]string{"Vary": "Origin, Accept"}},
		{name: "a whole delay", err: delay(2 * time.Second), want: map[string]string{"Retry-After": "2"}},
		{name: "a delay that is rounded up", err: delay(2*time.Second + 1), want: map[string]string{"Retry-After": "3"}},
		{name: "a short delay", err: delay(time.Millisecond), want: map[string]string{"Retry-After": "1"}},
		{name: "no delay", err: delay(0), want: map[string]string{"Retry-After": "1"}},
		{name: "a delay that forbids retries", err: delay(-1), want: map[string]string{"Retry-After": ""}},
		{name: "a longer delay than a day", err: delay(1000 * time.Hour), want: map[string]string{"Retry-After": "86400"}},
		{name: "unauthenticated", err: codes.TokenExpired, want: map[string]string{"WWW-Authenticate": challenge}},
		{name: "unauthenticated, with the handler's challenge", err: codes.TokenExpired, before: http.Header{"Www-Authenticate": {"Basic"}}, want: map[string]string{"WWW-Authenticate": "Basic"}},
		{name: "permission denied", err: codes.NoPermission, want: map[string]string{"WWW-Authenticate": ""}},
		{name: "localized", err: localized("zh-Hans"), forms: one, want: map[string]string{"Content-Language": "zh-Hans", "Vary": "Accept-Language"}},
		{name: "localized, several forms", err: localized("zh-Hans"), want: map[string]string{"Content-Language": "zh-Hans", "Vary": "Accept, Accept-Language"}},
		{name: "localized, with a wrong language", err: localized("zh\r\nX: y"), want: map[string]string{"Content-Language": "", "Vary": "Accept"}},
		{name: "localized, with a long language", err: localized(strings.Repeat("a", 101)), want: map[string]string{"Content-Language": ""}},
		{name: "a localized violation", err: status.New(codes.Args, "").WithDetails(violations).Err(), want: map[string]string{"Content-Language": "zh-Hans", "Vary": "Accept, Accept-Language"}},
		{name: "a success that nobody may store", err: codes.Args, before: http.Header{"Cache-Control": {"max-age=9, No-Store"}}, want: map[string]string{"Cache-Control": "no-store"}},
		{name: "a success for one user", err: codes.Args, before: http.Header{"Cache-Control": {"max-age=9", `private="X-User, X-Cart", no-storeys`}}, want: map[string]string{"Cache-Control": "private"}},
		{name: "headers of a success", err: codes.Args, before: http.Header{
			"Content-Type": {"image/png"}, "Content-Length": {"7"}, "Etag": {`"7"`}, "Cache-Control": {"max-age=9"}, "Last-Modified": {"x"},
			"Content-Disposition": {"attachment"}, "Content-Range": {"bytes 0-6/7"}, "Content-Language": {"de"}, "Content-Location": {"/7"}, "Expires": {"x"},
			"Content-Digest": {"sha-256=:x:"}, "Content-Md5": {"x"}, "Digest": {"x"}, "Repr-Digest": {"sha-256=:x:"},
			"X-Request-Id": {"7"}, "Content-Security-Policy": {"default-src 'self'"}, "Retry-After": {"9"},
		}, want: map[string]string{
			"Content-Type": "application/json", "Etag": "", "Cache-Control": "", "Last-Modified": "",
			"Content-Disposition": "", "Content-Range": "", "Content-Language": "", "Content-Location": "", "Expires": "",
			"Content-Digest": "", "Content-Md5": "", "Digest": "", "Repr-Digest": "",
			"X-Request-Id": "7", "Content-Security-Policy": "default-src 'self'", "Retry-After": "9",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := statushttp.Writer{Forms: tt.forms, Challenge: challenge}
			protocols(t, w.Handler(func(rw http.ResponseWriter, r *http.Request) error {
				for name, values := range tt.before {
					rw.Header()[name] = slices.Clone(values)
				}
				return tt.err
			}), func(t *testing.T, client *http.Client, url string) {
				resp := do(t, client, http.MethodGet, url)
				for name, want := range tt.want {
					if got := strings.Join(resp.Header.Values(name), ", "); got != want {
						t.Errorf("%s: %q; want %q", name, got, want)
					}
				}
				if b := body(t, resp); resp.ContentLength != int64(len(b)) || len(b) == 0 {
					t.Errorf("Content-Length is %d, and the body has %d bytes", resp.ContentLength, len(b))
				}
				head := do(t, client, http.MethodHead, url)
				for name, values := range resp.Header {
					if got := head.Header.Values(name); !slices.Equal(got, values) && name != "Date" {
						t.Errorf("HEAD: %s: %q; want %q as for GET", name, got, values)
					}
				}
				if b := body(t, head); b != "" || head.StatusCode != resp.StatusCode {
					t.Errorf("HEAD: HTTP status %d, body %q; want %d, and no body", head.StatusCode, b, resp.StatusCode)
				}
			})
		})
	}
}

// A zero Writer has no challenge: the message of an error must not become one.
func TestNoChallenge(t *testing.T) {
	var w statushttp.Writer
	resp := get(t, serve(t, &w, func(*http.Request) error { return status.Error(codes.TokenExpired, "Basic") }))
	if got := resp.Header.Values("WWW-Authenticate"); resp.StatusCode != 401 || got != nil {
		t.Errorf("HTTP status %d, WWW-Authenticate: %q; want 401 and none", resp.StatusCode, got)
	}
}

// A recorder that isn't net/http's doesn't drop the body of HEAD by itself.
func TestHeadHasNoBody(t *testing.T) {
	rec := httptest.NewRecorder()
	new(statushttp.Writer).Write(rec, httptest.NewRequest(http.MethodHead, "/", nil), codes.Args)
	if rec.Body.Len() != 0 || rec.Header().Get("Content-Length") == "0" {
		t.Errorf("body %q, Content-Length %s; want no body, and the length that GET has", rec.Body, rec.Header().Get("Content-Length"))
	}
}

func TestNilWritesNothing(t *testing.T) {
	rec := httptest.NewRecorder()
	w := statushttp.Writer{Encoder: encoderFunc(func(context.Context, string, error) status.Encoded {
		t.Error("nil was encoded")
		return status.Encoded{}
	})}
	w.Write(rec, httptest.NewRequest(http.MethodGet, "/", nil), nil)
	w.WriteEncoded(rec, httptest.NewRequest(http.MethodGet, "/", nil), 0, status.Encoded{})
	if len(rec.Header()) != 0 || rec.Body.Len() != 0 {
		t.Errorf("wrote %v %q; want nothing", rec.Header(), rec.Body)
	}
	if got := w.Marshal(statushttp.FormProblem, status.Encoded{}); got != nil {
		t.Errorf("Marshal(success) = %q; want nil", got)
	}
}

// An encoderFunc is an Encoder.
type encoderFunc func(ctx context.Context, method string, err error) status.Encoded

func (f encoderFunc) Encode(ctx context.Context, method string, err error) status.Encoded {
	return f(ctx, method, err)
}

// recordEncoder encodes without options, and records what it got.
func recordEncoder(ctx *context.Context, method *string) statushttp.Encoder {
	return encoderFunc(func(c context.Context, m string, err error) status.Encoded {
		*ctx, *method = c, m
		return new(status.Encoder).Encode(c, err)
	})
}

// The name of the method becomes a label and an attribute of the log: a caller must not be
// able to make new ones.
func TestMethodIsBounded(t *testing.T) {
	var ctx context.Context
	var method string
	w := statushttp.Writer{Encoder: recordEncoder(&ctx, &method)}
	failing := w.Handler(func(http.ResponseWriter, *http.Request) error { return codes.Args })
	mux := http.NewServeMux()
	mux.Handle("GET /users/{id}", failing)
	mux.Handle("/files/", failing)
	mux.Handle("shop.example/", failing)
	for _, tt := range []struct {
		handler             http.Handler
		httpMethod, url     string
		wantMethod          string
		service, methodName string
	}{
		{mux, "GET", "/users/42?token=x", "/http/GET /users/{id}", "http", "GET /users/{id}"},
		{mux, "PUT", "/files/a/b", "/http//files/", "http", "/files/"},
		{mux, "GET", "http://shop.example/x", "/http/shop.example/", "http", "shop.example/"},
		{failing, "DELETE", "/users/42", "/http/DELETE", "http", "DELETE"},
		{failing, "BREW", "/users/42", "/http/_OTHER", "http", "_OTHER"},
	} {
		tt.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(tt.httpMethod, tt.url, nil))
		if method != tt.wantMethod {
			t.Errorf("%s %s: method %q; want %q", tt.httpMethod, tt.url, method, tt.wantMethod)
		}
		var event interceptor.Event
		server := interceptor.NewServer(interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { event = e }))
		server.Encode(t.Context(), method, codes.Args)
		if event.Call.Service != tt.service || event.Call.Method != tt.methodName {
			t.Errorf("%s %s: observers get service %q and method %q; want %q and %q", tt.httpMethod, tt.url, event.Call.Service, event.Call.Method, tt.service, tt.methodName)
		}
	}
}

func TestHeadersAreInTheContext(t *testing.T) {
	type key struct{}
	before := metadata.Pairs("accept-language", "fr", "x-user", "42")
	for _, tt := range []struct {
		name     string
		incoming metadata.MD
		header   []string
		want     metadata.MD
	}{
		{"none", nil, nil, nil},
		{"a header", nil, []string{"de, en;q=0.5"}, metadata.MD{"accept-language": {"de, en;q=0.5"}}},
		{"two headers", nil, []string{"de", "zh"}, metadata.MD{"accept-language": {"de", "zh"}}},
		{"metadata", before, nil, before},
		{"metadata and a header", before, []string{"de"}, before},
		{"other metadata and a header", metadata.Pairs("x-user", "42"), []string{"de"}, metadata.MD{"accept-language": {"de"}, "x-user": {"42"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ctx context.Context
			var method string
			w := statushttp.Writer{Encoder: recordEncoder(&ctx, &method)}
			parent := context.WithValue(t.Context(), key{}, "value")
			if tt.incoming != nil {
				parent = metadata.NewIncomingContext(parent, tt.incoming)
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(parent)
			for _, value := range tt.header {
				r.Header.Add("Accept-Language", value)
			}
			w.Write(httptest.NewRecorder(), r, codes.Args)
			got, _ := metadata.FromIncomingContext(ctx)
			if !maps.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("incoming metadata %v; want %v", got, tt.want)
			}
			if ctx.Value(key{}) != "value" {
				t.Error("the context isn't the request's")
			}
			if len(before["accept-language"]) != 1 {
				t.Errorf("the caller's metadata was changed: %v", before)
			}
		})
	}
}

// gRPC keeps some names for itself, and gives the values of others as bytes. Over HTTP they are
// the client's text.
func TestHeadersWithAMeaningInGRPCAreNotInTheContext(t *testing.T) {
	var ctx context.Context
	var method string
	w := statushttp.Writer{Encoder: recordEncoder(&ctx, &method)}
	url := serve(t, &w, func(*http.Request) error { return codes.Args })
	get(t, url, "Grpc-Timeout", "1S", "grpc-status", "0", "X-User-Bin", "AAE", "X-Bin-User", "42", "X-Grpc-User", "43")
	md, _ := metadata.FromIncomingContext(ctx)
	for key, want := range map[string]string{"grpc-timeout": "", "grpc-status": "", "x-user-bin": "", "x-bin-user": "42", "x-grpc-user": "43"} {
		if got := strings.Join(md[key], ","); got != want {
			t.Errorf("%s is %q in the metadata; want %q", key, got, want)
		}
	}
}

// With an interceptor.Server, a request has its rules, its request id, its localizer, its log
// and its observers.
func TestServerOptionsApply(t *testing.T) {
	notFound := errors.New("sql: no rows")
	records := testrpc.CaptureLog(t)
	var events []interceptor.Event
	server := interceptor.NewServer(
		interceptor.WithErrorMapping(notFound, codes.RecordNotFound),
		interceptor.WithRequestID(func(context.Context) string { return "req-7" }),
		interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) }),
		interceptor.WithAmendment(func(ctx context.Context, st *status.Status) *status.Status {
			md, _ := metadata.FromIncomingContext(ctx)
			return st.WithDetails(&errdetails.LocalizedMessage{Locale: md.Get("accept-language")[0], Message: "nicht gefunden"})
		}))
	w := statushttp.Writer{Encoder: server}
	url := serve(t, &w, func(r *http.Request) error {
		if r.URL.Path == "/broken" {
			return errors.New("dsn=" + testrpc.Secret)
		}
		return fmt.Errorf("loading: %w", notFound)
	})
	resp := get(t, url, "Accept-Language", "de", "Accept", "application/problem+json")
	err := statushttp.CheckResponse(resp)
	if !errors.Is(err, codes.RecordNotFound) || status.RequestID(err) != "req-7" || resp.Header.Get("Content-Language") != "de" {
		t.Errorf("read %v, request id %q, Content-Language %q", err, status.RequestID(err), resp.Header.Get("Content-Language"))
	}
	if got := records(); len(got) != 0 {
		t.Errorf("logged %+v; want nothing for the caller's mistake", got)
	}
	if err := statushttp.CheckResponse(get(t, url+"/broken", "Accept-Language", "de")); !errors.Is(err, codes.ServerInternal) {
		t.Errorf("read %v; want ServerInternal", err)
	}
	got := records()
	if len(got) != 1 || got[0].Service != "http" || got[0].Method != "GET" || got[0].Level != "ERROR" || !strings.Contains(got[0].Cause, testrpc.Secret) || got[0].RequestID != "req-7" {
		t.Errorf("logged %+v; want one record at ERROR with the cause and the request id", got)
	}
	if len(events) != 2 || events[0].Call.Service != "http" || events[0].Code != codes.RecordNotFound {
		t.Errorf("observed %+v; want two events", events)
	}
}

// Without an Encoder, a server fault is in the log all the same.
func TestDefaultLog(t *testing.T) {
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	defer slog.SetDefault(before)
	secret := errors.New(testrpc.Secret)
	for _, tt := range []struct {
		err   error
		level string // "": no record
	}{
		{secret, "ERROR"},
		{status.Wrap(secret, codes.SrvDatabase, ""), "ERROR"},
		{status.Wrap(secret, codes.SdkNetwork, ""), "WARN"},
		{status.Wrap(secret, codes.RecordNotFound, ""), ""},
		{codes.ServerInternal, ""},
		{grpcstatus.Error(grpccodes.Unavailable, "x"), ""},
	} {
		buffer.Reset()
		rec := record(new(statushttp.Writer), tt.err, "X", "y")
		if strings.Contains(rec.Body.String(), testrpc.Secret) {
			t.Errorf("%v: the body is %s", tt.err, rec.Body)
		}
		if tt.level == "" {
			if buffer.Len() != 0 {
				t.Errorf("%v: logged %s; want nothing", tt.err, &buffer)
			}
			continue
		}
		var got struct {
			Level   string
			Msg     string
			Request string `json:"http.request"`
			Error   struct{ Cause string }
		}
		if err := json.Unmarshal(buffer.Bytes(), &got); err != nil { // more than one record isn't JSON
			t.Fatalf("%v: logged %s: %v", tt.err, &buffer, err)
		}
		if got.Level != tt.level || got.Msg != "http: request failed" || got.Request != "GET" || !strings.Contains(got.Error.Cause, testrpc.Secret) {
			t.Errorf("%v: logged %s; want one record at %s with the cause", tt.err, &buffer, tt.level)
		}
	}
}

// The context of a request ends if the caller goes away: that is no fault.
func TestCallerHasGone(t *testing.T) {
	records := testrpc.CaptureLog(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	new(statushttp.Writer).Write(rec, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx), fmt.Errorf("reading: %w", ctx.Err()))
	if got := records(); rec.Code != 499 || len(got) != 0 {
		t.Errorf("HTTP status %d, logged %+v; want 499 and nothing", rec.Code, got)
	}
}

// The server knows the length of a short body, and sends a long one in chunks.
func TestContentLength(t *testing.T) {
	w := statushttp.Writer{Encoder: interceptor.NewServer(interceptor.WithMaxStatusSize(1 << 20))}
	url := serve(t, &w, func(r *http.Request) error {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		return status.Error(codes.Args, strings.Repeat("<é", n)+".")
	})
	for n, known := range map[int]bool{1: true, 1000: false, 100_000: false} {
		resp := get(t, fmt.Sprint(url, "?n=", n))
		if b := body(t, resp); !json.Valid([]byte(b)) || len(b) < 3*n || resp.ContentLength != map[bool]int64{true: int64(len(b)), false: -1}[known] {
			t.Errorf("n=%d: Content-Length %d, body of %d bytes", n, resp.ContentLength, len(b))
		}
		if head := do(t, http.DefaultClient, http.MethodHead, fmt.Sprint(url, "?n=", n)); head.ContentLength < int64(3*n) {
			t.Errorf("n=%d, HEAD: Content-Length %d; want that of the body", n, head.ContentLength)
		}
	}
}

// A gzipWriter compresses a response, as the ResponseWriter of a compressing middleware does.
type gzipWriter struct {
	http.ResponseWriter
	io.Writer
}

func (w gzipWriter) Write(b []byte) (int, error) { return w.Writer.Write(b) }

// A middleware that compresses sets Content-Encoding before the handler runs.
func TestCompressingMiddleware(t *testing.T) {
	var w statushttp.Writer
	failing := w.Handler(func(http.ResponseWriter, *http.Request) error { return codes.RecordNotFound })
	protocols(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(rw)
		if r.Method != http.MethodHead {
			defer zw.Close()
		}
		failing.ServeHTTP(gzipWriter{rw, zw}, r)
	}), func(t *testing.T, client *http.Client, url string) {
		resp := do(t, client, http.MethodGet, url)
		if err := statushttp.CheckResponse(resp); !resp.Uncompressed || !errors.Is(err, codes.RecordNotFound) {
			t.Errorf("uncompressed is %t, read %v; want RecordNotFound from a compressed body", resp.Uncompressed, err)
		}
		head := do(t, client, http.MethodHead, url)
		if head.ContentLength != -1 || head.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("HEAD: Content-Length %d, headers %v; want no length that GET doesn't have", head.ContentLength, head.Header)
		}
	})
}

// Trailers need an answer without Content-Length.
func TestTrailersAreKept(t *testing.T) {
	var w statushttp.Writer
	for name, set := range map[string]func(h http.Header){
		"declared":   func(h http.Header) { h.Set("Trailer", "X-Sum") },
		"undeclared": func(h http.Header) { h.Set(http.TrailerPrefix+"X-Sum", "1") },
	} {
		t.Run(name, func(t *testing.T) {
			protocols(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				set(rw.Header())
				w.Write(rw, r, codes.RecordNotFound)
				if name == "declared" {
					rw.Header().Set("X-Sum", "1")
				}
			}), func(t *testing.T, client *http.Client, url string) {
				resp := do(t, client, http.MethodGet, url)
				if err := statushttp.CheckResponse(resp); !errors.Is(err, codes.RecordNotFound) {
					t.Errorf("read %v; want RecordNotFound", err)
				}
				if resp.Trailer.Get("X-Sum") != "1" {
					t.Errorf("trailers %v, Content-Length %d; want X-Sum", resp.Trailer, resp.ContentLength)
				}
				if head := do(t, client, http.MethodHead, url); head.ContentLength != -1 {
					t.Errorf("HEAD: Content-Length %d; want none beside trailers", head.ContentLength)
				}
			})
		})
	}
}

// An HTTP status that isn't one of a failure would be refused by net/http, or lose the body.
func TestOtherHTTPStatuses(t *testing.T) {
	var w statushttp.Writer
	for given, want := range map[int]int{-1: 404, 0: 404, 99: 404, 100: 404, 200: 404, 204: 404, 304: 404, 399: 404, 400: 400, 410: 410, 599: 599, 600: 404, 1000: 404} {
		rec := httptest.NewRecorder()
		w.WriteEncoded(rec, httptest.NewRequest(http.MethodGet, "/", nil), given, encode(t, codes.RecordNotFound))
		if !strings.Contains(rec.Body.String(), fmt.Sprintf(`"code":%d,`, want)) || rec.Code != want {
			t.Errorf("WriteEncoded(%d): HTTP status %d, %s; want %d", given, rec.Code, rec.Body, want)
		}
	}
}
