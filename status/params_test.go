package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

var (
	declined = testrpc.CardDeclinedError{Card: "4242"}
	exceeded = testrpc.QuotaExceededError{UserId: "u1", Used: "7", Most: "5", Unit: "GB"}
	billing  = &status.Decoder{Tables: []*codes.Table{testrpc.Billing}}
)

// A paramsError is a Params whose methods return what it has.
type paramsError struct {
	code   codes.Code
	params []codes.Param
	text   string
	cause  error
}

func (e *paramsError) Error() string    { return e.text }
func (e *paramsError) Code() codes.Code { return e.code }
func (e *paramsError) AppendParams(params []codes.Param) []codes.Param {
	return append(params, e.params...)
}
func (e *paramsError) Unwrap() error { return e.cause }

// readBack returns what errors.As and errors.AsType find in err, which must be the same.
func readBack(t testing.TB, err error) (found testrpc.CardDeclinedError, ok bool) {
	t.Helper()
	ok = errors.As(err, &found)
	if again, okAgain := errors.AsType[testrpc.CardDeclinedError](err); again != found || okAgain != ok {
		t.Errorf("errors.As finds %v, %t in %v, and AsType %v, %t; want the same", found, ok, err, again, okAgain)
	}
	return found, ok
}

// Every form in which a handler can return parameters is sent in the same way, and every
// function of the package reads the same of it.
func TestParamsForms(t *testing.T) {
	want := declined.GRPCStatus().Proto()
	for name, err := range map[string]error{
		"value":              declined,
		"pointer":            &declined,
		"wrapped":            wrapped(declined, 3),
		"wrapped pointer":    wrapped(&declined, 3),
		"joined":             errors.Join(errors.New("private text"), declined, codes.Args),
		"Err":                status.With(declined).Err(),
		"Err of a pointer":   status.With(&declined).Err(),
		"Wrap":               status.With(declined).Wrap(errors.New("private text")),
		"wrapped Wrap":       wrapped(status.With(declined).Wrap(codes.Args), 2),
		"restated":           status.Convert(declined).WithMessage("").Err(),
		"by WithMetadata":    status.New(testrpc.CardDeclined, "").WithMetadata("card", "4242").Err(),
		"encoded":            new(status.Encoder).Encode(t.Context(), declined).Err(),
		"wraps another":      status.With(declined).Wrap(exceeded),
		"hand-written":       &paramsError{code: testrpc.CardDeclined, params: []codes.Param{{Name: "card", Value: "4242"}}, cause: codes.Args},
		"not unwrapping":     &paramsError{code: testrpc.CardDeclined, params: []codes.Param{{Name: "card", Value: "4242"}}},
		"in the same struct": struct{ testrpc.CardDeclinedError }{declined},
	} {
		t.Run(name, func(t *testing.T) {
			got := new(status.Encoder).Encode(t.Context(), err)
			if !proto.Equal(got.Status().Proto(), want) {
				t.Errorf("Encode() sends %v; want %v", got.Status(), want)
			}
			if got.Code() != testrpc.CardDeclined || got.Source() != status.SourceCode && got.Source() != status.SourceEncoded || got.Withheld() || got.Panic() != nil {
				t.Errorf("Encode() = code %v, source %v, withheld %t, panic %v; want CardDeclined by itself", got.Code(), got.Source(), got.Withheld(), got.Panic())
			}
			if sent := status.ToGRPC(err); !proto.Equal(sent.Proto(), want) {
				t.Errorf("ToGRPC() = %v; want %v", sent, want)
			}
			code, declared := status.Declared(err)
			st, ok := status.FromError(err)
			if code != testrpc.CardDeclined || !declared || status.Code(err) != code || !ok || st.Code() != code {
				t.Errorf("Declared() = %v, %t, FromError() = %v, %t; want CardDeclined", code, declared, st, ok)
			}
			if st.Message() != "card 4242 was declined" || !maps.Equal(st.Metadata(), map[string]string{"card": "4242"}) || st.String() != "CardDeclined: card 4242 was declined" {
				t.Errorf("FromError() = %v with metadata %q; want the filled template and card 4242", st, st.Metadata())
			}
			if st.GRPCCode() != grpccodes.FailedPrecondition || st.Reason() != "CARD_DECLINED" || st.Domain() != "billing.example.com" {
				t.Errorf("FromError() = %v, %q, %q; want FailedPrecondition, CARD_DECLINED of billing.example.com", st.GRPCCode(), st.Reason(), st.Domain())
			}
			if st.Err() != err && name != "in the same struct" {
				t.Errorf("Convert(err).Err() = %v; want err itself", st.Err())
			}
			if status.Retryable(err) || status.IsFault(err) {
				t.Errorf("Retryable() = %t, IsFault() = %t; want false", status.Retryable(err), status.IsFault(err))
			}
			if !errors.Is(got.Err(), testrpc.CardDeclined) {
				t.Errorf("errors.Is doesn't find CardDeclined in what Encode() returns")
			}
			received := billing.Decode(t.Context(), got.Status().Err())
			if found, ok := readBack(t, received); !ok || found != declined {
				t.Errorf("read back as %v, %t; want %v", found, ok, declined)
			}
		})
	}
}

