package status_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A codeError is such as OpenIM's handlers return.
type codeError struct {
	code        int
	msg, detail string
}

func (e *codeError) Error() string  { return fmt.Sprint(e.code, " ", e.msg, " ", e.detail) }
func (e *codeError) Code() int      { return e.code }
func (e *codeError) Msg() string    { return e.msg }
func (e *codeError) Detail() string { return e.detail }

// A codeErrorAround wraps another error, as OpenIM's own don't.
type codeErrorAround struct {
	codeError
	cause error
}

func (e *codeErrorAround) Unwrap() error { return e.cause }

// A codeErrorOfGRPC says itself what it is to gRPC.
type codeErrorOfGRPC struct {
	codeError
	cause error
}

func (e *codeErrorOfGRPC) GRPCStatus() *grpcstatus.Status { return grpcstatus.Convert(e.cause) }
func (e *codeErrorOfGRPC) Unwrap() []error                { return []error{e.cause} }

func TestAdaptCodeErrors(t *testing.T) {
	found := &codeError{1403, "muted", secret}
	ours := info("openim.io", "ARGS", "1001")
	with := func(e *codeError) error { return fmt.Errorf(secret+": %w", e) }
	tests := []struct {
		name    string
		err     error
		source  status.Source
		grpc    grpccodes.Code
		message string
		code    codes.Code
	}{
		{"CodeError", found, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"under %w", with(found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"in Join", errors.Join(errors.New(secret), found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"first of two", errors.Join(found, &codeError{1001, secret, ""}), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"without a message", &codeError{code: 1403}, status.SourceOpenIMError, grpccodes.PermissionDenied, "the group is muted", codes.SrvMutedGroup},
		{"a message that is not UTF-8", &codeError{1403, "m\xffted", ""}, status.SourceOpenIMError, grpccodes.PermissionDenied, "m\uFFFDted", codes.SrvMutedGroup},
		{"before a code", errors.Join(found, codes.Args), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"around a code", &codeErrorAround{*found, codes.Args}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"after a code", errors.Join(codes.Args, found), status.SourceCode, grpccodes.InvalidArgument, "invalid argument", codes.Args},
		{"in a Status", status.Wrap(found, codes.Args, "no name"), status.SourceCode, grpccodes.InvalidArgument, "no name", codes.Args},
		{"around a gRPC status", &codeErrorAround{*found, grpcError(t, grpccodes.Aborted, secret)}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"after a gRPC status", errors.Join(grpcError(t, grpccodes.Aborted, secret), found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"around a received error", &codeErrorAround{*found, received(t, grpccodes.NotFound, secret)}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"a view of a received error", &codeErrorOfGRPC{*found, received(t, grpccodes.InvalidArgument, "no name", ours)}, status.SourceForwarded, grpccodes.InvalidArgument, "no name", codes.Args},
		{"a view of one that isn't quoted", &codeErrorOfGRPC{*found, received(t, grpccodes.Unavailable, secret)}, status.SourceUpstream, grpccodes.Unavailable, "an upstream service is unavailable", nil},
		{"what a rule matches", errors.Join(errNoRows, found), status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"a number without a row", with(&codeError{1305, secret, secret}), status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"such a number around one that has", &codeErrorAround{codeError{1305, secret, ""}, found}, status.SourceOpenIMError, grpccodes.PermissionDenied, "muted", codes.SrvMutedGroup},
		{"0, which is no error's", &codeError{0, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"a negative number", &codeError{-1004, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"the least number", &codeError{math.MinInt, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"the greatest number", &codeError{math.MaxInt, secret, ""}, status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"nil", (*codeError)(nil), status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
		{"wrapping itself", func() error { e := &codeErrorAround{codeError: codeError{code: 1305}}; e.cause = e; return e }(), status.SourceUnknown, grpccodes.Internal, "internal server error", codes.ServerInternal},
	}
	rules := []status.Rule{{Target: errNoRows, Code: codes.RecordNotFound}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := (&status.Encoder{OpenIMErrors: status.OpenIMErrorsWithoutDetail, Rules: rules}).Encode(t.Context(), tt.err)
			if got.Source() != tt.source || got.Status().Code() != tt.grpc || got.GRPCCode() != tt.grpc || got.Status().Message() != tt.message || got.Code() != tt.code {
				t.Errorf("Encode() = source %v, %v, code %v; want %v, %v %q, %v", got.Source(), got.Status(), got.Code(), tt.source, tt.grpc, tt.message, tt.code)
			}
			checkErrorInfo(t, got, tt.code, "")
			if text := fmt.Sprint(got.Status().Proto()); strings.Contains(text, secret) {
				t.Errorf("the answer has private text: %s", text)
			}
			if _, ok := status.OpenIMDetail(got.Status().Err()); ok {
				t.Errorf("the detail is sent: %v", got.Status())
			}
			if tt.name != "nil" && tt.name != "wrapping itself" {
				checkResolved(t, got, tt.err)
			}
		})
	}
}

// TestCodeErrorsAreNotUnderstoodByDefault: an HTTP client's error has a Code too.
func TestCodeErrorsAreNotUnderstoodByDefault(t *testing.T) {
	got := new(status.Encoder).Encode(t.Context(), &codeError{1004, secret, secret})
	if got.Source() != status.SourceUnknown || got.Code() != codes.ServerInternal || strings.Contains(fmt.Sprint(got.Status().Proto()), secret) {
		t.Errorf("Encode() = %v from %v; want INTERNAL, of which nothing is known", got.Status(), got.Source())
	}
}

// TestCodeErrorsOfEveryCode, with the detail exposed, in both forms.
func TestCodeErrorsOfEveryCode(t *testing.T) {
	for row := range codes.Default().All() {
		if row.Code.Number() == 0 {
			continue
		}
		for _, legacy := range []bool{false, true} {
			for detail, want := range map[string]string{"row 42": "row 42", "": "", "r\xffw": "r\uFFFDw"} {
				encoder := &status.Encoder{OpenIMErrors: status.OpenIMErrorsWithDetail, OpenIMForm: legacy}
				got := encoder.Encode(t.Context(), &codeError{int(row.Code.Number()), "msg", detail})
				st := status.FromGRPC(got.Status())
				if st.Code() != row.Code || st.Message() != "msg" || st.Origin() != status.OriginKnown || got.GRPCCode() != row.GRPCCode {
					t.Errorf("%v: received as %v, %v, canonical %v", row.Code, st, st.Origin(), got.GRPCCode())
				}
				text, ok := status.OpenIMDetail(st.Err())
				if text != want || ok != (detail != "" || legacy) {
					t.Errorf("%v, legacy %t: received with the detail %q, %t; want %q", row.Code, legacy, text, ok, want)
				}
				for _, d := range got.Status().Proto().Details {
					if _, ok := openIMText(d.Value); d.TypeUrl == legacyURL && !ok {
						t.Errorf("%v, legacy %t: OpenIM's clients can't read %x", row.Code, legacy, d.Value)
					}
				}
			}
		}
	}
}

// TestCodeErrorsNumberIsATables: the first that has it.
func TestCodeErrorsNumberIsATables(t *testing.T) {
	greatest, err := codes.Default().WithRows(codes.Row{Code: codes.ErrorCode(math.MaxInt32), Reason: "GREATEST", GRPCCode: grpccodes.Aborted, Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	encoder := &status.Encoder{OpenIMErrors: status.OpenIMErrorsWithoutDetail, Tables: []*codes.Table{shop, greatest}}
	for number, want := range map[int]codes.Code{1004: shopClosed, 1001: codes.Args, 1: shopBroken, math.MaxInt32: codes.ErrorCode(math.MaxInt32)} {
		if got := encoder.Encode(t.Context(), &codeError{code: number}); got.Code() != want || got.Source() != status.SourceOpenIMError {
			t.Errorf("%d is %v from %v; want %v", number, got.Code(), got.Source(), want)
		}
	}
}
