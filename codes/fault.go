package codes

import (
	"strconv"

	grpccodes "google.golang.org/grpc/codes"
)

// A Fault says who is at fault for a failure. It is for alerts, log levels and error
// budgets, and is not sent. In [Row.FaultOverride], the zero value means that the canonical
// code decides.
type Fault uint8

// The values of Fault. [FaultOf] lists their canonical codes.
const (
	FaultNone      Fault = iota // nobody: the call succeeded
	FaultCaller                 // the caller: the caller must act, not the server's operators
	FaultServer                 // the server: its operators must act
	FaultTransient              // nobody yet: the failure may end by itself
)

var faultNames = [...]string{"none", "caller", "server", "transient"}

// String returns the name of f, such as "caller", or "Fault(9)" for a value without one.
func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return "Fault(" + strconv.Itoa(int(f)) + ")"
}

// FaultOf returns who is at fault for a canonical code:
//
//   - FaultNone for OK;
//   - FaultTransient for UNAVAILABLE and DEADLINE_EXCEEDED;
//   - FaultServer for UNKNOWN, INTERNAL, DATA_LOSS and UNIMPLEMENTED, and for every
//     number outside 0..16, because gRPC defines none of them;
//   - FaultCaller for all others.
func FaultOf(canonical grpccodes.Code) Fault {
	switch canonical {
	case grpccodes.OK:
		return FaultNone
	case grpccodes.Unavailable, grpccodes.DeadlineExceeded:
		return FaultTransient
	case grpccodes.Unknown, grpccodes.Internal, grpccodes.DataLoss, grpccodes.Unimplemented:
		return FaultServer
	}
	if canonical > grpccodes.Unauthenticated {
		return FaultServer
	}
	return FaultCaller
}
