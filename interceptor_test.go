package errstatus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// These tests use errstatus from outside, through a real server and a real client:
//
//	handler --error--> server interceptor --status--> client interceptor --error--> caller
//
// Read them from top to bottom. They show that every code reaches the caller, in every
// form that an error can have, at every moment of every kind of call. The tests of single
// subjects are in internal/e2e.

func TestMain(m *testing.M) { testrpc.Main(m) }

// A form is a way for a handler to return a code, with what the caller should read.
type form struct {
	name     string
	of       func(codes.ErrorCode) error
	message  string // "" is the message of the code's row
	metadata map[string]string
	details  []proto.Message

	// wrapped reports whether private text is around the code. Only the server
	// interceptor withholds it.
	wrapped bool
}

var forms = []form{
	{
		name: "bare",
		of:   func(c codes.ErrorCode) error { return c },
	},
	{
		name:    "with a formatted message",
		of:      func(c codes.ErrorCode) error { return status.Errorf(c, "user %q", "ann") },
		message: `user "ann"`,
	},
	{
		name:     "with metadata",
		of:       func(c codes.ErrorCode) error { return status.New(c, "").WithMetadata("user", "ann").Err() },
		metadata: map[string]string{"user": "ann"},
	},
	{
		name:    "with a BadRequest",
		of:      func(c codes.ErrorCode) error { return status.New(c, "").WithDetails(testrpc.BadRequest()).Err() },
		details: []proto.Message{testrpc.BadRequest()},
	},
	{
		name: "with a message, metadata and a BadRequest",
		of: func(c codes.ErrorCode) error {
			return status.New(c, "bad request").WithDetails(testrpc.BadRequest()).WithMetadata("field", "name").Err()
		},
		message:  "bad request",
		metadata: map[string]string{"field": "name"},
		details:  []proto.Message{testrpc.BadRequest()},
	},
	{
		name:    "around a cause",
		of:      func(c codes.ErrorCode) error { return status.Wrap(errors.New(testrpc.Secret), c, "loading") },
		message: "loading",
	},
	{
		name: "under two %w",
		of: func(c codes.ErrorCode) error {
			return fmt.Errorf(testrpc.Secret+": %w", fmt.Errorf(testrpc.Secret+": %w", c))
		},
		wrapped: true,
	},
	{
		name:    "joined with a plain error",
		of:      func(c codes.ErrorCode) error { return errors.Join(errors.New(testrpc.Secret), c) },
		wrapped: true,
	},
}

// want returns everything that the caller should read of an error that carries c in the
// form.
func (f form) want(t *testing.T, c codes.ErrorCode) testrpc.Reading {
	t.Helper()
	return testrpc.WantReading(t, c, f.message, f.metadata, f.details...)
}

// checkReads checks everything that the caller can read of err: it carries c in the form.
func (f form) checkReads(t *testing.T, err error, c codes.ErrorCode) {
	t.Helper()
	checkReading(t, f.want(t, c), err, c)
}

func checkReading(t *testing.T, want testrpc.Reading, err error, c codes.ErrorCode) {
	t.Helper()
	if diff := want.Diff(testrpc.Read(err, c)); diff != "" {
		t.Errorf("%v: what the caller reads (-want +got):\n%s", c, diff)
	}
}

// inEveryCall makes the handlers of svc return every code, in each of the forms, at every
// moment of every kind of call. It checks the number of messages before each error, and
// calls check with the caller's error.
func inEveryCall(t *testing.T, svc *testrpc.Service, client testgrpc.TestServiceClient, forms []form, check func(*testing.T, form, codes.ErrorCode, error)) {
	t.Helper()
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
						check(t, f, c, err)
						testrpc.CheckNoSecret(t, err)
					}
				})
			}
		}
	}
}

// The matrix: every code × kind of call × moment × form.

func TestEveryCodeReachesTheCaller(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	inEveryCall(t, svc, client, forms, func(t *testing.T, f form, c codes.ErrorCode, err error) {
		f.checkReads(t, err, c)
	})
}

// In the numeric form, gRPC's functions read the number as the code, and OpenIM's detail
// before the ErrorInfo. The caller reads everything else as in the canonical form.
func TestEveryCodeReachesTheCallerInNumericForm(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(interceptor.WithOpenIMForm(interceptor.OpenIMAlways)), interceptor.DialOptions())
	inEveryCall(t, svc, client, forms, func(t *testing.T, f form, c codes.ErrorCode, err error) {
		checkReading(t, inNumericForm(f.want(t, c), c), err, c)
	})
}

