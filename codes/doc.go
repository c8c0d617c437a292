// Package codes has the domain error codes that errstatus carries over gRPC, and
// the tables that say what each code is to gRPC.
//
// An [ErrorCode] is an error, after [syscall.Errno]:
//
//	return nil, codes.RecordNotFound
//
//	if errors.Is(err, codes.RecordNotFound) { … }
//
// Its 63 values are those of OpenIM's enum openim.sdk.error.ErrorCode. Its table,
// [Default], has a [Row] for each: the canonical gRPC code that proxies, retries
// and metrics see, the reason that is the code's identity on the wire (AIP-193),
// and the message that callers read. All of it is written in error.proto.
//
// Codes of your own are a type of your own: protoc-gen-go-errstatus makes one
// from an enum with the options in errstatus/v1/annotations.proto. Whatever takes
// a [Code] takes it, and two types' codes never compare equal.
//
// Importing this package registers no protobuf file, message or enum of OpenIM's
// or its own: it can be linked with OpenIM's generated packages.
//
// gRPC's package of this name is imported beside it as grpccodes. No constant
// here has the name of one there, so the wrong import doesn't compile.
package codes
