package status_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// The table of kioskCode has no default rows. These tests are about what stands for them.

// kioskServer has that table alone.
func kioskServer() *status.Encoder { return &status.Encoder{Tables: []*codes.Table{kiosk}} }

// kioskClient knows that table alone, beside the default one.
func kioskClient() *status.Decoder { return &status.Decoder{Tables: []*codes.Table{kiosk}} }

// kioskFallback returns what stands for the default row for INTERNAL, on the wire.
func kioskFallback(t testing.TB, message string, details ...proto.Message) *spb.Status {
	first := &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "kiosk.example"}
	return testrpc.Canonical(t, grpccodes.Internal, message, append([]proto.Message{first}, details...)...)
}

// checkFallback checks what a server sent for an error instead of a default row.
func checkFallback(t *testing.T, name string, got status.Encoded, want *spb.Status) {
	t.Helper()
	if diff := cmp.Diff(want, got.Status().Proto(), protocmp.Transform()); diff != "" {
		t.Errorf("%s: the status (-want +got):\n%s", name, diff)
	}
	if got.Code() != nil || got.GRPCCode() != grpccodes.Internal || got.Fault() != codes.FaultServer {
		t.Errorf("%s: Code() = %v, GRPCCode() = %v, Fault() = %v; want nil, INTERNAL, server", name, got.Code(), got.GRPCCode(), got.Fault())
	}
	if code, ok := status.Declared(got.Err()); ok || code.Number() >= 0 {
		t.Errorf("%s: Declared(Err()) = %v, %t; want a fallback and false", name, code, ok)
	}
	if code, ok := status.New(kioskInternal, "").Declared(); ok || code.Number() >= 0 {
		t.Errorf("%s: Declared() of a Status with a fallback = %v, %t; want a fallback and false", name, code, ok)
	}
	err := kioskClient().Decode(t.Context(), got.Status().Err())
	st := status.Convert(err)
	if st.Origin() != status.OriginKnown || st.Reason() != "INTERNAL" || st.Domain() != "kiosk.example" || st.GRPCCode() != grpccodes.Internal || !status.IsFault(err) {
		t.Errorf("%s: a client reads origin %v, reason %q, domain %q, %v; want known, INTERNAL, kiosk.example, INTERNAL", name, st.Origin(), st.Reason(), st.Domain(), st.GRPCCode())
	}
	checkNoCode(t, name, err, kioskUnknown)
}

// checkNoCode checks that an error carries no code, and that Code returns a fallback for it.
func checkNoCode(t *testing.T, name string, err error, want codes.Code) {
	t.Helper()
	code, declared := status.Declared(err)
	if code != want || declared {
		t.Errorf("%s: Declared() = %v, %t; want %v, false", name, code, declared, want)
	}
	if errors.Is(err, kioskUnknown) || errors.Is(err, kioskInternal) {
		t.Errorf("%s: errors.Is finds a fallback in the error; want none", name)
	}
	if found, ok := errors.AsType[codes.Code](err); ok {
		t.Errorf("%s: errors.As finds the code %v; want none", name, found)
	}
}

func TestWithheldFailureOfATableWithoutDefaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		source status.Source
	}{
		{"a plain error", errors.New(secret), status.SourceUnknown},
		{"NoError", codes.NoError, status.SourceUnknown},
		{"the fallback for INTERNAL", kioskInternal, status.SourceUnknown},
		{"the fallback for UNKNOWN under %w", fmt.Errorf(secret+": %w", kioskUnknown), status.SourceUnknown},
		{"a method that panics", panicsInUnwrap{}, status.SourceUnknown},
		{"a raw number without a row", grpcstatus.Error(2001, secret), status.SourceUnknown},
		{"a panic", status.Recovered(secret), status.SourcePanic},
		{"a status of an upstream", received(t, grpccodes.NotFound, secret), status.SourceUpstream},
		{"a status of an upstream of this domain", kioskClient().Decode(t.Context(), grpcstatus.FromProto(kioskFallback(t, secret)).Err()), status.SourceUpstream},
	} {
		got := kioskServer().Encode(t.Context(), tt.err)
		checkFallback(t, tt.name, got, kioskFallback(t, "internal error"))
		if got.Source() != tt.source || !got.Withheld() || got.DroppedKeys() != nil {
			t.Errorf("%s: Source() = %v, Withheld() = %t; want %v, true", tt.name, got.Source(), got.Withheld(), tt.source)
		}
		if level, ok := got.LogLevel(); level != slog.LevelError || !ok {
			t.Errorf("%s: LogLevel() = %v, %t; want ERROR", tt.name, level, ok)
		}
		if errors.Is(got.Err(), kioskInternal) != (tt.err == error(kioskInternal)) {
			t.Errorf("%s: errors.Is finds the fallback in Err(); want it only if the handler returned it", tt.name)
		}
		log := fmt.Sprint(got.Err().(slog.LogValuer).LogValue())
		if !strings.HasPrefix(log, "[name=INTERNAL reason=INTERNAL grpc_code=INTERNAL message=internal error") {
			t.Errorf("%s: LogValue() = %s; want the name and the reason INTERNAL, without a number", tt.name, log)
		}
		if again := kioskServer().Encode(t.Context(), fmt.Errorf("again: %w", got.Err())); !proto.Equal(again.Status().Proto(), got.Status().Proto()) || again.Code() != nil {
			t.Errorf("%s: encoded again it is %v", tt.name, again.Status())
		}
	}
	if got := kioskServer().Encode(t.Context(), kioskClosed); got.Code() != kioskClosed || got.Status().Message() != "kiosk closed" {
		t.Errorf("a code of the table is sent as %v, code %v", got.Status(), got.Code())
	}
	if got := kioskServer().Encode(t.Context(), kioskCode(77)); got.Code() != kioskCode(77) || got.Status().Message() != "unknown error" || got.GRPCCode() != grpccodes.Unknown {
		t.Errorf("a number without a row is sent as %v, code %v; want UNKNOWN, unknown error", got.Status(), got.Code())
	}
}

// What servers add to statuses is added to a fallback too.
func TestOptionsWithAFallback(t *testing.T) {
	e := kioskServer()
	e.RequestID = func(context.Context) string { return "rpc-7" }
	checkFallback(t, "request id", e.Encode(t.Context(), errors.New(secret)), kioskFallback(t, "internal error", &errdetails.RequestInfo{RequestId: "rpc-7"}))

	e.Amendments = []func(context.Context, *status.Status) *status.Status{func(_ context.Context, st *status.Status) *status.Status {
		if st.Reason() != "INTERNAL" || st.Domain() != "kiosk.example" || st.Message() != "internal error" {
			t.Errorf("an amendment gets %v: %q of %q; want INTERNAL of kiosk.example", st, st.Reason(), st.Domain())
		}
		if code, ok := status.Declared(st.Err()); ok || code.Number() >= 0 {
			t.Errorf("an amendment's Status declares %v, %t; want a fallback and false", code, ok)
		}
		return st.WithMessage("call us").WithMetadata("zone", "a").WithDetails(testrpc.BadRequest())
	}}
	want := kioskFallback(t, "call us", &errdetails.RequestInfo{RequestId: "rpc-7"}, testrpc.BadRequest())
	want.Details[0] = testrpc.Packed(t, &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "kiosk.example", Metadata: map[string]string{"zone": "a"}})
	got := e.Encode(t.Context(), errors.New(secret))
	checkFallback(t, "amendment", got, want)
	if got.DroppedKeys() != nil || got.RequestID() != "rpc-7" {
		t.Errorf("DroppedKeys() = %q, RequestID() = %q; want none, rpc-7", got.DroppedKeys(), got.RequestID())
	}

	numeric := kioskServer()
	numeric.OpenIMForm = true
	checkFallback(t, "numeric form", numeric.Encode(t.Context(), errors.New(secret)), kioskFallback(t, "internal error"))

	withheld := kioskServer()
	withheld.WithheldMessages = []grpccodes.Code{grpccodes.Internal, grpccodes.NotFound}
	for canonical, message := range map[grpccodes.Code]string{grpccodes.Internal: "internal error", grpccodes.NotFound: "unknown error"} {
		want := testrpc.Canonical(t, canonical, message)
		if diff := cmp.Diff(want, withheld.Encode(t.Context(), grpcstatus.Error(canonical, secret)).Status().Proto(), protocmp.Transform()); diff != "" {
			t.Errorf("WithheldMessages, %v (-want +got):\n%s", canonical, diff)
		}
	}

	rule := kioskServer()
	rule.Rules = []status.Rule{{Func: func(context.Context, error) *status.Status { return status.New(kioskUnknown, "by a rule") }}}
	got = rule.Encode(t.Context(), errors.New(secret))
	checkFallback(t, "rule", got, kioskFallback(t, "by a rule"))
	if got.Source() != status.SourceRule {
		t.Errorf("a rule's Source() = %v", got.Source())
	}
}

