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
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// These benchmarks measure the conversion between an error and a gRPC status, in both
// directions. Each case has a pair: way=errstatus, and way=hand, which carries the same
// information without errstatus. Compare them with
//
//	go test -run '^$' -bench 'Encode|Decode' -count 6 ./status | benchstat -col /way -

const benchMessage = "no user 4711"

var benchErr error // keeps the compiler from removing the measured call

// byHand returns an error that carries a code in the way of gRPC's documentation.
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

// wrapped returns err, wrapped n times by fmt.Errorf with %w.
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
	longMessage   = strings.Repeat("a text of some length ", 110) // a status with it is longer than DefaultMaxSize
	overrideTable = newOverrideTable()
)

// newOverrideTable returns the default table with another message for RecordNotFound.
func newOverrideTable() *codes.Table {
	row, _ := codes.Default().Lookup(codes.RecordNotFound.Number())
	row.Message = "there is no such record"
	table, err := codes.Default().WithRows(row)
	if err != nil {
		panic(err)
	}
	return table
}

// rules returns n rules. Only the last one matches errRuled.
func rules(n int) []status.Rule {
	var all []status.Rule
	for i := range n - 1 {
		all = append(all, status.Rule{Target: fmt.Errorf("target of rule %d", i), Code: codes.Args})
	}
	return append(all, status.Rule{Target: errRuled, Code: codes.RecordNotFound})
}

var errRuled = errors.New("no rows")

// handFormatted makes the status of formatted by hand.
func handFormatted() error {
	return byHand(fmt.Sprintf("no user %d", 47), nil)
}

// formatted returns a Status error with a formatted message.
func formatted() error {
	return status.Errorf(codes.RecordNotFound, "no user %d", 47)
}

// An encoding is a case of the encoding benchmarks: a kind of error that a handler
// returns.
type encoding struct {
	name    string
	hand    func() error // makes the same status by hand
	floor   func() error // what gRPC alone needs for it, or nil
	make    func() error // makes the error that the handler returns
	fresh   bool         // each call returns a new error; if false, all calls return the same error
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
	{name: "near MaxSize", fresh: true,
		hand: func() error { return byHand(longMessage[:1500], nil) },
		make: func() error { return status.Error(codes.RecordNotFound, longMessage[:1500]) }},
	{name: "over MaxSize", fresh: true,
		hand: func() error { return byHand(longMessage, nil) },
		make: func() error { return status.Error(codes.RecordNotFound, longMessage) }},
	{name: "rules=1", hand: handMade, make: func() error { return errRuled }, encoder: status.Encoder{Rules: rules(1)}},
	{name: "rules=10", hand: handMade, make: func() error { return errRuled }, encoder: status.Encoder{Rules: rules(10)}},
	{name: "rules=100", hand: handMade, make: func() error { return errRuled }, encoder: status.Encoder{Rules: rules(100)}},
	{name: "numeric form", hand: handFormatted, make: formatted, fresh: true, encoder: status.Encoder{OpenIMForm: true}},
	{name: "unknown", hand: handMade, make: func() error { return errRuled }},
	{name: "request id", encoder: status.Encoder{RequestID: func(context.Context) string { return benchRequest.RequestId }},
		hand: func() error { return byHand(benchMessage, nil, benchRequest) },
		make: func() error { return codes.RecordNotFound }},
	{name: "formatted,request id", fresh: true, encoder: status.Encoder{RequestID: func(context.Context) string { return benchRequest.RequestId }},
		hand: func() error { return byHand(fmt.Sprintf("no user %d", 47), nil, benchRequest) },
		make: formatted},
}

var benchRequest = &errdetails.RequestInfo{RequestId: "4bf92f3577b34da6a3ce929d0e0e4736"}

// copied returns an error with gRPC's copy of a status. gRPC has no cheaper way to make
// one.
func copied() error { return grpcstatus.FromProto(ready).Err() }

var ready = grpcstatus.Convert(handMade()).Proto()

// handMade makes the status of RecordNotFound by hand.
func handMade() error { return byHand(benchMessage, nil) }

// BenchmarkEncode measures the conversion of an error that already exists.
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

// BenchmarkMakeAndEncode measures the construction and the conversion of an error.
func BenchmarkMakeAndEncode(b *testing.B) {
	for _, e := range encodings {
		if !e.fresh || strings.Contains(e.name, "wraps") {
			continue // most of that time is fmt.Errorf's
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

// handRead returns the code of a received error, read without errstatus.
func handRead(err error) (code string) {
	for _, detail := range grpcstatus.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "openim.io" {
			return info.GetMetadata()["code"]
		}
	}
	return ""
}

// decodings are the cases of BenchmarkDecode: kinds of received statuses.
var decodings = []struct {
	name string
	err  error
}{
	{"ours", byHand(benchMessage, nil)},
	{"ours,metadata", byHand(benchMessage, map[string]string{"userID": "47"})},
	{"ours,unknown number", unknownNumber()},
	{"raw number", rawNumber()},
	{"bare", grpcstatus.Error(grpccodes.NotFound, benchMessage)},
	{"unknown domain", unknownDomain()},
	{"details=5", byHand(benchMessage, nil, benchDetail, &errdetails.Help{}, &errdetails.RequestInfo{RequestId: "1"}, &errdetails.LocalizedMessage{Locale: "en", Message: benchMessage})},
}

// rawNumber returns an error with a raw number, as OpenIM's servers send it.
func rawNumber() error {
	return grpcstatus.ErrorProto(&spb.Status{Code: int32(codes.RecordNotFound), Message: benchMessage, Details: []*anypb.Any{{
		TypeUrl: "type.googleapis.com/openim.protobuf.ErrorInfo", Value: []byte("\x22\x07no rows"), // its cause
	}}})
}

// unknownNumber returns a received error with a number that has no row.
func unknownNumber() error {
	return codes.ErrorCode(1305).GRPCStatus().Err()
}

// unknownDomain returns a received error with an ErrorInfo of an unknown domain.
func unknownDomain() error {
	st, err := grpcstatus.New(grpccodes.NotFound, benchMessage).WithDetails(
		&errdetails.ErrorInfo{Reason: "NO_SUCH_BUCKET", Domain: "storage.example.com", Metadata: map[string]string{"bucket": "a"}})
	if err != nil {
		panic(err)
	}
	return st.Err()
}

// BenchmarkDecode measures the work until the caller has the code.
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
				grpcstatus.Convert(d.err).Proto() // gRPC gives access to the details only by a copy
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

// BenchmarkDetail measures the reading of a detail of a decoded error.
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
				b.Fatal("Detail() found no BadRequest")
			}
		}
	})
}

