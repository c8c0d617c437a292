// The matrix command runs the servers and clients of a fleet that migrates from
// OpenIM's interceptors to errstatus. Every client calls every server with every code,
// and the command prints what the client reads when the handler returns a CodeError.
// The exit status is 1 if a client reads something else than expected.
//
//	go run ./matrix
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"

	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go run ./matrix\n\nIt takes no flags and no arguments.")
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	fleet.Quiet()
	m, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
	out := bufio.NewWriter(os.Stdout)
	m.print(out)
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
	if len(m.wrong()) > 0 {
		os.Exit(1)
	}
}
