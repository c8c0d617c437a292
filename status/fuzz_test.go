package status_test

import (
	"errors"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// FuzzFromGRPC checks that any bytes of a status give an error that has a code, is never
// success, keeps the received status and can be forwarded.
func FuzzFromGRPC(f *testing.F) {
	for row := range codes.Default().All() {
		b, err := proto.Marshal(status.New(row.Code, "").WithMetadata("key", "value").WithDetails(badRequest("name")).GRPCStatus().Proto())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	unnamed, err := proto.Marshal(grpcstatus.Convert(grpcError(f, 1<<32-1, "x", info("openim.io", "NEVER_HEARD", ""))).Proto())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(unnamed)
	large, err := proto.Marshal(keys(100, 50).WithDetails(testrpc.Violations(100), nestedAny(3, 1000)).GRPCStatus().Proto())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(large)
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &spb.Status{}
		if proto.Unmarshal(b, p) != nil || p.GetCode() == 0 {
			return // gRPC returns no status error for these
		}
		gst := grpcstatus.FromProto(p)
		for _, trust := range []status.Trust{status.TrustNone, status.TrustAll} {
			err := (&status.Decoder{Trust: trust}).Decode(t.Context(), gst.Err())
			if got := checkFitsInBothForms(t, len(b)/2, err); got.Status().Code() < 1 || got.Status().Code() > 16 {
				t.Errorf("trust %v: forwarded with code %d; want 1..16", trust, got.Status().Code())
			}
		}
		err := new(status.Decoder).Decode(t.Context(), gst.Err())
		st, ok := status.FromError(err)
		if !ok || st.Code() == nil || st.Code().Number() <= 0 || st.Code() != status.Code(err) {
			t.Fatalf("FromError(%v) = code %v, and Code() = %v; want the same positive code", gst, st.Code(), status.Code(err))
		}
		if _, declared := status.Declared(err); errors.Is(err, st.Code()) != declared {
			t.Fatalf("errors.Is(%v, %v) = %t; want what Declared() reports", err, st.Code(), !declared)
		}
		if !proto.Equal(grpcstatus.Convert(err).Proto(), p) {
			t.Errorf("grpcstatus.Convert() = %v; want the received %v", grpcstatus.Convert(err), gst)
		}
		sent := status.ToGRPC(err)
		if sent.Code() < grpccodes.Canceled || sent.Code() > grpccodes.Unauthenticated {
			t.Errorf("forwarded with code %d; want 1..16", sent.Code())
		}
		if _, err := proto.Marshal(sent.Proto()); err != nil {
			t.Errorf("Marshal() = %v; want nil", err)
		}
		if _, declared := status.Declared(err); declared && status.FromGRPC(sent).Code() != st.Code() {
			t.Errorf("forwarded with code %v; want %v", status.FromGRPC(sent).Code(), st.Code())
		}
		_, _, _, _ = st.Reason(), st.Metadata(), st.Details(), err.Error()
	})
}