// errors.As finds the parameters wherever an error carries the code and has all of them.
func TestReadBack(t *testing.T) {
	receive := func(err error) error { return billing.Decode(t.Context(), status.ToGRPC(err).Err()) }
	received := receive(declined)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"value":                  declined,
		"Err":                    status.With(declined).Err(),
		"Err of a pointer":       status.With(&declined).Err(),
		"Wrap":                   status.With(declined).Wrap(codes.Args),
		"wrapped Wrap":           wrapped(status.With(declined).Wrap(io.EOF), 5),
		"another message":        status.With(declined).WithMessage("no").Err(),
		"more metadata":          status.With(declined).WithMetadata("zone", "b").Err(),
		"received":               received,
		"received, wrapped":      wrapped(received, 4),
		"received, joined":       errors.Join(codes.Args, received),
		"restated":               status.Convert(received).WithMessage("calling billing").Wrap(received),
		"restated, no cause":     status.Convert(received).WithMessage("calling billing").Err(),
		"restated with a cause":  status.Convert(received).WithMetadata("zone", "b").Wrap(errors.New("x")),
		"restated wrapped":       status.Convert(wrapped(received, 2)).WithRetryDelay(1).Err(),
		"encoded":                new(status.Encoder).Encode(t.Context(), wrapped(declined, 1)).Err(),
		"encoded Status":         new(status.Encoder).Encode(t.Context(), status.With(declined).Err()).Err(),
		"forwarded":              new(status.Encoder).Encode(t.Context(), received).Err(),
		"decoded in the process": billing.Decode(t.Context(), new(status.Encoder).Encode(t.Context(), declined).Err()),
		"by WithMetadata":        status.New(testrpc.CardDeclined, "x").WithMetadata("card", "1").WithMetadata("card", "4242").Err(),
		"after an ended context": billing.Decode(ended, status.ToGRPC(declined).Err()),
		"of another code":        status.With(&paramsError{code: testrpc.InvoicePaid, params: []codes.Param{{Name: "card", Value: "4242"}}}).WithCode(testrpc.CardDeclined).Err(),
	} {
		if found, ok := readBack(t, err); !ok || found != declined {
			t.Errorf("%s: read back as %v, %t from %v; want %v", name, found, ok, err, declined)
		}
		if name == "value" {
			continue
		}
		if code, ok := errors.AsType[testrpc.BillingCode](err); !ok && name != "received, joined" || ok && code != testrpc.CardDeclined {
			t.Errorf("%s: AsType[BillingCode] = %v, %t; want CardDeclined", name, code, ok)
		}
		if pointer, ok := errors.AsType[*testrpc.CardDeclinedError](err); ok {
			t.Errorf("%s: AsType[*CardDeclinedError] = %v; want nothing", name, pointer)
		}
		if other, ok := errors.AsType[testrpc.QuotaExceededError](err); ok {
			t.Errorf("%s: AsType[QuotaExceededError] = %v; want nothing", name, other)
		}
	}
	if found, ok := errors.AsType[testrpc.QuotaExceededError](receive(exceeded)); !ok || found != exceeded {
		t.Errorf("AsType[QuotaExceededError] = %v, %t; want %v", found, ok, exceeded)
	}
	if found, ok := errors.AsType[*testrpc.CardDeclinedError](error(&declined)); !ok || found != &declined {
		t.Errorf("AsType[*CardDeclinedError] = %v, %t for the pointer itself; want it", found, ok)
	}
	if found, ok := errors.AsType[testrpc.CardDeclinedError](error(&declined)); !ok || found != declined {
		t.Errorf("AsType[CardDeclinedError] = %v, %t for a pointer; want its parameters", found, ok)
	}
}

