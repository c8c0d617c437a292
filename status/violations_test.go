package status_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// arrived returns what a client receives for the error of a handler, both with errstatus.
func arrived(err error) error { return decoded(status.ToGRPC(err).Err()) }

// lines returns the violations in an error, each as "field REASON description".
func lines(err error) (all []string) {
	for v := range status.FieldViolations(err) {
		all = append(all, fmt.Sprintf("%s %s %s", v.GetField(), v.GetReason(), v.GetDescription()))
	}
	return all
}

// checkLines checks the violations in an error.
func checkLines(t *testing.T, err error, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(err)); diff != "" {
		t.Errorf("the violations of %v (-want +got):\n%s", err, diff)
	}
}

// typesOf returns the types of the details that are sent for an error.
func typesOf(err error) (types []string) {
	for _, d := range status.ToGRPC(err).Proto().GetDetails() {
		types = append(types, string(d.MessageName().Name()))
	}
	return types
}

func TestWithFieldViolation(t *testing.T) {
	st := status.New(codes.Args, "invalid order").
		WithFieldViolation("items[2].price", "DOUBLE_GT", "must be positive").
		WithFieldViolation("name", "REQUIRED", "must not be empty").
		WithFieldViolation("", "", "")
	want := []string{"items[2].price DOUBLE_GT must be positive", "name REQUIRED must not be empty", "  "}
	checkLines(t, st.Err(), want...)
	checkLines(t, arrived(st.Err()), want...)
	checkLines(t, status.ToGRPC(st.Err()).Err(), want...)
	if got := typesOf(st.Err()); !slices.Equal(got, []string{"ErrorInfo", "BadRequest"}) {
		t.Errorf("the details are %v; want an ErrorInfo and one BadRequest", got)
	}
	byHand := status.New(codes.Args, "invalid order").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "items[2].price", Reason: "DOUBLE_GT", Description: "must be positive"}, {Field: "name", Reason: "REQUIRED", Description: "must not be empty"}, {},
	}})
	if got, want := status.ToGRPC(st.Err()).Proto(), status.ToGRPC(byHand.Err()).Proto(); !proto.Equal(got, want) {
		t.Errorf("the status is %v; want %v, as with one BadRequest", got, want)
	}
}

func TestWithFieldViolationRepairsTexts(t *testing.T) {
	for _, tt := range []struct{ field, reason, description, want string }{
		{"a\xff", "TOO_LONG", "b\xff\xfec", "a\uFFFD TOO_LONG b\uFFFDc"},
		{"a", "string.min_len", "", "a STRING_MIN_LEN "},
		{"a", "42", "x", "a  x"},
		{"a", "TOO\xffLONG", "x", "a TOO_LONG x"},
		{"a", strings.Repeat("A", 64), "x", "a " + strings.Repeat("A", 63) + " x"},
		{"a", "OK", "x", "a  x"},
	} {
		st := status.New(codes.Args, "").WithFieldViolation(tt.field, tt.reason, tt.description)
		checkLines(t, arrived(st.Err()), tt.want)
	}
}

func TestWithFieldViolationOfNilAndOfSuccess(t *testing.T) {
	if got := (*status.Status)(nil).WithFieldViolation("a", "B", "c"); got != nil {
		t.Errorf("WithFieldViolation() of nil = %v; want nil", got)
	}
	if err := status.New(codes.NoError, "").WithFieldViolation("a", "B", "c").Err(); err != nil {
		t.Errorf("NoError with a violation = %v; want nil, which is success", err)
	}
}

// Each copy keeps its own violations, whatever is added to others that share its beginning.
func TestWithFieldViolationCopies(t *testing.T) {
	base := status.New(codes.Args, "")
	for i := range 3 {
		base = base.WithFieldViolation(fmt.Sprint("base", i), "", "")
	}
	want := []string{"base0  ", "base1  ", "base2  "}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			st := base
			want := slices.Clone(want)
			for k := range 20 {
				st = st.WithFieldViolation(fmt.Sprintf("branch%d.%d", i, k), "", "")
				want = append(want, fmt.Sprintf("branch%d.%d  ", i, k))
			}
			checkLines(t, st.Err(), want...)
		})
	}
	wait.Wait()
	checkLines(t, base.Err(), want...)
	checkLines(t, base.WithMessage("x").WithFieldViolation("last", "", "").Err(), append(want, "last  ")...)
	checkLines(t, base.Err(), want...)
}

