package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/reference"
)

// A Diff is what diff prints with -o json.
type Diff struct {
	Version int      `json:"version"` // 1
	Breaks  bool     `json:"breaks"`  // whether a change breaks something: then the exit status is 1
	Changes []Change `json:"changes"` // what breaks first; never null
}

// A Change is a difference between two references. Package codes has the same as a Change.
type Change struct {
	Domain string `json:"domain"`           // of the old reference, or of a new one
	Kind   string `json:"kind"`             // what changed, such as "canonical code"
	Number int32  `json:"number,omitempty"` // the code, as the old reference has it
	Reason string `json:"reason,omitempty"` // empty if the change concerns all codes of the domain
	Part   string `json:"part,omitempty"`   // such as the language of a message
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
	Breaks string `json:"breaks,omitempty"` // who breaks; empty if nobody does
	Note   string `json:"note,omitempty"`
}

// runDiff is the command diff.
func runDiff(streams inOut, args []string) (exit int, err error) {
	output := choice{"text", []string{"text", "json", "md"}}
	flags := newFlags("diff")
	flags.Var(&output, "o", "")
	args, err = parse(flags, args)
	if err != nil {
		return 0, err
	}
	if len(args) != 2 {
		return 0, usagef("give two files or directories, OLD and NEW, with references as JSON: got %d", len(args))
	}
	changes, err := compare(args[0], args[1])
	if err != nil {
		return 0, err
	}
	breaking := slices.IndexFunc(changes, func(c change) bool { return c.Breaks == "" })
	if breaking < 0 {
		breaking = len(changes)
	}
	if err := printChanges(streams.stdout, output.value, changes, breaking > 0); err != nil {
		return 0, err
	}
	switch {
	case len(changes) == 0:
		fmt.Fprintln(streams.stderr, "errstatus diff: nothing changed")
	case breaking > 0:
		fmt.Fprintf(streams.stderr, "errstatus diff: changes that break something: %d of %d\n", breaking, len(changes))
		return exitMissing, nil
	default:
		fmt.Fprintf(streams.stderr, "errstatus diff: changes: %d, none of which breaks anything\n", len(changes))
	}
	return exitFound, nil
}

// A change is a change of a domain's codes.
type change struct {
	domain  string
	several bool // whether domains are compared by name
	codes.Change
}

// String returns the change as one line, with the domain if there may be several.
func (c change) String() string {
	if c.several {
		return c.domain + ": " + c.Change.String()
	}
	return c.Change.String()
}

// compare returns the changes between two files or directories, with those that break
// something first.
func compare(oldName, newName string) ([]change, error) {
	old, err := readReferences(oldName)
	if err != nil {
		return nil, err
	}
	latest, err := readReferences(newName)
	if err != nil {
		return nil, err
	}
	var changes []change
	if isDirectory(oldName) || isDirectory(newName) {
		changes, err = compareDomains(old, latest)
	} else {
		changes, err = compareTwo(old[0], latest[0])
	}
	harmless := func(c change) int {
		if c.Breaks == "" {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(harmless(a), harmless(b)) })
	return changes, err
}

// compareTwo returns the changes between two references. If they have no reason in common,
// it is the change of the domain alone.
func compareTwo(old, latest *reference.Reference) (changes []change, err error) {
	oldTable, err := old.Table()
	if err != nil {
		return nil, err
	}
	latestTable, err := latest.Table()
	if err != nil {
		return nil, err
	}
	for _, c := range codes.Compare(oldTable, latestTable) {
		changes = append(changes, change{domain: old.Domain, Change: c})
		if c.Kind == codes.ChangeDomain && !shareReason(old, latest) {
			changes[0].Note = "no code has the same reason, so the codes were not compared"
			return changes[:1], nil
		}
	}
	return changes, nil
}

// shareReason reports whether a code has become one of the latest, by its reason.
func shareReason(old, latest *reference.Reference) bool {
	reasons := make(map[string]bool)
	for _, c := range latest.Codes {
		for _, reason := range append(slices.Clip(c.FormerReasons), c.Reason) {
			reasons[reason] = c.Number != 0
		}
	}
	return slices.ContainsFunc(old.Codes, func(c reference.Code) bool { return reasons[c.Reason] })
}

// compareDomains returns the changes of all domains.
func compareDomains(old, latest []*reference.Reference) (changes []change, err error) {
	for _, o := range old {
		i := slices.IndexFunc(latest, func(n *reference.Reference) bool { return n.Domain == o.Domain })
		if i < 0 {
			gone := codes.Change{Kind: codes.ChangeRemoved, Breaks: "every client of this domain"}
			changes = append(changes, change{domain: o.Domain, Change: gone})
			continue
		}
		between, err := compareTwo(o, latest[i])
		if err != nil {
			return nil, err
		}
		changes = append(changes, between...)
	}
	for _, n := range latest {
		if !slices.ContainsFunc(old, func(o *reference.Reference) bool { return o.Domain == n.Domain }) {
			added := codes.Change{Kind: codes.ChangeAdded, Note: "clients without its table see the canonical codes"}
			changes = append(changes, change{domain: n.Domain, Change: added})
		}
	}
	for i := range changes {
		changes[i].several = true
	}
	return changes, nil
}

// printChanges prints the changes in the chosen form.
func printChanges(stdout io.Writer, form string, changes []change, breaks bool) error {
	w := bufio.NewWriter(stdout)
	switch form {
	case "json":
		d := Diff{Version: outputVersion, Breaks: breaks, Changes: make([]Change, len(changes))}
		for i, c := range changes {
			d.Changes[i] = Change{c.domain, c.Kind.String(), int32(c.Number), c.Reason, c.Part, c.Old, c.New, c.Breaks, c.Note}
		}
		writeJSON(w, d)
	case "md":
		for _, c := range changes {
			fmt.Fprintf(w, "- %s\n", escapeMarkdown(escape(c.String())))
		}
	default:
		for _, c := range changes {
			fmt.Fprintln(w, escape(c.String()))
		}
	}
	return w.Flush()
}
