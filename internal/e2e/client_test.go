package e2e_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// What the caller gets: at the end of a stream, if no server answers, and for a status
// that carries no code.

func TestStreamEndsWithTheSameErrorEachTime(t *testing.T) {
	tests := []struct {
		name     string
		handlers error
	}{
		{"error", status.Error(codes.Args, "bad")},
		{"io.EOF", nil},
	}
	for _, tt := range tests {
		client := testrpc.Connect(t, testrpc.Returning(tt.handlers), interceptor.ServerOptions(), interceptor.DialOptions())
		stream, err := client.FullDuplexCall(t.Context())
		if err != nil {
			t.Fatalf("FullDuplexCall() = %v", err)
		}
		_, first := stream.Recv()
		if _, second := stream.Recv(); first == nil || first != second {
			t.Errorf("%s: Recv() returned %v, then %v; want the identical error twice", tt.name, first, second)
		}
	}
}

func TestHeaderAndTrailerArriveWithAnError(t *testing.T) {
	var header, trailer metadata.MD
	svc := &withMetadata{Service: testrpc.Returning(codes.Args)}
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), interceptor.DialOptions())

	stream, err := client.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	if header, err = stream.Header(); err != nil {
		t.Errorf("Header() = %v; want no error", err)
	}
	if _, err := stream.Recv(); !errors.Is(err, codes.Args) {
		t.Errorf("Recv() = %v; want Args", err)
	}
	trailer = stream.Trailer()
	if header.Get("sent")[0] != "header" || trailer.Get("sent")[0] != "trailer" {
		t.Errorf("Header() = %v, Trailer() = %v; want what the handler set", header, trailer)
	}
}

// withMetadata is a service whose bidi streams send a header and a trailer.
type withMetadata struct{ *testrpc.Service }

func (s *withMetadata) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	if err := stream.SendHeader(metadata.Pairs("sent", "header")); err != nil {
		return err
	}
	stream.SetTrailer(metadata.Pairs("sent", "trailer"))
	return s.Service.FullDuplexCall(stream)
}

// bareClients has the two ways in which a client reads a status without an ErrorInfo.
var bareClients = []struct {
	name    string
	opts    []interceptor.ClientOption
	assumes bool
}{
	{"by default", nil, false},
	{"with WithAssumedCodes", []interceptor.ClientOption{interceptor.WithAssumedCodes()}, true},
}

func TestErrorOfOpeningACallIsDecoded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range bareClients {
		client := testrpc.Connect(t, testrpc.Returning(nil), interceptor.ServerOptions(), interceptor.DialOptions(c.opts...))
		for _, k := range testrpc.Kinds {
			_, err := k.Call(ctx, client)
			checkBare(t, c.name+", "+k.Name, err, grpccodes.Canceled, c.assumes)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: in a cancelled context the call returns %v; want an error that wraps context.Canceled", c.name, k.Name, err)
			}
		}
	}
}

func TestRefusedConnectionCarriesNoCode(t *testing.T) {
	lis := testrpc.Listen(t)
	lis.Close() // so that the connection is refused
	for _, c := range bareClients {
		client := testgrpc.NewTestServiceClient(testrpc.Dial(t, lis.Addr().String(), interceptor.DialOptions(c.opts...)))
		for _, k := range testrpc.Kinds {
			_, err := k.Call(t.Context(), client)
			checkBare(t, c.name+", "+k.Name, err, grpccodes.Unavailable, c.assumes)
		}
	}
}

