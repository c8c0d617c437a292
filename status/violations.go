package status

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/violations"
)

// WithFieldViolation returns a copy with one more violation in its google.rpc.BadRequest, after
// those that it has. The caller reads them with [FieldViolations].
//
// field is the path of a field of the request in protobuf's spelling, such as items[2].price.
// The first element of a list has the index 0. An empty field means the whole request. Don't
// put map keys or values of the request into the path: it is shown and logged.
//
// reason identifies what is wrong, such as STRING_MIN_LEN. AIP-193 asks for the form
// [A-Z][A-Z0-9_]+[A-Z0-9] with at most 63 bytes. Any other reason is converted: letters become
// upper case, each run of other characters than letters and digits becomes one underscore, and
// the reason is cut at 63 bytes. If the result isn't valid, as for "42", the violation has no
// reason. description says to a developer, in English, what is wrong. All three are public. Bytes
// that are not UTF-8 are replaced by U+FFFD.
//
// The violations are one detail: [Status.WithDetails] with a BadRequest replaces all of them,
// and a later WithFieldViolation adds to that BadRequest. If the Status was read from an error,
// the violation is added to those that were received; see [Status.WithMessage] on restating. If
// the connection's [Trust] doesn't let the received ones pass, only the added ones are sent.
// WithFieldViolation returns nil for nil.
func (st *Status) WithFieldViolation(field, reason, description string) *Status {
	if st == nil {
		return nil
	}
	packed := pack(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: field, Reason: violations.Reason(reason), Description: description},
	}})
	changed := st.copyToChange()
	changed.details = slices.Clone(st.details)
	at := indexDetail(changed.details, badRequestName)
	if at < 0 {
		at = len(changed.details)
		changed.details = append(changed.details, &anypb.Any{TypeUrl: packed.TypeUrl})
		changed.changeExtra(func(x *extra) { x.continues = true })
	}
	before := changed.details[at]
	changed.changeExtra(func(x *extra) {
		packed.Value, x.violations = x.violations.append(before.GetValue(), packed.GetValue())
	})
	packed.TypeUrl = before.GetTypeUrl()
	changed.details[at] = packed
	return changed
}

// A sharedBuffer holds the bytes of the BadRequest of a Status to which violations are added
// one by one. Each copy of the Status has the beginning of the same bytes, so that adding one
// doesn't copy all others.
type sharedBuffer struct {
	mutex sync.Mutex
	bytes []byte
}

