package codes_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
)

// A code is an error: return it, wrap it, and find it with errors.Is.
func ExampleErrorCode() {
	find := func() error { return codes.RecordNotFound }

	err := fmt.Errorf("user %q: %w", "ada", find())
	fmt.Println(err)
	fmt.Println(errors.Is(err, codes.RecordNotFound))
	if code, ok := errors.AsType[codes.ErrorCode](err); ok {
		fmt.Println(code.String(), code.Number(), code.Reason())
	}
	fmt.Println(grpcstatus.Code(err)) // gRPC's own function, which other interceptors call
	// Output:
	// user "ada": RecordNotFound: record not found
	// true
	// RecordNotFound 1004 RECORD_NOT_FOUND
	// NotFound
}

// A number without a row is kept. An upstream with a newer table may send one.
func ExampleErrorCode_unknown() {
	code := codes.ErrorCode(1305)
	fmt.Println(code)
	fmt.Println(code.GRPCStatus().Code())
	// Output:
	// ErrorCode(1305): unknown error
	// Unknown
}

func ExampleErrorCode_MarshalText() {
	counts, err := json.Marshal(map[codes.ErrorCode]int{codes.TokenExpired: 3, codes.Args: 1})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(string(counts))
	// Output:
	// {"Args":1,"TokenExpired":3}
}

// OrderClosed is an additional code of OpenIM's domain.
const OrderClosed codes.ErrorCode = 2001

