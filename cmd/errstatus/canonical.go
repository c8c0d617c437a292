package main

import (
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/code"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status/statushttp"
)

// maxCanonical is the highest canonical code.
const maxCanonical = grpccodes.Unauthenticated

// canonicalNames has the canonical codes by their folded names in protobuf and in Go.
var canonicalNames = func() map[string]grpccodes.Code {
	names := make(map[string]grpccodes.Code)
	for c := grpccodes.OK; c <= maxCanonical; c++ {
		names[fold(canonicalName(c))] = c
		names[fold(c.String())] = c // Canceled has one l in Go
	}
	return names
}()

// canonicalName returns the name of c in protobuf, such as "NOT_FOUND", or its number.
func canonicalName(c grpccodes.Code) string {
	if c > maxCanonical {
		return strconv.Itoa(int(int32(c)))
	}
	return code.Code(c).String()
}

// canonicalOf returns the canonical code with a name in any spelling.
func canonicalOf(name string) (c grpccodes.Code, ok bool) {
	c, ok = canonicalNames[fold(name)]
	return c, ok
}

// exactCanonical returns the canonical code with a name as gRPC's libraries print it:
// "NOT_FOUND" or "NotFound". OK is no failure, and isn't found.
func exactCanonical(name string) (c grpccodes.Code, ok bool) {
	c, ok = canonicalOf(name)
	return c, ok && c != grpccodes.OK && (name == canonicalName(c) || name == c.String())
}

// explainCanonical returns the answer for a canonical code, with the codes of the catalog
// that have it.
func (c *catalog) explainCanonical(canonical grpccodes.Code) *Canonical {
	name := canonicalName(canonical)
	answer := &Canonical{
		Number:     int32(canonical),
		Name:       name,
		HTTPStatus: statushttp.Code(canonical),
		Fault:      codes.FaultOf(canonical).String(),
		Retry:      codes.RetryOf(canonical).String(),
	}
	for _, e := range c.entries {
		switch {
		case e.code.GRPCCode != name:
		case len(answer.Codes) == maxListed:
			answer.Omitted++
		default:
			answer.Codes = append(answer.Codes, e.id())
		}
	}
	return answer
}
