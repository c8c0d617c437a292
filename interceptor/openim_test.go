package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// announcing returns the context of an RPC with metadata. Each value is an announcement.
func announcing(values ...string) context.Context {
	md := metadata.Pairs("operationid", "42", "x", "1", "x", "2")
	md.Append(interceptor.CanonicalAnnouncementKey, values...)
	return metadata.NewIncomingContext(context.Background(), md)
}

// A serverStreamOf is a server's stream with the given context.
type serverStreamOf struct {
	grpc.ServerStream
	ctx context.Context
}

func (s serverStreamOf) Context() context.Context { return s.ctx }

// servers returns functions that call a server's interceptors in a context, by the kind
// of call. Each returns the handler's context and the error that is handed to gRPC.
func servers(ctx context.Context, handlers error, opts ...interceptor.ServerOption) map[string]func() (inner context.Context, err error) {
	return map[string]func() (inner context.Context, err error){
		"unary": func() (inner context.Context, err error) {
			_, err = interceptor.UnaryServer(opts...)(ctx, nil, unaryInfo,
				func(ctx context.Context, _ any) (any, error) { inner = ctx; return nil, handlers })
			return inner, err
		},
		"stream": func() (inner context.Context, err error) {
			err = interceptor.StreamServer(opts...)(nil, serverStreamOf{ctx: ctx}, streamInfo,
				func(_ any, s grpc.ServerStream) error { inner = s.Context(); return handlers })
			return inner, err
		},
	}
}

// The mode and the caller's announcement decide between the numeric and the canonical
// form.
func TestOpenIMModeDecidesTheForm(t *testing.T) {
	const number, canonical = grpccodes.Code(1004), grpccodes.NotFound
	tests := []struct {
		mode      interceptor.OpenIMMode
		announced []string
		want      grpccodes.Code
	}{
		{interceptor.OpenIMNever, nil, canonical},
		{interceptor.OpenIMNever, []string{"1"}, canonical},
		{interceptor.OpenIMAlways, nil, number},
		{interceptor.OpenIMAlways, []string{"1"}, number},
		{interceptor.OpenIMNegotiated, nil, number},
		{interceptor.OpenIMNegotiated, []string{"1"}, canonical},
		{interceptor.OpenIMNegotiated, []string{""}, canonical},
		{interceptor.OpenIMNegotiated, []string{"2", "3"}, canonical},
	}
	for _, tt := range tests {
		var o eventRecorder
		for name, call := range servers(announcing(tt.announced...), codes.RecordNotFound, interceptor.WithOpenIMForm(tt.mode), o.option()) {
			_, err := call()
			if got := grpcstatus.Code(err); got != tt.want || status.Code(err) != codes.RecordNotFound || !errors.Is(err, codes.RecordNotFound) {
				t.Errorf("%v, announced %q, %s: grpc-status is %v with %v; want %v with RecordNotFound", tt.mode, tt.announced, name, got, err, tt.want)
			}
			if e := o.one(t, name); e.OpenIMForm != (tt.want == number) || e.GRPCCode != canonical || e.Code != codes.RecordNotFound {
				t.Errorf("%v, announced %q, %s: the event has numeric form %t, %v, %v; want %t, %v, RecordNotFound", tt.mode, tt.announced, name, e.OpenIMForm, e.GRPCCode, e.Code, tt.want == number, canonical)
			}
		}
	}
	// A call without metadata has no announcement.
	if err := serverUnary(codes.RecordNotFound, interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated)); grpcstatus.Code(err) != number {
		t.Errorf("without metadata, grpc-status is %v; want %v", grpcstatus.Code(err), number)
	}
	// The last of two options counts. The default is OpenIMNever.
	err := serverUnary(codes.RecordNotFound, interceptor.WithOpenIMForm(interceptor.OpenIMAlways), interceptor.WithOpenIMForm(interceptor.OpenIMNever))
	if grpcstatus.Code(err) != canonical || grpcstatus.Code(serverUnary(codes.RecordNotFound)) != canonical {
		t.Errorf("with OpenIMAlways and then OpenIMNever, grpc-status is %v; want %v, as by default", grpcstatus.Code(err), canonical)
	}
}

