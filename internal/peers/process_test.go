package peers_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds the time in which a program starts, ends or answers all calls.
// Only a machine under load needs that long.
const patience = 30 * time.Second

// start runs a program until the test ends. The returned context ends with the
// program, and its cause is an error with the exit status.
func start(t *testing.T, cmd *exec.Cmd) context.Context {
	t.Helper()
	endWithTests(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", cmd, err)
	}
	running, ended := context.WithCancelCause(context.Background())
	go func() {
		cmd.Wait()
		ended(fmt.Errorf("%s ended: %s", cmd, cmd.ProcessState))
	}()
	t.Cleanup(func() { end(t, cmd, running) })
	return running
}

// end sends SIGTERM to a program, and kills it if it doesn't end.
func end(t *testing.T, cmd *exec.Cmd, running context.Context) {
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-running.Done():
	case <-time.After(patience):
		t.Errorf("%s still runs %v after SIGTERM; want it to end", cmd, patience)
		cmd.Process.Kill()
		<-running.Done()
	}
}

// output runs a program to its end and returns its standard output.
func output(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	cmd.Stderr = t.Output()
	endWithTests(cmd)
	timeout := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer timeout.Stop()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v (the test kills it after %v); it printed\n%s", cmd, err, patience, out)
	}
	return out
}

// scratch is a directory for files that all tests share. TestMain creates and
// removes it.
var scratch string

// buildQuickstart builds the quickstart once for all tests and returns the path.
var buildQuickstart = sync.OnceValues(func() (binary string, err error) {
	binary = filepath.Join(scratch, "quickstart")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../../examples/quickstart")
	endWithTests(build)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return binary, nil
})

// serving matches the first line that the quickstart prints when it serves.
var serving = regexp.MustCompile(`^serving .* at ([^;]*);`)

// startQuickstart starts the quickstart server at a free port and returns its
// address.
func startQuickstart(t *testing.T) string {
	t.Helper()
	binary, err := buildQuickstart()
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() }) // not earlier: the quickstart prints a line when it stops
	cmd := exec.Command(binary, "-serve", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = in, t.Output()
	start(t, cmd)
	in.Close()

	out.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(out).ReadString('\n')
	address := serving.FindStringSubmatch(line)
	if address == nil {
		t.Fatalf("%s printed %q (%v); want a first line that matches %s", cmd, line, err, serving)
	}
	return address[1]
}
