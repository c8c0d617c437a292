// Package attach has codes beside the service that returns them. This file is written by
// hand.
package attach

import "github.com/errstatus/errstatus/codes"

// EarlyTable uses the table through an interface, so Go sees no dependency on the variables
// of the generated files. It comes first, because its file does.
var EarlyTable = earlyTable(ShopCode_SHOP_CODE_CARD_DECLINED)

func earlyTable(code codes.Code) *codes.Table { return code.Table() }
