package errstatus_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// The matrix: every code, in every form an error can have, at every moment of
// every kind of call.

// A form is a way for a handler to state a code.
type form struct {
	name     string
	of       func(codes.ErrorCode) error
	message  string // "" for the table's
	metadata map[string]string
	details  []proto.Message
}

var forms = []form{
	{name: "a bare code", of: func(c codes.ErrorCode) error { return c }},
	{
		name:    "a formatted message",
		of:      func(c codes.ErrorCode) error { return status.Errorf(c, "user %q", "ann") },
		message: `user "ann"`,
	},
	{
		name: "under two %w",
		of: func(c codes.ErrorCode) error {
			return fmt.Errorf(secret+": %w", fmt.Errorf(secret+": %w", c))
		},
	},
	{
		name: "joined with a plain error",
		of:   func(c codes.ErrorCode) error { return errors.Join(errors.New(secret), c) },
	},
	{
		name:    "around a cause",
		of:      func(c codes.ErrorCode) error { return status.Wrap(errors.New(secret), c, "loading") },
		message: "loading",
	},
	{
		name: "with details",
		of: func(c codes.ErrorCode) error {
			return status.New(c, "bad request").WithDetails(badRequest()).WithMetadata("field", "name").Err()
		},
		message:  "bad request",
		metadata: map[string]string{"field": "name"},
		details:  []proto.Message{badRequest()},
	},
}

// A reading is all that a caller can read of an error, by our verbs and gRPC's.
type reading struct {
	Is              bool
	As, AsType      codes.ErrorCode
	Code            codes.Code
	FromError       codes.Code
	OK              bool
	Message         string
	Reason, Domain  string
	Metadata        map[string]string
	Origin          status.Origin
	BadRequest      *errdetails.BadRequest
	Details         []proto.Message
	GRPC            *spb.Status
	GRPCCode        grpccodes.Code
	GRPCDetailCount int
}

func read(err error, c codes.ErrorCode) reading {
	st, ok := status.FromError(err)
	r := reading{
		Is:              errors.Is(err, c),
		Code:            status.Code(err),
		FromError:       st.Code(),
		OK:              ok,
		Message:         st.Message(),
		Reason:          st.Reason(),
		Domain:          st.Domain(),
		Metadata:        st.Metadata(),
		Origin:          st.Origin(),
		Details:         st.Details(),
		GRPC:            grpcstatus.Convert(err).Proto(),
		GRPCCode:        grpcstatus.Code(err),
		GRPCDetailCount: len(grpcstatus.Convert(err).Details()),
	}
	errors.As(err, &r.As)
	r.AsType, _ = errors.AsType[codes.ErrorCode](err)
	r.BadRequest, _ = status.Detail[*errdetails.BadRequest](err)
	return r
}

// reading is what a caller should read of a code in a form.
func (f form) reading(t *testing.T, c codes.ErrorCode) reading {
	t.Helper()
	gst := stated(t, c, f.message, f.details...)
	info := &errdetails.ErrorInfo{}
	if err := gst.Details[0].UnmarshalTo(info); err != nil {
		t.Fatal(err)
	}
	for key, value := range f.metadata {
		info.Metadata[key] = value
	}
	gst.Details[0] = packed(t, info)

	r := reading{
		Is: true, As: c, AsType: c, Code: c, FromError: c, OK: true,
		Message:         gst.Message,
		Reason:          info.Reason,
		Domain:          "openim.io",
		Metadata:        f.metadata,
		Origin:          status.OriginKnown,
		Details:         append([]proto.Message{info}, f.details...),
		GRPC:            gst,
		GRPCCode:        grpccodes.Code(gst.Code),
		GRPCDetailCount: 1 + len(f.details),
	}
	for _, d := range f.details {
		r.BadRequest = d.(*errdetails.BadRequest)
	}
	return r
}

func TestEveryCodeReachesTheCaller(t *testing.T) {
	svc := returning(nil)
	client := connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	all := append(errorCodes(t), 1305, math.MaxInt32) // the last two are in no table

	for _, k := range kinds {
		for _, at := range k.moments {
			for _, f := range forms {
				t.Run(fmt.Sprint(k.name, "/", at, "/", f.name), func(t *testing.T) {
					for _, c := range all {
						svc.end(at, f.of(c))
						arrived, err := k.call(t.Context(), client)
						if arrived != k.arrived(at) {
							t.Errorf("%v: %d messages arrived before the error; want %d", c, arrived, k.arrived(at))
						}
						if diff := cmp.Diff(f.reading(t, c), read(err, c), protocmp.Transform()); diff != "" {
							t.Errorf("%v: what the caller reads (-want +got):\n%s", c, diff)
						}
						checkNoSecret(t, err)
					}
				})
			}
		}
	}
}

// checkNoSecret looks for private text in all that a caller received.
func checkNoSecret(t *testing.T, err error) {
	t.Helper()
	raw, merr := proto.Marshal(grpcstatus.Convert(err).Proto())
	if merr != nil {
		t.Fatalf("the received status can't be marshalled: %v", merr)
	}
	if text := string(raw) + fmt.Sprintf("%+v", err); strings.Contains(text, secret) {
		t.Errorf("the caller reads %q in %q; want no private text", secret, text)
	}
}

func TestSuccessStaysSuccess(t *testing.T) {
	svc := returning(nil)
	client := connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for _, k := range kinds {
		for _, nothing := range []error{nil, status.Error(codes.NoError, "fine"), status.New(codes.NoError, "fine").Err()} {
			svc.end(k.moments[len(k.moments)-1], nothing)
			if _, err := k.call(t.Context(), client); err != k.success {
				t.Errorf("%s: the call ended with %v; want %v, identical", k.name, err, k.success)
			}
		}
	}
}

func TestNoErrorAsAnErrorIsNeverSuccess(t *testing.T) {
	internal := stated(t, codes.ServerInternal, "")
	notFound := stated(t, codes.RecordNotFound, "")
	tests := []struct {
		name     string
		handlers error
		want     *spb.Status
	}{
		{"bare", codes.NoError, internal},
		{"under %w", fmt.Errorf("done: %w", codes.NoError), internal},
		{"joined with a plain error", errors.Join(errors.New(secret), codes.NoError), internal},
		{"around a plain error", status.Wrap(errors.New(secret), codes.NoError, "done"), internal},
		{"joined with a code", errors.Join(codes.NoError, codes.RecordNotFound), notFound},
		{"around a code", status.Wrap(codes.RecordNotFound, codes.NoError, "done"), notFound},
	}
	for _, tt := range tests {
		for _, k := range kinds {
			t.Run(tt.name+"/"+k.name, func(t *testing.T) {
				client := connect(t, returning(tt.handlers), interceptor.ServerOptions(), interceptor.DialOptions())
				_, err := k.call(t.Context(), client)
				checkStatus(t, err, tt.want)
				if status.Code(err) == codes.NoError {
					t.Errorf("status.Code(%v) = NoError for an error", err)
				}
			})
		}
	}
}

