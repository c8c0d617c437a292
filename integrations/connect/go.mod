module github.com/errstatus/errstatus/integrations/connect

go 1.26.0

replace github.com/errstatus/errstatus => ../..

require (
	connectrpc.com/connect/v2 v2.0.2
	github.com/errstatus/errstatus v0.0.0-00010101000000-000000000000
	github.com/google/go-cmp v0.7.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261026165753-2ffab32bce7e
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/grpc-ecosystem/go-grpc-middleware/v2 v2.3.4 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.44.0 // indirect
)

tool connectrpc.com/connect/v2/cmd/protoc-gen-connect-go
