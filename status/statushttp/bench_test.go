package statushttp_test

import (
	"context"
	"encoding/json"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// BenchmarkMarshal compares the body of FormAIP193 with the same body by hand, from a status
// that is decided already. Run benchstat -col /way.
func BenchmarkMarshal(b *testing.B) {
	for _, bm := range []struct {
		name string
		err  error
	}{
		{"bare", codes.RecordNotFound},
		{"message", status.New(codes.RecordNotFound, `user "42" was not found`).WithMetadata("user", "42").Err()},
		{"details", status.New(codes.Args, "2 fields are invalid").WithRetryDelay(1).WithDetails(
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "items[2].price", Description: "must be positive", Reason: "NEGATIVE"},
				{Field: "name", Description: "must not be empty", Reason: "EMPTY"},
			}},
			&errdetails.LocalizedMessage{Locale: "zh-Hans", Message: "参数错误"}).Err()},
	} {
		var encoder status.Encoder
		encoded := encoder.Encode(context.Background(), bm.err)
		var w statushttp.Writer
		b.Run("err="+bm.name+"/way=hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(marshalByHand(b, encoded)) == 0 {
					b.Fatal("no body")
				}
			}
		})
		b.Run("err="+bm.name+"/way=errstatus", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(w.Marshal(statushttp.FormAIP193, encoded)) == 0 {
					b.Fatal("no body")
				}
			}
		})
	}
}

// marshalByHand is what a careful user writes with protojson.
func marshalByHand(tb testing.TB, encoded status.Encoded) []byte {
	type body struct {
		Code    int               `json:"code"`
		Message string            `json:"message"`
		Status  string            `json:"status"`
		Details []json.RawMessage `json:"details"`
	}
	st := encoded.Status().Proto()
	e := body{
		Code:    statushttp.Code(encoded.GRPCCode()),
		Message: st.GetMessage(),
		Status:  code.Code(encoded.GRPCCode()).String(),
	}
	for _, detail := range st.GetDetails() {
		b, err := protojson.Marshal(detail)
		if err != nil {
			tb.Fatal(err)
		}
		e.Details = append(e.Details, b)
	}
	b, err := json.Marshal(struct {
		Error body `json:"error"`
	}{e})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Writing a body allocates no more than by hand.
func TestMarshalAllocates(t *testing.T) {
	var w statushttp.Writer
	for _, content := range contents {
		encoded := encode(t, content.make(status.New(codes.RecordNotFound, "")).Err())
		if content.name == "unknown details" || content.name == "everything" {
			continue // protojson fails by hand
		}
		hand := testing.AllocsPerRun(20, func() { marshalByHand(t, encoded) })
		if got := testing.AllocsPerRun(20, func() { w.Marshal(statushttp.FormAIP193, encoded) }); got > hand {
			t.Errorf("%s: %v allocations; want at most %v, as by hand", content.name, got, hand)
		}
	}
}
