package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// WithValidationMapping, with details as protovalidate writes them. internal/e2e/validation has
// protovalidate itself.

// ruleViolations are three violations in two fields, one of them a map with a private key.
func ruleViolations() *anypb.Any {
	return testrpc.RuleViolations(
		testrpc.RuleViolation{Field: "name", RuleID: "string.min_len", Message: "must be at least 3 characters"},
		testrpc.RuleViolation{Field: "labels", Key: testrpc.Secret, RuleID: "string.uuid", Message: "must be a valid UUID"},
		testrpc.RuleViolation{Field: "name", RuleID: "name.known", Message: "must be a known name"},
	)
}

// mappedViolations is the BadRequest of ruleViolations.
func mappedViolations() *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "name", Reason: "STRING_MIN_LEN", Description: "must be at least 3 characters"},
		{Field: "labels[*]", Reason: "STRING_UUID", Description: "must be a valid UUID"},
		{Field: "name", Reason: "NAME_KNOWN", Description: "must be a known name"},
	}}
}

// sentDetails returns a status of Args with a message and details. An Any is not packed again.
func sentDetails(t *testing.T, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	info := testrpc.ErrorInfo(codes.Args)
	return grpcstatus.Convert(testrpc.Invalid(t, message, append([]proto.Message{info}, details...)...)).Proto()
}

// The validator's text is private: protovalidate writes the keys of maps into it.
const validatorsText = "validation errors:\n - name: must be at least 3 characters\n - labels[\"" + testrpc.Secret + "\"]: must be a valid UUID"

func TestValidationMapping(t *testing.T) {
	rules, mapped := ruleViolations(), mappedViolations()
	handMade := testrpc.BadRequest()
	whole := testrpc.RuleViolations(testrpc.RuleViolation{RuleID: "order.sum", Message: "must be the sum of all items"})
	wholeMapped := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Reason: "ORDER_SUM", Description: "must be the sum of all items"}}}
	broken := &anypb.Any{TypeUrl: rules.TypeUrl, Value: rules.Value[:len(rules.Value)-1]}
	help := &errdetails.Help{}
	for _, tt := range []struct {
		name     string
		handlers error
		want     *spb.Status
	}{
		{"protovalidate's detail", testrpc.Invalid(t, validatorsText, rules), sentDetails(t, "2 fields are invalid", mapped, rules)},
		{"wrapped", fmt.Errorf("%s: %w", testrpc.Secret, testrpc.Invalid(t, validatorsText, rules)), sentDetails(t, "2 fields are invalid", mapped, rules)},
		{"beside other details", testrpc.Invalid(t, validatorsText, help, rules), sentDetails(t, "2 fields are invalid", mapped, help, rules)},
		{"beside a BadRequest", testrpc.Invalid(t, validatorsText, rules, handMade), sentDetails(t, "1 field is invalid", handMade, rules)},
		{"beside an empty BadRequest", testrpc.Invalid(t, validatorsText, &errdetails.BadRequest{}, rules), sentDetails(t, "2 fields are invalid", mapped, rules)},
		{"beside DebugInfo", testrpc.Invalid(t, validatorsText, rules, &errdetails.DebugInfo{Detail: testrpc.Secret}), sentDetails(t, "2 fields are invalid", mapped, rules)},
		{"of the whole request", testrpc.Invalid(t, validatorsText, whole), sentDetails(t, "the request is invalid", wholeMapped, whole)},
		{"without a violation", testrpc.Invalid(t, validatorsText, testrpc.RuleViolations()), sentDetails(t, "the request is invalid", testrpc.RuleViolations())},
		{"without a violation, beside an empty BadRequest", testrpc.Invalid(t, validatorsText, &errdetails.BadRequest{}, testrpc.RuleViolations()), sentDetails(t, "the request is invalid", testrpc.RuleViolations())},
		{"that can't be decoded", testrpc.Invalid(t, validatorsText, broken), sentDetails(t, "the request is invalid", broken)},
		{"with a delay, which makes no pushback", testrpc.Invalid(t, validatorsText, rules, retryInfo(time.Second)), sentDetails(t, "2 fields are invalid", mapped, rules, retryInfo(time.Second))},
	} {
		w := watch(t, nil, interceptor.WithRetryPushback(), interceptor.WithValidationMapping(codes.Args))
		for _, k := range testrpc.Kinds {
			call := w.fail(t.Context(), k, tt.handlers)
			if diff := cmp.Diff(tt.want, call.received, protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: the status (-want +got):\n%s", tt.name, k.Name, diff)
			}
			if got := call.trailer.Get("grpc-retry-pushback-ms"); got != nil {
				t.Errorf("%s, %s: the pushback is %v; want none", tt.name, k.Name, got)
			}
			if event := call.event(t); event.Source != status.SourceRule || event.Code != codes.Code(codes.Args) {
				t.Errorf("%s, %s: the event is %+v; want Args of a rule", tt.name, k.Name, event)
			}
			if len(call.logs) != 0 {
				t.Errorf("%s, %s: the log has %+v; want nothing: it is the caller's mistake", tt.name, k.Name, call.logs)
			}
		}
	}
}

