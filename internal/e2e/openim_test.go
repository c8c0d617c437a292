package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// OpenIM's numeric form: clients read the answers of OpenIM's servers, and servers write
// the form. Each line of testdata/openim.jsonl is a recorded answer. The module
// examples/openim tests the same with OpenIM's own code.

const openIMDetailType = "openim.protobuf.ErrorInfo"

// An openIMFixture is a line of the file.
type openIMFixture struct {
	fixture

	// Client has what OpenIM's client interceptors read from the answer, "ok" for a
	// success. It is nil if they were not run.
	Client *struct{ MW json.RawMessage } `json:"openim_client"`
}

func openIM(t testing.TB) []openIMFixture {
	t.Helper()
	return testrpc.Recorded[openIMFixture](t, "testdata/openim.jsonl", 174)
}

// number returns the answer's grpc-status, and reports whether it is a raw number: no
// canonical code, and within an int32.
func (f openIMFixture) number() (number int32, ok bool) {
	return int32(*f.Status), *f.Status > int64(grpccodes.Unauthenticated) && *f.Status <= math.MaxInt32
}

// want returns the code and the origin that the caller should read. The code is nil for
// none: a number without a row carries no code.
func (f openIMFixture) want() (codes.Code, status.Origin) {
	switch number, ok := f.number(); {
	case ok && codes.Default().Has(codes.Number(number)):
		return codes.ErrorCode(number), status.OriginNumeric
	case ok:
		return nil, status.OriginNumeric
	case *f.Status > math.MaxInt32:
		return nil, status.OriginBare // gRPC replaces it by UNKNOWN
	case strings.HasSuffix(f.Name, "grpcstatus/rich"):
		return nil, status.OriginForeign
	}
	return nil, status.OriginBare
}

func TestClientReadsRawNumbersThatATableHas(t *testing.T) {
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, nil, interceptor.DialOptions())
	ignoring := testrpc.Connect(t, svc, nil, interceptor.DialOptions(interceptor.WithOpenIMNumbersIgnored()))
	for _, c := range testrpc.EveryCode(t) {
		sent := testrpc.Canonical(t, grpccodes.Code(c), "as OpenIM does", testrpc.BadRequest())
		svc.Return(testrpc.AtOpen, grpcstatus.FromProto(sent).Err())
		for _, k := range testrpc.Kinds {
			name := fmt.Sprint(c, ", ", k.Name)
			_, err := k.Call(t.Context(), client)
			st, _ := status.FromError(err)
			if st.Origin() != status.OriginNumeric || st.Message() != "as OpenIM does" {
				t.Errorf("%s: the caller reads %v, origin %v; want the message, and origin numeric", name, st, st.Origin())
			}
			if codes.Default().Has(c.Number()) {
				if code, declared := status.Declared(err); code != c || !declared || !errors.Is(err, c) {
					t.Errorf("%s: the caller reads code %v, declared %t; want %v, true, and errors.Is finds it", name, code, declared, c)
				}
			} else {
				checkNoCode(t, name, err, codes.SdkUnknownCode, c)
			}
			testrpc.CheckStatus(t, err, sent)

			_, err = k.Call(t.Context(), ignoring)
			checkNoCode(t, name+", ignored", err, codes.SdkUnknownCode, c)
			if st := status.Convert(err); st.Origin() != status.OriginBare || st.GRPCCode() != grpccodes.Unknown || st.Message() != "as OpenIM does" {
				t.Errorf("%s, ignored: the caller reads %v, origin %v; want UNKNOWN, the message, and origin bare", name, st, st.Origin())
			}
			testrpc.CheckStatus(t, err, sent)
		}
	}
}

