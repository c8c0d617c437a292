package status_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// nestedAny returns size bytes in an Any, which is wrapped in as many further Anys as
// levels says.
func nestedAny(levels, size int) *anypb.Any {
	a := &anypb.Any{TypeUrl: "type.googleapis.com/example.Blob", Value: make([]byte, size)}
	for range levels {
		b, _ := proto.Marshal(a)
		a = &anypb.Any{TypeUrl: "type.googleapis.com/google.protobuf.Any", Value: b}
	}
	return a
}

// manyDetails returns n details of different types.
func manyDetails(n int) (details []proto.Message) {
	for i := range n {
		details = append(details, &anypb.Any{TypeUrl: fmt.Sprintf("type.googleapis.com/example.B%d", i), Value: []byte("detail")})
	}
	return details
}

// keys returns a Status with n pairs of metadata, each value size bytes long.
func keys(n, size int) *status.Status {
	st := status.New(codes.RecordNotFound, "no such user")
	for i := range n {
		st = st.WithMetadata(fmt.Sprintf("key%03d", i), strings.Repeat("v", size))
	}
	return st
}

// TestTruncation checks which parts of a status are truncated to fit into MaxSize, and
// that all other parts are kept.
func TestTruncation(t *testing.T) {
	st := status.New(codes.RecordNotFound, "no such user")
	tests := []struct {
		name      string
		err       error
		truncated string
	}{
		{"small", st.WithMetadata("user", "42").WithDetails(testrpc.Violations(3)).Err(), ""},
		{"10,000 violations", st.WithDetails(testrpc.Violations(10_000)).Err(), "details"},
		{"one violation of a megabyte", st.WithDetails(badRequest(strings.Repeat("x", 1<<20))).Err(), "details"},
		{"a megabyte of ASCII", status.Error(codes.RecordNotFound, strings.Repeat("x", 1<<20)), "message"},
		{"a megabyte of Chinese", status.Error(codes.RecordNotFound, strings.Repeat("中", 1<<20/3)), "message"},
		{"a megabyte of percent signs", status.Error(codes.RecordNotFound, strings.Repeat("%", 1<<20)), "message"},
		{"a megabyte that is not UTF-8", status.Error(codes.RecordNotFound, strings.Repeat("a\xff", 1<<19)), "message"},
		{"100 keys", keys(100, 100).Err(), "metadata"},
		{"a value of a megabyte", keys(1, 1<<20).Err(), "metadata"},
		{"nested Any", st.WithDetails(nestedAny(50, 10_000)).Err(), "details"},
		{"details and metadata", keys(100, 100).WithDetails(testrpc.Violations(10_000), nestedAny(3, 9_000)).Wrap(errors.New(secret)), "details,metadata"},
		{"details, metadata and message", status.Wrap(keys(100, 100).WithDetails(testrpc.Violations(10_000)).Err(), codes.Args, strings.Repeat("x", 5000)), "message"},
		{"many small details", st.WithDetails(manyDetails(1000)...).Err(), "details"},
		{"many small details and metadata", keys(100, 100).WithDetails(manyDetails(3)...).Err(), "details,metadata"},
		{"a code of another enum", status.Error(shopClosed, strings.Repeat("x", 5000)), "message"},
		{"an unknown number", status.Error(codes.ErrorCode(1305), strings.Repeat("x", 5000)), "message"},
		{"a gRPC status with text", grpcError(t, grpccodes.NotFound, strings.Repeat("x", 1<<20)), "message"},
		{"a gRPC status with details", grpcError(t, grpccodes.NotFound, "x", testrpc.Violations(10_000)), "details"},
		{"a gRPC status with both", grpcError(t, grpccodes.NotFound, strings.Repeat("x", 5000), testrpc.Violations(10_000)), "details,message"},
		{"an ErrorInfo of an unknown domain", grpcError(t, grpccodes.NotFound, "x", info("other.example", strings.Repeat("R", 5000), "")), "details"},
		{"a long reason from upstream", decoded(grpcError(t, grpccodes.NotFound, "x", info("openim.io", strings.Repeat("R", 5000), "1305"))), ""},
		{"a long number from upstream", decoded(grpcError(t, grpccodes.NotFound, "x", info("openim.io", "RECORD_NOT_FOUND", strings.Repeat("1", 5000)))), ""},
		{"metadata from upstream", decoded(keys(100, 100).Err()), "metadata"},
		{"a megabyte of Chinese from upstream", decoded(st.WithMetadata("key", strings.Repeat("中", 1<<20/3)).Err()), "metadata"},
		{"a megabyte of Chinese, restated", status.Convert(decoded(st.WithMetadata("key", strings.Repeat("x中", 1<<18)).Err())).WithMetadata("zone", "b").Err(), "metadata"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{0, status.LeastMaxSize, 2000, 8192} {
				got := checkFitsInBothForms(t, size, tt.err)
				if size == 0 && got.Truncated().String() != tt.truncated {
					t.Errorf("Truncated() = %q; want %q", got.Truncated().String(), tt.truncated)
				}
			}
			if got := (&status.Encoder{MaxSize: 1 << 30}).Encode(t.Context(), tt.err); got.Truncated() != 0 {
				t.Errorf("Truncated() = %q with enough room; want nothing", got.Truncated().String())
			}
		})
	}
}

