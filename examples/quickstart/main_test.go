package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial starts the quickstart's server and connects to it.
func dial(t *testing.T, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer()
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestTourShowsEveryCode(t *testing.T) {
	var out bytes.Buffer
	client := quickstartpb.NewQuickstartClient(dial(t, interceptor.DialOptions()...))
	if err := printTable(&out, send(t.Context(), client)); err != nil {
		t.Errorf("the tour failed: %v", err)
	}
	lines := strings.Split(out.String(), "\n")
	for row := range codes.Default().All() {
		found := false
		for _, line := range lines {
			found = found || strings.Contains(line, " "+row.Name+" ") && strings.HasSuffix(line, "✓")
		}
		if !found {
			t.Errorf("no line with ✓ for %s", row.Name)
		}
	}
	width := len([]rune(lines[1]))
	codeCount := codes.Default().Len()
	for _, line := range lines[1 : codeCount+1] {
		if len([]rune(line)) != width {
			t.Errorf("the table is not aligned at %q", line)
		}
	}
	if got, want := lines[codeCount+2], fmt.Sprintf("%d codes, each through a unary call and a stream: %[1]d ✓, 0 ✗", codeCount); got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
}

func TestTourFailsIfACodeIsLost(t *testing.T) {
	client := quickstartpb.NewQuickstartClient(dial(t, interceptor.DialOptions()...))
	results := send(t.Context(), client)
	results[1].unary = errors.New("no status")
	results[2].stream = nil
	var out bytes.Buffer
	if err := printTable(&out, results); err == nil || !strings.HasPrefix(err.Error(), "2 of ") {
		t.Errorf("error = %v, want one that counts 2", err)
	}
	if got := strings.Count(out.String(), "  ✗\n"); got != 2 {
		t.Errorf("%d rows with ✗, want 2:\n%s", got, out.String())
	}
}

func TestUnknownCodeIsABadRequest(t *testing.T) {
	client := quickstartpb.NewQuickstartClient(dial(t, interceptor.DialOptions()...))
	for _, text := range []string{"NoSuchCode", "1305", "", "99999999999", "-1"} {
		_, unary := client.Fail(t.Context(), &quickstartpb.FailRequest{Code: text})
		stream, err := client.FailStream(t.Context(), &quickstartpb.FailStreamRequest{Code: text})
		if err != nil {
			t.Fatal(err)
		}
		_, streamed := stream.Recv()
		for _, err := range []error{unary, streamed} {
			br, _ := status.Detail[*errdetails.BadRequest](err)
			if status.Code(err) != codes.Code(codes.Args) || br.GetFieldViolations()[0].GetField() != "code" {
				t.Errorf("for code %q: %v with %v; want Args with a BadRequest for the field code", text, err, br)
			}
		}
	}
	stream, err := client.FailStream(t.Context(), &quickstartpb.FailStreamRequest{Code: "Args", Messages: maxMessages + 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Convert(err).Metadata()["field"] != "messages" {
		t.Errorf("for too many messages: %v, want Args for the field messages", err)
	}
}

func TestRequestShapesTheError(t *testing.T) {
	client := quickstartpb.NewQuickstartClient(dial(t, interceptor.DialOptions()...))
	_, err := client.Fail(t.Context(), &quickstartpb.FailRequest{
		Code: "1004", Message: "no such user", Cause: "dsn=secret", Metadata: map[string]string{"user": "u-42"},
	})
	st := status.Convert(err)
	if st.Code() != codes.Code(codes.RecordNotFound) || st.Message() != "no such user" || st.Metadata()["user"] != "u-42" || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v with metadata %v; want the request's message and metadata, and not its cause", err, st.Metadata())
	}
	if _, err := client.Fail(t.Context(), &quickstartpb.FailRequest{Code: "NoError", Cause: "x"}); err != nil {
		t.Errorf("for NoError: %v, want success", err)
	}
}

func TestHealthAndReflection(t *testing.T) {
	conn := dial(t)
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Errorf("health: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	request := &grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(request); err != nil {
		t.Fatal(err)
	}
	if answer, err := stream.Recv(); err != nil || !strings.Contains(answer.String(), "errstatus.quickstart.v1.Quickstart") {
		t.Errorf("reflection = %v, %v; want the service's name", answer, err)
	}
}

// TestServeStops: a stream under way ends as it would have, and the server is
// gone after it.
func TestServeStops(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serveOn(ctx, listener) }()

	options := append(interceptor.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(listener.Addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := quickstartpb.NewQuickstartClient(conn).FailStream(t.Context(), &quickstartpb.FailStreamRequest{Code: "Args", Messages: maxMessages})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	stop()
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Code(codes.Args) {
		t.Errorf("the stream under way ended with %v, want Args", err)
	}
	select {
	case err := <-served:
		if err != nil {
			t.Errorf("serve = %v, want nil after an interrupt", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("serve didn't stop")
	}
}

func TestServeNamesABadAddress(t *testing.T) {
	if err := serve(t.Context(), "127.0.0.1:notaport"); err == nil || !strings.Contains(err.Error(), "notaport") {
		t.Errorf("serve = %v, want an error with the address", err)
	}
}