// The ErrorInfo of a fallback stays, whatever is truncated.
func TestFallbackIsFittedLikeACode(t *testing.T) {
	e := kioskServer()
	err := status.New(kioskInternal, strings.Repeat("m", 9000)).WithMetadata("zone", strings.Repeat("z", 9000)).WithDetails(testrpc.Violations(500)).Err()
	got := e.Encode(t.Context(), err)
	if all := status.TruncatedDetails | status.TruncatedMetadata | status.TruncatedMessage; got.Truncated() != all {
		t.Errorf("Truncated() = %v; want %v", got.Truncated(), all)
	}
	if size := status.HeaderSize(got.Status()); size > status.DefaultMaxSize {
		t.Errorf("the status has %d bytes; want at most %d", size, status.DefaultMaxSize)
	}
	st := kioskClient().FromGRPC(got.Status())
	if st.Reason() != "INTERNAL" || st.Domain() != "kiosk.example" || st.Truncated() != got.Truncated() {
		t.Errorf("a client reads reason %q, domain %q, truncated %v", st.Reason(), st.Domain(), st.Truncated())
	}
}

// A fallback that a program states anyway becomes the INTERNAL default of its table: here, the
// fallback for INTERNAL. It is never number 0 and never a code of the server's table.
func TestStatingAFallback(t *testing.T) {
	bare := received(t, grpccodes.NotFound, "x")
	for _, tt := range []struct {
		name, message string
		err           error
	}{
		{"New", "m", status.New(kioskUnknown, "m").Err()},
		{"New without a message", "internal error", status.New(kioskUnknown, "").Err()},
		{"Error", "m", status.Error(kioskInternal, "m")},
		{"Errorf", "m 7", status.Errorf(status.Code(kioskClient().Decode(t.Context(), grpcstatus.Error(grpccodes.NotFound, "x"))), "m %d: %w", 7, errors.New(secret))},
		{"Wrap", "m", status.Wrap(bare, kioskUnknown, "m")},
		{"another negative number", "m", status.Error(kioskCode(-77), "m")},
		{"WithCode", "m", status.New(kioskClosed, "m").WithCode(kioskUnknown).Err()},
		{"New under %w", "m", fmt.Errorf(secret+": %w", status.Error(kioskUnknown, "m"))},
		{"the code restated", "m", status.Convert(kioskUnknown).WithMessage("m").Err()},
	} {
		for server, e := range map[string]*status.Encoder{"kiosk": kioskServer(), "default": {}, "shop": {Tables: []*codes.Table{shop}}} {
			checkFallback(t, tt.name+", server "+server, e.Encode(t.Context(), tt.err), kioskFallback(t, tt.message))
		}
		if tt.name != "the code restated" {
			checkNoCode(t, tt.name, tt.err, kioskInternal)
		}
		if st := status.Convert(tt.err); st.Reason() != "INTERNAL" || st.Domain() != "kiosk.example" || st.GRPCCode() != grpccodes.Internal || st.Fault() != codes.FaultServer || len(st.Details()) != 1 {
			t.Errorf("%s: reason %q, domain %q, %v, %v, details %v", tt.name, st.Reason(), st.Domain(), st.GRPCCode(), st.Fault(), st.Details())
		}
	}
	for server, e := range map[string]*status.Encoder{"kiosk": kioskServer(), "default": {}, "shop": {Tables: []*codes.Table{shop}}} {
		checkFallback(t, "the bare code, server "+server, e.Encode(t.Context(), kioskUnknown), kioskFallback(t, "internal error"))
	}
	if got := status.Code(fmt.Errorf("x: %w", kioskInternal)); got != kioskUnknown {
		t.Errorf("Code() of a fallback as an error = %v; want its table's UNKNOWN default", got)
	}
	if !errors.Is(kioskUnknown, kioskUnknown) || errors.Is(kioskUnknown, kioskInternal) || errors.Is(kioskUnknown, codes.NoError) {
		t.Error("errors.Is of two fallbacks isn't ==")
	}
	if got := status.New(kioskUnknown, "m").String(); got != "INTERNAL: m" {
		t.Errorf("String() = %q; want INTERNAL: m", got)
	}
}

