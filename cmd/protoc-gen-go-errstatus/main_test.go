package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

// asPlugin makes a run of the test binary a run of main.
const asPlugin = "ERRSTATUS_TEST_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(t *testing.T, stdin []byte, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asPlugin+"=1")
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Whoever runs a plugin by hand would otherwise wait for it for ever.
func TestCommandWithArguments(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		exit   int
		stderr []string
	}{
		{name: "-h prints the usage", args: []string{"-h"}, exit: 0, stderr: []string{"protoc-gen-go-errstatus is a plugin", "--go-errstatus_out="}},
		{name: "--help does too", args: []string{"--help"}, exit: 0, stderr: []string{"--go-errstatus_out="}},
		{name: "a file is refused", args: []string{"codes.proto"}, exit: 2, stderr: []string{"--go-errstatus_out=", `"codes.proto"`}},
		{name: "a flag is refused", args: []string{"--version", "x"}, exit: 2, stderr: []string{"--go-errstatus_out=", `["--version" "x"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, exit := command(t, nil, tt.args...)
			if exit != tt.exit || stdout != "" {
				t.Errorf("it exits with %d and prints %q to stdout; want %d and nothing", exit, stdout, tt.exit)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr is\n%s\nwant it to say %q", stderr, want)
				}
			}
			if tt.exit == 0 && strings.Contains(stderr, "was given") {
				t.Errorf("stderr of a call for help complains:\n%s", stderr)
			}
		})
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
		t.Fatalf("it exits with %d, says %q, and its answer has error %v; want 0, nothing, and none", exit, stderr, err)
	}
	if features := response.GetSupportedFeatures(); features&uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL) == 0 {
		t.Errorf("SupportedFeatures = %b; want proto3 optional, or protoc refuses files that have it", features)
	}
}
