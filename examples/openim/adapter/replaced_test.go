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

// A chatCode belongs to another domain. One of its numbers is also OpenIM's.
type chatCode int32

var chat = codes.MustTable("chat.example",
	codes.Row{Code: chatCode(1), Reason: "CHAT_BROKEN", GRPCCode: grpccodes.Internal, Message: "broken", Default: true},
	codes.Row{Code: chatCode(2), Reason: "CHAT_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "unknown", Default: true},
	codes.Row{Code: chatCode(10002), Reason: "HAS_REGISTERED", GRPCCode: grpccodes.AlreadyExists, Message: "has registered"},
)

func (c chatCode) Error() string        { return fmt.Sprint("chat ", int32(c)) }
func (c chatCode) Number() codes.Number { return codes.Number(c) }
func (chatCode) Table() *codes.Table    { return chat }

// A number means the same in a CodeError and in the replacement of an error.
func TestReplacedReadsNumbersLikeCodeErrors(t *testing.T) {
	for _, number := range []int{1004, 10002, 1999} {
		driver := errors.New(fmt.Sprint("driver error ", number))
		replacement := errs.NewCodeError(number, "Replacement")
		if err := specialerror.AddReplace(driver, replacement); err != nil {
			t.Fatal(err)
		}
		for _, tables := range [][]*codes.Table{nil, {chat}, {codes.Default(), chat}} {
			encoder := &status.Encoder{OpenIMForm: true, OpenIMErrors: status.OpenIMErrorsWithoutDetail, Tables: tables, Rules: []status.Rule{{Func: adapter.Replaced(tables...)}}}
			got, want := encoder.Encode(t.Context(), driver), encoder.Encode(t.Context(), replacement)
			if got.Code() != want.Code() || got.GRPCCode() != want.GRPCCode() || got.Status().Code() != want.Status().Code() {
				t.Errorf("%d with %d tables: a replaced error has code %v, sent as %d; want the CodeError's, %v, sent as %d", number, len(tables), got.Code(), got.Status().Code(), want.Code(), want.Status().Code())
			}
		}
	}
}
