package statushttp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// encode returns what a server without options sends for an error.
func encode(t testing.TB, err error) status.Encoded {
	t.Helper()
	encoder := status.Encoder{MaxSize: 1 << 20}
	return encoder.Encode(t.Context(), err)
}

// record returns the answer for an error.
func record(w *statushttp.Writer, err error, header string, values ...string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header[header] = values
	w.Write(rec, r, err)
	return rec
}

var update = flag.Bool("update", false, "rewrite testdata/bodies.golden")

// TestBodies compares every body with testdata/bodies.golden, which has a line for each code
// and form. Run it with -update to rewrite the file, and read the diff: each changed line is a
// change of what callers read.
func TestBodies(t *testing.T) {
	const file = "testdata/bodies.golden"
	w := statushttp.Writer{TypeURI: func(domain, reason string) string { return "https://" + domain + "/errors#" + reason }}
	var got bytes.Buffer
	add := func(name string, err error) {
		for _, form := range []statushttp.Form{statushttp.FormAIP193, statushttp.FormProblem, statushttp.FormOpenIM} {
			fmt.Fprintf(&got, "%s: %s\n", name, w.Marshal(form, encode(t, err)))
		}
	}
	for _, c := range testrpc.EveryCode(t) {
		add(c.String(), c)
	}
	for _, content := range contents {
		add(content.name, content.make(status.New(codes.RecordNotFound, "")).Err())
	}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		add("no code", grpcstatus.Error(c, "m"))
	}
	add("no code, but a reason", grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.NotFound, "m",
		&errdetails.ErrorInfo{Reason: "NO_PET", Domain: "other.example", Metadata: map[string]string{"code": "x"}})).Err())
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("bodies changed (-want +got):\n%s", diff)
	}
}

// A caller that shows a body in a page doesn't run what is in it.
func TestBodyIsSafeInHTML(t *testing.T) {
	st := status.New(codes.Args, "</script>\u2028&").WithMetadata("key", "<b>").
		WithDetails(&errdetails.Help{Links: []*errdetails.Help_Link{{Url: "<a>"}}}, &anypb.Any{TypeUrl: "<x>"})
	var w statushttp.Writer
	for form := range statushttp.Form(3) {
		if got := w.Marshal(form, encode(t, st.Err())); bytes.ContainsAny(got, "<>&\u2028\n") {
			t.Errorf("form %d: %s has characters of HTML", form, got)
		}
	}
}

func TestUnknownFormIsAIP193(t *testing.T) {
	var w statushttp.Writer
	if got, want := w.Marshal(77, encode(t, codes.Args)), w.Marshal(statushttp.FormAIP193, encode(t, codes.Args)); !bytes.Equal(got, want) {
		t.Errorf("Marshal(77) = %s; want %s", got, want)
	}
}

func TestTypeURI(t *testing.T) {
	var gotDomain, gotReason string
	w := statushttp.Writer{TypeURI: func(domain, reason string) string {
		gotDomain, gotReason = domain, reason
		return ""
	}}
	panicking := statushttp.Writer{TypeURI: func(string, string) string { panic("no page") }}
	if got, want := panicking.Marshal(statushttp.FormProblem, encode(t, codes.Args)), w.Marshal(statushttp.FormProblem, encode(t, codes.Args)); !bytes.Equal(got, want) {
		t.Errorf("with a TypeURI that panics: %s; want %s", got, want)
	}
	if got := string(w.Marshal(statushttp.FormProblem, encode(t, codes.Args))); strings.Contains(got, `"type"`) {
		t.Errorf("%s has a type; want none for an empty URI", got)
	}
	if gotDomain != "openim.io" || gotReason != "ARGS" {
		t.Errorf("TypeURI(%q, %q); want the domain and the reason of Args", gotDomain, gotReason)
	}
	w.TypeURI = func(domain, reason string) string {
		t.Errorf("TypeURI(%q, %q) is called for a status without an ErrorInfo", domain, reason)
		return "x"
	}
	w.Marshal(statushttp.FormProblem, encode(t, grpcstatus.Error(grpccodes.NotFound, "x")))
}

