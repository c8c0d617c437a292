// Package validation tests errstatus together with protovalidate, with the interceptors of
// go-grpc-middleware that call it, and with the older validator, through real servers.
//
// The package is a module of its own because errstatus doesn't need protovalidate.
package validation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	validating "github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/protovalidate"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

func TestMain(m *testing.M) { testrpc.Main(m) }

// newErrors returns the rules of a server that validates its requests. gRPC, a gateway and Connect
// can share them.
func newErrors(opts ...interceptor.ServerOption) *interceptor.Server {
	return interceptor.NewServer(append(opts,
		interceptor.WithValidationMapping(codes.Args),
		interceptor.WithWithheldMessages(grpccodes.Internal), // the text of a rule that fails itself
	)...)
}

// validOptions returns the options of a gRPC server that validates its requests.
func validOptions(errs *interceptor.Server) ([]grpc.ServerOption, error) {
	validator, err := protovalidate.New()
	if err != nil {
		return nil, err
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(errs.UnaryServerInterceptor(), validating.UnaryServerInterceptor(validator)),
		grpc.ChainStreamInterceptor(errs.StreamServerInterceptor(), validating.StreamServerInterceptor(validator)),
	}, nil
}

// checkRequest checks a request in a handler. Its status is the one that the interceptor sends.
func checkRequest(req proto.Message) error {
	err := protovalidate.Validate(req)
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		return err // nil, or a rule that fails itself
	}
	st, err := grpcstatus.New(grpccodes.InvalidArgument, "the request is invalid").WithDetails(invalid.ToProto())
	if err != nil {
		return err
	}
	return st.Err()
}

// invalidRequest is the rule for handlers that call protovalidate themselves.
func invalidRequest(_ context.Context, err error) *status.Status {
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		return nil
	}
	found := status.New(codes.Args, "").WithDetails(invalid.ToProto()).Err()
	st := status.New(codes.Args, "the request is invalid")
	for v := range status.FieldViolations(found) {
		st = st.WithFieldViolation(v.GetField(), v.GetReason(), v.GetDescription())
	}
	return st
}

// connect starts a server with validation and returns a connection to it, which decodes.
func connect(t *testing.T, h handler, opts ...interceptor.ServerOption) *grpc.ClientConn {
	t.Helper()
	server, err := validOptions(newErrors(opts...))
	if err != nil {
		t.Fatal(err)
	}
	return testrpc.Serve(t, serve(newOrder, h), server, interceptor.DialOptions())
}

// lines returns the violations in an error, each as "field REASON description".
func lines(err error) (all []string) {
	for v := range status.FieldViolations(err) {
		all = append(all, fmt.Sprintf("%s %s %s", v.GetField(), v.GetReason(), v.GetDescription()))
	}
	return all
}

// secret is a key of a map in some requests.
const secret = "CANARY-map-key"

// valid is a request without a mistake, in prototext.
const valid = `name: "ann" card: "1" `

func TestProtovalidate(t *testing.T) {
	conn := connect(t, accepting)
	logs := testrpc.CaptureLog(t)
	for _, tt := range []struct {
		name, order, message string
		want                 []string
	}{
		{"one field", `name: "an" card: "1"`, "1 field is invalid", []string{"name STRING_MIN_LEN must be at least 3 characters"}},
		{"an element of a list", valid + `items { price: 1 } items { price: -1 }`, "1 field is invalid", []string{"items[1].price DOUBLE_GT must be greater than 0"}},
		{"a map with text keys", valid + `labels { key: "` + secret + `" value { name: "x" } }`, "1 field is invalid", []string{"labels[*].name STRING_UUID must be a valid UUID"}},
		{"a map with number keys", valid + `notes { key: 4111 value: "too long" }`, "1 field is invalid", []string{"notes[*] STRING_MAX_LEN must be at most 5 characters"}},
		{"a key of a map", valid + `tags { key: "` + secret + `" value: "" }`, "1 field is invalid", []string{"tags[*] STRING_MAX_LEN must be at most 5 characters"}},
		{"a oneof", `name: "ann"`, "1 field is invalid", []string{"payment REQUIRED exactly one field is required in oneof"}},
		{"the whole message", valid + `from: 2 to: 1`, "the request is invalid", []string{" ORDER_DATES from must not be after to"}},
		{"a rule in CEL", valid + `parts: 5`, "1 field is invalid", []string{"parts ORDER_PARTS must divide 12"}},
		{"three fields", `name: "an" items { price: -1 }`, "3 fields are invalid", []string{
			"payment REQUIRED exactly one field is required in oneof", "name STRING_MIN_LEN must be at least 3 characters", "items[0].price DOUBLE_GT must be greater than 0",
		}},
	} {
		for kind, call := range calls {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				err := call(t.Context(), conn, order(t, tt.order))
				if diff := cmp.Diff(tt.want, lines(err)); diff != "" {
					t.Errorf("the violations (-want +got):\n%s", diff)
				}
				if got := status.Convert(err).Message(); got != tt.message || !errors.Is(err, codes.Args) {
					t.Errorf("the caller gets %v; want Args with the message %q", err, tt.message)
				}
				checkOriginal(t, err, len(tt.want))
				if records := logs(); len(records) != 0 {
					t.Errorf("the log has %+v; want nothing", records)
				}
			})
		}
	}
}