// checkStatus compares the gRPC status of an error that a call returned.
func checkStatus(t *testing.T, err error, want *spb.Status) {
	t.Helper()
	if diff := cmp.Diff(want, grpcstatus.Convert(err).Proto(), protocmp.Transform()); diff != "" {
		t.Errorf("the status that arrives (-want +got):\n%s", diff)
	}
}

// The rows: what a server makes of errors that state no code of ours.

func TestOwnGRPCStatusPasses(t *testing.T) {
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example"}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		want := canonical(t, c, "own message", foreign, badRequest())
		err := grpcstatus.FromProto(want).Err()
		for name, handlers := range map[string]error{
			"as it is":   err,
			"under %w":   fmt.Errorf(secret+": %w", err),
			"joined":     errors.Join(errors.New(secret), err),
			"with stack": grpcstatus.FromProto(canonical(t, c, "own message", foreign, badRequest(), &errdetails.DebugInfo{Detail: secret})).Err(),
			"twice":      grpcstatus.FromProto(canonical(t, c, "own message", foreign, badRequest(), &errdetails.BadRequest{})).Err(),
		} {
			if diff := cmp.Diff(want, onWire(t, handlers), protocmp.Transform()); diff != "" {
				t.Errorf("%v %s: the status on the wire (-want +got):\n%s", c, name, diff)
			}
		}
	}
}

func TestDebugInfoGoesOutOnlyWhereExposed(t *testing.T) {
	stack := &errdetails.DebugInfo{Detail: "stack"}
	err := status.New(codes.Args, "").WithDetails(stack).Err()
	tests := []struct {
		name string
		opts []interceptor.ServerOption
		want *spb.Status
	}{
		{"by default", nil, stated(t, codes.Args, "")},
		{"exposed", []interceptor.ServerOption{interceptor.WithDebugInfo()}, stated(t, codes.Args, "", stack)},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, onWire(t, err, tt.opts...), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestNumberInThePlaceOfACanonicalCodeIsStated(t *testing.T) {
	for _, c := range errorCodes(t) {
		err := grpcstatus.Error(grpccodes.Code(c.Number()), "as OpenIM does")
		if diff := cmp.Diff(stated(t, c, "as OpenIM does"), onWire(t, err), protocmp.Transform()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c, diff)
		}
	}
}

// Errors whose methods do what an error's must not.
type (
	okStatus       struct{}
	nilStatus      struct{}
	nilPointer     struct{ text string }
	panicsInError  struct{}
	panicsInIs     struct{ error }
	panicsInUnwrap struct{ error }
	panicsInStatus struct{ error }
	wrapsItself    struct{ error }
	bush           struct{ branches []error }
)

func (okStatus) Error() string                        { return "status OK" }
func (okStatus) GRPCStatus() *grpcstatus.Status       { return grpcstatus.New(grpccodes.OK, "") }
func (nilStatus) Error() string                       { return "status nil" }
func (nilStatus) GRPCStatus() *grpcstatus.Status      { return nil }
func (e *nilPointer) Error() string                   { return e.text }
func (panicsInError) Error() string                   { panic(secret) }
func (panicsInIs) Is(error) bool                      { panic(secret) }
func (panicsInUnwrap) Unwrap() error                  { panic(secret) }
func (panicsInStatus) GRPCStatus() *grpcstatus.Status { panic(secret) }
func (e *wrapsItself) Unwrap() error                  { return e }
func (bush) Error() string                            { return "bush" }
func (b bush) Unwrap() []error                        { return b.branches }

// millionNodes is a tree of a thousand branches of a thousand leaves.
func millionNodes() error {
	leaves, branches := make([]error, 1000), make([]error, 1000)
	for i := range leaves {
		leaves[i] = errors.New(secret)
	}
	for i := range branches {
		branches[i] = bush{leaves}
	}
	return bush{branches}
}

// millionDeep wraps a code further down than a search goes.
func millionDeep() error {
	var err error = codes.RecordNotFound
	for range 1_000_000 {
		err = status.Wrap(err, codes.NoError, "")
	}
	return err
}

func TestEverythingElseIsInternalAndLogged(t *testing.T) {
	plain := errors.New(secret)
	tests := []struct {
		name     string
		handlers error
		logged   string // in the log's error
	}{
		{"plain error", plain, secret},
		{"bare io.EOF", io.EOF, "EOF"},
		{"context.Canceled in a live context", context.Canceled, "context canceled"},
		{"NoError", codes.NoError, "NoError"},
		{"status with code OK", okStatus{}, "status OK"},
		{"status that is nil", nilStatus{}, "status nil"},
		{"unknown number for a code", grpcstatus.Error(1305, secret), secret},
		{"number beyond an int32", grpcstatus.Error(math.MaxUint32, secret), secret},
		{"typed nil", (*nilPointer)(nil), "nil"},
		{"panic in Error", panicsInError{}, "panicsInError, which can't be printed"},
		{"panic in Is", panicsInIs{plain}, "panicsInIs"},
		{"panic in Unwrap", panicsInUnwrap{plain}, "panicsInUnwrap"},
		{"panic in GRPCStatus", panicsInStatus{plain}, "panicsInStatus"},
		{"typed nil of a code", (*codes.ErrorCode)(nil), "ErrorCode"},
		{"a loop", &wrapsItself{plain}, "wrapsItself, which can't be printed"},
		{"a million nodes", millionNodes(), "bush, which can't be printed"},
		{"a code a million levels down", millionDeep(), "statusError, which can't be printed"},
	}
	want := stated(t, codes.ServerInternal, "")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			logs := captureLog(t)
			client := connect(t, returning(tt.handlers), interceptor.ServerOptions(), interceptor.DialOptions())
			for _, k := range kinds {
				_, err := k.call(t.Context(), client)
				checkStatus(t, err, want)
				checkWithheld(t, logs(), k.method, grpccodes.Internal, tt.logged)
			}
		})
	}
}

// checkWithheld wants one record of an error whose text the caller didn't get.
func checkWithheld(t *testing.T, got []logRecord, method string, code grpccodes.Code, text string) {
	t.Helper()
	want := []logRecord{{Level: "ERROR", Service: "grpc.testing.TestService", Method: method, Code: code.String()}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(logRecord{}, "Error")); diff != "" {
		t.Fatalf("what is logged (-want +got):\n%s", diff)
	}
	if logged := fmt.Sprint(got[0].Error); !strings.Contains(logged, text) {
		t.Errorf("the logged error is %q; want %q in it", logged, text)
	}
}

func TestOnlyWithheldErrorsAreLogged(t *testing.T) {
	logs := captureLog(t)
	for name, handlers := range map[string]error{
		"a code":             codes.SrvDatabase,
		"a Status":           status.Wrap(errors.New(secret), codes.SrvDatabase, "loading"),
		"a gRPC status":      grpcstatus.Error(grpccodes.Internal, "own message"),
		"a number":           grpcstatus.Error(1004, "as OpenIM does"),
		"a deadline":         context.DeadlineExceeded,
		"a mapped error":     io.ErrUnexpectedEOF,
		"a joined code":      errors.Join(codes.NoError, codes.RecordNotFound),
		"a code before loop": errors.Join(codes.RecordNotFound, &wrapsItself{errors.New(secret)}),
	} {
		onWire(t, handlers, interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.SrvData))
		if records := logs(); len(records) > 0 {
			t.Errorf("%s is logged: %v; want nothing", name, records)
		}
	}
}

