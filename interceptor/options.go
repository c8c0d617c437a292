package interceptor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A ServerOption is an option of [NewServer] and its shorthands [ServerOptions],
// [UnaryServer] and [StreamServer].
type ServerOption interface{ applyServer(*Server) }

// A ClientOption is an option of [NewClient] and its shorthands [DialOptions], [UnaryClient]
// and [StreamClient].
type ClientOption interface{ applyClient(*Client) }

// An Option is an option for both sides.
type Option interface {
	ServerOption
	ClientOption
}

type serverOption func(*Server)

func (o serverOption) applyServer(s *Server) { o(s) }

type clientOption func(*Client)

func (o clientOption) applyClient(c *Client) { o(c) }

type tableOption struct{ table *codes.Table }

func (o tableOption) applyServer(s *Server) { s.encoder.Tables = append(s.encoder.Tables, o.table) }
func (o tableOption) applyClient(c *Client) { c.decoder.Tables = append(c.decoder.Tables, o.table) }

// WithTable adds a table to the default one or, if it has the same domain, replaces the
// default one. On a server, the codes of its domain are sent as this table says, and not
// as their own table says. On a client, it makes the codes of its domain known.
//
// The option may be given once for each domain. A domain has one Go type: the interceptors
// can't be made with two types for one domain. The first table also decides on the server's
// INTERNAL default, on the UNKNOWN default of a status that carries no code, and on the
// codes that [WithAssumedCodes] assumes. To use [codes.Default] for these, give it first. If
// the first table has no default row for INTERNAL, what the server withholds carries no code;
// see the Tables field of [status.Encoder].
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
// The caller gets the code with the message of its row. The error stays in the process. A
// mapping doesn't look inside an upstream's error. WithErrorMapping panics if the target
// states a code, because the mapping would never match.
//
// The mappings and mappers of a server ([WithErrorMapper], [WithValidationMapping]) are its
// rules: one list, tried in the order in which they are given. A rule that panics doesn't match.
// The observer, or by default the log, gets the panic.
func WithErrorMapping(target error, code codes.Code) ServerOption {
	checkMapping("WithErrorMapping", target, code)
	if stated, ok := errors.AsType[codes.Code](target); ok && stated.Number() > 0 {
		panic(fmt.Sprintf("interceptor: WithErrorMapping(%v, %v): the target states %s itself, so it is never mapped: give an error without a code", target, code, codes.RowOf(stated).Name))
	}
	return serverOption(func(s *Server) {
		s.encoder.Rules = append(s.encoder.Rules, status.Rule{Target: target, Code: code})
	})
}

// checkMapping panics if an error can't be compared or a code can't be sent.
func checkMapping(option string, target error, code codes.Code) {
	switch {
	case target == nil:
		panic(fmt.Sprintf("interceptor: %s(nil, …): give the error to match", option))
	case !reflect.ValueOf(target).Comparable():
		panic(fmt.Sprintf("interceptor: %s(%v, …): a %T can't be compared: use a variable of a comparable type", option, target, target))
	}
	checkCode(fmt.Sprintf("%s(%v, ", option, target), code)
}

// checkCode panics if a code can't be sent. call is the beginning of the call to which the code
// was given.
func checkCode(call string, code codes.Code) {
	switch {
	case code == nil || code.Number() <= 0:
		panic(fmt.Sprintf("interceptor: %s%v): the code is nil, NoError or negative: give a code with a positive number", call, code))
	case code.Table() == nil || code.Table().Len() == 0:
		panic(fmt.Sprintf("interceptor: %s%T): the code has no Table: let its Table method return one from codes.NewTable", call, code))
	}
}

// WithErrorMapper calls f for a handler's error that states no code, also for a gRPC
// status. f returns the Status to send, or nil to leave the error to the next rule. The
// Status can have a message, details, metadata and a delay.
//
//	interceptor.WithErrorMapper(func(ctx context.Context, err error) *status.Status {
//		if invalid, ok := errors.AsType[*ValidationError](err); ok {
//			return status.New(codes.Args, "invalid request").WithDetails(invalid.BadRequest())
//		}
//		return nil
//	})
//
// A Status with NoError counts as nil. So does status.Convert(err) for an error without a
// status, unless a With method changed it.
//
// f is called with the RPC's context and the error that the handler returned, and calls can
// run concurrently. It isn't called for an error that wraps more than 1,000 errors or more
// than 64 levels of them: errors.Is and errors.As loop forever on an error that wraps
// itself. See [status.Status.WithMessage] for a Status that f reads from an upstream's
// error.
func WithErrorMapper(f func(ctx context.Context, err error) *status.Status) ServerOption {
	if f == nil {
		panic("interceptor: WithErrorMapper(nil): give a function")
	}
	return serverOption(func(s *Server) {
		s.encoder.Rules = append(s.encoder.Rules, status.Rule{Func: f})
	})
}

