package connectstatus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectinprocess"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// A caller reads the code with errstatus, and the Connect error with Connect's own functions.
func TestCallerReadsBoth(t *testing.T) {
	handlers := status.With(testrpc.CardDeclinedError{Card: "visa"}).WithRetryDelay(1500 * time.Millisecond).WithDetails(testrpc.BadRequest()).Err()
	id := interceptor.WithRequestID(func(context.Context) string { return "r-1" })
	address := serve(t, returning(handlers), onServer(id))
	for _, w := range wires {
		for _, interceptors := range [][]connect.ClientInterceptor{{knowsBilling()}, {knowsBilling(), knowsBilling()}} {
			_, err := call(t.Context(), connectTo(t, address, w, interceptors...), testrpc.ServerStream)
			declined, ok := errors.AsType[testrpc.CardDeclinedError](err)
			if !ok || declined.Card != "visa" {
				t.Errorf("%s: errors.AsType finds %v in %v; want the parameters", w.name, declined, err)
			}
			if !errors.Is(err, testrpc.CardDeclined) || status.Code(err) != testrpc.CardDeclined || status.RequestID(err) != "r-1" {
				t.Errorf("%s: the code is %v and the id %q; want CardDeclined and r-1", w.name, status.Code(err), status.RequestID(err))
			}
			if delay, ok := status.RetryDelay(err); !ok || delay != 1500*time.Millisecond {
				t.Errorf("%s: the delay is %v; want 1.5s", w.name, delay)
			}
			if _, ok := status.Detail[*errdetails.BadRequest](err); !ok || status.Convert(err).Origin() != status.OriginKnown {
				t.Errorf("%s: the caller reads %+v; want a BadRequest of a known domain", w.name, status.Convert(err).Details())
			}
			received, ok := errors.AsType[*connect.Error](err)
			if !ok || connect.CodeOf(err) != connect.CodeFailedPrecondition || received.Message() != "card visa was declined" || !received.IsRemote() {
				t.Errorf("%s: Connect reads %v from %v; want its own error", w.name, received, err)
			}
			if got, want := err.Error(), "CardDeclined: card visa was declined"; got != want {
				t.Errorf("%s: the text is %q; want %q", w.name, got, want)
			}
		}
	}
}

func knowsBilling() connect.ClientInterceptor {
	return onClient(interceptor.WithTable(testrpc.Billing))
}

// A status that carries no code keeps Connect's text, and isn't taken for a code.
func TestUncodedStatus(t *testing.T) {
	for name, address := range map[string]string{
		"refused":                    "127.0.0.1:1",
		"a server without errstatus": serve(t, returning(connect.NewError(connect.CodeNotFound, "no route"))),
		"not Connect":                listen(t, http.NotFoundHandler()),
	} {
		for _, w := range wires {
			_, plain := connectTo(t, address, w).UnaryCall(t.Context(), &testgrpc.SimpleRequest{})
			_, err := connectTo(t, address, w, onClient()).UnaryCall(t.Context(), &testgrpc.SimpleRequest{})
			if err == nil || err.Error() != plain.Error() || connect.CodeOf(err) != connect.CodeOf(plain) {
				t.Errorf("%s, %s: the caller gets %v; want Connect's own %v", name, w.name, err, plain)
			}
			if code, ok := status.Declared(err); ok || grpcstatus.Code(err) != grpccodes.Code(connect.CodeOf(plain)) {
				t.Errorf("%s, %s: the caller reads %v and %v; want no code, and gRPC's code", name, w.name, code, grpcstatus.Code(err))
			}
			if st := status.Convert(err); st.Origin() != status.OriginBare {
				t.Errorf("%s, %s: the origin is %v; want bare", name, w.name, st.Origin())
			}
		}
	}
}

// errors.Is finds a context's error if the caller's own context has ended in this way, and not
// if something else ended the call.
func TestCallersContext(t *testing.T) {
	blocks := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // so that the server notices when the client is gone
		<-r.Context().Done()
	}))
	for _, w := range wires {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := connectTo(t, blocks, w, onClient()).UnaryCall(ctx, &testgrpc.SimpleRequest{})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || connect.CodeOf(err) != connect.CodeDeadlineExceeded {
			t.Errorf("%s: after the caller's deadline, the caller gets %v; want context.DeadlineExceeded", w.name, err)
		}

		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		_, err = connectTo(t, blocks, w, onClient()).UnaryCall(ctx, &testgrpc.SimpleRequest{})
		if !errors.Is(err, context.Canceled) || connect.CodeOf(err) != connect.CodeCanceled {
			t.Errorf("%s: after the caller's cancel, the caller gets %v; want context.Canceled", w.name, err)
		}
	}
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		local := connect.NewError(connect.CodeOf(ended), ended.Error()).WithCause(ended) // as of an http.Client's timeout
		if err := decoded(t, local); errors.Is(err, ended) || !errors.Is(err, local) {
			t.Errorf("with a context that is alive, the caller gets %v; want no context error in it", err)
		}
	}
}

