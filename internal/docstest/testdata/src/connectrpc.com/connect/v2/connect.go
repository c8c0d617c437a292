// Package connect has what the documentation uses of connectrpc.com/connect/v2. A stub imports no
// other stub, so that the interceptors have no signatures.
package connect

import "context"

type (
	Client            struct{}
	Server            struct{}
	Transport         interface{}
	ServerStream      interface{}
	Spec              struct{ Procedure string }
	ServerFunc        func(ctx context.Context, spec Spec, stream ServerStream) error
	ServerInterceptor any
	ClientInterceptor any
	Code              uint32
	Error             struct{ error }
)

const CodeNotFound Code = 5

func NewServer(interceptors ...ServerInterceptor) *Server                      { return nil }
func NewClient(transport Transport, interceptors ...ClientInterceptor) *Client { return nil }
func NewError(code Code, message string) *Error                                { return nil }
func CodeOf(err error) Code                                                    { return 0 }
func (e *Error) WithCause(err error) *Error                                    { return nil }
