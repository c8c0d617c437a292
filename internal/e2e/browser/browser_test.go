// Package browser tests the HTML page of a reference in Chromium. The tests are skipped if
// it isn't installed, unless ERRSTATUS_BROWSER is "required".
package browser_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/errstatus/errstatus/codes"
	openim "github.com/errstatus/errstatus/docs/codes"
	"github.com/errstatus/errstatus/internal/reference"
)

// timeout bounds a test, which takes about a second.
const timeout = 60 * time.Second

// browser is the context of the one Chromium that all tests share, each with a tab.
var browser context.Context

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run starts Chromium, runs the tests and ends Chromium.
func run(m *testing.M) int {
	path, err := findChromium()
	if err != nil && os.Getenv("ERRSTATUS_BROWSER") == "required" {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err != nil {
		return m.Run() // newTab skips each test
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with it
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancelAllocator()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	defer chromedp.Cancel(ctx) // waits until the process that was started has ended
	if err := chromedp.Do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "starting Chromium:", err)
		return 1
	}
	browser = ctx
	return m.Run()
}

// findChromium returns the path of an installed Chromium.
func findChromium() (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("none of %q is installed", names)
}

// A tab is a tab of the browser with a page, and what went wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string // of the page, without query and fragment

	opened int // how often

	mu       sync.Mutex
	problems []string // scripts that failed, messages on the console, refusals by the page's policy
	requests []string // what the page loaded
}

// newTab returns a tab for the page of a reference. When the test ends, it checks that
// nothing went wrong and that the page loaded nothing but itself.
func newTab(t *testing.T, r *reference.Reference) *tab {
	t.Helper()
	if browser == nil {
		t.Skip("Chromium isn't installed")
	}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancelTab := chromedp.NewContext(browser)
	t.Cleanup(cancelTab)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	t.Cleanup(cancel)
	tb := &tab{t: t, ctx: ctx, url: "file://" + filepath.ToSlash(file)}
	if err := chromedp.Listen(ctx, tb.record); err != nil {
		t.Fatal(err)
	}
	call(tb, network.Enable, network.EnableParams{})
	call(tb, cdplog.Enable, cdp.Empty{})
	t.Cleanup(tb.check)
	return tb
}

// record keeps what an event says about problems and requests.
func (tb *tab) record(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		tb.problems = append(tb.problems, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		tb.problems = append(tb.problems, "console: "+string(e.Type))
	case *cdplog.EventEntryAdded:
		tb.problems = append(tb.problems, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		tb.requests = append(tb.requests, e.Request.URL)
	}
}

func (tb *tab) check() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.problems) > 0 {
		tb.t.Errorf("the browser reports %q; want nothing", tb.problems)
	}
	for _, request := range tb.requests {
		if !strings.HasPrefix(request, tb.url) {
			tb.t.Errorf("the page loads %s; want nothing but the page", request)
		}
	}
}

func (tb *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	if err := chromedp.Do(tb.ctx, steps...); err != nil {
		tb.t.Fatal(err)
	}
}

// call sends a command to the tab.
func call[P, R any](tb *tab, command cdp.Command[P, R], params P) {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, command, params); err != nil {
		tb.t.Fatal(err)
	}
}

// open opens the page with a query for the filter and a fragment, such as "token" and
// "#ARGS".
func (tb *tab) open(query, fragment string) {
	tb.t.Helper()
	tb.opened++ // with the same query, only the fragment would change
	tb.run(chromedp.Navigate(fmt.Sprintf("%s?n=%d&q=%s%s", tb.url, tb.opened, url.QueryEscape(query), fragment)))
	tb.wait(fmt.Sprintf(`document.readyState === "complete" && new URLSearchParams(location.search).get("n") === "%d"`, tb.opened))
}

// press presses and releases a key, which types a text unless the text is empty.
func (tb *tab) press(key, text string) {
	tb.t.Helper()
	call(tb, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: text})
	call(tb, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key})
}

// value returns the value of an expression in the page.
func value[T any](tb *tab, expression string) T {
	tb.t.Helper()
	v, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		tb.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true in the page. While a page is loading, evaluating an
// expression may fail.
func (tb *tab) wait(expression string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, timeout/2)
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if ok {
			return
		}
		if ctx.Err() != nil {
			tb.t.Fatalf("%s doesn't become true (%v); the page shows %q", expression, err, tb.shown())
		}
	}
}

