package status_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// A hostileParams panics in the method with a name. It can also be used as a target.
type hostileParams struct {
	testrpc.CardDeclinedError
	in string
}

func (e *hostileParams) check(method string) {
	if e.in == method {
		panic("in " + method)
	}
}

func (e *hostileParams) Error() string    { e.check("Error"); return e.CardDeclinedError.Error() }
func (e *hostileParams) Code() codes.Code { e.check("Code"); return e.CardDeclinedError.Code() }
func (e *hostileParams) Unwrap() error    { e.check("Unwrap"); return e.CardDeclinedError.Unwrap() }
func (e *hostileParams) Is(error) bool    { e.check("Is"); return false }
func (e *hostileParams) As(any) bool      { e.check("As"); return false }
func (e *hostileParams) AppendParams(params []codes.Param) []codes.Param {
	e.check("AppendParams")
	return e.CardDeclinedError.AppendParams(params)
}
func (e *hostileParams) ReadParams(lookup func(string) (string, bool)) bool {
	e.CardDeclinedError.ReadParams(lookup)
	e.check("ReadParams")
	return true
}
func (e *hostileParams) GRPCStatus() *grpcstatus.Status {
	e.check("GRPCStatus")
	return e.CardDeclinedError.GRPCStatus()
}
func (e *hostileParams) LogValue() slog.Value { e.check("LogValue"); return slog.StringValue("x") }

// A lyingParams returns another code at each call.
type lyingParams struct {
	paramsError
	codes []codes.Code
	calls *int
}

func (e lyingParams) Code() codes.Code {
	*e.calls++
	return e.codes[min(*e.calls, len(e.codes))-1]
}

// A nilParams has methods that work for a nil pointer.
type nilParams struct{}

func (*nilParams) Error() string                                   { return "nil" }
func (*nilParams) Code() codes.Code                                { return testrpc.CardDeclined }
func (*nilParams) AppendParams(params []codes.Param) []codes.Param { return params }

// An uncomparableParams has a slice: comparing two of them panics.
type uncomparableParams struct {
	testrpc.CardDeclinedError
	more []string
}

// No method that panics gets out, and none makes success of an error.
func TestHostileParams(t *testing.T) {
	internal := codes.ServerInternal
	for method, want := range map[string]codes.Code{ // what is sent
		"": testrpc.CardDeclined, "Error": testrpc.CardDeclined, "Is": testrpc.CardDeclined, "As": testrpc.CardDeclined,
		"GRPCStatus": testrpc.CardDeclined, "LogValue": testrpc.CardDeclined, "ReadParams": testrpc.CardDeclined,
		"Code": internal, "AppendParams": internal,
		"Unwrap": testrpc.CardDeclined, // the parameters come first
	} {
		for form, err := range map[string]error{
			"bare":    &hostileParams{declined, method},
			"wrapped": wrapped(&hostileParams{declined, method}, 2),
			"joined":  errors.Join(&hostileParams{declined, method}, errors.New("x")),
			"With":    status.With(&hostileParams{declined, method}).Err(),
			"cause":   status.Wrap(&hostileParams{declined, method}, want, ""),
		} {
			encoded := new(status.Encoder).Encode(t.Context(), err)
			got := encoded.Code()
			if got != want || encoded.Status().Code() == grpccodes.OK {
				t.Errorf("panics in %q, %s: sent with code %v; want %v", method, form, got, want)
			}
			wantPanic := method != "" && method != "LogValue" && method != "ReadParams" && method != "GRPCStatus" && form != "With"
			if form == "cause" && want == internal { // nobody calls Code or AppendParams of a cause
				wantPanic = false
			}
			if (encoded.Panic() != nil) != wantPanic {
				t.Errorf("panics in %q, %s: Panic() = %v; want one: %t", method, form, encoded.Panic(), wantPanic)
			}
			_ = encoded.Err().(slog.LogValuer).LogValue().String()
			_, _ = encoded.LogLevel()
			_ = fmt.Sprintf("%+v", encoded.Err())
			_, _ = errors.AsType[testrpc.CardDeclinedError](encoded.Err())
			_ = errors.Is(encoded.Err(), context.Canceled)
			_, _, _ = status.Code(err), status.Retryable(err), status.IsFault(err)
			if _, ok := status.FromError(err); ok != (want != internal || form == "With" || form == "cause") {
				t.Errorf("panics in %q, %s: FromError() = %t", method, form, ok)
			}
		}
	}
}

