package connectstatus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectinprocess"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	connectstatus "github.com/errstatus/errstatus/integrations/connect"
	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
)

// sent returns the status that a server with errstatus sends for a handler's error, as a client
// of Connect without errstatus reads it.
func sent(t *testing.T, handlers error, opts ...interceptor.ServerOption) *spb.Status {
	t.Helper()
	return sentBy(t, returning(handlers), onServer(opts...))
}

func sentBy(t *testing.T, svc grpc_testingconnect.TestServiceHandler, interceptors ...connect.ServerInterceptor) *spb.Status {
	t.Helper()
	client := connectTo(t, serve(t, svc, interceptors...), wires[0])
	_, err := client.UnaryCall(t.Context(), &testgrpc.SimpleRequest{})
	return wireStatus(t, err)
}

func checkSent(t *testing.T, got, want *spb.Status) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("the status on the wire (-want +got):\n%s", diff)
	}
}

// detail returns a message as a detail of a Connect error.
func detail(t *testing.T, message proto.Message) *connect.ErrorDetail {
	t.Helper()
	d, err := connectproto.NewErrorDetail(message)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// internal returns the status of the INTERNAL default.
func internal(t *testing.T) *spb.Status { return testrpc.Carrying(t, codes.ServerInternal, "") }

// A handler's own Connect error is sent with its own code, message and details, and nothing of
// what is around it or in its cause.
func TestHandlersConnectErrorIsSent(t *testing.T) {
	foreign := &errdetails.ErrorInfo{Reason: "FULL", Domain: "shop.example"}
	for c := connect.CodeCanceled; c <= connect.CodeUnauthenticated; c++ {
		want := testrpc.Canonical(t, grpccodes.Code(c), "own message", foreign, testrpc.BadRequest())
		own := connect.NewError(c, "own message").WithDetail(detail(t, foreign)).WithDetail(detail(t, testrpc.BadRequest()))
		for name, handlers := range map[string]error{
			"bare":             own,
			"under %w":         fmt.Errorf(testrpc.Secret+": %w", own),
			"joined":           errors.Join(errors.New(testrpc.Secret), own),
			"around a cause":   own.WithCause(errors.New(testrpc.Secret)),
			"with a DebugInfo": own.WithDetail(detail(t, &errdetails.DebugInfo{Detail: testrpc.Secret})),
			"around itself":    own.WithCause(&endless{}),
			"beside itself":    errors.Join(own, &endless{}),
			"beside too much":  errors.Join(own, &twice{}),
			"around a context": own.WithCause(context.DeadlineExceeded),
		} {
			if diff := cmp.Diff(want, sent(t, handlers), protocmp.Transform()); diff != "" {
				t.Errorf("%v, %s: the status on the wire (-want +got):\n%s", c, name, diff)
			}
		}
	}
}

// The rows of status.Encoder hold for errors in which there is a Connect error.
func TestRowsWithConnectErrors(t *testing.T) {
	own := connect.NewError(connect.CodeNotFound, "no such user")
	remote := connect.NewError(connect.CodeNotFound, testrpc.Secret).WithRemote().WithDetail(detail(t, testrpc.ErrorInfo(codes.RecordNotFound)))
	upstreams := testrpc.ReceivedFromPlain(t, codes.RecordNotFound)
	notFound := testrpc.Canonical(t, grpccodes.NotFound, "no such user")
	args := testrpc.Carrying(t, codes.Args, "")
	unavailable := sent(t, interceptor.NewClient(interceptor.WithUpstreamTrust(status.TrustNone)).Decode(t.Context(), "/s/m", grpcstatus.Error(grpccodes.Unavailable, "x")))

	for _, tt := range []struct {
		name     string
		handlers error
		want     *spb.Status
	}{
		// Row 3 comes before row 9.
		{"code before", fmt.Errorf("%w: %w", codes.Args, own), args},
		{"code after", errors.Join(own, codes.Args), args},
		{"code around", status.Wrap(own, codes.Args, "bad name"), testrpc.Carrying(t, codes.Args, "bad name")},
		{"code in the cause", own.WithCause(codes.Args), args},
		{"code of another enum in the cause", own.WithCause(testrpc.PetRanAway), testrpc.Carrying(t, testrpc.PetRanAway, "")},
		{"parameters in the cause", own.WithCause(testrpc.CardDeclinedError{Card: "visa"}), testrpc.Sent(t, testrpc.CardDeclinedError{Card: "visa"})},
		{"NoError around", fmt.Errorf("%w: %w", codes.NoError, own), notFound},
		{"code after a received Connect error", errors.Join(remote, codes.Args), args},

		// A Connect error around an upstream's status is the handler's answer.
		{"around an upstream's code", own.WithCause(upstreams), notFound},
		{"around an upstream's Connect error", own.WithCause(remote), notFound},
		{"a gRPC status before", errors.Join(grpcstatus.Error(grpccodes.Aborted, "first"), own), testrpc.Canonical(t, grpccodes.Aborted, "first")},

		// Row 8: a client without errstatus received it, so no trust is set.
		{"received", remote, internal(t)},
		{"received, under %w", fmt.Errorf("calling users: %w", remote), internal(t)},
		{"received, UNAVAILABLE", connect.NewError(connect.CodeUnavailable, testrpc.Secret).WithRemote(), unavailable},

		// Row 10.
		{"raw number", connect.NewError(connect.Code(codes.RecordNotFound), "as OpenIM does"), testrpc.Carrying(t, codes.RecordNotFound, "as OpenIM does")},
		{"raw number without a row", connect.NewError(1305, "as OpenIM does"), testrpc.Sent(t, grpcstatus.Error(1305, "as OpenIM does"))},

		{"code 0", connect.NewError(0, "odd"), testrpc.Canonical(t, grpccodes.Unknown, "odd")},
		{"no message", connect.NewError(connect.CodeAborted, ""), testrpc.Canonical(t, grpccodes.Aborted, "")},
		{"deadline of something else", context.DeadlineExceeded, testrpc.Canonical(t, grpccodes.DeadlineExceeded, context.DeadlineExceeded.Error())},

		// Row 11.
		{"plain", errors.New(testrpc.Secret), internal(t)},
		{"io.EOF", io.EOF, internal(t)},
		{"end of a stream", connect.NewError(connect.CodeUnknown, "EOF").WithCause(io.EOF), internal(t)},
		{"nil pointer", (*connect.Error)(nil), internal(t)},
		{"context.Canceled of something else", context.Canceled, internal(t)},
		{"64 levels deep", deep(own, 63), notFound},
		{"65 levels deep", deep(own, 64), internal(t)},
		{"after 1000 errors", errors.Join(append(slices.Repeat([]error{io.ErrNoProgress}, 1000), own)...), internal(t)},
		{"a panic in the cause", own.WithCause(panicsInUnwrap{}), internal(t)},
	} {
		t.Run(tt.name, func(t *testing.T) { checkSent(t, sent(t, tt.handlers), tt.want) })
	}
}

// An endless error wraps itself, and has a text without end.
type endless struct{}

func (e *endless) Error() string { return testrpc.Secret + e.Unwrap().Error() }
func (e *endless) Unwrap() error { return e }

// A twice wraps itself twice: 64 levels have 2 to the power of 64 errors.
type twice struct{}

func (e *twice) Error() string   { return testrpc.Secret }
func (e *twice) Unwrap() []error { return []error{e, e} }

// deep returns err under some levels of %w.
func deep(err error, levels int) error {
	for range levels {
		err = fmt.Errorf("x: %w", err)
	}
	return err
}

type panicsInUnwrap struct{}

func (panicsInUnwrap) Error() string { return testrpc.Secret }
func (panicsInUnwrap) Unwrap() error { panic(testrpc.Secret) }

// Rules and withheld messages see a Connect error as they see a gRPC status.
func TestOptionsSeeConnectErrors(t *testing.T) {
	own := connect.NewError(connect.CodeInternal, testrpc.Secret).WithCause(io.ErrClosedPipe)
	byCode := interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
		if connect.CodeOf(err) != connect.CodeInternal {
			return nil
		}
		return status.New(codes.SrvDatabase, "")
	})
	for _, tt := range []struct {
		name string
		opt  interceptor.ServerOption
		want *spb.Status
	}{
		{"a rule with a function", byCode, testrpc.Carrying(t, codes.SrvDatabase, "")},
		{"a rule with a target in the cause", interceptor.WithErrorMapping(io.ErrClosedPipe, codes.SrvNetwork), testrpc.Carrying(t, codes.SrvNetwork, "")},
		{"withheld messages", interceptor.WithWithheldMessages(grpccodes.Internal), testrpc.Canonical(t, grpccodes.Internal, codes.RowOf(codes.ServerInternal).Message)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkSent(t, sent(t, own, tt.opt), tt.want)
			checkSent(t, sent(t, fmt.Errorf("saving: %w", own), tt.opt), tt.want)
		})
	}
}

