package status_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// TestNoErrorIsSuccess: NoError is success where no error exists yet, and
// hides none that does.
func TestNoErrorIsSuccess(t *testing.T) {
	for name, err := range map[string]error{
		"Error":         status.Error(codes.NoError, "fine"),
		"Errorf":        status.Errorf(codes.NoError, "fine %d", 1),
		"New().Err":     status.New(codes.NoError, "fine").Err(),
		"Newf().Err":    status.Newf(codes.NoError, "fine").Err(),
		"nil Err":       (*status.Status)(nil).Err(),
		"Wrap of nil":   status.Wrap(nil, codes.Args, "bad"),
		"Wrapf of nil":  status.Wrapf(nil, codes.Args, "bad %d", 1),
		"Wrap of no st": (*status.Status)(nil).Wrap(nil),
	} {
		if err != nil {
			t.Errorf("%s = %v; want nil", name, err)
		}
	}
	cause := errors.New("cause")
	for name, err := range map[string]error{
		"Wrap in NoError":   status.Wrap(cause, codes.NoError, "fine"),
		"Wrapf in NoError":  status.Wrapf(cause, codes.NoError, "fine"),
		"Wrap in nil":       (*status.Status)(nil).Wrap(cause),
		"New(NoError).Wrap": status.New(codes.NoError, "").Wrap(cause),
	} {
		if err == nil || !errors.Is(err, cause) {
			t.Errorf("%s = %v; want an error that wraps the cause", name, err)
		}
		if got := grpcstatus.Code(err); got != grpccodes.Internal {
			t.Errorf("%s has gRPC code %v; want Internal: it must not read as success", name, got)
		}
	}
}

// TestNilStatus: every method of a nil Status works, and means success.
func TestNilStatus(t *testing.T) {
	var st *status.Status
	if st.Code() != codes.Code(codes.NoError) || st.GRPCCode() != grpccodes.OK || st.GRPCStatus() != nil {
		t.Errorf("nil Status has code %v, gRPC code %v, gRPC status %v; want NoError, OK, nil", st.Code(), st.GRPCCode(), st.GRPCStatus())
	}
	if st.Message() != "no error" || st.Reason() != "" || st.Domain() != "" || st.Metadata() != nil || len(st.Details()) != 0 || st.Origin() != status.OriginLocal {
		t.Errorf("nil Status has message %q, reason %q, domain %q, metadata %v, details %v, origin %v", st.Message(), st.Reason(), st.Domain(), st.Metadata(), st.Details(), st.Origin())
	}
	if st.WithDetails(info("a.example", "A_B_C", "")) != nil || st.WithMetadata("key", "value") != nil {
		t.Error("a With method of a nil Status is not nil")
	}
	if got := st.String(); got != "NoError: no error" {
		t.Errorf("String() = %q", got)
	}
}

// TestUnsendableCodesAreInternal: what can't be a code on the wire is the default of
// INTERNAL rather than a success or a panic.
func TestUnsendableCodesAreInternal(t *testing.T) {
	for _, c := range []codes.Code{nil, codes.ErrorCode(-1), nilTableCode(3)} {
		if got := status.Code(status.Error(c, "x")); got != codes.Code(codes.ServerInternal) {
			t.Errorf("code of Error(%v, …) = %v; want ServerInternal", c, got)
		}
	}
}

