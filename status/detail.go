package status

import (
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/internal/errorinfo"
)

const (
	badRequestName = "google.rpc.BadRequest"
	debugInfoName  = "google.rpc.DebugInfo"
)

// Detail returns the detail of a generated type T in the status of an error, such as
// *errdetails.BadRequest. ok reports whether there is one that can be decoded. err can
// be any error that [FromError] takes.
func Detail[T proto.Message](err error) (detail T, ok bool) {
	st, ok := FromError(err)
	if !ok {
		return detail, false
	}
	return detailOf[T](st)
}

// detailOf is [Detail] for the Status of an error.
func detailOf[T proto.Message](st *Status) (detail T, ok bool) {
	name, ok := messageName(detail)
	if !ok {
		return detail, false
	}
	for _, packed := range st.allDetails() {
		if packed.MessageName() != name {
			continue
		}
		message := detail.ProtoReflect().New().Interface()
		if found, ok := message.(T); ok && proto.Unmarshal(packed.GetValue(), message) == nil {
			return found, true
		}
	}
	return detail, false
}

// messageName returns the name of the message type of nil, a nil message. ok is false for a
// nil interface and for a dynamicpb.Message, which name no type.
func messageName(message proto.Message) (name protoreflect.FullName, ok bool) {
	if message == nil {
		return "", false
	}
	panicked := catchPanic(func() { name = message.ProtoReflect().Descriptor().FullName() })
	return name, panicked == nil
}

// Details returns all details, as new messages: the received ones, and those that this
// process added. The ErrorInfo that carries the code is the first. Some of them may not be
// sent: DebugInfo, and what the [Trust] in a connection withholds. A detail of a type that
// isn't linked into this program, and one that can't be decoded, is the *anypb.Any that was
// received.
func (st *Status) Details() []proto.Message {
	packed := st.allDetails()
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

// allDetails returns the details that Details returns. The result must not be changed.
func (st *Status) allDetails() []*anypb.Any {
	switch {
	case st.Code().Number() == 0:
		return nil
	case st.isReceived() && !st.hasOwnInfo():
		return st.received.proto.GetDetails()
	}
	var all []*anypb.Any
	if st.isReceived() && st.origin == OriginKnown {
		all = append(all, &anypb.Any{TypeUrl: errorinfo.TypeURL, Value: st.received.info()})
	} else if st.hasOwnInfo() {
		all = append(all, &anypb.Any{TypeUrl: errorinfo.TypeURL, Value: st.errorInfo(st.tableIn(nil), true, math.MaxInt)})
	}
	if st.isReceived() {
		return append(all, st.received.details()...)
	}
	rest := st.details
	if st.received != nil {
		rest = st.mergeDetails(st.received.details())
	}
	return sendableDetails(st.withoutRevoked(append(append(all, st.more().leading...), rest...)), true, 0, math.MaxInt)
}

// packDetail returns a detail to add to a Status that is still being made, or nil if
// nothing is to be added.
func (st *Status) packDetail(message proto.Message) *anypb.Any {
	if message == nil || !message.ProtoReflect().IsValid() {
		return nil
	}
	packed := pack(message)
	if st.addMetadata(packed) {
		return nil
	}
	switch packed.MessageName() {
	case retryInfoName:
		st.changeExtra(func(x *extra) { x.pushback = pushbackOf(packed) })
	case badRequestName:
		if st.more().continues {
			st.changeExtra(func(x *extra) { x.continues = false })
		}
	}
	return packed
}

// addMetadata adds the metadata of an ErrorInfo of the code's own domain to a Status
// that is still being made. It reports whether packed is one. The code itself says the
// reason and the number.
func (st *Status) addMetadata(packed *anypb.Any) bool {
	if packed.MessageName() != errorinfo.TypeName {
		return false
	}
	info, ok := errorinfo.Scan(packed.GetValue())
	if !ok || string(info.Domain) != st.code.Table().Domain() {
		return false
	}
	for key, value := range errorinfo.All(packed.GetValue()) {
		if !errorinfo.IsReserved(key) { // each ErrorInfo has them
			st.addPair(key, value)
		}
	}
	return true
}

// lastOfEachType moves the last detail of each type to the place of the first.
// Details whose type has no name stay. It changes the slice, and takes one pass: a
// received status can have thousands.
func lastOfEachType(details []*anypb.Any) []*anypb.Any {
	if len(details) < 2 {
		return details
	}
	index := make(map[protoreflect.FullName]int, len(details))
	kept := details[:0]
	for _, d := range details {
		name := d.MessageName()
		if i, ok := index[name]; ok && name != "" {
			kept[i] = d
			continue
		}
		index[name] = len(kept)
		kept = append(kept, d)
	}
	return kept
}

// replaceDetails returns a copy of details, in which each is replaced by the one of added that
// has its type. rest has those of added that replaced none.
func replaceDetails(details, added []*anypb.Any) (replaced, rest []*anypb.Any) {
	replaced = slices.Clone(details)
	for _, d := range added {
		name := d.MessageName()
		i := slices.IndexFunc(replaced, func(own *anypb.Any) bool { return own.MessageName() == name })
		if i < 0 || name == "" {
			rest = append(rest, d)
			continue
		}
		replaced[i] = d
	}
	return replaced, rest
}

// dropDetail returns a copy of details without those of a type.
func dropDetail(details []*anypb.Any, name protoreflect.FullName) []*anypb.Any {
	return slices.DeleteFunc(slices.Clone(details), func(d *anypb.Any) bool { return d.MessageName() == name })
}

// pack returns a message as an Any. Equal messages give equal bytes. It copies an Any,
// and doesn't pack it again.
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
	// Protobuf refuses to write text that is not UTF-8, and gRPC would then send no
	// details at all.
	message = proto.Clone(message)
	repair(message.ProtoReflect())
	if err := anypb.MarshalFrom(packed, message, options); err != nil {
		// Nothing else is known to be refused. The detail is sent empty.
		packed.TypeUrl, packed.Value = "type.googleapis.com/"+string(message.ProtoReflect().Descriptor().FullName()), nil
	}
	return packed
}

// repair replaces bytes that are not UTF-8 in all text of a message.
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
	var keys []protoreflect.MapKey // sorted, so that the same one of two keys wins that become equal
	values := make(map[any]protoreflect.Value)
	m.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		keys = append(keys, key)
		values[key.Interface()] = value
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		m.Clear(key)
		m.Set(repaired(fd.MapKey(), key.Value()).MapKey(), repaired(fd.MapValue(), values[key.Interface()]))
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
