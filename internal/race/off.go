//go:build !race

// Package race reports to tests whether the race detector is on. With it, sync.Pool
// drops values at random, so that tests can't count allocations.
package race

// Enabled reports whether the race detector is on.
const Enabled = false
