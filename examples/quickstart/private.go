package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
	"github.com/errstatus/errstatus/status"
)

// privateCalls fail with errors of which the server keeps something private.
var privateCalls = []struct {
	handler string // the handler's code
	request *quickstartpb.FailRequest
}{
	{
		`errors.New("dial 10.0.0.7: refused")`,
		&quickstartpb.FailRequest{Cause: "dial 10.0.0.7: refused"},
	},
	{
		`status.Wrap(errors.New("dial 10.0.0.7: refused"), codes.SrvDatabase, "loading the user")`,
		&quickstartpb.FailRequest{Code: "SrvDatabase", Message: "loading the user", Cause: "dial 10.0.0.7: refused"},
	},
	{
		`status.New(codes.RecordNotFound, "").WithMetadata("user", "47").WithMetadata("group id", "9").Err()`,
		&quickstartpb.FailRequest{Code: "RecordNotFound", Metadata: map[string]string{"user": "47", "group id": "9"}},
	},
}

// printPrivate makes the private calls and prints what the caller gets. The
// server logs the rest to standard error before the caller gets its answer.
func printPrivate(ctx context.Context, w io.Writer, client quickstartpb.QuickstartClient) {
	fmt.Fprintln(w, "\nCauses and invalid metadata keys are not sent. This server logs them to standard error:")
	for _, call := range privateCalls {
		fmt.Fprintf(w, "\nthe handler returns  %s\n", call.handler)
		_, err := client.Fail(ctx, call.request)
		fmt.Fprintf(w, "the caller gets      %s\n", describe(err))
	}
}

// describe returns everything that the caller can read from err.
func describe(err error) string {
	text := fmt.Sprintf("%s, %v", grpcstatus.Code(err), err)
	metadata := status.Convert(err).Metadata()
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		text += fmt.Sprintf(", %s=%s", key, metadata[key])
	}
	return text
}
