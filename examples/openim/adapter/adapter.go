// Package adapter helps services that were written for OpenIM's interceptors.
// [UnaryClient] gives callers errors that are also OpenIM's CodeErrors, so that
// the callers need no change. [Replaced] maps the errors that OpenIM's servers
// replace.
//
// Copy the package: it is not part of errstatus, which does not import OpenIM.
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

// UnaryClient returns an interceptor that makes each error from errstatus's client
// interceptor a CodeError too. errstatus's interceptor must follow it in the chain:
//
//	grpc.WithChainUnaryInterceptor(adapter.UnaryClient(), interceptor.UnaryClient())
//
// UnaryClient replaces OpenIM's GrpcClientErrorConvert. The following work as with
// that interceptor: errors.As with an errs.CodeError, errs.Unwrap, the Is methods of
// OpenIM's errors, and apiresp.ParseError. errors.Is with a code and all functions of
// package status work too, and gRPC's status.Code returns the received code.
//
// There is no interceptor for streams: OpenIM has none, so that callers of streams
// don't expect a CodeError.
func UnaryClient() grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoker(ctx, method, req, reply, cc, opts...)
		if err == nil {
			return nil
		}
		return adapt(cc.Target(), err)
	}
}

// adapt returns err as a CodeError. It returns err unchanged if err already is a
// CodeError or has no status.
func adapt(target string, err error) error {
	st, ok := status.FromError(err)
	if !ok || errors.As(err, new(errs.CodeError)) {
		return err
	}
	return &codeError{CodeError: codeErrorOf(target, st, err), received: err}
}

// codeErrorOf returns a CodeError for a status. It has the number of the status's code, if
// the status carries one, or the raw number in grpc-status. Otherwise it is the CodeError
// that GrpcClientErrorConvert returns for a canonical code.
func codeErrorOf(target string, st *status.Status, err error) errs.CodeError {
	if number, ok := numberOf(st, err); ok {
		detail, _ := status.OpenIMDetail(err)
		return errs.NewCodeError(number, st.Message()).WithDetail(detail)
	}
	if st.GRPCCode() == grpccodes.Unavailable {
		service := target[strings.LastIndex(target, "/")+1:]
		return errs.NewCodeError(errs.ServerInternalError, fmt.Sprintf("grpc service %s down, grpc message %s", service, st.Message()))
	}
	return errs.ErrInternalServer.WithDetail(grpcstatus.Convert(err).Err().Error())
}

// numberOf returns the number for OpenIM's callers. They read each raw number. For errstatus
// it carries a code only if a table has it.
func numberOf(st *status.Status, err error) (number int, ok bool) {
	if code, ok := status.Declared(err); ok {
		return int(code.Number()), true
	}
	if st.Origin() == status.OriginNumeric {
		return int(grpcstatus.Code(err)), true
	}
	return 0, false
}

// A codeError is a CodeError and the received error. Its Unwrap returns a slice,
// because errs.Unwrap must stop here to find the CodeError.
type codeError struct {
	errs.CodeError
	received error
}

// Unwrap returns the received error, through which errors.Is finds the code.
func (e *codeError) Unwrap() []error { return []error{e.received} }

// GRPCStatus returns the received status. It also tells an errstatus server with
// WithOpenIMErrors that this CodeError was received, so that the server applies the
// connection's trust.
func (e *codeError) GRPCStatus() *grpcstatus.Status { return grpcstatus.Convert(e.received) }
