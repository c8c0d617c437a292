package interceptor

import (
	"context"
	"fmt"
	"reflect"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A ServerOption is an option of [UnaryServer], [StreamServer] and [ServerOptions].
type ServerOption interface{ applyServer(*server) }

// A ClientOption is an option of [UnaryClient], [StreamClient] and [DialOptions].
type ClientOption interface{ applyClient(*client) }

// An Option is an option for both sides.
type Option interface {
	ServerOption
	ClientOption
}

type serverOption func(*server)

func (o serverOption) applyServer(s *server) { o(s) }

type clientOption func(*client)

func (o clientOption) applyClient(c *client) { o(c) }

type tableOption struct{ table *codes.Table }

func (o tableOption) applyServer(s *server) { s.encoder.Tables = append(s.encoder.Tables, o.table) }
func (o tableOption) applyClient(c *client) { c.decoder.Tables = append(c.decoder.Tables, o.table) }

// WithTable adds a table to the default one or, if it has the same domain, replaces the
// default one. On a server, the codes of its domain are sent as this table says, and not
// as their own table says. On a client, it makes the codes of its domain known.
//
// The option may be given once for each domain. The first table also decides on the
// server's INTERNAL default, on the codes that a client assumes, and on the Go type of a
// raw number that no table has. To use [codes.Default] for these, give it first.
func WithTable(table *codes.Table) Option {
	switch {
	case table == nil:
		panic("interceptor: WithTable(nil): give a table, from codes.NewTable or a table's WithRows")
	case table.Len() == 0:
		panic("interceptor: WithTable(&codes.Table{}): the table has no rows: make it with codes.NewTable")
	}
	if own := table.DefaultFor(grpccodes.Internal).Table(); own == nil || own.Domain() != table.Domain() {
		panic(fmt.Sprintf("interceptor: WithTable of domain %q: its codes' own Table has another domain, or is nil: give both one domain", table.Domain()))
	}
	return tableOption{table}
}

// WithErrorMapping gives a code to a handler's error that matches target as errors.Is does,
// and that states no code:
//
//	interceptor.WithErrorMapping(sql.ErrNoRows, codes.RecordNotFound)
//
// The caller gets the code with the message of its row. The error stays in the process.
// A mapping doesn't look inside an upstream's error.
//
// The mappings and mappers of a server ([WithErrorMapper]) are one list, tried in the
// order in which they are given.
func WithErrorMapping(target error, code codes.Code) ServerOption {
	switch {
	case target == nil:
		panic("interceptor: WithErrorMapping(nil, …): give the error to match")
	case !reflect.ValueOf(target).Comparable():
		panic(fmt.Sprintf("interceptor: WithErrorMapping(%v, …): a %T can't be compared: use WithErrorMapper", target, target))
	case code == nil || code.Number() <= 0:
		panic(fmt.Sprintf("interceptor: WithErrorMapping(%v, %v): give the code of an error", target, code))
	case code.Table() == nil || code.Table().Len() == 0:
		panic(fmt.Sprintf("interceptor: WithErrorMapping(%v, %T): the code has no Table, so it can't be sent: let its Table method return one from codes.NewTable", target, code))
	}
	return serverOption(func(s *server) {
		s.encoder.Rules = append(s.encoder.Rules, status.Rule{Target: target, Code: code})
	})
}

// WithErrorMapper calls f to get a code for a handler's error that states none. f returns
// nil to leave the error to the next mapping. It is called with the error that the handler
// returned, and calls can run concurrently. It isn't called for an error that wraps more
// than 1,000 errors or more than 64 levels of them: errors.Is and errors.As loop forever on
// an error that wraps itself.
func WithErrorMapper(f func(err error) codes.Code) ServerOption {
	if f == nil {
		panic("interceptor: WithErrorMapper(nil): give a function")
	}
	return serverOption(func(s *server) {
		s.encoder.Rules = append(s.encoder.Rules, status.Rule{Func: f})
	})
}

// WithMaxStatusSize limits the bytes that a status adds to the header list of its answer.
// The default is [status.DefaultMaxSize], 4,096. The MaxSize field of [status.Encoder]
// documents what counts, and what is truncated first.
//
// A larger limit is for servers whose clients and proxies are known to accept it. By
// default, nginx answers 502 above about 4 KiB, and clients in C++, Python and Java lose a
// status above 8 KiB.
func WithMaxStatusSize(bytes int) ServerOption {
	if bytes < status.LeastMaxSize {
		panic(fmt.Sprintf("interceptor: WithMaxStatusSize(%d): give at least %d: a code needs as much", bytes, status.LeastMaxSize))
	}
	return serverOption(func(s *server) { s.encoder.MaxSize = bytes })
}

// WithRetryPushback tells gRPC's native retries to wait for the delay of a [status.Status]
// that has one, from WithRetryDelay or a google.rpc.RetryInfo. It is sent as the trailer
// grpc-retry-pushback-ms (gRFC A6). No pushback is sent for a received status,
// or for a gRPC status that the handler made.
//
// A handler that sets this trailer itself must not give a delay too: gRPC takes two values
// as a ban on retries.
func WithRetryPushback() ServerOption {
	return serverOption(func(s *server) { s.encoder.RetryPushback = true })
}

// WithDebugInfo sends google.rpc.DebugInfo details to callers. Without it they stay in the
// process, because they hold stack traces. A received DebugInfo is never sent.
func WithDebugInfo() ServerOption {
	return serverOption(func(s *server) { s.encoder.DebugInfo = true })
}

// WithUpstreamTrust says how far the process trusts the upstream of a connection: which of
// its statuses are forwarded, if a handler returns the received error unchanged. The
// default is [status.TrustKnown].
//
// A status that isn't forwarded reaches the handler's caller as UNAVAILABLE or
// DEADLINE_EXCEEDED with a fixed message if it has that code, and as the INTERNAL default
// otherwise. A code that the handler puts around the error is always sent.
func WithUpstreamTrust(trust status.Trust) ClientOption {
	if !trust.Valid() {
		panic(fmt.Sprintf("interceptor: WithUpstreamTrust(%v): give TrustKnown, TrustNone or TrustAll of package status", trust))
	}
	return clientOption(func(c *client) { c.decoder.Trust = trust })
}

type observerOption struct{ observe func(context.Context, Event) }

func (o observerOption) applyServer(s *server) { s.observers.add(o.observe) }
func (o observerOption) applyClient(c *client) { c.observers.add(o.observe) }

// WithObserver calls f for each call that fails: on a server with the handler's error and
// what the caller gets, on a client with the decoded error. f runs before the error is
// returned, concurrently for concurrent calls, and once for a call even if the
// interceptors are installed twice. If f panics, the call goes on and the panic is logged.
//
// On a server, f replaces the default observer, [LogWithheld]. WithObserver(nil) turns
// that off and adds none. If the option is given more than once, all observers are called
// in the given order.
func WithObserver(f func(ctx context.Context, event Event)) Option {
	return observerOption{f}
}

// newServer applies the options to a new server.
func newServer(opts []ServerOption) *server {
	checkNil(opts)
	s := &server{}
	for _, o := range opts {
		o.applyServer(s)
	}
	checkDomains(s.encoder.Tables)
	s.numericEncoder = s.encoder
	s.numericEncoder.OpenIMForm = true
	s.removesAnnouncement = s.removesAnnouncement || s.openIM != OpenIMNever
	if !s.observers.given {
		s.observers.list = append(s.observers.list, LogWithheld)
	}
	return s
}

// newClient applies the options to a new client.
func newClient(opts []ClientOption) *client {
	checkNil(opts)
	c := &client{}
	for _, o := range opts {
		o.applyClient(c)
	}
	checkDomains(c.decoder.Tables)
	return c
}

// checkNil panics if an option is nil.
func checkNil[O any](opts []O) {
	for i, o := range opts {
		if any(o) == nil {
			panic(fmt.Sprintf("interceptor: option %d is nil: leave it out", i+1))
		}
	}
}

// checkDomains panics if two tables have one domain: one of them would be ignored.
func checkDomains(tables []*codes.Table) {
	seen := make(map[string]bool, len(tables))
	for _, t := range tables {
		if seen[t.Domain()] {
			panic(fmt.Sprintf("interceptor: WithTable: two tables of domain %q: make one of them with a table's WithRows", t.Domain()))
		}
		seen[t.Domain()] = true
	}
}
