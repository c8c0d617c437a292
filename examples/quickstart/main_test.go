package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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

// TestMain runs the command itself in the processes that TestInterrupt starts.
func TestMain(m *testing.M) {
	if os.Getenv(commandVariable) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

const commandVariable = "QUICKSTART_TEST_COMMAND"

// dial starts the quickstart's server and connects to it.
func dial(t *testing.T, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(slog.New(slog.DiscardHandler))
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
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), nil, &stdout, &stderr); status != 0 {
		t.Errorf("exit status %d; want 0; standard error:\n%s", status, stderr.String())
	}
	lines := strings.Split(stdout.String(), "\n")
	codeCount := codes.Default().Len()
	before := -1
	for _, line := range lines[1 : codeCount+1] {
		var number int
		var name string
		if _, err := fmt.Sscan(line, &number, &name); err != nil || number <= before || !strings.HasSuffix(line, "✓") {
			t.Errorf("line %q after number %d (%v); want a larger number, a name and ✓", line, before, err)
		}
		if row, _ := codes.Default().Lookup(codes.ErrorCode(number).Number()); row.Name != name {
			t.Errorf("line %q; want the name %q", line, row.Name)
		}
		before = number
		if utf8.RuneCountInString(line) != utf8.RuneCountInString(lines[1]) {
			t.Errorf("line %q has another length than %q; want both aligned", line, lines[1])
		}
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 120 {
			t.Errorf("a line of %d columns; want at most 120: %q", n, line)
		}
	}
	if want := fmt.Sprintf("\n%d codes, each through a unary call and a stream: %[1]d ✓, 0 ✗\n", codeCount); !strings.HasSuffix(stdout.String(), want) {
		t.Errorf("the last line is %q; want the output to end with %q", lines[len(lines)-2], want)
	}
}

func TestTourShowsWhereACauseGoes(t *testing.T) {
	var stdout, stderr bytes.Buffer
	run(t.Context(), nil, &stdout, &stderr)
	var callerGot []string
	for line := range strings.Lines(stdout.String()) {
		if text, ok := strings.CutPrefix(line, "the caller gets "); ok {
			callerGot = append(callerGot, strings.TrimSpace(text))
		}
	}
	wantCaller := []string{
		"Internal, ServerInternal: internal server error",
		"Internal, SrvDatabase: loading the user",
		"NotFound, RecordNotFound: record not found, user=47",
	}
	if !slices.Equal(callerGot, wantCaller) {
		t.Errorf("the caller gets %q; want %q", callerGot, wantCaller)
	}
	logged := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	wantLogged := []string{`error.cause="dial 10.0.0.7: refused"`, `error.cause="dial 10.0.0.7: refused"`, `key="group id"`}
	if len(logged) != len(wantLogged) {
		t.Fatalf("the server logged %d lines:\n%s\nwant one for each of %q", len(logged), stderr.String(), wantLogged)
	}
	for i, want := range wantLogged {
		if !strings.Contains(logged[i], want) {
			t.Errorf("the server logged %q; want %s in it", logged[i], want)
		}
	}
}

func TestTourFailsIfACodeIsLost(t *testing.T) {
	client := quickstartpb.NewQuickstartClient(dial(t, interceptor.DialOptions()...))
	results := send(t.Context(), client)
	results[1].unary = errors.New("no status")
	results[2].stream = nil
	var out bytes.Buffer
	if err := errors.Join(printTable(&out, results), printSummary(&out, results)); err == nil || !strings.Contains(err.Error(), "for 2 of 63 codes") {
		t.Errorf("error = %v; want one that counts 2 of 63", err)
	}
	if got := strings.Count(out.String(), "  ✗\n"); got != 2 {
		t.Errorf("%d rows with ✗; want 2:\n%s", got, out.String())
	}
}