// checkFitsInBothForms calls checkFits for the numeric and for the canonical form. It
// returns the canonical status.
func checkFitsInBothForms(t testing.TB, size int, err error) status.Encoded {
	t.Helper()
	checkFits(t, status.Encoder{OpenIMForm: true}, size, err)
	return checkFits(t, status.Encoder{}, size, err)
}

// checkFits encodes an error within a size. It compares the result with the status that
// is sent without a limit, and checks that forwarding it changes nothing.
func checkFits(t testing.TB, encoder status.Encoder, size int, err error) status.Encoded {
	t.Helper()
	unlimited := encoder
	encoder.MaxSize, unlimited.MaxSize = size, 1<<30
	got, all := encoder.Encode(t.Context(), err), unlimited.Encode(t.Context(), err)
	bound := max(size, status.LeastMaxSize)
	if size == 0 {
		bound = status.DefaultMaxSize
	}
	if got.Size() > bound {
		t.Errorf("Size() = %d; want at most %d", got.Size(), bound)
	}
	sent, full := got.Status().Proto(), all.Status().Proto()
	if sent.Code != full.Code || got.Code() != all.Code() || got.Source() != all.Source() || got.GRPCCode() != all.GRPCCode() {
		t.Errorf("Encode() = grpc-status %d, code %v, source %v; want %d, %v, %v as without a limit", sent.Code, got.Code(), got.Source(), full.Code, all.Code(), all.Source())
	}
	truncated := strings.Split(got.Truncated().String(), ",")
	if text, was := strings.CutSuffix(sent.Message, "..."); sent.Message != full.Message &&
		(!was || !strings.HasPrefix(full.Message, text) || !slices.Contains(truncated, "message")) {
		t.Errorf("message %.50q..., Truncated() = %q; want a prefix of %.50q, followed by three dots", sent.Message, got.Truncated().String(), full.Message)
	}
	if !utf8.ValidString(sent.Message) {
		t.Errorf("message ends with %q; want it to be valid UTF-8", sent.Message[len(sent.Message)-10:])
	}
	checkDetails(t, got, proto.CloneOf(sent), full)
	// A service that forwards the status sends the same bytes.
	received := new(status.Decoder).Decode(t.Context(), got.Status().Err())
	if got.Code() != nil && got.Code().Table() == codes.Default() {
		again := encoder.Encode(t.Context(), received)
		if diff := cmp.Diff(sent, again.Status().Proto(), protocmp.Transform()); diff != "" || again.Truncated() != 0 {
			t.Errorf("forwarded status: Truncated() = %q, diff (-want +got):\n%s", again.Truncated().String(), diff)
		}
	}
	return got
}

// checkDetails checks the details of a truncated status. The ErrorInfo keeps the reason,
// domain and number, and says what was truncated. The other details are a prefix of the
// full list. All but the last are unchanged.
func checkDetails(t testing.TB, got status.Encoded, sent, full *spb.Status) {
	t.Helper()
	if got.GRPCCode() != got.Status().Code() {
		checkNumericForm(t, got, sent, full)
		sent.Details, full.Details = sent.Details[1:], full.Details[1:]
	}
	kept := sent.Details
	if got.Code() != nil {
		want, info := &errdetails.ErrorInfo{}, &errdetails.ErrorInfo{}
		if err := errors.Join(full.Details[0].UnmarshalTo(want), sent.Details[0].UnmarshalTo(info)); err != nil {
			t.Fatal(err)
		}
		if read := status.FromGRPC(got.Status()); got.Code().Table() == codes.Default() && read.Code() != got.Code() {
			t.Errorf("FromGRPC() = code %[2]v for ErrorInfo %[1]v; want %[3]v", info, read.Code(), got.Code())
		}
		if info.Domain != want.Domain || info.Metadata["code"] != want.Metadata["code"] && len(want.Metadata["code"]) <= 10 ||
			info.Reason != want.Reason && len(want.Reason) <= 63 {
			t.Errorf("ErrorInfo %v; want the reason, domain and number of %.200v", info, want)
		}
		if info.Metadata["truncated"] != got.Truncated().String() && got.Truncated() != 0 {
			t.Errorf(`metadata["truncated"] is %q, and Truncated() = %q; want the same`, info.Metadata["truncated"], got.Truncated().String())
		}
		for key, value := range info.Metadata {
			if key != "truncated" && key != "code" && want.Metadata[key] != value {
				checkShortened(t, got, key, value, want.Metadata[key])
			}
		}
		kept, full.Details = kept[1:], full.Details[1:]
	}
	for i, d := range kept {
		if i == len(kept)-1 && d.MessageName() == "openim.protobuf.ErrorInfo" && !proto.Equal(d, full.Details[i]) {
			checkOpenIMTextPrefix(t, got, d, full.Details[i])
			continue
		}
		last := i == len(kept)-1 && d.MessageName() == "google.rpc.BadRequest"
		malformed := last && full.Details[i].UnmarshalTo(&errdetails.BadRequest{}) != nil
		inPart := last && (malformed || violationsOf(t, d) > 0)
		if !inPart && !proto.Equal(d, full.Details[i]) {
			t.Errorf("detail %d = %v; want it unchanged, or a BadRequest with some of its violations", i, d)
		}
	}
}

