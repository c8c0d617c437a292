package main

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/attach"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/columns"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/edition2024"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/keep"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/minimal"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/params"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/proto2"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/short"
	"github.com/errstatus/errstatus/cmd/protoc-gen-go-errstatus/testdata/good/shortkeep"
	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

const declined = attach.ShopCode_SHOP_CODE_CARD_DECLINED

// order has attached codes in each kind of field.
var order = &attach.Order{
	Shop:     declined,
	Stock:    []attach.StockCode{attach.StockCode_STOCK_CODE_SOLD_OUT, attach.StockCode_STOCK_CODE_UNSPECIFIED, 77},
	ByName:   map[string]attach.ShopCode{"first": attach.ShopCode_SHOP_CODE_SOLD_OUT},
	ByNumber: map[int32]attach.Order_Code{7: attach.Order_SOLD_OUT},
	One:      &attach.Order_Code_{Code: attach.Order_SOLD_OUT},
	Maybe:    attach.ShopCode_SHOP_CODE_2FA_REQUIRED.Enum(),
}

// dynamic returns a copy of a message whose enums have no Go types.
func dynamic(t *testing.T, m proto.Message) proto.Message {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	other := dynamicpb.NewMessage(m.ProtoReflect().Descriptor())
	if err := proto.Unmarshal(b, other); err != nil {
		t.Fatal(err)
	}
	return other
}

// A plain has the kind of an enum, and none of its methods.
type plain int32

// Attached methods change no format that others read.
func TestAttachedTypeKeepsItsFormats(t *testing.T) {
	got, err := protojson.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := protojson.Marshal(dynamic(t, order)); err != nil || string(got) != string(want) {
		t.Errorf("protojson.Marshal = %s; want %s, as without the methods (error %v)", got, want, err)
	}
	back := &attach.Order{}
	if err := protojson.Unmarshal(got, back); err != nil || !proto.Equal(back, order) {
		t.Errorf("protojson.Unmarshal(%s) = %v, %v; want the same message", got, back, err)
	}
	text := prototext.Format(order)
	if want := prototext.Format(dynamic(t, order)); text != want {
		t.Errorf("prototext.Format = %s; want %s", text, want)
	}
	for _, verb := range []string{"%v", "%s", "%+v"} {
		if got, want := fmt.Sprintf(verb, order), fmt.Sprintf(verb, dynamic(t, order)); got != want {
			t.Errorf("a message printed with %s is %s; want %s", verb, got, want)
		}
	}

	type attached struct {
		Code attach.ShopCode
		Map  map[attach.ShopCode]attach.StockCode
	}
	type without struct {
		Code plain
		Map  map[plain]plain
	}
	b, err := json.Marshal(attached{declined, map[attach.ShopCode]attach.StockCode{declined: 1, 3: 0}})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := json.Marshal(without{1, map[plain]plain{1: 1, 3: 0}}); err != nil || string(b) != string(want) {
		t.Errorf("json.Marshal = %s; want %s, as without the methods (error %v)", b, want, err)
	}
	var decoded attached
	if err := json.Unmarshal(b, &decoded); err != nil || decoded.Code != declined || decoded.Map[declined] != 1 {
		t.Errorf("json.Unmarshal(%s) = %v, %v; want the same values", b, decoded, err)
	}

	if got := declined.String(); got != "SHOP_CODE_CARD_DECLINED" {
		t.Errorf("String() = %q; want the name in the .proto file, as protoc-gen-go has it", got)
	}
	if _, ok := any(declined).(encoding.TextMarshaler); ok {
		t.Error("the type has the method MarshalText; want none: it would change JSON")
	}
	if _, ok := any(new(attach.ShopCode)).(encoding.TextUnmarshaler); ok {
		t.Error("the type has the method UnmarshalText; want none: it would change JSON")
	}
	// This one format changes: fmt prefers Error to String.
	if got, want := fmt.Sprint(declined), "CardDeclined: the card was declined"; got != want {
		t.Errorf("the code printed alone is %q; want %q", got, want)
	}
}

