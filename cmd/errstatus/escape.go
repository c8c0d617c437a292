package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/errstatus/errstatus/internal/text"
)

// The longest texts that are printed, in bytes. The rest is replaced by a note.
const (
	maxFound  = 100     // the text that was recognised
	maxText   = 4 << 10 // a message
	maxDetail = 2 << 10 // a detail
)

// escape returns s as one line in which every character is seen: it replaces control
// characters, bidirectional controls, zero-width characters and bytes that are not UTF-8 by
// escapes as in Go, such as \n, \u202e and \xff.
func escape(s string) string { return escapeExcept(s, "") }

// escapeLocalized is escape for a text in a language that may need the joiners U+200C and
// U+200D.
func escapeLocalized(s string) string { return escapeExcept(s, "\u200c\u200d") }

func escapeExcept(s, kept string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case text.IsHidden(r) && !strings.ContainsRune(kept, r):
			b.WriteString(escapeRune(r))
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// escapeRune returns a hidden rune as Go writes it in a literal.
func escapeRune(r rune) string {
	switch {
	case r < 0x80:
		return strings.Trim(strconv.QuoteToASCII(string(r)), `"`)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// escapeJSON replaces hidden characters in the text of a JSON value by escapes of JSON. They
// occur in strings only. Line feeds stand between the values and stay.
func escapeJSON(value []byte) []byte {
	var b bytes.Buffer
	for i := 0; i < len(value); {
		r, size := utf8.DecodeRune(value[i:])
		switch {
		case r == '\n' || !text.IsHidden(r):
			b.Write(value[i : i+size])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.Bytes()
}

// shorten returns s, or its beginning and its end with the number of bytes between them.
func shorten(s string, limit int) string { return text.Shorten(s, limit) }
