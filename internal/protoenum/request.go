package protoenum

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/codes/annotations"
)

// ReadRequest decodes a request to a plugin. Its error has a line with the place of each
// errstatus option that can't be read, and names the plugin with its version. protogen alone
// would report no place, or ignore the option. The request is nil if it can't be decoded.
//
// The number of the options is from protobuf's private range, so another organization may
// use it too. If a file and its imports declare only the other's option, ReadRequest
// removes that option: it says nothing about codes.
func ReadRequest(b []byte, plugin string) (*pluginpb.CodeGeneratorRequest, error) {
	request := &pluginpb.CodeGeneratorRequest{}
	if err := (proto.UnmarshalOptions{Resolver: withoutOptions{protoregistry.GlobalTypes}}).Unmarshal(b, request); err != nil {
		return nil, fmt.Errorf("protoc sent a request that can't be decoded: %w", err)
	}
	var wrong []error
	declared := declaredOptions(request)
	for _, file := range request.ProtoFile {
		generated := slices.Contains(request.FileToGenerate, file.GetName())
		for d := range declarationsOf(file) {
			if declared[file.GetName()].onlyOthers() {
				d.removeOptions()
			}
			switch err := d.check(plugin); {
			case err != nil && generated:
				wrong = append(wrong, fmt.Errorf("%s: %w", d.position(), err))
			case err != nil: // the author of the importing file may not be able to change it
				d.removeOptions()
			}
		}
	}
	return request, errors.Join(wrong...)
}

// withoutOptions hides the types of our options. Their bytes stay in the unknown fields, so
// that a malformed option doesn't make the whole request fail.
type withoutOptions struct{ *protoregistry.Types }

func (r withoutOptions) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	if isOption(message, number) {
		return nil, protoregistry.NotFound
	}
	return r.Types.FindExtensionByNumber(message, number)
}

// isOption reports whether an extension has the message and the number of one of our
// options.
func isOption(message protoreflect.FullName, number protoreflect.FieldNumber) bool {
	return slices.ContainsFunc(options, func(o protoreflect.ExtensionType) bool {
		desc := o.TypeDescriptor()
		return desc.ContainingMessage().FullName() == message && desc.Number() == number
	})
}

var options = []protoreflect.ExtensionType{annotations.E_Domain, annotations.E_DefaultGrpcCode, annotations.E_Row}

// A declared says which options a file and its imports, direct or not, declare: ours, and
// others with the same number.
type declared struct{ ours, others bool }

func (d declared) onlyOthers() bool { return d.others && !d.ours }

// declaredOptions returns what each file of a request reaches. A compiler sends a file after
// those that it imports.
func declaredOptions(request *pluginpb.CodeGeneratorRequest) map[string]declared {
	all := make(map[string]declared, len(request.ProtoFile))
	for _, file := range request.ProtoFile {
		var d declared
		for extension := range extensionsOf(file) {
			if isOption(protoreflect.FullName(strings.TrimPrefix(extension.GetExtendee(), ".")), protoreflect.FieldNumber(extension.GetNumber())) {
				isOurs := file.GetPackage() == string(annotations.File_errstatus_v1_annotations_proto.Package())
				d.ours, d.others = d.ours || isOurs, d.others || !isOurs
			}
		}
		for _, name := range slices.Concat(file.GetDependency(), file.GetOptionDependency()) {
			d.ours, d.others = d.ours || all[name].ours, d.others || all[name].others
		}
		all[file.GetName()] = d
	}
	return all
}

// extensionsOf returns the extensions that a file declares, including those inside
// messages.
func extensionsOf(file *descriptorpb.FileDescriptorProto) iter.Seq[*descriptorpb.FieldDescriptorProto] {
	return func(yield func(*descriptorpb.FieldDescriptorProto) bool) {
		extensions := slices.Clone(file.GetExtension())
		for messages := slices.Clone(file.GetMessageType()); len(messages) > 0; {
			extensions = append(extensions, messages[0].GetExtension()...)
			messages = append(messages[1:], messages[0].GetNestedType()...)
		}
		for _, extension := range extensions {
			if !yield(extension) {
				return
			}
		}
	}
}