// shown returns the reasons of the codes that the page shows, in its order.
func (tb *tab) shown() []string {
	tb.t.Helper()
	return value[[]string](tb, `[...document.querySelectorAll(".code")].filter((e) => e.checkVisibility()).map((e) => e.id)`)
}

// search replaces what is in the filter box by typing a query.
func (tb *tab) search(query string) {
	tb.t.Helper()
	tb.run(chromedp.Evaluate[chromedp.Void](`document.querySelector("#query").select()`))
	for _, r := range query {
		tb.press(string(r), string(r))
	}
	tb.wait(fmt.Sprintf("document.querySelector('#query').value === %q && new URLSearchParams(location.search).get('q') === %[1]q", query))
}

// openIM returns the reference of OpenIM's codes.
func openIM(t *testing.T) *reference.Reference {
	t.Helper()
	r, err := reference.Read(strings.NewReader(openim.Reference))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reasonsOf returns the reasons of the codes that a function selects.
func reasonsOf(r *reference.Reference, selects func(reference.Code) bool) (reasons []string) {
	for _, c := range r.Codes {
		if selects(c) {
			reasons = append(reasons, c.Reason)
		}
	}
	return reasons
}

func TestTypingFilters(t *testing.T) {
	r := openIM(t)
	tb := newTab(t, r)
	tb.open("", "")
	if got, want := tb.shown(), reasonsOf(r, func(reference.Code) bool { return true }); !slices.Equal(got, want) {
		t.Fatalf("without a query the page shows %q; want all codes, %q", got, want)
	}
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"1004", []string{"RECORD_NOT_FOUND"}},
		{"Code(1004)", []string{"RECORD_NOT_FOUND"}},
		{"openim.io/RECORD_NOT_FOUND", []string{"RECORD_NOT_FOUND"}},
		{"recordnotfound", []string{"RECORD_NOT_FOUND"}},
		{"  Record_Not_Found ", []string{"RECORD_NOT_FOUND"}},
		{"resource_exhausted", []string{"SRV_CONN_OVER_MAX_NUM_LIMIT"}},
		{"fault:transient", reasonsOf(r, func(c reference.Code) bool { return c.Fault == "transient" })},
		{"grpc:NOT_FOUND", reasonsOf(r, func(c reference.Code) bool { return c.GRPCCode == "NOT_FOUND" })},
		{"http:409 retry:transaction", []string{"SRV_FILE_UPLOADED_EXPIRED"}},
		{"群组已解散", []string{"SRV_DISMISSED_ALREADY"}},
		{"apns", []string{"SRV_IOS_BACKGROUND_PUSH"}},
		{"webhook fault:transient", []string{"SRV_NETWORK"}},
		{"malformed", []string{"TOKEN_MALFORMED"}},
		{"group zebra", nil},
		{`"<b>`, nil},
	} {
		tb.search(tt.query)
		if got := tb.shown(); !slices.Equal(got, tt.want) {
			t.Errorf("the query %q shows %q; want %q", tt.query, got, tt.want)
		}
		if got, want := value[bool](tb, `document.getElementById("nothing").checkVisibility()`), len(tt.want) == 0; got != want {
			t.Errorf("the query %q shows the text for no match: %t; want %t", tt.query, got, want)
		}
		if got, want := value[string](tb, `document.querySelector("output").value`), fmt.Sprintf("%d of %d", len(tt.want), len(r.Codes)); got != want {
			t.Errorf("the query %q reports %q; want %q", tt.query, got, want)
		}
	}
}

// All codes have the same labels, so a word of a label isn't the text of a code.
func TestLabelsAreNotSearched(t *testing.T) {
	tb := newTab(t, openIM(t))
	tb.open("number", "")
	if got := tb.shown(); len(got) == 0 || len(got) > 10 {
		t.Errorf("the query number shows %q; want only codes whose texts have this word", got)
	}
}

// A code that is about a word comes before one whose explanation mentions it.
func TestTitlesComeFirst(t *testing.T) {
	tb := newTab(t, openIM(t))
	tb.open("token", "")
	got := tb.shown()
	if len(got) < 8 || got[0] != "TOKEN_EXPIRED" || slices.Index(got, "NO_PERMISSION") < slices.Index(got, "TOKEN_NOT_EXIST") {
		t.Errorf("the query token shows %q; want codes of tokens first, and then others such as NO_PERMISSION", got)
	}
}

