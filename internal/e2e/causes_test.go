package e2e_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// RPCs whose own context has ended, and the causes of contexts.

// A failure is an error of a handler, and what the caller gets for it while the RPC's
// context is alive.
type failure struct {
	name   string
	err    error
	alive  *spb.Status
	source status.Source

	// saysNoMore reports whether the error says no more than that a context has ended, or
	// would be withheld, so that an ended context decides.
	saysNoMore bool

	// namesContext reports whether the error itself says that a context has ended.
	namesContext bool
	panics       bool // a method of it does
}

// failures returns errors of all kinds.
func failures(t *testing.T) []failure {
	internal := testrpc.Carrying(t, codes.ServerInternal, "")
	deadline := testrpc.Canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded")
	carrying := func(c codes.Code, message string) *spb.Status { return testrpc.Carrying(t, c, message) }
	canonical := func(c grpccodes.Code, message string) *spb.Status { return testrpc.Canonical(t, c, message) }
	foreign := grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.NotFound, testrpc.Secret, &errdetails.ErrorInfo{Reason: "X", Domain: "shop.example"}))
	noTrust := interceptor.WithUpstreamTrust(status.TrustNone)
	received := func(err error, opts ...interceptor.ClientOption) error {
		return testrpc.ReceivedFromPlain(t, err, opts...)
	}
	known := func(c codes.ErrorCode) error { return status.ToGRPC(status.Error(c, "upstream's text")).Err() }

	var all []failure
	withheld := func(name string, err error) {
		all = append(all, failure{name: name, err: err, alive: internal, source: status.SourceUnknown, saysNoMore: true})
	}
	withheld("a database driver's text", errors.New("pq: canceling statement due to user request"))
	withheld("the text under %w", fmt.Errorf("loading the user: %w", errors.New("canceling query due to user request (57014)")))
	withheld("a socket's timeout", socketTimeout(t))
	withheld("an expired os deadline", fmt.Errorf("reading: %w", os.ErrDeadlineExceeded))
	withheld("a closed socket", &net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed})
	withheld("a closed pool", sql.ErrConnDone)
	withheld("a rolled back transaction", fmt.Errorf("%w", sql.ErrTxDone))
	withheld("io.EOF", io.EOF)
	withheld("a value that can't be compared", uncomparableError{"x"})
	withheld("a raw number without a row", grpcstatus.Error(999999, testrpc.Secret))
	withheld("a gRPC status with code OK", okStatus{})
	withheld("an error that wraps itself", testrpc.WrapsItself(errors.New(testrpc.Secret)))

	upstream := func(name string, err error, alive *spb.Status) {
		all = append(all, failure{name: name, err: err, alive: alive, source: status.SourceUpstream, saysNoMore: true})
	}
	unavailable := canonical(grpccodes.Unavailable, "an upstream service is unavailable")
	upstream("a received UNAVAILABLE", received(grpcstatus.Error(grpccodes.Unavailable, testrpc.Secret)), unavailable)
	upstream("a received INTERNAL", received(grpcstatus.Error(grpccodes.Internal, testrpc.Secret)), internal)
	upstream("a received NOT_FOUND under %w", fmt.Errorf("x: %w", received(grpcstatus.Error(grpccodes.NotFound, testrpc.Secret))), internal)
	upstream("a received foreign ErrorInfo", received(foreign.Err()), internal)
	upstream("a received code without trust", received(known(codes.RecordNotFound), noTrust), internal)
	upstream("a received raw number without a row", received(grpcstatus.Error(999999, testrpc.Secret)), internal)
	upstream("a received raw number without trust", received(grpcstatus.Error(1004, testrpc.Secret), noTrust), internal)

	ofContext := func(name string, err error, alive *spb.Status, source status.Source) {
		all = append(all, failure{name: name, err: err, alive: alive, source: source, saysNoMore: true, namesContext: true})
	}
	ofContext("context.Canceled", context.Canceled, internal, status.SourceUnknown)
	ofContext("context.Canceled under %w", fmt.Errorf(testrpc.Secret+": %w", context.Canceled), internal, status.SourceUnknown)
	ofContext("context.DeadlineExceeded", context.DeadlineExceeded, deadline, status.SourceDeadline)
	ofContext("context.DeadlineExceeded in a join", errors.Join(errors.New(testrpc.Secret), context.DeadlineExceeded), deadline, status.SourceDeadline)
	ofContext("a dialer's timeout, which is a context's deadline", dialTimeout(t), deadline, status.SourceDeadline)
	ofContext("a gRPC status CANCELLED", grpcstatus.Error(grpccodes.Canceled, "handler's text"), canonical(grpccodes.Canceled, "handler's text"), status.SourceGRPCStatus)
	ofContext("a gRPC status DEADLINE_EXCEEDED", grpcstatus.Error(grpccodes.DeadlineExceeded, "handler's text"), canonical(grpccodes.DeadlineExceeded, "handler's text"), status.SourceGRPCStatus)
	ofContext("a closed gRPC client", closedClientError(t), canonical(grpccodes.Canceled, "grpc: the client connection is closing"), status.SourceGRPCStatus)
	ofContext("a closed client with errstatus", closedClientError(t, interceptor.DialOptions()...), internal, status.SourceUpstream)
	ofContext("a received DEADLINE_EXCEEDED", received(grpcstatus.Error(grpccodes.DeadlineExceeded, testrpc.Secret)),
		canonical(grpccodes.DeadlineExceeded, "an upstream service did not answer in time"), status.SourceUpstream)
	ofContext("a received code that is DEADLINE_EXCEEDED", received(known(codes.SdkNetworkTimeout)), carrying(codes.SdkNetworkTimeout, "upstream's text"), status.SourceForwarded)

	decided := func(name string, err error, alive *spb.Status, source status.Source) {
		all = append(all, failure{name: name, err: err, alive: alive, source: source})
	}
	decided("a code", codes.RecordNotFound, carrying(codes.RecordNotFound, ""), status.SourceCode)
	decided("a code joined with context.Canceled", errors.Join(context.Canceled, codes.SrvDatabase), carrying(codes.SrvDatabase, ""), status.SourceCode)
	decided("a Status around a context's error", status.Wrap(context.Canceled, codes.Args, "handler's text"), carrying(codes.Args, "handler's text"), status.SourceCode)
	decided("a code that is DEADLINE_EXCEEDED", codes.SdkCtxDeadlineExceeded, carrying(codes.SdkCtxDeadlineExceeded, ""), status.SourceCode)
	decided("a Status of an upstream's failure", status.Convert(received(known(codes.Args))).WithMessage("calling").Err(), carrying(codes.Args, "calling"), status.SourceCode)
	decided("a mapped error", fmt.Errorf("x: %w", io.ErrUnexpectedEOF), carrying(codes.SrvData, ""), status.SourceRule)
	decided("a mapped error joined with context.Canceled", errors.Join(context.Canceled, io.ErrUnexpectedEOF), carrying(codes.SrvData, ""), status.SourceRule)
	decided("an error with a mapper", fmt.Errorf("x: %w", fs.ErrNotExist), carrying(codes.SdkFileNotFound, "no such picture"), status.SourceRule)
	decided("a received code", received(known(codes.RecordNotFound)), carrying(codes.RecordNotFound, "upstream's text"), status.SourceForwarded)
	decided("a received raw number", received(grpcstatus.Error(1004, "upstream's text")), carrying(codes.RecordNotFound, "upstream's text"), status.SourceForwarded)
	decided("a received status with full trust", received(grpcstatus.Error(grpccodes.NotFound, "upstream's text"), interceptor.WithUpstreamTrust(status.TrustAll)),
		canonical(grpccodes.NotFound, "upstream's text"), status.SourceForwarded)
	decided("a gRPC status", grpcstatus.Error(grpccodes.Unavailable, "handler's text"), canonical(grpccodes.Unavailable, "handler's text"), status.SourceGRPCStatus)
	decided("a raw number", grpcstatus.Error(1004, "handler's text"), carrying(codes.RecordNotFound, "handler's text"), status.SourceNumber)

	// These are bugs, which an ended context doesn't hide.
	bug := func(name string, err error, source status.Source, panics bool) {
		all = append(all, failure{name: name, err: err, alive: internal, source: source, panics: panics})
	}
	bug("NoError", codes.NoError, status.SourceUnknown, false)
	bug("a cause wrapped in NoError", status.Wrap(errors.New(testrpc.Secret), codes.NoError, ""), status.SourceUnknown, false)
	bug("a typed nil", (*nilSafe)(nil), status.SourceUnknown, false)
	bug("a typed nil under %w", fmt.Errorf("x: %w", (*nilSafe)(nil)), status.SourceUnknown, false)
	bug("a nil map", nilMap(nil), status.SourceUnknown, false)
	bug("Error panics", panicsIn{method: "Error"}, status.SourceUnknown, true)
	bug("Is panics", panicsIn{method: "Is"}, status.SourceUnknown, true)
	bug("As panics", panicsIn{method: "As"}, status.SourceUnknown, true)
	bug("Unwrap panics", panicsIn{method: "Unwrap"}, status.SourceUnknown, true)
	bug("GRPCStatus panics", panicsIn{method: "GRPCStatus"}, status.SourceUnknown, true)
	bug("Error panics, under %w", errors.Join(errors.New("x"), panicsIn{method: "Error"}), status.SourceUnknown, true)
	bug("a recovered panic", status.Recovered(testrpc.Secret), status.SourcePanic, true)
	return all
}

