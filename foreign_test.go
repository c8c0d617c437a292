package errstatus_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
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

// What servers that aren't ours wrote: testdata/foreign.jsonl has an answer a
// line, recorded from grpc-js, from Python's grpcio, and from a server that knows
// nothing of gRPC.

// A fixture is a line.
type fixture struct {
	Name         string  // of the server, a slash, and that of the case
	Status       *int64  `json:"grpc_status"`
	Message      *string `json:"grpc_message_raw"`
	Details      *string `json:"details_bin_base64"`
	TrailersOnly bool    `json:"trailers_only"`
	Messages     int

	// Wire is there where the fields above can't tell what was written.
	Wire *struct {
		Headers, Trailers fieldList
		Data              bool // a page of HTML
	}

	// Expect is what a reader of OpenIM's domain should come to: nil is no code. An
	// open case is the reader's own to decide.
	Expect struct {
		Code *int32
		Also []*int32
		Open string
	}

	// Sees is what a plain grpc-go client makes of it.
	Sees struct {
		Code    anyCode
		Message string
		Details []string // type URLs
	} `json:"grpc_go_sees"`
}

// An anyCode has any 32 bits; gRPC's own type reads no number without a name.
type anyCode uint32

func (c anyCode) code() grpccodes.Code { return grpccodes.Code(c) }

// A fieldList is a JSON object whose order counts.
type fieldList wiretest.Block

func (l *fieldList) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.Token() // the brace
	for d.More() {
		name, _ := d.Token()
		value, err := d.Token()
		if err != nil {
			return err
		}
		*l = append(*l, hpack.HeaderField{Name: fmt.Sprint(name), Value: fmt.Sprint(value)})
	}
	return nil
}

// foreign has all fixtures.
func foreign(t testing.TB) []fixture {
	t.Helper()
	return recorded[fixture](t, "testdata/foreign.jsonl", 93)
}

// recorded has the lines of a file, of which there are a number at least.
func recorded[F any](t testing.TB, path string, lines int) (all []F) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for d := json.NewDecoder(file); ; {
		var f F
		if err := d.Decode(&f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s, line %d: %v", path, len(all)+1, err)
		}
		all = append(all, f)
	}
	if len(all) < lines {
		t.Fatalf("%s: %d lines; want %d", path, len(all), lines)
	}
	return all
}

