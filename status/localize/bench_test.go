package localize_test

import (
	"testing"

	"golang.org/x/text/language"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
)

var result *errdetails.LocalizedMessage

// headers are values of Accept-Language.
var headers = []struct{ name, accept string }{
	{"exact", "de"},
	{"browser", "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7"},
	{"region", "zh-TW,zh;q=0.9,en;q=0.8"},
	{"english", "en-US,en;q=0.9"},
	{"none", "ja,ko;q=0.5"},
}

// pickers returns two functions that set result to the text for a header: by hand, as the
// documentation of language.MatchStrings shows it, and with a Localizer.
func pickers(accept string) (byHand, byErrstatus func()) {
	locales := []string{"de", "fr", "pt-BR", "zh-Hans"}
	tags := []language.Tag{language.English}
	for _, locale := range locales {
		tags = append(tags, language.MustParse(locale))
	}
	matcher := language.NewMatcher(tags)
	texts := append([]codes.LocalizedMessage{{}}, textsIn(locales)...)
	byHand = func() {
		result = nil
		_, i := language.MatchStrings(matcher, accept)
		if text := texts[i]; text.Message != "" {
			result = &errdetails.LocalizedMessage{Locale: text.Locale, Message: text.Message}
		}
	}
	l := localize.New(tableIn(locales...))
	st := status.New(codes.RecordNotFound, "")
	return byHand, func() { result = l.Message(st, accept) }
}

// BenchmarkMessage picks a text by a caller's language:
//
//	go test ./status/localize -run - -bench Message -count 6 | benchstat -col /by -
func BenchmarkMessage(b *testing.B) {
	for _, header := range headers {
		byHand, byErrstatus := pickers(header.accept)
		for name, pick := range map[string]func(){"hand": byHand, "errstatus": byErrstatus} {
			b.Run("header="+header.name+"/by="+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pick()
				}
			})
		}
	}
}

// A Localizer allocates no more than the same by hand. What golang.org/x/text allocates is in
// both.
func TestMessageAllocatesNoMoreThanByHand(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, header := range headers {
		byHand, byErrstatus := pickers(header.accept)
		hand, errstatus := testing.AllocsPerRun(100, byHand), testing.AllocsPerRun(100, byErrstatus)
		if errstatus > hand {
			t.Errorf("%s: %v allocations, and %v by hand; want no more", header.name, errstatus, hand)
		}
	}
}
