package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// What is added to a decided status, and what is withheld from one.

// rules are the options by which failures' errors are mapped.
func rules() []interceptor.ServerOption {
	return []interceptor.ServerOption{
		interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.SrvData),
		interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			if errors.Is(err, fs.ErrNotExist) {
				return status.New(codes.SdkFileNotFound, "no such picture")
			}
			return nil
		}),
	}
}

func help() *errdetails.Help {
	return &errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://help.example"}}}
}

// everyRow calls f for each failure, in a context that is alive and in one that has ended.
// The servers without and with the given options are compared.
func everyRow(t *testing.T, opts []interceptor.ServerOption, more []interceptor.ServerOption, f func(name string, without, with seen)) {
	t.Helper()
	ended := false
	outer := derived(func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		if ended {
			cancel()
		}
		context.AfterFunc(ctx, cancel)
		return ctx
	})
	opts = slices.Concat(rules(), opts)
	without := watch(t, outer, opts...)
	with := watch(t, outer, slices.Concat(opts, more)...)
	without.logs = with.logs // the log of the second server is the default one
	for _, failed := range failures(t) {
		for _, ended = range []bool{false, true} {
			for _, k := range unaryAndStream {
				name := fmt.Sprintf("%s, ended context %t, %s", failed.name, ended, k.Name)
				f(name, without.fail(t.Context(), k, failed.err), with.fail(t.Context(), k, failed.err))
			}
		}
	}
}

// amended returns a status with what was added to it: metadata, if it carries a code, and
// details before the others. infos is the number of details before these.
func amended(t *testing.T, st *spb.Status, infos int, metadata map[string]string, details ...proto.Message) *spb.Status {
	t.Helper()
	st = proto.CloneOf(st)
	var added []*anypb.Any
	for _, d := range details {
		added = append(added, testrpc.Packed(t, d))
	}
	if infos > 0 && metadata != nil {
		info := &errdetails.ErrorInfo{}
		if err := st.Details[infos-1].UnmarshalTo(info); err != nil {
			t.Fatal(err)
		}
		maps.Copy(info.Metadata, metadata)
		st.Details[infos-1] = testrpc.Packed(t, info)
	}
	st.Details = slices.Insert(st.Details, infos, added...)
	return st
}

// infosOf returns how many details say which code a sent status carries.
func infosOf(event interceptor.Event) int {
	switch {
	case !event.Declared:
		return 0
	case event.OpenIMForm:
		return 2
	}
	return 1
}

// sameDecision checks that two events differ only in what was added.
func sameDecision(t *testing.T, name string, without, with interceptor.Event) {
	t.Helper()
	decision := func(e interceptor.Event) string {
		return fmt.Sprint(e.Code, e.Declared, e.GRPCCode, e.OpenIMForm, e.Source, e.Otherwise, e.Withheld, e.Origin, e.ContextCause)
	}
	if a, b := decision(without), decision(with); a != b {
		t.Errorf("%s: the amended decision is %s; want %s", name, b, a)
	}
}

func TestAmendmentAddsToEveryFailure(t *testing.T) {
	adds := interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status {
		return st.WithDetails(help()).WithMetadata("region", "eu")
	})
	for name, opts := range map[string][]interceptor.ServerOption{
		"canonical": nil,
		"numeric":   {interceptor.WithOpenIMForm(interceptor.OpenIMAlways)},
		"withheld":  {interceptor.WithWithheldMessages(grpccodes.Unavailable, grpccodes.Internal)},
	} {
		everyRow(t, opts, []interceptor.ServerOption{adds}, func(row string, without, with seen) {
			row = name + ": " + row
			event := with.event(t)
			sameDecision(t, row, without.event(t), event)
			want := amended(t, without.sent, infosOf(event), map[string]string{"region": "eu"}, help())
			if diff := cmp.Diff(want, with.sent, protocmp.Transform()); diff != "" {
				t.Errorf("%s: the amended status (-want +got):\n%s", row, diff)
			}
			if dropped := slices.Contains(event.DroppedKeys, "region"); dropped == event.Declared {
				t.Errorf("%s: the event's dropped keys are %v; want region if the status carries no code", row, event.DroppedKeys)
			}
			with.logs = slices.DeleteFunc(with.logs, func(r testrpc.LogRecord) bool { return r.Key == "region" })
			if diff := cmp.Diff(without.levels(), with.levels()); diff != "" {
				t.Errorf("%s: the log's records (-without +with):\n%s", row, diff)
			}
		})
	}
}

