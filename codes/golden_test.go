package codes_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

const goldenTable = "testdata/table.golden"

// TestMain rewrites the golden file before the tests, because all of them read it.
func TestMain(m *testing.M) {
	flag.Parse()
	if *update {
		if err := os.WriteFile(goldenTable, formatTable(codes.Default()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// Every client and server depends on the default table. A changed row is a line in the
// diff of the golden file.
func TestDefaultTableMatchesTheGoldenFile(t *testing.T) {
	got := formatTable(codes.Default())
	want, err := os.ReadFile(goldenTable)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
		t.Errorf("the default table differs from %s (-want +got):\n%s\nIf you mean to change it, run go test ./codes -update and commit the file.", goldenTable, diff)
	}
}

func formatTable(table *codes.Table) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tNAME\tREASON\tCANONICAL\tDEFAULT\tMESSAGE\tZH-HANS")
	for row := range table.All() {
		mark := "-"
		if row.Default {
			mark = "default"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", row.Code.Number(), row.Name, row.Reason,
			code.Code(row.GRPCCode), mark, row.Message, localized(row))
	}
	w.Flush() // a bytes.Buffer never returns an error
	return b.Bytes()
}

// localized returns the Chinese message if it is the only localized one. Otherwise it
// returns all of them.
func localized(row codes.Row) string {
	if len(row.Localized) == 1 && row.Localized[0].Locale == "zh-Hans" {
		return row.Localized[0].Message
	}
	if len(row.Localized) == 0 {
		return "-"
	}
	return fmt.Sprintf("%+v", row.Localized)
}

func lines(b []byte) []string { return strings.Split(string(b), "\n") }

// A goldenRow is a line of the golden file. The tests of this package expect it of a code.
type goldenRow struct {
	code      codes.ErrorCode
	name      string
	reason    string
	grpcCode  grpccodes.Code
	isDefault bool
	message   string
}

var columns = regexp.MustCompile(` {2,}`)

// golden returns the rows of the golden file.
func golden(tb testing.TB) []goldenRow {
	tb.Helper()
	b, err := os.ReadFile(goldenTable)
	if err != nil {
		tb.Fatal(err)
	}
	var rows []goldenRow
	for i, line := range lines(b) {
		if i == 0 || line == "" {
			continue
		}
		fields := columns.Split(line, -1)
		if len(fields) != 7 {
			tb.Fatalf("%s:%d has %d columns; want 7: %q", goldenTable, i+1, len(fields), line)
		}
		number, err := strconv.ParseInt(fields[0], 10, 32)
		if err != nil {
			tb.Fatalf("%s:%d: %v", goldenTable, i+1, err)
		}
		canonical, ok := code.Code_value[fields[3]]
		if !ok {
			tb.Fatalf("%s:%d: %q is not a canonical code", goldenTable, i+1, fields[3])
		}
		rows = append(rows, goldenRow{
			code:      codes.ErrorCode(number),
			name:      fields[1],
			reason:    fields[2],
			grpcCode:  grpccodes.Code(canonical),
			isDefault: fields[4] == "default",
			message:   fields[5],
		})
	}
	if openIM := 63; len(rows) < openIM {
		tb.Fatalf("%s has %d rows; want at least OpenIM's %d", goldenTable, len(rows), openIM)
	}
	return rows
}
