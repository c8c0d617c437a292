package main

import (
	"slices"
	"strings"

	grpccodes "google.golang.org/grpc/codes"
)

// narrow removes matches where several domains have a number or a name, and the same line
// says which is meant: by the other of the two, or by the domain outside of statuses. text
// no longer contains the hits.
func narrow(hits []hit, text string) {
	lines := strings.Split(text, "\n")
	for len(hits) > 0 {
		line := hits[0].line
		n := slices.IndexFunc(hits, func(h hit) bool { return h.line != line })
		if n < 0 {
			n = len(hits)
		}
		narrowLine(hits[:n], lines[line])
		hits = hits[n:]
	}
}

// A clue is a kind of text that points to an entry.
type clue struct {
	*entry
	kind string
}

func narrowLine(hits []hit, line string) {
	clues := make(map[clue]bool)
	for _, h := range hits {
		for _, m := range h.matches {
			kind := "word"
			if m.as == asNumber {
				kind = m.as
			}
			clues[clue{m.entry, kind}] = true
			clues[clue{m.entry, "domain"}] = len(h.matches) > 1 && strings.Contains(line, m.reference.Domain)
		}
	}
	score := func(e *entry) (n int) {
		for _, kind := range []string{"word", asNumber, "domain"} {
			if clues[clue{e, kind}] {
				n++
			}
		}
		return n
	}
	for i := range hits {
		best := 0
		for _, m := range hits[i].matches {
			best = max(best, score(m.entry))
		}
		hits[i].matches = slices.DeleteFunc(slices.Clone(hits[i].matches), func(m match) bool { return score(m.entry) < best })
	}
}

// relevant returns the hits that say more than the others. It drops the codes of statuses,
// which are explained with them; numbers and names of several codes, one of which another hit
// names alone; and the canonical codes of codes and statuses, and beside statuses.
func (c *catalog) relevant(hits []hit) []hit {
	certain, inStatus, canonical := make(map[*entry]bool), make(map[*entry]bool), make(map[string]bool)
	for _, h := range hits {
		if h.status != nil {
			e := c.identify(h.status).entry
			certain[e], inStatus[e] = true, true
			canonical[canonicalName(grpccodes.Code(h.status.proto.GetCode()))] = true
			if h.header != nil {
				canonical[canonicalName(*h.header)] = true
			}
		}
		if len(h.matches) == 1 {
			certain[h.matches[0].entry] = true
		}
		for _, m := range h.matches {
			canonical[m.code.GRPCCode] = true
		}
	}
	return slices.DeleteFunc(hits, func(h hit) bool {
		switch {
		case h.status != nil:
			return false
		case h.canonical != nil:
			return canonical[canonicalName(*h.canonical)]
		case len(h.matches) == 1:
			return inStatus[h.matches[0].entry]
		}
		return slices.ContainsFunc(h.matches, func(m match) bool { return certain[m.entry] })
	})
}
