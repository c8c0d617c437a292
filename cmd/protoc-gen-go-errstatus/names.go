package main

import (
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// names are the Go names that are declared, and what each is of: a Go package can
// have each once.
type names map[protogen.GoIdent]protoreflect.FullName

// add enters the types and constants of tables, or finds the first that is there
// already.
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

func (n names) declare(name protogen.GoIdent, desc protoreflect.Descriptor) error {
	if first, ok := n[name]; ok {
		return fmt.Errorf("%s: %s would be called %s in Go, as %s is: rename one, or send them to two Go packages",
			place(desc), desc.FullName(), name.GoName, first)
	}
	n[name] = desc.FullName()
	return nil
}
