package codes

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/text"
)

const maxDomain = 253 // the length of the longest DNS name

var (
	errNoRows          = errors.New("no rows: give a row for each code")
	errNilCode         = errors.New("nil Code: give the typed constant of the code")
	errWrongNumber     = errors.New("it must return the value, as in: return codes.Number(c)")
	errNoText          = errors.New("say in a few words what failed, for the caller to read")
	errOnlySpaces      = fmt.Errorf("has only spaces: %w", errNoText)
	errNotUTF8         = errors.New("is not valid UTF-8")
	errEdgeSpace       = errors.New("begins or ends with a space: remove it, because some clients read such a message as an empty one")
	errEmptyName       = errors.New("is empty: remove it")
	errReservedReason  = fmt.Errorf("is reserved for codes without a row: choose a reason that doesn't begin with %s", errorinfo.UnknownPrefix)
	errMalformedReason = fmt.Errorf("must match [A-Z][A-Z0-9_]+[A-Z0-9] and have at most %d bytes (AIP-193): set another reason", errorinfo.MaxReason)
	errMalformedZero   = fmt.Errorf("must match [A-Z]([A-Z0-9_]*[A-Z0-9])? and have at most %d bytes, such as OK or NO_ERROR", errorinfo.MaxReason)
	errNoLocale        = errors.New(`is empty: give a BCP 47 language tag such as "zh" or "pt-BR"`)
	errNoLocalizedText = errors.New("is empty: give the message in that language, or its template, or remove it")
	errMalformedLocale = errors.New(`is not a BCP 47 language tag: use one such as "zh", "pt-BR" or "zh-Hant-TW"`)
)

// A rowError is an error about one row. With the row's index, which Row returns, the
// generator finds the place in the .proto file.
type rowError struct {
	table string // the beginning of the text: package and domain
	place string // the row's index, name and number
	index int
	err   error
}

func (e *rowError) Error() string { return e.table + e.place + e.err.Error() }

// Unwrap returns what is wrong, without the row.
func (e *rowError) Unwrap() error { return e.err }

// Row returns the index of the row, counted from 0.
func (e *rowError) Row() int { return e.index }

// fill adds the rows to an empty table. It returns an error that lists everything
// that is wrong with them.
func (t *Table) fill(rows []Row) error {
	var wrong []error
	table := fmt.Sprintf("codes: table %q: ", t.domain)
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf(table+"%w", fmt.Errorf(format, args...)))
	}
	reportRow := func(i int, place string, err error) {
		wrong = append(wrong, &rowError{table, fmt.Sprintf("row %d (%s): ", i+1, text.ForLog(place)), i, err})
	}
	if len(t.domain) == 0 || len(t.domain) > maxDomain {
		report("the domain has %d bytes: give it 1 to %d, such as %q", len(t.domain), maxDomain, "openim.io")
	}
	if i := strings.IndexFunc(t.domain, isNotInDomain); i >= 0 {
		report("the domain has %q at byte %d: give it a name such as %q", t.domain[i:i+1], i, "billing.example.com")
	}
	if len(rows) == 0 {
		report("%w", errNoRows)
		return errors.Join(wrong...)
	}
	reserved := withoutDefault(rows)
	for i, row := range rows {
		if row.Name == "" {
			row.Name = row.Reason
		}
		if err := checkCode(row.Code); err != nil {
			reportRow(i, row.Name, err)
			continue
		}
		if row.Message == "" {
			row.Message = messageOf(row)
		}
		for _, err := range slices.Concat(checkRow(row), checkReserved(row, reserved), t.add(row)) {
			reportRow(i, fmt.Sprintf("%s = %d", row.Name, row.Code.Number()), err)
		}
	}
	if len(wrong) == 0 {
		if err := t.addFallbacks(reserved); err != nil {
			report("%w", err)
		}
	}
	return errors.Join(wrong...)
}

// messageOf returns the message of a row that has none: the words of its reason, such as
// "card declined" for CARD_DECLINED.
func messageOf(row Row) string {
	if row.Code.Number() == 0 {
		return noError
	}
	return wordsOf(row.Reason)
}

func wordsOf(reason string) string {
	words := strings.FieldsFunc(reason, func(r rune) bool { return r == '_' })
	return strings.ToLower(strings.Join(words, " "))
}

// isNotInDomain reports whether a domain can't have a rune: a space, a slash, a character that
// isn't seen, or a byte that isn't UTF-8.
func isNotInDomain(r rune) bool {
	return unicode.IsSpace(r) || r == '/' || r == utf8.RuneError || text.IsHidden(r)
}

