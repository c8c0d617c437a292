package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	crdb "github.com/cockroachdb/errors"
	"github.com/cockroachdb/errors/extgrpc"
	"github.com/cockroachdb/errors/grpc/middleware"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	kratos "github.com/go-kratos/kratos/v2/errors"
	"github.com/googleapis/gax-go/v2/apierror"
	"github.com/openimsdk/protocol/constant"
	"github.com/openimsdk/tools/errs"
	"github.com/openimsdk/tools/mw"
	"go.temporal.io/api/serviceerror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// A peer is a way of getting a domain's error from a handler to its caller.
type peer struct {
	name string

	// constant is an error that a handler returns as it is, often the same one;
	// formatted makes one whose message has a number in it.
	constant  func() error
	formatted func(user int) error

	// encode makes of a handler's error what is handed to gRPC, and decode of what
	// gRPC returned the caller's error.
	encode, decode func(err error) error

	// read tells whether the caller's error has the code. It is nil for connect, which
	// has it nowhere but in a whole call.
	read func(err error) bool

	// What is installed where a whole call is made. Without it the handler calls
	// encode, and the caller decode.
	server []grpc.ServerOption
	client []grpc.DialOption
}

const (
	reason = "RECORD_NOT_FOUND"
	number = 1004
)

func message(user int) string { return fmt.Sprintf("no user %d", user) }

var sentMessage = message(47)

// The handler's context of a unary call, as the servers of others want it.
var (
	unaryInfo = &grpc.UnaryServerInfo{FullMethod: "/grpc.testing.TestService/UnaryCall"}
	incoming  = metadata.NewIncomingContext(context.Background(), metadata.Pairs(constant.OperationID, "1"))
	outgoing  = context.WithValue(context.Background(), constant.OperationID, "1") //nolint:staticcheck // OpenIM's key is a string
	unused    = newUnused()
)

// newUnused is a connection that is never used: OpenIM's client asks for its target.
func newUnused() *grpc.ClientConn {
	conn, err := grpc.NewClient("passthrough:///unused", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	return conn
}

// through is what a server's interceptor makes of a handler's error.
func through(i grpc.UnaryServerInterceptor) func(err error) error {
	return func(err error) error {
		_, err = i(incoming, nil, unaryInfo, func(context.Context, any) (any, error) { return nil, err })
		return err
	}
}

// back is what a client's interceptor makes of an error of gRPC's.
func back(i grpc.UnaryClientInterceptor) func(err error) error {
	return func(err error) error {
		return i(outgoing, unaryInfo.FullMethod, nil, nil, unused,
			func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return err })
	}
}

func itself(err error) error { return err }

func always(err error) func() error { return func() error { return err } }

// byHand is a status with an ErrorInfo as gRPC's documentation makes one.
func byHand(message string) error {
	st, err := grpcstatus.New(grpccodes.NotFound, message).WithDetails(
		&errdetails.ErrorInfo{Reason: reason, Domain: "openim.io", Metadata: map[string]string{"code": "1004"}})
	if err != nil {
		return err
	}
	return st.Err()
}

// A registered is an error of one's own for errdefs: typeurl knows how it is written.
type registered struct{ Number int }

func (e *registered) Error() string { return fmt.Sprint("code ", e.Number) }

func init() { typeurl.Register(&registered{}, "errstatus.bench", "registered") }

// notFound is an error that the caller finds by its type.
func notFound(err error) bool {
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}

var (
	encoder        status.Encoder
	decoder        status.Decoder
	kratosConstant = kratos.New(404, reason, sentMessage)
	temporalStatus = serviceerror.NewNotFound(sentMessage)
	crdbConstant   = extgrpc.WrapWithGrpcCode(crdb.New(sentMessage), grpccodes.NotFound)
	openIMConstant = errs.NewCodeError(number, sentMessage)
)

