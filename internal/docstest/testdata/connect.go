// Package docs surrounds a snippet about Connect. A snippet may use what is imported and
// declared here.
package docs

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	connect "connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/errstatus/errstatus/codes"
	connectstatus "github.com/errstatus/errstatus/integrations/connect"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

var (
	mux     *http.ServeMux
	baseURL string
	shop    any // the handlers of a service
)

func _(ctx context.Context, err error) error {
	/* snippet */
	panic("the snippet may return")
}
