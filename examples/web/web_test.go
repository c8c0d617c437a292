package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/status/statushttp"
)

// private is in the causes of failures, and must be nowhere but in the log.
const private = "db-1.internal"

// A program is a running web command.
type program struct {
	url, grpcAddress string
	log              *buffer
	stop             func() // waits for the end
}

// start runs the command at free ports until the test ends.
func start(t *testing.T) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	p := &program{log: &buffer{}}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-grpc", "127.0.0.1:0"}, in, p.log)
		in.Close()
	}()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("the command ends with status %d; want 0\n%s", code, p.log)
		}
	})
	t.Cleanup(p.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the command prints %q, %v\n%s", line, err, p.log)
	}
	found := regexp.MustCompile(`Open (http://\S+) in a browser. gRPC is at (\S+)\.`).FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("the command prints %q; want its addresses", line)
	}
	p.url, p.grpcAddress = found[1], found[2]
	return p
}

// A buffer is a log that can be read while others write to it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// linesWith returns the lines that have a text.
func (b *buffer) linesWith(text string) (found []string) {
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// A view holds the texts that the page shows.
type view struct {
	Forms     map[string]string // by the article's id
	Message   string
	Language  string // of the message
	RequestID string
	Errors    map[string]string // by the field's id; only of fields that are marked
	Trouble   bool
	Text      string // of the whole page
}

func (tb *tab) view() view {
	tb.t.Helper()
	return value[view](tb, `(() => {
		const text = (selector) => document.querySelector(selector)?.textContent ?? "";
		const marked = [...document.querySelectorAll("[aria-invalid=true]")];
		return {
			Forms: Object.fromEntries([...document.querySelectorAll("article")].map((e) => [e.id, e.querySelector("pre").textContent])),
			Message: text("#message"),
			Language: document.querySelector("#message").lang,
			RequestID: text("#help code"),
			Errors: Object.fromEntries(marked.map((e) => [e.id, text("#" + e.getAttribute("aria-describedby"))])),
			Trouble: document.querySelector("#trouble").checkVisibility(),
			Text: document.body.innerText,
		};
	})()`)
}

// rows returns the rows of all codes that can be chosen.
func rows() (all []codes.Row) {
	for _, table := range []*codes.Table{codes.Default(), accountspb.AccountCode(0).Table()} {
		for row := range table.All() {
			if row.Code.Number() != 0 {
				all = append(all, row)
			}
		}
	}
	return all
}

// chinese returns the Chinese message of a row as the service fills it in.
func chinese(row codes.Row) string {
	return row.Localized[0].Fill([]codes.Param{{Name: "name", Value: "grace"}, {Name: "limit", Value: "10"}})
}

// Every form has the code, a person reads the message in Chinese, and the id to quote leads
// to the server's log, where the cause is.
func TestEveryCode(t *testing.T) {
	p := start(t)
	tb := newTab(t, p.url, 1200, 900)
	tb.choose("language", "zh-CN")
	for _, row := range rows() {
		t.Run(row.Reason, func(t *testing.T) {
			tb.choose("code", row.Reason)
			v := tb.view()
			checkForms(t, v.Forms, row)
			for id, form := range v.Forms {
				if id == "openim" { // its form has no place for these two
					continue
				}
				if !strings.Contains(form, chinese(row)) {
					t.Errorf("the form %s doesn't have %s:\n%s", id, chinese(row), form)
				}
				checkLog(t, p.log, requestIDIn(form), row)
			}
			if v.Message != chinese(row) || v.Language != "zh-Hans" {
				t.Errorf("a person reads %q in %q; want %q in zh-Hans", v.Message, v.Language, chinese(row))
			}
			if len(v.Errors) > 0 || v.Trouble {
				t.Errorf("fields are marked: %v; the page reports trouble: %t; want none", v.Errors, v.Trouble)
			}
			if v.RequestID != requestIDIn(v.Forms["problem"]) {
				t.Errorf("the id to quote is %q; want that in\n%s", v.RequestID, v.Forms["problem"])
			}
			if strings.Contains(v.Text, private) {
				t.Errorf("the page shows the private text %q", private)
			}
		})
	}
}

// checkForms checks that each form has the code of a row, with the right HTTP status.
func checkForms(t *testing.T, forms map[string]string, row codes.Row) {
	t.Helper()
	wants := map[string]string{"openim": fmt.Sprintf(`"errCode": %d`, row.Code.Number())}
	for _, id := range []string{"problem", "aip193", "steps", "connect", "grpc", "plain"} {
		wants[id] = row.Reason
	}
	httpStatus := fmt.Sprintf("HTTP %d ", statushttp.Code(row.GRPCCode))
	for id, want := range wants {
		if !strings.Contains(forms[id], want) {
			t.Errorf("the form %s doesn't have %s:\n%s", id, want, forms[id])
		}
		if slices.Contains([]string{"problem", "aip193", "connect", "plain"}, id) && !strings.HasPrefix(forms[id], httpStatus) {
			t.Errorf("the form %s doesn't begin with %s:\n%s", id, httpStatus, forms[id])
		}
	}
}

// requestIDIn returns the request id in a form, or "".
func requestIDIn(form string) string {
	found := regexp.MustCompile(`"(?:instance|requestId|status.RequestID)": "([A-Z2-7]+)"`).FindStringSubmatch(form)
	if found == nil {
		return ""
	}
	return found[1]
}

// checkLog checks that the log has a request's id, and the cause if the server is at fault.
func checkLog(t *testing.T, log *buffer, id string, row codes.Row) {
	t.Helper()
	if id == "" {
		t.Fatal("a form has no request id")
	}
	lines := strings.Join(log.linesWith("request_id="+id), "")
	if !strings.Contains(lines, row.Reason) {
		t.Errorf("the log has %q for the request %s; want %s", lines, id, row.Reason)
	}
	if strings.Count(lines, "msg=answered") != 1 {
		t.Errorf("the log has %q for the request %s; want one answer", lines, id)
	}
	if isFault := row.Fault() != codes.FaultCaller; strings.Contains(lines, private) != isFault {
		t.Errorf("the log has %q for the request %s; want the cause %q: %t", lines, id, private, isFault)
	}
}

// A wrong field is marked, with a description in the person's language. The next request
// clears the marks.
func TestWrongFields(t *testing.T) {
	p := start(t)
	tb := newTab(t, p.url, 1200, 900)
	tb.choose("code", "")
	for _, tt := range []struct {
		language, name, email string
		want                  map[string]string
	}{
		{"en", "grace", "grace", map[string]string{"email": "must be a valid email address"}},
		{"zh-TW", "", "grace", map[string]string{"name": "不能为空", "email": "不是有效的电子邮箱地址"}},
		{"de", "", "grace@example.com", map[string]string{"name": "darf nicht leer sein"}},
		{"zh-CN", "grace", "grace@example.com", map[string]string{}},
	} {
		tb.choose("language", tt.language)
		tb.register(tt.name, tt.email)
		v := tb.view()
		if fmt.Sprint(v.Errors) != fmt.Sprint(tt.want) {
			t.Errorf("%q, %q in %s marks %v; want %v", tt.name, tt.email, tt.language, v.Errors, tt.want)
		}
		for id, form := range v.Forms {
			if got, want := strings.Contains(form, "STRING_"), len(tt.want) > 0 && id != "openim"; got != want {
				t.Errorf("%q, %q: the form %s has a violation: %t; want %t:\n%s", tt.name, tt.email, id, got, want, form)
			}
		}
	}
}

// A rule makes a code with a parameter of the storage's error.
func TestRule(t *testing.T) {
	p := start(t)
	tb := newTab(t, p.url, 1200, 900)
	tb.choose("code", "")
	for language, want := range map[string]string{"en": "the name ada is taken", "zh-CN": "用户名 ada 已被占用", "de": "Der Name ada ist vergeben"} {
		tb.choose("language", language)
		tb.register("ada", "ada@example.com")
		if v := tb.view(); v.Message != want || !strings.Contains(v.Forms["aip193"], `"name": "ada"`) {
			t.Errorf("in %s, the message is %q; want %q, and the parameter in\n%s", language, v.Message, want, v.Forms["aip193"])
		}
	}
}

func TestHeaders(t *testing.T) {
	p := start(t)
	tb := newTab(t, p.url, 1200, 900)
	tb.choose("language", "zh-CN")
	tb.choose("code", "TOO_MANY_REGISTRATIONS")
	for id, want := range map[string]string{
		"problem": "HTTP 429 Too Many Requests\nContent-Type: application/problem+json\nContent-Language: zh-Hans\nVary: Accept, Accept-Language\nRetry-After: 30\n",
	} {
		if got := tb.view().Forms[id]; !strings.HasPrefix(got, want) {
			t.Errorf("the form %s is\n%s; want it to begin with\n%s", id, got, want)
		}
	}
}

// Nothing moves when the answers change, and a phone scrolls in one direction only.
func TestLayout(t *testing.T) {
	const places = `[...document.querySelectorAll("article, #person, button")].map((e) => { const b = e.getBoundingClientRect(); return [b.left, b.top - document.body.getBoundingClientRect().top, b.width, b.height].map(Math.round).join(" ") })`
	p := start(t)
	for _, width := range []int64{320, 360, 800, 1200} {
		tb := newTab(t, p.url, width, 740)
		want := value[[]string](tb, places)
		for _, change := range []func(){
			func() { tb.choose("code", "SRV_CONN_OVER_MAX_NUM_LIMIT") },
			func() { tb.choose("language", "zh-CN") },
			func() { tb.choose("code", "TOO_MANY_REGISTRATIONS") },
			func() { tb.register("", "") },
			func() { tb.choose("language", "en") },
			func() { tb.choose("code", "") },
		} {
			change()
			if got := value[[]string](tb, places); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("at width %d, elements are at\n%q; want\n%q", width, got, want)
			}
			if got := value[int64](tb, "document.documentElement.scrollWidth"); got > width {
				t.Errorf("the page is %d pixels wide; want %d", got, width)
			}
			if !value[bool](tb, `[...document.querySelectorAll("pre")].every((e) => e.scrollWidth <= e.clientWidth)`) {
				t.Errorf("at width %d, a form scrolls sideways", width)
			}
		}
	}
}

