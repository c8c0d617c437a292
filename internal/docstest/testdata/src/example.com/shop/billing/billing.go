// Package billing stands for the one that docs/own-codes.md generates.
package billing

import "github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/internal/billing"

type BillingCode = billing.BillingCode

const CardDeclined = billing.CardDeclined
