package violations_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/violations"
)

// described has what Read knows of protovalidate's messages, in prototext. The older field_path
// is beside the field that replaced it.
const described = `
name: "validate.proto" package: "buf.validate" syntax: "proto2"
message_type { name: "Violations"
  field { name: "violations" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".buf.validate.Violation" } }
message_type { name: "Violation"
  field { name: "field_path" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "rule_id" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "message" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "for_key" number: 4 label: LABEL_OPTIONAL type: TYPE_BOOL }
  field { name: "field" number: 5 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".buf.validate.FieldPath" }
  field { name: "rule" number: 6 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".buf.validate.FieldPath" } }
message_type { name: "FieldPath"
  field { name: "elements" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".buf.validate.FieldPathElement" } }
message_type { name: "FieldPathElement"
  field { name: "field_number" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 }
  field { name: "field_name" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "index" number: 6 label: LABEL_OPTIONAL type: TYPE_UINT64 oneof_index: 0 }
  field { name: "bool_key" number: 7 label: LABEL_OPTIONAL type: TYPE_BOOL oneof_index: 0 }
  field { name: "int_key" number: 8 label: LABEL_OPTIONAL type: TYPE_INT64 oneof_index: 0 }
  field { name: "uint_key" number: 9 label: LABEL_OPTIONAL type: TYPE_UINT64 oneof_index: 0 }
  field { name: "string_key" number: 10 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
  oneof_decl { name: "subscript" } }
`

// violationsType describes buf.validate.Violations.
var violationsType = func() protoreflect.MessageDescriptor {
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(described), file); err != nil {
		panic(err)
	}
	resolved, err := protodesc.NewFile(file, nil)
	if err != nil {
		panic(err)
	}
	return resolved.Messages().ByName("Violations")
}()

