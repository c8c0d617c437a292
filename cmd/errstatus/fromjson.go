package main

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// statusFromJSON returns the status in a JSON object, or nil if the object isn't a status: a
// google.rpc.Status, an error of a Google API (AIP-193), or an error of Connect.
func statusFromJSON(o object) *foundStatus {
	code, as, hasCode := jsonCode(o)
	message, hasMessage := parseString(o.get("message"))
	elements := parseArray(o.get("details"))
	isBare := hasCode && hasMessage && o.hasOnly("code", "message", "details", "status", "error", "errors")
	if len(elements) == 0 && !isBare {
		return nil
	}
	found := &foundStatus{proto: &spb.Status{Code: code, Message: message}, as: as}
	for _, element := range elements {
		if !found.addJSON(element) {
			return nil
		}
	}
	return found
}

// hasOnly reports whether the object has no other keys.
func (o object) hasOnly(keys ...string) bool {
	allowed := " " + strings.Join(keys, " ") + " "
	for _, m := range o {
		if !strings.Contains(allowed, " "+m.key+" ") {
			return false
		}
	}
	return true
}

// jsonCode returns the code of a status as JSON. An error of a Google API has the HTTP
// status as code, and the canonical code as status. Connect writes "not_found".
func jsonCode(o object) (code int32, as string, ok bool) {
	if canonical, ok := canonicalOf(o.text("status")); ok {
		return int32(canonical), asHTTPJSON, true
	}
	if canonical, ok := canonicalOf(o.text("code")); ok {
		return int32(canonical), asConnect, true
	}
	n, err := strconv.ParseInt(string(o.get("code")), 10, 32)
	return int32(n), asJSON, err == nil
}

// addJSON adds a detail. It reports whether the value has the form of one: an Any as
// protojson writes it, as grpcurl writes an unknown type, or as Connect writes it.
func (f *foundStatus) addJSON(value json.RawMessage) bool {
	o := parseObject(value)
	url := o.text("@type")
	encoded, isBytes := parseString(o.get("@value"))
	if url == "" {
		url = o.text("type")
		if encoded, isBytes = parseString(o.get("value")); !isBytes {
			return false
		}
	}
	if url == "" {
		return false
	}
	if !strings.Contains(url, "/") {
		url = "type.googleapis.com/" + url
	}
	detail := new(anypb.Any)
	switch {
	case isBytes:
		b, err := decodeBase64(encoded)
		if err != nil {
			return false
		}
		detail = &anypb.Any{TypeUrl: url, Value: b}
	case (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value, detail) == nil:
	case strings.HasSuffix(url, "/"+errorinfo.TypeName) && infoFromJSON(o) != nil:
		detail = infoFromJSON(o).proto.Details[0]
	default:
		detail = &anypb.Any{TypeUrl: url}
		if f.values == nil {
			f.values = make(map[int][]byte)
		}
		f.values[len(f.proto.Details)] = value
	}
	f.proto.Details = append(f.proto.Details, detail)
	return true
}

// nodeBuffer returns the bytes of a Buffer as Node prints it as JSON:
// {"type":"Buffer","data":[8,5]}.
func nodeBuffer(o object) []byte {
	var data []byte
	if o.text("type") != "Buffer" {
		return nil
	}
	for _, element := range parseArray(o.get("data")) {
		n, err := strconv.ParseUint(string(element), 10, 8)
		if err != nil {
			return nil
		}
		data = append(data, byte(n))
	}
	return data
}

// infoFromJSON returns a status with the ErrorInfo in a JSON object, or nil if the object isn't
// an ErrorInfo.
func infoFromJSON(o object) *foundStatus {
	reason, domain := o.text("reason"), o.text("domain")
	if !errorinfo.IsReason(reason) || domain == "" {
		return nil
	}
	metadata := make(map[string]string)
	for _, m := range parseObject(o.get("metadata")) {
		text, isString := parseString(m.value)
		if !isString {
			text = string(m.value) // a number, which protobuf's JSON would have in quotes
		}
		metadata[m.key] = text
	}
	text, err := json.Marshal(map[string]any{"@type": errorinfo.TypeURL, "reason": reason, "domain": domain, "metadata": metadata})
	found := &foundStatus{proto: new(spb.Status), as: asInfoJSON}
	if err != nil || !found.addJSON(text) {
		return nil
	}
	return found
}

// asInfoJSON is the text of an ErrorInfo outside of a status.
const asInfoJSON = "a google.rpc.ErrorInfo as JSON"

// isCanonical reports whether a code of a status is canonical.
func isCanonical(code int32) bool { return code >= 0 && grpccodes.Code(code) <= maxCanonical }

// wireSize returns the length of n bytes as base64 without padding, as gRPC sends them.
func wireSize(n int) int { return base64.RawStdEncoding.EncodedLen(n) }
