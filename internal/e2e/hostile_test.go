package e2e_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// Statuses that no errstatus server writes, and Go types that behave badly.

// oddReasons are reasons that AIP-193 forbids.
var oddReasons = []string{
	"", "R", "record_not_found", "Record_Not_Found", "RECORD_NOT_FOUND ", " RECORD_NOT_FOUND", "RECORD NOT FOUND", "RECORD-NOT-FOUND",
	"_RECORD", "RECORD_", "1RECORD", "RÉCORD", "RECORD\nlevel=ERROR", "RECORD\u2028X", "RECORD\x1b[31m", strings.Repeat("R", 64), strings.Repeat("R", 3000),
}

// oddKeys are metadata keys that AIP-193 forbids, with a canary as value.
func oddKeys() map[string]string {
	keys := map[string]string{}
	for _, key := range []string{"", "a", "Zone", "zone name", "zone.name", "9zone", "zoné", "zone\nlevel=ERROR", strings.Repeat("k", 65)} {
		keys[key] = canary
	}
	return keys
}

// For a known domain, an odd reason is no reason and odd keys don't count: the number says
// the code, and what is forwarded has the row's reason and the other keys.
func TestOddErrorInfoOfAKnownDomain(t *testing.T) {
	c := testrpc.Returning(nil)
	toC := testrpc.Connect(t, c, nil, interceptor.DialOptions())
	plain := testrpc.Connect(t, c, nil, nil)
	b := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, b)
	valid := map[string]string{"zone": "b", "user-ID_2": " v\n"}
	all := oddKeys()
	maps.Copy(all, valid)
	for _, reason := range oddReasons {
		for _, numbered := range []bool{true, false} {
			metadata := maps.Clone(all)
			want := testrpc.ErrorInfo(codes.RecordNotFound)
			maps.Copy(want.Metadata, valid)
			if numbered {
				metadata["code"] = "1004"
			}
			sent := testrpc.Canonical(t, grpccodes.Aborted, "m", &errdetails.ErrorInfo{Reason: reason, Domain: "openim.io", Metadata: metadata}, testrpc.BadRequest())
			c.Return(testrpc.AtOpen, grpcstatus.FromProto(sent).Err())
			for _, k := range replayed {
				name := fmt.Sprintf("%.20q, with a number: %t, %s", reason, numbered, k.Name)
				_, plainErr := k.Call(t.Context(), plain)
				_, err := k.Call(t.Context(), toC)
				b.Run(testrpc.AtOpen, forwards(toC, func(err error) error { return err }, k))
				got := testrpc.Failure(t, testrpc.Answer(t, conn, k))
				checkOneLine(t, name, err)
				if !numbered {
					checkUncoded(t, name, err, plainErr, codes.SdkUnknownCode)
					if st := status.Convert(err); st.Reason() != "" || st.Origin() != status.OriginKnown || !maps.Equal(st.Metadata(), valid) {
						t.Errorf("%s: reason %q, origin %v, metadata %q; want none, known, %q", name, st.Reason(), st.Origin(), st.Metadata(), valid)
					}
					if diff := cmp.Diff(testrpc.Carrying(t, codes.ServerInternal, ""), got, protocmp.Transform()); diff != "" {
						t.Errorf("%s: what B sends (-want +got):\n%s", name, diff)
					}
					continue
				}
				st := status.Convert(err)
				if st.Code() != codes.RecordNotFound || st.Reason() != "RECORD_NOT_FOUND" || st.GRPCCode() != grpccodes.Aborted || !maps.Equal(st.Metadata(), valid) {
					t.Errorf("%s: the client reads %v, reason %q, %v, metadata %q; want RecordNotFound, RECORD_NOT_FOUND, ABORTED, %q", name, st, st.Reason(), st.GRPCCode(), st.Metadata(), valid)
				}
				if !errors.Is(err, codes.RecordNotFound) {
					t.Errorf("%s: errors.Is doesn't find RecordNotFound in %v", name, err)
				}
				if diff := cmp.Diff(testrpc.Canonical(t, grpccodes.Aborted, "m", want, testrpc.BadRequest()), got, protocmp.Transform()); diff != "" {
					t.Errorf("%s: what B sends (-want +got):\n%s", name, diff)
				}
			}
		}
	}
}

