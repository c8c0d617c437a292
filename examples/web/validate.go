package main

import (
	"errors"

	"buf.build/go/protovalidate"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// validate checks a request by the rules in its .proto file. Its status is the one that
// go-grpc-middleware's protovalidate interceptor sends; interceptor.WithValidationMapping
// gives it a code and a violation for each field. A gRPC server alone installs that
// interceptor and needs no such function; here three protocols share it.
func validate(req proto.Message) error {
	err := protovalidate.Validate(req)
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		return err // nil, or a rule that can't be evaluated
	}
	st, err := grpcstatus.New(grpccodes.InvalidArgument, "the request is invalid").WithDetails(invalid.ToProto())
	if err != nil {
		return err
	}
	return st.Err()
}
