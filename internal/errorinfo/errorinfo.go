// Package errorinfo owns the bytes of google.rpc.ErrorInfo: what errstatus
// writes, what it reads, and the rules for reasons, metadata keys and numbers.
//
// On the wire, codes.RecordNotFound is
//
//	reason: "RECORD_NOT_FOUND" domain: "openim.io" metadata { "code": "1004" }
//
// Messages are written by hand so that equal values have equal bytes with every
// version of protobuf, and read by hand so that a peer's bytes cost no
// allocation. A fuzz target compares both with protobuf.
package errorinfo

import (
	"encoding/binary"
	"iter"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// TypeName is the full name of the message.
	TypeName = "google.rpc.ErrorInfo"

	// TypeURL is the type URL of a google.protobuf.Any with the message.
	TypeURL = "type.googleapis.com/" + TypeName
)

// The field numbers of google.rpc.ErrorInfo, and of the entries of its map.
const (
	reasonField   protowire.Number = 1
	domainField   protowire.Number = 2
	metadataField protowire.Number = 3
	keyField      protowire.Number = 1
	valueField    protowire.Number = 2
)

// tagSize is the size of the tag of each of these fields.
const tagSize = 1

// RowCode returns the code whose row in a table is sent with exactly the bytes b, or nil
// if there is none. table is a *codes.Table, and the result a codes.Code. Most received
// ErrorInfos are a row's, and need not be read. Package codes sets it for package status;
// it would be no good public API.
var RowCode func(table any, b []byte) any

// A Pair is a key of the metadata with its value.
type Pair struct{ Key, Value string }

// Append appends an ErrorInfo to b, as protobuf's deterministic encoding writes it:
// reason, domain, and the pairs, which must be in the order of their keys. If number
// isn't empty, it is the value of [NumberKey], whatever the pairs have.
//
// All text must be valid UTF-8; Append doesn't check it.
func Append(b []byte, reason, domain, number string, pairs []Pair) []byte {
	b = appendText(b, reasonField, reason)
	b = appendText(b, domainField, domain)
	for _, pair := range pairs {
		if number != "" && pair.Key >= NumberKey {
			b, number = appendPair(b, Pair{NumberKey, number}), ""
			if pair.Key == NumberKey {
				continue
			}
		}
		b = appendPair(b, pair)
	}
	if number != "" {
		b = appendPair(b, Pair{NumberKey, number})
	}
	return b
}

// appendText appends a string field. Protobuf omits an empty one.
func appendText(b []byte, field protowire.Number, text string) []byte {
	if text == "" {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, text)
}

// appendPair appends an entry of the map. Protobuf writes its key and its value
// even if they are empty.
func appendPair(b []byte, pair Pair) []byte {
	b = protowire.AppendTag(b, metadataField, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(entrySize(len(pair.Key), len(pair.Value))))
	b = protowire.AppendTag(b, keyField, protowire.BytesType)
	b = protowire.AppendString(b, pair.Key)
	b = protowire.AppendTag(b, valueField, protowire.BytesType)
	return protowire.AppendString(b, pair.Value)
}

// AppendUnknown appends the fields of info, the bytes of an ErrorInfo that [Scan] accepts,
// that this package doesn't know. Protobuf keeps them after the known fields.
func AppendUnknown(b, info []byte) []byte {
	for len(info) > 0 {
		field, text, size := consumeField(info)
		if size < 0 {
			return b
		}
		if text == nil || field > metadataField {
			_, wireType, tag := protowire.ConsumeTag(info) // protobuf encodes it anew
			b = append(protowire.AppendTag(b, field, wireType), info[tag:size]...)
		}
		info = info[size:]
	}
	return b
}

// Size returns the number of bytes that [Append] appends.
func Size(reason, domain, number string, pairs []Pair) int {
	size := textSize(reason) + textSize(domain)
	for _, pair := range pairs {
		if pair.Key != NumberKey || number == "" {
			size += PairSize(len(pair.Key), len(pair.Value))
		}
	}
	if number != "" {
		size += PairSize(len(NumberKey), len(number))
	}
	return size
}

