package codes

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

var languageTags = map[string]bool{
	"zh": true, "ZH": true, "und": true, "pt-BR": true, "zh-Hant-TW": true, "es-419": true, "sr-Latn-RS": true,
	"zh-cmn-Hans-CN": true, "de-CH-1901": true, "sl-rozaj-biske": true, "de-1996-1901": true, "hy-Latn-IT-arevela": true,
	"en-u-ca-buddhist": true, "de-a-value-b-other": true, "de-x-mine": true, "de-DE-x-a-b": true, "x-mine": true, "X-1": true,
	"art-lojban": true, "sr-Latn-x": false,

	"": false, "-": false, "e": false, "english": false, "Chinese": false, "zh_CN": false, "zh-cmn-yue-gan-hak": false, "zh-": false, "-zh": false, "zh--CN": false,
	"zh CN": false, " zh": false, "12": false, "zh-1": false, "z1": false, "de-419-DE": false, "de-Latn-Latn": false, "de-DE-AT": false,
	"de-a": false, "de-a-": false, "de-a-b": false, "x": false, "x-": false, "de-x": false, "de-x-123456789": false, "de-123456789": false,
	"中文": false, "z\xff": false, "zh\x00": false, "zh-\u202eCN": false, "i-klingon": false, "en-GB-oed": false, "C": false, "POSIX": false,
}

func TestIsLanguageTag(t *testing.T) {
	for tag, want := range languageTags {
		if got := isLanguageTag(tag); got != want {
			t.Errorf("isLanguageTag(%q) = %t; want %t", tag, got, want)
		}
	}
}

// FuzzIsLanguageTag compares isLanguageTag with golang.org/x/text/language, which also
// looks into the registry. What isn't registered is well-formed all the same. On the other
// hand, language.Parse accepts forms that RFC 5646 doesn't have, such as underscores and
// regions of three letters. So isLanguageTag must accept what it makes of them.
func FuzzIsLanguageTag(f *testing.F) {
	for tag := range languageTags {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		parsed, err := language.Parse(tag)
		_, unregistered := errors.AsType[language.ValueError](err)
		lower := strings.ToLower(tag)
		// It also looks into the extensions t and u, which have RFCs of their own.
		extended := strings.Contains(lower, "-t-") || strings.Contains(lower, "-u-")
		if isLanguageTag(tag) && err != nil && !unregistered && !extended {
			t.Errorf("isLanguageTag(%q) = true; want false, because language.Parse returns %v", tag, err)
		}
		if err == nil && !isLanguageTag(parsed.String()) {
			t.Errorf("isLanguageTag(%q) = false; want true, because language.Parse(%q) returns it", parsed, tag)
		}
	})
}

// Each program with errstatus would link the tables of golang.org/x/text/language. Only status/localize
// and commands do.
func TestLanguageIsNotLinked(t *testing.T) {
	linked := goList(t, "{{.ImportPath}}", "-deps", "../codes", "../status", "../status/statushttp", "../interceptor")
	for _, pkg := range linked {
		if isLanguage(pkg) {
			t.Errorf("codes, status, statushttp and interceptor link %s; want their own check of language tags", pkg)
		}
	}
	if !slices.ContainsFunc(goList(t, "{{.ImportPath}}", "-deps", "../status/localize"), isLanguage) {
		t.Error("status/localize links no package of golang.org/x/text/language: this test looks for the wrong ones")
	}
	importers := goList(t, `{{if ne .Name "main"}}{{range .Imports}}{{if eq . "golang.org/x/text/language"}}{{$.ImportPath}}{{end}}{{end}}{{end}}`, "../...")
	if want := []string{"github.com/errstatus/errstatus/status/localize"}; !slices.Equal(importers, want) {
		t.Errorf("the packages %q import golang.org/x/text/language; want %q", importers, want)
	}
}

// goList returns the lines that are not empty of go list with a template.
func goList(t *testing.T, format string, args ...string) (lines []string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-f", format}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Fields(string(out))
}

func isLanguage(pkg string) bool {
	return strings.HasPrefix(pkg, "golang.org/x/text/language") || strings.HasPrefix(pkg, "golang.org/x/text/internal/language")
}
