package status_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// TestRetryDelay checks, for each way to set a delay, which delay RetryDelay returns in this
// process and at the caller, and which pushback is sent.
func TestRetryDelay(t *testing.T) {
	st := status.New(codes.SrvConnOverMaxNumLimit, "")
	retryInfo := func(d *durationpb.Duration) *status.Status {
		return st.WithDetails(&errdetails.RetryInfo{RetryDelay: d})
	}
	received := status.FromGRPC(st.WithRetryDelay(time.Second).GRPCStatus())
	tests := []struct {
		name     string
		st       *status.Status
		delay    time.Duration
		ok       bool
		pushback string // "" if none is sent
	}{
		{"not set", st, 0, false, ""},
		{"a second", st.WithRetryDelay(time.Second), time.Second, true, "1000"},
		{"a delay of 0", st.WithRetryDelay(0), 0, true, "0"},
		{"a nanosecond", st.WithRetryDelay(1), 1, true, "1"},
		{"a nanosecond over a millisecond", st.WithRetryDelay(time.Millisecond + 1), time.Millisecond + 1, true, "2"},
		{"a hundred years", st.WithRetryDelay(100 * 365 * 24 * time.Hour), 24 * time.Hour, true, "86400000"},
		{"the longest", st.WithRetryDelay(math.MaxInt64), 24 * time.Hour, true, "86400000"},
		{"never", st.WithRetryDelay(-1), 0, false, "-1"},
		{"never, after a delay", st.WithRetryDelay(time.Second).WithRetryDelay(-time.Hour), 0, false, "-1"},
		{"a delay, after never", st.WithRetryDelay(-1).WithRetryDelay(time.Second), time.Second, true, "1000"},
		{"the second of two", st.WithRetryDelay(time.Second).WithRetryDelay(time.Minute), time.Minute, true, "60000"},
		{"a RetryInfo", retryInfo(durationpb.New(time.Second)), time.Second, true, "1000"},
		{"a packed RetryInfo", st.WithDetails(packedAny(t, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})), time.Second, true, "1000"},
		{"a RetryInfo without a delay", retryInfo(nil), 0, false, ""},
		{"a negative RetryInfo", retryInfo(durationpb.New(-time.Second)), 0, false, ""},
		{"a RetryInfo out of range", retryInfo(&durationpb.Duration{Seconds: math.MaxInt64}), 0, false, ""},
		{"malformed RetryInfo", st.WithDetails(&anypb.Any{TypeUrl: "x/google.rpc.RetryInfo", Value: []byte{0xff}}), 0, false, ""},
		{"received", received, time.Second, true, ""},
		{"received and changed", received.WithMetadata("user", "42"), time.Second, true, ""},
		{"received and never", received.WithRetryDelay(-1), 0, false, "-1"},
		{"received and given another delay", received.WithRetryDelay(time.Minute), time.Minute, true, "60000"},
		{"received without a code", status.FromGRPC(status.ToGRPC(grpcError(t, grpccodes.Unavailable, "x"))).WithRetryDelay(time.Second), time.Second, true, "1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			encoded := (&status.Encoder{RetryPushback: true}).Encode(t.Context(), fmt.Errorf("%w", tt.st.Wrap(errors.New(secret))))
			for where, err := range map[string]error{"in this process": tt.st.Err(), "at the caller": encoded.Status().Err()} {
				if delay, ok := status.RetryDelay(err); delay != tt.delay || ok != tt.ok {
					t.Errorf("RetryDelay() = %[2]v, %[3]t %[1]s; want %[4]v, %[5]t", where, delay, ok, tt.delay, tt.ok)
				}
			}
			var want []string
			if tt.pushback != "" {
				want = []string{tt.pushback}
			}
			if got := encoded.Trailer().Get("grpc-retry-pushback-ms"); fmt.Sprint(got) != fmt.Sprint(want) || encoded.Trailer().Len() != len(want) {
				t.Errorf("Trailer() = %v; want the pushback %v", encoded.Trailer(), want)
			}
			if again := (&status.Encoder{RetryPushback: true}).Encode(t.Context(), encoded.Err()); again.Trailer() != nil {
				t.Errorf("Encode(Err()).Trailer() = %v; want none", again.Trailer())
			}
			if plain := new(status.Encoder).Encode(t.Context(), tt.st.Err()); plain.Trailer() != nil {
				t.Errorf("Trailer() = %v without RetryPushback; want none", plain.Trailer())
			}
		})
	}
	if (*status.Status)(nil).WithRetryDelay(time.Second) != nil || (*status.Status)(nil).WithRetryDelay(-1) != nil {
		t.Error("WithRetryDelay() of a nil Status returns a Status; want nil")
	}
	if _, ok := status.RetryDelay(nil); ok {
		t.Error("RetryDelay(nil) = true; want false")
	}
}

