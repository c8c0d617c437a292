package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bufbuild/protocompile"
)

// docRoot has shop.proto and its references.
const docRoot = projectRoot + "/cmd/protoc-gen-errstatus-doc/testdata"

// docResolver finds files in docRoot, beside those that go generate uses.
func docResolver() protocompile.Resolver {
	return protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if f, err := os.Open(filepath.Join(docRoot, path)); err == nil {
			return protocompile.SearchResult{Source: f}, nil
		}
		return resolver(projectRoot).FindFileByPath(path)
	})
}

func TestGoldenReferences(t *testing.T) {
	request, err := compileWith(docResolver(), "shop.proto", "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range respond(t, docPlugin, request).File {
		names = append(names, f.GetName())
		file := filepath.Join(docRoot, f.GetName())
		if *update {
			write(t, file, f.GetContent())
		} else if b, err := os.ReadFile(file); err != nil || string(b) != f.GetContent() {
			t.Errorf("%s is stale (error %v): run go test -run Golden . -update in internal/tools/generate, and read the diff; it would be\n%s", file, err, f.GetContent())
		}
	}
	want := []string{
		"shop.example.com.html", "shop.example.com.json", "shop.example.com.md",
		"delivery.shop.example.com.html", "delivery.shop.example.com.json", "delivery.shop.example.com.md",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the plugin writes %q; want %q", names, want)
	}
}

// What the Go plugin accepts has a reference, whatever its syntax or edition.
func TestGoodFilesHaveReferences(t *testing.T) {
	for _, g := range append(goldens(t, "good/*/*.proto"), goldens(t, "good/*/*.txtpb")...) {
		t.Run(g.path, func(t *testing.T) {
			request := g.request(t, "")
			request.Parameter = nil
			if got := len(respond(t, docPlugin, request).File); got == 0 || got%3 != 0 {
				t.Errorf("the plugin writes %d files; want three for each enum", got)
			}
		})
	}
}
