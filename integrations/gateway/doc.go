// Package gateway makes grpc-gateway answer with errstatus's forms of JSON, and with
// errstatus's rules for what a caller may read:
//
//	server := interceptor.NewServer()
//	mux := runtime.NewServeMux(gateway.Options(&statushttp.Writer{Encoder: server})...)
//
// [Options] documents the forms, and which rules decide on whose errors. Connections to your own
// servers get the option that forwards every status:
//
//	interceptor.DialOptions(interceptor.WithUpstreamTrust(status.TrustAll))
//
// Importing the package also links the types of google.rpc's details. Without them, a gateway
// answers 500 with "failed to marshal error message" for each status that has a detail.
//
// The package is a module of its own, because errstatus doesn't need grpc-gateway:
//
//	go get github.com/errstatus/errstatus@latest github.com/errstatus/errstatus/integrations/gateway@latest
package gateway
