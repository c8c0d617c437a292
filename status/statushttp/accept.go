package statushttp

import (
	"strconv"
	"strings"
)

// choose returns the form that a caller prefers by the values of its Accept header: the one
// with the highest weight, then the one that the caller names most precisely, then the
// first one. If the caller accepts none, it is the first one too: an error in another
// form is better than none.
func (w *Writer) choose(accept []string) Form {
	forms := w.forms()
	best := forms[0]
	bestRange := findRange(accept, best.mediaType())
	for _, form := range forms[1:] {
		if r := findRange(accept, form.mediaType()); r.better(bestRange) {
			best, bestRange = form, r
		}
	}
	return best
}

// A mediaRange is what an element of an Accept header says about a media type.
type mediaRange struct {
	weight    float64 // 0..1; 0 means that the type isn't accepted
	precision int     // 0 if no element matches, 1 for */*, 2 for application/*, 3 for the type itself
}

// better reports whether a caller that says r about one type and s about another prefers the
// first one.
func (r mediaRange) better(s mediaRange) bool {
	if r.weight != s.weight {
		return r.weight > s.weight
	}
	return r.weight > 0 && r.precision > s.precision
}

// findRange returns what the most precise element says about a media type (RFC 9110, section
// 12.5.1).
func findRange(accept []string, mediaType string) (found mediaRange) {
	for _, value := range accept {
		for element := range strings.SplitSeq(value, ",") {
			name, params, _ := strings.Cut(element, ";")
			if p := precision(strings.TrimSpace(name), mediaType); p > found.precision {
				found = mediaRange{weight(params), p}
			}
		}
	}
	return found
}

// precision returns how precisely the name of a range names a media type, and 0 if it names
// another one.
func precision(name, mediaType string) int {
	major, _, _ := strings.Cut(mediaType, "/")
	switch {
	case strings.EqualFold(name, mediaType):
		return 3
	case strings.EqualFold(name, major+"/*"):
		return 2
	case name == "*/*":
		return 1
	}
	return 0
}

// weight returns the weight in the parameters of a range. It is 1 if there is none, and 0 if
// it is malformed.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
		return 0
	}
	return 1
}
