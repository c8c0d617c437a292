package reference

import (
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// neverAdvice says why the same call isn't retried after a canonical code, and what to do
// instead.
var neverAdvice = map[grpccodes.Code]string{
	grpccodes.OK:                 "Nothing failed, so there is nothing to retry.",
	grpccodes.Canceled:           "Don't retry: the caller itself ended the call.",
	grpccodes.Unknown:            "Don't retry automatically: the cause isn't known, and the call may have run.",
	grpccodes.InvalidArgument:    "Don't retry: the same request is refused each time. Correct it first.",
	grpccodes.DeadlineExceeded:   "Don't retry automatically: the call may have run. Check first whether it took effect, or set a longer deadline.",
	grpccodes.NotFound:           "Don't retry: it stays missing until somebody creates it.",
	grpccodes.AlreadyExists:      "Don't retry: it exists. Read it to see whether an earlier try made it.",
	grpccodes.PermissionDenied:   "Don't retry: the caller's rights must change first.",
	grpccodes.ResourceExhausted:  "Don't retry at once: a limit is reached. Wait for the time in RetryInfo, or until there is room.",
	grpccodes.FailedPrecondition: "Don't retry until the state that forbids the call has changed.",
	grpccodes.OutOfRange:         "Don't retry until the range includes the value.",
	grpccodes.Unimplemented:      "Don't retry: this version doesn't have the operation.",
	grpccodes.Internal:           "Don't retry automatically: somebody must fix the cause, and the call may have run in part.",
	grpccodes.DataLoss:           "Don't retry: data is lost or damaged, and somebody must restore it.",
	grpccodes.Unauthenticated:    "Don't retry with the same credentials: get new ones first.",
}

// RetryAdvice returns what a caller should know before it repeats the call, in one or two
// sentences. The canonical code says why a call isn't retried.
func RetryAdvice(retry codes.Retry, canonical grpccodes.Code) string {
	switch retry {
	case codes.RetryCall:
		return "Retry the same call if it is idempotent, because it may have run. Wait longer before each attempt, and add a random part to the delay."
	case codes.RetryTransaction:
		return "Don't repeat this call alone: restart the whole sequence that it belongs to, from its first step."
	}
	if advice := neverAdvice[canonical]; advice != "" {
		return advice
	}
	return "Don't retry: the same call fails again until something else changes."
}
