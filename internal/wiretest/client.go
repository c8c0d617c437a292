package wiretest

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// timeout bounds a call, so that a test does not hang.
const timeout = 10 * time.Second

// A Request is what a client sends. Only Method is required; without Messages the
// client sends no message.
type Request struct {
	Method      string   // the path, "/package.Service/Method"
	ContentType string   // "" means application/grpc
	Header      Block    // more fields, such as grpc-timeout
	Messages    [][]byte // encoded, without the length prefix
}

// A Conn is a client's connection. It makes one call at a time and is not safe for
// concurrent use.
type Conn struct {
	conn    net.Conn
	link    *link
	decoder *hpack.Decoder
	timeout time.Duration

	next         uint32 // the stream of the next call
	window       int64  // the DATA bytes that the server still accepts on the connection
	streamWindow int64  // the DATA bytes that it accepts on a new stream
	goAway       *http2.ErrCode
	call         *call
}

// A call is the running call of a connection.
type call struct {
	stream uint32
	window int64
	block  []byte // the part of the current header block that was read
	ends   bool   // whether that block ends the call
	ended  bool
	answer *Answer
}

// Dial connects to a server's TCP address and closes the connection when the test
// ends. It announces the settings, such as http2.SettingMaxHeaderListSize, to the
// server. By default the client has no limits except its windows. Dial fails the
// test if it can't connect.
func Dial(t testing.TB, address string, settings ...http2.Setting) *Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		t.Fatalf("wiretest: %v", err)
	}
	return NewConn(t, conn, settings...)
}

// NewConn is like [Dial] for an existing connection, such as a bufconn's. It closes
// the connection when the test ends.
func NewConn(t testing.TB, conn net.Conn, settings ...http2.Setting) *Conn {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	c := &Conn{
		conn: conn, link: newLink(conn), decoder: hpack.NewDecoder(4096, nil), timeout: timeout,
		next: 1, window: initialWindow, streamWindow: initialWindow,
	}
	_, err := io.WriteString(c.link.out, http2.ClientPreface)
	if err == nil {
		err = c.link.WriteSettings(settings...)
	}
	if err != nil {
		t.Fatalf("wiretest: %v", err)
	}
	return c
}

// Call makes a call and reads its answer to the end: END_STREAM, RST_STREAM, or a
// GOAWAY that excludes the call. It returns an error if the end does not come
// within ten seconds. The Answer is never nil; with an error, it has what came
// before.
func (c *Conn) Call(r Request) (*Answer, error) {
	c.call = &call{stream: c.next, window: c.streamWindow, answer: &Answer{GoAway: c.goAway}}
	c.next += 2
	err := c.conn.SetDeadline(time.Now().Add(c.timeout))
	if err == nil {
		err = c.send(r)
	}
	for err == nil && !c.call.ended {
		err = c.read()
	}
	if err != nil {
		return c.call.answer, fmt.Errorf("wiretest: %s: %w", r.Method, err)
	}
	return c.call.answer, nil
}

func (c *Conn) send(r Request) error {
	body := LengthPrefixed(r.Messages...)
	block := append(Block{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: r.Method},
		{Name: ":authority", Value: "wiretest"},
		{Name: "content-type", Value: cmp.Or(r.ContentType, "application/grpc")},
		{Name: "te", Value: "trailers"},
	}, r.Header...)
	if err := c.link.writeBlock(c.call.stream, block, len(body) == 0); err != nil {
		return err
	}
	for len(body) > 0 && !c.call.ended {
		size := min(int64(len(body)), c.window, c.call.window, maxFrame)
		if size <= 0 {
			if err := c.read(); err != nil { // wait for a WINDOW_UPDATE, or the end
				return err
			}
			continue
		}
		if err := c.link.WriteData(c.call.stream, size == int64(len(body)), body[:size]); err != nil {
			return err
		}
		c.window, c.call.window, body = c.window-size, c.call.window-size, body[size:]
	}
	return nil
}

// read reads and handles one frame. A frame of an earlier call changes only the
// state of the connection.
func (c *Conn) read() error {
	frame, err := c.link.read()
	if err != nil {
		return err
	}
	mine := frame.Header().StreamID == c.call.stream
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		c.settings(f)
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.window += int64(f.Increment)
		} else if mine {
			c.call.window += int64(f.Increment)
		}
	case *http2.HeadersFrame:
		c.call.block, c.call.ends = nil, f.StreamEnded()
		return c.headers(mine, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.ContinuationFrame:
		return c.headers(mine, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.DataFrame:
		if mine {
			c.call.answer.Body = append(c.call.answer.Body, f.Data()...)
			c.call.ended = f.StreamEnded()
		}
	case *http2.RSTStreamFrame:
		if mine {
			c.call.answer.Reset, c.call.ended = &f.ErrCode, true
		}
	case *http2.GoAwayFrame:
		c.goAway = &f.ErrCode
		c.call.answer.GoAway = c.goAway
		c.call.ended = f.LastStreamID < c.call.stream
	}
	return nil
}

func (c *Conn) settings(f *http2.SettingsFrame) {
	if size, ok := f.Value(http2.SettingInitialWindowSize); ok {
		c.call.window += int64(size) - c.streamWindow
		c.streamWindow = int64(size)
	}
}

// headers handles a fragment of a header block. It also decodes the blocks of other
// calls, because the compression state depends on all blocks of a connection.
func (c *Conn) headers(mine bool, fragment []byte, whole bool) error {
	c.call.block = append(c.call.block, fragment...)
	if !whole {
		return nil
	}
	block, err := c.decoder.DecodeFull(c.call.block)
	if err != nil || !mine {
		return err
	}
	c.call.answer.Blocks = append(c.call.answer.Blocks, block)
	c.call.ended, c.call.answer.trailers = c.call.ends, c.call.ends
	return nil
}
