package e2e_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

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