// The title is the message of the row in the server's table. Without a row, it is the words
// of the reason or of the canonical code.
func TestTitle(t *testing.T) {
	table := codes.MustTable("openim.io", codes.Row{Code: codes.Args, Reason: "ARGS", GRPCCode: grpccodes.InvalidArgument, Message: "please correct this"})
	for _, tt := range []struct {
		err  error
		want string
	}{
		{status.Error(codes.Args, "name is empty"), "please correct this"},
		{status.Error(codes.RecordNotFound, "no user"), "record not found"},
		{grpcstatus.Error(grpccodes.NotFound, "no user"), "not found"},
		{grpcstatus.Error(grpccodes.DeadlineExceeded, "x"), "deadline exceeded"},
		{grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.NotFound, "m", &errdetails.ErrorInfo{Reason: "NO_SUCH_PET", Domain: "other.example"})).Err(), "no such pet"},
	} {
		encoder := status.Encoder{Tables: []*codes.Table{table}}
		var got struct{ Title string }
		if err := json.Unmarshal(new(statushttp.Writer).Marshal(statushttp.FormProblem, encoder.Encode(t.Context(), tt.err)), &got); err != nil || got.Title != tt.want {
			t.Errorf("%v: title %q, %v; want %q", tt.err, got.Title, err, tt.want)
		}
	}
}

// The pointers are those of RFC 6901 in a URI fragment, as RFC 9457 shows them.
func TestPointer(t *testing.T) {
	for field, want := range map[string]string{
		"":                     "#",
		"age":                  "#/age",
		"profile.color":        "#/profile/color",
		"items[2].price":       "#/items/2/price",
		"matrix[0][1]":         "#/matrix/0/1",
		`labels["key"]`:        "#/labels/key",
		`labels["a.b"].x`:      "#/labels/a.b/x",
		`labels["a/b~c"]`:      "#/labels/a~1b~0c",
		`labels["a]b"]`:        "#/labels/a%5Db",
		`labels["say \"hi\""]`: "#/labels/say%20%22hi%22",
		"flags[true]":          "#/flags/true",
		"labels[*].name":       "#/labels",
		"größe":                "#/gr%C3%B6%C3%9Fe",
		"a%20b":                "#/a%2520b",
		"a.":                   "#/a",
		".a":                   "#//a",
		"items[2":              "#/items/%5B2",
		`labels["key`:          "#/labels/%5B%22key",
		"[redacted].x":         "#/redacted/x",
		"(shop.v1.ext).name":   "#/%28shop/v1/ext%29/name",
	} {
		st := status.New(codes.Args, "").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field}}})
		var got struct {
			Errors []struct{ Pointer, Field string }
		}
		if err := json.Unmarshal(new(statushttp.Writer).Marshal(statushttp.FormProblem, encode(t, st.Err())), &got); err != nil {
			t.Fatal(err)
		}
		if got.Errors[0].Pointer != want || got.Errors[0].Field != field {
			t.Errorf("field %q: pointer %q, field %q; want %q, and the field itself", field, got.Errors[0].Pointer, got.Errors[0].Field, want)
		}
	}
}

// A status without a code has a number for OpenIM's clients: that of the default row.
func TestOpenIMNumberWithoutACode(t *testing.T) {
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		var got struct{ ErrCode codes.Number }
		if err := json.Unmarshal(new(statushttp.Writer).Marshal(statushttp.FormOpenIM, encode(t, grpcstatus.Error(c, "m"))), &got); err != nil {
			t.Fatal(err)
		}
		if want := codes.Default().DefaultFor(c).Number(); got.ErrCode != want || want <= 0 {
			t.Errorf("%v: errCode %d; want %d", c, got.ErrCode, want)
		}
	}
}

