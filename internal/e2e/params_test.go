package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// A handler returns a code with parameters. The client reads the same parameters.

var (
	declined    = testrpc.CardDeclinedError{Card: "4242"}
	withBilling = interceptor.WithTable(testrpc.Billing)
)

// paramForms are the forms in which a handler can return the parameters.
func paramForms() map[string]error {
	private := errors.New(testrpc.Secret)
	return map[string]error{
		"value":           declined,
		"pointer":         &declined,
		"wrapped":         fmt.Errorf("%s: %w", testrpc.Secret, declined),
		"wrapped pointer": fmt.Errorf("%s: %w", testrpc.Secret, &declined),
		"joined":          errors.Join(private, declined),
		"Err":             status.With(declined).Err(),
		"Wrap":            status.With(&declined).Wrap(private),
		"wrapped Wrap":    fmt.Errorf("%s: %w", testrpc.Secret, status.With(declined).Wrap(codes.Args)),
		"by metadata":     status.New(testrpc.CardDeclined, "").WithMetadata("card", "4242").Wrap(private),
	}
}

// checkDeclined checks that a client with the table gets the parameters.
func checkDeclined(t *testing.T, err error, message string) {
	t.Helper()
	testrpc.CheckNoSecret(t, err)
	var byAs testrpc.CardDeclinedError
	if byType, ok := errors.AsType[testrpc.CardDeclinedError](err); !ok || byType != declined || !errors.As(err, &byAs) || byAs != declined {
		t.Errorf("AsType = %v, %t, and errors.As finds %v in %v; want %v", byType, ok, byAs, err, declined)
	}
	if _, ok := errors.AsType[*testrpc.CardDeclinedError](err); ok {
		t.Error("AsType finds a pointer; want none")
	}
	if _, ok := errors.AsType[testrpc.QuotaExceededError](err); ok {
		t.Error("AsType finds parameters of another code; want none")
	}
	st := status.Convert(err)
	if !errors.Is(err, testrpc.CardDeclined) || status.Code(err) != testrpc.CardDeclined || st.Message() != message || st.Metadata()["card"] != "4242" {
		t.Errorf("got %v with metadata %q; want CardDeclined, %q, card 4242", err, st.Metadata(), message)
	}
	if got := grpcstatus.Code(err); got != grpccodes.FailedPrecondition {
		t.Errorf("gRPC's code is %v; want FailedPrecondition", got)
	}
}

func TestParamsOverTheWire(t *testing.T) {
	for name, handlers := range paramForms() {
		for _, kind := range testrpc.Kinds {
			for _, at := range kind.Moments {
				t.Run(fmt.Sprint(name, ", ", kind.Name, ", ", at), func(t *testing.T) {
					svc := new(testrpc.Service)
					svc.Return(at, handlers)
					client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions(withBilling))
					_, err := kind.Call(t.Context(), client)
					checkDeclined(t, err, "card 4242 was declined")
				})
			}
		}
	}
}

// A client that doesn't know the table reads the reason, the domain and the metadata.
func TestParamsWithoutTheTable(t *testing.T) {
	for name, handlers := range paramForms() {
		err := testrpc.Received(t, handlers)
		st := status.Convert(err)
		if st.Reason() != "CARD_DECLINED" || st.Domain() != "billing.example.com" || st.Message() != "card 4242 was declined" || st.Origin() != status.OriginForeign ||
			!maps.Equal(st.Metadata(), map[string]string{"card": "4242", "code": "1"}) {
			t.Errorf("%s: got %v, %q of %q with %q", name, err, st.Reason(), st.Domain(), st.Metadata())
		}
		if found, ok := errors.AsType[testrpc.CardDeclinedError](err); ok || errors.Is(err, testrpc.CardDeclined) {
			t.Errorf("%s: AsType finds %v; want nothing, because the code isn't known", name, found)
		}
		plain := testrpc.Sent(t, handlers)
		info := &errdetails.ErrorInfo{}
		if err := plain.Details[0].UnmarshalTo(info); err != nil || info.Metadata["card"] != "4242" || plain.Message != "card 4242 was declined" {
			t.Errorf("%s: a plain client gets %v (%v); want the message and the metadata", name, plain, err)
		}
	}
}

// calling returns a service whose handler makes a call, and returns what handle makes of its
// error.
func calling(next testgrpc.TestServiceClient, handle func(error) error) testgrpc.TestServiceServer {
	return testrpc.Running(func(ctx context.Context) error {
		_, err := testrpc.CallUnary(ctx, next)
		return handle(err)
	})
}

