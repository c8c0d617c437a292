package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// Two hops: A calls B, B's handler calls C, and C fails. The trust of B's connection
// to C decides which of C's statuses B forwards, unless B's handler returns a code itself.

const (
	quoted  = "quoted from C" // in C's message, details and metadata
	stack   = "stack of C"    // in C's DebugInfo
	private = "private to B"  // in the text that B puts around C's error
)

// A failing is one way in which C fails.
type failing struct {
	name      string
	errstatus bool // C has errstatus
	handlers  error
	code      codes.ErrorCode // the carried code, NoError if there is none
	wire      grpccodes.Code  // the grpc-status that C writes
	forwarded *spb.Status     // what A reads if B forwards C's status
}

// failings returns the given codes in every form that carries a code, and every
// canonical code in the forms that carry none.
func failings(t *testing.T, carried ...codes.ErrorCode) (all []failing) {
	t.Helper()
	for _, c := range carried {
		all = append(all, failsWithErrstatus(t, c), failsWithAnotherTable(t, c), failsWithANumber(t, c))
	}
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example", Metadata: map[string]string{"dsn": quoted}}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		all = append(all,
			failsPlain(t, "bare", c, quotes()),
			failsPlain(t, "bare without details", c),
			failsPlain(t, "foreign", c, foreign, quotes()))
	}
	return all
}

// someCodes has a code for each canonical code that trust treats differently, and a
// number without a row.
var someCodes = []codes.ErrorCode{codes.RecordNotFound, codes.SdkNetwork, codes.SdkNetworkTimeout, 1305}

// quotes returns a detail that contains C's text.
func quotes() *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "name", Description: quoted}}}
}

// failsWithErrstatus returns a C with errstatus that exposes its DebugInfo. B must not
// forward it.
func failsWithErrstatus(t *testing.T, c codes.ErrorCode) failing {
	row, _ := codes.Default().Lookup(c.Number())
	return failing{
		name:      fmt.Sprint("errstatus, ", c),
		errstatus: true,
		handlers: status.New(c, quoted).WithMetadata("dsn", quoted).
			WithDetails(quotes(), &errdetails.DebugInfo{Detail: stack}).Err(),
		code:      c,
		wire:      row.GRPCCode,
		forwarded: withMetadataPair(t, testrpc.Carrying(t, c, quoted, quotes()), "dsn", quoted),
	}
}

// failsWithAnotherTable returns a C whose table has another canonical code for c
// than B's table. B forwards C's.
func failsWithAnotherTable(t *testing.T, c codes.ErrorCode) failing {
	row, _ := codes.Default().Lookup(c.Number())
	forwarded := testrpc.Carrying(t, c, quoted, quotes())
	forwarded.Code = int32(row.GRPCCode)%int32(grpccodes.Unauthenticated) + 1 // the next one
	return failing{
		name:      fmt.Sprint("errstatus with another table, ", c),
		handlers:  withStack(t, forwarded),
		code:      c,
		wire:      grpccodes.Code(forwarded.Code),
		forwarded: forwarded,
	}
}

// failsWithANumber returns a C that sends a raw number, like OpenIM's servers. B
// forwards it as a canonical status. A number without a row carries no code.
func failsWithANumber(t *testing.T, c codes.ErrorCode) failing {
	f := failing{
		name:      fmt.Sprint("raw number, ", c),
		handlers:  withStack(t, testrpc.Canonical(t, grpccodes.Code(c), quoted, quotes())),
		wire:      grpccodes.Code(c),
		forwarded: testrpc.Canonical(t, grpccodes.Unknown, quoted, quotes()),
	}
	if codes.Default().Has(c.Number()) {
		f.code, f.forwarded = c, testrpc.Carrying(t, c, quoted, quotes())
	}
	return f
}

func failsPlain(t *testing.T, name string, c grpccodes.Code, details ...proto.Message) failing {
	forwarded := testrpc.Canonical(t, c, quoted, details...)
	return failing{
		name:      fmt.Sprint(name, ", ", c),
		handlers:  withStack(t, forwarded),
		wire:      c,
		forwarded: forwarded,
	}
}

// withStack returns st as a gRPC error with a DebugInfo, which B never forwards.
func withStack(t *testing.T, st *spb.Status) error {
	sent := proto.CloneOf(st)
	sent.Details = append(sent.Details, testrpc.Packed(t, &errdetails.DebugInfo{Detail: stack}))
	return grpcstatus.FromProto(sent).Err()
}

