// The program breaker makes a thousand calls that find no record, on servers with
// the circuit breaker of open-im-server: with OpenIM's interceptors, which send
// 1004 in the place of a canonical code, and with errstatus. It ends with 1 where
// the breaker does what it should not.
//
//	go run ./breaker
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go run ./breaker\n\nIt takes no flags and no arguments.")
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	fleet.Quiet()
	out := bufio.NewWriter(os.Stdout)
	if err := errors.Join(run(out), out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "breaker:", err)
		os.Exit(1)
	}
}
