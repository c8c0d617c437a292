package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/pluginpb"
)

const projectRoot = "../../.."

func TestEverySourceCompiles(t *testing.T) {
	for _, src := range sources {
		t.Run(src.importPath, func(t *testing.T) {
			request, err := compile(projectRoot, src)
			if err != nil {
				t.Fatal(err)
			}
			if got := request.GetFileToGenerate(); !slices.Equal(got, []string{src.importPath}) {
				t.Errorf("FileToGenerate = %q; want %q alone", got, src.importPath)
			}
			// Plugins read the files in order and need imported files first.
			var seen []string
			for _, file := range request.ProtoFile {
				for _, dependency := range file.Dependency {
					if !slices.Contains(seen, dependency) {
						t.Errorf("%s comes before %s, which it imports", file.GetName(), dependency)
					}
				}
				seen = append(seen, file.GetName())
			}
			if seen[len(seen)-1] != src.importPath {
				t.Errorf("the files are %q; want %q last", seen, src.importPath)
			}
			last := request.ProtoFile[len(request.ProtoFile)-1]
			if len(last.GetSourceCodeInfo().GetLocation()) == 0 {
				t.Error("the source has no positions; want them: without, its comments are missing in the generated code")
			}
		})
	}
}

// The repository has a copy of google/rpc/code.proto in codes/googleapis, for
// users of protoc. It must equal the file that this program compiles with.
func TestCodeProtoIsGoogles(t *testing.T) {
	const path = "google/rpc/code.proto"
	compiler := protocompile.Compiler{Resolver: protocompile.ResolverFunc(func(asked string) (protocompile.SearchResult, error) {
		if asked != path {
			return protocompile.SearchResult{}, protoregistry.NotFound
		}
		return protocompile.SearchResult{Source: strings.NewReader(read(t, projectRoot+"/codes/googleapis/"+path))}, nil
	})}
	files, err := compiler.Compile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	linked, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		t.Fatal(err)
	}
	got, want := protodesc.ToFileDescriptorProto(files[0]), protodesc.ToFileDescriptorProto(linked)
	if !proto.Equal(got, want) {
		t.Errorf("%s is\n%v\nwant the Go package's\n%v", path, got, want)
	}
}

// Plugins refuse a request that contains a file twice, such as one that two other
// files import.
func TestCompileSendsAFileOnce(t *testing.T) {
	root := t.TempDir()
	copyProtos(t, root)
	const first = `import "errstatus/v1/annotations.proto";`
	edit(t, filepath.Join(root, "codes/error.proto"), first, first+`import "google/rpc/code.proto";`)
	request, err := compile(root, errorProto(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range request.ProtoFile {
		got = append(got, file.GetName())
	}
	want := []string{"google/protobuf/descriptor.proto", "google/rpc/code.proto", "errstatus/v1/annotations.proto", "openim/sdk/error/error.proto"}
	if !slices.Equal(got, want) {
		t.Errorf("the request has the files %q; want %q", got, want)
	}
}

func TestCompileErrorsHavePositions(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		want     string // a regular expression
	}{
		{name: "a syntax error", old: "  RecordNotFound = 1004 [", new: "  RecordNotFound 1004 [",
			want: `^openim/sdk/error/error\.proto:\d+:18: syntax error`},
		{name: "an unknown option", old: `message: "record not found"`, new: `text: "record not found"`,
			want: `^openim/sdk/error/error\.proto:\d+:\d+: .*text`},
		{name: "an unknown canonical code", old: "grpc_code: NOT_FOUND", new: "grpc_code: NOT_FOND",
			want: `^openim/sdk/error/error\.proto:\d+:\d+: .*NOT_FOND`},
		{name: "an unknown import", old: `import "errstatus/v1/annotations.proto";`, new: `import "errstatus/v2/annotations.proto";`,
			want: `^openim/sdk/error/error\.proto:\d+:\d+: .*errstatus/v2/annotations\.proto.*list it in sources`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			copyProtos(t, root)
			edit(t, filepath.Join(root, "codes/error.proto"), tt.old, tt.new)
			_, err := compile(root, errorProto(t))
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("compile's error is %v; want one that matches %q", err, tt.want)
			}
		})
	}
}

