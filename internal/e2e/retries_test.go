package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// Retries. WithRetryDelay sends a RetryInfo, which callers can read. WithRetryPushback
// also sends grpc-retry-pushback-ms, the trailer that gRPC's native retries obey.

const pushbackField = "grpc-retry-pushback-ms"

// longest is the longest delay that is sent and read.
const longest = 24 * time.Hour

// delays has the pushback that is sent for each delay. The field ok reports whether a
// RetryInfo is sent, with a delay of longest at most.
var delays = []struct {
	delay    time.Duration
	pushback string
	ok       bool
}{
	{0, "0", true},
	{1, "1", true},
	{time.Millisecond - 1, "1", true},
	{time.Millisecond, "1", true},
	{time.Millisecond + 1, "2", true},
	{250 * time.Millisecond, "250", true},
	{90 * time.Second, "90000", true},
	{longest - 1, "86400000", true},
	{longest, "86400000", true},
	{longest + 1, "86400000", true},
	{math.MaxInt32 * time.Millisecond, "86400000", true},
	{math.MaxInt32*time.Millisecond + 1, "86400000", true},
	{math.MaxInt64, "86400000", true},
	{-1, "-1", false},
	{-time.Hour, "-1", false},
	{math.MinInt64, "-1", false},
}

func retryInfo(delay time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

// delayed returns an UNAVAILABLE error with a delay.
func delayed(delay time.Duration) error {
	return status.New(codes.SrvNetwork, "").WithRetryDelay(delay).Err()
}

// The pushback on the wire.

func TestPushbackIsInTheTrailersOnly(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithRetryPushback())
	for _, tt := range delays {
		for _, k := range testrpc.Kinds {
			t.Run(fmt.Sprint(tt.delay, "/", k.Name), func(t *testing.T) {
				svc.Return(testrpc.AtOpen, delayed(tt.delay))
				checkPushback(t, testrpc.Answer(t, conn, k), tt.pushback)
			})
		}
	}
}

// checkPushback checks the pushback fields of an answer. It also checks that the answer is
// one header block, because gRPC never retries after a separate block of response headers.
func checkPushback(t *testing.T, got *wiretest.Answer, want ...string) {
	t.Helper()
	if !got.TrailersOnly() {
		t.Errorf("the answer has %d header blocks: %v; want one that ends the call", len(got.Blocks), got.Blocks)
	}
	if diff := cmp.Diff(want, got.Trailers().Values(pushbackField)); diff != "" {
		t.Errorf("fields %s (-want +got):\n%s", pushbackField, diff)
	}
	testrpc.Failure(t, got)
}

func TestPushbackAfterMessagesIsInTheTrailers(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithRetryPushback())
	for _, k := range []testrpc.Kind{testrpc.ServerStream, testrpc.BidiStream} {
		svc.Return(testrpc.AfterMessages, delayed(time.Second))
		got := testrpc.Answer(t, conn, k)
		if len(got.Blocks) != 2 || got.Blocks[0].Get(pushbackField) != "" {
			t.Errorf("%s: the header blocks are %v; want two, without a pushback in the first", k.Name, got.Blocks)
		}
		if diff := cmp.Diff([]string{"1000"}, got.Trailers().Values(pushbackField)); diff != "" {
			t.Errorf("%s: fields %s (-want +got):\n%s", k.Name, pushbackField, diff)
		}
	}
}

// gRPC takes two pushback values as a ban on retries. So only the interceptor that encodes
// the error sets one.
func TestPushbackOfTwoInterceptorsIsSetOnce(t *testing.T) {
	with, without := interceptor.ServerOptions(interceptor.WithRetryPushback()), interceptor.ServerOptions()
	tests := []struct {
		name         string
		outer, inner []grpc.ServerOption
		want         []string
	}{
		{"both", with, with, []string{"250"}},
		{"the inner one", without, with, []string{"250"}},
		{"the outer one, which gets an encoded error", with, without, nil},
		{"none", without, without, nil},
	}
	for _, tt := range tests {
		svc := testrpc.Returning(delayed(250 * time.Millisecond))
		conn := testrpc.DialWireWith(t, svc, append(tt.outer[:2:2], tt.inner...))
		for _, k := range testrpc.Kinds {
			t.Run(tt.name+"/"+k.Name, func(t *testing.T) {
				checkPushback(t, testrpc.Answer(t, conn, k), tt.want...)
			})
		}
	}
}

