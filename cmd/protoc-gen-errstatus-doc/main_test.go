package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/codes/annotations"
	"github.com/errstatus/errstatus/internal/reference"
	"github.com/errstatus/errstatus/internal/version"
)

// TestMain runs the command instead of the tests if a test starts this program for it.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command runs the command with arguments and an input.
func command(t *testing.T, in []byte, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "RUN_MAIN=1")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	err := cmd.Run()
	if exitError, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		exit = exitError.ExitCode()
	}
	return out.String(), errs.String(), exit
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		args           []string
		stdout, stderr string // their beginnings
		exit           int
	}{
		{args: []string{"--version"}, stdout: "protoc-gen-errstatus-doc " + version.Version + "\n"},
		{args: []string{"--help"}, stdout: usage},
		{args: []string{"-h"}, stdout: usage},
		{args: []string{"--version", "--help"}, stderr: `protoc-gen-errstatus-doc: unexpected arguments ["--version" "--help"]: the flags are --help and --version`, exit: 2},
		{args: []string{"codes.proto"}, stderr: `protoc-gen-errstatus-doc: unexpected arguments ["codes.proto"]`, exit: 2},
	} {
		stdout, stderr, exit := command(t, nil, tt.args...)
		if !strings.HasPrefix(stdout, tt.stdout) || (tt.stdout == "") != (stdout == "") || !strings.HasPrefix(stderr, tt.stderr) || exit != tt.exit {
			t.Errorf("%q prints %q and %q, exit status %d; want %q and %q, %d", tt.args, stdout, stderr, exit, tt.stdout, tt.stderr, tt.exit)
		}
	}
}

func TestAMalformedRequestIsAnError(t *testing.T) {
	stdout, stderr, exit := command(t, []byte("this is no request"))
	if want := "protoc-gen-errstatus-doc: protoc sent a request that can't be decoded"; stdout != "" || exit != 1 || !strings.HasPrefix(stderr, want) {
		t.Errorf("the command prints %q and %q, exit status %d; want %q and 1", stdout, stderr, exit, want)
	}
}

// enum returns an enum with a domain and one error.
func enum(name, domain string) *descriptorpb.EnumDescriptorProto {
	options := &descriptorpb.EnumOptions{}
	proto.SetExtension(options, annotations.E_Domain, domain)
	row := &descriptorpb.EnumValueOptions{}
	proto.SetExtension(row, annotations.E_Row, &annotations.Row{GrpcCode: code.Code_NOT_FOUND})
	return &descriptorpb.EnumDescriptorProto{
		Name:    proto.String(name),
		Options: options,
		Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String(strings.ToUpper(name) + "_OK"), Number: proto.Int32(0)},
			{Name: proto.String(strings.ToUpper(name) + "_MISSING"), Number: proto.Int32(1), Options: row},
		},
	}
}

// respond returns the command's response to a request for the enums of one file.
func respond(t *testing.T, parameter string, enums ...*descriptorpb.EnumDescriptorProto) *pluginpb.CodeGeneratorResponse {
	t.Helper()
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: []string{"shop.proto"}, ProtoFile: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto),
		protodesc.ToFileDescriptorProto(code.File_google_rpc_code_proto),
		protodesc.ToFileDescriptorProto(annotations.File_errstatus_v1_annotations_proto),
		{Name: proto.String("shop.proto"), Package: proto.String("shop"), Syntax: proto.String("proto3"),
			Dependency: []string{"errstatus/v1/annotations.proto"}, EnumType: enums},
	}}
	if parameter != "" {
		request.Parameter = proto.String(parameter)
	}
	in, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, exit := command(t, in)
	if stderr != "" || exit != 0 {
		t.Fatalf("the command prints %q, exit status %d", stderr, exit)
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal([]byte(stdout), response); err != nil {
		t.Fatal(err)
	}
	return response
}

func names(response *pluginpb.CodeGeneratorResponse) (names []string) {
	for _, f := range response.File {
		names = append(names, f.GetName())
	}
	return names
}

func TestFormats(t *testing.T) {
	for parameter, want := range map[string][]string{
		"":                            {"shop.example.com.html", "shop.example.com.json", "shop.example.com.md"},
		"format=md":                   {"shop.example.com.md"},
		"format=json+html":            {"shop.example.com.json", "shop.example.com.html"},
		"format=md,format=json":       {"shop.example.com.md", "shop.example.com.json"},
		"format=md+md,format=md,":     {"shop.example.com.md"},
		"format=html+json+md":         {"shop.example.com.html", "shop.example.com.json", "shop.example.com.md"},
		"format=html,,format=json+md": {"shop.example.com.html", "shop.example.com.json", "shop.example.com.md"},
	} {
		response := respond(t, parameter, enum("Shop", "shop.example.com"))
		if got := names(response); response.Error != nil || !slices.Equal(got, want) {
			t.Errorf("with the options %q the plugin writes %q and the error %q; want %q", parameter, got, response.GetError(), want)
		}
	}
	for parameter, want := range map[string]string{
		"formats=md":            `unknown option "formats": the option is format=, such as format=md+html`,
		"paths=source_relative": `unknown option "paths"`,
		"format=pdf":            `unknown format "pdf" in the option format=pdf: use md, json or html, or several of them as in md+html`,
		"format=md+":            `unknown format "" in the option format=md+`,
		"format":                `unknown format "" in the option format=:`,
		"format=MD":             `unknown format "MD"`,
	} {
		response := respond(t, parameter, enum("Shop", "shop.example.com"))
		if got := response.GetError(); !strings.HasPrefix(got, want) || len(response.File) > 0 {
			t.Errorf("with the options %q the plugin writes %q and the error %q; want the error %q", parameter, names(response), got, want)
		}
	}
}

