package testrpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	grpccodes "google.golang.org/grpc/codes"
)

// A LogRecord is the record of a withheld error, in the JSON of slog's handler.
type LogRecord struct {
	Level   string `json:"level"`
	Service string `json:"grpc.service"`
	Method  string `json:"grpc.method"`
	Code    string `json:"grpc.code"`
	Error   any    `json:"error"`

	// These are in few records.
	RequestID         string `json:"request_id"`
	UpstreamRequestID string `json:"upstream_request_id"`
	Cause             any    `json:"cause"`
	Panic             any    `json:"panic"`
	Amendment         any    `json:"amendment"`
}

// CaptureLog replaces slog's default logger until the test ends. The function it
// returns gives the records since its last call. A server logs a failure before it
// sends it, so a client that has its error can read the record.
func CaptureLog(t testing.TB) func() []LogRecord {
	t.Helper()
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&buffer, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() (records []LogRecord) {
		t.Helper()
		for buffer.Len() > 0 {
			line, _ := buffer.ReadBytes('\n')
			var r LogRecord
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("the log line is %q (%v); want JSON", line, err)
			}
			records = append(records, r)
		}
		return records
	}
}

// CheckWithheld checks that got is one record of a withheld error, and that the
// logged error contains text.
func CheckWithheld(t testing.TB, got []LogRecord, method string, code grpccodes.Code, text string) {
	t.Helper()
	want := []LogRecord{{Level: "ERROR", Service: "grpc.testing.TestService", Method: method, Code: code.String()}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(LogRecord{}, "Error", "RequestID", "UpstreamRequestID", "Cause", "Panic", "Amendment")); diff != "" {
		t.Fatalf("the log records (-want +got):\n%s", diff)
	}
	if logged := fmt.Sprint(got[0].Error); !strings.Contains(logged, text) {
		t.Errorf("the logged error is %q; want it to contain %q", logged, text)
	}
}
