package e2e_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// Private text: the parts of a handler's error that the caller must not read.

// canary is in every private text of these tests.
const canary = "CANARY-5c1f"

// noVet begins a format that go vet doesn't check.
var noVet = ""

// canaryError returns the canary from every method that a logger may call.
type canaryError struct{ Field string }

func (e canaryError) Error() string        { return canary + e.Field }
func (e canaryError) String() string       { return canary }
func (e canaryError) LogValue() slog.Value { return slog.StringValue(canary) }
func (e canaryError) GoString() string     { return canary }

// canaries returns handlers' errors that contain the canary, and the canonical code that
// the caller gets for each.
func canaries(t testing.TB) map[string]struct {
	err  error
	want grpccodes.Code
} {
	t.Helper()
	private := canaryError{canary}
	debug := &errdetails.DebugInfo{StackEntries: []string{canary}, Detail: canary}
	upstream := func(trust status.Trust, st *status.Status) error {
		return (&status.Decoder{Trust: trust}).Decode(t.Context(), st.GRPCStatus().Err())
	}
	foreign := func(code grpccodes.Code) error {
		info := &errdetails.ErrorInfo{Reason: canary, Domain: "other.example", Metadata: map[string]string{"key": canary}}
		return new(status.Decoder).Decode(t.Context(), grpcstatus.FromProto(testrpc.Canonical(t, code, canary, info, badRequestOf(canary))).Err())
	}
	known := status.New(codes.RecordNotFound, canary).WithMetadata("key", canary).WithDetails(badRequestOf(canary), debug)
	uncoded := func(st *spb.Status) error {
		return new(status.Decoder).Decode(t.Context(), grpcstatus.FromProto(st).Err())
	}
	namesNoCode := &errdetails.ErrorInfo{Reason: "NEW_REASON", Domain: "openim.io", Metadata: map[string]string{"code": "1004", "key": canary}}
	assumed := (&status.Decoder{AssumeCodes: true}).Decode(t.Context(), grpcstatus.Error(grpccodes.Unavailable, canary))
	return map[string]struct {
		err  error
		want grpccodes.Code
	}{
		"a plain error":                             {private, grpccodes.Internal},
		"a plain error under %w":                    {fmt.Errorf(canary+": %w", private), grpccodes.Internal},
		"a cause":                                   {status.Wrap(private, codes.RecordNotFound, "no such user"), grpccodes.NotFound},
		"a cause of a cause":                        {status.Wrap(fmt.Errorf("loading: %w", private), codes.RecordNotFound, ""), grpccodes.NotFound},
		"a Status as a cause":                       {status.Wrap(status.Error(codes.Args, canary), codes.RecordNotFound, ""), grpccodes.NotFound},
		"a gRPC status as a cause":                  {status.Wrap(grpcstatus.Error(grpccodes.Aborted, canary), codes.RecordNotFound, ""), grpccodes.NotFound},
		"text around a code":                        {fmt.Errorf(canary+": %w "+canary, codes.RecordNotFound), grpccodes.NotFound},
		"text around a Status":                      {fmt.Errorf(canary+": %w", status.Error(codes.RecordNotFound, "x")), grpccodes.NotFound},
		"text around a gRPC status":                 {fmt.Errorf(canary+": %w", grpcstatus.Error(grpccodes.NotFound, "x")), grpccodes.NotFound},
		"joined before a code":                      {errors.Join(private, codes.RecordNotFound), grpccodes.NotFound},
		"joined after a code":                       {errors.Join(codes.RecordNotFound, private), grpccodes.NotFound},
		"joined after a gRPC status":                {errors.Join(grpcstatus.Error(grpccodes.NotFound, "x"), private), grpccodes.NotFound},
		"an error that a rule maps":                 {fmt.Errorf(canary+": %w", sql.ErrNoRows), grpccodes.NotFound},
		"NoError around a cause":                    {status.Wrap(private, codes.NoError, canary), grpccodes.Internal},
		"a status with code OK":                     {privateOK{canary}, grpccodes.Internal},
		"an error whose methods panic":              {canaryPanics{}, grpccodes.Internal},
		"DebugInfo":                                 {status.New(codes.RecordNotFound, "x").WithDetails(debug).Err(), grpccodes.NotFound},
		"DebugInfo of a gRPC status":                {grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.NotFound, "x", debug)).Err(), grpccodes.NotFound},
		"DebugInfo of an upstream, TrustKnown":      {upstream(status.TrustKnown, status.New(codes.RecordNotFound, "x").WithDetails(debug)), grpccodes.NotFound},
		"DebugInfo of an upstream, TrustAll":        {upstream(status.TrustAll, status.New(codes.RecordNotFound, "x").WithDetails(debug)), grpccodes.NotFound},
		"an upstream's code, TrustNone":             {upstream(status.TrustNone, status.New(codes.RecordNotFound, canary).WithMetadata("key", canary)), grpccodes.Internal},
		"text around an upstream's status":          {fmt.Errorf(canary+": %w", upstream(status.TrustKnown, status.New(codes.RecordNotFound, "x"))), grpccodes.NotFound},
		"an upstream's status of an unknown domain": {foreign(grpccodes.NotFound), grpccodes.Internal},
		"an upstream's UNAVAILABLE":                 {foreign(grpccodes.Unavailable), grpccodes.Unavailable},
		"an upstream's DEADLINE_EXCEEDED":           {foreign(grpccodes.DeadlineExceeded), grpccodes.DeadlineExceeded},
		"an upstream's status as a cause":           {status.Wrap(foreign(grpccodes.NotFound), codes.RecordNotFound, ""), grpccodes.NotFound},
		"context.DeadlineExceeded":                  {fmt.Errorf(canary+": %w", context.DeadlineExceeded), grpccodes.DeadlineExceeded},
		"a raw number without a row":                {grpcstatus.Error(777, canary), grpccodes.Internal},
		"a panic":                                   {panicking{canary}, grpccodes.Internal},
		"a panic with an error":                     {panicking{private}, grpccodes.Internal},
		"the detail of an OpenIM error":             {fmt.Errorf(canary+": %w", openIMError{1004, "x", canary}), grpccodes.NotFound},
		"an OpenIM error without a row":             {openIMError{777, canary, canary}, grpccodes.Internal},
		"%w in a format":                            {status.Errorf(codes.RecordNotFound, "user: %w", private), grpccodes.NotFound},
		"two %w":                                    {status.Errorf(codes.RecordNotFound, "%w: %w", private, private), grpccodes.NotFound},
		"%w alone":                                  {status.Errorf(codes.RecordNotFound, "%w", private), grpccodes.NotFound},
		"%w after a percent sign":                   {status.Errorf(codes.RecordNotFound, "100%% %w", private), grpccodes.NotFound},
		"%w in a malformed format":                  {status.Errorf(codes.RecordNotFound, noVet+"%w %", private), grpccodes.NotFound},
		"%w and an operand too many":                {status.Errorf(codes.RecordNotFound, noVet+"user: %w", private, private), grpccodes.NotFound},
		"%w in the middle of a format":              {status.Errorf(codes.RecordNotFound, "user %w %s", private, "ann"), grpccodes.NotFound},
		"%w that is no error":                       {status.Errorf(codes.RecordNotFound, noVet+"user: %w", canary), grpccodes.NotFound},
		"%w in the format of a Status":              {status.Newf(codes.RecordNotFound, "user: %w", private).Wrap(private), grpccodes.NotFound},
		"a plain error's Status as an error":        {status.Convert(private).Err(), grpccodes.Internal},
		"a plain error with metadata":               {status.Convert(private).WithMetadata("key", "x").Err(), grpccodes.Internal},
		"an upstream's Status, TrustNone":           {status.Convert(upstream(status.TrustNone, known)).Err(), grpccodes.Internal},
		"restated with a message, TrustNone":        {status.Convert(upstream(status.TrustNone, known)).WithMessage("x").Err(), grpccodes.NotFound},
		"restated with a detail, TrustNone":         {status.Convert(upstream(status.TrustNone, known)).WithDetails(testrpc.BadRequest()).Err(), grpccodes.NotFound},
		"restated with a code, TrustNone":           {status.Convert(upstream(status.TrustNone, known)).WithCode(codes.SrvUserIDNotFound).Err(), grpccodes.NotFound},
		"restated around its error, TrustNone":      {status.Convert(upstream(status.TrustNone, known)).Wrap(private), grpccodes.NotFound},
		"an unknown domain, with a message":         {status.Convert(foreign(grpccodes.NotFound)).WithMessage("x").Err(), grpccodes.NotFound},
		"an unknown domain, with a detail":          {status.Convert(foreign(grpccodes.Aborted)).WithDetails(testrpc.BadRequest()).Err(), grpccodes.Aborted},
		"an unknown domain, with a code":            {status.Convert(foreign(grpccodes.NotFound)).WithCode(codes.SrvUserIDNotFound).Err(), grpccodes.NotFound},
		"an ErrorInfo that names no code":           {uncoded(testrpc.Canonical(t, grpccodes.NotFound, canary, namesNoCode)), grpccodes.Internal},
		"an upstream's raw number without a row":    {uncoded(testrpc.Canonical(t, 2001, canary, badRequestOf(canary))), grpccodes.Internal},
		"an assumed UNAVAILABLE":                    {assumed, grpccodes.Unavailable},
		"an assumed UNAVAILABLE with a detail":      {status.Convert(assumed).WithDetails(testrpc.BadRequest()).Err(), grpccodes.Unavailable},
	}
}

