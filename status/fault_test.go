package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

func TestIsFault(t *testing.T) {
	faults := map[grpccodes.Code]bool{
		grpccodes.Unknown: true, grpccodes.Internal: true, grpccodes.DataLoss: true, grpccodes.Unimplemented: true,
		grpccodes.Unavailable: true, grpccodes.DeadlineExceeded: true,
	}
	for c := grpccodes.Canceled; c <= grpccodes.Unauthenticated; c++ {
		for name, err := range map[string]error{
			"a gRPC status":                grpcError(t, c, "x"),
			"a gRPC status under %w":       fmt.Errorf("x: %w", grpcError(t, c, "x")),
			"a received status":            received(t, c, "x"),
			"a received foreign status":    received(t, c, "x", info("a.example", "A_B_C", "")),
			"a code, as received":          received(t, c, "x", info("openim.io", "RECORD_NOT_FOUND", "1004")),
			"the same with another code":   status.Convert(received(t, c, "x")).WithCode(codes.SrvDatabase).Err(),
			"the same, encoded":            new(status.Encoder).Encode(t.Context(), grpcError(t, c, "x")).Err(),
			"an error with this GRPC code": grpcstatus.Error(c, ""),
		} {
			if got := status.IsFault(err); got != faults[c] {
				t.Errorf("IsFault(%s with %v) = %t; want %t", name, c, got, faults[c])
			}
		}
	}
	for row := range codes.Default().All() {
		for name, err := range map[string]error{
			"the code": row.Code, "the code under %w": fmt.Errorf("x: %w", row.Code), "a Status around a fault": status.Wrap(errors.New("x"), row.Code, ""),
		} {
			if want := faults[row.GRPCCode]; row.Code.Number() != 0 && status.IsFault(err) != want {
				t.Errorf("IsFault(%s %v) = %t; want %t", name, row.Code, !want, want)
			}
		}
	}
	for name, tt := range map[string]struct {
		err  error
		want codes.Fault
	}{
		"nil":                         {nil, codes.FaultNone},
		"context.Canceled":            {context.Canceled, codes.FaultCaller},
		"context.Canceled under %w":   {fmt.Errorf("x: %w", context.Canceled), codes.FaultCaller},
		"context.DeadlineExceeded":    {context.DeadlineExceeded, codes.FaultTransient},
		"an expired os deadline":      {os.ErrDeadlineExceeded, codes.FaultServer},
		"a plain error":               {errors.New("x"), codes.FaultServer},
		"io.EOF under %w":             {fmt.Errorf("reading: %w", io.EOF), codes.FaultServer},
		"NoError as an error":         {codes.NoError, codes.FaultServer},
		"a number without a row":      {codes.ErrorCode(1305), codes.FaultServer},
		"a received number":           {received(t, 1004, "x"), codes.FaultCaller},
		"a received number, unknown":  {received(t, 1305, "x"), codes.FaultServer},
		"an error that panics":        {&panics{"x"}, codes.FaultServer},
		"an error that wraps itself":  {loop{}, codes.FaultServer},
		"a panic":                     {status.Recovered("x"), codes.FaultServer},
		"a restated context.Canceled": {status.Convert(context.Canceled).WithMessage("x").Err(), codes.FaultServer}, // the INTERNAL default
	} {
		if got := status.Convert(tt.err).Fault(); got != tt.want {
			t.Errorf("Fault of %s is %v; want %v", name, got, tt.want)
		}
		if got, want := status.IsFault(tt.err), tt.want == codes.FaultServer || tt.want == codes.FaultTransient; got != want {
			t.Errorf("IsFault(%s) = %t; want %t", name, got, want)
		}
	}
}

// A stream ends with io.EOF, which is no fault.
func TestEndOfAStreamIsNoFault(t *testing.T) {
	if status.IsFault(io.EOF) {
		t.Error("IsFault(io.EOF) = true; want false")
	}
}

// An oddCode is a code whose UNKNOWN default is the caller's fault.
type oddCode int32

func (c oddCode) Error() string        { return fmt.Sprint("odd ", int32(c)) }
func (c oddCode) Number() codes.Number { return codes.Number(c) }
func (oddCode) Table() *codes.Table    { return oddTable }

var oddTable = codes.MustTable("odd.example",
	codes.Row{Code: oddCode(1), Reason: "ODD_INTERNAL", GRPCCode: grpccodes.Internal, Message: "x", Default: true},
	codes.Row{Code: oddCode(2), Reason: "ODD_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "x", Default: true, FaultOverride: codes.FaultCaller},
)

// What a row says counts, whatever the canonical code is.
func TestFaultOverride(t *testing.T) {
	row := codes.RowOf(codes.RecordNotFound)
	row.FaultOverride = codes.FaultServer
	encoder := status.Encoder{Tables: []*codes.Table{codes.Default().MustWithRows(row)}}
	for name, err := range map[string]error{
		"a code": codes.RecordNotFound, "a Status": status.Error(codes.RecordNotFound, "x"), "a cause": status.Wrap(errors.New("x"), codes.RecordNotFound, ""),
		"a Status under %w": fmt.Errorf("x: %w", status.Error(codes.RecordNotFound, "x")), "a code under %w": fmt.Errorf("x: %w", codes.RecordNotFound),
	} {
		if got := encoder.Encode(t.Context(), err).Fault(); got != codes.FaultServer {
			t.Errorf("with the table, the fault of %s is %v; want server", name, got)
		}
		if !status.IsFault(encoder.Encode(t.Context(), err).Err()) {
			t.Errorf("with the table, IsFault of the encoded error of %s is false; want true", name)
		}
		received := (&status.Decoder{Tables: encoder.Tables}).Decode(t.Context(), grpcstatus.ErrorProto(encoder.Encode(t.Context(), err).Status().Proto()))
		if !status.IsFault(received) {
			t.Errorf("with the client's table, IsFault of the received error of %s is false; want true", name)
		}
		if got := new(status.Encoder).Encode(t.Context(), err).Fault(); got != codes.FaultCaller {
			t.Errorf("without the table, the fault of %s is %v; want caller", name, got)
		}
	}
	decoder := status.Decoder{Tables: []*codes.Table{oddTable}}
	if got := decoder.FromGRPC(grpcstatus.New(grpccodes.Internal, "x")).Fault(); got != codes.FaultServer {
		t.Errorf("the fault of a status that carries no code is %v; want server, whatever the UNKNOWN default's row says", got)
	}
	if got := new(status.Encoder).Encode(t.Context(), nil).Fault(); got != codes.FaultNone {
		t.Errorf("the fault of success is %v; want none", got)
	}
}
