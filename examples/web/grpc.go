package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// newGRPCServer returns the gRPC server.
func newGRPCServer(rules *interceptor.Server) *grpc.Server {
	server := grpc.NewServer(rules.Options()...)
	accountspb.RegisterAccountServiceServer(server, grpcAccounts{})
	return server
}

// A reader calls the gRPC server, and answers with what a client in Go reads.
type reader struct {
	client accountspb.AccountServiceClient
}

func (rd reader) handle(w http.ResponseWriter, r *http.Request) error {
	req, err := readRequest(r)
	if err != nil {
		return err
	}
	ctx := metadata.AppendToOutgoingContext(r.Context(), "x-request-id", r.Header.Get("X-Request-Id")) // a valid one: see withRequestID
	if language := r.Header.Get("Accept-Language"); isPrintable(language) {
		ctx = metadata.AppendToOutgoingContext(ctx, "accept-language", language)
	}
	_, err = rd.client.Register(ctx, req)
	read, err := json.Marshal(describe(err))
	if err != nil {
		return err
	}
	return writeJSON(w, read)
}

// isPrintable reports whether value is printable ASCII. gRPC refuses to send other metadata.
func isPrintable(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

// describe returns what gRPC's package status says about an error, and what errstatus's says.
func describe(err error) any {
	return map[string]any{
		"grpc": map[string]any{
			"status.Code":    grpcstatus.Code(err).String(),
			"status.Convert": json.RawMessage(protojson.Format(grpcstatus.Convert(err).Proto())),
		},
		"errstatus": map[string]any{
			"status.Code":        codes.Label(status.Code(err)),
			"status.UserMessage": status.UserMessage(err),
			"status.RequestID":   status.RequestID(err),
		},
	}
}
