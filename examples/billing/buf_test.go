package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	billingProto     = "proto/billing/v1/billing.proto"
	annotationsProto = "third_party/errstatus/errstatus/v1/annotations.proto"
)

// workspace returns a directory with a copy of the files that buf reads.
func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copyWorkspace(t, dir)
	return dir
}

func copyWorkspace(t *testing.T, dir string) {
	t.Helper()
	for _, part := range []string{"proto", "third_party"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(part)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"buf.yaml", "buf.gen.managed.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, file), string(text))
	}
}

// edit replaces the one occurrence of old in a file.
func edit(t *testing.T, file, old, text string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), old); n != 1 {
		t.Fatalf("%s has %q %d times; want once", file, old, n)
	}
	write(t, file, strings.Replace(string(b), old, text, 1))
}

// The options and the example have no mistake that buf's STANDARD rules find. The test
// makes one in each, because a rule that isn't applied finds none either.
func TestBufLint(t *testing.T) {
	needBuf(t)
	mustRun(t, ".", "buf", "lint")

	tests := []struct{ file, old, text, want string }{
		{billingProto, "BILLING_CODE_BANK_SILENT", "BANK_SILENT", `"BANK_SILENT" should be prefixed with "BILLING_CODE_"`},
		{annotationsProto, "FAULT_UNSPECIFIED", "FAULT_NONE", `"FAULT_NONE" should be suffixed with "_UNSPECIFIED"`},
	}
	for _, tt := range tests {
		t.Run(filepath.Base(tt.file), func(t *testing.T) {
			dir := workspace(t)
			edit(t, filepath.Join(dir, tt.file), tt.old+" = ", tt.text+" = ")
			if out, err := command(t, dir, "buf", "lint"); err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("buf lint printed\n%s\nwith error %v; want %s", out, err, tt.want)
			}
		})
	}
}

// buf refuses a file that two modules have. So the folder with the options must not have
// google/rpc/code.proto.
func TestBufTakesGoogleapisFromElsewhere(t *testing.T) {
	needBuf(t)
	dir := workspace(t)
	if err := os.Rename(filepath.Join(dir, "third_party/googleapis"), filepath.Join(dir, "googleapis")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "buf.yaml"), "version: v2\nmodules: [{path: proto}, {path: third_party/errstatus}, {path: googleapis}]\n")
	mustRun(t, dir, "buf", "build")
}

// buf breaking finds changes of names and numbers. It doesn't know what the options mean.
func TestBufBreaking(t *testing.T) {
	needBuf(t)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, old, text, want string
	}{
		{name: "nothing changes", old: "BILLING_CODE_BANK_SILENT = 4", text: "BILLING_CODE_BANK_SILENT = 4"},
		{name: "another number", old: "BILLING_CODE_BANK_SILENT = 4", text: "BILLING_CODE_BANK_SILENT = 5",
			want: `Previously present enum value "4" on enum "BillingCode" was deleted`},
		{name: "another name", old: "BILLING_CODE_BANK_SILENT = 4", text: "BILLING_CODE_BANK_SLOW = 4",
			want: `changed name from "BILLING_CODE_BANK_SILENT" to "BILLING_CODE_BANK_SLOW"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := workspace(t)
			edit(t, filepath.Join(dir, billingProto), tt.old, tt.text)
			out, err := command(t, dir, "buf", "breaking", "--against", here)
			if (err == nil) != (tt.want == "") || !strings.Contains(out, tt.want) {
				t.Errorf("buf breaking printed\n%s\nwith error %v; want %q", out, err, tt.want)
			}
		})
	}
}

// buf's managed mode replaces the go_package of every file. The lines below disable keep
// that of the options, whose Go package the generated code imports.
func TestBufManagedMode(t *testing.T) {
	needBuf(t)
	dir := managedModule(t)
	mustRun(t, dir, "buf", "generate", "--template", "buf.gen.managed.yaml")
	mustRun(t, dir, "go", "vet", "./...")

	t.Run("without disable", func(t *testing.T) {
		dir := managedModule(t)
		edit(t, filepath.Join(dir, "buf.gen.managed.yaml"), "      path: errstatus/v1\n", "      path: elsewhere\n")
		mustRun(t, dir, "buf", "generate", "--template", "buf.gen.managed.yaml")
		const wrong = "example.com/shop/gen/errstatus/v1"
		if out, err := command(t, dir, "go", "vet", "./..."); err == nil || !strings.Contains(out, wrong) {
			t.Errorf("go vet printed\n%s\nwith error %v; want it to miss package %s", out, err, wrong)
		}
	})
}

// managedModule returns a directory with a Go module for the code that
// buf.gen.managed.yaml generates.
func managedModule(t *testing.T) string {
	t.Helper()
	dir := newModule(t)
	copyWorkspace(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "gen"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
