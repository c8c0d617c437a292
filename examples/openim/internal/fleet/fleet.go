// Package fleet has the servers and clients of an OpenIM fleet that moves to
// errstatus: OpenIM's own of today, and those with errstatus. They speak OpenIM's
// service Auth, of which one method is used: parseToken, whose handler fails as it
// is told to.
package fleet

import (
	"context"
	"log/slog"
	"net"

	"github.com/openimsdk/protocol/auth"
	"github.com/openimsdk/tools/apiresp"
	"github.com/openimsdk/tools/log"
	"github.com/openimsdk/tools/mcontext"
	"github.com/openimsdk/tools/mw"
	openimclient "github.com/openimsdk/tools/mw/grpc/client"
	openimserver "github.com/openimsdk/tools/mw/grpc/server"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/errstatus/errstatus/examples/openim/service"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// A Server is a way of running one.
type Server struct {
	Name    string
	Options []grpc.ServerOption
}

// The servers.
var (
	// OldMW is OpenIM's older chain, of one interceptor.
	OldMW = Server{"OpenIM mw", []grpc.ServerOption{mw.GrpcServer()}}

	// OldConvert is OpenIM's newer one, in the order in which open-im-server has it.
	OldConvert = Server{"OpenIM convert", []grpc.ServerOption{
		openimserver.GrpcServerMetadataContext(),
		openimserver.GrpcServerErrorConvert(),
		openimserver.GrpcServerRequestValidate(),
		openimserver.GrpcServerPanicCapture(),
	}}
)

// New is a server with errstatus, whose handlers go on returning CodeErrors, and
// which sends their details as OpenIM's does.
func New(mode interceptor.OpenIMMode) Server {
	return Server{"errstatus " + mode.String(), service.ServerOptions(interceptor.ExposeCodeErrorDetail(), interceptor.WithOpenIMForm(mode))}
}

// A Client is a way of making calls, and of reading their errors.
type Client struct {
	Name    string
	Options []grpc.DialOption
	Read    func(error) Reading
}

// A Reading is what a caller sees of an error; the zero Reading is success.
type Reading struct {
	Code        int
	Msg, Detail string
}

// The clients.
var (
	// OldClientMW is OpenIM's older client.
	OldClientMW = Client{"OpenIM mw", []grpc.DialOption{mw.GrpcClient()}, readCodeError}

	// OldClientConvert is OpenIM's newer one.
	OldClientConvert = Client{"OpenIM convert", []grpc.DialOption{
		openimclient.GrpcClientContext(),
		openimclient.GrpcClientErrorConvert(),
	}, readCodeError}

	// NewClient has errstatus, and reads codes.
	NewClient = Client{"errstatus",
		append([]grpc.DialOption{openimclient.GrpcClientContext()}, interceptor.DialOptions(interceptor.WithCanonicalAnnouncement())...),
		readStatus}

	// AdaptedClient has errstatus, for callers that still read CodeErrors.
	AdaptedClient = Client{"errstatus, adapter", service.DialOptions(interceptor.WithCanonicalAnnouncement()), readCodeError}
)

// readCodeError reads as OpenIM's API does.
func readCodeError(err error) Reading {
	resp := apiresp.ParseError(err)
	return Reading{resp.ErrCode, resp.ErrMsg, resp.ErrDlt}
}

func readStatus(err error) Reading {
	if err == nil {
		return Reading{}
	}
	st := status.Convert(err)
	detail, _ := status.OpenIMDetail(err)
	return Reading{int(st.Code().Number()), st.Message(), detail}
}

// An authServer's parseToken fails with what fail returns for the token.
type authServer struct {
	auth.UnimplementedAuthServer
	fail func(ctx context.Context, token string) error
}

func (s *authServer) ParseToken(ctx context.Context, req *auth.ParseTokenReq) (*auth.ParseTokenResp, error) {
	if err := s.fail(ctx, req.GetToken()); err != nil {
		return nil, err
	}
	return &auth.ParseTokenResp{}, nil
}

// A Running server.
type Running struct {
	server   *grpc.Server
	listener *bufconn.Listener
}

// Serve starts a server in this process, whose handler fails with what fail
// returns for a token.
func (s Server) Serve(fail func(ctx context.Context, token string) error) *Running {
	r := &Running{grpc.NewServer(s.Options...), bufconn.Listen(64 << 10)}
	auth.RegisterAuthServer(r.server, &authServer{fail: fail})
	go r.server.Serve(r.listener)
	return r
}

// Stop ends the server and its connections.
func (r *Running) Stop() { r.server.Stop() }

// Dial connects to a running server.
func (c Client) Dial(to *Running) (*grpc.ClientConn, error) {
	dialer := func(ctx context.Context, _ string) (net.Conn, error) { return to.listener.DialContext(ctx) }
	return grpc.NewClient("passthrough:///auth", append([]grpc.DialOption{
		grpc.WithContextDialer(dialer), grpc.WithTransportCredentials(insecure.NewCredentials()),
	}, c.Options...)...)
}

// ParseToken calls the method as OpenIM's services do, which give every call an
// operation's ID.
func ParseToken(conn *grpc.ClientConn, token string) error {
	ctx := mcontext.NewCtx("example")
	_, err := auth.NewAuthClient(conn).ParseToken(ctx, &auth.ParseTokenReq{Token: token})
	return err
}

// Quiet ends the logging of errors that callers don't read, and that of OpenIM's
// packages, which print each call by default.
func Quiet() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	// It can fail for a file only, and gets none.
	_ = log.InitLoggerFromConfig("", "", "", "", log.LevelFatal, false, false, "", 0, 0, "", false)
}