// checkCode refuses a nil code, one of the wrong kind, and one whose number is not
// its value. After it, the code's Number method can be called.
func checkCode(code Code) error {
	if code == nil {
		return errNilCode
	}
	if typ := reflect.TypeOf(code); typ.Kind() != reflect.Int32 {
		return fmt.Errorf("its Code is a %v, of kind %v: codes must be of kind int32", typ, typ.Kind())
	}
	return checkNumber(code, reflect.ValueOf(code).Int())
}

// checkNumber refuses a code whose Number method doesn't return its value. Such a
// code would be sent with one number, and made from another by [Table.Code].
func checkNumber(code Code, value int64) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("its Number method panics for the value %d (%v): %w", value, panicked, errWrongNumber)
		}
	}()
	if number := code.Number(); int64(number) != value {
		return fmt.Errorf("its Number method returns %d for the value %d: %w", number, value, errWrongNumber)
	}
	return nil
}

// checkRow returns what is wrong with a row on its own.
func checkRow(row Row) (wrong []error) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	if number := row.Code.Number(); number < 0 {
		report("number %d is negative: use a positive one, because no other can be sent", number)
	} else if (number == 0) != (row.GRPCCode == grpccodes.OK) {
		report("canonical code %s for number %d: give OK to number 0 and another code to every other number", canonicalName(row.GRPCCode), number)
	}
	if row.GRPCCode > grpccodes.Unauthenticated {
		report("canonical code %d is outside 0..16", row.GRPCCode)
	}
	if row.FaultOverride > FaultTransient {
		report("fault %v: use FaultCaller, FaultServer or FaultTransient, or FaultNone to let it follow from the canonical code", row.FaultOverride)
	} else if row.FaultOverride != FaultNone && row.Code.Number() == 0 {
		report("number 0 has the fault %v: remove it (FaultNone in Go), because success is nobody's fault", row.FaultOverride)
	}
	if row.RetryOverride > RetryTransaction {
		report("retry %v: use RetryNever, RetryCall or RetryTransaction, or RetryUnspecified to let it follow from the canonical code", row.RetryOverride)
	} else if row.RetryOverride != RetryUnspecified && row.Code.Number() == 0 {
		report("number 0 has the retry advice %v: remove it (RetryUnspecified in Go), because success is not retried", row.RetryOverride)
	}
	switch {
	case row.Code.Number() != 0:
		if err := checkReason(row.Reason); err != nil {
			report("reason %q %w", row.Reason, err)
		}
	case errorinfo.IsUnknownReason(row.Reason):
		report("reason %q %w", row.Reason, errReservedReason)
	case !isZeroReason(row.Reason):
		report("reason %q of number 0 %w", row.Reason, errMalformedZero)
	}
	for _, former := range row.FormerReasons {
		if err := checkReason(former); err != nil {
			report("former reason %q %w", former, err)
		}
	}
	if len(row.FormerReasons) > 0 && row.Code.Number() == 0 {
		report("number 0 has the former reason %q: remove it, because no reason of number 0 is ever sent", row.FormerReasons[0])
	}
	for _, name := range row.OtherNames {
		if err := checkOtherName(name); err != nil {
			report("other name %q %w", name, err)
		}
	}
	if err := checkSpaces(row.Message); err != nil && row.Message != "" {
		report("message %q %w", row.Message, err)
	}
	if !utf8.ValidString(row.Message) || !utf8.ValidString(row.Name) {
		report("name %q or message %q is not valid UTF-8", row.Name, row.Message)
	}
	if err := checkSeen(row.Name, nil); err != nil {
		report("name %q %w", row.Name, err)
	}
	if err := checkSeen(row.Message, nil); err != nil {
		report("message %q %w", row.Message, err)
	}
	wrong = append(wrong, checkTemplate(row)...)
	return append(wrong, checkLocalized(row)...)
}

// checkReason refuses a text that can't be the reason of an error.
func checkReason(reason string) error {
	switch {
	case errorinfo.IsUnknownReason(reason):
		return errReservedReason
	case !errorinfo.IsReason(reason):
		return errMalformedReason
	}
	return nil
}

// checkOtherName refuses a text that can't be another name of a code.
func checkOtherName(name string) error {
	switch {
	case name == "":
		return errEmptyName
	case !utf8.ValidString(name):
		return errNotUTF8
	}
	return checkSeen(name, nil)
}

// isZeroReason reports whether a reason is one for number 0. It is never sent, so it
// may be shorter than AIP-193 allows: OK is one.
func isZeroReason(reason string) bool {
	// With two more letters, a reason that is only too short follows AIP-193.
	return errorinfo.IsReason(reason) || reason != "" && len(reason) < 3 && errorinfo.IsReason(reason[:1]+"XX"+reason[1:])
}