// A valid reason with odd keys keeps its reason, also an unknown one.
func TestOddKeysOfAKnownDomainAreNotForwarded(t *testing.T) {
	for _, tt := range []struct {
		reason, number string
		code           codes.ErrorCode
	}{
		{"RECORD_NOT_FOUND", "1004", codes.RecordNotFound},
		{"RECORD_NOT_FOUND", "", codes.RecordNotFound},
		{"RECORD_NOT_FOUND", "1001", codes.RecordNotFound}, // the reason decides
		{"NEW_REASON", "1305", 1305},
	} {
		metadata := oddKeys()
		metadata["zone"] = "b"
		if tt.number != "" {
			metadata["code"] = tt.number
		}
		sent := testrpc.Canonical(t, grpccodes.Aborted, "m", &errdetails.ErrorInfo{Reason: tt.reason, Domain: "openim.io", Metadata: metadata})
		err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err())
		if !errors.Is(err, tt.code) {
			t.Errorf("%s, %s: the client gets %v; want %v", tt.reason, tt.number, err, tt.code)
		}
		want := &errdetails.ErrorInfo{Reason: tt.reason, Domain: "openim.io", Metadata: map[string]string{"code": fmt.Sprint(int(tt.code)), "zone": "b"}}
		if diff := cmp.Diff(testrpc.Canonical(t, grpccodes.Aborted, "m", want), testrpc.Sent(t, err), protocmp.Transform()); diff != "" {
			t.Errorf("%s, %s: what B sends (-want +got):\n%s", tt.reason, tt.number, diff)
		}
	}
}

// A foreign ErrorInfo is readable whatever it has, and is forwarded only with TrustAll,
// unchanged.
func TestOddErrorInfoOfAForeignDomain(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	metadata := oddKeys()
	metadata["code"] = "1004"
	for _, reason := range oddReasons {
		for _, domain := range []string{"shop.example", "shop\nexample", ""} {
			sent := testrpc.Canonical(t, grpccodes.Aborted, "m", &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: metadata})
			for _, trust := range []status.Trust{status.TrustKnown, status.TrustAll} {
				err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err(), interceptor.WithUpstreamTrust(trust))
				name := fmt.Sprintf("%.20q, %q, %v", reason, domain, trust)
				checkUncoded(t, name, err, grpcstatus.FromProto(sent).Err(), codes.SdkUnknownCode)
				checkOneLine(t, name, err)
				if st := status.Convert(err); st.Reason() != reason || st.Domain() != domain || !maps.Equal(st.Metadata(), metadata) {
					t.Errorf("%s: reason %q, domain %q, metadata %q; want them as received", name, st.Reason(), st.Domain(), st.Metadata())
				}
				want := testrpc.Carrying(t, codes.ServerInternal, "")
				if trust == status.TrustAll {
					want = sent
				}
				logs()
				if diff := cmp.Diff(want, testrpc.Sent(t, err), protocmp.Transform()); diff != "" && len(reason) < 1000 {
					t.Errorf("%s: what B sends (-want +got):\n%s", name, diff)
				}
				if records := logs(); (len(records) == 1) != (trust == status.TrustKnown) {
					t.Errorf("%s: the log has %d records; want one if and only if the status is withheld", name, len(records))
				}
			}
		}
	}
}

