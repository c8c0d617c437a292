package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"

	"google.golang.org/grpc/metadata"
)

// withRequestID gives an id to each HTTP request that has no valid one. A caller may send its own.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Request-Id", validRequestID(r.Header.Get("X-Request-Id")))
		next.ServeHTTP(w, r)
	})
}

// requestID returns the id of a call in any protocol: all of them put the request's headers into
// the incoming metadata. A caller of gRPC who sends no valid one gets a new one.
func requestID(ctx context.Context) string {
	if ids := metadata.ValueFromIncomingContext(ctx, "x-request-id"); len(ids) > 0 {
		return validRequestID(ids[0])
	}
	return validRequestID("")
}

// requestIDs are the ids that errstatus sends and logs. It removes any other.
var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// validRequestID returns id if it is valid, and otherwise a new one that a person can read aloud.
func validRequestID(id string) string {
	if requestIDs.MatchString(id) {
		return id
	}
	return rand.Text()[:10]
}
