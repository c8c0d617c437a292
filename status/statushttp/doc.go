// Package statushttp writes failures as HTTP answers with JSON, and reads them back.
//
// A handler returns its error. The [Writer] decides on it by the same rules as a gRPC
// server, and writes it in the form that the request accepts:
//
//	var failures statushttp.Writer
//
//	mux.Handle("GET /users/{id}", failures.Handler(func(w http.ResponseWriter, r *http.Request) error {
//		return status.Errorf(codes.RecordNotFound, "user %q", r.PathValue("id"))
//	}))
//
// A Go client reads the same code, message, metadata and details:
//
//	if err := statushttp.CheckResponse(resp); errors.Is(err, codes.RecordNotFound) { … }
//
// No body and no header has private text: neither a cause nor the text of %w, of a panic or of
// an upstream that isn't trusted. Package status has the terms and the rules.
package statushttp
