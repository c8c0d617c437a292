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

// A peer is a way to send a domain error from a handler to its caller.
type peer struct {
	name string

	// constant returns an error with a constant message, in the form that costs
	// least. formatted returns an error whose message has a number in it.
	constant  func() error
	formatted func(user int) error

	// encode turns a handler's error into the error that gRPC sends. decode turns
	// gRPC's error into the caller's error.
	encode, decode func(err error) error

	// read reports whether the caller's error has the code. It is nil for connect,
	// whose caller decodes only in a whole call.
	read func(err error) bool

	// server and client are the options for a whole call. Without server options,
	// the handler calls encode and the caller calls decode.
	server []grpc.ServerOption
	client []grpc.DialOption
}

const (
	reason = "RECORD_NOT_FOUND"
	number = 1004
)

func message(user int) string { return fmt.Sprintf("no user %d", user) }

var sentMessage = message(47)

// The arguments of a unary call that some interceptors require: OpenIM's read the
// operation's ID.
var (
	unaryInfo = &grpc.UnaryServerInfo{FullMethod: "/grpc.testing.TestService/UnaryCall"}
	incoming  = metadata.NewIncomingContext(context.Background(), metadata.Pairs(constant.OperationID, "1"))
	outgoing  = context.WithValue(context.Background(), constant.OperationID, "1") //nolint:staticcheck // OpenIM's key is a string
	unused    = newUnused()
)

// newUnused returns a connection that is never used. OpenIM's client interceptor
// reads its target.
func newUnused() *grpc.ClientConn {
	conn, err := grpc.NewClient("passthrough:///unused", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	return conn
}

// encodeWith returns a function that encodes a handler's error with a server
// interceptor.
func encodeWith(i grpc.UnaryServerInterceptor) func(err error) error {
	return func(err error) error {
		_, err = i(incoming, nil, unaryInfo, func(context.Context, any) (any, error) { return nil, err })
		return err
	}
}

// decodeWith returns a function that decodes gRPC's error with a client interceptor.
func decodeWith(i grpc.UnaryClientInterceptor) func(err error) error {
	return func(err error) error {
		return i(outgoing, unaryInfo.FullMethod, nil, nil, unused,
			func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return err })
	}
}

func unchanged(err error) error { return err }

func always(err error) func() error { return func() error { return err } }

// byHand returns a status with an ErrorInfo, made as gRPC's documentation shows.
func byHand(message string) error {
	st, err := grpcstatus.New(grpccodes.NotFound, message).WithDetails(
		&errdetails.ErrorInfo{Reason: reason, Domain: "openim.io", Metadata: map[string]string{"code": "1004"}})
	if err != nil {
		return err
	}
	return st.Err()
}

// A registered is a custom error for errdefs, which typeurl can encode.
type registered struct{ Number int }

func (e *registered) Error() string { return fmt.Sprint("code ", e.Number) }

func init() { typeurl.Register(&registered{}, "errstatus.bench", "registered") }

// notFound reports whether err has temporal's type for a missing record.
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
		encode:    unchanged,
		decode:    unchanged,
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
		encode:    func(err error) error { return grpcstatus.Convert(err).Err() }, // as grpc-go does
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
		encode: encodeWith(middleware.UnaryServerInterceptor),
		decode: decodeWith(middleware.UnaryClientInterceptor),
		read:   func(err error) bool { return extgrpc.GetGrpcCode(err) == grpccodes.NotFound },
		server: []grpc.ServerOption{grpc.ChainUnaryInterceptor(middleware.UnaryServerInterceptor)},
		client: []grpc.DialOption{grpc.WithChainUnaryInterceptor(middleware.UnaryClientInterceptor)},
	},
	{
		name:      "gax", // a client library: the server is by hand
		constant:  func() error { return byHand(sentMessage) },
		formatted: func(user int) error { return byHand(message(user)) },
		encode:    unchanged,
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
		encode:    encodeWith(mw.RpcServerInterceptor),
		decode:    decodeWith(mw.RpcClientInterceptor),
		read: func(err error) bool {
			code, ok := errors.AsType[errs.CodeError](err)
			return ok && code.Code() == number
		},
		server: []grpc.ServerOption{mw.GrpcServer()},
		client: []grpc.DialOption{mw.GrpcClient()},
	},
}

// connectError returns a connect error with the same ErrorInfo.
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

// written is an HTTP response writer that keeps the headers and drops the body.
type written struct{ header http.Header }

func (w *written) Header() http.Header       { return w.header }
func (*written) Write(b []byte) (int, error) { return len(b), nil }
func (*written) WriteHeader(int)             {}

// writtenByConnect encodes an error into an HTTP response, the only way that connect
// offers.
func writtenByConnect(err error) error {
	return connectWriter.Write(&written{http.Header{}}, connectRequest, err)
}
