// Package codes defines the domain codes that errstatus carries over gRPC, and
// the tables that map each of them to a canonical gRPC code.
//
// An [ErrorCode] is itself an error, as [syscall.Errno] is. A handler returns it:
//
//	return nil, codes.RecordNotFound
//
// and the caller finds it:
//
//	if errors.Is(err, codes.RecordNotFound) { … }
//
// The 63 values of ErrorCode are those of OpenIM's enum
// openim.sdk.error.ErrorCode. The default table, [Default], has a [Row] for each:
//
//   - the canonical code, which proxies, retry policies and metrics see;
//   - the reason, which identifies the code on the wire (AIP-193);
//   - the message, which callers read.
//
// The source of the table is the file error.proto.
//
// A row can have a template with parameters, such as "card {card} was declined". An error with
// their values is a [Params]: the caller gets the filled template, and the values as metadata.
//
// To define codes of your own, write an enum with the options of
// errstatus/v1/annotations.proto. protoc-gen-go-errstatus generates a Go type
// from it. Every function that takes a [Code] accepts values of that type. Codes
// of two types never compare equal.
//
// Importing this package registers nothing of errstatus or OpenIM with protobuf,
// so a program can also link OpenIM's generated packages.
//
// Import gRPC's package of the same name as grpccodes. No constant here has the
// name of a constant there, so code with the wrong import doesn't compile.
package codes