// checkOneLine checks that an error is logged on one line, and that its attributes have no
// control characters. The cause is gRPC's own error, which the logger itself escapes.
func checkOneLine(t *testing.T, name string, err error) {
	t.Helper()
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Error("failed", "error", err)
	if got := strings.Count(out.String(), "\n"); got != 1 {
		t.Errorf("%s: the log has %d lines; want one: %.300q", name, got, out.String())
	}
	for _, attr := range slog.AnyValue(err).Resolve().Group() {
		if text := attr.Value.String(); attr.Key != "cause" && strings.ContainsAny(text, "\n\r\x1b\u2028") {
			t.Errorf("%s: the attribute %s is %.100q; want no control characters", name, attr.Key, text)
		}
	}
	if _, ok := status.Declared(err); ok && strings.ContainsAny(err.Error(), "\n\r\x1b\u2028") {
		t.Errorf("%s: Error() = %q; want one line", name, err.Error())
	}
}

// No delay is longer than 24 hours, neither sent nor read.
func TestRetryDelayIsAtMostADay(t *testing.T) {
	const day = 24 * time.Hour
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithRetryPushback())
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for delay, want := range map[time.Duration]time.Duration{
		day - 1: day - 1, day: day, day + 1: day, 48 * time.Hour: day, 10_000 * time.Hour: day, 1<<63 - 1: day,
	} {
		svc.Return(testrpc.AtOpen, status.New(codes.SrvNetwork, "").WithRetryDelay(delay).Err())
		for _, k := range testrpc.Kinds {
			got := testrpc.Answer(t, conn, k)
			sent, _ := status.Detail[*errdetails.RetryInfo](grpcstatus.FromProto(testrpc.Failure(t, got)).Err())
			if sent.GetRetryDelay().AsDuration() != want {
				t.Errorf("%v, %s: the RetryInfo has %v; want %v", delay, k.Name, sent, want)
			}
			if pushback := got.Trailers().Get(pushbackField); pushback != "86400000" {
				t.Errorf("%v, %s: the pushback is %q; want 86400000", delay, k.Name, pushback)
			}
			_, err := k.Call(t.Context(), client)
			if read, ok := status.RetryDelay(err); read != want || !ok {
				t.Errorf("%v, %s: RetryDelay() = %v, %t; want %v, true", delay, k.Name, read, ok, want)
			}
		}
	}
}

func TestReceivedRetryDelayIsAtMostADay(t *testing.T) {
	const day = 24 * time.Hour
	for delay, want := range map[*durationpb.Duration]time.Duration{
		{Seconds: 86_399, Nanos: 999_999_999}: day - 1, {Seconds: 86_400}: day, {Seconds: 86_400, Nanos: 1}: day,
		{Seconds: 31_536_000}: day, {Seconds: 315_576_000_000}: day, {Seconds: 315_576_000_000, Nanos: 999_999_999}: day,
	} {
		for name, sent := range map[string]*spb.Status{
			"known":   testrpc.Carrying(t, codes.SrvNetwork, "", &errdetails.RetryInfo{RetryDelay: delay}),
			"bare":    testrpc.Canonical(t, grpccodes.Unavailable, "", &errdetails.RetryInfo{RetryDelay: delay}),
			"foreign": testrpc.Canonical(t, grpccodes.Unavailable, "", &errdetails.ErrorInfo{Domain: "shop.example"}, &errdetails.RetryInfo{RetryDelay: delay}),
		} {
			svc := testrpc.Returning(grpcstatus.FromProto(sent).Err())
			client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
			for _, k := range replayed {
				_, err := k.Call(t.Context(), client)
				if got, ok := status.RetryDelay(err); got != want || !ok {
					t.Errorf("%s, %v, %s: RetryDelay() = %v, %t; want %v, true", name, delay, k.Name, got, ok, want)
				}
			}
		}
	}
	// The handler adds a RetryInfo of its own. It is sent unchanged. The pushback is one day.
	err := status.New(codes.SrvNetwork, "").WithDetails(retryInfo(100 * time.Hour)).Err()
	if delay, ok := status.RetryDelay(err); delay != day || !ok {
		t.Errorf("RetryDelay() of an own RetryInfo = %v, %t; want %v, true", delay, ok, day)
	}
	got := testrpc.Answer(t, testrpc.DialWire(t, testrpc.Returning(err), interceptor.WithRetryPushback()), testrpc.Unary)
	if pushback := got.Trailers().Get(pushbackField); pushback != "86400000" {
		t.Errorf("the pushback of an own RetryInfo is %q; want 86400000", pushback)
	}
}

