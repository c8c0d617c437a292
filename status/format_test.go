package status_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

const privateText = "dsn=secret"

// A privateError prints its private text through its methods only, so that "%!w(…)" of
// package fmt doesn't have it.
type privateError struct{}

func (privateError) Error() string { return privateText }

func TestFormatsWithoutTheirWrapVerbs(t *testing.T) {
	private, other := privateError{}, errors.New("other "+privateText)
	both := []error{private, other}
	tests := []struct {
		format string
		args   []any
		want   string
		causes []error
	}{
		// the place of %w
		{"%w", []any{private}, "", []error{private}},
		{"loading: %w", []any{private}, "loading", []error{private}},
		{"loading:%w", []any{private}, "loading:", []error{private}},
		{"loading %w", []any{private}, "loading ", []error{private}},
		{"loading : %w", []any{private}, "loading ", []error{private}},
		{"%w while loading", []any{private}, " while loading", []error{private}},
		{"%w: loading", []any{private}, ": loading", []error{private}},
		{"loading (%w)", []any{private}, "loading ()", []error{private}},
		{"loading: %w, really", []any{private}, "loading: , really", []error{private}},
		{": %w", []any{private}, "", []error{private}},

		// other verbs beside it
		{"user %q: %w", []any{"ann", private}, `user "ann"`, []error{private}},
		{"%w of user %d", []any{private, 7}, " of user 7", []error{private}},
		{"%s: %w: %s", []any{"a", private, "b"}, "a: : b", []error{private}},
		{"%d%%: %w", []any{50, private}, "50%", []error{private}},
		{"100%%: %w", []any{private}, "100%", []error{private}},
		{"%s: %w", []any{"ends with: ", private}, "ends with: ", []error{private}},
		{"%v and %w", []any{"world", private}, "world and ", []error{private}},
		{"%[2]v %[2]w", []any{1, private}, privateText + " ", []error{private}}, // %v prints what it is given

		// flags, widths, precisions and indexes
		{"%+w|%-20w|%#w|% w|%020w|%.3w|%20.3w|", []any{private, private, private, private, private, private, private}, "|||||||", []error{private}},
		{"%*d %w", []any{5, 42, private}, "   42 ", []error{private}},
		{"%-*d| %w", []any{5, 42, private}, "42   | ", []error{private}},
		{"%.*f: %w", []any{2, 1.239, private}, "1.24", []error{private}},
		{"%*.*f %w", []any{8, 2, 1.239, private}, "    1.24 ", []error{private}},
		{"%*w|%d", []any{5, private, 42}, "|42", []error{private}},
		{"%.*w|%d", []any{5, private, 42}, "|42", []error{private}},
		{"%[2]d: %[1]w", []any{private, 42}, "42", []error{private}},
		{"%[2]w %[1]d %d", []any{42, private}, " 42 {}", []error{private}}, // the last verb has operand 2 too
		{"%[3]*.[2]*[1]f: %[4]w", []any{1.239, 2, 8, private}, "    1.24", []error{private}},
		{"%[2]*[1]d %[3]w", []any{42, 5, private}, "   42 ", []error{private}},
		{"%d %d %#[1]x %#x %w", []any{16, 17, private}, "16 17 0x10 0x11 ", []error{private}},

		// several
		{"%w %w", []any{private, other}, " ", both},
		{"%w: %w", []any{private, other}, "", both},
		{"a: %w: %w", []any{private, other}, "a", both},
		{"a: %w%w", []any{private, other}, "a", both},
		{"%w %[1]w", []any{private}, " ", []error{private}},
		{"%w %w", []any{private, private}, " ", []error{private}},

		// what is no %w
		{"100%%w", nil, "100%w", nil},
		{"%%w: %w", []any{private}, "%w", []error{private}},
		{"no verb", nil, "no verb", nil},
		{"", nil, "", nil},
		{"with w: %v", []any{private}, "with w: " + privateText, nil},

		// wrong operands
		{"a: %w", []any{nil}, "a", nil},
		{"a: %w", nil, "a", nil},
		{"%d: %w", []any{1}, "1", nil},
		{"%w %d", []any{private}, " %!d(MISSING)", []error{private}},
		{"a: %[7]w", []any{private}, "a", nil},
		{"a: %[x]w", []any{private}, "a", nil},
		{"a: %[w", []any{private}, "a", nil},
		{"a %w", []any{private, other}, "a ", []error{private}}, // the second operand isn't printed
		{"%w %[x]d %d", []any{private, 42}, " %!d(BADINDEX) 42", []error{private}},
		{"%[9]d %v %w", []any{42, private}, "%!d(BADINDEX) 42 ", []error{private}},
		{"%[2]5d %v %w", []any{1, 42, private}, "%!d(BADINDEX) 42 ", []error{private}},
		{"%*d %w", []any{"wide", 42, private}, "%!(BADWIDTH)42 ", []error{private}},
		{"%z %w", []any{42, private}, "%!z(int=42) ", []error{private}},
		{"%w %", []any{private}, " %!(NOVERB)", []error{private}},
		{"%w %10000010d %d", []any{private, 42, 43}, " %!(NOVERB)", []error{private}}, // a width that fmt refuses
	}
	for _, tt := range tests {
		message, cause := status.FormatMessage(tt.format, tt.args...)
		if message != tt.want {
			t.Errorf("the message of %q is %q; want %q", tt.format, message, tt.want)
		}
		checkCauses(t, tt.format, cause, tt.causes)
	}
}