// reply is the answer as it was written.
func (f fixture) reply() wiretest.Reply {
	if f.Wire != nil {
		r := wiretest.Reply{Headers: wiretest.Block(f.Wire.Headers), Trailers: wiretest.Block(f.Wire.Trailers)}
		if f.Wire.Data {
			r.Body = []byte("<html>no</html>")
		}
		return r
	}
	headers := wiretest.Block{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"}}
	if f.TrailersOnly {
		return wiretest.Reply{Headers: append(headers, f.trailers()...)}
	}
	body := wiretest.LengthPrefixed(make([][]byte, f.Messages)...)
	return wiretest.Reply{Headers: headers, Body: body, Trailers: f.trailers()}
}

func (f fixture) trailers() wiretest.Block {
	block := wiretest.Block{{Name: "grpc-status", Value: strconv.FormatInt(*f.Status, 10)}}
	if f.Message != nil {
		block = append(block, hpack.HeaderField{Name: "grpc-message", Value: *f.Message})
	}
	if f.Details != nil {
		block = append(block, hpack.HeaderField{Name: "grpc-status-details-bin", Value: *f.Details})
	}
	return block
}

// A decision is what the documentation of status.Decoder makes of a case for
// which there is no one right code.
type decision struct {
	code codes.Code // nil for the guess after the canonical code
	why  string
}

const (
	notCanonical = "a number is in canonical decimals, and one that has a row isn't read beside a reason that has none"
	notSeen      = "gRPC makes INTERNAL of it, and what gRPC says is what is decoded"
	onlyDetails  = "codes are not read out of messages, nor of other details than google.rpc.ErrorInfo"
)

// decided are the open cases, whichever server wrote them, and one more.
var decided = map[string]decision{
	"errorinfo/domain_other_case":                       {nil, "domains are compared exactly"},
	"errorinfo/code_spaces":                             {nil, notCanonical},
	"errorinfo/code_leading_zeros":                      {nil, notCanonical},
	"errorinfo/no_code":                                 {codes.RecordNotFound, "the reason comes first, and needs no number"},
	"errorinfo/two_of_ours":                             {codes.RecordNotFound, "the first ErrorInfo of a known domain counts"},
	"errorinfo/broken_first":                            {codes.RecordNotFound, "one that can't be read is no ErrorInfo"},
	"details/legacy_only_canonical_status":              {nil, onlyDetails},
	"unknown/other_host":                                {codes.RecordNotFound, "a type URL names the type after its last slash"},
	"message/spaces_around":                             {codes.RecordNotFound, "spaces lost on the way change no code"},
	"nodetails/looks_like_openim":                       {nil, onlyDetails},
	"legacy/errorinfo_disagrees":                        {codes.TokenExpired, "an ErrorInfo comes before the number in the place of a canonical code"},
	"legacy/inner_code_disagrees":                       {nil, notSeen},
	"mismatch/inner_code":                               {nil, notSeen},
	"mismatch/inner_code_zero":                          {nil, notSeen},
	"mismatch/details_of_unauthenticated_under_unknown": {nil, notSeen},
	"base64/comma_joined":                               {nil, notSeen},
	"base64/empty_value":                                {nil, notSeen},
	"status/negative":                                   {nil, "a negative number is no code"},

	// Not open: OpenIM's own client takes numbers below 100 for gRPC's.
	"legacy/99": {codes.ErrorCode(99), "any number outside 0..16 is a code's, with a row or without"},
}

// title is the name of the case, less that of the server.
func (f fixture) title() string {
	_, title, _ := strings.Cut(f.Name, "/")
	return title
}

// code is the one to come to.
func (f fixture) code() codes.Code {
	guess := codes.Default().FromGRPC(f.Sees.Code.code())
	if d, ok := decided[f.title()]; ok {
		if d.code == nil {
			return guess
		}
		return d.code
	}
	if f.Expect.Code == nil {
		return guess
	}
	return codes.Default().Code(*f.Expect.Code)
}

// origin is told by the domains in the details, where gRPC lets them through, and
// by the number.
func (f fixture) origin(t *testing.T) status.Origin {
	domains := f.domains(t)
	switch {
	case slices.Contains(domains, codes.Default().Domain()):
		return status.OriginKnown
	case f.Sees.Code.code() > grpccodes.Unauthenticated && f.Sees.Code <= math.MaxInt32:
		return status.OriginNumeric
	case len(domains) > 0:
		return status.OriginForeign
	}
	return status.OriginBare
}

// domains are those of the ErrorInfo details that can be read.
func (f fixture) domains(t *testing.T) (domains []string) {
	t.Helper()
	if len(f.Sees.Details) == 0 {
		return nil
	}
	text, err := base64.StdEncoding.DecodeString(*f.Details)
	st := &spb.Status{}
	if err := errors.Join(err, proto.Unmarshal(text, st)); err != nil {
		t.Fatalf("details_bin_base64: %v", err)
	}
	for _, d := range st.Details {
		info := &errdetails.ErrorInfo{}
		if d.MessageIs(info) && d.UnmarshalTo(info) == nil {
			domains = append(domains, info.Domain)
		}
	}
	return domains
}

func TestForeignOpenCasesAreDecided(t *testing.T) {
	used := make(map[string]bool)
	for _, f := range foreign(t) {
		d, ok := decided[f.title()]
		used[f.title()] = true
		if f.Expect.Open == "" {
			continue
		}
		allowed := slices.ContainsFunc(append(f.Expect.Also, f.Expect.Code), func(number *int32) bool {
			if number == nil || d.code == nil {
				return number == nil && d.code == nil
			}
			return *number == d.code.Number()
		})
		if !ok || !allowed {
			t.Errorf("%s, which is open for %q, is decided as %v; want its code or one of the others", f.Name, f.Expect.Open, d)
		}
	}
	for title := range decided {
		if !used[title] {
			t.Errorf("%s is decided, and no fixture is of that case", title)
		}
	}
}

// replayed are the kinds of call that a fixture can be the answer to.
var replayed = []kind{kinds[0], kinds[2]}

// replaying is a server of fixtures with two clients, one of them plain gRPC.
func replaying(t *testing.T) (server *wiretest.Server, ours, plain testgrpc.TestServiceClient) {
	t.Helper()
	server = wiretest.NewServer(t, wiretest.Reply{})
	target := "passthrough:///" + server.Addr()
	ours = testgrpc.NewTestServiceClient(dial(t, target, interceptor.DialOptions()))
	plain = testgrpc.NewTestServiceClient(dial(t, target, nil))
	return server, ours, plain
}

func TestForeignStatusesAreUnderstood(t *testing.T) {
	server, ours, plain := replaying(t)
	for _, f := range foreign(t) {
		t.Run(f.Name, func(t *testing.T) {
			server.SetReply(f.reply())
			for _, k := range replayed {
				arrived, err := k.call(t.Context(), ours)
				if k.success == io.EOF && arrived != f.Messages {
					t.Errorf("%s: %d messages arrived; want %d", k.name, arrived, f.Messages)
				}
				if f.Sees.Code == 0 {
					if err != k.success {
						t.Errorf("%s: the call ended with %v; want a success, %v", k.name, err, k.success)
					}
					continue
				}
				f.checkUnderstood(t, k.name, err)
				_, received := k.call(t.Context(), plain)
				f.checkKept(t, k.name, err, received)
			}
		})
	}
}

func (f fixture) checkUnderstood(t *testing.T, name string, err error) {
	t.Helper()
	st := status.Convert(err)
	if err == nil || err == io.EOF || grpcstatus.Code(err) == grpccodes.OK || st.Code().Number() == 0 || st.GRPCCode() == grpccodes.OK {
		t.Fatalf("%s: %v is a success, or counts as one; want an error", name, err)
	}
	want := f.code()
	if got := st.Code(); got != want || got != status.Code(err) || !errors.Is(err, want) {
		t.Errorf("%s: the code is %v; want %v, and errors.Is to find it (%s)", name, got, want, decided[f.title()].why)
	}
	if got, want := st.Origin(), f.origin(t); got != want {
		t.Errorf("%s: the origin is %v; want %v", name, got, want)
	}
}

// checkKept tells whether gRPC's own status is what a plain client received, and
// whether that is what it was when the fixture was recorded.
func (f fixture) checkKept(t *testing.T, name string, err, received error) {
	t.Helper()
	want := grpcstatus.Convert(received).Proto()
	if diff := cmp.Diff(want, grpcstatus.Convert(err).Proto(), protocmp.Transform()); diff != "" {
		t.Errorf("%s: gRPC's status (-plain client's +ours):\n%s", name, diff)
	}
	if got := grpcstatus.Code(err); got != f.Sees.Code.code() {
		t.Errorf("%s: gRPC's code is %v; want %v", name, got, f.Sees.Code.code())
	}
	if got := grpcstatus.Convert(err).Message(); !sameMessage(f.Sees.Message, got) {
		t.Errorf("%s: gRPC's message is %q; want %q", name, got, f.Sees.Message)
	}
	var types []string
	for _, d := range grpcstatus.Convert(err).Proto().GetDetails() {
		types = append(types, d.GetTypeUrl())
	}
	if !slices.Equal(types, f.Sees.Details) {
		t.Errorf("%s: gRPC's details are %q; want %q", name, types, f.Sees.Details)
	}
}

// sameMessage allows for what a recording can't hold: bytes that are not UTF-8,
// and the spaces where gRPC prints a message of protobuf's, which differ from one
// program to the next.
func sameMessage(want, got string) bool {
	if strings.HasPrefix(want, "grpc-status-details-bin mismatch") {
		return slices.Equal(strings.Fields(want), strings.Fields(got))
	}
	return want == strings.ToValidUTF8(got, "\uFFFD") // as JSON has it
}

// A forwarding is what a handler does with an error that it received.
type forwarding struct {
	name     string
	plain    bool // received without our interceptor
	received bool // what is returned still counts as received
	details  bool // it has a detail of the handler's
	of       func(error) error
}

var forwardings = []forwarding{
	{name: "as it came", received: true, of: func(err error) error { return err }},
	{name: "under %w", received: true, of: func(err error) error { return fmt.Errorf("upstream: %w", err) }},
	{name: "joined", received: true, of: func(err error) error { return errors.Join(errors.New("upstream"), err) }},
	{name: "of its status", of: func(err error) error { return status.Convert(err).Err() }},
	{name: "with a detail", details: true, of: func(err error) error { return status.Convert(err).WithDetails(badRequest()).Err() }},
	{name: "of gRPC's status", of: func(err error) error { return grpcstatus.Convert(err).Err() }},
	{name: "of a plain client", plain: true, of: func(err error) error { return err }},
	{name: "of a plain client, with a detail", plain: true, details: true, of: func(err error) error { return status.Convert(err).WithDetails(badRequest()).Err() }},
}

func TestForeignStatusesAreForwardedSound(t *testing.T) {
	upstream, ours, plain := replaying(t)
	svc := returning(nil)
	client := wiretest.Dial(t, strings.TrimPrefix(serveTCP(t, svc), "http://"))
	for _, f := range foreign(t) {
		t.Run(f.Name, func(t *testing.T) {
			upstream.SetReply(f.reply())
			for _, how := range forwardings {
				from := ours
				if how.plain {
					from = plain
				}
				svc.script.Store(&script{end: how.handler(from)})
				for _, k := range replayed {
					f.checkForwarded(t, how, client, k)
				}
			}
		})
	}
}

// handler makes a call of its own and forwards how that fails.
func (how forwarding) handler(upstream testgrpc.TestServiceClient) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := callUnary(ctx, upstream); err != nil {
			return how.of(err)
		}
		return nil
	}
}

