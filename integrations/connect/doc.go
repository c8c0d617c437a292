// Package connectstatus installs errstatus on servers and clients of connectrpc.com/connect/v2.
//
//	encoding := interceptor.NewServer()
//	server := connect.NewServer(connectstatus.ServerInterceptor(encoding))
//
//	decoding := interceptor.NewClient()
//	client := connect.NewClient(transport, connectstatus.ClientInterceptor(decoding))
//
// A server sends what a gRPC server with the same [interceptor.Server] sends: the same code,
// message and details, in the Connect, gRPC and gRPC-Web protocols, for unary calls and all
// streams. A client returns the domain error that a gRPC client returns. So either end can be
// gRPC's own. A program that has both uses one [interceptor.Server] and one
// [interceptor.Client] for both.
//
// Install [ServerInterceptor] on every server and [ClientInterceptor] on every client of a
// process. What a client without errstatus received as a status is never forwarded, and neither
// are the errors of its transport that name addresses, such as that of a refused connection. But
// Connect makes three texts that look like a handler's own, and they are sent: the HTTP status line
// of an answer that isn't Connect's, its content type, and the URL to which a bidi stream was
// opened if the answer is HTTP/1.1.
//
// In a chain, logging and metrics come first, then errstatus, then recovery. Connect has no
// interceptor for recovery. This one makes a status of a panic:
//
//	func recovery(next connect.ServerFunc) connect.ServerFunc {
//		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) (err error) {
//			defer func() {
//				if p := recover(); p != nil {
//					err = status.Recovered(p)
//				}
//			}()
//			return next(ctx, spec, stream)
//		}
//	}
//
// The package is a module of its own, because errstatus doesn't need Connect:
//
//	go get github.com/errstatus/errstatus@latest github.com/errstatus/errstatus/integrations/connect@latest
package connectstatus

//go:generate go run ./internal/generate internal/testservice
