package status

import (
	"errors"
	"fmt"
	"io"
	"reflect"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// What most handlers return is straight: a code or a Status of this process, alone
// or under errors that wrap one other each and do nothing else, such as fmt.Errorf's.
// It needs no search, and making sure that it is whole is little work.

// straight is the code or the *statusError that a straight error states, nil if the
// error is none. As whole does, it comes to the end of the error before it has any
// of it printed.
func straight(err error) (stated error) {
	switch x := err.(type) { // alone, with no method of others' that can fail
	case codes.ErrorCode:
		if x > 0 {
			return err
		}
	case *statusError:
		if c, ok := x.st.code.(codes.ErrorCode); ok && c > 0 && x.cause() == nil && x.st.origin.carriesCode() {
			return err
		}
	}
	defer func() {
		if recover() != nil {
			stated = nil
		}
	}()
	ready := true
	at := err
	for range maxDepth - 1 { // a Status has its code one level below
		l := linkOf(at)
		if !l.ok {
			return nil
		}
		if stated == nil && l.states {
			stated = at
		}
		ready = ready && l.ready
		if at = l.inner; at == nil {
			break
		}
	}
	if at != nil || stated == nil || !ready && !printable(err) {
		return nil
	}
	return stated
}

// printable has all of a straight error printed.
func printable(err error) bool {
	p := probe{}
	for range maxDepth {
		p.visit(err)
		if e, ok := err.(*statusError); ok {
			p.visit(e.st.code)
		}
		if err = linkOf(err).inner; err == nil {
			return true
		}
	}
	return false
}

// A link is one error of a straight one.
type link struct {
	ok     bool  // it can be one
	states bool  // it is a code or a Status
	ready  bool  // its text is made, or made here
	inner  error // what it wraps, nil for the last
}

// The types of errors that have a text that is made, and no methods but Error and
// Unwrap.
var (
	wrapError   = reflect.TypeOf(fmt.Errorf("%w", io.EOF))
	errorString = reflect.TypeOf(errors.New(""))
)

func linkOf(err error) link {
	switch reflect.TypeOf(err) {
	case wrapError:
		return link{ok: true, ready: true, inner: errors.Unwrap(err)}
	case errorString:
		return link{ok: true, ready: true}
	}
	switch x := err.(type) {
	case codes.ErrorCode:
		return link{ok: x > 0, states: true, ready: true}
	case *statusError:
		code := linkOf(x.st.code)
		return link{ok: code.ok && code.inner == nil && x.st.origin.carriesCode(), states: true, ready: code.ready, inner: x.cause()}
	case *receivedError: // under a Status that wraps it
		code := linkOf(x.code())
		return link{ok: code.ok && code.ready && reflect.TypeOf(x.cause()) == gRPCsError, ready: true}
	case interface{ Is(error) bool }, interface{ Unwrap() []error }:
		return link{}
	case codes.Code:
		return linkOfCode(x)
	case interface{ GRPCStatus() *grpcstatus.Status }:
		return link{}
	case interface{ Unwrap() error }:
		return link{ok: true, inner: x.Unwrap()}
	}
	return link{ok: true}
}

// linkOfCode is linkOf for a code of another enum. What was sent before is whole.
func linkOfCode(c codes.Code) link {
	if reflect.TypeOf(c).Kind() != reflect.Int32 {
		return link{}
	}
	if _, known := resolvedCodes.Load(c); known {
		return link{ok: true, states: true, ready: true}
	}
	_, wraps := c.(interface{ Unwrap() error })
	return link{ok: !wraps && canonicalType(c) != nil && c.Number() > 0, states: true}
}