// The context: whose it is that has ended.

func TestDeadlineOfAnotherContextIsNotTheCallers(t *testing.T) {
	for _, handlers := range []error{context.DeadlineExceeded, fmt.Errorf(secret+": %w", context.DeadlineExceeded)} {
		err := received(t, handlers)
		checkStatus(t, err, canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded"))
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("errors.Is(%v, DeadlineExceeded) while the caller's context lives", err)
		}
		if got := status.Code(err); got != codes.SdkCtxDeadlineExceeded {
			t.Errorf("status.Code(%v) = %v; want SdkCtxDeadlineExceeded", err, got)
		}
	}
}

func TestCallerCancels(t *testing.T) {
	logs := captureLog(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			svc := running(func(ctx context.Context) error {
				cancel()
				<-ctx.Done()
				return fmt.Errorf("%s: %w", secret, ctx.Err())
			})
			sent, outer := observed()
			client := connect(t, svc, append(outer, interceptor.ServerOptions()...), interceptor.DialOptions())

			_, err := k.call(ctx, client)
			if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the caller who cancelled gets %v; want context.Canceled in it", err)
			}
			if got := grpcstatus.Code(err); got != grpccodes.Canceled {
				t.Errorf("the caller's canonical code is %v; want Canceled", got)
			}
			checkStatus(t, <-sent, canonical(t, grpccodes.Canceled, "context canceled"))
			if records := logs(); len(records) > 0 {
				t.Errorf("a cancelled call is logged: %v", records)
			}
		})
	}
}

// observed are interceptors that pass on what those inside of them returned.
func observed() (<-chan error, []grpc.ServerOption) {
	sent := make(chan error, 1)
	return sent, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			resp, err := handler(ctx, req)
			sent <- err
			return resp, err
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			err := handler(srv, stream)
			sent <- err
			return err
		}),
	}
}

// A manualContext ends when told to, as one with a deadline.
type manualContext struct {
	context.Context
	done chan struct{}
}

func (c *manualContext) Done() <-chan struct{} { return c.done }

func (c *manualContext) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestCallersDeadlinePasses(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			callers := &manualContext{t.Context(), make(chan struct{})}
			svc := running(func(ctx context.Context) error {
				close(callers.done)
				<-ctx.Done()
				return ctx.Err()
			})
			_, err := k.call(callers, connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions()))
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
				t.Errorf("the caller whose deadline passed gets %v; want context.DeadlineExceeded in it", err)
			}
			if got := status.Code(err); got != codes.SdkCtxDeadlineExceeded {
				t.Errorf("status.Code(%v) = %v; want SdkCtxDeadlineExceeded", err, got)
			}
		})
	}
}

// The RPC's own context says of which kind its end is, whatever the error says.
func TestRPCsOwnContextHasEnded(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer stop()

	decode := func(c grpccodes.Code) error {
		return new(status.Decoder).Decode(t.Context(), grpcstatus.Error(c, secret))
	}
	contextErrors := []error{
		context.Canceled,
		context.DeadlineExceeded,
		fmt.Errorf(secret+": %w", context.Canceled),
		errors.Join(errors.New(secret), context.DeadlineExceeded),
		grpcstatus.Error(grpccodes.Canceled, secret),
		grpcstatus.Error(grpccodes.DeadlineExceeded, secret),
		decode(grpccodes.Canceled),
		decode(grpccodes.DeadlineExceeded),
	}
	server := interceptor.UnaryServer(interceptor.WithErrorMapping(io.EOF, codes.SrvData))
	end := func(ctx context.Context, err error) error {
		_, err = server(ctx, nil, &grpc.UnaryServerInfo{}, func(context.Context, any) (any, error) { return nil, err })
		return err
	}
	for _, err := range contextErrors {
		checkStatus(t, end(cancelled, err), canonical(t, grpccodes.Canceled, "context canceled"))
		checkStatus(t, end(late, err), canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded"))
	}

	// What is no context error stays what it is.
	checkStatus(t, end(cancelled, errors.Join(context.Canceled, codes.SrvDatabase)), stated(t, codes.SrvDatabase, ""))
	checkStatus(t, end(cancelled, errors.Join(context.Canceled, io.EOF)), stated(t, codes.SrvData, ""))
	checkStatus(t, end(cancelled, errors.New(secret)), stated(t, codes.ServerInternal, ""))
}

func TestContextErrorOnlyIfTheCallersOwnEnded(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	inTime, stop := context.WithTimeout(t.Context(), time.Hour)
	defer stop()

	for c, kind := range map[grpccodes.Code]error{
		grpccodes.Canceled:         context.Canceled,
		grpccodes.DeadlineExceeded: context.DeadlineExceeded,
	} {
		for _, ctx := range []context.Context{t.Context(), inTime, cancelled} {
			err := interceptor.UnaryClient()(ctx, "/s/m", nil, nil, nil, invoking(grpcstatus.Error(c, "somebody's")))
			if got, want := errors.Is(err, kind), ctx.Err() == kind; got != want {
				t.Errorf("errors.Is(%v, %v) = %t, where the caller's context says %v; want %t", err, kind, got, ctx.Err(), want)
			}
		}
	}
}

// A status can be here before the timer of the caller's context has run.
func TestDeadlineThatHasPassedCountsBeforeItsTimer(t *testing.T) {
	ctx := &overdueContext{t.Context()}
	for c, want := range map[grpccodes.Code]bool{grpccodes.DeadlineExceeded: true, grpccodes.Unavailable: false} {
		err := interceptor.UnaryClient()(ctx, "/s/m", nil, nil, nil, invoking(grpcstatus.Error(c, "")))
		if got := errors.Is(err, context.DeadlineExceeded); got != want {
			t.Errorf("%v: errors.Is(%v, DeadlineExceeded) = %t; want %t", c, err, got, want)
		}
	}
}

type overdueContext struct{ context.Context }

func (overdueContext) Deadline() (time.Time, bool) { return time.Unix(0, 0), true }

// invoking is a transport that has one answer.
func invoking(err error) grpc.UnaryInvoker {
	return func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return err }
}

// A server that calls another one.

// via is what a plain client gets from A for what B answered.
func via(t *testing.T, b testgrpc.TestServiceClient, wrap string) *spb.Status {
	t.Helper()
	a := running(func(ctx context.Context) error {
		_, err := callUnary(ctx, b)
		if err != nil && wrap != "" {
			err = fmt.Errorf("%s: %w", wrap, err)
		}
		return err
	})
	_, err := callUnary(t.Context(), connect(t, a, interceptor.ServerOptions(), nil))
	return grpcstatus.Convert(err).Proto()
}

