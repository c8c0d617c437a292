package main

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/errstatus/errstatus/internal/protoenum"
)

// prefixed returns a name with the name of its enum's type before it, if the options say so.
func (g *generator) prefixed(e *protoenum.Enum, name string) string {
	if g.options.keepPrefix {
		return e.GoIdent.GoName + name
	}
	return name
}

// shortName returns the name of the constant that this plugin makes of a code.
func (g *generator) shortName(e *protoenum.Enum, c *protoenum.Code) string {
	return g.prefixed(e, c.Row.Name)
}

// constant returns the name of a code's constant: that of protoc-gen-go if the methods are
// attached to its type.
func (g *generator) constant(e *protoenum.Enum, c *protoenum.Code) string {
	if g.options.attach {
		return c.GoIdent.GoName
	}
	return g.shortName(e, c)
}

// hasConstants reports whether this plugin makes constants of a code. Most enums of a package
// call number 0 UNSPECIFIED. It seldom has a row, and protoc-gen-go has a constant for it.
func (g *generator) hasConstants(c *protoenum.Code) bool {
	return !g.options.attach || g.options.shortConstants && (c.HasRow || c.Desc.Number() != 0)
}

// aliases returns the aliases of a code that need constants, with their Go names. An alias
// with the same Go name as the code needs none, and one without a Go name can't have one.
func (g *generator) aliases(e *protoenum.Enum, c *protoenum.Code) iter.Seq2[string, *protogen.EnumValue] {
	return func(yield func(string, *protogen.EnumValue) bool) {
		seen := []string{c.Row.Name}
		for _, alias := range c.Aliases {
			name := protoenum.ShortName(e.Enum, alias)
			if slices.Contains(seen, name) || !protoenum.IsGoName(name) {
				continue
			}
			seen = append(seen, name)
			if !yield(g.prefixed(e, name), alias) {
				return
			}
		}
	}
}

// names has the Go names that are taken. A Go package can declare a name only once.
type names map[protogen.GoIdent]taken

// A taken says what has a Go name: in protobuf, and the enum for which this plugin makes it.
type taken struct {
	by   string
	enum *protoenum.Enum // nil if another plugin makes it
}

// add adds the name of something that another plugin makes.
func (n names) add(ident protogen.GoIdent, by string) { n[ident] = taken{by: by} }

// declare adds the names that are generated for enums: first the types, which have no go_name.
// It returns an error for each name that is taken.
func (g *generator) declare(enums []*protoenum.Enum) error {
	var wrong []error
	if !g.options.attach {
		for _, e := range enums {
			wrong = append(wrong, g.take(e, e.GoIdent.GoName, e.Desc, "", func() string { return "rename the enum" }))
		}
	}
	for _, e := range enums {
		for _, c := range e.Codes {
			wrong = append(wrong, g.declareCode(e, c))
		}
	}
	return errors.Join(wrong...)
}

// declareCode adds the names that are generated for a code.
func (g *generator) declareCode(e *protoenum.Enum, c *protoenum.Code) error {
	var wrong []error
	setName := func() string { return fmt.Sprintf("set go_name: %q in its option (errstatus.v1.row)", g.propose(e, c)) }
	if len(c.Params) > 0 {
		wrong = append(wrong, g.take(e, g.paramsType(e, c), c.Desc, "the parameters of ", setName))
	}
	if g.hasConstants(c) {
		wrong = append(wrong, g.take(e, g.shortName(e, c), c.Desc, "", setName))
		for name, alias := range g.aliases(e, c) {
			wrong = append(wrong, g.take(e, name, alias.Desc, "", func() string { return "rename the alias" }))
		}
	}
	return errors.Join(wrong...)
}

// propose returns a go_name for a code whose own name is taken, and keeps it from being proposed
// again: StockSoldOut for SoldOut of StockCode or, if that is taken too, StockCodeSoldOut.
func (g *generator) propose(e *protoenum.Enum, c *protoenum.Code) string {
	typ := strings.ReplaceAll(e.GoIdent.GoName, "_", "")
	short := strings.TrimSuffix(typ, "Code")
	proposed := short + c.Row.Name
	for _, longer := range []string{short + "Code", short + "Enum", short + "EnumCode"} {
		if !g.isFree(e, c, proposed) {
			proposed = longer + c.Row.Name
		}
	}
	g.proposed[e.GoIdent.GoImportPath.Ident(proposed)] = c
	return proposed
}