// checkShortened checks a value of the metadata that isn't whole.
func checkShortened(t testing.TB, got status.Encoded, key, value, full string) {
	t.Helper()
	text, marked := strings.CutSuffix(value, "...")
	if !marked || !strings.HasPrefix(full, text) || !utf8.ValidString(text) || len(value) >= len(full) || got.Truncated()&status.TruncatedMetadata == 0 {
		t.Errorf("metadata %q = %q, Truncated() = %q; want %.99q, or a prefix of it followed by three dots", key, value, got.Truncated().String(), full)
	}
	if len(value) < 32-utf8.UTFMax {
		t.Errorf("metadata %q = %q; want at least 32 bytes, up to the end of a rune", key, value)
	}
}

// violationsOf returns the number of violations in a BadRequest.
func violationsOf(t testing.TB, d *anypb.Any) int {
	t.Helper()
	br := &errdetails.BadRequest{}
	if err := d.UnmarshalTo(br); err != nil {
		t.Errorf("UnmarshalTo(BadRequest) = %v; want nil", err)
	}
	return len(br.GetFieldViolations())
}

// decoded returns err as a client with errstatus receives it.
func decoded(err error) error {
	return new(status.Decoder).Decode(context.Background(), err)
}

// TestTruncatesNoMoreThanNeeded checks that a truncated status uses the available size,
// for each part of a status.
func TestTruncatesNoMoreThanNeeded(t *testing.T) {
	encoder := &status.Encoder{MaxSize: 2000}
	for name, grow := range map[string]func(n int) *status.Status{
		"message": func(n int) *status.Status { return status.New(codes.Args, strings.Repeat("x", n)) },
		"metadata": func(n int) *status.Status {
			return status.New(codes.Args, "x").WithMetadata("key", strings.Repeat("x", n))
		},
		"detail": func(n int) *status.Status {
			return status.New(codes.Args, "x").WithDetails(wrapperspb.String(strings.Repeat("x", n)))
		},
		"violations": func(n int) *status.Status {
			return status.New(codes.Args, "x").WithDetails(badRequest(strings.Repeat("x", n)))
		},
	} {
		size := 0
		for n := 1; ; n++ {
			got := encoder.Encode(t.Context(), grow(n).Err())
			if got.Truncated() != 0 {
				break
			}
			size = got.Size()
		}
		if size < 1998 { // one more byte of text can take three, because of base64 and length prefixes
			t.Errorf("%s: the largest status that is not truncated has %d bytes; want 1998 to 2000", name, size)
		}
	}
	// One more violation than was kept does not fit.
	got := encoder.Encode(t.Context(), status.New(codes.Args, "x").WithDetails(testrpc.Violations(100)).Err())
	kept := violationsOf(t, got.Status().Proto().Details[1])
	st := status.New(codes.Args, "x").WithDetails(testrpc.Violations(kept + 1))
	if more := (&status.Encoder{}).Encode(t.Context(), st.Err()); more.Size() <= 2000-len("truncated"+"details") {
		t.Errorf("%d violations kept; want more, because one more makes only %d bytes", kept, more.Size())
	}
	// The message is truncated to the available size.
	got = encoder.Encode(t.Context(), status.Error(codes.Args, strings.Repeat("x", 5000)))
	if got.Size() < 1998 {
		t.Errorf("Size() = %d with a truncated message; want 1998 to 2000", got.Size())
	}
	// The unknown fields of a BadRequest are dropped before its violations.
	br := testrpc.Violations(100)
	br.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 99, protowire.BytesType), make([]byte, 5000)))
	got = encoder.Encode(t.Context(), status.New(codes.Args, "x").WithDetails(br).Err())
	if n := violationsOf(t, got.Status().Proto().Details[1]); n != kept {
		t.Errorf("%d violations kept of a BadRequest with an unknown field; want %d", n, kept)
	}
	// Metadata is dropped from the last key on, if its values are short.
	got = encoder.Encode(t.Context(), keys(100, 20).Err())
	sent := status.FromGRPC(got.Status()).Metadata()
	for i := range len(sent) - 1 {
		if sent[fmt.Sprintf("key%03d", i)] == "" {
			t.Errorf("metadata lacks key%03d; want the first %d keys", i, len(sent)-1)
		}
	}
	if got.Size() < 2000-100 {
		t.Errorf("Size() = %d with truncated metadata; want less than one pair below 2000", got.Size())
	}
}

