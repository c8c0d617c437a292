package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// One set of rules for every way out: interceptor.NewServer.

func TestServerStandsBetweenOtherChains(t *testing.T) {
	handlers := fmt.Errorf("%w", codes.RecordNotFound)
	var saw []string
	note := func(name string) []grpc.ServerOption {
		return passing(func(err error) error {
			_, encoded := err.(interface{ GRPCStatus() *grpcstatus.Status })
			saw = append(saw, fmt.Sprintf("%s %t", name, encoded))
			return err
		})
	}
	s := interceptor.NewServer()
	for name, options := range map[string][]grpc.ServerOption{
		"Options": slices.Concat(note("first"), note("second"), s.Options(), note("third")),
		"the interceptors": slices.Concat(note("first"), note("second"), []grpc.ServerOption{
			grpc.ChainUnaryInterceptor(s.UnaryServerInterceptor()), grpc.ChainStreamInterceptor(s.StreamServerInterceptor()),
		}, note("third")),
		"the shorthands": slices.Concat(note("first"), note("second"), []grpc.ServerOption{
			grpc.ChainUnaryInterceptor(interceptor.UnaryServer()), grpc.ChainStreamInterceptor(interceptor.StreamServer()),
		}, note("third")),
		"ServerOptions": slices.Concat(note("first"), note("second"), interceptor.ServerOptions(), note("third")),
	} {
		client := testrpc.Connect(t, testrpc.Returning(handlers), options, nil)
		for _, k := range testrpc.Kinds {
			saw = nil
			_, err := k.Call(t.Context(), client)
			testrpc.CheckStatus(t, err, testrpc.Carrying(t, codes.RecordNotFound, ""))
			if want := []string{"third false", "second true", "first true"}; !slices.Equal(saw, want) {
				t.Errorf("%s, %s: the interceptors saw an encoded error: %v; want %v", name, k.Name, saw, want)
			}
		}
	}
}

// passing returns interceptors that hand on another error.
func passing(on func(error) error) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			resp, err := handler(ctx, req)
			return resp, on(err)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return on(handler(srv, stream))
		}),
	}
}

// A batch is a service whose calls have one item, which fails. The item's error is encoded
// into the answer or, if the request asks for a user name, ends the call.
type batch struct {
	testgrpc.UnimplementedTestServiceServer
	server *interceptor.Server
	err    error
	ctx    func(context.Context) context.Context
}

func (b *batch) UnaryCall(ctx context.Context, req *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if req.GetFillUsername() {
		return nil, b.err
	}
	if b.ctx != nil {
		ctx = b.ctx(ctx)
	}
	item := b.server.Encode(ctx, testgrpc.TestService_UnaryCall_FullMethodName, b.err).Status().Proto()
	body, err := proto.Marshal(item)
	return &testgrpc.SimpleResponse{Payload: &testgrpc.Payload{Body: body}}, err
}

// item returns the status of the item in an answer.
func (b *batch) item(t *testing.T, client testgrpc.TestServiceClient) *spb.Status {
	t.Helper()
	answer, err := client.UnaryCall(callersRequest(t), &testgrpc.SimpleRequest{})
	if err != nil {
		t.Fatal(err)
	}
	item := &spb.Status{}
	if err := proto.Unmarshal(answer.GetPayload().GetBody(), item); err != nil {
		t.Fatal(err)
	}
	return item
}

// callersRequest returns a context that sends a request id, which requestID reads.
func callersRequest(t *testing.T) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "rpc-7")
}

func requestID(ctx context.Context) string {
	return strings.Join(metadata.ValueFromIncomingContext(ctx, "x-request-id"), "")
}

