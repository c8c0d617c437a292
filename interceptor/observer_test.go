package interceptor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// An eventRecorder keeps the events that its observer gets.
type eventRecorder struct{ events []interceptor.Event }

func (o *eventRecorder) option() interceptor.Option {
	return interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { o.events = append(o.events, e) })
}

// one returns the event since its last call. It fails the test if there isn't exactly one.
func (o *eventRecorder) one(t *testing.T, of string) interceptor.Event {
	t.Helper()
	events := o.events
	o.events = nil
	if len(events) != 1 {
		t.Errorf("%s: the observer got %d events; want 1", of, len(events))
		return interceptor.Event{}
	}
	return events[0]
}

// A loops error wraps itself without end.
type loops struct{}

func (loops) Error() string { return "loops" }
func (loops) Unwrap() error { return loops{} }

func TestServerObserverGetsEveryFailure(t *testing.T) {
	plain := errors.New("dsn=secret")
	received := func(err error) error { return new(status.Decoder).Decode(t.Context(), err) }
	deadline := fmt.Errorf("%w", context.DeadlineExceeded)
	tests := []struct {
		name string
		err  error
		want interceptor.Event
	}{
		{"a code", codes.RecordNotFound, interceptor.Event{Code: codes.RecordNotFound, Declared: true, GRPCCode: grpccodes.NotFound, Source: status.SourceCode}},
		{"a cause", status.Wrap(plain, codes.Args, "x"), interceptor.Event{Code: codes.Args, Declared: true, GRPCCode: grpccodes.InvalidArgument, Source: status.SourceCode}},
		{"a plain error", plain, interceptor.Event{Code: codes.ServerInternal, Declared: true, GRPCCode: grpccodes.Internal, Source: status.SourceUnknown, Withheld: true}},
		{"a gRPC status", grpcstatus.Error(grpccodes.NotFound, "x"),
			interceptor.Event{Code: codes.SdkUnknownCode, GRPCCode: grpccodes.NotFound, Source: status.SourceGRPCStatus, Origin: status.OriginBare}},
		{"a deadline", deadline, interceptor.Event{Code: codes.SdkUnknownCode, GRPCCode: grpccodes.DeadlineExceeded, Source: status.SourceDeadline}},
		{"a forwarded raw number", received(grpcstatus.Error(1004, "x")),
			interceptor.Event{Code: codes.RecordNotFound, Declared: true, GRPCCode: grpccodes.NotFound, Source: status.SourceForwarded, Origin: status.OriginNumeric}},
		{"a raw number without a row", received(grpcstatus.Error(2001, "x")),
			interceptor.Event{Code: codes.ServerInternal, Declared: true, GRPCCode: grpccodes.Internal, Source: status.SourceUpstream, Withheld: true, Origin: status.OriginNumeric}},
		{"a received bare status", received(grpcstatus.Error(grpccodes.Unavailable, "x")),
			interceptor.Event{Code: codes.SdkUnknownCode, GRPCCode: grpccodes.Unavailable, Source: status.SourceUpstream, Withheld: true, Origin: status.OriginBare}},
		{"a large message", status.Error(codes.Args, strings.Repeat("x", 5000)),
			interceptor.Event{Code: codes.Args, Declared: true, GRPCCode: grpccodes.InvalidArgument, Source: status.SourceCode, Truncated: status.TruncatedMessage}},
		{"metadata keys that aren't allowed", status.New(codes.Args, "").WithMetadata("code", "1").WithMetadata("Key", "2").Err(),
			interceptor.Event{Code: codes.Args, Declared: true, GRPCCode: grpccodes.InvalidArgument, Source: status.SourceCode, DroppedKeys: []string{"Key", "code"}}},
	}
	for _, tt := range tests {
		var o eventRecorder
		serverUnary(tt.err, o.option())
		tt.want.Err = tt.err
		tt.want.Call = interceptors.CallMeta{Typ: interceptors.Unary, Service: "users.Users", Method: "Get"}
		sameError := cmp.Comparer(func(a, b error) bool { return a == b })
		tt.want.Fault = codes.FaultOf(tt.want.GRPCCode) // no row overrides it
		if diff := cmp.Diff(tt.want, o.one(t, tt.name), sameError, cmpopts.IgnoreUnexported(interceptor.Event{})); diff != "" {
			t.Errorf("%s: the observer's event (-want +got):\n%s", tt.name, diff)
		}
		serverStream(tt.err, o.option())
		if got := o.one(t, tt.name+", stream"); got.Call.Method != "Watch" || got.Call.Typ != interceptors.BidiStream || got.Err != tt.err {
			t.Errorf("%s, stream: the observer's event is %+v; want Watch, %v and the error %v", tt.name, got, interceptors.BidiStream, tt.err)
		}
	}
}