func TestStatusesOfOpenIMServersAreRead(t *testing.T) {
	server, client, plain := replaying(t)
	details := 0
	for _, f := range openIM(t) {
		server.SetReply(f.reply())
		for _, k := range replayed {
			_, err := k.Call(t.Context(), client)
			if *f.Status == 0 {
				if err != k.Success {
					t.Errorf("%s, %s: the call ended with %v; want %v, a success", f.Name, k.Name, err, k.Success)
				}
				continue
			}
			st := status.Convert(err)
			code, origin := f.want()
			if st.Origin() != origin {
				t.Errorf("%s, %s: the origin is %v; want %v", f.Name, k.Name, st.Origin(), origin)
			}
			if code == nil {
				number, _ := f.number()
				checkNoCode(t, f.Name+", "+k.Name, err, codes.SdkUnknownCode, append(everyCode(t), codes.ErrorCode(number))...)
			} else if got, declared := status.Declared(err); got != code || !declared || !errors.Is(err, code) {
				t.Errorf("%s, %s: the caller reads code %v, declared %t; want %v, true, and errors.Is finds it", f.Name, k.Name, got, declared, code)
			}
			if st.GRPCCode() < 1 || st.GRPCCode() > 16 {
				t.Errorf("%s, %s: the canonical code is %v; want 1..16", f.Name, k.Name, st.GRPCCode())
			}
			_, received := k.Call(t.Context(), plain)
			if diff := cmp.Diff(grpcstatus.Convert(received).Proto(), grpcstatus.Convert(err).Proto(), protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: gRPC's status (-plain client's +errstatus client's):\n%s", f.Name, k.Name, diff)
			}
			if f.Client == nil || *f.Status > math.MaxInt32 {
				continue
			}
			details++
			var want struct{ Msg, Detail string }
			if err := json.Unmarshal(f.Client.MW, &want); err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if text, _ := status.OpenIMDetail(err); text != want.Detail || st.Message() != want.Msg {
				t.Errorf("%s, %s: the message is %q and the detail %q; want %+v, like OpenIM's client", f.Name, k.Name, st.Message(), text, want)
			}
		}
	}
	if details < 300 {
		t.Errorf("%d statuses were compared with what OpenIM's client read; want at least 300", details)
	}
}

// A forwarded status has the same code and message in both forms. The numeric form also has
// OpenIM's detail. An old OpenIM server writes private text into it, so that the canonical
// form of what errstatus received has it only with OpenIMErrorsWithDetail.
func TestStatusesOfOpenIMServersAreForwardedInBothForms(t *testing.T) {
	upstream, withErrstatus, plain := replaying(t)
	svc := testrpc.Returning(nil)
	numeric := testrpc.DialWire(t, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	canonical := testrpc.DialWire(t, svc)
	detailed := testrpc.DialWire(t, svc, interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail))
	dropped := 0
	for _, f := range openIM(t) {
		number, ok := f.number()
		if !ok || !codes.Default().Has(codes.Number(number)) {
			continue
		}
		upstream.SetReply(f.reply())
		for _, how := range forwardings {
			from := withErrstatus
			if how.plain {
				from = plain
			}
			svc.Run(testrpc.AtOpen, how.handler(from))
			_, err := testrpc.CallUnary(t.Context(), plain)
			want := status.Convert(err)
			detail, _ := status.OpenIMDetail(err)
			for _, k := range replayed {
				name := fmt.Sprintf("%s, %s, %s", f.Name, how.name, k.Name)
				st := checkNumericForm(t, name, testrpc.Answer(t, numeric, k), codes.ErrorCode(number))
				checkRead(t, name, st, want, detail)
				if how.details && !proto.Equal(st.Details[len(st.Details)-1], testrpc.Packed(t, testrpc.BadRequest())) {
					t.Errorf("%s: the status is %v; want the handler's detail at its end", name, st)
				}
				for _, conn := range []*wiretest.Conn{canonical, detailed} {
					st = testrpc.Failure(t, testrpc.Answer(t, conn, k))
					if row, _ := codes.Default().Lookup(codes.Number(number)); grpccodes.Code(st.Code) != row.GRPCCode {
						t.Errorf("%s: grpc-status is %d; want %v", name, st.Code, row.GRPCCode)
					}
					sent := detail
					if conn == canonical && !how.plain && (how.received || how.details) {
						sent = ""
						if slices.ContainsFunc(st.Details, func(d *anypb.Any) bool { return d.MessageName() == openIMDetailType }) {
							t.Errorf("%s: the canonical status is %v; want it without the upstream's OpenIM detail", name, st)
						}
						if detail != "" {
							dropped++
						}
					}
					checkRead(t, name, st, want, sent)
				}
			}
		}
	}
	if dropped < 300 {
		t.Errorf("%d statuses lost the text of an OpenIM detail; want at least 300", dropped)
	}
}

