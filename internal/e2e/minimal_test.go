package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// A server whose only table is the least that there can be: one code with a canonical code.

// A ticketCode is written by hand.
type ticketCode int32

const ticketSoldOut ticketCode = 1

func (c ticketCode) Number() codes.Number           { return codes.Number(c) }
func (c ticketCode) Table() *codes.Table            { return tickets() }
func (c ticketCode) Error() string                  { return codes.RowOf(c).Name + ": " + codes.RowOf(c).Message }
func (c ticketCode) GRPCStatus() *grpcstatus.Status { return tickets().GRPCStatus(c.Number()) }

var tickets = sync.OnceValue(func() *codes.Table {
	return codes.MustTable("tickets.example", codes.Row{Code: ticketSoldOut, Reason: "SOLD_OUT", GRPCCode: grpccodes.ResourceExhausted})
})

// ticketsFailure is what such a server sends instead of a default row for INTERNAL.
func ticketsFailure(t testing.TB, details ...proto.Message) *spb.Status {
	first := &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "tickets.example"}
	return testrpc.Canonical(t, grpccodes.Internal, "internal error", append([]proto.Message{first}, details...)...)
}

// ticketsCall makes a call from a client to a server, both with the least table.
func ticketsCall(t *testing.T, k testrpc.Kind, svc *testrpc.Service, opts ...interceptor.ClientOption) error {
	t.Helper()
	server := append(interceptor.ServerOptions(interceptor.WithTable(tickets())),
		grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(status.Recovered))),
		grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(recovery.WithRecoveryHandler(status.Recovered))))
	opts = append([]interceptor.ClientOption{interceptor.WithTable(tickets())}, opts...)
	_, err := k.Call(t.Context(), testrpc.Connect(t, svc, server, interceptor.DialOptions(opts...)))
	return err
}

func TestLeastTableCarriesItsCode(t *testing.T) {
	for _, k := range testrpc.Kinds {
		for name, err := range map[string]error{"bare": ticketSoldOut, "under %w": fmt.Errorf(testrpc.Secret+": %w", ticketSoldOut), "predeclared": status.Error(ticketSoldOut, "")} {
			got := ticketsCall(t, k, testrpc.Returning(err))
			if !errors.Is(got, ticketSoldOut) || status.Code(got) != ticketSoldOut || grpcstatus.Code(got) != grpccodes.ResourceExhausted || got.Error() != "SOLD_OUT: sold out" {
				t.Errorf("%s, %s: the client gets %v", k.Name, name, got)
			}
		}
		got := ticketsCall(t, k, testrpc.Returning(ticketCode(77)))
		if !errors.Is(got, ticketCode(77)) || grpcstatus.Code(got) != grpccodes.Unknown || got.Error() != "ticketCode(77): unknown error" {
			t.Errorf("%s, a number without a row: the client gets %v", k.Name, got)
		}
	}
}

// What a server withholds has its domain and no code, and the client can tell.
func TestLeastTableWithholds(t *testing.T) {
	for _, k := range testrpc.Kinds {
		for name, svc := range map[string]*testrpc.Service{
			"a plain error":  testrpc.Returning(errors.New(testrpc.Secret)),
			"NoError":        testrpc.Returning(codes.NoError),
			"a panic":        testrpc.Running(func(context.Context) error { panic(testrpc.Secret) }),
			"status.Code":    testrpc.Returning(status.Code(ticketsCall(t, k, testrpc.Returning(errors.New(testrpc.Secret))))),
			"the zero value": testrpc.Returning(ticketCode(0)),
		} {
			var events []interceptor.Event
			err := ticketsCall(t, k, svc, interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) }))
			testrpc.CheckStatus(t, err, ticketsFailure(t))
			testrpc.CheckNoSecret(t, err)
			st := status.Convert(err)
			if st.Origin() != status.OriginKnown || st.Reason() != "INTERNAL" || st.Domain() != "tickets.example" || !status.IsFault(err) {
				t.Errorf("%s, %s: origin %v, reason %q, domain %q", k.Name, name, st.Origin(), st.Reason(), st.Domain())
			}
			code, declared := status.Declared(err)
			if declared || code.Table().Has(code.Number()) || errors.Is(err, code) || code.Number() == 0 || code.Table() != tickets() {
				t.Errorf("%s, %s: Declared() = %v, %t; want a fallback of the table, which errors.Is doesn't find", k.Name, name, code, declared)
			}
			if len(events) != 1 || events[0].Declared || events[0].Fault != codes.FaultServer {
				t.Fatalf("%s, %s: the client's events are %+v", k.Name, name, events)
			}
			if domain, reason := events[0].Labels(); domain != "tickets.example" || reason != "INTERNAL" {
				t.Errorf("%s, %s: the client's labels are %q, %q", k.Name, name, domain, reason)
			}
		}
	}
}

