package bench

import (
	"context"
	"net"
	"testing"

	"github.com/openimsdk/tools/log"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
)

// TestMain silences OpenIM's packages, which log each call by default.
func TestMain(m *testing.M) {
	// It can fail only for a log file, and has none.
	_ = log.InitLoggerFromConfig("", "", "", "", log.LevelFatal, false, false, "", 0, 0, "", false)
	m.Run()
}

// A text is a kind of error message: the same each time, or formatted each time.
type text struct {
	name string
	fail func(p peer) func() error // returns a handler of p that fails
}

var texts = []text{
	{"constant", func(p peer) func() error { return p.constant }},
	{"formatted", func(p peer) func() error {
		user := 0
		return func() error { user = user%4096 + 1; return p.formatted(1000 + user) }
	}},
}

// received returns the error that the caller's gRPC makes from a sent error.
func received(tb testing.TB, sent error) error {
	tb.Helper()
	b, err := proto.Marshal(grpcstatus.Convert(sent).Proto())
	if err != nil {
		tb.Fatal(err)
	}
	p := &spb.Status{}
	if err := proto.Unmarshal(b, p); err != nil {
		tb.Fatal(err)
	}
	return grpcstatus.ErrorProto(p)
}

var result error

// BenchmarkEncode measures a failure in a handler until gRPC has the status.
func BenchmarkEncode(b *testing.B) {
	for _, text := range texts {
		for _, p := range peers {
			b.Run("text="+text.name+"/way="+p.name, func(b *testing.B) {
				fail := text.fail(p)
				b.ReportAllocs()
				for b.Loop() {
					result = p.encode(fail())
				}
			})
		}
	}
}

// BenchmarkDecode measures the caller's side: from gRPC's error to the code.
func BenchmarkDecode(b *testing.B) {
	for _, p := range peers {
		if p.read == nil {
			continue
		}
		b.Run("way="+p.name, func(b *testing.B) {
			err := received(b, p.encode(p.constant()))
			b.ReportAllocs()
			for b.Loop() {
				if !p.read(p.decode(err)) {
					b.Fatal("the caller does not find the code")
				}
			}
		})
	}
}

// BenchmarkThereAndBack measures both sides and protobuf's encoding in between.
func BenchmarkThereAndBack(b *testing.B) {
	for _, text := range texts {
		for _, p := range peers {
			if p.read == nil {
				continue
			}
			b.Run("text="+text.name+"/way="+p.name, func(b *testing.B) {
				fail := text.fail(p)
				b.ReportAllocs()
				for b.Loop() {
					if !p.read(p.decode(received(b, p.encode(fail())))) {
						b.Fatal("the caller does not find the code")
					}
				}
			})
		}
	}
}

// BenchmarkCall measures a whole unary call in memory.
func BenchmarkCall(b *testing.B) {
	for _, text := range texts {
		for _, p := range peers {
			b.Run("text="+text.name+"/way="+p.name, func(b *testing.B) {
				call := caller(b, p, text.fail(p))
				b.ReportAllocs()
				for b.Loop() {
					if !call() {
						b.Fatal("the caller does not find the code")
					}
				}
			})
		}
	}
}

// caller starts a server whose handler returns fail's error. It returns a function
// that makes a call and reports whether the caller found the code.
func caller(tb testing.TB, p peer, fail func() error) (call func() bool) {
	tb.Helper()
	if p.read == nil {
		return connectCaller(tb, fail)
	}
	inHandler, inCaller := unchanged, unchanged
	if p.server == nil {
		inHandler, inCaller = p.encode, p.decode
	}
	lis := bufconn.Listen(64 << 10)
	server := grpc.NewServer(p.server...)
	testgrpc.RegisterTestServiceServer(server, service{fail: func() error { return inHandler(fail()) }})
	go server.Serve(lis)
	tb.Cleanup(server.Stop)
	options := append(p.client, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:///bench", options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	client := testgrpc.NewTestServiceClient(conn)
	return func() bool {
		_, err := client.UnaryCall(outgoing, &testgrpc.SimpleRequest{})
		return p.read(inCaller(err))
	}
}

type service struct {
	testgrpc.UnimplementedTestServiceServer
	fail func() error
}

func (s service) UnaryCall(context.Context, *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	return nil, s.fail()
}

// TestCodesArrive checks that every way works that the benchmarks measure.
func TestCodesArrive(t *testing.T) {
	for _, text := range texts {
		for _, p := range peers {
			if p.read != nil && !p.read(p.decode(received(t, p.encode(text.fail(p)())))) {
				t.Errorf("%s, %s: after encoding and decoding, the caller does not find the code", p.name, text.name)
			}
			if !caller(t, p, text.fail(p))() {
				t.Errorf("%s, %s: after a call, the caller does not find the code", p.name, text.name)
			}
		}
	}
}
