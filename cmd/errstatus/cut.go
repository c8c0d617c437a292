package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
)

// readCut reads base64 of a google.rpc.Status whose end is missing, as a log cuts it. It
// returns what the beginning has as a text, and the reason if it is reached. about is empty
// if the text is something else.
func readCut(text string) (about, reason string) {
	text = strings.TrimRight(text, ".…")
	b, err := decodeBase64(text)
	if err != nil && text != "" {
		b, _ = decodeBase64(text[:len(text)-1]) // one character alone is no byte
	}
	status, ok := cutFields(b, 3)
	code, size := protowire.ConsumeVarint(status[1].bytes)
	if !ok || size < 0 || code > uint64(maxCanonical) || status[2].bytes == nil && status[3].bytes == nil {
		return "", ""
	}
	detail, _ := cutFields(status[3].bytes, 2)
	info, _ := cutFields(detail[2].bytes, 3)
	parts := []string{fmt.Sprintf("code %d (%s)", code, canonicalName(grpccodes.Code(code)))}
	for _, part := range []struct {
		name  string
		value cutField
	}{{"message", status[2]}, {"detail", detail[1]}, {"reason", info[1]}, {"domain", info[2]}} {
		value, ok := cutText(part.value.bytes)
		if part.value.cut {
			value += "..."
		}
		switch {
		case !ok:
			return "", ""
		case value != "":
			parts = append(parts, fmt.Sprintf("%s %q", part.name, shorten(value, maxFound)))
		}
	}
	if info[1].cut { // it may be the beginning of another reason
		return strings.Join(parts, ", "), ""
	}
	return strings.Join(parts, ", "), string(info[1].bytes)
}

// A cutField is the value of a field, or its beginning if it was cut.
type cutField struct {
	bytes []byte
	cut   bool
}

// cutFields returns the first value of each field of a message whose end may be missing. ok
// is false if the bytes are no message, or have a field with a number over highest.
func cutFields(b []byte, highest protowire.Number) (fields map[protowire.Number]cutField, ok bool) {
	fields = make(map[protowire.Number]cutField)
	for len(b) > 0 {
		number, wireType, tag := protowire.ConsumeTag(b)
		if tag < 0 || number > highest {
			return fields, isCut(tag)
		}
		b = b[tag:]
		var value cutField
		size := 0
		if wireType == protowire.BytesType {
			length, prefix := protowire.ConsumeVarint(b)
			if prefix < 0 {
				return fields, isCut(prefix)
			}
			size = prefix + int(min(length, uint64(len(b)-prefix)))
			value = cutField{b[prefix:size], length > uint64(len(b)-prefix)}
		} else if size = protowire.ConsumeFieldValue(number, wireType, b); size >= 0 {
			value.bytes = b[:size]
		} else {
			return fields, isCut(size)
		}
		if fields[number].bytes == nil {
			fields[number] = value
		}
		b = b[size:]
	}
	return fields, true
}

// isCut reports whether a negative size of package protowire means that bytes are missing.
func isCut(size int) bool { return errors.Is(protowire.ParseError(size), io.ErrUnexpectedEOF) }

// cutText returns bytes as a text, without a part of a character at its end. ok is false if
// they are no text.
func cutText(b []byte) (text string, ok bool) {
	for range utf8.UTFMax {
		if utf8.Valid(b) {
			return string(b), true
		}
		b = b[:len(b)-1]
	}
	return "", false
}
