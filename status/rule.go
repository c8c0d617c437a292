package status

import "github.com/errstatus/errstatus/codes"

// A Rule gives a code to errors that state none, such as those of a database
// driver. It has either a Target and a Code, or a Func.
type Rule struct {
	// Target matches as errors.Is does. Its type must be comparable.
	Target error

	// Code is the code of an error that Target matches.
	Code codes.Code

	// Func returns the code of an error, or nil if the rule doesn't match. NoError
	// counts as no match. Func receives the error that the handler returned. It runs
	// for each error that states no code, concurrently. It doesn't run for an error
	// that exceeds the limits of a search: errors.Is and errors.As may never return
	// from one.
	Func func(err error) codes.Code
}

// match returns the code of the first rule that matches err, whose tree is t, or
// nil if none does.
func (e *Encoder) match(err error, t *tree) codes.Code {
	for i := range e.Rules {
		code := e.Rules[i].codeOf(err, t)
		if code == nil {
			continue
		}
		if code = canonicalType(code); code != nil && code.Number() > 0 {
			return code
		}
	}
	return nil
}

func (r *Rule) codeOf(err error, t *tree) codes.Code {
	if r.Func != nil {
		if t.exceeded {
			return nil
		}
		return r.Func(err)
	}
	for i := range t.size {
		if isError(t.at(i).err, r.Target) {
			return r.Code
		}
	}
	return nil
}
