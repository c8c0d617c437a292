package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/attach"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/edition2024"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/proto2"
)

// The plugin knows each exported name of the code of protoc-gen-go and protoc-gen-go-grpc.
func TestNamesOfOtherPlugins(t *testing.T) {
	for _, file := range []protoreflect.FileDescriptor{attach.File_good_attach_attach_proto, edition2024.File_good_edition2024_edition2024_proto, proto2.File_good_proto2_proto2_proto} {
		gen, err := protogen.Options{}.New(requestOf(file))
		if err != nil {
			t.Fatal(err)
		}
		known := names{}
		known.addProtobuf(gen.Files)
		pkg := gen.FilesByPath[file.Path()].GoImportPath
		base := filepath.Join("testdata", strings.TrimSuffix(file.Path(), ".proto"))
		generated, err := filepath.Glob(base + "*.pb.go")
		if err != nil || len(generated) < 2 {
			t.Fatalf("the generated files of %s are %q (%v); want those of two plugins", file.Path(), generated, err)
		}
		for _, path := range generated {
			if strings.HasSuffix(path, "_errstatus.pb.go") {
				continue
			}
			for _, name := range exportedNames(t, path) {
				if known[pkg.Ident(name)] == (taken{}) {
					t.Errorf("%s declares %s, which the plugin doesn't know", path, name)
				}
			}
		}
	}
}

// One run reports each name that is taken, in all files, beside other mistakes.
func TestAllMistakesOfARun(t *testing.T) {
	versionOf := func(version, enum string, values ...string) *descriptorpb.FileDescriptorProto {
		file := versionFile(t, version, `enum_type { name: "`+enum+`" options { [errstatus.v1.domain]: "`+version+`.example.com" } `+strings.Join(values, " ")+`}`)
		file.Options.GoPackage = proto.String("example.com/shop;shop")
		return file
	}
	const lost = `grpc_code: ABORTED template: "{what} is lost"`
	_, err := runPluginOn(t, []string{"v1", "v2", "v3"},
		versionOf("v1", "ShopCode", valueText("SHOP_CODE_OK", "0", ""), valueText("SHOP_CODE_LOST", "1", lost)),
		versionOf("v2", "StockCode", valueText("STOCK_CODE_OK", "0", ""), valueText("STOCK_CODE_LOST", "1", lost)),
		versionOf("v3", "OrderCode", valueText("ORDER_CODE_OK", "0", ""), valueText("ORDER_CODE_LATE", "1", "")))
	if err == nil {
		t.Fatal("the plugin accepts the files; want an error")
	}
	lines := strings.Split(err.Error(), "\n")
	want := []string{
		`shop/v3/shop.proto:12:3: shop.v3.ORDER_CODE_LATE (Late = 1) has no grpc_code`,
		`shop/v2/shop.proto:11:3: shop.v2.STOCK_CODE_OK would have the Go name Ok, but shop.v1.SHOP_CODE_OK has it already: set go_name: "StockOk" in`,
		`shop/v2/shop.proto:12:3: the parameters of shop.v2.STOCK_CODE_LOST would have the Go name LostError, but the parameters of shop.v1.SHOP_CODE_LOST has it already: set go_name: "StockLost" in`,
		`shop/v2/shop.proto:12:3: shop.v2.STOCK_CODE_LOST would have the Go name Lost, but shop.v1.SHOP_CODE_LOST has it already: set go_name: "StockLost" in`,
	}
	if !slices.EqualFunc(lines, want, strings.HasPrefix) {
		t.Errorf("the plugin's error is\n%v\nwant lines that begin with\n%s", err, strings.Join(want, "\n"))
	}
}

// requestOf returns a request for a file that is linked into this program.
func requestOf(file protoreflect.FileDescriptor) *pluginpb.CodeGeneratorRequest {
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: []string{file.Path()}}
	var add func(file protoreflect.FileDescriptor)
	done := map[string]bool{}
	add = func(file protoreflect.FileDescriptor) {
		if done[file.Path()] {
			return
		}
		done[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i))
		}
		request.ProtoFile = append(request.ProtoFile, protodesc.ToFileDescriptorProto(file))
	}
	add(file)
	return proto.CloneOf(request)
}

// exportedNames returns the exported names that a Go file declares in its package.
func exportedNames(t *testing.T, path string) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	add := func(name *ast.Ident) {
		if name.IsExported() {
			all = append(all, name.Name)
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				add(decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name)
					}
				}
			}
		}
	}
	return all
}

// A clash inside one enum has no remedy that concerns two, and no name is proposed twice.
func TestProposedNames(t *testing.T) {
	file := func(content string) error {
		_, err := runPluginOn(t, []string{"v1"}, versionFile(t, "v1", content))
		return err
	}
	err := file(`enum_type { name: "ShopCode" options { [errstatus.v1.domain]: "shop.example.com" }` +
		valueText("SHOP_CODE_OK", "0", "") + valueText("SHOP_CODE_LOST", "1", `grpc_code: ABORTED template: "{what} is lost"`) + valueText("SHOP_CODE_LOST_ERROR", "2", `grpc_code: ABORTED`) + `}`)
	if err == nil || !strings.Contains(err.Error(), `set go_name: "ShopLostError"`) || strings.Contains(err.Error(), "prefix=keep") || strings.Contains(err.Error(), "another Go package") {
		t.Errorf("inside one enum: the error is %v; want a go_name alone", err)
	}
	enum := func(name, prefix, domain string) string {
		return `enum_type { name: "` + name + `" options { [errstatus.v1.domain]: "` + domain + `" }` + valueText(prefix+"_OK_"+name, "0", "") + valueText(prefix+"_ONE", "1", `grpc_code: ABORTED`) + `}`
	}
	err = file(enum("Order", "ORDER", "a.example.com") + enum("ShopCode", "SHOP_CODE", "b.example.com") + enum("Shop", "SHOP", "c.example.com"))
	if err == nil || !strings.Contains(err.Error(), `SHOP_CODE_ONE would have the Go name One, but shop.v1.ORDER_ONE has it already: set go_name: "ShopOne"`) ||
		strings.Count(err.Error(), `go_name: "ShopOne"`) != 1 {
		t.Errorf("the error is %v; want two proposals that differ", err)
	}
}