func TestAttachedTypeIsACode(t *testing.T) {
	table := declined.Table()
	if attach.EarlyTable != table || table.Len() != 4 {
		t.Errorf("a package-level variable got a table of %d rows, and now it has %d; want the same table, with 4", attach.EarlyTable.Len(), table.Len())
	}
	if got := declined.Reason(); got != "CARD_DECLINED" {
		t.Errorf("Reason() = %q; want CARD_DECLINED", got)
	}
	if got := grpcstatus.Convert(declined); got.Code() != grpccodes.FailedPrecondition || got.Message() != "the card was declined" {
		t.Errorf("gRPC reads the status %v from the code; want FAILED_PRECONDITION, the card was declined", got)
	}
	if got := attach.ShopCode_SHOP_CODE_UNSPECIFIED.GRPCStatus(); got != nil {
		t.Errorf("GRPCStatus() of number 0 is %v; want nil", got)
	}
	for _, name := range []string{"CardDeclined", "SHOP_CODE_CARD_DECLINED", "CARD_DECLINED", "CardRefused", "SHOP_CODE_CARD_REFUSED", "1"} {
		if got, err := table.Parse(name); got != declined || err != nil {
			t.Errorf("Parse(%q) = %v, %v; want CardDeclined", name, got, err)
		}
	}
	if got := declined.LogValue().Group()[0].Value.String(); got != "CardDeclined" {
		t.Errorf("the name in the log is %q; want CardDeclined", got)
	}
	if !errors.Is(fmt.Errorf("paying: %w", declined), declined) {
		t.Error("errors.Is finds no attached code in a wrapped error")
	}
	if codes.Code(attach.Order_SOLD_OUT) == codes.Code(attach.StockCode_STOCK_CODE_SOLD_OUT) {
		t.Error("codes of two enums with the same number are equal; want them to differ")
	}
}

// A generated parameter error travels as its code, its text and its parameters.
func TestGeneratedParamsTravel(t *testing.T) {
	sent := attach.CardDeclinedError{Card: "42\n42"}
	if got, want := sent.Error(), "CardDeclined: card 42 42 was declined"; got != want {
		t.Errorf("Error() = %q; want %q", got, want)
	}
	if got := grpcstatus.Convert(sent); got.Code() != grpccodes.FailedPrecondition || got.Message() != "card 42\n42 was declined" {
		t.Errorf("gRPC reads the status %v from the error; want FAILED_PRECONDITION with the text", got)
	}
	if got := sent.LogValue().Group(); got[0].Value.String() != "CardDeclined" || got[4].Value.String() != "card 42 42 was declined" {
		t.Errorf("LogValue() = %v; want the name and the text", got)
	}
	for name, err := range map[string]error{
		"value":           sent,
		"pointer":         &sent,
		"wrapped":         fmt.Errorf("paying: %w", sent),
		"wrapped pointer": fmt.Errorf("paying: %w", &sent),
		"joined":          errors.Join(errors.New("second"), sent),
		"With":            status.With(sent).Wrap(errors.New("private")),
	} {
		// A unit test of the handler reads the same as its client.
		if got, ok := errors.AsType[attach.CardDeclinedError](err); !ok || got != sent {
			t.Errorf("%s: the handler's own error reads as %+v, %v; want %+v", name, got, ok, sent)
		}
		if got, ok := errors.AsType[params.QuotaExceededError](err); ok {
			t.Errorf("%s: the handler's own error reads as %+v; want no parameters of another code", name, got)
		}
		received := testrpc.Received(t, err, interceptor.WithTable(declined.Table()))
		if !errors.Is(received, declined) {
			t.Errorf("%s: the client received %v; want CardDeclined", name, received)
		}
		if got, ok := errors.AsType[attach.CardDeclinedError](received); !ok || got != sent {
			t.Errorf("%s: the client reads %+v, %v; want %+v", name, got, ok, sent)
		}
		var target attach.CardDeclinedError
		if !errors.As(received, &target) || target != sent {
			t.Errorf("%s: errors.As sets %+v; want %+v", name, target, sent)
		}
		if got, ok := errors.AsType[*attach.CardDeclinedError](received); ok {
			t.Errorf("%s: the client finds the pointer %+v; want none, as documented", name, got)
		}
	}
	if got, ok := errors.AsType[attach.CardDeclinedError](testrpc.Received(t, declined, interceptor.WithTable(declined.Table()))); ok {
		t.Errorf("a client that received the bare code reads %+v; want no parameters", got)
	}
}

// All fields are sent, whatever their names, and ReadParams needs all of them.
func TestGeneratedFields(t *testing.T) {
	sent := params.QuotaExceededError{UserId: "1", Used: "2", Type: "3", Range: "4", Lookup: "5", Ok: "6", Read: "7", E2: "8", Params: "{used}"}
	if got, want := sent.Error(), `QuotaExceeded: 1 used 2 of 3 "4", 2 in all: 5 6 7 8 {used}`; got != want {
		t.Errorf("Error() = %q; want %q", got, want)
	}
	all := map[string]string{}
	for _, p := range sent.AppendParams(nil) {
		all[p.Name] = p.Value
	}
	lookup := func(name string) (string, bool) { value, ok := all[name]; return value, ok }
	var got params.QuotaExceededError
	if !got.ReadParams(lookup) || got != sent {
		t.Errorf("ReadParams sets %+v; want %+v", got, sent)
	}
	for name, value := range all {
		delete(all, name)
		before := params.QuotaExceededError{Used: "before"}
		got := before
		if got.ReadParams(lookup) || got != before {
			t.Errorf("without %q, ReadParams sets %+v; want false and no change", name, got)
		}
		all[name] = value
	}
}

