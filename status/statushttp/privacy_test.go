package statushttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// canary is in every private text of TestPrivateText.
const canary = "CANARY-7b30"

// TestPrivateText returns errors with private text from handlers. No body and no header may
// have it, in any form. The log has it where the caller isn't at fault, and nowhere else.
func TestPrivateText(t *testing.T) {
	private := errors.New(canary)
	debug := &errdetails.DebugInfo{StackEntries: []string{canary}, Detail: canary}
	upstream := func(trust status.Trust, st *status.Status) error {
		return (&status.Decoder{Trust: trust}).Decode(t.Context(), st.WithMetadata("key", canary).GRPCStatus().Err())
	}
	answered := func(httpStatus int, body string) error { // by an HTTP upstream
		return unmarshal(t, httpStatus, body)
	}
	for name, tt := range map[string]struct {
		err    error
		logged bool
	}{
		"a plain error":                {private, true},
		"a cause":                      {status.Wrap(private, codes.RecordNotFound, ""), false},
		"a cause of a server's fault":  {status.Wrap(private, codes.SrvDatabase, ""), true},
		"an operand of %w":             {status.Errorf(codes.SrvDatabase, "loading: %w", private), true},
		"text around a code":           {fmt.Errorf(canary+": %w", codes.TokenExpired), false},
		"joined":                       {errors.Join(private, codes.ServerInternal), true},
		"a panic":                      {status.Recovered(canary), true},
		"DebugInfo":                    {status.New(codes.SrvDatabase, "").WithDetails(debug).Err(), true},
		"an upstream":                  {upstream(status.TrustNone, status.New(codes.RecordNotFound, canary)), true},
		"an upstream that is down":     {upstream(status.TrustNone, status.New(codes.SdkNetwork, canary)), true},
		"a foreign upstream":           {new(status.Decoder).Decode(t.Context(), grpcstatus.Error(grpccodes.NotFound, canary)), true},
		"an HTTP upstream":             {answered(404, `{"error":{"code":404,"message":"`+canary+`","status":"NOT_FOUND","details":[`+infoJSON+`]}}`), true},
		"an HTTP upstream's problem":   {answered(404, `{"title":"`+canary+`","type":"`+canary+`","detail":"`+canary+`","code":1004,"reason":"RECORD_NOT_FOUND","domain":"openim.io"}`), true},
		"an HTTP upstream with HTML":   {answered(502, `<html>`+canary), true},
		"an ended context's own cause": {fmt.Errorf("%w: %s", context.DeadlineExceeded, canary), true},
	} {
		for _, form := range []statushttp.Form{statushttp.FormAIP193, statushttp.FormProblem, statushttp.FormOpenIM} {
			for encoderName, encoder := range map[string]statushttp.Encoder{"no Encoder": nil, "a Server": interceptor.NewServer()} {
				t.Run(fmt.Sprintf("%s/%d/%s", name, form, encoderName), func(t *testing.T) {
					records := testrpc.CaptureLog(t)
					w := statushttp.Writer{
						Encoder: encoder, Forms: []statushttp.Form{form}, Challenge: "Bearer",
						TypeURI: func(domain, reason string) string { return domain + "#" + reason },
					}
					resp := get(t, serve(t, &w, func(*http.Request) error { return tt.err }))
					if b := body(t, resp); strings.Contains(b, canary) || b == "" {
						t.Errorf("the body is %s", b)
					}
					if strings.Contains(fmt.Sprint(resp.Header), canary) {
						t.Errorf("the headers are %v", resp.Header)
					}
					got := records()
					if !tt.logged && len(got) != 0 || tt.logged && len(got) != 1 {
						t.Fatalf("%d records; logged is %t", len(got), tt.logged)
					}
					if tt.logged && encoder != nil && name != "an HTTP upstream with HTML" && !strings.Contains(fmt.Sprint(got), canary) {
						t.Errorf("the log has %+v; want the private text", got)
					}
				})
			}
		}
	}
}