// BenchmarkRead measures the reading of the ErrorInfo of a decoded error. By hand it is
// searched for among the details.
func BenchmarkRead(b *testing.B) {
	received := byHand(benchMessage, map[string]string{"user": "42"})
	st := status.Convert(new(status.Decoder).Decode(context.Background(), received))
	for name, read := range map[string]struct {
		hand      func(*errdetails.ErrorInfo)
		errstatus func()
	}{
		"Reason":    {func(i *errdetails.ErrorInfo) { benchText = i.GetReason() }, func() { benchText = st.Reason() }},
		"Domain":    {func(i *errdetails.ErrorInfo) { benchText = i.GetDomain() }, func() { benchText = st.Domain() }},
		"Metadata":  {func(i *errdetails.ErrorInfo) { benchMetadata = i.GetMetadata() }, func() { benchMetadata = st.Metadata() }},
		"Truncated": {func(i *errdetails.ErrorInfo) { benchText = i.GetMetadata()["truncated"] }, func() { benchTruncation = st.Truncated() }},
	} {
		b.Run("part="+name+"/way=hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, detail := range grpcstatus.Convert(received).Details() {
					if info, ok := detail.(*errdetails.ErrorInfo); ok {
						read.hand(info)
						break
					}
				}
			}
		})
		b.Run("part="+name+"/way=errstatus", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read.errstatus()
			}
		})
	}
}

// BenchmarkParallel measures both directions on all cores, to show contention.
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

// BenchmarkParams measures the making and encoding of an error with parameters. By hand, the
// handler formats the message and adds the metadata.
func BenchmarkParams(b *testing.B) {
	var encoder status.Encoder
	card := strings.Repeat("4", 16)
	for _, bench := range []struct {
		name string
		make map[string]func() error
	}{
		{"1", map[string]func() error{
			"hand": func() error {
				return status.Newf(testrpc.CardDeclined, "card %s was declined", card).WithMetadata("card", card).Err()
			},
			"With":   func() error { return status.With(testrpc.CardDeclinedError{Card: card}).Err() },
			"struct": func() error { return testrpc.CardDeclinedError{Card: card} },
		}},
		{"4", map[string]func() error{
			"hand": func() error {
				return status.Newf(testrpc.QuotaExceeded, "%s used %s of %s %s, %[2]s in all", card, "7", "5", "GB").
					WithMetadata("user_id", card).WithMetadata("used", "7").WithMetadata("most", "5").WithMetadata("unit", "GB").Err()
			},
			"With": func() error {
				return status.With(testrpc.QuotaExceededError{UserId: card, Used: "7", Most: "5", Unit: "GB"}).Err()
			},
			"struct": func() error { return testrpc.QuotaExceededError{UserId: card, Used: "7", Most: "5", Unit: "GB"} },
		}},
	} {
		for _, way := range []string{"hand", "With", "struct"} {
			b.Run("params="+bench.name+"/way="+way, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					benchErr = encoder.Encode(context.Background(), bench.make[way]()).Err()
				}
			})
		}
	}
}

// BenchmarkReadParams measures the reading of the parameters of a received error. By hand, the
// caller looks them up in the metadata.
func BenchmarkReadParams(b *testing.B) {
	decoder := status.Decoder{Tables: []*codes.Table{testrpc.Billing}}
	for _, bench := range []struct {
		name string
		err  error
		hand func(metadata map[string]string)
		read func(err error) bool
	}{
		{"1", testrpc.CardDeclinedError{Card: "4242"},
			func(metadata map[string]string) { benchParams = testrpc.CardDeclinedError{Card: metadata["card"]} },
			func(err error) (ok bool) { benchParams, ok = errors.AsType[testrpc.CardDeclinedError](err); return ok }},
		{"4", testrpc.QuotaExceededError{UserId: "u1", Used: "7", Most: "5", Unit: "GB"},
			func(metadata map[string]string) {
				benchQuota = testrpc.QuotaExceededError{UserId: metadata["user_id"], Used: metadata["used"], Most: metadata["most"], Unit: metadata["unit"]}
			},
			func(err error) (ok bool) { benchQuota, ok = errors.AsType[testrpc.QuotaExceededError](err); return ok }},
	} {
		received := decoder.Decode(context.Background(), status.ToGRPC(bench.err).Err())
		b.Run("params="+bench.name+"/way=hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if code, _ := errors.AsType[testrpc.BillingCode](received); code > 0 {
					bench.hand(status.Convert(received).Metadata())
				}
			}
		})
		b.Run("params="+bench.name+"/way=AsType", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !bench.read(received) {
					b.Fatal("AsType() found nothing")
				}
			}
		})
	}
}

var benchQuota testrpc.QuotaExceededError
