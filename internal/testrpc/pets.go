package testrpc

import (
	"strconv"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// A PetCode is a code of a second domain, whose table is [Pets].
type PetCode int32

// The codes of the second domain. PetRanAway has the number 1004, like
// [codes.RecordNotFound], and is another code.
const (
	PetOK      PetCode = 0
	PetAsleep  PetCode = 7
	PetBroken  PetCode = 13
	PetUnknown PetCode = 99
	PetRanAway PetCode = 1004
)

// Pets is the table of the second domain.
var Pets = codes.MustTable("pets.example",
	codes.Row{Code: PetOK, Reason: "PET_OK", GRPCCode: grpccodes.OK, Message: "fine", Default: true},
	codes.Row{Code: PetAsleep, Reason: "PET_ASLEEP", GRPCCode: grpccodes.Unavailable, Message: "the pet is asleep"},
	codes.Row{Code: PetBroken, Reason: "PET_BROKEN", GRPCCode: grpccodes.Internal, Message: "the pet is broken", Default: true},
	codes.Row{Code: PetUnknown, Reason: "PET_UNKNOWN", GRPCCode: grpccodes.Unknown, Message: "no such pet", Default: true},
	codes.Row{Code: PetRanAway, Reason: "PET_RAN_AWAY", GRPCCode: grpccodes.NotFound, Message: "the pet ran away"},
)

// Number implements [codes.Code].
func (c PetCode) Number() codes.Number { return codes.Number(c) }

// Table implements [codes.Code].
func (c PetCode) Table() *codes.Table { return Pets }

// Error implements [codes.Code].
func (c PetCode) Error() string { return "pet " + strconv.Itoa(int(c)) }
