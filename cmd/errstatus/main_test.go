package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// billing is a reference of another domain, with a template, former reasons and aliases. Two
// of its codes have a number or a name of OpenIM's.
const billing = "testdata/billing.json"

// plain is the value of grpc-status-details-bin for RecordNotFound.
const plain = "CAUSEHJlY29yZCBub3QgZm91bmQaVwoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIrChBSRUNPUkRfTk9UX0ZPVU5EEglvcGVuaW0uaW8aDAoEY29kZRIEMTAwNA=="

// A result is what a run of the program left.
type result struct {
	exit           int
	stdout, stderr string
}

// errstatus runs the program without references in the environment.
func errstatus(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	t.Setenv(refVariable, "")
	return runWith(stdin, args...)
}

func runWith(stdin string, args ...string) result {
	var stdout, stderr bytes.Buffer
	exit := run(args, strings.NewReader(stdin), &stdout, &stderr)
	return result{exit, stdout.String(), stderr.String()}
}

func (r result) String() string {
	return fmt.Sprintf("--- standard output\n%s--- standard error\n%s--- exit status %d\n", r.stdout, r.stderr, r.exit)
}

// TestGolden compares everything that the program prints with the files in testdata.
func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stdin string
		args  []string
	}{
		{name: "no-arguments"},
		{name: "help", args: []string{"help"}},
		{name: "help-explain", args: []string{"explain", "-h"}},
		{name: "help-list", args: []string{"help", "list"}},
		{name: "help-search", args: []string{"help", "search"}},
		{name: "help-diff", args: []string{"help", "diff"}},
		{name: "number", args: []string{"explain", "1004"}},
		{name: "number-json", args: []string{"explain", "1004", "-o", "json"}},
		{name: "number-md", args: []string{"explain", "1004", "-o", "md"}},
		{name: "parameters", args: []string{"explain", "-ref", billing, "CardDeclined"}},
		{name: "parameters-json", args: []string{"explain", "-ref", billing, "CardDeclined", "-o", "json"}},
		{name: "parameters-md", args: []string{"explain", "-ref", billing, "CardDeclined", "-o", "md"}},
		{name: "language", args: []string{"explain", "-ref", billing, "CardDeclined", "-lang", "pt", "1004"}},
		{name: "several-domains", args: []string{"explain", "-ref", billing, "RecordNotFound"}},
		{name: "prefix", args: []string{"explain", "-ref", billing, "sdk_msg"}},
		{name: "prefix-json", args: []string{"explain", "-ref", billing, "billing.example.com", "-o", "json"}},
		{name: "prefix-md", args: []string{"explain", "sdk_msg_h*", "-o", "md"}},
		{name: "canonical", args: []string{"explain", "UNAVAILABLE"}},
		{name: "canonical-json", args: []string{"explain", "Unavailable", "-o", "json"}},
		{name: "canonical-md", args: []string{"explain", "Unavailable", "-o", "md"}},
		{name: "canonical-number", args: []string{"explain", "5"}},
		{name: "canonical-or-domain-number", args: []string{"explain", "3", "-ref", billing}},
		{name: "missing", args: []string{"explain", "RecordNotFond", "1005"}},
		{name: "missing-json", args: []string{"explain", "RecordNotFond", "-o", "json"}},
		{name: "missing-md", args: []string{"explain", "RecordNotFond", "-o", "md"}},
		{name: "status", args: []string{"explain", plain}},
		{name: "status-json", args: []string{"explain", plain, "-o", "json"}},
		{name: "status-md", args: []string{"explain", plain, "-o", "md"}},
		{name: "details", stdin: fixtureHeaders(t, "grpc-js/details/every_standard_type"), args: []string{"explain"}},
		{name: "details-json", stdin: fixtureHeaders(t, "grpc-js/details/every_standard_type"), args: []string{"explain", "-", "-o", "json"}},
		{name: "truncated", stdin: truncatedStatus(t), args: []string{"explain"}},
		{name: "withheld", stdin: withheldStatus(t), args: []string{"explain", "-ref", billing}},
		{name: "foreign-domain", stdin: fixtureHeaders(t, "grpc-js/errorinfo/foreign_domain"), args: []string{"explain"}},
		{name: "openim-numeric", stdin: fixtureHeaders(t, "mw.RpcServerInterceptor/errs.ErrArgs.WithDetail"), args: []string{"explain"}},
		{name: "header-disagrees", stdin: fixtureHeaders(t, "grpcio/mismatch/inner_code"), args: []string{"explain"}},
		{name: "reference-disagrees", stdin: fixtureHeaders(t, "grpcio/errorinfo/status_and_code_disagree"), args: []string{"explain"}},
		{name: "hostile", args: []string{"explain", hostileStatus(t)}},
		{name: "hostile-json", args: []string{"explain", hostileStatus(t), "-o", "json"}},
		{name: "hostile-md", args: []string{"explain", hostileStatus(t), "-o", "md"}},
		{name: "list", args: []string{"list"}},
		{name: "list-filtered", args: []string{"list", "-fault", "transient", "-grpc", "Unavailable"}},
		{name: "list-json", args: []string{"list", "-retry", "transaction", "-o", "json"}},
		{name: "list-md", args: []string{"list", "-ref", billing, "-domain", "billing.example.com", "-o", "md"}},
		{name: "search", args: []string{"search", "network", "-ref", billing, "Server"}},
		{name: "search-localized", args: []string{"search", "CARTÃO", "-ref", billing}},
		{name: "diff", args: []string{"diff", billing, "testdata/billing-next.json"}},
		{name: "diff-json", args: []string{"diff", billing, "testdata/billing-next.json", "-o", "json"}},
		{name: "diff-harmless", args: []string{"diff", billing, "testdata/billing-harmless.json"}},
		{name: "diff-md", args: []string{"diff", billing, "testdata/billing-next.json", "-o", "md"}},
		{name: "diff-equal", args: []string{"diff", billing, billing}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := fmt.Sprintf("$ errstatus %s\n%v", escape(strings.Join(tt.args, " ")), errstatus(t, tt.stdin, tt.args...))
			compareGolden(t, tt.name, got)
		})
	}
}

