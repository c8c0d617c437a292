package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
)

//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load nothing from elsewhere, and run no inline scripts.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// handlePage adds the page to a mux.
func handlePage(mux *http.ServeMux) error {
	index, err := template.ParseFS(pageFiles, "page/index.html")
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := index.Execute(&page, []*codes.Table{codes.Default(), accountspb.AccountCode(0).Table()}); err != nil {
		return err
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(page.Bytes()))
	})
	for _, name := range []string{"page.js", "page.css"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, pageFiles, "page/"+name)
		})
	}
	return nil
}
