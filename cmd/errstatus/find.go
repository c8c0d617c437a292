package main

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	grpccodes "google.golang.org/grpc/codes"
)

// maxDepth is how deep texts in quoted texts are searched.
const maxDepth = 4

// A hit is something that was recognised in a text. It has matches, a canonical code or a
// status.
type hit struct {
	start, end int     // its place in the text
	line       int     // the line of start, counted from 0
	text       string  // what stands there, without quotes and escapes
	matches    []match // the codes that it names: several if several domains have it
	canonical  *grpccodes.Code
	message    string // beside the canonical code, if there is one
	status     *foundStatus
	header     *grpccodes.Code // the canonical code that stands beside the status
}

// A finder searches a text. Each method looks for one kind, and replaces what it found in
// rest by NUL, so that later methods don't find parts of it again. Positions don't change.
type finder struct {
	catalog *catalog
	depth   int
	rest    []byte
	hits    []hit
	budget  int      // how many bytes may still be read again, so that a hostile text takes no longer
	notes   []string // for people, about what couldn't be read
}

// find returns what it recognises in a text, in order, without repetitions.
func (c *catalog) find(text string) (hits []hit, notes []string) {
	f := c.newFinder(text, 0)
	f.findAll()
	return c.relevant(f.hits), f.notes
}

// colour is what loggers write before and after words for a terminal.
var colour = regexp.MustCompile("\x1b\\[[0-9;:]*[mK]")

func (c *catalog) newFinder(text string, depth int) *finder {
	rest := colour.ReplaceAllFunc([]byte(text), func(b []byte) []byte { return bytes.Repeat([]byte(" "), len(b)) })
	return &finder{catalog: c, depth: depth, rest: rest, budget: 8*len(text) + 1<<16}
}

// findAll runs all searches. What is more specific comes first.
func (f *finder) findAll() {
	f.findGRPCurl()
	f.findPrototext()
	f.findJSON()
	f.findQuoted()
	f.findNumbers()
	f.findBase64()
	f.findWithDomain()
	f.findCalls()
	f.findOpenIM()
	f.findCanonicalTexts()
	f.findKeyed()
	f.findLines()
	f.findWords()
	f.readMessages()
	slices.SortStableFunc(f.hits, func(a, b hit) int { return cmp.Compare(a.start, b.start) })
	numberLines(f.hits, f.rest)
	attachHeaders(f.hits)
	narrow(f.hits, string(f.rest))
}

// add adds a hit, and removes its text from the rest.
func (f *finder) add(h hit) {
	f.hits = append(f.hits, h)
	f.remove(h.start, h.end)
}

// remove replaces a part of the rest, but keeps the line ends.
func (f *finder) remove(start, end int) {
	for i := start; i < end; i++ {
		if f.rest[i] != '\n' {
			f.rest[i] = 0
		}
	}
}

// maxNotes is how many notes are kept.
const maxNotes = 5

func (f *finder) note(format string, args ...any) {
	if len(f.notes) < maxNotes {
		f.notes = append(f.notes, fmt.Sprintf(format, args...))
	}
}

// spend reports whether n more bytes may be read.
func (f *finder) spend(n int) bool {
	f.budget -= n
	return f.budget >= 0
}

// minNested is the length of the shortest text in quotes that is searched.
const minNested = 8

// addNested adds the hits of a text that stands quoted between start and end. It reports
// whether there is one.
func (f *finder) addNested(text string, start, end int) bool {
	if f.depth == maxDepth || len(text) < minNested || !f.spend(len(text)) {
		return false
	}
	nested := f.catalog.newFinder(text, f.depth+1)
	nested.budget = f.budget
	nested.findAll()
	f.budget = nested.budget
	for _, note := range nested.notes {
		f.note("%s", note)
	}
	for _, h := range nested.hits {
		h.start, h.end = start, end
		f.hits = append(f.hits, h)
	}
	if len(nested.hits) == 0 {
		return false
	}
	f.remove(start, end)
	return true
}

