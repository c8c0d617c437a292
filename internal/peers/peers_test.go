// Package peers_test runs other projects' programs with the quickstart server:
// proxies in front of it, and clients in other languages. If such a program isn't
// installed, its test is skipped. With ERRSTATUS_PEERS=required it fails instead.
package peers_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "errstatus-peers-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(scratch)
		os.Exit(code)
	}))
}

// missing skips the test because a program isn't installed, or fails it if all
// programs are required.
func missing(t *testing.T, what, install string) {
	t.Helper()
	const variable, required = "ERRSTATUS_PEERS", "required"
	if os.Getenv(variable) == required {
		t.Fatalf("%s=%s, but %s is not installed: install it with: %s", variable, required, what, install)
	}
	t.Skipf("%s is not installed: to run this test, install it with: %s", what, install)
}

// compare compares the answers that a client got with the wanted ones.
func compare(t *testing.T, exchanges []exchange, got func(*testing.T, int) answer) {
	t.Helper()
	for i, x := range exchanges {
		t.Run(x.call.String(), func(t *testing.T) {
			if diff := cmp.Diff(x.want, got(t, i), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the client got another answer (-want +got):\n%s", diff)
			}
		})
	}
}
