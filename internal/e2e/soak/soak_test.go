// Package soak runs errstatus under load for the time of the flag -soak. It checks every
// error, the memory and the goroutines.
package soak_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

func TestMain(m *testing.M) { testrpc.Main(m) }

var soakFor = flag.Duration("soak", 0, "how long TestSoak runs; 0 skips it")

// The load is less than what two cores can do with the race detector. Each caller has
// a slightly different pace, so that calls spread. On a slower machine the tickers drop
// ticks, so there are fewer calls.
const (
	soakCallers    = 200
	soakConns      = 8
	soakPace       = 180 * time.Millisecond
	soakRestart    = 600 * time.Millisecond
	soakHung       = 30 * time.Second // a call that takes longer is lost
	soakHeaderList = 8192             // gRPC's coming default, too small for the big errors
)

// TestSoak makes calls of all kinds, with impatient callers, while the server stops and
// starts. Every error must carry the handler's code, or say that the call was disturbed.
// Neither memory nor goroutines may grow.
//
//	go test -race ./internal/e2e/soak -soak 60s
func TestSoak(t *testing.T) {
	if *soakFor <= 0 {
		t.Skip("to run it for a minute: go test -race ./internal/e2e/soak -soak 60s")
	}
	before := goleak.IgnoreCurrent()
	goroutines := runtime.NumGoroutine()
	s := newSoak(t)
	early, late := s.run(*soakFor)
	s.close()
	if err := goleak.Find(before); err != nil { // retries while goroutines end
		t.Errorf("after all servers and clients are closed: %v; want no goroutine left", err)
	}
	s.checkSteady(early, late)
	s.checkCoverage()
	t.Logf("%v: %v; %d graceful and %d hard restarts; at rest heap %d KiB, then %d KiB, goroutines %d, then %d; goroutines before the soak %d, after it %d",
		*soakFor, &s.tally, s.restarts[0], s.restarts[1], early.heap>>10, late.heap>>10, early.goroutines, late.goroutines, goroutines, runtime.NumGoroutine())
}

// A soak has a server that is restarted, and clients that keep their connections.
type soak struct {
	t     *testing.T
	plans []plan
	next  atomic.Uint64 // the number of the next call
	tally tally
	conns []*grpc.ClientConn

	// The server. Only the test's goroutine uses these fields.
	addr     string
	server   *grpc.Server
	served   chan error
	restarts [2]int // graceful, hard

	// epoch is odd while the server restarts.
	epoch atomic.Int64

	// pending maps the number of each unfinished call to its *soakCall.
	pending sync.Map

	// Each call and each handler holds a read lock. No call runs while the test holds
	// both write locks.
	callers, handlers sync.RWMutex
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, plans: plans(t), addr: "127.0.0.1:0"}
	s.serve()
	for range soakConns {
		s.conns = append(s.conns, testrpc.Dial(t, s.addr, append(interceptor.DialOptions(),
			grpc.WithMaxHeaderListSize(soakHeaderList),
			// With gRPC's longer delays the clients would hardly be connected.
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1, MaxDelay: 10 * time.Millisecond},
				MinConnectTimeout: time.Second,
			}),
		)))
	}
	return s
}

// run makes calls and restarts for the time d. It weighs the process at rest twice:
// after a warm-up and at the end.
func (s *soak) run(d time.Duration) (early, late weight) {
	s.t.Helper()
	stop := make(chan struct{})
	var callers sync.WaitGroup
	defer callers.Wait()
	defer close(stop)
	for i := range soakCallers {
		client := testgrpc.NewTestServiceClient(s.conns[i%len(s.conns)])
		pace := soakPace + time.Duration(i)*time.Millisecond/10
		callers.Go(func() { s.keepCalling(client, pace, stop) })
	}
	warm, end := time.After(min(10*time.Second, d/6)), time.After(d)
	s.restartUntil(warm)
	early = s.weigh(nil)
	s.restartUntil(end)
	late = s.weigh(&early)
	return early, late
}

func (s *soak) restartUntil(end <-chan time.Time) {
	s.t.Helper()
	ticker := time.NewTicker(soakRestart)
	defer ticker.Stop()
	for {
		select {
		case <-end:
			return
		case <-ticker.C:
			s.restart()
		}
	}
}

