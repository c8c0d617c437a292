package peers_test

import (
	"os/exec"
	"syscall"
)

// endWithTests makes the kernel kill a program if the tests end without cleanup, for
// example on Ctrl-C or after a timeout.
func endWithTests(cmd *exec.Cmd) {
	// The kernel sends the signal when the thread ends that started the program. Go
	// ends a thread early only if a goroutine has locked it, which no test does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