func (f fixture) checkForwarded(t *testing.T, how forwarding, client *wiretest.Conn, k kind) {
	t.Helper()
	answer, err := client.Call(wiretest.Request{Method: "/grpc.testing.TestService/" + k.method, Messages: [][]byte{nil}})
	if err != nil {
		t.Fatalf("%s, %s: %v", how.name, k.name, err)
	}
	if f.Sees.Code == 0 {
		if got := answer.Trailers().Get("grpc-status"); got != "0" {
			t.Errorf("%s, %s: grpc-status is %q; want 0", how.name, k.name, got)
		}
		return
	}
	st, err := answer.Trailers().Failure()
	if err != nil || !answer.TrailersOnly() {
		t.Fatalf("%s, %s: the answer is %+v, in which %v; want a sound failure, trailers-only", how.name, k.name, answer, err)
	}
	if how.details && len(st.Details) == 0 {
		t.Errorf("%s, %s: the details are gone", how.name, k.name)
	}
	if got := status.FromGRPC(grpcstatus.FromProto(st)).Code(); how.received && got != f.passedOn(t) {
		t.Errorf("%s, %s: the next caller gets %v; want %v", how.name, k.name, got, f.passedOn(t))
	}
}

// passedOn is the code that the next caller gets: only what was stated passes,
// besides what gRPC itself makes of an unreachable or a slow server.
func (f fixture) passedOn(t *testing.T) codes.Code {
	switch origin := f.origin(t); {
	case origin == status.OriginKnown, origin == status.OriginNumeric:
	case f.Sees.Code.code() == grpccodes.Unavailable, f.Sees.Code.code() == grpccodes.DeadlineExceeded:
	default:
		return codes.ServerInternal
	}
	return f.code()
}
