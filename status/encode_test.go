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

// A received error, as our client interceptor gives it.
func received(t *testing.T, code grpccodes.Code, message string, details ...proto.Message) error {
	t.Helper()
	return new(status.Decoder).Decode(t.Context(), grpcError(t, code, message, details...))
}

var errNoRows = errors.New("sql: no rows")

// secret stands in every private place; it may be in no answer.
const secret = "CANARY"

// TestEncode has the kinds of error in the order in which they are decided, each
// beside those that come after it.
func TestEncode(t *testing.T) {
	private := errors.New(secret)
	live := t.Context()
	cancelled, cancel := context.WithCancel(live)
	cancel()
	late, cancelLate := context.WithTimeout(live, 0)
	defer cancelLate()

	encoder := &status.Encoder{Rules: []status.Rule{
		{Target: errNoRows, Code: nilTableCode(3)}, // no table, so no code to send
		{Target: errNoRows, Code: codes.RecordNotFound},
		{Func: func(err error) codes.Code {
			if strings.HasPrefix(err.Error(), "quota") {
				return codes.SrvConnOverMaxNumLimit
			}
			return nil
		}},
		{Target: codes.SrvMutedGroup, Code: codes.Args}, // never: it is a code, or in a received error
		{Target: errNoRows, Code: codes.Args},           // never: the first that matches decides
		{Func: func(error) codes.Code { return codes.NoError }},
	}}
	resolved := encoder.Encode(live, codes.TokenExpired).Err()
	ourInfo := info("openim.io", "SRV_MUTED_GROUP", "1403")

	tests := []struct {
		name    string
		ctx     context.Context // nil: alive
		err     error
		source  status.Source
		grpc    grpccodes.Code
		message string
		code    codes.Code // nil: none is stated
		reason  string     // "" for the code's own
	}{
		{name: "resolved before", err: resolved, source: status.SourceEncoded, grpc: grpccodes.Unauthenticated, message: "token has expired", code: codes.TokenExpired},
		{name: "resolved before, wrapped since", err: fmt.Errorf(secret+": %w", resolved), source: status.SourceEncoded, grpc: grpccodes.Unauthenticated, message: "token has expired", code: codes.TokenExpired},

		{name: "code", err: codes.Args, source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code under %w", err: fmt.Errorf(secret+": %w", codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code in Join", err: errors.Join(private, codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "Status", err: status.Error(codes.Args, "no name"), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "no name", code: codes.Args},
		{name: "Status with a cause, wrapped", err: fmt.Errorf(secret+": %w", status.Wrap(private, codes.Args, "no name")), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "no name", code: codes.Args},
		{name: "code, though a rule matches", err: errors.Join(errNoRows, codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code, though the context has ended", ctx: cancelled, err: errors.Join(context.Canceled, codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code around a received error", err: status.Wrap(received(t, grpccodes.NotFound, secret), codes.SrvData, "odd"), source: status.SourceCode, grpc: grpccodes.Internal, message: "odd", code: codes.SrvData},
		{name: "code joined after a received error", err: errors.Join(received(t, grpccodes.NotFound, secret, ourInfo), codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code joined after a gRPC status", err: errors.Join(grpcError(t, grpccodes.Aborted, secret), codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},
		{name: "code around a hostile error", err: status.Wrap(&panics{secret}, codes.Args, ""), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},

		{name: "rule by target", err: fmt.Errorf(secret+": %w", errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},
		{name: "rule by function", err: errors.New("quota of " + secret), source: status.SourceRule, grpc: grpccodes.ResourceExhausted, message: "too many connections", code: codes.SrvConnOverMaxNumLimit},
		{name: "rule, though there is a gRPC status", err: errors.Join(grpcError(t, grpccodes.Aborted, secret), errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},
		{name: "rule, though the context has ended", ctx: cancelled, err: errors.Join(context.Canceled, errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},

		{name: "cancelled", ctx: cancelled, err: context.Canceled, source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "cancelled, while the error says deadline", ctx: cancelled, err: fmt.Errorf(secret+": %w", context.DeadlineExceeded), source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "deadline passed", ctx: late, err: context.DeadlineExceeded, source: status.SourceContext, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "deadline passed, while a gRPC status says cancelled", ctx: late, err: grpcError(t, grpccodes.Canceled, secret), source: status.SourceContext, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "deadline passed, and so says upstream", ctx: late, err: received(t, grpccodes.DeadlineExceeded, secret), source: status.SourceContext, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "another deadline", err: fmt.Errorf(secret+": %w", context.DeadlineExceeded), source: status.SourceDeadline, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "an error that is a deadline by its Is", err: isDeadline{}, source: status.SourceDeadline, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "another cancellation", err: context.Canceled, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "another error, while the context has ended", ctx: cancelled, err: private, source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},

		{name: "from a peer", err: fmt.Errorf(secret+": %w", received(t, grpccodes.Aborted, "muted", ourInfo)), source: status.SourceForwarded, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "from a legacy peer", err: received(t, 1403, "muted"), source: status.SourceForwarded, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "from upstream", err: received(t, grpccodes.NotFound, secret), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "from upstream, foreign", err: received(t, grpccodes.NotFound, secret, info("a.example", "A_B_C", "")), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "from upstream, unavailable", err: received(t, grpccodes.Unavailable, secret), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "from upstream, deadline", err: received(t, grpccodes.DeadlineExceeded, secret), source: status.SourceUpstream, grpc: grpccodes.DeadlineExceeded, message: "an upstream service did not answer in time"},

		{name: "from a peer that isn't trusted", err: receivedWith(t, status.TrustNone, grpccodes.Aborted, secret, ourInfo), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "from a legacy peer that isn't trusted", err: receivedWith(t, status.TrustNone, 1403, secret), source: status.SourceUpstream, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "unavailable, and not trusted", err: receivedWith(t, status.TrustNone, grpccodes.Unavailable, secret, ourInfo), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "from behind a proxy", err: receivedWith(t, status.TrustAll, grpccodes.Aborted, "muted", ourInfo), source: status.SourceForwarded, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "bare, from behind a proxy", err: receivedWith(t, status.TrustAll, grpccodes.NotFound, "gone"), source: status.SourceForwarded, grpc: grpccodes.NotFound, message: "gone"},
		{name: "a number from behind a proxy", err: receivedWith(t, status.TrustAll, 1403, "muted"), source: status.SourceForwarded, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "a number over int32 from behind a proxy", err: receivedWith(t, status.TrustAll, 1<<31, "x"), source: status.SourceForwarded, grpc: grpccodes.Unknown, message: "x"},
		{name: "a code around what isn't trusted", err: status.Wrap(receivedWith(t, status.TrustNone, grpccodes.Aborted, secret, ourInfo), codes.Args, "x"), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "x", code: codes.Args},

		{name: "gRPC status", err: grpcError(t, grpccodes.Aborted, "again"), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "gRPC status, wrapped", err: fmt.Errorf(secret+": %w", grpcError(t, grpccodes.Aborted, "again")), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "first of two gRPC statuses", err: errors.Join(grpcError(t, grpccodes.Aborted, "again"), grpcError(t, grpccodes.NotFound, secret)), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "a code's number as gRPC code", err: grpcError(t, 1403, "muted"), source: status.SourceNumber, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "a code's number as gRPC code, with our ErrorInfo", err: grpcError(t, 1403, "muted", ourInfo), source: status.SourceNumber, grpc: grpccodes.PermissionDenied, message: "muted", code: codes.SrvMutedGroup},
		{name: "gRPC status with our ErrorInfo", err: grpcError(t, grpccodes.Aborted, "muted", ourInfo), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "gRPC status, with too much beside it", err: errors.Join(grpcError(t, grpccodes.Aborted, "again"), wide(1200)), source: status.SourceGRPCStatus, grpc: grpccodes.Aborted, message: "again"},
		{name: "rule by target, with a loop beside it", err: errors.Join(loop{}, errNoRows), source: status.SourceRule, grpc: grpccodes.NotFound, message: "record not found", code: codes.RecordNotFound},
		{name: "a number that is no code's", err: grpcError(t, 1499, secret), source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "a number over int32, with an ErrorInfo that names no code", err: grpcError(t, 1<<32-1, "x", info("openim.io", "NEVER_HEARD", "")), source: status.SourceNumber, grpc: grpccodes.Unknown, message: "x", code: codes.SdkUnknownCode, reason: "NEVER_HEARD"},
		{name: "a number over int32", err: grpcError(t, 1<<31, secret), source: status.SourceUnknown, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},

		{name: "received Status, made an error here", err: status.Convert(received(t, grpccodes.FailedPrecondition, "not now")).Err(), source: status.SourceGRPCStatus, grpc: grpccodes.FailedPrecondition, message: "not now"},
		{name: "the same, changed and with a cause", err: status.Convert(received(t, grpccodes.FailedPrecondition, "not now")).WithDetails(badRequest("x")).Wrap(private), source: status.SourceGRPCStatus, grpc: grpccodes.FailedPrecondition, message: "not now"},
		{name: "the same, around a code", err: status.Convert(received(t, grpccodes.FailedPrecondition, "not now")).Wrap(codes.Args), source: status.SourceGRPCStatus, grpc: grpccodes.FailedPrecondition, message: "not now"},
		{name: "received Status that states a code, made an error here", err: status.Convert(received(t, grpccodes.Aborted, "muted", ourInfo)).Err(), source: status.SourceCode, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},
		{name: "first of two received", err: errors.Join(received(t, grpccodes.Unavailable, secret), received(t, grpccodes.NotFound, secret)), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "received, after a gRPC status", err: errors.Join(grpcError(t, grpccodes.Aborted, secret), received(t, grpccodes.Unavailable, secret)), source: status.SourceUpstream, grpc: grpccodes.Unavailable, message: "an upstream service is unavailable"},
		{name: "another deadline, before a received error", err: errors.Join(context.DeadlineExceeded, received(t, grpccodes.NotFound, secret)), source: status.SourceDeadline, grpc: grpccodes.DeadlineExceeded, message: "context deadline exceeded"},
		{name: "cancelled, and a plain error after it", ctx: cancelled, err: errors.Join(context.Canceled, private), source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "cancelled, as the second of two gRPC statuses says", ctx: cancelled, err: errors.Join(grpcError(t, grpccodes.NotFound, secret), grpcError(t, grpccodes.Canceled, secret)), source: status.SourceContext, grpc: grpccodes.Canceled, message: "context canceled"},
		{name: "a rule matches a received error as a whole", err: received(t, grpccodes.Aborted, "muted", ourInfo, info("a.example", "A_B_C", "")), source: status.SourceForwarded, grpc: grpccodes.Aborted, message: "muted", code: codes.SrvMutedGroup},

		{name: "panic", err: fmt.Errorf("handler: %w", status.Recovered(secret)), source: status.SourcePanic, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "panic with a code", err: status.Recovered(codes.Args), source: status.SourcePanic, grpc: grpccodes.Internal, message: "internal server error", code: codes.ServerInternal},
		{name: "panic, and a code after it", err: errors.Join(status.Recovered(secret), codes.Args), source: status.SourceCode, grpc: grpccodes.InvalidArgument, message: "invalid argument", code: codes.Args},

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
				t.Errorf("Withheld() = %t for source %v", got.Source().Withheld(), got.Source())
			}
			checkErrorInfo(t, got, tt.code, tt.reason)
			if strings.Contains(fmt.Sprint(got.Status().Proto()), secret) {
				t.Errorf("the answer has private text: %v", got.Status())
			}
			checkEncodedError(t, got, tt.err)
		})
	}
}

// checkErrorInfo: a stated code is named by an ErrorInfo, and nothing else is.
func checkErrorInfo(t *testing.T, got status.Encoded, want codes.Code, reason string) {
	t.Helper()
	var reasons []string
	for _, d := range got.Status().Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok {
			reasons = append(reasons, i.GetReason())
		}
	}
	switch {
	case want == nil && len(reasons) > 0:
		t.Errorf("ErrorInfo %v in a status that states no code", reasons)
	case want != nil:
		row, _ := want.Table().Lookup(want.Number())
		if reason == "" {
			reason = row.Reason
		}
		if len(reasons) != 1 || reasons[0] != reason {
			t.Errorf("ErrorInfo %v; want one for %s", reasons, reason)
		}
	}
}

// checkResolved: the error for gRPC has the public text alone, leads to the
// handler's error, and is the same when it is encoded again.
func checkEncodedError(t *testing.T, got status.Encoded, original error) {
	t.Helper()
	err := got.Err()
	if err.Error() != got.Status().Message() || grpcstatus.Convert(err) != got.Status() {
		t.Errorf("Err() = %q with %v; want the public message and the status", err, grpcstatus.Convert(err))
	}
	if errors.Is(err, original) == got.Broken() {
		t.Errorf("Err() leads to %v: %t; want the opposite of Broken()", original, got.Broken())
	}
	if got.Code() != nil && (!errors.Is(err, got.Code()) || status.Code(err) != got.Code()) {
		t.Errorf("Err() has code %v; want %v", status.Code(err), got.Code())
	}
	if again := new(status.Encoder).Encode(context.Background(), err); again.Status() != got.Status() || again.Err() != err {
		t.Errorf("encoded again: %v, %v; want the same", again.Status(), again.Err())
	}
}

type okStatus struct{ st *grpcstatus.Status }

func (okStatus) Error() string                    { return secret }
func (s okStatus) GRPCStatus() *grpcstatus.Status { return s.st }

type isDeadline struct{}

func (isDeadline) Error() string        { return secret }
func (isDeadline) Is(target error) bool { return target == context.DeadlineExceeded }

// TestEncodeNil: nil is success, and so is what stands for it.
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

// TestCauseOfReceivedStatusIsPrivate: the cause around which a received Status is made an error
// is as private as any.
func TestCauseOfReceivedStatusIsPrivate(t *testing.T) {
	for name, st := range map[string]*status.Status{
		"received": status.Convert(received(t, grpccodes.NotFound, "gone", info("openim.io", "RECORD_NOT_FOUND", "1004"))),
		"bare":     status.Convert(received(t, grpccodes.NotFound, "gone")),
		"resolved": status.Convert(encodeError(status.Error(codes.RecordNotFound, "gone"))),
	} {
		err := st.Wrap(errors.New(secret))
		if err.Error() != "RecordNotFound: gone" || strings.Contains(fmt.Sprint(status.ToGRPC(err).Proto()), secret) {
			t.Errorf("%s: prints %q, sends %v; want no private text", name, err, status.ToGRPC(err))
		}
		if !errors.Is(err, codes.RecordNotFound) || !strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("%s: %+v lacks the code or the cause", name, err)
		}
	}
}

// TestInvalidTypeURL: one costs itself, and not all details.
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
			t.Errorf("%s: can't be sent: %v", name, err)
		}
		if _, ok := status.Detail[*errdetails.BadRequest](sent.Err()); !ok {
			t.Errorf("%s: the BadRequest beside it is lost: %v", name, sent)
		}
	}
}

