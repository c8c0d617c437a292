package billing_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/internal/billing"
	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

func TestTableWorksDuringInitialization(t *testing.T) {
	if billing.EarlyTable == nil || billing.EarlyTable.Len() != 5 {
		t.Fatalf("a package-level variable got the table %v; want one with 5 rows", billing.EarlyTable)
	}
	if got := billing.BillingCode(0).Table(); got != billing.EarlyTable {
		t.Error("Table() differs from what a package-level variable got; want the same pointer")
	}
	checkStatus(t, billing.EarlyStatus, grpccodes.FailedPrecondition, "no more credit", "CARD_DECLINED", "1004")
	if found, _ := errors.AsType[billing.BillingCode](billing.EarlyError); found != billing.CardDeclined || status.Code(billing.EarlyError) != billing.CardDeclined {
		t.Errorf("the error in a package-level variable has code %#v; want CardDeclined, and errors.AsType finds it", status.Code(billing.EarlyError))
	}
	if want := "PlanFull: the plan is full"; billing.EarlyName != want {
		t.Errorf("the text in a package-level variable is %q; want %q", billing.EarlyName, want)
	}
	if billing.EarlyUnknown != billing.BillingCode(1305) {
		t.Errorf("the code in a package-level variable is %#v; want BillingCode(1305)", billing.EarlyUnknown)
	}
}

func checkStatus(t *testing.T, st *grpcstatus.Status, code grpccodes.Code, message, reason, number string) {
	t.Helper()
	if st.Code() != code || st.Message() != message {
		t.Errorf("the status is %v, %q; want %v, %q", st.Code(), st.Message(), code, message)
	}
	want := &errdetails.ErrorInfo{Reason: reason, Domain: "billing.example.com", Metadata: map[string]string{"code": number}}
	if diff := cmp.Diff([]any{want}, st.Details(), protocmp.Transform()); diff != "" {
		t.Errorf("the status's details (-want +got):\n%s", diff)
	}
}

// Generated codes have their own rows, although OpenIM has codes with the same numbers.
func TestGeneratedCodes(t *testing.T) {
	tests := []struct {
		code    billing.BillingCode
		grpc    grpccodes.Code
		message string
		name    string
		reason  string
		number  string
	}{
		{billing.Bug, grpccodes.Internal, "internal error", "Bug", "BUG", "1"},
		{billing.Unreadable, grpccodes.Unknown, "unreadable answer", "Unreadable", "UNREADABLE", "2"},
		{billing.CardDeclined, grpccodes.FailedPrecondition, "the card was declined", "CardDeclined", "CARD_DECLINED", "1004"},
		{billing.PlanFull, grpccodes.ResourceExhausted, "the plan is full", "PlanFull", "QUOTA_USED_UP", "1005"},
		{1305, grpccodes.Unknown, "unreadable answer", "BillingCode(1305)", "ERROR_CODE_1305", "1305"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkStatus(t, tt.code.GRPCStatus(), tt.grpc, tt.message, tt.reason, tt.number)
			if got, want := tt.code.Error(), tt.name+": "+tt.message; got != want {
				t.Errorf("Error() = %q; want %q", got, want)
			}
			if got := tt.code.String(); got != tt.name {
				t.Errorf("String() = %q; want %q", got, tt.name)
			}
			if got := tt.code.Reason(); got != tt.reason {
				t.Errorf("Reason() = %q; want %q", got, tt.reason)
			}
			if other := codes.ErrorCode(tt.code); codes.Code(other) == codes.Code(tt.code) || errors.Is(tt.code, other) || errors.Is(other, tt.code) {
				t.Errorf("%v equals %v; want codes of two types to differ", tt.code, other)
			}

			b, err := json.Marshal(map[billing.BillingCode]billing.BillingCode{tt.code: tt.code})
			if want := `{"` + tt.name + `":"` + tt.name + `"}`; err != nil || string(b) != want {
				t.Errorf("json.Marshal = %s, %v; want %s, nil", b, err, want)
			}
			var back map[billing.BillingCode]billing.BillingCode
			if err := json.Unmarshal(b, &back); err != nil || back[tt.code] != tt.code {
				t.Errorf("json.Unmarshal(%s) = %v, %v; want the same code, nil", b, back, err)
			}
		})
	}
	if got := billing.Unspecified.GRPCStatus(); got != nil {
		t.Errorf("Unspecified.GRPCStatus() = %v; want nil", got)
	}
	if got := billing.EarlyTable.DefaultFor(grpccodes.ResourceExhausted); got != billing.PlanFull {
		t.Errorf("DefaultFor(ResourceExhausted) = %v; want PlanFull", got)
	}
}