// The server removes the announcement from the handler's metadata. A handler that
// forwards its metadata would otherwise announce for another client.
func TestAnnouncementIsRemoved(t *testing.T) {
	want := metadata.Pairs("operationid", "42", "x", "1", "x", "2")
	for option, removes := range map[string]interceptor.ServerOption{
		"always": interceptor.WithOpenIMForm(interceptor.OpenIMAlways), "negotiated": interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated),
		"removed": interceptor.WithCanonicalAnnouncementRemoved(),
	} {
		for _, handlers := range []error{nil, codes.RecordNotFound} {
			for name, call := range servers(announcing("1"), handlers, removes) {
				inner, _ := call()
				if got, _ := metadata.FromIncomingContext(inner); !cmp.Equal(got, want) {
					t.Errorf("%s, %s: the handler's metadata is %v; want %v", option, name, got, want)
				}
			}
			outer := announcing()
			for name, call := range servers(outer, handlers, removes) {
				if inner, _ := call(); inner != outer {
					t.Errorf("%s, %s: without an announcement the handler's context isn't the caller's; want it identical", option, name)
				}
			}
		}
	}
	for _, opts := range [][]interceptor.ServerOption{nil, {interceptor.WithOpenIMForm(interceptor.OpenIMNever)}} {
		for name, call := range servers(announcing("1"), nil, opts...) {
			inner, _ := call()
			if got := metadata.ValueFromIncomingContext(inner, interceptor.CanonicalAnnouncementKey); len(got) != 1 {
				t.Errorf("%s, %d options: the announcement is %q; want it unchanged", name, len(opts), got)
			}
		}
	}
}

// The outer interceptor removes the announcement, and the inner one still knows of it.
func TestInstalledTwiceTheAnnouncementCounts(t *testing.T) {
	negotiated := interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated)
	for _, announced := range []bool{false, true} {
		ctx, want := announcing(), grpccodes.Code(1004)
		if announced {
			ctx, want = announcing("1"), grpccodes.NotFound
		}
		inner := interceptor.UnaryServer(negotiated)
		_, err := interceptor.UnaryServer(negotiated)(ctx, nil, unaryInfo, func(ctx context.Context, req any) (any, error) {
			return inner(ctx, req, unaryInfo, func(context.Context, any) (any, error) { return nil, codes.RecordNotFound })
		})
		innerStream := interceptor.StreamServer(negotiated)
		streamErr := interceptor.StreamServer(negotiated)(nil, serverStreamOf{ctx: ctx}, streamInfo, func(srv any, s grpc.ServerStream) error {
			return innerStream(srv, s, streamInfo, func(any, grpc.ServerStream) error { return codes.RecordNotFound })
		})
		if grpcstatus.Code(err) != want || grpcstatus.Code(streamErr) != want {
			t.Errorf("announced %t: grpc-status is %v, and %v for a stream; want %v", announced, grpcstatus.Code(err), grpcstatus.Code(streamErr), want)
		}
	}
}

// outgoing returns the metadata that a client's interceptors send, by the kind of call.
func outgoing(ctx context.Context, opts ...interceptor.ClientOption) map[string]metadata.MD {
	sent := make(map[string]metadata.MD)
	interceptor.UnaryClient(opts...)(ctx, "/s/m", nil, nil, nil,
		func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			sent["unary"], _ = metadata.FromOutgoingContext(ctx)
			return nil
		})
	interceptor.StreamClient(opts...)(ctx, streamDesc, nil, "/s/m",
		func(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
			sent["stream"], _ = metadata.FromOutgoingContext(ctx)
			return nil, nil
		})
	return sent
}