// socketTimeout returns the error of a socket whose deadline has passed.
func socketTimeout(t *testing.T) error {
	lis := testrpc.Listen(t)
	defer lis.Close()
	conn, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Unix(1, 0))
	_, err = conn.Read(make([]byte, 1))
	if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
		t.Fatalf("Read() = %v; want a timeout", err)
	}
	return err
}

// dialTimeout returns the error of a dialer whose deadline has passed.
func dialTimeout(t *testing.T) error {
	_, err := (&net.Dialer{Deadline: time.Unix(1, 0)}).Dial("tcp", "127.0.0.1:1")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Dial() = %v; want a context's deadline", err)
	}
	return err
}

// closedClientError returns the error of a call on a closed connection.
func closedClientError(t *testing.T, opts ...grpc.DialOption) error {
	conn, err := grpc.NewClient("passthrough:///nowhere", append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	_, err = testrpc.CallUnary(t.Context(), testgrpc.NewTestServiceClient(conn))
	return err
}

type uncomparableError []string

func (e uncomparableError) Error() string { return strings.Join(e, " ") }

// A nilSafe pointer may be nil.
type nilSafe struct{}

func (*nilSafe) Error() string { return testrpc.Secret }

type nilMap map[string]string

func (nilMap) Error() string { return testrpc.Secret }

// A panicsIn error has one method that panics.
type panicsIn struct{ method string }

func (e panicsIn) run(method string) {
	if e.method == method {
		panic(testrpc.Secret)
	}
}

func (e panicsIn) Error() string                  { e.run("Error"); return "an error" }
func (e panicsIn) Is(error) bool                  { e.run("Is"); return false }
func (e panicsIn) As(any) bool                    { e.run("As"); return false }
func (e panicsIn) Unwrap() error                  { e.run("Unwrap"); return nil }
func (e panicsIn) GRPCStatus() *grpcstatus.Status { e.run("GRPCStatus"); return nil }

// An ending says how an RPC's own context ends.
type ending struct {
	name  string
	end   func(ctx context.Context, cause error) context.Context
	sends *spb.Status // nil if the context is alive

	hasNoCause bool // whatever cause is given
}

// endings returns the ways in which a context ends.
func endings(t *testing.T) []ending {
	past := time.Unix(1, 0)
	cancelled := testrpc.Canonical(t, grpccodes.Canceled, "context canceled")
	late := testrpc.Canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded")
	cancel := func(ctx context.Context, cause error) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(cause)
		return ctx
	}
	expire := func(ctx context.Context, cause error) context.Context {
		ctx, cancel := context.WithDeadlineCause(ctx, past, cause)
		cancel()
		return ctx
	}
	return []ending{
		{"alive", func(ctx context.Context, _ error) context.Context { return ctx }, nil, true},
		{"an ended context whose values are kept", func(ctx context.Context, cause error) context.Context {
			return context.WithoutCancel(cancel(ctx, cause))
		}, nil, true},
		{"cancelled", cancel, cancelled, false},
		{"cancelled before its deadline", func(ctx context.Context, cause error) context.Context {
			return endedContext{cancel(ctx, cause), time.Now().Add(time.Hour), context.Canceled}
		}, cancelled, false},
		{"deadline", expire, late, false},
		{"cancelled after its deadline", func(ctx context.Context, cause error) context.Context {
			return endedContext{cancel(ctx, cause), past, context.Canceled}
		}, late, false},
		{"an error of another implementation", func(ctx context.Context, _ error) context.Context {
			return endedContext{ctx, time.Time{}, errors.New(testrpc.Secret)}
		}, cancelled, true},
		{"a deadline of another implementation", func(ctx context.Context, _ error) context.Context {
			return endedContext{ctx, time.Time{}, fmt.Errorf(testrpc.Secret+": %w", context.DeadlineExceeded)}
		}, late, true},
	}
}

