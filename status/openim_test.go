package status_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

const openIMURL = "type.googleapis.com/openim.protobuf.ErrorInfo"

// openIMInfo is the message openim.protobuf.ErrorInfo as OpenIM defines it. It is
// registered nowhere.
var openIMInfo = func() protoreflect.MessageDescriptor {
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, label descriptorpb.FieldDescriptorProto_Label) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind, Label: &label}
	}
	text, number := descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_UINT32
	one, many := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL, descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("errinfo.proto"), Package: new("openim.protobuf"), Syntax: new("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("ErrorInfo"), Field: []*descriptorpb.FieldDescriptorProto{
			field("path", 1, text, one), field("line", 2, number, one), field("name", 3, text, one),
			field("cause", 4, text, one), field("warp", 5, text, many),
		}}},
	}, new(protoregistry.Files))
	if err != nil {
		panic(err)
	}
	return file.Messages().Get(0)
}()

// openIMBytes returns an openim.protobuf.ErrorInfo, serialized by protobuf.
func openIMBytes(t testing.TB, cause string, warp ...string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(openIMInfo)
	fields := openIMInfo.Fields()
	m.Set(fields.ByName("path"), protoreflect.ValueOfString("a/b.go"))
	m.Set(fields.ByName("line"), protoreflect.ValueOfUint32(42))
	m.Set(fields.ByName("cause"), protoreflect.ValueOfString(cause))
	for _, w := range warp {
		m.Mutable(fields.ByName("warp")).List().Append(protoreflect.ValueOfString(w))
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openIMText returns the text that OpenIM's client reads from a serialized
// openim.protobuf.ErrorInfo. ok is false if the client can't read it.
func openIMText(b []byte) (text string, ok bool) {
	m := dynamicpb.NewMessage(openIMInfo)
	if proto.Unmarshal(b, m) != nil {
		return "", false
	}
	var warp []string
	list := m.Get(openIMInfo.Fields().ByName("warp")).List()
	for i := range list.Len() {
		warp = append(warp, list.Get(i).String())
	}
	return strings.Join(warp, "->") + m.Get(openIMInfo.Fields().ByName("cause")).String(), true
}

// openIMAny returns an Any with a serialized openim.protobuf.ErrorInfo.
func openIMAny(value []byte) *anypb.Any { return &anypb.Any{TypeUrl: openIMURL, Value: value} }

// rawNumberError returns an error with a raw number, as OpenIM's servers send it.
func rawNumberError(number uint32, message string, details ...*anypb.Any) error {
	return grpcstatus.FromProto(&spb.Status{Code: int32(number), Message: message, Details: details}).Err()
}

// textField returns a serialized string field.
func textField(number protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), text)
}

// TestOpenIMDetail checks which text OpenIMDetail returns for the details of a status, before
// and after it is decoded and forwarded. The details don't change the code.
func TestOpenIMDetail(t *testing.T) {
	const cause, warp protowire.Number = 4, 5
	bad := status.New(codes.Args, "bad").WithDetails(badRequest("name")).GRPCStatus().Proto().Details[1]
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	tests := []struct {
		name    string
		details []*anypb.Any
		text    string
		none    bool
	}{
		{name: "no details", none: true},
		{name: "cause", details: []*anypb.Any{openIMAny(openIMBytes(t, "row 42"))}, text: "row 42"},
		{name: "empty", details: []*anypb.Any{openIMAny(nil)}},
		{name: "wrapped", details: []*anypb.Any{openIMAny(openIMBytes(t, "row 42", "a", "b"))}, text: "a->brow 42"},
		{name: "wrapped in empty texts", details: []*anypb.Any{openIMAny(openIMBytes(t, "row 42", "", "", "c"))}, text: "->->crow 42"},
		{name: "wrapped, without a cause", details: []*anypb.Any{openIMAny(openIMBytes(t, "", "a", "b"))}, text: "a->b"},
		{name: "two causes, each before a wrapping text", details: []*anypb.Any{openIMAny(join(textField(cause, "x"), textField(warp, "a"), textField(cause, "y"), textField(warp, "b")))}, text: "a->by"},
		{name: "unknown fields", details: []*anypb.Any{openIMAny(join([]byte{0x20, 1, 0x2b, 0x2c}, textField(99, "z"), textField(cause, "x")))}, text: "x"},
		{name: "not UTF-8", details: []*anypb.Any{openIMAny(join(textField(cause, "a\xffb"), textField(warp, "\xfe")))}, text: "\uFFFDa\uFFFDb"},
		{name: "incomplete", details: []*anypb.Any{openIMAny(textField(cause, "row 42")[:4])}, none: true},
		{name: "a field number that is too great", details: []*anypb.Any{openIMAny([]byte("\x80\xff\xff\xff00"))}, none: true},
		{name: "a field number of 0", details: []*anypb.Any{openIMAny([]byte{0x02, 0})}, none: true},
		{name: "after another detail", details: []*anypb.Any{bad, openIMAny(openIMBytes(t, "row 42"))}, text: "row 42"},
		{name: "the first of two", details: []*anypb.Any{openIMAny(openIMBytes(t, "row 42")), openIMAny(openIMBytes(t, "row 43"))}, text: "row 42"},
		{name: "the first of two is malformed", details: []*anypb.Any{openIMAny([]byte{0xff}), openIMAny(openIMBytes(t, "row 43"))}, none: true},
		{name: "a rune in two parts", details: []*anypb.Any{openIMAny(join(textField(warp, "\xe4\xb8"), textField(cause, "\xad")))}, text: "\uFFFD\uFFFD"},
		{name: "another field that is not UTF-8", details: []*anypb.Any{openIMAny(join(textField(3, "\xff"), textField(cause, "x")))}, text: "x"},
		{name: "type URL with another host", details: []*anypb.Any{{TypeUrl: "example.com/openim.protobuf.ErrorInfo", Value: openIMBytes(t, "row 42")}}, text: "row 42"},
		{name: "google.rpc.ErrorInfo", details: []*anypb.Any{packed(t, info("a.example", "ARGS", "1001"))}, none: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, number := range []uint32{1004, uint32(grpccodes.NotFound)} {
				err := rawNumberError(number, "no such user", tt.details...)
				withDetail := &status.Encoder{OpenIMErrors: status.OpenIMErrorsWithDetail}
				for name, err := range map[string]error{
					"not decoded":           err,
					"decoded":               decoded(err),
					"forwarded with detail": withDetail.Encode(t.Context(), decoded(rawNumberError(1004, "x", tt.details...))).Err(),
				} {
					text, ok := status.OpenIMDetail(err)
					if ok == tt.none || text != tt.text {
						t.Errorf("grpc-status %d, %s: OpenIMDetail() = %q, %t; want %q, %t", number, name, text, ok, tt.text, !tt.none)
					}
				}
				if text, ok := status.OpenIMDetail(encodeError(decoded(rawNumberError(1004, "x", tt.details...)))); ok {
					t.Errorf("forwarded without detail: OpenIMDetail() = %q; want none", text)
				}
				st := status.Convert(decoded(err))
				if (st.Code() == codes.RecordNotFound) != (number == 1004) || st.GRPCCode() != grpccodes.NotFound || st.Message() != "no such user" {
					t.Errorf("grpc-status %d: Decode() = %v, %v; want RecordNotFound for the number only, NotFound, with the same message", number, st, st.GRPCCode())
				}
				if diff := cmp.Diff(tt.details, grpcstatus.Convert(decoded(err)).Proto().GetDetails(), protocmp.Transform()); diff != "" {
					t.Errorf("grpc-status %d: details (-received +decoded):\n%s", number, diff)
				}
			}
		})
	}
	for name, err := range map[string]error{"nil": nil, "a plain error": errors.New("x"), "a code": codes.Args} {
		if text, ok := status.OpenIMDetail(err); text != "" || ok {
			t.Errorf("%s: OpenIMDetail() = %q, %t; want no detail", name, text, ok)
		}
	}
}