// joiners are the zero-width characters that the spelling of some languages needs, such
// as Persian and Hindi.
var joiners = []rune{'\u200c', '\u200d'}

// checkSeen refuses a text with a rune that can't be seen in a line or that changes what
// is seen of it, except for the allowed ones.
func checkSeen(s string, allowed []rune) error {
	for i, r := range s {
		if text.IsHidden(r) && !slices.Contains(allowed, r) {
			return fmt.Errorf("has the invisible character %U at byte %d: remove it, because it can break log lines or change how the text is displayed", r, i)
		}
	}
	return nil
}

// checkSpaces refuses a message with a space at its beginning or end. In the header
// grpc-message gRPC escapes all white space but U+0020. nghttp2, the HTTP/2 library
// of Node, ignores a header with such a space: the client reads an empty message.
func checkSpaces(message string) error {
	switch strings.Trim(message, " ") {
	case message:
		return nil
	case "":
		return errOnlySpaces
	default:
		return errEdgeSpace
	}
}

// checkLocalized returns what is wrong with the localized messages of a row.
func checkLocalized(row Row) (wrong []error) {
	seen := make(map[string]bool, len(row.Localized))
	for _, m := range row.Localized {
		locale := strings.ToLower(m.Locale)
		if err := checkLocale(m.Locale); err != nil {
			wrong = append(wrong, fmt.Errorf("localized message %q: locale %q %w", cmp.Or(m.Message, m.Template), m.Locale, err))
		} else if seen[locale] {
			wrong = append(wrong, fmt.Errorf("two localized messages for locale %q", m.Locale))
		}
		seen[locale] = true
		wrong = append(wrong, checkLocalizedTexts(row, m)...)
	}
	return wrong
}

// checkLocale refuses a text that is no language tag.
func checkLocale(locale string) error {
	switch {
	case locale == "":
		return errNoLocale
	case !isLanguageTag(locale):
		return errMalformedLocale
	}
	return nil
}

// checkLocalizedTexts returns what is wrong with the message and the template of a localized
// message of a row.
func checkLocalizedTexts(row Row, m LocalizedMessage) (wrong []error) {
	if err := checkLocalizedMessage(row, m); err != nil {
		wrong = append(wrong, fmt.Errorf("localized message %q for locale %q %w", m.Message, m.Locale, err))
	}
	if err := checkLocalizedTemplate(row, m.Template); err != nil {
		wrong = append(wrong, fmt.Errorf("localized template %q for locale %q %w", m.Template, m.Locale, err))
	}
	return wrong
}

// checkLocalizedMessage refuses the message of a localized message of a row, if the message
// breaks the rules of messages. Beside a template, it may be empty.
func checkLocalizedMessage(row Row, m LocalizedMessage) error {
	if m.Message == "" && m.Template == "" {
		return errNoLocalizedText
	}
	if err := checkText(m.Message, joiners); err != nil || row.Template == "" {
		return err
	}
	return checkNoParameter(m.Message)
}

// add adds a row, and returns how it conflicts with the rows before it.
func (t *Table) add(row Row) (wrong []error) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	typ := reflect.TypeOf(row.Code)
	if t.codeType == nil {
		t.codeType = typ
	}
	if typ != t.codeType {
		report("its Code is a %v, but the first row's is a %v: all codes of a table have one type", typ, t.codeType)
	}
	e := newEntry(t.domain, row)
	if first, ok := t.byNumber[row.Code.Number()]; ok {
		report("number %d already belongs to %s: choose another", row.Code.Number(), first.Name)
	}
	addText := func(what string, texts map[string]*entry, text string) {
		if first, ok := texts[text]; ok {
			report("%s %q already belongs to %s, number %d: choose another", what, text, first.Name, first.Code.Number())
		}
		texts[text] = e
	}
	addText("reason", t.byReason, row.Reason)
	for _, former := range row.FormerReasons {
		addText("former reason", t.byReason, former)
	}
	addText("name", t.byName, row.Name)
	for _, name := range row.OtherNames {
		addText("other name", t.byName, name)
	}
	if row.Default && row.GRPCCode <= grpccodes.Unauthenticated {
		if first := t.defaults[row.GRPCCode]; first != nil {
			report("second default row for %s, after %s: set Default (default: true) on only one of them", canonicalName(row.GRPCCode), first.Name)
		}
		t.defaults[row.GRPCCode] = e
	}
	t.rows = append(t.rows, e)
	t.byNumber[row.Code.Number()] = e
	if row.Code.Number() > 0 {
		t.byErrorInfo[string(e.errorInfo)] = e
	}
	return wrong
}

// canonicalName returns the name of a canonical code in google.rpc.Code, such as
// NOT_FOUND.
func canonicalName(c grpccodes.Code) string { return code.Code(c).String() }
