package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// Raw numbers in grpc-status: with and without a row, and for programs that have nothing to
// do with OpenIM.

// rowless are numbers that no table has.
var rowless = []uint32{17, 18, 99, 404, 1305, 2001, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32}

// A number without a row carries nothing.
func TestRawNumberWithoutARowCarriesNoCode(t *testing.T) {
	svc := testrpc.Returning(nil)
	var events []interceptor.Event
	note := interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) })
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions(note))
	plain := testrpc.Connect(t, svc, nil, nil)
	for _, n := range rowless {
		for _, details := range [][]*anypb.Any{nil, {openIMDetail("x")}} {
			svc.Return(testrpc.AtOpen, grpcstatus.FromProto(&spb.Status{Code: int32(n), Message: uncodedText, Details: details}).Err())
			for _, k := range testrpc.Kinds {
				name := fmt.Sprint(n, ", ", k.Name)
				_, want := k.Call(t.Context(), plain)
				events = nil
				_, err := k.Call(t.Context(), client)
				checkUncoded(t, name, err, want, codes.SdkUnknownCode)
				origin := status.OriginNumeric
				if n > math.MaxInt32 {
					origin = status.OriginBare
				}
				if st := status.Convert(err); st.GRPCCode() != grpccodes.Unknown || st.Reason() != "" || st.Domain() != "" || st.Origin() != origin {
					t.Errorf("%s: canonical code %v, reason %q, domain %q, origin %v; want UNKNOWN, none, %v", name, st.GRPCCode(), st.Reason(), st.Domain(), st.Origin(), origin)
				}
				if len(events) != 1 || events[0].Declared || events[0].GRPCCode != grpccodes.Unknown || events[0].Code != codes.SdkUnknownCode {
					t.Errorf("%s: the events are %+v; want one without a code, UNKNOWN", name, events)
				}
			}
		}
	}
}

// B forwards an upstream's number with a row as its code. A number without a row is withheld,
// or, with TrustAll, forwarded as UNKNOWN. It never becomes a code of B's domain.
func TestRawNumberIsForwardedOnlyWithARow(t *testing.T) {
	for _, trust := range trusts {
		for _, form := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways} {
			for _, k := range replayed {
				t.Run(fmt.Sprintf("%v/%v/%s", trust, form, k.Name), func(t *testing.T) { checkNumbers(t, trust, form, k) })
			}
		}
	}
}

func checkNumbers(t *testing.T, trust status.Trust, form interceptor.OpenIMMode, k testrpc.Kind) {
	logs := testrpc.CaptureLog(t)
	c := testrpc.Returning(nil)
	toC := testrpc.Connect(t, c, nil, interceptor.DialOptions(interceptor.WithUpstreamTrust(trust)))
	b := testrpc.Running(forwards(toC, func(err error) error { return err }, k))
	conn := testrpc.DialWire(t, b, interceptor.WithOpenIMForm(form))
	numeric := form == interceptor.OpenIMAlways
	for _, n := range rowless {
		if n > math.MaxInt32 {
			continue // gRPC itself replaces such a status
		}
		c.Return(testrpc.AtOpen, grpcstatus.Error(grpccodes.Code(n), canary))
		got := testrpc.Answer(t, conn, k)
		st, err := got.Trailers().Status()
		if err != nil {
			t.Fatal(err)
		}
		if trust == status.TrustAll {
			if want := testrpc.Canonical(t, grpccodes.Unknown, canary); !proto.Equal(st, want) {
				t.Errorf("%d: B sends %v; want %v", n, st, want)
			}
			continue
		}
		if found := find(t, got, canary, "ERROR_CODE", fmt.Sprint(n)+"\""); found != "" {
			t.Errorf("%d: %s; want nothing of C's status", n, found)
		}
		if read := status.FromGRPC(grpcstatus.FromProto(st)); read.Code() != codes.ServerInternal {
			t.Errorf("%d: A reads %v; want ServerInternal", n, read)
		}
		testrpc.CheckWithheld(t, logs(), k.Method, grpccodes.Internal, canary)
	}
	for _, code := range testrpc.ErrorCodes(t) {
		c.Return(testrpc.AtOpen, grpcstatus.Error(grpccodes.Code(code), quoted))
		st, err := testrpc.Answer(t, conn, k).Trailers().Status()
		if err != nil {
			t.Fatal(err)
		}
		read := status.FromGRPC(grpcstatus.FromProto(st))
		if trust == status.TrustNone {
			if read.Code() != codes.ServerInternal || read.Message() == quoted {
				t.Errorf("%v: A reads %v; want ServerInternal with its own message", code, read)
			}
			continue
		}
		if read.Code() != code || read.Message() != quoted || (st.Code == int32(code)) != numeric {
			t.Errorf("%v: B sends %v; want the code and the message, numeric %t", code, st, numeric)
		}
	}
}