// An endedContext has a deadline and an error of its own.
type endedContext struct {
	context.Context
	deadline time.Time
	err      error
}

func (c endedContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }
func (c endedContext) Err() error                  { return c.err }

// A contextCause is what context.Cause returns, and what it makes of an ended call.
type contextCause struct {
	name     string
	err      error
	sends    *spb.Status // nil if it says nothing that can be sent
	ended    bool        // it is the context's own error, which is no cause
	withheld bool
	unsafe   bool // it must not be printed
	panics   bool // a method of it does
}

// causes returns causes of all kinds.
func causes(t *testing.T) []contextCause {
	internal := testrpc.Carrying(t, codes.ServerInternal, "")
	drain := status.New(codes.SrvNetwork, "the server is shutting down").WithRetryDelay(time.Second)
	retryInfo := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}
	full := drain.WithMetadata("shard", "7").WithDetails(testrpc.BadRequest())
	sentFull := testrpc.Carrying(t, codes.SrvNetwork, "the server is shutting down", retryInfo, testrpc.BadRequest())
	info := testrpc.ErrorInfo(codes.SrvNetwork)
	info.Metadata["shard"] = "7"
	sentFull.Details[0] = testrpc.Packed(t, info)
	upstream := testrpc.Carrying(t, codes.Args, "upstream's text", testrpc.BadRequest())
	withDebug := proto.CloneOf(upstream)
	withDebug.Details = append(withDebug.Details, testrpc.Packed(t, &errdetails.DebugInfo{Detail: testrpc.Secret}))
	noTrust := interceptor.WithUpstreamTrust(status.TrustNone)
	received := func(err error, opts ...interceptor.ClientOption) error {
		return testrpc.ReceivedFromPlain(t, err, opts...)
	}
	return []contextCause{
		{name: "none"},
		{name: "context.Canceled", err: context.Canceled, ended: true},
		{name: "context.DeadlineExceeded", err: context.DeadlineExceeded, ended: true},

		{name: "a plain error", err: errors.New(testrpc.Secret), withheld: true},
		{name: "a context's error under %w", err: fmt.Errorf(testrpc.Secret+": %w", context.DeadlineExceeded), withheld: true},
		{name: "a raw number without a row", err: grpcstatus.Error(999999, testrpc.Secret), withheld: true},
		{name: "NoError", err: codes.NoError, withheld: true},
		{name: "a typed nil", err: (*nilSafe)(nil), withheld: true},
		{name: "a value that can't be compared", err: uncomparableError{testrpc.Secret}, withheld: true},
		{name: "a recovered panic", err: status.Recovered(testrpc.Secret), withheld: true},
		{name: "Error panics", err: panicsIn{method: "Error"}, withheld: true, unsafe: true, panics: true},
		{name: "Is panics", err: panicsIn{method: "Is"}, withheld: true, unsafe: true, panics: true},
		{name: "Unwrap panics", err: panicsIn{method: "Unwrap"}, withheld: true, unsafe: true, panics: true},
		{name: "GRPCStatus panics", err: panicsIn{method: "GRPCStatus"}, withheld: true, unsafe: true, panics: true},
		{name: "an error that wraps itself", err: testrpc.WrapsItself(errors.New(testrpc.Secret)), withheld: true, unsafe: true},

		{name: "a code", err: codes.SrvNetwork, sends: testrpc.Carrying(t, codes.SrvNetwork, "")},
		{name: "a code under %w", err: fmt.Errorf(testrpc.Secret+": %w", codes.SrvNetwork), sends: testrpc.Carrying(t, codes.SrvNetwork, "")},
		{name: "a code that is DEADLINE_EXCEEDED", err: codes.SdkNetworkTimeout, sends: testrpc.Carrying(t, codes.SdkNetworkTimeout, "")},
		{name: "a drain", err: drain.Err(), sends: testrpc.Carrying(t, codes.SrvNetwork, "the server is shutting down", retryInfo)},
		{name: "a Status with all parts", err: full.Wrap(errors.New(testrpc.Secret)), sends: sentFull},
		{name: "a mapped error", err: fmt.Errorf(testrpc.Secret+": %w", io.ErrUnexpectedEOF), sends: testrpc.Carrying(t, codes.SrvData, "")},
		{name: "an error with a mapper", err: fmt.Errorf(testrpc.Secret+": %w", fs.ErrNotExist), sends: testrpc.Carrying(t, codes.SdkFileNotFound, "no such picture")},
		{name: "a received code", err: received(grpcstatus.FromProto(withDebug).Err()), sends: upstream},
		{name: "a received raw number", err: received(grpcstatus.Error(1001, "upstream's text")), sends: testrpc.Carrying(t, codes.Args, "upstream's text")},
		{name: "a received status with full trust", err: received(grpcstatus.Error(grpccodes.NotFound, "upstream's text"), interceptor.WithUpstreamTrust(status.TrustAll)),
			sends: testrpc.Canonical(t, grpccodes.NotFound, "upstream's text")},
		{name: "a received code without trust", err: received(grpcstatus.FromProto(upstream).Err(), noTrust), sends: internal, withheld: true},
		{name: "a received NOT_FOUND", err: received(grpcstatus.Error(grpccodes.NotFound, testrpc.Secret)), sends: internal, withheld: true},
		{name: "a received UNAVAILABLE", err: received(grpcstatus.Error(grpccodes.Unavailable, testrpc.Secret)),
			sends: testrpc.Canonical(t, grpccodes.Unavailable, "an upstream service is unavailable"), withheld: true},
		{name: "a gRPC status", err: grpcstatus.Error(grpccodes.Unavailable, "draining"), sends: testrpc.Canonical(t, grpccodes.Unavailable, "draining")},
		{name: "a gRPC status CANCELLED", err: grpcstatus.Error(grpccodes.Canceled, "stopped"), sends: testrpc.Canonical(t, grpccodes.Canceled, "stopped")},
		{name: "a gRPC status with a withheld message", err: grpcstatus.Error(grpccodes.DataLoss, testrpc.Secret),
			sends: testrpc.Canonical(t, grpccodes.DataLoss, codes.RowOf(codes.Default().DefaultFor(grpccodes.DataLoss)).Message), withheld: true},
		{name: "a raw number", err: grpcstatus.Error(1004, "own text"), sends: testrpc.Carrying(t, codes.RecordNotFound, "own text")},
	}
}

