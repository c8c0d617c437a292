package status

import (
	"cmp"
	"slices"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

// maxDroppedKeys is the largest number of dropped metadata keys that a Status reports. It
// doesn't record any more.
const maxDroppedKeys = 64

// An addedPair is the last element of a linked list of the metadata pairs that this process
// added. Copies of a Status share the list. An element is never changed. A nil *addedPair
// is the empty list.
type addedPair struct {
	errorinfo.Pair
	before *addedPair
	length int // number of pairs in all
	most   int // add removes repeated keys when length reaches this
}

// fewPairs is how many pairs a list may have before add removes repeated keys.
const fewPairs = 16

// add returns the list with one more pair, which replaces an earlier one of its key. It
// stores the pair in element, which must be new.
func (a *addedPair) add(element *addedPair, pair errorinfo.Pair) *addedPair {
	switch {
	case a == nil:
		*element = addedPair{Pair: pair, length: 1, most: fewPairs}
		return element
	case a.length < a.most:
		*element = addedPair{pair, a, a.length + 1, a.most}
		return element
	}
	var compact *addedPair
	distinct := a.pairs(nil)
	for i, each := range distinct {
		compact = &addedPair{each, compact, i + 1, 2*len(distinct) + fewPairs}
	}
	return compact.add(element, pair)
}

// lookup returns the value of a key, and whether the list has it.
func (a *addedPair) lookup(key string) (value string, ok bool) {
	for ; a != nil; a = a.before {
		if a.Key == key {
			return a.Value, true // the one that was added last
		}
	}
	return "", false
}

// pairs returns the pairs in the order of their keys, each key once. It uses the buffer if
// that is large enough.
func (a *addedPair) pairs(buffer []errorinfo.Pair) []errorinfo.Pair {
	if a == nil {
		return nil
	}
	pairs := slices.Grow(buffer[:0], a.length)
	for ; a != nil; a = a.before {
		pairs = append(pairs, a.Pair)
	}
	slices.SortStableFunc(pairs, comparePairs)
	return slices.CompactFunc(pairs, samePair) // of equal keys, the pair that was added last comes first
}

func comparePairs(a, b errorinfo.Pair) int { return cmp.Compare(a.Key, b.Key) }
func samePair(a, b errorinfo.Pair) bool    { return a.Key == b.Key }

// mergePairs returns the pairs of both. For a key in both, it takes the pair of added. Both
// must be sorted by key.
func mergePairs(pairs, added []errorinfo.Pair) []errorinfo.Pair {
	if len(pairs) == 0 || len(added) == 0 {
		return slices.Concat(pairs, added)
	}
	all := slices.Concat(added, pairs)
	slices.SortStableFunc(all, comparePairs)
	return slices.CompactFunc(all, samePair)
}

// withTruncated returns pairs, which are in the order of their keys, with "truncated" set
// to a text, or pairs if the text is empty.
func withTruncated(pairs []errorinfo.Pair, text string) []errorinfo.Pair {
	if text == "" {
		return pairs
	}
	return mergePairs(pairs, []errorinfo.Pair{{Key: errorinfo.TruncatedKey, Value: text}})
}

// addPair adds a pair of metadata to a Status that is still being made, or notes that its
// key is dropped.
func (st *Status) addPair(key, value string) { st.addPairAs(new(addedPair), key, value) }

// addParams adds parameters as addPair does. It allocates once for a few.
func (st *Status) addParams(params []codes.Param) {
	elements := make([]addedPair, min(len(params), fewPairs))
	for i, param := range params {
		if i < len(elements) {
			st.addPairAs(&elements[i], param.Name, param.Value)
		} else {
			st.addPair(param.Name, param.Value)
		}
	}
}

// addPairAs is addPair with the new element of the list.
func (st *Status) addPairAs(element *addedPair, key, value string) {
	if errorinfo.IsMetadataKey(key) && !errorinfo.IsReserved(key) {
		st.added = st.added.add(element, errorinfo.Pair{Key: key, Value: validUTF8(value)})
		return
	}
	if keys := addDroppedKey(st.more().droppedKeys, key); len(keys) > len(st.more().droppedKeys) {
		st.changeExtra(func(x *extra) { x.droppedKeys = keys })
	}
}

// addDroppedKey returns sorted keys with one more, in a new slice. If there are
// maxDroppedKeys already, or the key is one of them, it returns keys.
func addDroppedKey(keys []string, key string) []string {
	at, found := slices.BinarySearch(keys, key)
	if found || len(keys) >= maxDroppedKeys {
		return keys
	}
	return slices.Insert(slices.Clip(keys), at, key)
}
