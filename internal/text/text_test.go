package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/errstatus/errstatus/internal/text"
)

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"record not found":              "record not found",
		"a\r\nb\nc\rd\te":               "a b c d e",
		"a\x00b\x1bc\x7fd\u0085e":       "a b c d e",
		"a\u2028b\u2029c":               "a b c",
		"user \u202egnp.exe":            "user  gnp.exe",
		"a\u2066b\u2067c\u2068d\u2069":  "a b c d ",
		"pass\u200bword\ufeff\u2060":    "pass word  ",
		"soft\u00adhyphen \u034f\u3164": "soft hyphen   ",
		"a\ufe0fb\U000e0100c\u180bd":    "a b c d",
		"\xff\xfe":                      "\uFFFD",
		"\uFFFD stays":                  "\uFFFD stays",
		"记录不存在 ✓ é":                     "记录不存在 ✓ é",
		"\u0600١٢":                      "\u0600١٢", // an Arabic number sign is seen
	} {
		if got := text.OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShortenKeepsBeginningAndEnd(t *testing.T) {
	whole := strings.Repeat("x", text.MaxLen)
	if got := text.Shorten(whole, text.MaxLen); got != whole {
		t.Errorf("Shorten changed a text of MaxLen bytes: it has %d", len(got))
	}
	got := text.Shorten("parsing \""+strings.Repeat("1", 4<<20)+"\": value out of range", text.MaxLen)
	if !strings.HasPrefix(got, `parsing "111`) || !strings.HasSuffix(got, `111": value out of range`) {
		t.Errorf("Shorten lost the beginning or the end: %.20q … %q", got, got[len(got)-30:])
	}
	if !strings.Contains(got, " bytes cut) ...") || len(got) > text.MaxLen {
		t.Errorf("Shorten returned %d bytes, want at most %d with the number of bytes cut", len(got), text.MaxLen)
	}
}

func TestForPeople(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		" \u200b\n ":                       "",
		"卡片 4242 被拒":                       "卡片 4242 被拒",
		"one\r\ntwo\x1b[31m \u202eend\xff": "one two [31m  end\uFFFD",
		"می\u200cخواهم र\u200dय":           "می\u200cخواهم र\u200dय",
		" in the middle  of spaces ":       "in the middle  of spaces",
		strings.Repeat("x", text.MaxLen):   strings.Repeat("x", text.MaxLen),
	} {
		if got := text.ForPeople(in); got != want {
			t.Errorf("ForPeople(%q) = %q, want %q", in, got, want)
		}
	}
	got := text.ForPeople(strings.Repeat("é", 4<<20))
	if len(got) > text.MaxLen || len(got) < text.MaxLen-10 || !strings.HasSuffix(got, "é...") || !utf8.ValidString(got) {
		t.Errorf("ForPeople shortened to %d bytes that end with %q; want at most %d with three dots", len(got), got[len(got)-9:], text.MaxLen)
	}
}

func TestLinesKeepsLines(t *testing.T) {
	if got, want := text.Lines("main.f()\n\tmain.go:1\r\x1b[31m\u202e\xff"), "main.f()\n\tmain.go:1  [31m \uFFFD"; got != want {
		t.Errorf("Lines = %q, want %q", got, want)
	}
}

func FuzzForLog(f *testing.F) {
	for _, s := range []string{"a\r\nb", "\u202e\ufeff\u200b", "\xff\xfe\xfd", strings.Repeat("é", 4000), strings.Repeat("\xff\x80a", 2000), strings.Repeat("\U0001F600", 2000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text.ForLog(s)
		if len(got) > 3*text.MaxLen || utf8.RuneCountInString(got) > text.MaxLen {
			t.Errorf("%d bytes", len(got))
		}
		if !utf8.ValidString(got) {
			t.Errorf("not UTF-8: %q", got)
		}
		if i := strings.IndexFunc(got, text.IsHidden); i >= 0 {
			t.Errorf("%q at %d is hidden", got[i:], i)
		}
		if again := text.OneLine(got); again != got {
			t.Errorf("OneLine changed its own result: %q, %q", got, again)
		}
		if utf8.ValidString(s) && len(s) <= text.MaxLen && strings.IndexFunc(s, text.IsHidden) < 0 && got != s {
			t.Errorf("ForLog changed %q to %q", s, got)
		}
	})
}
