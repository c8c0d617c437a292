package main

import (
	"go/ast"
	"go/build/constraint"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// commented returns a file in which the enum and its second value have a comment, before
// or after.
func commented(t *testing.T, leading, trailing string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	file := parseFile(t, enumText("ShopCode", "shop.example.com"))
	for _, loc := range file.SourceCodeInfo.Location {
		if len(loc.Path) == 2 || len(loc.Path) == 4 && loc.Path[3] == 1 {
			loc.LeadingComments, loc.TrailingComments = proto.String(leading), proto.String(trailing)
		}
	}
	return file
}

func TestCommentsAreNoDirectives(t *testing.T) {
	lines := []string{
		"go:noinline", "go:build ignore", "go:linkname x y", "go:embed *", "line foo:1", "line foo.go:1:2", "export Fine", "extern Fine", "nolint", "nolint:all",
		"foo:bar", "lint:ignore X y", "/*line foo:1*/", "*line foo:1", "*/line foo:1", "\rgo:noinline", "\r", "+build ignore", " +build ignore", "\t+build ignore", "\v+build ignore",
		"#cgo LDFLAGS: -lm", "Deprecated: no.", "",
	}
	for _, line := range lines {
		for name, file := range map[string]*descriptorpb.FileDescriptorProto{
			"before":          commented(t, line+"\n", ""),
			"after":           commented(t, "", line+"\n"),
			"on a later line": commented(t, " A comment.\n"+line+"\n\n"+line+"\n", ""),
		} {
			out, err := runPlugin(t, "", file)
			if err != nil {
				t.Errorf("the comment %q %s: %v; want no error", line, name, err)
				continue
			}
			source := out["example.com/shop/shop_errstatus.pb.go"]
			checkNoDirectives(t, source)
			if formatted, err := format.Source([]byte(source)); err != nil || string(formatted) != source {
				t.Errorf("the comment %q %s: gofmt changes the output, error %v; want no change:\n%s", line, name, err, source)
			}
			if !strings.Contains(source, strings.TrimSpace(line)) {
				t.Errorf("the comment %q %s is lost in\n%s", line, name, source)
			}
		}
	}
}

// checkNoDirectives checks that each comment begins with a space, and that neither line
// numbers nor build constraints change.
func checkNoDirectives(t *testing.T, source string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "shop.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if rest := strings.TrimPrefix(comment.Text, "//"); rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				t.Errorf("the output has the comment %q; want a space after the slashes", comment.Text)
			}
			if _, ok := ast.ParseDirective(comment.Pos(), comment.Text); ok {
				t.Errorf("the output has the directive %q; want none", comment.Text)
			}
			if pos := fset.Position(comment.End()); pos.Filename != "shop.go" {
				t.Errorf("after %q the position is %v; want one in shop.go", comment.Text, pos)
			}
		}
	}
}

