package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/reference"
)

// A card shows an answer to people: in text as an indented block, in Markdown as a section.
// Its texts are escaped.
type card struct {
	title      string
	paragraphs []string
	rows       []row
}

// A row has a label and lines. Lines of code stay unchanged; lines of prose may be wrapped.
type row struct {
	label string
	lines []string
	code  bool
}

func (c *card) prose(label string, lines ...string) { c.add(row{label: label, lines: lines}) }
func (c *card) code(label string, lines ...string) {
	c.add(row{label: label, lines: lines, code: true})
}

// add adds a row unless it is empty.
func (c *card) add(r row) {
	if slices.ContainsFunc(r.lines, func(line string) bool { return line != "" }) {
		c.rows = append(c.rows, r)
	}
}

// cards returns the cards of all answers. A code that a card explains is named in later ones.
func (o *Output) cards() []*card {
	explained := make(map[string]bool)
	var all []*card
	for i := range o.Answers {
		all = append(all, o.Answers[i].cards(explained)...)
	}
	return all
}

func (a *Answer) cards(explained map[string]bool) []*card {
	var all []*card
	switch {
	case a.Status != nil:
		all = append(all, a.statusCard())
	case a.ErrorInfo != nil:
		all = append(all, a.infoCard())
	}
	if about, id := a.subject(); about != nil {
		if explained[id] && len(all) > 0 {
			all[0].prose("Code", about.title+", explained above")
		} else {
			all = append(all, about)
		}
		explained[id] = true
	}
	if len(all) == 0 {
		return nil
	}
	first := all[0]
	first.rows = slices.Insert(first.rows, 0, row{label: "Found", lines: []string{article(a.As) + ": " + foundText(a.Found)}, code: true})
	for _, note := range a.Notes {
		first.prose("Note", escape(note))
	}
	return all
}

// foundText returns a recognised text in quotes, without the middle of a long one.
func foundText(found string) string {
	const limit = 48
	escaped := []rune(escape(found))
	if len(escaped) > limit {
		escaped = append(append(escaped[:limit*2/3:limit*2/3], []rune("...")...), escaped[len(escaped)-limit/4:]...)
	}
	return `"` + string(escaped) + `"`
}

// article puts an article before what a text was taken for.
func article(as string) string {
	switch {
	case strings.HasPrefix(as, "a ") || strings.HasPrefix(as, "an ") || strings.HasPrefix(as, "b"):
		return as
	case strings.HasPrefix(as, "e") || strings.HasPrefix(as, "o"):
		return "an " + as
	}
	return "a " + as
}

// subject returns the card of the code, the canonical code or the list of codes, and a text
// that identifies it.
func (a *Answer) subject() (about *card, id string) {
	switch {
	case a.Code != nil:
		return codeCard(a.Code), a.Code.label()
	case a.GRPC != nil:
		return canonicalCard(a.GRPC), a.GRPC.Name
	case len(a.Codes) > 0:
		return listCard(a), "list " + a.Found
	}
	return nil, ""
}

func codeCard(c *Code) *card {
	view := &card{title: escape(c.label()), paragraphs: paragraphsOf(c.Explanation)}
	if c.Deprecated {
		view.prose("Deprecated", "yes")
	}
	view.prose("Fault", faultText(c.Fault))
	view.prose("What to do", paragraphsOf(c.Resolution)...)
	view.prose("gRPC", fmt.Sprintf("%s, HTTP status %d", escape(c.GRPCCode), c.HTTPStatus))
	view.prose("Retry", retryText(c.Retry, c.GRPCCode))
	view.code("Message", localizedLines(c, c.Message, func(l reference.Localized) string { return l.Message })...)
	view.code("Template", localizedLines(c, c.Template, func(l reference.Localized) string { return l.Template })...)
	view.code("Parameters", escape(strings.Join(c.Parameters, ", ")))
	view.code("Other names", escape(strings.Join(c.OtherNames, ", ")))
	view.code("Former reasons", escape(strings.Join(c.FormerReasons, ", ")))
	return view
}

// localizedLines returns a text of the code and the same in the other languages.
func localizedLines(c *Code, first string, of func(reference.Localized) string) []string {
	lines := []string{escape(first)}
	for _, l := range c.Localized {
		if text := of(l); text != "" {
			lines = append(lines, escape(l.Locale)+": "+escapeLocalized(text))
		}
	}
	return lines
}

