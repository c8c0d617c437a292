package wiretest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// An Answer is what came back for a call, as it was written.
type Answer struct {
	// Blocks are the header blocks in order: response headers, if they have a
	// block of their own, and trailers.
	Blocks []Block

	// Body is what all DATA frames held.
	Body []byte

	// Reset is the code of a RST_STREAM that ended the call, nil if none did. One
	// that comes after the end, to stop the client, isn't looked for.
	Reset *http2.ErrCode

	// GoAway is the code of a GOAWAY that came on the connection until the end of
	// the call, nil if none did.
	GoAway *http2.ErrCode

	trailers bool // the last block ended the call
}

// Trailers is the header block that ended the call, the only one of an answer
// that is trailers-only; nil if the call ended otherwise.
func (a *Answer) Trailers() Block {
	if !a.trailers {
		return nil
	}
	return a.Blocks[len(a.Blocks)-1]
}

// TrailersOnly tells whether the first header block ended the call.
func (a *Answer) TrailersOnly() bool { return a.trailers && len(a.Blocks) == 1 }

// Messages is how many whole messages the body has.
func (a *Answer) Messages() int {
	count := 0
	for rest := a.Body; len(rest) >= prefix; count++ {
		size := uint64(binary.BigEndian.Uint32(rest[1:prefix]))
		if uint64(len(rest)-prefix) < size {
			break
		}
		rest = rest[prefix+size:]
	}
	return count
}

// A Block is a header block: the fields of HEADERS and its CONTINUATION frames in
// order, with pseudo-headers.
type Block []hpack.HeaderField

// Values are those of all fields with a name.
func (b Block) Values(name string) []string {
	var values []string
	for _, field := range b {
		if field.Name == name {
			values = append(values, field.Value)
		}
	}
	return values
}

// Get is the value of the first field with a name, empty if there is none.
func (b Block) Get(name string) string {
	for _, field := range b {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// ListSize is the size of the header list by RFC 9113, section 6.5.2, which
// SETTINGS_MAX_HEADER_LIST_SIZE is about.
func (b Block) ListSize() int {
	size := 0
	for _, field := range b {
		size += int(field.Size())
	}
	return size
}

// DetailsBin is the google.rpc.Status in grpc-status-details-bin, nil if there is
// no such field. It is an error if there are two, or one that can't be decoded,
// which includes one with text that is not UTF-8.
func (b Block) DetailsBin() (*spb.Status, error) {
	const name = "grpc-status-details-bin"
	values := b.Values(name)
	switch len(values) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("%d fields %s; want one", len(values), name)
	}
	bytes, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(values[0], "=")) // padding is allowed
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	st := &spb.Status{}
	if err := proto.Unmarshal(bytes, st); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return st, nil
}

// Failure is the status of a call that failed as it should. It is an error unless
// the block has what [Block.Status] wants, and a grpc-status in 1..16.
func (b Block) Failure() (*spb.Status, error) {
	st, err := b.Status()
	if code := grpccodes.Code(st.GetCode()); err == nil && (code < 1 || code > grpccodes.Unauthenticated) {
		return nil, fmt.Errorf("grpc-status is %d; want a number in 1..16", st.GetCode())
	}
	return st, err
}

// Status is the status that ended a call, be its code no canonical one. It is an
// error unless the block has one grpc-status, a number of 32 bits in decimal that
// is not negative; one grpc-message at most, of UTF-8 that is percent-encoded; and
// in grpc-status-details-bin, if it has that, the same code and message.
func (b Block) Status() (*spb.Status, error) {
	code, err := b.code()
	if err != nil {
		return nil, err
	}
	message, err := b.message()
	if err != nil {
		return nil, err
	}
	st, err := b.DetailsBin()
	switch {
	case err != nil:
		return nil, err
	case st == nil:
		return &spb.Status{Code: code, Message: message}, nil
	case st.GetCode() != code || st.GetMessage() != message:
		return nil, fmt.Errorf("grpc-status-details-bin has %d %q; want grpc-status and grpc-message, %d %q",
			st.GetCode(), st.GetMessage(), code, message)
	}
	return st, nil
}

func (b Block) code() (int32, error) {
	values := b.Values("grpc-status")
	if len(values) != 1 {
		return 0, fmt.Errorf("fields grpc-status are %q; want one", values)
	}
	code, err := strconv.ParseInt(values[0], 10, 32)
	if err != nil || strconv.FormatInt(code, 10) != values[0] || code < 0 {
		return 0, fmt.Errorf("grpc-status is %q; want a number of 32 bits in decimal", values[0])
	}
	return int32(code), nil
}

func (b Block) message() (string, error) {
	values := b.Values("grpc-message")
	if len(values) == 0 {
		return "", nil
	}
	notPlain := func(c rune) bool { return c < ' ' || c > '~' }
	message, err := url.PathUnescape(values[0])
	if err != nil || len(values) > 1 || strings.ContainsFunc(values[0], notPlain) || !utf8.ValidString(message) {
		return "", fmt.Errorf("fields grpc-message are %q; want one of percent-encoded UTF-8", values)
	}
	return message, nil
}