// FuzzOpenIMDetail checks that OpenIMDetail reads any bytes as protobuf does, and that it
// returns valid UTF-8 where protobuf reports an error. It also checks that OpenIM's client
// can read the forwarded detail.
func FuzzOpenIMDetail(f *testing.F) {
	f.Add(openIMBytes(f, "row 42"))
	f.Add(openIMBytes(f, "中文 %", "a", "b", ""))
	f.Add([]byte{0x22, 0x01, 0xff, 0x2a, 0x00})
	f.Add(slices.Concat(textField(7, strings.Repeat(":", 5000)), []byte{0xa2})) // malformed, and too large
	f.Add([]byte{0x23, 0x2b, 0x2c, 0x24, 0x22, 0x01, 'x'})                      // groups
	f.Fuzz(func(t *testing.T, b []byte) {
		err := rawNumberError(1004, "x", openIMAny(b))
		text, ok := status.OpenIMDetail(err)
		want, readable := openIMText(b)
		if readable && (!ok || text != want) {
			t.Errorf("OpenIMDetail() = %q, %t for %x; want %q, true", text, ok, b, want)
		}
		if !utf8.ValidString(text) || !ok && text != "" || status.Code(err) != codes.RecordNotFound {
			t.Errorf("OpenIMDetail() = %q, %t for %x, code %v; want valid UTF-8 and RecordNotFound", text, ok, b, status.Code(err))
		}
		sent := checkFits(t, status.Encoder{OpenIMForm: true}, 0, decoded(err)).Status().Proto()
		if forwarded, readable := openIMText(sent.Details[0].Value); sent.Code != 1004 || ok && !readable || forwarded != text && len(text) < 1000 {
			t.Errorf("forwarded as %v, which OpenIM's client reads as %q; want the raw number, and %q", sent, forwarded, text)
		}
	})
}

// checkNumericForm checks the number and the first detail of the numeric form. That detail
// is OpenIM's, with the full text or a prefix of it.
func checkNumericForm(t testing.TB, got status.Encoded, sent, full *spb.Status) {
	t.Helper()
	if got.Code() == nil || sent.Code != int32(got.Code().Number()) || sent.Code <= 16 || got.GRPCCode() < 1 || got.GRPCCode() > 16 {
		t.Fatalf("grpc-status %d for code %v, canonical %v; want the code's number and a canonical code", sent.Code, got.Code(), got.GRPCCode())
	}
	if name := sent.Details[0].MessageName(); name != "openim.protobuf.ErrorInfo" {
		t.Fatalf("first detail = %s; want openim.protobuf.ErrorInfo", name)
	}
	if !proto.Equal(sent.Details[0], full.Details[0]) {
		checkOpenIMTextPrefix(t, got, sent.Details[0], full.Details[0])
	}
}

// checkOpenIMTextPrefix checks that a truncated OpenIM detail has a prefix of the text,
// followed by three dots, or no text.
func checkOpenIMTextPrefix(t testing.TB, got status.Encoded, sent, full *anypb.Any) {
	t.Helper()
	text, ok := openIMText(sent.Value)
	was, _ := status.OpenIMDetail(rawNumberError(1004, "", full))
	prefix, marked := strings.CutSuffix(text, "...")
	if !ok || text != was && text != "" && (!marked || prefix == "" || !strings.HasPrefix(was, prefix)) || !slices.Contains(strings.Split(got.Truncated().String(), ","), "details") {
		t.Errorf("text of OpenIM's detail = %.100q, Truncated() = %q; want a prefix of %.100q with three dots, or no text", text, got.Truncated().String(), was)
	}
}

// TestNumericForm checks the numeric form of every code: the raw number, OpenIM's detail,
// our ErrorInfo, then the other details.
func TestNumericForm(t *testing.T) {
	encoder := &status.Encoder{OpenIMForm: true}
	for row := range codes.Default().All() {
		c := row.Code
		if c.Number() == 0 {
			continue
		}
		st := status.New(c, "no such user").WithMetadata("user", "42").WithDetails(badRequest("name"))
		for name, tt := range map[string]struct {
			err       error
			canonical *spb.Status
			detail    string
		}{
			"code":                        {c, status.ToGRPC(c).Proto(), ""},
			"Status":                      {st.Err(), status.ToGRPC(st.Err()).Proto(), ""},
			"Status with OpenIM's detail": {st.WithDetails(openIMAny(openIMBytes(t, "row 42", "a"))).Err(), status.ToGRPC(st.Err()).Proto(), "arow 42"},
			"received in canonical form":  {decoded(status.ToGRPC(st.Err()).Err()), status.ToGRPC(st.Err()).Proto(), ""},
			"received from OpenIM":        {decoded(rawNumberError(uint32(c.Number()), "x", openIMAny(openIMBytes(t, "row 42")))), status.ToGRPC(status.Error(c, "x")).Proto(), "row 42"},
		} {
			got := encoder.Encode(t.Context(), tt.err)
			want := proto.CloneOf(tt.canonical)
			want.Code = int32(c.Number())
			sent := got.Status().Proto()
			if len(sent.Details) == 0 {
				t.Fatalf("%v, %s: Encode() = no details; want OpenIM's first", c, name)
			}
			first := sent.Details[0]
			sent.Details = sent.Details[1:]
			if diff := cmp.Diff(want, sent, protocmp.Transform()); diff != "" {
				t.Errorf("%v, %s: status without its first detail (-want +got):\n%s", c, name, diff)
			}
			if text, ok := openIMText(first.Value); first.TypeUrl != openIMURL || !ok || text != tt.detail {
				t.Errorf("%v, %s: first detail = %v; want OpenIM's with %q", c, name, first, tt.detail)
			}
			if got.Code() != c || got.GRPCCode() != row.GRPCCode {
				t.Errorf("%v, %s: Code() = %v, GRPCCode() = %v; want %v, %v", c, name, got.Code(), got.GRPCCode(), c, row.GRPCCode)
			}
			back := status.FromGRPC(got.Status())
			checkSame(t, status.FromGRPC(grpcstatus.FromProto(tt.canonical)), withoutOpenIMDetail(back))
			if text, ok := status.OpenIMDetail(back.Err()); !ok || text != tt.detail {
				t.Errorf("%v, %s: OpenIMDetail() = %q, %t for the received status; want %q, true", c, name, text, ok, tt.detail)
			}
		}
	}
}

// withoutOpenIMDetail returns a received status without OpenIM's detail.
func withoutOpenIMDetail(st *status.Status) *status.Status {
	p := st.GRPCStatus().Proto()
	p.Details = slices.DeleteFunc(p.Details, func(d *anypb.Any) bool { return d.TypeUrl == openIMURL })
	return status.FromGRPC(grpcstatus.FromProto(p))
}

