//go:build !race

// Package race tells tests whether the race detector is on: sync.Pool forgets at random
// then, and allocations can't be counted.
package race

// Enabled tells that the race detector is on.
const Enabled = false
