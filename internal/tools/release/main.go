// The release command checks that the modules of this project fit together. Their go.mod
// files have replace directives with directories. Users' builds ignore these, so a wrong
// requirement shows only after a tag.
//
// With -release vX.Y.Z it also checks that the tree can be tagged with that version.
// CONTRIBUTING.md has the steps of a release.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

const (
	listFile      = ".ci/run" // its line modules=(…) lists the directories of all modules
	versionFile   = "internal/version/version.go"
	changelogFile = "CHANGELOG.md"
)

func main() {
	root := flag.String("root", "../../..", "the project's root `directory`")
	version := flag.String("release", "", "check that the tree can be tagged with this `version`, such as v0.1.0")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "release: unexpected argument %q: give the version with -release\n", flag.Arg(0))
		os.Exit(2)
	}
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "release" && *version == "" {
			fmt.Fprintln(os.Stderr, `release: -release "": give a version such as v0.1.0`)
			os.Exit(2)
		}
	})
	if err := check(os.DirFS(*root), *version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(strings.TrimSpace("the modules fit together " + *version))
}

// published reports whether the module of a directory gets tags. The others are tools,
// tests and examples.
func published(dir string) bool { return dir == "." || path.Dir(dir) == "integrations" }

// A tree has the files that are checked, their modules, and what was found wrong.
type tree struct {
	fs.FS
	modules map[string]*modfile.File // by directory
	dirs    map[string]string        // by module path
	wrong   []error
}

// check returns everything that is wrong with a tree, and with its release as version
// unless that is empty.
func check(files fs.FS, version string) error {
	if version != "" && (!semver.IsValid(version) || semver.Canonical(version) != version) {
		return fmt.Errorf("-release %q: give a version such as v0.1.0", version)
	}
	if _, err := fs.Stat(files, listFile); err != nil {
		return fmt.Errorf("%w: give the project's root with -root", err)
	}
	t := &tree{FS: files, modules: map[string]*modfile.File{}, dirs: map[string]string{}}
	headers, err := t.read()
	if err != nil {
		return err
	}
	t.checkList()
	for _, dir := range slices.Sorted(maps.Keys(t.modules)) {
		t.checkModule(dir, version)
	}
	t.checkShared()
	t.checkGenerator(headers, version)
	if line, rest := t.find(changelogFile, "## "+version); version != "" && !strings.HasPrefix(rest, " ") {
		t.report(changelogFile, max(1, line), "has no heading %q with a date: rename the heading Unreleased", "## "+version)
	}
	return errors.Join(t.wrong...)
}

// report adds an error with its place.
func (t *tree) report(file string, line int, format string, args ...any) {
	t.wrong = append(t.wrong, fmt.Errorf("%s:%d: %s", file, line, fmt.Sprintf(format, args...)))
}

// read parses all go.mod files, and returns the names of the generated files.
func (t *tree) read() (generated []string, err error) {
	err = fs.WalkDir(t, ".", func(name string, entry fs.DirEntry, err error) error {
		switch base := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (base[0] == '.' || base == "testdata" || base == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(base, "_errstatus.pb.go"):
			generated = append(generated, name)
		case base == "go.mod":
			b, err := fs.ReadFile(t, name)
			if err != nil {
				return err
			}
			file, err := modfile.Parse(name, b, nil)
			if err != nil {
				return err
			}
			if file.Module == nil || file.Go == nil {
				return fmt.Errorf("%s:1: needs a module and a go directive: add the missing one", name)
			}
			t.modules[path.Dir(name)], t.dirs[file.Module.Mod.Path] = file, path.Dir(name)
		}
		return nil
	})
	if err == nil && t.modules["."] == nil {
		err = errors.New("go.mod:1: no such file: give the project's root directory with -root")
	}
	return generated, err
}

// checkList compares the modules with the list that the other checks use.
func (t *tree) checkList() {
	line, rest := t.find(listFile, "modules=(")
	listed := strings.Fields(strings.TrimSuffix(rest, ")"))
	for _, dir := range slices.Sorted(maps.Keys(t.modules)) {
		if !slices.Contains(listed, dir) {
			t.report(path.Join(dir, "go.mod"), 1, "the module isn't in the list modules=(…) of %s: add %s there", listFile, dir)
		}
	}
	for _, dir := range listed {
		if t.modules[dir] == nil {
			t.report(listFile, line, "modules=(…) lists %s, which has no go.mod: remove it", dir)
		}
	}
}