// withMetadataPair adds a pair to the ErrorInfo of st, its first detail.
func withMetadataPair(t *testing.T, st *spb.Status, key, value string) *spb.Status {
	t.Helper()
	info := &errdetails.ErrorInfo{}
	if err := st.Details[0].UnmarshalTo(info); err != nil {
		t.Fatal(err)
	}
	info.Metadata[key] = value
	packed := &anypb.Any{} // with the bytes that a server writes, for checkReads
	if err := anypb.MarshalFrom(packed, info, proto.MarshalOptions{Deterministic: true}); err != nil {
		t.Fatal(err)
	}
	st.Details[0] = packed
	return st
}

// isForwarded reports whether B forwards C's status with the given trust.
func (f failing) isForwarded(trust status.Trust) bool {
	return trust == status.TrustAll || trust == status.TrustKnown && f.code != codes.NoError
}

// reaches returns the status that A reads if B's handler returns C's error unchanged, and
// the code that A's client reads from it, nil for none.
func (f failing) reaches(t *testing.T, trust status.Trust) (*spb.Status, codes.Code) {
	t.Helper()
	switch {
	case f.isForwarded(trust) && f.code != codes.NoError:
		return f.forwarded, f.code
	case f.isForwarded(trust):
		return f.forwarded, nil
	case f.wire == grpccodes.Unavailable, f.wire == grpccodes.DeadlineExceeded:
		return testrpc.Canonical(t, f.wire, upstreamMessage(f.wire)), nil
	}
	return testrpc.Carrying(t, codes.ServerInternal, ""), codes.ServerInternal
}

var trusts = []status.Trust{status.TrustKnown, status.TrustNone, status.TrustAll}

// A hop is a handler of B that calls C.
type hop struct {
	name string
	of   func(error) error // returns B's error for the error that C's client returned
	code codes.ErrorCode   // the code that B returns itself, NoError if it returns none
	says string            // B's message, "" for the row's
}

// hops begins with the two that are tested with every code.
var hops = []hop{
	{name: "unchanged", of: func(err error) error { return err }},
	{
		name: "wrapped in a code",
		of:   func(err error) error { return status.Wrap(err, codes.SrvDatabase, "B's own") },
		code: codes.SrvDatabase, says: "B's own",
	},
	{name: "under %w", of: func(err error) error { return fmt.Errorf(private+": %w", err) }},
	{name: "joined with a plain error", of: func(err error) error { return errors.Join(errors.New(private), err) }},
	{
		name: "wrapped in a code, under %w",
		of: func(err error) error {
			return fmt.Errorf(private+": %w", status.Wrap(fmt.Errorf(private+": %w", err), codes.SrvDatabase, ""))
		},
		code: codes.SrvDatabase,
	},
	{
		name: "under two %w, before a code",
		of:   func(err error) error { return fmt.Errorf(private+": %w: %w", err, codes.TokenExpired) },
		code: codes.TokenExpired,
	},
	{
		name: "joined with a code",
		of:   func(err error) error { return errors.Join(codes.RecordNotFound, err) },
		code: codes.RecordNotFound,
	},
	{
		name: "joined, before a code",
		of:   func(err error) error { return errors.Join(err, codes.RecordNotFound) },
		code: codes.RecordNotFound,
	},
}

// reaches returns the status and the code that A reads, nil for none. If B's handler returns
// a code itself, that is always sent.
func (h hop) reaches(t *testing.T, f failing, trust status.Trust) (*spb.Status, codes.Code) {
	t.Helper()
	if h.code != codes.NoError {
		return testrpc.Carrying(t, h.code, h.says), h.code
	}
	return f.reaches(t, trust)
}

// quotes reports whether A may read C's text.
func (h hop) quotes(f failing, trust status.Trust) bool {
	return h.code == codes.NoError && f.isForwarded(trust)
}

// A chain connects A to B and B to C. B's connections have the same trust.
type chain struct {
	c, plainC, b  *testrpc.Service           // C with errstatus, C without, and B
	toC, toPlainC testgrpc.TestServiceClient // B's connections to each C
	client, plain testgrpc.TestServiceClient // A's connections to B
}