func canonicalCard(c *Canonical) *card {
	view := &card{title: fmt.Sprintf("%s (gRPC's canonical code %d)", c.Name, c.Number)}
	view.prose("Fault", faultText(c.Fault))
	view.prose("gRPC", fmt.Sprintf("%s, HTTP status %d", c.Name, c.HTTPStatus))
	view.prose("Retry", retryText(c.Retry, c.Name))
	if c.Omitted > 0 {
		view.prose("Codes", fmt.Sprintf("%s, and %d more", escape(strings.Join(c.Codes, ", ")), c.Omitted))
	} else {
		view.prose("Codes", escape(strings.Join(c.Codes, ", ")))
	}
	return view
}

func listCard(a *Answer) *card {
	view := &card{title: "Codes that begin with " + escape(a.Found)}
	var lines []string
	for i := range a.Codes {
		lines = append(lines, escape(a.Codes[i].label()))
	}
	if a.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", a.Omitted))
	}
	view.code("Codes", lines...)
	return view
}

func (a *Answer) infoCard() *card {
	view := &card{title: "google.rpc.ErrorInfo"}
	view.addInfo(a.ErrorInfo)
	return view
}

func (c *card) addInfo(info *Info) {
	if info == nil {
		return
	}
	c.code("Reason", escape(info.Reason))
	c.code("Domain", escape(info.Domain))
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(info.Metadata)) {
		pairs = append(pairs, escape(key)+" = "+escape(info.Metadata[key]))
	}
	if info.Omitted > 0 {
		pairs = append(pairs, fmt.Sprintf("and %d more", info.Omitted))
	}
	c.code("Metadata", pairs...)
}

func (a *Answer) statusCard() *card {
	s := a.Status
	view := &card{title: "google.rpc.Status " + codeText(s.Code, s.GRPCCode)}
	view.code("Message", escape(s.Message))
	if s.Size > 0 {
		view.prose("Size", fmt.Sprintf("%d bytes, %d on the wire as base64", s.Size, s.WireSize))
	}
	if h := s.Header; h != nil {
		agrees := "as in the status"
		if !h.Agrees {
			agrees = "which differs from the status"
		}
		view.prose("Header", codeText(h.Code, h.Name)+", "+agrees)
	}
	view.addInfo(a.ErrorInfo)
	for _, part := range s.Truncated {
		meaning, ok := truncations[part]
		if !ok {
			meaning = "the sender shortened the status: " + escape(part)
		}
		view.prose("Truncated", meaning)
	}
	for i := range s.Details {
		view.addDetail(i, &s.Details[i])
	}
	if s.Omitted > 0 {
		view.prose("Details", fmt.Sprintf("and %d more", s.Omitted))
	}
	return view
}

// codeText returns a number with its name, if it has one.
func codeText(number int32, name string) string {
	if name == "" || name == strconv.Itoa(int(number)) {
		return strconv.Itoa(int(number))
	}
	return fmt.Sprintf("%d (%s)", number, name)
}

func (c *card) addDetail(i int, d *Detail) {
	head := fmt.Sprintf("%d. %s", i+1, escape(d.Type))
	if d.Size > 0 {
		head += fmt.Sprintf(", %d bytes", d.Size)
	}
	if d.Error != "" {
		head += ": " + escape(d.Error)
	}
	lines := []string{head}
	if d.Value != nil {
		lines = append(lines, string(escapeJSON(d.Value)))
	}
	for _, f := range d.Fields {
		name := strconv.Itoa(int(f.Number))
		if f.Name != "" {
			name += " (" + f.Name + ")"
		}
		lines = append(lines, name+": "+escape(f.Value))
	}
	if d.Base64 != "" {
		lines = append(lines, "base64: "+d.Base64)
	}
	c.code("Details", lines...)
}

// faultText says who must act.
func faultText(fault string) string {
	switch fault {
	case codes.FaultNone.String():
		return "none: nothing failed"
	case codes.FaultCaller.String():
		return "caller: the caller must act, not the server's operators"
	case codes.FaultServer.String():
		return "server: its operators must act"
	case codes.FaultTransient.String():
		return "transient: nobody needs to act yet, because the failure may end by itself"
	}
	return escape(fault)
}

// retryText returns the advice for a value of retry and the name of a canonical code.
func retryText(retry, grpcCode string) string {
	canonical, _ := canonicalOf(grpcCode)
	for _, r := range []codes.Retry{codes.RetryNever, codes.RetryCall, codes.RetryTransaction} {
		if r.String() == retry {
			return reference.RetryAdvice(r, canonical)
		}
	}
	return escape(retry)
}

// paragraphsOf returns the paragraphs of a comment, each as one line.
func paragraphsOf(comment string) []string {
	if comment == "" {
		return nil
	}
	var all []string
	for paragraph := range strings.SplitSeq(comment, "\n\n") {
		all = append(all, escape(strings.Join(strings.Fields(paragraph), " ")))
	}
	return all
}
