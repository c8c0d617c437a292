package codes

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/internal/template"
)

// A Change is one difference between two versions of a table, which [Compare] returns.
type Change struct {
	// Kind says what changed.
	Kind ChangeKind

	// Number and Reason identify the code: in the old table, or for an added code in the new
	// one. They are zero if the change concerns the whole table.
	Number Number
	Reason string

	// Part names the changed part of a code or a table that has several: the locale of a
	// localized message, or the canonical code of a default.
	Part string

	// Old and New are what changed, such as "NOT_FOUND" and "ABORTED". One is empty if it
	// was added or removed.
	Old, New string

	// Breaks says who breaks. It is empty if nobody does.
	Breaks string

	// Note says who notices a change that breaks nobody, or how to deploy it.
	Note string
}

// String returns the change as one line, such as
//
//	1004 RECORD_NOT_FOUND: canonical code NOT_FOUND -> ABORTED: breaks retries, …
func (c Change) String() string {
	var b strings.Builder
	if c.Reason != "" {
		fmt.Fprintf(&b, "%d %s: ", c.Number, c.Reason)
	}
	b.WriteString(c.Kind.String())
	if c.Part != "" {
		b.WriteString(" " + c.Part)
	}
	if c.Old != "" || c.New != "" {
		b.WriteString(" " + cmp.Or(c.Old, "none") + " -> " + cmp.Or(c.New, "none"))
	}
	if c.Breaks != "" {
		b.WriteString(": breaks " + c.Breaks)
	}
	if c.Note != "" {
		b.WriteString(": " + c.Note)
	}
	return b.String()
}

// A ChangeKind says what changed between two versions of a table.
type ChangeKind uint8

// The values of ChangeKind, in the order in which [Compare] returns the changes of a code.
const (
	ChangeDomain       ChangeKind = iota + 1 // the table's domain
	ChangeRemoved                            // a code was removed
	ChangeAdded                              // a code was added
	ChangeNumber                             // the code's number
	ChangeReason                             // the code's reason
	ChangeFormerReason                       // a former reason is no longer the code's
	ChangeGRPCCode                           // the canonical code
	ChangeParameters                         // the names of the template's parameters
	ChangeTemplate                           // only the words of the template
	ChangeName                               // the name, or a name that Parse read
	ChangeMessage                            // the message
	ChangeLocalized                          // the message or the template in another language
	ChangeFault                              // who is at fault
	ChangeRetry                              // whether callers should retry
	ChangeDefault                            // the default code for a canonical code
)

var changeNames = [...]string{
	ChangeDomain: "domain", ChangeRemoved: "removed", ChangeAdded: "added", ChangeNumber: "number", ChangeReason: "reason",
	ChangeFormerReason: "former reason", ChangeGRPCCode: "canonical code", ChangeParameters: "parameters", ChangeName: "name",
	ChangeMessage: "message", ChangeTemplate: "template", ChangeLocalized: "localized message", ChangeFault: "fault",
	ChangeRetry: "retry", ChangeDefault: "default for",
}

// String returns a word or two, such as "canonical code", or "ChangeKind(99)" for a value
// without one.
func (k ChangeKind) String() string {
	if int(k) < len(changeNames) && k > 0 {
		return changeNames[k]
	}
	return "ChangeKind(" + strconv.Itoa(int(k)) + ")"
}

// Compare returns what changed from a table to a later version of it, and who breaks: which
// programs with one version no longer work with programs that have the other, or with what
// was stored before.
//
// Two codes are the same code if they have the same reason. Otherwise, if the old reason is a
// former reason of the new code. Otherwise, if they have the same number. Compare doesn't
// compare Go types. It doesn't report a name or a former reason that is only added.
//
// The domain comes first, then the codes in the order of their numbers, then the defaults.
// For equal tables Compare returns nil.
func Compare(old, new *Table) []Change {
	c := comparison{old: old, new: new, successor: map[*entry]*entry{}, predecessor: map[*entry]*entry{}}
	c.match()
	if old.domain != new.domain {
		c.add(Change{Kind: ChangeDomain, Old: old.domain, New: new.domain, Breaks: "every client: it knows no code of the other domain"})
	}
	for _, o := range old.rows {
		if n := c.successor[o]; n != nil {
			c.compareRows(o, n)
		} else {
			c.removed(o)
		}
	}
	for _, n := range new.rows {
		if c.predecessor[n] == nil {
			c.added(n)
		}
	}
	slices.SortStableFunc(c.changes, func(a, b Change) int { return cmp.Compare(a.Number, b.Number) })
	c.compareDefaults()
	return c.changes
}

