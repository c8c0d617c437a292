package localize

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/errstatus/errstatus/codes"
)

// A choice is a text in several languages. The zero choice has none.
type choice struct {
	matcher language.Matcher
	texts   []codes.LocalizedMessage // in the order of the matcher's tags; the first is in English, and empty if there is none
}

// matchers has a matcher for each set of locales: it is costly to make, and most rows of a
// table have the same set. The key is the locales in small letters.
type matchers map[string]language.Matcher

// choice returns a choice among localized messages. It leaves out those with a wrong locale,
// and returns an error that lists them.
func (m matchers) choice(messages []codes.LocalizedMessage) (choice, error) {
	var wrong []error
	all := []codes.LocalizedMessage{{}}
	tags := []language.Tag{language.English}
	var locales []string
	for _, each := range slices.SortedFunc(slices.Values(messages), compareLocales) {
		tag, err := language.Parse(each.Locale)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Errorf("locale %q: %w: use a registered tag such as \"zh-Hans\" or \"pt-BR\"", each.Locale, err))
		case strings.EqualFold(each.Locale, "en"):
			all[0] = each
		default:
			all, tags, locales = append(all, each), append(tags, tag), append(locales, strings.ToLower(each.Locale))
		}
	}
	if len(locales) == 0 && all[0].Locale == "" {
		return choice{}, errors.Join(wrong...)
	}
	key := strings.Join(locales, ",")
	if m[key] == nil {
		m[key] = language.NewMatcher(tags)
	}
	return choice{m[key], all}, errors.Join(wrong...)
}

func compareLocales(a, b codes.LocalizedMessage) int {
	return strings.Compare(strings.ToLower(a.Locale), strings.ToLower(b.Locale))
}

// withText returns a copy of messages with one more, which replaces that of its locale.
func withText(messages []codes.LocalizedMessage, m codes.LocalizedMessage) []codes.LocalizedMessage {
	isSame := func(own codes.LocalizedMessage) bool { return strings.EqualFold(own.Locale, m.Locale) }
	return append(slices.DeleteFunc(slices.Clone(messages), isSame), m)
}

// pick returns the text that the preferences match, or an empty one. It uses the index of the
// match: the tag that Match returns can have extensions of the caller.
func (c choice) pick(p *preferences) codes.LocalizedMessage {
	if c.matcher == nil {
		return codes.LocalizedMessage{}
	}
	start := uint8(0)
	for _, end := range p.ends[:p.values] {
		if _, i, confidence := c.matcher.Match(p.tags[start:end]...); confidence != language.No {
			return c.texts[i]
		}
		start = end
	}
	return codes.LocalizedMessage{}
}

// The limits of what is read of a caller's preferences, over all values.
const (
	maxBytes = 256
	maxTags  = 10
)

// preferences are the language tags in values of Accept-Language. Those of each value are sorted
// by their weight.
type preferences struct {
	tags    []language.Tag
	weights [maxTags]float32
	ends    [maxTags]uint8 // where the tags of each value end
	values  int            // that have a tag
}

// readPreferences reads the entries that are whole within the limits, and skips malformed ones.
func readPreferences(accept []string) (p preferences) {
	left := maxBytes
	for _, value := range accept {
		start := len(p.tags)
		for entry := range strings.SplitSeq(value, ",") {
			if left -= len(entry); left < 0 || len(p.tags) == maxTags {
				break
			}
			left-- // the comma
			if p.tags == nil {
				p.tags = make([]language.Tag, 0, min(strings.Count(value, ",")+1, maxTags))
			}
			p.add(start, entry)
		}
		if len(p.tags) > start {
			p.ends[p.values] = uint8(len(p.tags))
			p.values++
		}
	}
	return p
}

// add adds the tag of an entry behind those from index start on that have the same weight or
// more.
func (p *preferences) add(start int, entry string) {
	name, parameter, weighted := strings.Cut(entry, ";")
	weight := float32(1)
	if weighted {
		weight = weightOf(parameter)
	}
	if weight == 0 {
		return
	}
	tag, err := language.Parse(strings.TrimSpace(name))
	if err != nil {
		return
	}
	at := len(p.tags)
	p.tags = append(p.tags, tag)
	for ; at > start && p.weights[at-1] < weight; at-- {
		p.tags[at], p.weights[at] = p.tags[at-1], p.weights[at-1]
	}
	p.tags[at], p.weights[at] = tag, weight
}

// weightOf returns the weight in the parameter of an entry, such as q=0.5. It is 0 if the entry
// isn't acceptable, or the parameter is malformed.
func weightOf(parameter string) float32 {
	name, value, _ := strings.Cut(parameter, "=")
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 32)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || !(weight > 0 && weight <= 1) {
		return 0
	}
	return float32(weight)
}
