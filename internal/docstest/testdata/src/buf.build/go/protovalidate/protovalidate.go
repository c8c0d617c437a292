// Package protovalidate stands for the real one.
package protovalidate

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

type Validator interface{ Validate(proto.Message) error }

func Validate(proto.Message) error { return nil }

func New() (Validator, error) { return nil, nil }

// A ValidationError is the error of an invalid message.
type ValidationError struct{}

func (*ValidationError) Error() string           { return "" }
func (*ValidationError) ToProto() *emptypb.Empty { return nil } // a message of generated code
