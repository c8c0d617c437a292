package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// What callers ask of an error without knowing codes: a package's own sentinels, and whether
// to retry. And what handlers say with %w.

// Sentinels of a package whose implementation calls another service.
var (
	errNotFound = errors.New("store: not found")
	errMissing  = errors.New("store: missing")
	errTaken    = errors.New("store: taken")
	errAsleep   = errors.New("store: asleep")
	errUnknown  = errors.New("store: unknown")
)

func sentinels() []interceptor.ClientOption {
	return []interceptor.ClientOption{
		interceptor.WithSentinel(errNotFound, codes.RecordNotFound),
		interceptor.WithSentinel(errMissing, codes.RecordNotFound), // two for one code
		interceptor.WithSentinel(errTaken, codes.DuplicateKey),
		interceptor.WithSentinel(errMissing, codes.SdkUserIDNotFound), // one for two codes
		interceptor.WithSentinel(errAsleep, testrpc.PetAsleep),
		interceptor.WithSentinel(errUnknown, codes.SdkUnknownCode), // not for a status that carries no code
	}
}

// found returns the sentinels that errors.Is finds.
func found(err error) (all []error) {
	for _, s := range []error{errNotFound, errMissing, errTaken, errAsleep, errUnknown} {
		if errors.Is(err, s) {
			all = append(all, s)
		}
	}
	return all
}

func TestSentinelIsFoundForACarriedCode(t *testing.T) {
	both := []error{errNotFound, errMissing}
	rich := testrpc.Canonical(t, grpccodes.Aborted, "x", testrpc.ErrorInfo(codes.RecordNotFound), testrpc.BadRequest())
	foreign := testrpc.Canonical(t, grpccodes.NotFound, "x", &errdetails.ErrorInfo{Reason: "RECORD_NOT_FOUND", Domain: "shop.example", Metadata: map[string]string{"code": "1004"}})
	pet := func(c testrpc.PetCode) error {
		return grpcstatus.FromProto(testrpc.Carrying(t, c, "")).Err()
	}
	pets := []interceptor.ClientOption{interceptor.WithTable(codes.Default()), interceptor.WithTable(testrpc.Pets)}
	assumed := []interceptor.ClientOption{interceptor.WithAssumedCodes()}
	for _, tt := range []struct {
		name string
		sent error
		opts []interceptor.ClientOption
		want []error
	}{
		{"a code", grpcstatus.FromProto(testrpc.Carrying(t, codes.RecordNotFound, "x")).Err(), nil, both},
		{"with details, another canonical code", grpcstatus.FromProto(rich).Err(), nil, both},
		{"a raw number", grpcstatus.Error(1004, "x"), nil, both},
		{"one for two codes", grpcstatus.FromProto(testrpc.Carrying(t, codes.SdkUserIDNotFound, "x")).Err(), nil, []error{errMissing}},
		{"another code", grpcstatus.FromProto(testrpc.Carrying(t, codes.DuplicateKey, "x")).Err(), nil, []error{errTaken}},
		{"a code without a sentinel", grpcstatus.FromProto(testrpc.Carrying(t, codes.Args, "x")).Err(), nil, nil},
		{"another domain", pet(testrpc.PetAsleep), pets, []error{errAsleep}},
		{"another domain with the same number", pet(testrpc.PetRanAway), pets, nil},
		{"another domain that isn't known", pet(testrpc.PetAsleep), nil, nil},
		{"the UNKNOWN default, carried", grpcstatus.FromProto(testrpc.Carrying(t, codes.SdkUnknownCode, "x")).Err(), nil, []error{errUnknown}},
		{"a bare UNKNOWN", grpcstatus.Error(grpccodes.Unknown, "x"), nil, nil},
		{"an assumed UNKNOWN", grpcstatus.Error(grpccodes.Unknown, "x"), assumed, []error{errUnknown}},
		{"a bare NOT_FOUND", grpcstatus.Error(grpccodes.NotFound, "x"), nil, nil},
		{"a foreign NOT_FOUND", grpcstatus.FromProto(foreign).Err(), nil, nil},
		{"an assumed NOT_FOUND", grpcstatus.Error(grpccodes.NotFound, "x"), assumed, both},
		{"an assumed ALREADY_EXISTS", grpcstatus.Error(grpccodes.AlreadyExists, "x"), assumed, []error{errTaken}},
		{"a foreign NOT_FOUND, assuming", grpcstatus.FromProto(foreign).Err(), assumed, nil},
		{"an ignored number", grpcstatus.Error(1004, "x"), []interceptor.ClientOption{interceptor.WithOpenIMNumbersIgnored()}, nil},
	} {
		svc := testrpc.Returning(tt.sent)
		client := testrpc.Connect(t, svc, nil, interceptor.DialOptions(append(sentinels(), tt.opts...)...))
		without := testrpc.Connect(t, svc, nil, interceptor.DialOptions(tt.opts...))
		for _, k := range testrpc.Kinds {
			_, err := k.Call(t.Context(), client)
			wrapped := fmt.Errorf("loading: %w", err)
			joined := errors.Join(io.ErrUnexpectedEOF, err)
			for _, err := range []error{err, wrapped, joined} {
				if got := found(err); fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("%s, %s: errors.Is finds %q in %v; want %q", tt.name, k.Name, got, err, tt.want)
				}
			}
			if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, %s: errors.Is finds io.EOF or a context error in %v; want neither", tt.name, k.Name, err)
			}
			_, other := k.Call(t.Context(), without)
			if got := found(other); got != nil {
				t.Errorf("%s, %s: without the option errors.Is finds %q; want nothing", tt.name, k.Name, got)
			}
			if err.Error() != other.Error() || status.Code(err) != status.Code(other) || !errors.Is(err, status.Code(err)) && tt.want != nil {
				t.Errorf("%s, %s: with sentinels the error is %v, code %v; want no other than without: %v", tt.name, k.Name, err, status.Code(err), other)
			}
		}
	}
}