func TestPeersCodePassesThrough(t *testing.T) {
	logs := captureLog(t)
	svc := returning(nil)
	b := connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for _, c := range errorCodes(t) {
		svc.end(atOpen, status.New(c, "b's message").WithDetails(badRequest()).Err())
		for _, wrap := range []string{"", secret} {
			if diff := cmp.Diff(stated(t, c, "b's message", badRequest()), via(t, b, wrap), protocmp.Transform()); diff != "" {
				t.Errorf("%v: what A sends on (-want +got):\n%s", c, diff)
			}
		}
	}
	if records := logs(); len(records) > 0 {
		t.Errorf("a peer's code is logged: %v; want nothing", records)
	}
}

// A peer that writes numbers in the place of canonical codes is read, and what
// it said is sent on in the form that everybody reads.
func TestPeersNumberPassesThroughAsAStatedCode(t *testing.T) {
	svc := returning(nil)
	b := connect(t, svc, nil, interceptor.DialOptions())
	for _, c := range errorCodes(t) {
		svc.end(atOpen, grpcstatus.Error(grpccodes.Code(c), "b's message"))
		if diff := cmp.Diff(stated(t, c, "b's message"), via(t, b, secret), protocmp.Transform()); diff != "" {
			t.Errorf("%v: what A sends on (-want +got):\n%s", c, diff)
		}
	}
}

func TestPeersCanonicalCodePassesButNotItsStack(t *testing.T) {
	sent := stated(t, codes.RecordNotFound, "b's message", badRequest())
	sent.Code = int32(grpccodes.FailedPrecondition) // B has another table
	want := proto.CloneOf(sent)
	sent.Details = append(sent.Details, packed(t, &errdetails.DebugInfo{Detail: secret}))

	b := connect(t, returning(grpcstatus.FromProto(sent).Err()), nil, interceptor.DialOptions())
	if diff := cmp.Diff(want, via(t, b, ""), protocmp.Transform()); diff != "" {
		t.Errorf("what A sends on (-want +got):\n%s", diff)
	}
}

func TestOtherUpstreamsAreNotQuoted(t *testing.T) {
	logs := captureLog(t)
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example", Metadata: map[string]string{"dsn": secret}}
	want := map[grpccodes.Code]*spb.Status{
		grpccodes.Unavailable:      canonical(t, grpccodes.Unavailable, "an upstream service is unavailable"),
		grpccodes.DeadlineExceeded: canonical(t, grpccodes.DeadlineExceeded, "an upstream service did not answer in time"),
	}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		if want[c] == nil {
			want[c] = stated(t, codes.ServerInternal, "")
		}
		for name, details := range map[string][]proto.Message{"bare": {badRequest()}, "foreign": {foreign}} {
			sent := grpcstatus.FromProto(canonical(t, c, secret, details...))
			b := connect(t, returning(sent.Err()), nil, interceptor.DialOptions())
			if diff := cmp.Diff(want[c], via(t, b, ""), protocmp.Transform()); diff != "" {
				t.Errorf("%s %v: what A sends on (-want +got):\n%s", name, c, diff)
			}
			checkWithheld(t, logs(), "UnaryCall", grpccodes.Code(want[c].Code), secret)
		}
	}
}

// Options of the server.

func TestRulesAreTriedInOrder(t *testing.T) {
	var (
		errFirst  = errors.New("first: " + secret)
		errSecond = errors.New("second: " + secret)
	)
	data := func(error) codes.Code { return codes.SrvData }
	none := func(error) codes.Code { return nil }
	success := func(error) codes.Code { return codes.NoError }
	panics := func(error) codes.Code { panic(secret) }

	tests := []struct {
		name     string
		handlers error
		opts     []interceptor.ServerOption
		want     *spb.Status
	}{
		{"target", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			stated(t, codes.RecordNotFound, "")},
		{"target under %w and in a join", errors.Join(io.EOF, fmt.Errorf("%w", errFirst)),
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			stated(t, codes.RecordNotFound, "")},
		{"target by the error's own Is", isFirst{errFirst},
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			stated(t, codes.RecordNotFound, "")},
		{"no target matches", errSecond,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			stated(t, codes.ServerInternal, "")},
		{"first of two targets wins, not the first error", errors.Join(errSecond, errFirst),
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound), interceptor.WithErrorMapping(errSecond, codes.Args)},
			stated(t, codes.RecordNotFound, "")},
		{"function before target", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(data), interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			stated(t, codes.SrvData, "")},
		{"target before function", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound), interceptor.WithErrorMapper(data)},
			stated(t, codes.RecordNotFound, "")},
		{"nil leaves it to the next", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(none), interceptor.WithErrorMapper(data)},
			stated(t, codes.SrvData, "")},
		{"NoError leaves it to the next", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(success), interceptor.WithErrorMapper(data)},
			stated(t, codes.SrvData, "")},
		{"function that panics", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(panics), interceptor.WithErrorMapper(data)},
			stated(t, codes.ServerInternal, "")},
		{"a stated code is not mapped", errors.Join(errFirst, codes.Args),
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound), interceptor.WithErrorMapper(data)},
			stated(t, codes.Args, "")},
		{"before the context's row", context.DeadlineExceeded,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(context.DeadlineExceeded, codes.SrvDatabase)},
			stated(t, codes.SrvDatabase, "")},
		{"before the gRPC status's row", grpcstatus.Error(grpccodes.NotFound, secret),
			[]interceptor.ServerOption{interceptor.WithErrorMapper(data)},
			stated(t, codes.SrvData, "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, onWire(t, tt.handlers, tt.opts...), protocmp.Transform()); diff != "" {
				t.Errorf("the status on the wire (-want +got):\n%s", diff)
			}
		})
	}
}

// isFirst says that it is what it holds, without wrapping it.
type isFirst struct{ first error }

func (isFirst) Error() string          { return secret }
func (e isFirst) Is(target error) bool { return target == e.first }

func TestMapErrorFuncIsGivenWhatTheHandlerReturned(t *testing.T) {
	handlers := fmt.Errorf("loading: %w", io.ErrUnexpectedEOF)
	var given error
	onWire(t, handlers, interceptor.WithErrorMapper(func(err error) codes.Code { given = err; return nil }))
	if given != handlers {
		t.Errorf("the function was given %v; want %v, identical", given, handlers)
	}
}

func TestTableOfTheServerDecidesTheWire(t *testing.T) {
	for _, c := range errorCodes(t) {
		row, _ := codes.Default().Lookup(c.Number())
		row.GRPCCode, row.Message, row.Default = grpccodes.FailedPrecondition, "overridden", false
		rows := append(defaultsWithout(c), row)
		table, err := codes.Default().With(rows...)
		if err != nil {
			t.Fatalf("With(%v) = %v", c, err)
		}
		svc := returning(nil)
		opts := interceptor.ServerOptions(interceptor.WithTable(table), interceptor.WithErrorMapping(io.ErrUnexpectedEOF, c))
		client := connect(t, svc, opts, interceptor.DialOptions())
		for _, tt := range []struct {
			handlers error
			message  string
		}{
			{c, "overridden"},
			{io.ErrUnexpectedEOF, "overridden"},
			{status.Error(c, "own message"), "own message"},
			{grpcstatus.Error(grpccodes.Code(c), "own message"), "own message"},
		} {
			svc.end(atOpen, tt.handlers)
			_, err := callUnary(t.Context(), client)
			want := stated(t, c, tt.message)
			want.Code = int32(grpccodes.FailedPrecondition)
			checkStatus(t, err, want)
			if got := status.Code(err); got != c {
				t.Errorf("status.Code(%v) = %v; want %v", err, got, c)
			}
		}
	}
}