// inNumericForm returns what the caller should read if the status with the reading is sent
// in the numeric form.
func inNumericForm(r testrpc.Reading, c codes.ErrorCode) testrpc.Reading {
	openIM := &anypb.Any{TypeUrl: "type.googleapis.com/openim.protobuf.ErrorInfo"} // without a cause: the handler gives no OpenIM detail
	r.GRPCCode = grpccodes.Code(c)
	r.GRPC.Code = int32(c)
	r.GRPC.Details = append([]*anypb.Any{openIM}, r.GRPC.Details...)
	r.GRPCDetailCount++
	r.Details = slices.Insert(r.Details, 1, proto.Message(openIM)) // errstatus lists the ErrorInfo first in both forms
	return r
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
					t.Errorf("status.Code(%v) = NoError; want the code of an error", err)
				}
			})
		}
	}
}

// One side is plain gRPC.

// A plain client reads every code as a canonical status with an ErrorInfo.
func TestPlainClientReadsEveryCode(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), nil)
	inEveryCall(t, svc, client, forms, func(t *testing.T, f form, c codes.ErrorCode, err error) {
		testrpc.CheckStatus(t, err, f.want(t, c).GRPC)
	})
}

// Codes and Status errors have a GRPCStatus method, so a plain server sends them correctly
// if the handler doesn't wrap them.
func TestClientReadsEveryCodeOfAPlainServer(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
	unwrapped := slices.DeleteFunc(slices.Clone(forms), func(f form) bool { return f.wrapped })
	inEveryCall(t, svc, client, unwrapped, func(t *testing.T, f form, c codes.ErrorCode, err error) {
		f.checkReads(t, err, c)
	})
}

// If both sides are plain gRPC, the caller can decode the error with status.FromError.
func TestFromErrorDecodesTheErrorOfAPlainClient(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, nil, nil)
	unwrapped := slices.DeleteFunc(slices.Clone(forms), func(f form) bool { return f.wrapped })
	inEveryCall(t, svc, client, unwrapped, func(t *testing.T, f form, c codes.ErrorCode, err error) {
		if st, ok := status.FromError(err); !ok || st.Code() != c || st.GRPCCode() != f.want(t, c).GRPCCode {
			t.Errorf("status.FromError(%v) = %v, %t; want %v, true", err, st, ok, c)
		}
	})
}

// Installed twice, on the server, in the client, or on both sides.

func TestInstalledTwiceTheCallerReadsTheSame(t *testing.T) {
	server, client := interceptor.ServerOptions(), interceptor.DialOptions()
	for _, installed := range []struct {
		name   string
		server []grpc.ServerOption
		client []grpc.DialOption
	}{
		{"on the server", twice(server), client},
		{"in the client", server, twice(client)},
		{"on both sides", twice(server), twice(client)},
	} {
		t.Run(installed.name, func(t *testing.T) {
			svc := testrpc.Returning(nil)
			client := testrpc.Connect(t, svc, installed.server, installed.client)
			inEveryCall(t, svc, client, forms, func(t *testing.T, f form, c codes.ErrorCode, err error) {
				f.checkReads(t, err, c)
			})
			for _, k := range testrpc.Kinds {
				svc.Return(k.Moments[len(k.Moments)-1], nil)
				if _, err := k.Call(t.Context(), client); err != k.Success {
					t.Errorf("%s: the call ended with %v; want %v, identical", k.Name, err, k.Success)
				}
			}
		})
	}
}

// twice returns the options twice, so that they install every interceptor twice.
func twice[O any](options []O) []O { return append(options[:len(options):len(options)], options...) }

func TestInstalledTwiceTheBytesAreTheSame(t *testing.T) {
	svc := testrpc.Returning(nil)
	once := testrpc.Connect(t, svc, interceptor.ServerOptions(), nil)
	doubled := testrpc.Connect(t, svc, twice(interceptor.ServerOptions()), nil)
	check := func(name string, handlers error) {
		t.Helper()
		svc.Return(testrpc.AtOpen, handlers)
		for _, k := range testrpc.Kinds {
			if a, b := testrpc.Raw(t.Context(), once, k), testrpc.Raw(t.Context(), doubled, k); a != b {
				t.Errorf("%s, %s: installed once the server sends\n%q, installed twice\n%q; want the same", name, k.Name, a, b)
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
	client := testrpc.Connect(t, testrpc.Returning(errors.New(testrpc.Secret)), twice(interceptor.ServerOptions()), nil)
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
			t.Errorf("%v: the outer interceptor returns %#v; want the inner one's error, %#v, identical", c, err, *inner)
		}
	}
	for _, k := range testrpc.Kinds {
		svc.Return(testrpc.AtOpen, codes.Args)
		_, err := k.Call(t.Context(), client)
		form{}.checkReads(t, err, codes.Args)
	}
}

// observeClient returns an interceptor, and a pointer to the last error of the interceptor
// inside it.
func observeClient() (*error, []grpc.DialOption) {
	seen := new(error)
	return seen, []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			*seen = invoker(ctx, method, req, reply, cc, opts...)
			return *seen
		}),
	}
}
