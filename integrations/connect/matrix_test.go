package connectstatus_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
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

// A form is a way for a handler to return a code, with what the caller should read.
type form struct {
	name     string
	of       func(codes.ErrorCode) error
	message  string // "" is the message of the code's row
	metadata map[string]string
	details  []proto.Message
}

var forms = []form{
	{
		name: "bare",
		of:   func(c codes.ErrorCode) error { return c },
	},
	{
		name: "with a message, metadata and a BadRequest, around a cause",
		of: func(c codes.ErrorCode) error {
			return status.New(c, "schlechte Anfrage: 100 % Größe").WithDetails(testrpc.BadRequest()).WithMetadata("field", "name").Wrap(errors.New(testrpc.Secret))
		},
		message:  "schlechte Anfrage: 100 % Größe",
		metadata: map[string]string{"field": "name"},
		details:  []proto.Message{testrpc.BadRequest()},
	},
}

// A pair is a server and its clients, one for each wire.
type pair struct {
	name   string
	kinds  []testrpc.Kind
	result func(at testrpc.Moment, handlers error) // sets what the server's handlers return
	call   func(testrpc.Kind) (int, error)
}

// pairs returns a Connect server with clients of both projects, and a gRPC server with a client
// of Connect. All have errstatus.
func pairs(t *testing.T) (all []pair) {
	svc := returning(nil)
	server, client := withErrstatus()
	address := serve(t, svc, server)
	for _, w := range wires {
		connected := connectTo(t, address, w, client)
		all = append(all, pair{"Connect to Connect, " + w.name, w.kinds(), svc.Return, func(k testrpc.Kind) (int, error) {
			return call(t.Context(), connected, k)
		}})
	}
	dialled := testgrpc.NewTestServiceClient(testrpc.Dial(t, address, interceptor.DialOptions()))
	all = append(all, pair{"gRPC to Connect", testrpc.Kinds, svc.Return, func(k testrpc.Kind) (int, error) {
		return k.Call(t.Context(), dialled)
	}})

	grpcService := testrpc.Returning(nil)
	connected := connectTo(t, serveGRPC(t, grpcService, interceptor.ServerOptions()...), wires[2], client)
	return append(all, pair{"Connect to gRPC", testrpc.Kinds, grpcService.Return, func(k testrpc.Kind) (int, error) {
		return call(t.Context(), connected, k)
	}})
}

// serveGRPC starts a gRPC server and returns its address.
func serveGRPC(tb testing.TB, svc testgrpc.TestServiceServer, opts ...grpc.ServerOption) string {
	tb.Helper()
	lis := testrpc.Listen(tb)
	testrpc.Start(tb, lis, testrpc.Register(svc), opts)
	return lis.Addr().String()
}

// Every code reaches the caller with its message, its metadata and its details, between every
// pair of a server and a client, in each kind of call and at each moment.
func TestEveryCode(t *testing.T) {
	for _, p := range pairs(t) {
		t.Run(p.name, func(t *testing.T) {
			for _, k := range p.kinds {
				for _, at := range k.Moments {
					for _, f := range forms {
						t.Run(fmt.Sprint(k.Name, " ", at, " ", f.name), func(t *testing.T) { checkEveryCode(t, p, k, at, f) })
					}
				}
			}
		})
	}
}

func checkEveryCode(t *testing.T, p pair, k testrpc.Kind, at testrpc.Moment, f form) {
	for _, c := range testrpc.EveryCode(t) {
		p.result(at, f.of(c))
		arrived, err := p.call(k)
		if want := k.Arrived(at); arrived != want {
			t.Fatalf("%v: %d messages arrived; want %d", c, arrived, want)
		}
		want := testrpc.WantReading(t, c, f.message, f.metadata, f.details...)
		if diff := want.Diff(testrpc.Read(err, c)); diff != "" {
			t.Errorf("%v: what the caller reads (-want +got):\n%s", c, diff)
		}
		testrpc.CheckNoSecret(t, err)
	}
}

// A call that succeeds is a success for every pair.
func TestSuccess(t *testing.T) {
	for _, p := range pairs(t) {
		t.Run(p.name, func(t *testing.T) {
			for _, k := range p.kinds {
				at := k.Moments[len(k.Moments)-1]
				p.result(at, nil)
				if arrived, err := p.call(k); err != k.Success || arrived != k.Arrived(at) {
					t.Errorf("%s: %d messages arrived, then %v; want %d, then %v", k.Name, arrived, err, k.Arrived(at), k.Success)
				}
			}
		})
	}
}

// A Connect server sends the bytes that a gRPC server sends, for every kind of detail.
func TestSameBytes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		handlers error
	}{
		{"violations", status.New(codes.Args, "bad").WithDetails(testrpc.Violations(3)).Err()},
		{"retry delay", status.New(codes.SrvDatabase, "").WithRetryDelay(1500 * time.Millisecond).Err()},
		{"parameters", fmt.Errorf("charging: %w", testrpc.CardDeclinedError{Card: "visa"})},
		{"another domain", testrpc.PetRanAway},
		{"an unknown type", status.New(codes.Args, "").WithDetails(&anypb.Any{TypeUrl: "type.googleapis.com/shop.Unknown", Value: []byte{8, 1}}).Err()},
		{"no code", grpcstatus.Error(grpccodes.NotFound, " no such user ")},
		{"plain error", errors.New(testrpc.Secret)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := testrpc.Sent(t, tt.handlers)
			address := serve(t, returning(tt.handlers), onServer())
			for _, w := range wires {
				_, err := call(t.Context(), connectTo(t, address, w), testrpc.Unary)
				if got := wireStatus(t, err); !proto.Equal(got, want) {
					t.Errorf("%s: the caller gets %v; want what a gRPC server sends: %v", w.name, got, want)
				}
			}
			testrpc.CheckStatus(t, callByGRPC(t, address), want)
		})
	}
}

// callByGRPC calls a server with a gRPC client without errstatus.
func callByGRPC(t *testing.T, address string) error {
	t.Helper()
	_, err := testrpc.CallUnary(t.Context(), testgrpc.NewTestServiceClient(testrpc.Dial(t, address, nil)))
	return err
}

// A gRPC client also gets the same bytes if a detail's type has an unusual prefix, which
// Connect's clients drop, and if the status is truncated. With gRPC-Web, a truncated status has
// a few bytes less, because its content type is longer.
func TestSameBytesByGRPC(t *testing.T) {
	for _, handlers := range []error{
		status.New(codes.Args, "").WithDetails(&anypb.Any{TypeUrl: "types.example.com/shop.Unknown", Value: []byte{8, 1}}).Err(),
		status.New(codes.Args, "bad").WithDetails(testrpc.Violations(500)).Err(),
	} {
		address := serve(t, returning(handlers), onServer())
		testrpc.CheckStatus(t, callByGRPC(t, address), testrpc.Sent(t, handlers))
	}
}

// wireStatus returns what a Connect client without errstatus received.
func wireStatus(tb testing.TB, err error) *spb.Status {
	tb.Helper()
	received, ok := errors.AsType[*connect.Error](err)
	if !ok || !received.IsRemote() {
		tb.Fatalf("the caller gets %v; want a Connect error that was received", err)
	}
	st := &spb.Status{Code: int32(received.Code()), Message: received.Message()}
	for _, detail := range received.Details() {
		st.Details = append(st.Details, connectproto.ErrorDetailToAny(detail))
	}
	return st
}