func ExampleTable_WithRows() {
	table, err := codes.Default().WithRows(codes.Row{
		Code:     OrderClosed,
		Name:     "OrderClosed",
		Reason:   "ORDER_CLOSED",
		GRPCCode: grpccodes.FailedPrecondition,
		Message:  "the order is closed",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	row, known := table.Lookup(2001)
	fmt.Println(row.Name, row.GRPCCode, known)
	fmt.Println(codes.Default().Has(2001))
	// Output:
	// OrderClosed FailedPrecondition true
	// false
}

func ExampleNewTable() {
	_, err := codes.NewTable("openim.io",
		codes.Row{Code: codes.ServerInternal, Reason: "SERVER_INTERNAL", GRPCCode: grpccodes.Internal, Message: "internal server error", Default: true},
		codes.Row{Code: codes.Args, Reason: "bad args", GRPCCode: grpccodes.InvalidArgument},
		codes.Row{Code: codes.RecordNotFound, Reason: "UNKNOWN", GRPCCode: grpccodes.NotFound},
	)
	fmt.Println(err)
	// Output:
	// codes: table "openim.io": row 2 (bad args = 1001): reason "bad args" must match [A-Z][A-Z0-9_]+[A-Z0-9] and have at most 63 bytes (AIP-193): set another reason
	// codes: table "openim.io": row 3 (UNKNOWN = 1004): reason "UNKNOWN" is reserved in a table without a default row for UNKNOWN: choose another, or set default: true (in Go, Default) on a row with that canonical code
}

func ExampleTable_Parse() {
	for _, text := range []string{"RecordNotFound", "RECORD_NOT_FOUND", "1004", "ErrorCode(1305)", "recordnotfound"} {
		code, err := codes.Default().Parse(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(code.Number(), code)
	}
	// Output:
	// 1004 RecordNotFound: record not found
	// 1004 RecordNotFound: record not found
	// 1004 RecordNotFound: record not found
	// 1305 ErrorCode(1305): unknown error
	// codes: no ErrorCode is called "recordnotfound": give a name such as "ServerInternal", a reason such as "SERVER_INTERNAL", or a 32-bit number
}

func ExampleTable_Lookup() {
	row, ok := codes.Default().Lookup(1402)
	fmt.Println(row.Name, row.Reason, row.GRPCCode, row.Message, ok)

	row, ok = codes.Default().Lookup(1305)
	fmt.Println(row.Name, row.Reason, row.GRPCCode, row.Message, ok)
	// Output:
	// SrvMutedInGroup SRV_MUTED_IN_GROUP PermissionDenied the user is muted in the group true
	// ErrorCode(1305) ERROR_CODE_1305 Unknown unknown error false
}

// Several codes can share a canonical code. At most one of them is its default.
func ExampleTable_DefaultFor() {
	table := codes.Default()
	fmt.Println(table.DefaultFor(grpccodes.NotFound))
	fmt.Println(table.DefaultFor(grpccodes.DataLoss)) // no default row
	// Output:
	// RecordNotFound: record not found
	// SdkUnknownCode: unknown error
}

func ExampleMustTable() {
	row, _ := codes.Default().ByReason("SERVER_INTERNAL")
	defer func() { fmt.Println(recover()) }()
	codes.MustTable("openim.io", row, row)
	// Output:
	// codes: table "openim.io": row 2 (ServerInternal = 500): number 500 already belongs to ServerInternal: choose another
	// codes: table "openim.io": row 2 (ServerInternal = 500): reason "SERVER_INTERNAL" already belongs to ServerInternal, number 500: choose another
	// codes: table "openim.io": row 2 (ServerInternal = 500): name "ServerInternal" already belongs to ServerInternal, number 500: choose another
	// codes: table "openim.io": row 2 (ServerInternal = 500): second default row for INTERNAL, after ServerInternal: set Default (default: true) on only one of them
}

func ExampleDefault() {
	fmt.Println(codes.Default().Domain(), codes.Default().Has(1004))
	// Output: openim.io true
}

func ExampleTable_All() {
	for row := range codes.Default().All() {
		if row.GRPCCode == grpccodes.AlreadyExists {
			fmt.Println(row.Code.Number(), row.Name)
		}
	}
	// Output:
	// 1003 DuplicateKey
	// 1102 SrvRegisteredAlready
	// 1202 SrvGroupIDExisted
	// 1304 SrvRelationshipAlready
}

func ExampleTable_ByReason() {
	row, ok := codes.Default().ByReason("TOKEN_EXPIRED")
	fmt.Println(row.Code.Number(), row.Message, ok)
	// Output: 1501 token has expired true
}

func ExampleTable_Code() {
	fmt.Println(codes.Default().Code(1004))
	fmt.Println(codes.Default().Code(1305))
	// Output:
	// RecordNotFound: record not found
	// ErrorCode(1305): unknown error
}

func ExampleErrorCode_GRPCStatus() {
	st := codes.RecordNotFound.GRPCStatus()
	info := st.Details()[0].(*errdetails.ErrorInfo)
	fmt.Println(st.Code(), info.GetReason(), info.GetDomain(), info.GetMetadata())
	// Output: NotFound RECORD_NOT_FOUND openim.io map[code:1004]
}

func ExampleErrorCode_UnmarshalText() {
	var c codes.ErrorCode
	for _, text := range []string{`"RecordNotFound"`, `"RECORD_NOT_FOUND"`, `"1004"`, `"recordnotfound"`} {
		err := json.Unmarshal([]byte(text), &c)
		fmt.Println(c.Number(), err)
	}
	// Output:
	// 1004 <nil>
	// 1004 <nil>
	// 1004 <nil>
	// 1004 codes: no ErrorCode is called "recordnotfound": give a name such as "ServerInternal", a reason such as "SERVER_INTERNAL", or a 32-bit number
}

func ExampleTable_MustWithRows() {
	callback := codes.RowOf(codes.SrvCallback)
	callback.GRPCCode = grpccodes.Aborted
	table := codes.Default().MustWithRows(callback)
	fmt.Println(table.GRPCStatus(codes.SrvCallback.Number()).Code())
	// Output: Aborted
}

// The fault follows from the canonical code, also in a changed row. A row can say
// otherwise.
func ExampleRow_Fault() {
	row := codes.RowOf(codes.SrvCallback)
	fmt.Println(row.GRPCCode, row.Fault())

	row.GRPCCode = grpccodes.Unavailable
	fmt.Println(row.GRPCCode, row.Fault())

	row.FaultOverride = codes.FaultServer
	fmt.Println(row.GRPCCode, row.Fault())
	// Output:
	// FailedPrecondition caller
	// Unavailable transient
	// Unavailable server
}
