package protoenum

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
)

// Domains has the domains of a request, each with the first enum that has it. A
// domain and a reason identify one code on the wire, so a domain has one Go type.
type Domains map[string]*protogen.Enum

// ImportedDomains returns the domains of the files that generated files import, directly
// or not. Their Go types come from another run or another module, but the domain is still
// taken: a peer would read a reason of one enum as a code of the other.
//
// If two imported enums have one domain, the first counts. This is no error, because
// this run generates neither, and the author of the importing file may not be able
// to change them.
func ImportedDomains(files []*protogen.File) Domains {
	d := Domains{}
	for _, file := range files {
		if file.Generate {
			continue
		}
		for _, enum := range allEnums(file) {
			if domain, ok := domainOf(enum); ok && d[domain] == nil {
				d[domain] = enum
			}
		}
	}
	return d
}

// Add adds the domains of enums that are generated. It returns an error for each
// domain that is taken.
func (d Domains) Add(enums []*Enum) error {
	var wrong []error
	for _, e := range enums {
		if first := d[e.Domain]; first != nil {
			wrong = append(wrong, refuseDomain(e, first))
			continue
		}
		d[e.Domain] = e.Enum
	}
	return errors.Join(wrong...)
}

// refuseDomain returns the error for an enum whose domain belongs to another enum.
func refuseDomain(e *Enum, first *protogen.Enum) error {
	return fmt.Errorf("%s: enum %s has the domain %q, which is also that of enum %s (%s): one domain has one Go type, so give one of them another domain; "+
		`two API versions of an enum take two domains, such as "v1.billing.example.com" and "v2.billing.example.com"`,
		Position(e.Desc), e.Desc.FullName(), e.Domain, first.Desc.FullName(), Position(first.Desc))
}
