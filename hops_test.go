package errstatus_test

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	"github.com/errstatus/errstatus/status"
)

// Two hops: A calls B, and B's handler calls C, which fails. How far C is quoted
// to A is a matter of the policy of B's connection, and of what B says itself.

// The text of C is quoted in its message, details and metadata. What B puts
// around an error is private, as everywhere.
const (
	quoted  = "quoted from C"
	stack   = "stack of C"
	private = "private to B"
)

// A failing C fails in one way.
type failing struct {
	name     string
	ours     bool // C has our interceptors
	handlers error
	code     codes.ErrorCode // that is stated, NoError if none is
	wire     grpccodes.Code  // grpc-status, as C writes it
	passed   *spb.Status     // what A reads where the whole passes
}

// failings are codes in all forms that state one, and all canonical codes in the
// forms that state none.
func failings(t *testing.T, stating ...codes.ErrorCode) (all []failing) {
	t.Helper()
	for _, c := range stating {
		all = append(all, failsWithOurs(t, c), failsWithAnotherTable(t, c), failsWithANumber(t, c))
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

// someCodes are one of each canonical code that a policy treats in its own way.
var someCodes = []codes.ErrorCode{codes.RecordNotFound, codes.SdkNetwork, codes.SdkNetworkTimeout, 1305}

// everyCode are those of the table, and two that are in none.
func everyCode(t *testing.T) []codes.ErrorCode {
	t.Helper()
	return append(errorCodes(t), 1305, math.MaxInt32)
}

// quotes is a detail, in which C's text is too.
func quotes() *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "name", Description: quoted}}}
}

// failsWithOurs is a C that lets its stack out: B is not to pass it on.
func failsWithOurs(t *testing.T, c codes.ErrorCode) failing {
	row, _ := codes.Default().Lookup(c.Number())
	return failing{
		name: fmt.Sprint("ours, ", c),
		ours: true,
		handlers: status.New(c, quoted).WithMetadata("dsn", quoted).
			WithDetails(quotes(), &errdetails.DebugInfo{Detail: stack}).Err(),
		code:   c,
		wire:   row.GRPCCode,
		passed: withMetadataPair(t, stated(t, c, quoted, quotes()), "dsn", quoted),
	}
}

// failsWithAnotherTable states a code, for which C's table has a canonical code
// that B's doesn't have: C's is the one to pass.
func failsWithAnotherTable(t *testing.T, c codes.ErrorCode) failing {
	row, _ := codes.Default().Lookup(c.Number())
	passed := stated(t, c, quoted, quotes())
	passed.Code = int32(row.GRPCCode)%int32(grpccodes.Unauthenticated) + 1 // the next one
	return failing{
		name:     fmt.Sprint("ours with another table, ", c),
		handlers: withStack(t, passed),
		code:     c,
		wire:     grpccodes.Code(passed.Code),
		passed:   passed,
	}
}

// failsWithANumber has the number in the place of a canonical code, as OpenIM's
// servers do. It passes in the form that everybody reads.
func failsWithANumber(t *testing.T, c codes.ErrorCode) failing {
	return failing{
		name:     fmt.Sprint("legacy, ", c),
		handlers: withStack(t, canonical(t, grpccodes.Code(c), quoted, quotes())),
		code:     c,
		wire:     grpccodes.Code(c),
		passed:   stated(t, c, quoted, quotes()),
	}
}

func failsPlain(t *testing.T, name string, c grpccodes.Code, details ...proto.Message) failing {
	passed := canonical(t, c, quoted, details...)
	return failing{
		name:     fmt.Sprint(name, ", ", c),
		handlers: withStack(t, passed),
		wire:     c,
		passed:   passed,
	}
}

// withStack is an error of a plain server, with the stack that no policy passes.
func withStack(t *testing.T, st *spb.Status) error {
	sent := proto.CloneOf(st)
	sent.Details = append(sent.Details, packed(t, &errdetails.DebugInfo{Detail: stack}))
	return grpcstatus.FromProto(sent).Err()
}

// withMetadataPair adds to the ErrorInfo that comes first.
func withMetadataPair(t *testing.T, st *spb.Status, key, value string) *spb.Status {
	t.Helper()
	info := &errdetails.ErrorInfo{}
	if err := st.Details[0].UnmarshalTo(info); err != nil {
		t.Fatal(err)
	}
	info.Metadata[key] = value
	packed := &anypb.Any{} // the same bytes each time, for checkReads
	if err := anypb.MarshalFrom(packed, info, proto.MarshalOptions{Deterministic: true}); err != nil {
		t.Fatal(err)
	}
	st.Details[0] = packed
	return st
}

