// Package interceptor installs errstatus on gRPC servers and clients.
//
//	server := grpc.NewServer(interceptor.ServerOptions()...)
//	conn, err := grpc.NewClient(target, interceptor.DialOptions()...)
//
// On a server it turns what a handler returns into a canonical gRPC status: see
// the Encode method of [status.Encoder] for what becomes of which error. On a
// client it turns the status back into an error that holds the code: see
// [status.Decoder]. Calls and streams alike; success costs no more than a wrapper
// around a client's stream.
//
// Install it on every server and every connection of a process. A status that
// comes over a connection without it can't be told from one made in the handler,
// and is passed on to the handler's caller.
//
// In a chain, logging and metrics come first, then errstatus, then recovery, so
// that what logs and counts sees the status that is sent and a panic becomes one:
//
//	grpc.NewServer(
//		grpc.ChainUnaryInterceptor(logging, interceptor.UnaryServer(), recovery),
//		grpc.ChainStreamInterceptor(…),
//	)
//
// Recovery is go-grpc-middleware's, with [RecoveryHandler]. What callers don't
// read goes to the log, or to an observer: see [WithObserver].
//
// In a fleet of OpenIM's services, [WithOpenIMForm], [WithCanonicalAnnouncement] and
// [AdaptCodeErrors] are for the time in which old and new ones run side by side.
//
// Options with a wrong value panic when the interceptor is made, with the option
// and the value named.
package interceptor
