package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
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
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// Restating: a handler of B reads the Status of an error, and returns it unchanged, with
// something added, or around the error.

// debugCanary is in each received DebugInfo, which is never sent.
const debugCanary = "CANARY-debug-77aa"

// A received is a status that B receives from C. All its text has the canary.
type received struct {
	name      string
	sent      *spb.Status
	assume    bool            // B's connection has WithAssumedCodes
	code      codes.ErrorCode // that is carried, or NoError
	canonical grpccodes.Code  // that B reads
}

func receivedStatuses(t testing.TB) (all []received) {
	t.Helper()
	details := []proto.Message{
		badRequestOf(canary), &errdetails.RetryInfo{}, &errdetails.DebugInfo{Detail: debugCanary, StackEntries: []string{debugCanary}},
	}
	details[1] = retryInfo(5 * time.Second)
	with := func(first ...proto.Message) []proto.Message { return append(first, details...) }
	known := testrpc.ErrorInfo(codes.RecordNotFound)
	known.Metadata["zone"] = canary
	number := func(n grpccodes.Code) *spb.Status {
		st := testrpc.Canonical(t, n, canary, details...)
		st.Details = append([]*anypb.Any{openIMDetail(canary)}, st.Details...)
		return st
	}
	all = []received{
		{name: "known", sent: testrpc.Canonical(t, grpccodes.FailedPrecondition, canary, with(known)...), code: codes.RecordNotFound, canonical: grpccodes.FailedPrecondition},
		{name: "known, UNAVAILABLE", sent: testrpc.Canonical(t, grpccodes.Unavailable, canary, with(known)...), code: codes.RecordNotFound, canonical: grpccodes.Unavailable},
		{name: "known domain alone", sent: testrpc.Canonical(t, grpccodes.NotFound, canary, with(&errdetails.ErrorInfo{Domain: "openim.io", Metadata: map[string]string{"zone": canary}})...), canonical: grpccodes.NotFound},
		{name: "a number with a row", sent: number(1004), code: codes.RecordNotFound, canonical: grpccodes.NotFound},
		{name: "a number without a row", sent: number(2001), canonical: grpccodes.Unknown},
	}
	foreign := &errdetails.ErrorInfo{Reason: canary, Domain: "shop.example", Metadata: map[string]string{"key": canary}}
	for _, c := range canonicalCodes() {
		all = append(all,
			received{name: fmt.Sprint("bare, ", c), sent: testrpc.Canonical(t, c, canary, details...), canonical: c},
			received{name: fmt.Sprint("bare without details, ", c), sent: testrpc.Canonical(t, c, canary), canonical: c},
			received{name: fmt.Sprint("foreign, ", c), sent: testrpc.Canonical(t, c, canary, with(foreign)...), canonical: c},
			received{name: fmt.Sprint("assumed, ", c), sent: testrpc.Canonical(t, c, canary, details...), assume: true, code: codes.Default().DefaultFor(c).(codes.ErrorCode), canonical: c},
		)
	}
	return all
}

// A restatement is what B's handler makes of an error.
type restatement struct {
	name     string
	of       func(error) error
	code     codes.ErrorCode // that it states, or NoError
	message  string          // that it states
	metadata map[string]string
	details  []proto.Message
	pushback string // with WithRetryPushback
	alone    bool   // nothing of the error is in it
}

