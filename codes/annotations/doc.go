// Package annotations has the options that make an enum a table of errstatus.
// Only the generator needs it: a program that imports it registers the options
// with protobuf.
//
// Their import path is errstatus/v1/annotations.proto. To compile a file that has
// them with protoc, give it this package's directory by -I; google/rpc/code.proto,
// which they import, is there too.
package annotations