type privateOK struct{ text string }

func (e privateOK) Error() string                  { return e.text }
func (e privateOK) GRPCStatus() *grpcstatus.Status { return grpcstatus.New(grpccodes.OK, e.text) }

type canaryPanics struct{}

func (canaryPanics) Error() string { panic(canary) }
func (canaryPanics) Unwrap() error { panic(canary) }

// panicking makes the handler panic with a value instead of returning an error.
type panicking struct{ value any }

func (panicking) Error() string { return "unused" }

func badRequestOf(text string) *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: text, Description: text}}}
}

// Private text is in no header, trailer or message. This is checked for every kind of
// call, at each moment, in the canonical and in the numeric form.
func TestPrivateTextIsNeverSent(t *testing.T) {
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways} {
		t.Run(mode.String(), func(t *testing.T) { checkNoCanary(t, interceptor.WithOpenIMForm(mode)) })
	}
}

func checkNoCanary(t *testing.T, mode interceptor.ServerOption) {
	var current error
	end := func(context.Context) error {
		if p, ok := current.(panicking); ok {
			panic(p.value)
		}
		return current
	}
	svc := testrpc.Returning(nil)
	handler := recovery.WithRecoveryHandler(status.Recovered)
	rule := interceptor.WithErrorMapping(sql.ErrNoRows, codes.RecordNotFound)
	conn := testrpc.DialWireWith(t, svc, append(interceptor.ServerOptions(rule, interceptor.WithRetryPushback(), interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail), mode),
		grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(handler)),
		grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(handler)),
	))
	for name, tt := range canaries(t) {
		current = tt.err
		for _, k := range testrpc.Kinds {
			for _, at := range []testrpc.Moment{testrpc.AtOpen, testrpc.AfterMessages} {
				if at == testrpc.AfterMessages && k.Success == nil {
					continue // this kind of call has no message before the error
				}
				svc.Run(at, end)
				got := testrpc.Answer(t, conn, k)
				if found := find(t, got, canary, "canaryError", "e2e_test"); found != "" {
					t.Errorf("%s, %s, %v: %s; want no private text", name, k.Name, at, found)
				}
				st, err := got.Trailers().Status()
				if read := status.FromGRPC(grpcstatus.FromProto(st)); err != nil || read.GRPCCode() != tt.want {
					t.Errorf("%s, %s, %v: the status is %v (%v); want canonical code %v", name, k.Name, at, st, err, tt.want)
				}
			}
		}
	}
}