func TestPushbackNeedsItsOption(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc)
	for _, tt := range delays {
		for _, k := range testrpc.Kinds {
			svc.Return(testrpc.AtOpen, delayed(tt.delay))
			checkPushback(t, testrpc.Answer(t, conn, k))
		}
	}
}

func TestPushbackFollowsTheSentRetryInfo(t *testing.T) {
	st := status.New(codes.SrvNetwork, "")
	hour := st.WithRetryDelay(time.Hour)
	invalid := &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: -1}}
	tests := []struct {
		name     string
		handlers error
		want     []string
	}{
		{"a detail", st.WithDetails(retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a packed detail", st.WithDetails(testrpc.Packed(t, retryInfo(time.Second))).Err(), []string{"1000"}},
		{"the last of two details", st.WithDetails(retryInfo(time.Hour), retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a delay after a detail", st.WithDetails(retryInfo(time.Hour)).WithRetryDelay(time.Second).Err(), []string{"1000"}},
		{"a detail after a delay", hour.WithDetails(retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a detail after a negative delay", st.WithRetryDelay(-1).WithDetails(retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a negative delay after a delay", hour.WithRetryDelay(-1).Err(), []string{"-1"}},
		{"more than a Duration holds", st.WithDetails(&errdetails.RetryInfo{
			RetryDelay: &durationpb.Duration{Seconds: 315_576_000_000},
		}).Err(), []string{"86400000"}},
		{"other changes after it", hour.WithMetadata("field", "name").WithDetails(testrpc.BadRequest()).Err(), []string{"3600000"}},
		{"under %w", fmt.Errorf(testrpc.Secret+": %w", delayed(time.Second)), []string{"1000"}},
		{"around a cause", hour.Wrap(errors.New(testrpc.Secret)), []string{"3600000"}},
		{"around a cause with another delay", st.Wrap(delayed(time.Second)), nil},
		{"a detail without a duration", st.WithDetails(&errdetails.RetryInfo{}).Err(), nil},
		{"a detail with an invalid duration", hour.WithDetails(invalid).Err(), nil},
		{"a code", codes.SrvNetwork, nil},
	}
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithRetryPushback())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, k := range testrpc.Kinds {
				svc.Return(testrpc.AtOpen, tt.handlers)
				checkPushback(t, testrpc.Answer(t, conn, k), tt.want...)
			}
		})
	}
}

