package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// A server with old and new clients sends each client the form that it reads.
func ExampleWithOpenIMForm() {
	server := interceptor.UnaryServer(interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated))
	info := &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"}
	handler := func(context.Context, any) (any, error) { return nil, codes.RecordNotFound }

	withoutAnnouncement := context.Background()
	announcing := metadata.NewIncomingContext(withoutAnnouncement, metadata.Pairs(interceptor.CanonicalAnnouncementKey, "1"))
	for _, ctx := range []context.Context{withoutAnnouncement, announcing} {
		_, err := server(ctx, nil, info, handler)
		fmt.Println(grpcstatus.Code(err), errors.Is(err, codes.RecordNotFound))
	}
	// Output:
	// Code(1004) true
	// NotFound true
}

// An observer counts the callers that still get the numeric form.
func ExampleWithOpenIMForm_observer() {
	numeric := make(map[string]int)
	count := func(ctx context.Context, event interceptor.Event) {
		if p, ok := peer.FromContext(ctx); ok && event.OpenIMForm {
			host, _, _ := net.SplitHostPort(p.Addr.String())
			numeric[host]++
		}
	}
	server := interceptor.UnaryServer(interceptor.WithOpenIMForm(interceptor.OpenIMNegotiated), interceptor.WithObserver(count))
	ctx := peer.NewContext(context.Background(), &peer.Peer{Addr: address("10.0.0.7:41234")})
	server(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"},
		func(context.Context, any) (any, error) { return nil, codes.RecordNotFound })
	fmt.Println(numeric)
	// Output: map[10.0.0.7:1]
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// A client announces in its metadata that it reads canonical statuses.
func ExampleWithCanonicalAnnouncement() {
	client := interceptor.UnaryClient(interceptor.WithCanonicalAnnouncement())
	client(context.Background(), "/users.Users/Get", nil, nil, nil,
		func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			md, _ := metadata.FromOutgoingContext(ctx)
			fmt.Println(interceptor.CanonicalAnnouncementKey, md.Get(interceptor.CanonicalAnnouncementKey))
			return nil
		})
	// Output: errstatus [1]
}

// A codeError has the methods of OpenIM's errs.CodeError.
type codeError struct {
	code        int
	msg, detail string
}

func (e codeError) Error() string  { return fmt.Sprint(e.code, " ", e.msg, " ", e.detail) }
func (e codeError) Code() int      { return e.code }
func (e codeError) Msg() string    { return e.msg }
func (e codeError) Detail() string { return e.detail }

// Handlers can keep returning OpenIM's errors. The detail isn't sent.
func ExampleWithOpenIMErrors() {
	server := interceptor.UnaryServer(interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail))
	_, err := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"},
		func(context.Context, any) (any, error) {
			return nil, codeError{1004, "no such user", "SELECT … WHERE id = 42"}
		})
	_, ok := status.OpenIMDetail(grpcstatus.Convert(err).Err())
	fmt.Println(grpcstatus.Code(err), status.Code(err), ok)
	fmt.Println(err)
	// Output:
	// NotFound RecordNotFound: record not found false
	// no such user
}

// The server also sends the detail, like OpenIM's servers, for callers that show it to
// people.
func ExampleWithOpenIMErrors_withDetail() {
	server := interceptor.UnaryServer(interceptor.WithOpenIMErrors(status.OpenIMErrorsWithDetail))
	_, err := server(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/users.Users/Get"},
		func(context.Context, any) (any, error) {
			return nil, codeError{1004, "no such user", "userID=42"}
		})
	fmt.Println(status.OpenIMDetail(grpcstatus.Convert(err).Err())) // as a client receives it
	// Output: userID=42 true
}