// findQuoted finds statuses and texts in quotes with escapes: bytes as Go and Python print
// them, and JSON in a field of a log.
func (f *finder) findQuoted() {
	for i := 0; i < len(f.rest); i++ {
		quote := f.rest[i]
		if quote != '"' && quote != '\'' || i > 0 && f.rest[i-1] == '\\' {
			continue
		}
		end := closingQuote(f.rest, i)
		if end < 0 {
			continue
		}
		text, ok := unquote(string(f.rest[i+1 : end]))
		if !ok {
			continue
		}
		if found := certainStatus([]byte(text), asBytes, asBytes); found != nil {
			f.add(hit{start: i, end: end + 1, text: string(f.rest[i : end+1]), status: found})
		} else if !f.addNested(text, i, end+1) {
			continue
		}
		i = end
	}
}

// closingQuote returns the index of the quote that ends the text which begins at start, on
// the same line, or -1.
func closingQuote(text []byte, start int) int {
	for i := start + 1; i < len(text) && text[i] != '\n'; i++ {
		switch text[i] {
		case '\\':
			i++
		case text[start]:
			return i
		}
	}
	return -1
}

var (
	base64Token = regexp.MustCompile(`(?:[A-Za-z0-9+/_-]|%2[BbFf])+(?:=|%3[Dd]){0,2}`)
	base64Next  = regexp.MustCompile(`^\r?\n[ \t]*((?:[A-Za-z0-9+/_-]|%2[BbFf])+(?:=|%3[Dd]){0,2})[ \t\r]*(?:\n|$)`)
	detailsName = regexp.MustCompile(`(?i)details-bin`)
	detailsKey  = regexp.MustCompile(`(?i)details-bin["']?\s*(?::|=>?|,\s*value=b?)\s*["'\[(]*$`)
)

// maxLine is the length of the longest line of base64 that is taken for the next one.
const maxLine = 1 << 10

// minBase64 is the length of the shortest status that is recognised.
const minBase64 = 8

// findBase64 finds base64 of a status, on one or several lines. After the key
// grpc-status-details-bin it also takes a status with unknown fields, and notes what is no
// status.
func (f *finder) findBase64() {
	hasKey := detailsName.Match(f.rest)
	wrapped := 0 // up to here, lines were tried together
	for from := 0; from < len(f.rest); {
		place := base64Token.FindIndex(f.rest[from:])
		if place == nil {
			return
		}
		start, end := from+place[0], from+place[1]
		from = end
		if start >= wrapped {
			if wrapped = f.wrappedEnd(start, end); wrapped > end && f.addBase64(start, wrapped) {
				from = wrapped
				continue
			}
		}
		if end-start >= minBase64 && f.addBase64(start, end) {
			continue
		}
		if hasKey && end-start >= minBase64 && detailsKey.Match(f.rest[max(0, start-40):start]) {
			f.addHeader(start, end)
		}
	}
}

// addBase64 adds the status between start and end, and reports whether there is one.
func (f *finder) addBase64(start, end int) bool {
	text := string(f.rest[start:end])
	b, err := decodeBase64(text)
	if err != nil {
		return false
	}
	found := certainStatus(b, asBase64, asInfo)
	if found == nil {
		return false
	}
	f.add(hit{start: start, end: end, text: trimBase64(text), status: found})
	return true
}

// addHeader adds the value of a grpc-status-details-bin, whatever it is.
func (f *finder) addHeader(start, end int) {
	text := string(f.rest[start:end])
	found, err := decodeHeader(text)
	if err != nil {
		f.note("the value of grpc-status-details-bin, %s, can't be read: %v", shorten(text, maxFound), err)
		return
	}
	f.add(hit{start: start, end: end, text: text, status: found})
}

