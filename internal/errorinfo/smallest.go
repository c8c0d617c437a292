package errorinfo

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Smallest returns the pairs of the metadata in b whose keys sort first, for a sender that
// has room for a number of bytes. b has the bytes of an ErrorInfo that [Scan] accepts. The
// pairs are sorted, with the last value of each key. Pairs whose key is reserved, or has
// another form than AIP-193's, are left out.
//
// If all pairs fit, all are returned. A value of more than room bytes is cut to room bytes,
// or a few less if that is within a rune. If keys are missing, they sort after those that
// are returned, and those take more than room bytes even without their values. So a sender
// that drops keys from the last one on, and shortens values, gets the same result as with
// all pairs.
//
// Smallest reads b once, and keeps what is proportional to room.
func Smallest(b []byte, room int) []Pair {
	s := selection{room: room}
	for at := 0; at < len(b); {
		key, _, size := pairAt(b, at)
		if size < 0 {
			break
		}
		if s.mayFit(key) && IsMetadataKey(key) && !IsReserved(string(key)) {
			s.add(candidate{key, at})
		}
		at += size
	}
	return s.pairs(b)
}

// pairAt returns the pair at a place in the bytes of an ErrorInfo, and the size of the field
// there. The key is empty if that is another field. size is negative if it is malformed.
func pairAt(b []byte, at int) (key, value []byte, size int) {
	field, entry, size := consumeField(b[at:])
	if field != metadataField || size < 0 {
		return nil, nil, size
	}
	key, value, _ = readPair(entry)
	return key, value, size
}

// A selection keeps the candidates whose keys sort first.
type selection struct {
	room       int
	candidates []candidate
	most       int    // number of candidates at which prune runs next
	last       []byte // larger keys can't fit, if it isn't nil
}

// A candidate is a pair that may fit: its key, and its place in the bytes.
type candidate struct {
	key   []byte
	place int
}

func (s *selection) mayFit(key []byte) bool { return s.last == nil || bytes.Compare(key, s.last) <= 0 }

func (s *selection) add(c candidate) {
	last := len(s.candidates) - 1
	if last >= 0 && bytes.Equal(s.candidates[last].key, c.key) {
		s.candidates[last] = c
		return
	}
	if len(s.candidates) >= s.most {
		s.prune()
		s.most = 8*len(s.candidates) + 64
	}
	s.candidates = append(s.candidates, c)
}

// prune sorts the candidates in reverse order of the keys, and drops those that can't fit.
// A peer's keys are sorted, or in random order. In reverse order, added candidates often
// continue those that are sorted already: then they cost little.
func (s *selection) prune() {
	slices.SortFunc(s.candidates, func(a, b candidate) int {
		if order := bytes.Compare(b.key, a.key); order != 0 {
			return order
		}
		return b.place - a.place
	})
	s.candidates = slices.CompactFunc(s.candidates, func(a, b candidate) bool { return bytes.Equal(a.key, b.key) })
	size := 0
	for i, c := range slices.Backward(s.candidates) {
		if size += PairSize(len(c.key), 0); size > s.room {
			s.last = c.key
			s.candidates = slices.Delete(s.candidates, 0, i)
			return
		}
	}
}

// pairs returns the selected pairs of the ErrorInfo b in the order of their keys.
func (s *selection) pairs(b []byte) []Pair {
	s.prune()
	pairs := make([]Pair, 0, len(s.candidates))
	for _, c := range slices.Backward(s.candidates) {
		_, value, _ := pairAt(b, c.place)
		pairs = append(pairs, Pair{string(c.key), string(value[:Cut(value, s.room)])})
	}
	return pairs
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
