package errstatus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// These tests use errstatus from outside, through a real server and a real client:
//
//	handler --error--> server interceptor --status--> client interceptor --error--> caller
//
// They show that every code arrives, in every form that an error can have, at every
// moment of every kind of call. The tests of each subject are in internal/e2e.

func TestMain(m *testing.M) { testrpc.Main(m) }

// A form is a way for a handler to return a code, and what the caller should read
// of it.
type form struct {
	name     string
	of       func(codes.ErrorCode) error
	message  string // "" is the row's
	metadata map[string]string
	details  []proto.Message
}

var forms = []form{
	{
		name: "bare",
		of:   func(c codes.ErrorCode) error { return c },
	},
	{
		name:    "a formatted message",
		of:      func(c codes.ErrorCode) error { return status.Errorf(c, "user %q", "ann") },
		message: `user "ann"`,
	},
	{
		name: "under two %w",
		of: func(c codes.ErrorCode) error {
			return fmt.Errorf(testrpc.Secret+": %w", fmt.Errorf(testrpc.Secret+": %w", c))
		},
	},
	{
		name: "joined with a plain error",
		of:   func(c codes.ErrorCode) error { return errors.Join(errors.New(testrpc.Secret), c) },
	},
	{
		name:    "around a cause",
		of:      func(c codes.ErrorCode) error { return status.Wrap(errors.New(testrpc.Secret), c, "loading") },
		message: "loading",
	},
	{
		name: "with details and metadata",
		of: func(c codes.ErrorCode) error {
			return status.New(c, "bad request").WithDetails(testrpc.BadRequest()).WithMetadata("field", "name").Err()
		},
		message:  "bad request",
		metadata: map[string]string{"field": "name"},
		details:  []proto.Message{testrpc.BadRequest()},
	},
}

// checkReads checks everything that the caller can read of an error that carries c
// in the form.
func (f form) checkReads(t *testing.T, err error, c codes.ErrorCode) {
	t.Helper()
	want := testrpc.WantReading(t, c, f.message, f.metadata, f.details...)
	if diff := cmp.Diff(want, testrpc.Read(err, c), protocmp.Transform()); diff != "" {
		t.Errorf("%v: what the caller reads (-want +got):\n%s", c, diff)
	}
}

// The matrix: every code × kind of call × moment × form.

func TestEveryCodeReachesTheCaller(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	all := testrpc.EveryCode(t)

	for _, k := range testrpc.Kinds {
		for _, at := range k.Moments {
			for _, f := range forms {
				t.Run(fmt.Sprint(k.Name, "/", at, "/", f.name), func(t *testing.T) {
					for _, c := range all {
						svc.Return(at, f.of(c))
						arrived, err := k.Call(t.Context(), client)
						if arrived != k.Arrived(at) {
							t.Errorf("%v: %d messages arrived before the error; want %d", c, arrived, k.Arrived(at))
						}
						f.checkReads(t, err, c)
						testrpc.CheckNoSecret(t, err)
					}
				})
			}
		}
	}
}

// Success stays success, and only nil is a success.

func TestSuccessStaysSuccess(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for _, k := range testrpc.Kinds {
		for _, success := range []error{nil, status.Error(codes.NoError, "fine"), status.New(codes.NoError, "fine").Err()} {
			svc.Return(k.Moments[len(k.Moments)-1], success)
			if _, err := k.Call(t.Context(), client); err != k.Success {
				t.Errorf("%s: the call ended with %v; want %v, identical", k.Name, err, k.Success)
			}
		}
	}
}

func TestNoErrorAsAnErrorIsNeverSuccess(t *testing.T) {
	plain := errors.New(testrpc.Secret)
	internal := testrpc.Carrying(t, codes.ServerInternal, "")
	notFound := testrpc.Carrying(t, codes.RecordNotFound, "")
	tests := []struct {
		name     string
		handlers error
		want     *spb.Status
	}{
		{"bare", codes.NoError, internal},
		{"under %w", fmt.Errorf("done: %w", codes.NoError), internal},
		{"joined with a plain error", errors.Join(plain, codes.NoError), internal},
		{"around a plain error", status.Wrap(plain, codes.NoError, "done"), internal},
		{"joined with a code", errors.Join(codes.NoError, codes.RecordNotFound), notFound},
		{"around a code", status.Wrap(codes.RecordNotFound, codes.NoError, "done"), notFound},
	}
	for _, tt := range tests {
		for _, k := range testrpc.Kinds {
			t.Run(tt.name+"/"+k.Name, func(t *testing.T) {
				client := testrpc.Connect(t, testrpc.Returning(tt.handlers), interceptor.ServerOptions(), interceptor.DialOptions())
				_, err := k.Call(t.Context(), client)
				testrpc.CheckStatus(t, err, tt.want)
				if status.Code(err) == codes.NoError {
					t.Errorf("status.Code(%v) = NoError for an error", err)
				}
			})
		}
	}
}

