package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// Random errors, statuses and encoders, and what holds for all of them.

// Wrappers of users' own, whose text is made when it is asked for.
type (
	lazyTextWrap      struct{ inner error }
	wrapIs            struct{ lazyTextWrap }
	wrapAs            struct{ lazyTextWrap }
	wrapPanicsInIs    struct{ lazyTextWrap } // panics when it is asked for a deadline
	wrapPanicsInAs    struct{ lazyTextWrap }
	wrapGRPC          struct{ lazyTextWrap }
	wrapPanicsInError struct{ lazyTextWrap } // its text panics
	panicsInErrorText struct{}
)

func (w lazyTextWrap) Error() string { return "lazy: " + w.inner.Error() }
func (w lazyTextWrap) Unwrap() error { return w.inner }

func (wrapIs) Is(target error) bool     { return target == context.DeadlineExceeded }
func (wrapAs) As(any) bool              { return false }
func (wrapPanicsInAs) As(any) bool      { panic("in As") }
func (wrapPanicsInError) Error() string { panic("in Error") }
func (panicsInErrorText) Error() string { panic("in Error") }

func (wrapPanicsInIs) Is(target error) bool {
	if target == context.DeadlineExceeded {
		panic("in Is")
	}
	return false
}

func (wrapGRPC) GRPCStatus() *grpcstatus.Status {
	return grpcstatus.New(grpccodes.Aborted, "aborted")
}

// A muttering is a code whose text panics.
type panicTextCode int32

