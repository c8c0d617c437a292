package main

import (
	"encoding/json"

	"github.com/errstatus/errstatus/internal/reference"
)

// outputVersion is the version of the JSON output. It changes if a field is removed or
// gets another meaning. New fields don't change it.
const outputVersion = 1

// An Output is what explain, list and search print with -o json.
type Output struct {
	Version  int       `json:"version"`             // 1
	Answers  []Answer  `json:"answers"`             // in the order of the input; never null
	Omitted  int       `json:"omitted,omitempty"`   // how many answers there are beyond the limit of explain
	NotFound []Missing `json:"not_found,omitempty"` // the arguments that explain doesn't know
}

// An Answer explains one thing that was found. It has at least one of Code, GRPC, Status,
// ErrorInfo and Codes.
type Answer struct {
	Found     string     `json:"found,omitempty"`         // the text that was recognised, shortened to 100 bytes
	As        string     `json:"as,omitempty"`            // what it was taken for, such as "number", "reason" or "status"
	Code      *Code      `json:"code,omitempty"`          // the domain code; of a status, the code that it carries
	GRPC      *Canonical `json:"grpc,omitempty"`          // the canonical code, if the text has nothing but that
	Status    *Status    `json:"status,omitempty"`        // the google.rpc.Status in the text
	Codes     []Code     `json:"codes,omitempty"`         // up to 50 codes that begin with a prefix
	Omitted   int        `json:"omitted_codes,omitempty"` // how many more begin with it
	ErrorInfo *Info      `json:"error_info,omitempty"`    // what identifies the code in the text
	Notes     []string   `json:"notes,omitempty"`         // sentences for people
}

// A Code is a code of a reference, with all its fields, and its domain.
type Code struct {
	Domain string `json:"domain"`
	reference.Code
}

// A Canonical is one of gRPC's codes 0 to 16.
type Canonical struct {
	Number     int32    `json:"number"`
	Name       string   `json:"name"` // such as "NOT_FOUND"
	HTTPStatus int      `json:"http_status"`
	Fault      string   `json:"fault"`                   // "none", "caller", "server" or "transient", where no row says otherwise
	Retry      string   `json:"retry"`                   // "never", "call" or "transaction", where no row says otherwise
	Codes      []string `json:"codes,omitempty"`         // up to 50 codes that have it, such as "openim.io/RECORD_NOT_FOUND"
	Omitted    int      `json:"omitted_codes,omitempty"` // how many more have it
}

// A Status is a google.rpc.Status: the bytes of grpc-status-details-bin, or a text with the
// same fields.
type Status struct {
	Code      int32    `json:"code"`                // as in the status
	GRPCCode  string   `json:"grpc_code,omitempty"` // the name of Code, if it is canonical
	Message   string   `json:"message,omitempty"`
	Size      int      `json:"size"`                // in bytes, as protobuf; 0 if the size of a detail isn't known
	WireSize  int      `json:"wire_size"`           // in bytes, as base64 in the header grpc-status-details-bin
	Header    *Header  `json:"header,omitempty"`    // the grpc-status beside it, if there is one
	Truncated []string `json:"truncated,omitempty"` // what the sender dropped: "details", "metadata", "message"
	Details   []Detail `json:"details,omitempty"`
	Omitted   int      `json:"omitted_details,omitempty"` // how many details there are beyond the limit of 32
}

// A Header is a canonical code that stands beside a status, such as in grpc-status.
type Header struct {
	Code   int32  `json:"code"`
	Name   string `json:"name,omitempty"`
	Agrees bool   `json:"agrees"` // whether the status has the same code: most clients refuse another
}

// An Info is the google.rpc.ErrorInfo that identifies the code.
type Info struct {
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Omitted  int               `json:"omitted_metadata,omitempty"` // how many pairs there are beyond the limit of 64
}

// A Detail is one detail of a status. It has a Value if its type is known, and otherwise
// Fields and Base64.
type Detail struct {
	Type   string          `json:"type"` // such as "google.rpc.BadRequest"
	Size   int             `json:"size"` // in bytes, without the type; 0 if the text doesn't tell
	Value  json.RawMessage `json:"value,omitempty"`
	Fields []Field         `json:"fields,omitempty"`
	Base64 string          `json:"base64,omitempty"`
	Error  string          `json:"error,omitempty"` // why Value or Fields are missing
}

// A Field is a field of a message of an unknown type.
type Field struct {
	Number int32  `json:"number"`
	Name   string `json:"name,omitempty"` // of openim.protobuf.ErrorInfo
	Value  string `json:"value"`          // a number in decimal, a text, or "base64:" and bytes
}

// A Missing is an argument that explain doesn't know.
type Missing struct {
	Input   string   `json:"input"`             // shortened to 100 bytes
	Nearest []string `json:"nearest,omitempty"` // up to three codes with a similar name, reason or number
	Note    string   `json:"note,omitempty"`
}
