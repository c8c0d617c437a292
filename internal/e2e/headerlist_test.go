package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// The client's header list. If a status doesn't fit into it, the client loses the whole
// status, or even the connection and all other calls on it. So a server truncates large
// statuses, and the code always arrives.

// A hostile error is larger than any client in these tests accepts.
type hostile struct {
	name string
	err  error
	code codes.Code     // nil for a gRPC status, which carries none
	grpc grpccodes.Code // not INTERNAL or UNAVAILABLE: a lost status becomes one of these
}

// hostiles returns the hostile errors, each with another code, so that a test can't
// mistake one for another.
func hostiles(t testing.TB) []hostile {
	t.Helper()
	carrying := func(name string, c codes.ErrorCode, build func(*status.Status) *status.Status, message string) hostile {
		row, _ := codes.Default().Lookup(c.Number())
		return hostile{name, build(status.New(c, message)).Err(), c, row.GRPCCode}
	}
	unchanged := func(st *status.Status) *status.Status { return st }
	return []hostile{
		carrying("a message of 20,000 letters", codes.RecordNotFound, unchanged, strings.Repeat("x", 20_000)),
		carrying("a message of 5,000 Chinese characters", codes.Args, unchanged, strings.Repeat("字", 5_000)),
		carrying("a message of 1 MiB", codes.NoPermission, unchanged, strings.Repeat("x", 1<<20)),
		carrying("10,000 field violations", codes.DuplicateKey, withViolations(10_000), "bad request"),
		carrying("100 pairs of metadata", codes.TokenExpired, withPairs(100), "expired"),
		carrying("100 KB under ten Anys", codes.SdkNotInit, withNested(t, 10, 100_000), "not yet"),
		{
			name: "a gRPC status with 60 KB of details",
			err:  bigGRPCStatus(t, grpccodes.ResourceExhausted, 60_000),
			grpc: grpccodes.ResourceExhausted,
		},
	}
}

func withViolations(n int) func(*status.Status) *status.Status {
	return func(st *status.Status) *status.Status { return st.WithDetails(testrpc.Violations(n)) }
}

func withPairs(n int) func(*status.Status) *status.Status {
	return func(st *status.Status) *status.Status {
		for i := range n {
			st = st.WithMetadata(fmt.Sprintf("key-%d", i), strings.Repeat("v", 200))
		}
		return st
	}
}

// withNested adds a text under several Anys, a detail that can't be shortened.
func withNested(t testing.TB, depth, size int) func(*status.Status) *status.Status {
	t.Helper()
	var inner proto.Message = wrapperspb.String(strings.Repeat("x", size))
	for range depth {
		inner = testrpc.Packed(t, inner)
	}
	return func(st *status.Status) *status.Status { return st.WithDetails(inner) }
}

// bigGRPCStatus returns a gRPC status error with a small message and large details.
func bigGRPCStatus(t testing.TB, c grpccodes.Code, size int) error {
	t.Helper()
	p := testrpc.Canonical(t, c, "too much", testrpc.BadRequest(), &errdetails.ResourceInfo{Description: strings.Repeat("x", size/2)})
	p.Details = append(p.Details, &anypb.Any{
		TypeUrl: "type.googleapis.com/shop.example.Unknown", Value: []byte(strings.Repeat("\xff", size/2)),
	})
	return grpcstatus.FromProto(p).Err()
}

// A neighbour is a service with one more method, HalfDuplexCall, which echoes messages
// until the client ends the call.
type neighbour struct{ *testrpc.Service }

func (neighbour) HalfDuplexCall(stream testgrpc.TestService_HalfDuplexCallServer) error {
	for {
		req, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{Payload: req.GetPayload()}); err != nil {
			return err
		}
	}
}

