package connectstatus_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// A plain HTTP client reads every code from the JSON that Connect sends.
func TestJSONIsReadByStatusHTTP(t *testing.T) {
	svc := returning(nil)
	url := "http://" + serve(t, svc, onServer()) + "/grpc.testing.TestService/UnaryCall"
	client := httpClient(t, wires[0])
	reader := statushttp.Reader{Decoder: &status.Decoder{}}
	for _, f := range forms {
		for _, c := range testrpc.EveryCode(t) {
			svc.Return(testrpc.AtOpen, f.of(c))
			response, err := client.Post(url, "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			err = reader.CheckResponse(response)
			response.Body.Close()
			want := testrpc.WantReading(t, c, f.message, f.metadata, f.details...)
			if diff := want.Diff(testrpc.Read(err, c)); diff != "" {
				t.Errorf("%v, %s: what the caller reads (-want +got):\n%s", c, f.name, diff)
			}
			if got, want := response.StatusCode, statushttp.Code(want.Canonical); got != want {
				t.Errorf("%v: the HTTP status is %d %s; want %d", c, got, http.StatusText(got), want)
			}
		}
	}
}