// checkBare checks that err has a status without an ErrorInfo. If the client assumes codes,
// it carries the default code for its canonical code, and otherwise none.
func checkBare(t *testing.T, name string, err error, canonical grpccodes.Code, assumes bool) {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok || st.Origin() != status.OriginBare {
		t.Errorf("%s: status.FromError(%v): origin %v, %t; want bare, true", name, err, st.Origin(), ok)
	}
	if got := grpcstatus.Code(err); got != canonical || st.GRPCCode() != canonical {
		t.Errorf("%s: the canonical code of %v is %v for gRPC and %v for errstatus; want %v", name, err, got, st.GRPCCode(), canonical)
	}
	assumed := codes.Default().DefaultFor(canonical)
	if !assumes {
		checkNoCode(t, name, err, codes.SdkUnknownCode, assumed)
		if st.Reason() != "" || st.Domain() != "" {
			t.Errorf("%s: %v has reason %q, domain %q; want none", name, err, st.Reason(), st.Domain())
		}
		return
	}
	code, declared := status.Declared(err)
	if code != assumed || st.Code() != assumed || status.Code(err) != assumed || !declared || !errors.Is(err, assumed) {
		t.Errorf("%s: the code of %v is %v, declared %t; want %v, true, and errors.Is finds it", name, err, code, declared, assumed)
	}
	if info := testrpc.ErrorInfo(assumed); st.Reason() != info.Reason || st.Domain() != info.Domain {
		t.Errorf("%s: %v has reason %q, domain %q; want those of %v", name, err, st.Reason(), st.Domain(), assumed)
	}
}

// checkNoCode checks that a received error carries no code: that its code is the UNKNOWN
// default and isn't declared, that nobody finds it or any of the others, and that the text
// is gRPC's own.
func checkNoCode(t *testing.T, name string, err error, unknown codes.Code, others ...codes.Code) {
	t.Helper()
	code, declared := status.Declared(err)
	if code != unknown || declared || status.Code(err) != unknown || status.Convert(err).Code() != unknown {
		t.Errorf("%s: the code of %v is %v, declared %t; want %v, false", name, err, code, declared, unknown)
	}
	for _, c := range append(others, unknown) {
		if errors.Is(err, c) {
			t.Errorf("%s: errors.Is(%v, %v) = true; want false, because the status carries no code", name, err, c)
		}
	}
	if c, ok := errors.AsType[codes.Code](err); ok {
		t.Errorf("%s: errors.AsType finds %v in %v; want no code", name, c, err)
	}
	if got, want := err.Error(), grpcstatus.Convert(err).Err().Error(); got != want {
		t.Errorf("%s: Error() = %q; want gRPC's own text, %q", name, got, want)
	}
}

func TestBareStatusCarriesACodeOnlyIfItIsAssumed(t *testing.T) {
	svc := testrpc.Returning(nil)
	for _, client := range bareClients {
		conn := testrpc.Connect(t, svc, nil, interceptor.DialOptions(client.opts...))
		for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
			want := testrpc.Canonical(t, c, "from a plain\nserver ", testrpc.BadRequest())
			svc.Return(testrpc.AtOpen, grpcstatus.FromProto(want).Err())
			for _, k := range testrpc.Kinds {
				_, err := k.Call(t.Context(), conn)
				checkBare(t, client.name+", "+k.Name, err, c, client.assumes)
				testrpc.CheckStatus(t, err, want)
			}
		}
	}
}

