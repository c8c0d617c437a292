package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// Other interceptors in the chain: before errstatus, after it, or around it.

func TestOuterInterceptorsSeeTheHandlersError(t *testing.T) {
	cause := &nilPointer{"the cause"}
	tests := []struct {
		name     string
		handlers error
		want     []error
		code     grpccodes.Code
	}{
		{"a wrapped cause", status.Wrap(cause, codes.SrvDatabase, "loading"), []error{cause, codes.SrvDatabase}, grpccodes.Internal},
		{"a plain error", cause, []error{cause, codes.ServerInternal}, grpccodes.Internal},
		{"a mapped error", fmt.Errorf("%w", io.ErrUnexpectedEOF), []error{io.ErrUnexpectedEOF, codes.RecordNotFound}, grpccodes.NotFound},
		{"an error that panics", panicsInIs{cause}, []error{codes.ServerInternal}, grpccodes.Internal},
		{"an error that wraps itself", testrpc.WrapsItself(cause), []error{codes.ServerInternal}, grpccodes.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sent, outer := observed()
			server := append(outer, interceptor.ServerOptions(interceptor.WithErrorMapping(io.ErrUnexpectedEOF, codes.RecordNotFound))...)
			client := testrpc.Connect(t, testrpc.Returning(tt.handlers), server, nil)
			for _, k := range testrpc.Kinds {
				k.Call(t.Context(), client)
				err := <-sent
				for _, want := range tt.want {
					if !errors.Is(err, want) {
						t.Errorf("%s: errors.Is(%v, %v) = false outside errstatus; want true", k.Name, err, want)
					}
				}
				if errors.Is(err, io.EOF) { // walks the whole chain, which must end
					t.Errorf("%s: errors.Is(%v, io.EOF) = true; want false", k.Name, err)
				}
				if got := grpcstatus.Code(err); got != tt.code {
					t.Errorf("%s: grpcstatus.Code(%v) = %v; want %v", k.Name, err, got, tt.code)
				}
				if strings.Contains(err.Error(), cause.text) {
					t.Errorf("%s: Error() = %q; want only the public text", k.Name, err)
				}
			}
		})
	}
}

// An in-process transport hands the server's error value to the client. The client drops
// its private cause.
func TestInProcessTransportDropsThePrivateCause(t *testing.T) {
	cause := &nilPointer{testrpc.Secret}
	inProcess := func(ctx context.Context, method string, req, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
		_, err := interceptor.UnaryServer()(ctx, req, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
			return nil, status.Wrap(cause, codes.SrvDatabase, "loading")
		})
		return err
	}
	err := interceptor.UnaryClient()(t.Context(), "/grpc.testing.TestService/UnaryCall", nil, nil, nil, inProcess)

	if errors.Is(err, cause) {
		t.Errorf("errors.Is finds the server's private cause in %v; want it dropped", err)
	}
	if private, ok := errors.AsType[*nilPointer](err); ok {
		t.Errorf("errors.AsType finds the server's private cause %#v; want it dropped", private)
	}
	testrpc.CheckNoSecret(t, err)
	if diff := cmp.Diff(testrpc.WantReading(t, codes.SrvDatabase, "loading", nil), testrpc.Read(err, codes.SrvDatabase), protocmp.Transform()); diff != "" {
		t.Errorf("what the caller reads (-want +got):\n%s", diff)
	}
}

// go-grpc-middleware.

func TestLoggingOutsideAndRecoveryInside(t *testing.T) {
	svc := testrpc.Returning(nil)
	logged, server := middleware()
	client := testrpc.Connect(t, svc, server, interceptor.DialOptions())
	for _, k := range testrpc.Kinds {
		for _, c := range testrpc.ErrorCodes(t) {
			svc.Return(testrpc.AtOpen, c)
			k.Call(t.Context(), client)
			row, _ := codes.Default().Lookup(c.Number())
			if got := (*logged)["grpc.code"]; got != row.GRPCCode.String() {
				t.Errorf("%s, %v: the logged grpc.code is %v; want %v", k.Name, c, got, row.GRPCCode)
			}
		}
		svc.Run(testrpc.AtOpen, func(context.Context) error { panic(testrpc.Secret) })
		_, err := k.Call(t.Context(), client)
		testrpc.CheckStatus(t, err, testrpc.Carrying(t, codes.ServerInternal, ""))
		if text := fmt.Sprint(*logged); (*logged)["grpc.code"] != "Internal" || strings.Contains(text, testrpc.Secret) {
			t.Errorf("%s: the log has %v for a panic; want Internal, without the panic's value", k.Name, text)
		}
	}
}

// middleware returns interceptors in the order that the README recommends, and the
// fields of the last log line.
func middleware() (*map[string]any, []grpc.ServerOption) {
	logged := &map[string]any{}
	logger := logging.LoggerFunc(func(_ context.Context, _ logging.Level, _ string, fields ...any) {
		line := make(map[string]any)
		for i := 0; i < len(fields); i += 2 {
			line[fields[i].(string)] = fields[i+1]
		}
		*logged = line
	})
	finish := logging.WithLogOnEvents(logging.FinishCall)
	recovered := recovery.WithRecoveryHandler(func(any) error { return codes.ServerInternal })
	return logged, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(
			logging.UnaryServerInterceptor(logger, finish),
			interceptor.UnaryServer(),
			recovery.UnaryServerInterceptor(recovered),
		),
		grpc.ChainStreamInterceptor(
			logging.StreamServerInterceptor(logger, finish),
			interceptor.StreamServer(),
			recovery.StreamServerInterceptor(recovered),
		),
	}
}

func TestSelectorExemptsHealth(t *testing.T) {
	notHealth := selector.MatchFunc(func(_ context.Context, call interceptors.CallMeta) bool {
		return call.Service != healthgrpc.Health_ServiceDesc.ServiceName
	})
	register := func(s *grpc.Server) {
		healthgrpc.RegisterHealthServer(s, unwell{})
		testgrpc.RegisterTestServiceServer(s, testrpc.Returning(errors.New("not ready")))
	}
	conn := testrpc.Serve(t, register, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(selector.UnaryServerInterceptor(interceptor.UnaryServer(), notHealth)),
		grpc.ChainStreamInterceptor(selector.StreamServerInterceptor(interceptor.StreamServer(), notHealth)),
	}, nil)

	_, err := healthgrpc.NewHealthClient(conn).Check(t.Context(), &healthgrpc.HealthCheckRequest{})
	testrpc.CheckStatus(t, err, testrpc.Canonical(t, grpccodes.Unknown, "not ready"))
	for _, k := range testrpc.Kinds {
		_, err := k.Call(t.Context(), testgrpc.NewTestServiceClient(conn))
		testrpc.CheckStatus(t, err, testrpc.Carrying(t, codes.ServerInternal, ""))
	}
}

type unwell struct {
	healthgrpc.UnimplementedHealthServer
}

func (unwell) Check(context.Context, *healthgrpc.HealthCheckRequest) (*healthgrpc.HealthCheckResponse, error) {
	return nil, errors.New("not ready")
}
