// Package fleet has the servers and clients of an OpenIM fleet that migrates to
// errstatus: OpenIM's own and those with errstatus. They use one method of OpenIM's
// service Auth, parseToken. A function decides how its handler fails.
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

// A Server is a server's name and options. Serve runs it.
type Server struct {
	Name    string
	Options []grpc.ServerOption
}

// OpenIM's own servers.
var (
	// OldMW has OpenIM's older server interceptor.
	OldMW = Server{"OpenIM mw", []grpc.ServerOption{mw.GrpcServer()}}

	// OldConvert has OpenIM's newer server interceptors in open-im-server's order.
	OldConvert = Server{"OpenIM convert", []grpc.ServerOption{
		openimserver.GrpcServerMetadataContext(),
		openimserver.GrpcServerErrorConvert(),
		openimserver.GrpcServerRequestValidate(),
		openimserver.GrpcServerPanicCapture(),
	}}
)

// New returns a server with errstatus. Its handlers still return CodeErrors, and it
// sends their details as OpenIM's servers do.
func New(mode interceptor.OpenIMMode) Server {
	return Server{"errstatus " + mode.String(), service.ServerOptions(interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail), interceptor.WithOpenIMForm(mode))}
}

// A Client is a client's name and options, and a function that reads its errors.
type Client struct {
	Name    string
	Options []grpc.DialOption
	Read    func(error) Reading
}

// A Reading is what a caller reads from an error. The zero Reading is success.
type Reading struct {
	Code        int
	Msg, Detail string
}

// The clients.
var (
	// OldClientMW has OpenIM's older client interceptor.
	OldClientMW = Client{"OpenIM mw", []grpc.DialOption{mw.GrpcClient()}, readCodeError}

	// OldClientConvert has OpenIM's newer client interceptors.
	OldClientConvert = Client{"OpenIM convert", []grpc.DialOption{
		openimclient.GrpcClientContext(),
		openimclient.GrpcClientErrorConvert(),
	}, readCodeError}

	// NewClient has errstatus and reads codes.
	NewClient = Client{"errstatus",
		append([]grpc.DialOption{openimclient.GrpcClientContext()}, interceptor.DialOptions(interceptor.WithCanonicalAnnouncement())...),
		readStatus}

	// AdaptedClient has errstatus and the adapter, for callers that read CodeErrors.
	AdaptedClient = Client{"errstatus, adapter", service.DialOptions(interceptor.WithCanonicalAnnouncement()), readCodeError}
)

// readCodeError reads an error as OpenIM's API does.
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

// An authServer's parseToken returns fail's error for the token.
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

// A Running is a started server.
type Running struct {
	server   *grpc.Server
	listener *bufconn.Listener
}

// Serve starts the server in this process. Its handler returns fail's error for the
// token of the call.
func (s Server) Serve(fail func(ctx context.Context, token string) error) *Running {
	r := &Running{grpc.NewServer(s.Options...), bufconn.Listen(64 << 10)}
	auth.RegisterAuthServer(r.server, &authServer{fail: fail})
	go r.server.Serve(r.listener)
	return r
}

// Stop stops the server and closes its connections.
func (r *Running) Stop() { r.server.Stop() }

// Dial connects to a running server.
func (c Client) Dial(to *Running) (*grpc.ClientConn, error) {
	dialer := func(ctx context.Context, _ string) (net.Conn, error) { return to.listener.DialContext(ctx) }
	return grpc.NewClient("passthrough:///auth", append([]grpc.DialOption{
		grpc.WithContextDialer(dialer), grpc.WithTransportCredentials(insecure.NewCredentials()),
	}, c.Options...)...)
}

// ParseToken calls the method with an operation's ID, as OpenIM's services do.
func ParseToken(conn *grpc.ClientConn, token string) error {
	ctx := mcontext.NewCtx("example")
	_, err := auth.NewAuthClient(conn).ParseToken(ctx, &auth.ParseTokenReq{Token: token})
	return err
}

// Quiet turns off the default log of errstatus and that of OpenIM's packages, which
// log each call.
func Quiet() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	// It can fail only for a log file, and has none.
	_ = log.InitLoggerFromConfig("", "", "", "", log.LevelFatal, false, false, "", 0, 0, "", false)
}
