package docstest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// root is the module's directory, seen from this package's.
const root = "../.."

// A page is a Markdown file.
type page struct {
	name  string // relative to root, with slashes
	lines []string
}

// pages returns the files that match the patterns, which are relative to root.
func pages(t *testing.T, patterns ...string) []page {
	t.Helper()
	var found []page
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file matches %s (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, page{filepath.ToSlash(name), strings.Split(string(text), "\n")})
		}
	}
	return found
}

// A block is the text between two lines with ``` in a page.
type block struct {
	page     string
	line     int    // of its first line, counted from 1
	language string // the word after ```
	template string // NAME of the comment <!-- snippet: NAME --> directly above
	file     string // NAME of the comment <!-- file: NAME --> directly above
	text     string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

var annotation = regexp.MustCompile(`^<!-- (snippet|file): ([a-z./]+) -->$`)

func (p page) blocks() []block {
	var blocks []block
	var open *block
	for i, line := range p.lines {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open != nil:
			blocks, open = append(blocks, *open), nil
		case isFence:
			open = &block{page: p.name, line: i + 2, language: fence, template: "default"}
			if i > 0 {
				found := annotation.FindStringSubmatch(p.lines[i-1])
				switch {
				case found == nil:
				case found[1] == "file":
					open.file = found[2]
				default:
					open.template = found[2]
				}
			}
		case open != nil:
			open.text += line + "\n"
		}
	}
	return blocks
}

// TestSnippetsCompile checks each ```go block. A block that begins with a package
// clause is a whole file. Any other is a list of statements or of declarations,
// with or without imports before it. It is put into a template: that has the
// imports and variables which snippets use without declaring them, and a function
// around statements. The template is testdata/default.go, or testdata/NAME.go
// where the line above the block is <!-- snippet: NAME -->.
//
// A snippet may leave variables and imports unused. A whole file may not. A block below a
// comment <!-- file: NAME --> is a file of TestFromAnEmptyDirectory, which compiles it.
func TestSnippetsCompile(t *testing.T) {
	fset := token.NewFileSet()
	var files []*ast.File
	imported := map[string]bool{}
	for _, page := range pages(t, "README.md", "docs/*.md") {
		for _, b := range page.blocks() {
			if b.language != "go" {
				continue
			}
			formatted, err := format.Source([]byte(b.text))
			if err == nil && string(formatted) != b.text {
				t.Errorf("%v: gofmt would change this snippet to:\n%s", b, formatted)
			}
			if b.file != "" {
				continue
			}
			source, err := b.source()
			if err != nil {
				t.Error(err)
				continue
			}
			file, err := parser.ParseFile(fset, "snippet", source, parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				continue
			}
			files = append(files, file)
			for _, spec := range file.Imports {
				imported[importPath(spec)] = true
			}
		}
	}
	if len(files) < 10 {
		t.Fatalf("only %d snippets were found", len(files))
	}

	imports := newImports(t, fset, imported)
	for _, file := range files {
		whole := file.Name.Name != "docs" // see the templates
		config := types.Config{Importer: imports, Error: func(err error) {
			if problem, ok := err.(types.Error); ok && (whole || !problem.Soft) {
				t.Error(err)
			}
		}}
		_, _ = config.Check(file.Name.Name, fset, []*ast.File{file}, nil) // Error has its errors
	}
}

// marker stands in a template where a snippet's statements go.
const marker = "/* snippet */"

