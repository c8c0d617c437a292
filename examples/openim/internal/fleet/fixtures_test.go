package fleet_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/openimsdk/protocol/errinfo"
	"github.com/openimsdk/tools/errs"
	"github.com/openimsdk/tools/mw"
	openimclient "github.com/openimsdk/tools/mw/grpc/client"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

func TestMain(m *testing.M) {
	fleet.Quiet()
	os.Exit(m.Run())
}

// A fixture is a recorded answer of an OpenIM server, with what OpenIM's clients read
// from it.
type fixture struct {
	Name      string
	ErrorCode *int                                  `json:"error_code"`
	Code      int64                                 `json:"grpc_status"`
	Message   string                                `json:"grpc_message"`
	Details   *string                               `json:"details_bin_base64"`
	Client    struct{ MW, Convert json.RawMessage } `json:"openim_client"`
}

// fixtures returns the fixtures that have a raw number and a client's reading.
func fixtures(t *testing.T) (all []fixture) {
	t.Helper()
	file, err := os.Open("../../../../internal/e2e/testdata/openim.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var f fixture
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		if f.Code > 16 && f.Code < 1<<31 && f.Client.MW != nil {
			all = append(all, f)
		}
	}
	if want := 150; len(all) < want {
		t.Fatalf("%d fixtures; want at least %d", len(all), want)
	}
	return all
}

// status returns the recorded gRPC status.
func (f fixture) status(t *testing.T) *grpcstatus.Status {
	t.Helper()
	p := &spb.Status{Code: int32(f.Code), Message: f.Message}
	if f.Details != nil {
		b, err := base64.StdEncoding.DecodeString(*f.Details)
		if err != nil {
			t.Fatal(err)
		}
		if err := proto.Unmarshal(b, p); err != nil {
			t.Fatal(err)
		}
	}
	return grpcstatus.FromProto(p)
}

