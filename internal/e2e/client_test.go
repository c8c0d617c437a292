package e2e_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// What the caller gets: at the end of a stream, if no server answers, and for a status
// that carries no code.

func TestStreamEndsWithTheSameErrorEachTime(t *testing.T) {
	tests := []struct {
		name     string
		handlers error
	}{
		{"error", status.Error(codes.Args, "bad")},
		{"io.EOF", nil},
	}
	for _, tt := range tests {
		client := testrpc.Connect(t, testrpc.Returning(tt.handlers), interceptor.ServerOptions(), interceptor.DialOptions())
		stream, err := client.FullDuplexCall(t.Context())
		if err != nil {
			t.Fatalf("FullDuplexCall() = %v", err)
		}
		_, first := stream.Recv()
		if _, second := stream.Recv(); first == nil || first != second {
			t.Errorf("%s: Recv() returned %v, then %v; want the identical error twice", tt.name, first, second)
		}
	}
}

func TestHeaderAndTrailerArriveWithAnError(t *testing.T) {
	var header, trailer metadata.MD
	svc := &withMetadata{Service: testrpc.Returning(codes.Args)}
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())

	stream, err := client.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	if header, err = stream.Header(); err != nil {
		t.Errorf("Header() = %v; want no error", err)
	}
	if _, err := stream.Recv(); !errors.Is(err, codes.Args) {
		t.Errorf("Recv() = %v; want Args", err)
	}
	trailer = stream.Trailer()
	if header.Get("sent")[0] != "header" || trailer.Get("sent")[0] != "trailer" {
		t.Errorf("Header() = %v, Trailer() = %v; want what the handler set", header, trailer)
	}
}

// withMetadata is a service whose bidi streams send a header and a trailer.
type withMetadata struct{ *testrpc.Service }

func (s *withMetadata) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	if err := stream.SendHeader(metadata.Pairs("sent", "header")); err != nil {
		return err
	}
	stream.SetTrailer(metadata.Pairs("sent", "trailer"))
	return s.Service.FullDuplexCall(stream)
}

func TestErrorOfOpeningACallIsDecoded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := testrpc.Connect(t, testrpc.Returning(nil), interceptor.ServerOptions(), interceptor.DialOptions())
	for _, k := range testrpc.Kinds {
		_, err := k.Call(ctx, client)
		checkAssumed(t, err, codes.SdkUnknownCode, grpccodes.Canceled)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: in a cancelled context the call returns %v; want an error that wraps context.Canceled", k.Name, err)
		}
	}
}

func TestRefusedConnectionIsANetworkError(t *testing.T) {
	lis := testrpc.Listen(t)
	lis.Close() // so that the connection is refused
	client := testgrpc.NewTestServiceClient(testrpc.Dial(t, lis.Addr().String(), interceptor.DialOptions()))
	for _, k := range testrpc.Kinds {
		_, err := k.Call(t.Context(), client)
		checkAssumed(t, err, codes.SdkNetwork, grpccodes.Unavailable)
	}
}

// checkAssumed checks that err has a status without an ErrorInfo, and the assumed
// code.
func checkAssumed(t *testing.T, err error, code codes.ErrorCode, canonical grpccodes.Code) {
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

func TestEveryCanonicalCodeHasAnAssumedCode(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		want := testrpc.Canonical(t, c, "from a plain server", testrpc.BadRequest())
		svc.Return(testrpc.AtOpen, grpcstatus.FromProto(want).Err())
		for _, k := range testrpc.Kinds {
			_, err := k.Call(t.Context(), client)
			checkAssumed(t, err, codes.Default().DefaultFor(c).(codes.ErrorCode), c)
			testrpc.CheckStatus(t, err, want)
		}
	}
}

