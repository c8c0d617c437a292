package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// A foundStatus is a status that was found in a text.
type foundStatus struct {
	proto *spb.Status
	as    string // what the text was: one of the constants below
	size  int    // of its bytes, 0 if the text isn't bytes

	// values has details whose type isn't linked, as JSON, by their index in the status. Their
	// bytes aren't known.
	values map[int][]byte
}

// The texts of a status.
const (
	asBase64    = "base64 of a google.rpc.Status"
	asBytes     = "bytes of a google.rpc.Status"
	asInfo      = "base64 of a google.rpc.ErrorInfo"
	asJSON      = "a google.rpc.Status as JSON"
	asHTTPJSON  = "an error of a Google API as JSON (AIP-193)"
	asConnect   = "an error of Connect as JSON"
	asPrototext = "a google.rpc.Status as protobuf text"
	asGRPCurl   = "an error as grpcurl prints it"
)

// trimBase64 removes what may stand in and around base64: line breaks, spaces, quotes.
func trimBase64(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\f\"'`", r) {
			return -1
		}
		return r
	}, text)
}

// percentEscapes has the characters of base64 that proxies escape in access logs.
var percentEscapes = strings.NewReplacer("%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=")

// urlAlphabet replaces the characters in which base64's alphabet for URLs differs.
var urlAlphabet = strings.NewReplacer("-", "+", "_", "/")

// decodeBase64 decodes base64 in any alphabet, padded or not, with line breaks and quotes.
func decodeBase64(text string) ([]byte, error) {
	text = trimBase64(percentEscapes.Replace(text))
	text = strings.TrimRight(urlAlphabet.Replace(text), "=")
	return base64.RawStdEncoding.DecodeString(text)
}

// decodeHeader returns the status in a value of grpc-status-details-bin. The error says in
// words what else the value is.
func decodeHeader(value string) (*foundStatus, error) {
	b, err := decodeBase64(value)
	about, _ := readCut(value)
	switch {
	case about != "" && (err != nil || proto.Unmarshal(b, new(spb.Status)) != nil):
		return nil, fmt.Errorf("it may be cut: its beginning has %s", about)
	case err != nil:
		return nil, fmt.Errorf("it is not base64: %w", err)
	}
	if found := certainStatus(b, asBase64, asInfo); found != nil {
		return found, nil
	}
	status := new(spb.Status)
	if len(b) == 0 {
		return nil, errors.New("it is empty")
	}
	if proto.Unmarshal(b, status) != nil {
		return nil, fmt.Errorf("its %d bytes are not a google.rpc.Status", len(b))
	}
	return &foundStatus{proto: status, as: asBase64, size: len(b)}, nil
}

// certainStatus returns the status with the bytes b, or a status around the ErrorInfo with
// the bytes b. It returns nil if they may be something else: random bytes are often valid
// protobuf of unknown fields.
func certainStatus(b []byte, asStatus, asInfo string) *foundStatus {
	if status := new(spb.Status); proto.Unmarshal(b, status) == nil && isCertain(status) {
		return &foundStatus{proto: status, as: asStatus, size: len(b)}
	}
	info := new(errdetails.ErrorInfo)
	if proto.Unmarshal(b, info) != nil || len(info.ProtoReflect().GetUnknown()) > 0 ||
		!errorinfo.IsReason(info.GetReason()) || !strings.Contains(info.GetDomain(), ".") {
		return nil
	}
	return &foundStatus{proto: &spb.Status{Details: []*anypb.Any{{TypeUrl: errorinfo.TypeURL, Value: b}}}, as: asInfo}
}

// isCertain reports whether a decoded message was meant to be a google.rpc.Status: it has
// two of its fields and no other.
func isCertain(status *spb.Status) bool {
	if len(status.ProtoReflect().GetUnknown()) > 0 {
		return false
	}
	for _, detail := range status.GetDetails() {
		if len(detail.ProtoReflect().GetUnknown()) > 0 || detail.GetTypeUrl() != "" && !strings.Contains(detail.GetTypeUrl(), "/") {
			return false
		}
	}
	fields := 0
	status.ProtoReflect().Range(func(protoreflect.FieldDescriptor, protoreflect.Value) bool { fields++; return true })
	return fields >= 2 || len(status.GetDetails()) > 0 && status.GetDetails()[0].GetTypeUrl() != ""
}