// TestErrorFormat: one public line by default; the cause only where it is asked for.
func TestErrorFormat(t *testing.T) {
	err := status.Wrap(fmt.Errorf("dial: %w", errors.New("dsn=secret")), codes.SrvDatabase, "loading the user")
	const public = "SrvDatabase: loading the user"
	for format, want := range map[string]string{
		"%v":   public,
		"%s":   public,
		"%q":   `"` + public + `"`,
		"%+s":  public,
		"%#v":  `"` + public + `"`,
		"%32s": "   " + public,
		"%+v":  public + "\ncaused by: dial: dsn=secret",
	} {
		if got := fmt.Sprintf(format, err); got != want {
			t.Errorf("Sprintf(%q) = %q; want %q", format, got, want)
		}
	}
	if got := fmt.Sprintf("%+v", status.Error(codes.Args, "no name")); got != "Args: no name" {
		t.Errorf("%%+v without a cause = %q", got)
	}
	if got := status.Error(codes.Args, "one\r\ntwo\nthree\rfour").Error(); got != "Args: one two three four" {
		t.Errorf("Error() of a message of several lines = %q; want one line", got)
	}
	resolved := new(status.Encoder).Encode(t.Context(), err).Err()
	if got, want := fmt.Sprintf("%v|%+v", resolved, resolved), "loading the user|loading the user\ncaused by: "+public+"\ncaused by: dial: dsn=secret"; got != want {
		t.Errorf("resolved: %q; want %q", got, want)
	}
	nested := status.Wrap(err, codes.SrvData, "")
	if got, want := fmt.Sprintf("%+v", nested), "SrvData: data error\ncaused by: "+public+"\ncaused by: dial: dsn=secret"; got != want {
		t.Errorf("%%+v of nested = %q; want %q", got, want)
	}
}

func logged(err error) string {
	var b bytes.Buffer
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: noTime})).Error("failed", "err", err)
	return strings.TrimSpace(b.String())
}

// TestErrorLogValue: a log has all, the private cause too.
func TestErrorLogValue(t *testing.T) {
	const start = `level=ERROR msg=failed `
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"with a cause", status.Wrap(errors.New("dsn=secret"), codes.SrvDatabase, "loading"),
			`err.name=SrvDatabase err.number=90002 err.reason=SRV_DATABASE err.grpc_code=INTERNAL err.message=loading err.cause="dsn=secret"`},
		{"without", status.Error(codes.Args, ""),
			`err.name=Args err.number=1001 err.reason=ARGS err.grpc_code=INVALID_ARGUMENT err.message="invalid argument"`},
		{"received", new(status.Decoder).Decode(t.Context(), grpcError(t, grpccodes.Aborted, "try again")),
			`err.name=SdkUnknownCode err.number=10005 err.reason=SDK_UNKNOWN_CODE err.grpc_code=ABORTED err.message="try again" err.origin=bare err.cause="rpc error: code = Aborted desc = try again"`},
		{"resolved", new(status.Encoder).Encode(t.Context(), errors.New("dsn=secret")).Err(),
			`err.grpc_code=INTERNAL err.message="internal server error" err.code=ServerInternal err.error="dsn=secret"`},
	} {
		if got := logged(tt.err); got != start+tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, start+tt.want)
		}
	}
}

// TestUnwrapReturnsCodeThenCause: the code is found before the cause, in any enum, and nothing else
// can be appended to what Unwrap gives.
func TestUnwrapReturnsCodeThenCause(t *testing.T) {
	cause := errors.New("cause")
	err := status.Wrap(cause, codes.SrvDatabase, "")
	chain := err.(interface{ Unwrap() []error }).Unwrap()
	if len(chain) != 2 || chain[0] != error(codes.SrvDatabase) || chain[1] != cause {
		t.Fatalf("chain = %v; want the code, then the cause", chain)
	}
	_ = append(chain, errors.New("alien"))
	if again := err.(interface{ Unwrap() []error }).Unwrap(); len(again) != 2 {
		t.Errorf("chain after an append = %v", again)
	}
	if code, ok := errors.AsType[codes.Code](err); !ok || code != codes.Code(codes.SrvDatabase) {
		t.Errorf("errors.AsType[codes.Code] = %v, %t; want the code itself and not the error", code, ok)
	}
}

// TestSentinelIsEncodedOnce: an error kept in a variable is converted once and can be shared.
func TestSentinelIsEncodedOnce(t *testing.T) {
	sentinel := status.Error(codes.Args, "no name")
	first := status.ToGRPC(sentinel)
	done := make(chan *grpcstatus.Status)
	for range 8 {
		go func() { done <- status.ToGRPC(fmt.Errorf("handler: %w", sentinel)) }()
	}
	for range 8 {
		if got := <-done; got != first {
			t.Error("a sentinel was converted more than once")
		}
	}
}