// contrasts returns the least contrast between a text and what is behind it, as WCAG 2
// defines it, with the text.
const contrasts = `(() => {
	const rgb = (color) => color.match(/[\d.]+/g).map(Number);
	const luminance = (color) => {
		const [r, g, b] = rgb(color).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const isOpaque = (e) => (rgb(getComputedStyle(e).backgroundColor)[3] ?? 1) === 1;
	let least = [99, ""];
	for (const e of document.body.querySelectorAll("*:not(script)")) {
		const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
		if (text === "" || !e.checkVisibility()) continue;
		let back = e;
		while (!isOpaque(back)) back = back.parentElement;
		const [a, b] = [luminance(getComputedStyle(e).color), luminance(getComputedStyle(back).backgroundColor)];
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < least[0]) least = [contrast, text];
	}
	return { Contrast: least[0], Text: least[1] };
})()`

func TestContrast(t *testing.T) {
	p := start(t)
	tb := newTab(t, p.url, 1200, 900)
	for _, scheme := range []string{"light", "dark"} {
		call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		for _, email := range []string{"", "grace@example.com"} {
			tb.choose("code", "")
			tb.register("grace", email)
			least := value[struct {
				Contrast float64
				Text     string
			}](tb, contrasts)
			if least.Contrast < 4.5 {
				t.Errorf("%s: the contrast of %q is %.2f; want 4.5 (WCAG AA)", scheme, least.Text, least.Contrast)
			}
		}
	}
}