// decoded returns what a caller gets if a call can't be opened.
func decoded(tb testing.TB, err error, opts ...interceptor.ClientOption) error {
	tb.Helper()
	_, err = onClient(opts...)(func(context.Context, connect.Spec) (connect.ClientStream, error) {
		return nil, err
	})(tb.Context(), connect.Spec{Procedure: "/shop.Orders/Get"})
	return err
}

// An error that isn't a status is returned unchanged. So is one that was decoded before.
func TestUnchanged(t *testing.T) {
	received := testrpc.Received(t, codes.RecordNotFound)
	for _, err := range []error{
		errors.New("no status"), context.Canceled, io.EOF, codes.Args, received, fmt.Errorf("in a call: %w", received),
		connect.NewError(connect.CodeUnknown, "EOF").WithCause(io.EOF), connect.NewError(connect.CodeInternal, "EOF").WithCause(fmt.Errorf("reading: %w", io.EOF)),
		connect.NewError(connect.CodeNotFound, "").WithCause(codes.Args),
	} {
		if got := decoded(t, err); got != err {
			t.Errorf("the caller gets %v; want the same error, %v", got, err)
		}
	}
}

// An error that never ends is decoded as far as it can be read.
func TestEndlessCause(t *testing.T) {
	local := connect.NewError(connect.CodeUnavailable, "refused").WithCause(&endless{})
	err := decoded(t, local)
	if connect.CodeOf(err) != connect.CodeUnavailable || !errors.Is(err, local) || errors.Is(err, io.ErrNoProgress) || err.Error() != local.Error() {
		t.Errorf("the caller gets %v; want the Connect error", err)
	}
}

// Observers are told of each failed call once, whatever fails in it. Installing twice changes
// nothing.
func TestObservedOnce(t *testing.T) {
	for _, w := range wires {
		for _, k := range w.kinds() {
			for _, at := range k.Moments {
				var events atomic.Int32
				observer := onClient(interceptor.WithObserver(func(_ context.Context, e interceptor.Event) {
					events.Add(1)
					if !e.Call.IsClient || e.Code != codes.RecordNotFound || e.Call.FullMethod() != "/grpc.testing.TestService/"+k.Method {
						t.Errorf("the event is %+v; want RecordNotFound of %s", e, k.Method)
					}
				}))
				svc := returning(nil)
				svc.Return(at, codes.RecordNotFound)
				call(t.Context(), connectTo(t, serve(t, svc, onServer()), w, observer, observer), k)
				if got := events.Load(); got != 1 {
					t.Errorf("%s, %s %v: observers are told %d times; want once", w.name, k.Name, at, got)
				}
			}
		}
	}
}

// Every method of a stream returns decoded errors, of which observers are told of one. Methods
// can fail at the same time.
func TestEveryMethodDecodes(t *testing.T) {
	var observed atomic.Int32
	stream := open(t, failingStream{carrying(t, codes.RecordNotFound)}, interceptor.WithObserver(func(context.Context, interceptor.Event) { observed.Add(1) }))
	var calls sync.WaitGroup
	for name, method := range map[string]func() error{
		"SendHeaders": stream.SendHeaders, "Send": func() error { return stream.Send(nil) }, "CloseSend": stream.CloseSend,
		"Receive": func() error { return stream.Receive(nil) }, "Close": stream.Close,
	} {
		calls.Go(func() {
			if err := method(); !errors.Is(err, codes.RecordNotFound) {
				t.Errorf("%s() = %v; want RecordNotFound", name, err)
			}
		})
	}
	calls.Wait()
	if got := observed.Load(); got != 1 {
		t.Errorf("observers are told %d times; want once", got)
	}
}

// An observer can use the stream: it is called without a lock.
func TestObserverUsesTheStream(t *testing.T) {
	var stream connect.ClientStream
	var closed error
	stream = open(t, failingStream{carrying(t, codes.RecordNotFound)}, interceptor.WithObserver(func(context.Context, interceptor.Event) {
		closed = stream.Close()
	}))
	received := make(chan error, 1)
	go func() { received <- stream.Receive(nil) }()
	select {
	case err := <-received:
		if !errors.Is(err, codes.RecordNotFound) || !errors.Is(closed, codes.RecordNotFound) {
			t.Errorf("Receive() = %v and Close() = %v; want RecordNotFound", err, closed)
		}
	case <-time.After(patience):
		t.Fatalf("Receive() still waits after %v for an observer that closes the stream", patience)
	}
}

