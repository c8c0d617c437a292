// The breaker command makes a thousand calls that find no record. The servers have
// open-im-server's circuit breaker. Some use OpenIM's interceptors, which send the
// raw number 1004; others use errstatus. The exit status is 1 if a breaker opens or
// stays closed against expectation.
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