func (s *soak) keepCalling(client testgrpc.TestServiceClient, pace time.Duration, stop <-chan struct{}) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			s.callers.RLock()
			s.call(client)
			s.callers.RUnlock()
		}
	}
}

// close closes everything now. Dial's cleanup would run after the goroutines are
// counted.
func (s *soak) close() {
	s.t.Helper()
	for _, c := range s.conns {
		c.Close()
	}
	s.server.Stop()
	s.checkServed()
}

// The server.

func (s *soak) serve() {
	s.t.Helper()
	lis := s.listen()
	s.addr = lis.Addr().String()
	server := grpc.NewServer(interceptor.ServerOptions()...)
	testgrpc.RegisterTestServiceServer(server, newSoakService(s))
	s.server, s.served = server, make(chan error, 1)
	go func(served chan<- error) { served <- server.Serve(lis) }(s.served)
}

// listen listens on the previous address. While nobody listens there, a client that
// dials may itself be given that port for a moment, so listen tries again.
func (s *soak) listen() net.Listener {
	s.t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for tries := 0; ; tries++ {
		lis, err := net.Listen("tcp", s.addr)
		if err == nil {
			return lis
		}
		if tries == 500 {
			s.t.Fatalf("the server can't listen on its address again: %v", err)
		}
		<-again.C
	}
}

// restart stops the server and starts a new one. Every other stop is graceful.
func (s *soak) restart() {
	s.t.Helper()
	s.epoch.Add(1)
	way := (s.restarts[0] + s.restarts[1]) % 2
	if way == 0 {
		s.stopGracefully()
	} else {
		s.server.Stop()
	}
	s.checkServed()
	s.serve()
	s.restarts[way]++
	s.epoch.Add(1)
}

func (s *soak) stopGracefully() {
	s.t.Helper()
	stopped := make(chan struct{})
	server := s.server
	go func() { server.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(soakHung):
		s.t.Errorf("GracefulStop() has not returned after %v; want all calls to end", soakHung)
		server.Stop()
		<-stopped
	}
}

func (s *soak) checkServed() {
	s.t.Helper()
	if err := <-s.served; err != nil && err != grpc.ErrServerStopped { // if Stop ran before Serve
		s.t.Errorf("Serve() = %v; want nil", err)
	}
}

// renew restarts the server while there is no call, and waits until every client has a
// new connection.
func (s *soak) renew() {
	s.t.Helper()
	s.server.Stop()
	s.checkServed()
	for _, c := range s.conns {
		s.await(c, "lose its connection", func(state connectivity.State) bool { return state != connectivity.Ready })
	}
	s.serve()
	for _, c := range s.conns {
		s.await(c, "connect again", func(state connectivity.State) bool { return state == connectivity.Ready })
	}
}

// await waits until a client reaches a state, and makes an idle client connect.
func (s *soak) await(conn *grpc.ClientConn, what string, reached func(connectivity.State) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), soakHung)
	defer cancel()
	for {
		state := conn.GetState()
		if reached(state) {
			return
		}
		conn.Connect()
		if !conn.WaitForStateChange(ctx, state) {
			s.t.Fatalf("a client doesn't %s within %v: its state is %v", what, soakHung, state)
		}
	}
}

// A soakService ends each call at the moment of its plan. It has a testrpc.Service for
// each moment.
type soakService struct {
	testgrpc.UnimplementedTestServiceServer
	s  *soak
	at [testrpc.AfterHalfClose + 1]*testrpc.Service
}

func newSoakService(s *soak) *soakService {
	svc := &soakService{s: s}
	for at := range svc.at {
		svc.at[at] = testrpc.Returning(nil)
		svc.at[at].Run(testrpc.Moment(at), s.handle)
	}
	return svc
}

// enter returns the service for a call. The handler calls leave when it ends.
func (svc *soakService) enter(ctx context.Context) (at *testrpc.Service, leave func()) {
	svc.s.handlers.RLock()
	if c := svc.s.callOf(ctx); c != nil {
		c.reached.Store(true)
		return svc.at[c.at], svc.s.handlers.RUnlock
	}
	return svc.at[testrpc.AtOpen], svc.s.handlers.RUnlock
}

