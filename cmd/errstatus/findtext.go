package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/prototext"
)

var (
	grpcurlStart   = regexp.MustCompile(`(?m)^[ \t]*Code:[ \t]*([A-Za-z]+|Code\((-?\d+)\))[ \t\r]*\n[ \t]*Message:[ \t]?`)
	grpcurlDetails = regexp.MustCompile(`(?m)^[ \t]*Details:[ \t\r]*\n`)
	grpcurlDetail  = regexp.MustCompile(`^\s*\d+\)\s*`)
)

// maxMessage is the length of the longest message of a status in a text. In grpcurl's text it
// may have line ends.
const maxMessage = 64 << 10

// findGRPCurl finds errors as grpcurl prints them without -format-error.
func (f *finder) findGRPCurl() {
	for from := 0; ; {
		place := grpcurlStart.FindSubmatchIndex(f.rest[from:])
		if place == nil {
			return
		}
		start, end := from+place[0], from+place[1]
		from = end
		status := new(spb.Status)
		if name := string(f.rest[start-place[0]+place[2] : start-place[0]+place[3]]); place[4] >= 0 {
			n, _ := strconv.ParseInt(string(f.rest[start-place[0]+place[4]:start-place[0]+place[5]]), 10, 32)
			status.Code = int32(n)
		} else if canonical, ok := canonicalOf(name); ok {
			status.Code = int32(canonical)
		} else {
			continue
		}
		found := &foundStatus{proto: status, as: asGRPCurl}
		end += found.readGRPCurl(f.rest[end:])
		f.add(hit{start: start, end: end, text: string(f.rest[start:end]), status: found})
		from = end
	}
}

// readGRPCurl reads the message and the details, and returns how long they are.
func (f *foundStatus) readGRPCurl(text []byte) (size int) {
	message, _, _ := bytes.Cut(text, []byte("\n"))
	size = min(len(message)+1, len(text))
	near := text[:min(len(text), maxMessage)]
	if next := grpcurlStart.FindIndex(near); next != nil {
		near = near[:next[0]]
	}
	details := grpcurlDetails.FindIndex(near)
	if details == nil {
		f.proto.Message = strings.TrimRight(string(message), "\r")
		return size
	}
	message, rest := text[:details[0]], text[details[1]:]
	f.proto.Message = strings.TrimRight(string(message), "\r\n")
	for {
		number := grpcurlDetail.Find(rest)
		d := json.NewDecoder(bytes.NewReader(rest[len(number):]))
		var value json.RawMessage
		if number == nil || d.Decode(&value) != nil || !f.addJSON(value) {
			return len(text) - len(rest)
		}
		rest = rest[len(number)+int(d.InputOffset()):]
	}
}

// textFieldStart matches the name of a field of google.rpc.Status in protobuf's text format.
var textFieldStart = regexp.MustCompile(`\b(?:code|message|details)\s*[:{<]`)

// findPrototext finds statuses in protobuf's text format, as Go, Java and grpcurl print
// them.
func (f *finder) findPrototext() {
	for from := 0; ; {
		place := textFieldStart.FindIndex(f.rest[from:])
		if place == nil {
			return
		}
		start := from + place[0]
		size := f.statusTextSize(f.rest[start:])
		if !f.spend(size) {
			return
		}
		from = start + max(size, place[1]-place[0])
		status := new(spb.Status)
		text := string(f.rest[start : start+size])
		if size > 0 && prototext.Unmarshal([]byte(text), status) == nil && isCertain(status) {
			f.add(hit{start: start, end: start + size, text: text, status: &foundStatus{proto: status, as: asPrototext}})
		}
	}
}

var textField = regexp.MustCompile(`^[\s,;]*(code|message|details)\s*(:\s*(?:-?\d+\b|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|:?\s*[{<])`)

// statusTextSize returns the length of the fields of a google.rpc.Status at the beginning of
// text.
func (f *finder) statusTextSize(text []byte) (size int) {
	seen := make(map[string]bool)
	for {
		place := textField.FindSubmatchIndex(text[size:min(size+maxMessage, len(text))])
		if place == nil {
			return size
		}
		name := string(text[size+place[2] : size+place[3]])
		end := size + place[1]
		if last := text[end-1]; last == '{' || last == '<' {
			start := end - 1
			if end = blockEnd(text, start); end < 0 {
				f.spend(len(text) - start)
			}
		} else if seen[name] {
			return size
		}
		if end < 0 {
			return size
		}
		seen[name], size = true, end
	}
}

// blockEnd returns the index after the bracket that closes the one at start, or -1.
func blockEnd(text []byte, start int) int {
	depth := 0
	for i := start; i < len(text); i++ {
		switch text[i] {
		case '{', '<':
			depth++
		case '}', '>':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			if i = closingQuote(text, i); i < 0 {
				return -1
			}
		}
	}
	return -1
}