// find searches an answer for the texts. It says where it found the first one, and returns
// an empty string if it found none.
func find(t testing.TB, got *wiretest.Answer, texts ...string) string {
	t.Helper()
	for _, text := range texts {
		for _, block := range got.Blocks {
			for _, field := range block {
				if strings.Contains(field.Name+field.Value, text) {
					return fmt.Sprintf("%q is in the header %s: %s", text, field.Name, field.Value)
				}
			}
			details, err := block.DetailsBin()
			if err != nil {
				t.Error(err)
			}
			if b, _ := proto.Marshal(details); strings.Contains(string(b), text) {
				return fmt.Sprintf("%q is in the details: %v", text, details)
			}
		}
		if strings.Contains(string(got.Body), text) {
			return fmt.Sprintf("%q is in a message: %q", text, got.Body)
		}
	}
	return ""
}

// A server that sends its own DebugInfo doesn't send an upstream's, whether the handler
// returns the upstream's error or restates it.
func TestReceivedDebugInfoIsNeverSent(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithDebugInfo())
	for _, trust := range trusts {
		for _, sent := range []*spb.Status{
			testrpc.Carrying(t, codes.RecordNotFound, "x", &errdetails.DebugInfo{Detail: canary}),
			testrpc.Canonical(t, grpccodes.NotFound, "x", &errdetails.DebugInfo{Detail: canary}),
		} {
			received := (&status.Decoder{Trust: trust}).Decode(t.Context(), grpcstatus.FromProto(sent).Err())
			for _, how := range forwardings {
				if how.plain || !how.received && !how.details {
					continue // a gRPC status counts as made in this process
				}
				svc.Return(testrpc.AtOpen, how.of(received))
				for _, k := range testrpc.Kinds {
					if found := find(t, testrpc.Answer(t, conn, k), canary); found != "" {
						t.Errorf("%v, %s, %s: %s; want no DebugInfo of the upstream", trust, how.name, k.Name, found)
					}
				}
			}
		}
	}
}