// An error has the place, and nothing is written.
func TestMistakesAreErrors(t *testing.T) {
	noRow := enum("Shop", "shop.example.com")
	noRow.Value[1].Options = nil
	badReason := enum("Shop", "shop.example.com")
	proto.SetExtension(badReason.Value[1].Options, annotations.E_Row, &annotations.Row{GrpcCode: code.Code_NOT_FOUND, Reason: "no"})
	for name, tt := range map[string]struct {
		enums []*descriptorpb.EnumDescriptorProto
		want  string
	}{
		"one domain twice": {[]*descriptorpb.EnumDescriptorProto{enum("Shop", "shop.example.com"), enum("Store", "shop.example.com")},
			`shop.proto: enum shop.Store has the domain "shop.example.com", which is also that of enum shop.Shop`},
		"a domain with other capitals": {[]*descriptorpb.EnumDescriptorProto{enum("Shop", "shop.example.com"), enum("Store", "Shop.example.com")},
			`shop.proto: enum shop.Store: the domain "Shop.example.com" differs from "shop.example.com" in its capitals alone`},
		"a long domain": {[]*descriptorpb.EnumDescriptorProto{enum("Shop", strings.Repeat("d", 251))}, `shop.proto: enum shop.Shop: the domain "` + strings.Repeat("d", 251) + `" has 251 bytes`},
		"a hidden file": {[]*descriptorpb.EnumDescriptorProto{enum("Shop", "..")}, `shop.proto: enum shop.Shop: the domain ".." can't be`},
		"a flag":        {[]*descriptorpb.EnumDescriptorProto{enum("Shop", "-rf")}, `shop.proto: enum shop.Shop: the domain "-rf" can't be`},
		"a folder":      {[]*descriptorpb.EnumDescriptorProto{enum("Shop", `a\..\b`)}, `shop.proto: enum shop.Shop: the domain "a\\..\\b" can't be`},
		"no row":        {[]*descriptorpb.EnumDescriptorProto{noRow}, "shop.proto: shop.SHOP_MISSING has no option (errstatus.v1.row)"},
		"a bad reason":  {[]*descriptorpb.EnumDescriptorProto{badReason}, `shop.proto: shop.SHOP_MISSING (Missing = 1), option (errstatus.v1.row): reason "no" must match`},
	} {
		response := respond(t, "", tt.enums...)
		if got := response.GetError(); !strings.HasPrefix(got, tt.want) || len(response.File) > 0 {
			t.Errorf("%s: the plugin writes %q and the error %q; want %q", name, names(response), got, tt.want)
		}
	}
}

// Two enums of a file have references of their own, and one without a domain has none.
func TestOneReferenceForEachDomain(t *testing.T) {
	plain := &descriptorpb.EnumDescriptorProto{Name: proto.String("Plain"), Value: []*descriptorpb.EnumValueDescriptorProto{{Name: proto.String("PLAIN"), Number: proto.Int32(0)}}}
	response := respond(t, "format=json", enum("Shop", "shop.example.com"), plain, enum("Store", "store.example.com"))
	if got, want := names(response), []string{"shop.example.com.json", "store.example.com.json"}; !slices.Equal(got, want) {
		t.Errorf("the plugin writes %q (%s); want %q", got, response.GetError(), want)
	}
	if response.GetSupportedFeatures() != 3 || response.GetMinimumEdition() != 998 || response.GetMaximumEdition() != 1001 {
		t.Errorf("the response has features %d, editions %d to %d; want proto3 optional fields and all editions to 2024",
			response.GetSupportedFeatures(), response.GetMinimumEdition(), response.GetMaximumEdition())
	}
}

// What the plugin writes as JSON, Read accepts.
func TestGoldenReferencesCanBeRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("testdata has the references %q (%v); want two", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := reference.Read(bytes.NewReader(b))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		var again bytes.Buffer
		if err := r.WriteJSON(&again); err != nil || again.String() != string(b) {
			t.Errorf("%s is written differently after it was read (%v):\n%s", file, err, &again)
		}
	}
}
