package main

import (
	"context"
	"net/http"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/examples/web/accountspb/accountspbconnect"
	connectstatus "github.com/errstatus/errstatus/integrations/connect"
	"github.com/errstatus/errstatus/integrations/gateway"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// maxBody limits the body of a request.
const maxBody = 64 << 10

// dial returns a connection to the gRPC server. The gateway forwards every status that the
// server sends, also those without a code.
func dial(address string) (*grpc.ClientConn, error) {
	options := interceptor.DialOptions(
		interceptor.WithTable(accountspb.AccountCode(0).Table()),
		interceptor.WithUpstreamTrust(status.TrustAll),
	)
	return grpc.NewClient(address, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
}

// newHandler returns the handler of everything that HTTP reaches.
func newHandler(conn *grpc.ClientConn, rules *interceptor.Server) (http.Handler, error) {
	writer := &statushttp.Writer{
		Encoder: rules,
		TypeURI: func(domain, reason string) string { return "https://" + domain + "/codes#" + reason },
	}
	openIM := &statushttp.Writer{Encoder: rules, Forms: []statushttp.Form{statushttp.FormOpenIM}}

	mux := http.NewServeMux()
	for prefix, w := range map[string]*statushttp.Writer{"": writer, "/openim": openIM} {
		gatewayMux := runtime.NewServeMux(append(gateway.Options(w), gateway.ForwardRequestID())...)
		if err := accountspb.RegisterAccountServiceHandler(context.Background(), gatewayMux, conn); err != nil {
			return nil, err
		}
		mux.Handle(prefix+"/v1/", http.StripPrefix(prefix, gatewayMux))
	}

	connectServer := connect.NewServer(connectstatus.ServerInterceptor(rules))
	accountspbconnect.RegisterAccountServiceHandler(connectServer, connectAccounts{})
	connecthttp.Mount(mux, connectServer)

	mux.Handle("POST /plain/users", writer.Handler(handlePlain))
	mux.Handle("POST /grpc/users", writer.Handler(reader{accountspb.NewAccountServiceClient(conn)}.handle))
	handler := http.NewCrossOriginProtection().Handler(withRequestID(mux)) // no page of another site may send requests
	return http.MaxBytesHandler(handler, maxBody), handlePage(mux)
}
