// Package interceptor installs errstatus on gRPC servers and clients.
//
//	server := grpc.NewServer(interceptor.ServerOptions()...)
//	conn, err := grpc.NewClient(target, append(interceptor.DialOptions(), grpc.WithTransportCredentials(creds))...)
//
// On a server, it sends the error that a handler returns as a canonical gRPC status:
// [status.Encoder.Encode] lists which error becomes which status. On a client, it turns
// the status back into an error that has the domain code, if the status carries one: see
// [status.Decoder]. The interceptors work for unary calls and for streams. A unary call
// that succeeds allocates nothing, and neither does a server's stream. A client's stream
// allocates one wrapper.
//
// Install it on every server and on every connection of a process. On a connection without
// it, a received status looks like one that the handler made. If the handler returns it,
// the server sends it with all its text.
//
// In a chain, logging and metrics come first, then errstatus, then recovery. Logging
// and metrics then see the status that is sent, and a panic becomes a status too:
//
//	grpc.NewServer(
//		grpc.ChainUnaryInterceptor(logging, interceptor.UnaryServer(), recovery),
//		grpc.ChainStreamInterceptor(…),
//	)
//
// Recovery is go-grpc-middleware's, with [status.Recovered]:
//
//	recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(status.Recovered))
//
// A server logs each failure that has private text and isn't the caller's fault: see
// [WithLogger]. [WithObserver] adds a function that is called for each failure. To log with
// go-grpc-middleware instead, use [ErrorFields], and WithLogger(nil).
//
// [NewServer] makes one value with both interceptors of a server and with [Server.Encode],
// which does the same for errors that leave the process in another way: through a gateway,
// or as an item of a batch. [UnaryServer], [StreamServer] and [ServerOptions] are
// shorthands. [NewClient] makes the client's value, with [Client.Decode] for statuses that
// are received in another way. [UnaryClient], [StreamClient] and [DialOptions] are its
// shorthands.
//
// Rules give a status to the errors of other packages: [WithErrorMapping], [WithErrorMapper]
// and, for requests that protovalidate refuses, [WithValidationMapping]. [WithWithheldMessages] hides the text of gRPC statuses that handlers
// make. [WithAmendment] and [WithRequestID] add details, metadata or a request id to
// every failure, and [WithLocalizer] a text in the caller's language.
//
// On a client, [WithUpstreamTrust] says what a handler may forward. [WithAssumedCodes] is for
// servers that send no codes yet, and [WithSentinel] for packages with errors of their own.
//
// An interceptor that comes before errstatus in the chain is an outer one, and one that
// comes after it is an inner one.
//
// In a fleet of OpenIM's services, [WithOpenIMForm], [WithCanonicalAnnouncement] and
// [WithOpenIMErrors] are for the time in which old and new services run side by side.
//
// An option with a wrong value panics when the option or the interceptor is made. The text
// names the option and the value.
package interceptor
