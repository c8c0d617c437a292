package validation_test

import (
	"context"
	"os"
	"path"
	"testing"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate" // registers validate.proto
	"github.com/bufbuild/protocompile"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// orderType describes the request of the test's service, by testdata/order.proto.
var orderType = compile("order.proto").Messages().ByName("Order")

// compile compiles a file of testdata.
func compile(name string) protoreflect.FileDescriptor {
	text, err := os.ReadFile(path.Join("testdata", name))
	if err != nil {
		panic(err)
	}
	linked := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		file, err := protoregistry.GlobalFiles.FindFileByPath(path)
		return protocompile.SearchResult{Desc: file}, err
	})
	source := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{name: string(text)})}
	compiler := protocompile.Compiler{Resolver: protocompile.CompositeResolver{source, linked}}
	files, err := compiler.Compile(context.Background(), name)
	if err != nil {
		panic(err)
	}
	// The compiler's options are of its own types. Written and read, they are those of the
	// linked package, as in generated code.
	b, err := proto.Marshal(protodesc.ToFileDescriptorProto(files[0]))
	if err != nil {
		panic(err)
	}
	described := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(b, described); err != nil {
		panic(err)
	}
	file, err := protodesc.NewFile(described, protoregistry.GlobalFiles)
	if err != nil {
		panic(err)
	}
	return file
}

// order returns a request, which is given in prototext.
func order(t testing.TB, text string) *dynamicpb.Message {
	t.Helper()
	m := dynamicpb.NewMessage(orderType)
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// A handler gets a request, or the error of a stream that can't be read.
type handler func(request proto.Message, err error) error

// serve returns a service with a unary and a stream method, whose requests are made by newRequest.
// Both methods end as h says.
func serve(newRequest func() proto.Message, h handler) func(*grpc.Server) {
	unary := func(_ any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
		request := newRequest()
		if err := decode(request); err != nil {
			return nil, err
		}
		info := &grpc.UnaryServerInfo{FullMethod: "/shop.v1.Orders/Place"}
		return chain(ctx, request, info, func(_ context.Context, request any) (any, error) {
			return &emptypb.Empty{}, h(request.(proto.Message), nil)
		})
	}
	stream := func(_ any, stream grpc.ServerStream) error {
		request := newRequest()
		return h(request, stream.RecvMsg(request))
	}
	return func(s *grpc.Server) {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: "shop.v1.Orders",
			HandlerType: (*any)(nil),
			Methods:     []grpc.MethodDesc{{MethodName: "Place", Handler: unary}},
			Streams:     []grpc.StreamDesc{{StreamName: "Import", Handler: stream, ClientStreams: true, ServerStreams: true}},
		}, nil)
	}
}

// calls are the two ways to call the service.
var calls = map[string]func(context.Context, *grpc.ClientConn, proto.Message) error{
	"unary": func(ctx context.Context, conn *grpc.ClientConn, request proto.Message) error {
		return conn.Invoke(ctx, "/shop.v1.Orders/Place", request, &emptypb.Empty{})
	},
	"stream": func(ctx context.Context, conn *grpc.ClientConn, request proto.Message) error {
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/shop.v1.Orders/Import")
		if err != nil {
			return err
		}
		if err := stream.SendMsg(request); err != nil {
			return err
		}
		return stream.RecvMsg(&emptypb.Empty{})
	},
}

// accepting is a handler that accepts every request it gets.
func accepting(_ proto.Message, err error) error { return err }

func newOrder() proto.Message { return dynamicpb.NewMessage(orderType) }
