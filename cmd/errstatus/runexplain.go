package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/text/language"
)

// A form has the flags that explain, list and search share.
type form struct {
	output     choice
	references list
}

func (f *form) register(flags *flag.FlagSet) {
	f.output = choice{"text", []string{"text", "json", "md"}}
	flags.Var(&f.output, "o", "")
	flags.Var(&f.references, "ref", "")
}

// runExplain is the command explain.
func runExplain(streams inOut, args []string) (exit int, err error) {
	var f form
	flags := newFlags("explain")
	f.register(flags)
	lang := flags.String("lang", "", "")
	if args, err = parse(flags, args); err != nil {
		return 0, err
	}
	var tag language.Tag
	if *lang != "" {
		if tag, err = language.Parse(*lang); err != nil {
			return 0, usagef("invalid value %q for flag -lang: it is not a BCP 47 language tag, such as zh-Hans or pt-BR", *lang)
		}
	}
	if args, err = readInput(streams, args); err != nil {
		return 0, err
	}
	catalog, err := loadCatalog(f.references)
	if err != nil {
		return 0, err
	}
	x := newExplainer(catalog)
	for _, arg := range args {
		x.argument(arg)
	}
	if *lang != "" {
		x.output.limitLanguage(tag)
	}
	if err := f.print(streams.stdout, &x.output); err != nil {
		return 0, err
	}
	x.report(streams.stderr)
	if len(x.output.NotFound) > 0 {
		return exitMissing, nil
	}
	return exitFound, nil
}

// readInput returns the arguments, or the text on standard input if they are "-" or if there
// are none and it is not a terminal.
func readInput(streams inOut, args []string) ([]string, error) {
	switch {
	case len(args) == 1 && args[0] == "-":
	case len(args) == 0 && !isTerminal(streams.stdin):
	case len(args) == 0:
		return nil, usagef("give a code, a status or a text, or pipe a text to it")
	default:
		for _, arg := range args {
			if arg == "-" {
				return nil, usagef("- stands for standard input, and must be the only argument")
			}
		}
		return args, nil
	}
	// It may have no end, and on a terminal each read after its end would wait for another.
	text, err := io.ReadAll(io.LimitReader(streams.stdin, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	return []string{string(text)}, nil
}

// isTerminal reports whether a stream is a terminal. For /dev/null it is true too.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// report prints to standard error what wasn't found, and notes about the input.
func (x *explainer) report(stderr io.Writer) {
	for _, note := range x.notes {
		fmt.Fprintf(stderr, "errstatus explain: %s\n", escape(note))
	}
	if x.output.Omitted > 0 {
		fmt.Fprintf(stderr, "errstatus explain: %d more were found: explain prints at most %d\n", x.output.Omitted, maxAnswers)
	}
	for _, m := range x.output.NotFound {
		fmt.Fprintf(stderr, "errstatus explain: no code or status was found in \"%s\"", escape(m.Input))
		if m.Note != "" {
			fmt.Fprintf(stderr, ": %s", escape(m.Note))
		}
		fmt.Fprintln(stderr)
		for i, near := range m.Nearest {
			if i == 0 {
				fmt.Fprintln(stderr, "Similar codes:")
			}
			fmt.Fprintf(stderr, "  %s\n", escape(near))
		}
	}
	if x.isUnquotedText() {
		fmt.Fprintln(stderr, "Put quotes around a text that has spaces, or pipe it.")
	}
	lacksHint := func(m Missing) bool { return !strings.Contains(m.Note, refVariable) }
	if len(x.catalog.references) == 1 && slices.ContainsFunc(x.output.NotFound, lacksHint) {
		fmt.Fprintf(stderr, "Codes of other domains: give their reference with -ref FILE or %s.\n", refVariable)
	}
}

// isUnquotedText reports whether the arguments look like the words of one text.
func (x *explainer) isUnquotedText() bool {
	hasSpace := func(m Missing) bool { return strings.ContainsAny(m.Input, " \n") }
	return len(x.output.NotFound) > 1 && len(x.output.Answers) == 0 && !slices.ContainsFunc(x.output.NotFound, hasSpace)
}

// limitLanguage keeps the localized messages of the codes in the language that is nearest to
// tag, and notes where there is none.
func (o *Output) limitLanguage(tag language.Tag) {
	for i := range o.Answers {
		a := &o.Answers[i]
		if a.Code != nil && !a.Code.limitLanguage(tag) {
			a.Notes = append(a.Notes, fmt.Sprintf("The code has no message in %s.", tag))
		}
		for j := range a.Codes {
			a.Codes[j].limitLanguage(tag)
		}
	}
}

// limitLanguage reports whether the code has a message in the language. The messages without
// a tag are in English.
func (c *Code) limitLanguage(tag language.Tag) bool {
	tags := []language.Tag{language.English}
	for _, m := range c.Localized {
		tags = append(tags, language.Make(m.Locale))
	}
	_, i, confidence := language.NewMatcher(tags).Match(tag)
	if i == 0 {
		c.Localized = nil
	} else {
		c.Localized = c.Localized[i-1 : i]
	}
	return confidence != language.No
}

// isBrokenPipe reports whether the reader of the output has ended, such as head. That is no
// failure.
func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// print prints the output in the chosen form.
func (f *form) print(stdout io.Writer, output *Output) error {
	w := bufio.NewWriter(stdout)
	switch f.output.value {
	case "json":
		writeJSON(w, output)
	case "md":
		(&markdown{w: w}).output(output)
	default:
		newTextWriter(w, stdout).output(output)
	}
	return w.Flush()
}