// packedAny returns info in an Any.
func packedAny(t *testing.T, info *errdetails.RetryInfo) *anypb.Any {
	t.Helper()
	a, err := anypb.New(info)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestRetryable checks that Retryable reports true for UNAVAILABLE with any code if there is
// no delay, and false for other errors.
func TestRetryable(t *testing.T) {
	for row := range codes.Default().All() {
		err := status.Error(row.Code, "")
		if got, want := status.Retryable(err), row.GRPCCode == grpccodes.Unavailable; got != want {
			t.Errorf("Retryable(%v) = %t; want %t", row.Code, got, want)
		}
		if status.Retryable(status.New(row.Code, "").WithRetryDelay(time.Second).Err()) {
			t.Errorf("Retryable(%v) = true with a delay; want false", row.Code)
		}
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                                {nil, false},
		"a plain error":                      {errors.New("x"), false},
		"a gRPC status":                      {grpcError(t, grpccodes.Unavailable, "x"), true},
		"cause of another code":              {status.Wrap(grpcError(t, grpccodes.Unavailable, "x"), codes.ServerInternal, ""), false},
		"wrapped":                            {fmt.Errorf("loading: %w", grpcError(t, grpccodes.Unavailable, "x")), true},
		"RESOURCE_EXHAUSTED without a delay": {grpcError(t, grpccodes.ResourceExhausted, "x"), false},
		"with a RetryInfo":                   {grpcError(t, grpccodes.Unavailable, "x", &errdetails.RetryInfo{RetryDelay: durationpb.New(1)}), false},
		"with a delay of 0":                  {grpcError(t, grpccodes.Unavailable, "x", &errdetails.RetryInfo{RetryDelay: durationpb.New(0)}), true},
		"with an empty RetryInfo":            {grpcError(t, grpccodes.Unavailable, "x", &errdetails.RetryInfo{}), true},
	} {
		if got := status.Retryable(tt.err); got != tt.want {
			t.Errorf("%s: Retryable() = %t; want %t", name, got, tt.want)
		}
	}
}

// TestPushbackIsSentOnce checks that an error that wraps an encoded error with a pushback
// gets no second pushback. Two pushbacks would forbid the retry.
func TestPushbackIsSentOnce(t *testing.T) {
	encoder := &status.Encoder{RetryPushback: true}
	inner := encoder.Encode(t.Context(), status.New(codes.Args, "").WithRetryDelay(time.Second).Err())
	outer := encoder.Encode(t.Context(), status.New(codes.SrvDatabase, "").WithRetryDelay(time.Minute).Wrap(inner.Err()))
	if inner.Trailer() == nil || outer.Trailer() != nil || outer.Code() != codes.Code(codes.SrvDatabase) {
		t.Errorf("Trailer() = %v, then %v; want one, then none", inner.Trailer(), outer.Trailer())
	}
}

// A delay pushes nothing back unless the Encoder says so.
func TestPushbackNeedsRetryPushback(t *testing.T) {
	err := status.New(codes.SrvNetwork, "").WithRetryDelay(time.Second).WithMetadata("Bad Key", "x").Err()
	for _, pushes := range []bool{false, true} {
		got := (&status.Encoder{RetryPushback: pushes}).Encode(t.Context(), err)
		if (got.Trailer() != nil) != pushes || len(got.DroppedKeys()) != 1 {
			t.Errorf("with RetryPushback %t: trailer %v, dropped keys %q", pushes, got.Trailer(), got.DroppedKeys())
		}
	}
}

// A pushback is sent once, also if the error isn't safe to run.
func TestPushbackIsSentOnceForUnsafeErrors(t *testing.T) {
	pushing := &status.Encoder{RetryPushback: true}
	inner := pushing.Encode(t.Context(), status.New(codes.SrvNetwork, "").WithRetryDelay(time.Second).Err()).Err()
	outer := status.New(codes.SrvNetwork, "").WithRetryDelay(time.Second).Wrap(errors.Join(inner, panicsInUnwrapping{}))
	if got := pushing.Encode(t.Context(), outer).Trailer(); got != nil {
		t.Errorf("Trailer() = %v; want none beside that of the error inside", got)
	}
}

// TestNegativeDelayReplacesARetryInfo checks that a Status that forbids retries has no RetryInfo,
// whoever gave it.
func TestNegativeDelayReplacesARetryInfo(t *testing.T) {
	wait := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}
	upstreams := status.Convert(received(t, grpccodes.Unavailable, "x", info("openim.io", "SDK_NETWORK", "10000"), wait))
	forbid := func(_ context.Context, st *status.Status) *status.Status { return st.WithRetryDelay(-1) }
	delay := func(_ context.Context, st *status.Status) *status.Status { return st.WithRetryDelay(time.Second) }
	for _, tt := range []struct {
		name    string
		err     error
		encoder status.Encoder
	}{
		{name: "own", err: status.New(codes.SdkNetwork, "").WithRetryDelay(time.Second).WithRetryDelay(-1).Err()},
		{name: "received", err: upstreams.WithRetryDelay(-1).Err()},
		{name: "received, amended", err: upstreams.Err(), encoder: status.Encoder{Amendments: []func(context.Context, *status.Status) *status.Status{forbid}}},
		{name: "amended twice", err: codes.SdkNetwork, encoder: status.Encoder{Amendments: []func(context.Context, *status.Status) *status.Status{delay, forbid}}},
	} {
		tt.encoder.RetryPushback = true
		encoded := tt.encoder.Encode(t.Context(), tt.err)
		if delay, ok := status.RetryDelay(status.FromGRPC(encoded.Status()).Err()); ok {
			t.Errorf("%s: sent RetryInfo with %v; want none", tt.name, delay)
		}
		if got := encoded.Trailer().Get("grpc-retry-pushback-ms"); len(got) != 1 || got[0] != "-1" {
			t.Errorf("%s: pushback %q; want -1", tt.name, got)
		}
	}
	if delay, ok := status.RetryDelay(upstreams.WithRetryDelay(-1).Err()); ok {
		t.Errorf("RetryDelay() = %v, true in this process; want false", delay)
	}
}