// PairSize returns the number of bytes that a pair of the metadata takes in an ErrorInfo,
// for the lengths of its key and its value.
func PairSize(key, value int) int {
	return tagSize + protowire.SizeBytes(entrySize(key, value))
}

func textSize(text string) int {
	if text == "" {
		return 0
	}
	return tagSize + protowire.SizeBytes(len(text))
}

func entrySize(key, value int) int {
	return tagSize + protowire.SizeBytes(key) + tagSize + protowire.SizeBytes(value)
}

// Scanned has the parts of an ErrorInfo that identify a code. The slices are parts of the
// bytes that [Scan] was given.
type Scanned struct {
	Reason, Domain []byte
	Number         []byte // the value of NumberKey, empty if there is none
	Truncated      []byte // the value of TruncatedKey, empty if there is none
	BadKey         bool   // a key of the metadata has another form than AIP-193's

	unsorted bool  // a key of the metadata isn't greater than the one before it
	metadata int32 // where the first pair begins
}

// Scan reads a serialized ErrorInfo without allocating. It returns what protobuf would: of
// a field or a key that occurs twice, the last counts; unknown fields are skipped. Two
// things are malformed that protobuf accepts, because to skip them takes long: groups,
// which no ErrorInfo has, and pairs with more than 16 fields. ok is false if b is malformed
// or its text isn't valid UTF-8.
func Scan(b []byte) (info Scanned, ok bool) {
	var before []byte // the key of the last pair
	hasPairs, length := false, len(b)
	ascii := isASCII(b) // and so UTF-8: one check of all of b is faster than one for each short text
	for len(b) > 0 {
		field, text, size := consumeField(b)
		if size < 0 {
			return Scanned{}, false
		}
		if field == metadataField && !hasPairs {
			info.metadata, hasPairs = int32(length-len(b)), true
		}
		b = b[size:]
		if text == nil {
			continue
		}
		switch field {
		case reasonField:
			info.Reason = text
		case domainField:
			info.Domain = text
		case metadataField:
			key, value, ok := readPair(text)
			if !ok || !ascii && (!utf8.Valid(key) || !utf8.Valid(value)) {
				return Scanned{}, false
			}
			switch {
			case string(key) == NumberKey:
				info.Number = value
			case string(key) == TruncatedKey:
				info.Truncated = value
			case !info.BadKey:
				info.BadKey = !IsMetadataKey(key)
			}
			info.unsorted = info.unsorted || string(key) <= string(before)
			before = key
			continue
		default:
			continue
		}
		if !ascii && !utf8.Valid(text) {
			return Scanned{}, false
		}
	}
	return info, true
}

// maxEntryFields is the largest number of fields of an entry of the map. Each sender writes
// two.
const maxEntryFields = 16

// MaxFields is the largest number of fields of an ErrorInfo that errstatus reads. A sender
// that follows AIP-193 has far fewer.
const MaxFields = 1 << 16

// Prefix returns b, or its first [MaxFields] fields if it has more. So the cost of an
// ErrorInfo doesn't grow with the number of its fields.
func Prefix(b []byte) []byte {
	const leastField = 2
	if len(b) <= leastField*MaxFields {
		return b
	}
	end := 0
	for range MaxFields {
		if end == len(b) {
			break
		}
		_, _, size := consumeField(b[end:])
		if size < 0 {
			return b // malformed, which Scan finds at the same place
		}
		end += size
	}
	return b[:end]
}

