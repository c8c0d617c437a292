package connectstatus

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/status"
)

// A callError gives the first [*connect.Error] in an error a gRPC status, so that package status
// reads it like any other status. It unwraps to nothing: what is in the cause of a Connect error
// doesn't change the status.
type callError struct {
	err          error          // the whole error
	first        *connect.Error // in err
	withinLimits bool           // of a search, so that all of err can be read
}

// withStatus returns a callError for err. It returns err itself if err has no Connect error, or
// if package status finds something in it that comes first: a code that this process states,
// a gRPC status before the Connect error, or an error that [ServerInterceptor] has made.
func withStatus(err error) error {
	var s search
	if !s.readSafely(err) || s.first == nil {
		return err
	}
	cause := s.first.Unwrap()
	if s.first.IsRemote() && cause != nil {
		// The server runs in this process. Its causes are private to it.
		received := withoutCause(s.first)
		return &callError{err: received, first: received, withinLimits: true}
	}
	switch _, ours := cause.(*sentError); {
	case ours, statesCode(err):
		return err
	case cause == io.EOF && s.first.Code() == connect.CodeUnknown:
		return err // the end of a stream, which is no status
	}
	return &callError{err: err, first: s.first, withinLimits: !s.exceeded}
}

// statesCode reports whether err has a code that this process states: not only one that an
// upstream's status carries.
func statesCode(err error) bool {
	_, ok := status.Declared(err)
	return ok && status.Convert(err).Origin() == status.OriginLocal
}

// withoutCause returns a copy of a received Connect error that wraps nothing.
func withoutCause(e *connect.Error) *connect.Error {
	other := connect.NewError(e.Code(), e.Message()).WithRemote()
	for _, detail := range e.Details() {
		other = other.WithDetail(detail)
	}
	return other
}

// Error returns the text of the whole error.
func (e *callError) Error() string {
	if !e.withinLimits {
		return e.first.Error()
	}
	return e.err.Error()
}

// GRPCStatus returns the code, the message and the details of the Connect error.
func (e *callError) GRPCStatus() *grpcstatus.Status {
	st := &spb.Status{Code: int32(e.first.Code()), Message: e.first.Message()}
	for _, detail := range e.first.Details() {
		st.Details = append(st.Details, connectproto.ErrorDetailToAny(detail))
	}
	return grpcstatus.FromProto(st)
}

// Is reports whether errors.Is finds target in the whole error. It doesn't find a context's
// error: package status looks at the call's own context for that.
func (e *callError) Is(target error) bool {
	if !e.withinLimits {
		return target == error(e.first)
	}
	return errors.Is(e.err, target) && target != context.Canceled && target != context.DeadlineExceeded
}

// As finds what errors.As finds in the whole error.
func (e *callError) As(target any) bool {
	if first, ok := target.(**connect.Error); ok {
		*first = e.first
		return true
	}
	return e.withinLimits && errors.As(e.err, target)
}

// isNotModified reports whether the Connect error is HTTP's 304. It panics if a method of the
// cause does.
func (e *callError) isNotModified() bool {
	return e.withinLimits && connecthttp.IsNotModifiedError(e.first)
}

// isTransports reports whether Connect's own HTTP client seems to have made the Connect error.
// It then has no details, and its message ends with the text of its cause, which names
// addresses. isTransports panics if a method of the cause does.
func (e *callError) isTransports() bool {
	cause := e.first.Unwrap()
	if cause == nil || !e.withinLimits || len(e.first.Details()) > 0 {
		return false
	}
	prefix, ok := strings.CutSuffix(e.first.Message(), cause.Error())
	if !ok {
		return false
	}
	_, isNetworks := errors.AsType[*net.OpError](cause)
	switch e.first.Code() {
	case connect.CodeNotFound, connect.CodeAlreadyExists, connect.CodeFailedPrecondition, connect.CodeAborted, connect.CodeOutOfRange:
		return false // Connect makes none of these of a cause
	case connect.CodeInvalidArgument:
		return isNetworks
	case connect.CodeUnavailable:
		return prefix == "" || isNetworks || isURLs(cause)
	case connect.CodeCanceled, connect.CodeDeadlineExceeded:
		return prefix == "" && wrapsContextError(cause) || isNetworks || isURLs(cause)
	}
	return isNetworks || isURLs(cause)
}

// isURLs reports whether err is the error of a request to a URL. That of parsing a URL is no
// such error: it is about a text, which can be the caller's.
func isURLs(err error) bool {
	e, ok := errors.AsType[*url.Error](err)
	return ok && e.Op != "parse"
}

// wrapsContextError reports whether there is a context's error in err, or the end of a deadline of
// I/O, but not whether err is a context's error itself. Connect takes any such error, with its
// text, for the end of the context.
func wrapsContextError(err error) bool {
	if err == context.Canceled || err == context.DeadlineExceeded {
		return false
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// LogValue returns the text of the whole error and of the Connect error's cause, which Connect's
// own text doesn't have.
func (e *callError) LogValue() slog.Value {
	text := e.Error()
	if cause := e.first.Unwrap(); cause != nil && e.withinLimits {
		text += "; caused by: " + cause.Error()
	}
	return slog.StringValue(text)
}

// The limits of a search, which are those of package status.
const (
	maxDepth  = 64
	maxErrors = 1000
)

// A search finds the first Connect error in the errors that an error wraps, depth first.
type search struct {
	first    *connect.Error
	ended    bool // an error with a gRPC status came first
	errors   int  // the number of errors that were read
	exceeded bool // there are more errors
}

// readSafely reads err. It returns false if a method of an error in it panics.
func (s *search) readSafely(err error) (ok bool) {
	defer func() { ok = recover() == nil }()
	s.read(err, 1)
	return
}

// read reads err and what it wraps.
func (s *search) read(err error, depth int) {
	for ; err != nil && !s.ended; depth++ {
		if s.errors++; depth > maxDepth || s.errors > maxErrors {
			s.exceeded = true
			return
		}
		s.visit(err)
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, branch := range x.Unwrap() {
				s.read(branch, depth+1)
			}
			return
		default:
			return
		}
	}
}

// visit looks at one error. After the first Connect error, it looks for nothing.
func (s *search) visit(err error) {
	if s.first != nil {
		return
	}
	switch x := err.(type) {
	case *connect.Error:
		s.first = x // nil for a nil pointer, which is a bug and no status
	case interface{ GRPCStatus() *grpcstatus.Status }:
		s.ended = x.GRPCStatus().Code() != grpccodes.OK
	}
}
