package template_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/errstatus/errstatus/internal/template"
)

func TestNames(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                   nil,
		"no parameter":                       nil,
		"card {card} was declined":           {"card"},
		"{used} of {most}, {used} in {unit}": {"used", "most", "unit"},
		"{user_id}":                          {"user_id"},
		"open {user":                         nil,
	} {
		if got := slices.Collect(template.Names(text)); !slices.Equal(got, want) {
			t.Errorf("Names(%q) = %q; want %q", text, got, want)
		}
	}
	for name := range template.Names("{first} {second}") {
		if name != "first" {
			t.Errorf("Names goes on with %q after a break", name)
		}
		break
	}
}

func TestFill(t *testing.T) {
	values := map[string]string{"card": "4242", "braces": "{card}", "empty": "", "space": " ", "bytes": "a\xff\xfeb", "line": "a\nb"}
	lookup := func(name string) (string, bool) { value, ok := values[name]; return value, ok }
	for _, tt := range []struct {
		text, want string
		ok         bool
	}{
		{"card {card} was declined", "card 4242 was declined", true},
		{"{card}{card} {card}", "42424242 4242", true},
		{"{braces} and {card}", "{card} and 4242", true}, // a value is never expanded
		{"{{card}", "", false},                           // the name is {card
		{"card {other}", "", false},
		{"card {card} {other}", "", false},
		{"no parameter", "", false},
		{"", "", false},
		{"[{empty}]", "[]", true},
		{"{empty}", "", false},
		{"{space}{space}", "", false},
		{"{space}at {card}{space}", "at 4242", true},
		{"bytes {bytes}", "bytes a\uFFFDb", true},
		{"line {line}", "line a\nb", true},
		{"中{card}文", "中4242文", true},
	} {
		if got, ok := template.Fill(tt.text, lookup); got != tt.want || ok != tt.ok {
			t.Errorf("Fill(%q) = %q, %t; want %q, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestParameter(t *testing.T) {
	for text, want := range map[string]string{
		"card {card} of {owner}": "card",
		"{} { x } {card}":        "card",
		"{} {A} {code} {open":    "",
		"no parameter":           "",
	} {
		if got, ok := template.Parameter(text); got != want || ok != (want != "") {
			t.Errorf("Parameter(%q) = %q, %t; want %q", text, got, ok, want)
		}
	}
}

// The errors name the template's part and how to mend it.
func TestCheck(t *testing.T) {
	long := strings.Repeat("a", 64)
	for text, want := range map[string]string{
		"card {card} was declined":       "",
		"{a1}{b_2}{" + long + "}":        "",
		"no parameter":                   "has no parameter: write one as {name}",
		"{a} is declined":                "has the parameter {a}: its name must match [a-z][a-z0-9_]+",
		"{" + long + "b}":                "has the parameter {" + long + "b}: its name must match",
		"{Card}":                         "such as {user_id}",
		"{userID}":                       "has the parameter {userID}",
		"{user-id}":                      "has the parameter {user-id}",
		"{1st}":                          "has the parameter {1st}",
		"{_id}":                          "has the parameter {_id}",
		"{}":                             "has the parameter {}",
		"{ card }":                       "has the parameter { card }",
		"{code}":                         `choose another name, because errstatus writes "code"`,
		"{card} {truncated}":             `choose another name, because errstatus writes "truncated"`,
		"card {card":                     `has an unmatched "{" at byte 5`,
		"card} {card}":                   `has an unmatched "}" at byte 4`,
		"{card} {{card}}":                "has the parameter {{card}",
		"{card} of {user}} and {":        `has an unmatched "}" at byte 16: write a parameter as {name}, and use no other braces`,
		"{card} costs {\u00e4\u00e4}":    "has the parameter {\u00e4\u00e4}",
		"one {card} is enough, {invalid": `has an unmatched "{" at byte 22`,
	} {
		err := template.Check(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Check(%q) = %v; want %q", text, err, want)
		}
	}
}

// FuzzFill compares Fill with a second implementation, which splits the template first, and
// checks what holds for any template.
func FuzzFill(f *testing.F) {
	f.Add("card {card} was declined", "card", "4242")
	f.Add("{ab}{ab}", "ab", "{ab}")
	f.Add("{{a}}", "{a", "}")
	f.Add(" {ab} ", "ab", "\xff ")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		got, ok := template.Fill(text, func(asked string) (string, bool) { return value, asked == name })
		names := slices.Collect(template.Names(text))
		if len(names) != 1 || names[0] != name {
			if ok {
				t.Fatalf("Fill(%q) = %q without a value for each of %q", text, got, names)
			}
			return
		}
		want := strings.Trim(strings.ToValidUTF8(strings.Join(strings.Split(text, "{"+name+"}"), value), "\uFFFD"), " ")
		if strings.Contains(name, "{") {
			want = got // then Split can find the parameter at another place
		}
		if got != want || ok != (want != "") || !utf8.ValidString(got) {
			t.Fatalf("Fill(%q) with %q = %q: %q, %t; want %q", text, name, value, got, ok, want)
		}
		if template.Check(text) == nil && strings.ContainsAny(strings.ReplaceAll(text, "{"+name+"}", ""), "{}") {
			t.Fatalf("Check(%q) = nil, but it has a brace that belongs to no parameter", text)
		}
	})
}
