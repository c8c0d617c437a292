package main

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/errstatus/errstatus/codes/annotations"
	"github.com/errstatus/errstatus/internal/version"
)

// The numbers of the options domain and row, and of the option default_grpc_code.
const (
	optionNumber  = 51276
	defaultNumber = 51277
)

// varint, text and message return serialized fields.
func varint(number protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), n)
}

func text(number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), s)
}

func message(number protowire.Number, fields ...[]byte) []byte {
	return text(number, string(slices.Concat(fields...)))
}

// withOptions returns a file with an enum in a message, where the domain or the row of the
// last value has been replaced by other serialized options.
func withOptions(t *testing.T, domain, row []byte) *descriptorpb.FileDescriptorProto {
	t.Helper()
	file := parseFile(t, `message_type { name: "Order" `+enumText("ShopCode", "shop.example.com", valueText("SoldOut", "7", `grpc_code: NOT_FOUND message: "sold out"`))+`}`)
	enum := file.MessageType[0].EnumType[0]
	if domain != nil {
		proto.ClearExtension(enum.Options, annotations.E_Domain)
		enum.Options.ProtoReflect().SetUnknown(domain)
	}
	if row != nil {
		value := enum.Value[3].Options
		proto.ClearExtension(value, annotations.E_Row)
		value.ProtoReflect().SetUnknown(row)
	}
	return file
}

// novelFile is a file with an option that the plugin doesn't know. protogen then decodes
// all options once more.
func novelFile(t *testing.T) *descriptorpb.FileDescriptorProto {
	t.Helper()
	return parseFile(t, `name: "acme/rank.proto" package: "acme" dependency: "google/protobuf/descriptor.proto" options { go_package: "example.com/acme;acme" }
		extension { name: "rank" number: 50001 label: LABEL_OPTIONAL type: TYPE_INT32 extendee: ".google.protobuf.EnumOptions" }`)
}

func TestUnreadableOptions(t *testing.T) {
	const (
		value  = "shop/v1/shop.proto:14:3: shop.v1.Order.SoldOut: the option (errstatus.v1.row) can't be read: "
		enum   = "shop/v1/shop.proto:10:1: shop.v1.Order.ShopCode: the option (errstatus.v1.domain) can't be read: "
		canon  = "shop/v1/shop.proto:10:1: shop.v1.Order.ShopCode: the option (errstatus.v1.default_grpc_code) can't be read: "
		notSet = "use the errstatus/v1/annotations.proto of protoc-gen-go-errstatus " + version.Version + ""
	)
	notFound, soldOut := varint(1, 5), text(2, "sold out")
	tests := []struct {
		name   string
		domain []byte
		row    []byte
		want   []string // the beginnings of the error's lines
	}{
		{name: "a number instead of a row", row: varint(optionNumber, 7), want: []string{value + "its wire type is 0, not 2"}},
		{name: "a group instead of a row", row: protowire.AppendTag(protowire.AppendTag(nil, optionNumber, protowire.StartGroupType), optionNumber, protowire.EndGroupType), want: []string{value + "its wire type is 3, not 2"}},
		{name: "text instead of a row", row: text(optionNumber, "hello, world"), want: []string{value}},
		{name: "bytes that are no message", row: text(optionNumber, "\xff\xff\xff"), want: []string{value + "proto:"}},
		{name: "a message of other fields", row: message(optionNumber, notFound, soldOut, text(99, "x")), want: []string{value + "errstatus.v1.Row has no field 99 of wire type 2"}},
		{name: "a message of fields of other types", row: message(optionNumber, varint(1, 5), varint(2, 6)), want: []string{value + "errstatus.v1.Row has no field 2 of wire type 0"}},
		{name: "a localized message of other fields", row: message(optionNumber, notFound, soldOut, message(3, varint(1, 1))), want: []string{value + "errstatus.v1.LocalizedMessage has no field 1 of wire type 0"}},
		{name: "a message that is not UTF-8", row: message(optionNumber, notFound, text(2, "sold \xff")), want: []string{value + "string field contains invalid UTF-8: "}},
		{name: "a localized message that is not UTF-8", row: message(optionNumber, notFound, soldOut, message(3, text(1, "de"), text(2, "\xff"))), want: []string{value + "string field contains invalid UTF-8: "}},
		{name: "a number instead of a domain", domain: varint(optionNumber, 7), want: []string{enum + "its wire type is 0, not 2"}},
		{name: "a domain that is not UTF-8", domain: text(optionNumber, "shop\xff"), want: []string{enum + `its text "shop\xff" is not valid UTF-8`}},
		{name: "text instead of a canonical code", domain: slices.Concat(text(optionNumber, "shop.example.com"), text(defaultNumber, "INTERNAL")), want: []string{canon + "its wire type is 2, not 0"}},
		{name: "both", domain: varint(optionNumber, 7), row: varint(optionNumber, 7), want: []string{enum, value}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, imports := range [][]string{nil, {"acme/rank.proto"}} {
				file := withOptions(t, tt.domain, tt.row)
				file.Dependency = append(file.Dependency, imports...)
				out, err := runPlugin(t, "", novelFile(t), file)
				if err == nil {
					t.Fatalf("the plugin generated %q; want an error with lines that begin with %q", keys(out), tt.want)
				}
				lines := strings.Split(err.Error(), "\n")
				for i, line := range lines {
					line = strings.ReplaceAll(line, "\u00a0", " ") // protobuf varies its texts
					mend := "with the number 51276, give it another number"
					if strings.HasPrefix(line, canon) {
						mend = "with the number 51277, give it another number"
					}
					if len(lines) != len(tt.want) || !strings.HasPrefix(line, tt.want[i]) || !strings.HasSuffix(line, mend) || !strings.Contains(line, notSet) {
						t.Errorf("with the imports %q, a line of the plugin's error is\n%s\nwant lines that begin with %q, contain %q and end with %q", imports, line, tt.want, notSet, mend)
					}
				}
			}
		})
	}
}