var panicTextTable = codes.MustTable("bad.example",
	codes.Row{Code: panicTextCode(1), Reason: "BAD_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: panicTextCode(2), Reason: "BAD_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
)

func (panicTextCode) Error() string          { panic("in Error") }
func (c panicTextCode) Number() codes.Number { return codes.Number(c) }
func (panicTextCode) Table() *codes.Table    { return panicTextTable }

// randomError is an error of any kind that a handler can return.
func randomError(r *rand.Rand, depth int) error {
	if depth == 0 || r.IntN(4) == 0 {
		return randomLeaf(r)
	}
	inner := randomError(r, depth-1)
	switch r.IntN(18) {
	case 0:
		return errors.Join(inner, randomError(r, depth-1))
	case 1:
		return fmt.Errorf("both: %w, %w", randomError(r, depth-1), inner)
	case 2:
		return lazyTextWrap{inner}
	case 3:
		return wrapIs{lazyTextWrap{inner}}
	case 4:
		return wrapAs{lazyTextWrap{inner}}
	case 5:
		return wrapGRPC{lazyTextWrap{inner}}
	case 6:
		return wrapPanicsInError{lazyTextWrap{inner}}
	case 7:
		return encodeError(inner)
	case 8:
		return nested(inner, r.IntN(70))
	case 9:
		return wrapPanicsInIs{lazyTextWrap{inner}}
	case 10:
		return wrapPanicsInAs{lazyTextWrap{inner}}
	case 11, 12:
		return status.Wrap(inner, randomCode(r), "around")
	}
	return fmt.Errorf("wrapped: %w", inner)
}

func randomLeaf(r *rand.Rand) error {
	switch r.IntN(17) {
	case 14:
		return new(status.Decoder).Decode(context.Background(), wrapPanicsInError{lazyTextWrap{randomStatus(r).Err()}})
	case 15:
		return new(codes.RecordNotFound)
	case 16:
		return embeddingCode{ErrorCode: codes.RecordNotFound}
	case 0:
		return errors.New("leaf")
	case 1:
		return context.DeadlineExceeded
	case 2:
		return loop{}
	case 3:
		return &panics{}
	case 4:
		return panicsInErrorText{}
	case 5:
		return status.Recovered("panic")
	case 6:
		return grpcstatus.Error(grpccodes.Code(r.IntN(20)), "of gRPC")
	case 7:
		return new(status.Decoder).Decode(context.Background(), randomStatus(r).Err())
	case 8:
		return status.FromGRPC(randomStatus(r)).Err()
	case 9, 10, 11:
		if err := randomShort(r).Err(); err != nil {
			return err
		}
		return io.EOF
	}
	return randomCode(r)
}

func randomCode(r *rand.Rand) codes.Code {
	switch r.IntN(8) {
	case 0:
		return codes.ErrorCode(r.IntN(3) - 1)
	case 1:
		return codes.ErrorCode(1305)
	case 2:
		return shopCode(r.IntN(4))
	case 3:
		return nilTableCode(1)
	case 4:
		return panicTextCode(1)
	}
	known := []codes.ErrorCode{codes.RecordNotFound, codes.Args, codes.SrvDatabase, codes.TokenExpired, codes.ServerInternal}
	return known[r.IntN(len(known))]
}

// randomShort is a Status with a code, often a message, and seldom more.
func randomShort(r *rand.Rand) *status.Status {
	st := status.New(randomCode(r), randomText(r))
	switch r.IntN(10) {
	case 0:
		st = st.WithMetadata("key", "value").WithMetadata("Bad key", "value")
	case 1:
		st = st.WithDetails(badRequest("name"), &errdetails.DebugInfo{Detail: "stack"})
	case 2:
		st = st.WithRetryDelay(time.Duration(r.IntN(3)-1) * time.Second)
	}
	return st
}

func randomText(r *rand.Rand) string {
	return []string{"", "a text", "100 % – é\n", "not \xff UTF-8", strings.Repeat("long ", 300), strings.Repeat("%", 2000)}[r.IntN(6)]
}

// randomStatus is a status as a peer may have sent it, never a success.
func randomStatus(r *rand.Rand) *grpcstatus.Status {
	var details []proto.Message
	for range r.IntN(3) {
		switch r.IntN(4) {
		case 0:
			details = append(details, badRequest("name"))
		case 1:
			details = append(details, info("storage.example", "NO_BUCKET", "1004"))
		case 2:
			reason := []string{"", "RECORD_NOT_FOUND", "ARGS", "NEVER_HEARD", "ERROR_CODE_1305"}[r.IntN(5)]
			number := []string{"", "1004", "1305", "0", "-1", "01004"}[r.IntN(6)]
			details = append(details, info([]string{"openim.io", "shop.example"}[r.IntN(2)], reason, number))
		case 3:
			details = append(details, status.New(codes.RecordNotFound, "").WithMetadata("key", "value").Details()[0])
		}
	}
	code := grpccodes.Code(1 + r.IntN(18))
	if r.IntN(4) == 0 {
		code = 1004
	}
	st := grpcstatus.New(code, "received")
	p := st.Proto()
	for _, d := range details {
		if packed, err := anypb.New(d); err == nil {
			p.Details = append(p.Details, packed)
		}
	}
	return grpcstatus.FromProto(p)
}

func randomEncoder(r *rand.Rand) *status.Encoder {
	e := &status.Encoder{RetryPushback: r.IntN(3) == 0, DebugInfo: r.IntN(5) == 0, OpenIMForm: r.IntN(4) == 0}
	if r.IntN(3) == 0 {
		e.Tables = []*codes.Table{overrideTable}
	}
	if r.IntN(3) == 0 {
		e.MaxSize = status.LeastMaxSize + r.IntN(2000)
	}
	if r.IntN(3) == 0 {
		e.Rules = rules(3)
	}
	return e
}

// TestEncodeInvariants checks what holds for whatever a handler returns. Each error is
// encoded twice: the second time, what is kept of the first is used.
func TestEncodeInvariants(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var simple int
	for range 10_000 {
		err := randomError(r, 4)
		if err == nil {
			continue // a Status of NoError
		}
		encoder := randomEncoder(r)
		if status.IsSimple(err) {
			simple++
		}
		first, second := encoder.Encode(ctx, err), encoder.Encode(ctx, err)
		if !proto.Equal(first.Status().Proto(), second.Status().Proto()) || first.Source() != second.Source() {
			t.Errorf("encoded as %v of %v, then as %v of %v; want the same", first.Status(), first.Source(), second.Status(), second.Source())
		}
		for _, encoded := range []status.Encoded{first, second} {
			checkSent(t, encoder, encoded)
			checkChain(t, err, encoded)
		}
		if t.Failed() {
			t.Fatalf("%T of encoder %+v", err, encoder)
		}
	}
	if simple < 500 {
		t.Errorf("%d of 10,000 were simple; want enough of them too", simple)
	}
}

// checkSent checks what the caller gets.
func checkSent(t *testing.T, encoder *status.Encoder, encoded status.Encoded) {
	t.Helper()
	sent := encoded.Status().Proto()
	numeric := sent.GetCode() > int32(grpccodes.Unauthenticated)
	if sent.GetCode() < 1 || numeric && (!encoder.OpenIMForm || encoded.Code() == nil || codes.Number(sent.GetCode()) != encoded.Code().Number()) && encoded.Source() != status.SourceEncoded {
		t.Errorf("grpc-status %d of %v", sent.GetCode(), encoded.Code())
	}
	if encoded.GRPCCode() < 1 || encoded.GRPCCode() > grpccodes.Unauthenticated || !numeric && encoded.GRPCCode() != encoded.Status().Code() {
		t.Errorf("canonical code %v of grpc-status %d", encoded.GRPCCode(), sent.GetCode())
	}
	if !utf8.ValidString(sent.GetMessage()) {
		t.Errorf("message %q; want UTF-8", sent.GetMessage())
	}
	limit := encoder.MaxSize
	if limit == 0 {
		limit = status.DefaultMaxSize
	}
	if size := encoded.Size(); size > limit && encoded.Source() != status.SourceEncoded {
		t.Errorf("%d bytes; want %d at most", size, limit)
	}
	text := fmt.Sprint(sent)
	for _, private := range []string{"lazy:", "wrapped:", "both:", "leaf", "in Error", "panic"} {
		if strings.Contains(text, private) {
			t.Errorf("%q is in what is sent, %q; want no private text", private, text)
		}
	}
	received := (&status.Decoder{Tables: encoder.Tables}).FromGRPC(encoded.Status())
	if encoded.Source() == status.SourceCode && encoded.Code().Table().Domain() == "openim.io" && received.Code() != encoded.Code() {
		t.Errorf("received as %v; want %v", received.Code(), encoded.Code())
	}
}

// checkChain checks what interceptors outside of the server's get.
func checkChain(t *testing.T, err error, encoded status.Encoded) {
	t.Helper()
	resolved := encoded.Err()
	if got := grpcstatus.Convert(resolved); !proto.Equal(got.Proto(), encoded.Status().Proto()) || resolved.Error() != got.Message() {
		t.Errorf("Err() = %v with %v; want %v", resolved, got, encoded.Status())
	}
	_, panics := encoded.Code().(panicTextCode) // it is left out
	if encoded.Code() != nil && !panics && !errors.Is(resolved, encoded.Code()) {
		t.Errorf("Err() doesn't lead to %T %d", encoded.Code(), encoded.Code().Number())
	}
	again := new(status.Encoder).Encode(context.Background(), resolved)
	if again.Err() != resolved || again.Source() != status.SourceEncoded || again.Code() != encoded.Code() || again.GRPCCode() != encoded.GRPCCode() {
		t.Errorf("encoded again, %+v; want the same error of SourceEncoded", again)
	}
	if !encoded.Broken() && !identical(encoded.Original(), err) {
		t.Errorf("Original() = %T; want the error itself", encoded.Original())
	}
	if _, unsafe := status.SafeToRun(encoded.Err()); unsafe != nil {
		t.Errorf("Err() panics: %v", unsafe)
	}
}

// identical compares what can be compared; of the rest the type.
func identical(a, b error) bool {
	if !reflect.ValueOf(a).Comparable() {
		return reflect.TypeOf(a) == reflect.TypeOf(b)
	}
	return a == b
}

// TestOnlyRowsAreCached: a peer can make a proxy send any number of numbers.
func TestOnlyRowsAreCached(t *testing.T) {
	status.ToGRPC(codes.Args)
	before := status.KeptCodes()
	for number := range 1000 {
		status.ToGRPC(codes.ErrorCode(1<<20 + number))
	}
	if after := status.KeptCodes(); before == 0 || after != before {
		t.Errorf("something is kept of %d codes, and of %d after 1000 numbers without a row", before, after)
	}
}

// TestShortStatusMatchesRow: what is kept with a row is sent as the Status says, and its size is
// not underestimated.
func TestShortStatusMatchesRow(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		st := randomShort(r)
		if st.Code().Number() <= 0 {
			continue
		}
		for _, table := range []*codes.Table{st.Code().Table(), overrideTable} {
			if table.Domain() != st.Code().Table().Domain() {
				continue
			}
			got, size, short := status.EncodeShort(st, table)
			if !short {
				continue
			}
			row, _ := table.Lookup(st.Code().Number())
			message := st.Message()
			if message == codes.RowOf(st.Code()).Message {
				message = row.Message
			}
			if got.Code() != row.GRPCCode || got.Message() != message || len(got.Details()) != 1 || size < testrpc.HeaderListSize(got, nil) {
				t.Fatalf("%v is sent as %v of %d bytes; want %v, %q, %d bytes", st, got.Proto(), size, row.GRPCCode, message, testrpc.HeaderListSize(got, nil))
			}
			info := got.Details()[0].(*errdetails.ErrorInfo)
			if info.Reason != row.Reason || info.Domain != table.Domain() || info.Metadata["code"] != fmt.Sprint(int(st.Code().Number())) {
				t.Fatalf("%v is sent with %v; want that of %v", st, info, row)
			}
		}
	}
}