// An amendment and a localizer can change the message, and nothing else that was decided.
func TestAmendmentChangesNoDecision(t *testing.T) {
	private := testrpc.Carrying(t, codes.NoPermission, testrpc.Secret, testrpc.BadRequest())
	received := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(private).Err(), interceptor.WithUpstreamTrust(status.TrustAll))
	info := &errdetails.ErrorInfo{Reason: "NO_PERMISSION", Domain: "openim.io", Metadata: map[string]string{"code": "1002", "truncated": "details"}}
	foreign := &errdetails.ErrorInfo{Reason: "X", Domain: "shop.example", Metadata: map[string]string{"code": "1002"}}
	for name, tt := range map[string]struct {
		amend   func(st *status.Status) *status.Status
		message string // "" if it stays
	}{
		"another code":                   {func(st *status.Status) *status.Status { return st.WithCode(codes.NoPermission) }, ""},
		"another Status":                 {func(*status.Status) *status.Status { return status.New(codes.NoPermission, "") }, ""},
		"another Status with a message":  {func(*status.Status) *status.Status { return status.New(codes.NoPermission, "changed") }, "changed"},
		"another message":                {func(st *status.Status) *status.Status { return st.WithMessage("changed") }, "changed"},
		"a received Status":              {func(*status.Status) *status.Status { return status.Convert(received) }, ""},
		"a received Status, restated":    {func(*status.Status) *status.Status { return status.Convert(received).WithMessage("changed") }, "changed"},
		"a gRPC status":                  {func(*status.Status) *status.Status { return status.Convert(grpcstatus.Error(grpccodes.Aborted, "x")) }, ""},
		"the Status of a plain error":    {func(*status.Status) *status.Status { return status.Convert(errors.New(testrpc.Secret)) }, ""},
		"an ErrorInfo of its domain":     {func(st *status.Status) *status.Status { return st.WithDetails(info) }, ""},
		"an ErrorInfo of another domain": {func(st *status.Status) *status.Status { return st.WithDetails(foreign) }, ""},
		"a DebugInfo": {func(st *status.Status) *status.Status {
			return st.WithDetails(&errdetails.DebugInfo{Detail: testrpc.Secret})
		}, ""},
		"the same": {func(st *status.Status) *status.Status { return st }, ""},
	} {
		for form, opts := range map[string][]interceptor.ServerOption{"canonical": nil, "localizer": nil, "numeric": {interceptor.WithOpenIMForm(interceptor.OpenIMAlways)}} {
			changes := interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return tt.amend(st) })
			if form == "localizer" {
				changes = interceptor.WithLocalizer(func(_ context.Context, st *status.Status) *status.Status { return tt.amend(st) })
			}
			everyRow(t, opts, []interceptor.ServerOption{changes}, func(row string, without, with seen) {
				row = name + ", " + form + ": " + row
				event := with.event(t)
				sameDecision(t, row, without.event(t), event)
				if event.AmendmentError != nil {
					t.Errorf("%s: the event has the error %v; want none", row, event.AmendmentError)
				}
				want := proto.CloneOf(without.sent)
				if tt.message != "" {
					want.Message = tt.message
				}
				if diff := cmp.Diff(want, with.sent, protocmp.Transform()); diff != "" {
					t.Errorf("%s: the amended status (-want +got):\n%s", row, diff)
				}
			})
		}
	}
}

// An amendment gets the message that will be sent, not the one that is withheld.
func TestAmendmentReadsNoWithheldMessage(t *testing.T) {
	unavailable := grpcstatus.Error(grpccodes.Unavailable, testrpc.Secret)
	noTrust := interceptor.WithUpstreamTrust(status.TrustNone)
	code := status.ToGRPC(status.Error(codes.Args, testrpc.Secret)).Err()
	w := watch(t, nil, append(rules(),
		interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			if strings.HasPrefix(err.Error(), "mapped: ") {
				return status.Convert(err)
			}
			return nil
		}),
		interceptor.WithWithheldMessages(grpccodes.Internal),
		interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status {
			return st.WithMessage("amended: " + st.Message())
		}))...)
	for name, tt := range map[string]struct {
		handlers error
		want     string
	}{
		"an assumed code":                {testrpc.ReceivedFromPlain(t, unavailable, interceptor.WithAssumedCodes()), "network error"},
		"no code":                        {testrpc.ReceivedFromPlain(t, unavailable), "an upstream service is unavailable"},
		"no code, restated":              {status.Convert(testrpc.ReceivedFromPlain(t, unavailable)).WithDetails(help()).Err(), "an upstream service is unavailable"},
		"a code without trust":           {testrpc.ReceivedFromPlain(t, code, noTrust), "internal server error"},
		"a code without trust, restated": {status.Convert(testrpc.ReceivedFromPlain(t, code, noTrust)).WithDetails(help()).Err(), "invalid argument"},
		"a code without trust, mapped":   {fmt.Errorf("mapped: %w", testrpc.ReceivedFromPlain(t, code, noTrust)), "invalid argument"},
		"a plain error":                  {errors.New(testrpc.Secret), "internal server error"},
		"a gRPC status":                  {grpcstatus.Error(grpccodes.Internal, testrpc.Secret), "internal server error"},
	} {
		for _, k := range unaryAndStream {
			if got := w.fail(t.Context(), k, tt.handlers).sent.GetMessage(); got != "amended: "+tt.want {
				t.Errorf("%s, %s: the message is %q; want %q", name, k.Name, got, "amended: "+tt.want)
			}
		}
	}
}