// A declaration is an enum or a value of an enum, as the compiler describes it.
type declaration struct {
	file    *descriptorpb.FileDescriptorProto
	path    []int32 // see google.protobuf.SourceCodeInfo
	scope   protoreflect.FullName
	name    string
	options proto.Message
}

// The field numbers of a declaration's path.
const (
	messagesOfFile, enumsOfFile       = 4, 5
	messagesOfMessage, enumsOfMessage = 3, 4
	valuesOfEnum                      = 2
)

// declarationsOf returns the enums of a file, each followed by its values.
func declarationsOf(file *descriptorpb.FileDescriptorProto) iter.Seq[declaration] {
	return func(yield func(declaration) bool) {
		ok := true
		enums := func(scope protoreflect.FullName, path []int32, enums []*descriptorpb.EnumDescriptorProto) {
			for i, enum := range enums {
				path := append(slices.Clip(path), int32(i))
				ok = ok && yield(declaration{file, path, scope, enum.GetName(), enum.GetOptions()})
				for j, value := range enum.GetValue() {
					path := append(slices.Clip(path), valuesOfEnum, int32(j))
					ok = ok && yield(declaration{file, path, scope, value.GetName(), value.GetOptions()})
				}
			}
		}
		var messages func(scope protoreflect.FullName, path []int32, messages []*descriptorpb.DescriptorProto)
		messages = func(scope protoreflect.FullName, path []int32, all []*descriptorpb.DescriptorProto) {
			for i, message := range all {
				scope, path := join(scope, message.GetName()), append(slices.Clip(path), int32(i))
				enums(scope, append(slices.Clip(path), enumsOfMessage), message.GetEnumType())
				messages(scope, append(slices.Clip(path), messagesOfMessage), message.GetNestedType())
			}
		}
		scope := protoreflect.FullName(file.GetPackage())
		enums(scope, []int32{enumsOfFile}, file.GetEnumType())
		messages(scope, []int32{messagesOfFile}, file.GetMessageType())
	}
}

// join appends a name to a scope. Unlike the method Append of the scope, it also does so
// for the empty scope of a file without a package, and for a name that is no identifier.
func join(scope protoreflect.FullName, name string) protoreflect.FullName {
	if scope == "" {
		return protoreflect.FullName(name)
	}
	return scope + "." + protoreflect.FullName(name)
}

// check returns what is wrong with a declaration's name, or why one of its options can't be
// read.
func (d declaration) check(plugin string) error {
	if !utf8.ValidString(d.name) {
		return fmt.Errorf("the name %q in %q is not valid UTF-8: use letters, digits and underscores", d.name, d.scope)
	}
	option, err := firstUnreadable(d.options)
	if err != nil {
		return fmt.Errorf("%s: the option (%s) can't be read: %w: use the errstatus/v1/annotations.proto of %s, which protoc-gen-go-errstatus --write-protos DIR writes; "+
			"if this is another organization's option with the number %d, give it another number",
			join(d.scope, d.name), option.TypeDescriptor().FullName(), err, plugin, option.TypeDescriptor().Number())
	}
	return nil
}

// firstUnreadable returns the first of our options that can't be read, and why.
func firstUnreadable(options proto.Message) (protoreflect.ExtensionType, error) {
	switch options := options.(type) {
	case *descriptorpb.EnumOptions:
		if _, _, err := domainOption(options); err != nil {
			return annotations.E_Domain, err
		}
		_, _, err := defaultOption(options)
		return annotations.E_DefaultGrpcCode, err
	case *descriptorpb.EnumValueOptions:
		_, err := rowOption(options)
		return annotations.E_Row, err
	}
	return nil, nil
}