// compareGolden compares a text with the file testdata/NAME.golden, or writes it there.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the output differs from %s (-want +got); go test -update rewrites it:\n%s", file, diff)
	}
}

// TestExitStatus checks what scripts rely on: the exit status, that data is on standard output
// alone, and what the error names.
func TestExitStatus(t *testing.T) {
	garbled := filepath.Join(t.TempDir(), "garbled.json")
	if err := os.WriteFile(garbled, []byte(`{"version": 1, "domain": `), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		stdin  string
		args   []string
		exit   int
		stdout bool     // whether there is data
		stderr []string // what the messages have
	}{
		{name: "found", args: []string{"explain", "1004"}, stdout: true},
		{name: "found on standard input", stdin: "1004\n", args: []string{"explain"}, stdout: true},
		{name: "found on standard input, asked for", stdin: "1004\n", args: []string{"explain", "-"}, stdout: true},
		{name: "not found", args: []string{"explain", "NoSuchThing"}, exit: 1, stderr: []string{`"NoSuchThing"`}},
		{name: "one of two not found", args: []string{"explain", "1004", "RecordNotFond"}, exit: 1, stdout: true, stderr: []string{`"RecordNotFond"`, "Similar codes", "RecordNotFound (openim.io/RECORD_NOT_FOUND, 1004)"}},
		{name: "not found in a text", stdin: "nothing to see\n", args: []string{"explain"}, exit: 1, stderr: []string{"15 bytes"}},
		{name: "misspelt in a text", args: []string{"explain", "failed with RECORD_NOT_FUOND again"}, exit: 1, stderr: []string{"Similar codes", "RecordNotFound"}},
		{name: "empty standard input", args: []string{"explain"}, exit: 1, stderr: []string{"it is empty"}},
		{name: "an unquoted text", args: []string{"explain", "code", "unheard"}, exit: 1, stderr: []string{"Put quotes around"}},
		{name: "a number without a row", args: []string{"explain", "ErrorCode(1005)"}, exit: 1, stderr: []string{"no reference has the number 1005", "1004"}},
		{name: "the reason of a number without a row", args: []string{"explain", "ERROR_CODE_1005"}, exit: 1, stderr: []string{"no reference has the number 1005"}},
		{name: "no base64 in the header", args: []string{"explain", "RecordNotFound grpc-status-details-bin: AAAAAAAAAAAAA"}, stdout: true, stderr: []string{"AAAAAAAAAAAAA", "not base64"}},
		{name: "no status in the header", args: []string{"explain", "RecordNotFound grpc-status-details-bin: /////w=="}, stdout: true, stderr: []string{"/////w==", "4 bytes are not a google.rpc.Status"}},
		{name: "hidden characters in an argument", args: []string{"explain", "a\x1b[31m\u202e\xff"}, exit: 1, stderr: []string{`"a\x1b[31m\u202e\xff"`}},
		{name: "a number of another enum", args: []string{"explain", "Foo(1004)"}, exit: 1, stderr: []string{"no enum with this number is called Foo"}},
		{name: "a withheld failure", args: []string{"explain", "-ref", billing, "billing.example.com/INTERNAL"}, exit: 1, stderr: []string{"The server withheld the text"}},
		{name: "a number without a row in a text", args: []string{"explain", "rpc error: code = Code(1005) desc = x"}, exit: 1, stderr: []string{"no reference has the number of Code(1005)"}},
		{name: "a negative number", args: []string{"explain", "-13"}, exit: 1, stderr: []string{`"-13"`}},
		{name: "an unknown domain", args: []string{"explain", "shop.example.com/SOLD_OUT"}, exit: 1, stderr: []string{"shop.example.com", "-ref"}},
		{name: "base64 of something else", args: []string{"explain", "bm90IGEgc3RhdHVzIGF0IGFsbA=="}, exit: 1, stderr: []string{"base64", "19 bytes", "not a google.rpc.Status"}},
		{name: "no command", exit: 2, stderr: []string{"Usage"}},
		{name: "a typo in the command", args: []string{"expln", "1004"}, exit: 2, stderr: []string{`"expln"`, "did you mean explain?"}},
		{name: "a code instead of the command", args: []string{"1004"}, exit: 2, stderr: []string{"did you mean errstatus explain 1004?"}},
		{name: "a flag before the command", args: []string{"-o", "json", "explain", "1004"}, exit: 2, stderr: []string{"after the command"}},
		{name: "a typo in a flag", args: []string{"explain", "-lnag", "de", "1004"}, exit: 2, stderr: []string{"-lnag", "did you mean -lang?"}},
		{name: "a typo in a flag after the argument", args: []string{"explain", "1004", "-out", "json"}, exit: 2, stderr: []string{"-out", "did you mean -o?"}},
		{name: "another flag", args: []string{"explain", "1004", "-verbose"}, exit: 2, stderr: []string{"-verbose", "-lang, -o, -ref"}},
		{name: "a typo in a form", args: []string{"explain", "1004", "-o", "jsn"}, exit: 2, stderr: []string{`"jsn"`, "did you mean json?"}},
		{name: "a flag without its value", args: []string{"explain", "1004", "-o"}, exit: 2, stderr: []string{"-o"}},
		{name: "no language tag", args: []string{"explain", "1004", "-lang", "pt_BR!"}, exit: 2, stderr: []string{`"pt_BR!"`, "BCP 47"}},
		{name: "- beside another argument", args: []string{"explain", "-", "1004"}, exit: 2, stderr: []string{"only argument"}},
		{name: "no such reference", args: []string{"explain", "1004", "-ref", "nosuch.json"}, exit: 2, stderr: []string{"nosuch.json", "no such file"}},
		{name: "an empty name of a reference", args: []string{"explain", "1004", "-ref="}, exit: 2, stderr: []string{"-ref"}},
		{name: "a garbled reference", args: []string{"list", "-ref", garbled}, exit: 2, stderr: []string{"garbled.json", "1:25"}},
		{name: "a typo in a fault", args: []string{"list", "-fault", "sever"}, exit: 2, stderr: []string{`"sever"`, "did you mean server?"}},
		{name: "a typo in a canonical code", args: []string{"list", "-grpc", "UNAVALABLE"}, exit: 2, stderr: []string{"-grpc", "did you mean UNAVAILABLE?"}},
		{name: "no canonical code", args: []string{"list", "-grpc", "zzz"}, exit: 2, stderr: []string{"-grpc", "UNAUTHENTICATED"}},
		{name: "no domain of a reference", args: []string{"list", "-domain", "openim"}, exit: 2, stderr: []string{"-domain", "did you mean openim.io?"}},
		{name: "a word for list", args: []string{"list", "network"}, exit: 2, stderr: []string{"errstatus search"}},
		{name: "nothing that passes", args: []string{"list", "-fault", "transient", "-grpc", "OK"}, exit: 1, stderr: []string{"no code has all"}},
		{name: "no word", args: []string{"search"}, exit: 2, stderr: []string{"a word"}},
		{name: "a word that no code has", args: []string{"search", "zebra"}, exit: 1, stderr: []string{"no code has all"}},
		{name: "one reference to compare", args: []string{"diff", billing}, exit: 2, stderr: []string{"two files", "got 1"}},
		{name: "a page to compare", args: []string{"diff", billing, "../../docs/codes/openim.io.md"}, exit: 2, stderr: []string{"openim.io.md"}},
		{name: "HTML of changes", args: []string{"diff", billing, billing, "-o", "html"}, exit: 2, stderr: []string{"text, json, md"}},
		{name: "the version by an unknown flag", args: []string{"-v"}, exit: 2, stderr: []string{"did you mean errstatus version?"}},
		{name: "the version by another unknown flag", args: []string{"-V"}, exit: 2, stderr: []string{"did you mean errstatus version?"}},
		{name: "the number of a canonical code", args: []string{"list", "-grpc", "14"}, stdout: true},
		{name: "no number of a canonical code", args: []string{"list", "-grpc", "17"}, exit: 2, stderr: []string{"-grpc", `"17"`}},
		{name: "an unknown domain to list", args: []string{"list", "-domain", "shop.example.com"}, exit: 2, stderr: []string{"shop.example.com", "give its JSON file with -ref or ERRSTATUS_REF"}},
		{name: "not found without a reference", args: []string{"explain", "NoSuchThing"}, exit: 1, stderr: []string{"Codes of other domains", "-ref FILE"}},
		{name: "version", args: []string{"version"}, stdout: true},
		{name: "version as a flag", args: []string{"--version"}, stdout: true},
		{name: "an argument of version", args: []string{"version", "1"}, exit: 2, stderr: []string{`"1"`}},
		{name: "help as a flag", args: []string{"--help"}, stdout: true},
		{name: "help of a typo", args: []string{"help", "lits"}, exit: 2, stderr: []string{"did you mean list?"}},
		{name: "help of two", args: []string{"help", "list", "diff"}, exit: 2, stderr: []string{"not 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := errstatus(t, tt.stdin, tt.args...)
			if got.exit != tt.exit || (got.stdout != "") != tt.stdout {
				t.Errorf("errstatus %q: exit status %d, output %q; want %d, output %v", tt.args, got.exit, got.stdout, tt.exit, tt.stdout)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("errstatus %q: standard error %q; want it to have %q", tt.args, got.stderr, want)
				}
			}
			if len(tt.stderr) == 0 && got.stderr != "" {
				t.Errorf("errstatus %q: standard error %q; want none", tt.args, got.stderr)
			}
		})
	}
}