// overridden returns the default table with another row for SrvDatabase.
func overridden(t *testing.T) *codes.Table {
	row, _ := codes.Default().Lookup(codes.SrvDatabase.Number())
	row.GRPCCode, row.Message = grpccodes.Unavailable, "the database rests"
	table, err := codes.Default().WithRows(row)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// waysOut are errors that each option of fullOptions changes.
func waysOut(t *testing.T) map[string]error {
	return map[string]error{
		"a code":                              codes.RecordNotFound,
		"a code of the table":                 codes.SrvDatabase,
		"a code under %w":                     fmt.Errorf(testrpc.Secret+": %w", codes.Args),
		"a Status":                            status.New(codes.Args, "no name").WithMetadata("field", "name").WithDetails(testrpc.BadRequest()).Err(),
		"a mapped error":                      io.ErrUnexpectedEOF,
		"an error with a mapper":              io.ErrClosedPipe,
		"a plain error":                       errors.New(testrpc.Secret),
		"a panic":                             status.Recovered(testrpc.Secret),
		"a gRPC status":                       grpcstatus.Error(grpccodes.NotFound, "not here"),
		"a gRPC status with a withheld text":  grpcstatus.Error(grpccodes.Internal, testrpc.Secret),
		"a raw number":                        grpcstatus.Error(1004, "not here"),
		"a deadline":                          context.DeadlineExceeded,
		"an upstream's code":                  testrpc.ReceivedFromPlain(t, grpcstatus.Error(1004, "not there")),
		"an upstream's status without a code": testrpc.ReceivedFromPlain(t, grpcstatus.Error(grpccodes.NotFound, testrpc.Secret)),
		"a large status":                      status.New(codes.Args, strings.Repeat("x", 5000)).WithDetails(testrpc.Violations(100)).Err(),
	}
}

// fullOptions returns options that change what is sent.
func fullOptions(t *testing.T) []interceptor.ServerOption {
	return []interceptor.ServerOption{
		interceptor.WithTable(overridden(t)),
		interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.SrvData),
		interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			if errors.Is(err, io.ErrClosedPipe) {
				return status.New(codes.SrvNetwork, "the pipe is closed").WithDetails(testrpc.BadRequest())
			}
			return nil
		}),
		interceptor.WithWithheldMessages(grpccodes.Internal),
		interceptor.WithMaxStatusSize(2000),
		interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status {
			return st.WithDetails(&errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://help.example"}}})
		}),
		interceptor.WithRequestID(requestID),
	}
}

func TestEncodeDoesWhatTheInterceptorsDo(t *testing.T) {
	w := &watched{events: make(chan interceptor.Event, 10), logs: testrpc.CaptureLog(t)}
	s := interceptor.NewServer(append(fullOptions(t), w.observer())...)
	b := &batch{server: s}
	client := testrpc.Connect(t, b, s.Options(), nil)
	for name, err := range waysOut(t) {
		b.err = err
		item := b.item(t, client)
		itemEvent, itemLogs := <-w.events, w.logs()

		_, failed := client.UnaryCall(callersRequest(t), &testgrpc.SimpleRequest{FillUsername: true})
		event := <-w.events
		if diff := cmp.Diff(grpcstatus.Convert(failed).Proto(), item, protocmp.Transform()); diff != "" {
			t.Errorf("%s: the item's status (-RPC's +item's):\n%s", name, diff)
		}
		ignored := cmpopts.IgnoreFields(interceptors.CallMeta{}, "ReqOrNil")
		if diff := cmp.Diff(event, itemEvent, ignored, cmp.Comparer(same), cmpopts.IgnoreUnexported(interceptor.Event{})); diff != "" {
			t.Errorf("%s: the item's event (-RPC's +item's):\n%s", name, diff)
		}
		if diff := cmp.Diff(w.logs(), itemLogs); diff != "" {
			t.Errorf("%s: the item's log records (-RPC's +item's):\n%s", name, diff)
		}
		if len(w.events) > 0 || itemEvent.RequestID != "rpc-7" {
			t.Errorf("%s: %d more events, request id %q; want none, and rpc-7", name, len(w.events), itemEvent.RequestID)
		}
	}
}

