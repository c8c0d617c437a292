package status_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// badRequest returns a BadRequest with one field violation.
func badRequest(field string) *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: "empty"}}}
}

// TestWithMethodsCopy checks that the With methods change neither the Status that they are
// called on nor their arguments.
func TestWithMethodsCopy(t *testing.T) {
	base := status.New(codes.Args, "bad").WithMetadata("field", "name").WithDetails(badRequest("name"))
	before := base.GRPCStatus().Proto()

	detail := badRequest("age")
	left := base.WithDetails(detail, &errdetails.RequestInfo{RequestId: "1"}).WithMetadata("field", "age")
	right := base.WithDetails(&errdetails.Help{}).WithMetadata("other", "x")
	detail.FieldViolations[0].Field = "changed"
	base.Metadata()["field"] = "changed"
	base.Details()[0].(*errdetails.ErrorInfo).Reason = "CHANGED"

	if diff := cmp.Diff(before, base.GRPCStatus().Proto(), protocmp.Transform()); diff != "" {
		t.Errorf("GRPCStatus() of the base (-before +after):\n%s", diff)
	}
	if got, _ := status.Detail[*errdetails.BadRequest](left.Err()); got.GetFieldViolations()[0].GetField() != "age" {
		t.Errorf("Detail[BadRequest]() = %v; want the value at the time of WithDetails", got)
	}
	if len(left.Details()) != 3 || len(right.Details()) != 3 {
		t.Errorf("Details() = %v of left, %v of right; want 3 each", left.Details(), right.Details())
	}
	if want := map[string]string{"field": "name", "other": "x"}; !maps.Equal(right.Metadata(), want) {
		t.Errorf("Metadata() = %v of right; want %v", right.Metadata(), want)
	}
}