// With doesn't panic. Its replacement says why, for the log.
func TestHostileParamsOfWith(t *testing.T) {
	var nilPointer *testrpc.CardDeclinedError
	for name, tt := range map[string]struct {
		p        codes.Params
		want     codes.Code
		panicked string
	}{
		"nil":                    {nil, codes.ServerInternal, ""},
		"nil pointer":            {nilPointer, codes.ServerInternal, ""},
		"nil pointer that works": {(*nilParams)(nil), codes.ServerInternal, ""},
		"nil code":               {&paramsError{params: []codes.Param{{Name: "card", Value: "1"}}}, codes.ServerInternal, ""},
		"nil pointer as a code":  {&paramsError{code: (*testrpc.BillingCode)(nil)}, codes.ServerInternal, ""},
		"negative":               {&paramsError{code: testrpc.BillingCode(-7), params: []codes.Param{{Name: "card", Value: "1"}}}, testrpc.BillingInternal, ""},
		"pointer to a code":      {&paramsError{code: pointerTo(testrpc.CardDeclined)}, testrpc.CardDeclined, ""},
		"panics in Code":         {&hostileParams{declined, "Code"}, codes.ServerInternal, "panic: in Code"},
		"panics in AppendParams": {&hostileParams{declined, "AppendParams"}, codes.ServerInternal, "panic: in AppendParams"},
		"NoError":                {&paramsError{code: testrpc.BillingOK}, testrpc.BillingOK, ""},
	} {
		st := status.With(tt.p)
		if st.Code() != tt.want {
			t.Errorf("%s: With().Code() = %v; want %v", name, st.Code(), tt.want)
		}
		if got := fmt.Sprintf("%+v", st.Err()); !strings.Contains(got, tt.panicked) || tt.panicked == "" && strings.Contains(got, "panic") {
			t.Errorf("%s: the error prints %q; want %q", name, got, tt.panicked)
		}
		if st.Code() != testrpc.CardDeclined && st.Metadata() != nil {
			t.Errorf("%s: With() has the metadata %q of another code", name, st.Metadata())
		}
		if err := st.Err(); (err == nil) != (name == "NoError") {
			t.Errorf("%s: With().Err() = %v", name, err)
		}
		// A handler that returns p itself.
		if tt.p == nil || name == "pointer to a code" {
			continue
		}
		internal := codes.Code(codes.ServerInternal)
		if name == "negative" { // its table is known
			internal = testrpc.BillingInternal
		}
		got := new(status.Encoder).Encode(t.Context(), tt.p)
		if got.Code() != internal || got.Source() != status.SourceUnknown {
			t.Errorf("%s: sent with %v by %v; want %v, unknown", name, got.Code(), got.Source(), internal)
		}
	}
	lost := status.With(&paramsError{code: testrpc.CardDeclined, params: []codes.Param{{Name: "Card", Value: "1"}, {Name: "code", Value: "9"}, {Name: "card", Value: "\xff4242"}, {}}})
	got := new(status.Encoder).Encode(t.Context(), lost.Err())
	if metadata := status.FromGRPC(got.Status()).Metadata(); metadata["card"] != "\uFFFD4242" || got.Status().Message() != "card \uFFFD4242 was declined" || !slices.Equal(got.DroppedKeys(), []string{"", "Card", "code"}) {
		t.Errorf("sent %v with %q, dropped %q; want card alone, and the three others dropped", got.Status(), metadata, got.DroppedKeys())
	}
	var many []codes.Param
	for i := range 50_000 {
		many = append(many, codes.Param{Name: fmt.Sprint("key", i), Value: "v"})
	}
	if got := new(status.Encoder).Encode(t.Context(), &paramsError{code: testrpc.CardDeclined, params: append(many, codes.Param{Name: "card", Value: "4242"})}); got.Size() > status.DefaultMaxSize || got.Status().Message() != "card 4242 was declined" {
		t.Errorf("50,000 parameters: sent %d bytes, %q; want them within MaxSize", got.Size(), got.Status().Message())
	}
}