func TestMalformedAndForeignErrorInfos(t *testing.T) {
	garbage := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte("\xff\xff\xff")}
	info := func(reason, domain, number string) *anypb.Any {
		return testrpc.Packed(t, &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: map[string]string{"code": number}})
	}
	tests := []struct {
		name   string
		info   *anypb.Any
		code   codes.Code // nil for none
		origin status.Origin
	}{
		{"a malformed ErrorInfo", garbage, nil, status.OriginBare},
		{"an unknown domain", info("ARGS", "evil.example", "1001"), nil, status.OriginForeign},
		{"a known domain with other capital letters", info("ARGS", "OpenIM.io", "1001"), nil, status.OriginForeign},
		{"an empty domain", info("ARGS", "", "1001"), nil, status.OriginForeign},
		{"the reason decides before the number", info("ARGS", "openim.io", "1002"), codes.Args, status.OriginKnown},
		{"the number decides if the reason is empty", info("", "openim.io", "1002"), codes.NoPermission, status.OriginKnown},
		{"the number decides if the reason has another form", info("Args!", "openim.io", "1002"), codes.NoPermission, status.OriginKnown},
		{"an unknown reason with a number without a row", info("NEW_REASON", "openim.io", "1305"), codes.ErrorCode(1305), status.OriginKnown},
		{"an unknown reason with the number of a row", info("NEW_REASON", "openim.io", "1002"), nil, status.OriginKnown},
		{"a reason of another form and no number", info("args", "openim.io", ""), nil, status.OriginKnown},
		{"a number with a leading zero", info("", "openim.io", "01001"), nil, status.OriginKnown},
		{"the number of NoError", info("", "openim.io", "0"), nil, status.OriginKnown},
		{"the reason of NoError", info("NO_ERROR", "openim.io", "0"), nil, status.OriginKnown},
	}
	for _, tt := range tests {
		for _, c := range bareClients {
			t.Run(tt.name+", "+c.name, func(t *testing.T) {
				want := testrpc.Canonical(t, grpccodes.NotFound, "as sent", testrpc.BadRequest())
				want.Details = append([]*anypb.Any{tt.info}, want.Details...)
				err := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(want).Err(), c.opts...)

				st, _ := status.FromError(err)
				if st.Origin() != tt.origin || st.GRPCCode() != grpccodes.NotFound {
					t.Errorf("the caller reads origin %v, canonical code %v; want %v, NotFound", st.Origin(), st.GRPCCode(), tt.origin)
				}
				switch code, declared := status.Declared(err); {
				case tt.code != nil:
					if code != tt.code || st.Code() != tt.code || !declared || !errors.Is(err, tt.code) {
						t.Errorf("the caller reads code %v, declared %t; want %v, true, and errors.Is finds it", code, declared, tt.code)
					}
				case tt.origin == status.OriginBare:
					checkBare(t, tt.name, err, grpccodes.NotFound, c.assumes)
				default: // a status with an ErrorInfo has no assumed code
					checkNoCode(t, tt.name, err, codes.SdkUnknownCode, codes.RecordNotFound, codes.Args, codes.NoPermission)
				}
				if got := grpcstatus.Convert(err).Proto(); !proto.Equal(got, want) {
					t.Errorf("the status as received is %v; want it unchanged: %v", got, want)
				}
				if br, ok := status.Detail[*errdetails.BadRequest](err); !ok || !proto.Equal(br, testrpc.BadRequest()) {
					t.Errorf("Detail[BadRequest] = %v, %t; want the BadRequest that was sent, true", br, ok)
				}
			})
		}
	}
}

// The ErrorInfo of a domain that the client doesn't know carries no code, but it can be read.
func TestForeignErrorInfoIsReadable(t *testing.T) {
	metadata := map[string]string{"code": "1001", "service": "shop", "Any Key!": "line\nbreak"}
	want := testrpc.Canonical(t, grpccodes.NotFound, "as sent", &errdetails.ErrorInfo{Reason: "out of stock", Domain: "shop.example", Metadata: metadata})
	svc := testrpc.Returning(grpcstatus.FromProto(want).Err())
	for _, c := range bareClients {
		client := testrpc.Connect(t, svc, nil, interceptor.DialOptions(c.opts...))
		for _, k := range testrpc.Kinds {
			_, err := k.Call(t.Context(), client)
			checkNoCode(t, c.name+", "+k.Name, err, codes.SdkUnknownCode, codes.RecordNotFound, codes.Args)
			st := status.Convert(err)
			if st.Reason() != "out of stock" || st.Domain() != "shop.example" || !maps.Equal(st.Metadata(), metadata) {
				t.Errorf("%s, %s: reason %q, domain %q, metadata %q; want what the server sent", c.name, k.Name, st.Reason(), st.Domain(), st.Metadata())
			}
		}
	}
}

func TestErrorWithoutAStatusIsReturnedUnchanged(t *testing.T) {
	plain := errors.New("no status")
	failing := []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return plain
		}),
		grpc.WithChainStreamInterceptor(func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, plain
		}),
	}
	client := testrpc.Connect(t, testrpc.Returning(nil), nil, append(interceptor.DialOptions(), failing...))
	for _, k := range testrpc.Kinds {
		if _, err := k.Call(t.Context(), client); err != plain {
			t.Errorf("%s: the caller gets %v; want %v, identical", k.Name, err, plain)
		}
	}
}

