package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// newRules returns what all servers of this program share: which error becomes which
// code, in which languages, and what is logged.
func newRules(logger *slog.Logger) (*interceptor.Server, error) {
	table, localizer, err := readLanguages()
	if err != nil {
		return nil, err
	}
	return interceptor.NewServer(
		interceptor.WithLogger(logger),
		interceptor.WithTable(codes.Default()),
		interceptor.WithTable(table),
		interceptor.WithErrorMapper(mapNameTaken),
		interceptor.WithValidationMapping(codes.Args),
		interceptor.WithLocalizer(localizer.Amend),
		interceptor.WithRequestID(requestID),
		interceptor.WithObserver(func(ctx context.Context, e interceptor.Event) { // also of what the caller did wrong
			if e.Source == status.SourceForwarded { // the gateway's event: the gRPC server had its own
				return
			}
			_, reason := e.Labels()
			logger.InfoContext(ctx, "answered", "method", e.Call.FullMethod(), "code", e.GRPCCode.String(), "reason", reason, "request_id", e.RequestID)
		}),
	), nil
}

// mapNameTaken is a rule: it gives an error of the storage its code and parameter.
func mapNameTaken(_ context.Context, err error) *status.Status {
	if taken, ok := errors.AsType[nameTaken](err); ok {
		return status.With(accountspb.NameTakenError{Name: taken.name})
	}
	return nil
}
