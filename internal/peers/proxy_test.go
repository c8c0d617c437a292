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

// A proxy is a program that passes gRPC on, with a configuration that leaves
// alone what it has by default.
type proxy struct {
	program string
	install string
	config  string                 // a file in this directory, a template of a setup
	args    func(s setup) []string // with which it stays in the foreground
}

// A setup is what differs between two runs of a proxy.
type setup struct {
	Listen string // the proxy's address
	Server string // the quickstart's
	Dir    string // for all that the proxy writes
	Config string // the configuration's path
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

// TestProxies: a caller behind a proxy gets what it gets without one.
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

// find is the path of the program. Debian has servers in a directory that need
// not be in PATH.
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

// start starts the proxy in front of a server, and connects to it.
func (p proxy) start(t *testing.T, path, server string) *grpc.ClientConn {
	t.Helper()
	for {
		conn, err := p.tryStart(t, path, server)
		if err == nil {
			return conn
		}
		// The port was free when it was picked, and taken when the proxy came to
		// listen there.
		if !strings.Contains(err.Error(), "Address already in use") {
			t.Fatalf("no answer from the server through %s: %v", p.program, err)
		}
	}
}

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
		said, _ := os.ReadFile(logs.Name())
		return nil, fmt.Errorf("%w; %s said\n%s", err, p.program, said)
	}
	return conn, nil
}

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

// freeAddress is an address on loopback where nothing listens at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
