// Package docs surrounds a snippet of the documentation. A snippet may use what
// is imported and declared here.
package docs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/ratelimit"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/validator"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"

	connect "connectrpc.com/connect/v2"
	"example.com/shop/billing"
	"example.com/shop/store"
	"github.com/errstatus/errstatus/codes"
	connectstatus "github.com/errstatus/errstatus/integrations/connect"
	"github.com/errstatus/errstatus/integrations/gateway"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
	"github.com/errstatus/errstatus/status/statushttp"
)

var (
	ctx        context.Context
	id         string
	target     string
	logger     logging.Logger
	creds      credentials.TransportCredentials
	help       *errdetails.Help
	reply      *billing.PayReply
	mux        *http.ServeMux
	rw         http.ResponseWriter
	r          *http.Request
	resp       *http.Response
	httpErrors statushttp.Writer
	reader     statushttp.Reader
)

// errs has the rules of a server.
var errs = interceptor.NewServer()

// getUser is a handler of HTTP requests that can fail.
func getUser(http.ResponseWriter, *http.Request) error { return nil }

// idKey is the key of a request id in a context.
type idKey struct{}

// counter stands for a metric with labels.
type counter struct{}

func (counter) Add(labels ...any) {}

var localizer = localize.New()

// client is a client of the billing service.
var client billing.Client

var request *billing.PayRequest

// preferred returns the language that the user of a call has set.
func preferred(ctx context.Context) string { return "" }

var failures, numericServers, numericCallers, openIMHandlers counter

func _(err error) (any, error) {
	/* snippet */
	panic("the snippet may return")
}