// If a status carries no code, the event has the UNKNOWN default of the server's table.
func TestEventOfABareStatusHasTheUnknownDefault(t *testing.T) {
	var o eventRecorder
	bare := grpcstatus.Error(grpccodes.Internal, "x")
	for name, call := range map[string]func(){
		"server": func() { serverUnary(bare, o.option(), interceptor.WithTable(mineTable)) },
		"stream": func() { serverStream(bare, o.option(), interceptor.WithTable(mineTable)) },
		"client": func() { clientUnary(bare, o.option(), interceptor.WithTable(mineTable)) },
	} {
		call()
		if got := o.one(t, name); got.Code != codes.Code(mineCode(2)) || got.Declared || got.GRPCCode != grpccodes.Internal {
			t.Errorf("%s: the event's code is %v, declared %t, %v; want mineCode(2), false, Internal", name, got.Code, got.Declared, got.GRPCCode)
		}
	}
}

// A mineCode belongs to another domain than the default table's.
type mineCode int32

func (mineCode) Error() string          { return "mine" }
func (c mineCode) Number() codes.Number { return codes.Number(c) }
func (mineCode) Table() *codes.Table    { return mineTable }

var mineTable *codes.Table

func init() {
	mineTable = codes.MustTable("mine.example",
		codes.Row{Code: mineCode(1), Reason: "MINE_INTERNAL", GRPCCode: grpccodes.Internal, Message: "x", Default: true},
		codes.Row{Code: mineCode(2), Reason: "MINE_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "x", Default: true})
}

// The observer gets a replacement for an error that isn't safe to run.
func TestObserverGetsNoUnsafeError(t *testing.T) {
	for _, tt := range []struct {
		err    error
		panics bool
	}{
		{loops{}, false},
		{status.Wrap(loops{}, codes.Args, ""), false},
		{panics{}, true},
		{panicsInError{}, true},
		{status.Wrap(panicsInError{}, codes.Args, ""), true},
	} {
		var o eventRecorder
		serverUnary(tt.err, o.option())
		event := o.one(t, fmt.Sprintf("%T", tt.err))
		if event.Err == tt.err || !strings.Contains(event.Err.Error(), fmt.Sprintf("%T", tt.err)) {
			t.Errorf("%T: the observer got %v; want another error that names the type", tt.err, event.Err)
		}
		if (event.Panic != nil) != tt.panics {
			t.Errorf("%T: the event's panic is %v; want one: %t", tt.err, event.Panic, tt.panics)
		}
	}
}

func TestSuccessIsNotObserved(t *testing.T) {
	var o eventRecorder
	serverUnary(nil, o.option())
	serverStream(nil, o.option())
	clientUnary(nil, o.option())
	if len(o.events) > 0 {
		t.Errorf("the observer got %v; want nothing", o.events)
	}
}

func TestInstalledTwiceTheSameObserverIsCalledOnce(t *testing.T) {
	var o eventRecorder
	same := o.option()
	for name, server := range map[string]func(error, ...interceptor.ServerOption) error{"unary": serverUnary, "stream": serverStream} {
		for of, err := range map[string]error{"a code": codes.RecordNotFound, "a plain error": errors.New("dsn=secret")} {
			server(server(err, same), same)
			if got := o.one(t, "server, "+name+", "+of); got.Err != err || got.Source == status.SourceEncoded {
				t.Errorf("%s, %s: the server's event has %v, %v; want the error that the handler returned, and its source", name, of, got.Err, got.Source)
			}
		}
	}
	decoded := clientUnary(codes.RecordNotFound.GRPCStatus().Err(), same)
	clientUnary(decoded, same)
	if got := o.one(t, "client"); got.Err != decoded {
		t.Errorf("the client's event has %v; want the caller's error, %v", got.Err, decoded)
	}
}

// An outer interceptor with an observer of its own tells it that the inner one has decided.
func TestObserverOfAnOuterInterceptorIsToldThatTheInnerOneDecided(t *testing.T) {
	for name, server := range map[string]func(error, ...interceptor.ServerOption) error{"unary": serverUnary, "stream": serverStream} {
		var inner, outer eventRecorder
		var sent error
		if logged := captured(t, func() { sent = server(server(codes.RecordNotFound, inner.option()), outer.option()) }); logged != "" {
			t.Errorf("%s: the log is %s; want nothing", name, logged)
		}
		if got := inner.one(t, name+", inner"); got.Err != error(codes.RecordNotFound) || got.Source != status.SourceCode {
			t.Errorf("%s: the inner observer's event has %v, %v; want RecordNotFound, code", name, got.Err, got.Source)
		}
		got := outer.one(t, name+", outer")
		if got.Source != status.SourceEncoded || got.Code != codes.Code(codes.RecordNotFound) || !got.Declared || !errors.Is(got.Err, codes.RecordNotFound) {
			t.Errorf("%s: the outer observer's event is %+v; want RecordNotFound, encoded", name, got)
		}
		server(sent, outer.option()) // a third interceptor has another option value
		outer.one(t, name+", outermost")
	}
}

func TestClientObserverGetsTheReceivedStatus(t *testing.T) {
	large := new(status.Encoder).Encode(t.Context(), status.Error(codes.Args, strings.Repeat("x", 5000))).Status()
	tests := []struct {
		name      string
		received  error
		want      codes.Code
		declared  bool
		grpc      grpccodes.Code
		origin    status.Origin
		truncated status.Truncation
	}{
		{"an ErrorInfo of a known domain", codes.RecordNotFound.GRPCStatus().Err(), codes.RecordNotFound, true, grpccodes.NotFound, status.OriginKnown, 0},
		{"a raw number", grpcstatus.Error(1004, "x"), codes.RecordNotFound, true, grpccodes.NotFound, status.OriginNumeric, 0},
		{"a raw number without a row", grpcstatus.Error(2001, "x"), codes.SdkUnknownCode, false, grpccodes.Unknown, status.OriginNumeric, 0},
		{"a bare status", grpcstatus.Error(grpccodes.NotFound, "x"), codes.SdkUnknownCode, false, grpccodes.NotFound, status.OriginBare, 0},
		{"a code of an unknown domain", mineTable.GRPCStatus(1).Err(), codes.SdkUnknownCode, false, grpccodes.Internal, status.OriginForeign, 0},
		{"a truncated status", large.Err(), codes.Args, true, grpccodes.InvalidArgument, status.OriginKnown, status.TruncatedMessage},
	}
	for _, tt := range tests {
		var o eventRecorder
		err := clientUnary(tt.received, o.option())
		got := o.one(t, tt.name)
		if got.Code != tt.want || got.Declared != tt.declared || got.GRPCCode != tt.grpc || got.Origin != tt.origin || got.Truncated != tt.truncated || got.Err != err ||
			!got.Call.IsClient || got.Call.FullMethod() != "/users.Users/Get" || got.Source != status.SourceNone {
			t.Errorf("%s: the observer's event is %+v; want code %v, declared %t, %v, %v, truncated %v and the error %v", tt.name, got, tt.want, tt.declared, tt.grpc, tt.origin, tt.truncated, err)
		}
	}
}

func TestClientObserverGetsTheAssumedCode(t *testing.T) {
	var o eventRecorder
	clientUnary(grpcstatus.Error(grpccodes.NotFound, "x"), o.option(), interceptor.WithAssumedCodes())
	if got := o.one(t, "a bare status"); got.Code != codes.Code(codes.RecordNotFound) || !got.Declared || got.GRPCCode != grpccodes.NotFound || got.Origin != status.OriginBare {
		t.Errorf("the observer's event is %+v; want RecordNotFound, declared, NotFound, bare", got)
	}
}

// The observer is called once for a stream, even if several of its methods fail.
func TestStreamIsObservedOnce(t *testing.T) {
	var o eventRecorder
	open := func(inner grpc.ClientStream, err error) grpc.ClientStream {
		stream, _ := interceptor.StreamClient(o.option())(t.Context(), streamDesc, nil, "/users.Users/Watch",
			func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
				return inner, err
			})
		return stream
	}
	sent := codes.SrvDatabase.GRPCStatus().Err()
	open(nil, sent)
	if got := o.one(t, "opening"); got.Code != codes.Code(codes.SrvDatabase) || got.Call.Typ != interceptors.BidiStream {
		t.Errorf("opening a stream: the observer's event is %+v; want SrvDatabase and a bidi stream", got)
	}
	stream := open(&failingStream{err: sent}, nil)
	for range 2 {
		for _, method := range each(stream) {
			_ = method()
		}
	}
	if got := o.one(t, "methods"); got.Code != codes.Code(codes.SrvDatabase) || got.Call.FullMethod() != "/users.Users/Watch" {
		t.Errorf("a stream's methods: the observer's event is %+v; want SrvDatabase of /users.Users/Watch", got)
	}
}

// An error that can't be compared has no status, so the client returns it unchanged.
// Comparing it with == would panic.
func TestClientObserverIgnoresUncomparableErrors(t *testing.T) {
	var o eventRecorder
	if err := clientUnary(uncomparable{"x"}, o.option()); err == nil || len(o.events) > 0 {
		t.Errorf("the caller gets %v and the observer %v; want the error unchanged, and no event", err, o.events)
	}
}

// captured returns what slog's default logger writes while f runs.
func captured(t *testing.T, f func()) string {
	t.Helper()
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	defer slog.SetDefault(before)
	f()
	return buffer.String()
}

func TestObserverDoesNotReplaceTheLog(t *testing.T) {
	plain := errors.New("dsn=secret")
	var o eventRecorder
	if got := captured(t, func() { serverUnary(plain, o.option()) }); strings.Count(got, "dsn=secret") != 1 || len(o.events) != 1 {
		t.Errorf("the log is %q and the observer got %v; want the error once in each", got, o.events)
	}
	if got := captured(t, func() { serverUnary(plain, o.option(), interceptor.WithLogger(nil)) }); got != "" || len(o.events) != 2 {
		t.Errorf("without a logger, the log is %q and the observer got %v; want the error in the observer only", got, o.events)
	}
	if got := captured(t, func() { serverUnary(codes.Args); clientUnary(grpcstatus.Error(5, "x")) }); got != "" {
		t.Errorf("the log is %q; want nothing, because the caller reads the error's own text", got)
	}
}

// If an observer panics, the panic is logged, the other observers run, and the caller
// gets the same error.
func TestPanicOfAnObserverChangesNothing(t *testing.T) {
	var o eventRecorder
	bad := interceptor.WithObserver(func(context.Context, interceptor.Event) { panic("nil map") })
	logged := captured(t, func() {
		if err := serverUnary(codes.RecordNotFound, bad, o.option()); status.Code(err) != codes.Code(codes.RecordNotFound) {
			t.Errorf("the caller of a server gets %v; want RecordNotFound", err)
		}
		if err := serverStream(codes.RecordNotFound, bad); status.Code(err) != codes.Code(codes.RecordNotFound) {
			t.Errorf("the caller of a server's stream gets %v; want RecordNotFound", err)
		}
		if err := clientUnary(codes.RecordNotFound.GRPCStatus().Err(), bad); status.Code(err) != codes.Code(codes.RecordNotFound) {
			t.Errorf("a client's caller gets %v; want RecordNotFound", err)
		}
	})
	o.one(t, "the observer after the one that panics")
	if strings.Count(logged, "panic: nil map") != 3 || !strings.Contains(logged, "observer_test.go") {
		t.Errorf("the log is %s; want the panic three times, with its stack", logged)
	}
	if logged := captured(t, func() { serverUnary(codes.RecordNotFound, bad, interceptor.WithLogger(nil)) }); logged != "" {
		t.Errorf("with WithLogger(nil) the log is %s; want nothing", logged)
	}
	// The caller gets the same error even if the log panics too.
	before := slog.Default()
	slog.SetDefault(slog.New(panickingHandler{}))
	defer slog.SetDefault(before)
	if err := serverUnary(errors.New("x"), bad); status.Code(err) != codes.Code(codes.ServerInternal) {
		t.Errorf("with a log that panics, the caller gets %v; want ServerInternal", err)
	}
}

type panickingHandler struct{ slog.Handler }

func (panickingHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h panickingHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (panickingHandler) Handle(context.Context, slog.Record) error {
	panic("the log panics")
}

func TestRecoveryHandlerHidesThePanic(t *testing.T) {
	handler := recovery.WithRecoveryHandler(status.Recovered)
	for _, value := range []any{"dsn=secret", codes.RecordNotFound, status.Error(codes.Args, "x"), loops{}, error(panicsInError{})} {
		var o eventRecorder
		recovered := func() (err error) {
			_, err = recovery.UnaryServerInterceptor(handler)(t.Context(), nil, unaryInfo, func(context.Context, any) (any, error) { panic(value) })
			return err
		}()
		err := serverUnary(recovered, o.option())
		if grpcstatus.Code(err) != grpccodes.Internal || err.Error() != "internal server error" {
			t.Errorf("panic(%T): the caller gets %v; want INTERNAL with its fixed message", value, err)
		}
		event := o.one(t, fmt.Sprintf("panic(%T)", value))
		if event.Source != status.SourcePanic || event.Panic == nil || event.Panic.Value != value || !strings.Contains(string(event.Panic.Stack), "TestRecoveryHandler") {
			t.Errorf("panic(%T): the observer's event is %+v; want the panic's value and its stack", value, event)
		}
		if panicked, ok := errors.AsType[*status.PanicError](event.Err); !ok || !strings.HasPrefix(panicked.Error(), "panic: ") {
			t.Errorf("panic(%T): the event's error is %v; want a PanicError", value, event.Err)
		}
	}
	recovered := recovery.StreamServerInterceptor(handler)(nil, openServerStream{}, streamInfo, func(any, grpc.ServerStream) error { panic("dsn=secret") })
	logged := captured(t, func() { serverStream(recovered) })
	if !strings.Contains(logged, "panic: dsn=secret") || !strings.Contains(logged, "TestRecoveryHandler") {
		t.Errorf("the log is %s; want the panic and its stack", logged)
	}
	if text := fmt.Sprintf("%v|%+v", recovered, recovered); !strings.HasPrefix(text, "panic: dsn=secret|panic: dsn=secret\n") || !strings.Contains(text, "goroutine") {
		t.Errorf("%%v and %%+v print %s; want the value, and with %%+v also the stack", text)
	}
}

func TestWrongOptionValuesPanic(t *testing.T) {
	for name, tt := range map[string]struct {
		make func()
		want string
	}{
		"a size that is too small":          {func() { interceptor.WithMaxStatusSize(1023) }, "WithMaxStatusSize(1023)"},
		"a negative size":                   {func() { interceptor.WithMaxStatusSize(-1) }, "WithMaxStatusSize(-1)"},
		"an unknown trust":                  {func() { interceptor.WithUpstreamTrust(3) }, "WithUpstreamTrust(Trust(3))"},
		"an unknown level of OpenIM errors": {func() { interceptor.WithOpenIMErrors(3) }, "WithOpenIMErrors(OpenIMErrorLevel(3))"},
		"no observer":                       {func() { interceptor.WithObserver(nil) }, "WithObserver(nil)"},
		"a code without a table":            {func() { interceptor.WithErrorMapping(errors.New("x"), codeWithoutTable(1)) }, "interceptor_test.codeWithoutTable"},
	} {
		if got := panicOf(tt.make); !strings.Contains(got, tt.want) || !strings.HasPrefix(got, "interceptor: ") {
			t.Errorf("%s: the panic's text is %q; want it to contain %q", name, got, tt.want)
		}
	}
	for _, trust := range []status.Trust{status.TrustKnown, status.TrustNone, status.TrustAll} {
		interceptor.WithUpstreamTrust(trust)
	}
}

// A codeWithoutTable is a code whose Table method returns nil.
type codeWithoutTable int32

func (codeWithoutTable) Error() string          { return "codeWithoutTable" }
func (c codeWithoutTable) Number() codes.Number { return codes.Number(c) }
func (codeWithoutTable) Table() *codes.Table    { return nil }