// info returns the bytes of an ErrorInfo in a status with a canonical code.
func statusWithInfo(code grpccodes.Code, info []byte) *grpcstatus.Status {
	return grpcstatus.FromProto(&spb.Status{Code: int32(code), Message: "x", Details: []*anypb.Any{{TypeUrl: errorinfo.TypeURL, Value: info}}})
}

func TestReadBackFindsNothing(t *testing.T) {
	lacking := &paramsError{code: testrpc.CardDeclined, params: []codes.Param{{Name: "cards", Value: "4242"}}}
	kept := testrpc.CardDeclinedError{Card: "kept"}
	for name, err := range map[string]error{
		"nil":               nil,
		"a bare code":       testrpc.CardDeclined,
		"a received one":    billing.Decode(t.Context(), testrpc.CardDeclined.GRPCStatus().Err()),
		"one lacks":         billing.Decode(t.Context(), status.ToGRPC(lacking).Err()),
		"one lacks, here":   status.With(lacking).Err(),
		"another code":      billing.Decode(t.Context(), status.ToGRPC(exceeded).Err()),
		"other code here":   status.With(declined).WithCode(testrpc.QuotaExceeded).Err(),
		"no template":       status.New(testrpc.InvoicePaid, "").WithMetadata("card", "4242").Err(),
		"unknown domain":    new(status.Decoder).Decode(t.Context(), status.ToGRPC(declined).Err()),
		"restated foreign":  status.Convert(new(status.Decoder).Decode(t.Context(), status.ToGRPC(declined).Err())).WithCode(testrpc.CardDeclined).Err(),
		"without ErrorInfo": billing.Decode(t.Context(), grpcstatus.Error(grpccodes.FailedPrecondition, "card 4242 was declined")),
		"assumed":           (&status.Decoder{Tables: []*codes.Table{testrpc.Billing}, AssumeCodes: true}).Decode(t.Context(), grpcstatus.Error(grpccodes.Internal, "x")),
		"contradiction":     billing.Decode(t.Context(), statusWithInfo(9, errorinfo.Append(nil, "LOST_CARD", "billing.example.com", "1", []errorinfo.Pair{{Key: "card", Value: "1"}})).Err()),
		"a raw gRPC error":  declined.GRPCStatus().Err(), // no client has decoded it
	} {
		found := kept
		if errors.As(err, &found) || found != kept {
			t.Errorf("%s: errors.As finds %v in %v; want nothing, and an unchanged target", name, found, err)
		}
	}
}

// Of a key that occurs twice, the last value counts, as in Metadata.
func TestReadBackAgreesWithMetadata(t *testing.T) {
	pair := func(key, value string) []byte {
		return errorinfo.Append(nil, "", "", "", []errorinfo.Pair{{Key: key, Value: value}})
	}
	head := errorinfo.Append(nil, "CARD_DECLINED", "billing.example.com", "1", nil)
	info := append(append(append(append([]byte(nil), pair("card", "first")...), head...), pair("zone", "b")...), pair("card", "last")...)
	received := billing.Decode(t.Context(), statusWithInfo(grpccodes.FailedPrecondition, info).Err())
	if found, ok := readBack(t, received); !ok || found.Card != "last" || status.Convert(received).Metadata()["card"] != "last" {
		t.Errorf("read back as %v, %t, and the metadata is %q; want the last value", found, ok, status.Convert(received).Metadata())
	}
	restated := status.Convert(received).WithMetadata("card", "mine").Err()
	if found, ok := readBack(t, restated); !ok || found.Card != "mine" {
		t.Errorf("read back as %v, %t; want the value that this process set", found, ok)
	}
}

