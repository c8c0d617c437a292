package errstatus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// dialWire starts a server with our interceptors and gives a connection that
// reads what it really writes.
func dialWire(t testing.TB, svc testgrpc.TestServiceServer, opts ...interceptor.ServerOption) *wiretest.Conn {
	t.Helper()
	return dialWireOf(t, svc, interceptor.ServerOptions(opts...))
}

func dialWireOf(t testing.TB, svc testgrpc.TestServiceServer, opts []grpc.ServerOption) *wiretest.Conn {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, lis, func(s *grpc.Server) { testgrpc.RegisterTestServiceServer(s, svc) }, opts)
	return wiretest.Dial(t, lis.Addr().String())
}

// answer is what a server answers a call with, of a kind of call that the
// service of these tests has.
func answer(t testing.TB, conn *wiretest.Conn, k kind, contentType string) *wiretest.Answer {
	t.Helper()
	sent := 1
	if k.method == "StreamingInputCall" || k.method == "FullDuplexCall" {
		sent = messages
	}
	got, err := conn.Call(wiretest.Request{
		Method: "/grpc.testing.TestService/" + k.method, ContentType: contentType, Messages: make([][]byte, sent),
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// failure is the status of an answer, of which its header and its details say
// the same.
func failure(t testing.TB, got *wiretest.Answer) *spb.Status {
	t.Helper()
	st, err := got.Trailers().Failure()
	if err != nil {
		t.Fatalf("%v in %.500v", err, got)
	}
	return st
}

// violations are n field violations in a BadRequest.
func violations(n int) *errdetails.BadRequest {
	br := &errdetails.BadRequest{}
	for i := range n {
		br.FieldViolations = append(br.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: fmt.Sprintf("items[%d].name", i), Description: "must not be empty",
		})
	}
	return br
}

// large are errors with statuses of all sizes.
func large(t testing.TB) map[string]error {
	t.Helper()
	metadata := status.New(codes.RecordNotFound, "no such user")
	for i := range 100 {
		metadata = metadata.WithMetadata(fmt.Sprintf("key%d", i), strings.Repeat("v", 50))
	}
	nested := packed(t, violations(200))
	for range 20 {
		nested = packed(t, nested)
	}
	return map[string]error{
		"a bare code":            codes.RecordNotFound,
		"an unknown number":      codes.ErrorCode(1305),
		"a short message":        status.Errorf(codes.RecordNotFound, "user %q: 100%% ☃\n", "42"),
		"ASCII":                  status.Error(codes.RecordNotFound, strings.Repeat("x", 1<<20)),
		"Chinese":                status.Error(codes.RecordNotFound, strings.Repeat("中", 1<<20/3)),
		"every printable byte":   status.Error(codes.RecordNotFound, "~ !\x7f%"+strings.Repeat("~", 300)),
		"percent signs":          status.Error(codes.RecordNotFound, strings.Repeat("%", 10_000)),
		"not UTF-8":              status.Error(codes.RecordNotFound, strings.Repeat("a\xff", 10_000)),
		"violations":             status.New(codes.Args, "bad").WithDetails(violations(10_000)).Err(),
		"some violations":        status.New(codes.Args, "bad").WithDetails(violations(7)).Err(),
		"metadata":               metadata.Err(),
		"metadata and details":   metadata.WithDetails(violations(100), &errdetails.Help{}).Err(),
		"nested Any":             status.New(codes.Args, "bad").WithDetails(nested).Err(),
		"a gRPC status":          grpcstatus.Error(grpccodes.NotFound, strings.Repeat("x", 10_000)),
		"a short gRPC status":    grpcstatus.Error(grpccodes.NotFound, "x"),
		"a gRPC status, details": grpcstatus.FromProto(canonical(t, grpccodes.NotFound, "x", violations(10_000))).Err(),
		"a plain error":          errors.New(strings.Repeat("x", 10_000)),
		"a cause":                status.Wrap(errors.New(strings.Repeat("x", 10_000)), codes.SrvDatabase, "loading"),
	}
}

// TestSizeOnTheWire: what a server writes has the size that was reckoned, and is
// within the bound, in every kind of call.
func TestSizeOnTheWire(t *testing.T) {
	for _, size := range []int{status.LeastMaxSize, 2000, status.DefaultMaxSize, 16 << 10} {
		svc := returning(nil)
		conn := dialWire(t, svc, interceptor.WithMaxStatusSize(size))
		for name, err := range large(t) {
			encoded := (&status.Encoder{MaxSize: size}).Encode(t.Context(), err)
			if encoded.Size() > size {
				t.Errorf("%s: %d bytes; want %d at most", name, encoded.Size(), size)
			}
			for _, k := range kinds {
				svc.end(atOpen, err)
				got := answer(t, conn, k, "")
				if !got.TrailersOnly() || got.Trailers().ListSize() != encoded.Size() {
					t.Errorf("%s, %s: %d bytes in %d header blocks; want %d in one", name, k.name, got.Trailers().ListSize(), len(got.Blocks), encoded.Size())
				}
				if diff := cmp.Diff(encoded.Status.Proto(), failure(t, got), protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s: status (-want +got):\n%s", name, k.name, diff)
				}
			}
			svc.end(afterMessages, err)
			if got := answer(t, conn, kinds[2], ""); got.Trailers().ListSize() != encoded.Size()-102 || got.Messages() != messages {
				t.Errorf("%s, after messages: %d bytes; want 102 less than %d", name, got.Trailers().ListSize(), encoded.Size())
			}
			svc.end(atOpen, err)
			if got := answer(t, conn, kinds[0], "application/grpc+proto"); got.Trailers().ListSize() > size {
				t.Errorf("%s, +proto: %d bytes; want %d at most", name, got.Trailers().ListSize(), size)
			}
		}
	}
}

// TestSizeCountsThePushback, which is a header like the others.
func TestSizeCountsThePushback(t *testing.T) {
	svc := returning(nil)
	conn := dialWire(t, svc, interceptor.WithRetryPushback())
	for _, n := range []int{0, 1500, 20_000} {
		err := status.New(codes.SrvNetwork, strings.Repeat("x", n)).WithRetryDelay(time.Hour).Err()
		encoded := (&status.Encoder{RetryPushback: true}).Encode(t.Context(), err)
		svc.end(atOpen, err)
		got := answer(t, conn, kinds[0], "").Trailers()
		if got.ListSize() != encoded.Size() || got.ListSize() > status.DefaultMaxSize || got.Get("grpc-retry-pushback-ms") != "3600000" {
			t.Errorf("with %d letters: %d bytes, pushback %q; want %d bytes, and 3600000", n, got.ListSize(), got.Get("grpc-retry-pushback-ms"), encoded.Size())
		}
	}
}

// TestLargestStatusIsSentWhole: one byte less room, and something would have been
// left out.
func TestLargestStatusIsSentWhole(t *testing.T) {
	svc := returning(nil)
	conn := dialWire(t, svc)
	largest := 0
	for n := 1000; ; n++ {
		svc.end(atOpen, status.Error(codes.Args, strings.Repeat("x", n)))
		got := answer(t, conn, kinds[0], "")
		if len(failure(t, got).Message) < n {
			break
		}
		largest = got.Trailers().ListSize()
	}
	if largest < status.DefaultMaxSize-2 || largest > status.DefaultMaxSize {
		t.Errorf("the largest status that was sent whole has %d bytes; want %d or up to 2 less", largest, status.DefaultMaxSize)
	}
}

// TestNoHeaderIsSet: an error is a Trailers-Only answer with the five headers that
// gRPC itself writes, and no other.
func TestNoHeaderIsSet(t *testing.T) {
	svc := returning(nil)
	conn := dialWire(t, svc)
	known := map[string]bool{":status": true, "content-type": true, "grpc-status": true, "grpc-message": true, "grpc-status-details-bin": true}
	for name, err := range large(t) {
		svc.end(atOpen, err)
		got := answer(t, conn, kinds[0], "")
		if len(got.Blocks) != 1 {
			t.Errorf("%s: %d header blocks; want one", name, len(got.Blocks))
		}
		for _, field := range slices.Concat(got.Blocks...) {
			if !known[field.Name] {
				t.Errorf("%s: header %v; want none but gRPC's own", name, field)
			}
		}
	}
}

// FuzzWire: whatever text and numbers a handler puts into an error, what a real
// server writes is a canonical status, whole, valid and within the bound.
func FuzzWire(f *testing.F) {
	svc := returning(nil)
	conn := dialWire(f, svc)
	legacy := dialWire(f, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	for _, c := range errorCodes(f) {
		f.Add(int32(c), "no such user", "key", "value", []byte("details"), uint8(0))
	}
	f.Add(int32(-1), strings.Repeat("中\xff%", 3000), "k\xff", strings.Repeat("\x00", 5000), []byte("\xff"), uint8(7))
	f.Fuzz(func(t *testing.T, number int32, message, key, value string, detail []byte, shape uint8) {
		err := shaped(number, message, key, value, detail, shape)
		if err == nil {
			return
		}
		svc.end(atOpen, err)
		got := answer(t, conn, kinds[int(shape)%len(kinds)], "")
		st := failure(t, got) // which checks that headers and details say the same
		if st.Code < 1 || st.Code > 16 || !utf8.ValidString(st.Message) {
			t.Errorf("%v: grpc-status %d, message %q", err, st.Code, st.Message)
		}
		want := new(status.Encoder).Encode(t.Context(), err)
		if size := got.Trailers().ListSize(); size > status.DefaultMaxSize || size != want.Size() {
			t.Errorf("%d bytes; want %d, and %d at most", size, want.Size(), status.DefaultMaxSize)
		}
		if want.Code != nil && want.Source == status.SourceCode && status.FromGRPC(grpcstatus.FromProto(st)).Code() != want.Code {
			t.Errorf("received as %v; want %v", status.FromGRPC(grpcstatus.FromProto(st)).Code(), want.Code)
		}
		checkFuzzedForm(t, answer(t, legacy, kinds[int(shape)%len(kinds)], ""), err, want)
	})
}

// checkFuzzedForm: in OpenIM's form too an answer is whole, within the bound, and
// says no other code than the canonical one.
func checkFuzzedForm(t *testing.T, got *wiretest.Answer, handlers error, canonical status.Encoded) {
	t.Helper()
	want := (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), handlers)
	st, err := got.Trailers().Status()
	if size := got.Trailers().ListSize(); err != nil || st.Code != int32(want.Status.Code()) || st.Code < 1 || size != want.Size() || size > status.DefaultMaxSize {
		t.Errorf("%v in OpenIM's form: %v, %v, %d bytes; want %d bytes, and %d at most", handlers, st, err, size, want.Size(), status.DefaultMaxSize)
	}
	if want.Code != canonical.Code || want.GRPCCode != canonical.GRPCCode {
		t.Errorf("%v in OpenIM's form: %v, %v; want %v, %v", handlers, want.Code, want.GRPCCode, canonical.Code, canonical.GRPCCode)
	}
	if read := status.FromGRPC(grpcstatus.FromProto(st)); want.Code != nil && want.Source == status.SourceCode && read.Code() != want.Code {
		t.Errorf("%v in OpenIM's form: received as %v; want %v", handlers, read.Code(), want.Code)
	}
}

// shaped is an error of one of the kinds that handlers return.
func shaped(number int32, message, key, value string, detail []byte, shape uint8) error {
	code := codes.ErrorCode(number)
	info := &errdetails.ErrorInfo{Reason: key, Domain: "openim.io", Metadata: map[string]string{key: value}}
	resource := &errdetails.ResourceInfo{ResourceType: key, ResourceName: value, Description: string(detail)}
	st := status.New(code, message)
	switch shape % 8 {
	case 0:
		return code
	case 1:
		return st.WithMetadata(key, value).WithDetails(resource).Err()
	case 2:
		return fmt.Errorf("%s: %w", value, st.WithDetails(info, resource).Wrap(errors.New(value)))
	case 3:
		p := &spb.Status{}
		if proto.Unmarshal(detail, p) != nil || p.GetCode() == 0 {
			return errors.New(message)
		}
		return grpcstatus.FromProto(p).Err()
	case 4:
		return grpcstatus.Error(grpccodes.Code(uint32(number)), message)
	case 5:
		return errors.Join(errors.New(value), code, errors.New(key))
	case 6:
		return status.Convert(grpcstatus.Error(grpccodes.Code(uint32(number)), message)).WithMetadata(key, value).WithDetails(resource).Err()
	}
	return new(status.Decoder).Decode(context.Background(), grpcstatus.Error(grpccodes.Code(uint32(number)), message))
}

// TestServeHTTPSendsTheSame: gRPC's other transport panics where a status can't be
// marshalled, and has no limits of its own.
func TestServeHTTPSendsTheSame(t *testing.T) {
	svc := returning(nil)
	grpcServer := grpc.NewServer(interceptor.ServerOptions()...)
	testgrpc.RegisterTestServiceServer(grpcServer, svc)
	defer grpcServer.Stop()
	server := httptest.NewUnstartedServer(grpcServer)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	conn := wiretest.Dial(t, server.Listener.Addr().String())
	for name, err := range large(t) {
		svc.end(atOpen, err)
		if diff := cmp.Diff(status.ToGRPC(err).Proto(), failure(t, answer(t, conn, kinds[0], "")), protocmp.Transform()); diff != "" {
			t.Errorf("%s: status (-want +got):\n%s", name, diff)
		}
	}
}
