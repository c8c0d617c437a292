package interceptor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// uncomparable can be no target: == on two of it panics.
type uncomparable []string

func (uncomparable) Error() string { return "uncomparable" }

// holder has a type that can be compared, but not with this in it.
type holder struct{ error }

func TestWrongOptionPanicsWithItsNameAndValue(t *testing.T) {
	server := interceptor.WithErrorMapping(io.EOF, codes.SrvData)
	table := interceptor.WithTable(codes.Default())
	tests := []struct {
		name string
		make func()
		want []string // in the panic's text
	}{
		{"WithTable of nil", func() { interceptor.WithTable(nil) }, []string{"WithTable(nil)"}},
		{"WithTable of a table without rows", func() { interceptor.WithTable(&codes.Table{}) }, []string{"WithTable"}},
		{"WithTable of codes of another domain", func() {
			interceptor.WithTable(codes.MustTable("my.example",
				codes.Row{Code: codes.ServerInternal, Reason: "MY_INTERNAL", GRPCCode: 13, Message: "x", Default: true},
				codes.Row{Code: codes.SdkUnknownCode, Reason: "MY_UNKNOWN", GRPCCode: 2, Message: "x", Default: true}))
		}, []string{"WithTable", `"my.example"`}},
		{"WithErrorMapping of no target", func() { interceptor.WithErrorMapping(nil, codes.Args) }, []string{"WithErrorMapping(nil"}},
		{"WithErrorMapping to no code", func() { interceptor.WithErrorMapping(io.EOF, nil) }, []string{"WithErrorMapping(EOF", "nil"}},
		{"WithErrorMapping to success", func() { interceptor.WithErrorMapping(io.EOF, codes.NoError) }, []string{"WithErrorMapping(EOF", "NoError"}},
		{"WithErrorMapping to a negative code", func() { interceptor.WithErrorMapping(io.EOF, codes.ErrorCode(-7)) }, []string{"WithErrorMapping(EOF", "-7"}},
		{"WithErrorMapping of a target that can't be compared", func() { interceptor.WithErrorMapping(uncomparable{}, codes.Args) }, []string{"WithErrorMapping(uncomparable", "interceptor_test.uncomparable"}},
		{"WithErrorMapping of a target that holds what can't be compared", func() { interceptor.WithErrorMapping(holder{uncomparable{}}, codes.Args) }, []string{"WithErrorMapping(", "interceptor_test.holder"}},
		{"WithErrorMapper of nil", func() { interceptor.WithErrorMapper(nil) }, []string{"WithErrorMapper(nil)"}},

		{"nil among UnaryServer's", func() { interceptor.UnaryServer(server, nil) }, []string{"option 2 is nil"}},
		{"nil among StreamServer's", func() { interceptor.StreamServer(nil) }, []string{"option 1 is nil"}},
		{"nil among ServerOptions'", func() { interceptor.ServerOptions(server, server, nil) }, []string{"option 3 is nil"}},
		{"nil among UnaryClient's", func() { interceptor.UnaryClient(table, nil) }, []string{"option 2 is nil"}},
		{"nil among StreamClient's", func() { interceptor.StreamClient(nil) }, []string{"option 1 is nil"}},
		{"nil among DialOptions'", func() { interceptor.DialOptions(nil) }, []string{"option 1 is nil"}},

		{"two tables of a domain on a server", func() { interceptor.ServerOptions(table, table) }, []string{"WithTable", `"openim.io"`}},
		{"two tables of a domain on a client", func() { interceptor.DialOptions(table, table) }, []string{"WithTable", `"openim.io"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := panicOf(tt.make)
			for _, want := range append(tt.want, "interceptor: ") {
				if !strings.Contains(text, want) {
					t.Errorf("the panic says %q; want %q in it", text, want)
				}
			}
		})
	}
}

// panicOf is what f panics with, in text.
func panicOf(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return "no panic"
}

// The interceptors called directly: what they give back, and what it costs.

var (
	unaryInfo  = &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"}
	streamInfo = &grpc.StreamServerInfo{FullMethod: "/users.Users/Watch"}
	streamDesc = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
)

// serverUnary is what a server hands to gRPC for a handler's error.
func serverUnary(handlers error, opts ...interceptor.ServerOption) error {
	_, err := interceptor.UnaryServer(opts...)(context.Background(), nil, unaryInfo,
		func(context.Context, any) (any, error) { return nil, handlers })
	return err
}

func serverStream(handlers error, opts ...interceptor.ServerOption) error {
	return interceptor.StreamServer(opts...)(nil, openServerStream{}, streamInfo,
		func(any, grpc.ServerStream) error { return handlers })
}

type openServerStream struct{ grpc.ServerStream }

func (openServerStream) Context() context.Context { return context.Background() }

// clientUnary is what a caller gets for what a transport returned.
func clientUnary(transports error, opts ...interceptor.ClientOption) error {
	return interceptor.UnaryClient(opts...)(context.Background(), "/users.Users/Get", nil, nil, nil,
		func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return transports })
}

func clientStream(inner grpc.ClientStream, openError error) (grpc.ClientStream, error) {
	return interceptor.StreamClient()(context.Background(), streamDesc, nil, "/users.Users/Watch",
		func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			return inner, openError
		})
}

// A failingStream returns err from each method. Its Context, which would rule
// out transparent retries, isn't there to be called.
type failingStream struct {
	grpc.ClientStream
	err      error
	received int
}

func (s *failingStream) SendMsg(any) error            { return s.err }
func (s *failingStream) RecvMsg(any) error            { s.received++; return s.err }
func (s *failingStream) CloseSend() error             { return s.err }
func (s *failingStream) Header() (metadata.MD, error) { return metadata.Pairs("a", "b"), s.err }
func (s *failingStream) Trailer() metadata.MD         { return metadata.Pairs("c", "d") }
func (s *failingStream) Context() context.Context     { panic("the inner stream's Context was asked for") }

// each is a call of each method of a stream that can fail.
func each(s grpc.ClientStream) map[string]func() error {
	return map[string]func() error{
		"SendMsg":   func() error { return s.SendMsg(nil) },
		"RecvMsg":   func() error { return s.RecvMsg(nil) },
		"CloseSend": s.CloseSend,
		"Header":    func() error { _, err := s.Header(); return err },
	}
}

func TestServerResolvesEveryCode(t *testing.T) {
	for row := range codes.Default().All() {
		if row.Code == codes.NoError {
			continue
		}
		for name, err := range map[string]error{"unary": serverUnary(row.Code), "stream": serverStream(row.Code)} {
			if got := grpcstatus.Code(err); got != row.GRPCCode || !errors.Is(err, row.Code) {
				t.Errorf("%s: %v became %v, %v; want %v and the code in the chain", name, row.Code, err, got, row.GRPCCode)
			}
		}
	}
}

func TestResponseBesideAnErrorIsKept(t *testing.T) {
	resp, _ := interceptor.UnaryServer()(context.Background(), nil, unaryInfo,
		func(context.Context, any) (any, error) { return "response", codes.Args })
	if resp != "response" {
		t.Errorf("the interceptor gives %v; want the handler's response for interceptors outside", resp)
	}
}

func TestClientDecodesEveryMethodOfAStream(t *testing.T) {
	sent := codes.SrvDatabase.GRPCStatus().Err()
	if _, err := clientStream(nil, sent); !errors.Is(err, codes.SrvDatabase) {
		t.Errorf("opening: %v; want SrvDatabase", err)
	}
	stream, err := clientStream(&failingStream{err: sent}, nil)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	for name, method := range each(stream) {
		if err := method(); !errors.Is(err, codes.SrvDatabase) {
			t.Errorf("%s: %v; want SrvDatabase", name, err)
		}
	}
	if header, _ := stream.Header(); header.Get("a") == nil || stream.Trailer().Get("c") == nil {
		t.Errorf("Header() = %v, Trailer() = %v; want the inner stream's", header, stream.Trailer())
	}
}

func TestClientStreamLeavesWhatIsNoStatus(t *testing.T) {
	for _, inner := range []error{nil, io.EOF, fs.ErrInvalid} {
		stream, err := clientStream(&failingStream{err: inner}, nil)
		if err != nil {
			t.Fatalf("opening: %v", err)
		}
		for name, method := range each(stream) {
			if err := method(); err != inner {
				t.Errorf("%s: %v; want %v, identical", name, err, inner)
			}
		}
	}
}

func TestClientStreamAsksNoMoreAfterItsEnd(t *testing.T) {
	inner := &failingStream{err: grpcstatus.Error(grpccodes.NotFound, "")}
	stream, _ := clientStream(inner, nil)
	first := stream.RecvMsg(nil)
	if second := stream.RecvMsg(nil); second != first || inner.received != 1 {
		t.Errorf("RecvMsg() = %v, then %v, with %d calls of the inner one; want the same error and 1", first, second, inner.received)
	}
}

func TestClientDecodesUnary(t *testing.T) {
	sent := fmt.Errorf("%w: %w", fs.ErrClosed, codes.SrvDatabase.GRPCStatus().Err())
	if err := clientUnary(sent); !errors.Is(err, codes.SrvDatabase) || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v; want SrvDatabase and the error it came in", err)
	}
	if err := clientUnary(fs.ErrInvalid); err != fs.ErrInvalid {
		t.Errorf("got %v; want %v, identical", err, fs.ErrInvalid)
	}
}

func TestDebugInfoIsExposedOnDemand(t *testing.T) {
	err := status.New(codes.Args, "").WithDetails(&errdetails.DebugInfo{Detail: "stack"}).Err()
	for exposed, sent := range map[bool]error{
		false: serverUnary(err),
		true:  serverUnary(err, interceptor.WithDebugInfo()),
	} {
		if _, ok := status.Detail[*errdetails.DebugInfo](grpcstatus.Convert(sent).Err()); ok != exposed {
			t.Errorf("DebugInfo is sent: %t; want %t", ok, exposed)
		}
	}
}

func TestWithheldErrorIsLogged(t *testing.T) {
	tests := []struct {
		name     string
		handlers error
		want     string
	}{
		{"plain", errors.New("dsn=secret"), "dsn=secret"},
		{"one that can't be looked at", panics{}, "interceptor_test.panics, which can't be printed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var buffer bytes.Buffer
			before := slog.Default()
			slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
			defer slog.SetDefault(before)

			serverUnary(tt.handlers)
			var got map[string]any
			if err := json.Unmarshal(buffer.Bytes(), &got); err != nil {
				t.Fatalf("log %q: %v; want one record", buffer.String(), err)
			}
			for key, want := range map[string]string{
				"level": "ERROR", "grpc.service": "users.Users", "grpc.method": "Get", "grpc.code": "Internal", "error": tt.want,
			} {
				if !strings.Contains(fmt.Sprint(got[key]), want) {
					t.Errorf("%s is %q; want %q in it", key, got[key], want)
				}
			}
		})
	}
}

// TestCauseIsLogged: a text around an error of ours doesn't hide its cause.
func TestCauseIsLogged(t *testing.T) {
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	defer slog.SetDefault(before)

	serverUnary(status.Wrap(errors.New("dsn=secret"), codes.NoError, "done"))
	serverUnary(status.Recovered("nil map"))
	if strings.Contains(buffer.String(), "wrapped") || strings.Contains(buffer.String(), `"panic":{`) {
		t.Errorf("logged %s; want the error alone: it says all that there is", buffer.String())
	}
	serverUnary(fmt.Errorf("outer: %w", status.Wrap(errors.New("dsn=secret"), codes.NoError, "done")))
	for _, want := range []string{`"error":"outer: NoError: done"`, `"cause":"dsn=secret"`} {
		if !strings.Contains(buffer.String(), want) {
			t.Errorf("logged %s; want %s in it", buffer.String(), want)
		}
	}
}

// TestPanickingRuleIsLogged: the handler's error and what the rule did are both
// needed to find the rule's fault.
func TestPanickingRuleIsLogged(t *testing.T) {
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	defer slog.SetDefault(before)

	err := serverUnary(errors.New("dsn=secret"), interceptor.WithErrorMapper(func(error) codes.Code { panic("nil map") }))
	if status.Code(err) != codes.ServerInternal {
		t.Errorf("got %v; want ServerInternal", err)
	}
	for _, want := range []string{`"error":"dsn=secret"`, `"message":"panic: nil map"`} {
		if !strings.Contains(buffer.String(), want) {
			t.Errorf("logged %s; want %s in it", buffer.String(), want)
		}
	}
}

// TestLogSurvivesItsHandler: not every slog handler survives an Error method
// that panics, and no server may die of one.
func TestLogSurvivesItsHandler(t *testing.T) {
	handler := &printingHandler{}
	before := slog.Default()
	slog.SetDefault(slog.New(handler))
	defer slog.SetDefault(before)

	err := serverUnary(panicsInError{})
	if status.Code(err) != codes.ServerInternal {
		t.Errorf("got %v; want ServerInternal", err)
	}
	if want := "interceptor_test.panicsInError, which can't be printed"; !strings.Contains(handler.printed, want) {
		t.Errorf("logged %q; want %q in it", handler.printed, want)
	}
}

type panicsInError struct{}

func (panicsInError) Error() string { panic("in Error") }

// printingHandler calls Error itself, as some handlers do.
type printingHandler struct {
	slog.Handler
	printed string
}

func (*printingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *printingHandler) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			h.printed += err.Error()
		} else {
			h.printed += a.String() + " "
		}
		return true
	})
	return nil
}

// panics is an error that must not be run again after it was searched.
type panics struct{}

func (panics) Error() string { panic("in Error") }
func (panics) Is(error) bool { panic("in Is") }

func TestSuccessCostsNothing(t *testing.T) {
	var (
		ctx          = context.Background()
		unaryServer  = interceptor.UnaryServer()
		streamServer = interceptor.StreamServer()
		unaryClient  = interceptor.UnaryClient()
		streamClient = interceptor.StreamClient()

		serverHandler grpc.UnaryHandler  = func(context.Context, any) (any, error) { return nil, nil }
		streamHandler grpc.StreamHandler = func(any, grpc.ServerStream) error { return nil }
		invoker       grpc.UnaryInvoker  = func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }
		inner         grpc.ClientStream  = &failingStream{}
		streamer      grpc.Streamer      = func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			return inner, nil
		}
		serverSide grpc.ServerStream = openServerStream{}
	)
	stream, err := streamClient(ctx, streamDesc, nil, "/s/m", streamer)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		run  func()
		want float64
	}{
		{"unary server", func() { unaryServer(ctx, nil, unaryInfo, serverHandler) }, 0},
		{"stream server", func() { streamServer(nil, serverSide, streamInfo, streamHandler) }, 0},
		{"unary client", func() { unaryClient(ctx, "/s/m", nil, nil, nil, invoker) }, 0},
		{"stream client, the wrapper", func() { streamClient(ctx, streamDesc, nil, "/s/m", streamer) }, 1},
		{"stream client, a message", func() { stream.SendMsg(nil); stream.RecvMsg(nil) }, 0},
	}
	for _, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.run); got != tt.want {
			t.Errorf("%s: %v allocations; want %v", tt.name, got, tt.want)
		}
	}
}