// What connectrpc.com/validate returns for an invalid request becomes a code with a BadRequest.
func TestValidationMapping(t *testing.T) {
	rules := testrpc.RuleViolations(testrpc.RuleViolation{Field: "name", RuleID: "string.min_len", Message: "too short"})
	validators := connect.NewError(connect.CodeInvalidArgument, testrpc.Secret).WithDetail(detail(t, rules)).WithCause(errors.New(testrpc.Secret))
	got := sent(t, validators, interceptor.WithValidationMapping(codes.Args))
	want := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "name", Reason: "STRING_MIN_LEN", Description: "too short"}}}
	violations, _ := status.Detail[*errdetails.BadRequest](grpcstatus.ErrorProto(got))
	if !proto.Equal(violations, want) || status.Code(grpcstatus.ErrorProto(got)) != codes.Args || strings.Contains(got.Message, testrpc.Secret) {
		t.Errorf("the status on the wire is %v; want Args with %v", got, want)
	}
}

// A localizer picks the text by the request's Accept-Language.
func TestLocalizer(t *testing.T) {
	address := serve(t, returning(codes.RecordNotFound), onServer(interceptor.WithLocalizer(localize.New().Amend)))
	want := codes.RowOf(codes.RecordNotFound).Localized[0]
	for _, w := range wires {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Accept-Language", "zh-CN, en;q=0.5")
		_, err := connectTo(t, address, w, onClient()).UnaryCall(ctx, &testgrpc.SimpleRequest{})
		if got := status.UserMessage(err); got != want.Message {
			t.Errorf("%s: the text for the user is %q; want %q", w.name, got, want.Message)
		}
	}
}