// TestTruncatesMessageOfRow checks that the message of a row is truncated if it is too
// long.
func TestTruncatesMessageOfRow(t *testing.T) {
	row, _ := codes.Default().Lookup(codes.RecordNotFound.Number())
	row.Message = strings.TrimSpace(strings.Repeat("record not found ", 500))
	table, err := codes.Default().WithRows(row)
	if err != nil {
		t.Fatal(err)
	}
	encoder := &status.Encoder{Tables: []*codes.Table{table}}
	for _, err := range []error{codes.RecordNotFound, status.Error(codes.RecordNotFound, ""), status.Wrap(errors.New("x"), codes.RecordNotFound, "")} {
		if got := encoder.Encode(t.Context(), err); got.Size() > status.DefaultMaxSize || got.Truncated().String() != "message" || !strings.HasPrefix(got.Status().Message(), "record not found ") {
			t.Errorf("Encode(%v) = %d bytes, truncated %q; want a truncated message within MaxSize", err, got.Size(), got.Truncated().String())
		}
	}
}

// TestSizeIncludesContentType checks that the size includes the content type of the
// response. gRPC answers with the content type of the request.
func TestSizeIncludesContentType(t *testing.T) {
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("content-type", "application/grpc", "content-type", "application/grpc+proto"))
	encoder := &status.Encoder{}
	for n := 1000; ; n++ {
		err := status.Error(codes.Args, strings.Repeat("x", n))
		plain, proto := encoder.Encode(t.Context(), err), encoder.Encode(ctx, err)
		if proto.Size()+len("+proto") > status.DefaultMaxSize {
			t.Fatalf("a message of %d letters takes %d bytes, and six more for +proto; want at most MaxSize in all", n, proto.Size())
		}
		if plain.Truncated() != 0 {
			break
		}
	}
}

// TestTruncatedAccumulatesOverHops checks that metadata["truncated"] still names what an
// earlier service has truncated.
func TestTruncatedAccumulatesOverHops(t *testing.T) {
	first := (&status.Encoder{MaxSize: 4096}).Encode(t.Context(), status.New(codes.Args, strings.Repeat("x", 600)).WithDetails(testrpc.Violations(1000)).Err())
	received := new(status.Decoder).Decode(t.Context(), first.Status().Err())
	second := (&status.Encoder{MaxSize: 1024}).Encode(t.Context(), received)
	if got := status.FromGRPC(second.Status()).Metadata()["truncated"]; first.Truncated().String() != "details" || got != "details,message" {
		t.Errorf("truncated %q at the first service, and %q in all; want details, then details,message", first.Truncated().String(), got)
	}
	if st := status.Convert(received).WithMetadata("user", "42"); st.Metadata()["truncated"] != "details" {
		t.Errorf("Metadata() = %v; want what the upstream has truncated", st.Metadata())
	}
}

