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
	"github.com/errstatus/errstatus/status/localize"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// An uncomparable error can't be the target of a mapping: comparing two with == panics.
type uncomparable []string

func (uncomparable) Error() string { return "uncomparable" }

// A holder can be compared, unless it holds an error that can't.
type holder struct{ error }

// A raw number in a gRPC status is no stated code: rules come first, so that it can be mapped.
func TestMappingOfGRPCStatus(t *testing.T) {
	target := grpcstatus.Error(1004, "x")
	server := interceptor.NewServer(interceptor.WithErrorMapping(target, codes.SrvData))
	if got := server.Encode(t.Context(), "/x/Y", target); got.Code() != codes.Code(codes.SrvData) {
		t.Errorf("Encode(%v) has the code %v; want SrvData of the mapping", target, got.Code())
	}
}

func TestWrongOptionPanicsWithItsNameAndValue(t *testing.T) {
	server := interceptor.WithErrorMapping(io.EOF, codes.SrvData)
	table := interceptor.WithTable(codes.Default())
	id := interceptor.WithRequestID(func(context.Context) string { return "" })
	localizer := interceptor.WithLocalizer(localize.New().Amend)
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
		{"WithErrorMapping of a nil target", func() { interceptor.WithErrorMapping(nil, codes.Args) }, []string{"WithErrorMapping(nil"}},
		{"WithErrorMapping to a nil code", func() { interceptor.WithErrorMapping(io.EOF, nil) }, []string{"WithErrorMapping(EOF, <nil>): the code is nil", "give a code with a positive number"}},
		{"WithErrorMapping to NoError", func() { interceptor.WithErrorMapping(io.EOF, codes.NoError) }, []string{"WithErrorMapping(EOF", "NoError"}},
		{"WithErrorMapping to a negative code", func() { interceptor.WithErrorMapping(io.EOF, codes.ErrorCode(-7)) }, []string{"WithErrorMapping(EOF", "-7"}},
		{"WithErrorMapping to a code without a row", func() { interceptor.ServerOptions(interceptor.WithErrorMapping(io.EOF, codes.ErrorCode(1305))) }, []string{"WithErrorMapping: no table", "number 1305", `domain "openim.io"`, "WithRows", "WithTable"}},
		{"WithErrorMapping of a target that states a code", func() { interceptor.WithErrorMapping(codes.Args, codes.RecordNotFound) }, []string{"WithErrorMapping(", "states Args itself", "give an error without a code"}},
		{"WithErrorMapping of a target that can't be compared", func() { interceptor.WithErrorMapping(uncomparable{}, codes.Args) }, []string{"WithErrorMapping(uncomparable", "interceptor_test.uncomparable"}},
		{"WithErrorMapping of a target that holds an error that can't be compared", func() { interceptor.WithErrorMapping(holder{uncomparable{}}, codes.Args) }, []string{"WithErrorMapping(", "interceptor_test.holder"}},
		{"WithErrorMapper of nil", func() { interceptor.WithErrorMapper(nil) }, []string{"WithErrorMapper(nil)"}},
		{"WithLocalizer of nil", func() { interceptor.WithLocalizer(nil) }, []string{"WithLocalizer(nil)", "localize.New().Amend"}},
		{"WithLocalizer twice", func() { interceptor.ServerOptions(localizer, localizer) }, []string{"WithLocalizer was given twice", "leave one out"}},
		{"WithValidationMapping to a nil code", func() { interceptor.WithValidationMapping(nil) }, []string{"WithValidationMapping(<nil>): the code is nil", "give a code with a positive number"}},
		{"WithValidationMapping to NoError", func() { interceptor.WithValidationMapping(codes.NoError) }, []string{"WithValidationMapping(", "NoError"}},
		{"WithValidationMapping to a negative code", func() { interceptor.WithValidationMapping(codes.ErrorCode(-7)) }, []string{"WithValidationMapping(", "-7"}},
		{"WithValidationMapping to a code without a row", func() { interceptor.ServerOptions(interceptor.WithValidationMapping(codes.ErrorCode(1305))) }, []string{"WithValidationMapping: no table", "number 1305", `domain "openim.io"`, "WithRows", "WithTable"}},
		{"WithRequestID twice", func() { interceptor.ServerOptions(id, id) }, []string{"WithRequestID was given twice", "leave one out"}},

		{"WithSentinel of a code as target", func() { interceptor.WithSentinel(codes.Args, codes.RecordNotFound) }, []string{"WithSentinel(", "states Args itself", "give an error without a code"}},
		{"WithSentinel to a nil code", func() { interceptor.WithSentinel(io.ErrUnexpectedEOF, nil) }, []string{"WithSentinel(unexpected EOF, <nil>): the code is nil"}},
		{"WithSentinel to a code without a row", func() { interceptor.DialOptions(interceptor.WithSentinel(io.ErrUnexpectedEOF, codes.ErrorCode(1305))) }, []string{"WithSentinel: no table", "number 1305", `domain "openim.io"`}},

		{"nil among UnaryServer's options", func() { interceptor.UnaryServer(server, nil) }, []string{"option 2 is nil"}},
		{"nil among StreamServer's options", func() { interceptor.StreamServer(nil) }, []string{"option 1 is nil"}},
		{"nil among ServerOptions' options", func() { interceptor.ServerOptions(server, server, nil) }, []string{"option 3 is nil"}},
		{"nil among UnaryClient's options", func() { interceptor.UnaryClient(table, nil) }, []string{"option 2 is nil"}},
		{"nil among StreamClient's options", func() { interceptor.StreamClient(nil) }, []string{"option 1 is nil"}},
		{"nil among DialOptions' options", func() { interceptor.DialOptions(nil) }, []string{"option 1 is nil"}},

		{"two tables of one domain on a server", func() { interceptor.ServerOptions(table, table) }, []string{"WithTable: two tables", `"openim.io"`, "give only one"}},
		{"two tables of one domain on a client", func() { interceptor.DialOptions(table, table) }, []string{"WithTable: two tables", `"openim.io"`, "give only one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := panicOf(tt.make)
			for _, want := range append(tt.want, "interceptor: ") {
				if !strings.Contains(text, want) {
					t.Errorf("the panic's text is %q; want it to contain %q", text, want)
				}
			}
		})
	}
}