// An amendment that returns no failure, or panics, adds nothing. The event and the log say so,
// and the other amendments add what they add.
func TestAmendmentThatFailsIsReported(t *testing.T) {
	fails := map[string]struct {
		amend  func(context.Context, *status.Status) *status.Status
		panics bool
		logged string
	}{
		"nil":     {func(context.Context, *status.Status) *status.Status { return nil }, false, "amendment 2 returned nil"},
		"success": {func(context.Context, *status.Status) *status.Status { return status.New(codes.NoError, "") }, false, "amendment 2 returned a Status with NoError"},
		"zero":    {func(context.Context, *status.Status) *status.Status { return &status.Status{} }, false, "amendment 2 returned a Status with NoError"},
		"a panic": {func(context.Context, *status.Status) *status.Status { panic("the amendment's bug") }, true, "the amendment's bug"},
	}
	metadata := interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithMetadata("first", "1") })
	detail := interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithDetails(help()) })
	for name, tt := range fails {
		everyRow(t, nil, []interceptor.ServerOption{metadata, interceptor.WithAmendment(tt.amend), detail}, func(row string, without, with seen) {
			row = name + ": " + row
			before, event := without.event(t), with.event(t)
			sameDecision(t, row, before, event)
			want := amended(t, without.sent, infosOf(event), map[string]string{"first": "1"}, help())
			if diff := cmp.Diff(want, with.sent, protocmp.Transform()); diff != "" {
				t.Errorf("%s: the amended status (-want +got):\n%s", row, diff)
			}
			if panicked := event.Panic != nil; panicked != (tt.panics || before.Panic != nil) || (event.AmendmentError != nil) == tt.panics {
				t.Errorf("%s: the event has the panic %v and the error %v; want one of them", row, event.Panic, event.AmendmentError)
			}
			with.logs = slices.DeleteFunc(with.logs, func(r testrpc.LogRecord) bool { return r.Key == "first" })
			if len(with.logs) != 1 || with.logs[0].Level != "ERROR" {
				t.Errorf("%s: the log has %+v; want one ERROR", row, with.logs)
				return
			}
			if logged := fmt.Sprint(with.logs[0].Amendment, with.logs[0].Panic); before.Panic == nil && !strings.Contains(logged, tt.logged) {
				t.Errorf("%s: the log has %q; want %q", row, logged, tt.logged)
			}
		})
	}
}

// Without an observer, the default log has an amendment's fault.
func TestAmendmentThatFailsIsLoggedByDefault(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	testrpc.Sent(t, codes.RecordNotFound, interceptor.WithAmendment(func(context.Context, *status.Status) *status.Status { return nil }))
	if records := logs(); len(records) != 1 || records[0].Level != "ERROR" || !strings.Contains(fmt.Sprint(records[0].Amendment), "returned nil") {
		t.Errorf("the log has %+v; want one ERROR about the amendment", records)
	}
}

func TestAmendmentIgnoresSuccess(t *testing.T) {
	client := testrpc.Connect(t, testrpc.Returning(nil), interceptor.ServerOptions(
		interceptor.WithAmendment(func(context.Context, *status.Status) *status.Status { t.Error("the amendment was called"); return nil }),
		interceptor.WithRequestID(func(context.Context) string { t.Error("the request id was asked for"); return "" })), nil)
	for _, k := range testrpc.Kinds {
		if _, err := k.Call(t.Context(), client); err != k.Success {
			t.Errorf("%s = %v; want success", k.Name, err)
		}
	}
}

// What amendments add is the last to be dropped from a status that is too large.
func TestAmendmentsSurviveTruncation(t *testing.T) {
	localized := &errdetails.LocalizedMessage{Locale: "de", Message: strings.Repeat("x", 300)}
	large := map[string]*status.Status{
		"violations":             status.New(codes.Args, "").WithDetails(testrpc.Violations(500)),
		"violations last":        status.New(codes.Args, "").WithDetails(localized, testrpc.Violations(500)),
		"violations first":       status.New(codes.Args, "").WithDetails(testrpc.Violations(500), localized),
		"violations and a text":  status.New(codes.Args, strings.Repeat("m", 1000)).WithDetails(testrpc.Violations(500)),
		"a detail that is large": status.New(codes.Args, "").WithDetails(&errdetails.LocalizedMessage{Message: strings.Repeat("x", 9000)}, testrpc.BadRequest()),
		"metadata":               status.New(codes.Args, "").WithDetails(testrpc.BadRequest()).WithMetadata("pair", strings.Repeat("p", 1500)),
		"all but the message":    status.New(codes.Args, strings.Repeat("m", 1100)).WithDetails(testrpc.Violations(500)),
	}
	amendment := interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithDetails(help()) })
	id := interceptor.WithRequestID(func(context.Context) string { return "rpc-7" })
	for form, opts := range map[string][]interceptor.ServerOption{
		"canonical": {interceptor.WithRetryPushback()},
		"numeric":   {interceptor.WithOpenIMForm(interceptor.OpenIMAlways)},
	} {
		w := watch(t, nil, append(opts, amendment, id)...)
		for name, st := range large {
			forwarded := testrpc.ReceivedFromPlain(t, sentWhole(t, st))
			for origin, handlers := range map[string]error{"own": st.Err(), "forwarded": forwarded} {
				for _, k := range unaryAndStream {
					name := fmt.Sprintf("%s, %s, %s, %s", name, origin, form, k.Name)
					call := w.fail(t.Context(), k, handlers)
					err := grpcstatus.FromProto(call.received).Err()
					got, ok := status.Detail[*errdetails.Help](err)
					if !ok || !proto.Equal(got, help()) || status.RequestID(err) != "rpc-7" {
						t.Errorf("%s: the caller reads the help %v and the id %q; want both kept", name, got, status.RequestID(err))
					}
					if size := testrpc.HeaderListSize(grpcstatus.FromProto(call.received), nil); size > status.DefaultMaxSize {
						t.Errorf("%s: the status adds %d bytes; want %d at most", name, size, status.DefaultMaxSize)
					}
					if event := call.event(t); event.Truncated&status.TruncatedDetails == 0 && name[:8] != "metadata" {
						t.Errorf("%s: the event's truncated parts are %v; want details", name, event.Truncated)
					}
				}
			}
		}
	}
}

