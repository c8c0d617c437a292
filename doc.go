// Package errstatus carries domain errors over gRPC.
//
// There is nothing to call here; the packages are
//
//   - [github.com/errstatus/errstatus/codes]: the codes and their table;
//   - [github.com/errstatus/errstatus/status]: errors with a code, a public
//     message and details, and reading them again;
//   - [github.com/errstatus/errstatus/interceptor]: what makes servers send them
//     and clients receive them;
//   - [github.com/errstatus/errstatus/status/localize]: texts in the caller's language;
//   - [github.com/errstatus/errstatus/status/statushttp]: HTTP answers with JSON.
//
// The modules under integrations are for other servers: grpc-gateway and Connect.
//
// A handler returns codes.RecordNotFound; the wire carries NOT_FOUND with a
// google.rpc.ErrorInfo; the caller's errors.Is finds codes.RecordNotFound.
package errstatus

//go:generate go run -C internal/tools/generate .
//go:generate go run ./cmd/protoc-gen-go-errstatus --write-protos examples/billing/third_party
//go:generate go -C internal/e2e/gateway generate ./...
//go:generate go -C integrations/gateway generate ./...
//go:generate go -C integrations/connect generate ./...
//go:generate go -C examples/web generate ./...
