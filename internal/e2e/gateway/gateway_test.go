// Package gateway tests what a grpc-gateway makes of the failures of a backend with
// errstatus. A gateway turns statuses into JSON, and fails for a detail whose type isn't
// linked into it. So the gateway is a program that doesn't import errstatus, built with
// and without the blank import that links the types.
//
// The package is a module of its own because errstatus doesn't need grpc-gateway.
package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// patience bounds the time in which a program starts, ends or answers. Only a machine
// under load needs that long.
const patience = 60 * time.Second

// buildPatience bounds the time for a build, which may compile all dependencies.
const buildPatience = 5 * time.Minute

// errdetailsPackage has the types of google.rpc's details.
const errdetailsPackage = "google.golang.org/genproto/googleapis/rpc/errdetails"

// scratch is a directory for the programs.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "gateway"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// A program is the front command, built with tags.
type program struct {
	tags  string
	build func() (binary string, err error)
}

func newProgram(name, tags string) *program {
	return &program{tags, sync.OnceValues(func() (string, error) {
		readSources()
		binary := filepath.Join(scratch, name)
		ctx, cancel := context.WithTimeout(context.Background(), buildPatience)
		defer cancel()
		build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", tags, "-o", binary, "./front")
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", build, err, out)
		}
		return binary, nil
	})}
}

// readSources reads the source of the programs. go test repeats a cached result until a
// file changes that a test has read, and doesn't see what go build reads.
func readSources() {
	for _, pattern := range []string{"go.mod", "front/*.go", "testservice/*.go"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			_, _ = os.ReadFile(file)
		}
	}
}

// stock and cured differ in one blank import.
var (
	stock = newProgram("stock", "")
	cured = newProgram("cured", "errdetails")
)

// TestOneImportIsTheDifference checks that the two programs consist of the same packages,
// except for errdetails.
func TestOneImportIsTheDifference(t *testing.T) {
	without, with := stock.packages(t), cured.packages(t)
	added := slices.DeleteFunc(slices.Clone(with), func(p string) bool { return slices.Contains(without, p) })
	if diff := cmp.Diff([]string{errdetailsPackage}, added); diff != "" {
		t.Errorf("the packages that the build tag adds (-want +got):\n%s", diff)
	}
	if len(with) != len(without)+1 {
		t.Errorf("the programs have %d and %d packages; want one more with the build tag", len(without), len(with))
	}
	for _, p := range with {
		if strings.HasPrefix(p, "github.com/errstatus/errstatus/") && !strings.Contains(p, "/internal/e2e/gateway/") {
			t.Errorf("the gateway links %s; want nothing of errstatus", p)
		}
	}
}

// packages returns the import paths of the packages that are linked into the program.
func (p *program) packages(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", p.tags, "./front")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	return strings.Fields(string(out))
}

// An answer is what an HTTP client reads from a gateway.
type answer struct {
	HTTPStatus  int
	ContentType string
	Body        string // JSON without spaces, a line for each message of a stream
}

// These are the JSON texts that the gateways answer with, and parts of them.
const (
	notMarshaled = `{"code":13,"message":"failed to marshal error message"}`
	errorInfo    = `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RECORD_NOT_FOUND","domain":"openim.io","metadata":{"code":"1004"}}`
	unlinked     = `{"@type":"type.googleapis.com/shop.v1.Shelf"}`
	fieldless    = `{"@type":"type.googleapis.com/google.rpc.ErrorInfo"}`
	message      = `{"result":{"payload":null,"peerSocketAddress":""}}`
)