// TestForwardedErrorInfo: the ErrorInfo that states the code goes first and stays,
// whatever came before it.
func TestForwardedErrorInfo(t *testing.T) {
	ours := info("openim.io", "TOKEN_KICKED", "1506")
	broken := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte{0xff}}
	p := grpcstatus.New(grpccodes.Unauthenticated, "kicked").Proto()
	p.Details = []*anypb.Any{broken, packed(t, info("a.example", "A_B_C", "")), packed(t, ours), packed(t, badRequest("name"))}
	undecoded := grpcstatus.FromProto(p).Err()
	for name, err := range map[string]error{
		"received":  new(status.Decoder).Decode(t.Context(), undecoded),
		"undecoded": undecoded,
	} {
		got := status.FromGRPC(status.ToGRPC(err))
		want := []proto.Message{ours, badRequest("name")}
		if diff := cmp.Diff(want, got.Details(), protocmp.Transform()); diff != "" || got.Code() != codes.Code(codes.TokenKicked) {
			t.Errorf("%s: forwarded %v with details (-want +got):\n%s", name, got, diff)
		}
	}
}

func packed(t *testing.T, message proto.Message) *anypb.Any {
	t.Helper()
	p, err := anypb.New(message)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEncodeBeyondLimits: a rule's function isn't given what may never end, and nobody
// outside is led to it, though its answer was found.
func TestEncodeBeyondLimits(t *testing.T) {
	encoder := &status.Encoder{Rules: []status.Rule{{Func: func(error) codes.Code {
		t.Error("the rule's function was run")
		return codes.Args
	}}}}
	for name, err := range map[string]error{
		"nothing found": errors.Join(loop{}, errNoRows),
		"a gRPC status": errors.Join(loop{}, grpcError(t, grpccodes.Aborted, "again")),
		"a code":        errors.Join(codes.Args, loop{}),
		"a Status":      status.Wrap(loop{}, codes.Args, "bad"),
	} {
		got := encoder.Encode(t.Context(), err)
		if !got.Broken() || errors.Is(got.Err(), err) {
			t.Errorf("%s: broken %t; want it broken, and Err() not to lead to it", name, got.Broken())
		}
		if got.Code() != nil && !errors.Is(got.Err(), got.Code()) {
			t.Errorf("%s: Err() doesn't lead to %v", name, got.Code())
		}
	}
}

// TestEncodeHostileErrors: of an error that fails when it is looked at nothing is kept,
// so that nothing runs its methods again.
func TestEncodeHostileErrors(t *testing.T) {
	rules := []status.Rule{{Target: errNoRows, Code: codes.RecordNotFound}}
	for _, err := range append(panicking, loop{}, wide(1_000_000), deep(1000)) {
		got := (&status.Encoder{Rules: rules}).Encode(t.Context(), err)
		if !got.Broken() || got.Code() != codes.Code(codes.ServerInternal) || got.Status().Code() != grpccodes.Internal {
			t.Errorf("Encode(%T) = %+v; want broken, ServerInternal", err, got)
		}
		if chain := got.Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 1 || chain[0] != error(codes.ServerInternal) {
			t.Errorf("Encode(%T) leads to %T; want the code alone", err, chain)
		}
	}
	rule := &status.Encoder{Rules: []status.Rule{{Func: func(error) codes.Code { panic(secret) }}}}
	if got := rule.Encode(t.Context(), errNoRows); got.Status().Code() != grpccodes.Internal || got.Panic().Value != secret || !errors.Is(got.Err(), errNoRows) {
		t.Errorf("with a rule that panics: %v, panic %v; want INTERNAL, the panic's value, and the error kept", got.Status(), got.Panic())
	}
}

// TestHostileErrorBesideCode: what stands before decides, and nobody is led to the
// rest.
func TestHostileErrorBesideCode(t *testing.T) {
	for _, hostile := range panicking {
		for name, err := range map[string]error{
			"after a code":      errors.Join(codes.Args, hostile),
			"as a cause":        status.Wrap(hostile, codes.Args, ""),
			"deep in the cause": status.Wrap(fmt.Errorf("%w", errors.Join(errNoRows, hostile)), codes.Args, ""),
		} {
			got := new(status.Encoder).Encode(t.Context(), err)
			if got.Code() != codes.Code(codes.Args) || got.Source() != status.SourceCode {
				t.Errorf("%T %s: %v from %v; want Args from the code", hostile, name, got.Code(), got.Source())
			}
			if chain := got.Err().(interface{ Unwrap() []error }).Unwrap(); !got.Broken() || len(chain) != 1 {
				t.Errorf("%T %s: broken %t, leads to %d errors; want it broken, and the code alone", hostile, name, got.Broken(), len(chain))
			}
		}
	}
	// What a method panics with before a code is found hides that: nobody can tell
	// what else it would have done.
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

// panicking are errors of which each has another method that panics.
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

// TestDebugInfo stays in the process unless it is asked for, whatever brings it.
func TestDebugInfo(t *testing.T) {
	debug := &errdetails.DebugInfo{Detail: secret}
	for name, err := range map[string]error{
		"a Status":      status.New(codes.Args, "bad").WithDetails(debug, badRequest("name")).Err(),
		"a gRPC status": grpcError(t, grpccodes.Aborted, "again", debug, badRequest("name")),
		"a peer":        received(t, grpccodes.Aborted, "again", info("openim.io", "ARGS", "1001"), debug, badRequest("name")),
		"a proxy":       receivedWith(t, status.TrustAll, grpccodes.Aborted, "again", debug, badRequest("name")),
	} {
		if got := status.ToGRPC(err); strings.Contains(fmt.Sprint(got.Proto()), "DebugInfo") {
			t.Errorf("%s: DebugInfo is sent: %v", name, got)
		}
		got := (&status.Encoder{DebugInfo: true}).Encode(t.Context(), err)
		sent, _ := status.Detail[*errdetails.DebugInfo](got.Status().Err())
		if here := got.Source() != status.SourceForwarded; (sent.GetDetail() == secret) != here {
			t.Errorf("%s: with WithDebugInfo %v is sent; want the DebugInfo too: %t", name, got.Status(), here)
		}
		if _, ok := status.Detail[*errdetails.BadRequest](got.Status().Err()); !ok {
			t.Errorf("%s: the BadRequest beside it is lost: %v", name, got.Status())
		}
	}
}

// TestDetailTypeIsSentOnce is dropped from a gRPC status that passes.
func TestDetailTypeIsSentOnce(t *testing.T) {
	got := status.ToGRPC(grpcError(t, grpccodes.InvalidArgument, "bad", badRequest("first"), &errdetails.Help{}, badRequest("second")))
	if br, _ := status.Detail[*errdetails.BadRequest](got.Err()); len(got.Details()) != 2 || br.GetFieldViolations()[0].GetField() != "first" {
		t.Errorf("details sent = %v; want the first of each type", got.Details())
	}
}

// TestEncoderTables: a table decides what its domain's codes are on the wire;
// GRPCStatus goes on answering from the code's own.
func TestEncoderTables(t *testing.T) {
	renamed, _ := codes.Default().Lookup(codes.Args.Number())
	renamed.Reason = "BAD_ARGS"
	other, err := codes.Default().WithRows(renamed)
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Code((&status.Encoder{Tables: []*codes.Table{other}}).Encode(t.Context(), codes.Args).Err()); got != codes.Code(codes.Args) {
		t.Errorf("code of an error whose reason the default table doesn't know = %v; want Args", got)
	}

	row, _ := codes.Default().Lookup(codes.SrvCallback.Number())
	row.GRPCCode, row.Message = grpccodes.Aborted, "the webhook said no"
	table, err := codes.Default().WithRows(row)
	if err != nil {
		t.Fatal(err)
	}
	encoder := &status.Encoder{Tables: []*codes.Table{table}}
	sentinel := status.Error(codes.SrvCallback, "no")
	_ = status.ToGRPC(sentinel) // kept with the error, for the code's own table
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
			t.Errorf("GRPCStatus of %v = %v; want that of its own table", tt.err, got)
		}
	}
	if got := encoder.Encode(t.Context(), codes.Args).Status().Code(); got != grpccodes.InvalidArgument {
		t.Errorf("a code that was not replaced = %v", got)
	}

	added, err := codes.Default().WithRows(codes.Row{Code: codes.ErrorCode(2000), Reason: "SRV_ADDED", GRPCCode: grpccodes.Aborted, Message: "added"})
	if err != nil {
		t.Fatal(err)
	}
	number := grpcstatus.Error(2000, "as OpenIM does")
	if got := (&status.Encoder{Tables: []*codes.Table{added}}).Encode(t.Context(), number); got.Source() != status.SourceNumber || got.Status().Code() != grpccodes.Aborted {
		t.Errorf("a number that only the given table has = %v, source %v; want ABORTED by its row", got.Status(), got.Source())
	}

	smallCode, err := codes.NewTable("openim.io",
		codes.Row{Code: codes.ServerInternal, Reason: "SERVER_INTERNAL", GRPCCode: grpccodes.Internal, Message: "x", Default: true},
		codes.Row{Code: codes.SdkUnknownCode, Reason: "SDK_UNKNOWN_CODE", GRPCCode: grpccodes.Unknown, Message: "x", Default: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := (&status.Encoder{Tables: []*codes.Table{smallCode}}).Encode(t.Context(), codes.Args).Status(); got.Code() != grpccodes.InvalidArgument {
		t.Errorf("a code without a row in the given table = %v; want that of its own", got)
	}
}

// under is an error that was received over a connection of some trust.
func receivedWith(t *testing.T, trust status.Trust, code grpccodes.Code, message string, details ...proto.Message) error {
	t.Helper()
	return (&status.Decoder{Trust: trust}).Decode(t.Context(), grpcError(t, code, message, details...))
}

// guess is a received Status whose code is a guess, as a handler's own.
func guess(c grpccodes.Code) error { return status.FromGRPC(grpcstatus.New(c, "guess")).Err() }

// TestFirstErrorDecides decides where an error says more than one thing, and what is decided already
// comes back as it is.
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
		{"guessed end", cancelled, guess(grpccodes.DeadlineExceeded), status.SourceContext, grpccodes.Canceled},
		{"grpc, guess", t.Context(), errors.Join(g, guess(grpccodes.Aborted)), status.SourceGRPCStatus, grpccodes.NotFound},
		{"guess, grpc", t.Context(), errors.Join(guess(grpccodes.Aborted), g), status.SourceGRPCStatus, grpccodes.Aborted},
		{"guess, guess", t.Context(), errors.Join(guess(grpccodes.Aborted), guess(grpccodes.DataLoss)), status.SourceGRPCStatus, grpccodes.Aborted},
		{"guess, received", t.Context(), errors.Join(guess(grpccodes.Aborted), rec), status.SourceUpstream, grpccodes.Unavailable},
		{"recovered, grpc", t.Context(), errors.Join(status.Recovered("x"), g), status.SourceGRPCStatus, grpccodes.NotFound},
	} {
		got := new(status.Encoder).Encode(tt.ctx, tt.err)
		if got.Source() != tt.src || got.Status().Code() != tt.code {
			t.Errorf("%s: %v from %v; want %v from %v", tt.name, got.Status(), got.Source(), tt.code, tt.src)
		}
	}
	for name, err := range map[string]error{
		"code": errors.Join(g, codes.Args), "status": errors.Join(g, status.Error(codes.Args, "")), "received": errors.Join(g, rec), "guess": errors.Join(guess(grpccodes.Aborted), g),
	} {
		if got := decoded(err); got != err {
			t.Errorf("%s: decoded to %v; want it as it was", name, got)
		}
	}
	first := status.Recovered("first").(*status.PanicError)
	if got := new(status.Encoder).Encode(t.Context(), errors.Join(first, status.Recovered("second"))); got.Panic() != first {
		t.Errorf("the panic is %v; want the first", got.Panic())
	}
	if got := new(status.Encoder).Encode(t.Context(), errors.Join(first, panicsInError{})); got.Panic() != first {
		t.Errorf("the panic is %v; want the first", got.Panic())
	}
}

