package statushttp_test

import (
	"strings"
	"testing"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status/statushttp"
)

func TestAccept(t *testing.T) {
	const aip, problem = "application/json", "application/problem+json"
	aipFirst := []statushttp.Form{statushttp.FormAIP193, statushttp.FormProblem}
	problemFirst := []statushttp.Form{statushttp.FormProblem, statushttp.FormAIP193}
	for _, tt := range []struct {
		forms  []statushttp.Form
		accept []string
		want   string
	}{
		{nil, nil, aip},
		{nil, []string{""}, aip},
		{problemFirst, nil, problem},
		{aipFirst, []string{"*/*"}, aip},
		{problemFirst, []string{"*/*"}, problem},
		{aipFirst, []string{"application/*"}, aip},
		{aipFirst, []string{"application/json"}, aip},
		{problemFirst, []string{"application/json"}, aip},
		{aipFirst, []string{"application/problem+json"}, problem},
		{aipFirst, []string{"Application/Problem+JSON"}, problem},
		{aipFirst, []string{" application/problem+json ; q=1 "}, problem},
		{aipFirst, []string{"application/problem+json;charset=utf-8"}, problem},
		{aipFirst, []string{"application/problem+json, application/json"}, aip},
		{aipFirst, []string{"application/json;q=0.5, application/problem+json;q=0.6"}, problem},
		{aipFirst, []string{"application/json;Q=0.5, application/problem+json"}, problem},
		{aipFirst, []string{"application/json;q=0.5", "application/problem+json;q=0.6"}, problem},
		{aipFirst, []string{"application/json;q=0.6, application/problem+json;q=0.5"}, aip},
		// A type that is named comes before one that only a range has.
		{aipFirst, []string{"application/problem+json, */*"}, problem},
		{aipFirst, []string{"application/problem+json, application/*"}, problem},
		{problemFirst, []string{"application/json, text/plain, */*"}, aip},
		{aipFirst, []string{"application/problem+json;q=0.1, */*;q=0.9"}, aip},
		{aipFirst, []string{"application/json;q=0, */*"}, problem},
		// What isn't accepted at all gets the first form.
		{aipFirst, []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, aip},
		{aipFirst, []string{"text/html"}, aip},
		{problemFirst, []string{"text/html"}, problem},
		{aipFirst, []string{"application/json;q=0"}, aip},
		{aipFirst, []string{"application/json;q=0, application/problem+json;q=0"}, aip},
		{problemFirst, []string{"application/problem+json;q=0"}, problem},
		// Malformed elements are no reason to fail.
		{aipFirst, []string{"application/problem+json;q=2"}, aip},
		{aipFirst, []string{"application/problem+json;q=NaN"}, aip},
		{aipFirst, []string{"application/problem+json;q=-1"}, aip},
		{aipFirst, []string{"application/problem+json;q=x"}, aip},
		{aipFirst, []string{"application/problem+json;q"}, aip},
		{aipFirst, []string{",;,;q=1,/,*,application/problem"}, aip},
		{aipFirst, []string{strings.Repeat("x/y;q=0.3,", 1000) + "application/problem+json"}, problem},
	} {
		w := statushttp.Writer{Forms: tt.forms}
		rec := record(&w, codes.Args, "Accept", tt.accept...)
		if got := rec.Header().Get("Content-Type"); got != tt.want || rec.Code != 400 {
			t.Errorf("forms %v, Accept %.80q: HTTP status %d, %s; want 400 and %s", tt.forms, tt.accept, rec.Code, got, tt.want)
		}
	}
}
