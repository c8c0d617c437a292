// Package googleapis has the file google/rpc/code.proto of
// github.com/googleapis/googleapis, which the options in
// errstatus/v1/annotations.proto import. It is a copy for users of protoc: give protoc
// this package's directory with -I. If you already compile with a copy of googleapis,
// you don't need it.
//
// The package has no protobuf types and registers nothing with protobuf. For those, use
// google.golang.org/genproto/googleapis/rpc/code.
package googleapis

import "embed"

// Protos has the file google/rpc/code.proto.
//
//go:embed google/rpc/code.proto
var Protos embed.FS
