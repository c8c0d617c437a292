// Package peers_test runs programs of others with the quickstart server: proxies
// in front of it, and clients in other languages. Where such a program isn't
// there its test is skipped, unless ERRSTATUS_PEERS=required says that all are.
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

// missing skips the test for want of a program, or fails it where all must be
// there.
func missing(t *testing.T, what, install string) {
	t.Helper()
	const variable, required = "ERRSTATUS_PEERS", "required"
	if os.Getenv(variable) == required {
		t.Fatalf("%s=%s, but there is no %s; install it: %s", variable, required, what, install)
	}
	t.Skipf("there is no %s; to run this test install it: %s", what, install)
}

// compare holds the answers that a peer gave or passed on against those that are
// wanted.
func compare(t *testing.T, exchanges []exchange, got func(*testing.T, int) answer) {
	t.Helper()
	for i, x := range exchanges {
		t.Run(x.call.String(), func(t *testing.T) {
			if diff := cmp.Diff(x.want, got(t, i), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the answer differs from the one wanted (-want +got):\n%s", diff)
			}
		})
	}
}