// TestSearchEndsAtThousandErrors is the last that is searched, the root among them.
func TestSearchEndsAtThousandErrors(t *testing.T) {
	for n, want := range map[int]codes.Code{999: codes.Args, 1000: codes.ServerInternal} { // and the root
		errs := make([]error, n)
		for i := range errs {
			errs[i] = errNoRows
		}
		errs[n-1] = codes.Args
		if got := new(status.Encoder).Encode(t.Context(), errors.Join(errs...)); got.Code() != want || got.Broken() != (n == 1000) {
			t.Errorf("a code behind %d errors: %v, broken %t; want %v", n-1, got.Code(), got.Broken(), want)
		}
	}
}

// tableless codes have a table without rows.
type emptyTableCode int32

var zeroTable codes.Table

func (emptyTableCode) Error() string          { return "x" }
func (c emptyTableCode) Number() codes.Number { return codes.Number(c) }
func (emptyTableCode) Table() *codes.Table    { return &zeroTable }

// TestCodesWithoutTableAreInternal count as none: those of an empty table, and nil pointers.
func TestCodesWithoutTableAreInternal(t *testing.T) {
	if got := new(status.Encoder).Encode(t.Context(), emptyTableCode(3)); got.Code() != codes.Code(codes.ServerInternal) || got.Panic() != nil {
		t.Errorf("%v, panic %v; want ServerInternal", got.Code(), got.Panic())
	}
	if st := status.New((*codes.ErrorCode)(nil), "x"); st.Code() != codes.Code(codes.ServerInternal) {
		t.Errorf("New() = %v; want ServerInternal", st)
	}
	if st := status.New(emptyTableCode(3), "x"); st.Code() != codes.Code(codes.ServerInternal) {
		t.Errorf("New() = %v; want ServerInternal", st)
	}
}

