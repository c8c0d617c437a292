package statushttp_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// unmarshal returns the error in the body of an answer with an HTTP status.
func unmarshal(t testing.TB, httpStatus int, body string) error {
	t.Helper()
	return new(statushttp.Reader).Unmarshal(t.Context(), httpStatus, []byte(body))
}

// Parts of bodies that other servers write.
const (
	infoJSON       = `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RECORD_NOT_FOUND","domain":"openim.io","metadata":{"code":"1004","user":"42"}}`
	badRequestJSON = `{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"name","description":"must not be empty"}]}`
)

// connectDetail returns a detail as Connect writes it.
func connectDetail(t testing.TB, detail proto.Message, padded bool) string {
	t.Helper()
	packed := canonical(t, grpccodes.NotFound, "", detail).Details[0]
	encoding := base64.RawStdEncoding
	if padded {
		encoding = base64.StdEncoding
	}
	return fmt.Sprintf(`{"type":"%s","value":"%s","debug":{"x":1}}`, packed.MessageName(), encoding.EncodeToString(packed.GetValue()))
}

// Each form of a failure is recognized by its shape, and gives the same status.
func TestForms(t *testing.T) {
	info := &errdetails.ErrorInfo{Reason: "RECORD_NOT_FOUND", Domain: "openim.io", Metadata: map[string]string{"code": "1004", "user": "42"}}
	want := canonical(t, grpccodes.NotFound, `user "42"`, info, testrpc.BadRequest())
	for name, body := range map[string]string{
		"AIP-193":                           `{"error":{"code":404,"message":"user \"42\"","status":"NOT_FOUND","details":[` + infoJSON + `,` + badRequestJSON + `]}}`,
		"AIP-193, with more members":        `{"apiVersion":"1","error":{"code":404,"errors":[{"domain":"global"}],"message":"user \"42\"","status":"NOT_FOUND","details":[` + infoJSON + `,` + badRequestJSON + `]}}`,
		"grpc-gateway":                      `{"code":5, "message":"user \"42\"", "details":[` + infoJSON + `,` + badRequestJSON + `]}`,
		"grpc-gateway's end of a stream":    `{"error":{"code":5, "message":"user \"42\"", "details":[` + infoJSON + `,` + badRequestJSON + `]}}` + "\n",
		"Connect":                           `{"code":"not_found","message":"user \"42\"","details":[` + connectDetail(t, info, false) + `,` + connectDetail(t, testrpc.BadRequest(), false) + `]}`,
		"Connect, with padding":             `{"code":"not_found","message":"user \"42\"","details":[` + connectDetail(t, info, true) + `,` + connectDetail(t, testrpc.BadRequest(), true) + `]}`,
		"Connect, with another spelling":    `{"code":"Not-Found","message":"user \"42\"","details":[` + connectDetail(t, info, false) + `,` + connectDetail(t, testrpc.BadRequest(), false) + `]}`,
		"a problem":                         `{"type":"https://a.example","title":"t","status":404,"detail":"user \"42\"","grpcCode":"NOT_FOUND","code":1004,"reason":"RECORD_NOT_FOUND","domain":"openim.io","metadata":{"user":"42"},"errors":[{"pointer":"#/name","field":"name","detail":"must not be empty"}]}`,
		"a problem with the code's details": `{"title":"t","detail":"user \"42\"","grpcCode":"NOT_FOUND","details":[` + infoJSON + `,` + badRequestJSON + `]}`,
		"Google's end of a stream":          `[{"error":{"code":404,"message":"user \"42\"","status":"NOT_FOUND","details":[` + infoJSON + `,` + badRequestJSON + `]}}]` + "\n",
		"spaces":                            " \n{ \"code\" : 5 , \"message\" : \"user \\\"42\\\"\" , \"details\" : [ " + infoJSON + " , " + badRequestJSON + " ] } ",
	} {
		// The HTTP status doesn't say more than the body, whatever a proxy has made of it.
		for _, httpStatus := range []int{404, 200, 422, 500} {
			err := unmarshal(t, httpStatus, body)
			if got := grpcstatus.Convert(err).Proto(); !proto.Equal(got, want) {
				t.Errorf("%s, HTTP status %d: read %v; want %v", name, httpStatus, got, want)
			}
			if !errors.Is(err, codes.RecordNotFound) || status.Convert(err).Metadata()["user"] != "42" {
				t.Errorf("%s, HTTP status %d: read %v; want RecordNotFound with its metadata", name, httpStatus, err)
			}
		}
	}
}

