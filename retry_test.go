package errstatus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// How long to wait: google.rpc.RetryInfo for who reads it, and the pushback for
// gRPC's native retries.

const pushbackField = "grpc-retry-pushback-ms"

// delays have what the pushback is to be for each. ok tells whether a RetryInfo is
// sent, and read.
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
	{math.MaxInt32*time.Millisecond - 1, "2147483647", true},
	{math.MaxInt32 * time.Millisecond, "2147483647", true},
	{math.MaxInt32*time.Millisecond + 1, "2147483647", true},
	{math.MaxInt64, "2147483647", true},
	{-1, "-1", false},
	{-time.Hour, "-1", false},
	{math.MinInt64, "-1", false},
}

func retryInfo(delay time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

// delayed is an error that is tried again, after a delay.
func delayed(delay time.Duration) error {
	return status.New(codes.SrvNetwork, "").WithRetryDelay(delay).Err()
}

// On the wire.

func TestPushbackIsInTheTrailersOnly(t *testing.T) {
	svc := returning(nil)
	conn := dialWire(t, svc, interceptor.WithRetryPushback())
	for _, tt := range delays {
		for _, k := range kinds {
			t.Run(fmt.Sprint(tt.delay, "/", k.name), func(t *testing.T) {
				svc.end(atOpen, delayed(tt.delay))
				checkPushback(t, answer(t, conn, k, ""), tt.pushback)
			})
		}
	}
}

// checkPushback wants one field, or none, in the one header block of an answer:
// one that has a block before its trailers is never tried again.
func checkPushback(t *testing.T, got *wiretest.Answer, want ...string) {
	t.Helper()
	if !got.TrailersOnly() {
		t.Errorf("%d header blocks: %v; want one that ends the call", len(got.Blocks), got.Blocks)
	}
	if diff := cmp.Diff(want, got.Trailers().Values(pushbackField)); diff != "" {
		t.Errorf("fields %s (-want +got):\n%s", pushbackField, diff)
	}
	failure(t, got)
}

func TestPushbackAfterMessagesIsInTheTrailers(t *testing.T) {
	svc := returning(nil)
	conn := dialWire(t, svc, interceptor.WithRetryPushback())
	for _, k := range []kind{kinds[2], kinds[3]} {
		svc.end(afterMessages, delayed(time.Second))
		got := answer(t, conn, k, "")
		if len(got.Blocks) != 2 || got.Blocks[0].Get(pushbackField) != "" {
			t.Errorf("%s: header blocks are %v; want two, and no pushback in the first", k.name, got.Blocks)
		}
		if diff := cmp.Diff([]string{"1000"}, got.Trailers().Values(pushbackField)); diff != "" {
			t.Errorf("%s: fields %s (-want +got):\n%s", k.name, pushbackField, diff)
		}
	}
}

// Two values forbid the retry, so the one who resolves the error sets it.
func TestPushbackOfTwoInterceptorsIsSetOnce(t *testing.T) {
	with, without := interceptor.ServerOptions(interceptor.WithRetryPushback()), interceptor.ServerOptions()
	tests := []struct {
		name         string
		outer, inner []grpc.ServerOption
		want         []string
	}{
		{"both", with, with, []string{"250"}},
		{"the inner one", without, with, []string{"250"}},
		{"the outer one, which doesn't resolve it", with, without, nil},
		{"none", without, without, nil},
	}
	for _, tt := range tests {
		svc := returning(delayed(250 * time.Millisecond))
		conn := dialWireOf(t, svc, append(tt.outer[:2:2], tt.inner...))
		for _, k := range kinds {
			t.Run(tt.name+"/"+k.name, func(t *testing.T) {
				checkPushback(t, answer(t, conn, k, ""), tt.want...)
			})
		}
	}
}

func TestPushbackIsOnlyForThoseWhoAskForIt(t *testing.T) {
	svc := returning(nil)
	conn := dialWire(t, svc)
	for _, tt := range delays {
		for _, k := range kinds {
			svc.end(atOpen, delayed(tt.delay))
			checkPushback(t, answer(t, conn, k, ""))
		}
	}
}

func TestPushbackIsThatOfTheStatusThatIsSent(t *testing.T) {
	st := status.New(codes.SrvNetwork, "")
	hour := st.WithRetryDelay(time.Hour)
	invalid := &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: -1}}
	tests := []struct {
		name     string
		handlers error
		want     []string
	}{
		{"a detail", st.WithDetails(retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a packed detail", st.WithDetails(packed(t, retryInfo(time.Second))).Err(), []string{"1000"}},
		{"the last of two details", st.WithDetails(retryInfo(time.Hour), retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a delay after a detail", st.WithDetails(retryInfo(time.Hour)).WithRetryDelay(time.Second).Err(), []string{"1000"}},
		{"a detail after a delay", hour.WithDetails(retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a detail after a negative delay", st.WithRetryDelay(-1).WithDetails(retryInfo(time.Second)).Err(), []string{"1000"}},
		{"a negative delay after a delay", hour.WithRetryDelay(-1).Err(), []string{"-1"}},
		{"more than a Duration holds", st.WithDetails(&errdetails.RetryInfo{
			RetryDelay: &durationpb.Duration{Seconds: 315_576_000_000},
		}).Err(), []string{"2147483647"}},
		{"other changes after it", hour.WithMetadata("field", "name").WithDetails(badRequest()).Err(), []string{"3600000"}},
		{"under %w", fmt.Errorf(secret+": %w", delayed(time.Second)), []string{"1000"}},
		{"around a cause", hour.Wrap(errors.New(secret)), []string{"3600000"}},
		{"around a cause with another delay", st.Wrap(delayed(time.Second)), nil},
		{"a detail without a duration", st.WithDetails(&errdetails.RetryInfo{}).Err(), nil},
		{"a detail with an invalid one", hour.WithDetails(invalid).Err(), nil},
		{"a code", codes.SrvNetwork, nil},
	}
	svc := returning(nil)
	conn := dialWire(t, svc, interceptor.WithRetryPushback())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, k := range kinds {
				svc.end(atOpen, tt.handlers)
				checkPushback(t, answer(t, conn, k, ""), tt.want...)
			}
		})
	}
}

// What came from upstream pushes nothing back: C's patience is not B's. A gRPC
// status made by gRPC's own package may have come over a connection without our
// interceptors.
func TestPushbackIsNeverThatOfAnUpstream(t *testing.T) {
	again := func(err error) *status.Status { return status.Convert(err) }
	tests := []struct {
		name string
		b    func(error) error
		info *errdetails.RetryInfo // that A gets
		want []string
	}{
		{"as it came", func(err error) error { return err }, retryInfo(time.Hour), nil},
		{"under %w", func(err error) error { return fmt.Errorf(secret+": %w", err) }, retryInfo(time.Hour), nil},
		{"as gRPC sees it", func(err error) error { return grpcstatus.Convert(err).Err() }, retryInfo(time.Hour), nil},
		{"made an error again", func(err error) error { return again(err).Err() }, retryInfo(time.Hour), nil},
		{"wrapped in a code", func(err error) error { return status.Wrap(err, codes.SrvNetwork, "") }, nil, nil},
		{
			"wrapped with a delay of B's",
			func(err error) error { return status.New(codes.SrvNetwork, "").WithRetryDelay(time.Second).Wrap(err) },
			retryInfo(time.Second), []string{"1000"},
		},
		{
			"with a delay of B's in its place",
			func(err error) error { return again(err).WithRetryDelay(time.Second).Err() },
			retryInfo(time.Second), []string{"1000"},
		},
		{
			"forbidden by B",
			func(err error) error { return again(err).WithRetryDelay(-1).Err() },
			nil, []string{"-1"},
		},
	}
	c := connect(t, returning(delayed(time.Hour)), interceptor.ServerOptions(interceptor.WithRetryPushback()), interceptor.DialOptions())
	b := returning(nil)
	conn := dialWire(t, b, interceptor.WithRetryPushback())
	for _, tt := range tests {
		for _, k := range kinds {
			t.Run(tt.name+"/"+k.name, func(t *testing.T) {
				b.script.Store(forwards(c, tt.b, k))
				got := answer(t, conn, k, "")
				checkPushback(t, got, tt.want...)
				info, _ := status.Detail[*errdetails.RetryInfo](grpcstatus.FromProto(failure(t, got)).Err())
				if diff := cmp.Diff(tt.info, info, protocmp.Transform()); diff != "" {
					t.Errorf("the RetryInfo that A gets (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// gRPC's native retries.

// backingOff is a service config of three attempts, with a wait between them.
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
	never = "600s"    // longer than a test: who waits it fails
	soon  = "0.0001s" // shorter than any pushback here
)

// A waited service notes how long it was left in peace between its calls.
type waited struct {
	mu    sync.Mutex
	last  time.Time
	pause []time.Duration
}

// service is one that fails with err.
func (w *waited) service(err error) *service {
	return running(func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if now := time.Now(); !w.last.IsZero() {
			w.pause = append(w.pause, now.Sub(w.last))
		}
		w.last = time.Now()
		return err
	})
}

// checkWaited wants so many pauses, none of them too short.
func (w *waited) checkWaited(t *testing.T, times int, delay time.Duration) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pause) != times {
		t.Errorf("%d attempts; want %d", len(w.pause)+1, times+1)
	}
	for _, pause := range w.pause {
		if pause < delay {
			t.Errorf("pauses between attempts are %v; want %v at least", w.pause, delay)
		}
	}
}

// inTime is for all calls of a test, and ends those that wait too long.
func inTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// twice installs something once more.
func twice[O any](options []O) []O { return append(options[:len(options):len(options)], options...) }

// silent are the four kinds of call, whose clients stream no message. Where the
// last attempt fails while one is being sent, that is told by SendMsg first, in
// grpc-go's own way; see the test of it.
var silent = []kind{
	kinds[0],
	{name: "client stream", call: func(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
		stream, err := client.StreamingInputCall(ctx, opts...)
		if err != nil {
			return 0, err
		}
		_, err = stream.CloseAndRecv()
		return 0, err
	}},
	kinds[2],
	{name: "bidi stream", success: io.EOF, call: func(ctx context.Context, client testgrpc.TestServiceClient, opts ...grpc.CallOption) (int, error) {
		stream, err := client.FullDuplexCall(ctx, opts...)
		if err != nil {
			return 0, err
		}
		return drain(stream.Recv)
	}},
}

func TestNativeRetriesWaitThePushback(t *testing.T) {
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
				t.Run(fmt.Sprint(in.name, "/backoff ", wait, "/", k.name), func(t *testing.T) {
					var w waited
					client := connect(t, w.service(delayed(delay)), in.server, append(in.client, backingOff(wait)))
					_, err := k.call(ctx, client)
					w.checkWaited(t, 2, delay)
					if got := status.Code(err); got != codes.SrvNetwork {
						t.Errorf("in the end the caller gets %v, code %v; want SrvNetwork", err, got)
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
		at       moment
		handlers error
		attempts int
	}{
		{"by a negative delay", pushing, atOpen, delayed(-1), 1},
		{"not by a delay of 0", pushing, atOpen, delayed(0), 3},
		{"not without the pushback", interceptor.ServerOptions(), atOpen, delayed(-1), 3},
		{"after a message", pushing, afterMessages, delayed(0), 1},
		{"for another canonical code", pushing, atOpen, status.New(codes.RecordNotFound, "").WithRetryDelay(0).Err(), 1},
	}
	for _, tt := range tests {
		streams := []kind{silent[2], silent[3]} // whose servers can send messages before they fail
		if tt.at != atOpen {
			streams = []kind{kinds[2], kinds[3]}
		}
		for _, k := range streams {
			for _, server := range [][]grpc.ServerOption{tt.server, twice(tt.server)} {
				t.Run(fmt.Sprint(tt.name, "/", k.name, "/", len(server)/2), func(t *testing.T) {
					svc := returning(nil)
					svc.end(tt.at, tt.handlers)
					client := connect(t, svc, server, append(interceptor.DialOptions(), backingOff(soon)))
					arrived, err := k.call(ctx, client)
					if got := int(svc.calls.Load()); got != tt.attempts {
						t.Errorf("%d attempts; want %d", got, tt.attempts)
					}
					if arrived != k.arrived(tt.at) || status.Code(err) != status.Code(tt.handlers) {
						t.Errorf("%d messages arrived, then %v; want %d, then %v", arrived, err, k.arrived(tt.at), tt.handlers)
					}
				})
			}
		}
	}
}

// C's pushback is for B alone, and C's RetryInfo doesn't make A wait.
func TestNativeRetriesDoNotWaitForAnUpstream(t *testing.T) {
	ctx := inTime(t)
	c := connect(t, returning(delayed(time.Hour)), interceptor.ServerOptions(interceptor.WithRetryPushback()), interceptor.DialOptions())
	for _, k := range silent {
		b := returning(nil)
		b.script.Store(forwards(c, func(err error) error { return err }, k))
		client := connect(t, b, interceptor.ServerOptions(interceptor.WithRetryPushback()), append(interceptor.DialOptions(), backingOff(soon)))
		_, err := k.call(ctx, client)
		if got := b.calls.Load(); got != 3 {
			t.Errorf("%s: B ran %d times; want 3", k.name, got)
		}
		if got, ok := status.RetryDelay(err); got != time.Hour || !ok {
			t.Errorf("%s: RetryDelay(%v) = %v, %t at A; want C's, an hour", k.name, err, got, ok)
		}
	}
}

// grpc-go wraps the io.EOF of a SendMsg with which the last attempt ends. It is to
// be found in the error still, and the status is Recv's to tell, as ever.
func TestSendOfTheLastAttemptIsEOF(t *testing.T) {
	ctx := inTime(t)
	client := connect(t, returning(delayed(0)), interceptor.ServerOptions(interceptor.WithRetryPushback()),
		append(interceptor.DialOptions(), backingOff(never)))
	stream, err := client.FullDuplexCall(ctx)
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	for err == nil {
		err = stream.Send(&testgrpc.StreamingOutputCallRequest{})
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("Send() = %v; want io.EOF in it", err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.SrvNetwork {
		t.Errorf("after Send's end, Recv() = %v; want SrvNetwork", err)
	}
}

// go-grpc-middleware's retries.

func TestMiddlewareRetriesWhatIsRetryable(t *testing.T) {
	ctx := inTime(t)
	ours, theirs := interceptor.DialOptions(), retrying()["middleware"]
	orders := map[string][]grpc.DialOption{
		"theirs outside":       append(theirs[:2:2], ours...),
		"theirs inside":        append(ours[:2:2], theirs...),
		"theirs between two":   append(append(ours[:2:2], theirs...), ours...),
		"theirs without ours":  theirs,
		"theirs outside twice": append(theirs[:2:2], twice(ours)...),
	}
	tests := []struct {
		name     string
		handlers error
		attempts int32
	}{
		{"UNAVAILABLE", codes.SrvNetwork, 3},
		{"UNAVAILABLE with a delay", delayed(time.Hour), 3},
		{"NOT_FOUND", codes.RecordNotFound, 1},
		{"NOT_FOUND with a delay", status.New(codes.RecordNotFound, "").WithRetryDelay(0).Err(), 3},
		{"NOT_FOUND with a negative delay", status.New(codes.RecordNotFound, "").WithRetryDelay(-1).Err(), 1},
		{"NOT_FOUND with a detail", status.New(codes.RecordNotFound, "").WithDetails(retryInfo(0)).Err(), 3},
		{"a bare status", grpcstatus.Error(grpccodes.Unavailable, "bare"), 3},
		{"a plain error", errors.New(secret), 1},
	}
	for order, client := range orders {
		for _, tt := range tests {
			for _, k := range []kind{kinds[0], kinds[2]} { // it retries no other kind
				t.Run(fmt.Sprint(order, "/", tt.name, "/", k.name), func(t *testing.T) {
					svc := returning(tt.handlers)
					k.call(ctx, connect(t, svc, interceptor.ServerOptions(interceptor.WithRetryPushback()), client))
					if got := svc.calls.Load(); got != tt.attempts {
						t.Errorf("%d attempts; want %d", got, tt.attempts)
					}
				})
			}
		}
	}
}

func TestMiddlewareRetriesUntilItSucceeds(t *testing.T) {
	ctx := inTime(t)
	for _, k := range []kind{kinds[0], kinds[2]} {
		failures := make(chan error, 2)
		failures <- delayed(0)
		failures <- codes.SdkNetwork
		close(failures)
		svc := running(func(context.Context) error { return <-failures })
		client := connect(t, svc, interceptor.ServerOptions(), append(retrying()["middleware"], interceptor.DialOptions()...))
		if _, err := k.call(ctx, client); err != k.success {
			t.Errorf("%s: after two failures the call ended with %v; want %v", k.name, err, k.success)
		}
	}
}

// What the caller reads.

func TestCallerReadsTheDelay(t *testing.T) {
	svc := returning(nil)
	client := connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for _, k := range kinds {
		for _, tt := range delays {
			svc.end(atOpen, delayed(tt.delay))
			_, err := k.call(t.Context(), client)
			checkDelay(t, k.name, err, tt.delay, tt.ok)
		}
	}
	for _, c := range everyCode(t) {
		svc.end(atOpen, status.New(c, "").WithRetryDelay(time.Second+1).Err())
		_, err := callUnary(t.Context(), client)
		checkDelay(t, c.String(), err, time.Second+1, true)
		if !status.Retryable(err) {
			t.Errorf("%v: Retryable(%v) = false, with a delay", c, err)
		}
	}
}

// checkDelay wants a delay, or none.
func checkDelay(t *testing.T, name string, err error, delay time.Duration, ok bool) {
	t.Helper()
	if !ok {
		delay = 0
	}
	if got, gotOK := status.RetryDelay(err); got != delay || gotOK != ok {
		t.Errorf("%s: RetryDelay(%v) = %v, %t; want %v, %t", name, err, got, gotOK, delay, ok)
	}
}

func TestHostileRetryInfoIsNone(t *testing.T) {
	const farthest = 315_576_000_000 // seconds, the most that google.protobuf.Duration may have
	info := func(d *durationpb.Duration) *anypb.Any { return packed(t, &errdetails.RetryInfo{RetryDelay: d}) }
	hostile := []struct {
		name  string
		info  *anypb.Any
		delay time.Duration
		ok    bool
	}{
		{"no duration", info(nil), 0, false},
		{"negative", info(&durationpb.Duration{Seconds: -1}), 0, false},
		{"negative by a nanosecond", info(&durationpb.Duration{Nanos: -1}), 0, false},
		{"of both signs", info(&durationpb.Duration{Seconds: 1, Nanos: -1}), 0, false},
		{"a second in nanoseconds", info(&durationpb.Duration{Nanos: 1e9}), 0, false},
		{"too many seconds", info(&durationpb.Duration{Seconds: farthest + 1}), 0, false},
		{"the most seconds that an int64 holds", info(&durationpb.Duration{Seconds: math.MaxInt64}), 0, false},
		{"the least seconds that an int64 holds", info(&durationpb.Duration{Seconds: math.MinInt64}), 0, false},
		{"bytes that are no RetryInfo", &anypb.Any{TypeUrl: info(nil).TypeUrl, Value: []byte("\xff")}, 0, false},
		{"more than a Duration of Go's holds", info(&durationpb.Duration{Seconds: farthest}), math.MaxInt64, true},
	}
	svc := returning(nil)
	client := connect(t, svc, nil, interceptor.DialOptions())
	for _, tt := range hostile {
		for _, c := range []grpccodes.Code{grpccodes.NotFound, grpccodes.Unavailable} {
			sent := canonical(t, c, "hostile")
			sent.Details = []*anypb.Any{tt.info}
			svc.end(atOpen, grpcstatus.FromProto(sent).Err())
			_, err := callUnary(t.Context(), client)
			checkDelay(t, tt.name, err, tt.delay, tt.ok)
			if got, want := status.Retryable(err), tt.ok || c == grpccodes.Unavailable; got != want {
				t.Errorf("%s: Retryable(%v) = %t; want %t", tt.name, err, got, want)
			}
			checkStatus(t, err, sent)
		}
	}
}

func TestRetryableIsUnavailable(t *testing.T) {
	ours, plain := returning(nil), returning(nil)
	fromOurs := connect(t, ours, interceptor.ServerOptions(), interceptor.DialOptions())
	fromPlain := connect(t, plain, nil, interceptor.DialOptions())
	check := func(name string, err error, want bool) {
		t.Helper()
		if got := status.Retryable(err); got != want {
			t.Errorf("%s: Retryable(%v) = %t; want %t", name, err, got, want)
		}
	}
	for _, c := range everyCode(t) {
		row, _ := codes.Default().Lookup(c.Number())
		want := row.GRPCCode == grpccodes.Unavailable
		check("a code", c, want)
		check("a Status", status.Wrap(errors.New(secret), c, ""), want)
		check("under %w", fmt.Errorf("again: %w", status.Error(c, "")), want)
		for _, k := range kinds {
			ours.end(atOpen, c)
			_, err := k.call(t.Context(), fromOurs)
			check("received by "+k.name, err, want)
			check("received, under %w", fmt.Errorf("again: %w", err), want)
		}
		plain.end(atOpen, grpcstatus.Error(grpccodes.Code(c), ""))
		_, err := callUnary(t.Context(), fromPlain)
		check("as a number", err, want)
	}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		bare := grpcstatus.Error(c, "bare")
		plain.end(atOpen, bare)
		_, err := callUnary(t.Context(), fromPlain)
		check("received bare", err, c == grpccodes.Unavailable)
		check("not decoded", bare, c == grpccodes.Unavailable)
	}
	for _, err := range []error{nil, codes.NoError, errors.New("plain"), io.EOF, context.Canceled, context.DeadlineExceeded} {
		check("no status", err, false)
	}
}

// The canonical code that came counts, not the one of this process's table.
func TestRetryableIsDecidedByTheWire(t *testing.T) {
	for c, want := range map[grpccodes.Code]bool{grpccodes.Unavailable: true, grpccodes.Aborted: false} {
		for _, code := range []codes.ErrorCode{codes.SrvNetwork, codes.RecordNotFound} {
			sent := stated(t, code, "")
			sent.Code = int32(c)
			err := receivedPlain(t, grpcstatus.FromProto(sent).Err())
			if got := status.Retryable(err); got != want || status.Code(err) != code {
				t.Errorf("Retryable(%v), received with %v, = %t; want %t, with code %v", err, c, got, want, code)
			}
		}
	}
}
