package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// writeJSON writes the output as JSON with hidden characters escaped. Errors of the writer
// are found when it is flushed.
func writeJSON(w io.Writer, v any) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // the output has no value that can't be encoded
	}
	_, _ = w.Write(escapeJSON([]byte(b.String())))
}

// A textWriter writes cards for a terminal.
type textWriter struct {
	w           io.Writer
	bold, plain string // what begins and ends bold text
}

// newTextWriter returns a writer to w, which ends in stdout. It writes titles in bold if
// stdout is a terminal that can show it, unless the environment variable NO_COLOR is set.
func newTextWriter(w io.Writer, stdout any) *textWriter {
	term := os.Getenv("TERM")
	if isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && term != "" && term != "dumb" {
		return &textWriter{w, "\x1b[1m", "\x1b[0m"}
	}
	return &textWriter{w: w}
}

const (
	labelWidth = 15
	lineWidth  = 100
)

func (t *textWriter) output(o *Output) {
	for i, c := range o.cards() {
		if i > 0 {
			fmt.Fprintln(t.w)
		}
		t.card(c)
	}
}

func (t *textWriter) card(c *card) {
	fmt.Fprintf(t.w, "%s%s%s\n", t.bold, c.title, t.plain)
	for _, paragraph := range c.paragraphs {
		for _, line := range wrap(paragraph, lineWidth-2) {
			fmt.Fprintf(t.w, "  %s\n", line)
		}
	}
	last := ""
	for _, r := range c.rows {
		label := r.label
		if label == last {
			label = ""
		}
		last = r.label
		t.row(label, r)
	}
}

// row writes a row. The lines after the first of a detail are indented once more.
func (t *textWriter) row(label string, r row) {
	for i, line := range r.lines {
		lines := []string{line}
		if !r.code {
			lines = wrap(line, lineWidth-labelWidth-2)
		}
		for _, line := range lines {
			if i > 0 && r.label == "Details" {
				line = "   " + line
			}
			fmt.Fprintf(t.w, "  %-*s%s\n", labelWidth, label, line)
			label = ""
		}
	}
}

// wrap breaks a text at spaces into lines of at most width characters, if its words allow it.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for word := range strings.FieldsSeq(text) {
		size := utf8.RuneCountInString(word)
		if line != "" && length+1+size > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if line != "" {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+size
	}
	return append(lines, line)
}

// A markdown writes cards as Markdown.
type markdown struct{ w io.Writer }

func (m *markdown) output(o *Output) {
	for i, c := range o.cards() {
		if i > 0 {
			fmt.Fprintln(m.w)
		}
		m.card(c)
	}
}

func (m *markdown) card(c *card) {
	fmt.Fprintf(m.w, "### %s\n\n", escapeMarkdown(c.title))
	for _, paragraph := range c.paragraphs {
		fmt.Fprintf(m.w, "%s\n\n", escapeMarkdown(paragraph))
	}
	for _, r := range c.rows {
		m.row(r)
	}
}

// row writes an item of a list, with an inner list if it has several lines.
func (m *markdown) row(r row) {
	show := escapeMarkdown
	if r.code {
		show = codeSpan
	}
	if len(r.lines) == 1 {
		fmt.Fprintf(m.w, "- **%s:** %s\n", r.label, show(r.lines[0]))
		return
	}
	fmt.Fprintf(m.w, "- **%s:**\n", r.label)
	for _, line := range r.lines {
		fmt.Fprintf(m.w, "  - %s\n", show(line))
	}
}

// special matches what has a meaning within a line of Markdown.
var special = regexp.MustCompile("[\\\\`*_\\[\\]<>|~&]")

// escapeMarkdown returns a text that Markdown shows unchanged.
func escapeMarkdown(text string) string { return special.ReplaceAllString(text, `\$0`) }

var backticks = regexp.MustCompile("`+")

// codeSpan returns a text as code.
func codeSpan(text string) string {
	fence := "`"
	for _, run := range backticks.FindAllString(text, -1) {
		if len(run) >= len(fence) {
			fence = run + "`"
		}
	}
	if text == "" || strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}
