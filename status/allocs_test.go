package status_test

import (
	"context"
	"errors"
	"testing"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/status"
)

// TestAllocations checks how many allocations it takes to encode an error and to decode
// a status.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	var encoder status.Encoder
	override := status.Encoder{Tables: []*codes.Table{overrideTable}}
	var decoder status.Decoder
	encode := func(e *status.Encoder, err error) func() {
		return func() { benchErr = e.Encode(context.Background(), err).Err() }
	}
	encodeFirst := func(e *status.Encoder, err error) func() { // drops what an earlier call has cached
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
		{"a bare code with an overriding table", encode(&override, codes.RecordNotFound), 1},
		{"a code of another enum", encode(&encoder, shopClosed), 0},
		{"a code of another enum under two %w", encode(&encoder, wrapped(shopClosed, 2)), 1},
		{"a sentinel", encode(&encoder, formatted()), 0},
		{"a sentinel under two %w", encode(&encoder, wrapped(formatted(), 2)), 1},
		{"an error that a rule maps", encode(&status.Encoder{Rules: rules(100)}, errRuled), 1},
		{"an error without a code", encode(&encoder, errors.New("x")), 1},
		{"a formatted message", encodeFirst(&encoder, formatted()), 6},
		{"a formatted message under two %w", encodeFirst(&encoder, wrapped(formatted(), 2)), 6},
		{"a formatted message with an overriding table", encodeFirst(&override, formatted()), 6},
		{"a formatted message, including status.Errorf", func() { benchErr = encoder.Encode(context.Background(), formatted()).Err() }, 8},
		{"a received status with our ErrorInfo", func() {
			benchErr = decoder.Decode(context.Background(), received)
			if status.Code(benchErr) != codes.RecordNotFound {
				t.Errorf("Code() = %v; want RecordNotFound", status.Code(benchErr))
			}
		}, 5},
	} {
		if got := testing.AllocsPerRun(200, tt.run); got > tt.most {
			t.Errorf("%s: %v allocations; want at most %v", tt.name, got, tt.most)
		}
	}
}

// TestAllocationsOfReading checks how many allocations the methods take that read the
// ErrorInfo of a Status.
func TestAllocationsOfReading(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	local := status.New(codes.RecordNotFound, "no such user")
	carried := local.WithMetadata("user", "42").WithMetadata("area", "north")
	tests := map[string]struct {
		st       *status.Status
		text     float64 // allocations of Reason and of Domain
		metadata float64 // allocations of Metadata, including the map
	}{
		"local":                     {local, 0, 0},
		"local with metadata":       {carried, 0, 2},
		"received":                  {status.FromGRPC(local.GRPCStatus()), 1, 1},
		"received with metadata":    {status.FromGRPC(carried.GRPCStatus()), 1, 3},
		"received raw number":       {status.FromGRPC(grpcstatus.New(1004, "x")), 0, 0},
		"received without a code":   {status.FromGRPC(grpcstatus.New(grpccodes.NotFound, "x")), 0, 0},
		"received and changed":      {status.FromGRPC(local.GRPCStatus()).WithMetadata("user", "42"), 1, 3},
		"received, unknown domain":  {status.FromGRPC(status.ToGRPC(shopClosed)), 1, 3},
		"received, unknown number":  {status.FromGRPC(codes.ErrorCode(1305).GRPCStatus()), 1, 1},
		"local with unknown number": {status.New(codes.ErrorCode(1305), ""), 1, 0},
	}
	for name, tt := range tests {
		for method, m := range map[string]struct {
			run  func()
			most float64
		}{
			"Reason":    {func() { benchText = tt.st.Reason() }, tt.text},
			"Domain":    {func() { benchText = tt.st.Domain() }, tt.text},
			"Truncated": {func() { benchTruncation = tt.st.Truncated() }, 1},
			"Metadata":  {func() { benchMetadata = tt.st.Metadata() }, tt.metadata},
		} {
			if got := testing.AllocsPerRun(200, m.run); got > m.most {
				t.Errorf("%s() of a Status that is %s: %v allocations; want at most %v", method, name, got, m.most)
			}
		}
	}
}

var (
	benchText       string
	benchTruncation status.Truncation
	benchMetadata   map[string]string
)

// The end of a context costs few allocations: it is a server's most frequent error.
func TestAllocationsOfAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	encoder := new(status.Encoder)
	if got := testing.AllocsPerRun(100, func() { benchErr = encoder.Encode(ctx, context.Canceled).Err() }); got > 3 {
		t.Errorf("Encode(context.Canceled): %v allocations; want at most 3", got)
	}
}
