package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpcstatus "google.golang.org/grpc/status"
)

// describe returns what a client without errstatus and without the enums reads from an
// error: the canonical code, the message, and the ErrorInfo with the domain, the reason and
// the parameters. Clients in other languages read the same.
func describe(err error) string {
	st := grpcstatus.Convert(err)
	text := fmt.Sprintf("%v: %s", st.Code(), st.Message())
	for _, detail := range st.Details() {
		info, ok := detail.(*errdetails.ErrorInfo)
		if !ok {
			continue
		}
		text += "\n" + info.GetDomain() + "/" + info.GetReason()
		for _, key := range slices.Sorted(maps.Keys(info.GetMetadata())) {
			text += " " + key + "=" + info.GetMetadata()[key]
		}
	}
	return strings.TrimSpace(text)
}
