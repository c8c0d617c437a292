package statushttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// Handler returns a handler that writes the error that f returns; see [Writer.Write]. If f
// has already written headers when it returns the error, the Encoder gets the error, and
// nothing is written. The caller may then take the partial response for a complete one. To
// end the connection instead, f can panic with http.ErrAbortHandler.
//
// To know in all handlers of a mux whether headers were written, put the mux into a Handler that
// returns nil. Then [Writer.Write] writes nothing after headers, wherever it is called.
//
// f gets a ResponseWriter that notes whether headers were written. It is an http.Flusher, an
// http.Hijacker and an io.ReaderFrom. http.ResponseController finds whatever else the
// server's own ResponseWriter has. A panic of f isn't recovered. Handler panics if f is nil.
func (w *Writer) Handler(f func(rw http.ResponseWriter, r *http.Request) error) http.Handler {
	if f == nil {
		panic("statushttp: Handler(nil): give the function that answers requests and returns their errors")
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		noted := &notingWriter{ResponseWriter: rw}
		w.Write(noted, r, f(noted, r))
	})
}

// A notingWriter notes whether headers were written.
type notingWriter struct {
	http.ResponseWriter
	written bool
}

// Written reports whether headers were written, or whether the connection was hijacked.
func (w *notingWriter) Written() bool { return w.written }

// Unwrap returns the server's ResponseWriter, for http.ResponseController.
func (w *notingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader writes headers. Those of an informational answer aren't the last ones.
func (w *notingWriter) WriteHeader(code int) {
	w.ResponseWriter.WriteHeader(code)
	if code >= http.StatusOK || code == http.StatusSwitchingProtocols {
		w.written = true
	}
}

// Write writes headers too, if none were written.
func (w *notingWriter) Write(b []byte) (int, error) {
	w.written = true
	return w.ResponseWriter.Write(b)
}

// ReadFrom copies r to the server's ResponseWriter, which can have a faster way for files. It
// writes headers too, if r isn't empty. If r panics, headers may have been written.
func (w *notingWriter) ReadFrom(r io.Reader) (n int64, err error) {
	before := w.written
	w.written = true
	n, err = io.Copy(w.ResponseWriter, r)
	w.written = before || n > 0
	return n, err
}

// FlushError writes headers too, if none were written.
func (w *notingWriter) FlushError() error {
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.written = w.written || err == nil
	return err
}

// Flush is FlushError for an http.Flusher.
func (w *notingWriter) Flush() { _ = w.FlushError() }

// Hijack takes over the connection, if the server's ResponseWriter can do that.
func (w *notingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.written = w.written || err == nil
	return conn, buffer, err
}

// isWritten reports whether a ResponseWriter says that headers were written.
func isWritten(rw http.ResponseWriter) bool {
	for {
		if w, ok := rw.(interface{ Written() bool }); ok && w.Written() {
			return true
		}
		outer, ok := rw.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		rw = outer.Unwrap()
	}
}