// sentWhole returns the gRPC status of st as an error. Nothing of it is truncated.
func sentWhole(t *testing.T, st *status.Status) error {
	t.Helper()
	return (&status.Encoder{MaxSize: 100 << 10}).Encode(t.Context(), st.Err()).Status().Err()
}

// If the message alone is too large, all details go before its end does.
func TestAmendmentsGoBeforeTheMessageIsShortened(t *testing.T) {
	w := watch(t, nil, interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithDetails(help()) }))
	for _, k := range unaryAndStream {
		call := w.fail(t.Context(), k, status.New(codes.Args, strings.Repeat("m", 9000)).WithDetails(testrpc.BadRequest()).Err())
		if got := len(call.received.GetDetails()); got != 1 {
			t.Errorf("%s: the status has %d details; want the ErrorInfo only", k.Name, got)
		}
		if got, want := call.event(t).Truncated, status.TruncatedDetails|status.TruncatedMessage; got != want {
			t.Errorf("%s: truncated are %v; want %v", k.Name, got, want)
		}
	}
}

// The request id is kept if details, metadata and the end of the message must go.
func TestRequestIDSurvivesTruncation(t *testing.T) {
	long := status.New(codes.Args, strings.Repeat("m", 9000)).WithDetails(testrpc.Violations(100))
	for i := range 100 {
		long = long.WithMetadata(fmt.Sprintf("key%d", i), strings.Repeat("v", 100))
	}
	bare := testrpc.Canonical(t, grpccodes.Aborted, strings.Repeat("%", 9000), testrpc.BadRequest())
	for _, size := range []int{status.LeastMaxSize, status.DefaultMaxSize} {
		w := watch(t, nil, interceptor.WithMaxStatusSize(size), interceptor.WithRequestID(func(context.Context) string { return strings.Repeat("i", 128) }))
		for name, handlers := range map[string]error{"a code": long.Err(), "a code and a message": status.Error(codes.Args, strings.Repeat("☃", 3000)), "no code": grpcstatus.FromProto(bare).Err()} {
			for _, k := range unaryAndStream {
				call := w.fail(t.Context(), k, handlers)
				if got := status.RequestID(grpcstatus.FromProto(call.received).Err()); got != strings.Repeat("i", 128) {
					t.Errorf("%s, %s, %d bytes: the caller reads the request id %q of %v; want it kept", name, k.Name, size, got, call.received)
				}
				if got := testrpc.HeaderListSize(grpcstatus.FromProto(call.received), nil); got > size {
					t.Errorf("%s, %s: the status adds %d bytes; want %d at most", name, k.Name, got, size)
				}
			}
		}
	}
}

// A detail of an amendment replaces another of its type, also an upstream's.
func TestAmendmentReplacesADetailOfItsType(t *testing.T) {
	other := &errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://other.example"}}}
	delay := func(d time.Duration) *errdetails.RetryInfo {
		return &errdetails.RetryInfo{RetryDelay: durationpb.New(d)}
	}
	st := status.New(codes.SrvNetwork, "m").WithDetails(other, testrpc.BadRequest(), delay(5*time.Second))
	grpc := testrpc.Canonical(t, grpccodes.Unavailable, "m", other, testrpc.BadRequest(), delay(5*time.Second))
	received := testrpc.ReceivedFromPlain(t, sentWhole(t, st))
	handlers := map[string]error{
		"a Status":          st.Err(),
		"a gRPC status":     grpcstatus.FromProto(grpc).Err(),
		"an upstream's":     received,
		"restated":          status.Convert(received).WithMessage("m").Err(),
		"a trusted foreign": testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(grpc).Err(), interceptor.WithUpstreamTrust(status.TrustAll)),
	}
	for name, tt := range map[string]struct {
		amend    func(*status.Status) *status.Status
		details  []proto.Message
		pushback []string
	}{
		"help":      {func(st *status.Status) *status.Status { return st.WithDetails(help()) }, []proto.Message{help(), testrpc.BadRequest(), delay(5 * time.Second)}, nil},
		"a delay":   {func(st *status.Status) *status.Status { return st.WithRetryDelay(time.Second) }, []proto.Message{delay(time.Second), other, testrpc.BadRequest()}, []string{"1000"}},
		"no retry":  {func(st *status.Status) *status.Status { return st.WithRetryDelay(-1) }, []proto.Message{other, testrpc.BadRequest()}, []string{"-1"}},
		"the first": {func(st *status.Status) *status.Status { return st.WithDetails(other).WithDetails(help()) }, []proto.Message{help(), testrpc.BadRequest(), delay(5 * time.Second)}, nil},
	} {
		w := watch(t, nil, interceptor.WithRetryPushback(), interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return tt.amend(st) }))
		for of, err := range handlers {
			for _, k := range unaryAndStream {
				call := w.fail(t.Context(), k, err)
				want := testrpc.Canonical(t, grpccodes.Unavailable, "m", tt.details...)
				if call.event(t).Declared {
					want = testrpc.Carrying(t, codes.SrvNetwork, "m", tt.details...)
				}
				if diff := cmp.Diff(want, call.received, protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s, %s: the amended status (-want +got):\n%s", name, of, k.Name, diff)
				}
				pushback := tt.pushback
				if of == "a Status" && pushback == nil {
					pushback = []string{"5000"} // its own
				}
				if got := call.trailer.Get("grpc-retry-pushback-ms"); !slices.Equal(got, pushback) {
					t.Errorf("%s, %s, %s: the pushback is %v; want %v", name, of, k.Name, got, pushback)
				}
			}
		}
	}
}

