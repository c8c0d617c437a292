// Package adapter stands for the one in the module examples/openim.
package adapter

import (
	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/codes"
)

func UnaryClient() grpc.UnaryClientInterceptor                   { return nil }
func Replaced(tables ...*codes.Table) func(err error) codes.Code { return nil }
