package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/errstatus/errstatus/internal/version"
)

const (
	explainHelp = `Explain explains each argument. An argument can be

  1004, Code(1004)               a number
  RecordNotFound                 a name, in any spelling
  RECORD_NOT_FOUND               a reason, also a former one
  openim.io/RECORD_NOT_FOUND     a domain with a number, a name or a reason
  SRV_                           the beginning of names: it lists them
  NOT_FOUND                      one of gRPC's own codes
  CAUSEHJlY29yZCBub3Qg...        the value of grpc-status-details-bin

An argument can also be a text: a line of a log, an error as a client in Go, Java, Python or Node
prints it, the output of grpcurl, or JSON. Explain then explains all codes and statuses in it. With -
as the only argument, or without an argument if something is piped to it, it reads the text from
standard input.

  -o text|json|md  the form of the output (default text)
  -ref FILE        a reference as JSON, as protoc-gen-errstatus-doc writes it, or a directory with
                   such files; may be repeated
  -lang TAG        show only the English messages and those in this language, such as pt-BR

It reads up to 1 MiB, and explains up to 20 codes and statuses. The exit status is 0 if each argument was found,
1 if one wasn't, and 2 if the arguments or a reference are wrong.
`
	filterHelp = `
Filters and other flags:

  -fault WHO       only codes with this fault: none, caller, server or transient
  -grpc CODE       only codes with this canonical code, such as UNAVAILABLE or 14
  -retry HOW       only codes with this advice: never, call or transaction
  -domain DOMAIN   only codes of this domain
  -o text|json|md  the form of the output (default text)
  -ref FILE        a reference as JSON, as protoc-gen-errstatus-doc writes it, or a directory with
                   such files; may be repeated

The exit status is 0 if there is such a code, 1 if there is none, and 2 if the arguments or a
reference are wrong.
`
	listHelp   = "List lists all codes, or those that match all filters.\n" + filterHelp
	searchHelp = `Search lists the codes whose texts contain all the words, in upper or lower case. It searches the
domain, number, names, reasons, canonical code, messages and templates in all languages, explanation
and resolution.
` + filterHelp
	diffHelp = `Diff compares two references as JSON, as protoc-gen-errstatus-doc writes them. It prints the
changes, breaking ones first. OLD and NEW may be directories: then it compares the references of the
same domain. A domain that is gone breaks its clients.

  -o text|json|md  the form of the output (default text)

The exit status is 1 if something breaks, 0 if nothing does, and 2 if the arguments or a reference are
wrong.
`
	versionHelp = "Version prints the version of the program.\n"
	helpHelp    = "Help prints how to use a command, or lists the commands.\n"
)

// overview returns the text of help without a command.
func overview() string {
	var b strings.Builder
	b.WriteString("errstatus explains domain codes and gRPC statuses.\n\nUsage:\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  errstatus %s\n", strings.TrimSpace(c.name+" "+c.usage))
	}
	b.WriteString(`
Run "errstatus help COMMAND" for more.

The environment variable ` + refVariable + ` is a list of reference files and directories, separated as in
PATH. Explain, list and search read them. If several references have the same domain, the last one
wins: first OpenIM's, which is built in, then those of the variable, then those of -ref.
`)
	return b.String()
}

// text returns the help of a command.
func (c command) text() string {
	return "Usage: errstatus " + strings.TrimSpace(c.name+" "+c.usage) + "\n\n" + c.help
}

func runHelp(streams inOut, args []string) (exit int, err error) {
	args, err = parse(newFlags("help"), args)
	switch {
	case err != nil:
		return 0, err
	case len(args) > 1:
		return 0, usagef("give one command, not %d", len(args))
	case len(args) == 0:
		_, err = io.WriteString(streams.stdout, overview())
		return exitFound, err
	}
	command, err := commandNamed(args[0])
	if err != nil {
		return 0, err
	}
	_, err = io.WriteString(streams.stdout, command.text())
	return exitFound, err
}

func runVersion(streams inOut, args []string) (exit int, err error) {
	args, err = parse(newFlags("version"), args)
	switch {
	case err != nil:
		return 0, err
	case len(args) > 0:
		return 0, usagef("version takes no arguments, but got %q", args[0])
	}
	_, err = fmt.Fprintf(streams.stdout, "errstatus %s\n", version.Version)
	return exitFound, err
}
