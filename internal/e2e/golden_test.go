// Package e2e tests errstatus from end to end, through real servers and clients.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/test/bufconn"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// What a server writes is a file: testdata/wire.golden has a line for each case,
// with every header field in the order in which it was written. Run the test with
// -update to write it anew, and read the diff: each changed line is a change on
// the wire.

var update = flag.Bool("update", false, "write testdata/wire.golden anew")

const goldenFile = "testdata/wire.golden"

// goldenForms are the errors that a handler makes of a code.
var goldenForms = []struct {
	name string
	of   func(codes.ErrorCode) error
}{
	{"bare", func(c codes.ErrorCode) error { return c }},
	{"formatted", func(c codes.ErrorCode) error { return status.Errorf(c, "user %q: 100%% ☃\n", "42") }},
	{"metadata", func(c codes.ErrorCode) error {
		return status.New(c, "with metadata").WithMetadata("user", "42").WithMetadata("area", "é").Err()
	}},
	{"bad request", func(c codes.ErrorCode) error {
		return status.New(c, "").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "user.name", Description: "must not be empty"},
		}}).Err()
	}},
	{"wrapped", func(c codes.ErrorCode) error {
		return fmt.Errorf("handling: %w", status.Wrap(errors.New("dsn=secret"), c, "loading the user"))
	}},
}

func TestWireGolden(t *testing.T) {
	var got bytes.Buffer
	svc := &goldenService{}
	canonical := dialGolden(t, svc)
	numeric := dialGolden(t, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	for row := range codes.Default().All() {
		code := row.Code.(codes.ErrorCode)
		if code == codes.NoError {
			continue
		}
		for _, form := range goldenForms {
			svc.end.Store(func(context.Context) error { return form.of(code) })
			fmt.Fprintf(&got, "%s, %s\t%s\n", row.Name, form.name, written(t, canonical))
			fmt.Fprintf(&got, "%s, %s, numeric\t%s\n", row.Name, form.name, written(t, numeric))
		}
	}
	upstream := wiretest.NewServer(t, wiretest.Reply{})
	svc.end.Store(forwarding(t, upstream))
	for _, file := range []string{"foreign.jsonl", "openim_legacy.jsonl"} {
		for name, reply := range recordedReplies(t, file) {
			upstream.SetReply(reply)
			fmt.Fprintf(&got, "%s forwarded\t%s\n", name, written(t, canonical))
			fmt.Fprintf(&got, "%s forwarded, numeric\t%s\n", name, written(t, numeric))
		}
	}
	if *update {
		if err := os.WriteFile(goldenFile, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("what servers write has changed (-want +got); run with -update if it should:\n%s", diff)
	}
}

// A goldenService fails every unary call with what end returns.
type goldenService struct {
	testgrpc.UnimplementedTestServiceServer
	end atomic.Value // of func(context.Context) error
}

func (s *goldenService) EmptyCall(ctx context.Context, _ *testgrpc.Empty) (*testgrpc.Empty, error) {
	return &testgrpc.Empty{}, s.end.Load().(func(context.Context) error)(ctx)
}

func dialGolden(t *testing.T, svc testgrpc.TestServiceServer, opts ...interceptor.ServerOption) *wiretest.Conn {
	t.Helper()
	lis := bufconn.Listen(1 << 20)
	server := grpc.NewServer(interceptor.ServerOptions(opts...)...)
	testgrpc.RegisterTestServiceServer(server, svc)
	go server.Serve(lis)
	t.Cleanup(server.Stop)
	conn, err := lis.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return wiretest.NewConn(t, conn)
}

// written returns the header fields of the answer to a call.
func written(t *testing.T, conn *wiretest.Conn) string {
	t.Helper()
	answer, err := conn.Call(wiretest.Request{Method: "/grpc.testing.TestService/EmptyCall", Messages: [][]byte{nil}})
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, block := range answer.Blocks {
		for _, f := range block {
			fields = append(fields, f.Name+"="+f.Value)
		}
	}
	return strings.Join(fields, "\t")
}

// forwarding returns a handler that calls upstream and returns its error unchanged.
func forwarding(t *testing.T, upstream *wiretest.Server) func(context.Context) error {
	t.Helper()
	options := append(interceptor.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("passthrough:///"+upstream.Addr(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	client := testgrpc.NewTestServiceClient(conn)
	return func(ctx context.Context) error {
		_, err := client.EmptyCall(ctx, &testgrpc.Empty{})
		return err
	}
}

// recordedReplies iterates over the answers in a file of recorded ones that have
// a grpc-status, as trailers-only answers.
func recordedReplies(t *testing.T, file string) func(yield func(string, wiretest.Reply) bool) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string, wiretest.Reply) bool) {
		for line := range bytes.Lines(text) {
			var f struct {
				Name    string
				Status  *int64  `json:"grpc_status"`
				Message *string `json:"grpc_message_raw"`
				Details *string `json:"details_bin_base64"`
			}
			if err := json.Unmarshal(line, &f); err != nil {
				t.Fatal(err)
			}
			if f.Status == nil {
				continue
			}
			block := wiretest.Block{
				{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"},
				{Name: "grpc-status", Value: strconv.FormatInt(*f.Status, 10)},
			}
			if f.Message != nil {
				block = append(block, hpack.HeaderField{Name: "grpc-message", Value: *f.Message})
			}
			if f.Details != nil {
				block = append(block, hpack.HeaderField{Name: "grpc-status-details-bin", Value: *f.Details})
			}
			if !yield(f.Name, wiretest.Reply{Headers: block}) {
				return
			}
		}
	}
}