// checkCauses checks that an error unwraps to exactly these errors, in this order.
func checkCauses(t *testing.T, format string, cause error, want []error) {
	t.Helper()
	got := []error{cause}
	if joined, ok := cause.(interface{ Unwrap() []error }); ok {
		got = joined.Unwrap()
	}
	if cause == nil {
		got = nil
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the causes of %q are %v; want %v", format, got, want)
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("cause %d of %q is %v; want it identical to %v", i, format, got[i], want[i])
		}
	}
}

// Errorf, Newf and Wrapf take %w in the same way, and none of them sends its text.
func TestWrapVerbIsTheCause(t *testing.T) {
	private := privateError{}
	errs := map[string]error{
		"Errorf":           status.Errorf(codes.SrvDatabase, "user %q: %w", "ann", private),
		"Newf and Err":     status.Newf(codes.SrvDatabase, "user %q: %w", "ann", private).Err(),
		"Newf and Wrap":    status.Newf(codes.SrvDatabase, "user %q: %w", "ann", private).Wrap(io.EOF),
		"Newf, then a key": status.Newf(codes.SrvDatabase, "user %q: %w", "ann", private).WithMetadata("user", "ann").Err(),
		"Wrapf":            status.Wrapf(io.EOF, codes.SrvDatabase, "user %q: %w", "ann", private),
		"Wrapf, twice":     status.Wrapf(private, codes.SrvDatabase, "user %q: %w", "ann", private),
	}
	for name, err := range errs {
		if got, want := err.Error(), `SrvDatabase: user "ann"`; got != want {
			t.Errorf("%s: Error() = %q; want %q", name, got, want)
		}
		if !errors.Is(err, private) || !errors.Is(err, codes.SrvDatabase) {
			t.Errorf("%s: errors.Is finds the cause: %t, the code: %t; want both", name, errors.Is(err, private), errors.Is(err, codes.SrvDatabase))
		}
		if want := strings.Contains(name, "Wrap") && !strings.Contains(name, "twice"); errors.Is(err, io.EOF) != want {
			t.Errorf("%s: errors.Is finds the wrapped error: %t; want %t", name, !want, want)
		}
		if got := status.ToGRPC(err).Message(); got != `user "ann"` {
			t.Errorf("%s: the message that is sent is %q; want %q", name, got, `user "ann"`)
		}
		if got := strings.Count(fmt.Sprintf("%+v", err), privateText); got != 1 {
			t.Errorf("%s: %%+v prints the cause %d times in %+v; want once", name, got, err)
		}
	}
}

func TestWrapVerbWithoutAMessageGivesTheRows(t *testing.T) {
	for name, err := range map[string]error{
		"Errorf": status.Errorf(codes.RecordNotFound, "%w", privateError{}),
		"Newf":   status.Newf(codes.RecordNotFound, " %w ", privateError{}).Err(),
		"Wrapf":  status.Wrapf(privateError{}, codes.RecordNotFound, ": %w", privateError{}),
	} {
		if got, want := err.Error(), "RecordNotFound: record not found"; got != want {
			t.Errorf("%s: Error() = %q; want %q", name, got, want)
		}
	}
}

// A nil operand is no cause, and Wrapf(nil) is success whatever the operands are.
func TestWrapVerbOfNil(t *testing.T) {
	var none error
	if err := status.Errorf(codes.Args, "a: %w", none); err.Error() != "Args: a" || fmt.Sprintf("%+v", err) != "Args: a" {
		t.Errorf("Errorf with a nil operand = %+v; want %q without a cause", err, "Args: a")
	}
	if err := status.Errorf(codes.NoError, "a: %w", none); err != nil {
		t.Errorf("Errorf(NoError) with a nil operand = %v; want nil", err)
	}
	if err := status.Wrapf(nil, codes.Args, "a: %w", privateError{}); err != nil {
		t.Errorf("Wrapf(nil) = %v; want nil", err)
	}
}