// The code of a sentinel may be given in any form that a table's code has.
func TestSentinelOfAPointerToACode(t *testing.T) {
	target := errors.New("asleep")
	sent := grpcstatus.FromProto(testrpc.Carrying(t, testrpc.PetAsleep, "")).Err()
	for name, code := range map[string]codes.Code{
		"a pointer":   pointerTo(testrpc.PetAsleep),
		"an embedded": struct{ testrpc.PetCode }{testrpc.PetAsleep},
	} {
		err := testrpc.ReceivedFromPlain(t, sent, interceptor.WithTable(testrpc.Pets), interceptor.WithSentinel(target, code))
		if !errors.Is(err, target) {
			t.Errorf("%s code: errors.Is doesn't find the sentinel in %v", name, err)
		}
	}
}

// A sentinel is for callers: the rules of a server that forwards don't see it. What B sends
// doesn't depend on the sentinels of its connections.
func TestSentinelIsInvisibleToErrorMappings(t *testing.T) {
	testrpc.CaptureLog(t)
	mappings := []interceptor.ServerOption{
		interceptor.WithErrorMapping(errNotFound, codes.SrvData),
		interceptor.WithErrorMapping(errMissing, codes.SrvDatabase),
		interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.SrvNetwork),
	}
	ofs := map[string]func(error) error{
		"unchanged": func(err error) error { return err },
		"under %w":  func(err error) error { return fmt.Errorf("a: %w", fmt.Errorf("b: %w", err)) },
		"joined":    func(err error) error { return errors.Join(errors.New("a"), err) },
	}
	for _, trust := range trusts {
		c := testrpc.Returning(codes.RecordNotFound)
		with := testrpc.Connect(t, c, interceptor.ServerOptions(), interceptor.DialOptions(append(sentinels(), interceptor.WithUpstreamTrust(trust))...))
		for name, of := range ofs {
			for _, k := range testrpc.Kinds {
				b := testrpc.Connect(t, testrpc.Running(forwards(with, of, k)), interceptor.ServerOptions(mappings...), nil)
				_, err := k.Call(t.Context(), b)
				want := testrpc.Carrying(t, codes.RecordNotFound, "")
				if trust == status.TrustNone {
					want = testrpc.Carrying(t, codes.ServerInternal, "")
				}
				if diff := cmp.Diff(want, grpcstatus.Convert(err).Proto(), protocmp.Transform()); diff != "" {
					t.Errorf("%v, %s, %s: what B sends (-want +got):\n%s", trust, name, k.Name, diff)
				}
			}
		}
		// the package's own error is mapped, and so is one that it wraps around the received error
		for name, of := range map[string]func(error) error{
			"its own":   func(error) error { return errNotFound },
			"around it": func(err error) error { return fmt.Errorf("%w: %w", errNotFound, err) },
			"after it":  func(err error) error { return errors.Join(err, errNotFound) },
		} {
			b := testrpc.Connect(t, testrpc.Running(forwards(with, of, testrpc.Unary)), interceptor.ServerOptions(mappings...), nil)
			_, err := testrpc.CallUnary(t.Context(), b)
			testrpc.CheckStatus(t, err, testrpc.Carrying(t, codes.SrvData, ""))
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
}

// A function that calls errors.Is sees them, as any code of this process does.
func TestSentinelIsVisibleToAnErrorMapper(t *testing.T) {
	c := testrpc.Connect(t, testrpc.Returning(codes.RecordNotFound), interceptor.ServerOptions(), interceptor.DialOptions(sentinels()...))
	mapper := interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
		if errors.Is(err, errNotFound) {
			return status.New(codes.SrvData, "mapped")
		}
		return nil
	})
	b := testrpc.Connect(t, testrpc.Running(forwards(c, func(err error) error { return err }, testrpc.Unary)), interceptor.ServerOptions(mapper), nil)
	_, err := testrpc.CallUnary(t.Context(), b)
	testrpc.CheckStatus(t, err, testrpc.Carrying(t, codes.SrvData, "mapped"))
}

