package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
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
	"github.com/errstatus/errstatus/internal/text"
	"github.com/errstatus/errstatus/status"
)

// The tests in this file make random errors, statuses and encoders, and check what holds for
// all of them.

// These types wrap errors as users' own types do: Error makes the text at each call.
type (
	lazyTextWrap      struct{ inner error }
	wrapIs            struct{ lazyTextWrap }
	wrapAs            struct{ lazyTextWrap }
	wrapPanicsInIs    struct{ lazyTextWrap } // panics if the target is a deadline
	wrapPanicsInAs    struct{ lazyTextWrap }
	wrapGRPC          struct{ lazyTextWrap }
	wrapPanicsInError struct{ lazyTextWrap } // panics in Error
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

// A panicTextCode is a code whose Error method panics.
type panicTextCode int32

var panicTextTable = codes.MustTable("bad.example",
	codes.Row{Code: panicTextCode(1), Reason: "BAD_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: panicTextCode(2), Reason: "BAD_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
)

func (panicTextCode) Error() string          { panic("in Error") }
func (c panicTextCode) Number() codes.Number { return codes.Number(c) }
func (panicTextCode) Table() *codes.Table    { return panicTextTable }

// randomError returns an error of any kind that a handler can return.
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

// randomLeaf returns an error that is not made by wrapping another random error.
func randomLeaf(r *rand.Rand) error {
	switch r.IntN(20) {
	case 17:
		return declined
	case 18:
		return &testrpc.QuotaExceededError{UserId: randomText(r), Used: randomText(r)}
	case 19:
		return &paramsError{code: randomCode(r), params: []codes.Param{{Name: randomText(r), Value: randomText(r)}}, text: randomText(r), cause: randomCode(r)}
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

// randomCode returns a code, sometimes one that can't be sent.
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

// randomShort returns a Status with a code, often with a message, and sometimes with metadata
// or details.
func randomShort(r *rand.Rand) *status.Status {
	st := status.New(randomCode(r), randomText(r))
	switch r.IntN(10) {
	case 0:
		st = st.WithMetadata("key", "value").WithMetadata("Bad key", "value")
	case 1:
		st = st.WithDetails(badRequest("name"), &errdetails.DebugInfo{Detail: "stack"})
	case 2:
		st = st.WithRetryDelay(time.Duration(r.IntN(3)-1) * time.Second)
	case 3:
		for i := range r.IntN(40) {
			st = st.WithMetadata(fmt.Sprintf("key%02d", i), randomText(r))
		}
	}
	return st
}

// randomText returns a message or a metadata value.
func randomText(r *rand.Rand) string {
	return []string{"", "a text", "100 % – é\n", "not \xff UTF-8", strings.Repeat("long ", 300), strings.Repeat("%", 2000)}[r.IntN(6)]
}

// randomStatus returns a status that an upstream can have sent. It is never success.
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

// randomEncoder returns an Encoder with random options.
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

// TestEncodeInvariants checks what holds for every error that a handler can return. It
// encodes each error twice: the second time, errstatus uses what it has cached.
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
			t.Errorf("Encode() = %v from %v, then %v from %v; want the same", first.Status(), first.Source(), second.Status(), second.Source())
		}
		for _, encoded := range []status.Encoded{first, second} {
			checkSent(t, encoder, encoded)
			checkChain(t, err, encoded)
		}
		if t.Failed() {
			t.Fatalf("the failures above are for Encode(%T) with the Encoder %+v", err, encoder)
		}
	}
	if simple < 500 {
		t.Errorf("%d of 10,000 errors were simple; want at least 500", simple)
	}
}

// checkSent checks the status that the caller gets.
func checkSent(t *testing.T, encoder *status.Encoder, encoded status.Encoded) {
	t.Helper()
	sent := encoded.Status().Proto()
	numeric := sent.GetCode() > int32(grpccodes.Unauthenticated)
	if sent.GetCode() < 1 || numeric && (!encoder.OpenIMForm || encoded.Code() == nil || codes.Number(sent.GetCode()) != encoded.Code().Number()) && encoded.Source() != status.SourceEncoded {
		t.Errorf("grpc-status %d for code %v; want 1..16, or the code's number in the numeric form", sent.GetCode(), encoded.Code())
	}
	if encoded.GRPCCode() < 1 || encoded.GRPCCode() > grpccodes.Unauthenticated || !numeric && encoded.GRPCCode() != encoded.Status().Code() {
		t.Errorf("GRPCCode() = %v for grpc-status %d; want the same, or 1..16 for a raw number", encoded.GRPCCode(), sent.GetCode())
	}
	if !utf8.ValidString(sent.GetMessage()) {
		t.Errorf("message %q; want valid UTF-8", sent.GetMessage())
	}
	limit := encoder.MaxSize
	if limit == 0 {
		limit = status.DefaultMaxSize
	}
	if size := encoded.Size(); size > limit && encoded.Source() != status.SourceEncoded {
		t.Errorf("Size() = %d; want at most %d", size, limit)
	}
	text := fmt.Sprint(sent)
	for _, private := range []string{"lazy:", "wrapped:", "both:", "leaf", "in Error", "panic"} {
		if strings.Contains(text, private) {
			t.Errorf("%q is in the status %q; want no private text", private, text)
		}
	}
	received := (&status.Decoder{Tables: encoder.Tables}).FromGRPC(encoded.Status())
	checkSentMetadata(t, encoded, received.Metadata())
	if encoded.Source() == status.SourceCode && encoded.Code().Table().Domain() == "openim.io" && received.Code() != encoded.Code() {
		t.Errorf("FromGRPC() = code %v; want %v", received.Code(), encoded.Code())
	}
}

// checkSentMetadata checks that all long values of the metadata are shortened to the same length,
// up to a rune, and that pairs are only missing behind the others.
func checkSentMetadata(t *testing.T, encoded status.Encoded, metadata map[string]string) {
	t.Helper()
	longest, keys := 0, 0
	for key, value := range metadata {
		if strings.HasPrefix(key, "key") {
			longest, keys = max(longest, len(value)), keys+1
		}
	}
	for key, value := range metadata {
		if !utf8.ValidString(value) || strings.HasSuffix(value, "...") && (len(value) < longest-utf8.UTFMax || encoded.Source() != status.SourceEncoded && encoded.Truncated() == 0) {
			t.Errorf("metadata %q = %.50q with %d bytes, Truncated() = %q; want %d bytes, up to a rune, and metadata truncated", key, value, len(value), encoded.Truncated(), longest)
		}
	}
	for i := range keys {
		if _, ok := metadata[fmt.Sprintf("key%02d", i)]; !ok && keys > 1 {
			t.Errorf("%d keys without key%02d; want the first keys", keys, i)
		}
	}
}

// checkChain checks the error that interceptors before errstatus get.
func checkChain(t *testing.T, err error, encoded status.Encoded) {
	t.Helper()
	sent := encoded.Err()
	if got := grpcstatus.Convert(sent); !proto.Equal(got.Proto(), encoded.Status().Proto()) || sent.Error() != text.OneLine(got.Message()) {
		t.Errorf("Err() = %v with status %v; want %v", sent, got, encoded.Status())
	}
	_, panics := encoded.Code().(panicTextCode) // Err() doesn't unwrap to such a code
	if encoded.Code() != nil && !panics && !errors.Is(sent, encoded.Code()) {
		t.Errorf("errors.Is(Err(), %T %d) = false; want true", encoded.Code(), encoded.Code().Number())
	}
	again := new(status.Encoder).Encode(context.Background(), sent)
	if again.Err() != sent || again.Source() != status.SourceEncoded || again.Code() != encoded.Code() || again.GRPCCode() != encoded.GRPCCode() {
		t.Errorf("Encode(Err()) = %+v; want the same error from encoded", again)
	}
	if !encoded.Broken() && !identical(encoded.Original(), err) {
		t.Errorf("Original() = %T; want the error itself", encoded.Original())
	}
	errors.Is(sent, io.EOF) // none of these may panic
	errors.As(sent, new(*os.PathError))
	_ = fmt.Sprintf("%+v", sent)
	if _, unsafe := status.SafeToRun(encoded.Err()); unsafe != nil {
		t.Errorf("SafeToRun(Err()) = %v; want no panic", unsafe)
	}
}

// identical reports whether a and b are equal, or of the same type if they can't be compared.
func identical(a, b error) bool {
	if !reflect.ValueOf(a).Comparable() {
		return reflect.TypeOf(a) == reflect.TypeOf(b)
	}
	return a == b
}

// TestOnlyRowsAreCached checks that statuses are cached only for numbers with a row. Numbers
// without a row are unbounded.
func TestOnlyRowsAreCached(t *testing.T) {
	status.ToGRPC(codes.Args)
	before := status.KeptCodes()
	for number := range 1000 {
		status.ToGRPC(codes.ErrorCode(1<<20 + number))
	}
	if after := status.KeptCodes(); before == 0 || after != before {
		t.Errorf("KeptCodes() = %d, and %d after 1000 numbers without a row; want the same, not 0", before, after)
	}
}

// TestShortStatusMatchesRow checks that a status made from a cached row is the status of its
// table, and that its size isn't underestimated.
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
				t.Fatalf("EncodeShort(%v) = %v, %d bytes; want %v, %q, at least %d bytes", st, got.Proto(), size, row.GRPCCode, message, testrpc.HeaderListSize(got, nil))
			}
			info := got.Details()[0].(*errdetails.ErrorInfo)
			if info.Reason != row.Reason || info.Domain != table.Domain() || info.Metadata["code"] != fmt.Sprint(int(st.Code().Number())) {
				t.Fatalf("EncodeShort(%v) = ErrorInfo %v; want that of row %v", st, info, row)
			}
		}
	}
}

