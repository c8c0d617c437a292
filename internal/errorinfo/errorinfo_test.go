package errorinfo_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

func TestTypeURL(t *testing.T) {
	packed, err := anypb.New(&errdetails.ErrorInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if packed.GetTypeUrl() != errorinfo.TypeURL || packed.MessageName() != errorinfo.TypeName {
		t.Errorf("TypeURL = %q, TypeName = %q; want %q, %q", errorinfo.TypeURL, errorinfo.TypeName, packed.GetTypeUrl(), packed.MessageName())
	}
}

func TestAppend(t *testing.T) {
	tests := []struct {
		name                   string
		reason, domain, number string
		metadata               map[string]string
		want                   string
	}{
		{
			name: "reason, domain and number", reason: "RECORD_NOT_FOUND", domain: "openim.io", number: "1004",
			want: "\x0a\x10RECORD_NOT_FOUND\x12\x09openim.io\x1a\x0c\x0a\x04code\x12\x041004",
		},
		{
			name: "the number is sorted among the keys", reason: "R", domain: "D", number: "7",
			metadata: map[string]string{"zone": "b", "a-key": ""},
			want:     "\x0a\x01R\x12\x01D\x1a\x09\x0a\x05a-key\x12\x00\x1a\x09\x0a\x04code\x12\x017\x1a\x09\x0a\x04zone\x12\x01b",
		},
		{
			name: "the number replaces the metadata's own", number: "7", metadata: map[string]string{"code": "8"},
			want: "\x1a\x09\x0a\x04code\x12\x017",
		},
		{
			name: "without a number the metadata's own stays", metadata: map[string]string{"code": "+8"},
			want: "\x1a\x0a\x0a\x04code\x12\x02+8",
		},
		{name: "nothing", want: ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := errorinfo.Append([]byte("before"), tt.reason, tt.domain, tt.number, sorted(tt.metadata))
			if string(got) != "before"+tt.want {
				t.Errorf("Append() = %q; want %q", got, "before"+tt.want)
			}
		})
	}
}

// sorted returns the pairs of metadata in the order of their keys.
func sorted(metadata map[string]string) (pairs []errorinfo.Pair) {
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		pairs = append(pairs, errorinfo.Pair{Key: key, Value: metadata[key]})
	}
	return pairs
}

