package e2e_test

import (
	"testing"

	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/internal/testrpc"
)

// TestAllocationsOfCalls limits the allocations of a whole failing call. They include
// gRPC's own, which change from one version of gRPC to the next. A status that the handler
// builds by hand needs 20 more in a unary call, and 20 more in a stream.
func TestAllocationsOfCalls(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, tt := range []struct {
		name    string
		stream  bool
		varying bool
		most    float64
	}{
		{"unary", false, false, 144},
		{"unary, varying messages", false, true, 157},
		{"stream after three messages", true, false, 195},
		{"stream after three messages, varying messages", true, true, 207},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range carriers(t) {
				if c.name != "errstatus" {
					continue
				}
				client := failingCalls(t, c, tt.varying, testrpc.Serve)
				call := callFailing
				if tt.stream {
					call = callFailingStream
				}
				run := func() {
					if err := call(client); !c.read(err) {
						t.Fatalf("the caller reads %v; want the code", err)
					}
				}
				for range 100 { // connects, and fills the caches
					run()
				}
				if got := testing.AllocsPerRun(1000, run); got > tt.most {
					t.Errorf("a call allocates %v times; want %v at most", got, tt.most)
				}
			}
		})
	}
}
