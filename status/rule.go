package status

import (
	"context"

	"github.com/errstatus/errstatus/codes"
)

// A Rule gives a Status to errors that state no code, such as those of a database driver.
// It has either a Target and a Code, or a Func. If both are set, Func counts.
type Rule struct {
	// Target matches as errors.Is does. Its type must be comparable.
	Target error

	// Code is the code of an error that Target matches. [ValidationRule] sets it beside Func.
	Code codes.Code

	// Func returns the Status of an error, or nil if the rule doesn't match. A Status with
	// NoError counts as no match, and so does the result of [Convert] for an error without a
	// status, unless a With method changed it. ctx is the RPC's context, and err the error that the
	// handler returned. The Status is this process's own statement; see
	// [Status.WithMessage] on restating.
	//
	// Func runs for each error that states no code, concurrently. It doesn't run for an
	// error that exceeds the limits of a search: errors.Is and errors.As may never return
	// from one. If it panics, the rule doesn't match.
	Func func(ctx context.Context, err error) *Status
}

// match returns the decision of the first rule that matches err, whose tree is t. panicked
// is the panic of the first rule that panics, which doesn't match.
func (e *Encoder) match(ctx context.Context, err error, t *tree) (d decision, ok bool, panicked *PanicError) {
	for next := 0; next < len(e.Rules); next++ { // skips the rule that panicked
		p := catchPanic(func() {
			for ; next < len(e.Rules) && !ok; next++ {
				d, ok = e.Rules[next].match(ctx, err, t)
			}
		})
		if p == nil {
			break
		}
		if panicked == nil {
			panicked = p
		}
	}
	return d, ok, panicked
}

func (r *Rule) match(ctx context.Context, err error, t *tree) (d decision, ok bool) {
	if r.Func == nil {
		if !t.matches(r.Target) {
			return decision{}, false
		}
		code := canonicalType(r.Code)
		return decision{code: code, source: SourceRule}, code != nil && code.Number() > 0
	}
	if t.exceeded {
		return decision{}, false
	}
	st := r.Func(ctx, err)
	if st.Code().Number() == 0 || st.none { // a Status that was read from an error without one says nothing
		return decision{}, false
	}
	return decision{status: st.copyToChange(), source: SourceRule, origin: st.origin, cause: st.more().cause}, true
}

// matches reports whether an error of the tree is the target. A received error is compared
// itself: its sentinels are for callers.
func (t *tree) matches(target error) bool {
	for i := range t.size {
		err := t.at(i).err
		if _, ok := err.(*receivedError); ok {
			if err == target {
				return true
			}
			continue
		}
		if isError(err, target) {
			return true
		}
	}
	return false
}