// A compiler may write an option in parts. Fields of messages are merged, and of texts the
// last one counts.
func TestOptionInParts(t *testing.T) {
	file := withOptions(t, slices.Concat(text(optionNumber, "old.example.com"), text(optionNumber, "shop.example.com")),
		slices.Concat(message(optionNumber, varint(1, 5)), message(optionNumber, text(2, "sold out"))))
	out, err := runPlugin(t, "", file)
	if err != nil {
		t.Fatal(err)
	}
	source := squeeze(out["example.com/shop/shop_errstatus.pb.go"])
	for _, want := range []string{`MustTable("shop.example.com"`, `GRPCCode: 5, // NOT_FOUND Message: "sold out",`} {
		if !strings.Contains(source, want) {
			t.Errorf("the output is\n%s\nwant it to contain %q", source, want)
		}
	}
}

// Another organization's option with one of our numbers is no error in a file that declares or
// imports the other's option, and not ours. The file has no table.
func TestOptionOfAnotherOrganization(t *testing.T) {
	acme := parseFile(t, `name: "acme/team.proto" package: "acme" options { go_package: "example.com/acme;acme" }
		extension { name: "team" number: 51276 label: LABEL_OPTIONAL type: TYPE_STRING extendee: ".google.protobuf.EnumOptions" }
		extension { name: "colour" number: 51277 label: LABEL_OPTIONAL type: TYPE_INT32 extendee: ".google.protobuf.EnumOptions" }
		message_type { name: "Options" extension { name: "rank" number: 51276 label: LABEL_OPTIONAL type: TYPE_INT32 extendee: ".google.protobuf.EnumValueOptions" } }`)
	acme.Dependency = []string{"google/protobuf/descriptor.proto"}
	between := parseFile(t, `name: "acme/between.proto" package: "acme" options { go_package: "example.com/acme;acme" }`)
	between.Dependency = []string{"acme/team.proto"}
	for _, imported := range []string{"acme/team.proto", "acme/between.proto"} {
		file := withOptions(t, slices.Concat(text(optionNumber, "billing team"), varint(defaultNumber, 3)), varint(optionNumber, 7))
		file.Dependency = []string{imported}
		for _, value := range file.MessageType[0].EnumType[0].Value[:3] {
			value.Options = nil
		}
		out, err := runPlugin(t, "", acme, between, file)
		if err != nil || len(out) != 0 {
			t.Errorf("with the import %s the plugin generated %q, %v; want nothing", imported, keys(out), err)
		}
	}
}

// An option that can't be read is no error in a file that is only imported: the author of the
// importing file may not be able to change it.
func TestUnreadableOptionOfAnImportedFile(t *testing.T) {
	imported := withOptions(t, varint(optionNumber, 7), varint(optionNumber, 7))
	imported.Name, imported.Package = proto.String("stock/v1/stock.proto"), proto.String("stock.v1")
	imported.Options.GoPackage = proto.String("example.com/stock;stock")
	file := withOptions(t, nil, nil)
	file.Dependency = append(file.Dependency, "stock/v1/stock.proto")
	out, err := runPlugin(t, "", imported, file)
	if err != nil || len(out) != 1 {
		t.Errorf("the plugin generated %q, %v; want the importing file", keys(out), err)
	}
}

func TestNameThatIsNotUTF8(t *testing.T) {
	file := parseFile(t, enumText("ShopCode", "shop.example.com", valueText("SoldOut", "7", `grpc_code: NOT_FOUND message: "m"`)))
	file.EnumType[0].Value[3].Name = proto.String("Sold\xff")
	_, err := runPlugin(t, "", file)
	if want := `shop/v1/shop.proto:14:3: the name "Sold\xff" in "shop.v1" is not valid UTF-8`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the plugin's error is %v; want it to begin with %q", err, want)
	}
}

// A request that can't be decoded has no place: it is not about a file.
func TestUndecodableRequest(t *testing.T) {
	stdout, stderr, exit := command(t, []byte("\xff\xff"))
	if exit != 1 || stdout != "" || !strings.HasPrefix(stderr, "protoc-gen-go-errstatus: protoc sent a request that can't be decoded: ") {
		t.Errorf("exit code %d, stdout %q, stderr %q; want 1, nothing, and what is wrong", exit, stdout, stderr)
	}
}
