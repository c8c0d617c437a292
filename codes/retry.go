package codes

import (
	"strconv"

	grpccodes "google.golang.org/grpc/codes"
)

// A Retry says whether the same call may succeed later. It is advice for callers, and is
// not sent. In [Row.RetryOverride], the zero value means that the canonical code decides.
type Retry uint8

// The values of Retry. [RetryOf] lists their canonical codes.
const (
	RetryUnspecified Retry = iota
	RetryNever             // don't retry: the same call fails again until something else changes
	RetryCall              // retry the same call after a delay, if it is idempotent: it may have run
	RetryTransaction       // restart the whole transaction, such as a read followed by a write
)

var retryNames = [...]string{"unspecified", "never", "call", "transaction"}

// String returns the name of r, such as "call", or "Retry(9)" for a value without one.
func (r Retry) String() string {
	if int(r) < len(retryNames) {
		return retryNames[r]
	}
	return "Retry(" + strconv.Itoa(int(r)) + ")"
}

// RetryOf returns whether a caller should retry after a canonical code: RetryCall for
// UNAVAILABLE, RetryTransaction for ABORTED, and RetryNever for all others. This is the
// advice of AIP-194 and of gRPC's documentation of the codes.
func RetryOf(canonical grpccodes.Code) Retry {
	switch canonical {
	case grpccodes.Unavailable:
		return RetryCall
	case grpccodes.Aborted:
		return RetryTransaction
	}
	return RetryNever
}