// B forwards the delay that it received from C to A as a RetryInfo, and never as a
// pushback. This holds also for a gRPC status, because B may have received it over a
// connection without errstatus.
func TestUpstreamsDelayIsNeverAPushback(t *testing.T) {
	tests := []struct {
		name string
		b    func(error) error
		info *errdetails.RetryInfo // at A
		want []string
	}{
		{"unchanged", func(err error) error { return err }, retryInfo(time.Hour), nil},
		{"under %w", func(err error) error { return fmt.Errorf(testrpc.Secret+": %w", err) }, retryInfo(time.Hour), nil},
		{"as a gRPC status", func(err error) error { return grpcstatus.Convert(err).Err() }, retryInfo(time.Hour), nil},
		{"its Status as an error", func(err error) error { return status.Convert(err).Err() }, retryInfo(time.Hour), nil},
		{"wrapped in a code", func(err error) error { return status.Wrap(err, codes.SrvNetwork, "") }, nil, nil},
		{
			"wrapped, with B's delay",
			func(err error) error { return status.New(codes.SrvNetwork, "").WithRetryDelay(time.Second).Wrap(err) },
			retryInfo(time.Second), []string{"1000"},
		},
		{
			"with B's delay instead",
			func(err error) error { return status.Convert(err).WithRetryDelay(time.Second).Err() },
			retryInfo(time.Second), []string{"1000"},
		},
		{
			"with a negative delay of B instead",
			func(err error) error { return status.Convert(err).WithRetryDelay(-1).Err() },
			nil, []string{"-1"},
		},
	}
	c := testrpc.Connect(t, testrpc.Returning(delayed(time.Hour)), interceptor.ServerOptions(interceptor.WithRetryPushback()), interceptor.DialOptions())
	b := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, b, interceptor.WithRetryPushback())
	for _, tt := range tests {
		for _, k := range testrpc.Kinds {
			t.Run(tt.name+"/"+k.Name, func(t *testing.T) {
				b.Run(testrpc.AtOpen, forwards(c, tt.b, k))
				got := testrpc.Answer(t, conn, k)
				checkPushback(t, got, tt.want...)
				info, _ := status.Detail[*errdetails.RetryInfo](grpcstatus.FromProto(testrpc.Failure(t, got)).Err())
				if diff := cmp.Diff(tt.info, info, protocmp.Transform()); diff != "" {
					t.Errorf("the RetryInfo that A gets (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// gRPC's native retries obey the pushback.

// backingOff returns a service config of up to three attempts, with a pause of that
// many seconds before each retry.
func backingOff(seconds string) grpc.DialOption {
	return grpc.WithDefaultServiceConfig(fmt.Sprintf(`{"methodConfig": [{
		"name": [{"service": "grpc.testing.TestService"}],
		"retryPolicy": {
			"maxAttempts": 3, "initialBackoff": %[1]q, "maxBackoff": %[1]q, "backoffMultiplier": 1,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}]}`, seconds))
}

const (
	never = "600s"    // longer than any test runs
	soon  = "0.0001s" // shorter than any pushback in these tests
)

// A waited measures the pauses between the calls that a service gets.
type waited struct {
	mu    sync.Mutex
	last  time.Time
	pause []time.Duration
}

// service returns a service that fails with err.
func (w *waited) service(err error) *testrpc.Service {
	return testrpc.Running(func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if now := time.Now(); !w.last.IsZero() {
			w.pause = append(w.pause, now.Sub(w.last))
		}
		w.last = time.Now()
		return err
	})
}

// checkWaited checks the number of pauses, and that none is shorter than delay.
func (w *waited) checkWaited(t *testing.T, times int, delay time.Duration) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pause) != times {
		t.Errorf("the server ran %d attempts; want %d", len(w.pause)+1, times+1)
	}
	for _, pause := range w.pause {
		if pause < delay {
			t.Errorf("pauses between attempts are %v; want %v at least", w.pause, delay)
		}
	}
}

// inTime returns a context for all calls of a test. Its deadline ends calls that wait for
// the backoff instead of the pushback.
func inTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// twice returns the options twice, so that they install every interceptor twice.
func twice[O any](options []O) []O { return append(options[:len(options):len(options)], options...) }

// silent has the four kinds of call, with clients that stream no message. If the last
// attempt fails while a client sends a message, SendMsg returns the error first: see
// TestSendOfTheLastAttemptIsEOF.
var silent = []testrpc.Kind{
	testrpc.Unary,
	{Name: "client stream", Call: func(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
		stream, err := client.StreamingInputCall(ctx, opts...)
		if err != nil {
			return 0, err
		}
		_, err = stream.CloseAndRecv()
		return 0, err
	}},
	testrpc.ServerStream,
	{Name: "bidi stream", Success: io.EOF, Call: func(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
		stream, err := client.FullDuplexCall(ctx, opts...)
		if err != nil {
			return 0, err
		}
		return testrpc.Drain(stream.Recv)
	}},
}

func TestNativeRetriesWaitForThePushback(t *testing.T) {
	ctx := inTime(t)
	const delay = 10 * time.Millisecond
	server, client := interceptor.ServerOptions(interceptor.WithRetryPushback()), interceptor.DialOptions()
	installed := []struct {
		name   string
		server []grpc.ServerOption
		client []grpc.DialOption
	}{
		{"once", server, client},
		{"twice on the server", twice(server), client},
		{"twice on the client", server, twice(client)},
		{"twice on both", twice(server), twice(client)},
		{"on the server only", server, nil},
	}
	for _, in := range installed {
		for _, wait := range []string{never, soon} {
			for _, k := range silent {
				t.Run(fmt.Sprint(in.name, "/backoff ", wait, "/", k.Name), func(t *testing.T) {
					var w waited
					client := testrpc.Connect(t, w.service(delayed(delay)), in.server, append(in.client, backingOff(wait)))
					_, err := k.Call(ctx, client)
					w.checkWaited(t, 2, delay)
					if got := status.Code(err); got != codes.SrvNetwork {
						t.Errorf("after the last attempt the caller gets %v with code %v; want SrvNetwork", err, got)
					}
				})
			}
		}
	}
}

func TestNativeRetriesStop(t *testing.T) {
	ctx := inTime(t)
	pushing := interceptor.ServerOptions(interceptor.WithRetryPushback())
	tests := []struct {
		name     string
		server   []grpc.ServerOption
		at       testrpc.Moment
		handlers error
		attempts int
	}{
		{"for a negative delay", pushing, testrpc.AtOpen, delayed(-1), 1},
		{"not for a delay of 0", pushing, testrpc.AtOpen, delayed(0), 3},
		{"not without WithRetryPushback", interceptor.ServerOptions(), testrpc.AtOpen, delayed(-1), 3},
		{"after a message", pushing, testrpc.AfterMessages, delayed(0), 1},
		{"for another canonical code", pushing, testrpc.AtOpen, status.New(codes.RecordNotFound, "").WithRetryDelay(0).Err(), 1},
	}
	for _, tt := range tests {
		streams := []testrpc.Kind{silent[2], silent[3]} // only these can send messages before they fail
		if tt.at != testrpc.AtOpen {
			streams = []testrpc.Kind{testrpc.ServerStream, testrpc.BidiStream}
		}
		for _, k := range streams {
			for _, server := range [][]grpc.ServerOption{tt.server, twice(tt.server)} {
				t.Run(fmt.Sprint(tt.name, "/", k.Name, "/", len(server)/2), func(t *testing.T) {
					svc := testrpc.Returning(nil)
					svc.Return(tt.at, tt.handlers)
					client := testrpc.Connect(t, svc, server, append(interceptor.DialOptions(), backingOff(soon)))
					arrived, err := k.Call(ctx, client)
					if got := int(svc.Calls()); got != tt.attempts {
						t.Errorf("the server ran %d attempts; want %d", got, tt.attempts)
					}
					if arrived != k.Arrived(tt.at) || status.Code(err) != status.Code(tt.handlers) {
						t.Errorf("%d messages arrived, then %v; want %d, then %v", arrived, err, k.Arrived(tt.at), tt.handlers)
					}
				})
			}
		}
	}
}

// A gets no pushback for C's delay, so it retries at once.
func TestNativeRetriesIgnoreAnUpstreamsDelay(t *testing.T) {
	ctx := inTime(t)
	c := testrpc.Connect(t, testrpc.Returning(delayed(time.Hour)), interceptor.ServerOptions(interceptor.WithRetryPushback()), interceptor.DialOptions())
	for _, k := range silent {
		b := testrpc.Returning(nil)
		b.Run(testrpc.AtOpen, forwards(c, func(err error) error { return err }, k))
		client := testrpc.Connect(t, b, interceptor.ServerOptions(interceptor.WithRetryPushback()), append(interceptor.DialOptions(), backingOff(soon)))
		_, err := k.Call(ctx, client)
		if got := b.Calls(); got != 3 {
			t.Errorf("%s: B ran %d times; want 3", k.Name, got)
		}
		if got, ok := status.RetryDelay(err); got != time.Hour || !ok {
			t.Errorf("%s: RetryDelay(%v) = %v, %t at A; want the hour that C sent, true", k.Name, err, got, ok)
		}
	}
}

// If the last attempt ends in SendMsg, grpc-go wraps the io.EOF. errors.Is still finds
// it, and Recv returns the status, as always.
func TestSendOfTheLastAttemptIsEOF(t *testing.T) {
	ctx := inTime(t)
	client := testrpc.Connect(t, testrpc.Returning(delayed(0)), interceptor.ServerOptions(interceptor.WithRetryPushback()),
		append(interceptor.DialOptions(), backingOff(never)))
	stream, err := client.FullDuplexCall(ctx)
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	for err == nil {
		err = stream.Send(&testgrpc.StreamingOutputCallRequest{})
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("Send() = %v; want an error that wraps io.EOF", err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.SrvNetwork {
		t.Errorf("after Send returned io.EOF, Recv() = %v; want SrvNetwork", err)
	}
}

// go-grpc-middleware's retries follow status.Retryable.

func TestMiddlewareRetriesWhatIsRetryable(t *testing.T) {
	ctx := inTime(t)
	errstatus, retries := interceptor.DialOptions(), retrying()["middleware"]
	orders := map[string][]grpc.DialOption{
		"before errstatus":         append(retries[:2:2], errstatus...),
		"after errstatus":          append(errstatus[:2:2], retries...),
		"between two of errstatus": append(append(errstatus[:2:2], retries...), errstatus...),
		"without errstatus":        retries,
		"before errstatus twice":   append(retries[:2:2], twice(errstatus)...),
	}
	tests := []struct {
		name     string
		handlers error
		attempts int32
	}{
		{"UNAVAILABLE", codes.SrvNetwork, 3},
		{"UNAVAILABLE with a delay", delayed(time.Hour), 1}, // the middleware wouldn't wait for it
		{"UNAVAILABLE with a delay of 0", delayed(0), 3},
		{"UNAVAILABLE with a detail", status.New(codes.SrvNetwork, "").WithDetails(retryInfo(1)).Err(), 1},
		{"NOT_FOUND", codes.RecordNotFound, 1},
		{"NOT_FOUND with a delay", status.New(codes.RecordNotFound, "").WithRetryDelay(time.Hour).Err(), 1},
		{"NOT_FOUND with a delay of 0", status.New(codes.RecordNotFound, "").WithRetryDelay(0).Err(), 1},
		{"NOT_FOUND with a negative delay", status.New(codes.RecordNotFound, "").WithRetryDelay(-1).Err(), 1},
		{"a bare status", grpcstatus.Error(grpccodes.Unavailable, "bare"), 3},
		{"a plain error", errors.New(testrpc.Secret), 1},
	}
	for order, client := range orders {
		for _, tt := range tests {
			for _, k := range []testrpc.Kind{testrpc.Unary, testrpc.ServerStream} { // it retries only these kinds
				t.Run(fmt.Sprint(order, "/", tt.name, "/", k.Name), func(t *testing.T) {
					svc := testrpc.Returning(tt.handlers)
					k.Call(ctx, testrpc.Connect(t, svc, interceptor.ServerOptions(interceptor.WithRetryPushback()), client))
					if got := svc.Calls(); got != tt.attempts {
						t.Errorf("the server ran %d attempts; want %d", got, tt.attempts)
					}
				})
			}
		}
	}
}

func TestMiddlewareRetriesUntilItSucceeds(t *testing.T) {
	ctx := inTime(t)
	for _, k := range []testrpc.Kind{testrpc.Unary, testrpc.ServerStream} {
		failures := make(chan error, 2)
		failures <- delayed(0)
		failures <- codes.SdkNetwork
		close(failures)
		svc := testrpc.Running(func(context.Context) error { return <-failures })
		client := testrpc.Connect(t, svc, interceptor.ServerOptions(), append(retrying()["middleware"], interceptor.DialOptions()...))
		if _, err := k.Call(ctx, client); err != k.Success {
			t.Errorf("%s: after two failures the call ended with %v; want %v", k.Name, err, k.Success)
		}
	}
}

// What the caller reads: RetryDelay and Retryable.

func TestCallerReadsTheDelay(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for _, k := range testrpc.Kinds {
		for _, tt := range delays {
			svc.Return(testrpc.AtOpen, delayed(tt.delay))
			_, err := k.Call(t.Context(), client)
			checkDelay(t, k.Name, err, min(tt.delay, longest), tt.ok)
			if got, want := status.Retryable(err), !tt.ok || tt.delay == 0; got != want {
				t.Errorf("%s: Retryable(%v), received with a delay of %v, = %t; want %t", k.Name, err, tt.delay, got, want)
			}
		}
	}
	for _, c := range testrpc.EveryCode(t) {
		svc.Return(testrpc.AtOpen, status.New(c, "").WithRetryDelay(time.Second+1).Err())
		_, err := testrpc.CallUnary(t.Context(), client)
		checkDelay(t, c.String(), err, time.Second+1, true)
		if status.Retryable(err) {
			t.Errorf("%v: Retryable(%v) = true; want false, because of the delay", c, err)
		}
	}
}

// checkDelay checks the results of RetryDelay. If ok is false, it wants no delay.
func checkDelay(t *testing.T, name string, err error, delay time.Duration, ok bool) {
	t.Helper()
	if !ok {
		delay = 0
	}
	if got, gotOK := status.RetryDelay(err); got != delay || gotOK != ok {
		t.Errorf("%s: RetryDelay(%v) = %v, %t; want %v, %t", name, err, got, gotOK, delay, ok)
	}
}

func TestInvalidRetryInfoIsIgnored(t *testing.T) {
	const farthest = 315_576_000_000 // the largest number of seconds that google.protobuf.Duration allows
	info := func(d *durationpb.Duration) *anypb.Any {
		return testrpc.Packed(t, &errdetails.RetryInfo{RetryDelay: d})
	}
	tests := []struct {
		name  string
		info  *anypb.Any
		delay time.Duration
		ok    bool
	}{
		{"no duration", info(nil), 0, false},
		{"negative seconds", info(&durationpb.Duration{Seconds: -1}), 0, false},
		{"negative by a nanosecond", info(&durationpb.Duration{Nanos: -1}), 0, false},
		{"seconds and nanoseconds of different signs", info(&durationpb.Duration{Seconds: 1, Nanos: -1}), 0, false},
		{"a second in nanoseconds", info(&durationpb.Duration{Nanos: 1e9}), 0, false},
		{"too many seconds", info(&durationpb.Duration{Seconds: farthest + 1}), 0, false},
		{"the largest int64", info(&durationpb.Duration{Seconds: math.MaxInt64}), 0, false},
		{"the smallest int64", info(&durationpb.Duration{Seconds: math.MinInt64}), 0, false},
		{"malformed RetryInfo", &anypb.Any{TypeUrl: info(nil).TypeUrl, Value: []byte("\xff")}, 0, false},
		{"more than a time.Duration holds", info(&durationpb.Duration{Seconds: farthest}), longest, true},
		{"a nanosecond more than 24 hours", info(&durationpb.Duration{Seconds: 86_400, Nanos: 1}), longest, true},
		{"24 hours", info(&durationpb.Duration{Seconds: 86_400}), longest, true},
		{"a nanosecond less than 24 hours", info(&durationpb.Duration{Seconds: 86_399, Nanos: 999_999_999}), longest - 1, true},
		{"no delay", info(&durationpb.Duration{}), 0, true},
	}
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
	for _, tt := range tests {
		for _, c := range []grpccodes.Code{grpccodes.NotFound, grpccodes.Unavailable} {
			sent := testrpc.Canonical(t, c, "invalid delay")
			sent.Details = []*anypb.Any{tt.info}
			svc.Return(testrpc.AtOpen, grpcstatus.FromProto(sent).Err())
			_, err := testrpc.CallUnary(t.Context(), client)
			checkDelay(t, tt.name, err, tt.delay, tt.ok)
			if got, want := status.Retryable(err), tt.delay == 0 && c == grpccodes.Unavailable; got != want {
				t.Errorf("%s: Retryable(%v) = %t; want %t", tt.name, err, got, want)
			}
			testrpc.CheckStatus(t, err, sent)
		}
	}
}

func TestRetryableIsTrueForUnavailable(t *testing.T) {
	withErrstatus, plain := testrpc.Returning(nil), testrpc.Returning(nil)
	fromErrstatus := testrpc.Connect(t, withErrstatus, interceptor.ServerOptions(), interceptor.DialOptions())
	fromPlain := testrpc.Connect(t, plain, nil, interceptor.DialOptions())
	check := func(name string, err error, want bool) {
		t.Helper()
		if got := status.Retryable(err); got != want {
			t.Errorf("%s: Retryable(%v) = %t; want %t", name, err, got, want)
		}
	}
	for _, c := range testrpc.EveryCode(t) {
		row, _ := codes.Default().Lookup(c.Number())
		want := row.GRPCCode == grpccodes.Unavailable
		check("a code", c, want)
		check("a Status", status.Wrap(errors.New(testrpc.Secret), c, ""), want)
		check("under %w", fmt.Errorf("again: %w", status.Error(c, "")), want)
		for _, k := range testrpc.Kinds {
			withErrstatus.Return(testrpc.AtOpen, c)
			_, err := k.Call(t.Context(), fromErrstatus)
			check("received by "+k.Name, err, want)
			check("received, under %w", fmt.Errorf("again: %w", err), want)
		}
		plain.Return(testrpc.AtOpen, grpcstatus.Error(grpccodes.Code(c), ""))
		_, err := testrpc.CallUnary(t.Context(), fromPlain)
		check("a raw number", err, want)
	}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		bare := grpcstatus.Error(c, "bare")
		plain.Return(testrpc.AtOpen, bare)
		_, err := testrpc.CallUnary(t.Context(), fromPlain)
		check("received bare", err, c == grpccodes.Unavailable)
		check("not decoded", bare, c == grpccodes.Unavailable)
	}
	for _, err := range []error{nil, codes.NoError, errors.New("plain"), io.EOF, context.Canceled, context.DeadlineExceeded} {
		check("no status", err, false)
	}
}

// Retryable follows the received canonical code, not the row of the reader's table.
func TestRetryableFollowsTheReceivedCanonicalCode(t *testing.T) {
	for c, want := range map[grpccodes.Code]bool{grpccodes.Unavailable: true, grpccodes.Aborted: false} {
		for _, code := range []codes.ErrorCode{codes.SrvNetwork, codes.RecordNotFound} {
			sent := testrpc.Carrying(t, code, "")
			sent.Code = int32(c)
			err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err())
			if got := status.Retryable(err); got != want || status.Code(err) != code {
				t.Errorf("Retryable(%v), received with %v, = %t; want %t, with code %v", err, c, got, want, code)
			}
		}
	}
}

// Native retries and go-grpc-middleware's, in any order with errstatus.

// unavailable is a service config of up to three attempts while a call fails with
// UNAVAILABLE.
const unavailable = `{"methodConfig": [{
	"name": [{"service": "grpc.testing.TestService"}],
	"retryPolicy": {
		"maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

func TestRetriesMakeTheirAttempts(t *testing.T) {
	opts := []retry.CallOption{
		retry.WithMax(3),
		retry.WithCodes(grpccodes.Unavailable),
		retry.WithBackoff(func(context.Context, uint) time.Duration { return 0 }),
	}
	retrying := []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(retry.UnaryClientInterceptor(opts...)),
		grpc.WithChainStreamInterceptor(retry.StreamClientInterceptor(opts...)),
	}
	errstatus := interceptor.DialOptions
	native := grpc.WithDefaultServiceConfig(unavailable)

	clients := []struct {
		name    string
		options []grpc.DialOption
	}{
		{"middleware before errstatus", append(retrying, errstatus()...)},
		{"middleware after errstatus", append(errstatus(), retrying...)},
		{"native", append(errstatus(), native)},
		{"native with errstatus twice", append(append(errstatus(), errstatus()...), native)},
	}
	errs := []struct {
		code     codes.ErrorCode
		attempts int32
	}{
		{codes.SrvNetwork, 3},
		{codes.RecordNotFound, 1},
	}
	for _, cc := range clients {
		for _, tt := range errs {
			for _, k := range []testrpc.Kind{testrpc.Unary, testrpc.ServerStream} { // the middleware retries only these kinds
				t.Run(fmt.Sprint(cc.name, "/", tt.code, "/", k.Name), func(t *testing.T) {
					svc := testrpc.Returning(tt.code)
					_, err := k.Call(t.Context(), testrpc.Connect(t, svc, interceptor.ServerOptions(), cc.options))
					if got := svc.Calls(); got != tt.attempts {
						t.Errorf("the server ran %d attempts; want %d", got, tt.attempts)
					}
					if status.Code(err) != tt.code || !errors.Is(err, tt.code) {
						t.Errorf("after the last attempt the caller gets %v; want %v", err, tt.code)
					}
				})
			}
		}
	}
}

func TestTextOfExhaustedRetriesIsKept(t *testing.T) {
	client := testrpc.Connect(t, testrpc.Returning(codes.SrvNetwork), interceptor.ServerOptions(),
		append(interceptor.DialOptions(), grpc.WithDefaultServiceConfig(unavailable)))
	_, err := testrpc.CallUnary(t.Context(), client)
	if !strings.Contains(err.Error(), "retries exhausted") || !strings.Contains(err.Error(), "SrvNetwork") {
		t.Errorf("Error() = %q; want the code's name and gRPC's text about its retries", err)
	}
	row, _ := codes.Default().Lookup(codes.SrvNetwork.Number())
	if got := status.Convert(err).Message(); got != row.Message {
		t.Errorf("Message() = %q; want %q", got, row.Message)
	}
}