// TestShortensLongValuesFirst checks that one long value costs the others nothing, that long
// values are shortened to the same length, and that keys are dropped only if shortened values
// don't fit.
func TestShortensLongValuesFirst(t *testing.T) {
	sent := func(pairs map[string]string) map[string]string {
		st := status.New(codes.Args, "x")
		for key, value := range pairs {
			st = st.WithMetadata(key, value)
		}
		got := (&status.Encoder{MaxSize: 2000}).Encode(t.Context(), st.Err())
		metadata := status.FromGRPC(got.Status()).Metadata()
		if metadata["truncated"] != "metadata" || got.Truncated() != status.TruncatedMetadata {
			t.Errorf(`metadata["truncated"] is %q, Truncated() = %q; want metadata`, metadata["truncated"], got.Truncated())
		}
		if n := got.Size(); n > 2000 {
			t.Errorf("Size() = %d; want at most 2000", n)
		}
		delete(metadata, "truncated")
		return metadata
	}
	// One long value.
	pairs := map[string]string{"user": "42", "query": strings.Repeat("q", 3000), "zone": strings.Repeat("z", 200)}
	got := sent(pairs)
	if got["user"] != pairs["user"] || got["zone"] != pairs["zone"] || len(got["query"]) < 700 || !strings.HasSuffix(got["query"], "qqq...") {
		t.Errorf("metadata %q; want user and zone whole, and much of query", got)
	}
	// Two long values, and one between.
	got = sent(map[string]string{"aa": strings.Repeat("a", 3000), "bb": strings.Repeat("中", 3000), "cc": strings.Repeat("c", 100)})
	if a, b := len(got["aa"]), len(got["bb"]); a < 400 || b > a || b < a-2 || len(got["cc"]) != 100 || !utf8.ValidString(got["bb"]) {
		t.Errorf("metadata %q; want aa and bb of one length, up to a rune, and cc whole", got)
	}
	// Values of 32 bytes are never shortened: keys are dropped from the last on.
	pairs = map[string]string{"first": strings.Repeat("f", 500)}
	for i := range 50 {
		pairs[fmt.Sprintf("key%02d", i)] = strings.Repeat("v", 32)
	}
	got = sent(pairs)
	for i := range len(got) - 1 {
		if key := fmt.Sprintf("key%02d", i); got[key] != pairs[key] {
			t.Errorf("metadata %q = %q; want it whole: keys are dropped from the last on", key, got[key])
		}
	}
	if n := len(got["first"]); n < 32 || n > 32+48 || len(got) < 20 {
		t.Errorf("%d keys, first has %d bytes; want as many keys as fit with 32 bytes of first, and then more of it", len(got), n)
	}
}

// TestSameMetadataForAnyOrder checks that equal metadata gives equal bytes, in whatever order
// an upstream writes it, and however often.
func TestSameMetadataForAnyOrder(t *testing.T) {
	upstream := keys(300, 40).GRPCStatus().Proto()
	info := &errdetails.ErrorInfo{}
	if err := upstream.Details[0].UnmarshalTo(info); err != nil {
		t.Fatal(err)
	}
	var want *spb.Status
	for i := range 20 {
		value, err := proto.MarshalOptions{Deterministic: i == 0}.Marshal(info) // else in random order
		if err != nil {
			t.Fatal(err)
		}
		upstream.Details[0].Value = append(protowire.AppendBytes([]byte{0x1a}, []byte("\x0a\x06key001\x12\x03old")), value...)
		sent := new(status.Encoder).Encode(t.Context(), decoded(grpcstatus.FromProto(upstream).Err())).Status().Proto()
		if want == nil {
			want = sent
		}
		if diff := cmp.Diff(want, sent, protocmp.Transform()); diff != "" {
			t.Fatalf("another order of the metadata gives another status (-want +got):\n%s", diff)
		}
	}
}

// TestDetailsBehindManyOthers checks two details that are sent although those before them have
// no room: OpenIM's detail is the first in the numeric form, and an amendment can replace a
// large detail.
func TestDetailsBehindManyOthers(t *testing.T) {
	st := status.New(codes.RecordNotFound, "no such user").WithDetails(append(manyDetails(1000), openIMAny(openIMBytes(t, "row 42")))...)
	got := (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), st.Err())
	if text, _ := status.OpenIMDetail(got.Status().Err()); text != "row 42" || got.Truncated() != status.TruncatedDetails {
		t.Errorf("OpenIMDetail() = %q, Truncated() = %q; want row 42, and details truncated", text, got.Truncated())
	}
	large := manyDetails(3)
	large[0].(*anypb.Any).Value = make([]byte, 9000)
	replaces := func(_ context.Context, st *status.Status) *status.Status { return st.WithDetails(manyDetails(1)...) }
	encoder := &status.Encoder{Amendments: []func(context.Context, *status.Status) *status.Status{replaces}}
	got = encoder.Encode(t.Context(), decoded(status.New(codes.Args, "x").WithDetails(large...).Err()))
	if n := len(got.Status().Proto().Details); n != 4 || got.Truncated() != 0 {
		t.Errorf("%d details, Truncated() = %q; want the ErrorInfo and all three details, because the large one is replaced", n, got.Truncated())
	}
}

// TestFitsBesideALongContentType checks that a client's content type, which can leave no room
// at all, costs no more than the parts of the status.
func TestFitsBesideALongContentType(t *testing.T) {
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("content-type", "application/grpc+"+strings.Repeat("x", 5000)))
	for name, err := range map[string]error{"own": keys(100, 100).Err(), "received": decoded(keys(100, 100).Err())} {
		got := new(status.Encoder).Encode(ctx, err)
		if info := status.FromGRPC(got.Status()); info.Code() != codes.RecordNotFound || len(info.Metadata()) != 1 {
			t.Errorf("%s: code %v, metadata %q; want RecordNotFound, and no metadata but truncated", name, info.Code(), info.Metadata())
		}
	}
}