func TestCanonicalAnnouncementIsSent(t *testing.T) {
	plain := context.Background()
	with := metadata.AppendToOutgoingContext(metadata.NewOutgoingContext(plain, metadata.Pairs("a", "1")), "a", "2")
	for name, tt := range map[string]struct {
		ctx  context.Context
		want metadata.MD
	}{
		"no metadata":             {plain, metadata.Pairs("errstatus", "1")},
		"metadata":                {with, metadata.Pairs("a", "1", "a", "2", "errstatus", "1")},
		"an announcement already": {metadata.AppendToOutgoingContext(with, "errstatus", "1"), metadata.Pairs("a", "1", "a", "2", "errstatus", "1")},
	} {
		for kind, got := range outgoing(tt.ctx, interceptor.WithCanonicalAnnouncement()) {
			if !cmp.Equal(got, tt.want) {
				t.Errorf("%s, %s: the metadata sent is %v; want %v", name, kind, got, tt.want)
			}
		}
		if md, _ := metadata.FromOutgoingContext(tt.ctx); slices.Contains([]string{"no metadata", "metadata"}, name) && md.Get("errstatus") != nil {
			t.Errorf("%s: the caller's context has the metadata %v; want no announcement in it", name, md)
		}
	}
	for kind, got := range outgoing(with) {
		if got.Get("errstatus") != nil {
			t.Errorf("%s, without the option: the metadata sent is %v; want no announcement", kind, got)
		}
	}
}

func TestUnknownOpenIMModePanics(t *testing.T) {
	if got := panicOf(func() { interceptor.WithOpenIMForm(3) }); !strings.HasPrefix(got, "interceptor: WithOpenIMForm(OpenIMMode(3)): give ") {
		t.Errorf("WithOpenIMForm(3) panics with %q; want a text that names the option and the value", got)
	}
	if got := fmt.Sprint(interceptor.OpenIMNever, interceptor.OpenIMAlways, interceptor.OpenIMNegotiated); got != "never always negotiated" {
		t.Errorf("the modes' names are %s; want never, always and negotiated", got)
	}
}

// An openIMError has the methods of the errors that OpenIM's handlers return.
type openIMError int

func (e openIMError) Error() string { return fmt.Sprint(int(e), " no such user dsn=secret") }
func (e openIMError) Code() int     { return int(e) }
func (openIMError) Msg() string     { return "no such user" }
func (openIMError) Detail() string  { return "dsn=secret" }

// An OpenIM error that is the server's fault is logged, because nothing else shows its
// detail. One that is the caller's fault isn't logged.
func TestOpenIMErrorOfAServerFaultIsLogged(t *testing.T) {
	for number, want := range map[openIMError]bool{500: true, 90002: true, 10005: true, 90004: true, 1004: false} {
		for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways} {
			logged := captured(t, func() {
				serverUnary(number, interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail), interceptor.WithOpenIMForm(mode))
			})
			if strings.Contains(logged, "dsn=secret") != want {
				t.Errorf("%d, %v: the log is %q; want the detail in it: %t", number, mode, logged, want)
			}
		}
	}
}

// The option decides whether an OpenIM error has its code, and whether its detail is sent.
func TestOpenIMErrorsAreAdaptedOnlyWithTheOption(t *testing.T) {
	for name, tt := range map[string]struct {
		opts   []interceptor.ServerOption
		want   codes.Code
		detail string
	}{
		"by default":                           {nil, codes.ServerInternal, ""},
		"without the detail":                   {[]interceptor.ServerOption{interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail)}, codes.RecordNotFound, ""},
		"with the detail":                      {[]interceptor.ServerOption{interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail)}, codes.RecordNotFound, "dsn=secret"},
		"in the numeric form, with the detail": {[]interceptor.ServerOption{interceptor.WithOpenIMForm(interceptor.OpenIMAlways), interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail)}, codes.RecordNotFound, "dsn=secret"},
		"in the numeric form, without the detail": {[]interceptor.ServerOption{interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail), interceptor.WithOpenIMForm(interceptor.OpenIMAlways)},
			codes.RecordNotFound, ""},
	} {
		var o eventRecorder
		for kind, call := range servers(context.Background(), fmt.Errorf("dsn=secret: %w", openIMError(1004)), append(tt.opts, o.option())...) {
			_, err := call()
			sent := grpcstatus.Convert(err)
			if got, _ := status.OpenIMDetail(sent.Err()); status.FromGRPC(sent).Code() != tt.want || got != tt.detail {
				t.Errorf("%s, %s: the status sent is %v with the detail %q; want %v, %q", name, kind, sent, got, tt.want, tt.detail)
			}
			if text := fmt.Sprint(sent.Proto()); tt.detail == "" && strings.Contains(text, "secret") {
				t.Errorf("%s, %s: the status sent is %s; want no private text in it", name, kind, text)
			}
			if e := o.one(t, name); (e.Source == status.SourceOpenIMError) != (tt.want == codes.RecordNotFound) {
				t.Errorf("%s, %s: the event's source is %v; want %v only if the error is adapted", name, kind, e.Source, status.SourceOpenIMError)
			}
			if _, ok := errors.AsType[openIMError](err); !ok {
				t.Errorf("%s, %s: errors.AsType doesn't find the handler's error in %v; want outer interceptors to see it", name, kind, err)
			}
		}
	}
}