// An ended call is what a server must do for one failure, ending and cause.
type endedCall struct {
	Sent         *spb.Status
	Source       status.Source
	Otherwise    status.Source
	ContextCause error
	Withheld     bool
	Panicked     bool
	Levels       []string
}

// saysMore has the names of errors that have text which the caller doesn't get, although
// their own message isn't withheld.
var saysMore = map[string]bool{
	"context.DeadlineExceeded in a join":                true,
	"a dialer's timeout, which is a context's deadline": true,
	"a code joined with context.Canceled":               true,
	"a Status around a context's error":                 true,
	"a mapped error":                                    true,
	"a mapped error joined with context.Canceled":       true,
	"an error with a mapper":                            true,

	// Causes of contexts.
	"a code under %w":         true,
	"a Status with all parts": true,
}

// wants returns what the contract says. It is row 5, and otherwise the failure's own row.
func (f failure) wants(e ending, c contextCause) endedCall {
	want := endedCall{Sent: f.alive, Source: f.source, Withheld: f.source.Withheld(), Panicked: f.panics}
	if level := testrpc.LevelOf(grpccodes.Code(f.alive.GetCode())); level != "" && (want.Withheld || saysMore[f.name]) {
		want.Levels = []string{level}
	}
	if e.sends == nil || !f.saysNoMore {
		return want
	}
	want = endedCall{Sent: e.sends, Source: status.SourceContext}
	if !f.namesContext {
		want.Otherwise = f.source
	}
	want.Withheld = want.Otherwise.Withheld()
	if !e.hasNoCause && !c.ended {
		want.ContextCause = c.err
		want.Withheld = want.Withheld || c.withheld
		want.Panicked = c.panics
		if c.sends != nil {
			want.Sent = c.sends
		}
	}
	if want.Withheld || want.ContextCause != nil && saysMore[c.name] {
		want.Levels = []string{"INFO"}
	}
	if want.Panicked {
		want.Levels = []string{"ERROR"} // a bug
	}
	return want
}

