package status

import (
	"fmt"
	"log/slog"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// A resolvedError is an error that a server has decided on. gRPC finds all it
// needs in it and runs no method of the handler's error.
type resolvedError struct {
	sent *grpcstatus.Status
	code codes.Code // nil if sent states none

	// chain is the code, nil where the handler's error says it itself, and the
	// handler's error, nil if it failed when it was looked at.
	chain [2]error

	grpcCode   grpccodes.Code // the canonical one
	origin     Origin
	pushedBack bool // a pushback goes with it
}

func newResolved(e *Encoded) *resolvedError {
	r := &resolvedError{sent: e.Status, code: e.Code, chain: [2]error{nil, e.err}, grpcCode: e.GRPCCode, origin: e.Origin, pushedBack: e.Trailer != nil}
	if e.Code != nil && (e.Source != SourceCode || e.err == nil) {
		if ok, _ := whole(e.Code); ok { // a user's type can fail as any error can
			r.chain[0] = e.Code
		}
	}
	return r
}

// resolvedCodes has the resolved errors of codes that were sent already, of those that
// are whole and rows of their own tables: most handlers return no more than a code.
var resolvedCodes sync.Map // of codes.Code to *resolvedError

// resolvedCode is the resolved error of a bare code with its own table.
func resolvedCode(code codes.Code) *resolvedError {
	if kept, ok := resolvedCodes.Load(code); ok {
		return kept.(*resolvedError)
	}
	sent := code.Table().GRPCStatus(code.Number())
	r := &resolvedError{sent: sent, code: code, chain: [2]error{nil, code}, grpcCode: sent.Code()}
	if code.Table().Has(code.Number()) { // of other numbers there can be any number
		if ok, _ := whole(code); ok {
			resolvedCodes.Store(code, r)
		}
	}
	return r
}

// original is the handler's error, nil if it failed when it was looked at.
func (r *resolvedError) original() error { return r.chain[1] }

// Error is the public message: gRPC sends the text of an error that an
// interceptor outside of ours puts around this one.
func (r *resolvedError) Error() string { return r.sent.Message() }

// GRPCStatus is what is sent.
func (r *resolvedError) GRPCStatus() *grpcstatus.Status { return r.sent }

// encoded is what encoding the error again gives, without the error.
func (r *resolvedError) encoded() Encoded {
	return Encoded{Status: r.sent, Code: r.code, GRPCCode: r.grpcCode, Source: SourceEncoded, Origin: r.origin}
}

// status is the Status as its receiver has it, but for the code, which is known
// here in whatever enum it is of, and the canonical code, which isn't sent in
// OpenIM's form.
func (r *resolvedError) status() *Status {
	if r.code == nil {
		return FromGRPC(r.sent)
	}
	p := r.sent.Proto()
	p.Code = int32(r.grpcCode) // its ErrorInfo says the code in either form
	st := (&Decoder{Tables: []*codes.Table{r.code.Table()}}).FromGRPC(grpcstatus.FromProto(p))
	st.code, st.grpcCode = r.code, r.grpcCode
	st.rare.received = r.sent
	return st
}

// Format prints the public message, and with %+v the handler's error after it.
func (r *resolvedError) Format(f fmt.State, verb rune) { format(f, verb, r.Error(), r.original()) }

// Unwrap is the chain, which is not to be changed.
func (r *resolvedError) Unwrap() []error {
	first, end := 0, len(r.chain)
	if r.chain[0] == nil {
		first = 1
	}
	if r.chain[1] == nil {
		end = 1
	}
	return r.chain[min(first, end):end:end]
}

// LogValue is a group of the canonical code, the message, the name of the code
// that is stated, and the handler's error.
func (r *resolvedError) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("grpc_code", code.Code(r.grpcCode).String()),
		slog.String("message", r.sent.Message()),
	}
	if r.code != nil {
		row, _ := r.code.Table().Lookup(r.code.Number())
		attrs = append(attrs, slog.String("code", row.Name))
	}
	if r.original() != nil {
		attrs = append(attrs, slog.Any("error", r.original()))
	}
	return slog.GroupValue(attrs...)
}
