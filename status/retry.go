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

// WithRetryDelay is a copy that tells callers how long to wait at least before
// they try again, as google.rpc.RetryInfo, which [RetryDelay] reads. It takes the
// place of an earlier one.
//
// gRPC's native retries don't read RetryInfo. A server with
// interceptor.WithRetryPushback tells them the same; see gRFC A6. Them alone a negative
// delay tells not to try again: no RetryInfo is sent then, which has no word for it.
func (st *Status) WithRetryDelay(delay time.Duration) *Status {
	if delay >= 0 {
		return st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
	}
	if st == nil {
		return nil
	}
	changed := st.changed()
	changed.details = dropDetail(changed.details, retryInfoName)
	changed.ownRare().pushback = pushback(delay)
	return changed
}

// RetryDelay is how long a caller is to wait at least before it tries again,
// after the google.rpc.RetryInfo of an error's status. ok is false where there is
// none, or one that holds no duration of 0 or more.
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

// Retryable tells whether a call that failed with err may be tried again as it
// is. go-grpc-middleware's retry takes it:
//
//	retry.UnaryClientInterceptor(retry.WithRetriable(status.Retryable), retry.WithMax(3))
//
// It is so for the canonical code UNAVAILABLE (AIP-194), and for any status with
// a RetryInfo, by which the server asks for it. That interceptor waits its own
// backoff, not the [RetryDelay]: gRPC's native retries wait what a server pushes
// back. It is false for nil, and in this process for what was given a negative
// delay.
func Retryable(err error) bool {
	st, ok := FromError(err)
	if !ok || st == nil || st.rarely().pushback == doNotRetry {
		return false
	}
	_, asked := RetryDelay(err)
	return asked || st.GRPCCode() == grpccodes.Unavailable
}

// never is the pushback that forbids a retry, as any negative number does.
const doNotRetry = "-1"

// pushback is the value of grpc-retry-pushback-ms: a signed 32-bit number of
// milliseconds.
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

// pushbackOf is pushback for a packed RetryInfo, empty if that says nothing.
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
