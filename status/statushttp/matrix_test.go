package statushttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// The matrix: every code, in every form, with each kind of content, through a real HTTP
// server and a real client.

// A content is what a handler gives to a status beside the code.
type content struct {
	name     string
	make     func(st *status.Status) *status.Status
	message  string // "" is the message of the code's row
	metadata map[string]string
	details  []proto.Message // without the ErrorInfo
}

// unlinked is a detail of a type that isn't linked into the test.
var unlinked = &anypb.Any{TypeUrl: "type.example/shop.Basket", Value: []byte{8, 7, 0xff}}

var violations = &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
	{Field: "items[2].price", Description: "must be positive", Reason: "NEGATIVE"},
	{Field: `labels["a/b"].x~y`, Description: "is <unknown> & \"odd\""},
	{Field: "", Description: "the request is empty", Reason: "EMPTY"},
	{Field: "name", Description: "must not be empty", Reason: "EMPTY",
		LocalizedMessage: &errdetails.LocalizedMessage{Locale: "zh-Hans", Message: "不能为空"}},
}}

var localized = &errdetails.LocalizedMessage{Locale: "zh-Hans", Message: "找不到用户"}

// contents are the columns of the matrix.
var contents = []content{
	{name: "bare", make: func(st *status.Status) *status.Status { return st }},
	{name: "message", make: func(st *status.Status) *status.Status { return st.WithMessage("user \"42\" <&>\u2028 ☃") }, message: "user \"42\" <&>\u2028 ☃"},
	{name: "metadata", make: func(st *status.Status) *status.Status {
		return st.WithMetadata("user", "42").WithMetadata("area", "é <b>")
	}, metadata: map[string]string{"user": "42", "area": "é <b>"}},
	{name: "violations", make: func(st *status.Status) *status.Status { return st.WithDetails(violations) }, details: []proto.Message{violations}},
	{name: "no violations", make: func(st *status.Status) *status.Status { return st.WithDetails(&errdetails.BadRequest{}) }, details: []proto.Message{&errdetails.BadRequest{}}},
	{name: "localized", make: func(st *status.Status) *status.Status { return st.WithDetails(localized) }, details: []proto.Message{localized}},
	{name: "localized without a language", make: func(st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.LocalizedMessage{Message: "x"})
	}, details: []proto.Message{&errdetails.LocalizedMessage{Message: "x"}}},
	{name: "retry delay", make: func(st *status.Status) *status.Status { return st.WithRetryDelay(1500 * time.Millisecond) },
		details: []proto.Message{&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)}}},
	{name: "request id", make: func(st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.RequestInfo{RequestId: "a:b.c-d_e"})
	}, details: []proto.Message{&errdetails.RequestInfo{RequestId: "a:b.c-d_e"}}},
	{name: "request id that is no id", make: func(st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.RequestInfo{RequestId: "a/b ?#%é", ServingData: "x"})
	}, details: []proto.Message{&errdetails.RequestInfo{RequestId: "a/b ?#%é", ServingData: "x"}}},
	{name: "unknown details", make: func(st *status.Status) *status.Status {
		return st.WithDetails(&errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://a.example/?b&c"}}}, unlinked)
	}, details: []proto.Message{&errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://a.example/?b&c"}}}, unlinked}},
	{name: "everything", make: func(st *status.Status) *status.Status {
		return st.WithMessage("all").WithMetadata("user", "42").WithRetryDelay(time.Second).WithDetails(violations, localized, unlinked)
	}, message: "all", metadata: map[string]string{"user": "42"},
		details: []proto.Message{violations, localized, unlinked, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}}},
}

// matrixCodes returns the codes of the matrix: every row, numbers without a row, and codes of
// another domain.
func matrixCodes(t *testing.T) []codes.Code {
	all := []codes.Code{testrpc.PetRanAway, testrpc.PetAsleep}
	for _, c := range testrpc.EveryCode(t) {
		all = append(all, c)
	}
	return all
}

// serve returns the URL of a server whose handler returns an error.
func serve(t testing.TB, w *statushttp.Writer, handle func(r *http.Request) error) string {
	t.Helper()
	server := httptest.NewServer(w.Handler(func(_ http.ResponseWriter, r *http.Request) error { return handle(r) }))
	t.Cleanup(server.Close)
	return server.URL
}

// get returns an answer. Its body is closed when the test ends.
func get(t testing.TB, url string, header ...string) *http.Response {
	t.Helper()
	return do(t, http.DefaultClient, http.MethodGet, url, header...)
}

// do sends a request with pairs of names and values as headers.
func do(t testing.TB, client *http.Client, method, url string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestRoundTrip(t *testing.T) {
	reader := statushttp.Reader{Decoder: &status.Decoder{Tables: []*codes.Table{codes.Default(), testrpc.Pets}}}
	for _, form := range []struct {
		form      statushttp.Form
		mediaType string
	}{{statushttp.FormAIP193, "application/json"}, {statushttp.FormProblem, "application/problem+json"}} {
		for _, content := range contents {
			t.Run(form.mediaType+"/"+content.name, func(t *testing.T) {
				all := matrixCodes(t)
				next := 0
				url := serve(t, &statushttp.Writer{Encoder: interceptor.NewServer(), Forms: []statushttp.Form{form.form}}, func(*http.Request) error {
					return content.make(status.New(all[next], "")).Err()
				})
				for next = range all {
					resp := get(t, url)
					if got := resp.Header.Get("Content-Type"); got != form.mediaType {
						t.Fatalf("Content-Type = %q; want %q", got, form.mediaType)
					}
					content.check(t, all[next], resp.StatusCode, reader.CheckResponse(resp))
				}
			})
		}
	}
}

// check checks what a caller has read.
func (want content) check(t *testing.T, c codes.Code, httpStatus int, err error) {
	t.Helper()
	row, _ := c.Table().Lookup(c.Number())
	message := want.message
	if message == "" {
		message = row.Message
	}
	st := status.Convert(err)
	if httpStatus != statushttp.Code(row.GRPCCode) || st.GRPCCode() != row.GRPCCode {
		t.Errorf("%v: HTTP status %d, canonical code %v; want those of %v", c, httpStatus, st.GRPCCode(), row.GRPCCode)
	}
	if got, declared := status.Declared(err); got != c || !declared {
		t.Fatalf("read %v, declared %t; want %v", got, declared, c)
	}
	if st.Message() != message {
		t.Errorf("%v: message %q; want %q", c, st.Message(), message)
	}
	if !maps.Equal(st.Metadata(), want.metadata) {
		t.Errorf("%v: metadata %v; want %v", c, st.Metadata(), want.metadata)
	}
	if got, want := inOrder(st.Details()[1:]), inOrder(want.details); !slices.EqualFunc(got, want, proto.Equal) {
		t.Errorf("%v: details %v; want %v", c, got, want)
	}
}

// inOrder returns details in an order that doesn't depend on the form.
func inOrder(details []proto.Message) []proto.Message {
	return slices.SortedFunc(slices.Values(details), func(a, b proto.Message) int {
		return strings.Compare(string(a.ProtoReflect().Descriptor().FullName()), string(b.ProtoReflect().Descriptor().FullName()))
	})
}

// OpenIM's clients read three members, and only from an answer with the HTTP status 200.
func TestOpenIMFormHasEveryCode(t *testing.T) {
	all := matrixCodes(t)
	next := 0
	w := &statushttp.Writer{Encoder: interceptor.NewServer(interceptor.WithOpenIMForm(interceptor.OpenIMAlways)), Forms: []statushttp.Form{statushttp.FormOpenIM}}
	url := serve(t, w, func(*http.Request) error {
		return status.New(all[next], "user <42>").WithRetryDelay(time.Second).WithDetails(localized).Err()
	})
	for next = range all {
		resp := get(t, url, "Accept", "text/html")
		var got struct {
			ErrCode *codes.Number `json:"errCode"`
			ErrMsg  *string       `json:"errMsg"`
			ErrDlt  *string       `json:"errDlt"`
		}
		decoder := json.NewDecoder(resp.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil || got.ErrCode == nil || got.ErrMsg == nil || got.ErrDlt == nil {
			t.Fatalf("%v: body %+v, %v; want errCode, errMsg and errDlt", all[next], got, err)
		}
		if resp.StatusCode != 200 || *got.ErrCode != all[next].Number() || *got.ErrMsg != "user <42>" || *got.ErrDlt != "" {
			t.Errorf("%v: HTTP status %d, errCode %d, errMsg %q, errDlt %q", all[next], resp.StatusCode, *got.ErrCode, *got.ErrMsg, *got.ErrDlt)
		}
		for _, name := range []string{"Retry-After", "Content-Language", "Vary"} {
			if got := resp.Header.Get(name); got != "" {
				t.Errorf("%v: %s: %s; want none", all[next], name, got)
			}
		}
	}
}

// A Writer is used by every handler at once.
func TestConcurrentUse(t *testing.T) {
	var w statushttp.Writer
	url := serve(t, &w, func(r *http.Request) error {
		return status.Errorf(codes.RecordNotFound, "user %s", r.URL.Query().Get("id"))
	})
	done := make(chan error)
	for i := range 8 {
		go func() {
			req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, fmt.Sprint(url, "?id=", i), nil)
			resp, err := http.DefaultClient.Do(req)
			if err == nil {
				err = statushttp.CheckResponse(resp)
				resp.Body.Close()
			}
			if want := fmt.Sprint("user ", i); status.Convert(err).Message() != want {
				done <- fmt.Errorf("read %w; want %s", err, want)
				return
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