func TestCompileNamesAMissingFile(t *testing.T) {
	_, err := compile(t.TempDir(), errorProto(t))
	if want := filepath.FromSlash("codes/error.proto"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("compile's error in an empty directory is %v; want one that names the file %s", err, want)
	}
}

// A value without a row makes the plugin fail, and the file that was generated
// before stays unchanged.
func TestAValueWithoutARowStopsThePlugin(t *testing.T) {
	root := t.TempDir()
	copyProtos(t, root)
	edit(t, filepath.Join(root, "codes/error.proto"), "  RecordNotFound = 1004 [", "  Forgotten = 1005;\n  RecordNotFound = 1004 [")
	generated := filepath.Join(root, "codes/error_errstatus.pb.go")
	write(t, generated, "before")

	request, err := compile(root, errorProto(t))
	if err != nil {
		t.Fatal(err)
	}
	err = builtPlugin(t).generate(root, request)
	if want := regexp.MustCompile(`openim/sdk/error/error\.proto:\d+:3: openim\.sdk\.error\.Forgotten has no option`); err == nil || !want.MatchString(err.Error()) {
		t.Errorf("the plugin's error is %v; want one that matches %q", err, want)
	}
	if got := read(t, generated); got != "before" {
		t.Errorf("the generated file has changed, to %d bytes; want it unchanged", len(got))
	}
}

// The plugin accepts each piece of a .proto file that the pages show: a file, an enum, or
// values of an enum.
func TestDocumentedEnumsAreTables(t *testing.T) {
	const (
		header = "syntax = \"proto3\"; package billing.v1; import \"errstatus/v1/annotations.proto\";\n" +
			"option go_package = \"example.com/shop/billing\";\n"
		enum = "enum BillingCode { option (errstatus.v1.domain) = \"billing.example.com\"; BILLING_CODE_UNSPECIFIED = 0;\n"
	)
	shown := 0
	for _, page := range []string{"docs/own-codes.md", "docs/own-codes-reference.md"} {
		for i, block := range strings.Split(read(t, projectRoot+"/"+page), "\n```proto\n")[1:] {
			shown++
			t.Run(fmt.Sprintf("%s %d", filepath.Base(page), i), func(t *testing.T) {
				text, _, _ := strings.Cut(block, "\n```")
				switch {
				case strings.HasPrefix(text, "enum "):
					text = header + text
				case strings.HasPrefix(text, "BILLING_CODE_"):
					text = header + enum + text + "}"
				}
				checkIsTable(t, strings.ReplaceAll(text, "example.com/shop/billing", module+"/billing"))
			})
		}
	}
	if shown == 0 {
		t.Error("the pages have no proto block; want one")
	}
}

