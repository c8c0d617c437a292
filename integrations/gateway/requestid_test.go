package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/integrations/gateway"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// byHeader has the request id from the header X-Request-Id, as docs/http.md shows.
var byHeader = interceptor.WithRequestID(func(ctx context.Context) string {
	return strings.Join(metadata.ValueFromIncomingContext(ctx, "x-request-id"), " and ")
})

// withRequestID gives an id to a request that has none.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Request-Id") == "" {
			r.Header.Set("X-Request-Id", "made-here")
		}
		next.ServeHTTP(w, r)
	})
}

// The id that a person quotes is the one in the log of the process that failed: a backend's, or the
// gateway's.
func TestRequestID(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	own := runtime.WithMetadata(func(context.Context, *http.Request) metadata.MD { return metadata.Pairs("x-own", "7") })
	backend := proxy(interceptor.ServerOptions(byHeader), trustAll)
	for _, m := range []mode{inProcess, {"a backend", backend}} {
		var owns []string
		svc := testrpc.Running(func(ctx context.Context) error {
			owns = metadata.ValueFromIncomingContext(ctx, "x-own")
			return status.Wrap(errors.New(testrpc.Secret), codes.SrvDatabase, "")
		})
		mux := runtime.NewServeMux(append(gateway.Options(&statushttp.Writer{Encoder: interceptor.NewServer(byHeader)}), own, gateway.ForwardRequestID())...)
		m.serve(t, mux, svc)
		f := &front{httptest.NewServer(withRequestID(mux)), mux}
		t.Cleanup(f.Close)
		for _, path := range []string{unary, serverStream, bidi} {
			if m.name == inProcess.name && path != unary {
				continue // grpc-gateway has no streams there
			}
			for _, headers := range [][]string{nil, {"X-Request-Id", "from:the.caller_7-A"}} {
				want := "made-here"
				if headers != nil {
					want = headers[1]
				}
				a := f.post(t, path, headers...)
				if got := status.RequestID(a.read(t)); got != want {
					t.Errorf("%s, %s: the caller reads the id %q in %s; want %q", m.name, path, got, a.body, want)
				}
				if records := logs(); len(records) != 1 || records[0].RequestID != want || !strings.Contains(records[0].Cause, testrpc.Secret) {
					t.Errorf("%s, %s: the log has %+v; want the cause with the id %q, once", m.name, path, records, want)
				}
				if len(owns) != 1 || owns[0] != "7" {
					t.Errorf("%s, %s: the handler gets x-own %q; want that of another WithMetadata", m.name, path, owns)
				}
			}
		}
	}
}

// Where the stream's own status has no id, its last line has that of the gateway.
func TestStreamHasTheGatewaysRequestID(t *testing.T) {
	svc := testrpc.Returning(nil)
	svc.Return(testrpc.AfterMessages, codes.RecordNotFound)
	f := trusted.start(t, &statushttp.Writer{Encoder: interceptor.NewServer(byHeader)}, svc)
	chunks := f.post(t, serverStream, "X-Request-Id", "req-7").chunks(t)
	for i, chunk := range chunks {
		err := reader.Unmarshal(t.Context(), http.StatusOK, chunk)
		if isLast := i == len(chunks)-1; !isLast && err != nil || isLast && status.RequestID(err) != "req-7" {
			t.Errorf("line %d of %d is %s, read as %v; want the failure with its id at the end", i+1, len(chunks), chunk, err)
		}
	}
	if len(chunks) != testrpc.Messages+1 {
		t.Errorf("the stream has %d lines; want %d and the failure", len(chunks), testrpc.Messages)
	}
}

// The backend gets one id, in a form that can be sent.
func TestForwardedRequestIDs(t *testing.T) {
	var got []string
	svc := testrpc.Running(func(ctx context.Context) error {
		got = metadata.ValueFromIncomingContext(ctx, "x-request-id")
		return nil
	})
	for _, m := range modes {
		f := m.start(t, nil, svc)
		for _, tt := range []struct{ headers, want []string }{
			{nil, nil},
			{[]string{"X-Request-Id", "req-7"}, []string{"req-7"}},
			{[]string{"X-Request-Id", "req-7", "X-Request-Id", "req-8"}, []string{"req-7"}},
			{[]string{"X-Request-Id", strings.Repeat("x", 128)}, []string{strings.Repeat("x", 128)}},
			{[]string{"X-Request-Id", strings.Repeat("x", 129)}, nil},
			{[]string{"X-Request-Id", "two words"}, nil},
			{[]string{"X-Request-Id", "é"}, nil},
			{[]string{"X-Request-Id", ""}, nil},
		} {
			got = nil
			f.post(t, unary, tt.headers...)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: with the headers %q, the backend gets the ids %q; want %q", m.name, tt.headers, got, tt.want)
			}
		}
	}
}

// Headers of protocols and binary headers are no metadata. What grpc-gateway makes of them is.
func TestHeadersThatAreNoMetadata(t *testing.T) {
	got := make(chan metadata.MD, 1)
	id := interceptor.WithRequestID(func(ctx context.Context) string {
		md, _ := metadata.FromIncomingContext(ctx)
		got <- md
		return ""
	})
	for _, m := range modes {
		f := m.start(t, &statushttp.Writer{Encoder: interceptor.NewServer(id)}, testrpc.Returning(codes.RecordNotFound), runtime.WithIncomingHeaderMatcher(runtime.LegacyHeaderMatcher))
		f.post(t, unary, "Grpc-Status", "0", "grpc-tags-bin", "AA", "Token-Bin", "AA", "X-Own", "7", "Grpc-Metadata-Own-Bin", "QQ")
		md := <-got
		for key, want := range map[string][]string{"grpc-status": nil, "grpc-tags-bin": nil, "token-bin": nil, "x-own": {"7"}, "own-bin": {"A"}} {
			if !slices.Equal(md[key], want) {
				t.Errorf("%s: the metadata has %s %q; want %q", m.name, key, md[key], want)
			}
		}
	}
}

// A middleware's own incoming metadata doesn't hide what is sent to the backend.
func TestIncomingMetadataOfAMiddleware(t *testing.T) {
	svc := testrpc.Returning(codes.RecordNotFound)
	own := interceptor.WithRequestID(func(ctx context.Context) string {
		return strings.Join(append(metadata.ValueFromIncomingContext(ctx, "x-request-id"), metadata.ValueFromIncomingContext(ctx, "x-own")...), ":")
	})
	mux := runtime.NewServeMux(append(gateway.Options(&statushttp.Writer{Encoder: interceptor.NewServer(own)}), gateway.ForwardRequestID())...)
	connect(t, mux, testrpc.Serve(t, testrpc.Register(svc), interceptor.ServerOptions(), trustAll))
	f := &front{httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(metadata.NewIncomingContext(r.Context(), metadata.Pairs("x-own", "own"))))
	})), mux}
	t.Cleanup(f.Close)
	for _, path := range []string{unary, serverStream} {
		if got := status.RequestID(f.post(t, path, "X-Request-Id", "req-7").read(t)); got != "req-7:own" {
			t.Errorf("%s: the id is %q; want that of both", path, got)
		}
	}
}
