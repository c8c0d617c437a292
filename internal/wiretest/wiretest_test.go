package wiretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	unaryCall           = "/grpc.testing.TestService/UnaryCall"
	streamingOutputCall = "/grpc.testing.TestService/StreamingOutputCall"
)

// A service sends messages and then returns err.
type service struct {
	testgrpc.UnimplementedTestServiceServer
	messages int
	err      error
	requests chan arrival // receives the requests, unless it is nil
}

type arrival struct {
	metadata metadata.MD
	size     int
}

func (s *service) UnaryCall(ctx context.Context, req *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if s.requests != nil {
		md, _ := metadata.FromIncomingContext(ctx)
		s.requests <- arrival{md, len(req.GetPayload().GetBody())}
	}
	return &testgrpc.SimpleResponse{Payload: req.GetPayload()}, s.err
}

func (s *service) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	for range s.messages {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return s.err
}

// serve starts a gRPC server and stops it when the test ends.
func serve(t *testing.T, listener net.Listener, svc *service, opts ...grpc.ServerOption) {
	t.Helper()
	s := grpc.NewServer(opts...)
	testgrpc.RegisterTestServiceServer(s, svc)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// dialed starts a gRPC server and returns a client of it.
func dialed(t *testing.T, svc *service, settings ...http2.Setting) *Conn {
	t.Helper()
	listener := listen(t)
	serve(t, listener, svc)
	return Dial(t, listener.Addr().String(), settings...)
}

func mustCall(t *testing.T, c *Conn, r Request) *Answer {
	t.Helper()
	answer, err := c.Call(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func failure(t *testing.T, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	st := &spb.Status{Code: int32(grpccodes.NotFound), Message: message}
	for _, d := range details {
		packed, err := anypb.New(d)
		if err != nil {
			t.Fatal(err)
		}
		st.Details = append(st.Details, packed)
	}
	return st
}

// The client, with a gRPC server.

func TestClientReadsAFailure(t *testing.T) {
	info := &errdetails.ErrorInfo{Reason: "R", Domain: "example.com"}
	tests := []struct {
		name         string
		method       string
		messages     int
		status       *spb.Status
		trailersOnly bool
	}{
		{name: "trailers-only", method: unaryCall, status: failure(t, "名字 100%", info), trailersOnly: true},
		{name: "no details", method: unaryCall, status: failure(t, "m"), trailersOnly: true},
		{name: "no message", method: unaryCall, status: failure(t, ""), trailersOnly: true},
		{name: "after messages", method: streamingOutputCall, messages: 3, status: failure(t, "m", info)},
		{name: "a block larger than a frame", method: unaryCall, trailersOnly: true,
			status: failure(t, "m", &errdetails.ErrorInfo{Reason: strings.Repeat("r", 1<<20)})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := dialed(t, &service{messages: tt.messages, err: grpcstatus.FromProto(tt.status).Err()})
			answer := mustCall(t, conn, Request{Method: tt.method, Messages: [][]byte{nil}})
			if got := answer.TrailersOnly(); got != tt.trailersOnly {
				t.Errorf("TrailersOnly() = %v; want %v", got, tt.trailersOnly)
			}
			if got := answer.Messages(); got != tt.messages {
				t.Errorf("Messages() = %d; want %d", got, tt.messages)
			}
			if answer.Reset != nil || answer.GoAway != nil {
				t.Errorf("Reset, GoAway = %v, %v; want neither", answer.Reset, answer.GoAway)
			}
			if got := answer.Blocks[0].Get(":status"); got != "200" {
				t.Errorf(":status is %q; want 200", got)
			}
			got, err := answer.Trailers().Failure()
			if err != nil {
				t.Errorf("Failure(): %v", err)
			}
			if diff := cmp.Diff(tt.status, got, protocmp.Transform()); diff != "" {
				t.Errorf("Failure() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClientReadsASuccess(t *testing.T) {
	answer := mustCall(t, dialed(t, &service{}), Request{Method: unaryCall, Messages: [][]byte{nil}})
	if len(answer.Blocks) != 2 || answer.Messages() != 1 || answer.Trailers().Get("grpc-status") != "0" {
		t.Errorf("the answer is %+v; want headers, a message, and trailers with grpc-status 0", answer)
	}
}

// payload returns a message of 4 KiB. A hundred calls with it need more than a
// connection's first window. It is valid as a request and as a response.
func payload(t *testing.T) []byte {
	t.Helper()
	message, err := proto.Marshal(&testgrpc.SimpleResponse{Payload: &testgrpc.Payload{Body: make([]byte, 4<<10)}})
	if err != nil {
		t.Fatal(err)
	}
	return message
}

const manyCalls = 100

func TestClientMakesManyCallsOnAConnection(t *testing.T) {
	listener := bufconn.Listen(64 << 10)
	serve(t, listener, &service{err: grpcstatus.FromProto(failure(t, "m")).Err()})
	conn, err := listener.Dial()
	if err != nil {
		t.Fatal(err)
	}
	client := NewConn(t, conn)
	request := Request{Method: streamingOutputCall, Messages: [][]byte{nil}}
	for range manyCalls {
		if _, err := mustCall(t, client, request).Trailers().Failure(); err != nil {
			t.Fatalf("Failure(): %v", err)
		}
	}
}

func TestClientGivesBackTheWindow(t *testing.T) {
	client := dialed(t, &service{})
	request := Request{Method: unaryCall, Messages: [][]byte{payload(t)}}
	for range manyCalls {
		if answer := mustCall(t, client, request); answer.Messages() != 1 {
			t.Fatalf("the answer is %+v; want a message", answer)
		}
	}
}

func TestClientWaitsForTheWindows(t *testing.T) {
	const size = 1 << 20
	svc := &service{requests: make(chan arrival, 1)}
	message, err := proto.Marshal(&testgrpc.SimpleRequest{Payload: &testgrpc.Payload{Body: make([]byte, size)}})
	if err != nil {
		t.Fatal(err)
	}
	answer := mustCall(t, dialed(t, svc), Request{Method: unaryCall, Messages: [][]byte{message}})
	if got := (<-svc.requests).size; got != size {
		t.Errorf("%d bytes arrived; want %d", got, size)
	}
	if answer.Messages() != 1 || len(answer.Body) < size {
		t.Errorf("%d messages came back in %d bytes; want one of %d at least", answer.Messages(), len(answer.Body), size)
	}
}

func TestClientSendsTheCallersHeaders(t *testing.T) {
	svc := &service{requests: make(chan arrival, 1)}
	answer := mustCall(t, dialed(t, svc), Request{
		Method: unaryCall, ContentType: "application/grpc+proto",
		Header: Block{{Name: "x-test", Value: "v"}}, Messages: [][]byte{nil},
	})
	if got := (<-svc.requests).metadata.Get("x-test"); !cmp.Equal(got, []string{"v"}) {
		t.Errorf("x-test arrived as %q; want v", got)
	}
	if got := answer.Blocks[0].Get("content-type"); got != "application/grpc+proto" {
		t.Errorf("the answer's content-type is %q; want the request's", got)
	}
}

func TestClientAnnouncesItsSettings(t *testing.T) {
	large := grpcstatus.FromProto(failure(t, strings.Repeat("m", 1<<13))).Err()
	conn := dialed(t, &service{err: large}, http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 1 << 13})
	answer := mustCall(t, conn, Request{Method: unaryCall, Messages: [][]byte{nil}})
	if answer.Reset == nil || *answer.Reset != http2.ErrCodeInternal || answer.Trailers() != nil {
		t.Errorf("the answer is %+v; want a RST_STREAM with INTERNAL_ERROR and no trailers", answer)
	}
}

// The client, with servers that behave badly.

// pretend returns a client of a server that runs the given function on its first
// connection, and then reads until the client closes the connection.
func pretend(t *testing.T, server func(*link) error) *Conn {
	t.Helper()
	listener := listen(t)
	ended := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		l := newLink(conn)
		if _, err = io.CopyN(io.Discard, conn, int64(len(http2.ClientPreface))); err == nil {
			err = server(l)
		}
		if err == nil {
			untilEnd(l)
		}
		ended <- err
	}()
	client := Dial(t, listener.Addr().String())
	t.Cleanup(func() {
		client.conn.Close()
		listener.Close()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return client
}

// untilEnd reads frames until the client's connection ends. It ignores the error: a
// client that closes a connection with unread data resets it.
func untilEnd(l *link) {
	for {
		if _, err := l.read(); err != nil {
			return
		}
	}
}

func TestClientReportsAGoAway(t *testing.T) {
	conn := pretend(t, func(l *link) error {
		return l.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil)
	})
	answer := mustCall(t, conn, Request{Method: unaryCall})
	if answer.GoAway == nil || *answer.GoAway != http2.ErrCodeEnhanceYourCalm || answer.Trailers() != nil || answer.TrailersOnly() {
		t.Errorf("the answer is %+v; want a GOAWAY with ENHANCE_YOUR_CALM and no trailers", answer)
	}
}

func TestClientAnswersPings(t *testing.T) {
	data := [8]byte{1, 2, 3}
	conn := pretend(t, func(l *link) error {
		if err := l.WritePing(false, data); err != nil {
			return err
		}
		for {
			frame, err := l.read()
			if err != nil {
				return err
			}
			if f, ok := frame.(*http2.PingFrame); ok && f.IsAck() && f.Data == data {
				return l.writeBlock(1, notFound, true)
			}
		}
	})
	mustCall(t, conn, Request{Method: unaryCall})
}

func TestClientKeepsToTheServersWindow(t *testing.T) {
	const size = 1 << 18
	conn := pretend(t, func(l *link) error {
		err := errors.Join(
			l.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: size + prefix}),
			l.WriteWindowUpdate(0, size),
			l.out.Flush())
		for got := 0; err == nil && got < size+prefix; { // grants no further credit
			var frame http2.Frame
			frame, err = l.ReadFrame()
			if f, ok := frame.(*http2.DataFrame); ok {
				got += len(f.Data())
			}
		}
		return errors.Join(err, l.writeBlock(1, notFound, true))
	})
	mustCall(t, conn, Request{Method: unaryCall, Messages: [][]byte{make([]byte, size)}})
}

func TestClientIgnoresOtherStreams(t *testing.T) {
	conn := pretend(t, func(l *link) error {
		return errors.Join(
			l.writeBlock(99, Block{field("grpc-status", "6")}, true),
			l.WriteData(99, true, []byte("other")),
			l.WriteRSTStream(99, http2.ErrCodeCancel),
			l.writeBlock(1, notFound, true))
	})
	answer := mustCall(t, conn, Request{Method: unaryCall})
	if !cmp.Equal(answer.Blocks, []Block{notFound}) || answer.Body != nil || answer.Reset != nil {
		t.Errorf("the answer is %+v; want %v alone", answer, notFound)
	}
}

func TestClientDoesNotHang(t *testing.T) {
	tests := []struct {
		name  string
		write func(*link) error
	}{
		{"silence", func(*link) error { return nil }},
		{"headers and no end", func(l *link) error { return l.writeBlock(1, Block{{Name: ":status", Value: "200"}}, false) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := pretend(t, tt.write)
			conn.timeout = 100 * time.Millisecond
			answer, err := conn.Call(Request{Method: unaryCall, Messages: [][]byte{make([]byte, 1<<17)}})
			if !errors.Is(err, os.ErrDeadlineExceeded) || answer == nil || answer.Trailers() != nil {
				t.Errorf("Call() = %+v, %v; want no trailers, and a timeout", answer, err)
			}
		})
	}
}

func TestClientReportsALostConnection(t *testing.T) {
	client, server := net.Pipe()
	server.Close()
	if answer, err := NewConn(t, client).Call(Request{Method: unaryCall}); err == nil || answer == nil {
		t.Errorf("Call() = %+v, %v; want an empty answer and an error", answer, err)
	}
}

// Blocks and answers.

func TestListSizeCountsLikeTheRFC(t *testing.T) {
	block := Block{{Name: "a", Value: "bc"}, {Name: "", Value: ""}}
	if got, want := block.ListSize(), 1+2+32+32; got != want {
		t.Errorf("ListSize() = %d; want %d", got, want)
	}
}

func TestValuesSelectsByName(t *testing.T) {
	block := Block{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "a", Value: "3"}}
	if got := block.Values("a"); !cmp.Equal(got, []string{"1", "3"}) {
		t.Errorf("Values(a) = %q; want 1 and 3", got)
	}
	if got := block.Get("a") + block.Get("c"); got != "1" {
		t.Errorf("Get(a) and Get(c) = %q; want 1 and nothing", got)
	}
}

func TestMessagesCountsCompleteOnes(t *testing.T) {
	whole := LengthPrefixed(nil, []byte("abc"))
	for body, want := range map[string]int{
		"":                                0,
		string(whole):                     2,
		string(whole[:len(whole)-1]):      1,
		string(whole) + "\x00\x00\x00":    2,
		"<html>no</html>":                 0,
		"\x00\xff\xff\xff\xff and no end": 0,
	} {
		if got := (&Answer{Body: []byte(body)}).Messages(); got != want {
			t.Errorf("%q has %d messages; want %d", body, got, want)
		}
	}
}

func TestFailureRefuses(t *testing.T) {
	tests := []struct {
		name  string
		block string // one field a line
	}{
		{"no status", "grpc-message: m"},
		{"two statuses", "grpc-status: 5\ngrpc-status: 5"},
		{"success", "grpc-status: 0"},
		{"a raw number", "grpc-status: 1004"},
		{"a negative number", "grpc-status: -1"},
		{"a word", "grpc-status: NOT_FOUND"},
		{"zeros before it", "grpc-status: 05"},
		{"two messages", "grpc-status: 5\ngrpc-message: m\ngrpc-message: m"},
		{"a broken escape", "grpc-status: 5\ngrpc-message: %zz"},
		{"a message that is not UTF-8", "grpc-status: 5\ngrpc-message: %FF"},
		{"a message that is not encoded", "grpc-status: 5\ngrpc-message: ü"},
		{"another code in the details", "grpc-status: 6\ngrpc-message: m\ngrpc-status-details-bin: CAUSAW0="},
		{"another message in the details", "grpc-status: 5\ngrpc-message: n\ngrpc-status-details-bin: CAUSAW0"},
		{"empty details", "grpc-status: 5\ngrpc-message: m\ngrpc-status-details-bin: "},
		{"details twice", "grpc-status: 5\ngrpc-message: m\ngrpc-status-details-bin: CAUSAW0\ngrpc-status-details-bin: CAUSAW0"},
		{"details that are not base64", "grpc-status: 5\ngrpc-message: m\ngrpc-status-details-bin: !"},
		{"details that are no status", "grpc-status: 5\ngrpc-message: m\ngrpc-status-details-bin: /////w"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if st, err := block(tt.block).Failure(); err == nil {
				t.Errorf("Failure() = %v; want an error", st)
			}
		})
	}
	for number, bad := range map[string]bool{"0": false, "1004": false, "2147483647": false, "2147483648": true, "-1": true, "05": true} {
		if st, err := block("grpc-status: " + number).Status(); (err != nil) != bad || err == nil && strconv.Itoa(int(st.Code)) != number {
			t.Errorf("Status() of %s = %v, %v; want that code, or an error: %t", number, st, err, bad)
		}
	}
	for _, good := range []string{"CAUSAW0", "CAUSAW0="} {
		if _, err := block("grpc-status: 5\ngrpc-message: m\ngrpc-status-details-bin: " + good).Failure(); err != nil {
			t.Errorf("%s: Failure(): %v", good, err)
		}
	}
}

func block(lines string) Block {
	var b Block
	for line := range strings.SplitSeq(lines, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		b = append(b, field(name, value))
	}
	return b
}

// The server.

var (
	responseHeaders = block(":status: 200\ncontent-type: application/grpc")
	notFound        = block("grpc-status: 5\ngrpc-message: m")
)

func TestServerWritesAnyReply(t *testing.T) {
	tests := []struct {
		name  string
		reply Reply
	}{
		{"trailers-only", Reply{Headers: append(block(":status: 200"), notFound...)}},
		{"headers, messages and trailers", Reply{responseHeaders, LengthPrefixed(nil, []byte("abc")), notFound}},
		{"headers and trailers", Reply{Headers: responseHeaders, Trailers: notFound}},
		{"any bytes", Reply{
			Headers:  Block{field("grpc-message", "\x00\xff\n"), field("UPPER", ""), field(":late", "")},
			Body:     []byte("<html>no</html>"),
			Trailers: Block{field("", "")},
		}},
		{"ended by the body", Reply{Headers: responseHeaders, Body: []byte("<html>no</html>")}},
		{"empty blocks", Reply{Headers: Block{}, Trailers: Block{}}},
		{"the largest body", Reply{Headers: responseHeaders, Body: make([]byte, maxFrame), Trailers: notFound}},
		{"blocks larger than a frame", Reply{
			Headers:  Block{field("x", strings.Repeat("\x00", maxFrame))},
			Trailers: Block{field("y", strings.Repeat("\x00", 1<<20))},
		}},
	}
	server := NewServer(t, Reply{})
	client := Dial(t, server.Addr())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server.SetReply(tt.reply)
			answer := mustCall(t, client, Request{Method: unaryCall, Messages: [][]byte{nil}})
			want := []Block{tt.reply.Headers}
			if tt.reply.Trailers != nil {
				want = append(want, tt.reply.Trailers)
			}
			if len(answer.Blocks) != len(want) {
				t.Fatalf("%d header blocks; want %d", len(answer.Blocks), len(want))
			}
			for i := range want {
				if got := fmt.Sprint(answer.Blocks[i]); got != fmt.Sprint(want[i]) {
					t.Errorf("block %d is %.200q; want %.200q", i, got, fmt.Sprint(want[i]))
				}
			}
			if !bytes.Equal(answer.Body, tt.reply.Body) {
				t.Errorf("the body is %.200q; want %.200q", answer.Body, tt.reply.Body)
			}
		})
	}
}

