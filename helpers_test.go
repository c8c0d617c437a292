package errstatus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // captureLog is for tests that read it
	goleak.VerifyTestMain(m)
}

// secret stands for all that must stay in the server's process.
const secret = "dsn=secret"

// errorCodes are all codes of the default table that can be an error's.
func errorCodes(t testing.TB) []codes.ErrorCode {
	t.Helper()
	var all []codes.ErrorCode
	for row := range codes.Default().All() {
		if c := row.Code.(codes.ErrorCode); c != codes.NoError {
			all = append(all, c)
		}
	}
	if openIM := 62; len(all) < openIM {
		t.Fatalf("the default table has %d codes besides NoError; want OpenIM's %d at least", len(all), openIM)
	}
	return all
}

// A moment is where in a call its handler ends it.
type moment int

const (
	atOpen         moment = iota // before anything is read or sent
	afterMessages                // after some messages, while the stream is open both ways
	afterHalfClose               // after the last of the client's messages
)

func (m moment) String() string {
	return [...]string{"at open", "after messages", "after half-close"}[m]
}

// messages is how many a stream carries in each direction it has.
const messages = 2

// A service ends each call at a moment of one's choice, with what end returns.
type service struct {
	testgrpc.UnimplementedTestServiceServer
	script atomic.Pointer[script]
	calls  atomic.Int32
}

type script struct {
	at  moment
	end func(context.Context) error
}

// returning is a service whose handlers return err.
func returning(err error) *service {
	return running(func(context.Context) error { return err })
}

// running is a service whose handlers run end.
func running(end func(context.Context) error) *service {
	s := &service{}
	s.script.Store(&script{end: end})
	return s
}

// end makes the handlers of the calls to come return err.
func (s *service) end(at moment, err error) {
	s.script.Store(&script{at, func(context.Context) error { return err }})
}

func (s *service) next() *script {
	s.calls.Add(1)
	return s.script.Load()
}

func (s *service) UnaryCall(ctx context.Context, _ *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if err := s.next().end(ctx); err != nil {
		return nil, err
	}
	return &testgrpc.SimpleResponse{}, nil
}

func (s *service) StreamingInputCall(stream testgrpc.TestService_StreamingInputCallServer) error {
	script := s.next()
	if err := receive(script.at, stream.Recv, nil); err != nil {
		return err
	}
	if err := script.end(stream.Context()); err != nil {
		return err
	}
	return stream.SendAndClose(&testgrpc.StreamingInputCallResponse{})
}

func (s *service) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	script := s.next()
	for range messagesUntil(script.at) {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return script.end(stream.Context())
}

func (s *service) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	script := s.next()
	answer := func() error { return stream.Send(&testgrpc.StreamingOutputCallResponse{}) }
	if err := receive(script.at, stream.Recv, answer); err != nil {
		return err
	}
	return script.end(stream.Context())
}

func messagesUntil(at moment) int {
	if at == atOpen {
		return 0
	}
	return messages
}

// receive takes messages until a moment, and answers each if answer isn't nil.
func receive[M any](at moment, recv func() (M, error), answer func() error) error {
	for range messagesUntil(at) {
		if _, err := recv(); err != nil {
			return err
		}
		if answer == nil {
			continue
		}
		if err := answer(); err != nil {
			return err
		}
	}
	if at == afterHalfClose {
		if _, err := recv(); err != io.EOF {
			return errors.Join(errors.New("want the end of the client's messages"), err)
		}
	}
	return nil
}

// A kind is one of gRPC's four kinds of call.
type kind struct {
	name    string
	method  string
	moments []moment
	success error // what call returns if the handler returns nil

	// call makes a whole call; it returns how many messages arrived and what the
	// generated code returned at the end.
	call func(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error)
}

// arrived is how many messages arrive of a stream whose handler ends at a moment.
func (k kind) arrived(at moment) int {
	if k.success == io.EOF {
		return messagesUntil(at)
	}
	return 0
}

var kinds = []kind{
	{"unary", "UnaryCall", []moment{atOpen}, nil, callUnary},
	{"client stream", "StreamingInputCall", []moment{atOpen, afterMessages, afterHalfClose}, nil, callClientStream},
	{"server stream", "StreamingOutputCall", []moment{atOpen, afterMessages}, io.EOF, callServerStream},
	{"bidi stream", "FullDuplexCall", []moment{atOpen, afterMessages, afterHalfClose}, io.EOF, callBidiStream},
}

func callUnary(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	_, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{}, opts...)
	return 0, err
}

func callClientStream(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	stream, err := client.StreamingInputCall(ctx, opts...)
	if err != nil {
		return 0, err
	}
	for range messages {
		if err := stream.Send(&testgrpc.StreamingInputCallRequest{}); err == io.EOF {
			break // the handler has ended the call
		} else if err != nil {
			return 0, err
		}
	}
	_, err = stream.CloseAndRecv()
	return 0, err
}

func callServerStream(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	stream, err := client.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{}, opts...)
	if err != nil {
		return 0, err
	}
	return drain(stream.Recv)
}

func callBidiStream(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
	stream, err := client.FullDuplexCall(ctx, opts...)
	if err != nil {
		return 0, err
	}
	for range messages {
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{}); err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return 0, err
	}
	return drain(stream.Recv)
}

// drain counts messages until an error.
func drain[M any](recv func() (M, error)) (arrived int, err error) {
	for {
		if _, err := recv(); err != nil {
			return arrived, err
		}
		arrived++
	}
}