// Amendments run in order, with the RPC's context. Each gets what the one before added.
func TestAmendmentsRunInOrder(t *testing.T) {
	type key struct{}
	var read []string
	add := func(value string) interceptor.ServerOption {
		return interceptor.WithAmendment(func(ctx context.Context, st *status.Status) *status.Status {
			read = append(read, fmt.Sprint(ctx.Value(key{}), " ", st.Metadata()["step"]))
			return st.WithMetadata("step", value)
		})
	}
	w := watch(t, derived(func(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, "rpc") }), add("1"), add("2"), add("3"))
	for _, k := range testrpc.Kinds {
		read = nil
		call := w.fail(t.Context(), k, codes.Args)
		if got := status.Convert(grpcstatus.FromProto(call.received).Err()).Metadata()["step"]; got != "3" || !slices.Equal(read, []string{"rpc ", "rpc 1", "rpc 2"}) {
			t.Errorf("%s: the metadata is %q and the amendments read %q; want the last value, and each the one before", k.Name, got, read)
		}
	}
}

// The request id.

func TestRequestIDIsInEveryFailure(t *testing.T) {
	sends := interceptor.WithRequestID(func(context.Context) string { return "rpc-7" })
	info := &errdetails.RequestInfo{RequestId: "rpc-7"}
	for form, opts := range map[string][]interceptor.ServerOption{"canonical": nil, "numeric": {interceptor.WithOpenIMForm(interceptor.OpenIMAlways)}} {
		everyRow(t, opts, []interceptor.ServerOption{sends}, func(row string, without, with seen) {
			row = form + ": " + row
			event := with.event(t)
			sameDecision(t, row, without.event(t), event)
			if diff := cmp.Diff(amended(t, without.sent, infosOf(event), nil, info), with.sent, protocmp.Transform()); diff != "" {
				t.Errorf("%s: the status with an id (-want +got):\n%s", row, diff)
			}
			err := new(status.Decoder).Decode(t.Context(), grpcstatus.FromProto(with.received).Err())
			if got := status.RequestID(err); got != "rpc-7" || event.RequestID != "rpc-7" || event.UpstreamRequestID != "" {
				t.Errorf("%s: the caller reads the id %q, and the event has %q and %q; want rpc-7, and no upstream's", row, got, event.RequestID, event.UpstreamRequestID)
			}
			for _, record := range with.logs {
				if record.RequestID != "rpc-7" {
					t.Errorf("%s: the record's request_id is %q; want rpc-7", row, record.RequestID)
				}
			}
			if a, b := without.levels(), with.levels(); !slices.Equal(a, b) {
				t.Errorf("%s: the log has %v; want %v", row, b, a)
			}
		})
	}
}

func TestOnlyValidRequestIDsAreSent(t *testing.T) {
	id := ""
	w := watch(t, nil, interceptor.WithRequestID(func(context.Context) string { return id }))
	for given, valid := range map[string]bool{
		"a": true, "rpc-7": true, "A.b_C:9-": true, strings.Repeat("x", 128): true, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": true,
		"": false, " ": false, "a b": false, "a/b": false, "a,b": false, "ä": false, "a\n": false, "a\x00": false, "a\xff": false, "[a]": false, strings.Repeat("x", 129): false,
	} {
		id = given
		for _, k := range testrpc.Kinds {
			call := w.fail(t.Context(), k, errors.New(testrpc.Secret))
			want := ""
			if valid {
				want = given
			}
			got := status.RequestID(grpcstatus.FromProto(call.received).Err())
			if event := call.event(t); got != want || event.RequestID != want || len(call.logs) != 1 || call.logs[0].RequestID != want {
				t.Errorf("%s: for the id %q, the caller reads %q, the event has %q, the log %v; want %q", k.Name, given, got, event.RequestID, call.logs, want)
			}
			if !valid && len(call.received.Details) != 1 {
				t.Errorf("%s: for the id %q, the status is %v; want the ErrorInfo only", k.Name, given, call.received)
			}
		}
	}
}

func TestRequestIDThatPanicsIsReported(t *testing.T) {
	w := watch(t, nil, interceptor.WithRequestID(func(context.Context) string { panic("no id") }))
	for _, k := range testrpc.Kinds {
		call := w.fail(t.Context(), k, codes.Args)
		if diff := cmp.Diff(testrpc.Carrying(t, codes.Args, ""), call.received, protocmp.Transform()); diff != "" {
			t.Errorf("%s: the status (-want +got):\n%s", k.Name, diff)
		}
		if event := call.event(t); event.Panic == nil || len(call.logs) != 1 || !strings.Contains(fmt.Sprint(call.logs[0].Panic), "no id") {
			t.Errorf("%s: the event has the panic %v, and the log %+v; want it in both", k.Name, event.Panic, call.logs)
		}
	}
}

