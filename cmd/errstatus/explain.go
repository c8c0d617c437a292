package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	grpccodes "google.golang.org/grpc/codes"
)

// The limits of explain.
const (
	maxInput   = 1 << 20 // bytes of an argument or of standard input
	maxAnswers = 20
	maxListed  = 50 // codes with a prefix
)

// An explainer explains arguments and texts one after the other.
type explainer struct {
	catalog *catalog
	output  Output
	seen    map[string]bool // what was explained
	notes   []string        // for standard error
}

func newExplainer(c *catalog) *explainer {
	return &explainer{catalog: c, output: Output{Version: outputVersion, Answers: []Answer{}}, seen: make(map[string]bool)}
}

// argument explains an argument: a number, a name or a reason, or a text that has some. What
// it doesn't know is added to the NotFound of the output.
func (x *explainer) argument(arg string) {
	if len(arg) > maxInput {
		x.notes = append(x.notes, "the input is longer than 1 MiB: the rest was not searched")
		arg = arg[:maxInput]
	}
	trimmed := strings.TrimRight(strings.Trim(strings.TrimSpace(arg), "\"'`,;"), ".:")
	if x.one(trimmed) || x.text(arg) || x.prefix(trimmed) {
		return
	}
	x.output.NotFound = append(x.output.NotFound, x.catalog.missing(arg))
}

