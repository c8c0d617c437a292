//go:build unix

package e2e_test

import (
	"syscall"
	"time"
)

// cpuTime returns the time that the process has used on all processors.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