// A restated error has the sentinels of the error that it wraps.
func TestSentinelOfARestatedError(t *testing.T) {
	err := testrpc.Received(t, codes.RecordNotFound, sentinels()...)
	if again := status.Convert(err).WithMessage("my words").Wrap(err); !errors.Is(again, errNotFound) {
		t.Errorf("errors.Is doesn't find the sentinel in %+v", again)
	}
	if same := status.Convert(err).Err(); !errors.Is(same, errNotFound) {
		t.Errorf("errors.Is doesn't find the sentinel in Convert(err).Err(), %+v", same)
	}
}

// A tableless is a code that has no table.
type tableless int32

func (c tableless) Number() codes.Number { return codes.Number(c) }
func (c tableless) Table() *codes.Table  { return nil }
func (c tableless) Error() string        { return "tableless" }

func TestWrongSentinelsPanic(t *testing.T) {
	good := errors.New("good")
	for name, f := range map[string]func(){
		"a nil target":            func() { interceptor.WithSentinel(nil, codes.Args) },
		"an uncomparable target":  func() { interceptor.WithSentinel(bush{}, codes.Args) },
		"a nil code":              func() { interceptor.WithSentinel(good, nil) },
		"NoError":                 func() { interceptor.WithSentinel(good, codes.NoError) },
		"a negative code":         func() { interceptor.WithSentinel(good, codes.ErrorCode(-1)) },
		"a code without a table":  func() { interceptor.WithSentinel(good, tableless(7)) },
		"io.EOF":                  func() { interceptor.WithSentinel(io.EOF, codes.Args) },
		"io.EOF, wrapped":         func() { interceptor.WithSentinel(fmt.Errorf("end: %w", io.EOF), codes.Args) },
		"context.Canceled":        func() { interceptor.WithSentinel(context.Canceled, codes.Args) },
		"context.Canceled joined": func() { interceptor.WithSentinel(fmt.Errorf("%w: %w", good, context.Canceled), codes.Args) },
		"a deadline":              func() { interceptor.WithSentinel(context.DeadlineExceeded, codes.Args) },
		"a code":                  func() { interceptor.WithSentinel(codes.Args, codes.RecordNotFound) },
		"the same code":           func() { interceptor.WithSentinel(codes.Args, codes.Args) },
		"a code, wrapped":         func() { interceptor.WithSentinel(fmt.Errorf("a: %w", codes.Args), codes.RecordNotFound) },
		"a Status error":          func() { interceptor.WithSentinel(status.Error(codes.Args, "a"), codes.RecordNotFound) },
		"a received code":         func() { interceptor.WithSentinel(testrpc.Received(t, codes.Args), codes.RecordNotFound) },
		"a code without a row":    func() { interceptor.DialOptions(interceptor.WithSentinel(good, codes.ErrorCode(1305))) },
		"without a row, unary":    func() { interceptor.UnaryClient(interceptor.WithSentinel(good, codes.ErrorCode(1305))) },
		"without a row, stream":   func() { interceptor.StreamClient(interceptor.WithSentinel(good, codes.ErrorCode(1305))) },
	} {
		checkPanics(t, name, "WithSentinel", f)
	}
	// the text names the code that the target states
	checkPanics(t, "a code", "the target states Args itself", func() { interceptor.WithSentinel(codes.Args, codes.RecordNotFound) })

	// these are fine, in either order
	own := interceptor.WithTable(codes.Default().MustWithRows(codes.Row{Code: codes.ErrorCode(1305), Reason: "NEW", GRPCCode: grpccodes.NotFound, Message: "new"}))
	interceptor.DialOptions(own, interceptor.WithSentinel(good, codes.ErrorCode(1305)))
	interceptor.DialOptions(interceptor.WithSentinel(good, codes.ErrorCode(1305)), own)
}