// The id of this process's RPC replaces an upstream's, which the event and the log keep.
func TestRequestIDReplacesAnUpstreams(t *testing.T) {
	upstreams := &errdetails.RequestInfo{RequestId: "upstream-1", ServingData: "shard 7"}
	code := testrpc.Carrying(t, codes.Args, "m", upstreams, testrpc.BadRequest())
	bare := testrpc.Canonical(t, grpccodes.NotFound, "m", upstreams)
	a := testrpc.Connect(t, testrpc.Returning(grpcstatus.FromProto(code).Err()), nil, interceptor.DialOptions())
	b := testrpc.Connect(t, testrpc.Returning(grpcstatus.FromProto(bare).Err()), nil, interceptor.DialOptions())
	ours := &errdetails.RequestInfo{RequestId: "rpc-7"}
	carrying := func(c codes.Code, message string, details ...proto.Message) *spb.Status {
		return testrpc.Carrying(t, c, message, details...)
	}
	same := func(err error) error { return err }
	for name, tt := range map[string]struct {
		upstream testgrpc.TestServiceClient
		handler  func(error) error
		want     *spb.Status
		without  *spb.Status // without the option
	}{
		"forwarded": {a, same, carrying(codes.Args, "m", ours, testrpc.BadRequest()), code},
		"under %w":  {a, func(err error) error { return fmt.Errorf("x: %w", err) }, carrying(codes.Args, "m", ours, testrpc.BadRequest()), code},
		"restated": {a, func(err error) error { return status.Convert(err).WithMessage("own").Err() },
			carrying(codes.Args, "own", ours, testrpc.BadRequest()), carrying(codes.Args, "own", upstreams, testrpc.BadRequest())},
		"restated around it": {a, func(err error) error { return status.Convert(err).WithMessage("own").Wrap(err) },
			carrying(codes.Args, "own", ours, testrpc.BadRequest()), carrying(codes.Args, "own", upstreams, testrpc.BadRequest())},
		"a code around it":      {a, func(err error) error { return status.Wrap(err, codes.SrvData, "own") }, carrying(codes.SrvData, "own", ours), carrying(codes.SrvData, "own")},
		"a code joined with it": {a, func(err error) error { return errors.Join(codes.SrvData, err) }, carrying(codes.SrvData, "", ours), carrying(codes.SrvData, "")},
		"mapped":                {a, func(err error) error { return errors.Join(err, io.ErrUnexpectedEOF) }, carrying(codes.SrvData, "", ours), carrying(codes.SrvData, "")},
		"withheld":              {b, same, carrying(codes.ServerInternal, "", ours), carrying(codes.ServerInternal, "")},
	} {
		for _, sends := range []bool{true, false} {
			opts := rules()
			want, id := tt.without, ""
			if sends {
				opts = append(opts, interceptor.WithRequestID(func(context.Context) string { return "rpc-7" }))
				want, id = tt.want, "rpc-7"
			}
			w := watch(t, nil, opts...)
			for _, k := range testrpc.Kinds {
				w.Run(testrpc.AtOpen, func(ctx context.Context) error {
					_, err := testrpc.CallUnary(ctx, tt.upstream)
					return tt.handler(err)
				})
				call := w.call(t.Context(), k)
				if diff := cmp.Diff(want, call.received, protocmp.Transform()); diff != "" {
					t.Errorf("%s, with an id %t, %s: the status (-want +got):\n%s", name, sends, k.Name, diff)
				}
				if event := call.event(t); event.RequestID != id || event.UpstreamRequestID != "upstream-1" {
					t.Errorf("%s, with an id %t, %s: the event has the ids %q and %q; want %q and upstream-1", name, sends, k.Name, event.RequestID, event.UpstreamRequestID, id)
				}
				for _, record := range call.logs {
					if record.RequestID != id || record.UpstreamRequestID != "upstream-1" {
						t.Errorf("%s, with an id %t, %s: the log has the ids %q and %q; want %q and upstream-1", name, sends, k.Name, record.RequestID, record.UpstreamRequestID, id)
					}
				}
			}
		}
	}
}

// A RequestInfo that the handler gave is no upstream's.
func TestHandlersOwnRequestInfoIsNoUpstreams(t *testing.T) {
	own := status.New(codes.Args, "").WithDetails(&errdetails.RequestInfo{RequestId: "own"})
	w := watch(t, nil, interceptor.WithRequestID(func(context.Context) string { return "rpc-7" }))
	for _, k := range unaryAndStream {
		event := w.fail(t.Context(), k, own.Err()).event(t)
		if event.RequestID != "rpc-7" || event.UpstreamRequestID != "" {
			t.Errorf("%s: the event has the ids %q and %q; want rpc-7 and none", k.Name, event.RequestID, event.UpstreamRequestID)
		}
	}
}

