package docstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// TestFromAnEmptyDirectory does what a section of docs/own-codes.md says: it writes each
// file and runs each command in an empty directory, and compares what the last one prints.
// It uses this checkout and the module cache, without a network.
func TestFromAnEmptyDirectory(t *testing.T) {
	needProtoc(t)
	w := readWalk(t, "docs/own-codes.md", "## From an empty directory")
	if !strings.Contains(w.text, w.counts()) {
		t.Errorf("the section doesn't say %q", w.counts())
	}

	const init = "go mod init example.com/shop"
	before, after, found := strings.Cut(w.script, init+"\n")
	if !found {
		t.Fatalf("the section doesn't have the command %q", init)
	}
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	replace := "go mod edit -replace=github.com/errstatus/errstatus='" + checkout + "'"

	bin := t.TempDir()
	cmd := exec.Command("bash")
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(strings.Join([]string{"set -eu", before + init, replace, after}, "\n"))
	cmd.Env = append(os.Environ(), "GOPROXY=file://"+newProxy(t), "GOSUMDB=off", "GOFLAGS=", "GOWORK=off",
		"GOBIN="+bin, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &stderr)
	}
	if !strings.HasSuffix("\n"+string(out), "\n"+w.output) {
		t.Errorf("the commands printed\n%s\nwant this at the end:\n%s", out, w.output)
	}
}

// needProtoc skips the test if protoc isn't installed, or fails it if all protobuf
// compilers are required.
func needProtoc(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("protoc"); err == nil {
		return
	}
	const install = "protoc is not installed: install it with: apt-get install protobuf-compiler"
	if os.Getenv("ERRSTATUS_COMPILERS") == "required" {
		t.Fatal(install)
	}
	t.Skip(install)
}

// A walk is a section of a page whose blocks are commands, files and, at the end, what
// the last command prints.
type walk struct {
	text     string
	script   string // for bash
	output   string
	commands int
	lines    map[string]int // of the files, by extension, without empty lines
}

// counts returns the sentence with which the section says how much work it is.
func (w walk) counts() string {
	return fmt.Sprintf("%d commands, %d lines of proto and %d lines of Go", w.commands, w.lines[".proto"], w.lines[".go"])
}

// commandLine matches the beginning of a line in which a command begins.
var commandLine = regexp.MustCompile(`(?m)^[^\s#]`)

// readWalk reads the section of a page that begins with a heading.
func readWalk(t *testing.T, name, heading string) walk {
	t.Helper()
	_, section, found := strings.Cut(strings.Join(pages(t, name)[0].lines, "\n"), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", name, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	w := walk{text: section, lines: map[string]int{}}
	for _, b := range (page{name, strings.Split(section, "\n")}).blocks() {
		switch {
		case b.file != "":
			w.script += "cat >" + b.file + " <<'END OF FILE'\n" + b.text + "END OF FILE\n"
			w.lines[filepath.Ext(b.file)] += len(nonEmptyLine.FindAllString(b.text, -1))
		case b.language == "sh":
			w.script += b.text
			w.commands += len(commandLine.FindAllString(b.text, -1))
		default:
			w.output = b.text
		}
	}
	if w.commands == 0 || len(w.lines) == 0 || w.output == "" {
		t.Fatalf("%s, %s: there are %d commands, the files have %v lines, and the output is %q; want all of these",
			name, heading, w.commands, w.lines, w.output)
	}
	return w
}

var nonEmptyLine = regexp.MustCompile(`(?m)^.*\S.*$`)

// newProxy makes a module proxy that has one version of each module: the one that this
// project uses. The go command takes the modules' source from the module cache. newProxy
// returns the proxy's path for a file URL.
func newProxy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"-C", root, "list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}}{{end}}", "all"},
		{"-C", filepath.Join(root, "internal/tools/generate"), "list", "-m", "google.golang.org/grpc/cmd/protoc-gen-go-grpc"},
	} {
		out, err := exec.Command("go", args...).Output()
		if err != nil {
			t.Fatalf("go %s: %v", strings.Join(args, " "), err)
		}
		for line := range strings.Lines(string(out)) {
			module, version, _ := strings.Cut(strings.TrimSpace(line), " ")
			versions := filepath.Join(dir, filepath.FromSlash(escape(module)), "@v")
			if err := os.MkdirAll(versions, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(versions, "list"), version+"\n")
			write(t, filepath.Join(versions, version+".info"), fmt.Sprintf("{%q: %q}", "Version", version))
		}
	}
	return filepath.ToSlash(dir)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// escape returns a module path as a proxy has it: with an exclamation mark and the small
// letter for each capital one.
func escape(module string) string {
	var b strings.Builder
	for _, r := range module {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