// WithWithheldMessages replaces the message of a gRPC status that the handler made, if
// the status has one of these canonical codes. The new message is fixed; see the
// WithheldMessages field of [status.Encoder]. The original text is withheld, and is logged
// if the failure isn't the caller's fault. Details are sent. It also applies to a gRPC
// status that the handler restated without another message, as with
// status.Convert(grpcErr).WithDetails(…).Err().
//
// It is for servers whose handlers return
// grpcstatus.Errorf(grpccodes.Internal, "%v", err), which sends private text. INTERNAL
// and UNKNOWN are the usual codes. It doesn't apply to codes, to messages of
// package status, or to statuses of upstreams.
func WithWithheldMessages(canonical ...grpccodes.Code) ServerOption {
	if len(canonical) == 0 {
		panic("interceptor: WithWithheldMessages(): give the canonical codes, such as Internal and Unknown")
	}
	for _, c := range canonical {
		if c == grpccodes.OK || c > grpccodes.Unauthenticated {
			panic(fmt.Sprintf("interceptor: WithWithheldMessages(%v): give canonical codes from 1 to 16", c))
		}
	}
	return serverOption(func(s *Server) {
		s.encoder.WithheldMessages = append(s.encoder.WithheldMessages, canonical...)
	})
}

// WithAmendment calls f with the Status of each failure, before the size limit is
// applied. f returns st, or a copy with more details, metadata, a delay or another
// message. It can't change the code, the canonical code or the Source. st has what is sent
// and nothing else: no withheld text, no cause, and no DebugInfo unless that is sent.
//
//	interceptor.WithAmendment(func(ctx context.Context, st *status.Status) *status.Status {
//		return st.WithDetails(&errdetails.Help{Links: links(st.Reason())})
//	})
//
// Reason is empty if the status carries no code and has no ErrorInfo. WithMessage("") sends
// the fixed message: that of the code's row or, without a code, that of the first table's
// default row for the canonical code.
//
// Details that f adds are the last to be dropped if the status is too large, except for a
// LocalizedMessage, which is the first. They replace others of their type, an upstream's too. If
// f adds an ErrorInfo, only its metadata is used, and only if its domain is the code's. Metadata is
// sent only if the status carries a code. A message that f replaces isn't logged: log it in f. If f
// panics, or returns nil or a Status with NoError, nothing is added. The observer, or by default
// the log, gets the reason.
//
// Amendments run in the order in which they are given, concurrently for concurrent calls.
// A status that another errstatus interceptor has decided isn't amended again.
func WithAmendment(f func(ctx context.Context, st *status.Status) *status.Status) ServerOption {
	if f == nil {
		panic("interceptor: WithAmendment(nil): give a function")
	}
	return serverOption(func(s *Server) { s.encoder.Amendments = append(s.encoder.Amendments, f) })
}

// WithLocalizer calls f with the Status of each failure, to add a text in the caller's language.
// f is usually the Amend method of a localize.Localizer, which picks the text by the caller's
// accept-language:
//
//	interceptor.WithLocalizer(localize.New(billing.CardDeclined.Table()).Amend)
//
// The caller shows it with [status.UserMessage]. The message of the status stays in English.
//
// f is like a function of [WithAmendment], and its faults are reported in the same way. It runs
// after all amendments, and reads what they added. Localized texts are the first to be dropped
// if the status is too large, whoever added them: the google.rpc.LocalizedMessage, and then
// those of all violations of a BadRequest. Other details that f adds come at the end, or replace
// those of their type where these are. The option may be given once.
func WithLocalizer(f func(ctx context.Context, st *status.Status) *status.Status) ServerOption {
	if f == nil {
		panic("interceptor: WithLocalizer(nil): give a function, such as localize.New().Amend")
	}
	return serverOption(func(s *Server) {
		if s.encoder.Localizer != nil {
			panic("interceptor: WithLocalizer was given twice: give all tables to one localize.New, and leave one out")
		}
		s.encoder.Localizer = f
	})
}