// checkIsTable checks that the plugin generates a table for the text of a .proto file.
func checkIsTable(t *testing.T, text string) {
	t.Helper()
	root := t.TempDir()
	copyProtos(t, root)
	write(t, filepath.Join(root, "codes/error.proto"), text)
	if err := os.Mkdir(filepath.Join(root, "billing"), 0o777); err != nil {
		t.Fatal(err)
	}
	request, err := compile(root, errorProto(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := builtPlugin(t).generate(root, request); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(root, "billing/error_errstatus.pb.go")); !strings.Contains(got, "codes.MustTable(\"billing.example.com\"") {
		t.Errorf("the plugin generates\n%s\nwant a table for billing.example.com", got)
	}
}

func TestErrorNamesTheFailingPlugin(t *testing.T) {
	root := t.TempDir()
	for name, p := range map[string]plugin{
		"exit status": {dir: ".", command: []string{"go", "no-such-command"}},
		"missing":     {dir: ".", command: []string{filepath.Join(root, "no-such-command")}},
		"no response": {dir: ".", command: []string{"go", "version"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.generate(root, &pluginpb.CodeGeneratorRequest{})
			if err == nil || !strings.Contains(err.Error(), p.command[1%len(p.command)]) {
				t.Errorf("generate's error is %v; want one that names %q", err, p.command)
			}
		})
	}
}

// The committed generated files are up to date. The test generates them again in
// a copy of the project, in which it first makes each one stale.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	root := t.TempDir()
	var generated []string
	walk(t, func(path string) {
		content := read(t, filepath.Join(projectRoot, path))
		if isGenerated(path) {
			generated = append(generated, path)
			content += "\n// stale\n"
		}
		write(t, filepath.Join(root, path), content)
	})
	want := 0
	for _, src := range sources {
		for _, p := range src.plugins {
			want++
			if formats := strings.Count(p.options, "+"); p.out != "" {
				want += cmp.Or(formats, 2) // a reference has three formats, unless an option selects some
			}
		}
	}
	if len(generated) != want {
		t.Fatalf("the project's generated files are %q; want %d from the plugins in sources", generated, want)
	}
	if err := run(root); err != nil {
		t.Fatal(err)
	}
	for _, path := range generated {
		if got, want := read(t, filepath.Join(root, path)), read(t, filepath.Join(projectRoot, path)); got != want {
			t.Errorf("%s is stale: generating it gives %d bytes, committed are %d: run go generate ./... and commit it", path, len(got), len(want))
		}
	}
}

// isGenerated reports whether a file is generated from one of the sources. The files in
// testdata are those of [TestGoldenFiles]. examples/web has a generator of its own.
func isGenerated(path string) bool {
	dir := filepath.ToSlash(filepath.Dir(path))
	isReference := (dir == docPlugin.out || dir == billingDocPlugin.out) && !strings.HasSuffix(path, ".go")
	isOthers := strings.Contains(path, "/testdata/") || strings.HasPrefix(path, "examples/web/")
	return isReference || strings.HasSuffix(path, ".pb.go") && !isOthers
}

// isEmbedded reports whether a file is a part of the page that a plugin embeds.
func isEmbedded(path string) bool { return strings.HasPrefix(path, "internal/reference/page/") }

// walk calls f with each file that a build of the project may need.
func walk(t *testing.T, f func(path string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(projectRoot), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.Type().IsRegular() && (slices.Contains([]string{".go", ".mod", ".sum", ".proto"}, filepath.Ext(path)) || isGenerated(path) || isEmbedded(path)):
			f(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyProtos(t *testing.T, root string) {
	t.Helper()
	for _, src := range sources {
		write(t, filepath.Join(root, src.file), read(t, filepath.Join(projectRoot, src.file)))
	}
}

func errorProto(t *testing.T) source {
	t.Helper()
	i := slices.IndexFunc(sources, func(s source) bool { return s.file == "codes/error.proto" })
	if i < 0 {
		t.Fatal("sources has no codes/error.proto")
	}
	return sources[i]
}

// builtPlugin builds this project's errstatus plugin and returns it. It runs in
// any directory.
func builtPlugin(t *testing.T) plugin {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "plugin.exe") // Windows runs no file without .exe
	build := exec.Command("go", "build", "-o", binary, "./cmd/protoc-gen-go-errstatus")
	build.Dir = projectRoot
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the plugin: %v\n%s", err, out)
	}
	return plugin{dir: ".", command: []string{binary}}
}

func edit(t *testing.T, path, old, new string) {
	t.Helper()
	content := read(t, path)
	if !strings.Contains(content, old) {
		t.Fatalf("%s has no %q; want it: the test replaces it", path, old)
	}
	write(t, path, strings.Replace(content, old, new, 1))
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