func restatements() []restatement {
	resource := &errdetails.ResourceInfo{ResourceName: "mine"}
	return []restatement{
		{name: "WithMessage, Err", of: func(err error) error { return status.Convert(err).WithMessage("my words").Err() }, message: "my words"},
		{name: "WithMessage, Wrap", of: func(err error) error { return status.Convert(err).WithMessage("my words").Wrap(err) }, message: "my words"},
		{name: "WithMessage under %w", of: func(err error) error {
			return fmt.Errorf(canary+": %w", status.Convert(err).WithMessage("my words").Wrap(err))
		}, message: "my words"},
		{name: "WithMessage of an error under %w", of: func(err error) error {
			return status.Convert(fmt.Errorf(canary+": %w", err)).WithMessage("my words").Err()
		}, message: "my words"},
		{name: "an empty message", of: func(err error) error { return status.Convert(err).WithMessage(" ").Err() }, message: " "},
		{name: "WithCode", of: func(err error) error { return status.Convert(err).WithCode(codes.SrvDatabase).Err() }, code: codes.SrvDatabase},
		{name: "WithCode, Wrap", of: func(err error) error { return status.Convert(err).WithCode(codes.SrvDatabase).Wrap(err) }, code: codes.SrvDatabase},
		{name: "WithCode and WithMessage", of: func(err error) error {
			return status.Convert(err).WithCode(codes.SrvDatabase).WithMessage("my words").Err()
		}, code: codes.SrvDatabase, message: "my words"},
		{name: "WithMetadata", of: func(err error) error { return status.Convert(err).WithMetadata("mine", "v").Err() }, metadata: map[string]string{"mine": "v"}},
		{name: "WithDetails", of: func(err error) error { return status.Convert(err).WithDetails(resource).Err() }, details: []proto.Message{resource}},
		{name: "WithDetails of a received type", of: func(err error) error { return status.Convert(err).WithDetails(testrpc.BadRequest()).Err() }, details: []proto.Message{testrpc.BadRequest()}},
		{name: "WithRetryDelay", of: func(err error) error { return status.Convert(err).WithRetryDelay(7 * time.Second).Err() }, details: []proto.Message{retryInfo(7 * time.Second)}, pushback: "7000"},
		{name: "Wrap", of: func(err error) error { return status.Convert(err).Wrap(io.ErrUnexpectedEOF) }},
		{name: "Wrap of itself", of: func(err error) error { return status.Convert(err).Wrap(err) }},
		{name: "restated twice", of: func(err error) error {
			once := status.Convert(err).WithMetadata("mine", "v").Wrap(err)
			return status.Convert(fmt.Errorf("%w", once)).WithMessage("my words").Wrap(once)
		}, message: "my words", metadata: map[string]string{"mine": "v"}},
		{name: "status.Wrap", of: func(err error) error { return status.Wrap(err, codes.SrvDatabase, "my words") }, code: codes.SrvDatabase, message: "my words", alone: true},
		{name: "status.Errorf with %w", of: func(err error) error { return status.Errorf(codes.SrvDatabase, "my words: %w", err) }, code: codes.SrvDatabase, message: "my words", alone: true},
	}
}

// textPasses reports whether C's text may be sent.
func (r restatement) textPasses(from received, trust status.Trust) bool {
	passes := trust == status.TrustAll || trust == status.TrustKnown && from.code != codes.NoError
	return passes && (!from.assume || !testrpc.MadeByGRPC(from.canonical) || trust == status.TrustAll)
}

// sends returns what B sends: a second, simple version of the rules on restating.
func (r restatement) sends(t testing.TB, from received, trust status.Trust) *spb.Status {
	t.Helper()
	if r.alone {
		return testrpc.Carrying(t, r.code, r.message)
	}
	passes := trust == status.TrustAll || trust == status.TrustKnown && from.code != codes.NoError
	textPasses := r.textPasses(from, trust)
	code := from.code
	if r.code != codes.NoError {
		code = r.code
	}

	want := &spb.Status{Code: int32(from.canonical), Message: strings.Trim(r.message, " ")}
	row, _ := codes.Default().Lookup(code.Number())
	switch {
	case want.Message != "":
	case r.message == "" && textPasses:
		want.Message = canary
	case code != codes.NoError:
		want.Message = row.Message
	case from.canonical == grpccodes.Unavailable:
		want.Message = "an upstream service is unavailable"
	case from.canonical == grpccodes.DeadlineExceeded:
		want.Message = "an upstream service did not answer in time"
	default:
		want.Message = "an upstream service failed"
	}

	var all []*anypb.Any
	if code != codes.NoError {
		info := testrpc.ErrorInfo(code)
		if passes && strings.HasPrefix(from.name, "known") {
			info.Metadata["zone"] = canary
		}
		maps.Copy(info.Metadata, r.metadata)
		all = append(all, testrpc.Packed(t, info))
	}
	if passes {
		all = append(all, from.sent.Details...)
	}
	for _, d := range r.details {
		all = append(all, testrpc.Packed(t, d))
	}
	at := make(map[string]int)
	for _, d := range all {
		name := string(d.MessageName())
		i, seen := at[name]
		switch {
		case name == "google.rpc.DebugInfo", name == openIMDetailType, seen && name == "google.rpc.ErrorInfo":
		case seen:
			want.Details[i] = d
		default:
			at[name] = len(want.Details)
			want.Details = append(want.Details, d)
		}
	}
	return want
}