// Without an observer, an item is logged by default, once.
func TestEncodeLogsAWithheldError(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	s := interceptor.NewServer()
	b := &batch{server: s, err: errors.New(testrpc.Secret)}
	b.item(t, testrpc.Connect(t, b, s.Options(), nil))
	testrpc.CheckWithheld(t, logs(), "UnaryCall", grpccodes.Internal, testrpc.Secret)
}

// The form of an item is canonical, whatever the calls of the server send.
func TestEncodeIsCanonical(t *testing.T) {
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways, interceptor.OpenIMNegotiated} {
		s := interceptor.NewServer(interceptor.WithOpenIMForm(mode))
		b := &batch{server: s}
		client := testrpc.Connect(t, b, s.Options(), nil)
		for _, c := range testrpc.ErrorCodes(t) {
			b.err = c
			if diff := cmp.Diff(testrpc.Carrying(t, c, ""), b.item(t, client), protocmp.Transform()); diff != "" {
				t.Errorf("%v, %v: the item's status (-want +got):\n%s", mode, c, diff)
			}
			_, err := client.UnaryCall(t.Context(), &testgrpc.SimpleRequest{FillUsername: true})
			if got := grpcstatus.Code(err) == grpccodes.Code(c); got != (mode != interceptor.OpenIMNever) {
				t.Errorf("%v, %v: the RPC's grpc-status is %d; want the number: %t", mode, c, grpcstatus.Code(err), mode != interceptor.OpenIMNever)
			}
		}
	}
}

// An item of a call that has ended, encoded with the RPC's context.
func TestEncodeInAnEndedContext(t *testing.T) {
	s := interceptor.NewServer()
	cause := status.Error(codes.SrvNetwork, "the server is shutting down")
	b := &batch{server: s, err: errors.New("pq: canceling statement"), ctx: func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(cause)
		return ctx
	}}
	item := b.item(t, testrpc.Connect(t, b, s.Options(), nil))
	if diff := cmp.Diff(testrpc.Carrying(t, codes.SrvNetwork, "the server is shutting down"), item, protocmp.Transform()); diff != "" {
		t.Errorf("the item's status (-want +got):\n%s", diff)
	}
}

// A gateway answers HTTP requests by the rules of the gRPC server.
func TestEncodeForAGateway(t *testing.T) {
	s := interceptor.NewServer(fullOptions(t)...)
	var failure error
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encoded := s.Encode(r.Context(), "/shop.Orders/Import", failure)
		body, err := protojson.Marshal(encoded.Status().Proto())
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Grpc-Code", encoded.GRPCCode().String())
		w.Write(body)
	}))
	defer gateway.Close()
	for name, err := range waysOut(t) {
		failure = err
		answer, err := gateway.Client().Get(gateway.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		got := &spb.Status{}
		if err = errors.Join(err, protojson.Unmarshal(body, got)); err != nil {
			t.Fatal(err)
		}
		want := testrpc.Sent(t, failure, fullOptions(t)...)
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: the gateway's answer (-want +got):\n%s", name, diff)
		}
		if code := answer.Header.Get("Grpc-Code"); code != grpccodes.Code(want.GetCode()).String() {
			t.Errorf("%s: GRPCCode() = %s; want %v", name, code, grpccodes.Code(want.GetCode()))
		}
	}
}

func TestEncodeOfNilIsSuccess(t *testing.T) {
	s := interceptor.NewServer(interceptor.WithObserver(func(context.Context, interceptor.Event) { t.Error("the observer was called") }))
	if got := s.Encode(t.Context(), "/shop.Orders/Import", nil); got.Err() != nil || got.Status() != nil || got.GRPCCode() != grpccodes.OK {
		t.Errorf("Encode(nil) = %v, %v; want success", got.Err(), got.Status())
	}
}

// Installed twice.

// A stacked server has errstatus installed twice, with an interceptor between that can change errors.
type stacked struct {
	name    string
	between func(error) error
}

