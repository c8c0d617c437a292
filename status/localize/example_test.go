package localize_test

import (
	"context"
	"fmt"

	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
)

// A server sends the text in the language that its caller asks for.
func Example() {
	localizer := localize.New(testrpc.Billing)
	server := interceptor.NewServer(interceptor.WithLocalizer(localizer.Amend))
	client := interceptor.NewClient(interceptor.WithTable(testrpc.Billing))

	handlers := testrpc.CardDeclinedError{Card: "4242"}
	for _, language := range []string{"de-AT,de;q=0.9,en;q=0.5", "fr"} {
		ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs("accept-language", language))
		sent := server.Encode(ctx, "/billing.Billing/Pay", handlers).Status()
		err := client.Decode(context.Background(), "/billing.Billing/Pay", sent.Err())
		fmt.Println(status.UserMessage(err))
	}
	// Output:
	// Die Karte 4242 wurde abgelehnt
	// card 4242 was declined
}

// The texts of a translator's file become a table for the localizer.
func ExampleNew() {
	table, err := codes.Translate(testrpc.Billing, "pt-BR", map[string]string{
		"CARD_DECLINED": "o cartão {card} foi recusado",
		"INVOICE_PAID":  "a fatura já foi paga",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	localizer := localize.New(table)
	failed := status.With(testrpc.CardDeclinedError{Card: "4242"})
	fmt.Println(localizer.Message(failed, "pt").GetMessage())
	fmt.Println(localizer.Message(failed, "ja") == nil)
	// Output:
	// o cartão 4242 foi recusado
	// true
}
