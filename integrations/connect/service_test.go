package connectstatus_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	connectstatus "github.com/errstatus/errstatus/integrations/connect"
	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
)

func TestMain(m *testing.M) { testrpc.Main(m) }

// A service is a TestService whose handlers all end in the same way, as those of
// testrpc.Service do. A test may change that way between calls.
type service struct{ script atomic.Pointer[script] }

// A script says when a handler ends and what it runs then.
type script struct {
	at  testrpc.Moment
	end func(context.Context) error
}

// returning returns a service whose handlers return err, at once.
func returning(err error) *service {
	return running(func(context.Context) error { return err })
}

// running returns a service whose handlers run end, at once, and return its error.
func running(end func(context.Context) error) *service {
	s := &service{}
	s.script.Store(&script{testrpc.AtOpen, end})
	return s
}

// Return makes the handlers of later calls return err at a moment.
func (s *service) Return(at testrpc.Moment, err error) {
	s.script.Store(&script{at, func(context.Context) error { return err }})
}

func (s *service) UnaryCall(ctx context.Context, _ *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if err := s.script.Load().end(ctx); err != nil {
		return nil, err
	}
	return &testgrpc.SimpleResponse{}, nil
}

func (s *service) StreamingInputCall(ctx context.Context, stream grpc_testingconnect.TestServiceStreamingInputCallServerStream) (*testgrpc.StreamingInputCallResponse, error) {
	script := s.script.Load()
	if err := receiveUntil(script.at, stream.Receive, nil); err != nil {
		return nil, err
	}
	if err := script.end(ctx); err != nil {
		return nil, err
	}
	return &testgrpc.StreamingInputCallResponse{}, nil
}

func (s *service) StreamingOutputCall(ctx context.Context, _ *testgrpc.StreamingOutputCallRequest, stream grpc_testingconnect.TestServiceStreamingOutputCallServerStream) error {
	script := s.script.Load()
	for range testrpc.ServerStream.Arrived(script.at) {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return script.end(ctx)
}

func (s *service) FullDuplexCall(ctx context.Context, stream grpc_testingconnect.TestServiceFullDuplexCallServerStream) error {
	script := s.script.Load()
	answer := func() error { return stream.Send(&testgrpc.StreamingOutputCallResponse{}) }
	if err := receiveUntil(script.at, stream.Receive, answer); err != nil {
		return err
	}
	return script.end(ctx)
}

// receiveUntil receives messages until a moment. It calls answer after each one, unless
// answer is nil.
func receiveUntil[M any](at testrpc.Moment, receive func() (M, error), answer func() error) error {
	for range testrpc.BidiStream.Arrived(at) {
		if _, err := receive(); err != nil {
			return err
		}
		if answer == nil {
			continue
		}
		if err := answer(); err != nil {
			return err
		}
	}
	if at != testrpc.AfterHalfClose {
		return nil
	}
	if _, err := receive(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("want the end of the client's messages"), err)
	}
	return nil
}

// A wire is a version of HTTP and a protocol.
type wire struct {
	name   string
	http   func(*http.Protocols)
	option connecthttp.Option // nil is Connect's own protocol
	bidi   bool               // HTTP/1.1 has no bidi streams
}

var wires = []wire{
	{"Connect, HTTP 1.1", http1, nil, false},
	{"Connect, h2c", http2, nil, true},
	{"gRPC, h2c", http2, connecthttp.WithGRPC(), true},
	{"gRPC-Web, HTTP 1.1", http1, connecthttp.WithGRPCWeb(), false},
	{"gRPC-Web, h2c", http2, connecthttp.WithGRPCWeb(), true},
}

func http1(p *http.Protocols) { p.SetHTTP1(true) }
func http2(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }

// kinds returns the kinds of call that a wire has.
func (w wire) kinds() []testrpc.Kind {
	if w.bidi {
		return testrpc.Kinds
	}
	return testrpc.Kinds[:3]
}