// The log and the observers of the server see the cause.
func TestLeastTableIsLogged(t *testing.T) {
	for form, opts := range map[string][]interceptor.ServerOption{"canonical": nil, "numeric": {interceptor.WithOpenIMForm(interceptor.OpenIMAlways)}} {
		w := watch(t, nil, append(opts, interceptor.WithTable(tickets()), interceptor.WithRequestID(func(context.Context) string { return "rpc-7" }))...)
		for _, k := range unaryAndStream {
			call := w.fail(t.Context(), k, errors.New(testrpc.Secret))
			if diff := cmp.Diff(ticketsFailure(t, &errdetails.RequestInfo{RequestId: "rpc-7"}), call.received, protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: the status (-want +got):\n%s", form, k.Name, diff)
			}
			want := []testrpc.LogRecord{{Level: "ERROR", Service: "grpc.testing.TestService", Method: k.Method, Code: "Internal",
				Name: "INTERNAL", Reason: "INTERNAL", Message: "internal error", Cause: testrpc.Secret, RequestID: "rpc-7"}}
			if diff := cmp.Diff(want, call.logs); diff != "" {
				t.Errorf("%s, %s: the log (-want +got):\n%s", form, k.Name, diff)
			}
			event := call.event(t)
			domain, reason := event.Labels()
			if event.Declared || event.Code != tickets().DefaultFor(grpccodes.Unknown) || event.Source != status.SourceUnknown || !event.Withheld || event.Fault != codes.FaultServer || domain != "tickets.example" || reason != "INTERNAL" {
				t.Errorf("%s, %s: the event is %+v with labels %q, %q", form, k.Name, event, domain, reason)
			}
		}
		if call := w.fail(t.Context(), testrpc.Unary, ticketSoldOut); call.event(t).Code != ticketSoldOut || len(call.logs) != 0 {
			t.Errorf("%s: a code of the table has the event %+v and the log %v", form, call.events, call.logs)
		}
	}
}

