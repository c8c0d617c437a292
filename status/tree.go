package status

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
)

// The limits of a tree. An error can wrap any number of others, and its Unwrap
// method can lead back to itself.
const (
	maxDepth  = 64
	maxErrors = 1000
)

// A tree is an error and the errors that it wraps, in the order of errors.Is: depth
// first, each error before what it wraps. A handler's error is read into a tree once, and
// everything that searches it uses the tree.
//
// A search doesn't look inside an error that a client decoded: the errors inside belong to
// the upstream.
type tree struct {
	first [16]node // enough for most errors, and on the stack
	rest  []node
	size  int

	whole    bool        // received errors are no leaves
	received bool        // there are received errors, and they are leaves
	exceeded bool        // a limit was reached: there are more errors
	panicked *PanicError // of the first Unwrap method that panicked
}

// A node is one error of a tree.
type node struct {
	err   error
	depth uint8 // 1 for the root

	// plain marks an error of fmt.Errorf or errors.New. Its only methods are Error and
	// Unwrap. They return stored values and can't panic.
	plain bool

	failed bool // its Unwrap method panicked, so that it is a leaf
}

// The types of plain errors.
var (
	wrapErrorType   = reflect.TypeOf(fmt.Errorf("%w", io.EOF))
	errorStringType = reflect.TypeOf(errors.New(""))
)

// read fills an empty tree.
func (t *tree) read(err error) {
	t.add(err, 1)
	if t.panicked != nil {
		t.panicked.text = panicText(t.panicked.Value)
	}
}

// add appends err and all that it wraps. It reports whether there is room for more. It
// goes down a chain in a loop, and calls itself only for joined errors.
func (t *tree) add(err error, depth uint8) bool {
	for ; err != nil; depth++ {
		if depth > maxDepth {
			t.exceeded = true // this branch ends here, others go on
			return true
		}
		if t.size == maxErrors {
			t.exceeded = true
			return false
		}
		switch reflect.TypeOf(err) {
		case wrapErrorType:
			t.push(node{err: err, depth: depth, plain: true})
			err = errors.Unwrap(err)
			continue
		case errorStringType:
			t.push(node{err: err, depth: depth, plain: true})
			return true
		}
		if _, ok := err.(*receivedError); ok && !t.whole {
			t.received = true
			t.push(node{err: err, depth: depth})
			return true
		}
		branches, panicked, inner := unwrap(err)
		t.push(node{err: err, depth: depth, failed: panicked != nil})
		if panicked != nil && t.panicked == nil {
			t.panicked = panicked
		}
		for _, branch := range branches {
			if isParamsLink(branch) {
				continue // it repeats what err says
			}
			if !t.add(branch, depth+1) {
				return false
			}
		}
		err = inner
	}
	return true
}

// unwrap returns the errors or the error that err wraps. If its Unwrap method panics, it
// returns the panic, without a text.
func unwrap(err error) (branches []error, panicked *PanicError, inner error) {
	defer func() {
		if value := recover(); value != nil {
			panicked = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		inner = x.Unwrap()
	case interface{ Unwrap() []error }:
		branches = x.Unwrap()
	}
	return branches, nil, inner
}

func (t *tree) push(n node) {
	if t.size < len(t.first) {
		t.first[t.size] = n
	} else {
		t.rest = append(t.rest, n)
	}
	t.size++
}

// at returns the node with index i. The root has index 0.
func (t *tree) at(i int) *node {
	if i < len(t.first) {
		return &t.first[i]
	}
	return &t.rest[i-len(t.first)]
}

// after returns the index of the first node after i that node i doesn't wrap.
func (t *tree) after(i int) int {
	depth := t.at(i).depth
	for i++; i < t.size && t.at(i).depth > depth; i++ {
	}
	return i
}
