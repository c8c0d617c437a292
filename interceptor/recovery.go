package interceptor

import "github.com/errstatus/errstatus/status"

// RecoveryHandler makes an error of a handler's panic, for go-grpc-middleware's
// recovery, which comes after errstatus in a chain:
//
//	recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(interceptor.RecoveryHandler))
//	recovery.StreamServerInterceptor(recovery.WithRecoveryHandler(interceptor.RecoveryHandler))
//
// The caller gets the default code of INTERNAL; the observer gets the error, a
// [status.PanicError] with the value and the stack.
func RecoveryHandler(p any) error { return status.Recovered(p) }
