package protoenum

import (
	"io"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/errstatus/errstatus/internal/version"
)

// Answer reads a request of protoc and writes the response of a plugin. Mistakes are in the
// response, which protoc prints: options in a .proto file that can't be read, or else the
// error of generate. Answer returns an error if the request can't be decoded.
func Answer(in io.Reader, out io.Writer, plugin string, generate func(*pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error)) error {
	b, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	request, err := ReadRequest(b, plugin+" "+version.Version)
	if request == nil {
		return err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err == nil {
		response, err = generate(request)
	}
	if err != nil {
		response = &pluginpb.CodeGeneratorResponse{Error: proto.String(err.Error())}
	}
	b, err = proto.Marshal(response)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

// SetFeatures says which files a plugin understands: proto2 and proto3 with optional fields,
// and editions up to 2024.
func SetFeatures(gen *protogen.Plugin) {
	gen.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL |
		pluginpb.CodeGeneratorResponse_FEATURE_SUPPORTS_EDITIONS)
	gen.SupportedEditionsMinimum = descriptorpb.Edition_EDITION_PROTO2
	gen.SupportedEditionsMaximum = descriptorpb.Edition_EDITION_2024
}