// Retryable: UNAVAILABLE without a delay, whoever sent it.
func TestRetryableIsUnavailableWithoutADelay(t *testing.T) {
	for _, c := range canonicalCodes() {
		for form, carry := range map[string]func(details ...*errdetails.RetryInfo) *spb.Status{
			"carrying": func(details ...*errdetails.RetryInfo) *spb.Status { return withDelays(t, c, details, true) },
			"bare":     func(details ...*errdetails.RetryInfo) *spb.Status { return withDelays(t, c, details, false) },
		} {
			for _, tt := range []struct {
				name  string
				infos []*errdetails.RetryInfo
				want  bool // for UNAVAILABLE
			}{
				{"no delay", nil, true},
				{"a delay of 0", []*errdetails.RetryInfo{retryInfo(0)}, true},
				{"a delay", []*errdetails.RetryInfo{retryInfo(time.Nanosecond)}, false},
				{"a long delay", []*errdetails.RetryInfo{retryInfo(1000 * time.Hour)}, false},
				{"a negative delay, which is invalid", []*errdetails.RetryInfo{retryInfo(-time.Second)}, true},
			} {
				svc := testrpc.Returning(grpcstatus.FromProto(carry(tt.infos...)).Err())
				client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
				for _, k := range replayed {
					_, err := k.Call(t.Context(), client)
					want := tt.want && c == grpccodes.Unavailable
					for _, err := range []error{err, fmt.Errorf("a: %w", err), grpcstatus.FromProto(carry(tt.infos...)).Err(), status.Convert(err).WithMessage("m").Wrap(err)} {
						if got := status.Retryable(err); got != want {
							t.Errorf("%v, %s, %s, %s: Retryable(%v) = %t; want %t", c, form, tt.name, k.Name, err, got, want)
						}
					}
				}
			}
		}
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":              {nil, false},
		"plain":            {errors.New("x"), false},
		"a code":           {codes.SrvNetwork, true},
		"a delay":          {status.New(codes.SrvNetwork, "").WithRetryDelay(time.Second).Err(), false},
		"a delay of 0":     {status.New(codes.SrvNetwork, "").WithRetryDelay(0).Err(), true},
		"a negative delay": {status.New(codes.SrvNetwork, "").WithRetryDelay(-1).Err(), false},
		"another code":     {status.New(codes.Args, "").WithRetryDelay(time.Second).Err(), false},
	} {
		if got := status.Retryable(tt.err); got != tt.want {
			t.Errorf("%s: Retryable(%v) = %t; want %t", name, tt.err, got, tt.want)
		}
	}
}

// withDelays returns a status with RetryInfos.
func withDelays(t *testing.T, c grpccodes.Code, infos []*errdetails.RetryInfo, carries bool) *spb.Status {
	st := testrpc.Canonical(t, c, "m")
	if carries {
		st = testrpc.Canonical(t, c, "m", testrpc.ErrorInfo(codes.RecordNotFound))
	}
	for _, info := range infos {
		st.Details = append(st.Details, testrpc.Packed(t, info))
	}
	return st
}

// go-grpc-middleware's retries, which wait for no delay, don't retry a call that has one.
func TestMiddlewareDoesNotRetryADelay(t *testing.T) {
	ctx := inTime(t)
	client := append(retrying()["middleware"], interceptor.DialOptions()...)
	for name, tt := range map[string]struct {
		handlers error
		attempts int32
	}{
		"UNAVAILABLE":              {codes.SrvNetwork, 3},
		"UNAVAILABLE with a delay": {status.New(codes.SrvNetwork, "").WithRetryDelay(time.Hour).Err(), 1},
		"NOT_FOUND with a delay":   {status.New(codes.RecordNotFound, "").WithRetryDelay(time.Second).Err(), 1},
	} {
		svc := testrpc.Returning(tt.handlers)
		testrpc.CallUnary(ctx, testrpc.Connect(t, svc, interceptor.ServerOptions(), client))
		if got := svc.Calls(); got != tt.attempts {
			t.Errorf("%s: the server ran %d attempts; want %d", name, got, tt.attempts)
		}
	}
}

