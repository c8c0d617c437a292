package wiretest

import (
	"bufio"
	"bytes"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// The values that hold until a peer's SETTINGS allow more.
const (
	maxFrame      = 16 << 10
	initialWindow = 64<<10 - 1
)

// A link is what client and server share: framing, compression and flow control.
// It buffers what it writes until the next read.
type link struct {
	*http2.Framer
	out     *bufio.Writer
	encoded bytes.Buffer
	encoder *hpack.Encoder
}

func newLink(conn net.Conn) *link {
	l := &link{out: bufio.NewWriter(conn)}
	l.Framer = http2.NewFramer(l.out, bufio.NewReader(conn))
	l.encoder = hpack.NewEncoder(&l.encoded)
	l.encoder.SetMaxDynamicTableSize(0) // every peer allows a table of size 0
	return l
}

// read returns the next frame. It first answers SETTINGS and PING, and returns the
// credit that a DATA frame has used.
func (l *link) read() (http2.Frame, error) {
	if err := l.out.Flush(); err != nil {
		return nil, err
	}
	frame, err := l.ReadFrame()
	if err != nil {
		return nil, err
	}
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			err = l.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			err = l.WritePing(true, f.Data)
		}
	case *http2.DataFrame:
		err = l.credit(f)
	}
	return frame, err
}

// credit returns to the peer what a DATA frame has used of both windows.
func (l *link) credit(f *http2.DataFrame) error {
	if f.Length == 0 {
		return nil
	}
	if err := l.WriteWindowUpdate(0, f.Length); err != nil || f.StreamEnded() {
		return err
	}
	return l.WriteWindowUpdate(f.StreamID, f.Length)
}

// writeBlock writes a header block unchanged, in one HEADERS frame and as many
// CONTINUATION frames as it needs.
func (l *link) writeBlock(stream uint32, block Block, end bool) error {
	l.encoded.Reset()
	for _, field := range block {
		if err := l.encoder.WriteField(field); err != nil {
			return err
		}
	}
	fragment := l.encoded.Next(maxFrame)
	err := l.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: fragment, EndHeaders: l.encoded.Len() == 0, EndStream: end,
	})
	for err == nil && l.encoded.Len() > 0 {
		fragment = l.encoded.Next(maxFrame)
		err = l.WriteContinuation(stream, l.encoded.Len() == 0, fragment)
	}
	return err
}
