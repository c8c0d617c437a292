package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/text"
)

// The limits of what is printed of a status.
const (
	maxDetails  = 32 // details of a status
	maxFields   = 32 // fields of an unknown message
	maxMetadata = 64 // pairs of an ErrorInfo
)

// describeStatus returns what an answer says about a status by itself.
func describeStatus(h hit) *Status {
	message := h.status.proto
	size := h.status.size
	if size == 0 && h.status.values == nil {
		size = proto.Size(message)
	}
	s := &Status{
		Code:     message.GetCode(),
		Message:  shorten(message.GetMessage(), maxText),
		Size:     size,
		WireSize: wireSize(size),
	}
	if isCanonical(s.Code) {
		s.GRPCCode = canonicalName(grpccodes.Code(s.Code))
	}
	if h.header != nil {
		code := int32(*h.header)
		s.Header = &Header{Code: code, Name: canonicalName(*h.header), Agrees: code == s.Code}
	}
	for i, detail := range message.GetDetails() {
		if i == maxDetails {
			s.Omitted = len(message.GetDetails()) - i
			break
		}
		s.Details = append(s.Details, describeDetail(detail, h.status.values[i]))
	}
	return s
}

// describeDetail returns a detail as JSON, or the fields of a message of another type. value
// is the detail as JSON if its bytes aren't known.
func describeDetail(detail *anypb.Any, value []byte) Detail {
	d := Detail{Type: shorten(string(detail.MessageName()), maxFound), Size: len(detail.GetValue())}
	if d.Type == "" {
		d.Type = shorten(detail.GetTypeUrl(), maxFound)
	}
	if value != nil {
		d.setValue(value)
		return d
	}
	m, err := detail.UnmarshalNew()
	if err == nil {
		if value, err = protojson.Marshal(m); err == nil {
			d.setValue(value)
			return d
		}
	}
	d.setFields(detail.GetValue())
	if len(d.Fields) == 0 && len(detail.GetValue()) > 0 || isKnown(detail) {
		d.Error = "its bytes are not a message of this type"
	}
	return d
}

// isKnown reports whether the type of a detail is linked.
func isKnown(detail *anypb.Any) bool {
	_, err := anypb.UnmarshalNew(&anypb.Any{TypeUrl: detail.GetTypeUrl()}, proto.UnmarshalOptions{})
	return err == nil
}

// setValue sets the value in one form: protojson varies its spaces. A long value becomes the
// string of its beginning and its end.
func (d *Detail) setValue(value []byte) {
	var o object
	for _, m := range parseObject(value) {
		if m.key != "@type" {
			o = append(o, m)
		}
	}
	d.Value = o.json()
	if len(d.Value) > maxDetail {
		d.Error = tooLong
		d.Value, _ = json.Marshal(shorten(string(d.Value), maxDetail))
	}
}

// json returns the object on one line.
func (o object) json() json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(m.key)
		b.Write(key)
		b.WriteByte(':')
		b.Write(compact(m.value))
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}

// setFields sets the bytes of a message of an unknown type, and its fields if they can be
// read.
func (d *Detail) setFields(b []byte) {
	d.Base64 = base64.StdEncoding.EncodeToString(b[:min(len(b), maxDetail)])
	for len(b) > 0 && len(d.Fields) < maxFields {
		number, wireType, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			d.Fields = nil
			return
		}
		size := protowire.ConsumeFieldValue(number, wireType, b[tag:])
		if size < 0 {
			d.Fields = nil
			return
		}
		d.Fields = append(d.Fields, Field{
			Number: int32(number),
			Name:   openIMNames[d.Type][number],
			Value:  fieldValue(wireType, b[tag:tag+size]),
		})
		b = b[tag+size:]
	}
	if len(b) > 0 || d.Size > maxDetail {
		d.Error = tooLong
	}
}

// tooLong is the error of a detail of which a part is shown.
const tooLong = "it is too long to show all of it"

// openIMNames has the names of the fields of OpenIM's detail, whose type isn't linked.
// "warp" is OpenIM's spelling.
var openIMNames = map[string]map[protowire.Number]string{
	"openim.protobuf.ErrorInfo": {1: "path", 2: "line", 3: "name", 4: "cause", 5: "warp"},
}

// fieldValue returns the value of a field as a text.
func fieldValue(wireType protowire.Type, b []byte) string {
	switch wireType {
	case protowire.VarintType:
		n, _ := protowire.ConsumeVarint(b)
		return strconv.FormatUint(n, 10)
	case protowire.Fixed32Type:
		n, _ := protowire.ConsumeFixed32(b)
		return strconv.FormatUint(uint64(n), 10)
	case protowire.Fixed64Type:
		n, _ := protowire.ConsumeFixed64(b)
		return strconv.FormatUint(n, 10)
	case protowire.BytesType:
		b, _ = protowire.ConsumeBytes(b)
		if utf8.Valid(b) && text.Lines(string(b)) == string(b) {
			return shorten(string(b), maxDetail)
		}
	}
	return "base64:" + base64.StdEncoding.EncodeToString(b[:min(len(b), maxDetail)])
}

// An identity is what a status says about its code.
type identity struct {
	entry *entry // nil if it carries none
	info  *Info
	notes []string
}

func (id *identity) note(format string, args ...any) {
	id.notes = append(id.notes, fmt.Sprintf(format, args...))
}

