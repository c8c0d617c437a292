package localize_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
)

// tableIn returns the default table with texts for RecordNotFound in some locales: each text is
// its locale.
func tableIn(locales ...string) *codes.Table {
	row := codes.RowOf(codes.RecordNotFound)
	row.Localized = textsIn(locales)
	return codes.Default().MustWithRows(row)
}

func textsIn(locales []string) (texts []codes.LocalizedMessage) {
	for _, locale := range locales {
		texts = append(texts, codes.LocalizedMessage{Locale: locale, Message: "in " + locale})
	}
	return texts
}

// picked returns the locale of the text that a caller with these values of Accept-Language gets.
func picked(l *localize.Localizer, accept ...string) string {
	return l.Message(status.New(codes.RecordNotFound, ""), accept...).GetLocale()
}

// TestPicks has, for a set of locales, the locale that each Accept-Language gets. "" means
// no text: the caller reads the English message.
func TestPicks(t *testing.T) {
	for locales, tests := range map[string]map[string]string{
		"zh-Hans": { // as the default table
			"zh": "zh-Hans", "zh-CN": "zh-Hans", "zh-SG": "zh-Hans", "zh-Hans": "zh-Hans", "ZH-hans": "zh-Hans", "zh_CN": "zh-Hans", "cmn": "zh-Hans",
			// Low confidence: a reader of these understands it rather than English.
			"zh-TW": "zh-Hans", "zh-HK": "zh-Hans", "zh-Hant": "zh-Hans",
			// No confidence: other languages.
			"ug": "", "yue": "",
			"en": "", "en-US": "", "en-GB": "", "en-SG": "", "en-CN": "", "en-Hans": "",
			"de": "", "ja": "", "ko": "", "pt-BR": "", "sr-Latn": "", "und": "", "mul": "", "root": "",
			"zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7": "zh-Hans", // a browser in Taiwan
			"zh-TW,en;q=0.8":                      "",        // English, which it names, is better than Low
			"ja,zh;q=0.5":                         "zh-Hans",
			"en,zh;q=0.9":                         "",
		},
		"de,fr,pt-BR,zh-Hans,zh-Hant": {
			"zh": "zh-Hans", "zh-CN": "zh-Hans", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-MO": "zh-Hant", "zh-Hant-HK": "zh-Hant", "zh-Hans-HK": "zh-Hans",
			"pt-BR": "pt-BR", "pt": "pt-BR", "pt-PT": "pt-BR", "gsw": "de", "lb": "de", "de-AT": "de", "fr-CA": "fr", "br": "fr",
			"en-SG": "", "nl": "", "es": "", "gl": "",
		},
		"pt-BR,pt-PT":        {"pt": "pt-BR", "pt-PT": "pt-PT", "pt-AO": "pt-PT", "pt-MZ": "pt-PT"},
		"sr":                 {"sr": "sr", "sr-Cyrl": "sr", "sr-RS": "sr", "sr-Latn": "sr", "sr-ME": "sr", "hr": "", "mk": ""},
		"sr-Latn":            {"sr-Latn": "sr-Latn", "sr-ME": "sr-Latn", "sr": "sr-Latn", "sr-Cyrl": "sr-Latn", "hr": ""},
		"sr-Cyrl,sr-Latn":    {"sr": "sr-Cyrl", "sr-Latn": "sr-Latn", "sr-Cyrl-BA": "sr-Cyrl", "sh": "sr-Latn"},
		"nb,he,id":           {"no": "nb", "nn": "nb", "da": "nb", "iw": "he", "in": "id", "ms": "id"},
		"en,de":              {"en": "en", "en-SG": "en", "de": "de", "de,en": "de", "fr": "", "": ""},
		"en-GB,de":           {"en": "", "en-US": "", "en-GB": "en-GB", "en-SG": "en-GB", "en-AU": "en-GB", "de": "de"},
		"es,es-419":          {"es": "es", "es-ES": "es", "es-MX": "es-419", "es-AR": "es-419", "es-US": "es-419"},
		"fa,ar":              {"fa": "fa", "fa-AF": "fa", "ar-EG": "ar"},
		"de-DE-u-co-phonebk": {"de": "de-DE-u-co-phonebk"},
	} {
		l := localize.New(tableIn(strings.Split(locales, ",")...))
		for accept, want := range tests {
			if got := picked(l, accept); got != want {
				t.Errorf("%q of %s picks %q; want %q", accept, locales, got, want)
			}
		}
	}
}

