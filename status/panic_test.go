package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// TestPanicError checks what a PanicError prints, logs and sends for any value of a panic. It
// has no code, even if the value is one.
func TestPanicError(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{"nil map", "panic: nil map"},
		{codes.Args, "panic: Args: invalid argument"},
		{loop{}, "panic: status_test.loop"},
		{panicsInError{}, "panic: status_test.panicsInError"},
		{panicsInUnwrap{}, "panic: status_test.panicsInUnwrap"},
		{42, "panic: 42"},
		{endless, "panic: map[string]interface {}"},
		{status.Recovered("inner"), "panic: panic: inner"},
		{struct{}{}, "panic: struct {}"},
	} {
		err := status.Recovered(tt.value)
		if err.Error() != tt.want || fmt.Sprint(err) != tt.want {
			t.Errorf("Error() = %q, %%v prints %q; want %q", err, fmt.Sprint(err), tt.want)
		}
		if text := fmt.Sprintf("%+v", err); !strings.HasPrefix(text, tt.want+"\n") || !strings.Contains(text, "TestPanicError") {
			t.Errorf("%%+v prints %q; want %q and the stack", text, tt.want)
		}
		var b strings.Builder
		slog.New(slog.NewTextHandler(&b, nil)).Error("x", "panic", err)
		if !strings.Contains(b.String(), "panic.message=") || !strings.Contains(b.String(), "TestPanicError") {
			t.Errorf("logged %s; want the message and the stack", b.String())
		}
		if got := grpcstatus.Convert(err); got.Code() != grpccodes.Internal || got.Message() != "internal server error" {
			t.Errorf("grpcstatus.Convert() = %v; want INTERNAL with its fixed message", got)
		}
		if got := status.Code(err); got != codes.Code(codes.SdkUnknownCode) {
			t.Errorf("Code() = %v; want SdkUnknownCode", got)
		}
	}
	if text := fmt.Sprintf("%+v", &status.PanicError{Value: "x"}); text != "panic: string" {
		t.Errorf("%%+v prints %q without a stack; want panic: string", text)
	}
	if err := status.Recovered(nil); err != nil {
		t.Errorf("Recovered(nil) = %v; want nil", err)
	}
}

// endless contains itself.
var endless = func() map[string]any {
	m := map[string]any{}
	m["self"] = m
	return m
}()

// TestPanicErrorThatContainsItself checks that encoding ends if the value of a PanicError
// contains the PanicError.
func TestPanicErrorThatContainsItself(t *testing.T) {
	itself := status.Recovered("x").(*status.PanicError)
	itself.Value = itself
	wrapped := status.Recovered("x").(*status.PanicError)
	wrapped.Value = wrapsPanic{wrapped}
	var again error = codes.Args
	for range 100 {
		again = status.Recovered(wrapsPanic{status.Recovered(again).(*status.PanicError)})
	}
	for _, err := range []error{itself, wrapped, wrapsPanic{wrapped}, again, status.Recovered(endless)} {
		if got := new(status.Encoder).Encode(t.Context(), err); got.Source() != status.SourcePanic || got.Original().Error() == "" {
			t.Errorf("Encode(%T) = source %v, original %v; want panic, with a text", err, got.Source(), got.Original())
		}
	}
}

// A wrapsPanic wraps a PanicError.
type wrapsPanic struct{ panicked *status.PanicError }

func (w wrapsPanic) Error() string { return "wrapped: " + w.panicked.Error() }
func (w wrapsPanic) Unwrap() error { return w.panicked }

// panicsWithItself is an error whose Unwrap method panics with the error.
type panicsWithItself struct{}

func (panicsWithItself) Error() string   { return "panics with itself" }
func (e panicsWithItself) Unwrap() error { panic(e) }

// A panic with an error whose own methods panic ends, and is reported.
func TestPanicWithAPanickingError(t *testing.T) {
	for _, err := range []error{panicsWithItself{}, fmt.Errorf("around: %w", panicsWithItself{}), status.Recovered(panicsWithItself{})} {
		got := new(status.Encoder).Encode(t.Context(), err)
		if got.GRPCCode() != grpccodes.Internal || got.Panic() == nil || got.Panic().Value != (panicsWithItself{}) || got.Original().Error() == "" {
			t.Errorf("Encode(%T) = %v with panic %v; want INTERNAL and the panic", err, got.Status(), got.Panic())
		}
	}
}

// badIs is a code whose Is method panics.
type badIs int32