// TestDetailsStay of types without a name, and those that lack a required field.
func TestDetailsStay(t *testing.T) {
	p := grpcstatus.New(grpccodes.Aborted, "x").Proto()
	p.Details = []*anypb.Any{{Value: []byte("a")}, {Value: []byte("b")}}
	if got := status.ToGRPC(grpcstatus.FromProto(p).Err()).Proto().Details; len(got) != 2 {
		t.Errorf("details %v; want both", got)
	}
	part := &descriptorpb.UninterpretedOption_NamePart{NamePart: proto.String("x")} // lacks a required field
	if got := status.ToGRPC(status.New(codes.Args, "").WithDetails(part).Err()).Proto().Details[1]; len(got.Value) == 0 {
		t.Errorf("detail %v; want what it has", got)
	}
	err := decoded(fmt.Errorf("a\nb\x1b: %w", grpcstatus.Error(grpccodes.NotFound, "x")))
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("Error() = %q; want one line that controls no terminal", err)
	}
	row, _ := codes.Default().Lookup(codes.SrvCallback.Number()) // not its canonical code's default
	row.Reason = "WEBHOOK"
	table, terr := codes.Default().WithRows(row)
	if terr != nil {
		t.Fatal(terr)
	}
	if got := status.Convert((&status.Encoder{Tables: []*codes.Table{table}}).Encode(t.Context(), codes.SrvCallback).Err()); got.Code() != codes.Code(codes.SrvCallback) {
		t.Errorf("Convert() = %v; want SrvCallback, whatever its reason is here", got)
	}
}

