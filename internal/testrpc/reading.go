package testrpc

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A Reading is everything that a caller can read of an error, with errstatus's
// functions and with gRPC's.
type Reading struct {
	Is              bool // errors.Is finds the code
	As, AsType      codes.ErrorCode
	Code            codes.Code
	Declared        bool // status.Declared reports the code
	FromError       codes.Code
	Canonical       grpccodes.Code // of the status, by errstatus
	OK              bool           // of status.FromError
	Message         string
	Reason, Domain  string
	Metadata        map[string]string
	Origin          status.Origin
	BadRequest      *errdetails.BadRequest
	Details         []proto.Message
	GRPC            *spb.Status
	GRPCCode        grpccodes.Code
	GRPCDetailCount int
}

// Read returns what a caller reads of err. It asks errors.Is for c.
func Read(err error, c codes.ErrorCode) Reading {
	st, ok := status.FromError(err)
	code, declared := status.Declared(err)
	r := Reading{
		Is:              errors.Is(err, c),
		Code:            status.Code(err),
		Declared:        declared && code == status.Code(err),
		FromError:       st.Code(),
		Canonical:       st.GRPCCode(),
		OK:              ok,
		Message:         st.Message(),
		Reason:          st.Reason(),
		Domain:          st.Domain(),
		Metadata:        st.Metadata(),
		Origin:          st.Origin(),
		Details:         st.Details(),
		GRPC:            grpcstatus.Convert(err).Proto(),
		GRPCCode:        grpcstatus.Code(err),
		GRPCDetailCount: len(grpcstatus.Convert(err).Details()),
	}
	errors.As(err, &r.As)
	r.AsType, _ = errors.AsType[codes.ErrorCode](err)
	r.BadRequest, _ = status.Detail[*errdetails.BadRequest](err)
	return r
}

// WantReading returns what a caller should read of a received error that carries
// c. An empty message is the row's. Each detail is a BadRequest.
func WantReading(t testing.TB, c codes.ErrorCode, message string, metadata map[string]string, details ...proto.Message) Reading {
	t.Helper()
	gst := Carrying(t, c, message, details...)
	info := ErrorInfo(c)
	maps.Copy(info.Metadata, metadata)
	gst.Details[0] = Packed(t, info)

	r := Reading{
		Is: true, As: c, AsType: c, Code: c, Declared: true, FromError: c, OK: true,
		Canonical:       grpccodes.Code(gst.Code),
		Message:         gst.Message,
		Reason:          info.Reason,
		Domain:          "openim.io",
		Metadata:        metadata,
		Origin:          status.OriginKnown,
		Details:         append([]proto.Message{info}, details...),
		GRPC:            gst,
		GRPCCode:        grpccodes.Code(gst.Code),
		GRPCDetailCount: 1 + len(details),
	}
	for _, d := range details {
		r.BadRequest = d.(*errdetails.BadRequest)
	}
	return r
}

// Diff returns the differences between the wanted reading r and got, empty if there are
// none. For the thousands of calls that agree, it doesn't use cmp.Diff, which is slow.
func (r Reading) Diff(got Reading) string {
	if r.equal(got) {
		return ""
	}
	return cmp.Diff(r, got, protocmp.Transform())
}

// equal reports whether two readings are equal. It may return false for messages that are
// equal but are packed with different bytes.
func (r Reading) equal(other Reading) bool {
	if !proto.Equal(r.BadRequest, other.BadRequest) || !proto.Equal(r.GRPC, other.GRPC) || !slices.EqualFunc(r.Details, other.Details, proto.Equal) {
		return false
	}
	r.BadRequest, r.GRPC, r.Details = other.BadRequest, other.GRPC, other.Details
	return reflect.DeepEqual(r, other)
}

// CheckStatus checks the gRPC status of the error with which a call ended.
func CheckStatus(t testing.TB, err error, want *spb.Status) {
	t.Helper()
	got := grpcstatus.Convert(err).Proto()
	if proto.Equal(want, got) { // much faster than cmp.Diff
		return
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("the status that the caller gets (-want +got):\n%s", diff)
	}
}

// Secret is a private text. A server must not send it.
const Secret = "dsn=secret"

// CheckNoSecret checks that a received error doesn't contain [Secret].
func CheckNoSecret(t testing.TB, err error) {
	t.Helper()
	raw, merr := proto.Marshal(grpcstatus.Convert(err).Proto())
	if merr != nil {
		t.Fatalf("the received status can't be marshalled: %v", merr)
	}
	if text := string(raw) + fmt.Sprintf("%+v", err); strings.Contains(text, Secret) {
		t.Errorf("the caller reads the private text %q in %q; want it withheld", Secret, text)
	}
}

// Brief returns the text of an error, or a text, shortened to 300 bytes.
func Brief(long any) string {
	const most = 300
	text := fmt.Sprint(long)
	if len(text) > most {
		return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:most], ""), len(text))
	}
	return text
}

// WrapsItself returns an error that wraps itself without end. It has err's text.
func WrapsItself(err error) error { return &wrapsItself{err} }

type wrapsItself struct{ error }

func (e *wrapsItself) Unwrap() error { return e }