var peers = []peer{
	{
		name:      "hand",
		constant:  func() error { return byHand(sentMessage) },
		formatted: func(user int) error { return byHand(message(user)) },
		encode:    itself,
		decode:    itself,
		read: func(err error) bool {
			for _, detail := range grpcstatus.Convert(err).Details() {
				if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "openim.io" {
					return info.GetReason() == reason
				}
			}
			return false
		},
	},
	{
		name:      "errstatus",
		constant:  func() error { return codes.RecordNotFound },
		formatted: func(user int) error { return status.Error(codes.RecordNotFound, message(user)) },
		encode:    func(err error) error { return encoder.Encode(incoming, err).Err() },
		decode:    func(err error) error { return decoder.Decode(outgoing, err) },
		read:      func(err error) bool { return status.Code(err) == codes.RecordNotFound },
		server:    interceptor.ServerOptions(),
		client:    interceptor.DialOptions(),
	},
	{
		name:     "errdefs",
		constant: func() error { return errors.Join(errdefs.ErrNotFound, &registered{number}) },
		formatted: func(user int) error {
			return errors.Join(errdefs.ErrNotFound.WithMessage(message(user)), &registered{number})
		},
		encode: errgrpc.ToGRPC,
		decode: errgrpc.ToNative,
		read: func(err error) bool {
			code, ok := errors.AsType[*registered](err)
			return ok && code.Number == number
		},
	},
	{
		name:      "kratos",
		constant:  always(kratosConstant),
		formatted: func(user int) error { return kratos.New(404, reason, message(user)) },
		encode:    func(err error) error { return grpcstatus.Convert(err).Err() }, // as gRPC asks for it
		decode:    func(err error) error { return kratos.FromError(err) },
		read:      func(err error) bool { return kratos.Reason(err) == reason },
	},
	{
		name:      "temporal",
		constant:  always(temporalStatus),
		formatted: func(user int) error { return serviceerror.NewNotFound(message(user)) },
		encode:    func(err error) error { return serviceerror.ToStatus(err).Err() },
		decode:    func(err error) error { return serviceerror.FromStatus(grpcstatus.Convert(err)) },
		read:      notFound,
	},
	{
		name:     "cockroach",
		constant: always(crdbConstant),
		formatted: func(user int) error {
			return extgrpc.WrapWithGrpcCode(crdb.Newf("no user %d", user), grpccodes.NotFound)
		},
		encode: through(middleware.UnaryServerInterceptor),
		decode: back(middleware.UnaryClientInterceptor),
		read:   func(err error) bool { return extgrpc.GetGrpcCode(err) == grpccodes.NotFound },
		server: []grpc.ServerOption{grpc.ChainUnaryInterceptor(middleware.UnaryServerInterceptor)},
		client: []grpc.DialOption{grpc.WithChainUnaryInterceptor(middleware.UnaryClientInterceptor)},
	},
	{
		name:      "gax", // which is for clients: the server is by hand
		constant:  func() error { return byHand(sentMessage) },
		formatted: func(user int) error { return byHand(message(user)) },
		encode:    itself,
		decode: func(err error) error {
			api, _ := apierror.FromError(err)
			return api
		},
		read: func(err error) bool {
			api, ok := errors.AsType[*apierror.APIError](err)
			return ok && api.Reason() == reason
		},
	},
	{
		name:      "connect",
		constant:  func() error { return connectError(errors.New(sentMessage)) },
		formatted: func(user int) error { return connectError(errors.New(message(user))) },
		encode:    writtenByConnect,
	},
	{
		name:      "OpenIM",
		constant:  always(openIMConstant),
		formatted: func(user int) error { return errs.NewCodeError(number, message(user)) },
		encode:    through(mw.RpcServerInterceptor),
		decode:    back(mw.RpcClientInterceptor),
		read: func(err error) bool {
			code, ok := errors.AsType[errs.CodeError](err)
			return ok && code.Code() == number
		},
		server: []grpc.ServerOption{mw.GrpcServer()},
		client: []grpc.DialOption{mw.GrpcClient()},
	},
}

// connectError is an error of connect's with the same ErrorInfo.
func connectError(underlying error) error {
	err := connect.NewError(connect.CodeNotFound, underlying)
	detail, detailErr := connect.NewErrorDetail(
		&errdetails.ErrorInfo{Reason: reason, Domain: "openim.io", Metadata: map[string]string{"code": "1004"}})
	if detailErr != nil {
		return detailErr
	}
	err.AddDetail(detail)
	return err
}

var (
	connectWriter  = connect.NewErrorWriter()
	connectRequest = grpcRequest()
)

func grpcRequest() *http.Request {
	r := httptest.NewRequest(http.MethodPost, unaryInfo.FullMethod, nil)
	r.Header.Set("Content-Type", "application/grpc")
	return r
}

// written takes an HTTP response's headers, and nothing else.
type written struct{ header http.Header }

func (w *written) Header() http.Header       { return w.header }
func (*written) Write(b []byte) (int, error) { return len(b), nil }
func (*written) WriteHeader(int)             {}

// writtenByConnect writes the error's headers: that is the one way connect has.
func writtenByConnect(err error) error {
	return connectWriter.Write(&written{http.Header{}}, connectRequest, err)
}