// identify returns the code that a client finds in a status: by the first ErrorInfo of a known
// domain, or by a code that isn't canonical, as OpenIM's servers send it. Its rules are those
// of status.Decoder, which needs the Go types of the codes.
func (c *catalog) identify(found *foundStatus) *identity {
	id := new(identity)
	raw := found.proto.GetCode()
	for _, detail := range found.proto.GetDetails() {
		info := new(errdetails.ErrorInfo)
		if detail.MessageName() != errorinfo.TypeName || proto.Unmarshal(detail.GetValue(), info) != nil {
			continue
		}
		known := c.hasDomain(info.GetDomain())
		if id.info == nil || known {
			id.info = newInfo(info)
		}
		n, ok := errorinfo.ParseNumber(info.GetMetadata()[errorinfo.NumberKey])
		isRaw := ok && n == raw
		switch {
		case known && id.byInfo(c, info):
			return id
		case known && (isRaw || isCanonical(raw) || c.byNumber[raw] == nil):
			return id.byRawNumber(c, raw)
		case !known && isRaw:
			raw = 0
			id.note("The number %d belongs to the domain %q.", n, shorten(info.GetDomain(), maxFound))
		}
	}
	if id.info != nil && !c.hasDomain(id.info.Domain) && id.info.Domain != "" {
		id.note("No reference of the domain %s is known. Give its JSON file with -ref or %s.", shorten(id.info.Domain, maxFound), refVariable)
	}
	return id.byRawNumber(c, raw)
}

// newInfo returns an ErrorInfo with bounded texts.
func newInfo(info *errdetails.ErrorInfo) *Info {
	short := &Info{Reason: shorten(info.GetReason(), maxFound), Domain: shorten(info.GetDomain(), maxFound)}
	keys := slices.SortedFunc(maps.Keys(info.GetMetadata()), func(a, b string) int {
		switch reserved := errorinfo.IsReserved(a); {
		case reserved == errorinfo.IsReserved(b):
			return strings.Compare(a, b)
		case reserved:
			return -1 // what errstatus itself reads isn't left out
		}
		return 1
	})
	short.Omitted = max(0, len(keys)-maxMetadata)
	for _, key := range keys[:len(keys)-short.Omitted] {
		if short.Metadata == nil {
			short.Metadata = make(map[string]string)
		}
		short.Metadata[shorten(key, maxFound)] = shorten(info.GetMetadata()[key], maxDetail)
	}
	return short
}

// byInfo finds the code by the reason, or by the number if there is no reason, or if the
// reference has neither. It reports whether the ErrorInfo names a code, even if the reference
// doesn't have it.
func (id *identity) byInfo(c *catalog, info *errdetails.ErrorInfo) (named bool) {
	reason, domain := info.GetReason(), info.GetDomain()
	n, isNumber := errorinfo.ParseNumber(info.GetMetadata()[errorinfo.NumberKey])
	byReason := inDomain(c.byReason(reason), domain)
	byNumber := inDomain(c.byNumber[n], domain)
	switch {
	case errorinfo.IsReason(reason) && byReason != nil && byReason[0].code.Number > 0:
		id.entry = byReason[0].entry
		if id.entry.code.Reason != reason {
			id.note("%s is a former reason of this code: the sender has an older table.", reason)
		}
		if isNumber && n != id.entry.code.Number {
			id.note("The metadata has the number %d, but the reference has %d.", n, id.entry.code.Number)
		}
		return true
	case isNumber && byNumber != nil && errorinfo.IsReason(reason) && reason != errorinfo.UnknownReason(n):
		id.note("The number %d is that of %s, but the reason is %q: clients find no code in it. Sender and reference have different versions of the table.",
			n, byNumber[0].code.Reason, shorten(reason, maxFound))
	case isNumber && byNumber != nil:
		id.entry = byNumber[0].entry
		id.note("The number %d identifies the code, because the reason is %q.", n, shorten(reason, maxFound))
		return true
	case c.withholds(domain, reason):
		id.note(withheldNote, reason)
	default:
		id.note("The reference of %s doesn't have this code. It may be older than the sender's table: get the current file.", domain)
		return isNumber
	}
	return false
}

const withheldNote = "The server withheld the text of this failure. Its table has no default code for %s. The server's log has the cause."

// withholds reports whether servers of a domain send a reason for failures whose text they
// withhold: then it is no code.
func (c *catalog) withholds(domain, reason string) bool {
	isDefault := func(e *entry) bool {
		return e.reference.Domain == domain && e.code.Default && e.code.GRPCCode == reason
	}
	return (reason == "INTERNAL" || reason == "UNKNOWN") && c.hasDomain(domain) && !slices.ContainsFunc(c.entries, isDefault)
}

// byRawNumber finds the code of OpenIM's numeric form, if a code isn't canonical.
func (id *identity) byRawNumber(c *catalog, code int32) *identity {
	matches := c.byNumber[code]
	switch {
	case isCanonical(code):
		return id
	case len(matches) == 0:
		id.note("%d is not a canonical code, and no reference has this number.", code)
		return id
	}
	id.entry = matches[0].entry
	if own := inDomain(matches, openIMDomain); own != nil {
		id.entry = own[0].entry
	}
	id.note("grpc-status is the number of the code itself, as OpenIM's servers send it. Other clients read UNKNOWN.")
	for _, m := range matches {
		if m.entry != id.entry {
			id.note("The number is also that of %s.", m.answer().label())
		}
	}
	return id
}