// A handler's own number without a row is row 11, and so is one in a table that the server
// doesn't know. A table that has it makes it a code.
func TestHandlersRawNumberNeedsARow(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	own := codes.Default().MustWithRows(codes.Row{Code: codes.ErrorCode(2001), Reason: "SOLD_OUT", GRPCCode: grpccodes.ResourceExhausted, Message: "sold out"})
	for _, k := range testrpc.Kinds {
		svc := testrpc.Returning(grpcstatus.Error(2001, testrpc.Secret))
		_, err := k.Call(t.Context(), testrpc.Connect(t, svc, interceptor.ServerOptions(), nil))
		testrpc.CheckStatus(t, err, testrpc.Carrying(t, codes.ServerInternal, ""))
		testrpc.CheckWithheld(t, logs(), k.Method, grpccodes.Internal, testrpc.Secret)

		_, err = k.Call(t.Context(), testrpc.Connect(t, svc, interceptor.ServerOptions(interceptor.WithTable(own)), interceptor.DialOptions(interceptor.WithTable(own))))
		if !errors.Is(err, codes.ErrorCode(2001)) || grpcstatus.Code(err) != grpccodes.ResourceExhausted || status.Convert(err).Reason() != "SOLD_OUT" {
			t.Errorf("%s: with a row, the caller gets %v; want 2001, RESOURCE_EXHAUSTED", k.Name, err)
		}
	}
}

// The row may be in a table of the client. Without it, the same number carries nothing.
func TestRawNumberIsReadByTheClientsTables(t *testing.T) {
	own := codes.Default().MustWithRows(codes.Row{Code: codes.ErrorCode(2001), Reason: "SOLD_OUT", GRPCCode: grpccodes.ResourceExhausted, Message: "sold out"})
	pets := interceptor.WithTable(testrpc.Pets)
	for _, tt := range []struct {
		number grpccodes.Code
		opts   []interceptor.ClientOption
		want   codes.Code // nil for none
	}{
		{2001, nil, nil},
		{2001, []interceptor.ClientOption{interceptor.WithTable(own)}, codes.ErrorCode(2001)},
		{2001, []interceptor.ClientOption{pets}, nil},
		{99, nil, nil},
		{99, []interceptor.ClientOption{pets}, testrpc.PetUnknown},
		{1004, []interceptor.ClientOption{pets}, testrpc.PetRanAway},
		{1004, []interceptor.ClientOption{interceptor.WithTable(codes.Default()), pets}, codes.RecordNotFound},
	} {
		err := testrpc.ReceivedFromPlain(t, grpcstatus.Error(tt.number, "x"), tt.opts...)
		got, ok := status.Declared(err)
		if ok != (tt.want != nil) || ok && (got != tt.want || !errors.Is(err, tt.want)) {
			t.Errorf("%d: Declared() = %v, %t; want %v", tt.number, got, ok, tt.want)
		}
	}
}

