package peers_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"google.golang.org/grpc"
)

// A proxy is a program that forwards gRPC calls. Its configuration keeps the
// defaults.
type proxy struct {
	program string
	install string
	config  string                 // a file in this directory, a template for a setup
	args    func(s setup) []string // the arguments that keep it in the foreground
}

// A setup has the addresses and paths of one run of a proxy.
type setup struct {
	Listen string // the proxy's address
	Server string // the quickstart's address
	Dir    string // the directory for the proxy's files
	Config string // the path of the configuration
}

var proxies = []proxy{
	{
		program: "nginx", install: "apt-get install nginx", config: "nginx.conf",
		args: func(s setup) []string { return []string{"-p", s.Dir, "-e", "stderr", "-c", s.Config} },
	},
	{
		program: "haproxy", install: "apt-get install haproxy", config: "haproxy.cfg",
		args: func(s setup) []string { return []string{"-db", "-f", s.Config} },
	},
}

// A caller behind a proxy reads the same as without it.
func TestProxies(t *testing.T) {
	for _, p := range proxies {
		t.Run(p.program, func(t *testing.T) {
			t.Parallel()
			path := p.find(t)
			server := startQuickstart(t)
			conn := p.start(t, path, server)
			exchanges := append(everyCode(), everySize(t, server)...)
			compare(t, exchanges, func(t *testing.T, i int) answer { return answerOf(ask(t, conn, exchanges[i].call)) })
		})
	}
}

// find returns the path of the program. Debian installs servers in a directory that
// may be missing in PATH.
func (p proxy) find(t *testing.T) string {
	t.Helper()
	for _, name := range []string{p.program, filepath.Join("/usr/sbin", p.program)} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, p.program, p.install)
	return ""
}

// start starts the proxy in front of a server and connects to it.
func (p proxy) start(t *testing.T, path, server string) *grpc.ClientConn {
	t.Helper()
	for {
		conn, err := p.tryStart(t, path, server)
		if err == nil {
			return conn
		}
		// Another program took the port before the proxy did.
		if !strings.Contains(err.Error(), "Address already in use") {
			t.Fatalf("no answer from the server through %s: %v", p.program, err)
		}
	}
}

// tryStart is like start, but returns an error, for example if the port is taken.
func (p proxy) tryStart(t *testing.T, path, server string) (*grpc.ClientConn, error) {
	t.Helper()
	dir := t.TempDir()
	s := setup{Listen: freeAddress(t), Server: server, Dir: dir, Config: filepath.Join(dir, p.config)}
	p.configure(t, s)
	logs, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	cmd := exec.Command(path, p.args(s)...)
	cmd.Stdout, cmd.Stderr = logs, logs
	conn, err := connect(t, start(t, cmd), s.Listen)
	if err != nil {
		logged, _ := os.ReadFile(logs.Name())
		return nil, fmt.Errorf("%w; %s logged\n%s", err, p.program, logged)
	}
	return conn, nil
}

// configure writes the proxy's configuration for a setup.
func (p proxy) configure(t *testing.T, s setup) {
	t.Helper()
	file, err := os.Create(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	err = template.Must(template.ParseFiles(p.config)).Execute(file, s)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns an address on loopback at which no program listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
