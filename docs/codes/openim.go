// Package openim has the reference of OpenIM's codes, which go generate makes from the
// comments of codes/error.proto. People read openim.io.md and openim.io.html. The errstatus
// command reads the JSON, which this package embeds. It is no API for other programs.
package openim

import _ "embed" // the reference

// Reference is the reference of the domain "openim.io" as JSON.
//
//go:embed openim.io.json
var Reference string
