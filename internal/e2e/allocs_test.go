package e2e_test

import (
	"testing"

	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/internal/testrpc"
)

// TestAllocationsOfCalls bounds what a whole call that fails allocates, gRPC's own
// part among it, which changes from one version of it to the next. By hand a unary
// call takes 20 more, and a stream as well.
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
						t.Fatalf("read %v; want the code", err)
					}
				}
				for range 100 { // the connection, and what is made once
					run()
				}
				if got := testing.AllocsPerRun(1000, run); got > tt.most {
					t.Errorf("%v allocations; want %v at most", got, tt.most)
				}
			}
		})
	}
}