// checkNumericForm checks that an answer has the raw number, OpenIM's detail first and the
// ErrorInfo second, and that headers and details agree. It returns the status.
func checkNumericForm(t *testing.T, name string, got *wiretest.Answer, c codes.Code) *spb.Status {
	t.Helper()
	st, err := got.Trailers().Status()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if st.Code != int32(c.Number()) || len(st.Details) < 2 || st.Details[0].MessageName() != openIMDetailType {
		t.Fatalf("%s: the status is %v; want number %d, with OpenIM's detail first", name, st, c.Number())
	}
	if info := testrpc.Packed(t, testrpc.ErrorInfo(c)); !proto.Equal(st.Details[1], info) {
		t.Errorf("%s: the second detail is %v; want %v", name, st.Details[1], info)
	}
	return st
}

// checkRead checks that a client with errstatus reads the wanted code, message and OpenIM
// detail from a sent status. A message is sent without spaces around it. If nothing is left,
// the row's is sent.
func checkRead(t *testing.T, name string, sent *spb.Status, want *status.Status, detail string) {
	t.Helper()
	message := strings.Trim(want.Message(), " ")
	if message == "" {
		message = codes.RowOf(want.Code()).Message
	}
	st := status.FromGRPC(grpcstatus.FromProto(sent))
	if text, _ := status.OpenIMDetail(st.Err()); st.Code() != want.Code() || st.Message() != message || text != detail || st.Origin() != status.OriginKnown {
		t.Errorf("%s: the client reads %v, origin %v, with the detail %q; want %v with the message %q, origin known, %q", name, st, st.Origin(), text, want.Code(), message, detail)
	}
}

// openIMDetail returns an openim.protobuf.ErrorInfo with a cause.
func openIMDetail(cause string) *anypb.Any {
	value := protowire.AppendString(protowire.AppendTag(nil, 4, protowire.BytesType), cause)
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + openIMDetailType, Value: value}
}

// A server in each mode sends every code, at every moment of every kind of call, to
// clients with and without the announcement. A client with errstatus reads the same from
// both forms.
func TestEveryCodeInNumericForm(t *testing.T) {
	svc := testrpc.Returning(nil)
	clients := map[string][]grpc.DialOption{
		"plain":      nil,
		"errstatus":  interceptor.DialOptions(),
		"announcing": interceptor.DialOptions(interceptor.WithCanonicalAnnouncement()),
	}
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways, interceptor.OpenIMNegotiated} {
		for name, options := range clients {
			t.Run(fmt.Sprint(mode, ", ", name), func(t *testing.T) {
				numeric := mode == interceptor.OpenIMAlways || mode == interceptor.OpenIMNegotiated && name != "announcing"
				client := testrpc.Connect(t, svc, interceptor.ServerOptions(interceptor.WithOpenIMForm(mode)), options)
				for _, c := range append(testrpc.ErrorCodes(t), 1305, math.MaxInt32) {
					handlers := status.New(c, "no such user").WithMetadata("user", "42").WithDetails(openIMDetail("row 42"), testrpc.BadRequest())
					for _, k := range testrpc.Kinds {
						for _, at := range k.Moments {
							svc.Return(at, handlers.Err())
							arrived, err := k.Call(t.Context(), client)
							if arrived != k.Arrived(at) {
								t.Errorf("%v, %s, %v: %d messages arrived before the error; want %d", c, k.Name, at, arrived, k.Arrived(at))
							}
							checkForm(t, fmt.Sprint(c, ", ", k.Name, ", ", at), err, c, numeric)
						}
					}
				}
			})
		}
	}
}

