package connectstatus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/errstatus/errstatus/codes"
	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
)

// The errors of Connect's own transport name addresses. A server doesn't send them, even if the
// client that made them has no errstatus.
func TestTransportsErrorIsNotSent(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	const closed = "127.0.0.1:1" // a port that no later server of the test gets
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	late := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the end of the connection
		<-r.Context().Done()
	}))

	for _, tt := range []struct {
		name, url string
		codes     []connect.Code // of what is sent
	}{
		{"refused", "http://" + closed, []connect.Code{connect.CodeUnavailable}},
		{"no certificate", secure.URL, []connect.Code{connect.CodeUnavailable}},
		{"late", "http://" + late, []connect.Code{connect.CodeDeadlineExceeded}},
		{"broken", "http://" + breaking(t), []connect.Code{connect.CodeUnavailable, connect.CodeInternal}}, // INTERNAL for Connect's CANCELED
	} {
		for _, w := range wires {
			for _, k := range w.kinds() {
				client := httpClient(t, w)
				if tt.name == "late" {
					client.Timeout = 20 * time.Millisecond
				}
				var options []connecthttp.Option
				if w.option != nil {
					options = append(options, w.option)
				}
				upstream := grpc_testingconnect.NewTestServiceClient(connect.NewClient(connecthttp.NewTransport(client, tt.url, options...)))
				front := serve(t, running(func(ctx context.Context) error {
					_, err := call(ctx, upstream, k)
					return err
				}), onServer())
				_, err := connectTo(t, front, wires[0]).UnaryCall(t.Context(), &testgrpc.SimpleRequest{})
				received, _ := errors.AsType[*connect.Error](err)
				if !slices.Contains(tt.codes, received.Code()) || !slices.Contains(fixedMessages, received.Message()) {
					t.Errorf("%s, %s, %s: the caller gets %v; want one of %v with a fixed message", tt.name, w.name, k.Name, err, tt.codes)
				}
				if records := logs(); tt.name == "refused" && (len(records) != 1 || !strings.Contains(records[0].Cause, closed)) {
					t.Errorf("%s, %s: the log has %+v; want one record, with the address", w.name, k.Name, records)
				}
			}
		}
	}
}

// breaking starts a server that resets each connection after the first bytes. It returns its address.
func breaking(t *testing.T) string {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lis.Close() })
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_ = conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}()
	return lis.Addr().String()
}

// answerTo returns the Connect error that a server makes of a handler's error.
func answerTo(t *testing.T, err error, opts ...interceptor.ServerOption) *connect.Error {
	t.Helper()
	opts = append(opts, interceptor.WithLogger(nil))
	answer := onServer(opts...)(func(context.Context, connect.Spec, connect.ServerStream) error { return err })(t.Context(), connect.Spec{Procedure: "/s/m"}, nil)
	return answer.(*connect.Error)
}

// A handler's own error with a cause is sent.
func TestHandlersErrorIsNotTransports(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	_, unparsed := url.ParseRequestURI("http://[bad")
	unread := &url.Error{Op: "Get", URL: "http://shop.example", Err: io.ErrUnexpectedEOF}
	late := fmt.Errorf("too late: %w", context.DeadlineExceeded)
	for _, own := range []*connect.Error{
		connect.NewError(connect.CodeNotFound, "no such order").WithCause(errors.New("no such order")),
		connect.NewError(connect.CodeUnavailable, "closed on Sundays").WithCause(errors.New("Sundays")),
		connect.NewError(connect.CodeUnavailable, "closed on Sundays").WithCause(refused),
		connect.NewError(connect.CodeUnavailable, "closed on Sundays"),
		connect.NewError(connect.CodeInvalidArgument, unparsed.Error()).WithCause(unparsed),
		connect.Errorf(connect.CodeInvalidArgument, "callback_url: %s", unparsed).WithCause(unparsed),
		connect.Errorf(connect.CodeUnknown, "callback_url: %s", unparsed).WithCause(unparsed),
		connect.Errorf(connect.CodeInvalidArgument, "callback_url: %s", unread).WithCause(unread),
		connect.NewError(connect.CodeNotFound, unread.Error()).WithCause(unread),
		connect.NewError(connect.CodeAlreadyExists, refused.Error()).WithCause(refused),
		connect.NewError(connect.CodeFailedPrecondition, refused.Error()).WithCause(refused),
		connect.NewError(connect.CodeAborted, refused.Error()).WithCause(refused),
		connect.NewError(connect.CodeOutOfRange, refused.Error()).WithCause(refused),
		connect.NewError(connect.CodeUnavailable, refused.Error()).WithCause(refused).WithDetail(detail(t, testrpc.BadRequest())),
		connect.Errorf(connect.CodeDeadlineExceeded, "the order came %s", late).WithCause(late),
		connect.NewError(connect.CodeAborted, late.Error()).WithCause(late),
		connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded.Error()).WithCause(context.DeadlineExceeded),
		connect.NewError(connect.CodeCanceled, context.Canceled.Error()).WithCause(context.Canceled),
	} {
		answer := answerTo(t, own)
		if answer.Code() != own.Code() || answer.Message() != own.Message() || len(answer.Details()) != len(own.Details()) {
			t.Errorf("the server sends %v; want %v", answer, own)
		}
	}
}

