// Package client stands for OpenIM's, which only the module examples/openim requires.
package client

import "google.golang.org/grpc"

func GrpcClientLogger() grpc.DialOption  { return nil }
func GrpcClientContext() grpc.DialOption { return nil }
