// The web command shows one failure in every form: as a gRPC status, in the JSON of
// grpc-gateway and of Connect, as problem+json, and as a person reads it on a page.
//
//	web                          serve at http://127.0.0.1:8080
//	web -listen 127.0.0.1:9000   serve at another address
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

//go:generate go run ./generate .

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command and returns its exit status: 2 for wrong usage, 1 for any other
// failure.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // for what Parse prints without the program's name
	usage := func() {
		fmt.Fprintln(stderr, "web serves a page that shows one failure in every form.")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
	}
	listen := flags.String("listen", "127.0.0.1:8080", "serve the page and HTTP at this `address`; port 0 is a free one")
	grpcListen := flags.String("grpc", "127.0.0.1:0", "serve gRPC at this `address`; port 0 is a free one")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		usage()
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "web:", err)
		usage()
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "web: takes no arguments, but was given %q: use the flags below, or none\n", flags.Args())
		usage()
		return 2
	}
	if err := serve(ctx, *listen, *grpcListen, stdout, slog.New(slog.NewTextHandler(stderr, nil))); err != nil {
		fmt.Fprintln(stderr, "web:", err)
		return 1
	}
	return 0
}

// serve serves until ctx ends. Then it waits for running requests, for at most a second.
func serve(ctx context.Context, listen, grpcListen string, stdout io.Writer, logger *slog.Logger) error {
	listener, err := listenAt(listen, "-listen")
	if err != nil {
		return err
	}
	defer listener.Close()
	grpcListener, err := listenAt(grpcListen, "-grpc")
	if err != nil {
		return err
	}

	rules, err := newRules(logger)
	if err != nil {
		return err
	}
	grpcServer := newGRPCServer(rules)
	go grpcServer.Serve(grpcListener)
	defer grpcServer.Stop()

	conn, err := dial(grpcListener.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	handler, err := newHandler(conn, rules)
	if err != nil {
		return err
	}
	server := newServer(handler)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintf(stdout, "Open http://%s in a browser. gRPC is at %s. Ctrl-C ends.\n", listener.Addr(), grpcListener.Addr())

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		return server.Close() // a browser also opens connections that it doesn't use yet
	}
	return nil
}

// newServer returns a server that ends connections on which nothing arrives. ReadTimeout is for
// a request with its body: a stream of answers may take longer.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
}

// addressHelp says what an address is.
const addressHelp = "give a host and a port such as 127.0.0.1:9000, or port 0 for a free one"

// listenAt listens at the address of a flag.
func listenAt(address, flag string) (net.Listener, error) {
	if address == "" { // net.Listen would take a free port of every network
		return nil, fmt.Errorf("%s is empty: %s", flag, addressHelp)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w: %s", flag, address, err, addressHelp)
	}
	return listener, nil
}