func TestWrongUsageIsRefused(t *testing.T) {
	const mend = "give a host and a port such as 127.0.0.1:50051"
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{name: "empty address", args: []string{"-serve", ""}, want: []string{`invalid value "" for flag -serve`, mend}},
		{name: "no port", args: []string{"-serve", "localhost"}, want: []string{`invalid value "localhost" for flag -serve`, mend}},
		{name: "unknown port", args: []string{"-serve=127.0.0.1:notaport"}, want: []string{`invalid value "127.0.0.1:notaport"`, mend}},
		{name: "port out of range", args: []string{"-serve", "127.0.0.1:99999"}, want: []string{"99999", mend}},
		{name: "no value", args: []string{"-serve"}, want: []string{"flag needs an argument: -serve"}},
		{name: "wrong flag", args: []string{"-port", "1"}, want: []string{"flag provided but not defined: -port"}},
		{name: "extra argument", args: []string{"serve"}, want: []string{`takes no arguments, but was given ["serve"]`}},
		{name: "extra argument after a flag", args: []string{"-serve", "127.0.0.1:0", "x"}, want: []string{`but was given ["x"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), tt.args, &stdout, &stderr); status != 2 {
				t.Errorf("exit status %d; want 2", status)
			}
			for _, want := range append(tt.want, "-serve address\n") {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("standard error is\n%s\nwant %q in it", stderr.String(), want)
				}
			}
			if stdout.Len() > 0 {
				t.Errorf("standard output is %q; want nothing", stdout.String())
			}
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"-h"}, &stdout, &stderr); status != 0 || !strings.Contains(stderr.String(), "-serve address") {
		t.Errorf("exit status %d; want 0 and the usage; standard error:\n%s", status, stderr.String())
	}
}

func TestBusyPortIsNamed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"-serve", listener.Addr().String()}, &stdout, &stderr)
	if status != 1 || !strings.Contains(stderr.String(), listener.Addr().String()) || !strings.Contains(stderr.String(), "give -serve another address") {
		t.Errorf("exit status %d; want 1 and an error with the address; standard error:\n%s", status, stderr.String())
	}
}

func TestInterruptedTourFails(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("a signal"))
	var stdout, stderr bytes.Buffer
	if status := run(ctx, nil, &stdout, &stderr); status != 1 || stderr.String() != "quickstart: stopped before every code was sent: a signal\n" {
		t.Errorf("exit status %d; want 1 and the reason; standard error:\n%s", status, stderr.String())
	}
	if stdout.Len() > 0 {
		t.Errorf("standard output is %q; want nothing", stdout.String())
	}
}

// The command serves until it gets the signal that Ctrl-C sends, and then ends without an
// error.
func TestInterrupt(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "-serve", "127.0.0.1:0")
	command.Env = append(os.Environ(), commandVariable+"=1")
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	output := bufio.NewReader(stdout)
	first, err := output.ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "serving ") {
		t.Errorf("the first line is %q (%v); want one that says that it serves", first, err)
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(output)
	if err != nil || !strings.Contains(string(rest), "\nstopping ") {
		t.Errorf("after an interrupt it prints %q (%v); want a line that says that it stops", rest, err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("after an interrupt it ends with %v; want exit status 0", err)
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
		t.Errorf("for too many messages: %v; want Args for the field messages", err)
	}
}

func TestRequestShapesTheError(t *testing.T) {
	client := quickstartpb.NewQuickstartClient(dial(t, interceptor.DialOptions()...))
	_, err := client.Fail(t.Context(), &quickstartpb.FailRequest{
		Code: "1004", Message: "no such user", Cause: "dsn=secret", Metadata: map[string]string{"user": "u-42"},
	})
	st := status.Convert(err)
	if st.Code() != codes.Code(codes.RecordNotFound) || st.Message() != "no such user" || st.Metadata()["user"] != "u-42" || strings.Contains(err.Error(), "secret") {
		t.Errorf("the caller gets %v with metadata %v; want the request's message and metadata, without its cause", err, st.Metadata())
	}
	if _, err := client.Fail(t.Context(), &quickstartpb.FailRequest{Code: "NoError", Cause: "x"}); err != nil {
		t.Errorf("for NoError: %v; want success", err)
	}
}

func TestCauseAloneIsAPlainError(t *testing.T) {
	client := quickstartpb.NewQuickstartClient(dial(t, interceptor.DialOptions()...))
	_, err := client.Fail(t.Context(), &quickstartpb.FailRequest{Cause: "dsn=secret"})
	if status.Code(err) != codes.Code(codes.ServerInternal) || status.Convert(err).Message() != "internal server error" {
		t.Errorf("the caller gets %v; want ServerInternal with the message of its row", err)
	}
}

func TestHealthAndReflection(t *testing.T) {
	conn := dial(t)
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Errorf("the health check = %v; want no error", err)
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

func TestServeLetsARunningStreamEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serveOn(ctx, listener, io.Discard, slog.New(slog.DiscardHandler)) }()

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
		t.Errorf("the running stream ended with %v; want Args", err)
	}
	select {
	case err := <-served:
		if err != nil {
			t.Errorf("serveOn() = %v after an interrupt; want nil", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("serveOn() has not returned after 30 seconds; want it to stop")
	}
}
