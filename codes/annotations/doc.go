// Package annotations has the options that turn an enum into a table of domain
// codes. Only the generators need it: a program that imports it registers the
// options with protobuf.
//
// The import path of the options is errstatus/v1/annotations.proto. To compile a
// file that uses them, give protoc this package's directory with -I. The options import
// google/rpc/code.proto, which is in the directory of package
// github.com/errstatus/errstatus/codes/googleapis. The command
// protoc-gen-go-errstatus --write-protos DIR writes both files to a directory.
package annotations

import "embed"

// Protos has the file errstatus/v1/annotations.proto.
//
//go:embed errstatus/v1/annotations.proto
var Protos embed.FS