// defaultsWithout gives another code the place of c among the defaults of
// INTERNAL and UNKNOWN, which a table must have.
func defaultsWithout(c codes.ErrorCode) []codes.Row {
	other := map[codes.ErrorCode]codes.ErrorCode{
		codes.ServerInternal: codes.SrvDatabase,
		codes.SdkUnknownCode: 1305,
	}[c]
	if other == codes.NoError {
		return nil
	}
	old, _ := codes.Default().Lookup(c.Number())
	row, known := codes.Default().Lookup(other.Number())
	if !known {
		row.Name, row.Reason = "Other", "OTHER"
	}
	row.GRPCCode, row.Default = old.GRPCCode, true
	return []codes.Row{row}
}

// Tables of a second domain.

func TestSecondDomainNeedsItsTableOnTheClientOnly(t *testing.T) {
	tests := []struct {
		name   string
		opts   []interceptor.ClientOption
		code   codes.Code
		origin status.Origin
	}{
		{"known", []interceptor.ClientOption{interceptor.WithTable(pets)}, petRanAway, status.OriginKnown},
		{"unknown", nil, codes.RecordNotFound, status.OriginForeign},
	}
	for _, tt := range tests {
		for _, handlers := range []error{petRanAway, status.Error(petRanAway, "the pet ran away")} {
			err := received(t, handlers, tt.opts...)
			checkStatus(t, err, stated(t, petRanAway, ""))
			st, _ := status.FromError(err)
			if status.Code(err) != tt.code || st.Origin() != tt.origin {
				t.Errorf("%s: the caller reads %v, %v; want %v, %v", tt.name, status.Code(err), st.Origin(), tt.code, tt.origin)
			}
			if !errors.Is(err, tt.code) {
				t.Errorf("%s: errors.Is(%v, %v) = false", tt.name, err, tt.code)
			}
		}
	}
}

func TestEqualNumbersOfTwoDomainsAreTwoCodes(t *testing.T) {
	ran := received(t, petRanAway, interceptor.WithTable(pets))
	missing := received(t, codes.RecordNotFound, interceptor.WithTable(pets))
	if errors.Is(ran, codes.RecordNotFound) || errors.Is(missing, petRanAway) {
		t.Errorf("%v and %v are the same code to errors.Is; want two", ran, missing)
	}
	if got := status.Code(missing); got != codes.RecordNotFound {
		t.Errorf("with another table first, status.Code() = %v; want RecordNotFound", got)
	}
}

func TestFirstTableHasTheCodesOfWhatStatesNone(t *testing.T) {
	if diff := cmp.Diff(stated(t, petBroken, ""), onWire(t, errors.New(secret), interceptor.WithTable(pets)), protocmp.Transform()); diff != "" {
		t.Errorf("what the server sends for a plain error (-want +got):\n%s", diff)
	}
	err := receivedPlain(t, grpcstatus.Error(grpccodes.NotFound, "bare"), interceptor.WithTable(pets))
	if got := status.Code(err); got != petUnknown {
		t.Errorf("the client's guess for NOT_FOUND is %v; want %v", got, petUnknown)
	}
}

// The client.

func TestEndOfAStreamIsTheSameErrorAgain(t *testing.T) {
	tests := []struct {
		name     string
		handlers error
	}{
		{"an error", status.Error(codes.Args, "bad")},
		{"io.EOF", nil},
	}
	for _, tt := range tests {
		client := connect(t, returning(tt.handlers), interceptor.ServerOptions(), interceptor.DialOptions())
		stream, err := client.FullDuplexCall(t.Context())
		if err != nil {
			t.Fatalf("FullDuplexCall() = %v", err)
		}
		_, first := stream.Recv()
		if _, second := stream.Recv(); first == nil || first != second {
			t.Errorf("%s: Recv() ended with %v, then %v; want the same, identical", tt.name, first, second)
		}
	}
}

func TestHeaderAndTrailerStillWork(t *testing.T) {
	var header, trailer metadata.MD
	svc := &withMetadata{service: returning(codes.Args)}
	client := connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())

	stream, err := client.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	if header, err = stream.Header(); err != nil {
		t.Errorf("Header() = %v", err)
	}
	if _, err := stream.Recv(); !errors.Is(err, codes.Args) {
		t.Errorf("Recv() = %v; want Args", err)
	}
	trailer = stream.Trailer()
	if header.Get("sent")[0] != "header" || trailer.Get("sent")[0] != "trailer" {
		t.Errorf("Header() = %v, Trailer() = %v; want what the handler set", header, trailer)
	}
}

// withMetadata sends a header and a trailer in its bidi streams.
type withMetadata struct{ *service }

func (s *withMetadata) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	if err := stream.SendHeader(metadata.Pairs("sent", "header")); err != nil {
		return err
	}
	stream.SetTrailer(metadata.Pairs("sent", "trailer"))
	return s.service.FullDuplexCall(stream)
}

func TestErrorOfOpeningACallIsDecoded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := connect(t, returning(nil), interceptor.ServerOptions(), interceptor.DialOptions())
	for _, k := range kinds {
		_, err := k.call(ctx, client)
		checkGuess(t, err, codes.SdkUnknownCode, grpccodes.Canceled)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: opening it in a cancelled context = %v; want context.Canceled in it", k.name, err)
		}
	}
}

func TestRefusedConnectionIsANetworkError(t *testing.T) {
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	lis.Close() // nobody listens there now
	client := testgrpc.NewTestServiceClient(dial(t, lis.Addr().String(), interceptor.DialOptions()))
	for _, k := range kinds {
		_, err := k.call(t.Context(), client)
		checkGuess(t, err, codes.SdkNetwork, grpccodes.Unavailable)
	}
}

// checkGuess wants a status without an ErrorInfo, and a code that is guessed.
func checkGuess(t *testing.T, err error, code codes.ErrorCode, canonical grpccodes.Code) {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok || st.Origin() != status.OriginBare || st.Reason() != "" {
		t.Errorf("status.FromError(%v): origin %v, reason %q, %t; want bare, no reason, true", err, st.Origin(), st.Reason(), ok)
	}
	if st.Code() != code || !errors.Is(err, code) {
		t.Errorf("the code of %v is %v; want %v", err, st.Code(), code)
	}
	if got := grpcstatus.Code(err); got != canonical {
		t.Errorf("the canonical code of %v is %v; want %v", err, got, canonical)
	}
}

func TestEveryCanonicalCodeIsGuessed(t *testing.T) {
	svc := returning(nil)
	client := connect(t, svc, nil, interceptor.DialOptions())
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		want := canonical(t, c, "plain server's", badRequest())
		svc.end(atOpen, grpcstatus.FromProto(want).Err())
		for _, k := range kinds {
			_, err := k.call(t.Context(), client)
			checkGuess(t, err, codes.Default().FromGRPC(c).(codes.ErrorCode), c)
			checkStatus(t, err, want)
		}
	}
}

