package status_test

import (
	"context"
	"errors"
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/status"
)

// TestAllocations bounds what an error allocates on its way to gRPC and back.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	var encoder status.Encoder
	override := status.Encoder{Tables: []*codes.Table{shouting}}
	var decoder status.Decoder
	encode := func(e *status.Encoder, err error) func() {
		return func() { benchErr = e.Encode(context.Background(), err).Err() }
	}
	afresh := func(e *status.Encoder, err error) func() { // as if it was not sent before
		forget := status.Forgetter(err)
		return func() { forget(); benchErr = e.Encode(context.Background(), err).Err() }
	}
	received := byHand(benchMessage, nil)
	for _, tt := range []struct {
		name string
		run  func()
		most float64
	}{
		{"a bare code", encode(&encoder, codes.RecordNotFound), 0},
		{"a bare code under two %w", encode(&encoder, wrapped(codes.RecordNotFound, 2)), 1},
		{"a bare code under ten %w", encode(&encoder, wrapped(codes.RecordNotFound, 10)), 1},
		{"a bare code of another table", encode(&override, codes.RecordNotFound), 1},
		{"a code of another enum", encode(&encoder, shopClosed), 0},
		{"a code of another enum under two %w", encode(&encoder, wrapped(shopClosed, 2)), 1},
		{"a sentinel", encode(&encoder, formatted()), 0},
		{"a sentinel under two %w", encode(&encoder, wrapped(formatted(), 2)), 1},
		{"a code by a rule", encode(&status.Encoder{Rules: rules(100)}, errRuled), 1},
		{"an error that states no code", encode(&encoder, errors.New("x")), 1},
		{"a formatted message", afresh(&encoder, formatted()), 6},
		{"a formatted message under two %w", afresh(&encoder, wrapped(formatted(), 2)), 6},
		{"a formatted message of another table", afresh(&override, formatted()), 6},
		{"a formatted message, made too", func() { benchErr = encoder.Encode(context.Background(), formatted()).Err() }, 8},
		{"a status of ours, received", func() {
			benchErr = decoder.Decode(context.Background(), received)
			if status.Code(benchErr) != codes.RecordNotFound {
				t.Error("the code is another")
			}
		}, 5},
	} {
		if got := testing.AllocsPerRun(200, tt.run); got > tt.most {
			t.Errorf("%s: %v allocations; want %v at most", tt.name, got, tt.most)
		}
	}
}