// TestScan reads messages that are put together from odd parts, some with a
// changed byte, and compares the result with protobuf's.
func TestScan(t *testing.T) {
	parts := []string{
		typical, "\x0a\x0fERROR_CODE_1305\x12\x09openim.io\x1a\x0c\x0a\x04code\x12\x041305",
		// reasons and domains
		"\x0a\x01A", "\x12\x01B", "\x0a\x00", "\x12\x01\xff",
		// entries: empty, without a value, the value first, without a key, doubled, not UTF-8, with other fields, cut off
		"\x1a\x00", "\x1a\x08\x0a\x04code\x12\x00", "\x1a\x09\x12\x011\x0a\x04code", "\x1a\x06\x0a\x04code", "\x1a\x03\x12\x01v",
		"\x1a\x0c\x0a\x04code\x12\x011\x12\x012", "\x1a\x03\x0a\x01\xff", "\x1a\x03\x12\x01\xff", "\x1a\x02\x18\x01", "\x1a\x02\x0a\x05",
		// other wire types and fields
		"\x08\x01", "\x18\x01", "\x22\x01x", "\x0b\x0c", "\x0b", "\x0c",
		// groups and long entries
		"\x23\x28\x01\x24", "\x1a\x02\x0b\x0c", "\x1a\x20" + strings.Repeat("\x18\x01", 16), "\x1a\x22" + strings.Repeat("\x18\x01", 17),
		// field numbers out of range
		"\x00\x01", "\xfa\xff\xff\xff\x0f\x00", "\xfa\xff\xff\xff\x1f\x00",
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 100_000 {
		var b []byte
		for range r.IntN(4) {
			b = append(b, parts[r.IntN(len(parts))]...)
		}
		if len(b) > 0 && r.IntN(2) == 0 {
			b[r.IntN(len(b))] = byte(r.IntN(256))
		}
		checkScan(t, b)
	}
}

// isRefused reports whether the bytes of an ErrorInfo, which protobuf accepts, have a group or a
// pair with more than 16 fields.
func isRefused(b []byte) bool {
	const mapField = 3
	return slices.ContainsFunc(fieldsOf(b), func(f field) bool {
		if f.wire != protowire.BytesType || f.number != mapField {
			return f.wire == protowire.StartGroupType
		}
		entry, _ := protowire.ConsumeBytes(f.value)
		fields := fieldsOf(entry)
		return len(fields) > 16 || slices.ContainsFunc(fields, func(f field) bool { return f.wire == protowire.StartGroupType })
	})
}

type field struct {
	number protowire.Number
	wire   protowire.Type
	value  []byte
}

func fieldsOf(b []byte) (fields []field) {
	for len(b) > 0 {
		number, wire, tag := protowire.ConsumeTag(b)
		size := protowire.ConsumeFieldValue(number, wire, b[tag:])
		fields = append(fields, field{number, wire, b[tag : tag+size]})
		b = b[tag+size:]
	}
	return fields
}

// typical is the ErrorInfo of codes.RecordNotFound.
const typical = "\x0a\x10RECORD_NOT_FOUND\x12\x09openim.io\x1a\x0c\x0a\x04code\x12\x041004"

func checkScan(t *testing.T, b []byte) {
	t.Helper()
	want := &errdetails.ErrorInfo{}
	wantOK := proto.Unmarshal(b, want) == nil && !isRefused(b)
	if !wantOK {
		want = nil
	}
	got, ok := errorinfo.Scan(b)
	if ok != wantOK || string(got.Reason) != want.GetReason() || string(got.Domain) != want.GetDomain() || string(got.Number) != want.GetMetadata()["code"] ||
		string(got.Truncated) != want.GetMetadata()["truncated"] {
		t.Fatalf("Scan(%q) = reason %q, domain %q, number %q, truncated %q, %t; want %v, %t", b, got.Reason, got.Domain, got.Number, got.Truncated, ok, want, wantOK)
	}
	if unknown := errorinfo.AppendUnknown(nil, b); ok && string(unknown) != string(want.ProtoReflect().GetUnknown()) {
		t.Fatalf("AppendUnknown(%q) = %q; want %q", b, unknown, want.ProtoReflect().GetUnknown())
	}
	all := maps.Collect(errorinfo.All(b)) // ends without a panic whatever b is
	for _, key := range []string{"code", "zone", "key", ""} {
		found, has := got.Lookup(b, key)
		if value, wants := all[key]; ok && (has != wants || string(found) != value) {
			t.Fatalf("Lookup(%q, %q) = %q, %t; want %q, %t", b, key, found, has, value, wants)
		}
	}
	if ok && !maps.Equal(all, want.GetMetadata()) {
		t.Fatalf("All(%q) = %q; want %q", b, all, want.GetMetadata())
	}
}

// checkAppend compares Append and Size with protobuf, and reads back what Append
// wrote.
func checkAppend(t *testing.T, reason, domain, number string, metadata map[string]string) {
	t.Helper()
	got := errorinfo.Append(nil, reason, domain, number, sorted(metadata))
	if size := errorinfo.Size(reason, domain, number, sorted(metadata)); size != len(got) {
		t.Fatalf("Size(%q, %q, %q, %q) = %d; Append writes %d bytes", reason, domain, number, metadata, size, len(got))
	}
	info := &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: maps.Clone(metadata)}
	if number != "" {
		if info.Metadata == nil {
			info.Metadata = map[string]string{}
		}
		info.Metadata["code"] = number
	}
	want, err := proto.MarshalOptions{Deterministic: true}.Marshal(info)
	if err != nil {
		return // text that isn't UTF-8
	}
	if string(got) != string(want) {
		t.Fatalf("Append(%q, %q, %q, %q) =\n%q; want\n%q", reason, domain, number, metadata, got, want)
	}
	checkScan(t, got)
}

func TestAppendWritesWhatProtobufWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	keys := []string{"a-key", "zone", "codd", "code", "codf", "code2", "userID", "cod", "co", "x1", "y1", "truncated", ""}
	for range 5000 {
		metadata := map[string]string{}
		for range r.IntN(12) {
			metadata[keys[r.IntN(len(keys))]] = strings.Repeat("é", r.IntN(3)*40)
		}
		number := []string{"", "7", "1004"}[r.IntN(3)]
		checkAppend(t, strings.Repeat("R", r.IntN(200)), []string{"", "openim.io"}[r.IntN(2)], number, metadata)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(typical))
	f.Add(errorinfo.Append(nil, "SOLD_OUT", "orders.example.com", "7", []errorinfo.Pair{{Key: "truncated", Value: "details"}, {Key: "zone", Value: "b"}}))
	f.Add([]byte("\x12\x01\xff"))
	f.Fuzz(func(t *testing.T, b []byte) { checkScan(t, b) })
}