var (
	number    = regexp.MustCompile(`^-?\d+$`)
	wholeCall = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.]*)\((-?\d+)\)$`)
)

// one explains an argument that as a whole is one code.
func (x *explainer) one(arg string) bool {
	if number.MatchString(arg) {
		return x.number(arg)
	}
	if parts := wholeCall.FindStringSubmatch(arg); parts != nil {
		name := parts[1][strings.LastIndexByte(parts[1], '.')+1:]
		return x.matches(arg, ofEnum(x.catalog.numberOrWord(parts[2]), name))
	}
	if domain, word, ok := strings.Cut(arg, "/"); ok && x.catalog.hasDomain(domain) {
		matches := x.catalog.anyWord(word)
		if number.MatchString(word) {
			matches = x.catalog.numberOrWord(word)
		}
		return x.matches(arg, inDomain(matches, domain))
	}
	found := x.matches(arg, x.catalog.anyWord(arg))
	if canonical, ok := canonicalOf(arg); ok {
		x.canonical(arg, canonical)
		return true
	}
	return found
}

// number explains a number: the domain codes that have it, or else the canonical code.
func (x *explainer) number(arg string) bool {
	n, err := strconv.ParseInt(arg, 10, 32)
	if err != nil {
		return false
	}
	canonical := isCanonical(int32(n))
	if matches := x.catalog.byNumber[int32(n)]; matches != nil {
		var notes []string
		if name := canonicalName(grpccodes.Code(n)); canonical && name != matches[0].code.GRPCCode {
			notes = []string{fmt.Sprintf("This is the domain code with the number %d. gRPC's canonical code %[1]d is %[2]s: errstatus explain %[2]s.", n, name)}
		}
		return x.matches(arg, matches, notes...)
	}
	if !canonical {
		return false
	}
	note := fmt.Sprintf("No domain code has the number %d, so this is gRPC's canonical code.", n)
	x.canonical(arg, grpccodes.Code(n), note)
	return true
}

// matches adds an answer for each code that a text may be.
func (x *explainer) matches(found string, matches []match, notes ...string) bool {
	if len(matches) > 1 {
		notes = append(notes, fmt.Sprintf("%d codes have this %s. To choose one, give its domain: %s.", len(matches), matches[0].as, matches[0].id()))
	}
	for _, m := range matches {
		x.add(m.id(), Answer{Found: found, As: m.as, Code: m.answer(), Notes: notes})
	}
	return len(matches) > 0
}

// canonical adds an answer for a canonical code, or the notes to the one that it has.
func (x *explainer) canonical(found string, canonical grpccodes.Code, notes ...string) {
	name := canonicalName(canonical)
	isSame := func(a Answer) bool { return a.Status == nil && a.GRPC != nil && a.GRPC.Name == name }
	if i := slices.IndexFunc(x.output.Answers, isSame); i >= 0 {
		same := &x.output.Answers[i]
		for _, note := range notes {
			if len(same.Notes) < maxNotes && !slices.Contains(same.Notes, note) {
				same.Notes = append(same.Notes, note)
			}
		}
		return
	}
	answer := Answer{Found: found, As: "canonical code", GRPC: x.catalog.explainCanonical(canonical), Notes: notes}
	x.add(name, answer)
}

// add adds an answer, unless the same was explained before or there are too many.
func (x *explainer) add(key string, answer Answer) {
	switch {
	case x.seen[key]:
		return
	case len(x.output.Answers) == maxAnswers:
		x.output.Omitted++
	default:
		answer.Found = shorten(answer.Found, maxFound)
		x.output.Answers = append(x.output.Answers, answer)
	}
	x.seen[key] = true
}

// text explains everything that it finds in a text.
func (x *explainer) text(text string) bool {
	if found := certainStatus([]byte(text), asBytes, asBytes); found != nil {
		x.hit(hit{text: text, status: found})
		return true
	}
	hits, notes := x.catalog.find(text)
	x.notes = append(x.notes, notes...)
	for _, h := range hits {
		x.hit(h)
	}
	return len(hits) > 0
}

func (x *explainer) hit(h hit) {
	switch {
	case h.status != nil:
		x.status(h)
	case h.canonical != nil:
		x.canonical(h.text, *h.canonical, x.catalog.messageNotes(*h.canonical, h.message)...)
	default:
		x.matches(h.text, h.matches)
	}
}

// status adds an answer for a status: what it has, and the code that it carries.
func (x *explainer) status(h hit) {
	id := x.catalog.identify(h.status)
	answer := Answer{Found: h.text, As: h.status.as, ErrorInfo: id.info, Notes: id.notes}
	if h.status.as != asInfo && h.status.as != asInfoJSON {
		answer.Status = describeStatus(h)
		answer.Status.Truncated = truncated(id.info)
		answer.Notes = append(answer.Notes, statusNotes(answer.Status, id.entry)...)
	}
	switch code := h.status.proto.GetCode(); {
	case id.entry != nil:
		answer.Code = id.entry.answer()
		x.seen[id.entry.id()] = true
	case answer.Status != nil && isCanonical(code):
		answer.GRPC = x.catalog.explainCanonical(grpccodes.Code(code))
		answer.GRPC.Codes, answer.GRPC.Omitted = nil, 0 // the status carries none of them
		if id.info == nil || !x.catalog.hasDomain(id.info.Domain) {
			answer.Notes = append(answer.Notes, x.catalog.messageNotes(grpccodes.Code(code), answer.Status.Message)...)
		}
		x.seen[answer.GRPC.Name] = true
	}
	x.add(statusKey(h.status.proto), answer)
}

// prefix lists the codes that begin with an argument, which may end with an asterisk. A
// domain is the prefix of all its codes.
func (x *explainer) prefix(arg string) bool {
	domain, prefix, ok := strings.Cut(arg, "/")
	if !ok && !x.catalog.hasDomain(domain) {
		domain, prefix = "", arg
	} else if !x.catalog.hasDomain(domain) {
		return false
	}
	prefix = strings.TrimSuffix(prefix, "*")
	if domain == "" && fold(prefix) == "" {
		return false
	}
	found := x.catalog.withPrefix(domain, prefix)
	answer := Answer{Found: arg, As: "prefix"}
	for i, e := range found {
		if i == maxListed {
			answer.Omitted = len(found) - i
			break
		}
		answer.Codes = append(answer.Codes, *e.answer())
	}
	if len(found) > 0 {
		x.add("prefix "+arg, answer)
	}
	return len(found) > 0
}