// What B sends of a restated status depends on the trust in the connection to C, and never
// has C's DebugInfo or a pushback of C's.
func TestRestatedStatusSendsWhatTrustLetsPass(t *testing.T) {
	servers := map[string][]interceptor.ServerOption{
		"no options":   nil,
		"with options": {interceptor.WithDebugInfo(), interceptor.WithRetryPushback()},
	}
	for _, trust := range trusts {
		for options, server := range servers {
			t.Run(fmt.Sprint(trust, "/", options), func(t *testing.T) { checkRestated(t, trust, len(server) > 0, server) })
		}
	}
}

func checkRestated(t *testing.T, trust status.Trust, pushes bool, server []interceptor.ServerOption) {
	logs := testrpc.CaptureLog(t)
	c := testrpc.Returning(nil)
	toC := testrpc.Connect(t, c, nil, interceptor.DialOptions(interceptor.WithUpstreamTrust(trust)))
	assuming := testrpc.Connect(t, c, nil, interceptor.DialOptions(interceptor.WithUpstreamTrust(trust), interceptor.WithAssumedCodes()))
	b := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, b, server...)
	for _, from := range receivedStatuses(t) {
		c.Return(testrpc.AtOpen, grpcstatus.FromProto(from.sent).Err())
		client := toC
		if from.assume {
			client = assuming
		}
		for _, r := range restatements() {
			want := r.sends(t, from, trust)
			for _, k := range replayed {
				name := fmt.Sprintf("%s, %s, %s", from.name, r.name, k.Name)
				b.Run(testrpc.AtOpen, forwards(client, r.of, k))
				got := testrpc.Answer(t, conn, k)
				checkRestatedAnswer(t, name, got, want, pushes, r.pushback)
				records := logs()
				hidden := !r.alone && r.message == "" && !r.textPasses(from, trust)
				logged := hidden && testrpc.LevelOf(grpccodes.Code(want.GetCode())) != ""
				if logged && (len(records) != 1 || !strings.Contains(records[0].Cause, canary)) {
					t.Errorf("%s: the log has %v; want C's text, which is withheld", name, records)
				}
			}
		}
	}
}

func checkRestatedAnswer(t *testing.T, name string, got *wiretest.Answer, want *spb.Status, pushes bool, pushback string) {
	t.Helper()
	if st := testrpc.Failure(t, got); !proto.Equal(want, st) { // faster than cmp.Diff, but false for maps in another order
		if diff := cmp.Diff(want, st, protocmp.Transform()); diff != "" {
			t.Errorf("%s: what B sends (-want +got):\n%s", name, diff)
		}
	}
	if found := find(t, got, debugCanary); found != "" {
		t.Errorf("%s: %s; want no received DebugInfo", name, found)
	}
	b, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if found := find(t, got, canary); found != "" && !strings.Contains(string(b), canary) {
		t.Errorf("%s: %s; want none of C's text", name, found)
	}
	if !pushes {
		pushback = ""
	}
	if sent := got.Trailers().Get(pushbackField); sent != pushback {
		t.Errorf("%s: the pushback is %q; want %q", name, sent, pushback)
	}
}

