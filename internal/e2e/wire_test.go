package e2e_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// The bytes that a server writes: their number, the header fields, and whether they are
// valid for any error.

// large returns errors whose statuses fit, barely fit, or don't fit into the limit.
func large(t testing.TB) map[string]error {
	t.Helper()
	metadata := status.New(codes.RecordNotFound, "no such user")
	for i := range 100 {
		metadata = metadata.WithMetadata(fmt.Sprintf("key%d", i), strings.Repeat("v", 50))
	}
	nested := testrpc.Packed(t, testrpc.Violations(200))
	for range 20 {
		nested = testrpc.Packed(t, nested)
	}
	return map[string]error{
		"a bare code":                  codes.RecordNotFound,
		"an unknown number":            codes.ErrorCode(1305),
		"a short message":              status.Errorf(codes.RecordNotFound, "user %q: 100%% ☃\n", "42"),
		"ASCII":                        status.Error(codes.RecordNotFound, strings.Repeat("x", 1<<20)),
		"Chinese":                      status.Error(codes.RecordNotFound, strings.Repeat("中", 1<<20/3)),
		"bytes at the limits of ASCII": status.Error(codes.RecordNotFound, "~ !\x7f%"+strings.Repeat("~", 300)),
		"percent signs":                status.Error(codes.RecordNotFound, strings.Repeat("%", 10_000)),
		"invalid UTF-8":                status.Error(codes.RecordNotFound, strings.Repeat("a\xff", 10_000)),
		"violations":                   status.New(codes.Args, "bad").WithDetails(testrpc.Violations(10_000)).Err(),
		"some violations":              status.New(codes.Args, "bad").WithDetails(testrpc.Violations(7)).Err(),
		"metadata":                     metadata.Err(),
		"metadata and details":         metadata.WithDetails(testrpc.Violations(100), &errdetails.Help{}).Err(),
		"nested Any":                   status.New(codes.Args, "bad").WithDetails(nested).Err(),
		"a gRPC status":                grpcstatus.Error(grpccodes.NotFound, strings.Repeat("x", 10_000)),
		"a short gRPC status":          grpcstatus.Error(grpccodes.NotFound, "x"),
		"a gRPC status, details":       grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.NotFound, "x", testrpc.Violations(10_000))).Err(),
		"a plain error":                errors.New(strings.Repeat("x", 10_000)),
		"a cause":                      status.Wrap(errors.New(strings.Repeat("x", 10_000)), codes.SrvDatabase, "loading"),
	}
}

// A server writes as many bytes as Encode computes, and they fit the limit. This is checked
// for every kind of call.
func TestSizeOnTheWire(t *testing.T) {
	for _, size := range []int{status.LeastMaxSize, 2000, status.DefaultMaxSize, 16 << 10} {
		svc := testrpc.Returning(nil)
		conn := testrpc.DialWire(t, svc, interceptor.WithMaxStatusSize(size))
		for name, err := range large(t) {
			encoded := (&status.Encoder{MaxSize: size}).Encode(t.Context(), err)
			if sizeOf(encoded) > size {
				t.Errorf("%s: %d bytes; want %d at most", name, sizeOf(encoded), size)
			}
			for _, k := range testrpc.Kinds {
				svc.Return(testrpc.AtOpen, err)
				got := testrpc.Answer(t, conn, k)
				if !got.TrailersOnly() || got.Trailers().ListSize() != sizeOf(encoded) {
					t.Errorf("%s, %s: %d bytes in %d header blocks; want %d bytes in one", name, k.Name, got.Trailers().ListSize(), len(got.Blocks), sizeOf(encoded))
				}
				if diff := cmp.Diff(encoded.Status().Proto(), testrpc.Failure(t, got), protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s: status (-want +got):\n%s", name, k.Name, diff)
				}
			}
			svc.Return(testrpc.AfterMessages, err)
			if got := testrpc.Answer(t, conn, testrpc.ServerStream); got.Trailers().ListSize() != sizeOf(encoded)-102 || got.Messages() != testrpc.Messages {
				t.Errorf("%s, after messages: %d bytes; want 102 bytes less than the %d of an answer with one header block", name, got.Trailers().ListSize(), sizeOf(encoded))
			}
			svc.Return(testrpc.AtOpen, err)
			if got := testrpc.AnswerAs(t, conn, testrpc.Unary, "application/grpc+proto"); got.Trailers().ListSize() > size {
				t.Errorf("%s, +proto: %d bytes; want %d at most", name, got.Trailers().ListSize(), size)
			}
		}
	}
}

// The pushback is a header field, so it is part of the size.
func TestSizeCountsThePushback(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithRetryPushback())
	for _, n := range []int{0, 1500, 20_000} {
		err := status.New(codes.SrvNetwork, strings.Repeat("x", n)).WithRetryDelay(time.Hour).Err()
		encoded := (&status.Encoder{RetryPushback: true}).Encode(t.Context(), err)
		svc.Return(testrpc.AtOpen, err)
		got := testrpc.Answer(t, conn, testrpc.Unary).Trailers()
		if got.ListSize() != sizeOf(encoded) || got.ListSize() > status.DefaultMaxSize || got.Get("grpc-retry-pushback-ms") != "3600000" {
			t.Errorf("with %d letters: %d bytes, pushback %q; want %d bytes, and 3600000", n, got.ListSize(), got.Get("grpc-retry-pushback-ms"), sizeOf(encoded))
		}
	}
}