// checkForm checks the form of a received error, and that code, message, metadata and
// details are the handler's.
func checkForm(t *testing.T, name string, err error, c codes.ErrorCode, numeric bool) {
	t.Helper()
	row, _ := codes.Default().Lookup(c.Number())
	want := row.GRPCCode
	if numeric {
		want = grpccodes.Code(c)
	}
	if got := grpcstatus.Code(err); got != want {
		t.Errorf("%s: gRPC's status.Code() = %v; want %v", name, got, want)
	}
	st := status.Convert(err)
	if st.Code() != codes.Code(c) || st.Message() != "no such user" || st.GRPCCode() != row.GRPCCode || st.Origin() != status.OriginKnown ||
		!cmp.Equal(st.Metadata(), map[string]string{"user": "42"}) {
		t.Errorf("%s: the caller reads %v, canonical code %v, metadata %v; want %v, %v and the handler's message and metadata", name, st, st.GRPCCode(), st.Metadata(), c, row.GRPCCode)
	}
	if text, ok := status.OpenIMDetail(err); !ok || text != "row 42" {
		t.Errorf("%s: OpenIMDetail() = %q, %t; want the handler's, true", name, text, ok)
	}
	if br, ok := status.Detail[*errdetails.BadRequest](err); !ok || !proto.Equal(br, testrpc.BadRequest()) || len(st.Details()) != 3 {
		t.Errorf("%s: %d details with the BadRequest %v; want 3 with the handler's", name, len(st.Details()), br)
	}
}

// An error never becomes grpc-status 0, whatever its number.
func TestErrorIsNeverSuccessInNumericForm(t *testing.T) {
	svc := testrpc.Returning(nil)
	conn := testrpc.DialWire(t, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways), interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail))
	for name, tt := range map[string]struct {
		err  error
		want int32
	}{
		"NoError":                           {codes.NoError, 500},
		"NoError in a Status":               {status.Wrap(errors.New(testrpc.Secret), codes.NoError, ""), 500},
		"a negative number":                 {codes.ErrorCode(-1), 500},
		"the smallest number":               {codes.ErrorCode(math.MinInt32), 500},
		"a canonical number":                {codes.ErrorCode(5), 2},
		"an OpenIM error with number 0":     {openIMError{0, "x", testrpc.Secret}, 500},
		"an OpenIM error with number -1004": {openIMError{-1004, "x", testrpc.Secret}, 500},
		"an OpenIM error with number 2³²":   {openIMError{1 << 32, "x", testrpc.Secret}, 500},
		"a plain error":                     {errors.New(testrpc.Secret), 500},
		"io.EOF":                            {io.EOF, 500},
		"a status with code OK":             {okStatus{}, 500},
		"a typed nil":                       {(*nilPointer)(nil), 500},
		"an error that wraps itself":        {testrpc.WrapsItself(errors.New(testrpc.Secret)), 500},
	} {
		svc.Return(testrpc.AtOpen, tt.err)
		for _, k := range testrpc.Kinds {
			got := testrpc.Answer(t, conn, k)
			st, err := got.Trailers().Status()
			if err != nil || st.Code != tt.want || !got.TrailersOnly() {
				t.Errorf("%s, %s: the status is %v (%v); want code %d, in one header block", name, k.Name, st, err, tt.want)
			}
			if found := find(t, got, testrpc.Secret); found != "" {
				t.Errorf("%s, %s: %s; want no private text", name, k.Name, found)
			}
		}
	}
}

// An openIMError has the methods of the errors that OpenIM's handlers return.
type openIMError struct {
	code        int64
	msg, detail string
}

func (e openIMError) Error() string {
	return strconv.FormatInt(e.code, 10) + " " + e.msg + " " + e.detail
}
func (e openIMError) Code() int      { return int(e.code) }
func (e openIMError) Msg() string    { return e.msg }
func (e openIMError) Detail() string { return e.detail }