// append returns beginning with more bytes at its end, and the buffer that has them. It changes
// no byte of beginning, and appending to the result changes no byte of the buffer. A nil buffer
// has no bytes.
func (b *sharedBuffer) append(beginning, more []byte) ([]byte, *sharedBuffer) {
	if b == nil {
		b = &sharedBuffer{}
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if isAll := len(beginning) > 0 && len(beginning) == len(b.bytes) && &beginning[0] == &b.bytes[0]; !isAll {
		b = &sharedBuffer{bytes: slices.Clone(beginning)} // another copy of the Status has added to b
	}
	b.bytes = append(b.bytes, more...)
	return slices.Clip(b.bytes), b
}

// continueReceived returns own, the details that this process added. If violations were added
// to a Status that was received, it puts the received ones before them.
func (st *Status) continueReceived(received, own []*anypb.Any) []*anypb.Any {
	at, before := indexDetail(own, badRequestName), indexDetail(received, badRequestName)
	if !st.more().continues || at < 0 || before < 0 {
		return own
	}
	first := received[before].GetValue()
	if proto.Unmarshal(first, &errdetails.BadRequest{}) != nil {
		return own // what follows could not be read either
	}
	own = slices.Clone(own)
	own[at] = &anypb.Any{TypeUrl: own[at].GetTypeUrl(), Value: slices.Concat(first, own[at].GetValue())}
	return own
}

// indexDetail returns the index of the first detail of a type, or -1.
func indexDetail(details []*anypb.Any, name protoreflect.FullName) int {
	return slices.IndexFunc(details, func(d *anypb.Any) bool { return d.MessageName() == name })
}

// FieldViolations iterates over what an error says about the fields of a request: the
// violations of its google.rpc.BadRequest or, if it has none, those of its
// buf.validate.Violations, in their order. err can be any error that [FromError] takes. Other
// errors, and nil, have no violations.
//
//	for v := range status.FieldViolations(err) {
//		form.Mark(v.GetField(), v.GetReason(), v.GetDescription())
//	}
//
// buf.validate.Violations is what protovalidate's interceptors send. Its package need not
// be linked. Of such a violation, the field is the path in protobuf's spelling, in which
// [*] replaces map keys: items[2].price, labels[*].name. A protovalidate before 0.9 doesn't
// tell numeric keys from indexes, so they stay. The name of an extension is in brackets,
// and an element without a name is its number. The reason is the rule's id in upper snake
// case, such as STRING_MIN_LEN for string.min_len; see [Status.WithFieldViolation]. The
// description is the rule's message.
//
// Invalid UTF-8 in a buf.validate.Violations is replaced. A BadRequest with invalid UTF-8 can't
// be decoded. A detail that can't be decoded counts as absent. Each iteration reads the details
// anew, in time and memory proportional to their size, so the violations are new messages, which
// may be changed.
func FieldViolations(err error) iter.Seq[*errdetails.BadRequest_FieldViolation] {
	return func(yield func(*errdetails.BadRequest_FieldViolation) bool) {
		st, _ := FromError(err)
		for _, violation := range fieldViolations(st.allDetails()) {
			if !yield(violation) {
				return
			}
		}
	}
}

// fieldViolations returns the violations of the first BadRequest that has some, or else those of
// the first buf.validate.Violations that can be decoded.
func fieldViolations(details []*anypb.Any) []*errdetails.BadRequest_FieldViolation {
	for _, d := range details {
		bad := &errdetails.BadRequest{}
		if d.MessageName() == badRequestName && proto.Unmarshal(d.GetValue(), bad) == nil && len(bad.GetFieldViolations()) > 0 {
			return bad.GetFieldViolations()
		}
	}
	for _, d := range details {
		if d.MessageName() != violations.TypeName {
			continue
		}
		if all, ok := violations.Read(d.GetValue()); ok {
			return all
		}
	}
	return nil
}

// ValidationRule returns a [Rule] that gives code to a gRPC status made in this process
// that has a buf.validate.Violations. It is for an [Encoder]; a server uses
// interceptor.WithValidationMapping. The code must have a positive number and a table:
// ValidationRule doesn't check it.
func ValidationRule(code codes.Code) Rule {
	return Rule{Code: code, Func: func(_ context.Context, err error) *Status { return mapViolations(err, code) }}
}

// mapViolations returns the Status of a code for the gRPC status of a validator. It returns nil
// for any other error.
func mapViolations(err error, code codes.Code) *Status {
	f := find(err)
	if f.received != nil || f.grpc == nil {
		return nil
	}
	details := f.grpc.Proto().GetDetails()
	if indexDetail(details, violations.TypeName) < 0 || indexDetail(details, errorinfo.TypeName) >= 0 {
		return nil
	}
	found := fieldViolations(details)
	st := New(code, validationMessage(found))
	if len(found) > 0 {
		st.details = append(st.details, pack(&errdetails.BadRequest{FieldViolations: found}))
	}
	st.details = append(st.details, dropDetail(details, badRequestName)...)
	return st
}

// validationMessage returns the public message for violations. It has no text of theirs.
func validationMessage(all []*errdetails.BadRequest_FieldViolation) string {
	fields := make(map[string]bool)
	for _, v := range all {
		if v.GetField() != "" {
			fields[v.GetField()] = true
		}
	}
	switch len(fields) {
	case 0:
		return "the request is invalid"
	case 1:
		return "1 field is invalid"
	}
	return fmt.Sprintf("%d fields are invalid", len(fields))
}
