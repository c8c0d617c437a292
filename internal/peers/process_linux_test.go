package peers_test

import (
	"os/exec"
	"syscall"
)

// endWithTests has the kernel kill a program when the tests end without their
// cleanup: on Ctrl-C, or when their time is up.
func endWithTests(cmd *exec.Cmd) {
	// It is the end of the thread that starts the program which counts. Go ends a
	// thread before its process only for a goroutine that has locked it, and none
	// does here.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