// OpenIM's own clients read the detail that its servers send.
func TestOpenIMDetail(t *testing.T) {
	encoder := status.Encoder{OpenIMErrors: status.OpenIMErrorsWithDetail}
	got := string(new(statushttp.Writer).Marshal(statushttp.FormOpenIM, encoder.Encode(t.Context(), openIMError{})))
	if want := `{"errCode":1004,"errMsg":"no user","errDlt":"42"}`; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

type openIMError struct{}

func (openIMError) Error() string  { return "1004 no user 42" }
func (openIMError) Code() int      { return 1004 }
func (openIMError) Msg() string    { return "no user" }
func (openIMError) Detail() string { return "42" }

// nested returns an Any that has another in it, n times.
func nested(t testing.TB, n int, innermost *anypb.Any) *anypb.Any {
	for range n {
		innermost = testrpc.Packed(t, innermost)
	}
	return innermost
}

// Whatever protobuf's JSON refuses is written as bytes, and read back as they were.
func TestDetailsThatJSONRefuses(t *testing.T) {
	invalid := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "\xff")
	numbers := func(f float64) *anypb.Any {
		return testrpc.Packed(t, &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewNumberValue(f)}})
	}
	errorInfo := (&errdetails.ErrorInfo{}).ProtoReflect().Descriptor().FullName()
	for name, detail := range map[string]*anypb.Any{
		"a type that isn't linked":          unlinked,
		"no bytes":                          {TypeUrl: "type.example/shop.Basket"},
		"no type":                           {Value: []byte{1}},
		"nothing":                           {},
		"a type URL without a slash":        {TypeUrl: "shop.Basket", Value: []byte{1}},
		"bytes that can't be decoded":       {TypeUrl: "type.googleapis.com/google.rpc.Help", Value: []byte{0xff}},
		"an ErrorInfo that can't":           {TypeUrl: "type.googleapis.com/" + string(errorInfo), Value: []byte{0xff}},
		"a BadRequest that can't":           {TypeUrl: "type.googleapis.com/google.rpc.BadRequest", Value: []byte{0xff}},
		"a text that isn't UTF-8":           {TypeUrl: "type.googleapis.com/google.rpc.Help.Link", Value: invalid},
		"a duration that is too long":       testrpc.Packed(t, &durationpb.Duration{Seconds: math.MaxInt64}),
		"a delay that is too long":          testrpc.Packed(t, &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Nanos: math.MinInt32}}),
		"a time that is too late":           testrpc.Packed(t, &timestamppb.Timestamp{Seconds: math.MaxInt64}),
		"a field mask without JSON":         testrpc.Packed(t, &fieldmaskpb.FieldMask{Paths: []string{"a__b"}}),
		"not a number":                      numbers(math.NaN()),
		"infinity":                          numbers(math.Inf(1)),
		"a value without a kind":            testrpc.Packed(t, &structpb.Value{}),
		"an unknown type within Any":        nested(t, 1, unlinked),
		"an unknown type deeper within":     nested(t, 5, unlinked),
		"messages that are nested too deep": deepTypes(t, 6000),
	} {
		t.Run(name, func(t *testing.T) {
			sent := &spb.Status{Code: int32(grpccodes.NotFound), Message: "m", Details: []*anypb.Any{detail}}
			encoded := encode(t, grpcstatus.ErrorProto(sent))
			if got := encoded.Status().Proto(); !proto.Equal(got, sent) {
				t.Fatalf("the Encoder sends %v", got)
			}
			for _, form := range []statushttp.Form{statushttp.FormAIP193, statushttp.FormProblem} {
				b := new(statushttp.Writer).Marshal(form, encoded)
				if !bytes.Contains(b, []byte(`"@value":"`+base64.StdEncoding.EncodeToString(detail.GetValue())+`"`)) {
					t.Errorf("form %d: %.300s has no bytes in base64", form, b)
				}
				err := new(statushttp.Reader).Unmarshal(t.Context(), 404, b)
				if got := grpcstatus.Convert(err).Proto(); !proto.Equal(got, sent) {
					t.Errorf("form %d: read %v; want %v", form, got, sent)
				}
			}
		})
	}
}