// TestForwardedReasonHasItsNumber also where the peer sent another number, or none.
func TestForwardedReasonHasItsNumber(t *testing.T) {
	for _, number := range []string{"", "1403", "x", "01004"} {
		err := decoded(grpcError(t, grpccodes.NotFound, "x", info("openim.io", "RECORD_NOT_FOUND", number)))
		for name, err := range map[string]error{"as it came": err, "stated": status.Convert(err).Err(), "changed": status.Convert(err).WithMetadata("kk", "v").Err()} {
			i, _ := status.Detail[*errdetails.ErrorInfo](status.ToGRPC(err).Err())
			if i.GetMetadata()["code"] != "1004" {
				t.Errorf("number %q, %s: sent on as %v; want 1004", number, name, i)
			}
		}
	}
}

// TestContextErrorTextIsPrivate: an interceptor's own context can say anything.
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
			t.Errorf("where the context ended with %q: %v; want %v and gRPC's own text", tt.ended, got, tt.want)
		}
	}
	if got := new(status.Encoder).Encode(endedContext{t.Context(), panicsInUnwrap{}}, context.Canceled).Status(); got.Code() != grpccodes.Canceled {
		t.Errorf("where the context's error panics: %v; want CANCELLED", got)
	}
	if got := new(status.Encoder).Encode(panickingContext{t.Context()}, context.Canceled).Status(); got.Code() != grpccodes.Internal {
		t.Errorf("where the context panics: %v; want INTERNAL", got)
	}
}

