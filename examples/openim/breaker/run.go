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
	hits   = 10   // later calls, which succeed unless the breaker refuses them
)

// A trial is a server with a breaker.
type trial struct {
	name   string
	server fleet.Server
	code   func(error) grpccodes.Code // the breaker's view of an error
	opens  bool                       // whether the breaker should open
}

var trials = []trial{
	{"before: OpenIM's interceptors", fleet.OldConvert, grpcstatus.Code, true},
	{"migrating: errstatus in the numeric form", fleet.New(interceptor.OpenIMAlways), grpcstatus.Code, true},
	{"  the same, but the breaker asks errstatus", fleet.New(interceptor.OpenIMAlways), canonical, false},
	{"after: errstatus", fleet.New(interceptor.OpenIMNever), grpcstatus.Code, false},
}

// run makes the calls and prints how many the breaker refused. It returns an error if
// a breaker opens that should stay closed, or the reverse.
func run(w io.Writer) error {
	fmt.Fprintf(w, "%48s%-20s%s\n", "", fmt.Sprint(misses, " not found"), fmt.Sprint(hits, " that would succeed"))
	fmt.Fprintf(w, "%-48s%8s%9s%14s%9s\n", "", "handled", "refused", "handled", "refused")
	for _, t := range trials {
		missed, hit, err := t.calls()
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		fmt.Fprintf(w, "%-48s%8d%9d%14d%9d\n", t.name, misses-missed, missed, hits-hit, hit)
		if opened := missed+hit > 0; opened != t.opens {
			return fmt.Errorf("%s: the breaker opened: %t; want %t", t.name, opened, t.opens)
		}
	}
	return nil
}

// calls makes the calls and returns how many of each kind the breaker refused.
func (t trial) calls() (missed, hit int, err error) {
	server := t.server
	server.Options = append([]grpc.ServerOption{grpc.ChainUnaryInterceptor(withBreaker(newBreaker(), t.code))}, server.Options...)
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

// refusedOf makes n calls and counts those that a breaker refused. It returns an error
// if a call does not reach the server.
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
