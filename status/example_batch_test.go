package status_test

import (
	"context"
	"fmt"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A handler imports two items at once, as with golang.org/x/sync/errgroup, and answers
// with a status for each. Each error is encoded with the RPC's context. The group's
// context ends when the first item fails, and its cause is the error of that item: with
// it, the second item would be reported as "no such user" too.
func ExampleEncoder_Encode_batch() {
	rpc := context.Background() // the handler's ctx
	group, cancel := context.WithCancelCause(rpc)
	defer cancel(nil)

	items := [2]error{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-group.Done() // a database call that the group's context cancels
		items[1] = fmt.Errorf("inserting: %w", group.Err())
	}()
	items[0] = status.Error(codes.RecordNotFound, "no such user")
	cancel(items[0]) // errgroup does this for the first error
	<-done

	encoder := new(status.Encoder)
	for _, err := range items {
		fmt.Println("in the RPC's context:  ", encoder.Encode(rpc, err).Status().Message())
	}
	fmt.Println("in the group's context:", encoder.Encode(group, items[1]).Status().Message())
	// Output:
	// in the RPC's context:   no such user
	// in the RPC's context:   internal server error
	// in the group's context: no such user
}
