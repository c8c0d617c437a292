package localize

import (
	"golang.org/x/text/language"

	"github.com/errstatus/errstatus/codes"
)

// CountMatchers returns how many matchers the rows of a table have.
func CountMatchers(table *codes.Table) int {
	found, _ := textsOf(table)
	distinct := make(map[language.Matcher]bool)
	for _, c := range found {
		if c.matcher != nil {
			distinct[c.matcher] = true
		}
	}
	return len(distinct)
}