func newChain(t *testing.T, trust status.Trust, a ...grpc.DialOption) *chain {
	t.Helper()
	return newChainWith(t, []interceptor.ClientOption{interceptor.WithUpstreamTrust(trust)}, a...)
}

// newChainWith returns a chain in which B's connections have the given options.
func newChainWith(t *testing.T, opts []interceptor.ClientOption, a ...grpc.DialOption) *chain {
	t.Helper()
	ch := &chain{c: testrpc.Returning(nil), plainC: testrpc.Returning(nil), b: testrpc.Returning(nil)}
	upstream := interceptor.DialOptions(opts...)
	ch.toC = testrpc.Connect(t, ch.c, interceptor.ServerOptions(interceptor.WithDebugInfo()), upstream)
	ch.toPlainC = testrpc.Connect(t, ch.plainC, nil, upstream)
	ch.client = testrpc.Connect(t, ch.b, interceptor.ServerOptions(), append(a, interceptor.DialOptions()...))
	ch.plain = testrpc.Connect(t, ch.b, interceptor.ServerOptions(), a)
	return ch
}

// fails makes C fail with f. It makes B call C with a call of kind k, and return the error
// that h returns for C's error.
func (ch *chain) fails(f failing, h hop, k testrpc.Kind) {
	c, client := ch.plainC, ch.toPlainC
	if f.errstatus {
		c, client = ch.c, ch.toC
	}
	c.Return(testrpc.AtOpen, f.handlers)
	ch.b.Run(testrpc.AtOpen, forwards(client, h.of, k))
}

// executions returns the number of calls that reached C.
func (ch *chain) executions() int32 { return ch.c.Calls() + ch.plainC.Calls() }

// forwards returns a handler that calls c. If the call fails with err, the handler returns
// of(err).
func forwards(c testgrpc.TestServiceClient, of func(error) error, k testrpc.Kind) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := k.Call(ctx, c)
		if err == k.Success {
			return nil
		}
		return of(err)
	}
}

func TestTrustDecidesWhatIsForwarded(t *testing.T) {
	all, some := failings(t, testrpc.EveryCode(t)...), failings(t, someCodes...)
	for _, trust := range trusts {
		ch := newChain(t, trust)
		for i, h := range hops {
			cases := all
			if i > 1 { // they wrap in the same way as the first two, so fewer codes are enough
				cases = some
			}
			t.Run(fmt.Sprint(trust, "/", h.name), func(t *testing.T) {
				for _, f := range cases {
					ch.fails(f, h, testrpc.Unary)
					ch.check(t, f, h, trust, testrpc.Unary)
				}
			})
		}
	}
}

func TestTrustDecidesWhatIsForwardedFromStreams(t *testing.T) {
	some := failings(t, someCodes...)
	for _, trust := range trusts {
		ch := newChain(t, trust)
		for _, k := range testrpc.Kinds[1:] {
			t.Run(fmt.Sprint(trust, "/", k.Name), func(t *testing.T) {
				for _, f := range some {
					ch.fails(f, hops[0], k)
					ch.check(t, f, hops[0], trust, k)
				}
			})
		}
	}
}

