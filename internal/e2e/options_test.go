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

// The options of a server: rules and tables.

func TestRulesAreTriedInOrder(t *testing.T) {
	var (
		errFirst  = errors.New("first: " + testrpc.Secret)
		errSecond = errors.New("second: " + testrpc.Secret)
	)
	data := func(context.Context, error) *status.Status { return status.New(codes.SrvData, "") }
	none := func(context.Context, error) *status.Status { return nil }
	success := func(context.Context, error) *status.Status { return status.New(codes.NoError, "") }
	panics := func(context.Context, error) *status.Status { panic(testrpc.Secret) }

	tests := []struct {
		name     string
		handlers error
		opts     []interceptor.ServerOption
		want     *spb.Status
	}{
		{"a sentinel", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"a sentinel under %w in a join", errors.Join(io.EOF, fmt.Errorf("%w", errFirst)),
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"a sentinel that the error's Is method matches", isFirst{errFirst},
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"no sentinel matches", errSecond,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.ServerInternal, "")},
		{"two sentinels: the first rule decides, not the first error", errors.Join(errSecond, errFirst),
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound), interceptor.WithErrorMapping(errSecond, codes.Args)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"a function before a sentinel", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(data), interceptor.WithErrorMapping(errFirst, codes.RecordNotFound)},
			testrpc.Carrying(t, codes.SrvData, "")},
		{"a sentinel before a function", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound), interceptor.WithErrorMapper(data)},
			testrpc.Carrying(t, codes.RecordNotFound, "")},
		{"a function returns nil: the next rule decides", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(none), interceptor.WithErrorMapper(data)},
			testrpc.Carrying(t, codes.SrvData, "")},
		{"a function returns NoError: the next rule decides", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(success), interceptor.WithErrorMapper(data)},
			testrpc.Carrying(t, codes.SrvData, "")},
		{"a function panics: the next rule decides", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(panics), interceptor.WithErrorMapper(data)},
			testrpc.Carrying(t, codes.SrvData, "")},
		{"the only function panics", errFirst,
			[]interceptor.ServerOption{interceptor.WithErrorMapper(panics)},
			testrpc.Carrying(t, codes.ServerInternal, "")},
		{"a code comes before rules", errors.Join(errFirst, codes.Args),
			[]interceptor.ServerOption{interceptor.WithErrorMapping(errFirst, codes.RecordNotFound), interceptor.WithErrorMapper(data)},
			testrpc.Carrying(t, codes.Args, "")},
		{"rules come before context errors", context.DeadlineExceeded,
			[]interceptor.ServerOption{interceptor.WithErrorMapping(context.DeadlineExceeded, codes.SrvDatabase)},
			testrpc.Carrying(t, codes.SrvDatabase, "")},
		{"rules come before gRPC statuses", grpcstatus.Error(grpccodes.NotFound, testrpc.Secret),
			[]interceptor.ServerOption{interceptor.WithErrorMapper(data)},
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

// An isFirst error doesn't wrap its field. Its Is method matches it.
type isFirst struct{ first error }

func (isFirst) Error() string          { return testrpc.Secret }
func (e isFirst) Is(target error) bool { return target == e.first }

func TestErrorMapperGetsTheHandlersError(t *testing.T) {
	handlers := fmt.Errorf("loading: %w", io.ErrUnexpectedEOF)
	var given error
	testrpc.Sent(t, handlers, interceptor.WithErrorMapper(func(_ context.Context, err error) *status.Status { given = err; return nil }))
	if given != handlers {
		t.Errorf("the mapper got %v; want %v, identical", given, handlers)
	}
}

func TestTableOfTheServerDecidesTheWire(t *testing.T) {
	for _, c := range testrpc.ErrorCodes(t) {
		row, _ := codes.Default().Lookup(c.Number())
		row.GRPCCode, row.Message, row.Default = grpccodes.FailedPrecondition, "overridden", false
		rows := append(defaultsWithout(c), row)
		table, err := codes.Default().WithRows(rows...)
		if err != nil {
			t.Fatalf("WithRows() with a changed row of %v = %v; want no error", c, err)
		}
		svc := testrpc.Returning(nil)
		opts := interceptor.ServerOptions(interceptor.WithTable(table), interceptor.WithErrorMapping(io.ErrUnexpectedEOF, c))
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

// defaultsWithout returns a row that makes another code the default for INTERNAL or
// UNKNOWN if c is the default now. Every table must have these two defaults.
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

// Codes of a second domain.

func TestSecondDomainNeedsItsTableOnTheClientOnly(t *testing.T) {
	tests := []struct {
		name   string
		opts   []interceptor.ClientOption
		code   codes.Code // nil for none
		origin status.Origin
	}{
		{"with the table", []interceptor.ClientOption{interceptor.WithTable(testrpc.Pets)}, testrpc.PetRanAway, status.OriginKnown},
		{"without the table", nil, nil, status.OriginForeign},
		{"without the table, with assumed codes", []interceptor.ClientOption{interceptor.WithAssumedCodes()}, nil, status.OriginForeign},
	}
	for _, tt := range tests {
		for _, handlers := range []error{testrpc.PetRanAway, status.Error(testrpc.PetRanAway, "the pet ran away")} {
			err := testrpc.Received(t, handlers, tt.opts...)
			testrpc.CheckStatus(t, err, testrpc.Carrying(t, testrpc.PetRanAway, ""))
			st, _ := status.FromError(err)
			if info := testrpc.ErrorInfo(testrpc.PetRanAway); st.Origin() != tt.origin || st.Reason() != info.Reason || st.Domain() != info.Domain {
				t.Errorf("%s: the caller reads origin %v, reason %q, domain %q; want %v, and what the server sent", tt.name, st.Origin(), st.Reason(), st.Domain(), tt.origin)
			}
			if tt.code == nil {
				checkNoCode(t, tt.name, err, codes.SdkUnknownCode, testrpc.PetRanAway, codes.RecordNotFound)
				continue
			}
			if code, declared := status.Declared(err); code != tt.code || !declared || !errors.Is(err, tt.code) {
				t.Errorf("%s: the caller reads code %v, declared %t; want %v, true, and errors.Is finds it", tt.name, code, declared, tt.code)
			}
		}
	}
}

func TestEqualNumbersOfTwoDomainsAreTwoCodes(t *testing.T) {
	ranAway := testrpc.Received(t, testrpc.PetRanAway, interceptor.WithTable(testrpc.Pets))
	missing := testrpc.Received(t, codes.RecordNotFound, interceptor.WithTable(testrpc.Pets))
	if errors.Is(ranAway, codes.RecordNotFound) || errors.Is(missing, testrpc.PetRanAway) {
		t.Errorf("errors.Is reports that %v and %v are the same code; want two codes", ranAway, missing)
	}
	if got := status.Code(missing); got != codes.RecordNotFound {
		t.Errorf("with another table first, status.Code() = %v; want RecordNotFound", got)
	}
}

// The first table has the server's INTERNAL default, the client's UNKNOWN default and its
// assumed codes.
func TestFirstTableHasTheDefaultCodes(t *testing.T) {
	if diff := cmp.Diff(testrpc.Carrying(t, testrpc.PetBroken, ""), testrpc.Sent(t, errors.New(testrpc.Secret), interceptor.WithTable(testrpc.Pets)), protocmp.Transform()); diff != "" {
		t.Errorf("what the server sends for a plain error (-want +got):\n%s", diff)
	}
	bare := grpcstatus.Error(grpccodes.Internal, "bare")
	err := testrpc.ReceivedFromPlain(t, bare, interceptor.WithTable(testrpc.Pets))
	checkNoCode(t, "a bare INTERNAL", err, testrpc.PetUnknown, testrpc.PetBroken, codes.ServerInternal)

	err = testrpc.ReceivedFromPlain(t, bare, interceptor.WithTable(testrpc.Pets), interceptor.WithAssumedCodes())
	if got, declared := status.Declared(err); got != testrpc.PetBroken || !declared || !errors.Is(err, testrpc.PetBroken) {
		t.Errorf("the assumed code for INTERNAL is %v, declared %t; want %v, true, and errors.Is finds it", got, declared, testrpc.PetBroken)
	}
}
