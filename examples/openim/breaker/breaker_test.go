package main

import (
	"strings"
	"testing"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
)

func TestBreaker(t *testing.T) {
	fleet.Quiet()
	var text strings.Builder
	if err := run(&text); err != nil {
		t.Error(err)
	}
	if lines := strings.Split(strings.TrimSpace(text.String()), "\n"); len(lines) != 2+len(trials) {
		t.Errorf("printed %d lines; want two headers and one for each trial:\n%s", len(lines), text.String())
	}
}

// The program fails if a breaker opens although the trial expects it to stay closed.
func TestUnexpectedTrialIsAnError(t *testing.T) {
	fleet.Quiet()
	before := trials
	t.Cleanup(func() { trials = before })
	trials = []trial{{"OpenIM", fleet.OldConvert, grpcstatus.Code, false}}
	if err := run(new(strings.Builder)); err == nil || !strings.Contains(err.Error(), "OpenIM: the breaker opened: true") {
		t.Errorf("run() = %v; want an error that says that the breaker opened", err)
	}
}