// TestHeaderSize: the size that decides what is truncated is that of the headers.
func TestHeaderSize(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 5000 {
		gst := randomStatus(r)
		if r.IntN(2) == 0 {
			p := gst.Proto()
			p.Message = strings.ToValidUTF8(randomText(r), "?")
			gst = grpcstatus.FromProto(p)
		}
		if got, want := status.HeaderSize(gst), testrpc.HeaderListSize(gst, nil); got != want {
			t.Fatalf("the size of %v is %d; want %d", gst.Proto(), got, want)
		}
	}
}

// TestManyForwardedDetailTypes: of a peer's details each type goes on once, however many
// types there are.
func TestManyForwardedDetailTypes(t *testing.T) {
	p := codes.RecordNotFound.GRPCStatus().Proto()
	for i := range 24 {
		p.Details = append(p.Details, &anypb.Any{TypeUrl: fmt.Sprint("type.googleapis.com/peers.Type", i%12)})
	}
	sent := status.ToGRPC(new(status.Decoder).Decode(t.Context(), grpcstatus.ErrorProto(p))).Proto()
	if got := len(sent.GetDetails()); got != 1+12 {
		t.Errorf("%d details go on; want the ErrorInfo and one of each of 12 types", got)
	}
}

// TestErrorInfoBytes are written as protobuf does.
func TestErrorInfoBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	keys := []string{"a-key", "zone", "codd", "codf", "code2", "userID", "cod", "co", "x1", "y1"}
	for range 2000 {
		st := status.New(codes.RecordNotFound, "")
		for range r.IntN(12) {
			st = st.WithMetadata(keys[r.IntN(len(keys))], randomText(r))
		}
		want := info("openim.io", "RECORD_NOT_FOUND", "1004")
		maps.Copy(want.Metadata, st.Metadata())
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := status.ErrorInfo(st); string(got) != string(b) {
			t.Fatalf("the ErrorInfo of %v is\n%q; want\n%q", st.Metadata(), got, b)
		}
	}
}