// wrappedEnd returns where the base64 ends whose first line is between start and end, if the
// next lines go on with it: all have the same length but the last, which may be shorter.
func (f *finder) wrappedEnd(start, end int) int {
	width := 0 // of the lines after the first
	for first := end - start; ; {
		next := base64Next.FindSubmatchIndex(f.rest[end:min(end+maxLine, len(f.rest))])
		if next == nil {
			return end
		}
		length := next[3] - next[2]
		if width > 0 && length > width {
			return end
		}
		end += next[3]
		if length < max(width, first) {
			return end
		}
		width, first = length, 0
	}
}

var domainWord = regexp.MustCompile(`([A-Za-z0-9][A-Za-z0-9.-]*)/([A-Za-z_][A-Za-z0-9_]*|\d+)`)

// findWithDomain finds openim.io/RECORD_NOT_FOUND.
func (f *finder) findWithDomain() {
	for _, place := range domainWord.FindAllSubmatchIndex(f.rest, -1) {
		domain, word := string(f.rest[place[2]:place[3]]), string(f.rest[place[4]:place[5]])
		if matches := inDomain(f.catalog.numberOrWord(word), domain); matches != nil {
			f.add(hit{start: place[0], end: place[1], text: domain + "/" + word, matches: matches})
		}
	}
}

// numberOrWord returns the codes with a number, or with an exact name or reason.
func (c *catalog) numberOrWord(text string) []match {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return c.byNumber[int32(n)]
	}
	return c.exactWord(text)
}

var call = regexp.MustCompile(`\b([A-Za-z_][A-Za-z0-9_]*)\((\d+)\)`)

// findCalls finds Code(1004) and ErrorCode(1004).
func (f *finder) findCalls() {
	for _, place := range call.FindAllSubmatchIndex(f.rest, -1) {
		name, text := string(f.rest[place[2]:place[3]]), string(f.rest[place[0]:place[1]])
		if matches := ofEnum(f.catalog.numberOrWord(string(f.rest[place[4]:place[5]])), name); matches != nil {
			f.add(hit{start: place[0], end: place[1], text: text, matches: matches})
		} else if name == "Code" || name == "CODE" {
			f.note("no reference has the number of %s", text)
		}
	}
}

var openIMText = regexp.MustCompile(`\b(\d+) ([A-Za-z]+Error)\b`)

// findOpenIM finds errors as OpenIM prints them: 1004 RecordNotFoundError.
func (f *finder) findOpenIM() {
	for _, place := range openIMText.FindAllSubmatchIndex(f.rest, -1) {
		numbered := f.catalog.numberOrWord(string(f.rest[place[2]:place[3]]))
		for _, m := range f.catalog.exactWord(string(f.rest[place[4]:place[5]])) {
			if hasEntry(numbered, m.entry) {
				f.add(hit{start: place[0], end: place[1], text: string(f.rest[place[0]:place[1]]), matches: []match{m}})
				break
			}
		}
	}
}

// canonicalText finds a canonical code as Node, Java and Python print it: "13 INTERNAL:",
// "StatusRuntimeException: INTERNAL", "StatusCode.INTERNAL".
var canonicalText = regexp.MustCompile(`\b(?:\d{1,2} |Status(?:Runtime)?Exception: |StatusCode\.)([A-Z_]+)\b`)

func (f *finder) findCanonicalTexts() {
	for _, place := range canonicalText.FindAllSubmatchIndex(f.rest, -1) {
		if canonical, ok := exactCanonical(string(f.rest[place[2]:place[3]])); ok {
			f.add(hit{start: place[0], end: place[1], text: string(f.rest[place[2]:place[3]]), canonical: &canonical})
		}
	}
}