// A spaced is an error whose message begins and ends with spaces, and the message that is
// sent: "" is the row's, or none.
type spaced struct {
	name string
	err  error
	want string
}

// spacedErrors returns errors with a message of every maker.
func spacedErrors(t testing.TB, message string) (all []spaced) {
	t.Helper()
	trimmed := strings.Trim(message, " ")
	row := func(c codes.Code) string {
		if trimmed == "" {
			return testrpc.Carrying(t, c, "").Message
		}
		return trimmed
	}
	receivedAs := func(sent *spb.Status) error {
		sent.Message = strings.ToValidUTF8(sent.Message, "\uFFFD") // gRPC's own server sends no other
		return testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err(), interceptor.WithUpstreamTrust(status.TrustAll))
	}
	cause := errors.New("cause")
	carrying := testrpc.Carrying(t, codes.Args, "x", testrpc.BadRequest())
	carrying.Message = message
	return []spaced{
		{"New", status.New(codes.Args, message).Err(), row(codes.Args)},
		{"Error", status.Error(codes.Args, message), row(codes.Args)},
		{"Newf", status.Newf(codes.Args, "%s", message).Err(), row(codes.Args)},
		{"Errorf", status.Errorf(codes.Args, "%s", message), row(codes.Args)},
		{"Errorf with %w", status.Errorf(codes.Args, "%s%w", message, cause), row(codes.Args)},
		{"Wrap", status.Wrap(cause, codes.Args, message), row(codes.Args)},
		{"Wrapf", status.Wrapf(cause, codes.Args, "%s", message), row(codes.Args)},
		{"WithMessage", status.New(codes.Args, "x").WithMessage(message).Err(), row(codes.Args)},
		{"with details", status.New(codes.Args, message).WithDetails(testrpc.BadRequest()).WithMetadata("key", message).Err(), row(codes.Args)},
		{"without a row", status.Error(codes.ErrorCode(1305), message), row(codes.ErrorCode(1305))},
		{"another domain", status.Error(testrpc.PetRanAway, message), row(testrpc.PetRanAway)},
		{"a rule", sql.ErrTxDone, row(codes.SrvData)},
		{"a gRPC status", grpcstatus.Error(grpccodes.Aborted, message), trimmed},
		{"a gRPC status with details", grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.Aborted, message, testrpc.BadRequest())).Err(), trimmed},
		{"a carrying gRPC status", grpcstatus.FromProto(carrying).Err(), row(codes.Args)},
		{"a gRPC number", grpcstatus.Error(1004, message), row(codes.RecordNotFound)},
		{"an OpenIM error", openIMError{1004, message, ""}, row(codes.RecordNotFound)},
		{"received, known", receivedAs(carrying), row(codes.Args)},
		{"received, number", receivedAs(testrpc.Canonical(t, 1004, message)), row(codes.RecordNotFound)},
		{"received, bare", receivedAs(testrpc.Canonical(t, grpccodes.Aborted, message)), trimmed},
		{"received, restated", status.Convert(receivedAs(carrying)).WithDetails(testrpc.BadRequest()).Err(), row(codes.Args)},
		{"received, foreign", receivedAs(testrpc.Canonical(t, grpccodes.Aborted, message, &errdetails.ErrorInfo{Reason: "R", Domain: "shop.example"})), trimmed},
	}
}