func (svc *soakService) UnaryCall(ctx context.Context, req *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	at, leave := svc.enter(ctx)
	defer leave()
	return at.UnaryCall(ctx, req)
}

func (svc *soakService) StreamingInputCall(stream testgrpc.TestService_StreamingInputCallServer) error {
	at, leave := svc.enter(stream.Context())
	defer leave()
	return at.StreamingInputCall(stream)
}

func (svc *soakService) StreamingOutputCall(req *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	at, leave := svc.enter(stream.Context())
	defer leave()
	return at.StreamingOutputCall(req, stream)
}

func (svc *soakService) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	at, leave := svc.enter(stream.Context())
	defer leave()
	return at.FullDuplexCall(stream)
}

// handle ends a call: it runs the caller's behaviour and returns the plan's error.
func (s *soak) handle(ctx context.Context) error {
	c := s.callOf(ctx)
	if c == nil {
		return errors.New("the caller has given up and doesn't read this")
	}
	c.behaviour.handler(ctx, c.cancel)
	return c.handlers
}

// soakNumber is the metadata key for a call's number, by which its handler finds it.
const soakNumber = "soak-call"

func (s *soak) callOf(ctx context.Context) *soakCall {
	for _, number := range metadata.ValueFromIncomingContext(ctx, soakNumber) {
		if c, ok := s.pending.Load(number); ok {
			return c.(*soakCall)
		}
	}
	return nil
}

// The plans.

// A plan describes a call: its kind, the code and the form that its handler returns,
// and what the caller does meanwhile.
type plan struct {
	kind      testrpc.Kind
	at        testrpc.Moment
	code      codes.ErrorCode
	form      soakForm
	behaviour behaviour
}

