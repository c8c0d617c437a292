package status

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
)

const requestInfoName = "google.rpc.RequestInfo"

// RequestID returns the id in the google.rpc.RequestInfo of an error's status, or "" if there
// is none. The sender chose it. An id that doesn't match [A-Za-z0-9._:-]{1,128}, which no
// errstatus server sends, is not returned: read it with [Detail].
func RequestID(err error) string {
	info, _ := Detail[*errdetails.RequestInfo](err)
	return validRequestID(info)
}

func validRequestID(info *errdetails.RequestInfo) string {
	if id := info.GetRequestId(); isRequestID(id) {
		return id
	}
	return ""
}

// packRequestID returns a google.rpc.RequestInfo with an id.
func packRequestID(id string) *anypb.Any {
	const requestID protowire.Number = 1
	value := make([]byte, 0, protowire.SizeTag(requestID)+protowire.SizeBytes(len(id)))
	value = protowire.AppendString(protowire.AppendTag(value, requestID, protowire.BytesType), id)
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + requestInfoName, Value: value}
}

// requestID is [RequestID] for the first google.rpc.RequestInfo that was received. It calls no
// method of a user's type.
func (e *receivedError) requestID() string {
	for _, packed := range e.proto.GetDetails() {
		info := &errdetails.RequestInfo{}
		if packed.MessageName() == requestInfoName && proto.Unmarshal(packed.GetValue(), info) == nil {
			return validRequestID(info)
		}
	}
	return ""
}

// maxRequestID is the length of the longest request id that is sent.
const maxRequestID = 128

// isRequestID reports whether an id matches [A-Za-z0-9._:-]{1,128}.
func isRequestID(id string) bool {
	const others = "._:-"
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return id != "" && len(id) <= maxRequestID
}

// amends reports whether something is added to decided statuses.
func (e *Encoder) amends() bool {
	return len(e.Amendments) > 0 || e.Localizer != nil || e.RequestID != nil
}

// amend returns a decision with what the amendments and the request id add to its status.
func (e *Encoder) amend(ctx context.Context, d decision) decision {
	if !e.amends() || d.encoded != nil {
		return d
	}
	before := d.asStatus()
	st := before
	if len(e.Amendments) > 0 || e.Localizer != nil {
		st = e.runAmendments(ctx, &d, st)
	}
	if e.RequestID != nil {
		var id string
		panicked := catchPanic(func() { id = e.RequestID(ctx) })
		d.panicked = cmp.Or(d.panicked, panicked)
		if isRequestID(id) {
			st = st.copyToChange()
			st.changeExtra(func(x *extra) { x.requestID = id })
		}
	}
	if st != before {
		d.status, d.stated, d.code, d.grpc = st, nil, nil, nil
	}
	return d
}

// runAmendments returns st with what the amendments and the localizer add, or st if they add
// nothing.
func (e *Encoder) runAmendments(ctx context.Context, d *decision, st *Status) *Status {
	snapshot := e.snapshot(st)
	amended := snapshot
	for i, amendment := range e.Amendments {
		var rejected string
		if amended, rejected = d.runAmendment(ctx, amendment, amended); rejected != "" {
			d.addAmendmentError(fmt.Errorf("status: amendment %d returned %s: return the given Status to add nothing", i+1, rejected))
		}
	}
	if amended != snapshot {
		amended.leadDetails()
	}
	if e.Localizer != nil {
		amended = e.runLocalizer(ctx, d, amended)
	}
	if amended == snapshot {
		return st
	}
	amended.changeExtra(func(x *extra) { x.withheld = x.withheld || st.withholds(e.wireOptions(st)) })
	return amended
}

