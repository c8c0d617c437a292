package main

import (
	"io"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/status"
)

// handlePlain registers users without gRPC. Writer.Handler in http.go writes its errors.
func handlePlain(w http.ResponseWriter, r *http.Request) error {
	req, err := readRequest(r)
	if err != nil {
		return err
	}
	resp, err := accounts{}.Register(r.Context(), req)
	if err != nil {
		return err
	}
	return writeMessage(w, resp)
}

// readRequest reads a request from the body.
func readRequest(r *http.Request) (*accountspb.RegisterRequest, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, status.Wrap(err, codes.Args, "the body is too long, or wasn't sent to its end")
	}
	req := &accountspb.RegisterRequest{}
	if err := protojson.Unmarshal(body, req); err != nil {
		return nil, status.Wrap(err, codes.Args, "the body isn't a RegisterRequest in JSON")
	}
	return req, nil
}

func writeMessage(w http.ResponseWriter, message proto.Message) error {
	b, err := protojson.Marshal(message)
	if err != nil {
		return err
	}
	return writeJSON(w, b)
}

func writeJSON(w http.ResponseWriter, b []byte) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(b)
	return err
}
