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

// An Answer is a server's response to a call, exactly as the server wrote it.
type Answer struct {
	// Blocks has the header blocks in order: the response headers, if they have
	// a separate block, and the trailers.
	Blocks []Block

	// Body is the content of all DATA frames.
	Body []byte

	// Reset is the code of the RST_STREAM that ended the call, nil if there was
	// none. The client ignores a RST_STREAM that comes after the end.
	Reset *http2.ErrCode

	// GoAway is the code of a GOAWAY that came on the connection before the end of
	// the call, nil if there was none.
	GoAway *http2.ErrCode

	trailers bool // whether the last block ended the call
}

// Trailers returns the header block that ended the call, or nil if the call ended
// otherwise. A trailers-only answer has no other block.
func (a *Answer) Trailers() Block {
	if !a.trailers {
		return nil
	}
	return a.Blocks[len(a.Blocks)-1]
}

// TrailersOnly reports whether the first header block ended the call.
func (a *Answer) TrailersOnly() bool { return a.trailers && len(a.Blocks) == 1 }

// Messages returns the number of complete messages in the body.
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

// A Block is a header block: the fields of a HEADERS frame and its CONTINUATION
// frames in order, including pseudo-headers.
type Block []hpack.HeaderField

// Values returns the values of all fields with the given name.
func (b Block) Values(name string) []string {
	var values []string
	for _, field := range b {
		if field.Name == name {
			values = append(values, field.Value)
		}
	}
	return values
}

// Get returns the value of the first field with the given name, or an empty string.
func (b Block) Get(name string) string {
	for _, field := range b {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// ListSize returns the size of the header list as RFC 9113, section 6.5.2, counts
// it for SETTINGS_MAX_HEADER_LIST_SIZE.
func (b Block) ListSize() int {
	size := 0
	for _, field := range b {
		size += int(field.Size())
	}
	return size
}

// DetailsBin returns the google.rpc.Status in grpc-status-details-bin, or nil if
// there is no such field. It returns an error if there are two such fields, or if
// the field can't be decoded, for example because a text is not UTF-8.
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

// Failure returns the status of a failed call. It returns an error where
// [Block.Status] does, and if grpc-status is not in 1..16.
func (b Block) Failure() (*spb.Status, error) {
	st, err := b.Status()
	if code := grpccodes.Code(st.GetCode()); err == nil && (code < 1 || code > grpccodes.Unauthenticated) {
		return nil, fmt.Errorf("grpc-status is %d; want a number in 1..16", st.GetCode())
	}
	return st, err
}

// Status returns the status that ended a call. Its code may be a raw number. Status
// returns an error unless the block has:
//   - one grpc-status, a decimal number from 0 to 2147483647,
//   - at most one grpc-message, of percent-encoded UTF-8,
//   - the same code and message in grpc-status-details-bin, if it has that field.
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
		return 0, fmt.Errorf("the values of grpc-status are %q; want one", values)
	}
	code, err := strconv.ParseInt(values[0], 10, 32)
	if err != nil || strconv.FormatInt(code, 10) != values[0] || code < 0 {
		return 0, fmt.Errorf("grpc-status is %q; want a decimal number from 0 to 2147483647", values[0])
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
		return "", fmt.Errorf("the values of grpc-message are %q; want one of percent-encoded UTF-8", values)
	}
	return message, nil
}
