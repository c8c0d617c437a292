package status_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// grpcError returns an error of gRPC that errstatus has not decoded.
func grpcError(t testing.TB, code grpccodes.Code, message string, details ...proto.Message) error {
	t.Helper()
	st := grpcstatus.New(code, message)
	for _, d := range details {
		var err error
		if st, err = st.WithDetails(protoadapt.MessageV1Of(d)); err != nil {
			t.Fatal(err)
		}
	}
	return st.Err()
}

// info returns an ErrorInfo. It has no metadata if number is empty.
func info(domain, reason, number string) *errdetails.ErrorInfo {
	i := &errdetails.ErrorInfo{Domain: domain, Reason: reason}
	if number != "" {
		i.Metadata = map[string]string{"code": number}
	}
	return i
}

// encodeError returns err as the server interceptor gives it to gRPC.
func encodeError(err error) error { return new(status.Encoder).Encode(context.Background(), err).Err() }

// A shopCode is a code of a second domain.
type shopCode int32

const (
	shopBroken  shopCode = 1
	shopUnknown shopCode = 2
	shopClosed  shopCode = 1004 // the number of RecordNotFound
)

var shop = codes.MustTable("shop.example",
	codes.Row{Code: shopBroken, Reason: "SHOP_BROKEN", GRPCCode: grpccodes.Internal, Message: "the shop is broken", Default: true},
	codes.Row{Code: shopUnknown, Reason: "SHOP_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "who knows", Default: true},
	codes.Row{Code: shopClosed, Reason: "SHOP_CLOSED", GRPCCode: grpccodes.Unavailable, Message: "the shop is closed", Template: "shop {shop} is closed"},
)

func (c shopCode) Error() string        { return fmt.Sprint("shop ", int32(c)) }
func (c shopCode) Number() codes.Number { return codes.Number(c) }
func (c shopCode) Table() *codes.Table  { return shop }

// An embeddingCode has the methods of the code that it embeds. It can't be compared.
type embeddingCode struct {
	codes.ErrorCode
	list []string
}

// A nilTableCode is a code without a table.
type nilTableCode int32

func (nilTableCode) Error() string          { return "homeless" }
func (c nilTableCode) Number() codes.Number { return codes.Number(c) }
func (nilTableCode) Table() *codes.Table    { return nil }

// TestReadersAgree checks what Code, FromError, Convert, errors.Is and errors.AsType return
// for each kind of error, and that they agree about the code.
func TestReadersAgree(t *testing.T) {
	const domain = "openim.io"
	plain := errors.New("dsn=secret")
	twice := func(err error) error { return fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", err)) }

	tests := []struct {
		name    string
		err     error
		code    codes.Code
		ok      bool
		origin  status.Origin
		message string
		reason  string
		is      codes.Code // the code that errors.Is and errors.AsType find, or nil
	}{
		{name: "nil", code: codes.NoError, ok: true, message: "no error"},
		{name: "plain error", err: plain, code: codes.SdkUnknownCode, message: "unknown error"},
		{name: "plain error under %w", err: twice(plain), code: codes.SdkUnknownCode, message: "unknown error"},
		{name: "plain error in Join", err: errors.Join(plain, plain), code: codes.SdkUnknownCode, message: "unknown error"},
		{name: "context error", err: context.DeadlineExceeded, code: codes.SdkUnknownCode, message: "unknown error"},

		{name: "code", err: codes.RecordNotFound, code: codes.RecordNotFound, ok: true, message: "record not found", reason: "RECORD_NOT_FOUND", is: codes.RecordNotFound},
		{name: "code under %w", err: twice(codes.RecordNotFound), code: codes.RecordNotFound, ok: true, message: "record not found", reason: "RECORD_NOT_FOUND", is: codes.RecordNotFound},
		{name: "code in Join", err: errors.Join(plain, codes.RecordNotFound), code: codes.RecordNotFound, ok: true, message: "record not found", reason: "RECORD_NOT_FOUND", is: codes.RecordNotFound},
		{name: "unknown number", err: codes.ErrorCode(1305), code: codes.ErrorCode(1305), ok: true, message: "unknown error", reason: "ERROR_CODE_1305", is: codes.ErrorCode(1305)},
		{name: "unknown number under %w", err: twice(codes.ErrorCode(1305)), code: codes.ErrorCode(1305), ok: true, message: "unknown error", reason: "ERROR_CODE_1305", is: codes.ErrorCode(1305)},
		{name: "unknown number in Join", err: errors.Join(plain, codes.ErrorCode(1305)), code: codes.ErrorCode(1305), ok: true, message: "unknown error", reason: "ERROR_CODE_1305", is: codes.ErrorCode(1305)},
		{name: "code of another enum", err: twice(shopClosed), code: shopClosed, ok: true, message: "the shop is closed", reason: "SHOP_CLOSED"},
		{name: "Status of another enum", err: status.Error(shopClosed, "until nine"), code: shopClosed, ok: true, message: "until nine", reason: "SHOP_CLOSED"},
		{name: "unknown number of another enum", err: shopCode(1305), code: shopCode(1305), ok: true, message: "who knows", reason: "ERROR_CODE_1305"},
		{name: "negative number", err: codes.ErrorCode(-3), code: codes.SdkUnknownCode, message: "unknown error", is: codes.ErrorCode(-3)},

		{name: "Status", err: status.Error(codes.Args, "no name"), code: codes.Args, ok: true, message: "no name", reason: "ARGS", is: codes.Args},
		{name: "Status without a message", err: status.Error(codes.Args, ""), code: codes.Args, ok: true, message: "invalid argument", reason: "ARGS", is: codes.Args},
		{name: "Status under %w", err: twice(status.Error(codes.Args, "no name")), code: codes.Args, ok: true, message: "no name", reason: "ARGS", is: codes.Args},
		{name: "Status in Join", err: errors.Join(plain, twice(status.Error(codes.Args, "no name"))), code: codes.Args, ok: true, message: "no name", reason: "ARGS", is: codes.Args},
		{name: "Status with a plain error as cause", err: status.Wrap(plain, codes.SrvDatabase, "loading"), code: codes.SrvDatabase, ok: true, message: "loading", reason: "SRV_DATABASE", is: codes.SrvDatabase},
		{name: "Status with a code as cause", err: status.Wrap(codes.RecordNotFound, codes.SrvDatabase, "loading"), code: codes.SrvDatabase, ok: true, message: "loading", reason: "SRV_DATABASE", is: codes.SrvDatabase},
		{name: "Status with a gRPC status as cause", err: status.Wrap(grpcError(t, grpccodes.NotFound, "x"), codes.SrvDatabase, "loading"), code: codes.SrvDatabase, ok: true, message: "loading", reason: "SRV_DATABASE", is: codes.SrvDatabase},
		{name: "first of two in Join", err: errors.Join(codes.TokenExpired, codes.Args), code: codes.TokenExpired, ok: true, message: "token has expired", reason: "TOKEN_EXPIRED", is: codes.TokenExpired},
		{name: "code after a gRPC status in Join", err: errors.Join(grpcError(t, grpccodes.Aborted, "x"), codes.Args), code: codes.Args, ok: true, message: "invalid argument", reason: "ARGS", is: codes.Args},

		{name: "gRPC status with our ErrorInfo", err: grpcError(t, grpccodes.Unauthenticated, "kicked", info(domain, "TOKEN_KICKED", "1506")), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "kicked", reason: "TOKEN_KICKED"},
		{name: "gRPC status with our ErrorInfo, under %w", err: twice(grpcError(t, grpccodes.Unauthenticated, "kicked", info(domain, "TOKEN_KICKED", "1506"))), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "kicked", reason: "TOKEN_KICKED"},
		{name: "gRPC status with our ErrorInfo, in Join", err: errors.Join(plain, grpcError(t, grpccodes.Unauthenticated, "kicked", info(domain, "TOKEN_KICKED", "1506"))), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "kicked", reason: "TOKEN_KICKED"},
		{name: "our ErrorInfo without a reason", err: grpcError(t, grpccodes.Unauthenticated, "kicked", info(domain, "", "1506")), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "kicked", reason: "TOKEN_KICKED"},
		{name: "our ErrorInfo without a number", err: grpcError(t, grpccodes.Unauthenticated, "kicked", info(domain, "TOKEN_KICKED", "")), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "kicked", reason: "TOKEN_KICKED"},
		{name: "reason and number of different codes", err: grpcError(t, grpccodes.Unauthenticated, "kicked", info(domain, "TOKEN_KICKED", "1004")), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "kicked", reason: "TOKEN_KICKED"},
		{name: "unknown reason, unknown number", err: grpcError(t, grpccodes.FailedPrecondition, "new", info(domain, "SRV_NEW", "1305")), code: codes.ErrorCode(1305), ok: true, origin: status.OriginKnown, message: "new", reason: "SRV_NEW"},
		{name: "unknown reason, known number", err: grpcError(t, grpccodes.NotFound, "new", info(domain, "SRV_NEW", "1501")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginKnown, message: "new", reason: "SRV_NEW"},
		{name: "reason of a number without a row, from a sender with an older table", err: grpcError(t, grpccodes.Unknown, "old", info(domain, "ERROR_CODE_1501", "1501")), code: codes.TokenExpired, ok: true, origin: status.OriginKnown, message: "old", reason: "ERROR_CODE_1501"},
		{name: "reason ERROR_CODE_ with another number", err: grpcError(t, grpccodes.NotFound, "odd", info(domain, "ERROR_CODE_1502", "1501")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginKnown, message: "odd", reason: "ERROR_CODE_1502"},
		{name: "unknown reason, no number", err: grpcError(t, grpccodes.NotFound, "new", info(domain, "SRV_NEW", "")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginKnown, message: "new", reason: "SRV_NEW"},
		{name: "number with a leading zero", err: grpcError(t, grpccodes.NotFound, "new", info(domain, "", "01501")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginKnown, message: "new"},
		{name: "number over int32", err: grpcError(t, grpccodes.NotFound, "new", info(domain, "", "4294968797")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginKnown, message: "new"},
		{name: "number 0", err: grpcError(t, grpccodes.NotFound, "new", info(domain, "NO_ERROR", "0")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginKnown, message: "new", reason: "NO_ERROR"},
		{name: "ErrorInfo of an unknown domain", err: grpcError(t, grpccodes.NotFound, "x", info("pubsub.googleapis.com", "TOKEN_KICKED", "1506")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginForeign, message: "x", reason: "TOKEN_KICKED"},
		{name: "ErrorInfo of an unknown domain, under %w", err: twice(grpcError(t, grpccodes.NotFound, "x", info("pubsub.googleapis.com", "TOKEN_KICKED", "1506"))), code: codes.SdkUnknownCode, ok: true, origin: status.OriginForeign, message: "x", reason: "TOKEN_KICKED"},
		{name: "ErrorInfo of an unknown domain, in Join", err: errors.Join(plain, grpcError(t, grpccodes.NotFound, "x", info("pubsub.googleapis.com", "TOKEN_KICKED", "1506"))), code: codes.SdkUnknownCode, ok: true, origin: status.OriginForeign, message: "x", reason: "TOKEN_KICKED"},
		{name: "known domain in other letter case", err: grpcError(t, grpccodes.NotFound, "x", info("OpenIM.io", "TOKEN_KICKED", "1506")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginForeign, message: "x", reason: "TOKEN_KICKED"},
		{name: "ErrorInfo of an unknown domain, before ours", err: grpcError(t, grpccodes.Unauthenticated, "x", info("a.example", "A_B_C", ""), info(domain, "TOKEN_KICKED", "1506")), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "x", reason: "TOKEN_KICKED"},
		{name: "gRPC status without ErrorInfo", err: grpcError(t, grpccodes.Unavailable, "x"), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "x"},
		{name: "gRPC status without ErrorInfo, under %w", err: twice(grpcError(t, grpccodes.Unavailable, "x")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "x"},
		{name: "gRPC status without ErrorInfo, in Join", err: errors.Join(plain, grpcError(t, grpccodes.Unavailable, "x")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "x"},
		{name: "gRPC status without a message", err: grpcError(t, grpccodes.Unavailable, ""), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare},
		{name: "canonical code without a default row", err: grpcError(t, grpccodes.DataLoss, "x"), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "x"},
		{name: "raw number", err: grpcError(t, 1004, "x"), code: codes.RecordNotFound, ok: true, origin: status.OriginNumeric, message: "x", reason: "RECORD_NOT_FOUND"},
		{name: "raw number, with an ErrorInfo that names no code", err: grpcError(t, 1004, "x", info(domain, "", "")), code: codes.RecordNotFound, ok: true, origin: status.OriginNumeric, message: "x", reason: "RECORD_NOT_FOUND"},

		{name: "received, after a gRPC status in Join", err: errors.Join(grpcError(t, grpccodes.Aborted, "x"), received(t, grpccodes.Unauthenticated, "kicked", info(domain, "TOKEN_KICKED", "1506"))), code: codes.TokenKicked, ok: true, origin: status.OriginKnown, message: "kicked", reason: "TOKEN_KICKED", is: codes.TokenKicked},
		{name: "first of two received errors", err: errors.Join(received(t, grpccodes.Aborted, "x"), received(t, grpccodes.NotFound, "y")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "x"},
		{name: "received, Err of its Status", err: status.Convert(received(t, grpccodes.Aborted, "x")).Err(), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "x"},
		{name: "struct that embeds a code", err: embeddingCode{codes.Args, nil}, code: codes.Args, ok: true, message: "invalid argument", reason: "ARGS"},
		{name: "pointer to a code", err: new(codes.Args), code: codes.Args, ok: true, message: "invalid argument", reason: "ARGS"},
		{name: "code without a table", err: nilTableCode(7), code: codes.SdkUnknownCode, message: "unknown error"},

		{name: "encoded", err: encodeError(status.Error(codes.Args, "no name")), code: codes.Args, ok: true, origin: status.OriginKnown, message: "no name", reason: "ARGS", is: codes.Args},
		{name: "encoded, of another enum", err: encodeError(status.Error(shopClosed, "until nine")), code: shopClosed, ok: true, origin: status.OriginKnown, message: "until nine", reason: "SHOP_CLOSED"},
		{name: "encoded, without a code", err: encodeError(grpcError(t, grpccodes.Aborted, "again")), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "again"},
		{name: "encoded, a plain error", err: encodeError(plain), code: codes.ServerInternal, ok: true, origin: status.OriginKnown, message: "internal server error", reason: "SERVER_INTERNAL", is: codes.ServerInternal},

		{name: "NoError", err: codes.NoError, code: codes.SdkUnknownCode, message: "unknown error", is: codes.NoError},
		{name: "NoError under %w", err: twice(codes.NoError), code: codes.SdkUnknownCode, message: "unknown error", is: codes.NoError},
		{name: "NoError in Join", err: errors.Join(plain, codes.NoError), code: codes.SdkUnknownCode, message: "unknown error", is: codes.NoError},
		{name: "NoError before a code in Join", err: errors.Join(codes.NoError, codes.Args), code: codes.Args, ok: true, message: "invalid argument", reason: "ARGS", is: codes.NoError},
		{name: "plain error as cause of NoError", err: status.Wrap(plain, codes.NoError, "fine"), code: codes.SdkUnknownCode, message: "unknown error", is: codes.NoError},
		{name: "code as cause of NoError", err: status.Wrap(codes.Args, codes.NoError, "fine"), code: codes.Args, ok: true, message: "invalid argument", reason: "ARGS", is: codes.NoError},
		{name: "gRPC status as cause of NoError", err: status.Wrap(grpcError(t, grpccodes.Unavailable, "x"), codes.NoError, "fine"), code: codes.SdkUnknownCode, ok: true, origin: status.OriginBare, message: "x", is: codes.NoError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := status.Code(tt.err); got != tt.code {
				t.Errorf("Code() = %v; want %v", got, tt.code)
			}
			wantDeclared := tt.err != nil && tt.code != codes.SdkUnknownCode
			if code, declared := status.Declared(tt.err); code != tt.code || declared != wantDeclared {
				t.Errorf("Declared() = %v, %t; want %v, %t", code, declared, tt.code, wantDeclared)
			}
			st, ok := status.FromError(tt.err)
			if st.Code() != tt.code || ok != tt.ok || st.Origin() != tt.origin {
				t.Errorf("FromError() = code %v, ok %t, origin %v; want %v, %t, %v", st.Code(), ok, st.Origin(), tt.code, tt.ok, tt.origin)
			}
			if st.Message() != tt.message || st.Reason() != tt.reason {
				t.Errorf("FromError() = message %q, reason %q; want %q, %q", st.Message(), st.Reason(), tt.message, tt.reason)
			}
			if converted := status.Convert(tt.err); (converted == nil) != (tt.err == nil) || converted.Code() != tt.code {
				t.Errorf("Convert() = %v; want code %v", converted, tt.code)
			}
			found, ok := errors.AsType[codes.ErrorCode](tt.err)
			if ok != (tt.is != nil) || ok && codes.Code(found) != tt.is {
				t.Errorf("errors.AsType() = %v, %t; want %v", found, ok, tt.is)
			}
			if tt.is != nil && !errors.Is(tt.err, tt.is) {
				t.Errorf("errors.Is(err, %v) = false; want true", tt.is)
			}
			if got := st.Err(); !sameError(got, tt.err) {
				t.Errorf("Err() = %#v; want the error itself, %#v", got, tt.err)
			}
		})
	}
}

// sameError reports whether two errors are the same, even if they can't be compared.
func sameError(a, b error) bool {
	if a != nil && !reflect.ValueOf(a).Comparable() {
		return reflect.DeepEqual(a, b)
	}
	return a == b
}

// TestIsFindsCodeOfCause checks that errors.Is finds the code of the Status and that of its
// cause, and that Code returns only the first.
func TestIsFindsCodeOfCause(t *testing.T) {
	err := status.Wrap(fmt.Errorf("query: %w", codes.RecordNotFound), codes.SrvDatabase, "")
	if !errors.Is(err, codes.RecordNotFound) || !errors.Is(err, codes.SrvDatabase) {
		t.Errorf("errors.Is() = false for a code of %+v; want true for both", err)
	}
	if got := status.Code(err); got != codes.Code(codes.SrvDatabase) {
		t.Errorf("Code() = %v; want SrvDatabase", got)
	}
}

// TestReadHostileErrors checks that reading an error survives methods that panic or never
// end.
func TestReadHostileErrors(t *testing.T) {
	var typedNil *panics
	for _, tt := range []struct {
		name string
		err  error
	}{
		{"typed nil", typedNil},
		{"panicking Unwrap", &panics{}},
		{"nil *ErrorCode", (*codes.ErrorCode)(nil)},
		{"Unwrap to itself", loop{}},
		{"a million joined errors", wide(1_000_000)},
		{"a chain of a thousand errors", deep(1000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := status.Code(tt.err); got != codes.Code(codes.SdkUnknownCode) {
				t.Errorf("Code() = %v; want SdkUnknownCode", got)
			}
			if st, ok := status.FromError(tt.err); ok || st == nil {
				t.Errorf("FromError() = %v, %t; want a Status and false", st, ok)
			}
			if got := status.ToGRPC(tt.err); got.Code() != grpccodes.Internal || got.Message() != "internal server error" {
				t.Errorf("ToGRPC() = %v; want the INTERNAL default", got)
			}
		})
	}
}

// panics is an error whose Unwrap method panics. Error panics too if the pointer is nil.
type panics struct{ text string }

func (p *panics) Error() string { return p.text }
func (p *panics) Unwrap() error { panic("Unwrap of " + p.text) }

// loop wraps itself.
type loop struct{}

func (loop) Error() string { return "loop" }
func (loop) Unwrap() error { return loop{} }

// wide returns n joined errors.
func wide(n int) error {
	branches := make([]error, n)
	for i := range branches {
		branches[i] = errors.New("leaf")
	}
	return errors.Join(branches...)
}

// deep returns an error under n wraps.
func deep(n int) error { return nested(errors.New("leaf"), n) }

// TestSearchLimits checks that a code within the limits is found, whatever comes before or
// after it, and that one beyond the limits is not. A branch that is too deep doesn't hide
// the next branch.
func TestSearchLimits(t *testing.T) {
	for name, err := range map[string]error{
		"a code before too many errors":          errors.Join(codes.Args, wide(5000), loop{}),
		"a code after a branch that is too deep": errors.Join(deep(1000), codes.Args),
		"a code after a loop":                    errors.Join(loop{}, codes.Args),
		"a code at level 64":                     nested(codes.Args, 63),
		"a code that is the 999th error":         errors.Join(wide(996), codes.Args),
		"a code before a hostile error":          errors.Join(codes.Args, &panics{}),
	} {
		if got := status.Code(err); got != codes.Code(codes.Args) {
			t.Errorf("%s: Code() = %v; want Args", name, got)
		}
		if got := status.ToGRPC(err); got.Code() != grpccodes.InvalidArgument {
			t.Errorf("%s: ToGRPC() = %v; want INVALID_ARGUMENT", name, got)
		}
	}
	for name, err := range map[string]error{
		"a code at level 65":              nested(codes.Args, 64),
		"a code that is the 1001st error": errors.Join(wide(998), codes.Args),
	} {
		if got := status.Code(err); got != codes.Code(codes.SdkUnknownCode) {
			t.Errorf("%s: Code() = %v; want SdkUnknownCode", name, got)
		}
	}
}

// nested returns err, wrapped as many times as wraps says.
func nested(err error, wraps int) error {
	for range wraps {
		err = fmt.Errorf("%w", err)
	}
	return err
}
