// The quickstart command shows errstatus at work. It starts a gRPC server and a
// client on loopback, both with the interceptors, and sends every code through a
// unary call and through a stream. Then it shows which errors the server keeps
// private: the caller's view goes to standard output, the server's log to
// standard error.
//
//	quickstart                          print what the caller got for every code
//	quickstart -serve 127.0.0.1:50051   keep the server running for other clients
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
	"github.com/errstatus/errstatus/interceptor"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command and returns its exit status: 2 for wrong usage, 1 for any
// other failure.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "quickstart sends every code through a real server and prints what the caller got.")
		flags.PrintDefaults()
	}
	address := ""
	flags.Func("serve", "keep a server running at this `address`, such as 127.0.0.1:50051, until interrupted", func(value string) error {
		address = value
		return checkAddress(value)
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil: // flags has printed it
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "quickstart: takes no arguments, but was given %q: use the flag below, or none\n", flags.Args())
		flags.Usage()
		return 2
	}

	command := tour
	if address != "" {
		command = func(ctx context.Context, stdout io.Writer, logger *slog.Logger) error {
			return serve(ctx, address, stdout, logger)
		}
	}
	if err := command(ctx, stdout, slog.New(slog.NewTextHandler(stderr, nil))); err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return 1
	}
	return 0
}

// checkAddress returns an error unless address has a host, which may be empty,
// and a port.
func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%w: give a host and a port such as 127.0.0.1:50051, or port 0 for a free one", err)
	}
	return nil
}

// tour starts a server, sends every code through it, and prints the results.
func tour(ctx context.Context, stdout io.Writer, logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := newServer(logger)
	go server.Serve(listener)
	defer server.Stop()

	options := append(interceptor.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(listener.Addr().String(), options...)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := quickstartpb.NewQuickstartClient(conn)
	results := send(ctx, client)
	if ctx.Err() != nil { // the calls failed because of it
		return fmt.Errorf("stopped before every code was sent: %w", context.Cause(ctx))
	}
	if err := printTable(stdout, results); err != nil {
		return err
	}
	printPrivate(ctx, stdout, client)
	return printSummary(stdout, results)
}

// serve serves at an address until ctx ends.
func serve(ctx context.Context, address string, stdout io.Writer, logger *slog.Logger) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%w: give -serve another address, or port 0 for a free port", err)
	}
	fmt.Fprintf(stdout, "serving errstatus.quickstart.v1.Quickstart at %s; Ctrl-C stops it. Try\n", listener.Addr())
	for _, request := range []string{
		`{"code": "RecordNotFound"}`,
		`{"code": "SrvDatabase", "cause": "only this log shows it"}`,
	} {
		fmt.Fprintf(stdout, "  grpcurl -plaintext -d '%s' %s errstatus.quickstart.v1.Quickstart/Fail\n", request, listener.Addr())
	}
	return serveOn(ctx, listener, stdout, logger)
}

// serveOn serves until ctx ends. Then it waits for running calls, for at most
// five seconds.
func serveOn(ctx context.Context, listener net.Listener, stdout io.Writer, logger *slog.Logger) error {
	server := newServer(logger)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(stdout, "stopping when the running calls have ended, after 5 s at most; Ctrl-C again stops at once")
	defer time.AfterFunc(5*time.Second, server.Stop).Stop()
	server.GracefulStop()
	return nil
}
