package e2e_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// The header fields of a failure, read by a plain HTTP client.

func TestHeadersOnTheWire(t *testing.T) {
	svc := testrpc.Returning(nil)
	url := serveTCP(t, svc) + "/grpc.testing.TestService/UnaryCall"
	client := http2Client(t)
	check := func(name string, handlers error, want *spb.Status) {
		t.Helper()
		svc.Return(testrpc.AtOpen, handlers)
		head := post(t, client, url)
		if got := head.Get("grpc-status"); got != fmt.Sprint(want.Code) {
			t.Errorf("%s: grpc-status is %s; want %d", name, got, want.Code)
		}
		if got := head.Get("grpc-message"); got != testrpc.PercentEncoded(want.Message) {
			t.Errorf("%s: grpc-message is %s; want %s", name, got, testrpc.PercentEncoded(want.Message))
		}
		if diff := cmp.Diff(want, detailsBin(t, head), protocmp.Transform()); diff != "" {
			t.Errorf("%s: grpc-status-details-bin (-want +got):\n%s", name, diff)
		}
		for _, key := range []string{"Content-Type", "Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"} {
			head.Del(key)
		}
		if len(head) > 0 {
			t.Errorf("%s: the response also has the headers %v; want no others", name, head)
		}
	}
	for _, c := range testrpc.ErrorCodes(t) {
		check(c.String(), c, testrpc.Carrying(t, c, ""))
		check(c.String(), status.Errorf(c, "名字 %s", "\xff"), testrpc.Carrying(t, c, "名字 \uFFFD"))
	}
	notUTF8 := &errdetails.ResourceInfo{Description: "\xff"}
	check("a detail that is not UTF-8", status.New(codes.Args, "").WithDetails(notUTF8).Err(),
		testrpc.Carrying(t, codes.Args, "", &errdetails.ResourceInfo{Description: "\uFFFD"}))
	check("a gRPC status that is not UTF-8",
		grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.NotFound, "\xff", testrpc.BadRequest())).Err(),
		testrpc.Canonical(t, grpccodes.NotFound, "\uFFFD", testrpc.BadRequest()))
	check("a plain error", errors.New(testrpc.Secret), testrpc.Carrying(t, codes.ServerInternal, ""))
}

func serveTCP(t *testing.T, svc testgrpc.TestServiceServer) (url string) {
	t.Helper()
	lis := testrpc.Listen(t)
	testrpc.Start(t, lis, testrpc.Register(svc), interceptor.ServerOptions())
	return "http://" + lis.Addr().String()
}

func http2Client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post makes a gRPC call with an empty message and returns the headers. They have the
// status if the call fails before any message.
func post(t *testing.T, client *http.Client, url string) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("POST %s: %v", url, err)
	}
	resp.Body.Close()
	return resp.Header
}

func detailsBin(t *testing.T, head http.Header) *spb.Status {
	t.Helper()
	bytes, err := base64.RawStdEncoding.DecodeString(head.Get("grpc-status-details-bin"))
	if err != nil {
		t.Fatalf("grpc-status-details-bin: %v", err)
	}
	st := &spb.Status{}
	if err := proto.Unmarshal(bytes, st); err != nil {
		t.Fatalf("grpc-status-details-bin: %v", err)
	}
	return st
}