// got returns what the server did.
func (s seen) ended(t *testing.T) endedCall {
	event := s.event(t)
	return endedCall{s.sent, event.Source, event.Otherwise, event.ContextCause, event.Withheld, event.Panic != nil, s.levels()}
}

func TestEndedContextsAndCauses(t *testing.T) {
	var end func(context.Context) context.Context
	w := watch(t, derived(func(ctx context.Context) context.Context { return end(ctx) }),
		interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.SrvData),
		interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			if errors.Is(err, fs.ErrNotExist) {
				return status.New(codes.SdkFileNotFound, "no such picture")
			}
			return nil
		}),
		interceptor.WithWithheldMessages(grpccodes.DataLoss),
	)
	sameErrors := cmp.Comparer(same)
	causes := causes(t)
	for i, f := range failures(t) {
		for j, e := range endings(t) {
			for n, c := range causes {
				if e.hasNoCause && c.err != nil && !strings.HasPrefix(e.name, "an ended context") {
					continue
				}
				end = func(ctx context.Context) context.Context { return e.end(ctx, c.err) }
				k := unaryAndStream[(i+j+n)%2] // each failure meets each cause in both
				name := fmt.Sprintf("%s, %s, cause %s, %s", f.name, e.name, c.name, k.Name)
				call := w.fail(t.Context(), k, f.err)
				want, got := f.wants(e, c), call.ended(t)
				if c.unsafe && want.ContextCause != nil {
					checkReplaced(t, name, c.err, got.ContextCause)
					want.ContextCause, got.ContextCause = nil, nil
				}
				if diff := cmp.Diff(want, got, protocmp.Transform(), sameErrors); diff != "" {
					t.Errorf("%s: what the server did (-want +got):\n%s", name, diff)
				}
				if !proto.Equal(call.sent, call.received) {
					t.Errorf("%s: the client received %v; want %v, as sent", name, call.received, call.sent)
				}
				if text := fmt.Sprint(call.received); strings.Contains(text, testrpc.Secret) {
					t.Errorf("%s: the caller reads %s; want the private text withheld", name, text)
				}
				checkCauseIsLogged(t, name, want, call.logs)
			}
		}
	}
}