// Each canonical code has a name in Google's APIs and one in Connect.
func TestCanonicalNames(t *testing.T) {
	names := [][]string{
		grpccodes.Canceled:           {"CANCELLED", "canceled", "cancelled"},
		grpccodes.Unknown:            {"UNKNOWN", "unknown"},
		grpccodes.InvalidArgument:    {"INVALID_ARGUMENT", "invalid_argument"},
		grpccodes.DeadlineExceeded:   {"DEADLINE_EXCEEDED", "deadline_exceeded"},
		grpccodes.NotFound:           {"NOT_FOUND", "not_found"},
		grpccodes.AlreadyExists:      {"ALREADY_EXISTS", "already_exists"},
		grpccodes.PermissionDenied:   {"PERMISSION_DENIED", "permission_denied"},
		grpccodes.ResourceExhausted:  {"RESOURCE_EXHAUSTED", "resource_exhausted"},
		grpccodes.FailedPrecondition: {"FAILED_PRECONDITION", "failed_precondition"},
		grpccodes.Aborted:            {"ABORTED", "aborted"},
		grpccodes.OutOfRange:         {"OUT_OF_RANGE", "out_of_range"},
		grpccodes.Unimplemented:      {"UNIMPLEMENTED", "unimplemented"},
		grpccodes.Internal:           {"INTERNAL", "internal"},
		grpccodes.Unavailable:        {"UNAVAILABLE", "unavailable"},
		grpccodes.DataLoss:           {"DATA_LOSS", "data_loss"},
		grpccodes.Unauthenticated:    {"UNAUTHENTICATED", "unauthenticated"},
	}
	for c, names := range names {
		for _, name := range names {
			for _, form := range []string{`{"error":{"status":"%s","message":"m"}}`, `{"code":"%s","message":"m"}`, `{"detail":"m","grpcCode":"%s"}`} {
				body := fmt.Sprintf(form, name)
				if got := grpcstatus.Convert(unmarshal(t, 418, body)); got.Code() != grpccodes.Code(c) || got.Message() != "m" {
					t.Errorf("%s: read %v, %q; want %v", body, got.Code(), got.Message(), grpccodes.Code(c))
				}
			}
		}
	}
}

// A body in no known form carries no code, and nothing of it reaches the error.
func TestOtherBodies(t *testing.T) {
	for _, body := range []string{
		"", " ", "<html><body>CANARY</body></html>", "CANARY", "[]", "[" + infoJSON + "]", "null", "true", "5", `"not_found"`, "{}",
		`{"error":"CANARY"}`, `{"error":null}`, `{"error":[]}`, `{"error":{}}`, `{"error":{"message":"CANARY"}}`, `{"error":{"message":"CANARY","type":"x","code":"y"}}`,
		`{"message":"CANARY"}`, `{"code":"CANARY","message":"CANARY"}`, `{"code":1004,"message":"CANARY"}`, `{"code":5}`, `{"code":null,"message":"CANARY"}`, `{"code":5.5,"message":"CANARY"}`,
		`{"code":"5","message":"CANARY"}`, `{"code":99999999999,"message":"CANARY","details":[]}`, `{"errCode":1004,"errMsg":"CANARY","errDlt":""}`,
		`{"title":["CANARY"]}`, `{"detail":[{"msg":"CANARY"}]}`, `{"reason":"RECORD_NOT_FOUND","domain":"openim.io","code":1004}`,
		// Numbers of other services, whatever they have beside them.
		`{"code":1004,"message":"CANARY","details":[]}`, `{"code":1004,"message":"CANARY","details":"CANARY"}`, `{"code":1004,"message":"CANARY","details":{"a":"CANARY"}}`,
		`{"code":1004,"details":[{"field":"CANARY"}]}`, `{"error":{"code":1004,"message":"CANARY","details":["CANARY"]}}`, `{"code":5,"details":["CANARY"]}`,
		`{"code":"ınternal","message":"CANARY"}`, `{"code":"ſ","message":"CANARY"}`, `[{"error":{"code":5,"message":"CANARY"}},{}]`,
		`{"code":5,"message":"CANARY","details":[]`, `{"code":5,"message":"CANARY","details":[]}{}`, strings.Repeat(`{"error":`, 20_000),
		`{"code":5,"message":"` + strings.Repeat("CANARY", 11_000) + `","details":[]}`,
	} {
		err := unmarshal(t, 404, body)
		want := &spb.Status{Code: int32(grpccodes.NotFound), Message: "Not Found"}
		if got := grpcstatus.Convert(err).Proto(); !proto.Equal(got, want) {
			t.Errorf("%.80s: read %v; want %v", body, testrpc.Brief(got), want)
		}
		if _, declared := status.Declared(err); declared || status.Convert(err).Origin() != status.OriginBare {
			t.Errorf("%.80s: read a code, or the origin %v; want none, and OriginBare", body, status.Convert(err).Origin())
		}
	}
}

