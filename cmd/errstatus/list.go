package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// A filter has the flags that limit the codes of list and search.
type filter struct {
	fault, retry choice
	grpc, domain string
}

func (f *filter) register(flags *flag.FlagSet) {
	for fault := codes.FaultNone; fault <= codes.FaultTransient; fault++ {
		f.fault.values = append(f.fault.values, fault.String())
	}
	for retry := codes.RetryNever; retry <= codes.RetryTransaction; retry++ {
		f.retry.values = append(f.retry.values, retry.String())
	}
	flags.Var(&f.fault, "fault", "")
	flags.Var(&f.retry, "retry", "")
	flags.StringVar(&f.grpc, "grpc", "", "")
	flags.StringVar(&f.domain, "domain", "", "")
}

// check checks the values that are not choices, and brings them into the form of references.
func (f *filter) check(c *catalog) error {
	if f.grpc != "" {
		canonical, ok := canonicalOf(f.grpc)
		if n, err := strconv.ParseUint(f.grpc, 10, 8); err == nil && isCanonical(int32(n)) {
			canonical, ok = grpccodes.Code(n), true
		}
		if !ok {
			var names []string
			for _, canonical := range canonicalNames {
				names = append(names, canonicalName(canonical))
			}
			return badValue("grpc", f.grpc, names)
		}
		f.grpc = canonicalName(canonical)
	}
	if f.domain != "" && !c.hasDomain(f.domain) {
		return fmt.Errorf("%w; for another domain, give its JSON file with -ref or %s", badValue("domain", f.domain, c.domains()), refVariable)
	}
	return nil
}

// badValue returns an error that names the value which was meant.
func badValue(name, value string, known []string) error {
	slices.Sort(known)
	known = slices.Compact(known)
	if near, ok := suggestion(value, known); ok {
		return usagef("invalid value %q for flag -%s: did you mean %s?", value, name, near)
	}
	return usagef("invalid value %q for flag -%s: the values are %s", value, name, strings.Join(known, ", "))
}

// pass reports whether all filters let an entry pass.
func (f *filter) pass(e *entry) bool {
	is := func(want, value string) bool { return want == "" || want == value }
	return is(f.fault.value, e.code.Fault) && is(f.retry.value, e.code.Retry) &&
		is(f.grpc, e.code.GRPCCode) && is(f.domain, e.reference.Domain)
}

func runList(streams inOut, args []string) (exit int, err error) {
	return listCodes("list", streams, args)
}

func runSearch(streams inOut, args []string) (exit int, err error) {
	return listCodes("search", streams, args)
}

// listCodes runs the commands list and search.
func listCodes(name string, streams inOut, args []string) (exit int, err error) {
	var form form
	var filter filter
	flags := newFlags(name)
	form.register(flags)
	filter.register(flags)
	words, err := parse(flags, args)
	switch {
	case err != nil:
		return 0, err
	case name == "list" && len(words) > 0:
		return 0, usagef("list takes no words, but got %q: use errstatus search, or errstatus explain for one code", words[0])
	case name == "search" && len(words) == 0:
		return 0, usagef("give a word to search for")
	}
	catalog, err := loadCatalog(form.references)
	if err == nil {
		err = filter.check(catalog)
	}
	if err != nil {
		return 0, err
	}
	output := &Output{Version: outputVersion, Answers: []Answer{}}
	for _, e := range catalog.entries {
		if filter.pass(e) && e.hasWords(words) {
			output.Answers = append(output.Answers, Answer{Code: e.answer()})
		}
	}
	if err := form.printList(streams.stdout, output, len(catalog.references) > 1); err != nil {
		return 0, err
	}
	if len(output.Answers) == 0 {
		fmt.Fprintf(streams.stderr, "errstatus %s: no code has all that was asked for: leave out a filter or a word\n", name)
		return exitMissing, nil
	}
	return exitFound, nil
}

// hasWords reports whether the texts of the code have all words, in upper or lower case.
func (e *entry) hasWords(words []string) bool {
	texts := append(e.words(), e.reference.Domain, fmt.Sprint(e.code.Number), e.code.GRPCCode,
		e.code.Message, e.code.Template, e.code.Explanation, e.code.Resolution)
	for _, l := range e.code.Localized {
		texts = append(texts, l.Message, l.Template)
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(all, strings.ToLower(word)) })
}

// printList prints codes in the chosen form, one a line, with their domains if there are
// several.
func (f *form) printList(stdout io.Writer, output *Output, domains bool) error {
	w := bufio.NewWriter(stdout)
	switch f.output.value {
	case "json":
		writeJSON(w, output)
	case "md":
		writeMarkdownTable(w, output, domains)
	default:
		writeTable(w, output, domains)
	}
	return w.Flush()
}

var columns = []string{"NUMBER", "NAME", "REASON", "GRPC", "FAULT", "MESSAGE"}

// cells returns the cells of a code in the columns.
func (c *Code) cells(domains bool) []string {
	reason := c.Reason
	if domains {
		reason = c.Domain + "/" + reason
	}
	return []string{fmt.Sprint(c.Number), escape(c.Name), escape(reason), escape(c.GRPCCode), escape(c.Fault), escape(c.Message)}
}

func writeTable(w io.Writer, output *Output, domains bool) {
	if len(output.Answers) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(columns, "\t"))
	for _, a := range output.Answers {
		fmt.Fprintln(table, strings.Join(a.Code.cells(domains), "\t"))
	}
	_ = table.Flush() // errors of the writer are found when it is flushed
}

func writeMarkdownTable(w io.Writer, output *Output, domains bool) {
	if len(output.Answers) == 0 {
		return
	}
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)))
	for _, a := range output.Answers {
		cells := a.Code.cells(domains)
		for i := range cells {
			cells[i] = escapeMarkdown(cells[i])
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
}
