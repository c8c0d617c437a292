package errstatus_test

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
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// canary is in every place that must stay in the process.
const canary = "CANARY-5c1f"

// canaryError is a type with private text in all that a logger can ask it for.
type canaryError struct{ Field string }

func (e canaryError) Error() string        { return canary + e.Field }
func (e canaryError) String() string       { return canary }
func (e canaryError) LogValue() slog.Value { return slog.StringValue(canary) }
func (e canaryError) GoString() string     { return canary }

// canaries are what handlers return with something private in it, and the
// canonical code that the caller gets.
func canaries(t testing.TB) map[string]struct {
	err  error
	want grpccodes.Code
} {
	t.Helper()
	private := canaryError{canary}
	debug := &errdetails.DebugInfo{StackEntries: []string{canary}, Detail: canary}
	upstream := func(policy status.Trust, st *status.Status) error {
		return (&status.Decoder{Trust: policy}).Decode(t.Context(), st.GRPCStatus().Err())
	}
	foreign := func(code grpccodes.Code) error {
		info := &errdetails.ErrorInfo{Reason: canary, Domain: "other.example", Metadata: map[string]string{"key": canary}}
		return new(status.Decoder).Decode(t.Context(), grpcstatus.FromProto(canonical(t, code, canary, info, badRequestOf(canary))).Err())
	}
	return map[string]struct {
		err  error
		want grpccodes.Code
	}{
		"a plain error":                 {private, grpccodes.Internal},
		"a plain error under %w":        {fmt.Errorf(canary+": %w", private), grpccodes.Internal},
		"a cause":                       {status.Wrap(private, codes.RecordNotFound, "no such user"), grpccodes.NotFound},
		"a cause of a cause":            {status.Wrap(fmt.Errorf("loading: %w", private), codes.RecordNotFound, ""), grpccodes.NotFound},
		"a Status as a cause":           {status.Wrap(status.Error(codes.Args, canary), codes.RecordNotFound, ""), grpccodes.NotFound},
		"a gRPC status as a cause":      {status.Wrap(grpcstatus.Error(grpccodes.Aborted, canary), codes.RecordNotFound, ""), grpccodes.NotFound},
		"text around a code":            {fmt.Errorf(canary+": %w "+canary, codes.RecordNotFound), grpccodes.NotFound},
		"text around a Status":          {fmt.Errorf(canary+": %w", status.Error(codes.RecordNotFound, "x")), grpccodes.NotFound},
		"text around a gRPC status":     {fmt.Errorf(canary+": %w", grpcstatus.Error(grpccodes.NotFound, "x")), grpccodes.NotFound},
		"joined before a code":          {errors.Join(private, codes.RecordNotFound), grpccodes.NotFound},
		"joined after a code":           {errors.Join(codes.RecordNotFound, private), grpccodes.NotFound},
		"joined after a gRPC status":    {errors.Join(grpcstatus.Error(grpccodes.NotFound, "x"), private), grpccodes.NotFound},
		"a rule's error":                {fmt.Errorf(canary+": %w", sql.ErrNoRows), grpccodes.NotFound},
		"NoError around a cause":        {status.Wrap(private, codes.NoError, canary), grpccodes.Internal},
		"a status with code OK":         {privateOK{canary}, grpccodes.Internal},
		"a panicking method":            {canaryPanics{}, grpccodes.Internal},
		"DebugInfo":                     {status.New(codes.RecordNotFound, "x").WithDetails(debug).Err(), grpccodes.NotFound},
		"DebugInfo of a gRPC status":    {grpcstatus.FromProto(canonical(t, grpccodes.NotFound, "x", debug)).Err(), grpccodes.NotFound},
		"DebugInfo of a peer":           {upstream(status.TrustKnown, status.New(codes.RecordNotFound, "x").WithDetails(debug)), grpccodes.NotFound},
		"DebugInfo behind a proxy":      {upstream(status.TrustAll, status.New(codes.RecordNotFound, "x").WithDetails(debug)), grpccodes.NotFound},
		"a peer that isn't trusted":     {upstream(status.TrustNone, status.New(codes.RecordNotFound, canary).WithMetadata("key", canary)), grpccodes.Internal},
		"text around a peer's status":   {fmt.Errorf(canary+": %w", upstream(status.TrustKnown, status.New(codes.RecordNotFound, "x"))), grpccodes.NotFound},
		"an upstream status":            {foreign(grpccodes.NotFound), grpccodes.Internal},
		"an upstream UNAVAILABLE":       {foreign(grpccodes.Unavailable), grpccodes.Unavailable},
		"an upstream DEADLINE_EXCEEDED": {foreign(grpccodes.DeadlineExceeded), grpccodes.DeadlineExceeded},
		"an upstream status as a cause": {status.Wrap(foreign(grpccodes.NotFound), codes.RecordNotFound, ""), grpccodes.NotFound},
		"context.DeadlineExceeded":      {fmt.Errorf(canary+": %w", context.DeadlineExceeded), grpccodes.DeadlineExceeded},
		"a number of no table":          {grpcstatus.Error(777, canary), grpccodes.Internal},
		"a panic":                       {panicking{canary}, grpccodes.Internal},
		"a panic with an error":         {panicking{private}, grpccodes.Internal},
		"a CodeError's detail":          {fmt.Errorf(canary+": %w", openIMError{1004, "x", canary}), grpccodes.NotFound},
		"a CodeError of no table":       {openIMError{777, canary, canary}, grpccodes.Internal},
	}
}