// source returns the Go file that is compiled for a snippet. Its line directives
// make errors name the page.
func (b block) source() (string, error) {
	directive := func(line int) string { return fmt.Sprintf("//line %s:%d\n", b.page, line) }
	if strings.HasPrefix(b.text, "package ") {
		return directive(b.line) + b.text, nil
	}
	name := filepath.Join("testdata", b.template+".go")
	template, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("%v: no such template: %w", b, err)
	}
	imports, rest := splitImports("package docs\n" + b.text)
	templateImports, templateRest := splitImports(string(template))

	// rest begins with the end of the line of the package clause or the last import.
	text := directive(b.line+strings.Count(b.text, "\n")-strings.Count(rest, "\n")) + rest
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package docs\n"+rest, 0); err == nil {
		templateRest = strings.Replace(templateRest, marker, "", 1) + text
	} else {
		templateRest = strings.Replace(templateRest, marker, "{\n"+text+"}", 1)
	}

	maps.Copy(templateImports, imports)
	var all strings.Builder
	all.WriteString("package docs\n")
	for _, name := range slices.Sorted(maps.Keys(templateImports)) {
		fmt.Fprintf(&all, "import %s %q\n", name, templateImports[name])
	}
	return all.String() + templateRest, nil
}

// splitImports returns the imports of a Go file, by the name that they have in it,
// and the text after them.
func splitImports(source string) (imports map[string]string, rest string) {
	fset := token.NewFileSet()
	imports = make(map[string]string)
	file, _ := parser.ParseFile(fset, "", source, parser.ImportsOnly) // what it can't read is in rest
	end := file.Name.End()
	for _, decl := range file.Decls {
		end = decl.End()
	}
	for _, spec := range file.Imports {
		name := path.Base(importPath(spec))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = importPath(spec)
	}
	return imports, source[fset.Position(end).Offset:]
}

func importPath(spec *ast.ImportSpec) string {
	unquoted, _ := strconv.Unquote(spec.Path.Value)
	return unquoted
}

// newImports returns an importer of the given packages. Those of other modules,
// such as OpenIM's, are stubs in testdata/src. All others are read from the
// export data that the go command writes to its build cache.
func newImports(t *testing.T, fset *token.FileSet, paths map[string]bool) types.Importer {
	t.Helper()
	var listed []string // for the go command
	stubs := make(map[string]*ast.File)
	for p := range paths {
		files, err := filepath.Glob(filepath.Join(stubDir(p), "*.go"))
		if err == nil && len(files) == 0 {
			listed = append(listed, p)
			continue
		}
		if err != nil || len(files) != 1 {
			t.Fatalf("%s: want one file, have %v (%v)", stubDir(p), files, err)
		}
		file, err := parser.ParseFile(fset, files[0], nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		stubs[p] = file
		for _, spec := range file.Imports { // a stub imports no other stub
			listed = append(listed, importPath(spec))
		}
	}

	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, listed...)
	var stderr bytes.Buffer
	command := exec.Command("go", args...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	exports := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		importPath, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[importPath] = file
	}
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})

	all := imports{stubs: make(map[string]*types.Package), compiled: compiled}
	for p, file := range stubs {
		pkg, err := (&types.Config{Importer: compiled}).Check(p, fset, []*ast.File{file}, nil)
		if err != nil {
			t.Fatal(err)
		}
		all.stubs[p] = pkg
	}
	return all
}

func stubDir(importPath string) string { return filepath.Join("testdata", "src", importPath) }

type imports struct {
	stubs    map[string]*types.Package
	compiled types.Importer
}

func (i imports) Import(path string) (*types.Package, error) {
	if stub := i.stubs[path]; stub != nil {
		return stub, nil
	}
	return i.compiled.Import(path)
}

func TestREADMEIsShort(t *testing.T) {
	const limit = 200
	readme := pages(t, "README.md")[0]
	if lines := len(readme.lines) - 1; lines > limit { // after the last line end is nothing
		t.Errorf("README.md has %d lines; want %d at most: move what is not for the first ten minutes to a page under docs", lines, limit)
	}
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`) // [text](target) and [text](target "title")
	codeSpan = regexp.MustCompile("`[^`]*`")
)

// TestLinks: a link without a scheme leads to a file of the repository, and its
// fragment to a heading there.
func TestLinks(t *testing.T) {
	for _, page := range pages(t, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "examples/*/*.md", "internal/*/*.md") {
		fenced := false
		for i, line := range page.lines {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if fenced {
				continue
			}
			for _, found := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
				if err := checkLink(page.name, found[1]); err != nil {
					t.Errorf("%s:%d: link to %s: %v", page.name, i+1, found[1], err)
				}
			}
		}
	}
}

