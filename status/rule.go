package status

import "github.com/errstatus/errstatus/codes"

// A Rule gives a code to errors that state none, such as those of a database
// driver. It has either a Target and a Code, or a Func.
type Rule struct {
	// Target matches as errors.Is does. Its type must be comparable.
	Target error

	// Code is that of an error that Target matches.
	Code codes.Code

	// Func is the code of an error, or nil if the rule doesn't match. It is given
	// the whole error that the handler returned, and runs on each that states no
	// code, concurrently; not on one that wraps more than a search goes through.
	// NoError counts as no match.
	Func func(err error) codes.Code
}

// match is the code of the first rule that matches, nil if none does.
func (e *Encoder) match(err error, f *finding) (code codes.Code) {
	if len(e.Rules) == 0 {
		return nil
	}
	var buffer [16]error
	nodes := flatten(err, buffer[:0])
	for _, rule := range e.Rules {
		if rule.Func != nil && f.cut {
			continue // what it does with the error may never end
		}
		code := rule.codeOf(err, nodes)
		if code == nil {
			continue
		}
		if code = canonicalType(code); code != nil && code.Number() > 0 {
			return code
		}
	}
	return nil
}

// flatten appends an error and what it wraps, in the order of a search. A target
// is then looked for without errors.Is, which has no bounds.
func flatten(err error, nodes []error) []error {
	w := walk{visit: func(err error) step {
		nodes = append(nodes, err)
		if _, ok := err.(*receivedError); ok {
			return skip
		}
		return descend
	}}
	w.from(err, 1)
	return nodes
}

func (r *Rule) codeOf(err error, nodes []error) codes.Code {
	if r.Func != nil {
		return r.Func(err)
	}
	for _, node := range nodes {
		if isError(node, r.Target) {
			return r.Code
		}
	}
	return nil
}
