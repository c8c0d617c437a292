package status_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// amending returns an Encoder with one amendment.
func amending(amendment func(st *status.Status) *status.Status) *status.Encoder {
	return &status.Encoder{Amendments: []func(context.Context, *status.Status) *status.Status{
		func(_ context.Context, st *status.Status) *status.Status { return amendment(st) },
	}}
}

// An amendment can take a message away: the fixed one is sent then.
func TestAmendmentTakesMessageAway(t *testing.T) {
	encoder := amending(func(st *status.Status) *status.Status { return st.WithMessage(" ") })
	for _, tt := range []struct {
		err  error
		want string
	}{
		{status.Error(codes.SrvDatabase, secret), "database error"},
		{grpcstatus.Error(grpccodes.Internal, secret), "internal server error"},
		{grpcstatus.Error(1004, secret), "record not found"},
		{received(t, grpccodes.NotFound, secret, info("openim.io", "RECORD_NOT_FOUND", "1004")), "record not found"},
	} {
		if got := encoder.Encode(t.Context(), tt.err).Status().Message(); got != tt.want {
			t.Errorf("%v is sent with the message %q; want %q", tt.err, got, tt.want)
		}
	}
}

// An amendment can't read what isn't sent: a withheld text, a cause, DebugInfo.
func TestAmendmentReadsWhatIsSent(t *testing.T) {
	stack := &errdetails.DebugInfo{Detail: secret}
	untrusted := receivedWith(t, status.TrustNone, grpccodes.Aborted, secret, badRequest(secret))
	for _, err := range []error{
		status.New(codes.Args, "bad").WithDetails(stack).Wrap(errors.New(secret)),
		untrusted,
		status.Convert(untrusted).WithCode(codes.Args).Wrap(untrusted),
		status.Convert(untrusted).WithMetadata("key", "value").Err(),
	} {
		encoder := amending(func(st *status.Status) *status.Status {
			if _, ok := status.Detail[*errdetails.DebugInfo](st.Err()); ok || contains(st, secret) {
				t.Errorf("%v: the amendment reads %v, %v, %+v; want no private text", err, st, st.Details(), st.Err())
			}
			return st.WithDetails(&errdetails.Help{})
		})
		encoder.Encode(t.Context(), err)
	}
}

// contains reports whether a Status has a text anywhere.
func contains(st *status.Status, text string) bool {
	return strings.Contains(fmt.Sprintf("%v %v %v %+v %v", st, st.Details(), st.Metadata(), st.Err(), st.GRPCStatus().Proto()), text)
}

// The result of an amendment may have nothing to do with the given Status. What it has is
// added, to what other amendments add too.
func TestAmendmentsAddUp(t *testing.T) {
	help, links := &errdetails.Help{}, &errdetails.LocalizedMessage{Locale: "de", Message: "x"}
	encoder := &status.Encoder{Amendments: []func(context.Context, *status.Status) *status.Status{
		func(_ context.Context, st *status.Status) *status.Status {
			return st.WithDetails(help).WithMetadata("first", "1")
		},
		func(context.Context, *status.Status) *status.Status {
			return status.New(codes.SrvDatabase, "").WithDetails(links).WithMetadata("second", "2")
		},
		func(_ context.Context, st *status.Status) *status.Status { return st.WithMetadata("third", "3") },
	}}
	st := status.FromGRPC(encoder.Encode(t.Context(), status.Error(codes.Args, "bad")).Status())
	want := map[string]string{"first": "1", "second": "2", "third": "3"}
	if st.Code() != codes.Code(codes.Args) || st.Message() != "bad" || !maps.Equal(st.Metadata(), want) || len(st.Details()) != 3 {
		t.Errorf("sent as %v, metadata %v, details %v; want Args: bad, %v, three details", st, st.Metadata(), st.Details(), want)
	}
}

// An amended status keeps its code, whatever this process's tables say about the number.
func TestAmendmentKeepsCodeOfOtherTable(t *testing.T) {
	upstream := received(t, grpccodes.FailedPrecondition, "x", info("openim.io", "NEW_THING", "7777"))
	local := codes.Default().MustWithRows(codes.Row{Code: codes.ErrorCode(7777), Reason: "OTHER_THING", GRPCCode: grpccodes.NotFound, Message: "other"})
	encoder := amending(func(st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.Help{}).WithMetadata("more", "v")
	})
	encoder.Tables = []*codes.Table{local}
	got := encoder.Encode(t.Context(), upstream)
	first, ok := got.Status().Details()[0].(*errdetails.ErrorInfo)
	if got.Code() != codes.Code(codes.ErrorCode(7777)) || !ok || first.Reason != "NEW_THING" || first.Metadata["more"] != "v" {
		t.Errorf("sent as %v with the code %v; want NEW_THING, 7777 and the metadata first", got.Status().Proto(), got.Code())
	}

	renamed := &status.Encoder{Tables: []*codes.Table{codes.Default().MustWithRows(codes.Row{Code: codes.RecordNotFound, Reason: "RENAMED", GRPCCode: grpccodes.NotFound, Message: "x"})}}
	if code, ok := status.Declared(renamed.Encode(t.Context(), codes.RecordNotFound).Err()); !ok || code != codes.Code(codes.RecordNotFound) {
		t.Errorf("Declared() = %v, %t; want RecordNotFound of the encoded error", code, ok)
	}
}