// Without a code in the body, the HTTP status decides, as in Google's client libraries.
func TestCanonicalCodeOfHTTPStatus(t *testing.T) {
	want := map[int]grpccodes.Code{
		400: grpccodes.InvalidArgument, 401: grpccodes.Unauthenticated, 403: grpccodes.PermissionDenied, 404: grpccodes.NotFound,
		409: grpccodes.Aborted, 416: grpccodes.OutOfRange, 429: grpccodes.ResourceExhausted, 499: grpccodes.Canceled,
		501: grpccodes.Unimplemented, 502: grpccodes.Unavailable, 503: grpccodes.Unavailable, 504: grpccodes.DeadlineExceeded,
	}
	for httpStatus := range 700 {
		wantCode, ok := want[httpStatus]
		switch {
		case ok:
		case httpStatus/100 == 4:
			wantCode = grpccodes.FailedPrecondition
		case httpStatus/100 == 5:
			wantCode = grpccodes.Internal
		default:
			wantCode = grpccodes.Unknown
		}
		wantText := http.StatusText(httpStatus)
		if wantText == "" {
			wantText = fmt.Sprint("HTTP status ", httpStatus)
		}
		for body, wantMessage := range map[string]string{
			"":                                   wantText,
			`{"code":0,"message":"m"}`:           "m",
			`{"error":{"code":0,"message":"m"}}`: "m",
			fmt.Sprintf(`{"error":{"code":%d,"message":"m"}}`, httpStatus+100*17): wantText,
			`{"title":"t","detail":"m","grpcCode":"OK"}`:                          "m",
			`{"title":"m"}`: "m",
		} {
			err := unmarshal(t, httpStatus, body)
			if httpStatus < 400 {
				if err != nil {
					t.Errorf("HTTP status %d, %s: read %v; want nil", httpStatus, body, err)
				}
				continue
			}
			if got := grpcstatus.Convert(err); got.Code() != wantCode || got.Message() != wantMessage {
				t.Errorf("HTTP status %d, %s: read %v, %q; want %v, %q", httpStatus, body, got.Code(), got.Message(), wantCode, wantMessage)
			}
		}
	}
}

// Below 400, only a code in the body makes a failure. So a loop over the lines of
// grpc-gateway's stream can give each of them to Unmarshal.
func TestUnmarshalBelow400(t *testing.T) {
	for _, body := range []string{
		`{"result":{"step":"1"}}`, `{"result":{"code":5,"message":"m"}}`, "", "<html>", "{}", `{"error":{}}`, `{"id":"7"}`,
		`{"code":0,"message":"m"}`, `{"code":0,"message":"m","details":[]}`, `{"error":{"code":0,"message":"m"}}`,
		`{"code":200,"message":"m"}`, `{"title":"t"}`, `{"title":"t","detail":"m","grpcCode":"OK"}`,
		`{"errCode":1004,"errMsg":"m","errDlt":""}`,
	} {
		for _, httpStatus := range []int{0, 200, 204, 304, 399} {
			if err := unmarshal(t, httpStatus, body); err != nil {
				t.Errorf("HTTP status %d, %s: read %v; want nil", httpStatus, body, err)
			}
		}
		if err := unmarshal(t, 400, body); err == nil {
			t.Errorf("HTTP status 400, %s: read nil; want an error", body)
		}
	}
	if err := unmarshal(t, 200, `{"error":{"code":5,"message":"m","details":[]}}`); grpcstatus.Code(err) != grpccodes.NotFound {
		t.Errorf("a stream's end: read %v; want NOT_FOUND", err)
	}
	if err := unmarshal(t, 200, `{"code":200,"message":"m","details":[]}`); err != nil {
		t.Errorf("a body that repeats the HTTP status 200: read %v; want nil", err)
	}
}

