package gateway_test

import (
	"context"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
	"github.com/errstatus/errstatus/status/statushttp"
)

// To label and to translate a backend's own codes, the gateway's connection needs their table. Without
// it, the status is forwarded all the same.
func TestTablesOfAGateway(t *testing.T) {
	translated, err := codes.Translate(testrpc.CardDeclined.Table(), "de", map[string]string{"CARD_DECLINED": "Karte {card} abgelehnt"})
	if err != nil {
		t.Fatal(err)
	}
	trust := interceptor.WithUpstreamTrust(status.TrustAll)
	for reason, options := range map[string][]interceptor.ClientOption{
		"_OTHER":        {trust},
		"CARD_DECLINED": {trust, interceptor.WithTable(translated)},
	} {
		var label string
		server := interceptor.NewServer(
			interceptor.WithLocalizer(localize.New(translated).Amend),
			interceptor.WithObserver(func(_ context.Context, e interceptor.Event) { _, label = e.Labels() }),
		)
		m := mode{reason, proxy(interceptor.ServerOptions(), interceptor.DialOptions(options...))}
		f := m.start(t, &statushttp.Writer{Encoder: server}, testrpc.Returning(status.With(testrpc.CardDeclinedError{Card: "4242"}).Err()))
		err := f.post(t, unary, "Accept-Language", "de").read(t)
		localized, ok := status.Detail[*errdetails.LocalizedMessage](err)
		if known := len(options) > 1; ok != known || known && localized.GetMessage() != "Karte 4242 abgelehnt" {
			t.Errorf("the connection knows the table: %t; the caller reads the localized message %v", known, localized)
		}
		if got := status.Convert(err).Reason(); label != reason || got != "CARD_DECLINED" {
			t.Errorf("the label is %q, and the caller reads the reason %q; want %q and the code's", label, got, reason)
		}
	}
}
