package status

import (
	"cmp"
	"context"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// A finding holds the first error of each kind in a tree.
type finding struct {
	encoded  *encodedError      // an error that was encoded before
	code     codes.Code         // a bare code
	params   *Status            // of an error with parameters
	openIM   *Status            // what adapt made of an OpenIMError
	stated   *statusError       // a Status error
	received *receivedError     // an error that a client decoded
	grpc     *grpcstatus.Status // a gRPC status that no client of this package decoded
	panicked *PanicError        // an error of Recovered

	deadline     bool // context.DeadlineExceeded
	contextEnded bool // a context error, or a status that says the same
	noError      bool // NoError as an error, which is a bug

	unsendable *codes.Table // of a negative code, which is a bug too

	failed *PanicError // a method panicked before a code was found
}

// find returns what is in err; see [finding.search].
func find(err error) (f finding) {
	var t tree
	t.read(err)
	f.search(&t, nil)
	return f
}

// search finds the first code that is stated in a tree. Until then it notes the
// first error of each other kind. adapt makes a Status of an OpenIMError, and
// returns nil for any other error; a nil adapt makes none.
func (f *finding) search(t *tree, adapt func(error) *Status) {
	if panicked := catchPanic(func() { f.visitAll(t, adapt) }); panicked != nil {
		f.failed = panicked
	}
}

// visitAll visits the errors of a tree in order, until one of them states a code or has an
// Unwrap method that panicked.
func (f *finding) visitAll(t *tree, adapt func(error) *Status) {
	for i := 0; i < t.size; {
		n := t.at(i)
		if n.plain { // context.Canceled is plain, context.DeadlineExceeded is not
			f.contextEnded = f.contextEnded || n.err == context.Canceled
			i++
			continue
		}
		switch f.visit(n.err, adapt) {
		case stop:
			return
		case skip:
			i = t.after(i)
			continue
		}
		if n.failed {
			f.failed = t.panicked
			return
		}
		i++
	}
}

// A step says how a search goes on after an error.
type step uint8

const (
	descend step = iota // go on with the wrapped errors
	skip                // skip the wrapped errors
	stop                // a code was found
)

func (f *finding) visit(err error, adapt func(error) *Status) step {
	switch x := err.(type) {
	case *encodedError:
		f.encoded = x
		return stop
	case *statusError:
		return f.visitStatus(x)
	case *receivedError:
		if f.received == nil {
			f.received = x
		}
		f.noteContextEnd(x.grpcCode)
		return descend
	case *PanicError:
		if f.panicked == nil {
			f.panicked = x
		}
		return descend
	case codes.Params: // before codes.Code, because it may embed its code
		return f.visitParams(x)
	case codes.Code:
		if c := canonicalType(x); c != nil {
			switch number := c.Number(); {
			case number > 0:
				f.code = c
				return stop
			case number == 0:
				f.noError = true
			default:
				f.unsendable = cmp.Or(f.unsendable, c.Table())
			}
		}
		return descend // NoError and negative codes are ignored
	}
	if adapt != nil {
		if f.openIM = adapt(err); f.openIM != nil {
			return stop
		}
	}
	if isError(err, context.DeadlineExceeded) {
		f.deadline, f.contextEnded = true, true
	}
	if isError(err, context.Canceled) {
		f.contextEnded = true
	}
	if x, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok {
		f.visitGRPC(x.GRPCStatus())
	}
	return descend
}

// visitParams visits an error with parameters. If its code can't be sent, it is ignored, as a
// bare code is then.
func (f *finding) visitParams(p codes.Params) step {
	if isNil(p) {
		return descend
	}
	code := p.Code()
	if code != nil {
		code = canonicalType(code)
	}
	switch {
	case code == nil:
		return descend
	case code.Number() < 0:
		f.unsendable = cmp.Or(f.unsendable, code.Table())
		return descend
	case code.Number() == 0:
		f.noError = true
		return descend
	}
	f.params = withParamsOf(code, p)
	return stop // before the code that it wraps
}

func (f *finding) visitStatus(e *statusError) step {
	if e.st.code.Number() == 0 {
		f.noError = true
		return descend // NoError is ignored, and its cause is searched
	}
	f.stated = e
	return stop // the cause of a Status error is never searched for a code
}

func (f *finding) visitGRPC(st *grpcstatus.Status) {
	if st.Code() == grpccodes.OK { // a nil status has this code too
		return
	}
	if f.grpc == nil {
		f.grpc = st
	}
	f.noteContextEnd(st.Code())
}

func (f *finding) noteContextEnd(code grpccodes.Code) {
	f.contextEnded = f.contextEnded || code == grpccodes.Canceled || code == grpccodes.DeadlineExceeded
}

// isError is errors.Is without unwrapping. The target must be comparable.
func isError(err, target error) bool {
	if err == target {
		return true
	}
	x, ok := err.(interface{ Is(error) bool })
	return ok && x.Is(target)
}