// panicOf returns the text of f's panic.
func panicOf(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return "no panic"
}

// The tests below call the interceptors directly.

var (
	unaryInfo  = &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"}
	streamInfo = &grpc.StreamServerInfo{FullMethod: "/users.Users/Watch"}
	streamDesc = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
)

// serverUnary returns the error that a server hands to gRPC for a handler's error.
func serverUnary(handlers error, opts ...interceptor.ServerOption) error {
	_, err := interceptor.UnaryServer(opts...)(context.Background(), nil, unaryInfo,
		func(context.Context, any) (any, error) { return nil, handlers })
	return err
}

// serverStream is serverUnary for a stream.
func serverStream(handlers error, opts ...interceptor.ServerOption) error {
	return interceptor.StreamServer(opts...)(nil, openServerStream{}, streamInfo,
		func(any, grpc.ServerStream) error { return handlers })
}

type openServerStream struct{ grpc.ServerStream }

func (openServerStream) Context() context.Context { return context.Background() }

// clientUnary returns the error that a caller gets if the transport returns an error.
func clientUnary(transports error, opts ...interceptor.ClientOption) error {
	return interceptor.UnaryClient(opts...)(context.Background(), "/users.Users/Get", nil, nil, nil,
		func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return transports })
}

// clientStream opens a stream through the interceptor. The transport returns inner and
// openError.
func clientStream(inner grpc.ClientStream, openError error) (grpc.ClientStream, error) {
	return interceptor.StreamClient()(context.Background(), streamDesc, nil, "/users.Users/Watch",
		func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			return inner, openError
		})
}

// A failingStream returns err from each method that can fail. Its Context method panics,
// because calling it on a real stream turns off transparent retries.
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
func (s *failingStream) Context() context.Context {
	panic("the interceptor called the inner stream's Context")
}

// each returns a call of every method of a stream that can fail, by name.
func each(s grpc.ClientStream) map[string]func() error {
	return map[string]func() error{
		"SendMsg":   func() error { return s.SendMsg(nil) },
		"RecvMsg":   func() error { return s.RecvMsg(nil) },
		"CloseSend": s.CloseSend,
		"Header":    func() error { _, err := s.Header(); return err },
	}
}

func TestServerEncodesEveryCode(t *testing.T) {
	for row := range codes.Default().All() {
		if row.Code == codes.NoError {
			continue
		}
		for name, err := range map[string]error{"unary": serverUnary(row.Code), "stream": serverStream(row.Code)} {
			if got := grpcstatus.Code(err); got != row.GRPCCode || !errors.Is(err, row.Code) {
				t.Errorf("%s: %v is sent as %v with canonical code %v; want %v, and errors.Is finds the code", name, row.Code, err, got, row.GRPCCode)
			}
		}
	}
}

func TestResponseReturnedWithAnErrorIsKept(t *testing.T) {
	resp, _ := interceptor.UnaryServer()(context.Background(), nil, unaryInfo,
		func(context.Context, any) (any, error) { return "response", codes.Args })
	if resp != "response" {
		t.Errorf("the interceptor returns the response %v; want the handler's, for outer interceptors", resp)
	}
}

