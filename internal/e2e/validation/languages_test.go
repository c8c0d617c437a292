package validation_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
	"github.com/errstatus/errstatus/status/statushttp"
)

// german returns the localizer of a server that translates two of protovalidate's rules.
func german(t *testing.T) *localize.Localizer {
	l, err := localize.New().WithFieldTexts("de", map[string]string{
		"string.min_len": "zu kurz",
		"DOUBLE_GT":      "zu klein",
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const wrongTwice = `name: "an" card: "1" items { price: 1 } items { price: -1 }`

// The descriptions of protovalidate's violations are translated by the ids of the rules.
func TestViolationsInTheCallersLanguage(t *testing.T) {
	conn := connect(t, accepting, interceptor.WithLocalizer(german(t).Amend))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "accept-language", "de-AT,de;q=0.9")
	for kind, call := range calls {
		var got []string
		for v := range status.FieldViolations(call(ctx, conn, order(t, wrongTwice))) {
			got = append(got, v.GetField()+": "+v.GetLocalizedMessage().GetMessage()+", "+v.GetDescription())
		}
		want := []string{"name: zu kurz, must be at least 3 characters", "items[1].price: zu klein, must be greater than 0"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the violations (-want +got):\n%s", kind, diff)
		}
	}
}

// A handler of net/http answers with the same rules.
func TestViolationsInAProblem(t *testing.T) {
	writer := statushttp.Writer{Encoder: interceptor.NewServer(
		interceptor.WithErrorMapper(invalidRequest), interceptor.WithLocalizer(german(t).Amend),
	)}
	request := httptest.NewRequest("POST", "/orders", nil)
	request.Header.Set("Accept", "application/problem+json")
	request.Header.Set("Accept-Language", "de")
	recorder := httptest.NewRecorder()
	writer.Write(recorder, request, protovalidate.Validate(order(t, wrongTwice)))

	type violation struct{ Pointer, Field, Detail, Message, Locale, Reason string }
	var got struct {
		Code   codes.Number
		Errors []violation
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
		t.Fatalf("the body is %s (%v); want JSON", recorder.Body, err)
	}
	want := []violation{
		{"#/name", "name", "zu kurz", "must be at least 3 characters", "de", "STRING_MIN_LEN"},
		{"#/items/1/price", "items[1].price", "zu klein", "must be greater than 0", "de", "DOUBLE_GT"},
	}
	if diff := cmp.Diff(want, got.Errors); diff != "" || recorder.Code != 400 || got.Code != codes.Args.Number() {
		t.Errorf("the answer is %d with code %d; the violations (-want +got):\n%s", recorder.Code, got.Code, diff)
	}
}
