package reference

import (
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

var (
	//go:embed page/page.html
	pageText string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/page.js
	pageScript string

	page = template.Must(template.New("page").Parse(pageText))
)

// pageCode is a code as the page shows it.
type pageCode struct {
	Code
	Explanations, Resolutions []string // their paragraphs
	Advice                    string   // about retries
}

// WriteHTML writes the reference as one HTML page. The page loads nothing, and its policy
// allows no script and no style but its own.
func (r *Reference) WriteHTML(w io.Writer) error {
	shown := make([]pageCode, len(r.Codes))
	for i, c := range r.Codes {
		shown[i] = pageCode{c, split(c.Explanation), split(c.Resolution), c.advice()}
	}
	return page.Execute(w, map[string]any{
		"Generated": template.HTML(generated), // package template removes comments
		"Domain":    r.Domain,
		"Enum":      r.Enum,
		"Intro":     split(r.Explanation),
		"Faults":    r.faults(),
		"Codes":     shown,
		"Style":     template.CSS(pageStyle),
		"Script":    template.JS(pageScript),
		"Policy":    fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", sourceOf(pageStyle), sourceOf(pageScript)),
	})
}

// sourceOf returns the source expression of a Content Security Policy that allows an inline
// style or script with this text only.
func sourceOf(inline string) string {
	sum := sha256.Sum256([]byte(inline))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// split returns the paragraphs of a text.
func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n\n")
}

// advice returns the code's [RetryAdvice].
func (c Code) advice() string {
	retry, _ := parse("retry", c.Retry, codes.RetryNever, codes.RetryCall, codes.RetryTransaction) // an unknown one is never
	return RetryAdvice(retry, grpccodes.Code(code.Code_value[c.GRPCCode]))
}

// faults returns the faults of the reference's codes, without none.
func (r *Reference) faults() []string {
	var faults []string
	for _, fault := range []codes.Fault{codes.FaultCaller, codes.FaultServer, codes.FaultTransient} {
		if slices.ContainsFunc(r.Codes, func(c Code) bool { return c.Fault == fault.String() }) {
			faults = append(faults, fault.String())
		}
	}
	return faults
}
