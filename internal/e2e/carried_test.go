package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// A status that carries no code is never taken for one that does, whatever its canonical
// code is and whatever its ErrorInfo looks like.

// An uncoded is a form of a status that carries no code.
type uncoded struct {
	name    string
	details []*anypb.Any
	origin  status.Origin

	reason, domain string // that are readable
	metadata       map[string]string
}

// uncodedForms returns all forms. The numbers and reasons in them are those of codes.
func uncodedForms(t testing.TB) []uncoded {
	t.Helper()
	info := func(reason, domain string, metadata map[string]string) []*anypb.Any {
		return []*anypb.Any{testrpc.Packed(t, &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: metadata})}
	}
	number := func(text string) map[string]string { return map[string]string{"code": text} }
	odd := map[string]string{"code": "1004", "Odd Key": "v", "zone": "b"}
	return []uncoded{
		{name: "bare", origin: status.OriginBare},
		{name: "bare with details", details: []*anypb.Any{testrpc.Packed(t, testrpc.BadRequest())}, origin: status.OriginBare},
		{name: "malformed ErrorInfo", details: []*anypb.Any{{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte("\xff\xff\xff")}}, origin: status.OriginBare},
		{name: "ErrorInfo that isn't UTF-8", details: []*anypb.Any{{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte("\x0a\x01\xff\x12\x09openim.io")}}, origin: status.OriginBare},

		{name: "foreign", details: info("RECORD_NOT_FOUND", "shop.example", odd), origin: status.OriginForeign, reason: "RECORD_NOT_FOUND", domain: "shop.example", metadata: odd},
		{name: "foreign with an odd reason", details: info("record not found", "shop.example", nil), origin: status.OriginForeign, reason: "record not found", domain: "shop.example"},
		{name: "a domain in capital letters", details: info("ARGS", "OpenIM.io", number("1001")), origin: status.OriginForeign, reason: "ARGS", domain: "OpenIM.io", metadata: number("1001")},
		{name: "no domain", details: info("ARGS", "", number("1001")), origin: status.OriginForeign, reason: "ARGS", metadata: number("1001")},

		{name: "known domain alone", details: info("", "openim.io", nil), origin: status.OriginKnown, domain: "openim.io"},
		{name: "known domain, unknown reason", details: info("NEW_REASON", "openim.io", nil), origin: status.OriginKnown, reason: "NEW_REASON", domain: "openim.io"},
		{name: "known domain, reason and number disagree", details: info("NEW_REASON", "openim.io", number("1004")), origin: status.OriginKnown, reason: "NEW_REASON", domain: "openim.io"},
		{name: "known domain, reason in small letters", details: info("record_not_found", "openim.io", nil), origin: status.OriginKnown, domain: "openim.io"},
		{name: "known domain, number 0", details: info("", "openim.io", number("0")), origin: status.OriginKnown, domain: "openim.io"},
		{name: "known domain, the reason of NoError", details: info("NO_ERROR", "openim.io", number("0")), origin: status.OriginKnown, reason: "NO_ERROR", domain: "openim.io"},
		{name: "known domain, leading zero", details: info("", "openim.io", number("01004")), origin: status.OriginKnown, domain: "openim.io"},
		{name: "known domain, number too large", details: info("", "openim.io", number("2147483648")), origin: status.OriginKnown, domain: "openim.io"},
	}
}

// uncodedText has all that a text of errstatus's own would change.
const uncodedText = " first line\nsecond\tline, 100% \x1b[31m héllo "

// of returns the status of this form with a canonical code.
func (u uncoded) of(c grpccodes.Code) *spb.Status {
	return &spb.Status{Code: int32(c), Message: uncodedText, Details: u.details}
}

// canonicalCodes returns the canonical codes but OK.
func canonicalCodes() (all []grpccodes.Code) {
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		all = append(all, c)
	}
	return all
}

