package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/openimsdk/tools/apiresp"
	"github.com/openimsdk/tools/errs"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/adapter"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// received returns the error that a caller gets if the transport returns
// transportErr. The adapter comes before errstatus's interceptor.
func received(t *testing.T, transportErr error, opts ...interceptor.ClientOption) error {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///services/user", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	inner := interceptor.UnaryClient(opts...)
	invoker := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		return transportErr
	}
	return adapter.UnaryClient()(t.Context(), "/s/m", nil, nil, conn,
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, opts ...grpc.CallOption) error {
			return inner(ctx, method, req, reply, cc, invoker, opts...)
		})
}

// sent returns the status that a server sends for err.
func sent(err error, encoder status.Encoder) error {
	return encoder.Encode(context.Background(), err).Status().Err()
}

func TestCallersReadCodeErrors(t *testing.T) {
	notFound := errs.ErrRecordNotFound.WrapMsg("no such user", "userID", "u1")
	withDetail := status.Encoder{OpenIMErrors: status.OpenIMErrorsWithDetail}
	numeric := withDetail
	numeric.OpenIMForm = true
	tests := []struct {
		name        string
		received    error
		code        int
		msg, detail string
		domain      codes.Code // what errors.Is finds; nil if the status carries no code
	}{
		{"a canonical status", sent(notFound, withDetail), 1004, "RecordNotFoundError", "no such user, userID=u1", codes.RecordNotFound},
		{"the numeric form", sent(notFound, numeric), 1004, "RecordNotFoundError", "no such user, userID=u1", codes.RecordNotFound},
		{"a server with a private detail", sent(notFound, status.Encoder{OpenIMErrors: status.OpenIMErrorsWithoutDetail}), 1004, "RecordNotFoundError", "", codes.RecordNotFound},
		{"a server of codes", sent(codes.TokenExpired, status.Encoder{}), 1501, "token has expired", "", codes.TokenExpired},
		{"OpenIM's server", grpcstatus.Error(1201, "GroupIDNotFoundError"), 1201, "GroupIDNotFoundError", "", codes.SrvGroupIDNotFound},
		{"a number without a row", grpcstatus.Error(1520, "OrgUserNoPermissionError"), 1520, "OrgUserNoPermissionError", "", nil},
		{"no code", grpcstatus.Error(grpccodes.NotFound, "no such method"), 500, "ServerInternalError", "rpc error: code = NotFound desc = no such method", nil},
		{"no server", grpcstatus.Error(grpccodes.Unavailable, "connection refused"), 500, "grpc service user down, grpc message connection refused", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := received(t, tt.received)
			want := errs.NewCodeError(tt.code, "")
			for name, err := range map[string]error{"unchanged": err, "wrapped": fmt.Errorf("loading: %w", err), "wrapped by errs": errs.WrapMsg(err, "loading")} {
				var codeErr errs.CodeError
				if !errors.As(err, &codeErr) || codeErr.Code() != tt.code || codeErr.Msg() != tt.msg || codeErr.Detail() != tt.detail {
					t.Errorf("%s: errors.As finds %+v; want %d %q %q", name, codeErr, tt.code, tt.msg, tt.detail)
				}
				if resp := apiresp.ParseError(err); resp.ErrCode != tt.code || resp.ErrMsg != tt.msg || resp.ErrDlt != tt.detail {
					t.Errorf("%s: ParseError() = %+v; want %d %q %q", name, resp, tt.code, tt.msg, tt.detail)
				}
				if !errors.Is(err, want) || !want.Is(err) || errors.Is(err, errs.ErrDuplicateKey) || errs.ErrDuplicateKey.Is(err) {
					t.Errorf("%s: %v; want it to match OpenIM's error with number %d, and no other", name, err, tt.code)
				}
				if tt.domain != nil && (!errors.Is(err, tt.domain) || status.Code(err) != tt.domain) {
					t.Errorf("%s: status.Code() = %v; want %v", name, status.Code(err), tt.domain)
				}
				if code, declared := status.Declared(err); declared != (tt.domain != nil) {
					t.Errorf("%s: status.Declared() = %v, %t; want %t", name, code, declared, tt.domain != nil)
				}
				if grpcstatus.Code(err) != grpcstatus.Code(tt.received) {
					t.Errorf("%s: gRPC's status.Code() = %v; want the received one, %v", name, grpcstatus.Code(err), grpcstatus.Code(tt.received))
				}
			}
			if codeErr, ok := errs.Unwrap(errs.Wrap(err)).(errs.CodeError); !ok || codeErr.Code() != tt.code {
				t.Errorf("errs.Unwrap() = %v; want the CodeError", errs.Unwrap(err))
			}
		})
	}
}

// The adapter returns success and errors without a status unchanged, such as an error
// from before the call.
func TestErrorsWithoutAStatusAreUnchanged(t *testing.T) {
	before := errs.ErrArgs.WrapMsg("ctx missing operationID")
	for _, err := range []error{nil, io.EOF, before, errors.New("x")} {
		if got := received(t, err); got != err {
			t.Errorf("the caller gets %v; want %v", got, err)
		}
	}
}

// If a handler returns an upstream's error from the adapter, the connection's trust
// decides what the caller sees, although the error is a CodeError.
func TestTrustAppliesToAdaptedErrors(t *testing.T) {
	carriesCode := sent(status.Error(codes.RecordNotFound, "no such user"), status.Encoder{})
	withoutCode := grpcstatus.Error(grpccodes.Unavailable, "secret")
	withoutRow := grpcstatus.Error(1520, "secret")
	server := status.Encoder{OpenIMErrors: status.OpenIMErrorsWithoutDetail}
	for _, tt := range []struct {
		name     string
		received error
		trust    status.Trust
		want     grpccodes.Code
		message  string
	}{
		{"a code, trust known", carriesCode, status.TrustKnown, grpccodes.NotFound, "no such user"},
		{"a code, trust none", carriesCode, status.TrustNone, grpccodes.Internal, "internal server error"},
		{"a number without a row, trust known", withoutRow, status.TrustKnown, grpccodes.Internal, "internal server error"},
		{"no code, trust known", withoutCode, status.TrustKnown, grpccodes.Unavailable, "an upstream service is unavailable"},
	} {
		for name, err := range map[string]error{
			"unchanged": received(t, tt.received, interceptor.WithUpstreamTrust(tt.trust)),
			"wrapped":   errs.WrapMsg(received(t, tt.received, interceptor.WithUpstreamTrust(tt.trust)), "secret"),
		} {
			got := server.Encode(t.Context(), err)
			if got.Status().Code() != tt.want || got.Status().Message() != tt.message {
				t.Errorf("%s, %s: the server sends %v with source %v; want %v %q", tt.name, name, got.Status(), got.Source(), tt.want, tt.message)
			}
		}
	}
}
