package gateway

import (
	"encoding/base64"

	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// printable returns a status whose details can all be printed as JSON. Otherwise grpc-gateway
// writes nothing, and the stream ends as if it had succeeded.
func printable(st *grpcstatus.Status) *grpcstatus.Status {
	proto := st.Proto()
	for i, detail := range proto.GetDetails() {
		if _, err := protojson.Marshal(detail); err != nil {
			proto.Details[i] = packed(detail)
		}
	}
	return grpcstatus.FromProto(proto)
}

// packed returns a detail that can't be printed as one with its type and its bytes.
func packed(detail *anypb.Any) *anypb.Any {
	text := func(s string) *structpb.Value { return structpb.NewStringValue(s) }
	packed := new(anypb.Any)
	_ = packed.MarshalFrom(&structpb.Struct{Fields: map[string]*structpb.Value{ // fails only for texts that aren't UTF-8
		"@type":  text(detail.GetTypeUrl()),
		"@value": text(base64.StdEncoding.EncodeToString(detail.GetValue())),
	}})
	return packed
}