// TestDetails checks that the ErrorInfo comes first, that the last detail of a type replaces
// the first, and that nil is ignored.
func TestDetails(t *testing.T) {
	var noRequest *errdetails.BadRequest
	packed, err := anypb.New(&errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://a.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	st := status.New(codes.Args, "bad").
		WithDetails(badRequest("first"), nil, noRequest, &errdetails.RequestInfo{RequestId: "1"}, badRequest("second"), packed)

	want := []proto.Message{
		&errdetails.ErrorInfo{Reason: "ARGS", Domain: "openim.io", Metadata: map[string]string{"code": "1001"}},
		badRequest("second"),
		&errdetails.RequestInfo{RequestId: "1"},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://a.example"}}},
	}
	if diff := cmp.Diff(want, st.Details(), protocmp.Transform()); diff != "" {
		t.Errorf("Details() (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, status.FromGRPC(st.GRPCStatus()).Details(), protocmp.Transform()); diff != "" {
		t.Errorf("Details() of the received Status (-want +got):\n%s", diff)
	}
}

// TestUserErrorInfoAddsMetadata checks that WithDetails takes the metadata of an ErrorInfo of
// the code's domain, and ignores an ErrorInfo of another domain.
func TestUserErrorInfoAddsMetadata(t *testing.T) {
	st := status.New(codes.Args, "bad").WithMetadata("field", "name").
		WithDetails(&errdetails.ErrorInfo{Domain: "openim.io", Reason: "OTHER", Metadata: map[string]string{"limit": "10", "code": "7"}}).
		WithDetails(&errdetails.ErrorInfo{Domain: "a.example", Reason: "OTHER", Metadata: map[string]string{"x1": "y"}})
	got := status.FromGRPC(st.GRPCStatus())
	if want := map[string]string{"field": "name", "limit": "10"}; !maps.Equal(got.Metadata(), want) || got.Reason() != "ARGS" || got.Code() != codes.Code(codes.Args) {
		t.Errorf("received %v with reason %q, metadata %v; want Args, ARGS, %v", got, got.Reason(), got.Metadata(), want)
	}
	if len(got.Details()) != 1 || len(st.Details()) != 1 {
		t.Errorf("Details() = %v received, %v sent; want one ErrorInfo", got.Details(), st.Details())
	}
}

// TestMetadataKeys checks that keys that AIP-193 doesn't allow and keys that are reserved are
// not sent.
func TestMetadataKeys(t *testing.T) {
	st := status.New(codes.Args, "bad")
	for _, key := range []string{"code", "truncated", "", "x", "Upper", "1st", "with space", "ümlaut", string(make([]byte, 65))} {
		st = st.WithMetadata(key, "value")
	}
	st = st.WithMetadata("ok", "1").WithMetadata("also-OK_2", "2")
	if want := map[string]string{"ok": "1", "also-OK_2": "2"}; !maps.Equal(st.Metadata(), want) {
		t.Errorf("Metadata() = %v; want %v", st.Metadata(), want)
	}
	info := st.GRPCStatus().Details()[0].(*errdetails.ErrorInfo)
	if want := map[string]string{"code": "1001", "ok": "1", "also-OK_2": "2"}; !maps.Equal(info.GetMetadata(), want) {
		t.Errorf("GRPCStatus() = metadata %v; want %v", info.GetMetadata(), want)
	}
}

// TestInvalidUTF8 checks that invalid bytes are replaced, and that all details are kept.
func TestInvalidUTF8(t *testing.T) {
	const bad, good = "caf\xe9", "caf\uFFFD"
	nested, err := structpb.NewStruct(map[string]any{"key": []any{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	nested.Fields["key"].GetListValue().Values[0] = &structpb.Value{Kind: &structpb.Value_StringValue{StringValue: bad}}
	nested.Fields[bad] = &structpb.Value{Kind: &structpb.Value_StringValue{StringValue: bad}}

	st := status.New(codes.Args, bad).
		WithMetadata("name", bad).
		WithDetails(badRequest(bad), &errdetails.DebugInfo{StackEntries: []string{bad}}, nested)
	got := status.FromGRPC(st.GRPCStatus())
	if got.Message() != good || got.Metadata()["name"] != good {
		t.Errorf("received message %q, metadata %q; want %q", got.Message(), got.Metadata(), good)
	}
	if br, ok := status.Detail[*errdetails.BadRequest](got.Err()); !ok || br.GetFieldViolations()[0].GetField() != good {
		t.Errorf("received BadRequest %v; want field %q", br, good)
	}
	s, _ := status.Detail[*structpb.Struct](got.Err())
	if s.GetFields()[good].GetStringValue() != good || s.GetFields()["key"].GetListValue().GetValues()[0].GetStringValue() != good {
		t.Errorf("received Struct %v; want %q throughout", s, good)
	}
	if st.Message() != good || st.Metadata()["name"] != good {
		t.Errorf("Message() = %q, Metadata() = %q; want the same as is sent", st.Message(), st.Metadata())
	}
}

// TestDetail checks which detail Detail returns for a type, and that it returns false if
// there is none.
func TestDetail(t *testing.T) {
	err := status.New(codes.Args, "bad").WithDetails(badRequest("name")).Err()
	if br, ok := status.Detail[*errdetails.BadRequest](err); !ok || br.GetFieldViolations()[0].GetField() != "name" {
		t.Errorf("Detail[BadRequest]() = %v, %t; want field name, true", br, ok)
	}
	if info, ok := status.Detail[*errdetails.ErrorInfo](err); !ok || info.GetReason() != "ARGS" {
		t.Errorf("Detail[ErrorInfo]() = %v, %t; want that of the code, true", info, ok)
	}
	if help, ok := status.Detail[*errdetails.Help](err); ok || help != nil {
		t.Errorf("Detail[Help]() = %v, %t; want nil, false", help, ok)
	}
	if m, ok := status.Detail[proto.Message](err); ok || m != nil {
		t.Errorf("Detail[proto.Message]() = %v, %t; want nil, false", m, ok)
	}
	if _, ok := status.Detail[*errdetails.ErrorInfo](errors.New("plain")); ok {
		t.Error("Detail[ErrorInfo]() = true for a plain error; want false")
	}
	for _, none := range []error{nil, errors.New("plain"), codes.NoError} {
		if _, ok := status.Detail[*errdetails.BadRequest](none); ok {
			t.Errorf("Detail[BadRequest]() = true for %v; want false", none)
		}
	}
}

// TestUndecodableDetails checks that details that can't be decoded are kept as Any, and that
// the other details can be read.
func TestUndecodableDetails(t *testing.T) {
	malformed := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.BadRequest", Value: []byte{0xff}}
	unknown := &anypb.Any{TypeUrl: "type.example/never.Heard", Value: []byte("of it")}
	st := status.FromGRPC(status.New(codes.Args, "bad").WithDetails(malformed, unknown, &errdetails.RequestInfo{RequestId: "1"}).GRPCStatus())
	want := []proto.Message{
		&errdetails.ErrorInfo{Reason: "ARGS", Domain: "openim.io", Metadata: map[string]string{"code": "1001"}},
		malformed, unknown, &errdetails.RequestInfo{RequestId: "1"},
	}
	if diff := cmp.Diff(want, st.Details(), protocmp.Transform()); diff != "" {
		t.Errorf("Details() (-want +got):\n%s", diff)
	}
	if _, ok := status.Detail[*errdetails.BadRequest](st.Err()); ok {
		t.Error("Detail[BadRequest]() = true for malformed bytes; want false")
	}
	if info, ok := status.Detail[*errdetails.RequestInfo](st.Err()); !ok || info.GetRequestId() != "1" {
		t.Errorf("Detail[RequestInfo]() = %v, %t; want request id 1, true", info, ok)
	}
}

// TestChangeReceivedStatus checks that a received Status with added metadata and details
// keeps its code, reason, message and canonical code.
func TestChangeReceivedStatus(t *testing.T) {
	unknown := grpcError(t, grpccodes.FailedPrecondition, "new", info("openim.io", "SRV_NEW", "1305"))
	st := status.Convert(unknown).WithMetadata("hop", "b").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(1)})
	got := status.FromGRPC(st.GRPCStatus())
	if got.Code() != codes.Code(codes.ErrorCode(1305)) || got.Reason() != "SRV_NEW" || got.GRPCCode() != grpccodes.FailedPrecondition || got.Message() != "new" {
		t.Errorf("received %v, reason %q, gRPC code %v; want 1305, SRV_NEW, FailedPrecondition", got, got.Reason(), got.GRPCCode())
	}
	if got.Metadata()["hop"] != "b" || len(got.Details()) != 2 {
		t.Errorf("received metadata %v, details %v; want hop b, two details", got.Metadata(), got.Details())
	}

	bare := status.Convert(grpcError(t, grpccodes.Aborted, "again"))
	if got := bare.WithDetails(badRequest("x")).GRPCStatus(); got.Code() != grpccodes.Aborted || len(got.Details()) != 1 {
		t.Errorf("GRPCStatus() = %v of a bare Status with a detail; want ABORTED with only that detail", got)
	}
	if got := bare.WithMetadata("k1", "v"); got.Origin() != status.OriginBare || got.Metadata()["k1"] != "v" || len(got.GRPCStatus().Details()) > 0 {
		t.Errorf("a bare Status with metadata has origin %v, metadata %v and is sent as %v; want bare, k1, no details", got.Origin(), got.Metadata(), got.GRPCStatus())
	}
	for name, got := range map[string]*status.Status{
		"metadata, then a code": bare.WithMetadata("k1", "v").WithCode(codes.Args),
		"a code, then metadata": bare.WithCode(codes.Args).WithMetadata("k1", "v"),
	} {
		back := status.FromGRPC(got.GRPCStatus())
		if back.Code() != codes.Code(codes.Args) || back.GRPCCode() != grpccodes.Aborted || back.Message() != "again" || back.Metadata()["k1"] != "v" || !errors.Is(got.Err(), codes.Args) {
			t.Errorf("%s: received %v, %v, metadata %v; want Args, ABORTED, the same message, k1", name, back, back.GRPCCode(), back.Metadata())
		}
	}
}

// TestReceivedStatusIsKept checks that GRPCStatus returns the received status, and that
// WithDetails doesn't change the message.
func TestReceivedStatusIsKept(t *testing.T) {
	for name, err := range map[string]error{
		"two details of a type": grpcError(t, grpccodes.Aborted, "x", badRequest("a"), badRequest("b")),
		"DebugInfo":             grpcError(t, grpccodes.Aborted, "x", &errdetails.DebugInfo{Detail: "y"}),
		"a raw number":          grpcError(t, 1004, ""),
		"no message":            grpcError(t, grpccodes.Aborted, "", info("openim.io", "ARGS", "1001")),
	} {
		st := status.Convert(err)
		if diff := cmp.Diff(grpcstatus.Convert(err).Proto(), st.GRPCStatus().Proto(), protocmp.Transform()); diff != "" {
			t.Errorf("%s: GRPCStatus() (-received +got):\n%s", name, diff)
		}
		want := st.Message() // what is sent is the row's, if a status with a code has none
		if want == "" {
			want = codes.RowOf(st.Code()).Message
		}
		if changed := st.WithDetails(&errdetails.Help{}); changed.Message() != st.Message() || changed.GRPCStatus().Message() != want {
			t.Errorf("%s: message %q became %q, sent as %q, after WithDetails; want the same, sent as %q", name, st.Message(), changed.Message(), changed.GRPCStatus().Message(), want)
		}
	}
	if got := status.ToGRPC(grpcError(t, 1004, " ")); got.Code() != grpccodes.NotFound || got.Message() != "record not found" {
		t.Errorf("ToGRPC() = %v for a raw number without a message; want NOT_FOUND and the row's message", got)
	}
	if st := status.Convert(grpcError(t, 1004, "x", info("a.example", "A_B_C", ""))); st.Origin() != status.OriginNumeric {
		t.Errorf("Origin() = %v for a raw number beside an ErrorInfo of an unknown domain; want numeric", st.Origin())
	}
}

// TestZeroStatus checks that the zero Status is success, like nil.
func TestZeroStatus(t *testing.T) {
	var st status.Status
	if st.Err() != nil || st.Code() != codes.Code(codes.NoError) || st.GRPCStatus() != nil || st.String() != "NoError: no error" || len(st.Details()) != 0 {
		t.Errorf("zero Status = %v, Err() = %v; want success", &st, st.Err())
	}
	if err := st.WithDetails(badRequest("x"), info("openim.io", "A_B_C", "")).WithMetadata("k1", "v").Err(); err != nil {
		t.Errorf("Err() = %v of the zero Status with details; want nil", err)
	}
	if err := st.Wrap(errors.New("x")); err == nil {
		t.Error("Wrap() of the zero Status = nil; want an error")
	}
}

// TestStatusCopiesDetails checks that a Status shares no memory with the details that it was
// given, those that it returns, and the received status.
func TestStatusCopiesDetails(t *testing.T) {
	given := &anypb.Any{TypeUrl: "type.example/x.Y", Value: []byte("before")}
	bad := badRequest("caf\xe9")
	st := status.New(codes.Args, "").WithDetails(given, bad)
	given.Value[0] = 'X'
	got := st.Details()[1].(*anypb.Any)
	if string(got.Value) != "before" {
		t.Errorf("Details() = %q; want the value at the time of WithDetails", got.Value)
	}
	got.Value[0] = 'X'
	if again := st.Details()[1].(*anypb.Any); string(again.Value) != "before" {
		t.Errorf("Details() = %q after its first result was changed; want before", again.Value)
	}
	if bad.FieldViolations[0].Field != "caf\xe9" {
		t.Errorf("field of the given BadRequest = %q; want it unchanged", bad.FieldViolations[0].Field)
	}

	p := grpcstatus.New(grpccodes.Aborted, "x").Proto()
	p.Details = []*anypb.Any{given, packed(t, info("openim.io", "ARGS", "1001")), packed(t, &errdetails.Help{})}
	gst := grpcstatus.FromProto(p)
	first := status.FromGRPC(gst)
	_ = first.WithDetails(&errdetails.RequestInfo{})
	if diff := cmp.Diff(p, gst.Proto(), protocmp.Transform()); diff != "" {
		t.Errorf("received status (-before +after):\n%s", diff)
	}
	if n := len(first.Details()); n != 3 {
		t.Errorf("Details() = %d details after one was added to a copy; want 3", n)
	}
}

// TestRepairIsDeterministic checks that equal details give equal bytes, if several map keys
// become equal when their invalid bytes are replaced.
func TestRepairIsDeterministic(t *testing.T) {
	text := func(s string) *structpb.Value {
		return &structpb.Value{Kind: &structpb.Value_StringValue{StringValue: s}}
	}
	first := ""
	for range 50 {
		s := &structpb.Struct{Fields: map[string]*structpb.Value{"\xff": text("1"), "\xfe": text("2"), "\uFFFD": text("3")}}
		b, err := proto.Marshal(status.New(codes.Args, "").WithDetails(s).GRPCStatus().Proto())
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(b)
		}
		if string(b) != first {
			t.Fatalf("Marshal() of equal details =\n%q, then\n%q; want the same", b, first)
		}
	}
}

// TestMetadataKeyLength checks that keys of up to 64 bytes are sent, as AIP-193 allows.
func TestMetadataKeyLength(t *testing.T) {
	longest := strings.Repeat("k", 64)
	st := status.New(codes.Args, "").WithMetadata(longest, "v").WithMetadata(longest+"k", "v")
	if want := map[string]string{longest: "v"}; !maps.Equal(st.Metadata(), want) {
		t.Errorf("Metadata() = %v; want only the key of 64 bytes", st.Metadata())
	}
}

// TestErrorInfoWithoutCodeOfAnotherTable checks that an ErrorInfo of a known domain that
// names no code carries none, and can be read.
func TestErrorInfoWithoutCodeOfAnotherTable(t *testing.T) {
	decoder := &status.Decoder{Tables: []*codes.Table{codes.Default(), shop}}
	gst := grpcstatus.Convert(grpcError(t, grpccodes.Internal, "x", info("shop.example", "NEVER_HEARD", "")))
	st := decoder.FromGRPC(gst)
	if code, declared := status.Declared(st.Err()); code != codes.Code(codes.SdkUnknownCode) || declared || st.Reason() != "NEVER_HEARD" || st.Domain() != "shop.example" {
		t.Errorf("Declared() = %v, %t, reason %q of %q; want the first table's UNKNOWN default, false, the received ErrorInfo", code, declared, st.Reason(), st.Domain())
	}
}

// TestRoundTrip checks, for every code, that a received Status equals the one that was sent,
// and that equal Statuses have equal bytes.
func TestRoundTrip(t *testing.T) {
	all := []codes.Code{codes.ErrorCode(1305), codes.ErrorCode(1<<31 - 1)}
	for row := range codes.Default().All() {
		if row.Code.Number() != 0 {
			all = append(all, row.Code)
		}
	}
	for _, code := range all {
		for name, build := range map[string]func() *status.Status{
			"without a message": func() *status.Status { return status.New(code, "") },
			"with a message":    func() *status.Status { return status.Newf(code, "user %q: 100%%\n\x00 用户 ☃", "42") },
			"with metadata": func() *status.Status {
				return status.New(code, "m").WithMetadata("b1", "2").WithMetadata("a1", "1").WithMetadata("c1", "3")
			},
			"with details": func() *status.Status {
				return status.New(code, "m").WithDetails(badRequest("name"), &errdetails.Help{})
			},
		} {
			sent := build()
			got := status.FromGRPC(sent.GRPCStatus())
			checkSame(t, sent, got)
			if got.Code() != code {
				t.Errorf("%s: FromGRPC() = code %v; want %v", name, got.Code(), code)
			}
			first, _ := proto.Marshal(sent.GRPCStatus().Proto())
			for range 10 {
				if again, _ := proto.Marshal(build().GRPCStatus().Proto()); string(again) != string(first) {
					t.Fatalf("%v, %s: Marshal() of equal Statuses =\n%q, then\n%q; want the same", code, name, first, again)
				}
			}
		}
	}
}

// TestCopiesShareNoDroppedKeys checks that two copies of a Status don't share the keys that
// were dropped from each.
func TestCopiesShareNoDroppedKeys(t *testing.T) {
	base := status.New(codes.Args, "").WithMetadata("X1", "").WithMetadata("X2", "").WithMetadata("X3", "")
	a, b := base.WithMetadata("A", ""), base.WithMetadata("B", "")
	for want, st := range map[string]*status.Status{"A": a, "B": b} {
		if got := new(status.Encoder).Encode(t.Context(), st.Err()).DroppedKeys(); got[0] != want || len(got) != 4 {
			t.Errorf("DroppedKeys() = %q; want %q first, and no key of the other copy", got, want)
		}
	}
}

// TestUnknownFieldsOfAnyAreDropped checks that unknown fields of an Any are not sent.
func TestUnknownFieldsOfAnyAreDropped(t *testing.T) {
	x := &anypb.Any{TypeUrl: "x/a.B", Value: []byte("v")}
	x.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 77, protowire.VarintType), 5))
	if got := new(status.Encoder).Encode(t.Context(), status.New(codes.Args, "").WithDetails(x).Err()).Status().Proto().Details[1]; len(got.ProtoReflect().GetUnknown()) > 0 {
		t.Errorf("Encode() = Any with unknown fields %x; want none", got.ProtoReflect().GetUnknown())
	}
}