func TestMalformedAndForeignErrorInfos(t *testing.T) {
	garbage := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte("\xff\xff\xff")}
	info := func(reason, domain, number string) *anypb.Any {
		return packed(t, &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: map[string]string{"code": number}})
	}
	tests := []struct {
		name   string
		info   *anypb.Any
		code   codes.Code
		origin status.Origin
	}{
		{"bytes that are no ErrorInfo", garbage, codes.RecordNotFound, status.OriginBare},
		{"another domain", info("ARGS", "evil.example", "1001"), codes.RecordNotFound, status.OriginForeign},
		{"our domain in other letters", info("ARGS", "OpenIM.io", "1001"), codes.RecordNotFound, status.OriginForeign},
		{"no domain", info("ARGS", "", "1001"), codes.RecordNotFound, status.OriginForeign},
		{"reason wins over number", info("ARGS", "openim.io", "1002"), codes.Args, status.OriginKnown},
		{"number where the reason is empty", info("", "openim.io", "1002"), codes.NoPermission, status.OriginKnown},
		{"unknown reason with an unknown number", info("NEW_REASON", "openim.io", "1305"), codes.ErrorCode(1305), status.OriginKnown},
		{"unknown reason with another's number", info("NEW_REASON", "openim.io", "1002"), codes.RecordNotFound, status.OriginKnown},
		{"number that is none", info("", "openim.io", "01001"), codes.RecordNotFound, status.OriginKnown},
		{"number of success", info("", "openim.io", "0"), codes.RecordNotFound, status.OriginKnown},
		{"reason of success", info("NO_ERROR", "openim.io", "0"), codes.RecordNotFound, status.OriginKnown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := canonical(t, grpccodes.NotFound, "as sent", badRequest())
			want.Details = append([]*anypb.Any{tt.info}, want.Details...)
			err := receivedPlain(t, grpcstatus.FromProto(want).Err())

			st, _ := status.FromError(err)
			if st.Code() != tt.code || st.Origin() != tt.origin {
				t.Errorf("the caller reads %v, %v; want %v, %v", st.Code(), st.Origin(), tt.code, tt.origin)
			}
			got := grpcstatus.Convert(err).Proto()
			if !proto.Equal(got, want) {
				t.Errorf("the status as received is %v; want it untouched: %v", got, want)
			}
			if br, ok := status.Detail[*errdetails.BadRequest](err); !ok || !proto.Equal(br, badRequest()) {
				t.Errorf("Detail[BadRequest] = %v, %t; want what was sent", br, ok)
			}
		})
	}
}

func TestErrorWithoutAStatusComesBackIdentical(t *testing.T) {
	plain := errors.New("no status")
	failing := []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return plain
		}),
		grpc.WithChainStreamInterceptor(func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, plain
		}),
	}
	client := connect(t, returning(nil), nil, append(interceptor.DialOptions(), failing...))
	for _, k := range kinds {
		if _, err := k.call(t.Context(), client); err != plain {
			t.Errorf("%s: got %v; want %v, identical", k.name, err, plain)
		}
	}
}

func TestLocalSendErrorIsDecoded(t *testing.T) {
	client := connect(t, returning(nil), nil, interceptor.DialOptions())
	stream, err := client.FullDuplexCall(t.Context(), grpc.MaxCallSendMsgSize(1))
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	err = stream.Send(&testgrpc.StreamingOutputCallRequest{Payload: &testgrpc.Payload{Body: make([]byte, 100)}})
	checkGuess(t, err, codes.SdkUnknownCode, grpccodes.ResourceExhausted)
}

// One side only.

func TestPlainClientReadsOurServer(t *testing.T) {
	svc := returning(nil)
	client := connect(t, svc, interceptor.ServerOptions(), nil)
	for _, k := range kinds {
		for _, c := range errorCodes(t) {
			svc.end(atOpen, fmt.Errorf(secret+": %w", c))
			_, err := k.call(t.Context(), client)
			checkStatus(t, err, stated(t, c, ""))
		}
	}
}

// A code has a gRPC status of its own, so a server without our interceptor sends
// it right, if it is returned bare.
func TestOurClientReadsPlainServer(t *testing.T) {
	svc := returning(nil)
	client := connect(t, svc, nil, interceptor.DialOptions())
	for _, k := range kinds {
		for _, c := range errorCodes(t) {
			svc.end(atOpen, c)
			_, err := k.call(t.Context(), client)
			if diff := cmp.Diff(forms[0].reading(t, c), read(err, c), protocmp.Transform()); diff != "" {
				t.Errorf("%s %v: what the caller reads (-want +got):\n%s", k.name, c, diff)
			}
		}
	}
}

// gRPC trusts an error's status: one with code OK would make a success of it.
func TestNoErrorIsNoSuccessOnAPlainServer(t *testing.T) {
	client := connect(t, returning(codes.NoError), nil, interceptor.DialOptions())
	for _, k := range kinds {
		_, err := k.call(t.Context(), client)
		checkGuess(t, err, codes.SdkUnknownCode, grpccodes.Unknown)
	}
}

func TestOurClientReadsNumbersOfOpenIM(t *testing.T) {
	svc := returning(nil)
	client := connect(t, svc, nil, interceptor.DialOptions())
	for _, c := range append(errorCodes(t), 1305, math.MaxInt32) {
		svc.end(atOpen, grpcstatus.Error(grpccodes.Code(c), "as OpenIM does"))
		_, err := callUnary(t.Context(), client)
		st, _ := status.FromError(err)
		if st.Code() != c || st.Origin() != status.OriginNumeric || st.Message() != "as OpenIM does" {
			t.Errorf("%v: the caller reads %v, %v; want the code, legacy", c, st, st.Origin())
		}
	}
}

// Installed twice.

func TestInstalledTwiceTheBytesAreTheSame(t *testing.T) {
	svc := returning(nil)
	once := connect(t, svc, interceptor.ServerOptions(), nil)
	twice := connect(t, svc, append(interceptor.ServerOptions(), interceptor.ServerOptions()...), nil)
	check := func(name string, handlers error) {
		t.Helper()
		svc.end(atOpen, handlers)
		for _, k := range kinds {
			if a, b := raw(t.Context(), once, k), raw(t.Context(), twice, k); a != b {
				t.Errorf("%s, %s: installed once it sends\n%q, twice\n%q", name, k.name, a, b)
			}
		}
	}
	for _, f := range forms {
		for _, c := range errorCodes(t) {
			check(fmt.Sprint(f.name, " ", c), f.of(c))
		}
	}
	check("plain", errors.New(secret))
	check("gRPC status", fmt.Errorf("%w", grpcstatus.FromProto(canonical(t, grpccodes.NotFound, "own", badRequest())).Err()))
	check("deadline", context.DeadlineExceeded)
	check("number", grpcstatus.Error(1004, "as OpenIM does"))
	check("second domain", petRanAway)
	check("broken", &wrapsItself{errors.New(secret)})
}

// A rawStatus is what arrived, before anything was decoded.
type rawStatus struct{ code, message, details string }