// checkModule checks one go.mod file on its own.
func (t *tree) checkModule(dir, version string) {
	name, file, root := path.Join(dir, "go.mod"), t.modules[dir], t.modules["."]
	if want := path.Join(root.Module.Mod.Path, dir); file.Module.Mod.Path != want {
		t.report(name, file.Module.Syntax.Start.Line, "module %s: call it %s, after its directory", file.Module.Mod.Path, want)
	}
	if major := semver.Major(version); dir == "." && major > "v1" && !strings.HasSuffix(file.Module.Mod.Path, "/"+major) {
		t.report(name, file.Module.Syntax.Start.Line, "module %s: call it %s/%s, or go refuses %s", file.Module.Mod.Path, file.Module.Mod.Path, major, version)
	}
	if file.Go.Version != root.Go.Version {
		t.report(name, file.Go.Syntax.Start.Line, "go %s, but the main module has go %s: use the same", file.Go.Version, root.Go.Version)
	}
	if dir == "." {
		for _, r := range file.Replace {
			t.report(name, r.Syntax.Start.Line, "replace %s: remove it, because go install refuses a command of a module that replaces another", r.Old.Path)
		}
	}
	for _, require := range file.Require {
		other, ok := t.dirs[require.Mod.Path]
		if !ok {
			continue
		}
		line, of := require.Syntax.Start.Line, require.Mod.Path
		if published(dir) && !published(other) {
			t.report(name, line, "requires %s, which is never tagged: a published module can't require it", of)
		}
		if published(dir) && version != "" && require.Mod.Version != version {
			t.report(name, line, "requires %s %s, but the release is %s: run go mod edit -require=%s@%s", of, require.Mod.Version, version, of, version)
		}
		want, _ := filepath.Rel(dir, other) // no error: both are relative to the root
		want = filepath.ToSlash(want)
		i := slices.IndexFunc(file.Replace, func(r *modfile.Replace) bool { return r.Old.Path == of })
		if i < 0 {
			t.report(name, line, "requires %s without a replace: run go mod edit -replace=%s=%s", of, of, want)
		} else if got := file.Replace[i].New.Path; got != want {
			t.report(name, file.Replace[i].Syntax.Start.Line, "replaces %s with %s: run go mod edit -replace=%s=%s", of, got, of, want)
		}
	}
}

// checkShared checks that all modules that require a module directly require one version.
func (t *tree) checkShared() {
	first := map[string][2]string{}                           // the file and the version
	for _, dir := range slices.Sorted(maps.Keys(t.modules)) { // the main module comes first
		for _, require := range t.modules[dir].Require {
			name, mod := path.Join(dir, "go.mod"), require.Mod
			if _, ours := t.dirs[mod.Path]; ours || require.Indirect {
				continue
			}
			if use, ok := first[mod.Path]; !ok {
				first[mod.Path] = [2]string{name, mod.Version}
			} else if use[1] != mod.Version {
				t.report(name, require.Syntax.Start.Line, "requires %s %s, but %s requires %s: use one version", mod.Path, mod.Version, use[0], use[1])
			}
		}
	}
}

// checkGenerator checks the version of the generator against that in generated files, and
// against the version to be released.
func (t *tree) checkGenerator(generated []string, version string) {
	const beginning, header = `const Version = "`, "// \tprotoc-gen-go-errstatus "
	line, rest := t.find(versionFile, beginning)
	constant := strings.TrimSuffix(rest, `"`)
	if line == 0 {
		t.report(versionFile, 1, "has no line that begins with %q: the version of the generator must be a constant there", beginning)
		return
	}
	if version != "" && constant != version {
		t.report(versionFile, line, "the version is %q, want %q: change the constant, and run go generate ./...", constant, version)
	}
	for _, name := range generated {
		if line, got := t.find(name, header); got != constant {
			t.report(name, max(1, line), "was generated by %q, but the version of the generator is %q: run go generate ./...", got, constant)
		}
	}
}

// find returns the number of a file's first line with a beginning, and the rest of that
// line. It returns 0 if there is none.
func (t *tree) find(name, beginning string) (number int, rest string) {
	b, _ := fs.ReadFile(t, name) // a file that is missing has no lines
	for line := range strings.Lines(string(b)) {
		number++
		if rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), beginning); ok {
			return number, rest
		}
	}
	return 0, ""
}
