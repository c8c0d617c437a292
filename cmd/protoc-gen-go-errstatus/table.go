package main

import (
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strings"
	"unicode"

	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/codes/annotations"
)

// A table is an enum with a domain, and the rows of its values.
type table struct {
	enum   *protogen.Enum
	goName string
	domain string
	values []*protogen.EnumValue
	rows   []codes.Row
}

// enumsOf returns the enums of a file, including those inside messages.
func enumsOf(file *protogen.File) []*protogen.Enum {
	enums := slices.Clone(file.Enums)
	messages := slices.Clone(file.Messages)
	for len(messages) > 0 {
		enums = append(enums, messages[0].Enums...)
		messages = append(messages[1:], messages[0].Messages...)
	}
	return enums
}

// domainOf returns the domain of an enum, and reports whether the enum has one.
func domainOf(enum *protogen.Enum) (domain string, ok bool) {
	domain, ok, err := domainOption(enum.Desc.Options().(*descriptorpb.EnumOptions))
	return domain, ok && err == nil // readRequest returns the error
}

// tablesOf returns the tables of a file, including enums inside messages.
func tablesOf(file *protogen.File) ([]*table, error) {
	var tables []*table
	for _, enum := range enumsOf(file) {
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

// tableOf returns the table of an enum, or nil if the enum has no domain.
func tableOf(enum *protogen.Enum) (*table, error) {
	domain, ok := domainOf(enum)
	if !ok {
		return nil, checkNoRows(enum)
	}
	t := &table{
		enum:   enum,
		goName: enum.GoIdent.GoName,
		domain: domain,
		values: enum.Values,
	}
	wrong := []error{checkComments(enum.Desc, enum.Comments)}
	for _, value := range enum.Values {
		wrong = append(wrong, t.add(value))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	if _, err := codes.NewTable(t.domain, t.rows...); err != nil {
		return nil, t.locate(err)
	}
	return t, nil
}

// add appends the row of a value. It returns the mistakes that only a .proto file can have;
// NewTable finds the others.
func (t *table) add(value *protogen.EnumValue) error {
	place, name := position(value.Desc), value.Desc.FullName()
	wrong := []error{checkComments(value.Desc, value.Comments)}
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: %w", place, fmt.Errorf(format, args...)))
	}
	option := optionOf(value)
	if option == nil {
		report("%s has no option (errstatus.v1.row): give its grpc_code and message", name)
		return errors.Join(wrong...)
	}
	row := rowOf(t.enum, value, option)
	if fault := option.GetFault(); annotations.Fault_name[int32(fault)] == "" {
		report("%s has the fault %d in the option (errstatus.v1.row): use FAULT_CALLER, FAULT_SERVER or FAULT_TRANSIENT, or leave fault out", name, fault)
	}
	if !token.IsIdentifier(row.Name) || !token.IsExported(row.Name) {
		report("the Go name of %s would be %q: rename it so that its name without the enum's begins with a letter", name, row.Name)
	}
	if row.GRPCCode == grpccodes.OK && row.Code.Number() != 0 {
		report("%s (%s = %d) has the grpc_code OK or none in the option (errstatus.v1.row): give it another, such as NOT_FOUND; only number 0 has OK",
			name, row.Name, row.Code.Number())
	}
	t.rows = append(t.rows, row)
	return errors.Join(wrong...)
}

// locate returns an error of NewTable with the place of the value in each line about a
// row, and the place of the enum in each other line.
func (t *table) locate(err error) error {
	var located []error
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		if row, ok := err.(interface{ Row() int }); ok {
			value := t.values[row.Row()].Desc
			err = fmt.Errorf("%s: %s (%s = %d), option (errstatus.v1.row): %w",
				position(value), value.FullName(), t.rows[row.Row()].Name, value.Number(), errors.Unwrap(err))
		} else {
			err = fmt.Errorf("%s: enum %s, option (errstatus.v1.domain): %w", position(t.enum.Desc), t.enum.Desc.FullName(), err)
		}
		located = append(located, err)
	}
	return errors.Join(located...)
}

// checkNoRows returns an error if an enum without a domain has a row, which would
// otherwise be ignored.
func checkNoRows(enum *protogen.Enum) error {
	for _, value := range enum.Values {
		if optionOf(value) != nil {
			return fmt.Errorf("%s: %s has the option (errstatus.v1.row), but enum %s has no (errstatus.v1.domain): give it one",
				position(value.Desc), value.Desc.FullName(), enum.Desc.FullName())
		}
	}
	return nil
}

// optionOf returns the option (errstatus.v1.row) of a value, or nil if it has none.
func optionOf(value *protogen.EnumValue) *annotations.Row {
	row, _ := rowOption(value.Desc.Options().(*descriptorpb.EnumValueOptions)) // readRequest returns the error
	return row
}

// rowOf returns the row of a value with its option (errstatus.v1.row).
func rowOf(enum *protogen.Enum, value *protogen.EnumValue, option *annotations.Row) codes.Row {
	name := constantName(enum, value)
	row := codes.Row{
		Code:     number(value.Desc.Number()),
		Name:     name,
		Reason:   option.GetReason(),
		GRPCCode: grpccodes.Code(option.GetGrpcCode()),
		Message:  option.GetMessage(),
		Default:  option.GetDefault(),

		FaultOverride: codes.Fault(option.GetFault()), // the numbers are the same
	}
	if row.Reason == "" {
		row.Reason = reasonOf(enum, value)
	}
	for _, m := range option.GetLocalized() {
		row.Localized = append(row.Localized, codes.LocalizedMessage{Locale: m.GetLocale(), Message: m.GetMessage()})
	}
	return row
}

// position returns the file, line and column of a declaration, in the form of a
// compiler's messages. It returns the file alone if the compiler sent no positions.
func position(desc protoreflect.Descriptor) string {
	file := desc.ParentFile()
	loc := file.SourceLocations().ByDescriptor(desc)
	if loc.Path == nil {
		return file.Path()
	}
	return fmt.Sprintf("%s:%d:%d", file.Path(), loc.StartLine+1, loc.StartColumn+1)
}

// constantName returns the Go name of a value: RecordNotFound for RecordNotFound,
// CardDeclined for BILLING_CODE_CARD_DECLINED of BillingCode.
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

// reasonOf returns the default reason of a value: RECORD_NOT_FOUND for
// RecordNotFound, CARD_DECLINED for BILLING_CODE_CARD_DECLINED of BillingCode.
func reasonOf(enum *protogen.Enum, value *protogen.EnumValue) string {
	name := string(value.Desc.Name())
	if !isUpperSnake(name) {
		return upperSnake(name)
	}
	return trimEnum(enum, name)
}

func isUpperSnake(name string) bool { return strings.ToUpper(name) == name }

// trimEnum removes the enum's name from the beginning of a name in upper snake
// case.
func trimEnum(enum *protogen.Enum, name string) string {
	return strings.TrimPrefix(name, upperSnake(string(enum.Desc.Name()))+"_")
}

// upperSnake returns a name in upper snake case: RECORD_NOT_FOUND for
// RecordNotFound, IOS_PUSH for IOSPush. A word begins at a capital after a small
// letter or digit, and at the last of several capitals before a small letter.
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

// A number is a code of the type that is being generated. With it NewTable can
// check the rows.
type number int32

func (n number) Error() string        { return fmt.Sprint(int32(n)) }
func (n number) Number() codes.Number { return codes.Number(n) }
func (n number) Table() *codes.Table  { return nil }