func stackings() []stacked {
	return []stacked{
		{"nothing between", func(err error) error { return err }},
		{"wrapped between", func(err error) error { return fmt.Errorf("between: %w", err) }},
		{"joined between", func(err error) error { return errors.Join(errors.New("between"), err) }},
		{"wrapped twice", func(err error) error { return fmt.Errorf("b: %w", fmt.Errorf("a: %w", err)) }},
	}
}

// severities returns errors of each severity, and the status that they become.
func severities(t *testing.T) map[error]*spb.Status {
	return map[error]*spb.Status{
		codes.RecordNotFound:                    testrpc.Carrying(t, codes.RecordNotFound, ""),
		status.Error(codes.Args, "own message"): testrpc.Carrying(t, codes.Args, "own message"),
		errors.New(testrpc.Secret):              testrpc.Carrying(t, codes.ServerInternal, ""),
		io.ErrUnexpectedEOF:                     testrpc.Carrying(t, codes.SrvData, ""),
	}
}

func TestInstalledTwiceWithTheSameOptionsIsOnce(t *testing.T) {
	var mapped, amended, identified int
	w := &watched{Service: testrpc.Returning(nil), events: make(chan interceptor.Event, 10), logs: testrpc.CaptureLog(t)}
	opts := []interceptor.ServerOption{
		w.observer(),
		interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			mapped++
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return status.New(codes.SrvData, "")
			}
			return nil
		}),
		interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status {
			amended++
			return st.WithRetryDelay(time.Second)
		}),
		interceptor.WithRequestID(func(context.Context) string { identified++; return "rpc-7" }),
		interceptor.WithRetryPushback(),
	}
	same := interceptor.NewServer(opts...)
	for name, installed := range map[string][2]*interceptor.Server{
		"one server":          {same, same},
		"one list of options": {interceptor.NewServer(opts...), interceptor.NewServer(opts...)},
	} {
		for _, tw := range stackings() {
			w.install(t, slices.Concat(installed[0].Options(), passing(tw.between), installed[1].Options()))
			for handlers, want := range severities(t) {
				want := proto.CloneOf(want)
				added := []proto.Message{&errdetails.RequestInfo{RequestId: "rpc-7"}, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}}
				for _, detail := range added {
					want.Details = append(want.Details, testrpc.Packed(t, detail))
				}
				for _, k := range unaryAndStream {
					name := fmt.Sprintf("%s, %s, %v, %s", name, tw.name, handlers, k.Name)
					mapped, amended, identified = 0, 0, 0
					call := w.fail(t.Context(), k, handlers)
					if diff := cmp.Diff(want, call.received, protocmp.Transform()); diff != "" {
						t.Errorf("%s: the status (-want +got):\n%s", name, diff)
					}
					if diff := cmp.Diff([]string{"1000"}, call.trailer.Get("grpc-retry-pushback-ms")); diff != "" {
						t.Errorf("%s: the pushback (-want +got):\n%s", name, diff)
					}
					if event := call.event(t); event.Err != handlers || event.Source == status.SourceEncoded || event.RequestID != "rpc-7" {
						t.Errorf("%s: the observer got %v, %v, %q; want what the inner interceptor did", name, event.Err, event.Source, event.RequestID)
					} else if wantLogs := event.Withheld || event.Source == status.SourceRule && status.IsFault(grpcstatus.ErrorProto(want)); len(call.logs) > 1 || (len(call.logs) == 1) != wantLogs {
						t.Errorf("%s: the log has %v; want one record: %t", name, call.logs, wantLogs)
					}
					if mapped > 1 || amended != 1 || identified != 1 {
						t.Errorf("%s: mapped %d times, amended %d times, identified %d times; want once", name, mapped, amended, identified)
					}
				}
			}
		}
	}
}

