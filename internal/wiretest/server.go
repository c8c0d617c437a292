package wiretest

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
)

// A Reply is what a [Server] sends for a call, without a check or change. The last
// part that is set ends the call: a Reply with only Headers is trailers-only.
type Reply struct {
	Headers  Block
	Body     []byte // at most 16 KiB; LengthPrefixed builds one from messages
	Trailers Block
}

// A Server sends the same reply to every call after the client's last message. It
// is safe for concurrent use.
type Server struct {
	listener net.Listener
	reply    atomic.Pointer[Reply]
	running  sync.WaitGroup
}

// NewServer starts a server, which runs until the test ends. It fails the test if
// it can't listen.
func NewServer(t testing.TB, reply Reply) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatalf("wiretest: %v", err)
	}
	s := &Server{listener: listener}
	s.SetReply(reply)
	ctx, stop := context.WithCancel(context.Background())
	s.running.Go(func() { s.accept(ctx) })
	t.Cleanup(func() {
		stop()
		listener.Close()
		s.running.Wait()
	})
	return s
}

// Addr returns the server's TCP address.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// SetReply sets the reply to later calls. It panics if the body is larger than a
// frame: the server does not wait for the client's window.
func (s *Server) SetReply(reply Reply) {
	if len(reply.Body) > maxFrame {
		panic("wiretest: SetReply: the body is larger than a frame: give 16 KiB at most")
	}
	s.reply.Store(&reply)
}

func (s *Server) accept(ctx context.Context) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // the test has ended
		}
		s.running.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			s.serve(conn)
		})
	}
}

// serve replies to calls until the connection fails. Every connection ends that way,
// so serve reports no error: the client's test sees what is missing.
func (s *Server) serve(conn net.Conn) {
	_, err := io.CopyN(io.Discard, conn, int64(len(http2.ClientPreface)))
	if err != nil {
		return
	}
	l := newLink(conn)
	err = l.WriteSettings()
	for err == nil {
		var frame http2.Frame
		if frame, err = l.read(); err == nil && ends(frame) {
			err = s.reply.Load().write(l, frame.Header().StreamID)
		}
	}
}

// ends reports whether a frame is the client's last of a call.
func ends(frame http2.Frame) bool {
	switch f := frame.(type) {
	case *http2.HeadersFrame:
		return f.StreamEnded()
	case *http2.DataFrame:
		return f.StreamEnded()
	}
	return false
}

func (r *Reply) write(l *link, stream uint32) error {
	err := l.writeBlock(stream, r.Headers, r.Body == nil && r.Trailers == nil)
	if err == nil && r.Body != nil {
		err = l.WriteData(stream, r.Trailers == nil, r.Body)
	}
	if err == nil && r.Trailers != nil {
		err = l.writeBlock(stream, r.Trailers, true)
	}
	return err
}