// A brokenCode is a code whose Number panics once codes are broken.
type brokenCode int32

var broken atomic.Bool

func (c brokenCode) Number() codes.Number {
	if broken.Load() {
		panic("number")
	}
	return codes.Number(c)
}

func (c brokenCode) Error() string       { return "broken" }
func (c brokenCode) Table() *codes.Table { return codes.Default() }

// An amendment's Status whose code panics adds nothing, and the panic is reported.
func TestAmendmentWithCodeThatPanics(t *testing.T) {
	made := status.New(brokenCode(codes.Args), "x").WithMetadata("more", "v")
	broken.Store(true)
	defer broken.Store(false)
	got := amending(func(*status.Status) *status.Status { return made }).Encode(t.Context(), codes.SrvDatabase)
	if got.Code() != codes.Code(codes.SrvDatabase) || status.Convert(got.Err()).Metadata() != nil || got.Panic() == nil {
		t.Errorf("sent as %v, panic %v; want SrvDatabase without metadata, and the panic", got.Status().Proto(), got.Panic())
	}
}

// An amendment doesn't hide the metadata keys that are dropped.
func TestAmendmentKeepsDroppedKeys(t *testing.T) {
	bare := status.Convert(received(t, grpccodes.NotFound, "x")).WithMetadata("mine", "v").WithMetadata("Bad", "v").Err()
	encoder := amending(func(st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.Help{}).WithMetadata("more", "v")
	})
	if got := encoder.Encode(t.Context(), bare).DroppedKeys(); !slices.Equal(got, []string{"Bad", "mine", "more"}) {
		t.Errorf("DroppedKeys() = %q; want Bad, mine and more", got)
	}
}

// A rule whose Status says nothing doesn't match: the error is decided as without the rule.
func TestRuleThatConvertsAPlainErrorDoesNotMatch(t *testing.T) {
	encoder := &status.Encoder{Rules: []status.Rule{{Func: func(_ context.Context, err error) *status.Status { return status.Convert(err) }}}}
	for err, want := range map[error]status.Source{
		errors.New("disk on fire"): status.SourceUnknown,
		context.DeadlineExceeded:   status.SourceDeadline,
	} {
		if got := encoder.Encode(t.Context(), err).Source(); got != want {
			t.Errorf("Encode(%v) is from %v; want %v", err, got, want)
		}
	}
}

// A panic of the handler is reported, whatever else is in the error.
func TestPanicBesideACodeIsReported(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{errors.Join(status.Recovered("boom"), codes.Args), errors.Join(context.Canceled, status.Recovered("boom"))} {
		if got := new(status.Encoder).Encode(ended, err); got.Panic() == nil {
			t.Errorf("Encode(%v) = %v without a panic; want it reported", err, got.Status())
		}
	}
}

// The reported request id is the one that is sent. An odd one isn't read.
func TestRequestIDIsThatOfTheStatus(t *testing.T) {
	odd := grpcError(t, grpccodes.Aborted, "x", &errdetails.RequestInfo{RequestId: "two\nlines"})
	if got := status.RequestID(odd) + new(status.Encoder).Encode(t.Context(), decoded(odd)).UpstreamRequestID(); got != "" {
		t.Errorf("RequestID() and UpstreamRequestID() = %q; want none", got)
	}
	encoder := &status.Encoder{RequestID: func(context.Context) string { return "rpc-7" }}
	if got := encoder.Encode(t.Context(), codes.Args); got.RequestID() != "rpc-7" || status.RequestID(got.Status().Err()) != "rpc-7" {
		t.Errorf("RequestID() = %q, sent as %q; want rpc-7 for both", got.RequestID(), status.RequestID(got.Status().Err()))
	}
}

// A type that embeds a message is no message type of its own.
func TestDetailOfAnEmbeddingType(t *testing.T) {
	type embedding struct{ *errdetails.BadRequest }
	err := status.New(codes.Args, "").WithDetails(badRequest("name")).Err()
	if got, ok := status.Detail[embedding](err); ok {
		t.Errorf("Detail() = %v, true; want none", got)
	}
}