// TestHint: what isn't found may be of a domain without a reference, which is said once.
func TestHint(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"NoSuchThing", "NorThis"}, 1},
		{[]string{"NoSuchThing", "-ref", billing}, 0},
		{[]string{"shop.example.com/SOLD_OUT"}, 1},
		{[]string{"1004"}, 0},
	} {
		r := errstatus(t, "", append([]string{"explain"}, tt.args...)...)
		if got := strings.Count(r.stderr, refVariable); got != tt.want {
			t.Errorf("explain %q: %v; want %s %d times", tt.args, r, refVariable, tt.want)
		}
	}
}

// TestFlagsAnywhere: flags before, between and after the arguments do the same.
func TestFlagsAnywhere(t *testing.T) {
	want := errstatus(t, "", "explain", "-o", "md", "-ref", billing, "1004", "1501")
	for _, args := range [][]string{
		{"explain", "1004", "1501", "-o", "md", "-ref", billing},
		{"explain", "1004", "-o=md", "1501", "--ref", billing},
		{"explain", "-o", "md", "-ref", billing, "--", "1004", "1501"},
		{"explain", "-o", "md", "1004", "-ref", billing, "--", "1501"},
	} {
		if diff := cmp.Diff(want, errstatus(t, "", args...), cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("errstatus %q differs from the same with flags first (-want +got):\n%s", args, diff)
		}
	}
	if got := errstatus(t, "", "explain", "--", "-ref"); got.exit != exitMissing || !strings.Contains(got.stderr, `"-ref"`) {
		t.Errorf("errstatus explain -- -ref: %v; want -ref to be an argument", got)
	}
}