// TestNumericFormNeedsNumberThatNamesCode checks that the numeric form is sent only for a
// carried code that its number alone identifies. Other statuses are sent in the canonical
// form.
func TestNumericFormNeedsNumberThatNamesCode(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	smallCode := smallCode(16)
	copied, err := codes.Default().WithRows()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		tables []*codes.Table
		ctx    context.Context
		err    error
		code   grpccodes.Code // grpc-status that is sent
		grpc   grpccodes.Code // canonical code; 0 if it is the same as code
	}{
		{name: "a code", err: codes.RecordNotFound, code: 1004, grpc: grpccodes.NotFound},
		{name: "an error without a code", err: errors.New(secret), code: 500, grpc: grpccodes.Internal},
		{name: "NoError", err: codes.NoError, code: 500, grpc: grpccodes.Internal},
		{name: "NoError with a cause", err: status.Wrap(errors.New(secret), codes.NoError, ""), code: 500, grpc: grpccodes.Internal},
		{name: "a number without a row", err: codes.ErrorCode(1305), code: 1305, grpc: grpccodes.Unknown},
		{name: "a number without a row, with another table of the domain", tables: []*codes.Table{copied}, err: codes.ErrorCode(1305), code: 1305, grpc: grpccodes.Unknown},
		{name: "the greatest number", err: codes.ErrorCode(math.MaxInt32), code: math.MaxInt32, grpc: grpccodes.Unknown},
		{name: "the least number that is sent", err: codes.ErrorCode(17), code: 17, grpc: grpccodes.Unknown},
		{name: "16, a canonical code", err: codes.ErrorCode(16), code: grpccodes.Unknown},
		{name: "1, a canonical code", err: codes.ErrorCode(1), code: grpccodes.Unknown},
		{name: "a negative number", err: codes.ErrorCode(-1), code: 500, grpc: grpccodes.Internal},
		{name: "16, with a row", err: smallCode, code: grpccodes.Aborted},
		{name: "a gRPC status", err: grpcError(t, grpccodes.Aborted, "again"), code: grpccodes.Aborted},
		{name: "a gRPC status with a raw number", err: grpcError(t, 1403, "muted"), code: 1403, grpc: grpccodes.PermissionDenied},
		{name: "a gRPC status that carries a code", err: grpcError(t, grpccodes.Aborted, "muted", info("openim.io", "SRV_MUTED_GROUP", "1403")), code: 1403, grpc: grpccodes.Aborted},
		{name: "context error, after the context has ended", ctx: ended, err: context.Canceled, code: grpccodes.Canceled},
		{name: "deadline, while the context is alive", err: context.DeadlineExceeded, code: grpccodes.DeadlineExceeded},
		{name: "received UNAVAILABLE without ErrorInfo", err: received(t, grpccodes.Unavailable, secret), code: grpccodes.Unavailable},
		{name: "trust all, no ErrorInfo", err: receivedWith(t, status.TrustAll, grpccodes.NotFound, "gone"), code: grpccodes.NotFound},
		{name: "received ErrorInfo that names no code", err: receivedWith(t, status.TrustAll, grpccodes.NotFound, "gone", info("openim.io", "NEVER_HEARD", "")), code: grpccodes.NotFound},
		{name: "restated Status without a code", err: status.FromGRPC(grpcstatus.New(grpccodes.NotFound, secret)).WithMessage("gone").Err(), code: grpccodes.NotFound},
		{name: "trust none, raw number", err: receivedWith(t, status.TrustNone, 1403, secret), code: 500, grpc: grpccodes.Internal},
		{name: "a panic", err: status.Recovered(secret), code: 500, grpc: grpccodes.Internal},
		{name: "a code whose number the first table names otherwise", err: shopClosed, code: grpccodes.Unavailable},
		{name: "a code of the first table", tables: []*codes.Table{shop}, err: shopClosed, code: 1004, grpc: grpccodes.Unavailable},
		{name: "RecordNotFound, while another table names its number", tables: []*codes.Table{shop}, err: codes.RecordNotFound, code: grpccodes.NotFound},
		{name: "Args, while another table comes first", tables: []*codes.Table{shop}, err: codes.Args, code: 1001, grpc: grpccodes.InvalidArgument},
		{name: "a number without a row, of the first table's domain", tables: []*codes.Table{shop}, err: shopCode(1305), code: 1305, grpc: grpccodes.Unknown},
		{name: "a number without a row, of another domain", tables: []*codes.Table{shop}, err: codes.ErrorCode(1305), code: grpccodes.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			encoder := &status.Encoder{OpenIMForm: true, Tables: tt.tables}
			got := encoder.Encode(tt.ctx, tt.err)
			if tt.grpc == 0 {
				tt.grpc = tt.code
			}
			if got.Status().Code() != tt.code || got.GRPCCode() != tt.grpc {
				t.Errorf("Encode() = grpc-status %v, canonical %v; want %v, %v", got.Status().Code(), got.GRPCCode(), tt.code, tt.grpc)
			}
			if text := fmt.Sprint(got.Status().Proto()); strings.Contains(text, secret) {
				t.Errorf("Encode() = %v; want no private text", text)
			}
			// A client with the same tables gets the same code, also from the number alone if
			// that has a row.
			if got.Code() == nil {
				return
			}
			decoder := &status.Decoder{Tables: tt.tables}
			if back := decoder.FromGRPC(got.Status()); back.Code() != got.Code() && got.Code().Table() == codes.Default() {
				t.Errorf("FromGRPC() = code %v; want %v", back.Code(), got.Code())
			}
			if tt.code > 16 && got.Code().Table().Has(got.Code().Number()) {
				if back := decoder.FromGRPC(grpcstatus.New(tt.code, "")); back.Code() != got.Code() || back.Origin() != status.OriginNumeric {
					t.Errorf("FromGRPC() = code %v, origin %v for the number alone; want %v, numeric", back.Code(), back.Origin(), got.Code())
				}
			}
			// Any Encoder sends an encoded error the same again.
			for _, again := range []*status.Encoder{encoder, {}} {
				twice := again.Encode(tt.ctx, got.Err())
				if twice.Status() != got.Status() || twice.GRPCCode() != got.GRPCCode() || twice.Code() != got.Code() || twice.Source() != status.SourceEncoded {
					t.Errorf("Encode(Err()) = %+v; want %+v", twice, got)
				}
			}
		})
	}
}

// A smallCode has the number of a canonical code.
type smallCode int32