// deepTypes returns a DescriptorProto that has n others in it. Its JSON has two levels for each of
// them.
func deepTypes(t testing.TB, n int) *anypb.Any {
	t.Helper()
	message := &descriptorpb.DescriptorProto{}
	for range n {
		message = &descriptorpb.DescriptorProto{NestedType: []*descriptorpb.DescriptorProto{message}}
	}
	return testrpc.Packed(t, message)
}

// encoding/json reads JSON that is nested in at most 10,000 levels, and a body nests a
// detail. Some details reach that, others the limit of protobuf.
func TestNestedDetails(t *testing.T) {
	list := func(n int) *anypb.Any {
		value := structpb.NewStringValue("x")
		for range n {
			value = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{value}})
		}
		return testrpc.Packed(t, value)
	}
	object := func(n int) *anypb.Any {
		value := structpb.NewStringValue("x")
		for range n {
			value = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"x": value}})
		}
		return testrpc.Packed(t, value)
	}
	for name, kind := range map[string]struct {
		make   func(n int) *anypb.Any
		depths []int
	}{
		"messages":           {func(n int) *anypb.Any { return deepTypes(t, n) }, []int{1000, 4990, 4996, 4997, 4998, 4999, 5000, 5001}},
		"messages in an Any": {func(n int) *anypb.Any { return nested(t, 1, deepTypes(t, n)) }, []int{4997, 4998, 4999}},
		"lists":              {list, []int{1000, 4990, 4998, 4999, 5000}},
		"objects":            {object, []int{1000, 3330, 3333}},
		"Any":                {func(n int) *anypb.Any { return nested(t, n, testrpc.Packed(t, &emptypb.Empty{})) }, []int{1000, 3000}},
	} {
		for _, n := range kind.depths {
			encoded := encode(t, status.New(codes.RecordNotFound, "").WithDetails(kind.make(n)).Err())
			for _, form := range []statushttp.Form{statushttp.FormAIP193, statushttp.FormProblem} {
				if b := new(statushttp.Writer).Marshal(form, encoded); !json.Valid(b) {
					t.Errorf("%d %s in form %d: %d bytes that aren't valid", n, name, form, len(b))
				}
			}
		}
	}
}

// All other details have protobuf's JSON, byte for byte but for spaces.
func TestDetailsHaveProtobufsJSON(t *testing.T) {
	for _, detail := range []proto.Message{
		&errdetails.ErrorInfo{Reason: "A", Domain: "b", Metadata: map[string]string{"z": "1", "a": "é\"<>", "": ""}},
		&errdetails.ErrorInfo{},
		&errdetails.ErrorInfo{Metadata: map[string]string{}},
		violations, localized,
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "s", Description: "d", ApiService: "a"}}},
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Type: "TOS"}}},
		&errdetails.ResourceInfo{ResourceName: "users/42"},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Description: "d", Url: "u"}}},
		&errdetails.RequestInfo{RequestId: "7"},
		durationpb.New(time.Second),
		structpb.NewStringValue("x"),
		&emptypb.Empty{},
	} {
		packed := testrpc.Packed(t, detail)
		text, err := protojson.Marshal(packed)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		encoded := encode(t, grpcstatus.ErrorProto(&spb.Status{Code: 5, Message: "m", Details: []*anypb.Any{packed}}))
		var got struct{ Error struct{ Details []any } }
		b := new(statushttp.Writer).Marshal(statushttp.FormAIP193, encoded)
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{want}, got.Error.Details); diff != "" {
			t.Errorf("%T isn't protobuf's JSON (-want +got):\n%s", detail, diff)
		}
		for range 20 { // protojson's spaces are random
			if again := new(statushttp.Writer).Marshal(statushttp.FormAIP193, encoded); !bytes.Equal(again, b) {
				t.Errorf("the same failure gives %s and %s", b, again)
			}
		}
	}
}

