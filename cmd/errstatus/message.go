package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/internal/reference"
	"github.com/errstatus/errstatus/internal/template"
)

// messageNotes returns a note that names the codes with a canonical code and a message, for
// errors that carry no code.
func (c *catalog) messageNotes(canonical grpccodes.Code, message string) []string {
	var labels []string
	for _, e := range c.entries {
		if e.code.GRPCCode == canonicalName(canonical) && e.hasMessage(message) {
			labels = append(labels, e.answer().label())
		}
	}
	const limit = 3
	switch n := len(labels) - limit; {
	case len(labels) == 0:
		return nil
	case n > 0:
		return []string{fmt.Sprintf("The message is that of %s, and of %d more codes.", strings.Join(labels[:limit], ", "), n)}
	}
	return []string{fmt.Sprintf("The message is that of %s.", strings.Join(labels, ", "))}
}

// hasMessage reports whether the code has a message in any language, or a template of it.
func (e *entry) hasMessage(message string) bool {
	if message == "" || len(message) > maxText {
		return false
	}
	own := reference.Localized{Message: e.code.Message, Template: e.code.Template}
	return slices.ContainsFunc(append([]reference.Localized{own}, e.code.Localized...), func(l reference.Localized) bool {
		return l.Message == message || isFilled(l.Template, message)
	})
}

// minWords is how many bytes a template must have beside its parameters to be recognised.
const minWords = 8

// isFilled reports whether a message can be a template with values for its parameters.
func isFilled(pattern, message string) bool {
	before, _, rest, ok := template.Cut(pattern)
	message, begins := strings.CutPrefix(message, before)
	if !ok || !begins {
		return false
	}
	words := len(before)
	for {
		before, _, after, ok := template.Cut(rest)
		if words += len(before); !ok {
			return words >= minWords && strings.HasSuffix(message, before)
		}
		_, message, begins = strings.Cut(message, before)
		if !begins {
			return false
		}
		rest = after
	}
}

// afterCode matches what stands between a canonical code and its message, as Go, Java, Node
// and Python print it.
var afterCode = regexp.MustCompile(`^[\s"',:;]*(?:(?:desc|details|message)["']?\s*[=:]\s*)?["']?`)

// maxAfterCode is how many bytes after a canonical code may be searched for its message.
const maxAfterCode = 256

// readMessages sets the messages of the canonical codes.
func (f *finder) readMessages() {
	for i := range f.hits {
		h := &f.hits[i]
		after := f.rest[h.end:min(h.end+maxAfterCode, len(f.rest))]
		if h.canonical == nil || h.message != "" || !f.spend(len(after)) {
			continue
		}
		message := string(after[len(afterCode.Find(after)):])
		if end := strings.IndexAny(message, "\n\""); end >= 0 {
			message = message[:end]
		}
		h.message = strings.TrimRight(message, " \t\r',;)}")
	}
}
