package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/gofeaturespb"
	"google.golang.org/protobuf/types/pluginpb"
)

var update = flag.Bool("update", false, "rewrite the golden files of the errstatus plugin")

// goldenRoot has the folders good and bad. Each file in good is a .proto file with the Go code
// of its package beside it. Each file in bad is one that the plugin refuses, with a file of
// the error's text. The options of the plugin are in the first line.
const goldenRoot = projectRoot + "/cmd/protoc-gen-go-errstatus/testdata"

// goldenResolver finds files in goldenRoot, beside those that go generate uses.
func goldenResolver() protocompile.Resolver {
	return protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if f, err := os.Open(filepath.Join(goldenRoot, path)); err == nil {
			return protocompile.SearchResult{Source: f}, nil
		}
		return resolver(projectRoot).FindFileByPath(path)
	})
}

// A golden is a file in goldenRoot.
type golden struct {
	path    string // relative to goldenRoot, with slashes
	options string // of the errstatus plugin
}

// goldens returns the files that match a pattern.
func goldens(t *testing.T, pattern string) (all []golden) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(goldenRoot, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		first, _, _ := strings.Cut(read(t, file), "\n")
		_, options, found := strings.Cut(first, " options: ")
		if !found && !strings.HasSuffix(first, " options:") {
			t.Fatalf("%s begins with %q; want a comment with the options of the plugin", file, first)
		}
		path, err := filepath.Rel(goldenRoot, file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, golden{filepath.ToSlash(path), strings.TrimSpace(options)})
	}
	return all
}

// request returns the request for a golden with the options of a plugin.
func (g golden) request(t *testing.T, options string) *pluginpb.CodeGeneratorRequest {
	t.Helper()
	parameter := strings.Trim("paths=source_relative,"+options, ",")
	if strings.HasSuffix(g.path, ".proto") {
		request, err := compileWith(goldenResolver(), g.path, parameter)
		if err != nil {
			t.Fatal(err)
		}
		return request
	}
	request, err := compileWith(goldenResolver(), "errstatus/v1/annotations.proto", parameter)
	if err != nil {
		t.Fatal(err)
	}
	file := parseDescriptor(t, g.path)
	request.FileToGenerate = []string{file.GetName()}
	request.ProtoFile = append(request.ProtoFile, protodesc.ToFileDescriptorProto(gofeaturespb.File_google_protobuf_go_features_proto), file)
	return request
}

// parseDescriptor returns a file descriptor from protobuf's text form.
func parseDescriptor(t *testing.T, path string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	compiler := protocompile.Compiler{Resolver: goldenResolver()}
	files, err := compiler.Compile(t.Context(), "errstatus/v1/annotations.proto")
	if err != nil {
		t.Fatal(err)
	}
	registry := &protoregistry.Files{}
	if err := registry.RegisterFile(files[0]); err != nil {
		t.Fatal(err)
	}
	file := &descriptorpb.FileDescriptorProto{}
	options := prototext.UnmarshalOptions{Resolver: typeResolver{protoregistry.GlobalTypes, dynamicpb.NewTypes(registry)}}
	if err := options.Unmarshal([]byte(read(t, filepath.Join(goldenRoot, path))), file); err != nil {
		t.Fatal(err)
	}
	return file
}

// A typeResolver finds extensions that are linked, and those of the annotations.
type typeResolver struct {
	*protoregistry.Types
	annotations *dynamicpb.Types
}

func (r typeResolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if typ, err := r.annotations.FindExtensionByName(name); err == nil {
		return typ, nil
	}
	return r.Types.FindExtensionByName(name)
}

// The plugin generates the code that is committed, with that of protoc-gen-go if the methods
// are attached to its types.
func TestGoldenFiles(t *testing.T) {
	errstatus := builtPlugin(t)
	want := map[string]bool{}
	for _, g := range append(goldens(t, "good/*/*.proto"), goldens(t, "good/*/*.txtpb")...) {
		t.Run(g.path, func(t *testing.T) {
			responses := []*pluginpb.CodeGeneratorResponse{respond(t, errstatus, g.request(t, g.options))}
			if strings.Contains(g.options, "attach=true") {
				responses = append(responses, respond(t, goPlugin, g.request(t, "")), respond(t, goGRPCPlugin, g.request(t, "")))
			}
			for _, response := range responses {
				for _, f := range response.File {
					want[f.GetName()] = true
					compareGolden(t, f.GetName(), f.GetContent())
				}
			}
		})
	}
	committed, err := filepath.Glob(filepath.Join(goldenRoot, "good/*/*.pb.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range committed {
		if path, err := filepath.Rel(goldenRoot, file); err != nil || !want[filepath.ToSlash(path)] {
			t.Errorf("nothing generates %s (%v): remove it", path, err)
		}
	}
}

func respond(t *testing.T, p plugin, request *pluginpb.CodeGeneratorRequest) *pluginpb.CodeGeneratorResponse {
	t.Helper()
	response, err := p.run(projectRoot, request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// compareGolden compares a file in goldenRoot with what it should be, or rewrites it.
func compareGolden(t *testing.T, path, content string) {
	t.Helper()
	file := filepath.Join(goldenRoot, path)
	if *update {
		write(t, file, content)
		return
	}
	b, err := os.ReadFile(file)
	if err != nil || string(b) != content {
		t.Errorf("%s is stale (error %v): run go test -run Golden . -update in internal/tools/generate, and read the diff; it would be\n%s", path, err, content)
	}
}

// The plugin refuses each of the bad files, with the error that is committed.
func TestGoldenErrors(t *testing.T) {
	errstatus := builtPlugin(t)
	for _, g := range goldens(t, "bad/*.proto") {
		t.Run(g.path, func(t *testing.T) {
			text := refusal(t, errstatus, g.request(t, g.options))
			compareGolden(t, strings.TrimSuffix(g.path, ".proto")+".txt", text)
			for line := range strings.Lines(text) {
				if !strings.HasPrefix(line, g.path+":") && !strings.Contains(line, "option ") {
					t.Errorf("a line of the error has neither the place nor the option: %s", line)
				}
			}
		})
	}
}

// refusal returns the text with which a plugin refuses a request: the error in its response,
// or what it prints.
func refusal(t *testing.T, p plugin, request *pluginpb.CodeGeneratorRequest) string {
	t.Helper()
	in, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(p.command[0], p.command[1:]...)
	var printed strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(in)), &printed
	out, err := cmd.Output()
	if err != nil {
		return printed.String()
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out, response); err != nil || response.Error == nil {
		t.Fatalf("the plugin's response has %d files and no error (%v); want an error", len(response.File), err)
	}
	return response.GetError() + "\n"
}

// What is generated passes go vet and staticcheck, together with the code of protoc-gen-go.
// The latter has no package comment either, so ST1000 is off.
func TestGoldenFilesAreClean(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(goldenRoot, "good/*"))
	if err != nil {
		t.Fatal(err)
	}
	var packages []string
	for _, folder := range folders {
		packages = append(packages, "./cmd/protoc-gen-go-errstatus/testdata/good/"+filepath.Base(folder))
	}
	for name, command := range map[string][]string{
		"go vet":      {"go", "vet"},
		"staticcheck": {"go", "run", "-modfile=internal/tools/lint/go.mod", "honnef.co/go/tools/cmd/staticcheck", "-checks=all,-ST1000"},
	} {
		cmd := exec.Command(command[0], append(command[1:], packages...)...)
		cmd.Dir = projectRoot
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
