package status_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// TestPanicError says what it is, whatever the value, and leads to no code.
func TestPanicError(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{"nil map", "panic: nil map"},
		{codes.Args, "panic: Args: invalid argument"},
		{loop{}, "panic: status_test.loop, which can't be printed"},
		{panicsInError{}, "panic: status_test.panicsInError, which can't be printed"},
		{42, "panic: 42"},
	} {
		err := status.Recovered(tt.value)
		if err.Error() != tt.want || fmt.Sprint(err) != tt.want {
			t.Errorf("Error() = %q, %%v prints %q; want %q", err, fmt.Sprint(err), tt.want)
		}
		if text := fmt.Sprintf("%+v", err); !strings.HasPrefix(text, tt.want+"\n") || !strings.Contains(text, "TestPanicError") {
			t.Errorf("%%+v prints %q; want the stack too", text)
		}
		var b strings.Builder
		slog.New(slog.NewTextHandler(&b, nil)).Error("x", "panic", err)
		if !strings.Contains(b.String(), "panic.message=") || !strings.Contains(b.String(), "TestPanicError") {
			t.Errorf("logged %s; want the message and the stack", b.String())
		}
		if got := status.Code(err); got != codes.Code(codes.SdkUnknownCode) {
			t.Errorf("Code() = %v, want SdkUnknownCode", got)
		}
	}
	if text := fmt.Sprintf("%+v", &status.PanicError{Value: "x"}); text != "panic: x" {
		t.Errorf("without a stack, %%+v prints %q", text)
	}
}

// TestPolicyNames: each has one, and others are not valid.
func TestPolicyNames(t *testing.T) {
	for policy, want := range map[status.Policy]string{
		status.PeerPolicy: "peer", status.ForeignPolicy: "foreign", status.ProxyPolicy: "proxy", 3: "Policy(3)",
	} {
		if policy.String() != want || policy.Valid() != (policy != 3) {
			t.Errorf("policy %d: %q, valid %t; want %q", policy, policy, policy.Valid(), want)
		}
	}
}