// TestDroppedKeys checks that invalid metadata keys of the handler are dropped and
// reported, that those of an upstream are dropped, and that a status without a code sends no
// metadata.
func TestDroppedKeys(t *testing.T) {
	st := status.New(codes.Args, "x").WithMetadata("Bad", "1").WithMetadata("ok", "2").WithMetadata("code", "3").WithMetadata("Bad", "4")
	got := new(status.Encoder).Encode(t.Context(), st.Err())
	if diff := cmp.Diff([]string{"Bad", "code"}, got.DroppedKeys()); diff != "" {
		t.Errorf("DroppedKeys() (-want +got):\n%s", diff)
	}
	upstream := grpcError(t, grpccodes.NotFound, "x", &errdetails.ErrorInfo{
		Reason: "RECORD_NOT_FOUND", Domain: "openim.io", Metadata: map[string]string{"code": "1004", "Upstream Key": "1"},
	})
	changed := status.Convert(upstream).WithMetadata("ok", "2").WithMetadata("Bad", "1")
	if diff := cmp.Diff(map[string]string{"ok": "2"}, status.FromGRPC(status.ToGRPC(changed.Err())).Metadata()); diff != "" {
		t.Errorf("forwarded metadata (-want +got):\n%s", diff)
	}
	bare := status.FromGRPC(grpcstatus.New(grpccodes.NotFound, "x")).WithMetadata("Bad", "1").WithMetadata("ok", "2")
	got = new(status.Encoder).Encode(t.Context(), bare.Err())
	if diff := cmp.Diff([]string{"Bad", "ok"}, got.DroppedKeys()); diff != "" || bare.Origin() != status.OriginBare || len(got.Status().Details()) > 0 {
		t.Errorf("a status without a code: origin %v, sent as %v; want bare, no details; DroppedKeys() (-want +got):\n%s", bare.Origin(), got.Status(), diff)
	}
}

// FuzzTruncation checks that any Status of a handler fits into MaxSize and keeps its code,
// reason, domain and number.
func FuzzTruncation(f *testing.F) {
	f.Add("no such user", "", "key", "value", uint16(0), uint16(0), uint16(0))
	f.Add(strings.Repeat("中", 2000), "", "key", strings.Repeat("%", 500), uint16(3), uint16(50), uint16(2000))
	f.Add("x", strings.Repeat("d", 4000), "k\xff", "\xff\xff", uint16(100), uint16(1000), uint16(60000))
	f.Fuzz(func(t *testing.T, message, detail, key, value string, pairs, fields, size uint16) {
		st := status.New(codes.Args, message).WithMetadata(key, value)
		for i := range pairs % 200 {
			st = st.WithMetadata(fmt.Sprintf("%s%d", key, i), value)
		}
		br := testrpc.Violations(int(fields % 2000))
		st = st.WithDetails(wrapperspb.String(detail), br, &anypb.Any{TypeUrl: key, Value: []byte(value)})
		if got := checkFitsInBothForms(t, int(size), st.Err()); got.Truncated() == 0 {
			checkSame(t, st, status.FromGRPC(got.Status()))
		}
		if p, err := proto.Marshal(status.ToGRPC(st.Err()).Proto()); err != nil {
			t.Errorf("Marshal(%v) = %v; want nil", p, err)
		}
	})
}

// checkSame checks that a received Status equals the one that was sent.
func checkSame(t testing.TB, sent, got *status.Status) {
	t.Helper()
	if got.Code() != sent.Code() || got.Message() != sent.Message() || got.Reason() != sent.Reason() || got.Domain() != sent.Domain() ||
		got.GRPCCode() != sent.GRPCCode() || got.Origin() != status.OriginKnown || !maps.Equal(got.Metadata(), sent.Metadata()) {
		t.Errorf("received %[3]v with metadata %[4]v, origin %[5]v; want %[1]v with metadata %[2]v, origin known", sent, sent.Metadata(), got, got.Metadata(), got.Origin())
	}
	if diff := cmp.Diff(sent.Details(), got.Details(), protocmp.Transform()); diff != "" {
		t.Errorf("details (-sent +got):\n%s", diff)
	}
}

