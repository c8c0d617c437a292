// Package interop runs grpc-go's own interop cases with errstatus installed. They check
// codes, error texts, metadata and the ends of streams. A program that relies on these
// goes on working when it installs errstatus.
//
// The package is a module of its own because the cases import golang.org/x/oauth2 and
// more, which errstatus doesn't need.
package interop_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/orca"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
)

func TestMain(m *testing.M) {
	grpclog.SetLoggerV2(panicLogger{grpclog.NewLoggerV2(io.Discard, io.Discard, os.Stderr)})
	testrpc.Main(m)
}

// settings are the places where errstatus is installed. The first is the control.
var settings = []struct {
	name   string
	server []grpc.ServerOption
	client []grpc.DialOption
}{
	{name: "nowhere"},
	{name: "server", server: interceptor.ServerOptions()},
	{name: "client", client: interceptor.DialOptions()},
	{name: "both", server: interceptor.ServerOptions(), client: interceptor.DialOptions()},
	{name: "both twice",
		server: slices.Concat(interceptor.ServerOptions(), interceptor.ServerOptions()),
		client: slices.Concat(interceptor.DialOptions(), interceptor.DialOptions())},
}

// A dialer returns a new connection to the server.
type dialer func() *grpc.ClientConn

// cases are the cases that need nothing but a server, by the name of their function. A
// function with several cases has a suffix.
var cases = []struct {
	name string
	run  func(context.Context, dialer)
}{
	{"DoEmptyUnaryCall", withClient(interop.DoEmptyUnaryCall)},
	{"DoLargeUnaryCall", withClient(interop.DoLargeUnaryCall)},
	{"DoClientStreaming", withClient(interop.DoClientStreaming)},
	{"DoServerStreaming", withClient(interop.DoServerStreaming)},
	{"DoPingPong", withClient(interop.DoPingPong)},
	{"DoEmptyStream", withClient(interop.DoEmptyStream)},
	{"DoTimeoutOnSleepingServer", withClient(interop.DoTimeoutOnSleepingServer)},
	{"DoCancelAfterBegin", withClient(interop.DoCancelAfterBegin)},
	{"DoCancelAfterFirstResponse", withClient(interop.DoCancelAfterFirstResponse)},
	{"DoStatusCodeAndMessage", withClient(interop.DoStatusCodeAndMessage)},
	{"DoSpecialStatusMessage", withClient(interop.DoSpecialStatusMessage)},
	{"DoCustomMetadata", withClient(interop.DoCustomMetadata)},
	{"DoUnimplementedMethod", func(ctx context.Context, dial dialer) {
		interop.DoUnimplementedMethod(ctx, dial())
	}},
	{"DoUnimplementedService", func(ctx context.Context, dial dialer) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(dial()))
	}},
	{"DoORCAPerRPCTest", func(ctx context.Context, dial dialer) {
		interop.DoORCAPerRPCTest(ctx, testgrpc.NewTestServiceClient(dial()))
	}},
	{"DoSoakTest/one connection", func(ctx context.Context, dial dialer) {
		conn := dial()
		soak(ctx, func() *grpc.ClientConn { return conn })
	}},
	{"DoSoakTest/a connection for each call", soak},
}

// leftOut are the other cases of the package, and why they don't run here. The programs
// beside the package, for ALTS, grpclb, xDS and broken HTTP/2, need servers of their own.
var leftOut = map[string]string{
	"DoComputeEngineCreds":              "needs credentials of a Google Compute Engine machine",
	"DoComputeEngineChannelCredentials": "needs credentials of a Google Compute Engine machine",
	"DoServiceAccountCreds":             "needs the key of a Google service account",
	"DoJWTTokenCreds":                   "needs the key of a Google service account",
	"DoOauth2TokenCreds":                "needs the key of a Google service account",
	"DoPerRPCCreds":                     "needs the key of a Google service account",
	"DoGoogleDefaultCredentials":        "needs Google's default credentials",
	"DoPickFirstUnary":                  "needs a name with several servers that tell their ids; grpc-go's test server has none",
	"DoORCAOOBTest":                     "needs a report each second; outside grpc-go, the minimum is 30 seconds",
}

// TestInterop runs each case with errstatus in each place.
func TestInterop(t *testing.T) {
	for _, s := range settings {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					if failed := runCase(t, c.run, s.server, s.client); failed != "" {
						t.Error(failed)
					}
				})
			}
		})
	}
}