// An error that only a transport makes of its cause isn't sent, whatever the code.
func TestTransportsCodes(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	redirected := &url.Error{Op: "Post", URL: "http://10.0.0.5", Err: &url.Error{Op: "parse", URL: "http://[bad", Err: io.ErrUnexpectedEOF}}
	for _, tt := range []struct {
		code  connect.Code
		cause error
		want  connect.Code
	}{
		{connect.CodeInvalidArgument, refused, connect.CodeInternal},
		{connect.CodeUnknown, refused, connect.CodeInternal},
		{connect.CodeCanceled, refused, connect.CodeInternal},
		{connect.CodeDeadlineExceeded, redirected, connect.CodeDeadlineExceeded},
		{connect.CodeUnavailable, redirected, connect.CodeUnavailable},
		{connect.CodeInternal, redirected, connect.CodeInternal},
	} {
		answer := answerTo(t, connect.Errorf(tt.code, "read: %s", tt.cause).WithCause(tt.cause))
		if answer.Code() != tt.want || !slices.Contains(fixedMessages, answer.Message()) {
			t.Errorf("for %v with the cause %q, the server sends %v; want %v with a fixed message", tt.code, tt.cause, answer, tt.want)
		}
	}
}

// A custom HTTP client's error that wraps a context's error becomes the end of the context, with
// its text. That text isn't sent.
func TestHTTPClientsContextErrorIsNotSent(t *testing.T) {
	for ended, want := range map[error]connect.Code{
		context.DeadlineExceeded: connect.CodeDeadlineExceeded,
		os.ErrDeadlineExceeded:   connect.CodeDeadlineExceeded,
		context.Canceled:         connect.CodeInternal,
	} {
		for _, w := range wires {
			failing := failingHTTPClient{fmt.Errorf("proxy 10.0.0.5:1080: %w", ended)}
			var options []connecthttp.Option
			if w.option != nil {
				options = append(options, w.option)
			}
			upstream := grpc_testingconnect.NewTestServiceClient(connect.NewClient(connecthttp.NewTransport(failing, "http://shop.example", options...)))
			_, err := call(t.Context(), upstream, testrpc.Unary)
			if !strings.Contains(err.Error(), "10.0.0.5") {
				t.Fatalf("%s: the handler gets %v; want the address in it", w.name, err)
			}
			if answer := answerTo(t, err); answer.Code() != want || !slices.Contains(fixedMessages, answer.Message()) {
				t.Errorf("%s: the server sends %v; want %v with a fixed message", w.name, answer, want)
			}
		}
	}
}

// A failingHTTPClient fails in each request.
type failingHTTPClient struct{ err error }

func (c failingHTTPClient) Do(*http.Request) (*http.Response, error) { return nil, c.err }

// A hostile error's methods panic.
type hostile struct{}

func (hostile) Error() string { return "hostile" }
func (hostile) Is(error) bool { panic("Is") }
func (hostile) As(any) bool   { panic("As") }

// A panic of a method of a cause ends no call.
func TestHostileCause(t *testing.T) {
	for _, message := range []string{"hostile", "another"} {
		err := connect.NewError(connect.CodeNotFound, message).WithCause(hostile{})
		if answer := answerTo(t, err); answer.Code() != connect.CodeInternal || answer.Message() != codes.RowOf(codes.ServerInternal).Message {
			t.Errorf("the server sends %v; want the INTERNAL default", answer)
		}
		if err := decoded(t, err); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("the caller gets %v; want NOT_FOUND", err)
		}
	}
}
