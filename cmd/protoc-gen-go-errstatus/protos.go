package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/errstatus/errstatus/codes/annotations"
	"github.com/errstatus/errstatus/codes/googleapis"
)

// A protoFile is a file that --write-protos writes.
type protoFile struct {
	from       embed.FS
	root       string // the folder that protoc needs with -I, in the target folder
	importPath string
}

var protoFiles = []protoFile{
	{annotations.Protos, "errstatus", "errstatus/v1/annotations.proto"},
	{googleapis.Protos, "googleapis", "google/rpc/code.proto"},
}

// writeProtos writes the options and the file that they import to dir, each below a folder
// of its own, so that a program that already has googleapis can leave that folder out.
// It replaces existing files, and leaves all others in dir unchanged. Then it prints
// the names of the files to out.
func writeProtos(dir string, out io.Writer) error {
	var written, flags strings.Builder
	for _, file := range protoFiles {
		if err := file.write(dir); err != nil {
			return fmt.Errorf("--write-protos %s: %w", dir, err)
		}
		fmt.Fprintln(&written, "wrote", filepath.Join(dir, file.root, file.importPath))
		fmt.Fprint(&flags, " -I ", filepath.Join(dir, file.root))
	}
	_, err := fmt.Fprintf(out, "%sgive protoc the flags%s\n", &written, &flags)
	return err
}

// write writes the file below dir. It writes a new file and renames it, so that a compiler
// that runs at the same time reads the old text or the new one.
func (f protoFile) write(dir string) error {
	text, err := f.from.ReadFile(f.importPath)
	if err != nil {
		return err
	}
	target := filepath.Join(dir, f.root, f.importPath)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // fails after the rename
	_, err = temporary.Write(text)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	if err := os.Chmod(temporary.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), target)
}