// WithRequestID sends the id of the RPC in each failure, as google.rpc.RequestInfo. The
// caller reads it with [status.RequestID]. If it is sent, the observer has it in
// Event.RequestID, and the log as request_id. f returns the id, or "" for none. It is
// called for each failure, concurrently. If it panics, no id is sent, and the observer, or
// by default the log, gets the panic.
//
// The interceptor that puts the id into the context must come before errstatus in the
// chain: errstatus sees the context that it was called with.
//
// An id that doesn't match [A-Za-z0-9._:-]{1,128} isn't sent. The id replaces that of an
// upstream, which is in Event.UpstreamRequestID. An id from the caller's metadata or its
// trace is the caller's choice: it can be that of another request. The option may be
// given once.
func WithRequestID(f func(ctx context.Context) string) ServerOption {
	if f == nil {
		panic("interceptor: WithRequestID(nil): give a function")
	}
	return serverOption(func(s *Server) {
		if s.encoder.RequestID != nil {
			panic("interceptor: WithRequestID was given twice: an RPC has one id: leave one out")
		}
		s.encoder.RequestID = f
	})
}

// WithAssumedCodes takes a status without any ErrorInfo for one that carries a code: the
// first table's default code for its canonical code, such as RecordNotFound for NOT_FOUND.
// errors.Is, status.Code and status.Declared find this code, and status.TrustKnown forwards
// it. If the table has no default row for the canonical code, the UNKNOWN default is assumed.
// If it has none for UNKNOWN either, the status carries no code. Without the option, such
// statuses carry no code.
//
// Use it for connections to your own servers that don't send an ErrorInfo yet. A status
// that a proxy or this process's gRPC made looks the same: a refused connection becomes
// SdkNetwork.
//
// With status.TrustKnown, a handler's server forwards the text only for the canonical codes
// that gRPC's own libraries never make: INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS,
// FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE and DATA_LOSS. For all others it sends the
// message of the code's row, and logs the text: gRPC itself may have made the status, and
// its texts name addresses and files. So the text of an errors.New of a server without
// errstatus, which arrives as UNKNOWN, isn't forwarded. Use [WithUpstreamTrust] with
// status.TrustAll to forward every text, and with status.TrustNone to forward none.
func WithAssumedCodes() ClientOption {
	return clientOption(func(c *Client) { c.decoder.AssumeCodes = true })
}

