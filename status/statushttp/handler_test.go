package statushttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// errorLog makes a server's own log fail the test: net/http logs there what a handler does
// wrong, such as a second WriteHeader.
func errorLog(t *testing.T) *log.Logger {
	return log.New(writerFunc(func(b []byte) (int, error) {
		t.Errorf("the server logs: %s", b)
		return len(b), nil
	}), "", 0)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// begun has ways in which a handler begins its response, and what the caller then reads.
var begun = []struct {
	name string
	do   func(rw http.ResponseWriter)
	body string
}{
	{"WriteHeader", func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusOK) }, ""},
	{"Write", func(rw http.ResponseWriter) { io.WriteString(rw, "part") }, "part"},
	{"Write of nothing", func(rw http.ResponseWriter) { rw.Write(nil) }, ""},
	{"Copy", func(rw http.ResponseWriter) { io.Copy(rw, strings.NewReader("part")) }, "part"},
	{"Copy by ReadFrom", func(rw http.ResponseWriter) { io.Copy(rw, io.LimitReader(strings.NewReader("part"), 9)) }, "part"},
	{"Flush", func(rw http.ResponseWriter) { rw.(http.Flusher).Flush() }, ""},
	{"Flush by a controller", func(rw http.ResponseWriter) { http.NewResponseController(rw).Flush() }, ""},
	{"Fprint in a middleware", func(rw http.ResponseWriter) { fmt.Fprint(middlewareWriter{rw}, "part") }, "part"},
}

// A middlewareWriter is what a middleware puts around a ResponseWriter.
type middlewareWriter struct{ http.ResponseWriter }

func (w middlewareWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestNothingAfterHeaders(t *testing.T) {
	for _, tt := range begun {
		t.Run(tt.name, func(t *testing.T) {
			var observed []interceptor.Event
			var mu sync.Mutex
			w := statushttp.Writer{Encoder: interceptor.NewServer(interceptor.WithObserver(func(_ context.Context, e interceptor.Event) {
				mu.Lock()
				defer mu.Unlock()
				observed = append(observed, e)
			}))}
			records := testrpc.CaptureLog(t)
			handler := w.Handler(func(rw http.ResponseWriter, r *http.Request) error {
				rw.Header().Set("X-Handler", "set")
				tt.do(rw)
				w.Write(middlewareWriter{rw}, r, codes.Args) // writes nothing either
				return errors.New(testrpc.Secret)
			})
			protocols(t, handler, func(t *testing.T, client *http.Client, url string) {
				resp := do(t, client, http.MethodGet, url)
				if b := body(t, resp); resp.StatusCode != 200 || b != tt.body {
					t.Errorf("HTTP status %d, body %q; want 200 and %q", resp.StatusCode, b, tt.body)
				}
				if got := resp.Header.Get("Content-Type"); strings.Contains(got, "json") || resp.Header.Get("X-Handler") != "set" {
					t.Errorf("headers %v; want those of the handler", resp.Header)
				}
				mu.Lock()
				defer mu.Unlock()
				if got := records(); len(got) != 1 || got[0].Cause != testrpc.Secret || len(observed) != 2 {
					t.Errorf("logged %+v, observed %d failures; want one record and two failures", got, len(observed))
				}
				observed = nil
			})
		})
	}
}

// A mux in a Handler lets every handler know.
func TestMuxInAHandler(t *testing.T) {
	var w statushttp.Writer
	mux := http.NewServeMux()
	mux.HandleFunc("/stream", func(rw http.ResponseWriter, r *http.Request) {
		io.WriteString(rw, "part")
		w.Write(rw, r, codes.Args)
	})
	mux.HandleFunc("/fail", func(rw http.ResponseWriter, r *http.Request) { w.Write(rw, r, codes.Args) })
	protocols(t, w.Handler(func(rw http.ResponseWriter, r *http.Request) error {
		mux.ServeHTTP(rw, r)
		return nil
	}), func(t *testing.T, client *http.Client, url string) {
		if b := body(t, do(t, client, http.MethodGet, url+"/stream")); b != "part" {
			t.Errorf("body %q; want what was written before the failure", b)
		}
		if err := statushttp.CheckResponse(do(t, client, http.MethodGet, url+"/fail")); !errors.Is(err, codes.Args) {
			t.Errorf("read %v; want Args", err)
		}
	})
}

// The server's own log tells of a second WriteHeader.
func TestServerHasNothingToLog(t *testing.T) {
	var w statushttp.Writer
	for _, tt := range begun {
		server := httptest.NewUnstartedServer(w.Handler(func(rw http.ResponseWriter, _ *http.Request) error {
			tt.do(rw)
			return codes.Args
		}))
		server.Config.ErrorLog = errorLog(t)
		server.Start()
		t.Cleanup(server.Close)
		body(t, get(t, server.URL))
		server.Close()
	}
}

// A handler that hasn't begun its answer can still fail, whatever it has done.
func TestErrorIsWrittenBeforeHeaders(t *testing.T) {
	var w statushttp.Writer
	for name, before := range map[string]func(rw http.ResponseWriter){
		"a header":                func(rw http.ResponseWriter) { rw.Header().Set("X", "y") },
		"an informational answer": func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusEarlyHints) },
		"a copy of nothing":       func(rw http.ResponseWriter) { io.Copy(rw, failingReader{}) },
		"a handler of the same kind": func(rw http.ResponseWriter) {
			w.Handler(func(http.ResponseWriter, *http.Request) error { return nil }).ServeHTTP(rw, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			protocols(t, w.Handler(func(rw http.ResponseWriter, _ *http.Request) error {
				before(rw)
				return codes.RecordNotFound
			}), func(t *testing.T, client *http.Client, url string) {
				if err := statushttp.CheckResponse(do(t, client, http.MethodGet, url)); !errors.Is(err, codes.RecordNotFound) {
					t.Errorf("read %v; want RecordNotFound", err)
				}
			})
		})
	}
}

