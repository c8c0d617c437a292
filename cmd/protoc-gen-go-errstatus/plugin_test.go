package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/codes/annotations"
	"github.com/errstatus/errstatus/internal/protoenum"
)

// parseFile returns a file descriptor from protobuf's text form. The file is proto3
// and imports the annotations. It has positions: enums and messages are on lines
// 10, 20, … in column 1, the values of an enum on the lines after it in column 3.
func parseFile(t testing.TB, text string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{
		Name:       proto.String("shop/v1/shop.proto"),
		Package:    proto.String("shop.v1"),
		Syntax:     proto.String("proto3"),
		Dependency: []string{"errstatus/v1/annotations.proto"},
		Options:    &descriptorpb.FileOptions{GoPackage: proto.String("example.com/shop;shop")},
	}
	given := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(text), given); err != nil {
		t.Fatalf("the test's own descriptor: %v\n%s", err, text)
	}
	proto.Merge(file, given)
	if file.SourceCodeInfo == nil {
		file.SourceCodeInfo = &descriptorpb.SourceCodeInfo{}
	}
	line := int32(9) // counted from 0
	for i, enum := range file.EnumType {
		line = locateEnum(file, enum, line, 5, int32(i))
	}
	for i, message := range file.MessageType {
		for j, enum := range message.EnumType {
			line = locateEnum(file, enum, line, 4, int32(i), 4, int32(j))
		}
		for j, inner := range message.NestedType {
			for k, enum := range inner.EnumType {
				line = locateEnum(file, enum, line, 4, int32(i), 3, int32(j), 4, int32(k))
			}
		}
	}
	return file
}

func locateEnum(file *descriptorpb.FileDescriptorProto, enum *descriptorpb.EnumDescriptorProto, line int32, path ...int32) int32 {
	locate(file, line, 0, path)
	for i := range enum.Value {
		value := append(append([]int32{}, path...), 2, int32(i))
		locate(file, line+1+int32(i), 2, value)
	}
	return line + 10
}

func locate(file *descriptorpb.FileDescriptorProto, line, column int32, path []int32) {
	for _, loc := range file.SourceCodeInfo.Location {
		if slices.Equal(loc.Path, path) { // the test gave this location, with comments
			loc.Span = []int32{line, column, column + 8}
			return
		}
	}
	file.SourceCodeInfo.Location = append(file.SourceCodeInfo.Location, &descriptorpb.SourceCodeInfo_Location{
		Path: path, Span: []int32{line, column, column + 8},
	})
}

// enumText returns an enum in text form, with the rows that every table needs and
// more values in text form.
func enumText(name, domain string, more ...string) string {
	return `enum_type { name: "` + name + `" options { [errstatus.v1.domain]: "` + domain + `" }
		value { name: "Fine" number: 0 options { [errstatus.v1.row] { grpc_code: OK message: "fine" default: true } } }
		value { name: "Broken" number: 1 options { [errstatus.v1.row] { grpc_code: INTERNAL message: "broken" default: true } } }
		value { name: "Strange" number: 2 options { [errstatus.v1.row] { grpc_code: UNKNOWN message: "strange" default: true } } }
		` + strings.Join(more, "\n") + `}`
}

// valueText returns a value in text form, for enumText.
func valueText(name string, number string, row string) string {
	return `value { name: "` + name + `" number: ` + number + ` options { [errstatus.v1.row] { ` + row + ` } } }`
}

// runPlugin runs the plugin on the last of the files. As from protoc, the request
// is deserialized from bytes.
func runPlugin(t testing.TB, parameter string, files ...*descriptorpb.FileDescriptorProto) (map[string]string, error) {
	t.Helper()
	return runPluginFor(t, parameter, []string{files[len(files)-1].GetName()}, files...)
}

// runPluginFor runs the plugin on the files with the given names. protogen ignores
// files that none of them imports.
func runPluginFor(t testing.TB, parameter string, generated []string, files ...*descriptorpb.FileDescriptorProto) (map[string]string, error) {
	t.Helper()
	annotationsFile := protodesc.ToFileDescriptorProto(annotations.File_errstatus_v1_annotations_proto)
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: generated,
		ProtoFile: append([]*descriptorpb.FileDescriptorProto{
			protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto),
			protodesc.ToFileDescriptorProto(code.File_google_rpc_code_proto),
			annotationsFile,
		}, files...),
	}
	if parameter != "" {
		request.Parameter = proto.String(parameter)
	}
	b, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	if err := protoenum.Answer(bytes.NewReader(b), &written, "protoc-gen-go-errstatus", generate); err != nil {
		return nil, err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(written.Bytes(), response); err != nil {
		t.Fatal(err)
	}
	if response.Error != nil {
		return nil, responseError(response.GetError())
	}
	out := map[string]string{}
	for _, f := range response.File {
		out[f.GetName()] = f.GetContent()
	}
	return out, nil
}

// A responseError is an error text that protoc would print.
type responseError string

func (e responseError) Error() string { return string(e) }
