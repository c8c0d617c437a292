package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/grpclog"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/errstatus/errstatus/integrations/gateway"
	testgateway "github.com/errstatus/errstatus/integrations/gateway/internal/testservice"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

//go:generate go run -C ../../internal/e2e/gateway ./generate -config ../../../integrations/gateway/internal/testservice/http.yaml ../../../integrations/gateway/internal/testservice UnaryCall StreamingOutputCall StreamingInputCall FullDuplexCall

func TestMain(m *testing.M) {
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	testrpc.Main(m)
}

// A mode is a way in which a gateway reaches a service.
type mode struct {
	name  string
	serve func(t testing.TB, mux *runtime.ServeMux, svc testgrpc.TestServiceServer)
}

// These are the modes. In all but inProcess, the server has errstatus's interceptors.
var (
	inProcess = mode{"in process", func(t testing.TB, mux *runtime.ServeMux, svc testgrpc.TestServiceServer) {
		if err := testgateway.RegisterTestServiceHandlerServer(t.Context(), mux, svc); err != nil {
			t.Fatal(err)
		}
	}}
	proxied = mode{"connection without errstatus", proxy(interceptor.ServerOptions(), nil)}
	decoded = mode{"connection with errstatus", proxy(interceptor.ServerOptions(), interceptor.DialOptions())}
	trusted = mode{"connection with trust", proxy(interceptor.ServerOptions(), trustAll)}

	modes = []mode{inProcess, proxied, decoded, trusted}
)

var trustAll = interceptor.DialOptions(interceptor.WithUpstreamTrust(status.TrustAll))

// proxy returns a function that serves a service over a connection.
func proxy(server []grpc.ServerOption, client []grpc.DialOption) func(testing.TB, *runtime.ServeMux, testgrpc.TestServiceServer) {
	return func(t testing.TB, mux *runtime.ServeMux, svc testgrpc.TestServiceServer) {
		connect(t, mux, testrpc.Serve(t, testrpc.Register(svc), server, client))
	}
}

func connect(t testing.TB, mux *runtime.ServeMux, conn *grpc.ClientConn) {
	t.Helper()
	if err := testgateway.RegisterTestServiceHandler(t.Context(), mux, conn); err != nil {
		t.Fatal(err)
	}
}

// A front is a gateway that is served over HTTP.
type front struct {
	*httptest.Server
	mux *runtime.ServeMux
}

// start serves a gateway with the options of a Writer, and more.
func (m mode) start(t testing.TB, w *statushttp.Writer, svc testgrpc.TestServiceServer, more ...runtime.ServeMuxOption) *front {
	t.Helper()
	return m.startWith(t, svc, append(append(gateway.Options(w), gateway.ForwardRequestID()), more...)...)
}

// startWith serves a gateway with options.
func (m mode) startWith(t testing.TB, svc testgrpc.TestServiceServer, opts ...runtime.ServeMuxOption) *front {
	t.Helper()
	mux := runtime.NewServeMux(opts...)
	m.serve(t, mux, svc)
	f := &front{httptest.NewServer(mux), mux}
	t.Cleanup(f.Close)
	return f
}

// The paths of the methods.
const (
	unary        = "/v1/calls"
	unaryMethod  = "UnaryCall"
	serverStream = "/grpc.testing.TestService/StreamingOutputCall"
	clientStream = "/grpc.testing.TestService/StreamingInputCall"
	bidi         = "/grpc.testing.TestService/FullDuplexCall"
)

// An answer is what an HTTP client reads from a gateway.
type answer struct {
	*http.Response
	body []byte
}

// chunks returns the JSON values of the body.
func (a answer) chunks(t testing.TB) (chunks []json.RawMessage) {
	t.Helper()
	for decoder := json.NewDecoder(bytes.NewReader(a.body)); ; {
		var chunk json.RawMessage
		switch err := decoder.Decode(&chunk); err {
		case nil:
			chunks = append(chunks, chunk)
		case io.EOF:
			return chunks
		default:
			t.Fatalf("%v in %q", err, a.body)
		}
	}
}

// post makes a call with an empty request, and with headers: names and values in turn.
func (f *front) post(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	return f.do(t, http.MethodPost, path, "{}", headers...)
}

func (f *front) do(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	return f.doContext(t, t.Context(), method, path, body, headers...)
}

func (f *front) doContext(t testing.TB, ctx context.Context, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, f.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := f.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s %s: reading the body: %v; want its regular end", method, path, err)
	}
	return answer{resp, read}
}

// reader trusts every answer, so that what it reads can be forwarded.
var reader = &statushttp.Reader{Decoder: &status.Decoder{Trust: status.TrustAll}}

// read returns the error in an answer.
func (a answer) read(t testing.TB) error {
	t.Helper()
	a.Body = io.NopCloser(bytes.NewReader(a.body))
	err := reader.CheckResponse(a.Response)
	if err == nil {
		t.Fatalf("the answer is %s %q; want a failure", a.Status, a.body)
	}
	return err
}
