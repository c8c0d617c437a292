package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// TestDecodeReturnsOtherErrors checks that Decode returns err itself if it has no received
// status.
func TestDecodeReturnsOtherErrors(t *testing.T) {
	decoder := new(status.Decoder)
	decoded := decoder.Decode(t.Context(), grpcError(t, grpccodes.Aborted, "again"))
	for name, err := range map[string]error{
		"nil":                 nil,
		"io.EOF":              io.EOF,
		"plain error":         errors.New("plain"),
		"context error":       context.Canceled,
		"code":                codes.Args,
		"Status":              status.Error(codes.Args, "bad"),
		"decoded before":      decoded,
		"decoded and wrapped": fmt.Errorf("retry: %w", decoded),
		"OK status":           okStatus{grpcstatus.New(grpccodes.OK, "")},
		"hostile":             &panics{},
	} {
		if got := decoder.Decode(t.Context(), err); got != err {
			t.Errorf("%s: Decode() = %v; want the error itself", name, got)
		}
	}
}

// TestDecodeKeepsReceivedStatus checks that gRPC reads the received status from a decoded
// error, and that Error keeps the text of an outer error.
func TestDecodeKeepsReceivedStatus(t *testing.T) {
	raw := grpcError(t, grpccodes.Unavailable, "down", info("openim.io", "SRV_NETWORK", "90004"))
	for _, tt := range []struct {
		err  error
		text string
	}{
		{raw, "SrvNetwork: down"},
		{fmt.Errorf("max retries exhausted: %w", raw), "SrvNetwork: max retries exhausted: rpc error: code = Unavailable desc = down"},
	} {
		got := new(status.Decoder).Decode(t.Context(), tt.err)
		if got.Error() != tt.text {
			t.Errorf("Error() = %q; want %q", got, tt.text)
		}
		if grpcstatus.Convert(got) != grpcstatus.Convert(raw) && grpcstatus.Convert(got).String() != grpcstatus.Convert(raw).String() {
			t.Errorf("grpcstatus.Convert() = %v; want the received status", grpcstatus.Convert(got))
		}
		if !errors.Is(got, tt.err) || !errors.Is(got, codes.SrvNetwork) || status.Code(got) != codes.Code(codes.SrvNetwork) {
			t.Errorf("errors.Is(%v) = false for the received error or for the code; want true for both", got)
		}
		if st := status.Convert(got); st.Message() != "down" {
			t.Errorf("Message() = %q; want down", st.Message())
		}
	}
}

// TestDecodeContext checks that errors.Is finds a context error only if the caller's own
// context has ended in the same way.
func TestDecodeContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := t.Context()
		cancelled, cancel := context.WithCancel(live)
		cancel()
		late, cancelLate := context.WithTimeout(live, time.Second)
		defer cancelLate()
		time.Sleep(2 * time.Second) // synctest's clock

		for _, tt := range []struct {
			name string
			ctx  context.Context
			code grpccodes.Code
			want error
		}{
			{"alive, CANCELLED", live, grpccodes.Canceled, nil},
			{"alive, DEADLINE_EXCEEDED", live, grpccodes.DeadlineExceeded, nil},
			{"cancelled, CANCELLED", cancelled, grpccodes.Canceled, context.Canceled},
			{"cancelled, DEADLINE_EXCEEDED", cancelled, grpccodes.DeadlineExceeded, nil},
			{"cancelled, UNAVAILABLE", cancelled, grpccodes.Unavailable, nil},
			{"late, DEADLINE_EXCEEDED", late, grpccodes.DeadlineExceeded, context.DeadlineExceeded},
			{"late, CANCELLED", late, grpccodes.Canceled, nil},
			{"deadline passed before the timer ran", deadlinePassed{live}, grpccodes.DeadlineExceeded, context.DeadlineExceeded},
		} {
			got := new(status.Decoder).Decode(tt.ctx, grpcError(t, tt.code, "x"))
			for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
				if is := errors.Is(got, ended); is != (ended == tt.want) {
					t.Errorf("%s: errors.Is(err, %v) = %t; want %t", tt.name, ended, is, !is)
				}
			}
		}
	})
}

// deadlinePassed is a context whose deadline has passed, but which has not ended yet.
type deadlinePassed struct{ context.Context }

func (deadlinePassed) Deadline() (time.Time, bool) { return time.Now().Add(-time.Nanosecond), true }

// TestDecodeInProcess checks that an error of a server in the same process is treated like
// a received one: its cause is dropped.
func TestDecodeInProcess(t *testing.T) {
	cause := errors.New(secret)
	sent := new(status.Encoder).Encode(t.Context(), status.Wrap(cause, codes.SrvDatabase, "loading")).Err()
	got := new(status.Decoder).Decode(t.Context(), fmt.Errorf("transport: %w", sent))
	if errors.Is(got, cause) || !errors.Is(got, codes.SrvDatabase) {
		t.Errorf("Decode() = %+v; want the code without the cause", got)
	}
	if st := status.Convert(got); st.Origin() != status.OriginKnown || st.Message() != "loading" {
		t.Errorf("Convert() = %v, origin %v; want loading, known", st, st.Origin())
	}
}