// An error without a status doesn't count as the one of which observers are told.
func TestUnobservedFirst(t *testing.T) {
	var observed int
	failing := &failingStream{errors.New("no status")}
	stream := open(t, failing, interceptor.WithObserver(func(context.Context, interceptor.Event) { observed++ }))
	stream.Send(nil)
	failing.err = carrying(t, codes.RecordNotFound)
	if err := stream.Receive(nil); !errors.Is(err, codes.RecordNotFound) || observed != 1 {
		t.Errorf("Receive() = %v, and observers are told %d times; want RecordNotFound, once", err, observed)
	}
}

// open returns a stream to a caller with errstatus.
func open(t *testing.T, stream connect.ClientStream, opts ...interceptor.ClientOption) connect.ClientStream {
	t.Helper()
	opened, err := onClient(opts...)(func(context.Context, connect.Spec) (connect.ClientStream, error) {
		return stream, nil
	})(t.Context(), connect.Spec{Procedure: "/shop.Orders/Watch"})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// carrying returns a received Connect error that carries a code.
func carrying(t *testing.T, c codes.ErrorCode) *connect.Error {
	t.Helper()
	return connect.NewError(connect.Code(codes.RowOf(c).GRPCCode), "x").WithRemote().WithDetail(detail(t, testrpc.ErrorInfo(c)))
}

// A failingStream fails in every method.
type failingStream struct{ err error }

func (s failingStream) SendHeaders() error { return s.err }
func (s failingStream) Send(any) error     { return s.err }
func (s failingStream) CloseSend() error   { return s.err }
func (s failingStream) Receive(any) error  { return s.err }
func (s failingStream) Close() error       { return s.err }

// Options of the client apply: tables, assumed codes and sentinels.
func TestClientOptions(t *testing.T) {
	errMissing := errors.New("missing")
	bare := connect.NewError(connect.CodeNotFound, "no such user").WithRemote()
	err := decoded(t, bare, interceptor.WithAssumedCodes(), interceptor.WithSentinel(errMissing, codes.RecordNotFound))
	if !errors.Is(err, codes.RecordNotFound) || !errors.Is(err, errMissing) {
		t.Errorf("the caller gets %v; want the assumed code RecordNotFound and its sentinel", err)
	}
}

// A client reads the numeric form of a gRPC server, whose code Connect doesn't know.
func TestNumericForm(t *testing.T) {
	address := serveGRPC(t, testrpc.Returning(codes.RecordNotFound), interceptor.ServerOptions(interceptor.WithOpenIMForm(interceptor.OpenIMAlways))...)
	_, err := connectTo(t, address, wires[2], onClient()).UnaryCall(t.Context(), &testgrpc.SimpleRequest{})
	if !errors.Is(err, codes.RecordNotFound) || connect.CodeOf(err) != 1004 {
		t.Errorf("the caller gets %v with code %v; want RecordNotFound and 1004", err, connect.CodeOf(err))
	}
}

// In one process, a server's causes stay private to it, with and without errstatus.
func TestInProcess(t *testing.T) {
	cause := errors.New(testrpc.Secret)
	own := connect.NewError(connect.CodeNotFound, "loading").WithDetail(detail(t, testrpc.BadRequest())).WithCause(errors.Join(cause, codes.Args))
	for _, tt := range []struct {
		name         string
		handlers     error
		interceptors []connect.ServerInterceptor
		want         *spb.Status
	}{
		{"a code", status.Wrap(cause, codes.RecordNotFound, "loading"), []connect.ServerInterceptor{onServer()}, testrpc.Carrying(t, codes.RecordNotFound, "loading")},
		{"a Connect error, without errstatus", own, nil, testrpc.Canonical(t, grpccodes.NotFound, "loading", testrpc.BadRequest())},
	} {
		server := connect.NewServer(tt.interceptors...)
		grpc_testingconnect.RegisterTestServiceHandler(server, returning(tt.handlers))
		client := grpc_testingconnect.NewTestServiceClient(connect.NewClient(connectinprocess.New(server), onClient()))
		for _, k := range testrpc.Kinds {
			_, err := call(t.Context(), client, k)
			testrpc.CheckStatus(t, err, tt.want)
			testrpc.CheckNoSecret(t, err)
			if errors.Is(err, cause) || errors.Is(err, codes.Args) || connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("%s, %s: the caller gets %v; want NOT_FOUND without the server's cause", tt.name, k.Name, err)
			}
		}
	}
}

