package testrpc

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// ErrorCodes returns every code of the default table except NoError.
func ErrorCodes(t testing.TB) []codes.ErrorCode {
	t.Helper()
	var all []codes.ErrorCode
	for row := range codes.Default().All() {
		if c := row.Code.(codes.ErrorCode); c != codes.NoError {
			all = append(all, c)
		}
	}
	if openIM := 62; len(all) < openIM {
		t.Fatalf("the default table has %d codes besides NoError; want at least OpenIM's %d", len(all), openIM)
	}
	return all
}

// EveryCode returns [ErrorCodes] and two numbers that have no row.
func EveryCode(t testing.TB) []codes.ErrorCode {
	t.Helper()
	return append(ErrorCodes(t), 1305, math.MaxInt32)
}

// Carrying returns the status that carries a code, built without errstatus: the canonical
// code, the message, the ErrorInfo as the first detail, then the other details. If the
// message is empty, it is the row's.
func Carrying(t testing.TB, c codes.Code, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	row, _ := c.Table().Lookup(c.Number())
	if message == "" {
		message = row.Message
	}
	return Canonical(t, row.GRPCCode, message, append([]proto.Message{ErrorInfo(c)}, details...)...)
}

// ErrorInfo returns the detail by which a status carries a code.
func ErrorInfo(c codes.Code) *errdetails.ErrorInfo {
	row, _ := c.Table().Lookup(c.Number())
	return &errdetails.ErrorInfo{
		Reason:   row.Reason,
		Domain:   c.Table().Domain(),
		Metadata: map[string]string{"code": strconv.Itoa(int(c.Number()))},
	}
}

// Canonical returns a status with the given parts. It carries a code only if one of the
// details is an ErrorInfo.
func Canonical(t testing.TB, c grpccodes.Code, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	p := &spb.Status{Code: int32(c), Message: message}
	for _, d := range details {
		p.Details = append(p.Details, Packed(t, d))
	}
	return p
}

// Packed returns a message as an Any.
func Packed(t testing.TB, message proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(message)
	if err != nil {
		t.Fatalf("anypb.New() = %v", err)
	}
	return a
}

// MadeByGRPC reports whether gRPC's own libraries make statuses with a canonical code
// (https://grpc.io/docs/guides/status-codes).
func MadeByGRPC(c grpccodes.Code) bool {
	switch c {
	case grpccodes.InvalidArgument, grpccodes.NotFound, grpccodes.AlreadyExists, grpccodes.FailedPrecondition, grpccodes.Aborted, grpccodes.OutOfRange, grpccodes.DataLoss:
		return false
	}
	return true
}

// BadRequest returns a new BadRequest, the detail that most tests send.
func BadRequest() *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "name", Description: "must not be empty"},
	}}
}

// Violations returns a BadRequest with n field violations.
func Violations(n int) *errdetails.BadRequest {
	br := &errdetails.BadRequest{}
	for i := range n {
		br.FieldViolations = append(br.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: fmt.Sprintf("items[%d].name", i), Description: "must not be empty",
		})
	}
	return br
}