func pointerTo[T any](v T) *T { return &v }

func TestLyingParams(t *testing.T) {
	for _, lies := range [][]codes.Code{
		{testrpc.CardDeclined, testrpc.BillingOK}, {testrpc.CardDeclined, nil}, {testrpc.CardDeclined, testrpc.InvoicePaid}, {testrpc.CardDeclined, testrpc.BillingCode(-1)},
		{testrpc.BillingOK, testrpc.CardDeclined}, {nil, testrpc.CardDeclined},
	} {
		lying := func() error { return &lyingParams{codes: lies, calls: new(int)} }
		if got := new(status.Encoder).Encode(t.Context(), lying()); got.Status().Code() == grpccodes.OK || got.Code() == testrpc.BillingOK {
			t.Errorf("the codes %v in turn: sent %v; want an error", lies, got.Status())
		}
		if st := status.Convert(lying()); st.Err() == nil {
			t.Errorf("the codes %v in turn: Convert().Err() = nil; want an error", lies)
		}
		if got, want := status.ToGRPC(lying()).Code(), grpccodes.FailedPrecondition; lies[0] == testrpc.CardDeclined && got != want {
			t.Errorf("the codes %v in turn: sent with %v; want what the first says, %v", lies, got, want)
		}
	}
}

// Errors that can't be compared are sent, restated and logged.
func TestUncomparableParams(t *testing.T) {
	err := uncomparableParams{CardDeclinedError: declined, more: []string{"x"}}
	for _, err := range []error{err, wrapped(err, 1), status.Convert(err).WithMessage("x").Wrap(err), status.With(err).Wrap(err)} {
		encoded := new(status.Encoder).Encode(t.Context(), err)
		if encoded.Code() != testrpc.CardDeclined {
			t.Errorf("sent %v; want CardDeclined", encoded.Status())
		}
		_ = encoded.Err().(slog.LogValuer).LogValue().String()
		_, _ = encoded.LogLevel()
	}
}

// A hostile target of errors.As doesn't panic, and finds nothing.
func TestHostileTargets(t *testing.T) {
	received := billing.Decode(t.Context(), declined.GRPCStatus().Err())
	local := status.With(declined).Err()
	for _, err := range []error{received, local} {
		link := err.(interface{ Unwrap() []error }).Unwrap()[1].(interface{ As(any) bool })
		for method, want := range map[string]bool{"": true, "Code": false, "ReadParams": false} {
			if got := link.As(&hostileParams{in: method}); got != want {
				t.Errorf("As() = %t for a target that panics in %q; want %t", got, method, want)
			}
		}
		var params codes.Params
		var reader codes.ParamsReader
		for _, target := range []any{nil, (*testrpc.CardDeclinedError)(nil), testrpc.CardDeclinedError{}, new(any), &params, &reader, new(*testrpc.CardDeclinedError), 7} {
			if link.As(target) {
				t.Errorf("As(%T) = true; want false", target)
			}
		}
		if name, ok := errors.AsType[testrpc.QuotaExceededError](err); ok {
			t.Errorf("AsType finds %v of another code", name)
		}
		if errors.As(err, &reader) {
			t.Errorf("errors.As finds %v for an interface; want nothing", reader)
		}
		if target := new(anyReader); errors.As(err, target) || !maps.Equal(target.found, map[string]string{"card": "4242"}) {
			t.Errorf("a target reads %q; want card alone", target.found)
		}
	}
}

// A key that AIP-193 forbids is in no Metadata, and no parameter.
func TestForbiddenKeyIsNoParameter(t *testing.T) {
	info := errorinfo.Append(nil, "CARD_DECLINED", "billing.example.com", "1", []errorinfo.Pair{{Key: "Card", Value: "x"}, {Key: "card", Value: "4242"}})
	target := new(anyReader)
	errors.As(billing.Decode(t.Context(), statusWithInfo(grpccodes.FailedPrecondition, info).Err()), target)
	if !maps.Equal(target.found, map[string]string{"card": "4242"}) {
		t.Errorf("a target reads %q; want card alone", target.found)
	}
}

