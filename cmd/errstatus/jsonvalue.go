package main

import (
	"bytes"
	"encoding/json"
)

// A member is a member of a JSON object.
type member struct {
	key   string
	value json.RawMessage
}

// An object is the members of a JSON object, in their order.
type object []member

// parseObject returns the members of a JSON object, or nil if value is something else.
func parseObject(value []byte) object {
	d := json.NewDecoder(bytes.NewReader(value))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	var members object
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil
		}
		m := member{key: key.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil
		}
		members = append(members, m)
	}
	return members
}

// parseArray returns the elements of a JSON array, or nil if value is something else.
func parseArray(value []byte) []json.RawMessage {
	var elements []json.RawMessage
	if json.Unmarshal(value, &elements) != nil {
		return nil
	}
	return elements
}

// parseString returns the text of a JSON string. ok is false if value is something else.
func parseString(value []byte) (text string, ok bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	return text, json.Unmarshal(value, &text) == nil
}

// get returns the value of a key, or nil.
func (o object) get(key string) json.RawMessage {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// text returns the string of a key, or "".
func (o object) text(key string) string {
	text, _ := parseString(o.get(key))
	return text
}

// compact returns a JSON value without spaces between its parts.
func compact(value json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return value
	}
	return b.Bytes()
}