func TestNilReaderIsTheZeroReader(t *testing.T) {
	const body = `{"error":{"code":404,"message":"private","status":"NOT_FOUND","details":[` + infoJSON + `]}}`
	var r *statushttp.Reader
	for name, err := range map[string]error{
		"Unmarshal":     r.Unmarshal(t.Context(), 404, []byte(body)),
		"CheckResponse": r.CheckResponse(answer(404, strings.NewReader(body))),
	} {
		if !errors.Is(err, codes.RecordNotFound) || strings.Contains(status.ToGRPC(err).Message(), "private") {
			t.Errorf("%s: read %v, and forwarded %v; want RecordNotFound, and nothing of it", name, err, status.ToGRPC(err))
		}
	}
}

// A number in a status is one of gRPC's, the HTTP status again, or a raw number. One of gRPC's must
// agree with the HTTP status, or have details. A raw number must have an ErrorInfo.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		body string
		want error
		code grpccodes.Code
	}{
		{`{"code":9,"message":"m"}`, nil, grpccodes.FailedPrecondition},
		{`{"code":11,"message":"m","details":[]}`, nil, grpccodes.OutOfRange},
		{`{"error":{"code":11,"message":"m","details":[]}}`, nil, grpccodes.OutOfRange},
		{`{"code":5,"message":"m"}`, nil, grpccodes.InvalidArgument},
		{`{"code":14,"message":"m","details":["x"]}`, nil, grpccodes.InvalidArgument},
		{`{"code":14,"message":"m","details":[` + badRequestJSON + `]}`, nil, grpccodes.Unavailable},
		{`{"code":5,"message":"m","details":[` + infoJSON + `]}`, codes.RecordNotFound, grpccodes.NotFound},
		{`{"code":400,"message":"m"}`, nil, grpccodes.InvalidArgument},
		{`{"code":400,"message":"m","details":[]}`, nil, grpccodes.InvalidArgument},
		{`{"error":{"code":400,"message":"m","errors":[]}}`, nil, grpccodes.InvalidArgument},
		// OpenIM's servers behind a grpc-gateway.
		{`{"code":1004,"message":"m","details":[` + infoJSON + `]}`, codes.RecordNotFound, 1004},
		{`{"error":{"code":1004,"message":"m","details":[` + infoJSON + `]}}`, codes.RecordNotFound, 1004},
		{`{"code":1004,"message":"m","details":[{"@type":"type.googleapis.com/openim.protobuf.ErrorInfo","@value":""}]}`, codes.RecordNotFound, 1004},
		{`{"code":1004,"message":"m","details":[{"type":"openim.protobuf.ErrorInfo","value":""}]}`, codes.RecordNotFound, 1004},
		{`{"code":1004,"message":"m","details":[{"@type":"type.googleapis.com/openim.protobuf.ErrorInfo","@value":"!"}]}`, nil, grpccodes.InvalidArgument},
		{`{"code":1004,"message":"m","details":[` + badRequestJSON + `]}`, nil, grpccodes.InvalidArgument},
		{`{"code":1004,"message":"m","details":[]}`, nil, grpccodes.InvalidArgument},
		{`{"code":1004,"message":"m"}`, nil, grpccodes.InvalidArgument},
	} {
		err := unmarshal(t, 400, tt.body)
		if got := grpcstatus.Code(err); got != tt.code || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: read %v; want %v and %v", tt.body, err, tt.code, tt.want)
		}
		if _, declared := status.Declared(err); declared != (tt.want != nil) {
			t.Errorf("%s: declared is %t", tt.body, declared)
		}
	}
}