// verbs are the verbs with which loggers print errors.
var verbs = []string{"%v", "%s", "%q", "%+v", "%60v|", "%-60s|", "%x"}

// checkUncoded checks that err carries no code: that code is what status.Code returns, and
// that nothing finds one. plain is what a client without errstatus gets.
func checkUncoded(t *testing.T, name string, err, plain error, code codes.Code) {
	t.Helper()
	if got := status.Code(err); got != code {
		t.Errorf("%s: status.Code() = %v; want the UNKNOWN default %v", name, got, code)
	}
	if got, ok := status.Declared(err); got != code || ok {
		t.Errorf("%s: status.Declared() = %v, %t; want %v, false", name, got, ok, code)
	}
	for _, c := range append(testrpc.EveryCode(t), codes.NoError) {
		if errors.Is(err, c) {
			t.Errorf("%s: errors.Is finds %v; want no code", name, c)
		}
	}
	if c, ok := errors.AsType[codes.Code](err); ok {
		t.Errorf("%s: errors.As finds the codes.Code %v; want none", name, c)
	}
	if c, ok := errors.AsType[codes.ErrorCode](err); ok {
		t.Errorf("%s: errors.As finds the codes.ErrorCode %v; want none", name, c)
	}
	if err.Error() != plain.Error() {
		t.Errorf("%s: Error() = %q; want gRPC's own text %q", name, err.Error(), plain.Error())
	}
	for _, verb := range verbs {
		if got, want := fmt.Sprintf(verb, err), fmt.Sprintf(verb, plain); got != want {
			t.Errorf("%s: %s prints %q; want what it prints of gRPC's own error: %q", name, verb, got, want)
		}
	}
	if got, want := grpcstatus.Convert(err).Proto(), grpcstatus.Convert(plain).Proto(); !proto.Equal(got, want) {
		t.Errorf("%s: gRPC's status is %v; want it as received: %v", name, got, want)
	}
}

func TestStatusWithoutACodeIsNotTakenForOne(t *testing.T) {
	svc := testrpc.Returning(nil)
	var events []interceptor.Event
	note := interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) })
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions(note))
	plain := testrpc.Connect(t, svc, nil, nil)
	for _, u := range uncodedForms(t) {
		for _, c := range canonicalCodes() {
			sent := u.of(c)
			for _, k := range testrpc.Kinds {
				at := k.Moments[len(k.Moments)-1]
				svc.Return(at, grpcstatus.FromProto(sent).Err())
				name := fmt.Sprintf("%s, %v, %s", u.name, c, k.Name)
				_, want := k.Call(t.Context(), plain)
				events = nil
				arrived, err := k.Call(t.Context(), client)
				if arrived != k.Arrived(at) {
					t.Errorf("%s: %d messages arrived; want %d", name, arrived, k.Arrived(at))
				}
				checkUncoded(t, name, err, want, codes.SdkUnknownCode)
				u.checkReadable(t, name, err, c)
				if len(events) != 1 || events[0].Declared || events[0].Code != codes.SdkUnknownCode || events[0].GRPCCode != c || events[0].Origin != u.origin || events[0].Err != err {
					t.Errorf("%s: the client's events are %+v; want one without a code, with origin %v", name, events, u.origin)
				}
			}
		}
	}
}

// checkReadable checks what a caller can read of a status that carries no code.
func (u uncoded) checkReadable(t *testing.T, name string, err error, c grpccodes.Code) {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok || st.GRPCCode() != c || st.Message() != uncodedText || st.Origin() != u.origin {
		t.Errorf("%s: FromError() = canonical code %v, message %q, origin %v, %t; want %v, %q, %v, true", name, st.GRPCCode(), st.Message(), st.Origin(), ok, c, uncodedText, u.origin)
	}
	if st.Reason() != u.reason || st.Domain() != u.domain || !maps.Equal(st.Metadata(), u.metadata) {
		t.Errorf("%s: reason %q, domain %q, metadata %q; want %q, %q, %q", name, st.Reason(), st.Domain(), st.Metadata(), u.reason, u.domain, u.metadata)
	}
	if got := len(st.Details()); got != len(u.details) {
		t.Errorf("%s: %d details; want %d", name, got, len(u.details))
	}
	if status.Convert(err).Err() != err {
		t.Errorf("%s: Convert(err).Err() isn't err", name)
	}
}

