package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// panicMain calls Table in the initialization of a package-level variable, and again. The
// rest of the program is generated code, whose rows NewTable refuses.
const panicMain = `package main

import (
	"fmt"

	"github.com/errstatus/errstatus/codes"
)

var first = panicOf(codes.Code(Broken)) // through the interface, so Go sees no dependency

func main() {
	fmt.Println(first)
	fmt.Println(panicOf(Broken))
	fmt.Println(panicOf(Strange))
}

func panicOf(code codes.Code) (text any) {
	defer func() { text = recover() }()
	return code.Table()
}
`

// MustTable panics in the first call if the package codes at run time is stricter than the
// generator was. Later calls panic too: they don't return nil, which would be read as a
// table without rows, or dereferenced elsewhere.
func TestTablePanicsEachTime(t *testing.T) {
	out, err := runPlugin(t, "paths=source_relative", parseFile(t, `options { go_package: "example.com/shop;main" }`+enumText("ShopCode", "shop.example.com")))
	if err != nil {
		t.Fatal(err)
	}
	source := strings.Replace(out["shop/v1/shop_errstatus.pb.go"], `Message:  "broken"`, `Message:  "broken "`, 1)
	// The file with the variable comes first, so Go initializes it before the generated ones.
	lines := strings.Split(strings.TrimSpace(runMain(t, map[string]string{"a.go": panicMain, "shop.go": source})), "\n")
	want := `codes: table "shop.example.com": row 2 (Broken = 1): message "broken " begins or ends with a space: remove it, because some clients read such a message as an empty one`
	if len(lines) != 3 || lines[0] != want || lines[1] != want || lines[2] != want {
		t.Errorf("three calls of Table panic with\n%s\nwant each time\n%s", strings.Join(lines, "\n"), want)
	}
}

// runMain runs a command of this module without writing its files there, and returns what
// it prints.
func runMain(t *testing.T, files map[string]string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	replace := map[string]string{}
	for name, content := range files {
		file := filepath.Join(temporary, name)
		replace[filepath.Join(here, "internal", "shop", name)] = file
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(temporary, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "-overlay", file, "./internal/shop").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
