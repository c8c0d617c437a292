package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "../../docs/command.md"

var console = regexp.MustCompile("(?s)```console\n\\$ ([^\n]*)\n(.*?)```\n")

// TestPage runs the commands of the page in testdata, and compares what they print: standard
// output, then standard error. What grpcurl prints is recorded. With -update it writes the
// page. The page also has the types of the JSON output.
func TestPage(t *testing.T) {
	file, err := filepath.Abs(page)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	types, err := os.ReadFile("answer.go")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("testdata")
	runs := 0
	got := console.ReplaceAllStringFunc(string(b), func(block string) string {
		runs++
		command := console.FindStringSubmatch(block)[1]
		return "```console\n$ " + command + "\n" + runShell(t, command) + "```\n"
	})
	if runs < 8 {
		t.Errorf("%s has %d commands; want more", page, runs)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(b), got); diff != "" {
		t.Errorf("%s differs from what the commands print (-page +printed); go test -update rewrites it:\n%s", page, diff)
	}
	if !strings.Contains(got, "```go\n"+string(types)+"```\n") {
		t.Errorf("%s doesn't have the code of answer.go: copy it", page)
	}
}

// runShell runs a command of the page: errstatus, or grpcurl with errstatus after a pipe.
func runShell(t *testing.T, command string) string {
	t.Helper()
	stdin := ""
	if strings.HasPrefix(command, "grpcurl ") {
		b, err := os.ReadFile("grpcurl-muted.txt")
		if err != nil {
			t.Fatal(err)
		}
		stdin = string(b)
		_, command, _ = strings.Cut(command, " | ")
	}
	args := shellWords(command)
	if args[0] != "errstatus" {
		t.Fatalf("the page has the command %q; want errstatus", command)
	}
	r := errstatus(t, stdin, args[1:]...)
	if r.exit == exitUsage {
		t.Errorf("%s: %v", command, r)
	}
	return fmt.Sprint(r.stdout, r.stderr)
}

var shellWord = regexp.MustCompile(`'[^']*'|\S+`)

// shellWords splits a command, whose words may be in single quotes.
func shellWords(command string) (words []string) {
	for _, word := range shellWord.FindAllString(command, -1) {
		words = append(words, strings.Trim(word, "'"))
	}
	return words
}
