package main

import (
	"os"
	"strings"
	"testing"
)

// The program's output, which README.md shows too.
func Example() {
	main()
	// Output:
	// RecordNotFound: service "mail"
	// the code:  true 1004
	// to others: NotFound
}

// README.md shows this program and its output.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(source), "package main\n")
	if !strings.Contains(string(readme), "```go\npackage main\n"+program+"```\n") {
		t.Error("README.md does not show the program in main.go: copy the program there, from package main on")
	}
	const output = "RecordNotFound: service \"mail\"\nthe code:  true 1004\nto others: NotFound\n"
	if !strings.Contains(string(readme), output) {
		t.Errorf("README.md doesn't show the program's output:\n%s", output)
	}
}
