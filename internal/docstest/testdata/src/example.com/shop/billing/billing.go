// Package billing stands for the one that docs/own-codes.md generates.
package billing

import (
	"context"

	"github.com/errstatus/errstatus/internal/testrpc"
)

type (
	BillingCode       = testrpc.BillingCode
	CardDeclinedError = testrpc.CardDeclinedError
)

const (
	Unspecified  = testrpc.BillingOK
	CardDeclined = testrpc.CardDeclined
)

// A PayReply is a message with a code.
type PayReply struct{}

func (*PayReply) GetCode() BillingCode { return Unspecified }

// A PayRequest is the request of Pay.
type PayRequest struct{}

// A Client calls the service.
type Client interface {
	Pay(ctx context.Context, req *PayRequest) (*PayReply, error)
}
