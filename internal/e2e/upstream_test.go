package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// One upstream: the handler of server A calls server B and returns B's error.

// via returns the status that A sends for B's error, as a plain client reads it. If
// wrap isn't empty, A's handler wraps the error in that text.
func via(t *testing.T, b testgrpc.TestServiceClient, wrap string) *spb.Status {
	t.Helper()
	a := testrpc.Running(func(ctx context.Context) error {
		_, err := testrpc.CallUnary(ctx, b)
		if err != nil && wrap != "" {
			err = fmt.Errorf("%s: %w", wrap, err)
		}
		return err
	})
	_, err := testrpc.CallUnary(t.Context(), testrpc.Connect(t, a, interceptor.ServerOptions(), nil))
	return grpcstatus.Convert(err).Proto()
}

func TestUpstreamsCodeIsForwarded(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	svc := testrpc.Returning(nil)
	b := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for _, c := range testrpc.ErrorCodes(t) {
		svc.Return(testrpc.AtOpen, status.New(c, "b's message").WithDetails(testrpc.BadRequest()).Err())
		for _, wrap := range []string{"", testrpc.Secret} {
			if diff := cmp.Diff(testrpc.Carrying(t, c, "b's message", testrpc.BadRequest()), via(t, b, wrap), protocmp.Transform()); diff != "" {
				t.Errorf("%v: what A forwards (-want +got):\n%s", c, diff)
			}
			level := testrpc.LevelOf(codes.RowOf(c).GRPCCode)
			if records := logs(); (len(records) == 1) != (wrap != "" && level != "") || len(records) > 1 {
				t.Errorf("%v under %q: the log has %v; want one record for a text that isn't forwarded with a fault (level %q)", c, wrap, records, level)
			}
		}
	}
}

// A forwards an upstream's raw number as a canonical status that carries the code.
func TestUpstreamsRawNumberIsForwardedAsItsCode(t *testing.T) {
	svc := testrpc.Returning(nil)
	b := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
	for _, c := range testrpc.ErrorCodes(t) {
		svc.Return(testrpc.AtOpen, grpcstatus.Error(grpccodes.Code(c), "b's message"))
		if diff := cmp.Diff(testrpc.Carrying(t, c, "b's message"), via(t, b, testrpc.Secret), protocmp.Transform()); diff != "" {
			t.Errorf("%v: what A forwards (-want +got):\n%s", c, diff)
		}
	}
}

func TestUpstreamsCanonicalCodeIsForwardedWithoutDebugInfo(t *testing.T) {
	sent := testrpc.Carrying(t, codes.RecordNotFound, "b's message", testrpc.BadRequest())
	sent.Code = int32(grpccodes.FailedPrecondition) // B has its own table
	want := proto.CloneOf(sent)
	sent.Details = append(sent.Details, testrpc.Packed(t, &errdetails.DebugInfo{Detail: testrpc.Secret}))

	b := testrpc.Connect(t, testrpc.Returning(grpcstatus.FromProto(sent).Err()), nil, interceptor.DialOptions())
	if diff := cmp.Diff(want, via(t, b, ""), protocmp.Transform()); diff != "" {
		t.Errorf("what A forwards (-want +got):\n%s", diff)
	}
}

func TestUpstreamsTextWithoutACodeIsWithheld(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example", Metadata: map[string]string{"dsn": testrpc.Secret}}
	want := map[grpccodes.Code]*spb.Status{
		grpccodes.Unavailable:      testrpc.Canonical(t, grpccodes.Unavailable, "an upstream service is unavailable"),
		grpccodes.DeadlineExceeded: testrpc.Canonical(t, grpccodes.DeadlineExceeded, "an upstream service did not answer in time"),
	}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		if want[c] == nil {
			want[c] = testrpc.Carrying(t, codes.ServerInternal, "")
		}
		for name, details := range map[string][]proto.Message{"no ErrorInfo": {testrpc.BadRequest()}, "an unknown domain": {foreign}} {
			sent := grpcstatus.FromProto(testrpc.Canonical(t, c, testrpc.Secret, details...))
			b := testrpc.Connect(t, testrpc.Returning(sent.Err()), nil, interceptor.DialOptions())
			if diff := cmp.Diff(want[c], via(t, b, ""), protocmp.Transform()); diff != "" {
				t.Errorf("%s, %v: what A forwards (-want +got):\n%s", name, c, diff)
			}
			testrpc.CheckWithheld(t, logs(), "UnaryCall", grpccodes.Code(want[c].Code), testrpc.Secret)
		}
	}
}
