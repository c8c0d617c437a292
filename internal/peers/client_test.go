package peers_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
)

// A client is a program in another language. Its arguments are a server's address
// and a file of descriptors. It reads calls from standard input, one line of JSON
// each, makes them in that order, and prints each answer as a line of JSON.
type client struct {
	language string
	install  string
	needs    []string // a command that fails if a package is missing
	command  []string
}

// python is Debian's Python, which finds the package python3-grpcio. Another Python
// in PATH doesn't. With -I it uses no packages from the environment.
const python = "/usr/bin/python3"

var clients = []client{
	{
		language: "Python",
		install:  "apt-get install python3-grpcio python3-protobuf",
		needs:    []string{python, "-I", "-c", "import grpc, google.protobuf"},
		command:  []string{python, "-I", "python/client.py"},
	},
	{
		language: "Node",
		install:  "apt-get install nodejs npm, and npm ci in internal/peers/node",
		needs:    []string{"node", "-e", "const there = require('module').createRequire(process.cwd() + '/node/'); there('@grpc/grpc-js'); there('@grpc/proto-loader')"},
		command:  []string{"node", "node/client.js"},
	},
}

// A client without errstatus, in another language, reads every status as a
// google.rpc.Status.
func TestClients(t *testing.T) {
	for _, c := range clients {
		t.Run(c.language, func(t *testing.T) {
			t.Parallel()
			c.find(t)
			server := startQuickstart(t)
			exchanges := append(everyCode(), everySize(t, server)...)
			answers := c.run(t, server, exchanges)
			compare(t, exchanges, func(_ *testing.T, i int) answer { return answers[i] })
		})
	}
}

// find skips or fails the test if the language or a package isn't installed.
func (c client) find(t *testing.T) {
	t.Helper()
	cmd := exec.Command(c.needs[0], c.needs[1:]...)
	endWithTests(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("%s: %v\n%s", cmd, err, out)
		missing(t, "gRPC for "+c.language, c.install)
	}
}

// run makes the calls in the client's language and returns the answers.
func (c client) run(t *testing.T, server string, exchanges []exchange) []answer {
	t.Helper()
	arguments := append(c.command[1:], server, descriptors(t))
	cmd := exec.Command(c.command[0], arguments...)
	cmd.Stdin = lines(t, exchanges)
	answers := decode(t, output(t, cmd))
	if len(answers) != len(exchanges) {
		t.Fatalf("%s printed %d answers; want %d", c.command, len(answers), len(exchanges))
	}
	return answers
}

// lines returns the client's standard input.
func lines(t *testing.T, exchanges []exchange) io.Reader {
	t.Helper()
	var all bytes.Buffer
	encoder := json.NewEncoder(&all)
	for _, x := range exchanges {
		if err := encoder.Encode(x.call); err != nil {
			t.Fatal(err)
		}
	}
	return &all
}

// decode parses the client's standard output.
func decode(t *testing.T, out []byte) (all []answer) {
	t.Helper()
	for line := range bytes.Lines(out) {
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		var a answer
		if err := decoder.Decode(&a); err != nil {
			t.Fatalf("answer %d is %s: %v", len(all), line, err)
		}
		all = append(all, a)
	}
	return all
}

// descriptors writes a FileDescriptorSet and returns its path. A client needs it to
// call the quickstart and to read a google.rpc.Status. The descriptors come from
// this program, so that the clients need no generated code.
func descriptors(t *testing.T) string {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	seen := make(map[string]bool)
	for _, file := range []protoreflect.FileDescriptor{
		(&quickstartpb.FailRequest{}).ProtoReflect().Descriptor().ParentFile(),
		(&spb.Status{}).ProtoReflect().Descriptor().ParentFile(),
		(&errdetails.ErrorInfo{}).ProtoReflect().Descriptor().ParentFile(),
	} {
		addFile(set, seen, file)
	}
	bytes, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "descriptors.pb")
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// addFile adds a file after its imports, the order that readers need.
func addFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		addFile(set, seen, file.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}
