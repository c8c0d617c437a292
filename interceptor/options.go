package interceptor

import (
	"fmt"
	"reflect"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A ServerOption is for [UnaryServer], [StreamServer] and [ServerOptions].
type ServerOption interface{ applyServer(*status.Encoder) }

// A ClientOption is for [UnaryClient], [StreamClient] and [DialOptions].
type ClientOption interface{ applyClient(*status.Decoder) }

// An Option is for both sides.
type Option interface {
	ServerOption
	ClientOption
}

type serverOption func(*status.Encoder)

func (o serverOption) applyServer(e *status.Encoder) { o(e) }

type tableOption struct{ table *codes.Table }

func (o tableOption) applyServer(e *status.Encoder) { e.Tables = append(e.Tables, o.table) }
func (o tableOption) applyClient(d *status.Decoder) { d.Tables = append(d.Tables, o.table) }

// WithTable gives a table besides the default one, or, with the same domain, in
// its place. On a server it decides what its codes are on the wire, whatever
// their own table says. On a client it makes the codes of its domain known.
//
// The option may be given once for each domain. The first table is also the one
// for what names no domain: the server's default code of INTERNAL, the client's
// guesses, and numbers in the place of a canonical code are of its type. To keep
// those of [codes.Default], give that first.
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

// MapError gives a code to handler errors that match target as by errors.Is, and
// state no code:
//
//	interceptor.MapError(sql.ErrNoRows, codes.RecordNotFound)
//
// The caller reads the code's default message; the error stays in the process. A
// received error matches as a whole: the code in it is its sender's.
//
// All of MapError and [MapErrorFunc] are one list, tried in the order given.
func MapError(target error, code codes.Code) ServerOption {
	switch {
	case target == nil:
		panic("interceptor: MapError(nil, …): give the error to match")
	case !reflect.ValueOf(target).Comparable():
		panic(fmt.Sprintf("interceptor: MapError(%v, …): a %T can't be compared: use MapErrorFunc", target, target))
	case code == nil || code.Number() <= 0:
		panic(fmt.Sprintf("interceptor: MapError(%v, %v): give the code of an error", target, code))
	}
	return serverOption(func(e *status.Encoder) {
		e.Rules = append(e.Rules, status.Rule{Target: target, Code: code})
	})
}

// MapErrorFunc gives codes to handler errors that state none, by a function of
// one's own; it returns nil for an error that it leaves to the next rule. It runs
// concurrently, on every such error, and is given the error as the handler
// returned it, unless that wraps more than 1,000 errors or more than 64 levels of
// them: errors.Is and errors.As would never return from one that wraps itself.
func MapErrorFunc(f func(err error) codes.Code) ServerOption {
	if f == nil {
		panic("interceptor: MapErrorFunc(nil): give a function")
	}
	return serverOption(func(e *status.Encoder) {
		e.Rules = append(e.Rules, status.Rule{Func: f})
	})
}

// ExposeDebugInfo lets google.rpc.DebugInfo details out to callers. Without it
// they stay in the process: they hold stack traces.
func ExposeDebugInfo() ServerOption {
	return serverOption(func(e *status.Encoder) { e.ExposeDebugInfo = true })
}

func newEncoder(opts []ServerOption) *status.Encoder {
	checkNil(opts)
	e := &status.Encoder{}
	for _, o := range opts {
		o.applyServer(e)
	}
	checkDomains(e.Tables)
	return e
}

func newDecoder(opts []ClientOption) *status.Decoder {
	checkNil(opts)
	d := &status.Decoder{}
	for _, o := range opts {
		o.applyClient(d)
	}
	checkDomains(d.Tables)
	return d
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