var smallTable = codes.MustTable("small.example",
	codes.Row{Code: smallCode(1), Reason: "SMALL_INTERNAL", GRPCCode: grpccodes.Internal, Message: "x", Default: true},
	codes.Row{Code: smallCode(2), Reason: "SMALL_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "x", Default: true},
	codes.Row{Code: smallCode(16), Reason: "SMALL_ABORTED", GRPCCode: grpccodes.Aborted, Message: "x"},
)

func (smallCode) Error() string          { return "small" }
func (c smallCode) Number() codes.Number { return codes.Number(c) }
func (smallCode) Table() *codes.Table    { return smallTable }

// TestNumericFormRepairsOpenIMDetail checks that invalid UTF-8 in OpenIM's detail is replaced,
// because OpenIM's clients can't read it. A malformed detail is sent unchanged.
func TestNumericFormRepairsOpenIMDetail(t *testing.T) {
	valid := openIMBytes(t, "row 42", "a")
	for name, tt := range map[string]struct{ detail, want []byte }{
		"not UTF-8":           {textField(4, "a\xffb"), textField(4, "a\uFFFDb")},
		"an unknown field":    {slices.Concat(textField(9, "\xff"), textField(4, "x")), slices.Concat(textField(9, "\xff"), textField(4, "x"))},
		"name":                {slices.Concat(textField(3, "\xff"), textField(4, "x")), textField(4, "x")},
		"path":                {slices.Concat(textField(1, "\xff"), textField(4, "x")), textField(4, "x")},
		"first of two causes": {slices.Concat(textField(4, "\xff"), textField(4, "x")), textField(4, "x")},
		"a rune in two parts": {slices.Concat(textField(5, "\xe4\xb8"), textField(4, "\xad")), textField(4, "\uFFFD\uFFFD")},
		"malformed":           {[]byte{0xff}, []byte{0xff}},
		"valid":               {valid, valid},
	} {
		err := status.New(codes.Args, "x").WithDetails(openIMAny(tt.detail)).Err()
		got := (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), err).Status().Proto()
		if diff := cmp.Diff(openIMAny(tt.want), got.Details[0], protocmp.Transform()); diff != "" || len(got.Details) != 2 {
			t.Errorf("%s: first of %d details (-want +got):\n%s", name, len(got.Details), diff)
		}
	}
}

// TestTruncatesNumericForm checks which parts are truncated in the numeric form. The number,
// OpenIM's detail and the ErrorInfo are always kept.
func TestTruncatesNumericForm(t *testing.T) {
	long := strings.Repeat("中x", 5000)
	detail := openIMAny(openIMBytes(t, long))
	st := status.New(codes.RecordNotFound, "no such user")
	tests := []struct {
		name      string
		err       error
		truncated string
	}{
		{"small", st.WithDetails(openIMAny(openIMBytes(t, "row 42")), badRequest("x")).Err(), ""},
		{"violations", st.WithDetails(testrpc.Violations(10_000), openIMAny(openIMBytes(t, "row 42"))).Err(), "details"},
		{"OpenIM's text", st.WithDetails(detail).Err(), "details"},
		{"OpenIM's text, and a detail after it", st.WithDetails(detail, badRequest("x")).Err(), "details"},
		{"malformed OpenIM detail", st.WithDetails(openIMAny(make([]byte, 5000))).Err(), "details"},
		{"OpenIM's text in many parts", st.WithDetails(openIMAny(openIMBytes(t, "x", strings.Split(long, "x")...))).Err(), "details"},
		{"empty OpenIM detail with a long type URL", st.WithMetadata("user", "42").WithDetails(&anypb.Any{TypeUrl: long + "/openim.protobuf.ErrorInfo"}).Err(), ""},
		{"OpenIM's text with a long type URL", st.WithDetails(&anypb.Any{TypeUrl: long + "/openim.protobuf.ErrorInfo", Value: openIMBytes(t, "x")}).Err(), ""},
		{"OpenIM's other fields", st.WithDetails(openIMAny(slices.Concat(textField(1, long), textField(4, "row 42")))).Err(), "details"},
		{"metadata", keys(100, 100).WithDetails(detail).Err(), "details,metadata"},
		{"the message", status.New(codes.RecordNotFound, long).WithDetails(openIMAny(openIMBytes(t, "row 42"))).Err(), "details,message"},
		{"all", status.Wrap(keys(100, 100).WithDetails(testrpc.Violations(10_000), detail).Err(), codes.Args, long), "message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{0, status.LeastMaxSize, 2000, 8192} {
				got := checkFits(t, status.Encoder{OpenIMForm: true}, size, tt.err)
				if size == 0 && got.Truncated().String() != tt.truncated {
					t.Errorf("Truncated() = %q; want %q", got.Truncated().String(), tt.truncated)
				}
			}
		})
	}
	// The canonical form keeps a prefix of OpenIM's text too.
	canonical := checkFits(t, status.Encoder{}, 0, tests[2].err)
	if text, ok := status.OpenIMDetail(canonical.Status().Err()); !ok || len(text) < 1000 || canonical.Truncated().String() != "details" {
		t.Errorf("OpenIMDetail() = %d bytes, truncated %q in the canonical form; want at least 1000, details", len(text), canonical.Truncated().String())
	}
	// If no rune of the text fits, the text is empty.
	for _, numeric := range []bool{false, true} {
		last := "行"
		for n := 1400; n < 1800; n++ {
			got := (&status.Encoder{OpenIMForm: numeric}).Encode(t.Context(), status.New(codes.Args, strings.Repeat("x", n)).WithDetails(openIMAny(textField(4, "行"))).Err())
			text, ok := status.OpenIMDetail(got.Status().Err())
			if text != "行" && text != "" || ok != (numeric || text != "") || slices.ContainsFunc(got.Status().Proto().Details, func(d *anypb.Any) bool { return d.TypeUrl == "" }) {
				t.Fatalf("numeric form %t, message of %d bytes: OpenIMDetail() = %q, %t; want the full text or none", numeric, n, text, ok)
			}
			last = text
		}
		if last != "" {
			t.Errorf("numeric form %t: OpenIMDetail() always returned the text; want none for long messages", numeric)
		}
	}
	// The text is kept if only the other fields of the detail are too long.
	other := checkFits(t, status.Encoder{OpenIMForm: true}, 0, st.WithDetails(openIMAny(slices.Concat(textField(1, long), textField(4, "row 42")))).Err())
	if text, _ := status.OpenIMDetail(other.Status().Err()); text != "row 42" {
		t.Errorf("OpenIMDetail() = %q; want row 42", text)
	}
	// The text is truncated to the available size.
	got := (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), st.WithDetails(openIMAny(openIMBytes(t, strings.Repeat("x", 5000)))).Err())
	if size := got.Size(); size < status.DefaultMaxSize-3 || size > status.DefaultMaxSize {
		t.Errorf("Size() = %d with a truncated text; want %d, or up to 3 less", size, status.DefaultMaxSize)
	}
}

