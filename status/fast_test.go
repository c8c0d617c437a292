package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/errstatus/errstatus/status"
)

// Each fast path gives what the plain one beside it does, whatever the input.

// Wrappers of users' own, whose text is made when it is asked for.
type (
	lazyWrap  struct{ inner error }
	wrapIs    struct{ lazyWrap }
	wrapAs    struct{ lazyWrap }
	wrapBadIs struct{ lazyWrap } // panics when it is asked for a deadline
	wrapBadAs struct{ lazyWrap }
	wrapGRPC  struct{ lazyWrap }
	wrapBad   struct{ lazyWrap } // its text panics
	badInText struct{}
)

func (w lazyWrap) Error() string { return "lazy: " + w.inner.Error() }
func (w lazyWrap) Unwrap() error { return w.inner }

func (wrapIs) Is(target error) bool { return target == context.DeadlineExceeded }
func (wrapAs) As(any) bool          { return false }
func (wrapBadAs) As(any) bool       { panic("in As") }
func (wrapBad) Error() string       { panic("in Error") }
func (badInText) Error() string     { panic("in Error") }

func (wrapBadIs) Is(target error) bool {
	if target == context.DeadlineExceeded {
		panic("in Is")
	}
	return false
}

func (wrapGRPC) GRPCStatus() *grpcstatus.Status {
	return grpcstatus.New(grpccodes.Aborted, "aborted")
}

// A muttering is a code whose text panics.
type muttering int32

var mutteringCodes = codes.MustTable("bad.example",
	codes.Row{Code: muttering(1), Reason: "BAD_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: muttering(2), Reason: "BAD_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
)

func (muttering) Error() string       { panic("in Error") }
func (c muttering) Number() int32     { return int32(c) }
func (muttering) Table() *codes.Table { return mutteringCodes }

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
		return lazyWrap{inner}
	case 3:
		return wrapIs{lazyWrap{inner}}
	case 4:
		return wrapAs{lazyWrap{inner}}
	case 5:
		return wrapGRPC{lazyWrap{inner}}
	case 6:
		return wrapBad{lazyWrap{inner}}
	case 7:
		return resolve(inner)
	case 8:
		return nested(inner, r.IntN(70))
	case 9:
		return wrapBadIs{lazyWrap{inner}}
	case 10:
		return wrapBadAs{lazyWrap{inner}}
	case 11, 12:
		return status.Wrap(inner, randomCode(r), "around")
	}
	return fmt.Errorf("wrapped: %w", inner)
}

func randomLeaf(r *rand.Rand) error {
	switch r.IntN(17) {
	case 14:
		return new(status.Decoder).Decode(context.Background(), wrapBad{lazyWrap{randomStatus(r).Err()}})
	case 15:
		return new(codes.RecordNotFound)
	case 16:
		return embedding{ErrorCode: codes.RecordNotFound}
	case 0:
		return errors.New("leaf")
	case 1:
		return context.DeadlineExceeded
	case 2:
		return loop{}
	case 3:
		return &panics{}
	case 4:
		return badInText{}
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
		return homeless(1)
	case 4:
		return muttering(1)
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
		e.Tables = []*codes.Table{shouting}
	}
	if r.IntN(3) == 0 {
		e.MaxSize = status.LeastMaxSize + r.IntN(2000)
	}
	if r.IntN(3) == 0 {
		e.Rules = rules(3)
	}
	return e
}

// TestStraightErrors are encoded as all others are. Each is encoded twice: the second
// time, what is kept of the first is used.
func TestStraightErrors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var fast int
	for range 10_000 {
		err := randomError(r, 4)
		if err == nil {
			continue // a Status of NoError
		}
		encoder := randomEncoder(r)
		if status.IsStraight(err) {
			fast++
		}
		want := status.EncodeAny(ctx, encoder, err)
		for range 2 {
			checkSameEncoded(t, err, encoder.Encode(ctx, err), want)
		}
		if t.Failed() {
			t.Fatalf("%T of encoder %+v", err, encoder)
		}
	}
	if fast < 1000 {
		t.Errorf("%d of 10,000 were straight; want enough to compare", fast)
	}
}