// A message neither begins nor ends with a space, in the header and in the details. Other
// white space stays.
func TestMessagesHaveNoSpacesAtTheirEdges(t *testing.T) {
	for _, message := range []string{" x", "x ", "  x  y  ", " ", "    ", "\tx\n ", " \u00a0x\u00a0 ", " \xff ", " " + strings.Repeat("x y ", 3000)} {
		svc := testrpc.Returning(nil)
		mapper := interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			if err == sql.ErrTxDone {
				return status.New(codes.SrvData, message)
			}
			return nil
		})
		openIM := interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail)
		canonical := testrpc.DialWire(t, svc, mapper, openIM)
		numeric := testrpc.DialWire(t, svc, mapper, openIM, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
		amending := testrpc.DialWire(t, svc, mapper, openIM, interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status {
			return st.WithMessage(message)
		}))
		plain := testrpc.DialWireWith(t, svc, nil)
		for _, s := range spacedErrors(t, message) {
			svc.Return(testrpc.AtOpen, s.err)
			for _, k := range replayed {
				name := fmt.Sprintf("%.10q, %s, %s", message, s.name, k.Name)
				checkEdges(t, name, testrpc.Answer(t, canonical, k), s.want)
				checkEdges(t, name+", numeric form", testrpc.Answer(t, numeric, k), s.want)
				checkEdges(t, name+", amended", testrpc.Answer(t, amending, k), "any")
				if _, ok := s.err.(interface{ Unwrap() []error }); ok && !strings.HasPrefix(s.name, "received") {
					checkEdges(t, name+", server without errstatus", testrpc.Answer(t, plain, k), "any")
				}
			}
		}
	}
}

// checkEdges checks the message of an answer. If it was truncated, want is longer.
func checkEdges(t *testing.T, name string, got *wiretest.Answer, want string) {
	t.Helper()
	raw := got.Trailers().Get("grpc-message")
	if strings.Trim(raw, " ") != raw || strings.HasPrefix(raw, "%20") || strings.HasSuffix(raw, "%20") {
		t.Errorf("%s: grpc-message is %.100q; want no space at its edges", name, raw)
	}
	details, err := got.Trailers().DetailsBin()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if message := details.GetMessage(); strings.Trim(message, " ") != message {
		t.Errorf("%s: the message in the details is %.100q; want no space at its edges", name, message)
	}
	st, err := got.Trailers().Status()
	if err != nil {
		t.Errorf("%s: %v; want headers and details that agree", name, err)
	}
	want = strings.ToValidUTF8(want, "\uFFFD")
	if want != "any" && st.GetMessage() != want && !strings.HasPrefix(want, strings.TrimSuffix(st.GetMessage(), "...")) {
		t.Errorf("%s: the message is %.100q; want %.100q", name, st.GetMessage(), want)
	}
	if want != "any" && want != "" && st.GetMessage() == "" {
		t.Errorf("%s: there is no message; want %.100q", name, want)
	}
}

// Detail of a message type that names no type is false, for every kind of error.
func TestDetailOfADynamicMessageIsFalse(t *testing.T) {
	for name, err := range everyKindOfError(t) {
		if d, ok := status.Detail[*dynamicpb.Message](err); ok || d != nil {
			t.Errorf("%s: Detail[*dynamicpb.Message] = %v, %t; want nil, false", name, d, ok)
		}
		if d, ok := status.Detail[proto.Message](err); ok || d != nil {
			t.Errorf("%s: Detail[proto.Message] = %v, %t; want nil, false", name, d, ok)
		}
		if d, ok := status.Detail[*anypb.Any](err); ok {
			t.Errorf("%s: Detail[*anypb.Any] = %v, true; want false", name, d)
		}
	}
	// such a message is a detail like any other if it has a type
	full := dynamicpb.NewMessage((&errdetails.BadRequest{}).ProtoReflect().Descriptor())
	err := testrpc.Received(t, status.New(codes.Args, "").WithDetails(full).Err())
	if _, ok := status.Detail[*errdetails.BadRequest](err); !ok {
		t.Errorf("Detail[*BadRequest] of %v is false; want the dynamic message that was sent", err)
	}
}

