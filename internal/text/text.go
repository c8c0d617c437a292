// Package text prepares texts for logs, where a peer or a caller may have chosen them.
package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsHidden reports whether a rune can't be seen in a line, or changes what is seen of it.
// These are control and format characters, line and paragraph separators, variation
// selectors, and other characters that Unicode says to ignore. Format characters include
// bidirectional controls (U+202A to U+202E, U+2066 to U+2069), zero-width characters,
// U+FEFF and the soft hyphen.
func IsHidden(r rune) bool {
	switch {
	case r < 0x80:
		return r < ' ' || r == 0x7f
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return true
	case unicode.Is(unicode.Cf, r): // format characters, of which a few are seen: Arabic signs before numbers
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}

// OneLine returns s as one line of valid UTF-8 without hidden runes. It replaces each
// hidden rune by a space, a CR LF by one space, and each run of bytes that is not UTF-8 by
// one U+FFFD.
func OneLine(s string) string {
	if isVisible(s) {
		return s
	}
	return replaceHidden(strings.ReplaceAll(s, "\r\n", " "), "")
}

// Lines returns s like [OneLine], but keeps line feeds and tabs, which stack traces have.
func Lines(s string) string {
	if isVisible(s) {
		return s
	}
	return replaceHidden(s, "\n\t")
}

// replaceHidden replaces hidden runes that are not in kept.
func replaceHidden(s, kept string) string {
	return strings.Map(func(r rune) rune {
		if IsHidden(r) && !strings.ContainsRune(kept, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// isVisible reports whether s is valid UTF-8 and has no hidden rune.
func isVisible(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		} else if IsHidden(r) {
			return false
		}
	}
	return true
}

// ForPeople returns s as one line to show to a person. It is like [OneLine], but keeps the
// zero-width joiners U+200C and U+200D, which the spelling of some languages needs, and removes
// spaces at the beginning and the end. It cuts s to [MaxLen] bytes, and then ends with three
// dots.
func ForPeople(s string) string {
	const mark, joiners = "...", "\u200c\u200d"
	if len(s) > MaxLen {
		s = s[:runeStart(s, MaxLen-len(mark)-utf8.UTFMax)] + mark
	}
	if !isVisible(s) {
		s = replaceHidden(strings.ReplaceAll(s, "\r\n", " "), joiners)
	}
	return strings.Trim(s, " ")
}

// MaxLen is the length to which [ForLog] and [ForPeople] shorten a text, in bytes.
const MaxLen = 4 << 10

// maxMark is the length of the longest mark that Shorten writes, with what runeStart adds.
const maxMark = len("... (9223372036854775807 bytes cut) ...") + 2*(utf8.UTFMax-1)

// Shorten returns s, or its beginning and its end if it is longer than limit, with the
// number of bytes that were cut between them. The end stays because the root cause of an
// error is usually there. limit is at least 100.
func Shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	tailLen := limit / 4
	head, tail := runeStart(s, limit-tailLen-maxMark), runeStart(s, len(s)-tailLen)
	return fmt.Sprintf("%s... (%d bytes cut) ...%s", s[:head], tail-head, s[tail:])
}

// runeStart returns i, or where the rune around s[i] ends. Bytes that are not UTF-8 don't
// move it far.
func runeStart(s string, i int) int {
	for range utf8.UTFMax - 1 {
		if i >= len(s) || utf8.RuneStart(s[i]) {
			break
		}
		i++
	}
	return i
}

// ForLog returns s shortened to [MaxLen] and as one line. U+FFFD for bytes that are not
// UTF-8 can double its length.
func ForLog(s string) string { return OneLine(Shorten(s, MaxLen)) }
