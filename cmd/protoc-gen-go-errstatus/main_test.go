package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/internal/version"
)

// asPlugin is the environment variable that makes the test binary run main.
const asPlugin = "ERRSTATUS_TEST_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// command runs the plugin with arguments. A program with the race detector would otherwise
// sleep for a second before it ends.
func command(t *testing.T, stdin []byte, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asPlugin+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// The plugin answers arguments. A user who starts it by hand would otherwise wait forever,
// because it reads a request from standard input.
func TestCommandWithArguments(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		exit   int
		stdout []string
		stderr []string
	}{
		{name: "-h prints the usage", args: []string{"-h"}, stdout: []string{"protoc-gen-go-errstatus is a plugin", "--go-errstatus_out=", "--version"}},
		{name: "--help prints the usage", args: []string{"--help"}, stdout: []string{"--go-errstatus_out="}},
		{name: "--version prints the version", args: []string{"--version"}, stdout: []string{"protoc-gen-go-errstatus " + version.Version + "\n"}},
		{name: "a file is refused", args: []string{"codes.proto"}, exit: 2, stderr: []string{`unexpected argument "codes.proto"`, "--go-errstatus_out="}},
		{name: "an unknown flag is refused", args: []string{"--verbose"}, exit: 2, stderr: []string{"unknown flag --verbose", "--help, --version and --write-protos", "--go-errstatus_out="}},
		{name: "an unknown flag after a known one is refused", args: []string{"--version", "--json"}, exit: 2, stderr: []string{"unknown flag --json"}},
		{name: "two flags are refused", args: []string{"--version", "--help"}, exit: 2, stderr: []string{`too many flags ["--version" "--help"]`}},
		{name: "--write-protos without a folder is refused", args: []string{"--write-protos"}, exit: 2, stderr: []string{"--write-protos takes one folder"}},
		{name: "--write-protos with a flag is refused", args: []string{"--write-protos", "--help"}, exit: 2, stderr: []string{"--write-protos takes one folder"}},
		{name: "--write-protos with an empty folder is refused", args: []string{"--write-protos", ""}, exit: 2, stderr: []string{"--write-protos takes one folder"}},
		{name: "--write-protos with two folders is refused", args: []string{"--write-protos", "a", "b"}, exit: 2, stderr: []string{"--write-protos takes one folder"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, exit := command(t, nil, tt.args...)
			if exit != tt.exit {
				t.Errorf("exit code %d; want %d", exit, tt.exit)
			}
			checkOutput(t, "stdout", stdout, tt.stdout)
			checkOutput(t, "stderr", stderr, tt.stderr)
		})
	}
}

// checkOutput checks that a command's output contains all of the words, or that it is
// empty if there are no words.
func checkOutput(t *testing.T, name, got string, words []string) {
	t.Helper()
	if len(words) == 0 && got != "" {
		t.Errorf("%s is %q; want nothing", name, got)
	}
	for _, want := range words {
		if !strings.Contains(got, want) {
			t.Errorf("%s is\n%s\nwant it to contain %q", name, got, want)
		}
	}
}

func TestCommandAnswersARequest(t *testing.T) {
	request, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{})
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, exit := command(t, request)
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal([]byte(stdout), response); err != nil || exit != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q, and the response has error %v; want 0, nothing, and nil", exit, stderr, err)
	}
	if features := response.GetSupportedFeatures(); features&uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL) == 0 {
		t.Errorf("SupportedFeatures = %b; want proto3 optional, without which protoc refuses files that use it", features)
	}
}