// same reports whether two errors are identical, also if they can't be compared.
func same(a, b error) bool {
	first, ok := a.(uncomparableError)
	second, both := b.(uncomparableError)
	if ok || both {
		return ok == both && slices.Equal(first, second)
	}
	return a == b
}

// checkReplaced checks that an observer gets another error for a cause that it can't print or
// unwrap without danger.
func checkReplaced(t *testing.T, name string, cause, got error) {
	t.Helper()
	if got == nil || same(got, cause) || !strings.Contains(got.Error(), fmt.Sprintf("%T", cause)) {
		t.Errorf("%s: the event's ContextCause is a %T; want another error that names the type %T", name, got, cause)
	}
}

// checkCauseIsLogged checks that a record about an ended call has the cause.
func checkCauseIsLogged(t *testing.T, name string, want endedCall, records []testrpc.LogRecord) {
	t.Helper()
	if len(records) != 1 || want.ContextCause == nil {
		return
	}
	if got := records[0].ContextCause; got == "" {
		t.Errorf("%s: the record's cause is %q; want that of the context", name, got)
	}
}

// derived returns interceptors that give the handler another context.
func derived(derive func(context.Context) context.Context) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return handler(derive(ctx), req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return handler(srv, &derivedStream{stream, derive(stream.Context())})
		}),
	}
}

type derivedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *derivedStream) Context() context.Context { return s.ctx }

// The same without an interceptor: the client cancels the call while the handler runs.
func TestCancelledCallEndsAsCancelled(t *testing.T) {
	w := watch(t, nil, interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.SrvData), interceptor.WithErrorMapping(fs.ErrNotExist, codes.SdkFileNotFound))
	cancelled := ending{sends: testrpc.Canonical(t, grpccodes.Canceled, "context canceled"), hasNoCause: true}
	for _, f := range failures(t) {
		if strings.HasPrefix(f.name, "an error with a mapper") {
			f.alive = testrpc.Carrying(t, codes.SdkFileNotFound, "")
		}
		for _, k := range testrpc.Kinds {
			ctx, cancel := context.WithCancel(t.Context())
			w.Run(testrpc.AtOpen, func(ctx context.Context) error {
				cancel()
				<-ctx.Done()
				return f.err
			})
			call := w.call(ctx, k)
			if diff := cmp.Diff(f.wants(cancelled, contextCause{}), call.ended(t), protocmp.Transform(), cmp.Comparer(same)); diff != "" {
				t.Errorf("%s, %s: what the server did (-want +got):\n%s", f.name, k.Name, diff)
			}
		}
	}
}

// The same with a client's deadline. gRPC may reset the stream before the context's timer
// runs: then the context says that it was cancelled.
func TestPassedDeadlineEndsAsDeadlineExceeded(t *testing.T) {
	w := watch(t, nil)
	sent, outer := observed()
	w.sent = sent
	server := append(outer, interceptor.ServerOptions(w.observer())...)
	late := ending{sends: testrpc.Canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded"), hasNoCause: true}
	for _, f := range failures(t) {
		if f.source == status.SourceRule {
			continue // this server has no rules
		}
		for _, k := range unaryAndStream {
			w.Run(testrpc.AtOpen, func(ctx context.Context) error {
				<-ctx.Done()
				return f.err
			})
			conn := testrpc.DialWireWith(t, w, server)
			call := seen{sent: grpcstatus.Convert(w.late(t, conn, k)).Proto(), events: []interceptor.Event{<-w.events}, logs: w.logs()}
			if diff := cmp.Diff(f.wants(late, contextCause{}), call.ended(t), protocmp.Transform(), cmp.Comparer(same)); diff != "" {
				t.Errorf("%s, %s: what the server did (-want +got):\n%s", f.name, k.Name, diff)
			}
		}
	}
}

// late makes a call whose deadline passes while the handler runs, and returns what the server
// sends. On a busy machine the deadline can pass before: then gRPC calls no handler, and late
// makes another call.
func (w *watched) late(t *testing.T, conn *wiretest.Conn, k testrpc.Kind) error {
	t.Helper()
	for range 20 {
		_, _ = conn.Call(wiretest.Request{ // gRPC's own reset can arrive before the status
			Method: "/grpc.testing.TestService/" + k.Method, Header: wiretest.Block{{Name: "grpc-timeout", Value: "10m"}}, Messages: make([][]byte, 1),
		})
		select {
		case sent := <-w.sent:
			return sent
		case <-time.After(2 * time.Second):
		}
	}
	t.Fatalf("%s: the handler was not called in 20 calls", k.Name)
	return nil
}

// The record about a call that has ended has what the caller didn't read.
func TestEndedCallIsLoggedWithItsCause(t *testing.T) {
	var cause error
	w := watch(t, derived(func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(cause)
		return ctx
	}))
	tests := []struct {
		name          string
		handlers      error
		cause         error
		code          grpccodes.Code
		text, because string
	}{
		{"a withheld error", errors.New("pq: canceling statement"), nil, grpccodes.Canceled, "pq: canceling statement", ""},
		{"a withheld error and a Status as cause", errors.New("pq: canceling statement"), status.Wrap(errors.New("SIGTERM"), codes.SrvNetwork, "drain"),
			grpccodes.Unavailable, "pq: canceling statement", "SIGTERM"},
		{"a plain cause", context.Canceled, errors.New("watchdog: no progress"), grpccodes.Canceled, "", "watchdog: no progress"},
		{"an upstream's failure as cause", context.Canceled, testrpc.ReceivedFromPlain(t, grpcstatus.Error(grpccodes.NotFound, "no such shard")),
			grpccodes.Internal, "", "no such shard"},
	}
	for _, tt := range tests {
		cause = tt.cause
		for _, k := range testrpc.Kinds {
			records := w.fail(t.Context(), k, tt.handlers).logs
			if len(records) != 1 {
				t.Errorf("%s, %s: the log has %v; want one record", tt.name, k.Name, records)
				continue
			}
			got := records[0]
			if got.Level != "INFO" || got.Method != k.Method || got.Code != tt.code.String() || got.Cause != tt.text {
				t.Errorf("%s, %s: the log record is %+v; want INFO, %s, %v and %q", tt.name, k.Name, got, k.Method, tt.code, tt.text)
			}
			if logged := got.ContextCause; (logged != "") != (tt.because != "") || !strings.Contains(logged, tt.because) {
				t.Errorf("%s, %s: the logged cause is %v; want %q", tt.name, k.Name, got.ContextCause, tt.because)
			}
		}
	}
}