// The errors that the backend's handlers return.
var (
	domain    = status.Newf(codes.RecordNotFound, "user %q", "42").Err()
	bare      = grpcstatus.Error(grpccodes.NotFound, `user "42"`)
	ownDetail = grpcstatus.FromProto(&spb.Status{Code: int32(grpccodes.NotFound), Message: `user "42"`,
		Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/shop.v1.Shelf"}}}).Err()
)

// TestGateway makes each kind of call through the gateways. A server stream fails before
// its first message or after the last.
func TestGateway(t *testing.T) {
	adopted := interceptor.ServerOptions()
	type want struct {
		unary, atOpen, afterMessages answer
		log                          string // a part of what the gateway logs, or empty
	}
	// These are what clients should get for a NOT_FOUND with details.
	right := func(details string) want {
		st := `{"code":5,"message":"user \"42\"","details":[` + details + `]}`
		chunk := `{"error":` + st + `}`
		return want{
			unary:         answer{404, "application/json", st},
			atOpen:        answer{404, "application/json", chunk},
			afterMessages: answer{200, "application/json", lines(message, message, chunk)},
		}
	}
	// These are what clients get if the gateway can't print a detail.
	broken := func(typeName string) want {
		return want{
			unary:         answer{500, "application/json", notMarshaled},
			atOpen:        answer{404, "application/json", ""},
			afterMessages: answer{200, "application/json", lines(message, message)}, // as for a success
			log:           "unable to resolve \"type.googleapis.com/" + typeName + `"`,
		}
	}
	success := want{
		unary:         answer{200, "application/json", `{"payload":null,"username":"","oauthScope":"","serverId":"","grpclbRouteType":"GRPCLB_ROUTE_TYPE_UNKNOWN","hostname":""}`},
		atOpen:        answer{200, "", ""},
		afterMessages: answer{200, "application/json", lines(message, message)},
	}

	for _, tt := range []struct {
		name    string
		gateway *program
		args    []string
		backend []grpc.ServerOption
		fails   error
		want    want
	}{
		{name: "stock, success", gateway: stock, backend: adopted, want: success},
		{name: "stock, backend without errstatus", gateway: stock, fails: bare, want: right("")},
		{name: "stock, no details", gateway: stock, backend: adopted, fails: bare, want: right("")},
		{name: "stock, domain code", gateway: stock, backend: adopted, fails: domain, want: broken("google.rpc.ErrorInfo")},
		{name: "cured, success", gateway: cured, backend: adopted, want: success},
		{name: "cured, no details", gateway: cured, backend: adopted, fails: bare, want: right("")},
		{name: "cured, domain code", gateway: cured, backend: adopted, fails: domain, want: right(errorInfo)},
		{name: "cured, detail of a type that isn't linked", gateway: cured, backend: adopted, fails: ownDetail, want: broken("shop.v1.Shelf")},
		{name: "tolerant, success", gateway: stock, args: []string{"-tolerant"}, backend: adopted, want: success},
		{name: "tolerant, domain code", gateway: stock, args: []string{"-tolerant"}, backend: adopted, fails: domain, want: right(fieldless)},
		{name: "tolerant and cured, domain code", gateway: cured, args: []string{"-tolerant"}, backend: adopted, fails: domain, want: right(errorInfo)},
		{name: "tolerant and cured, detail of a type that isn't linked", gateway: cured, args: []string{"-tolerant"}, backend: adopted, fails: ownDetail, want: right(unlinked)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			service := testrpc.Returning(tt.fails)
			lis := testrpc.Listen(t)
			testrpc.Start(t, lis, testrpc.Register(service), tt.backend)
			front := tt.gateway.start(t, append(tt.args, "-backend", lis.Addr().String())...)

			check := func(name string, want, got answer) {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			check("unary", tt.want.unary, front.post(t, "UnaryCall"))
			check("server stream that ends before its first message", tt.want.atOpen, front.post(t, "StreamingOutputCall"))
			service.Return(testrpc.AfterMessages, tt.fails)
			check("server stream that ends after messages", tt.want.afterMessages, front.post(t, "StreamingOutputCall"))

			front.stop(t)
			switch log := front.log.String(); {
			case tt.want.log == "" && log != "":
				t.Errorf("the gateway logged %q; want nothing", log)
			case strings.Count(log, tt.want.log) != 3 && tt.want.log != "":
				t.Errorf("the gateway logged\n%s\nwant three lines with %s", log, tt.want.log)
			}
		})
	}
}

func lines(texts ...string) string { return strings.Join(texts, "\n") }

// A front is a running gateway.
type front struct {
	url  string
	log  bytes.Buffer // standard error; complete after stop
	stop func(testing.TB)
}

// start runs the program until stop or the end of the test.
func (p *program) start(t *testing.T, args ...string) *front {
	t.Helper()
	binary, err := p.build()
	if err != nil {
		t.Fatal(err)
	}
	f := &front{}
	// The context kills a program that doesn't end by itself.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stderr = &f.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", cmd, err)
	}
	var once sync.Once
	f.stop = func(t testing.TB) {
		once.Do(func() {
			defer cancel()
			stdin.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v (killed after %v); it logged\n%s", cmd, err, patience, &f.log)
			}
		})
	}
	t.Cleanup(func() { f.stop(t) })

	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s printed %q (%v); want its address", cmd, address, err)
	}
	f.url = "http://" + strings.TrimSpace(address) + "/grpc.testing.TestService/"
	return f
}

// post calls a method with an empty request.
func (f *front) post(t *testing.T, method string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+method, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // so that no connection outlives the call
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s: reading the body: %v; want its regular end", method, err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), compact(t, body)}
}

// compact returns the JSON values of body, a line for each, without the spaces that
// protojson adds at random.
func compact(t *testing.T, body []byte) string {
	t.Helper()
	var values []string
	for decoder := json.NewDecoder(bytes.NewReader(body)); ; {
		var value json.RawMessage
		if err := decoder.Decode(&value); err == io.EOF {
			return lines(values...)
		} else if err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		var b bytes.Buffer
		if err := json.Compact(&b, value); err != nil {
			t.Fatal(err)
		}
		values = append(values, b.String())
	}
}
