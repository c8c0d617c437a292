package connectstatus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/errstatus/errstatus/codes"
	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// patience bounds the time of all calls from Node. Only a machine under load needs that long.
const patience = time.Minute

// A nodeCall is a call that testdata/node/client.js makes: a line of JSON.
type nodeCall struct {
	Transport string `json:"transport"`
	Code      int32  `json:"code"`
	Message   string `json:"message"`
	Stream    bool   `json:"stream"`
	Messages  int    `json:"messages"` // before the end of a stream
}

// A nodeAnswer is what Connect's client in JavaScript reads from the end of a call.
type nodeAnswer struct {
	Messages int               `json:"messages"`
	Code     string            `json:"code"`
	Message  string            `json:"message"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata"`
	Fields   []string          `json:"fields"`
	Details  int               `json:"details"`
}

// nodeTransports are those of client.js.
var nodeTransports = []string{
	"Connect, Node, HTTP 1.1", "Connect, Node, HTTP 2", "gRPC, Node", "gRPC-Web, Node, HTTP 1.1", "gRPC-Web, Node, HTTP 2",
	"Connect, web", "gRPC-Web, web",
}

// An echo is a TestService that fails with the code that the request asks for.
type echo struct {
	grpc_testingconnect.UnimplementedTestServiceHandler
}

func (echo) fail(asked *testgrpc.EchoStatus) error {
	return status.New(codes.ErrorCode(asked.GetCode()), asked.GetMessage()).WithMetadata("user", "安").
		WithDetails(testrpc.BadRequest()).Err()
}

func (e echo) UnaryCall(_ context.Context, request *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	return nil, e.fail(request.GetResponseStatus())
}

func (e echo) StreamingOutputCall(_ context.Context, request *testgrpc.StreamingOutputCallRequest, stream grpc_testingconnect.TestServiceStreamingOutputCallServerStream) error {
	for range request.GetResponseParameters() {
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return e.fail(request.GetResponseStatus())
}

// Connect's clients for Node and for browsers, which know nothing of errstatus, read every code in
// the Connect, gRPC and gRPC-Web protocols.
func TestNode(t *testing.T) {
	findNode(t)
	var calls []nodeCall
	var want []nodeAnswer
	for _, transport := range nodeTransports {
		for _, c := range testrpc.EveryCode(t) {
			for _, way := range []nodeCall{{}, {Stream: true}, {Stream: true, Messages: 2, Message: "größer als 100 %"}} {
				way.Transport, way.Code = transport, int32(c)
				calls, want = append(calls, way), append(want, nodeAnswerTo(way))
			}
		}
	}
	got := runNode(t, serve(t, echo{}, onServer()), calls)
	for i := range want {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("%+v: what Node reads (-want +got):\n%s", calls[i], diff)
		}
	}
}

func nodeAnswerTo(call nodeCall) nodeAnswer {
	row := codes.RowOf(codes.ErrorCode(call.Code))
	a := nodeAnswer{
		Messages: call.Messages,
		Code:     nodeCodes[code.Code(row.GRPCCode)],
		Message:  call.Message,
		Reason:   row.Reason,
		Domain:   "openim.io",
		Metadata: map[string]string{"code": strconv.Itoa(int(call.Code)), "user": "安"},
		Fields:   []string{"name"},
		Details:  2,
	}
	if a.Message == "" {
		a.Message = row.Message
	}
	return a
}

// nodeCodes has the names of Connect's enum in JavaScript.
var nodeCodes = map[code.Code]string{
	code.Code_CANCELLED: "Canceled", code.Code_UNKNOWN: "Unknown", code.Code_INVALID_ARGUMENT: "InvalidArgument",
	code.Code_DEADLINE_EXCEEDED: "DeadlineExceeded", code.Code_NOT_FOUND: "NotFound", code.Code_ALREADY_EXISTS: "AlreadyExists",
	code.Code_PERMISSION_DENIED: "PermissionDenied", code.Code_RESOURCE_EXHAUSTED: "ResourceExhausted",
	code.Code_FAILED_PRECONDITION: "FailedPrecondition", code.Code_ABORTED: "Aborted", code.Code_OUT_OF_RANGE: "OutOfRange",
	code.Code_UNIMPLEMENTED: "Unimplemented", code.Code_INTERNAL: "Internal", code.Code_UNAVAILABLE: "Unavailable",
	code.Code_DATA_LOSS: "DataLoss", code.Code_UNAUTHENTICATED: "Unauthenticated",
}

// findNode skips the test if Node or Connect's packages aren't installed. With
// ERRSTATUS_PEERS=required it fails the test.
func findNode(t *testing.T) {
	t.Helper()
	const probe = "import '@connectrpc/connect-node'; import '@connectrpc/connect-web'"
	cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e", probe)
	cmd.Dir = filepath.Join("testdata", "node")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	const install = "apt-get install nodejs npm, and npm ci in integrations/connect/testdata/node"
	if os.Getenv("ERRSTATUS_PEERS") == "required" {
		t.Fatalf("ERRSTATUS_PEERS=required, but Connect for Node isn't installed (%v): install it with: %s\n%s", err, install, out)
	}
	t.Skipf("Connect for Node isn't installed: to run this test, install it with: %s", install)
}

// runNode makes the calls and returns the answers.
func runNode(t *testing.T, address string, calls []nodeCall) (answers []nodeAnswer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join("testdata", "node", "client.js"), address, descriptors(t))
	var in bytes.Buffer
	for _, call := range calls {
		if err := json.NewEncoder(&in).Encode(call); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Stdin, cmd.Stderr = &in, t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v (the test kills it after %v); it printed\n%.2000s", cmd, err, patience, out)
	}
	for line := range bytes.Lines(out) {
		var a nodeAnswer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("answer %d is %s: %v", len(answers), line, err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(calls) {
		t.Fatalf("Node printed %d answers; want %d", len(answers), len(calls))
	}
	return answers
}

// descriptors writes a FileDescriptorSet of the service and of the details, and returns its
// path. The descriptors come from this program, so that Node needs no generated code.
func descriptors(t *testing.T) string {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	seen := make(map[string]bool)
	addFile(set, seen, testgrpc.File_grpc_testing_test_proto)
	addFile(set, seen, (&errdetails.ErrorInfo{}).ProtoReflect().Descriptor().ParentFile())
	encoded, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "descriptors.pb")
	if err := os.WriteFile(path, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// addFile adds a file after its imports, the order that readers need.
func addFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		addFile(set, seen, file.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}