// If the RPC's context has ended, that decides, as row 5 says.
func TestEndedContext(t *testing.T) {
	for _, tt := range []struct {
		name     string
		cause    error
		handlers func(context.Context) error
		want     *spb.Status
	}{
		{"context error", nil, context.Context.Err, testrpc.Canonical(t, grpccodes.Canceled, context.Canceled.Error())},
		{"Connect's error for it", nil, func(ctx context.Context) error {
			return connect.NewError(connect.CodeCanceled, testrpc.Secret).WithCause(ctx.Err())
		}, testrpc.Canonical(t, grpccodes.Canceled, context.Canceled.Error())},
		{"plain error", nil, func(context.Context) error { return errors.New(testrpc.Secret) }, testrpc.Canonical(t, grpccodes.Canceled, context.Canceled.Error())},
		{"received error", nil, func(context.Context) error {
			return connect.NewError(connect.CodeNotFound, testrpc.Secret).WithRemote()
		}, testrpc.Canonical(t, grpccodes.Canceled, context.Canceled.Error())},
		{"context with a cause", codes.SrvNetwork, context.Context.Err, testrpc.Carrying(t, codes.SrvNetwork, "")},
		{"another Connect error", nil, func(context.Context) error { return connect.NewError(connect.CodeAborted, "late") }, testrpc.Canonical(t, grpccodes.Aborted, "late")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended := func(next connect.ServerFunc) connect.ServerFunc {
				return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
					ctx, cancel := context.WithCancelCause(ctx)
					cancel(tt.cause)
					return next(ctx, spec, stream)
				}
			}
			checkSent(t, sentBy(t, running(tt.handlers), ended, onServer()), tt.want)
		})
	}
}

// A deadline that the request sets ends the RPC's context, as row 5 says.
func TestDeadline(t *testing.T) {
	wait := running(func(ctx context.Context) error { <-ctx.Done(); return errors.New(testrpc.Secret) })
	request, err := http.NewRequest(http.MethodPost, "http://"+serve(t, wait, onServer())+"/grpc.testing.TestService/UnaryCall", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Connect-Timeout-Ms", "10")
	response, err := httpClient(t, wires[0]).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	const want = `{"code":"deadline_exceeded","message":"context deadline exceeded"}`
	if body, _ := io.ReadAll(response.Body); string(body) != want || response.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("the answer is %s %s; want 504 %s", response.Status, body, want)
	}
}

