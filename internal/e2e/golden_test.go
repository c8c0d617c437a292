package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// The file testdata/wire.golden has a line for each case, with every header field
// in the order in which the server wrote it. Run the test with -update to rewrite
// the file, and read the diff: each changed line is a change on the wire.

var update = flag.Bool("update", false, "rewrite testdata/wire.golden")

const goldenFile = "testdata/wire.golden"

// goldenForms are the forms in which a handler returns a code.
var goldenForms = []struct {
	name string
	of   func(codes.ErrorCode) error
}{
	{"bare", func(c codes.ErrorCode) error { return c }},
	{"formatted", func(c codes.ErrorCode) error { return status.Errorf(c, "user %q: 100%% ☃\n", "42") }},
	{"metadata", func(c codes.ErrorCode) error {
		return status.New(c, "with metadata").WithMetadata("user", "42").WithMetadata("area", "é").Err()
	}},
	{"bad request", func(c codes.ErrorCode) error {
		return status.New(c, "").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "user.name", Description: "must not be empty"},
		}}).Err()
	}},
	{"wrapped", func(c codes.ErrorCode) error {
		return fmt.Errorf("handling: %w", status.Wrap(errors.New("dsn=secret"), c, "loading the user"))
	}},
}

// A goldenError is any other error of a handler.
type goldenError struct {
	name string
	err  error
}

