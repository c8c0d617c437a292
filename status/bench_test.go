package status_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// What is measured is between a handler's error and what gRPC is given, and back.
// Each case has a pair, way=hand, of what one writes without errstatus to carry as
// much: compare them by
//
//	go test -run '^$' -bench 'Encode|Decode' -count 6 ./status | benchstat -col /way -

const benchMessage = "no user 4711"

var benchErr error // what is measured is not to be optimised away

// byHand is how gRPC's documentation says to carry a code.
func byHand(message string, metadata map[string]string, details ...protoadapt.MessageV1) error {
	info := &errdetails.ErrorInfo{Reason: "RECORD_NOT_FOUND", Domain: "openim.io", Metadata: map[string]string{"code": "1004"}}
	for key, value := range metadata {
		info.Metadata[key] = value
	}
	st, err := grpcstatus.New(grpccodes.NotFound, message).WithDetails(append([]protoadapt.MessageV1{info}, details...)...)
	if err != nil {
		return err
	}
	return st.Err()
}

// wrapped is err under n of fmt.Errorf's %w.
func wrapped(err error, n int) error {
	for range n {
		err = fmt.Errorf("loading: %w", err)
	}
	return err
}

var (
	benchDetail = &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "user.name", Description: "must not be empty"},
		{Field: "user.email", Description: "must be an address"},
	}}
	longMessage   = strings.Repeat("a text of some length ", 110) // with our ErrorInfo it has 4,000 bytes and more
	overrideTable = newOverrideTable()
)

// overridden is the default table with another row for RecordNotFound.
func newOverrideTable() *codes.Table {
	row, _ := codes.Default().Lookup(codes.RecordNotFound.Number())
	row.Message = "there is no such record"
	table, err := codes.Default().WithRows(row)
	if err != nil {
		panic(err)
	}
	return table
}

// rules are n that don't match, and one that does.
func rules(n int) []status.Rule {
	var all []status.Rule
	for i := range n - 1 {
		all = append(all, status.Rule{Target: fmt.Errorf("of rule %d", i), Code: codes.Args})
	}
	return append(all, status.Rule{Target: errRuled, Code: codes.RecordNotFound})
}

var errRuled = errors.New("no rows")

func handFormatted() error {
	return byHand(fmt.Sprintf("no user %d", 47), nil)
}

func formatted() error {
	return status.Errorf(codes.RecordNotFound, "no user %d", 47)
}

// An encoding is a kind of error that a handler returns.
type encoding struct {
	name    string
	hand    func() error // what is sent, made by hand
	floor   func() error // what gRPC itself takes for it, whoever asks; nil where that is nothing
	make    func() error // what the handler returns
	fresh   bool         // each call's is another, as most are; else all return one
	encoder status.Encoder
}

var encodings = []encoding{
	{name: "bare", hand: handMade, make: func() error { return codes.RecordNotFound }},
	{name: "bare,wraps=2", hand: handMade, make: func() error { return wrapped(codes.RecordNotFound, 2) }},
	{name: "bare,wraps=10", hand: handMade, make: func() error { return wrapped(codes.RecordNotFound, 10) }},
	{name: "bare,another enum", hand: handMade, make: func() error { return shopClosed }},
	{name: "bare,WithTable", hand: handMade, make: func() error { return codes.RecordNotFound }, encoder: status.Encoder{Tables: []*codes.Table{overrideTable}}},
	{name: "sentinel", hand: handMade, make: formatted},
	{name: "sentinel,wraps=2", hand: handMade, make: func() error { return wrapped(formatted(), 2) }},
	{name: "sentinel,wraps=10", hand: handMade, make: func() error { return wrapped(formatted(), 10) }},
	{name: "formatted", hand: handFormatted, floor: copied, make: formatted, fresh: true},
	{name: "formatted,wraps=2", hand: handFormatted, make: func() error { return wrapped(formatted(), 2) }, fresh: true},
	{name: "formatted,wraps=10", hand: handFormatted, make: func() error { return wrapped(formatted(), 10) }, fresh: true},
	{name: "formatted,cause", hand: handFormatted, fresh: true,
		make: func() error { return status.Wrapf(errRuled, codes.RecordNotFound, "no user %d", 47) }},
	{name: "formatted,WithTable", hand: handFormatted, make: formatted, fresh: true, encoder: status.Encoder{Tables: []*codes.Table{overrideTable}}},
	{name: "metadata", fresh: true,
		hand: func() error { return byHand(benchMessage, map[string]string{"userID": "47"}) },
		make: func() error {
			return status.New(codes.RecordNotFound, benchMessage).WithMetadata("userID", "47").Err()
		}},
	{name: "BadRequest", fresh: true,
		hand: func() error { return byHand(benchMessage, nil, benchDetail) },
		make: func() error {
			return status.New(codes.RecordNotFound, benchMessage).WithDetails(benchDetail).Err()
		}},
	{name: "near the budget", fresh: true,
		hand: func() error { return byHand(longMessage[:1500], nil) },
		make: func() error { return status.Error(codes.RecordNotFound, longMessage[:1500]) }},
	{name: "over the budget", fresh: true,
		hand: func() error { return byHand(longMessage, nil) },
		make: func() error { return status.Error(codes.RecordNotFound, longMessage) }},
	{name: "rules=1", hand: handMade, make: func() error { return errRuled }, encoder: status.Encoder{Rules: rules(1)}},
	{name: "rules=10", hand: handMade, make: func() error { return errRuled }, encoder: status.Encoder{Rules: rules(10)}},
	{name: "rules=100", hand: handMade, make: func() error { return errRuled }, encoder: status.Encoder{Rules: rules(100)}},
	{name: "OpenIM's form", hand: handFormatted, make: formatted, fresh: true, encoder: status.Encoder{OpenIMForm: true}},
	{name: "unknown", hand: handMade, make: func() error { return errRuled }},
}

