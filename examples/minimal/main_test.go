package main

import (
	"os"
	"strings"
	"testing"
)

// Example has the output that the README shows.
func Example() {
	main()
	// Output:
	// RecordNotFound: service "mail"
	// the code:  true 1004
	// to others: NotFound
}

// TestREADME: the program in the README is this one, and so is its output.
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
		t.Error("the program in README.md is not that of main.go: copy it from package main on")
	}
	const output = "RecordNotFound: service \"mail\"\nthe code:  true 1004\nto others: NotFound\n"
	if !strings.Contains(string(readme), output) {
		t.Errorf("README.md doesn't show the program's output:\n%s", output)
	}
}
