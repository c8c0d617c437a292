package missing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/openimsdk/tools/errs"
	"google.golang.org/grpc"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/missing"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// A server with the table sends the code of a CodeError. Without the table it sends
// the INTERNAL default, because it has no row for the number.
func Example() {
	handler := func(context.Context, any) (any, error) { return nil, errs.ErrOrgUserNoPermissionError.Wrap() }
	info := &grpc.UnaryServerInfo{FullMethod: "/openim.group.Group/Dismiss"}
	for _, server := range []grpc.UnaryServerInterceptor{
		interceptor.UnaryServer(interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail), interceptor.WithLogger(nil)),
		interceptor.UnaryServer(interceptor.WithOpenIMErrors(status.OpenIMErrorsWithoutDetail), interceptor.WithTable(missing.Table)),
	} {
		_, err := server(context.Background(), nil, info, handler)
		fmt.Println(grpcstatus.Code(err), errors.Is(err, missing.OrgUserNoPermission))
	}
	// Output:
	// Internal false
	// PermissionDenied true
}

// A server sends each number with its row, in both forms, and a client reads it back.
func TestTable(t *testing.T) {
	tables := []*codes.Table{missing.Table}
	added := 0
	for row := range missing.Table.All() {
		if codes.Default().Has(row.Code.Number()) {
			continue
		}
		added++
		for _, numeric := range []bool{false, true} {
			encoder := &status.Encoder{Tables: tables, OpenIMErrors: status.OpenIMErrorsWithoutDetail, OpenIMForm: numeric}
			got := encoder.Encode(t.Context(), errs.NewCodeError(int(row.Code.Number()), "x"))
			if got.Code() != row.Code || got.GRPCCode() != row.GRPCCode || got.Source() != status.SourceOpenIMError {
				t.Errorf("%s: sent as %+v; want the row's code and canonical code", row.Name, got)
			}
			back := (&status.Decoder{Tables: tables}).FromGRPC(got.Status())
			if back.Code() != row.Code || back.Reason() != row.Reason {
				t.Errorf("%s: received as %v with reason %s; want the row's", row.Name, back, back.Reason())
			}
		}
	}
	if added != 9 {
		t.Errorf("the table has %d added rows; want 9", added)
	}
}