// How values of Accept-Language are read, for a caller of a server with these languages.
func TestReadsAcceptLanguage(t *testing.T) {
	l := localize.New(tableIn("de", "fr", "pt-BR", "zh-Hans"))
	tenKilobytes := strings.Repeat("de,", 3500)
	for name, tt := range map[string]struct {
		accept []string
		want   string
	}{
		"none":                              {nil, ""},
		"an empty value":                    {[]string{""}, ""},
		"commas and spaces":                 {[]string{" , ,,  de ,"}, "de"},
		"the first of equal weight":         {[]string{"fr,de"}, "fr"},
		"by weight":                         {[]string{"fr;q=0.5,pt-BR;q=0.7,de;q=0.6"}, "pt-BR"},
		"the first of equal weight, sorted": {[]string{"de;q=0.1,fr;q=0.8,zh;q=0.8,pt;q=0.8"}, "fr"},
		"without a weight is 1":             {[]string{"fr;q=0.999,de"}, "de"},
		"spaces around a weight":            {[]string{"fr ; q = 0.5 , de ; Q=0.8"}, "de"},
		"q=0":                               {[]string{"de;q=0"}, ""},
		"q=0 and another":                   {[]string{"de;q=0,fr;q=0.1"}, "fr"},
		"q=0.000":                           {[]string{"de;q=0.000,*;q=0.5"}, ""},
		"English by weight":                 {[]string{"de;q=0.5,en"}, ""},
		"an unknown one first":              {[]string{"ja,de;q=0.5"}, "de"},
		"any language":                      {[]string{"*"}, ""},
		"any language first":                {[]string{"*,de;q=0.5"}, "de"},

		"a weight above 1":    {[]string{"de;q=5,fr"}, "fr"},
		"a negative weight":   {[]string{"de;q=-1,fr"}, "fr"},
		"a weight of NaN":     {[]string{"de;q=NaN,fr;q=0.1"}, "fr"},
		"an infinite weight":  {[]string{"de;q=inf,fr;q=0.1"}, "fr"},
		"a weight of letters": {[]string{"de;q=high,fr;q=0.1"}, "fr"},
		"no weight":           {[]string{"de;,fr;q=0.1"}, "fr"},
		"another parameter":   {[]string{"de;level=1,fr;q=0.1"}, "fr"},
		"two parameters":      {[]string{"de;q=0.9;x=1,fr;q=0.1"}, "fr"},

		"one bad entry among good": {[]string{"d\x00e,this is no tag,fr,de"}, "fr"},
		"an unregistered language": {[]string{"xx-DE,fr"}, "fr"},
		"an unregistered region":   {[]string{"de-JJ,fr"}, "fr"},
		"garbage":                  {[]string{"\xff\xfe;;;q=,=,-,--,de-,-de,'; DROP TABLE"}, ""},
		"extensions":               {[]string{"de-u-rg-chzzzz-co-phonebk"}, "de"},
		"private subtags":          {[]string{"fr-x-mine,de"}, "fr"},
		"private subtags alone":    {[]string{"x-de,fr"}, "fr"},
		"a grandfathered tag":      {[]string{"i-klingon,de"}, "de"},

		"a preference before the header": {[]string{"pt", "de,fr"}, "pt-BR"},
		"English before the header":      {[]string{"en-GB", "de,fr"}, ""},
		"one that matches nothing":       {[]string{"ja", "*", "", "de;q=0.1,fr;q=0.2"}, "fr"},

		"256 bytes":           {[]string{strings.Repeat("x", 253) + ",de"}, "de"},
		"257 bytes":           {[]string{strings.Repeat("x", 254) + ",de"}, ""},
		"256 bytes in all":    {[]string{strings.Repeat("x", 253), "de"}, "de"},
		"257 bytes in all":    {[]string{strings.Repeat("x", 254), "de"}, ""},
		"no part of an entry": {[]string{strings.Repeat("x", 253) + ",de-AT"}, ""},
		"10 KB":               {[]string{tenKilobytes, "fr"}, "de"},
		"10 KB of nothing":    {[]string{strings.Repeat(",", 10<<10) + "de"}, ""},
		"10 KB in one entry":  {[]string{"de-" + strings.Repeat("x", 10<<10)}, ""},
		"10 tags":             {[]string{strings.Repeat("ja,", 9) + "de"}, "de"},
		"11 tags":             {[]string{strings.Repeat("ja,", 10) + "de"}, ""},
		"11 tags in all":      {[]string{strings.Repeat("ja,", 10), "de"}, ""},
	} {
		if got := picked(l, tt.accept...); got != tt.want {
			t.Errorf("%s: %.80q picks %q; want %q", name, tt.accept, got, tt.want)
		}
	}
}

// The locale is that of the table's text. What a caller adds to a tag isn't in it.
func TestLocaleIsTheTables(t *testing.T) {
	l := localize.New(tableIn("pt-br"))
	for _, accept := range []string{"pt", "pt-AO", "pt-PT-u-rg-brzzzz", "PT-x-mine"} {
		if m := l.Message(status.New(codes.RecordNotFound, ""), accept); m.GetLocale() != "pt-br" || m.GetMessage() != "in pt-br" {
			t.Errorf("%q picks %v; want the text in pt-br", accept, m)
		}
	}
}

// FuzzMessage checks that a caller gets a text of the table whatever its header has, and that
// what is read of it is bounded.
func FuzzMessage(f *testing.F) {
	for _, accept := range []string{"", "*", "zh-TW,zh;q=0.9,en;q=0.1", "de-u-rg-chzzzz", "de;q=NaN", "x-a-b", "sr-Latn-RS-1996", "en-a-bb-x-y", "und-Latn", "zh-cmn-Hans-CN", "i-default", "\xff"} {
		f.Add(accept, accept)
	}
	locales := []string{"de", "zh-Hans", "sr-Latn", "pt-BR", "he"}
	l := localize.New(tableIn(locales...))
	f.Fuzz(func(t *testing.T, first, second string) {
		st := status.New(codes.RecordNotFound, "")
		m := l.Message(st, first, second)
		if m != nil && (!slices.Contains(locales, m.Locale) || m.Message != "in "+m.Locale) {
			t.Errorf("%q, %q picks %v; want a text of the table", first, second, m)
		}
		if len(first) >= 256 {
			if alone := l.Message(st, first); !proto.Equal(alone, m) {
				t.Errorf("%q picks %v, and %v with a second value; want the same, because 256 bytes are read", first, alone, m)
			}
		}
	})
}