// The client's observer has the id that the server sent.
func TestClientsEventHasTheRequestID(t *testing.T) {
	var ids []string
	client := testrpc.Connect(t, testrpc.Returning(errors.New(testrpc.Secret)),
		interceptor.ServerOptions(interceptor.WithRequestID(func(context.Context) string { return "rpc-7" })),
		interceptor.DialOptions(interceptor.WithObserver(func(_ context.Context, event interceptor.Event) { ids = append(ids, event.RequestID) })))
	for _, k := range testrpc.Kinds {
		ids = nil
		_, err := k.Call(t.Context(), client)
		if got := status.RequestID(fmt.Errorf("calling: %w", err)); got != "rpc-7" || !slices.Equal(ids, []string{"rpc-7"}) {
			t.Errorf("%s: the caller reads the id %q, and its observer got %q; want rpc-7", k.Name, got, ids)
		}
	}
	if got := status.RequestID(nil) + status.RequestID(errors.New("x")) + status.RequestID(codes.Args); got != "" {
		t.Errorf("RequestID() of errors without one = %q; want none", got)
	}
}

// Withheld messages.

func TestWithheldMessagesOfGRPCStatuses(t *testing.T) {
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example"}
	database := testrpc.ErrorInfo(codes.SrvDatabase)
	canonical := func(c grpccodes.Code, message string, details ...proto.Message) *spb.Status {
		return testrpc.Canonical(t, c, message, details...)
	}
	private := func(c grpccodes.Code, details ...proto.Message) error {
		return grpcstatus.FromProto(canonical(c, testrpc.Secret, details...)).Err()
	}
	const internal, unknown = "internal server error", "unknown error"
	row := codes.RowOf(codes.SrvDatabase).Message
	withheld := map[string]struct {
		handlers error
		want     *spb.Status
		code     grpccodes.Code
	}{
		"INTERNAL":                 {private(grpccodes.Internal), canonical(grpccodes.Internal, internal), grpccodes.Internal},
		"UNKNOWN":                  {private(grpccodes.Unknown), canonical(grpccodes.Unknown, unknown), grpccodes.Unknown},
		"gRPC's idiom":             {grpcstatus.Errorf(grpccodes.Internal, "%v", errors.New(testrpc.Secret)), canonical(grpccodes.Internal, internal), grpccodes.Internal},
		"under %w":                 {fmt.Errorf("x: %w", private(grpccodes.Internal)), canonical(grpccodes.Internal, internal), grpccodes.Internal},
		"joined":                   {errors.Join(errors.New("x"), private(grpccodes.Unknown)), canonical(grpccodes.Unknown, unknown), grpccodes.Unknown},
		"details":                  {private(grpccodes.Internal, testrpc.BadRequest()), canonical(grpccodes.Internal, internal, testrpc.BadRequest()), grpccodes.Internal},
		"a DebugInfo":              {private(grpccodes.Internal, &errdetails.DebugInfo{Detail: testrpc.Secret}), canonical(grpccodes.Internal, internal), grpccodes.Internal},
		"an ErrorInfo":             {private(grpccodes.Internal, foreign, testrpc.BadRequest()), canonical(grpccodes.Internal, internal, foreign, testrpc.BadRequest()), grpccodes.Internal},
		"an ErrorInfo with a code": {private(grpccodes.Internal, database, testrpc.BadRequest()), canonical(grpccodes.Internal, row, database, testrpc.BadRequest()), grpccodes.Internal},
		"an ErrorInfo, under %w":   {fmt.Errorf("x: %w", private(grpccodes.Unknown, foreign)), canonical(grpccodes.Unknown, unknown, foreign), grpccodes.Unknown},
		"a raw number":             {grpcstatus.Error(grpccodes.Code(codes.SrvDatabase), testrpc.Secret), canonical(grpccodes.Internal, row, database), grpccodes.Internal},
		"a method that returns it": {hasStatus{grpcstatus.New(grpccodes.Internal, testrpc.Secret)}, canonical(grpccodes.Internal, internal), grpccodes.Internal},
		"a message that is empty":  {grpcstatus.Error(grpccodes.Internal, ""), canonical(grpccodes.Internal, internal), grpccodes.Internal},
	}
	for _, opts := range [][]interceptor.ServerOption{
		{interceptor.WithWithheldMessages(grpccodes.Internal, grpccodes.Unknown)},
		{interceptor.WithWithheldMessages(grpccodes.Unknown), interceptor.WithWithheldMessages(grpccodes.Internal)},
	} {
		w := watch(t, nil, opts...)
		for name, tt := range withheld {
			for _, k := range testrpc.Kinds {
				call := w.fail(t.Context(), k, tt.handlers)
				if diff := cmp.Diff(tt.want, call.received, protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s: the status (-want +got):\n%s", name, k.Name, diff)
				}
				if event := call.event(t); event.Source != status.SourceGRPCWithheld || !event.Withheld || event.Err == nil {
					t.Errorf("%s, %s: the event has %v, withheld %t; want grpc withheld", name, k.Name, event.Source, event.Withheld)
				}
				text := testrpc.Secret
				if name == "a message that is empty" {
					text = ""
				}
				testrpc.CheckWithheld(t, call.logs, k.Method, tt.code, text)
			}
		}
	}
}

type hasStatus struct{ st *grpcstatus.Status }

