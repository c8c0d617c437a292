// Package template reads the templates of messages, such as "card {card} was declined":
// text with the names of parameters in braces. Packages codes and status fill them, and the
// generators read the names.
package template

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// Cut returns the text before the first parameter of a template, the parameter's name, and
// what comes after it. ok is false if no parameter follows: before is then all of the
// template. An opening brace without a closing one is text.
func Cut(template string) (before, name, after string, ok bool) {
	open := strings.IndexByte(template, '{')
	if open < 0 {
		return template, "", "", false
	}
	size := strings.IndexByte(template[open:], '}')
	if size < 0 {
		return template, "", "", false
	}
	return template[:open], template[open+1 : open+size], template[open+size+1:], true
}

// Names returns an iterator over the names of a template's parameters, each once, in the
// order in which the template first has them.
func Names(template string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var seen []string
		for rest := template; ; {
			_, name, after, ok := Cut(rest)
			if !ok {
				return
			}
			rest = after
			if slices.Contains(seen, name) {
				continue
			}
			if seen = append(seen, name); !yield(name) {
				return
			}
		}
	}
}

// Parameter returns the first name in a message that would be a parameter in a template, and
// reports whether there is one. Other braces are text.
func Parameter(message string) (name string, ok bool) {
	for name := range Names(message) {
		if checkName(name) == nil {
			return name, true
		}
	}
	return "", false
}

// Fill returns a template with the values of its parameters, as a message that can be sent:
// valid UTF-8 that neither begins nor ends with a space. Braces in a value are plain text. ok is
// false if the template has no parameter, if lookup lacks the
// value of one, or if nothing but spaces is left.
func Fill(template string, lookup func(name string) (value string, ok bool)) (message string, ok bool) {
	var buffer [128]byte
	filled := buffer[:0]
	rest := template
	for {
		before, name, after, found := Cut(rest)
		filled = append(filled, before...)
		if !found {
			break
		}
		value, ok := lookup(name)
		if !ok {
			return "", false
		}
		filled = append(filled, value...)
		rest = after
	}
	if len(rest) == len(template) {
		return "", false
	}
	message = string(filled)
	if !utf8.ValidString(message) {
		message = strings.ToValidUTF8(message, "\uFFFD")
	}
	message = strings.Trim(message, " ")
	return message, message != ""
}

// Check refuses a template without a parameter, with a name that no parameter can have, or
// with a brace that belongs to no parameter.
func Check(template string) error {
	parameters := 0
	rest := template
	for {
		before, name, after, found := Cut(rest)
		if i := strings.IndexAny(before, "{}"); i >= 0 {
			return fmt.Errorf("has an unmatched %q at byte %d: write a parameter as {name}, and use no other braces", before[i:i+1], len(template)-len(rest)+i)
		}
		if !found {
			break
		}
		if err := checkName(name); err != nil {
			return err
		}
		parameters++
		rest = after
	}
	if parameters == 0 {
		return fmt.Errorf("has no parameter: write one as {name}, or move the text to message and remove the template")
	}
	return nil
}

// checkName refuses a name that no parameter can have.
func checkName(name string) error {
	switch {
	case errorinfo.IsReserved(name):
		return fmt.Errorf("has the parameter {%s}: choose another name, because errstatus writes %q into the metadata itself", name, name)
	case !isName(name):
		return fmt.Errorf("has the parameter {%s}: its name must match [a-z][a-z0-9_]+ and have at most %d bytes, such as {user_id}", name, errorinfo.MaxMetadataKey)
	}
	return nil
}

// isName reports whether a name matches [a-z][a-z0-9_]+ and can be a key of the metadata.
func isName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_':
		default:
			return false
		}
	}
	return errorinfo.IsMetadataKey(name)
}
