package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// received returns an error as the client interceptor returns it.
func received(t *testing.T, code grpccodes.Code, message string, details ...proto.Message) error {
	t.Helper()
	return new(status.Decoder).Decode(t.Context(), grpcError(t, code, message, details...))
}

var errNoRows = errors.New("sql: no rows")

// secret is in every private text. No status that is sent may contain it.
const secret = "CANARY"

// TestEncode checks what is sent for each kind of error, in the order of the rows of
// [status.Encoder.Encode]. Where an error matches two rows, the first decides.
func TestEncode(t *testing.T) {
	private := errors.New(secret)
	live := t.Context()
	cancelled, cancel := context.WithCancel(live)
	cancel()
	late, cancelLate := context.WithTimeout(live, 0)
	defer cancelLate()

	encoder := &status.Encoder{Rules: []status.Rule{
		{Target: errNoRows, Code: nilTableCode(3)}, // never: the code has no table
		{Target: errNoRows, Code: codes.RecordNotFound},
		{Func: func(_ context.Context, err error) *status.Status {
			if strings.HasPrefix(err.Error(), "quota") {
				return status.New(codes.SrvConnOverMaxNumLimit, "")
			}
			return nil
		}},
		{Target: codes.SrvMutedGroup, Code: codes.Args}, // never: a code in the error decides first, and rules don't look into received errors
		{Target: errNoRows, Code: codes.Args},           // never: an earlier rule matches
		{Func: func(context.Context, error) *status.Status { return status.New(codes.NoError, "") }},
	}}
	encoded := encoder.Encode(live, codes.TokenExpired).Err()
	ourInfo := info("openim.io", "SRV_MUTED_GROUP", "1403")

	tests := []struct {
		name    string
		ctx     context.Context // nil: alive
		err     error
		source  status.Source
		grpc    grpccodes.Code
		message string
		code    codes.Code // nil if no code is carried
	}{
		{name: "encoded before", err: encoded, source: status.SourceEncoded, grpc: grpccodes.Unauthenticated, message: "token has expired", code: codes.TokenExpired},
		{name: "encoded before, then wrapped", err: fmt.Errorf(secret+": %w", encoded), source: status.SourceEncoded, grpc: grpccodes.Unauthenticated, message: "token has expired", code: codes.TokenExpired},

		{name: "code", err: codes.Args, source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code under %w", err: fmt.Errorf(secret+": %w", codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code in Join", err: errors.Join(private, codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "Status", err: status.Error(codes.Args, "no name"), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "no name", code: codes.Args},
		{name: "Status with a cause, wrapped", err: fmt.Errorf(secret+": %w", status.Wrap(private, codes.Args, "no name")), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "no name", code: codes.Args},
		{name: "code, while a rule matches", err: errors.Join(errNoRows, codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code, while the context has ended", ctx: cancelled, err: errors.Join(context.Canceled, codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code with a received error as cause", err: status.Wrap(received(t, grpccodes.NotFound, secret), codes.SrvData, "odd"), source: status.SourceCode, grpc: grpccodes.Internal, message: "odd", code: codes.SrvData},
		{name: "code after a received error in Join", err: errors.Join(received(t, grpccodes.NotFound, secret, ourInfo), codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code after a gRPC status in Join", err: errors.Join(grpcError(t, grpccodes.Aborted, secret), codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code with a hostile error as cause", err: status.Wrap(&panics{secret}, codes.Args, ""), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},

		{name: "rule by target", err: fmt.Errorf(secret+": %w", errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},
		{name: "rule by function", err: errors.New("quota of " + secret), source: status.SourceRule, grpc: grpccodes.ResourceExhausted, message: "too many connections", code: codes.SrvConnOverMaxNumLimit},
		{name: "rule, while there is a gRPC status", err: errors.Join(grpcError(t, grpccodes.Aborted, secret), errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},
		{name: "rule, while the context has ended", ctx: cancelled, err: errors.Join(context.Canceled, errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},

		{name: "cancelled", ctx: cancelled, err: context.Canceled, source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "cancelled, while the error is a deadline", ctx: cancelled, err: fmt.Errorf(secret+": %w", context.DeadlineExceeded), source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "deadline passed", ctx: late, err: context.DeadlineExceeded, source: status.SourceContext, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "deadline passed, while a gRPC status says cancelled", ctx: late, err: grpcError(t, grpccodes.Canceled, secret), source: status.SourceContext, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "deadline passed, while upstream says the same", ctx: late, err: received(t, grpccodes.DeadlineExceeded, secret), source: status.SourceContext, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "deadline, while the context is alive", err: fmt.Errorf(secret+": %w", context.DeadlineExceeded), source: status.SourceDeadline, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "an error whose Is method matches a deadline", err: isDeadline{}, source: status.SourceDeadline, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "cancellation, while the context is alive", err: context.Canceled, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "plain error, while the context has ended", ctx: cancelled, err: private, source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},

		{name: "trust known, known domain", err: fmt.Errorf(secret+": %w", received(t, grpccodes.Aborted, "muted", ourInfo)), source: status.SourceForwarded, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "trust known, raw number", err: received(t, 1403, "muted"), source: status.SourceForwarded, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "trust known, no ErrorInfo", err: received(t, grpccodes.NotFound, secret), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "trust known, unknown domain", err: received(t, grpccodes.NotFound, secret, info("a.example", "A_B_C", "")), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "trust known, UNAVAILABLE without ErrorInfo", err: received(t, grpccodes.Unavailable, secret), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "trust known, DEADLINE_EXCEEDED without ErrorInfo", err: received(t, grpccodes.DeadlineExceeded, secret), source: status.SourceUpstream, grpc: grpccodes.DeadlineExceeded, message: "an upstream service did not answer in time"},

		{name: "trust none, known domain", err: receivedWith(t, status.TrustNone, grpccodes.Aborted, secret, ourInfo), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "trust none, raw number", err: receivedWith(t, status.TrustNone, 1403, secret), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "trust none, UNAVAILABLE of a known domain", err: receivedWith(t, status.TrustNone, grpccodes.Unavailable, secret, ourInfo), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "trust all, known domain", err: receivedWith(t, status.TrustAll, grpccodes.Aborted, "muted", ourInfo), source: status.SourceForwarded, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "trust all, no ErrorInfo", err: receivedWith(t, status.TrustAll, grpccodes.NotFound, "gone"), source: status.SourceForwarded, grpc: grpccodes.NotFound, message: "gone"},
		{name: "trust all, raw number", err: receivedWith(t, status.TrustAll, 1403, "muted"), source: status.SourceForwarded, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "trust all, raw number over int32", err: receivedWith(t, status.TrustAll, 1<<31, "x"), source: status.SourceForwarded, grpc: grpccodes.Unknown, message: "x"},
		{name: "trust none, as cause of a code", err: status.Wrap(receivedWith(t, status.TrustNone, grpccodes.Aborted, secret, ourInfo), codes.Args, "x"), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "x", code: codes.Args},

		{name: "gRPC status", err: grpcError(t, grpccodes.Aborted, "again"), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "gRPC status, wrapped", err: fmt.Errorf(secret+": %w", grpcError(t, grpccodes.Aborted, "again")), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "first of two gRPC statuses", err: errors.Join(grpcError(t, grpccodes.Aborted, "again"), grpcError(t, grpccodes.NotFound, secret)), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "raw number", err: grpcError(t, 1403, "muted"), source: status.SourceNumber, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "raw number, with our ErrorInfo", err: grpcError(t, 1403, "muted", ourInfo), source: status.SourceNumber, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "gRPC status with our ErrorInfo", err: grpcError(t, grpccodes.Aborted, "muted", ourInfo), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "gRPC status, with too many errors after it", err: errors.Join(grpcError(t, grpccodes.Aborted, "again"), wide(1200)), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "rule by target, with a loop before it", err: errors.Join(loop{}, errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},
		{name: "raw number without a row", err: grpcError(t, 1499, secret), source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "raw number over int32, with an ErrorInfo that names no code", err: grpcError(t, 1<<32-1, secret, info("openim.io", "NEVER_HEARD", "")), source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "raw number over int32", err: grpcError(t, 1<<31, secret), source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},

		{name: "Err of a received Status without a code", err: status.Convert(received(t, grpccodes.FailedPrecondition, secret)).Err(), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "received Status without a code, restated with details and a cause", err: status.Convert(received(t, grpccodes.FailedPrecondition, secret)).WithDetails(badRequest("x")).Wrap(private), source: status.SourceCode, grpc: grpccodes.FailedPrecondition, message: "an upstream service failed"},
		{name: "received Status without a code, restated with a message", err: status.Convert(received(t, grpccodes.FailedPrecondition, secret)).WithMessage("calling b").Err(), source: status.SourceCode, grpc: grpccodes.FailedPrecondition, message: "calling b"},
		{name: "received Status without a code, restated with a code as cause", err: status.Convert(received(t, grpccodes.FailedPrecondition, secret)).Wrap(codes.Args), source: status.SourceCode, grpc: grpccodes.FailedPrecondition, message: "an upstream service failed"},
		{name: "Err of a received Status that carries a code", err: status.Convert(received(t, grpccodes.Aborted, "muted", ourInfo)).Err(), source: status.SourceForwarded, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "first of two received errors", err: errors.Join(received(t, grpccodes.Unavailable, secret), received(t, grpccodes.NotFound, secret)), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "received error after a gRPC status", err: errors.Join(grpcError(t, grpccodes.Aborted, secret), received(t, grpccodes.Unavailable, secret)), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "deadline, before a received error", err: errors.Join(context.DeadlineExceeded, received(t, grpccodes.NotFound, secret)), source: status.SourceDeadline, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "cancelled, with a plain error after it", ctx: cancelled, err: errors.Join(context.Canceled, private), source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "cancelled, with CANCELLED in the second of two gRPC statuses", ctx: cancelled, err: errors.Join(grpcError(t, grpccodes.NotFound, secret), grpcError(t, grpccodes.Canceled, secret)), source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "received error whose code is the target of a rule", err: received(t, grpccodes.Aborted, "muted", ourInfo, info("a.example", "A_B_C", "")), source: status.SourceForwarded, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},

		{name: "panic", err: fmt.Errorf("handler: %w", status.Recovered(secret)), source: status.SourcePanic, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "panic with a code", err: status.Recovered(codes.Args), source: status.SourcePanic, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "panic, with a code after it", err: errors.Join(status.Recovered(secret), codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},

		{name: "plain error", err: private, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "io.EOF", err: io.EOF, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "NoError", err: codes.NoError, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "gRPC status with code OK", err: okStatus{grpcstatus.New(grpccodes.OK, secret)}, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "nil gRPC status", err: okStatus{}, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx := tt.ctx
			if ctx == nil {
				ctx = live
			}
			got := encoder.Encode(ctx, tt.err)
			if got.Source() != tt.source || got.Status().Code() != tt.grpc || got.Status().Message() != tt.message || got.Code() != tt.code {
				t.Errorf("Encode() = source %v, %v, code %v; want %v, %v %q, %v", got.Source(), got.Status(), got.Code(), tt.source, tt.grpc, tt.message, tt.code)
			}
			if got.Source().Withheld() != (tt.source == status.SourceUpstream || tt.source == status.SourceUnknown || tt.source == status.SourcePanic) {
				t.Errorf("Withheld() = %t for source %v; want %t", got.Source().Withheld(), got.Source(), !got.Source().Withheld())
			}
			checkErrorInfo(t, got, tt.code)
			if strings.Contains(fmt.Sprint(got.Status().Proto()), secret) {
				t.Errorf("Encode() = %v; want no private text", got.Status())
			}
			checkEncodedError(t, got, tt.err)
		})
	}
}

// checkErrorInfo checks that a status that carries a code has one ErrorInfo, which names the
// code, and that any other status has none.
func checkErrorInfo(t *testing.T, got status.Encoded, want codes.Code) {
	t.Helper()
	var reasons []string
	for _, d := range got.Status().Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok {
			reasons = append(reasons, i.GetReason())
		}
	}
	switch {
	case want == nil && len(reasons) > 0:
		t.Errorf("ErrorInfo %v in a status that carries no code; want none", reasons)
	case want != nil:
		row, _ := want.Table().Lookup(want.Number())
		if len(reasons) != 1 || reasons[0] != row.Reason {
			t.Errorf("ErrorInfo with reasons %v; want one with %s", reasons, row.Reason)
		}
	}
}

// checkEncodedError checks the error that is given to gRPC. It prints only the public
// message, unwraps to the handler's error, and stays the same if it is encoded again.
func checkEncodedError(t *testing.T, got status.Encoded, original error) {
	t.Helper()
	err := got.Err()
	if err.Error() != got.Status().Message() || grpcstatus.Convert(err) != got.Status() {
		t.Errorf("Err() = %q with %v; want the public message and the status", err, grpcstatus.Convert(err))
	}
	if errors.Is(err, original) == got.Broken() {
		t.Errorf("errors.Is(Err(), %v) = %t; want the opposite of Broken()", original, got.Broken())
	}
	if got.Code() != nil && (!errors.Is(err, got.Code()) || status.Code(err) != got.Code()) {
		t.Errorf("Code(Err()) = %v; want %v, and errors.Is to find it", status.Code(err), got.Code())
	}
	if again := new(status.Encoder).Encode(context.Background(), err); again.Status() != got.Status() || again.Err() != err {
		t.Errorf("Encode(Err()) = %v, %v; want the same again", again.Status(), again.Err())
	}
}

// An okStatus is an error whose gRPC status is OK or nil.
type okStatus struct{ st *grpcstatus.Status }

func (okStatus) Error() string                    { return secret }
func (s okStatus) GRPCStatus() *grpcstatus.Status { return s.st }

// An isDeadline is an error that errors.Is takes for context.DeadlineExceeded.
type isDeadline struct{}

func (isDeadline) Error() string        { return secret }
func (isDeadline) Is(target error) bool { return target == context.DeadlineExceeded }

// TestEncodeNil checks that nil is success in both directions.
func TestEncodeNil(t *testing.T) {
	if got := new(status.Encoder).Encode(t.Context(), nil); !reflect.DeepEqual(got, status.Encoded{}) || got.Err() != nil || got.Broken() {
		t.Errorf("Encode(nil) = %+v, error %v; want the zero Encoded and nil", got, got.Err())
	}
	if got := status.ToGRPC(nil); got != nil {
		t.Errorf("ToGRPC(nil) = %v; want nil", got)
	}
	if got := status.FromGRPC(nil); got != nil {
		t.Errorf("FromGRPC(nil) = %v; want nil", got)
	}
}

// TestCauseOfReceivedStatusIsPrivate checks that a cause given to Wrap of a received Status
// is neither sent nor printed by Error.
func TestCauseOfReceivedStatusIsPrivate(t *testing.T) {
	const carried, bare = "RecordNotFound: gone", "rpc error: code = NotFound desc = gone"
	for name, tt := range map[string]struct {
		st   *status.Status
		text string
	}{
		"received": {status.Convert(received(t, grpccodes.NotFound, "gone", info("openim.io", "RECORD_NOT_FOUND", "1004"))), carried},
		"bare":     {status.Convert(received(t, grpccodes.NotFound, "gone")), bare},
		"encoded":  {status.Convert(encodeError(status.Error(codes.RecordNotFound, "gone"))), carried},
	} {
		err := tt.st.Wrap(errors.New(secret))
		if err.Error() != tt.text || strings.Contains(fmt.Sprint(status.ToGRPC(err).Proto()), secret) {
			t.Errorf("%s: Error() = %q, sent as %v; want %q and no private text", name, err, status.ToGRPC(err), tt.text)
		}
		if errors.Is(err, codes.RecordNotFound) != (tt.text == carried) || !strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("%s: error %+v; want its cause, and its code if it carries one", name, err)
		}
	}
}

// TestInvalidTypeURL checks that a type URL that is not UTF-8 doesn't affect the other
// details.
func TestInvalidTypeURL(t *testing.T) {
	bad := &anypb.Any{TypeUrl: "type.example/x.\xff", Value: []byte("x")}
	p := grpcstatus.New(grpccodes.Aborted, "again").Proto()
	p.Details = []*anypb.Any{bad, packed(t, badRequest("name"))}
	for name, err := range map[string]error{
		"a Status":      status.New(codes.Args, "bad").WithDetails(bad, badRequest("name")).Err(),
		"a gRPC status": grpcstatus.FromProto(p).Err(),
	} {
		sent := status.ToGRPC(err)
		if _, err := proto.Marshal(sent.Proto()); err != nil {
			t.Errorf("%s: Marshal() = %v; want nil", name, err)
		}
		if _, ok := status.Detail[*errdetails.BadRequest](sent.Err()); !ok {
			t.Errorf("%s: sent as %v; want the BadRequest too", name, sent)
		}
	}
}

// TestForwardedErrorInfo checks that the ErrorInfo that carries the code is forwarded first,
// and that other ErrorInfos are dropped.
func TestForwardedErrorInfo(t *testing.T) {
	known := info("openim.io", "TOKEN_KICKED", "1506")
	broken := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte{0xff}}
	p := grpcstatus.New(grpccodes.Unauthenticated, "kicked").Proto()
	p.Details = []*anypb.Any{broken, packed(t, info("a.example", "A_B_C", "")), packed(t, known), packed(t, badRequest("name"))}
	undecoded := grpcstatus.FromProto(p).Err()
	for name, err := range map[string]error{
		"received":  new(status.Decoder).Decode(t.Context(), undecoded),
		"undecoded": undecoded,
	} {
		got := status.FromGRPC(status.ToGRPC(err))
		want := []proto.Message{known, badRequest("name")}
		if diff := cmp.Diff(want, got.Details(), protocmp.Transform()); diff != "" || got.Code() != codes.Code(codes.TokenKicked) {
			t.Errorf("%s: forwarded as %v, with details (-want +got):\n%s", name, got, diff)
		}
	}
}

// packed returns message in an Any.
func packed(t *testing.T, message proto.Message) *anypb.Any {
	t.Helper()
	p, err := anypb.New(message)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEncodeBeyondLimits checks that an error that wraps too much isn't passed to a rule's
// function, and that the encoded error doesn't unwrap to it.
func TestEncodeBeyondLimits(t *testing.T) {
	encoder := &status.Encoder{Rules: []status.Rule{{Func: func(context.Context, error) *status.Status {
		t.Error("the rule's function was called; want no call")
		return status.New(codes.Args, "")
	}}}}
	for name, err := range map[string]error{
		"nothing found": errors.Join(loop{}, errNoRows),
		"a gRPC status": errors.Join(loop{}, grpcError(t, grpccodes.Aborted, "again")),
		"a code":        errors.Join(codes.Args, loop{}),
		"a Status":      status.Wrap(loop{}, codes.Args, "bad"),
	} {
		got := encoder.Encode(t.Context(), err)
		if !got.Broken() || errors.Is(got.Err(), err) {
			t.Errorf("%s: Broken() = %t, errors.Is(Err(), err) = %t; want true, false", name, got.Broken(), errors.Is(got.Err(), err))
		}
		if got.Code() != nil && !errors.Is(got.Err(), got.Code()) {
			t.Errorf("%s: errors.Is(Err(), %v) = false; want true", name, got.Code())
		}
	}
}

// TestEncodeHostileErrors checks that an error whose methods panic or never end is sent as
// the INTERNAL default. The encoded error doesn't unwrap to it, so that its methods don't
// run again.
func TestEncodeHostileErrors(t *testing.T) {
	rules := []status.Rule{{Target: errNoRows, Code: codes.RecordNotFound}}
	for _, err := range append(panicking, loop{}, wide(1_000_000), deep(1000)) {
		got := (&status.Encoder{Rules: rules}).Encode(t.Context(), err)
		if !got.Broken() || got.Code() != codes.Code(codes.ServerInternal) || got.Status().Code() != grpccodes.Internal {
			t.Errorf("Encode(%T) = %+v; want broken, ServerInternal", err, got)
		}
		if chain := got.Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 1 || chain[0] != error(codes.ServerInternal) {
			t.Errorf("Encode(%T).Err() unwraps to %T; want only the code", err, chain)
		}
	}
	rule := &status.Encoder{Rules: []status.Rule{{Func: func(context.Context, error) *status.Status { panic(secret) }}}}
	if got := rule.Encode(t.Context(), errNoRows); got.Status().Code() != grpccodes.Internal || got.Panic().Value != secret || !errors.Is(got.Err(), errNoRows) {
		t.Errorf("Encode() = %v, panic %v with a rule that panics; want INTERNAL, the value of the panic, and an error that unwraps to the handler's", got.Status(), got.Panic())
	}
}

// TestHostileErrorBesideCode checks that a code before a hostile error decides, and that the
// encoded error unwraps only to the code.
func TestHostileErrorBesideCode(t *testing.T) {
	for _, hostile := range panicking {
		for name, err := range map[string]error{
			"after a code":                errors.Join(codes.Args, hostile),
			"as cause of a code":          status.Wrap(hostile, codes.Args, ""),
			"deep in the cause of a code": status.Wrap(fmt.Errorf("%w", errors.Join(errNoRows, hostile)), codes.Args, ""),
		} {
			got := new(status.Encoder).Encode(t.Context(), err)
			if got.Code() != codes.Code(codes.Args) || got.Source() != status.SourceCode {
				t.Errorf("%T %s: Encode() = %v from %v; want Args from the code", hostile, name, got.Code(), got.Source())
			}
			if chain := got.Err().(interface{ Unwrap() []error }).Unwrap(); !got.Broken() || len(chain) != 1 {
				t.Errorf("%T %s: Broken() = %t, Err() unwraps to %d errors; want true, 1", hostile, name, got.Broken(), len(chain))
			}
		}
	}
	// A method that panics before a code is found ends the search.
	for _, err := range []error{
		errors.Join(panicsInUnwrap{}, codes.Args),
		errors.Join(grpcstatus.Error(grpccodes.NotFound, "x"), panicsInUnwrap{}),
	} {
		if got := status.ToGRPC(err); got.Code() != grpccodes.Internal {
			t.Errorf("ToGRPC(%T) = %v; want INTERNAL", err, got)
		}
		if got := status.Code(err); got != codes.Code(codes.SdkUnknownCode) {
			t.Errorf("Code(%T) = %v; want SdkUnknownCode", err, got)
		}
	}
}

// panicking has an error for each method that can panic.
var panicking = []error{
	(*nilPanics)(nil), (*codes.ErrorCode)(nil),
	panicsInError{}, panicsInIs{}, panicsInAs{}, panicsInUnwrap{}, panicsInUnwraps{}, panicsInGRPCStatus{},
}

type (
	nilPanics          struct{ text string }
	panicsInError      struct{}
	panicsInIs         struct{ secretText }
	panicsInAs         struct{ secretText }
	panicsInUnwrap     struct{ secretText }
	panicsInUnwraps    struct{ secretText }
	panicsInGRPCStatus struct{ secretText }
	secretText         struct{}
)

func (secretText) Error() string                          { return secret }
func (e *nilPanics) Error() string                        { return e.text }
func (panicsInError) Error() string                       { panic(secret) }
func (panicsInIs) Is(error) bool                          { panic(secret) }
func (panicsInAs) As(any) bool                            { panic(secret) }
func (panicsInUnwrap) Unwrap() error                      { panic(secret) }
func (panicsInUnwraps) Unwrap() []error                   { panic(secret) }
func (panicsInGRPCStatus) GRPCStatus() *grpcstatus.Status { panic(secret) }

// TestDebugInfo checks that DebugInfo is sent only with Encoder.DebugInfo, and that a
// received one is never sent.
func TestDebugInfo(t *testing.T) {
	debug := &errdetails.DebugInfo{Detail: secret}
	for name, err := range map[string]error{
		"a Status":      status.New(codes.Args, "bad").WithDetails(debug, badRequest("name")).Err(),
		"a gRPC status": grpcError(t, grpccodes.Aborted, "again", debug, badRequest("name")),
		"trust known":   received(t, grpccodes.Aborted, "again", info("openim.io", "ARGS", "1001"), debug, badRequest("name")),
		"trust all":     receivedWith(t, status.TrustAll, grpccodes.Aborted, "again", debug, badRequest("name")),
	} {
		if got := status.ToGRPC(err); strings.Contains(fmt.Sprint(got.Proto()), "DebugInfo") {
			t.Errorf("%s: ToGRPC() = %v; want no DebugInfo", name, got)
		}
		got := (&status.Encoder{DebugInfo: true}).Encode(t.Context(), err)
		sent, _ := status.Detail[*errdetails.DebugInfo](got.Status().Err())
		if local := got.Source() != status.SourceForwarded; (sent.GetDetail() == secret) != local {
			t.Errorf("%s: Encode() = %v with Encoder.DebugInfo; want DebugInfo: %t", name, got.Status(), local)
		}
		if _, ok := status.Detail[*errdetails.BadRequest](got.Status().Err()); !ok {
			t.Errorf("%s: sent as %v; want the BadRequest too", name, got.Status())
		}
	}
}

// TestDetailTypeIsSentOnce checks that the second detail of a type is dropped from a gRPC
// status.
func TestDetailTypeIsSentOnce(t *testing.T) {
	got := status.ToGRPC(grpcError(t, grpccodes.InvalidArgument, "bad", badRequest("first"), &errdetails.Help{}, badRequest("second")))
	if br, _ := status.Detail[*errdetails.BadRequest](got.Err()); len(got.Details()) != 2 || br.GetFieldViolations()[0].GetField() != "first" {
		t.Errorf("ToGRPC() = details %v; want the first of each type", got.Details())
	}
}

// TestEncoderTables checks that the tables of an Encoder decide what is sent for the codes of
// their domains, and that GRPCStatus still uses the code's own table.
func TestEncoderTables(t *testing.T) {
	renamed, _ := codes.Default().Lookup(codes.Args.Number())
	renamed.Reason = "BAD_ARGS"
	other, err := codes.Default().WithRows(renamed)
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Code((&status.Encoder{Tables: []*codes.Table{other}}).Encode(t.Context(), codes.Args).Err()); got != codes.Code(codes.Args) {
		t.Errorf("Code() = %v for a reason that the default table doesn't have; want Args", got)
	}

	row, _ := codes.Default().Lookup(codes.SrvCallback.Number())
	row.GRPCCode, row.Message = grpccodes.Aborted, "the webhook said no"
	table, err := codes.Default().WithRows(row)
	if err != nil {
		t.Fatal(err)
	}
	encoder := &status.Encoder{Tables: []*codes.Table{table}}
	sentinel := status.Error(codes.SrvCallback, "no")
	_ = status.ToGRPC(sentinel) // caches what the code's own table says
	for _, tt := range []struct {
		err     error
		message string
	}{
		{codes.SrvCallback, "the webhook said no"},
		{status.Error(codes.SrvCallback, ""), "the webhook said no"},
		{sentinel, "no"},
		{status.New(codes.SrvCallback, "no").WithMetadata("k1", "v").Err(), "no"},
	} {
		if got := encoder.Encode(t.Context(), tt.err).Status(); got.Code() != grpccodes.Aborted || got.Message() != tt.message {
			t.Errorf("Encode(%v) = %v; want ABORTED, %q", tt.err, got, tt.message)
		}
		if got := grpcstatus.Code(tt.err); got != grpccodes.FailedPrecondition {
			t.Errorf("grpcstatus.Code(%v) = %v; want FAILED_PRECONDITION, from its own table", tt.err, got)
		}
	}
	if got := encoder.Encode(t.Context(), codes.Args).Status().Code(); got != grpccodes.InvalidArgument {
		t.Errorf("Encode() = %v for a row that is not replaced; want INVALID_ARGUMENT", got)
	}

	added, err := codes.Default().WithRows(codes.Row{Code: codes.ErrorCode(2000), Reason: "SRV_ADDED", GRPCCode: grpccodes.Aborted, Message: "added"})
	if err != nil {
		t.Fatal(err)
	}
	number := grpcstatus.Error(2000, "as OpenIM does")
	if got := (&status.Encoder{Tables: []*codes.Table{added}}).Encode(t.Context(), number); got.Source() != status.SourceNumber || got.Status().Code() != grpccodes.Aborted {
		t.Errorf("Encode() = %v, source %v for a raw number that only the given table has; want ABORTED, number", got.Status(), got.Source())
	}

	smallCode, err := codes.NewTable("openim.io",
		codes.Row{Code: codes.ServerInternal, Reason: "SERVER_INTERNAL", GRPCCode: grpccodes.Internal, Message: "x", Default: true},
		codes.Row{Code: codes.SdkUnknownCode, Reason: "SDK_UNKNOWN_CODE", GRPCCode: grpccodes.Unknown, Message: "x", Default: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := (&status.Encoder{Tables: []*codes.Table{smallCode}}).Encode(t.Context(), codes.Args).Status(); got.Code() != grpccodes.InvalidArgument {
		t.Errorf("Encode() = %v for a code without a row in the given table; want INVALID_ARGUMENT, from its own table", got)
	}
}

// receivedWith returns an error that was received over a connection with the given trust.
func receivedWith(t *testing.T, trust status.Trust, code grpccodes.Code, message string, details ...proto.Message) error {
	t.Helper()
	return (&status.Decoder{Trust: trust}).Decode(t.Context(), grpcError(t, code, message, details...))
}

// restated returns the error of a received Status that carries no code, with a message of
// this process.
func restated(c grpccodes.Code) error {
	return status.FromGRPC(grpcstatus.New(c, secret)).WithMessage("restated").Err()
}

// TestFirstErrorDecides checks that the first of several statuses or panics in an error
// decides, and that Decode returns an error with a code or a decoded status unchanged.
func TestFirstErrorDecides(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	g := grpcstatus.Error(grpccodes.NotFound, "grpc")
	rec := decoded(grpcstatus.Error(grpccodes.Unavailable, "up"))
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		src  status.Source
		code grpccodes.Code
	}{
		{"restated DEADLINE_EXCEEDED, after the context has ended", cancelled, restated(grpccodes.DeadlineExceeded), status.SourceCode, grpccodes.DeadlineExceeded},
		{"gRPC status before a restated one", t.Context(), errors.Join(g, restated(grpccodes.Aborted)), status.SourceCode, grpccodes.Aborted},
		{"two restated", t.Context(), errors.Join(restated(grpccodes.Aborted), restated(grpccodes.DataLoss)), status.SourceCode, grpccodes.Aborted},
		{"restated before a code", t.Context(), errors.Join(restated(grpccodes.Aborted), codes.Args), status.SourceCode, grpccodes.Aborted},
		{"received error before a restated one", t.Context(), errors.Join(rec, restated(grpccodes.Aborted)), status.SourceCode, grpccodes.Aborted},
		{"panic before a gRPC status", t.Context(), errors.Join(status.Recovered("x"), g), status.SourceGRPCStatus, grpccodes.NotFound},
	} {
		got := new(status.Encoder).Encode(tt.ctx, tt.err)
		if got.Source() != tt.src || got.Status().Code() != tt.code {
			t.Errorf("%s: Encode() = %v from %v; want %v from %v", tt.name, got.Status(), got.Source(), tt.code, tt.src)
		}
	}
	for name, err := range map[string]error{
		"code": errors.Join(g, codes.Args), "status": errors.Join(g, status.Error(codes.Args, "")), "received": errors.Join(g, rec), "restated": errors.Join(restated(grpccodes.Aborted), g),
	} {
		if got := decoded(err); got != err {
			t.Errorf("%s: Decode() = %v; want the error itself", name, got)
		}
	}
	first := status.Recovered("first").(*status.PanicError)
	if got := new(status.Encoder).Encode(t.Context(), errors.Join(first, status.Recovered("second"))); got.Panic() != first {
		t.Errorf("Panic() = %v; want the first", got.Panic())
	}
	if got := new(status.Encoder).Encode(t.Context(), errors.Join(first, panicsInError{})); got.Panic() != first {
		t.Errorf("Panic() = %v; want the first", got.Panic())
	}
}

// TestSearchEndsAtThousandErrors checks that the thousandth error is the last one that is
// searched. The root counts as one.
func TestSearchEndsAtThousandErrors(t *testing.T) {
	for n, want := range map[int]codes.Code{999: codes.Args, 1000: codes.ServerInternal} { // without the root
		errs := make([]error, n)
		for i := range errs {
			errs[i] = errNoRows
		}
		errs[n-1] = codes.Args
		if got := new(status.Encoder).Encode(t.Context(), errors.Join(errs...)); got.Code() != want || got.Broken() != (n == 1000) {
			t.Errorf("Encode() = code %v, broken %t for a code after %d errors; want %v, %t", got.Code(), got.Broken(), n-1, want, n == 1000)
		}
	}
}

// An emptyTableCode is a code whose table has no rows.
type emptyTableCode int32

var zeroTable codes.Table

func (emptyTableCode) Error() string          { return "x" }
func (c emptyTableCode) Number() codes.Number { return codes.Number(c) }
func (emptyTableCode) Table() *codes.Table    { return &zeroTable }

// TestCodesWithoutTableAreInternal checks that codes of an empty table and nil pointers to a
// code stand for the INTERNAL default.
func TestCodesWithoutTableAreInternal(t *testing.T) {
	if got := new(status.Encoder).Encode(t.Context(), emptyTableCode(3)); got.Code() != codes.Code(codes.ServerInternal) || got.Panic() != nil {
		t.Errorf("Encode() = %v, panic %v; want ServerInternal", got.Code(), got.Panic())
	}
	if st := status.New((*codes.ErrorCode)(nil), "x"); st.Code() != codes.Code(codes.ServerInternal) {
		t.Errorf("New() = %v; want ServerInternal", st)
	}
	if st := status.New(emptyTableCode(3), "x"); st.Code() != codes.Code(codes.ServerInternal) {
		t.Errorf("New() = %v; want ServerInternal", st)
	}
}

// TestUncommonDetailsAreKept checks that details without a type name, and details that lack a
// required field, are sent.
func TestUncommonDetailsAreKept(t *testing.T) {
	p := grpcstatus.New(grpccodes.Aborted, "x").Proto()
	p.Details = []*anypb.Any{{Value: []byte("a")}, {Value: []byte("b")}}
	if got := status.ToGRPC(grpcstatus.FromProto(p).Err()).Proto().Details; len(got) != 2 {
		t.Errorf("ToGRPC() = details %v; want both", got)
	}
	part := &descriptorpb.UninterpretedOption_NamePart{NamePart: proto.String("x")} // lacks a required field
	if got := status.ToGRPC(status.New(codes.Args, "").WithDetails(part).Err()).Proto().Details[1]; len(got.Value) == 0 {
		t.Errorf("ToGRPC() = detail %v; want its fields", got)
	}
}

// TestReceivedErrorTextIsOneLine checks that the text of a received error has no line breaks
// and no control characters.
func TestReceivedErrorTextIsOneLine(t *testing.T) {
	carried := decoded(fmt.Errorf("a\nb\x1b: %w", codes.RecordNotFound.GRPCStatus().Err()))
	if strings.ContainsAny(carried.Error(), "\n\x1b") {
		t.Errorf("Error() = %q; want one line without control characters", carried)
	}
	sent := fmt.Errorf("a\nb\x1b: %w", grpcstatus.Error(grpccodes.NotFound, "x\n"))
	if got := decoded(sent); got.Error() != sent.Error() || fmt.Sprintf("%+v %q", got, got) != fmt.Sprintf("%+v %q", sent, sent) {
		t.Errorf("without a code: Error() = %q, printed %+v; want gRPC's own text, %q", got, got, sent)
	}
}

// TestEncodedErrorKeepsCodeWithOtherReason checks that an encoded error has its code, even if
// the default table doesn't have the reason that is sent.
func TestEncodedErrorKeepsCodeWithOtherReason(t *testing.T) {
	row, _ := codes.Default().Lookup(codes.SrvCallback.Number()) // not its canonical code's default
	row.Reason = "WEBHOOK"
	table, err := codes.Default().WithRows(row)
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Convert((&status.Encoder{Tables: []*codes.Table{table}}).Encode(t.Context(), codes.SrvCallback).Err()); got.Code() != codes.Code(codes.SrvCallback) {
		t.Errorf("Convert() = %v; want SrvCallback", got)
	}
}

// TestForwardedReasonHasItsNumber checks that a reason is forwarded with the number of its
// row, even if the upstream sent another number or none.
func TestForwardedReasonHasItsNumber(t *testing.T) {
	for _, number := range []string{"", "1403", "x", "01004"} {
		err := decoded(grpcError(t, grpccodes.NotFound, "x", info("openim.io", "RECORD_NOT_FOUND", number)))
		for name, err := range map[string]error{"received": err, "Err of its Status": status.Convert(err).Err(), "changed": status.Convert(err).WithMetadata("kk", "v").Err()} {
			i, _ := status.Detail[*errdetails.ErrorInfo](status.ToGRPC(err).Err())
			if i.GetMetadata()["code"] != "1004" {
				t.Errorf("number %q, %s: forwarded with %v; want the number 1004", number, name, i)
			}
		}
	}
}

// TestContextErrorTextIsPrivate checks that the text of a context's error isn't sent. The
// context of an interceptor can have any error.
func TestContextErrorTextIsPrivate(t *testing.T) {
	for _, tt := range []struct {
		ended error
		want  grpccodes.Code
	}{
		{fmt.Errorf("%s\xff: %w", secret, context.Canceled), grpccodes.Canceled},
		{fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), grpccodes.DeadlineExceeded},
		{errors.New(secret), grpccodes.Canceled},
	} {
		got := new(status.Encoder).Encode(endedContext{t.Context(), tt.ended}, context.Canceled).Status()
		if got.Code() != tt.want || strings.Contains(got.Message(), secret) {
			t.Errorf("Encode() = %[2]v with context error %[1]q; want %[3]v with gRPC's own text", tt.ended, got, tt.want)
		}
	}
	if got := new(status.Encoder).Encode(endedContext{t.Context(), panicsInUnwrap{}}, context.Canceled).Status(); got.Code() != grpccodes.Canceled {
		t.Errorf("Encode() = %v with a context error that panics; want CANCELLED", got)
	}
	if got := new(status.Encoder).Encode(panickingContext{t.Context()}, context.Canceled).Status(); got.Code() != grpccodes.Internal {
		t.Errorf("Encode() = %v with a context that panics; want INTERNAL", got)
	}
}

// An endedContext is a context with a given error.
type endedContext struct {
	context.Context
	err error
}

func (c endedContext) Err() error { return c.err }

// A panickingContext is a context whose Err method panics.
type panickingContext struct{ context.Context }

func (panickingContext) Err() error { panic(secret) }

// TestCodeThatPanics checks that a code whose Error and Is methods panic is sent by its
// table, and that the encoded error doesn't unwrap to it.
func TestCodeThatPanics(t *testing.T) {
	for _, err := range []error{panicMethodsCode(1004), fmt.Errorf("%w", errors.Join(panicMethodsCode(1004)))} {
		got := new(status.Encoder).Encode(t.Context(), err)
		if got.Status().Code() != grpccodes.NotFound || !got.Broken() {
			t.Errorf("Encode() = %v, broken %t; want NOT_FOUND, true", got.Status(), got.Broken())
		}
		if chain := got.Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 0 {
			t.Errorf("Err() unwraps to %d errors; want none", len(chain))
		}
	}
	rule := &status.Encoder{Rules: []status.Rule{{Target: errNoRows, Code: panicMethodsCode(1004)}}}
	if chain := rule.Encode(t.Context(), errNoRows).Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 1 || chain[0] != errNoRows {
		t.Errorf("Err() unwraps to %v for a code of a rule; want only the handler's error", chain)
	}
	for _, err := range []error{panicTableCode(1004), fmt.Errorf("%w", panicTableCode(1004))} {
		if got := new(status.Encoder).Encode(t.Context(), err); got.Status().Code() != grpccodes.Internal || got.Panic() == nil {
			t.Errorf("Encode() = %v, panic %v for a code whose Table panics; want INTERNAL, and the panic", got.Status(), got.Panic())
		}
	}
}

// A panicMethodsCode panics in Error and Is, a panicTableCode in Table.
type (
	panicMethodsCode int32
	panicTableCode   int32
)

func (panicMethodsCode) Error() string          { panic("Error") }
func (panicMethodsCode) Is(error) bool          { panic("Is") }
func (c panicMethodsCode) Number() codes.Number { return codes.Number(c) }
func (panicMethodsCode) Table() *codes.Table    { return codes.Default() }
func (panicTableCode) Error() string            { return "x" }
func (c panicTableCode) Number() codes.Number   { return codes.Number(c) }
func (panicTableCode) Table() *codes.Table      { panic("Table") }

// TestOriginalSummarizesUnsafeError checks that Original returns a summary of an error that
// isn't safe to run: its type and some of its texts, within a bound.
func TestOriginalSummarizesUnsafeError(t *testing.T) {
	many := []error{errors.New("first of many"), panicsInError{}}
	for range 1001 {
		many = append(many, errors.New("another"))
	}
	for name, tt := range map[string]struct {
		err  error
		want []string
	}{
		"too many errors":   {errors.Join(many...), []string{"*errors.joinError, which can't be printed", "first of many", "another"}},
		"too many levels":   {errors.Join(errors.New("beside it"), deep(1000)), []string{"beside it"}},
		"a panicking error": {errors.Join(panicsInError{}, errors.New("beside it")), []string{"beside it"}},
		"a loop alone":      {loop{}, []string{"status_test.loop, which can't be printed"}},
	} {
		got := new(status.Encoder).Encode(t.Context(), tt.err).Original()
		for _, want := range tt.want {
			if !strings.Contains(got.Error(), want) {
				t.Errorf("%s: Original() = %.300q; want %q in it", name, got, want)
			}
		}
		if len(got.Error()) > 50_000 {
			t.Errorf("%s: Original() has %d bytes; want at most 50000", name, len(got.Error()))
		}
	}
	long := new(status.Encoder).Encode(t.Context(), errors.Join(errors.New(strings.Repeat("x", 1<<20)), loop{})).Original()
	if len(long.Error()) > 5000 {
		t.Errorf("Original() of a long text has %d bytes; want at most 5000", len(long.Error()))
	}
	if got := new(status.Encoder).Encode(t.Context(), errNoRows).Original(); got != errNoRows {
		t.Errorf("Original() = %v; want the error itself", got)
	}
}

// A code or a Status error counts through 64 levels, whichever way it is found.
func TestDepthOfSimpleErrors(t *testing.T) {
	for _, err := range []error{codes.Args, status.Error(codes.Args, "bad")} {
		for _, deep := range []int{62, 63, 64} {
			simple := wrapped(err, deep)
			general := fmt.Errorf("%w, %w", wrapped(err, deep-1), io.ErrUnexpectedEOF)
			a, b := new(status.Encoder).Encode(t.Context(), simple), new(status.Encoder).Encode(t.Context(), general)
			if a.Code() != b.Code() || a.Broken() != b.Broken() {
				t.Errorf("%T under %d levels: %v, broken %t; joined with another: %v, broken %t", err, deep, a.Code(), a.Broken(), b.Code(), b.Broken())
			}
		}
	}
}

// Observers can't change what a Status holds.
func TestDroppedKeysAreACopy(t *testing.T) {
	err := status.New(codes.Args, "").WithMetadata("Bad Key", "x").Err()
	new(status.Encoder).Encode(t.Context(), err).DroppedKeys()[0] = "changed"
	if got := new(status.Encoder).Encode(t.Context(), err).DroppedKeys(); got[0] != "Bad Key" {
		t.Errorf("DroppedKeys() = %q after an earlier result was changed", got)
	}
}

// TestWithCodeAfterARawNumber checks that a code without a row, which replaces a received raw
// number, is sent with its own domain.
func TestWithCodeAfterARawNumber(t *testing.T) {
	err := (&status.Decoder{Tables: []*codes.Table{shop}}).Decode(t.Context(), grpcError(t, 1004, "x"))
	st := status.Convert(err).WithCode(codes.ErrorCode(1305))
	if got := status.FromGRPC(status.ToGRPC(st.Err())); got.Code() != codes.ErrorCode(1305) || st.Domain() != "openim.io" || got.Domain() != "openim.io" {
		t.Errorf("sent %v of %s; want ErrorCode(1305) of openim.io", got.Code(), got.Domain())
	}
}

// TestWithheldMessageIsTheServers checks that WithheldMessages sends the message in the server's
// table.
func TestWithheldMessageIsTheServers(t *testing.T) {
	encoder := &status.Encoder{Tables: []*codes.Table{overrideTable}, WithheldMessages: []grpccodes.Code{grpccodes.NotFound}}
	for _, err := range []error{
		grpcError(t, grpccodes.NotFound, secret),
		grpcError(t, grpccodes.NotFound, secret, info("openim.io", "RECORD_NOT_FOUND", "1004")),
		grpcError(t, 1004, secret),
	} {
		if got := encoder.Encode(t.Context(), err); got.Status().Message() != "there is no such record" || got.Source() != status.SourceGRPCWithheld {
			t.Errorf("Encode(%v) sent %q from %v; want the message in the server's table", err, got.Status().Message(), got.Source())
		}
	}
}