// reading decodes what an OpenIM client read.
func reading(t *testing.T, text json.RawMessage) (r fleet.Reading) {
	t.Helper()
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// dial starts a server and connects every client to it.
func dial(t *testing.T, server fleet.Server, fail func(context.Context, string) error, clients ...fleet.Client) map[string]*grpc.ClientConn {
	t.Helper()
	running := server.Serve(fail)
	t.Cleanup(running.Stop)
	conns := make(map[string]*grpc.ClientConn)
	for _, c := range clients {
		conn, err := c.Dial(running)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conns[c.Name] = conn
	}
	return conns
}

// An errstatus server forwards an upstream's answer in the numeric form. OpenIM's
// clients read from it what they read from the upstream's own answer. There are two
// differences: a number without a row is withheld, and an empty message is the row's.
func TestOpenIMClientsReadForwardedErrors(t *testing.T) {
	var handlers error
	fail := func(context.Context, string) error { return handlers }
	old := []fleet.Client{fleet.OldClientMW, fleet.OldClientConvert}
	for _, mode := range []interceptor.OpenIMMode{interceptor.OpenIMAlways, interceptor.OpenIMNegotiated} {
		conns := dial(t, fleet.New(mode), fail, old...)
		for _, f := range fixtures(t) {
			handlers = new(status.Decoder).Decode(t.Context(), f.status(t).Err())
			for _, c := range old {
				want := reading(t, f.Client.MW)
				if c.Name == fleet.OldClientConvert.Name {
					want = reading(t, f.Client.Convert)
				}
				row, known := codes.Default().Lookup(codes.Number(f.Code))
				switch {
				case !known:
					want = fleet.Reading{Code: 500, Msg: "internal server error"}
				case f.Message == "":
					want.Msg = row.Message
				}
				if got := c.Read(fleet.ParseToken(conns[c.Name], "x")); got != want {
					t.Errorf("%s, form %v: client %s reads %+v; want %+v", f.Name, mode, c.Name, got, want)
				}
			}
		}
	}
}

// OpenIMDetail parses OpenIM's detail by hand. It returns the same text as OpenIM's
// generated package, which this test links.
func TestOpenIMDetailMatchesOpenIMsPackage(t *testing.T) {
	compared := 0
	for _, f := range fixtures(t) {
		details := f.status(t).Details()
		if len(details) == 0 {
			continue
		}
		info, ok := details[0].(*errinfo.ErrorInfo)
		if !ok {
			t.Fatalf("%s: the first detail is a %T; want OpenIM's ErrorInfo", f.Name, details[0])
		}
		compared++
		if text, ok := status.OpenIMDetail(f.status(t).Err()); !ok || text != info.GetCause() {
			t.Errorf("%s: OpenIMDetail() = %q, %t; want %q", f.Name, text, ok, info.GetCause())
		}
	}
	if compared < 80 {
		t.Errorf("compared %d details; want at least 80", compared)
	}
	// In a program that links OpenIM's package, Details returns its message type.
	st := status.FromGRPC(grpcstatus.FromProto(&spb.Status{Code: 1004, Details: fixtures(t)[0].status(t).Proto().Details}))
	if _, ok := st.Details()[1].(*errinfo.ErrorInfo); !ok {
		t.Errorf("Details() = %v; want google.rpc.ErrorInfo and OpenIM's", st.Details())
	}
}

// A server may keep OpenIM's interceptor after errstatus's in the chain. errstatus then
// gets a status with a raw number and sends the code that it stands for.
func TestOpenIMInterceptorInside(t *testing.T) {
	server := fleet.Server{Name: "both", Options: append(interceptor.ServerOptions(), mw.GrpcServer())}
	fail := func(context.Context, string) error { return errs.ErrTokenExpired.WrapMsg("since noon") }
	conn := dial(t, server, fail, fleet.NewClient)[fleet.NewClient.Name]
	err := fleet.ParseToken(conn, "x")
	if got := fleet.NewClient.Read(err); got != (fleet.Reading{Code: 1501, Msg: "TokenExpiredError", Detail: "since noon"}) || grpcstatus.Code(err) != grpccodes.Unauthenticated {
		t.Errorf("the client reads %+v with canonical code %v; want 1501, message and detail, with Unauthenticated", got, grpcstatus.Code(err))
	}
}

// OpenIM's client interceptor replaces the outgoing metadata. If it runs after
// errstatus's, the announcement is lost and the client gets the numeric form.
func TestAnnouncementBeforeOpenIMMetadata(t *testing.T) {
	before := fleet.Client{Name: "before", Options: append(interceptor.DialOptions(interceptor.WithCanonicalAnnouncement()), openimclient.GrpcClientContext())}
	conns := dial(t, fleet.New(interceptor.OpenIMNegotiated), func(context.Context, string) error { return errs.ErrArgs }, before, fleet.NewClient)
	for name, want := range map[string]grpccodes.Code{before.Name: 1001, fleet.NewClient.Name: grpccodes.InvalidArgument} {
		if err := fleet.ParseToken(conns[name], "x"); grpcstatus.Code(err) != want || status.Code(err) != codes.Args {
			t.Errorf("%s: the server sent %v and the client reads %v; want %v and Args", name, grpcstatus.Code(err), status.Code(err), want)
		}
	}
}

// source returns the error that the handler of a fixture returned. It returns nil if
// the fixture does not come from a CodeError that this test can rebuild.
func (f fixture) source() error {
	_, title, _ := strings.Cut(f.Name, "/")
	if name, ok := strings.CutPrefix(title, "seed/"); ok && f.ErrorCode != nil {
		return errs.NewCodeError(*f.ErrorCode, name+"Error").WrapMsg("seed", "n", *f.ErrorCode)
	}
	if name, ok := strings.CutPrefix(title, "errs."); ok {
		name, method, _ := strings.Cut(name, ".")
		e := named[name]
		switch method {
		case "Wrap":
			return e.Wrap()
		case "WrapMsg":
			return e.WrapMsg("lookup failed", "userID", "u1")
		case "WithDetail":
			return e.WithDetail("row 42")
		}
		return e
	}
	return titled[title]
}

var named = map[string]errs.CodeError{
	"ErrArgs": errs.ErrArgs, "ErrNoPermission": errs.ErrNoPermission, "ErrInternalServer": errs.ErrInternalServer, "ErrRecordNotFound": errs.ErrRecordNotFound,
	"ErrDuplicateKey": errs.ErrDuplicateKey, "ErrTokenExpired": errs.ErrTokenExpired, "ErrTokenInvalid": errs.ErrTokenInvalid, "ErrTokenMalformed": errs.ErrTokenMalformed,
	"ErrTokenNotValidYet": errs.ErrTokenNotValidYet, "ErrTokenUnknown": errs.ErrTokenUnknown, "ErrTokenKicked": errs.ErrTokenKicked,
	"ErrTokenNotExist": errs.ErrTokenNotExist, "ErrOrgUserNoPermissionError": errs.ErrOrgUserNoPermissionError,
}

var titled = map[string]error{
	"detail/wrapmsg_after_detail":   errs.ErrRecordNotFound.WithDetail("a").WrapMsg("b", "k", 1),
	"detail/unicode":                errs.ErrRecordNotFound.WithDetail("用户不存在 🚫"),
	"msg/unicode":                   errs.NewCodeError(1004, "找不到记录 100%"),
	"msg/looks_like_status":         errs.NewCodeError(1004, "rpc error: code = NotFound desc = x"),
	"msg/newline_and_percent":       errs.NewCodeError(1001, "line1\nline2\t50%25 \"q\""),
	"msg/invalid_utf8":              errs.NewCodeError(1004, "bad \xff byte"),
	"wrapped/fmt.Errorf":            fmt.Errorf("load user u1: %w", errs.ErrRecordNotFound),
	"wrapped/fmt.Errorf_of_WrapMsg": fmt.Errorf("load user u1: %w", errs.ErrRecordNotFound.WrapMsg("find", "id", 7)),
	"wrapped/twice":                 fmt.Errorf("a: %w", fmt.Errorf("b: %w", errs.ErrRecordNotFound)),
	"wrapped/errors.Join":           errors.Join(errors.New("first"), errs.ErrRecordNotFound),
	"wrapped/errors.Join_two_codes": errors.Join(errs.ErrNoPermission, errs.ErrRecordNotFound),
}

// If a handler returns a CodeError, OpenIM's clients read the same from an errstatus
// server as from OpenIM's. The only difference: OpenIM's older server repeats the
// message as the detail if there is no detail.
func TestOpenIMClientsReadCodeErrors(t *testing.T) {
	var handlers error
	old := []fleet.Client{fleet.OldClientMW, fleet.OldClientConvert}
	conns := dial(t, fleet.New(interceptor.OpenIMNegotiated), func(context.Context, string) error { return handlers }, old...)
	compared := 0
	for _, f := range fixtures(t) {
		if handlers = f.source(); handlers == nil {
			continue
		}
		compared++
		for i, want := range []fleet.Reading{reading(t, f.Client.MW), reading(t, f.Client.Convert)} {
			if repeats := strings.HasPrefix(f.Name, "mw."); repeats && want.Detail == want.Msg {
				want.Detail = ""
			}
			if *f.ErrorCode == 0 {
				want = fleet.Reading{Code: 500, Msg: "internal server error"} // NoError, returned as an error, is a bug
			}
			if got := old[i].Read(fleet.ParseToken(conns[old[i].Name], "x")); got != want {
				t.Errorf("%s: client %s reads %+v; want %+v", f.Name, old[i].Name, got, want)
			}
		}
	}
	if compared < 125 {
		t.Errorf("compared %d errors; want at least 125", compared)
	}
}