// TestDecodeMalformedDetails checks that a detail that can't be decoded is kept, and changes
// nothing else.
func TestDecodeMalformedDetails(t *testing.T) {
	broken := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte{0xff}}
	known, err := anypb.New(info("openim.io", "TOKEN_KICKED", "1506"))
	if err != nil {
		t.Fatal(err)
	}
	otherHost := &anypb.Any{TypeUrl: "types.example/google.rpc.ErrorInfo", Value: known.Value}
	noType := &anypb.Any{Value: []byte{1, 2, 3}}
	for _, tt := range []struct {
		name    string
		details []*anypb.Any
		code    codes.Code
		origin  status.Origin
		kept    int
	}{
		{"broken ErrorInfo", []*anypb.Any{broken}, codes.SdkUnknownCode, status.OriginBare, 1},
		{"broken ErrorInfo before a good one", []*anypb.Any{broken, known}, codes.TokenKicked, status.OriginKnown, 2},
		{"ErrorInfo of another host", []*anypb.Any{otherHost}, codes.TokenKicked, status.OriginKnown, 1},
		{"a detail without a type", []*anypb.Any{noType, known}, codes.TokenKicked, status.OriginKnown, 2},
		{"two ErrorInfos of a known domain", []*anypb.Any{known, otherHost}, codes.TokenKicked, status.OriginKnown, 2},
		{"two ErrorInfos of a known domain, with others between", []*anypb.Any{known, noType, noType, packed(t, info("openim.io", "ARGS", "1001")), noType}, codes.TokenKicked, status.OriginKnown, 5},
	} {
		p := grpcstatus.New(grpccodes.NotFound, "x").Proto()
		p.Details = tt.details
		st := status.FromGRPC(grpcstatus.FromProto(p))
		if st.Code() != tt.code || st.Origin() != tt.origin || len(st.Details()) != tt.kept || st.GRPCCode() != grpccodes.NotFound {
			t.Errorf("%s: FromGRPC() = %v, origin %v, details %v; want %v, %v, %d details", tt.name, st, st.Origin(), st.Details(), tt.code, tt.origin, tt.kept)
		}
	}
}

// TestOriginAndSourceNames checks that every Origin and every Source has its own name.
func TestOriginAndSourceNames(t *testing.T) {
	seen := map[string]bool{}
	for o := status.OriginLocal; o <= status.OriginBare; o++ {
		seen["origin "+o.String()] = true
	}
	for s := status.SourceNone; s <= status.SourcePanic; s++ {
		seen["source "+s.String()] = true
	}
	if len(seen) != 5+14 {
		t.Errorf("the names are %v; want 19 different ones", seen)
	}
	if got := fmt.Sprint(status.Origin(99), status.Source(99)); got != "Origin(99) Source(99)" {
		t.Errorf("names out of range = %q; want Origin(99) Source(99)", got)
	}
}

// TestTrustNames checks the name of each Trust, and which values are valid.
func TestTrustNames(t *testing.T) {
	for trust, want := range map[status.Trust]string{
		status.TrustKnown: "known", status.TrustNone: "none", status.TrustAll: "all", 3: "Trust(3)",
	} {
		if trust.String() != want || trust.Valid() != (trust != 3) {
			t.Errorf("Trust %d: String() = %q, Valid() = %t; want %q, %t", uint8(trust), trust, trust.Valid(), want, trust != 3)
		}
	}
}

// An unchanged Status keeps the received gRPC status, and its error is that of a client.
func TestUnchangedStatusKeepsReceivedStatus(t *testing.T) {
	p := grpcstatus.New(grpccodes.NotFound, "x")
	p, err := p.WithDetails(&errdetails.DebugInfo{Detail: "stack"}, &errdetails.DebugInfo{Detail: "again"})
	if err != nil {
		t.Fatal(err)
	}
	st := status.FromGRPC(p)
	for name, got := range map[string]*grpcstatus.Status{"GRPCStatus": st.GRPCStatus(), "Err": grpcstatus.Convert(st.Err())} {
		if !proto.Equal(got.Proto(), p.Proto()) {
			t.Errorf("%s() = %v; want %v", name, got.Proto(), p.Proto())
		}
	}
	if got := new(status.Encoder).Encode(t.Context(), st.Err()); got.Source() != status.SourceUpstream || st.Err() != st.Err() {
		t.Errorf("Err() = %v, sent by %v; want always the same received error", st.Err(), got.Source())
	}
}

// A table of the default table's domain replaces it: its rows alone count.
func TestTableReplacesTheDefaultRows(t *testing.T) {
	decoder := &status.Decoder{Tables: []*codes.Table{sameDomain}}
	err := decoder.Decode(t.Context(), status.ToGRPC(codes.RecordNotFound).Err())
	if got, want := status.Code(err), sameDomain.Code(1004); got != want {
		t.Errorf("Code() = %T %v; want %T %v", got, got, want, want)
	}
}
