package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
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
	"golang.org/x/net/http2/hpack"
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

// Statuses of servers without errstatus. Each line of testdata/foreign.jsonl is a recorded
// answer of grpc-js, of Python's grpcio, or of a server without any gRPC library.

// A fixture is a line of the file.
type fixture struct {
	Name         string  // "server/case"
	Status       *int64  `json:"grpc_status"`
	Message      *string `json:"grpc_message_raw"`
	Details      *string `json:"details_bin_base64"`
	TrailersOnly bool    `json:"trailers_only"`
	Messages     int

	// Wire has the whole answer if the fields above aren't enough.
	Wire *struct {
		Headers, Trailers fieldList
		Data              bool // the body is a page of HTML
	}

	// Expect has the code that a reader of OpenIM's domain should find, nil for none.
	// If Open isn't empty, several codes are reasonable: Also has the others, and Open
	// says why.
	Expect struct {
		Code *int32
		Also []*int32
		Open string
	}

	// Sees has what a plain grpc-go client reads.
	Sees struct {
		Code    anyCode
		Message string
		Details []string // type URLs
	} `json:"grpc_go_sees"`
}

// An anyCode is any number of 32 bits. The JSON decoder of grpccodes.Code accepts only
// canonical codes.
type anyCode uint32

func (c anyCode) code() grpccodes.Code { return grpccodes.Code(c) }

// A fieldList is decoded from a JSON object and keeps its order.
type fieldList wiretest.Block

func (l *fieldList) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.Token() // the opening brace
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

// foreign returns all fixtures.
func foreign(t testing.TB) []fixture {
	t.Helper()
	return testrpc.Recorded[fixture](t, "testdata/foreign.jsonl", 93)
}

// reply returns the recorded answer.
func (f fixture) reply() wiretest.Reply {
	if f.Wire != nil {
		r := wiretest.Reply{Headers: wiretest.Block(f.Wire.Headers), Trailers: wiretest.Block(f.Wire.Trailers)}
		if f.Wire.Data {
			r.Body = []byte("<html>no</html>")
		}
		return r
	}
	if f.TrailersOnly {
		return f.trailersOnly()
	}
	body := wiretest.LengthPrefixed(make([][]byte, f.Messages)...)
	return wiretest.Reply{Headers: responseHeaders(), Body: body, Trailers: f.trailers()}
}

// trailersOnly returns the recorded status in a single header block.
func (f fixture) trailersOnly() wiretest.Reply {
	return wiretest.Reply{Headers: append(responseHeaders(), f.trailers()...)}
}

