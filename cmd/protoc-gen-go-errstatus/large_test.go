package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/errstatus/errstatus/internal/race"
)

// largeMain makes the table of a large enum, and prints how long that took.
const largeMain = `package main

import (
	"fmt"
	"time"
)

func main() {
	start := time.Now()
	table := ShopCode(0).Table()
	fmt.Println(time.Since(start), table.Len(), ShopCode(%d).String())
}
`

const smallLen, largeLen = 1_000, 10_000

// largeFile has an enum with many values, of which each hundredth has parameters.
func largeFile(t testing.TB, size int) *descriptorpb.FileDescriptorProto {
	var values strings.Builder
	values.WriteString(`value { name: "SHOP_CODE_UNSPECIFIED" number: 0 }`)
	for i := 1; i < size; i++ {
		row := `grpc_code: NOT_FOUND`
		if i%100 == 0 {
			row = `grpc_code: NOT_FOUND template: "article {article} of {shop}" localized { locale: "de" message: "weg" template: "{article} von {shop}" }`
		}
		values.WriteString(valueText(fmt.Sprintf("SHOP_CODE_ARTICLE_%d", i), fmt.Sprint(i), row))
	}
	return parseFile(t, `options { go_package: "example.com/shop;main" }
		enum_type { name: "ShopCode" options { [errstatus.v1.domain]: "shop.example.com" } `+values.String()+`}`)
}

// generateLarge returns the generated code of a file, and how long it took to generate it.
func generateLarge(t *testing.T, file *descriptorpb.FileDescriptorProto) (source string, took time.Duration) {
	t.Helper()
	start := time.Now()
	out, err := runPlugin(t, "paths=source_relative", file)
	if err != nil {
		t.Fatal(err)
	}
	return out["shop/v1/shop_errstatus.pb.go"], time.Since(start)
}

// The code of an enum of 10,000 values compiles, and its table works. The log has the figures.
func TestLargeEnum(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes it slow and finds nothing: nothing here runs in parallel")
	}
	source, generating := generateLarge(t, largeFile(t, largeLen))
	start := time.Now()
	printed := runMain(t, map[string]string{"main.go": fmt.Sprintf(largeMain, largeLen-1), "shop.go": source})
	t.Logf("generated %d bytes in %v; compiled and ran in %v; making the table: %s", len(source), generating, time.Since(start), printed)

	fields := strings.Fields(printed)
	if len(fields) != 3 || fields[1] != fmt.Sprint(largeLen) || fields[2] != fmt.Sprintf("Article%d", largeLen-1) {
		t.Errorf("the program prints %q; want how long it took, %d rows, and the last name", printed, largeLen)
	}
}

// Ten times the values take about ten times as long, and not a hundred times. This includes
// making the table, with which the plugin checks the rows. Another process may slow one
// measurement down, so one good one of several is enough.
func TestTimeIsInProportionToTheValues(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector changes how long things take")
	}
	small, large := largeFile(t, smallLen), largeFile(t, largeLen)
	for range 5 {
		_, smallTook := generateLarge(t, small)
		_, largeTook := generateLarge(t, large)
		t.Logf("%d values took %v, %d took %v", smallLen, smallTook, largeLen, largeTook)
		if largeTook < 40*smallTook {
			return
		}
	}
	t.Errorf("%d values always took at least 40 times as long as %d; want about 10 times", largeLen, smallLen)
}

func BenchmarkLargeEnum(b *testing.B) {
	file := largeFile(b, largeLen)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := runPlugin(b, "", file); err != nil {
			b.Fatal(err)
		}
	}
}