func checkSameEncoded(t *testing.T, err error, got, want status.Encoded) {
	t.Helper()
	if !proto.Equal(got.Status.Proto(), want.Status.Proto()) {
		t.Errorf("Status = %v; want %v", got.Status, want.Status)
	}
	if got.GRPCCode != want.GRPCCode || got.Code != want.Code || got.Source != want.Source || got.Origin != want.Origin || got.Truncated != want.Truncated {
		t.Errorf("encoded %+v; want %+v", got, want)
	}
	if fmt.Sprint(got.Trailer, got.DroppedKeys) != fmt.Sprint(want.Trailer, want.DroppedKeys) {
		t.Errorf("trailer %v, dropped %v; want %v, %v", got.Trailer, got.DroppedKeys, want.Trailer, want.DroppedKeys)
	}
	if (got.Panic == nil) != (want.Panic == nil) || got.Broken() != want.Broken() || got.Size() != want.Size() {
		t.Errorf("panic %v, broken %t, size %d; want %v, %t, %d", got.Panic, got.Broken(), got.Size(), want.Panic, want.Broken(), want.Size())
	}
	resolved, other := got.Err(), want.Err()
	if resolved.Error() != other.Error() || !proto.Equal(grpcstatus.Convert(resolved).Proto(), grpcstatus.Convert(other).Proto()) {
		t.Errorf("Err() = %v; want %v", resolved, other)
	}
	var chain, otherChain []error
	if u, ok := resolved.(interface{ Unwrap() []error }); ok {
		chain = u.Unwrap()
	}
	if u, ok := other.(interface{ Unwrap() []error }); ok {
		otherChain = u.Unwrap()
	}
	if len(chain) != len(otherChain) {
		t.Fatalf("Err() wraps %d errors; want %d", len(chain), len(otherChain))
	}
	for i := range chain {
		if !identical(chain[i], otherChain[i]) {
			t.Errorf("error %d that Err() wraps is %T; want %T", i, chain[i], otherChain[i])
		}
	}
	if again := status.EncodeAny(context.Background(), &status.Encoder{}, resolved); again.Source != status.SourceEncoded || again.Code != want.Code || again.GRPCCode != want.GRPCCode {
		t.Errorf("encoded again, %+v; want the same of SourceEncoded", again)
	}
	if !got.Broken() && !identical(got.Original(), err) {
		t.Errorf("Original() = %T; want the error itself", got.Original())
	}
}

// identical compares what can be compared; of the rest the type.
func identical(a, b error) bool {
	if !reflect.ValueOf(a).Comparable() {
		return reflect.TypeOf(a) == reflect.TypeOf(b)
	}
	return a == b
}

// TestErrOfAnotherStatus: what is kept of an error is not taken for what someone has
// put in its place.
func TestErrOfAnotherStatus(t *testing.T) {
	another := grpcstatus.New(grpccodes.Aborted, "another")
	for _, err := range []error{codes.RecordNotFound, status.Error(codes.RecordNotFound, "x"), wrapped(codes.RecordNotFound, 2)} {
		encoded := new(status.Encoder).Encode(t.Context(), err)
		if first := grpcstatus.Convert(encoded.Err()); first != encoded.Status {
			t.Errorf("Err() of %v has %v; want its Status", err, first)
		}
		encoded.Status = another
		if got := grpcstatus.Convert(encoded.Err()); got != another {
			t.Errorf("Err() of %v has %v; want the other Status", err, got)
		}
	}
}

// TestOnlyRowsAreKept: a peer can make a proxy send any number of numbers.
func TestOnlyRowsAreKept(t *testing.T) {
	status.ToGRPC(codes.Args)
	before := status.KeptCodes()
	for number := range 1000 {
		status.ToGRPC(codes.ErrorCode(1<<20 + number))
	}
	if after := status.KeptCodes(); before == 0 || after != before {
		t.Errorf("something is kept of %d codes, and of %d after 1000 numbers without a row", before, after)
	}
}

// TestShortStatuses are sent as all others are, and their size is not less than it is.
func TestShortStatuses(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 5000 {
		st := randomShort(r)
		if i%2 == 0 {
			st = status.FromGRPC(randomStatus(r)).WithDetails() // no longer as it was received
		}
		if st.Code().Number() <= 0 {
			continue
		}
		for _, table := range []*codes.Table{st.Code().Table(), shouting} {
			if table.Domain() != st.Code().Table().Domain() {
				continue
			}
			got, size, short := status.EncodeShort(st, table)
			want, wantSize := status.EncodePlainly(st, table)
			if short && (!proto.Equal(got.Proto(), want) || size < wantSize) {
				t.Fatalf("%v is sent as %v of %d bytes; want %v, %d", st, got, size, want, wantSize)
			}
		}
	}
}

// TestManyTypesOnceEach: of a peer's details each type goes on once, however many
// types there are.
func TestManyTypesOnceEach(t *testing.T) {
	p := codes.RecordNotFound.GRPCStatus().Proto()
	for i := range 24 {
		p.Details = append(p.Details, &anypb.Any{TypeUrl: fmt.Sprint("type.googleapis.com/peers.Type", i%12)})
	}
	sent := status.ToGRPC(new(status.Decoder).Decode(t.Context(), grpcstatus.ErrorProto(p))).Proto()
	if got := len(sent.GetDetails()); got != 1+12 {
		t.Errorf("%d details go on; want the ErrorInfo and one of each of 12 types", got)
	}
}

// TestErrorInfosWithMetadata are written as protobuf does.
func TestErrorInfosWithMetadata(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	keys := []string{"a-key", "zone", "codd", "codf", "code2", "userID", "cod", "co", "x1", "y1"}
	for range 2000 {
		st := status.New(codes.RecordNotFound, "")
		for range r.IntN(12) {
			st = st.WithMetadata(keys[r.IntN(len(keys))], randomText(r))
		}
		if got, want := status.PackErrorInfo(st); string(got) != string(want) {
			t.Fatalf("the ErrorInfo of %v is\n%q; want\n%q", st.Metadata(), got, want)
		}
	}
}

