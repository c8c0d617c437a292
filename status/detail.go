package status

import (
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

const (
	badRequestName = "google.rpc.BadRequest"
	debugInfoName  = "google.rpc.DebugInfo"
)

// Detail is the detail of a generated type T of an error's status, such as
// *errdetails.BadRequest; ok tells whether there is one that can be decoded. The
// error may be of any kind that [FromError] takes.
func Detail[T proto.Message](err error) (detail T, ok bool) {
	if proto.Message(detail) == nil {
		return detail, false // T is an interface type, which names no message
	}
	st, ok := FromError(err)
	if !ok {
		return detail, false
	}
	name := detail.ProtoReflect().Descriptor().FullName()
	for _, packed := range st.receiverDetails() {
		if packed.MessageName() != name {
			continue
		}
		message := detail.ProtoReflect().New().Interface()
		if proto.Unmarshal(packed.GetValue(), message) == nil {
			return message.(T), true
		}
	}
	return detail, false
}

// Details are the status's details as its receiver has them, the ErrorInfo that
// states the code first; DebugInfo is among them even where it won't be sent. One
// of a type that this program doesn't know, or whose bytes can't be decoded, is
// the *anypb.Any that it came in. They are new messages each time.
func (st *Status) Details() []proto.Message {
	packed := st.receiverDetails()
	details := make([]proto.Message, 0, len(packed))
	for _, p := range packed {
		message, err := p.UnmarshalNew()
		if err != nil {
			message = proto.Clone(p)
		}
		details = append(details, message)
	}
	return details
}

// packedDetails are all details, the ErrorInfo that states the code first, in a slice
// of their own.
func (st *Status) packedDetails(table *codes.Table) []*anypb.Any {
	all := make([]*anypb.Any, 0, 1+len(st.details))
	if st.origin.carriesCode() {
		all = append(all, st.packErrorInfo(table))
	}
	return append(all, st.details...)
}

// receiverDetails are the details as a receiver has them, and DebugInfo.
func (st *Status) receiverDetails() []*anypb.Any {
	if st.Code().Number() == 0 {
		return nil
	}
	rare := st.rarely()
	if rare.received != nil && rare.info != nil { // all that came, for better or worse
		return append([]*anypb.Any{{TypeUrl: errorInfoURL, Value: rare.info}}, st.details...)
	}
	if rare.received != nil {
		return st.packedDetails(st.tableIn(nil))
	}
	return cleanDetails(st.packedDetails(st.tableIn(nil)), true)
}

// packDetail is a detail to add to a copy that is still being made, nil if there
// is nothing to add.
func (st *Status) packDetail(message proto.Message) *anypb.Any {
	if message == nil || !message.ProtoReflect().IsValid() {
		return nil
	}
	packed := pack(message)
	if st.addMetadata(packed) {
		return nil
	}
	if packed.MessageName() == retryInfoName {
		st.ownRare().pushback = pushbackOf(packed)
	}
	return packed
}

// lastOfEachType puts each detail in the place of the first of its type. Those
// whose type has no name stay as they are. It changes details, and takes one pass:
// there can be a peer's thousands.
func lastOfEachType(details []*anypb.Any) []*anypb.Any {
	if len(details) < 2 {
		return details
	}
	places := make(map[protoreflect.FullName]int, len(details))
	kept := details[:0]
	for _, d := range details {
		name := d.MessageName()
		if i, ok := places[name]; ok && name != "" {
			kept[i] = d
			continue
		}
		places[name] = len(kept)
		kept = append(kept, d)
	}
	return kept
}

// types are the types of details that were seen: a few, or a peer's thousands.
type typeSet struct {
	few  [8]protoreflect.FullName
	n    int
	many map[protoreflect.FullName]bool
}

// add tells whether a type is new.
func (t *typeSet) add(name protoreflect.FullName) bool {
	if slices.Contains(t.few[:t.n], name) || t.many[name] {
		return false
	}
	if t.n < len(t.few) {
		t.few[t.n] = name
		t.n++
		return true
	}
	if t.many == nil {
		t.many = make(map[protoreflect.FullName]bool)
	}
	t.many[name] = true
	return true
}

// dropDetail is a copy of details without those of a type.
func dropDetail(details []*anypb.Any, name protoreflect.FullName) []*anypb.Any {
	return slices.DeleteFunc(slices.Clone(details), func(d *anypb.Any) bool { return d.MessageName() == name })
}

// addMetadata takes the metadata of an ErrorInfo of the code's own domain, whose
// reason and number the code itself says. It tells whether packed was one.
func (st *Status) addMetadata(packed *anypb.Any) bool {
	info := &errdetails.ErrorInfo{}
	if packed.MessageName() != errorInfoName || packed.UnmarshalTo(info) != nil {
		return false
	}
	if info.GetDomain() != st.code.Table().Domain() {
		return false
	}
	st.setMetadata(info.GetMetadata())
	return true
}

// pack puts a message into an Any; equal messages give equal bytes. An Any is
// copied rather than packed once more.
func pack(message proto.Message) *anypb.Any {
	if packed, ok := message.(*anypb.Any); ok {
		packed = proto.CloneOf(packed)
		packed.TypeUrl = validUTF8(packed.TypeUrl)
		return packed
	}
	packed := &anypb.Any{}
	options := proto.MarshalOptions{Deterministic: true, AllowPartial: true}
	if anypb.MarshalFrom(packed, message, options) == nil {
		return packed
	}
	// The one thing that protobuf refuses to write is text that is not UTF-8;
	// gRPC would then send no details at all.
	message = proto.Clone(message)
	repair(message.ProtoReflect())
	if err := anypb.MarshalFrom(packed, message, options); err != nil {
		// Nothing else is known to be refused; an empty one is a detail still.
		packed.TypeUrl, packed.Value = "type.googleapis.com/"+string(message.ProtoReflect().Descriptor().FullName()), nil
	}
	return packed
}

// repair replaces what is not UTF-8 in all text of a message.
func repair(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			repairMap(fd, v.Map())
		case fd.IsList():
			for i := range v.List().Len() {
				v.List().Set(i, repaired(fd, v.List().Get(i)))
			}
		default:
			m.Set(fd, repaired(fd, v))
		}
		return true
	})
}

func repairMap(fd protoreflect.FieldDescriptor, m protoreflect.Map) {
	type pair struct {
		key   protoreflect.MapKey
		value protoreflect.Value
	}
	var pairs []pair // sorted, so that of two keys that are repaired alike one wins always
	m.Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
		pairs = append(pairs, pair{key, v})
		return true
	})
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key.String(), b.key.String()) })
	for _, p := range pairs {
		m.Clear(p.key)
		m.Set(repaired(fd.MapKey(), p.key.Value()).MapKey(), repaired(fd.MapValue(), p.value))
	}
}

func repaired(fd protoreflect.FieldDescriptor, v protoreflect.Value) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(validUTF8(v.String()))
	case protoreflect.MessageKind, protoreflect.GroupKind:
		repair(v.Message())
	}
	return v
}

// validUTF8 is text with U+FFFD in the place of each run of bytes that is not
// UTF-8.
func validUTF8(text string) string {
	if utf8.ValidString(text) { // many bytes at a time
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
