package status

import (
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// Most statuses are a code, or a code and a message. What these are on the wire is
// ready but for the message.

// short tells that the status says no more than its code and a message.
func (st *Status) short() bool {
	return st.origin == OriginLocal && st.metadata == nil && len(st.details) == 0
}

// encodeShort is the gRPC status of a short Status whose code is as in a table, and
// at most the size of its headers. It is what [Status.proto] gives.
func (st *Status) encodeShort(table *codes.Table) (sent *grpcstatus.Status, size int) {
	number := st.code.Number()
	if !st.hasMessage {
		sent = table.GRPCStatus(number)
		return sent, rowSize(sent.Message())
	}
	sent = table.GRPCStatusWith(number, st.message)
	if size = rowSize(st.message); size > DefaultMaxSize {
		size = headerSize(&spb.Status{
			Code:    int32(sent.Code()),
			Message: st.message,
			Details: []*anypb.Any{{TypeUrl: errorInfoURL, Value: table.AppendErrorInfo(nil, number)}},
		})
	}
	return sent, size
}