// The inner interceptor decides. The outer one's observers are told once that it did.
func TestInstalledTwiceWithOtherOptions(t *testing.T) {
	w := &watched{Service: testrpc.Returning(nil), events: make(chan interceptor.Event, 10), logs: testrpc.CaptureLog(t)}
	outside := make(chan interceptor.Event, 10)
	inner := interceptor.ServerOptions(interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.SrvData), w.observer(),
		interceptor.WithRequestID(func(context.Context) string { return "inner" }))
	outer := interceptor.ServerOptions(interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.Args), interceptor.WithTable(overridden(t)),
		interceptor.WithObserver(func(_ context.Context, event interceptor.Event) { outside <- event }),
		interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithMessage("amended outside") }),
		interceptor.WithRequestID(func(context.Context) string { return "outer" }))
	for _, tw := range stackings() {
		w.install(t, slices.Concat(outer, passing(tw.between), inner))
		for handlers, want := range severities(t) {
			want := proto.CloneOf(want)
			want.Details = append(want.Details, testrpc.Packed(t, &errdetails.RequestInfo{RequestId: "inner"}))
			for _, k := range unaryAndStream {
				name := fmt.Sprintf("%s, %v, %s", tw.name, handlers, k.Name)
				call := w.fail(t.Context(), k, handlers)
				if diff := cmp.Diff(want, call.received, protocmp.Transform()); diff != "" {
					t.Errorf("%s: the status (-want +got):\n%s", name, diff)
				}
				event := call.event(t)
				if event.Err != handlers || event.Source == status.SourceEncoded {
					t.Errorf("%s: the inner observer got %v, %v; want the handler's error", name, event.Err, event.Source)
				}
				if wantLogs := event.Withheld || event.Source == status.SourceRule && status.IsFault(grpcstatus.ErrorProto(want)); len(call.logs) > 1 || (len(call.logs) == 1) != wantLogs {
					t.Errorf("%s: the log has %v; want one record: %t", name, call.logs, wantLogs)
				}
				if len(outside) != 1 {
					t.Fatalf("%s: the outer observer got %d events; want 1", name, len(outside))
				}
				told := <-outside
				if told.Source != status.SourceEncoded || told.Code != event.Code || !told.Declared || told.GRPCCode != event.GRPCCode || !errors.Is(told.Err, handlers) || told.Withheld {
					t.Errorf("%s: the outer observer got %+v; want SourceEncoded and what the inner one sent", name, told)
				}
				if told.RequestID != "inner" || told.UpstreamRequestID != "" {
					t.Errorf("%s: the outer observer got the request id %q and an upstream's %q; want the one that is sent", name, told.RequestID, told.UpstreamRequestID)
				}
			}
		}
	}
}

// A failure is logged at most once, by the inner interceptor.
func TestInstalledTwiceTheLogIsWrittenOnce(t *testing.T) {
	ignore := interceptor.WithObserver(func(context.Context, interceptor.Event) {})
	for name, tt := range map[string]struct {
		outer, inner []interceptor.ServerOption
		records      int
	}{
		"no options":              {nil, nil, 1},
		"an observer outside":     {[]interceptor.ServerOption{ignore}, nil, 1},
		"an observer inside":      {nil, []interceptor.ServerOption{ignore}, 1},
		"observers on both sides": {[]interceptor.ServerOption{ignore}, []interceptor.ServerOption{ignore}, 1},
		"no log outside":          {[]interceptor.ServerOption{interceptor.WithLogger(nil)}, nil, 1},
		"no log inside":           {nil, []interceptor.ServerOption{interceptor.WithLogger(nil)}, 0},
	} {
		w := &watched{Service: testrpc.Returning(nil), logs: testrpc.CaptureLog(t)}
		for _, tw := range stackings() {
			w.install(t, slices.Concat(interceptor.ServerOptions(tt.outer...), passing(tw.between), interceptor.ServerOptions(tt.inner...)))
			for _, k := range unaryAndStream {
				if call := w.fail(t.Context(), k, errors.New(testrpc.Secret)); len(call.logs) != tt.records {
					t.Errorf("%s, %s, %s: the log has %v; want %d records", name, tw.name, k.Name, call.logs, tt.records)
				}
			}
		}
	}
}

// Rules.

