// Package shoppb stands for a package that protoc-gen-go and protoc-gen-grpc-gateway generate.
package shoppb

import (
	"context"

	"google.golang.org/grpc"
)

type GetUserRequest struct{ Id string }

func RegisterShopHandler(ctx context.Context, mux any, conn *grpc.ClientConn) error { return nil }

func RegisterShopHandlerServer(ctx context.Context, mux, server any) error { return nil }