// If only the message is too long, the parameters stay whole.
func TestLongMessageBesideParams(t *testing.T) {
	got := new(status.Encoder).Encode(t.Context(), status.With(exceeded).WithMessage(strings.Repeat("m", 5000)).Err())
	if got.Truncated() != status.TruncatedMessage || billing.FromGRPC(got.Status()).Truncated() != status.TruncatedMessage {
		t.Errorf("truncated %q; want the message alone", got.Truncated())
	}
	if found, ok := errors.AsType[testrpc.QuotaExceededError](billing.Decode(t.Context(), got.Status().Err())); !ok || found != exceeded {
		t.Errorf("read back as %v, %t; want %v", found, ok, exceeded)
	}
}

// As long as a parameter is cut, there is no other pair, however small.
func TestNoOtherPairBesideACutParameter(t *testing.T) {
	row := codes.RowOf(testrpc.CardDeclined)
	row.Template, row.Localized = "", nil
	st := status.New(testrpc.CardDeclined, "x").WithMetadata("aa", "b")
	for i := range 20 {
		row.Template += fmt.Sprintf("{key%02d}", i)
		st = st.WithMetadata(fmt.Sprintf("key%02d", i), strings.Repeat("v", 100))
	}
	encoder := status.Encoder{Tables: []*codes.Table{testrpc.Billing.MustWithRows(row)}}
	for encoder.MaxSize = 2000; encoder.MaxSize < 2100; encoder.MaxSize++ {
		metadata := status.FromGRPC(encoder.Encode(t.Context(), st.Err()).Status()).Metadata()
		if _, ok := metadata["aa"]; ok || len(metadata["key19"]) < 32 || !strings.HasSuffix(metadata["key19"], "...") {
			t.Fatalf("MaxSize %d: metadata %q; want all parameters, shortened, and nothing else", encoder.MaxSize, metadata)
		}
	}
}

// An anyReader asks for keys that no generated type has.
type anyReader struct{ found map[string]string }

func (anyReader) Error() string                                   { return "any" }
func (anyReader) Code() codes.Code                                { return testrpc.CardDeclined }
func (anyReader) AppendParams(params []codes.Param) []codes.Param { return params }
func (e *anyReader) ReadParams(lookup func(string) (string, bool)) bool {
	e.found = map[string]string{}
	for _, key := range []string{"", "code", "card", "\xff", "Card", strings.Repeat("k", 100)} {
		if value, ok := lookup(key); ok {
			e.found[key] = value
		}
	}
	return false
}

// FuzzReadBack checks that any bytes of an ErrorInfo give the parameters that Metadata has, or
// nothing.
func FuzzReadBack(f *testing.F) {
	f.Add(declined.GRPCStatus().Proto().Details[0].Value)
	f.Add(exceeded.GRPCStatus().Proto().Details[0].Value)
	f.Add(append(declined.GRPCStatus().Proto().Details[0].Value, "\x1a\x08\x0a\x04card\x12\x00"...))
	f.Add(append(declined.GRPCStatus().Proto().Details[0].Value, "\x1a\x07\x12\x01v\x0a\x02ab\x1a\x06\x0a\x04card"...))
	f.Fuzz(func(t *testing.T, info []byte) {
		received := billing.Decode(t.Context(), statusWithInfo(grpccodes.FailedPrecondition, info).Err())
		restated := status.Convert(received).WithMessage("x").Err()
		for _, err := range []error{received, restated} {
			code, _ := status.Declared(err)
			want, has := status.Convert(err).Metadata()["card"]
			found, ok := readBack(t, err)
			if ok != (code == testrpc.CardDeclined && has) || ok && found.Card != want {
				t.Fatalf("read back as %q, %t from %q with code %v; want %q, %t", found.Card, ok, info, code, want, has)
			}
			metadata := status.Convert(err).Metadata()
			if quota, ok := errors.AsType[testrpc.QuotaExceededError](err); ok && (quota.Most != metadata["most"] || quota.Unit != metadata["unit"] || code != testrpc.QuotaExceeded) {
				t.Fatalf("read back as %v from %q", quota, metadata)
			}
		}
		if forwarded := new(status.Encoder).Encode(t.Context(), received); forwarded.Status().Code() == grpccodes.OK {
			t.Fatalf("forwarded as %v", forwarded.Status())
		}
	})
}