func TestClientDecodesEveryMethodOfAStream(t *testing.T) {
	sent := codes.SrvDatabase.GRPCStatus().Err()
	if _, err := clientStream(nil, sent); !errors.Is(err, codes.SrvDatabase) {
		t.Errorf("opening a stream returned %v; want SrvDatabase", err)
	}
	stream, err := clientStream(&failingStream{err: sent}, nil)
	if err != nil {
		t.Fatalf("opening a stream: %v", err)
	}
	for name, method := range each(stream) {
		if err := method(); !errors.Is(err, codes.SrvDatabase) {
			t.Errorf("%s() = %v; want SrvDatabase", name, err)
		}
	}
	if header, _ := stream.Header(); header.Get("a") == nil || stream.Trailer().Get("c") == nil {
		t.Errorf("Header() = %v, Trailer() = %v; want the inner stream's", header, stream.Trailer())
	}
}

func TestClientStreamReturnsErrorsWithoutAStatusUnchanged(t *testing.T) {
	for _, inner := range []error{nil, io.EOF, fs.ErrInvalid} {
		stream, err := clientStream(&failingStream{err: inner}, nil)
		if err != nil {
			t.Fatalf("opening a stream: %v", err)
		}
		for name, method := range each(stream) {
			if err := method(); err != inner {
				t.Errorf("%s() = %v; want %v, identical", name, err, inner)
			}
		}
	}
}

func TestRecvMsgAfterTheEndDoesNotCallTheInnerStream(t *testing.T) {
	inner := &failingStream{err: grpcstatus.Error(grpccodes.NotFound, "")}
	stream, _ := clientStream(inner, nil)
	first := stream.RecvMsg(nil)
	if second := stream.RecvMsg(nil); second != first || inner.received != 1 {
		t.Errorf("RecvMsg() = %v, then %v, with %d calls of the inner stream; want the same error twice, and 1 call", first, second, inner.received)
	}
}

func TestClientDecodesUnaryErrors(t *testing.T) {
	sent := fmt.Errorf("%w: %w", fs.ErrClosed, codes.SrvDatabase.GRPCStatus().Err())
	if err := clientUnary(sent); !errors.Is(err, codes.SrvDatabase) || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the caller gets %v; want an error that wraps SrvDatabase and %v", err, fs.ErrClosed)
	}
	if err := clientUnary(fs.ErrInvalid); err != fs.ErrInvalid {
		t.Errorf("the caller gets %v; want %v, identical", err, fs.ErrInvalid)
	}
}

// The Decoder of a Client has its settings. It is a copy, and calls no observer.
func TestClientsDecoder(t *testing.T) {
	observed := 0
	client := interceptor.NewClient(interceptor.WithAssumedCodes(), interceptor.WithTable(codes.Default()),
		interceptor.WithSentinel(fs.ErrNotExist, codes.RecordNotFound), interceptor.WithObserver(func(context.Context, interceptor.Event) { observed++ }))
	bare := grpcstatus.Error(grpccodes.NotFound, "no such user")
	if err := client.Decoder().Decode(t.Context(), bare); !errors.Is(err, codes.RecordNotFound) || observed != 0 {
		t.Errorf("Decode() = %v, and observers are told %d times; want the assumed code RecordNotFound, and 0", err, observed)
	}
	client.Decoder().AssumeCodes = false
	client.Decoder().Sentinels[0].Code = codes.Args
	client.Decoder().Tables[0] = nil
	if err := client.Decode(t.Context(), "/x/Y", bare); !errors.Is(err, codes.RecordNotFound) || !errors.Is(err, fs.ErrNotExist) || observed != 1 {
		t.Errorf("after a change of the copy, Decode() = %v, and observers are told %d times; want RecordNotFound with its sentinel, and 1", err, observed)
	}
}

func TestWithDebugInfoSendsDebugInfo(t *testing.T) {
	err := status.New(codes.Args, "").WithDetails(&errdetails.DebugInfo{Detail: "stack"}).Err()
	for option, sent := range map[bool]error{
		false: serverUnary(err),
		true:  serverUnary(err, interceptor.WithDebugInfo()),
	} {
		if _, ok := status.Detail[*errdetails.DebugInfo](grpcstatus.Convert(sent).Err()); ok != option {
			t.Errorf("with the option %t, DebugInfo is sent: %t; want %t", option, ok, option)
		}
	}
}

func TestWithheldErrorIsLogged(t *testing.T) {
	tests := []struct {
		name     string
		handlers error
		want     string
	}{
		{"a plain error", errors.New("dsn=secret"), "dsn=secret"},
		{"an error that panics", panics{}, "interceptor_test.panics, which can't be printed"},
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
				t.Fatalf("the log is %q (%v); want one record of JSON", buffer.String(), err)
			}
			for key, want := range map[string]string{
				"level": "ERROR", "grpc.service": "users.Users", "grpc.method": "Get", "grpc.code": "Internal", "error.cause": tt.want,
			} {
				if !strings.Contains(fmt.Sprint(got[key]), want) {
					t.Errorf("the record's %s is %q; want it to contain %q", key, got[key], want)
				}
			}
		})
	}
}