// One side is plain gRPC.

func TestPlainClientReadsEveryCode(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), nil)
	for _, k := range testrpc.Kinds {
		for _, c := range testrpc.ErrorCodes(t) {
			svc.Return(testrpc.AtOpen, fmt.Errorf(testrpc.Secret+": %w", c))
			_, err := k.Call(t.Context(), client)
			testrpc.CheckStatus(t, err, testrpc.Carrying(t, c, ""))
		}
	}
}

// A code has a GRPCStatus method, so a plain server sends a bare code correctly.
func TestClientReadsEveryCodeOfAPlainServer(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
	for _, k := range testrpc.Kinds {
		for _, c := range testrpc.ErrorCodes(t) {
			svc.Return(testrpc.AtOpen, c)
			_, err := k.Call(t.Context(), client)
			form{}.checkReads(t, err, c)
		}
	}
}

// Installed twice, on the same server or in the same client.

func TestInstalledTwiceTheBytesAreTheSame(t *testing.T) {
	svc := testrpc.Returning(nil)
	once := testrpc.Connect(t, svc, interceptor.ServerOptions(), nil)
	twice := testrpc.Connect(t, svc, append(interceptor.ServerOptions(), interceptor.ServerOptions()...), nil)
	check := func(name string, handlers error) {
		t.Helper()
		svc.Return(testrpc.AtOpen, handlers)
		for _, k := range testrpc.Kinds {
			if a, b := testrpc.Raw(t.Context(), once, k), testrpc.Raw(t.Context(), twice, k); a != b {
				t.Errorf("%s, %s: installed once it sends\n%q, twice\n%q", name, k.Name, a, b)
			}
		}
	}
	for _, f := range forms {
		for _, c := range testrpc.ErrorCodes(t) {
			check(fmt.Sprint(f.name, " ", c), f.of(c))
		}
	}
	own := testrpc.Canonical(t, grpccodes.NotFound, "own", testrpc.BadRequest())
	check("plain error", errors.New(testrpc.Secret))
	check("gRPC status", fmt.Errorf("%w", grpcstatus.FromProto(own).Err()))
	check("deadline", context.DeadlineExceeded)
	check("raw number", grpcstatus.Error(1004, "as OpenIM does"))
	check("code of a second domain", testrpc.PetRanAway)
	check("error that wraps itself", testrpc.WrapsItself(errors.New(testrpc.Secret)))
}

func TestInstalledTwiceAWithheldErrorIsLoggedOnce(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	twice := append(interceptor.ServerOptions(), interceptor.ServerOptions()...)
	client := testrpc.Connect(t, testrpc.Returning(errors.New(testrpc.Secret)), twice, nil)
	for _, k := range testrpc.Kinds {
		k.Call(t.Context(), client)
		testrpc.CheckWithheld(t, logs(), k.Method, grpccodes.Internal, testrpc.Secret)
	}
}

func TestInstalledTwiceTheClientsErrorIsTheSame(t *testing.T) {
	svc := testrpc.Returning(nil)
	inner, between := observeClient()
	options := append(interceptor.DialOptions(), append(between, interceptor.DialOptions()...)...)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), options)
	for _, c := range testrpc.ErrorCodes(t) {
		svc.Return(testrpc.AtOpen, c)
		_, err := testrpc.CallUnary(t.Context(), client)
		if err != *inner {
			t.Errorf("%v: the outer interceptor returns %#v for the inner one's %#v; want the same, identical", c, err, *inner)
		}
	}
	for _, k := range testrpc.Kinds {
		svc.Return(testrpc.AtOpen, codes.Args)
		_, err := k.Call(t.Context(), client)
		form{}.checkReads(t, err, codes.Args)
	}
}

// observeClient returns an interceptor, and where it stores the error of the
// interceptor inside it.
func observeClient() (*error, []grpc.DialOption) {
	seen := new(error)
	return seen, []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			*seen = invoker(ctx, method, req, reply, cc, opts...)
			return *seen
		}),
	}
}
