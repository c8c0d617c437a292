// The errstatus command explains domain codes and statuses, for whoever is on call:
//
//	errstatus explain 1004
//	grpcurl … 2>&1 | errstatus explain
//
// It knows OpenIM's codes, and those of the references that protoc-gen-errstatus-doc writes
// as JSON. It uses no network. The page docs/command.md describes it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// The exit statuses.
const (
	exitFound   = 0
	exitMissing = 1 // explain, list or search found nothing, or diff something that breaks
	exitUsage   = 2 // the arguments, a reference or the output are at fault
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// A command is a command of the program. Its run method returns the exit status and, if the
// arguments are wrong, a usageError.
type command struct {
	name  string
	usage string // its arguments
	help  string
	run   func(io inOut, args []string) (exit int, err error)
}

// An inOut has the standard streams.
type inOut struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// commands returns the commands in the order in which help lists them.
func commands() []command {
	return []command{
		{"explain", "[-o text|json|md] [-ref FILE]... [-lang TAG] ARGUMENT...|-", explainHelp, runExplain},
		{"list", "[-o text|json|md] [-ref FILE]... [FILTER]...", listHelp, runList},
		{"search", "[-o text|json|md] [-ref FILE]... [FILTER]... WORD...", searchHelp, runSearch},
		{"diff", "[-o text|json|md] OLD NEW", diffHelp, runDiff},
		{"version", "", versionHelp, runVersion},
		{"help", "[COMMAND]", helpHelp, runHelp},
	}
}

// run runs the program and returns its exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	streams := inOut{stdin, stdout, stderr}
	if len(args) == 0 {
		fmt.Fprint(stderr, overview())
		return exitUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	command, err := commandNamed(name)
	if err != nil {
		complain(stderr, "", err)
		return exitUsage
	}
	exit, err := command.run(streams, args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, command.text())
		exit = exitFound
	}
	switch {
	case isBrokenPipe(err):
		return exitFound
	case err != nil:
		complain(stderr, name, err)
		return exitUsage
	}
	return exit
}

// complain prints an error, and how to get help if the arguments are wrong.
func complain(stderr io.Writer, command string, err error) {
	prefix := strings.TrimSpace("errstatus " + command)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(stderr, "%s: %s\n", prefix, escape(line))
	}
	if errors.As(err, new(usageError)) {
		fmt.Fprintf(stderr, "Run \"%s\" for help.\n", strings.TrimSpace("errstatus help "+command))
	}
}

// commandNamed returns the command with a name. The error names the one that was meant.
func commandNamed(name string) (command, error) {
	all := commands()
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	if i := slices.Index(names, name); i >= 0 {
		return all[i], nil
	}
	if name == "-v" || name == "-V" {
		return command{}, usagef("there is no flag %s: did you mean errstatus version?", name)
	}
	if strings.HasPrefix(name, "-") {
		return command{}, usagef("put flags after the command, as in errstatus explain %s", name)
	}
	if near, ok := suggestion(name, names); ok {
		return command{}, usagef("there is no command %q: did you mean %s?", name, near)
	}
	return command{}, usagef("there is no command %q: did you mean errstatus explain %[1]s?", name)
}