func TestServerEndsWithItsTest(t *testing.T) {
	var client *Conn
	t.Run("the server's", func(inner *testing.T) {
		client = Dial(t, NewServer(inner, Reply{Headers: notFound}).Addr())
		mustCall(inner, client, Request{Method: unaryCall})
	})
	if answer, err := client.Call(Request{Method: unaryCall}); err == nil {
		t.Errorf("after its test, the server answers %+v; want an error", answer)
	}
}

func TestServerRefusesABodyItCannotSend(t *testing.T) {
	server := NewServer(t, Reply{})
	defer func() {
		if recover() == nil {
			t.Error("SetReply() with a body larger than a frame returns; want a panic")
		}
	}()
	server.SetReply(Reply{Body: make([]byte, maxFrame+1)})
}

func TestServerAnswersAGRPCClient(t *testing.T) {
	server := NewServer(t, Reply{})
	conn, err := grpc.NewClient(server.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	client := testgrpc.NewTestServiceClient(conn)

	server.SetReply(Reply{Headers: append(responseHeaders[:2:2], notFound...)})
	if _, err := client.UnaryCall(t.Context(), &testgrpc.SimpleRequest{}); grpcstatus.Code(err) != grpccodes.NotFound {
		t.Errorf("UnaryCall() = %v; want NotFound", err)
	}

	server.SetReply(Reply{responseHeaders, LengthPrefixed(payload(t), nil, nil), notFound})
	for range manyCalls {
		if arrived, err := receive(t, client); arrived != 3 || grpcstatus.Code(err) != grpccodes.NotFound {
			t.Fatalf("%d messages, then %v; want 3, then NotFound", arrived, err)
		}
	}
}

func TestServerGivesBackTheWindow(t *testing.T) {
	client := Dial(t, NewServer(t, Reply{Headers: notFound}).Addr())
	for range manyCalls {
		mustCall(t, client, Request{Method: unaryCall, Messages: [][]byte{payload(t)}})
	}
}

// receive reads a stream to its end and counts the messages.
func receive(t *testing.T, client testgrpc.TestServiceClient) (arrived int, err error) {
	t.Helper()
	stream, err := client.StreamingOutputCall(t.Context(), &testgrpc.StreamingOutputCallRequest{})
	if err != nil {
		return 0, err
	}
	for {
		if _, err := stream.Recv(); err != nil {
			return arrived, err
		}
		arrived++
	}
}

func field(name, value string) hpack.HeaderField { return hpack.HeaderField{Name: name, Value: value} }
