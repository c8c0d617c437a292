package errstatus_test

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
	"github.com/errstatus/errstatus/status"
)

// What of a status doesn't fit into the header list that a client takes is lost
// as a whole: the code with it, and in the worst case the connection with all
// other calls on it. So a code must arrive however big the error around it is.

// A hostile error has much more to say than any of the clients here takes.
type hostile struct {
	name string
	err  error
	code codes.Code     // nil for a gRPC status, which states none
	grpc grpccodes.Code // not INTERNAL or UNAVAILABLE, which a lost status gives
}

// hostiles are each of a code of its own, so that none can be taken for another.
func hostiles(t testing.TB) []hostile {
	t.Helper()
	state := func(name string, c codes.ErrorCode, build func(*status.Status) *status.Status, message string) hostile {
		row, _ := codes.Default().Lookup(c.Number())
		return hostile{name, build(status.New(c, message)).Err(), c, row.GRPCCode}
	}
	as := func(st *status.Status) *status.Status { return st }
	return []hostile{
		state("a message of 20,000 letters", codes.RecordNotFound, as, strings.Repeat("x", 20_000)),
		state("a message of 5,000 Chinese characters", codes.Args, as, strings.Repeat("字", 5_000)),
		state("a message of 1 MiB", codes.NoPermission, as, strings.Repeat("x", 1<<20)),
		state("10,000 field violations", codes.DuplicateKey, withViolations(10_000), "bad request"),
		state("100 pairs of metadata", codes.TokenExpired, withPairs(100), "expired"),
		state("100 KB under ten Anys", codes.SdkNotInit, withNested(t, 10, 100_000), "not yet"),
		{
			name: "a gRPC status with 60 KB of details",
			err:  bigGRPCStatus(t, grpccodes.ResourceExhausted, 60_000),
			grpc: grpccodes.ResourceExhausted,
		},
	}
}

func withViolations(n int) func(*status.Status) *status.Status {
	violations := &errdetails.BadRequest{}
	for i := range n {
		violations.FieldViolations = append(violations.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: fmt.Sprintf("users[%d].name", i), Description: "must not be empty",
		})
	}
	return func(st *status.Status) *status.Status { return st.WithDetails(violations) }
}

func withPairs(n int) func(*status.Status) *status.Status {
	return func(st *status.Status) *status.Status {
		for i := range n {
			st = st.WithMetadata(fmt.Sprintf("key-%d", i), strings.Repeat("v", 200))
		}
		return st
	}
}

// withNested adds a text under so many Anys: what can't be cut by its fields.
func withNested(t testing.TB, depth, size int) func(*status.Status) *status.Status {
	t.Helper()
	var inner proto.Message = wrapperspb.String(strings.Repeat("x", size))
	for range depth {
		inner = packed(t, inner)
	}
	return func(st *status.Status) *status.Status { return st.WithDetails(inner) }
}

// bigGRPCStatus is made with gRPC's own package, as by code that knows nothing of
// errstatus; its message is small, so that all of its size is in the details.
func bigGRPCStatus(t testing.TB, c grpccodes.Code, size int) error {
	t.Helper()
	p := canonical(t, c, "too much", badRequest(), &errdetails.ResourceInfo{Description: strings.Repeat("x", size/2)})
	p.Details = append(p.Details, &anypb.Any{
		TypeUrl: "type.googleapis.com/shop.example.Unknown", Value: []byte(strings.Repeat("\xff", size/2)),
	})
	return grpcstatus.FromProto(p).Err()
}

// A neighbour is a service with one more method, which echoes for as long as the
// client likes, whatever the other methods end with.
type neighbour struct{ *service }

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

// openEcho starts an echoing call. The function sends one text and compares what
// comes back.
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
		resp, err := stream.Recv() // has the reason of a Send's io.EOF
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

// The limits that clients set.
var headerLists = []uint32{4096, 8192, 16384}

func TestCodesFitIntoTheClientsHeaderList(t *testing.T) {
	for _, limit := range headerLists {
		client := append(interceptor.DialOptions(), grpc.WithMaxHeaderListSize(limit))
		t.Run(fmt.Sprintf("limit %d, the server has its default", limit), func(t *testing.T) {
			checkCodesArrive(t, interceptor.ServerOptions(), client)
		})
		t.Run(fmt.Sprintf("limit %d, the server has the same", limit), func(t *testing.T) {
			checkCodesArrive(t, interceptor.ServerOptions(interceptor.WithMaxStatusSize(int(limit))), client)
		})
	}
}

