package adapter

import (
	"errors"
	"math"
	"slices"

	"github.com/openimsdk/tools/errs"
	"github.com/openimsdk/tools/mw/specialerror"

	"github.com/errstatus/errstatus/codes"
)

// Replaced is a server's rule for the errors that OpenIM's servers replace, such as
// those of a database driver. It takes the tables that the server has by WithTable:
//
//	interceptor.WithErrorMapper(adapter.Replaced(missing.Table))
//
// The replacement's number is understood as a CodeError's is: it is that of the first
// table with a row for it, the default table last. The caller gets that code, with its
// message and no detail. A number without a row is no code: the caller gets 500, and
// the error is logged. What is a CodeError itself is left alone: its own number says
// it, or it was received and its connection's policy holds.
func Replaced(tables ...*codes.Table) func(err error) codes.Code {
	tables = append(slices.Clone(tables), codes.Default())
	return func(err error) codes.Code {
		if errors.As(err, new(errs.CodeError)) {
			return nil
		}
		e := specialerror.ErrCode(err)
		if e == nil || e.Code() <= 0 || e.Code() > math.MaxInt32 {
			return nil
		}
		number := int32(e.Code())
		for _, table := range tables {
			if table.Has(number) {
				return table.Code(number)
			}
		}
		return nil
	}
}