// passes tells whether a policy lets C's failure through. It is the rule of the
// design, written once more.
func (f failing) passes(policy status.Trust) bool {
	return policy == interceptor.Proxy || policy == interceptor.Peer && f.code != codes.NoError
}

// reaches is what A reads where B returns the error as it came, and the code that
// A's client has for it.
func (f failing) reaches(t *testing.T, policy status.Trust) (*spb.Status, codes.Code) {
	t.Helper()
	switch {
	case f.passes(policy) && f.code != codes.NoError:
		return f.passed, f.code
	case f.passes(policy):
		return f.passed, codes.Default().FromGRPC(f.wire)
	case f.wire == grpccodes.Unavailable:
		return canonical(t, f.wire, "an upstream service is unavailable"), codes.SdkNetwork
	case f.wire == grpccodes.DeadlineExceeded:
		return canonical(t, f.wire, "an upstream service did not answer in time"), codes.SdkCtxDeadlineExceeded
	}
	return stated(t, codes.ServerInternal, ""), codes.ServerInternal
}

var policies = []status.Trust{interceptor.Peer, interceptor.Foreign, interceptor.Proxy}

// A hop is B: what its handler makes of C's error.
type hop struct {
	name string
	of   func(error) error
	code codes.ErrorCode // B's own, NoError if C's error is all there is
	says string          // "" for the table's message
}

