package errstatus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
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
	"github.com/errstatus/errstatus/internal/wiretest"
	"github.com/errstatus/errstatus/status"
)

// OpenIM's form of a status: reading what its servers wrote, of which
// testdata/openim_legacy.jsonl has an answer a line, and writing it. The module
// examples/openim does the same with OpenIM's own code.

const legacyDetail = "openim.protobuf.ErrorInfo"

// A legacyFixture is a line.
type legacyFixture struct {
	fixture

	// Client is what OpenIM's client interceptors made of the answer, "ok" for a
	// success; nil where they were not asked.
	Client *struct{ MW json.RawMessage } `json:"openim_client"`
}

func openIM(t testing.TB) []legacyFixture {
	t.Helper()
	return recorded[legacyFixture](t, "testdata/openim_legacy.jsonl", 174)
}

// number is that in the place of a canonical code, which may have been overrun.
func (f legacyFixture) number() (number int32, ok bool) {
	return int32(*f.Status), *f.Status > int64(grpccodes.Unauthenticated) && *f.Status <= math.MaxInt32
}

// want is the code to come to, and where it comes from.
func (f legacyFixture) want() (codes.Code, status.Origin) {
	switch number, ok := f.number(); {
	case ok:
		return codes.ErrorCode(number), status.OriginNumeric
	case *f.Status > math.MaxInt32:
		return codes.SdkUnknownCode, status.OriginBare // gRPC makes UNKNOWN of it
	case strings.HasSuffix(f.Name, "grpcstatus/rich"):
		return codes.RecordNotFound, status.OriginForeign
	}
	return codes.Default().FromGRPC(grpccodes.Code(*f.Status)), status.OriginBare
}

func TestOpenIMsStatusesAreUnderstood(t *testing.T) {
	server, ours, plain := replaying(t)
	details := 0
	for _, f := range openIM(t) {
		server.SetReply(f.reply())
		for _, k := range replayed {
			_, err := k.call(t.Context(), ours)
			if *f.Status == 0 {
				if err != k.success {
					t.Errorf("%s, %s: %v; want success", f.Name, k.name, err)
				}
				continue
			}
			st := status.Convert(err)
			if code, origin := f.want(); st.Code() != code || st.Origin() != origin || !errors.Is(err, code) {
				t.Errorf("%s, %s: %v, %v; want %v, %v", f.Name, k.name, st, st.Origin(), code, origin)
			}
			if st.GRPCCode() < 1 || st.GRPCCode() > 16 {
				t.Errorf("%s, %s: the canonical code is %v", f.Name, k.name, st.GRPCCode())
			}
			_, received := k.call(t.Context(), plain)
			if diff := cmp.Diff(grpcstatus.Convert(received).Proto(), grpcstatus.Convert(err).Proto(), protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s: gRPC's status (-plain client's +ours):\n%s", f.Name, k.name, diff)
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
				t.Errorf("%s, %s: %q with the detail %q; want %+v as OpenIM's client", f.Name, k.name, st.Message(), text, want)
			}
		}
	}
	if details < 300 {
		t.Errorf("%d statuses were compared with what OpenIM's client read; want 300", details)
	}
}

// TestOpenIMsStatusesAreSentOnInItsForm, and in the canonical one: the code, the
// message and the detail stay.
func TestOpenIMsStatusesAreSentOnInItsForm(t *testing.T) {
	upstream, ours, plain := replaying(t)
	svc := returning(nil)
	legacy := dialWire(t, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
	canonical := dialWire(t, svc)
	for _, f := range openIM(t) {
		number, ok := f.number()
		if !ok || !codes.Default().Has(number) {
			continue
		}
		upstream.SetReply(f.reply())
		for _, how := range forwardings {
			from := ours
			if how.plain {
				from = plain
			}
			svc.script.Store(&script{end: how.handler(from)})
			_, err := callUnary(t.Context(), plain)
			want := status.Convert(err)
			detail, _ := status.OpenIMDetail(err)
			for _, k := range replayed {
				name := fmt.Sprintf("%s, %s, %s", f.Name, how.name, k.name)
				st := checkLegacyForm(t, name, answer(t, legacy, k, ""), codes.ErrorCode(number))
				checkRead(t, name, st, want, detail)
				if how.details && !proto.Equal(st.Details[len(st.Details)-1], packed(t, badRequest())) {
					t.Errorf("%s: the handler's detail is gone from %v", name, st)
				}
				st = failure(t, answer(t, canonical, k, ""))
				if row, _ := codes.Default().Lookup(number); grpccodes.Code(st.Code) != row.GRPCCode {
					t.Errorf("%s: sent as %d; want %v", name, st.Code, row.GRPCCode)
				}
				checkRead(t, name, st, want, detail)
			}
		}
	}
}

// checkLegacyForm: an answer has the number, OpenIM's detail, then our ErrorInfo,
// and all of it twice the same, in its headers and in its details.
func checkLegacyForm(t *testing.T, name string, got *wiretest.Answer, c codes.Code) *spb.Status {
	t.Helper()
	st, err := got.Trailers().Status()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if st.Code != c.Number() || len(st.Details) < 2 || st.Details[0].MessageName() != legacyDetail {
		t.Fatalf("%s: sent as %v; want %d, and OpenIM's detail first", name, st, c.Number())
	}
	if info := packed(t, errorInfo(c)); !proto.Equal(st.Details[1], info) {
		t.Errorf("%s: the second detail is %v; want %v", name, st.Details[1], info)
	}
	return st
}

// checkRead: our client reads of a status what another did.
func checkRead(t *testing.T, name string, sent *spb.Status, want *status.Status, detail string) {
	t.Helper()
	st := status.FromGRPC(grpcstatus.FromProto(sent))
	if text, _ := status.OpenIMDetail(st.Err()); st.Code() != want.Code() || st.Message() != want.Message() || text != detail || st.Origin() != status.OriginKnown {
		t.Errorf("%s: read as %v, %v, with the detail %q; want %v, %q", name, st, st.Origin(), text, want, detail)
	}
}

// legacyText is a serialized openim.protobuf.ErrorInfo.
func legacyText(cause string) *anypb.Any {
	value := protowire.AppendString(protowire.AppendTag(nil, 4, protowire.BytesType), cause)
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + legacyDetail, Value: value}
}

