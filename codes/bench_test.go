package codes_test

import (
	"fmt"
	"testing"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// A manyCode is a code of the table that tableOf returns.
type manyCode int32

func (c manyCode) Error() string        { return fmt.Sprint("many ", int32(c)) }
func (c manyCode) Number() codes.Number { return codes.Number(c) }
func (manyCode) Table() *codes.Table    { return nil }

// tableOf returns a table with the given number of rows.
func tableOf(tb testing.TB, rows int) *codes.Table {
	tb.Helper()
	all := []codes.Row{
		{Code: manyCode(1), Reason: "MANY_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
		{Code: manyCode(2), Reason: "MANY_INTERNAL", GRPCCode: grpccodes.Internal, Message: "internal", Default: true},
	}
	for number := manyCode(3); len(all) < rows; number++ {
		all = append(all, codes.Row{Code: number, Reason: fmt.Sprintf("MANY_%dTH", number), GRPCCode: grpccodes.NotFound, Message: "not found"})
	}
	table, err := codes.NewTable("many.example.com", all...)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// BenchmarkTable looks up all rows in turn, so that the processor doesn't keep one
// row in its cache.
func BenchmarkTable(b *testing.B) {
	for _, rows := range []int{63, 10_000} {
		table := tableOf(b, rows)
		var reasons []string
		for row := range table.All() {
			reasons = append(reasons, row.Reason)
		}
		for _, lookup := range []struct {
			name string
			run  func(i int)
		}{
			{"GRPCStatus", func(i int) { table.GRPCStatus(codes.Number(i + 1)) }},
			{"Lookup", func(i int) { table.Lookup(codes.Number(i + 1)) }},
			{"ByReason", func(i int) { table.ByReason(reasons[i]) }},
			{"Code", func(i int) { table.Code(codes.Number(i + 1)) }},
			{"DefaultFor", func(int) { table.DefaultFor(grpccodes.NotFound) }},
		} {
			b.Run(fmt.Sprintf("lookup=%s/rows=%d", lookup.name, rows), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if lookup.run(i); i+1 < rows {
						i++
					} else {
						i = 0
					}
				}
			})
		}
	}
}

// BenchmarkErrorCode calls the methods of a code whose row has a localized
// message.
func BenchmarkErrorCode(b *testing.B) {
	for _, method := range []struct {
		name string
		run  func()
	}{
		{"String", func() { text = codes.RecordNotFound.String() }},
		{"Error", func() { text = codes.RecordNotFound.Error() }},
		{"Reason", func() { text = codes.RecordNotFound.Reason() }},
		{"LogValue", func() { codes.RecordNotFound.LogValue() }},
	} {
		b.Run("method="+method.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				method.run()
			}
		})
	}
}

// BenchmarkNewTable makes a table, as each program does when it starts.
func BenchmarkNewTable(b *testing.B) {
	for _, n := range []int{63, 10_000} {
		var rows []codes.Row
		for row := range tableOf(b, n).All() {
			rows = append(rows, row)
		}
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := codes.NewTable("many.example.com", rows...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