// What an error that is wrapped in NoError sends doesn't depend on who sends it: a server
// with errstatus, a server without it, or status.ToGRPC.
func TestErrorWrappedInNoErrorAgreesWithItsGRPCStatus(t *testing.T) {
	testrpc.CaptureLog(t)
	svc := testrpc.Returning(nil)
	withErrstatus, plain := testrpc.Connect(t, svc, interceptor.ServerOptions(), nil), testrpc.Connect(t, svc, nil, nil)
	for name, x := range everyKindOfError(t) {
		for how, err := range map[string]error{
			"Wrap":           status.Wrap(x, codes.NoError, "private "+testrpc.Secret),
			"Wrap twice":     status.Wrap(status.Wrap(x, codes.NoError, ""), codes.NoError, ""),
			"Wrapf":          status.Wrapf(x, codes.NoError, "%w", x),
			"New, then Wrap": status.New(codes.NoError, "m").WithDetails(testrpc.BadRequest()).Wrap(x),
			"nil, then Wrap": (*status.Status)(nil).Wrap(x),
			"another domain": status.Wrap(x, testrpc.PetOK, ""),
		} {
			if err == nil {
				t.Errorf("%s, %s: the error is nil; want an error", name, how)
				continue
			}
			want := status.ToGRPC(err).Proto()
			got := err.(interface{ GRPCStatus() *grpcstatus.Status }).GRPCStatus().Proto()
			if want.GetCode() == 0 || !proto.Equal(want, got) {
				t.Errorf("%s, %s: GRPCStatus() = %v; want what ToGRPC returns, a failure: %v", name, how, got, want)
			}
			if want := status.ToGRPC(x).Proto(); how != "another domain" && !proto.Equal(want, got) && name != "NoError" {
				t.Errorf("%s, %s: GRPCStatus() = %v; want that of the wrapped error: %v", name, how, got, want)
			}
			svc.Return(testrpc.AtOpen, err)
			for _, k := range replayed {
				_, err := k.Call(t.Context(), withErrstatus)
				testrpc.CheckStatus(t, err, want)
				_, err = k.Call(t.Context(), plain)
				testrpc.CheckStatus(t, err, want)
			}
		}
	}
	if err := status.Wrap(nil, codes.NoError, "m"); err != nil {
		t.Errorf("Wrap(nil, NoError) = %v; want nil", err)
	}
}

// Codes of users whose methods panic.

// A flaky is a code whose Table and Number methods panic from some call on.
type flaky int32

// flakyCalls is the number of the call of a flaky's methods from which on they panic. It is 0
// while they don't.
var flakyCalls atomic.Int32

// armed makes a flaky's methods panic from the k-th call on, until the function it returns
// is called.
func armed(k int) (disarm func()) {
	flakyCalls.Store(int32(k))
	return func() { flakyCalls.Store(0) }
}

func (flaky) count() {
	for {
		switch n := flakyCalls.Load(); {
		case n == 0:
			return
		case n == 1:
			panic(testrpc.Secret)
		case flakyCalls.CompareAndSwap(n, n-1):
			return
		}
	}
}

