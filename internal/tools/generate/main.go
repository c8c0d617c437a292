// The generate command generates this project's Go code, and the reference of its codes,
// from its .proto files.
// go generate ./... runs it. It needs neither protoc nor a network: it compiles
// with protocompile, and reads the .proto files of other projects from the
// descriptors in their Go packages.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	_ "google.golang.org/genproto/googleapis/rpc/code" // google/rpc/code.proto
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	_ "google.golang.org/protobuf/types/descriptorpb" // google/protobuf/descriptor.proto
	"google.golang.org/protobuf/types/pluginpb"
)

const module = "github.com/errstatus/errstatus"

// A source is a .proto file of this project.
type source struct {
	importPath string
	file       string // relative to the root
	plugins    []plugin
}

// A plugin is a protoc plugin: a command, and directories relative to the root.
type plugin struct {
	dir     string // in which the command runs
	command []string
	out     string // in which it writes what isn't Go code, or empty for one that writes Go code
	options string // beside module, which only Go code has
}

var (
	goPlugin         = plugin{dir: "internal/tools/generate", command: []string{"go", "tool", "protoc-gen-go"}}
	goGRPCPlugin     = plugin{dir: "internal/tools/generate", command: []string{"go", "tool", "protoc-gen-go-grpc"}}
	errstatusPlugin  = plugin{dir: ".", command: []string{"go", "run", "./cmd/protoc-gen-go-errstatus"}}
	docPlugin        = plugin{dir: ".", command: []string{"go", "run", "./cmd/protoc-gen-errstatus-doc"}, out: "docs/codes"}
	billingDocPlugin = plugin{dir: docPlugin.dir, command: docPlugin.command, out: "examples/billing/reference", options: "format=md+json"}
	attachPlugin     = plugin{dir: errstatusPlugin.dir, command: errstatusPlugin.command, options: "attach=true"}
)

// sources lists the files in the order of generation: the annotations come first,
// because building the errstatus plugin needs their generated code.
var sources = []source{
	{"errstatus/v1/annotations.proto", "codes/annotations/errstatus/v1/annotations.proto", []plugin{goPlugin}},
	{"openim/sdk/error/error.proto", "codes/error.proto", []plugin{errstatusPlugin, docPlugin}},
	{"errstatus/billing/v1/zz_billing.proto", "cmd/protoc-gen-go-errstatus/internal/billing/zz_billing.proto", []plugin{errstatusPlugin}},
	{"errstatus/quickstart/v1/quickstart.proto", "examples/quickstart/quickstart.proto", []plugin{goPlugin, goGRPCPlugin}},
	{"billing/v1/billing.proto", "examples/billing/proto/billing/v1/billing.proto", []plugin{goPlugin, goGRPCPlugin, attachPlugin, billingDocPlugin}},
}

func main() {
	root := flag.String("root", "../../..", "the project's root `directory`")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "generate: takes no arguments, but was given %q\n", flag.Args())
		os.Exit(2)
	}
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	for _, src := range sources {
		request, err := compile(root, src)
		if err != nil {
			return err
		}
		for _, p := range src.plugins {
			request.Parameter = proto.String(p.parameter())
			if err := p.generate(root, request); err != nil {
				return fmt.Errorf("%s: %w", src.file, err)
			}
		}
	}
	return nil
}

// compile returns the request that protoc would send to a plugin.
func compile(root string, src source) (*pluginpb.CodeGeneratorRequest, error) {
	return compileWith(resolver(root), src.importPath, "module="+module)
}

// compileWith returns the request for a file that a resolver finds, with the parameter of
// the plugin.
func compileWith(resolver protocompile.Resolver, importPath, parameter string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver:       resolver,
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), importPath)
	if err != nil {
		return nil, err // protocompile's errors begin with file:line:column
	}
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{importPath},
		Parameter:      proto.String(parameter),
	}
	addFile(request, files[0], map[string]bool{})

	// The compiler returns options as dynamic messages. Encoding and decoding turns
	// them into messages of the linked Go packages.
	b, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	request = &pluginpb.CodeGeneratorRequest{}
	return request, proto.Unmarshal(b, request)
}

// resolver returns a resolver that finds a file among the descriptors linked into
// this program and among the sources.
func resolver(root string) protocompile.Resolver {
	return protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if desc, err := protoregistry.GlobalFiles.FindFileByPath(path); err == nil {
			return protocompile.SearchResult{Desc: desc}, nil
		}
		i := slices.IndexFunc(sources, func(s source) bool { return s.importPath == path })
		if i < 0 {
			return protocompile.SearchResult{}, fmt.Errorf("no file %q: list it in sources, or import the Go package that holds it", path)
		}
		f, err := os.Open(filepath.Join(root, sources[i].file))
		return protocompile.SearchResult{Source: f}, err
	})
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

// parameter returns what protoc passes to the plugin.
func (p plugin) parameter() string {
	if p.out != "" {
		return p.options
	}
	return strings.Trim("module="+module+","+p.options, ",")
}

// generate runs the plugin and writes the generated files. If the plugin fails,
// generate writes nothing.
func (p plugin) generate(root string, request *pluginpb.CodeGeneratorRequest) error {
	response, err := p.run(root, request)
	if err != nil {
		return err
	}
	for _, f := range response.File {
		if err := os.WriteFile(filepath.Join(root, p.out, f.GetName()), []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run runs the plugin and returns its response, or the error in it.
func (p plugin) run(root string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	in, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Dir = filepath.Join(root, p.dir)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(p.command, " "), err)
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out, response); err != nil {
		return nil, fmt.Errorf("%s: decoding the plugin's response: %w", strings.Join(p.command, " "), err)
	}
	if response.Error != nil {
		return nil, fmt.Errorf("%s", response.GetError())
	}
	return response, nil
}
