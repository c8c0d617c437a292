package status

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatMessage returns the message that fmt.Sprintf formats, without what %w prints, and
// the operands of %w as one error. The error is nil if there are none. If a %w ends the
// format, the ": " before it is removed too.
func formatMessage(format string, args ...any) (message string, cause error) {
	if false {
		_ = fmt.Errorf(format, args...) // so that go vet checks formats, and allows %w
	}
	public, shown := format, args // go vet doesn't take them for the parameters
	if strings.IndexByte(format, 'w') >= 0 {
		f := parseFormat(format, len(args))
		if f.wrapped != nil {
			public, cause = f.public(), causesOf(args, f.wrapped)
		}
		if f.wrapped != nil && !f.shows {
			shown = nil // Sprintf prints operands that no verb has, the private ones too
		}
	}
	return fmt.Sprintf(public, shown...), cause
}

// causesOf returns the operands of %w as one error, or nil if there are none.
func causesOf(args []any, wrapped []int) error {
	var causes []error
	for _, i := range wrapped {
		if i >= len(args) || args[i] == nil {
			continue
		}
		err, ok := args[i].(error)
		if !ok {
			err = fmt.Errorf("%%!w(%T=%v)", args[i], args[i]) // as fmt.Errorf prints it
		}
		causes = append(causes, err)
	}
	return joinCauses(causes...)
}

// joinCauses returns one error that unwraps to all causes. It leaves out nil, and equal
// errors after the first. It returns nil if none is left.
func joinCauses(causes ...error) error {
	var kept []error
	for _, cause := range causes {
		equal := func(other error) bool { return equalErrors(cause, other) }
		if cause != nil && !slices.ContainsFunc(kept, equal) {
			kept = append(kept, cause)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return errors.Join(kept...)
}

// equalErrors reports whether two errors are equal. It returns false for errors that can't be
// compared.
func equalErrors(a, b error) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// A parsedFormat is a format of package fmt without its %w verbs. All other verbs have
// explicit operand indexes, so that they print what they printed before.
type parsedFormat struct {
	text     strings.Builder
	wrapped  []int // the indexes of the operands of %w
	shows    bool  // a verb other than %w has an operand
	endsWrap bool  // the format ends with a %w
	verbsEnd int   // the length of text up to the last verb other than %w

	rest     string // of the format
	next     int    // the index of the next operand
	operands int    // the number of operands
	badIndex bool   // the verb that is read has an index that no operand has
}

// public returns the format without %w. If a %w ended it, a ": " before that is removed too.
func (f *parsedFormat) public() string {
	public := f.text.String()
	verbs, literal := public[:f.verbsEnd], public[f.verbsEnd:]
	for f.endsWrap && strings.HasSuffix(literal, ": ") {
		literal = strings.TrimSuffix(literal, ": ")
	}
	return verbs + literal
}

// parseFormat reads a format in the same steps as fmt.Sprintf: a verb that is read in another
// way could print the operand of a %w.
func parseFormat(format string, operands int) *parsedFormat {
	f := &parsedFormat{rest: format, operands: operands}
	for f.rest != "" {
		text, rest, found := strings.Cut(f.rest, "%")
		f.text.WriteString(text)
		f.rest, f.endsWrap = rest, f.endsWrap && text == ""
		if found {
			f.verb()
		}
	}
	return f
}

// verb reads a verb, whose "%" was read.
func (f *parsedFormat) verb() {
	f.badIndex, f.endsWrap = false, false
	spec := "%" + f.take("#+- 0")
	width, indexed := f.number(f.index(), "WIDTH")
	spec += width
	if len(f.rest) > 1 && f.take1('.') {
		f.badIndex = f.badIndex || indexed
		var precision string
		precision, indexed = f.number(f.index(), "PREC")
		spec += "." + precision
	}
	if !indexed {
		f.index()
	}
	if f.rest == "" {
		f.text.WriteString("%") // fmt prints NOVERB for it
		return
	}
	verb, size := utf8.DecodeRuneInString(f.rest)
	name := string(verb) // U+FFFD if it isn't UTF-8, as package fmt prints it
	f.rest = f.rest[size:]
	if name == "w" {
		f.wrapVerb()
		return
	}
	switch {
	case name == "%":
		f.text.WriteString("%%")
	case f.badIndex:
		f.text.WriteString("%%!" + name + "(BADINDEX)")
	case f.next >= f.operands:
		f.text.WriteString("%%!" + name + "(MISSING)")
	default:
		f.text.WriteString(spec + f.operand() + name)
		f.shows = true
		f.next++
	}
	f.verbsEnd = f.text.Len()
}

// wrapVerb handles a %w that was read. It writes nothing.
func (f *parsedFormat) wrapVerb() {
	f.endsWrap = true
	if f.badIndex || f.next >= f.operands {
		f.wrapped = append(f.wrapped, f.operands) // there is no such operand
		return
	}
	f.wrapped = append(f.wrapped, f.next)
	f.next++
}

// operand returns the explicit index of the next operand.
func (f *parsedFormat) operand() string { return "[" + strconv.Itoa(f.next+1) + "]" }

// take reads the characters that are in a set.
func (f *parsedFormat) take(set string) string {
	rest := strings.TrimLeft(f.rest, set)
	taken := f.rest[:len(f.rest)-len(rest)]
	f.rest = rest
	return taken
}

// take1 reads a character, and reports whether it was there.
func (f *parsedFormat) take1(c byte) bool {
	found := f.rest != "" && f.rest[0] == c
	if found {
		f.rest = f.rest[1:]
	}
	return found
}

// index reads an operand index such as "[2]". It reports whether there was one with a number.
func (f *parsedFormat) index() bool {
	if !f.take1('[') {
		return false
	}
	digits, rest, found := strings.Cut(f.rest, "]")
	if !found || len(f.rest) < 2 { // an index has at least 3 bytes
		f.badIndex = true
		return false
	}
	f.rest = rest
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n == 0 || n > uint64(f.operands) {
		f.badIndex = true
		return err == nil
	}
	f.next = int(n) - 1
	return true
}

// number reads a width or a precision: a number, or "*" for the next operand. indexed reports
// whether an index was read before it. stillIndexed reports whether that index is still unused.
func (f *parsedFormat) number(indexed bool, name string) (spec string, stillIndexed bool) {
	if !f.take1('*') {
		digits := f.take("0123456789")
		if isTooLarge(digits) {
			f.rest, digits = "", ""
		}
		f.badIndex = f.badIndex || name == "WIDTH" && indexed && digits != ""
		return digits, indexed
	}
	if f.next >= f.operands {
		f.text.WriteString("%%!(BAD" + name + ")")
		return "", false
	}
	spec = f.operand() + "*"
	f.next++
	return spec, false
}

// isTooLarge reports whether package fmt gives up on a width or a precision, and on the rest
// of the format.
func isTooLarge(digits string) bool {
	const most = 1_000_000 // checked before the last digit
	if len(digits) < 2 {
		return false
	}
	n, err := strconv.Atoi(digits[:len(digits)-1])
	return err != nil || n > most
}
