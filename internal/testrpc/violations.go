package testrpc

import (
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Invalid returns a gRPC error INVALID_ARGUMENT with a message and details, as a validator
// returns it. An Any is not packed again.
func Invalid(t testing.TB, message string, details ...proto.Message) error {
	t.Helper()
	p := Canonical(t, grpccodes.InvalidArgument, message)
	for _, d := range details {
		packed, ok := d.(*anypb.Any)
		if !ok {
			packed = Packed(t, d)
		}
		p.Details = append(p.Details, packed)
	}
	return grpcstatus.FromProto(p).Err()
}

// A RuleViolation is a violation of one of protovalidate's rules, by a field of a request. If Key
// isn't empty, the field is a map, and the violation is in its value.
type RuleViolation struct{ Field, Key, RuleID, Message string }

// RuleViolations returns a buf.validate.Violations as protovalidate writes it.
func RuleViolations(all ...RuleViolation) *anypb.Any {
	packed := &anypb.Any{TypeUrl: "type.googleapis.com/buf.validate.Violations"}
	for _, v := range all {
		element := appendText(nil, 2, v.Field)
		if v.Key != "" {
			element = appendText(element, 10, v.Key)
		}
		b := appendText(appendText(nil, 2, v.RuleID), 3, v.Message)
		if v.Field != "" {
			b = appendText(b, 5, string(appendText(nil, 1, string(element))))
		}
		packed.Value = appendText(packed.Value, 1, string(b))
	}
	return packed
}

// appendText appends a field with a text, or with the bytes of a message.
func appendText(b []byte, number protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), text)
}

// ProtovalidateError returns an error of protovalidate's interceptors, for an example.
func ProtovalidateError() error {
	p := &spb.Status{Code: int32(grpccodes.InvalidArgument), Message: "validation errors: …"}
	p.Details = append(p.Details, RuleViolations(
		RuleViolation{Field: "name", RuleID: "string.min_len", Message: "must be at least 3 characters"},
		RuleViolation{Field: "labels", Key: "secret", RuleID: "string.uuid", Message: "must be a valid UUID"},
	))
	return grpcstatus.FromProto(p).Err()
}
