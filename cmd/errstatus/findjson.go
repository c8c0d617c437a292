package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
)

var objectStart = regexp.MustCompile(`\{\s*"`)

// findJSON finds JSON objects, and in them errors of any form and texts.
func (f *finder) findJSON() {
	for from := 0; ; {
		place := objectStart.FindIndex(f.rest[from:])
		if place == nil {
			return
		}
		start := from + place[0]
		d := json.NewDecoder(bytes.NewReader(f.rest[start:]))
		var value json.RawMessage
		err := d.Decode(&value)
		if !f.spend(decodeCost(d, err, len(f.rest)-start)) {
			return
		}
		if err != nil {
			from = start + 1
			continue
		}
		from = start + int(d.InputOffset())
		w := &walker{finder: f, start: start, end: from}
		w.object(value)
		if w.found {
			f.remove(start, from)
		}
	}
}

// decodeCost returns how many of the left bytes were read to decode a value, or to find out
// that there is none.
func decodeCost(d *json.Decoder, err error, left int) int {
	const start = 64 // of the decoder itself
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return start + int(syntax.Offset)
	}
	if err != nil {
		return start + left
	}
	return start + int(d.InputOffset())
}

// A walker searches one JSON value of a text.
type walker struct {
	*finder
	start, end int
	message    string // of an error of Node's client
	found      bool
}

// add adds a hit at the place of the whole value.
func (w *walker) add(h hit) {
	h.start, h.end = w.start, w.end
	if h.canonical != nil {
		h.message = w.message
	}
	w.hits = append(w.hits, h)
	w.found = true
}

func (w *walker) object(value json.RawMessage) {
	if !w.spend(len(value)) {
		return
	}
	o := parseObject(value)
	if found := objectStatus(o); found != nil {
		w.add(hit{text: string(value), status: found})
		return
	}
	message, isNode := parseString(o.get("details"))
	if isNode {
		w.message = message
	}
	for _, m := range o {
		if isNode && m.key == "code" {
			m.key = "grpc-code" // an error of Node's client
		}
		w.member(m)
	}
}

// objectStatus returns the status that an object is, or nil.
func objectStatus(o object) *foundStatus {
	if found := statusFromJSON(o); found != nil {
		return found
	}
	if found := infoFromJSON(o); found != nil {
		return found
	}
	return certainStatus(nodeBuffer(o), asBytes, asBytes)
}

func (w *walker) member(m member) {
	switch text, isString := parseString(m.value); {
	case isString:
		if h, ok := w.keyed(m.key, text); ok {
			w.add(h)
		} else if w.addNested(m.key+": "+text, w.start, w.start) {
			w.found = true
		}
	case m.value[0] == '{':
		w.object(m.value)
	case m.value[0] == '[':
		if !w.spend(len(m.value)) {
			return
		}
		for _, element := range parseArray(m.value) {
			w.member(member{m.key, element})
		}
	default:
		if h, ok := w.keyed(m.key, string(m.value)); ok {
			w.add(h)
		}
	}
}