func responseHeaders() wiretest.Block {
	return wiretest.Block{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"}}
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

// A decision is the code that the documentation of status.Decoder gives for a case
// in which several are reasonable.
type decision struct {
	code codes.Code // nil for none
	why  string
}

const (
	notCanonical = "a number must be a plain decimal, and a number with a row is ignored if the reason has no row"
	withoutRow   = "a raw number carries a code only if a table has a row for it"
	notSeen      = "gRPC replaces the status by INTERNAL before errstatus reads it"
	onlyDetails  = "no code is read from a message, or from a detail other than google.rpc.ErrorInfo"
)

// decided has the decision for each open case and for one other case. It holds for all
// servers.
var decided = map[string]decision{
	"errorinfo/domain_other_case":                       {nil, "domains are compared exactly"},
	"errorinfo/code_spaces":                             {nil, notCanonical},
	"errorinfo/code_leading_zeros":                      {nil, notCanonical},
	"errorinfo/no_code":                                 {codes.RecordNotFound, "the reason decides before the number, and needs none"},
	"errorinfo/two_of_ours":                             {codes.RecordNotFound, "the first ErrorInfo of a known domain counts"},
	"errorinfo/broken_first":                            {codes.RecordNotFound, "an ErrorInfo that can't be decoded is skipped"},
	"details/legacy_only_canonical_status":              {nil, onlyDetails},
	"unknown/other_host":                                {codes.RecordNotFound, "the type is the part of the type URL after the last slash"},
	"message/spaces_around":                             {codes.RecordNotFound, "the message doesn't affect the code"},
	"nodetails/looks_like_openim":                       {nil, onlyDetails},
	"legacy/errorinfo_disagrees":                        {codes.TokenExpired, "an ErrorInfo decides before a raw number"},
	"legacy/inner_code_disagrees":                       {nil, notSeen},
	"mismatch/inner_code":                               {nil, notSeen},
	"mismatch/inner_code_zero":                          {nil, notSeen},
	"mismatch/details_of_unauthenticated_under_unknown": {nil, notSeen},
	"base64/comma_joined":                               {nil, notSeen},
	"base64/empty_value":                                {nil, notSeen},
	"status/negative":                                   {nil, "a negative number isn't a code"},

	// These cases aren't open.
	"legacy/99": {nil, withoutRow},
}

// title returns the name of the case, without the server.
func (f fixture) title() string {
	_, title, _ := strings.Cut(f.Name, "/")
	return title
}

// code returns the code that the caller should read, nil for none.
func (f fixture) code() codes.Code {
	if d, ok := decided[f.title()]; ok {
		return d.code
	}
	if f.Expect.Code == nil {
		return nil
	}
	return codes.Default().Code(codes.Number(*f.Expect.Code))
}

// codeIfAssumed returns code or, if the client assumes codes, the assumed code of a status
// without an ErrorInfo. A number outside 0..16 is no canonical code, so that it has none.
func (f fixture) codeIfAssumed(t *testing.T, assumes bool) codes.Code {
	if code := f.code(); code != nil || !assumes || f.origin(t) != status.OriginBare || f.Sees.Code.code() > grpccodes.Unauthenticated {
		return code
	}
	return codes.Default().DefaultFor(f.canonical())
}

// canonical returns the canonical code that the caller should read of a status that carries
// no code.
func (f fixture) canonical() grpccodes.Code {
	if code := f.Sees.Code.code(); code <= grpccodes.Unauthenticated {
		return code
	}
	return grpccodes.Unknown
}

// origin returns the origin that the caller should read. It depends on the domains
// in the details, if gRPC decodes them, and on the number.
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

// domains returns the domain of each ErrorInfo that can be decoded.
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
			return *number == int32(d.code.Number())
		})
		if !ok || !allowed {
			t.Errorf("%s: the decision for the open case (%s) is %v; want a code that the fixture allows", f.Name, f.Expect.Open, d)
		}
	}
	for title := range decided {
		if !used[title] {
			t.Errorf("there is a decision for %s, but no fixture of that name; want none", title)
		}
	}
}

// replayed are the kinds of call that a fixture can answer.
var replayed = []testrpc.Kind{testrpc.Unary, testrpc.ServerStream}

// replaying returns a server that replays fixtures, a client with errstatus and a plain
// client.
func replaying(t *testing.T) (server *wiretest.Server, client, plain testgrpc.TestServiceClient) {
	t.Helper()
	server = wiretest.NewServer(t, wiretest.Reply{})
	return server, replayingClient(t, server, interceptor.DialOptions()), replayingClient(t, server, nil)
}

// replayingClient returns a client of a server that replays fixtures.
func replayingClient(t *testing.T, server *wiretest.Server, opts []grpc.DialOption) testgrpc.TestServiceClient {
	t.Helper()
	return testgrpc.NewTestServiceClient(testrpc.Dial(t, "passthrough:///"+server.Addr(), opts))
}

// everyCode returns the codes that a status without a code must not be taken for.
func everyCode(t *testing.T) (all []codes.Code) {
	t.Helper()
	for _, c := range append(testrpc.EveryCode(t), 99) {
		all = append(all, c)
	}
	return all
}

func TestForeignStatusesAreRead(t *testing.T) {
	server, _, plain := replaying(t)
	for _, c := range bareClients {
		client := replayingClient(t, server, interceptor.DialOptions(c.opts...))
		for _, f := range foreign(t) {
			t.Run(c.name+"/"+f.Name, func(t *testing.T) {
				server.SetReply(f.reply())
				for _, k := range replayed {
					arrived, err := k.Call(t.Context(), client)
					if k.Success == io.EOF && arrived != f.Messages {
						t.Errorf("%s: %d messages arrived; want %d", k.Name, arrived, f.Messages)
					}
					if f.Sees.Code == 0 {
						if err != k.Success {
							t.Errorf("%s: the call ended with %v; want %v, a success", k.Name, err, k.Success)
						}
						continue
					}
					f.checkCode(t, k.Name, err, c.assumes)
					_, received := k.Call(t.Context(), plain)
					f.checkGRPCStatus(t, k.Name, err, received)
				}
			})
		}
	}
}