// plans returns every combination of code, kind and form. The soak repeats them with
// changing behaviours. They are shuffled, always in the same order, so that restarts
// disturb calls of every kind.
func plans(t testing.TB) (all []plan) {
	t.Helper()
	for _, f := range soakForms {
		for _, k := range testrpc.Kinds {
			for i, c := range testrpc.ErrorCodes(t) {
				all = append(all, plan{kind: k, at: k.Moments[i%len(k.Moments)], code: c, form: f})
			}
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// planned returns the plan of a call. Every other caller waits for the answer.
func (s *soak) planned(number uint64) plan {
	round, i := number/uint64(len(s.plans)), number%uint64(len(s.plans))
	p := s.plans[i]
	p.behaviour = waits
	if turn := i + round; turn%2 == 1 {
		p.behaviour = impatient[turn/2%uint64(len(impatient))]
	}
	return p
}

// A soakForm is a way for a handler to return a code, and what the caller should read.
type soakForm struct {
	name string
	of   func(c codes.ErrorCode, text string) error
	text bool // the message is the text, not the row's
	big  bool // the status is too large and is truncated
	none bool // the error carries no code
}

const soakSuccess = "success"

var soakForms = []soakForm{
	{name: "bare", of: func(c codes.ErrorCode, _ string) error { return c }},
	{name: "message", text: true, of: func(c codes.ErrorCode, text string) error { return status.Error(c, text) }},
	{name: "cause", text: true, of: func(c codes.ErrorCode, text string) error {
		return fmt.Errorf(testrpc.Secret+": %w", status.Wrap(errors.New(testrpc.Secret), c, text))
	}},
	{name: "details", text: true, of: func(c codes.ErrorCode, text string) error {
		return status.New(c, text).WithDetails(testrpc.BadRequest()).WithMetadata("field", "name").Err()
	}},
	{name: "big message", text: true, big: true, of: func(c codes.ErrorCode, text string) error {
		return status.Error(c, text+strings.Repeat("字", 2_000))
	}},
	{name: "big details", text: true, big: true, of: func(c codes.ErrorCode, text string) error {
		return status.New(c, text).WithDetails(bigDetail).Err()
	}},
	{name: "no code", none: true, of: func(codes.ErrorCode, string) error { return errors.New(testrpc.Secret) }},
	{name: soakSuccess, of: func(codes.ErrorCode, string) error { return nil }},
}

// bigDetail is shared by all calls, so errstatus must not change it.
var bigDetail = &errdetails.BadRequest{FieldViolations: make([]*errdetails.BadRequest_FieldViolation, 150)}

func init() {
	for i := range bigDetail.FieldViolations {
		bigDetail.FieldViolations[i] = &errdetails.BadRequest_FieldViolation{Field: strings.Repeat("f", 50), Description: strconv.Itoa(i)}
	}
}

// soakText returns the message of a call, which no other call has.
func soakText(number uint64) string {
	return fmt.Sprintf("call %d: 100%% 名字%s", number, strings.Repeat("\n~", int(number%50)))
}

// A behaviour says what the caller does during its call, such as cancelling it.
type behaviour struct {
	name string

	// patience limits the caller's deadline, which is random below it.
	patience time.Duration

	// handler runs in the call's handler before it returns; cancel is the caller's.
	handler func(ctx context.Context, cancel context.CancelFunc)

	// disturbs has the canonical codes that the caller may get instead of the answer.
	disturbs []grpccodes.Code
}

var waits = behaviour{name: "waits", handler: func(context.Context, context.CancelFunc) {}}

var impatient = []behaviour{
	{
		name:     "cancels before the answer",
		handler:  func(ctx context.Context, cancel context.CancelFunc) { cancel(); <-ctx.Done() },
		disturbs: []grpccodes.Code{grpccodes.Canceled},
	},
	{
		name:     "cancels as the answer is sent",
		handler:  func(_ context.Context, cancel context.CancelFunc) { go cancel() },
		disturbs: []grpccodes.Code{grpccodes.Canceled},
	},
	{
		name:     "has a deadline that passes before the answer",
		patience: 40 * time.Millisecond,
		handler:  func(ctx context.Context, _ context.CancelFunc) { <-ctx.Done() },
		disturbs: []grpccodes.Code{grpccodes.DeadlineExceeded},
	},
	{
		name:     "has a deadline that passes about when the answer arrives",
		patience: 4 * time.Millisecond,
		handler:  func(context.Context, context.CancelFunc) {},
		disturbs: []grpccodes.Code{grpccodes.DeadlineExceeded},
	},
}

// The calls.

type soakCall struct {
	plan
	number   uint64
	handlers error // what the handler returns
	cancel   context.CancelFunc
	reached  atomic.Bool // whether the handler has begun
}

func (s *soak) call(client testgrpc.TestServiceClient) {
	number := s.next.Add(1) - 1
	c := &soakCall{plan: s.planned(number), number: number}
	c.handlers = c.form.of(c.code, soakText(number))
	ctx, cancel := context.WithTimeout(context.Background(), c.deadline())
	defer cancel()
	c.cancel = cancel

	id := strconv.FormatUint(number, 10)
	s.pending.Store(id, c)
	defer s.pending.Delete(id)

	epoch := s.epoch.Load()
	arrived, err := c.kind.Call(metadata.AppendToOutgoingContext(ctx, soakNumber, id), client)
	restarted := epoch%2 == 1 || s.epoch.Load() != epoch
	end, wrong := c.judge(ctx, arrived, err, restarted)
	if wrong != "" {
		s.failed("call %d, %s (reached the handler: %t; a restart meanwhile: %t): %s: %s",
			number, c.plan, c.reached.Load(), restarted, wrong, testrpc.Brief(err))
	}
	s.tally.add(end, c.plan)
}

func (c *soakCall) deadline() time.Duration {
	if c.behaviour.patience == 0 {
		return soakHung
	}
	return rand.N(c.behaviour.patience)
}

func (p plan) String() string {
	return fmt.Sprintf("%s, ended %s, %s as %q, the caller %s", p.kind.Name, p.at, p.want().String(), p.form.name, p.behaviour.name)
}

// want returns the code that the caller should get if the handler returns an error.
func (p plan) want() codes.ErrorCode {
	if p.form.none {
		return codes.ServerInternal
	}
	return p.code
}

// failed reports a wrong call. It reports only the first 20, because one fault
// usually makes many calls fail.
func (s *soak) failed(format string, args ...any) {
	const most = 20
	if n := s.tally.wrong.Add(1); n <= most {
		s.t.Errorf(format, args...)
	} else if n == most+1 {
		s.t.Errorf("more than %d calls are wrong; the others are only counted", most)
	}
}

// judge returns how a call ended and what is wrong with it. The text is empty if nothing
// is wrong.
func (c *soakCall) judge(ctx context.Context, arrived int, err error, restarted bool) (end outcome, wrong string) {
	st, _ := status.FromError(err)
	switch {
	case err == c.kind.Success:
		return succeeded, c.judgeSuccess(arrived)
	case st.Origin() == status.OriginKnown:
		return c.judgeCarried(st, arrived, err)
	case st.Origin() != status.OriginBare:
		return disturbed, fmt.Sprintf("the origin of the status is %v; want a known or a bare one", st.Origin())
	}
	return c.judgeDisturbed(ctx, err, restarted)
}

func (c *soakCall) judgeSuccess(arrived int) (wrong string) {
	switch {
	case c.handlers != nil:
		return "the call succeeded; want the handler's error"
	case arrived != c.kind.Arrived(c.at):
		return fmt.Sprintf("success after %d messages; want %d", arrived, c.kind.Arrived(c.at))
	}
	return ""
}

// judgeCarried judges an error that carries a code: it must be the handler's.
func (c *soakCall) judgeCarried(st *status.Status, arrived int, err error) (end outcome, wrong string) {
	row, _ := codes.Default().Lookup(c.want().Number())
	truncated := st.Metadata()["truncated"] != ""
	end = whole
	if truncated {
		end = wasTruncated
	}
	switch {
	case c.handlers == nil:
		return end, "the call failed; want the success that the handler returned"
	case st.Code() != row.Code || status.Code(err) != row.Code || !errors.Is(err, row.Code):
		return end, fmt.Sprintf("the code is %d, and errors.Is finds %s: %t; want %d and true",
			st.Code().Number(), row.Name, errors.Is(err, row.Code), row.Code.Number())
	case grpcstatus.Code(err) != row.GRPCCode:
		return end, fmt.Sprintf("the canonical code is %v; want %v", grpcstatus.Code(err), row.GRPCCode)
	case arrived != c.kind.Arrived(c.at):
		return end, fmt.Sprintf("%d messages arrived before the error; want %d", arrived, c.kind.Arrived(c.at))
	case truncated != c.form.big:
		return end, fmt.Sprintf("the status is truncated: %t; want %t", truncated, c.form.big)
	case !truncated && st.Message() != c.message():
		return end, fmt.Sprintf("the message is %q; want %q", testrpc.Brief(st.Message()), c.message())
	case strings.Contains(fmt.Sprintf("%+v", err), testrpc.Secret):
		return end, fmt.Sprintf("the caller reads %q; want no private text", testrpc.Secret)
	}
	return end, ""
}

func (c *soakCall) message() string {
	if c.form.text {
		return soakText(c.number)
	}
	row, _ := codes.Default().Lookup(c.want().Number())
	return row.Message
}

// judgeDisturbed judges an error that gRPC made: something must have disturbed the
// call, and the error must say what it was.
func (c *soakCall) judgeDisturbed(ctx context.Context, err error, restarted bool) (end outcome, wrong string) {
	got := grpcstatus.Code(err)
	for _, by := range c.behaviour.disturbs {
		if got == by && errors.Is(err, contextErrors[by]) {
			return givenUp, ""
		}
		if got == by {
			return givenUp, fmt.Sprintf("errors.Is doesn't find %v, and the caller's context reports %v", contextErrors[by], ctx.Err())
		}
	}
	switch {
	case got != grpccodes.Unavailable:
		return disturbed, fmt.Sprintf("the canonical code is %v, and nothing happened that explains it", got)
	case restarted:
		return disturbed, ""
	case c.reached.Load():
		return disturbed, "the answer is lost, and nothing disturbed the call"
	}
	return unreached, "" // the client had not connected again
}

var contextErrors = map[grpccodes.Code]error{
	grpccodes.Canceled:         context.Canceled,
	grpccodes.DeadlineExceeded: context.DeadlineExceeded,
}

// The tally.

// An outcome is how a call ended.
type outcome int

const (
	succeeded    outcome = iota
	whole                // with the handler's whole error
	wasTruncated         // with the handler's code and a part of the rest
	givenUp              // by the caller
	disturbed            // by a restart
	unreached            // the client was still connecting
)

func (o outcome) String() string {
	return [...]string{"success", "error whole", "error truncated", "given up by the caller", "disturbed by a restart", "not connected"}[o]
}

type tally struct {
	outcomes [unreached + 1]atomic.Int64
	wrong    atomic.Int64

	// arrived has each code, and each kind with each form, that reached a caller.
	arrived sync.Map
}

func (t *tally) add(end outcome, p plan) {
	t.outcomes[end].Add(1)
	if end == whole || end == wasTruncated {
		t.arrived.LoadOrStore(p.want(), nil)
		t.arrived.LoadOrStore(p.kind.Name+" with "+p.form.name, nil)
	}
}

func (t *tally) String() string {
	var b strings.Builder
	var calls int64
	for i := range t.outcomes {
		n := t.outcomes[i].Load()
		calls += n
		fmt.Fprintf(&b, ", %d %v", n, outcome(i))
	}
	return fmt.Sprintf("%d calls%s; %d wrong", calls, b.String(), t.wrong.Load())
}

// checkCoverage checks that every code, form and outcome has occurred. Otherwise the
// soak would have proved nothing about them.
func (s *soak) checkCoverage() {
	s.t.Helper()
	for _, p := range s.plans {
		for _, what := range []any{p.want(), p.kind.Name + " with " + p.form.name} {
			if _, ok := s.tally.arrived.Load(what); !ok && p.form.name != soakSuccess {
				s.t.Errorf("no caller got %v; run the soak for longer", what)
			}
		}
	}
	for end := range outcome(len(s.tally.outcomes)) {
		if s.tally.outcomes[end].Load() == 0 && end != unreached {
			s.t.Errorf("no call ended with %v; run the soak for longer", end)
		}
	}
}

// Memory and goroutines.

// goroutineSlack allows for a goroutine that starts or ends at either end of each
// connection.
const goroutineSlack = 2 * soakConns

type weight struct {
	heap       uint64
	goroutines int
}

// weigh measures the process at rest: without a call, and with new connections, because
// the buffers of a connection grow with its largest header. If before isn't nil, weigh
// waits for goroutines that are ending until there are as few as then.
func (s *soak) weigh(before *weight) weight {
	s.t.Helper()
	s.callers.Lock()
	defer s.callers.Unlock()
	s.handlers.Lock()
	defer s.handlers.Unlock()
	s.renew()
	goroutines := runtime.NumGoroutine()
	if before != nil {
		goroutines = awaitGoroutines(before.goroutines + goroutineSlack)
	}
	runtime.GC()
	runtime.GC() // frees what the first moves out of each sync.Pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return weight{heap: m.HeapAlloc, goroutines: goroutines}
}

// awaitGoroutines waits up to a second until at most the wanted number of goroutines
// is left. It returns how many there are.
func awaitGoroutines(want int) (got int) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for range 100 {
		if got = runtime.NumGoroutine(); got <= want {
			break
		}
		<-again.C
	}
	return got
}

func (s *soak) checkSteady(early, late weight) {
	s.t.Helper()
	// Some memory is allocated late and kept, but not for each call: channelz's last 30
	// events of each client, statuses and descriptors that are made at first use,
	// buffers in the pools of gRPC and fmt, and what the runtime keeps of ended
	// goroutines. That was up to 150 KiB. In a long soak it is there by the first
	// weighing.
	slack := uint64(256 << 10)
	if *soakFor >= time.Minute {
		slack = 0
	}
	if most := early.heap + early.heap/10 + slack; late.heap > most {
		s.t.Errorf("the heap at rest is %d KiB after %d KiB; want %d KiB at most: something is kept for each call or restart",
			late.heap>>10, early.heap>>10, most>>10)
	}
	if most := early.goroutines + goroutineSlack; late.goroutines > most {
		s.t.Errorf("%d goroutines at rest after %d; want %d at most", late.goroutines, early.goroutines, most)
	}
}
