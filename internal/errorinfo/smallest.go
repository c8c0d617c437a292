package errorinfo

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"
)

// Smallest returns the pairs of the metadata in b with the smallest keys, sorted, for a
// sender that has room bytes. The important keys count as smaller than all others. b has the
// bytes of an ErrorInfo that [Scan] accepts. Of a key that occurs twice, the last value
// counts. Pairs whose key is reserved, or has another form than AIP-193's, are left out.
//
// If all pairs fit, all are returned. A value of more than room bytes is cut to room bytes,
// or a few less if that is within a rune. If Smallest leaves out keys, the returned keys
// alone already take more than room bytes. So the sender, which drops the last keys first,
// and the important ones after all others, would drop the left-out keys anyway.
//
// Smallest reads b in one pass. Its memory is proportional to room.
func Smallest(b []byte, room int, important []string) (pairs []Pair) {
	room = max(room, 0)
	most := min(room, len(b))/leastPair + 1
	var found []place
	for at := 0; at < len(b); {
		key, _, size := pairAt(b, at)
		if size < 0 {
			break
		}
		if IsMetadataKey(key) && !IsReserved(string(key)) {
			found = append(found, place{key, at, !slices.Contains(important, string(key))})
		}
		if len(found) >= 2*most+64 {
			found = firstKeys(found, most)
		}
		at += size
	}
	size := 0
	for _, p := range firstKeys(found, most) {
		if size > room {
			break
		}
		size += PairSize(len(p.key), 0)
		_, value, _ := pairAt(b, p.at)
		pairs = append(pairs, Pair{string(p.key), string(value[:Cut(value, room)])})
	}
	if len(important) > 0 {
		slices.SortFunc(pairs, func(a, b Pair) int { return cmp.Compare(a.Key, b.Key) })
	}
	return pairs
}

// leastPair is the size of the smallest pair: a key has at least 2 bytes.
const leastPair = 8

// A place says where in an ErrorInfo the pair of a key is.
type place struct {
	key  []byte
	at   int
	late bool // the key isn't important
}

// compare compares two places in the order in which Smallest prefers them.
func (a place) compare(b place) int {
	if a.late != b.late {
		if b.late {
			return -1
		}
		return 1
	}
	return cmp.Or(bytes.Compare(a.key, b.key), b.at-a.at)
}

// firstKeys returns the places of the most keys that sort first, in their order, with the
// last place of each key. It changes places.
func firstKeys(places []place, most int) []place {
	slices.SortFunc(places, place.compare)
	places = slices.CompactFunc(places, func(a, b place) bool { return bytes.Equal(a.key, b.key) })
	return places[:min(len(places), most)]
}

// pairAt returns the pair at a place in the bytes of an ErrorInfo, and the size of the
// field there. The key is empty if the field isn't metadata. size is negative if the field
// is malformed.
func pairAt(b []byte, at int) (key, value []byte, size int) {
	field, entry, size := consumeField(b[at:])
	if field != metadataField || size < 0 {
		return nil, nil, size
	}
	key, value, _ = readPair(entry)
	return key, value, size
}

// Cut returns the length of the longest prefix of a UTF-8 text that has at most a number of
// bytes, and that doesn't end within a rune.
func Cut[Text ~string | ~[]byte](text Text, most int) (length int) {
	if len(text) <= most {
		return len(text)
	}
	for length = max(most, 0); length > 0 && !utf8.RuneStart(text[length]); length-- {
	}
	return length
}