// A comparison collects the changes between two tables.
type comparison struct {
	old, new    *Table
	successor   map[*entry]*entry // from entries of the old table to those of the new one
	predecessor map[*entry]*entry // from entries of the new table to those of the old one
	changes     []Change
}

func (c *comparison) add(change Change) { c.changes = append(c.changes, change) }

// match finds the entry of the new table that each entry of the old one has become. An entry
// has at most one successor, and at most one predecessor.
func (c *comparison) match() {
	reads := func(o *entry) *entry { return c.new.byReason[o.Reason] }
	sameNumber := func(o *entry) *entry { return c.new.byNumber[o.Code.Number()] }
	sameReason := func(o *entry) *entry {
		if n := reads(o); n != nil && n.Reason == o.Reason {
			return n
		}
		return nil
	}
	renamed := func(o *entry) *entry { // with its reason as a former reason
		if n := reads(o); n == sameNumber(o) {
			return n
		}
		return nil
	}
	for _, find := range []func(o *entry) *entry{sameReason, renamed, reads, sameNumber} {
		for _, o := range c.old.rows {
			n := find(o)
			if n != nil && c.successor[o] == nil && c.predecessor[n] == nil && o.isSuccess() == n.isSuccess() {
				c.successor[o], c.predecessor[n] = n, o
			}
		}
	}
}

func (e *entry) isSuccess() bool { return e.Code.Number() == 0 }

// readAs returns the entry that a client with table t reads from an ErrorInfo with e's reason
// and number. If it returns nil, ok reports whether the client reads a code without a row;
// otherwise the reason and the number contradict each other, and are no code.
func (t *Table) readAs(e *entry) (found *entry, ok bool) {
	if found := t.byReason[e.Reason]; found != nil && !found.isSuccess() {
		return found, true
	}
	return nil, !t.Has(e.Code.Number())
}

// describe returns the result of readAs as text.
func describe(found *entry, ok bool) string {
	switch {
	case found != nil:
		return fmt.Sprintf("%s (%d)", found.Reason, found.Code.Number())
	case ok:
		return "a code without a row"
	}
	return "no code"
}

const neverSent = "number 0 is never sent"

func (c *comparison) removed(o *entry) {
	change := Change{Kind: ChangeRemoved, Number: o.Code.Number(), Reason: o.Reason}
	if o.isSuccess() {
		change.Note = neverSent
	} else {
		change.Breaks = "clients that expect it; those with the new table read " + describe(c.new.readAs(o)) + " from servers with the old one"
	}
	c.add(change)
}

func (c *comparison) added(n *entry) {
	change := Change{Kind: ChangeAdded, Number: n.Code.Number(), Reason: n.Reason}
	switch found, ok := c.old.readAs(n); {
	case n.isSuccess():
		change.Note = neverSent
	case found != nil || !ok:
		change.Breaks = "clients with the old table, which read " + describe(found, ok) + " for it"
		if owner := c.old.byNumber[n.Code.Number()]; owner != nil {
			change.Breaks += ": number " + strconv.Itoa(int(change.Number)) + " is " + owner.Reason + " there"
		}
	case n.Reason == internalReason && c.old.fallback(-Number(grpccodes.Internal)) != nil:
		change.Note = "clients with the new table read failures that servers with the old one withhold as this code"
	default:
		change.Note = "clients with the old table keep its number and reason, and see its canonical code"
	}
	c.add(change)
}

// internalReason is the reason of a withheld failure of a table without a default for INTERNAL.
const internalReason = "INTERNAL"

