package status

import (
	"cmp"
	"context"
	"reflect"
	"time"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// An endedContext says what the end of an RPC's context changed.
type endedContext struct {
	otherwise Source // what would have decided, if the error is no context error
	cause     error  // the context's cause, or nil if that is the context's own error
	withheld  bool   // the text of cause is withheld
	private   bool   // cause has text that isn't sent
}

// decideContext returns the decision on an error that states no code and that no rule
// matches. alive is the decision if no context had ended.
func (e *Encoder) decideContext(ctx context.Context, t *tree, f *finding, alive decision) decision {
	ended := endOf(ctx)
	if ended == nil || !f.endsWithContext(t, alive) {
		return alive
	}
	cause := causeOf(ctx, ended)
	d, ok := e.decideCause(ctx, cause)
	if !ok {
		d = decision{grpc: contextStatus(ctx, ended), panicked: d.panicked}
	}
	if safe, panicked := safeToRun(cause); !safe {
		cause, d.panicked = summarize(cause), cmp.Or(d.panicked, panicked)
	}
	d.ended = endedContext{cause: cause, withheld: cause != nil && (!ok || d.source.Withheld())}
	d.ended.private = d.ended.withheld || d.source == SourceRule || hasPrivateText(cause)
	if !f.contextEnded {
		d.ended.otherwise = alive.source
	}
	d.source = SourceContext
	return d
}

// endOf returns the error of a context that has ended, or nil. A socket with the context's
// deadline can fail before the context's own timer has run.
func endOf(ctx context.Context) error {
	if err := ctx.Err(); err != nil || !deadlinePassed(ctx) {
		return err
	}
	return context.DeadlineExceeded
}

// deadlinePassed reports whether a context has a deadline that has passed by now.
func deadlinePassed(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// endsWithContext reports whether the end of the RPC's context decides on an error. alive
// is the decision for a live context.
func (f *finding) endsWithContext(t *tree, alive decision) bool {
	passes := alive.status != nil // with a fixed message
	switch {
	case f.contextEnded || alive.source == SourceUpstream && !passes:
		return true
	case alive.source != SourceUnknown || f.noError || t.hasTypedNil():
		return false
	}
	_, panicked := t.safeToRun()
	return panicked == nil
}

// causeOf returns the cause of an ended context, or nil if that is the context's own error.
func causeOf(ctx context.Context, ended error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil, cause == context.Canceled, cause == context.DeadlineExceeded:
		return nil
	case reflect.ValueOf(ended).Comparable() && cause == ended: // an error of another implementation
		return nil
	default:
		return cause
	}
}

// decideCause returns the decision on the cause of an ended context. ok is false if the
// cause is nil or says nothing that can be sent.
func (e *Encoder) decideCause(ctx context.Context, cause error) (d decision, ok bool) {
	if cause == nil {
		return decision{}, false
	}
	var t tree
	t.read(cause)
	var f finding
	f.search(&t, e.openIMAdapter())
	if f.encoded != nil { // sent as a status of this process
		return decision{status: f.encoded.asStatus()}, true
	}
	if d, ok = f.decide(); ok {
		return d, true
	}
	if f.failed != nil {
		return decision{panicked: f.failed}, false
	}
	d, ok, panicked := e.match(ctx, cause, &t)
	if !ok {
		d = e.decideStatus(&f)
		ok = d.source != SourceUnknown
	}
	d.panicked = panicked
	return d, ok
}

// contextStatus returns gRPC's own status for a context that has ended. It doesn't use the
// text of ended: an interceptor can replace the context, and the text is private. If a
// client's deadline passes, its reset can arrive before the deadline: the context then says
// that it was cancelled.
func contextStatus(ctx context.Context, ended error) *grpcstatus.Status {
	if deadlinePassed(ctx) || ended != context.Canceled && find(ended).deadline {
		return grpcstatus.New(grpccodes.DeadlineExceeded, context.DeadlineExceeded.Error())
	}
	return grpcstatus.New(grpccodes.Canceled, context.Canceled.Error())
}

// hasTypedNil reports whether the tree has an error that is a nil pointer, map, slice,
// channel or function: a bug, which is easily taken for nil.
func (t *tree) hasTypedNil() bool {
	for i := range t.size {
		switch v := reflect.ValueOf(t.at(i).err); v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Chan, reflect.Func:
			if v.IsNil() {
				return true
			}
		}
	}
	return false
}