type endedContext struct {
	context.Context
	err error
}

func (c endedContext) Err() error { return c.err }

type panickingContext struct{ context.Context }

func (panickingContext) Err() error { panic(secret) }

// TestCodeThatPanics is sent, as it says itself, and nobody is led to it.
func TestCodeThatPanics(t *testing.T) {
	for _, err := range []error{panicMethodsCode(1004), fmt.Errorf("%w", errors.Join(panicMethodsCode(1004)))} {
		got := new(status.Encoder).Encode(t.Context(), err)
		if got.Status().Code() != grpccodes.NotFound || !got.Broken() {
			t.Errorf("%v, broken %t; want NOT_FOUND, broken", got.Status(), got.Broken())
		}
		if chain := got.Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 0 {
			t.Errorf("Err() leads to %d errors; want none", len(chain))
		}
	}
	rule := &status.Encoder{Rules: []status.Rule{{Target: errNoRows, Code: panicMethodsCode(1004)}}}
	if chain := rule.Encode(t.Context(), errNoRows).Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 1 || chain[0] != errNoRows {
		t.Errorf("by a rule, Err() leads to %v; want the handler's error alone", chain)
	}
	for _, err := range []error{panicTableCode(1004), fmt.Errorf("%w", panicTableCode(1004))} {
		if got := new(status.Encoder).Encode(t.Context(), err); got.Status().Code() != grpccodes.Internal || got.Panic() == nil {
			t.Errorf("where the code's table panics: %v, panic %v; want INTERNAL, and the panic", got.Status(), got.Panic())
		}
	}
}

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