// A failingReader fails at once.
type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("no disk") }

func TestHijack(t *testing.T) {
	var w statushttp.Writer
	server := httptest.NewUnstartedServer(w.Handler(func(rw http.ResponseWriter, _ *http.Request) error {
		conn, buffer, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		buffer.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
		buffer.Flush()
		return codes.Args
	}))
	server.Config.ErrorLog = errorLog(t)
	server.Start()
	t.Cleanup(server.Close)
	if b := body(t, get(t, server.URL)); b != "hi" {
		t.Errorf("body %q; want that of the hijacked connection", b)
	}
}

// A readerFrom counts calls of ReadFrom, by which net/http sends files without copying them.
type readerFrom struct {
	http.ResponseWriter
	calls int
}

func (w *readerFrom) ReadFrom(r io.Reader) (int64, error) {
	w.calls++
	return io.Copy(w.ResponseWriter, r)
}

func TestReadFromReachesTheServer(t *testing.T) {
	rw := &readerFrom{ResponseWriter: httptest.NewRecorder()}
	new(statushttp.Writer).Handler(func(rw http.ResponseWriter, r *http.Request) error {
		http.ServeFile(rw, r, "testdata/bodies.golden")
		return nil
	}).ServeHTTP(rw, httptest.NewRequest(http.MethodGet, "/", nil))
	if rw.calls != 1 {
		t.Errorf("%d calls of ReadFrom; want 1", rw.calls)
	}
}

