// Package registry_test checks what this project's packages register in protobuf's
// global registry. It has its own directory so that the test links nothing else.
package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/errstatus/errstatus/codes"
	_ "github.com/errstatus/errstatus/interceptor"
	_ "github.com/errstatus/errstatus/status"
)

// linked lists what the imports registered, before any test registers more.
var linked = registered()

func TestPackagesRegisterNothing(t *testing.T) {
	if !slices.Contains(linked, "google.rpc.Status") {
		t.Fatalf("the registry has %q; want google.rpc.Status among them, which the packages link: this test reads the wrong registry", linked)
	}
	for _, name := range linked {
		if lower := strings.ToLower(name); strings.Contains(lower, "openim") || strings.Contains(lower, "errstatus") {
			t.Errorf("importing codes, status and interceptor registers %q; want nothing named openim or errstatus", name)
		}
	}
}

// registered returns the paths of all registered files and the full names of all
// registered declarations.
func registered() (names []string) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		names = append(names, file.Path(), string(file.Package()))
		names = append(names, declared(file)...)
		return true
	})
	add := func(d protoreflect.Descriptor) { names = append(names, string(d.FullName())) }
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool { add(mt.Descriptor()); return true })
	protoregistry.GlobalTypes.RangeEnums(func(et protoreflect.EnumType) bool { add(et.Descriptor()); return true })
	protoregistry.GlobalTypes.RangeExtensions(func(xt protoreflect.ExtensionType) bool { add(xt.TypeDescriptor()); return true })
	return names
}

// A scope is a file or a message. Both can contain declarations.
type scope interface {
	Enums() protoreflect.EnumDescriptors
	Messages() protoreflect.MessageDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

// declared returns the full names of all declarations in a scope.
func declared(in scope) (names []string) {
	for i := range in.Enums().Len() {
		enum := in.Enums().Get(i)
		names = append(names, string(enum.FullName()))
		for j := range enum.Values().Len() {
			names = append(names, string(enum.Values().Get(j).FullName()))
		}
	}
	for i := range in.Extensions().Len() {
		names = append(names, string(in.Extensions().Get(i).FullName()))
	}
	for i := range in.Messages().Len() {
		names = append(names, string(in.Messages().Get(i).FullName()))
		names = append(names, declared(in.Messages().Get(i))...)
	}
	return names
}

// A program may link both OpenIM's generated packages and errstatus. A conflict
// would make it panic when it starts.
func TestOpenIMFilesRegisterWithoutConflict(t *testing.T) {
	for _, file := range openIM() {
		if file.err != nil {
			t.Errorf("registering %s: %v; want no conflict", file.path, file.err)
		}
	}
	for _, name := range []protoreflect.FullName{"openim.sdk.error.ErrorCode", "openim.sdk.error.RecordNotFound", "openim.protobuf.ErrorInfo"} {
		if _, err := protoregistry.GlobalFiles.FindDescriptorByName(name); err != nil {
			t.Errorf("looking for %s in the registry: %v; want the declaration that the test registered", name, err)
		}
	}
}

type registration struct {
	path string
	err  error
}

// openIM registers, once in a process, what OpenIM's generated Go packages
// register.
var openIM = sync.OnceValue(func() []registration {
	code := descriptorpb.FieldDescriptorProto_TYPE_INT64
	optional := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	return []registration{
		register(&descriptorpb.FileDescriptorProto{
			Name: new("openim/sdk/error/error.proto"), Package: new("openim.sdk.error"), Syntax: new("proto3"),
			EnumType: []*descriptorpb.EnumDescriptorProto{{
				Name: new("ErrorCode"),
				Value: []*descriptorpb.EnumValueDescriptorProto{
					{Name: new("NoError"), Number: new(int32(0))},
					{Name: new("RecordNotFound"), Number: new(int32(1004))},
				},
			}},
		}),
		register(&descriptorpb.FileDescriptorProto{
			Name: new("openim/protobuf/errinfo.proto"), Package: new("openim.protobuf"), Syntax: new("proto3"),
			MessageType: []*descriptorpb.DescriptorProto{{
				Name:  new("ErrorInfo"),
				Field: []*descriptorpb.FieldDescriptorProto{{Name: new("code"), Number: new(int32(1)), Type: &code, Label: &optional}},
			}},
		}),
	}
})

// register registers file. It returns a conflict as an error, also where the
// global registry panics.
func register(file *descriptorpb.FileDescriptorProto) (r registration) {
	r.path = file.GetName()
	desc, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		r.err = err
		return r
	}
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("panic: %v", p)
		}
	}()
	r.err = protoregistry.GlobalFiles.RegisterFile(desc)
	return r
}