// The server interceptor removes the announcement from the handler's metadata. If the
// handler forwards the metadata to an upstream with a plain client, the upstream answers
// in the numeric form.
func TestAnnouncementIsForOneHop(t *testing.T) {
	negotiating := interceptor.ServerOptions(interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated))
	b := testrpc.Connect(t, testrpc.Returning(codes.TokenExpired), negotiating, nil)
	var forwarded metadata.MD
	var fromB error
	relay := testrpc.Running(func(ctx context.Context) error {
		forwarded, _ = metadata.FromIncomingContext(ctx)
		_, fromB = testrpc.CallUnary(metadata.NewOutgoingContext(ctx, forwarded), b)
		return codes.RecordNotFound
	})
	a := testrpc.Connect(t, relay, negotiating, interceptor.DialOptions(interceptor.WithCanonicalAnnouncement()))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "operationid", "42")
	for _, k := range testrpc.Kinds {
		_, err := k.Call(ctx, a)
		if grpcstatus.Code(err) != grpccodes.NotFound || grpcstatus.Code(fromB) != 1501 {
			t.Errorf("%s: the caller gets %v and the handler gets %v; want NotFound, and the raw number 1501", k.Name, err, fromB)
		}
		if forwarded.Get("operationid") == nil || forwarded.Get(interceptor.CanonicalAnnouncementKey) != nil {
			t.Errorf("%s: the handler's metadata is %v; want the caller's without the announcement", k.Name, forwarded)
		}
	}
}

// A status in the numeric form has as many bytes as Encode computes, and fits the limit.
func TestSizeOfNumericForm(t *testing.T) {
	for _, size := range []int{status.LeastMaxSize, status.DefaultMaxSize} {
		svc := testrpc.Returning(nil)
		conn := testrpc.DialWire(t, svc, interceptor.WithMaxStatusSize(size), interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
		errs := large(t)
		errs["OpenIM's detail"] = status.New(codes.RecordNotFound, "x").WithDetails(openIMDetail(strings.Repeat("行", 3000)), testrpc.Violations(100)).Err()
		for name, err := range errs {
			encoded := (&status.Encoder{MaxSize: size, OpenIMForm: true}).Encode(t.Context(), err)
			svc.Return(testrpc.AtOpen, err)
			for _, k := range testrpc.Kinds {
				got := testrpc.Answer(t, conn, k).Trailers()
				st, err := got.Status()
				if err != nil || got.ListSize() != sizeOf(encoded) || got.ListSize() > size {
					t.Errorf("%s, %s: the status adds %d bytes (%v); want %d, and %d at most", name, k.Name, got.ListSize(), err, sizeOf(encoded), size)
				}
				if diff := cmp.Diff(encoded.Status().Proto(), st, protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s: status (-want +got):\n%s", name, k.Name, diff)
				}
			}
		}
	}
}

func TestInstalledTwiceTheNumericFormIsTheSame(t *testing.T) {
	svc := testrpc.Returning(nil)
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMAlways, interceptor.OpenIMNegotiated} {
		for _, ctx := range []context.Context{t.Context(), metadata.AppendToOutgoingContext(t.Context(), interceptor.CanonicalAnnouncementKey, "1")} {
			options := interceptor.ServerOptions(interceptor.WithOpenIMForm(mode))
			once := testrpc.Connect(t, svc, options, nil)
			twice := testrpc.Connect(t, svc, append(options, interceptor.ServerOptions(interceptor.WithOpenIMForm(mode))...), nil)
			for _, err := range []error{codes.RecordNotFound, status.Error(codes.Args, "x"), errors.New(testrpc.Secret), grpcstatus.Error(grpccodes.Aborted, "x")} {
				svc.Return(testrpc.AtOpen, err)
				for _, k := range testrpc.Kinds {
					if a, b := testrpc.Raw(ctx, once, k), testrpc.Raw(ctx, twice, k); a != b {
						t.Errorf("%v, %v, %s: installed once the server sends\n%q, installed twice\n%q; want the same", mode, err, k.Name, a, b)
					}
				}
			}
		}
	}
}
