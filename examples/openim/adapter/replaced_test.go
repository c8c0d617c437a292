package adapter_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/openimsdk/tools/errs"
	"github.com/openimsdk/tools/mw/specialerror"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/adapter"
	"github.com/errstatus/errstatus/status"
)

// A chatCode is of a domain of its own, and has a number that OpenIM's has too.
type chatCode int32

var chat = codes.MustTable("chat.example",
	codes.Row{Code: chatCode(1), Reason: "CHAT_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: chatCode(2), Reason: "CHAT_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
	codes.Row{Code: chatCode(10002), Reason: "HAS_REGISTERED", GRPCCode: grpccodes.AlreadyExists, Message: "has registered"},
)

func (c chatCode) Error() string     { return fmt.Sprint("chat ", int32(c)) }
func (c chatCode) Number() int32     { return int32(c) }
func (chatCode) Table() *codes.Table { return chat }

// TestReplacedIsWhatACodeErrorIs: a number means the same, whether a CodeError has it
// or what an error is replaced by.
func TestReplacedIsWhatACodeErrorIs(t *testing.T) {
	for _, number := range []int{1004, 10002, 1999} {
		driver := errors.New(fmt.Sprint("of a driver ", number))
		replacement := errs.NewCodeError(number, "Replacement")
		if err := specialerror.AddReplace(driver, replacement); err != nil {
			t.Fatal(err)
		}
		for _, tables := range [][]*codes.Table{nil, {chat}, {codes.Default(), chat}} {
			encoder := &status.Encoder{OpenIMForm: true, AdaptCodeErrors: true, Tables: tables, Rules: []status.Rule{{Func: adapter.Replaced(tables...)}}}
			got, want := encoder.Encode(t.Context(), driver), encoder.Encode(t.Context(), replacement)
			if got.Code != want.Code || got.GRPCCode != want.GRPCCode || got.Status.Code() != want.Status.Code() {
				t.Errorf("%d of %d tables: replaced it is %v, sent as %d; a CodeError is %v, %d", number, len(tables), got.Code, got.Status.Code(), want.Code, want.Status.Code())
			}
		}
	}
}
