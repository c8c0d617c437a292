package status_test

import (
	"fmt"
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
