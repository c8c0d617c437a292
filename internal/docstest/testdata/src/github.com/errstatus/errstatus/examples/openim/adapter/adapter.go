// Package adapter stands for the one in the module examples/openim.
package adapter

import (
	"context"

	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

func UnaryClient() grpc.UnaryClientInterceptor { return nil }

func Replaced(tables ...*codes.Table) func(ctx context.Context, err error) *status.Status {
	return nil
}