// TestReferences: the environment and flags add references, and the later of two with one
// domain counts.
func TestReferences(t *testing.T) {
	other, err := os.ReadFile(billing)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.json")
	other = bytes.ReplaceAll(other, []byte("The bank refused"), []byte("The issuer refused"))
	if err := os.WriteFile(changed, other, 0o666); err != nil {
		t.Fatal(err)
	}
	list := func(files ...string) string { return strings.Join(files, string(os.PathListSeparator)) }
	for _, tt := range []struct {
		env  string
		args []string
		want string
	}{
		{billing, nil, "The bank refused"},
		{list("", billing), nil, "The bank refused"},
		{list(billing, changed), nil, "The issuer refused"},
		{list(changed, billing), nil, "The bank refused"},
		{billing, []string{"-ref", changed}, "The issuer refused"},
		{"", []string{"-ref", changed, "-ref", billing}, "The bank refused"},
	} {
		t.Setenv(refVariable, tt.env)
		got := runWith("", append([]string{"explain", "CardDeclined"}, tt.args...)...)
		if got.exit != exitFound || !strings.Contains(got.stdout, tt.want) || strings.Count(got.stdout, "CARD_DECLINED, 3)") != 1 {
			t.Errorf("with %s=%q and %q: %v; want %q once", refVariable, tt.env, tt.args, got, tt.want)
		}
	}
	t.Setenv(refVariable, "nosuch.json")
	if got := runWith("", "explain", "1004"); got.exit != exitUsage || !strings.Contains(got.stderr, "nosuch.json") || !strings.Contains(got.stderr, refVariable) {
		t.Errorf("with a missing file in %s: %v; want exit status 2 with the file and the variable", refVariable, got)
	}
}

