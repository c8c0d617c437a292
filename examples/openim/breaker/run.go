package main

import (
	"context"
	"fmt"
	"io"

	"github.com/openimsdk/tools/errs"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
	"github.com/errstatus/errstatus/interceptor"
)

const (
	misses = 1000 // calls that find no record
	hits   = 10   // calls after them that would succeed
)

// A trial is a server with a breaker.
type trial struct {
	name   string
	server fleet.Server
	code   func(error) grpccodes.Code
	opens  bool
}

var trials = []trial{
	{"before: OpenIM's interceptors", fleet.OldConvert, grpcstatus.Code, true},
	{"on the way: errstatus, in OpenIM's form", fleet.New(interceptor.OpenIMAlways), grpcstatus.Code, true},
	{"  the same, with a breaker that asks errstatus", fleet.New(interceptor.OpenIMAlways), canonical, false},
	{"after: errstatus", fleet.New(interceptor.OpenIMNever), grpcstatus.Code, false},
}

// run makes the calls and prints how many were refused. It is an error if a
// breaker opens that should not, or stays closed.
func run(w io.Writer) error {
	fmt.Fprintf(w, "%48s%17s%23s\n", "", fmt.Sprint(misses, " of no record"), fmt.Sprint(hits, " that would succeed"))
	fmt.Fprintf(w, "%-48s%8s%9s%14s%9s\n", "", "handled", "refused", "handled", "refused")
	for _, t := range trials {
		missed, hit, err := t.calls()
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		fmt.Fprintf(w, "%-48s%8d%9d%14d%9d\n", t.name, misses-missed, missed, hits-hit, hit)
		if opened := missed+hit > 0; opened != t.opens {
			return fmt.Errorf("%s: the breaker has opened: %t; want %t", t.name, opened, t.opens)
		}
	}
	return nil
}

// calls tells how many of the calls of each kind were refused.
func (t trial) calls() (missed, hit int, err error) {
	server := t.server
	server.Options = append([]grpc.ServerOption{grpc.ChainUnaryInterceptor(breaking(newBreaker(), t.code))}, server.Options...)
	running := server.Serve(func(_ context.Context, token string) error {
		if token == "missing" {
			return errs.ErrRecordNotFound.WrapMsg("no such token")
		}
		return nil
	})
	defer running.Stop()
	conn, err := fleet.NewClient.Dial(running)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	missed, err = refusedOf(misses, func() error { return fleet.ParseToken(conn, "missing") })
	if err != nil {
		return 0, 0, err
	}
	hit, err = refusedOf(hits, func() error { return fleet.ParseToken(conn, "known") })
	return missed, hit, err
}

// refusedOf counts the calls that a breaker refused; it is an error if one fails
// because no server was reached.
func refusedOf(n int, call func() error) (count int, err error) {
	for range n {
		switch err := call(); {
		case grpcstatus.Code(err) != grpccodes.Unavailable:
		case grpcstatus.Convert(err).Message() == grpcstatus.Convert(refused).Message():
			count++
		default:
			return 0, err
		}
	}
	return count, nil
}
