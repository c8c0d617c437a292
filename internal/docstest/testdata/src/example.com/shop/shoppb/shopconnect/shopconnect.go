// Package shopconnect stands for a package that protoc-gen-connect-go generates. A stub imports no
// other stub, so that nothing has the types of Connect and of shoppb.
package shopconnect

import "context"

// A ShopClient calls the service.
type ShopClient interface {
	GetUser(ctx context.Context, req any) (any, error)
}

func RegisterShopHandler(server, shop any) {}

func NewShopClient(client any) ShopClient { return nil }