// The private text of an error is logged once: also a cause of a Status error that the
// handler wraps in a text.
func TestCauseOfAWrappedErrorIsLogged(t *testing.T) {
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	defer slog.SetDefault(before)

	inner := status.Wrap(errors.New("dsn=secret"), codes.SrvDatabase, "loading")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{status.Wrap(errors.New("dsn=secret"), codes.NoError, "done"), "NoError: done; caused by: dsn=secret"},
		{inner, "dsn=secret"},
		{fmt.Errorf("outer: %w", inner), "outer; caused by: dsn=secret"},
		{errors.Join(inner, errors.New("rollback failed")), "SrvDatabase: loading; rollback failed; caused by: dsn=secret"},
		{status.Wrap(fmt.Errorf("outer: %w", inner), codes.SrvData, "x"), "outer: SrvDatabase: loading; caused by: dsn=secret"},
		{status.Wrap(status.Wrap(inner, codes.SrvData, "y"), codes.SrvData, "x"), "SrvData: y; caused by: SrvDatabase: loading; caused by: dsn=secret"},
		{fmt.Errorf("outer: %w", codes.SrvDatabase), "outer"},
		{codes.NoError, "NoError: no error"},
	} {
		buffer.Reset()
		serverUnary(tt.err)
		if want := `"error.cause":"` + tt.want + `"`; strings.Count(buffer.String(), want) != 1 || strings.Count(buffer.String(), "secret") > 1 {
			t.Errorf("the log of %v is %s; want it to contain %s once", tt.err, buffer.String(), want)
		}
	}
	buffer.Reset()
	serverUnary(status.Recovered("nil map"))
	if strings.Count(buffer.String(), "panic: nil map") != 1 || !strings.Contains(buffer.String(), `"error.stack":"goroutine`) {
		t.Errorf("the log of a panic is %s; want its text once, and the stack", buffer.String())
	}
}

// The log has the handler's error and the rule's panic. A maintainer needs both to find
// the bug in the rule.
func TestPanickingRuleIsLogged(t *testing.T) {
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	defer slog.SetDefault(before)

	err := serverUnary(errors.New("dsn=secret"), interceptor.WithErrorMapper(func(context.Context, error) *status.Status { panic("nil map") }))
	if status.Code(err) != codes.ServerInternal {
		t.Errorf("the caller gets %v; want ServerInternal", err)
	}
	for _, want := range []string{`"error.cause":"dsn=secret"`, `"error.panic":"panic: nil map"`, `"error.stack":"goroutine`} {
		if !strings.Contains(buffer.String(), want) {
			t.Errorf("the log is %s; want it to contain %s", buffer.String(), want)
		}
	}
}

// A slog handler that calls Error is given no error whose Error method panics. Such a
// panic would end the server.
func TestLogHandlerGetsNoErrorThatPanics(t *testing.T) {
	handler := &printingHandler{}
	before := slog.Default()
	slog.SetDefault(slog.New(handler))
	defer slog.SetDefault(before)

	err := serverUnary(panicsInError{})
	if status.Code(err) != codes.ServerInternal {
		t.Errorf("the caller gets %v; want ServerInternal", err)
	}
	if want := "interceptor_test.panicsInError, which can't be printed"; !strings.Contains(handler.printed, want) {
		t.Errorf("the log is %q; want it to contain %q", handler.printed, want)
	}
}

type panicsInError struct{}

func (panicsInError) Error() string { panic("in Error") }

// A printingHandler calls the Error method itself, like some slog handlers.
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

// panics is an error whose methods must not be called again after the first panic.
type panics struct{}

func (panics) Error() string { panic("in Error") }
func (panics) Is(error) bool { panic("in Is") }

// A call that succeeds allocates nothing, except for the wrapper of a client's stream.
func TestSuccessAllocatesNothing(t *testing.T) {
	var (
		ctx          = context.Background()
		localizer    = interceptor.WithLocalizer(localize.New().Amend)
		unaryServer  = interceptor.UnaryServer(localizer)
		streamServer = interceptor.StreamServer(localizer)
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
		{"stream client, opening (the wrapper)", func() { streamClient(ctx, streamDesc, nil, "/s/m", streamer) }, 1},
		{"stream client, a message", func() { stream.SendMsg(nil); stream.RecvMsg(nil) }, 0},
	}
	for _, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.run); got != tt.want {
			t.Errorf("%s: %v allocations; want %v", tt.name, got, tt.want)
		}
	}
}