// TestEveryCodeInOpenIMsForm at every moment of every kind of call: to a server
// that always sends it, and to one that negotiates, from clients with and without
// an announcement. Ours read the same of all of them.
func TestEveryCodeInOpenIMsForm(t *testing.T) {
	svc := returning(nil)
	clients := map[string][]grpc.DialOption{
		"plain":      nil,
		"ours":       interceptor.DialOptions(),
		"announcing": interceptor.DialOptions(interceptor.WithCanonicalAnnouncement()),
	}
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMNever, interceptor.OpenIMAlways, interceptor.OpenIMNegotiated} {
		for name, options := range clients {
			t.Run(fmt.Sprint(mode, ", ", name), func(t *testing.T) {
				legacy := mode == interceptor.OpenIMAlways || mode == interceptor.OpenIMNegotiated && name != "announcing"
				client := connect(t, svc, interceptor.ServerOptions(interceptor.WithOpenIMForm(mode)), options)
				for _, c := range append(errorCodes(t), 1305, math.MaxInt32) {
					handlers := status.New(c, "no such user").WithMetadata("user", "42").WithDetails(legacyText("row 42"), badRequest())
					for _, k := range kinds {
						for _, at := range k.moments {
							svc.end(at, handlers.Err())
							arrived, err := k.call(t.Context(), client)
							if arrived != k.arrived(at) {
								t.Errorf("%v, %s, %v: %d messages arrived", c, k.name, at, arrived)
							}
							checkForm(t, fmt.Sprint(c, ", ", k.name, ", ", at), err, c, legacy)
						}
					}
				}
			})
		}
	}
}

func checkForm(t *testing.T, name string, err error, c codes.ErrorCode, legacy bool) {
	t.Helper()
	row, _ := codes.Default().Lookup(c.Number())
	want := row.GRPCCode
	if legacy {
		want = grpccodes.Code(c)
	}
	if got := grpcstatus.Code(err); got != want {
		t.Errorf("%s: gRPC sees %v; want %v", name, got, want)
	}
	st := status.Convert(err)
	if st.Code() != codes.Code(c) || st.Message() != "no such user" || st.GRPCCode() != row.GRPCCode || st.Origin() != status.OriginKnown ||
		!cmp.Equal(st.Metadata(), map[string]string{"user": "42"}) {
		t.Errorf("%s: read as %v, %v, %v", name, st, st.GRPCCode(), st.Metadata())
	}
	if text, ok := status.OpenIMDetail(err); !ok || text != "row 42" {
		t.Errorf("%s: read with the detail %q, %t", name, text, ok)
	}
	if br, ok := status.Detail[*errdetails.BadRequest](err); !ok || !proto.Equal(br, badRequest()) || len(st.Details()) != 3 {
		t.Errorf("%s: %d details, of them %v; want the handler's among 3", name, len(st.Details()), br)
	}
}