// An ErrorInfo says the code, whatever the number is.
func TestErrorInfoBesideARawNumberCarriesTheCode(t *testing.T) {
	for _, opts := range [][]interceptor.ClientOption{nil, {interceptor.WithOpenIMNumbersIgnored()}} {
		for _, n := range []grpccodes.Code{1004, 1501, 2001} {
			sent := testrpc.Canonical(t, n, "x", testrpc.ErrorInfo(codes.TokenExpired))
			err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err(), opts...)
			if got, ok := status.Declared(err); got != codes.TokenExpired || !ok {
				t.Errorf("%d with an ErrorInfo of TokenExpired: Declared() = %v, %t; want TokenExpired, true", n, got, ok)
			}
		}
		sent := testrpc.Canonical(t, 1305, "x", testrpc.ErrorInfo(codes.ErrorCode(1305)))
		if err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err(), opts...); !errors.Is(err, codes.ErrorCode(1305)) {
			t.Errorf("1305 with its ErrorInfo: the caller gets %v; want the code", err)
		}
	}
}

// With WithOpenIMNumbersIgnored no number is a code, for this process and for its callers.
func TestIgnoredNumbersCarryNoCode(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	c := testrpc.Returning(nil)
	plain := testrpc.Connect(t, c, nil, nil)
	for _, trust := range trusts {
		opts := []interceptor.ClientOption{interceptor.WithOpenIMNumbersIgnored(), interceptor.WithUpstreamTrust(trust), interceptor.WithTable(testrpc.Pets), interceptor.WithTable(codes.Default())}
		for _, k := range replayed {
			toC := testrpc.Connect(t, c, nil, interceptor.DialOptions(opts...))
			b := testrpc.DialWire(t, testrpc.Running(forwards(toC, func(err error) error { return err }, k)))
			for _, n := range append(testrpc.EveryCode(t), 99, 2001) {
				c.Return(testrpc.AtOpen, grpcstatus.FromProto(&spb.Status{Code: int32(n), Message: canary, Details: []*anypb.Any{openIMDetail(canary)}}).Err())
				name := fmt.Sprintf("%d, %v, %s", int(n), trust, k.Name)
				_, want := k.Call(t.Context(), plain)
				_, err := k.Call(t.Context(), toC)
				checkUncoded(t, name, err, want, testrpc.PetUnknown)
				if st := status.Convert(err); st.GRPCCode() != grpccodes.Unknown || st.Origin() != status.OriginBare {
					t.Errorf("%s: canonical code %v, origin %v; want UNKNOWN, bare", name, st.GRPCCode(), st.Origin())
				}
				logs()
				got := testrpc.Answer(t, b, k)
				wantSent := testrpc.Carrying(t, codes.ServerInternal, "")
				if trust == status.TrustAll {
					wantSent = testrpc.Canonical(t, grpccodes.Unknown, canary)
				} else {
					testrpc.CheckWithheld(t, logs(), k.Method, grpccodes.Internal, canary)
				}
				if diff := cmp.Diff(wantSent, testrpc.Failure(t, got), protocmp.Transform()); diff != "" {
					t.Errorf("%s: what B sends (-want +got):\n%s", name, diff)
				}
			}
		}
	}
}