// B's own process reads all that was received, also in the restated error.
func TestRestatedStatusIsReadableInThisProcess(t *testing.T) {
	sent := testrpc.Carrying(t, codes.RecordNotFound, canary, badRequestOf(canary), &errdetails.DebugInfo{Detail: debugCanary})
	for _, trust := range trusts {
		err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(sent).Err(), interceptor.WithUpstreamTrust(trust))
		again := status.Convert(err).WithMetadata("mine", "v").Wrap(err)
		if _, ok := status.Detail[*errdetails.BadRequest](again); !ok {
			t.Errorf("%v: the restated error has no BadRequest; want the received one", trust)
		}
		if d, ok := status.Detail[*errdetails.DebugInfo](again); !ok || d.Detail != debugCanary {
			t.Errorf("%v: the restated error's DebugInfo is %v, %t; want the received one", trust, d, ok)
		}
		st := status.Convert(again)
		if st.Message() != canary || st.Metadata()["mine"] != "v" || st.Code() != codes.RecordNotFound {
			t.Errorf("%v: the restated Status is %v with %q; want the received message, code and the new pair", trust, st, st.Metadata())
		}
		if got, ok := status.Declared(again); got != codes.RecordNotFound || !ok {
			t.Errorf("%v: Declared() = %v, %t; want RecordNotFound, true", trust, got, ok)
		}
	}
}

// A restated status that carries no code still carries none, for this process and for the
// next.
func TestRestatedStatusWithoutACodeCarriesNone(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())
	for _, c := range canonicalCodes() {
		err := testrpc.ReceivedFromPlain(t, grpcstatus.Error(c, canary))
		for name, restated := range map[string]error{
			"Err":         status.Convert(err).WithMessage("my words").Err(),
			"Wrap":        status.Convert(err).WithMessage("my words").Wrap(err),
			"Wrap of EOF": status.Convert(err).WithMessage("my words").Wrap(io.EOF),
		} {
			if got, ok := status.Declared(restated); ok || got != codes.SdkUnknownCode {
				t.Errorf("%v, %s: Declared() = %v, %t; want SdkUnknownCode, false", c, name, got, ok)
			}
			if found, ok := errors.AsType[codes.Code](restated); ok {
				t.Errorf("%v, %s: errors.As finds %v; want no code", c, name, found)
			}
			if got := grpcstatus.Code(restated); got != c {
				t.Errorf("%v, %s: gRPC's code is %v; want it kept", c, name, got)
			}
			svc.Return(testrpc.AtOpen, restated)
			for _, k := range testrpc.Kinds {
				_, err := k.Call(t.Context(), client)
				if _, ok := status.Declared(err); ok || grpcstatus.Code(err) != c || grpcstatus.Convert(err).Message() != "my words" {
					t.Errorf("%v, %s, %s: the caller gets %v; want the canonical code, the new message and no code", c, name, k.Name, err)
				}
			}
		}
	}
}

// status.Wrap(err, status.Code(err), …) states the UNKNOWN default, as its documentation
// warns.
func TestWrapInTheCodeOfAnUncodedStatusIsUnknown(t *testing.T) {
	for _, c := range canonicalCodes() {
		err := testrpc.ReceivedFromPlain(t, grpcstatus.Error(c, canary))
		got := testrpc.Sent(t, status.Wrap(err, status.Code(err), "my words"))
		if want := testrpc.Carrying(t, codes.SdkUnknownCode, "my words"); !proto.Equal(got, want) {
			t.Errorf("%v: the server sends %v; want %v", c, got, want)
		}
	}
}