// openEcho starts an echoing call. The function echo sends a text and checks the
// answer; end ends the call.
func openEcho(t *testing.T, client testgrpc.TestServiceClient) (echo func(text string) error, end func() error) {
	t.Helper()
	stream, err := client.HalfDuplexCall(t.Context())
	if err != nil {
		t.Fatalf("HalfDuplexCall() = %v", err)
	}
	echo = func(text string) error {
		payload := &testgrpc.Payload{Body: []byte(text)}
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{Payload: payload}); err != nil && err != io.EOF {
			return err
		}
		resp, err := stream.Recv() // if Send returned io.EOF, this returns the status
		if err != nil {
			return fmt.Errorf("after %q: %w", text, err)
		}
		if got := string(resp.GetPayload().GetBody()); got != text {
			return fmt.Errorf("the echo of %q is %q", text, got)
		}
		return nil
	}
	end = func() error {
		if err := stream.CloseSend(); err != nil {
			return err
		}
		if _, err := stream.Recv(); err != io.EOF {
			return fmt.Errorf("after half-close: %w; want io.EOF", err)
		}
		return nil
	}
	return echo, end
}

// headerLists has the limits that clients set.
var headerLists = []uint32{4096, 8192, 16384}

func TestCodesFitIntoTheClientsHeaderList(t *testing.T) {
	for _, limit := range headerLists {
		client := append(interceptor.DialOptions(), grpc.WithMaxHeaderListSize(limit))
		t.Run(fmt.Sprintf("limit %d, server with the default size", limit), func(t *testing.T) {
			checkCodesArrive(t, interceptor.ServerOptions(), client)
		})
		t.Run(fmt.Sprintf("limit %d, server with the same size", limit), func(t *testing.T) {
			checkCodesArrive(t, interceptor.ServerOptions(interceptor.WithMaxStatusSize(int(limit))), client)
		})
	}
}

// checkCodesArrive ends every kind of call at every moment with every hostile error.
// Meanwhile another call, the neighbour, stays open on the same connection.
func checkCodesArrive(t *testing.T, server []grpc.ServerOption, client []grpc.DialOption) {
	t.Helper()
	svc := neighbour{testrpc.Returning(nil)}
	caller := testrpc.Connect(t, svc, server, client)
	echo, end := openEcho(t, caller)
	if err := echo("before"); err != nil {
		t.Fatalf("before any error the neighbour's echo fails with %v; want no failure", err)
	}
	for _, h := range hostiles(t) {
		for _, k := range testrpc.Kinds {
			for _, at := range k.Moments {
				svc.Return(at, h.err)
				arrived, err := k.Call(t.Context(), caller)
				if arrived != k.Arrived(at) {
					t.Errorf("%s, %s %s: %d messages arrived before the error; want %d", h.name, k.Name, at, arrived, k.Arrived(at))
				}
				h.check(t, fmt.Sprintf("%s %s", k.Name, at), err)
				if err := echo(h.name); err != nil {
					t.Fatalf("%s, %s %s: the neighbour's echo fails with %v; want no failure", h.name, k.Name, at, testrpc.Brief(err))
				}
			}
		}
	}
	if err := end(); err != nil {
		t.Errorf("the neighbour ends with %v; want io.EOF", err)
	}
}

// check checks that err carries the code and says that it was truncated.
func (h hostile) check(t *testing.T, call string, err error) {
	t.Helper()
	if got := grpcstatus.Code(err); got != h.grpc {
		t.Errorf("%s, %s: the canonical code is %v; want %v: %s", h.name, call, got, h.grpc, testrpc.Brief(err))
		return
	}
	if h.code == nil {
		return
	}
	st, _ := status.FromError(err)
	if status.Code(err) != h.code || !errors.Is(err, h.code) || st.Origin() != status.OriginKnown {
		t.Errorf("%s, %s: the code is %v with origin %v; want %v with origin known", h.name, call, status.Code(err), st.Origin(), h.code)
		return
	}
	row, _ := codes.Default().Lookup(h.code.Number())
	if st.Reason() != row.Reason || st.Domain() != codes.Default().Domain() {
		t.Errorf("%s, %s: reason %q of domain %q; want %q of %q", h.name, call, st.Reason(), st.Domain(), row.Reason, codes.Default().Domain())
	}
	if st.Metadata()["truncated"] == "" {
		t.Errorf("%s, %s: the metadata has no \"truncated\"; want it, because the status is truncated", h.name, call)
	}
}