// An ErrorInfo that doesn't belong to the raw number has no parameters of its code.
func TestNoParamsOfAnotherErrorInfo(t *testing.T) {
	for _, domain := range []string{"evil.example.org", "openim.io"} {
		p := statusWithInfo(grpccodes.Code(numericCode), errorinfo.Append(nil, "WHATEVER", domain, "", []errorinfo.Pair{{Key: "card", Value: "evil"}}))
		received := (&status.Decoder{Tables: []*codes.Table{numericTable}}).Decode(t.Context(), p.Err())
		for _, link := range received.(interface{ Unwrap() []error }).Unwrap() {
			if _, ok := link.(interface{ As(any) bool }); ok {
				t.Errorf("%s: %v has a link for parameters; want none", domain, received)
			}
		}
		if !errors.Is(received, numericCode) {
			t.Errorf("%s: errors.Is finds no code in %v; want the raw number's", domain, received)
		}
		for _, err := range []error{received, status.Convert(received).WithMessage("restated").Err()} {
			if found, ok := errors.AsType[numericParams](err); ok {
				t.Errorf("%s: errors.AsType finds %v in %v; want nothing", domain, found, err)
			}
		}
	}
}

// In the numeric form, the ErrorInfo comes second.
func TestReadBackInNumericForm(t *testing.T) {
	encoder := &status.Encoder{Tables: []*codes.Table{numericTable}, OpenIMForm: true}
	sent := encoder.Encode(t.Context(), status.With(&paramsError{code: numericCode, params: []codes.Param{{Name: "card", Value: "4242"}}}).Err())
	if sent.Status().Code() != grpccodes.Code(numericCode) {
		t.Fatalf("sent %v; want the numeric form", sent.Status())
	}
	for name, err := range map[string]error{
		"as sent": sent.Status().Err(),
		"without a reason": grpcstatus.FromProto(&spb.Status{Code: int32(numericCode), Details: []*anypb.Any{
			{TypeUrl: errorinfo.TypeURL, Value: errorinfo.Append(nil, "", numericTable.Domain(), fmt.Sprint(int(numericCode)), []errorinfo.Pair{{Key: "card", Value: "4242"}})}}}).Err(),
	} {
		received := (&status.Decoder{Tables: []*codes.Table{numericTable}}).Decode(t.Context(), err)
		if found, ok := errors.AsType[numericParams](received); !ok || found.card != "4242" {
			t.Errorf("%s: read back as %v, %t from %v; want card 4242", name, found, ok, received)
		}
	}
}

// A numberCode has numbers that the numeric form can send.
type numberCode int32

const numericCode numberCode = 4001

func (c numberCode) Error() string        { return fmt.Sprint("number ", int32(c)) }
func (c numberCode) Number() codes.Number { return codes.Number(c) }
func (c numberCode) Table() *codes.Table  { return numericTable }