// hops are the two plain ones first.
var hops = []hop{
	{name: "as it came", of: func(err error) error { return err }},
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

// reaches is what A reads of B's error: a code of B's own wins in any case.
func (h hop) reaches(t *testing.T, f failing, policy status.Trust) (*spb.Status, codes.Code) {
	t.Helper()
	if h.code != codes.NoError {
		return stated(t, h.code, h.says), h.code
	}
	return f.reaches(t, policy)
}

// quotes tells whether C's text may be in what A reads.
func (h hop) quotes(f failing, policy status.Trust) bool {
	return h.code == codes.NoError && f.passes(policy)
}

// A chain is a B under a policy, between a C and A's two clients.
type chain struct {
	oursC, plainC, b *service
	toOurs, toPlain  testgrpc.TestServiceClient // B's connections to C
	ours, plain      testgrpc.TestServiceClient // A's to B
}

func newChain(t *testing.T, policy status.Trust, a ...grpc.DialOption) *chain {
	t.Helper()
	ch := &chain{oursC: returning(nil), plainC: returning(nil), b: returning(nil)}
	upstream := interceptor.DialOptions(interceptor.WithUpstreamTrust(policy))
	ch.toOurs = connect(t, ch.oursC, interceptor.ServerOptions(interceptor.WithDebugInfo()), upstream)
	ch.toPlain = connect(t, ch.plainC, nil, upstream)
	ch.ours = connect(t, ch.b, interceptor.ServerOptions(), append(a, interceptor.DialOptions()...))
	ch.plain = connect(t, ch.b, interceptor.ServerOptions(), a)
	return ch
}

// fails makes C fail and B make of it what h says, in calls of B's of a kind.
func (ch *chain) fails(f failing, h hop, k kind) {
	c, client := ch.plainC, ch.toPlain
	if f.ours {
		c, client = ch.oursC, ch.toOurs
	}
	c.end(atOpen, f.handlers)
	ch.b.script.Store(forwards(client, h.of, k))
}

// executions is how often C was called.
func (ch *chain) executions() int32 { return ch.oursC.calls.Load() + ch.plainC.calls.Load() }

// forwards is what B's handlers do: they make a call to C.
func forwards(c testgrpc.TestServiceClient, of func(error) error, k kind) *script {
	return &script{end: func(ctx context.Context) error {
		_, err := k.call(ctx, c)
		if err == k.success {
			return nil
		}
		return of(err)
	}}
}

func TestTwoHopsQuoteAsFarAsThePolicySays(t *testing.T) {
	all, some := failings(t, everyCode(t)...), failings(t, someCodes...)
	for _, policy := range policies {
		ch := newChain(t, policy)
		for i, h := range hops {
			cases := all
			if i > 1 { // the same two, in other words
				cases = some
			}
			t.Run(fmt.Sprint(policy, "/", h.name), func(t *testing.T) {
				for _, f := range cases {
					ch.fails(f, h, kinds[0])
					ch.check(t, f, h, policy, kinds[0])
				}
			})
		}
	}
}

func TestTwoHopsOfStreamsAreAsThoseOfCalls(t *testing.T) {
	some := failings(t, someCodes...)
	for _, policy := range policies {
		ch := newChain(t, policy)
		for _, k := range kinds[1:] {
			t.Run(fmt.Sprint(policy, "/", k.name), func(t *testing.T) {
				for _, f := range some {
					ch.fails(f, hops[0], k)
					ch.check(t, f, hops[0], policy, k)
				}
			})
		}
	}
}

// check makes A's call with a plain client, and one with ours where C's code may
// pass.
func (ch *chain) check(t *testing.T, f failing, h hop, policy status.Trust, k kind) {
	t.Helper()
	want, code := h.reaches(t, f, policy)
	var header, trailer metadata.MD
	_, err := k.call(t.Context(), ch.plain, grpc.Header(&header), grpc.Trailer(&trailer))
	checkReads(t, f.name, err, want)
	arrived := everything(err, header, trailer)
	withheld := []string{stack, private}
	if !h.quotes(f, policy) {
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
	_, err = k.call(t.Context(), ch.ours)
	if got := status.Code(err); got != code || !errors.Is(err, code) {
		t.Errorf("%s: A's code is %v; want %v, for errors.Is too", f.name, got, code)
	}
	checkReads(t, f.name+", with our client", err, want)
}

// checkReads is checkStatus for thousands of calls: only what differs in its bytes
// is looked at by its fields.
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

// everything is all text that came with an error: metadata has the bytes of the
// details, also of such as gRPC doesn't read.
func everything(err error, all ...metadata.MD) string {
	text := []string{fmt.Sprint(err)}
	for _, md := range all {
		for key, values := range md {
			text = append(append(text, key), values...)
		}
	}
	return strings.Join(text, "\n")
}

// A tries again. Only what is UNAVAILABLE is safe to run a second time, as far as
// gRPC can tell, so nothing else may become that on its way.

// retrying are A's ways to make three attempts, without regard for who B is.
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

// attempts is how often a call is made that ends with a canonical code each time.
func attempts(c grpccodes.Code) int32 {
	if c == grpccodes.Unavailable {
		return 3
	}
	return 1
}

func TestOnlyUnavailableIsTriedAgainTwoHopsAway(t *testing.T) {
	cases := map[string][]failing{ // the middleware retries no other kinds
		kinds[0].name: failings(t, everyCode(t)...),
		kinds[2].name: failings(t, someCodes...),
	}
	for name, a := range retrying() {
		for _, policy := range policies {
			ch := newChain(t, policy, a...)
			for _, k := range []kind{kinds[0], kinds[2]} {
				t.Run(fmt.Sprint(name, "/", policy, "/", k.name), func(t *testing.T) {
					for _, f := range cases[k.name] {
						ch.checkAttempts(t, f, hops[0], policy, k)
					}
				})
			}
		}
	}
}

func TestCodeOfBDecidesWhetherCIsCalledAgain(t *testing.T) {
	network := hop{
		name: "wrapped in a network error",
		of:   func(err error) error { return status.Wrap(err, codes.SrvNetwork, "B's own") },
		code: codes.SrvNetwork, says: "B's own",
	}
	for name, a := range retrying() {
		for _, policy := range policies {
			ch := newChain(t, policy, a...)
			for _, h := range append(hops, network) {
				t.Run(fmt.Sprint(name, "/", policy, "/", h.name), func(t *testing.T) {
					ch.checkAttempts(t, failsPlain(t, "bare", grpccodes.Unavailable), h, policy, kinds[0])
					ch.checkAttempts(t, failsPlain(t, "bare", grpccodes.DeadlineExceeded), h, policy, kinds[0])
					ch.checkAttempts(t, failsWithOurs(t, codes.SrvNetwork), h, policy, kinds[0])
				})
			}
		}
	}
}

// checkAttempts makes a call of A's and counts C's.
func (ch *chain) checkAttempts(t *testing.T, f failing, h hop, policy status.Trust, k kind) {
	t.Helper()
	ch.fails(f, h, k)
	want, code := h.reaches(t, f, policy)
	before := ch.executions()
	_, err := k.call(t.Context(), ch.ours)
	if got, want := ch.executions()-before, attempts(grpccodes.Code(want.Code)); got != want {
		t.Errorf("%s: C ran %d times; want %d", f.name, got, want)
	}
	if got := status.Code(err); got != code {
		t.Errorf("%s: in the end A's code is %v; want %v", f.name, got, code)
	}
}

// B's patience with C ends while C is at work, which C then finishes: a second
// run would write a second time.
func TestWriteThatTimedOutIsNotRunAgain(t *testing.T) {
	returns := map[string]func(call, own error) error{
		"the call's error":     func(call, _ error) error { return call },
		"the call's, under %w": func(call, _ error) error { return fmt.Errorf(private+": %w", call) },
		"its own context's":    func(_, own error) error { return own },
	}
	for name, a := range retrying() {
		for _, policy := range policies {
			for what, of := range returns {
				for _, k := range []kind{kinds[0], kinds[2]} {
					t.Run(fmt.Sprint(name, "/", policy, "/", what, "/", k.name), func(t *testing.T) {
						checkTimedOut(t, k, policy, of, a)
					})
				}
			}
		}
	}
}

func checkTimedOut(t *testing.T, k kind, policy status.Trust, of func(call, own error) error, a []grpc.DialOption) {
	t.Helper()
	working := make(chan struct{}, 3)
	c := running(func(ctx context.Context) error {
		working <- struct{}{}
		<-ctx.Done()
		return nil
	})
	toC := connect(t, c, interceptor.ServerOptions(), interceptor.DialOptions(interceptor.WithUpstreamTrust(policy)))
	b := running(func(ctx context.Context) error {
		own := expiresAfter(ctx, working)
		_, err := k.call(own, toC)
		return of(err, own.Err())
	})
	_, err := k.call(t.Context(), connect(t, b, interceptor.ServerOptions(), append(a, interceptor.DialOptions()...)))
	if got := grpcstatus.Code(err); got != grpccodes.DeadlineExceeded {
		t.Errorf("A gets %v; want DeadlineExceeded", err)
	}
	if got := c.calls.Load(); got != 1 {
		t.Errorf("C ran %d times; want once", got)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("errors.Is(%v, DeadlineExceeded) at A, whose own context lives", err)
	}
}

// expiresAfter is a context whose deadline passes when the signal comes.
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

// A lost connection is UNAVAILABLE to gRPC, which can't tell whether C had begun.
// So it is to A, and C may run again; who can't have that wraps the error in a code
// of its own. A reset is no such thing.
func TestCallThatIsCutOff(t *testing.T) {
	tests := []struct {
		name          string
		start         func(*testing.T) *cutOff
		code          grpccodes.Code
		timesB, times int32
	}{
		{"its connection is lost", losesConnections, grpccodes.Unavailable, 3, 3},
		{"its server stops", stops, grpccodes.Unavailable, 3, 1},
		{"its stream is reset", resets, grpccodes.Internal, 1, 1},
	}
	for _, tt := range tests {
		for name, a := range retrying() {
			for _, policy := range policies {
				t.Run(fmt.Sprint(tt.name, "/", name, "/", policy), func(t *testing.T) {
					c := tt.start(t)
					toC := testgrpc.NewTestServiceClient(dial(t, c.target, interceptor.DialOptions(interceptor.WithUpstreamTrust(policy))))
					b := returning(nil)
					b.script.Store(forwards(toC, hops[0].of, kinds[0]))
					_, err := callUnary(t.Context(), connect(t, b, interceptor.ServerOptions(), append(a, interceptor.DialOptions()...)))
					if got := grpcstatus.Code(err); got != tt.code {
						t.Errorf("A gets %v; want %v", err, tt.code)
					}
					if b, c := b.calls.Load(), c.calls.Load(); b != tt.timesB || c != tt.times {
						t.Errorf("B ran %d times and C %d; want %d and %d", b, c, tt.timesB, tt.times)
					}
				})
			}
		}
	}
}

// A cutOff is a C that never gets to answer.
type cutOff struct {
	target string
	calls  *atomic.Int32
}

func losesConnections(t *testing.T) *cutOff {
	lis := &fragileListener{Listener: listenTCP(t)}
	svc := running(func(ctx context.Context) error {
		lis.cut()
		<-ctx.Done()
		return nil
	})
	start(t, lis, func(s *grpc.Server) { testgrpc.RegisterTestServiceServer(s, svc) }, interceptor.ServerOptions())
	return &cutOff{lis.Addr().String(), &svc.calls}
}

func stops(t *testing.T) *cutOff {
	var server *grpc.Server
	svc := running(func(ctx context.Context) error {
		server.Stop()
		<-ctx.Done()
		return nil
	})
	lis := listenTCP(t)
	start(t, lis, func(s *grpc.Server) {
		server = s
		testgrpc.RegisterTestServiceServer(s, svc)
	}, interceptor.ServerOptions())
	return &cutOff{lis.Addr().String(), &svc.calls}
}

// resets is an HTTP server, which can reset a stream and keep the connection.
func resets(t *testing.T) *cutOff {
	c := &cutOff{calls: new(atomic.Int32)}
	server := &http.Server{
		Protocols: new(http.Protocols),
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			c.calls.Add(1)
			panic(http.ErrAbortHandler)
		}),
	}
	server.Protocols.SetUnencryptedHTTP2(true)
	lis := listenTCP(t)
	c.target = lis.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return c
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	return lis
}

// A fragileListener loses its connections when told to.
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

func (l *fragileListener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}
