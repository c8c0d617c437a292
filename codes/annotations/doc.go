// Package annotations has the options that turn an enum into a table of domain
// codes. Only the generator needs it: a program that imports it registers the
// options with protobuf.
//
// The import path of the options is errstatus/v1/annotations.proto. To compile a
// file that uses them, give protoc this package's directory with -I. The directory
// also has google/rpc/code.proto, which the options import.
package annotations