// removeOptions removes the fields with the numbers of our options.
func (d declaration) removeOptions() {
	var rest protoreflect.RawFields
	message := d.options.ProtoReflect()
	unknown := message.GetUnknown()
	for field := range fieldsOf(unknown) {
		if !isOption(message.Descriptor().FullName(), field.number) {
			rest = append(rest, field.bytes...)
		}
	}
	if len(rest) < len(unknown) {
		message.SetUnknown(rest)
	}
}

// position returns the declaration's place, as [Position] does for a descriptor.
func (d declaration) position() string {
	for _, loc := range d.file.GetSourceCodeInfo().GetLocation() {
		if slices.Equal(loc.GetPath(), d.path) && len(loc.GetSpan()) >= 3 {
			return fmt.Sprintf("%s:%d:%d", d.file.GetName(), loc.GetSpan()[0]+1, loc.GetSpan()[1]+1)
		}
	}
	return d.file.GetName()
}

// domainOption returns the option (errstatus.v1.domain) of an enum's options, and reports
// whether they have it.
func domainOption(options *descriptorpb.EnumOptions) (domain string, ok bool, err error) {
	values, err := optionValues(options, annotations.E_Domain, protowire.BytesType)
	if err != nil || len(values) == 0 {
		return "", false, err
	}
	last := values[len(values)-1]
	if !utf8.Valid(last) {
		return "", true, fmt.Errorf("its text %q is not valid UTF-8", last)
	}
	return string(last), true, nil
}

// defaultOption returns the option (errstatus.v1.default_grpc_code) of an enum's options,
// and reports whether they have it.
func defaultOption(options *descriptorpb.EnumOptions) (canonical code.Code, ok bool, err error) {
	values, err := optionValues(options, annotations.E_DefaultGrpcCode, protowire.VarintType)
	if err != nil || len(values) == 0 {
		return 0, false, err
	}
	n, _ := protowire.ConsumeVarint(values[len(values)-1])
	return code.Code(n), true, nil
}

// rowOption returns the option (errstatus.v1.row) of a value's options, or nil if they
// don't have it.
func rowOption(options *descriptorpb.EnumValueOptions) (*annotations.Row, error) {
	values, err := optionValues(options, annotations.E_Row, protowire.BytesType)
	if err != nil || len(values) == 0 {
		return nil, err
	}
	row := &annotations.Row{}
	if err := proto.Unmarshal(slices.Concat(values...), row); err != nil {
		return nil, err
	}
	messages := []proto.Message{row}
	for _, m := range row.GetLocalized() {
		messages = append(messages, m)
	}
	for _, m := range messages {
		for field := range fieldsOf(m.ProtoReflect().GetUnknown()) {
			return nil, fmt.Errorf("%s has no field %d of wire type %d", m.ProtoReflect().Descriptor().FullName(), field.number, field.wire)
		}
	}
	return row, nil
}

// optionValues returns the values of an option in the serialized options of an enum or a
// value, without a length before them. A compiler usually writes one value.
func optionValues(options proto.Message, option protoreflect.ExtensionType, wire protowire.Type) (values [][]byte, err error) {
	b, err := proto.Marshal(options)
	if err != nil {
		return nil, err
	}
	for field := range fieldsOf(b) {
		if field.number != option.TypeDescriptor().Number() {
			continue
		}
		if field.wire != wire {
			return nil, fmt.Errorf("its wire type is %d, not %d", field.wire, wire)
		}
		value := field.value
		if wire == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		values = append(values, value)
	}
	return values, nil
}

// A field is one field of a serialized message.
type field struct {
	number protowire.Number
	wire   protowire.Type
	value  []byte // without the tag
	bytes  []byte // with the tag
}

// fieldsOf returns the fields of a serialized message, which must be well-formed.
func fieldsOf(b []byte) iter.Seq[field] {
	return func(yield func(field) bool) {
		for len(b) > 0 {
			number, wire, tag := protowire.ConsumeTag(b)
			size := protowire.ConsumeFieldValue(number, wire, b[max(tag, 0):])
			if tag < 0 || size < 0 || !yield(field{number, wire, b[tag : tag+size], b[:tag+size]}) {
				return
			}
			b = b[tag+size:]
		}
	}
}
