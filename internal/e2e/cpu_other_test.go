//go:build !unix

package e2e_test

import "time"

// cpuTime is only implemented on Unix.
func cpuTime() time.Duration { return 0 }
