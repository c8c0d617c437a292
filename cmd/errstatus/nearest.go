package main

import (
	"cmp"
	"slices"
	"strconv"

	grpccodes "google.golang.org/grpc/codes"
)

// maxNearestInput is the length in bytes beyond which a text is compared with no name.
const maxNearestInput = 100

// nearest returns up to three codes, or canonical codes, whose name, reason or number is most
// similar to a text. Each is a text that explain knows.
func (c *catalog) nearest(text string) []string {
	if len(text) > maxNearestInput {
		return nil
	}
	return closest(text, 3, c.candidates(text))
}

// A candidate is a text that explain knows, with the words that it may be mistaken for.
type candidate struct {
	text  string
	words []string
}

// candidates returns the numbers of all codes if text is a number, and otherwise their names.
func (c *catalog) candidates(text string) []candidate {
	var all []candidate
	_, err := strconv.Atoi(text)
	for _, e := range c.entries {
		if err == nil {
			all = append(all, candidate{e.answer().label(), []string{strconv.Itoa(int(e.code.Number))}})
		} else {
			all = append(all, candidate{e.answer().label(), append(e.words(), e.id())})
		}
	}
	if err != nil {
		for canonical := grpccodes.OK; canonical <= maxCanonical; canonical++ {
			all = append(all, candidate{canonicalName(canonical), []string{canonicalName(canonical)}})
		}
	}
	return all
}

// closest returns the texts of up to limit candidates with the smallest edit distance from text.
// It leaves out candidates that have nothing in common with text. Of two numbers, the nearer is first.
func closest(text string, limit int, all []candidate) []string {
	type scored struct {
		text            string
		distance, apart int
	}
	n, err := strconv.Atoi(text)
	folded := fold(text)
	var scores []scored
	for _, candidate := range all {
		best := len(folded)
		for _, word := range candidate.words {
			best = min(best, distance(folded, fold(word)))
		}
		if best < len(folded) {
			score := scored{text: candidate.text, distance: best}
			if other, _ := strconv.Atoi(candidate.words[0]); err == nil {
				score.apart = max(n-other, other-n)
			}
			scores = append(scores, score)
		}
	}
	slices.SortStableFunc(scores, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.apart, b.apart))
	})
	var found []string
	for _, s := range scores[:min(limit, len(scores))] {
		found = append(found, s.text)
	}
	return found
}

// suggestion returns the name that is most similar to text, if it is similar enough to be
// meant.
func suggestion(text string, names []string) (name string, ok bool) {
	var all []candidate
	for _, name := range names {
		all = append(all, candidate{name, []string{name}})
	}
	found := closest(text, 1, all)
	if len(found) == 0 || distance(fold(text), fold(found[0])) > max(2, len(text)/2) {
		return "", false
	}
	return found[0], true
}

// distance returns how many bytes must be inserted, removed, replaced or exchanged with the
// next to make a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(replaced, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