// A status has one BadRequest. WithDetails replaces it, and WithFieldViolation adds to it.
func TestWithFieldViolationAndWithDetails(t *testing.T) {
	one := func(field string) *errdetails.BadRequest {
		return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field}}}
	}
	st := status.New(codes.Args, "")
	checkLines(t, st.WithDetails(one("a")).WithDetails(one("b")).Err(), "b  ")
	checkLines(t, st.WithDetails(one("a")).WithFieldViolation("b", "", "").Err(), "a  ", "b  ")
	checkLines(t, st.WithFieldViolation("a", "", "").WithDetails(one("b")).Err(), "b  ")
	checkLines(t, st.WithFieldViolation("a", "", "").WithDetails(one("b")).WithFieldViolation("c", "", "").Err(), "b  ", "c  ")
	checkLines(t, st.WithFieldViolation("a", "", "").WithDetails(one("b"), one("c")).Err(), "c  ")

	bad := one("a")
	mixed := st.WithDetails(&errdetails.Help{}, bad, &errdetails.RequestInfo{}).WithFieldViolation("b", "", "")
	bad.FieldViolations[0].Field = "changed later"
	checkLines(t, mixed.Err(), "a  ", "b  ")
	if got := typesOf(mixed.Err()); !slices.Equal(got, []string{"ErrorInfo", "Help", "BadRequest", "RequestInfo"}) {
		t.Errorf("the details are %v; want the BadRequest in its place", got)
	}
	first := st.WithFieldViolation("a", "", "").WithDetails(&errdetails.Help{}).WithFieldViolation("b", "", "")
	if got := typesOf(first.Err()); !slices.Equal(got, []string{"ErrorInfo", "BadRequest", "Help"}) {
		t.Errorf("the details are %v; want the BadRequest where its first violation was added", got)
	}
}

// What was received is sent only if the trust lets it pass. What is added is always sent.
func TestWithFieldViolationOfAReceivedStatus(t *testing.T) {
	known := info("openim.io", "ARGS", "1001")
	theirs := badRequest("theirs")
	for _, tt := range []struct {
		name    string
		trust   status.Trust
		details []proto.Message
		read    []string // in this process
		sent    []string
	}{
		{"known and trusted", status.TrustKnown, []proto.Message{known, theirs}, []string{"theirs", "mine"}, []string{"theirs", "mine"}},
		{"known and not trusted", status.TrustNone, []proto.Message{known, theirs}, []string{"theirs", "mine"}, []string{"mine"}},
		{"bare and not trusted", status.TrustKnown, []proto.Message{theirs}, []string{"theirs", "mine"}, []string{"mine"}},
		{"bare and trusted", status.TrustAll, []proto.Message{theirs}, []string{"theirs", "mine"}, []string{"theirs", "mine"}},
		{"without violations", status.TrustAll, []proto.Message{&errdetails.Help{}}, []string{"mine"}, []string{"mine"}},
		{"not decodable", status.TrustAll, []proto.Message{&anypb.Any{TypeUrl: packed(t, theirs).TypeUrl, Value: []byte{0x0a, 0x7f}}}, []string{"mine"}, []string{"mine"}},
		{"the first counts", status.TrustAll, []proto.Message{theirs, badRequest("second")}, []string{"theirs", "mine"}, []string{"theirs", "mine"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			received := (&status.Decoder{Trust: tt.trust}).Decode(t.Context(), testrpc.Invalid(t, "x", tt.details...))
			st := status.Convert(received).WithFieldViolation("mine", "", "")
			for _, err := range []error{st.Err(), st.WithMessage("my words").Wrap(received)} {
				checkFields(t, "read", err, tt.read)
				checkFields(t, "sent", status.ToGRPC(err).Err(), tt.sent)
			}
			replaced := st.WithDetails(badRequest("other"))
			checkFields(t, "replaced", status.ToGRPC(replaced.Err()).Err(), []string{"other"})
			checkFields(t, "replaced and added", status.ToGRPC(replaced.WithFieldViolation("mine", "", "").Err()).Err(), []string{"other", "mine"})
			next := (&status.Decoder{Trust: status.TrustAll}).Decode(t.Context(), status.ToGRPC(st.Err()).Err())
			again := status.Convert(next).WithFieldViolation("more", "", "")
			checkFields(t, "sent, received and sent again", status.ToGRPC(again.Err()).Err(), append(tt.sent, "more"))
		})
	}
}