type privateOK struct{ text string }

func (e privateOK) Error() string                  { return e.text }
func (e privateOK) GRPCStatus() *grpcstatus.Status { return grpcstatus.New(grpccodes.OK, e.text) }

type canaryPanics struct{}

func (canaryPanics) Error() string { panic(canary) }
func (canaryPanics) Unwrap() error { panic(canary) }

// panicking asks the service to panic instead.
type panicking struct{ value any }

func (panicking) Error() string { return "unused" }

func badRequestOf(text string) *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: text, Description: text}}}
}

// TestNothingPrivateGetsOut: what is private is in no byte of any header, trailer
// or message, in any kind of call at any moment, in both forms.
func TestNothingPrivateGetsOut(t *testing.T) {
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways} {
		t.Run(mode.String(), func(t *testing.T) { checkNothingPrivateGetsOut(t, interceptor.WithOpenIMForm(mode)) })
	}
}

func checkNothingPrivateGetsOut(t *testing.T, mode interceptor.ServerOption) {
	var current error
	svc := running(func(context.Context) error {
		if p, ok := current.(panicking); ok {
			panic(p.value)
		}
		return current
	})
	end := svc.script.Load().end
	handler := recovery.WithRecoveryHandler(interceptor.RecoveryHandler)
	rule := interceptor.WithErrorMapping(sql.ErrNoRows, codes.RecordNotFound)
	conn := dialWireOf(t, svc, append(interceptor.ServerOptions(rule, interceptor.WithRetryPushback(), interceptor.AdaptCodeErrors(), mode),
		grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(handler)),
		grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(handler)),
	))
	for name, tt := range canaries(t) {
		current = tt.err
		for _, k := range kinds {
			for _, at := range []moment{atOpen, afterMessages} {
				if at == afterMessages && k.success == nil {
					continue // the answer has no message before its end
				}
				svc.script.Store(&script{at, end})
				got := answer(t, conn, k, "")
				if found := find(t, got, canary, "canaryError", "errstatus_test"); found != "" {
					t.Errorf("%s, %s, %v: %s", name, k.name, at, found)
				}
				st, err := got.Trailers().Status()
				if read := status.FromGRPC(grpcstatus.FromProto(st)); err != nil || read.GRPCCode() != tt.want {
					t.Errorf("%s, %s, %v: %v, %v; want %v", name, k.name, at, st, err, tt.want)
				}
			}
		}
	}
}

// find looks for texts in all bytes of an answer, and tells where one is.
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

// TestForwardedTrailers: a handler that copies an upstream's trailers into its own
// doesn't get its details over those of an error that states a code, or whose text
// is withheld. Beside a status without details gRPC itself sends them, which no
// interceptor can undo: see docs/guarantees.md.
func TestForwardedTrailers(t *testing.T) {
	upstream, err := proto.Marshal(stated(t, codes.TokenExpired, canary))
	if err != nil {
		t.Fatal(err)
	}
	for _, handlers := range []error{codes.RecordNotFound, status.Error(codes.Args, "x"), errors.New("x")} {
		svc := running(func(ctx context.Context) error {
			grpc.SetTrailer(ctx, metadata.Pairs("grpc-status-details-bin", string(upstream)))
			return handlers
		})
		got := answer(t, dialWire(t, svc), kinds[0], "")
		if found := find(t, got, canary); found != "" {
			t.Errorf("%v: %s", handlers, found)
		}
		failure(t, got)
	}
}

// TestCanariesWouldBeFound on a server without errstatus.
func TestCanariesWouldBeFound(t *testing.T) {
	svc := returning(nil)
	conn := dialWireOf(t, svc, nil)
	for _, name := range []string{"a plain error", "text around a code", "joined after a code", "an upstream status", "DebugInfo of a gRPC status"} {
		svc.end(atOpen, canaries(t)[name].err)
		if got := answer(t, conn, kinds[0], ""); find(t, got, canary) == "" {
			t.Errorf("%s: %.500v; want the canary in it", name, got)
		}
	}
}
