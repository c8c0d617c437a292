// The generate command generates Connect's code for TestService, the service of gRPC's own
// interop/grpc_testing, for the tests. go generate runs it. It needs neither protoc nor a
// network: it gives Connect's plugin the descriptors in the Go package of the service.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"

	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// methods has a method of each kind. The others add nothing but code.
var methods = []string{"UnaryCall", "StreamingInputCall", "StreamingOutputCall", "FullDuplexCall"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	file := testgrpc.File_grpc_testing_test_proto
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{file.Path()},
		Parameter: proto.String("paths=source_relative,package_suffix=connect" +
			",Mgrpc/testing/empty.proto=google.golang.org/grpc/interop/grpc_testing" +
			",Mgrpc/testing/messages.proto=google.golang.org/grpc/interop/grpc_testing" +
			",Mgrpc/testing/test.proto=google.golang.org/grpc/interop/grpc_testing"),
	}
	addFile(request, file, map[string]bool{})
	keepMethods(request.ProtoFile[len(request.ProtoFile)-1])

	in, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "tool", "protoc-gen-connect-go")
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out, response); err != nil {
		return fmt.Errorf("%s: decoding the plugin's response: %w", cmd, err)
	}
	if response.Error != nil {
		return fmt.Errorf("%s: %s", cmd, response.GetError())
	}
	for _, f := range response.File {
		if err := os.WriteFile(path.Join(dir, path.Base(f.GetName())), []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// addFile adds a file to the request, after the files that it imports.
func addFile(request *pluginpb.CodeGeneratorRequest, file protoreflect.FileDescriptor, done map[string]bool) {
	if done[file.Path()] {
		return
	}
	done[file.Path()] = true
	for i := range file.Imports().Len() {
		addFile(request, file.Imports().Get(i).FileDescriptor, done)
	}
	request.ProtoFile = append(request.ProtoFile, protodesc.ToFileDescriptorProto(file))
}

// keepMethods removes all services but TestService, and all its methods but those in
// methods.
func keepMethods(file *descriptorpb.FileDescriptorProto) {
	file.Service = slices.DeleteFunc(file.Service, func(s *descriptorpb.ServiceDescriptorProto) bool {
		return s.GetName() != "TestService"
	})
	for _, s := range file.Service {
		s.Method = slices.DeleteFunc(s.Method, func(m *descriptorpb.MethodDescriptorProto) bool {
			return !slices.Contains(methods, m.GetName())
		})
	}
}
