package status

import (
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
)

const retryInfoName = "google.rpc.RetryInfo"

// maxRetryDelay is the longest delay that is sent and read. A longer one is taken for it.
const maxRetryDelay = 24 * time.Hour

// WithRetryDelay returns a copy with the least time that callers should wait before they
// retry. It is sent as google.rpc.RetryInfo, which [RetryDelay] reads, and replaces an
// earlier delay. A delay is at most 24 hours. WithRetryDelay returns nil for nil.
//
// gRPC's native retries don't read RetryInfo. A server with interceptor.WithRetryPushback
// also tells them (gRFC A6). A negative delay forbids native retries. Then no RetryInfo
// is sent, because a RetryInfo can't forbid a retry.
func (st *Status) WithRetryDelay(delay time.Duration) *Status {
	if delay >= 0 {
		return st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(min(delay, maxRetryDelay))})
	}
	if st == nil {
		return nil
	}
	changed := st.copyToChange()
	changed.details = dropDetail(changed.details, retryInfoName)
	changed.changeExtra(func(x *extra) { x.pushback = doNotRetry })
	return changed
}

// RetryDelay returns how long a caller should wait at least before it retries, from the
// google.rpc.RetryInfo in the error's status: at most 24 hours, whatever the server sent.
// ok is false if there is none, or if its delay is invalid or negative.
func RetryDelay(err error) (delay time.Duration, ok bool) {
	info, ok := Detail[*errdetails.RetryInfo](err)
	if !ok {
		return 0, false
	}
	return retryDelay(info)
}

func retryDelay(info *errdetails.RetryInfo) (time.Duration, bool) {
	if info.GetRetryDelay().CheckValid() != nil || info.GetRetryDelay().AsDuration() < 0 {
		return 0, false
	}
	return min(info.GetRetryDelay().AsDuration(), maxRetryDelay), true
}

// Retryable reports whether the same call may be sent again after the caller's usual
// backoff: whether the advice is RetryCall, and the server asks for no delay, or for a delay
// of 0. For any other delay, wait for [RetryDelay] instead. It is false for nil and, in the
// process that made it, for a Status with a negative delay.
//
// The advice is the RetryOverride of the code's row or, if that is RetryUnspecified,
// [codes.RetryOf] of the status's canonical code: RetryCall for UNAVAILABLE (AIP-194). The
// row of a received code is in the tables of its connection. If the status carries no code,
// the canonical code decides.
//
//	retry.UnaryClientInterceptor(retry.WithRetriable(status.Retryable), retry.WithMax(3))
//
// go-grpc-middleware's retry interceptor waits its own backoff, and knows no RetryDelay.
// gRPC's native retries wait for the pushback that a server sends.
func Retryable(err error) bool {
	st, ok := FromError(err)
	if !ok || st == nil || st.more().pushback == doNotRetry {
		return false
	}
	delay, _ := RetryDelay(err)
	return delay == 0 && st.receivedRow().Retry() == codes.RetryCall
}

// doNotRetry is the pushback that forbids a retry. Any negative number does.
const doNotRetry = "-1"

// pushback returns the value of grpc-retry-pushback-ms for a delay of at most maxRetryDelay:
// a signed 32-bit number of milliseconds.
func pushback(delay time.Duration) string {
	if delay < 0 {
		return doNotRetry
	}
	ms := delay / time.Millisecond
	if delay%time.Millisecond > 0 {
		ms++ // rather late than early
	}
	return strconv.FormatInt(int64(ms), 10)
}

// pushbackOf returns the pushback for a packed RetryInfo, or "" if that has no valid
// delay.
func pushbackOf(packed *anypb.Any) string {
	info := &errdetails.RetryInfo{}
	if proto.Unmarshal(packed.GetValue(), info) != nil {
		return ""
	}
	delay, ok := retryDelay(info)
	if !ok {
		return ""
	}
	return pushback(delay)
}