func FuzzAppend(f *testing.F) {
	f.Add("RECORD_NOT_FOUND", "openim.io", "1004", "zone", "b", "userID", "")
	f.Add("", "", "", "code", "1", "truncated", "details")
	f.Fuzz(func(t *testing.T, reason, domain, number, key1, value1, key2, value2 string) {
		checkAppend(t, reason, domain, number, map[string]string{key1: value1, key2: value2})
	})
}

// Prefix leaves out the fields after the first 65,536, and nothing else.
func TestPrefix(t *testing.T) {
	field := errorinfo.Append(nil, "", "", "", []errorinfo.Pair{{Key: "ab", Value: "c"}})
	unknown := []byte{0x78, 1} // number 15, a varint
	for name, tt := range map[string]struct{ in, want []byte }{
		"empty":                 {nil, nil},
		"one field":             {field, field},
		"as many as are read":   {slices.Repeat(field, errorinfo.MaxFields), slices.Repeat(field, errorinfo.MaxFields)},
		"one more":              {slices.Repeat(field, errorinfo.MaxFields+1), slices.Repeat(field, errorinfo.MaxFields)},
		"one more, unknown":     {slices.Repeat(unknown, errorinfo.MaxFields+1), slices.Repeat(unknown, errorinfo.MaxFields)},
		"malformed":             {append(slices.Repeat(field, 30000), 0xff), append(slices.Repeat(field, 30000), 0xff)},
		"malformed, not read":   {append(slices.Repeat(field, errorinfo.MaxFields), 0xff), slices.Repeat(field, errorinfo.MaxFields)},
		"a long field at first": {append(protowire.AppendBytes([]byte{0x7a}, make([]byte, 1<<20)), field...), append(protowire.AppendBytes([]byte{0x7a}, make([]byte, 1<<20)), field...)},
	} {
		if got := errorinfo.Prefix(tt.in); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: Prefix returns %d of %d bytes; want %d", name, len(got), len(tt.in), len(tt.want))
		}
	}
}

func TestAllStopsAtABreak(t *testing.T) {
	b := errorinfo.Append(nil, "R", "D", "7", []errorinfo.Pair{{Key: "a-key", Value: "a"}, {Key: "zone", Value: "b"}})
	var keys []string
	for key := range errorinfo.All(b) {
		if keys = append(keys, key); len(keys) == 2 {
			break
		}
	}
	if !slices.Equal(keys, []string{"a-key", "code"}) {
		t.Errorf("All gives the keys %q; want the first two in order", keys)
	}
}

// The strings must stay the same when the caller uses the bytes for something
// else.
func TestAllGivesCopies(t *testing.T) {
	b := []byte("before" + typical)
	all := maps.Clone(maps.Collect(errorinfo.All(b[len("before"):])))
	clear(b)
	if all["code"] != "1004" || len(all) != 1 {
		t.Errorf("All gave %q; want code 1004 alone", all)
	}
}

func TestAllocations(t *testing.T) {
	metadata := sorted(map[string]string{"k1": "v", "k2": "v", "k3": "v", "k4": "v", "k5": "v", "k6": "v", "k7": "v", "k8": "v"})
	buffer := make([]byte, 0, 512)
	many := errorinfo.Append(nil, "R", "D", "7", metadata)
	for _, tt := range []struct {
		name string
		run  func()
		want float64
	}{
		{"Scan", func() { errorinfo.Scan(many) }, 0},
		{"Append without metadata", func() { errorinfo.Append(buffer, "REASON", "openim.io", "1004", nil) }, 0},
		{"Append with 8 keys", func() { errorinfo.Append(buffer, "REASON", "openim.io", "1004", metadata) }, 0},
		{"All", func() {
			for range errorinfo.All(many) {
			}
		}, 1},
		{"ParseNumber", func() { errorinfo.ParseNumber(many[len(many)-4:]) }, 0},
	} {
		if got := testing.AllocsPerRun(100, tt.run); got != tt.want {
			t.Errorf("%s allocates %v times; want %v", tt.name, got, tt.want)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	for _, input := range []struct {
		name  string
		bytes []byte
	}{
		{"typical", []byte(typical)},
		{"keys=5", errorinfo.Append(nil, "RECORD_NOT_FOUND", "openim.io", "1004",
			sorted(map[string]string{"user": "u1", "zone": "eu-1", "request": "41c2", "method": "get"}))},
	} {
		b.Run("info="+input.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				errorinfo.Scan(input.bytes)
			}
		})
	}
}

