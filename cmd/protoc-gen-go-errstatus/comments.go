package main

import (
	"fmt"
	"go/build/constraint"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/errstatus/errstatus/internal/protoenum"
	visible "github.com/errstatus/errstatus/internal/text"
)

// commentOf returns the comment before a declaration, followed by the one after it.
func commentOf(comments protogen.CommentSet) string {
	return goComment(comments.Leading) + goComment(comments.Trailing)
}

// paragraph returns a comment as a paragraph of its own, after the text before it.
func paragraph(comment string) string {
	if comment == "" {
		return ""
	}
	return "//\n" + comment
}

// goComment converts a comment of a .proto file into Go comments. None of its lines is a
// directive: //go:noinline, //line or //export would otherwise change how the generated
// file compiles.
func goComment(comment protogen.Comments) string {
	if comment == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(string(comment), "\n"), "\n") {
		line = visible.Lines(strings.ReplaceAll(line, "\r", "")) // as Go's scanner does; a reviewer sees the rest
		switch {
		case constraint.IsPlusBuild("//" + line):
			line = " " + strconv.Quote(strings.TrimSpace(line)) // go vet refuses +build even after spaces
		case line != "" && line[0] != ' ' && line[0] != '\t':
			line = " " + line
		}
		b.WriteString("//" + line + "\n")
	}
	return b.String()
}

// deprecation returns the paragraph for a deprecated declaration, as protoc-gen-go writes
// it, or an empty string.
func deprecation(desc protoreflect.Descriptor) string {
	switch path := desc.ParentFile().Path(); {
	case protoenum.IsFileDeprecated(desc):
		return "//\n// Deprecated: The entire proto file " + path + " is marked as deprecated.\n"
	case protoenum.IsDeprecated(desc):
		return "//\n// Deprecated: Marked as deprecated in " + path + ".\n"
	}
	return ""
}

// checkComments returns an error for a comment with a byte or a character that no Go file
// may have.
func checkComments(desc protoreflect.Descriptor, comments protogen.CommentSet) error {
	for _, c := range []struct {
		place string
		text  protogen.Comments
	}{{"before", comments.Leading}, {"after", comments.Trailing}} {
		for i, line := range strings.Split(string(c.text), "\n") {
			if what := notInGo(line); what != "" {
				return fmt.Errorf("%s: line %d of the comment %s %s %s: Go source can't have this: change the line %q",
					protoenum.Position(desc), i+1, c.place, desc.FullName(), what, line)
			}
		}
	}
	return nil
}

// notInGo says what a line has that no Go file may have, or returns an empty string.
func notInGo(line string) string {
	switch {
	case !utf8.ValidString(line):
		return "has bytes that are not UTF-8"
	case strings.ContainsRune(line, 0):
		return "has the character NUL"
	case strings.ContainsRune(line, '\ufeff'):
		return "has a byte order mark, U+FEFF"
	}
	return ""
}