// FuzzErrorInfo checks that any bytes of an ErrorInfo, beside a canonical code or a raw
// number, give an error with a code that can be forwarded.
func FuzzErrorInfo(f *testing.F) {
	for row := range codes.Default().All() {
		if row.Code.Number() > 0 {
			f.Add(errorinfo.Append(nil, row.Reason, "openim.io", strconv.Itoa(int(row.Code.Number())), nil), uint32(row.GRPCCode))
			f.Add(errorinfo.Append(nil, row.Reason, "openim.io", strconv.Itoa(int(row.Code.Number())), nil), uint32(row.Code.Number()))
		}
	}
	for _, number := range []string{"1305", "0", "-1", "01004", " 1004", "0x3ec", "2147483648", "18446744073709551616", "１００４"} {
		b, err := proto.Marshal(info("openim.io", "", number))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint32(5))
	}
	f.Add([]byte("ST\x12\topenim.io"), uint32(1)) // a group
	f.Fuzz(func(t *testing.T, b []byte, code uint32) {
		if code == 0 {
			return
		}
		gst := grpcstatus.FromProto(&spb.Status{Code: int32(code), Message: "m", Details: []*anypb.Any{
			{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: b},
		}})
		st := status.FromGRPC(gst)
		info := &errdetails.ErrorInfo{}
		knownDomain := proto.Unmarshal(b, info) == nil && info.GetDomain() == "openim.io"
		if _, ok := errorinfo.Scan(b); !ok {
			knownDomain = false // it has a group or too many fields, and so carries no code
		}
		if (st.Origin() == status.OriginKnown) != knownDomain && st.Origin() != status.OriginNumeric {
			t.Errorf("Origin() = %v for ErrorInfo %v; want known: %t", st.Origin(), info, knownDomain)
		}
		row, known := codes.Default().ByReason(info.GetReason())
		if knownDomain && known && row.Code.Number() > 0 && st.Code() != row.Code {
			t.Errorf("Code() = %v for reason %q; want %v", st.Code(), info.GetReason(), row.Code)
		}
		if st.Code().Number() <= 0 {
			t.Errorf("Code() = %v; want a positive number", st.Code())
		}
		if got := checkFitsInBothForms(t, 0, decoded(gst.Err())); got.Status().Code() < 1 || got.Status().Code() > 16 {
			t.Errorf("forwarded with code %d; want 1..16", got.Status().Code())
		}
	})
}

// TestSizeIncludesPushback checks that the size includes the pushback trailer.
func TestSizeIncludesPushback(t *testing.T) {
	e := &status.Encoder{MaxSize: 1500, RetryPushback: true}
	got := e.Encode(t.Context(), status.New(codes.Args, strings.Repeat("x", 3000)).WithRetryDelay(time.Hour).Err())
	if got.Size() > 1500 || got.Trailer() == nil {
		t.Errorf("Encode() = %d bytes, trailer %v; want at most 1500, and the pushback", got.Size(), got.Trailer())
	}
}

// TestLeastMaxSize checks that a negative MaxSize stands for LeastMaxSize.
func TestLeastMaxSize(t *testing.T) {
	long := status.New(codes.Args, strings.Repeat("x", 3000)).Err()
	if a, b := (&status.Encoder{MaxSize: -1}).Encode(t.Context(), long), (&status.Encoder{MaxSize: status.LeastMaxSize}).Encode(t.Context(), long); !proto.Equal(a.Status().Proto(), b.Status().Proto()) {
		t.Errorf("Encode() = %d bytes with MaxSize -1; want the %d bytes of LeastMaxSize", a.Size(), b.Size())
	}
}

// TestTruncatesForwardedStatus checks that a service with a smaller MaxSize than its
// upstream truncates more, and adds that to metadata["truncated"].
func TestTruncatesForwardedStatus(t *testing.T) {
	first := (&status.Encoder{}).Encode(t.Context(), status.New(codes.Args, strings.Repeat("x", 1000)).WithDetails(badRequest(strings.Repeat("x", 9000))).Err())
	second := (&status.Encoder{MaxSize: 1024}).Encode(t.Context(), decoded(first.Status().Err()))
	if got := status.FromGRPC(second.Status()).Metadata()["truncated"]; first.Truncated().String() != "details" || second.Truncated().String() != "message" || got != "details,message" {
		t.Errorf("truncated %q, then %q, and sent %q; want details, then message, and both", first.Truncated().String(), second.Truncated().String(), got)
	}
}

// TestForwardedErrorInfoFits checks that unknown fields and long texts of a received
// ErrorInfo are replaced, so that the status fits.
func TestForwardedErrorInfoFits(t *testing.T) {
	raw := errorinfo.Append(nil, "RECORD_NOT_FOUND", "openim.io", "1004", nil)
	raw = protowire.AppendTag(raw, 99, protowire.BytesType)
	raw = protowire.AppendBytes(raw, make([]byte, 5000))
	p := grpcstatus.New(grpccodes.NotFound, "x").Proto()
	p.Details = []*anypb.Any{{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: raw}}
	if got := new(status.Encoder).Encode(t.Context(), decoded(grpcstatus.FromProto(p).Err())); got.Size() > 4096 || got.Truncated() != 0 {
		t.Errorf("Encode() = %d bytes, truncated %q; want at most 4096, and only the unknown field dropped", got.Size(), got.Truncated().String())
	}
	for name, i := range map[string]*errdetails.ErrorInfo{
		"ERROR_CODE_1305":  info("openim.io", strings.Repeat("R", 5000), "1305"),
		"RECORD_NOT_FOUND": info("openim.io", "RECORD_NOT_FOUND", strings.Repeat("1", 5000)),
	} {
		got := new(status.Encoder).Encode(t.Context(), decoded(grpcError(t, grpccodes.NotFound, "x", i)))
		if r := status.FromGRPC(got.Status()).Reason(); r != name || got.Size() > 4096 {
			t.Errorf("Reason() = %q in %d bytes; want %s in at most 4096", r, got.Size(), name)
		}
	}
}

