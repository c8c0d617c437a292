package status

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// A scanned is what names a code in a serialized google.rpc.ErrorInfo, as parts of
// that.
type scanned struct {
	reason, domain []byte
	number         []byte // metadata["code"]
}

// The field numbers of google.rpc.ErrorInfo and of its map's entries.
const (
	errorInfoReason   protowire.Number = 1
	errorInfoDomain   protowire.Number = 2
	errorInfoMetadata protowire.Number = 3
	entryKey          protowire.Number = 1
	entryValue        protowire.Number = 2
)

// scan reads a serialized google.rpc.ErrorInfo without making one. ok is false where
// protobuf can't read it; what it finds else is what protobuf does: of a field or a
// key that is there twice the last, and what it doesn't know is passed over.
func scan(b []byte) (found scanned, ok bool) {
	for len(b) > 0 {
		number, text, n := consumeText(b)
		if n < 0 {
			return scanned{}, false
		}
		b = b[n:]
		if text == nil {
			continue
		}
		switch number {
		case errorInfoReason:
			found.reason, ok = text, utf8.Valid(text)
		case errorInfoDomain:
			found.domain, ok = text, utf8.Valid(text)
		case errorInfoMetadata:
			ok = found.scanEntry(text)
		default:
			continue
		}
		if !ok {
			return scanned{}, false
		}
	}
	return found, true
}

// scanEntry reads an entry of the metadata.
func (s *scanned) scanEntry(b []byte) (ok bool) {
	var key, value []byte
	for len(b) > 0 {
		number, text, n := consumeText(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		if text == nil || number > entryValue {
			continue
		}
		if !utf8.Valid(text) {
			return false
		}
		if number == entryKey {
			key = text
		} else {
			value = text
		}
	}
	if string(key) == numberKey {
		s.number = value
	}
	return true
}

// consumeText reads a field: its number, its bytes if it has such, else nil, and how
// long it is. n is negative where protobuf can't read it.
func consumeText(b []byte) (number protowire.Number, text []byte, n int) {
	number, typ, tag := protowire.ConsumeTag(b)
	if tag < 0 || number > protowire.MaxValidNumber {
		return 0, nil, -1
	}
	n = protowire.ConsumeFieldValue(number, typ, b[tag:])
	if n < 0 {
		return 0, nil, -1
	}
	if typ == protowire.BytesType {
		text, _ = protowire.ConsumeBytes(b[tag:])
	}
	return number, text, tag + n
}
