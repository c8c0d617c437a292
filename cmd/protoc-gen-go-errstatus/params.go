package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/errstatus/errstatus/internal/protoenum"
)

// paramsTemplate has the error type of a code with parameters.
var paramsTemplate = template.Must(template.New("params").Parse(`
// {{.Article}} {{.Type}} is the {{.Enum}} {{.Name}} with its parameters:
// {{.Text}}.
//
// A handler returns it, as a value or a pointer, alone or wrapped. The caller gets the text
// with the parameters as the message, and the parameters as metadata of the ErrorInfo: all
// of them are public. errors.As and errors.AsType[{{.Type}}] find it,
// in a client if the status has all parameters. errors.AsType[*{{.Type}}]
// reports false in a client.
{{.Deprecated}}type {{.Type}} struct {
{{range .Fields}}	{{.GoName}} string // {{"{"}}{{.Name}}{{"}"}}
{{end}}}

// Code returns {{.Name}}.
func (e {{.Type}}) Code() {{.Code}} { return {{.Constant}} }

// Error returns the code's name and the text with the parameters, as one line.
func (e {{.Type}}) Error() string { return e.Code().Table().ErrorOf(e) }

// Unwrap returns {{.Name}}, so that errors.Is finds it.
func (e {{.Type}}) Unwrap() error { return e.Code() }

// As sets a target of errors.As to the parameters, so that a pointer is found as a value is.
func (e {{.Type}}) As(target any) bool {
	found, ok := target.(*{{.Type}})
	if ok {
		*found = e
	}
	return ok
}

// GRPCStatus returns the status that is sent; see the table's GRPCStatusOf.
func (e {{.Type}}) GRPCStatus() *{{.Status}} { return e.Code().Table().GRPCStatusOf(e) }

// LogValue returns a group with the code's name, number, reason and canonical code, and the
// text with the parameters.
func (e {{.Type}}) LogValue() {{.SlogValue}} { return e.Code().Table().LogValueOf(e) }

// AppendParams appends the parameters, in the order in which the text names them.
func (e {{.Type}}) AppendParams(params []{{.Param}}) []{{.Param}} {
	return append(params,
{{range .Fields}}		{{$.Param}}{Name: "{{.Name}}", Value: e.{{.GoName}}},
{{end}}	)
}

// ReadParams sets the fields to the values that lookup returns, and reports whether lookup
// has all of them. If not, it changes nothing.
func (e *{{.Type}}) ReadParams(lookup func(name string) (value string, ok bool)) bool {
	var read {{.Type}}
	var ok bool
{{range .Fields}}	if read.{{.GoName}}, ok = lookup("{{.Name}}"); !ok {
		return false
	}
{{end}}	*e = read
	return true
}
`))

// A field is a parameter of a code.
type field struct{ Name, GoName string }

// paramsType returns the name of the error type of a code with parameters.
func (g *generator) paramsType(e *protoenum.Enum, c *protoenum.Code) string {
	return g.shortName(e, c) + "Error"
}

// writeParams writes the error type of a code with parameters.
func (g *generator) writeParams(out *protogen.GeneratedFile, e *protoenum.Enum, c *protoenum.Code) {
	in := func(pkg protogen.GoImportPath, name string) string {
		return out.QualifiedGoIdent(pkg.Ident(name))
	}
	typ := g.paramsType(e, c)
	err := paramsTemplate.Execute(out, map[string]any{
		"Article":    article(typ),
		"Type":       typ,
		"Enum":       e.GoIdent.GoName,
		"Name":       c.Row.Name,
		"Text":       strconv.Quote(c.Row.Template),
		"Deprecated": deprecation(c.Desc),
		"Fields":     fields(c),
		"Constant":   g.constant(e, c),
		"Code":       in(codesPackage, "Code"),
		"Param":      in(codesPackage, "Param"),
		"Status":     in(statusPackage, "Status"),
		"SlogValue":  in("log/slog", "Value"),
	})
	if err != nil {
		panic(err) // the template and its data are both in this file
	}
}

// article returns the indefinite article before a name.
func article(name string) string {
	if strings.ContainsRune("AEIO", rune(name[0])) {
		return "An"
	}
	return "A"
}

// fields returns the parameters of a code in the order of its template.
func fields(c *protoenum.Code) []field {
	var all []field
	for _, name := range c.Params {
		all = append(all, field{name, goFieldName(name)})
	}
	return all
}

// goFieldName returns the name that protoc-gen-go would give a field: UserId for user_id.
func goFieldName(name string) string {
	b := make([]byte, 0, len(name))
	upper := true
	for i, c := range []byte(name) {
		isSmall := 'a' <= c && c <= 'z'
		if c == '_' && i+1 < len(name) && 'a' <= name[i+1] && name[i+1] <= 'z' {
			upper = true
			continue
		}
		if isSmall && upper {
			c -= 'a' - 'A'
		}
		upper = !isSmall
		b = append(b, c)
	}
	return string(b)
}

// paramsMethods are the names of the methods of a parameter error.
var paramsMethods = map[string]bool{
	"Code": true, "Error": true, "Unwrap": true, "As": true, "GRPCStatus": true, "LogValue": true, "AppendParams": true, "ReadParams": true,
}

// checkFields returns an error for parameters that can't be fields in Go.
func checkFields(c *protoenum.Code) error {
	var wrong []error
	first := map[string]string{}
	for _, f := range fields(c) {
		report := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("%s: %s, option (errstatus.v1.row): template %q: %w",
				protoenum.Position(c.Desc), c.Desc.FullName(), c.Row.Template, fmt.Errorf(format, args...)))
		}
		if paramsMethods[f.GoName] {
			report("the parameter {%s} would be the Go field %s, but the error type has a method of that name: choose another name, such as {%s_text}", f.Name, f.GoName, f.Name)
		}
		if other, ok := first[f.GoName]; ok {
			report("the parameters {%s} and {%s} would both be the Go field %s: rename one", other, f.Name, f.GoName)
		}
		first[f.GoName] = f.Name
	}
	return errors.Join(wrong...)
}