// An error that is wrapped in NoError by %w is a bug and no success.
func TestWrapVerbWithNoErrorIsAnError(t *testing.T) {
	for name, err := range map[string]error{
		"Errorf": status.Errorf(codes.NoError, "a: %w", privateError{}),
		"Newf":   status.Newf(codes.NoError, "a: %w", privateError{}).Err(),
	} {
		if err == nil || !errors.Is(err, privateError{}) || status.ToGRPC(err).Message() == "a" {
			t.Errorf("%s: %v, sent as %v; want an error with the cause, sent as the INTERNAL default", name, err, status.ToGRPC(err))
		}
	}
}

// A Status that is read from an error doesn't keep the cause: the error has it.
func TestNewfGivesTheCauseToOneError(t *testing.T) {
	err := status.Newf(codes.Args, "a: %w", privateError{}).Err()
	again := status.Convert(err).WithMessage("b").Err()
	if errors.Is(again, privateError{}) {
		t.Errorf("%+v wraps the cause of another error; want none", again)
	}
	if both := status.Convert(err).WithMessage("b").Wrap(err); !errors.Is(both, privateError{}) {
		t.Errorf("%+v doesn't wrap the cause; want it from the wrapped error", both)
	}
}

// wrapVerbs matches what fmt.Sprintf prints for %w of the fuzz target's operands.
var wrapVerbs = regexp.MustCompile(`%!w\([^)]*\)`)

var largeNumber = regexp.MustCompile(`[0-9]{5}`)

// FuzzFormatMessage compares formatMessage with fmt.Sprintf, which prints %w as a bad verb.
func FuzzFormatMessage(f *testing.F) {
	for _, format := range []string{
		"", "plain", "%w", "a: %w", "%w%w", "%d %s %v %w", "%[2]w %[1]d", "%*d%w", "%.*w", "%[3]*.[2]*[1]w", "100%% %w", "%%w",
		"%+-# 0w", "%[w", "%[x]d %v %w", "%[9]d %v %w", "%[2]5d %v %w", "%6.2[4]w %q", "%!w", "%é %w", "%", "%w %", "%w: ", ": %w", "%[-1]w", "%.[1]w", "%\xee%w\xbe\x98", "%: %w", "%[w%.",
	} {
		f.Add(format, uint8(0))
		f.Add(format, uint8(0b1110_0100))
	}
	kinds := [4]any{privateError{}, 7, "text", nil}
	f.Fuzz(func(t *testing.T, format string, operands uint8) {
		if len(format) > 100 || largeNumber.MatchString(format) {
			return // a width can make the text as long as it likes
		}
		var args []any
		for range operands % 5 {
			operands = operands>>2 | operands<<6
			args = append(args, kinds[operands%4])
		}
		message, cause := status.FormatMessage(format, args...)

		printed := fmt.Sprintf(format, args...) // go vet doesn't know what it is
		wraps := len(wrapVerbs.FindAllString(printed, -1))
		if printed, _, _ = strings.Cut(printed, "%!(EXTRA "); wraps == 0 && !strings.Contains(format, "w") && message != fmt.Sprintf(format, args...) {
			t.Errorf("the message of %q is %q; want what fmt.Sprintf prints: %q", format, message, printed)
		}
		want := wrapVerbs.ReplaceAllString(printed, "")
		if got, most := strings.Count(message, privateText), strings.Count(fmt.Sprintf(format, args...), privateText); got > most {
			t.Errorf("the message of %q with %v is %q: the private text is there %d times; fmt.Sprintf without %%w prints it %d times", format, args, message, got, most)
		}
		if wraps > 0 && strings.Count(message, privateText) > strings.Count(want, privateText) {
			t.Errorf("the message of %q with %v is %q; want no text of %%w, as in %q", format, args, message, want)
		}
		if wraps > 0 && !strings.Contains(want, "%!") && strings.TrimRight(message, ": ") != strings.TrimRight(want, ": ") {
			t.Errorf("the message of %q with %v is %q; want %q", format, args, message, want)
		}
		if cause != nil && wraps == 0 {
			t.Errorf("the cause of %q with %v is %v; want none, because no verb is %%w", format, args, cause)
		}
	})
}