// pack returns the bytes of a buf.validate.Violations, which is given in prototext.
func pack(t testing.TB, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(violationsType)
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// path returns a violation whose field has the elements.
func path(elements string) string { return "violations { field { " + elements + " } }" }

func TestRead(t *testing.T) {
	type violation = errdetails.BadRequest_FieldViolation
	for _, tt := range []struct {
		name, text string
		want       *violation
	}{
		{"all fields", `violations { field { elements { field_number: 3 field_name: "name" } } rule { elements { field_name: "string" } } rule_id: "string.min_len" message: "must be at least 3 characters" }`,
			&violation{Field: "name", Reason: "STRING_MIN_LEN", Description: "must be at least 3 characters"}},
		{"nothing", "violations {}", &violation{}},
		{"an index", path(`elements { field_name: "items" index: 2 } elements { field_name: "price" }`), &violation{Field: "items[2].price"}},
		{"index 0", path(`elements { field_name: "items" index: 0 }`), &violation{Field: "items[0]"}},
		{"the largest index", path(`elements { field_name: "items" index: 18446744073709551615 }`), &violation{Field: "items[18446744073709551615]"}},
		{"a string key", path(`elements { field_name: "labels" string_key: "token=secret" } elements { field_name: "name" }`), &violation{Field: "labels[*].name"}},
		{"an empty string key", path(`elements { field_name: "labels" string_key: "" }`), &violation{Field: "labels[*]"}},
		{"a bool key", path(`elements { field_name: "flags" bool_key: true }`), &violation{Field: "flags[*]"}},
		{"a signed key", path(`elements { field_name: "users" int_key: -42 }`), &violation{Field: "users[*]"}},
		{"an unsigned key", path(`elements { field_name: "users" uint_key: 42 }`), &violation{Field: "users[*]"}},
		{"the key itself is wrong", `violations { field { elements { field_name: "labels" string_key: "secret" } } for_key: true }`, &violation{Field: "labels[*]"}},
		{"an extension", path(`elements { field_name: "options" } elements { field_name: "[shop.v1.color]" } elements { field_name: "hue" }`), &violation{Field: "options.[shop.v1.color].hue"}},
		{"a oneof", path(`elements { field_name: "payment" }`), &violation{Field: "payment"}},
		{"only a number", path(`elements { field_number: 7 index: 1 } elements { field_name: "price" }`), &violation{Field: "7[1].price"}},
		{"a negative number", path(`elements { field_number: -7 }`), &violation{Field: "-7"}},
		{"neither name nor number", path(`elements { } elements { index: 1 }`), &violation{Field: "*.*[1]"}},
		{"a path of an older version", `violations { field_path: "items[2].labels[\"a\\\"]b\"].ok[true]" rule_id: "a.b" }`, &violation{Field: "items[2].labels[*].ok[*]", Reason: "A_B"}},
		{"an older path that ends within a key", `violations { field_path: "labels[\"sec" }`, &violation{Field: "labels[*]"}},
		{"an older path beside a newer one", `violations { field_path: "old" field { elements { field_name: "new" } } }`, &violation{Field: "new"}},
		{"text that is not UTF-8", `violations { field { elements { field_name: "a\xff" } } message: "b\xff\xfe" }`, &violation{Field: "a\uFFFD", Description: "b\uFFFD"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := violations.Read(pack(t, tt.text))
			if diff := cmp.Diff([]*violation{tt.want}, got, protocmp.Transform()); !ok || diff != "" {
				t.Errorf("Read() reports %t (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestReadKeepsTheOrder(t *testing.T) {
	got, ok := violations.Read(pack(t, `violations { rule_id: "one" } violations { rule_id: "two" } violations { rule_id: "three" }`))
	var reasons []string
	for _, v := range got {
		reasons = append(reasons, v.GetReason())
	}
	if diff := cmp.Diff([]string{"ONE", "TWO", "THREE"}, reasons); !ok || diff != "" {
		t.Errorf("Read() reports %t (-want +got):\n%s", ok, diff)
	}
	if got, ok := violations.Read(nil); len(got) != 0 || !ok {
		t.Errorf("Read(nil) = %v, %t; want none, true", got, ok)
	}
}

func TestReadRefusesMalformedBytes(t *testing.T) {
	whole := pack(t, `violations { field { elements { field_name: "items" index: 2 } } rule_id: "string.min_len" }`)
	for n := 1; n < len(whole); n++ {
		if got, ok := violations.Read(whole[:n]); ok || got != nil {
			t.Errorf("Read() of the first %d bytes = %v, %t; want nil, false", n, got, ok)
		}
	}
	for name, b := range map[string][]byte{
		"the end of a group":          {0x0c},
		"a malformed violation":       []byte("\x0a\x01\x0a"),
		"a malformed path":            []byte("\x0a\x03\x2a\x01\x0a"),
		"a malformed element":         []byte("\x0a\x05\x2a\x03\x0a\x01\x0a"),
		"a field number above 2^29-1": []byte("\x80\x80\x80\x80\x10\x00"),
		"field number 0":              {0x02, 0x00},
		"a group in a group":          []byte(strings.Repeat("\x0b", 20_000)),
	} {
		if got, ok := violations.Read(b); ok || got != nil {
			t.Errorf("%s: Read() = %v, %t; want nil, false", name, got, ok)
		}
	}
}

func TestReason(t *testing.T) {
	for text, want := range map[string]string{
		"string.min_len":  "STRING_MIN_LEN",
		"required":        "REQUIRED",
		"STRING_MIN_LEN":  "STRING_MIN_LEN",
		"string.uuid.v4":  "STRING_UUID_V4",
		"user-age  limit": "USER_AGE_LIMIT",
		"a__b":            "A_B",
		"_private_":       "PRIVATE",
		"tooShort":        "TOOSHORT",
		"größe.falsch":    "GR_E_FALSCH",
		"int32.gt_lt":     "INT32_GT_LT",
		"":                "",
		"42":              "",
		"2fa.required":    "", // a reason begins with a letter
		"ok":              "", // a reason has three characters
		"名前":              "",

		strings.Repeat("x", 64):                   strings.Repeat("X", 63),
		strings.Repeat("x", 62) + ".y":            strings.Repeat("X", 62),
		strings.Repeat("x", 61) + ".yz":           strings.Repeat("X", 61) + "_Y",
		"a" + strings.Repeat(".", 1<<20) + "name": "A_NAME",
	} {
		if got := violations.Reason(text); got != want {
			t.Errorf("Reason(%.80q) = %q; want %q", text, got, want)
		}
	}
}

// TestReadCost checks that reading takes memory in proportion to the size of what a peer sent,
// whatever that is.
func TestReadCost(t *testing.T) {
	const size = 1 << 20
	repeat := func(part string) []byte { return []byte(strings.Repeat(part, size/len(part))) }
	nested := func(inner []byte) []byte {
		for _, number := range []protowire.Number{5, 1} {
			inner = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), inner)
		}
		return inner
	}
	for name, b := range map[string][]byte{
		"empty violations":  repeat("\x0a\x00"),
		"empty elements":    nested(repeat("\x0a\x00")),
		"numbered elements": nested(repeat("\x0a\x02\x08\x7f")),
		"largest indexes":   nested(repeat("\x0a\x0b\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
		"not UTF-8":         nested(repeat("\x0a\x03\x12\x01\xff")),
		"one long name":     nested(nested(repeat("x"))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, ok := violations.Read(b)
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / size; !ok || got > 100 {
			t.Errorf("%s: Read() reports %t and allocates %d times the size; want true, at most 100", name, ok, got)
		}
	}
}

// FuzzRead checks that Read reads what protobuf's own decoder reads, and that it never panics.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"",
		`violations { rule_id: "string.min_len" message: "too short" for_key: true }`,
		path(`elements { field_number: 3 field_name: "items" index: 2 } elements { field_number: 1 }`),
		path(`elements { field_name: "labels" string_key: "a" } elements { field_name: "b" bool_key: true } elements { }`),
		path(`elements { field_name: "users" int_key: -1 } elements { field_name: "users" uint_key: 1 }`),
		`violations { field_path: "a[\"b\"].c" rule { elements { field_name: "string" } } }`,
	} {
		f.Add(pack(f, text))
	}
	f.Add([]byte("\x0a\x06\x2a\x04\x0a\x02\x12\x00\x0a\x0c\x2a\x04\x0a\x02\x08\x01\x2a\x04\x0a\x02\x08\x02")) // a field that is there twice
	f.Add([]byte("\x0a\x04\x0b\x08\x01\x0c"))                                                                 // a group
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := violations.Read(b)
		for _, v := range got {
			if _, err := proto.Marshal(v); err != nil {
				t.Errorf("Read() = %v, which can't be sent: %v", v, err)
			}
			if v.GetReason() != "" && !errorinfo.IsReason(v.GetReason()) {
				t.Errorf("Read() gives the reason %q", v.GetReason())
			}
		}
		m := dynamicpb.NewMessage(violationsType)
		if proto.Unmarshal(b, m) != nil {
			return // Read may accept it, because it doesn't decode all fields
		}
		if diff := cmp.Diff(decoded(m), got, protocmp.Transform()); !ok || diff != "" {
			t.Errorf("Read(%q) reports %t (-protobuf +got):\n%s", b, ok, diff)
		}
	})
}

// decoded returns what Read returns for a message that protobuf has decoded.
func decoded(m protoreflect.Message) (all []*errdetails.BadRequest_FieldViolation) {
	for v := range list(m, "violations") {
		var path []string
		for e := range list(get(v, "field").Message(), "elements") {
			path = append(path, element(e))
		}
		name := strings.Join(path, ".")
		if name == "" {
			name = violations.RedactKeys(get(v, "field_path").String())
		}
		all = append(all, &errdetails.BadRequest_FieldViolation{
			Field:       strings.ToValidUTF8(name, "\uFFFD"),
			Reason:      violations.Reason(get(v, "rule_id").String()),
			Description: strings.ToValidUTF8(get(v, "message").String(), "\uFFFD"),
		})
	}
	return all
}

func element(e protoreflect.Message) string {
	name := get(e, "field_name").String()
	if name == "" {
		name = "*"
		if number := get(e, "field_number").Int(); number != 0 {
			name = fmt.Sprint(number)
		}
	}
	subscript := e.WhichOneof(e.Descriptor().Oneofs().ByName("subscript"))
	switch {
	case subscript == nil:
		return name
	case subscript.Name() == "index":
		return fmt.Sprintf("%s[%d]", name, e.Get(subscript).Uint())
	}
	return name + "[*]"
}

func get(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
	return m.Get(m.Descriptor().Fields().ByName(name))
}

func list(m protoreflect.Message, name protoreflect.Name) func(func(protoreflect.Message) bool) {
	return func(yield func(protoreflect.Message) bool) {
		messages := get(m, name).List()
		for i := range messages.Len() {
			if !yield(messages.Get(i).Message()) {
				return
			}
		}
	}
}
