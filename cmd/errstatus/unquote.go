package main

import (
	"strconv"
	"strings"
)

// unquote replaces the escapes in a quoted text of Go, C, Python, Java or JSON by what they
// stand for. Numeric escapes with two digits and octal ones are bytes. ok is false if there
// is none.
func unquote(text string) (unquoted string, ok bool) {
	if !strings.Contains(text, `\`) {
		return "", false
	}
	var b strings.Builder
	for len(text) > 0 {
		if text[0] != '\\' {
			plain, _, _ := strings.Cut(text, `\`)
			b.WriteString(plain)
			text = text[len(plain):]
			continue
		}
		size := writeEscape(&b, text)
		text = text[size:]
	}
	return b.String(), true
}

// simpleEscapes has the characters that stand for another after a backslash.
var simpleEscapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v'}

// hexEscapes has the number of digits after \x, \u and \U.
var hexEscapes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// writeEscape writes what the escape at the beginning of text stands for, and returns its
// length. Of an escape that no language knows it writes what follows the backslash.
func writeEscape(b *strings.Builder, text string) (size int) {
	if len(text) == 1 {
		b.WriteByte(text[0])
		return 1
	}
	kind := text[1]
	if c, ok := simpleEscapes[kind]; ok {
		b.WriteByte(c)
		return 2
	}
	if digits := hexEscapes[kind]; digits > 0 && len(text) >= 2+digits {
		if n, err := strconv.ParseUint(text[2:2+digits], 16, 32); err == nil {
			if digits == 2 {
				b.WriteByte(byte(n))
			} else {
				b.WriteRune(rune(n))
			}
			return 2 + digits
		}
	}
	digits := 0
	for digits < 3 && 1+digits < len(text) && '0' <= text[1+digits] && text[1+digits] <= '7' {
		digits++
	}
	if n, err := strconv.ParseUint(text[1:1+digits], 8, 8); err == nil {
		b.WriteByte(byte(n))
		return 1 + digits
	}
	b.WriteByte(kind)
	return 2
}