// A problem's members hold what they can hold. All other details are among its details.
func TestProblemKeepsEveryDetail(t *testing.T) {
	for _, detail := range []proto.Message{
		&errdetails.ErrorInfo{},
		&errdetails.ErrorInfo{Domain: "other.example"},
		&errdetails.ErrorInfo{Reason: "NO_PET"},
		&errdetails.ErrorInfo{Reason: "NO_PET", Domain: "other.example"},
		&errdetails.ErrorInfo{Reason: "NO_PET", Domain: "other.example", Metadata: map[string]string{"code": "x"}},
		&errdetails.ErrorInfo{Reason: "NO_PET", Domain: "other.example", Metadata: map[string]string{"code": "007", "Pet": "", "": "é"}},
		&errdetails.ErrorInfo{Reason: "NO_PET", Domain: "other.example", Metadata: map[string]string{"code": "7", "truncated": "details"}},
		&errdetails.RequestInfo{}, &errdetails.RequestInfo{RequestId: "."}, &errdetails.RequestInfo{RequestId: "//host/p?q#f%"}, &errdetails.RequestInfo{ServingData: "x"},
		&errdetails.LocalizedMessage{}, &errdetails.LocalizedMessage{Locale: "zh"}, &errdetails.LocalizedMessage{Message: "x"},
		&errdetails.BadRequest{}, violations,
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{}, {Field: "a", LocalizedMessage: &errdetails.LocalizedMessage{Locale: "zh", Message: "x"}}}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a", LocalizedMessage: &errdetails.LocalizedMessage{Message: "x"}}}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a", LocalizedMessage: &errdetails.LocalizedMessage{Locale: "zh"}}}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a", LocalizedMessage: &errdetails.LocalizedMessage{}}}},
		&errdetails.RetryInfo{}, &errdetails.Help{}, unlinked,
	} {
		for _, message := range []string{"m", ""} {
			sent := canonical(t, grpccodes.NotFound, message, detail)
			b := new(statushttp.Writer).Marshal(statushttp.FormProblem, encode(t, received(t, sent)))
			if got := grpcstatus.Convert(unmarshal(t, 418, string(b))).Proto(); !proto.Equal(got, sent) {
				t.Errorf("%s\nreads as %v; want %v", b, got, sent)
			}
		}
	}
}

// received returns an error that is forwarded unchanged.
func received(t testing.TB, sent *spb.Status) error {
	return (&status.Decoder{Trust: status.TrustAll}).Decode(t.Context(), grpcstatus.ErrorProto(sent))
}

// canonical returns a status whose bytes are those that a Reader makes: maps have an order.
func canonical(t testing.TB, c grpccodes.Code, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	p := &spb.Status{Code: int32(c), Message: message}
	for _, detail := range details {
		packed := new(anypb.Any)
		if err := anypb.MarshalFrom(packed, detail, proto.MarshalOptions{Deterministic: true}); err != nil {
			t.Fatal(err)
		}
		p.Details = append(p.Details, packed)
	}
	return p
}

// A server that sends OpenIM's numeric form over gRPC sends the canonical code over HTTP.
func TestNumericFormIsCanonicalInJSON(t *testing.T) {
	encoder := status.Encoder{OpenIMForm: true}
	encoded := encoder.Encode(t.Context(), status.Error(codes.RecordNotFound, "m"))
	if encoded.Status().Code() != 1004 {
		t.Fatalf("the Encoder sends %v; want a raw number", encoded.Status())
	}
	for _, form := range []statushttp.Form{statushttp.FormAIP193, statushttp.FormProblem} {
		body := string(new(statushttp.Writer).Marshal(form, encoded))
		err := unmarshal(t, 404, body)
		if !strings.Contains(body, `"NOT_FOUND"`) || !strings.Contains(body, ":404,") || !errors.Is(err, codes.RecordNotFound) || grpcstatus.Code(err) != grpccodes.NotFound {
			t.Errorf("form %d: %s reads as %v; want RecordNotFound with NOT_FOUND", form, body, err)
		}
	}
}
