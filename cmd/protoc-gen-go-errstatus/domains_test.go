package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/descriptorpb"
)

// versionFile returns the file shop/VERSION/shop.proto, which imports those of other
// versions. Each has a package and a Go package of its own, so that only the domains
// can conflict.
func versionFile(t *testing.T, version, content string, imports ...string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	file := parseFile(t, `name: "`+versionPath(version)+`" package: "shop.`+version+`"
		options { go_package: "example.com/shop/`+version+`;shop`+version+`" } `+content)
	for _, other := range imports {
		file.Dependency = append(file.Dependency, versionPath(other))
	}
	return file
}

func versionPath(version string) string { return "shop/" + version + "/shop.proto" }

// nested returns enums inside a message that is inside a message.
func nested(enums string) string {
	return `message_type { name: "Order" nested_type { name: "Line" ` + enums + `} }`
}

func TestOneDomainHasOneEnum(t *testing.T) {
	const (
		domain = "shop.example.com"
		says   = ` has the domain "shop.example.com", which is also that of enum `
		mend   = `two domains, such as "v1.billing.example.com" and "v2.billing.example.com"`
	)
	shop := enumText("ShopCode", domain)
	stock := strings.NewReplacer("Fine", "Good", "Broken", "Bad", "Strange", "Odd").Replace(enumText("StockCode", domain))
	cart := strings.NewReplacer("Fine", "Full", "Broken", "Torn", "Strange", "Gone").Replace(enumText("CartCode", domain))
	v1 := versionFile(t, "v1", shop)
	withoutPositions := versionFile(t, "v1", shop)
	withoutPositions.SourceCodeInfo = nil

	tests := []struct {
		name      string
		files     []*descriptorpb.FileDescriptorProto
		generated []string // versions
		want      []string // the beginnings of the lines of the error
	}{
		{
			name: "in one file", generated: []string{"v1"},
			files: []*descriptorpb.FileDescriptorProto{versionFile(t, "v1", shop+stock)},
			want:  []string{"shop/v1/shop.proto:20:1: enum shop.v1.StockCode" + says + "shop.v1.ShopCode (shop/v1/shop.proto:10:1): "},
		},
		{
			name: "three in one file, all at once", generated: []string{"v1"},
			files: []*descriptorpb.FileDescriptorProto{versionFile(t, "v1", shop+stock+cart)},
			want: []string{
				"shop/v1/shop.proto:20:1: enum shop.v1.StockCode" + says + "shop.v1.ShopCode (shop/v1/shop.proto:10:1): ",
				"shop/v1/shop.proto:30:1: enum shop.v1.CartCode" + says + "shop.v1.ShopCode (shop/v1/shop.proto:10:1): ",
			},
		},
		{
			name: "one of them nested", generated: []string{"v1"},
			files: []*descriptorpb.FileDescriptorProto{versionFile(t, "v1", shop+nested(strings.Replace(stock, "StockCode", "Code", 1)))},
			want:  []string{"shop/v1/shop.proto:20:1: enum shop.v1.Order.Line.Code" + says + "shop.v1.ShopCode (shop/v1/shop.proto:10:1): "},
		},
		{
			name: "in two generated files", generated: []string{"v1", "v2"},
			files: []*descriptorpb.FileDescriptorProto{v1, versionFile(t, "v2", shop)},
			want:  []string{"shop/v2/shop.proto:10:1: enum shop.v2.ShopCode" + says + "shop.v1.ShopCode (shop/v1/shop.proto:10:1): "},
		},
		{
			name: "in an imported file", generated: []string{"v2"},
			files: []*descriptorpb.FileDescriptorProto{v1, versionFile(t, "v2", shop, "v1")},
			want:  []string{"shop/v2/shop.proto:10:1: enum shop.v2.ShopCode" + says + "shop.v1.ShopCode (shop/v1/shop.proto:10:1): "},
		},
		{
			name: "nested in a file that an imported file imports", generated: []string{"v3"},
			files: []*descriptorpb.FileDescriptorProto{versionFile(t, "v1", nested(shop)), versionFile(t, "v2", "", "v1"), versionFile(t, "v3", shop, "v2")},
			want:  []string{"shop/v3/shop.proto:10:1: enum shop.v3.ShopCode" + says + "shop.v1.Order.Line.ShopCode (shop/v1/shop.proto:10:1): "},
		},
		{
			name: "in a file that a later one imports", generated: []string{"v1", "v3"},
			files: []*descriptorpb.FileDescriptorProto{v1, versionFile(t, "v2", shop), versionFile(t, "v3", "", "v2")},
			want:  []string{"shop/v1/shop.proto:10:1: enum shop.v1.ShopCode" + says + "shop.v2.ShopCode (shop/v2/shop.proto:10:1): "},
		},
		{
			name: "in an imported file without positions", generated: []string{"v2"},
			files: []*descriptorpb.FileDescriptorProto{withoutPositions, versionFile(t, "v2", shop, "v1")},
			want:  []string{"shop/v2/shop.proto:10:1: enum shop.v2.ShopCode" + says + "shop.v1.ShopCode (shop/v1/shop.proto): "},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := runPluginOn(t, tt.generated, tt.files...)
			if err == nil {
				t.Fatalf("the plugin generated %q; want an error with lines that begin with %q", keys(out), tt.want)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("the plugin's error is\n%v\nwant %d lines", err, len(tt.want))
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, tt.want[i]) || !strings.HasSuffix(line, mend) {
					t.Errorf("a line of the plugin's error is\n%s\nwant it to begin with %q and to end with %q", line, tt.want[i], mend)
				}
			}
		})
	}
}

// Two API versions are generated in one run if each has its own domain. Two imported
// enums with one domain are no error of the file that imports them.
func TestDomainsWithoutConflict(t *testing.T) {
	v1 := versionFile(t, "v1", enumText("ShopCode", "v1.shop.example.com"))
	tests := []struct {
		name      string
		files     []*descriptorpb.FileDescriptorProto
		generated []string // versions
	}{
		{
			name: "two versions with two domains", generated: []string{"v1", "v2"},
			files: []*descriptorpb.FileDescriptorProto{v1, versionFile(t, "v2", enumText("ShopCode", "v2.shop.example.com"), "v1")},
		},
		{
			name: "an imported file with another domain", generated: []string{"v2"},
			files: []*descriptorpb.FileDescriptorProto{v1, versionFile(t, "v2", enumText("ShopCode", "v2.shop.example.com"), "v1")},
		},
		{
			name: "two imported files with one domain", generated: []string{"v3"},
			files: []*descriptorpb.FileDescriptorProto{
				v1,
				versionFile(t, "v2", enumText("ShopCode", "v1.shop.example.com")),
				versionFile(t, "v3", enumText("ShopCode", "v3.shop.example.com"), "v1", "v2"),
			},
		},
	}
	for _, tt := range tests {
		if out, err := runPluginOn(t, tt.generated, tt.files...); err != nil || len(out) != len(tt.generated) {
			t.Errorf("%s: the plugin generated %q, %v; want a file for each of %q", tt.name, keys(out), err, tt.generated)
		}
	}
}

// runPluginOn runs the plugin on the files of some versions.
func runPluginOn(t *testing.T, versions []string, files ...*descriptorpb.FileDescriptorProto) (map[string]string, error) {
	t.Helper()
	var generated []string
	for _, version := range versions {
		generated = append(generated, versionPath(version))
	}
	return runPluginFor(t, "", generated, files...)
}