func raw(ctx context.Context, client testgrpc.TestServiceClient, k kind) rawStatus {
	var trailer metadata.MD
	_, err := k.call(ctx, client, grpc.Trailer(&trailer))
	st := grpcstatus.Convert(err)
	return rawStatus{st.Code().String(), st.Message(), strings.Join(trailer.Get("grpc-status-details-bin"), " and ")}
}

func TestInstalledTwiceAWithheldErrorIsLoggedOnce(t *testing.T) {
	logs := captureLog(t)
	twice := append(interceptor.ServerOptions(), interceptor.ServerOptions()...)
	client := connect(t, returning(errors.New(secret)), twice, nil)
	for _, k := range kinds {
		k.call(t.Context(), client)
		checkWithheld(t, logs(), k.method, grpccodes.Internal, secret)
	}
}

func TestInstalledTwiceTheClientsErrorIsTheSame(t *testing.T) {
	svc := returning(nil)
	inner, between := clientObserved()
	options := append(interceptor.DialOptions(), append(between, interceptor.DialOptions()...)...)
	client := connect(t, svc, interceptor.ServerOptions(), options)
	for _, c := range errorCodes(t) {
		svc.end(atOpen, c)
		_, err := callUnary(t.Context(), client)
		if err != *inner {
			t.Errorf("%v: the outer interceptor made %#v of %#v; want the same, identical", c, err, *inner)
		}
	}
	for _, k := range kinds {
		svc.end(atOpen, codes.Args)
		_, err := k.call(t.Context(), client)
		if diff := cmp.Diff(forms[0].reading(t, codes.Args), read(err, codes.Args), protocmp.Transform()); diff != "" {
			t.Errorf("%s: what the caller reads (-want +got):\n%s", k.name, diff)
		}
	}
}

// clientObserved keeps what the interceptor inside of it returned.
func clientObserved() (*error, []grpc.DialOption) {
	seen := new(error)
	return seen, []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			*seen = invoker(ctx, method, req, reply, cc, opts...)
			return *seen
		}),
	}
}

// What interceptors outside of the server's see.

func TestOuterInterceptorsSeeTheHandlersError(t *testing.T) {
	cause := &nilPointer{"the cause"}
	tests := []struct {
		name     string
		handlers error
		want     []error
		code     grpccodes.Code
	}{
		{"a wrapped cause", status.Wrap(cause, codes.SrvDatabase, "loading"), []error{cause, codes.SrvDatabase}, grpccodes.Internal},
		{"a plain error", cause, []error{cause, codes.ServerInternal}, grpccodes.Internal},
		{"a mapped error", fmt.Errorf("%w", io.ErrUnexpectedEOF), []error{io.ErrUnexpectedEOF, codes.RecordNotFound}, grpccodes.NotFound},
		{"one that panics", panicsInIs{cause}, []error{codes.ServerInternal}, grpccodes.Internal},
		{"one that loops", &wrapsItself{cause}, []error{codes.ServerInternal}, grpccodes.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sent, outer := observed()
			server := append(outer, interceptor.ServerOptions(interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.RecordNotFound))...)
			client := connect(t, returning(tt.handlers), server, nil)
			for _, k := range kinds {
				k.call(t.Context(), client)
				err := <-sent
				for _, want := range tt.want {
					if !errors.Is(err, want) {
						t.Errorf("%s: errors.Is(%v, %v) = false outside of ours", k.name, err, want)
					}
				}
				if errors.Is(err, io.EOF) { // runs through the whole chain, and must end
					t.Errorf("%s: errors.Is(%v, EOF) = true", k.name, err)
				}
				if got := grpcstatus.Code(err); got != tt.code {
					t.Errorf("%s: grpcstatus.Code(%v) = %v; want %v", k.name, err, got, tt.code)
				}
				if strings.Contains(err.Error(), cause.text) {
					t.Errorf("%s: the text is %q; want the public one", k.name, err)
				}
			}
		})
	}
}

// In-process transports hand the server's error itself to the client.

func TestInProcessTransportDropsThePrivateCause(t *testing.T) {
	cause := &nilPointer{secret}
	inProcess := func(ctx context.Context, method string, req, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
		_, err := interceptor.UnaryServer()(ctx, req, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
			return nil, status.Wrap(cause, codes.SrvDatabase, "loading")
		})
		return err
	}
	err := interceptor.UnaryClient()(t.Context(), "/grpc.testing.TestService/UnaryCall", nil, nil, nil, inProcess)

	if errors.Is(err, cause) {
		t.Errorf("errors.Is finds the server's private cause in %v", err)
	}
	if private, ok := errors.AsType[*nilPointer](err); ok {
		t.Errorf("errors.AsType finds the server's private %#v", private)
	}
	checkNoSecret(t, err)
	if diff := cmp.Diff(forms[4].reading(t, codes.SrvDatabase), read(err, codes.SrvDatabase), protocmp.Transform()); diff != "" {
		t.Errorf("what the caller reads (-want +got):\n%s", diff)
	}
}

// go-grpc-middleware and gRPC's own retries.

func TestLoggingOutsideAndRecoveryInside(t *testing.T) {
	svc := returning(nil)
	logged, server := middleware()
	client := connect(t, svc, server, interceptor.DialOptions())
	for _, k := range kinds {
		for _, c := range errorCodes(t) {
			svc.end(atOpen, c)
			k.call(t.Context(), client)
			row, _ := codes.Default().Lookup(c.Number())
			if got := (*logged)["grpc.code"]; got != row.GRPCCode.String() {
				t.Errorf("%s: %v is logged with grpc.code %v; want %v", k.name, c, got, row.GRPCCode)
			}
		}
		svc.script.Store(&script{end: func(context.Context) error { panic(secret) }})
		_, err := k.call(t.Context(), client)
		checkStatus(t, err, stated(t, codes.ServerInternal, ""))
		if text := fmt.Sprint(*logged); (*logged)["grpc.code"] != "Internal" || strings.Contains(text, secret) {
			t.Errorf("%s: a panic is logged as %v; want Internal and not the panic's value", k.name, text)
		}
	}
}

// middleware is the chain that the documentation has. The map holds the fields
// of the last call's log line.
func middleware() (*map[string]any, []grpc.ServerOption) {
	logged := &map[string]any{}
	logger := logging.LoggerFunc(func(_ context.Context, _ logging.Level, _ string, fields ...any) {
		line := make(map[string]any)
		for i := 0; i < len(fields); i += 2 {
			line[fields[i].(string)] = fields[i+1]
		}
		*logged = line
	})
	finish := logging.WithLogOnEvents(logging.FinishCall)
	recovered := recovery.WithRecoveryHandler(func(any) error { return codes.ServerInternal })
	return logged, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(
			logging.UnaryServerInterceptor(logger, finish),
			interceptor.UnaryServer(),
			recovery.UnaryServerInterceptor(recovered),
		),
		grpc.ChainStreamInterceptor(
			logging.StreamServerInterceptor(logger, finish),
			interceptor.StreamServer(),
			recovery.StreamServerInterceptor(recovered),
		),
	}
}