// The operand of %w is the cause: callers read the message without it, and this process has
// it in the event.
func TestOperandOfWrapVerbIsNotSent(t *testing.T) {
	private := canaryError{"dsn"}
	second := canaryError{"other"}
	id := 42
	for name, tt := range map[string]struct {
		err  error
		want string // "" for the row's
		both bool
	}{
		"Errorf":             {status.Errorf(codes.SrvDatabase, "user %d: %w", id, private), "user 42", false},
		"Errorf, alone":      {status.Errorf(codes.SrvDatabase, "%w", private), "", false},
		"Errorf, text":       {status.Errorf(codes.SrvDatabase, "loading: %w", private), "loading", false},
		"Errorf, in between": {status.Errorf(codes.SrvDatabase, "loading (%w) failed", private), "loading () failed", false},
		"Errorf, flags":      {status.Errorf(codes.SrvDatabase, "loading %+w", private), "loading", false},
		"Errorf, index":      {status.Errorf(codes.SrvDatabase, "%[2]d: %[1]w", private, id), "42", false},
		"Errorf, several":    {status.Errorf(codes.SrvDatabase, "loading: %w: %w", private, second), "loading", true},
		"Newf":               {status.Newf(codes.SrvDatabase, "loading: %w", private).Err(), "loading", false},
		"Newf, then Wrap":    {status.Newf(codes.SrvDatabase, "loading: %w", private).Wrap(second), "loading", true},
		"Newf, then With":    {status.Newf(codes.SrvDatabase, "loading: %w", private).WithMetadata("key", "v").WithDetails(testrpc.BadRequest()).Err(), "loading", false},
		"Wrapf":              {status.Wrapf(second, codes.SrvDatabase, "loading: %w", private), "loading", true},
		"Wrapf, the same":    {status.Wrapf(private, codes.SrvDatabase, "loading: %w", private), "loading", false},
		"in NoError":         {status.Errorf(codes.NoError, "loading: %w", private), "internal", false},
		"under fmt's %w":     {fmt.Errorf("a: %w", status.Errorf(codes.SrvDatabase, "loading: %w", private)), "loading", false},
	} {
		var events []interceptor.Event
		note := interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) })
		conn := testrpc.DialWire(t, testrpc.Returning(tt.err), note, interceptor.WithDebugInfo())
		for _, k := range testrpc.Kinds {
			events = nil
			got := testrpc.Answer(t, conn, k)
			if text := find(t, got, canary, "EXTRA", "%!", "canaryError"); text != "" {
				t.Errorf("%s, %s: %s; want nothing of the operand", name, k.Name, text)
			}
			want, code := tt.want, codes.SrvDatabase
			if want == "internal" {
				want, code = "", codes.ServerInternal
			}
			if st := testrpc.Failure(t, got); st.Message != testrpc.Carrying(t, code, want).Message || status.FromGRPC(grpcstatus.FromProto(st)).Code() != code {
				t.Errorf("%s, %s: what is sent is %v; want %v with message %q", name, k.Name, st, code, want)
			}
			if len(events) != 1 || !errors.Is(events[0].Err, private) || errors.Is(events[0].Err, second) != tt.both {
				t.Errorf("%s, %s: the events are %+v; want one whose error wraps the operands", name, k.Name, events)
			}
		}
	}
}

// A received error under %w is a cause like any other: nothing of it is sent.
func TestReceivedOperandOfWrapVerbIsNotSent(t *testing.T) {
	for _, trust := range trusts {
		for _, from := range receivedStatuses(t)[:8] {
			c := testrpc.Connect(t, testrpc.Returning(grpcstatus.FromProto(from.sent).Err()), nil, interceptor.DialOptions(interceptor.WithUpstreamTrust(trust)))
			for _, k := range replayed {
				b := testrpc.Running(forwards(c, func(err error) error { return status.Errorf(codes.SrvDatabase, "calling C: %w", err) }, k))
				got := testrpc.Answer(t, testrpc.DialWire(t, b), k)
				if text := find(t, got, canary, debugCanary); text != "" {
					t.Errorf("%v, %s, %s: %s; want nothing of C's status", trust, from.name, k.Name, text)
				}
				if diff := cmp.Diff(testrpc.Carrying(t, codes.SrvDatabase, "calling C"), testrpc.Failure(t, got), protocmp.Transform()); diff != "" {
					t.Errorf("%v, %s, %s: what B sends (-want +got):\n%s", trust, from.name, k.Name, diff)
				}
			}
		}
	}
}
