package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// need skips the test because a protobuf compiler isn't on PATH, or fails it if all are
// required.
func need(t *testing.T, compiler, install string) {
	t.Helper()
	if _, err := exec.LookPath(compiler); err == nil {
		return
	}
	const variable, required = "ERRSTATUS_COMPILERS", "required"
	if os.Getenv(variable) == required {
		t.Fatalf("%s=%s, but %s is not on PATH: %s", variable, required, compiler, install)
	}
	t.Skipf("%s is not on PATH: %s", compiler, install)
}

func needProtoc(t *testing.T) {
	t.Helper()
	need(t, "protoc", "install it with: apt-get install protobuf-compiler")
}

func needBuf(t *testing.T) {
	t.Helper()
	need(t, "buf", "run npm ci in internal/tools/buf, and add its node_modules/.bin to PATH")
}

// command runs a command in dir, and returns what it printed.
func command(t *testing.T, dir string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustRun runs a command in dir that must succeed.
func mustRun(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := command(t, dir, args...); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// compilerVersion is the line of a generated file that has the version of protoc, which
// buf doesn't have.
var compilerVersion = regexp.MustCompile(`(?m)^//.*\bprotoc +(v[0-9.]+|\(unknown\))$`)

// filesBelow returns the text of each file below dir, without the version of the compiler.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = compilerVersion.ReplaceAllString(string(text), "// protoc")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkSame checks that a directory has the committed files. If not, it names the command
// that writes them.
func checkSame(t *testing.T, dir, committed, command string) {
	t.Helper()
	files, wanted := filesBelow(t, dir), filesBelow(t, committed)
	if len(wanted) == 0 {
		t.Fatalf("%s has no files", committed)
	}
	for path, text := range wanted {
		if files[path] != text {
			t.Errorf("%s differs from the committed one in %s: run %s", path, committed, command)
		}
		delete(files, path)
	}
	for path := range files {
		t.Errorf("%s is not among the committed files in %s: run %s", path, committed, command)
	}
}

const (
	generateCode   = "go generate ./... in the project's root"
	generateProtos = "go tool protoc-gen-go-errstatus --write-protos third_party in examples/billing"
)

func TestProtocMakesTheCommittedFiles(t *testing.T) {
	needProtoc(t)
	dir := t.TempDir()
	mustRun(t, ".", "sh", "generate.sh", dir)
	checkGenerated(t, dir)
}

func TestBufMakesTheCommittedFiles(t *testing.T) {
	needBuf(t)
	dir := t.TempDir()
	mustRun(t, ".", "buf", "generate", "-o", dir)
	checkGenerated(t, dir)
}

// checkGenerated checks that a directory has the committed code and reference.
func checkGenerated(t *testing.T, dir string) {
	t.Helper()
	for _, part := range []string{"billingpb", "reference"} {
		checkSame(t, filepath.Join(dir, part), part, generateCode)
	}
}

func TestThirdPartyIsOfThisVersion(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, ".", "go", "tool", "protoc-gen-go-errstatus", "--write-protos", dir)
	checkSame(t, dir, "third_party", generateProtos)
}

// The errstatus command compares references. In CI, the old one is that of the last release.
func TestDiffFindsWhatBreaks(t *testing.T) {
	needProtoc(t)
	const reference = "reference/billing.example.com.json"
	mustRun(t, ".", "go", "tool", "errstatus", "diff", reference, reference)

	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("proto")); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "billing/v1/billing.proto"), "grpc_code: UNAVAILABLE", "grpc_code: ABORTED")
	plugin, err := exec.Command("go", "tool", "-n", "protoc-gen-errstatus-doc").Output()
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, ".", "protoc", "-I", dir, "-I", "third_party/errstatus", "-I", "third_party/googleapis",
		"--plugin=protoc-gen-errstatus-doc="+strings.TrimSpace(string(plugin)), "--errstatus-doc_out="+dir, "billing/v1/billing.proto")
	out, err := command(t, ".", "go", "tool", "errstatus", "diff", reference, filepath.Join(dir, "billing.example.com.json"))
	if want := "BANK_SILENT: canonical code UNAVAILABLE -> ABORTED: breaks"; err == nil || !strings.Contains(out, want) {
		t.Errorf("errstatus diff printed\n%s\nwith error %v; want %q", out, err, want)
	}
}

// A vendor directory has no .proto files but those that a Go package embeds. The plugin
// embeds the two that it writes, so it works there too.
func TestVendorHasTheProtos(t *testing.T) {
	dir := newModule(t)
	mustRun(t, dir, "go", "mod", "vendor")
	for source, written := range map[string]string{
		"annotations/errstatus/v1": "errstatus/errstatus/v1",
		"googleapis/google/rpc":    "googleapis/google/rpc",
	} {
		checkSame(t, filepath.Join(dir, "vendor/github.com/errstatus/errstatus/codes", source), filepath.Join("third_party", written), generateProtos)
	}
}

// newModule returns a directory with the go.mod of this module, as example.com/shop.
func newModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, file), string(text))
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, dir, "go", "mod", "edit", "-module=example.com/shop", "-replace=github.com/errstatus/errstatus="+root)
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
