// Package protoenum reads enums with the option (errstatus.v1.domain) from a request to a
// protoc plugin: their codes, the rows of their tables, and the places of their mistakes.
package protoenum

import (
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/codes/annotations"
	"github.com/errstatus/errstatus/internal/template"
)

// An Enum is an enum with a domain.
type Enum struct {
	*protogen.Enum
	Domain string
	Codes  []*Code // in the order of their declaration

	canonical code.Code // the default_grpc_code, or OK if the enum has none
}

// A Code is a number of an enum: the first value that has it, with its row.
type Code struct {
	*protogen.EnumValue
	HasRow  bool                  // the value has the option (errstatus.v1.row)
	Row     codes.Row             // as NewTable completes it; its Code has the number alone
	Params  []string              // the parameters of the row's template, in its order
	Aliases []*protogen.EnumValue // the other values that have the number
}

// Enums returns the enums of a file that have a domain, including those inside messages.
// The error lists the mistakes of each enum, with the place in each line.
func Enums(file *protogen.File) (enums []*Enum, err error) {
	var wrong []error
	for _, enum := range allEnums(file) {
		domain, ok := domainOf(enum)
		if !ok {
			wrong = append(wrong, checkNoOptions(enum))
			continue
		}
		e := &Enum{Enum: enum, Domain: domain}
		wrong = append(wrong, e.read())
		enums = append(enums, e)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return enums, nil
}

// allEnums returns the enums of a file, including those inside messages.
func allEnums(file *protogen.File) []*protogen.Enum {
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
	return domain, ok && err == nil // ReadRequest returns the error
}

// read reads the options of an enum and of its values.
func (e *Enum) read() error {
	if err := e.readDefault(); err != nil {
		return err
	}
	var wrong []error
	first := map[protoreflect.EnumNumber]*Code{}
	for _, value := range e.Values {
		if c := first[value.Desc.Number()]; c != nil {
			wrong = append(wrong, c.addAlias(e, value))
			continue
		}
		c := &Code{EnumValue: value}
		first[value.Desc.Number()] = c
		wrong = append(wrong, c.read(e))
		e.Codes = append(e.Codes, c)
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	return e.complete()
}

// readDefault reads the default_grpc_code.
func (e *Enum) readDefault() error {
	canonical, ok, _ := defaultOption(e.Desc.Options().(*descriptorpb.EnumOptions)) // ReadRequest returns the error
	if ok && (canonical <= code.Code_OK || canonical > code.Code_UNAUTHENTICATED) {
		return fmt.Errorf("%s: enum %s has the option (errstatus.v1.default_grpc_code) = %v: set the code of an error, such as INTERNAL. Number 0 is always OK",
			Position(e.Desc), e.Desc.FullName(), canonical)
	}
	e.canonical = canonical
	return nil
}

// complete builds a table from the rows. NewTable checks them, and e takes its defaults for
// empty fields.
func (e *Enum) complete() error {
	rows := make([]codes.Row, len(e.Codes))
	for i, c := range e.Codes {
		rows[i] = c.Row
	}
	table, err := codes.NewTable(e.Domain, rows...)
	if err != nil {
		return e.locate(err)
	}
	i := 0
	for row := range table.All() {
		e.Codes[i].Row, e.Codes[i].Params = row, slices.Collect(template.Names(row.Template))
		i++
	}
	return nil
}

// locate returns an error of NewTable with the place of the value in each line about a
// row, and the place of the enum in each other line.
func (e *Enum) locate(err error) error {
	var located []error
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		if row, ok := err.(interface{ Row() int }); ok {
			c := e.Codes[row.Row()]
			err = fmt.Errorf("%s: %s (%s = %d), option (errstatus.v1.row): %w",
				Position(c.Desc), c.Desc.FullName(), c.Row.Name, c.Desc.Number(), errors.Unwrap(err))
		} else {
			err = fmt.Errorf("%s: enum %s, option (errstatus.v1.domain): %w", Position(e.Desc), e.Desc.FullName(), err)
		}
		located = append(located, err)
	}
	return errors.Join(located...)
}

// checkNoOptions returns an error if an enum without a domain has another of our options,
// which would otherwise be ignored.
func checkNoOptions(enum *protogen.Enum) error {
	if _, ok, _ := defaultOption(enum.Desc.Options().(*descriptorpb.EnumOptions)); ok {
		return fmt.Errorf("%s: enum %s has the option (errstatus.v1.default_grpc_code), but no (errstatus.v1.domain): add the domain, such as \"billing.example.com\", or remove the option",
			Position(enum.Desc), enum.Desc.FullName())
	}
	for _, value := range enum.Values {
		if optionOf(value) != nil {
			return fmt.Errorf("%s: %s has the option (errstatus.v1.row), but enum %s has no (errstatus.v1.domain): add the domain to the enum, such as \"billing.example.com\", or remove the option",
				Position(value.Desc), value.Desc.FullName(), enum.Desc.FullName())
		}
	}
	return nil
}

// optionOf returns the option (errstatus.v1.row) of a value, or nil if it has none.
func optionOf(value *protogen.EnumValue) *annotations.Row {
	row, _ := rowOption(value.Desc.Options().(*descriptorpb.EnumValueOptions)) // ReadRequest returns the error
	return row
}

// read sets the row. It returns the mistakes that only a .proto file can have; NewTable
// finds the others.
func (c *Code) read(e *Enum) error {
	var wrong []error
	place, name := Position(c.Desc), c.Desc.FullName()
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: %w", place, fmt.Errorf(format, args...)))
	}
	option := optionOf(c.EnumValue)
	c.HasRow, c.Row = option != nil, c.rowOf(e, option)
	if name := string(c.Desc.Name()); c.Desc.Number() != 0 || !isReserved(name) {
		c.addName(name)
	}
	isError := c.Desc.Number() != 0
	switch {
	case isError && option == nil && e.canonical == code.Code_OK:
		report("%s has no option (errstatus.v1.row): give it one with a grpc_code, or give the enum the option (errstatus.v1.default_grpc_code)", name)
	case isError && c.Row.GRPCCode == grpccodes.OK:
		report("%s (%s = %d) has no grpc_code or OK in the option (errstatus.v1.row): set that of an error, such as NOT_FOUND, "+
			"or give the enum the option (errstatus.v1.default_grpc_code); only number 0 has OK", name, c.Row.Name, c.Desc.Number())
	}
	if fault := option.GetFault(); annotations.Fault_name[int32(fault)] == "" {
		report("%s has the fault %d in the option (errstatus.v1.row): use FAULT_CALLER, FAULT_SERVER or FAULT_TRANSIENT, or leave fault out", name, fault)
	}
	if retry := option.GetRetry(); annotations.Retry_name[int32(retry)] == "" {
		report("%s has the retry %d in the option (errstatus.v1.row): use RETRY_NEVER, RETRY_CALL or RETRY_TRANSACTION, or leave retry out", name, retry)
	}
	if err := checkFilled(c.Row); err != nil {
		report("%s, option (errstatus.v1.row): %w", name, err)
	}
	switch isName := IsGoName(c.Row.Name); {
	case option.GetGoName() != "" && !isName:
		report("%s has the go_name %q in the option (errstatus.v1.row): begin it with a capital letter, and use letters, digits and underscores", name, option.GetGoName())
	case !isName:
		report("the Go name of %s would be %q, which isn't a valid exported name: set another in the option (errstatus.v1.row), such as %s", name, c.Row.Name, c.proposal(e, option))
	}
	return errors.Join(wrong...)
}

