package connectstatus_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/errstatus/errstatus/codes"
	grpc_testingconnect "github.com/errstatus/errstatus/integrations/connect/internal/testservice"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// A recorder keeps everything that a server sends.
type recorder struct {
	http.RoundTripper
	all bytes.Buffer
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body) // the handlers end without waiting for the client
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&r.all, "%s %v %v %s", response.Status, response.Header, response.Trailer, body)
	for _, encoded := range response.Header["Grpc-Status-Details-Bin"] {
		r.addDecoded(encoded)
	}
	for _, encoded := range response.Trailer["Grpc-Status-Details-Bin"] {
		r.addDecoded(encoded)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

func (r *recorder) addDecoded(value string) {
	decoded, _ := connect.DecodeBinaryHeader(value)
	r.all.Write(decoded)
}

// No private text is in any header, trailer or body of an answer, in any protocol.
func TestPrivateTextIsNotSent(t *testing.T) {
	secret := errors.New(testrpc.Secret)
	for name, handlers := range map[string]error{
		"plain":                 secret,
		"cause":                 status.Wrap(secret, codes.RecordNotFound, "loading"),
		"under %w":              fmt.Errorf(testrpc.Secret+": %w", codes.SrvDatabase),
		"DebugInfo":             status.New(codes.Args, "").WithDetails(&errdetails.DebugInfo{Detail: testrpc.Secret}).Err(),
		"panic":                 status.Recovered(secret),
		"Connect's cause":       connect.NewError(connect.CodeAborted, "again").WithCause(secret),
		"around Connect":        fmt.Errorf(testrpc.Secret+": %w", connect.NewError(connect.CodeAborted, "again")),
		"received":              connect.NewError(connect.CodeAborted, testrpc.Secret).WithRemote().WithDetail(detail(t, &errdetails.ErrorInfo{Reason: testrpc.Secret})),
		"received, UNAVAILABLE": connect.NewError(connect.CodeUnavailable, testrpc.Secret).WithRemote(),
		"end of a stream":       connect.NewError(connect.CodeUnknown, testrpc.Secret).WithCause(io.EOF),
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, returning(handlers), onServer())
			for _, w := range wires {
				for _, k := range w.kinds() {
					checkPrivate(t, address, w, k)
				}
			}
		})
	}
}

func checkPrivate(t *testing.T, address string, w wire, k testrpc.Kind) {
	t.Helper()
	client := httpClient(t, w)
	recorded := &recorder{RoundTripper: client.Transport}
	client.Transport = recorded
	options := []connecthttp.Option{connecthttp.WithCompressors()} // so that the body can be read
	if w.option != nil {
		options = append(options, w.option)
	}
	transport := connecthttp.NewTransport(client, "http://"+address, options...)
	_, err := call(t.Context(), grpc_testingconnect.NewTestServiceClient(connect.NewClient(transport)), k)
	testrpc.CheckNoSecret(t, err)
	testrpc.CheckNoSecret(t, decoded(t, err))
	all := recorded.all.String()
	if strings.Contains(all, testrpc.Secret) {
		t.Errorf("%s, %s: the answer is %.1000q; want it without the private text %q", w.name, k.Name, all, testrpc.Secret)
	}
	if code := connect.CodeOf(err).String(); w.option == nil && !strings.Contains(all, code) {
		t.Errorf("%s, %s: the recorded answer is %.1000q; want it to have the code %s", w.name, k.Name, all, code)
	}
}
