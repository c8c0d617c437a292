package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	openim "github.com/errstatus/errstatus/docs/codes"
	"github.com/errstatus/errstatus/internal/reference"
)

// openIMDomain is the domain of the built-in reference.
const openIMDomain = "openim.io"

// refVariable is the environment variable with a list of references, separated as in PATH.
const refVariable = "ERRSTATUS_REF"

// loadCatalog returns the catalog of the references in the environment, of those that are
// given, and of OpenIM's, in this order. Of two with one domain the later one counts, but a
// given reference replaces OpenIM's.
func loadCatalog(given []string) (*catalog, error) {
	openIM, err := builtIn()
	if err != nil {
		return nil, err
	}
	var references []*reference.Reference
	for _, name := range filepath.SplitList(os.Getenv(refVariable)) {
		if name == "" {
			continue
		}
		read, err := readReferences(name)
		if err != nil {
			return nil, fmt.Errorf("%w (in the environment variable %s)", err, refVariable)
		}
		references = append(references, read...)
	}
	for _, name := range given {
		read, err := readReferences(name)
		if err != nil {
			return nil, err
		}
		references = append(references, read...)
	}
	c := newCatalog(references)
	if !c.hasDomain(openIM.Domain) {
		c.addReference(openIM)
	}
	return c, nil
}

// readReferences reads a file that protoc-gen-errstatus-doc has written, or all JSON files of
// a directory. Each must be the reference of another domain.
func readReferences(name string) ([]*reference.Reference, error) {
	if !isDirectory(name) {
		r, err := readReference(name)
		return []*reference.Reference{r}, err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var references []*reference.Reference
	fileOf := make(map[string]string)
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		file := filepath.Join(name, entry.Name())
		r, err := readReference(file)
		if err != nil {
			return nil, err
		}
		if other := fileOf[r.Domain]; other != "" {
			return nil, fmt.Errorf("the directory has two references of the domain %s: remove %s or %s", r.Domain, other, file)
		}
		fileOf[r.Domain] = file
		references = append(references, r)
	}
	if references == nil {
		return nil, fmt.Errorf("the directory %s has no JSON file: write one with protoc-gen-errstatus-doc and format=json", name)
	}
	return references, nil
}

func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// readReference reads a file that protoc-gen-errstatus-doc has written.
func readReference(name string) (*reference.Reference, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := reference.Read(file)
	if err != nil {
		return nil, fmt.Errorf("reading the reference %s: %w", name, err)
	}
	return r, nil
}

// builtIn returns OpenIM's reference.
func builtIn() (*reference.Reference, error) {
	return reference.Read(strings.NewReader(openim.Reference))
}