// TestAnErrorIsNeverSuccessInOpenIMsForm, whatever number it has.
func TestAnErrorIsNeverSuccessInOpenIMsForm(t *testing.T) {
	svc := returning(nil)
	conn := dialWire(t, svc, interceptor.WithOpenIMForm(interceptor.OpenIMAlways), interceptor.AdaptCodeErrors())
	for name, tt := range map[string]struct {
		err  error
		want int32
	}{
		"NoError":              {codes.NoError, 500},
		"NoError in a Status":  {status.Wrap(errors.New(secret), codes.NoError, ""), 500},
		"a negative number":    {codes.ErrorCode(-1), 500},
		"the least number":     {codes.ErrorCode(math.MinInt32), 500},
		"a canonical number":   {codes.ErrorCode(5), 2},
		"a CodeError of 0":     {openIMError{0, "x", secret}, 500},
		"a CodeError of -1004": {openIMError{-1004, "x", secret}, 500},
		"a CodeError of 2³²":   {openIMError{1 << 32, "x", secret}, 500},
		"a plain error":        {errors.New(secret), 500},
		"io.EOF":               {io.EOF, 500},
		"a status OK":          {okStatus{}, 500},
		"a nil pointer":        {(*nilPointer)(nil), 500},
		"a loop":               {&wrapsItself{errors.New(secret)}, 500},
	} {
		svc.end(atOpen, tt.err)
		for _, k := range kinds {
			got := answer(t, conn, k, "")
			st, err := got.Trailers().Status()
			if err != nil || st.Code != tt.want || !got.TrailersOnly() {
				t.Errorf("%s, %s: sent as %v, %v; want %d", name, k.name, st, err, tt.want)
			}
			if found := find(t, got, secret); found != "" {
				t.Errorf("%s, %s: %s", name, k.name, found)
			}
		}
	}
}

// An openIMError is such as OpenIM's handlers return.
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

// TestAnnouncementIsForOneHop: a handler that passes its metadata on to another
// server, over a connection that knows nothing of errstatus, gets that one's old
// form.
func TestAnnouncementIsForOneHop(t *testing.T) {
	negotiating := interceptor.ServerOptions(interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated))
	b := connect(t, returning(codes.TokenExpired), negotiating, nil)
	var passed metadata.MD
	var fromB error
	relay := running(func(ctx context.Context) error {
		passed, _ = metadata.FromIncomingContext(ctx)
		_, fromB = callUnary(metadata.NewOutgoingContext(ctx, passed), b)
		return codes.RecordNotFound
	})
	a := connect(t, relay, negotiating, interceptor.DialOptions(interceptor.WithCanonicalAnnouncement()))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "operationid", "42")
	for _, k := range kinds {
		_, err := k.call(ctx, a)
		if grpcstatus.Code(err) != grpccodes.NotFound || grpcstatus.Code(fromB) != 1501 {
			t.Errorf("%s: the caller gets %v, and the handler of another server %v; want NotFound, and 1501", k.name, err, fromB)
		}
		if passed.Get("operationid") == nil || passed.Get(interceptor.CanonicalAnnouncementKey) != nil {
			t.Errorf("%s: the handler's metadata is %v; want all but the announcement", k.name, passed)
		}
	}
}

// TestSizeOfOpenIMsForm is reckoned to the byte, and within the bound.
func TestSizeOfOpenIMsForm(t *testing.T) {
	for _, size := range []int{status.LeastMaxSize, status.DefaultMaxSize} {
		svc := returning(nil)
		conn := dialWire(t, svc, interceptor.WithMaxStatusSize(size), interceptor.WithOpenIMForm(interceptor.OpenIMAlways))
		errs := large(t)
		errs["OpenIM's detail"] = status.New(codes.RecordNotFound, "x").WithDetails(legacyText(strings.Repeat("行", 3000)), violations(100)).Err()
		for name, err := range errs {
			encoded := (&status.Encoder{MaxSize: size, OpenIMForm: true}).Encode(t.Context(), err)
			svc.end(atOpen, err)
			for _, k := range kinds {
				got := answer(t, conn, k, "").Trailers()
				st, err := got.Status()
				if err != nil || got.ListSize() != encoded.Size() || got.ListSize() > size {
					t.Errorf("%s, %s: %d bytes, %v; want %d, and %d at most", name, k.name, got.ListSize(), err, encoded.Size(), size)
				}
				if diff := cmp.Diff(encoded.Status.Proto(), st, protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s: status (-want +got):\n%s", name, k.name, diff)
				}
			}
		}
	}
}

// TestInstalledTwiceOpenIMsFormIsTheSame, byte for byte.
func TestInstalledTwiceOpenIMsFormIsTheSame(t *testing.T) {
	svc := returning(nil)
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMAlways, interceptor.OpenIMNegotiated} {
		for _, ctx := range []context.Context{t.Context(), metadata.AppendToOutgoingContext(t.Context(), interceptor.CanonicalAnnouncementKey, "1")} {
			options := interceptor.ServerOptions(interceptor.WithOpenIMForm(mode))
			once := connect(t, svc, options, nil)
			twice := connect(t, svc, append(options, interceptor.ServerOptions(interceptor.WithOpenIMForm(mode))...), nil)
			for _, err := range []error{codes.RecordNotFound, status.Error(codes.Args, "x"), errors.New(secret), grpcstatus.Error(grpccodes.Aborted, "x")} {
				svc.end(atOpen, err)
				for _, k := range kinds {
					if a, b := raw(ctx, once, k), raw(ctx, twice, k); a != b {
						t.Errorf("%v, %v, %s: installed once it sends\n%q, twice\n%q", mode, err, k.name, a, b)
					}
				}
			}
		}
	}
}
