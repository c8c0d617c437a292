package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/reference"
)

// A catalog has the codes of all references.
type catalog struct {
	references []*reference.Reference
	entries    []*entry
	byNumber   map[int32][]match
	byWord     map[string][]match // by each name and reason
	byFolded   map[string][]match // by the same, folded
}

// An entry is a code of a reference.
type entry struct {
	reference *reference.Reference
	code      *reference.Code
}

// id returns the domain and the reason, such as "openim.io/RECORD_NOT_FOUND".
func (e *entry) id() string { return e.reference.Domain + "/" + e.code.Reason }

// answer returns the code for an [Answer].
func (e *entry) answer() *Code { return &Code{Domain: e.reference.Domain, Code: *e.code} }

// A match is an entry, and which of its parts a text was.
type match struct {
	*entry
	as string
}

// The parts of an entry that a text can be.
const (
	asName         = "name"
	asOtherName    = "other name"
	asReason       = "reason"
	asFormerReason = "former reason"
	asNumber       = "number"
	asErrorName    = "error name" // a name followed by "Error"
	asGoName       = "Go name"    // of a constant of protoc-gen-go
)

// newCatalog returns the catalog of the references. A reference replaces an earlier one of
// the same domain, in its place.
func newCatalog(references []*reference.Reference) *catalog {
	c := &catalog{byNumber: make(map[int32][]match), byWord: make(map[string][]match), byFolded: make(map[string][]match)}
	var latest []*reference.Reference
	for _, r := range references {
		same := func(other *reference.Reference) bool { return other.Domain == r.Domain }
		if i := slices.IndexFunc(latest, same); i >= 0 {
			latest[i] = r
		} else {
			latest = append(latest, r)
		}
	}
	for _, r := range latest {
		c.addReference(r)
	}
	return c
}

func (c *catalog) addReference(r *reference.Reference) {
	c.references = append(c.references, r)
	for i := range r.Codes {
		c.add(&entry{r, &r.Codes[i]})
	}
}

func (c *catalog) add(e *entry) {
	c.entries = append(c.entries, e)
	c.byNumber[e.code.Number] = append(c.byNumber[e.code.Number], match{e, asNumber})
	c.addWord(e, e.code.Reason, asReason)
	c.addWord(e, e.code.Name, asName)
	for _, name := range e.code.OtherNames {
		c.addWord(e, name, asOtherName)
	}
	for _, reason := range e.code.FormerReasons {
		c.addWord(e, reason, asFormerReason)
	}
	for _, name := range append(slices.Clip(e.code.OtherNames), e.code.Name) {
		c.addWord(e, goPrefix(e.reference.Enum)+"_"+name, asGoName)
	}
}

// goPrefix returns what protoc-gen-go puts before the names of an enum's values: the enum's
// name, or those of the messages around it. Names of packages are in lower case.
func goPrefix(enum string) string {
	var messages []string
	path := strings.Split(enum, ".")
	last := len(path) - 1
	for _, name := range path[:last] {
		if name != "" && name[0] < 'a' {
			messages = append(messages, name)
		}
	}
	if messages == nil {
		return path[last]
	}
	return strings.Join(messages, "_")
}

func (c *catalog) addWord(e *entry, word, as string) {
	c.byWord[word] = addMatch(c.byWord[word], match{e, as})
	c.byFolded[fold(word)] = addMatch(c.byFolded[fold(word)], match{e, as})
}

// addMatch appends m if no match has its entry.
func addMatch(matches []match, m match) []match {
	if hasEntry(matches, m.entry) {
		return matches
	}
	return append(matches, m)
}

func hasEntry(matches []match, e *entry) bool {
	return slices.ContainsFunc(matches, func(m match) bool { return m.entry == e })
}

// fold returns a name without the differences between RecordNotFound, record_not_found and
// RECORD-NOT-FOUND.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_', r == '-':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, name)
}

// exactWord returns the codes with this name or reason. It also accepts a name followed by
// "Error", as in OpenIM's messages and the parameter errors, and ERROR_CODE_ with the number:
// that is the reason of a sender without a row.
func (c *catalog) exactWord(word string) []match {
	if n, ok := errorinfo.ParseNumber(strings.TrimPrefix(word, errorinfo.UnknownPrefix)); ok && errorinfo.IsUnknownReason(word) {
		return c.byNumber[n]
	}
	return withoutError(c.byWord, word)
}

// anyWord is exactWord for any spelling of the word. An exact match hides the others of its
// domain.
func (c *catalog) anyWord(word string) []match {
	found := slices.Clip(c.exactWord(word))
	exact := found
	for _, m := range withoutError(c.byFolded, fold(word)) {
		if inDomain(exact, m.reference.Domain) == nil {
			found = append(found, m)
		}
	}
	return found
}

func withoutError(index map[string][]match, word string) []match {
	if found := index[word]; found != nil {
		return found
	}
	for _, suffix := range []string{"Error", "ERROR"} {
		if name, ok := strings.CutSuffix(word, suffix); ok {
			var found []match
			for _, m := range index[name] {
				found = append(found, match{m.entry, asErrorName})
			}
			return found
		}
	}
	return nil
}

// hasDomain reports whether the catalog has a reference of the domain.
func (c *catalog) hasDomain(domain string) bool { return slices.Contains(c.domains(), domain) }

func (c *catalog) domains() []string {
	var domains []string
	for _, r := range c.references {
		domains = append(domains, r.Domain)
	}
	return domains
}

// inDomain returns the matches of a domain.
func inDomain(matches []match, domain string) []match {
	var found []match
	for _, m := range matches {
		if m.reference.Domain == domain {
			found = append(found, m)
		}
	}
	return found
}

// byReason returns the codes that have a reason, or had it before.
func (c *catalog) byReason(reason string) (found []match) {
	for _, m := range c.byWord[reason] {
		if m.code.Reason == reason || slices.Contains(m.code.FormerReasons, reason) {
			found = append(found, m)
		}
	}
	return found
}

// ofEnum returns the matches whose enum has a name, such as "ErrorCode". Code and CODE are
// what gRPC's libraries print for a number that isn't canonical: any enum.
func ofEnum(matches []match, name string) []match {
	if name == "Code" || name == "CODE" {
		return matches
	}
	var found []match
	for _, m := range matches {
		enum := m.reference.Enum
		if enum[strings.LastIndexByte(enum, '.')+1:] == name {
			found = append(found, m)
		}
	}
	return found
}

// withPrefix returns the codes of which a name or the reason begins with a prefix in any
// spelling. domain limits them if it isn't empty.
func (c *catalog) withPrefix(domain, prefix string) []*entry {
	var found []*entry
	prefix = fold(prefix)
	for _, e := range c.entries {
		if domain != "" && e.reference.Domain != domain {
			continue
		}
		if slices.ContainsFunc(e.words(), func(word string) bool { return strings.HasPrefix(fold(word), prefix) }) {
			found = append(found, e)
		}
	}
	return found
}

// words returns the names and reasons of the code.
func (e *entry) words() []string {
	words := []string{e.code.Reason, e.code.Name}
	return append(append(words, e.code.OtherNames...), e.code.FormerReasons...)
}

// label returns the code on one line, such as "RecordNotFound (openim.io/RECORD_NOT_FOUND, 1004)".
func (c *Code) label() string {
	return fmt.Sprintf("%s (%s/%s, %s)", c.Name, c.Domain, c.Reason, strconv.Itoa(int(c.Number)))
}
