package status_test

import (
	"fmt"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// An Order and an Item stand for messages that protobuf generates.
type (
	Order struct {
		Name  string
		Items []*Item
	}
	Item struct{ Price float64 }
)

// checkOrder returns nil, or an error that lists all that is wrong with an order.
func checkOrder(order *Order) error {
	valid := status.New(codes.Args, "the order is invalid")
	st := valid
	if order.Name == "" {
		st = st.WithFieldViolation("name", "REQUIRED", "must not be empty")
	}
	for i, item := range order.Items {
		st = checkItem(st, fmt.Sprintf("items[%d].", i), item)
	}
	if len(order.Items) > 100 {
		st = st.WithFieldViolation("", "ORDER_TOO_LARGE", "at most 100 items")
	}
	if st == valid {
		return nil
	}
	return st.Err()
}

// checkItem returns st with what is wrong with an item. parent is the item's field in the
// request, with a dot at its end.
func checkItem(st *status.Status, parent string, item *Item) *status.Status {
	if item.Price <= 0 {
		st = st.WithFieldViolation(parent+"price", "DOUBLE_GT", "must be positive")
	}
	return st
}

// A function for each message adds what is wrong with it. The With method returns a copy, so
// the Status is the same as before if nothing is wrong.
func ExampleStatus_WithFieldViolation() {
	fmt.Println(checkOrder(&Order{Name: "books", Items: []*Item{{Price: 12}}}))

	err := call(checkOrder(&Order{Items: []*Item{{Price: 12}, {Price: -1}}}))
	fmt.Println(err)
	for v := range status.FieldViolations(err) {
		fmt.Printf("%s: %s (%s)\n", v.GetField(), v.GetDescription(), v.GetReason())
	}
	// Output:
	// <nil>
	// Args: the order is invalid
	// name: must not be empty (REQUIRED)
	// items[1].price: must be positive (DOUBLE_GT)
}