// A rule says everything that a handler can.
func TestMapperSaysWhatAHandlerCan(t *testing.T) {
	errInvalid := errors.New(testrpc.Secret)
	violations := testrpc.Violations(3)
	full := status.New(codes.Args, "invalid request").WithMetadata("count", "3").WithDetails(violations, &errdetails.DebugInfo{Detail: testrpc.Secret})
	retryInfo := func(d time.Duration) proto.Message { return &errdetails.RetryInfo{RetryDelay: durationpb.New(d)} }
	info := testrpc.ErrorInfo(codes.Args)
	info.Metadata["count"] = "3"
	sent := func(details ...proto.Message) *spb.Status {
		return testrpc.Canonical(t, grpccodes.InvalidArgument, "invalid request", append([]proto.Message{info, violations}, details...)...)
	}
	for name, tt := range map[string]struct {
		mapped   *status.Status
		want     *spb.Status
		pushback []string
	}{
		"details and metadata": {full, sent(), nil},
		"a delay":              {full.WithRetryDelay(1500 * time.Millisecond), sent(retryInfo(1500 * time.Millisecond)), []string{"1500"}},
		"a ban on retries":     {full.WithRetryDelay(-1), sent(), []string{"-1"}},
		"a code alone":         {status.New(codes.SrvData, ""), testrpc.Carrying(t, codes.SrvData, ""), nil},
		"a message":            {status.New(codes.SrvData, "m"), testrpc.Carrying(t, codes.SrvData, "m"), nil},
		"a code without a row": {status.New(codes.ErrorCode(1305), "m"), testrpc.Carrying(t, codes.ErrorCode(1305), "m"), nil},
		"a formatted cause":    {status.Newf(codes.SrvData, "m: %w", errInvalid), testrpc.Carrying(t, codes.SrvData, "m"), nil},
		"its own error's":      {status.Convert(full.Wrap(errInvalid)), sent(), nil},
	} {
		w := watch(t, nil, interceptor.WithRetryPushback(), interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			if errors.Is(err, errInvalid) {
				return tt.mapped
			}
			return nil
		}))
		for _, k := range testrpc.Kinds {
			call := w.fail(t.Context(), k, fmt.Errorf("validating: %w", errInvalid))
			want := proto.CloneOf(tt.want)
			if name == "a code without a row" {
				unknown := testrpc.ErrorInfo(codes.ErrorCode(1305))
				unknown.Reason = "ERROR_CODE_1305"
				want.Details[0] = testrpc.Packed(t, unknown)
			}
			if diff := cmp.Diff(want, call.received, protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: the status (-want +got):\n%s", name, k.Name, diff)
			}
			if got := call.trailer.Get("grpc-retry-pushback-ms"); !slices.Equal(got, tt.pushback) {
				t.Errorf("%s, %s: the pushback is %v; want %v", name, k.Name, got, tt.pushback)
			}
			if event := call.event(t); event.Source != status.SourceRule || event.Withheld || !errors.Is(event.Err, errInvalid) || event.Code != tt.mapped.Code() {
				t.Errorf("%s, %s: the event is %+v; want the rule's code and the handler's error", name, k.Name, event)
			}
		}
	}
}

// A panicsForEOF error panics if it is compared with io.EOF.
type panicsForEOF struct{}

func (panicsForEOF) Error() string { return "an error" }
func (panicsForEOF) Is(target error) bool {
	if target == io.EOF {
		panic(testrpc.Secret)
	}
	return target == io.ErrUnexpectedEOF
}

