package reference

import (
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/template"
	"github.com/errstatus/errstatus/internal/text"
	"github.com/errstatus/errstatus/status/statushttp"
)

// New returns a reference without codes. The comment is that of the enum in its .proto
// file, or is empty.
func New(domain, enum, comment string) *Reference {
	return &Reference{
		Version:     Version,
		Domain:      domain,
		Enum:        enum,
		Explanation: strings.Join(paragraphs(comment), "\n\n"),
		Codes:       []Code{},
	}
}

// Add appends the code of a row. The comment is that of the value in its .proto file: the
// paragraph that begins "Resolution:" becomes the code's resolution, and the others become
// its explanation.
func (r *Reference) Add(row codes.Row, comment string, deprecated bool) {
	c := codeOf(row)
	c.Deprecated = deprecated
	c.Explanation, c.Resolution = splitComment(comment)
	r.Codes = append(r.Codes, c)
}

// codeOf returns the code of a row, without what only its .proto file says.
func codeOf(row codes.Row) Code {
	c := Code{
		Number:        int32(row.Code.Number()),
		Name:          row.Name,
		OtherNames:    slices.Clone(row.OtherNames),
		Reason:        row.Reason,
		FormerReasons: slices.Clone(row.FormerReasons),
		GRPCCode:      code.Code(row.GRPCCode).String(),
		HTTPStatus:    statushttp.Code(row.GRPCCode),
		Fault:         row.Fault().String(),
		Retry:         row.Retry().String(),
		Default:       row.Default,
		Message:       row.Message,
		Template:      row.Template,
		Parameters:    slices.Collect(template.Names(row.Template)),
	}
	for _, m := range row.Localized {
		c.Localized = append(c.Localized, Localized(m))
	}
	return c
}

const resolutionMark = "Resolution:"

// splitComment returns the paragraphs of a comment that begin "Resolution:", without this
// word, and the others.
func splitComment(comment string) (explanation, resolution string) {
	var explanations, resolutions []string
	for _, p := range paragraphs(comment) {
		rest, isResolution := strings.CutPrefix(p, resolutionMark)
		rest = strings.TrimLeft(rest, " \t\n")
		switch {
		case !isResolution:
			explanations = append(explanations, p)
		case rest != "":
			resolutions = append(resolutions, rest)
		}
	}
	return strings.Join(explanations, "\n\n"), strings.Join(resolutions, "\n\n")
}

// paragraphs returns the paragraphs of a comment, as protoc sends it. Each is one line, but
// lists and indented lines keep their line breaks. A line that begins "Resolution:" begins a
// paragraph.
func paragraphs(comment string) (all []string) {
	var current []string
	end := func() {
		if len(current) > 0 {
			all = append(all, joinLines(current))
			current = nil
		}
	}
	for line := range strings.SplitSeq(text.Lines(strings.ReplaceAll(comment, "\r", "")), "\n") {
		line = strings.TrimRight(strings.TrimPrefix(line, " "), " \t")
		if line == "" || strings.HasPrefix(line, resolutionMark) {
			end()
		}
		if line != "" {
			current = append(current, line)
		}
	}
	end()
	return all
}

// joinLines returns the lines of a paragraph as one line, unless one of them is indented or
// an item of a list.
func joinLines(lines []string) string {
	if slices.ContainsFunc(lines, isLaidOut) {
		return strings.Join(lines, "\n")
	}
	return strings.Join(lines, " ")
}

// isLaidOut reports whether a line is indented or an item of a list.
func isLaidOut(line string) bool {
	switch line[0] {
	case ' ', '\t':
		return true
	case '-', '*':
		return strings.HasPrefix(line[1:], " ")
	}
	digits := strings.TrimLeft(line, "0123456789")
	return digits != line && strings.HasPrefix(digits, ". ")
}