// checkCode checks that err is an error with the fixture's code and origin.
func (f fixture) checkCode(t *testing.T, name string, err error, assumes bool) {
	t.Helper()
	st := status.Convert(err)
	if err == nil || err == io.EOF || grpcstatus.Code(err) == grpccodes.OK || st.Code().Number() == 0 || st.GRPCCode() == grpccodes.OK {
		t.Fatalf("%s: the call ended with %v, which has code OK somewhere; want an error", name, err)
	}
	want := f.codeIfAssumed(t, assumes)
	if want == nil {
		checkNoCode(t, name, err, codes.SdkUnknownCode, everyCode(t)...)
		if got := st.GRPCCode(); got != f.canonical() {
			t.Errorf("%s: the canonical code is %v; want %v", name, got, f.canonical())
		}
	} else if got, declared := status.Declared(err); got != want || !declared || got != st.Code() || got != status.Code(err) || !errors.Is(err, want) {
		t.Errorf("%s: the code is %v, declared %t; want %v, true, and errors.Is finds it (%s)", name, got, declared, want, decided[f.title()].why)
	}
	if got, want := st.Origin(), f.origin(t); got != want {
		t.Errorf("%s: the origin is %v; want %v", name, got, want)
	}
}

// checkGRPCStatus checks that gRPC's functions read from err the same status as a plain
// client does, and the same as when the fixture was recorded.
func (f fixture) checkGRPCStatus(t *testing.T, name string, err, received error) {
	t.Helper()
	want := grpcstatus.Convert(received).Proto()
	if diff := cmp.Diff(want, grpcstatus.Convert(err).Proto(), protocmp.Transform()); diff != "" {
		t.Errorf("%s: gRPC's status (-plain client's +errstatus client's):\n%s", name, diff)
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

// sameMessage reports whether two messages are equal, except for bytes that aren't UTF-8,
// which a recording can't keep, and for the spaces with which gRPC prints a protobuf
// message, which differ between builds.
func sameMessage(want, got string) bool {
	if strings.HasPrefix(want, "grpc-status-details-bin mismatch") {
		return slices.Equal(strings.Fields(want), strings.Fields(got))
	}
	return want == strings.ToValidUTF8(got, "\uFFFD") // like JSON
}

// A forwarding is a way for a handler to return an error that it received.
type forwarding struct {
	name     string
	plain    bool // the handler's client is plain gRPC
	assumes  bool // the handler's client assumes codes
	received bool // the returned error is a received one, so that trust applies
	details  bool // the handler adds a detail, so that the status is its own statement
	of       func(error) error
}

var forwardings = []forwarding{
	{name: "unchanged", received: true, of: func(err error) error { return err }},
	{name: "unchanged, with assumed codes", assumes: true, received: true, of: func(err error) error { return err }},
	{name: "under %w", received: true, of: func(err error) error { return fmt.Errorf("upstream: %w", err) }},
	{name: "joined", received: true, of: func(err error) error { return errors.Join(errors.New("upstream"), err) }},
	{name: "its Status as an error", received: true, of: func(err error) error { return status.Convert(err).Err() }},
	{name: "with a detail", details: true, of: func(err error) error { return status.Convert(err).WithDetails(testrpc.BadRequest()).Err() }},
	{name: "with a detail, with assumed codes", assumes: true, details: true, of: func(err error) error { return status.Convert(err).WithDetails(testrpc.BadRequest()).Err() }},
	{name: "its gRPC status as an error", of: func(err error) error { return grpcstatus.Convert(err).Err() }},
	{name: "from a plain client", plain: true, of: func(err error) error { return err }},
	{name: "from a plain client, with a detail", plain: true, details: true, of: func(err error) error { return status.Convert(err).WithDetails(testrpc.BadRequest()).Err() }},
}

func TestForwardedForeignStatusesAreValid(t *testing.T) {
	upstream, withErrstatus, plain := replaying(t)
	assuming := replayingClient(t, upstream, interceptor.DialOptions(interceptor.WithAssumedCodes()))
	svc := testrpc.Returning(nil)
	client := wiretest.Dial(t, strings.TrimPrefix(serveTCP(t, svc), "http://"))
	for _, f := range foreign(t) {
		t.Run(f.Name, func(t *testing.T) {
			upstream.SetReply(f.reply())
			for _, how := range forwardings {
				from := withErrstatus
				switch {
				case how.plain:
					from = plain
				case how.assumes:
					from = assuming
				}
				svc.Run(testrpc.AtOpen, how.handler(from))
				for _, k := range replayed {
					f.checkForwarded(t, how, client, k)
				}
			}
		})
	}
}

// handler returns a handler that calls upstream and forwards its error.
func (how forwarding) handler(upstream testgrpc.TestServiceClient) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := testrpc.CallUnary(ctx, upstream); err != nil {
			return how.of(err)
		}
		return nil
	}
}