// A panic is withheld if an inner interceptor turns it into a status.
func TestRecovered(t *testing.T) {
	recovery := func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = status.Recovered(p)
				}
			}()
			return next(ctx, spec, stream)
		}
	}
	for _, value := range []any{testrpc.Secret, connect.NewError(connect.CodeNotFound, testrpc.Secret), codes.RecordNotFound} {
		logged := testrpc.CaptureLog(t)
		panics := running(func(context.Context) error { panic(value) })
		checkSent(t, sentBy(t, panics, onServer(), recovery), internal(t))
		if records := logged(); len(records) != 1 || !strings.Contains(records[0].Stack, "TestRecovered") {
			t.Errorf("the log has %+v; want one record with the stack", records)
		}
	}
}

// A failure that isn't the caller's fault is logged with its private text.
func TestLog(t *testing.T) {
	for _, tt := range []struct {
		name     string
		handlers error
		code     grpccodes.Code
		text     string
	}{
		{"plain", errors.New(testrpc.Secret), grpccodes.Internal, testrpc.Secret},
		{"the cause of a Connect error", fmt.Errorf("saving: %w", connect.NewError(connect.CodeUnavailable, "try later").WithCause(errors.New(testrpc.Secret))), grpccodes.Unavailable, "saving: unavailable: try later; caused by: " + testrpc.Secret},
		{"a received Connect error", connect.NewError(connect.CodeNotFound, testrpc.Secret).WithRemote(), grpccodes.Internal, testrpc.Secret},
		{"a cause without end", connect.NewError(connect.CodeInternal, "broken").WithCause(&endless{}), grpccodes.Internal, "internal: broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			logged := testrpc.CaptureLog(t)
			sent(t, tt.handlers)
			testrpc.CheckWithheld(t, logged(), "UnaryCall", tt.code, tt.text)
		})
	}
}

// An interceptor before errstatus gets a Connect error in which it finds the handler's error.
func TestOuterInterceptor(t *testing.T) {
	cause := errors.New(testrpc.Secret)
	own := connect.NewError(connect.CodeAborted, "again").WithCause(cause)
	for name, handlers := range map[string]error{
		"code":             status.Wrap(cause, codes.RecordNotFound, "loading"),
		"plain":            cause,
		"Connect error":    own,
		"received":         own.WithRemote(),
		"rows of a status": errors.Join(grpcstatus.Error(grpccodes.Aborted, "again"), cause),
	} {
		got := make(chan error, 1)
		outer := func(next connect.ServerFunc) connect.ServerFunc {
			return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
				err := next(ctx, spec, stream)
				got <- err
				return err
			}
		}
		st := sentBy(t, returning(handlers), outer, onServer())
		err := <-got
		if _, ok := err.(*connect.Error); !ok || connect.CodeOf(err) != connect.Code(st.Code) {
			t.Errorf("%s: the outer interceptor gets %#v; want a Connect error with code %v", name, err, st.Code)
		}
		if !errors.Is(err, cause) && name != "received" { // whose cause is private to another server
			t.Errorf("%s: errors.Is doesn't find the handler's error in %v", name, err)
		}
		if fields := interceptor.ErrorFields(err); fields == nil {
			t.Errorf("%s: ErrorFields(%v) = nil; want what errstatus logs", name, err)
		}
	}
}

