package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// What the caller gets if the handler's error has no domain code. The documentation of
// status.Encoder lists the cases.

func TestHandlersGRPCStatusIsSent(t *testing.T) {
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example"}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		want := testrpc.Canonical(t, c, "own message", foreign, testrpc.BadRequest())
		err := grpcstatus.FromProto(want).Err()
		for name, handlers := range map[string]error{
			"bare":             err,
			"under %w":         fmt.Errorf(testrpc.Secret+": %w", err),
			"joined":           errors.Join(errors.New(testrpc.Secret), err),
			"with a DebugInfo": grpcstatus.FromProto(testrpc.Canonical(t, c, "own message", foreign, testrpc.BadRequest(), &errdetails.DebugInfo{Detail: testrpc.Secret})).Err(),
			"a detail twice":   grpcstatus.FromProto(testrpc.Canonical(t, c, "own message", foreign, testrpc.BadRequest(), &errdetails.BadRequest{})).Err(),
		} {
			if diff := cmp.Diff(want, testrpc.Sent(t, handlers), protocmp.Transform()); diff != "" {
				t.Errorf("%v, %s: the status on the wire (-want +got):\n%s", c, name, diff)
			}
		}
	}
}

func TestDebugInfoIsSentOnlyWithTheOption(t *testing.T) {
	stack := &errdetails.DebugInfo{Detail: "stack"}
	err := status.New(codes.Args, "").WithDetails(stack).Err()
	tests := []struct {
		name string
		opts []interceptor.ServerOption
		want *spb.Status
	}{
		{"by default", nil, testrpc.Carrying(t, codes.Args, "")},
		{"with WithDebugInfo", []interceptor.ServerOption{interceptor.WithDebugInfo()}, testrpc.Carrying(t, codes.Args, "", stack)},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, testrpc.Sent(t, err, tt.opts...), protocmp.Transform()); diff != "" {
			t.Errorf("%s: the status on the wire (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestRawNumberIsSentAsItsCode(t *testing.T) {
	for _, c := range testrpc.ErrorCodes(t) {
		err := grpcstatus.Error(grpccodes.Code(c.Number()), "as OpenIM does")
		if diff := cmp.Diff(testrpc.Carrying(t, c, "as OpenIM does"), testrpc.Sent(t, err), protocmp.Transform()); diff != "" {
			t.Errorf("%v: the status on the wire (-want +got):\n%s", c, diff)
		}
	}
}

// Hostile errors: a GRPCStatus method that returns OK, methods that panic, and trees that
// are larger than errstatus reads.
type (
	okStatus       struct{}
	nilStatus      struct{}
	nilPointer     struct{ text string }
	panicsInError  struct{}
	panicsInIs     struct{ error }
	panicsInUnwrap struct{ error }
	panicsInStatus struct{ error }
	bush           struct{ branches []error }
)

func (okStatus) Error() string                        { return "status OK" }
func (okStatus) GRPCStatus() *grpcstatus.Status       { return grpcstatus.New(grpccodes.OK, "") }
func (nilStatus) Error() string                       { return "status nil" }
func (nilStatus) GRPCStatus() *grpcstatus.Status      { return nil }
func (e *nilPointer) Error() string                   { return e.text }
func (panicsInError) Error() string                   { panic(testrpc.Secret) }
func (panicsInIs) Is(error) bool                      { panic(testrpc.Secret) }
func (panicsInUnwrap) Unwrap() error                  { panic(testrpc.Secret) }
func (panicsInStatus) GRPCStatus() *grpcstatus.Status { panic(testrpc.Secret) }
func (bush) Error() string                            { return "bush" }
func (b bush) Unwrap() []error                        { return b.branches }

// millionNodes returns an error that joins a thousand joins of a thousand errors.
func millionNodes() error {
	leaves, branches := make([]error, 1000), make([]error, 1000)
	for i := range leaves {
		leaves[i] = errors.New(testrpc.Secret)
	}
	for i := range branches {
		branches[i] = bush{leaves}
	}
	return bush{branches}
}

// millionDeep returns a code under more levels than errstatus reads.
func millionDeep() error {
	var err error = codes.RecordNotFound
	for range 1_000_000 {
		err = status.Wrap(err, codes.NoError, "")
	}
	return err
}

func TestAnyOtherErrorIsInternalAndLogged(t *testing.T) {
	plain := errors.New(testrpc.Secret)
	tests := []struct {
		name     string
		handlers error
		logged   string // part of the logged error
	}{
		{"a plain error", plain, testrpc.Secret},
		{"bare io.EOF", io.EOF, "EOF"},
		{"context.Canceled in a live context", context.Canceled, "context canceled"},
		{"NoError", codes.NoError, "NoError"},
		{"a status with code OK", okStatus{}, "status OK"},
		{"a nil status", nilStatus{}, "status nil"},
		{"a raw number without a row", grpcstatus.Error(1305, testrpc.Secret), testrpc.Secret},
		{"a raw number beyond an int32", grpcstatus.Error(math.MaxUint32, testrpc.Secret), testrpc.Secret},
		{"a typed nil", (*nilPointer)(nil), "nil"},
		{"a panic in Error", panicsInError{}, "panicsInError, which can't be printed"},
		{"a panic in Is", panicsInIs{plain}, "panicsInIs"},
		{"a panic in Unwrap", panicsInUnwrap{plain}, "panicsInUnwrap"},
		{"a panic in GRPCStatus", panicsInStatus{plain}, "panicsInStatus"},
		{"a nil pointer to a code", (*codes.ErrorCode)(nil), "ErrorCode"},
		{"an error that wraps itself", testrpc.WrapsItself(plain), "wrapsItself, which can't be printed"},
		{"a tree of a million errors", millionNodes(), "bush, which can't be printed"},
		{"a code under a million levels", millionDeep(), "statusError, which can't be printed"},
	}
	want := testrpc.Carrying(t, codes.ServerInternal, "")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			logs := testrpc.CaptureLog(t)
			client := testrpc.Connect(t, testrpc.Returning(tt.handlers), interceptor.ServerOptions(), interceptor.DialOptions())
			for _, k := range testrpc.Kinds {
				_, err := k.Call(t.Context(), client)
				testrpc.CheckStatus(t, err, want)
				testrpc.CheckWithheld(t, logs(), k.Method, grpccodes.Internal, tt.logged)
			}
		})
	}
}

// A failure isn't logged if the caller reads all of its text, or if it is the caller's fault.
func TestFailureWithoutPrivateTextIsNotLogged(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	for name, handlers := range map[string]error{
		"a code":                     codes.SrvDatabase,
		"a Status":                   status.Error(codes.SrvDatabase, "loading"),
		"the caller's fault":         status.Wrap(errors.New(testrpc.Secret), codes.Args, "loading"),
		"a gRPC status":              grpcstatus.Error(grpccodes.Internal, "own message"),
		"a raw number":               grpcstatus.Error(1004, "as OpenIM does"),
		"a deadline":                 context.DeadlineExceeded,
		"a mapped error":             io.ErrUnexpectedEOF,
		"a code joined with NoError": errors.Join(codes.NoError, codes.RecordNotFound),
		"a code before an error that wraps itself": errors.Join(codes.RecordNotFound, testrpc.WrapsItself(errors.New(testrpc.Secret))),
	} {
		testrpc.Sent(t, handlers, interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.RecordNotFound))
		if records := logs(); len(records) > 0 {
			t.Errorf("%s: the log has %v; want nothing", name, records)
		}
	}
}
