// Package billing uses what the plugin makes of an enum before anything else in
// the package is set. Only tests import it.
//
// Go sets a package's variables in the order of its files' names where none
// depends on another, and sees no dependency through an interface. The file of
// this name comes before the generated one: had a table's rows to be computed,
// they would still be empty here.
package billing

import (
	"fmt"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// EarlyError reaches the table through an interface alone.
var EarlyError = status.Error(CardDeclined, "no more credit")

// EarlyStatus is what gRPC reads in it.
var EarlyStatus = grpcstatus.Convert(EarlyError)

// What else is reached through the interface.
var (
	EarlyTable   = table(PlanFull)
	EarlyName    = fmt.Sprint(codes.Code(PlanFull))
	EarlyUnknown = EarlyTable.Code(1305)
)

func table(code codes.Code) *codes.Table { return code.Table() }