// isFree reports whether a code can have a go_name: nothing has it or the name of the error type
// that belongs to it, and it wasn't proposed for another code.
func (g *generator) isFree(e *protoenum.Enum, c *protoenum.Code, name string) bool {
	pkg := e.GoIdent.GoImportPath
	other := g.proposed[pkg.Ident(name)]
	return g.names[pkg.Ident(name)] == (taken{}) && g.names[pkg.Ident(name+"Error")] == (taken{}) && (other == nil || other == c)
}

// take adds the Go name of a declaration, or of something that belongs to it. If the name is
// taken, take returns an error that says how to mend it.
func (g *generator) take(e *protoenum.Enum, name string, desc protoreflect.Descriptor, belonging string, mend func() string) error {
	ident := e.GoIdent.GoImportPath.Ident(name)
	first := g.names[ident]
	if first == (taken{}) {
		g.names[ident] = taken{belonging + string(desc.FullName()), e}
		return nil
	}
	text := mend()
	if _, isType := desc.(protoreflect.EnumDescriptor); first.enum != e {
		if !isType && !g.options.keepPrefix {
			text += ", or run the plugin with prefix=keep, which renames all constants and error types of the run"
		}
		if !g.options.attach {
			text += ", or move one enum to another Go package"
		}
	}
	return fmt.Errorf("%s: %s%s would have the Go name %s, but %s has it already: %s",
		protoenum.Position(desc), belonging, desc.FullName(), name, first.by, text)
}

// addProtobuf adds the names that protoc-gen-go and protoc-gen-go-grpc generate for files.
func (n names) addProtobuf(files []*protogen.File) {
	for _, file := range files {
		n.add(file.GoDescriptorIdent, file.Desc.Path())
		for _, enum := range file.Enums {
			n.addEnum(enum)
		}
		for _, message := range file.Messages {
			n.addMessage(message)
		}
		n.addExtensions(file.Extensions)
		for _, service := range file.Services {
			n.addService(file, service)
		}
	}
}

func (n names) addEnum(enum *protogen.Enum) {
	name := string(enum.Desc.FullName())
	for _, suffix := range []string{"", "_name", "_value"} {
		n.add(enum.GoIdent.GoImportPath.Ident(enum.GoIdent.GoName+suffix), name)
	}
	for _, value := range enum.Values {
		n.add(value.GoIdent, string(value.Desc.FullName()))
		if value.PrefixedAlias.GoName != "" {
			n.add(value.PrefixedAlias, string(value.Desc.FullName()))
		}
	}
}

func (n names) addMessage(message *protogen.Message) {
	pkg, name := message.GoIdent.GoImportPath, message.GoIdent.GoName
	n.add(message.GoIdent, string(message.Desc.FullName()))
	n.add(pkg.Ident(name+"_builder"), string(message.Desc.FullName()))
	for _, field := range message.Fields {
		n.add(field.GoIdent, string(field.Desc.FullName())) // the type of a field in a oneof
		n.add(pkg.Ident("Default_"+name+"_"+field.GoName), string(field.Desc.FullName()))
	}
	n.addExtensions(message.Extensions)
	for _, enum := range message.Enums {
		n.addEnum(enum)
	}
	for _, inner := range message.Messages {
		n.addMessage(inner)
	}
}

func (n names) addExtensions(extensions []*protogen.Extension) {
	for _, extension := range extensions {
		n.add(extension.GoIdent.GoImportPath.Ident("E_"+extension.GoIdent.GoName), string(extension.Desc.FullName()))
	}
}

func (n names) addService(file *protogen.File, service *protogen.Service) {
	for _, format := range []string{"%sClient", "%sServer", "New%sClient", "Register%sServer", "Unimplemented%sServer", "Unsafe%sServer", "%s_ServiceDesc"} {
		n.add(file.GoImportPath.Ident(fmt.Sprintf(format, service.GoName)), string(service.Desc.FullName()))
	}
	for _, method := range service.Methods {
		for _, suffix := range []string{"Client", "Server", "_FullMethodName"} { // the types are those of a stream
			n.add(file.GoImportPath.Ident(service.GoName+"_"+method.GoName+suffix), string(method.Desc.FullName()))
		}
	}
}
