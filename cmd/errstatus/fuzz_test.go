package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/errstatus/errstatus/internal/text"
)

// FuzzExplain: for any text, explain doesn't panic, prints no hidden character but line feeds
// and the joiners of localized messages, prints JSON where it should, and no more than
// maxOutput.
func FuzzExplain(f *testing.F) {
	for _, fixture := range fixtures(f) {
		f.Add(fixture.headers())
	}
	files, err := filepath.Glob("testdata/texts/*")
	if err != nil || len(files) == 0 {
		f.Fatalf("there are no texts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, seed := range []string{hostileStatus(f), truncatedStatus(f), hostileText, "1004", "openim.io/", "Code(99)", "sdk_*", "\xff\x00\x1b[31m"} {
		f.Add(seed)
	}
	catalog := mustCatalog(f, billing)
	f.Fuzz(func(t *testing.T, arg string) {
		x := newExplainer(catalog)
		x.argument(arg)
		if len(x.output.Answers) == 0 && len(x.output.NotFound) == 0 {
			t.Errorf("%q is neither found nor missing", arg)
		}
		var stderr bytes.Buffer
		x.report(&stderr)
		checkVisible(t, arg, stderr.String())
		for _, name := range []string{"text", "json", "md"} {
			var stdout bytes.Buffer
			if err := (&form{output: choice{value: name}}).print(&stdout, &x.output); err != nil {
				t.Fatal(err)
			}
			if name == "json" && !json.Valid(stdout.Bytes()) {
				t.Errorf("%q: the output is not JSON: %s", arg, &stdout)
			}
			checkVisible(t, arg, stdout.String())
		}
	})
}

// checkVisible checks that an output is short, valid UTF-8, and has no hidden characters.
func checkVisible(t *testing.T, arg, output string) {
	t.Helper()
	if len(output) > maxOutput {
		t.Errorf("%q: %d bytes of output", arg, len(output))
	}
	if !utf8.ValidString(output) {
		t.Errorf("%q: the output is not UTF-8: %q", arg, output)
	}
	hidden := func(r rune) bool {
		return text.IsHidden(r) && r != '\n' && r != '\u200c' && r != '\u200d'
	}
	if i := strings.IndexFunc(output, hidden); i >= 0 {
		t.Errorf("%q: hidden character at %q", arg, output[i:min(i+20, len(output))])
	}
}

// FuzzBase64: every alphabet of base64 decodes to the same bytes, and no text makes the
// decoder panic.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("\x08\x05\x12\x01m"))
	f.Add([]byte{0xfb, 0xff, 0xfe})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeBase64(string(b))
		_, _ = decodeHeader(string(b))
		standard := base64.StdEncoding.EncodeToString(b)
		for _, form := range []string{
			standard, base64.RawStdEncoding.EncodeToString(b), base64.URLEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
			strings.NewReplacer("+", "%2B", "/", "%2f", "=", "%3D").Replace(standard),
			strings.Join(strings.SplitAfter(standard, "A"), "\r\n "), `"` + standard + `"`,
		} {
			if got, err := decodeBase64(form); err != nil || !bytes.Equal(got, b) {
				t.Errorf("decodeBase64(%q) = %q, %v; want %q", form, got, err, b)
			}
		}
	})
}
