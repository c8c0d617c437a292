package errorinfo_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// checkSmallest compares Smallest with the map that protobuf reads.
func checkSmallest(t *testing.T, b []byte, room int, important ...string) {
	t.Helper()
	info := &errdetails.ErrorInfo{}
	got := errorinfo.Smallest(b, room, important) // ends without a panic whatever b is
	if proto.Unmarshal(b, info) != nil || isRefused(b) {
		return
	}
	var want []errorinfo.Pair
	size := 0
	isOther := func(key string) bool { return !slices.Contains(important, key) }
	sorted := slices.Sorted(maps.Keys(info.Metadata))
	first := slices.DeleteFunc(slices.Clone(sorted), isOther)
	for _, key := range append(first, slices.DeleteFunc(sorted, func(key string) bool { return !isOther(key) })...) {
		if !errorinfo.IsMetadataKey(key) || errorinfo.IsReserved(key) {
			continue
		}
		value := info.Metadata[key]
		want = append(want, errorinfo.Pair{Key: key, Value: value[:errorinfo.Cut(value, room)]})
		if size += errorinfo.PairSize(len(key), 0); size > room {
			break
		}
	}
	slices.SortFunc(want, func(a, b errorinfo.Pair) int { return strings.Compare(a.Key, b.Key) })
	if !slices.Equal(got, want) {
		t.Fatalf("Smallest(%.999q, %d, %q) =\n%.999q; want\n%.999q", b, room, important, got, want)
	}
}

func TestSmallest(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	keys := []string{"", "a", "aa", "ab", "Ab", "code", "truncated", "zone", "zonf", strings.Repeat("k", 64), strings.Repeat("k", 65)}
	for range 3000 {
		var b []byte
		for range r.IntN(300) {
			key := keys[r.IntN(len(keys))]
			if r.IntN(3) > 0 {
				key = fmt.Sprint("key", r.IntN(200))
			}
			b = errorinfo.Append(b, "", "", "", []errorinfo.Pair{{Key: key, Value: strings.Repeat("v", r.IntN(40))}})
		}
		room := []int{0, 1, 30, 300, 2000, math.MaxInt}[r.IntN(6)]
		checkSmallest(t, b, room)
		checkSmallest(t, b, room, "zone", "key150", "key99", "code", "absent")
	}
}

// TestSmallestInAnyOrder checks that the order of many keys makes no difference, and that
// of each key the last value counts.
func TestSmallestInAnyOrder(t *testing.T) {
	const n = 5000
	numbers := rand.New(rand.NewPCG(11, 12)).Perm(n)
	descending := make([]int, n)
	for i := range descending {
		descending[i] = n - 1 - i
	}
	ascending := slices.Sorted(slices.Values(numbers))
	for name, order := range map[string][]int{"random": numbers, "ascending": ascending, "descending": descending} {
		var b []byte
		for i, number := range slices.Concat(order, order) {
			b = errorinfo.Append(b, "", "", "", []errorinfo.Pair{{Key: fmt.Sprintf("k%04d", number), Value: fmt.Sprint(i / n)}})
		}
		got := errorinfo.Smallest(b, 1000, nil)
		if len(got) < 50 || len(got) > 100 {
			t.Errorf("%s: %d pairs; want 50 to 100", name, len(got))
		}
		for i, pair := range got {
			if want := (errorinfo.Pair{Key: fmt.Sprintf("k%04d", i), Value: "1"}); pair != want {
				t.Errorf("%s: pair %d is %q; want %q", name, i, pair, want)
			}
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text       string
		most, want int
	}{{"", 0, 0}, {"", 9, 0}, {"abc", 2, 2}, {"abc", 3, 3}, {"abc", 9, 3}, {"a中b", 1, 1}, {"a中b", 2, 1}, {"a中b", 3, 1}, {"a中b", 4, 4}, {"中", 2, 0}, {"abc", -1, 0}} {
		if got, bytes := errorinfo.Cut(tt.text, tt.most), errorinfo.Cut([]byte(tt.text), tt.most); got != tt.want || bytes != tt.want {
			t.Errorf("Cut(%q, %d) = %d for the string, %d for the bytes; want %d", tt.text, tt.most, got, bytes, tt.want)
		}
	}
}

func FuzzSmallest(f *testing.F) {
	f.Add([]byte(typical), 100)
	f.Add([]byte("\x1a\x05\n\x03a00"), -66)
	f.Add(errorinfo.Append(nil, "R", "D", "7", []errorinfo.Pair{{Key: "user", Value: "1"}, {Key: "user", Value: "2"}, {Key: "zone", Value: "b"}}), 20)
	f.Add([]byte("\x1a\x08\x12\x01v\x0a\x03key\x1a\x05\x0a\x03abc"), 9)
	f.Add([]byte("\x1a\x0a\x0a\x01\xff\x0a\x02ok\x12\x01v\x1a\x02\x08\x01"), 0)
	f.Fuzz(func(t *testing.T, b []byte, room int) {
		checkSmallest(t, b, room)
		checkSmallest(t, b, room, "user", "zone")
	})
}

// TestSmallestKeepsLittle checks that the memory depends on the room and not on the number
// of keys. Each key of the descending order is kept for a while.
func TestSmallestKeepsLittle(t *testing.T) {
	allocated := func(keys int) uint64 {
		var b []byte
		for i := range keys {
			b = errorinfo.Append(b, "", "", "", []errorinfo.Pair{{Key: fmt.Sprintf("k%07d", keys-i), Value: "v"}})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		errorinfo.Smallest(b, 1024, []string{"zone"})
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if few, many := allocated(10_000), allocated(100_000); many > few+few/2 {
		t.Errorf("Smallest allocates %d bytes for 10,000 keys, and %d for 100,000; want about the same", few, many)
	}
}