// Installing it twice changes nothing. With other options, the inner one decides.
func TestServerTwice(t *testing.T) {
	handlers := status.New(codes.RecordNotFound, "no").WithRetryDelay(time.Second).Wrap(errors.New(testrpc.Secret))
	var events []interceptor.Event
	observe := interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { events = append(events, e) })
	s := interceptor.NewServer(observe, interceptor.WithRetryPushback())
	other := interceptor.NewServer(observe, interceptor.WithMaxStatusSize(status.LeastMaxSize), interceptor.WithRetryPushback())
	once, twice := connectstatus.ServerInterceptor(s), connectstatus.ServerInterceptor(other)
	wraps := func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			return fmt.Errorf(testrpc.Secret+": %w", next(ctx, spec, stream))
		}
	}
	want := testrpc.Sent(t, handlers)
	for _, tt := range []struct {
		name         string
		interceptors []connect.ServerInterceptor
		sources      []status.Source
	}{
		{"once", []connect.ServerInterceptor{once}, []status.Source{status.SourceCode}},
		{"the same twice", []connect.ServerInterceptor{once, once}, []status.Source{status.SourceCode}},
		{"another before", []connect.ServerInterceptor{twice, once}, []status.Source{status.SourceCode, status.SourceEncoded}},
		{"wrapped between", []connect.ServerInterceptor{twice, wraps, once}, []status.Source{status.SourceCode, status.SourceEncoded}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events = nil
			logged := testrpc.CaptureLog(t)
			client := connectTo(t, serve(t, returning(handlers), tt.interceptors...), wires[0])
			ctx, info := connect.NewClientContext(t.Context())
			_, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{})
			checkSent(t, wireStatus(t, err), want)
			if got := info.ResponseTrailer().Values("grpc-retry-pushback-ms"); !cmp.Equal(got, []string{"1000"}) {
				t.Errorf("the pushback is %q; want it once", got)
			}
			var sources []status.Source
			for _, e := range events {
				sources = append(sources, e.Source)
			}
			if !cmp.Equal(sources, tt.sources) {
				t.Errorf("the observers are told of %v; want %v", sources, tt.sources)
			}
			if records := logged(); len(records) != 0 {
				t.Errorf("the log has %+v; want nothing: it is the caller's mistake", records)
			}
		})
	}
}

// The pushback reaches gRPC's own client as a trailer, also at the end of a stream.
func TestPushback(t *testing.T) {
	handlers := status.New(codes.SrvDatabase, "").WithRetryDelay(1500 * time.Millisecond).Err()
	address := serve(t, returning(handlers), onServer(interceptor.WithRetryPushback()))
	client := testgrpc.NewTestServiceClient(testrpc.Dial(t, address, nil))
	for _, k := range testrpc.Kinds {
		var header, trailer metadata.MD
		k.Call(t.Context(), client, grpc.Header(&header), grpc.Trailer(&trailer))
		if got := trailer["grpc-retry-pushback-ms"]; !cmp.Equal(got, []string{"1500"}) || header["grpc-retry-pushback-ms"] != nil {
			t.Errorf("%s: the pushback is %q; want 1500, in the trailers only", k.Name, got)
		}
	}
}

// Functions of the server read the request's headers as the metadata of a gRPC request.
func TestIncomingMetadata(t *testing.T) {
	id := interceptor.WithRequestID(func(ctx context.Context) string {
		return strings.Join(metadata.ValueFromIncomingContext(ctx, "x-request-id"), ",")
	})
	amend := interceptor.WithAmendment(func(ctx context.Context, st *status.Status) *status.Status {
		return st.WithMetadata("token", strings.Join(metadata.ValueFromIncomingContext(ctx, "token-bin"), ","))
	})
	address := serve(t, returning(codes.RecordNotFound), onServer(id, amend))
	for _, w := range wires {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("X-Request-Id", "r-1")
		info.RequestHeader().Set("Token-Bin", connect.EncodeBinaryHeader([]byte("t-1")))
		info.RequestHeader().Add("Token-Bin", "not base64!")
		_, err := connectTo(t, address, w, onClient()).UnaryCall(ctx, &testgrpc.SimpleRequest{})
		if got := status.RequestID(err); got != "r-1" {
			t.Errorf("%s: the request id is %q; want r-1", w.name, got)
		}
		if got := status.Convert(err).Metadata()["token"]; got != "t-1" {
			t.Errorf("%s: the metadata has token %q; want the decoded value t-1", w.name, got)
		}
	}
}

// Incoming metadata that is in the context already wins over headers. gRPC's own headers are
// no metadata.
func TestIncomingMetadataBefore(t *testing.T) {
	var got metadata.MD
	id := interceptor.WithRequestID(func(ctx context.Context) string {
		got, _ = metadata.FromIncomingContext(ctx)
		return ""
	})
	before := func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			md := metadata.Pairs("x-user", "checked", "token-bin", "checked", "grpc-own", "checked")
			return next(metadata.NewIncomingContext(ctx, md), spec, stream)
		}
	}
	address := serve(t, returning(codes.RecordNotFound), before, onServer(id))
	for _, w := range wires {
		ctx, info := connect.NewClientContext(t.Context())
		for key, value := range map[string]string{
			"X-User": "forged", "Token-Bin": connect.EncodeBinaryHeader([]byte("forged")), "Grpc-Own": "forged",
			"Grpc-Other": "forged", "X-Other": "sent",
		} {
			info.RequestHeader().Set(key, value)
		}
		_, _ = connectTo(t, address, w).UnaryCall(ctx, &testgrpc.SimpleRequest{})
		for key, want := range map[string][]string{
			"x-user": {"checked"}, "token-bin": {"checked"}, "grpc-own": {"checked"}, "grpc-other": nil, "x-other": {"sent"},
		} {
			if values := got.Get(key); !slices.Equal(values, want) {
				t.Errorf("%s: the metadata has %s %q; want %q", w.name, key, values, want)
			}
		}
	}
}