// TestHeaderSize checks that the size that decides on truncation is the size of the headers.
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
			t.Fatalf("HeaderSize(%v) = %d; want %d", gst.Proto(), got, want)
		}
	}
}

// TestManyForwardedDetailTypes checks that each type of detail is forwarded once, also if
// there are many types.
func TestManyForwardedDetailTypes(t *testing.T) {
	p := codes.RecordNotFound.GRPCStatus().Proto()
	for i := range 24 {
		p.Details = append(p.Details, &anypb.Any{TypeUrl: fmt.Sprint("type.googleapis.com/upstream.Type", i%12)})
	}
	sent := status.ToGRPC(new(status.Decoder).Decode(t.Context(), grpcstatus.ErrorProto(p))).Proto()
	if got := len(sent.GetDetails()); got != 1+12 {
		t.Errorf("ToGRPC() = %d details; want the ErrorInfo and one of each of 12 types", got)
	}
}

// TestErrorInfoBytes checks that an ErrorInfo with metadata is serialized as protobuf does it.
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
			t.Fatalf("ErrorInfo() with metadata %v =\n%q; want\n%q", st.Metadata(), got, b)
		}
	}
}

// sameDomain has the domain of the default table, and other rows.
var sameDomain = codes.MustTable("openim.io",
	codes.Row{Code: shopBroken, Reason: "SHOP_BROKEN", GRPCCode: grpccodes.Internal, Message: "the shop is broken", Default: true},
	codes.Row{Code: shopUnknown, Reason: "SHOP_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "who knows", Default: true},
)

// TestDecodeInvariants checks what holds for every status that a client can receive.
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
		code, declared := status.Declared(err)
		if st.Code().Number() <= 0 || code != st.Code() || errors.Is(err, code) != declared {
			t.Fatalf("Decode(%v) = an error with code %v, %t, and a Status with code %v; want one positive code, which errors.Is finds if it is carried", gst.Proto(), code, declared, st.Code())
		}
		if found, ok := errors.AsType[codes.Code](err); ok != declared || ok && found != code {
			t.Fatalf("errors.AsType(Decode(%v)) = %v, %t; want %v, %t", gst.Proto(), found, ok, code, declared)
		}
		if !proto.Equal(grpcstatus.Convert(err).Proto(), gst.Proto()) || !proto.Equal(st.GRPCStatus().Proto(), gst.Proto()) {
			t.Fatalf("Decode(%v) = an error with status %v; want the received one", gst.Proto(), grpcstatus.Convert(err).Proto())
		}
		if canonical := st.GRPCCode(); canonical < 1 || canonical > grpccodes.Unauthenticated {
			t.Fatalf("GRPCCode() = %[2]v for %[1]v; want 1..16", gst.Proto(), canonical)
		}
		if st.Message() != gst.Message() || len(st.Details()) != len(gst.Proto().GetDetails()) && st.Origin() != status.OriginNumeric {
			t.Fatalf("Decode(%v) = message %q, details %v; want the received ones", gst.Proto(), st.Message(), st.Details())
		}
		if hasInfo := declared || st.Origin() == status.OriginKnown || st.Origin() == status.OriginForeign; hasInfo != (st.Domain() != "") {
			t.Fatalf("Decode(%v) = origin %v, domain %q; want a domain only if a code is carried or there is an ErrorInfo", gst.Proto(), st.Origin(), st.Domain())
		}
		if (st.Origin() == status.OriginForeign || st.Origin() == status.OriginBare) && declared {
			t.Fatalf("Decode(%v) = origin %v with a carried code; want none", gst.Proto(), st.Origin())
		}
	}
}

