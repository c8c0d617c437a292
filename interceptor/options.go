package interceptor

import (
	"context"
	"fmt"
	"reflect"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A ServerOption is for [UnaryServer], [StreamServer] and [ServerOptions].
type ServerOption interface{ applyServer(*server) }

// A ClientOption is for [UnaryClient], [StreamClient] and [DialOptions].
type ClientOption interface{ applyClient(*client) }

// An Option is for both sides.
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

// WithTable gives a table besides the default one, or, with the same domain, in
// its place. On a server it decides what its codes are on the wire, whatever
// their own table says. On a client it makes the codes of its domain known.
//
// The option may be given once for each domain. The first table is also the one
// for what names no domain: the server's default code of INTERNAL, the client's
// guesses, and numbers in the place of a canonical code that no table has a row
// for are of its type. To keep those of [codes.Default], give that first.
func WithTable(table *codes.Table) Option {
	switch {
	case table == nil:
		panic("interceptor: WithTable(nil): give a table, from codes.NewTable or a table's With")
	case table.Len() == 0:
		panic("interceptor: WithTable(&codes.Table{}): the table has no rows: make it with codes.NewTable")
	}
	if own := table.FromGRPC(grpccodes.Internal).Table(); own == nil || own.Domain() != table.Domain() {
		panic(fmt.Sprintf("interceptor: WithTable of domain %q: its codes' own Table has another domain, or is nil: give both one domain", table.Domain()))
	}
	return tableOption{table}
}

// WithErrorMapping gives a code to handler errors that match target as by errors.Is, and
// state no code:
//
//	interceptor.WithErrorMapping(sql.ErrNoRows, codes.RecordNotFound)
//
// The caller reads the code's default message; the error stays in the process. A
// received error matches as a whole: the code in it is its sender's.
//
// All of WithErrorMapping and [WithErrorMapper] are one list, tried in the order given.
func WithErrorMapping(target error, code codes.Code) ServerOption {
	switch {
	case target == nil:
		panic("interceptor: WithErrorMapping(nil, …): give the error to match")
	case !reflect.ValueOf(target).Comparable():
		panic(fmt.Sprintf("interceptor: WithErrorMapping(%v, …): a %T can't be compared: use WithErrorMapper", target, target))
	case code == nil || code.Number() <= 0:
		panic(fmt.Sprintf("interceptor: WithErrorMapping(%v, %v): give the code of an error", target, code))
	case code.Table() == nil || code.Table().Len() == 0:
		panic(fmt.Sprintf("interceptor: WithErrorMapping(%v, %T): the code has no Table: it can't be sent", target, code))
	}
	return serverOption(func(s *server) {
		s.encoder.Rules = append(s.encoder.Rules, status.Rule{Target: target, Code: code})
	})
}

// WithErrorMapper gives codes to handler errors that state none, by a function of
// one's own; it returns nil for an error that it leaves to the next rule. It runs
// concurrently, on every such error, and is given the error as the handler
// returned it, unless that wraps more than 1,000 errors or more than 64 levels of
// them: errors.Is and errors.As would never return from one that wraps itself.
func WithErrorMapper(f func(err error) codes.Code) ServerOption {
	if f == nil {
		panic("interceptor: WithErrorMapper(nil): give a function")
	}
	return serverOption(func(s *server) {
		s.encoder.Rules = append(s.encoder.Rules, status.Rule{Func: f})
	})
}

// WithMaxStatusSize bounds what a status may add to the header list of its
// answer, in bytes; by default it is [status.DefaultMaxSize], 4,096. See
// [status.Encoder] for what counts and what is left out first.
//
// A larger one is for servers whose clients and proxies are known to take it:
// nginx answers 502 above about 4 KiB by default, and clients in C++, Python and
// Java lose a status above 8 KiB.
func WithMaxStatusSize(bytes int) ServerOption {
	if bytes < status.LeastMaxSize {
		panic(fmt.Sprintf("interceptor: WithMaxStatusSize(%d): give at least %d: a code needs as much", bytes, status.LeastMaxSize))
	}
	return serverOption(func(s *server) { s.encoder.MaxSize = bytes })
}

// WithRetryPushback tells gRPC's native retries to wait as long as a [status.Status]
// says that was made with WithRetryDelay, or with a google.rpc.RetryInfo, by the
// trailer grpc-retry-pushback-ms (gRFC A6). What came from upstream, and gRPC's own
// statuses, push nothing back. A handler that sets that trailer itself is to set no delay: two
// values forbid the retry.
func WithRetryPushback() ServerOption {
	return serverOption(func(s *server) { s.encoder.RetryPushback = true })
}

// WithDebugInfo lets google.rpc.DebugInfo details out to callers. Without it
// they stay in the process: they hold stack traces.
func WithDebugInfo() ServerOption {
	return serverOption(func(s *server) { s.encoder.DebugInfo = true })
}

// AdaptCodeErrors understands the errors of OpenIM's handlers as codes, so that those
// need no change: a [status.CodeError], such as errs.CodeError, anywhere in the
// error, with a number that a table has. Its message is public; its detail stays in
// the process, see [ExposeCodeErrorDetail], while that of an upstream's error goes
// on with it like any detail. It counts like a code that is stated, but not where
// it has a GRPCStatus method too, which says what it is. One that is INTERNAL or
// UNKNOWN is logged as a withheld error is: see [LogWithheld].
//
// Without this option such an error states no code: others have the same methods
// and mean something else, such as an HTTP client's error with a Code of 404.
func AdaptCodeErrors() ServerOption {
	return serverOption(func(s *server) { s.encoder.AdaptCodeErrors = true })
}

// ExposeCodeErrorDetail is [AdaptCodeErrors] that sends the detail too, as OpenIM's
// servers do: as an openim.protobuf.ErrorInfo, which [status.OpenIMDetail] reads.
// Details often have what is private, such as the text of a database's error.
func ExposeCodeErrorDetail() ServerOption {
	return serverOption(func(s *server) { s.encoder.ExposeCodeErrorDetail = true })
}

// The policies of [Upstream].
const (
	// Peer passes on what states a code of a known domain, and numbers in the place
	// of a canonical code. It is the default.
	Peer = status.TrustKnown

	// Foreign passes on nothing: another company's service, say.
	Foreign = status.TrustNone

	// Proxy passes on everything, for a server that stands for the one behind it.
	Proxy = status.TrustAll
)

// Upstream says how far the process trusts what it receives over a connection:
// what becomes of an error received there that a handler returns as it came.
// What is not passed on reaches the handler's caller as UNAVAILABLE or
// DEADLINE_EXCEEDED with a fixed message if it was that, else as the default code
// of INTERNAL. A code that the handler puts around the error is sent in any case.
func WithUpstreamTrust(policy status.Trust) ClientOption {
	if !policy.Valid() {
		panic(fmt.Sprintf("interceptor: Upstream(%v): give Peer, Foreign or Proxy", policy))
	}
	return clientOption(func(c *client) { c.decoder.Trust = policy })
}

type observerOption struct{ observe func(context.Context, Event) }

func (o observerOption) applyServer(s *server) { s.observers.add(o.observe) }
func (o observerOption) applyClient(c *client) { c.observers.add(o.observe) }

// WithObserver calls f for each call that fails: on a server with what the
// handler returned and what the caller gets, on a client with the error that was
// decoded. It runs before the error is handed on, concurrently for concurrent
// calls, and once a call even where the interceptors are installed twice. Where f
// panics, the call goes on, and the panic is logged.
//
// A server's default is [LogWithheld], which f takes the place of; WithObserver(nil)
// silences it. Given more than once, all are called, in the order given.
func WithObserver(f func(ctx context.Context, event Event)) Option {
	return observerOption{f}
}

// newServer is a server of options, with the default observer.
func newServer(opts []ServerOption) *server {
	checkNil(opts)
	s := &server{}
	for _, o := range opts {
		o.applyServer(s)
	}
	checkDomains(s.encoder.Tables)
	s.forOpenIM = s.encoder
	s.forOpenIM.OpenIMForm = true
	if !s.observers.given {
		s.observers.list = append(s.observers.list, LogWithheld)
	}
	return s
}

func newClient(opts []ClientOption) *client {
	checkNil(opts)
	c := &client{}
	for _, o := range opts {
		o.applyClient(c)
	}
	checkDomains(c.decoder.Tables)
	return c
}

func checkNil[O any](opts []O) {
	for i, o := range opts {
		if any(o) == nil {
			panic(fmt.Sprintf("interceptor: option %d is nil: leave it out", i+1))
		}
	}
}

// checkDomains refuses a second table of a domain: one of the two would be
// ignored in silence.
func checkDomains(tables []*codes.Table) {
	seen := make(map[string]bool, len(tables))
	for _, t := range tables {
		if seen[t.Domain()] {
			panic(fmt.Sprintf("interceptor: WithTable: two tables of domain %q: make one of them with a table's With", t.Domain()))
		}
		seen[t.Domain()] = true
	}
}
