package status

import (
	"context"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// An Encoder makes of any error the gRPC status that a server may send. The zero
// Encoder has the default table and no rules. It is safe for concurrent use as
// long as its fields are not changed.
type Encoder struct {
	// Tables decide what codes are on the wire, each those of its domain; codes
	// of other domains have their own table. The first also has the default code
	// of INTERNAL for errors that state none, and the codes for numbers in the
	// place of a canonical code; by default it is codes.Default(). None is nil, and
	// of two with the same domain the first counts.
	Tables []*codes.Table

	// Rules give codes to errors that state none, in the order of their trying.
	Rules []Rule

	// ExposeDebugInfo lets google.rpc.DebugInfo out.
	ExposeDebugInfo bool
}

// Encoded is what an [Encoder] made of an error. The zero Encoded is success.
type Encoded struct {
	// Status is what is sent: nil for success, else with a code in 1..16.
	Status *grpcstatus.Status

	// Code is the code that Status states, nil if it states none.
	Code codes.Code

	// Source tells what the status was made of.
	Source Source

	// Panic is what a rule or a method of the error panicked with, nil if none
	// did. It is private.
	Panic any

	err error // what was encoded; nil if it must not be run again
}

// Err is the error for a server to hand to gRPC, nil for success. Its text is the
// status's message and its chain leads to the error that was encoded, for
// interceptors outside; gRPC itself needs no method of that. Encoding it again
// gives the same.
func (e Encoded) Err() error {
	if e.Status == nil {
		return nil
	}
	if e.Source == FromResolved {
		if r, ok := e.err.(*resolvedError); ok {
			return r
		}
	}
	return newResolved(e)
}

// Broken tells that the error is not to be run again, neither logged nor walked:
// a method of it panicked, or it wraps more than a search goes through. Err
// doesn't lead to it.
func (e Encoded) Broken() bool { return e.Status != nil && e.err == nil }

// Encode decides what the caller gets for an error that a handler returned. ctx
// is the RPC's own. The first of these that holds decides:
//
//  1. nil is success.
//  2. An error that was encoded before gives the same again.
//  3. A code or a [Status] in the error, also under %w or in errors.Join, is
//     stated, with its public message and details.
//  4. A rule that matches gives its code, with that code's message.
//  5. A context error or a status CANCELLED or DEADLINE_EXCEEDED, where the RPC's
//     own context has ended, is what ctx.Err() says.
//  6. context.DeadlineExceeded is DEADLINE_EXCEEDED.
//  7. A status that was received from a peer of a known domain passes, but for
//     DebugInfo.
//  8. Any other received status is the default code of INTERNAL; UNAVAILABLE and
//     DEADLINE_EXCEEDED stay, with a fixed message.
//  9. A gRPC status passes: its own code, message and details, and not the text
//     around it. So does a received [Status] that was made an error again and
//     whose code is a guess.
//  10. A gRPC status with a number outside 0..16 that a table has is that code.
//  11. Everything else is the default code of INTERNAL, with its fixed message:
//     NoError as an error, a status with code OK, an error whose methods panic.
//
// In what is sent all text is UTF-8, each detail type is there once, and equal
// errors give equal bytes. No cause and no text that fmt.Errorf or errors.Join
// made is in it.
//
// Of an error that wraps too much to be searched through, what was found decides,
// without the rules' functions.
func (e *Encoder) Encode(ctx context.Context, err error) Encoded {
	if err == nil {
		return Encoded{}
	}
	f := search(err)
	encoded := e.decide(ctx, err, &f)
	if f.panicked == nil && whole(err) {
		encoded.err = err
	}
	return encoded
}

func (e *Encoder) decide(ctx context.Context, err error, f *finding) Encoded {
	switch {
	case f.resolved != nil:
		return Encoded{Status: f.resolved.sent, Code: f.resolved.code, Source: FromResolved}
	case f.code != nil:
		return Encoded{Status: e.codeStatus(f.code), Code: f.code, Source: FromCode}
	case f.status != nil:
		return Encoded{Status: f.status.encodeIn(e), Code: f.status.st.code, Source: FromCode}
	case f.panicked != nil:
		return e.unknown(f.panicked)
	}
	var rules codes.Code
	if panicked := guarded(func() { rules = e.match(err, f) }); panicked != nil {
		return e.unknown(panicked)
	}
	if rules != nil {
		return Encoded{Status: e.codeStatus(rules), Code: rules, Source: FromRule}
	}
	if ended := ctx.Err(); ended != nil && f.ended {
		return Encoded{Status: contextStatus(ended), Source: FromContext}
	}
	switch {
	case f.deadline:
		return Encoded{Status: contextStatus(context.DeadlineExceeded), Source: FromDeadline}
	case f.received != nil:
		return e.upstream(&f.received.st)
	case f.guessed != nil:
		return Encoded{Status: f.guessed.encodeIn(e), Source: FromGRPCStatus}
	case f.grpc != nil:
		return e.grpc(f.grpc)
	}
	return e.unknown(nil)
}

// unknown is the answer to an error that states nothing the caller may know.
func (e *Encoder) unknown(panicked any) Encoded {
	encoded := e.internal(FromUnknown)
	encoded.Panic = panicked
	return encoded
}

// internal is the default code of INTERNAL.
func (e *Encoder) internal(source Source) Encoded {
	code := tables(e.Tables).first().FromGRPC(grpccodes.Internal)
	return Encoded{Status: e.codeStatus(code), Code: code, Source: source}
}

// codeStatus is the status of a bare code.
func (e *Encoder) codeStatus(code codes.Code) *grpcstatus.Status {
	return tables(e.Tables).of(code).GRPCStatus(code.Number())
}

// contextStatus is the status of a context's end, with gRPC's own code and text.
func contextStatus(ended error) *grpcstatus.Status { return grpcstatus.FromContextError(ended) }

// The messages that stand for those of an upstream that is not to be quoted.
const (
	upstreamUnavailable = "an upstream service is unavailable"
	upstreamDeadline    = "an upstream service did not answer in time"
)

// upstream is the answer to an error that was received from another service.
func (e *Encoder) upstream(st *Status) Encoded {
	switch {
	case st.origin == Ours || st.origin == Legacy:
		return Encoded{Status: st.encode(e.Tables, e.ExposeDebugInfo), Code: st.code, Source: FromPeer}
	case st.grpcCode == grpccodes.Unavailable:
		return Encoded{Status: grpcstatus.New(st.grpcCode, upstreamUnavailable), Source: FromUpstream}
	case st.grpcCode == grpccodes.DeadlineExceeded:
		return Encoded{Status: grpcstatus.New(st.grpcCode, upstreamDeadline), Source: FromUpstream}
	}
	return e.internal(FromUpstream)
}

// grpc is the answer to a gRPC status that was made here.
func (e *Encoder) grpc(gst *grpcstatus.Status) Encoded {
	st := (&Decoder{Tables: e.Tables}).FromGRPC(gst)
	named := st.origin == Ours || st.origin == Legacy && tables(e.Tables).of(st.code).Has(st.code.Number())
	if gst.Code() > grpccodes.Unauthenticated && !named {
		return e.unknown(nil)
	}
	encoded := Encoded{Status: st.encode(e.Tables, e.ExposeDebugInfo), Source: FromGRPCStatus}
	if named {
		encoded.Code = st.code
	}
	if gst.Code() > grpccodes.Unauthenticated {
		encoded.Source = FromNumber
	}
	return encoded
}

// encodeIn is GRPCStatus with the encoder's tables: the status that is kept with
// the error was made with the code's own, or is as it was received.
func (e *statusError) encodeIn(enc *Encoder) *grpcstatus.Status {
	if tables(enc.Tables).of(e.st.code) == e.st.code.Table() && !enc.ExposeDebugInfo && e.st.received == nil {
		return e.GRPCStatus()
	}
	return e.st.encode(enc.Tables, enc.ExposeDebugInfo)
}

// encode is the status as it is sent where own says what the codes of its
// domains are.
func (st *Status) encode(own tables, debugInfo bool) *grpcstatus.Status {
	table := own.of(st.code)
	row := table.GRPCStatus(st.code.Number())
	if !st.hasMessage && st.metadata == nil && st.details == nil {
		return row
	}
	message, code := st.message, st.grpcCode
	if !st.hasMessage {
		message = row.Message()
	}
	if code == grpccodes.OK {
		code = row.Code()
	}
	return grpcstatus.FromProto(&spb.Status{
		Code:    int32(code),
		Message: validUTF8(message),
		Details: cleanDetails(st.packedDetails(table), debugInfo),
	})
}

// cleanDetails are the details less a second of a type, of which AIP-193 allows
// one, and less DebugInfo unless that is asked for.
func cleanDetails(details []*anypb.Any, debugInfo bool) []*anypb.Any {
	kept := make([]*anypb.Any, 0, len(details))
	seen := make(map[protoreflect.FullName]bool, len(details)) // there can be a peer's thousands
	for _, d := range details {
		name := d.MessageName()
		if seen[name] || name == debugInfoName && !debugInfo {
			continue
		}
		seen[name] = name != ""
		if !utf8.ValidString(d.GetTypeUrl()) {
			d = &anypb.Any{TypeUrl: validUTF8(d.GetTypeUrl()), Value: d.GetValue()}
		}
		kept = append(kept, d)
	}
	return kept
}
