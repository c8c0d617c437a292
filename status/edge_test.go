package status_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/status"
)

// guess is a received Status whose code is a guess, as a handler's own.
func guess(c grpccodes.Code) error { return status.FromGRPC(grpcstatus.New(c, "guess")).Err() }

// TestFirstOfAKindDecides decides where an error says more than one thing, and what is decided already
// comes back as it is.
func TestFirstOfAKindDecides(t *testing.T) {
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

// TestTheThousandthError is the last that is searched, the root among them.
func TestTheThousandthError(t *testing.T) {
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
type tableless int32

var zeroTable codes.Table

func (tableless) Error() string          { return "x" }
func (c tableless) Number() codes.Number { return codes.Number(c) }
func (tableless) Table() *codes.Table    { return &zeroTable }

// TestCodesThatCantBeSent count as none: those of an empty table, and nil pointers.
func TestCodesThatCantBeSent(t *testing.T) {
	if got := new(status.Encoder).Encode(t.Context(), tableless(3)); got.Code() != codes.Code(codes.ServerInternal) || got.Panic() != nil {
		t.Errorf("%v, panic %v; want ServerInternal", got.Code(), got.Panic())
	}
	if st := status.New((*codes.ErrorCode)(nil), "x"); st.Code() != codes.Code(codes.ServerInternal) {
		t.Errorf("New() = %v; want ServerInternal", st)
	}
	if st := status.New(tableless(3), "x"); st.Code() != codes.Code(codes.ServerInternal) {
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

// TestBudgetCounts the pushback, what an earlier hop has left out, and what only a peer sends.
func TestBudgetCounts(t *testing.T) {
	e := &status.Encoder{MaxSize: 1500, RetryPushback: true}
	got := e.Encode(t.Context(), status.New(codes.Args, strings.Repeat("x", 3000)).WithRetryDelay(time.Hour).Err())
	if got.Size() > 1500 || got.Trailer() == nil {
		t.Errorf("%d bytes, trailer %v; want 1500 at most, and the pushback", got.Size(), got.Trailer())
	}
	long := status.New(codes.Args, strings.Repeat("x", 3000)).Err()
	if a, b := (&status.Encoder{MaxSize: -1}).Encode(t.Context(), long), (&status.Encoder{MaxSize: status.LeastMaxSize}).Encode(t.Context(), long); !proto.Equal(a.Status().Proto(), b.Status().Proto()) {
		t.Errorf("a size of -1 gives %d bytes; want %d, as the least", a.Size(), b.Size())
	}
	// Details at the first hop, the message at the second.
	first := (&status.Encoder{}).Encode(t.Context(), status.New(codes.Args, strings.Repeat("x", 1000)).WithDetails(badRequest(strings.Repeat("x", 9000))).Err())
	second := (&status.Encoder{MaxSize: 1024}).Encode(t.Context(), decoded(first.Status().Err()))
	if got := status.FromGRPC(second.Status()).Metadata()["truncated"]; first.Truncated().String() != "details" || second.Truncated().String() != "message" || got != "details,message" {
		t.Errorf("left out %q, then %q, and said %q; want details, then message, and both", first.Truncated().String(), second.Truncated().String(), got)
	}
	raw := errorinfo.Append(nil, "RECORD_NOT_FOUND", "openim.io", "1004", nil)
	raw = protowire.AppendTag(raw, 99, protowire.BytesType)
	raw = protowire.AppendBytes(raw, make([]byte, 5000))
	p := grpcstatus.New(grpccodes.NotFound, "x").Proto()
	p.Details = []*anypb.Any{{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: raw}}
	if got := new(status.Encoder).Encode(t.Context(), decoded(grpcstatus.FromProto(p).Err())); got.Size() > 4096 || got.Truncated() != 0 {
		t.Errorf("%d bytes, left out %q; want the unknown field to go alone", got.Size(), got.Truncated().String())
	}
	for name, i := range map[string]*errdetails.ErrorInfo{
		"ERROR_CODE_1305": info("openim.io", strings.Repeat("R", 5000), "1305"),
		"NEVER_HEARD":     info("openim.io", "NEVER_HEARD", strings.Repeat("1", 5000)),
	} {
		got := new(status.Encoder).Encode(t.Context(), decoded(grpcError(t, grpccodes.NotFound, "x", i)))
		if r := status.FromGRPC(got.Status()).Reason(); r != name || got.Size() > 4096 {
			t.Errorf("reason %q in %d bytes; want %s", r, got.Size(), name)
		}
	}
}

// wordy codes have the longest domain and reason.
type wordy int32

func (wordy) Error() string          { return "x" }
func (c wordy) Number() codes.Number { return codes.Number(c) }
func (wordy) Table() *codes.Table    { return wordyTable }

var wordyTable *codes.Table

// TestBudgetOfTheLongestRow holds for the longest domain, reason and number.
func TestBudgetOfTheLongestRow(t *testing.T) {
	for n := 1; n < 200; n++ {
		m := strings.Repeat("%", n)
		wordyTable = codes.MustTable(strings.Repeat("d", 253),
			codes.Row{Code: wordy(1<<31 - 1), Reason: strings.Repeat("R", 63), GRPCCode: grpccodes.Internal, Message: m, Default: true},
			codes.Row{Code: wordy(2), Reason: "UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "x", Default: true})
		for _, err := range []error{wordy(1<<31 - 1), status.Error(wordy(1<<31-1), "")} {
			got := (&status.Encoder{MaxSize: 1024}).Encode(t.Context(), err)
			if got.Size() > 1024 {
				t.Fatalf("a message of %d percent signs: %d bytes; want 1024 at most", n, got.Size())
			}
		}
	}
}

// TestReasonIsSentOnWithItsNumber also where the peer sent another number, or none.
func TestReasonIsSentOnWithItsNumber(t *testing.T) {
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

// TestSiblingsShareNothing of the keys that were dropped, and an Any loses what only bloats it.
func TestSiblingsShareNothing(t *testing.T) {
	base := status.New(codes.Args, "").WithMetadata("X1", "").WithMetadata("X2", "").WithMetadata("X3", "")
	a, b := base.WithMetadata("A", ""), base.WithMetadata("B", "")
	for want, st := range map[string]*status.Status{"A": a, "B": b} {
		if got := new(status.Encoder).Encode(t.Context(), st.Err()).DroppedKeys(); got[0] != want || len(got) != 4 {
			t.Errorf("dropped keys %q; want %q among them, and not its sibling's", got, want)
		}
	}
	x := &anypb.Any{TypeUrl: "x/a.B", Value: []byte("v")}
	x.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 77, protowire.VarintType), 5))
	if got := new(status.Encoder).Encode(t.Context(), status.New(codes.Args, "").WithDetails(x).Err()).Status().Proto().Details[1]; len(got.ProtoReflect().GetUnknown()) > 0 {
		t.Error("unknown fields of an Any are sent")
	}
}

// TestContextsTextStays: an interceptor's own context can say anything.
func TestContextsTextStays(t *testing.T) {
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
	for _, err := range []error{badCode(1004), fmt.Errorf("%w", errors.Join(badCode(1004)))} {
		got := new(status.Encoder).Encode(t.Context(), err)
		if got.Status().Code() != grpccodes.NotFound || !got.Broken() {
			t.Errorf("%v, broken %t; want NOT_FOUND, broken", got.Status(), got.Broken())
		}
		if chain := got.Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 0 {
			t.Errorf("Err() leads to %d errors; want none", len(chain))
		}
	}
	rule := &status.Encoder{Rules: []status.Rule{{Target: errNoRows, Code: badCode(1004)}}}
	if chain := rule.Encode(t.Context(), errNoRows).Err().(interface{ Unwrap() []error }).Unwrap(); len(chain) != 1 || chain[0] != errNoRows {
		t.Errorf("by a rule, Err() leads to %v; want the handler's error alone", chain)
	}
	for _, err := range []error{badTable(1004), fmt.Errorf("%w", badTable(1004))} {
		if got := new(status.Encoder).Encode(t.Context(), err); got.Status().Code() != grpccodes.Internal || got.Panic() == nil {
			t.Errorf("where the code's table panics: %v, panic %v; want INTERNAL, and the panic", got.Status(), got.Panic())
		}
	}
}

type (
	badCode  int32
	badTable int32
)

func (badCode) Error() string           { panic("Error") }
func (badCode) Is(error) bool           { panic("Is") }
func (c badCode) Number() codes.Number  { return codes.Number(c) }
func (badCode) Table() *codes.Table     { return codes.Default() }
func (badTable) Error() string          { return "x" }
func (c badTable) Number() codes.Number { return codes.Number(c) }
func (badTable) Table() *codes.Table    { panic("Table") }

// TestReducingAPeersErrorInfo: what has no bound in it goes first, and nothing is
// said to have been left out for that; the code stays what it was.
func TestReducingAPeersErrorInfo(t *testing.T) {
	long := strings.Repeat("R", 5000)
	peers := func(reason, number, truncated string, details ...proto.Message) error {
		i := info("openim.io", reason, number)
		if truncated != "" {
			i.Metadata["truncated"] = truncated
		}
		return decoded(grpcError(t, grpccodes.Internal, "hello", append([]proto.Message{i}, details...)...))
	}
	for name, err := range map[string]error{
		"a reason that contradicts its number": peers(long, "1004", ""),
		"a reason of an unknown number":        peers(long, "1305", ""),
		"a list of cuts":                       peers("RECORD_NOT_FOUND", "1004", strings.Repeat("z", 5000)),
		"a list of cuts, and a detail":         peers("RECORD_NOT_FOUND", "1004", strings.Repeat(",", 5000), badRequest("name")),
	} {
		before := status.Code(err)
		got := new(status.Encoder).Encode(t.Context(), err)
		after := status.FromGRPC(got.Status())
		if after.Code() != before || got.Code() != before {
			t.Errorf("%s: %v was sent on as %v", name, before, after.Code())
		}
		if got.Truncated() != 0 || after.Truncated() != 0 || after.Message() != "hello" {
			t.Errorf("%s: left out %q, message %q; want nothing left out", name, got.Truncated().String(), after.Message())
		}
		if _, had := status.Detail[*errdetails.BadRequest](err); had {
			if _, ok := status.Detail[*errdetails.BadRequest](got.Status().Err()); !ok {
				t.Errorf("%s: the BadRequest is lost", name)
			}
		}
	}
	odd := status.Convert(peers("RECORD_NOT_FOUND", "1004", "evil\n,message,metadata"))
	if got := odd.Truncated().String(); got != "metadata,message" {
		t.Errorf("Truncated() = %q; want what we know, in our order", got)
	}
}

// TestBrokenErrorIsSummed: an error that wraps too much is to be found out about
// all the same.
func TestBrokenErrorIsSummed(t *testing.T) {
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

// TestOnePushback: an interceptor that makes another status of one that pushes
// back already adds no second, which would forbid the retry.
func TestOnePushback(t *testing.T) {
	encoder := &status.Encoder{RetryPushback: true}
	inner := encoder.Encode(t.Context(), status.New(codes.Args, "").WithRetryDelay(time.Second).Err())
	outer := encoder.Encode(t.Context(), status.New(codes.SrvDatabase, "").WithRetryDelay(time.Minute).Wrap(inner.Err()))
	if inner.Trailer() == nil || outer.Trailer() != nil || outer.Code() != codes.Code(codes.SrvDatabase) {
		t.Errorf("trailers %v, then %v; want one", inner.Trailer(), outer.Trailer())
	}
}

// TestCostOfAPeersBytes is in proportion to them: what takes the square of their
// number would not end in time.
func TestCostOfAPeersBytes(t *testing.T) {
	p := grpcstatus.New(grpccodes.NotFound, "x").Proto()
	for i := range 100_000 {
		p.Details = append(p.Details, &anypb.Any{TypeUrl: fmt.Sprintf("x/a.B%d", i)})
	}
	received := status.FromGRPC(grpcstatus.FromProto(p))
	bad := &errdetails.ErrorInfo{Domain: "openim.io", Metadata: map[string]string{}}
	for i := range 100_000 {
		bad.Metadata[fmt.Sprintf("BAD%d", i)] = "x"
	}
	st := status.New(codes.Args, "").WithDetails(received.Details()...).WithDetails(bad)
	got := (&status.Encoder{MaxSize: 1 << 30}).Encode(t.Context(), st.Err())
	if len(got.DroppedKeys()) != 100_000 || len(got.Status().Proto().Details) != 100_001 {
		t.Errorf("%d keys dropped, %d details; want all", len(got.DroppedKeys()), len(got.Status().Proto().Details))
	}
	if cut := new(status.Encoder).Encode(t.Context(), st.Err()); cut.Size() > status.DefaultMaxSize || cut.Truncated().String() != "details" {
		t.Errorf("%d bytes, left out %q", cut.Size(), cut.Truncated().String())
	}
}