// writeReference writes billing's reference with another domain, and returns the file's name.
func writeReference(t *testing.T, directory, name, source, domain string) string {
	t.Helper()
	b, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(directory, name)
	if err := os.WriteFile(file, bytes.ReplaceAll(b, []byte("billing.example.com"), []byte(domain)), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDirectories: a directory stands for all references in it.
func TestDirectories(t *testing.T) {
	directory := t.TempDir()
	if r := errstatus(t, "", "list", "-ref", directory); r.exit != exitUsage || !strings.Contains(r.stderr, directory) {
		t.Errorf("an empty directory: %v; want an error that names it", r)
	}
	writeReference(t, directory, "a.json", billing, "a.example.com")
	writeReference(t, directory, "b.json", billing, "b.example.com")
	writeReference(t, directory, "README.md", billing, "c.example.com")
	want := []string{"a.example.com/CARD_DECLINED", "b.example.com/CARD_DECLINED"}
	output, _ := explained(t, "CARD_DECLINED", "-ref", directory)
	if diff := cmp.Diff(want, summary(output)); diff != "" {
		t.Errorf("with -ref (-want +got):\n%s", diff)
	}
	t.Setenv(refVariable, directory)
	output, _ = explainedBy(t, runWith("CARD_DECLINED", "explain", "-o", "json"))
	if diff := cmp.Diff(want, summary(output)); diff != "" {
		t.Errorf("with %s (-want +got):\n%s", refVariable, diff)
	}
	twice := writeReference(t, directory, "c.json", billing, "a.example.com")
	if r := errstatus(t, "", "list", "-ref", directory); r.exit != exitUsage || !strings.Contains(r.stderr, "a.json") || !strings.Contains(r.stderr, "c.json") {
		t.Errorf("two references of one domain: %v; want an error that names both", r)
	}
	if err := os.WriteFile(twice, []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := errstatus(t, "", "list", "-ref", directory); r.exit != exitUsage || !strings.Contains(r.stderr, "c.json") {
		t.Errorf("another JSON file: %v; want an error that names it", r)
	}
}

// TestDiffDomains: directories are compared by domain, files whatever their domains are.
func TestDiffDomains(t *testing.T) {
	const next, harmless = "testdata/billing-next.json", "testdata/billing-harmless.json"
	one, two, both := t.TempDir(), t.TempDir(), t.TempDir()
	file := writeReference(t, one, "a.json", billing, "a.example.com")
	writeReference(t, two, "x.json", harmless, "a.example.com")
	writeReference(t, both, "a.json", billing, "a.example.com")
	writeReference(t, both, "b.json", billing, "b.example.com")
	other := writeReference(t, t.TempDir(), "other.json", next, "other.example.com")
	for _, tt := range []struct {
		name     string
		old, new string
		exit     int
		lines    int
		want     []string
	}{
		{"equal", one, one, exitFound, 0, nil},
		{"harmless", one, two, exitFound, 2, []string{"a.example.com: 3 CARD_DECLINED: reason"}},
		{"a file and a directory", file, two, exitFound, 2, []string{"a.example.com: 3 CARD_DECLINED: reason"}},
		{"a new domain", one, both, exitFound, 1, []string{"b.example.com: added"}},
		{"a domain that is gone", both, one, exitMissing, 1, []string{"b.example.com: removed: breaks every client"}},
		{"what breaks comes first", both, two, exitMissing, 3, []string{"b.example.com: removed: breaks every client", "a.example.com: 3"}},
		{"files of two domains with equal reasons", file, other, exitMissing, 9, []string{"domain a.example.com -> other.example.com: breaks every client", "1004 INVOICE_LOCKED: canonical code"}},
	} {
		r := errstatus(t, "", "diff", tt.old, tt.new)
		if tt.lines > 0 && strings.Count(r.stdout, "\n") != tt.lines || r.exit != tt.exit {
			t.Errorf("%s: %v; want %d lines, exit status %d", tt.name, r, tt.lines, tt.exit)
		}
		rest := r.stdout
		for _, want := range tt.want {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%s: %v; want %q, in this order", tt.name, r, tt.want)
			}
			rest = after
		}
	}
	alien := filepath.Join(t.TempDir(), "alien.json")
	b, err := os.ReadFile(billing)
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"CARD_DECLINED", "CARD_REJECTED", "INVOICE_LOCKED", "RECORD_NOT_FOUND"} {
		b = bytes.ReplaceAll(b, []byte(`"`+reason+`"`), []byte(`"ALIEN_`+reason+`"`))
	}
	if err := os.WriteFile(alien, bytes.ReplaceAll(b, []byte("billing.example.com"), []byte("alien.example.com")), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := errstatus(t, "", "diff", file, alien); r.exit != exitMissing || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stdout, "no code has the same reason") {
		t.Errorf("no reason in common: %v; want one line", r)
	}
}

// A failingWriter fails with an error.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestOutputFails: a full disk is an error. A reader that has ended, such as head, is none.
func TestOutputFails(t *testing.T) {
	for _, args := range [][]string{{"explain", "1004"}, {"explain", "1004", "-o", "json"}, {"list"}, {"search", "network"}, {"help"}, {"help", "list"}, {"list", "-h"}, {"version"}, {"diff", billing, "testdata/billing-next.json"}} {
		for _, tt := range []struct {
			err    error
			exit   int
			stderr string
		}{
			{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, exitFound, ""},
			{errors.New("disk full"), exitUsage, "disk full"},
		} {
			var stderr bytes.Buffer
			exit := run(args, strings.NewReader(""), failingWriter{tt.err}, &stderr)
			if exit != tt.exit || !strings.Contains(stderr.String(), tt.stderr) || tt.stderr == "" && stderr.Len() > 0 {
				t.Errorf("errstatus %q, writing fails with %v: exit status %d, %q; want %d, %q", args, tt.err, exit, stderr.String(), tt.exit, tt.stderr)
			}
		}
	}
}

// A failingReader fails after a text.
type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("input is gone") }

