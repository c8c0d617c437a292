// Package store stands for a package whose errors the snippets give codes to.
package store

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

var ErrNotFound = errors.New("store: not found")

// An InvalidError lists the fields of a record that are not valid.
type InvalidError struct{}

func (*InvalidError) Error() string                      { return "store: invalid record" }
func (*InvalidError) BadRequest() *errdetails.BadRequest { return &errdetails.BadRequest{} }
