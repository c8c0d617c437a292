package status_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// load stands for a function that fails. call returns err as a caller receives it.
func load() error          { return errors.New("dial tcp 10.0.0.7:5432: connection refused") }
func call(err error) error { return status.FromGRPC(status.ToGRPC(err)).Err() }

func ExampleError() {
	err := status.Error(codes.Args, "the name is empty")
	fmt.Println(err)
	fmt.Println(status.Error(codes.Args, ""))
	fmt.Println(status.Error(codes.NoError, "fine"))
	// Output:
	// Args: the name is empty
	// Args: invalid argument
	// <nil>
}

func ExampleErrorf() {
	err := status.Errorf(codes.RecordNotFound, "user %q", "u-42")
	fmt.Println(err)
	fmt.Println(errors.Is(err, codes.RecordNotFound))
	// Output:
	// RecordNotFound: user "u-42"
	// true
}

// The types of the example are those that protoc-gen-go-errstatus generates for a row with
// the template "card {card} was declined".
func ExampleWith() {
	err := status.With(testrpc.CardDeclinedError{Card: "4242"}).Wrap(load())
	fmt.Println(err)
	fmt.Println(status.ToGRPC(fmt.Errorf("paying: %w", testrpc.CardDeclinedError{Card: "17"})).Message())

	// The caller knows the table.
	decoder := status.Decoder{Tables: []*codes.Table{testrpc.Billing}}
	err = decoder.Decode(context.Background(), status.ToGRPC(err).Err())
	if declined, ok := errors.AsType[testrpc.CardDeclinedError](err); ok {
		fmt.Println("use another card than", declined.Card)
	}
	fmt.Println(status.Convert(err).Metadata())
	// Output:
	// CardDeclined: card 4242 was declined
	// card 17 was declined
	// use another card than 4242
	// map[card:4242]
}

func ExampleWrap() {
	err := status.Wrap(load(), codes.SrvDatabase, "loading the user")
	fmt.Println("in the process: ", err)
	fmt.Println("to its caller:  ", call(err))
	slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})).Error("failed", "err", err)
	// Output:
	// in the process:  SrvDatabase: loading the user
	// to its caller:   SrvDatabase: loading the user
	// level=ERROR msg=failed err.name=SrvDatabase err.number=90002 err.reason=SRV_DATABASE err.grpc_code=INTERNAL err.message="loading the user" err.cause="dial tcp 10.0.0.7:5432: connection refused"
}

func ExampleWrapf() {
	err := status.Wrapf(load(), codes.SrvDatabase, "loading user %q", "u-42")
	fmt.Printf("%v\n\n%+v\n", err, err)
	fmt.Println(status.Wrapf(nil, codes.SrvDatabase, "nothing to wrap"))
	// Output:
	// SrvDatabase: loading user "u-42"
	//
	// SrvDatabase: loading user "u-42"
	// caused by: dial tcp 10.0.0.7:5432: connection refused
	// <nil>
}

func ExampleNew() {
	st := status.New(codes.Args, "the name is too long").WithMetadata("limit", "64")
	fmt.Println(st.Code(), "|", st.GRPCCode(), "|", st.Reason(), "|", st.Metadata())
	fmt.Println(st.Err())
	// Output:
	// Args: invalid argument | InvalidArgument | ARGS | map[limit:64]
	// Args: the name is too long
}

func ExampleNewf() {
	fmt.Println(status.Newf(codes.Args, "the name has %d characters, 64 at most", 70))
	// Output: Args: the name has 70 characters, 64 at most
}

func ExampleStatus_WithDetails() {
	st := status.New(codes.SdkNetwork, "try again in a second").
		WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	for _, detail := range st.Details() {
		fmt.Println(detail.ProtoReflect().Descriptor().FullName())
	}
	// Output:
	// google.rpc.ErrorInfo
	// google.rpc.RetryInfo
}

func ExampleCode() {
	err := call(status.Error(codes.TokenExpired, ""))
	switch status.Code(err) {
	case codes.NoError:
		fmt.Println("done")
	case codes.TokenExpired:
		fmt.Println("refresh the token")
	}
	// Output: refresh the token
}

func ExampleFromError() {
	err := call(status.Errorf(codes.RecordNotFound, "user %q", "u-42"))
	if st, ok := status.FromError(err); ok {
		fmt.Println(st.Code(), "|", st.Message(), "|", st.Reason(), "|", st.Domain(), "|", st.GRPCCode(), "|", st.Origin())
	}
	st, ok := status.FromError(errors.New("no code"))
	fmt.Println(st.Code(), ok)
	// Output:
	// RecordNotFound: record not found | user "u-42" | RECORD_NOT_FOUND | openim.io | NotFound | known
	// SdkUnknownCode: unknown error false
}

