package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
	"github.com/errstatus/errstatus/status"
)

// A result is what a caller saw of one code.
type result struct {
	row           codes.Row
	unary, stream error
}

// send sends every code through a unary call and through a stream.
func send(ctx context.Context, client quickstartpb.QuickstartClient) []result {
	var results []result
	for row := range codes.Default().All() {
		_, unary := client.Fail(ctx, &quickstartpb.FailRequest{Code: row.Name})
		results = append(results, result{row, unary, failStream(ctx, client, row)})
	}
	return results
}

// failStream is the error that a stream ends with after two messages, nil for
// the end that is none.
func failStream(ctx context.Context, client quickstartpb.QuickstartClient, row codes.Row) error {
	const messages = 2
	stream, err := client.FailStream(ctx, &quickstartpb.FailStreamRequest{
		Code:     strconv.Itoa(int(row.Code.Number())),
		Messages: messages,
	})
	received := 0
	for ; err == nil; received++ {
		_, err = stream.Recv()
	}
	switch {
	case received-1 != messages:
		return fmt.Errorf("the stream ended after %d messages, not %d: %s", received-1, messages, fmt.Sprint(err))
	case err == io.EOF:
		return nil
	}
	return err
}

// right tells whether a caller got the code, its canonical code and its reason.
func right(row codes.Row, err error) bool {
	if row.Code.Number() == 0 {
		return err == nil
	}
	return errors.Is(err, row.Code) && status.Code(err) == row.Code &&
		grpcstatus.Code(err) == row.GRPCCode && status.Convert(err).Reason() == row.Reason
}

// printTable prints a line for each code and a summary; it fails if a code did
// not arrive as it was sent.
func printTable(w io.Writer, results []result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NUMBER\tNAME\tON THE WIRE\tREASON\tUNARY GOT\tSTREAM GOT\t")
	wrong := 0
	for _, r := range results {
		mark := "✓"
		if !right(r.row, r.unary) || !right(r.row, r.stream) {
			mark = "✗"
			wrong++
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.row.Code.Number(), r.row.Name,
			onTheWire(r), reason(r), got(r.unary), got(r.stream), mark)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d codes, each through a unary call and a stream: %d ✓, %d ✗\n", len(results), len(results)-wrong, wrong)
	if wrong > 0 {
		return fmt.Errorf("%d of %d codes did not arrive as they were sent", wrong, len(results))
	}
	return nil
}

// onTheWire is the canonical code as gRPC received it, both where they differ.
func onTheWire(r result) string {
	unary, stream := grpcstatus.Code(r.unary), grpcstatus.Code(r.stream)
	if unary != stream {
		return fmt.Sprintf("%s, %s", unary, stream)
	}
	return unary.String()
}

// reason is that of the ErrorInfo which came; success has none.
func reason(r result) string {
	if r.unary == nil {
		return "-"
	}
	return status.Convert(r.unary).Reason()
}

// got is the name of the code that the caller has.
func got(err error) string {
	code := status.Code(err)
	row, _ := code.Table().Lookup(code.Number())
	return row.Name
}
