package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/examples/billing/billingpb"
	"github.com/errstatus/errstatus/interceptor"
)

// README.md shows what the program prints.
func TestRun(t *testing.T) {
	var out, log bytes.Buffer
	if err := run(&out, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "\n```\n"+out.String()+"```\n") {
		t.Errorf("README.md doesn't have what the program prints:\n%s", &out)
	}

	// Text for the operators is in the log, and nowhere else.
	for _, private := range []string{"bank-7.internal", "ledger-2.internal"} {
		if strings.Contains(out.String(), private) {
			t.Errorf("a client read the private text %q:\n%s", private, &out)
		}
		if !strings.Contains(log.String(), private) {
			t.Errorf("the log doesn't have %q:\n%s", private, &log)
		}
	}
}

// An error value that holds number 0 is not nil. It must not become success, because there
// is no response.
func TestCodeFromAMessage(t *testing.T) {
	for code, want := range map[billingpb.BillingCode]grpccodes.Code{
		billingpb.BillingCode_BILLING_CODE_UNSPECIFIED: grpccodes.Internal,
		billingpb.BillingCode_BILLING_CODE_BANK_SILENT: grpccodes.Unavailable,
	} {
		encode := interceptor.UnaryServer(interceptor.WithLogger(nil), interceptor.WithTable(code.Table()))
		_, err := encode(t.Context(), &billingpb.PayRequest{}, &grpc.UnaryServerInfo{FullMethod: billingpb.BillingService_Pay_FullMethodName},
			func(context.Context, any) (any, error) { return nil, code })
		if got := grpcstatus.Code(err); got != want {
			t.Errorf("a handler that returns number %d ends with %v; want %v", code, got, want)
		}
	}
}