func TestPairSize(t *testing.T) {
	for _, length := range []int{0, 1, 60, 120, 127, 128, 20_000} {
		value := strings.Repeat("v", length)
		without, with := errorinfo.Append(nil, "R", "D", "7", nil), errorinfo.Append(nil, "R", "D", "7", []errorinfo.Pair{{Key: "key", Value: value}})
		if got, want := errorinfo.PairSize(len("key"), len(value)), len(with)-len(without); got != want {
			t.Errorf("PairSize with a value of %d bytes = %d; want %d", length, got, want)
		}
	}
}

func TestIsReason(t *testing.T) {
	for reason, want := range map[string]bool{
		"RECORD_NOT_FOUND": true, "ABC": true, "A_1": true, "A12": true, "R" + strings.Repeat("_", 61) + "9": true,
		"": false, "AB": false, "1AB": false, "_AB": false, "AB_": false, "AbC": false, "A B": false, "ABC\n": false, "ÄBC": false,
		strings.Repeat("R", 63): true, strings.Repeat("R", 64): false,
	} {
		if got := errorinfo.IsReason(reason); got != want {
			t.Errorf("IsReason(%q) = %t; want %t", reason, got, want)
		}
	}
}

func TestIsMetadataKey(t *testing.T) {
	for key, want := range map[string]bool{
		"userID": true, "a-b_9": true, "code": true, strings.Repeat("k", 64): true,
		"": false, "a": false, "User": false, "9a": false, "a b": false, "a.b": false, "é1": false, strings.Repeat("k", 65): false,
	} {
		if got := errorinfo.IsMetadataKey(key); got != want {
			t.Errorf("IsMetadataKey(%q) = %t; want %t", key, got, want)
		}
	}
	for _, key := range []string{errorinfo.NumberKey, errorinfo.TruncatedKey} {
		if !errorinfo.IsReserved(key) || !errorinfo.IsMetadataKey(key) {
			t.Errorf("%q isn't a reserved metadata key", key)
		}
	}
	if errorinfo.IsReserved("zone") {
		t.Error(`IsReserved("zone") = true; want false`)
	}
}

func TestUnknownReason(t *testing.T) {
	if got := errorinfo.UnknownReason(1305); got != "ERROR_CODE_1305" || !errorinfo.IsUnknownReason(got) || !errorinfo.IsReason(got) {
		t.Errorf("UnknownReason(1305) = %q; want ERROR_CODE_1305, which IsUnknownReason and IsReason accept", got)
	}
	for _, reason := range []string{"", "ERROR_CODE_", "ERROR_CODE_1A", "ERROR_CODE_-1", "MY_ERROR_CODE_1", "error_code_1"} {
		if errorinfo.IsUnknownReason(reason) {
			t.Errorf("IsUnknownReason(%q) = true; want false", reason)
		}
	}
}

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]int32{"1": 1, "9": 9, "1004": 1004, "2147483647": 2147483647} {
		if got, ok := errorinfo.ParseNumber(text); !ok || got != want {
			t.Errorf("ParseNumber(%q) = %d, %t; want %d, true", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "0", "00", "01", "-1", "+1", " 1", "1 ", "1_0", "0x1", "2147483648", "9999999999", "10000000001", "１"} {
		if got, ok := errorinfo.ParseNumber(text); ok || got != 0 {
			t.Errorf("ParseNumber(%q) = %d, %t; want 0, false", text, got, ok)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, text := range []string{"1004", "2147483647", "2147483648", "01", "-1", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := strconv.ParseInt(text, 10, 32)
		wantOK := err == nil && want > 0 && strconv.FormatInt(want, 10) == text
		got, ok := errorinfo.ParseNumber([]byte(text))
		if ok != wantOK || ok && int64(got) != want {
			t.Errorf("ParseNumber(%q) = %d, %t; want %d, %t", text, got, ok, want, wantOK)
		}
	})
}
