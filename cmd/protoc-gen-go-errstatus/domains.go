package main

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
)

// domains has the domains of a request, each with the first enum that has it. A
// domain and a reason identify one code on the wire, so a domain has one Go type.
type domains map[string]*protogen.Enum

// importedDomains returns the domains of the files that generated files import, directly
// or not. Their Go types come from another run or another module, but the domain is still
// taken: a peer would read a reason of one enum as a code of the other.
//
// If two imported enums have one domain, the first counts. This is no error, because
// this run generates neither, and the author of the importing file may not be able
// to change them.
func importedDomains(files []*protogen.File) domains {
	d := domains{}
	for _, file := range files {
		if file.Generate {
			continue
		}
		for _, enum := range enumsOf(file) {
			if domain, ok := domainOf(enum); ok && d[domain] == nil {
				d[domain] = enum
			}
		}
	}
	return d
}

// add adds the domains of tables that are generated. It returns an error for each
// domain that is taken.
func (d domains) add(tables []*table) error {
	var wrong []error
	for _, t := range tables {
		if first := d[t.domain]; first != nil {
			wrong = append(wrong, refuseDomain(t, first))
			continue
		}
		d[t.domain] = t.enum
	}
	return errors.Join(wrong...)
}

// refuseDomain returns the error for a table whose domain belongs to another enum.
func refuseDomain(t *table, first *protogen.Enum) error {
	return fmt.Errorf("%s: enum %s has the domain %q, which is also that of enum %s (%s): one domain has one Go type, so give one of them another domain; "+
		`two API versions of an enum take two domains, such as "v1.billing.example.com" and "v2.billing.example.com"`,
		position(t.enum.Desc), t.enum.Desc.FullName(), t.domain, first.Desc.FullName(), position(first.Desc))
}