// If B assumes codes, C's bare statuses carry the default code for their canonical code. Then
// TrustKnown forwards them with that code. The text of UNAVAILABLE and DEADLINE_EXCEEDED
// may be gRPC's own, so that only TrustAll forwards it.
func TestAssumedCodesAreForwarded(t *testing.T) {
	var bare, others []failing
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		bare = append(bare, failsPlain(t, "bare", c, quotes()), failsPlain(t, "bare without details", c))
		others = append(others, failsPlain(t, "foreign", c, &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example"}, quotes()))
	}
	others = append(others, failsWithANumber(t, codes.RecordNotFound), failsWithANumber(t, 1305), failsWithErrstatus(t, codes.RecordNotFound))
	for _, trust := range trusts {
		ch := newChainWith(t, []interceptor.ClientOption{interceptor.WithUpstreamTrust(trust), interceptor.WithAssumedCodes()})
		for _, h := range hops {
			for _, k := range testrpc.Kinds {
				t.Run(fmt.Sprint(trust, "/", h.name, "/", k.Name), func(t *testing.T) {
					for _, f := range bare {
						f = f.assumed(t, trust)
						ch.fails(f, h, k)
						ch.check(t, f, h, trust, k)
					}
					for _, f := range others {
						ch.fails(f, h, k)
						ch.check(t, f, h, trust, k)
					}
				})
			}
		}
	}
}

// assumed returns a C that fails with a bare status, from which B assumes a code.
func (f failing) assumed(t *testing.T, trust status.Trust) failing {
	t.Helper()
	f.code = codes.Default().DefaultFor(f.wire).(codes.ErrorCode)
	message := quoted
	if trust != status.TrustAll && testrpc.MadeByGRPC(f.wire) {
		message = codes.RowOf(f.code).Message
	}
	forwarded := testrpc.Canonical(t, f.wire, message, testrpc.ErrorInfo(f.code))
	forwarded.Details = append(forwarded.Details, f.forwarded.Details...)
	f.forwarded = forwarded
	return f
}

// check calls B with a plain client, and with an errstatus client if B returns C's
// error unchanged. It checks what A reads, and that private text is withheld.
func (ch *chain) check(t *testing.T, f failing, h hop, trust status.Trust, k testrpc.Kind) {
	t.Helper()
	want, code := h.reaches(t, f, trust)
	var header, trailer metadata.MD
	_, err := k.Call(t.Context(), ch.plain, grpc.Header(&header), grpc.Trailer(&trailer))
	checkReads(t, f.name, err, want)
	arrived := everything(err, header, trailer)
	withheld := []string{stack, private}
	if !h.quotes(f, trust) {
		withheld = append(withheld, quoted)
	}
	for _, text := range withheld {
		if strings.Contains(arrived, text) {
			t.Errorf("%s: A reads %q in %q; want it withheld", f.name, text, arrived)
		}
	}
	if h.name != hops[0].name {
		return
	}
	_, err = k.Call(t.Context(), ch.client)
	if code == nil {
		checkNoCode(t, f.name, err, codes.SdkUnknownCode, codes.Default().DefaultFor(grpccodes.Code(want.Code)), codes.ErrorCode(f.wire))
	} else if got, declared := status.Declared(err); got != code || !declared || !errors.Is(err, code) {
		t.Errorf("%s: A's code is %v, declared %t; want %v, true, and errors.Is finds it", f.name, got, declared, code)
	}
	checkReads(t, f.name+", with errstatus", err, want)
}

// checkReads does the same as testrpc.CheckStatus. It is fast enough for thousands of
// calls, because it computes a diff only if the statuses differ.
func checkReads(t *testing.T, name string, err error, want *spb.Status) {
	t.Helper()
	got := grpcstatus.Convert(err).Proto()
	if proto.Equal(got, want) {
		return
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("%s: what A reads (-want +got):\n%s", name, diff)
	}
}

// everything returns all text that arrives with an error. The metadata has the bytes
// of the details, including those that gRPC doesn't decode.
func everything(err error, all ...metadata.MD) string {
	text := []string{fmt.Sprint(err)}
	for _, md := range all {
		for key, values := range md {
			text = append(append(text, key), values...)
		}
	}
	return strings.Join(text, "\n")
}

// Retries by A. Only UNAVAILABLE means that a call is safe to run again, so no other
// status may become UNAVAILABLE between C and A.

// retrying returns the ways in which A makes up to three attempts.
func retrying() map[string][]grpc.DialOption {
	opts := []retry.CallOption{
		retry.WithMax(3),
		retry.WithRetriable(status.Retryable),
		retry.WithBackoff(func(context.Context, uint) time.Duration { return 0 }),
	}
	return map[string][]grpc.DialOption{
		"native": {grpc.WithDefaultServiceConfig(unavailable)},
		"middleware": {
			grpc.WithChainUnaryInterceptor(retry.UnaryClientInterceptor(opts...)),
			grpc.WithChainStreamInterceptor(retry.StreamClientInterceptor(opts...)),
		},
	}
}

// attempts returns how often A makes a call that fails with c every time.
func attempts(c grpccodes.Code) int32 {
	if c == grpccodes.Unavailable {
		return 3
	}
	return 1
}

func TestOnlyUnavailableIsRetriedAcrossTwoHops(t *testing.T) {
	cases := map[string][]failing{ // the middleware retries only these kinds
		testrpc.Unary.Name:        failings(t, testrpc.EveryCode(t)...),
		testrpc.ServerStream.Name: failings(t, someCodes...),
	}
	for name, a := range retrying() {
		for _, trust := range trusts {
			ch := newChain(t, trust, a...)
			for _, k := range []testrpc.Kind{testrpc.Unary, testrpc.ServerStream} {
				t.Run(fmt.Sprint(name, "/", trust, "/", k.Name), func(t *testing.T) {
					for _, f := range cases[k.Name] {
						ch.checkAttempts(t, f, hops[0], trust, k)
					}
				})
			}
		}
	}
}

func TestHandlersCodeDecidesWhetherTheUpstreamIsRetried(t *testing.T) {
	network := hop{
		name: "wrapped in an UNAVAILABLE code",
		of:   func(err error) error { return status.Wrap(err, codes.SrvNetwork, "B's own") },
		code: codes.SrvNetwork, says: "B's own",
	}
	for name, a := range retrying() {
		for _, trust := range trusts {
			ch := newChain(t, trust, a...)
			for _, h := range append(hops, network) {
				t.Run(fmt.Sprint(name, "/", trust, "/", h.name), func(t *testing.T) {
					ch.checkAttempts(t, failsPlain(t, "bare", grpccodes.Unavailable), h, trust, testrpc.Unary)
					ch.checkAttempts(t, failsPlain(t, "bare", grpccodes.DeadlineExceeded), h, trust, testrpc.Unary)
					ch.checkAttempts(t, failsWithErrstatus(t, codes.SrvNetwork), h, trust, testrpc.Unary)
				})
			}
		}
	}
}

// checkAttempts makes a call from A and counts the calls that reach C.
func (ch *chain) checkAttempts(t *testing.T, f failing, h hop, trust status.Trust, k testrpc.Kind) {
	t.Helper()
	ch.fails(f, h, k)
	want, code := h.reaches(t, f, trust)
	before := ch.executions()
	_, err := k.Call(t.Context(), ch.client)
	if got, want := ch.executions()-before, attempts(grpccodes.Code(want.Code)); got != want {
		t.Errorf("%s: C ran %d times; want %d", f.name, got, want)
	}
	got, declared := status.Declared(err)
	switch {
	case code == nil && (declared || got != codes.SdkUnknownCode):
		t.Errorf("%s: after the last attempt A's code is %v, declared %t; want none", f.name, got, declared)
	case code != nil && (got != code || !declared):
		t.Errorf("%s: after the last attempt A's code is %v, declared %t; want %v, true", f.name, got, declared, code)
	case grpcstatus.Code(err) != grpccodes.Code(want.Code):
		t.Errorf("%s: after the last attempt A gets %v; want canonical code %v", f.name, err, grpccodes.Code(want.Code))
	}
}

// B's deadline for C passes while C writes, and C finishes the write. A retry would make C
// write a second time, so neither A nor B may retry.
func TestWriteThatTimedOutIsNotRunAgain(t *testing.T) {
	returns := map[string]func(call, own error) error{
		"the call's error":           func(call, _ error) error { return call },
		"the call's error, under %w": func(call, _ error) error { return fmt.Errorf(private+": %w", call) },
		"its own context's error":    func(_, own error) error { return own },
	}
	for name, a := range retrying() {
		for _, trust := range trusts {
			for what, of := range returns {
				for _, k := range []testrpc.Kind{testrpc.Unary, testrpc.ServerStream} {
					t.Run(fmt.Sprint(name, "/", trust, "/", what, "/", k.Name), func(t *testing.T) {
						checkTimedOut(t, k, trust, of, a)
					})
				}
			}
		}
	}
}

func checkTimedOut(t *testing.T, k testrpc.Kind, trust status.Trust, of func(call, own error) error, a []grpc.DialOption) {
	t.Helper()
	working := make(chan struct{}, 3)
	c := testrpc.Running(func(ctx context.Context) error {
		working <- struct{}{}
		<-ctx.Done()
		return nil
	})
	toC := testrpc.Connect(t, c, interceptor.ServerOptions(), interceptor.DialOptions(interceptor.WithUpstreamTrust(trust)))
	b := testrpc.Running(func(ctx context.Context) error {
		own := expiresAfter(ctx, working)
		_, err := k.Call(own, toC)
		return of(err, own.Err())
	})
	_, err := k.Call(t.Context(), testrpc.Connect(t, b, interceptor.ServerOptions(), append(a, interceptor.DialOptions()...)))
	if got := grpcstatus.Code(err); got != grpccodes.DeadlineExceeded {
		t.Errorf("A gets %v; want DeadlineExceeded", err)
	}
	if got := c.Calls(); got != 1 {
		t.Errorf("C ran %d times; want once", got)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("errors.Is(%v, context.DeadlineExceeded) = true at A; want false, because A's context has not ended", err)
	}
}

// expiresAfter returns a context whose deadline passes when the signal arrives.
func expiresAfter(ctx context.Context, signal <-chan struct{}) context.Context {
	own := &manualContext{ctx, make(chan struct{})}
	go func() {
		select {
		case <-signal:
			close(own.done)
		case <-ctx.Done():
		}
	}()
	return own
}

// A lost connection is UNAVAILABLE, because gRPC can't tell whether C has begun. So A
// retries, and C may run again. A handler whose upstream must not run twice
// wraps the error in a code. A reset stream is INTERNAL, and A doesn't retry it.
func TestOnlyALostConnectionIsRetried(t *testing.T) {
	tests := []struct {
		name          string
		start         func(*testing.T) *interruptedC
		code          grpccodes.Code
		timesB, times int32
	}{
		{"the connection is lost", losesConnections, grpccodes.Unavailable, 3, 3},
		{"C's server stops", stops, grpccodes.Unavailable, 3, 1},
		{"the stream is reset", resets, grpccodes.Internal, 1, 1},
	}
	for _, tt := range tests {
		for name, a := range retrying() {
			for _, trust := range trusts {
				t.Run(fmt.Sprint(tt.name, "/", name, "/", trust), func(t *testing.T) {
					c := tt.start(t)
					toC := testgrpc.NewTestServiceClient(testrpc.Dial(t, c.target, interceptor.DialOptions(interceptor.WithUpstreamTrust(trust))))
					b := testrpc.Returning(nil)
					b.Run(testrpc.AtOpen, forwards(toC, hops[0].of, testrpc.Unary))
					_, err := testrpc.CallUnary(t.Context(), testrpc.Connect(t, b, interceptor.ServerOptions(), append(a, interceptor.DialOptions()...)))
					if got := grpcstatus.Code(err); got != tt.code {
						t.Errorf("A gets %v; want %v", err, tt.code)
					}
					if b, c := b.Calls(), c.calls(); b != tt.timesB || c != tt.times {
						t.Errorf("B ran %d times and C %d; want %d and %d", b, c, tt.timesB, tt.times)
					}
				})
			}
		}
	}
}

// An interruptedC is a C that is interrupted before it answers.
type interruptedC struct {
	target string
	calls  func() int32
}

func losesConnections(t *testing.T) *interruptedC {
	lis := &fragileListener{Listener: testrpc.Listen(t)}
	svc := testrpc.Running(func(ctx context.Context) error {
		lis.closeConnections()
		<-ctx.Done()
		return nil
	})
	testrpc.Start(t, lis, testrpc.Register(svc), interceptor.ServerOptions())
	return &interruptedC{lis.Addr().String(), svc.Calls}
}

func stops(t *testing.T) *interruptedC {
	var server *grpc.Server
	svc := testrpc.Running(func(ctx context.Context) error {
		server.Stop()
		<-ctx.Done()
		return nil
	})
	lis := testrpc.Listen(t)
	testrpc.Start(t, lis, func(s *grpc.Server) {
		server = s
		testgrpc.RegisterTestServiceServer(s, svc)
	}, interceptor.ServerOptions())
	return &interruptedC{lis.Addr().String(), svc.Calls}
}

// resets returns a C that resets the stream and keeps the connection. It is an HTTP
// server, because gRPC's own can't do that.
func resets(t *testing.T) *interruptedC {
	var calls atomic.Int32
	server := &http.Server{
		Protocols: new(http.Protocols),
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			calls.Add(1)
			panic(http.ErrAbortHandler)
		}),
	}
	server.Protocols.SetUnencryptedHTTP2(true)
	lis := testrpc.Listen(t)
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return &interruptedC{lis.Addr().String(), calls.Load}
}

// A fragileListener can close all of its connections.
type fragileListener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *fragileListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

func (l *fragileListener) closeConnections() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}
