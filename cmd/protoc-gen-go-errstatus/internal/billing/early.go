// Package billing uses generated codes while the package is being initialized. Only
// tests import it.
//
// Go initializes package-level variables that don't depend on each other in the
// order of the file names, and doesn't see a dependency through an interface. The
// variables of this file come before those of the generated file: if the rows of
// the table had to be computed, they would still be empty here.
package billing

import (
	"fmt"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// EarlyError uses the table through an interface only.
var EarlyError = status.Error(CardDeclined, "no more credit")

// EarlyStatus is the status that gRPC reads from EarlyError.
var EarlyStatus = grpcstatus.Convert(EarlyError)

// These variables use the table through the interface [codes.Code] too.
var (
	EarlyTable   = table(PlanFull)
	EarlyName    = fmt.Sprint(codes.Code(PlanFull))
	EarlyUnknown = EarlyTable.Code(1305)
)

func table(code codes.Code) *codes.Table { return code.Table() }