func TestLabels(t *testing.T) {
	tb := newTab(t, start(t).url, 1200, 900)
	if missing := value[[]string](tb, `[...document.querySelectorAll("input, select, button")].filter((e) => e.textContent.trim() === "" && !e.labels?.length).map((e) => e.outerHTML)`); len(missing) > 0 {
		t.Errorf("%q have no name; want one for screen readers", missing)
	}
}

// If the server is gone, the page says so.
func TestPageTrouble(t *testing.T) {
	p := start(t)
	tb := newTab(t, p.url, 1200, 900)
	p.stop()
	tb.choose("code", "SRV_DATABASE")
	if v := tb.view(); !v.Trouble || !strings.Contains(v.Text, "Does the server still run?") {
		t.Errorf("the server has ended, and the page shows no trouble:\n%s", v.Text)
	}
}

func TestLanguageFileWithAWrongName(t *testing.T) {
	if _, err := parseTexts([]byte(`{"code": {"NAME_TAKEN": "vergeben"}}`)); err == nil || !strings.Contains(err.Error(), `unknown field "code"`) {
		t.Errorf("a file with code instead of codes: %v; want an error that names it", err)
	}
}

// A caller's own request id is in the answer of each protocol and in the log. One that isn't
// valid is replaced.
func TestCallersRequestID(t *testing.T) {
	p := start(t)
	for i, path := range []string{"/v1/users", "/v1/users:steps", "/accounts.v1.AccountService/Register", "/plain/users", "/grpc/users"} {
		mine := fmt.Sprintf("MINE%d", i)
		for _, sent := range []string{mine, "", "two words", "é", strings.Repeat("x", 129)} {
			body := p.post(t, path, "X-Request-Id", sent)
			found := regexp.MustCompile(`"requestId": *"(\w+)"`).FindStringSubmatch(body)
			if found == nil || (found[1] == mine) != (sent == mine) {
				t.Errorf("%s with the id %q answers %s; want it, or a new one if it isn't valid", path, sent, body)
				continue
			}
			if lines := p.log.linesWith("request_id=" + found[1]); len(lines) != 2 || strings.Count(strings.Join(lines, ""), private) != 1 {
				t.Errorf("%s: the log has %q; want the answer, and the cause once, with the id %s", path, lines, found[1])
			}
		}
	}
}

