package adapter

import (
	"errors"
	"math"

	"github.com/openimsdk/tools/errs"
	"github.com/openimsdk/tools/mw/specialerror"

	"github.com/errstatus/errstatus/codes"
)

// Replaced is a server's rule for the errors that OpenIM's servers replace, such as
// those of a database driver:
//
//	interceptor.MapErrorFunc(adapter.Replaced)
//
// The caller gets the number of the replacement, with the table's message and no
// detail. What is a CodeError itself is left alone: its own number says it, or it
// was received and its connection's policy holds.
func Replaced(err error) codes.Code {
	if errors.As(err, new(errs.CodeError)) {
		return nil
	}
	if e := specialerror.ErrCode(err); e != nil && e.Code() > 0 && e.Code() <= math.MaxInt32 {
		return codes.ErrorCode(e.Code())
	}
	return nil
}
