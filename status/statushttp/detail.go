package statushttp

import (
	"encoding/base64"
	"encoding/json"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// An opaqueDetail is a detail whose fields can't be written as JSON. grpcurl prints such
// details in a similar way.
type opaqueDetail struct {
	Type  string `json:"@type"`
	Value string `json:"@value"` // standard base64
}

// An errorInfoDetail is a google.rpc.ErrorInfo in protobuf's JSON. Nearly each failure has one,
// and encoding/json writes it in a third of the time of protojson.
type errorInfoDetail struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason,omitempty"`
	Domain   string            `json:"domain,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// maxNesting is how deeply JSON may be nested: encoding/json refuses more. Shorter JSON can't be
// nested so deeply, not even in a body.
const maxNesting = 10_000

// isReadable reports whether the JSON of a detail can be read as a part of a body. The body nests
// it in three levels at most: {"error":{"details":[…]}}.
func isReadable(detail []byte) bool {
	return len(detail) < maxNesting || json.Valid(slices.Concat([]byte("[[["), detail, []byte("]]]")))
}

// detailJSON returns a value that encoding/json writes as a detail in protobuf's JSON. A
// detail's fields can't be written if its type isn't linked, if its bytes can't be decoded, and
// if JSON has no form for a value, such as a Duration of a million years. Then the JSON has its
// bytes.
func detailJSON(detail *anypb.Any) any {
	var info errdetails.ErrorInfo
	if unpack(detail, &info) {
		return errorInfoDetail{detail.GetTypeUrl(), info.GetReason(), info.GetDomain(), info.GetMetadata()}
	}
	if detail.GetTypeUrl() != "" {
		if b, err := protojson.Marshal(detail); err == nil && isReadable(b) {
			return json.RawMessage(b)
		}
	}
	return opaqueDetail{detail.GetTypeUrl(), base64.StdEncoding.EncodeToString(detail.GetValue())}
}

// unpack decodes a detail into message. It reports whether the detail has that type and can be
// decoded.
func unpack(detail *anypb.Any, message proto.Message) bool {
	return detail.MessageIs(message) && proto.Unmarshal(detail.GetValue(), message) == nil
}

// find decodes the first detail with the type of message into it. It reports whether there is
// one.
func find(details []*anypb.Any, message proto.Message) bool {
	for _, detail := range details {
		if unpack(detail, message) {
			return true
		}
	}
	return false
}
