package main

import (
	"errors"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/billing/billingpb"
	"github.com/errstatus/errstatus/status"
)

// A server and a client can have different versions of the enum. The section "Change the
// enum later" of docs/own-codes.md says what the client reads then.
func TestOtherVersionOfTheServer(t *testing.T) {
	const declined = billingpb.BillingCode_BILLING_CODE_CARD_DECLINED
	tests := []struct {
		name     string
		reason   string
		metadata map[string]string
		is       codes.Code // nil if the status carries none
		params   bool       // whether errors.AsType finds them
	}{
		{name: "the same version", reason: "CARD_DECLINED",
			metadata: map[string]string{"code": "1", "card": "0002", "bank": "a bank"}, is: declined, params: true},
		{name: "a former reason", reason: "CARD_REFUSED",
			metadata: map[string]string{"code": "1", "card": "0002", "bank": "a bank"}, is: declined, params: true},
		{name: "a reason that this version doesn't have", reason: "CARD_TURNED_DOWN",
			metadata: map[string]string{"code": "1", "card": "0002", "bank": "a bank"}},
		{name: "a missing parameter", reason: "CARD_DECLINED",
			metadata: map[string]string{"code": "1", "card": "0002"}, is: declined},
		{name: "another parameter", reason: "CARD_DECLINED",
			metadata: map[string]string{"code": "1", "card": "0002", "bank": "a bank", "day": "Monday"}, is: declined, params: true},
		{name: "a code that this version doesn't have", reason: "CARD_STOLEN",
			metadata: map[string]string{"code": "9"}, is: billingpb.BillingCode(9)},
	}
	decoder := &status.Decoder{Tables: []*codes.Table{declined.Table()}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sent, err := grpcstatus.New(grpccodes.FailedPrecondition, "no").WithDetails(
				&errdetails.ErrorInfo{Domain: "billing.example.com", Reason: tt.reason, Metadata: tt.metadata})
			if err != nil {
				t.Fatal(err)
			}
			err = decoder.Decode(t.Context(), sent.Err())
			if code, ok := status.Declared(err); ok != (tt.is != nil) || ok && code != tt.is {
				t.Errorf("it carries the code %v, %v; want %v", code, ok, tt.is)
			}
			if _, ok := errors.AsType[billingpb.CardDeclinedError](err); ok != tt.params {
				t.Errorf("errors.AsType reports %v; want %v", ok, tt.params)
			}
			if st := status.Convert(err); st.Reason() != tt.reason || st.Message() != "no" {
				t.Errorf("the reason is %q and the message %q; want them as received", st.Reason(), st.Message())
			}
		})
	}
}