// Each enum has a table with the codes, names and defaults of its file.
func TestGeneratedTables(t *testing.T) {
	for _, tt := range []struct {
		code    codes.Code
		names   []string
		reason  string
		message string
	}{
		{minimal.CardDeclined, []string{"CardDeclined", "BILLING_CODE_CARD_DECLINED"}, "CARD_DECLINED", "card declined"},
		{minimal.Unspecified, []string{"Unspecified", "BILLING_CODE_UNSPECIFIED"}, "UNSPECIFIED", "no error"},
		{columns.SoldOut, []string{"SoldOut", "SOLD_OUT", "NoneInStock", "SHOP_CODE_NONE_IN_STOCK", "SHOP_CODE_SOLD_OUT"}, "OUT_OF_STOCK", "sold out"},
		{columns.NoneInStock, []string{"SoldOut"}, "OUT_OF_STOCK", "sold out"}, //nolint:staticcheck // aliases are deprecated
		{columns.Unknown, []string{"Unknown", "SHOP_CODE_UNKNOWN"}, "OK", "no error"},
		{columns.SecondFactorRequired, []string{"SecondFactorRequired", "SHOP_CODE_2FA_REQUIRED"}, "SHOP_CODE_2FA_REQUIRED", "shop code 2fa required"},
		{columns.MixedCase, []string{"MixedCase", "mixedCase", "SHOP_CODE_7TH"}, "MIXED_CASE", "mixed case"},
		{keep.BillingCodeNotFound, []string{"NotFound", "BILLING_CODE_NOT_FOUND"}, "NOT_FOUND", "not found"},
		{keep.StockCodeMissing, []string{"NotFound", "Missing"}, "NOT_FOUND", "not found"}, //nolint:staticcheck // aliases are deprecated
		{keep.Order_CodeNotFound, []string{"NotFound", "NOT_FOUND"}, "NOT_FOUND", "not found"},
		{short.CardDeclined, []string{"CardDeclined", "CardRefused"}, "CARD_DECLINED", "card declined"},
		{short.CardRefused, []string{"CardDeclined"}, "CARD_DECLINED", "card declined"},                                                           //nolint:staticcheck // aliases are deprecated
		{short.NoneInStock, []string{"SoldOut", "NoneInStock", "STOCK_CODE_NONE_IN_STOCK", "SOLD_OUT", "STOCK_CODE_1ST"}, "SOLD_OUT", "sold out"}, //nolint:staticcheck // aliases are deprecated
		{short.Ok, []string{"Ok", "ORDER_CODE_OK"}, "OK", "no error"},
		{short.StockCode_STOCK_CODE_UNSPECIFIED, []string{"Unspecified", "None", "STOCK_CODE_NONE"}, "UNSPECIFIED", "no error"},
		{shortkeep.Order_CodeNotFound, []string{"NotFound"}, "NOT_FOUND", "not found"},
		{proto2.BillingCode_BILLING_CODE_CARD_DECLINED, []string{"CardDeclined"}, "CARD_DECLINED", "card declined"},
		{edition2024.BillingCode_CARD_DECLINED, []string{"CardDeclined", "BILLING_CODE_CARD_DECLINED"}, "CARD_DECLINED", "card declined"},
		{edition2024.StockCode_STOCK_CODE_SOLD_OUT, []string{"SoldOut"}, "SOLD_OUT", "sold out"},
		{edition2024.Order_LOST, []string{"Lost", "ORDER_CODE_LOST"}, "LOST", "lost"},
	} {
		row := codes.RowOf(tt.code)
		if row.Name != tt.names[0] || row.Reason != tt.reason || row.Message != tt.message {
			t.Errorf("the row of %#v has the name %q, the reason %q and the message %q; want %q, %q and %q", tt.code, row.Name, row.Reason, row.Message, tt.names[0], tt.reason, tt.message)
		}
		for _, name := range tt.names {
			if got, err := tt.code.Table().Parse(name); got != tt.code || err != nil {
				t.Errorf("Parse(%q) = %v, %v; want %#v", name, got, err, tt.code)
			}
		}
	}
	row := codes.RowOf(columns.SoldOut)
	if row.Fault() != codes.FaultTransient || row.Retry() != codes.RetryCall || len(row.FormerReasons) != 2 || row.Localized[1].Locale != "zh-Hans" {
		t.Errorf("the row of SoldOut is %+v; want the columns of its file", row)
	}
}
