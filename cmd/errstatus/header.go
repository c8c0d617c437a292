package main

import (
	"bytes"

	grpccodes "google.golang.org/grpc/codes"
)

// attachHeaders sets the canonical code that stands beside each status in a text, such as its
// grpc-status: the first on the same line, or the only one if the text has one status.
func attachHeaders(hits []hit) {
	byLine := make(map[int]*grpccodes.Code)
	var only *grpccodes.Code
	several, statuses := false, 0
	for _, h := range hits {
		if h.status != nil {
			statuses++
		}
		if h.canonical == nil {
			continue
		}
		if byLine[h.line] == nil {
			byLine[h.line] = h.canonical
		}
		several = several || only != nil && *only != *h.canonical
		only = h.canonical
	}
	if several || statuses > 1 {
		only = nil
	}
	for i := range hits {
		h := &hits[i]
		if h.status == nil || h.header != nil {
			continue
		}
		if h.header = byLine[h.line]; h.header == nil {
			h.header = only
		}
	}
}

// numberLines sets the lines of hits, which are in the order of the text.
func numberLines(hits []hit, text []byte) {
	line, from := 0, 0
	for i := range hits {
		line += bytes.Count(text[from:hits[i].start], []byte("\n"))
		hits[i].line, from = line, hits[i].start
	}
}