func (f fixture) checkForwarded(t *testing.T, how forwarding, client *wiretest.Conn, k testrpc.Kind) {
	t.Helper()
	answer, err := client.Call(wiretest.Request{Method: "/grpc.testing.TestService/" + k.Method, Messages: [][]byte{nil}})
	if err != nil {
		t.Fatalf("%s, %s: %v", how.name, k.Name, err)
	}
	if f.Sees.Code == 0 {
		if got := answer.Trailers().Get("grpc-status"); got != "0" {
			t.Errorf("%s, %s: grpc-status is %q; want 0", how.name, k.Name, got)
		}
		return
	}
	st, err := answer.Trailers().Failure()
	if err != nil || !answer.TrailersOnly() {
		t.Fatalf("%s, %s: the answer is %+v (%v); want a valid failure in one header block", how.name, k.Name, answer, err)
	}
	if how.details && len(st.Details) == 0 {
		t.Errorf("%s, %s: there are no details; want the handler's", how.name, k.Name)
	}
	want, canonical := f.forwarded(t, how)
	got := status.FromGRPC(grpcstatus.FromProto(st))
	if want != nil {
		if code, declared := status.Declared(got.Err()); code != want || !declared {
			t.Errorf("%s, %s: the next caller gets %v, declared %t; want %v, true", how.name, k.Name, code, declared, want)
		}
		if how.assumes && f.code() == nil && testrpc.MadeByGRPC(canonical) && got.Message() != codes.RowOf(want).Message {
			t.Errorf("%s, %s: the message is %q; want the row's, because gRPC itself may have made the upstream's", how.name, k.Name, got.Message())
		}
		return
	}
	checkNoCode(t, how.name+", "+k.Name, got.Err(), codes.SdkUnknownCode, everyCode(t)...)
	if got.GRPCCode() != canonical {
		t.Errorf("%s, %s: the next caller gets canonical code %v; want %v", how.name, k.Name, got.GRPCCode(), canonical)
	}
	if fixed := !how.plain && (how.received || how.details); fixed && got.Message() != upstreamMessage(canonical) {
		t.Errorf("%s, %s: the next caller gets the message %q; want %q", how.name, k.Name, got.Message(), upstreamMessage(canonical))
	}
}

// upstreamMessage returns the fixed message for an upstream's status that carries no code.
func upstreamMessage(c grpccodes.Code) string {
	switch c {
	case grpccodes.Unavailable:
		return "an upstream service is unavailable"
	case grpccodes.DeadlineExceeded:
		return "an upstream service did not answer in time"
	}
	return "an upstream service failed"
}

// forwarded returns the code that the next caller gets, nil for none, and the canonical
// code of a status without one. A received status that carries no code is withheld unless
// the handler restates it.
func (f fixture) forwarded(t *testing.T, how forwarding) (codes.Code, grpccodes.Code) {
	code, canonical := f.codeIfAssumed(t, how.assumes), f.canonical()
	isRaw := f.Sees.Code.code() > grpccodes.Unauthenticated
	switch {
	case code != nil, how.details:
		return code, canonical
	case how.received && (canonical == grpccodes.Unavailable || canonical == grpccodes.DeadlineExceeded):
		return nil, canonical
	case how.received, isRaw:
		return codes.ServerInternal, grpccodes.Internal
	}
	return nil, canonical
}