// goldenErrors returns handlers' own errors, and errors of upstreams that they return or
// restate.
func goldenErrors(t *testing.T) []goldenError {
	t.Helper()
	own := func(c grpccodes.Code, details ...proto.Message) error {
		st := testrpc.Canonical(t, c, "as sent", details...)
		for i, d := range details { // a received ErrorInfo is forwarded byte for byte
			if err := anypb.MarshalFrom(st.Details[i], d, proto.MarshalOptions{Deterministic: true}); err != nil {
				t.Fatal(err)
			}
		}
		return grpcstatus.FromProto(st).Err()
	}
	received := func(d status.Decoder, sent error) error { return d.Decode(t.Context(), sent) }
	info := func(reason, number string, pairs ...string) *errdetails.ErrorInfo {
		m := map[string]string{"code": number}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return &errdetails.ErrorInfo{Reason: reason, Domain: "openim.io", Metadata: m}
	}
	var known, none, assuming status.Decoder
	none.Trust, assuming.AssumeCodes = status.TrustNone, true
	carrying := own(grpccodes.NotFound, info("RECORD_NOT_FOUND", "1004", "user", "42"), testrpc.BadRequest(), &errdetails.RequestInfo{RequestId: "upstream-7"})
	foreign := own(grpccodes.NotFound, &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example"})

	all := []goldenError{
		{"spaces around a message", status.Error(codes.Args, "  padded ")},
		{"a message of spaces", status.Error(codes.Args, "  ")},
		{"%w in a format", status.Errorf(codes.Args, "user %s: %w", "ann", errors.New("dsn=secret"))},
		{"a delay of a month", status.New(codes.SrvNetwork, "").WithRetryDelay(30 * 24 * time.Hour).Err()},
		{"gRPC's own INTERNAL", own(grpccodes.Internal, testrpc.BadRequest())},
		{"gRPC's own NOT_FOUND", own(grpccodes.NotFound, testrpc.BadRequest())},
		{"a plain error", errors.New("dsn=secret")},
		{"a plain error's Status as an error", status.Convert(errors.New("dsn=secret")).Err()},
		{"a plain error with a message", status.Convert(errors.New("dsn=secret")).WithMessage("in my words").Err()},
		{"an empty reason, forwarded", received(known, own(grpccodes.NotFound, info("", "1004", "user", "42")))},
		{"a reason of another form, forwarded", received(known, own(grpccodes.NotFound, info("record not found", "1004", "user", "42")))},
		{"a reason of another form without a row, forwarded", received(known, own(grpccodes.NotFound, info("no!", "1305")))},
		{"a reason without a row, forwarded", received(known, own(grpccodes.NotFound, info("NEW_REASON", "1305")))},
		{"a reason without a number, forwarded", received(known, own(grpccodes.NotFound, info("RECORD_NOT_FOUND", "")))},
		{"a metadata key of another form, forwarded", received(known, own(grpccodes.NotFound, info("RECORD_NOT_FOUND", "1004", "User", "42", "user", "42")))},
		{"a raw number without a row, forwarded", received(known, own(2001, testrpc.BadRequest()))},
		{"a NOT_FOUND, with assumed codes, forwarded", received(assuming, own(grpccodes.NotFound, testrpc.BadRequest()))},
		{"an UNAVAILABLE, with assumed codes, forwarded", received(assuming, own(grpccodes.Unavailable, testrpc.BadRequest()))},
	}
	for name, err := range map[string]error{
		"a code, trust known": received(known, carrying),
		"a code, trust none":  received(none, carrying),
		"a bare UNAVAILABLE":  received(known, own(grpccodes.Unavailable, testrpc.BadRequest())),
		"a bare NOT_FOUND":    received(known, own(grpccodes.NotFound, testrpc.BadRequest())),
		"an unknown domain":   received(known, foreign),
	} {
		st := status.Convert(err)
		all = append(all,
			goldenError{name + ", forwarded", err},
			goldenError{name + ", its Status as an error", st.Err()},
			goldenError{name + ", with a message", st.WithMessage("in my words").Wrap(err)},
			goldenError{name + ", with a code", st.WithCode(codes.SrvUserIDNotFound).Err()},
			goldenError{name + ", with metadata", st.WithMetadata("step", "2").Err()},
			goldenError{name + ", with a detail", st.WithDetails(&errdetails.ResourceInfo{ResourceName: "ann"}).Err()},
		)
	}
	slices.SortStableFunc(all, func(a, b goldenError) int { return strings.Compare(a.name, b.name) })
	return all
}

func TestWireGolden(t *testing.T) {
	var got bytes.Buffer
	svc := testrpc.Returning(nil)
	canonical := testrpc.DialWire(t, svc)
	numeric := testrpc.DialWire(t, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	for _, c := range testrpc.ErrorCodes(t) {
		for _, form := range goldenForms {
			svc.Return(testrpc.AtOpen, form.of(c))
			fmt.Fprintf(&got, "%s, %s\t%s\n", c.String(), form.name, written(t, canonical))
			fmt.Fprintf(&got, "%s, %s, numeric\t%s\n", c.String(), form.name, written(t, numeric))
		}
	}
	withOptions := testrpc.DialWire(t, svc,
		interceptor.WithRequestID(func(context.Context) string { return "req-42" }),
		interceptor.WithWithheldMessages(grpccodes.Internal))
	for _, tt := range goldenErrors(t) {
		svc.Return(testrpc.AtOpen, tt.err)
		fmt.Fprintf(&got, "%s\t%s\n", tt.name, written(t, canonical))
		fmt.Fprintf(&got, "%s, numeric\t%s\n", tt.name, written(t, numeric))
		fmt.Fprintf(&got, "%s, with a request id and withheld messages\t%s\n", tt.name, written(t, withOptions))
	}
	upstream, client, _ := replaying(t)
	svc.Run(testrpc.AtOpen, forwards(client, func(err error) error { return err }, testrpc.Unary))
	for _, f := range append(foreign(t), openIMsAnswers(t)...) {
		if f.Status == nil {
			continue // the answer has no grpc-status
		}
		upstream.SetReply(f.trailersOnly())
		fmt.Fprintf(&got, "%s forwarded\t%s\n", f.Name, written(t, canonical))
		fmt.Fprintf(&got, "%s forwarded, numeric\t%s\n", f.Name, written(t, numeric))
	}
	checkGolden(t, got.Bytes())
}

// checkGolden compares got with the golden file, or writes it with -update.
func checkGolden(t *testing.T, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(goldenFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("the header fields that servers write differ from the golden file (-want +got). If you mean to change them, run the test with -update:\n%s", diff)
	}
}

// openIMsAnswers returns the recorded answers of OpenIM's servers.
func openIMsAnswers(t *testing.T) (all []fixture) {
	t.Helper()
	for _, f := range openIM(t) {
		all = append(all, f.fixture)
	}
	return all
}

// written returns the header fields of the answer to a call.
func written(t *testing.T, conn *wiretest.Conn) string {
	t.Helper()
	var fields []string
	for _, block := range testrpc.Answer(t, conn, testrpc.Unary).Blocks {
		for _, f := range block {
			fields = append(fields, f.Name+"="+f.Value)
		}
	}
	return strings.Join(fields, "\t")
}
