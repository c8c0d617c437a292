package codes_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/errstatus/errstatus/codes"
)

func TestRowOf(t *testing.T) {
	for _, code := range []codes.Code{codes.NoError, codes.Args, codes.ErrorCode(1305), codes.ErrorCode(-3), orderSoldOut, orderCode(7)} {
		want, _ := code.Table().Lookup(code.Number())
		if diff := cmp.Diff(want, codes.RowOf(code)); diff != "" {
			t.Errorf("RowOf(%v) (-want +got):\n%s", code, diff)
		}
	}
	if diff := cmp.Diff(codes.Row{}, codes.RowOf(nil)); diff != "" {
		t.Errorf("RowOf(nil) (-want +got):\n%s", diff)
	}
}

// The number of labels is bounded, although an upstream can send any number. Each label
// of a metric costs memory until the program ends.
func TestLabelIsBounded(t *testing.T) {
	labels := map[string]bool{}
	for row := range codes.Default().All() {
		if got := codes.Label(row.Code); got != row.Reason {
			t.Errorf("Label(%v) = %q; want its reason, %q", row.Code, got, row.Reason)
		}
		labels[codes.Label(row.Code)] = true
	}
	for number := range codes.Number(100_000) {
		labels[codes.Label(codes.ErrorCode(number))] = true
	}
	if got, want := len(labels), codes.Default().Len()+1; got != want {
		t.Errorf("100,000 numbers have %d labels; want %d, one for each row and one for all numbers without a row", got, want)
	}
	for _, code := range []codes.Code{nil, codes.ErrorCode(1305), codes.ErrorCode(-3), orderCode(7)} {
		if got := codes.Label(code); got != "_OTHER" {
			t.Errorf("Label(%v) = %q; want _OTHER", code, got)
		}
	}
	if got := codes.Label(orderSoldOut); got != "SOLD_OUT" {
		t.Errorf("Label(orderSoldOut) = %q; want SOLD_OUT", got)
	}
	for _, code := range []codes.Code{codes.Args, codes.ErrorCode(1305)} {
		if got := testing.AllocsPerRun(100, func() { codes.Label(code) }); got != 0 {
			t.Errorf("Label(%v) allocates %v times; want 0", code, got)
		}
	}
}

func ExampleRowOf() {
	fmt.Println(codes.RowOf(codes.RecordNotFound).GRPCCode)
	fmt.Println(codes.RowOf(codes.ErrorCode(1305)).Reason) // no row has this number
	fmt.Println(codes.RowOf(nil).Reason == "")
	// Output:
	// NotFound
	// ERROR_CODE_1305
	// true
}

// Label bounds the number of time series: numbers without a row share one label.
func ExampleLabel() {
	failures := map[string]int{}
	for _, code := range []codes.Code{codes.RecordNotFound, codes.ErrorCode(1305), codes.ErrorCode(1306), nil} {
		failures[codes.Label(code)]++
	}
	fmt.Println(failures)
	// Output: map[RECORD_NOT_FOUND:1 _OTHER:3]
}
