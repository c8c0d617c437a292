package statushttp_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/statushttp"
)

// TestPage checks that docs/http.md shows bodies as they are written. Each is below a comment
// <!-- body: NAME -->.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	notFound := status.New(codes.RecordNotFound, "no such user")
	invalid := status.New(codes.Args, "2 fields are invalid").WithMetadata("order", "42").WithDetails(
		&errdetails.RequestInfo{RequestId: "req-7"},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "items[2].price", Description: "must be positive", Reason: "NEGATIVE"},
			{Field: "name", Description: "must not be empty", Reason: "EMPTY"},
		}})
	for name, tt := range map[string]struct {
		form statushttp.Form
		st   *status.Status
	}{
		"aip193":    {statushttp.FormAIP193, notFound.WithMetadata("user", "42")},
		"problem":   {statushttp.FormProblem, invalid},
		"localized": {statushttp.FormProblem, notFound.WithDetails(localized)},
		"openim":    {statushttp.FormOpenIM, notFound},
	} {
		var w statushttp.Writer
		if name == "problem" {
			w.TypeURI = func(_, reason string) string { return "https://docs.example/errors/" + reason }
		}
		_, after, found := strings.Cut(string(page), "<!-- body: "+name+" -->\n```json\n")
		shown, _, _ := strings.Cut(after, "```")
		var got, want any
		if err := json.Unmarshal([]byte(shown), &got); err != nil || !found {
			t.Errorf("%s: found is %t, and the body is %s: %v", name, found, shown, err)
		}
		if err := json.Unmarshal(w.Marshal(tt.form, encode(t, tt.st.Err())), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the page isn't what is written (-written +page):\n%s", name, diff)
		}
	}
}
