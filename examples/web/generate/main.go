// The generate command generates the Go code of accounts.proto. go generate runs it.
//
// It needs neither protoc nor a network: it compiles with protocompile, and takes the files
// that accounts.proto imports from the Go packages that hold them. The plugins are tools of
// go.mod. In a project of your own, "buf generate" or protoc runs the same plugins.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate" // buf/validate/validate.proto
	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	_ "google.golang.org/genproto/googleapis/api/annotations" // google/api/annotations.proto
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/pluginpb"

	_ "github.com/errstatus/errstatus/codes/annotations" // errstatus/v1/annotations.proto
)

const (
	file   = "accounts/v1/accounts.proto"
	module = "module=github.com/errstatus/errstatus/examples/web"
)

// plugins has the plugins and their options.
var plugins = [][2]string{
	{"protoc-gen-go", module},
	{"protoc-gen-go-grpc", module},
	{"protoc-gen-go-errstatus", module + ",attach=true"},
	{"protoc-gen-grpc-gateway", module},
	{"protoc-gen-connect-go", module},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate DIRECTORY, which gets the folder accountspb")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	request, err := compile()
	if err != nil {
		return err
	}
	for _, plugin := range plugins {
		request.Parameter = proto.String(plugin[1])
		if err := generate(dir, plugin[0], request); err != nil {
			return fmt.Errorf("%s: %w", plugin[0], err)
		}
	}
	return nil
}

// compile returns the request that protoc would send to a plugin.
func compile() (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			protocompile.ResolverFunc(linked),
			&protocompile.SourceResolver{ImportPaths: []string{"proto"}},
		},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), file)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: []string{file}}
	addFile(request, files[0], map[string]bool{})

	// The compiler returns options as dynamic messages. Encoding and decoding turns them
	// into messages of the linked Go packages.
	b, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	request = &pluginpb.CodeGeneratorRequest{}
	return request, proto.Unmarshal(b, request)
}

// linked finds a file among the descriptors that are linked into this program.
func linked(path string) (protocompile.SearchResult, error) {
	desc, err := protoregistry.GlobalFiles.FindFileByPath(path)
	return protocompile.SearchResult{Desc: desc}, err
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
	if result, ok := file.(linker.Result); ok {
		request.ProtoFile = append(request.ProtoFile, result.FileDescriptorProto())
		return
	}
	request.ProtoFile = append(request.ProtoFile, protodesc.ToFileDescriptorProto(file))
}

// generate runs a plugin and writes the files that it answers with.
func generate(dir, plugin string, request *pluginpb.CodeGeneratorRequest) error {
	in, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "tool", plugin)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out, response); err != nil {
		return fmt.Errorf("decoding the plugin's response: %w", err)
	}
	if response.Error != nil {
		return fmt.Errorf("%s", response.GetError())
	}
	for _, f := range response.File {
		path := filepath.Join(dir, f.GetName())
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