// A hostile answer never panics and loses nothing of Connect's error.
func TestHostileAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"a number":       `{"code":"code_1004","message":"x"}`,
		"no code":        `{"message":"x"}`,
		"nothing":        `{}`,
		"no JSON":        `<html>`,
		"null details":   `{"code":"not_found","details":[{}]}`,
		"garbage detail": `{"code":"not_found","details":[{"type":"google.rpc.ErrorInfo","value":"` + connect.EncodeBinaryHeader([]byte("\xff\xff")) + `"}]}`,
		"odd type":       `{"code":"not_found","details":[{"type":"/","value":""},{"type":"","value":"AA"}]}`,
		"bad base64":     `{"code":"not_found","details":[{"type":"google.rpc.ErrorInfo","value":"!"}]}`,
		"a large detail": `{"code":"not_found","message":"x","details":[{"type":"google.rpc.ErrorInfo","value":"` + strings.Repeat("CgF4", 1<<18) + `"}]}`,
		"a long message": `{"code":"not_found","message":"` + strings.Repeat("x", 1<<20) + `"}`,
		"control":        `{"code":"not_found","message":"a\u0000\n\u202eb\ud800"}`,
	} {
		t.Run(name, func(t *testing.T) {
			address := listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				io.WriteString(w, body)
			}))
			_, plain := connectTo(t, address, wires[0]).UnaryCall(t.Context(), &testgrpc.SimpleRequest{})
			_, err := connectTo(t, address, wires[0], onClient()).UnaryCall(t.Context(), &testgrpc.SimpleRequest{})
			if connect.CodeOf(err) != connect.CodeOf(plain) || err.Error() != plain.Error() {
				t.Errorf("the caller gets %.200q; want %.200q", err, plain)
			}
			if _, ok := status.Declared(err); ok {
				t.Errorf("%.200q carries a code; want none", err)
			}
		})
	}
}

// FuzzDecode gives a caller any Connect error.
func FuzzDecode(f *testing.F) {
	for row := range codes.Default().All() {
		info, err := connectproto.NewErrorDetail(testrpc.ErrorInfo(row.Code))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint32(row.GRPCCode), row.Message, info.Type, info.Value, true)
	}
	f.Add(uint32(1004), "", "", []byte("\xff"), false)
	f.Fuzz(func(t *testing.T, code uint32, message, typeName string, value []byte, remote bool) {
		received := connect.NewError(connect.Code(code), message).WithDetail(&connect.ErrorDetail{Type: typeName, Value: value})
		if remote {
			received = received.WithRemote()
		}
		err := decoded(t, received)
		if found, ok := errors.AsType[*connect.Error](err); !ok || found != received || connect.CodeOf(err) != received.Code() {
			t.Fatalf("in %v, the Connect error is %v; want the received one, %v", err, found, received)
		}
		if code, ok := status.Declared(err); ok != errors.Is(err, code) || !ok && err.Error() != received.Error() {
			t.Fatalf("the caller gets %q with %v; want Connect's text unless it carries a code", err, code)
		}
		_, _ = fmt.Sprintf("%+v", err), status.Convert(err).Details()

		answer := onServer()(func(context.Context, connect.Spec, connect.ServerStream) error { return received })(t.Context(), connect.Spec{Procedure: "/s/m"}, nil)
		checkAnswer(t, answer, received)
	})
}

// checkAnswer checks what a server makes of a Connect error that a handler returns: a Connect
// error of its own with a code in 1..16, which doesn't have a received message.
func checkAnswer(t *testing.T, answer error, received *connect.Error) {
	t.Helper()
	e, ok := answer.(*connect.Error)
	if !ok || e.IsRemote() || e.Code() < connect.CodeCanceled || e.Code() > connect.CodeUnauthenticated {
		t.Fatalf("the server sends %#v; want a Connect error of its own, with a code in 1..16", answer)
	}
	if !utf8.ValidString(e.Message()) || strings.Trim(e.Message(), " ") != e.Message() {
		t.Fatalf("the server sends the message %q; want valid UTF-8 without spaces around it", e.Message())
	}
	if received.IsRemote() && !slices.Contains(fixedMessages, e.Message()) {
		t.Fatalf("the server sends the message %q for a received status; want one of %q", e.Message(), fixedMessages)
	}
}

// fixedMessages are sent for a received status that isn't trusted.
var fixedMessages = []string{
	codes.RowOf(codes.ServerInternal).Message, "an upstream service is unavailable", "an upstream service did not answer in time",
}
