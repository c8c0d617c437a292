package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wantProtos has the files that --write-protos writes, and the same files in the
// project's tree.
var wantProtos = map[string]string{
	"errstatus/errstatus/v1/annotations.proto": "../../codes/annotations/errstatus/v1/annotations.proto",
	"googleapis/google/rpc/code.proto":         "../../codes/googleapis/google/rpc/code.proto",
}

// filesBelow returns the text of each file below dir, by its path in dir.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator)))] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Each proto file has an include root of its own: buf refuses a file that two modules have,
// and whoever has googleapis leaves our copy out.
func TestWriteProtos(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "third_party")
	stdout, stderr, exit := command(t, nil, "--write-protos", dir)
	if exit != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q; want 0 and nothing", exit, stderr)
	}
	checkProtos(t, filesBelow(t, dir))
	for path := range wantProtos {
		checkOutput(t, "stdout", stdout, []string{"wrote " + filepath.Join(dir, filepath.FromSlash(path)) + "\n"})
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o644 {
			t.Errorf("%s has mode %v; want 0644, so that every user can read it", path, info.Mode())
		}
	}
	checkOutput(t, "stdout", stdout, []string{" -I " + filepath.Join(dir, "errstatus") + " -I " + filepath.Join(dir, "googleapis") + "\n"})
}

// checkProtos checks that the files are those that --write-protos writes.
func checkProtos(t *testing.T, files map[string]string) {
	t.Helper()
	for path, source := range wantProtos {
		want, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if files[path] != string(want) {
			t.Errorf("%s isn't %s", path, source)
		}
	}
	if len(files) != len(wantProtos) {
		t.Errorf("there are %d files; want %d and no temporary ones", len(files), len(wantProtos))
	}
}

// A newer plugin replaces the files of an older one. What else is in the folder stays.
func TestWriteProtosReplacesItsFilesOnly(t *testing.T) {
	dir := t.TempDir()
	others := []string{"mine.proto", "googleapis/google/rpc/status.proto"}
	for _, path := range append(slices.Clone(others), "googleapis/google/rpc/code.proto") {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, stderr, exit := command(t, nil, "--write-protos", dir); exit != 0 {
		t.Fatalf("exit code %d, stderr %q; want 0", exit, stderr)
	}
	files := filesBelow(t, dir)
	for _, path := range others {
		if files[path] != "old" {
			t.Errorf("%s has become %q; want it unchanged", path, files[path])
		}
		delete(files, path)
	}
	checkProtos(t, files)
}

func TestWriteProtosReportsWhatItCouldNotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, exit := command(t, nil, "--write-protos", file)
	if exit != 1 || stdout != "" {
		t.Errorf("exit code %d, stdout %q; want 1 and nothing", exit, stdout)
	}
	checkOutput(t, "stderr", stderr, []string{"protoc-gen-go-errstatus: --write-protos " + file, "not a directory"})
}