// sameDomain takes the place of the default table, and has none of its rows.
var sameDomain = codes.MustTable("openim.io",
	codes.Row{Code: shopBroken, Reason: "SHOP_BROKEN", GRPCCode: grpccodes.Internal, Message: "the shop is broken", Default: true},
	codes.Row{Code: shopUnknown, Reason: "SHOP_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "who knows", Default: true},
)

// TestDecodeInvariants checks what holds for whatever a client receives.
func TestDecodeInvariants(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 20_000 {
		gst := randomStatus(r)
		decoder := &status.Decoder{}
		switch r.IntN(4) {
		case 0:
			decoder.Tables = []*codes.Table{overrideTable}
		case 1:
			decoder.Tables = []*codes.Table{shop}
		case 2:
			decoder.Tables = []*codes.Table{sameDomain}
		}
		err := decoder.Decode(t.Context(), gst.Err())
		st := status.Convert(err)
		if st.Code().Number() <= 0 || status.Code(err) != st.Code() || !errors.Is(err, st.Code()) {
			t.Fatalf("%v has code %v, and its Status %v; want one code", gst.Proto(), status.Code(err), st.Code())
		}
		if !proto.Equal(grpcstatus.Convert(err).Proto(), gst.Proto()) || !proto.Equal(st.GRPCStatus().Proto(), gst.Proto()) {
			t.Fatalf("%v is kept as %v", gst.Proto(), grpcstatus.Convert(err).Proto())
		}
		if canonical := st.GRPCCode(); canonical < 1 || canonical > grpccodes.Unauthenticated {
			t.Fatalf("%v has canonical code %v", gst.Proto(), canonical)
		}
		if st.Message() != gst.Message() || len(st.Details()) != len(gst.Proto().GetDetails()) && st.Origin() != status.OriginNumeric {
			t.Fatalf("%v has message %q and details %v", gst.Proto(), st.Message(), st.Details())
		}
		if carried := st.Origin() == status.OriginKnown || st.Origin() == status.OriginNumeric; carried != (st.Domain() != "") {
			t.Fatalf("%v of origin %v has domain %q", gst.Proto(), st.Origin(), st.Domain())
		}
	}
}

// TestDecodeNilGRPCError: a nil pointer in an error is none that gRPC returns, and
// comes back as it is.
func TestDecodeNilGRPCError(t *testing.T) {
	err := reflect.Zero(reflect.TypeOf(grpcstatus.Error(grpccodes.Aborted, ""))).Interface().(error)
	if got := new(status.Decoder).Decode(t.Context(), err); got != err {
		t.Errorf("Decode of a nil pointer is a %T; want it as it is", got)
	}
}

// TestLongestPrefix skips no rune that doesn't fit.
func TestLongestPrefix(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 3000 {
		var text strings.Builder
		for range r.IntN(600) {
			text.WriteRune([]rune{'a', '%', 'é', '日', '😀'}[r.IntN(5)])
		}
		room := r.IntN(3000)
		spare := func(end int) int { // what a message's beginning takes at most
			return room - (3*end + (4*end+2)/3 + 2)
		}
		want := 0
		for i, c := range text.String() {
			if end := i + utf8.RuneLen(c); spare(end) >= 0 {
				want = end
			}
		}
		if got := status.LongestPrefix(text.String(), spare); got != want {
			t.Fatalf("LongestPrefix of %d bytes in %d = %d; want %d", text.Len(), room, got, want)
		}
	}
}