// B forwards the statuses of C. With TrustAll A reads them as B did, and otherwise a status
// of B itself. B's event says that no code was sent, or B's own.
func TestStatusWithoutACodeIsNotTakenForOneAfterTwoHops(t *testing.T) {
	testrpc.CaptureLog(t)
	for _, trust := range trusts {
		for _, k := range testrpc.Kinds {
			t.Run(fmt.Sprint(trust, "/", k.Name), func(t *testing.T) { checkUncodedHops(t, trust, k) })
		}
	}
}

func checkUncodedHops(t *testing.T, trust status.Trust, k testrpc.Kind) {
	var events []interceptor.Event
	note := interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) })
	c := testrpc.Returning(nil)
	toC := testrpc.Connect(t, c, nil, interceptor.DialOptions(interceptor.WithUpstreamTrust(trust)))
	b := testrpc.Running(forwards(toC, func(err error) error { return err }, k))
	client := testrpc.Connect(t, b, interceptor.ServerOptions(note), interceptor.DialOptions())
	plain := testrpc.Connect(t, b, interceptor.ServerOptions(note), nil)
	for _, u := range uncodedForms(t) {
		for _, canonical := range canonicalCodes() {
			c.Return(testrpc.AtOpen, grpcstatus.FromProto(u.of(canonical)).Err())
			name := fmt.Sprint(u.name, ", ", canonical)
			_, want := k.Call(t.Context(), plain)
			events = nil
			_, err := k.Call(t.Context(), client)
			event := events[0]

			fixed := canonical == grpccodes.Unavailable || canonical == grpccodes.DeadlineExceeded
			switch {
			case trust == status.TrustAll:
				checkUncoded(t, name, err, want, codes.SdkUnknownCode)
				wantSent := u.of(canonical)
				wantSent.Message = strings.Trim(uncodedText, " ")
				testrpc.CheckStatus(t, err, wantSent)
			case fixed:
				checkUncoded(t, name, err, want, codes.SdkUnknownCode)
			default:
				if !errors.Is(err, codes.ServerInternal) {
					t.Errorf("%s: A gets %v; want B's own ServerInternal", name, err)
				}
			}
			declared := trust != status.TrustAll && !fixed
			if event.Declared != declared || len(events) != 1 || event.GRPCCode != grpcstatus.Code(err) || event.Code != status.Code(err) || event.Origin != u.origin {
				t.Errorf("%s: B's event is %+v; want Declared %t, %v, %v, origin %v", name, event, declared, status.Code(err), grpcstatus.Code(err), u.origin)
			}
		}
	}
}

