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
		t.Errorf("printed %d lines:\n%s", len(lines), text.String())
	}
}

// TestUnexpectedTrialIsAnError: the program says so, and doesn't print a lie.
func TestUnexpectedTrialIsAnError(t *testing.T) {
	fleet.Quiet()
	before := trials
	t.Cleanup(func() { trials = before })
	trials = []trial{{"OpenIM", fleet.OldConvert, grpcstatus.Code, false}}
	if err := run(new(strings.Builder)); err == nil || !strings.Contains(err.Error(), "OpenIM: the breaker has opened: true") {
		t.Errorf("run() = %v; want that the breaker has opened", err)
	}
}
