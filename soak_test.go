package errstatus_test

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
	"github.com/errstatus/errstatus/status"
)

var soakFor = flag.Duration("soak", 0, "how long TestSoak keeps its callers busy; at 0 it is skipped")

// The load. Each caller's pace is a little different, so that they spread; all
// together they stay under what two cores do with the race detector. A ticker
// drops what it can't deliver, so a slower machine just makes fewer calls.
const (
	soakCallers    = 200
	soakConns      = 8
	soakPace       = 180 * time.Millisecond
	soakRestart    = 600 * time.Millisecond
	soakHung       = 30 * time.Second // no call takes so long, unless it is lost
	soakHeaderList = 8192             // gRPC's coming default; the big errors don't fit
)

// TestSoak keeps callers busy with all that can happen to a call, while the server
// stops and starts. Whatever happens, an error must be the handler's own, or say
// plainly that the call was disturbed; and nothing may pile up.
//
//	go test -race -run TestSoak . -soak 60s
func TestSoak(t *testing.T) {
	if *soakFor <= 0 {
		t.Skip("go test -race -run TestSoak . -soak 60s runs it, for so long")
	}
	before := goleak.IgnoreCurrent()
	goroutines := runtime.NumGoroutine()
	s := newSoak(t)
	early, late := s.run(*soakFor)
	s.close()
	if err := goleak.Find(before); err != nil { // waits for those that are just ending
		t.Errorf("goroutines are left when all servers and clients are closed: %v", err)
	}
	s.checkSteady(early, late)
	s.checkCoverage()
	t.Logf("%v: %v; %d graceful and %d hard restarts; at rest heap %d KiB, then %d KiB, goroutines %d, then %d; goroutines outside of it %d, then %d",
		*soakFor, &s.tally, s.restarts[0], s.restarts[1], early.heap>>10, late.heap>>10, early.goroutines, late.goroutines, goroutines, runtime.NumGoroutine())
}

// A soak is a server that is restarted, and callers that keep their connections.
type soak struct {
	t     *testing.T
	plans []plan
	next  atomic.Uint64 // the call to come, and which plan it has
	tally tally
	conns []*grpc.ClientConn

	// The server, which only the test's own goroutine touches.
	addr     string
	server   *grpc.Server
	served   chan error
	restarts [2]int // graceful, hard

	// epoch is odd while the server is being restarted.
	epoch atomic.Int64

	// pending are the calls that a handler may be asked for, by their number.
	pending sync.Map

	// Each call and each handler holds its lock for reading; who wants to see the
	// process at rest takes both for writing.
	callers, handlers sync.RWMutex
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, plans: plans(t), addr: "127.0.0.1:0"}
	s.serve()
	for range soakConns {
		s.conns = append(s.conns, dial(t, s.addr, append(interceptor.DialOptions(),
			grpc.WithMaxHeaderListSize(soakHeaderList),
			// Otherwise the clients would spend the time between two restarts waiting.
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1, MaxDelay: 10 * time.Millisecond},
				MinConnectTimeout: time.Second,
			}),
		)))
	}
	return s
}

// run keeps the callers busy, and weighs the process at rest twice: when it is
// warm, and at the end.
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

// close ends all; dial's own cleanup would be too late for counting goroutines.
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

// listen takes the address that the server had before. A client that dials while
// nobody listens may have got just that port for its own end, for a moment.
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
			s.t.Fatalf("the server can't have its address again: %v", err)
		}
		<-again.C
	}
}

// restart stops the server, in turns gracefully and hard, and starts a new one.
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
		s.t.Errorf("GracefulStop() waits for %v: a call doesn't end", soakHung)
		server.Stop()
		<-stopped
	}
}

func (s *soak) checkServed() {
	s.t.Helper()
	if err := <-s.served; err != nil && err != grpc.ErrServerStopped { // which is for a stop that comes first
		s.t.Errorf("Serve() = %v", err)
	}
}

// renew restarts the server while no call is under way, and gives every client a
// new connection to it.
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

// await waits for a client's state; one that is idle is told to connect.
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
			s.t.Fatalf("a client doesn't %s within %v: it is %v", what, soakHung, state)
		}
	}
}

// A soakService ends each call as its plan has it. For each moment of a call it
// has one of the services that the other tests use.
type soakService struct {
	testgrpc.UnimplementedTestServiceServer
	s  *soak
	at [afterHalfClose + 1]*service
}