// unavailable in a service config makes three attempts of what is UNAVAILABLE.
const unavailable = `{"methodConfig": [{
	"name": [{"service": "grpc.testing.TestService"}],
	"retryPolicy": {
		"maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

func TestRetriesMakeTheirAttempts(t *testing.T) {
	opts := []retry.CallOption{
		retry.WithMax(3),
		retry.WithCodes(grpccodes.Unavailable),
		retry.WithBackoff(func(context.Context, uint) time.Duration { return 0 }),
	}
	retrying := []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(retry.UnaryClientInterceptor(opts...)),
		grpc.WithChainStreamInterceptor(retry.StreamClientInterceptor(opts...)),
	}
	ours := interceptor.DialOptions
	native := grpc.WithDefaultServiceConfig(unavailable)

	clients := []struct {
		name    string
		options []grpc.DialOption
	}{
		{"middleware outside of ours", append(retrying, ours()...)},
		{"middleware inside of ours", append(ours(), retrying...)},
		{"native", append(ours(), native)},
		{"native with ours twice", append(append(ours(), ours()...), native)},
	}
	errs := []struct {
		code     codes.ErrorCode
		attempts int32
	}{
		{codes.SrvNetwork, 3},
		{codes.RecordNotFound, 1},
	}
	for _, cc := range clients {
		for _, tt := range errs {
			for _, k := range []kind{kinds[0], kinds[2]} { // the middleware retries no other kind
				t.Run(fmt.Sprint(cc.name, "/", tt.code, "/", k.name), func(t *testing.T) {
					svc := returning(tt.code)
					_, err := k.call(t.Context(), connect(t, svc, interceptor.ServerOptions(), cc.options))
					if got := svc.calls.Load(); got != tt.attempts {
						t.Errorf("%d attempts; want %d", got, tt.attempts)
					}
					if status.Code(err) != tt.code || !errors.Is(err, tt.code) {
						t.Errorf("at the end the caller gets %v; want %v", err, tt.code)
					}
				})
			}
		}
	}
}

func TestTextOfExhaustedRetriesIsKept(t *testing.T) {
	client := connect(t, returning(codes.SrvNetwork), interceptor.ServerOptions(),
		append(interceptor.DialOptions(), grpc.WithDefaultServiceConfig(unavailable)))
	_, err := callUnary(t.Context(), client)
	if !strings.Contains(err.Error(), "retries exhausted") || !strings.Contains(err.Error(), "SrvNetwork") {
		t.Errorf("Error() = %q; want the code's name and what gRPC says of its retries", err)
	}
	if diff := cmp.Diff(forms[0].reading(t, codes.SrvNetwork).Message, status.Convert(err).Message()); diff != "" {
		t.Errorf("the public message (-want +got):\n%s", diff)
	}
}

func TestSelectorExemptsHealth(t *testing.T) {
	notHealth := selector.MatchFunc(func(_ context.Context, call interceptors.CallMeta) bool {
		return call.Service != healthgrpc.Health_ServiceDesc.ServiceName
	})
	register := func(s *grpc.Server) {
		healthgrpc.RegisterHealthServer(s, unwell{})
		testgrpc.RegisterTestServiceServer(s, returning(errors.New("not ready")))
	}
	conn := serve(t, register, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(selector.UnaryServerInterceptor(interceptor.UnaryServer(), notHealth)),
		grpc.ChainStreamInterceptor(selector.StreamServerInterceptor(interceptor.StreamServer(), notHealth)),
	}, nil)

	_, err := healthgrpc.NewHealthClient(conn).Check(t.Context(), &healthgrpc.HealthCheckRequest{})
	checkStatus(t, err, canonical(t, grpccodes.Unknown, "not ready"))
	for _, k := range kinds {
		_, err := k.call(t.Context(), testgrpc.NewTestServiceClient(conn))
		checkStatus(t, err, stated(t, codes.ServerInternal, ""))
	}
}

type unwell struct {
	healthgrpc.UnimplementedHealthServer
}

func (unwell) Check(context.Context, *healthgrpc.HealthCheckRequest) (*healthgrpc.HealthCheckResponse, error) {
	return nil, errors.New("not ready")
}

// The wire itself, read by an HTTP client.

func TestHeadersOnTheWire(t *testing.T) {
	svc := returning(nil)
	url := serveTCP(t, svc) + "/grpc.testing.TestService/UnaryCall"
	client := http2Client(t)
	check := func(name string, handlers error, want *spb.Status) {
		t.Helper()
		svc.end(atOpen, handlers)
		head := post(t, client, url)
		if got := head.Get("grpc-status"); got != fmt.Sprint(want.Code) {
			t.Errorf("%s: grpc-status is %s; want %d", name, got, want.Code)
		}
		if got := head.Get("grpc-message"); got != percentEncoded(want.Message) {
			t.Errorf("%s: grpc-message is %s; want %s", name, got, percentEncoded(want.Message))
		}
		if diff := cmp.Diff(want, detailsBin(t, head), protocmp.Transform()); diff != "" {
			t.Errorf("%s: grpc-status-details-bin (-want +got):\n%s", name, diff)
		}
		for _, key := range []string{"Content-Type", "Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"} {
			head.Del(key)
		}
		if len(head) > 0 {
			t.Errorf("%s: the response has %v besides; want no other header", name, head)
		}
	}
	for _, c := range errorCodes(t) {
		check(c.String(), c, stated(t, c, ""))
		check(c.String(), status.Errorf(c, "名字 %s", "\xff"), stated(t, c, "名字 \uFFFD"))
	}
	notUTF8 := &errdetails.ResourceInfo{Description: "\xff"}
	check("detail that is not UTF-8", status.New(codes.Args, "").WithDetails(notUTF8).Err(),
		stated(t, codes.Args, "", &errdetails.ResourceInfo{Description: "\uFFFD"}))
	check("gRPC status that is not UTF-8",
		grpcstatus.FromProto(canonical(t, grpccodes.NotFound, "\xff", badRequest())).Err(),
		canonical(t, grpccodes.NotFound, "\uFFFD", badRequest()))
	check("plain error", errors.New(secret), stated(t, codes.ServerInternal, ""))
}

func serveTCP(t *testing.T, svc testgrpc.TestServiceServer) (url string) {
	t.Helper()
	lis, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	register := func(s *grpc.Server) { testgrpc.RegisterTestServiceServer(s, svc) }
	start(t, lis, register, interceptor.ServerOptions())
	return "http://" + lis.Addr().String()
}

func http2Client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post makes a gRPC call with an empty message. An error that comes before any
// response is all in the head.
func post(t *testing.T, client *http.Client, url string) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("POST %s: %v", url, err)
	}
	resp.Body.Close()
	return resp.Header
}

func detailsBin(t *testing.T, head http.Header) *spb.Status {
	t.Helper()
	bytes, err := base64.RawStdEncoding.DecodeString(head.Get("grpc-status-details-bin"))
	if err != nil {
		t.Fatalf("grpc-status-details-bin: %v", err)
	}
	st := &spb.Status{}
	if err := proto.Unmarshal(bytes, st); err != nil {
		t.Fatalf("grpc-status-details-bin: %v", err)
	}
	return st
}

// percentEncoded is text as grpc-message has it.
func percentEncoded(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
