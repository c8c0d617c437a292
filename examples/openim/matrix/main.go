// The program matrix runs every server of a fleet on its way from OpenIM's errors
// to errstatus's against every client, with every code, and prints what the client
// reads of a handler's CodeError. It ends with 1 where one reads what it should
// not.
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
