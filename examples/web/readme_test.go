package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "rewrite the outputs in README.md, and make screenshot.png again")

// quoted is the request id in README.md and in the screenshot.
const quoted = "7F3AQ2ZK4M"

// ids matches request ids, and encodedIDs matches them in Connect's details.
var (
	ids        = regexp.MustCompile(`\b[A-Z2-7]{10}\b`)
	encodedIDs = regexp.MustCompile(`("type":"google.rpc.RequestInfo","value":")[^"]*`)
)

// A block of README.md has commands, each with its output.
var block = regexp.MustCompile("(?s)```console\n(.*?)```")

// README.md has what the server answers, and what it logs.
func TestReadme(t *testing.T) {
	p := start(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := block.ReplaceAllStringFunc(string(readme), func(text string) string {
		var out strings.Builder
		for line := range strings.Lines(block.FindStringSubmatch(text)[1]) {
			if command, ok := strings.CutPrefix(line, "$ curl "); ok {
				fmt.Fprintf(&out, "%s%s\n", line, curl(t, p, command))
			}
		}
		return "```console\n" + out.String() + "```"
	})
	want = regexp.MustCompile("(?s)```text\n(time=.*?)```").ReplaceAllLiteralString(want, "```text\n"+logged(t, p)+"```")
	if string(readme) == want {
		return
	}
	if !*update {
		t.Fatalf("README.md is stale: run go test -run TestReadme . -update, and read the diff; it would be\n%s", want)
	}
	if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// curl does what curl does with the arguments -s, -i, --json, -H and a URL, and returns what it
// prints, with a fixed request id.
func curl(t *testing.T, p *program, arguments string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	args := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(arguments, -1)
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-s":
		case "--json":
			i++
			r.Body = io.NopCloser(strings.NewReader(strings.Trim(args[i], "'")))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json")
		case "-H":
			i++
			name, value, _ := strings.Cut(strings.Trim(args[i], "'"), ": ")
			r.Header.Set(name, value)
		default:
			path, ok := strings.CutPrefix(args[i], "localhost:8080/")
			if !ok {
				t.Fatalf("README.md has the argument %q, which this test can't read", args[i])
			}
			r.URL.Path = "/" + path
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for line := range bytes.Lines(body) {
		if err := json.Compact(&out, line); err != nil { // protobuf's JSON has spaces at random
			t.Fatalf("%s answers %q: %v", arguments, body, err)
		}
		out.WriteByte('\n')
	}
	fixed := ids.ReplaceAllString(strings.TrimSpace(out.String()), quoted)
	return encodedIDs.ReplaceAllString(fixed, "${1}"+base64.RawStdEncoding.EncodeToString([]byte("\n\n"+quoted)))
}

// logged returns the first record of the log that has a cause, with a fixed time and id.
func logged(t *testing.T, p *program) string {
	t.Helper()
	lines := p.log.linesWith(private)
	if len(lines) == 0 {
		t.Fatalf("the log has no cause:\n%s", p.log)
	}
	line := regexp.MustCompile(`time=\S+`).ReplaceAllString(lines[0], "time=2026-11-27T10:00:00Z")
	return regexp.MustCompile(`request_id=\S+`).ReplaceAllString(line, "request_id="+quoted)
}

// The screenshot shows a wrong field, in Chinese.
func TestScreenshot(t *testing.T) {
	tb := newTab(t, start(t).url, 1200, 896)
	tb.choose("language", "zh-CN")
	tb.choose("code", "")
	tb.register("grace", "grace@")
	tb.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const id = document.querySelector("#help code").textContent;
		document.querySelector("#help code").textContent = %[1]q;
		for (const pre of document.querySelectorAll("pre")) pre.textContent = pre.textContent.replace(/\b[A-Z2-7]{10}\b/g, %[1]q);
		document.activeElement.blur();
	})()`, quoted)))
	shot := call(tb, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
	const file, limit = "screenshot.png", 200 << 10
	if len(shot.Data) > limit {
		t.Errorf("the screenshot has %d bytes; want %d at most", len(shot.Data), limit)
	}
	if *update {
		if err := os.WriteFile(file, shot.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	config, err := png.DecodeConfig(f)
	if err != nil || config.Width != 1200 || config.Height != 896 {
		t.Errorf("%s has %d×%d pixels (%v); want 1200×896: run go test -run TestScreenshot . -update", file, config.Width, config.Height, err)
	}
}
