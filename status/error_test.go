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

// TestNoErrorIsSuccess checks that NoError and a nil Status are success if there is no error
// yet, and that they don't hide an existing error.
func TestNoErrorIsSuccess(t *testing.T) {
	for name, err := range map[string]error{
		"Error":           status.Error(codes.NoError, "fine"),
		"Errorf":          status.Errorf(codes.NoError, "fine %d", 1),
		"New().Err":       status.New(codes.NoError, "fine").Err(),
		"Newf().Err":      status.Newf(codes.NoError, "fine").Err(),
		"nil Err":         (*status.Status)(nil).Err(),
		"Wrap of nil":     status.Wrap(nil, codes.Args, "bad"),
		"Wrapf of nil":    status.Wrapf(nil, codes.Args, "bad %d", 1),
		"nil Wrap of nil": (*status.Status)(nil).Wrap(nil),
	} {
		if err != nil {
			t.Errorf("%s = %v; want nil", name, err)
		}
	}
	cause := errors.New("cause")
	for name, err := range map[string]error{
		"Wrap with NoError":  status.Wrap(cause, codes.NoError, "fine"),
		"Wrapf with NoError": status.Wrapf(cause, codes.NoError, "fine"),
		"nil Wrap":           (*status.Status)(nil).Wrap(cause),
		"New(NoError).Wrap":  status.New(codes.NoError, "").Wrap(cause),
	} {
		if err == nil || !errors.Is(err, cause) {
			t.Errorf("%s = %v; want an error that unwraps to the cause", name, err)
		}
		if got := grpcstatus.Code(err); got != grpccodes.Internal {
			t.Errorf("grpcstatus.Code(%s) = %v; want Internal", name, got)
		}
	}
}

// TestNilStatus checks that every method of a nil Status works, and returns that of success.
func TestNilStatus(t *testing.T) {
	var st *status.Status
	if st.Code() != codes.Code(codes.NoError) || st.GRPCCode() != grpccodes.OK || st.GRPCStatus() != nil {
		t.Errorf("nil Status has code %v, gRPC code %v, gRPC status %v; want NoError, OK, nil", st.Code(), st.GRPCCode(), st.GRPCStatus())
	}
	if st.Message() != "no error" || st.Reason() != "" || st.Domain() != "" || st.Metadata() != nil || len(st.Details()) != 0 || st.Origin() != status.OriginLocal {
		t.Errorf("nil Status has message %q, reason %q, domain %q, metadata %v, details %v, origin %v; want those of success", st.Message(), st.Reason(), st.Domain(), st.Metadata(), st.Details(), st.Origin())
	}
	if st.WithDetails(info("a.example", "A_B_C", "")) != nil || st.WithMetadata("key", "value") != nil {
		t.Error("a With method of a nil Status returns a Status; want nil")
	}
	if got := st.String(); got != "NoError: no error" {
		t.Errorf("String() = %q; want NoError: no error", got)
	}
}

// TestUnsendableCodesAreInternal checks that codes that can't be sent stand for the INTERNAL
// default. They are neither success nor a panic.
func TestUnsendableCodesAreInternal(t *testing.T) {
	for _, c := range []codes.Code{nil, codes.ErrorCode(-1), nilTableCode(3)} {
		if got := status.Code(status.Error(c, "x")); got != codes.Code(codes.ServerInternal) {
			t.Errorf("Code(Error(%v, …)) = %v; want ServerInternal", c, got)
		}
	}
}

// TestErrorFormat checks that an error prints as one public line, and that only %+v prints
// its cause.
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
		t.Errorf("Sprintf(%%+v) = %q without a cause; want Args: no name", got)
	}
	if got := status.Error(codes.Args, "one\r\ntwo\nthree\rfour").Error(); got != "Args: one two three four" {
		t.Errorf("Error() of a message of several lines = %q; want one line", got)
	}
	encoded := new(status.Encoder).Encode(t.Context(), err).Err()
	if got, want := fmt.Sprintf("%v|%+v", encoded, encoded), "loading the user|loading the user\ncaused by: "+public+"\ncaused by: dial: dsn=secret"; got != want {
		t.Errorf("encoded error prints %q; want %q", got, want)
	}
	nested := status.Wrap(err, codes.SrvData, "")
	if got, want := fmt.Sprintf("%+v", nested), "SrvData: data error\ncaused by: "+public+"\ncaused by: dial: dsn=secret"; got != want {
		t.Errorf("Sprintf(%%+v) = %q with a Status as cause; want %q", got, want)
	}
}

// logged returns what slog's text handler writes for err, without the time.
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

// TestErrorLogValue checks what is logged for an error. A log has the private cause too.
func TestErrorLogValue(t *testing.T) {
	const start = `level=ERROR msg=failed `
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"with a cause", status.Wrap(errors.New("dsn=secret"), codes.SrvDatabase, "loading"),
			`err.name=SrvDatabase err.number=90002 err.reason=SRV_DATABASE err.grpc_code=INTERNAL err.message=loading err.cause="dsn=secret"`},
		{"without a cause", status.Error(codes.Args, ""),
			`err.name=Args err.number=1001 err.reason=ARGS err.grpc_code=INVALID_ARGUMENT err.message="invalid argument"`},
		{"received", new(status.Decoder).Decode(t.Context(), grpcError(t, grpccodes.Aborted, "try again")),
			`err.grpc_code=ABORTED err.message="try again" err.origin=bare`},
		{"encoded", new(status.Encoder).Encode(t.Context(), errors.New("dsn=secret")).Err(),
			`err.name=ServerInternal err.number=500 err.reason=SERVER_INTERNAL err.grpc_code=INTERNAL err.message="internal server error" err.cause="dsn=secret"`},
	} {
		if got := logged(tt.err); got != start+tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, start+tt.want)
		}
	}
}

// TestUnwrapReturnsCodeThenCause checks that Unwrap returns the code before the cause, and
// that an append to its result doesn't change the error.
func TestUnwrapReturnsCodeThenCause(t *testing.T) {
	cause := errors.New("cause")
	err := status.Wrap(cause, codes.SrvDatabase, "")
	chain := err.(interface{ Unwrap() []error }).Unwrap()
	if len(chain) != 2 || chain[0] != error(codes.SrvDatabase) || chain[1] != cause {
		t.Fatalf("Unwrap() = %v; want the code, then the cause", chain)
	}
	_ = append(chain, errors.New("alien"))
	if again := err.(interface{ Unwrap() []error }).Unwrap(); len(again) != 2 {
		t.Errorf("Unwrap() = %v after an append; want two errors", again)
	}
	if code, ok := errors.AsType[codes.Code](err); !ok || code != codes.Code(codes.SrvDatabase) {
		t.Errorf("errors.AsType[codes.Code]() = %v, %t; want the code itself, true", code, ok)
	}
}

// TestSentinelIsEncodedOnce checks that an error in a variable is converted once, and can be
// used by several goroutines.
func TestSentinelIsEncodedOnce(t *testing.T) {
	sentinel := status.Error(codes.Args, "no name")
	first := status.ToGRPC(sentinel)
	done := make(chan *grpcstatus.Status)
	for range 8 {
		go func() { done <- status.ToGRPC(fmt.Errorf("handler: %w", sentinel)) }()
	}
	for range 8 {
		if got := <-done; got != first {
			t.Errorf("ToGRPC() = %p; want the status of the first call, %p", got, first)
		}
	}
}
