package status_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

func localized(text string) *errdetails.LocalizedMessage {
	return &errdetails.LocalizedMessage{Locale: "de", Message: text}
}

func TestUserMessage(t *testing.T) {
	refused := grpcstatus.Error(grpccodes.Unavailable, "dial tcp 10.0.0.1: "+secret)
	bare := received(t, grpccodes.NotFound, secret)
	carries := received(t, grpccodes.NotFound, "no user 7", info("openim.io", "RECORD_NOT_FOUND", "1004"))
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"nil":                     {nil, ""},
		"a code":                  {codes.RecordNotFound, "record not found"},
		"a message":               {status.Error(codes.RecordNotFound, "no user 7"), "no user 7"},
		"under text":              {fmt.Errorf("%s: %w", secret, status.Error(codes.RecordNotFound, "no user 7")), "no user 7"},
		"a cause":                 {status.Wrap(errors.New(secret), codes.RecordNotFound, ""), "record not found"},
		"parameters":              {testrpc.CardDeclinedError{Card: "4242"}, "card 4242 was declined"},
		"a code without a row":    {codes.ErrorCode(1305), "unknown error"},
		"a localized message":     {status.New(codes.RecordNotFound, "no user 7").WithDetails(localized("kein Nutzer 7")).Err(), "kein Nutzer 7"},
		"an empty localized one":  {status.New(codes.RecordNotFound, "no user 7").WithDetails(localized(" \u200b\n")).Err(), "no user 7"},
		"an invisible message":    {status.Error(codes.RecordNotFound, "\u200b"), "record not found"},
		"a plain error":           {errors.New(secret), "unknown error"},
		"NoError as an error":     {codes.NoError, "unknown error"},
		"a deadline":              {context.DeadlineExceeded, "deadline exceeded"},
		"a gRPC status":           {refused, "network error"},
		"a received code":         {carries, "no user 7"},
		"a code for gRPC's text":  {status.Convert(refused).WithCode(codes.SrvDatabase).Err(), "database error"},
		"a code for a proxy's":    {status.Convert(bare).WithCode(codes.SrvDatabase).Err(), "database error"},
		"a code for a code's":     {status.Convert(carries).WithCode(codes.SrvDatabase).Err(), "no user 7"},
		"own words, without code": {status.Convert(bare).WithMessage("calling " + secret).Err(), "record not found"},
		"own words for a code":    {status.Convert(carries).WithMessage("calling users").Err(), "calling users"},
		"several lines":           {status.Error(codes.Args, "one\r\ntwo\u2028three\x1b[0m\u202e \u200dfour "), "one two three [0m  \u200dfour"},
		"very long":               {status.Error(codes.Args, strings.Repeat("é", 3000)), strings.Repeat("é", 2045) + "..."},
	} {
		if got := status.UserMessage(tt.err); got != tt.want {
			t.Errorf("%s: UserMessage() = %q; want %q", name, got, tt.want)
		}
	}
}

// The first table of the connection has the row of a status without a code.
func TestUserMessageUsesTheConnectionsTable(t *testing.T) {
	internal := grpcstatus.Error(grpccodes.Internal, secret)
	for want, decoder := range map[string]*status.Decoder{
		"internal server error": {},
		"billing failed":        {Tables: []*codes.Table{testrpc.Billing, codes.Default()}},
		"internal error":        {Tables: []*codes.Table{kiosk}}, // a table without default rows
	} {
		if got := status.UserMessage(decoder.Decode(t.Context(), internal)); got != want {
			t.Errorf("UserMessage() = %q; want %q", got, want)
		}
	}
}