// TestOriginalSummarizesUnsafeError: an error that wraps too much is to be found out about
// all the same.
func TestOriginalSummarizesUnsafeError(t *testing.T) {
	many := []error{errors.New("first of many"), panicsInError{}}
	for range 1001 {
		many = append(many, errors.New("another"))
	}
	for name, tt := range map[string]struct {
		err  error
		want []string
	}{
		"too many":     {errors.Join(many...), []string{"*errors.joinError, which can't be printed", "first of many", "another"}},
		"too deep":     {errors.Join(errors.New("beside it"), deep(1000)), []string{"beside it"}},
		"panicking":    {errors.Join(panicsInError{}, errors.New("beside it")), []string{"beside it"}},
		"a loop alone": {loop{}, []string{"status_test.loop, which can't be printed"}},
	} {
		got := new(status.Encoder).Encode(t.Context(), tt.err).Original()
		for _, want := range tt.want {
			if !strings.Contains(got.Error(), want) {
				t.Errorf("%s: Original() = %.300q; want %q in it", name, got, want)
			}
		}
		if len(got.Error()) > 50_000 {
			t.Errorf("%s: Original() has %d bytes", name, len(got.Error()))
		}
	}
	long := new(status.Encoder).Encode(t.Context(), errors.Join(errors.New(strings.Repeat("x", 1<<20)), loop{})).Original()
	if len(long.Error()) > 5000 {
		t.Errorf("Original() of a long text has %d bytes; want it shortened", len(long.Error()))
	}
	if got := new(status.Encoder).Encode(t.Context(), errNoRows).Original(); got != errNoRows {
		t.Errorf("Original() = %v; want the error itself where it can be run", got)
	}
}