// OpenIM's old servers write private text into their detail. B sends it only in the numeric
// form, or if it is told to.
func TestOpenIMDetailOfAnUpstream(t *testing.T) {
	type option = []interceptor.ServerOption
	always := interceptor.WithOpenIMForm(interceptor.OpenIMAlways)
	withDetail := interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail)
	servers := []struct {
		name            string
		opts            option
		detail, numeric bool
	}{
		{"canonical", nil, false, false},
		{"canonical, errors without detail", option{interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail)}, false, false},
		{"canonical, errors with detail", option{withDetail}, true, false},
		{"canonical, all other options", option{interceptor.WithDebugInfo(), interceptor.WithRetryPushback(), interceptor.WithMaxStatusSize(8000)}, false, false},
		{"numeric", option{always}, false, true},
		{"numeric, errors with detail", option{always, withDetail}, true, true},
		{"negotiated, without the announcement", option{interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated)}, false, true},
	}
	returns := map[string]func(error) error{
		"unchanged":   func(err error) error { return err },
		"under %w":    func(err error) error { return fmt.Errorf("b: %w", err) },
		"its Status":  func(err error) error { return status.Convert(err).Err() },
		"WithMessage": func(err error) error { return status.Convert(err).WithMessage("my words").Wrap(err) },
		"WithDetails": func(err error) error { return status.Convert(err).WithDetails(testrpc.BadRequest()).Wrap(err) },
	}
	for _, trust := range trusts {
		c := testrpc.Returning(nil)
		toC := testrpc.Connect(t, c, nil, interceptor.DialOptions(interceptor.WithUpstreamTrust(trust)))
		for _, server := range servers {
			b := testrpc.Returning(nil)
			conn := testrpc.DialWire(t, b, server.opts...)
			for _, n := range []grpccodes.Code{1004, 1501, 2001} {
				c.Return(testrpc.AtOpen, grpcstatus.FromProto(&spb.Status{Code: int32(n), Message: "m", Details: []*anypb.Any{openIMDetail(canary)}}).Err())
				for name, of := range returns {
					for _, k := range replayed {
						b.Run(testrpc.AtOpen, forwards(toC, of, k))
						got := testrpc.Answer(t, conn, k)
						passes := trust == status.TrustAll || trust == status.TrustKnown && n != 2001
						kept := passes && (server.detail || server.numeric && n != 2001) // without a code, the form is canonical
						found := find(t, got, canary)
						if (found != "") != kept {
							t.Errorf("%v, %s, %d, %s, %s: C's detail: %q; want it sent: %t", trust, server.name, n, name, k.Name, found, kept)
						}
					}
				}
			}
		}
	}
}

// B's own process reads the detail in any case.
func TestOpenIMDetailIsReadableInThisProcess(t *testing.T) {
	for _, n := range []grpccodes.Code{1004, 2001} {
		for _, opts := range [][]interceptor.ClientOption{nil, {interceptor.WithOpenIMNumbersIgnored()}, {interceptor.WithUpstreamTrust(status.TrustNone)}} {
			err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(&spb.Status{Code: int32(n), Message: "m", Details: []*anypb.Any{openIMDetail("why")}}).Err(), opts...)
			for _, err := range []error{err, status.Convert(err).WithMessage("my words").Wrap(err)} {
				if got, ok := status.OpenIMDetail(err); got != "why" || !ok {
					t.Errorf("%d: OpenIMDetail() = %q, %t; want why, true", n, got, ok)
				}
			}
		}
	}
}

// A detail in a canonical status was put there by a server that was told to: it is forwarded.
func TestOpenIMDetailInACanonicalStatusIsForwarded(t *testing.T) {
	sent := testrpc.Carrying(t, codes.RecordNotFound, "m")
	sent.Details = append(sent.Details, openIMDetail("why"))
	err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err())
	if diff := cmp.Diff(sent, testrpc.Sent(t, err), protocmp.Transform()); diff != "" {
		t.Errorf("what B sends (-want +got):\n%s", diff)
	}
}

// A domain has one Go type in an option list.

// A myCode is a second type for the default table's domain.
type myCode int32

