// Package reference has the reference of a table of domain codes, for people and for tools.
// protoc-gen-errstatus-doc writes it as JSON, Markdown and HTML, and the errstatus command
// reads the JSON.
//
// [New] and [Reference.Add] make a reference of an enum, and [Read] reads one from JSON.
// [Reference.Table] turns it into a table, with which [codes.Compare] compares two versions
// of an enum.
package reference

// Version is the version of the JSON format. A reader refuses any other.
const Version = 1

// A Reference describes the codes of one enum, in the order of their declaration.
type Reference struct {
	Version     int    `json:"version"`               // [Version]
	Domain      string `json:"domain"`                // such as "openim.io"
	Enum        string `json:"enum"`                  // the enum's full name in protobuf
	Explanation string `json:"explanation,omitempty"` // the enum's comment
	Codes       []Code `json:"codes"`
}

// A Code describes one code.
type Code struct {
	Number        int32       `json:"number"`
	Name          string      `json:"name"`                  // in Go, such as "RecordNotFound"
	OtherNames    []string    `json:"other_names,omitempty"` // in the .proto file, if they differ
	Reason        string      `json:"reason"`
	FormerReasons []string    `json:"former_reasons,omitempty"`
	GRPCCode      string      `json:"grpc_code"`   // such as "NOT_FOUND"
	HTTPStatus    int         `json:"http_status"` // as statushttp.Code maps grpc_code
	Fault         string      `json:"fault"`       // "none", "caller", "server" or "transient"
	Retry         string      `json:"retry"`       // "never", "call" or "transaction"
	Default       bool        `json:"default,omitempty"`
	Deprecated    bool        `json:"deprecated,omitempty"`
	Message       string      `json:"message"`
	Template      string      `json:"template,omitempty"`
	Parameters    []string    `json:"parameters,omitempty"` // of the template, in its order
	Localized     []Localized `json:"localized,omitempty"`
	Explanation   string      `json:"explanation,omitempty"` // the value's comment
	Resolution    string      `json:"resolution,omitempty"`  // what to do about it
}

// A Localized is a message in one language. It has a message, a template or both.
type Localized struct {
	Locale   string `json:"locale"`
	Message  string `json:"message,omitempty"`
	Template string `json:"template,omitempty"`
}