// gRPC refuses metadata that isn't printable ASCII. Such a header doesn't make a call fail.
func TestLanguageThatGRPCRefuses(t *testing.T) {
	p := start(t)
	for _, language := range []string{"dé", "de\tzh"} {
		if body := p.post(t, "/grpc/users", "Accept-Language", language); !strings.Contains(body, "SRV_DATABASE") {
			t.Errorf("Accept-Language %q: the client reads %s; want SRV_DATABASE", language, body)
		}
	}
	if body := p.post(t, "/grpc/users", "Accept-Language", "zh"); !strings.Contains(body, `"locale":"zh-Hans"`) {
		t.Errorf("Accept-Language zh: the client reads %s; want the message in Chinese", body)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	p := start(t)
	for site, want := range map[string]bool{"same-origin": true, "cross-site": false} {
		if body := p.post(t, "/plain/users", "Sec-Fetch-Site", site); strings.Contains(body, "SRV_DATABASE") != want {
			t.Errorf("a request from a page of %s: the answer is %s", site, body)
		}
	}
}

// post returns the answer to a registration that fails with SRV_DATABASE.
func (p *program) post(t *testing.T, path, header, value string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(`{"user": {"name": "grace", "emailAddress": "grace@example.com"}, "failWith": "SRV_DATABASE"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(header, value)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A client that sends nothing doesn't keep its connection.
func TestTimeouts(t *testing.T) {
	if s := newServer(nil); s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 {
		t.Errorf("the server has the timeouts %v for headers, %v for requests and %v for idle connections; want all of them", s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout)
	}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-lisen", "127.0.0.1:0"}, 2, "web: flag provided but not defined: -lisen\nweb serves a page"},
		{[]string{"-listen", ""}, 1, "web: -listen is empty: give a host and a port such as 127.0.0.1:9000, or port 0 for a free one"},
		{[]string{"-listen", "127.0.0.1:0", "-grpc", ""}, 1, "web: -grpc is empty: give a host and a port"},
		{[]string{"serve"}, 2, `takes no arguments, but was given ["serve"]`},
		{[]string{"-listen", "nowhere"}, 1, `web: -listen "nowhere": listen tcp: address nowhere: missing port in address: give a host and a port`},
		{[]string{"-listen", "127.0.0.1:0", "-grpc", "127.0.0.1:x"}, 1, `web: -grpc "127.0.0.1:x": `},
		{[]string{"-h"}, 0, "-listen address"},
	} {
		var stderr strings.Builder
		if code := run(t.Context(), tt.args, io.Discard, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("web %q ends with %d and prints %q; want %d and %q", tt.args, code, &stderr, tt.code, tt.want)
		}
	}
}