func isASCII(b []byte) bool {
	const word, highBits = 8, 0x8080808080808080
	for len(b) >= word {
		if binary.LittleEndian.Uint64(b)&highBits != 0 {
			return false
		}
		b = b[word:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// All returns an iterator over the pairs of the metadata in b, the bytes of an
// ErrorInfo that [Scan] accepts. Pairs come in the order of the bytes, and a key
// may occur twice: the last counts, as in a map that is filled in this order.
//
// Keys and values are parts of one copy of b, so that all of them together cost
// one allocation.
func All(b []byte) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		var whole string
		for rest := b; len(rest) > 0; {
			field, entry, size := consumeField(rest)
			if size < 0 {
				return
			}
			rest = rest[size:]
			if field != metadataField || entry == nil {
				continue
			}
			key, value, ok := readPair(entry)
			if !ok {
				return
			}
			if whole == "" {
				whole = string(b)
			}
			if !yield(samePart(whole, b, key), samePart(whole, b, value)) {
				return
			}
		}
	}
}

// Lookup returns the value of a key of the metadata, a part of b, the scanned bytes. If the
// key occurs twice, the last value counts.
func (info *Scanned) Lookup(b []byte, key string) (value []byte, ok bool) {
	for b = b[info.metadata:]; len(b) > 0; {
		field, entry, size := consumeField(b)
		if size < 0 || ok && !info.unsorted {
			break
		}
		b = b[size:]
		if field != metadataField || entry == nil {
			continue
		}
		if k, v, valid := readPair(entry); valid && string(k) == key {
			value, ok = v, true
		}
	}
	return value, ok
}

// samePart returns the part of whole, a copy of b, that is at the place of part
// in b. The capacity of part tells where it begins, because consumeField returns
// slices of b that are not clipped.
func samePart(whole string, b, part []byte) string {
	if len(part) == 0 {
		return ""
	}
	start := cap(b) - cap(part)
	return whole[start : start+len(part)]
}

// readPair reads an entry of the map. What an entry lacks is empty. ok is false if the
// entry is malformed. The caller must check that key and value are UTF-8. If an entry has a
// key or a value twice, readPair checks the one that it doesn't return.
func readPair(b []byte) (key, value []byte, ok bool) {
	// The usual entry has a key and then a value, with one byte of length each. To read it
	// here makes Scan a third faster.
	const continued, keyTag, valueTag = 0x80, 0x0a, 0x12
	if len(b) >= 4 && b[0] == keyTag && b[1] < continued {
		end := 2 + int(b[1])
		if end <= len(b)-2 && b[end] == valueTag && b[end+1] < continued && end+2+int(b[end+1]) == len(b) {
			return b[2:end], b[end+2:], true
		}
	}
	for n := 0; len(b) > 0; n++ {
		field, text, size := consumeField(b)
		if size < 0 || n == maxEntryFields {
			return nil, nil, false
		}
		b = b[size:]
		if text == nil || field > valueField {
			continue
		}
		replaced := &key
		if field == valueField {
			replaced = &value
		}
		if !utf8.Valid(*replaced) {
			return nil, nil, false
		}
		*replaced = text
	}
	return key, value, true
}

// consumeField reads the first field of b: its number, its bytes, and the size of all of
// it. text is nil if the field isn't of the wire type of bytes; size is negative if
// protobuf would refuse the field, and for a group.
func consumeField(b []byte) (field protowire.Number, text []byte, size int) {
	// The usual field has one byte of tag and one of length. To read it here makes
	// Scan a third faster.
	const continued, wireTypeBits = 0x80, 7
	if len(b) >= 2 && b[0]&(continued|wireTypeBits) == byte(protowire.BytesType) && b[0]>>3 > 0 &&
		b[1] < continued && int(b[1]) <= len(b)-2 {
		size = 2 + int(b[1])
		return protowire.Number(b[0] >> 3), b[2:size], size
	}
	field, wireType, tag := protowire.ConsumeTag(b)
	if tag < 0 || field > protowire.MaxValidNumber || wireType == protowire.StartGroupType {
		return 0, nil, -1
	}
	var value int
	if wireType == protowire.BytesType {
		text, value = protowire.ConsumeBytes(b[tag:])
	} else {
		value = protowire.ConsumeFieldValue(field, wireType, b[tag:])
	}
	if value < 0 {
		return 0, nil, -1
	}
	return field, text, tag + value
}