// WithSentinel makes errors.Is(err, target) true for an error that the connection decoded
// and that carries code, so that the callers of a package need not know about codes:
//
//	interceptor.WithSentinel(store.ErrNotFound, codes.RecordNotFound)
//
// The option may be given several times, also for one code. A target can't be io.EOF or a
// context's error, which say something else about a call. WithSentinel panics if the
// target states a code, because the decoded error has its own. A server's
// WithErrorMapping doesn't see sentinels. A function of WithErrorMapper that calls
// errors.Is does.
func WithSentinel(target error, code codes.Code) ClientOption {
	checkMapping("WithSentinel", target, code)
	if stated, ok := status.Declared(target); ok {
		panic(fmt.Sprintf("interceptor: WithSentinel(%v, %v): the target states %s itself, but the decoded error has its own code: give an error without a code", target, code, codes.RowOf(stated).Name))
	}
	for _, reserved := range []error{io.EOF, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(target, reserved) {
			panic(fmt.Sprintf("interceptor: WithSentinel(%v, %v): errors.Is with that target says how a stream or a context ended: give an error of your own", target, code))
		}
	}
	return clientOption(func(c *Client) {
		c.decoder.Sentinels = append(c.decoder.Sentinels, status.Sentinel{Target: target, Code: tableType(code)})
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
	return serverOption(func(s *Server) { s.encoder.MaxSize = bytes })
}

// WithRetryPushback tells gRPC's native retries to wait for the delay of a [status.Status]
// that has one, from WithRetryDelay or a google.rpc.RetryInfo. It is sent as the trailer
// grpc-retry-pushback-ms (gRFC A6). No pushback is sent for a received status,
// or for a gRPC status that the handler made.
//
// A handler that sets this trailer itself must not give a delay too: gRPC takes two values
// as a ban on retries.
func WithRetryPushback() ServerOption {
	return serverOption(func(s *Server) { s.encoder.RetryPushback = true })
}

// WithDebugInfo sends google.rpc.DebugInfo details to callers. Without it they stay in the
// process, because they hold stack traces. A received DebugInfo is never sent.
func WithDebugInfo() ServerOption {
	return serverOption(func(s *Server) { s.encoder.DebugInfo = true })
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
	return clientOption(func(c *Client) { c.decoder.Trust = trust })
}

type observerOption struct{ observer *observer }

func (o observerOption) applyServer(s *Server) { s.observers = append(s.observers, o.observer) }
func (o observerOption) applyClient(c *Client) { c.observers = append(c.observers, o.observer) }

// WithObserver calls f for each call that fails: on a server with the handler's error and
// what the caller gets, on a client with the decoded error. f runs before the error is
// returned, concurrently for concurrent calls. If f panics, the call goes on. A server logs
// the panic with its logger, and a client with slog.Default.
//
// An observer doesn't replace or change a server's log; see [WithLogger]. If it is given
// more than once, all observers are called in the given order.
//
// If both interceptors of a chain have the same value that WithObserver returned, its
// observer is called once for a call. If the outer one has another observer, that one is
// called too, with [status.SourceEncoded].
func WithObserver(f func(ctx context.Context, event Event)) Option {
	if f == nil {
		panic("interceptor: WithObserver(nil): give a function; to turn a server's log off, use WithLogger(nil)")
	}
	return observerOption{&observer{f}}
}

// checkNil panics if an option is nil.
func checkNil[O any](opts []O) {
	for i, o := range opts {
		if any(o) == nil {
			panic(fmt.Sprintf("interceptor: option %d is nil: leave it out", i+1))
		}
	}
}

// checkDomains panics if two tables have one domain: one of them would be ignored. If their
// codes have two Go types, the text says so. The default table counts for the types only.
func checkDomains(tables []*codes.Table) {
	seen := []*codes.Table{codes.Default()}
	for _, t := range tables {
		checkType("WithTable", t.Code(0), seen)
		if slices.ContainsFunc(seen[1:], func(s *codes.Table) bool { return s.Domain() == t.Domain() }) {
			panic(fmt.Sprintf("interceptor: WithTable: two tables of domain %q: give only one: a table's WithRows returns a copy with rows added or replaced", t.Domain()))
		}
		seen = append(seen, t)
	}
}

// checkType panics if a code is of another type than a table of its domain.
func checkType(option string, code codes.Code, tables []*codes.Table) {
	own := code.Table()
	code = tableType(code)
	for _, t := range tables {
		if known := t.Code(0); t.Domain() == own.Domain() && reflect.TypeOf(known) != reflect.TypeOf(code) {
			panic(fmt.Sprintf("interceptor: %s: domain %q has codes of two Go types, %T and %T: a domain can have only one: give one type another domain", option, t.Domain(), known, code))
		}
	}
}

// tableType returns a code in the type of its table's codes. A pointer to a code, and a
// struct that embeds one, are codes too.
func tableType(code codes.Code) codes.Code {
	if reflect.TypeOf(code).Kind() == reflect.Int32 {
		return code
	}
	return code.Table().Code(code.Number())
}

// checkCodes panics if a code has no row in any of the tables that are used for it, or is of
// another type than the tables and codes of its domain. Nil codes are skipped.
func checkCodes(option string, all []codes.Code, tables []*codes.Table) {
	known := append([]*codes.Table{codes.Default()}, tables...)
	for _, code := range all {
		if code == nil {
			continue
		}
		checkType(option, code, known)
		own := code.Table()
		has := func(t *codes.Table) bool { return t.Domain() == own.Domain() && t.Has(code.Number()) }
		if known = append(known, own); !slices.ContainsFunc(known, has) {
			panic(fmt.Sprintf("interceptor: %s: no table has a row for number %d of domain %q: add the row with a table's WithRows, and pass that table to WithTable", option, code.Number(), own.Domain()))
		}
	}
}
