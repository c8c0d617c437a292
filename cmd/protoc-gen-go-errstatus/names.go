package main

import (
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// names has the Go names that are generated, each with the protobuf name that it
// comes from. A Go package can declare a name only once.
type names map[protogen.GoIdent]protoreflect.FullName

// add adds the types and constants of tables. It returns an error for the first
// name that is taken.
func (n names) add(pkg protogen.GoImportPath, tables []*table) error {
	for _, t := range tables {
		if err := n.declare(pkg.Ident(t.goName), t.enum.Desc); err != nil {
			return err
		}
		for i, value := range t.values {
			if err := n.declare(pkg.Ident(t.rows[i].Name), value.Desc); err != nil {
				return err
			}
		}
	}
	return nil
}

// declare adds one name, or returns an error if it is taken.
func (n names) declare(name protogen.GoIdent, desc protoreflect.Descriptor) error {
	if first, ok := n[name]; ok {
		return fmt.Errorf("%s: the Go name of %s would be %s, which is also that of %s: rename one, or write them to two Go packages",
			position(desc), desc.FullName(), name.GoName, first)
	}
	n[name] = desc.FullName()
	return nil
}