// TestScan finds what protobuf does, and refuses what protobuf refuses.
func TestScan(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	parts := [][]byte{
		codes.Default().AppendErrorInfo(nil, 1004),
		codes.Default().AppendErrorInfo(nil, 1305),
		[]byte("\x0a\x01A"), []byte("\x12\x01B"), []byte("\x0a\x00"), []byte("\x12\x01\xff"), // reasons and domains
		[]byte("\x1a\x00"), []byte("\x1a\x08\x0a\x04code\x12\x00"), []byte("\x1a\x09\x12\x011\x0a\x04code"), []byte("\x1a\x06\x0a\x04code"), // entries
		[]byte("\x1a\x0c\x0a\x04code\x12\x011\x12\x012"), []byte("\x1a\x03\x0a\x01\xff"), []byte("\x1a\x03\x12\x01\xff"), []byte("\x1a\x02\x18\x01"), []byte("\x1a\x02\x0a\x05"),
		[]byte("\x08\x01"), []byte("\x18\x01"), []byte("\x22\x01x"), []byte("\x0b\x0c"), []byte("\x0b"), []byte("\x0c"), // other types, and fields
		[]byte("\x00\x01"), []byte("\xfa\xff\xff\xff\x0f\x00"), []byte("\xfa\xff\xff\xff\x1f\x00"), // numbers of fields
	}
	for range 200_000 {
		var b []byte
		for range r.IntN(4) {
			b = append(b, parts[r.IntN(len(parts))]...)
		}
		if len(b) > 0 && r.IntN(2) == 0 {
			b[r.IntN(len(b))] = byte(r.IntN(256))
		}
		checkScan(t, b)
	}
}

// FuzzScan is TestScan with a peer's bytes.
func FuzzScan(f *testing.F) {
	for row := range codes.Default().All() {
		f.Add(codes.Default().AppendErrorInfo(nil, row.Code.Number()))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkScan(t, b) })
}

func checkScan(t *testing.T, b []byte) {
	t.Helper()
	want := &errdetails.ErrorInfo{}
	wantOK := proto.Unmarshal(b, want) == nil
	if !wantOK {
		want = nil
	}
	reason, domain, number, ok := status.Scan(b)
	if ok != wantOK || reason != want.GetReason() || domain != want.GetDomain() || number != want.GetMetadata()["code"] {
		t.Fatalf("%q: reason %q, domain %q, number %q, %t; want %v, %t", b, reason, domain, number, ok, want, wantOK)
	}
}

// sameDomain takes the place of the default table, and has none of its rows.
var sameDomain = codes.MustTable("openim.io",
	codes.Row{Code: shopBroken, Reason: "SHOP_BROKEN", GRPCCode: grpccodes.Internal, Message: "the shop is broken", Default: true},
	codes.Row{Code: shopUnknown, Reason: "SHOP_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "who knows", Default: true},
)

// TestGlance: of a received error the code and the rest say the same, which are read
// one before the other.
func TestGlance(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 20_000 {
		gst := randomStatus(r)
		decoder := &status.Decoder{}
		switch r.IntN(4) {
		case 0:
			decoder.Tables = []*codes.Table{shouting}
		case 1:
			decoder.Tables = []*codes.Table{shop}
		case 2:
			decoder.Tables = []*codes.Table{sameDomain}
		}
		err := decoder.Decode(t.Context(), gst.Err())
		got, want := status.Code(err), decoder.FromGRPC(gst)
		if got != want.Code() || !errors.Is(err, want.Code()) {
			t.Fatalf("%v is %v; want %v", gst.Proto(), got, want.Code())
		}
		if st := status.Convert(err); st.Origin() != want.Origin() || st.Code() != want.Code() || st.GRPCCode() != want.GRPCCode() || st.Reason() != want.Reason() ||
			fmt.Sprint(st.Details()) != fmt.Sprint(want.Details()) {
			t.Fatalf("%v is %v of %v; want %v of %v", gst.Proto(), st, st.Origin(), want, want.Origin())
		}
	}
}

// TestDecodingNoErrorOfGRPCs: a nil pointer in an error is none that gRPC returns, and
// comes back as it is.
func TestDecodingNoErrorOfGRPCs(t *testing.T) {
	err := reflect.Zero(reflect.TypeOf(grpcstatus.Error(grpccodes.Aborted, ""))).Interface().(error)
	if got := new(status.Decoder).Decode(t.Context(), err); got != err {
		t.Errorf("Decode of a nil pointer is a %T; want it as it is", got)
	}
}

// TestLongest leaps over no rune that doesn't fit.
func TestLongest(t *testing.T) {
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
		if got := status.Longest(text.String(), spare); got != want {
			t.Fatalf("Longest of %d bytes in %d = %d; want %d", text.Len(), room, got, want)
		}
	}
}