func ExampleConvert() {
	fmt.Println(status.Convert(status.Error(codes.Args, "no name")))
	fmt.Println(status.Convert(grpcstatus.Error(grpccodes.Unavailable, "no route to host"))) // carries no code
	fmt.Println(status.Convert(nil))
	// Output:
	// Args: no name
	// rpc error: code = Unavailable desc = no route to host
	// NoError: no error
}

func ExampleDetail() {
	err := call(status.New(codes.Args, "bad request").WithDetails(&errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "name", Description: "must not be empty"}},
	}).Err())
	if br, ok := status.Detail[*errdetails.BadRequest](err); ok {
		for _, v := range br.GetFieldViolations() {
			fmt.Println(v.GetField()+":", v.GetDescription())
		}
	}
	// Output: name: must not be empty
}

func ExampleStatus_WithMetadata() {
	err := call(status.New(codes.SrvConnOverMaxNumLimit, "at most 5 connections").WithMetadata("limit", "5").Err())
	fmt.Println(status.Convert(err).Metadata())
	// Output: map[limit:5]
}

func ExampleStatus_Err() {
	var st *status.Status // nil is success
	fmt.Println(st.Err())
	fmt.Println(status.New(codes.NoError, "fine").Err())
	fmt.Println(status.New(codes.Args, "no name").Err())
	// Output:
	// <nil>
	// <nil>
	// Args: no name
}

func ExampleStatus_Details() {
	st := status.New(codes.Args, "no name").WithDetails(&errdetails.RequestInfo{RequestId: "r-1"})
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Println(d.GetReason(), d.GetMetadata())
		case *errdetails.RequestInfo:
			fmt.Println(d.GetRequestId())
		}
	}
	// Output:
	// ARGS map[code:1001]
	// r-1
}

func ExampleStatus_Wrap() {
	st := status.New(codes.SrvCallback, "the webhook refused").WithMetadata("webhook", "beforeSend")
	err := st.Wrap(errors.New("POST https://hooks.internal: 403"))
	fmt.Println(err)
	// Output: SrvCallback: the webhook refused
}

func ExampleToGRPC() {
	st := status.ToGRPC(fmt.Errorf("private: %w", codes.RecordNotFound))
	fmt.Println(st.Code(), st.Message())
	fmt.Println(status.ToGRPC(errors.New("private")).Message())
	// Output:
	// NotFound record not found
	// internal server error
}

func ExampleFromGRPC() {
	received := status.ToGRPC(codes.TokenKicked)
	st := status.FromGRPC(received)
	fmt.Println(st.Code(), st.Origin())
	// Output: TokenKicked: token was revoked by a login elsewhere known
}

func ExampleEncoder_Encode() {
	errNoRows := errors.New("sql: no rows")
	encoder := &status.Encoder{Rules: []status.Rule{{Target: errNoRows, Code: codes.RecordNotFound}}}
	encoded := encoder.Encode(context.Background(), fmt.Errorf("user: %w", errNoRows))
	fmt.Println(encoded.Source(), encoded.Status().Code(), encoded.Status().Message())
	// Output: rule NotFound record not found
}

func ExampleDecoder_Decode() {
	err := new(status.Decoder).Decode(context.Background(), codes.SdkNetwork.GRPCStatus().Err())
	fmt.Println(err)
	fmt.Println(errors.Is(err, codes.SdkNetwork), grpcstatus.Code(err))
	// Output:
	// SdkNetwork: network error
	// true Unavailable
}

// The caller waits as long as the server asks it to.
func ExampleRetryDelay() {
	err := status.New(codes.SrvConnOverMaxNumLimit, "").WithRetryDelay(2 * time.Second).Err()
	if delay, ok := status.RetryDelay(err); ok {
		fmt.Println("again in", delay)
	}
	// Output: again in 2s
}

// go-grpc-middleware's retry interceptor calls Retryable to decide on a retry.
func ExampleRetryable() {
	_ = retry.UnaryClientInterceptor(retry.WithMax(3), retry.WithRetriable(status.Retryable))

	fmt.Println(status.Retryable(codes.SdkNetwork), status.Retryable(codes.RecordNotFound))
	// Output: true false
}

// OpenIMDetail reads the detail of an error that OpenIM's server sent. This program doesn't
// link OpenIM's Go package for the detail.
func ExampleOpenIMDetail() {
	sent := grpcstatus.FromProto(&spb.Status{Code: 1004, Message: "RecordNotFoundError", Details: []*anypb.Any{{
		TypeUrl: "type.googleapis.com/openim.protobuf.ErrorInfo",
		Value:   []byte("\x22\x09userID=42"),
	}}})
	err := new(status.Decoder).Decode(context.Background(), sent.Err())
	detail, ok := status.OpenIMDetail(err)
	fmt.Println(status.Code(err), status.Convert(err).Origin())
	fmt.Println(detail, ok)
	// Output:
	// RecordNotFound: record not found numeric
	// userID=42 true
}