// A status is truncated only if it doesn't fit: the largest whole status has as many bytes
// as the limit, or up to 2 fewer.
func TestLargestStatusIsSentWhole(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc)
	largest := 0
	for n := 1000; ; n++ {
		svc.Return(testrpc.AtOpen, status.Error(codes.Args, strings.Repeat("x", n)))
		got := testrpc.Answer(t, conn, testrpc.Unary)
		if len(testrpc.Failure(t, got).Message) < n {
			break
		}
		largest = got.Trailers().ListSize()
	}
	if largest < status.DefaultMaxSize-2 || largest > status.DefaultMaxSize {
		t.Errorf("the largest whole status has %d bytes; want %d, or up to 2 less", largest, status.DefaultMaxSize)
	}
}

// An error is a Trailers-Only answer with the five header fields that gRPC
// writes, and no others.
func TestOnlyGRPCsOwnHeadersAreSent(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc)
	known := map[string]bool{":status": true, "content-type": true, "grpc-status": true, "grpc-message": true, "grpc-status-details-bin": true}
	for name, err := range large(t) {
		svc.Return(testrpc.AtOpen, err)
		got := testrpc.Answer(t, conn, testrpc.Unary)
		if len(got.Blocks) != 1 {
			t.Errorf("%s: %d header blocks; want one", name, len(got.Blocks))
		}
		for _, field := range slices.Concat(got.Blocks...) {
			if !known[field.Name] {
				t.Errorf("%s: header field %v; want gRPC's own fields only", name, field)
			}
		}
	}
}

// FuzzWire checks that a server writes a valid canonical status within the size limit,
// whatever texts and numbers a handler puts into an error.
func FuzzWire(f *testing.F) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(f, svc)
	numeric := testrpc.DialWire(f, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	for _, c := range testrpc.ErrorCodes(f) {
		f.Add(int32(c), "no such user", "key", "value", []byte("details"), uint8(0))
	}
	f.Add(int32(-1), strings.Repeat("中\xff%", 3000), "k\xff", strings.Repeat("\x00", 5000), []byte("\xff"), uint8(7))
	f.Fuzz(func(t *testing.T, number int32, message, key, value string, detail []byte, shape uint8) {
		err := shaped(number, message, key, value, detail, shape)
		if err == nil {
			return
		}
		svc.Return(testrpc.AtOpen, err)
		got := testrpc.Answer(t, conn, testrpc.Kinds[int(shape)%len(testrpc.Kinds)])
		st := testrpc.Failure(t, got) // also checks that headers and details agree
		if st.Code < 1 || st.Code > 16 || !utf8.ValidString(st.Message) {
			t.Errorf("%v: grpc-status %d, message %q; want 1..16 and valid UTF-8", err, st.Code, st.Message)
		}
		want := new(status.Encoder).Encode(t.Context(), err)
		if size := got.Trailers().ListSize(); size > status.DefaultMaxSize || size != sizeOf(want) {
			t.Errorf("the status adds %d bytes; want %d, and %d at most", size, sizeOf(want), status.DefaultMaxSize)
		}
		if want.Code() != nil && want.Source() == status.SourceCode && status.FromGRPC(grpcstatus.FromProto(st)).Code() != want.Code() {
			t.Errorf("the code received is %v; want %v", status.FromGRPC(grpcstatus.FromProto(st)).Code(), want.Code())
		}
		checkFuzzedForm(t, testrpc.Answer(t, numeric, testrpc.Kinds[int(shape)%len(testrpc.Kinds)]), err, want)
	})
}

// checkFuzzedForm checks the same error in the numeric form: the status is valid, fits the
// size limit and carries the same code.
func checkFuzzedForm(t *testing.T, got *wiretest.Answer, handlers error, canonical status.Encoded) {
	t.Helper()
	want := (&status.Encoder{OpenIMForm: true}).Encode(t.Context(), handlers)
	st, err := got.Trailers().Status()
	if size := got.Trailers().ListSize(); err != nil || st.Code != int32(want.Status().Code()) || st.Code < 1 || size != sizeOf(want) || size > status.DefaultMaxSize {
		t.Errorf("%v in numeric form: %v, %v, %d bytes; want %d bytes, and %d at most", handlers, st, err, size, sizeOf(want), status.DefaultMaxSize)
	}
	if want.Code() != canonical.Code() || want.GRPCCode() != canonical.GRPCCode() {
		t.Errorf("%v in numeric form: %v, %v; want %v, %v", handlers, want.Code(), want.GRPCCode(), canonical.Code(), canonical.GRPCCode())
	}
	if read := status.FromGRPC(grpcstatus.FromProto(st)); want.Code() != nil && want.Source() == status.SourceCode && read.Code() != want.Code() {
		t.Errorf("%v in numeric form: the code received is %v; want %v", handlers, read.Code(), want.Code())
	}
}

// shaped returns an error of one of the kinds that handlers return.
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

// gRPC's HTTP handler transport writes the same status as gRPC's server. It panics if a
// status can't be marshalled, and it has no size limit.
func TestServeHTTPSendsTheSameStatus(t *testing.T) {
	svc := testrpc.Returning(nil)
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
		svc.Return(testrpc.AtOpen, err)
		if diff := cmp.Diff(status.ToGRPC(err).Proto(), testrpc.Failure(t, testrpc.Answer(t, conn, testrpc.Unary)), protocmp.Transform()); diff != "" {
			t.Errorf("%s: status (-want +got):\n%s", name, diff)
		}
	}
}

// sizeOf returns the size that a status and its trailer add to a header list.
func sizeOf(encoded status.Encoded) int {
	return testrpc.HeaderListSize(encoded.Status(), encoded.Trailer())
}
