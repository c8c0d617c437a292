package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/billing/billingpb"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
)

// newServer returns a server with the billing service. It logs failures with private text, and
// sends messages in the caller's language too.
func newServer(logger *slog.Logger) *grpc.Server {
	srv := grpc.NewServer(interceptor.ServerOptions(
		interceptor.WithLogger(logger),
		interceptor.WithTable(billingpb.BillingCode(0).Table()),
		interceptor.WithLocalizer(localize.New(billingpb.BillingCode(0).Table()).Amend),
	)...)
	billingpb.RegisterBillingServiceServer(srv, billing{})
	return srv
}

// billing implements the service, with a customer named ada.
type billing struct {
	billingpb.UnimplementedBillingServiceServer
}

// Pay shows every kind of error that a handler can return.
func (billing) Pay(_ context.Context, req *billingpb.PayRequest) (*billingpb.PayResponse, error) {
	if req.GetCustomerId() != "ada" {
		return nil, status.Errorf(codes.RecordNotFound, "no customer %q", req.GetCustomerId()) // a code of another enum
	}
	if req.GetShopId() == "new-shop" {
		return nil, billingpb.BillingCode_BILLING_CODE_SHOP_NOT_SET_UP // a code without more
	}
	if err := charge(req.GetCard(), req.GetCents()); err != nil {
		return nil, fmt.Errorf("charging the card: %w", err)
	}
	return &billingpb.PayResponse{PaymentId: "payment-1"}, nil
}

// charge plays the bank.
func charge(card string, cents int64) error {
	const balance = 5_000
	switch {
	case card == "0002":
		return billingpb.CardDeclinedError{Card: card, Bank: "Bank of Examples"} // a code with parameters
	case card == "0003":
		return status.Wrap(errors.New("bank-7.internal:443: i/o timeout"), billingpb.BillingCode_BILLING_CODE_BANK_SILENT, "the bank doesn't answer")
	case card == "0004":
		return errors.New("ledger-2.internal: disk full") // no code: the caller sees none of it
	case cents > balance:
		short := billingpb.InsufficientFundsError{MissingCents: strconv.FormatInt(cents-balance, 10)}
		return status.With(short).Wrap(fmt.Errorf("the balance is %d", balance)) // parameters, and a cause for the log
	}
	return nil
}