// serve starts a server with the three protocols, over HTTP/1.1 and h2c. It returns its address.
func serve(tb testing.TB, svc grpc_testingconnect.TestServiceHandler, interceptors ...connect.ServerInterceptor) string {
	tb.Helper()
	server := connect.NewServer(interceptors...)
	grpc_testingconnect.RegisterTestServiceHandler(server, svc)
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	return listen(tb, mux)
}

// listen starts an HTTP server with a handler. It returns its address.
func listen(tb testing.TB, handler http.Handler) string {
	tb.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = &http.Protocols{}
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	tb.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// connectTo returns a client of a server.
func connectTo(tb testing.TB, address string, w wire, interceptors ...connect.ClientInterceptor) grpc_testingconnect.TestServiceClient {
	tb.Helper()
	return grpc_testingconnect.NewTestServiceClient(connect.NewClient(transportTo(tb, address, w), interceptors...))
}

func transportTo(tb testing.TB, address string, w wire) connect.Transport {
	tb.Helper()
	var options []connecthttp.Option
	if w.option != nil {
		options = append(options, w.option)
	}
	return connecthttp.NewTransport(httpClient(tb, w), "http://"+address, options...)
}

// httpClient returns a client for a version of HTTP.
func httpClient(tb testing.TB, w wire) *http.Client {
	tb.Helper()
	transport := &http.Transport{Protocols: &http.Protocols{}, DialContext: (&net.Dialer{}).DialContext}
	w.http(transport.Protocols)
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// withErrstatus returns an interceptor of a server and one of a client.
func withErrstatus() (connect.ServerInterceptor, connect.ClientInterceptor) {
	return onServer(), onClient()
}

func onServer(opts ...interceptor.ServerOption) connect.ServerInterceptor {
	return connectstatus.ServerInterceptor(interceptor.NewServer(opts...))
}

func onClient(opts ...interceptor.ClientOption) connect.ClientInterceptor {
	return connectstatus.ClientInterceptor(interceptor.NewClient(opts...))
}

// call makes a whole call of a kind. It returns the number of messages that arrived, and the
// error with which the generated code ended the call.
func call(ctx context.Context, client grpc_testingconnect.TestServiceClient, k testrpc.Kind) (int, error) {
	switch k.Name {
	case testrpc.Unary.Name:
		_, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{})
		return 0, withoutJoin(err)
	case testrpc.ClientStream.Name:
		return callClientStream(ctx, client)
	case testrpc.ServerStream.Name:
		stream, err := client.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{})
		if err != nil {
			return 0, err
		}
		defer stream.Close()
		return drain(stream.Receive)
	}
	return callBidiStream(ctx, client)
}

// withoutJoin returns the error that Connect joins with that of closing the stream, which is
// nil. gRPC's own status.Convert would take the text of an error around a status for its message.
func withoutJoin(err error) error {
	if reflect.TypeOf(err) != reflect.TypeOf(errors.Join(io.EOF)) {
		return err
	}
	return err.(interface{ Unwrap() []error }).Unwrap()[0]
}

func callClientStream(ctx context.Context, client grpc_testingconnect.TestServiceClient) (int, error) {
	stream, err := client.StreamingInputCall(ctx)
	if err != nil {
		return 0, err
	}
	if err := sendAll(func() error { return stream.Send(&testgrpc.StreamingInputCallRequest{}) }); err != nil {
		return 0, err
	}
	_, err = stream.CloseAndReceive()
	return 0, err
}

func callBidiStream(ctx context.Context, client grpc_testingconnect.TestServiceClient) (int, error) {
	stream, err := client.FullDuplexCall(ctx)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	if err := sendAll(func() error { return stream.Send(&testgrpc.StreamingOutputCallRequest{}) }); err != nil {
		return 0, err
	}
	if err := stream.CloseSend(); err != nil {
		return 0, err
	}
	return drain(stream.Receive)
}

// drain calls receive until it fails. It returns io.EOF for the end of a stream.
func drain[M any](receive func() (M, error)) (arrived int, err error) {
	arrived, err = testrpc.Drain(receive)
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return arrived, err
}

// sendAll sends the client's messages. It stops early, without an error, if the handler has
// already ended the call.
func sendAll(send func() error) error {
	for range testrpc.Messages {
		if err := send(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}