// A client's event says whether the server sent the numeric form.
func TestClientObserverSeesTheForm(t *testing.T) {
	numericForm := serverUnary(codes.RecordNotFound, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	for name, tt := range map[string]struct {
		received error
		numeric  bool
		origin   status.Origin
	}{
		"a raw number of OpenIM":                      {grpcstatus.Error(1004, "x"), true, status.OriginNumeric},
		"the numeric form":                            {grpcstatus.Convert(numericForm).Err(), true, status.OriginKnown},
		"the canonical form":                          {codes.RecordNotFound.GRPCStatus().Err(), false, status.OriginKnown},
		"UNAUTHENTICATED, the largest canonical code": {codes.TokenExpired.GRPCStatus().Err(), false, status.OriginKnown},
		"a bare status":                               {grpcstatus.Error(grpccodes.NotFound, "x"), false, status.OriginBare},
		"a negative number":                           {grpcstatus.Error(1<<32-1, "x"), false, status.OriginBare},
	} {
		var o eventRecorder
		clientUnary(tt.received, o.option())
		if e := o.one(t, name); e.OpenIMForm != tt.numeric || e.Origin != tt.origin || e.GRPCCode > grpccodes.Unauthenticated {
			t.Errorf("%s: the event has numeric form %t, origin %v, code %v; want %t, %v, and a canonical code", name, e.OpenIMForm, e.Origin, e.GRPCCode, tt.numeric, tt.origin)
		}
	}
}

// The log record of a withheld error has the canonical code, not the raw number.
func TestWithheldErrorInNumericFormIsLoggedWithTheCanonicalCode(t *testing.T) {
	logged := captured(t, func() { serverUnary(errors.New("dsn=secret"), interceptor.WithOpenIMForm(interceptor.OpenIMAlways)) })
	if !strings.Contains(logged, `"grpc.code":"Internal"`) {
		t.Errorf("the log is %s; want grpc.code Internal", logged)
	}
}

// A call that succeeds allocates nothing in any mode, if the caller sends no announcement.
func TestSuccessInEveryOpenIMModeAllocatesNothing(t *testing.T) {
	ctx, stream := announcing(), grpc.ServerStream(serverStreamOf{ctx: announcing()})
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways, interceptor.OpenIMNegotiated} {
		unaryServer, streamServer := interceptor.UnaryServer(interceptor.WithOpenIMForm(mode)), interceptor.StreamServer(interceptor.WithOpenIMForm(mode))
		handler := func(context.Context, any) (any, error) { return nil, nil }
		streamHandler := func(any, grpc.ServerStream) error { return nil }
		unary := testing.AllocsPerRun(100, func() { unaryServer(ctx, nil, unaryInfo, handler) })
		streaming := testing.AllocsPerRun(100, func() { streamServer(nil, stream, streamInfo, streamHandler) })
		if unary+streaming > 0 {
			t.Errorf("%v: a unary call allocates %v times and a stream %v times; want 0", mode, unary, streaming)
		}
	}
}
