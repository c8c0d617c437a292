// Package adapter lets callers that were written for OpenIM's client interceptors
// go on as they are behind errstatus's: the errors that they get are OpenIM's
// CodeErrors too.
//
// Copy it; it is a file. It is no part of errstatus, which imports nothing of
// OpenIM's.
package adapter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/openimsdk/tools/errs"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/status"
)

// UnaryClient makes a CodeError of each error that errstatus's interceptor has
// decoded, which has to come after it in the chain:
//
//	grpc.WithChainUnaryInterceptor(adapter.UnaryClient(), interceptor.UnaryClient())
//
// It takes the place of OpenIM's GrpcClientErrorConvert. errors.As with an
// errs.CodeError, errs.Unwrap, the Is of OpenIM's errors and apiresp.ParseError work
// as behind that; so do errors.Is with a code and all of package status, and gRPC's
// status.Code sees what was received. Streams need none: OpenIM has no interceptor
// for them, so that no caller of one expects a CodeError.
func UnaryClient() grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoker(ctx, method, req, reply, cc, opts...)
		if err == nil {
			return nil
		}
		return adapt(cc.Target(), err)
	}
}

// adapt leaves an error as it is that is a CodeError already, or no status.
func adapt(target string, err error) error {
	st, ok := status.FromError(err)
	if !ok || errors.As(err, new(errs.CodeError)) {
		return err
	}
	return &codeError{CodeError: codeErrorOf(target, st, err), received: err}
}

// codeErrorOf is the CodeError of a status: with the code, if the peer stated one.
// Else the code is errstatus's guess, which OpenIM's callers don't expect: it is
// what GrpcClientErrorConvert makes of a canonical code.
func codeErrorOf(target string, st *status.Status, err error) errs.CodeError {
	switch st.Origin() {
	case status.OriginBare, status.OriginForeign:
	default:
		detail, _ := status.OpenIMDetail(err)
		return errs.NewCodeError(int(st.Code().Number()), st.Message()).WithDetail(detail)
	}
	if st.GRPCCode() == grpccodes.Unavailable {
		service := target[strings.LastIndex(target, "/")+1:]
		return errs.NewCodeError(errs.ServerInternalError, fmt.Sprintf("grpc service %s down, grpc message %s", service, st.Message()))
	}
	return errs.ErrInternalServer.WithDetail(grpcstatus.Convert(err).Err().Error())
}

// A codeError is a CodeError and what was received. It has no Unwrap of a single
// error, so that errs.Unwrap stops at it and finds the CodeError.
type codeError struct {
	errs.CodeError
	received error
}

// Unwrap leads to the code, and to what the call returned.
func (e *codeError) Unwrap() []error { return []error{e.received} }

// GRPCStatus is the status as it was received. It tells an errstatus server that
// adapts CodeErrors that this one is a received error's, whose connection's policy
// holds.
func (e *codeError) GRPCStatus() *grpcstatus.Status { return grpcstatus.Convert(e.received) }