// checkFilled returns an error for a message with a parameter in a row without a template.
// NewTable refuses the same in a row with one.
func checkFilled(row codes.Row) error {
	if row.Template != "" {
		return nil
	}
	for _, m := range append([]codes.LocalizedMessage{{Message: row.Message}}, row.Localized...) {
		if parameter, ok := template.Parameter(m.Message); ok {
			return fmt.Errorf("message %q has {%s}, which is not filled: put it in template", m.Message, parameter)
		}
	}
	return nil
}

// proposal returns fields for the row of a value that has no Go name, such as one that begins
// with a digit. A default reason has Code before the digit too, and a default message has the
// words of the reason.
func (c *Code) proposal(e *Enum, option *annotations.Row) string {
	proposal := fmt.Sprintf("go_name: %q", "Code"+c.Row.Name)
	if option.GetReason() != "" || c.Row.Name == "" {
		return proposal
	}
	reason := "CODE_" + trimEnum(e.Enum, string(c.Desc.Name()))
	proposal += fmt.Sprintf(" reason: %q", reason)
	if option.GetMessage() == "" && c.Desc.Number() != 0 {
		words := strings.ToLower(strings.ReplaceAll(reason, "_", " "))
		proposal += fmt.Sprintf(". The message would be %q: set message for another", words)
	}
	return proposal
}