var flakies = codes.MustTable("flaky.example",
	codes.Row{Code: flaky(0), Reason: "FLAKY_OK", GRPCCode: grpccodes.OK, Message: "fine", Default: true},
	codes.Row{Code: flaky(13), Reason: "FLAKY_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: flaky(99), Reason: "FLAKY_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
	codes.Row{Code: flaky(1004), Reason: "FLAKY_MISSING", GRPCCode: grpccodes.NotFound, Message: "missing"},
)

func (c flaky) Number() codes.Number { c.count(); return codes.Number(c) }

func (c flaky) Table() *codes.Table { c.count(); return flakies }

func (c flaky) Error() string { return fmt.Sprint("flaky ", int(c)) }

// A flakyCase is an error with a flaky, and the options of the server that encodes it.
type flakyCase struct {
	name string
	err  error
	opts []interceptor.ServerOption
	ctx  context.Context
}

func flakyCases(t testing.TB) (all []flakyCase) {
	t.Helper()
	missing := flaky(1004)
	st := status.New(missing, "public").WithMetadata("key", "v").WithMetadata("Bad Key", "v").WithDetails(testrpc.BadRequest())
	var table interceptor.ServerOption = interceptor.WithTable(flakies)
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("cause: %w", missing))
	for name, err := range map[string]error{
		"alone":                  missing,
		"a number without a row": flaky(77),
		"its zero":               flaky(0),
		"a negative one":         flaky(-3),
		"a pointer":              &missing,
		"embedded":               struct{ flaky }{missing},
		"under %w":               fmt.Errorf("loading: %w", missing),
		"under two %w":           fmt.Errorf("a: %w", fmt.Errorf("b: %w", missing)),
		"joined":                 errors.Join(io.EOF, missing),
		"joined after a panic":   errors.Join(panicsInIs{io.EOF}, missing),
		"a short Status":         status.Error(missing, "public"),
		"a Status of the row":    status.Error(missing, ""),
		"a long Status":          status.Error(missing, strings.Repeat("x", 9000)),
		"a Status with more":     st.Err(),
		"a Status under %w":      fmt.Errorf("a: %w", st.Err()),
		"a Status with a cause":  st.Wrap(missing),
		"a Status with a delay":  st.WithRetryDelay(time.Second).Err(),
		"encoded":                new(status.Encoder).Encode(t.Context(), fmt.Errorf("a: %w", missing)).Err(),
		"encoded, under %w":      fmt.Errorf("a: %w", new(status.Encoder).Encode(t.Context(), st.Err()).Err()),
		"wrapped in NoError":     status.Wrap(missing, codes.NoError, ""),
		"a cause of a code":      status.Wrap(missing, codes.Args, ""),
		"received":               (&status.Decoder{Tables: []*codes.Table{flakies}}).Decode(t.Context(), st.GRPCStatus().Err()),
		"received and restated":  status.Convert((&status.Decoder{Tables: []*codes.Table{flakies}}).Decode(t.Context(), st.GRPCStatus().Err())).WithMetadata("mine", "v").Err(),
		"a gRPC status":          st.GRPCStatus().Err(),
		"a raw number":           grpcstatus.Error(1004, "x"),
		"plain":                  errors.New("plain"),
		"an OpenIM error":        openIMError{1004, "x", "why"},
		"a panic":                status.Recovered(missing),
		"an uncoded gRPC status": grpcstatus.Error(grpccodes.Internal, "x"),
	} {
		for options, opts := range map[string][]interceptor.ServerOption{
			"no options":    nil,
			"table first":   {table},
			"table second":  {interceptor.WithTable(codes.Default()), table},
			"a mapping":     {interceptor.WithErrorMapping(io.EOF, missing), table},
			"a mapper":      {interceptor.WithErrorMapper(func(context.Context, error) *status.Status { return st })},
			"numeric":       {table, interceptor.WithOpenIMForm(interceptor.OpenIMAlways), interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail)},
			"small":         {table, interceptor.WithMaxStatusSize(status.LeastMaxSize), interceptor.WithDebugInfo(), interceptor.WithRetryPushback()},
			"withheld":      {table, interceptor.WithWithheldMessages(grpccodes.Internal, grpccodes.Unknown, grpccodes.NotFound)},
			"an amendment":  {table, interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithMetadata("amended", "v") })},
			"two and an id": {interceptor.WithAmendment(amendingAll), interceptor.WithAmendment(func(context.Context, *status.Status) *status.Status { return st }), interceptor.WithRequestID(func(context.Context) string { return "id-1" })},
		} {
			all = append(all, flakyCase{name + ", " + options, err, opts, t.Context()})
			if options == "no options" || options == "an amendment" {
				all = append(all, flakyCase{name + ", " + options + ", in an ended context", err, opts, ended})
			}
		}
	}
	return all
}

