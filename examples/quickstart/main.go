// The quickstart command shows errstatus at work: a gRPC server and a client on
// loopback, both with the interceptors, and every code sent through a unary call
// and through a stream.
//
//	quickstart                          print what became of every code
//	quickstart -serve 127.0.0.1:50051   keep the server up for other clients
package main

import (
	"context"
	"flag"
	"fmt"
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
	address := flag.String("serve", "", "keep a server up at this `address`, such as 127.0.0.1:50051, until interrupted")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "quickstart sends every code through a real server and prints what arrived.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "quickstart: takes no arguments, but was given %q\n", flag.Args())
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	run := tour
	if *address != "" {
		run = func(ctx context.Context) error { return serve(ctx, *address) }
	}
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// tour starts a server, sends every code through it, and prints the table.
func tour(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := newServer()
	go server.Serve(listener)
	defer server.Stop()

	options := append(interceptor.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(listener.Addr().String(), options...)
	if err != nil {
		return err
	}
	defer conn.Close()
	results := send(ctx, quickstartpb.NewQuickstartClient(conn))
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted: %w", err) // what arrived until then says nothing
	}
	return printTable(os.Stdout, results)
}

// serve serves at an address until ctx ends.
func serve(ctx context.Context, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("serving errstatus.quickstart.v1.Quickstart at %s; Ctrl-C stops it. Try\n", listener.Addr())
	fmt.Printf("  grpcurl -plaintext -d '{\"code\": \"RecordNotFound\"}' %s errstatus.quickstart.v1.Quickstart/Fail\n", listener.Addr())
	return serveOn(ctx, listener)
}

// serveOn lets the calls under way finish when ctx ends, for a few seconds at
// most.
func serveOn(ctx context.Context, listener net.Listener) error {
	server := newServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	fmt.Println("stopping, once the calls under way have ended or 5 s have passed; Ctrl-C again stops at once")
	defer time.AfterFunc(5*time.Second, server.Stop).Stop()
	server.GracefulStop()
	return nil
}