// The numeric form doesn't exist here: the form is always canonical.
func TestNumericFormIsNotSent(t *testing.T) {
	got := sent(t, codes.RecordNotFound, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	checkSent(t, got, testrpc.Carrying(t, codes.RecordNotFound, ""))
}

// What Connect answers for a wrong request stays Connect's own, and carries no code.
func TestConnectsOwnErrors(t *testing.T) {
	address := serve(t, returning(nil), onServer())
	for _, tt := range []struct{ name, path, contentType, body, want string }{
		{"bad JSON", "UnaryCall", "application/json", "{", `{"code":"invalid_argument","message":"unmarshal message: `},
		{"unknown method", "NoSuchCall", "application/json", "{}", `{"code":"unimplemented"`},
		{"too large", "UnaryCall", "application/proto", strings.Repeat("x", 5<<20), `{"code":"resource_exhausted","message":"message is larger than configured max 4194304"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, err := httpClient(t, wires[0]).Post("http://"+address+"/grpc.testing.TestService/"+tt.path, tt.contentType, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if got := string(body); !strings.HasPrefix(got, tt.want) || strings.Contains(got, "ErrorInfo") {
				t.Errorf("the answer is %s %s; want %s…, without details", response.Status, got, tt.want)
			}
		})
	}
}

// A handler's answer to a conditional GET stays 304, for the caller too.
func TestNotModified(t *testing.T) {
	var observed int
	spec := connect.Spec{Procedure: "/shop.Orders/Get", IdempotencyLevel: connect.IdempotencyNoSideEffects}
	server := connect.NewServer(onServer(interceptor.WithObserver(func(context.Context, interceptor.Event) { observed++ })))
	server.Register(connect.Method{Spec: spec, Handler: func(context.Context, connect.Spec, connect.ServerStream) error {
		return fmt.Errorf("same etag: %w", connecthttp.NewNotModifiedError())
	}})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	address := listen(t, mux)

	get := connecthttp.NewTransport(httpClient(t, wires[0]), "http://"+address, connecthttp.WithHTTPGet())
	client := connect.NewClient(get, onClient(interceptor.WithObserver(func(context.Context, interceptor.Event) { observed++ })))
	err := client.CallUnary(t.Context(), spec, &testgrpc.SimpleRequest{}, &testgrpc.SimpleResponse{})
	if !connecthttp.IsNotModifiedError(err) || observed != 0 {
		t.Errorf("the caller gets %v, and observers are told %d times; want HTTP 304, and 0", err, observed)
	}
}

// A handler that returns what it received forwards as much as the connection's trust allows, and
// never the upstream's headers.
func TestForwarding(t *testing.T) {
	upstreamsError := status.New(codes.RecordNotFound, "no such order").WithDetails(testrpc.BadRequest(), &errdetails.DebugInfo{Detail: "stack"}).WithRetryDelay(time.Second).Err()
	carrying := serve(t, withTrailer{returning(upstreamsError)}, onServer(interceptor.WithDebugInfo(), interceptor.WithRetryPushback()))
	uncoded := serve(t, returning(connect.NewError(connect.CodeNotFound, "no route")))
	want := testrpc.Sent(t, status.New(codes.RecordNotFound, "no such order").WithDetails(testrpc.BadRequest()).WithRetryDelay(time.Second).Err())

	for _, tt := range []struct {
		name     string
		upstream string
		trust    status.Trust
		want     *spb.Status
	}{
		{"code, known", carrying, status.TrustKnown, want},
		{"code, none", carrying, status.TrustNone, internal(t)},
		{"no code, known", uncoded, status.TrustKnown, internal(t)},
		{"no code, all", uncoded, status.TrustAll, testrpc.Canonical(t, grpccodes.NotFound, "no route")},
		{"nobody there, known", "127.0.0.1:1", status.TrustKnown, sent(t, connect.NewError(connect.CodeUnavailable, "x").WithRemote())},
	} {
		for _, w := range wires {
			t.Run(tt.name+", "+w.name, func(t *testing.T) {
				upstream := connectTo(t, tt.upstream, w, onClient(interceptor.WithUpstreamTrust(tt.trust)))
				middle := running(func(ctx context.Context) error {
					_, err := call(ctx, upstream, testrpc.Unary)
					return err
				})
				ctx, info := connect.NewClientContext(t.Context())
				_, err := connectTo(t, serve(t, middle, onServer(interceptor.WithRetryPushback())), wires[0]).UnaryCall(ctx, &testgrpc.SimpleRequest{})
				checkSent(t, wireStatus(t, err), tt.want)
				if got := info.ResponseTrailer().Get("X-Upstream") + info.ResponseTrailer().Get("grpc-retry-pushback-ms"); got != "" {
					t.Errorf("the upstream's trailers are forwarded: %q", got)
				}
			})
		}
	}
}

// withTrailer sets a trailer in unary calls.
type withTrailer struct{ *service }

func (s withTrailer) UnaryCall(ctx context.Context, r *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	info, _ := connect.CallInfoForServerContext(ctx)
	info.ResponseTrailer().Set("X-Upstream", "private")
	return s.service.UnaryCall(ctx, r)
}

// A status crosses from gRPC to Connect and back with its code, its message and its details.
func TestForwardingAcrossProtocols(t *testing.T) {
	handlers := status.New(codes.RecordNotFound, "no such order").WithDetails(testrpc.BadRequest()).Err()
	want := testrpc.Sent(t, handlers)

	overGRPC := testgrpc.NewTestServiceClient(testrpc.Dial(t, serveGRPC(t, testrpc.Returning(handlers), interceptor.ServerOptions()...), interceptor.DialOptions()))
	checkSent(t, sentBy(t, running(func(ctx context.Context) error {
		_, err := testrpc.CallUnary(ctx, overGRPC)
		return err
	}), onServer()), want)

	overConnect := connectTo(t, serve(t, returning(handlers), onServer()), wires[0], onClient())
	middle := testrpc.Running(func(ctx context.Context) error {
		_, err := overConnect.UnaryCall(ctx, &testgrpc.SimpleRequest{})
		return err
	})
	testrpc.CheckStatus(t, callByGRPC(t, serveGRPC(t, middle, interceptor.ServerOptions()...)), want)
}

// A server that calls itself in one process doesn't take the received error for its own.
func TestForwardingInProcess(t *testing.T) {
	outer := connectstatus.ServerInterceptor(interceptor.NewServer())
	for name, server := range map[string]connect.ServerInterceptor{"another server": onServer(), "the same server": outer} {
		inner := connect.NewServer(server)
		grpc_testingconnect.RegisterTestServiceHandler(inner, returning(codes.RecordNotFound))
		upstream := grpc_testingconnect.NewTestServiceClient(connect.NewClient(connectinprocess.New(inner)))
		got := sentBy(t, running(func(ctx context.Context) error {
			_, err := call(ctx, upstream, testrpc.ServerStream)
			return err
		}), outer)
		if !proto.Equal(got, internal(t)) {
			t.Errorf("%s: the caller gets %v; want the INTERNAL default: nobody trusts the upstream", name, got)
		}
	}
}

// An interceptor without settings can't be made.
func TestNilSettings(t *testing.T) {
	for want, install := range map[string]func(){
		"ServerInterceptor(nil)": func() { connectstatus.ServerInterceptor(nil) },
		"ClientInterceptor(nil)": func() { connectstatus.ClientInterceptor(nil) },
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), want) {
					t.Errorf("%s: the panic is %v; want its name in it", want, p)
				}
			}()
			install()
		}()
	}
}

// A server interceptor that is called without a server works too.
func TestServerInterceptorAlone(t *testing.T) {
	err := onServer()(func(context.Context, connect.Spec, connect.ServerStream) error { return codes.RecordNotFound })(t.Context(), connect.Spec{Procedure: "/s/m"}, nil)
	if connect.CodeOf(err) != connect.CodeNotFound || !errors.Is(err, codes.RecordNotFound) {
		t.Errorf("the interceptor returns %v; want NOT_FOUND", err)
	}
}