// A rule that panics doesn't match. The next one is tried. The event and the log have the
// panic.
func TestRuleThatPanicsDoesNotMatch(t *testing.T) {
	panics := interceptor.WithErrorMapper(func(context.Context, error) *status.Status { panic("the mapper's bug") })
	matches := interceptor.WithErrorMapper(func(context.Context, error) *status.Status { return status.New(codes.RecordNotFound, "not here") })
	sentinel := interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.RecordNotFound)
	eof := interceptor.WithErrorMapping(io.EOF, codes.Args)
	mapped := testrpc.Carrying(t, codes.RecordNotFound, "not here")
	internal := testrpc.Carrying(t, codes.ServerInternal, "")
	notFound := testrpc.Canonical(t, grpccodes.NotFound, "handler's text")
	for _, tt := range []struct {
		name     string
		opts     []interceptor.ServerOption
		handlers error
		want     *spb.Status
		source   status.Source
		logged   string
	}{
		{"a mapper after it", []interceptor.ServerOption{panics, matches}, errors.New("x"), mapped, status.SourceRule, "the mapper's bug"},
		{"two that panic", []interceptor.ServerOption{panics, panics, matches}, errors.New("x"), mapped, status.SourceRule, "the mapper's bug"},
		{"a sentinel after it", []interceptor.ServerOption{panics, sentinel}, io.ErrUnexpectedEOF, testrpc.Carrying(t, codes.RecordNotFound, ""), status.SourceRule, "the mapper's bug"},
		{"nothing after it", []interceptor.ServerOption{panics}, errors.New("x"), internal, status.SourceUnknown, "the mapper's bug"},
		{"a gRPC status", []interceptor.ServerOption{panics}, grpcstatus.Error(grpccodes.NotFound, "handler's text"), notFound, status.SourceGRPCStatus, "the mapper's bug"},
		{"a deadline", []interceptor.ServerOption{panics}, context.DeadlineExceeded, testrpc.Canonical(t, grpccodes.DeadlineExceeded, "context deadline exceeded"), status.SourceDeadline, "the mapper's bug"},
		{"a sentinel whose comparison panics", []interceptor.ServerOption{eof, matches}, panicsForEOF{}, mapped, status.SourceRule, testrpc.Secret},
		{"a rule before it", []interceptor.ServerOption{matches, panics}, errors.New("x"), mapped, status.SourceRule, ""},
		{"a code", []interceptor.ServerOption{panics}, codes.Args, testrpc.Carrying(t, codes.Args, ""), status.SourceCode, ""},
	} {
		w := watch(t, nil, tt.opts...)
		for _, k := range testrpc.Kinds {
			call := w.fail(t.Context(), k, tt.handlers)
			if diff := cmp.Diff(tt.want, call.received, protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: the status (-want +got):\n%s", tt.name, k.Name, diff)
			}
			event := call.event(t)
			if event.Source != tt.source || event.Err != tt.handlers || (event.Panic != nil) != (tt.logged != "") {
				t.Errorf("%s, %s: the event has %v, %v, panic %v; want %v, %v, a panic: %t", tt.name, k.Name, event.Source, event.Err, event.Panic, tt.source, tt.handlers, tt.logged != "")
			}
			if tt.logged == "" {
				if len(call.logs) > 0 {
					t.Errorf("%s, %s: the log has %v; want nothing", tt.name, k.Name, call.logs)
				}
				continue
			}
			if len(call.logs) != 1 || call.logs[0].Level != "ERROR" || !strings.Contains(call.logs[0].Panic, tt.logged) {
				t.Errorf("%s, %s: the log has %+v; want one ERROR with the panic %q", tt.name, k.Name, call.logs, tt.logged)
			}
		}
	}
}

// The same without observers: the default log has the panic.
func TestRuleThatPanicsIsLoggedByDefault(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	sent := testrpc.Sent(t, io.ErrUnexpectedEOF,
		interceptor.WithErrorMapper(func(context.Context, error) *status.Status { panic("the mapper's bug") }),
		interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.RecordNotFound))
	if diff := cmp.Diff(testrpc.Carrying(t, codes.RecordNotFound, ""), sent, protocmp.Transform()); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
	if records := logs(); len(records) != 1 || records[0].Level != "ERROR" || !strings.Contains(records[0].Panic, "the mapper's bug") {
		t.Errorf("the log has %+v; want one ERROR with the panic", records)
	}
}