// A rule for the cause of a context gets the RPC's context and the cause.
func TestMapperGetsTheCause(t *testing.T) {
	cause := errors.New("shard 7 is moving")
	var asked []error
	ended := true
	w := watch(t, derived(func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(cause)
		return ctx
	}), interceptor.WithErrorMapper(func(ctx context.Context, err error) *status.Status {
		asked = append(asked, err)
		ended = ended && context.Cause(ctx) == cause
		if err == cause {
			return status.New(codes.SrvNetwork, "moving")
		}
		return nil
	}))
	for _, k := range unaryAndStream {
		asked = nil
		call := w.fail(t.Context(), k, context.Canceled)
		if diff := cmp.Diff(testrpc.Carrying(t, codes.SrvNetwork, "moving"), call.sent, protocmp.Transform()); diff != "" {
			t.Errorf("%s: the status (-want +got):\n%s", k.Name, diff)
		}
		if !slices.Equal(asked, []error{context.Canceled, cause}) || !ended {
			t.Errorf("%s: the mapper was asked about %v, with the RPC's context: %t; want the handler's error, then the cause", k.Name, asked, ended)
		}
	}
}

// The delay of a cause makes a pushback, because this process has decided it.
func TestCausesDelayIsAPushback(t *testing.T) {
	drain := status.New(codes.SrvNetwork, "drain").WithRetryDelay(2 * time.Second).Err()
	w := watch(t, derived(func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(drain)
		return ctx
	}), interceptor.WithRetryPushback())
	for _, k := range testrpc.Kinds {
		call := w.fail(t.Context(), k, errors.New("aborted"))
		if diff := cmp.Diff([]string{"2000"}, call.trailer.Get("grpc-retry-pushback-ms")); diff != "" {
			t.Errorf("%s: the pushback (-want +got):\n%s", k.Name, diff)
		}
	}
}

// gRPC's own contexts have no cause.
func TestContextsOfGRPCHaveNoCause(t *testing.T) {
	w := watch(t, nil)
	for _, k := range testrpc.Kinds {
		ctx, cancel := context.WithCancelCause(t.Context())
		w.Run(testrpc.AtOpen, func(ctx context.Context) error {
			cancel(status.Error(codes.SrvNetwork, "the client's own cause"))
			<-ctx.Done()
			return ctx.Err()
		})
		if event := w.call(metadata.NewOutgoingContext(ctx, nil), k).event(t); event.ContextCause != nil || event.GRPCCode != grpccodes.Canceled {
			t.Errorf("%s: the event is %v, cause %v; want CANCELLED without a cause", k.Name, event.GRPCCode, event.ContextCause)
		}
	}
}