// connect starts a server and gives a client of it. Without options both are
// plain gRPC.
func connect(t testing.TB, svc testgrpc.TestServiceServer, server []grpc.ServerOption, client []grpc.DialOption) testgrpc.TestServiceClient {
	t.Helper()
	register := func(s *grpc.Server) { testgrpc.RegisterTestServiceServer(s, svc) }
	return testgrpc.NewTestServiceClient(serve(t, register, server, client))
}

func serve(t testing.TB, register func(*grpc.Server), server []grpc.ServerOption, client []grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	lis := bufconn.Listen(64 << 10)
	start(t, lis, register, server)
	dialer := func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }
	return dial(t, "passthrough:///bufconn", append(client, grpc.WithContextDialer(dialer)))
}

func start(t testing.TB, lis net.Listener, register func(*grpc.Server), opts []grpc.ServerOption) {
	t.Helper()
	s := grpc.NewServer(opts...)
	register(s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
}

func dial(t testing.TB, target string, opts []grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatalf("NewClient() = %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// received is what a client with our interceptor gets for a handler's error.
func received(t testing.TB, handlers error, opts ...interceptor.ClientOption) error {
	t.Helper()
	_, err := callUnary(t.Context(), connect(t, returning(handlers), interceptor.ServerOptions(), interceptor.DialOptions(opts...)))
	return err
}

// receivedPlain is what a client with our interceptor gets for the error of a
// server without.
func receivedPlain(t testing.TB, handlers error, opts ...interceptor.ClientOption) error {
	t.Helper()
	_, err := callUnary(t.Context(), connect(t, returning(handlers), nil, interceptor.DialOptions(opts...)))
	return err
}

// onWire is the status that a plain client gets for a handler's error.
func onWire(t testing.TB, handlers error, opts ...interceptor.ServerOption) *spb.Status {
	t.Helper()
	_, err := callUnary(t.Context(), connect(t, returning(handlers), interceptor.ServerOptions(opts...), nil))
	if err == nil {
		return nil
	}
	return grpcstatus.Convert(err).Proto()
}

// stated is a status as the design has it, written by hand: the canonical code,
// the message, and first of the details the ErrorInfo.
func stated(t testing.TB, c codes.Code, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	row, _ := c.Table().Lookup(c.Number())
	if message == "" {
		message = row.Message
	}
	return canonical(t, row.GRPCCode, message, append([]proto.Message{errorInfo(c)}, details...)...)
}

// errorInfo states a code.
func errorInfo(c codes.Code) *errdetails.ErrorInfo {
	row, _ := c.Table().Lookup(c.Number())
	return &errdetails.ErrorInfo{
		Reason:   row.Reason,
		Domain:   c.Table().Domain(),
		Metadata: map[string]string{"code": strconv.Itoa(int(c.Number()))},
	}
}

// canonical is a status of gRPC's own.
func canonical(t testing.TB, c grpccodes.Code, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	p := &spb.Status{Code: int32(c), Message: message}
	for _, d := range details {
		p.Details = append(p.Details, packed(t, d))
	}
	return p
}

func packed(t testing.TB, message proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(message)
	if err != nil {
		t.Fatalf("anypb.New() = %v", err)
	}
	return a
}

// badRequest is a detail that users send; each call makes a new one.
func badRequest() *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "name", Description: "must not be empty"},
	}}
}

// A logRecord is what slog's JSON handler wrote of an error that is withheld.
type logRecord struct {
	Level   string `json:"level"`
	Service string `json:"grpc.service"`
	Method  string `json:"grpc.method"`
	Code    string `json:"grpc.code"`
	Error   any    `json:"error"`
}

// captureLog takes the place of slog's default logger for a test. The function
// gives what was logged since it was last called: a server logs before it sends.
func captureLog(t testing.TB) func() []logRecord {
	t.Helper()
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() (records []logRecord) {
		t.Helper()
		for buffer.Len() > 0 {
			line, _ := buffer.ReadBytes('\n')
			var r logRecord
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("log line %q: %v", line, err)
			}
			records = append(records, r)
		}
		return records
	}
}

// A petCode is of a second domain. Its number 1004 is not codes.RecordNotFound.
type petCode int32

const (
	petOK       petCode = 0
	petAsleep   petCode = 7
	petBroken   petCode = 13
	petUnknown  petCode = 99
	petRanAway  petCode = 1004
	petDomain           = "pets.example"
	petSleeping         = "the pet is asleep"
)

var pets = codes.MustTable(petDomain,
	codes.Row{Code: petOK, Reason: "PET_OK", GRPCCode: grpccodes.OK, Message: "fine", Default: true},
	codes.Row{Code: petAsleep, Reason: "PET_ASLEEP", GRPCCode: grpccodes.Unavailable, Message: petSleeping},
	codes.Row{Code: petBroken, Reason: "PET_BROKEN", GRPCCode: grpccodes.Internal, Message: "the pet is broken", Default: true},
	codes.Row{Code: petUnknown, Reason: "PET_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "no such pet", Default: true},
	codes.Row{Code: petRanAway, Reason: "PET_RAN_AWAY", GRPCCode: grpccodes.NotFound, Message: "the pet ran away"},
)

func (c petCode) Number() codes.Number { return codes.Number(c) }
func (c petCode) Table() *codes.Table  { return pets }
func (c petCode) Error() string        { return "pet " + strconv.Itoa(int(c)) }