// checkFields checks the fields of the violations in an error.
func checkFields(t *testing.T, what string, err error, want []string) {
	t.Helper()
	var got []string
	for v := range status.FieldViolations(err) {
		got = append(got, v.GetField())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: the fields (-want +got):\n%s", what, diff)
	}
}

// An amendment adds to the violations that are sent, and to no others.
func TestAmendmentAddsAFieldViolation(t *testing.T) {
	adding := func(field string) func(context.Context, *status.Status) *status.Status {
		return func(_ context.Context, st *status.Status) *status.Status { return st.WithFieldViolation(field, "", "") }
	}
	other := func(context.Context, *status.Status) *status.Status {
		return status.New(codes.Args, "").WithFieldViolation("other", "", "")
	}
	known := info("openim.io", "ARGS", "1001")
	own := status.New(codes.Args, "").WithFieldViolation("own", "", "")
	for _, tt := range []struct {
		name       string
		err        error
		amendments []func(context.Context, *status.Status) *status.Status
		want       []string
	}{
		{"to a code", codes.Args, []func(context.Context, *status.Status) *status.Status{adding("a"), adding("b")}, []string{"a", "b"}},
		{"to a Status", own.Err(), []func(context.Context, *status.Status) *status.Status{adding("a"), adding("b")}, []string{"own", "a", "b"}},
		{"to a forwarded status", received(t, grpccodes.InvalidArgument, "x", known, badRequest("theirs")), []func(context.Context, *status.Status) *status.Status{adding("a")}, []string{"theirs", "a"}},
		{"to a restated status that may not pass", status.Convert(receivedWith(t, status.TrustNone, grpccodes.InvalidArgument, "x", known, badRequest("theirs"))).WithFieldViolation("own", "", "").Err(),
			[]func(context.Context, *status.Status) *status.Status{adding("a")}, []string{"own", "a"}},
		{"a Status of its own", own.Err(), []func(context.Context, *status.Status) *status.Status{other}, []string{"other"}},
		{"a Status of its own after another", own.Err(), []func(context.Context, *status.Status) *status.Status{adding("a"), other}, []string{"other"}},
		{"after a Status of its own", own.Err(), []func(context.Context, *status.Status) *status.Status{other, adding("a")}, []string{"other", "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			encoder := &status.Encoder{Amendments: tt.amendments, RequestID: func(context.Context) string { return "id" }}
			checkFields(t, "sent", encoder.Encode(context.Background(), tt.err).Status().Err(), tt.want)
		})
	}
	checkFields(t, "the handler's own Status", own.Err(), []string{"own"})
}

// Adding a violation doesn't copy those that are there.
func TestWithFieldViolationCost(t *testing.T) {
	add := func(n int) func() {
		return func() {
			st := status.New(codes.Args, "invalid import")
			for i := range n {
				st = st.WithFieldViolation(fmt.Sprintf("items[%d].price", i), "DOUBLE_GT", "must be positive")
			}
			if got := len(lines(st.Err())); got != n {
				t.Errorf("there are %d violations; want %d", got, n)
			}
		}
	}
	few, many := allocated(add(100)), allocated(add(1000))
	if many > 20*few { // copying all of them each time would make it 60 times
		t.Errorf("1,000 violations allocate %d bytes, and 100 of them %d; want at most 20 times as many", many, few)
	}
}

// 1,000 violations don't fit. The first ones are sent, and the caller sees that some are missing.
func TestViolationsThatDoNotFit(t *testing.T) {
	st := status.New(codes.Args, "invalid import")
	for i := range 1000 {
		st = st.WithFieldViolation(fmt.Sprintf("items[%d].price", i), "DOUBLE_GT", "must be positive")
	}
	got := arrived(st.Err())
	all := lines(got)
	if len(all) < 30 || len(all) > 200 || !slices.Equal(all, lines(st.Err())[:len(all)]) {
		t.Errorf("the caller reads %d violations, from %v on; want the first ones, as many as fit into 4,096 bytes", len(all), all[:min(3, len(all))])
	}
	if cut := status.Convert(got).Truncated(); cut != status.TruncatedDetails {
		t.Errorf("Truncated() = %v; want details", cut)
	}
}