func checkLink(from, target string) error {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return nil
	}
	file, fragment, _ := strings.Cut(target, "#")
	if file == "" {
		file = path.Base(from)
	}
	name := filepath.Join(root, path.Dir(from), file)
	text, err := os.ReadFile(name)
	if info, statErr := os.Stat(name); statErr == nil && info.IsDir() && fragment == "" {
		return nil
	}
	if err != nil || fragment == "" {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' && slug(heading) == fragment {
			return nil
		}
	}
	return fmt.Errorf("there is no heading %q", fragment)
}

// slug returns the fragment by which GitHub finds a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(heading))
}

var (
	testName  = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)\(`)
	namedFile = regexp.MustCompile("`((?:[a-z0-9_.-]+/)+[a-z0-9_.-]+\\.(?:go|proto|golden|md))`")
)

// TestNamedTestsExist: a page that says which test holds a guarantee is right, at
// least in that there is such a test.
func TestNamedTestsExist(t *testing.T) {
	exist := make(map[string]bool)
	err := filepath.WalkDir(root, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		for _, found := range testFunc.FindAllSubmatch(text, -1) {
			exist[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md") {
		for i, line := range page.lines {
			for _, found := range testName.FindAllStringSubmatch(line, -1) {
				if !exist[found[1]] {
					t.Errorf("%s:%d: there is no test %s", page.name, i+1, found[1])
				}
			}
		}
	}
}

// TestNamedFilesExist: the files that CONTRIBUTING.md names are there.
func TestNamedFilesExist(t *testing.T) {
	page := pages(t, "CONTRIBUTING.md")[0]
	for i, line := range page.lines {
		for _, found := range namedFile.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
				t.Errorf("%s:%d: %v", page.name, i+1, err)
			}
		}
	}
}

// TestSnippetsOfTestedCode checks that pages have the code that tests run: a part of a file,
// from one text to another or to its end.
func TestSnippetsOfTestedCode(t *testing.T) {
	for _, tt := range []struct{ page, file, from, to string }{
		{"docs/server.md", "examples/drain/drain.go", "import (", ""},
		{"docs/server.md", "interceptor/example_log_test.go", "// A sampler is", "\n// A server logs"},
		{"docs/validation.md", "status/example_validation_test.go", "// checkOrder returns", "\n// A function for each"},
		{"docs/validation.md", "internal/e2e/validation/protovalidate_test.go", "// newErrors returns", "\n// checkRequest checks"},
		{"docs/validation.md", "internal/e2e/validation/protovalidate_test.go", "// checkRequest checks", "\n// invalidRequest is"},
		{"docs/validation.md", "internal/e2e/validation/protovalidate_test.go", "// invalidRequest is", "\n// connect starts"},
		{"docs/validation.md", "internal/e2e/validation/older_test.go", "// invalidKey is", "\n// Tests."},
		{"README.md", "internal/e2e/readme_test.go", "func serverOptions(", ""},
		{"docs/own-codes-reference.md", "examples/billing/buf.yaml", "version: v2", ""},
		{"docs/own-codes-reference.md", "examples/billing/buf.gen.yaml", "version: v2", ""},
		{"docs/own-codes-reference.md", "examples/billing/buf.gen.managed.yaml", "version: v2", ""},
	} {
		code := strings.Join(pages(t, tt.file)[0].lines, "\n")
		start := strings.Index(code, tt.from)
		if start < 0 {
			t.Errorf("%s doesn't have %q", tt.file, tt.from)
			continue
		}
		code = code[start:]
		if tt.to != "" {
			code, _, _ = strings.Cut(code, tt.to)
		}
		if page := strings.Join(pages(t, tt.page)[0].lines, "\n"); !strings.Contains(page, "\n"+code) {
			t.Errorf("%s doesn't have the code of %s from %q on: copy it", tt.page, tt.file, tt.from)
		}
	}
}
