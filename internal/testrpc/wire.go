package testrpc

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/wiretest"
)

// DialWire starts a server with errstatus and returns a connection that shows the
// bytes the server writes.
func DialWire(t testing.TB, svc testgrpc.TestServiceServer, opts ...interceptor.ServerOption) *wiretest.Conn {
	t.Helper()
	return DialWireWith(t, svc, interceptor.ServerOptions(opts...))
}

// DialWireWith is [DialWire] for a server with the given options. Without any it
// is plain gRPC.
func DialWireWith(t testing.TB, svc testgrpc.TestServiceServer, opts []grpc.ServerOption) *wiretest.Conn {
	t.Helper()
	lis := Listen(t)
	Start(t, lis, Register(svc), opts)
	return wiretest.Dial(t, lis.Addr().String())
}

// Answer makes a call of a kind and returns the server's answer.
func Answer(t testing.TB, conn *wiretest.Conn, k Kind) *wiretest.Answer {
	t.Helper()
	return AnswerAs(t, conn, k, "")
}

// AnswerAs is [Answer] for a call with a content type of its own.
func AnswerAs(t testing.TB, conn *wiretest.Conn, k Kind, contentType string) *wiretest.Answer {
	t.Helper()
	sent := 1
	if k.Method == ClientStream.Method || k.Method == BidiStream.Method {
		sent = Messages
	}
	got, err := conn.Call(wiretest.Request{
		Method: "/grpc.testing.TestService/" + k.Method, ContentType: contentType, Messages: make([][]byte, sent),
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Failure returns the status of an answer. It fails the test unless the headers
// and grpc-status-details-bin agree on it.
func Failure(t testing.TB, got *wiretest.Answer) *spb.Status {
	t.Helper()
	st, err := got.Trailers().Failure()
	if err != nil {
		t.Fatalf("the answer is %.500v: %v; want a failure on which headers and details agree", got, err)
	}
	return st
}

// A RawStatus is a received status whose details are still encoded.
type RawStatus struct{ Code, Message, Details string }

// Raw makes a call of a kind and returns its status undecoded.
func Raw(ctx context.Context, client testgrpc.TestServiceClient, k Kind) RawStatus {
	var trailer metadata.MD
	_, err := k.Call(ctx, client, grpc.Trailer(&trailer))
	st := grpcstatus.Convert(err)
	return RawStatus{st.Code().String(), st.Message(), strings.Join(trailer.Get("grpc-status-details-bin"), " and ")}
}

// HeaderListSize returns the size of the header list of a Trailers-Only answer with a
// status, a trailer and the content type application/grpc. Each field counts its name, its
// encoded value and 32 bytes (RFC 9113, section 6.5.2).
func HeaderListSize(st *grpcstatus.Status, trailer metadata.MD) int {
	p := st.Proto()
	fields := map[string]string{
		":status":      "200",
		"content-type": "application/grpc",
		"grpc-status":  strconv.Itoa(int(p.GetCode())),
		"grpc-message": PercentEncoded(p.GetMessage()),
	}
	if len(p.GetDetails()) > 0 {
		b, err := proto.Marshal(p)
		if err != nil {
			panic(err) // gRPC would send no details
		}
		fields["grpc-status-details-bin"] = base64.RawStdEncoding.EncodeToString(b)
	}
	for key, values := range trailer {
		fields[key] = values[0]
	}
	size := 0
	for name, value := range fields {
		size += len(name) + len(value) + 32
	}
	return size
}

// PercentEncoded returns text in the encoding of grpc-message.
func PercentEncoded(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
