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
	// It can fail for a file only, and gets none.
	_ = log.InitLoggerFromConfig("", "", "", "", log.LevelFatal, false, false, "", 0, 0, "", false)
	m.Run()
}

// A text says whether an error's message is the same each time.
type text struct {
	name string
	fail func(p peer) func() error
}

var texts = []text{
	{"constant", func(p peer) func() error { return p.constant }},
	{"formatted", func(p peer) func() error {
		user := 0
		return func() error { user = user%4096 + 1; return p.formatted(1000 + user) }
	}},
}

// received is an error as the caller's gRPC makes it of what was sent.
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

// BenchmarkEncode is from the handler's making of an error to what gRPC is given.
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

// BenchmarkDecode is from what gRPC returns to the code in the caller's hand.
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
					b.Fatal("the code is gone")
				}
			}
		})
	}
}

// BenchmarkThereAndBack is both, and protobuf's part between the two.
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
						b.Fatal("the code is gone")
					}
				}
			})
		}
	}
}

// BenchmarkCall is a whole unary call in memory.
func BenchmarkCall(b *testing.B) {
	for _, text := range texts {
		for _, p := range peers {
			b.Run("text="+text.name+"/way="+p.name, func(b *testing.B) {
				call := caller(b, p, text.fail(p))
				b.ReportAllocs()
				for b.Loop() {
					if !call() {
						b.Fatal("the code is gone")
					}
				}
			})
		}
	}
}

// caller gives a function that makes a call which fails, and tells whether the caller
// has found the code.
func caller(tb testing.TB, p peer, fail func() error) (call func() bool) {
	tb.Helper()
	if p.read == nil {
		return connectCaller(tb, fail)
	}
	inHandler, inCaller := itself, itself
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

// TestCodesArrive: what is measured is what works.
func TestCodesArrive(t *testing.T) {
	for _, text := range texts {
		for _, p := range peers {
			if p.read != nil && !p.read(p.decode(received(t, p.encode(text.fail(p)())))) {
				t.Errorf("%s, %s: the code is gone", p.name, text.name)
			}
			if !caller(t, p, text.fail(p))() {
				t.Errorf("%s, %s: the code is gone from a whole call", p.name, text.name)
			}
		}
	}
}