// everyKindOfError returns an error of each kind that a handler can have.
func everyKindOfError(t testing.TB) map[string]error {
	t.Helper()
	fromPlain := func(st *spb.Status, opts ...interceptor.ClientOption) error {
		return testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(st).Err(), opts...)
	}
	all := map[string]error{
		"a code":                    codes.RecordNotFound,
		"a code of another domain":  testrpc.PetRanAway,
		"a code without a row":      codes.ErrorCode(1305),
		"a negative code":           codes.ErrorCode(-1),
		"NoError":                   codes.NoError,
		"a code under %w":           fmt.Errorf(canary+": %w", codes.RecordNotFound),
		"joined":                    errors.Join(errors.New(canary), codes.RecordNotFound),
		"a Status":                  status.Error(codes.Args, "x"),
		"a Status with a cause":     status.Wrap(errors.New(canary), codes.Args, "x"),
		"a Status in NoError":       status.Wrap(errors.New(canary), codes.NoError, "x"),
		"a Status under %w":         fmt.Errorf(canary+": %w", status.New(codes.Args, "x").WithDetails(testrpc.BadRequest()).Err()),
		"a gRPC status":             grpcstatus.Error(grpccodes.Aborted, "x"),
		"a gRPC status under %w":    fmt.Errorf(canary+": %w", grpcstatus.Error(grpccodes.Aborted, "x")),
		"a gRPC number with a row":  grpcstatus.Error(1004, "x"),
		"a gRPC number without one": grpcstatus.Error(2001, canary),
		"a gRPC status OK":          okStatus{},
		"plain":                     errors.New(canary),
		"plain under %w":            fmt.Errorf("a: %w", errors.New(canary)),
		"io.EOF":                    io.EOF,
		"context.Canceled":          context.Canceled,
		"context.DeadlineExceeded":  context.DeadlineExceeded,
		"a typed nil":               (*nilPointer)(nil),
		"an error that panics":      panicsInError{},
		"an uncomparable error":     bush{[]error{errors.New(canary)}},
		"a panic":                   status.Recovered(canary),
		"encoded":                   new(status.Encoder).Encode(t.Context(), status.New(codes.Args, "x").WithDetails(testrpc.BadRequest()).Err()).Err(),
		"encoded plain":             new(status.Encoder).Encode(t.Context(), errors.New(canary)).Err(),
		"encoded gRPC status":       new(status.Encoder).Encode(t.Context(), grpcstatus.Error(grpccodes.Aborted, "x")).Err(),
		"received, TrustNone":       fromPlain(testrpc.Carrying(t, codes.Args, canary), interceptor.WithUpstreamTrust(status.TrustNone)),
		"received, TrustAll":        fromPlain(testrpc.Canonical(t, grpccodes.Aborted, "x"), interceptor.WithUpstreamTrust(status.TrustAll)),
	}
	for _, from := range receivedStatuses(t) {
		all["received, "+from.name] = fromPlain(from.sent)
	}
	for _, u := range uncodedForms(t) {
		all["received, "+u.name] = fromPlain(u.of(grpccodes.NotFound))
	}
	return all
}

// identical reports whether two errors are identical. Errors of uncomparable types are compared
// by their text.
func identical(a, b error) (equal bool) {
	defer func() {
		if recover() != nil {
			equal = fmt.Sprintf("%T %v", a, a) == fmt.Sprintf("%T %v", b, b)
		}
	}()
	return a == b
}

func TestErrOfAReadStatusIsTheErrorItself(t *testing.T) {
	for name, err := range everyKindOfError(t) {
		st := status.Convert(err)
		if got := st.Err(); !identical(got, err) {
			t.Errorf("%s: Convert(err).Err() is %T; want err itself, a %T", name, got, err)
		}
		if st, _ := status.FromError(err); !identical(st.Err(), err) {
			t.Errorf("%s: the Err of FromError's Status isn't err", name)
		}
		if got := status.Convert(st.Err()).Err(); !identical(got, err) {
			t.Errorf("%s: converting twice gives %T; want err itself", name, got)
		}
		if _, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok && status.Convert(fmt.Errorf("%w", err)).Err() == err {
			t.Errorf("%s: converting a wrapper gives the error inside; want the wrapper", name)
		}
	}
	if err := status.Convert(nil).Err(); err != nil {
		t.Errorf("Convert(nil).Err() = %v; want nil", err)
	}
}

