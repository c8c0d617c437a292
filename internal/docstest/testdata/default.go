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
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"

	"example.com/shop/billing"
	"example.com/shop/store"
	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

var (
	ctx        context.Context
	id         string
	target     string
	logger     logging.Logger
	creds      credentials.TransportCredentials
	badRequest *errdetails.BadRequest
	reply      *billing.PayReply
)

// idKey is the key of a request id in a context.
type idKey struct{}

// counter stands for a metric with labels.
type counter struct{}

func (counter) Add(labels ...any) {}

var failures, numericServers, numericCallers, openIMHandlers counter

func _(err error) (any, error) {
	/* snippet */
	panic("the snippet may return")
}
