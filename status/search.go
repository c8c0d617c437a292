package status

import (
	"context"
	"reflect"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// The bounds of a search. An error can be a tree of any size, and its Unwrap can
// lead back to itself.
const (
	maxDepth = 64
	maxNodes = 1000
)

// A step is what a walk does after an error: go on to what it wraps, pass that
// over, or stop.
type step uint8

const (
	descend step = iota
	skip
	stop
)

// A walk visits an error and what it wraps, depth first.
type walk struct {
	visit func(error) step
	nodes int
	cut   bool // a bound was reached: there is more than was visited
}

// from visits err and what it wraps, and tells whether to go on after it.
func (w *walk) from(err error, depth int) bool {
	if err == nil {
		return true
	}
	if depth > maxDepth {
		w.cut = true
		return true
	}
	if w.nodes++; w.nodes > maxNodes {
		w.cut = true
		return false
	}
	switch w.visit(err) {
	case stop:
		return false
	case skip:
		return true
	}
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		return w.from(x.Unwrap(), depth+1)
	case interface{ Unwrap() []error }:
		for _, branch := range x.Unwrap() {
			if !w.from(branch, depth+1) {
				return false
			}
		}
	}
	return true
}

// A finding is what a search of an error came upon: the first of each kind.
type finding struct {
	adapt func(error) *Status // makes a Status of errors of others; nil makes none

	resolved *resolvedError     // what a server has already decided on
	code     codes.Code         // a bare code
	adapted  *Status            // what adapt made
	status   *statusError       // a Status that was made an error here
	received *receivedError     // an error that a client decoded
	guessed  *statusError       // a Status made an error here, whose code is a guess
	grpc     *grpcstatus.Status // a gRPC status that nobody decoded
	deadline bool               // context.DeadlineExceeded
	ended    bool               // a context error, or a status that says so

	cut       bool        // a bound was reached: there may be more
	panicked  *PanicError // what a method of the error panicked with
	recovered *PanicError // a panic that was made an error
}

// search finds the first code that is stated in err, and where there is none, the
// first of each other kind.
func search(err error) (f finding) {
	f.search(err)
	return f
}

func (f *finding) search(err error) {
	w := walk{visit: f.visit}
	f.panicked = catchPanic(func() { w.from(err, 1) })
	f.cut = w.cut
}

func (f *finding) visit(err error) step {
	switch x := err.(type) {
	case *resolvedError:
		f.resolved = x
		return stop
	case *statusError:
		return f.visitStatus(x)
	case *receivedError:
		if f.received == nil {
			f.received = x
		}
		f.noteEnd(x.grpcCode)
		return skip
	case *PanicError:
		if f.recovered == nil {
			f.recovered = x
		}
		return skip
	case codes.Code:
		if c := canonicalType(x); c != nil && c.Number() > 0 {
			f.code = c
			return stop
		}
		return descend // NoError is no error, and a negative number no code
	}
	if f.adapt != nil {
		if f.adapted = f.adapt(err); f.adapted != nil {
			return stop
		}
	}
	f.visitContext(err)
	if x, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok {
		f.visitGRPC(x.GRPCStatus())
	}
	return descend
}

func (f *finding) visitStatus(e *statusError) step {
	switch {
	case e.st.code.Number() == 0:
		return descend
	case e.st.origin.carriesCode():
		f.status = e
		return stop
	}
	if f.grpc == nil && f.guessed == nil {
		f.guessed = e
	}
	f.noteEnd(e.st.grpcCode)
	return skip // what it wraps counts as little as with a code that is stated
}

func (f *finding) visitContext(err error) {
	if isError(err, context.DeadlineExceeded) {
		f.deadline, f.ended = true, true
	}
	if isError(err, context.Canceled) {
		f.ended = true
	}
}

func (f *finding) visitGRPC(st *grpcstatus.Status) {
	if st.Code() == grpccodes.OK { // as a nil status has too
		return
	}
	if f.grpc == nil && f.guessed == nil {
		f.grpc = st
	}
	f.noteEnd(st.Code())
}

func (f *finding) noteEnd(code grpccodes.Code) {
	f.ended = f.ended || code == grpccodes.Canceled || code == grpccodes.DeadlineExceeded
}

// isError is errors.Is for one error, without what it wraps. The target must be
// comparable.
func isError(err, target error) bool {
	if err == target {
		return true
	}
	x, ok := err.(interface{ Is(error) bool })
	return ok && x.Is(target)
}

// typed is a code in the type of its table's codes; nil if it has no table or is a
// nil pointer. A pointer to a code and a struct that embeds one have its methods
// too, but can't be compared with it.
func canonicalType(c codes.Code) codes.Code {
	if v := reflect.ValueOf(c); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	table := c.Table()
	switch {
	case table == nil || table.Len() == 0:
		return nil
	case reflect.TypeOf(c).Kind() != reflect.Int32:
		return table.Code(c.Number())
	}
	return c
}
