package main

import (
	"errors"
	"fmt"

	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/billing/billingpb"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// knowingOptions are the options of a client that knows both enums.
func knowingOptions() []grpc.DialOption {
	return interceptor.DialOptions(
		interceptor.WithTable(billingpb.BillingCode(0).Table()),
		interceptor.WithTable(codes.Default()),
	)
}

// nextStep returns what such a client does after a call of Pay.
func nextStep(err error) string {
	if declined, ok := errors.AsType[billingpb.CardDeclinedError](err); ok {
		return fmt.Sprintf("ask for another card than %s, or call %s", declined.Card, declined.Bank)
	}
	if short, ok := errors.AsType[billingpb.InsufficientFundsError](err); ok {
		return fmt.Sprintf("ask for %s cents less", short.MissingCents)
	}
	switch {
	case err == nil:
		return "send the receipt"
	case errors.Is(err, codes.RecordNotFound):
		return "ask the customer to register"
	case errors.Is(err, billingpb.BillingCode_BILLING_CODE_BANK_SILENT):
		return "look up the payment before paying again"
	case status.IsFault(err):
		return "apologise: the operators must act"
	}
	return "show the message"
}
