// The protoc-gen-go-errstatus command is a plugin of protoc, buf and other protobuf
// compilers. For an enum with the option (errstatus.v1.domain) it generates a Go
// type of domain codes, its constants, and the rows of its table. For example:
//
//	options=$(go list -m -f '{{.Dir}}' github.com/errstatus/errstatus)/codes/annotations
//	protoc -I . -I "$options" --go-errstatus_out=. --go-errstatus_opt=paths=source_relative codes.proto
//
// writes codes_errstatus.pb.go. The generated code registers nothing with
// protobuf, and makes the table when it is first used.
//
// A value in mixed case keeps its name in Go: RecordNotFound stays RecordNotFound.
// A value in upper snake case loses the name of its enum and becomes camel case:
// BILLING_CODE_CARD_DECLINED of BillingCode becomes CardDeclined, with the reason
// CARD_DECLINED. TYPE_HTTP_404 of Type becomes Http404.
//
// protoc-gen-go generates a type with the same name for the same enum. If you run
// both plugins on a file, write their output to two Go packages.
//
// One domain has one Go type. The plugin refuses an enum whose domain another enum
// has, in the files that it generates and in those that they import. Two API
// versions of an enum take two domains, such as "v1.billing.example.com" and
// "v2.billing.example.com".
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// version is the version of the generator. Generated files repeat it, so it is a
// constant: the version in the build information differs from machine to machine.
const version = "v0.1.0-dev"

const usage = `protoc-gen-go-errstatus is a plugin of protoc. Put it on PATH, and run

	protoc -I . -I ANNOTATIONS --go-errstatus_out=. --go-errstatus_opt=paths=source_relative FILE.proto

ANNOTATIONS is the folder codes/annotations of the module github.com/errstatus/errstatus:

	go list -m -f '{{.Dir}}' github.com/errstatus/errstatus

prints the folder of the module. protoc starts the plugin and talks to it through standard input and output.

Flags:

	--help     print this text
	--version  print the version
`

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 0:
		if err := answer(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "protoc-gen-go-errstatus:", err)
			os.Exit(1)
		}
	case len(args) == 1 && args[0] == "--version":
		fmt.Println("protoc-gen-go-errstatus", version)
	case len(args) == 1 && (args[0] == "-h" || args[0] == "--help"):
		fmt.Print(usage)
	default:
		fmt.Fprintf(os.Stderr, "protoc-gen-go-errstatus: %v\n\n%s", refuseArguments(args), usage)
		os.Exit(2)
	}
}

// answer reads a request of protoc and writes the response. Mistakes that errstatus finds
// in a .proto file are in the response, which protoc prints. answer returns an error if the
// request can't be decoded, or if protogen refuses it, such as for a missing go_package.
func answer(in io.Reader, out io.Writer) error {
	b, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	request, err := readRequest(b)
	if request == nil {
		return err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err != nil {
		response.Error = proto.String(err.Error())
	} else {
		gen, err := protogen.Options{ParamFunc: refuseOption}.New(request)
		if err != nil {
			return err
		}
		if err := generate(gen); err != nil {
			gen.Error(err)
		}
		response = gen.Response()
	}
	b, err = proto.Marshal(response)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

// refuseArguments returns an error that names the first of the arguments that the
// command doesn't know.
func refuseArguments(args []string) error {
	for _, arg := range args {
		switch {
		case arg == "-h" || arg == "--help" || arg == "--version":
		case strings.HasPrefix(arg, "-"):
			return fmt.Errorf("unknown flag %s: the flags are --help and --version", arg)
		default:
			return fmt.Errorf("unexpected argument %q: protoc gives the plugin its files, so give them to protoc", arg)
		}
	}
	return fmt.Errorf("too many flags %q: give one", args)
}

// refuseOption returns an error for an option that protogen doesn't know itself.
func refuseOption(name, _ string) error {
	return fmt.Errorf("unknown option %q: the options are paths=, module= and M…=", name)
}

// generate adds a generated file to gen for each file that has a table. It stops
// at the first file with an error, and returns everything that is wrong in it.
func generate(gen *protogen.Plugin) error {
	gen.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL |
		pluginpb.CodeGeneratorResponse_FEATURE_SUPPORTS_EDITIONS)
	gen.SupportedEditionsMinimum = descriptorpb.Edition_EDITION_PROTO2
	gen.SupportedEditionsMaximum = descriptorpb.Edition_EDITION_2024
	declared, taken := names{}, importedDomains(gen.Files)
	for _, file := range gen.Files {
		if !file.Generate {
			continue
		}
		tables, err := tablesOf(file)
		if err != nil {
			return err
		}
		if err := taken.add(tables); err != nil {
			return err
		}
		if err := declared.add(file.GoImportPath, tables); err != nil {
			return err
		}
		if len(tables) > 0 {
			writeFile(gen, file, tables)
		}
	}
	return nil
}