func (e hasStatus) Error() string                  { return e.st.Message() }
func (e hasStatus) GRPCStatus() *grpcstatus.Status { return e.st }

// The option is for the gRPC statuses that the handler made. All else is as without it.
func TestWithheldMessagesLeaveTheRestAlone(t *testing.T) {
	all := make([]grpccodes.Code, 0, 16)
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		all = append(all, c)
	}
	everyRow(t, nil, []interceptor.ServerOption{interceptor.WithWithheldMessages(all...)}, func(row string, without, with seen) {
		before, event := without.event(t), with.event(t)
		if before.Source == status.SourceGRPCStatus || before.Source == status.SourceNumber {
			if event.Source != status.SourceGRPCWithheld || with.sent.GetMessage() == "handler's text" {
				t.Errorf("%s: the source is %v and the message %q; want it withheld", row, event.Source, with.sent.GetMessage())
			}
			return
		}
		sameDecision(t, row, before, event)
		if diff := cmp.Diff(without.sent, with.sent, protocmp.Transform()); diff != "" {
			t.Errorf("%s: the status (-without +with):\n%s", row, diff)
		}
		if a, b := without.levels(), with.levels(); !slices.Equal(a, b) {
			t.Errorf("%s: the log has %v; want %v", row, b, a)
		}
	})
	w := watch(t, nil, interceptor.WithWithheldMessages(grpccodes.Internal, grpccodes.Unknown))
	for name, tt := range map[string]struct {
		handlers error
		want     *spb.Status
	}{
		"a code":                       {codes.SrvDatabase, testrpc.Carrying(t, codes.SrvDatabase, "")},
		"a Status":                     {status.Error(codes.SrvDatabase, "own text"), testrpc.Carrying(t, codes.SrvDatabase, "own text")},
		"a Status around a gRPC one":   {status.Wrap(grpcstatus.Error(grpccodes.Internal, testrpc.Secret), codes.SrvDatabase, "own text"), testrpc.Carrying(t, codes.SrvDatabase, "own text")},
		"a gRPC status":                {grpcstatus.Error(grpccodes.NotFound, "own text"), testrpc.Canonical(t, grpccodes.NotFound, "own text")},
		"a forwarded INTERNAL":         {testrpc.ReceivedFromPlain(t, status.ToGRPC(status.Error(codes.SrvDatabase, "upstream's text")).Err()), testrpc.Carrying(t, codes.SrvDatabase, "upstream's text")},
		"an unmapped number NOT_FOUND": {grpcstatus.Error(1004, "own text"), testrpc.Carrying(t, codes.RecordNotFound, "own text")},
	} {
		for _, k := range testrpc.Kinds {
			call := w.fail(t.Context(), k, tt.handlers)
			if name == "a Status around a gRPC one" { // whose cause is logged with or without the option
				testrpc.CheckWithheld(t, call.logs, k.Method, grpccodes.Internal, testrpc.Secret)
				call.logs = nil
			}
			if diff := cmp.Diff(tt.want, call.received, protocmp.Transform()); diff != "" || len(call.logs) > 0 {
				t.Errorf("%s, %s: the log has %v, and the status (-want +got):\n%s", name, k.Name, call.logs, diff)
			}
		}
	}
}

// The fixed message is that of the server's own table.
func TestWithheldMessagesAreThoseOfTheTable(t *testing.T) {
	row, _ := codes.Default().Lookup(codes.ServerInternal.Number())
	row.Message = "something broke"
	database, _ := codes.Default().Lookup(codes.SrvDatabase.Number())
	database.Message = "the database broke"
	table, err := codes.Default().WithRows(row, database)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		table    *codes.Table
		handlers error
		want     string
	}{
		"another row":            {table, grpcstatus.Error(grpccodes.Internal, testrpc.Secret), "something broke"},
		"another row's number":   {table, grpcstatus.Error(grpccodes.Code(codes.SrvDatabase), testrpc.Secret), "the database broke"},
		"another domain's table": {testrpc.Pets, grpcstatus.Error(grpccodes.Internal, testrpc.Secret), "the pet is broken"},
	} {
		w := watch(t, nil, interceptor.WithTable(tt.table), interceptor.WithWithheldMessages(grpccodes.Internal))
		for _, k := range unaryAndStream {
			if got := w.fail(t.Context(), k, tt.handlers).received.GetMessage(); got != tt.want {
				t.Errorf("%s, %s: the message is %q; want %q", name, k.Name, got, tt.want)
			}
		}
	}
}

// A withheld text isn't in the numeric form either.
func TestWithheldMessagesInTheNumericForm(t *testing.T) {
	w := watch(t, nil, interceptor.WithOpenIMForm(interceptor.OpenIMAlways), interceptor.WithWithheldMessages(grpccodes.Internal))
	for _, k := range unaryAndStream {
		call := w.fail(t.Context(), k, grpcstatus.Error(grpccodes.Code(codes.SrvDatabase), testrpc.Secret))
		testrpc.CheckNoSecret(t, grpcstatus.FromProto(call.received).Err())
		if call.received.GetCode() != int32(codes.SrvDatabase) || call.received.GetMessage() != codes.RowOf(codes.SrvDatabase).Message {
			t.Errorf("%s: the status is %v; want SrvDatabase's number and message", k.Name, call.received)
		}
	}
}