// An endlessReader gives lines without end. A terminal waits for a line in each read.
type endlessReader struct{ reads, limit int }

func (r *endlessReader) Read(b []byte) (int, error) {
	if r.reads++; r.reads > r.limit {
		return 0, io.EOF
	}
	return copy(b, strings.Repeat("y\n", len(b)/2+1)), nil
}

// TestInputEnds: explain reads no more than it searches, and nothing after the end.
func TestInputEnds(t *testing.T) {
	args, err := readInput(inOut{stdin: &endlessReader{limit: 1 << 30}}, nil)
	if err != nil || len(args) != 1 || len(args[0]) != maxInput+1 {
		t.Errorf("input without end: %d arguments, %v; want one of %d bytes", len(args), err, maxInput+1)
	}
	for _, limit := range []int{0, 1} {
		ending := &endlessReader{limit: limit}
		run([]string{"explain", "-"}, ending, io.Discard, io.Discard)
		if ending.reads != limit+1 {
			t.Errorf("%d reads with text: %d reads; want no other after the end", limit, ending.reads)
		}
	}
}

func TestInputFails(t *testing.T) {
	var stderr bytes.Buffer
	if exit := run([]string{"explain"}, failingReader{}, io.Discard, &stderr); exit != exitUsage || !strings.Contains(stderr.String(), "input is gone") {
		t.Errorf("exit status %d, %q; want 2 and the error", exit, stderr.String())
	}
}

