package main

import (
	"errors"
	"fmt"
	"go/token"
	"strings"
	"unicode"

	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/codes/annotations"
)

// A table is an enum with a domain, and the row of each of its values.
type table struct {
	enum   *protogen.Enum
	goName string
	domain string
	values []*protogen.EnumValue
	rows   []codes.Row
}

// tablesOf reads the tables of a file, those in messages included.
func tablesOf(file *protogen.File) ([]*table, error) {
	enums := file.Enums
	messages := file.Messages
	for len(messages) > 0 {
		enums = append(enums, messages[0].Enums...)
		messages = append(messages[1:], messages[0].Messages...)
	}
	var tables []*table
	for _, enum := range enums {
		t, err := tableOf(enum)
		if err != nil {
			return nil, err
		}
		if t != nil {
			tables = append(tables, t)
		}
	}
	return tables, nil
}

// tableOf reads one enum; it is nil for one that is not a table.
func tableOf(enum *protogen.Enum) (*table, error) {
	if !proto.HasExtension(enum.Desc.Options(), annotations.E_Domain) {
		return nil, checkNoRows(enum)
	}
	t := &table{
		enum:   enum,
		goName: enum.GoIdent.GoName,
		domain: proto.GetExtension(enum.Desc.Options(), annotations.E_Domain).(string),
		values: enum.Values,
	}
	var wrong []error
	for _, value := range enum.Values {
		if !proto.HasExtension(value.Desc.Options(), annotations.E_Row) {
			wrong = append(wrong, fmt.Errorf("%s: %s has no option (errstatus.v1.row): give its grpc_code and message",
				place(value.Desc), value.Desc.FullName()))
			continue
		}
		row := rowOf(enum, value)
		if !token.IsIdentifier(row.Name) || !token.IsExported(row.Name) {
			wrong = append(wrong, fmt.Errorf("%s: %s would be called %q in Go: rename it so that its name without the enum's begins with a letter",
				place(value.Desc), value.Desc.FullName(), row.Name))
		}
		if row.GRPCCode == grpccodes.OK && row.Code.Number() != 0 {
			wrong = append(wrong, fmt.Errorf("%s: %s (%s = %d) has no grpc_code but OK, which goes with number 0 alone: give it one, such as NOT_FOUND",
				place(value.Desc), value.Desc.FullName(), row.Name, row.Code.Number()))
		}
		t.rows = append(t.rows, row)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if _, err := codes.NewTable(t.domain, t.rows...); err != nil {
		return nil, fmt.Errorf("%s: enum %s: %w", place(enum.Desc), enum.Desc.FullName(), err)
	}
	return t, nil
}

// checkNoRows refuses rows in an enum without a domain: they would be lost.
func checkNoRows(enum *protogen.Enum) error {
	for _, value := range enum.Values {
		if proto.HasExtension(value.Desc.Options(), annotations.E_Row) {
			return fmt.Errorf("%s: %s has the option (errstatus.v1.row), but enum %s has no (errstatus.v1.domain): give it one",
				place(value.Desc), value.Desc.FullName(), enum.Desc.FullName())
		}
	}
	return nil
}

func rowOf(enum *protogen.Enum, value *protogen.EnumValue) codes.Row {
	option := proto.GetExtension(value.Desc.Options(), annotations.E_Row).(*annotations.Row)
	name := constantName(enum, value)
	row := codes.Row{
		Code:     number(value.Desc.Number()),
		Name:     name,
		Reason:   option.GetReason(),
		GRPCCode: grpccodes.Code(option.GetGrpcCode()),
		Message:  option.GetMessage(),
		Default:  option.GetDefault(),
	}
	if row.Reason == "" {
		row.Reason = reasonOf(enum, value)
	}
	for _, m := range option.GetLocalized() {
		row.Localized = append(row.Localized, codes.LocalizedMessage{Locale: m.GetLocale(), Message: m.GetMessage()})
	}
	return row
}

// place is where a declaration stands: file, line and column, as compilers
// print it.
func place(desc protoreflect.Descriptor) string {
	file := desc.ParentFile()
	loc := file.SourceLocations().ByDescriptor(desc)
	if loc.Path == nil {
		return file.Path()
	}
	return fmt.Sprintf("%s:%d:%d", file.Path(), loc.StartLine+1, loc.StartColumn+1)
}

// constantName is the Go name of a value. RecordNotFound stays as it is;
// BILLING_CODE_CARD_DECLINED of BillingCode becomes CardDeclined.
func constantName(enum *protogen.Enum, value *protogen.EnumValue) string {
	name := string(value.Desc.Name())
	if !isUpperSnake(name) {
		return strings.ToUpper(name[:1]) + name[1:]
	}
	var camel strings.Builder
	for word := range strings.SplitSeq(trimEnum(enum, name), "_") {
		if word != "" {
			camel.WriteString(word[:1] + strings.ToLower(word[1:]))
		}
	}
	return camel.String()
}

// reasonOf is the reason of a value that gives none: RECORD_NOT_FOUND for
// RecordNotFound, CARD_DECLINED for BILLING_CODE_CARD_DECLINED of BillingCode.
func reasonOf(enum *protogen.Enum, value *protogen.EnumValue) string {
	name := string(value.Desc.Name())
	if !isUpperSnake(name) {
		return upperSnake(name)
	}
	return trimEnum(enum, name)
}

func isUpperSnake(name string) bool { return strings.ToUpper(name) == name }

// trimEnum takes the enum's own name from the front of an upper snake name.
func trimEnum(enum *protogen.Enum, name string) string {
	return strings.TrimPrefix(name, upperSnake(string(enum.Desc.Name()))+"_")
}

// upperSnake turns RecordNotFound into RECORD_NOT_FOUND and IOSPush into
// IOS_PUSH: a word begins at a capital that follows a small letter or digit, and
// at the last capital of a run that a small letter follows.
func upperSnake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		afterSmall := i > 0 && !unicode.IsUpper(runes[i-1]) && runes[i-1] != '_'
		endOfRun := i > 0 && unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && (afterSmall || endOfRun) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// A number stands in for the type that is still to be generated, so that its
// rows can be checked as a table's.
type number int32

func (n number) Error() string        { return fmt.Sprint(int32(n)) }
func (n number) Number() codes.Number { return codes.Number(n) }
func (n number) Table() *codes.Table  { return nil }