// A server sends the same for Convert(err).Err() as for err, logs the same, and tells
// observers the same.
func TestServerTreatsAReadStatusAsItsError(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	svc := testrpc.Returning(nil)
	opts := []interceptor.ServerOption{interceptor.WithDebugInfo(), interceptor.WithRetryPushback(), interceptor.WithErrorMapping(io.EOF, codes.SrvData)}
	conn := testrpc.DialWire(t, svc, opts...)
	for name, err := range everyKindOfError(t) {
		for _, k := range replayed {
			svc.Return(testrpc.AtOpen, err)
			want := testrpc.Answer(t, conn, k)
			wantLog := fmt.Sprint(logs())
			svc.Run(testrpc.AtOpen, func(context.Context) error { return status.Convert(err).Err() })
			got := testrpc.Answer(t, conn, k)
			if diff := cmp.Diff(want.Trailers(), got.Trailers()); diff != "" {
				t.Errorf("%s, %s: the trailers of Convert(err).Err() (-want those of err +got):\n%s", name, k.Name, diff)
			}
			if found := find(t, got, debugCanary); found != "" {
				t.Errorf("%s, %s: %s; want no received DebugInfo", name, k.Name, found)
			}
			gotLog := fmt.Sprint(logs())
			if name == "a panic" || name == "an error that panics" || name == "a typed nil" {
				continue // the log has a stack, with addresses
			}
			if gotLog != wantLog {
				t.Errorf("%s, %s: the log has %s; want the same as for err: %s", name, k.Name, gotLog, wantLog)
			}
		}
	}
}

// A plain error that is returned through its Status is withheld and logged, and isn't lost.
func TestReadStatusOfAPlainErrorIsLogged(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	for name, err := range map[string]error{"plain": errors.New(testrpc.Secret), "under %w": fmt.Errorf("a: %w", errors.New(testrpc.Secret))} {
		client := testrpc.Connect(t, testrpc.Returning(status.Convert(err).Err()), interceptor.ServerOptions(), interceptor.DialOptions())
		for _, k := range testrpc.Kinds {
			_, got := k.Call(t.Context(), client)
			testrpc.CheckStatus(t, got, testrpc.Carrying(t, codes.ServerInternal, ""))
			testrpc.CheckNoSecret(t, got)
			testrpc.CheckWithheld(t, logs(), k.Method, grpccodes.Internal, testrpc.Secret)
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
}

// The restated Status of an error without one is the INTERNAL default, and has none of the
// error's text.
func TestRestatedPlainErrorIsInternal(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithDebugInfo())
	mine := testrpc.ErrorInfo(codes.ServerInternal)
	mine.Metadata["mine"] = "v"
	for _, name := range []string{"plain", "plain under %w", "io.EOF", "context.Canceled", "context.DeadlineExceeded", "a typed nil", "a panic", "a gRPC status OK", "an uncomparable error", "NoError"} {
		err := everyKindOfError(t)[name]
		for restating, tt := range map[string]struct {
			err  error
			want *spb.Status
		}{
			"WithMessage":       {status.Convert(err).WithMessage("my words").Err(), testrpc.Carrying(t, codes.ServerInternal, "my words")},
			"WithMessage, Wrap": {status.Convert(err).WithMessage("my words").Wrap(err), testrpc.Carrying(t, codes.ServerInternal, "my words")},
			"WithMetadata":      {status.Convert(err).WithMetadata("mine", "v").Err(), testrpc.Canonical(t, grpccodes.Internal, testrpc.Carrying(t, codes.ServerInternal, "").Message, mine)},
			"WithDetails":       {status.Convert(err).WithDetails(testrpc.BadRequest()).Err(), testrpc.Carrying(t, codes.ServerInternal, "", testrpc.BadRequest())},
			"WithCode":          {status.Convert(err).WithCode(codes.SrvDatabase).Err(), testrpc.Carrying(t, codes.SrvDatabase, "")},
			"Wrap":              {status.Convert(err).Wrap(err), testrpc.Carrying(t, codes.ServerInternal, "")},
		} {
			svc.Return(testrpc.AtOpen, tt.err)
			for _, k := range replayed {
				got := testrpc.Answer(t, conn, k)
				if diff := cmp.Diff(tt.want, testrpc.Failure(t, got), protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s, %s: what is sent (-want +got):\n%s", name, restating, k.Name, diff)
				}
				if found := find(t, got, canary); found != "" {
					t.Errorf("%s, %s, %s: %s; want no private text", name, restating, k.Name, found)
				}
			}
		}
	}
}

// A status of this process keeps all that it has if it is restated.
func TestRestatedOwnStatusKeepsTheRest(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc)
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example", Metadata: map[string]string{"Odd": "v"}}
	own := grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.Aborted, "x", foreign, testrpc.BadRequest())).Err()
	carrying := testrpc.Carrying(t, codes.Args, "x", testrpc.BadRequest())
	carrying.Code = int32(grpccodes.Aborted) // of another table
	restate := func(err error) error { return status.Convert(err).WithMessage("my words").Wrap(err) }
	reworded := func(st *spb.Status) *spb.Status {
		st = proto.CloneOf(st)
		st.Message = "my words"
		return st
	}
	for name, tt := range map[string]struct {
		err  error
		want *spb.Status
	}{
		"a code":               {codes.RecordNotFound, testrpc.Carrying(t, codes.RecordNotFound, "my words")},
		"a Status":             {status.New(codes.Args, "x").WithDetails(testrpc.BadRequest()).Err(), testrpc.Carrying(t, codes.Args, "my words", testrpc.BadRequest())},
		"a gRPC status":        {own, testrpc.Canonical(t, grpccodes.Aborted, "my words", foreign, testrpc.BadRequest())},
		"a carrying status":    {grpcstatus.FromProto(carrying).Err(), reworded(carrying)},
		"a number with a row":  {grpcstatus.Error(1004, "x"), testrpc.Carrying(t, codes.RecordNotFound, "my words")},
		"encoded":              {new(status.Encoder).Encode(t.Context(), grpcstatus.FromProto(carrying).Err()).Err(), reworded(carrying)},
		"encoded uncoded":      {new(status.Encoder).Encode(t.Context(), own).Err(), testrpc.Canonical(t, grpccodes.Aborted, "my words", foreign, testrpc.BadRequest())},
		"encoded, other table": {new(status.Encoder).Encode(t.Context(), testrpc.PetRanAway).Err(), testrpc.Carrying(t, testrpc.PetRanAway, "my words")},
	} {
		svc.Return(testrpc.AtOpen, restate(tt.err))
		for _, k := range replayed {
			if diff := cmp.Diff(tt.want, testrpc.Failure(t, testrpc.Answer(t, conn, k)), protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: what is sent (-want +got):\n%s", name, k.Name, diff)
			}
		}
	}
}