// A mapper can return the Status of an upstream's error. It is this process's statement then,
// but the connection's trust decides on what was received.
func TestMapperKeepsProvenance(t *testing.T) {
	info := testrpc.ErrorInfo(codes.Args)
	info.Metadata["dsn"] = testrpc.Secret
	carrying := testrpc.Canonical(t, grpccodes.InvalidArgument, testrpc.Secret, info, testrpc.BadRequest(), &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	bare := testrpc.Canonical(t, grpccodes.NotFound, testrpc.Secret, testrpc.BadRequest())
	unavailable := testrpc.Canonical(t, grpccodes.Unavailable, testrpc.Secret, testrpc.BadRequest())
	noTrust := interceptor.WithUpstreamTrust(status.TrustNone)
	trustAll := interceptor.WithUpstreamTrust(status.TrustAll)
	same := func(st *status.Status) *status.Status { return st }
	message := func(st *status.Status) *status.Status { return st.WithMessage("calling billing") }
	details := func(st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.Help{}).WithMetadata("own", "1")
	}
	own := testrpc.ErrorInfo(codes.Args)
	own.Metadata["own"] = "1"
	for _, tt := range []struct {
		name   string
		sent   *spb.Status
		opts   []interceptor.ClientOption
		mapper func(*status.Status) *status.Status
		want   *spb.Status
	}{
		{"a code without trust", carrying, []interceptor.ClientOption{noTrust}, same, testrpc.Carrying(t, codes.Args, "")},
		{"a code without trust, in own words", carrying, []interceptor.ClientOption{noTrust}, message, testrpc.Carrying(t, codes.Args, "calling billing")},
		{"a code without trust, with own details", carrying, []interceptor.ClientOption{noTrust}, details,
			testrpc.Canonical(t, grpccodes.InvalidArgument, codes.RowOf(codes.Args).Message, own, &errdetails.Help{})},
		{"no code", bare, nil, same, testrpc.Canonical(t, grpccodes.NotFound, "an upstream service failed")},
		{"no code, without trust", bare, []interceptor.ClientOption{noTrust}, same, testrpc.Canonical(t, grpccodes.NotFound, "an upstream service failed")},
		{"no code, in own words", bare, nil, message, testrpc.Canonical(t, grpccodes.NotFound, "calling billing")},
		{"no code, with own details", bare, nil, details, testrpc.Canonical(t, grpccodes.NotFound, "an upstream service failed", &errdetails.Help{})},
		{"no code, unavailable", unavailable, nil, same, testrpc.Canonical(t, grpccodes.Unavailable, "an upstream service is unavailable")},
		{"a trusted code", carrying, nil, same, carrying},
		{"full trust", bare, []interceptor.ClientOption{trustAll}, same, bare},
		{"full trust, in own words", bare, []interceptor.ClientOption{trustAll}, message, testrpc.Canonical(t, grpccodes.NotFound, "calling billing", testrpc.BadRequest())},
	} {
		upstream := testrpc.Connect(t, testrpc.Returning(grpcstatus.FromProto(tt.sent).Err()), nil, interceptor.DialOptions(tt.opts...))
		w := watch(t, nil, interceptor.WithRetryPushback(), interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status {
			if st, ok := status.FromError(err); ok && st.Origin() != status.OriginLocal {
				return tt.mapper(st)
			}
			return nil
		}))
		for _, k := range testrpc.Kinds {
			w.Run(testrpc.AtOpen, func(ctx context.Context) error {
				_, err := testrpc.CallUnary(ctx, upstream)
				return err
			})
			call := w.call(t.Context(), k)
			if diff := cmp.Diff(tt.want, call.received, protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: the status (-want +got):\n%s", tt.name, k.Name, diff)
			}
			if event := call.event(t); event.Source != status.SourceRule {
				t.Errorf("%s, %s: the source is %v; want rule", tt.name, k.Name, event.Source)
			}
			if got := call.trailer.Get("grpc-retry-pushback-ms"); len(got) > 0 {
				t.Errorf("%s, %s: the pushback is %v; want none for a received delay", tt.name, k.Name, got)
			}
		}
	}
}