// compareRows adds the changes of a code.
func (c *comparison) compareRows(o, n *entry) {
	add := func(kind ChangeKind, part, old, new, breaks, note string) {
		if old != new {
			c.add(Change{kind, o.Code.Number(), o.Reason, part, old, new, breaks, note})
		}
	}
	c.compareNumbers(o, n)
	c.compareReasons(o, n)
	add(ChangeGRPCCode, "", canonicalName(o.GRPCCode), canonicalName(n.GRPCCode), "retries, alerts, proxies and clients that read only the canonical code", "")
	if before, after := slices.Sorted(template.Names(o.Template)), slices.Sorted(template.Names(n.Template)); slices.Equal(before, after) {
		add(ChangeTemplate, "", quote(o.Template), quote(n.Template), "", matchText)
	} else {
		breaks, note := whoReadsParameters(before, after)
		add(ChangeParameters, "", strings.Join(before, ", "), strings.Join(after, ", "), breaks, note)
	}
	c.compareNames(o, n)
	add(ChangeMessage, "", quote(o.Message), quote(n.Message), "", matchText)
	for _, locale := range localesOf(o, n) {
		add(ChangeLocalized, locale, localizedText(o, locale), localizedText(n, locale), "", "programs that show it notice")
	}
	add(ChangeFault, "", o.Fault().String(), n.Fault().String(), "", "alerts and logs of programs with the new table notice; it is not sent")
	add(ChangeRetry, "", o.Retry().String(), n.Retry().String(), "", "clients with the new table notice; it is not sent")
}

const matchText = "callers that match on the text notice"

func (c *comparison) compareNumbers(o, n *entry) {
	before, after := o.Code.Number(), n.Code.Number()
	if before == after {
		return
	}
	breaks := "programs that read or store the number, such as clients that get raw numbers"
	if owner := c.new.byNumber[before]; owner != nil {
		breaks += "; " + strconv.Itoa(int(before)) + " now belongs to " + owner.Reason
	}
	c.add(Change{Kind: ChangeNumber, Number: before, Reason: o.Reason, Old: strconv.Itoa(int(before)), New: strconv.Itoa(int(after)), Breaks: breaks})
}

func (c *comparison) compareReasons(o, n *entry) {
	if o.Reason != n.Reason {
		change := Change{Kind: ChangeReason, Number: o.Code.Number(), Reason: o.Reason, Old: o.Reason, New: n.Reason}
		if o.isSuccess() {
			change.Note = neverSent
		} else {
			change.Breaks, change.Note = c.whoReadsReason(o, n)
		}
		c.add(change)
	}
	for _, former := range o.FormerReasons {
		if owner := c.new.byReason[former]; owner != n {
			c.add(Change{Kind: ChangeFormerReason, Number: o.Code.Number(), Reason: o.Reason, Old: former,
				Breaks: "clients with the new table, which read " + describe(owner, false) + " from servers that still send it"})
		}
	}
}

// whoReadsReason returns who breaks by another reason, and how to deploy it.
func (c *comparison) whoReadsReason(o, n *entry) (breaks, note string) {
	byNew, newOK := c.new.readAs(o)
	byOld, oldOK := c.old.readAs(n)
	switch {
	case byNew != n:
		return "clients whose server has the other table: with the new table they read " + describe(byNew, newOK) + ", with the old one " + describe(byOld, oldOK),
			"if the code was renamed, add " + o.Reason + " to its former_reasons; if it is another code, give it another number"
	case byOld == o:
		return "", "all clients read both reasons"
	case byOld != nil:
		return "clients with the old table, which read " + describe(byOld, oldOK) + " for the new reason", ""
	}
	return "", "deploy clients before servers: those with the old table read " + describe(byOld, oldOK) + " for the new reason"
}