// checkOriginal checks that protovalidate's own detail is sent after the BadRequest, and that
// nothing else in the status has a key of a map.
func checkOriginal(t *testing.T, err error, violations int) {
	t.Helper()
	sent := grpcstatus.Convert(err).Proto()
	last := sent.Details[len(sent.Details)-1]
	original := &validate.Violations{}
	if err := last.UnmarshalTo(original); err != nil || len(original.GetViolations()) != violations {
		t.Errorf("the last detail is %v (%v); want protovalidate's, with %d violations", last, err, violations)
	}
	sent.Details = sent.Details[:len(sent.Details)-1]
	if rest := sent.String(); strings.Contains(rest, secret) || strings.Contains(rest, "4111") {
		t.Errorf("beside protovalidate's detail, the status is %v; want no key of a map in it", rest)
	}
}

func TestValidRequest(t *testing.T) {
	conn := connect(t, accepting)
	if err := calls["unary"](t.Context(), conn, order(t, valid)); err != nil {
		t.Errorf("a valid request fails with %v; want success", err)
	}
}

// A rule that fails itself isn't the caller's mistake. protovalidate's interceptor sends its text
// with INTERNAL, without violations.
func TestRuleThatFailsItself(t *testing.T) {
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	broken := order(t, valid+"parts: 0")
	const text = "runtime error: error evaluating order.parts: division by zero"
	plain := testrpc.Serve(t, serve(newOrder, accepting), []grpc.ServerOption{grpc.UnaryInterceptor(validating.UnaryServerInterceptor(validator))}, nil)
	if got := grpcstatus.Convert(calls["unary"](t.Context(), plain, broken)); got.Code() != grpccodes.Internal || got.Message() != text || len(got.Details()) != 0 {
		t.Errorf("a server without errstatus sends %v; want INTERNAL with the text %q, which docs/validation.md says", got, text)
	}
	conn := connect(t, accepting)
	logs := testrpc.CaptureLog(t)
	got := calls["unary"](t.Context(), conn, broken)
	if st := status.Convert(got); st.GRPCCode() != grpccodes.Internal || st.Message() != "internal server error" || lines(got) != nil {
		t.Errorf("the caller gets %v; want INTERNAL with a fixed message", got)
	}
	testrpc.CheckWithheld(t, logs(), "Place", grpccodes.Internal, "division by zero")
}

// With the validator before errstatus, its status isn't mapped. docs/validation.md warns of it.
func TestValidatorBeforeErrstatus(t *testing.T) {
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	server := []grpc.ServerOption{grpc.ChainUnaryInterceptor(
		validating.UnaryServerInterceptor(validator),
		interceptor.UnaryServer(interceptor.WithValidationMapping(codes.Args)),
	)}
	conn := testrpc.Serve(t, serve(newOrder, accepting), server, interceptor.DialOptions())
	got := calls["unary"](t.Context(), conn, order(t, valid+`labels { key: "`+secret+`" value { name: "x" } }`))
	if _, ok := status.Declared(got); ok || !strings.Contains(got.Error(), secret) {
		t.Errorf("the caller gets %v; want the validator's own status", got)
	}
	want := []string{"labels[*].name STRING_UUID must be a valid UUID"}
	if diff := cmp.Diff(want, lines(got)); diff != "" { // a client reads any server's violations
		t.Errorf("the violations (-want +got):\n%s", diff)
	}
}

// A handler validates a request itself.
func TestHandlerCallsProtovalidate(t *testing.T) {
	calling := func(_ proto.Message, err error) error {
		if err != nil {
			return err
		}
		return protovalidate.Validate(order(t, `name: "an" card: "1" labels { key: "`+secret+`" value { name: "x" } }`))
	}
	conn := connect(t, calling, interceptor.WithErrorMapper(invalidRequest))
	for kind, call := range calls {
		err := call(t.Context(), conn, order(t, valid))
		want := []string{"name STRING_MIN_LEN must be at least 3 characters", "labels[*].name STRING_UUID must be a valid UUID"}
		if diff := cmp.Diff(want, lines(err)); diff != "" || !errors.Is(err, codes.Args) {
			t.Errorf("%s: the caller gets %v; the violations (-want +got):\n%s", kind, err, diff)
		}
		if text := grpcstatus.Convert(err).Proto().String(); strings.Contains(text, secret) {
			t.Errorf("%s: the status is %s; want no key of a map in it", kind, text)
		}
	}
}

// A handler that validates a request itself answers as the interceptor does.
func TestHandlerReturnsTheInterceptorsStatus(t *testing.T) {
	const invalid = `name: "an" card: "1" labels { key: "` + secret + `" value { name: "x" } }`
	calling := func(_ proto.Message, err error) error {
		if err != nil {
			return err
		}
		return checkRequest(order(t, invalid))
	}
	inHandler, inInterceptor := connect(t, calling), connect(t, accepting)
	for kind, call := range calls {
		got := grpcstatus.Convert(call(t.Context(), inHandler, order(t, valid)))
		want := grpcstatus.Convert(call(t.Context(), inInterceptor, order(t, invalid)))
		if want.Code() == grpccodes.OK || !proto.Equal(got.Proto(), want.Proto()) {
			t.Errorf("%s: the caller gets %v; want %v", kind, got.Proto(), want.Proto())
		}
	}
}