// go vet refuses build constraints after the package clause, also with a space before them.
func TestVetAcceptsComments(t *testing.T) {
	out, err := runPlugin(t, "", commented(t, "+build ignore\n +build ignore\ngo:build ignore\n", "+build ignore\n"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "shop.go")
	if err := os.WriteFile(file, []byte(out["example.com/shop/shop_errstatus.pb.go"]), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", "-buildtag", "-directive", file).CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// A reviewer of the generated code sees all of a comment.
func TestCommentsHaveNoHiddenCharacters(t *testing.T) {
	out, err := runPlugin(t, "", commented(t, " a\u202eb\u200bc\td\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	source := out["example.com/shop/shop_errstatus.pb.go"]
	if !strings.Contains(source, "// a b c\td\n") || strings.ContainsAny(source, "\u202e\u200b") {
		t.Errorf("the output is\n%s\nwant spaces instead of U+202E and U+200B", source)
	}
}

func TestCommentsThatGoRefuses(t *testing.T) {
	for bad, want := range map[string]string{
		"\ufeff":       "has a byte order mark, U+FEFF: Go source can't have this: change the line ",
		"a \ufeff":     "has a byte order mark, U+FEFF",
		"a \x00 b":     "has the character NUL",
		"caf\xe9":      "has bytes that are not UTF-8",
		"\xff\xfe\x00": "has bytes that are not UTF-8",
	} {
		for comment, place := range map[[2]string]string{
			{bad, ""}:                    "line 1 of the comment before ",
			{" Two\n " + bad + "\n", ""}: "line 2 of the comment before ",
			{"", bad}:                    "line 1 of the comment after ",
		} {
			_, err := runPlugin(t, "", commented(t, comment[0], comment[1]))
			for _, prefix := range []string{
				"shop/v1/shop.proto:10:1: " + place + "shop.v1.ShopCode " + want,
				"shop/v1/shop.proto:12:3: " + place + "shop.v1.Broken " + want,
			} {
				if err == nil || !strings.Contains("\n"+err.Error(), "\n"+prefix) {
					t.Errorf("for the comments %q the plugin's error is\n%v\nwant a line that begins with %q", comment, err, prefix)
				}
			}
		}
	}
}

func TestDeprecated(t *testing.T) {
	const (
		marked = "//\n// Deprecated: Marked as deprecated in shop/v1/shop.proto.\n"
		entire = "//\n// Deprecated: The entire proto file shop/v1/shop.proto is marked as deprecated.\n"
		typ    = "// A ShopCode is a code of the domain \"shop.example.com\".\n"
		broken = "\t// Broken is INTERNAL, \"broken\".\n"
	)
	tabbed := strings.NewReplacer("//\n", "\t//\n", "// D", "\t// D")
	tests := []struct {
		name  string
		set   func(*descriptorpb.FileDescriptorProto)
		want  []string
		count int
	}{
		{name: "nothing", set: func(*descriptorpb.FileDescriptorProto) {}, want: []string{typ + "type ShopCode int32\n", "// source: shop/v1/shop.proto\n"}},
		{name: "the enum", set: func(f *descriptorpb.FileDescriptorProto) { f.EnumType[0].Options.Deprecated = proto.Bool(true) },
			want: []string{typ + marked + "type ShopCode int32\n"}, count: 1},
		{name: "a value", set: func(f *descriptorpb.FileDescriptorProto) {
			f.EnumType[0].Value[1].Options.Deprecated = proto.Bool(true)
		}, want: []string{broken + tabbed.Replace(marked) + "\tBroken ShopCode = 1\n"}, count: 1},
		{name: "the file", set: func(f *descriptorpb.FileDescriptorProto) { f.Options.Deprecated = proto.Bool(true) },
			want: []string{typ + entire + "type ShopCode int32\n", broken + tabbed.Replace(entire) + "\tBroken ShopCode = 1\n", "// shop/v1/shop.proto is a deprecated file.\n"}, count: 4},
	}
	for _, tt := range tests {
		file := parseFile(t, enumText("ShopCode", "shop.example.com"))
		tt.set(file)
		out, err := runPlugin(t, "", file)
		if err != nil {
			t.Fatal(err)
		}
		source := out["example.com/shop/shop_errstatus.pb.go"]
		for _, want := range tt.want {
			if !strings.Contains(source, want) {
				t.Errorf("%s is deprecated: the output is\n%s\nwant it to contain\n%s", tt.name, source, want)
			}
		}
		if got := strings.Count(source, "Deprecated:"); got != tt.count {
			t.Errorf("%s is deprecated: the output has %d paragraphs about it; want %d", tt.name, got, tt.count)
		}
	}
}

// FuzzGoComment checks that a comment is refused, or becomes one that Go can read and that
// has no directive, also after gofmt.
func FuzzGoComment(f *testing.F) {
	for _, comment := range []string{" A comment.\n", "go:noinline", "/*line foo:1*/", " +build ignore", "\rline x:1\n\n\n", "\ufeff", "\t\tcode\n", "a\x00", "\xff", "*/ x"} {
		f.Add(comment)
	}
	f.Fuzz(func(t *testing.T, comment string) {
		for line := range strings.SplitSeq(comment, "\n") {
			if notInGo(line) != "" {
				return
			}
		}
		source, err := format.Source([]byte("package shop\n\n" + goComment(protogen.Comments(comment)) + "type Shop int\n"))
		if err != nil {
			t.Fatalf("for the comment %q: %v; want Go that can be formatted", comment, err)
		}
		checkNoDirectives(t, string(source))
		for line := range strings.Lines(string(source)) {
			if constraint.IsPlusBuild(strings.TrimSpace(line)) || constraint.IsGoBuild(line) {
				t.Errorf("for the comment %q the output has the build constraint %q; want none", comment, line)
			}
		}
	})
}
