// Package violations reads buf.validate.Violations, the detail in which protovalidate says
// what is wrong with a request. It reads the wire format, so that nobody links protovalidate
// or registers its types:
//
//	message Violations       { repeated Violation violations = 1; }
//	message Violation        { string field_path = 1; // before protovalidate 0.9
//	                           string rule_id = 2; string message = 3; FieldPath field = 5; }
//	message FieldPath        { repeated FieldPathElement elements = 1; }
//	message FieldPathElement { int32 field_number = 1; string field_name = 2;
//	                           oneof subscript { uint64 index = 6; bool bool_key = 7;
//	                             int64 int_key = 8; uint64 uint_key = 9; string string_key = 10; } }
//
// https://github.com/bufbuild/protovalidate/blob/main/proto/protovalidate/buf/validate/validate.proto
package violations

import (
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

// TypeName is the name of the message that [Read] reads.
const TypeName = "buf.validate.Violations"

// Read returns the violations in a serialized buf.validate.Violations. The field is the path
// in protobuf's spelling, such as items[2].price, or empty for the whole message. Map keys
// are replaced: labels[*].name. The reason is the [Reason] of the rule's id. ok is false if b
// isn't a valid message.
//
// It takes time and memory in proportion to the length of b, which a peer may have chosen.
func Read(b []byte) (all []*errdetails.BadRequest_FieldViolation, ok bool) {
	ok = visitFields(b, func(f field) bool {
		if f.number != 1 || f.wireType != protowire.BytesType {
			return true
		}
		violation, ok := readViolation(f.bytes)
		all = append(all, violation)
		return ok
	})
	if !ok {
		return nil, false
	}
	return all, true
}

func readViolation(b []byte) (v *errdetails.BadRequest_FieldViolation, ok bool) {
	var oldPath, ruleID, message string
	var path strings.Builder
	ok = visitFields(b, func(f field) bool {
		if f.wireType != protowire.BytesType {
			return true
		}
		switch f.number {
		case 1:
			oldPath = string(f.bytes)
		case 2:
			ruleID = string(f.bytes)
		case 3:
			message = string(f.bytes)
		case 5: // a second one continues the first, as in every decoder
			return writePath(&path, f.bytes)
		}
		return true
	})
	name := path.String()
	if name == "" {
		name = redactKeys(oldPath)
	}
	return &errdetails.BadRequest_FieldViolation{Field: validUTF8(name), Reason: Reason(ruleID), Description: validUTF8(message)}, ok
}

// writePath writes a serialized FieldPath after the elements that path has already.
func writePath(path *strings.Builder, b []byte) (ok bool) {
	return visitFields(b, func(f field) bool {
		if f.number != 1 || f.wireType != protowire.BytesType {
			return true
		}
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		return writeElement(path, f.bytes)
	})
}

// redacted replaces a map key, and the name of an element that has neither name nor number.
const redacted = "*"

// writeElement writes a serialized FieldPathElement. protovalidate writes the name of an
// extension in brackets, as protobuf's text format does. The element of a oneof has only a
// name. An element without a name is written as its number.
func writeElement(path *strings.Builder, b []byte) (ok bool) {
	name, subscript := "", ""
	var number int32
	ok = visitFields(b, func(f field) bool {
		isVarint, isBytes := f.wireType == protowire.VarintType, f.wireType == protowire.BytesType
		switch {
		case f.number == 1 && isVarint:
			number = int32(f.varint)
		case f.number == 2 && isBytes:
			name = string(f.bytes)
		case f.number == 6 && isVarint:
			subscript = "[" + strconv.FormatUint(f.varint, 10) + "]"
		case f.number >= 7 && f.number <= 9 && isVarint, f.number == 10 && isBytes:
			subscript = "[" + redacted + "]"
		}
		return true
	})
	switch {
	case name != "":
	case number != 0:
		name = strconv.Itoa(int(number))
	default:
		name = redacted
	}
	path.WriteString(name)
	path.WriteString(subscript)
	return ok
}

// mapKey matches a map key in the path of a protovalidate before 0.9. A number can be a key
// or an index.
var mapKey = regexp.MustCompile(`(?s)\["(?:[^"\\]|\\.)*(?:"\]|$)|\[(?:true|false)\]`)

// redactKeys returns the path of a protovalidate before 0.9 without map keys, except for
// numbers.
func redactKeys(path string) string { return mapKey.ReplaceAllLiteralString(path, "["+redacted+"]") }

// Reason returns a reason in the form of AIP-193, [A-Z][A-Z0-9_]+[A-Z0-9] with at most 63
// bytes, for a text such as the id of a rule: STRING_MIN_LEN for string.min_len. Letters
// become capitals, and whatever is between letters and digits becomes one underscore. The end
// of a longer reason is cut off. Reason returns "" if no reason can be made in this way.
func Reason(text string) string {
	var b strings.Builder
	for i := 0; i < len(text) && b.Len() < errorinfo.MaxReason; i++ {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z':
			b.WriteByte(c - 'a' + 'A')
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			b.WriteByte(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	reason := strings.TrimRight(b.String(), "_")
	if !errorinfo.IsReason(reason) {
		return ""
	}
	return reason
}

func validUTF8(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// A field is a field of a serialized message.
type field struct {
	number   protowire.Number
	wireType protowire.Type
	bytes    []byte // of a BytesType
	varint   uint64 // of a VarintType
}

// visitFields calls visit for the fields of a serialized message, until visit returns false.
// It reports whether the message is valid and visit returned true for all fields.
func visitFields(b []byte, visit func(field) bool) (ok bool) {
	for len(b) > 0 {
		number, wireType, n := protowire.ConsumeTag(b)
		if n < 0 || number > protowire.MaxValidNumber {
			return false
		}
		b = b[n:]
		f := field{number: number, wireType: wireType}
		switch wireType {
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(number, wireType, b)
		}
		if n < 0 || !visit(f) {
			return false
		}
		b = b[n:]
	}
	return true
}
