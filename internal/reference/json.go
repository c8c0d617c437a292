package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// MaxSize is the size of the largest JSON that [Read] accepts, in bytes.
const MaxSize = 64 << 20

// WriteJSON writes the reference as JSON. Equal references have equal bytes.
func (r *Reference) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Read reads a reference from JSON that [Reference.WriteJSON] has written. It refuses
// another version, fields that it doesn't know, and codes that no table can have. The error
// says where each mistake is.
func Read(in io.Reader) (*Reference, error) {
	b, err := io.ReadAll(io.LimitReader(in, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("the reference has more than %d bytes: no enum needs so many", MaxSize)
	}
	r, err := decode(b)
	if err != nil {
		return nil, err
	}
	table, err := r.Table()
	if err != nil {
		return nil, err
	}
	if err := r.checkDerived(table); err != nil {
		return nil, err
	}
	return r, nil
}

// decode decodes JSON. It decodes each code by itself, so that an error names it.
func decode(b []byte) (*Reference, error) {
	var version struct{ Version *int }
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, fmt.Errorf("%s: not the JSON that protoc-gen-errstatus-doc of this version writes: %w", place(b, err), err)
	}
	if version.Version == nil {
		return nil, errors.New("no version: give a file that protoc-gen-errstatus-doc wrote with format=json")
	}
	if *version.Version != Version {
		return nil, fmt.Errorf("version %d, but this program reads version %d: use a protoc-gen-errstatus-doc of the same release", *version.Version, Version)
	}
	var r struct {
		Reference
		Codes []json.RawMessage `json:"codes"` // hides that of Reference
	}
	if err := decodeStrictly(b, &r); err != nil {
		return nil, err
	}
	r.Reference.Codes = make([]Code, len(r.Codes))
	for i, raw := range r.Codes {
		if err := decodeStrictly(raw, &r.Reference.Codes[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", r.place(i), err)
		}
	}
	return &r.Reference, nil
}

// decodeStrictly decodes JSON and refuses fields that v doesn't have.
func decodeStrictly(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// place returns the line and column of an error of package json, both counted from 1.
func place(b []byte, err error) string {
	offset := int64(len(b))
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &wrongType):
		offset = wrongType.Offset
	}
	before := b[:min(max(offset-1, 0), int64(len(b)))]
	return fmt.Sprintf("%d:%d", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n'))
}

// place returns the place of a code in the JSON, with what is known of its identity.
func (r *Reference) place(i int) string {
	c := r.Codes[i]
	return fmt.Sprintf("codes[%d] (%s = %d)", i, c.Name, c.Number)
}

// Table returns a table with a row for each code. The table's codes have a type of this
// package, so it is for looking codes up and for [codes.Compare]: its codes are not those
// of a program. The error lists everything that is wrong, with the code in every line. It
// is nil for a reference of [Read].
func (r *Reference) Table() (*codes.Table, error) {
	rows := make([]codes.Row, len(r.Codes))
	var wrong []error
	for i, c := range r.Codes {
		row, err := c.row()
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", r.place(i), err))
		}
		rows[i] = row
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return codes.NewTable(r.Domain, rows...)
}

// row returns the code's row.
func (c Code) row() (codes.Row, error) {
	row := codes.Row{
		Code:          number(c.Number),
		Name:          c.Name,
		OtherNames:    c.OtherNames,
		Reason:        c.Reason,
		Message:       c.Message,
		FormerReasons: c.FormerReasons,
		Template:      c.Template,
		Default:       c.Default,
	}
	for _, m := range c.Localized {
		row.Localized = append(row.Localized, codes.LocalizedMessage(m))
	}
	canonical, ok := code.Code_value[c.GRPCCode]
	if !ok {
		return row, fmt.Errorf("grpc_code %q is not a canonical code: give one such as NOT_FOUND", c.GRPCCode)
	}
	row.GRPCCode = grpccodes.Code(canonical)
	fault, err := parse("fault", c.Fault, codes.FaultNone, codes.FaultCaller, codes.FaultServer, codes.FaultTransient)
	if err != nil {
		return row, err
	}
	if fault != codes.FaultOf(row.GRPCCode) {
		row.FaultOverride = fault
	}
	retry, err := parse("retry", c.Retry, codes.RetryNever, codes.RetryCall, codes.RetryTransaction)
	if retry != codes.RetryOf(row.GRPCCode) {
		row.RetryOverride = retry
	}
	return row, err
}

// parse returns the value whose name is in a field.
func parse[T fmt.Stringer](field, name string, values ...T) (T, error) {
	var names []string
	for _, v := range values {
		if v.String() == name {
			return v, nil
		}
		names = append(names, v.String())
	}
	var none T
	return none, fmt.Errorf("%s is %q: give one of %s", field, name, strings.Join(names, ", "))
}

// checkDerived compares the fields that follow from others with those of the table's rows.
func (r *Reference) checkDerived(table *codes.Table) error {
	var wrong []error
	i := 0
	for row := range table.All() {
		got, want := r.Codes[i], codeOf(row)
		report := func(field string, got, want any) {
			wrong = append(wrong, fmt.Errorf("%s: %s is %q, but the other fields give %q: write the file again with protoc-gen-errstatus-doc", r.place(i), field, fmt.Sprint(got), fmt.Sprint(want)))
		}
		if got.HTTPStatus != want.HTTPStatus {
			report("http_status", got.HTTPStatus, want.HTTPStatus)
		}
		if got.Fault != want.Fault {
			report("fault", got.Fault, want.Fault)
		}
		if got.Message != want.Message {
			report("message", got.Message, want.Message)
		}
		if !slices.Equal(got.Parameters, want.Parameters) {
			report("parameters", got.Parameters, want.Parameters)
		}
		i++
	}
	return errors.Join(wrong...)
}

// A number is a code of a reference.
type number int32

func (n number) Error() string        { return fmt.Sprint("code ", int32(n)) }
func (n number) Number() codes.Number { return codes.Number(n) }
func (n number) Table() *codes.Table  { return nil }