func TestKeys(t *testing.T) {
	tb := newTab(t, openIM(t))
	tb.open("", "")
	tb.press("/", "/")
	tb.wait(`document.activeElement.id === "query"`)
	for _, key := range []string{"a", "/", "b"} {
		tb.press(key, key)
	}
	tb.wait(`document.querySelector("#query").value === "a/b"`)
	// Chromium itself clears a search box that has the focus, so another element has it.
	tb.run(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	tb.press("Escape", "")
	tb.wait(`document.querySelector("#query").value === "" && location.search === ""`)
	if got := len(tb.shown()); got != codes.Default().Len() {
		t.Errorf("after Escape the page shows %d codes; want all %d", got, codes.Default().Len())
	}
}

func TestButtonsFilterByFault(t *testing.T) {
	r := openIM(t)
	tb := newTab(t, r)
	tb.open("fault:caller push", "")
	tb.run(chromedp.Click("button.server"))
	tb.wait(`document.querySelector("#query").value === "push fault:server"`)
	if got := value[[]string](tb, `[...document.querySelectorAll("[aria-pressed=true]")].map((e) => e.value)`); !slices.Equal(got, []string{"fault:server"}) {
		t.Errorf("the pressed buttons are %q; want fault:server", got)
	}
	tb.run(chromedp.Click("button.server"))
	tb.wait(`document.querySelector("#query").value === "push"`)
}

func TestAddresses(t *testing.T) {
	r := openIM(t)
	tb := newTab(t, r)
	inView := func(reason string) string {
		return fmt.Sprintf(`(() => { const e = document.getElementById(%q), box = e.getBoundingClientRect(), bar = document.getElementById("filter").getBoundingClientRect();
			return e.checkVisibility() && e.matches(":target") && box.top >= bar.bottom && box.top < innerHeight })()`, reason)
	}
	tb.open("malformed", "")
	if got := tb.shown(); !slices.Equal(got, []string{"TOKEN_MALFORMED"}) {
		t.Errorf("?q=malformed shows %q; want TOKEN_MALFORMED", got)
	}
	// A fragment shows its code although the filter hides it, at once and later.
	tb.open("fault:caller", "#SERVER_INTERNAL")
	tb.wait(inView("SERVER_INTERNAL"))
	for _, reason := range []string{"SRV_DATABASE", "SDK_INTERNAL"} { // far apart
		tb.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("location.hash = %q", reason)))
		tb.wait(inView(reason))
		others := slices.DeleteFunc(tb.shown(), func(shown string) bool { return shown == reason })
		if want := reasonsOf(r, func(c reference.Code) bool { return c.Fault == "caller" }); !slices.Equal(others, want) {
			t.Errorf("fault:caller with #%s shows %q beside it; want %q", reason, others, want)
		}
	}
	// Typing is a new question: the fragment no longer counts.
	tb.search("group")
	if got := tb.shown(); slices.Contains(got, "SDK_INTERNAL") || len(got) == 0 {
		t.Errorf("after typing, the page shows %q; want the matches alone", got)
	}
	// A code's name links to it.
	tb.run(chromedp.Click(`#SRV_MUTED_GROUP h2 a`))
	tb.wait(inView("SRV_MUTED_GROUP"))
	for _, fragment := range []string{"#", "#no-such-code", "#%", "#query"} {
		tb.open("", fragment)
		if got := len(tb.shown()); got != codes.Default().Len() {
			t.Errorf("the fragment %s shows %d codes; want all", fragment, got)
		}
	}
}

// TestFormerReasons: a link to a former reason shows the code, below the bar, also on a small
// phone and if the filter hides the code.
func TestFormerReasons(t *testing.T) {
	r := openIM(t)
	last := len(r.Codes) - 20
	r.Codes[last].FormerReasons = []string{"OLD_REASON"}
	tb := newTab(t, r)
	for _, width := range []int64{320, 1000} {
		call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 600, DeviceScaleFactor: 1})
		for _, query := range []string{"", "zzz"} {
			for _, reason := range []string{"OLD_REASON", r.Codes[last].Reason} {
				tb.open(query, "#"+reason)
				tb.wait(fmt.Sprintf(`(() => { const e = document.getElementById(%q), box = e.getBoundingClientRect(), bar = document.getElementById("filter").getBoundingClientRect();
					return e.matches(":target") && e.closest(".code").checkVisibility() && e.closest(".code").getBoundingClientRect().top >= bar.bottom && box.top < innerHeight })()`, reason))
			}
		}
	}
}

