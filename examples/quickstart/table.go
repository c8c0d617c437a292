package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
	"github.com/errstatus/errstatus/status"
)

// A result holds the errors that a caller got for one code.
type result struct {
	row           codes.Row
	unary, stream error
}

// right reports whether both errors have the code, its canonical code and its
// reason.
func (r result) right() bool { return right(r.row, r.unary) && right(r.row, r.stream) }

func right(row codes.Row, err error) bool {
	if row.Code.Number() == 0 {
		return err == nil
	}
	return errors.Is(err, row.Code) && status.Code(err) == row.Code &&
		grpcstatus.Code(err) == row.GRPCCode && status.Convert(err).Reason() == row.Reason
}

// send sends every code through a unary call and through a stream. It returns
// the results in the order of the codes' numbers.
func send(ctx context.Context, client quickstartpb.QuickstartClient) []result {
	var results []result
	for row := range codes.Default().All() {
		_, unary := client.Fail(ctx, &quickstartpb.FailRequest{Code: row.Name})
		results = append(results, result{row, unary, failStream(ctx, client, row)})
	}
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.row.Code.Number(), b.row.Code.Number()) })
	return results
}

// failStream returns the error that ends a stream after two messages, nil if the
// stream ends with success.
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

// printTable prints a line for each code. The last columns are the numbers of
// the codes that the caller got.
func printTable(w io.Writer, results []result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NUMBER\tNAME\tON THE WIRE\tREASON\tUNARY\tSTREAM\t")
	for _, r := range results {
		mark := "✓"
		if !r.right() {
			mark = "✗"
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d\t%d\t%s\n", r.row.Code.Number(), r.row.Name,
			onTheWire(r), reason(r), status.Code(r.unary).Number(), status.Code(r.stream).Number(), mark)
	}
	return table.Flush()
}

// printSummary counts the codes. It returns an error if the caller did not get
// each code that the server sent.
func printSummary(w io.Writer, results []result) error {
	wrong := 0
	for _, r := range results {
		if !r.right() {
			wrong++
		}
	}
	fmt.Fprintf(w, "\n%d codes, each through a unary call and a stream: %d ✓, %d ✗\n", len(results), len(results)-wrong, wrong)
	if wrong > 0 {
		return fmt.Errorf("the caller got another code, or another reason, for %d of %d codes: see the lines with ✗", wrong, len(results))
	}
	return nil
}

// onTheWire returns the canonical code that gRPC received, or both if the unary
// call and the stream differ.
func onTheWire(r result) string {
	unary, stream := grpcstatus.Code(r.unary), grpcstatus.Code(r.stream)
	if unary != stream {
		return fmt.Sprintf("%s, %s", unary, stream)
	}
	return unary.String()
}

// reason returns the reason in the received ErrorInfo. Success has none.
func reason(r result) string {
	if r.unary == nil {
		return "-"
	}
	return status.Convert(r.unary).Reason()
}