// HTTP/2 has no connection to take over: the handler gets an error, and can return it.
func TestHijackFails(t *testing.T) {
	var w statushttp.Writer
	server := httptest.NewUnstartedServer(w.Handler(func(rw http.ResponseWriter, _ *http.Request) error {
		_, _, err := rw.(http.Hijacker).Hijack()
		if !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack() = %v; want ErrNotSupported", err)
		}
		return codes.SrvConnArgs
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	if err := statushttp.CheckResponse(do(t, server.Client(), http.MethodGet, server.URL)); !errors.Is(err, codes.SrvConnArgs) {
		t.Errorf("read %v; want SrvConnArgs", err)
	}
}

// A controller finds what the server's own ResponseWriter has.
func TestControllerReachesTheServer(t *testing.T) {
	var w statushttp.Writer
	protocols(t, w.Handler(func(rw http.ResponseWriter, r *http.Request) error {
		controller := http.NewResponseController(rw)
		if err := errors.Join(controller.EnableFullDuplex(), controller.Flush()); err != nil {
			return err
		}
		_, err := io.Copy(rw, r.Body)
		return err
	}), func(t *testing.T, client *http.Client, url string) {
		resp, err := client.Post(url, "text/plain", strings.NewReader("ping"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b := body(t, resp); b != "ping" {
			t.Errorf("body %q; want the request's", b)
		}
	})
}

// A stream flushes each part.
func TestStreamIsFlushed(t *testing.T) {
	var w statushttp.Writer
	read := make(chan struct{})
	url := serveHandler(t, w.Handler(func(rw http.ResponseWriter, r *http.Request) error {
		fmt.Fprintln(rw, "first")
		rw.(http.Flusher).Flush()
		select {
		case <-read:
		case <-r.Context().Done():
		}
		fmt.Fprintln(rw, "second")
		return nil
	}))
	lines := bufio.NewScanner(get(t, url).Body)
	lines.Scan()
	close(read)
	if first, more := lines.Text(), lines.Scan(); first != "first" || !more || lines.Text() != "second" {
		t.Errorf("read %q, then %q", first, lines.Text())
	}
}

func serveHandler(t testing.TB, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// Other libraries' ResponseWriters say whether they were written.
func TestWrittenOfOtherLibraries(t *testing.T) {
	for _, written := range []bool{false, true} {
		rec := httptest.NewRecorder()
		new(statushttp.Writer).Write(middlewareWriter{ginWriter{rec, written}}, httptest.NewRequest(http.MethodGet, "/", nil), codes.Args)
		if got := rec.Body.Len() == 0; got != written {
			t.Errorf("Written() is %t, and the body is %q", written, rec.Body)
		}
	}
}

// A ginWriter has the method Written, as gin's ResponseWriter has it.
type ginWriter struct {
	http.ResponseWriter
	written bool
}

func (w ginWriter) Written() bool { return w.written }

func TestPanicIsNotRecovered(t *testing.T) {
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v; want ErrAbortHandler", got)
		}
	}()
	new(statushttp.Writer).Handler(func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

// A handler that succeeds costs one small allocation.
func TestSuccessAllocates(t *testing.T) {
	handler := new(statushttp.Writer).Handler(func(http.ResponseWriter, *http.Request) error { return nil })
	var rw http.ResponseWriter = discard{}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if got := testing.AllocsPerRun(100, func() { handler.ServeHTTP(rw, r) }); got > 1 {
		t.Errorf("%v allocations; want 1", got)
	}
}

// A discard is a ResponseWriter that allocates nothing.
type discard struct{}

func (discard) Header() http.Header         { return nil }
func (discard) WriteHeader(int)             {}
func (discard) Write(b []byte) (int, error) { return len(b), nil }

func TestHandlerPanicsForNil(t *testing.T) {
	defer func() {
		if p := recover(); !strings.Contains(fmt.Sprint(p), "statushttp: Handler(nil): give the function") {
			t.Errorf("Handler(nil) panics with %v; want what to give it", p)
		}
	}()
	new(statushttp.Writer).Handler(nil)
}

// A handler of "/" answers what the mux would answer in plain text; docs/http.md says so.
func TestUnknownPathsAndMethods(t *testing.T) {
	var w statushttp.Writer
	mux := http.NewServeMux()
	mux.Handle("GET /users", w.Handler(func(http.ResponseWriter, *http.Request) error { return nil }))
	get := func(method, path string) string {
		rw := httptest.NewRecorder()
		mux.ServeHTTP(rw, httptest.NewRequest(method, path, nil))
		return fmt.Sprint(rw.Code, " ", rw.Header().Get("Content-Type"))
	}
	const plain = "text/plain; charset=utf-8"
	if a, b := get("GET", "/nowhere"), get("POST", "/users"); a != "404 "+plain || b != "405 "+plain {
		t.Errorf("the mux answers %q and %q; want plain text", a, b)
	}
	mux.Handle("/", w.Handler(func(http.ResponseWriter, *http.Request) error {
		return status.Error(codes.RecordNotFound, "no such page")
	}))
	if a, b := get("GET", "/nowhere"), get("POST", "/users"); a != "404 application/json" || b != a {
		t.Errorf("the handler of / answers %q and %q; want JSON with 404", a, b)
	}
}
