package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// missing returns what can be said about an argument in which nothing was recognised.
func (c *catalog) missing(arg string) Missing {
	m := Missing{Input: shorten(arg, maxFound)}
	trimmed := strings.TrimSpace(arg)
	domain, word, hasDomain := strings.Cut(trimmed, "/")
	switch {
	case trimmed == "":
		m.Note = "it is empty"
	case isFile(trimmed):
		m.Note = "it is a file: to explain the text in it, run errstatus explain < " + m.Input
	case hasDomain && errorinfo.IsReason(word) && !c.hasDomain(domain):
		m.Note = fmt.Sprintf("no reference of the domain %s is known: give its JSON file with -ref or %s", shorten(domain, maxFound), refVariable)
	case c.withholds(domain, word):
		m.Note = fmt.Sprintf(withheldNote, word)
	case numberOf(trimmed) != "":
		m.Note = "no reference has the number " + numberOf(trimmed)
		if parts := wholeCall.FindStringSubmatch(trimmed); parts != nil && c.numberOrWord(parts[2]) != nil {
			m.Note = fmt.Sprintf("no enum with this number is called %s", parts[1])
		}
		m.Nearest = c.nearest(numberOf(trimmed))
	case strings.ContainsAny(trimmed, " \t\n"):
		m.Note = fmt.Sprintf("the text of %d bytes has no name, reason, number or status that is known", len(arg))
		m.Nearest = c.nearestInText(trimmed)
	case pathStart.MatchString(trimmed):
		m.Note = "there is no such file"
	case !m.asBase64(c, trimmed):
		m.Nearest = c.nearest(trimmed)
	}
	return m
}

// pathStart matches the beginning of a file's name that is no code of a domain.
var pathStart = regexp.MustCompile(`^(?:~|\.{1,2})?/`)

// isFile reports whether a text is the name of a file.
func isFile(text string) bool {
	info, err := os.Stat(text)
	return err == nil && info.Mode().IsRegular()
}

// base64Only matches what base64 often has and names rarely have: a sign, or several digits
// between letters in upper and lower case.
var base64Only = regexp.MustCompile(`[+=]|[a-z][0-9]+[A-Z].*[0-9]|[0-9].*[A-Z][0-9]+[a-z]`)

// asBase64 sets what can be said about base64, and reports whether the text looks like it.
func (m *Missing) asBase64(c *catalog, text string) bool {
	if about, reason := readCut(text); about != "" {
		m.Note = "it may be base64 of a google.rpc.Status that was cut: its beginning has " + about
		for _, found := range c.byReason(reason) {
			m.Nearest = append(m.Nearest, found.answer().label())
		}
		return true
	}
	b, err := decodeBase64(text)
	if err != nil || len(b) < 16 || !base64Only.MatchString(text) {
		return false
	}
	m.Note = fmt.Sprintf("it may be base64, but its %d bytes are not a google.rpc.Status", len(b))
	return true
}

// numberOf returns the number in the name or the reason of a code without a row, such as
// ErrorCode(1305) and ERROR_CODE_1305.
func numberOf(text string) string {
	if parts := wholeCall.FindStringSubmatch(text); parts != nil {
		return parts[2]
	}
	if errorinfo.IsUnknownReason(text) {
		return strings.TrimPrefix(text, errorinfo.UnknownPrefix)
	}
	return ""
}

// maxTextWords is how many words of a text are compared with names.
const maxTextWords = 50

// nearestInText returns the codes of which a word of the text may be a misspelt name.
func (c *catalog) nearestInText(text string) []string {
	var found []string
	for _, text := range word.FindAllString(text, maxTextWords) {
		if !distinctive.MatchString(text) {
			continue
		}
		for _, candidate := range c.candidates(text) {
			for _, word := range candidate.words {
				if len(found) < 3 && len(text) <= maxNearestInput && distance(fold(text), fold(word)) <= 2 {
					found = append(found, candidate.text)
					break
				}
			}
		}
	}
	return found
}

// truncations says what each part of metadata["truncated"] means.
var truncations = map[string]string{
	"details":  "details were dropped or shortened",
	"metadata": "pairs of the metadata were dropped, or their values shortened",
	"message":  "the message was shortened",
}

// truncated returns the parts that the sender dropped, by metadata["truncated"].
func truncated(info *Info) []string {
	if info == nil || info.Metadata[errorinfo.TruncatedKey] == "" {
		return nil
	}
	return strings.Split(info.Metadata[errorinfo.TruncatedKey], ",")
}

// statusNotes returns what is odd about a status and the code that it carries.
func statusNotes(s *Status, e *entry) (notes []string) {
	if h := s.Header; h != nil && !h.Agrees {
		notes = append(notes, fmt.Sprintf("The code beside the status is %d (%s), but the status has %d: grpc-go reports INTERNAL instead, and clients in Java and Python refuse the details.", h.Code, h.Name, s.Code))
	}
	if s.Code == 0 {
		notes = append(notes, "The status has the code 0: clients that read it refuse it, because it is no error.")
	}
	if e != nil && s.GRPCCode != "" && s.Code != 0 && s.GRPCCode != e.code.GRPCCode {
		notes = append(notes, fmt.Sprintf("The status has %s, but the reference says %s: the sender has another table, or restated the status.", s.GRPCCode, e.code.GRPCCode))
	}
	return notes
}

// statusKey returns a text that equal statuses share.
func statusKey(status *spb.Status) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(status)
	if err != nil {
		return status.String()
	}
	return "status " + string(b)
}