// A status that carries no code can be restated on a connection whose first table has fallbacks.
func TestRestatingWithFallbacks(t *testing.T) {
	for name, sent := range map[string]*spb.Status{
		"bare":               testrpc.Canonical(t, grpccodes.NotFound, secret),
		"a withheld failure": kioskFallback(t, secret),
		"a foreign domain":   testrpc.Canonical(t, grpccodes.NotFound, secret, info("storage.example", "NO_BUCKET", "")),
	} {
		err := kioskClient().Decode(t.Context(), grpcstatus.FromProto(sent).Err())
		checkNoCode(t, name, err, kioskUnknown)
		restated := status.Convert(err).WithMessage("calling the kiosk").Wrap(err)
		got := kioskServer().Encode(t.Context(), restated)
		if diff := cmp.Diff(testrpc.Canonical(t, grpccodes.Code(sent.Code), "calling the kiosk"), got.Status().Proto(), protocmp.Transform()); diff != "" {
			t.Errorf("%s: restated (-want +got):\n%s", name, diff)
		}
		if _, ok := status.Declared(restated); ok || errors.Is(restated, kioskUnknown) || got.Code() != nil {
			t.Errorf("%s: the restated error has a code, sent as %v", name, got.Code())
		}
		coded := kioskServer().Encode(t.Context(), status.Convert(err).WithCode(kioskClosed).Wrap(err))
		if coded.Code() != kioskClosed || coded.GRPCCode() != grpccodes.Code(sent.Code) {
			t.Errorf("%s: WithCode sends %v with %v; want kioskClosed with the received canonical code", name, coded.Code(), coded.GRPCCode())
		}
	}
}

// A status without a code is forwarded only over a connection with full trust: then whole.
func TestTrustWithAFallback(t *testing.T) {
	sent := grpcstatus.FromProto(kioskFallback(t, "words of the upstream"))
	for _, trust := range []status.Trust{status.TrustKnown, status.TrustNone} {
		client := kioskClient()
		client.Trust = trust
		got := (&status.Encoder{Tables: []*codes.Table{shop}}).Encode(t.Context(), client.Decode(t.Context(), sent.Err()))
		if got.Code() != shopBroken || got.Source() != status.SourceUpstream {
			t.Errorf("trust %v: %v, code %v; want the server's own INTERNAL default", trust, got.Source(), got.Code())
		}
	}
	client := kioskClient()
	client.Trust = status.TrustAll
	got := (&status.Encoder{Tables: []*codes.Table{shop}}).Encode(t.Context(), client.Decode(t.Context(), sent.Err()))
	if diff := cmp.Diff(sent.Proto(), got.Status().Proto(), protocmp.Transform()); diff != "" || got.Code() != nil {
		t.Errorf("full trust: code %v, forwarded (-want +got):\n%s", got.Code(), diff)
	}
}

