// Package server stands for OpenIM's, which only the module examples/openim requires.
package server

import "google.golang.org/grpc"

func GrpcServerMetadataContext() grpc.ServerOption { return nil }
func GrpcServerLogger() grpc.ServerOption          { return nil }
func GrpcServerRequestValidate() grpc.ServerOption { return nil }