// compareNames adds another name, and the other names that Parse doesn't read as this code any
// more. If the name changed, other names that went with it are no changes of their own.
func (c *comparison) compareNames(o, n *entry) {
	for i, name := range append([]string{o.Name}, o.OtherNames...) {
		change := Change{Kind: ChangeName, Number: o.Code.Number(), Reason: o.Reason, Old: name, New: n.Name}
		isName := i == 0
		switch code, err := c.new.Parse(name); {
		case err == nil && code.Number() != n.Code.Number():
			other, _ := c.new.Lookup(code.Number())
			change.Breaks = "Parse of texts with the old name, which now names " + other.Reason
		case err != nil && isName:
			change.Note = "Go programs need the new constant, and Parse doesn't read the old name: an alias (allow_alias) keeps it"
		case err != nil && o.Name == n.Name:
			change.Note = "Parse doesn't read the old name: an alias (allow_alias) keeps it"
		case err == nil && isName && o.Name != n.Name:
			change.Note = "Go programs need the new constant; Parse reads both"
		default:
			continue
		}
		c.add(change)
	}
	c.compareTexts(o, n)
}

// compareTexts adds the reason and the number that a code still has, if Parse reads them as the
// name of another code.
func (c *comparison) compareTexts(o, n *entry) {
	var texts []string
	if o.Reason == n.Reason && o.Reason != o.Name {
		texts = append(texts, o.Reason)
	}
	if number := o.Code.Number(); number == n.Code.Number() {
		texts = append(texts, strconv.Itoa(int(number)))
	}
	for _, text := range texts {
		if code, err := c.new.Parse(text); err == nil && code.Number() != n.Code.Number() {
			other, _ := c.new.Lookup(code.Number())
			c.add(Change{Kind: ChangeName, Number: o.Code.Number(), Reason: o.Reason, Old: text, New: n.Name,
				Breaks: "Parse of the text " + quote(text) + ", which now names " + other.Reason})
		}
	}
}

// whoReadsParameters returns who breaks if a template has other parameters. Clients fill the
// error of a code only if all of its parameters are sent.
func whoReadsParameters(before, after []string) (breaks, note string) {
	without := func(names, others []string) string {
		missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
		return strings.Join(missing, ", ")
	}
	removed, added := without(before, after), without(after, before)
	switch {
	case removed != "":
		return "clients with the old table: errors.AsType returns false without " + removed, ""
	case len(before) > 0:
		return "clients with the new table: errors.AsType returns false until all servers send " + added, ""
	}
	return "", "clients with the new table read them from servers with the new table only"
}

func quote(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

// localesOf returns the locales of both entries, sorted.
func localesOf(o, n *entry) (locales []string) {
	for _, m := range slices.Concat(o.Localized, n.Localized) {
		locales = append(locales, strings.ToLower(m.Locale))
	}
	slices.Sort(locales)
	return slices.Compact(locales)
}

// localizedText returns the message and the template of a locale, which is in small letters.
func localizedText(e *entry, locale string) string {
	for _, m := range e.Localized {
		if strings.ToLower(m.Locale) == locale {
			switch {
			case m.Template == "":
				return quote(m.Message)
			case m.Message == "":
				return "template " + quote(m.Template)
			}
			return "message " + quote(m.Message) + ", template " + quote(m.Template)
		}
	}
	return ""
}

// compareDefaults adds the canonical codes that have another default.
func (c *comparison) compareDefaults() {
	reasonOf := func(e *entry) string {
		if e == nil || !e.Default { // a fallback is no row
			return ""
		}
		return e.Reason
	}
	for canonical := grpccodes.Canceled; canonical <= grpccodes.Unauthenticated; canonical++ {
		o, n := c.old.defaults[canonical], c.new.defaults[canonical]
		before, after := reasonOf(o), reasonOf(n)
		if before == "" && after == "" || before != "" && c.successor[o] == n {
			continue
		}
		note := "clients with WithAssumedCodes notice, and callers that read the messages of withheld failures"
		switch canonical {
		case grpccodes.Internal:
			note = "servers send it for withheld failures"
		case grpccodes.Unknown:
			note = "status.Code returns it for an error without a code"
		}
		c.add(Change{Kind: ChangeDefault, Part: canonicalName(canonical), Old: before, New: after, Note: note})
	}
}
