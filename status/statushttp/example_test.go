package statushttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// findUser stands for the work of a handler.
func findUser(id string) error {
	return status.New(codes.RecordNotFound, "no such user").WithMetadata("user", id).Err()
}

func Example() {
	failures := statushttp.Writer{Encoder: interceptor.NewServer()}
	mux := http.NewServeMux()
	mux.Handle("GET /users/{id}", failures.Handler(func(rw http.ResponseWriter, r *http.Request) error {
		return findUser(r.PathValue("id"))
	}))
	server := httptest.NewServer(mux)
	defer server.Close()

	resp, err := http.Get(server.URL + "/users/42")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	err = statushttp.CheckResponse(resp)
	fmt.Println(resp.Status)
	fmt.Println(errors.Is(err, codes.RecordNotFound), err, status.Convert(err).Metadata())
	// Output:
	// 404 Not Found
	// true RecordNotFound: no such user map[user:42]
}

func ExampleWriter_Write() {
	failures := statushttp.Writer{
		Forms:   []statushttp.Form{statushttp.FormProblem},
		TypeURI: func(domain, reason string) string { return "https://docs.example/errors/" + reason },
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		failures.Write(rw, r, status.New(codes.SrvConnOverMaxNumLimit, "").WithRetryDelay(1500*time.Millisecond).Err())
	}))
	defer server.Close()

	resp, err := http.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, resp.Header.Get("Retry-After"))
	fmt.Println(string(body))
	// Output:
	// 429 Too Many Requests 2
	// {"type":"https://docs.example/errors/SRV_CONN_OVER_MAX_NUM_LIMIT","title":"too many connections","status":429,"detail":"too many connections","grpcCode":"RESOURCE_EXHAUSTED","code":1601,"reason":"SRV_CONN_OVER_MAX_NUM_LIMIT","domain":"openim.io","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.500s"}]}
}

func ExampleReader_Unmarshal() {
	var reader statushttp.Reader
	for _, body := range []string{
		`{"code":5,"message":"no such user","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RECORD_NOT_FOUND","domain":"openim.io"}]}`,
		`{"code":"not_found","message":"no such user"}`,
		`<html>Not Found</html>`,
	} {
		err := reader.Unmarshal(context.Background(), 404, []byte(body))
		fmt.Println(errors.Is(err, codes.RecordNotFound), err)
	}
	// Output:
	// true RecordNotFound: no such user
	// false rpc error: code = NotFound desc = no such user
	// false rpc error: code = NotFound desc = Not Found
}