// The size limit takes the parameters last.
func TestParamsAreTruncatedLast(t *testing.T) {
	pairs := func(st *status.Status, n, size int) *status.Status {
		for i := range n {
			st = st.WithMetadata(fmt.Sprintf("aa%02d", i), strings.Repeat("a", size)) // before the parameters
			st = st.WithMetadata(fmt.Sprintf("zz%02d", i), strings.Repeat("z", size))
		}
		return st
	}
	long := func(letter string) string { return strings.Repeat(letter, 2000) }
	size := 2000
	for name, tt := range map[string]struct {
		st     *status.Status
		whole  []string // keys whose values are whole
		gone   bool     // no other key is left
		absent []string
		cut    []string
	}{
		"many others":        {st: pairs(status.With(exceeded), 50, 40), whole: []string{"user_id", "used", "most", "unit"}},
		"one long other":     {st: status.With(exceeded).WithMetadata("zone", long("z")), whole: []string{"user_id", "used", "most", "unit"}, cut: []string{"zone"}},
		"a long parameter":   {st: status.With(testrpc.QuotaExceededError{UserId: long("u"), Used: "1", Most: "2", Unit: "3"}).WithMetadata("aa", "b").WithMessage("x"), whole: []string{"used", "most", "unit"}, gone: true, cut: []string{"user_id"}},
		"all parameters":     {st: pairs(status.With(testrpc.QuotaExceededError{UserId: long("u"), Used: long("v"), Most: long("m"), Unit: "3"}), 9, 9).WithMessage("x"), whole: []string{"unit"}, gone: true, cut: []string{"user_id", "used", "most"}},
		"no room for others": {st: pairs(status.With(testrpc.CardDeclinedError{Card: long("c")}), 9, 9), whole: nil, gone: true, cut: []string{"card"}},
		"of another row":     {st: pairs(status.With(declined).WithCode(testrpc.InvoicePaid), 50, 40), absent: []string{"card"}},
	} {
		st := tt.st
		if name == "of another row" { // without a template, the key is like any other: aa00 and others come before
			st = pairs(status.New(testrpc.InvoicePaid, ""), 50, 40).WithMetadata("card", "4242")
		}
		full := st.Metadata()
		for way, err := range map[string]error{
			"own":       st.Err(),
			"forwarded": (&status.Decoder{Tables: []*codes.Table{testrpc.Billing}, Trust: status.TrustAll}).Decode(t.Context(), st.GRPCStatus().Err()),
		} {
			got := (&status.Encoder{MaxSize: size, Tables: []*codes.Table{testrpc.Billing}}).Encode(t.Context(), err)
			metadata := billing.FromGRPC(got.Status()).Metadata()
			if got.Size() > size || got.Truncated()&status.TruncatedMetadata == 0 || metadata["truncated"] == "" {
				t.Errorf("%s, %s: size %d, truncated %v; want metadata truncated to at most %d", name, way, got.Size(), got.Truncated(), size)
			}
			for _, key := range tt.whole {
				if metadata[key] != full[key] {
					t.Errorf("%s, %s: metadata %q = %.50q; want it whole", name, way, key, metadata[key])
				}
			}
			for _, key := range tt.cut {
				if text, ok := strings.CutSuffix(metadata[key], "..."); !ok || len(text) < 29 || !strings.HasPrefix(full[key], text) {
					t.Errorf("%s, %s: metadata %q = %.50q; want its beginning", name, way, key, metadata[key])
				}
			}
			for _, key := range tt.absent {
				if value, ok := metadata[key]; ok {
					t.Errorf("%s, %s: metadata %q = %q; want none", name, way, key, value)
				}
			}
			if others := len(metadata) - len(tt.whole) - len(tt.cut) - 1; tt.gone != (others == 0) && tt.absent == nil && name != "one long other" {
				t.Errorf("%s, %s: %d other keys in %.500q; want none: %t", name, way, others, metadata, tt.gone)
			}
			if name == "many others" {
				if found, ok := errors.AsType[testrpc.QuotaExceededError](billing.Decode(t.Context(), got.Status().Err())); !ok || found != exceeded {
					t.Errorf("%s, %s: read back as %v, %t; want %v", name, way, found, ok, exceeded)
				}
			}
		}
	}
}

