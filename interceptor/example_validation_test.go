package interceptor_test

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// The inner interceptor stands for that of go-grpc-middleware's package protovalidate, with this
// error for an invalid request.
func ExampleWithValidationMapping() {
	server := interceptor.UnaryServer(interceptor.WithValidationMapping(codes.Args))
	_, sent := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/shop.v1.Orders/Place"},
		func(context.Context, any) (any, error) { return nil, testrpc.ProtovalidateError() })

	received := status.FromGRPC(status.ToGRPC(sent)).Err() // what a client's interceptor does
	fmt.Println(received)
	for v := range status.FieldViolations(received) {
		fmt.Printf("%s: %s (%s)\n", v.GetField(), v.GetDescription(), v.GetReason())
	}
	// Output:
	// Args: 2 fields are invalid
	// name: must be at least 3 characters (STRING_MIN_LEN)
	// labels[*]: must be a valid UUID (STRING_UUID)
}