// Nothing is assumed where the default is a fallback.
func TestFallbackIsNotAssumed(t *testing.T) {
	client := kioskClient()
	client.AssumeCodes = true
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		err := client.Decode(t.Context(), grpcstatus.Error(c, "x"))
		checkNoCode(t, c.String(), err, kioskUnknown)
		if got := kioskServer().Encode(t.Context(), err); got.Code() != nil {
			t.Errorf("%v is forwarded as %v; want no code", c, got.Code())
		}
	}
	client.Tables = []*codes.Table{kiosk.MustWithRows(codes.Row{Code: kioskCode(4), Reason: "NO_SUCH_THING", GRPCCode: grpccodes.NotFound, Default: true})}
	if got, ok := status.Declared(client.Decode(t.Context(), grpcstatus.Error(grpccodes.NotFound, "x"))); got != kioskCode(4) || !ok {
		t.Errorf("NOT_FOUND is assumed to be %v, %t; want the default row's code", got, ok)
	}
}

// Clients with another table of the domain read a fallback without harm.
func TestClientsWithOtherTablesReadAFallback(t *testing.T) {
	sent := kioskServer().Encode(t.Context(), errors.New(secret)).Status()
	defaults := kiosk.MustWithRows(
		codes.Row{Code: kioskCode(1), Reason: "KIOSK_BROKEN", GRPCCode: grpccodes.Internal, Default: true},
		codes.Row{Code: kioskCode(2), Reason: "KIOSK_UNCLEAR", GRPCCode: grpccodes.Unknown, Default: true})
	internal := kiosk.MustWithRows(codes.Row{Code: kioskCode(1), Reason: "INTERNAL", GRPCCode: grpccodes.Internal, Default: true})
	for _, tt := range []struct {
		name     string
		table    *codes.Table
		want     codes.Code
		declared bool
	}{
		{"a table with defaults", defaults, kioskCode(2), false},
		{"a table whose reason INTERNAL is a code", internal, kioskCode(1), true},
		{"no table of the domain", shop, shop.DefaultFor(grpccodes.Unknown), false},
	} {
		err := (&status.Decoder{Tables: []*codes.Table{tt.table}}).Decode(t.Context(), sent.Err())
		if code, ok := status.Declared(err); code != tt.want || ok != tt.declared {
			t.Errorf("%s: Declared() = %v, %t; want %v, %t", tt.name, code, ok, tt.want, tt.declared)
		}
		if st := status.Convert(err); st.Reason() != "INTERNAL" || st.Domain() != "kiosk.example" || st.Message() != "internal error" {
			t.Errorf("%s: reason %q, domain %q, message %q", tt.name, st.Reason(), st.Domain(), st.Message())
		}
	}
}

// What a peer writes never makes a fallback.
func TestHostileFallbacks(t *testing.T) {
	for _, reason := range []string{"INTERNAL", "UNKNOWN", "", "x"} {
		for number, want := range map[string]codes.Code{
			"": nil, "-13": nil, "-2": nil, "-1": nil, "0": nil, "4294967283": nil, "-013": nil, "13x": nil,
			"13": kioskCode(13), // a number without a row is kept
		} {
			sent := grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.Internal, "x", info("kiosk.example", reason, number)))
			err := kioskClient().Decode(t.Context(), sent.Err())
			if code, ok := status.Declared(err); want != nil && (code != want || !ok) || want == nil && (code != kioskUnknown || ok) {
				t.Errorf("reason %q, number %q: Declared() = %v, %t; want %v", reason, number, code, ok, want)
			}
			if errors.Is(err, kioskInternal) || errors.Is(err, kioskUnknown) {
				t.Errorf("reason %q, number %q: errors.Is finds a fallback", reason, number)
			}
			if got := kioskServer().Encode(t.Context(), err); want == nil && !proto.Equal(got.Status().Proto(), kioskFallback(t, "internal error")) {
				t.Errorf("reason %q, number %q: forwarded as %v", reason, number, got.Status())
			}
		}
		// The number is another code's.
		sent := grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.Internal, "x", info("kiosk.example", reason, "1305")))
		if code, ok := status.Declared(kioskClient().Decode(t.Context(), sent.Err())); ok != (reason == "" || reason == "x") {
			t.Errorf("reason %q, number 1305: Declared() = %v, %t", reason, code, ok)
		}
	}
	for _, raw := range []grpccodes.Code{1<<32 - 13, 1<<32 - 2, 13 + 1<<31} {
		checkNoCode(t, raw.String(), kioskClient().Decode(t.Context(), grpcstatus.Error(raw, "x")), kioskUnknown)
	}
}