// ownFailures are ways in which the client's own gRPC fails a call.
var ownFailures = []struct {
	name    string
	code    grpccodes.Code // the text of DEADLINE_EXCEEDED differs between calls
	connect func(t *testing.T, opts ...grpc.DialOption) testgrpc.TestServiceClient
}{
	{"a refused connection", grpccodes.Unavailable, func(t *testing.T, opts ...grpc.DialOption) testgrpc.TestServiceClient {
		return testgrpc.NewTestServiceClient(testrpc.Dial(t, refused, opts))
	}},
	{"a dialer that fails", grpccodes.Unavailable, func(t *testing.T, opts ...grpc.DialOption) testgrpc.TestServiceClient {
		dialer := func(context.Context, string) (net.Conn, error) { return nil, errors.New("no network\nhere") }
		return testgrpc.NewTestServiceClient(testrpc.Dial(t, "passthrough:///nowhere", append(opts, grpc.WithContextDialer(dialer))))
	}},
	{"a timeout of the service config", grpccodes.DeadlineExceeded, func(t *testing.T, opts ...grpc.DialOption) testgrpc.TestServiceClient {
		config := grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "timeout": "0.000001s"}]}`)
		return testrpc.Connect(t, testrpc.Running(untilEnd), nil, append(opts, config))
	}},
	{"a closing connection", grpccodes.Canceled, func(t *testing.T, opts ...grpc.DialOption) testgrpc.TestServiceClient {
		conn := testrpc.Serve(t, testrpc.Register(testrpc.Returning(nil)), nil, opts)
		conn.Close()
		return testgrpc.NewTestServiceClient(conn)
	}},
	{"a message that is too large", grpccodes.ResourceExhausted, func(t *testing.T, opts ...grpc.DialOption) testgrpc.TestServiceClient {
		small := grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(-1))
		return testrpc.Connect(t, testrpc.Returning(nil), nil, append(opts, small))
	}},
	{"an unknown service", grpccodes.Unimplemented, func(t *testing.T, opts ...grpc.DialOption) testgrpc.TestServiceClient {
		return testgrpc.NewTestServiceClient(testrpc.Serve(t, func(*grpc.Server) {}, interceptor.ServerOptions(), opts))
	}},
}

// refused is an address at which nothing listens.
const refused = "127.0.0.1:1"

// untilEnd is a handler that runs until its RPC's context has ended.
func untilEnd(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestOwnFailuresOfGRPCCarryNoCode(t *testing.T) {
	for _, tt := range ownFailures {
		t.Run(tt.name, func(t *testing.T) {
			client, plain := tt.connect(t, interceptor.DialOptions()...), tt.connect(t)
			for _, k := range testrpc.Kinds {
				_, want := k.Call(t.Context(), plain)
				_, err := k.Call(t.Context(), client)
				if grpcstatus.Code(want) != tt.code {
					t.Fatalf("%s: without errstatus the call returns %v; want %v", k.Name, want, tt.code)
				}
				if tt.code == grpccodes.DeadlineExceeded {
					want = grpcstatus.FromProto(grpcstatus.Convert(err).Proto()).Err()
				}
				checkUncoded(t, k.Name, err, want, codes.SdkUnknownCode)
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("%s: errors.Is finds a context error in %v; want none, the caller's context is alive", k.Name, err)
				}
				if st := status.Convert(err); st.Origin() != status.OriginBare || st.GRPCCode() != tt.code {
					t.Errorf("%s: origin %v, canonical code %v; want bare, %v", k.Name, st.Origin(), st.GRPCCode(), tt.code)
				}
			}
		})
	}
}

func TestFirstTableDecidesTheUnknownDefault(t *testing.T) {
	pets, base := interceptor.WithTable(testrpc.Pets), interceptor.WithTable(codes.Default())
	svc := testrpc.Returning(nil)
	plain := testrpc.Connect(t, svc, nil, nil)
	for _, tt := range []struct {
		name string
		opts []interceptor.ClientOption
		want codes.Code
	}{
		{"no table", nil, codes.SdkUnknownCode},
		{"a table", []interceptor.ClientOption{pets}, testrpc.PetUnknown},
		{"the default table first", []interceptor.ClientOption{base, pets}, codes.SdkUnknownCode},
		{"the default table second", []interceptor.ClientOption{pets, base}, testrpc.PetUnknown},
	} {
		client := testrpc.Connect(t, svc, nil, interceptor.DialOptions(tt.opts...))
		for _, u := range uncodedForms(t) {
			for _, k := range testrpc.Kinds {
				svc.Return(testrpc.AtOpen, grpcstatus.FromProto(u.of(grpccodes.NotFound)).Err())
				_, want := k.Call(t.Context(), plain)
				_, err := k.Call(t.Context(), client)
				checkUncoded(t, fmt.Sprintf("%s, %s, %s", tt.name, u.name, k.Name), err, want, tt.want)
				if errors.Is(err, testrpc.PetUnknown) || errors.Is(err, testrpc.PetRanAway) {
					t.Errorf("%s: errors.Is finds a pet's code in %v; want none", tt.name, err)
				}
			}
		}
	}
}

// The server's event has the UNKNOWN default of the server's first table.
func TestEventOfAServerHasItsTablesUnknownDefault(t *testing.T) {
	for _, tt := range []struct {
		handlers error
		code     codes.Code
		declared bool
	}{
		{grpcstatus.Error(grpccodes.NotFound, "x"), testrpc.PetUnknown, false},
		{context.DeadlineExceeded, testrpc.PetUnknown, false},
		{errors.New("x"), testrpc.PetBroken, true},
		{codes.RecordNotFound, codes.RecordNotFound, true},
		{grpcstatus.Error(1004, "x"), testrpc.PetRanAway, true},
	} {
		for _, k := range testrpc.Kinds {
			var events []interceptor.Event
			note := interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) })
			server := interceptor.ServerOptions(interceptor.WithTable(testrpc.Pets), note)
			k.Call(t.Context(), testrpc.Connect(t, testrpc.Returning(tt.handlers), server, nil))
			if len(events) != 1 || events[0].Code != tt.code || events[0].Declared != tt.declared {
				t.Errorf("%v, %s: the events are %+v; want one with code %v, Declared %t", tt.handlers, k.Name, events, tt.code, tt.declared)
			}
		}
	}
}

// With WithAssumedCodes, a status without an ErrorInfo carries a code.
func TestAssumedCodeIsCarried(t *testing.T) {
	svc := testrpc.Returning(nil)
	var events []interceptor.Event
	note := interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) })
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions(interceptor.WithAssumedCodes(), note))
	for _, c := range canonicalCodes() {
		want := codes.Default().DefaultFor(c).(codes.ErrorCode)
		sent := testrpc.Canonical(t, c, "from\na plain server", testrpc.BadRequest())
		svc.Return(testrpc.AtOpen, grpcstatus.FromProto(sent).Err())
		for _, k := range testrpc.Kinds {
			events = nil
			_, err := k.Call(t.Context(), client)
			if got, ok := status.Declared(err); got != want || !ok || status.Code(err) != want {
				t.Errorf("%v, %s: Declared() = %v, %t; want %v, true", c, k.Name, got, ok, want)
			}
			for _, other := range testrpc.EveryCode(t) {
				if got := errors.Is(err, other); got != (other == want) {
					t.Errorf("%v, %s: errors.Is(err, %v) = %t; want %t", c, k.Name, other, got, other == want)
				}
			}
			if got, _ := errors.AsType[codes.ErrorCode](err); got != want {
				t.Errorf("%v, %s: errors.As finds %v; want %v", c, k.Name, got, want)
			}
			row, _ := codes.Default().Lookup(want.Number())
			if got, want := err.Error(), row.Name+": from a plain server"; got != want {
				t.Errorf("%v, %s: Error() = %q; want %q", c, k.Name, got, want)
			}
			testrpc.CheckStatus(t, err, sent)
			if st := status.Convert(err); st.GRPCCode() != c || st.Origin() != status.OriginBare {
				t.Errorf("%v, %s: canonical code %v, origin %v; want %v, bare", c, k.Name, st.GRPCCode(), st.Origin(), c)
			}
			if len(events) != 1 || !events[0].Declared || events[0].Code != want || events[0].GRPCCode != c {
				t.Errorf("%v, %s: the events are %+v; want one with code %v, Declared", c, k.Name, events, want)
			}
		}
	}
}

// An ErrorInfo is never overruled, whether it carries a code or not. Neither is a raw number.
func TestNoCodeIsAssumedWhereThereIsAnErrorInfo(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions(interceptor.WithAssumedCodes()))
	ignoring := testrpc.Connect(t, svc, nil, interceptor.DialOptions(interceptor.WithAssumedCodes(), interceptor.WithOpenIMNumbersIgnored()))
	plain := testrpc.Connect(t, svc, nil, nil)
	for _, u := range uncodedForms(t) {
		if u.origin == status.OriginBare {
			continue
		}
		svc.Return(testrpc.AtOpen, grpcstatus.FromProto(u.of(grpccodes.NotFound)).Err())
		for _, k := range testrpc.Kinds {
			_, want := k.Call(t.Context(), plain)
			_, err := k.Call(t.Context(), client)
			checkUncoded(t, u.name+", "+k.Name, err, want, codes.SdkUnknownCode)
		}
	}
	svc.Return(testrpc.AtOpen, grpcstatus.Error(2001, "x"))
	_, want := testrpc.CallUnary(t.Context(), plain)
	for _, client := range []testgrpc.TestServiceClient{client, ignoring} {
		_, err := testrpc.CallUnary(t.Context(), client)
		checkUncoded(t, "a raw number without a row", err, want, codes.SdkUnknownCode)
	}
	svc.Return(testrpc.AtOpen, grpcstatus.FromProto(testrpc.Carrying(t, codes.TokenExpired, "")).Err())
	if _, err := testrpc.CallUnary(t.Context(), client); status.Code(err) != codes.TokenExpired {
		t.Errorf("the code of a status that carries TokenExpired is %v", status.Code(err))
	}
}

func TestFirstTableDecidesTheAssumedCode(t *testing.T) {
	pets, base := interceptor.WithTable(testrpc.Pets), interceptor.WithTable(codes.Default())
	for _, tt := range []struct {
		canonical grpccodes.Code
		opts      []interceptor.ClientOption
		want      codes.Code
	}{
		{grpccodes.Internal, []interceptor.ClientOption{pets}, testrpc.PetBroken},
		{grpccodes.NotFound, []interceptor.ClientOption{pets}, testrpc.PetUnknown}, // no default row
		{grpccodes.Internal, []interceptor.ClientOption{base, pets}, codes.ServerInternal},
		{grpccodes.Internal, []interceptor.ClientOption{pets, base}, testrpc.PetBroken},
	} {
		err := testrpc.ReceivedFromPlain(t, grpcstatus.Error(tt.canonical, "x"), append(tt.opts, interceptor.WithAssumedCodes())...)
		if got, ok := status.Declared(err); got != tt.want || !ok || !errors.Is(err, tt.want) {
			t.Errorf("%v: Declared() = %v, %t; want %v, true, and errors.Is finds it", tt.canonical, got, ok, tt.want)
		}
	}
}

// B assumes C's codes, and forwards them as its own peers read them. Unless it trusts all, it
// withholds the text of a status that gRPC itself can have made.
func TestAssumedCodeIsForwarded(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	for _, trust := range trusts {
		for _, k := range testrpc.Kinds {
			c := testrpc.Returning(nil)
			toC := testrpc.Connect(t, c, nil, interceptor.DialOptions(interceptor.WithAssumedCodes(), interceptor.WithUpstreamTrust(trust)))
			b := testrpc.Running(forwards(toC, func(err error) error { return fmt.Errorf(private+": %w", err) }, k))
			client := testrpc.Connect(t, b, interceptor.ServerOptions(), interceptor.DialOptions())
			for _, canonical := range canonicalCodes() {
				c.Return(testrpc.AtOpen, grpcstatus.FromProto(testrpc.Canonical(t, canonical, quoted, testrpc.BadRequest())).Err())
				assumed := codes.Default().DefaultFor(canonical)
				want := testrpc.Carrying(t, assumed, quoted, testrpc.BadRequest())
				want.Code = int32(canonical)
				withheld := trust == status.TrustNone || testrpc.MadeByGRPC(canonical) && trust == status.TrustKnown
				switch {
				case trust == status.TrustNone && canonical == grpccodes.Unavailable:
					want = testrpc.Canonical(t, canonical, "an upstream service is unavailable")
				case trust == status.TrustNone && canonical == grpccodes.DeadlineExceeded:
					want = testrpc.Canonical(t, canonical, "an upstream service did not answer in time")
				case trust == status.TrustNone:
					want = testrpc.Carrying(t, codes.ServerInternal, "")
				case withheld:
					want.Message = testrpc.Carrying(t, assumed, "").Message
				}
				logs()
				_, err := k.Call(t.Context(), client)
				name := fmt.Sprintf("%v, %v, %s", trust, canonical, k.Name)
				if diff := cmp.Diff(want, grpcstatus.Convert(err).Proto(), protocmp.Transform()); diff != "" {
					t.Errorf("%s: what A reads (-want +got):\n%s", name, diff)
				}
				if trust != status.TrustNone && (status.Code(err) != assumed || !errors.Is(err, assumed)) {
					t.Errorf("%s: A's code is %v; want %v", name, status.Code(err), assumed)
				}
				records := logs()
				level := testrpc.LevelOf(grpccodes.Code(want.Code)) // B's text around the error is private in any case
				if (level != "") != (len(records) == 1) || level != "" && (records[0].Level != level || !strings.Contains(records[0].Cause, quoted)) {
					t.Errorf("%s: the log has %v; want one record with C's text and level %q, if that isn't empty", name, records, level)
				}
			}
		}
	}
}

// Nothing of a refused connection is in what a server sends, with or without assumed codes.
func TestAddressOfARefusedConnectionIsNotForwarded(t *testing.T) {
	for _, opts := range [][]interceptor.ClientOption{
		nil,
		{interceptor.WithAssumedCodes()},
		{interceptor.WithAssumedCodes(), interceptor.WithTable(codes.Default())},
		{interceptor.WithAssumedCodes(), interceptor.WithUpstreamTrust(status.TrustNone)},
	} {
		for _, of := range map[string]func(error) error{
			"unchanged":   func(err error) error { return err },
			"WithMessage": func(err error) error { return status.Convert(err).WithMessage("calling billing").Wrap(err) },
			"with details": func(err error) error {
				return status.Convert(err).WithDetails(testrpc.BadRequest()).WithMetadata("key", "value").Err()
			},
			"its Status": func(err error) error { return status.Convert(err).Err() },
			"WithCode":   func(err error) error { return status.Convert(err).WithCode(codes.SdkNetwork).Wrap(err) },
		} {
			toC := testgrpc.NewTestServiceClient(testrpc.Dial(t, refused, interceptor.DialOptions(opts...)))
			for _, k := range testrpc.Kinds {
				conn := testrpc.DialWire(t, testrpc.Running(forwards(toC, of, testrpc.Unary)), interceptor.WithDebugInfo(), interceptor.WithRetryPushback())
				got := testrpc.Answer(t, conn, k)
				if found := find(t, got, "127.0.0", "dial", "refused"); found != "" {
					t.Errorf("%s: %s; want nothing of the refused connection", k.Name, found)
				}
				if st := testrpc.Failure(t, got); st.Code != int32(grpccodes.Unavailable) {
					t.Errorf("%s: the status is %v; want UNAVAILABLE", k.Name, st)
				}
			}
		}
	}
}

// The end of a stream is no failure, with or without assumed codes.
func TestEndOfAStreamIsNoStatus(t *testing.T) {
	client := testrpc.Connect(t, testrpc.Returning(nil), nil, interceptor.DialOptions(interceptor.WithAssumedCodes()))
	for _, k := range testrpc.Kinds {
		if _, err := k.Call(t.Context(), client); err != k.Success {
			t.Errorf("%s: the call ends with %v; want %v, identical", k.Name, err, k.Success)
		}
	}
	if code, ok := status.Declared(io.EOF); ok || code != codes.SdkUnknownCode {
		t.Errorf("Declared(io.EOF) = %v, %t; want SdkUnknownCode, false", code, ok)
	}
}