func amendingAll(_ context.Context, st *status.Status) *status.Status {
	return st.WithMessage("amended " + st.Message()).WithDetails(testrpc.BadRequest()).WithRetryDelay(time.Second)
}

// mostFlakyCalls is more than the number of calls that Encode makes of a code's methods.
const mostFlakyCalls = 120

func TestPanicsOfACodesMethodsStayInEncode(t *testing.T) {
	testrpc.CaptureLog(t)
	observed := interceptor.WithObserver(func(context.Context, interceptor.Event) {})
	for _, tt := range flakyCases(t) {
		for observing, opts := range map[string][]interceptor.ServerOption{"log": tt.opts, "observer": append(tt.opts[:len(tt.opts):len(tt.opts)], observed)} {
			server := interceptor.NewServer(opts...)
			for k := 1; k <= mostFlakyCalls; k++ {
				disarm := armed(k)
				encoded, value := encodePanics(func() status.Encoded { return server.Encode(tt.ctx, "/grpc.testing.TestService/UnaryCall", tt.err) })
				reached := flakyCalls.Load() == 1
				disarm()
				if value != nil {
					t.Errorf("%s, %s: with a panic at call %d, Encode panics with %v", tt.name, observing, k, value)
					break
				}
				if c := encoded.Status().Code(); encoded.GRPCCode() == grpccodes.OK || encoded.GRPCCode() > grpccodes.Unauthenticated || c == grpccodes.OK {
					t.Errorf("%s, %s: with a panic at call %d, the status is %v; want a failure", tt.name, observing, k, encoded.Status())
				}
				if !reached {
					break // Encode makes fewer calls
				}
				if k == mostFlakyCalls {
					t.Errorf("%s: Encode calls the code's methods %d times or more", tt.name, k)
				}
			}
		}
	}
}

func encodePanics(encode func() status.Encoded) (encoded status.Encoded, value any) {
	defer func() { value = recover() }()
	return encode(), nil
}

// The same through a server: the call fails, and the server goes on.
func TestPanicsOfACodesMethodsStayInTheServer(t *testing.T) {
	testrpc.CaptureLog(t)
	missing := flaky(1004)
	for name, err := range map[string]error{
		"alone":        missing,
		"under %w":     fmt.Errorf("a: %w", missing),
		"in a Status":  status.New(missing, "public").WithMetadata("key", "v").Err(),
		"joined":       errors.Join(io.EOF, missing),
		"plain":        errors.New(testrpc.Secret),
		"a raw number": grpcstatus.Error(1004, "x"),
	} {
		for options, opts := range map[string][]interceptor.ServerOption{
			"no options":   nil,
			"table first":  {interceptor.WithTable(flakies)},
			"an amendment": {interceptor.WithTable(flakies), interceptor.WithAmendment(amendingAll), interceptor.WithRequestID(func(context.Context) string { return "id-1" })},
			"an observer":  {interceptor.WithTable(flakies), interceptor.WithObserver(func(context.Context, interceptor.Event) {})},
		} {
			client := testrpc.Connect(t, testrpc.Returning(err), interceptor.ServerOptions(opts...), nil)
			for k := 1; k <= 12; k++ {
				for _, kind := range replayed {
					disarm := armed(k)
					_, err := kind.Call(t.Context(), client)
					disarm()
					if c := grpcstatus.Code(err); c != grpccodes.NotFound && c != grpccodes.Internal && c != grpccodes.Unknown {
						t.Errorf("%s, %s, panic at call %d, %s: the caller gets %v; want NOT_FOUND or INTERNAL", name, options, k, kind.Name, err)
					}
					testrpc.CheckNoSecret(t, err)
				}
			}
		}
	}
}
