package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// timeout bounds a test in the browser, which takes a few seconds.
const timeout = 60 * time.Second

// browser is the context of the one Chromium that all tests share, each with a tab.
var browser context.Context

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

// runTests starts Chromium, runs the tests and ends Chromium.
func runTests(m *testing.M) int {
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

// A tab is a tab of the browser with the page, and what went wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu       sync.Mutex
	problems []string // scripts that failed, messages on the console, refusals by the page's policy
	requests []string // what the page loaded
}

// newTab returns a tab for a page. When the test ends, it checks that nothing went wrong,
// and that the page loaded nothing from another server.
func newTab(t *testing.T, url string, width, height int64) *tab {
	t.Helper()
	if browser == nil {
		t.Skip("Chromium isn't installed")
	}
	ctx, cancelTab := chromedp.NewContext(browser)
	t.Cleanup(cancelTab)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	t.Cleanup(cancel)
	tb := &tab{t: t, ctx: ctx, url: url}
	if err := chromedp.Listen(ctx, tb.record); err != nil {
		t.Fatal(err)
	}
	call(tb, network.Enable, network.EnableParams{})
	call(tb, cdplog.Enable, cdp.Empty{})
	call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500})
	t.Cleanup(tb.check)
	tb.run(chromedp.Navigate(url))
	tb.waitIdle()
	return tb
}

// isAnswer reports whether a URL is one of those that the page sends the form to. Their
// answers are failures, which Chromium writes to the console.
func isAnswer(url string) bool {
	return strings.HasSuffix(url, "/users") || strings.HasSuffix(url, "/users:steps") || strings.HasSuffix(url, "/Register")
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
		if !isAnswer(e.Entry.URL) {
			tb.problems = append(tb.problems, e.Entry.Text)
		}
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
		if !strings.HasPrefix(request, tb.url) && !strings.HasPrefix(request, "data:") {
			tb.t.Errorf("the page loads %s; want nothing but from %s", request, tb.url)
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
func call[P, R any](tb *tab, command cdp.Command[P, R], params P) R {
	tb.t.Helper()
	result, err := chromedp.Call(tb.ctx, command, params)
	if err != nil {
		tb.t.Fatal(err)
	}
	return result
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
			tb.t.Fatalf("%s doesn't become true: %v", expression, err)
		}
	}
}

// waitIdle waits until the page shows all answers.
func (tb *tab) waitIdle() {
	tb.t.Helper()
	tb.wait(`document.querySelector("main")?.getAttribute("aria-busy") === "false"`)
}

// choose chooses from the list with an id, as a person does, and waits for the answers.
func (tb *tab) choose(id, option string) {
	tb.t.Helper()
	chosen := value[string](tb, fmt.Sprintf(`(() => { const list = document.getElementById(%q); list.value = %q; list.dispatchEvent(new Event("change")); return list.value })()`, id, option))
	if chosen != option {
		tb.t.Fatalf("the list %s has no option %q", id, option)
	}
	tb.waitIdle()
}

// register fills in the form, presses its button, and waits for the answers.
func (tb *tab) register(name, email string) {
	tb.t.Helper()
	tb.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById("name").value = %q; document.getElementById("email").value = %q; undefined`, name, email)))
	tb.run(chromedp.Click("#person button"))
	tb.waitIdle()
}