// Only received private details are never sent: those of this process are, if the server is
// told to.
func TestRestatedOwnStatusKeepsItsPrivateDetails(t *testing.T) {
	debug := &errdetails.DebugInfo{Detail: "mine"}
	numeric := testrpc.Canonical(t, 1004, "x")
	numeric.Details = append(numeric.Details, openIMDetail("mine"))
	reworded := testrpc.Carrying(t, codes.RecordNotFound, "my words")
	reworded.Details = append(reworded.Details, openIMDetail("mine"))
	for name, tt := range map[string]struct {
		err  error
		want *spb.Status
	}{
		"DebugInfo of a gRPC status":      {grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.Aborted, "x", debug)).Err(), testrpc.Canonical(t, grpccodes.Aborted, "my words", debug)},
		"DebugInfo of a Status":           {status.New(codes.Args, "x").WithDetails(debug).Err(), testrpc.Carrying(t, codes.Args, "my words", debug)},
		"OpenIM's detail of a raw number": {grpcstatus.FromProto(numeric).Err(), reworded},
	} {
		conn := testrpc.DialWire(t, testrpc.Returning(status.Convert(tt.err).WithMessage("my words").Wrap(tt.err)), interceptor.WithDebugInfo())
		for _, k := range replayed {
			if diff := cmp.Diff(tt.want, testrpc.Failure(t, testrpc.Answer(t, conn, k)), protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: what is sent (-want +got):\n%s", name, k.Name, diff)
			}
		}
	}
}
