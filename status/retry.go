package status

import (
	"math"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

const retryInfoName = "google.rpc.RetryInfo"

// WithRetryDelay returns a copy that tells callers how long to wait at least before they
// retry. It is sent as google.rpc.RetryInfo, which [RetryDelay] reads, and replaces an
// earlier delay.
//
// gRPC's native retries don't read RetryInfo. A server with
// interceptor.WithRetryPushback also tells them (gRFC A6). A negative delay is for them
// alone: it forbids the retry, and no RetryInfo is sent, which can't say that.
func (st *Status) WithRetryDelay(delay time.Duration) *Status {
	if delay >= 0 {
		return st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
	}
	if st == nil {
		return nil
	}
	changed := st.copyToChange()
	changed.details = dropDetail(changed.details, retryInfoName)
	changed.extra = &extra{droppedKeys: st.more().droppedKeys, pushback: pushback(delay)}
	return changed
}

// RetryDelay returns how long a caller should wait at least before it retries, from the
// google.rpc.RetryInfo in the error's status. ok is false if there is none, or if its
// delay is invalid or negative.
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
	return info.GetRetryDelay().AsDuration(), true
}

// Retryable reports whether a call that failed with err may be retried unchanged. It is
// true for the canonical code UNAVAILABLE (AIP-194), and for a status with a RetryInfo,
// with which the server asks for a retry. It is false for nil and, in this process, for
// a Status with a negative delay.
//
//	retry.UnaryClientInterceptor(retry.WithRetriable(status.Retryable), retry.WithMax(3))
//
// go-grpc-middleware's retry interceptor waits its own backoff, and not the
// [RetryDelay]. gRPC's native retries wait for the pushback that a server sends.
func Retryable(err error) bool {
	st, ok := FromError(err)
	if !ok || st == nil || st.more().pushback == doNotRetry {
		return false
	}
	_, asked := RetryDelay(err)
	return asked || st.GRPCCode() == grpccodes.Unavailable
}

// doNotRetry is the pushback that forbids a retry. Any negative number does.
const doNotRetry = "-1"

// pushback returns the value of grpc-retry-pushback-ms for a delay: a signed 32-bit
// number of milliseconds.
func pushback(delay time.Duration) string {
	if delay < 0 {
		return doNotRetry
	}
	ms := delay / time.Millisecond
	if delay%time.Millisecond > 0 {
		ms++ // rather late than early
	}
	return strconv.FormatInt(min(int64(ms), math.MaxInt32), 10)
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