var badIsCodes = codes.MustTable("bad-is.example",
	codes.Row{Code: badIs(1), Reason: "BAD_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: badIs(2), Reason: "BAD_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
)

func (badIs) Error() string          { return "bad" }
func (badIs) Is(error) bool          { panic("in Is") }
func (c badIs) Number() codes.Number { return codes.Number(c) }
func (badIs) Table() *codes.Table    { return badIsCodes }

// wideStatus is an error with a gRPC status that wraps many errors.
type wideStatus struct{ n int }

func (wideStatus) Error() string                  { return "wide" }
func (wideStatus) GRPCStatus() *grpcstatus.Status { return grpcstatus.New(grpccodes.Aborted, "wide") }
func (w wideStatus) Unwrap() []error {
	all := make([]error, w.n)
	for i := range all {
		all[i] = io.ErrUnexpectedEOF
	}
	return all
}

// panicsInText is an error with a gRPC status whose text panics.
type panicsInText struct{}

func (panicsInText) Error() string                  { panic("in text") }
func (panicsInText) GRPCStatus() *grpcstatus.Status { return grpcstatus.New(grpccodes.Aborted, "x") }

// What a received error wraps is not searched for a code, but it is passed on only if it is
// safe to run.
func TestUnsafeReceivedErrors(t *testing.T) {
	knowing := &status.Decoder{Tables: []*codes.Table{codes.Default(), badIsCodes}}
	decode := func(err error) error { return knowing.Decode(context.Background(), err) }
	tests := []struct {
		name     string
		err      error
		panicked any
	}{
		{"a code whose Is panics", decode(status.ToGRPC(badIs(1)).Err()), "in Is"},
		{"a cause that wraps too much", decode(wideStatus{2000}), nil},
		{"a cause whose text panics", decode(panicsInText{}), "in text"},
	}
	for _, tt := range tests {
		got := new(status.Encoder).Encode(t.Context(), fmt.Errorf("calling: %w", tt.err))
		switch panicked := got.Panic(); {
		case tt.panicked == nil && panicked != nil:
			t.Errorf("%s: Panic() = %v; want none", tt.name, panicked)
		case tt.panicked != nil && (panicked == nil || panicked.Value != tt.panicked || panicked.Error() != fmt.Sprint("panic: ", tt.panicked)):
			t.Errorf("%s: Panic() = %v; want the value %v", tt.name, panicked, tt.panicked)
		}
		if !got.Broken() {
			t.Errorf("%s: Err() leads to the error; want a summary", tt.name)
		}
		errors.Is(got.Err(), io.EOF) // must not panic
		_ = fmt.Sprintf("%+v", got.Err())
	}
}

// The summary of an error that wraps too much has the text of an upstream's error, and not
// many texts.
func TestSummaryHasUpstreamText(t *testing.T) {
	upstream := decoded(grpcstatus.Error(grpccodes.Internal, "disk full on db-7"))
	many := []error{upstream}
	for range 1100 {
		many = append(many, errors.New("one of many"))
	}
	text := new(status.Encoder).Encode(t.Context(), errors.Join(many...)).Original().Error()
	if !strings.Contains(text, "disk full on db-7") {
		t.Errorf("Original() = %.300s; want the upstream's text", text)
	}
	if n := strings.Count(text, "; in it: "); n > 10 {
		t.Errorf("Original() has %d texts; want at most 10", n)
	}
}

type panicsInUnwrapping struct{}

func (panicsInUnwrapping) Error() string { return "x" }
func (panicsInUnwrapping) Unwrap() error { panic("in Unwrap") }

// The cause of a received Status is not searched, so that its panic decides nothing.
func TestPanicBelowARestatedStatus(t *testing.T) {
	bare := status.FromGRPC(grpcstatus.New(grpccodes.NotFound, "x")).WithMessage("no such user")
	err := bare.Wrap(panicsInUnwrapping{})
	if got := status.ToGRPC(err); got.Code() != grpccodes.NotFound || got.Message() != "no such user" {
		t.Errorf("ToGRPC() = %v; want NOT_FOUND %q", got, "no such user")
	}
	if st, ok := status.FromError(err); !ok || st.GRPCCode() != grpccodes.NotFound {
		t.Errorf("FromError() = %v, %t; want NOT_FOUND", st, ok)
	}
	if got, ok := status.Declared(errors.Join(err, codes.TokenExpired)); ok {
		t.Errorf("Declared() of the error joined with TokenExpired = %v; want none, because the Status comes first", got)
	}
}

// countsText counts how often an error is printed.
type countsText struct {
	inner error
	n     *int
}

func (e countsText) Error() string { *e.n++; return strings.Repeat("x", 100<<10) }
func (e countsText) Unwrap() error { return e.inner }

// Long texts are not all printed to see whether an error can be printed.
func TestLongTextsArePrintedFewTimes(t *testing.T) {
	n := 0
	var err error = codes.Args
	for range 50 {
		err = countsText{err, &n}
	}
	if new(status.Encoder).Encode(t.Context(), err); n > 5 {
		t.Errorf("Encode() printed %d texts of 100 KiB; want at most 5", n)
	}
}
