package testrpc

import (
	"log/slog"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// A BillingCode is a code of a third domain, whose table is [Billing]. Some of its codes
// have parameters.
type BillingCode int32

// The codes of the third domain.
const (
	BillingOK          BillingCode = 0
	CardDeclined       BillingCode = 1
	QuotaExceeded      BillingCode = 2
	InvoicePaid        BillingCode = 3
	LedgerLocked       BillingCode = 4
	BillingUnavailable BillingCode = 14
	BillingInternal    BillingCode = 13
	BillingUnknown     BillingCode = 99
)

// Billing is the table of the third domain.
var Billing = codes.MustTable("billing.example.com",
	codes.Row{Code: BillingOK, Name: "OK", Reason: "OK", GRPCCode: grpccodes.OK, Message: "fine"},
	codes.Row{Code: CardDeclined, Name: "CardDeclined", Reason: "CARD_DECLINED", GRPCCode: grpccodes.FailedPrecondition,
		Message: "the card was declined", Template: "card {card} was declined",
		Localized: []codes.LocalizedMessage{{Locale: "de", Message: "Die Karte wurde abgelehnt", Template: "Die Karte {card} wurde abgelehnt"}}},
	codes.Row{Code: QuotaExceeded, Name: "QuotaExceeded", Reason: "QUOTA_EXCEEDED", GRPCCode: grpccodes.ResourceExhausted,
		Message: "the quota is used up", Template: "{user_id} used {used} of {most} {unit}, {used} in all"},
	codes.Row{Code: InvoicePaid, Name: "InvoicePaid", Reason: "INVOICE_PAID", GRPCCode: grpccodes.AlreadyExists, Message: "the invoice is paid"},
	codes.Row{Code: LedgerLocked, Name: "LedgerLocked", Reason: "LEDGER_LOCKED", GRPCCode: grpccodes.Internal,
		Message: "the ledger is locked", Template: "ledger {ledger} is locked"},
	codes.Row{Code: BillingUnavailable, Name: "BillingUnavailable", Reason: "BILLING_UNAVAILABLE", GRPCCode: grpccodes.DeadlineExceeded,
		Message: "billing took too long", Template: "billing took {time}"},
	codes.Row{Code: BillingInternal, Name: "BillingInternal", Reason: "BILLING_INTERNAL", GRPCCode: grpccodes.Internal, Message: "billing failed", Default: true},
	codes.Row{Code: BillingUnknown, Name: "BillingUnknown", Reason: "BILLING_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "billing is puzzled", Default: true},
)

// Number implements [codes.Code].
func (c BillingCode) Number() codes.Number { return codes.Number(c) }

// Table implements [codes.Code].
func (c BillingCode) Table() *codes.Table { return Billing }

// Error implements [codes.Code].
func (c BillingCode) Error() string { return codes.RowOf(c).Name + ": " + codes.RowOf(c).Message }

// GRPCStatus returns the status that is sent for the code.
func (c BillingCode) GRPCStatus() *grpcstatus.Status { return Billing.GRPCStatus(c.Number()) }

// setTarget sets target to err, if it is a pointer to a T.
func setTarget[T error](target any, err T) bool {
	found, ok := target.(*T)
	if ok {
		*found = err
	}
	return ok
}

// A CardDeclinedError is BillingCode CardDeclined with its parameters: "card {card} was
// declined". It is like the types that protoc-gen-go-errstatus generates.
type CardDeclinedError struct {
	Card string
}

// Code returns CardDeclined.
func (e CardDeclinedError) Code() codes.Code { return CardDeclined }

// Error returns the code's name and the message as one line.
func (e CardDeclinedError) Error() string { return Billing.ErrorOf(e) }

// Unwrap returns the code, so that errors.Is finds it.
func (e CardDeclinedError) Unwrap() error { return CardDeclined }

// As sets a target of errors.As, so that a pointer is found as a value is.
func (e CardDeclinedError) As(target any) bool { return setTarget(target, e) }

// GRPCStatus returns the status that is sent.
func (e CardDeclinedError) GRPCStatus() *grpcstatus.Status { return Billing.GRPCStatusOf(e) }

// LogValue implements [slog.LogValuer].
func (e CardDeclinedError) LogValue() slog.Value { return Billing.LogValueOf(e) }

// AppendParams implements [codes.Params].
func (e CardDeclinedError) AppendParams(params []codes.Param) []codes.Param {
	return append(params, codes.Param{Name: "card", Value: e.Card})
}

// ReadParams implements [codes.ParamsReader].
func (e *CardDeclinedError) ReadParams(lookup func(name string) (value string, ok bool)) bool {
	card, ok := lookup("card")
	if !ok {
		return false
	}
	e.Card = card
	return true
}

// A QuotaExceededError is BillingCode QuotaExceeded with its parameters: "{user_id} used
// {used} of {most} {unit}, {used} in all".
type QuotaExceededError struct {
	UserId, Used, Most, Unit string
}

// Code returns QuotaExceeded.
func (e QuotaExceededError) Code() codes.Code { return QuotaExceeded }

// Error returns the code's name and the message as one line.
func (e QuotaExceededError) Error() string { return Billing.ErrorOf(e) }

// Unwrap returns the code, so that errors.Is finds it.
func (e QuotaExceededError) Unwrap() error { return QuotaExceeded }

// As sets a target of errors.As, so that a pointer is found as a value is.
func (e QuotaExceededError) As(target any) bool { return setTarget(target, e) }

// GRPCStatus returns the status that is sent.
func (e QuotaExceededError) GRPCStatus() *grpcstatus.Status { return Billing.GRPCStatusOf(e) }

// LogValue implements [slog.LogValuer].
func (e QuotaExceededError) LogValue() slog.Value { return Billing.LogValueOf(e) }

// AppendParams implements [codes.Params].
func (e QuotaExceededError) AppendParams(params []codes.Param) []codes.Param {
	return append(params, codes.Param{Name: "user_id", Value: e.UserId}, codes.Param{Name: "used", Value: e.Used},
		codes.Param{Name: "most", Value: e.Most}, codes.Param{Name: "unit", Value: e.Unit})
}

// ReadParams implements [codes.ParamsReader].
func (e *QuotaExceededError) ReadParams(lookup func(name string) (value string, ok bool)) bool {
	user, ok1 := lookup("user_id")
	used, ok2 := lookup("used")
	most, ok3 := lookup("most")
	unit, ok4 := lookup("unit")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return false
	}
	*e = QuotaExceededError{user, used, most, unit}
	return true
}

// A LedgerLockedError is BillingCode LedgerLocked with its parameters: "ledger {ledger} is
// locked". Its canonical code is INTERNAL, so that a server logs it if it has private text.
type LedgerLockedError struct {
	Ledger string
}

// Code returns LedgerLocked.
func (e LedgerLockedError) Code() codes.Code { return LedgerLocked }

// Error returns the code's name and the message as one line.
func (e LedgerLockedError) Error() string { return Billing.ErrorOf(e) }

// Unwrap returns the code, so that errors.Is finds it.
func (e LedgerLockedError) Unwrap() error { return LedgerLocked }

// As sets a target of errors.As, so that a pointer is found as a value is.
func (e LedgerLockedError) As(target any) bool { return setTarget(target, e) }

// GRPCStatus returns the status that is sent.
func (e LedgerLockedError) GRPCStatus() *grpcstatus.Status { return Billing.GRPCStatusOf(e) }

// LogValue implements [slog.LogValuer].
func (e LedgerLockedError) LogValue() slog.Value { return Billing.LogValueOf(e) }

// AppendParams implements [codes.Params].
func (e LedgerLockedError) AppendParams(params []codes.Param) []codes.Param {
	return append(params, codes.Param{Name: "ledger", Value: e.Ledger})
}

// ReadParams implements [codes.ParamsReader].
func (e *LedgerLockedError) ReadParams(lookup func(name string) (value string, ok bool)) bool {
	ledger, ok := lookup("ledger")
	if !ok {
		return false
	}
	e.Ledger = ledger
	return true
}