// A handler may copy an upstream's trailers into its own. The upstream's details are not
// sent if the handler's status has details, as each status that carries a code has. If it
// has none, gRPC sends the upstream's, and no interceptor can prevent that: see
// docs/guarantees.md.
func TestDetailsInCopiedTrailersAreNotSent(t *testing.T) {
	upstream, err := proto.Marshal(testrpc.Carrying(t, codes.TokenExpired, canary))
	if err != nil {
		t.Fatal(err)
	}
	for _, handlers := range []error{codes.RecordNotFound, status.Error(codes.Args, "x"), errors.New("x")} {
		svc := testrpc.Running(func(ctx context.Context) error {
			grpc.SetTrailer(ctx, metadata.Pairs("grpc-status-details-bin", string(upstream)))
			return handlers
		})
		got := testrpc.Answer(t, testrpc.DialWire(t, svc), testrpc.Unary)
		if found := find(t, got, canary); found != "" {
			t.Errorf("%v: %s; want no text of the upstream", handlers, found)
		}
		testrpc.Failure(t, got)
	}
}

// This is the control of TestPrivateTextIsNeverSent: without errstatus, find finds the
// canary.
func TestCanariesAreFoundWithoutTheInterceptor(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWireWith(t, svc, nil)
	for _, name := range []string{"a plain error", "text around a code", "joined after a code", "an upstream's status of an unknown domain", "DebugInfo of a gRPC status"} {
		svc.Return(testrpc.AtOpen, canaries(t)[name].err)
		if got := testrpc.Answer(t, conn, testrpc.Unary); find(t, got, canary) == "" {
			t.Errorf("%s: the answer is %.500v; want the canary in it", name, got)
		}
	}
}
