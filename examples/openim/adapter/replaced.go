package adapter

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/openimsdk/tools/errs"
	"github.com/openimsdk/tools/mw/specialerror"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// Replaced returns an error mapper for the errors that OpenIM's servers replace, such
// as a database driver's. Give it the same tables as WithTable:
//
//	interceptor.WithErrorMapper(adapter.Replaced(missing.Table))
//
// OpenIM's package specialerror replaces an error by a CodeError. The mapper looks up
// its number in the given tables in order, and then in the default table. The caller
// gets that code with the code's own message and no detail. If no table has a row for
// the number, the caller gets 500 and the server logs the error.
//
// The mapper ignores errors that already are CodeErrors: the server reads their number,
// or they were received and the connection's trust applies.
func Replaced(tables ...*codes.Table) func(ctx context.Context, err error) *status.Status {
	tables = append(slices.Clone(tables), codes.Default())
	return func(_ context.Context, err error) *status.Status {
		if errors.As(err, new(errs.CodeError)) {
			return nil
		}
		e := specialerror.ErrCode(err)
		if e == nil || e.Code() <= 0 || e.Code() > math.MaxInt32 {
			return nil
		}
		number := codes.Number(e.Code())
		for _, table := range tables {
			if table.Has(number) {
				return status.New(table.Code(number), "")
			}
		}
		return nil
	}
}
