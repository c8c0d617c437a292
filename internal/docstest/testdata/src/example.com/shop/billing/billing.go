// Package billing stands for the one that docs/own-codes.md generates.
package billing

import "github.com/errstatus/errstatus/internal/testrpc"

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