// rowOf returns the row of a value with its option (errstatus.v1.row), which may be nil.
func (c *Code) rowOf(e *Enum, option *annotations.Row) codes.Row {
	row := codes.Row{
		Code:          number(c.Desc.Number()),
		Name:          option.GetGoName(),
		Reason:        option.GetReason(),
		GRPCCode:      grpccodes.Code(option.GetGrpcCode()),
		Message:       option.GetMessage(),
		FormerReasons: option.GetFormerReasons(),
		Template:      option.GetTemplate(),
		Default:       option.GetDefault(),

		FaultOverride: codes.Fault(option.GetFault()), // the numbers are the same
		RetryOverride: codes.Retry(option.GetRetry()), // likewise
	}
	if row.Name == "" {
		row.Name = ShortName(e.Enum, c.EnumValue)
	}
	if row.Reason == "" {
		row.Reason = reasonOf(e.Enum, c.EnumValue)
	}
	if row.GRPCCode == grpccodes.OK && c.Desc.Number() != 0 {
		row.GRPCCode = grpccodes.Code(e.canonical)
	}
	for _, m := range option.GetLocalized() {
		row.Localized = append(row.Localized, codes.LocalizedMessage{Locale: m.GetLocale(), Message: m.GetMessage(), Template: m.GetTemplate()})
	}
	return row
}

// addAlias adds another value with the number of c.
func (c *Code) addAlias(e *Enum, value *protogen.EnumValue) error {
	if optionOf(value) != nil {
		return fmt.Errorf("%s: %s is an alias of %s and has the option (errstatus.v1.row): remove the option: all names of a number share the row of the first name",
			Position(value.Desc), value.Desc.FullName(), c.Desc.FullName())
	}
	c.Aliases = append(c.Aliases, value)
	if name := ShortName(e.Enum, value); IsGoName(name) {
		c.addName(name)
	}
	c.addName(string(value.Desc.Name()))
	return nil
}

// addName adds a name to the row unless the row has it.
func (c *Code) addName(name string) {
	if name != c.Row.Name && !slices.Contains(c.Row.OtherNames, name) {
		c.Row.OtherNames = append(c.Row.OtherNames, name)
	}
}

// IsGoName reports whether a name can be that of an exported Go constant.
func IsGoName(name string) bool { return token.IsIdentifier(name) && token.IsExported(name) }

// IsDeprecated reports whether a declaration or its whole file is deprecated.
func IsDeprecated(desc protoreflect.Descriptor) bool {
	options, ok := desc.Options().(interface{ GetDeprecated() bool })
	return ok && options.GetDeprecated() || IsFileDeprecated(desc)
}

// IsFileDeprecated reports whether the whole file of a declaration is deprecated.
func IsFileDeprecated(desc protoreflect.Descriptor) bool {
	return desc.ParentFile().Options().(*descriptorpb.FileOptions).GetDeprecated()
}

// Position returns the file, line and column of a declaration, in the form of a
// compiler's messages. It returns the file alone if the compiler sent no positions.
func Position(desc protoreflect.Descriptor) string {
	file := desc.ParentFile()
	loc := file.SourceLocations().ByDescriptor(desc)
	if loc.Path == nil {
		return file.Path()
	}
	return fmt.Sprintf("%s:%d:%d", file.Path(), loc.StartLine+1, loc.StartColumn+1)
}

// A number is a code of the type that is being generated. With it NewTable can
// check the rows.
type number int32

func (n number) Error() string        { return fmt.Sprint(int32(n)) }
func (n number) Number() codes.Number { return codes.Number(n) }
func (n number) Table() *codes.Table  { return nil }