// TestTerminal: on a terminal, explain without arguments doesn't wait for input, and titles
// are bold unless the environment says otherwise. /dev/null counts as a terminal.
func TestTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var stderr bytes.Buffer
	if exit := run([]string{"explain"}, null, io.Discard, &stderr); exit != exitUsage || !strings.Contains(stderr.String(), "pipe a text") {
		t.Errorf("explain on a terminal: exit status %d, %q; want 2", exit, stderr.String())
	}
	for _, tt := range []struct {
		stdout        any
		noColor, term string
		bold          bool
	}{
		{null, "", "xterm", true},
		{null, "1", "xterm", false},
		{null, "", "dumb", false},
		{null, "", "", false},
		{new(bytes.Buffer), "", "xterm", false},
	} {
		t.Setenv("NO_COLOR", tt.noColor)
		t.Setenv("TERM", tt.term)
		var b bytes.Buffer
		newTextWriter(&b, tt.stdout).card(&card{title: "title"})
		if got := strings.Contains(b.String(), "\x1b[1mtitle\x1b[0m\n"); got != tt.bold {
			t.Errorf("to a %T with NO_COLOR=%q, TERM=%q: %q; want bold: %v", tt.stdout, tt.noColor, tt.term, b.String(), tt.bold)
		}
	}
}