var keyValue = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_.-]*)["']?\s*(?::|=>?)\s*["']?(-?\d+\b|[A-Za-z_][A-Za-z0-9_]*)`)

// findKeyed finds numbers, names and reasons after a key, such as error.number=1004. What
// is no such value may be the next key, as in "failed: code=1004".
func (f *finder) findKeyed() {
	for from := 0; ; {
		place := keyValue.FindSubmatchIndex(f.rest[from:])
		if place == nil {
			return
		}
		at := func(i int) int { return from + place[i] }
		key, value := string(f.rest[at(2):at(3)]), string(f.rest[at(4):at(5)])
		next := at(4)
		if h, ok := f.keyed(key, value); ok {
			h.start, h.end = at(0), at(1)
			f.add(h)
			next = h.end
		}
		from = next
	}
}

// The keys after which a number or a word is a code, in lower case, without the part before
// the last dot, and without - and _.
const (
	numberKeys    = " code errcode errorcode number errornumber "
	wordKeys      = " code statuscode status reason errorreason name errorname error "
	canonicalKeys = " code statuscode "
	upperKeys     = " status reason " // of a canonical code in upper case: others write "status: Unknown" too
)

var keySigns = strings.NewReplacer("-", "", "_", "", ".", "")

// keyed returns the hit for a value after a key.
func (f *finder) keyed(key, value string) (h hit, ok bool) {
	all := keySigns.Replace(strings.ToLower(key))
	isGRPC := strings.HasSuffix(all, "grpcstatus") || strings.HasSuffix(all, "grpccode")
	last := " " + keySigns.Replace(strings.ToLower(key[strings.LastIndexByte(key, '.')+1:])) + " "
	h.text = value
	if n, err := strconv.ParseInt(value, 10, 32); err == nil {
		switch canonical := grpccodes.Code(n); {
		case n == 0:
		case isGRPC && isCanonical(int32(n)):
			h.canonical = &canonical
		case isGRPC || strings.Contains(numberKeys, last):
			h.matches = f.catalog.byNumber[int32(n)]
		}
		return h, h.matches != nil || h.canonical != nil
	}
	if strings.Contains(wordKeys, last) {
		h.matches = f.catalog.exactWord(value)
	}
	if canonical, ok := exactCanonical(value); ok && h.matches == nil && (isGRPC || strings.Contains(canonicalKeys, last) ||
		strings.Contains(upperKeys, last) && value == strings.ToUpper(value)) {
		h.canonical = &canonical
	}
	return h, h.matches != nil || h.canonical != nil
}

var lineWord = regexp.MustCompile(`(?m)^[ \t]*([A-Za-z_][A-Za-z0-9_]*|\d+)[ \t\r]*$`)

// findLines finds lines with nothing but a number, a name or a reason.
func (f *finder) findLines() {
	for _, place := range lineWord.FindAllSubmatchIndex(f.rest, -1) {
		word := string(f.rest[place[2]:place[3]])
		if matches := f.catalog.numberOrWord(word); matches != nil {
			f.add(hit{start: place[2], end: place[3], text: word, matches: matches})
		}
	}
}

var (
	word = regexp.MustCompile(`[A-Za-z][A-Za-z0-9_]*`)

	// distinctive matches a word that is no word of a language: RECORD_NOT_FOUND, RecordNotFound.
	distinctive = regexp.MustCompile(`[A-Za-z0-9]_[A-Za-z0-9]|[a-z][A-Z]`)

	// distinctiveCanonical has the canonical names that rarely occur in other texts.
	distinctiveCanonical = regexp.MustCompile(`^(?:UNAVAILABLE|ABORTED|UNAUTHENTICATED|UNIMPLEMENTED|CANCELLED)$`)
)

// findWords finds names, reasons and canonical codes in a text. "Internal" and "ARGS" are
// found after a key only.
func (f *finder) findWords() {
	for _, place := range word.FindAllIndex(f.rest, -1) {
		text := string(f.rest[place[0]:place[1]])
		h := hit{start: place[0], end: place[1], text: text}
		if distinctive.MatchString(text) {
			h.matches = f.catalog.exactWord(text)
		}
		canonical, ok := exactCanonical(text)
		if ok = ok && (distinctive.MatchString(text) || distinctiveCanonical.MatchString(text)); ok && h.matches == nil {
			h.canonical = &canonical
		}
		if h.matches != nil || ok {
			f.add(h)
		}
	}
}