// TestInteropCanFail checks that a failing case is reported, and doesn't end the process.
func TestInteropCanFail(t *testing.T) {
	wrong := grpc.UnaryInterceptor(func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
		return nil, grpcstatus.Error(grpccodes.Unknown, "another message")
	})
	got := runCase(t, withClient(interop.DoStatusCodeAndMessage), []grpc.ServerOption{wrong}, nil)
	if want := "rpc error: code = Unknown desc = another message"; !strings.Contains(got, want) {
		t.Errorf("DoStatusCodeAndMessage() failed with %q; want %q in it", got, want)
	}
}

// TestEveryCaseIsListed checks that each function of package interop that runs a case is
// in cases or in leftOut. A new version of grpc-go may add some.
func TestEveryCaseIsListed(t *testing.T) {
	listed := make(map[string]bool)
	for _, c := range cases {
		name, _, _ := strings.Cut(c.name, "/")
		listed[name] = true
	}
	for name := range leftOut {
		if listed[name] {
			t.Errorf("%s is in cases and in leftOut", name)
		}
		listed[name] = true
	}
	exist := caseFuncs(t)
	for name := range exist {
		if !listed[name] {
			t.Errorf("%s is neither in cases nor in leftOut", name)
		}
	}
	for name := range listed {
		if !exist[name] {
			t.Errorf("there is no %s in package interop", name)
		}
	}
}

// withClient makes a case of a function that takes a client of the test service.
func withClient(do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, dialer) {
	return func(ctx context.Context, dial dialer) { do(ctx, testgrpc.NewTestServiceClient(dial())) }
}

// soak makes ten large calls, none of which may fail. How long a call takes doesn't matter.
func soak(ctx context.Context, dial dialer) {
	interop.DoSoakTest(ctx, interop.SoakTestConfig{
		RequestSize:                      271828,
		ResponseSize:                     314159,
		PerIterationMaxAcceptableLatency: time.Minute,
		OverallTimeout:                   time.Minute,
		NumWorkers:                       2,
		Iterations:                       10,
		ChannelForTest:                   func() (*grpc.ClientConn, func()) { return dial(), func() {} },
	})
}

// runCase runs a case with a server of its own, and returns the text with which it failed.
// It returns "" if the case didn't fail.
func runCase(t *testing.T, run func(context.Context, dialer), server []grpc.ServerOption, client []grpc.DialOption) (failed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dial := serve(t, server, client)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			failed = string(r)
		default:
			panic(r)
		}
	}()
	run(ctx, dial)
	return ""
}

// serve starts the server of grpc-go's interop tests, with its metrics. Clients have the
// load balancing that reads them, as in grpc-go's own script for all cases.
func serve(t *testing.T, server []grpc.ServerOption, client []grpc.DialOption) dialer {
	t.Helper()
	const balancer = `{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}`
	metrics := orca.NewServerMetricsRecorder()
	lis := testrpc.Listen(t)
	testrpc.Start(t, lis, func(s *grpc.Server) {
		testgrpc.RegisterTestServiceServer(s, interop.NewTestServer(interop.NewTestServerOptions{MetricsRecorder: metrics}))
		if err := orca.Register(s, orca.ServiceOptions{ServerMetricsProvider: metrics}); err != nil {
			t.Fatal(err)
		}
	}, slices.Concat([]grpc.ServerOption{orca.CallMetricsServerOption(nil)}, server))
	return func() *grpc.ClientConn {
		return testrpc.Dial(t, lis.Addr().String(), slices.Concat([]grpc.DialOption{grpc.WithDefaultServiceConfig(balancer)}, client))
	}
}

// A failure is the value with which a failing case panics.
type failure string

// A panicLogger panics where gRPC's own logger ends the process. A case fails by calling
// a Fatal method of a grpclog.Component, in the goroutine that runs the case.
type panicLogger struct{ grpclog.LoggerV2 }

// Fatalln is the one method that a grpclog.Component's Fatal methods call of a logger
// without FatalDepth.
func (panicLogger) Fatalln(args ...any) {
	panic(failure(strings.TrimSpace(fmt.Sprintln(args...))))
}

// caseFuncs returns the names of package interop's functions that begin with Do.
func caseFuncs(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{range .GoFiles}}{{$.Dir}}/{{.}}\n{{end}}", "google.golang.org/grpc/interop").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	names := make(map[string]bool)
	for path := range strings.Lines(string(out)) {
		file, err := parser.ParseFile(token.NewFileSet(), strings.TrimSpace(path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Do") {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}