// A service between the two can know the table or not, and can forward, wrap or restate.
func TestParamsOverTwoHops(t *testing.T) {
	backend := func(opts ...interceptor.ClientOption) testgrpc.TestServiceClient {
		return testrpc.Connect(t, testrpc.Returning(status.With(declined).WithMetadata("zone", "b").Wrap(errors.New(testrpc.Secret))),
			interceptor.ServerOptions(), interceptor.DialOptions(opts...))
	}
	call := func(next testgrpc.TestServiceClient, handle func(error) error, opts ...interceptor.ServerOption) error {
		client := testrpc.Connect(t, calling(next, handle), interceptor.ServerOptions(opts...), interceptor.DialOptions(withBilling))
		_, err := testrpc.CallUnary(t.Context(), client)
		return err
	}
	forward := func(err error) error { return err }
	for name, tt := range map[string]struct {
		err     error
		message string
	}{
		"forwarded":                  {call(backend(withBilling), forward), "card 4242 was declined"},
		"wrapped":                    {call(backend(withBilling), func(err error) error { return fmt.Errorf("%s: %w", testrpc.Secret, err) }), "card 4242 was declined"},
		"trusted, without the table": {call(backend(interceptor.WithUpstreamTrust(status.TrustAll)), forward), "card 4242 was declined"},
		"restated": {call(backend(withBilling), func(err error) error {
			return status.Convert(err).WithMessage("calling billing").Wrap(err)
		}), "calling billing"},
		"read and returned": {call(backend(withBilling), func(err error) error {
			found, _ := errors.AsType[testrpc.CardDeclinedError](err)
			return found
		}), "card 4242 was declined"},
		"read and wrapped": {call(backend(withBilling), func(err error) error {
			found, _ := errors.AsType[testrpc.CardDeclinedError](err)
			return status.With(found).Wrap(err)
		}), "card 4242 was declined"},
		"by a rule": {call(backend(), func(error) error { return errors.New(testrpc.Secret) },
			interceptor.WithErrorMapper(func(context.Context, error) *status.Status { return status.With(declined) })), "card 4242 was declined"},
	} {
		t.Run(name, func(t *testing.T) { checkDeclined(t, tt.err, tt.message) })
	}
	// Without the table, nothing is forwarded.
	if err := call(backend(), forward); status.Code(err) != codes.ServerInternal && grpcstatus.Code(err) != grpccodes.Internal {
		t.Errorf("got %v; want the INTERNAL default", err)
	}
}

// The server's table can have another template.
func TestParamsWithAnotherTemplate(t *testing.T) {
	row := codes.RowOf(testrpc.CardDeclined)
	row.Template, row.Localized = "no: {card}", nil
	server := interceptor.ServerOptions(interceptor.WithTable(testrpc.Billing.MustWithRows(row)))
	client := testrpc.Connect(t, testrpc.Returning(declined), server, interceptor.DialOptions(withBilling))
	_, err := testrpc.CallUnary(t.Context(), client)
	checkDeclined(t, err, "no: 4242")
}

// Whatever the values are, the call fails with the code, and the parameters come through.
func TestParamsOfAnySize(t *testing.T) {
	for _, value := range []string{"", " ", "{card}", "%s %d", "a\nb\x00", "中文", "\xff\xfe", strings.Repeat("x", 500), strings.Repeat("中", 3000), strings.Repeat("y", 1<<20)} {
		err := testrpc.Received(t, testrpc.QuotaExceededError{UserId: value, Used: "7", Most: "5", Unit: "GB"}, withBilling)
		found, ok := errors.AsType[testrpc.QuotaExceededError](err)
		clean := strings.ToValidUTF8(value, "\uFFFD")
		if !ok || found.Used != "7" || found.Most != "5" || found.Unit != "GB" {
			t.Fatalf("value %s: read back as %s, %t from %s", testrpc.Brief(value), testrpc.Brief(found), ok, testrpc.Brief(err))
		}
		st := status.Convert(err)
		if cut := st.Truncated()&status.TruncatedMetadata != 0; cut != (found.UserId != clean) || !strings.HasPrefix(clean, strings.TrimSuffix(found.UserId, "...")) {
			t.Errorf("value %s: read back as %s, truncated %q; want it, or its beginning", testrpc.Brief(value), testrpc.Brief(found.UserId), st.Truncated())
		}
		if len(value) <= 500 && st.Truncated() != 0 {
			t.Errorf("value %s: truncated %q; want it whole", testrpc.Brief(value), st.Truncated())
		}
	}
}

// What is logged about parameters: nothing that is public, and all that is private.
func TestParamsInTheLog(t *testing.T) {
	locked := testrpc.LedgerLockedError{Ledger: "main"} // INTERNAL
	log := testrpc.CaptureLog(t)
	for name, tt := range map[string]struct {
		handlers error
		cause    string
	}{
		"value":   {locked, ""},
		"pointer": {&locked, ""},
		"Wrap":    {status.With(locked).Wrap(errors.New(testrpc.Secret)), testrpc.Secret},
		"wrapped": {fmt.Errorf("%s: %w", testrpc.Secret, locked), testrpc.Secret},
	} {
		err := testrpc.Received(t, tt.handlers, withBilling)
		testrpc.CheckNoSecret(t, err)
		records := log()
		if tt.cause == "" {
			if len(records) != 0 {
				t.Errorf("%s: the log has %+v; want nothing", name, records)
			}
			continue
		}
		if len(records) != 1 || records[0].Cause != tt.cause || records[0].Level != "ERROR" || records[0].Message != "ledger main is locked" || records[0].Reason != "LEDGER_LOCKED" {
			t.Errorf("%s: the log has %+v; want one record with the cause %q", name, records, tt.cause)
		}
	}
}