// The server's table decides, even if the code's own table has a default row.
func TestFallbackOfACopy(t *testing.T) {
	row, _ := shop.Lookup(shopBroken.Number())
	row.Default = false
	copied := shop.MustWithRows(row)
	unchanged := func(_ context.Context, st *status.Status) *status.Status { return st }
	want := testrpc.Canonical(t, grpccodes.Internal, "internal error", &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "shop.example"})
	for name, e := range map[string]status.Encoder{
		"no option": {}, "a small limit": {MaxSize: status.LeastMaxSize}, "debug info": {DebugInfo: true},
		"an amendment": {Amendments: []func(context.Context, *status.Status) *status.Status{unchanged}},
	} {
		e.Tables = []*codes.Table{copied}
		got := e.Encode(t.Context(), errors.New(secret))
		if diff := cmp.Diff(want, got.Status().Proto(), protocmp.Transform()); diff != "" || got.Code() != nil {
			t.Errorf("%s: code %v; the status (-want +got):\n%s", name, got.Code(), diff)
		}
	}
	// The other way round: a copy with a default row.
	copied = kiosk.MustWithRows(codes.Row{Code: kioskCode(1), Reason: "KIOSK_BROKEN", GRPCCode: grpccodes.Internal, Default: true})
	got := (&status.Encoder{Tables: []*codes.Table{copied}}).Encode(t.Context(), errors.New(secret))
	if got.Code() != kioskCode(1) || got.Status().Message() != "kiosk broken" {
		t.Errorf("sent %v, code %v; want the default row of the server's table", got.Status(), got.Code())
	}
}

// A former reason is read. A server that forwards it sends the present one.
func TestFormerReasonIsRead(t *testing.T) {
	for _, number := range []string{"", "1305", "7"} {
		sent := grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.Unavailable, "x", info("kiosk.example", "KIOSK_SHUT", number)))
		err := kioskClient().Decode(t.Context(), sent.Err())
		if code, ok := status.Declared(err); code != kioskClosed || !ok || !errors.Is(err, kioskClosed) {
			t.Errorf("number %q: Declared() = %v, %t; want kioskClosed", number, code, ok)
		}
		if got := status.Convert(err).Reason(); got != "KIOSK_SHUT" {
			t.Errorf("number %q: Reason() = %q; want the received one", number, got)
		}
		for _, forwarded := range []error{err, status.Convert(err).WithMetadata("key", "v").Err()} {
			got := status.FromGRPC(kioskServer().Encode(t.Context(), forwarded).Status())
			if got.Reason() != "KIOSK_CLOSED" || got.Domain() != "kiosk.example" {
				t.Errorf("number %q: forwarded %q of %q; want the present reason", number, got.Reason(), got.Domain())
			}
		}
	}
	if got := kioskServer().Encode(t.Context(), kioskClosed).Status(); !proto.Equal(got.Proto().Details[0], testrpc.Packed(t, info("kiosk.example", "KIOSK_CLOSED", "1305"))) {
		t.Errorf("sent %v; want the present reason", got)
	}
}

