package status

import (
	"reflect"
	"slices"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/template"
)

// With returns a Status with the code of p, and p's parameters as its metadata. Its message
// is the template of the code's row, filled with the parameters: callers read "card 4242 was
// declined" for
//
//	return nil, status.With(billing.CardDeclinedError{Card: "4242"}).Wrap(err)
//
// A handler can also return p itself, as a value or a pointer, under %w or in errors.Join.
// A caller reads the parameters back from an error that carries the code:
//
//	if declined, ok := errors.AsType[billing.CardDeclinedError](err); ok { … }
//
// errors.As does the same for a variable of that type. Both fill the struct from
// [Status.Metadata]. They find nothing if a parameter isn't in it, or if the error carries
// another code or none. Ask for the struct, and not for a pointer to it: no error that was
// received wraps a *billing.CardDeclinedError.
//
// The parameters are public. They are metadata like that of [Status.WithMetadata], so these
// hold:
//
//   - WithMetadata with the name of a parameter sets it, in the metadata and in the message.
//   - [Status.WithMessage] replaces the message and keeps the parameters. An empty message
//     means the filled template again.
//   - [Status.WithCode] keeps the parameters as metadata. The message is that of the other
//     code's row: its filled template, if the metadata has all parameters of it.
//   - If a server has a table with another template for the code, it sends that. The message
//     of the row is sent if the template has a parameter that p lacks.
//
// As [New] does, With replaces a code that can't be sent: it returns the INTERNAL default if
// p is nil or a nil pointer, or if p's Code is nil or negative. If a method of p panics, With
// returns the INTERNAL default too, with the panic as its cause.
func With(p codes.Params) *Status {
	var st *Status
	if panicked := catchPanic(func() { st = withParams(p) }); panicked != nil {
		st = New(nil, "")
		st.changeExtra(func(x *extra) { x.cause = panicked })
	}
	return st
}

// withParams is [With], but panics if a method of p panics.
func withParams(p codes.Params) *Status {
	if isNil(p) {
		return New(nil, "")
	}
	code := p.Code()
	if code != nil {
		code = canonicalType(code)
	}
	if code == nil || code.Number() <= 0 {
		return New(code, "")
	}
	return withParamsOf(code, p)
}

// withParamsOf returns a Status with a code, which can be sent, and the parameters of p. It
// doesn't ask p for its code.
func withParamsOf(c codes.Code, p codes.Params) *Status {
	st := New(c, "")
	st.addParams(p.AppendParams(nil))
	return st
}

func isParams(err error) bool {
	_, ok := err.(codes.Params)
	return ok
}

// isNil reports whether p is nil or a nil pointer.
func isNil(p codes.Params) bool {
	v := reflect.ValueOf(p)
	return p == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// rowMessage returns the message of a row: its template, filled with the metadata that this
// process added, or its Message if that isn't possible.
func (st *Status) rowMessage(row codes.Row) string {
	if st != nil && st.added != nil && row.Template != "" {
		if message, ok := template.Fill(row.Template, st.added.lookup); ok {
			return message
		}
	}
	return row.Message
}

// isBareParams reports whether err is a Params without a text or a cause of its own: it
// prints no more than its Status, and unwraps to its code alone.
func isBareParams(err error) (bare bool) {
	p, ok := err.(codes.Params)
	if !ok {
		return false
	}
	_ = catchPanic(func() {
		st := withParams(p)
		var t tree
		t.read(err)
		bare = t.size <= 2 && t.has(st.code) && err.Error() == st.String()
	})
	return bare
}

// receivedParams and statedParams are errors in the chain of an error whose code has a
// template. They come after the code. errors.As finds the code first, and then uses them to
// fill parameter errors. A tree skips them.
type (
	receivedParams receivedError
	statedParams   statusError
)

func (e *receivedParams) Error() string { return (*receivedError)(e).Error() }
func (e *statedParams) Error() string   { return (*statusError)(e).Error() }

// As sets a target of errors.As, such as a *billing.CardDeclinedError, to the parameters.
func (e *receivedParams) As(target any) bool { return readParams(target, e.code, (*receivedError)(e)) }

// As sets a target of errors.As, such as a *billing.CardDeclinedError, to the parameters.
func (e *statedParams) As(target any) bool { return readParams(target, e.st.code, &e.st) }

// isParamsLink reports whether err is a link of a chain that only errors.As needs.
func isParamsLink(err error) bool {
	switch err.(type) {
	case *receivedParams, *statedParams:
		return true
	}
	return false
}

// readParams fills target with the parameters in metadata, if target is a pointer to the
// parameter error of the code. It reports whether it did.
func readParams(target any, code codes.Code, metadata interface {
	lookup(key string) (value string, ok bool)
}) (ok bool) {
	reader, isReader := target.(codes.ParamsReader)
	if !isReader {
		return false
	}
	_ = catchPanic(func() { ok = reader.Code() == code && reader.ReadParams(metadata.lookup) })
	return ok
}

// lookup returns the value that Metadata has for a key, for a Status that carries a code.
func (st *Status) lookup(key string) (value string, ok bool) {
	if value, ok = st.added.lookup(key); ok {
		return value, true
	}
	return st.received.lookup(key)
}

// lookup returns the value that metadata has for a key, for a Status that carries a code.
func (e *receivedError) lookup(key string) (value string, ok bool) {
	if e == nil || e.origin == OriginForeign || key == errorinfo.NumberKey {
		return "", false
	}
	fields := &e.fields
	if !e.hasFields {
		scanned, _ := e.scanned()
		fields = &scanned
	}
	found, ok := fields.Lookup(e.info(), key)
	if !ok || fields.BadKey && !errorinfo.IsMetadataKey(key) {
		return "", false
	}
	return string(found), true
}

// mayHaveParams reports whether the code's row has a template, and the ErrorInfo differs
// from that of the row.
func (e *receivedError) mayHaveParams() bool {
	return e.carries && e.hasFields && hasTemplate(e.tables().forCode(e.code), e.code)
}

// mayHaveParams reports whether the code's row has a template, and whether the Status has
// metadata.
func (st *Status) mayHaveParams() bool {
	return (st.added != nil || st.received != nil) && hasTemplate(st.tableIn(st.received.tables()), st.code)
}

// paramNames returns the names of the parameters in a row's template.
func paramNames(row codes.Row) []string { return slices.Collect(template.Names(row.Template)) }

// hasTemplate reports whether a table has a row with a template for a code.
func hasTemplate(table *codes.Table, code codes.Code) bool {
	if !table.Has(code.Number()) { // Lookup would make up a row
		return false
	}
	row, _ := table.Lookup(code.Number())
	return row.Template != ""
}