// TestAddedRowNamesRawNumber checks that a row that a client's table adds names a received
// number, in both forms, and that the status is forwarded with the row's reason and
// canonical code.
func TestAddedRowNamesRawNumber(t *testing.T) {
	const added codes.ErrorCode = 1305
	table, err := codes.Default().WithRows(codes.Row{Code: added, Reason: "ADDED", GRPCCode: grpccodes.Aborted, Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	tables := []*codes.Table{table}
	decoder := &status.Decoder{Tables: tables}
	renamed, err := codes.Default().WithRows(codes.Row{Code: added, Reason: "RENAMED", GRPCCode: grpccodes.NotFound, Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	// When the status is forwarded, the Encoder's table comes before the Decoder's.
	for reason, tt := range map[string]struct {
		decoder, encoder []*codes.Table
		want             grpccodes.Code
	}{
		"RENAMED": {tables, []*codes.Table{renamed}, grpccodes.NotFound},
		"ADDED":   {tables, nil, grpccodes.Aborted},
	} {
		received := (&status.Decoder{Tables: tt.decoder}).Decode(t.Context(), grpcstatus.Error(grpccodes.Code(added), "x"))
		for name, err := range map[string]error{"received": received, "changed": status.Convert(received).WithMetadata("key", "value").Err()} {
			sent := (&status.Encoder{Tables: tt.encoder}).Encode(t.Context(), err)
			if i, ok := status.Detail[*errdetails.ErrorInfo](sent.Status().Err()); !ok || i.Reason != reason || sent.Status().Code() != tt.want || i.Metadata["code"] != "1305" {
				t.Errorf("%s, %s: forwarded as %v, %v; want %v, that reason and 1305", reason, name, sent.Status(), i, tt.want)
			}
		}
	}
	numeric := (&status.Encoder{Tables: tables, OpenIMForm: true}).Encode(t.Context(), added).Status()
	for name, gst := range map[string]*grpcstatus.Status{"raw number alone": grpcstatus.New(grpccodes.Code(added), "x"), "numeric form": numeric} {
		st := decoder.FromGRPC(gst)
		if st.Code() != added || st.GRPCCode() != grpccodes.Aborted || st.Reason() != "ADDED" || st.Domain() != "openim.io" || st.Metadata() != nil {
			t.Errorf("%s: FromGRPC() = %v, %v, %s; want 1305, ABORTED, ADDED", name, st, st.GRPCCode(), st.Reason())
		}
		for _, numeric := range []bool{false, true} {
			sent := (&status.Encoder{Tables: tables, OpenIMForm: numeric}).Encode(t.Context(), decoder.Decode(t.Context(), gst.Err()))
			if back := decoder.FromGRPC(sent.Status()); sent.GRPCCode() != grpccodes.Aborted || back.Reason() != "ADDED" || back.GRPCCode() != grpccodes.Aborted {
				t.Errorf("%s, numeric form %t: forwarded as %v, %v; want ABORTED, ADDED", name, numeric, sent.Status(), sent.GRPCCode())
			}
		}
	}
}

// TestRawNumberOfUnknownDomain checks that a raw number doesn't name a code of a known domain
// if the ErrorInfo has the same number in an unknown domain.
func TestRawNumberOfUnknownDomain(t *testing.T) {
	sent := (&status.Encoder{Tables: []*codes.Table{shop}, OpenIMForm: true}).Encode(t.Context(), shopClosed).Status()
	err := decoded(sent.Err())
	st := status.Convert(err)
	if st.Code() != codes.SdkUnknownCode || st.Origin() != status.OriginForeign || st.GRPCCode() != grpccodes.Unknown || errors.Is(err, codes.RecordNotFound) || len(st.Details()) != 2 {
		t.Errorf("Decode() = %v, origin %v, %v with %v; want unknown domain, UNKNOWN, two details", st, st.Origin(), st.GRPCCode(), st.Details())
	}
	if got := status.ToGRPC(err); got.Code() != grpccodes.Internal {
		t.Errorf("ToGRPC() = %v; want INTERNAL", got)
	}
	if got := (&status.Decoder{Tables: []*codes.Table{codes.Default(), shop}}).FromGRPC(sent); got.Code() != shopClosed || got.GRPCCode() != grpccodes.Unavailable {
		t.Errorf("FromGRPC() = %v, %v with the domain's table; want the shop's code, UNAVAILABLE", got, got.GRPCCode())
	}
	// An ErrorInfo with another number doesn't affect the raw number.
	other := status.Convert(grpcError(t, 1001, "x", info("shop.example", "SHOP_CLOSED", "1004")))
	if other.Code() != codes.Args || other.Origin() != status.OriginNumeric {
		t.Errorf("Convert() = %v, origin %v beside another number; want Args, numeric", other, other.Origin())
	}
}

// TestNumericTimeoutAfterContextEnd checks that a received number of DEADLINE_EXCEEDED is
// sent as the context's error if the RPC's own context has ended, and forwarded otherwise.
func TestNumericTimeoutAfterContextEnd(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	timeout := decoded(rawNumberError(uint32(codes.SdkCtxDeadlineExceeded), "x"))
	if got := new(status.Encoder).Encode(late, timeout); got.Source() != status.SourceContext {
		t.Errorf("Encode() = %v from %v; want it from the context", got.Status(), got.Source())
	}
	if got := new(status.Encoder).Encode(t.Context(), timeout); got.Source() != status.SourceForwarded || got.Code() != codes.SdkCtxDeadlineExceeded {
		t.Errorf("Encode() = %v from %v; want SdkCtxDeadlineExceeded, forwarded", got.Status(), got.Source())
	}
}

// TestStatusWithoutCodeStaysWithoutCode checks that a status whose ErrorInfo names no code
// isn't sent as one, also if the ErrorInfo is too long.
func TestStatusWithoutCodeStaysWithoutCode(t *testing.T) {
	upstream := receivedWith(t, status.TrustAll, grpccodes.NotFound, strings.Repeat("m", 3000), info("openim.io", strings.Repeat("R", 100), ""))
	encoder := &status.Encoder{OpenIMForm: true}
	for hop := range 3 {
		got := encoder.Encode(t.Context(), upstream)
		if got.Status().Code() != grpccodes.NotFound || got.Code() != nil {
			t.Errorf("hop %d: Encode() = %v, code %v; want NOT_FOUND in the canonical form, and no code", hop, got.Status().Code(), got.Code())
		}
		upstream = (&status.Decoder{Trust: status.TrustAll}).Decode(t.Context(), got.Status().Err())
	}
}

// TestRawNumberUsesFirstTableWithRow checks that the first table with a row names a raw
// number. The default table comes last.
func TestRawNumberUsesFirstTableWithRow(t *testing.T) {
	row, _ := codes.Default().Lookup(1305)
	row.Name, row.Reason = "Added", "ADDED"
	added, err := codes.Default().WithRows(row)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		tables []*codes.Table
		number uint32
		want   codes.Code
	}{
		{"default", nil, 1004, codes.RecordNotFound},
		{"another table with a row", []*codes.Table{shop}, 1004, shopClosed},
		{"the default table before another", []*codes.Table{codes.Default(), shop}, 1004, codes.RecordNotFound},
		{"another table without a row", []*codes.Table{shop}, 1001, codes.Args},
		{"a copy of the default table with a row", []*codes.Table{shop, added}, 1305, codes.ErrorCode(1305)},
		{"no table with a row", []*codes.Table{shop}, 1306, shopUnknown},
	} {
		if got := (&status.Decoder{Tables: tt.tables}).FromGRPC(grpcstatus.New(grpccodes.Code(tt.number), "x")); got.Code() != tt.want || got.Origin() != status.OriginNumeric {
			t.Errorf("%s: FromGRPC(%d) = %v, origin %v; want %v, numeric", tt.name, tt.number, got.Code(), got.Origin(), tt.want)
		}
		local := grpcstatus.Error(grpccodes.Code(tt.number), "x")
		got := (&status.Encoder{Tables: tt.tables}).Encode(t.Context(), local)
		if has := tt.name != "no table with a row"; has != (got.Source() == status.SourceNumber) || has && got.Code() != tt.want {
			t.Errorf("%s: Encode(%d) = %v from %v; want %v", tt.name, tt.number, got.Code(), got.Source(), tt.want)
		}
	}
}

// TestNumericFormOfLongestRowFits checks that the parts that are never truncated fit into
// LeastMaxSize.
func TestNumericFormOfLongestRowFits(t *testing.T) {
	const number = math.MaxInt32
	longTable = codes.MustTable(strings.Repeat("d", 253),
		codes.Row{Code: longCode(number), Reason: strings.Repeat("R", 63), GRPCCode: grpccodes.Internal, Message: "x", Default: true},
		codes.Row{Code: longCode(2), Reason: "UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "x", Default: true})
	long := strings.Repeat("%", 3000)
	st := status.New(longCode(number), long).WithMetadata("key", long).WithDetails(testrpc.Violations(1000), openIMAny(openIMBytes(t, long))).WithRetryDelay(1 << 62)
	encoder := &status.Encoder{Tables: []*codes.Table{longTable}, MaxSize: status.LeastMaxSize, RetryPushback: true, OpenIMForm: true}
	for subtype, details := range map[string]int{"": 2, "+" + strings.Repeat("x", 63): 1} {
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("content-type", "application/grpc"+subtype))
		for _, err := range []error{longCode(number), status.Error(longCode(number), ""), st.Err(), status.Error(longCode(number), long)} {
			got := encoder.Encode(ctx, err)
			back := (&status.Decoder{Tables: encoder.Tables}).FromGRPC(got.Status())
			if got.Size()+len(subtype) > status.LeastMaxSize || got.Status().Code() != number || len(got.Status().Proto().Details) < details || back.Reason() != strings.Repeat("R", 63) {
				t.Errorf("%.20v, content type %q: Encode() = %d bytes, %v; want at most %d, with the first details", err, subtype, got.Size(), got.Status(), status.LeastMaxSize)
			}
			// A request id goes last, and the rest stays the same.
			withID := *encoder
			withID.RequestID = func(context.Context) string { return strings.Repeat("i", 128) }
			again := withID.Encode(ctx, err)
			if again.Size()+len(subtype) > status.LeastMaxSize || again.Status().Code() != number || again.Truncated()&status.TruncatedDetails == 0 || again.RequestID() != status.RequestID(again.Status().Err()) {
				t.Errorf("%.20v, content type %q, with a request id: Encode() = %d bytes, %v; want at most %d, without the id", err, subtype, again.Size(), again.Status(), status.LeastMaxSize)
			}
		}
	}
}

// TestCostOfLongOpenIMDetail checks that the cost of OpenIM's detail is in proportion to its
// size. With quadratic cost, the test would run for minutes.
func TestCostOfLongOpenIMDetail(t *testing.T) {
	const times = 1_000_000
	err := decoded(rawNumberError(1004, "x", openIMAny([]byte(strings.Repeat("\x2a\x00", times)))))
	if text, ok := status.OpenIMDetail(err); !ok || text != strings.Repeat("->", times-1) {
		t.Errorf("OpenIMDetail() = %d bytes, %t; want %d, true", len(text), ok, 2*(times-1))
	}
	got := (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), err)
	if got.Size() > status.DefaultMaxSize || got.Truncated().String() != "details" {
		t.Errorf("Encode() = %d bytes, truncated %q; want details within MaxSize", got.Size(), got.Truncated().String())
	}
}

// TestBothFormsAreTreatedAlike checks that a status in the numeric form and one in the
// canonical form are treated alike: for the caller's context, for each Trust, and when a
// handler returns the received error.
func TestBothFormsAreTreatedAlike(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for row := range codes.Default().All() {
		if row.Code.Number() == 0 {
			continue
		}
		sent := status.Error(row.Code, "x")
		canonical, numeric := status.ToGRPC(sent), (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), sent).Status()
		for _, trust := range []status.Trust{status.TrustKnown, status.TrustNone, status.TrustAll} {
			decoder := &status.Decoder{Trust: trust}
			for name, ctx := range map[string]context.Context{"live": t.Context(), "late": late, "cancelled": cancelled} {
				a, b := decoder.Decode(ctx, canonical.Err()), decoder.Decode(ctx, numeric.Err())
				if errors.Is(a, context.DeadlineExceeded) != errors.Is(b, context.DeadlineExceeded) || errors.Is(a, context.Canceled) != errors.Is(b, context.Canceled) {
					t.Errorf("%v, %s: errors.Is() finds a context error in only one of the forms; want the same", row.Code, name)
				}
				x, y := new(status.Encoder).Encode(ctx, a), new(status.Encoder).Encode(ctx, b)
				if x.Source() != y.Source() || x.Code() != y.Code() || x.Status().Code() != y.Status().Code() || x.Status().Message() != y.Status().Message() {
					t.Errorf("%v, trust %v, %s: Encode() = %v from %v, and %v from %v in the numeric form; want the same", row.Code, trust, name, x.Status(), x.Source(), y.Status(), y.Source())
				}
			}
		}
	}
	// A raw number alone is not UNAVAILABLE, even if the row of the number is.
	err := (&status.Decoder{Trust: status.TrustNone}).Decode(t.Context(), grpcstatus.Error(grpccodes.Code(codes.SdkNetwork), secret))
	if got := status.ToGRPC(err); got.Code() != grpccodes.Internal {
		t.Errorf("ToGRPC() = %v for 10000 with trust none; want INTERNAL", got)
	}
}

// TestEncodedErrorHasCanonicalCode checks that an encoded error has the canonical code of the
// server's table in both forms. Interceptors before errstatus read it, for metrics and
// circuit breakers.
func TestEncodedErrorHasCanonicalCode(t *testing.T) {
	row, _ := codes.Default().Lookup(codes.SrvCallback.Number())
	row.GRPCCode = grpccodes.Aborted
	added := codes.Row{Code: codes.ErrorCode(1520), Reason: "ADDED", GRPCCode: grpccodes.PermissionDenied, Message: "x"}
	table, err := codes.Default().WithRows(row, added)
	if err != nil {
		t.Fatal(err)
	}
	for _, numeric := range []bool{false, true} {
		encoder := &status.Encoder{Tables: []*codes.Table{table}, OpenIMForm: numeric}
		for code, want := range map[codes.Code]grpccodes.Code{codes.SrvCallback: grpccodes.Aborted, added.Code: grpccodes.PermissionDenied, codes.Args: grpccodes.InvalidArgument} {
			if got := status.Convert(encoder.Encode(t.Context(), code).Err()); got.GRPCCode() != want || got.Code() != code {
				t.Errorf("%v, numeric form %t: GRPCCode() = %v, Code() = %v; want %v and the same code", code, numeric, got.GRPCCode(), got.Code(), want)
			}
		}
	}
}

// TestNumericFormLogsCanonicalCode checks that the canonical code is logged for an error that
// is sent in the numeric form.
func TestNumericFormLogsCanonicalCode(t *testing.T) {
	err := (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), codes.RecordNotFound).Err()
	if text := logged(err); !strings.Contains(text, " err.grpc_code=NOT_FOUND ") {
		t.Errorf("logged %s; want NOT_FOUND", text)
	}
}

// renamed returns a copy of the default table with other reasons for two numbers: one that
// has a row in the default table, and one that has none.
func renamed(t *testing.T, suffix string) *codes.Table {
	t.Helper()
	row, _ := codes.Default().Lookup(codes.RecordNotFound.Number())
	row.Reason, row.GRPCCode = "RENAMED_"+suffix, grpccodes.FailedPrecondition
	added := codes.Row{Code: codes.ErrorCode(1520), Name: "Added", Reason: "ADDED_" + suffix, GRPCCode: grpccodes.PermissionDenied, Message: "added"}
	table, err := codes.Default().WithRows(row, added)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestNumericFormWithOtherReasons checks that a client whose table has another reason for a
// number gets the code of the number and the rest of the ErrorInfo. An encoded error
// has them in the process too.
func TestNumericFormWithOtherReasons(t *testing.T) {
	server, client := renamed(t, "X"), renamed(t, "Y")
	for _, code := range []codes.ErrorCode{codes.RecordNotFound, 1520} {
		encoder := &status.Encoder{OpenIMForm: true, MaxSize: status.LeastMaxSize, Tables: []*codes.Table{server}}
		sent := encoder.Encode(t.Context(), status.New(code, strings.Repeat("long ", 500)).WithMetadata("user", "42").Err())
		if sent.Status().Code() != grpccodes.Code(code) || sent.Truncated() == 0 {
			t.Fatalf("Encode(%v) = grpc-status %d, truncated %q; want the number, truncated", code, sent.Status().Code(), sent.Truncated().String())
		}
		st := (&status.Decoder{Tables: []*codes.Table{client}}).FromGRPC(sent.Status())
		if st.Code() != codes.Code(code) || st.Truncated().String() != sent.Truncated().String() {
			t.Errorf("FromGRPC() = %[2]v, truncated %[3]q for %[1]v; want the same code, truncated %[4]q", code, st.Code(), st.Truncated().String(), sent.Truncated().String())
		}

		encoder.MaxSize = 0
		full := encoder.Encode(t.Context(), status.New(code, "x").WithMetadata("user", "42").Err())
		st = (&status.Decoder{Tables: []*codes.Table{client}}).FromGRPC(full.Status())
		row, _ := client.Lookup(code.Number())
		if st.Code() != codes.Code(code) || st.Metadata()["user"] != "42" || st.GRPCCode() != row.GRPCCode {
			t.Errorf("FromGRPC() = %[2]v, %[3]v, metadata %[4]v for %[1]v; want the same code with its metadata", code, st.Code(), st.GRPCCode(), st.Metadata())
		}
		if again := encoder.Encode(t.Context(), st.Err()); status.FromGRPC(again.Status()).Metadata()["user"] != "42" {
			t.Errorf("%v is forwarded as %v; want its metadata too", code, again.Status().Proto())
		}

		canonical := &status.Encoder{Tables: []*codes.Table{server}}
		want := status.Convert(canonical.Encode(t.Context(), status.New(code, "x").WithMetadata("user", "42").Err()).Err())
		got := status.Convert(full.Err())
		if got.Code() != want.Code() || got.Reason() != want.Reason() || got.Origin() != want.Origin() || got.GRPCCode() != want.GRPCCode() || got.Metadata()["user"] != "42" {
			t.Errorf("Convert(Err()) of %v = reason %v, origin %v, %v, metadata %v; want reason %v, origin %v, %v, as in the canonical form", code,
				got.Reason(), got.Origin(), got.GRPCCode(), got.Metadata(), want.Reason(), want.Origin(), want.GRPCCode())
		}
		if got.GRPCStatus() != full.Status() {
			t.Errorf("GRPCStatus() of %v = %v; want the status that is sent", code, got.GRPCStatus())
		}
	}
}

// TestErrorInfoDecidesBetweenDomainsOfNumber checks that the domain of the ErrorInfo decides
// on the code, if two known domains have the raw number.
func TestErrorInfoDecidesBetweenDomainsOfNumber(t *testing.T) {
	added, err := codes.Default().WithRows(codes.Row{Code: codes.ErrorCode(1305), Name: "Added", Reason: "ADDED", GRPCCode: grpccodes.PermissionDenied, Message: "added"})
	if err != nil {
		t.Fatal(err)
	}
	sent := (&status.Encoder{OpenIMForm: true, Tables: []*codes.Table{shop}}).Encode(t.Context(), shopCode(1305))
	st := (&status.Decoder{Tables: []*codes.Table{added, shop}}).FromGRPC(sent.Status())
	if st.Code() != codes.Code(shopCode(1305)) || st.GRPCCode() != grpccodes.Unknown || strings.HasPrefix(st.String(), "Added") {
		t.Errorf("FromGRPC() = %v, %v, %q; want the shop's code, UNKNOWN", st.Code(), st.GRPCCode(), st)
	}
}

// TestRawNumberGetsErrorInfoOfRow checks that the ErrorInfo of a raw number has the reason of
// the client's row.
func TestRawNumberGetsErrorInfoOfRow(t *testing.T) {
	table := renamed(t, "Y")
	st := (&status.Decoder{Tables: []*codes.Table{table}}).FromGRPC(grpcstatus.New(1520, "x"))
	if reason := st.Details()[0].(*errdetails.ErrorInfo).GetReason(); reason != "ADDED_Y" {
		t.Errorf("Details() = ErrorInfo with reason %q; want ADDED_Y, of the row", reason)
	}
}

// TestRawNumberIgnoresMetadataOfOtherDomain checks that the metadata of an ErrorInfo of
// another domain isn't that of the raw number's code, even if the numbers are equal.
func TestRawNumberIgnoresMetadataOfOtherDomain(t *testing.T) {
	other := info("shop.example", "NEVER_HEARD", "1004")
	other.Metadata["user"] = "42"
	st := (&status.Decoder{Tables: []*codes.Table{codes.Default(), shop}}).FromGRPC(grpcstatus.Convert(grpcError(t, 1004, "x", other)))
	if st.Code() != codes.Code(codes.RecordNotFound) || st.Metadata() != nil {
		t.Errorf("FromGRPC() = %v with metadata %v; want RecordNotFound without metadata", st.Code(), st.Metadata())
	}
}

// An openIMError has the methods of the errors that OpenIM's handlers return.
type openIMError struct {
	code        int
	msg, detail string
}

func (e *openIMError) Error() string  { return fmt.Sprint(e.code, " ", e.msg, " ", e.detail) }
func (e *openIMError) Code() int      { return e.code }
func (e *openIMError) Msg() string    { return e.msg }
func (e *openIMError) Detail() string { return e.detail }

// An openIMErrorWithCause wraps another error. OpenIM's own errors wrap none.
type openIMErrorWithCause struct {
	openIMError
	cause error
}

func (e *openIMErrorWithCause) Unwrap() error { return e.cause }

// An openIMErrorWithGRPCStatus has the gRPC status of its cause.
type openIMErrorWithGRPCStatus struct {
	openIMError
	cause error
}

func (e *openIMErrorWithGRPCStatus) GRPCStatus() *grpcstatus.Status {
	return grpcstatus.Convert(e.cause)
}
func (e *openIMErrorWithGRPCStatus) Unwrap() []error { return []error{e.cause} }

// TestEncodeOpenIMErrors checks what is sent for an OpenIM error, alone and beside other
// errors, if the Encoder adapts them without their details.
func TestEncodeOpenIMErrors(t *testing.T) {
	found := &openIMError{1403, "muted", secret}
	ourInfo := info("openim.io", "ARGS", "1001")
	with := func(e *openIMError) error { return fmt.Errorf(secret+": %w", e) }
	tests := []struct {
		name    string
		err     error
		source  status.Source
		grpc    grpccodes.Code
		message string
		code    codes.Code
	}{
		{"alone", found, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"under %w", with(found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"in Join", errors.Join(errors.New(secret), found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"first of two", errors.Join(found, &openIMError{1001, secret, ""}), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"without a message", &openIMError{code: 1403}, status.SourceOpenIMError, grpccodes.PermissionDenied, "the group is muted", codes.SrvMutedGroup},
		{"a message that is not UTF-8", &openIMError{1403, "m\xffted", ""}, status.SourceOpenIMError, grpccodes.PermissionDenied, "m\uFFFDted", codes.SrvMutedGroup},
		{"before a code", errors.Join(found, codes.Args), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"with a code as cause", &openIMErrorWithCause{*found, codes.Args}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"after a code", errors.Join(codes.Args, found), status.SourceCode, grpccodes.InvalidArgument, "invalid argument", codes.Args},
		{"as cause of a Status", status.Wrap(found, codes.Args, "no name"), status.SourceCode, grpccodes.InvalidArgument, "no name", codes.Args},
		{"with a gRPC status as cause", &openIMErrorWithCause{*found, grpcError(t, grpccodes.Aborted, secret)}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"after a gRPC status", errors.Join(grpcError(t, grpccodes.Aborted, secret), found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"with a received error as cause", &openIMErrorWithCause{*found, received(t, grpccodes.NotFound, secret)}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"with the gRPC status of a received error", &openIMErrorWithGRPCStatus{*found, received(t, grpccodes.InvalidArgument, "no name", ourInfo)}, status.SourceForwarded, grpccodes.InvalidArgument, "no name", codes.Args},
		{"with the gRPC status of a received error that is withheld", &openIMErrorWithGRPCStatus{*found, received(t, grpccodes.Unavailable, secret)}, status.SourceUpstream, grpccodes.Unavailable, "an upstream service is unavailable", nil},
		{"after an error that a rule matches", errors.Join(errNoRows, found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"a number without a row", with(&openIMError{1305, secret, secret}), status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"a number without a row, with one that has a row as cause", &openIMErrorWithCause{openIMError{1305, secret, ""}, found}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"0, which is success", &openIMError{0, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"a negative number", &openIMError{-1004, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"the least number that is sent", &openIMError{math.MinInt, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"the greatest number", &openIMError{math.MaxInt, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"nil", (*openIMError)(nil), status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"wrapping itself", func() error { e := &openIMErrorWithCause{openIMError: openIMError{code: 1305}}; e.cause = e; return e }(), status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
	}
	rules := []status.Rule{{Target: errNoRows, Code: codes.RecordNotFound}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := (&status.Encoder{OpenIMErrors: status.OpenIMErrorsWithoutDetail, Rules: rules}).Encode(t.Context(), tt.err)
			if got.Source() != tt.source || got.Status().Code() != tt.grpc || got.GRPCCode() != tt.grpc || got.Status().Message() != tt.message || got.Code() != tt.code {
				t.Errorf("Encode() = source %v, %v, code %v; want %v, %v %q, %v", got.Source(), got.Status(), got.Code(), tt.source, tt.grpc, tt.message, tt.code)
			}
			checkErrorInfo(t, got, tt.code)
			if text := fmt.Sprint(got.Status().Proto()); strings.Contains(text, secret) {
				t.Errorf("Encode() = %s; want no private text", text)
			}
			if _, ok := status.OpenIMDetail(got.Status().Err()); ok {
				t.Errorf("Encode() = %v; want no OpenIM detail", got.Status())
			}
			if tt.name != "nil" && tt.name != "wrapping itself" {
				checkEncodedError(t, got, tt.err)
			}
		})
	}
}

// TestOpenIMErrorsIgnoredByDefault checks that the zero Encoder doesn't adapt OpenIM errors.
// Errors of other packages can have a Code method too.
func TestOpenIMErrorsIgnoredByDefault(t *testing.T) {
	got := new(status.Encoder).Encode(t.Context(), &openIMError{1004, secret, secret})
	if got.Source() != status.SourceUnknown || got.Code() != codes.ServerInternal || strings.Contains(fmt.Sprint(got.Status().Proto()), secret) {
		t.Errorf("Encode() = %v from %v; want the INTERNAL default from unknown", got.Status(), got.Source())
	}
}

// TestOpenIMErrorsOfEveryCode checks that an OpenIM error with any code is sent with that
// code and with its detail, in both forms.
func TestOpenIMErrorsOfEveryCode(t *testing.T) {
	for row := range codes.Default().All() {
		if row.Code.Number() == 0 {
			continue
		}
		for _, numeric := range []bool{false, true} {
			for detail, want := range map[string]string{"row 42": "row 42", "": "", "r\xffw": "r\uFFFDw"} {
				encoder := &status.Encoder{OpenIMErrors: status.OpenIMErrorsWithDetail, OpenIMForm: numeric}
				got := encoder.Encode(t.Context(), &openIMError{int(row.Code.Number()), "msg", detail})
				st := status.FromGRPC(got.Status())
				if st.Code() != row.Code || st.Message() != "msg" || st.Origin() != status.OriginKnown || got.GRPCCode() != row.GRPCCode {
					t.Errorf("Encode(%[1]v) is received as %[2]v, origin %[3]v, canonical %[4]v; want %[1]v with message msg, known, %[5]v", row.Code, st, st.Origin(), got.GRPCCode(), row.GRPCCode)
				}
				text, ok := status.OpenIMDetail(st.Err())
				if text != want || ok != (detail != "" || numeric) {
					t.Errorf("%v, numeric form %t: OpenIMDetail() = %q, %t for the received status; want %q", row.Code, numeric, text, ok, want)
				}
				for _, d := range got.Status().Proto().Details {
					if _, ok := openIMText(d.Value); d.TypeUrl == openIMURL && !ok {
						t.Errorf("%v, numeric form %t: OpenIM's detail %x can't be decoded; want it valid", row.Code, numeric, d.Value)
					}
				}
			}
		}
	}
}

// TestOpenIMErrorUsesFirstTableWithRow checks that the first table with a row names the number
// of an OpenIM error.
func TestOpenIMErrorUsesFirstTableWithRow(t *testing.T) {
	greatest, err := codes.Default().WithRows(codes.Row{Code: codes.ErrorCode(math.MaxInt32), Reason: "GREATEST", GRPCCode: grpccodes.Aborted, Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	encoder := &status.Encoder{OpenIMErrors: status.OpenIMErrorsWithoutDetail, Tables: []*codes.Table{shop, greatest}}
	for number, want := range map[int]codes.Code{1004: shopClosed, 1001: codes.Args, 1: shopBroken, math.MaxInt32: codes.ErrorCode(math.MaxInt32)} {
		if got := encoder.Encode(t.Context(), &openIMError{code: number}); got.Code() != want || got.Source() != status.SourceOpenIMError {
			t.Errorf("Encode(%d) = %v from %v; want %v from an OpenIM error", number, got.Code(), got.Source(), want)
		}
	}
}