var myCodes = codes.MustTable("openim.io",
	codes.Row{Code: myCode(0), Reason: "MY_OK", GRPCCode: grpccodes.OK, Message: "fine", Default: true},
	codes.Row{Code: myCode(13), Reason: "MY_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: myCode(99), Reason: "MY_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
	codes.Row{Code: myCode(1004), Reason: "WRONG_PASSWORD", GRPCCode: grpccodes.Unauthenticated, Message: "wrong password"},
)

func (c myCode) Number() codes.Number { return codes.Number(c) }
func (c myCode) Table() *codes.Table  { return myCodes }
func (c myCode) Error() string        { return fmt.Sprint("my ", int(c)) }

// A petCopy is a second type for the domain of the pets.
type petCopy int32

var petCopies = codes.MustTable("pets.example",
	codes.Row{Code: petCopy(0), Reason: "PET_OK", GRPCCode: grpccodes.OK, Message: "fine", Default: true},
	codes.Row{Code: petCopy(13), Reason: "PET_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: petCopy(99), Reason: "PET_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
)

func (c petCopy) Number() codes.Number { return codes.Number(c) }
func (c petCopy) Table() *codes.Table  { return petCopies }
func (c petCopy) Error() string        { return fmt.Sprint("copy ", int(c)) }

func TestTwoTypesForOneDomainAreRefused(t *testing.T) {
	sentinel := errors.New("sentinel")
	pets := interceptor.WithTable(testrpc.Pets)
	const types = "has codes of two Go types, " // and not that there are two tables
	both := map[string]interceptor.Option{
		"another type for the default domain": interceptor.WithTable(myCodes),
	}
	for name, o := range both {
		checkPanics(t, name+", server", types, func() { interceptor.NewServer(o) })
		checkPanics(t, name+", unary client", types, func() { interceptor.UnaryClient(o) })
		checkPanics(t, name+", stream client", types, func() { interceptor.StreamClient(o) })
		checkPanics(t, name+", dial options", types, func() { interceptor.DialOptions(o) })
	}
	for name, opts := range map[string][]interceptor.ServerOption{
		"two tables":                        {pets, interceptor.WithTable(petCopies)},
		"two tables, the default one":       {interceptor.WithTable(codes.Default()), interceptor.WithTable(myCodes)},
		"a mapping to the default domain":   {interceptor.WithErrorMapping(sentinel, myCode(1004))},
		"a mapping beside a table":          {pets, interceptor.WithErrorMapping(sentinel, petCopy(13))},
		"a mapping before the table":        {interceptor.WithErrorMapping(sentinel, petCopy(13)), pets},
		"two mappings":                      {interceptor.WithErrorMapping(sentinel, testrpc.PetBroken), interceptor.WithErrorMapping(sentinel, petCopy(13))},
		"a mapping through a pointer":       {pets, interceptor.WithErrorMapping(sentinel, pointerTo(petCopy(13)))},
		"a mapping through an embedded one": {pets, interceptor.WithErrorMapping(sentinel, struct{ petCopy }{13})},
	} {
		checkPanics(t, name, types, func() { interceptor.NewServer(opts...) })
		checkPanics(t, name, types, func() { interceptor.ServerOptions(opts...) })
		checkPanics(t, name, types, func() { interceptor.UnaryServer(opts...) })
		checkPanics(t, name, types, func() { interceptor.StreamServer(opts...) })
	}
	for name, opts := range map[string][]interceptor.ClientOption{
		"two tables":                       {pets, interceptor.WithTable(petCopies)},
		"a sentinel of the default domain": {interceptor.WithSentinel(sentinel, myCode(1004))},
		"a sentinel beside a table":        {pets, interceptor.WithSentinel(sentinel, petCopy(13))},
	} {
		checkPanics(t, name, types, func() { interceptor.DialOptions(opts...) })
	}
	checkPanics(t, "two sentinels", types, func() {
		interceptor.DialOptions(interceptor.WithSentinel(sentinel, testrpc.PetBroken), interceptor.WithSentinel(sentinel, petCopy(13)))
	})
	// one type is fine
	interceptor.NewServer(pets, interceptor.WithTable(codes.Default().MustWithRows()), interceptor.WithErrorMapping(sentinel, testrpc.PetBroken))
	interceptor.DialOptions(pets, interceptor.WithSentinel(sentinel, pointerTo(testrpc.PetBroken)))
}

func pointerTo[C any](c C) *C { return &c }

// checkPanics checks that f panics with a text of this module that contains the given text.
func checkPanics(t *testing.T, name, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		value := recover()
		if value == nil {
			t.Errorf("%s: no panic; want one that says what is wrong", name)
			return
		}
		if got := fmt.Sprint(value); !strings.HasPrefix(got, "interceptor: ") || !strings.Contains(got, text) {
			t.Errorf("%s: the panic is %q; want one of package interceptor with %q", name, got, text)
		}
	}()
	f()
}
