package status

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"
)

const localizedMessageName = "google.rpc.LocalizedMessage"

// dropLocalized drops the LocalizedMessage among the details from index first on, and then the
// localized messages of a BadRequest's violations, until the status fits. They repeat in
// another language what the rest of the status says.
func (b *budget) dropLocalized(first int) {
	for _, name := range []string{localizedMessageName, badRequestName} {
		for i := first; i < len(b.p.Details) && !b.fits(); i++ {
			if d := b.p.Details[i]; string(d.MessageName()) == name {
				b.replaceDetail(i, b.withoutLocalized(d))
			}
		}
	}
}

// withoutLocalized returns a BadRequest without the localized messages of its violations, and
// nil for a LocalizedMessage.
func (b *budget) withoutLocalized(d *anypb.Any) *anypb.Any {
	if d.MessageName() == localizedMessageName {
		return nil
	}
	return &anypb.Any{TypeUrl: d.GetTypeUrl(), Value: withoutLocalizedTexts(d.GetValue(), b.limit)}
}

// The fields of google.rpc.BadRequest and its FieldViolation.
const (
	fieldViolationsField  protowire.Number = 1
	localizedMessageField protowire.Number = 4
)

// withoutLocalizedTexts returns a serialized BadRequest without the localized messages of its
// violations. If the result has more than limit bytes, it may lack the last violations: fit
// drops those anyway.
func withoutLocalizedTexts(badRequest []byte, limit int) []byte {
	kept := make([]byte, 0, min(len(badRequest), limit))
	for len(badRequest) > 0 && len(kept) <= limit {
		number, kind, n := protowire.ConsumeField(badRequest)
		switch {
		case n < 0: // not a BadRequest: nothing is known about the rest
			return append(kept, badRequest...)
		case number == fieldViolationsField && kind == protowire.BytesType:
			_, _, tag := protowire.ConsumeTag(badRequest)
			violation, _ := protowire.ConsumeBytes(badRequest[tag:])
			kept = protowire.AppendTag(kept, number, kind)
			kept = protowire.AppendBytes(kept, withoutLocalizedText(violation))
		default:
			kept = append(kept, badRequest[:n]...)
		}
		badRequest = badRequest[n:]
	}
	return kept
}

// withoutLocalizedText returns a serialized violation without its localized message.
func withoutLocalizedText(violation []byte) []byte {
	kept := make([]byte, 0, len(violation))
	for len(violation) > 0 {
		number, kind, n := protowire.ConsumeField(violation)
		if n < 0 {
			return append(kept, violation...)
		}
		if number != localizedMessageField || kind != protowire.BytesType {
			kept = append(kept, violation[:n]...)
		}
		violation = violation[n:]
	}
	return kept
}