var numericTable = codes.MustTable("numbers.example.com",
	codes.Row{Code: numberCode(1), Reason: "NUMBER_INTERNAL", GRPCCode: grpccodes.Internal, Message: "x", Default: true},
	codes.Row{Code: numberCode(2), Reason: "NUMBER_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "x", Default: true, Template: "{card} is unknown"},
	codes.Row{Code: numericCode, Reason: "NUMBER_DECLINED", GRPCCode: grpccodes.FailedPrecondition, Message: "declined", Template: "{card} was declined"},
)

type numericParams struct{ card string }

func (numericParams) Error() string    { return "numeric" }
func (numericParams) Code() codes.Code { return numericCode }
func (e numericParams) AppendParams(to []codes.Param) []codes.Param {
	return append(to, codes.Param{Name: "card", Value: e.card})
}
func (e *numericParams) ReadParams(lookup func(string) (string, bool)) (ok bool) {
	e.card, ok = lookup("card")
	return ok
}

// A status that carries no code has no parameters, even if the UNKNOWN default has some.
func TestNoParamsWithoutACode(t *testing.T) {
	received := (&status.Decoder{Tables: []*codes.Table{numericTable}}).Decode(t.Context(), grpcstatus.Error(grpccodes.NotFound, "x"))
	for _, err := range []error{received, status.Convert(received).WithMetadata("card", "4242").Err()} {
		if errors.Is(err, numberCode(2)) {
			t.Errorf("errors.Is finds the UNKNOWN default in %v; want no code", err)
		}
		if _, declared := status.Declared(err); declared {
			t.Errorf("Declared(%v) = true; want false", err)
		}
	}
}

// Decode returns an error with parameters unchanged, because it states a code.
func TestDecodeOfParams(t *testing.T) {
	for _, err := range []error{declined, &declined, errors.Join(grpcstatus.Error(grpccodes.NotFound, "x"), &declined)} {
		if got := billing.Decode(t.Context(), err); got != err {
			t.Errorf("Decode(%#v) = %#v; want it unchanged", err, got)
		}
	}
}

// The link for errors.As in the chain of an error shows nowhere else.
func TestParamsLinkShowsNowhere(t *testing.T) {
	cause := errors.New("private text")
	with := status.With(declined).Wrap(cause)
	without := status.New(testrpc.CardDeclined, "card 4242 was declined").Wrap(cause)
	receive := func(table *codes.Table) error { // of which one has no template
		return (&status.Decoder{Tables: []*codes.Table{table}}).Decode(t.Context(), declined.GRPCStatus().Err())
	}
	row := codes.RowOf(testrpc.CardDeclined)
	row.Template, row.Localized = "", nil
	for name, pair := range map[string][2]error{
		"local":    {with, without},
		"received": {receive(testrpc.Billing), receive(testrpc.Billing.MustWithRows(row))},
	} {
		for _, verb := range []string{"%s", "%v", "%+v", "%q", "%x"} {
			if a, b := fmt.Sprintf(verb, pair[0]), fmt.Sprintf(verb, pair[1]); a != b {
				t.Errorf("%s: %s prints %q with parameters, and %q without; want the same", name, verb, a, b)
			}
		}
		if a, b := pair[0].(slog.LogValuer).LogValue(), pair[1].(slog.LogValuer).LogValue(); !a.Equal(b) {
			t.Errorf("%s: LogValue() = %v with parameters, and %v without; want the same", name, a, b)
		}
		a, b := pair[0].(interface{ Unwrap() []error }).Unwrap(), pair[1].(interface{ Unwrap() []error }).Unwrap()
		if len(a) != 3 || len(b) != 2 || a[0] != b[0] || name == "local" && a[2] != b[1] {
			t.Errorf("%s: unwraps to %v with parameters, and to %v without; want one more after the code", name, a, b)
		}
		if a[1].Error() != pair[0].Error() {
			t.Errorf("%s: the link prints %q; want %q", name, a[1], pair[0])
		}
		for _, err := range pair {
			if ok, panicked := status.SafeToRun(err); !ok || panicked != nil {
				t.Errorf("%s: SafeToRun() = %t, %v; want true", name, ok, panicked)
			}
		}
	}
	// It doesn't count as an error: a tree of 1,000 errors has room for all the others.
	var all []error
	for range 333 { // each Status error wraps its code and its cause
		all = append(all, status.With(declined).Wrap(cause))
	}
	if ok, _ := status.SafeToRun(errors.Join(all...)); !ok {
		t.Error("333 Status errors with parameters are too many; want the link not to count")
	}
	if ok, _ := status.SafeToRun(errors.Join(append(all, cause)...)); ok {
		t.Error("1,001 errors aren't too many; want the limit of 1,000")
	}
}

func TestWithMessages(t *testing.T) {
	other := testrpc.Billing.MustWithRows(codes.Row{Code: testrpc.CardDeclined, Name: "CardDeclined", Reason: "CARD_DECLINED", GRPCCode: grpccodes.Aborted,
		Message: "declined", Template: "no: {card}"})
	more := testrpc.Billing.MustWithRows(codes.Row{Code: testrpc.CardDeclined, Name: "CardDeclined", Reason: "CARD_DECLINED", GRPCCode: grpccodes.Aborted,
		Message: "declined", Template: "no: {card} {bank}"})
	encode := func(err error, tables ...*codes.Table) *grpcstatus.Status {
		return (&status.Encoder{Tables: tables}).Encode(t.Context(), err).Status()
	}
	for name, tt := range map[string]struct {
		err    error
		tables []*codes.Table
		want   string
	}{
		"another template":          {declined, []*codes.Table{other}, "no: 4242"},
		"another template, Err":     {status.With(declined).Err(), []*codes.Table{other}, "no: 4242"},
		"it needs more":             {declined, []*codes.Table{more}, "declined"},
		"WithMessage":               {status.With(declined).WithMessage(" own ").Err(), nil, "own"},
		"WithMessage, other table":  {status.With(declined).WithMessage("own").Err(), []*codes.Table{other}, "own"},
		"WithMessage of nothing":    {status.With(declined).WithMessage("own").WithMessage("").Err(), nil, "card 4242 was declined"},
		"WithMetadata of another":   {status.With(declined).WithMetadata("zone", "{card}").Err(), nil, "card 4242 was declined"},
		"WithMetadata of the param": {status.With(declined).WithMetadata("card", "17").Err(), nil, "card 17 was declined"},
		"WithCode of another":       {status.With(declined).WithCode(testrpc.InvoicePaid).Err(), nil, "the invoice is paid"},
		"WithCode with its params":  {status.With(exceeded).WithMetadata("card", "{used}").WithCode(testrpc.CardDeclined).Err(), nil, "card {used} was declined"},
		"WithCode that lacks some":  {status.With(declined).WithCode(testrpc.QuotaExceeded).Err(), nil, "the quota is used up"},
		"a bare code":               {testrpc.CardDeclined, nil, "the card was declined"},
		"a bare code, other table":  {testrpc.CardDeclined, []*codes.Table{other}, "declined"},
		"a Status of the code":      {status.New(testrpc.CardDeclined, "").Err(), nil, "the card was declined"},
		"values aren't expanded":    {testrpc.QuotaExceededError{UserId: "{most}", Used: "{used}", Most: "{", Unit: "}"}, nil, "{most} used {used} of { }, {used} in all"},
		"spaces and bytes":          {testrpc.QuotaExceededError{UserId: " \xff", Used: "1", Most: "2", Unit: "3"}, nil, "\uFFFD used 1 of 2 3, 1 in all"},
		"a rule":                    {errRuled, nil, "card 4242 was declined"},
	} {
		encoder := &status.Encoder{Tables: tt.tables}
		if name == "a rule" {
			encoder.Rules = []status.Rule{{Func: func(context.Context, error) *status.Status { return status.With(declined) }}}
		}
		got := encoder.Encode(t.Context(), tt.err)
		if got.Status().Message() != tt.want || got.Truncated() != 0 {
			t.Errorf("%s: the message is %q; want %q", name, got.Status().Message(), tt.want)
		}
		// The second time it may be cached.
		if again := encoder.Encode(t.Context(), tt.err); !proto.Equal(again.Status().Proto(), got.Status().Proto()) {
			t.Errorf("%s: sent %v the second time; want %v", name, again.Status(), got.Status())
		}
	}
	if got := encode(declined, other); got.Code() != grpccodes.Aborted {
		t.Errorf("the canonical code is %v; want that of the server's table", got.Code())
	}
	if st := status.With(declined); st.Message() != "card 4242 was declined" || st.WithMessage("own").Message() != "own" || st.WithCode(testrpc.QuotaExceeded).Message() != "the quota is used up" {
		t.Errorf("Message() = %q; want that of the code's own table", st.Message())
	}
	if got := status.With(declined).WithCode(testrpc.InvoicePaid).Metadata(); !maps.Equal(got, map[string]string{"card": "4242"}) {
		t.Errorf("Metadata() = %q after WithCode; want the parameters", got)
	}
}

// The cause of an RPC's context can be an error with parameters.
func TestParamsAsContextCause(t *testing.T) {
	for _, cause := range []error{declined, &declined, wrapped(declined, 2), status.With(declined).Err()} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		got := new(status.Encoder).Encode(ctx, context.Canceled)
		if got.Source() != status.SourceContext || got.Status().Message() != "card 4242 was declined" || got.Code() != testrpc.CardDeclined || got.Withheld() {
			t.Errorf("Encode() with the cause %#v = %v by %v; want the cause's status", cause, got.Status(), got.Source())
		}
	}
}