// checkCodesArrive makes every kind of call, ended at every moment by every
// hostile error, beside one call that goes on through all of them.
func checkCodesArrive(t *testing.T, server []grpc.ServerOption, client []grpc.DialOption) {
	t.Helper()
	svc := neighbour{returning(nil)}
	caller := connect(t, svc, server, client)
	echo, end := openEcho(t, caller)
	if err := echo("before"); err != nil {
		t.Fatalf("the neighbour doesn't echo before any error: %v", err)
	}
	for _, h := range hostiles(t) {
		for _, k := range kinds {
			for _, at := range k.moments {
				svc.end(at, h.err)
				arrived, err := k.call(t.Context(), caller)
				if arrived != k.arrived(at) {
					t.Errorf("%s, %s %s: %d messages arrived before the error; want %d", h.name, k.name, at, arrived, k.arrived(at))
				}
				h.check(t, fmt.Sprintf("%s %s", k.name, at), err)
				if err := echo(h.name); err != nil {
					t.Fatalf("%s, %s %s: the neighbour on the same connection is lost: %v", h.name, k.name, at, brief(err))
				}
			}
		}
	}
	if err := end(); err != nil {
		t.Errorf("the neighbour doesn't end as it should: %v", err)
	}
}

// check looks for the code in what a call returned, and for word of what was cut.
func (h hostile) check(t *testing.T, call string, err error) {
	t.Helper()
	if got := grpcstatus.Code(err); got != h.grpc {
		t.Errorf("%s, %s: the canonical code is %v; want %v: %s", h.name, call, got, h.grpc, brief(err))
		return
	}
	if h.code == nil {
		return
	}
	st, _ := status.FromError(err)
	if status.Code(err) != h.code || !errors.Is(err, h.code) || st.Origin() != status.OriginKnown {
		t.Errorf("%s, %s: the code is %v of origin %v; want %v, stated", h.name, call, status.Code(err), st.Origin(), h.code)
		return
	}
	row, _ := codes.Default().Lookup(h.code.Number())
	if st.Reason() != row.Reason || st.Domain() != codes.Default().Domain() {
		t.Errorf("%s, %s: reason %q of domain %q; want %q of %q", h.name, call, st.Reason(), st.Domain(), row.Reason, codes.Default().Domain())
	}
	if st.Metadata()["truncated"] == "" {
		t.Errorf("%s, %s: metadata has no \"truncated\"; want it to say that something was cut", h.name, call)
	}
}

// brief is an error's text, or a text, either of which may be a MiB.
func brief(long any) string {
	const most = 300
	text := fmt.Sprint(long)
	if len(text) > most {
		return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:most], ""), len(text))
	}
	return text
}

// TestHostileErrorsAreLostWithoutTheInterceptor: otherwise the limits of the test
// above are not in force, or its errors not big.
func TestHostileErrorsAreLostWithoutTheInterceptor(t *testing.T) {
	for _, limit := range headerLists {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			svc := returning(nil)
			client := connect(t, svc, nil, append(interceptor.DialOptions(), grpc.WithMaxHeaderListSize(limit)))
			checkCodesAreLost(t, svc, client)
		})
	}
}

func checkCodesAreLost(t *testing.T, svc *service, client testgrpc.TestServiceClient) {
	t.Helper()
	for _, h := range hostiles(t) {
		for _, k := range kinds {
			svc.end(atOpen, h.err)
			_, err := k.call(t.Context(), client)
			if got := grpcstatus.Code(err); got != grpccodes.Internal && got != grpccodes.Unavailable {
				t.Errorf("%s, %s: the canonical code is %v; want the status to be lost: %s", h.name, k.name, got, brief(err))
			}
		}
	}
}

// gRPC's coming default is read from the environment when a program starts.
const (
	smallDefault = "GRPC_GO_EXPERIMENTAL_ENABLE_8KB_DEFAULT_HEADER_LIST_SIZE"
	isChild      = "ERRSTATUS_TEST_SMALL_HEADER_LIST"
)

// TestCodesFitIntoTheComingDefault runs itself in a child process that has the
// coming default. There the client doesn't announce its limit, and so the server
// doesn't hold back what is too big: the client drops it, or the connection.
func TestCodesFitIntoTheComingDefault(t *testing.T) {
	if os.Getenv(isChild) == "" {
		runInChild(t)
		return
	}
	t.Run("with the interceptor", func(t *testing.T) {
		checkCodesArrive(t, interceptor.ServerOptions(), interceptor.DialOptions())
	})
	t.Run("control, without the interceptor", func(t *testing.T) {
		svc := returning(nil)
		checkCodesAreLost(t, svc, connect(t, svc, nil, interceptor.DialOptions()))
	})
	t.Run("control, the neighbour without the interceptor", checkNeighbourIsLost)
}

// checkNeighbourIsLost: otherwise the calls have a connection of their own, and
// that the neighbour survives says nothing.
func checkNeighbourIsLost(t *testing.T) {
	svc := neighbour{returning(errors.New(strings.Repeat("x", 1<<20)))}
	client := connect(t, svc, nil, interceptor.DialOptions())
	echo, _ := openEcho(t, client)
	if err := echo("before"); err != nil {
		t.Fatalf("the neighbour doesn't echo before any error: %v", err)
	}
	callUnary(t.Context(), client)
	if err := echo("after"); grpcstatus.Code(err) != grpccodes.Unavailable {
		t.Errorf("the neighbour's echo gives %v; want UNAVAILABLE, of the connection that was lost", err)
	}
}

// runInChild runs the calling test in a process of its own.
func runInChild(t *testing.T) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatalf("the test's own program: %v", err)
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