func TestLocalSendErrorIsDecoded(t *testing.T) {
	for _, c := range bareClients {
		client := testrpc.Connect(t, testrpc.Returning(nil), nil, interceptor.DialOptions(c.opts...))
		stream, err := client.FullDuplexCall(t.Context(), grpc.MaxCallSendMsgSize(1))
		if err != nil {
			t.Fatalf("FullDuplexCall() = %v", err)
		}
		err = stream.Send(&testgrpc.StreamingOutputCallRequest{Payload: &testgrpc.Payload{Body: make([]byte, 100)}})
		checkBare(t, c.name, err, grpccodes.ResourceExhausted, c.assumes)
	}
}

// A server without errstatus sends the status that an error's GRPCStatus method returns.
// NoError has no status, so the call fails with UNKNOWN.
func TestNoErrorIsNoSuccessOnAPlainServer(t *testing.T) {
	for _, c := range bareClients {
		client := testrpc.Connect(t, testrpc.Returning(codes.NoError), nil, interceptor.DialOptions(c.opts...))
		for _, k := range testrpc.Kinds {
			_, err := k.Call(t.Context(), client)
			checkBare(t, c.name+", "+k.Name, err, grpccodes.Unknown, c.assumes)
		}
	}
}

// Client.Decode returns the error that the interceptors return, and calls the same observers.
// NewClient(…).Options() installs the interceptors.
func TestDecodeDoesWhatTheInterceptorsDo(t *testing.T) {
	events := make(chan interceptor.Event, 10)
	notFound := errors.New("store: not found")
	client := interceptor.NewClient(
		interceptor.WithTable(testrpc.Billing),
		interceptor.WithSentinel(notFound, codes.RecordNotFound),
		interceptor.WithUpstreamTrust(status.TrustNone),
		interceptor.WithObserver(func(_ context.Context, event interceptor.Event) { events <- event }),
	)
	svc := testrpc.Returning(nil)
	intercepted := testrpc.Connect(t, svc, interceptor.ServerOptions(), client.Options())
	plain := testrpc.Connect(t, svc, interceptor.ServerOptions(), nil)
	for name, handlers := range map[string]error{
		"a code":             codes.RecordNotFound,
		"another enum":       testrpc.CardDeclined,
		"no code":            grpcstatus.Error(grpccodes.Unavailable, "draining"),
		"a withheld failure": errors.New(testrpc.Secret),
	} {
		svc.Return(testrpc.AtOpen, handlers)
		_, want := testrpc.CallUnary(t.Context(), intercepted)
		wantEvent := <-events
		_, received := testrpc.CallUnary(t.Context(), plain)
		got := client.Decode(t.Context(), "/grpc.testing.TestService/UnaryCall", received)
		gotEvent := <-events

		if got.Error() != want.Error() || status.Code(got) != status.Code(want) || errors.Is(got, notFound) != errors.Is(want, notFound) {
			t.Errorf("%s: Decode() = %v, code %v; want %v, code %v", name, got, status.Code(got), want, status.Code(want))
		}
		ignored := cmpopts.IgnoreFields(interceptor.Event{}, "Err")
		unset := cmpopts.IgnoreFields(interceptors.CallMeta{}, "ReqOrNil")
		if diff := cmp.Diff(wantEvent, gotEvent, ignored, unset, cmp.AllowUnexported(interceptor.Event{})); diff != "" {
			t.Errorf("%s: the event of Decode (-interceptors' +Decode's):\n%s", name, diff)
		}
		if gotEvent.Err != got {
			t.Errorf("%s: the event has %v; want the decoded error, %v", name, gotEvent.Err, got)
		}
	}
	if got := client.Decode(t.Context(), "/a.B/C", nil); got != nil || len(events) > 0 {
		t.Errorf("Decode(nil) = %v, with %d events; want nil and none", got, len(events))
	}
}