func TestMalformedAndForeignErrorInfos(t *testing.T) {
	garbage := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte("\xff\xff\xff")}
	info := func(reason, domain, number string) *anypb.Any {
		return testrpc.Packed(t, &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: map[string]string{"code": number}})
	}
	tests := []struct {
		name   string
		info   *anypb.Any
		code   codes.Code
		origin status.Origin
	}{
		{"a malformed ErrorInfo", garbage, codes.RecordNotFound, status.OriginBare},
		{"an unknown domain", info("ARGS", "evil.example", "1001"), codes.RecordNotFound, status.OriginForeign},
		{"a known domain with other capital letters", info("ARGS", "OpenIM.io", "1001"), codes.RecordNotFound, status.OriginForeign},
		{"an empty domain", info("ARGS", "", "1001"), codes.RecordNotFound, status.OriginForeign},
		{"the reason decides before the number", info("ARGS", "openim.io", "1002"), codes.Args, status.OriginKnown},
		{"the number decides if the reason is empty", info("", "openim.io", "1002"), codes.NoPermission, status.OriginKnown},
		{"an unknown reason with a number without a row", info("NEW_REASON", "openim.io", "1305"), codes.ErrorCode(1305), status.OriginKnown},
		{"an unknown reason with the number of a row", info("NEW_REASON", "openim.io", "1002"), codes.RecordNotFound, status.OriginKnown},
		{"a number with a leading zero", info("", "openim.io", "01001"), codes.RecordNotFound, status.OriginKnown},
		{"the number of NoError", info("", "openim.io", "0"), codes.RecordNotFound, status.OriginKnown},
		{"the reason of NoError", info("NO_ERROR", "openim.io", "0"), codes.RecordNotFound, status.OriginKnown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := testrpc.Canonical(t, grpccodes.NotFound, "as sent", testrpc.BadRequest())
			want.Details = append([]*anypb.Any{tt.info}, want.Details...)
			err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(want).Err())

			st, _ := status.FromError(err)
			if st.Code() != tt.code || st.Origin() != tt.origin {
				t.Errorf("the caller reads code %v, origin %v; want %v, %v", st.Code(), st.Origin(), tt.code, tt.origin)
			}
			got := grpcstatus.Convert(err).Proto()
			if !proto.Equal(got, want) {
				t.Errorf("the status as received is %v; want it unchanged: %v", got, want)
			}
			if br, ok := status.Detail[*errdetails.BadRequest](err); !ok || !proto.Equal(br, testrpc.BadRequest()) {
				t.Errorf("Detail[BadRequest] = %v, %t; want the BadRequest that was sent, true", br, ok)
			}
		})
	}
}

func TestErrorWithoutAStatusIsReturnedUnchanged(t *testing.T) {
	plain := errors.New("no status")
	failing := []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return plain
		}),
		grpc.WithChainStreamInterceptor(func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, plain
		}),
	}
	client := testrpc.Connect(t, testrpc.Returning(nil), nil, append(interceptor.DialOptions(), failing...))
	for _, k := range testrpc.Kinds {
		if _, err := k.Call(t.Context(), client); err != plain {
			t.Errorf("%s: the caller gets %v; want %v, identical", k.Name, err, plain)
		}
	}
}

func TestLocalSendErrorIsDecoded(t *testing.T) {
	client := testrpc.Connect(t, testrpc.Returning(nil), nil, interceptor.DialOptions())
	stream, err := client.FullDuplexCall(t.Context(), grpc.MaxCallSendMsgSize(1))
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	err = stream.Send(&testgrpc.StreamingOutputCallRequest{Payload: &testgrpc.Payload{Body: make([]byte, 100)}})
	checkAssumed(t, err, codes.SdkUnknownCode, grpccodes.ResourceExhausted)
}

// A server without errstatus sends the status that an error's GRPCStatus method returns.
// NoError has no status, so the call fails with UNKNOWN.
func TestNoErrorIsNoSuccessOnAPlainServer(t *testing.T) {
	client := testrpc.Connect(t, testrpc.Returning(codes.NoError), nil, interceptor.DialOptions())
	for _, k := range testrpc.Kinds {
		_, err := k.Call(t.Context(), client)
		checkAssumed(t, err, codes.SdkUnknownCode, grpccodes.Unknown)
	}
}
