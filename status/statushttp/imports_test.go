package statushttp_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A program that writes HTTP answers doesn't link gRPC's servers and clients, nor what
// package interceptor needs.
func TestImports(t *testing.T) {
	list := func(args ...string) []string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return strings.Fields(string(out))
	}
	allowed := []string{
		"github.com/errstatus/errstatus/codes", "github.com/errstatus/errstatus/status", "github.com/errstatus/errstatus/internal/",
		"google.golang.org/protobuf/", "google.golang.org/genproto/googleapis/rpc/",
		"google.golang.org/grpc/codes", "google.golang.org/grpc/metadata", "google.golang.org/grpc/status",
	}
	for _, path := range list("-f", `{{join .Imports "\n"}}`, ".") {
		standard := !strings.Contains(strings.Split(path, "/")[0], ".")
		if !standard && !slices.ContainsFunc(allowed, func(a string) bool { return path == a || strings.HasSuffix(a, "/") && strings.HasPrefix(path, a) }) {
			t.Errorf("statushttp imports %s", path)
		}
	}
	linked := list("-deps", ".")
	for _, path := range []string{
		"github.com/errstatus/errstatus/interceptor", "github.com/errstatus/errstatus/status/localize",
		"golang.org/x/text/language", "google.golang.org/grpc",
	} {
		if slices.Contains(linked, path) {
			t.Errorf("statushttp links %s", path)
		}
	}
}
