package codes

import "strings"

// isLanguageTag reports whether a tag is well-formed by BCP 47 (RFC 5646, section 2.1):
// a language, then optionally its extended languages, a script, a region, variants,
// extensions and private subtags; or private subtags alone.
//
// It is stricter in two points. A language has two or three letters, because the registry
// has no language with more. So "english" is refused. Irregular tags of earlier standards,
// such as "i-klingon", are refused too; all of them have successors. isLanguageTag doesn't
// look subtags up in the registry, because the registry grows.
//
// Package codes doesn't import golang.org/x/text/language, because each program with
// errstatus would link its tables.
func isLanguageTag(tag string) bool {
	s := subtags(strings.Split(tag, "-"))
	if s.take(1, isAlpha, 2, 3) == 1 {
		s.take(3, isAlpha, 3, 3) // extended languages
		s.take(1, isAlpha, 4, 4) // script
		if s.take(1, isAlpha, 2, 2) == 0 {
			s.take(1, isDigit, 3, 3) // region
		}
		for s.take(1, isAlphanumeric, 5, 8) == 1 || s.beginsWithDigit() && s.take(1, isAlphanumeric, 4, 4) == 1 {
			// variants
		}
		for !s.isPrivate() && s.take(1, isAlphanumeric, 1, 1) == 1 {
			if s.take(len(s), isAlphanumeric, 2, 8) == 0 {
				return false // an extension is a singleton and at least one subtag
			}
		}
	} else if !s.isPrivate() {
		return false
	}
	if s.isPrivate() {
		s = s[1:]
		return len(s) > 0 && s.take(len(s), isAlphanumeric, 1, 8) > 0 && len(s) == 0
	}
	return len(s) == 0
}

// subtags are the parts of a language tag that are not read yet.
type subtags []string

// take removes up to limit subtags from the front. It stops at one with fewer than shortest
// or more than longest bytes, or with a byte that is doesn't accept. It returns how many it
// removed.
func (s *subtags) take(limit int, is func(c byte) bool, shortest, longest int) (taken int) {
	for taken < limit && len(*s) > 0 {
		first := (*s)[0]
		if len(first) < shortest || len(first) > longest {
			break
		}
		for i := range len(first) {
			if !is(first[i]) {
				return taken
			}
		}
		*s = (*s)[1:]
		taken++
	}
	return taken
}

func (s subtags) isPrivate() bool       { return len(s) > 0 && (s[0] == "x" || s[0] == "X") }
func (s subtags) beginsWithDigit() bool { return len(s) > 0 && s[0] != "" && isDigit(s[0][0]) }

func isAlpha(c byte) bool        { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool        { return '0' <= c && c <= '9' }
func isAlphanumeric(c byte) bool { return isAlpha(c) || isDigit(c) }
