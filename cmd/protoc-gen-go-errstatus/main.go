// The protoc-gen-go-errstatus command is a plugin of protoc, buf and other
// protobuf compilers. For each enum with the option (errstatus.v1.domain) it
// generates a Go type of codes, typed constants with the enum's comments, and
// the rows of its table.
//
//	options=$(go list -m -f '{{.Dir}}' github.com/errstatus/errstatus)/codes/annotations
//	protoc -I . -I "$options" --go-errstatus_out=. --go-errstatus_opt=paths=source_relative codes.proto
//
// The output of x.proto is x_errstatus.pb.go. Nothing in it is registered with
// protobuf, and nothing is computed before the table is first asked for.
//
// Constants are called as the values are: RecordNotFound stays RecordNotFound.
// Names in upper snake case lose the enum's own and become camel case:
// BILLING_CODE_CARD_DECLINED of BillingCode is CardDeclined, with the reason
// CARD_DECLINED, and TYPE_HTTP_404 of Type is Http404.
//
// protoc-gen-go makes a type of the same name of the same enum: where both run
// over a file, send their output to two Go packages.
package main

import (
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// version is the version of the generator. Generated files repeat it, so it is a
// constant: what the build knows of its module differs from machine to machine.
const version = "v0.1.0-dev"

const usage = `protoc-gen-go-errstatus is a plugin of protoc. Put it on PATH, and run

	protoc --go-errstatus_out=. --go-errstatus_opt=paths=source_relative FILE.proto

protoc starts the plugin and talks to it through standard input and output.

Flags:

	--help     print this text
	--version  print the version
`

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 0:
		protogen.Options{ParamFunc: refuseOption}.Run(generate)
	case len(args) == 1 && args[0] == "--version":
		fmt.Println("protoc-gen-go-errstatus", version)
	case len(args) == 1 && (args[0] == "-h" || args[0] == "--help"):
		fmt.Print(usage)
	default:
		fmt.Fprintf(os.Stderr, "protoc-gen-go-errstatus: %v\n\n%s", refuseArguments(args), usage)
		os.Exit(2)
	}
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

// refuseOption is called with the options that protogen itself doesn't know.
func refuseOption(name, _ string) error {
	return fmt.Errorf("protoc-gen-go-errstatus: no option %q: there are paths=, module= and M…=", name)
}

// generate is the plugin: it adds a file to gen for each file with a table, or
// fails with everything that is wrong in the first that has an error.
func generate(gen *protogen.Plugin) error {
	gen.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL |
		pluginpb.CodeGeneratorResponse_FEATURE_SUPPORTS_EDITIONS)
	gen.SupportedEditionsMinimum = descriptorpb.Edition_EDITION_PROTO2
	gen.SupportedEditionsMaximum = descriptorpb.Edition_EDITION_2024
	declared := names{}
	for _, file := range gen.Files {
		if !file.Generate {
			continue
		}
		tables, err := tablesOf(file)
		if err != nil {
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
