package testrpc

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	grpccodes "google.golang.org/grpc/codes"
)

// A LogRecord is a record of a server's log, in the JSON of slog's handler.
type LogRecord struct {
	Level   string `json:"level"`
	Service string `json:"grpc.service"`
	Method  string `json:"grpc.method"`
	Code    string `json:"grpc.code"`

	Name    string `json:"error.name"`
	Number  int    `json:"error.number"`
	Reason  string `json:"error.reason"`
	Message string `json:"error.message"`
	Cause   string `json:"error.cause"`

	// These are in few records.
	RequestID         string `json:"request_id"`
	UpstreamRequestID string `json:"upstream_request_id"`
	ContextCause      string `json:"error.context_cause"`
	Panic             string `json:"error.panic"`
	Stack             string `json:"error.stack"`
	Amendment         string `json:"error.amendment"`
	Key               string `json:"key"` // a metadata key that isn't sent
}

// LevelOf returns the level at which a server logs a failure with private text, or "" if it
// isn't logged, by the canonical code.
func LevelOf(code grpccodes.Code) string {
	switch code {
	case grpccodes.Internal, grpccodes.Unknown, grpccodes.DataLoss:
		return "ERROR"
	case grpccodes.Unavailable, grpccodes.DeadlineExceeded, grpccodes.Unimplemented:
		return "WARN"
	}
	return ""
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
// logged cause contains text.
func CheckWithheld(t testing.TB, got []LogRecord, method string, code grpccodes.Code, text string) {
	t.Helper()
	if len(got) != 1 || got[0].Level != LevelOf(code) || got[0].Method != method || got[0].Code != code.String() {
		t.Fatalf("the log has %+v; want one record of %s, with %v and level %s", got, method, code, LevelOf(code))
	}
	if logged := got[0].Cause; !strings.Contains(logged, text) {
		t.Errorf("the logged cause is %q; want it to contain %q", logged, text)
	}
}