// A longCode has a domain and a reason of the greatest length.
type longCode int32

func (longCode) Error() string          { return "x" }
func (c longCode) Number() codes.Number { return codes.Number(c) }
func (longCode) Table() *codes.Table    { return longTable }

var longTable *codes.Table

// TestLongestRowFits checks that a row with the longest domain, reason and number fits
// into 1,024 bytes with any message.
func TestLongestRowFits(t *testing.T) {
	for n := 1; n < 200; n++ {
		m := strings.Repeat("%", n)
		longTable = codes.MustTable(strings.Repeat("d", 253),
			codes.Row{Code: longCode(1<<31 - 1), Reason: strings.Repeat("R", 63), GRPCCode: grpccodes.Internal, Message: m, Default: true},
			codes.Row{Code: longCode(2), Reason: "UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "x", Default: true})
		for _, err := range []error{longCode(1<<31 - 1), status.Error(longCode(1<<31-1), "")} {
			got := (&status.Encoder{MaxSize: 1024}).Encode(t.Context(), err)
			if got.Size() > 1024 {
				t.Fatalf("Size() = %[2]d for a message of %[1]d percent signs; want at most 1024", n, got.Size())
			}
		}
	}
}

// TestReduceReceivedErrorInfo checks that unbounded texts of a received ErrorInfo are
// dropped before any other part. The code stays the same, and nothing is reported as
// truncated.
func TestReduceReceivedErrorInfo(t *testing.T) {
	long := strings.Repeat("R", 5000)
	upstream := func(reason, number, truncated string, details ...proto.Message) error {
		i := info("openim.io", reason, number)
		if truncated != "" {
			i.Metadata["truncated"] = truncated
		}
		return decoded(grpcError(t, grpccodes.Internal, "hello", append([]proto.Message{i}, details...)...))
	}
	for name, err := range map[string]error{
		"a reason that contradicts its number":     upstream(long, "1004", ""),
		"a reason of an unknown number":            upstream(long, "1305", ""),
		"a long metadata[truncated]":               upstream("RECORD_NOT_FOUND", "1004", strings.Repeat("z", 5000)),
		"a long metadata[truncated], and a detail": upstream("RECORD_NOT_FOUND", "1004", strings.Repeat(",", 5000), badRequest("name")),
	} {
		before := status.Code(err)
		got := new(status.Encoder).Encode(t.Context(), err)
		after := status.FromGRPC(got.Status())
		if after.Code() != before || got.Code() != before {
			t.Errorf("%s: code %v was forwarded as %v; want the same", name, before, after.Code())
		}
		if got.Truncated() != 0 || after.Truncated() != 0 || after.Message() != "hello" {
			t.Errorf("%s: Truncated() = %q, message %q; want nothing truncated", name, got.Truncated().String(), after.Message())
		}
		if _, had := status.Detail[*errdetails.BadRequest](err); had {
			if _, ok := status.Detail[*errdetails.BadRequest](got.Status().Err()); !ok {
				t.Errorf("%s: the forwarded status has no BadRequest; want the received one", name)
			}
		}
	}
	odd := status.Convert(upstream("RECORD_NOT_FOUND", "1004", "evil\n,message,metadata"))
	if got := odd.Truncated().String(); got != "metadata,message" {
		t.Errorf("Truncated() = %q; want the parts that errstatus knows, in its own order", got)
	}
}

// TestCostOfManyDetails checks that the cost is in proportion to the number of details
// and keys. With quadratic cost, the test would run for minutes.
func TestCostOfManyDetails(t *testing.T) {
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
	if len(got.DroppedKeys()) != 64 || len(got.Status().Proto().Details) != 100_001 {
		t.Errorf("Encode() = %d dropped keys, %d details; want 64 and 100001", len(got.DroppedKeys()), len(got.Status().Proto().Details))
	}
	if got := new(status.Encoder).Encode(t.Context(), st.Err()); got.Size() > status.DefaultMaxSize || got.Truncated().String() != "details" {
		t.Errorf("Encode() = %d bytes, truncated %q; want details within MaxSize", got.Size(), got.Truncated().String())
	}
}