// runAmendment returns st with what an amendment adds, as a new Status, or st if it adds
// nothing. rejected says what it returned if that can't be sent, and is empty otherwise.
func (d *decision) runAmendment(ctx context.Context, amendment func(context.Context, *Status) *Status, st *Status) (amended *Status, rejected string) {
	amended = st
	p := catchPanic(func() {
		switch result := amendment(ctx, st); {
		case result.Code().Number() == 0:
			rejected = describe(result)
		case result != st:
			amended = st.with(result)
		}
	})
	d.panicked = cmp.Or(d.panicked, p)
	return amended, rejected
}

// runLocalizer returns st with what the localizer adds, or st if it adds nothing.
func (e *Encoder) runLocalizer(ctx context.Context, d *decision, st *Status) *Status {
	localized, rejected := d.runAmendment(ctx, e.Localizer, st)
	if rejected != "" {
		d.addAmendmentError(fmt.Errorf("status: the localizer returned %s: return the given Status to add nothing", rejected))
	}
	if localized == st {
		return st
	}
	added := dropDetail(localized.details, errorinfo.TypeName) // which may name a code
	localized.changeExtra(func(x *extra) { x.leading, localized.details = replaceDetails(x.leading, added) })
	return localized
}

// leadDetails makes the details of amendments those that are dropped last.
func (st *Status) leadDetails() {
	details := st.continueReceived(st.received.details(), st.details)
	st.changeExtra(func(x *extra) { x.leading = dropDetail(details, errorinfo.TypeName) }) // which may name a code
	st.details = nil
}

// addAmendmentError notes what was wrong with one more amendment. The errors' text is one line.
func (d *decision) addAmendmentError(err error) {
	if d.amendment != nil {
		err = fmt.Errorf("%w; %w", d.amendment, err)
	}
	d.amendment = err
}

func describe(st *Status) string {
	if st == nil {
		return "nil"
	}
	return "a Status with NoError, which is success"
}

// asStatus returns the Status that is sent for a decision.
func (d *decision) asStatus() *Status {
	switch {
	case d.status != nil:
		return d.status
	case d.code != nil:
		return &Status{code: d.code} // New would replace a fallback of another table than the code's own
	}
	return decided(&zeroDecoder, d.grpc, d.grpc.Proto(), nil, d.grpc.Code())
}

// snapshot returns a Status whose received part is all that is sent for st, without anything
// added. So an amendment can't read what is withheld. Whatever its result has beside the
// received part, the amendment has added.
func (e *Encoder) snapshot(st *Status) *Status {
	o := e.wireOptions(st)
	o.detailsRoom = math.MaxInt // an amendment can replace a large detail, and then others fit
	p := st.proto(o)
	gst := grpcstatus.FromProto(p)
	var code codes.Code
	if st.hasOwnInfo() {
		code = st.code
	}
	sent := *decided(&Decoder{Tables: e.Tables}, gst, p, code, gst.Code())
	sent.from, sent.extra = nil, st.extra
	if keys := st.unsentKeys(); keys != nil || st.more().cause != nil {
		sent.changeExtra(func(x *extra) { x.droppedKeys, x.cause = keys, nil })
	}
	return &sent
}

// with returns a copy of st, a snapshot that amendments may have changed, with what the
// result of one more amendment adds. The code and the canonical code stay those of st.
func (st *Status) with(result *Status) *Status {
	changed := st.copyToChange()
	if result.received == st.received { // it was made of st
		changed.message, changed.text = result.message, result.text
		changed.added, changed.details, changed.extra = result.added, result.details, result.extra
		return changed
	}
	if result.text == ownText {
		changed.message, changed.text = result.message, ownText
	}
	for _, pair := range result.added.pairs(nil) {
		changed.addPair(pair.Key, pair.Value)
	}
	changed.details = lastOfEachType(slices.Concat(st.details, result.details))
	x := result.more()
	changed.changeExtra(func(own *extra) {
		own.continues = own.continues && indexDetail(result.details, badRequestName) < 0
		for _, key := range x.droppedKeys {
			own.droppedKeys = addDroppedKey(own.droppedKeys, key)
		}
		own.pushback = cmp.Or(x.pushback, own.pushback)
	})
	return changed
}
