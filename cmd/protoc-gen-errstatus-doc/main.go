// The protoc-gen-errstatus-doc command is a plugin of protoc, buf and other protobuf
// compilers. For an enum with the option (errstatus.v1.domain) it writes a reference of the
// codes, for people and for tools. For example:
//
//	protoc -I . -I PROTOS/errstatus -I PROTOS/googleapis --errstatus-doc_out=. codes.proto
//
// writes billing.example.com.md, billing.example.com.json and billing.example.com.html for
// the domain "billing.example.com". The option format selects some of them:
//
//	--errstatus-doc_opt=format=md+html
//
// The comment of a value is its explanation in the reference. A paragraph of the comment
// that begins "Resolution:" says what to do about it.
//
// A section of the pages has the reason as its anchor, so that a link such as
// https://example.com/codes/billing.example.com.html#CARD_DECLINED leads to one code. The
// HTML page needs no other file and no network. The errstatus command reads the JSON.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/internal/protoenum"
	"github.com/errstatus/errstatus/internal/reference"
	"github.com/errstatus/errstatus/internal/version"
)

const usage = `protoc-gen-errstatus-doc is a plugin of protoc. Put it on PATH, and run

	protoc-gen-go-errstatus --write-protos DIR
	protoc -I . -I DIR/errstatus -I DIR/googleapis --errstatus-doc_out=. FILE.proto

It writes DOMAIN.md, DOMAIN.json and DOMAIN.html for each enum with a domain. protoc starts the plugin and talks to it
through standard input and output.

Option:

	--errstatus-doc_opt=format=md+html  write only these formats, joined by +: md, json, html (default all)

Flags:

	--help     print this text
	--version  print the version
`

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 0:
		if err := protoenum.Answer(os.Stdin, os.Stdout, "protoc-gen-errstatus-doc", generate); err != nil {
			fmt.Fprintln(os.Stderr, "protoc-gen-errstatus-doc:", err)
			os.Exit(1)
		}
	case len(args) == 1 && args[0] == "--version":
		fmt.Println("protoc-gen-errstatus-doc", version.Version)
	case len(args) == 1 && (args[0] == "-h" || args[0] == "--help"):
		fmt.Print(usage)
	default:
		fmt.Fprintf(os.Stderr, "protoc-gen-errstatus-doc: unexpected arguments %q: the flags are --help and --version; protoc gives the plugin its files\n\n%s", args, usage)
		os.Exit(2)
	}
}

// generate returns the response with the references of all enums with a domain. It stops at
// the first file with a mistake, and returns a line for each mistake that it finds there.
func generate(request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	formats, err := formatsOf(request.GetParameter())
	if err != nil {
		return nil, err
	}
	gen, err := open(request)
	if err != nil {
		return nil, err
	}
	taken := protoenum.ImportedDomains(gen.Files)
	stems := make(map[string]string)
	for _, file := range gen.Files {
		if !file.Generate {
			continue
		}
		enums, err := protoenum.Enums(file)
		if err != nil {
			return nil, err
		}
		if err := taken.Add(enums); err != nil {
			return nil, err
		}
		for _, enum := range enums {
			if err := checkStem(enum, stems); err != nil {
				return nil, err
			}
			if err := write(gen, referenceOf(enum), formats); err != nil {
				return nil, err
			}
		}
	}
	return gen.Response(), nil
}

// maxStem is the length of the longest domain that can be the name of a file: the usual limit of
// file systems is 255 bytes, and the longest format has 4.
const maxStem = 255 - len(".html")

// checkStem returns an error for a domain that can't begin the name of a file everywhere, or
// that another enum has with other capitals. It adds the domain to stems.
func checkStem(enum *protoenum.Enum, stems map[string]string) error {
	domain, folded := enum.Domain, strings.ToLower(enum.Domain)
	var wrong string
	switch first, ok := stems[folded]; {
	case ok:
		wrong = fmt.Sprintf("differs from %q in its capitals alone, so that some file systems take both for one file", first)
	case len(domain) > maxStem:
		wrong = fmt.Sprintf("has %d bytes, too many for the name of a file", len(domain))
	case strings.ContainsAny(domain, `\:*?"<>|`) || strings.ContainsAny(domain[:1], ".-"):
		wrong = "can't be the name of a file on all systems"
	default:
		stems[folded] = domain
		return nil
	}
	return fmt.Errorf("%s: enum %s: the domain %q %s: generate its reference in a run of its own, or choose a domain such as \"billing.example.com\"",
		protoenum.Position(enum.Desc), enum.Desc.FullName(), domain, wrong)
}

// open prepares a request for reading. A reference has nothing to do with Go packages, so
// open gives all files the same: protogen refuses a file without one.
func open(request *pluginpb.CodeGeneratorRequest) (*protogen.Plugin, error) {
	request.Parameter = nil
	for _, file := range request.ProtoFile {
		if file.Options == nil {
			file.Options = &descriptorpb.FileOptions{}
		}
		file.Options.GoPackage = proto.String("errstatus.invalid/unused")
	}
	gen, err := protogen.Options{}.New(request)
	if err != nil {
		return nil, err
	}
	protoenum.SetFeatures(gen)
	return gen, nil
}

// referenceOf returns the reference of an enum.
func referenceOf(enum *protoenum.Enum) *reference.Reference {
	r := reference.New(enum.Domain, string(enum.Desc.FullName()), commentOf(enum.Comments))
	for _, c := range enum.Codes {
		r.Add(c.Row, commentOf(c.Comments), protoenum.IsDeprecated(c.Desc))
	}
	return r
}

// commentOf returns the comment before a declaration and the one after it, as paragraphs.
func commentOf(comments protogen.CommentSet) string {
	return string(comments.Leading) + "\n" + string(comments.Trailing)
}

// write adds a file to the response for each format.
func write(gen *protogen.Plugin, r *reference.Reference, formats []string) error {
	for _, format := range formats {
		var b bytes.Buffer
		if err := writers[format](r, &b); err != nil {
			return fmt.Errorf("domain %q: %w", r.Domain, err)
		}
		gen.NewGeneratedFile(r.Domain+"."+format, "").P(strings.TrimSuffix(b.String(), "\n"))
	}
	return nil
}

var writers = map[string]func(*reference.Reference, io.Writer) error{
	"md":   (*reference.Reference).WriteMarkdown,
	"json": (*reference.Reference).WriteJSON,
	"html": (*reference.Reference).WriteHTML,
}

// formatsOf returns the formats that the plugin's options select: all of them by default.
func formatsOf(parameter string) ([]string, error) {
	all := []string{"html", "json", "md"}
	var formats []string
	for option := range strings.SplitSeq(parameter, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch {
		case option == "":
			continue
		case name != "format":
			return nil, fmt.Errorf("unknown option %q: the option is format=, such as format=md+html", name)
		}
		for format := range strings.SplitSeq(value, "+") {
			if !slices.Contains(all, format) {
				return nil, fmt.Errorf("unknown format %q in the option format=%s: use md, json or html, or several of them as in md+html", format, value)
			}
			if !slices.Contains(formats, format) {
				formats = append(formats, format)
			}
		}
	}
	if formats == nil {
		return all, nil
	}
	return formats, nil
}