// A row's advice counts, and of a received code that of the connection's table.
func TestRetryableFollowsTheRow(t *testing.T) {
	advised := func(advice codes.Retry) *codes.Table {
		row, _ := kiosk.Lookup(kioskClosed.Number())
		row.RetryOverride = advice
		return kiosk.MustWithRows(row)
	}
	sent := kioskServer().Encode(t.Context(), kioskClosed).Status()
	delayed := kioskServer().Encode(t.Context(), status.New(kioskClosed, "").WithRetryDelay(time.Second).Err()).Status()
	for advice, want := range map[codes.Retry]bool{codes.RetryUnspecified: true, codes.RetryCall: true, codes.RetryNever: false, codes.RetryTransaction: false} {
		client := &status.Decoder{Tables: []*codes.Table{advised(advice)}}
		if got := status.Retryable(client.Decode(t.Context(), sent.Err())); got != want {
			t.Errorf("advice %v: Retryable() = %t; want %t", advice, got, want)
		}
		if status.Retryable(client.Decode(t.Context(), delayed.Err())) {
			t.Errorf("advice %v: Retryable() = true with a delay; want false", advice)
		}
		if !status.Retryable(client.Decode(t.Context(), grpcstatus.Error(grpccodes.Unavailable, "x"))) {
			t.Errorf("advice %v: Retryable() = false for UNAVAILABLE without a code; want true", advice)
		}
	}
	notFound := testrpc.Canonical(t, grpccodes.NotFound, "x", info("kiosk.example", "KIOSK_CLOSED", "1305"))
	for advice, want := range map[codes.Retry]bool{codes.RetryUnspecified: false, codes.RetryCall: true} {
		client := &status.Decoder{Tables: []*codes.Table{advised(advice)}}
		if got := status.Retryable(client.Decode(t.Context(), grpcstatus.FromProto(notFound).Err())); got != want {
			t.Errorf("advice %v, NOT_FOUND: Retryable() = %t; want %t", advice, got, want)
		}
	}
	if !status.Retryable(kioskClosed) || status.Retryable(kioskInternal) || status.Retryable(status.New(kioskInternal, "").Err()) {
		t.Error("Retryable() of codes of this process doesn't follow their own table")
	}
}

// What [codes.Compare] says about reading is what clients do: if nobody breaks, every code of
// each server is read by the clients with the other table.
func TestCompareAgreesWithClients(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() *codes.Table {
		reasons := []string{"AAA", "BBB", "CCC", "DDD", "EEE"}
		r.Shuffle(len(reasons), func(i, j int) { reasons[i], reasons[j] = reasons[j], reasons[i] })
		var rows []codes.Row
		for number := kioskCode(1); number <= 2; number++ {
			row := codes.Row{Code: number, Name: fmt.Sprint("Name", number), Reason: reasons[0], GRPCCode: grpccodes.NotFound, Message: "m"}
			reasons = reasons[1:]
			if r.IntN(2) == 0 {
				row.FormerReasons, reasons = reasons[:1], reasons[1:]
			}
			if rows = append(rows, row); r.IntN(3) == 0 {
				break
			}
		}
		return codes.MustTable("kiosk.example", rows...)
	}
	// reads reports whether clients read the codes that servers send.
	reads := func(server, client *codes.Table) bool {
		for row := range server.All() {
			d := &status.Decoder{Tables: []*codes.Table{client}}
			if code, ok := status.Declared(d.Decode(t.Context(), server.GRPCStatus(row.Code.Number()).Err())); !ok || code != row.Code {
				return false
			}
		}
		return true
	}
	var safe, clientsFirst, broken int
	for range 20_000 {
		old, new := random(), random()
		changes := codes.Compare(old, new)
		readsOld, readsNew := reads(old, new), reads(new, old)
		breaks := slices.ContainsFunc(changes, func(c codes.Change) bool {
			return c.Breaks != "" && c.Kind != codes.ChangeRemoved && c.Kind != codes.ChangeFormerReason && c.Kind != codes.ChangeName && c.Kind != codes.ChangeNumber
		})
		order := slices.ContainsFunc(changes, func(c codes.Change) bool { return strings.HasPrefix(c.Note, "deploy clients before") })
		moved := slices.ContainsFunc(changes, func(c codes.Change) bool { return c.Kind == codes.ChangeNumber || c.Kind == codes.ChangeRemoved })
		switch {
		case moved: // the codes aren't the same any more
		case breaks:
			broken++
			if readsOld && readsNew {
				t.Fatalf("Compare says %v, but all codes are read", changes)
			}
		case order:
			clientsFirst++
			if !readsOld || readsNew {
				t.Fatalf("Compare says %v, but clients with the new table read all: %t, with the old one: %t", changes, readsOld, readsNew)
			}
		default:
			safe++
			if !readsOld || !readsNew {
				t.Fatalf("Compare says %v, but clients with the new table read all: %t, with the old one: %t", changes, readsOld, readsNew)
			}
		}
	}
	if safe < 100 || clientsFirst < 100 || broken < 100 {
		t.Errorf("%d safe, %d with clients first, %d broken: want at least 100 of each", safe, clientsFirst, broken)
	}
}