// The sender's table says which keys are parameters.
func TestTruncationByTheSendersTable(t *testing.T) {
	row := codes.RowOf(testrpc.InvoicePaid)
	row.Template = "invoice {zz_invoice} is paid"
	override := testrpc.Billing.MustWithRows(row)
	st := keys(100, 40).WithCode(testrpc.InvoicePaid).WithMetadata("zz_invoice", "17")
	for table, want := range map[*codes.Table]string{override: "17", testrpc.Billing: ""} {
		sent := (&status.Encoder{MaxSize: 2000, Tables: []*codes.Table{table}}).Encode(t.Context(), st.Err())
		if got := billing.FromGRPC(sent.Status()).Metadata()["zz_invoice"]; got != want {
			t.Errorf("metadata zz_invoice = %q; want %q", got, want)
		}
	}
}

// A received ErrorInfo with more than can be sent keeps its parameters, wherever they are.
func TestForwardedParamsBehindManyKeys(t *testing.T) {
	info := &errdetails.ErrorInfo{Reason: "CARD_DECLINED", Domain: "billing.example.com", Metadata: map[string]string{"code": "1", "card": "4242"}}
	for i := range 3000 {
		info.Metadata[fmt.Sprintf("ab%04d", i)] = "v"
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	received := billing.Decode(t.Context(), statusWithInfo(grpccodes.FailedPrecondition, b).Err())
	for name, err := range map[string]error{"forwarded": received, "restated": status.Convert(received).WithMetadata("zone", "b").Err()} {
		sent := new(status.Encoder).Encode(t.Context(), err)
		if found, ok := readBack(t, billing.Decode(t.Context(), sent.Status().Err())); !ok || found != declined || sent.Size() > status.DefaultMaxSize {
			t.Errorf("%s: read back as %v, %t from %d bytes; want %v", name, found, ok, sent.Size(), declined)
		}
	}
}

// Errors without parameters pay nothing.
func TestAllocationsOfParams(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	var encoder status.Encoder
	received := billing.Decode(t.Context(), declined.GRPCStatus().Err())
	plain := billing.Decode(t.Context(), testrpc.CardDeclined.GRPCStatus().Err())
	unknown := testrpc.BillingCode(77).GRPCStatus().Err()
	other := billing.Decode(t.Context(), status.New(testrpc.InvoicePaid, "x").WithMetadata("card", "4242").GRPCStatus().Err())
	for name, tt := range map[string]struct {
		run  func()
		most float64
	}{
		"With(p).Err()":             {func() { benchErr = status.With(declined).Err() }, 5},
		"encode the struct":         {func() { benchErr = encoder.Encode(context.Background(), declined).Err() }, 21},    // one of them the target with which its method As is tried
		"read back":                 {func() { benchParams, _ = errors.AsType[testrpc.CardDeclinedError](received) }, 3}, // the target, lookup, the value
		"another type":              {func() { _, _ = errors.AsType[testrpc.QuotaExceededError](received) }, 1},
		"the code":                  {func() { _, _ = errors.AsType[testrpc.BillingCode](received) }, 0},
		"a bare code":               {func() { _, _ = errors.AsType[testrpc.CardDeclinedError](plain) }, 0},
		"a code without parameters": {func() { _, _ = errors.AsType[testrpc.CardDeclinedError](other) }, 0},
		"a number without a row":    {func() { benchErr = billing.Decode(context.Background(), unknown) }, 7},
		"errors.Is":                 {func() { _ = errors.Is(received, testrpc.InvoicePaid) }, 0},
	} {
		if got := testing.AllocsPerRun(200, tt.run); got > tt.most {
			t.Errorf("%s: %v allocations; want at most %v", name, got, tt.most)
		}
	}
}

var benchParams testrpc.CardDeclinedError
