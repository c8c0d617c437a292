package status

import (
	"fmt"
	"log/slog"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// A resolvedError is an error that a server has decided on. gRPC finds all it
// needs in it and runs no method of the handler's error.
type resolvedError struct {
	sent       *grpcstatus.Status
	code       codes.Code     // nil if sent states none
	grpcCode   grpccodes.Code // the canonical one
	origin     Origin
	pushedBack bool  // a pushback goes with it
	original   error // the handler's error; nil if it failed when it was looked at

	// chain is the code, where the handler's error doesn't say it itself, then
	// the handler's error.
	chain  [2]error
	length int
}

func newResolved(e Encoded) *resolvedError {
	r := &resolvedError{sent: e.Status, code: e.Code, grpcCode: e.GRPCCode, origin: e.Origin, pushedBack: e.Trailer != nil, original: e.err}
	if e.Code != nil && (e.Source != FromCode || e.err == nil) {
		if ok, _ := whole(e.Code); ok { // a user's type can fail as any error can
			r.link(e.Code)
		}
	}
	if e.err != nil {
		r.link(e.err)
	}
	return r
}

func (r *resolvedError) link(err error) {
	r.chain[r.length] = err
	r.length++
}

// Error is the public message: gRPC sends the text of an error that an
// interceptor outside of ours puts around this one.
func (r *resolvedError) Error() string { return r.sent.Message() }

// GRPCStatus is what is sent.
func (r *resolvedError) GRPCStatus() *grpcstatus.Status { return r.sent }

// encoded is what encoding the error again gives, without the error.
func (r *resolvedError) encoded() Encoded {
	return Encoded{Status: r.sent, Code: r.code, GRPCCode: r.grpcCode, Source: FromResolved, Origin: r.origin}
}

// status is the Status as its receiver has it, but for the code, which is known
// here in whatever enum it is of, and the canonical code, which isn't sent in
// OpenIM's form.
func (r *resolvedError) status() *Status {
	if r.code == nil {
		return FromGRPC(r.sent)
	}
	st := (&Decoder{Tables: []*codes.Table{r.code.Table()}}).FromGRPC(r.sent)
	st.code, st.grpcCode = r.code, r.grpcCode
	return st
}

// Format prints the public message, and with %+v the handler's error after it.
func (r *resolvedError) Format(f fmt.State, verb rune) { format(f, verb, r.Error(), r.original) }

// Unwrap is the chain, which is not to be changed.
func (r *resolvedError) Unwrap() []error { return r.chain[:r.length:r.length] }

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
	if r.original != nil {
		attrs = append(attrs, slog.Any("error", r.original))
	}
	return slog.GroupValue(attrs...)
}
