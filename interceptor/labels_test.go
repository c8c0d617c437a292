package interceptor_test

import (
	"fmt"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// A peer can't choose labels freely.
func TestLabels(t *testing.T) {
	more := codes.Default().MustWithRows(codes.Row{Code: codes.ErrorCode(7001), Reason: "CARD_DECLINED", GRPCCode: grpccodes.FailedPrecondition, Message: "declined"})
	received := func(c grpccodes.Code, reason, domain, number string) error {
		info := &errdetails.ErrorInfo{Reason: reason, Domain: domain}
		if number != "" {
			info.Metadata = map[string]string{"code": number}
		}
		st, err := grpcstatus.New(c, "x").WithDetails(info)
		if err != nil {
			t.Fatal(err)
		}
		return st.Err()
	}
	type labels struct{ domain, reason string }
	for name, tt := range map[string]struct {
		received error
		want     labels
	}{
		"a code":                      {received(grpccodes.NotFound, "RECORD_NOT_FOUND", "openim.io", "1004"), labels{"openim.io", "RECORD_NOT_FOUND"}},
		"a row of the client's table": {received(grpccodes.FailedPrecondition, "CARD_DECLINED", "openim.io", "7001"), labels{"openim.io", "CARD_DECLINED"}},
		"a number without a row":      {received(grpccodes.NotFound, "PEERS_CHOICE", "openim.io", "1305"), labels{"openim.io", "_OTHER"}},
		"a reason alone":              {received(grpccodes.NotFound, "PEERS_CHOICE", "openim.io", ""), labels{"openim.io", "_OTHER"}},
		"an unknown domain":           {received(grpccodes.NotFound, "PEERS_CHOICE", "peers-choice.example", ""), labels{"_OTHER", "_OTHER"}},
		"a raw number":                {grpcstatus.Error(1004, "x"), labels{"openim.io", "RECORD_NOT_FOUND"}},
		"a raw number without a row":  {grpcstatus.Error(1305, "x"), labels{"_OTHER", "_OTHER"}},
		"nothing carried":             {grpcstatus.Error(grpccodes.NotFound, "x"), labels{}},
	} {
		var o eventRecorder
		err := clientUnary(tt.received, o.option(), interceptor.WithTable(more))
		domain, reason := o.one(t, name).Labels()
		if got := (labels{domain, reason}); got != tt.want {
			t.Errorf("%s: a client's Labels() = %v; want %v", name, got, tt.want)
		}
		// A server that forwards it.
		serverUnary(new(status.Decoder).Decode(t.Context(), tt.received), o.option(), interceptor.WithTable(more))
		domain, reason = o.one(t, name+", forwarded").Labels()
		if _, declared := status.Declared(err); declared && name != "a row of the client's table" {
			if got := (labels{domain, reason}); got != tt.want {
				t.Errorf("%s: a forwarding server's Labels() = %v; want %v", name, got, tt.want)
			}
		} else if !declared && (labels{domain, reason}) != (labels{"openim.io", "SERVER_INTERNAL"}) {
			t.Errorf("%s: the Labels() of a server that withholds it are %v, %v; want SERVER_INTERNAL", name, domain, reason)
		}
		if tt.want.domain == "_OTHER" && name != "a raw number without a row" { // a server sends no raw number
			trusting := status.Decoder{Trust: status.TrustAll}
			serverUnary(trusting.Decode(t.Context(), tt.received), o.option())
			domain, reason = o.one(t, name+", forwarded with full trust").Labels()
			if got := (labels{domain, reason}); got != tt.want {
				t.Errorf("%s: the Labels() of a server that trusts all are %v; want %v", name, got, tt.want)
			}
		}
	}
	var own eventRecorder
	serverUnary(received(grpccodes.NotFound, "OUR_CHOICE", "our.example", ""), own.option(), interceptor.WithLogger(nil)) // a gRPC status of the handler
	if domain, reason := own.one(t, "a gRPC status").Labels(); domain != "_OTHER" || reason != "_OTHER" {
		t.Errorf("a gRPC status with an unknown domain: a server's Labels() = %q, %q; want _OTHER", domain, reason)
	}
	serverUnary(grpcstatus.Error(grpccodes.NotFound, "x"), own.option())
	if domain, reason := own.one(t, "a bare gRPC status").Labels(); domain != "" || reason != "" {
		t.Errorf("a bare gRPC status: a server's Labels() = %q, %q; want none", domain, reason)
	}
	var o eventRecorder
	for i := range 1000 { // a peer's choices
		clientUnary(received(grpccodes.NotFound, fmt.Sprint("REASON_", i), fmt.Sprint("domain-", i%7, ".example"), ""), o.option())
		clientUnary(received(grpccodes.NotFound, fmt.Sprint("REASON_", i), "openim.io", fmt.Sprint(5000+i)), o.option())
	}
	seen := make(map[labels]bool)
	for _, event := range o.events {
		domain, reason := event.Labels()
		seen[labels{domain, reason}] = true
	}
	if len(seen) != 2 {
		t.Errorf("2,000 invented reasons make the labels %v; want 2", seen)
	}
}
