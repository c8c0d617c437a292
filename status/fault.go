package status

import (
	"io"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// IsFault reports whether the server or the network is at fault, and not the caller:
// whether [Status.Fault] of err's Status is FaultServer or FaultTransient. It returns false
// for nil. Use it to count failures in a circuit breaker or an error budget.
//
// If the status carries no code, the canonical code decides. Of the errors without a
// status, context.Canceled is no fault, and neither is io.EOF itself, which ends a stream.
// All others are, context.DeadlineExceeded too.
func IsFault(err error) bool {
	if err == io.EOF {
		return false
	}
	fault := Convert(err).Fault()
	return fault == codes.FaultServer || fault == codes.FaultTransient
}

// Fault returns who is at fault: the FaultOverride of the code's row or, if that is
// FaultNone, [codes.FaultOf] of the status's canonical code. The row of a received code is
// in the tables of its connection. It is FaultNone for nil and for NoError.
func (st *Status) Fault() codes.Fault {
	if st != nil && st.none {
		return codes.FaultOf(grpcCodeOf(st.from))
	}
	return st.receivedRow().Fault()
}

// receivedRow returns the row of the code, with the canonical code of the status. The row of
// a received code is in the tables of its connection. If the status carries no code, the row
// has nothing but the canonical code.
func (st *Status) receivedRow() codes.Row {
	if !st.hasOwnInfo() {
		return codes.Row{GRPCCode: st.GRPCCode()}
	}
	row, _ := st.tableIn(st.received.tables()).Lookup(st.code.Number())
	row.GRPCCode = st.GRPCCode()
	return row
}

// tables returns the tables of the connection.
func (e *receivedError) tables() tables {
	if e == nil {
		return nil
	}
	return e.decoder.Tables
}

// Fault is like [Status.Fault], but reads the row in the tables of the Encoder. It is
// FaultNone for success.
func (e Encoded) Fault() codes.Fault {
	if e.result == nil {
		return codes.FaultNone
	}
	row := e.result.row()
	row.GRPCCode = e.result.grpcCode // it isn't always that of the row
	return row.Fault()
}

// grpcCodeOf returns the canonical code of an error without a status, as gRPC's own
// FromContextError does.
func grpcCodeOf(err error) grpccodes.Code {
	switch f := find(err); {
	case f.deadline:
		return grpccodes.DeadlineExceeded
	case f.contextEnded:
		return grpccodes.Canceled
	}
	return grpccodes.Unknown
}
