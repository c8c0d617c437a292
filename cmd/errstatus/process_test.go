//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestProcess: an interrupt and a reader that has ended end the program without a word.
func TestProcess(t *testing.T) {
	program := filepath.Join(t.TempDir(), "errstatus")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	start := func(args ...string) (c *exec.Cmd, stdout io.ReadCloser, stderr *bytes.Buffer) {
		c, stderr = exec.Command(program, args...), new(bytes.Buffer)
		c.Stderr = stderr
		c.Env = append(os.Environ(), refVariable+"=")
		stdout, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		return c, stdout, stderr
	}
	endsBy := func(c *exec.Cmd, signal syscall.Signal, stderr *bytes.Buffer) {
		t.Helper()
		_ = c.Wait()
		if state := c.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() || state.Signal() != signal || stderr.Len() > 0 {
			t.Errorf("%q: %v, %q; want the signal %v and no text", c.Args, c.ProcessState, stderr, signal)
		}
	}

	waiting, _, stderr := start("explain")
	stdin, err := waiting.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	if err := waiting.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	endsBy(waiting, syscall.SIGINT, stderr)

	// The list as JSON is longer than what a pipe holds.
	writing, stdout, stderr := start("list", "-o", "json")
	if err := writing.Start(); err != nil {
		t.Fatal(err)
	}
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	endsBy(writing, syscall.SIGPIPE, stderr)
}

// TestHostileTexts: texts that are made to be searched again and again take work in proportion
// to their length. A text of four times the length takes four times as long, and sixteen times
// if a search is in proportion to the square. Only the ratio counts, of the time on the
// processor: it depends neither on the machine nor on what else runs.
func TestHostileTexts(t *testing.T) {
	const size, growth, most, attempts = 2 << 10, 4, 8, 5
	catalog := mustCatalog(t)
	explain := func(text string) (took time.Duration) {
		start := processorTime(t)
		x := newExplainer(catalog)
		x.argument(text)
		took = processorTime(t) - start
		var stdout bytes.Buffer
		if err := (&form{output: choice{value: "text"}}).print(&stdout, &x.output); err != nil || stdout.Len() > maxOutput {
			t.Errorf("%.50q: %d bytes of output, %v; want %d at most", text, stdout.Len(), err, maxOutput)
		}
		return took
	}
	for _, part := range []string{
		`{"`, `{"a":`, `{"a":[`, `[{"a":"`, `{"a":{"a":1},`, `"\"`, `'"\n`, `\`, "code:1 ", "details{", "details{code:1 details<", `message:"`,
		"Code: NotFound\nMessage: ", "ERROR:\n  Code: NotFound\n  Message: m\n", "AAAA\n", "CAUSAW0=\n", plain + "\n", "CA", "a/", "openim.io/", "Code(", "Code(1004)", "[1,1,1,1,1,1,1,1]", "1 2 3 ",
		"a=", "a=b ", "a=b=", "a: ", "grpc-status-details-bin: x", "NotFound ", "NotFound: card ", "RECORD_NOT_FOUND\n", "1004 RecordNotFoundError ", "\u202e", "\xff", "a\n", "08",
		`"{\"a\":\"`, `{"a":"{\"code\":5}"}`,
	} {
		short, long := strings.Repeat(part, size/len(part)), strings.Repeat(part, growth*size/len(part))
		ratio := 0.0
		for range attempts {
			if ratio = float64(explain(long)) / float64(explain(short)); ratio < most {
				break
			}
		}
		if ratio >= most {
			t.Errorf("%q, repeated %d times as often, takes %.0f times as long; want fewer than %d", part, growth, ratio, most)
		}
	}
}

// processorTime returns the time that the process has run on a processor.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