// Of a status whose number doesn't count, the message and the details stay.
func TestNumberThatDoesNotCount(t *testing.T) {
	for _, body := range []string{
		`{"code":1004,"message":"m","details":[` + badRequestJSON + `]}`,
		`{"code":400,"message":"m","details":[` + badRequestJSON + `]}`,
		`{"code":0,"message":"m","details":[` + badRequestJSON + `]}`,
	} {
		if st := status.Convert(unmarshal(t, 400, body)); st.GRPCCode() != grpccodes.InvalidArgument || st.Message() != "m" || len(st.Details()) != 1 {
			t.Errorf("%s: read %v with %v; want INVALID_ARGUMENT, the message and the detail", body, st.LogValue(), st.Details())
		}
	}
}

// One bad detail doesn't take the others with it.
func TestBadDetailLosesOnlyItself(t *testing.T) {
	for _, bad := range []string{
		`null`, `5`, `"x"`, `[]`, `{}`, `{"x":1}`, `{"@type":5}`, `{"@type":""}`, `{"@type":"type.googleapis.com/shop.Basket","n":1}`,
		`{"@type":"type.googleapis.com/google.rpc.Help","links":5}`, `{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"long"}`,
		`{"@type":"x/y","@value":"!"}`, `{"@type":"x/y","@value":5}`, `{"type":"google.rpc.Help","value":"!"}`, `{"type":"google.rpc.Help"}`, `{"value":"AA"}`,
		`{"@type":"type.googleapis.com/google.protobuf.Any","value":{"@type":"type.googleapis.com/shop.Basket"}}`,
		`{"@type":"type.googleapis.com/google.protobuf.ListValue","value":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	} {
		for _, form := range []string{
			`{"error":{"code":404,"message":"m","status":"NOT_FOUND","details":[%s,` + infoJSON + `,%[1]s,` + badRequestJSON + `]}}`,
			`{"code":5,"message":"m","details":[%s,` + infoJSON + `,%[1]s,` + badRequestJSON + `]}`,
			`{"code":"not_found","message":"m","details":[%s,` + infoJSON + `,%[1]s,` + badRequestJSON + `]}`,
			`{"title":"t","detail":"m","grpcCode":"NOT_FOUND","details":[%s,` + infoJSON + `,%[1]s,` + badRequestJSON + `]}`,
		} {
			err := unmarshal(t, 404, fmt.Sprintf(form, bad))
			if details := status.Convert(err).Details(); !errors.Is(err, codes.RecordNotFound) || len(details) != 2 {
				t.Errorf("%.60s in %.20s: read %v, details %v; want RecordNotFound, and its two details", bad, form, err, details)
			}
		}
	}
	for _, form := range []string{`{"code":5,"message":"m","details":%s}`, `{"code":5,"message":5,"details":%s}`, `{"title":"t","grpcCode":"NOT_FOUND","details":%s,"errors":5,"metadata":[],"instance":{}}`} {
		for _, details := range []string{`null`, `{}`, `"x"`, `[[]]`} {
			if err := unmarshal(t, 404, fmt.Sprintf(form, details)); grpcstatus.Code(err) != grpccodes.NotFound || len(status.Convert(err).Details()) != 0 {
				t.Errorf("%s in %s: read %v with %v; want NOT_FOUND without details", details, form, err, status.Convert(err).Details())
			}
		}
	}
}

// A problem of another server carries no code, and its members aren't taken for ours.
func TestForeignProblem(t *testing.T) {
	err := unmarshal(t, 403, `{"type":"https://example.com/probs/out-of-credit","title":"You do not have enough credit.","detail":"Your current balance is 30, but that costs 50.",
		"instance":"/account/12345/msgs/abc","balance":30,"accounts":["/account/12345"],"code":7,"reason":5,"domain":"x","locale":"en","message":"m",
		"errors":[{"detail":"must be a positive integer","pointer":"#/age","locale":"en","message":"m"},"x",{},{"other":"x"}]}`)
	st := status.Convert(err)
	if _, declared := status.Declared(err); declared || st.GRPCCode() != grpccodes.PermissionDenied || st.Message() != "Your current balance is 30, but that costs 50." || st.Origin() != status.OriginBare {
		t.Errorf("read %v (%v, origin %v); want PERMISSION_DENIED with the detail, and no code", err, st.GRPCCode(), st.Origin())
	}
	if _, ok := status.Detail[*errdetails.RequestInfo](err); ok || status.RequestID(err) != "" {
		t.Error("the instance of another server is taken for a request id")
	}
	if got := status.UserMessage(err); strings.Contains(got, "balance") {
		t.Errorf("a user reads %q of another server", got)
	}
	request, _ := status.Detail[*errdetails.BadRequest](err)
	if got := request.GetFieldViolations(); len(got) != 1 || got[0].GetLocalizedMessage() != nil || got[0].GetField() != "#/age" || got[0].GetDescription() != "must be a positive integer" {
		t.Errorf("violations %v; want the pointer as the field", got)
	}
}

// The zero Reader forwards nothing, and a Decoder's settings count.
func TestDecoderCounts(t *testing.T) {
	const body = `{"error":{"code":404,"message":"private","status":"NOT_FOUND","details":[` + infoJSON + `]}}`
	sent := func(r *statushttp.Reader) string {
		return status.ToGRPC(r.Unmarshal(t.Context(), 404, []byte(body))).Message()
	}
	if got := sent(&statushttp.Reader{}); strings.Contains(got, "private") {
		t.Errorf("forwarded %q", got)
	}
	if got := sent(&statushttp.Reader{Decoder: &status.Decoder{}}); got != "private" {
		t.Errorf("TrustKnown forwarded %q; want the message", got)
	}
	missing := errors.New("missing")
	reader := statushttp.Reader{Decoder: &status.Decoder{Sentinels: []status.Sentinel{{Target: missing, Code: codes.RecordNotFound}}}}
	if err := reader.Unmarshal(t.Context(), 404, []byte(body)); !errors.Is(err, missing) {
		t.Errorf("errors.Is(%v, missing) is false", err)
	}
}

// answer returns an answer with pairs of names and values as headers.
func answer(httpStatus int, body io.Reader, header ...string) *http.Response {
	resp := &http.Response{StatusCode: httpStatus, Header: http.Header{}, Body: io.NopCloser(body)}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func TestCheckResponseBelow400(t *testing.T) {
	for _, httpStatus := range []int{100, 200, 204, 301, 304, 399} {
		body := strings.NewReader(`{"code":5,"message":"m","details":[]}`)
		if err := statushttp.CheckResponse(answer(httpStatus, body)); err != nil || body.Len() != int(body.Size()) {
			t.Errorf("HTTP status %d: %v, and %d bytes are left; want nil, and an unread body", httpStatus, err, body.Len())
		}
	}
}

func TestCheckResponseIsBounded(t *testing.T) {
	body := strings.NewReader(`{"code":5,"message":"m","details":[]}` + strings.Repeat(" ", 1<<20))
	err := statushttp.CheckResponse(answer(404, body))
	if read := body.Size() - int64(body.Len()); read > 64<<10 {
		t.Errorf("read %d bytes; want at most 64 KiB", read)
	}
	// The first 64 KiB hold all of the JSON; only spaces follow.
	if got := grpcstatus.Code(err); got != grpccodes.NotFound {
		t.Errorf("read %v; want NOT_FOUND", err)
	}
	for _, body := range []io.Reader{
		io.MultiReader(strings.NewReader(`{"code":5,"mess`), failingReader{}),
		strings.NewReader(`{"code":5,"message":"` + strings.Repeat("x", 64<<10) + `"}`),
		failingReader{},
	} {
		if err := statushttp.CheckResponse(answer(503, body)); grpcstatus.Code(err) != grpccodes.Unavailable || grpcstatus.Convert(err).Message() != "Service Unavailable" {
			t.Errorf("read %v; want what the HTTP status says", err)
		}
	}
	if err := statushttp.CheckResponse(&http.Response{StatusCode: 503}); grpcstatus.Code(err) != grpccodes.Unavailable {
		t.Errorf("without a body: %v; want UNAVAILABLE", err)
	}
}

// The request's context says whether the caller itself gave up.
func TestCheckResponseUsesTheRequestsContext(t *testing.T) {
	const body = `{"code":1,"message":"m","details":[]}`
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp := func() *http.Response {
		resp := answer(499, strings.NewReader(body))
		resp.Request = req
		return resp
	}
	if err := statushttp.CheckResponse(resp()); errors.Is(err, context.Canceled) {
		t.Errorf("errors.Is(%v, Canceled) while the caller waits", err)
	}
	cancel()
	if err := statushttp.CheckResponse(resp()); !errors.Is(err, context.Canceled) {
		t.Errorf("errors.Is(%v, Canceled) is false after the caller gave up", err)
	}
}

// If the caller's time ends while it reads the body, that is the failure.
func TestContextEndsWhileReading(t *testing.T) {
	url := serveHandler(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusNotFound)
		io.WriteString(rw, `{"error":`)
		rw.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	get := func(ctx context.Context, client *http.Client) *http.Response {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	canceled, cancel := context.WithCancel(t.Context())
	resp := get(canceled, http.DefaultClient)
	cancel()
	if err := statushttp.CheckResponse(resp); !errors.Is(err, context.Canceled) || grpcstatus.Code(err) != grpccodes.Canceled {
		t.Errorf("after cancel: %v; want CANCELLED, and context.Canceled", err)
	}
	late, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := statushttp.CheckResponse(get(late, http.DefaultClient)); !errors.Is(err, context.DeadlineExceeded) || grpcstatus.Code(err) != grpccodes.DeadlineExceeded {
		t.Errorf("after the deadline: %v; want DEADLINE_EXCEEDED, and context.DeadlineExceeded", err)
	}
	if err := statushttp.CheckResponse(get(t.Context(), &http.Client{Timeout: 200 * time.Millisecond})); grpcstatus.Code(err) != grpccodes.DeadlineExceeded {
		t.Errorf("after the client's timeout: %v; want DEADLINE_EXCEEDED", err)
	}
}

// The reader's error counts as well as the context, whatever a transport makes of it.
func TestReadErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	canceled := answer(404, failingReader{})
	canceled.Request = httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	if err := statushttp.CheckResponse(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v; want context.Canceled", err)
	}
	late := iotest.ErrReader(fmt.Errorf("reading: %w", context.DeadlineExceeded))
	if err := statushttp.CheckResponse(answer(404, late)); grpcstatus.Code(err) != grpccodes.DeadlineExceeded {
		t.Errorf("after a timeout of the transport: %v; want DEADLINE_EXCEEDED", err)
	}
}

// A body of 64 KiB costs little, whatever is in it.
func TestCostIsBounded(t *testing.T) {
	const size = 64 << 10
	for name, parts := range map[string][3]string{
		"empty errors":  {`{"title":"t","errors":[`, `{},`, `{}]}`},
		"errors":        {`{"title":"t","errors":[`, `{"field":""},`, `{}]}`},
		"empty details": {`{"code":5,"message":"m","details":[`, `{},`, `{}]}`},
		"details":       {`{"code":5,"message":"m","details":[`, `{"@type":"a/b","@value":""},`, `{}]}`},
		"an array":      {`[`, `{},`, `{}]`},
	} {
		body := parts[0] + strings.Repeat(parts[1], (size-len(parts[0]+parts[2]))/len(parts[1])) + parts[2]
		if got := testing.AllocsPerRun(1, func() { _ = unmarshal(t, 404, body) }); got > 28_000 { // one for each element, and a few for those that are read
			t.Errorf("%s: %v allocations", name, got)
		}
		details := status.Convert(unmarshal(t, 404, body)).Details()
		var violations int
		for range status.FieldViolations(unmarshal(t, 404, body)) {
			violations++
		}
		if len(details) > 1000 || violations > 1000 || name == "empty errors" && violations != 0 {
			t.Errorf("%s: %d details and %d violations; want at most 1,000", name, len(details), violations)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const day = 24 * time.Hour
	date := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return date.Add(d).Format(http.TimeFormat) }
	for _, tt := range []struct {
		header []string
		body   string
		want   time.Duration // -1: none
	}{
		{nil, "", -1},
		{[]string{"Retry-After", "7"}, "", 7 * time.Second},
		{[]string{"Retry-After", "0"}, "", 0},
		{[]string{"Retry-After", "4294967295"}, "", day},
		{[]string{"Retry-After", "4294967296"}, "", day},
		{[]string{"Retry-After", "18446744073709551615"}, "", day},
		{[]string{"Retry-After", "99999999999999999999"}, "", day},
		{[]string{"Retry-After", "99999999999999999999x"}, "", -1},
		{[]string{"Retry-After", "-1"}, "", -1},
		{[]string{"Retry-After", "1.5"}, "", -1},
		{[]string{"Retry-After", "soon"}, "", -1},
		{[]string{"Retry-After", at(time.Minute), "Date", at(0)}, "", time.Minute},
		{[]string{"Retry-After", at(-time.Minute), "Date", at(0)}, "", 0},
		{[]string{"Retry-After", at(1000 * day), "Date", at(0)}, "", day},
		{[]string{"Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"}, "", 0},
		{[]string{"Retry-After", "7"}, `{"code":14,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]}`, 1500 * time.Millisecond},
		{[]string{"Retry-After", "7"}, `{"code":14,"message":"m","details":[` + infoJSON + `]}`, 7 * time.Second},
	} {
		err := statushttp.CheckResponse(answer(503, strings.NewReader(tt.body), tt.header...))
		got, ok := status.RetryDelay(err)
		if !ok {
			got = -1
		}
		if got != tt.want {
			t.Errorf("%v, body %q: delay %v; want %v", tt.header, tt.body, got, tt.want)
		}
	}
}

// A body that names a type which isn't linked loses that detail, but its bytes survive.
func TestUnknownTypes(t *testing.T) {
	st := &spb.Status{Code: 5, Message: "m", Details: []*anypb.Any{unlinked, testrpc.Packed(t, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})}}
	body := `{"code":5,"message":"m","details":[{"@type":"type.example/shop.Basket","@value":"CAf/","@error":"x"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1s","newField":{"x":1}}]}`
	if got := grpcstatus.Convert(unmarshal(t, 404, body)).Proto(); !proto.Equal(got, st) {
		t.Errorf("read %v; want %v", got, st)
	}
}

// What protojson writes of a whole status is one of the forms.
func TestProtojsonOfAStatus(t *testing.T) {
	for _, c := range testrpc.EveryCode(t) {
		sent := status.New(c, "m").WithDetails(testrpc.BadRequest()).GRPCStatus().Proto()
		b, err := protojson.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		if err := unmarshal(t, 500, string(b)); !errors.Is(err, c) || !proto.Equal(grpcstatus.Convert(err).Proto(), sent) {
			t.Errorf("%v: read %v", c, err)
		}
	}
}

// A code is assumed for a canonical code in the body. None is assumed for a code that follows
// from the HTTP status, because a proxy or another service may have written the body.
func TestAssumedCodes(t *testing.T) {
	decoder := &status.Decoder{AssumeCodes: true}
	reader := &statushttp.Reader{Decoder: decoder}
	for body, want := range map[string]bool{
		`{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}`: true,
		`{"title":"t","grpcCode":"NOT_FOUND"}`:                      true,
		`{"code":"not_found","message":"m"}`:                        true,
		`{"code":5,"message":"m","details":[]}`:                     true,
		`{"code":5,"details":[` + badRequestJSON + `]}`:             true,
		"":                                     false,
		"<html>nginx</html>":                   false,
		`{"message":"m"}`:                      false,
		`{"title":"t"}`:                        false,
		`{"detail":"m"}`:                       false,
		`{"title":"t","grpcCode":"NONE"}`:      false,
		`{"error":{"code":404,"message":"m"}}`: false,
		`{"code":404,"message":"m"}`:           false,
		`{"code":3,"message":"a number of its own"}`: false,
		`{"code":0,"message":"m"}`:                   false,
	} {
		resp := &http.Response{StatusCode: 404, Body: io.NopCloser(strings.NewReader(body))}
		for _, err := range []error{reader.Unmarshal(t.Context(), 404, []byte(body)), reader.CheckResponse(resp)} {
			if _, declared := status.Declared(err); declared != want || errors.Is(err, codes.RecordNotFound) != want {
				t.Errorf("%s: an assumed code is %t; want %t", body, declared, want)
			}
			if got := grpcstatus.Code(err); got != grpccodes.NotFound {
				t.Errorf("%s: read %v; want NOT_FOUND", body, got)
			}
		}
	}
	if !decoder.AssumeCodes {
		t.Error("reading has changed the Decoder")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	resp := &http.Response{StatusCode: 404, Body: io.NopCloser(iotest.ErrReader(context.Canceled)), Request: new(http.Request).WithContext(ctx)}
	if _, declared := status.Declared(reader.CheckResponse(resp)); declared {
		t.Error("a code is assumed for the end of the caller's own context")
	}
}
