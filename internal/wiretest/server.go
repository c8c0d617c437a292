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

// A Reply is what a [Server] answers a call with. Nothing in it is checked or
// changed. The last of what it has ends the call: a reply of Headers alone is
// trailers-only.
type Reply struct {
	Headers  Block
	Body     []byte // of 16 KiB at most; LengthPrefixed makes one of messages
	Trailers Block
}

// A Server gives the same reply to every call, when the client has sent all of
// its messages. It is safe for concurrent use.
type Server struct {
	listener net.Listener
	reply    atomic.Pointer[Reply]
	running  sync.WaitGroup
}

// NewServer starts a server, which runs until the test is over. It fails the test
// if it can't listen.
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

// Addr is the server's TCP address.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// SetReply is for the calls to come. It panics if the body is too large, for
// which the server would have to wait for the client.
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
			return // the test is over
		}
		s.running.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			s.serve(conn)
		})
	}
}

// serve answers until the connection fails, which is how each one ends: it is the
// client's to tell what it had for an answer.
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

// ends tells whether a frame is the client's last of a call.
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