// A parameter error is logged like a Status error.
func TestParamsLog(t *testing.T) {
	locked := testrpc.LedgerLockedError{Ledger: "main"} // INTERNAL
	cause := errors.New("dsn=secret")
	for name, tt := range map[string]struct {
		err    error
		logged bool
		cause  string
	}{
		"value":                    {locked, false, ""},
		"pointer":                  {&locked, false, ""},
		"Err":                      {status.With(locked).Err(), false, ""},
		"Wrap":                     {status.With(locked).Wrap(cause), true, "dsn=secret"},
		"wrapped":                  {fmt.Errorf("loading dsn: %w", locked), true, "loading dsn"},
		"wrapped pointer":          {fmt.Errorf("loading dsn: %w", &locked), true, "loading dsn"},
		"wrapped Err":              {fmt.Errorf("loading dsn: %w", status.With(locked).Err()), true, "loading dsn"},
		"restated":                 {status.Convert(locked).WithMessage("x").Err(), false, ""},
		"restated, wrapped":        {status.Convert(fmt.Errorf("loading dsn: %w", locked)).WithMessage("x").Err(), true, "loading dsn: LedgerLocked: ledger main is locked"},
		"own text":                 {&paramsError{code: testrpc.LedgerLocked, params: []codes.Param{{Name: "ledger", Value: "main"}}, text: "dsn=secret"}, true, "dsn=secret"},
		"own cause":                {&paramsError{code: testrpc.LedgerLocked, text: "LedgerLocked: the ledger is locked", cause: cause}, true, "LedgerLocked: the ledger is locked"},
		"own cause under the code": {&paramsError{code: testrpc.LedgerLocked, text: "LedgerLocked: the ledger is locked", cause: errors.Join(testrpc.LedgerLocked, cause)}, true, "LedgerLocked: the ledger is locked"},
		"own text, its code":       {&paramsError{code: testrpc.LedgerLocked, text: "dsn=secret", cause: testrpc.LedgerLocked}, true, "dsn=secret"},
		"restated, DebugInfo":      {status.Convert(locked).WithDetails(&errdetails.DebugInfo{Detail: "dsn=secret"}).Err(), true, "dsn=secret"},
		"the caller's fault":       {fmt.Errorf("loading dsn: %w", declined), false, ""},
	} {
		got := new(status.Encoder).Encode(t.Context(), tt.err)
		level, ok := got.LogLevel()
		if ok != tt.logged || ok && level != slog.LevelError {
			t.Errorf("%s: LogLevel() = %v, %t; want ERROR, %t", name, level, ok, tt.logged)
		}
		cause := ""
		for _, attr := range got.Err().(slog.LogValuer).LogValue().Group() {
			if attr.Key == "cause" {
				cause = attr.Value.String()
			}
		}
		if tt.logged && cause != tt.cause {
			t.Errorf("%s: the logged cause is %q; want %q", name, cause, tt.cause)
		}
		if strings.Contains(got.Status().String(), "dsn") {
			t.Errorf("%s: sent %v; want no private text", name, got.Status())
		}
	}
}