// A calls B, and B calls C. All have the least table, and C withholds a failure.
func TestLeastTableOverTwoHops(t *testing.T) {
	for _, tt := range []struct {
		name  string
		trust status.Trust
		of    func(error) error // B's handler
		want  *spb.Status
	}{
		{"unchanged", status.TrustKnown, func(err error) error { return err }, ticketsFailure(t)},
		{"full trust", status.TrustAll, func(err error) error { return err }, ticketsFailure(t)},
		{"no trust", status.TrustNone, func(err error) error { return fmt.Errorf(testrpc.Secret+": %w", err) }, ticketsFailure(t)},
		{"restated", status.TrustKnown, func(err error) error { return status.Convert(err).WithMessage("calling C").Wrap(err) },
			testrpc.Canonical(t, grpccodes.Internal, "calling C")},
		{"restated with full trust", status.TrustAll, func(err error) error { return status.Convert(err).WithMessage("calling C").Wrap(err) },
			testrpc.Canonical(t, grpccodes.Internal, "calling C", &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "tickets.example"})},
		{"its code", status.TrustKnown, func(err error) error { return status.Code(err) }, ticketsFailure(t)},
		{"its code, formatted", status.TrustKnown, func(err error) error { return status.Errorf(status.Code(err), "calling C: %w", err) },
			testrpc.Canonical(t, grpccodes.Internal, "calling C", &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "tickets.example"})},
		{"another code", status.TrustKnown, func(err error) error { return status.Convert(err).WithCode(ticketSoldOut).Wrap(err) },
			func() *spb.Status {
				st := testrpc.Carrying(t, ticketSoldOut, "internal error")
				st.Code, st.Message = int32(grpccodes.Internal), "sold out"
				return st
			}()},
	} {
		c := testrpc.Connect(t, testrpc.Returning(errors.New(testrpc.Secret)), interceptor.ServerOptions(interceptor.WithTable(tickets())),
			interceptor.DialOptions(interceptor.WithTable(tickets()), interceptor.WithUpstreamTrust(tt.trust)))
		b := testrpc.Running(func(ctx context.Context) error {
			_, err := testrpc.CallUnary(ctx, c)
			return tt.of(err)
		})
		for _, k := range unaryAndStream {
			err := ticketsCall(t, k, b)
			testrpc.CheckStatus(t, err, tt.want)
			testrpc.CheckNoSecret(t, err)
			if _, declared := status.Declared(err); declared != (tt.name == "another code") {
				t.Errorf("%s, %s: Declared() = %t", tt.name, k.Name, declared)
			}
		}
	}
}

// Clients that don't know the table, or know only a table with default rows, get along.
func TestOtherClientsOfTheLeastTable(t *testing.T) {
	withDefaults := tickets().MustWithRows(
		codes.Row{Code: ticketCode(8), Reason: "TICKETS_BROKEN", GRPCCode: grpccodes.Internal, Default: true},
		codes.Row{Code: ticketCode(9), Reason: "TICKETS_UNCLEAR", GRPCCode: grpccodes.Unknown, Default: true})
	for name, opts := range map[string][]interceptor.ClientOption{
		"no table": nil, "another table": {interceptor.WithTable(testrpc.Pets)}, "a table with default rows": {interceptor.WithTable(withDefaults)},
		"assumed codes": {interceptor.WithTable(tickets()), interceptor.WithAssumedCodes()},
	} {
		client := testrpc.Connect(t, testrpc.Returning(errors.New(testrpc.Secret)), interceptor.ServerOptions(interceptor.WithTable(tickets())), interceptor.DialOptions(opts...))
		_, err := testrpc.CallUnary(t.Context(), client)
		testrpc.CheckStatus(t, err, ticketsFailure(t))
		if code, declared := status.Declared(err); declared || code.Number() == 0 || errors.Is(err, code) {
			t.Errorf("%s: Declared() = %v, %t; want false", name, code, declared)
		}
		if st := status.Convert(err); st.Reason() != "INTERNAL" || st.Domain() != "tickets.example" || status.Retryable(err) {
			t.Errorf("%s: reason %q, domain %q", name, st.Reason(), st.Domain())
		}
	}
}

// What an upstream writes with the reserved reasons is never a code of this process.
func TestHostileUpstreamOfTheLeastTable(t *testing.T) {
	for _, reason := range []string{"INTERNAL", "UNKNOWN"} {
		for _, number := range []string{"", "1", "-13", "-2", "0"} {
			info := &errdetails.ErrorInfo{Reason: reason, Domain: "tickets.example", Metadata: map[string]string{"code": number}}
			sent := testrpc.Canonical(t, grpccodes.NotFound, testrpc.Secret, info)
			upstream := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err(), interceptor.WithTable(tickets()))
			if code, declared := status.Declared(upstream); declared || errors.Is(upstream, code) {
				t.Errorf("reason %s, number %q: Declared() = %v, %t; want no code", reason, number, code, declared)
			}
			got := testrpc.Sent(t, upstream, interceptor.WithTable(tickets()))
			if diff := cmp.Diff(ticketsFailure(t), got, protocmp.Transform()); diff != "" {
				t.Errorf("reason %s, number %q: forwarded (-want +got):\n%s", reason, number, diff)
			}
		}
	}
}