// TestDecodeNilGRPCError checks that Decode returns a nil pointer of gRPC's error type
// unchanged.
func TestDecodeNilGRPCError(t *testing.T) {
	err := reflect.Zero(reflect.TypeOf(grpcstatus.Error(grpccodes.Aborted, ""))).Interface().(error)
	if got := new(status.Decoder).Decode(t.Context(), err); got != err {
		t.Errorf("Decode() = %T for a nil pointer; want the error itself", got)
	}
}

// TestLongestPrefix checks that the prefix ends after the last rune that fits.
func TestLongestPrefix(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 3000 {
		var text strings.Builder
		for range r.IntN(600) {
			text.WriteRune([]rune{'a', '%', 'é', '日', '😀'}[r.IntN(5)])
		}
		room := r.IntN(3000)
		spare := func(end int) int { // the bytes that are left after a prefix of a message
			return room - (3*end + (4*end+2)/3 + 2)
		}
		want := 0
		for i, c := range text.String() {
			if end := i + utf8.RuneLen(c); spare(end) >= 0 {
				want = end
			}
		}
		if got := status.LongestPrefix(text.String(), spare); got != want {
			t.Fatalf("LongestPrefix() = %[3]d for a text of %[1]d bytes in %[2]d bytes; want %[4]d", text.Len(), room, got, want)
		}
	}
}
