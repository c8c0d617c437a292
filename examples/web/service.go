package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/examples/web/accountspb/accountspbconnect"
	"github.com/errstatus/errstatus/status"
)

// accounts is the service. It knows nothing of HTTP, gRPC or languages. A user named ada
// exists, and no other is ever stored.
type accounts struct{}

// Register serves gRPC, Connect and plain HTTP alike.
func (accounts) Register(_ context.Context, req *accountspb.RegisterRequest) (*accountspb.RegisterResponse, error) {
	if err := validate(req); err != nil {
		return nil, err
	}
	if err := register(req.GetUser().GetName(), req.GetFailWith()); err != nil {
		return nil, fmt.Errorf("storing user %q: %w", req.GetUser().GetName(), err) // this text is private
	}
	return &accountspb.RegisterResponse{UserId: "user-" + req.GetUser().GetName()}, nil
}

// steps is RegisterSteps of all protocols.
func (s accounts) steps(ctx context.Context, req *accountspb.RegisterRequest, send func(*accountspb.RegisterStep) error) error {
	for _, step := range []string{"checking the fields", "storing the user"} {
		if err := send(&accountspb.RegisterStep{Step: step}); err != nil {
			return err
		}
	}
	_, err := s.Register(ctx, req)
	return err
}

// A nameTaken error is what a package for storage returns. It knows nothing of codes: a
// rule in rules.go does.
type nameTaken struct{ name string }

func (e nameTaken) Error() string { return fmt.Sprintf("user %q exists", e.name) }

// register plays the storage. It fails with the code that the caller wants to see.
func register(name, failWith string) error {
	switch failWith {
	case "":
		if name == "ada" {
			return nameTaken{name}
		}
		return nil
	case accountspb.AccountCode_ACCOUNT_CODE_NAME_TAKEN.Reason():
		return nameTaken{name}
	case accountspb.AccountCode_ACCOUNT_CODE_TOO_MANY_REGISTRATIONS.Reason():
		tooMany := accountspb.TooManyRegistrationsError{Limit: "10"}
		return status.With(tooMany).WithRetryDelay(30 * time.Second).Err() // a code with a parameter, and a delay
	}
	row, ok := codes.Default().ByReason(failWith)
	if !ok {
		return status.Errorf(codes.Args, "no code has the reason %q: choose one from the list", failWith)
	}
	return status.Wrap(errors.New("db-1.internal:5432: connection refused"), row.Code, "") // the cause is private
}

// grpcAccounts is the service for gRPC, whose generated code wants a stream of its own type.
type grpcAccounts struct {
	accountspb.UnimplementedAccountServiceServer
	accounts
}

func (s grpcAccounts) Register(ctx context.Context, req *accountspb.RegisterRequest) (*accountspb.RegisterResponse, error) {
	return s.accounts.Register(ctx, req)
}

func (s grpcAccounts) RegisterSteps(req *accountspb.RegisterRequest, stream grpc.ServerStreamingServer[accountspb.RegisterStep]) error {
	return s.steps(stream.Context(), req, stream.Send)
}

// connectAccounts is the service for Connect.
type connectAccounts struct{ accounts }

func (s connectAccounts) RegisterSteps(ctx context.Context, req *accountspb.RegisterRequest, stream accountspbconnect.AccountServiceRegisterStepsServerStream) error {
	return s.steps(ctx, req, stream.Send)
}
