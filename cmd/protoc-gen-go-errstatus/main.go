// The protoc-gen-go-errstatus command is a plugin of protoc, buf and other protobuf
// compilers. For an enum with the option (errstatus.v1.domain) it generates a Go
// type of domain codes, its constants, the rows of its table, and an error type for each
// row with a template. For example:
//
//	protoc-gen-go-errstatus --write-protos third_party
//	protoc -I . -I third_party/errstatus -I third_party/googleapis --go-errstatus_out=. --go-errstatus_opt=paths=source_relative codes.proto
//
// writes codes_errstatus.pb.go. The generated code registers nothing with
// protobuf, and makes the table when it is first used.
//
// # Where the type is
//
// protoc-gen-go generates a type with the same name for the same enum. With attach=true the
// plugin adds the methods Error, Table, Reason, GRPCStatus and LogValue to that type:
//
//	protoc … --go_out=. --go-grpc_out=. --go-errstatus_out=. --go-errstatus_opt=attach=true,paths=source_relative billing.proto
//
// writes billing_errstatus.pb.go beside billing.pb.go. The plugin adds neither String nor
// MarshalText. So messages look the same in protobuf's text and JSON, in encoding/json and in
// logs. Only a code that is printed alone shows its message, because fmt prefers Error. The
// code of protoc-gen-go registers the enum's file, and links the annotations.
//
// By default the plugin makes a type of its own, with all methods. It then needs a Go package
// of its own.
//
// # Names
//
// A value in mixed case keeps its name in Go: RecordNotFound stays RecordNotFound.
// A value in upper snake case loses the name of its enum and becomes camel case:
// BILLING_CODE_CARD_DECLINED of BillingCode becomes CardDeclined, with the reason
// CARD_DECLINED. TYPE_HTTP_404 of Type becomes Http404. If that is no name in Go, as for
// CODE_2FA_REQUIRED of Code, the row needs a go_name. The name is in the texts of errors and
// in logs. The table's Parse reads it and the name in the .proto file.
//
// A constant has that name too, and the error type of a row with a template has it with Error
// at the end, such as CardDeclinedError. If two enums of a package have the same name, such as
// Unspecified, set the go_name of one. Or use prefix=keep: the type's name then comes first in
// all names, as in BillingCodeUnspecified.
//
// With attach=true the constants are those of protoc-gen-go. With short_constants=true the
// plugin adds the others beside them. A number 0 without a row has none of the others, because
// most enums call it UNSPECIFIED.
//
// With allow_alias, the first value of a number is the code. The others are names that Parse
// reads, and constants that are marked as deprecated. An alias has a constant only if its
// name can be one in Go and differs from the other names of the number.
//
// # Domains
//
// One domain has one Go type. The plugin refuses an enum whose domain another enum
// has, in the files that it generates and in those that they import. Two API
// versions of an enum take two domains, such as "v1.billing.example.com" and
// "v2.billing.example.com".
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/internal/protoenum"
	"github.com/errstatus/errstatus/internal/version"
)

const usage = `protoc-gen-go-errstatus is a plugin of protoc. Put it on PATH, and run

	protoc-gen-go-errstatus --write-protos DIR
	protoc -I . -I DIR/errstatus -I DIR/googleapis --go-errstatus_out=. --go-errstatus_opt=paths=source_relative FILE.proto

protoc starts the plugin and talks to it through standard input and output.

Options, in --go-errstatus_opt:

	attach=true           add the methods to the type that protoc-gen-go generates in the same Go package
	short_constants=true  also generate constants such as CardDeclined (needs attach=true),
	                      except for a number 0 without the option (errstatus.v1.row)
	prefix=keep           begin the names of constants and error types with the name of the enum's type
	paths=, module=, M…=  as for protoc-gen-go

Flags:

	--help              print this text
	--version           print the version
	--write-protos DIR  write errstatus/v1/annotations.proto and google/rpc/code.proto below DIR
`

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 0:
		if err := protoenum.Answer(os.Stdin, os.Stdout, "protoc-gen-go-errstatus", generate); err != nil {
			fmt.Fprintln(os.Stderr, "protoc-gen-go-errstatus:", err)
			os.Exit(1)
		}
	case len(args) == 1 && args[0] == "--version":
		fmt.Println("protoc-gen-go-errstatus", version.Version)
	case len(args) == 1 && (args[0] == "-h" || args[0] == "--help"):
		fmt.Print(usage)
	case len(args) == 2 && args[0] == "--write-protos" && args[1] != "" && args[1][0] != '-':
		if err := writeProtos(args[1], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "protoc-gen-go-errstatus:", err)
			os.Exit(1)
		}
	default:
		fmt.Fprintf(os.Stderr, "protoc-gen-go-errstatus: %v\n\n%s", refuseArguments(args), usage)
		os.Exit(2)
	}
}

// generate returns the response to a request, or an error with a line for each mistake.
func generate(request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	g := &generator{}
	gen, err := protogen.Options{ParamFunc: g.options.set}.New(request)
	if err != nil {
		return nil, err
	}
	if err := g.generate(gen); err != nil {
		return nil, err
	}
	return gen.Response(), nil
}

// refuseArguments returns an error that names the first of the arguments that the
// command doesn't know.
func refuseArguments(args []string) error {
	for _, arg := range args {
		switch {
		case arg == "-h" || arg == "--help" || arg == "--version":
		case arg == "--write-protos":
			return errors.New("--write-protos takes one folder, and no other argument: --write-protos third_party")
		case strings.HasPrefix(arg, "-"):
			return fmt.Errorf("unknown flag %s: the flags are --help, --version and --write-protos", arg)
		default:
			return fmt.Errorf("unexpected argument %q: protoc gives the plugin its files, so give them to protoc", arg)
		}
	}
	return fmt.Errorf("too many flags %q: give one", args)
}

// A generator has the options of a request and the Go names that are taken.
type generator struct {
	options options
	names   names

	proposed map[protogen.GoIdent]*protoenum.Code // names that errors propose, each for a code
}

// generate adds a generated file to gen for each file that has a table. Its error has a line
// for each mistake in the files.
func (g *generator) generate(gen *protogen.Plugin) error {
	protoenum.SetFeatures(gen)
	if err := g.options.check(); err != nil {
		return err
	}
	var wrong []error
	var all []*protoenum.Enum
	enums := map[*protogen.File][]*protoenum.Enum{}
	domains := protoenum.ImportedDomains(gen.Files)
	for _, file := range gen.Files {
		if !file.Generate {
			continue
		}
		inFile, err := enumsOf(file)
		wrong = append(wrong, err, domains.Add(inFile))
		enums[file], all = inFile, append(all, inFile...)
	}
	g.names, g.proposed = names{}, make(map[protogen.GoIdent]*protoenum.Code)
	if g.options.attach {
		g.names.addProtobuf(gen.Files)
	}
	wrong = append(wrong, g.declare(all))
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	for _, file := range gen.Files {
		if len(enums[file]) > 0 {
			g.writeFile(gen, file, enums[file])
		}
	}
	return nil
}

// enumsOf returns the enums of a file that have a domain. It returns an error for what
// can't be in Go code.
func enumsOf(file *protogen.File) ([]*protoenum.Enum, error) {
	enums, err := protoenum.Enums(file)
	wrong := []error{err}
	for _, e := range enums {
		wrong = append(wrong, checkComments(e.Desc, e.Comments))
		for _, value := range e.Values {
			wrong = append(wrong, checkComments(value.Desc, value.Comments))
		}
		for _, c := range e.Codes {
			wrong = append(wrong, checkFields(c))
		}
	}
	return enums, errors.Join(wrong...)
}