// The mapping changes nothing for statuses of upstreams, statuses with an ErrorInfo and statuses without violations.
func TestValidationMappingLeavesOthersAlone(t *testing.T) {
	invalid := testrpc.Invalid(t, "x", ruleViolations())
	foreign := testrpc.Invalid(t, "x", &errdetails.ErrorInfo{Reason: "MINE", Domain: "mine.example"}, ruleViolations())
	received := func(trust status.Trust) error {
		return (&status.Decoder{Trust: trust}).Decode(t.Context(), invalid)
	}
	plain := interceptor.NewServer(interceptor.WithLogger(nil))
	mapping := interceptor.NewServer(interceptor.WithLogger(nil), interceptor.WithValidationMapping(codes.Args))
	for name, err := range map[string]error{
		"a plain error":                        errors.New("x"),
		"a code around it":                     status.Wrap(invalid, codes.SrvData, "x"),
		"a status without violations":          testrpc.Invalid(t, "x", testrpc.BadRequest()),
		"a status that carries a code":         testrpc.Invalid(t, "x", testrpc.ErrorInfo(codes.SrvData), ruleViolations()),
		"a status with another's ErrorInfo":    foreign,
		"a received status":                    received(status.TrustKnown),
		"a received status that is forwarded":  received(status.TrustAll),
		"a received status beside a validator": errors.Join(invalid, received(status.TrustAll)),
		"a restated status":                    status.Convert(invalid).WithMessage("my words").Err(),
		"INTERNAL of a rule that fails":        grpcstatus.Error(grpccodes.Internal, "runtime error: no such overload"),
	} {
		want, got := plain.Encode(t.Context(), "/x/Y", err), mapping.Encode(t.Context(), "/x/Y", err)
		if diff := cmp.Diff(want.Status().Proto(), got.Status().Proto(), protocmp.Transform()); diff != "" || got.Source() != want.Source() {
			t.Errorf("%s: the mapping changes the status, and the source from %v to %v (-without +with):\n%s", name, want.Source(), got.Source(), diff)
		}
	}
}

func TestValidationMappingIsARule(t *testing.T) {
	invalid := testrpc.Invalid(t, "x", ruleViolations())
	mapper := interceptor.WithErrorMapper(func(context.Context, error) *status.Status { return status.New(codes.SrvData, "") })
	mapping := interceptor.WithValidationMapping(codes.Args)
	for want, opts := range map[codes.ErrorCode][]interceptor.ServerOption{
		codes.Args:    {mapping, mapper},
		codes.SrvData: {mapper, mapping},
	} {
		if got := interceptor.NewServer(opts...).Encode(t.Context(), "/x/Y", invalid).Code(); got != codes.Code(want) {
			t.Errorf("the code is %v; want %v of the first rule", got, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := interceptor.NewServer(mapping).Encode(ended, "/x/Y", invalid).Code(); got != codes.Code(codes.Args) {
		t.Errorf("in a context that has ended, the code is %v; want Args: rules come first", got)
	}
}

// If a row makes the server responsible, the validator's text is logged.
func TestValidationMappingIsLoggedIfTheServerIsAtFault(t *testing.T) {
	w := watch(t, nil, interceptor.WithValidationMapping(codes.SrvData))
	call := w.fail(t.Context(), testrpc.Unary, testrpc.Invalid(t, validatorsText, ruleViolations()))
	if len(call.logs) != 1 || !strings.Contains(call.logs[0].Cause, "must be a valid UUID") {
		t.Errorf("the log has %+v; want one record with the validator's text", call.logs)
	}
}

// The original detail goes before any violation of the BadRequest does.
func TestValidationMappingUnderTheSizeLimit(t *testing.T) {
	var many []testrpc.RuleViolation
	for i := range 1000 {
		many = append(many, testrpc.RuleViolation{Field: fmt.Sprint("field", i), RuleID: "string.min_len", Message: "must be at least 3 characters"})
	}
	for _, tt := range []struct {
		violations int
		types      []string
		read       func(int) bool
	}{
		{10, []string{"ErrorInfo", "BadRequest", "Violations"}, func(n int) bool { return n == 10 }},
		{30, []string{"ErrorInfo", "BadRequest"}, func(n int) bool { return n == 30 }},
		{1000, []string{"ErrorInfo", "BadRequest"}, func(n int) bool { return n > 30 && n < 100 }},
	} {
		client := testrpc.Connect(t, testrpc.Returning(testrpc.Invalid(t, "x", testrpc.RuleViolations(many[:tt.violations]...))),
			interceptor.ServerOptions(interceptor.WithValidationMapping(codes.Args)), interceptor.DialOptions())
		_, err := testrpc.CallUnary(t.Context(), client)
		var types []string
		for _, d := range grpcstatus.Convert(err).Proto().GetDetails() {
			types = append(types, string(d.MessageName().Name()))
		}
		n := 0
		for range status.FieldViolations(err) {
			n++
		}
		if diff := cmp.Diff(tt.types, types); diff != "" || !tt.read(n) {
			t.Errorf("of %d violations the caller reads %d; the details (-want +got):\n%s", tt.violations, n, diff)
		}
		if want := fmt.Sprintf("%d fields are invalid", tt.violations); grpcstatus.Convert(err).Message() != want {
			t.Errorf("the message is %q; want %q", grpcstatus.Convert(err).Message(), want)
		}
	}
}
