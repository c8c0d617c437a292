package codes_test

import (
	"math"
	"testing"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

func TestFaultOf(t *testing.T) {
	want := map[grpccodes.Code]codes.Fault{
		grpccodes.OK:                 codes.FaultNone,
		grpccodes.Canceled:           codes.FaultCaller,
		grpccodes.Unknown:            codes.FaultServer,
		grpccodes.InvalidArgument:    codes.FaultCaller,
		grpccodes.DeadlineExceeded:   codes.FaultTransient,
		grpccodes.NotFound:           codes.FaultCaller,
		grpccodes.AlreadyExists:      codes.FaultCaller,
		grpccodes.PermissionDenied:   codes.FaultCaller,
		grpccodes.ResourceExhausted:  codes.FaultCaller,
		grpccodes.FailedPrecondition: codes.FaultCaller,
		grpccodes.Aborted:            codes.FaultCaller,
		grpccodes.OutOfRange:         codes.FaultCaller,
		grpccodes.Unimplemented:      codes.FaultServer,
		grpccodes.Internal:           codes.FaultServer,
		grpccodes.Unavailable:        codes.FaultTransient,
		grpccodes.DataLoss:           codes.FaultServer,
		grpccodes.Unauthenticated:    codes.FaultCaller,
		17:                           codes.FaultServer,
		1004:                         codes.FaultServer, // a raw number
		math.MaxUint32:               codes.FaultServer,
	}
	for canonical, want := range want {
		if got := codes.FaultOf(canonical); got != want {
			t.Errorf("FaultOf(%v) = %v; want %v", canonical, got, want)
		}
	}
	if len(want) != 17+3 {
		t.Errorf("the test has %d canonical codes; want all 17, and 3 other numbers", len(want))
	}
}

func TestFaultString(t *testing.T) {
	for fault, want := range map[codes.Fault]string{
		codes.FaultNone: "none", codes.FaultCaller: "caller", codes.FaultServer: "server", codes.FaultTransient: "transient",
		4: "Fault(4)", 9: "Fault(9)", 255: "Fault(255)",
	} {
		if got := fault.String(); got != want {
			t.Errorf("Fault(%d).String() = %q; want %q", uint8(fault), got, want)
		}
	}
}

// The golden file has no column for the fault, because each fault of the default table
// follows from the canonical code.
func TestFaultsOfTheDefaultTable(t *testing.T) {
	for row := range codes.Default().All() {
		if want := codes.FaultOf(row.GRPCCode); row.FaultOverride != codes.FaultNone || row.Fault() != want {
			t.Errorf("%s has the fault %v, override %v; want %v, without an override", row.Name, row.Fault(), row.FaultOverride, want)
		}
	}
}

func TestFaultOverride(t *testing.T) {
	rows := orderRows()
	rows[2].FaultOverride = codes.FaultTransient // UNKNOWN's default row
	rows[3].FaultOverride = codes.FaultServer    // FAILED_PRECONDITION
	table := codes.MustTable("orders.example.com", rows...)
	for number, want := range map[codes.Number]codes.Fault{
		0:    codes.FaultNone,
		1:    codes.FaultServer,
		2:    codes.FaultTransient,
		1004: codes.FaultServer,
		1305: codes.FaultServer, // without a row: that of UNKNOWN, not that of its default row
		-1:   codes.FaultServer,
	} {
		if row, _ := table.Lookup(number); row.Fault() != want {
			t.Errorf("Lookup(%d) has the fault %v; want %v", number, row.Fault(), want)
		}
	}
	withoutZero := codes.MustTable("orders.example.com", rows[1:]...)
	if row, _ := withoutZero.Lookup(0); row.Fault() != codes.FaultNone {
		t.Errorf("Lookup(0) without a row has the fault %v; want none", row.Fault())
	}
}

// The fault follows the canonical code of a changed row, unless the row overrides it.
func TestFaultOfAChangedRow(t *testing.T) {
	row := codes.RowOf(codes.SrvCallback) // FAILED_PRECONDITION
	row.GRPCCode = grpccodes.Unavailable
	table := codes.Default().MustWithRows(row)
	if got, _ := table.Lookup(codes.SrvCallback.Number()); got.Fault() != codes.FaultTransient {
		t.Errorf("the fault of a row that became UNAVAILABLE is %v; want transient", got.Fault())
	}
	row.FaultOverride = codes.FaultCaller
	table = table.MustWithRows(row)
	row, _ = table.Lookup(codes.SrvCallback.Number())
	row.GRPCCode = grpccodes.Internal
	table = table.MustWithRows(row)
	if got, _ := table.Lookup(codes.SrvCallback.Number()); got.Fault() != codes.FaultCaller {
		t.Errorf("the fault of a row that overrides it is %v; want caller", got.Fault())
	}
}