func newSoakService(s *soak) *soakService {
	svc := &soakService{s: s}
	for at := range svc.at {
		svc.at[at] = running(s.handle)
		svc.at[at].script.Load().at = moment(at)
	}
	return svc
}

// enter is the service for a call; leave must be called when its handler ends.
func (svc *soakService) enter(ctx context.Context) (at *service, leave func()) {
	svc.s.handlers.RLock()
	if c := svc.s.callOf(ctx); c != nil {
		c.reached.Store(true)
		return svc.at[c.at], svc.s.handlers.RUnlock
	}
	return svc.at[atOpen], svc.s.handlers.RUnlock
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

// handle is what all handlers do at their call's moment.
func (s *soak) handle(ctx context.Context) error {
	c := s.callOf(ctx)
	if c == nil {
		return errors.New("the caller has given up, and nobody reads this")
	}
	c.behaviour.handler(ctx, c.cancel)
	return c.handlers
}

// soakNumber is the key of the metadata by which a handler finds the call it answers.
const soakNumber = "soak-call"

func (s *soak) callOf(ctx context.Context) *soakCall {
	for _, number := range metadata.ValueFromIncomingContext(ctx, soakNumber) {
		if c, ok := s.pending.Load(number); ok {
			return c.(*soakCall)
		}
	}
	return nil
}

// What a call may be.

// A plan is a kind of call, the code that its handler states, in which form, and
// what the caller does meanwhile.
type plan struct {
	kind      kind
	at        moment
	code      codes.ErrorCode
	form      soakForm
	behaviour behaviour
}

// plans are all combinations of code, kind and form. Each is gone through again
// and again, with another behaviour. They are shuffled, always alike, so that no
// sort of call always meets the restarts.
func plans(t testing.TB) (all []plan) {
	t.Helper()
	for _, f := range soakForms {
		for _, k := range kinds {
			for i, c := range errorCodes(t) {
				all = append(all, plan{kind: k, at: k.moments[i%len(k.moments)], code: c, form: f})
			}
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// planned is the plan of a call. Every other caller waits for the answer.
func (s *soak) planned(number uint64) plan {
	round, i := number/uint64(len(s.plans)), number%uint64(len(s.plans))
	p := s.plans[i]
	p.behaviour = waits
	if turn := i + round; turn%2 == 1 {
		p.behaviour = impatient[turn/2%uint64(len(impatient))]
	}
	return p
}

// A soakForm is what a handler returns for a code, and what the caller should
// read of it.
type soakForm struct {
	name string
	of   func(c codes.ErrorCode, text string) error
	text bool // the message is the text, and not the row's
	big  bool // it doesn't fit, and so is cut
	none bool // it states no code
}

const soakSuccess = "success"

var soakForms = []soakForm{
	{name: "bare", of: func(c codes.ErrorCode, _ string) error { return c }},
	{name: "message", text: true, of: func(c codes.ErrorCode, text string) error { return status.Error(c, text) }},
	{name: "cause", text: true, of: func(c codes.ErrorCode, text string) error {
		return fmt.Errorf(secret+": %w", status.Wrap(errors.New(secret), c, text))
	}},
	{name: "details", text: true, of: func(c codes.ErrorCode, text string) error {
		return status.New(c, text).WithDetails(badRequest()).WithMetadata("field", "name").Err()
	}},
	{name: "big message", text: true, big: true, of: func(c codes.ErrorCode, text string) error {
		return status.Error(c, text+strings.Repeat("字", 2_000))
	}},
	{name: "big details", text: true, big: true, of: func(c codes.ErrorCode, text string) error {
		return status.New(c, text).WithDetails(bigDetail).Err()
	}},
	{name: "no code", none: true, of: func(codes.ErrorCode, string) error { return errors.New(secret) }},
	{name: soakSuccess, of: func(codes.ErrorCode, string) error { return nil }},
}

// bigDetail is shared, and so must never be changed by who sends it.
var bigDetail = &errdetails.BadRequest{FieldViolations: make([]*errdetails.BadRequest_FieldViolation, 150)}

func init() {
	for i := range bigDetail.FieldViolations {
		bigDetail.FieldViolations[i] = &errdetails.BadRequest_FieldViolation{Field: strings.Repeat("f", 50), Description: strconv.Itoa(i)}
	}
}

// soakText is a message that no other call has.
func soakText(number uint64) string {
	return fmt.Sprintf("call %d: 100%% 名字%s", number, strings.Repeat("\n~", int(number%50)))
}

// A behaviour is what the caller does to its own call.
type behaviour struct {
	name string

	// patience is the longest deadline of the caller; each call has a part of it.
	patience time.Duration

	// handler runs in the call's handler before it returns; cancel is the caller's.
	handler func(ctx context.Context, cancel context.CancelFunc)

	// disturbs is what the caller may get besides the answer.
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
		name:     "has a deadline before the answer",
		patience: 40 * time.Millisecond,
		handler:  func(ctx context.Context, _ context.CancelFunc) { <-ctx.Done() },
		disturbs: []grpccodes.Code{grpccodes.DeadlineExceeded},
	},
	{
		name:     "has a deadline about when the answer comes",
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
	reached  atomic.Bool // the handler
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
	arrived, err := c.kind.call(metadata.AppendToOutgoingContext(ctx, soakNumber, id), client)
	restarted := epoch%2 == 1 || s.epoch.Load() != epoch
	end, wrong := c.judge(ctx, arrived, err, restarted)
	if wrong != "" {
		s.failed("call %d, %s (reached the handler: %t; a restart meanwhile: %t): %s: %s",
			number, c.plan, c.reached.Load(), restarted, wrong, brief(err))
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
	return fmt.Sprintf("%s, ended %s, %s as %q, the caller %s", p.kind.name, p.at, p.want().String(), p.form.name, p.behaviour.name)
}

// want is the code that should arrive, if the handler returns an error.
func (p plan) want() codes.ErrorCode {
	if p.form.none {
		return codes.ServerInternal
	}
	return p.code
}

// failed reports a wrong call, up to so many: they tend to come together.
func (s *soak) failed(format string, args ...any) {
	const most = 20
	if n := s.tally.wrong.Add(1); n <= most {
		s.t.Errorf(format, args...)
	} else if n == most+1 {
		s.t.Errorf("more than %d calls went wrong; the rest is only counted", most)
	}
}

// judge tells how a call ended, and what is wrong with that, if anything.
func (c *soakCall) judge(ctx context.Context, arrived int, err error, restarted bool) (end outcome, wrong string) {
	st, _ := status.FromError(err)
	switch {
	case err == c.kind.success:
		return succeeded, c.judgeSuccess(arrived)
	case st.Origin() == status.OriginKnown:
		return c.judgeStated(st, arrived, err)
	case st.Origin() != status.OriginBare:
		return disturbed, fmt.Sprintf("a status of origin %v", st.Origin())
	}
	return c.judgeDisturbed(ctx, err, restarted)
}

func (c *soakCall) judgeSuccess(arrived int) (wrong string) {
	switch {
	case c.handlers != nil:
		return "success, and the handler's error is lost"
	case arrived != c.kind.arrived(c.at):
		return fmt.Sprintf("success after %d messages; want %d", arrived, c.kind.arrived(c.at))
	}
	return ""
}

// judgeStated is for an error that states a code, which must be the handler's.
func (c *soakCall) judgeStated(st *status.Status, arrived int, err error) (end outcome, wrong string) {
	row, _ := codes.Default().Lookup(c.want().Number())
	cut := st.Metadata()["truncated"] != ""
	end = whole
	if cut {
		end = wasCut
	}
	switch {
	case c.handlers == nil:
		return end, "an error, and the handler returned nil"
	case st.Code() != row.Code || status.Code(err) != row.Code || !errors.Is(err, row.Code):
		return end, fmt.Sprintf("the code is %d, and errors.Is finds %s: %t; want %d and true",
			st.Code().Number(), row.Name, errors.Is(err, row.Code), row.Code.Number())
	case grpcstatus.Code(err) != row.GRPCCode:
		return end, fmt.Sprintf("the canonical code is %v; want %v", grpcstatus.Code(err), row.GRPCCode)
	case arrived != c.kind.arrived(c.at):
		return end, fmt.Sprintf("%d messages came before the error; want %d", arrived, c.kind.arrived(c.at))
	case cut != c.form.big:
		return end, fmt.Sprintf("that something was cut: %t; want %t", cut, c.form.big)
	case !cut && st.Message() != c.message():
		return end, fmt.Sprintf("the message is %q; want %q", brief(st.Message()), c.message())
	case strings.Contains(fmt.Sprintf("%+v", err), secret):
		return end, fmt.Sprintf("the caller reads %q", secret)
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

// judgeDisturbed is for an error that gRPC made: something must have disturbed
// the call, and the error must say what.
func (c *soakCall) judgeDisturbed(ctx context.Context, err error, restarted bool) (end outcome, wrong string) {
	got := grpcstatus.Code(err)
	for _, by := range c.behaviour.disturbs {
		if got == by && errors.Is(err, contextErrors[by]) {
			return givenUp, ""
		}
		if got == by {
			return givenUp, fmt.Sprintf("errors.Is doesn't find %v, and the caller's own context has %v", contextErrors[by], ctx.Err())
		}
	}
	switch {
	case got != grpccodes.Unavailable:
		return disturbed, fmt.Sprintf("the canonical code is %v, and nothing that happened gives that", got)
	case restarted:
		return disturbed, ""
	case c.reached.Load():
		return disturbed, "the handler's answer is lost, and nothing disturbed the call"
	}
	return unreached, "" // the client has not connected again yet
}

var contextErrors = map[grpccodes.Code]error{
	grpccodes.Canceled:         context.Canceled,
	grpccodes.DeadlineExceeded: context.DeadlineExceeded,
}

// The counts.

// An outcome is how a call ended.
type outcome int

const (
	succeeded outcome = iota
	whole             // with the handler's error as it was
	wasCut            // with the handler's code, and less of the rest
	givenUp           // by the caller
	disturbed         // by a restart
	unreached         // the client was still connecting
)

func (o outcome) String() string {
	return [...]string{"success", "error whole", "error cut", "given up by the caller", "disturbed by a restart", "not connected"}[o]
}

type tally struct {
	outcomes [unreached + 1]atomic.Int64
	wrong    atomic.Int64

	// arrived has the codes, and the kinds with forms, of errors that the caller got.
	arrived sync.Map
}

func (t *tally) add(end outcome, p plan) {
	t.outcomes[end].Add(1)
	if end == whole || end == wasCut {
		t.arrived.LoadOrStore(p.want(), nil)
		t.arrived.LoadOrStore(p.kind.name+" with "+p.form.name, nil)
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

// checkCoverage: a soak in which most calls are lost for good reasons would find
// nothing.
func (s *soak) checkCoverage() {
	s.t.Helper()
	for _, p := range s.plans {
		for _, what := range []any{p.want(), p.kind.name + " with " + p.form.name} {
			if _, ok := s.tally.arrived.Load(what); !ok && p.form.name != soakSuccess {
				s.t.Errorf("no call got its error: %v; run it for longer", what)
			}
		}
	}
	for end := range outcome(len(s.tally.outcomes)) {
		if s.tally.outcomes[end].Load() == 0 && end != unreached {
			s.t.Errorf("no call's end was: %v; run it for longer", end)
		}
	}
}

// What the process weighs.

// goroutineSlack is one more at either end of each connection: some may still be
// starting or ending.
const goroutineSlack = 2 * soakConns

type weight struct {
	heap       uint64
	goroutines int
}

// weigh looks at the process while no call is under way and every connection is
// new: what these need while they last is not a leak, and the buffers of a
// connection grow with the biggest header it has had. before is nil, or what was
// found before.
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
	runtime.GC() // what the first takes out of a sync.Pool is only then gone
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return weight{heap: m.HeapAlloc, goroutines: goroutines}
}

// awaitGoroutines gives those that are just ending the time to end.
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
	// What comes late and stays, though not for each call: channelz's 30 last
	// events of every client, statuses and descriptors that are made when first
	// used, the buffers that gRPC's and fmt's pools are just being asked for, and
	// what the runtime keeps of ended goroutines: 150 KiB have been seen. In a long
	// soak they have come by the first weighing.
	slack := uint64(256 << 10)
	if *soakFor >= time.Minute {
		slack = 0
	}
	if most := early.heap + early.heap/10 + slack; late.heap > most {
		s.t.Errorf("the heap at rest is %d KiB, and was %d KiB; want %d KiB at most: something is kept for each call or restart",
			late.heap>>10, early.heap>>10, most>>10)
	}
	if most := early.goroutines + goroutineSlack; late.goroutines > most {
		s.t.Errorf("%d goroutines at rest, and there were %d; want %d at most", late.goroutines, early.goroutines, most)
	}
}