func TestWithoutScripts(t *testing.T) {
	tb := newTab(t, openIM(t))
	call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tb.open("malformed", "")
	if got := len(tb.shown()); got != codes.Default().Len() {
		t.Errorf("without scripts the page shows %d codes; want all", got)
	}
	if value[bool](tb, `document.getElementById("filter").checkVisibility()`) {
		t.Error("without scripts the page shows a filter that does nothing")
	}
}

func TestPhone(t *testing.T) {
	for _, r := range []*reference.Reference{openIM(t), awkward()} {
		tb := newTab(t, r)
		call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 740, DeviceScaleFactor: 2, Mobile: true})
		tb.open("", "")
		if width := value[int](tb, "document.documentElement.scrollWidth"); width > 360 {
			t.Errorf("%s: the page is %d pixels wide; want 360: nobody scrolls sideways", r.Domain, width)
		}
	}
}

func TestPrint(t *testing.T) {
	tb := newTab(t, openIM(t))
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	tb.open("", "")
	if value[bool](tb, `document.getElementById("filter").checkVisibility()`) {
		t.Error("the filter is printed; want the codes alone")
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
	tb := newTab(t, openIM(t))
	for _, scheme := range []string{"light", "dark"} {
		call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		for _, query := range []string{"", "fault:caller", "fault:server", "fault:transient"} {
			tb.open(query, "")
			if isDark := value[bool](tb, `getComputedStyle(document.body).backgroundColor === "rgb(18, 21, 26)"`); isDark != (scheme == "dark") {
				t.Errorf("%s: the page is dark: %t", scheme, isDark)
			}
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

// awkward returns a reference whose texts are long, hostile, or empty.
func awkward() *reference.Reference {
	const script = `</p></style></script><script>document.title = "taken over"</script><img src=x onerror="document.title = 'taken over'">`
	long := strings.Repeat("Unbreakable", 30)
	r := reference.New("awkward.example.com", "awkward."+long, script)
	r.Codes = []reference.Code{
		{Number: 1, Name: script, Reason: "SCRIPT", GRPCCode: "INTERNAL", HTTPStatus: 500, Fault: "server", Retry: "never", Message: script, Template: script,
			OtherNames: []string{script}, FormerReasons: []string{"FORMER"}, Parameters: []string{"item"}, Explanation: script, Resolution: script,
			Localized: []reference.Localized{{Locale: "de", Message: script, Template: script}}, Deprecated: true, Default: true},
		{Number: -2147483648, Name: long, Reason: strings.Repeat("REASON_", 8) + "REASON", GRPCCode: "FAILED_PRECONDITION", HTTPStatus: 400, Fault: "caller", Retry: "never",
			Message: long, Template: long, OtherNames: []string{long, long}, Explanation: long + "\n    " + long, Resolution: long},
	}
	return r
}

func TestTextsAreText(t *testing.T) {
	r := awkward()
	tb := newTab(t, r)
	tb.open("", "")
	if got, want := value[string](tb, "document.title"), "Error codes of awkward.example.com"; got != want {
		t.Errorf("the title is %q; want %q", got, want)
	}
	if got := value[string](tb, `document.querySelector("#SCRIPT .message").textContent`); got != r.Codes[0].Message {
		t.Errorf("the message is %q; want %q", got, r.Codes[0].Message)
	}
	if got := value[int](tb, `document.querySelectorAll("img, main script, main style").length`); got != 0 {
		t.Errorf("%d elements come from texts; want none", got)
	}
	if missing := value[[]string](tb, `[...document.querySelectorAll("input, button, a")].filter((e) => e.textContent.trim() === "" && !e.labels?.length).map((e) => e.outerHTML)`); len(missing) > 0 {
		t.Errorf("%q have no name; want one for screen readers", missing)
	}
}