// copied is gRPC's copy of a status that is there: it makes a new one of nothing else.
func copied() error { return grpcstatus.FromProto(ready).Err() }

var ready = grpcstatus.Convert(handMade()).Proto()

func handMade() error { return byHand(benchMessage, nil) }

// BenchmarkEncode is the conversion only, of errors that are there already.
func BenchmarkEncode(b *testing.B) {
	for _, e := range encodings {
		b.Run("err="+e.name+"/way=hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchErr = e.hand()
			}
		})
		if e.floor != nil {
			b.Run("err="+e.name+"/way=floor", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					benchErr = e.floor()
				}
			})
		}
		b.Run("err="+e.name+"/way=errstatus", func(b *testing.B) {
			b.ReportAllocs()
			err := e.make()
			forget := func() {}
			if e.fresh {
				forget = status.Forgetter(err)
			}
			for b.Loop() {
				forget()
				benchErr = e.encoder.Encode(context.Background(), err).Err()
			}
		})
	}
}

// BenchmarkMakeAndEncode is the conversion and the making of the error.
func BenchmarkMakeAndEncode(b *testing.B) {
	for _, e := range encodings {
		if !e.fresh || strings.Contains(e.name, "wraps") {
			continue // that is fmt.Errorf's time
		}
		b.Run("err="+e.name+"/way=hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchErr = e.hand()
			}
		})
		b.Run("err="+e.name+"/way=errstatus", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchErr = e.encoder.Encode(context.Background(), e.make()).Err()
			}
		})
	}
}

// handRead is how one reads a code by hand.
func handRead(err error) (code string) {
	for _, detail := range grpcstatus.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "openim.io" {
			return info.GetMetadata()["code"]
		}
	}
	return ""
}

// decodings are what a server can have sent.
var decodings = []struct {
	name string
	err  error
}{
	{"ours", byHand(benchMessage, nil)},
	{"ours,metadata", byHand(benchMessage, map[string]string{"userID": "47"})},
	{"ours,unknown number", unknownNumber()},
	{"legacy", legacy()},
	{"bare", grpcstatus.Error(grpccodes.NotFound, benchMessage)},
	{"foreign", foreign()},
	{"details=5", byHand(benchMessage, nil, benchDetail, &errdetails.Help{}, &errdetails.RequestInfo{RequestId: "1"}, &errdetails.LocalizedMessage{Locale: "en", Message: benchMessage})},
}

// legacy is a status as OpenIM's servers send it.
func legacy() error {
	return grpcstatus.ErrorProto(&spb.Status{Code: int32(codes.RecordNotFound), Message: benchMessage, Details: []*anypb.Any{{
		TypeUrl: "type.googleapis.com/openim.protobuf.ErrorInfo", Value: []byte("\x22\x07no rows"), // its cause
	}}})
}

func unknownNumber() error {
	return codes.ErrorCode(1305).GRPCStatus().Err()
}

func foreign() error {
	st, err := grpcstatus.New(grpccodes.NotFound, benchMessage).WithDetails(
		&errdetails.ErrorInfo{Reason: "NO_SUCH_BUCKET", Domain: "storage.example.com", Metadata: map[string]string{"bucket": "a"}})
	if err != nil {
		panic(err)
	}
	return st.Err()
}

// BenchmarkDecode is until the caller holds the code.
func BenchmarkDecode(b *testing.B) {
	for _, d := range decodings {
		b.Run("status="+d.name+"/way=hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				handRead(d.err)
			}
		})
		b.Run("status="+d.name+"/way=floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				grpcstatus.Convert(d.err).Proto() // a copy, the one way to a detail's bytes
			}
		})
		b.Run("status="+d.name+"/way=errstatus", func(b *testing.B) {
			b.ReportAllocs()
			var decoder status.Decoder
			for b.Loop() {
				benchErr = decoder.Decode(context.Background(), d.err)
				status.Code(benchErr)
			}
		})
	}
}

// BenchmarkDetail reads a detail of an error that was decoded.
func BenchmarkDetail(b *testing.B) {
	received := byHand(benchMessage, nil, benchDetail)
	b.Run("way=hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, detail := range grpcstatus.Convert(received).Details() {
				if _, ok := detail.(*errdetails.BadRequest); ok {
					break
				}
			}
		}
	})
	b.Run("way=errstatus", func(b *testing.B) {
		b.ReportAllocs()
		err := new(status.Decoder).Decode(context.Background(), received)
		for b.Loop() {
			if _, ok := status.Detail[*errdetails.BadRequest](err); !ok {
				b.Fatal("the detail is gone")
			}
		}
	})
}

// BenchmarkParallel is both ways on all cores: nothing of it may be contended.
func BenchmarkParallel(b *testing.B) {
	sentinel := formatted()
	received := byHand(benchMessage, nil)
	var encoder status.Encoder
	var decoder status.Decoder
	for name, f := range map[string]func() error{
		"encode,sentinel": func() error { return encoder.Encode(context.Background(), sentinel).Err() },
		"encode,fresh":    func() error { return encoder.Encode(context.Background(), formatted()).Err() },
		"encode,hand":     handMade,
		"decode":          func() error { return decoder.Decode(context.Background(), received) },
		"decode,hand":     func() error { handRead(received); return nil },
	} {
		b.Run("run="+name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					f()
				}
			})
		})
	}
}
