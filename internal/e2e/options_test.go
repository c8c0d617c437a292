package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// Options of the server.

func TestRulesAreTriedInOrder(t *testing.T) {
	var (
		errFirst  = errors.New("first: " + testrpc.Secret)
		errSecond = errors.New("second: " + testrpc.Secret)
	)
	data := func(error) codes.Code { return codes.SrvData }
	none := func(error) codes.Code { return nil }
	success := func(error) codes.Code { return codes.NoError }
	panics := func(error) codes.Code { panic(testrpc.Secret) }

	tests := []struct {
		name     string
		handlers error
		opts     []interceptor.ServerOption
		want     *spb.Status
	}{
		{"target", errFirst,
			[]interceptor.ServerOption{interceptor.MapError(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"target under %w and in a join", errors.Join(io.EOF, fmt.Errorf("%w", errFirst)),
			[]interceptor.ServerOption{interceptor.MapError(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"target by the error's own Is", isFirst{errFirst},
			[]interceptor.ServerOption{interceptor.MapError(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"no target matches", errSecond,
			[]interceptor.ServerOption{interceptor.MapError(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.ServerInternal, "")},
		{"first of two targets wins, not the first error", errors.Join(errSecond, errFirst),
			[]interceptor.ServerOption{interceptor.MapError(errFirst, codes.RecordNotFound), interceptor.MapError(errSecond, codes.Args)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"function before target", errFirst,
			[]interceptor.ServerOption{interceptor.MapErrorFunc(data), interceptor.MapError(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.SrvData, "")},
		{"target before function", errFirst,
			[]interceptor.ServerOption{interceptor.MapError(errFirst, codes.RecordNotFound), interceptor.MapErrorFunc(data)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"nil leaves it to the next", errFirst,
			[]interceptor.ServerOption{interceptor.MapErrorFunc(none), interceptor.MapErrorFunc(data)},
			testrpc.Carrying(t, codes.SrvData, "")},
		{"NoError leaves it to the next", errFirst,
			[]interceptor.ServerOption{interceptor.MapErrorFunc(success), interceptor.MapErrorFunc(data)},
			testrpc.Carrying(t, codes.SrvData, "")},
		{"function that panics", errFirst,
			[]interceptor.ServerOption{interceptor.MapErrorFunc(panics), interceptor.MapErrorFunc(data)},
			testrpc.Carrying(t, codes.ServerInternal, "")},
		{"a stated code is not mapped", errors.Join(errFirst, codes.Args),
			[]interceptor.ServerOption{interceptor.MapError(errFirst, codes.RecordNotFound), interceptor.MapErrorFunc(data)},
			testrpc.Carrying(t, codes.Args, "")},
		{"before the context's row", context.DeadlineExceeded,
			[]interceptor.ServerOption{interceptor.MapError(context.DeadlineExceeded, codes.SrvDatabase)},
			testrpc.Carrying(t, codes.SrvDatabase, "")},
		{"before the gRPC status's row", grpcstatus.Error(grpccodes.NotFound, testrpc.Secret),
			[]interceptor.ServerOption{interceptor.MapErrorFunc(data)},
			testrpc.Carrying(t, codes.SrvData, "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, testrpc.Sent(t, tt.handlers, tt.opts...), protocmp.Transform()); diff != "" {
				t.Errorf("the status on the wire (-want +got):\n%s", diff)
			}
		})
	}
}

// isFirst says that it is what it holds, without wrapping it.
type isFirst struct{ first error }

func (isFirst) Error() string          { return testrpc.Secret }
func (e isFirst) Is(target error) bool { return target == e.first }

func TestMapErrorFuncIsGivenWhatTheHandlerReturned(t *testing.T) {
	handlers := fmt.Errorf("loading: %w", io.ErrUnexpectedEOF)
	var given error
	testrpc.Sent(t, handlers, interceptor.MapErrorFunc(func(err error) codes.Code { given = err; return nil }))
	if given != handlers {
		t.Errorf("the function was given %v; want %v, identical", given, handlers)
	}
}

func TestTableOfTheServerDecidesTheWire(t *testing.T) {
	for _, c := range testrpc.ErrorCodes(t) {
		row, _ := codes.Default().Lookup(c.Number())
		row.GRPCCode, row.Message, row.Default = grpccodes.FailedPrecondition, "overridden", false
		rows := append(defaultsWithout(c), row)
		table, err := codes.Default().With(rows...)
		if err != nil {
			t.Fatalf("With(%v) = %v", c, err)
		}
		svc := testrpc.Returning(nil)
		opts := interceptor.ServerOptions(interceptor.WithTable(table), interceptor.MapError(io.ErrUnexpectedEOF, c))
		client := testrpc.Connect(t, svc, opts, interceptor.DialOptions())
		for _, tt := range []struct {
			handlers error
			message  string
		}{
			{c, "overridden"},
			{io.ErrUnexpectedEOF, "overridden"},
			{status.Error(c, "own message"), "own message"},
			{grpcstatus.Error(grpccodes.Code(c), "own message"), "own message"},
		} {
			svc.Return(testrpc.AtOpen, tt.handlers)
			_, err := testrpc.CallUnary(t.Context(), client)
			want := testrpc.Carrying(t, c, tt.message)
			want.Code = int32(grpccodes.FailedPrecondition)
			testrpc.CheckStatus(t, err, want)
			if got := status.Code(err); got != c {
				t.Errorf("status.Code(%v) = %v; want %v", err, got, c)
			}
		}
	}
}

// defaultsWithout gives another code the place of c among the defaults of
// INTERNAL and UNKNOWN, which a table must have.
func defaultsWithout(c codes.ErrorCode) []codes.Row {
	other := map[codes.ErrorCode]codes.ErrorCode{
		codes.ServerInternal: codes.SrvDatabase,
		codes.SdkUnknownCode: 1305,
	}[c]
	if other == codes.NoError {
		return nil
	}
	old, _ := codes.Default().Lookup(c.Number())
	row, known := codes.Default().Lookup(other.Number())
	if !known {
		row.Name, row.Reason = "Other", "OTHER"
	}
	row.GRPCCode, row.Default = old.GRPCCode, true
	return []codes.Row{row}
}

// Tables of a second domain.

func TestSecondDomainNeedsItsTableOnTheClientOnly(t *testing.T) {
	tests := []struct {
		name   string
		opts   []interceptor.ClientOption
		code   codes.Code
		origin status.Origin
	}{
		{"known", []interceptor.ClientOption{interceptor.WithTable(testrpc.Pets)}, testrpc.PetRanAway, status.Ours},
		{"unknown", nil, codes.RecordNotFound, status.Foreign},
	}
	for _, tt := range tests {
		for _, handlers := range []error{testrpc.PetRanAway, status.Error(testrpc.PetRanAway, "the pet ran away")} {
			err := testrpc.Received(t, handlers, tt.opts...)
			testrpc.CheckStatus(t, err, testrpc.Carrying(t, testrpc.PetRanAway, ""))
			st, _ := status.FromError(err)
			if status.Code(err) != tt.code || st.Origin() != tt.origin {
				t.Errorf("%s: the caller reads %v, %v; want %v, %v", tt.name, status.Code(err), st.Origin(), tt.code, tt.origin)
			}
			if !errors.Is(err, tt.code) {
				t.Errorf("%s: errors.Is(%v, %v) = false", tt.name, err, tt.code)
			}
		}
	}
}

func TestEqualNumbersOfTwoDomainsAreTwoCodes(t *testing.T) {
	ran := testrpc.Received(t, testrpc.PetRanAway, interceptor.WithTable(testrpc.Pets))
	missing := testrpc.Received(t, codes.RecordNotFound, interceptor.WithTable(testrpc.Pets))
	if errors.Is(ran, codes.RecordNotFound) || errors.Is(missing, testrpc.PetRanAway) {
		t.Errorf("%v and %v are the same code to errors.Is; want two", ran, missing)
	}
	if got := status.Code(missing); got != codes.RecordNotFound {
		t.Errorf("with another table first, status.Code() = %v; want RecordNotFound", got)
	}
}

func TestFirstTableHasTheCodesOfWhatStatesNone(t *testing.T) {
	if diff := cmp.Diff(testrpc.Carrying(t, testrpc.PetBroken, ""), testrpc.Sent(t, errors.New(testrpc.Secret), interceptor.WithTable(testrpc.Pets)), protocmp.Transform()); diff != "" {
		t.Errorf("what the server sends for a plain error (-want +got):\n%s", diff)
	}
	err := testrpc.ReceivedFromPlain(t, grpcstatus.Error(grpccodes.NotFound, "bare"), interceptor.WithTable(testrpc.Pets))
	if got := status.Code(err); got != testrpc.PetUnknown {
		t.Errorf("the client's guess for NOT_FOUND is %v; want %v", got, testrpc.PetUnknown)
	}
}