func TestFieldViolations(t *testing.T) {
	rules := testrpc.RuleViolations(
		testrpc.RuleViolation{Field: "name", RuleID: "string.min_len", Message: "must be at least 3 characters"},
		testrpc.RuleViolation{Field: "labels", Key: secret, RuleID: "string.uuid", Message: "must be a valid UUID"},
		testrpc.RuleViolation{RuleID: "order.sum", Message: "must be the sum of all items"},
	)
	converted := []string{"name STRING_MIN_LEN must be at least 3 characters", "labels[*] STRING_UUID must be a valid UUID", " ORDER_SUM must be the sum of all items"}
	undecodable := &anypb.Any{TypeUrl: rules.TypeUrl, Value: rules.Value[:len(rules.Value)-1]}
	badDetail := &anypb.Any{TypeUrl: packed(t, badRequest("x")).TypeUrl, Value: []byte{0x0a}}
	invalid := func(details ...proto.Message) error { return testrpc.Invalid(t, "x", details...) }
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"nil", nil, nil},
		{"a plain error", errors.New("x"), nil},
		{"a code", codes.Args, nil},
		{"an error whose methods panic", panicsInError{}, nil},
		{"a BadRequest of plain gRPC", invalid(badRequest("name")), []string{"name  empty"}},
		{"protovalidate's detail", invalid(rules), converted},
		{"the same, wrapped", fmt.Errorf("calling: %w", invalid(rules)), converted},
		{"the same, received", arrived(invalid(rules)), converted},
		{"the same, encoded", encodeError(invalid(rules)), converted},
		{"the same in a Status", status.New(codes.Args, "").WithDetails(rules).Err(), converted},
		{"both", invalid(rules, badRequest("name")), []string{"name  empty"}},
		{"an empty BadRequest and protovalidate's detail", invalid(&errdetails.BadRequest{}, rules), converted},
		{"a BadRequest that can't be decoded, and protovalidate's detail", invalid(badDetail, rules), converted},
		{"protovalidate's detail that can't be decoded", invalid(undecodable), nil},
		{"the same, and one that can", invalid(undecodable, rules), converted},
		{"no violations", invalid(&errdetails.BadRequest{}, testrpc.RuleViolations()), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { checkLines(t, tt.err, tt.want...) })
	}
}

func TestFieldViolationsCanStopAndRepeat(t *testing.T) {
	all := status.FieldViolations(status.New(codes.Args, "").WithFieldViolation("a", "", "").WithFieldViolation("b", "", "").Err())
	for v := range all {
		v.Field = "changed"
		break
	}
	var fields []string
	for v := range all {
		fields = append(fields, v.GetField())
	}
	if !slices.Equal(fields, []string{"a", "b"}) {
		t.Errorf("a second iteration gives %v; want a and b, unchanged", fields)
	}
}

// FuzzFieldViolations checks that any bytes of either detail can be read, and that a violation
// can be added to them and sent.
func FuzzFieldViolations(f *testing.F) {
	bad, err := proto.Marshal(testrpc.Violations(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bad, testrpc.RuleViolations(testrpc.RuleViolation{Field: "labels", Key: "k", RuleID: "string.uuid", Message: "x"}).GetValue())
	f.Add([]byte{0x0a}, []byte{0x0a, 0x00})
	f.Fuzz(func(t *testing.T, bad, rules []byte) {
		invalid := testrpc.Invalid(t, "x",
			&anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.BadRequest", Value: bad},
			&anypb.Any{TypeUrl: "type.googleapis.com/buf.validate.Violations", Value: rules},
		)
		before := len(lines(invalid))
		if most := len(bad)/2 + len(rules)/2; before > most {
			t.Errorf("%d violations are read from %d bytes; want at most %d", before, len(bad)+len(rules), most)
		}
		received := (&status.Decoder{Trust: status.TrustAll}).Decode(t.Context(), invalid)
		mine := lines(status.Convert(received).WithFieldViolation("mine", "REASON", "x").Err())
		if len(mine) == 0 || mine[len(mine)-1] != "mine REASON x" {
			t.Errorf("the violations are %q after one was added; want that as the last", mine)
		}
		encoder := &status.Encoder{Rules: []status.Rule{status.ValidationRule(codes.Args)}}
		got := encoder.Encode(t.Context(), invalid)
		if got.Code() != codes.Args || len(lines(got.Err())) > before {
			t.Errorf("the status is mapped to %v with %d violations; want Args, and at most %d", got.Code(), len(lines(got.Err())), before)
		}
	})
}