// This is the control of the test above. Without errstatus the errors exceed the limits,
// and the client loses their codes.
func TestHostileErrorsAreLostWithoutTheInterceptor(t *testing.T) {
	for _, limit := range headerLists {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			svc := testrpc.Returning(nil)
			client := testrpc.Connect(t, svc, nil, append(interceptor.DialOptions(), grpc.WithMaxHeaderListSize(limit)))
			checkCodesAreLost(t, svc, client)
		})
	}
}

func checkCodesAreLost(t *testing.T, svc *testrpc.Service, client testgrpc.TestServiceClient) {
	t.Helper()
	for _, h := range hostiles(t) {
		for _, k := range testrpc.Kinds {
			svc.Return(testrpc.AtOpen, h.err)
			_, err := k.Call(t.Context(), client)
			if got := grpcstatus.Code(err); got != grpccodes.Internal && got != grpccodes.Unavailable {
				t.Errorf("%s, %s: the canonical code is %v; want INTERNAL or UNAVAILABLE, because the status is lost: %s", h.name, k.Name, got, testrpc.Brief(err))
			}
		}
	}
}

// gRPC will lower its default limit to 8 KiB. A program can turn that on today, with an
// environment variable that gRPC reads at start-up.
const (
	smallDefault = "GRPC_GO_EXPERIMENTAL_ENABLE_8KB_DEFAULT_HEADER_LIST_SIZE"
	isChild      = "ERRSTATUS_TEST_SMALL_HEADER_LIST"
)

// The test runs itself in a child process with the coming default. There the client
// doesn't announce its limit, so without errstatus the server sends a status that is too
// large, and the client loses the status or the connection.
func TestCodesFitIntoTheComingDefault(t *testing.T) {
	if os.Getenv(isChild) == "" {
		runInChild(t)
		return
	}
	t.Run("with the interceptor", func(t *testing.T) {
		checkCodesArrive(t, interceptor.ServerOptions(), interceptor.DialOptions())
	})
	t.Run("control, without the interceptor", func(t *testing.T) {
		svc := testrpc.Returning(nil)
		checkCodesAreLost(t, svc, testrpc.Connect(t, svc, nil, interceptor.DialOptions()))
	})
	t.Run("control, the neighbour without the interceptor", checkNeighbourIsLost)
}

// checkNeighbourIsLost is the control for the neighbour: without errstatus a hostile
// error breaks the connection that they share.
func checkNeighbourIsLost(t *testing.T) {
	svc := neighbour{testrpc.Returning(errors.New(strings.Repeat("x", 1<<20)))}
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
	echo, _ := openEcho(t, client)
	if err := echo("before"); err != nil {
		t.Fatalf("before any error the neighbour's echo fails with %v; want no failure", err)
	}
	testrpc.CallUnary(t.Context(), client)
	if err := echo("after"); grpcstatus.Code(err) != grpccodes.Unavailable {
		t.Errorf("the neighbour's echo fails with %v; want UNAVAILABLE, because the connection is lost", err)
	}
}

// runInChild runs the calling test in a child process.
func runInChild(t *testing.T) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatalf("os.Executable: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, binary, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	child.Env = append(os.Environ(), smallDefault+"=true", isChild+"=1")
	output, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%s with %s=true: %v; its output:\n%s", t.Name(), smallDefault, err, output)
	}
	if passed := "--- PASS: " + t.Name() + "/with_the_interceptor"; !strings.Contains(string(output), passed) {
		t.Fatalf("the child's output has no %q, so it didn't run the test:\n%s", passed, output)
	}
}
